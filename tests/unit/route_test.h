/*
 * route_test: routes for tests, with addresses that are text.  Nothing outside
 * this file knows how a route stores its destination and its next hop.
 *
 *	struct rt_info ri = { TEST_DST("10.0.0.0"), .ri_len = 8 };
 *	test_route_via(&ri, "192.0.2.1");
 *	test_rt_is_via(test_rt_lookup(vn, "10.1.2.3"), "192.0.2.1")
 */

#ifndef TESTS_ROUTE_TEST_H
#define TESTS_ROUTE_TEST_H

#include "addr_test.h"

#include "net/route.h"		/* under this fixture */

/* In an initializer of a struct rt_info. */
#define TEST_DST(text)	.ri_dst = test_hop(text)
#define TEST_VIA(text)	.ri_gw = test_hop(text)

static inline void
test_route_to(struct rt_info *ri, const char *dst)
{

	ri->ri_dst = test_hop(dst);
}

/* To the n-th address after dst. */
static inline void
test_route_to_plus(struct rt_info *ri, const char *dst, unsigned n)
{

	ri->ri_dst = test_hop_plus(dst, n);
}

static inline void
test_route_via(struct rt_info *ri, const char *gateway)
{

	ri->ri_gw = test_hop(gateway);
}

/* Read section, or the caller knows that the route stays. */
static inline const struct rtentry *
test_rt_lookup(struct vnet *vn, const char *dst)
{

	return rt_lookup4(vn, test_hop(dst));
}

static inline const struct rtentry *
test_rt_lookup_plus(struct vnet *vn, const char *dst, unsigned n)
{

	return rt_lookup4(vn, test_hop_plus(dst, n));
}

static inline bool
test_rt_is_via(const struct rtentry *rt, const char *gateway)
{

	return rt != NULL && rt->rt_gw4 == test_hop(gateway);
}

#endif /* !TESTS_ROUTE_TEST_H */
