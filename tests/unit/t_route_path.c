/*
 * Paths: gateways that other routes lead to, what is followed, what does not
 * count as a way, and that packets find what requests are told.
 */

#include "net_test.h"
#include "route_audit.h"

#include <stdio.h>

#include "net/route_impl.h"	/* under test */

static struct etest nets[2];

/* An interface with a network, 10.unit.0.1/24. */
static struct ifaddr *
network(struct vnet *vn, unsigned unit, bool attach)
{
	struct rt_info ri = { .ri_len = 24, .ri_flags = RTF_CONNECTED };
	struct ifaddr *ifa;
	char text[20];

	(void)snprintf(text, sizeof(text), "10.%u.0.1", unit);
	if (attach)
		etest_attach(vn, &nets[unit], unit, &etest_ops, true);
	ifa = ifatest_add(nets[unit].et_ifp, text, 24);
	(void)snprintf(text, sizeof(text), "10.%u.0.0", unit);
	test_route_to(&ri, text);
	ri.ri_ifp = nets[unit].et_ifp;
	ri.ri_ifa = ifa;
	KASSERT(rt_add(vn, &ri) == 0);
	return ifa;
}

static struct rt_info
by(const char *dst, unsigned len, const char *gw, bool later)
{
	struct rt_info ri = { .ri_len = len, .ri_flags = RTF_STATIC,
	    .ri_given = later ? RTV_LATER : 0 };

	test_route_to(&ri, dst);
	test_route_via(&ri, gw);
	return ri;
}

static int
add(struct vnet *vn, const char *dst, unsigned len, const char *gw)
{
	struct rt_info ri = by(dst, len, gw, false);

	return rt_add(vn, &ri);
}

static int
later(struct vnet *vn, const char *dst, unsigned len, const char *gw)
{
	struct rt_info ri = by(dst, len, gw, true);

	return rt_add(vn, &ri);
}

static int
change(struct vnet *vn, const char *dst, unsigned len, const char *gw)
{
	struct rt_info ri = by(dst, len, gw, true);

	return rt_change(vn, &ri);
}

static int
del(struct vnet *vn, const char *dst, unsigned len)
{
	struct rt_info ri = { .ri_len = len };

	test_route_to(&ri, dst);
	return rt_delete(vn, &ri);
}

/* The unit by which packets leave, and the neighbour that takes them; -1. */
static int
leaves(struct vnet *vn, const char *dst, const char *next)
{
	const struct test_route *rt = test_rt_lookup(vn, dst);

	if (rt == NULL || (rt->rt_flags & RTF_UP) == 0)
		return -1;
	KASSERT(next == NULL || test_rt_is_via(rt, next));
	return rt->rt_ifp == nets[1].et_ifp;
}

/* A default route that only it would lead to, found once its network is. */
static void
default_body(struct vnet *vn)
{
	struct ifaddr *ifa;

	dtest_attach(vn);
	etest_attach(vn, &nets[0], 0, &etest_ops, true);
	KASSERT(add(vn, "0.0.0.0", 0, "10.0.0.2") == ENETUNREACH);
	KASSERT(later(vn, "0.0.0.0", 0, "10.0.0.2") == 0);
	KASSERT(leaves(vn, "99.0.0.1", NULL) == -1);
	for (unsigned i = 0; i < 3; i++) {
		ifa = network(vn, 0, false);
		KASSERT(leaves(vn, "99.0.0.1", "10.0.0.2") == 0);
		/* No other gateway is reached by it. */
		KASSERT(add(vn, "98.0.0.0", 8, "97.0.0.1") == ENETUNREACH);
		ifatest_remove(ifa);
		KASSERT(leaves(vn, "99.0.0.1", NULL) == -1);
	}
	test_route_flush(vn);
	etest_detach(&nets[0]);
}

/* A longer prefix that cannot be used is passed over, and used when it can. */
static void
longer_body(struct vnet *vn)
{

	dtest_attach(vn);
	(void)network(vn, 0, true);
	(void)network(vn, 1, true);
	KASSERT(add(vn, "20.0.0.0", 8, "10.0.0.2") == 0);
	KASSERT(add(vn, "30.0.0.0", 8, "20.1.1.1") == 0);
	KASSERT(leaves(vn, "30.0.0.1", "10.0.0.2") == 0);
	KASSERT(later(vn, "20.1.0.0", 16, "40.0.0.1") == 0);
	KASSERT(leaves(vn, "30.0.0.1", "10.0.0.2") == 0);
	KASSERT(add(vn, "40.0.0.0", 8, "10.1.0.2") == 0);
	KASSERT(leaves(vn, "30.0.0.1", "10.1.0.2") == 1);
	KASSERT(del(vn, "40.0.0.0", 8) == 0);
	KASSERT(leaves(vn, "30.0.0.1", "10.0.0.2") == 0);
	/* A route that refuses packets is meant to. */
	{
		struct rt_info ri = by("20.1.1.0", 24, "10.0.0.2", false);

		ri.ri_flags |= RTF_REJECT;
		KASSERT(rt_add(vn, &ri) == 0);
		KASSERT(leaves(vn, "30.0.0.1", NULL) == -1);
		KASSERT(del(vn, "20.1.1.0", 24) == 0);
	}
	KASSERT(leaves(vn, "30.0.0.1", "10.0.0.2") == 0);
	test_route_flush(vn);
	etest_detach(&nets[0]);
	etest_detach(&nets[1]);
}

/* Routes further along change; nothing of the route itself does. */
static void
follow_body(struct vnet *vn)
{
	char dst[20], gw[20];
	uint32_t value;

	dtest_attach(vn);
	(void)network(vn, 0, true);
	(void)network(vn, 1, true);
	KASSERT(add(vn, "20.0.0.0", 24, "10.0.0.2") == 0);
	KASSERT(add(vn, "21.0.0.0", 24, "20.0.0.1") == 0);
	KASSERT(add(vn, "22.0.0.0", 24, "21.0.0.1") == 0);
	value = test_rt_lookup(vn, "22.0.0.1")->rt_fwd.fd_value;
	KASSERT(leaves(vn, "22.0.0.1", "10.0.0.2") == 0);
	KASSERT(change(vn, "20.0.0.0", 24, "10.1.0.2") == 0);
	KASSERT(leaves(vn, "22.0.0.1", "10.1.0.2") == 1);
	KASSERT(change(vn, "20.0.0.0", 24, "10.1.0.3") == 0);
	KASSERT(leaves(vn, "22.0.0.1", "10.1.0.3") == 1);
	KASSERT(del(vn, "20.0.0.0", 24) == 0);
	KASSERT(leaves(vn, "22.0.0.1", NULL) == -1);
	KASSERT(add(vn, "20.0.0.0", 24, "10.0.0.4") == 0);
	KASSERT(leaves(vn, "22.0.0.1", "10.0.0.4") == 0);
	KASSERT(value == test_rt_lookup(vn, "22.0.0.1")->rt_fwd.fd_value);
	/* As many as may follow each other, and one more. */
	for (unsigned i = 3; i < 9; i++) {
		(void)snprintf(dst, sizeof(dst), "2%u.0.0.0", i);
		(void)snprintf(gw, sizeof(gw), "2%u.0.0.1", i - 1);
		KASSERT(add(vn, dst, 24, gw) == 0);
	}
	KASSERT(leaves(vn, "28.0.0.1", "10.0.0.4") == 0);
	KASSERT(add(vn, "29.0.0.0", 24, "28.0.0.1") == ENETUNREACH);
	KASSERT(later(vn, "29.0.0.0", 24, "28.0.0.1") == 0);
	KASSERT(leaves(vn, "29.0.0.1", NULL) == -1);
	/* Nearer, at the far end of the chain: the next hop is the same. */
	KASSERT(change(vn, "21.0.0.0", 24, "10.0.0.4") == 0);
	KASSERT(leaves(vn, "29.0.0.1", "10.0.0.4") == 0);
	test_route_flush(vn);
	etest_detach(&nets[0]);
	etest_detach(&nets[1]);
}

/* In a circle there is no way, and beside it there is. */
static void
circle_body(struct vnet *vn)
{

	dtest_attach(vn);
	(void)network(vn, 0, true);
	KASSERT(later(vn, "20.0.0.0", 24, "21.0.0.1") == 0);
	KASSERT(add(vn, "21.0.0.0", 24, "20.0.0.1") == ELOOP);
	KASSERT(later(vn, "21.0.0.0", 24, "20.0.0.1") == ELOOP);
	KASSERT(later(vn, "21.0.0.0", 24, "22.0.0.1") == 0);
	KASSERT(later(vn, "22.0.0.0", 24, "20.0.0.1") == ELOOP);
	KASSERT(leaves(vn, "20.0.0.1", NULL) == -1);
	/* Closed by a change, and opened again. */
	KASSERT(add(vn, "22.0.0.0", 24, "10.0.0.2") == 0);
	KASSERT(leaves(vn, "20.0.0.1", "10.0.0.2") == 0);
	KASSERT(change(vn, "22.0.0.0", 24, "20.0.0.9") == 0);
	KASSERT(leaves(vn, "20.0.0.1", NULL) == -1 &&
	    leaves(vn, "21.0.0.1", NULL) == -1 &&
	    leaves(vn, "22.0.0.1", NULL) == -1);
	KASSERT(add(vn, "20.0.0.0", 16, "10.0.0.3") == 0);
	KASSERT(leaves(vn, "22.0.0.1", "10.0.0.3") == 0 &&
	    leaves(vn, "20.0.0.1", "10.0.0.3") == 0);
	KASSERT(del(vn, "20.0.0.0", 16) == 0);
	KASSERT(leaves(vn, "22.0.0.1", NULL) == -1);
	KASSERT(change(vn, "22.0.0.0", 24, "10.0.0.4") == 0);
	KASSERT(leaves(vn, "20.0.0.1", "10.0.0.4") == 0);
	/* A route is no way to its own gateway. */
	KASSERT(change(vn, "22.0.0.0", 24, "22.0.0.1") == 0);
	KASSERT(leaves(vn, "22.0.0.1", NULL) == -1);
	test_route_flush(vn);
	KASSERT(vn->vn_route->rv_paths.kh_count == 0);
	etest_detach(&nets[0]);
}

static void
test_ways(void **state)
{

	(void)state;
	net_on_sim(1, default_body);
	net_on_sim(1, longer_body);
	net_on_sim(1, follow_body);
	net_on_linux(0, follow_body);
	net_on_sim(1, circle_body);
}

/* More next hops than sixteen bits can name. */
static void
many_body(struct vnet *vn)
{
	enum { MANY = 70000 };
	struct rt_info ri = { .ri_len = 32, .ri_flags = RTF_STATIC };
	struct rt_info net = { TEST_DST("11.0.0.0"), .ri_len = 8 };
	const struct test_route *rt;

	dtest_attach(vn);
	etest_attach(vn, &nets[0], 0, &etest_ops, true);
	net.ri_ifp = nets[0].et_ifp;
	KASSERT(rt_add(vn, &net) == 0);
	for (unsigned i = 0; i < MANY; i++) {
		ri.ri_dst.na_4 = test_hop_plus("100.0.0.0", i * 3);
		ri.ri_gw.na_4 = test_hop_plus("11.0.0.1", i);
		KASSERT(rt_add(vn, &ri) == 0);
	}
	for (unsigned i = 0; i < MANY; i++) {
		rt = test_rt_lookup_plus(vn, "100.0.0.0", i * 3);
		KASSERT(rt != NULL && rt->rt_gw4 == test_hop_plus("11.0.0.1",
		    i));
	}
	KASSERT(vn->vn_route->rv_nh.nt_used >= MANY);
	test_route_flush(vn);
	KASSERT(vn->vn_route->rv_nh.nt_used == 0);
	etest_detach(&nets[0]);
}

static void
test_many(void **state)
{

	(void)state;
	net_on_linux(0, many_body);
}

/* --- the table that packets see, against the one that requests see ---- */

static struct route_audit audited;

static uint32_t
pick(uint64_t *x, uint32_t n)
{

	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*x >> 33) % n;
}

static void
audit_body(struct vnet *vn)
{
	static const unsigned lens[] = { 8, 12, 16, 20, 24, 32 };
	struct ifaddr *ifa[2];
	struct rt_info ri;
	uint64_t x = 42;
	unsigned u;

	dtest_attach(vn);
	for (u = 0; u < 2; u++)
		ifa[u] = network(vn, u, true);
	for (unsigned step = 0; step < 6000; step++) {
		memset(&ri, 0, sizeof(ri));
		ri.ri_len = lens[pick(&x, 6)];
		ri.ri_dst.na_4 = test_hop_plus("20.0.0.0", pick(&x, 16) << 20 |
		    pick(&x, 4) << 12);
		ri.ri_flags = RTF_STATIC;
		ri.ri_given = RTV_LATER | RTV_METRIC;
		ri.ri_metric = pick(&x, 2);
		ri.ri_gw.na_4 = pick(&x, 3) == 0 ? test_hop_plus("20.0.0.1",
		    pick(&x, 16) << 20) : test_hop_plus("10.0.0.2",
		    pick(&x, 2) << 16);
		u = pick(&x, 2);
		switch (pick(&x, 12)) {
		case 0:
			if (ifa[u] != NULL)
				ifatest_remove(ifa[u]);
			ifa[u] = ifa[u] != NULL ? NULL : network(vn, u, false);
			break;
		case 1:
			if_link_state_change(nets[u].et_ifp, pick(&x, 2) == 0 ?
			    LINK_STATE_DOWN : LINK_STATE_UP);
			break;
		case 2: case 3: case 4:
			(void)rt_delete(vn, &(struct rt_info){
			    .ri_dst = ri.ri_dst, .ri_len = ri.ri_len });
			break;
		case 5:
			(void)rt_change(vn, &ri);
			break;
		default:
			(void)rt_add(vn, &ri);
			break;
		}
		if (step % 20 != 0)
			continue;
		host_sleep(vn->vn_kern->k_host, 10000000);
		route_audit_take(vn, &audited);
		for (unsigned i = 0; i < 64; i++)
			route_audit_addr(vn, &audited, 0, 0x14000000 +
			    (pick(&x, 16) << 20 | pick(&x, 4) << 12 |
			    pick(&x, 2)));
	}
	test_route_flush(vn);
	for (u = 0; u < 2; u++)
		etest_detach(&nets[u]);
}

static void
test_audit(void **state)
{

	(void)state;
	net_on_sim(1, audit_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_audit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
