/*
 * Routes that expire: in time and not before, with what else happens to them
 * meanwhile.
 */

#include "net_test.h"

#include "net/route_impl.h"	/* under test */

#define SECOND	1000000000ull

static struct rt_info
info(struct vnet *vn, uint32_t metric, unsigned seconds)
{

	return (struct rt_info){
		TEST_DST("10.9.0.0"), .ri_len = 16,
		.ri_flags = RTF_STATIC | RTF_REJECT, .ri_given = RTV_METRIC,
		.ri_metric = metric, .ri_expire_ns = seconds == 0 ? 0 :
		    kern_now(vn->vn_kern) + seconds * SECOND,
	};
}

static int
add(struct vnet *vn, uint32_t metric, unsigned seconds)
{
	struct rt_info ri = info(vn, metric, seconds);

	return rt_add(vn, &ri);
}

static void
wait_s(struct vnet *vn, unsigned seconds)
{

	host_sleep(vn->vn_kern->k_host, seconds * SECOND);
}

static bool
used(struct vnet *vn, uint32_t metric)
{

	return test_rt_metric(vn, "10.9.1.1") == metric;
}

static void
time_body(struct vnet *vn)
{
	uint64_t msg[RT_MSG_MAX / 8];
	const struct rt_msg *rtm = (const struct rt_msg *)(void *)msg;
	struct rt_info ri;
	struct rt_listener *rl;
	unsigned n = 0;

	KASSERT(add(vn, 1, 10) == 0 && add(vn, 2, 0) == 0 &&
	    add(vn, 3, 20) == 0);
	rl = test_listen(vn, 1 << 16);
	while (test_hear(rl, msg) != 0)
		continue;
	wait_s(vn, 9);
	KASSERT(used(vn, 1) && test_route_count(vn) == 3);
	/* Within an eighth; the next one is used. */
	wait_s(vn, 4);
	KASSERT(used(vn, 2) && test_route_count(vn) == 2);
	/* A spare goes too. */
	wait_s(vn, 12);
	KASSERT(used(vn, 2) && test_route_count(vn) == 1);
	while (test_hear(rl, msg) != 0)
		if (rtm->rtm_h.rtm_type == RTM_DELETE)
			KASSERT(rtm->rtm_metric == (n++ == 0 ? 1 : 3));
	KASSERT(n == 2);
	test_listen_end(rl);

	/* Deleted before, and by itself. */
	KASSERT(add(vn, 1, 5) == 0);
	ri = info(vn, 1, 0);
	KASSERT(rt_delete(vn, &ri) == 0);
	wait_s(vn, 10);
	KASSERT(used(vn, 2));

	/* A change keeps the time, or sets it. */
	KASSERT(add(vn, 1, 8) == 0);
	ri.ri_mtu = 1000;
	KASSERT(rt_change(vn, &ri) == 0 && used(vn, 1));
	KASSERT(rt_get_meant(vn, &ri, RTM_GET, msg) == 0);
	KASSERT(rtm->rtm_expire_s >= 7 && rtm->rtm_expire_s <= 8);
	wait_s(vn, 7);
	KASSERT(used(vn, 1));
	ri = info(vn, 1, 30);
	KASSERT(rt_change(vn, &ri) == 0);
	wait_s(vn, 25);
	KASSERT(used(vn, 1));
	wait_s(vn, 12);
	KASSERT(used(vn, 2));
	/* A route that stayed for ever gets a time. */
	ri = info(vn, 2, 1);
	KASSERT(rt_change(vn, &ri) == 0);
	wait_s(vn, 3);
	KASSERT(test_route_count(vn) == 0);
	/* The vnet ends with some to come. */
	KASSERT(add(vn, 1, 5) == 0 && add(vn, 2, 50000000) == 0);
}

static void
test_time(void **state)
{

	(void)state;
	net_on_sim(1, time_body);
}

/* Longer than a wheel can wait. */
static void
long_body(struct vnet *vn)
{
	const unsigned day = 86400;

	KASSERT(add(vn, 1, 2000 * day) == 0);
	wait_s(vn, 1999 * day);
	KASSERT(used(vn, 1));
	wait_s(vn, 300 * day);
	KASSERT(test_route_count(vn) == 0);
}

static void
test_long(void **state)
{

	(void)state;
	net_on_sim(1, long_body);
}

/* A route that is due, and not deleted yet, can be made again. */
static void
due_body(struct vnet *vn)
{
	uint64_t msg[RT_MSG_MAX / 8];
	const struct rt_msg *rtm = (const struct rt_msg *)(void *)msg;
	struct rt_info ri = info(vn, 1, 0);

	KASSERT(add(vn, 1, 1) == 0);
	host_sleep(vn->vn_kern->k_host, 2 * SECOND);
	KASSERT(rt_get_request(vn, &ri, msg) == 0);
	KASSERT(rtm->rtm_expire_s == 1);
}

static void
test_due(void **state)
{

	(void)state;
	/* Without a CPU no timer runs. */
	net_on_sim(0, due_body);
}

/* No memory: nothing is left, and what is there is as it was. */
static void
nomem_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct rt_info ri = info(vn, 1, 100);
	int error;

	for (unsigned n = 1;; n++) {
		sim_fail_alloc(h, n);
		error = rt_add(vn, &ri);
		if (error == 0)
			break;
		KASSERT(error == ENOMEM && test_route_count(vn) == 0);
	}
	ri = info(vn, 1, 10);
	for (unsigned n = 1;; n++) {
		sim_fail_alloc(h, n);
		error = rt_change(vn, &ri);
		if (error == 0)
			break;
		KASSERT(error == ENOMEM);
	}
	sim_fail_alloc(h, 0);
	wait_s(vn, 13);
	KASSERT(test_route_count(vn) == 0);
}

static void
test_nomem(void **state)
{

	(void)state;
	net_on_sim(1, nomem_body);
}

/* Many at once, and some that go just then. */
static void
many_body(struct vnet *vn)
{
	struct rt_info ri = info(vn, 0, 1);

	for (unsigned i = 0; i < 2000; i++) {
		test_route_to_plus(&ri, "10.0.0.0", i << 8);
		ri.ri_len = 24;
		KASSERT(rt_add(vn, &ri) == 0);
	}
	host_sleep(vn->vn_kern->k_host, SECOND);
	for (unsigned i = 0; i < 2000; i += 3) {
		test_route_to_plus(&ri, "10.0.0.0", i << 8);
		(void)rt_delete(vn, &ri);
	}
	wait_s(vn, 3);
	KASSERT(test_route_count(vn) == 0);
}

static void
test_many(void **state)
{

	(void)state;
	net_on_sim(1, many_body);
	net_on_sim(3, many_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
