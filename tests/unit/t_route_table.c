/*
 * Numbered tables: what an interface that is bound to one finds, what nobody
 * else does, how a table comes and goes, and when there is no memory.
 */

#include "in_test.h"
#include "layer_test.h"

#include "net/route_impl.h"	/* under test */

static struct rt_table *
numbered(struct in_test *it, uint32_t number)
{
	struct rt_table *tb;

	route_lock(it->it_vn);
	tb = rt_table_numbered(it->it_vn, number);
	route_unlock(it->it_vn);
	return tb;
}

static size_t
ntables(struct in_test *it)
{

	return it->it_vn->vn_route->rv_tables.kt_count;
}

static int
bind_to(struct in_test *it, struct ifnet *ifp, int table)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, ifp->if_xname, IFNAMSIZ);
	ifr.ifr_value = table;
	return ifioctl(it->it_vn, &kauth_cred_self, SIOCSIFTABLE, &ifr,
	    sizeof(ifr));
}

static int
bound_to(struct in_test *it, struct ifnet *ifp)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, ifp->if_xname, IFNAMSIZ);
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCGIFTABLE, &ifr,
	    sizeof(ifr)) == 0);
	return ifr.ifr_value;
}

static struct rt_info
to(uint32_t table, const char *dst, unsigned len, const char *gw)
{
	struct rt_info ri = { .ri_len = len, .ri_table = table,
	    .ri_flags = RTF_STATIC };

	test_route_to(&ri, dst);
	if (gw != NULL)
		test_route_via(&ri, gw);
	return ri;
}

static int
add_to(struct in_test *it, uint32_t table, const char *dst, unsigned len,
    const char *gw)
{
	struct rt_info ri = to(table, dst, len, gw);

	return rt_add(it->it_vn, &ri);
}

static int
del_from(struct in_test *it, uint32_t table, const char *dst, unsigned len)
{
	struct rt_info ri = to(table, dst, len, NULL);

	return rt_delete(it->it_vn, &ri);
}

/* The interface by which packets leave, by a table; NULL: they do not. */
static const struct ifnet *
out_of(struct in_test *it, uint32_t table, const char *dst)
{
	const struct rt_table *tb = numbered(it, table);
	const struct ifnet *ifp = NULL;
	struct fwd fd;

	if (tb == NULL)
		return NULL;
	pserialize_read_enter();
	fd = rt_lookup4(tb, test_hop(dst));
	if (fd.fd_nh != NULL && (fd.fd_nh->nh_flags & NH_NOWHERE) == 0)
		ifp = fd.fd_nh->nh_ifp;
	pserialize_read_exit();
	return ifp;
}

static bool
is_local(struct in_test *it, uint32_t table, const char *addr)
{
	const struct rt_table *tb = numbered(it, table);
	struct fwd fd;

	pserialize_read_enter();
	fd = rt_lookup4(tb, test_hop(addr));
	pserialize_read_exit();
	return fwd_is_local(&fd);
}

/* Two interfaces with one address and prefix, each in a table of its own: what
 * is done to the one changes nothing for the other. */
static void
twins_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;

	KASSERT(bind_to(it, b, 5) == 0 && bound_to(it, b) == 5);
	KASSERT(bound_to(it, a) == 0 && ntables(it) == 1);
	/* Its address came along. */
	KASSERT(is_local(it, 5, "10.0.2.1") && !is_local(it, 0, "10.0.2.1"));
	KASSERT(out_of(it, 5, "10.0.2.9") == b);
	KASSERT(out_of(it, 0, "10.0.2.9") == NULL);
	KASSERT(out_of(it, 5, "10.0.1.9") == NULL);
	KASSERT(addr_add(it, b, "10.0.1.1", 24) == 0);
	KASSERT(out_of(it, 5, "10.0.1.9") == b);
	KASSERT(out_of(it, 0, "10.0.1.9") == a);
	/* In one table they are still refused. */
	KASSERT(bind_to(it, a, 5) == EEXIST && bound_to(it, a) == 0);
	KASSERT(is_local(it, 0, "10.0.1.1"));
	KASSERT(bind_to(it, b, 0) == EEXIST && bound_to(it, b) == 5);
	KASSERT(is_local(it, 5, "10.0.1.1") && is_local(it, 5, "10.0.2.1"));
	/* The heir of a prefix is in its table. */
	KASSERT(addr_del(it, a, "10.0.1.1") == 0);
	KASSERT(out_of(it, 0, "10.0.1.9") == NULL);
	KASSERT(out_of(it, 5, "10.0.1.9") == b);
	KASSERT(addr_add(it, a, "10.0.1.1", 24) == 0);
	KASSERT(addr_del(it, b, "10.0.1.1") == 0);
	KASSERT(out_of(it, 5, "10.0.1.9") == NULL);
	KASSERT(out_of(it, 0, "10.0.1.9") == a);
	KASSERT(ip_is(in_router_id(numbered(it, 5)), "10.0.2.1"));
	KASSERT(!ip_is(in_router_id(rt_main(it->it_vn)), "10.0.2.1"));
	KASSERT(bind_to(it, b, 0) == 0 && ntables(it) == 0);
	KASSERT(out_of(it, 0, "10.0.2.9") == b);
	all_books(it);
}
IN_TEST(twins, 1)

static int32_t
preference(struct in_test *it, struct ifnet *ifp, const char *addr,
    const int32_t *set)
{
	struct if_addrprefreq req;

	memset(&req, 0, sizeof(req));
	memcpy(req.ifap_name, ifp->if_xname, IFNAMSIZ);
	test_addr_put((struct sockaddr *)(void *)&req.ifap_addr, addr);
	if (set != NULL)
		req.ifap_preference = (int16_t)*set;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, set != NULL ?
	    SIOCSIFADDRPREF : SIOCGIFADDRPREF, &req, sizeof(req)) == 0);
	return req.ifap_preference;
}

/* Sources that routes name are of their own table, or of the main one behind
 * it; an address goes along with its preference. */
static void
sources_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	const int32_t seven = 7;
	struct rt_info ri = to(5, "20.0.0.0", 8, "10.0.2.2");

	ri.ri_src.na_4 = test_hop("10.0.1.1");
	KASSERT(rt_add(it->it_vn, &ri) == 0);
	KASSERT(out_of(it, 5, "20.0.0.1") == b);
	(void)preference(it, b, "10.0.2.1", &seven);
	KASSERT(bind_to(it, b, 5) == 0);
	KASSERT(preference(it, b, "10.0.2.1", NULL) == 7);
	/* 10.0.1.1 is no source in there any more. */
	KASSERT(out_of(it, 5, "20.0.0.1") == NULL);
	KASSERT(addr_add(it, b, "10.0.1.1", 24) == 0);
	KASSERT(out_of(it, 5, "20.0.0.1") == b);
	KASSERT(addr_del(it, b, "10.0.1.1") == 0);
	KASSERT(out_of(it, 5, "20.0.0.1") == NULL);
	ri = to(5, "30.0.0.0", 8, "10.0.2.2");
	ri.ri_src.na_4 = test_hop("10.0.1.1");
	KASSERT(rt_add(it->it_vn, &ri) == EADDRNOTAVAIL);
	/* Nor is this one in the main table. */
	ri = to(0, "30.0.0.0", 8, "10.0.1.2");
	ri.ri_src.na_4 = test_hop("10.0.2.1");
	KASSERT(rt_add(it->it_vn, &ri) == EADDRNOTAVAIL);
	KASSERT(in_output(it, "10.0.2.1", "10.0.1.2") == EADDRNOTAVAIL);
	KASSERT(bind_to(it, b, 0) == 0);
	KASSERT(out_of(it, 5, "20.0.0.1") == b);
	all_books(it);
}
IN_TEST(sources, 1)

/* An interface without an address borrows one of its own table's; and one that
 * is down stays so when its addresses go along. */
static void
borrowed_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;
	struct rt_info ri = { TEST_DST("10.9.0.0"), .ri_len = 24,
	    .ri_table = 5, .ri_ifp = b, .ri_flags = RTF_STATIC };
	const struct icmphdr4 *icmp;
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

	in_up(b, false);
	KASSERT(bind_to(it, b, 5) == 0);
	KASSERT((if_flags_get(b) & IFF_UP) == 0);
	KASSERT(in_ifa(b, "10.0.2.1") != NULL);
	in_up(b, true);
	KASSERT(addr_del(it, b, "10.0.2.1") == 0);
	KASSERT(addr_add(it, it->it_lo, "10.255.0.1", 32) == 0);
	KASSERT(bind_to(it, a, 5) == 0);
	KASSERT(rt_add(it->it_vn, &ri) == 0);
	KASSERT(neigh_req(it, RTM_ADD, b, "10.9.0.7", mac, 0, 0) == 0);
	tif_clear(&it->it_b);
	in_forward(it, &it->it_a, "10.0.1.2", "10.9.0.5", 64);
	sleep_ms(it, 1500);
	KASSERT(arp_asked(&it->it_b, "10.0.1.1", "10.9.0.5") >= 1);
	KASSERT(arp_asked(&it->it_b, "10.255.0.1", "10.9.0.5") == 0);
	tif_clear(&it->it_b);
	in_forward(it, &it->it_b, "10.9.0.7", "10.0.1.2", 1);
	icmp = tx_icmp(&it->it_b, 0);
	KASSERT(icmp != NULL && icmp->icmp_type == ICMP4_TIMXCEED &&
	    ip_is(tx_ip(&it->it_b, 0)->ip_src, "10.0.1.1"));
	KASSERT(addr_del(it, it->it_lo, "10.255.0.1") == 0);
	all_books(it);
}
IN_TEST(borrowed, 1)

/* Packets: nothing gets from one to another, fragments neither. */
static void
packets_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;
	uint8_t frag[2][60], buf[128];
	struct iphdr4 *ip;
	unsigned len;

	KASSERT(neigh_req(it, RTM_ADD, NULL, "10.0.2.9", it->it_b.tif_peer,
	    0, 0) == 0);
	in_forward(it, &it->it_a, "10.0.1.2", "10.0.2.9", 64);
	KASSERT(it->it_b.tif_ntx == 1);
	KASSERT(bind_to(it, b, 5) == 0);
	sleep_ms(it, 5000);	/* its addresses are announced */
	tif_clear(&it->it_a);
	tif_clear(&it->it_b);
	in_forward(it, &it->it_a, "10.0.1.2", "10.0.2.9", 64);
	KASSERT(it->it_b.tif_ntx == 0 && drops(a, DROP_IP_NOROUTE) == 1);
	/* A source that is in the other table alone is no local one here. */
	KASSERT(set_sysctl(it, "net.inet.ip.rpf", IF_RPF_STRICT) == 0);
	in_forward(it, &it->it_a, "10.0.2.1", "10.0.1.7", 64);
	KASSERT(drops(a, DROP_IP_RPF) == 1 && drops(a, DROP_IP_LAND) == 0);
	KASSERT(set_sysctl(it, "net.inet.ip.rpf", IF_RPF_OFF) == 0);
	/* Packets for this host are answered in their own table. */
	KASSERT(addr_add(it, b, "10.0.1.1", 24) == 0);
	KASSERT(neigh_req(it, RTM_ADD, b, "10.0.1.2", it->it_b.tif_peer, 0,
	    0) == 0);
	sleep_ms(it, 5000);	/* the address is announced */
	tif_clear(&it->it_a);
	tif_clear(&it->it_b);
	len = mk_echo(buf, "10.0.1.2", "10.0.1.1", 1, 1, 8);
	inject(it, &it->it_b, buf, len);
	settle(it);
	KASSERT(it->it_a.tif_ntx == 0 && it->it_b.tif_ntx == 1);
	inject(it, &it->it_a, buf, len);
	settle(it);
	KASSERT(it->it_a.tif_ntx == 1 && it->it_b.tif_ntx == 1);
	/* Half of a packet in each. */
	len = mk_echo(buf, "10.0.1.2", "10.0.1.1", 1, 2, 16);
	for (unsigned i = 0; i < 2; i++) {
		memcpy(frag[i], buf, 20);
		memcpy(frag[i] + 20, buf + 20 + i * 16, i == 0 ? 16 : 8);
		ip = (struct iphdr4 *)(void *)frag[i];
		ip->ip_len = htons(i == 0 ? 36 : 28);
		ip->ip_off = htons(i == 0 ? IP_MF : 2);
		ip->ip_sum = 0;
		ip->ip_sum = in_cksum_fold(in_cksum_add(ip, 20, 0));
	}
	(void)len;
	inject(it, &it->it_a, frag[0], 36);
	inject(it, &it->it_b, frag[1], 28);
	settle(it);
	KASSERT(it->it_a.tif_ntx == 1 && it->it_b.tif_ntx == 1);
	inject(it, &it->it_a, frag[1], 28);
	settle(it);
	KASSERT(it->it_a.tif_ntx == 2 && it->it_b.tif_ntx == 1);
	inject(it, &it->it_b, frag[0], 36);
	settle(it);
	KASSERT(it->it_b.tif_ntx == 2);
	all_books(it);
}
IN_TEST(packets, 1)

/* Gateways: in the table itself, or behind it in the main one while no
 * interface is bound to it. */
static void
gateways_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;

	KASSERT(add_to(it, 5, "20.0.0.0", 8, "10.0.2.2") == 0);
	KASSERT(out_of(it, 5, "20.0.0.1") == b);
	KASSERT(out_of(it, 0, "20.0.0.1") == NULL);
	KASSERT(add_to(it, 5, "20.0.0.0", 8, "10.0.2.3") == EEXIST);
	KASSERT(add_to(it, 0, "20.0.0.0", 8, "10.0.1.2") == 0);
	KASSERT(out_of(it, 5, "20.0.0.1") == b);
	KASSERT(out_of(it, 0, "20.0.0.1") == a);
	/* By a route of the main table, and then by one of its own. */
	KASSERT(add_to(it, 5, "30.0.0.0", 8, "20.0.0.9") == 0);
	KASSERT(out_of(it, 5, "30.0.0.1") == b);
	KASSERT(del_from(it, 5, "20.0.0.0", 8) == 0);
	KASSERT(out_of(it, 5, "30.0.0.1") == a);
	KASSERT(del_from(it, 0, "20.0.0.0", 8) == 0);
	KASSERT(out_of(it, 5, "30.0.0.1") == NULL);
	KASSERT(add_to(it, 0, "20.0.0.0", 8, "10.0.1.2") == 0);
	KASSERT(out_of(it, 5, "30.0.0.1") == a);
	/* The table gets an interface: the main table is no help any more. */
	KASSERT(bind_to(it, b, 5) == 0);
	KASSERT(out_of(it, 5, "30.0.0.1") == NULL);
	KASSERT(add_to(it, 5, "20.0.0.0", 8, "10.0.2.2") == 0);
	KASSERT(out_of(it, 5, "30.0.0.1") == b);
	KASSERT(add_to(it, 5, "40.0.0.0", 8, "10.0.1.2") == ENETUNREACH);
	/* And loses it. */
	KASSERT(bind_to(it, b, 0) == 0);
	KASSERT(out_of(it, 5, "20.0.0.1") == b);
	KASSERT(del_from(it, 5, "20.0.0.0", 8) == 0);
	KASSERT(out_of(it, 5, "30.0.0.1") == a && ntables(it) == 1);
	KASSERT(del_from(it, 5, "30.0.0.0", 8) == 0);
	KASSERT(ntables(it) == 0);
	KASSERT(del_from(it, 5, "30.0.0.0", 8) == ESRCH);
	all_books(it);
}
IN_TEST(gateways, 1)

static int
count_table(const void *msg, void *arg)
{
	unsigned *n = arg;

	n[((const struct rt_msg *)msg)->rtm_table % 16]++;
	return 0;
}

/* Many tables come, are listed in order, and go; what holds one keeps it. */
static void
many_body(struct in_test *it)
{
	struct rt_place place = { .rp_table = 7, .rp_is_last = true };
	union { struct rt_msg rtm; uint8_t room[RT_MSG_MAX]; } msg;
	unsigned n[16] = { 0 };
	struct rt_table *tb;

	KASSERT(set_sysctl(it, "net.route.maxtables", 15) == 0);
	for (uint32_t t = 15; t > 0; t--)
		for (unsigned i = 0; i < t; i++)
			KASSERT(add_to(it, t, "0.0.0.0", i, "10.0.1.2") == 0);
	KASSERT(add_to(it, 16, "0.0.0.0", 0, "10.0.1.2") == ENOSPC);
	KASSERT(add_to(it, RT_TABLE_MAX + 1, "0.0.0.0", 0, "10.0.1.2") ==
	    EINVAL);
	KASSERT(bind_to(it, it->it_a.tif_ifp, 16) == ENOSPC);
	KASSERT(bind_to(it, it->it_a.tif_ifp, RT_TABLE_MAX + 1) == EINVAL);
	KASSERT(bind_to(it, it->it_a.tif_ifp, -1) == EINVAL);
	KASSERT(rt_dump(it->it_vn, count_table, n) == 0);
	for (uint32_t t = 1; t < 16; t++)
		KASSERT(n[t] == t);
	for (unsigned i = 0; i < 7; i++)
		KASSERT(rt_dump_next(it->it_vn, &place, &msg) == 0 &&
		    msg.rtm.rtm_table == 7);
	KASSERT(rt_dump_next(it->it_vn, &place, &msg) == ENOENT);
	KASSERT(rt_table_hold(it->it_vn, 3, false, &tb) == 0);
	for (uint32_t t = 1; t < 16; t++)
		for (unsigned i = 0; i < t; i++)
			KASSERT(del_from(it, t, "0.0.0.0", i) == 0);
	KASSERT(ntables(it) == 1 && numbered(it, 3) == tb);
	rt_table_drop(tb);
	KASSERT(ntables(it) == 0);
	KASSERT(rt_table_hold(it->it_vn, 3, false, &tb) == ESRCH);
	/* The last one goes with the vnet. */
	KASSERT(add_to(it, 9, "0.0.0.0", 0, "10.0.1.2") == 0);
}
IN_TEST(many, 1)

/* A route of its own by a gateway of its own, on the network of a. */
static int
later(struct in_test *it, uint32_t table, unsigned n)
{
	struct rt_info ri = { .ri_len = 24, .ri_table = table,
	    .ri_flags = RTF_STATIC, .ri_given = RTV_LATER };

	ri.ri_dst.na_4 = test_hop_plus("20.0.0.0", n << 8);
	ri.ri_gw.na_4 = test_hop_plus("10.0.1.2", n);
	return rt_add(it->it_vn, &ri);
}

/* Every allocation fails once: nothing is changed then, or all is. */
static void
memory_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	int error = ENOMEM;

	KASSERT(addr_add(it, b, "10.0.3.1", 24) == 0);
	for (unsigned nth = 1; error == ENOMEM; nth++) {
		sim_fail_alloc(it->it_host, nth);
		error = add_to(it, 5, "20.0.0.0", 8, "10.0.2.2");
		sim_fail_alloc(it->it_host, 0);
		KASSERT(error == 0 || (error == ENOMEM && ntables(it) == 0));
	}
	KASSERT(error == 0 && out_of(it, 5, "20.0.0.1") == b);
	KASSERT(del_from(it, 5, "20.0.0.0", 8) == 0);
	error = ENOMEM;
	for (unsigned nth = 1; error == ENOMEM; nth++) {
		sim_fail_alloc(it->it_host, nth);
		error = bind_to(it, b, 5);
		sim_fail_alloc(it->it_host, 0);
		if (error != ENOMEM)
			break;
		KASSERT(bound_to(it, b) == 0 && ntables(it) == 0);
		KASSERT(is_local(it, 0, "10.0.2.1") &&
		    is_local(it, 0, "10.0.3.1"));
	}
	KASSERT(error == 0 && bound_to(it, b) == 5);
	KASSERT(is_local(it, 5, "10.0.2.1") && is_local(it, 5, "10.0.3.1"));
	/* A table that loses its last interface finds gateways in the main one
	 * at once, or with the next route. */
	for (unsigned i = 1; i <= 80; i++)
		KASSERT(later(it, 5, i) == 0);
	error = ENOMEM;
	for (unsigned nth = 1; error == ENOMEM || sim_alloc_failed(
	    it->it_host); nth++) {
		KASSERT(bound_to(it, b) == 5 || bind_to(it, b, 5) == 0);
		KASSERT(out_of(it, 5, "20.0.80.1") == NULL);
		sim_fail_alloc(it->it_host, nth);
		error = bind_to(it, b, 0);
		KASSERT(error == 0 || error == ENOMEM);
		if (!sim_alloc_failed(it->it_host))
			break;
		sim_fail_alloc(it->it_host, 0);
		if (error == ENOMEM)
			continue;
		KASSERT(later(it, 5, 100 + nth) == 0);
		KASSERT(out_of(it, 5, "20.0.80.1") == it->it_a.tif_ifp);
	}
	sim_fail_alloc(it->it_host, 0);
	KASSERT(out_of(it, 5, "20.0.80.1") == it->it_a.tif_ifp);
	KASSERT(it->it_vn->vn_route->rv_main.tb_ip4.ta_gateways.kt_count ==
	    numbered(it, 5)->tb_ip4.ta_gateways.kt_count);
	all_books(it);
}
IN_TEST(memory, 1)

/* An interface goes with its table; another of the name begins anew. */
static void
gone_body(struct in_test *it)
{

	KASSERT(bind_to(it, it->it_b.tif_ifp, 5) == 0);
	KASSERT(add_to(it, 5, "0.0.0.0", 0, "10.0.2.2") == 0);
	tif_detach(&it->it_b);
	it->it_b.tif_ifp = NULL;
	KASSERT(ntables(it) == 1 && out_of(it, 5, "8.8.8.8") == NULL);
	KASSERT(del_from(it, 5, "0.0.0.0", 0) == 0 && ntables(it) == 0);
	tif_attach(it, &it->it_b, 1);
	KASSERT(bound_to(it, it->it_b.tif_ifp) == 0);
}
IN_TEST(gone, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twins),
		cmocka_unit_test(sources),
		cmocka_unit_test(borrowed),
		cmocka_unit_test(packets),
		cmocka_unit_test(gateways),
		cmocka_unit_test(many),
		cmocka_unit_test(memory),
		cmocka_unit_test(gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
