/*
 * Pings of IPv6, and probes by UDP of both families: what is sent, what comes
 * back, what is refused.
 */

#include "in6_test.h"

struct heard {
	unsigned	 hd_n;
	struct ping_reply hd_last;
};

static void
hear(void *arg, const struct ping_reply *pr)
{
	struct heard *hd = arg;

	hd->hd_n++;
	hd->hd_last = *pr;
}

static struct ping *
open6(struct in_test *it, struct heard *hd, const struct ping_how *how)
{
	struct ping_how copy = { .ph_family = &ping_inet6 };
	struct ping *p;

	if (how != NULL)
		copy = *how;
	memset(hd, 0, sizeof(*hd));
	KASSERT(ping_open(it->it_vn, &copy, hear, hd, &p) == 0);
	return p;
}

/* Send a probe and let the stack come to rest; zone: of both addresses. */
static void
probe(struct in_test *it, struct ping *p, const char *dst, const char *src,
    const struct ifnet *zone, uint16_t seq, unsigned len)
{
	const union neigh_addr d = inner6(dst, zone);
	const union neigh_addr s = inner6(src != NULL ? src : "::", zone);

	KASSERT(ping_send(p, &d, &s, seq, len, 0) == 0);
	settle(it);
}

/* Answer the echo request that was sent first, from an address. */
static void
answer(struct in_test *it, struct tif *t, const char *src, const char *dst)
{
	const struct iphdr6 *ip6 = tx6(t, 0);
	unsigned len = be16(ip6->ip6_plen);
	uint8_t buf[1500];

	(void)mk6(buf, src, dst, IPPROTO_ICMPV6, 61, len);
	memcpy(buf + IP6_HLEN, ip6 + 1, len);
	buf[IP6_HLEN] = ICMP6H_ECHOREPLY;
	mk6_cksum(buf, IP6_HLEN, len, 2, IPPROTO_ICMPV6);
	inject6(it, t, buf, IP6_HLEN + len);
}

/* An error about the packet that was sent first, n bytes of which it quotes. */
static void
complain(struct in_test *it, struct tif *t, uint8_t type, uint8_t code,
    uint32_t word, unsigned n)
{
	uint8_t buf[1500];

	(void)mk6(buf, HOST_B, US_B, IPPROTO_ICMPV6, 64, 8 + n);
	memset(buf + IP6_HLEN, 0, 8);
	buf[IP6_HLEN] = type;
	buf[IP6_HLEN + 1] = code;
	word = be32(word);
	memcpy(buf + IP6_HLEN + 4, &word, 4);
	memcpy(buf + IP6_HLEN + 8, tx6(t, 0), n);
	mk6_cksum(buf, IP6_HLEN, 8 + n, 2, IPPROTO_ICMPV6);
	inject6(it, t, buf, IP6_HLEN + 8 + n);
}

static void
reply_body(struct in_test *it)
{
	struct tif *t = &it->it_b;
	struct heard hd;
	struct ping *p = open6(it, &hd, NULL);

	tif_clear(t);
	probe(it, p, HOST_B, NULL, NULL, 5, 56);
	KASSERT(tx6_icmp(t, 0)->icmp6_type == ICMP6H_ECHO &&
	    tx6(t, 0)->ip6_hlim == IP6_HLIM &&
	    be16(tx6(t, 0)->ip6_plen) == 64 &&
	    ip6_is(tx6(t, 0)->ip6_src, US_B));
	host_sleep(it->it_host, 7000000);
	answer(it, t, HOST_B, US_B);
	KASSERT(hd.hd_n == 1 && hd.hd_last.pr_seq == 5 &&
	    hd.hd_last.pr_hlim == 61 && hd.hd_last.pr_bytes == 64 &&
	    hd.hd_last.pr_type == ICMP6H_ECHOREPLY &&
	    hd.hd_last.pr_errno == 0 && hd.hd_last.pr_rtt_ns >= 7000000 &&
	    ip6_is(hd.hd_last.pr_from.na_bytes, HOST_B) &&
	    !hd.hd_last.pr_again);
	/* The same again is told as such. */
	answer(it, t, HOST_B, US_B);
	KASSERT(hd.hd_n == 2 && hd.hd_last.pr_again);
	/* A later probe, which is remembered in the same place. */
	tif_clear(t);
	probe(it, p, HOST_B, NULL, NULL, 5 + 512, 56);
	answer(it, t, HOST_B, US_B);
	KASSERT(hd.hd_n == 3 && !hd.hd_last.pr_again);
	/* A number that was not sent is not waited for. */
	ping_close(p);
	answer(it, t, HOST_B, US_B);
	KASSERT(hd.hd_n == 3 && drops(t->tif_ifp, DROP_ICMP6_UNWANTED) == 1);
	all_books(it);
}
IN6_TEST(reply, 2)

/* Link-local addresses have their zone there and back; so have groups. */
static void
zone_body(struct in_test *it)
{
	struct tif *t = &it->it_b;
	const char *us = linklocal6(t->tif_ifp);
	union neigh_addr from = inner6("fe80::2", t->tif_ifp), us_a;
	struct ping_how how = { .ph_family = &ping_inet6 };
	struct heard hd;
	struct ping *p = open6(it, &hd, NULL);

	tif_clear(t);
	probe(it, p, "fe80::2", NULL, t->tif_ifp, 1, 8);
	KASSERT(ip6_is(tx6(t, 0)->ip6_src, us) &&
	    ip6_is(tx6(t, 0)->ip6_dst, "fe80::2"));
	answer(it, t, "fe80::2", us);
	KASSERT(hd.hd_n == 1 && neigh_addr_equal(&hd.hd_last.pr_from, &from));
	/* Several answer a group. */
	tif_clear(t);
	probe(it, p, "ff02::1", NULL, t->tif_ifp, 2, 8);
	KASSERT(tx6(t, 0)->ip6_hlim == 1 && ip6_is(tx6(t, 0)->ip6_src, us));
	answer(it, t, "fe80::2", us);
	answer(it, t, "fe80::3", us);
	KASSERT(hd.hd_n == 3);
	/* The source of another link. */
	us_a = inner6(linklocal6(it->it_a.tif_ifp), it->it_a.tif_ifp);
	KASSERT(ping_source_usable(p, &us_a));
	KASSERT(ping_send(p, &from, &us_a, 3, 8, 0) == 0);
	settle(it);
	KASSERT(hd.hd_n == 4 && hd.hd_last.pr_errno == EHOSTUNREACH);
	ping_close(p);
	/* A wider group goes by the link that is named. */
	how.ph_ifindex = t->tif_ifp->if_index;
	p = open6(it, &hd, &how);
	tif_clear(t);
	probe(it, p, "ff05::2", NULL, NULL, 1, 8);
	KASSERT(tx6(t, 0) != NULL && ip6_is(tx6(t, 0)->ip6_dst, "ff05::2"));
	ping_close(p);
	how.ph_ifindex = 9999;
	p = open6(it, &hd, &how);
	probe(it, p, "ff05::2", NULL, NULL, 1, 8);
	KASSERT(hd.hd_n == 1 && hd.hd_last.pr_errno == ENXIO);
	ping_close(p);
	all_books(it);
}
IN6_TEST(zone, 1)

/* Through lo0 and our own addresses; ::1 is on no wire. */
static void
ourselves_body(struct in_test *it)
{
	const char *const dsts[] = { "::1", US_A };
	struct heard hd;
	struct ping *p = open6(it, &hd, NULL);
	union neigh_addr lo = inner6("::1", NULL);

	for (unsigned i = 0; i < 2; i++) {
		probe(it, p, dsts[i], NULL, NULL, (uint16_t)i, 20000);
		KASSERT(hd.hd_n == i + 1 && hd.hd_last.pr_bytes == 20008 &&
		    ip6_is(hd.hd_last.pr_from.na_bytes, dsts[i]));
	}
	/* Not as the source of what leaves, either. */
	KASSERT(ping_source_usable(p, &lo));
	tif_clear(&it->it_b);
	probe(it, p, HOST_B, "::1", NULL, 3, 8);
	KASSERT(it->it_b.tif_ntx == 0 && hd.hd_n == 3 &&
	    hd.hd_last.pr_errno == EADDRNOTAVAIL);
	ping_close(p);
	all_books(it);
}
IN6_TEST(ourselves, 1)

static void
errors_body(struct in_test *it)
{
	struct tif *t = &it->it_b;
	struct heard hd;
	struct ping *p = open6(it, &hd, NULL);
	union neigh_addr theirs = inner6(HOST_B, NULL);

	probe(it, p, "2001:db8:99::1", NULL, NULL, 1, 8);
	KASSERT(hd.hd_n == 1 && hd.hd_last.pr_errno == ENETUNREACH);
	probe(it, p, "fe80::2", NULL, NULL, 1, 8);	/* without a zone */
	KASSERT(hd.hd_n == 2 && hd.hd_last.pr_errno == EHOSTUNREACH);
	KASSERT(!ping_source_usable(p, &theirs));
	probe(it, p, HOST_B, HOST_B, NULL, 2, 8);
	KASSERT(hd.hd_n == 3 && hd.hd_last.pr_errno == EADDRNOTAVAIL);
	KASSERT(ping_send(p, &theirs, &theirs, 1, 65528, 0) == EMSGSIZE);
	/* Errors of others, and their word. */
	tif_clear(t);
	probe(it, p, HOST_B, NULL, NULL, 7, 100);
	complain(it, t, ICMP6H_TOOBIG, 0, 1400, 148);
	KASSERT(hd.hd_n == 4 && hd.hd_last.pr_seq == 7 &&
	    hd.hd_last.pr_type == ICMP6H_TOOBIG && hd.hd_last.pr_mtu == 1400);
	complain(it, t, ICMP6H_UNREACH, 3, 77, 48);
	KASSERT(hd.hd_n == 5 && hd.hd_last.pr_type == ICMP6H_UNREACH &&
	    hd.hd_last.pr_code == 3 && hd.hd_last.pr_mtu == 0);
	/* Cut anywhere before the end of the echo's header, it is nobody's. */
	for (unsigned n = 0; n < 48; n++)
		complain(it, t, ICMP6H_TIMXCEED, 0, 0, n);
	KASSERT(hd.hd_n == 5 && drops(t->tif_ifp, DROP_ICMP6_UNWANTED) == 48);
	ping_close(p);
	all_books(it);
}
IN6_TEST(errors, 1)

/* Fragments as asked for: of the link's MTU, of the least one, none. */
static void
sizes_body(struct in_test *it)
{
	struct ping_how how = { .ph_family = &ping_inet6 };
	struct tif *t = &it->it_b;
	static const struct {
		uint8_t		 flags;
		unsigned	 len, packets, first;
		int		 error;
	} rows[] = {
		{ 0, 1452, 1, 1500, 0 },
		{ 0, 1453, 2, 1496, 0 },
		{ PING_MINMTU, 1232, 1, 1280, 0 },
		{ PING_MINMTU, 1233, 2, 1280, 0 },
		{ PING_WHOLE, 1452, 1, 1500, 0 },
		{ PING_WHOLE, 1453, 0, 0, EMSGSIZE },
	};
	struct heard hd;
	struct ping *p;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		how.ph_flags = rows[i].flags;
		p = open6(it, &hd, &how);
		tif_clear(t);
		probe(it, p, HOST_B, NULL, NULL, 1, rows[i].len);
		KASSERT(t->tif_ntx == rows[i].packets);
		KASSERT(rows[i].packets == 0 || t->tif_tx[0].tp_len - 14 ==
		    rows[i].first);
		KASSERT(hd.hd_last.pr_errno == rows[i].error);
		ping_close(p);
	}
	all_books(it);
}
IN6_TEST(sizes, 1)

/* UDP probes: the ports, the checksum, and errors that come back for them;
 * whoever pings is not told of them. */
static void
udp_body(struct in_test *it)
{
	struct ping_how how = { .ph_family = &ping_inet6, .ph_port = 33434 };
	struct tif *t = &it->it_b;
	struct heard hd, other;
	struct ping *p = open6(it, &hd, &how), *q = open6(it, &other, NULL);
	const uint8_t *udp;
	unsigned len;

	tif_clear(t);
	probe(it, p, HOST_B, NULL, NULL, 3, 12);
	KASSERT(tx6(t, 0)->ip6_nxt == IPPROTO_UDP);
	udp = (const uint8_t *)(tx6(t, 0) + 1);
	len = be16(tx6(t, 0)->ip6_plen);
	KASSERT(len == 20 && (udp[0] & 0x80) != 0 &&
	    (udp[2] << 8 | udp[3]) == 33437 && udp[5] == 20 &&
	    (udp[6] | udp[7]) != 0);
	KASSERT(in_cksum_fold(in_cksum_add(udp, len, in6_cksum_pseudo(
	    tx6(t, 0)->ip6_src, IPPROTO_UDP, len))) == 0);
	complain(it, t, ICMP6H_UNREACH, ICMP6H_UNREACH_PORT, 0, 60);
	KASSERT(hd.hd_n == 1 && hd.hd_last.pr_seq == 3 &&
	    hd.hd_last.pr_code == ICMP6H_UNREACH_PORT && other.hd_n == 0);
	/* A port of ours says the same, because nobody listens there. */
	probe(it, p, US_A, NULL, NULL, 4, 12);
	KASSERT(hd.hd_n == 2 && hd.hd_last.pr_seq == 4 &&
	    ip6_is(hd.hd_last.pr_from.na_bytes, US_A));
	ping_close(p);
	ping_close(q);
	all_books(it);
}
IN6_TEST(udp, 1)

static void
udp4_body(struct in_test *it)
{
	struct ping_how how = { .ph_family = &ping_inet, .ph_port = 33434 };
	struct tif *t = &it->it_b;
	struct heard hd;
	struct ping *p = open6(it, &hd, &how);
	const struct iphdr4 *ip;
	uint8_t buf[100];

	tif_clear(t);
	KASSERT(ping(p, "10.0.2.2", NULL, 2, 12, 9) == 0);
	settle(it);
	ip = tx_ip(t, 0);
	KASSERT(ip->ip_p == IPPROTO_UDP && ip->ip_ttl == 9 &&
	    be16(ip->ip_len) == 40);
	(void)mk_ip(buf, "10.0.2.2", "10.0.2.1", 1, 60, 8 + 28);
	memset(buf + 20, 0, 8);
	buf[20] = ICMP4_TIMXCEED;
	memcpy(buf + 28, ip, 28);
	*(uint16_t *)(void *)(buf + 22) = in_cksum_fold(in_cksum_add(buf + 20,
	    36, 0));
	inject(it, t, buf, 56);
	KASSERT(hd.hd_n == 1 && hd.hd_last.pr_type == ICMP4_TIMXCEED &&
	    hd.hd_last.pr_seq == 2);
	/* A later fragment has no ports. */
	buf[28 + 7] = 1;
	*(uint16_t *)(void *)(buf + 22) = 0;
	*(uint16_t *)(void *)(buf + 22) = in_cksum_fold(in_cksum_add(buf + 20,
	    36, 0));
	inject(it, t, buf, 56);
	KASSERT(hd.hd_n == 1);
	/* This host, through lo0. */
	KASSERT(ping(p, "10.0.1.1", NULL, 3, 12, 9) == 0);
	settle(it);
	KASSERT(hd.hd_n == 2 && hd.hd_last.pr_type == ICMP4_UNREACH &&
	    hd.hd_last.pr_code == ICMP4_UNREACH_PORT);
	ping_close(p);
	all_books(it);
}
IN6_TEST(udp4, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reply),
		cmocka_unit_test(zone),
		cmocka_unit_test(ourselves),
		cmocka_unit_test(errors),
		cmocka_unit_test(sizes),
		cmocka_unit_test(udp),
		cmocka_unit_test(udp4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
