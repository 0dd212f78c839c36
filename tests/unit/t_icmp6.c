/*
 * ICMPv6 (RFC 4443): errors, how many and about what; echo requests; messages
 * that are not right.
 */

#include "in6_test.h"		/* under test */

static uint8_t buf[9000];

/* Receive it by it_a; it is dropped for this reason, and nothing is sent. */
static void
dropped(struct in_test *it, unsigned len, enum drop_reason why)
{
	uint64_t before = drops(it->it_a.tif_ifp, why);

	inject6(it, &it->it_a, buf, len);
	KASSERT(drops(it->it_a.tif_ifp, why) == before + 1);
	KASSERT(it->it_a.tif_ntx == 0 && it->it_b.tif_ntx == 0);
	all_books(it);
}

/* A request is answered with what it had in it, from `from'. */
static void
answered(struct in_test *it, unsigned len, unsigned data, const char *from)
{
	const struct icmphdr6 *icmp;
	const struct iphdr6 *ip6;

	inject6(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 1 && it->it_b.tif_ntx == 0);
	ip6 = tx6(&it->it_a, 0);
	icmp = tx6_icmp(&it->it_a, 0);
	KASSERT(icmp != NULL && icmp->icmp6_type == ICMP6H_ECHOREPLY);
	KASSERT(icmp->icmp6_code == 0 && icmp->icmp6_word == be32(0x70009));
	KASSERT(be16(ip6->ip6_plen) == 8 + data && ip6->ip6_hlim == 64);
	KASSERT(memcmp(icmp + 1, buf + len - data, data) == 0);
	KASSERT(ip6_is(ip6->ip6_src, from));
	KASSERT(memcmp(ip6->ip6_dst, buf + 8, 16) == 0);
	KASSERT(memcmp(it->it_a.tif_tx[0].tp_data, it->it_a.tif_peer, 6) == 0);
	tif_clear(&it->it_a);
	all_books(it);
}

/* --- echo ----------------------------------------------------------------- */

static void
echo_body(struct in_test *it)
{
	const char *us = linklocal6(it->it_a.tif_ifp);
	struct in6_aliasreq ifra;
	unsigned len;

	for (unsigned n = 0; n <= 64; n++)
		answered(it, mk6_echo(buf, HOST_A, US_A, n), n, US_A);
	answered(it, mk6_echo(buf, HOST_A, US_A, 1452), 1452, US_A);
	answered(it, mk6_echo(buf, HOST_A, US_B, 8), 8, US_B);
	answered(it, mk6_echo(buf, "fe80::2", us, 8), 8, us);
	answered(it, mk6_echo(buf, "fe80::2", US_A, 8), 8, US_A);
	answered(it, mk6_echo(buf, "fe80::2", "ff02::1", 8), 8, us);
	answered(it, mk6_echo(buf, HOST_A, "ff02::1", 8), 8, US_A);
	/* The traffic class comes back, the flow label does not. */
	len = mk6_echo(buf, HOST_A, US_A, 8);
	buf[0] = 0x6b, buf[1] = 0x85, buf[2] = 1, buf[3] = 2;
	inject6(it, &it->it_a, buf, len);
	KASSERT((tx6(&it->it_a, 0)->ip6_flow & be32(0xfff00000)) ==
	    be32(0x6b800000));
	KASSERT((tx6(&it->it_a, 0)->ip6_flow & be32(IP6_FLOWLABEL)) !=
	    be32(0x50102));
	tif_clear(&it->it_a);
	KASSERT(set_sysctl(it, "net.inet6.ip6.hlim", 33) == 0);
	inject6(it, &it->it_a, buf, mk6_echo(buf, HOST_A, US_A, 8));
	KASSERT(tx6(&it->it_a, 0)->ip6_hlim == 33);
	tif_clear(&it->it_a);
	KASSERT(set_sysctl(it, "net.inet6.ip6.hlim", 64) == 0);
	/* No packet is from an anycast address. */
	ifra = alias6(it->it_a.tif_ifp, NET_A "a", 64);
	ifra.ifra_flags = IN6_IFF_ANYCAST;
	KASSERT(give6(it, &ifra) == 0);
	sleep_ms(it, 3000);	/* its group is reported */
	tif_clear(&it->it_a);
	answered(it, mk6_echo(buf, HOST_A, NET_A "a", 8), 8, US_A);
	/* A source of zeroes cannot be answered. */
	dropped(it, mk6_echo(buf, "::", US_A, 8), DROP_IP6_SRC);
	dropped(it, mk6_echo(buf, "::", "ff02::1", 8), DROP_IP6_SRC);
	KASSERT(ip6stat(it, "icmp6.echo") == 65 + 6 + 2 + 1);
	/* To an address that came by another link. */
	len = mk6_echo(buf, "fe80::2", linklocal6(it->it_b.tif_ifp), 8);
	inject6(it, &it->it_a, buf, len);
	KASSERT(it->it_b.tif_ntx == 0);
	tif_clear(&it->it_a);
}
IN6_TEST(echo, 1)

/* Larger than the link: the answer comes in fragments. */
static void
large_body(struct in_test *it)
{
	unsigned len = mk6_echo(buf, HOST_A, US_A, 4000), got = 0;
	const struct iphdr6 *ip6;
	struct ip6_frag fh;
	uint32_t id = 0;

	inject6(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 3);
	for (unsigned i = 0; i < 3; i++) {
		ip6 = tx6(&it->it_a, i);
		KASSERT(ip6 != NULL && ip6->ip6_nxt == IPPROTO_FRAGMENT);
		memcpy(&fh, ip6 + 1, sizeof(fh));
		KASSERT(fh.ip6f_nxt == IPPROTO_ICMPV6 && fh.ip6f_zero == 0);
		KASSERT((be16(fh.ip6f_off) & IP6F_OFFMASK) == got);
		KASSERT((be16(fh.ip6f_off) & IP6F_MORE) == (i < 2));
		KASSERT(i == 0 || fh.ip6f_id == id);
		id = fh.ip6f_id;
		got += be16(ip6->ip6_plen) - 8u;
		KASSERT(be16(ip6->ip6_plen) <= 1460);
	}
	KASSERT(got == 4008);
	KASSERT(ip6stat(it, "ip6.fragmented") == 1);
	KASSERT(ip6stat(it, "ip6.ofragments") == 3);
	tif_clear(&it->it_a);
}
IN6_TEST(large, 1)

/* --- messages that are not right ------------------------------------------ */

static void
wrong_body(struct in_test *it)
{
	static const uint8_t types[] = { 0, 1, 2, 3, 4, 5, 100, 127, 129,
	    138, 139, 200, 255 };
	struct inject in = { .in_t = &it->it_a, .in_data = buf };
	unsigned len;

	for (unsigned i = 0; i < 8; i++)
		dropped(it, mk6(buf, HOST_A, US_A, IPPROTO_ICMPV6, 64, i),
		    DROP_ICMP6_SHORT);
	len = mk6_echo(buf, HOST_A, US_A, 9);
	for (unsigned i = 8; i < len; i++) {
		if (i == 24 || (i >= 24 && i < 40))
			continue;	/* another destination */
		buf[i] ^= 0x40;
		dropped(it, len, DROP_ICMP6_CSUM);
		buf[i] ^= 0x40;
	}
	/* A sum that is known to be right, or was never on a wire, is not
	 * checked. */
	buf[42] ^= 1;
	in.in_len = len;
	in.in_csum_flags = M_CSUM_VALID;
	inject6_as(it, in);
	in.in_csum_flags = M_CSUM_PARTIAL;
	in.in_csum_start = IP6_HLEN;
	in.in_csum_offset = 2;
	inject6_as(it, in);
	KASSERT(it->it_a.tif_ntx == 2 && tx6_icmp(&it->it_a, 1) != NULL);
	tif_clear(&it->it_a);
	for (unsigned i = 0; i < sizeof(types); i++)
		dropped(it, mk6_icmp(buf, HOST_A, US_A, types[i], 0, 60),
		    DROP_ICMP6_UNWANTED);
	KASSERT(ip6stat(it, "icmp6.echoreply") == 1);
}
IN6_TEST(wrong, 1)

/* --- errors --------------------------------------------------------------- */

/* As much of the packet as fits 1280 bytes. */
static void
quote_body(struct in_test *it)
{
	unsigned len;

	for (unsigned n = 0; n < 1452; n += n < 1150 || n > 1200 ? 101 : 1) {
		len = mk6_udp(buf, HOST_A, US_A, 64, n);
		inject6(it, &it->it_a, buf, len);
		KASSERT(it->it_a.tif_tx[0].tp_len == 14 +
		    (len + 48 < 1280 ? len + 48 : 1280));
		KASSERT(was_told(&it->it_a, ICMP6H_UNREACH,
		    ICMP6H_UNREACH_PORT, 0, buf, len));
	}
}
IN6_TEST(quote, 1)

/* RFC 4443 2.4 (e): packets about which there is no error. */
static void
forbidden_body(struct in_test *it)
{
	struct inject in = { .in_t = &it->it_a, .in_data = buf,
	    .in_mcast = true };
	uint64_t old = 0;
	unsigned len;

	/* Errors and redirects, behind other headers, too. */
	for (unsigned type = 0; type < 256; type++)
		for (unsigned ext = 0; ext < 2; ext++) {
			len = mk6_icmp(buf, HOST_A, "4000::1", (uint8_t)type,
			    0, 20);
			if (ext)
				len = mk6_ext(buf, len, 40, 6,
				    IPPROTO_DSTOPTS, "\0\1\4\0\0\0\0", 8);
			if (type >= 128 && type != 137) {
				inject6(it, &it->it_a, buf, len);
				KASSERT(was_told(&it->it_a, ICMP6H_UNREACH,
				    ICMP6H_UNREACH_NOROUTE, 0, buf, len));
			} else {
				dropped(it, len, DROP_IP6_NOROUTE);
				old++;
			}
		}
	/* A later fragment of what may be one; any other. */
	len = mk6_icmp(buf, HOST_A, "4000::1", ICMP6H_ECHO, 0, 20);
	len = mk6_ext(buf, len, 40, 6, IPPROTO_FRAGMENT,
	    "\0\0\x18\0\0\0\1", 8);
	dropped(it, len, DROP_IP6_NOROUTE);
	len = mk6_udp(buf, HOST_A, "4000::1", 64, 20);
	len = mk6_ext(buf, len, 40, 6, IPPROTO_FRAGMENT,
	    "\0\0\x18\0\0\0\1", 8);
	inject6(it, &it->it_a, buf, len);
	KASSERT(was_told(&it->it_a, ICMP6H_UNREACH, ICMP6H_UNREACH_NOROUTE, 0,
	    buf, len));
	/* Groups, but for an option that asks for it. */
	dropped(it, mk6_udp(buf, HOST_A, "ff02::1", 64, 20),
	    DROP_IP6_PORTUNREACH);
	len = mk6_udp(buf, HOST_A, "ff02::1", 64, 20);
	len = mk6_ext(buf, len, 40, 6, IPPROTO_HOPOPTS, "\0\x9e\4\0\0\0\0", 8);
	inject6(it, &it->it_a, buf, len);
	KASSERT(was_told(&it->it_a, ICMP6H_PARAMPROB, ICMP6H_PARAMPROB_OPTION,
	    42, buf, len));
	in.in_len = len;
	inject6_as(it, in);
	KASSERT(was_told(&it->it_a, ICMP6H_PARAMPROB, ICMP6H_PARAMPROB_OPTION,
	    42, buf, len));
	dropped(it, mk6_udp(buf, "::", US_A, 64, 20), DROP_IP6_PORTUNREACH);
	KASSERT(ip6stat(it, "icmp6.aboutold") == old + 3);
}
IN6_TEST(forbidden, 1)

static void
limit_body(struct in_test *it)
{
	unsigned len = mk6_udp(buf, HOST_A, US_A, 64, 20);

	KASSERT(set_sysctl(it, "net.inet6.icmp6.errppslimit", 10) == 0);
	sleep_ms(it, 2000);
	inject6_n(it, &it->it_a, buf, len, 50);
	KASSERT(it->it_a.tif_ntx == 10);
	KASSERT(ip6stat(it, "icmp6.errors") == 10);
	KASSERT(ip6stat(it, "icmp6.unreach") == 10);
	KASSERT(ip6stat(it, "icmp6.limited") == 40);
	sleep_ms(it, 500);
	tif_clear(&it->it_a);
	inject6_n(it, &it->it_a, buf, len, 50);
	KASSERT(it->it_a.tif_ntx >= 4 && it->it_a.tif_ntx <= 6);
	KASSERT(set_sysctl(it, "net.inet6.icmp6.errppslimit", 0) == 0);
	tif_clear(&it->it_a);
	inject6_n(it, &it->it_a, buf, len, 50);
	KASSERT(it->it_a.tif_ntx == 0);
	/* Answers are no errors. */
	inject6(it, &it->it_a, buf, mk6_echo(buf, HOST_A, US_A, 8));
	KASSERT(it->it_a.tif_ntx == 1);
	tif_clear(&it->it_a);
}
IN6_TEST(limit, 1)

/* An error's source: the address that was asked, or the best one of the
 * interface that it leaves by. */
static void
source_body(struct in_test *it)
{
	unsigned len = mk6_udp(buf, HOST_A, US_B, 64, 20);

	inject6(it, &it->it_a, buf, len);
	KASSERT(ip6_is(tx6(&it->it_a, 0)->ip6_src, US_B));
	tif_clear(&it->it_a);
	inject6(it, &it->it_a, buf, mk6_udp(buf, HOST_A, HOST_B, 1, 20));
	KASSERT(ip6_is(tx6(&it->it_a, 0)->ip6_src, US_A));
	tif_clear(&it->it_a);
	inject6(it, &it->it_a, buf, mk6_udp(buf, "fe80::2", HOST_B, 1, 20));
	KASSERT(ip6_is(tx6(&it->it_a, 0)->ip6_src,
	    linklocal6(it->it_a.tif_ifp)));
	KASSERT(ip6_is(tx6(&it->it_a, 0)->ip6_dst, "fe80::2"));
	tif_clear(&it->it_a);
}
IN6_TEST(source, 1)

/* --- no buffers ----------------------------------------------------------- */

static struct mbuf *hoard[8192];
static unsigned nhoard;

/* Take all buffers but some. */
static void
hoard_cpu(void *arg)
{
	unsigned leave = *(const unsigned *)arg;

	while ((hoard[nhoard] = m_gethdr()) != NULL)
		nhoard++;
	while (leave-- != 0)
		m_freem(hoard[--nhoard]);
}

static void
unhoard_cpu(void *arg)
{

	(void)arg;
	while (nhoard != 0)
		m_freem(hoard[--nhoard]);
}

/* With few buffers left some of it is not sent, and all of it is counted. */
static void
starved_body(struct in_test *it)
{
	struct inject in = { .in_t = &it->it_a, .in_data = buf,
	    .in_csum_flags = M_CSUM_PARTIAL | M_TSO6,
	    .in_csum_start = 14 + 40, .in_csum_offset = 16,
	    .in_segsz = 1440 };
	unsigned sent = 0;

	for (unsigned leave = 4; leave < 16; leave++) {
		on_cpu(it, hoard_cpu, &leave);
		inject6(it, &it->it_a, buf, mk6_echo(buf, HOST_A, US_A, 6000));
		inject6(it, &it->it_a, buf, mk6_udp(buf, HOST_A, US_A, 64,
		    6000));
		inject6(it, &it->it_a, buf, mk6_udp(buf, HOST_A, "4000::1",
		    64, 20));
		in.in_len = mk6(buf, HOST_A, HOST_B, IPPROTO_TCP, 64, 6000);
		buf[40 + 12] = 0x50;
		inject6_as(it, in);
		all_books(it);
		sent += it->it_a.tif_ntx;
		tif_clear(&it->it_a);
		tif_clear(&it->it_b);
		on_cpu(it, unhoard_cpu, NULL);
	}
	KASSERT(sent > 12 && sent < 12 * 7);
	KASSERT(drops(it->it_a.tif_ifp, DROP_OUT_NOBUF) +
	    drops(it->it_b.tif_ifp, DROP_OUT_NOBUF) > 4);
}
IN6_TEST(starved, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo),
		cmocka_unit_test(large),
		cmocka_unit_test(wrong),
		cmocka_unit_test(quote),
		cmocka_unit_test(forbidden),
		cmocka_unit_test(limit),
		cmocka_unit_test(source),
		cmocka_unit_test(starved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
