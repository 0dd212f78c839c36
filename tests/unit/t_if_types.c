/*
 * Link types of others: FDDI and token ring, brought along by their driver,
 * deliver to the same protocols as Ethernet does, and keep the books.
 */

#include "net_test.h"

/*
 * Both have an address header after one or two bytes of their own, and then
 * RFC 1042's LLC and SNAP header with an Ethernet type.
 */
static const uint8_t snap[6] = { 0xaa, 0xaa, 3, 0, 0, 0 };

static unsigned attached;

static int
type_attach(struct ifnet *ifp)
{

	ifp->if_flags |= IFF_BROADCAST;
	attached++;
	return 0;
}

static void
type_detach(struct ifnet *ifp)
{

	(void)ifp;
	attached--;
}

/* Each alone: enough for rings. */
static void
type_input(struct ifnet *ifp, struct mvec *mv)
{
	unsigned own = ifp->if_hdrlen - 20u;
	struct mvec one;
	struct mbuf *m;
	uint16_t type;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		if (m->m_len < ifp->if_hdrlen || memcmp(m->m_data + own + 12,
		    snap, sizeof(snap)) != 0) {
			m_drop(ifp, m, DROP_NO_PROTO);
			continue;
		}
		memcpy(&type, m->m_data + own + 18, 2);
		if (m->m_data[own] & 1)
			m->m_flags |= M_BCAST;
		one.mv_n = 1;
		one.mv_m[0] = m_adj(m, ifp->if_hdrlen);
		ether_dispatch(ifp, type, &one);
		KASSERT(one.mv_n == 0);
	}
	mv->mv_n = 0;
}

static void
type_output(struct ifnet *ifp, int af, struct mvec *mv)
{
	unsigned own = ifp->if_hdrlen - 20u;
	uint16_t type = htons(ETHERTYPE_IP);
	struct mbuf *m;

	if (af != TEST_AF) {
		mvec_drop(ifp, mv, DROP_OUT_FAMILY);
		return;
	}
	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = m_prepend(mv->mv_m[i], ifp->if_hdrlen);
		KASSERT(m != NULL);
		memset(m->m_data, 0x50, own);
		memcpy(m->m_data + own, etest_peer, 6);
		memcpy(m->m_data + own + 6, if_sadl(ifp)->sdl_data, 6);
		memcpy(m->m_data + own + 12, snap, sizeof(snap));
		memcpy(m->m_data + own + 18, &type, 2);
		mv->mv_m[i] = m;
	}
	if_transmit_vec(ifp, mv);
}

static const struct iftype_ops fddi_ops = {
	.it_name = "fddi",
	.it_input = type_input,
	.it_output = type_output,
	.it_attach = type_attach,
	.it_detach = type_detach,
}, token_ops = {
	.it_name = "token",
	.it_input = type_input,
	.it_output = type_output,
	.it_attach = type_attach,
	.it_detach = type_detach,
};

static const struct kind {
	uint8_t	 k_type, k_hdrlen;
	uint32_t k_dlt, k_mtu;
	const struct iftype_ops *k_ops;
} kinds[] = {
	{ IFT_FDDI, 21, DLT_FDDI, 4352, &fddi_ops },
	{ IFT_ISO88025, 22, DLT_IEEE802, 4464, &token_ops },
};

static const struct if_ops ring_ops = {
	.transmit = etest_transmit,
	.ioctl = ifioctl_common,
};

static void
frames_on_cpu(void *arg)
{
	struct etest *et = arg;
	struct ifnet *ifp = et->et_ifp;
	unsigned own = ifp->if_hdrlen - 20u;
	uint8_t frame[42] = { 0 }, v4[20] = { 0x45 };
	struct mvec mv;

	/* IP; something else; no SNAP; cut off; IP to all. */
	for (mv.mv_n = 0; mv.mv_n < 5; mv.mv_n++) {
		memset(frame + own, mv.mv_n == 4 ? 0xff : 2, 6);
		memcpy(frame + own + 12, snap, sizeof(snap));
		frame[own + 12] = mv.mv_n == 2 ? 0x42 : 0xaa;
		frame[own + 18] = 8;
		frame[own + 19] = mv.mv_n == 1 ? 0x77 : 0;
		frame[ifp->if_hdrlen] = 0x45;
		mv.mv_m[mv.mv_n] = etest_packet(frame, mv.mv_n == 3 ? 10 :
		    ifp->if_hdrlen + 20u);
	}
	if_input_vec(ifp, &mv);
	KASSERT(mv.mv_n == 0);

	mv.mv_n = 1;
	mv.mv_m[0] = etest_packet(v4, sizeof(v4));
	if_output_vec(ifp, TEST_AF, &mv);
	mv.mv_n = 1;
	mv.mv_m[0] = etest_packet(v4, sizeof(v4));
	if_output_vec(ifp, AF_INET6, &mv);
}

static void
ring(struct vnet *vn, const struct kind *k)
{
	static const uint8_t lladdr[6] = { 2, 0, 0, 0, 0, 1 };
	static struct etest et;
	struct ifreq ifr;
	struct ifnet *ifp;
	const uint8_t *p;

	memset(&et, 0, sizeof(et));
	ifp = et.et_ifp = if_alloc(vn, k->k_type);
	KASSERT(ifp != NULL);
	if_initname(ifp, "ring", 0);
	ifp->if_softc = &et;
	ifp->if_ops = &ring_ops;
	ifp->if_typeops = k->k_ops;
	ifp->if_addrlen = 6;
	ifp->if_hdrlen = k->k_hdrlen;
	ifp->if_dlt = k->k_dlt;
	ifp->if_mtu = k->k_mtu;
	KASSERT(if_set_sadl(ifp, lladdr, 6, true) == 0);
	KASSERT(if_attach(ifp) == 0 && attached == 1);
	KASSERT(if_sadl(ifp)->sdl_type == k->k_type);
	if_flags_update(ifp, IFF_RUNNING, 0);
	if_up(ifp);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, "ring0", 6);
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFDLT, &ifr, sizeof(ifr)) ==
	    0 && (uint32_t)ifr.ifr_value == k->k_dlt);

	dtest_input = 0;
	on_cpu(vn->vn_kern, frames_on_cpu, &et);
	KASSERT(dtest_input == 2);
	KASSERT(etest_drops(&et, DROP_NO_PROTO) == 3);
	KASSERT(etest_drops(&et, DROP_OUT_FAMILY) == 1);
	KASSERT(et.et_nsent == 1 && et.et_sent[0].ep_len == k->k_hdrlen + 20u);
	p = et.et_sent[0].ep_data + k->k_hdrlen - 20;
	KASSERT(memcmp(p, etest_peer, 6) == 0 && memcmp(p + 6, lladdr, 6) == 0);
	KASSERT(memcmp(p + 12, snap, 6) == 0 && p[18] == 8 && p[20] == 0x45);
	etest_books(&et);
	etest_detach(&et);
	KASSERT(attached == 0);
}

static void
rings_body(struct vnet *vn)
{

	dtest_attach(vn);
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		ring(vn, &kinds[i]);
}

static void
test_rings(void **state)
{

	(void)state;
	net_on_linux(0, rings_body);
	net_on_linux(1, rings_body);
	net_on_sim(2, rings_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
