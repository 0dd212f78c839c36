/*
 * Several routes to one prefix: which of them is used, what takes its place
 * when it goes, and that each is found, told, shown and taken down by itself.
 */

#include "net_test.h"

#include "net/route_impl.h"	/* under test */

static struct rt_info
info(const char *gw, uint32_t metric)
{
	struct rt_info ri = {
		TEST_DST("10.9.0.0"), .ri_len = 16, .ri_flags = RTF_STATIC,
		.ri_given = RTV_METRIC, .ri_metric = metric,
	};

	if (gw != NULL)
		test_route_via(&ri, gw);
	return ri;
}

static int
add(struct vnet *vn, const char *gw, uint32_t metric)
{
	struct rt_info ri = info(gw, metric);

	return rt_add(vn, &ri);
}

static int
del(struct vnet *vn, const char *gw, uint32_t metric)
{
	struct rt_info ri = info(gw, metric);

	return rt_delete(vn, &ri);
}

static bool
used(struct vnet *vn, const char *gw)
{

	return test_rt_is_via(test_rt_lookup(vn, "10.9.1.1"), gw);
}

/* An interface with a network, by which gateways are reached. */
static struct ifaddr *
network(struct vnet *vn, struct etest *et, unsigned unit, const char *addr,
    const char *net)
{
	struct rt_info ri = {
		TEST_DST(net), .ri_len = 24, .ri_flags = RTF_CONNECTED,
	};
	struct ifaddr *ifa;

	etest_attach(vn, et, unit, &etest_ops, true);
	ifa = ifatest_add(et->et_ifp, addr, 24);
	ri.ri_ifp = et->et_ifp;
	ri.ri_ifa = ifa;
	KASSERT(rt_add(vn, &ri) == 0);
	return ifa;
}

/* The metrics of the routes to 10.9.0.0/16, in the order of a dump. */
struct seen {
	uint32_t	 se_metric[RT_SPARES_MAX + 2];
	bool		 se_up[RT_SPARES_MAX + 2];
	unsigned	 se_n;
};

static int
see(const void *msg, void *arg)
{
	const struct rt_msg *rtm = msg;
	struct seen *se = arg;

	if ((rtm->rtm_flags & RTF_CONNECTED) != 0)
		return 0;
	KASSERT((rtm->rtm_given & RTV_METRIC) != 0);
	se->se_metric[se->se_n] = rtm->rtm_metric;
	se->se_up[se->se_n++] = (rtm->rtm_flags & RTF_UP) != 0;
	return 0;
}

static bool
seen_are(struct vnet *vn, const uint32_t *metric, unsigned n)
{
	struct seen se = { .se_n = 0 };

	KASSERT(rt_dump(vn, see, &se) == 0);
	return se.se_n == n && (n == 0 || memcmp(se.se_metric, metric,
	    n * sizeof(*metric)) == 0);
}

static void
order_body(struct vnet *vn)
{
	static struct etest et;
	struct seen se = { .se_n = 0 };
	struct rt_info ri;
	uint64_t msg[RT_MSG_MAX / 8];
	const struct rt_msg *rtm = (const struct rt_msg *)(void *)msg;

	dtest_attach(vn);
	(void)network(vn, &et, 0, "10.0.0.1", "10.0.0.0");
	KASSERT(add(vn, "10.0.0.2", 20) == 0 && used(vn, "10.0.0.2"));
	KASSERT(add(vn, "10.0.0.3", 10) == 0 && used(vn, "10.0.0.3"));
	KASSERT(add(vn, "10.0.0.4", 30) == 0 && used(vn, "10.0.0.3"));
	KASSERT(add(vn, "10.0.0.5", UINT32_MAX) == 0);
	KASSERT(add(vn, "10.0.0.6", 20) == EEXIST);
	KASSERT(add(vn, "10.0.0.6", 10) == EEXIST);
	KASSERT(test_route_count(vn) == 5);
	KASSERT(seen_are(vn, (uint32_t[]){ 10, 20, 30, UINT32_MAX }, 4));
	KASSERT(rt_dump(vn, see, &se) == 0);
	KASSERT(se.se_up[0] && !se.se_up[1] && !se.se_up[2] && !se.se_up[3]);

	/* One is meant by its metric, or by what is said of it. */
	ri = info(NULL, 30);
	KASSERT(rt_get_meant(vn, &ri, RTM_GET, msg) == 0);
	KASSERT(rtm->rtm_metric == 30 && (rtm->rtm_flags & RTF_UP) == 0);
	KASSERT(del(vn, NULL, 40) == ESRCH);
	KASSERT(del(vn, "10.0.0.2", 10) == ESRCH);
	ri = info("10.0.0.4", 0);
	ri.ri_given = 0;
	KASSERT(rt_get_request(vn, &ri, msg) == 0 && rtm->rtm_metric == 30);
	KASSERT((rtm->rtm_given & (RTV_METRIC |
	    RTV_PROTO)) == (RTV_METRIC | RTV_PROTO));
	KASSERT(rt_delete(vn, &ri) == 0);
	KASSERT(rt_delete(vn, &ri) == ESRCH);
	KASSERT(seen_are(vn, (uint32_t[]){ 10, 20, UINT32_MAX }, 3));

	/* A change is of one of them, and moves none. */
	ri = info("10.0.0.7", 20);
	KASSERT(rt_change(vn, &ri) == 0 && used(vn, "10.0.0.3"));
	ri.ri_given = 0;
	test_route_via(&ri, "10.0.0.8");
	KASSERT(rt_change(vn, &ri) == 0 && used(vn, "10.0.0.8"));
	ri.ri_given = RTV_METRIC | RTV_PROTO;
	ri.ri_metric = 11;
	KASSERT(rt_change(vn, &ri) == ESRCH);
	KASSERT(seen_are(vn, (uint32_t[]){ 10, 20, UINT32_MAX }, 3));

	/* The next one takes the place. */
	ri = info(NULL, 0);
	ri.ri_given = 0;
	KASSERT(rt_delete(vn, &ri) == 0 && used(vn, "10.0.0.7"));
	KASSERT(del(vn, NULL, UINT32_MAX) == 0 && used(vn, "10.0.0.7"));
	KASSERT(del(vn, NULL, 20) == 0);
	KASSERT(test_rt_lookup(vn, "10.9.1.1") == NULL);
	KASSERT(test_route_count(vn) == 1);
	/* Some are left when the vnet ends. */
	ri.ri_flags |= RTF_REJECT;
	ri.ri_given = RTV_METRIC;
	for (ri.ri_metric = 3; ri.ri_metric-- > 0;)
		KASSERT(rt_add(vn, &ri) == 0);
	etest_detach(&et);
}

static void
test_order(void **state)
{

	(void)state;
	net_on_linux(0, order_body);
	net_on_sim(1, order_body);
}

/* A network of an interface comes before routes that were asked for. */
static void
address_body(struct vnet *vn)
{
	static struct etest et[2];
	struct rt_info net = {
		TEST_DST("10.9.0.0"), .ri_len = 16, .ri_flags = RTF_CONNECTED,
	};
	struct ifaddr *ifa;

	dtest_attach(vn);
	(void)network(vn, &et[0], 0, "10.0.0.1", "10.0.0.0");
	etest_attach(vn, &et[1], 1, &etest_ops, true);
	for (int round = 0; round < 2; round++) {
		/* The address comes first, or last. */
		if (round == 1)
			KASSERT(add(vn, "10.0.0.2", 7) == 0);
		ifa = ifatest_add(et[1].et_ifp, "10.9.0.1", 16);
		net.ri_ifp = et[1].et_ifp;
		net.ri_ifa = ifa;
		KASSERT(rt_add(vn, &net) == 0);
		if (round == 0) {
			KASSERT(add(vn, "10.0.0.2", 0) == EEXIST);
			KASSERT(add(vn, "10.0.0.2", 7) == 0);
		}
		KASSERT(add(vn, "10.0.0.3", 7) == EEXIST);
		KASSERT(add(vn, "10.0.0.3", 5) == 0);
		KASSERT(test_rt_lookup(vn, "10.9.1.1")->rt_ifp ==
		    et[1].et_ifp);
		KASSERT(seen_are(vn, (uint32_t[]){ 5, 7 }, 2));
		/* By its metric only one that was asked for is meant. */
		KASSERT(del(vn, NULL, 0) == ESRCH);
		ifatest_remove(ifa);
		KASSERT(used(vn, "10.0.0.3"));
		KASSERT(del(vn, NULL, 5) == 0 && used(vn, "10.0.0.2"));
		KASSERT(del(vn, NULL, 7) == 0);
	}
	/* One with metric 0 keeps the network out, as ever. */
	KASSERT(add(vn, "10.0.0.2", 0) == 0 && add(vn, "10.0.0.2", 4) == 0);
	ifa = ifatest_add(et[1].et_ifp, "10.9.0.1", 16);
	net.ri_ifa = ifa;
	KASSERT(rt_add(vn, &net) == EEXIST && used(vn, "10.0.0.2"));
	ifatest_remove(ifa);
	etest_detach(&et[1]);
	etest_detach(&et[0]);
	test_route_flush(vn);
	KASSERT(test_route_count(vn) == 0);
}

static void
test_address(void **state)
{

	(void)state;
	net_on_sim(1, address_body);
}

/* An interface goes: the routes through it stay, unused while there are others,
 * and are used again when it is back. */
static void
detach_body(struct vnet *vn)
{
	static struct etest et[2];
	struct rt_lost lost[RT_NLOST];
	unsigned n;

	dtest_attach(vn);
	(void)network(vn, &et[0], 0, "10.0.0.1", "10.0.0.0");
	(void)network(vn, &et[1], 1, "10.1.0.1", "10.1.0.0");
	KASSERT(add(vn, "10.1.0.2", 1) == 0 && add(vn, "10.0.0.2", 2) == 0 &&
	    add(vn, "10.1.0.3", 3) == 0 && add(vn, "10.0.0.3", 4) == 0);
	etest_detach(&et[1]);
	KASSERT(used(vn, "10.0.0.2"));
	KASSERT(seen_are(vn, (uint32_t[]){ 1, 2, 3, 4 }, 4));
	(void)network(vn, &et[1], 1, "10.1.0.1", "10.1.0.0");
	KASSERT(used(vn, "10.1.0.2"));
	etest_detach(&et[1]);
	KASSERT(used(vn, "10.0.0.2"));
	etest_detach(&et[0]);
	KASSERT(test_rt_unreachable(vn, "10.9.1.1"));
	KASSERT(rt_lost(vn, lost, &n) == 0 && test_route_count(vn) == 4);
	test_route_flush(vn);
}

static void
test_detach(void **state)
{

	(void)state;
	net_on_linux(0, detach_body);
	net_on_sim(1, detach_body);
}

/* As many as there may be; no memory for one more. */
static void
limit_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct rt_info ri = info(NULL, 0);
	uint32_t all[RT_SPARES_MAX + 1];
	int error;

	ri.ri_flags |= RTF_REJECT;
	for (uint32_t i = 0; i <= RT_SPARES_MAX; i++) {
		/* in front and behind */
		ri.ri_metric = i % 2 == 0 ? 1000 - i : 1000 + i;
		for (unsigned n = 1;; n++) {
			sim_fail_alloc(h, n);
			error = rt_add(vn, &ri);
			if (error == 0)
				break;
			KASSERT(error == ENOMEM);
			KASSERT(test_route_count(vn) == i);
			KASSERT(i == 0 || test_rt_metric(vn,
			    "10.9.1.1") == 1000 - (i - 1) / 2 * 2);
		}
		sim_fail_alloc(h, 0);
	}
	ri.ri_metric = 1;
	KASSERT(rt_add(vn, &ri) == ENOSPC);
	ri.ri_metric = 9999;
	KASSERT(rt_add(vn, &ri) == ENOSPC);
	for (uint32_t i = 0; i <= RT_SPARES_MAX; i++)
		all[i] = i < 32 ? 938 + 2 * i : 1001 + 2 * (i - 32);
	KASSERT(seen_are(vn, all, RT_SPARES_MAX + 1));
	/* Another prefix has its own. */
	ri.ri_len = 17;
	KASSERT(rt_add(vn, &ri) == 0);
	ri.ri_metric = 1;
	KASSERT(rt_add(vn, &ri) == 0);
}

static void
test_limit(void **state)
{

	(void)state;
	net_on_sim(1, limit_body);
}

/* A route that is there all the time is met once by a dump, also when it was a
 * spare and is used before the dump comes to it. */
static void
dump_body(struct vnet *vn)
{
	struct rt_place place = { 0 };
	uint64_t msg[RT_MSG_MAX / 8];
	const struct rt_msg *rtm = (const struct rt_msg *)(void *)msg;
	struct rt_info ri = info(NULL, 0);

	ri.ri_flags |= RTF_REJECT;
	for (ri.ri_metric = 1; ri.ri_metric <= 4; ri.ri_metric++)
		KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(rt_dump_next(vn, &place, msg) == 0 && rtm->rtm_metric == 1);
	KASSERT(del(vn, NULL, 1) == 0);
	KASSERT(rt_dump_next(vn, &place, msg) == 0 && rtm->rtm_metric == 2);
	KASSERT(rtm->rtm_flags & RTF_UP);
	KASSERT(del(vn, NULL, 3) == 0 && add(vn, NULL, 0) == EINVAL);
	ri.ri_metric = 0;
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(rt_dump_next(vn, &place, msg) == 0 && rtm->rtm_metric == 4);
	KASSERT(rt_dump_next(vn, &place, msg) == ENOENT);
	KASSERT(rt_dump_next(vn, &place, msg) == ENOENT);
}

static void
test_dump(void **state)
{

	(void)state;
	net_on_sim(1, dump_body);
}

/* Each is told of; and of the one that is used now, or no more. */
static void
told_body(struct vnet *vn)
{
	static const struct { uint8_t type; uint32_t metric; bool up; } want[] =
	{
		{ RTM_ADD, 5, true }, { RTM_ADD, 9, false },
		{ RTM_CHANGE, 5, false }, { RTM_ADD, 2, true },
		{ RTM_DELETE, 2, true }, { RTM_CHANGE, 5, true },
		{ RTM_DELETE, 9, false },
	};
	struct rt_info ri = info(NULL, 5);
	uint64_t msg[RT_MSG_MAX / 8];
	const struct rt_msg *rtm = (const struct rt_msg *)(void *)msg;
	struct rt_listener *rl = test_listen(vn, 1 << 16);
	unsigned n = 0;

	while (test_hear(rl, msg) != 0 &&
	    rtm->rtm_h.rtm_type != RTM_SNAPSHOT_END)
		continue;
	ri.ri_flags |= RTF_REJECT;
	KASSERT(rt_add(vn, &ri) == 0);
	ri.ri_metric = 9;
	KASSERT(rt_add(vn, &ri) == 0);
	ri.ri_metric = 2;
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(del(vn, NULL, 2) == 0 && del(vn, NULL, 9) == 0);
	while (test_hear(rl, msg) != 0) {
		KASSERT(n < sizeof(want) / sizeof(want[0]));
		KASSERT(rtm->rtm_h.rtm_type == want[n].type);
		KASSERT(rtm->rtm_metric == want[n].metric);
		KASSERT(((rtm->rtm_flags & RTF_UP) != 0) == want[n].up);
		n++;
	}
	KASSERT(n == sizeof(want) / sizeof(want[0]));
	test_listen_end(rl);
}

static void
test_told(void **state)
{

	(void)state;
	net_on_sim(1, told_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_detach),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
