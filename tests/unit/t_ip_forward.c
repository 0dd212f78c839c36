/*
 * Forwarding: plain packets in vectors, and everything that is not plain.
 */

#include "in_test.h"

static void
plain_body(struct in_test *it)
{
	const struct iphdr4 *ip;
	uint8_t buf[128];
	unsigned len;

	len = mk_udp(buf, "10.0.1.2", "10.0.2.2", 64, 18);
	inject_n(it, &it->it_a, buf, len, 200);
	KASSERT(it->it_b.tif_ntx == 200);
	for (unsigned i = 0; i < 200; i++) {
		ip = tx_ip(&it->it_b, i);
		KASSERT(ip != NULL && ip->ip_ttl == 63);
		KASSERT(memcmp(it->it_b.tif_tx[i].tp_data, it->it_b.tif_peer,
		    6) == 0);
		KASSERT(memcmp(it->it_b.tif_tx[i].tp_data + 6,
		    it->it_b.tif_mac, 6) == 0);
		KASSERT(memcmp(ip + 1, buf + 20, len - 20) == 0);
	}
	KASSERT(ifdata(it->it_a.tif_ifp).ifi_forwarded == 200);
	KASSERT(ipstat(it, "ip.forwarded") == 200);
	all_books(it);
}
IN_TEST(plain, 1)

/* The checksum stays right for every value of it. */
static void
cksum_body(struct in_test *it)
{
	struct iphdr4 *ip, out;
	uint8_t buf[64];
	unsigned len;

	for (unsigned id = 0; id < 65536; id += 97) {
		tif_clear(&it->it_b);
		len = mk_udp(buf, "10.0.1.2", "10.0.2.2", 64, 0);
		ip = (struct iphdr4 *)(void *)buf;
		ip->ip_id = be16((uint16_t)id);
		ip_set_cksum(ip);
		inject(it, &it->it_a, buf, len);
		KASSERT(tx_ip(&it->it_b, 0) != NULL);
	}
	/* The one that makes the sum 0xfeff, so that it wraps. */
	for (unsigned id = 0; id < 65536; id++) {
		ip = (struct iphdr4 *)(void *)buf;
		ip->ip_id = be16((uint16_t)id);
		ip_set_cksum(ip);
		if (be16(ip->ip_sum) < 0xfe00)
			continue;
		tif_clear(&it->it_b);
		inject(it, &it->it_a, buf, len);
		KASSERT(tx_ip(&it->it_b, 0) != NULL);
		out = *tx_ip(&it->it_b, 0);
		ip_set_cksum(&out);
		KASSERT(out.ip_sum == tx_ip(&it->it_b, 0)->ip_sum);
	}
	/* All ones for zero, as some send it. */
	for (unsigned id = 0; ip->ip_sum != 0; id++) {
		ip->ip_id = be16((uint16_t)id);
		ip_set_cksum(ip);
	}
	ip->ip_sum = 0xffff;
	tif_clear(&it->it_b);
	inject(it, &it->it_a, buf, len);
	KASSERT(tx_ip(&it->it_b, 0) != NULL);
}
IN_TEST(cksum, 1)

/* Padding behind a short packet does not leave. */
static void
padding_body(struct in_test *it)
{
	uint8_t buf[64];
	unsigned len;

	memset(buf, 0xee, sizeof(buf));
	len = mk_udp(buf, "10.0.1.2", "10.0.2.2", 64, 2);
	inject(it, &it->it_a, buf, 46);
	KASSERT(it->it_b.tif_tx[0].tp_len == 14 + len);
}
IN_TEST(padding, 1)

/* Through a gateway; to several interfaces from one vector, order kept. */
struct mixed {
	struct in_test	*mx_it;
	struct mvec	 mx_mv;
};

static void
mixed_add(struct mixed *mx, const char *dst, unsigned tag, unsigned size)
{
	uint8_t eh[14], buf[1600];
	struct mbuf *m;
	unsigned len;

	memcpy(eh, mx->mx_it->it_a.tif_mac, 6);
	memcpy(eh + 6, mx->mx_it->it_a.tif_peer, 6);
	eh[12] = 8, eh[13] = 0;
	len = mk_udp(buf, "10.0.1.2", dst, 9, size);
	((struct iphdr4 *)(void *)buf)->ip_id = be16((uint16_t)tag);
	ip_set_cksum((struct iphdr4 *)(void *)buf);
	m = m_gethdr();
	KASSERT(m != NULL && m_append(m, eh, 14) == 0 &&
	    m_append(m, buf, len) == 0);
	mx->mx_mv.mv_m[mx->mx_mv.mv_n++] = m;
}

static void
mixed_cpu(void *arg)
{
	struct mixed *mx = arg;

	mx->mx_mv.mv_n = 0;
	for (unsigned i = 0; i < 60; i++) {
		/* Some are cut in two on the way out. */
		mixed_add(mx, i % 3 == 0 ? "10.0.3.9" : "10.0.2.2", i,
		    i % 5 == 0 ? 1480 : 20);
	}
	if_input_vec(mx->mx_it->it_a.tif_ifp, &mx->mx_mv);
	KASSERT(mx->mx_mv.mv_n == 0);
}

static void
check_order(const struct tif *t, unsigned n)
{
	unsigned last = 0, id, seen = 0;
	const struct iphdr4 *ip;

	for (unsigned i = 0; i < t->tif_ntx; i++) {
		ip = tx_ip(t, i);
		KASSERT(ip != NULL);
		id = be16(ip->ip_id);
		KASSERT(id >= last);
		if (i == 0 || id != last)
			seen++;
		last = id;
	}
	KASSERT(seen == n);
}

static void
mixed_body(struct in_test *it)
{
	struct mixed *mx;
	struct tif *c;

	c = calloc(1, sizeof(*c));
	mx = calloc(1, sizeof(*mx));
	KASSERT(c != NULL && mx != NULL);
	tif_attach(it, c, 2);
	KASSERT(addr_add(it, c->tif_ifp, "192.168.7.1", 24) == 0);
	KASSERT(route_add(it, "10.0.3.0", 24, "192.168.7.2", RTF_STATIC,
	    1000) == 0);
	KASSERT(neigh_req(it, RTM_ADD, NULL, "192.168.7.2", c->tif_peer, 0,
	    0) == 0);
	settle(it);
	tif_clear(c);
	mx->mx_it = it;
	on_cpu(it, mixed_cpu, mx);
	check_order(c, 20);
	check_order(&it->it_b, 40);
	KASSERT(c->tif_ntx == 24);	/* 4 of the 20 in two pieces */
	KASSERT(it->it_b.tif_ntx == 48);
	KASSERT(ifdata(it->it_a.tif_ifp).ifi_forwarded == 60);
	all_books(it);
	test_if_books(c->tif_ifp);
	tif_detach(c);
	free(c);
	free(mx);
}
IN_TEST(mixed, 1)

static void
ttl_body(struct in_test *it)
{
	const struct icmphdr4 *icmp;
	uint8_t buf[128];
	unsigned len;

	for (unsigned ttl = 0; ttl <= 1; ttl++) {
		tif_clear(&it->it_a);
		len = mk_udp(buf, "10.0.1.2", "10.0.2.2", (uint8_t)ttl, 20);
		inject(it, &it->it_a, buf, len);
		KASSERT(drops(it->it_a.tif_ifp, DROP_IP_TTL) == ttl + 1);
		icmp = tx_icmp(&it->it_a, 0);
		KASSERT(icmp != NULL && icmp->icmp_type == ICMP4_TIMXCEED);
		KASSERT(ip_is(tx_ip(&it->it_a, 0)->ip_src, "10.0.1.1"));
		KASSERT(memcmp(icmp + 1, buf, len) == 0);
	}
	KASSERT(it->it_b.tif_ntx == 0);
	all_books(it);
}
IN_TEST(ttl, 1)

static void
refused(struct in_test *it, const char *dst, enum drop_reason why, int type,
    int code)
{
	uint64_t before = drops(it->it_a.tif_ifp, why);
	const struct icmphdr4 *icmp;
	uint8_t buf[128];
	unsigned len;

	tif_clear(&it->it_a);
	len = mk_udp(buf, "10.0.1.2", dst, 64, 20);
	inject(it, &it->it_a, buf, len);
	KASSERT(drops(it->it_a.tif_ifp, why) == before + 1);
	icmp = tx_icmp(&it->it_a, 0);
	if (type < 0)
		KASSERT(icmp == NULL);
	else
		KASSERT(icmp != NULL && icmp->icmp_type == type &&
		    icmp->icmp_code == code);
	KASSERT(it->it_b.tif_ntx == 0);
	all_books(it);
}

static void
refusals_body(struct in_test *it)
{
	uint8_t buf[64];
	unsigned len;

	KASSERT(route_add(it, "10.9.0.0", 16, NULL, RTF_REJECT, 0) == 0);
	KASSERT(route_add(it, "10.8.0.0", 16, NULL, RTF_BLACKHOLE, 0) == 0);
	refused(it, "99.1.1.1", DROP_IP_NOROUTE, ICMP4_UNREACH,
	    ICMP4_UNREACH_NET);
	refused(it, "10.9.1.1", DROP_IP_REJECT, ICMP4_UNREACH,
	    ICMP4_UNREACH_HOST);
	refused(it, "10.8.1.1", DROP_IP_BLACKHOLE, -1, 0);
	/* A directed broadcast of another network (RFC 2644). */
	refused(it, "10.0.2.255", DROP_IP_CANTFORWARD, -1, 0);
	refused(it, "239.1.1.1", DROP_IP_MCAST, -1, 0);
	refused(it, "250.1.1.1", DROP_IP_DST, -1, 0);
	refused(it, "127.0.0.1", DROP_IP_DST, -1, 0);

	/* Packets that the link broadcast are not for others to get again. */
	len = mk_udp(buf, "10.0.1.2", "10.0.2.2", 64, 4);
	inject_bcast(it, &it->it_a, buf, len);
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_LINKBCAST) == 1);

	KASSERT(set_sysctl(it, "net.inet.ip.forwarding", 0) == 0);
	refused(it, "10.0.2.2", DROP_IP_NOFORWARD, -1, 0);
}
IN_TEST(refusals, 1)

static void
mtu_body(struct in_test *it)
{
	const struct icmphdr4 *icmp;
	struct iphdr4 *ip;
	uint8_t buf[1600];
	unsigned len;

	KASSERT(route_add(it, "10.7.0.0", 16, "10.0.2.2", RTF_STATIC, 600) ==
	    0);
	len = mk_udp(buf, "10.0.1.2", "10.7.1.1", 64, 1000);
	ip = (struct iphdr4 *)(void *)buf;
	ip->ip_off = htons(IP_DF);
	ip_set_cksum(ip);
	inject(it, &it->it_a, buf, len);
	icmp = tx_icmp(&it->it_a, 0);
	KASSERT(icmp != NULL && icmp->icmp_type == ICMP4_UNREACH &&
	    icmp->icmp_code == ICMP4_UNREACH_NEEDFRAG &&
	    icmp->icmp_pmtu.mtu == htons(600));
	/* No more of the packet than fits 576 bytes. */
	KASSERT(be16(tx_ip(&it->it_a, 0)->ip_len) == 576);
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_NEEDFRAG) == 1);

	ip->ip_off = 0;
	ip_set_cksum(ip);
	inject(it, &it->it_a, buf, len);
	KASSERT(it->it_b.tif_ntx == 2);
	KASSERT(ipstat(it, "ip.fragmented") == 1);
	KASSERT(ifdata(it->it_a.tif_ifp).ifi_forwarded == 1);
	KASSERT(ifdata(it->it_b.tif_ifp).ifi_offered >= 2);
	all_books(it);
}
IN_TEST(mtu, 1)

/* Back where it came from: forwarded, and the source told. */
static void
redirect_body(struct in_test *it)
{
	const struct icmphdr4 *icmp;
	uint8_t buf[128], mac[6] = { 2, 1, 1, 1, 1, 1 };
	unsigned len, redirects = 0, forwarded = 0;

	KASSERT(neigh_req(it, RTM_ADD, NULL, "10.0.1.9", mac, 0, 0) == 0);
	KASSERT(route_add(it, "10.6.0.0", 16, "10.0.1.9", RTF_STATIC, 0) ==
	    0);
	len = mk_udp(buf, "10.0.1.2", "10.6.1.1", 64, 20);
	inject(it, &it->it_a, buf, len);
	for (unsigned i = 0; i < it->it_a.tif_ntx; i++) {
		icmp = tx_icmp(&it->it_a, i);
		if (icmp == NULL) {
			KASSERT(memcmp(it->it_a.tif_tx[i].tp_data, mac, 6) ==
			    0);
			forwarded++;
			continue;
		}
		KASSERT(icmp->icmp_type == ICMP4_REDIRECT &&
		    ip_is(icmp->icmp_word, "10.0.1.9"));
		redirects++;
	}
	KASSERT(redirects == 1 && forwarded == 1);
	all_books(it);

	KASSERT(set_sysctl(it, "net.inet.ip.redirect", 0) == 0);
	tif_clear(&it->it_a);
	inject(it, &it->it_a, buf, len);
	KASSERT(it->it_a.tif_ntx == 1);
}
IN_TEST(redirect, 1)

/* Record route is filled in, other options pass. */
static void
options_body(struct in_test *it)
{
	uint8_t buf[128], *opt;
	struct iphdr4 *ip = (struct iphdr4 *)(void *)buf;
	const struct iphdr4 *out;

	(void)mk_ip(buf, "10.0.1.2", "10.0.2.2", 99, 64, 12 + 8);
	ip->ip_vhl = 0x48;
	opt = buf + 20;
	memset(opt, 0, 20);
	opt[0] = IPOPT_NOP;
	opt[1] = IPOPT_RR;
	opt[2] = 11;
	opt[3] = 4;
	ip_set_cksum(ip);
	inject(it, &it->it_a, buf, 40);
	out = tx_ip(&it->it_b, 0);
	KASSERT(out != NULL && out->ip_vhl == 0x48 && out->ip_ttl == 63);
	opt = it->it_b.tif_tx[0].tp_data + 14 + 20;
	KASSERT(opt[1] == IPOPT_RR && opt[3] == 8);
	KASSERT(memcmp(opt + 4, &(uint32_t){ test_hop("10.0.2.1") }, 4) == 0);
}
IN_TEST(options, 1)

/* The way out goes down, goes away. */
static void
gone_body(struct in_test *it)
{
	uint8_t buf[128];
	unsigned len;

	len = mk_udp(buf, "10.0.1.2", "10.0.2.2", 64, 20);
	if_flags_update(it->it_b.tif_ifp, 0, IFF_RUNNING);
	inject_n(it, &it->it_a, buf, len, 7);
	KASSERT(drops(it->it_b.tif_ifp, DROP_OUT_IF_DOWN) == 7);
	KASSERT(ifdata(it->it_a.tif_ifp).ifi_forwarded == 7);
	all_books(it);
	tif_detach(&it->it_b);
	inject_n(it, &it->it_a, buf, len, 3);
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_NOROUTE) == 3);
	test_if_books(it->it_a.tif_ifp);
}
IN_TEST(gone, 2)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(cksum),
		cmocka_unit_test(padding),
		cmocka_unit_test(mixed),
		cmocka_unit_test(ttl),
		cmocka_unit_test(refusals),
		cmocka_unit_test(mtu),
		cmocka_unit_test(redirect),
		cmocka_unit_test(options),
		cmocka_unit_test(gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
