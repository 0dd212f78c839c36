/*
 * IPv6 packets made here: routes, sources, scopes, loopback, fragments; and
 * offloads of packets on their way.
 */

#include "in6_test.h"		/* under test */

static uint8_t buf[70000];

struct output {
	struct in_test	*ou_it;
	const char	*ou_src, *ou_dst;
	struct ifnet	*ou_srczone, *ou_dstzone;	/* or NULL */
	unsigned	 ou_len;	/* of data */
	bool		 ou_router;	/* with a router alert */
	struct ip6_out	 ou_how;
	int		 ou_error;
};

static void
output_cpu(void *arg)
{
	struct output *ou = arg;
	struct iphdr6 *ip6 = (struct iphdr6 *)(void *)buf;
	struct mbuf *m;
	unsigned len;

	len = mk6_echo(buf, "::", "::", ou->ou_len);
	if (ou->ou_router)
		len = mk6_ext(buf, len, 40, 6, IPPROTO_HOPOPTS,
		    "\0\5\2\0\0\1\0", 8);
	ip6->ip6_flow = 0;
	ip6->ip6_plen = 0;
	ip6->ip6_hlim = 0;
	memcpy(ip6->ip6_src, inner6(ou->ou_src, ou->ou_srczone).na_bytes, 16);
	memcpy(ip6->ip6_dst, inner6(ou->ou_dst, ou->ou_dstzone).na_bytes, 16);
	m = m_gethdr();
	KASSERT(m != NULL && m_append(m, buf, len) == 0);
	ou->ou_error = ip6_output(rt_main(ou->ou_it->it_vn), m, &ou->ou_how);
}

/* Send an echo request; the errno. */
static int
output(struct in_test *it, struct output ou)
{

	ou.ou_it = it;
	if (ou.ou_src == NULL)
		ou.ou_src = "::";
	on_cpu(it, output_cpu, &ou);
	return ou.ou_error;
}

/* Did a packet leave by t alone, from src to dst, with this hop limit and MAC
 * address? */
static bool
left(struct in_test *it, struct tif *t, const char *src, const char *dst,
    uint8_t hlim, const uint8_t *mac)
{
	struct tif *other = t == &it->it_a ? &it->it_b : &it->it_a;
	const struct iphdr6 *ip6 = tx6(t, 0);
	bool ok;

	ok = t->tif_ntx == 1 && other->tif_ntx == 0 && ip6 != NULL &&
	    ip6_is(ip6->ip6_src, src) && ip6_is(ip6->ip6_dst, dst) &&
	    ip6->ip6_hlim == hlim && (be32(ip6->ip6_flow) << 4 >> 24) == 0 &&
	    memcmp(t->tif_tx[0].tp_data, mac, 6) == 0;
	if (ip6 != NULL && ip6->ip6_nxt == IPPROTO_ICMPV6)
		KASSERT(tx6_icmp(t, 0) != NULL);
	tif_clear(t);
	all_books(it);
	return ok;
}

static void
routes_body(struct in_test *it)
{
	struct tif *a = &it->it_a, *b = &it->it_b;

	KASSERT(output(it, (struct output){ .ou_dst = HOST_A }) == 0);
	KASSERT(left(it, a, US_A, HOST_A, 64, a->tif_peer));
	KASSERT(output(it, (struct output){ .ou_dst = HOST_B,
	    .ou_src = US_A, .ou_how = { .io_hlim = 7 } }) == 0);
	KASSERT(left(it, b, US_A, HOST_B, 7, b->tif_peer));
	KASSERT(output(it, (struct output){ .ou_dst = "4000::1" }) ==
	    ENETUNREACH);
	KASSERT(route6_add(it, "4000::", 16, "fe80::2", b->tif_ifp, 0, 0) == 0);
	KASSERT(output(it, (struct output){ .ou_dst = "4000::1" }) == 0);
	KASSERT(left(it, b, US_B, "4000::1", 64, b->tif_peer));
	KASSERT(route6_add(it, "4000:1::", 32, NULL, NULL, RTF_REJECT, 0) == 0);
	KASSERT(route6_add(it, "4000:2::", 32, NULL, NULL, RTF_BLACKHOLE, 0) ==
	    0);
	KASSERT(output(it, (struct output){ .ou_dst = "4000:1::1" }) ==
	    EHOSTUNREACH);
	KASSERT(output(it, (struct output){ .ou_dst = "4000:2::1" }) ==
	    ENETUNREACH);
	/* No host has these. */
	KASSERT(route6_add(it, "::", 0, "fe80::2", b->tif_ifp, 0, 0) == 0);
	KASSERT(output(it, (struct output){ .ou_dst = "::" }) == ENETUNREACH);
	KASSERT(output(it, (struct output){ .ou_dst = "::ffff:10.0.0.1" }) ==
	    ENETUNREACH);
	/* Not our source. */
	KASSERT(output(it, (struct output){ .ou_dst = HOST_B,
	    .ou_src = HOST_A }) == EADDRNOTAVAIL);
	in_up(b->tif_ifp, false);
	KASSERT(output(it, (struct output){ .ou_dst = US_B }) != 0);
	KASSERT(a->tif_ntx == 0);
}
IN6_TEST(routes, 1)

/* Zones: a link-local address means one on its own link. */
static void
zones_body(struct in_test *it)
{
	struct tif *a = &it->it_a, *b = &it->it_b;
	const uint8_t group[6] = { 0x33, 0x33, 0, 0, 0, 1 };
	const char *us_a = linklocal6(a->tif_ifp);
	const char *us_b = linklocal6(b->tif_ifp);

	KASSERT(output(it, (struct output){ .ou_dst = "fe80::2",
	    .ou_dstzone = a->tif_ifp }) == 0);
	KASSERT(left(it, a, us_a, "fe80::2", 64, a->tif_peer));
	KASSERT(output(it, (struct output){ .ou_dst = "fe80::2",
	    .ou_dstzone = b->tif_ifp }) == 0);
	KASSERT(left(it, b, us_b, "fe80::2", 64, b->tif_peer));
	KASSERT(output(it, (struct output){ .ou_dst = "fe80::2" }) ==
	    EHOSTUNREACH);
	KASSERT(output(it, (struct output){ .ou_dst = "ff02::1" }) ==
	    EHOSTUNREACH);
	KASSERT(output(it, (struct output){ .ou_dst = "fe80::2",
	    .ou_dstzone = b->tif_ifp, .ou_src = us_a,
	    .ou_srczone = a->tif_ifp }) == EHOSTUNREACH);
	/* Groups: their zone names the interface. */
	KASSERT(output(it, (struct output){ .ou_dst = "ff02::1",
	    .ou_dstzone = b->tif_ifp }) == 0);
	KASSERT(left(it, b, us_b, "ff02::1", 1, group));
	KASSERT(output(it, (struct output){ .ou_dst = "ff0e::1" }) ==
	    ENETUNREACH);
	KASSERT(output(it, (struct output){ .ou_dst = "ff0e::1",
	    .ou_how = { .io_ifp = a->tif_ifp, .io_hlim = 255 } }) == 0);
	KASSERT(left(it, a, US_A, "ff0e::1", 255, group));
	/* As neighbour discovery sends: from nobody, or on a link. */
	KASSERT(output(it, (struct output){ .ou_dst = "ff02::1",
	    .ou_dstzone = a->tif_ifp, .ou_how = { .io_hlim = 255,
	    .io_flags = IP6_OUT_SOURCE } }) == 0);
	KASSERT(left(it, a, "::", "ff02::1", 255, group));
	neigh6_set(it, b->tif_ifp, HOST_A, b->tif_peer);
	KASSERT(output(it, (struct output){ .ou_dst = HOST_A,
	    .ou_how = { .io_ifp = b->tif_ifp } }) == 0);
	KASSERT(left(it, b, US_B, HOST_A, 64, b->tif_peer));
	neigh6_set(it, b->tif_ifp, HOST_A, NULL);
	/* The checksum of what is behind a router alert (MLD). */
	KASSERT(output(it, (struct output){ .ou_dst = "ff02::1",
	    .ou_dstzone = a->tif_ifp, .ou_router = true }) == 0);
	KASSERT(tx6(a, 0)->ip6_nxt == IPPROTO_HOPOPTS);
	KASSERT(in_cksum_fold(in_cksum_add(a->tif_tx[0].tp_data + 62, 8,
	    in6_cksum_pseudo(tx6(a, 0)->ip6_src, IPPROTO_ICMPV6, 8))) == 0);
	tif_clear(a);
}
IN6_TEST(zones, 1)

/* To ourselves: by lo0, but for addresses of one link. */
static void
loopback_body(struct in_test *it)
{
	const struct {
		const char *to;
		struct ifnet *zone;
		bool	 lo;
	} dests[] = {
		{ "::1", NULL, true }, { US_A, NULL, true },
		{ US_B, NULL, true },
		{ linklocal6(it->it_a.tif_ifp), it->it_a.tif_ifp, false },
	};
	uint64_t echo = 0, reply;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t lo = ifdata(it->it_lo).ifi_ipackets;

		KASSERT(output(it, (struct output){ .ou_dst = dests[i].to,
		    .ou_dstzone = dests[i].zone, .ou_len = 3000 }) == 0);
		sleep_ms(it, 1);
		KASSERT(ip6stat(it, "icmp6.echo") == ++echo);
		reply = ip6stat(it, "icmp6.echoreply");
		KASSERT(reply == echo);
		KASSERT(ifdata(it->it_lo).ifi_ipackets ==
		    lo + (dests[i].lo ? 2 : 0));
		KASSERT(it->it_a.tif_ntx == 0 && it->it_b.tif_ntx == 0);
		all_books(it);
	}
}
IN6_TEST(loopback, 1)

/* --- fragments ------------------------------------------------------------ */

/* Put the fragments that t sent together again, into buf; the length. */
static unsigned
together(const struct tif *t, unsigned hlen, unsigned mtu)
{
	const uint8_t *p;
	struct ip6_frag fh;
	unsigned at = 0, n;

	for (unsigned i = 0; i < t->tif_ntx; i++) {
		KASSERT(tx6(t, i) != NULL);
		p = t->tif_tx[i].tp_data + 14;
		memcpy(&fh, p + hlen, sizeof(fh));
		n = t->tif_tx[i].tp_len - 14 - hlen - 8;
		KASSERT(t->tif_tx[i].tp_len - 14 <= mtu);
		KASSERT((be16(fh.ip6f_off) & IP6F_OFFMASK) == at);
		KASSERT((be16(fh.ip6f_off) & IP6F_MORE) ==
		    (i + 1 < t->tif_ntx));
		KASSERT(i + 1 == t->tif_ntx || n == ((mtu - hlen - 8) & ~7u));
		memcpy(buf + at, p + hlen + 8, n);
		at += n;
	}
	return at;
}

static void
fragments_body(struct in_test *it)
{
	struct tif *b = &it->it_b;
	unsigned len;

	KASSERT(route6_add(it, "4000::", 16, HOST_B, NULL, 0, 1280) == 0);
	for (len = 1225; len < 9000; len += len < 1240 ? 1 : 333) {
		KASSERT(output(it, (struct output){ .ou_dst = "4000::1",
		    .ou_len = len }) == 0);
		if (len + 48 <= 1280) {
			KASSERT(left(it, b, US_B, "4000::1", 64,
			    b->tif_peer));
			continue;
		}
		KASSERT(together(b, 40, 1280) == len + 8);
		KASSERT(in_cksum_fold(in_cksum_add(buf, len + 8,
		    in6_cksum_pseudo(tx6(b, 0)->ip6_src, IPPROTO_ICMPV6,
		    len + 8))) == 0);
		for (unsigned i = 0; i < len; i++)
			KASSERT(buf[8 + i] == (uint8_t)(i * 13 + 1));
		tif_clear(b);
		all_books(it);
	}
	/* Hop-by-hop options are in every fragment. */
	KASSERT(output(it, (struct output){ .ou_dst = "4000::1",
	    .ou_len = 3000, .ou_router = true }) == 0);
	KASSERT(together(b, 48, 1280) == 3008);
	for (unsigned i = 0; i < b->tif_ntx; i++) {
		KASSERT(tx6(b, i)->ip6_nxt == IPPROTO_HOPOPTS);
		KASSERT(b->tif_tx[i].tp_data[54] == IPPROTO_FRAGMENT);
		KASSERT(b->tif_tx[i].tp_data[62] == IPPROTO_ICMPV6);
	}
	tif_clear(b);
	/* No packet is longer. */
	KASSERT(output(it, (struct output){ .ou_dst = HOST_B,
	    .ou_len = 65535 - 8 }) == 0);
	KASSERT(b->tif_ntx == 46);
	tif_clear(b);
	KASSERT(output(it, (struct output){ .ou_dst = HOST_B,
	    .ou_len = 65536 - 8 }) == EMSGSIZE);
}
IN6_TEST(fragments, 1)

/* --- offloads ------------------------------------------------------------- */

/* A TCP segment of len bytes with its checksum left open. */
static unsigned
mk6_tcp(uint8_t *p, unsigned len)
{
	unsigned total = mk6(p, HOST_A, HOST_B, IPPROTO_TCP, 64, 20 + len);
	uint8_t *th = p + IP6_HLEN;
	uint16_t sum;

	memset(th, 0, 20);
	th[1] = 1, th[3] = 2, th[4] = 0xff, th[5] = 0xff, th[6] = 0xff;
	th[12] = 0x50;
	th[13] = 0x19;		/* FIN, PSH, ACK */
	for (unsigned i = 0; i < len; i++)
		th[20 + i] = (uint8_t)(i * 11);
	sum = (uint16_t)~in_cksum_fold(in6_cksum_pseudo(p + 8, IPPROTO_TCP,
	    20 + len));
	memcpy(th + 16, &sum, 2);
	return total;
}

static bool
tcp_sum_ok(const struct tif *t, unsigned i)
{
	const struct iphdr6 *ip6 = tx6(t, i);
	unsigned len = be16(ip6->ip6_plen);

	return in_cksum_fold(in_cksum_add(ip6 + 1, len, in6_cksum_pseudo(
	    ip6->ip6_src, IPPROTO_TCP, len))) == 0;
}

static void
offload_body(struct in_test *it)
{
	struct tif *b = &it->it_b;
	struct inject in = { .in_t = &it->it_a, .in_data = buf,
	    .in_csum_flags = M_CSUM_PARTIAL, .in_csum_start = IP6_HLEN + 14,
	    .in_csum_offset = 16 };
	unsigned at = 0, n;

	/* A checksum left open. */
	in.in_len = mk6_tcp(buf, 100);
	inject6_as(it, in);
	KASSERT(b->tif_ntx == 1 && tcp_sum_ok(b, 0));
	KASSERT(b->tif_tx[0].tp_csum_flags == 0);
	tif_clear(b);
	b->tif_ifp->if_csum_tx = M_CSUM_PARTIAL;
	inject6_as(it, in);
	KASSERT(b->tif_ntx == 1 && !tcp_sum_ok(b, 0));
	KASSERT(b->tif_tx[0].tp_csum_flags == M_CSUM_PARTIAL);
	KASSERT(b->tif_tx[0].tp_csum_start == 54);
	tif_clear(b);
	b->tif_ifp->if_csum_tx = 0;

	/* TCP in one piece that is larger than the link: cut, each with a
	 * sequence number of its own. */
	in.in_len = mk6_tcp(buf, 10000);
	in.in_csum_flags |= M_TSO6;
	in.in_segsz = 1440;
	inject6_as(it, in);
	KASSERT(b->tif_ntx == 7);
	for (unsigned i = 0; i < 7; i++) {
		const uint8_t *th = b->tif_tx[i].tp_data + 54;
		uint32_t seq;

		n = b->tif_tx[i].tp_len - 74;
		KASSERT(n == (i < 6 ? 1440 : 10000 - 6 * 1440));
		KASSERT(tx6(b, i)->ip6_hlim == 63 && tcp_sum_ok(b, i));
		memcpy(&seq, th + 4, 4);
		KASSERT(be32(seq) == 0xffffff00u + at);
		KASSERT(th[13] == (i < 6 ? 0x10 : 0x19));
		KASSERT(memcmp(th + 20, buf + 60 + at, n) == 0);
		at += n;
	}
	KASSERT(at == 10000 && ip6stat(it, "ip6.segmented") == 1);
	tif_clear(b);
	/* An interface that cuts it itself gets it whole. */
	b->tif_ifp->if_csum_tx = M_CSUM_PARTIAL | M_TSO6;
	inject6_as(it, in);
	KASSERT(b->tif_ntx == 1 && b->tif_tx[0].tp_len == in.in_len + 14);
	KASSERT(b->tif_tx[0].tp_segsz == 1440);
	tif_clear(b);
	b->tif_ifp->if_csum_tx = 0;
	/* Segments too large: no router cuts them. */
	in.in_segsz = 1441;
	inject6_as(it, in);
	KASSERT(was_told(&it->it_a, ICMP6H_TOOBIG, 0, 1500, buf, in.in_len));
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP6_TOOBIG) == 1);
	/* Offload state of TCP over IPv4, or over something else. */
	in.in_segsz = 1440;
	in.in_csum_flags = M_CSUM_PARTIAL | M_TSO4;
	inject6_as(it, in);
	in.in_csum_flags = M_CSUM_PARTIAL | M_TSO6;
	buf[6] = IPPROTO_UDP;
	inject6_as(it, in);
	KASSERT(b->tif_ntx == 0);
	tif_clear(&it->it_a);
	/* A checksum that has no place. */
	in.in_csum_flags = M_CSUM_PARTIAL;
	in.in_len = mk6_tcp(buf, 100);
	in.in_csum_start = 14 + 38;
	inject6_as(it, in);
	in.in_csum_start = 14 + 2000;
	inject6_as(it, in);
	KASSERT(drops(b->tif_ifp, DROP_TX_OFFLOAD) == 2 && b->tif_ntx == 0);
	all_books(it);
}
IN6_TEST(offload, 1)

static uint32_t
label_to(struct in_test *it, const char *dst, const struct ifnet *zone)
{
	struct tif *t = &it->it_b;
	uint32_t flow;

	tif_clear(t);
	KASSERT(output(it, (struct output){ .ou_dst = dst,
	    .ou_dstzone = (struct ifnet *)(uintptr_t)zone }) == 0);
	KASSERT(tx6(t, 0) != NULL);
	flow = be32(tx6(t, 0)->ip6_flow) & IP6_FLOWLABEL;
	tif_clear(t);
	return flow;
}

/* Flow labels (RFC 6437 3): one a flow, kept on the way through. */
static void
labels_body(struct in_test *it)
{
	uint32_t first, differ = 0;
	char dst[INET6_ADDRSTRLEN];
	unsigned len;

	KASSERT(route6_add(it, "2001:db8:99::", 48, HOST_B, NULL, RTF_STATIC,
	    0) == 0);
	first = label_to(it, HOST_B, NULL);
	KASSERT(first != 0 && label_to(it, HOST_B, NULL) == first);
	for (unsigned i = 0; i < 40; i++) {
		(void)snprintf(dst, sizeof(dst), "2001:db8:99::%x", i + 1);
		differ += label_to(it, dst, NULL) != first;
	}
	KASSERT(differ >= 38);
	KASSERT(label_to(it, "fe80::2", it->it_b.tif_ifp) == 0);
	KASSERT(set_sysctl(it, "net.inet6.ip6.auto_flowlabel", 0) == 0);
	KASSERT(label_to(it, HOST_B, NULL) == 0);
	KASSERT(set_sysctl(it, "net.inet6.ip6.auto_flowlabel", 1) == 0);
	len = mk6_udp(buf, HOST_A, HOST_B, 64, 20);
	for (unsigned i = 0; i < 2; i++) {
		buf[1] = (uint8_t)(buf[1] | (i != 0 ? 7 : 0));
		buf[3] = i != 0 ? 0x99 : 0;
		inject6(it, &it->it_a, buf, len);
		KASSERT((be32(tx6(&it->it_b, 0)->ip6_flow) & IP6_FLOWLABEL) ==
		    (i != 0 ? 0x70099 : 0));
		tif_clear(&it->it_b);
	}
}
IN6_TEST(labels, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes),
		cmocka_unit_test(zones),
		cmocka_unit_test(loopback),
		cmocka_unit_test(labels),
		cmocka_unit_test(fragments),
		cmocka_unit_test(offload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
