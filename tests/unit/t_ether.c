/*
 * Ethernet: which frames come in and where they go, what header packets get
 * on the way out, and the requests an Ethernet answers.
 */

#include "net_test.h"

static const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 };
static const uint8_t group[6] = { 1, 0, 0x5e, 0, 0, 1 };

/* Packets that protocols took, in order. */
static unsigned arp_taken;
static uint8_t order[1024];
static unsigned norder;

static void
take_arp(struct ifnet *ifp, struct mvec *mv)
{

	arp_taken += mv->mv_n;
	dtest_take(ifp, mv);
}

static void
take_ordered(struct ifnet *ifp, struct mvec *mv)
{

	for (unsigned i = 0; i < mv->mv_n; i++) {
		KASSERT(mv->mv_m[i]->m_pktlen == 46);
		KASSERT(mv->mv_m[i]->m_rcvif == ifp->if_handle);
		order[norder++ % sizeof(order)] = mv->mv_m[i]->m_data[0];
	}
	if_stat_add(ifp, IF_STAT_DELIVERED, mv->mv_n);
	mvec_free(mv);
}

#define TYPE_ORDERED	0x1234

static void
input_on_cpu(void *arg)
{
	struct etest *et = arg;
	struct mbuf *big;
	struct mvec mv;
	uint8_t tiny[5] = { 0 };

	/* all as usual */
	for (mv.mv_n = 0; mv.mv_n < MVEC_MAX; mv.mv_n++)
		mv.mv_m[mv.mv_n] = etest_frame(etest_addr, etest_peer,
		    TYPE_ORDERED, (uint8_t)mv.mv_n, 46);
	if_input_vec(et->et_ifp, &mv);
	KASSERT(mv.mv_n == 0 && norder == MVEC_MAX);
	for (unsigned i = 0; i < MVEC_MAX; i++)
		KASSERT(order[i] == (uint8_t)i);

	/* a bit of everything */
	norder = 0;
	mv.mv_n = 0;
	mv.mv_m[mv.mv_n++] = etest_frame(etest_addr, etest_peer, TYPE_ORDERED,
	    0, 46);
	mv.mv_m[mv.mv_n++] = etest_frame(etest_addr, etest_peer,
	    ETHERTYPE_ARP, 0, 46);
	mv.mv_m[mv.mv_n++] = etest_frame(etest_addr, etest_peer, TYPE_ORDERED,
	    1, 46);
	mv.mv_m[mv.mv_n++] = etest_frame(etherbroadcastaddr, etest_peer,
	    TYPE_ORDERED, 2, 46);
	mv.mv_m[mv.mv_n++] = etest_frame(group, etest_peer, TYPE_ORDERED, 3,
	    46);
	mv.mv_m[mv.mv_n++] = etest_frame(other, etest_peer, TYPE_ORDERED, 90,
	    46);
	mv.mv_m[mv.mv_n++] = etest_frame(etest_addr, etest_addr, TYPE_ORDERED,
	    91, 46);
	mv.mv_m[mv.mv_n++] = etest_frame(etest_addr, group, TYPE_ORDERED, 92,
	    46);
	mv.mv_m[mv.mv_n++] = etest_frame(etest_addr, etest_peer, 0x9999, 93,
	    46);
	mv.mv_m[mv.mv_n++] = etest_packet(tiny, sizeof(tiny));
	mv.mv_m[mv.mv_n++] = etest_frame(etest_addr, etest_peer,
	    ETHERTYPE_ARP, 0, 46);
	mv.mv_m[mv.mv_n++] = etest_frame(etest_addr, etest_peer, TYPE_ORDERED,
	    4, 46);
	/* the header in two buffers */
	big = etest_frame(etest_addr, etest_peer, TYPE_ORDERED, 5, 46);
	big->m_next = m_gethdr();
	KASSERT(big->m_next != NULL);
	memcpy(big->m_next->m_data, big->m_data + 10, 50);
	big->m_next->m_len = 50;
	big->m_len = 10;
	mv.mv_m[mv.mv_n++] = big;
	if_input_vec(et->et_ifp, &mv);
	KASSERT(mv.mv_n == 0 && norder == 6 && arp_taken == 2);
	for (unsigned i = 0; i < 6; i++)
		KASSERT(order[i] == i);

	/* the first of a vector is the odd one */
	mv.mv_n = 2;
	mv.mv_m[0] = etest_packet(tiny, sizeof(tiny));
	mv.mv_m[1] = etest_frame(etest_addr, etest_peer, TYPE_ORDERED, 6, 46);
	if_input_vec(et->et_ifp, &mv);
	KASSERT(norder == 7);

	/* frames of an unknown type, all of them */
	mv.mv_n = 1;
	mv.mv_m[0] = etest_frame(etest_addr, etest_peer, 0x9999, 0, 46);
	if_input_vec(et->et_ifp, &mv);
	mv.mv_n = 0;
	if_input_vec(et->et_ifp, &mv);
}

/* Frames with VLAN tags: type and identifier of each, ended by a type 0. */
static struct mbuf *
tagged(const uint16_t *tags, uint16_t type, uint8_t mark)
{
	uint8_t buf[14 + 3 * 4 + 46];
	unsigned at = 12;

	memset(buf, mark, sizeof(buf));
	memcpy(buf, etest_addr, 6);
	memcpy(buf + 6, etest_peer, 6);
	for (; tags[0] != 0; tags += 2, at += 4) {
		buf[at] = (uint8_t)(tags[0] >> 8);
		buf[at + 1] = (uint8_t)tags[0];
		buf[at + 2] = (uint8_t)(tags[1] >> 8);
		buf[at + 3] = (uint8_t)tags[1];
	}
	buf[at] = (uint8_t)(type >> 8);
	buf[at + 1] = (uint8_t)type;
	return etest_packet(buf, at + 2 + 46);
}

static void
priority_on_cpu(void *arg)
{
	static const uint16_t none[] = { 0 }, pcp[] = { 0x8100, 0xe000, 0 },
	    provider[] = { 0x88a8, 0, 0 },
	    both[] = { 0x88a8, 0x6000, 0x8100, 0x1000, 0 },
	    three[] = { 0x88a8, 0, 0x8100, 0, 0x8100, 0, 0 },
	    vlan[] = { 0x8100, 5, 0 }, inner[] = { 0x88a8, 0, 0x8100, 5, 0 };
	struct etest *et = arg;
	struct mvec mv;
	struct mbuf *m;

	/* Among untagged ones they keep their place. */
	mv.mv_n = 0;
	for (uint8_t i = 0; i < 12; i += 4) {
		mv.mv_m[mv.mv_n++] = tagged(none, TYPE_ORDERED, i);
		mv.mv_m[mv.mv_n++] = tagged(pcp, TYPE_ORDERED, i + 1);
		mv.mv_m[mv.mv_n++] = tagged(provider, TYPE_ORDERED, i + 2);
		mv.mv_m[mv.mv_n++] = tagged(both, TYPE_ORDERED, i + 3);
		mv.mv_m[mv.mv_n++] = tagged(pcp, ETHERTYPE_ARP, 0);
	}
	if_input_vec(et->et_ifp, &mv);
	KASSERT(norder == 12 && arp_taken == 3);
	for (uint8_t i = 0; i < 12; i++)
		KASSERT(order[i] == i);

	/* Also the first of a vector, and with its header in two buffers. */
	norder = 0;
	for (unsigned cut = 14; cut <= 22; cut++) {
		m = tagged(both, TYPE_ORDERED, (uint8_t)(cut - 14));
		m->m_next = m_gethdr();
		KASSERT(m->m_next != NULL);
		m->m_next->m_len = m->m_len - cut;
		memcpy(m->m_next->m_data, m->m_data + cut, m->m_next->m_len);
		m->m_len = cut;
		mv.mv_m[0] = m;
		mv.mv_m[1] = tagged(none, TYPE_ORDERED,
		    (uint8_t)(cut - 13));
		mv.mv_n = 2;
		if_input_vec(et->et_ifp, &mv);
	}
	KASSERT(norder == 18);
	for (unsigned i = 0; i < 18; i++)
		KASSERT(order[i] == (i + 1) / 2);

	/* A frame of a VLAN is no untagged one, nor is anything below three
	 * tags. */
	mv.mv_m[0] = tagged(vlan, TYPE_ORDERED, 0);
	mv.mv_m[1] = tagged(inner, TYPE_ORDERED, 0);
	mv.mv_m[2] = tagged(three, TYPE_ORDERED, 0);
	/* The packet that follows is looked at for itself. */
	mv.mv_m[3] = tagged(pcp, TYPE_ORDERED, 9);
	mv.mv_n = 4;
	if_input_vec(et->et_ifp, &mv);
	KASSERT(etest_drops(et, DROP_NO_PROTO) == 3 && norder == 19);
	/* Frames that end within their tag. */
	for (unsigned len = 14; len < 22; len++) {
		m = tagged(both, TYPE_ORDERED, 0);
		m_trim(m, len);
		mv.mv_m[0] = m;
		mv.mv_n = 1;
		if_input_vec(et->et_ifp, &mv);
	}
	KASSERT(etest_drops(et, DROP_ETHER_SHORT) == 8 && norder == 19);
}

static void
look_on(void *arg, struct ifnet *ifp, enum pfil_dir dir, struct mvec *mv)
{

	(void)arg;
	(void)ifp;
	(void)dir;
	(void)mv;
}

static void
priority_body(struct vnet *vn)
{
	static const struct pfil_hook hook = { .ph_packets = look_on };
	static struct etest et;

	dtest_attach(vn);
	KASSERT(ether_register(vn, ETHERTYPE_ARP, take_arp) == 0);
	KASSERT(ether_register(vn, TYPE_ORDERED, take_ordered) == 0);
	/* A hook, for which the tags are taken off, makes no difference. */
	for (int i = 0; i < 2; i++) {
		norder = arp_taken = 0;
		if (i == 1)
			KASSERT(pfil_add_hook(vn, &hook) == 0);
		etest_attach(vn, &et, 0, &etest_ops, true);
		on_cpu(vn->vn_kern, priority_on_cpu, &et);
		etest_books(&et);
		etest_detach(&et);
	}
	pfil_remove_hook(vn, &hook);
}

static void
priority_tags(void **state)
{

	(void)state;
	net_on_sim(1, priority_body);
}

static void
input_body(struct vnet *vn)
{
	static struct etest et;
	struct if_data ifi;

	norder = arp_taken = 0;
	dtest_attach(vn);
	KASSERT(ether_register(vn, ETHERTYPE_ARP, take_arp) == 0);
	KASSERT(ether_register(vn, TYPE_ORDERED, take_ordered) == 0);
	KASSERT(ether_register(vn, TYPE_ORDERED, take_arp) == EEXIST);
	etest_attach(vn, &et, 0, &etest_ops, true);
	on_cpu(vn->vn_kern, input_on_cpu, &et);
	etest_books(&et);
	ifi = etest_data(&et);
	KASSERT(ifi.ifi_ipackets == MVEC_MAX + 13 + 2 + 1);
	KASSERT(ifi.ifi_ibytes == 60 * (MVEC_MAX + 12 + 2) + 5 + 5);
	KASSERT(ifi.ifi_imcasts == 2);
	KASSERT(etest_drops(&et, DROP_ETHER_NOT_OURS) == 1);
	KASSERT(etest_drops(&et, DROP_ETHER_SRC) == 2);
	KASSERT(etest_drops(&et, DROP_ETHER_SHORT) == 2);
	KASSERT(etest_drops(&et, DROP_NO_PROTO) == 2);
	etest_detach(&et);
}

static void
test_input(void **state)
{

	(void)state;
	net_on_linux(0, input_body);
	net_on_linux(1, input_body);
	net_on_sim(2, input_body);
}

/* --- output -------------------------------------------------------------- */

struct output_test {
	struct etest	 ot_et;
	uint32_t	 ot_nh[3];
};

static void
check_header(const struct etest_packet *ep, const uint8_t *dst, uint16_t type)
{

	KASSERT(memcmp(ep->ep_data, dst, 6) == 0);
	KASSERT(memcmp(ep->ep_data + 6, etest_addr, 6) == 0);
	KASSERT(ep->ep_data[12] == type >> 8);
	KASSERT(ep->ep_data[13] == (uint8_t)type);
}

static struct mbuf *
packet_to(uint32_t nexthop, uint8_t tag)
{
	uint8_t buf[50];
	struct mbuf *m;

	memset(buf, tag, sizeof(buf));
	m = etest_packet(buf, sizeof(buf));
	test_hop_set(m, nexthop);
	return m;
}

static void
output_on_cpu(void *arg)
{
	struct output_test *ot = arg;
	struct etest *et = &ot->ot_et;
	struct mbuf *orig;
	struct mvec mv;

	/* two neighbours in turn, then all to one */
	for (unsigned i = 0; i < MVEC_MAX; i++)
		mv.mv_m[i] = packet_to(ot->ot_nh[i < 100 ? i % 2 : 0],
		    (uint8_t)i);
	mv.mv_n = MVEC_MAX;
	if_output_vec(et->et_ifp, TEST_AF, &mv);
	KASSERT(mv.mv_n == 0 && et->et_nsent == MVEC_MAX);
	for (unsigned i = 0; i < MVEC_MAX; i++) {
		check_header(&et->et_sent[i], i < 100 && i % 2 == 1 ? other :
		    etest_peer, ETHERTYPE_IP);
		KASSERT(et->et_sent[i].ep_len == 64);
		KASSERT(et->et_sent[i].ep_data[14] == (uint8_t)i);
	}

	/* unknown ones among known ones, groups, and data that is shared */
	et->et_nsent = 0;
	mv.mv_n = 0;
	mv.mv_m[mv.mv_n++] = packet_to(ot->ot_nh[0], 0);
	mv.mv_m[mv.mv_n++] = packet_to(ot->ot_nh[2], 90);
	mv.mv_m[mv.mv_n++] = packet_to(test_hop("255.255.255.255"), 1);
	mv.mv_m[mv.mv_n++] = packet_to(test_hop("239.129.2.3"), 2);
	mv.mv_m[mv.mv_n++] = packet_to(ot->ot_nh[1], 3);
	orig = packet_to(ot->ot_nh[0], 4);
	mv.mv_m[mv.mv_n] = m_ref(orig);
	KASSERT(mv.mv_m[mv.mv_n] != NULL);
	test_hop_set(mv.mv_m[mv.mv_n++], ot->ot_nh[0]);
	mv.mv_m[mv.mv_n] = packet_to(test_hop("10.0.0.255"), 5);
	mv.mv_m[mv.mv_n++]->m_flags |= M_BCAST;
	if_output_vec(et->et_ifp, TEST_AF, &mv);
	KASSERT(mv.mv_n == 0 && et->et_nsent == 6 && dtest_resolved == 1);
	for (unsigned i = 0; i < 6; i++)
		KASSERT(et->et_sent[i].ep_data[14] == i);
	check_header(&et->et_sent[0], etest_peer, ETHERTYPE_IP);
	check_header(&et->et_sent[1], etherbroadcastaddr, ETHERTYPE_IP);
	check_header(&et->et_sent[2],
	    (const uint8_t[6]){ 1, 0, 0x5e, 1, 2, 3 }, ETHERTYPE_IP);
	check_header(&et->et_sent[3], other, ETHERTYPE_IP);
	check_header(&et->et_sent[4], etest_peer, ETHERTYPE_IP);
	check_header(&et->et_sent[5], etherbroadcastaddr, ETHERTYPE_IP);
	/* the one that was shared has not been written to */
	KASSERT(orig->m_pktlen == 50 && orig->m_data[0] == 4);
	m_freem(orig);

	/* no family but IPv4 */
	mv.mv_n = 1;
	mv.mv_m[0] = packet_to(ot->ot_nh[0], 0);
	if_output_vec(et->et_ifp, AF_UNIX, &mv);
	KASSERT(mv.mv_n == 0);

	/* a frame of one's own */
	ether_frame_output(et->et_ifp, packet_to(0, 7), etherbroadcastaddr,
	    ETHERTYPE_ARP);
	check_header(&et->et_sent[6], etherbroadcastaddr, ETHERTYPE_ARP);
}

static void
output_down_on_cpu(void *arg)
{
	struct output_test *ot = arg;
	struct mvec mv;

	mv.mv_n = 1;
	mv.mv_m[0] = packet_to(ot->ot_nh[0], 0);
	if_output_vec(ot->ot_et.et_ifp, TEST_AF, &mv);
	ether_frame_output(ot->ot_et.et_ifp, packet_to(0, 7),
	    etherbroadcastaddr, ETHERTYPE_ARP);
}

static void
output_body(struct vnet *vn)
{
	static struct output_test ot;
	struct neigh *ne[3];
	struct if_data ifi;

	dtest_attach(vn);
	etest_attach(vn, &ot.ot_et, 0, &etest_ops, true);
	for (unsigned i = 0; i < 3; i++) {
		ot.ot_nh[i] = htonl(0x0a000002 + i);
		ne[i] = neigh_create4(&net_test_neigh, ot.ot_et.et_ifp,
		    ot.ot_nh[i]);
		KASSERT(ne[i] != NULL);
	}
	KASSERT(neigh_set(ne[0], etest_peer) == 0);
	KASSERT(neigh_set(ne[1], other) == 0);
	on_cpu(vn->vn_kern, output_on_cpu, &ot);
	KASSERT(neigh_used(ne[0]) && !neigh_used(ne[2]));
	if_down(ot.ot_et.et_ifp);
	on_cpu(vn->vn_kern, output_down_on_cpu, &ot);
	etest_books(&ot.ot_et);
	ifi = etest_data(&ot.ot_et);
	KASSERT(ifi.ifi_offered == MVEC_MAX + 7 + 1 + 1 + 2);
	KASSERT(ifi.ifi_opackets == MVEC_MAX + 6 + 1);
	KASSERT(ifi.ifi_omcasts == 4);
	KASSERT(etest_drops(&ot.ot_et, DROP_OUT_FAMILY) == 1);
	KASSERT(etest_drops(&ot.ot_et, DROP_OUT_IF_DOWN) == 2);
	KASSERT(etest_drops(&ot.ot_et, DROP_ARP_UNRESOLVED) == 1);
	for (unsigned i = 0; i < 3; i++)
		neigh_remove(&net_test_neigh, ne[i]);
	etest_detach(&ot.ot_et);
}

static void
test_output(void **state)
{

	(void)state;
	net_on_linux(0, output_body);
	net_on_linux(1, output_body);
	net_on_sim(2, output_body);
}

/* Nearly each packet of a vector to another neighbour. */
#define NMANY	1000

struct many_test {
	struct etest	 mt_et;
	uint64_t	 mt_rng;
};

static unsigned
pick(struct many_test *mt, unsigned n)
{

	mt->mt_rng = mt->mt_rng * 6364136223846793005ull + 1442695040888963407;
	return (unsigned)(mt->mt_rng >> 33) % n;
}

static uint32_t
many_hop(unsigned i)
{

	return test_hop_plus("10.0.0.2", i);
}

static void
many_lladdr(unsigned i, uint8_t lladdr[6])
{

	memcpy(lladdr, (const uint8_t[6]){ 2, 1, 0, 0, (uint8_t)(i >> 8),
	    (uint8_t)i }, 6);
}

/* One neighbour in eight has no link-level address. */
static bool
is_known(unsigned i)
{

	return i % 8 != 5;
}

static void
many_on_cpu(void *arg)
{
	struct many_test *mt = arg;
	struct etest *et = &mt->mt_et;
	struct mbuf *own[MVEC_MAX], *m;
	uint8_t want[MVEC_MAX][7], lladdr[6];
	unsigned n, to, nwant, unknown, odd;
	struct mvec mv;

	for (unsigned round = 0; round < 200; round++) {
		et->et_nsent = dtest_resolved = nwant = unknown = 0;
		n = round < 60 ? round + 1 : 1 + pick(mt, MVEC_MAX);
		/* Few packets need more than a header, or many. */
		odd = round % 4 == 0 ? 6 : 200;
		for (unsigned i = 0; i < n; i++) {
			to = pick(mt, NMANY);
			if (pick(mt, odd) != 0)
				to -= !is_known(to);
			m = packet_to(many_hop(to), (uint8_t)i);
			own[i] = NULL;
			if (pick(mt, odd) == 0) {	/* shared data */
				own[i] = m;
				m = m_ref(m);
				KASSERT(m != NULL);
				test_hop_set(m, many_hop(to));
			}
			many_lladdr(to, lladdr);
			if (pick(mt, odd) == 0) {
				m->m_flags |= M_BCAST;
				memcpy(lladdr, etherbroadcastaddr, 6);
			} else if (!is_known(to))
				unknown++;
			if ((m->m_flags & M_BCAST) != 0 || is_known(to)) {
				memcpy(want[nwant], lladdr, 6);
				want[nwant++][6] = (uint8_t)i;
			}
			mv.mv_m[i] = m;
		}
		mv.mv_n = n;
		if_output_vec(et->et_ifp, TEST_AF, &mv);
		KASSERT(et->et_nsent == nwant && dtest_resolved == unknown);
		for (unsigned i = 0; i < nwant; i++) {
			check_header(&et->et_sent[i], want[i], ETHERTYPE_IP);
			KASSERT(et->et_sent[i].ep_data[14] == want[i][6]);
		}
		for (unsigned i = 0; i < n; i++)
			if (own[i] != NULL)
				m_freem(own[i]);
	}
}

static void
many_body(struct vnet *vn)
{
	static struct many_test mt;
	static struct neigh *ne[NMANY];
	uint8_t lladdr[6];

	mt.mt_rng = 1;
	dtest_attach(vn);
	etest_attach(vn, &mt.mt_et, 0, &etest_ops, true);
	for (unsigned i = 0; i < NMANY; i++) {
		ne[i] = neigh_create4(&net_test_neigh, mt.mt_et.et_ifp,
		    many_hop(i));
		many_lladdr(i, lladdr);
		KASSERT(ne[i] != NULL &&
		    neigh_set(ne[i], is_known(i) ? lladdr : NULL) == 0);
	}
	on_cpu(vn->vn_kern, many_on_cpu, &mt);
	etest_books(&mt.mt_et);
	for (unsigned i = 0; i < NMANY; i++) {
		KASSERT(neigh_used(ne[i]) == is_known(i));
		neigh_remove(&net_test_neigh, ne[i]);
	}
	etest_detach(&mt.mt_et);
}

/* Two neighbours with one hash. */
#define NSEARCH	400000

struct hashed {
	uint32_t	 ha_hash, ha_hop;
};

static int
hashed_cmp(const void *a, const void *b)
{
	const struct hashed *x = a, *y = b;

	return (x->ha_hash > y->ha_hash) - (x->ha_hash < y->ha_hash);
}

static void
find_pair(struct ifnet *ifp, uint32_t hop[2])
{
	struct hashed *ha = calloc(NSEARCH, sizeof(*ha));
	unsigned i;

	KASSERT(ha != NULL);
	for (i = 0; i < NSEARCH; i++) {
		ha[i].ha_hop = many_hop(i);
		ha[i].ha_hash = neigh_hash4(&net_test_neigh, ifp, ha[i].ha_hop);
	}
	qsort(ha, NSEARCH, sizeof(*ha), hashed_cmp);
	for (i = 1; ha[i].ha_hash != ha[i - 1].ha_hash; i++)
		KASSERT(i + 1 < NSEARCH);
	hop[0] = ha[i - 1].ha_hop;
	hop[1] = ha[i].ha_hop;
	free(ha);
}

static void
equal_on_cpu(void *arg)
{
	struct output_test *ot = arg;
	struct mvec mv;

	ot->ot_et.et_nsent = 0;
	for (unsigned i = 0; i < 64; i++)
		mv.mv_m[i] = packet_to(ot->ot_nh[i % 2], (uint8_t)i);
	mv.mv_n = 64;
	if_output_vec(ot->ot_et.et_ifp, TEST_AF, &mv);
	for (unsigned i = 0; i < 64; i++)
		check_header(&ot->ot_et.et_sent[i], i % 2 == 0 ? etest_peer :
		    other, ETHERTYPE_IP);
}

static void
equal_body(struct vnet *vn)
{
	static struct output_test ot;
	struct neigh *ne[2];

	dtest_attach(vn);
	etest_attach(vn, &ot.ot_et, 0, &etest_ops, true);
	find_pair(ot.ot_et.et_ifp, ot.ot_nh);
	for (unsigned i = 0; i < 2; i++) {
		ne[i] = neigh_create4(&net_test_neigh, ot.ot_et.et_ifp,
		    ot.ot_nh[i]);
		KASSERT(ne[i] != NULL);
		KASSERT(neigh_set(ne[i], i == 0 ? etest_peer : other) == 0);
	}
	on_cpu(vn->vn_kern, equal_on_cpu, &ot);
	for (unsigned i = 0; i < 2; i++)
		neigh_remove(&net_test_neigh, ne[i]);
	etest_detach(&ot.ot_et);
}

static void
test_many(void **state)
{

	(void)state;
	net_on_sim(1, equal_body);
	net_on_linux(1, many_body);
	net_on_sim(1, many_body);
}

/* --- requests ------------------------------------------------------------ */

static int
group_request(struct ifnet *ifp, unsigned long cmd, const void *sa, size_t len)
{
	struct ifreq ifr;
	int error;

	memset(&ifr, 0, sizeof(ifr));
	memcpy(&ifr.ifr_addr, sa, len);
	if_ioctl_lock(ifp);
	error = ether_ioctl(ifp, cmd, &ifr);
	if_ioctl_unlock(ifp);
	return error;
}

static void
groups_body(struct vnet *vn)
{
	union test_addr sin = test_addr("224.0.0.1");
	union test_addr sin6 = test_addr("::");
	struct sockaddr_dl sdl = { .sdl_family = AF_LINK, .sdl_alen = 6 };
	static struct etest et;
	struct ifnet *ifp;
	uint8_t a[6], b[6];

	etest_attach(vn, &et, 0, &etest_ops, true);
	ifp = et.et_ifp;
	memcpy(sdl.sdl_data, group, 6);
	KASSERT(group_request(ifp, SIOCDELMULTI, &sin, sizeof(sin.sin)) ==
	    ENXIO);
	KASSERT(group_request(ifp, SIOCADDMULTI, &sin, sizeof(sin.sin)) == 0);
	/* the same group by its other name */
	KASSERT(group_request(ifp, SIOCADDMULTI, &sdl, sizeof(sdl)) == 0);
	KASSERT(group_request(ifp, SIOCDELMULTI, &sin, sizeof(sin.sin)) == 0);
	KASSERT(group_request(ifp, SIOCDELMULTI, &sin, sizeof(sin.sin)) == 0);
	KASSERT(group_request(ifp, SIOCDELMULTI, &sin, sizeof(sin.sin)) ==
	    ENXIO);
	/* no groups at all */
	sin = test_addr("10.0.0.1");
	KASSERT(group_request(ifp, SIOCADDMULTI, &sin, sizeof(sin.sin)) ==
	    EINVAL);
	sdl.sdl_data[0] = 2;
	KASSERT(group_request(ifp, SIOCADDMULTI, &sdl, sizeof(sdl)) == EINVAL);
	sdl.sdl_alen = 8;
	KASSERT(group_request(ifp, SIOCADDMULTI, &sdl, sizeof(sdl)) == EINVAL);
	KASSERT(group_request(ifp, SIOCADDMULTI, &sin6, sizeof(sin6.sin6)) ==
	    EAFNOSUPPORT);
	/* one left for the detach to free */
	sin = test_addr("224.0.0.2");
	KASSERT(group_request(ifp, SIOCADDMULTI, &sin, sizeof(sin.sin)) == 0);

	ether_random_addr(vn, a);
	ether_random_addr(vn, b);
	KASSERT((a[0] & 3) == 2 && (b[0] & 3) == 2 && memcmp(a, b, 6) != 0);
	etest_detach(&et);
}

static void
test_requests(void **state)
{

	(void)state;
	net_on_linux(0, groups_body);
	net_on_sim(1, groups_body);
}

static void
test_lladdr(void **state)
{
	static const char *const bad[] = {
		"", ":", "02:", "02:00:", "g2:00", "022:00", "02 00", "02::00",
		"02:00:5e:10:00:01:02"
	};
	char text[LLADDR_STRSIZE];
	uint8_t a[SDL_DATALEN];

	(void)state;
	assert_int_equal(lladdr_parse("02:0:5e-10:00:01", a, 6), 6);
	assert_string_equal(lladdr_text(a, 6, text), "02:00:5e:10:00:01");
	assert_string_equal(lladdr_text(a, 0, text), "");
	assert_int_equal(lladdr_parse("FF", a, 6), 1);
	assert_int_equal(a[0], 0xff);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(lladdr_parse(bad[i], a, 6), -1);
	memset(a, 0xab, sizeof(a));
	assert_int_equal(strlen(lladdr_text(a, 200, text)),
	    LLADDR_STRSIZE - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_input),
		cmocka_unit_test(priority_tags),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_lladdr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
