/*
 * ICMP: echo, errors, what no error may be about, and the rate limit.
 */

#include "in_test.h"

static void
echo_body(struct in_test *it)
{
	struct if_data before = ifdata(it->it_a.tif_ifp);
	const struct icmphdr4 *icmp;
	const struct iphdr4 *ip;
	uint8_t buf[1600];
	unsigned len;

	for (unsigned size = 0; size < 1473; size += 92) {
		tif_clear(&it->it_a);
		len = mk_echo(buf, "10.0.1.2", "10.0.1.1", 0x4321, 7, size);
		inject(it, &it->it_a, buf, len);
		ip = tx_ip(&it->it_a, 0);
		icmp = tx_icmp(&it->it_a, 0);
		KASSERT(ip != NULL && icmp != NULL &&
		    icmp->icmp_type == ICMP4_ECHOREPLY);
		KASSERT(ip_is(ip->ip_src, "10.0.1.1") &&
		    ip_is(ip->ip_dst, "10.0.1.2") && ip->ip_ttl == 64);
		KASSERT(be16(ip->ip_len) == len);
		KASSERT(memcmp(&icmp->icmp_echo, buf + 24, 4 + size) == 0);
	}
	/* The address on the other side is this host's as well. */
	tif_clear(&it->it_a);
	len = mk_echo(buf, "10.0.1.2", "10.0.2.1", 1, 1, 8);
	inject(it, &it->it_a, buf, len);
	KASSERT(ip_is(tx_ip(&it->it_a, 0)->ip_src, "10.0.2.1"));
	KASSERT(ifdata(it->it_a.tif_ifp).ifi_delivered ==
	    before.ifi_delivered + 18);
	all_books(it);
}
IN_TEST(echo, 2)

static void
broadcast_body(struct in_test *it)
{
	static const char *const dst[] = { "10.0.1.255", "255.255.255.255",
	    "224.0.0.1" };
	uint8_t buf[100];
	unsigned len;

	for (unsigned i = 0; i < 3; i++) {
		KASSERT(set_sysctl(it, "net.inet.icmp.bmcastecho", 0) == 0);
		tif_clear(&it->it_a);
		len = mk_echo(buf, "10.0.1.2", dst[i], 1, 1, 8);
		inject_bcast(it, &it->it_a, buf, len);
		KASSERT(it->it_a.tif_ntx == 0);
		KASSERT(drops(it->it_a.tif_ifp, DROP_ICMP_BCAST) == i + 1);
		KASSERT(set_sysctl(it, "net.inet.icmp.bmcastecho", 1) == 0);
		inject_bcast(it, &it->it_a, buf, len);
		KASSERT(it->it_a.tif_ntx == 1 &&
		    ip_is(tx_ip(&it->it_a, 0)->ip_src, "10.0.1.1"));
	}
	all_books(it);
}
IN_TEST(broadcast, 1)

static void
unreachable_body(struct in_test *it)
{
	const struct icmphdr4 *icmp;
	uint8_t buf[1000];
	unsigned len;

	len = mk_udp(buf, "10.0.1.2", "10.0.1.1", 64, 30);
	inject(it, &it->it_a, buf, len);
	icmp = tx_icmp(&it->it_a, 0);
	KASSERT(icmp != NULL && icmp->icmp_type == ICMP4_UNREACH &&
	    icmp->icmp_code == ICMP4_UNREACH_PORT);
	KASSERT(memcmp(icmp + 1, buf, len) == 0);
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_PORTUNREACH) == 1);

	tif_clear(&it->it_a);
	len = mk_ip(buf, "10.0.1.2", "10.0.2.1", 132, 64, 900);
	memset(buf + 20, 3, 900);
	inject(it, &it->it_a, buf, len);
	icmp = tx_icmp(&it->it_a, 0);
	KASSERT(icmp != NULL && icmp->icmp_code == ICMP4_UNREACH_PROTO);
	KASSERT(ip_is(tx_ip(&it->it_a, 0)->ip_src, "10.0.2.1"));
	KASSERT(be16(tx_ip(&it->it_a, 0)->ip_len) == 576);
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_PROTOUNREACH) == 1);
	all_books(it);
}
IN_TEST(unreachable, 1)

/* RFC 1122 3.2.2 */
static void
never_body(struct in_test *it)
{
	uint8_t buf[200];
	struct iphdr4 *ip = (struct iphdr4 *)(void *)buf;
	unsigned len;

	/* About an error, */
	len = mk_echo(buf, "10.0.1.2", "99.1.1.1", 1, 1, 20);
	buf[20] = ICMP4_UNREACH;
	inject(it, &it->it_a, buf, len);
	/* a fragment that is not the first, */
	len = mk_udp(buf, "10.0.1.2", "99.1.1.1", 64, 20);
	ip->ip_off = be16(5);
	ip_set_cksum(ip);
	inject(it, &it->it_a, buf, len);
	/* or a broadcast, by link or by address. */
	len = mk_udp(buf, "10.0.1.2", "10.0.1.255", 64, 20);
	inject_bcast(it, &it->it_a, buf, len);
	len = mk_udp(buf, "10.0.1.2", "10.0.1.255", 64, 20);
	inject(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 0);
	KASSERT(ipstat(it, "icmp.aboutold") == 4);
	/* About an echo request it is fine. */
	len = mk_echo(buf, "10.0.1.2", "99.1.1.1", 1, 1, 20);
	inject(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 1);
	all_books(it);
}
IN_TEST(never, 1)

static void
limit_body(struct in_test *it)
{
	uint8_t buf[200];
	unsigned len;

	KASSERT(set_sysctl(it, "net.inet.icmp.errppslimit", 10) == 0);
	len = mk_udp(buf, "10.0.1.2", "99.1.1.1", 64, 20);
	inject_n(it, &it->it_a, buf, len, 200);
	KASSERT(it->it_a.tif_ntx == 10);
	KASSERT(ipstat(it, "icmp.limited") == 190);
	sleep_ms(it, 500);
	inject_n(it, &it->it_a, buf, len, 200);
	KASSERT(it->it_a.tif_ntx >= 14 && it->it_a.tif_ntx <= 17);
	KASSERT(set_sysctl(it, "net.inet.icmp.errppslimit", 0) == 0);
	tif_clear(&it->it_a);
	sleep_ms(it, 2000);
	inject_n(it, &it->it_a, buf, len, 10);
	KASSERT(it->it_a.tif_ntx == 0);
	KASSERT(set_sysctl(it, "net.inet.icmp.errppslimit", -1) == 0);
	inject_n(it, &it->it_a, buf, len, 200);
	KASSERT(it->it_a.tif_ntx == 200);
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_NOROUTE) == 610);
	all_books(it);
}
IN_TEST(limit, 1)

static void
malformed_body(struct in_test *it)
{
	struct ifnet *ifp = it->it_a.tif_ifp;
	uint8_t buf[200];
	unsigned len;

	for (unsigned n = 0; n < 8; n++) {
		(void)mk_echo(buf, "10.0.1.2", "10.0.1.1", 1, 1, 20);
		len = mk_ip(buf, "10.0.1.2", "10.0.1.1", 1, 64, n);
		inject(it, &it->it_a, buf, len);
		KASSERT(drops(ifp, DROP_ICMP_SHORT) == n + 1);
	}
	len = mk_echo(buf, "10.0.1.2", "10.0.1.1", 1, 1, 21);
	buf[40] ^= 1;
	inject(it, &it->it_a, buf, len);
	KASSERT(drops(ifp, DROP_ICMP_CSUM) == 1);
	/* Types that nobody here waits for. */
	for (unsigned type = 0; type < 256; type++) {
		uint16_t sum;

		if (type == ICMP4_ECHO)
			continue;
		len = mk_echo(buf, "10.0.1.2", "10.0.1.1", 1, 1, 40);
		buf[20] = (uint8_t)type;
		buf[22] = buf[23] = 0;
		sum = in_cksum_fold(in_cksum_add(buf + 20, 48, 0));
		memcpy(buf + 22, &sum, 2);
		inject(it, &it->it_a, buf, len);
	}
	KASSERT(drops(ifp, DROP_ICMP_UNWANTED) == 255);
	KASSERT(it->it_a.tif_ntx == 0);
	all_books(it);
}
IN_TEST(malformed, 1)

static void
inject_flags(struct in_test *it, const uint8_t *buf, unsigned len,
    uint16_t flags)
{
	struct inject in = { .in_t = &it->it_a, .in_data = buf, .in_len = len,
	    .in_n = 1, .in_type = ETHERTYPE_IP, .in_csum_flags = flags,
	    .in_csum_start = 34, .in_csum_offset = 6 };

	tif_clear(&it->it_a);
	on_cpu(it, inject_cpu, &in);
}

/*
 * TCP and UDP for us: answered when their checksum is right, or known to be;
 * else not believed.
 */
static void
transport_body(struct in_test *it)
{
	struct ifnet *ifp = it->it_a.tif_ifp;
	uint8_t buf[200];
	unsigned len, bad = 0;
	uint16_t sum;

	len = mk_udp(buf, "10.0.1.2", "10.0.1.1", 64, 51);
	inject_flags(it, buf, len, 0);
	KASSERT(tx_icmp(&it->it_a, 0) != NULL);
	buf[40] ^= 1;
	inject_flags(it, buf, len, 0);
	KASSERT(it->it_a.tif_ntx == 0);
	KASSERT(drops(ifp, DROP_L4_CSUM) == ++bad);
	/* The driver vouches for it; it is still to be made; there is none. */
	inject_flags(it, buf, len, M_CSUM_VALID);
	KASSERT(tx_icmp(&it->it_a, 0) != NULL);
	inject_flags(it, buf, len, M_CSUM_PARTIAL);
	KASSERT(tx_icmp(&it->it_a, 0) != NULL);
	buf[26] = buf[27] = 0;
	inject_flags(it, buf, len, 0);
	KASSERT(tx_icmp(&it->it_a, 0) != NULL);
	/* Lengths that cannot be. */
	for (unsigned ulen = 0; ulen < 70; ulen++) {
		if (ulen >= 8 && ulen <= 59)
			continue;
		buf[25] = (uint8_t)ulen;
		inject_flags(it, buf, len, 0);
		KASSERT(it->it_a.tif_ntx == 0);
		KASSERT(drops(ifp, DROP_L4_CSUM) == ++bad);
	}
	for (unsigned n = 0; n < 8; n++) {
		len = mk_ip(buf, "10.0.1.2", "10.0.1.1", IPPROTO_UDP, 64, n);
		inject_flags(it, buf, len, 0);
		KASSERT(drops(ifp, DROP_L4_CSUM) == ++bad);
	}

	/* A wrong checksum of the header likewise. */
	len = mk_echo(buf, "10.0.1.2", "10.0.1.1", 1, 1, 20);
	buf[10] ^= 1;
	inject_flags(it, buf, len, 0);
	KASSERT(it->it_a.tif_ntx == 0 && drops(ifp, DROP_IP_CSUM) == 1);
	inject_flags(it, buf, len, M_CSUM_IP_OK);
	KASSERT(tx_icmp(&it->it_a, 0) != NULL);

	memset(buf, 7, sizeof(buf));
	len = mk_ip(buf, "10.0.1.2", "10.0.1.1", IPPROTO_TCP, 64, 20);
	inject_flags(it, buf, len, 0);
	KASSERT(it->it_a.tif_ntx == 0);
	KASSERT(drops(ifp, DROP_L4_CSUM) == ++bad);
	buf[36] = buf[37] = 0;
	sum = in_cksum_fold(in_cksum_add(buf + 20, 20, in_cksum_pseudo(
	    test_hop("10.0.1.2"), test_hop("10.0.1.1"), IPPROTO_TCP, 20)));
	memcpy(buf + 36, &sum, 2);
	inject_flags(it, buf, len, 0);
	KASSERT(tx_icmp(&it->it_a, 0)->icmp_code == ICMP4_UNREACH_PROTO);
	all_books(it);
}
IN_TEST(transport, 1)

static void
options_body(struct in_test *it)
{
	uint8_t buf[200], tail[80];
	unsigned len;

	/* Options of a request are not sent back. */
	len = mk_echo(buf, "10.0.1.2", "10.0.1.1", 9, 9, 40);
	memcpy(tail, buf + 20, len - 20);
	memset(buf + 20, IPOPT_NOP, 8);
	memcpy(buf + 28, tail, len - 20);
	buf[0] = 0x47;
	((struct iphdr4 *)(void *)buf)->ip_len = be16((uint16_t)(len + 8));
	ip_set_cksum((struct iphdr4 *)(void *)buf);
	inject(it, &it->it_a, buf, len + 8);
	KASSERT(be16(tx_ip(&it->it_a, 0)->ip_len) == len);
	KASSERT(tx_icmp(&it->it_a, 0)->icmp_echo.seq == htons(9));
	all_books(it);
}
IN_TEST(options, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo),
		cmocka_unit_test(broadcast),
		cmocka_unit_test(unreachable),
		cmocka_unit_test(never),
		cmocka_unit_test(limit),
		cmocka_unit_test(malformed),
		cmocka_unit_test(transport),
		cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
