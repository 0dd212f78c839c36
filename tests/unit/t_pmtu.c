/*
 * Path MTUs of both families: which messages are believed, what packets made
 * here are like then, and for how long; limits.
 */

#include "in6_test.h"
#include "sysctl_test.h"

#include "netinet/pmtu.h"	/* under test */

#define FAR6	"2001:db8:99::1"
#define FAR4	"20.0.0.1"
#define TREE6	"net.inet6.pmtu"
#define TREE4	"net.inet.pmtu"

static uint8_t buf[2000];

/* --- packets of ours ------------------------------------------------------ */

struct output {
	struct in_test	*ou_it;
	const char	*ou_dst;
	unsigned	 ou_len;
	int		 ou_error;
};

static void
output6_cpu(void *arg)
{
	struct output *ou = arg;
	struct iphdr6 *ip6 = (struct iphdr6 *)(void *)buf;
	struct mbuf *m = m_gethdr();
	unsigned len = mk6_echo(buf, US_B, ou->ou_dst, ou->ou_len - 48);

	ip6->ip6_flow = 0;
	ip6->ip6_plen = 0;
	ip6->ip6_hlim = 0;
	KASSERT(m != NULL && m_append(m, buf, len) == 0);
	ou->ou_error = ip6_output(rt_main(ou->ou_it->it_vn), m, NULL);
}

static void
output4_cpu(void *arg)
{
	struct output *ou = arg;
	struct iphdr4 *ip = (struct iphdr4 *)(void *)buf;
	struct mbuf *m = m_gethdr();
	unsigned len = mk_udp(buf, "10.0.2.1", ou->ou_dst, 64, ou->ou_len - 28);

	ip->ip_off = htons(IP_DF);
	ip->ip_sum = 0;
	KASSERT(m != NULL && m_append(m, buf, len) == 0);
	ou->ou_error = ip_output(rt_main(ou->ou_it->it_vn), m, 64);
}

/* The pieces of a packet of len bytes that leave by it_b, and the length of
 * the first one. */
static unsigned
pieces6(struct in_test *it, const char *dst, unsigned len, unsigned *first)
{
	struct output ou = { it, dst, len, 0 };
	unsigned n;

	tif_clear(&it->it_b);
	on_cpu(it, output6_cpu, &ou);
	KASSERT(ou.ou_error == 0);
	n = it->it_b.tif_ntx;
	*first = n == 0 ? 0 : it->it_b.tif_tx[0].tp_len - 14;
	tif_clear(&it->it_b);
	return n;
}

static int
output4(struct in_test *it, unsigned len)
{
	struct output ou = { it, FAR4, len, 0 };

	tif_clear(&it->it_b);
	on_cpu(it, output4_cpu, &ou);
	tif_clear(&it->it_b);
	return ou.ou_error;
}

/* --- messages ------------------------------------------------------------- */

/* A message of a router; zeroes: one that is believed. */
struct told {
	const char	*to_src, *to_dst;	/* of the quoted packet */
	uint32_t	 to_mtu;
	unsigned	 to_len;	/* of the quoted packet */
	uint8_t		 to_nxt;
	uint8_t		 to_version;
	unsigned	 to_quoted;	/* bytes of it */
};

static void
tell6(struct in_test *it, struct told to)
{
	struct iphdr6 *quoted = (struct iphdr6 *)(void *)(buf + 48);
	uint8_t inner[64];
	unsigned len, n = to.to_quoted != 0 ? to.to_quoted : 48;

	memset(inner, 0, sizeof(inner));
	(void)mk6(inner, to.to_src != NULL ? to.to_src : US_B,
	    to.to_dst != NULL ? to.to_dst : FAR6, to.to_nxt != 0 ? to.to_nxt :
	    IPPROTO_ICMPV6, 60, (to.to_len != 0 ? to.to_len : 1400) - 40);
	inner[40] = ICMP6H_ECHO;
	if (to.to_version != 0)
		inner[0] = to.to_version;
	len = mk6_icmp(buf, HOST_B, US_B, ICMP6H_TOOBIG, 0, n);
	memcpy(quoted, inner, n);
	*(uint32_t *)(void *)(buf + 44) = be32(to.to_mtu != 0 ? to.to_mtu :
	    1300);
	mk6_cksum(buf, IP6_HLEN, 8 + n, 2, IPPROTO_ICMPV6);
	inject6(it, &it->it_b, buf, len);
	sleep_ms(it, 20);	/* the task, and a part of the rate */
	tif_clear(&it->it_b);
}

static uint64_t
believed6(struct in_test *it)
{

	return ip6stat(it, "icmp6.pmtu");
}

static void
begin6(struct in_test *it)
{

	KASSERT(route6_add(it, "2001:db8:99::", 48, HOST_B, NULL, RTF_STATIC,
	    0) == 0);
}

static void
told6_body(struct in_test *it)
{
	unsigned first;

	begin6(it);
	KASSERT(test_sysctl_below(it->it_vn, &kauth_cred_self, TREE6) == 0);
	KASSERT(pieces6(it, FAR6, 1400, &first) == 1 && first == 1400);
	tell6(it, (struct told){ 0 });
	KASSERT(believed6(it) == 1);
	KASSERT(pieces6(it, FAR6, 1400, &first) == 2 && first <= 1300 &&
	    first > 1280);
	KASSERT(pieces6(it, FAR6, 1300, &first) == 1 && first == 1300);
	/* No other destination's. */
	KASSERT(pieces6(it, "2001:db8:99::2", 1400, &first) == 1);
	KASSERT(test_sysctl(it->it_vn, TREE6 "." FAR6) == 1300);
	KASSERT(test_sysctl_below(it->it_vn, &kauth_cred_self, TREE6) == 1);
	KASSERT(test_sysctl_described(it->it_vn, TREE6 "." FAR6));

	/* Smaller, but never larger, nor the same for longer. */
	tell6(it, (struct told){ .to_mtu = 1290 });
	KASSERT(pieces6(it, FAR6, 1300, &first) == 2 && first <= 1290);
	tell6(it, (struct told){ .to_mtu = 1350 });
	tell6(it, (struct told){ .to_mtu = 1290 });
	KASSERT(believed6(it) == 2);
	KASSERT(test_sysctl(it->it_vn, TREE6 "." FAR6) == 1290);
	/* Forgotten in time, and by hand. */
	sleep_ms(it, 599 * 1000);
	KASSERT(pieces6(it, FAR6, 1300, &first) == 2);
	sleep_ms(it, 2000);
	KASSERT(pieces6(it, FAR6, 1300, &first) == 1);
	KASSERT(test_sysctl_below(it->it_vn, &kauth_cred_self, TREE6) == 0);
	tell6(it, (struct told){ 0 });
	KASSERT(pieces6(it, FAR6, 1400, &first) == 2);
	KASSERT(set_sysctl(it, TREE6 "." FAR6, 1400) == EINVAL);
	KASSERT(set_sysctl(it, TREE6 "." FAR6, 0) == 0);
	KASSERT(pieces6(it, FAR6, 1400, &first) == 1);
	KASSERT(set_sysctl(it, TREE6 "." FAR6, 0) == ENOENT);
}
IN6_TEST(told6, 1)

static void
disbelieved6_body(struct in_test *it)
{
	static const struct told cases[] = {
		{ .to_mtu = 1279 },	/* RFC 8201 4 */
		{ .to_mtu = 1 },
		{ .to_mtu = 65536 + 1300 },
		{ .to_mtu = UINT32_MAX },
		{ .to_mtu = 1400 },	/* the packet fits it */
		{ .to_mtu = 1500, .to_len = 1600 },	/* of our own link */
		{ .to_src = HOST_A },
		{ .to_src = "::" },
		{ .to_src = "fe80::1:1" },
		{ .to_dst = US_A },
		{ .to_dst = "2001:db8:77::1" },	/* no way there */
		{ .to_dst = "fe80::2" },
		{ .to_dst = "ff02::1" },
		{ .to_nxt = IPPROTO_TCP },
		{ .to_nxt = IPPROTO_ROUTING },
		{ .to_version = 0x40 },
		{ .to_quoted = 39 },
	};
	unsigned first;

	begin6(it);
	for (unsigned turn = 0; turn < 2; turn++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			tell6(it, cases[i]);
		KASSERT(believed6(it) == turn);
		KASSERT(ip6stat(it, "icmp6.badpmtu") == (turn + 1) *
		    sizeof(cases) / sizeof(cases[0]));
		KASSERT(pieces6(it, FAR6, 1400, &first) == 1 + turn);
		/* Likewise when there is a cache. */
		if (turn == 0)
			tell6(it, (struct told){ .to_mtu = 1280 });
	}
}
IN6_TEST(disbelieved6, 1)

/* How many of n destinations were believed. */
static unsigned
many(struct in_test *it, unsigned n, unsigned from)
{
	uint64_t before = believed6(it);
	char dst[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(dst, sizeof(dst), "2001:db8:99:%x::1", from + i);
		tell6(it, (struct told){ .to_dst = dst });
	}
	return (unsigned)(believed6(it) - before);
}

static void
limits_body(struct in_test *it)
{
	uint8_t burst[200];
	unsigned len;

	begin6(it);
	KASSERT(set_sysctl(it, "net.inet6.icmp6.mtudisc_lowat", 0) == 0);
	KASSERT(many(it, 5, 0) == 0);
	KASSERT(set_sysctl(it, "net.inet6.icmp6.mtudisc_lowat", 20) == 0);
	KASSERT(many(it, 30, 0) == 20);
	KASSERT(test_sysctl_below(it->it_vn, &kauth_cred_self, TREE6) == 20);
	sleep_ms(it, 601 * 1000);
	KASSERT(many(it, 5, 100) == 5);
	/* So many a second: a burst of 64, at most. */
	KASSERT(set_sysctl(it, "net.inet6.icmp6.mtudisc_lowat", 2048) == 0);
	tell6(it, (struct told){ .to_mtu = 1450, .to_len = 1500 });
	memcpy(burst, buf, sizeof(burst));
	len = IP6_HLEN + 8 + 48;
	for (unsigned i = 0; i < 200; i++) {
		*(uint32_t *)(void *)(burst + 44) = be32(1449 - i / 2);
		burst[48 + 38] = (uint8_t)i;	/* of the destination */
		mk6_cksum(burst, IP6_HLEN, 56, 2, IPPROTO_ICMPV6);
		inject6(it, &it->it_b, burst, len);
	}
	sleep_ms(it, 20);
	KASSERT(believed6(it) <= 20 + 5 + 1 + PMTU_RATE + 2);
	tif_clear(&it->it_b);
}
IN6_TEST(limits, 1)

/* No memory for the cache: the next message makes it. */
static void
memory_body(struct in_test *it)
{
	unsigned first;

	begin6(it);
	sim_fail_alloc(it->it_host, 1);
	tell6(it, (struct told){ 0 });
	sim_fail_alloc(it->it_host, 0);
	KASSERT(pieces6(it, FAR6, 1400, &first) == 1);
	tell6(it, (struct told){ 0 });
	KASSERT(pieces6(it, FAR6, 1400, &first) == 2);
}
IN6_TEST(memory, 1)

/* --- IPv4 ----------------------------------------------------------------- */

static void
tell4(struct in_test *it, struct told to, bool df)
{
	uint8_t inner[28];
	struct iphdr4 *ip = (struct iphdr4 *)(void *)buf;
	struct iphdr4 *quoted = (struct iphdr4 *)(void *)inner;
	struct icmphdr4 *icmp = (struct icmphdr4 *)(void *)(buf + 20);

	(void)mk_udp(buf, to.to_src != NULL ? to.to_src : "10.0.2.1",
	    to.to_dst != NULL ? to.to_dst : FAR4, 60, 28);
	memcpy(inner, buf, sizeof(inner));
	quoted->ip_len = be16((uint16_t)(to.to_len != 0 ? to.to_len : 1400));
	quoted->ip_off = df ? htons(IP_DF) : 0;
	if (to.to_nxt != 0)
		quoted->ip_p = to.to_nxt;
	(void)mk_udp(buf, "10.0.2.2", "10.0.2.1", 64, 28);
	ip->ip_p = IPPROTO_ICMP;
	ip->ip_sum = 0;
	ip->ip_sum = in_cksum_fold(in_cksum_add(ip, 20, 0));
	memset(icmp, 0, 8);
	icmp->icmp_type = ICMP4_UNREACH;
	icmp->icmp_code = ICMP4_UNREACH_NEEDFRAG;
	icmp->icmp_word = be32(to.to_mtu);
	memcpy(icmp + 1, inner, sizeof(inner));
	icmp->icmp_cksum = in_cksum_fold(in_cksum_add(icmp, 36, 0));
	inject(it, &it->it_b, buf, 56);
	sleep_ms(it, 20);
	tif_clear(&it->it_b);
}

static void
told4_body(struct in_test *it)
{
	static const struct {
		struct told	 to;
		bool		 not_df;
	} no[] = {
		{ { .to_mtu = 1300, .to_src = "10.0.1.2" }, false },
		{ { .to_mtu = 1300, .to_dst = "10.0.1.1" }, false },
		{ { .to_mtu = 1300, .to_dst = "30.0.0.1" }, false },
		{ { .to_mtu = 1400 }, false },
		{ { .to_mtu = 1500, .to_len = 1600 }, false },
		{ { .to_mtu = 1300, .to_nxt = IPPROTO_TCP }, false },
		{ { .to_mtu = 1300 }, true },
	};

	struct rt_info ri = { .ri_len = 8, .ri_flags = RTF_STATIC };

	test_route_to(&ri, "20.0.0.0");
	test_route_via(&ri, "10.0.2.2");
	KASSERT(rt_add(it->it_vn, &ri) == 0);
	KASSERT(output4(it, 1400) == 0);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		tell4(it, no[i].to, !no[i].not_df);
	KASSERT(output4(it, 1400) == 0);
	KASSERT(test_sysctl(it->it_vn, "net.inet.stats.icmp.badpmtu") ==
	    sizeof(no) / sizeof(no[0]));
	tell4(it, (struct told){ .to_mtu = 1300 }, true);
	KASSERT(output4(it, 1301) == EMSGSIZE && output4(it, 1300) == 0);
	KASSERT(test_sysctl(it->it_vn, TREE4 "." FAR4) == 1300);
	/* A router that does not say: RFC 1191 7. */
	tell4(it, (struct told){ .to_len = 1300 }, true);
	KASSERT(test_sysctl(it->it_vn, TREE4 "." FAR4) == 1006);
	/* Not absurdly small. */
	tell4(it, (struct told){ .to_mtu = 68, .to_len = 1006 }, true);
	KASSERT(test_sysctl(it->it_vn, TREE4 "." FAR4) == 552);
	/* Not used while the setting is 0. */
	KASSERT(set_sysctl(it, "net.inet.ip.mtudisc", 0) == 0);
	KASSERT(output4(it, 1400) == 0);
	KASSERT(set_sysctl(it, "net.inet.ip.mtudisc", 1) == 0);
	KASSERT(output4(it, 1400) == EMSGSIZE);
	sleep_ms(it, 601 * 1000);
	KASSERT(output4(it, 1400) == 0);
}
IN6_TEST(told4, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told6),
		cmocka_unit_test(disbelieved6),
		cmocka_unit_test(limits),
		cmocka_unit_test(memory),
		cmocka_unit_test(told4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
