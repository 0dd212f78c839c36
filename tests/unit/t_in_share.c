/*
 * Routes and neighbours when an address changes or goes: routes that were asked
 * for, and addresses and prefixes that stand on several interfaces; and
 * neighbours, which go with their prefix.
 */

#include "in_test.h"
#include "layer_test.h"

static const uint8_t mac1[6] = { 2, 7, 7, 7, 7, 1 };

static const char *
source_of(struct in_test *it, const char *dst)
{
	static char text[TEST_ADDR_TEXT];
	const struct test_route *rt = route_to(it, dst);

	KASSERT(rt != NULL && rt->rt_ifa != NULL);
	return test_addr_text(rt->rt_ifa->ifa_addr, text);
}

static bool
goes_by(struct in_test *it, const char *dst, const struct ifnet *ifp,
    const char *gw)
{
	const struct test_route *rt = route_to(it, dst);

	return rt != NULL && rt->rt_ifp == ifp && test_rt_is_via(rt, gw);
}

static uint64_t
lost(struct in_test *it)
{
	struct rt_lost list[RT_NLOST];
	unsigned n;

	return rt_lost(it->it_vn, list, &n);
}

static void
no_wakeup(void *arg)
{

	(void)arg;
}

/* How often a listener heard this about a prefix. */
static unsigned
heard(struct rt_listener *rl, uint8_t type, const char *dst)
{
	union {
		struct rt_hdr	 h;
		uint8_t		 room[RT_MSG_MAX];
	} buf;
	const struct sockaddr *sa[RTAX_MAX];
	size_t len;
	unsigned n = 0;

	while ((len = rt_listener_read(rl, &buf)) != 0) {
		if (buf.h.rtm_type != type || rt_msg_check(&buf, len, sa) != 0)
			continue;
		n += test_addr_is(sa[0], dst);
	}
	return n;
}

/* An address with another mask, broadcast or far end is the same address: what
 * was asked for through it stays. */
static void
kept_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct rt_listener *rl;

	KASSERT(route_add(it, "0.0.0.0", 0, "10.0.1.254", RTF_STATIC, 1400) ==
	    0);
	KASSERT(route_add(it, "10.7.0.0", 16, "10.0.1.253", RTF_STATIC, 0) ==
	    0);
	KASSERT(rt_listener_open(it->it_vn, RTS_ROUTE, 1 << 20, no_wakeup,
	    NULL, &rl) == 0);
	KASSERT(addr_req(it, SIOCAIFADDR, a, "10.0.1.1", 24,
	    "255.255.255.255") == 0);
	KASSERT(goes_by(it, "99.9.9.9", a, "10.0.1.254"));
	KASSERT(route_to(it, "99.9.9.9")->rt_mtu == 1400);
	KASSERT(goes_by(it, "10.7.0.1", a, "10.0.1.253"));
	KASSERT(heard(rl, RTM_DELETE, "0.0.0.0") == 0);
	KASSERT(addr_add(it, a, "10.0.1.1", 16) == 0);
	KASSERT(addr_add(it, a, "10.0.1.1", 25) == 0);
	/* Now .253 and .254 are on no network of ours: the routes wait. */
	KASSERT(lost(it) == 0 && test_rt_unreachable(it->it_vn, "99.9.9.9"));
	KASSERT(test_rt_unreachable(it->it_vn, "10.7.0.1"));
	KASSERT(heard(rl, RTM_CHANGE, "10.7.0.0") >= 1);
	KASSERT(addr_add(it, a, "10.0.1.1", 24) == 0);
	KASSERT(goes_by(it, "99.9.9.9", a, "10.0.1.254"));
	KASSERT(goes_by(it, "10.7.0.1", a, "10.0.1.253"));

	/* Two addresses have the gateway on their network: either can go. */
	KASSERT(addr_add(it, a, "10.0.1.9", 24) == 0);
	KASSERT(addr_del(it, a, "10.0.1.1") == 0);
	KASSERT(goes_by(it, "99.9.9.9", a, "10.0.1.254"));
	KASSERT(strcmp(source_of(it, "99.9.9.9"), "10.0.1.9") == 0);
	/* And on another interface, where it is a neighbour too. */
	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.0.1.10", 24) == 0);
	KASSERT(addr_del(it, a, "10.0.1.9") == 0);
	KASSERT(goes_by(it, "99.9.9.9", it->it_b.tif_ifp, "10.0.1.254"));
	KASSERT(heard(rl, RTM_CHANGE, "0.0.0.0") >= 2);
	/* The last one takes nothing along either. */
	KASSERT(addr_del(it, it->it_b.tif_ifp, "10.0.1.10") == 0);
	KASSERT(test_rt_unreachable(it->it_vn, "99.9.9.9") && lost(it) == 0);
	KASSERT(heard(rl, RTM_DELETE, "0.0.0.0") == 0);
	rt_listener_close(rl);
	all_books(it);
}
IN_TEST(kept, 1)

/* Replaced through the old request, down and up, another name. */
static void
changes_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct ifreq ifr;

	KASSERT(route_add(it, "0.0.0.0", 0, "10.0.1.254", RTF_STATIC, 0) == 0);
	KASSERT(neigh_req(it, RTM_ADD, a, "10.0.1.254", mac1, 0, 0) == 0);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, a->if_xname, IFNAMSIZ);
	test_addr_put(&ifr.ifr_addr, "10.0.1.7");
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCSIFADDR, &ifr,
	    sizeof(ifr)) == 0);
	/* The class's prefix, which has the gateway on it as well. */
	KASSERT(goes_by(it, "99.9.9.9", a, "10.0.1.254"));
	KASSERT(strcmp(source_of(it, "99.9.9.9"), "10.0.1.7") == 0);
	if_ioctl_lock(a);
	if_down(a);
	if_up(a);
	if_ioctl_unlock(a);
	KASSERT(test_rename(a, "west0") == 0);
	KASSERT(goes_by(it, "99.9.9.9", a, "10.0.1.254"));
	KASSERT(neigh_req(it, RTM_GET, a, "10.0.1.254", NULL, 0, 0) == 0);
	KASSERT(lost(it) == 0);
	/* The source that was asked for is not replaced by another. */
	{
		struct rt_info ri;
		struct ifaddr *ifa;

		KASSERT(addr_add(it, a, "10.0.1.1", 24) == 0);
		ifa = in_ifa(a, "10.0.1.1");
		memset(&ri, 0, sizeof(ri));
		test_route_to(&ri, "10.8.0.0");
		ri.ri_len = 16;
		test_route_via(&ri, "10.0.1.254");
		test_route_from(&ri, ifa);
		KASSERT(rt_add(it->it_vn, &ri) == 0);
		KASSERT(addr_add(it, a, "10.0.1.1", 26) == 0);
		KASSERT(strcmp(source_of(it, "10.8.0.1"), "10.0.1.1") == 0);
		KASSERT(addr_del(it, a, "10.0.1.1") == 0);
		KASSERT(test_rt_unreachable(it->it_vn, "10.8.0.1"));
		KASSERT(addr_add(it, a, "10.0.1.1", 26) == 0);
		KASSERT(strcmp(source_of(it, "10.8.0.1"), "10.0.1.1") == 0);
		KASSERT(lost(it) == 0);
	}
	all_books(it);
}
IN_TEST(changes, 1)

/* An allocation that fails costs nobody a route. */
static void
memory_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;

	KASSERT(route_add(it, "0.0.0.0", 0, "10.0.1.254", RTF_STATIC, 0) == 0);
	for (unsigned n = 1; n < 8; n++) {
		sim_fail_alloc(it->it_host, n);
		(void)addr_add(it, a, "10.0.1.1", n % 2 == 0 ? 24 : 20);
		sim_fail_alloc(it->it_host, 0);
		KASSERT(goes_by(it, "99.9.9.9", a, "10.0.1.254"));
	}
	all_books(it);
}
IN_TEST(memory, 1)

static void
make_ptp(struct ifnet *ifp)
{

	ifp->if_flags = (ifp->if_flags & ~IFF_BROADCAST) | IFF_POINTOPOINT;
}

/* One address on two point-to-point interfaces, and borrowed from lo0. */
static void
unnumbered_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;

	KASSERT(addr_del(it, a, "10.0.1.1") == 0);
	KASSERT(addr_del(it, b, "10.0.2.1") == 0);
	make_ptp(a);
	make_ptp(b);
	KASSERT(addr_req(it, SIOCAIFADDR, a, "10.20.0.1", 32, "10.20.0.2") ==
	    0);
	KASSERT(addr_req(it, SIOCAIFADDR, b, "10.20.0.1", 32, "10.20.0.3") ==
	    0);
	KASSERT(has_route(it, "10.20.0.2", RTF_CONNECTED, a) &&
	    strcmp(source_of(it, "10.20.0.2"), "10.20.0.1") == 0);
	KASSERT(has_route(it, "10.20.0.3", RTF_CONNECTED, b) &&
	    strcmp(source_of(it, "10.20.0.3"), "10.20.0.1") == 0);
	KASSERT(has_route(it, "10.20.0.1", RTF_LOCAL, a));
	KASSERT(route_to(it, "10.20.0.1")->rt_ifa->ifa_ifp == a);
	/* One goes, the other goes on. */
	KASSERT(addr_del(it, a, "10.20.0.1") == 0);
	KASSERT(has_route(it, "10.20.0.1", RTF_LOCAL, b));
	KASSERT(route_to(it, "10.20.0.1")->rt_ifa->ifa_ifp == b);
	KASSERT(route_to(it, "10.20.0.2") == NULL);
	KASSERT(has_route(it, "10.20.0.3", RTF_CONNECTED, b));
	/* Borrowed from lo0, and lo0's after that. */
	KASSERT(addr_add(it, it->it_lo, "10.20.0.1", 32) == 0);
	KASSERT(addr_del(it, b, "10.20.0.1") == 0);
	KASSERT(has_route(it, "10.20.0.1", RTF_LOCAL, it->it_lo));
	KASSERT(addr_req(it, SIOCAIFADDR, a, "10.20.0.1", 32, "10.20.0.2") ==
	    0);
	/* A far end that two have, and one that is ours elsewhere. */
	KASSERT(addr_req(it, SIOCAIFADDR, b, "10.20.0.9", 32, "10.20.0.2") ==
	    0);
	KASSERT(has_route(it, "10.20.0.2", RTF_CONNECTED, a));
	KASSERT(addr_del(it, a, "10.20.0.1") == 0);
	KASSERT(has_route(it, "10.20.0.2", RTF_CONNECTED, b));
	KASSERT(addr_add(it, it->it_lo, "10.20.0.2", 32) == 0);
	KASSERT(has_route(it, "10.20.0.2", RTF_LOCAL, it->it_lo));
	KASSERT(addr_del(it, it->it_lo, "10.20.0.2") == 0);
	KASSERT(has_route(it, "10.20.0.2", RTF_CONNECTED, b));
	KASSERT(addr_del(it, it->it_lo, "10.20.0.1") == 0);
	all_books(it);
}
IN_TEST(unnumbered, 1)

/* Either of its interfaces makes a shared address ours. */
static void
shared_down_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;
	uint8_t buf[100];
	unsigned len;

	KASSERT(addr_add(it, a, "10.20.0.1", 32) == 0);
	KASSERT(addr_add(it, b, "10.20.0.1", 32) == 0);
	if_ioctl_lock(a);
	if_down(a);
	if_ioctl_unlock(a);
	/* The address has been announced. */
	sleep_ms(it, 3000);
	len = mk_echo(buf, "10.0.2.2", "10.20.0.1", 1, 1, 8);
	tif_clear(&it->it_b);
	inject(it, &it->it_b, buf, len);
	KASSERT(tx_icmp(&it->it_b, 0) != NULL &&
	    tx_icmp(&it->it_b, 0)->icmp_type == ICMP4_ECHOREPLY);
	/* ARP answers on each of its interfaces. */
	{
		struct arphdr ar = mk_arp(ARP_REQUEST, mac1, "10.0.2.50",
		    "10.20.0.1");

		tif_clear(&it->it_b);
		inject_arp(it, &it->it_b, &ar, sizeof(ar));
		KASSERT(it->it_b.tif_ntx == 1 &&
		    ip_is(tx_arp(&it->it_b, 0)->ar_spa, "10.20.0.1"));
	}
	all_books(it);
}
IN_TEST(shared_down, 1)

/* Own routes of two networks: a host comes before a broadcast address; a
 * route that was asked for stands before a network's. */
static void
ranks_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;

	KASSERT(addr_add(it, a, "10.5.0.1", 24) == 0);
	KASSERT(has_route(it, "10.5.0.255", RTF_BROADCAST, a));
	KASSERT(addr_add(it, b, "10.5.0.255", 23) == 0);
	KASSERT(has_route(it, "10.5.0.255", RTF_LOCAL, b));
	KASSERT(addr_del(it, b, "10.5.0.255") == 0);
	KASSERT(has_route(it, "10.5.0.255", RTF_BROADCAST, a));
	/* In the other order. */
	KASSERT(addr_del(it, a, "10.5.0.1") == 0);
	KASSERT(addr_add(it, b, "10.5.0.255", 23) == 0);
	KASSERT(addr_add(it, a, "10.5.0.1", 24) == 0);
	KASSERT(has_route(it, "10.5.0.255", RTF_LOCAL, b));
	KASSERT(addr_del(it, b, "10.5.0.255") == 0);
	KASSERT(has_route(it, "10.5.0.255", RTF_BROADCAST, a));

	/* The next is that of the lowest interface, whatever the order. */
	KASSERT(addr_add(it, a, "10.4.1.1", 24) == 0);
	KASSERT(addr_add(it, a, "10.4.1.2", 24) == 0);
	KASSERT(addr_add(it, b, "10.4.1.3", 24) == 0);
	KASSERT(addr_del(it, a, "10.4.1.1") == 0);
	KASSERT(has_route(it, "10.4.1.255", RTF_BROADCAST, a));
	KASSERT(has_route(it, "10.4.1.9", RTF_CONNECTED, a));

	/* Two hosts of one name on two networks cannot be told apart. */
	KASSERT(addr_add(it, b, "10.5.0.1", 24) == EEXIST);
	KASSERT(addr_add(it, b, "10.5.0.1", 16) == EEXIST);
	KASSERT(addr_add(it, b, "10.5.0.1", 32) == 0);
	KASSERT(addr_add(it, b, "10.5.0.1", 24) == EEXIST);

	KASSERT(route_add(it, "10.6.0.0", 16, "10.0.1.2", RTF_STATIC, 0) == 0);
	KASSERT(addr_add(it, b, "10.6.0.1", 16) == 0);
	KASSERT(goes_by(it, "10.6.9.9", a, "10.0.1.2"));
	{
		struct rt_info ri = { TEST_DST("10.6.0.0"),
		    .ri_len = 16 };

		KASSERT(rt_delete(it->it_vn, &ri) == 0);
		KASSERT(has_route(it, "10.6.9.9", RTF_CONNECTED, b));
		/* This one was asked to go. */
		KASSERT(rt_delete(it->it_vn, &ri) == 0);
		KASSERT(route_to(it, "10.6.9.9") == NULL);
	}
	all_books(it);
}
IN_TEST(ranks, 1)

static void
forward(struct in_test *it, const char *dst)
{
	uint8_t buf[100];
	unsigned len;

	len = mk_udp(buf, "10.0.1.2", dst, 64, 20);
	inject(it, &it->it_a, buf, len);
}

/* Neighbours go with their prefix: learned ones, and those asked for, with the
 * packets they hold. */
static void
neighbours_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	struct arphdr ar = mk_arp(ARP_REPLY, mac1, "10.3.0.7", "10.3.0.1");
	struct rt_info ri = { TEST_DST("10.9.0.0"), .ri_len = 24,
	    .ri_ifp = b, .ri_flags = RTF_STATIC };

	KASSERT(addr_add(it, b, "10.3.0.1", 24) == 0);
	forward(it, "10.3.0.7");
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	KASSERT(neigh_req(it, RTM_GET, b, "10.3.0.7", NULL, 0, 0) == 0);
	KASSERT(neigh_req(it, RTM_ADD, b, "10.3.0.8", mac1, 0, 0) == 0);
	forward(it, "10.3.0.9");
	forward(it, "10.3.0.9");
	/* The prefix is there still: nobody goes. */
	KASSERT(addr_add(it, b, "10.3.0.2", 24) == 0);
	KASSERT(addr_del(it, b, "10.3.0.1") == 0);
	KASSERT(neigh_req(it, RTM_GET, b, "10.3.0.7", NULL, 0, 0) == 0);
	KASSERT(drops(b, DROP_ARP_GONE) == 0);
	tif_clear(&it->it_a);
	KASSERT(addr_del(it, b, "10.3.0.2") == 0);
	settle(it);
	KASSERT(neigh_req(it, RTM_GET, b, "10.3.0.7", NULL, 0, 0) == ESRCH);
	KASSERT(drops(b, DROP_ARP_GONE) == 2);
	KASSERT(tx_icmp(&it->it_a, 0) != NULL);
	/* Neighbours set by hand wait for the prefix. */
	KASSERT(neigh_req(it, RTM_GET, b, "10.3.0.8", NULL, 0, 0) == 0);
	KASSERT(neigh_req(it, RTM_GET, b, "10.0.2.2", NULL, 0, 0) == 0);
	/* Nothing is asked for any more. */
	tif_clear(&it->it_b);
	sleep_ms(it, 7000);
	KASSERT(it->it_b.tif_ntx == 0);

	/* The same when a route on link goes, or leads elsewhere. */
	KASSERT(rt_add(it->it_vn, &ri) == 0);
	forward(it, "10.9.0.7");
	ri.ri_ifp = NULL;
	KASSERT(rt_delete(it->it_vn, &ri) == 0);
	settle(it);
	KASSERT(drops(b, DROP_ARP_GONE) == 3);
	ri.ri_ifp = b;
	KASSERT(rt_add(it->it_vn, &ri) == 0);
	forward(it, "10.9.0.7");
	ri.ri_ifp = NULL;
	test_route_via(&ri, "10.0.2.2");
	KASSERT(rt_change(it->it_vn, &ri) == 0);
	settle(it);
	KASSERT(drops(b, DROP_ARP_GONE) == 4);
	/* A better route takes its place; and when that goes it is used. */
	ri.ri_given = RTV_METRIC;
	KASSERT(rt_delete(it->it_vn, &ri) == 0);
	ri.ri_ifp = b;
	ri.ri_gw.na_4 = 0;
	ri.ri_metric = 5;
	KASSERT(rt_add(it->it_vn, &ri) == 0);
	forward(it, "10.9.0.7");
	ri.ri_ifp = NULL;
	ri.ri_metric = 1;
	test_route_via(&ri, "10.0.1.2");
	KASSERT(rt_add(it->it_vn, &ri) == 0);
	settle(it);
	KASSERT(drops(b, DROP_ARP_GONE) == 5);
	KASSERT(rt_delete(it->it_vn, &ri) == 0);
	forward(it, "10.9.0.7");
	/* A spare is better than nothing, and worse than what is used. */
	ri.ri_metric = 9;
	KASSERT(rt_add(it->it_vn, &ri) == 0);
	KASSERT(rt_delete(it->it_vn, &ri) == 0);
	settle(it);
	KASSERT(drops(b, DROP_ARP_GONE) == 5);
	/* So does the network of an address. */
	KASSERT(addr_add(it, it->it_a.tif_ifp, "10.9.0.1", 24) == 0);
	settle(it);
	KASSERT(drops(b, DROP_ARP_GONE) == 6);
	all_books(it);
}
IN_TEST(neighbours, 2)

/* However many interfaces borrow an address, a second network with it is
 * refused. */
static void
many_borrow_body(struct in_test *it)
{
	enum { N = 70 };
	struct tif *t;

	t = kmem_zalloc(it->it_kern, N * sizeof(*t));
	KASSERT(t != NULL);
	for (unsigned i = 0; i < N; i++) {
		tif_attach(it, &t[i], i + 2);
		KASSERT(addr_add(it, t[i].tif_ifp, "10.20.0.1", 32) == 0);
	}
	KASSERT(addr_add(it, it->it_a.tif_ifp, "10.20.0.1", 24) == 0);
	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.20.0.1", 24) == EEXIST);
	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.20.0.1", 32) == 0);
	for (unsigned i = 0; i < N; i++)
		tif_detach(&t[i]);
	kmem_free(it->it_kern, t);
	all_books(it);
}
IN_TEST(many_borrow, 1)

/* Each interface on a prefix receives its broadcasts, though the route to them
 * is one interface's. */
static void
broadcasts_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;
	uint8_t buf[100];
	unsigned len;

	KASSERT(addr_add(it, b, "10.0.1.10", 24) == 0);
	KASSERT(has_route(it, "10.0.1.255", RTF_BROADCAST, a));
	len = mk_udp(buf, "10.0.1.77", "10.0.1.255", 64, 20);
	for (unsigned i = 0; i < 2; i++) {
		inject_bcast(it, &it->it_a, buf, len);
		inject_bcast(it, &it->it_b, buf, len);
		KASSERT(drops(a, DROP_IP_PORTUNREACH) == i + 1);
		KASSERT(drops(b, DROP_IP_PORTUNREACH) == i + 1);
		/* The other interface has the route now, or is down. */
		if_ioctl_lock(a);
		if_down(a);
		if_up(a);
		if_ioctl_unlock(a);
		KASSERT(addr_del(it, a, "10.0.1.1") == 0);
		KASSERT(has_route(it, "10.0.1.255", RTF_BROADCAST, b));
		KASSERT(addr_add(it, a, "10.0.1.1", 24) == 0);
	}
	/* Another prefix's broadcast is not this interface's. */
	len = mk_udp(buf, "10.0.1.77", "10.0.2.255", 64, 20);
	inject_bcast(it, &it->it_a, buf, len);
	KASSERT(drops(a, DROP_IP_PORTUNREACH) == 2);
	KASSERT(drops(a, DROP_IP_CANTFORWARD) == 1);
	all_books(it);
}
IN_TEST(broadcasts, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept),
		cmocka_unit_test(changes),
		cmocka_unit_test(memory),
		cmocka_unit_test(unnumbered),
		cmocka_unit_test(shared_down),
		cmocka_unit_test(ranks),
		cmocka_unit_test(many_borrow),
		cmocka_unit_test(neighbours),
		cmocka_unit_test(broadcasts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
