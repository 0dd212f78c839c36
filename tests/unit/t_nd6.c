/*
 * Neighbour discovery: what is asked and answered, every field of what comes
 * in, and the states of a neighbour by RFC 4861 7.2.3, 7.2.5 and appendix C.
 */

#include "nd6_test.h"		/* under test */

/* --- packets that wait --------------------------------------------------- */

/* Five packets wait, the solicitation has all it should, the answer releases
 * them in order. */
static void
test_resolve_body(struct in_test *it)
{
	const struct icmphdr6 *icmp;
	const struct iphdr6 *ip6;
	struct nd_got g;

	for (unsigned i = 0; i < 5; i++)
		send_to(it, NET_B "9");
	KASSERT(it->it_b.tif_ntx == 1);
	KASSERT(nd_sent(&it->it_b, 0, &g));
	KASSERT(g.g_type == ND6_NS && g.g_hlim == 255);
	KASSERT(ip6_is(g.g_src, US_B) && ip6_is(g.g_dst, "ff02::1:ff00:9"));
	KASSERT(ip6_is(g.g_target, NET_B "9"));
	KASSERT(g.g_opt[0] == ND6_OPT_SLLA && g.g_opt[1] == 1);
	KASSERT(memcmp(g.g_opt + 2, it->it_b.tif_mac, 6) == 0);
	KASSERT(memcmp(g.g_eth, "\x33\x33\xff\x00\x00\x09", 6) == 0);
	tif_clear(&it->it_b);

	na(it, &it->it_b, NET_B "9", US_B, ND6_NA_SOLICITED | ND6_NA_OVERRIDE,
	    it->it_b.tif_peer);
	KASSERT(it->it_b.tif_ntx == 5);
	for (unsigned i = 0; i < 5; i++) {
		ip6 = tx6(&it->it_b, i);
		KASSERT(ip6 != NULL && ip6_is(ip6->ip6_dst, NET_B "9"));
		KASSERT(memcmp(it->it_b.tif_tx[i].tp_data,
		    it->it_b.tif_peer, 6) == 0);
	}
	KASSERT(state_of(it, NET_B "9") == NEIGH_S_REACHABLE);

	/* Without an answer: three solicitations, then the sources are told. */
	tif_clear(&it->it_a);
	tif_clear(&it->it_b);
	send_to(it, NET_B "8");
	sleep_ms(it, 4500);
	KASSERT(nd_count(&it->it_b, ND6_NS, NET_B "8") == 3);
	icmp = tx6_icmp(&it->it_a, 0);
	KASSERT(icmp != NULL && icmp->icmp6_type == ICMP6H_UNREACH &&
	    icmp->icmp6_code == ICMP6H_UNREACH_ADDR);
	KASSERT(drops(it->it_b.tif_ifp, DROP_ND6_UNRESOLVED) == 1);
	KASSERT(ip6stat(it, "nd6.timeouts") == 1);
	/* The neighbour is given up for a while, and then asked for again. */
	send_to(it, NET_B "8");
	KASSERT(nd_count(&it->it_b, ND6_NS, NET_B "8") == 3);
	sleep_ms(it, 4000);
	send_to(it, NET_B "8");
	KASSERT(nd_count(&it->it_b, ND6_NS, NET_B "8") == 4);
	sleep_ms(it, 10000);
}

IN6_TEST(test_resolve, 1)

/* --- the table of RFC 4861 7.2.5 ----------------------------------------- */

enum { OLD = 1, NEW = 2, NONE = 0 };

#define S	ND6_NA_SOLICITED
#define O	ND6_NA_OVERRIDE
#define R	ND6_NA_ROUTER

static const struct row {
	enum neigh_state r_before;	/* 0: no entry */
	uint8_t		 r_type;
	uint32_t	 r_flags;
	unsigned	 r_lladdr;	/* in the message */
	enum neigh_state r_after;
	unsigned	 r_lladdr_after;
	bool		 r_router;
} rows[] = {
	/* no entry: an advertisement makes none */
	{ 0, ND6_NA, S | O, NEW, 0, NONE, false },
	{ 0, ND6_NA, O, NEW, 0, NONE, false },
	/* INCOMPLETE: nothing without a link-level address, else as S says */
	{ NEIGH_S_INCOMPLETE, ND6_NA, S | O, NONE, NEIGH_S_INCOMPLETE, NONE,
	    false },
	{ NEIGH_S_INCOMPLETE, ND6_NA, O, NONE, NEIGH_S_INCOMPLETE, NONE,
	    false },
	{ NEIGH_S_INCOMPLETE, ND6_NA, S, NEW, NEIGH_S_REACHABLE, NEW, false },
	{ NEIGH_S_INCOMPLETE, ND6_NA, S | O | R, NEW, NEIGH_S_REACHABLE, NEW,
	    true },
	{ NEIGH_S_INCOMPLETE, ND6_NA, 0, NEW, NEIGH_S_STALE, NEW, false },
	{ NEIGH_S_INCOMPLETE, ND6_NA, O | R, NEW, NEIGH_S_STALE, NEW, true },
	/* REACHABLE */
	{ NEIGH_S_REACHABLE, ND6_NA, S, NEW, NEIGH_S_STALE, OLD, false },
	{ NEIGH_S_REACHABLE, ND6_NA, 0, NEW, NEIGH_S_STALE, OLD, false },
	{ NEIGH_S_REACHABLE, ND6_NA, S | O, NEW, NEIGH_S_REACHABLE, NEW,
	    false },
	{ NEIGH_S_REACHABLE, ND6_NA, O | R, NEW, NEIGH_S_STALE, NEW, true },
	{ NEIGH_S_REACHABLE, ND6_NA, S, OLD, NEIGH_S_REACHABLE, OLD, false },
	{ NEIGH_S_REACHABLE, ND6_NA, 0, OLD, NEIGH_S_REACHABLE, OLD, false },
	{ NEIGH_S_REACHABLE, ND6_NA, O | R, OLD, NEIGH_S_REACHABLE, OLD,
	    true },
	{ NEIGH_S_REACHABLE, ND6_NA, S | R, NONE, NEIGH_S_REACHABLE, OLD,
	    true },
	{ NEIGH_S_REACHABLE, ND6_NA, 0, NONE, NEIGH_S_REACHABLE, OLD, false },
	/* STALE */
	{ NEIGH_S_STALE, ND6_NA, S | R, NEW, NEIGH_S_STALE, OLD, false },
	{ NEIGH_S_STALE, ND6_NA, 0, NEW, NEIGH_S_STALE, OLD, false },
	{ NEIGH_S_STALE, ND6_NA, S | O, NEW, NEIGH_S_REACHABLE, NEW, false },
	{ NEIGH_S_STALE, ND6_NA, O, NEW, NEIGH_S_STALE, NEW, false },
	{ NEIGH_S_STALE, ND6_NA, S, OLD, NEIGH_S_REACHABLE, OLD, false },
	{ NEIGH_S_STALE, ND6_NA, O, OLD, NEIGH_S_STALE, OLD, false },
	{ NEIGH_S_STALE, ND6_NA, S, NONE, NEIGH_S_REACHABLE, OLD, false },
	{ NEIGH_S_STALE, ND6_NA, R, NONE, NEIGH_S_STALE, OLD, true },
	/* PROBE */
	{ NEIGH_S_PROBE, ND6_NA, S, NEW, NEIGH_S_PROBE, OLD, false },
	{ NEIGH_S_PROBE, ND6_NA, 0, NEW, NEIGH_S_PROBE, OLD, false },
	{ NEIGH_S_PROBE, ND6_NA, S | O, NEW, NEIGH_S_REACHABLE, NEW, false },
	{ NEIGH_S_PROBE, ND6_NA, O, NEW, NEIGH_S_STALE, NEW, false },
	{ NEIGH_S_PROBE, ND6_NA, S, OLD, NEIGH_S_REACHABLE, OLD, false },
	{ NEIGH_S_PROBE, ND6_NA, S, NONE, NEIGH_S_REACHABLE, OLD, false },
	{ NEIGH_S_PROBE, ND6_NA, 0, OLD, NEIGH_S_PROBE, OLD, false },
	/* appendix C, 7.2.3: what solicitations say of their sender */
	{ 0, ND6_NS, 0, NEW, NEIGH_S_STALE, NEW, false },
	{ 0, ND6_NS, 0, NONE, NEIGH_S_INCOMPLETE, NONE, false },
	{ NEIGH_S_INCOMPLETE, ND6_NS, 0, NEW, NEIGH_S_STALE, NEW, false },
	{ NEIGH_S_REACHABLE, ND6_NS, 0, NEW, NEIGH_S_STALE, NEW, false },
	{ NEIGH_S_REACHABLE, ND6_NS, 0, OLD, NEIGH_S_REACHABLE, OLD, false },
	{ NEIGH_S_STALE, ND6_NS, 0, NEW, NEIGH_S_STALE, NEW, false },
	{ NEIGH_S_STALE, ND6_NS, 0, OLD, NEIGH_S_STALE, OLD, false },
	{ NEIGH_S_PROBE, ND6_NS, 0, NEW, NEIGH_S_STALE, NEW, false },
	{ NEIGH_S_PROBE, ND6_NS, 0, OLD, NEIGH_S_PROBE, OLD, false },
};

#define ADDR	NET_B "33"
static const uint8_t macs[3][6] = {
	{ 0 }, { 2, 0, 0, 0, 0, 0x33 }, { 2, 0, 0, 0, 0, 0x44 }
};

/* Bring the neighbour into a state. */
static void
begin(struct in_test *it, enum neigh_state state)
{
	struct ifnet *b = it->it_b.tif_ifp;
	struct neigh_table *nt = neigh_table_of(it->it_vn);
	const union neigh_addr addr = inner6(ADDR, NULL);
	struct neigh *ne;

	nd6_ifpurge(b);
	if (state == 0)
		return;
	send_to(it, ADDR);
	if (state != NEIGH_S_INCOMPLETE)
		na(it, &it->it_b, ADDR, US_B, S | O, macs[OLD]);
	if (state == NEIGH_S_STALE || state == NEIGH_S_PROBE) {
		kspin_lock(&nt->nt_lock);
		ne = neigh_lookup(nt, b, AF_INET6, &addr);
		neigh_entry_state(ne, state, kern_now(it->it_kern),
		    60 * NEIGH_NS);
		kspin_unlock(&nt->nt_lock);
	}
	KASSERT(state_of(it, ADDR) == state);
	tif_clear(&it->it_b);
}

static void
test_rows_body(struct in_test *it)
{
	const struct row *r;
	uint8_t got[6];

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = &rows[i];
		begin(it, r->r_before);
		if (r->r_type == ND6_NA)
			na(it, &it->it_b, ADDR, US_B, r->r_flags,
			    r->r_lladdr == NONE ? NULL : macs[r->r_lladdr]);
		else
			ns(it, &it->it_b, ADDR, US_B, US_B,
			    r->r_lladdr == NONE ? NULL : macs[r->r_lladdr]);
		if (state_of(it, ADDR) != r->r_after ||
		    is_router(it, ADDR) != r->r_router) {
			printf("row %u: state %u, not %u\n", i,
			    state_of(it, ADDR), r->r_after);
			KASSERT(false);
		}
		lladdr_of(it, ADDR, got);
		KASSERT(memcmp(got, macs[r->r_lladdr_after], 6) == 0);
	}
	nd6_ifpurge(it->it_b.tif_ifp);
}

IN6_TEST(test_rows, 1)

/* --- unreachability ------------------------------------------------------ */

/* A neighbour that is used is asked, unicast, once its time is over, and
 * forgotten when it is silent; one that is not used is left alone. */
static void
test_unreachable_body(struct in_test *it)
{
	struct nd_got g;

	send_to(it, NET_B "9");
	na(it, &it->it_b, NET_B "9", US_B, S | O, it->it_b.tif_peer);
	tif_clear(&it->it_b);
	sleep_ms(it, 60000);
	KASSERT(state_of(it, NET_B "9") == NEIGH_S_STALE);
	KASSERT(nd_count(&it->it_b, ND6_NS, NET_B "9") == 0);

	send_to(it, NET_B "9");
	KASSERT(it->it_b.tif_ntx == 1);
	tif_clear(&it->it_b);
	for (unsigned i = 0; i < 12 && it->it_b.tif_ntx == 0; i++)
		sleep_ms(it, 500);
	KASSERT(nd_count(&it->it_b, ND6_NS, NET_B "9") == 1);
	KASSERT(nd_sent(&it->it_b, 0, &g) && g.g_type == ND6_NS);
	KASSERT(ip6_is(g.g_dst, NET_B "9"));
	KASSERT(memcmp(g.g_eth, it->it_b.tif_peer, 6) == 0);
	/* An answer without a link-level address confirms it, too. */
	na(it, &it->it_b, NET_B "9", US_B, S, NULL);
	KASSERT(state_of(it, NET_B "9") == NEIGH_S_REACHABLE);

	tif_clear(&it->it_b);
	sleep_ms(it, 50000);
	send_to(it, NET_B "9");
	sleep_ms(it, 12000);
	KASSERT(nd_count(&it->it_b, ND6_NS, NET_B "9") == 3);
	KASSERT(state_of(it, NET_B "9") == 0);
}

IN6_TEST(test_unreachable, 1)

/* --- answers ------------------------------------------------------------- */

static void
test_answer_body(struct in_test *it)
{
	const char *ll = linklocal6(it->it_b.tif_ifp);
	struct nd_got g;

	ns(it, &it->it_b, NET_B "2", "ff02::1:ff00:1", US_B,
	    it->it_b.tif_peer);
	KASSERT(it->it_b.tif_ntx == 1 && nd_sent(&it->it_b, 0, &g));
	KASSERT(g.g_type == ND6_NA && g.g_hlim == 255);
	KASSERT(ip6_is(g.g_src, US_B) && ip6_is(g.g_dst, HOST_B));
	KASSERT(ip6_is(g.g_target, US_B) && g.g_flags == (R | S | O));
	KASSERT(g.g_opt[0] == ND6_OPT_TLLA && g.g_opt[1] == 1);
	KASSERT(memcmp(g.g_opt + 2, it->it_b.tif_mac, 6) == 0);
	tif_clear(&it->it_b);

	/* A host is no router; from and about link-local addresses. */
	KASSERT(set_sysctl(it, "net.inet6.ip6.forwarding", 0) == 0);
	ns(it, &it->it_b, "fe80::77", ll, ll, macs[OLD]);
	KASSERT(it->it_b.tif_ntx == 1 && nd_sent(&it->it_b, 0, &g));
	KASSERT(g.g_flags == (S | O) && ip6_is(g.g_dst, "fe80::77"));
	KASSERT(ip6_is(g.g_src, ll) && ip6_is(g.g_target, ll));
	KASSERT(memcmp(g.g_eth, macs[OLD], 6) == 0);
	tif_clear(&it->it_b);

	/* A host that checks the address is told, as are all; other addresses
	 * are not answered for. */
	ns(it, &it->it_b, "::", "ff02::1:ff00:1", US_B, NULL);
	KASSERT(it->it_b.tif_ntx == 1 && nd_sent(&it->it_b, 0, &g));
	KASSERT(g.g_type == ND6_NA && g.g_flags == O);
	KASSERT(ip6_is(g.g_dst, "ff02::1"));
	tif_clear(&it->it_b);
	ns(it, &it->it_b, NET_B "7", "ff02::1:ff00:1", US_A,
	    it->it_b.tif_peer);
	KASSERT(it->it_b.tif_ntx == 0 && state_of(it, NET_B "7") == 0);
	KASSERT(drops(it->it_b.tif_ifp, DROP_ND6_NOT_OURS) == 1);
	nd6_ifpurge(it->it_b.tif_ifp);
}

IN6_TEST(test_answer, 1)

/* --- what is not believed ------------------------------------------------ */

/* A message like m, but for stmt, is refused. */
#define BAD(stmt)	do {						\
		m = ok;							\
		stmt;							\
		nd_inject(it, &it->it_b, &m);				\
		KASSERT(drops(b, DROP_ND6_BAD) == ++bad);		\
		KASSERT(it->it_b.tif_ntx == 0);				\
	} while (0)

/* Every field of a solicitation and an advertisement, wrong, and every
 * length. */
static void
test_checks_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	struct nd_msg ok = {
		.m_type = ND6_NS, .m_src = NET_B "2", .m_dst = US_B,
		.m_target = US_B, .m_hlim = 255, .m_opt = ND6_OPT_SLLA,
		.m_optlen = 1, .m_lladdr = macs[OLD],
	}, m;
	uint64_t bad = 0;

	m = ok;
	m.m_hlim = 254;
	nd_inject(it, &it->it_b, &m);
	KASSERT(drops(b, DROP_ND6_HLIM) == 1);
	BAD(m.m_code = 1);
	BAD(m.m_target = "ff02::1");
	BAD(m.m_target = "::");
	BAD(m.m_optlen = 0);
	BAD(m.m_optlen = 2);
	BAD(m.m_lladdr = (const uint8_t *)"\xff\xff\xff\xff\xff\xff");
	BAD(m.m_lladdr = macs[NONE]);
	BAD(m.m_src = "::"; m.m_dst = "ff02::1:ff00:1");
	BAD(m.m_src = "::"; m.m_dst = "ff02::1"; m.m_lladdr = NULL);
	for (unsigned cut = 1; cut <= 24; cut++)
		if (cut != 8)
			BAD(m.m_cut = cut);
	ok.m_type = ND6_NA;
	ok.m_opt = ND6_OPT_TLLA;
	ok.m_target = HOST_B;
	ok.m_flags = S;
	BAD(m.m_dst = "ff02::1");
	BAD(m.m_target = "ff02::1:ff00:1");
	BAD(m.m_optlen = 0);
	BAD(m.m_code = 3);
	for (unsigned cut = 1; cut <= 24; cut++)
		if (cut != 8)
			BAD(m.m_cut = cut);
	/* Never one of our own addresses, wherever it is. */
	m = ok;
	m.m_target = US_A;
	nd_inject(it, &it->it_b, &m);
	KASSERT(drops(b, DROP_ND6_CONFLICT) == 1 && state_of(it, US_A) == 0);
	/* A redirect is not followed. */
	m = ok;
	m.m_type = ND6_REDIRECT;
	nd_inject(it, &it->it_b, &m);
	KASSERT(drops(b, DROP_ND6_UNWANTED) == 1);
	/* An address of ours is defended, not too often. */
	tif_clear(&it->it_b);
	m = ok;
	m.m_target = US_B;
	nd_inject(it, &it->it_b, &m);
	nd_inject(it, &it->it_b, &m);
	KASSERT(nd_count(&it->it_b, ND6_NA, US_B) == 1);
	KASSERT(drops(b, DROP_ND6_CONFLICT) == 3);
	nd6_ifpurge(b);
}

IN6_TEST(test_checks, 1)

/* RFC 6980: not in fragments, not even in one. */
static void
test_fragment_body(struct in_test *it)
{
	static const uint8_t frag[7];
	uint8_t buf[200];
	struct nd_msg m = {
		.m_type = ND6_NS, .m_src = NET_B "2", .m_dst = US_B,
		.m_target = US_B, .m_hlim = 255, .m_opt = ND6_OPT_SLLA,
		.m_optlen = 1, .m_lladdr = macs[OLD],
	};
	unsigned len = nd_make(buf, &m);

	len = mk6_ext(buf, len, IP6_HLEN, 6, IPPROTO_FRAGMENT, frag, 8);
	inject6(it, &it->it_b, buf, len);
	KASSERT(drops(it->it_b.tif_ifp, DROP_ND6_FRAGMENT) == 1);
	KASSERT(it->it_b.tif_ntx == 0);
}

IN6_TEST(test_fragment, 1)

/* A scan of a /64 neither fills the table nor pushes out who has answered. */
static void
test_scan_body(struct in_test *it)
{
	char addr[64];

	KASSERT(set_sysctl(it, "net.inet6.icmp6.nd6_maxentries", 32) == 0);
	KASSERT(set_sysctl(it, "net.inet6.icmp6.nd6_maxasks", -1) == 0);
	send_to(it, NET_B "9");
	na(it, &it->it_b, NET_B "9", US_B, S | O, it->it_b.tif_peer);
	for (unsigned i = 0; i < 200; i++) {
		(void)snprintf(addr, sizeof(addr), NET_B "1:%x", i);
		send_to(it, addr);
	}
	KASSERT(test_sysctl(it->it_vn, "net.inet6.icmp6.nd6_entries") <= 32);
	KASSERT(state_of(it, NET_B "9") == NEIGH_S_REACHABLE);
	KASSERT(drops(it->it_b.tif_ifp, DROP_ND6_PUSHED) > 100);
	nd6_ifpurge(it->it_b.tif_ifp);
}

IN6_TEST(test_scan, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_fragment),
		cmocka_unit_test(test_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
