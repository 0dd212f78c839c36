/*
 * Duplicate address detection (RFC 4862 5.4, RFC 7527).
 */

#include "nd6_test.h"		/* under test */

#define ADDR	NET_B "77"

static uint32_t
flags_of(struct in_test *it)
{
	const union neigh_addr na = inner6(ADDR, NULL);
	struct ifaddr *ifa;
	uint32_t flags;

	pserialize_read_enter();
	ifa = in6_ifp_find(it->it_b.tif_ifp, &na);
	KASSERT(ifa != NULL);
	flags = ifa->ifa_flags & (IFA_TENTATIVE | IFA_DUPLICATED);
	pserialize_read_exit();
	return flags;
}

/* The first message of neighbour discovery that was sent; before it come
 * reports of its group. */
static bool
first_sent(const struct tif *t, struct nd_got *g)
{

	for (unsigned i = 0; i < t->tif_ntx; i++)
		if (nd_sent(t, i, g))
			return true;
	return false;
}

/* Give the address, to be checked. */
static void
give(struct in_test *it)
{
	struct in6_aliasreq ifra = alias6(it->it_b.tif_ifp, ADDR, 64);

	KASSERT(give6(it, &ifra) == 0);
	KASSERT(flags_of(it) == IFA_TENTATIVE);
}

static void
forget(struct in_test *it)
{
	struct in6_ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr6_name, it->it_b.tif_ifp->if_xname, IFNAMSIZ);
	ifr.ifr6_addr.sin6_family = AF_INET6;
	KASSERT(inet_pton(AF_INET6, ADDR, &ifr.ifr6_addr.sin6_addr) == 1);
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCDIFADDR_IN6, &ifr,
	    sizeof(ifr)) == 0);
}

/* The address is free: so many probes, from ::, with a nonce, and then an
 * advertisement to routers. */
static void
test_nobody_body(struct in_test *it)
{
	struct nd_got g;

	KASSERT(set_sysctl(it, "net.inet6.ip6.dad_count", 3) == 0);
	give(it);
	sleep_ms(it, 2500);
	KASSERT(flags_of(it) == IFA_TENTATIVE);
	KASSERT(first_sent(&it->it_b, &g) && g.g_type == ND6_NS);
	KASSERT(ip6_is(g.g_src, "::") && g.g_hlim == 255);
	KASSERT(ip6_is(g.g_dst, "ff02::1:ff00:77"));
	KASSERT(g.g_opt[0] == ND6_OPT_NONCE && g.g_opt[1] == 1);
	/* A tentative address is no source, and not answered for. */
	ns(it, &it->it_b, HOST_B, "ff02::1:ff00:77", ADDR,
	    it->it_b.tif_peer);
	KASSERT(nd_count(&it->it_b, ND6_NA, ADDR) == 0);
	sleep_ms(it, 2500);
	KASSERT(flags_of(it) == 0);
	KASSERT(nd_count(&it->it_b, ND6_NS, ADDR) == 3);
	KASSERT(nd_count(&it->it_b, ND6_NA, ADDR) == 1);
	KASSERT(ip6stat(it, "nd6.probes") >= 3);
	/* Down and up: over again. */
	tif_clear(&it->it_b);
	in_up(it->it_b.tif_ifp, false);
	KASSERT(flags_of(it) == IFA_TENTATIVE);
	in_up(it->it_b.tif_ifp, true);
	sleep_ms(it, 5000);
	KASSERT(flags_of(it) == 0);
	KASSERT(nd_count(&it->it_b, ND6_NS, ADDR) == 3);
	forget(it);
}

IN6_TEST(test_nobody, 1)

/* Another host has it, or checks it at the same time. */
static void
test_taken_body(struct in_test *it)
{
	static const uint8_t nonce[6] = { 1, 2, 3, 4, 5, 6 };
	struct nd_msg m = {
		.m_type = ND6_NS, .m_src = "::", .m_dst = "ff02::1:ff00:77",
		.m_target = ADDR, .m_hlim = 255,
	};

	for (unsigned i = 0; i < 3; i++) {
		give(it);
		sleep_ms(it, 1100);
		KASSERT(flags_of(it) == IFA_TENTATIVE);
		m.m_nonce = i == 1 ? nonce : NULL;
		if (i == 2)
			na(it, &it->it_b, ADDR, "ff02::1", ND6_NA_OVERRIDE,
			    it->it_b.tif_peer);
		else
			nd_inject(it, &it->it_b, &m);
		KASSERT(flags_of(it) == IFA_DUPLICATED);
		KASSERT(ip6stat(it, "nd6.duplicates") == i + 1);
		sleep_ms(it, 3000);
		KASSERT(flags_of(it) == IFA_DUPLICATED);
		forget(it);
	}
	/* The host that had it may have gone with the link. */
	give(it);
	sleep_ms(it, 1100);
	nd_inject(it, &it->it_b, &m);
	KASSERT(flags_of(it) == IFA_DUPLICATED);
	in_up(it->it_b.tif_ifp, false);
	in_up(it->it_b.tif_ifp, true);
	sleep_ms(it, 3000);
	KASSERT(flags_of(it) == 0);
	forget(it);
}

IN6_TEST(test_taken, 1)

/* A link that hands our own probe back is no other host. */
static void
test_looped_body(struct in_test *it)
{
	struct nd_msg m = {
		.m_type = ND6_NS, .m_src = "::", .m_dst = "ff02::1:ff00:77",
		.m_target = ADDR, .m_hlim = 255,
	};
	struct nd_got g;

	give(it);
	sleep_ms(it, 1100);
	KASSERT(first_sent(&it->it_b, &g) && g.g_opt[0] == ND6_OPT_NONCE);
	m.m_nonce = g.g_opt + 2;
	nd_inject(it, &it->it_b, &m);
	KASSERT(flags_of(it) == IFA_TENTATIVE);
	KASSERT(ip6stat(it, "nd6.looped") == 1);
	sleep_ms(it, 3000);
	KASSERT(flags_of(it) == 0);
	forget(it);
}

IN6_TEST(test_looped, 1)

/* Removed in the middle of its check; and no check when none is wanted. */
static void
test_end_body(struct in_test *it)
{

	give(it);
	forget(it);
	KASSERT(it->it_vn->vn_nd6->n6_wheel.w_count == 0);
	KASSERT(set_sysctl(it, "net.inet6.ip6.dad_count", 0) == 0);
	KASSERT(add6(it, it->it_b.tif_ifp, ADDR, 64) == 0);
	KASSERT(flags_of(it) == 0);
	forget(it);
}

IN6_TEST(test_end, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_looped),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
