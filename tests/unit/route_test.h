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
#define TEST_DST(text)	.ri_dst.na_4 = test_hop(text)
#define TEST_VIA(text)	.ri_gw.na_4 = test_hop(text)

static inline void
test_route_to(struct rt_info *ri, const char *dst)
{

	ri->ri_dst.na_4 = test_hop(dst);
}

/* From an address. */
static inline void
test_route_from(struct rt_info *ri, const struct ifaddr *ifa)
{

	ri->ri_src.na_4 = ((const struct sockaddr_in *)(const void *)
	    ifa->ifa_addr)->sin_addr.s_addr;
}

/* To the n-th address after dst. */
static inline void
test_route_to_plus(struct rt_info *ri, const char *dst, unsigned n)
{

	ri->ri_dst.na_4 = test_hop_plus(dst, n);
}

static inline void
test_route_via(struct rt_info *ri, const char *gateway)
{

	ri->ri_gw.na_4 = test_hop(gateway);
}

/* How packets to a destination go, as a route. */
struct test_route {
	struct ifnet	*rt_ifp;
	struct ifaddr	*rt_ifa;
	uint32_t	 rt_flags;	/* RTF_UP, and what packets know of */
	uint32_t	 rt_gw4;
	uint16_t	 rt_mtu;
	struct fwd	 rt_fwd;
};

/* Read section, or the caller knows that it stays: one of the last sixteen
 * lookups of this thread; NULL: there is no route. */
static inline const struct test_route *
test_rt_lookup4(const struct vnet *vn, uint32_t dst)
{
	static const uint32_t kinds[] = { 0, RTF_CONNECTED, RTF_LOCAL,
	    RTF_BROADCAST };
	static __thread struct test_route last[16];
	static __thread unsigned n;
	struct test_route *rt = &last[n++ % 16];
	struct fwd fd = rt_lookup4(rt_main(vn), dst);

	if (fd.fd_nh == NULL)
		return NULL;
	rt->rt_fwd = fd;
	rt->rt_ifp = fd.fd_nh->nh_ifp;
	rt->rt_ifa = fd.fd_nh->nh_ifa;
	rt->rt_gw4 = nh_gw4(fd.fd_nh);
	rt->rt_mtu = fd.fd_nh->nh_mtu;
	rt->rt_flags = kinds[fd.fd_value & FWD_KIND];
	if ((fd.fd_nh->nh_flags & NH_UNREACHABLE) == 0)
		rt->rt_flags |= RTF_UP;
	if (rt->rt_gw4 != 0)
		rt->rt_flags |= RTF_GATEWAY;
	if ((fd.fd_nh->nh_flags & NH_REJECT) != 0)
		rt->rt_flags |= RTF_REJECT;
	if ((fd.fd_nh->nh_flags & NH_BLACKHOLE) != 0)
		rt->rt_flags |= RTF_BLACKHOLE;
	return rt;
}

static inline const struct test_route *
test_rt_lookup(const struct vnet *vn, const char *dst)
{

	return test_rt_lookup4(vn, test_hop(dst));
}

static inline const struct test_route *
test_rt_lookup_plus(const struct vnet *vn, const char *dst, unsigned n)
{

	return test_rt_lookup4(vn, test_hop_plus(dst, n));
}

/* The route of that very host in a table, as requests are told of it. */
static inline int
test_rt_get_host(struct vnet *vn, uint32_t table, const char *host, void *msg)
{
	const struct prefix pf = prefix_of4(__builtin_bswap32(test_hop(host)),
	    PREFIX_BITS4);

	return rt_get(vn, table, &pf, RTM_GET, msg);
}

/* The route to a destination as requests are told of it; false: there is none.
 * No read section. */
static inline bool
test_rt_told(struct vnet *vn, const char *dst, struct rt_msg *rtm)
{
	union {
		struct rt_msg rtm;
		uint8_t room[RT_MSG_MAX];
	} msg;

	const struct prefix addr = prefix_of4(__builtin_bswap32(test_hop(dst)),
	    PREFIX_BITS4);

	if (rt_get_taken(vn, 0, &addr, RTM_GET, &msg) != 0)
		return false;
	*rtm = msg.rtm;
	return true;
}

/* The metric of the route to a destination; UINT32_MAX: there is none. */
static inline uint32_t
test_rt_metric(struct vnet *vn, const char *dst)
{
	struct rt_msg rtm;

	return test_rt_told(vn, dst, &rtm) ? rtm.rtm_metric : UINT32_MAX;
}

static inline bool
test_rt_is_via(const struct test_route *rt, const char *gateway)
{

	return rt != NULL && rt->rt_gw4 == test_hop(gateway);
}

static inline int
test_route_asked(const void *msg, void *arg)
{
	const struct rt_msg *rtm = msg;
	const struct sockaddr *sa[RTAX_MAX];
	struct rt_info *ri = arg;

	if (rtm->rtm_proto == RTPROT_KERNEL)
		return 0;
	KASSERT(rt_msg_check(msg, rtm->rtm_h.rtm_len, sa) == 0);
	memset(ri, 0, sizeof(*ri));
	ri->ri_dst.na_4 = ((const struct sockaddr_in *)(const void *)sa[0])->
	    sin_addr.s_addr;
	ri->ri_len = sa[2] == NULL ? 32 : (unsigned)__builtin_popcount(
	    ((const struct sockaddr_in *)(const void *)sa[2])->sin_addr.s_addr);
	ri->ri_given = RTV_METRIC;
	ri->ri_metric = rtm->rtm_metric;
	return 1;
}

/* Delete all routes that were asked for. */
static inline void
test_route_flush(struct vnet *vn)
{
	struct rt_info ri;

	while (rt_dump(vn, test_route_asked, &ri) != 0)
		KASSERT(rt_delete(vn, &ri) == 0);
}

/* Do packets to a destination find a route whose gateway cannot be reached? */
static inline bool
test_rt_unreachable(const struct vnet *vn, const char *dst)
{
	const struct test_route *rt = test_rt_lookup(vn, dst);

	return rt != NULL && (rt->rt_flags & RTF_UP) == 0;
}

/* A packet is to leave for a neighbour (network order), or for a group or
 * everybody on the link. */
static inline void
test_hop_set(struct mbuf *m, uint32_t addr)
{
	static const struct nexthop onlink = { .nh_family = AF_INET };

	m->m_nh = &onlink;
	memcpy(m->m_data + 16, &addr, 4);
	if (addr == 0xffffffff)
		m->m_flags |= M_BCAST;
	else if ((addr & 0xf0) == 0xe0)
		m->m_flags |= M_MCAST;
}

#endif /* !TESTS_ROUTE_TEST_H */
