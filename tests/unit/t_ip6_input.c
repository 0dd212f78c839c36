/*
 * Received IPv6 packets: plain ones in vectors, all others one by one: what is
 * forwarded, delivered, refused, and with which error (RFC 8200, 4443, 4007).
 */

#include "in6_test.h"		/* under test */

static uint8_t buf[70000];

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

/* Likewise, but its source is told. */
static void
told(struct in_test *it, unsigned len, enum drop_reason why, uint8_t type,
    uint8_t code, uint32_t word)
{
	uint64_t before = drops(it->it_a.tif_ifp, why);

	inject6(it, &it->it_a, buf, len);
	KASSERT(drops(it->it_a.tif_ifp, why) == before + 1);
	KASSERT(it->it_b.tif_ntx == 0);
	KASSERT(was_told(&it->it_a, type, code, word, buf, len));
	all_books(it);
}

/* Likewise, but it is forwarded to it_b as it is but for its hop limit. */
static void
forwarded(struct in_test *it, unsigned len)
{

	inject6(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 0 && it->it_b.tif_ntx == 1);
	KASSERT(tx6(&it->it_b, 0) != NULL);
	buf[7]--;
	KASSERT(it->it_b.tif_tx[0].tp_len == len + 14);
	KASSERT(memcmp(it->it_b.tif_tx[0].tp_data + 14, buf,
	    len < TIF_ROOM - 14 ? len : TIF_ROOM - 14) == 0);
	KASSERT(memcmp(it->it_b.tif_tx[0].tp_data, it->it_b.tif_peer, 6) == 0);
	tif_clear(&it->it_b);
	all_books(it);
}

/* --- plain packets -------------------------------------------------------- */

static void
plain_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	unsigned len;

	len = mk6_udp(buf, HOST_A, HOST_B, 64, 20);
	forwarded(it, len);
	/* Whole vectors, and padding. */
	inject6_n(it, &it->it_a, buf, len, 200);
	KASSERT(it->it_b.tif_ntx == 200);
	KASSERT(ifdata(a).ifi_ipackets == 201);
	KASSERT(ip6stat(it, "ip6.forwarded") == 201);
	KASSERT(ip6stat(it, "ip6.received") == 201);
	tif_clear(&it->it_b);
	inject6(it, &it->it_a, buf, len + 6);
	KASSERT(it->it_b.tif_ntx == 1 && tx6(&it->it_b, 0) != NULL);
	KASSERT(it->it_b.tif_tx[0].tp_len == len + 14);
	tif_clear(&it->it_b);
	/* A header that is all there is. */
	forwarded(it, mk6(buf, HOST_A, HOST_B, IPPROTO_NONE, 2, 0));
	/* Unique local and site-local addresses are as any (RFC 3879 4). */
	KASSERT(route6_add(it, "fd00::", 8, HOST_B, NULL, 0, 0) == 0);
	KASSERT(route6_add(it, "fec0::", 10, HOST_B, NULL, 0, 0) == 0);
	forwarded(it, mk6_udp(buf, HOST_A, "fd12::1", 64, 20));
	forwarded(it, mk6_udp(buf, HOST_A, "fec0::1", 64, 20));
	forwarded(it, mk6_udp(buf, "64:ff9b::1", HOST_B, 64, 20));
	/* To where it came from. */
	KASSERT(route6_add(it, "3fff::", 20, HOST_A, NULL, 0, 0) == 0);
	len = mk6_udp(buf, HOST_B, "3fff::1", 64, 20);
	KASSERT(set_sysctl(it, "net.inet6.ip6.rpf", 0) == 0);
	inject6(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 1 && tx6(&it->it_a, 0)->ip6_hlim == 63);
	tif_clear(&it->it_a);
}
IN6_TEST(plain, 1)

struct several {
	struct in_test	*se_it;
	unsigned	 se_n;
};

/* A vector of packets of all kinds: those that are forwarded keep their
 * order. */
static void
several_cpu(void *arg)
{
	struct several *se = arg;
	struct tif *t = &se->se_it->it_a;
	uint8_t pkt[200], eh[14] = { 0 };
	struct mvec mv;
	struct mbuf *m;
	unsigned len;

	memcpy(eh, t->tif_mac, 6);
	memcpy(eh + 6, t->tif_peer, 6);
	eh[12] = 0x86, eh[13] = 0xdd;
	mv.mv_n = 0;
	for (unsigned i = 0; i < se->se_n; i++) {
		len = mk6_udp(pkt, HOST_A, i % 7 == 3 ? "3fff::1" : HOST_B,
		    i % 5 == 0 ? 1 : 64, 20);
		if (i % 3 == 0)
			len = mk6_ext(pkt, len, 40, 6, IPPROTO_HOPOPTS,
			    "\0\1\4\0\0\0\0", 8);
		pkt[len - 1] = (uint8_t)i;
		m = m_gethdr();
		KASSERT(m != NULL && m_append(m, eh, 14) == 0 &&
		    m_append(m, pkt, len) == 0);
		mv.mv_m[mv.mv_n++] = m;
	}
	if_input_vec(t->tif_ifp, &mv);
}

static void
order_body(struct in_test *it)
{
	struct several se = { it, 210 };
	unsigned n = 0;
	int last = -1;

	KASSERT(route6_add(it, "3fff::", 20, HOST_A, NULL, 0, 0) == 0);
	on_cpu(it, several_cpu, &se);
	KASSERT(it->it_b.tif_ntx == 210 - 42 - 30 + 6);
	for (unsigned i = 0; i < it->it_b.tif_ntx; i++) {
		const struct tif_packet *tp = &it->it_b.tif_tx[i];

		KASSERT((int)tp->tp_data[tp->tp_len - 1] > last);
		last = tp->tp_data[tp->tp_len - 1];
	}
	for (unsigned i = 0; i < it->it_a.tif_ntx; i++)
		n += tx6_icmp(&it->it_a, i) != NULL;
	KASSERT(n == 42 && it->it_a.tif_ntx == 42 + 30 - 6);
	tif_clear(&it->it_a);
	tif_clear(&it->it_b);
}
IN6_TEST(order, 1)

/* Many routes: the table is looked up for parts of the vector. */
static void
deep_body(struct in_test *it)
{
	char dst[64];

	for (unsigned i = 0; i < 3000; i++) {
		(void)snprintf(dst, sizeof(dst), "3f%02x:%x::", i % 200,
		    i / 200 * 0x111 + 1);
		KASSERT(route6_add(it, dst, 32 + i % 17, HOST_B, NULL, 0,
		    0) == 0);
	}
	KASSERT(rt_main(it->it_vn)->tb_ip6->ta_fib.f_nodes > FIB_SHALLOW);
	for (unsigned i = 0; i < 3000; i += 100) {
		(void)snprintf(dst, sizeof(dst), "3f%02x:%x::", i % 200,
		    i / 200 * 0x111 + 1);
		inject6_n(it, &it->it_a, buf, mk6_udp(buf, HOST_A, dst, 64,
		    20), 100);
		KASSERT(it->it_b.tif_ntx == 100);
		KASSERT(tx6(&it->it_b, 99)->ip6_hlim == 63);
		tif_clear(&it->it_b);
	}
	told(it, mk6_udp(buf, HOST_A, "4000::1", 64, 20), DROP_IP6_NOROUTE,
	    ICMP6H_UNREACH, ICMP6H_UNREACH_NOROUTE, 0);
	told(it, mk6_udp(buf, HOST_A, NET_B "5", 1, 20), DROP_IP6_HLIM,
	    ICMP6H_TIMXCEED, 0, 0);
}
IN6_TEST(deep, 1)

/* Several ways: a flow keeps its own. */
static void
ways_body(struct in_test *it)
{
	struct rt_info ri = {
		.ri_family = AF_INET6, .ri_dst = inner6("3fff::", NULL),
		.ri_len = 20, .ri_given = RTV_MPATH,
	};
	unsigned len, n = 0;

	ri.ri_gw = inner6(HOST_B, NULL);
	KASSERT(rt_add_way(it->it_vn, &ri) == 0);
	ri.ri_gw = inner6("fe80::2", it->it_b.tif_ifp);
	ri.ri_ifp = it->it_b.tif_ifp;
	KASSERT(rt_add_way(it->it_vn, &ri) == 0);
	neigh6_set(it, it->it_b.tif_ifp, "fe80::2",
	    (const uint8_t *)"\2\0\0\0\0\x77");
	for (unsigned i = 0; i < 64; i++) {
		len = mk6_udp(buf, HOST_A, "3fff::1", 64, 20);
		/* By flow label, or by ports. */
		if (i < 32)
			buf[3] = (uint8_t)(i + 1);
		else
			buf[43] = (uint8_t)i;
		inject6_n(it, &it->it_a, buf, len, 3);
		KASSERT(it->it_b.tif_ntx == 3);
		for (unsigned j = 1; j < 3; j++)
			KASSERT(memcmp(it->it_b.tif_tx[0].tp_data,
			    it->it_b.tif_tx[j].tp_data, 6) == 0);
		n += it->it_b.tif_tx[0].tp_data[5] == 0x77;
		tif_clear(&it->it_b);
	}
	KASSERT(n > 12 && n < 52);
}
IN6_TEST(ways, 1)

/* --- headers that are not right ------------------------------------------- */

/* Every packet at every length: refused as a whole, and never read beyond. */
static void
truncated_body(struct in_test *it)
{
	uint64_t in = 0;
	unsigned len;

	len = mk6_echo(buf, HOST_A, US_A, 8);
	len = mk6_ext(buf, len, 40, 6, IPPROTO_DSTOPTS,
	    "\1\1\4\0\0\0\0\1\6\0\0\0\0\0\0", 16);
	len = mk6_ext(buf, len, 40, 6, IPPROTO_ROUTING,
	    "\0\4\0\0\0\0\0", 8);
	len = mk6_ext(buf, len, 40, 6, IPPROTO_HOPOPTS,
	    "\0\5\2\0\0\0\0", 8);
	/* All of it is answered. */
	inject6(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 1 && tx6_icmp(&it->it_a, 0)->icmp6_type ==
	    ICMP6H_ECHOREPLY);
	KASSERT(it->it_a.tif_tx[0].tp_len == 14 + 40 + 16);
	tif_clear(&it->it_a);
	/* The packet's own length too long, and cut. */
	for (unsigned i = 0; i < len; i++) {
		dropped(it, i, i < 40 ? DROP_IP6_SHORT : DROP_IP6_LEN);
		in++;
	}
	for (unsigned i = 40; i < len; i++) {
		((struct iphdr6 *)(void *)buf)->ip6_plen =
		    be16((uint16_t)(i - 40));
		inject6(it, &it->it_a, buf, i);
		in++;
		/* Only a header that lacks its end is refused in silence; an
		 * empty message is one that is too short. */
		KASSERT(it->it_a.tif_ntx == 0);
	}
	KASSERT(ifdata(it->it_a.tif_ifp).ifi_ipackets == in + 1);
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP6_HEADERS) == 32);
	KASSERT(drops(it->it_a.tif_ifp, DROP_ICMP6_SHORT) +
	    drops(it->it_a.tif_ifp, DROP_ICMP6_CSUM) == len - 40 - 32);
	/* Packets to be forwarded: hop-by-hop options are looked at. */
	memcpy(buf + 24, inner6(HOST_B, NULL).na_bytes, 16);
	for (unsigned i = 40; i < len; i++) {
		((struct iphdr6 *)(void *)buf)->ip6_plen =
		    be16((uint16_t)(i - 40));
		if (i < 48)
			dropped(it, i, DROP_IP6_HEADERS);
		else {
			buf[7] = 64;
			forwarded(it, i);
		}
	}
}
IN6_TEST(truncated, 1)

struct pieces {
	struct in_test	*pi_it;
	unsigned	 pi_len, pi_at;
};

static void
pieces_cpu(void *arg)
{
	const struct pieces *pi = arg;
	struct tif *t = &pi->pi_it->it_a;
	uint8_t eh[14] = { 0 };
	struct mbuf *m, *n;
	struct mvec mv;

	memcpy(eh, t->tif_mac, 6);
	memcpy(eh + 6, t->tif_peer, 6);
	eh[12] = 0x86, eh[13] = 0xdd;
	m = m_gethdr();
	n = m_gethdr();
	KASSERT(m != NULL && n != NULL && m_append(m, eh, 14) == 0);
	KASSERT(m_append(m, buf, pi->pi_at) == 0);
	KASSERT(m_append(n, buf + pi->pi_at, pi->pi_len - pi->pi_at) == 0);
	m->m_next = n;
	m->m_pktlen += n->m_len;
	mv.mv_n = 1;
	mv.mv_m[0] = m;
	if_input_vec(t->tif_ifp, &mv);
}

/* Packets in two buffers, parted everywhere. */
static void
pieces_body(struct in_test *it)
{
	struct pieces pi = { .pi_it = it };

	pi.pi_len = mk6_echo(buf, HOST_A, US_A, 8);
	pi.pi_len = mk6_ext(buf, pi.pi_len, 40, 6, IPPROTO_DSTOPTS,
	    "\1\1\4\0\0\0\0\1\6\0\0\0\0\0\0", 16);
	pi.pi_len = mk6_ext(buf, pi.pi_len, 40, 6, IPPROTO_HOPOPTS,
	    "\0\5\2\0\0\0\0", 8);
	for (unsigned i = 0; i < pi.pi_len; i++) {
		pi.pi_at = i;
		on_cpu(it, pieces_cpu, &pi);
		KASSERT(it->it_a.tif_ntx == 1);
		KASSERT(tx6_icmp(&it->it_a, 0)->icmp6_type ==
		    ICMP6H_ECHOREPLY);
		tif_clear(&it->it_a);
	}
	pi.pi_len = mk6_udp(buf, HOST_A, HOST_B, 64, 20);
	for (unsigned i = 0; i < pi.pi_len; i++) {
		pi.pi_at = i;
		on_cpu(it, pieces_cpu, &pi);
		KASSERT(it->it_b.tif_ntx == 1 && tx6(&it->it_b, 0) != NULL);
		KASSERT(it->it_b.tif_tx[0].tp_len == 14 + pi.pi_len);
		KASSERT(memcmp(it->it_b.tif_tx[0].tp_data + 14 + 8, buf + 8,
		    pi.pi_len - 8) == 0);
		tif_clear(&it->it_b);
	}
}
IN6_TEST(pieces, 1)

static void
versions_body(struct in_test *it)
{
	unsigned len = mk6_udp(buf, HOST_A, HOST_B, 64, 20);

	buf[0] = 0x45;
	dropped(it, len, DROP_IP6_VERSION);
	buf[0] = 0x70;
	dropped(it, len, DROP_IP6_VERSION);
	buf[0] = 0x60;
	((struct iphdr6 *)(void *)buf)->ip6_plen = be16(29);
	dropped(it, len, DROP_IP6_LEN);
	/* A jumbo payload option is not known (RFC 2675 3). */
	len = mk6_udp(buf, HOST_A, US_A, 64, 20);
	len = mk6_ext(buf, len, 40, 6, IPPROTO_HOPOPTS,
	    "\0\xc2\4\0\1\0\0", 8);
	told(it, len, DROP_IP6_OPTION, ICMP6H_PARAMPROB,
	    ICMP6H_PARAMPROB_OPTION, 42);
	((struct iphdr6 *)(void *)buf)->ip6_plen = 0;
	told(it, len, DROP_IP6_LEN, ICMP6H_PARAMPROB, ICMP6H_PARAMPROB_FIELD,
	    4);
}
IN6_TEST(versions, 1)

static void
addresses_body(struct in_test *it)
{
	static const char *const sources[] = {
		"ff02::1", "::1", "::ffff:10.0.0.1"
	};
	static const char *const dests[] = {
		"::", "::1", "::ffff:10.0.0.1", "ff00::1", "ff01::1"
	};

	for (unsigned i = 0; i < 3; i++)
		dropped(it, mk6_udp(buf, sources[i], HOST_B, 64, 20),
		    DROP_IP6_SRC);
	for (unsigned i = 0; i < 5; i++)
		dropped(it, mk6_udp(buf, HOST_A, dests[i], 64, 20),
		    DROP_IP6_DST);
	/* An address of ours is no other host's source. */
	dropped(it, mk6_udp(buf, US_B, HOST_B, 64, 20), DROP_IP6_LAND);
	dropped(it, mk6_udp(buf, US_A, US_A, 64, 20), DROP_IP6_LAND);
	/* A zone on the wire. */
	dropped(it, mk6_udp(buf, "fe80:0:1::2", US_A, 64, 20), DROP_IP6_SCOPE);
	dropped(it, mk6_udp(buf, HOST_A, "fe80:0:1::2", 64, 20),
	    DROP_IP6_SCOPE);
	dropped(it, mk6_udp(buf, HOST_A, "ff02:0:1::2", 64, 20),
	    DROP_IP6_SCOPE);
	/* A host that is being set up may ask a router, but go nowhere. */
	dropped(it, mk6_udp(buf, "::", HOST_B, 64, 20), DROP_IP6_CANTFORWARD);
	/* RFC 4007 9: what is of a link stays there, and comes back to it. */
	told(it, mk6_udp(buf, "fe80::2", HOST_B, 64, 20), DROP_IP6_SCOPE,
	    ICMP6H_UNREACH, ICMP6H_UNREACH_SCOPE, 0);
	inject6(it, &it->it_a, buf, mk6_udp(buf, HOST_A, "fe80::2", 64, 20));
	KASSERT(it->it_a.tif_ntx == 1 && ip6_is(tx6(&it->it_a, 0)->ip6_dst,
	    "fe80::2"));
	tif_clear(&it->it_a);
	/* A multicast packet's source is not told. */
	dropped(it, mk6_udp(buf, "fe80::2", "ff02::9", 64, 20),
	    DROP_IP6_MCAST);
	dropped(it, mk6_udp(buf, HOST_A, "ff0e::9", 64, 20), DROP_IP6_MCAST);
}
IN6_TEST(addresses, 1)

/* Sources that do not belong on the interface they come by. */
static void
rpf_body(struct in_test *it)
{

	KASSERT(set_sysctl(it, "net.inet6.ip6.rpf", IF_RPF_STRICT) == 0);
	forwarded(it, mk6_udp(buf, HOST_A, HOST_B, 64, 20));
	dropped(it, mk6_udp(buf, NET_B "7", HOST_B, 64, 20), DROP_IP6_RPF);
	inject6(it, &it->it_a, buf, mk6_echo(buf, "fe80::2",
	    linklocal6(it->it_a.tif_ifp), 8));
	KASSERT(it->it_a.tif_ntx == 1);
	tif_clear(&it->it_a);
	KASSERT(set_sysctl(it, "net.inet6.ip6.rpf", IF_RPF_LOOSE) == 0);
	forwarded(it, mk6_udp(buf, NET_B "7", HOST_B, 64, 20));
	dropped(it, mk6_udp(buf, "4000::1", HOST_B, 64, 20), DROP_IP6_RPF);
}
IN6_TEST(rpf, 1)

/* --- routes --------------------------------------------------------------- */

static void
routes_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	unsigned len;

	told(it, mk6_udp(buf, HOST_A, HOST_B, 1, 20), DROP_IP6_HLIM,
	    ICMP6H_TIMXCEED, ICMP6H_TIMXCEED_HLIM, 0);
	told(it, mk6_udp(buf, HOST_A, HOST_B, 0, 20), DROP_IP6_HLIM,
	    ICMP6H_TIMXCEED, ICMP6H_TIMXCEED_HLIM, 0);
	told(it, mk6_udp(buf, HOST_A, "4000::1", 64, 20), DROP_IP6_NOROUTE,
	    ICMP6H_UNREACH, ICMP6H_UNREACH_NOROUTE, 0);
	KASSERT(route6_add(it, "4000::", 64, NULL, NULL, RTF_REJECT, 0) == 0);
	KASSERT(route6_add(it, "4001::", 64, NULL, NULL, RTF_BLACKHOLE, 0) ==
	    0);
	told(it, mk6_udp(buf, HOST_A, "4000::1", 64, 20), DROP_IP6_REJECT,
	    ICMP6H_UNREACH, ICMP6H_UNREACH_REJECT, 0);
	dropped(it, mk6_udp(buf, HOST_A, "4001::1", 64, 20),
	    DROP_IP6_BLACKHOLE);
	/* Too big for the link, and for the route. */
	len = mk6_udp(buf, HOST_A, HOST_B, 64, 1500 - 48);
	forwarded(it, len);
	KASSERT(route6_add(it, "4002::", 64, HOST_B, NULL, 0, 1300) == 0);
	len = mk6_udp(buf, HOST_A, "4002::1", 64, 1300 - 48);
	forwarded(it, len);
	told(it, mk6_udp(buf, HOST_A, "4002::1", 64, 1301 - 48),
	    DROP_IP6_TOOBIG, ICMP6H_TOOBIG, 0, 1300);
	/* The interface goes down. */
	in_up(b, false);
	len = mk6_udp(buf, HOST_A, US_B, 64, 20);
	inject6(it, &it->it_a, buf, len);
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP6_IFDOWN) == 1);
	KASSERT(was_told(&it->it_a, ICMP6H_UNREACH, ICMP6H_UNREACH_ADDR, 0,
	    buf, len));
	in_up(b, true);
	sleep_ms(it, 3000);	/* its addresses are checked and announced */
	/* No router. */
	KASSERT(set_sysctl(it, "net.inet6.ip6.forwarding", 0) == 0);
	tif_clear(&it->it_a);
	tif_clear(&it->it_b);
	dropped(it, mk6_udp(buf, HOST_A, HOST_B, 64, 20), DROP_IP6_NOFORWARD);
}
IN6_TEST(routes, 1)

/* A unicast packet in a link-level group is not forwarded; it is delivered. */
static void
linkgroup_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct inject in = { .in_t = &it->it_a, .in_data = buf,
	    .in_mcast = true };

	in.in_len = mk6_udp(buf, HOST_A, HOST_B, 64, 20);
	inject6_as(it, in);
	KASSERT(drops(a, DROP_IP6_CANTFORWARD) == 1);
	in.in_len = mk6_udp(buf, HOST_A, US_A, 64, 20);
	inject6_as(it, in);
	KASSERT(drops(a, DROP_IP6_PORTUNREACH) == 1);
	KASSERT(it->it_a.tif_ntx == 0);		/* RFC 4443 2.4 (e.4) */
}
IN6_TEST(linkgroup, 1)

/* --- local delivery ------------------------------------------------------- */

static void
local_body(struct in_test *it)
{
	unsigned len;

	told(it, mk6_udp(buf, HOST_A, US_A, 64, 20), DROP_IP6_PORTUNREACH,
	    ICMP6H_UNREACH, ICMP6H_UNREACH_PORT, 0);
	/* To the address of another interface, too. */
	told(it, mk6_udp(buf, HOST_A, US_B, 64, 20), DROP_IP6_PORTUNREACH,
	    ICMP6H_UNREACH, ICMP6H_UNREACH_PORT, 0);
	len = mk6_udp(buf, HOST_A, US_A, 64, 20);
	buf[50] ^= 1;
	dropped(it, len, DROP_L4_CSUM);
	buf[50] ^= 1;
	/* RFC 8200 8.1: never without, although the sum would be right. */
	buf[48] = buf[49] = 0;
	mk6_cksum(buf, 40, 28, 6, IPPROTO_UDP);
	memcpy(buf + 48, buf + 46, 2);
	buf[46] = buf[47] = 0;
	dropped(it, len, DROP_L4_CSUM);
	buf[46] = buf[47] = 0xff;
	told(it, len, DROP_IP6_PORTUNREACH, ICMP6H_UNREACH,
	    ICMP6H_UNREACH_PORT, 0);
	/* A next header that nobody knows: where it is named is said. */
	told(it, mk6(buf, HOST_A, US_A, 200, 64, 20), DROP_IP6_NEXTHEADER,
	    ICMP6H_PARAMPROB, ICMP6H_PARAMPROB_NEXT, 6);
	len = mk6(buf, HOST_A, US_A, 200, 64, 20);
	len = mk6_ext(buf, len, 40, 6, IPPROTO_DSTOPTS, "\0\1\4\0\0\0\0", 8);
	told(it, len, DROP_IP6_NEXTHEADER, ICMP6H_PARAMPROB,
	    ICMP6H_PARAMPROB_NEXT, 40);
	/* Hop-by-hop options are at the front alone (RFC 8200 4.1). */
	len = mk6(buf, HOST_A, US_A, IPPROTO_UDP, 64, 20);
	len = mk6_ext(buf, len, 40, 6, IPPROTO_HOPOPTS, "\0\1\4\0\0\0\0", 8);
	len = mk6_ext(buf, len, 40, 6, IPPROTO_DSTOPTS, "\0\1\4\0\0\0\0", 8);
	told(it, len, DROP_IP6_NEXTHEADER, ICMP6H_PARAMPROB,
	    ICMP6H_PARAMPROB_NEXT, 40);
	/* Nothing is nothing. */
	inject6(it, &it->it_a, buf, mk6(buf, HOST_A, US_A, IPPROTO_NONE, 64,
	    20));
	KASSERT(it->it_a.tif_ntx == 0);
	/* Headers beyond the bound. */
	len = mk6_echo(buf, HOST_A, US_A, 8);
	for (unsigned i = 0; i < IP6_HEADERS_MAX; i++)
		len = mk6_ext(buf, len, 40, 6, IPPROTO_DSTOPTS,
		    "\0\1\4\0\0\0\0", 8);
	dropped(it, len, DROP_IP6_HEADERS);
	/* An address that is being looked for is not ours yet. */
	__atomic_fetch_or(&in_ifa(it->it_a.tif_ifp, US_A)->ifa_flags,
	    IFA_TENTATIVE, __ATOMIC_RELAXED);
	dropped(it, mk6_echo(buf, HOST_A, US_A, 8), DROP_IP6_NOTREADY);
	__atomic_fetch_and(&in_ifa(it->it_a.tif_ifp, US_A)->ifa_flags,
	    ~IFA_TENTATIVE, __ATOMIC_RELAXED);
}
IN6_TEST(local, 1)

/* RFC 8200 4.2: what is done about an option that is not known. */
static void
options_body(struct in_test *it)
{
	static const uint8_t where[] = { IPPROTO_HOPOPTS, IPPROTO_DSTOPTS };
	static const char *const dsts[] = { US_A, "ff02::1" };
	uint8_t opt[7] = { 0, 1, 0, 0, 2, 0, 0 }, many[39];
	unsigned len;

	for (unsigned w = 0; w < 2; w++)
		for (unsigned d = 0; d < 2; d++)
			for (unsigned high = 0; high < 4; high++) {
				opt[3] = (uint8_t)(high << 6 | 0x1e);
				len = mk6_udp(buf, HOST_A, dsts[d], 64, 20);
				len = mk6_ext(buf, len, 40, 6, where[w], opt,
				    8);
				if (high == 0 && d == 0)
					told(it, len, DROP_IP6_PORTUNREACH,
					    ICMP6H_UNREACH,
					    ICMP6H_UNREACH_PORT, 0);
				else if (high == 0)
					dropped(it, len, DROP_IP6_PORTUNREACH);
				else if (high == 1 || (high == 3 && d == 1))
					dropped(it, len, DROP_IP6_OPTION);
				else
					told(it, len, DROP_IP6_OPTION,
					    ICMP6H_PARAMPROB,
					    ICMP6H_PARAMPROB_OPTION, 44);
			}
	/* Lengths beyond the header; an option of one byte at the end. */
	for (unsigned w = 0; w < 2; w++) {
		len = mk6_udp(buf, HOST_A, US_A, 64, 20);
		len = mk6_ext(buf, len, 40, 6, where[w],
		    "\0\1\5\0\0\0\0", 8);
		told(it, len, DROP_IP6_OPTION, ICMP6H_PARAMPROB,
		    ICMP6H_PARAMPROB_FIELD, 43);
		buf[43] = 3;
		buf[47] = 1;
		told(it, len, DROP_IP6_OPTION, ICMP6H_PARAMPROB,
		    ICMP6H_PARAMPROB_FIELD, 48);
		buf[47] = 0;
		told(it, len, DROP_IP6_PORTUNREACH, ICMP6H_UNREACH,
		    ICMP6H_UNREACH_PORT, 0);
	}
	/* Many: so many are taken, and one more is not, on the way to others,
	 * too.  A PadN of 2 bytes each; then Pad1 in a row. */
	for (unsigned n = 16; n <= 17; n++) {
		memset(many, 0, sizeof(many));
		for (unsigned i = 0; i < n; i++)
			many[1 + 2 * i] = 1;
		many[0] = 4;	/* that of the header */
		len = mk6_udp(buf, HOST_A, HOST_B, 64, 20);
		len = mk6_ext(buf, len, 40, 6, IPPROTO_HOPOPTS, many, 40);
		if (n == 16)
			forwarded(it, len);
		else
			dropped(it, len, DROP_IP6_OPTION);
	}
	/* Rows of 7, of 8, and two of 4, filled up with a PadN. */
	for (unsigned n = 0; n < 3; n++) {
		memset(many, 0, sizeof(many));
		many[0] = 4;
		many[n == 0 ? 8 : n == 1 ? 9 : 11] = 1;
		many[n == 0 ? 9 : n == 1 ? 10 : 12] = n == 0 ? 29 :
		    n == 1 ? 28 : 26;
		if (n == 2)
			many[5] = 1;
		len = mk6_udp(buf, HOST_A, HOST_B, 64, 20);
		len = mk6_ext(buf, len, 40, 6, IPPROTO_HOPOPTS, many, 40);
		if (n == 1)
			dropped(it, len, DROP_IP6_OPTION);
		else
			forwarded(it, len);
	}
	/* Router alert, on the way to others, too. */
	len = mk6_udp(buf, HOST_A, HOST_B, 64, 20);
	len = mk6_ext(buf, len, 40, 6, IPPROTO_HOPOPTS, "\0\5\2\0\0\0\0", 8);
	forwarded(it, len);
	buf[43] = 3;
	told(it, len, DROP_IP6_OPTION, ICMP6H_PARAMPROB,
	    ICMP6H_PARAMPROB_FIELD, 43);
	/* Destination options are the destination's own affair. */
	opt[3] = 0xc3;
	len = mk6_udp(buf, HOST_A, HOST_B, 64, 20);
	forwarded(it, mk6_ext(buf, len, 40, 6, IPPROTO_DSTOPTS, opt, 8));
}
IN6_TEST(options, 1)

/* RFC 5095, RFC 8200 4.4. */
static void
routing_body(struct in_test *it)
{
	unsigned len;

	for (unsigned type = 0; type < 5; type++) {
		uint8_t rh[7] = { 0, (uint8_t)type, 1, 0, 0, 0, 0 };

		len = mk6_udp(buf, HOST_A, US_A, 64, 20);
		len = mk6_ext(buf, len, 40, 6, IPPROTO_ROUTING, rh, 8);
		told(it, len, DROP_IP6_ROUTING, ICMP6H_PARAMPROB,
		    ICMP6H_PARAMPROB_FIELD, 42);
		/* Used up. */
		buf[43] = 0;
		told(it, len, DROP_IP6_PORTUNREACH, ICMP6H_UNREACH,
		    ICMP6H_UNREACH_PORT, 0);
		/* No matter to a router. */
		buf[43] = 1;
		memcpy(buf + 24, inner6(HOST_B, NULL).na_bytes, 16);
		forwarded(it, len);
	}
}
IN6_TEST(routing, 1)

/* --- groups --------------------------------------------------------------- */

static void
groups_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	char group[INET6_ADDRSTRLEN];
	union neigh_addr na = inner6("ff02::1:ff00:0", NULL);
	const union neigh_addr ll = inner6(linklocal6(a), NULL);
	const char *const heard[] = { "ff02::1", "ff02::2",
	    "ff02::1:ff00:1", group };
	const char *const others[] = { "ff02::3", "ff02::1:ff00:2",
	    "ff02::1:fe00:1", "ff05::1", "ff12::1", "ff02::1:0:1",
	    "ff03::1:ff00:1" };

	memcpy(na.na_bytes + 13, ll.na_bytes + 13, 3);
	KASSERT(inet_ntop(AF_INET6, &na, group, sizeof(group)) != NULL);
	for (unsigned i = 0; i < 4; i++) {
		inject6(it, &it->it_a, buf, mk6_echo(buf, "fe80::2", heard[i],
		    8));
		KASSERT(it->it_a.tif_ntx == 1);
		KASSERT(tx6_icmp(&it->it_a, 0)->icmp6_type ==
		    ICMP6H_ECHOREPLY);
		KASSERT(ip6_is(tx6(&it->it_a, 0)->ip6_src, linklocal6(a)));
		tif_clear(&it->it_a);
	}
	/* From farther away, the answer has an address that goes there. */
	inject6(it, &it->it_a, buf, mk6_echo(buf, HOST_A, "ff02::1", 8));
	KASSERT(ip6_is(tx6(&it->it_a, 0)->ip6_src, US_A));
	tif_clear(&it->it_a);
	for (unsigned i = 0; i < 7; i++)
		dropped(it, mk6_echo(buf, "fe80::2", others[i], 8),
		    DROP_IP6_MCAST);
	KASSERT(set_sysctl(it, "net.inet6.ip6.forwarding", 0) == 0);
	dropped(it, mk6_echo(buf, "fe80::2", "ff02::2", 8), DROP_IP6_MCAST);
}
IN6_TEST(groups, 1)

/* --- the queue ------------------------------------------------------------ */

static void
queue_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	unsigned len = mk6_echo(buf, HOST_A, US_A, 8);

	KASSERT(set_sysctl(it, "net.inet6.ip6.ifq.maxlen", 5) == 0);
	inject6_n(it, &it->it_a, buf, len, 20);
	KASSERT(it->it_a.tif_ntx == 5);
	KASSERT(drops(a, DROP_PKTQ_FULL) == 15);
	KASSERT(test_sysctl(it->it_vn, "net.inet6.ip6.ifq.drops") == 15);
	KASSERT(test_sysctl(it->it_vn, "net.inet6.ip6.ifq.len") == 0);
	all_books(it);
}
IN6_TEST(queue, 1)

/* A jumbogram (RFC 2675), and its option where it has no business. */
static void
jumbo_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	uint8_t p[200];
	unsigned len;

	for (unsigned to = 0; to < 2; to++) {
		len = mk6_udp(p, HOST_A, to == 0 ? US_A : HOST_B, 64, 20);
		len = mk6_ext(p, len, 40, 6, IPPROTO_HOPOPTS,
		    "\0\xc2\4\0\1\0\0", 8);
		inject6(it, &it->it_a, p, len);
		KASSERT(was_told(&it->it_a, ICMP6H_PARAMPROB,
		    ICMP6H_PARAMPROB_OPTION, 42, p, len));
		p[4] = p[5] = 0;
		inject6(it, &it->it_a, p, len);
		KASSERT(was_told(&it->it_a, ICMP6H_PARAMPROB,
		    ICMP6H_PARAMPROB_FIELD, 4, p, len));
		KASSERT(drops(a, DROP_IP6_LEN) == to + 1);
	}
}
IN6_TEST(jumbo, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(order),
		cmocka_unit_test(deep),
		cmocka_unit_test(ways),
		cmocka_unit_test(truncated),
		cmocka_unit_test(pieces),
		cmocka_unit_test(versions),
		cmocka_unit_test(addresses),
		cmocka_unit_test(jumbo),
		cmocka_unit_test(rpf),
		cmocka_unit_test(routes),
		cmocka_unit_test(linkgroup),
		cmocka_unit_test(local),
		cmocka_unit_test(options),
		cmocka_unit_test(routing),
		cmocka_unit_test(groups),
		cmocka_unit_test(queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
