/*
 * Reassembly of IPv6 packets for this host: in every order, with what is wrong
 * refused whole (RFC 8200 4.5, 5722, 6946, 7112), within limits.
 */

#include "in6_test.h"		/* under test */

static uint8_t whole[70000], buf[70000];

/* Put into buf the fragment of the payload bytes from off to end of the packet
 * of len bytes in whole[], which has hlen bytes of headers that every fragment
 * has.  Returns its length. */
static unsigned
fragment(unsigned len, unsigned hlen, unsigned off, unsigned end, uint32_t id)
{
	struct ip6_frag fh = { .ip6f_id = be32(id) };
	unsigned nxtoff = 6;

	for (unsigned at = 40; at < hlen; at += 8u * (whole[at + 1] + 1u))
		nxtoff = at;
	fh.ip6f_nxt = whole[nxtoff];
	fh.ip6f_off = be16((uint16_t)(off | (end < len - hlen)));
	memcpy(buf, whole, hlen);
	buf[nxtoff] = IPPROTO_FRAGMENT;
	memcpy(buf + hlen, &fh, 8);
	memcpy(buf + hlen + 8, whole + hlen + off, end - off);
	((struct iphdr6 *)(void *)buf)->ip6_plen =
	    be16((uint16_t)(hlen - 40 + 8 + end - off));
	return hlen + 8 + end - off;
}

static void
receive(struct in_test *it, struct tif *t, unsigned len, unsigned hlen,
    unsigned off, unsigned end, uint32_t id)
{

	inject6(it, t, buf, fragment(len, hlen, off, end, id));
}

/* Was an echo request put together and answered, in fragments or not? */
static bool
answered(struct in_test *it, struct tif *t, uint64_t n)
{
	bool ok = ip6stat(it, "icmp6.echo") == n && t->tif_ntx != 0;

	tif_clear(t);
	all_books(it);
	return ok;
}

static void
orders_body(struct in_test *it)
{
	static const uint8_t order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 },
	    { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct tif *a = &it->it_a;
	unsigned len, hlen;
	uint64_t n = 0;

	for (unsigned ext = 0; ext < 3; ext++)
		for (unsigned i = 0; i < 6; i++) {
			len = mk6_echo(whole, HOST_A, US_A, 290);
			hlen = 40;
			if (ext >= 1)
				len = mk6_ext(whole, len, 40, 6,
				    IPPROTO_ROUTING, "\0\0\0\0\0\0\0", 8);
			if (ext >= 2)
				len = mk6_ext(whole, len, 40, 6,
				    IPPROTO_HOPOPTS, "\1\1\4\0\0\0\0\1\6\0\0"
				    "\0\0\0\0", 16);
			hlen += ext == 0 ? 0 : ext == 1 ? 8 : 24;
			for (unsigned j = 0; j < 3; j++) {
				unsigned k = order[i][j];

				KASSERT(a->tif_ntx == 0);
				receive(it, a, len, hlen, k * 104, k == 2 ?
				    len - hlen : k * 104 + 104, 7);
			}
			KASSERT(tx6_icmp(a, 0) != NULL);
			KASSERT(memcmp(tx6_icmp(a, 0) + 1, whole + len - 290,
			    290) == 0);
			KASSERT(answered(it, a, ++n));
		}
	KASSERT(ip6stat(it, "ip6.fragments") == 54);
	KASSERT(ip6stat(it, "ip6.reassembled") == 18);
	/* The longest packet; by two interfaces. */
	len = mk6_echo(whole, HOST_A, US_A, 65535 - 8);
	((struct iphdr6 *)(void *)whole)->ip6_plen = 0xffff;
	for (unsigned off = 0; off < 65535; off += 1448)
		receive(it, off / 1448 % 2 ? a : &it->it_b, len, 40, off,
		    off + 1448 < 65535 ? off + 1448 : 65535, 8);
	KASSERT(answered(it, a, ++n));
	/* Packets are told apart by identification, source, and destination. */
	len = mk6_echo(whole, HOST_A, US_A, 290);
	receive(it, a, len, 40, 0, 104, 1);
	receive(it, a, len, 40, 104, len - 40, 2);
	whole[8 + 15] = 9;
	receive(it, a, len, 40, 104, len - 40, 1);
	whole[8 + 15] = 2;
	memcpy(whole + 24, inner6(US_B, NULL).na_bytes, 16);
	receive(it, a, len, 40, 104, len - 40, 1);
	KASSERT(a->tif_ntx == 0 && ifdata(a->tif_ifp).ifi_iqueued == 4);
	all_books(it);
}
IN6_TEST(orders, 1)

/* RFC 6946: a fragment that is the whole packet stands alone. */
static void
atomic_body(struct in_test *it)
{
	struct tif *a = &it->it_a;
	unsigned len = mk6_echo(whole, HOST_A, US_A, 290);

	receive(it, a, len, 40, 0, 104, 7);
	receive(it, a, len, 40, 0, len - 40, 7);
	KASSERT(answered(it, a, 1));
	receive(it, a, len, 40, 104, len - 40, 7);
	KASSERT(answered(it, a, 2));
	KASSERT(ip6stat(it, "ip6.atomic") == 1);
}
IN6_TEST(atomic, 1)

/* RFC 5722: overlapping fragments, and all others of their packet. */
static void
overlaps_body(struct in_test *it)
{
	static const uint16_t at[][2] = {
		{ 0, 112 }, { 96, 208 }, { 104, 112 }, { 96, 104 }, { 8, 296 },
		{ 200, 216 },
	};
	struct tif *a = &it->it_a;
	unsigned len = mk6_echo(whole, HOST_A, US_A, 290);

	for (unsigned i = 0; i < 6; i++) {
		uint64_t before = drops(a->tif_ifp, DROP_FRAG_OVERLAP);

		receive(it, a, len, 40, 0, 104, i);
		receive(it, a, len, 40, 104, 208, i);
		receive(it, a, len, 40, at[i][0], at[i][1], i);
		receive(it, a, len, 40, 208, len - 40, i);
		KASSERT(drops(a->tif_ifp, DROP_FRAG_OVERLAP) == before + 4);
		KASSERT(a->tif_ntx == 0);
		all_books(it);
	}
	/* A copy of the very same one does not matter. */
	receive(it, a, len, 40, 0, 104, 9);
	receive(it, a, len, 40, 0, 104, 9);
	KASSERT(drops(a->tif_ifp, DROP_FRAG_DUP) == 1);
	receive(it, a, len, 40, 104, len - 40, 9);
	KASSERT(answered(it, a, 1));
}
IN6_TEST(overlaps, 1)

static void
bad_body(struct in_test *it)
{
	struct tif *a = &it->it_a;
	unsigned len = mk6_echo(whole, HOST_A, US_A, 290), n;

	/* Cut within the fragment header. */
	for (unsigned i = 40; i < 48; i++) {
		(void)fragment(len, 40, 0, 104, 1);
		((struct iphdr6 *)(void *)buf)->ip6_plen =
		    be16((uint16_t)(i - 40));
		inject6(it, a, buf, i);
		KASSERT(a->tif_ntx == 0);
	}
	KASSERT(drops(a->tif_ifp, DROP_IP6_HEADERS) == 8);
	/* Of no bytes. */
	inject6(it, a, buf, fragment(len, 40, 104, 104, 1));
	KASSERT(drops(a->tif_ifp, DROP_FRAG_BAD) == 1 && a->tif_ntx == 0);
	/* A length that is no multiple of eight, but for the last. */
	n = fragment(len, 40, 0, 101, 1);
	inject6(it, a, buf, n);
	KASSERT(was_told(a, ICMP6H_PARAMPROB, ICMP6H_PARAMPROB_FIELD, 4, buf,
	    n));
	/* Beyond the longest packet. */
	n = fragment(len, 40, 0, 104, 1);
	buf[40] = IPPROTO_UDP;		/* an error is not told of errors */
	buf[42] = 0xff, buf[43] = 0x99;
	inject6(it, a, buf, n);
	KASSERT(was_told(a, ICMP6H_PARAMPROB, ICMP6H_PARAMPROB_FIELD, 42, buf,
	    n));
	KASSERT(drops(a->tif_ifp, DROP_FRAG_BAD) == 3);
	/* The end moves. */
	receive(it, a, len, 40, 0, 104, 2);
	receive(it, a, len, 40, 208, len - 40, 2);
	receive(it, a, len - 8, 40, 208, len - 48, 2);
	KASSERT(drops(a->tif_ifp, DROP_FRAG_BAD) == 6 && a->tif_ntx == 0);
	/* RFC 7112: a first fragment without all of the headers. */
	len = mk6_ext(whole, len, 40, 6, IPPROTO_DSTOPTS,
	    "\1\1\4\0\0\0\0\1\6\0\0\0\0\0\0", 16);
	n = fragment(len, 40, 0, 8, 3);
	inject6(it, a, buf, n);
	KASSERT(was_told(a, ICMP6H_PARAMPROB, ICMP6H_PARAMPROB_CHAIN, 0, buf,
	    n));
	all_books(it);
}
IN6_TEST(bad, 1)

static void
timeout_body(struct in_test *it)
{
	struct tif *a = &it->it_a;
	unsigned len = mk6_echo(whole, HOST_A, US_A, 290), n;

	receive(it, a, len, 40, 104, len - 40, 1);	/* no first one */
	receive(it, a, len, 40, 104, 208, 2);
	n = fragment(len, 40, 0, 104, 2);
	inject6(it, a, buf, n);
	sleep_ms(it, 59000);
	KASSERT(a->tif_ntx == 0);
	sleep_ms(it, 2000);
	KASSERT(drops(a->tif_ifp, DROP_FRAG_TIMEOUT) == 3);
	KASSERT(was_told(a, ICMP6H_TIMXCEED, ICMP6H_TIMXCEED_REASS, 0, buf,
	    n));
	all_books(it);
}
IN6_TEST(timeout, 1)

static void
limits_body(struct in_test *it)
{
	struct tif *a = &it->it_a;
	unsigned len = mk6_echo(whole, HOST_A, US_A, 290);

	KASSERT(set_sysctl(it, "net.inet6.ip6.maxfragpackets", 4) == 0);
	for (unsigned i = 0; i < 20; i++)
		receive(it, a, len, 40, 0, 104, i);
	KASSERT(drops(a->tif_ifp, DROP_FRAG_LIMIT) == 16);
	receive(it, a, len, 40, 104, len - 40, 19);
	KASSERT(answered(it, a, 1));
	KASSERT(set_sysctl(it, "net.inet6.ip6.maxfragpackets", 200) == 0);
	KASSERT(set_sysctl(it, "net.inet6.ip6.maxfrags", 6) == 0);
	for (unsigned i = 100; i < 120; i++)
		receive(it, a, len, 40, 0, 104, i);
	KASSERT(ifdata(a->tif_ifp).ifi_iqueued == 6);
	/* IPv4 has limits of its own. */
	KASSERT(set_sysctl(it, "net.inet6.ip6.maxfrags", 0) == 0);
	receive(it, a, len, 40, 0, 104, 200);
	KASSERT(a->tif_ntx == 0);
	all_books(it);
	/* The interface goes while fragments wait. */
	neigh6_set(it, a->tif_ifp, HOST_A, NULL);
	neigh6_set(it, a->tif_ifp, "fe80::2", NULL);
	tif_detach(a);
}

static void
limits_in6(struct in_test *it)
{

	in6_begin(it);
	limits_body(it);
	neigh6_set(it, it->it_b.tif_ifp, HOST_B, NULL);
	neigh6_set(it, it->it_b.tif_ifp, "fe80::2", NULL);
}

static void
limits(void **state)
{

	(void)state;
	in_on_sim(1, limits_in6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders),
		cmocka_unit_test(atomic),
		cmocka_unit_test(overlaps),
		cmocka_unit_test(bad),
		cmocka_unit_test(timeout),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
