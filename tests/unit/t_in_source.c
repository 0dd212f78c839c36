/*
 * Source addresses of packets that the stack sends by itself through an
 * interface without an address, and which addresses are the host's own: not
 * those of an interface that is down.
 */

#include "in_test.h"

static const uint8_t mac1[6] = { 2, 7, 7, 7, 7, 1 };

/* A prefix on link of an interface, whatever addresses that has. */
static int
link_route(struct in_test *it, const char *dst, unsigned len,
    struct ifnet *ifp)
{
	struct rt_info ri;

	memset(&ri, 0, sizeof(ri));
	test_route_to(&ri, dst);
	ri.ri_len = len;
	ri.ri_flags = RTF_STATIC;
	ri.ri_ifp = ifp;
	return rt_add(it->it_vn, &ri);
}

/* An interface without an address borrows one of the router's, or is silent;
 * 0.0.0.0 would be a probe. */
static void
borrowed_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	const struct icmphdr4 *icmp;

	KASSERT(addr_del(it, b, "10.0.2.1") == 0);
	KASSERT(link_route(it, "10.9.0.0", 24, b) == 0);
	tif_clear(&it->it_b);
	in_forward(it, &it->it_a, "10.0.1.2", "10.9.0.5", 64);
	sleep_ms(it, 2500);
	KASSERT(arp_asked(&it->it_b, "10.0.1.1", "10.9.0.5") >= 2);
	KASSERT(arp_asked(&it->it_b, "0.0.0.0", "10.9.0.5") == 0);
	/* So do errors, and what is sent from here. */
	KASSERT(neigh_req(it, RTM_ADD, b, "10.9.0.7", mac1, 0, 0) == 0);
	tif_clear(&it->it_b);
	in_forward(it, &it->it_b, "10.9.0.7", "10.0.1.2", 1);
	icmp = tx_icmp(&it->it_b, 0);
	KASSERT(icmp != NULL && icmp->icmp_type == ICMP4_TIMXCEED &&
	    ip_is(tx_ip(&it->it_b, 0)->ip_src, "10.0.1.1"));
	tif_clear(&it->it_b);
	KASSERT(in_output(it, "0.0.0.0", "10.9.0.7") == 0);
	KASSERT(ip_is(tx_ip(&it->it_b, 0)->ip_src, "10.0.1.1"));

	/* One of lo0 is the router's rather; the choice is kept. */
	KASSERT(addr_add(it, it->it_lo, "10.255.0.1", 32) == 0);
	pserialize_read_enter();
	KASSERT(ip_is(in_router_id(rt_main(it->it_vn)), "10.0.1.1"));
	pserialize_read_exit();
	KASSERT(addr_del(it, it->it_a.tif_ifp, "10.0.1.1") == 0);
	pserialize_read_enter();
	KASSERT(ip_is(in_router_id(rt_main(it->it_vn)), "10.255.0.1"));
	pserialize_read_exit();
	KASSERT(addr_add(it, it->it_a.tif_ifp, "10.0.1.1", 24) == 0);
	pserialize_read_enter();
	KASSERT(ip_is(in_router_id(rt_main(it->it_vn)), "10.255.0.1"));
	pserialize_read_exit();

	/* The host has no address to speak in the name of: silence. */
	KASSERT(addr_del(it, it->it_lo, "10.255.0.1") == 0);
	KASSERT(addr_add(it, it->it_lo, "127.0.0.1", 8) == 0);
	KASSERT(addr_del(it, it->it_a.tif_ifp, "10.0.1.1") == 0);
	KASSERT(link_route(it, "10.8.0.0", 24, it->it_a.tif_ifp) == 0);
	tif_clear(&it->it_b);
	in_forward(it, &it->it_a, "10.8.0.2", "10.9.0.6", 64);
	in_forward(it, &it->it_b, "10.9.0.7", "10.8.0.2", 1);
	sleep_ms(it, 7000);
	KASSERT(it->it_b.tif_ntx == 0);
	KASSERT(in_output(it, "0.0.0.0", "10.9.0.7") == EADDRNOTAVAIL);
	KASSERT(addr_del(it, it->it_lo, "127.0.0.1") == 0);
	all_books(it);
}
IN_TEST(borrowed, 2)

/* No redirect from an address that is not on that network. */
static void
redirect_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;

	KASSERT(route_add(it, "10.7.0.0", 24, "10.0.1.9", RTF_STATIC, 0) == 0);
	KASSERT(neigh_req(it, RTM_ADD, a, "10.0.1.9", mac1, 0, 0) == 0);
	tif_clear(&it->it_a);
	in_forward(it, &it->it_a, "10.0.1.2", "10.7.0.1", 64);
	KASSERT(ipstat(it, "ip.redirects") == 1);
	/* A next hop on another network of the same wire: the source would not
	 * take it. */
	KASSERT(addr_add(it, a, "10.3.0.1", 24) == 0);
	KASSERT(neigh_req(it, RTM_ADD, a, "10.3.0.9", mac1, 0, 0) == 0);
	KASSERT(route_add(it, "10.8.0.0", 24, "10.3.0.9", RTF_STATIC, 0) == 0);
	in_forward(it, &it->it_a, "10.0.1.2", "10.3.0.9", 64);
	in_forward(it, &it->it_a, "10.0.1.2", "10.8.0.1", 64);
	KASSERT(ipstat(it, "ip.redirects") == 1);
	in_forward(it, &it->it_a, "10.3.0.2", "10.8.0.1", 64);
	KASSERT(ipstat(it, "ip.redirects") == 2);
	KASSERT(addr_del(it, a, "10.3.0.1") == 0);
	/* Its address is being looked for. */
	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 3) == 0);
	in_up(a, false);
	in_up(a, true);
	in_forward(it, &it->it_a, "10.0.1.2", "10.7.0.1", 64);
	KASSERT(ipstat(it, "ip.redirects") == 2);
	all_books(it);
}
IN_TEST(redirect, 1)

static bool
unreachable(const struct tif *t, unsigned i)
{
	const struct icmphdr4 *icmp = tx_icmp(t, i);

	return icmp != NULL && icmp->icmp_type == ICMP4_UNREACH &&
	    icmp->icmp_code == ICMP4_UNREACH_HOST;
}

/* Addresses and prefixes of an interface that is down: neither the host's
 * own nor reached. */
static void
down_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;
	uint8_t buf[100];
	unsigned len;

	KASSERT(route_add(it, "10.7.0.0", 16, "10.0.2.2", RTF_STATIC, 0) == 0);
	in_up(b, false);
	tif_clear(&it->it_a);
	tif_clear(&it->it_b);
	len = mk_echo(buf, "10.0.1.2", "10.0.2.1", 1, 1, 8);
	inject(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 1 && unreachable(&it->it_a, 0));
	KASSERT(ip_is(tx_ip(&it->it_a, 0)->ip_src, "10.0.1.1"));
	KASSERT(drops(a, DROP_IP_IFDOWN) == 1);
	/* Its network, and what lies behind a gateway on it. */
	in_forward(it, &it->it_a, "10.0.1.2", "10.0.2.2", 64);
	in_forward(it, &it->it_a, "10.0.1.2", "10.7.0.1", 64);
	KASSERT(drops(a, DROP_IP_IFDOWN) == 3 && it->it_a.tif_ntx == 3);
	KASSERT(unreachable(&it->it_a, 1) && unreachable(&it->it_a, 2));
	KASSERT(it->it_b.tif_ntx == 0);
	/* From here. */
	KASSERT(in_output(it, "0.0.0.0", "10.0.2.1") == ENETDOWN);
	KASSERT(in_output(it, "0.0.0.0", "10.0.2.2") == ENETDOWN);
	KASSERT(in_output(it, "10.0.2.1", "10.0.1.2") == EADDRNOTAVAIL);
	/* Another host may have its address meanwhile. */
	tif_clear(&it->it_a);
	in_forward(it, &it->it_a, "10.0.2.1", "10.0.1.7", 64);
	KASSERT(drops(a, DROP_IP_LAND) == 0);
	/* A host says nothing about it. */
	KASSERT(set_sysctl(it, "net.inet.ip.forwarding", 0) == 0);
	tif_clear(&it->it_a);
	inject(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 0 && drops(a, DROP_IP_NOFORWARD) == 1);
	KASSERT(set_sysctl(it, "net.inet.ip.forwarding", 1) == 0);
	/* A link that is down does not change whose the address is. */
	in_up(b, true);
	if_link_state_change(b, LINK_STATE_DOWN);
	settle(it);
	tif_clear(&it->it_a);
	inject(it, &it->it_a, buf, len);
	KASSERT(tx_icmp(&it->it_a, 0)->icmp_type == ICMP4_ECHOREPLY);
	all_books(it);
}
IN_TEST(down, 2)

static void
loopback_body(struct in_test *it)
{

	KASSERT(addr_add(it, it->it_lo, "127.0.0.1", 8) == 0);
	KASSERT(in_output(it, "0.0.0.0", "127.0.0.1") == 0);
	in_up(it->it_lo, false);
	KASSERT(in_output(it, "0.0.0.0", "127.0.0.1") == ENETDOWN);
	/* Addresses of interfaces that are up do not need lo0. */
	KASSERT(in_output(it, "0.0.0.0", "10.0.1.1") == 0);
	in_up(it->it_lo, true);
	KASSERT(in_output(it, "0.0.0.0", "127.0.0.1") == 0);
	settle(it);
	KASSERT(addr_del(it, it->it_lo, "127.0.0.1") == 0);
	all_books(it);
}
IN_TEST(loopback, 1)

/* Weak host by default, strong when asked for (RFC 1122 3.3.4.2). */
static void
strong_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	uint8_t buf[100];
	unsigned len;

	KASSERT(set_sysctl(it, "net.inet.ip.checkinterface", 1) == 0);
	len = mk_echo(buf, "10.0.1.2", "10.0.2.1", 1, 1, 8);
	tif_clear(&it->it_a);
	inject(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 0 && drops(a, DROP_IP_WRONGIF) == 1);
	len = mk_echo(buf, "10.0.1.2", "10.0.1.1", 1, 1, 8);
	inject(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 1);
	/* Between our own addresses there is no other interface. */
	KASSERT(in_output(it, "10.0.1.1", "10.0.2.1") == 0);
	settle(it);
	KASSERT(set_sysctl(it, "net.inet.ip.checkinterface", 0) == 0);
	len = mk_echo(buf, "10.0.1.2", "10.0.2.1", 1, 1, 8);
	inject(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 2);
	all_books(it);
}
IN_TEST(strong, 1)

/* The source of the ICMP error about a packet from src that a received; 0:
 * there is none. */
static uint32_t
error_source(struct in_test *it, const char *src)
{
	const struct icmphdr4 *icmp;

	tif_clear(&it->it_a);
	in_forward(it, &it->it_a, src, "10.0.2.2", 1);
	for (unsigned i = 0; i < it->it_a.tif_ntx; i++) {
		icmp = tx_ip(&it->it_a, i) != NULL ? tx_icmp(&it->it_a, i) :
		    NULL;
		if (icmp != NULL && icmp->icmp_type == ICMP4_TIMXCEED)
			return tx_ip(&it->it_a, i)->ip_src;
	}
	return 0;
}

static void
prefer(struct in_test *it, struct ifnet *ifp, const char *addr, int16_t value)
{
	struct if_addrprefreq ifap;

	memset(&ifap, 0, sizeof(ifap));
	memcpy(ifap.ifap_name, ifp->if_xname, IFNAMSIZ);
	ifap.ifap_preference = value;
	test_addr_put(&ifap.ifap_addr, addr);
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCSIFADDRPREF, &ifap,
	    sizeof(ifap)) == 0);
}

/* A link-local address is no source for other networks (RFC 3927 2.6), where
 * the interface or the router has another one. */
static void
link_local_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;

	KASSERT(route_add(it, "99.0.0.0", 8, "10.0.1.2", RTF_STATIC, 0) == 0);
	/* The interface's last address, and its first. */
	KASSERT(addr_add(it, a, "169.254.7.7", 16) == 0);
	KASSERT(ip_is(error_source(it, "99.1.1.1"), "10.0.1.1"));
	KASSERT(addr_del(it, a, "10.0.1.1") == 0);
	KASSERT(addr_add(it, a, "10.0.1.1", 24) == 0);
	KASSERT(ip_is(error_source(it, "99.1.1.1"), "10.0.1.1"));
	KASSERT(in_output(it, "0.0.0.0", "99.1.1.1") == 0);
	/* A preference does not change that. */
	prefer(it, a, "169.254.7.7", 9);
	KASSERT(ip_is(error_source(it, "99.1.1.1"), "10.0.1.1"));
	prefer(it, a, "169.254.7.7", 0);

	/* The interface has no other one: another interface's is borrowed. */
	KASSERT(addr_del(it, a, "10.0.1.1") == 0);
	KASSERT(neigh_req(it, RTM_ADD, a, "169.254.1.1", mac1, 0, 0) == 0);
	test_route_flush(it->it_vn);
	KASSERT(route_add(it, "99.0.0.0", 8, "169.254.1.1", RTF_STATIC, 0) ==
	    0);
	KASSERT(ip_is(error_source(it, "99.1.1.1"), "10.0.2.1"));
	tif_clear(&it->it_a);
	KASSERT(in_output(it, "0.0.0.0", "99.1.1.1") == 0);
	KASSERT(ip_is(tx_ip(&it->it_a, 0)->ip_src, "10.0.2.1"));
	/* On its own link it is the source. */
	tif_clear(&it->it_a);
	KASSERT(in_output(it, "0.0.0.0", "169.254.1.1") == 0);
	KASSERT(ip_is(tx_ip(&it->it_a, 0)->ip_src, "169.254.7.7"));
	/* No other interface has one either. */
	KASSERT(addr_del(it, it->it_b.tif_ifp, "10.0.2.1") == 0);
	KASSERT(error_source(it, "99.1.1.1") == 0);
	KASSERT(in_output(it, "0.0.0.0", "99.1.1.1") != 0);
	all_books(it);
}
IN_TEST(link_local, 1)

static uint32_t
ifsource(struct ifnet *ifp, const char *dst)
{
	uint32_t src;

	pserialize_read_enter();
	src = in_ifsource(ifp, test_hop(dst));
	pserialize_read_exit();
	return src;
}

/* The source that the route to a destination gives; 0: no route. */
static uint32_t
rtsource(struct in_test *it, const char *dst)
{
	const struct test_route *rt;
	uint32_t src;

	pserialize_read_enter();
	rt = test_rt_lookup(it->it_vn, dst);
	src = rt == NULL ? 0 : in_nhsource(rt->rt_fwd.fd_nh, test_hop(dst));
	pserialize_read_exit();
	return src;
}

/* Without preferences the best address is found by lookup, with them in the
 * list: both give the same one while all preferences are equal. */
static void
chosen_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;

	KASSERT(addr_add(it, b, "10.0.2.5", 24) == 0);
	KASSERT(addr_add(it, b, "172.16.0.1", 24) == 0);
	KASSERT(addr_add(it, b, "169.254.7.7", 16) == 0);
	KASSERT(route_add(it, "99.0.0.0", 8, "10.0.2.9", RTF_STATIC, 0) == 0);
	KASSERT(route_add(it, "98.0.0.0", 8, "169.254.1.1", RTF_STATIC, 0) ==
	    0);
	sleep_ms(it, 3000);
	for (unsigned preferred = 0; preferred < 2; preferred++) {
		/* The first that leads there, else the last that may leave the
		 * link. */
		KASSERT(ip_is(ifsource(b, "10.0.2.9"), "10.0.2.1"));
		KASSERT(ip_is(ifsource(b, "172.16.0.9"), "172.16.0.1"));
		KASSERT(ip_is(ifsource(b, "192.0.2.1"), "172.16.0.1"));
		KASSERT(ip_is(ifsource(b, "169.254.1.1"), "169.254.7.7"));
		/* The route's own, unless that may not leave the link. */
		KASSERT(ip_is(rtsource(it, "99.1.1.1"), "10.0.2.1"));
		KASSERT(ip_is(rtsource(it, "98.1.1.1"), "172.16.0.1"));
		KASSERT(in_output(it, "10.0.2.77", "10.0.1.2") ==
		    EADDRNOTAVAIL);
		/* An address that is being checked is none yet. */
		KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 3) == 0);
		KASSERT(addr_add(it, b, "172.17.0.1", 24) == 0);
		if (preferred)
			prefer(it, b, "172.17.0.1", 9);
		KASSERT(ip_is(ifsource(b, "192.0.2.1"), "172.16.0.1"));
		KASSERT(ip_is(rtsource(it, "99.1.1.1"), "10.0.2.1"));
		KASSERT(ip_is(rtsource(it, "172.17.0.9"), "172.16.0.1"));
		sleep_ms(it, 12000);
		KASSERT(ip_is(rtsource(it, "172.17.0.9"), "172.17.0.1"));
		KASSERT(ip_is(ifsource(b, "192.0.2.1"), "172.17.0.1"));
		KASSERT(ip_is(rtsource(it, "99.1.1.1"), preferred ?
		    "172.17.0.1" : "10.0.2.1"));
		KASSERT(addr_del(it, b, "172.17.0.1") == 0);
		KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 0) == 0);
		/* Another interface's decides which way is taken. */
		prefer(it, a, "10.0.1.1", 1);
	}
	/* A link-local one is better than none. */
	KASSERT(addr_del(it, b, "172.16.0.1") == 0);
	KASSERT(addr_del(it, b, "10.0.2.5") == 0);
	KASSERT(addr_del(it, b, "10.0.2.1") == 0);
	KASSERT(ip_is(ifsource(b, "192.0.2.1"), "169.254.7.7"));
	all_books(it);
}
IN_TEST(chosen, 1)

/* A link-local address is better than none, also before any preference was
 * given. */
static void
link_local_alone_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;

	KASSERT(addr_add(it, b, "169.254.7.7", 16) == 0);
	KASSERT(addr_del(it, b, "10.0.2.1") == 0);
	KASSERT(ip_is(ifsource(b, "192.0.2.1"), "169.254.7.7"));
	all_books(it);
}
IN_TEST(link_local_alone, 1)

/* An address of an interface that is down does not become the host's own by
 * being the broadcast address of one that is up. */
static void
broadcast_elsewhere_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;

	KASSERT(addr_add(it, b, "10.4.4.255", 22) == 0);
	KASSERT(in_output(it, "10.4.4.255", "10.0.1.2") == 0);
	KASSERT(addr_add(it, a, "10.4.4.1", 24) == 0);
	KASSERT(in_output(it, "10.4.4.255", "10.0.1.2") == 0);
	in_up(b, false);
	KASSERT(in_output(it, "10.4.4.255", "10.0.1.2") == EADDRNOTAVAIL);
	KASSERT(in_output(it, "10.4.4.1", "10.0.1.2") == 0);
	all_books(it);
}
IN_TEST(broadcast_elsewhere, 1)

static bool
router_is(struct in_test *it, const char *addr)
{
	bool is;

	pserialize_read_enter();
	is = ip_is(in_router_id(rt_main(it->it_vn)), addr);
	pserialize_read_exit();
	return is;
}

/* The router's address is kept while it is one, and no longer: not because its
 * network is still there, or its interface. */
static void
router_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;

	KASSERT(router_is(it, "10.0.2.1"));
	KASSERT(addr_add(it, b, "10.0.2.5", 24) == 0);
	KASSERT(router_is(it, "10.0.2.1"));
	KASSERT(addr_del(it, b, "10.0.2.1") == 0);
	KASSERT(router_is(it, "10.0.2.5"));
	in_up(b, false);
	KASSERT(router_is(it, "10.0.1.1"));
	in_up(b, true);
	KASSERT(router_is(it, "10.0.1.1"));
	/* One of lo0 comes before one that was given later. */
	KASSERT(addr_add(it, it->it_lo, "10.255.0.1", 32) == 0);
	KASSERT(addr_add(it, b, "10.0.2.7", 24) == 0);
	KASSERT(addr_del(it, a, "10.0.1.1") == 0);
	KASSERT(router_is(it, "10.255.0.1"));
	KASSERT(addr_del(it, it->it_lo, "10.255.0.1") == 0);
	KASSERT(router_is(it, "10.0.2.7"));
	all_books(it);
}
IN_TEST(router, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(borrowed),
		cmocka_unit_test(redirect),
		cmocka_unit_test(down),
		cmocka_unit_test(loopback),
		cmocka_unit_test(strong),
		cmocka_unit_test(link_local),
		cmocka_unit_test(chosen),
		cmocka_unit_test(link_local_alone),
		cmocka_unit_test(broadcast_elsewhere),
		cmocka_unit_test(router),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
