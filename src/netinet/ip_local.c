/*
 * ip_local: packets for this host.  They wait in a queue of the CPU that
 * received them and are handled by its soft interrupt, so that a flood to this
 * host does not hold up forwarding.
 */

#include <errno.h>

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/ip_var.h"

/* The packets, and their bytes, handled in one pass: forwarding comes first. */
#define LOCAL_PASS	64
#define LOCAL_PASS_BYTES (256 * 1024)

/* A CPU's queue, used by that CPU alone, except the two counters that other
 * threads read. */
struct ip_ifq {
	struct mbuf	*iq_head, *iq_tail;
	uint64_t	 iq_len;	/* atomic stores */
	uint64_t	 iq_drops;	/* atomic stores */
} __attribute__((__aligned__(64)));

static inline struct ip_ifq *
my_ifq(const struct vnet *vn)
{

	return &vn->vn_ip->iv_ifq[net_curcpu()->ci_index];
}

static inline void
store64(uint64_t *p, uint64_t v)
{

	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

/*
 * Is the transport checksum right (RFC 768, RFC 9293 3.1)?  A driver may have
 * verified it already; and a packet whose checksum is still to be computed
 * (M_CSUM_PARTIAL) never left this machine.
 */
static bool
ip_transport_ok(const struct mbuf *m)
{
	const struct iphdr4 *ip = mtoip(m);
	unsigned hlen = ip_hlen(ip), len = m->m_pktlen - hlen;
	uint16_t uh[4];

	if ((m->m_csum_flags & (M_CSUM_VALID | M_CSUM_PARTIAL)) != 0)
		return true;
	if (ip->ip_p == IPPROTO_UDP) {
		if (!m_copydata(m, hlen, sizeof(uh), uh) ||
		    be16(uh[2]) < sizeof(uh) || be16(uh[2]) > len)
			return false;
		if (uh[3] == 0)
			return true;	/* sent without */
		len = be16(uh[2]);
	}
	return in_cksum_mbuf(m, hlen, len, in_cksum_pseudo(ip->ip_src,
	    ip->ip_dst, ip->ip_p, len)) == 0;
}

/* Hand a complete packet for this host to its protocol. */
static void
ip_deliver(struct ifnet *ifp, struct mbuf *m)
{
	const struct iphdr4 *ip = mtoip(m);

	if ((ip->ip_p == IPPROTO_TCP || ip->ip_p == IPPROTO_UDP) &&
	    !ip_transport_ok(m)) {
		m_drop(ifp, m, DROP_L4_CSUM);
		return;
	}
	cpu_stat_add(&ip_stats(ifp->if_vnet)->ips_delivered, 1);
	switch (ip->ip_p) {
	case IPPROTO_ICMP:
		icmp_input(ifp, m);
		break;
	case IPPROTO_UDP:
		icmp_error(ifp, m, ICMP4_UNREACH, ICMP4_UNREACH_PORT, 0);
		m_drop(ifp, m, DROP_IP_PORTUNREACH);
		break;
	default:
		icmp_error(ifp, m, ICMP4_UNREACH, ICMP4_UNREACH_PROTO, 0);
		m_drop(ifp, m, DROP_IP_PROTOUNREACH);
		break;
	}
}

/*
 * Take the packets of this pass, and their number.  Packets beyond its limits,
 * and packets that arrive meanwhile (loopback), are for the next pass.
 */
static struct mbuf *
ip_local_take(struct ip_ifq *iq, unsigned *n)
{
	struct mbuf *head = iq->iq_head, *last = NULL;
	uint32_t bytes = 0;

	for (*n = 0; iq->iq_head != NULL && *n < LOCAL_PASS &&
	    bytes < LOCAL_PASS_BYTES; (*n)++) {
		last = iq->iq_head;
		bytes += last->m_pktlen;
		iq->iq_head = last->m_nextpkt;
	}
	if (last != NULL)
		last->m_nextpkt = NULL;
	if (iq->iq_head == NULL)
		iq->iq_tail = NULL;
	store64(&iq->iq_len, iq->iq_len - *n);
	return head;
}

/* The soft interrupt's handler. */
static void
ip_local_softint(void *arg)
{
	struct vnet *vn = arg;
	struct ip_ifq *iq = my_ifq(vn);
	struct cpu *ci = net_curcpu();
	enum cpu_stage prev;
	struct mbuf *m, *next;
	struct ifnet *ifp;
	unsigned n;

	m = ip_local_take(iq, &n);
	prev = cpu_stage_enter(ci, STAGE_LOCAL, n);
	for (; m != NULL; m = next) {
		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		ifp = ip_held_if(m);
		in_iqueued_add(ifp, -1);
		mbuf_share_give(vn->vn_kern, MBUF_SHARE_LOCAL, m);
		if ((mtoip(m)->ip_off & htons(IP_MF | IP_OFFMASK)) != 0) {
			m = ip_reass(ifp, m);
			if (m == NULL)
				continue;
		}
		ip_deliver(ifp, m);
	}
	if (iq->iq_head != NULL)
		softint_schedule(vn->vn_ip->iv_si);
	cpu_stage_switch(ci, prev);
}

void
ip_local_input(struct ifnet *ifp, struct mbuf *m)
{
	struct vnet *vn = ifp->if_vnet;
	struct ip_ifq *iq = my_ifq(vn);

	if (iq->iq_len >= (uint64_t)__atomic_load_n(&vn->vn_ip->iv_ifq_maxlen,
	    __ATOMIC_RELAXED)) {
		store64(&iq->iq_drops, iq->iq_drops + 1);
		m_drop(ifp, m, DROP_PKTQ_FULL);
		return;
	}
	if (!mbuf_share_take(vn->vn_kern, MBUF_SHARE_LOCAL, m)) {
		store64(&iq->iq_drops, iq->iq_drops + 1);
		m_drop(ifp, m, DROP_LOCAL_SHARE);
		return;
	}
	m->m_nextpkt = NULL;
	ip_hold_if(m, ifp);
	if (iq->iq_head == NULL)
		iq->iq_head = m;
	else
		iq->iq_tail->m_nextpkt = m;
	iq->iq_tail = m;
	store64(&iq->iq_len, iq->iq_len + 1);
	in_iqueued_add(ifp, 1);
	softint_schedule(vn->vn_ip->iv_si);
}

void
ip_local_sweep(struct ifnet *ifp)
{
	struct ip_ifq *iq = my_ifq(ifp->if_vnet);
	struct mbuf **mp = &iq->iq_head, *m;

	iq->iq_tail = NULL;
	while ((m = *mp) != NULL) {
		if (m->m_rcvif != ifp->if_handle) {
			iq->iq_tail = m;
			mp = &m->m_nextpkt;
			continue;
		}
		*mp = m->m_nextpkt;
		m->m_nextpkt = NULL;
		store64(&iq->iq_len, iq->iq_len - 1);
		in_iqueued_add(ifp, -1);
		mbuf_share_give(if_kern(ifp), MBUF_SHARE_LOCAL, m);
		m_drop(ifp, m, DROP_IF_DETACHING);
	}
}

uint64_t
ip_local_len(struct vnet *vn)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < kern_ncpu(vn->vn_kern); i++)
		n += __atomic_load_n(&vn->vn_ip->iv_ifq[i].iq_len,
		    __ATOMIC_RELAXED);
	return n;
}

uint64_t
ip_local_drops(struct vnet *vn)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < kern_ncpu(vn->vn_kern); i++)
		n += __atomic_load_n(&vn->vn_ip->iv_ifq[i].iq_drops,
		    __ATOMIC_RELAXED);
	return n;
}

int
ip_local_init(struct vnet *vn)
{
	struct ip_vnet *iv = vn->vn_ip;

	iv->iv_ifq = host_alloc(vn->vn_kern->k_host,
	    kern_ncpu(vn->vn_kern) * sizeof(*iv->iv_ifq), 64);
	if (iv->iv_ifq == NULL)
		return ENOMEM;
	iv->iv_si = softint_establish(vn->vn_kern, "ip", ip_local_softint, vn);
	if (iv->iv_si == NULL) {
		host_free(vn->vn_kern->k_host, iv->iv_ifq);
		iv->iv_ifq = NULL;
		return ENOMEM;
	}
	return 0;
}

/* Every interface is gone, and its queued packets with it. */
void
ip_local_fini(struct vnet *vn)
{
	struct ip_vnet *iv = vn->vn_ip;

	softint_disestablish(iv->iv_si);
	host_free(vn->vn_kern->k_host, iv->iv_ifq);
}
