/*
 * The oracle's companion: packets.  What is offered to a point-to-point link
 * is where the oracle says; of an Ethernet, which sends things of its own, the
 * books balance.
 */

#include "oracle_impl.h"
#include "../unit/route_test.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"

#include <stdio.h>
#include <string.h>

struct burst {
	struct ifnet	*b_ifp;
	unsigned	 b_cpu, b_n;
	uint32_t	 b_nexthop;
	const struct op	*b_op;
};

/* On the CPU that is asked for. */
static bool
is_here(const struct burst *b)
{

	return cpu_index(curcpu()) == b->b_cpu;
}

static void
send_cpu(void *arg)
{
	const struct burst *b = arg;
	struct mvec mv;

	if (!is_here(b))
		return;
	mv.mv_n = m_get_bulk(mv.mv_m, b->b_n);
	KASSERT(mv.mv_n == b->b_n);
	for (unsigned i = 0; i < mv.mv_n; i++) {
		mv.mv_m[i]->m_len = mv.mv_m[i]->m_pktlen = 40;
		memset(mv.mv_m[i]->m_data, 0, 40);
		mv.mv_m[i]->m_data[0] = 0x45;
		test_hop_set(mv.mv_m[i], htonl(b->b_nexthop));
	}
	if_output_vec(b->b_ifp, TEST_AF, &mv);
}

/* ARP for an address that is here or is not; what nobody wants; too little. */
static void
put_frame(const struct op *op, struct mbuf *m)
{
	static const uint8_t arp[] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0,
	    0x99, 10, 0, 0, 3, 0, 0, 0, 0, 0, 0 };
	uint32_t addr = htonl(op_addr(op));
	uint8_t *p = m->m_data;

	m->m_len = m->m_pktlen = op->op_b & 4 ? 60 : 10;
	memset(p, 0xff, 6);
	memset(p + 6, 0, 54);
	p[6] = 2;
	p[11] = 0x99;
	p[12] = 8;
	p[13] = op->op_b & 8 ? 6 : 0x99;
	memcpy(p + 14, arp, sizeof(arp));
	p[30] = op->op_b & 3;
	memcpy(p + 38, &addr, 4);
}

static void
receive_cpu(void *arg)
{
	const struct burst *b = arg;
	struct mvec mv;

	if (!is_here(b))
		return;
	mv.mv_n = m_get_bulk(mv.mv_m, b->b_n);
	for (unsigned i = 0; i < mv.mv_n; i++)
		put_frame(b->b_op, mv.mv_m[i]);
	if_input_vec(b->b_ifp, &mv);
}

static void
busy_cpu(void *arg)
{
	const struct burst *b = arg;

	if (!is_here(b))
		return;
	if_flags_update(b->b_ifp, b->b_op->op_b & 1 ? IFF_OACTIVE : 0,
	    b->b_op->op_b & 1 ? 0 : IFF_OACTIVE);
	ifq_start(b->b_ifp);
}

void
o_do_packets(struct run *r, struct net *n, const struct op *op,
    const char *name)
{
	struct o_if *oi = o_if_name(&n->n_o, name);
	struct burst b = { .b_op = op };
	struct psref pr;

	if (oi == NULL || (op->op_kind == OP_BUSY && oi->oi_kind != O_PTP))
		return;
	b.b_ifp = if_get(n->n_vn, name, &pr);
	if (b.b_ifp == NULL)
		return;		/* no memory for the reference */
	b.b_cpu = op->op_c >> 16 & (r->r_ncpu > 1 ? 1 : 0);
	b.b_n = 1 + op->op_b % (O_SNDQ + 4);
	b.b_nexthop = op_addr(op);
	kern_xcall(r->r_kern, op->op_kind == OP_SEND ? send_cpu :
	    op->op_kind == OP_BUSY ? busy_cpu : receive_cpu, &b);
	if_put(b.b_ifp, &pr);
	if (oi->oi_kind != O_PTP)
		return;
	if (op->op_kind == OP_SEND)
		o_send(oi, b.b_n, n->n_o.o_plant);
	else if (op->op_kind == OP_BUSY)
		o_busy(oi, op->op_b & 1);
}

/* --- the books ------------------------------------------------------------ */

static void
get_data(struct net *n, const char *name, struct if_data *d,
    struct ifdropreq *dr)
{
	struct ifdatareq ifdr;

	memset(&ifdr, 0, sizeof(ifdr));
	memset(dr, 0, sizeof(*dr));
	(void)snprintf(ifdr.ifdr_name, IFNAMSIZ, "%s", name);
	(void)snprintf(dr->ifdq_name, IFNAMSIZ, "%s", name);
	KASSERT(ifioctl(n->n_vn, &kauth_cred_self, SIOCGIFDATA, &ifdr,
	    sizeof(ifdr)) == 0);
	KASSERT(ifioctl(n->n_vn, &kauth_cred_self, SIOCGIFDROPS, dr,
	    sizeof(*dr)) == 0);
	*d = ifdr.ifdr_data;
}

static void
compare_one(struct run *r, struct net *n, const struct o_if *oi)
{
	struct ifdropreq dr;
	struct if_data d;

	get_data(n, oi->oi_name, &d, &dr);
	if (d.ifi_ipackets != d.ifi_delivered + d.ifi_forwarded +
	    d.ifi_idrops + d.ifi_iqueued)
		o_fail(r, "%s: packets went in and nowhere", oi->oi_name);
	if (d.ifi_offered != d.ifi_opackets + d.ifi_odrops + d.ifi_oqueued)
		o_fail(r, "%s: packets went out and nowhere", oi->oi_name);
	if (oi->oi_kind != O_PTP)
		return;
	if (d.ifi_offered != oi->oi_offered ||
	    d.ifi_opackets != oi->oi_sent || d.ifi_oqueued != oi->oi_queued)
		o_fail(r, "%s: %ju offered, %ju sent, %ju queued, not %ju, "
		    "%ju, %u", oi->oi_name, (uintmax_t)d.ifi_offered,
		    (uintmax_t)d.ifi_opackets, (uintmax_t)d.ifi_oqueued,
		    (uintmax_t)oi->oi_offered, (uintmax_t)oi->oi_sent,
		    oi->oi_queued);
	if (dr.ifdq_drop[DROP_SNDQ_FULL] != oi->oi_full ||
	    dr.ifdq_drop[DROP_SNDQ_PURGED] != oi->oi_purged ||
	    dr.ifdq_drop[DROP_OUT_IF_DOWN] != oi->oi_down)
		o_fail(r, "%s: dropped for other reasons", oi->oi_name);
}

struct sum {
	uint64_t	 s_stat[IF_STAT_MAX];
	uint64_t	 s_drop[2];	/* in, out */
	uint64_t	 s_iqueued, s_oqueued;
};

static void
sum_add(struct sum *s, const struct if_counters *ic)
{

	for (int i = 0; i < IF_STAT_MAX; i++)
		s->s_stat[i] += ic->ic_stat[i];
	for (int i = 0; i < DROP_NREASONS; i++)
		s->s_drop[drop_is_output((enum drop_reason)i)] +=
		    ic->ic_drop[i];
}

/* Of the vnet, with those that are gone. */
static void
compare_sum(struct run *r, struct net *n)
{
	struct sum s;
	struct ifdropreq dr;
	struct if_data d;
	struct ifnet *ifp;

	memset(&s, 0, sizeof(s));
	sum_add(&s, &n->n_vn->vn_if->ifv_gone);
	for (unsigned i = 0; i < n->n_o.o_nifs; i++) {
		get_data(n, n->n_o.o_if[i]->oi_name, &d, &dr);
		s.s_iqueued += d.ifi_iqueued;
		s.s_oqueued += d.ifi_oqueued;
		pserialize_read_enter();
		ifp = ifunit(n->n_vn, n->n_o.o_if[i]->oi_name);
		KASSERT(ifp != NULL);
		for (unsigned c = 0; c < kern_ncpu(r->r_kern); c++)
			sum_add(&s, if_ctr(ifp, c));
		pserialize_read_exit();
	}
	if (s.s_stat[IF_STAT_IPACKETS] != s.s_stat[IF_STAT_DELIVERED] +
	    s.s_stat[IF_STAT_FORWARDED] + s.s_drop[0] + s.s_iqueued ||
	    s.s_stat[IF_STAT_OFFERED] != s.s_stat[IF_STAT_OPACKETS] +
	    s.s_drop[1] + s.s_oqueued)
		o_fail(r, "%s: packets of interfaces that are gone are lost",
		    n->n_name);
}

void
compare_packets(struct run *r, struct net *n)
{

	for (unsigned i = 0; i < n->n_o.o_nifs; i++)
		compare_one(r, n, n->n_o.o_if[i]);
	compare_sum(r, n);
}
