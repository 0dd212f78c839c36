/*
 * Redirects received: which are followed, for how long, and how many.
 */

#include "in_test.h"

#include "net/route.h"		/* under test */

/* A redirect to 10.0.1.1 (the address of a) from `from' about a packet from
 * src to dst, which should go by gw. */
static void
redirect(struct in_test *it, const char *from, const char *src, const char *dst,
    const char *gw, uint8_t code)
{
	uint8_t buf[128], quoted[64];
	struct icmphdr4 *icmp = (struct icmphdr4 *)(void *)(buf + 20);
	unsigned len = mk_udp(quoted, src, dst, 64, 8);

	(void)mk_ip(buf, from, "10.0.1.1", IPPROTO_ICMP, 64,
	    (unsigned)sizeof(*icmp) + len);
	memset(icmp, 0, sizeof(*icmp));
	icmp->icmp_type = ICMP4_REDIRECT;
	icmp->icmp_code = code;
	icmp->icmp_word = test_hop_plus(gw, 0);
	memcpy(icmp + 1, quoted, len);
	icmp->icmp_cksum = in_cksum_fold(in_cksum_add(icmp,
	    (unsigned)sizeof(*icmp) + len, 0));
	inject(it, &it->it_a, buf, 20 + (unsigned)sizeof(*icmp) + len);
	sleep_ms(it, 10);
}

static bool
goes_by(struct in_test *it, const char *dst, const char *gw)
{

	return test_rt_is_via(test_rt_lookup(it->it_vn, dst), gw);
}

static void
setting(struct in_test *it, const char *name, int64_t value)
{

	KASSERT(set_sysctl(it, name, value) == 0);
}

static void
host(struct in_test *it)
{

	setting(it, "net.inet.ip.forwarding", 0);
	KASSERT(route_add(it, "10.9.0.0", 16, "10.0.1.9", RTF_STATIC, 0) ==
	    0);
}

static void
followed_body(struct in_test *it)
{
	uint64_t msg[RT_MSG_MAX / 8];
	const struct rt_msg *rtm = (const struct rt_msg *)(void *)msg;

	host(it);
	setting(it, "net.inet.icmp.redirtimeout", 60);
	redirect(it, "10.0.1.9", "10.0.1.1", "10.9.1.1", "10.0.1.7", 1);
	KASSERT(ipstat(it, "icmp.redirects") == 1);
	KASSERT(goes_by(it, "10.9.1.1", "10.0.1.7"));
	KASSERT(goes_by(it, "10.9.1.2", "10.0.1.9"));
	KASSERT(test_rt_get_host(it->it_vn, 0, "10.9.1.1", msg) == 0);
	KASSERT((rtm->rtm_flags & (RTF_DYNAMIC | RTF_GATEWAY | RTF_HOST |
	    RTF_STATIC)) == (RTF_DYNAMIC | RTF_GATEWAY | RTF_HOST));
	KASSERT(rtm->rtm_proto == RTPROT_REDIRECT);
	KASSERT(rtm->rtm_expire_s >= 59 && rtm->rtm_expire_s <= 60);
	/* The new gateway knows a better one still: the route changes, and its
	 * time begins again. */
	sleep_ms(it, 50000);
	redirect(it, "10.0.1.7", "10.0.1.1", "10.9.1.1", "10.0.1.6", 0);
	KASSERT(goes_by(it, "10.9.1.1", "10.0.1.6"));
	sleep_ms(it, 50000);
	KASSERT(goes_by(it, "10.9.1.1", "10.0.1.6"));
	sleep_ms(it, 30000);
	KASSERT(goes_by(it, "10.9.1.1", "10.0.1.9"));
	KASSERT(rt_dynamic_count(it->it_vn) == 0);
	all_books(it);
}
IN_TEST(followed, 1)

/* A redirect that comes by an interface of another table is for that table. */
static void
table_body(struct in_test *it)
{
	struct rt_info ri = { TEST_DST("10.9.0.0"), TEST_VIA("10.0.1.9"),
	    .ri_len = 16, .ri_flags = RTF_STATIC, .ri_table = 5 };
	uint64_t msg[RT_MSG_MAX / 8];
	struct ifreq ifr;

	setting(it, "net.inet.ip.forwarding", 0);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, it->it_a.tif_ifp->if_xname, IFNAMSIZ);
	ifr.ifr_value = 5;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCSIFTABLE, &ifr,
	    sizeof(ifr)) == 0);
	KASSERT(rt_add(it->it_vn, &ri) == 0);
	redirect(it, "10.0.1.9", "10.0.1.1", "10.9.1.1", "10.0.1.7", 1);
	KASSERT(ipstat(it, "icmp.redirects") == 1);
	KASSERT(test_rt_get_host(it->it_vn, 5, "10.9.1.1", msg) == 0);
	KASSERT(test_rt_get_host(it->it_vn, 0, "10.9.1.1", msg) == ESRCH);
	all_books(it);
}
IN_TEST(table, 1)

static void
refused_body(struct in_test *it)
{
	static const struct {
		const char *from, *src, *dst, *gw;
		uint8_t	code;
	} bad[] = {
		/* not from the gateway in use */
		{ "10.0.1.8", "10.0.1.1", "10.9.1.1", "10.0.1.7", 1 },
		/* not about a packet of ours */
		{ "10.0.1.9", "10.0.1.5", "10.9.1.1", "10.0.1.7", 1 },
		/* to itself, to us, to a network's or broadcast address */
		{ "10.0.1.9", "10.0.1.1", "10.9.1.1", "10.0.1.9", 1 },
		{ "10.0.1.9", "10.0.1.1", "10.9.1.1", "10.0.1.1", 1 },
		{ "10.0.1.9", "10.0.1.1", "10.9.1.1", "10.0.1.0", 1 },
		{ "10.0.1.9", "10.0.1.1", "10.9.1.1", "10.0.1.255", 1 },
		/* off the link, nowhere */
		{ "10.0.1.9", "10.0.1.1", "10.9.1.1", "10.0.2.7", 1 },
		{ "10.0.1.9", "10.0.1.1", "10.9.1.1", "10.9.2.7", 1 },
		{ "10.0.1.9", "10.0.1.1", "10.9.1.1", "224.0.0.5", 1 },
		{ "10.0.1.9", "10.0.1.1", "10.9.1.1", "0.0.0.0", 1 },
		/* of what goes another way */
		{ "10.0.1.9", "10.0.1.1", "10.0.2.9", "10.0.1.7", 1 },
		{ "10.0.1.9", "10.0.1.1", "10.0.1.1", "10.0.1.7", 1 },
		{ "10.0.1.9", "10.0.1.1", "127.0.0.1", "10.0.1.7", 1 },
		{ "10.0.1.9", "10.0.1.1", "224.0.0.9", "10.0.1.7", 1 },
		{ "10.0.1.9", "10.0.1.1", "198.51.100.1", "10.0.1.7", 1 },
		/* an unknown code */
		{ "10.0.1.9", "10.0.1.1", "10.9.1.1", "10.0.1.7", 4 },
	};
	size_t routes, n = sizeof(bad) / sizeof(bad[0]);

	host(it);
	routes = test_route_count(it->it_vn);
	for (size_t i = 0; i < n; i++) {
		redirect(it, bad[i].from, bad[i].src, bad[i].dst, bad[i].gw,
		    bad[i].code);
		KASSERT(ipstat(it, "icmp.badredirects") == i + 1);
		KASSERT(test_route_count(it->it_vn) == routes);
	}
	/* A router does not listen, nor one that is told not to. */
	setting(it, "net.inet.ip.forwarding", 1);
	redirect(it, "10.0.1.9", "10.0.1.1", "10.9.1.1", "10.0.1.7", 1);
	setting(it, "net.inet.ip.forwarding", 0);
	setting(it, "net.inet.icmp.rediraccept", 0);
	redirect(it, "10.0.1.9", "10.0.1.1", "10.9.1.1", "10.0.1.7", 1);
	KASSERT(ipstat(it, "icmp.badredirects") == n);
	/* A route to the host that was asked for stays. */
	setting(it, "net.inet.icmp.rediraccept", 1);
	KASSERT(route_add(it, "10.9.1.1", 32, "10.0.1.9", RTF_STATIC, 0) ==
	    0);
	redirect(it, "10.0.1.9", "10.0.1.1", "10.9.1.1", "10.0.1.7", 1);
	KASSERT(goes_by(it, "10.9.1.1", "10.0.1.9"));
	KASSERT(ipstat(it, "icmp.redirects") == 1);
	all_books(it);
}
IN_TEST(refused, 1)

static void
limit_body(struct in_test *it)
{
	char dst[16];
	uint64_t before;

	host(it);
	setting(it, "net.inet.icmp.redirmax", 5);
	for (unsigned i = 1; i <= 20; i++) {
		snprintf(dst, sizeof(dst), "10.9.1.%u", i);
		redirect(it, "10.0.1.9", "10.0.1.1", dst, "10.0.1.7", 1);
	}
	KASSERT(rt_dynamic_count(it->it_vn) == 5);
	KASSERT(goes_by(it, "10.9.1.5", "10.0.1.7"));
	KASSERT(goes_by(it, "10.9.1.6", "10.0.1.9"));
	/* A route that is there may change. */
	redirect(it, "10.0.1.7", "10.0.1.1", "10.9.1.5", "10.0.1.6", 1);
	KASSERT(goes_by(it, "10.9.1.5", "10.0.1.6"));
	/* So many are followed in a second. */
	setting(it, "net.inet.icmp.redirmax", 1000);
	sleep_ms(it, 2000);
	before = ipstat(it, "icmp.redirects");
	for (unsigned i = 1; i <= 60; i++) {
		snprintf(dst, sizeof(dst), "10.9.2.%u", i);
		redirect(it, "10.0.1.9", "10.0.1.1", dst, "10.0.1.7", 1);
	}
	before = ipstat(it, "icmp.redirects") - before;
	KASSERT(before >= ICMP_REDIRECTS && before < 60);
	KASSERT(rt_dynamic_count(it->it_vn) == 5 + before);
	/* The routes go with the address. */
	KASSERT(addr_del(it, it->it_a.tif_ifp, "10.0.1.1") == 0);
	KASSERT(rt_dynamic_count(it->it_vn) == 0);
	all_books(it);
}
IN_TEST(limit, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(followed),
		cmocka_unit_test(table),
		cmocka_unit_test(refused),
		cmocka_unit_test(limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
