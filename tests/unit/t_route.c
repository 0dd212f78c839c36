/*
 * Routes: where they may lead, which one a destination takes, and that none
 * survives what it leads through.
 */

#include "net_test.h"

static struct rt_info
info(const char *dst, unsigned len, const char *gw, struct ifnet *ifp)
{

	return (struct rt_info){
		TEST_DST(dst), .ri_len = len,
		.ri_gw.na_4 = gw != NULL ? test_hop_plus(gw, 0) : 0,
		.ri_ifp = ifp,
		.ri_flags = RTF_STATIC,
	};
}

static int
add(struct vnet *vn, const char *dst, unsigned len, const char *gw,
    struct ifnet *ifp)
{
	struct rt_info ri = info(dst, len, gw, ifp);

	return rt_add(vn, &ri);
}

static int
del(struct vnet *vn, const char *dst, unsigned len)
{
	struct rt_info ri = info(dst, len, NULL, NULL);

	return rt_delete(vn, &ri);
}

static const struct test_route *
lookup(struct vnet *vn, const char *dst)
{

	return test_rt_lookup(vn, dst);
}

/* The routes that an address brings with it. */
static void
connect_addr(struct vnet *vn, struct ifaddr *ifa, const char *addr,
    const char *net, unsigned len)
{
	struct rt_info ri = info(net, len, NULL, ifa->ifa_ifp);

	ri.ri_flags = RTF_CONNECTED;
	ri.ri_ifa = ifa;
	KASSERT(rt_add(vn, &ri) == 0);
	ri = info(addr, 32, NULL, ifa->ifa_ifp);
	ri.ri_flags = RTF_LOCAL;
	ri.ri_ifa = ifa;
	KASSERT(rt_add(vn, &ri) == 0);
}

static void
add_body(struct vnet *vn)
{
	static struct etest et[3];
	const struct test_route *rt;
	struct ifaddr *ifa;
	struct rt_info ri;
	struct rt_msg rtm;

	dtest_attach(vn);
	etest_attach(vn, &et[0], 0, &etest_ops, true);
	etest_attach(vn, &et[1], 1, &etest_ops, true);
	KASSERT(lookup(vn, "10.0.0.1") == NULL);
	KASSERT(add(vn, "0.0.0.0", 0, "10.0.0.2", NULL) == ENETUNREACH);
	ifa = ifatest_add(et[0].et_ifp, "10.0.0.1", 24);
	connect_addr(vn, ifa, "10.0.0.1", "10.0.0.0", 24);

	/* gateways */
	KASSERT(add(vn, "0.0.0.0", 0, "10.0.0.1", NULL) == EINVAL);
	KASSERT(add(vn, "0.0.0.0", 0, "10.0.0.2", et[1].et_ifp) ==
	    ENETUNREACH);
	KASSERT(add(vn, "0.0.0.0", 0, "10.0.0.2", NULL) == 0);
	KASSERT(add(vn, "0.0.0.0", 0, "10.0.0.3", NULL) == EEXIST);
	KASSERT(add(vn, "10.9.0.0", 16, "172.16.0.1", NULL) == ENETUNREACH);
	KASSERT(add(vn, "10.9.0.0", 16, NULL, NULL) == EINVAL);
	KASSERT(add(vn, "10.9.0.0", 33, "10.0.0.2", NULL) == EINVAL);
	rt = lookup(vn, "192.0.2.1");
	KASSERT(rt != NULL && test_rt_is_via(rt, "10.0.0.2"));
	KASSERT(rt->rt_ifp == et[0].et_ifp && rt->rt_ifa == ifa);
	KASSERT(test_rt_told(vn, "192.0.2.1", &rtm));
	KASSERT((rtm.rtm_flags & (RTF_UP | RTF_GATEWAY | RTF_STATIC |
	    RTF_HOST)) == (RTF_UP | RTF_GATEWAY | RTF_STATIC));

	/* bits past the length do not matter; longest wins */
	KASSERT(add(vn, "192.0.2.77", 24, "10.0.0.3", NULL) == 0);
	KASSERT(add(vn, "192.0.2.0", 24, "10.0.0.3", NULL) == EEXIST);
	KASSERT(test_rt_is_via(lookup(vn, "192.0.2.1"), "10.0.0.3"));
	KASSERT(add(vn, "192.0.2.1", 32, "10.0.0.4", NULL) == 0);
	KASSERT(test_rt_told(vn, "192.0.2.1", &rtm) && (rtm.rtm_flags &
	    RTF_HOST) != 0);
	KASSERT(test_rt_is_via(lookup(vn, "192.0.2.1"), "10.0.0.4"));
	KASSERT(lookup(vn, "10.0.0.1")->rt_flags & RTF_LOCAL);
	KASSERT(lookup(vn, "10.0.0.9")->rt_flags & RTF_CONNECTED);

	/* none through one that is going */
	etest_attach(vn, &et[2], 2, &etest_ops, true);
	if_deactivate(et[2].et_ifp);
	KASSERT(add(vn, "10.5.0.0", 16, NULL, et[2].et_ifp) == ENXIO);
	etest_detach(&et[2]);

	/* on link, and nowhere */
	KASSERT(add(vn, "10.5.0.0", 16, NULL, et[1].et_ifp) == 0);
	KASSERT(lookup(vn, "10.5.1.1")->rt_ifp == et[1].et_ifp);
	ri = info("10.6.0.0", 16, "127.0.0.1", NULL);
	ri.ri_flags |= RTF_REJECT;
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(lookup(vn, "10.6.0.1")->rt_flags & RTF_REJECT);
	KASSERT(lookup(vn, "10.6.0.1")->rt_ifp == NULL);

	/* deleting */
	KASSERT(del(vn, "10.7.0.0", 16) == ESRCH);
	ri = info("10.5.0.0", 16, NULL, et[0].et_ifp);
	KASSERT(rt_delete(vn, &ri) == ESRCH);
	KASSERT(del(vn, "192.0.2.1", 32) == 0);
	KASSERT(test_rt_is_via(lookup(vn, "192.0.2.1"), "10.0.0.3"));
	ri = info("10.0.0.1", 32, NULL, NULL);
	ri.ri_refuse = RTF_LOCAL;
	KASSERT(rt_delete(vn, &ri) == EPERM);
	KASSERT(test_route_count(vn) == 6);

	/* an address takes its routes along; those to gateways stay, and an
	 * interface takes those that name it */
	ifatest_remove(ifa);
	KASSERT((lookup(vn, "192.0.2.1")->rt_flags & RTF_UP) == 0);
	KASSERT((lookup(vn, "10.0.0.1")->rt_flags & RTF_UP) == 0);
	KASSERT(test_route_count(vn) == 4);
	etest_detach(&et[1]);
	KASSERT((lookup(vn, "10.5.1.1")->rt_flags & RTF_UP) == 0);
	KASSERT(test_route_count(vn) == 3);
	etest_detach(&et[0]);
	/* The others go with the vnet. */
}

/* A route with a link-level gateway: the interface's best address for the
 * destination is its own. */
static void
onlink_body(struct vnet *vn)
{
	static struct etest et;
	struct ifaddr *a, *b;
	struct rt_info ri;

	dtest_attach(vn);
	etest_attach(vn, &et, 0, &etest_ops, true);
	KASSERT(add(vn, "10.9.0.0", 16, NULL, et.et_ifp) == 0);
	KASSERT(lookup(vn, "10.9.0.1")->rt_ifa == NULL);
	a = ifatest_add(et.et_ifp, "10.0.0.1", 8);
	b = ifatest_add(et.et_ifp, "192.0.2.1", 24);

	KASSERT(add(vn, "10.5.0.0", 16, NULL, et.et_ifp) == 0);
	KASSERT(lookup(vn, "10.5.0.1")->rt_ifa == a);
	KASSERT(add(vn, "192.0.2.128", 25, NULL, et.et_ifp) == 0);
	KASSERT(lookup(vn, "192.0.2.200")->rt_ifa == b);
	/* Nothing fits: the last. */
	KASSERT(add(vn, "172.16.0.0", 12, NULL, et.et_ifp) == 0);
	KASSERT(lookup(vn, "172.16.0.1")->rt_ifa == b);
	KASSERT(add(vn, "172.15.0.0", 16, "10.5.0.1", NULL) == 0);
	KASSERT(lookup(vn, "172.15.0.1")->rt_ifa == a);
	/* A change to it, and an address that was named. */
	ri = info("172.15.0.0", 16, NULL, et.et_ifp);
	test_route_from(&ri, a);
	KASSERT(rt_change(vn, &ri) == 0);
	KASSERT(lookup(vn, "172.15.0.1")->rt_ifa == a);
	KASSERT(lookup(vn, "172.15.0.1")->rt_gw4 == 0);
	ifatest_remove(a);
	ifatest_remove(b);
	etest_detach(&et);
}

/* Routes through an interface, asked for by the routing socket: the
 * interface, by its link-level address, stands where a gateway would. */
static void
linkgw_body(struct vnet *vn)
{
	static struct etest et[2];
	union {
		struct rt_msg	 rtm;
		uint8_t		 room[RT_MSG_MAX];
	} msg, ans;
	struct sockaddr_dl sdl;
	struct ifaddr *a, *b;
	size_t len;

	dtest_attach(vn);
	etest_attach(vn, &et[0], 0, &etest_ops, true);
	etest_attach(vn, &et[1], 1, &etest_ops, true);
	a = ifatest_add(et[1].et_ifp, "10.0.0.1", 8);
	b = ifatest_add(et[1].et_ifp, "192.0.2.1", 24);

	memset(&msg, 0, sizeof(msg));
	msg.rtm.rtm_h.rtm_len = sizeof(msg.rtm);
	msg.rtm.rtm_h.rtm_version = RTM_VERSION;
	msg.rtm.rtm_h.rtm_type = RTM_ADD;
	msg.rtm.rtm_flags = RTF_HOST | RTF_STATIC;
	KASSERT(rt_msg_add(&msg, RTA_DST, test_sa("10.1.2.3")));
	memset(&sdl, 0, sizeof(sdl));
	sdl.sdl_family = AF_LINK;
	sdl.sdl_index = et[1].et_ifp->if_index;
	KASSERT(rt_msg_add(&msg, RTA_GATEWAY, (struct sockaddr *)&sdl));
	KASSERT(rtsock_request(vn, &kauth_cred_self, &msg,
	    msg.rtm.rtm_h.rtm_len, &ans, &len) == 0);
	KASSERT(lookup(vn, "10.1.2.3")->rt_ifp == et[1].et_ifp);
	KASSERT(lookup(vn, "10.1.2.3")->rt_gw4 == 0);
	KASSERT(lookup(vn, "10.1.2.3")->rt_ifa == a);
	/* The route needs the interface alone. */
	ifatest_remove(a);
	KASSERT(lookup(vn, "10.1.2.3")->rt_ifa == b);
	ifatest_remove(b);
	KASSERT(lookup(vn, "10.1.2.3")->rt_ifp == et[1].et_ifp);
	KASSERT(lookup(vn, "10.1.2.3")->rt_ifa == NULL);
	etest_detach(&et[0]);
	etest_detach(&et[1]);
	KASSERT(lookup(vn, "10.1.2.3") == NULL);
}

static void
test_onlink(void **state)
{

	(void)state;
	net_on_sim(1, onlink_body);
	net_on_sim(1, linkgw_body);
}

static void
test_add(void **state)
{

	(void)state;
	net_on_linux(0, add_body);
	net_on_sim(1, add_body);
}

static void
change_body(struct vnet *vn)
{
	static struct etest et[2];
	struct ifaddr *ifa[2];
	const struct test_route *rt;
	struct rt_info ri;

	dtest_attach(vn);
	etest_attach(vn, &et[0], 0, &etest_ops, true);
	etest_attach(vn, &et[1], 1, &etest_ops, true);
	ifa[0] = ifatest_add(et[0].et_ifp, "10.0.0.1", 24);
	connect_addr(vn, ifa[0], "10.0.0.1", "10.0.0.0", 24);
	ifa[1] = ifatest_add(et[1].et_ifp, "10.0.1.1", 24);
	connect_addr(vn, ifa[1], "10.0.1.1", "10.0.1.0", 24);
	KASSERT(add(vn, "172.16.0.0", 12, "10.0.0.2", NULL) == 0);

	ri = info("172.16.0.0", 12, "10.0.1.2", NULL);
	KASSERT(rt_change(vn, &ri) == 0);
	rt = lookup(vn, "172.16.5.5");
	KASSERT(rt->rt_ifp == et[1].et_ifp && rt->rt_ifa == ifa[1]);
	KASSERT(test_rt_is_via(rt, "10.0.1.2") && rt->rt_mtu == 0);
	/* the same again is no change */
	KASSERT(rt_change(vn, &ri) == 0 && lookup(vn, "172.16.5.5")->
	    rt_fwd.fd_nh == rt->rt_fwd.fd_nh);
	/* one thing alone */
	ri = info("172.16.0.0", 12, NULL, NULL);
	ri.ri_mtu = 1400;
	KASSERT(rt_change(vn, &ri) == 0);
	rt = lookup(vn, "172.16.5.5");
	KASSERT(rt->rt_mtu == 1400 && test_rt_is_via(rt, "10.0.1.2"));
	/* a change that fails leaves the route */
	ri = info("172.16.0.0", 12, "192.0.2.1", NULL);
	KASSERT(rt_change(vn, &ri) == ENETUNREACH);
	KASSERT(lookup(vn, "172.16.5.5")->rt_fwd.fd_nh == rt->rt_fwd.fd_nh);
	ri = info("172.17.0.0", 16, "10.0.0.2", NULL);
	KASSERT(rt_change(vn, &ri) == ESRCH);
	/* nowhere and back */
	ri = info("172.16.0.0", 12, NULL, NULL);
	ri.ri_flags |= RTF_BLACKHOLE;
	KASSERT(rt_change(vn, &ri) == 0);
	KASSERT(lookup(vn, "172.16.5.5")->rt_flags & RTF_BLACKHOLE);
	ri = info("172.16.0.0", 12, "10.0.0.2", NULL);
	KASSERT(rt_change(vn, &ri) == 0);
	KASSERT(lookup(vn, "172.16.5.5")->rt_ifp == et[0].et_ifp);
	KASSERT(test_route_count(vn) == 5);
	ifatest_remove(ifa[1]);
	KASSERT(test_route_count(vn) == 3);
	ifatest_remove(ifa[0]);
	KASSERT(test_route_count(vn) == 1);
	KASSERT((lookup(vn, "172.16.5.5")->rt_flags & RTF_UP) == 0);
	KASSERT(del(vn, "172.16.0.0", 12) == 0);
	etest_detach(&et[1]);
	etest_detach(&et[0]);
}

static void
test_change(void **state)
{

	(void)state;
	net_on_linux(0, change_body);
	net_on_sim(1, change_body);
}

/* Do packets to an address go by what is part of ifa? */
static bool
is_own(struct vnet *vn, const char *dst, struct ifaddr *ifa)
{
	const struct test_route *rt = lookup(vn, dst);

	return rt != NULL && rt->rt_fwd.fd_nh == &ifa_proto(ifa)->pa_nh &&
	    (rt->rt_flags & RTF_CONNECTED) != 0;
}

/* The own routes of an address are part of it; a change makes one a route like
 * others. */
static void
own_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_len = 24, .ri_flags = RTF_CONNECTED };
	static struct etest et;
	struct ifaddr *ifa;

	dtest_attach(vn);
	etest_attach(vn, &et, 0, &etest_ops, true);
	ifa = ifatest_add(et.et_ifp, "10.0.0.1", 24);
	test_route_to(&ri, "10.0.0.0");
	ri.ri_ifp = et.et_ifp;
	ri.ri_ifa = ifa;
	KASSERT(rt_add(vn, &ri) == 0 && is_own(vn, "10.0.0.9", ifa));
	KASSERT(rt_add(vn, &ri) == EALREADY);
	/* Out and in again: the same. */
	KASSERT(del(vn, "10.0.0.0", 24) == 0);
	KASSERT(lookup(vn, "10.0.0.9") == NULL);
	KASSERT(rt_add(vn, &ri) == 0 && is_own(vn, "10.0.0.9", ifa));
	/* A change is no longer it, and in its way. */
	ri.ri_mtu = 1000;
	KASSERT(rt_change(vn, &ri) == 0);
	KASSERT(!is_own(vn, "10.0.0.9", ifa));
	KASSERT(lookup(vn, "10.0.0.9")->rt_mtu == 1000);
	KASSERT(ifa_proto(ifa)->pa_nh.nh_mtu == 0);
	ri.ri_mtu = 0;
	KASSERT(rt_add(vn, &ri) == EALREADY);
	KASSERT(test_route_count(vn) == 1);
	/* When that goes, it comes back. */
	KASSERT(del(vn, "10.0.0.0", 24) == 0);
	KASSERT(is_own(vn, "10.0.0.9", ifa));
	KASSERT(del(vn, "10.0.0.0", 24) == 0);
	/* To somewhere else than it led. */
	test_route_to(&ri, "10.0.0.2");
	ri.ri_len = 32;
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(is_own(vn, "10.0.0.2", ifa));
	KASSERT(lookup(vn, "10.0.0.2")->rt_ifa == ifa);
	ifatest_remove(ifa);
	KASSERT(test_route_count(vn) == 0);
	etest_detach(&et);
}

static void
test_own(void **state)
{

	(void)state;
	net_on_linux(0, own_body);
	net_on_sim(1, own_body);
}

static void
purge_nothing(struct ifaddr *ifa)
{

	(void)ifa;
}

/* A protocol that leaves its addresses when they are purged: their routes go
 * all the same, and what was told of them is taken back. */
static void
left_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_len = 24, .ri_flags = RTF_CONNECTED };
	static struct etest et;
	struct ifaddr *ifa;

	dtest_attach(vn);
	etest_attach(vn, &et, 0, &etest_ops, true);
	ifa = ifatest_add(et.et_ifp, "10.0.0.1", 24);
	rt_newaddrmsg(RTM_NEWADDR, ifa);
	test_route_to(&ri, "10.0.0.0");
	ri.ri_ifp = et.et_ifp;
	ri.ri_ifa = ifa;
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(add(vn, "10.9.0.0", 16, "10.0.0.2", NULL) == 0);
	if_ioctl_lock(et.et_ifp);
	if_purgeaddrs(et.et_ifp, TEST_AF, purge_nothing);
	if_ioctl_unlock(et.et_ifp);
	KASSERT(test_route_count(vn) == 1 && test_rt_unreachable(vn,
	    "10.9.0.1"));
	test_route_flush(vn);
	etest_detach(&et);
}

static void
test_left(void **state)
{

	(void)state;
	net_on_sim(1, left_body);
}

/* A dump in the order of the prefixes. */
struct order {
	uint32_t	 or_key;
	unsigned	 or_n;
};

static int
in_order(const void *msg, void *arg)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct rt_hdr *h = msg;
	struct order *or = arg;
	uint32_t key;

	KASSERT(rt_msg_check(msg, h->rtm_len, sa) == 0 && sa[0] != NULL);
	key = ntohl(dtest_addr(sa[0]));
	KASSERT(or->or_n == 0 || key >= or->or_key);
	or->or_key = key;
	or->or_n++;
	return or->or_n == 40 ? 77 : 0;
}

static void
dump_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_flags = RTF_REJECT };
	struct order or = { .or_n = 0 };

	for (uint32_t i = 0; i < 30; i++) {
		test_route_to_plus(&ri, "0.0.0.0",
		    (i * 2654435761u) & 0xffffff00);
		ri.ri_len = 24;
		KASSERT(rt_add(vn, &ri) == 0);
	}
	test_route_to(&ri, "0.0.0.0");
	ri.ri_len = 0;
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(rt_dump(vn, in_order, &or) == 0 && or.or_n == 31);
	/* an error of fn ends the dump */
	or.or_n = 39;
	or.or_key = 0;
	KASSERT(rt_dump(vn, in_order, &or) == 77);
}

static void
test_dump(void **state)
{

	(void)state;
	net_on_linux(0, dump_body);
	net_on_sim(1, dump_body);
}

/* Failing allocations: an error, and the table as before. */
static void
nomem_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct rt_info ri = { .ri_flags = RTF_REJECT, .ri_len = 32 };
	int error;

	test_route_to(&ri, "10.1.2.3");
	for (unsigned n = 1;; n++) {
		sim_fail_alloc(h, n);
		error = rt_add(vn, &ri);
		if (error == 0)
			break;
		KASSERT(error == ENOMEM && test_route_count(vn) == 0);
		KASSERT(lookup(vn, "10.1.2.3") == NULL);
	}
	ri.ri_mtu = 1400;
	sim_fail_alloc(h, 1);
	KASSERT(rt_change(vn, &ri) == ENOMEM);
	sim_fail_alloc(h, 0);
	KASSERT(lookup(vn, "10.1.2.3")->rt_mtu == 0);
	KASSERT(rt_change(vn, &ri) == 0);
	KASSERT(lookup(vn, "10.1.2.3")->rt_mtu == 1400);
	KASSERT(del(vn, "10.1.2.3", 32) == 0);
}

static void
test_nomem(void **state)
{

	(void)state;
	net_on_sim(1, nomem_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_onlink),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_nomem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
