/*
 * Order: the packets of a flow (source, destination, protocol) leave in the
 * order in which they came, whatever happens to each of them on the way.
 *
 * Vectors are made of packets of several flows, any of which can be odd: it
 * has options, is to be cut in fragments or in segments, lacks a checksum, lies
 * in two buffers or in shared ones, has a priority tag, is at the end of its
 * time to live, came in a link-level broadcast, or is taken by a hook on its
 * way in or out.  The flows lead out of more interfaces than a vector is split
 * for, through gateways, back where they came from, to this host, to nowhere,
 * to a group, and to a neighbour that is found in the middle; one has a source
 * that does not belong where it comes from.
 */

#define TIF_KEEP	2048
#include "in_test.h"

#define NOUT		6	/* networks 10.0.10.0/24, 10.0.11.0/24, ... */
#define NROUNDS		40
#define SEQS		4096
/* The identification is the sequence number and a segment's number. */
#define SEGBITS		4

/* Packets that hooks take. */
#define TOS_NOT_IN	0x04
#define TOS_NOT_OUT	0x08

enum kind { FORWARD, LATE, BACK, LOCAL, NOWHERE, SILENT };

struct flow {
	enum kind	 fl_kind;
	char		 fl_src[16], fl_dst[16];
	unsigned	 fl_next;	/* sequence number */
	/* Expected to leave, and what did; likewise errors about them. */
	unsigned	 fl_nsent, fl_nleft, fl_nbad, fl_nerror;
	uint16_t	 fl_sent[SEQS], fl_bad[SEQS];
};

struct order {
	struct in_test	*od_it;
	struct tif	 od_out[NOUT];
	struct flow	 od_flow[NOUT + 8];
	unsigned	 od_nflow, od_n;
	uint64_t	 od_rng;
};

static unsigned
pick(struct order *od, unsigned n)
{

	od->od_rng = od->od_rng * 6364136223846793005ull + 1442695040888963407;
	return (unsigned)(od->od_rng >> 33) % n;
}

static void
flow_add(struct order *od, enum kind kind, const char *src, const char *dst)
{
	struct flow *fl = &od->od_flow[od->od_nflow++];

	fl->fl_kind = kind;
	(void)snprintf(fl->fl_src, sizeof(fl->fl_src), "%s", src);
	(void)snprintf(fl->fl_dst, sizeof(fl->fl_dst), "%s", dst);
}

static struct flow *
flow_find(struct order *od, uint32_t src, uint32_t dst)
{

	for (unsigned i = 0; i < od->od_nflow; i++)
		if (ip_is(src, od->od_flow[i].fl_src) &&
		    ip_is(dst, od->od_flow[i].fl_dst))
			return &od->od_flow[i];
	return NULL;
}

/* --- making -------------------------------------------------------------- */

/* Options in front of the payload of a packet without any; its new length. */
static unsigned
put_options(struct order *od, uint8_t *pkt, unsigned len)
{
	static const uint8_t opts[][8] = {
		{ IPOPT_NOP, IPOPT_NOP, IPOPT_NOP, IPOPT_EOL },
		{ IPOPT_RR, 7, 4, 0, 0, 0, 0, IPOPT_EOL },
		{ 0x94, 4, 0, 0, IPOPT_EOL },
	};
	struct iphdr4 *ip = (struct iphdr4 *)(void *)pkt;

	memmove(pkt + 28, pkt + 20, len - 20);
	memcpy(pkt + 20, opts[pick(od, 3)], 8);
	ip->ip_vhl = 0x47;
	ip->ip_len = be16((uint16_t)(len + 8));
	return len + 8;
}

static unsigned
put_header(const struct order *od, uint8_t *frame, bool bcast, bool tag)
{
	const struct tif *in = &od->od_it->it_a;
	unsigned at = 12;

	memcpy(frame, in->tif_mac, 6);
	if (bcast)
		memset(frame, 0xff, 6);
	memcpy(frame + 6, in->tif_peer, 6);
	if (tag) {
		memcpy(frame + at, "\x81\x00\x60\x00", 4);
		at += 4;
	}
	frame[at] = 8, frame[at + 1] = 0;
	return at + 2;
}

/* The bytes as a packet, in two buffers or in shared ones at times. */
static struct mbuf *
put_mbuf(struct order *od, const uint8_t *frame, unsigned len,
    struct mbuf **own)
{
	unsigned cut = pick(od, 8) == 0 ? 1 + pick(od, 60) : len;
	struct mbuf *m, *n;

	*own = NULL;
	m = m_gethdr();
	KASSERT(m != NULL && m_append(m, frame, cut) == 0);
	if (cut < len) {
		n = m->m_next = m_gethdr();
		KASSERT(n != NULL && m_append(n, frame + cut, len - cut) == 0);
		m->m_pktlen = len;
	}
	if (pick(od, 8) != 0)
		return m;
	*own = m;
	m = m_ref(m);
	KASSERT(m != NULL);
	return m;
}

/* The next packet of a flow, and what is to become of it. */
static struct mbuf *
flow_packet(struct order *od, struct flow *fl, struct mbuf **own)
{
	unsigned seq = fl->fl_next++, size = pick(od, 8) == 0 ? 1480 : 40;
	bool bcast = pick(od, 16) == 0, ends = pick(od, 16) == 0, gso = false;
	unsigned hook = pick(od, 10);
	uint8_t frame[1700], *pkt;
	unsigned len, at;
	struct iphdr4 *ip;
	struct mbuf *m;

	at = put_header(od, frame, bcast, pick(od, 8) == 0);
	pkt = frame + at;
	if (fl->fl_kind == LOCAL)
		len = mk_echo(pkt, fl->fl_src, fl->fl_dst, 1, (uint16_t)seq,
		    20);
	else
		len = mk_udp(pkt, fl->fl_src, fl->fl_dst, ends ? 1 : 64, size);
	ip = (struct iphdr4 *)(void *)pkt;
	ip->ip_id = be16((uint16_t)(seq << SEGBITS));
	ip->ip_tos = hook == 0 ? TOS_NOT_IN : hook == 1 ? TOS_NOT_OUT : 0;
	if (pick(od, 4) == 0)
		len = put_options(od, pkt, len);
	ip_set_cksum(ip);
	m = put_mbuf(od, frame, at + len, own);
	if (fl->fl_kind != LOCAL && size == 40 && pick(od, 4) == 0) {
		m->m_csum_flags = M_CSUM_PARTIAL;
		m->m_csum_start = (uint16_t)(at + ip_hlen(ip));
		m->m_csum_offset = 6;
		gso = pick(od, 2) == 0;
	}
	if (gso) {
		m->m_csum_flags |= M_USO;
		m->m_segsz = 8;
	}
	if (bcast || fl->fl_kind == SILENT || hook == 0)
		return m;
	if (ends && fl->fl_kind != LOCAL)
		fl->fl_bad[fl->fl_nbad++] = (uint16_t)seq;
	else if (fl->fl_kind != NOWHERE && hook != 1)
		fl->fl_sent[fl->fl_nsent++] = (uint16_t)seq;
	return m;
}

static void
order_cpu(void *arg)
{
	struct order *od = arg;
	struct mbuf *own[MVEC_MAX];
	struct mvec mv;

	for (mv.mv_n = 0; mv.mv_n < od->od_n; mv.mv_n++)
		mv.mv_m[mv.mv_n] = flow_packet(od,
		    &od->od_flow[pick(od, od->od_nflow)], &own[mv.mv_n]);
	if_input_vec(od->od_it->it_a.tif_ifp, &mv);
	for (unsigned i = 0; i < od->od_n; i++)
		if (own[i] != NULL)
			m_freem(own[i]);
}

/* Take the marked packets out of a vector. */
static void
order_hook(void *arg, struct ifnet *ifp, enum pfil_dir dir, struct mvec *mv)
{
	const uint8_t mark = dir == PFIL_IN ? TOS_NOT_IN : TOS_NOT_OUT;
	unsigned n = 0, at;
	uint8_t type[2], tos;

	(void)arg;
	for (unsigned i = 0; i < mv->mv_n; i++) {
		at = 12;
		KASSERT(m_copydata(mv->mv_m[i], at, 2, type));
		if (type[0] == 0x81)
			at += 4;
		KASSERT(m_copydata(mv->mv_m[i], at, 2, type) &&
		    m_copydata(mv->mv_m[i], at + 3, 1, &tos));
		if (type[0] == 8 && type[1] == 0 && tos == mark)
			m_drop(ifp, mv->mv_m[i], dir == PFIL_IN ?
			    DROP_FILTER_IN : DROP_FILTER_OUT);
		else
			mv->mv_m[n++] = mv->mv_m[i];
	}
	mv->mv_n = n;
}

/* --- looking ------------------------------------------------------------- */

static void
seen(const uint16_t *list, unsigned n, unsigned *at, unsigned seq)
{

	/* Another fragment or segment of the last one, or the next. */
	if (*at > 0 && list[*at - 1] == seq)
		return;
	if (*at >= n || list[*at] != seq)
		(void)fprintf(stderr, "packet %u, expected %d\n", seq,
		    *at < n ? list[*at] : -1);
	KASSERT(*at < n && list[*at] == seq);
	(*at)++;
}

static void
look(struct order *od, const struct tif *t)
{
	const struct icmphdr4 *icmp;
	const struct iphdr4 *ip;
	struct flow *fl;

	KASSERT(t->tif_ntx <= TIF_KEEP);
	for (unsigned i = 0; i < t->tif_ntx; i++) {
		ip = tx_ip(t, i);
		if (ip == NULL)
			continue;	/* ARP */
		icmp = ip->ip_p == IPPROTO_ICMP ? tx_icmp(t, i) : NULL;
		if (icmp != NULL && icmp->icmp_type == ICMP4_ECHOREPLY) {
			fl = flow_find(od, ip->ip_dst, ip->ip_src);
			KASSERT(fl != NULL && fl->fl_kind == LOCAL);
			seen(fl->fl_sent, fl->fl_nsent, &fl->fl_nleft,
			    be16(icmp->icmp_echo.seq));
		} else if (icmp != NULL && icmp->icmp_type == ICMP4_TIMXCEED) {
			ip = (const struct iphdr4 *)(const void *)(icmp + 1);
			fl = flow_find(od, ip->ip_src, ip->ip_dst);
			KASSERT(fl != NULL);
			seen(fl->fl_bad, fl->fl_nbad, &fl->fl_nerror,
			    be16(ip->ip_id) >> SEGBITS);
		} else if (icmp == NULL) {
			fl = flow_find(od, ip->ip_src, ip->ip_dst);
			KASSERT(fl != NULL);
			seen(fl->fl_sent, fl->fl_nsent, &fl->fl_nleft,
			    be16(ip->ip_id) >> SEGBITS);
		}
	}
}

static void
look_all(struct order *od)
{

	look(od, &od->od_it->it_a);
	look(od, &od->od_it->it_b);
	tif_clear(&od->od_it->it_a);
	tif_clear(&od->od_it->it_b);
	for (unsigned i = 0; i < NOUT; i++) {
		look(od, &od->od_out[i]);
		tif_clear(&od->od_out[i]);
	}
}

static void
late_answer(struct order *od)
{
	struct in_test *it = od->od_it;
	struct arphdr ar;

	ar = mk_arp(ARP_REPLY, it->it_b.tif_peer, "10.0.2.77", "10.0.2.1");
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
}

static void
late_forgotten(struct order *od)
{

	KASSERT(neigh_req(od->od_it, RTM_DELETE, NULL, "10.0.2.77", NULL, 0,
	    0) == 0);
}

/* --- the stack ----------------------------------------------------------- */

static void
order_out(struct order *od, unsigned i)
{
	char addr[16], gw[16], net[16];
	struct tif *t = &od->od_out[i];

	tif_attach(od->od_it, t, 2 + i);
	/* Half of them make segments and checksums themselves. */
	if (i & 1)
		t->tif_ifp->if_csum_tx = M_CSUM_PARTIAL | M_USO;
	(void)snprintf(addr, sizeof(addr), "10.0.%u.1", 10 + i);
	(void)snprintf(gw, sizeof(gw), "10.0.%u.2", 10 + i);
	(void)snprintf(net, sizeof(net), "10.1.%u.0", i);
	KASSERT(addr_add(od->od_it, t->tif_ifp, addr, 24) == 0);
	KASSERT(route_add(od->od_it, net, 24, gw, RTF_STATIC,
	    i % 3 == 0 ? 700 : 0) == 0);
	KASSERT(neigh_req(od->od_it, RTM_ADD, NULL, gw, t->tif_peer, 0, 0) ==
	    0);
	net[strlen(net) - 1] = '9';
	flow_add(od, FORWARD, "10.0.1.2", net);
}

static void
order_seed(struct in_test *it, uint64_t seed)
{
	static const char *const settings[] = { "net.inet.icmp.errppslimit",
	    "net.inet.arp.maxhold", "net.inet.ip.rpf" };
	static const int64_t values[] = { -1, 1024, 1 };
	const struct pfil_hook hook = { .ph_packets = order_hook };
	uint8_t mac[6] = { 2, 1, 1, 1, 1, 1 };
	struct order *od;
	char net[16];

	od = calloc(1, sizeof(*od));
	KASSERT(od != NULL);
	od->od_it = it;
	od->od_rng = seed;
	for (unsigned i = 0; i < 3; i++)
		KASSERT(set_sysctl(it, settings[i], values[i]) == 0);
	for (unsigned i = 0; i < NOUT; i++)
		order_out(od, i);
	if (seed == 1)
		KASSERT(neigh_req(it, RTM_ADD, NULL, "10.0.1.9", mac, 0, 0) ==
		    0);
	KASSERT(route_add(it, "10.6.0.0", 16, "10.0.1.9", RTF_STATIC, 0) == 0);
	/* So many routes that they are looked up together. */
	for (unsigned i = 0; i < 40 && seed == 3; i++) {
		(void)snprintf(net, sizeof(net), "20.%u.1.1", i);
		KASSERT(route_add(it, net, 32, "10.0.2.2", RTF_STATIC, 0) ==
		    0);
	}
	flow_add(od, BACK, "10.0.1.2", "10.6.1.1");
	flow_add(od, FORWARD, "10.0.1.2", "10.0.2.2");
	flow_add(od, LATE, "10.0.1.2", "10.0.2.77");
	flow_add(od, LOCAL, "10.0.1.2", "10.0.1.1");
	flow_add(od, LOCAL, "10.0.1.2", "10.0.2.1");
	flow_add(od, NOWHERE, "10.0.1.2", "99.1.1.1");
	flow_add(od, SILENT, "10.0.1.2", "224.1.1.1");
	flow_add(od, SILENT, "10.0.2.9", "10.0.2.2");
	KASSERT(pfil_add_hook(it->it_vn, &hook) == 0);

	for (unsigned i = 0; i < NROUNDS; i++) {
		od->od_n = 1 + pick(od, 250);
		on_cpu(it, order_cpu, od);
		if (i % 4 == 2) {
			look_all(od);
			late_answer(od);
		} else if (i % 8 == 7)
			late_forgotten(od);
		look_all(od);
	}
	late_answer(od);
	look_all(od);
	for (unsigned i = 0; i < od->od_nflow; i++) {
		KASSERT(od->od_flow[i].fl_nleft == od->od_flow[i].fl_nsent);
		KASSERT(od->od_flow[i].fl_nerror == od->od_flow[i].fl_nbad);
		KASSERT(od->od_flow[i].fl_kind >= NOWHERE ||
		    od->od_flow[i].fl_nsent > 100);
	}
	pfil_remove_hook(it->it_vn, &hook);
	all_books(it);
	for (unsigned i = 0; i < NOUT; i++) {
		test_if_books(od->od_out[i].tif_ifp);
		tif_detach(&od->od_out[i]);
	}
	test_route_flush(it->it_vn);
	free(od);
}

static void
random_order_body(struct in_test *it)
{

	for (uint64_t seed = 1; seed <= 4; seed++)
		order_seed(it, seed);
}
IN_TEST(random_order, 1)

/* --- the case that was seen ---------------------------------------------- */

static void
option_cpu(void *arg)
{
	struct in_test *it = arg;
	uint8_t frame[128];
	struct mvec mv;
	struct mbuf *m;
	unsigned len;

	memcpy(frame, it->it_a.tif_mac, 6);
	memcpy(frame + 6, it->it_a.tif_peer, 6);
	frame[12] = 8, frame[13] = 0;
	for (mv.mv_n = 0; mv.mv_n < 4; mv.mv_n++) {
		len = mk_udp(frame + 14, "10.0.1.2", "10.0.2.2", 64, 20);
		((struct iphdr4 *)(void *)(frame + 14))->ip_id =
		    be16((uint16_t)(mv.mv_n + 1));
		if (mv.mv_n == 2) {
			memmove(frame + 38, frame + 34, len - 20);
			memset(frame + 34, IPOPT_NOP, 4);
			frame[14] = 0x46;
			len += 4;
			frame[17] = (uint8_t)len;
		}
		ip_set_cksum((struct iphdr4 *)(void *)(frame + 14));
		m = m_gethdr();
		KASSERT(m != NULL && m_append(m, frame, 14 + len) == 0);
		mv.mv_m[mv.mv_n] = m;
	}
	if_input_vec(it->it_a.tif_ifp, &mv);
}

static void
option_body(struct in_test *it)
{

	on_cpu(it, option_cpu, it);
	KASSERT(it->it_b.tif_ntx == 4);
	for (unsigned i = 0; i < 4; i++)
		KASSERT(be16(tx_ip(&it->it_b, i)->ip_id) == i + 1);
}
IN_TEST(option, 1)

/* --- a neighbour is found ------------------------------------------------ */

static unsigned nlate, id_next;

static void
late_send(struct ifnet *ifp)
{
	uint8_t pkt[64];
	struct mvec mv;
	unsigned len;

	len = mk_udp(pkt, "10.0.1.2", "10.0.2.77", 64, 20);
	((struct iphdr4 *)(void *)pkt)->ip_id = be16((uint16_t)id_next++);
	ip_set_cksum((struct iphdr4 *)(void *)pkt);
	mv.mv_n = 1;
	mv.mv_m[0] = m_gethdr();
	KASSERT(mv.mv_m[0] != NULL && m_append(mv.mv_m[0], pkt, len) == 0);
	test_hop_set(mv.mv_m[0], test_hop("10.0.2.77"));
	if_output_vec(ifp, TEST_AF, &mv);
}

/* While the driver sends, another CPU offers a packet; the driver plays it. */
static int
late_transmit(struct ifnet *ifp, struct mvec *mv)
{

	if (nlate > 0 && mv->mv_m[0]->m_data[13] == 0) {
		nlate--;
		late_send(ifp);
	}
	return tif_transmit(ifp, mv);
}

static const struct if_ops late_ops = {
	.transmit = late_transmit,
	.ioctl = ether_ioctl,
};

static void
three_cpu(void *arg)
{

	for (unsigned i = 0; i < 3; i++)
		late_send(((struct in_test *)arg)->it_b.tif_ifp);
}

/* Packets that come while those that waited are sent do not overtake them,
 * whether the neighbour answered or was told. */
static void
found_body(struct in_test *it)
{
	struct ifnet *ifp = it->it_b.tif_ifp;
	const struct iphdr4 *ip;
	struct arphdr ar;
	unsigned next;

	__atomic_store_n(&ifp->if_ops, &late_ops, __ATOMIC_RELEASE);
	for (int told = 0; told < 2; told++) {
		tif_clear(&it->it_b);
		id_next = next = 1;
		on_cpu(it, three_cpu, it);
		KASSERT(tx_ip(&it->it_b, 0) == NULL);
		nlate = 3;
		ar = mk_arp(ARP_REPLY, it->it_b.tif_peer, "10.0.2.77",
		    "10.0.2.1");
		if (told)
			KASSERT(neigh_req(it, RTM_ADD, NULL, "10.0.2.77",
			    it->it_b.tif_peer, 0, 0) == 0);
		else
			inject_arp(it, &it->it_b, &ar, sizeof(ar));
		KASSERT(nlate == 0);
		on_cpu(it, three_cpu, it);
		for (unsigned i = 0; i < it->it_b.tif_ntx; i++) {
			ip = tx_ip(&it->it_b, i);
			if (ip == NULL)
				continue;
			KASSERT(be16(ip->ip_id) == next);
			next++;
		}
		KASSERT(next == 10);
		KASSERT(neigh_req(it, RTM_DELETE, NULL, "10.0.2.77", NULL, 0,
		    0) == 0);
	}
	__atomic_store_n(&ifp->if_ops, &tif_ops, __ATOMIC_RELEASE);
	all_books(it);
}
IN_TEST(found, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(option),
		cmocka_unit_test(found),
		cmocka_unit_test(random_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
