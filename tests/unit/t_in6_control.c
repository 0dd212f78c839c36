/*
 * IPv6 addresses of interfaces: requests, the routes that they bring along, the
 * link-local one that comes with the first, zones, lifetimes, and which of them
 * is a packet's source.
 */

#include "in_test.h"

#include <arpa/inet.h>

#include "netinet6/in6_var.h"	/* under test */

static struct in6_aliasreq
alias(const struct ifnet *ifp, const char *text, unsigned len)
{
	struct prefix mask = { UINT64_MAX, UINT64_MAX, 0, AF_INET6 };
	struct in6_aliasreq ifra;

	memset(&ifra, 0, sizeof(ifra));
	memcpy(ifra.ifra_name, ifp->if_xname, IFNAMSIZ);
	ifra.ifra_addr.sin6_family = AF_INET6;
	KASSERT(inet_pton(AF_INET6, text, &ifra.ifra_addr.sin6_addr) == 1);
	prefix_cut(&mask, len);
	ifra.ifra_prefixmask.sin6_family = AF_INET6;
	prefix_addr6(&mask, &ifra.ifra_prefixmask.sin6_addr);
	return ifra;
}

static int
give(struct in_test *it, const struct in6_aliasreq *ifra)
{
	struct in6_aliasreq copy = *ifra;

	return ifioctl(it->it_vn, &kauth_cred_self, SIOCAIFADDR_IN6, &copy,
	    sizeof(copy));
}

static int
add6(struct in_test *it, const struct ifnet *ifp, const char *text,
    unsigned len)
{
	const struct in6_aliasreq ifra = alias(ifp, text, len);

	return give(it, &ifra);
}

static int
ask6(struct in_test *it, const struct ifnet *ifp, unsigned long cmd,
    const char *text, struct in6_ifreq *ifr)
{

	memset(ifr, 0, sizeof(*ifr));
	memcpy(ifr->ifr6_name, ifp->if_xname, IFNAMSIZ);
	if (text != NULL) {
		ifr->ifr6_addr.sin6_family = AF_INET6;
		KASSERT(inet_pton(AF_INET6, text, &ifr->ifr6_addr.sin6_addr) ==
		    1);
	}
	return ifioctl(it->it_vn, &kauth_cred_self, cmd, ifr, sizeof(*ifr));
}

static int
del6(struct in_test *it, const struct ifnet *ifp, const char *text)
{
	struct in6_ifreq ifr;

	return ask6(it, ifp, SIOCDIFADDR_IN6, text, &ifr);
}

static uint32_t
flags6(struct in_test *it, const struct ifnet *ifp, const char *text)
{
	struct in6_ifreq ifr;

	KASSERT(ask6(it, ifp, SIOCGIFAFLAG_IN6, text, &ifr) == 0);
	return ifr.ifr6_flags;
}

static union neigh_addr
inner(const char *text, const struct ifnet *zone)
{
	union neigh_addr na;

	KASSERT(inet_pton(AF_INET6, text, &na) == 1);
	if (zone != NULL)
		KASSERT(zone6_enter(na.na_bytes, zone->if_index));
	return na;
}

static struct fwd
lookup(struct in_test *it, const char *text, const struct ifnet *zone)
{
	const union neigh_addr na = inner(text, zone);
	struct fwd fd;

	pserialize_read_enter();
	fd = rt_lookup6_flow(rt_main(it->it_vn), na.na_bytes, 0);
	pserialize_read_exit();
	return fd;
}

/* Does an address lead to this interface, as its own, or on its link? */
static bool
is_local(struct in_test *it, const char *text, const struct ifnet *ifp,
    const struct ifnet *zone)
{
	struct fwd fd = lookup(it, text, zone);

	return fwd_is_local(&fd) && fd.fd_nh->nh_ifp == ifp &&
	    fd.fd_nh->nh_family == AF_INET6;
}

static bool
is_on(struct in_test *it, const char *text, const struct ifnet *ifp,
    const struct ifnet *zone)
{
	struct fwd fd = lookup(it, text, zone);

	return fwd_is_connected(&fd) && fd.fd_nh->nh_ifp == ifp;
}

static bool
is_nowhere(struct in_test *it, const char *text, const struct ifnet *zone)
{

	return lookup(it, text, zone).fd_nh == NULL;
}

static unsigned
count6(const struct ifnet *ifp)
{
	const struct ifaddr *ifa;
	unsigned n = 0;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		n += ifa->ifa_addr->sa_family == AF_INET6;
	return n;
}

/* --- addresses and their routes ------------------------------------------ */

static void
routes_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;

	KASSERT(add6(it, a, "2001:db8:1::1", 64) == 0);
	KASSERT(is_local(it, "2001:db8:1::1", a, NULL));
	KASSERT(is_on(it, "2001:db8:1::77", a, NULL));
	KASSERT(is_nowhere(it, "2001:db8:2::1", NULL));
	/* The first address brings a link-local one along, once. */
	KASSERT(count6(a) == 2 && count6(b) == 0);
	KASSERT(add6(it, a, "2001:db8:1::2", 64) == 0 && count6(a) == 3);
	KASSERT(is_on(it, "fe80::99", a, a) && is_nowhere(it, "fe80::99", b));
	/* One address on two links is two. */
	KASSERT(add6(it, a, "fe80::1", 64) == 0);
	KASSERT(add6(it, b, "fe80::1", 64) == 0 && count6(b) == 1);
	KASSERT(is_local(it, "fe80::1", a, a) && is_local(it, "fe80::1", b, b));
	KASSERT(del6(it, a, "fe80::1") == 0);
	KASSERT(is_on(it, "fe80::1", a, a) && is_local(it, "fe80::1", b, b));
	/* The next address takes the routes over. */
	KASSERT(add6(it, b, "2001:db8:1::9", 64) == 0);
	KASSERT(del6(it, a, "2001:db8:1::1") == 0);
	KASSERT(is_on(it, "2001:db8:1::1", a, NULL));
	KASSERT(del6(it, a, "2001:db8:1::2") == 0);
	KASSERT(is_on(it, "2001:db8:1::1", b, NULL));
	/* Another prefix of an address that is there. */
	KASSERT(add6(it, b, "2001:db8:1::9", 48) == 0);
	KASSERT(is_on(it, "2001:db8:1:55::1", b, NULL));
	KASSERT(count6(b) == 2);
	KASSERT(del6(it, b, NULL) == 0);	/* the first: fe80::1 */
	KASSERT(is_nowhere(it, "fe80::1", b));
	KASSERT(del6(it, b, "fe80::1") == EADDRNOTAVAIL);
	/* A host's address has no prefix; all goes with the interface. */
	KASSERT(add6(it, b, "2001:db8:9::9", 128) == 0);
	KASSERT(is_local(it, "2001:db8:9::9", b, NULL));
	tif_detach(&it->it_b);
	KASSERT(is_nowhere(it, "2001:db8:9::9", NULL));
	KASSERT(is_nowhere(it, "2001:db8:1:55::1", NULL));
}
IN_TEST(routes, 1)

static void
refused_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;
	struct in6_aliasreq ifra;

	KASSERT(add6(it, a, "::", 64) == EINVAL);
	KASSERT(add6(it, a, "ff02::1", 64) == EINVAL);
	KASSERT(add6(it, a, "::1", 128) == EINVAL);
	KASSERT(add6(it, a, "::ffff:10.0.0.1", 128) == EINVAL);
	KASSERT(add6(it, a, "fe80::1", 10) == EINVAL);
	KASSERT(add6(it, a, "fe80:0:1::1", 64) == EINVAL);
	KASSERT(add6(it, it->it_lo, "::1", 128) == 0);
	KASSERT(is_local(it, "::1", it->it_lo, NULL));
	ifra = alias(a, "fe80::1", 64);
	ifra.ifra_addr.sin6_scope_id = b->if_index;
	KASSERT(give(it, &ifra) == EINVAL);
	ifra.ifra_addr.sin6_scope_id = a->if_index;
	KASSERT(give(it, &ifra) == 0);
	ifra = alias(a, "2001:db8::1", 64);
	ifra.ifra_addr.sin6_scope_id = a->if_index;
	KASSERT(give(it, &ifra) == EINVAL);
	ifra = alias(a, "2001:db8::1", 64);
	ifra.ifra_prefixmask.sin6_addr.s6_addr[15] = 1;
	KASSERT(give(it, &ifra) == EINVAL);
	ifra = alias(a, "2001:db8::1", 64);
	ifra.ifra_dstaddr = alias(a, "2001:db8::2", 64).ifra_addr;
	KASSERT(give(it, &ifra) == EINVAL);	/* not point-to-point */
	ifra = alias(a, "2001:db8::1", 64);
	ifra.ifra_flags = IN6_IFF_TENTATIVE;
	KASSERT(give(it, &ifra) == EINVAL);
	ifra.ifra_flags = 0;
	ifra.ifra_lifetime.ia6t_vltime = 5;
	ifra.ifra_lifetime.ia6t_pltime = 6;
	KASSERT(give(it, &ifra) == EINVAL);
	ifra = alias(a, "2001:db8::1", 64);
	ifra.ifra_addr.sin6_family = AF_INET;
	KASSERT(give(it, &ifra) == EAFNOSUPPORT);
	memset(&ifra.ifra_addr, 0, sizeof(ifra.ifra_addr));
	KASSERT(give(it, &ifra) == EINVAL);
	KASSERT(count6(a) == 1);
	KASSERT(del6(it, it->it_lo, "::1") == 0);
}
IN_TEST(refused, 1)

/* Allocations that fail leave nothing behind. */
static void
memory_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct in6_aliasreq ifra = alias(a, "2001:db8:1::1", 64);
	int error;

	ifra.ifra_lifetime.ia6t_vltime = ifra.ifra_lifetime.ia6t_pltime = 100;
	for (unsigned n = 1;; n++) {
		sim_fail_alloc(it->it_host, n);
		error = give(it, &ifra);
		sim_fail_alloc(it->it_host, 0);
		if (error == 0)
			break;
		KASSERT(error == ENOMEM);
		KASSERT(is_nowhere(it, "2001:db8:1::1", NULL));
		KASSERT(count6(a) == 0);
	}
	KASSERT(is_local(it, "2001:db8:1::1", a, NULL) && count6(a) == 2);
}
IN_TEST(memory, 1)

/* --- lifetimes ----------------------------------------------------------- */

static void
lifetimes_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct in6_aliasreq ifra = alias(a, "2001:db8:1::1", 64);
	struct in6_ifreq ifr;

	/* Not checked first. */
	KASSERT(set_sysctl(it, "net.inet6.ip6.dad_count", 0) == 0);
	ifra.ifra_lifetime.ia6t_pltime = 10;
	ifra.ifra_lifetime.ia6t_vltime = 20;
	KASSERT(give(it, &ifra) == 0);
	KASSERT(flags6(it, a, "2001:db8:1::1") == 0);
	sleep_ms(it, 4000);
	KASSERT(ask6(it, a, SIOCGIFALIFETIME_IN6, "2001:db8:1::1", &ifr) == 0);
	KASSERT(ifr.ifr6_lifetime.ia6t_pltime <= 6 &&
	    ifr.ifr6_lifetime.ia6t_pltime >= 5 &&
	    ifr.ifr6_lifetime.ia6t_vltime <= 16);
	sleep_ms(it, 8000);
	KASSERT(flags6(it, a, "2001:db8:1::1") == IN6_IFF_DEPRECATED);
	/* Given again, it lives again. */
	KASSERT(give(it, &ifra) == 0);
	KASSERT(flags6(it, a, "2001:db8:1::1") == 0);
	sleep_ms(it, 15000);
	KASSERT(flags6(it, a, "2001:db8:1::1") == IN6_IFF_DEPRECATED);
	sleep_ms(it, 8000);
	KASSERT(del6(it, a, "2001:db8:1::1") == EADDRNOTAVAIL);
	KASSERT(is_nowhere(it, "2001:db8:1::1", NULL));
	/* For ever, after an end was said; and one that goes before it. */
	KASSERT(give(it, &ifra) == 0);
	KASSERT(add6(it, a, "2001:db8:1::1", 64) == 0);
	sleep_ms(it, 60000);
	KASSERT(flags6(it, a, "2001:db8:1::1") == 0);
	KASSERT(give(it, &ifra) == 0);
	KASSERT(del6(it, a, "2001:db8:1::1") == 0);
	sleep_ms(it, 60000);
	/* Deprecated by hand. */
	ifra = alias(a, "2001:db8:1::1", 64);
	ifra.ifra_flags = IN6_IFF_DEPRECATED | IN6_IFF_ANYCAST;
	KASSERT(give(it, &ifra) == 0);
	KASSERT(flags6(it, a, "2001:db8:1::1") == ifra.ifra_flags);
}
IN_TEST(lifetimes, 1)

/* --- sources ------------------------------------------------------------- */

static bool
source_is(struct ifnet *ifp, const char *dst, const char *src)
{
	const union neigh_addr to = inner(dst, dst[0] == 'f' &&
	    dst[1] != 'd' ? ifp : NULL);
	const union neigh_addr want = inner(src, src[1] == 'e' ? ifp : NULL);
	union neigh_addr got;
	bool is;

	pserialize_read_enter();
	is = in6_source(ifp, &to, &got) && neigh_addr_equal(&got, &want);
	pserialize_read_exit();
	return is;
}

static void
source_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;
	struct in6_aliasreq ifra;

	KASSERT(set_sysctl(it, "net.inet6.ip6.dad_count", 0) == 0);
	KASSERT(add6(it, a, "fe80::a", 64) == 0);
	/* The only one has to do. */
	KASSERT(source_is(a, "2001:db8:9::1", "fe80::a"));
	KASSERT(add6(it, a, "2001:db8:1::1", 64) == 0);
	KASSERT(add6(it, a, "2001:db8:2::1", 64) == 0);
	KASSERT(add6(it, a, "fd00:1::1", 64) == 0);
	KASSERT(source_is(a, "2001:db8:1::1", "2001:db8:1::1"));	/* 1 */
	KASSERT(source_is(a, "fe80::77", "fe80::a"));			/* 2 */
	KASSERT(source_is(a, "ff02::1", "fe80::a"));
	KASSERT(source_is(a, "ff0e::1", "2001:db8:1::1"));
	KASSERT(source_is(a, "fd00:9::1", "fd00:1::1"));		/* 6 */
	KASSERT(source_is(a, "2001:db8:2::9", "2001:db8:2::1"));	/* 8 */
	KASSERT(source_is(a, "2001:db8:1::9", "2001:db8:1::1"));
	ifra = alias(a, "2001:db8:2::1", 64);
	ifra.ifra_flags = IN6_IFF_DEPRECATED;
	KASSERT(give(it, &ifra) == 0);
	KASSERT(source_is(a, "2001:db8:2::9", "2001:db8:1::1"));	/* 3 */
	ifra.ifra_flags = IN6_IFF_ANYCAST;
	KASSERT(give(it, &ifra) == 0);
	KASSERT(source_is(a, "2001:db8:2::9", "2001:db8:1::1"));
	/* Another interface's, where there is none. */
	KASSERT(source_is(b, "2001:db8:5::1", "fd00:1::1") ||
	    source_is(b, "2001:db8:5::1", "2001:db8:1::1"));
	KASSERT(!source_is(b, "fe80::1", "fe80::a"));
	if_down(a);
	KASSERT(!source_is(a, "2001:db8:1::9", "2001:db8:1::1"));
	if_up(a);
}
IN_TEST(source, 1)

/* An interface that changes tables takes its addresses along, as they are. */
static void
table_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct in6_aliasreq ifra = alias(a, "2001:db8:1::1", 64);
	struct ifreq ifr;

	ifra.ifra_lifetime.ia6t_pltime = ifra.ifra_lifetime.ia6t_vltime = 50;
	ifra.ifra_flags = IN6_IFF_ANYCAST;
	KASSERT(give(it, &ifra) == 0);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, a->if_xname, IFNAMSIZ);
	ifr.ifr_value = 7;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCSIFTABLE, &ifr,
	    sizeof(ifr)) == 0);
	KASSERT(count6(a) == 2 && is_nowhere(it, "2001:db8:1::1", NULL));
	KASSERT(flags6(it, a, "2001:db8:1::1") == IN6_IFF_ANYCAST);
	ifr.ifr_value = 0;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCSIFTABLE, &ifr,
	    sizeof(ifr)) == 0);
	KASSERT(is_local(it, "2001:db8:1::1", a, NULL));
	sleep_ms(it, 60000);
	KASSERT(is_nowhere(it, "2001:db8:1::1", NULL));
}
IN_TEST(table, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes),
		cmocka_unit_test(refused),
		cmocka_unit_test(memory),
		cmocka_unit_test(lifetimes),
		cmocka_unit_test(source),
		cmocka_unit_test(table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
