/*
 * Routes with several ways: how evenly the flows are shared out, that only the
 * flows of a way move that goes or comes back, and what requests find.
 */

#include "net_test.h"

#include <stdio.h>

#include "net/route_impl.h"	/* under test */

#define NWAYS	8
#define NFLOWS	4096

static struct etest nets[NWAYS];

/* An interface with a network, 10.unit.0.1/24. */
static struct ifaddr *
network(struct vnet *vn, unsigned unit)
{
	struct rt_info ri = { .ri_len = 24, .ri_flags = RTF_CONNECTED };
	struct etest *et = &nets[unit];
	struct ifaddr *ifa;
	char text[20];

	(void)snprintf(text, sizeof(text), "10.%u.0.1", unit);
	etest_attach(vn, et, unit, &etest_ops, true);
	ifa = ifatest_add(et->et_ifp, text, 24);
	(void)snprintf(text, sizeof(text), "10.%u.0.0", unit);
	test_route_to(&ri, text);
	ri.ri_ifp = et->et_ifp;
	ri.ri_ifa = ifa;
	KASSERT(rt_add(vn, &ri) == 0);
	return ifa;
}

static struct rt_info
by(const char *dst, unsigned unit, uint16_t weight)
{
	struct rt_info ri = { .ri_len = 16, .ri_flags = RTF_STATIC,
	    .ri_given = RTV_MPATH, .ri_weight = weight };
	char text[20];

	test_route_to(&ri, dst);
	(void)snprintf(text, sizeof(text), "10.%u.0.2", unit);
	test_route_via(&ri, text);
	return ri;
}

static uint32_t
value_of(struct vnet *vn, const char *dst)
{

	return rt_lookup4(rt_main(vn), test_hop(dst)).fd_value;
}

static int
add(struct vnet *vn, unsigned unit, uint16_t weight)
{
	struct rt_info ri = by("172.16.0.0", unit, weight);

	return rt_add_way(vn, &ri);
}

static int
del(struct vnet *vn, unsigned unit)
{
	struct rt_info ri = by("172.16.0.0", unit, 0);

	ri.ri_given = 0;
	return rt_delete(vn, &ri);
}

/* The ways of many flows: units, NWAYS: none, or one that is unreachable. */
static void
ways(struct vnet *vn, uint8_t *way)
{
	struct fwd fd;
	unsigned u;

	for (uint32_t i = 0; i < NFLOWS; i++) {
		fd = rt_lookup4_flow(rt_main(vn), test_hop("172.16.1.1"),
		    khash_u64(i * 0x9e3779b9ull));
		way[i] = NWAYS;
		for (u = 0; u < NWAYS && fd.fd_nh != NULL; u++)
			if (fd.fd_nh->nh_ifp != NULL &&
			    fd.fd_nh->nh_ifp == nets[u].et_ifp)
				way[i] = (uint8_t)u;
	}
}

/* How many flows changed their way, but for those that left `from'. */
static unsigned
others_moved(const uint8_t *a, const uint8_t *b, unsigned from)
{
	unsigned n = 0;

	for (unsigned i = 0; i < NFLOWS; i++)
		n += a[i] != b[i] && a[i] != from;
	return n;
}

static unsigned
of(const uint8_t *way, unsigned unit)
{
	unsigned n = 0;

	for (unsigned i = 0; i < NFLOWS; i++)
		n += way[i] == unit;
	return n;
}

/* Chi-square of equal shares. */
static double
chi_square(const uint8_t *way, unsigned n)
{
	double want = (double)NFLOWS / n, x, sum = 0;

	for (unsigned u = 0; u < n; u++) {
		x = of(way, u) - want;
		sum += x * x / want;
	}
	return sum;
}

static void
link_is(struct vnet *vn, unsigned unit, int state)
{

	if_link_state_change(nets[unit].et_ifp, state);
	host_sleep(vn->vn_kern->k_host, 50000000);
}

static void
spread_body(struct vnet *vn)
{
	static uint8_t was[NFLOWS], now[NFLOWS];
	struct ifaddr *ifa[NWAYS];
	uint32_t value;

	dtest_attach(vn);
	for (unsigned u = 0; u < NWAYS; u++)
		ifa[u] = network(vn, u);
	for (unsigned u = 0; u < NWAYS; u++)
		KASSERT(add(vn, u, 0) == 0);
	KASSERT(add(vn, 3, 0) == EEXIST && add(vn, 3, 1) == EEXIST);
	KASSERT(test_route_count(vn) == NWAYS + 1);
	ways(vn, was);
	/* Seven degrees of freedom: 0.1 % of even spreads are above 24.3. */
	KASSERT(chi_square(was, NWAYS) < 24.3);

	/* A link goes, and comes back: its flows alone, in one step. */
	value = value_of(vn, "172.16.1.1");
	link_is(vn, 5, LINK_STATE_DOWN);
	ways(vn, now);
	KASSERT(of(now, 5) == 0 && others_moved(was, now, 5) == 0);
	KASSERT(of(now, NWAYS) == 0);
	/* A second one: nothing of what had to move moves again. */
	link_is(vn, 6, LINK_STATE_DOWN);
	memcpy(was, now, sizeof(was));
	ways(vn, now);
	KASSERT(of(now, 6) == 0 && others_moved(was, now, 6) == 0);
	link_is(vn, 5, LINK_STATE_UP);
	link_is(vn, 6, LINK_STATE_UP);
	KASSERT(value_of(vn, "172.16.1.1") == value);
	ways(vn, was);
	KASSERT(chi_square(was, NWAYS) < 24.3);

	/* A network goes, and comes back. */
	ifatest_remove(ifa[2]);
	ways(vn, now);
	KASSERT(of(now, 2) == 0 && others_moved(was, now, 2) == 0);
	etest_detach(&nets[2]);
	ifa[2] = network(vn, 2);
	ways(vn, now);
	KASSERT(others_moved(was, now, NWAYS) == 0);

	/* A way is taken out, and put back: its flows, and its share. */
	KASSERT(del(vn, 4) == 0 && del(vn, 4) == ESRCH);
	ways(vn, now);
	KASSERT(of(now, 4) == 0 && others_moved(was, now, 4) == 0);
	KASSERT(add(vn, 4, 0) == 0);
	memcpy(was, now, sizeof(was));
	ways(vn, now);
	for (unsigned i = 0; i < NFLOWS; i++)
		KASSERT(now[i] == was[i] || now[i] == 4);
	KASSERT(chi_square(now, NWAYS) < 24.3);

	/* All of them. */
	for (unsigned u = 0; u < NWAYS; u++)
		ifatest_remove(ifa[u]);
	KASSERT(test_rt_unreachable(vn, "172.16.1.1"));
	for (unsigned u = 0; u < NWAYS; u++)
		KASSERT(del(vn, u) == 0);
	KASSERT(test_route_count(vn) == 0);
	KASSERT(vn->vn_route->rv_groups.kh_count == 0);
	for (unsigned u = 0; u < NWAYS; u++)
		etest_detach(&nets[u]);
}

static void
test_spread(void **state)
{

	(void)state;
	net_on_sim(1, spread_body);
}

static int
seen(const void *msg, void *arg)
{
	const struct rt_msg *rtm = msg;
	unsigned *sum = arg;

	if ((rtm->rtm_given & RTV_MPATH) != 0) {
		sum[0]++;
		sum[1] += rtm->rtm_weight;
	}
	return 0;
}

/* Weights, sharing of groups, changes, and what is said. */
static void
weight_body(struct vnet *vn)
{
	struct rt_info ri = by("172.17.0.0", 0, 0);
	static uint8_t way[NFLOWS];
	unsigned sum[2] = { 0, 0 };
	uint32_t value;

	dtest_attach(vn);
	for (unsigned u = 0; u < 3; u++)
		(void)network(vn, u);
	KASSERT(add(vn, 0, 3) == 0 && add(vn, 1, 1) == 0);
	ways(vn, way);
	KASSERT(of(way, 0) > NFLOWS / 4 * 3 - 150 &&
	    of(way, 0) < NFLOWS / 4 * 3 + 150);
	KASSERT(rt_dump(vn, seen, sum) == 0 && sum[0] == 2 && sum[1] == 4);
	/* The same ways are one group. */
	ri.ri_weight = 3;
	KASSERT(rt_add_way(vn, &ri) == 0);
	ri = by("172.17.0.0", 1, 0);
	KASSERT(rt_add_way(vn, &ri) == 0);
	value = value_of(vn, "172.17.1.1");
	KASSERT(value == value_of(vn, "172.16.1.1"));
	KASSERT(vn->vn_route->rv_groups.kh_count == 1);
	/* Another weight for one of them. */
	ri.ri_weight = 3;
	KASSERT(rt_add_way(vn, &ri) == 0);
	KASSERT(value != value_of(vn, "172.17.1.1"));
	KASSERT(vn->vn_route->rv_groups.kh_count == 2);
	/* Flags change, and the ways stay; the MTU is each way's own. */
	ri = by("172.17.0.0", 0, 0);
	ri.ri_given = 0;
	ri.ri_gw.na_4 = 0;
	ri.ri_flags = RTF_PROTO1;
	KASSERT(rt_change(vn, &ri) == 0);
	KASSERT(vn->vn_route->rv_groups.kh_count == 2);
	ri.ri_mtu = 1400;
	KASSERT(rt_change(vn, &ri) == EOPNOTSUPP);
	/* One way in the place of all. */
	ri = by("172.17.0.0", 2, 0);
	ri.ri_given = 0;
	KASSERT(rt_change(vn, &ri) == 0);
	KASSERT(test_rt_lookup(vn, "172.17.1.1")->rt_ifp == nets[2].et_ifp);
	KASSERT(vn->vn_route->rv_groups.kh_count == 1);
	/* Only where there are ways to be had. */
	ri = by("172.18.0.0", 0, 0);
	ri.ri_given = 0;
	ri.ri_flags |= RTF_REJECT;
	KASSERT(rt_add(vn, &ri) == 0);
	ri = by("172.18.0.0", 0, 0);
	KASSERT(rt_add_way(vn, &ri) == EEXIST);
	ri = by("10.0.0.0", 0, 0);
	ri.ri_len = 24;
	KASSERT(rt_add_way(vn, &ri) == EEXIST);
	ri = by("172.16.0.0", 9, 0);
	KASSERT(rt_add_way(vn, &ri) == ENETUNREACH);
	test_route_flush(vn);
	KASSERT(vn->vn_route->rv_groups.kh_count == 0);
	for (unsigned u = 0; u < 3; u++)
		etest_detach(&nets[u]);
}

static void
test_weight(void **state)
{

	(void)state;
	net_on_sim(1, weight_body);
	net_on_linux(0, weight_body);
}

/* A gateway behind a group, ways that name their interface, the limit. */
static void
behind_body(struct vnet *vn)
{
	struct rt_info ri = { TEST_DST("192.168.0.0"), .ri_len = 16 }, way;
	static uint8_t met[NFLOWS];
	static struct etest link;
	char gw[20];

	dtest_attach(vn);
	for (unsigned u = 0; u < 2; u++) {
		(void)network(vn, u);
		KASSERT(add(vn, u, 0) == 0);
	}
	test_route_via(&ri, "172.16.5.5");
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(test_rt_lookup(vn, "192.168.1.1")->rt_ifp != NULL);
	link_is(vn, 0, LINK_STATE_DOWN);
	KASSERT(test_rt_lookup(vn, "192.168.1.1")->rt_ifp == nets[1].et_ifp);
	link_is(vn, 0, LINK_STATE_UP);
	link_is(vn, 1, LINK_STATE_DOWN);
	KASSERT(test_rt_lookup(vn, "192.168.1.1")->rt_ifp == nets[0].et_ifp);
	/* Not by one that is down still when another comes back. */
	link_is(vn, 0, LINK_STATE_DOWN);
	link_is(vn, 1, LINK_STATE_UP);
	KASSERT(test_rt_lookup(vn, "192.168.1.1")->rt_ifp == nets[1].et_ifp);
	link_is(vn, 0, LINK_STATE_UP);
	KASSERT(test_rt_lookup(vn, "192.168.1.1")->rt_ifp == nets[0].et_ifp);
	/* A way of the route itself is not reached by its other one. */
	way = by("172.16.0.0", 0, 0);
	test_route_via(&way, "172.16.9.9");
	KASSERT(rt_add_way(vn, &way) == ENETUNREACH);
	way.ri_given |= RTV_LATER;
	KASSERT(rt_add_way(vn, &way) == 0);
	KASSERT(vn->vn_route->rv_paths.kh_count == 4);
	(void)ways(vn, met);
	for (unsigned i = 0; i < NFLOWS; i++)
		KASSERT(met[i] < 2);
	KASSERT(rt_delete(vn, &way) == 0);
	/* A way on link goes with its interface, and leaves the others. */
	etest_attach(vn, &link, 7, &etest_ops, true);
	ri = by("172.16.0.0", 0, 0);
	ri.ri_gw.na_4 = 0;
	ri.ri_ifp = link.et_ifp;
	KASSERT(rt_add_way(vn, &ri) == 0);
	etest_detach(&link);
	KASSERT(test_rt_lookup(vn, "172.16.1.1")->rt_ifp == nets[0].et_ifp);
	/* The limit. */
	for (unsigned i = 0; i < NH_MEMBERS - 2; i++) {
		ri = by("172.16.0.0", 0, 0);
		(void)snprintf(gw, sizeof(gw), "10.0.0.%u", 10 + i);
		test_route_via(&ri, gw);
		KASSERT(rt_add_way(vn, &ri) == 0);
	}
	test_route_via(&ri, "10.0.0.200");
	KASSERT(rt_add_way(vn, &ri) == ENOSPC);
	test_route_flush(vn);
	KASSERT(vn->vn_route->rv_paths.kh_count == 0);
	etest_detach(&nets[0]);
	etest_detach(&nets[1]);
}

/*
 * A gateway that is behind too many others while a group's only way is, and not
 * any more when that leads another way.
 */
static void
far_body(struct vnet *vn)
{
	struct rt_info ri = { TEST_DST("192.168.0.0"), .ri_len = 16,
	    .ri_given = RTV_LATER }, way;
	char text[20];

	dtest_attach(vn);
	(void)network(vn, 0);
	for (unsigned i = 0; i < RT_DEPTH_MAX; i++) {
		way = by("20.0.0.0", 0, 0);
		(void)snprintf(text, sizeof(text), "20.%u.0.0", i);
		test_route_to(&way, text);
		(void)snprintf(text, sizeof(text), "20.%u.0.1", i - 1);
		if (i > 0)
			test_route_via(&way, text);
		way.ri_given = 0;
		KASSERT(rt_add(vn, &way) == 0);
	}
	way = by("172.16.0.0", 0, 3);	/* a group, for its weight */
	test_route_via(&way, "20.7.0.1");
	KASSERT(rt_add_way(vn, &way) == 0);
	KASSERT(test_rt_is_via(test_rt_lookup(vn, "172.16.1.1"), "10.0.0.2"));
	test_route_via(&ri, "172.16.5.5");
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(test_rt_unreachable(vn, "192.168.1.1"));
	way = by("20.7.0.0", 0, 0);
	way.ri_given = 0;
	KASSERT(rt_change(vn, &way) == 0);
	KASSERT(test_rt_is_via(test_rt_lookup(vn, "192.168.1.1"), "10.0.0.2"));
	test_route_flush(vn);
	etest_detach(&nets[0]);
}

static void
test_behind(void **state)
{

	(void)state;
	net_on_sim(1, behind_body);
	net_on_sim(1, far_body);
}

/* --- all of them deleted as they are listed ------------------------------ */

struct listed {
	unsigned	 li_n;		/* messages */
	unsigned	 li_calls;
};

static struct listed
flush(struct vnet *vn, uint32_t table, bool all)
{
	struct rt_place place = { .rp_table = table, .rp_is_last = !all };
	union {
		struct rt_msg	 rtm;
		uint8_t		 room[RT_FLUSH_ROOM];
	} some;
	struct listed li = { 0, 0 };
	const struct rt_hdr *h;
	bool more = true;
	size_t used, at;

	while (more) {
		more = rt_flush_some(vn, &place, &some, sizeof(some), &used);
		li.li_calls++;
		for (at = 0; at < used; at += h->rtm_len) {
			h = (const struct rt_hdr *)(void *)(some.room + at);
			KASSERT(h->rtm_type == RTM_DELETE);
			li.li_n++;
		}
		KASSERT(at == used);
	}
	return li;
}

/*
 * Every way of every route is told, of the one that is used, of spares, of all
 * tables; there is room for one route at a time.  What addresses brought along
 * stays.
 */
static void
flush_body(struct vnet *vn)
{
	struct rt_info ri;
	struct listed li;
	size_t own;

	dtest_attach(vn);
	for (unsigned u = 0; u < NWAYS; u++)
		(void)network(vn, u);
	own = test_route_count(vn);
	for (int round = 0; round < 2; round++) {
		for (unsigned u = 0; u < NWAYS; u++)
			KASSERT(add(vn, u, 0) == 0);
		for (unsigned u = 0; u < 4; u++) {
			ri = by("172.16.0.0", u, 1);
			ri.ri_given |= RTV_METRIC;
			ri.ri_metric = 5;
			KASSERT(rt_add_way(vn, &ri) == 0);
			ri.ri_given = RTV_METRIC;
			ri.ri_metric = 6 + u;
			KASSERT(rt_add(vn, &ri) == 0);
		}
		/* Behind one that an address brought along. */
		ri = by("10.3.0.0", 2, 0);
		ri.ri_len = 24;
		ri.ri_given = RTV_METRIC;
		ri.ri_metric = 7;
		KASSERT(rt_add(vn, &ri) == 0);
		ri = by("172.18.0.0", 2, 0);
		ri.ri_table = 9;
		KASSERT(rt_add(vn, &ri) == 0);
		li = flush(vn, 0, false);
		KASSERT(li.li_n == NWAYS + 4 + 4 + 1 && li.li_calls >= 7);
		KASSERT(test_route_count(vn) == own + 1);
		li = flush(vn, round == 0 ? 9 : 0, round != 0);
		KASSERT(li.li_n == 1 && test_route_count(vn) == own);
		KASSERT(vn->vn_route->rv_paths.kh_count == 0 &&
		    vn->vn_route->rv_groups.kh_count == 0);
		KASSERT(flush(vn, 9, false).li_n == 0);
	}
	for (unsigned u = 0; u < NWAYS; u++)
		etest_detach(&nets[u]);
}

static void
test_flush(void **state)
{

	(void)state;
	net_on_sim(1, flush_body);
}

/* An allocation that fails changes nothing. */
static void
memory_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	static uint8_t was[NFLOWS], now[NFLOWS];
	int error;

	dtest_attach(vn);
	for (unsigned u = 0; u < 3; u++)
		(void)network(vn, u);
	KASSERT(add(vn, 0, 0) == 0);
	for (unsigned u = 1; u < 3; u++)
		for (unsigned n = 1;; n++) {
			ways(vn, was);
			sim_fail_alloc(h, n);
			error = add(vn, u, 2);
			sim_fail_alloc(h, 0);
			if (error == 0)
				break;
			KASSERT(error == ENOMEM);
			ways(vn, now);
			KASSERT(memcmp(was, now, sizeof(was)) == 0);
		}
	for (unsigned n = 1;; n++) {
		sim_fail_alloc(h, n);
		error = del(vn, 1);
		sim_fail_alloc(h, 0);
		if (error == 0)
			break;
		KASSERT(error == ENOMEM && test_route_count(vn) == 4);
	}
	test_route_flush(vn);
	KASSERT(vn->vn_route->rv_paths.kh_count == 0);
	for (unsigned u = 0; u < 3; u++)
		etest_detach(&nets[u]);
}

static void
test_memory(void **state)
{

	(void)state;
	net_on_sim(1, memory_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_weight),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_flush),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
