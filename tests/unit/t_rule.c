/*
 * Rules that pick the table of routes for a packet: which packets they fit, in
 * which order, on both paths (vectors, packets one by one), for packets of this
 * host's own; limits; memory.
 */

#include "in_test.h"
#include "layer_test.h"

#include "net/rule.h"		/* under test */

static uint32_t
rule(struct in_test *it, struct rule_spec rs)
{
	uint32_t number = 0;

	KASSERT(rule_add(it->it_vn, &rs, &number) == 0);
	return number;
}

static union neigh_addr
addr(const char *text)
{

	return (union neigh_addr){ .na_4 = test_hop(text) };
}

#define FROM(text, len)	.rs_family = AF_INET, .rs_src = addr(text),	\
	    .rs_srclen = (len)
#define TO(text, len)	.rs_family = AF_INET, .rs_dst = addr(text),	\
	    .rs_dstlen = (len)
#define TABLE(n)	.rs_action = RULE_TABLE, .rs_table = (n)

static int
add_to(struct in_test *it, uint32_t table, const char *dst, unsigned len,
    const char *gw)
{
	struct rt_info ri = { .ri_len = len, .ri_table = table,
	    .ri_flags = RTF_STATIC };

	test_route_to(&ri, dst);
	test_route_via(&ri, gw);
	return rt_add(it->it_vn, &ri);
}

struct marked {
	struct in_test	*ma_it;
	const char	*ma_src, *ma_dst;
	uint32_t	 ma_mark;
	unsigned	 ma_ihl;	/* 5, or 6: not the fast path */
};

/* A packet behind the point where the filter sets marks. */
static void
marked_cpu(void *arg)
{
	struct marked *ma = arg;
	struct ifnet *ifp = ma->ma_it->it_a.tif_ifp;
	struct mvec mv = { .mv_n = 1 };
	struct iphdr4 *ip;
	uint8_t buf[100];
	unsigned len;

	len = mk_udp(buf, ma->ma_src, ma->ma_dst, 64, 20);
	if (ma->ma_ihl == 6) {
		memmove(buf + 24, buf + 20, len - 20);
		memset(buf + 20, 1, 4);		/* four times no operation */
		len += 4;
		ip = (struct iphdr4 *)(void *)buf;
		ip->ip_vhl = 0x46;
		ip->ip_len = htons((uint16_t)len);
		ip->ip_sum = 0;
		ip->ip_sum = in_cksum_fold(in_cksum_add(ip, 24, 0));
	}
	mv.mv_m[0] = m_gethdr();
	KASSERT(mv.mv_m[0] != NULL &&
	    m_append(mv.mv_m[0], buf, len) == 0);
	mv.mv_m[0]->m_mark = ma->ma_mark;
	mv.mv_m[0]->m_rcvif = ifp->if_handle;
	if_stat_add(ifp, IF_STAT_IPACKETS, 1);
	if_stat_add(ifp, IF_STAT_IBYTES, len);
	ip_input_vec(ifp, &mv);
}

/* Does it leave ('b'), or not ('-')? */
static char
way_of(struct in_test *it, const char *src, const char *dst, uint32_t mark)
{
	struct marked ma = { it, src, dst, mark, 5 };
	char way[2];

	for (unsigned i = 0; i < 2; i++) {
		tif_clear(&it->it_a);
		tif_clear(&it->it_b);
		ma.ma_ihl = 5 + i;
		on_cpu(it, marked_cpu, &ma);
		way[i] = it->it_b.tif_ntx != 0 ? 'b' : '-';
	}
	KASSERT(way[0] == way[1]);
	return way[0];
}

static void
fits_body(struct in_test *it)
{
	static const struct {
		struct rule_spec rs;
		const char	*src, *dst;
		uint32_t	 mark;
		bool		 fits;
	} cases[] = {
		{ { TABLE(5) }, "10.0.1.2", "20.0.0.1", 0, true },
		{ { .rs_ifname = "tif0", TABLE(5) }, "10.0.1.2", "20.0.0.1", 0,
		    true },
		{ { .rs_ifname = "tif1", TABLE(5) }, "10.0.1.2", "20.0.0.1", 0,
		    false },
		{ { .rs_ifname = "tif", TABLE(5) }, "10.0.1.2", "20.0.0.1", 0,
		    false },
		{ { .rs_mark = 5, .rs_markmask = 7, TABLE(5) }, "10.0.1.2",
		    "20.0.0.1", 0xd, true },
		{ { .rs_mark = 5, .rs_markmask = 7, TABLE(5) }, "10.0.1.2",
		    "20.0.0.1", 4, false },
		{ { .rs_mark = 0, .rs_markmask = 1, TABLE(5) }, "10.0.1.2",
		    "20.0.0.1", 2, true },
		{ { TABLE(6) }, "10.0.1.2", "20.0.0.1", 0, false },
		{ { TABLE(0) }, "10.0.1.2", "20.0.0.1", 0, false },
	};

	KASSERT(add_to(it, 5, "20.0.0.0", 8, "10.0.2.2") == 0);
	KASSERT(way_of(it, "10.0.1.2", "20.0.0.1", 0) == '-');
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)rule(it, cases[i].rs);
		KASSERT(way_of(it, cases[i].src, cases[i].dst,
		    cases[i].mark) == (cases[i].fits ? 'b' : '-'));
		rule_flush(it->it_vn);
	}
	for (unsigned len = 0; len <= 32; len++) {
		struct rule_spec from = { FROM("10.0.1.2", len), TABLE(5) };
		struct rule_spec dst = { TO("20.0.0.1", len), TABLE(5) };

		(void)rule(it, from);
		KASSERT(way_of(it, "10.0.1.2", "20.0.0.1", 0) == 'b');
		KASSERT(way_of(it, "10.0.1.3", "20.0.0.1", 0) ==
		    (len <= 31 ? 'b' : '-'));
		KASSERT(way_of(it, "11.0.1.2", "20.0.0.1", 0) ==
		    (len <= 7 ? 'b' : '-'));
		rule_flush(it->it_vn);
		(void)rule(it, dst);
		KASSERT(way_of(it, "10.0.1.2", "20.0.0.1", 0) == 'b');
		KASSERT(way_of(it, "10.0.1.2", "20.0.0.3", 0) ==
		    (len <= 30 ? 'b' : '-'));
		rule_flush(it->it_vn);
	}
	/* An address of our own, and a broadcast address, come first. */
	(void)rule(it, (struct rule_spec){ .rs_action = RULE_BLACKHOLE });
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_BLACKHOLE) == 0);
	(void)way_of(it, "10.0.1.2", "10.0.1.1", 0);
	(void)way_of(it, "10.0.1.2", "10.0.1.255", 0);
	settle(it);
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_BLACKHOLE) == 0);
	(void)way_of(it, "10.0.1.2", "10.0.2.2", 0);
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_BLACKHOLE) == 2);
	KASSERT(in_output(it, "10.0.1.1", "10.0.1.1") == 0);
	KASSERT(in_output(it, "10.0.1.1", "10.0.2.2") == ENETUNREACH);
	settle(it);
	rule_flush(it->it_vn);
	all_books(it);
}
IN_TEST(fits, 1)

static int
decided(const struct rule_info *ri, void *arg)
{

	(void)arg;
	return (int)ri->ri_packets;
}

/* Vectors whose packets go by different tables, whose values look alike. */
static void
vectors_body(struct in_test *it)
{
	uint8_t buf[100];
	unsigned len;

	KASSERT(add_to(it, 0, "20.0.0.0", 8, "10.0.2.2") == 0);
	KASSERT(add_to(it, 5, "20.0.0.0", 8, "10.0.2.3") == 0);
	KASSERT(neigh_req(it, RTM_ADD, NULL, "10.0.2.3", it->it_a.tif_peer,
	    0, 0) == 0);
	(void)rule(it, (struct rule_spec){ FROM("10.0.1.8", 29), TABLE(5) });
	for (unsigned round = 0; round < 4; round++) {
		tif_clear(&it->it_b);
		len = mk_udp(buf, round % 2 == 0 ? "10.0.1.2" : "10.0.1.9",
		    "20.0.0.1", 64, 20);
		inject_n(it, &it->it_a, buf, len, 20);
		KASSERT(it->it_b.tif_ntx == 20);
	}
	KASSERT(rule_list(it->it_vn, decided, NULL) == 40);
	rule_flush(it->it_vn);
	/* Packets that it refuses are counted once as well. */
	(void)rule(it, (struct rule_spec){ .rs_action = RULE_BLACKHOLE });
	inject_n(it, &it->it_a, buf, len, 20);
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_BLACKHOLE) == 20);
	KASSERT(rule_list(it->it_vn, decided, NULL) == 20);
	all_books(it);
}
IN_TEST(vectors, 1)

static int
numbers(const struct rule_info *ri, void *arg)
{
	uint32_t **p = arg;

	*(*p)++ = ri->ri_spec.rs_number;
	return 0;
}

static void
order_body(struct in_test *it)
{
	uint32_t list[8], *p = list, number = 0;
	struct rule_spec rs = { TABLE(5) };

	KASSERT(add_to(it, 5, "20.0.0.0", 8, "10.0.2.2") == 0);
	KASSERT(rule(it, (struct rule_spec){ .rs_number = 7,
	    .rs_action = RULE_REJECT }) == 7);
	KASSERT(rule(it, rs) == 17);
	KASSERT(way_of(it, "10.0.1.2", "20.0.0.1", 0) == '-');
	/* Without a route in the table the next rule decides. */
	KASSERT(rule(it, (struct rule_spec){ .rs_number = 3, TABLE(6) }) == 3);
	KASSERT(way_of(it, "10.0.1.2", "20.0.0.1", 0) == '-');
	KASSERT(rule(it, (struct rule_spec){ .rs_number = 5, TABLE(5) }) == 5);
	KASSERT(way_of(it, "10.0.1.2", "20.0.0.1", 0) == 'b');
	KASSERT(rule_list(it->it_vn, numbers, &p) == 0);
	KASSERT(p == list + 4 && list[0] == 3 && list[1] == 5 &&
	    list[2] == 7 && list[3] == 17);
	rs.rs_number = 5;
	KASSERT(rule_add(it->it_vn, &rs, &number) == EEXIST);
	KASSERT(rule_delete(it->it_vn, 4) == ENOENT);
	KASSERT(rule_delete(it->it_vn, 5) == 0);
	KASSERT(way_of(it, "10.0.1.2", "20.0.0.1", 0) == '-');
	/* Table 6 is there for the rule alone. */
	KASSERT(it->it_vn->vn_route->rv_tables.kt_count == 2);
	KASSERT(rule_delete(it->it_vn, 3) == 0);
	KASSERT(it->it_vn->vn_route->rv_tables.kt_count == 1);
	rs.rs_number = RULE_NUMBER_MAX;
	KASSERT(rule_add(it->it_vn, &rs, &number) == 0);
	rs.rs_number = 0;
	KASSERT(rule_add(it->it_vn, &rs, &number) == ENOSPC);
	rule_flush(it->it_vn);
	KASSERT(it->it_vn->vn_route->rv_rules == NULL);
	settle(it);
	all_books(it);
}
IN_TEST(order, 1)

/* Packets to one destination in one vector: those of one source by a rule, the
 * others by another one or by none, and each leaves where it should. */
static void
turns_cpu(void *arg)
{
	struct in_test *it = arg;
	struct ifnet *ifp = it->it_a.tif_ifp;
	struct mvec mv = { .mv_n = 0 };
	uint8_t buf[100];
	unsigned len;

	for (unsigned i = 0; i < 12; i++) {
		len = mk_udp(buf, i % 3 == 0 ? "10.0.1.2" : i % 3 == 1 ?
		    "10.0.1.3" : "10.0.1.4", "20.0.0.1", 64, 20);
		mv.mv_m[i] = m_gethdr();
		KASSERT(mv.mv_m[i] != NULL &&
		    m_append(mv.mv_m[i], buf, len) == 0);
		mv.mv_m[i]->m_rcvif = ifp->if_handle;
		if_stat_add(ifp, IF_STAT_IPACKETS, 1);
		if_stat_add(ifp, IF_STAT_IBYTES, len);
		mv.mv_n++;
	}
	ip_input_vec(ifp, &mv);
}

static void
turns_body(struct in_test *it)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	uint32_t src;

	KASSERT(set_sysctl(it, "net.inet.ip.redirect", 0) == 0);
	KASSERT(add_to(it, 0, "20.0.0.0", 8, "10.0.1.2") == 0);
	KASSERT(add_to(it, 5, "20.0.0.0", 8, "10.0.2.2") == 0);
	KASSERT(add_to(it, 6, "20.0.0.0", 8, "10.0.2.3") == 0);
	KASSERT(neigh_req(it, RTM_ADD, NULL, "10.0.2.3", mac, 0, 0) == 0);
	(void)rule(it, (struct rule_spec){ FROM("10.0.1.2", 32), TABLE(5) });
	(void)rule(it, (struct rule_spec){ FROM("10.0.1.3", 32), TABLE(6) });
	tif_clear(&it->it_a);
	tif_clear(&it->it_b);
	on_cpu(it, turns_cpu, it);
	KASSERT(it->it_b.tif_ntx == 8 && it->it_a.tif_ntx == 4);
	for (unsigned i = 0; i < 8; i++) {
		src = tx_ip(&it->it_b, i)->ip_src;
		KASSERT(memcmp(it->it_b.tif_tx[i].tp_data, ip_is(src,
		    "10.0.1.2") ? it->it_b.tif_peer : mac, 6) == 0 &&
		    !ip_is(src, "10.0.1.4"));
	}
	rule_flush(it->it_vn);
	all_books(it);
}
IN_TEST(turns, 1)

static void
bad_body(struct in_test *it)
{
	struct rule_spec bad[] = {
		{ .rs_number = RULE_NUMBER_MAX + 1, TABLE(5) },
		{ .rs_action = RULE_NACTIONS },
		{ .rs_family = 99, TABLE(5) },
		{ .rs_family = AF_INET, .rs_srclen = 33, TABLE(5) },
		{ .rs_family = AF_INET, .rs_dstlen = 33, TABLE(5) },
		{ .rs_srclen = 1, TABLE(5) },
		{ .rs_mark = 2, .rs_markmask = 1, TABLE(5) },
		{ TABLE(RT_TABLE_MAX + 1) },
		{ .rs_ifname = "0123456789abcdef", TABLE(5) },
	};
	struct rule_spec rs = { TABLE(5) };
	uint32_t number = 0;
	int error = ENOMEM;

	memset(bad[8].rs_ifname, 'x', IFNAMSIZ);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		KASSERT(rule_add(it->it_vn, &bad[i], &number) != 0);
	KASSERT(it->it_vn->vn_route->rv_rules == NULL &&
	    it->it_vn->vn_route->rv_tables.kt_count == 0);
	for (unsigned nth = 1; error == ENOMEM; nth++) {
		sim_fail_alloc(it->it_host, nth);
		error = rule_add(it->it_vn, &rs, &number);
		sim_fail_alloc(it->it_host, 0);
		KASSERT(error == 0 || it->it_vn->vn_route->rv_tables.
		    kt_count == 0);
	}
	KASSERT(error == 0);
	rs.rs_number = 1;
	KASSERT(rule_add(it->it_vn, &rs, &number) == 0);
	error = ENOMEM;
	for (unsigned nth = 1; error == ENOMEM; nth++) {
		sim_fail_alloc(it->it_host, nth);
		error = rule_delete(it->it_vn, 1);
		sim_fail_alloc(it->it_host, 0);
	}
	KASSERT(error == 0);
	for (uint32_t n = 1; n < RULES_MAX; n++) {
		rs.rs_number = n + 10;
		KASSERT(rule_add(it->it_vn, &rs, &number) == 0);
	}
	rs.rs_number = 5000;
	KASSERT(rule_add(it->it_vn, &rs, &number) == ENOSPC);
	/* The rest goes with the vnet. */
}
IN_TEST(bad, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits),
		cmocka_unit_test(vectors),
		cmocka_unit_test(order),
		cmocka_unit_test(turns),
		cmocka_unit_test(bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
