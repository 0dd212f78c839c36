/*
 * Addresses: what is refused, what routes come and go with them, and that an
 * allocation that fails leaves everything as it was.
 */

#include "in_test.h"
#include "layer_test.h"

static void
routes_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	size_t count = test_route_count(it->it_vn);

	KASSERT(has_route(it, "10.0.1.1", RTF_LOCAL, a));
	KASSERT(has_route(it, "10.0.1.77", RTF_CONNECTED, a));
	KASSERT(has_route(it, "10.0.1.255", RTF_BROADCAST, a));
	KASSERT(route_to(it, "10.0.3.1") == NULL);

	/* /31 (RFC 3021) and /32 have no broadcast address. */
	KASSERT(addr_add(it, a, "172.16.0.0", 31) == 0);
	KASSERT(has_route(it, "172.16.0.1", RTF_CONNECTED, a));
	KASSERT(!has_route(it, "172.16.0.1", RTF_BROADCAST, a));
	KASSERT(addr_add(it, a, "172.17.0.9", 32) == 0);
	KASSERT(has_route(it, "172.17.0.9", RTF_LOCAL, a));
	/* No mask: the class's. */
	KASSERT(addr_add(it, a, "150.1.2.3", 0) == 0);
	KASSERT(has_route(it, "150.1.99.99", RTF_CONNECTED, a));
	KASSERT(route_to(it, "150.2.0.1") == NULL);

	KASSERT(addr_del(it, a, "172.16.0.0") == 0);
	KASSERT(addr_del(it, a, "172.17.0.9") == 0);
	KASSERT(addr_del(it, a, "150.1.2.3") == 0);
	KASSERT(addr_del(it, a, "150.1.2.3") == EADDRNOTAVAIL);
	KASSERT(test_route_count(it->it_vn) == count);
}
IN_TEST(routes, 1)

/* Two addresses of a prefix share its routes; the second inherits them. */
static void
inherit_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;
	size_t count = test_route_count(it->it_vn);

	KASSERT(addr_add(it, a, "10.5.0.1", 16) == 0);
	KASSERT(addr_add(it, a, "10.5.0.2", 16) == 0);
	KASSERT(addr_add(it, b, "10.5.0.3", 16) == 0);
	KASSERT(has_route(it, "10.5.9.9", RTF_CONNECTED, a));
	KASSERT(addr_del(it, a, "10.5.0.1") == 0);
	KASSERT(has_route(it, "10.5.9.9", RTF_CONNECTED, a) ||
	    has_route(it, "10.5.9.9", RTF_CONNECTED, b));
	KASSERT(addr_del(it, a, "10.5.0.2") == 0);
	KASSERT(has_route(it, "10.5.9.9", RTF_CONNECTED, b));
	KASSERT(has_route(it, "10.5.255.255", RTF_BROADCAST, b));
	KASSERT(addr_del(it, b, "10.5.0.3") == 0);
	KASSERT(test_route_count(it->it_vn) == count);

	/* A longer prefix over the one that goes is no heir, and no hindrance;
	 * nor is an allocation that fails. */
	for (unsigned n = 0; n < 6; n++) {
		KASSERT(addr_add(it, a, "10.5.0.1", 16) == 0);
		KASSERT(addr_add(it, b, "10.5.0.2", 24) == 0);
		KASSERT(addr_add(it, b, "10.5.0.3", 16) == 0);
		sim_fail_alloc(it->it_host, n);
		KASSERT(addr_del(it, a, "10.5.0.1") == 0);
		sim_fail_alloc(it->it_host, 0);
		KASSERT(has_route(it, "10.5.9.9", RTF_CONNECTED, b));
		KASSERT(has_route(it, "10.5.255.255", RTF_BROADCAST, b));
		KASSERT(addr_del(it, b, "10.5.0.2") == 0);
		KASSERT(addr_del(it, b, "10.5.0.3") == 0);
		KASSERT(test_route_count(it->it_vn) == count);
	}
}
IN_TEST(inherit, 1)

/* The heir's interface goes while memory is waited for. */
static struct {
	struct in_test	*he_it;
	struct host_thread *he_thread;
} heir;

static void
heir_main(void *arg)
{

	(void)arg;
	host_sleep(heir.he_it->it_host, 5000000);
	tif_detach(&heir.he_it->it_b);
}

static void
heir_goes_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	size_t count = test_route_count(it->it_vn) - 3;

	heir.he_it = it;
	for (unsigned n = 1; n < 6; n++) {
		KASSERT(addr_add(it, a, "10.5.0.1", 16) == 0);
		KASSERT(addr_add(it, it->it_b.tif_ifp, "10.5.0.2", 16) == 0);
		KASSERT(host_thread_create(it->it_host, "heir", -1, heir_main,
		    NULL, &heir.he_thread) == 0);
		sim_fail_alloc(it->it_host, n);
		KASSERT(addr_del(it, a, "10.5.0.1") == 0);
		sim_fail_alloc(it->it_host, 0);
		host_thread_join(it->it_host, heir.he_thread);
		KASSERT(route_to(it, "10.5.0.2") == NULL);
		KASSERT(test_route_count(it->it_vn) == count);
		tif_attach(it, &it->it_b, 1);
	}
}
IN_TEST(heir_goes, 1)

static void
refused_body(struct in_test *it)
{
	static const char *const bad[] = { "0.0.0.0", "0.0.0.1", "127.0.0.1",
	    "224.0.0.1", "239.9.9.9", "240.0.0.1", "255.255.255.255",
	    "10.0.9.0", "10.0.9.255", NULL };
	struct ifnet *a = it->it_a.tif_ifp;
	struct ifaliasreq ifra;
	size_t count = test_route_count(it->it_vn);

	for (unsigned i = 0; bad[i] != NULL; i++)
		KASSERT(addr_add(it, a, bad[i], 24) == EINVAL);
	KASSERT(addr_req(it, SIOCAIFADDR, a, "10.0.9.1", 24, "10.0.9.1") ==
	    EINVAL);
	KASSERT(addr_req(it, SIOCAIFADDR, a, "10.0.9.1", 24, "10.0.8.255") ==
	    EINVAL);
	memset(&ifra, 0, sizeof(ifra));
	memcpy(ifra.ifra_name, a->if_xname, IFNAMSIZ);
	/* No address at all, another family, a mask with holes, none. */
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCAIFADDR, &ifra,
	    sizeof(ifra)) != 0);
	test_addr_put(&ifra.ifra_addr, "10.0.9.1");
	test_addr_put(&ifra.ifra_mask, "255.0.255.0");
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCAIFADDR, &ifra,
	    sizeof(ifra)) == EINVAL);
	test_addr_put(&ifra.ifra_mask, "0.0.0.0");
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCAIFADDR, &ifra,
	    sizeof(ifra)) == EINVAL);
	ifra.ifra_mask.ss_family = AF_INET6;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCAIFADDR, &ifra,
	    sizeof(ifra)) == EAFNOSUPPORT);

	/* The same again is nothing; elsewhere it is taken. */
	KASSERT(addr_add(it, a, "10.0.1.1", 24) == 0);
	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.0.1.1", 24) == EEXIST);
	KASSERT(test_route_count(it->it_vn) == count);
	/* 127.0.0.1 belongs on lo0. */
	KASSERT(addr_add(it, it->it_lo, "127.0.0.1", 8) == 0);
	KASSERT(addr_del(it, it->it_lo, "127.0.0.1") == 0);
}
IN_TEST(refused, 1)

/* Another mask for an address there is: it takes the old one's place. */
static void
update_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct ifreq ifr;
	unsigned n = 0;
	struct ifaddr *ifa;

	KASSERT(addr_add(it, a, "10.0.1.1", 16) == 0);
	KASSERT(has_route(it, "10.0.99.9", RTF_CONNECTED, a));
	KASSERT(has_route(it, "10.0.255.255", RTF_BROADCAST, a));
	KASSERT(!has_route(it, "10.0.1.255", RTF_BROADCAST, a));
	KASSERT(has_route(it, "10.0.1.1", RTF_LOCAL, a));
	TAILQ_FOREACH(ifa, &a->if_addrlist, ifa_list)
		n += ifa->ifa_addr->sa_family == TEST_AF;
	KASSERT(n == 1);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, a->if_xname, IFNAMSIZ);
	ifr.ifr_addr.sa_family = TEST_AF;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCGIFNETMASK, &ifr,
	    sizeof(ifr)) == 0);
	KASSERT(test_addr_is(&ifr.ifr_addr, "255.255.0.0"));
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCGIFBRDADDR, &ifr,
	    sizeof(ifr)) == 0);
	KASSERT(test_addr_is(&ifr.ifr_addr, "10.0.255.255"));
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCGIFDSTADDR, &ifr,
	    sizeof(ifr)) == EINVAL);
	/* The old request: one address in place of the first. */
	memset(&ifr.ifr_ifru, 0, sizeof(ifr.ifr_ifru));
	test_addr_put(&ifr.ifr_addr, "10.3.0.1");
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCSIFADDR, &ifr,
	    sizeof(ifr)) == 0);
	KASSERT(route_to(it, "10.0.1.1") == NULL ||
	    !has_route(it, "10.0.1.1", RTF_LOCAL, a));
	KASSERT(has_route(it, "10.99.0.1", RTF_CONNECTED, a));
}
IN_TEST(update, 1)

static void
alias_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct ifaliasreq ifra;

	memset(&ifra, 0, sizeof(ifra));
	memcpy(ifra.ifra_name, a->if_xname, IFNAMSIZ);
	test_addr_put(&ifra.ifra_addr, "10.0.1.1");
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCGIFALIAS, &ifra,
	    sizeof(ifra)) == 0);
	KASSERT(test_addr_is((struct sockaddr *)&ifra.ifra_mask,
	    "255.255.255.0"));
	KASSERT(test_addr_is((struct sockaddr *)&ifra.ifra_broadaddr,
	    "10.0.1.255"));
	test_addr_put(&ifra.ifra_addr, "10.0.1.2");
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCGIFALIAS, &ifra,
	    sizeof(ifra)) == EADDRNOTAVAIL);
}
IN_TEST(alias, 1)

static int
laddr(struct in_test *it, unsigned long cmd, const char *addr, uint32_t flags,
    unsigned len, struct if_laddrreq *iflr)
{

	memset(iflr, 0, sizeof(*iflr));
	memcpy(iflr->iflr_name, it->it_a.tif_ifp->if_xname, IFNAMSIZ);
	iflr->iflr_flags = flags;
	iflr->iflr_prefixlen = len;
	test_addr_put(&iflr->iflr_addr, addr);
	return ifioctl(it->it_vn, &kauth_cred_self, cmd, iflr, sizeof(*iflr));
}

static bool
laddr_is(const struct if_laddrreq *iflr, const char *addr, unsigned len,
    const char *dst)
{
	struct sockaddr_storage want[2];

	memset(want, 0, sizeof(want));
	test_addr_put(&want[0], addr);
	if (dst != NULL) {
		test_addr_put(&want[1], dst);
	}
	/* Not a byte that was not written for the caller. */
	return iflr->iflr_flags == 0 && iflr->iflr_prefixlen == len &&
	    memcmp(&iflr->iflr_addr, &want[0], sizeof(want[0])) == 0 &&
	    memcmp(&iflr->iflr_dstaddr, &want[1], sizeof(want[1])) == 0;
}

/* Addresses with a prefix length. */
static void
prefixlen_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct if_laddrreq r;

	KASSERT(laddr(it, SIOCALIFADDR, "10.6.1.1", 0, 20, &r) == 0);
	KASSERT(has_route(it, "10.6.15.254", RTF_CONNECTED, a));
	KASSERT(has_route(it, "10.6.15.255", RTF_BROADCAST, a));
	KASSERT(laddr(it, SIOCALIFADDR, "10.6.2.1", IFLR_PREFIX, 24, &r) ==
	    EINVAL);
	KASSERT(laddr(it, SIOCALIFADDR, "10.6.2.1", 0, 33, &r) == EINVAL);
	KASSERT(laddr(it, SIOCALIFADDR, "10.6.2.1", 0, 0, &r) == EINVAL);
	KASSERT(laddr(it, SIOCALIFADDR, "10.0.2.1", 0, 24, &r) == EEXIST);
	KASSERT(laddr(it, SIOCALIFADDR, "10.6.2.1", 0, 32, &r) == 0);

	/* The first one; by prefix; and none. */
	KASSERT(laddr(it, SIOCGLIFADDR, "0.0.0.0", 0, 0, &r) == 0);
	KASSERT(laddr_is(&r, "10.0.1.1", 24, NULL));
	KASSERT(laddr(it, SIOCGLIFADDR, "10.6.9.9", IFLR_PREFIX, 16, &r) == 0);
	KASSERT(laddr_is(&r, "10.6.1.1", 20, NULL));
	KASSERT(laddr(it, SIOCGLIFADDR, "10.6.2.9", IFLR_PREFIX, 24, &r) == 0);
	KASSERT(laddr_is(&r, "10.6.2.1", 32, NULL));
	KASSERT(laddr(it, SIOCGLIFADDR, "10.6.1.0", IFLR_PREFIX, 32, &r) ==
	    EADDRNOTAVAIL);
	KASSERT(laddr(it, SIOCGLIFADDR, "10.6.1.1", IFLR_PREFIX, 33, &r) ==
	    EINVAL);

	KASSERT(laddr(it, SIOCDLIFADDR, "10.6.1.2", 0, 20, &r) ==
	    EADDRNOTAVAIL);
	KASSERT(laddr(it, SIOCDLIFADDR, "10.6.1.1", 0, 20, &r) == 0);
	KASSERT(laddr(it, SIOCDLIFADDR, "10.6.9.9", IFLR_PREFIX, 16, &r) == 0);
	KASSERT(laddr(it, SIOCDLIFADDR, "10.6.9.9", IFLR_PREFIX, 16, &r) ==
	    EADDRNOTAVAIL);
	KASSERT(!has_route(it, "10.6.2.1", RTF_LOCAL, a));

	/* With a far end. */
	a->if_flags = (a->if_flags & ~IFF_BROADCAST) | IFF_POINTOPOINT;
	(void)laddr(it, SIOCDLIFADDR, "10.6.3.1", 0, 32, &r);
	test_addr_put(&r.iflr_dstaddr, "10.77.0.2");
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCALIFADDR, &r,
	    sizeof(r)) == 0);
	KASSERT(has_route(it, "10.77.0.2", RTF_CONNECTED, a));
	KASSERT(laddr(it, SIOCGLIFADDR, "10.6.3.1", IFLR_PREFIX, 32, &r) == 0);
	KASSERT(laddr_is(&r, "10.6.3.1", 32, "10.77.0.2"));
	/* A family nobody serves. */
	r.iflr_addr.ss_family = AF_INET6;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCGLIFADDR, &r,
	    sizeof(r)) == EOPNOTSUPP);
}
IN_TEST(prefixlen, 1)

/* The far end of a point-to-point interface is a host route. */
static void
ptp_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct rt_msg rtm;
	struct ifreq ifr;

	KASSERT(addr_del(it, a, "10.0.1.1") == 0);
	a->if_flags = (a->if_flags & ~IFF_BROADCAST) | IFF_POINTOPOINT;
	KASSERT(addr_req(it, SIOCAIFADDR, a, "10.4.0.1", 32, "224.0.0.1") ==
	    EINVAL);
	KASSERT(addr_req(it, SIOCAIFADDR, a, "10.4.0.1", 32, "10.77.0.2") ==
	    0);
	KASSERT(has_route(it, "10.77.0.2", RTF_CONNECTED, a));
	/* The own address is reached through lo0, from itself. */
	KASSERT(has_route(it, "10.4.0.1", RTF_LOCAL, a));
	KASSERT(test_rt_told(it->it_vn, "10.4.0.1", &rtm) &&
	    rtm.rtm_ifhandle == it->it_lo->if_handle);
	KASSERT(route_to(it, "10.4.0.1")->rt_ifa == in_ifa(a, "10.4.0.1"));
	KASSERT(has_route(it, "10.0.2.1", RTF_LOCAL, it->it_b.tif_ifp));
	KASSERT(route_to(it, "10.77.0.3") == NULL);
	/* A point-to-point interface has no broadcast address, and gets
	 * none. */
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, a->if_xname, IFNAMSIZ);
	ifr.ifr_addr.sa_family = TEST_AF;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCSIFBRDADDR, &ifr,
	    sizeof(ifr)) == EINVAL);
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCGIFBRDADDR, &ifr,
	    sizeof(ifr)) == EINVAL);
	KASSERT(addr_del(it, a, "10.4.0.1") == 0);
	KASSERT(route_to(it, "10.77.0.2") == NULL);
	KASSERT(route_to(it, "10.4.0.1") == NULL);
	/* The address goes with the interface, and not with lo0. */
	KASSERT(addr_req(it, SIOCAIFADDR, a, "10.4.0.1", 32, "10.77.0.2") ==
	    0);
	tif_detach(&it->it_a);
	KASSERT(route_to(it, "10.4.0.1") == NULL);
	a = it->it_b.tif_ifp;
	a->if_flags = (a->if_flags & ~IFF_BROADCAST) | IFF_POINTOPOINT;
	KASSERT(addr_req(it, SIOCAIFADDR, a, "10.4.0.1", 32, "10.77.0.2") ==
	    0);
	if_detach(it->it_lo);
	if_free(it->it_lo);
	KASSERT(has_route(it, "10.4.0.1", RTF_LOCAL, a));
	KASSERT(addr_del(it, a, "10.4.0.1") == 0);
	/* Without lo0 there is only the interface. */
	KASSERT(addr_req(it, SIOCAIFADDR, a, "10.4.0.1", 32, "10.77.0.2") ==
	    0);
	KASSERT(has_route(it, "10.4.0.1", RTF_LOCAL, a));
	tlo_attach(it);
}
IN_TEST(ptp, 1)

struct send {
	struct in_test	*se_it;
	const char	*se_dst;
};

/* CPU: a packet to a destination, from what is best. */
static void
send_cpu(void *arg)
{
	struct send *se = arg;
	uint8_t buf[64];
	struct mbuf *m;
	unsigned len;

	len = mk_echo(buf, "0.0.0.0", se->se_dst, 1, 1, 8);
	m = m_gethdr();
	KASSERT(m != NULL && m_append(m, buf, len) == 0);
	KASSERT(ip_output(rt_main(se->se_it->it_vn), m, 0) == 0);
}

/* The source that a packet to dst gets, or the question for its neighbour. */
static uint32_t
source_to(struct in_test *it, const char *dst)
{
	struct send se = { .se_it = it, .se_dst = dst };
	const struct iphdr4 *ip;

	tif_clear(&it->it_b);
	on_cpu(it, send_cpu, &se);
	ip = tx_ip(&it->it_b, 0);
	if (ip == NULL)
		return tx_arp(&it->it_b, 0)->ar_spa;
	return ip->ip_src;
}

/* The best of an interface, whatever routes say. */
static uint32_t
ifsource(struct ifnet *ifp, const char *dst)
{
	uint32_t src;

	pserialize_read_enter();
	src = in_ifsource(ifp, test_hop(dst));
	pserialize_read_exit();
	return src;
}

static void
prefer(struct in_test *it, const char *addr, int32_t preference)
{
	struct if_addrprefreq ifap;

	memset(&ifap, 0, sizeof(ifap));
	memcpy(ifap.ifap_name, it->it_b.tif_ifp->if_xname, IFNAMSIZ);
	test_addr_put(&ifap.ifap_addr, addr);
	ifap.ifap_preference = preference;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCSIFADDRPREF, &ifap,
	    sizeof(ifap)) == 0);
}

/* The preference of addresses decides which is a packet's source, among those
 * that fit the destination as well. */
static void
preference_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;

	KASSERT(addr_add(it, b, "10.0.2.5", 24) == 0);
	KASSERT(addr_add(it, b, "172.16.0.1", 24) == 0);
	KASSERT(route_add(it, "0.0.0.0", 0, "10.0.2.2", 0, 0) == 0);
	sleep_ms(it, 3000);
	KASSERT(ip_is(source_to(it, "10.0.2.2"), "10.0.2.1"));
	KASSERT(ip_is(source_to(it, "192.0.2.1"), "10.0.2.1"));
	KASSERT(ip_is(ifsource(b, "10.0.2.2"), "10.0.2.1"));
	KASSERT(ip_is(ifsource(b, "172.16.0.2"), "172.16.0.1"));
	KASSERT(ip_is(ifsource(b, "192.0.2.1"), "172.16.0.1"));
	prefer(it, "10.0.2.5", 5);
	KASSERT(ip_is(ifsource(b, "10.0.2.2"), "10.0.2.5"));
	KASSERT(ip_is(ifsource(b, "172.16.0.2"), "172.16.0.1"));
	KASSERT(ip_is(ifsource(b, "192.0.2.1"), "10.0.2.5"));
	KASSERT(ip_is(source_to(it, "10.0.2.2"), "10.0.2.5"));
	KASSERT(ip_is(source_to(it, "192.0.2.1"), "10.0.2.5"));
	/* Asking for a neighbour is sending too. */
	KASSERT(ip_is(source_to(it, "10.0.2.99"), "10.0.2.5"));
	/* One of another network, for what is on neither. */
	prefer(it, "172.16.0.1", 9);
	KASSERT(ip_is(source_to(it, "10.0.2.2"), "10.0.2.5"));
	KASSERT(ip_is(source_to(it, "192.0.2.1"), "172.16.0.1"));
	/* However much: not for a network that it is not on. */
	prefer(it, "10.0.2.5", 0);
	KASSERT(ip_is(source_to(it, "10.0.2.2"), "10.0.2.1"));
	/* Rather not; and back to what the route says. */
	prefer(it, "172.16.0.1", 0);
	KASSERT(ip_is(source_to(it, "10.0.2.2"), "10.0.2.1"));
	prefer(it, "10.0.2.1", -1);
	KASSERT(ip_is(source_to(it, "10.0.2.2"), "10.0.2.5"));
	/* On its way out it has nothing better, and its routes go next. */
	if_deactivate(b);
	pserialize_read_enter();
	KASSERT(ip_is(in_nhsource(route_to(it, "10.0.2.2")->rt_fwd.fd_nh,
	    test_hop("10.0.2.2")), "10.0.2.1"));
	KASSERT(in_ifsource(b, test_hop("10.0.2.2")) == 0);
	pserialize_read_exit();
}
IN_TEST(preference, 1)

static int
refuse_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	return cmd == SIOCINITIFADDR ? EIO : ether_ioctl(ifp, cmd, data);
}

/* An address brings an Ethernet up. */
static void
up_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;

	if_down(a);
	KASSERT(addr_add(it, a, "10.55.0.1", 24) == 0);
	KASSERT((if_flags_get(a) & IFF_UP) != 0 && a->if_up_told);
	KASSERT(has_route(it, "10.55.0.1", RTF_LOCAL, a));
}
IN_TEST(up, 1)

/* A driver that does not take it: nothing has happened, and what was there
 * before is there again. */
static void
driver_body(struct in_test *it)
{
	static const struct if_ops refusing = {
		.transmit = tif_transmit,
		.ioctl = refuse_ioctl,
	};
	struct ifnet *b = it->it_b.tif_ifp;
	size_t count = test_route_count(it->it_vn);

	b->if_ops = &refusing;
	KASSERT(addr_add(it, b, "10.33.0.1", 24) == EIO);
	KASSERT(in_ifa(b, "10.33.0.1") == NULL);
	KASSERT(addr_add(it, b, "10.0.2.1", 16) == EIO);
	KASSERT(test_route_count(it->it_vn) == count);
	KASSERT(has_route(it, "10.0.2.1", RTF_LOCAL, b));
	KASSERT(has_route(it, "10.0.2.77", RTF_CONNECTED, b));
	KASSERT(route_to(it, "10.0.3.1") == NULL);
	b->if_ops = &tif_ops;
	KASSERT(addr_add(it, b, "10.33.0.1", 24) == 0);
}
IN_TEST(driver, 1)

/* A thread that found the address when it could be found, as a request for a
 * route with that source does, and adds the route when the address is going. */
static struct {
	struct in_test	*fi_it;
	struct ifaddr	*fi_ifa;
	struct host_thread *fi_thread;
	uint32_t	 fi_held;
} finder;

static void
finder_main(void *arg)
{
	struct in_test *it = finder.fi_it;
	struct rt_info ri = { .ri_len = 24, .ri_flags = RTF_STATIC };
	struct psref pr;

	(void)arg;
	test_route_to(&ri, "192.0.2.0");
	ri.ri_ifp = finder.fi_ifa->ifa_ifp;
	test_route_from(&ri, finder.fi_ifa);
	psref_acquire(it->it_kern, &pr, &finder.fi_ifa->ifa_psref);
	__atomic_store_n(&finder.fi_held, 1, __ATOMIC_RELEASE);
	while (!test_ifa_going(finder.fi_ifa))
		host_sleep(it->it_host, 1000);
	KASSERT(rt_add(it->it_vn, &ri) == EADDRNOTAVAIL);
	psref_release(it->it_kern, &pr);
}

static int
refuse_found(struct ifnet *ifp, struct ifaddr *ifa, bool src)
{
	struct host *h = finder.fi_it->it_host;

	(void)ifp;
	(void)src;
	finder.fi_ifa = ifa;
	KASSERT(host_thread_create(h, "finder", -1, finder_main, NULL,
	    &finder.fi_thread) == 0);
	while (!__atomic_load_n(&finder.fi_held, __ATOMIC_ACQUIRE))
		host_sleep(h, 1000);
	return EIO;
}

/* An address that is refused after it could be found leaves no route. */
static void
found_body(struct in_test *it)
{
	static const struct if_ops refusing = {
		.transmit = tif_transmit,
		.ioctl = ether_ioctl,
		.initaddr = refuse_found,
	};
	struct ifnet *b = it->it_b.tif_ifp;
	size_t count = test_route_count(it->it_vn);

	memset(&finder, 0, sizeof(finder));
	finder.fi_it = it;
	b->if_ops = &refusing;
	KASSERT(addr_add(it, b, "10.33.0.1", 24) == EIO);
	host_thread_join(it->it_host, finder.fi_thread);
	KASSERT(route_to(it, "192.0.2.1") == NULL);
	KASSERT(test_route_count(it->it_vn) == count);
	b->if_ops = &tif_ops;
}
IN_TEST(found, 1)

/* A driver that comes up for the address, which is announced, and then will
 * not have it. */
static int
refuse_announced(struct ifnet *ifp, struct ifaddr *ifa, bool src)
{

	(void)ifa;
	(void)src;
	if_down(ifp);
	if_up(ifp);
	return EIO;
}

static void
announced_body(struct in_test *it)
{
	static const struct if_ops refusing = {
		.transmit = tif_transmit,
		.ioctl = ether_ioctl,
		.initaddr = refuse_announced,
	};
	struct ifnet *b = it->it_b.tif_ifp;

	b->if_ops = &refusing;
	KASSERT(addr_add(it, b, "10.33.0.1", 24) == EIO);
	/* The addresses that the interface had are announced again, and
	 * nothing else. */
	KASSERT(it->it_vn->vn_arp->av_annwheel.w_count == 1);
	sleep_ms(it, 5000);
	KASSERT(it->it_vn->vn_arp->av_annwheel.w_count == 0);
	b->if_ops = &tif_ops;
}
IN_TEST(announced, 1)

/* Many addresses of one interface, in prefixes shared and not, beside
 * link-level ones: each is found, and goes, in any order; the rest with the
 * interface's end. */
static void
many_body(struct in_test *it)
{
	enum { N = 2000 };
	struct ifnet *b = it->it_b.tif_ifp;
	size_t count = test_route_count(it->it_vn);
	char addr[16];

	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(addr, sizeof(addr), "10.%u.%u.%u", 40 + i % 3,
		    i / 250, 1 + i % 250);
		KASSERT(addr_add(it, b, addr, i % 3 == 0 ? 16 : 30 + i % 2) ==
		    0 || i % 3 != 0);
	}
	for (unsigned i = 0; i < N; i += 3) {
		(void)snprintf(addr, sizeof(addr), "10.40.%u.%u", i / 250,
		    1 + i % 250);
		KASSERT(in_ifa(b, addr) != NULL);
		/* Given again, it is the same one. */
		KASSERT(addr_add(it, b, addr, 16) == 0);
		if (i % 2 == 0)
			KASSERT(addr_del(it, b, addr) == 0);
		if (i % 2 == 0)
			KASSERT(addr_del(it, b, addr) == EADDRNOTAVAIL);
	}
	/* Of another interface, it is none of this one's. */
	KASSERT(addr_del(it, b, "10.0.1.1") == EADDRNOTAVAIL);
	KASSERT(in_ifa(it->it_a.tif_ifp, "10.0.1.1") != NULL);
	if_ioctl_lock(b);
	in_purgeif(b);
	if_ioctl_unlock(b);
	KASSERT(in_ifa(b, "10.0.2.1") == NULL);
	KASSERT(test_route_count(it->it_vn) < count);
	KASSERT(b->if_dl != NULL);
	KASSERT(addr_add(it, b, "10.0.2.1", 24) == 0);
	KASSERT(test_route_count(it->it_vn) == count);
}
IN_TEST(many, 1)

/* Every allocation of an add fails once; all of it happens or nothing. */
static void
failures_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	size_t count = test_route_count(it->it_vn), all;
	int error;

	KASSERT(addr_add(it, a, "10.33.0.1", 24) == 0);
	all = test_route_count(it->it_vn);
	KASSERT(addr_del(it, a, "10.33.0.1") == 0);
	for (unsigned n = 1; n < 60; n++) {
		sim_fail_alloc(it->it_host, n);
		error = addr_add(it, a, "10.33.0.1", 24);
		sim_fail_alloc(it->it_host, 0);
		if (error == 0) {
			KASSERT(test_route_count(it->it_vn) == all);
			KASSERT(addr_del(it, a, "10.33.0.1") == 0);
		} else
			KASSERT(error == ENOMEM);
		KASSERT(test_route_count(it->it_vn) == count);
		KASSERT(!has_route(it, "10.33.0.1", RTF_LOCAL, a));
	}
}
IN_TEST(failures, 1)

/* Routes that were asked for before the addresses: when they are flushed, the
 * addresses bring theirs along, each of them. */
static void
flush_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;
	static const char *const to[] = { "10.5.0.0", "10.6.0.0", "10.7.0.0" };
	static const char *const own[] = { "10.5.0.1", "10.6.0.1", "10.7.0.1" };
	struct rt_place place = { .rp_is_last = true };
	union {
		struct rt_hdr	 hdr;
		uint8_t		 room[4 * RT_FLUSH_ROOM];
	} some;
	size_t used;

	for (unsigned i = 0; i < 3; i++) {
		KASSERT(route_add(it, to[i], 16, "10.0.1.2", RTF_STATIC, 0) ==
		    0);
		KASSERT(addr_add(it, b, own[i], 16) == 0);
		KASSERT(has_route(it, to[i], RTF_GATEWAY, a));
	}
	while (rt_flush_some(it->it_vn, &place, &some, sizeof(some), &used))
		continue;
	for (unsigned i = 0; i < 3; i++) {
		KASSERT(has_route(it, to[i], RTF_CONNECTED, b));
		KASSERT(addr_del(it, b, own[i]) == 0);
	}
}
IN_TEST(flush, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many),
		cmocka_unit_test(routes),
		cmocka_unit_test(inherit),
		cmocka_unit_test(heir_goes),
		cmocka_unit_test(refused),
		cmocka_unit_test(update),
		cmocka_unit_test(alias),
		cmocka_unit_test(prefixlen),
		cmocka_unit_test(ptp),
		cmocka_unit_test(up),
		cmocka_unit_test(preference),
		cmocka_unit_test(driver),
		cmocka_unit_test(found),
		cmocka_unit_test(announced),
		cmocka_unit_test(failures),
		cmocka_unit_test(flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
