/*
 * Rules that pick the table of routes for a packet of IPv6: on both paths, for
 * packets of this host's own, beside rules of IPv4.
 */

#include "in6_test.h"

#include "net/rule.h"		/* under test */

#define BEHIND	"2001:db8:99::1"

static uint32_t
rule(struct in_test *it, struct rule_spec rs)
{
	uint32_t number = 0;

	KASSERT(rule_add(it->it_vn, &rs, &number) == 0);
	return number;
}

#define FROM(text, len)	.rs_family = AF_INET6,				\
	    .rs_src = inner6(text, NULL), .rs_srclen = (len)
#define TO(text, len)	.rs_family = AF_INET6,				\
	    .rs_dst = inner6(text, NULL), .rs_dstlen = (len)
#define TABLE(n)	.rs_action = RULE_TABLE, .rs_table = (n)

/* 2001:db8:99::/48 by HOST_B, in table 5. */
static void
make_table(struct in_test *it)
{
	struct rt_info ri = {
		.ri_family = AF_INET6, .ri_len = 48, .ri_table = 5,
		.ri_flags = RTF_STATIC, .ri_dst = inner6("2001:db8:99::", NULL),
		.ri_gw = inner6(HOST_B, NULL),
	};

	KASSERT(rt_add(it->it_vn, &ri) == 0);
}

struct marked {
	struct in_test	*ma_it;
	const char	*ma_src, *ma_dst;
	uint32_t	 ma_mark;
	bool		 ma_slow;	/* with hop-by-hop options */
};

/* A packet behind the point where the filter sets marks. */
static void
marked_cpu(void *arg)
{
	struct marked *ma = arg;
	struct ifnet *ifp = ma->ma_it->it_a.tif_ifp;
	struct mvec mv = { .mv_n = 1 };
	uint8_t buf[200];
	unsigned len;

	len = mk6_udp(buf, ma->ma_src, ma->ma_dst, 64, 20);
	if (ma->ma_slow)
		len = mk6_ext(buf, len, 40, 6, IPPROTO_HOPOPTS,
		    "\0\1\4\0\0\0\0", 8);
	mv.mv_m[0] = m_gethdr();
	KASSERT(mv.mv_m[0] != NULL &&
	    m_append(mv.mv_m[0], buf, len) == 0);
	mv.mv_m[0]->m_mark = ma->ma_mark;
	mv.mv_m[0]->m_rcvif = ifp->if_handle;
	if_stat_add(ifp, IF_STAT_IPACKETS, 1);
	if_stat_add(ifp, IF_STAT_IBYTES, len);
	ip6_input_vec(ifp, &mv);
}

/* Does it leave ('b'), or not ('-')? */
static char
way_of(struct in_test *it, const char *src, const char *dst, uint32_t mark)
{
	struct marked ma = { it, src, dst, mark, false };
	char way[2];

	for (unsigned i = 0; i < 2; i++) {
		tif_clear(&it->it_a);
		tif_clear(&it->it_b);
		ma.ma_slow = i != 0;
		on_cpu(it, marked_cpu, &ma);
		way[i] = it->it_b.tif_ntx != 0 ? 'b' : '-';
	}
	KASSERT(way[0] == way[1]);
	tif_clear(&it->it_a);
	tif_clear(&it->it_b);
	return way[0];
}

static int
decided(const struct rule_info *ri, void *arg)
{

	(void)arg;
	return (int)ri->ri_packets;
}

static void
fits_body(struct in_test *it)
{
	struct rule_spec rs4 = { .rs_family = AF_INET, TABLE(5) };
	static const struct {
		struct rule_spec rs;
		uint32_t	 mark;
		bool		 fits;
	} cases[] = {
		{ { TABLE(5) }, 0, true },	/* of both families */
		{ { .rs_ifname = "tif0", TABLE(5) }, 0, true },
		{ { .rs_ifname = "tif1", TABLE(5) }, 0, false },
		{ { .rs_mark = 5, .rs_markmask = 7, TABLE(5) }, 0xd, true },
		{ { .rs_mark = 5, .rs_markmask = 7, TABLE(5) }, 4, false },
		{ { TABLE(6) }, 0, false },
	};

	make_table(it);
	KASSERT(way_of(it, HOST_A, BEHIND, 0) == '-');
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)rule(it, cases[i].rs);
		KASSERT(way_of(it, HOST_A, BEHIND, cases[i].mark) ==
		    (cases[i].fits ? 'b' : '-'));
		if (cases[i].fits)
			KASSERT(rule_list(it->it_vn, decided, NULL) == 2);
		rule_flush(it->it_vn);
	}
	/* A rule of the other family's prefixes is about none of these. */
	rs4.rs_srclen = 1;
	(void)rule(it, rs4);
	KASSERT(way_of(it, HOST_A, BEHIND, 0) == '-');
	rule_flush(it->it_vn);
	for (unsigned len = 0; len <= 128; len++) {
		struct rule_spec from = { FROM(HOST_A, len), TABLE(5) };
		struct rule_spec dst = { TO(BEHIND, len), TABLE(5) };

		(void)rule(it, from);
		KASSERT(way_of(it, HOST_A, BEHIND, 0) == 'b');
		KASSERT(way_of(it, NET_A "3", BEHIND, 0) ==
		    (len <= 127 ? 'b' : '-'));
		KASSERT(way_of(it, "2002:db8:1::2", BEHIND, 0) ==
		    (len <= 14 ? 'b' : '-'));
		rule_flush(it->it_vn);
		(void)rule(it, dst);
		KASSERT(way_of(it, HOST_A, BEHIND, 0) == 'b');
		KASSERT(way_of(it, HOST_A, "2001:db8:99::3", 0) ==
		    (len <= 126 ? 'b' : '-'));
		KASSERT(way_of(it, HOST_A, "2001:db8:99:0:8000::1", 0) ==
		    (len <= 64 ? 'b' : '-'));
		rule_flush(it->it_vn);
	}
}
IN6_TEST(fits, 1)

/* Addresses of this host come first, and so do those of a link. */
static void
first_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct icmphdr6 *icmp;
	uint8_t buf[200];
	unsigned len;

	(void)rule(it, (struct rule_spec){ .rs_action = RULE_BLACKHOLE });
	len = mk6_echo(buf, HOST_A, US_A, 20);
	inject6(it, &it->it_a, buf, len);
	settle(it);
	/* The answer is a packet of our own, which the rule is about. */
	KASSERT(ip6stat(it, "icmp6.echo") == 1 && it->it_a.tif_ntx == 0);
	len = mk6_echo(buf, "fe80::2", linklocal6(a), 20);
	inject6(it, &it->it_a, buf, len);
	settle(it);
	icmp = (struct icmphdr6 *)(uintptr_t)tx6_icmp(&it->it_a, 0);
	KASSERT(icmp != NULL && icmp->icmp6_type == ICMP6H_ECHOREPLY);
	KASSERT(drops(a, DROP_IP6_BLACKHOLE) == 0);
	KASSERT(way_of(it, HOST_A, HOST_B, 0) == '-');
	KASSERT(drops(a, DROP_IP6_BLACKHOLE) == 2);
	rule_flush(it->it_vn);
	(void)rule(it, (struct rule_spec){ TO(NET_B, 64),
	    .rs_action = RULE_REJECT });
	len = mk6_udp(buf, HOST_A, HOST_B, 64, 20);
	inject6(it, &it->it_a, buf, len);
	KASSERT(was_told(&it->it_a, ICMP6H_UNREACH, ICMP6H_UNREACH_REJECT, 0,
	    buf, len));
	rule_flush(it->it_vn);
}
IN6_TEST(first, 1)

static void
refused_body(struct in_test *it)
{
	struct rule_spec rs = { FROM(HOST_A, 129), TABLE(5) };
	uint32_t number;

	KASSERT(rule_add(it->it_vn, &rs, &number) == EINVAL);
	rs.rs_srclen = 128;
	rs.rs_family = AF_LINK;
	KASSERT(rule_add(it->it_vn, &rs, &number) == EAFNOSUPPORT);
	rs.rs_family = AF_INET;
	KASSERT(rule_add(it->it_vn, &rs, &number) == EINVAL);
}
IN6_TEST(refused, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits),
		cmocka_unit_test(first),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
