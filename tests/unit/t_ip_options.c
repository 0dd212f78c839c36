/*
 * IP options: malformed ones are refused with the place that is wrong, record
 * route and time stamp are filled in on the way through and at the end of it,
 * and an echo reply carries them on.
 */

#include "in_test.h"

/* The host clock of the simulated host gives the wall clock, too. */
static uint32_t
ms_of_day(struct in_test *it)
{

	return (uint32_t)(host_wallclock(it->it_host) / 1000000 % 86400000);
}

/* A packet from the left host with options, padded; bytes. */
static unsigned
mk_options(uint8_t *buf, const char *dst, const uint8_t *opt, unsigned n)
{
	unsigned pad = (n + 3) & ~3u, len;
	uint8_t tail[64];

	len = mk_echo(buf, "10.0.1.2", dst, 7, 8, 16);
	memcpy(tail, buf + 20, len - 20);
	memset(buf + 20, 0, pad);
	memcpy(buf + 20, opt, n);
	memcpy(buf + 20 + pad, tail, len - 20);
	buf[0] = (uint8_t)(0x40 | (20 + pad) / 4);
	((struct iphdr4 *)(void *)buf)->ip_len = be16((uint16_t)(len + pad));
	ip_set_cksum((struct iphdr4 *)(void *)buf);
	return len + pad;
}

/* --- refusals ------------------------------------------------------------ */

static const struct {
	unsigned	 n, at;		/* bytes, and the wrong one */
	uint8_t		 opt[40];
} malformed[] = {
	/* a length that is none, or too much */
	{ 4, 21, { 7, 0 } }, { 4, 21, { 7, 1 } }, { 4, 21, { 7, 200 } },
	{ 4, 21, { 130, 1 } }, { 4, 21, { 99, 5 } }, { 4, 23, { 1, 1, 1, 7 } },
	{ 4, 23, { 1, 1, 1, 68 } }, { 8, 25, { 130, 4, 0, 0, 7, 5 } },
	/* record route: too short, pointer before or within an address */
	{ 4, 21, { 7, 2, 4 } }, { 4, 22, { 7, 3, 0 } }, { 4, 22, { 7, 3, 3 } },
	{ 8, 22, { 7, 7, 5 } }, { 8, 22, { 7, 7, 7 } }, { 8, 22, { 7, 6, 4 } },
	{ 12, 22, { 7, 11, 9 } }, { 8, 23, { 1, 7, 7, 7 } },
	/* time stamp: likewise, an unknown kind, the count overflows */
	{ 4, 21, { 68, 40, 5 } }, { 4, 21, { 68, 3, 5 } },
	{ 8, 22, { 68, 8, 4, 0 } }, { 8, 22, { 68, 8, 6, 0 } },
	{ 8, 22, { 68, 8, 5, 1 } }, { 8, 22, { 68, 8, 5, 3 } },
	{ 12, 22, { 68, 12, 9, 1 } }, { 8, 23, { 68, 8, 5, 2 } },
	{ 8, 23, { 68, 8, 5, 15 } }, { 8, 23, { 68, 8, 9, 0xf0 } },
	{ 12, 23, { 68, 12, 13, 0xf1 } },
	/* twice */
	{ 16, 28, { 7, 7, 4, 0, 0, 0, 0, 0x1, 7, 7, 4 } },
	{ 16, 28, { 68, 8, 5, 0, 0, 0, 0, 0, 68, 8, 5 } },
};

static void
malformed_is_refused_body(struct in_test *it)
{
	static const char *const dst[] = { "10.0.2.2", "10.0.1.1", "10.0.2.1" };
	const struct icmphdr4 *icmp;
	uint8_t buf[128];
	unsigned len, n = 0;

	KASSERT(set_sysctl(it, "net.inet.icmp.errppslimit", -1) == 0);
	for (unsigned i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		for (unsigned d = 0; d < 3; d++) {
			tif_clear(&it->it_a);
			len = mk_options(buf, dst[d], malformed[i].opt,
			    malformed[i].n);
			inject(it, &it->it_a, buf, len);
			KASSERT(drops(it->it_a.tif_ifp, DROP_IP_OPTIONS) ==
			    ++n);
			icmp = tx_icmp(&it->it_a, 0);
			KASSERT(icmp != NULL && it->it_a.tif_ntx == 1 &&
			    icmp->icmp_type == ICMP4_PARAMPROB &&
			    icmp->icmp_code == 0);
			if (be32(icmp->icmp_word) != malformed[i].at << 24)
				(void)fprintf(stderr, "%u: byte %u\n", i,
				    be32(icmp->icmp_word) >> 24);
			KASSERT(be32(icmp->icmp_word) ==
			    malformed[i].at << 24);
			KASSERT(it->it_b.tif_ntx == 0);
		}
	all_books(it);
}
IN_TEST(malformed_is_refused, 1)

/* --- forwarding ---------------------------------------------------------- */

/* The options of a packet that was forwarded. */
static const uint8_t *
forwarded(struct in_test *it, const uint8_t *opt, unsigned n)
{
	const struct iphdr4 *ip;
	uint8_t buf[128];
	unsigned len;

	tif_clear(&it->it_b);
	len = mk_options(buf, "10.0.2.2", opt, n);
	inject(it, &it->it_a, buf, len);
	ip = tx_ip(&it->it_b, 0);
	KASSERT(ip != NULL && be16(ip->ip_len) == len && ip->ip_ttl == 63);
	KASSERT(memcmp((const uint8_t *)ip + ip_hlen(ip), buf + ip_hlen(ip),
	    len - ip_hlen(ip)) == 0);
	return (const uint8_t *)(ip + 1);
}

static uint32_t
word(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, 4);
	return w;
}

/* Options that a router does not change. */
static const uint8_t unchanged[][12] = {
	{ 7, 7, 8, 9, 9, 9, 9 },		/* full */
	{ 7, 3, 4 },
	{ 7, 7, 255, 1, 2, 3, 4 },
	{ 68, 12, 5, 3, 10, 0, 2, 2 },		/* another's turn */
	{ 68, 12, 13, 0xf3, 10, 0, 2, 1, 1, 2, 3, 4 },
	{ 0x94, 4, 0, 0 },			/* router alert */
	{ 130, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9 },	/* security */
	{ 222, 2, 223, 3, 1 },			/* unknown */
	{ 1, 1, 1, 0, 7, 200 },			/* behind the end */
};

static void
forward_body(struct in_test *it)
{
	uint32_t us = test_hop("10.0.2.1"), now;
	const uint8_t *o;

	for (unsigned i = 0; i < sizeof(unchanged) / sizeof(unchanged[0]);
	    i++) {
		o = forwarded(it, unchanged[i], 12);
		KASSERT(memcmp(o, unchanged[i], 12) == 0);
	}
	/* The address on the way out, behind what is there. */
	o = forwarded(it, (const uint8_t[12]){ 1, 7, 11, 4 }, 12);
	KASSERT(o[3] == 8 && word(o + 4) == us && word(o + 8) == 0);
	o = forwarded(it, (const uint8_t[12]){ 7, 11, 8, 9, 9, 9, 9 }, 12);
	KASSERT(o[2] == 12 && word(o + 7) == us && o[3] == 9);
	/* Times alone, with addresses, and of an address listed. */
	now = be32(ms_of_day(it));
	o = forwarded(it, (const uint8_t[12]){ 68, 12, 5, 0 }, 12);
	KASSERT(o[2] == 9 && o[3] == 0 && word(o + 4) == now &&
	    word(o + 8) == 0);
	o = forwarded(it, (const uint8_t[12]){ 68, 12, 5, 1 }, 12);
	KASSERT(o[2] == 13 && o[3] == 1 && word(o + 4) == us &&
	    word(o + 8) == now);
	o = forwarded(it, (const uint8_t[12]){ 68, 12, 5, 3, 10, 0, 1, 1 },
	    12);
	KASSERT(o[2] == 13 && ip_is(word(o + 4), "10.0.1.1") &&
	    word(o + 8) == now);
	/* Without room it is counted. */
	o = forwarded(it, (const uint8_t[12]){ 68, 8, 9, 0x20, 1, 2, 3, 4 },
	    12);
	KASSERT(o[2] == 9 && o[3] == 0x30 && o[7] == 4);
	/* The shortest one has no room at all. */
	o = forwarded(it, (const uint8_t[4]){ 68, 4, 5, 0x30 }, 4);
	KASSERT(o[1] == 4 && o[2] == 5 && o[3] == 0x40);
	o = forwarded(it, (const uint8_t[12]){ 68, 12, 13, 0xe1 }, 12);
	KASSERT(o[3] == 0xf1);
	/* Both. */
	o = forwarded(it, (const uint8_t[16]){ 7, 7, 4, 0, 0, 0, 0, 68, 8, 5 },
	    16);
	KASSERT(o[2] == 8 && word(o + 3) == us && o[9] == 9 &&
	    word(o + 11) == now);
	all_books(it);
}
IN_TEST(forward, 1)

/* On the way out by an interface without an address, the router's is recorded;
 * an address of an interface that is down is nobody's. */
static void
unnumbered_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	struct rt_info ri = { TEST_DST("10.0.2.0"), .ri_len = 24,
	    .ri_ifp = b, .ri_flags = RTF_STATIC };
	const uint8_t *o;

	KASSERT(addr_add(it, it->it_lo, "10.99.0.1", 32) == 0);
	o = forwarded(it, (const uint8_t[12]){ 68, 12, 5, 3, 10, 99, 0, 1 },
	    12);
	KASSERT(o[2] == 13);
	if_ioctl_lock(it->it_lo);
	if_down(it->it_lo);
	if_ioctl_unlock(it->it_lo);
	o = forwarded(it, (const uint8_t[12]){ 68, 12, 5, 3, 10, 99, 0, 1 },
	    12);
	KASSERT(o[2] == 5 && word(o + 8) == 0);
	KASSERT(addr_del(it, b, "10.0.2.1") == 0);
	KASSERT(rt_add(it->it_vn, &ri) == 0);
	o = forwarded(it, (const uint8_t[12]){ 1, 7, 11, 4 }, 12);
	KASSERT(o[3] == 8 && ip_is(word(o + 4), "10.0.1.1"));
	all_books(it);
}
IN_TEST(unnumbered, 1)

/* --- echo replies -------------------------------------------------------- */

static const uint8_t *
answered(struct in_test *it, const uint8_t *opt, unsigned n, unsigned len)
{
	const struct icmphdr4 *icmp;
	const struct iphdr4 *ip;
	uint8_t buf[128];

	tif_clear(&it->it_a);
	inject(it, &it->it_a, buf, mk_options(buf, "10.0.2.1", opt, n));
	ip = tx_ip(&it->it_a, 0);
	icmp = tx_icmp(&it->it_a, 0);
	KASSERT(ip != NULL && icmp != NULL && ip_hlen(ip) == 20 + len);
	KASSERT(icmp->icmp_type == ICMP4_ECHOREPLY &&
	    be16(icmp->icmp_echo.id) == 7 && be16(icmp->icmp_echo.seq) == 8);
	KASSERT(ip_is(ip->ip_src, "10.0.2.1") && be16(ip->ip_len) == 20 + len +
	    24);
	return (const uint8_t *)(ip + 1);
}

static void
echo_body(struct in_test *it)
{
	uint32_t us = test_hop("10.0.2.1"), now = be32(ms_of_day(it));
	const uint8_t *o;

	/* The address that was asked, once; the rest is for the way back. */
	o = answered(it, (const uint8_t[40]){ 7, 39, 8, 9, 9, 9, 9 }, 40, 40);
	KASSERT(o[0] == 7 && o[1] == 39 && o[2] == 12 && o[3] == 9 &&
	    word(o + 7) == us && word(o + 11) == 0);
	/* Full ones come back as they are. */
	o = answered(it, (const uint8_t[8]){ 7, 7, 8, 9, 9, 9, 9 }, 8, 8);
	KASSERT(memcmp(o, "\x07\x07\x08\x09\x09\x09\x09", 8) == 0);
	o = answered(it, (const uint8_t[12]){ 68, 12, 5, 0 }, 12, 12);
	KASSERT(o[2] == 9 && word(o + 4) == now && word(o + 8) == 0);
	o = answered(it, (const uint8_t[12]){ 68, 12, 5, 1 }, 12, 12);
	KASSERT(o[2] == 13 && word(o + 4) == us && word(o + 8) == now);
	o = answered(it, (const uint8_t[12]){ 68, 12, 5, 3, 10, 0, 1, 1 }, 12,
	    12);
	KASSERT(o[2] == 13 && word(o + 8) == now);
	o = answered(it, (const uint8_t[12]){ 68, 12, 5, 3, 10, 0, 9, 9 }, 12,
	    12);
	KASSERT(o[2] == 5 && word(o + 8) == 0);
	o = answered(it, (const uint8_t[8]){ 68, 8, 9, 0x10 }, 8, 8);
	KASSERT(o[3] == 0x20);
	/* Padding and what nobody records are left out. */
	o = answered(it, (const uint8_t[16]){ 1, 0x94, 4, 0, 0, 1, 1, 7, 7, 4 },
	    16, 8);
	KASSERT(o[0] == 7 && word(o + 3) == us && o[7] == 0);
	(void)answered(it, (const uint8_t[8]){ 1, 1, 0x94, 4, 0, 0 }, 8, 0);
	all_books(it);
}
IN_TEST(echo, 1)

/* Of the fragments of a request only the first has the option. */
static void
fragments_body(struct in_test *it)
{
	struct iphdr4 *ip;
	uint8_t buf[128], second[128];
	const uint8_t *o;
	unsigned len;

	len = mk_options(buf, "10.0.1.1", (const uint8_t[8]){ 7, 7, 4 }, 8);
	memcpy(second, buf, 20);
	memcpy(second + 20, buf + 28 + 16, len - 28 - 16);
	ip = (struct iphdr4 *)(void *)buf;
	ip->ip_len = be16(28 + 16);
	ip->ip_off = be16(IP_MF);
	ip_set_cksum(ip);
	ip = (struct iphdr4 *)(void *)second;
	ip->ip_vhl = 0x45;
	ip->ip_len = be16((uint16_t)(20 + len - 28 - 16));
	ip->ip_off = be16(2);
	ip_set_cksum(ip);
	inject(it, &it->it_a, second, 20 + len - 28 - 16);
	inject(it, &it->it_a, buf, 28 + 16);
	KASSERT(tx_icmp(&it->it_a, 0)->icmp_type == ICMP4_ECHOREPLY);
	o = (const uint8_t *)(tx_ip(&it->it_a, 0) + 1);
	KASSERT(o[0] == 7 && o[2] == 8 && ip_is(word(o + 3), "10.0.1.1"));
	all_books(it);
}
IN_TEST(fragments, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_is_refused),
		cmocka_unit_test(forward),
		cmocka_unit_test(unnumbered),
		cmocka_unit_test(echo),
		cmocka_unit_test(fragments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
