/*
 * Input: every malformed header is refused under its own name, wherever the
 * packet ends, with forwarding on and off.
 */

#include "in_test.h"

static uint64_t
all_drops(struct ifnet *ifp)
{

	return ifdata(ifp).ifi_idrops;
}

/* Received, it is dropped for this reason and nothing is sent. */
static void
dropped(struct in_test *it, const void *data, unsigned len,
    enum drop_reason why)
{
	struct ifnet *ifp = it->it_a.tif_ifp;
	uint64_t before = drops(ifp, why), all = all_drops(ifp);

	tif_clear(&it->it_a);
	tif_clear(&it->it_b);
	inject(it, &it->it_a, data, len);
	if (drops(ifp, why) != before + 1) {
		for (unsigned i = 0; i < DROP_NREASONS; i++)
			if (drops(ifp, i) != 0)
				(void)fprintf(stderr, "%s %ju\n", drop_name(i),
				    (uintmax_t)drops(ifp, i));
	}
	KASSERT(drops(ifp, why) == before + 1 && all_drops(ifp) == all + 1);
	KASSERT(it->it_a.tif_ntx == 0 && it->it_b.tif_ntx == 0);
	all_books(it);
}

static void
truncated_at(struct in_test *it, const uint8_t *pkt, unsigned full)
{

	for (unsigned len = 0; len < full; len++)
		dropped(it, pkt, len, len < 20 ? DROP_IP_SHORT :
		    len < (pkt[0] & 0xfu) * 4 ? DROP_IP_HLEN : DROP_IP_LEN);
}

static void
truncation_body(struct in_test *it)
{
	uint8_t buf[128];
	unsigned len;

	for (int forwarding = 0; forwarding < 2; forwarding++) {
		KASSERT(set_sysctl(it, "net.inet.ip.forwarding", forwarding) ==
		    0);
		len = mk_udp(buf, "10.0.1.2", "10.0.2.2", 64, 30);
		truncated_at(it, buf, len);
		len = mk_echo(buf, "10.0.1.2", "10.0.1.1", 1, 1, 30);
		truncated_at(it, buf, len);
		/* With options: the header itself may be cut. */
		len = mk_ip(buf, "10.0.1.2", "10.0.2.2", 17, 64, 40);
		memset(buf + 20, IPOPT_NOP, 16);
		buf[0] = 0x49;
		ip_set_cksum((struct iphdr4 *)(void *)buf);
		truncated_at(it, buf, len);
	}
}
IN_TEST(truncation, 1)

static void
header_body(struct in_test *it)
{
	uint8_t buf[128];
	struct iphdr4 *ip = (struct iphdr4 *)(void *)buf;
	unsigned len;

	len = mk_udp(buf, "10.0.1.2", "10.0.2.2", 64, 30);
	for (unsigned v = 0; v < 16; v++) {
		if (v == 4)
			continue;
		ip->ip_vhl = (uint8_t)(v << 4 | 5);
		dropped(it, buf, len, DROP_IP_VERSION);
	}
	for (unsigned hl = 0; hl < 5; hl++) {
		ip->ip_vhl = (uint8_t)(0x40 | hl);
		dropped(it, buf, len, DROP_IP_HLEN);
	}
	(void)mk_udp(buf, "10.0.1.2", "10.0.2.2", 64, 30);
	for (unsigned bit = 0; bit < 160; bit++) {
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* Version and length are looked at before the sum is. */
		if (bit >= 8)
			dropped(it, buf, len, DROP_IP_CSUM);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (unsigned l = 0; l < 20; l++) {
		ip->ip_len = be16((uint16_t)l);
		ip_set_cksum(ip);
		dropped(it, buf, len, DROP_IP_LEN);
	}
	ip->ip_len = be16((uint16_t)(len + 1));
	ip_set_cksum(ip);
	dropped(it, buf, len, DROP_IP_LEN);
}
IN_TEST(header, 1)

static void
addresses_body(struct in_test *it)
{
	static const char *const bad_src[] = { "0.0.0.0", "0.1.2.3",
	    "127.0.0.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
	    "255.255.255.255", NULL };
	static const char *const bad_dst[] = { "0.0.0.0", "0.1.2.3",
	    "127.0.0.1", "127.255.255.254", "240.0.0.1", "255.255.255.254",
	    NULL };
	uint8_t buf[128];
	unsigned len;

	for (int forwarding = 0; forwarding < 2; forwarding++) {
		KASSERT(set_sysctl(it, "net.inet.ip.forwarding", forwarding) ==
		    0);
		for (unsigned i = 0; bad_src[i] != NULL; i++) {
			len = mk_udp(buf, bad_src[i], "10.0.2.2", 64, 10);
			dropped(it, buf, len, DROP_IP_SRC);
			len = mk_echo(buf, bad_src[i], "10.0.1.1", 1, 1, 10);
			dropped(it, buf, len, DROP_IP_SRC);
		}
		for (unsigned i = 0; bad_dst[i] != NULL; i++) {
			len = mk_udp(buf, "10.0.1.2", bad_dst[i], 64, 10);
			dropped(it, buf, len, DROP_IP_DST);
		}
		/* Land: from ourselves to ourselves. */
		len = mk_echo(buf, "10.0.1.1", "10.0.1.1", 1, 1, 10);
		dropped(it, buf, len, DROP_IP_LAND);
		len = mk_echo(buf, "10.0.2.1", "10.0.1.1", 1, 1, 10);
		dropped(it, buf, len, DROP_IP_LAND);
		/* Sources that are this host or a broadcast, in packets to
		 * be passed on. */
		len = mk_udp(buf, "10.0.2.1", "10.0.2.2", 64, 10);
		dropped(it, buf, len, DROP_IP_LAND);
		len = mk_udp(buf, "10.0.1.255", "10.0.2.2", 64, 10);
		dropped(it, buf, len, DROP_IP_SRC);
		len = mk_udp(buf, "10.0.1.2", "224.0.0.9", 64, 10);
		dropped(it, buf, len, DROP_IP_MCAST);
	}
}
IN_TEST(addresses, 1)

/*
 * Packets to one host in a link-level broadcast or multicast are neither
 * answered nor forwarded, and no error is sent about them.
 */
static void
linkbcast_body(struct in_test *it)
{
	static const char *const dst[] = { "10.0.1.1", "10.0.2.1", "10.0.1.77",
	    "10.0.2.2", "10.7.7.7", "99.1.1.1" };
	uint64_t before, errors = ipstat(it, "icmp.errors");
	struct ifnet *ifp = it->it_a.tif_ifp;
	unsigned len, n = 0;
	uint8_t buf[128];

	KASSERT(route_add(it, "10.7.0.0", 16, NULL, RTF_REJECT, 0) == 0);
	for (int forwarding = 0; forwarding < 2; forwarding++) {
		KASSERT(set_sysctl(it, "net.inet.ip.forwarding", forwarding) ==
		    0);
		for (unsigned i = 0; i < sizeof(dst) / sizeof(dst[0]); i++) {
			len = i & 1 ? mk_udp(buf, "10.0.1.2", dst[i], 1, 9) :
			    mk_echo(buf, "10.0.1.2", dst[i], 1, 1, 9);
			inject_bcast(it, &it->it_a, buf, len);
			inject_mcast(it, &it->it_a, buf, len);
			n += 2;
		}
	}
	KASSERT(drops(ifp, DROP_IP_LINKBCAST) == n);
	/* With an option that is malformed or recorded, too. */
	before = drops(ifp, DROP_IP_OPTIONS);
	len = mk_ip(buf, "10.0.1.2", "10.0.1.1", 17, 64, 12);
	memcpy(buf + 20, (uint8_t[4]){ 7, 1, 0, 0 }, 4);
	buf[0] = 0x46;
	ip_set_cksum((struct iphdr4 *)(void *)buf);
	inject_bcast(it, &it->it_a, buf, len);
	KASSERT(drops(ifp, DROP_IP_OPTIONS) == before + 1);
	KASSERT(it->it_a.tif_ntx == 0 && it->it_b.tif_ntx == 0);
	KASSERT(ipstat(it, "icmp.errors") == errors);
	/* To everybody it may come either way. */
	len = mk_echo(buf, "10.0.1.2", "10.0.1.255", 1, 1, 9);
	inject_bcast(it, &it->it_a, buf, len);
	inject(it, &it->it_a, buf, len);
	KASSERT(drops(ifp, DROP_ICMP_BCAST) == 2);
	all_books(it);
}
IN_TEST(linkbcast, 1)

/* A priority tag is no VLAN: answered and forwarded as without it. */
static void
priority_body(struct in_test *it)
{
	struct inject in = { .in_t = &it->it_a, .in_n = 40 };
	uint8_t buf[128];

	memcpy(buf, (uint8_t[4]){ 0xa0, 0, 8, 0 }, 4);
	for (unsigned i = 0; i < 2; i++) {
		in.in_type = i == 0 ? ETHERTYPE_VLAN : ETHERTYPE_QINQ;
		in.in_data = buf;
		in.in_len = 4 + mk_echo(buf + 4, "10.0.1.2", "10.0.1.1", 1, 1,
		    8);
		on_cpu(it, inject_cpu, &in);
		KASSERT(it->it_a.tif_ntx == 40 * (i + 1));
		KASSERT(tx_icmp(&it->it_a, 39)->icmp_type == ICMP4_ECHOREPLY);
		in.in_len = 4 + mk_udp(buf + 4, "10.0.1.2", "10.0.2.2", 9, 8);
		on_cpu(it, inject_cpu, &in);
		KASSERT(it->it_b.tif_ntx == 40 * (i + 1));
		KASSERT(tx_ip(&it->it_b, 39)->ip_ttl == 8);
	}
	all_books(it);
}
IN_TEST(priority, 1)

static void
option(struct in_test *it, const uint8_t *opt, unsigned n,
    enum drop_reason why, int type)
{
	uint64_t before = drops(it->it_a.tif_ifp, why);
	uint8_t buf[128];
	const struct icmphdr4 *icmp;
	unsigned len, pad = (n + 3) & ~3u;

	tif_clear(&it->it_a);
	len = mk_ip(buf, "10.0.1.2", "10.0.2.2", 17, 64, pad + 8);
	memset(buf + 20, 0, pad + 8);
	memcpy(buf + 20, opt, n);
	buf[0] = (uint8_t)(0x40 | (20 + pad) / 4);
	ip_set_cksum((struct iphdr4 *)(void *)buf);
	inject(it, &it->it_a, buf, len);
	KASSERT(drops(it->it_a.tif_ifp, why) == before + 1);
	icmp = tx_icmp(&it->it_a, 0);
	KASSERT(icmp != NULL && icmp->icmp_type == type);
	all_books(it);
}

static void
options_body(struct in_test *it)
{
	static const uint8_t lsrr[] = { 131, 7, 4, 10, 0, 2, 2 };
	static const uint8_t ssrr[] = { 1, 137, 7, 4, 10, 0, 2, 2 };
	static const uint8_t lens[][4] = { { 7, 0 }, { 7, 1 }, { 7, 200 },
	    { 7, 2, 4 }, { 7, 3, 1 }, { 1, 1, 1, 7 }, { 68, 40, 5 } };

	option(it, lsrr, sizeof(lsrr), DROP_IP_SRCROUTE, ICMP4_UNREACH);
	option(it, ssrr, sizeof(ssrr), DROP_IP_SRCROUTE, ICMP4_UNREACH);
	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		option(it, lens[i], 4, DROP_IP_OPTIONS, ICMP4_PARAMPROB);
}
IN_TEST(options, 1)

/* The queue for local delivery is bounded, and what does not fit is named. */
static void
queue_body(struct in_test *it)
{
	uint8_t buf[128];
	unsigned len;

	KASSERT(set_sysctl(it, "net.inet.ip.ifq.maxlen", -1) == EINVAL);
	KASSERT(set_sysctl(it, "net.inet.ip.ifq.maxlen", 1 << 20) == EINVAL);
	KASSERT(set_sysctl(it, "net.inet.ip.ifq.maxlen", 10) == 0);
	len = mk_echo(buf, "10.0.1.2", "10.0.1.1", 1, 1, 10);
	inject_n(it, &it->it_a, buf, len, 32);
	KASSERT(drops(it->it_a.tif_ifp, DROP_PKTQ_FULL) == 22);
	KASSERT(it->it_a.tif_ntx == 10);
	KASSERT(ifdata(it->it_a.tif_ifp).ifi_delivered >= 10);
	all_books(it);
}
IN_TEST(queue, 1)

/* Random bytes behind a valid-looking start: nothing is lost or breaks. */
static void
noise_body(struct in_test *it)
{
	uint8_t buf[256];
	unsigned len;

	srandom(7);
	for (unsigned i = 0; i < 3000; i++) {
		len = (unsigned)random() % sizeof(buf);
		for (unsigned j = 0; j < sizeof(buf); j++)
			buf[j] = (uint8_t)random();
		if (i % 2 == 0 && len >= 60) {
			buf[0] = (uint8_t)(0x45 + random() % 11);
			buf[2] = 0;
			buf[3] = (uint8_t)len;
			if (i % 4 == 0)
				memcpy(buf + 16, &(uint32_t){
				    test_hop("10.0.1.1") }, 4);
			ip_set_cksum((struct iphdr4 *)(void *)buf);
		}
		inject(it, &it->it_a, buf, len);
	}
	all_books(it);
}
IN_TEST(noise, 1)

struct sums {
	struct in_test	*su_it;
	uint8_t		 su_pkt[64];
	unsigned	 su_len, su_first;
};

/* 256 packets that differ in their checksum alone. */
static void
sums_cpu(void *arg)
{
	struct sums *su = arg;
	struct tif *t = &su->su_it->it_a;
	uint8_t eh[14] = { 0 };
	struct mvec mv;
	struct mbuf *m;

	memcpy(eh, t->tif_mac, 6);
	memcpy(eh + 6, t->tif_peer, 6);
	eh[12] = 8;
	for (mv.mv_n = 0; mv.mv_n < MVEC_MAX; mv.mv_n++) {
		su->su_pkt[10] = (uint8_t)(su->su_first >> 8);
		su->su_pkt[11] = (uint8_t)(su->su_first + mv.mv_n);
		m = m_gethdr();
		KASSERT(m != NULL && m_append(m, eh, 14) == 0 &&
		    m_append(m, su->su_pkt, su->su_len) == 0);
		mv.mv_m[mv.mv_n] = m;
	}
	if_input_vec(t->tif_ifp, &mv);
}

/* Of all 65,536 checksums the right one passes (where it is 0, 0xffff is the
 * same in ones' complement), among plain packets and others. */
static void
checksum_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct sums su = { .su_it = it };
	uint64_t before, right;
	struct iphdr4 *ip = (struct iphdr4 *)(void *)su.su_pkt;

	for (unsigned i = 0; i < 4; i++) {
		su.su_len = mk_udp(su.su_pkt, "10.0.1.2", "10.0.2.2", 64, 4);
		ip->ip_tos = i < 2 ? 0 : 0xfc;
		do {
			ip->ip_id++;
			ip_set_cksum(ip);
		} while (i % 2 != 0 && ip->ip_sum != 0);
		right = ip->ip_sum == 0 ? 2 : 1;
		before = drops(a, DROP_IP_CSUM);
		tif_clear(&it->it_b);
		for (su.su_first = 0; su.su_first < 65536; su.su_first += 256)
			on_cpu(it, sums_cpu, &su);
		KASSERT(drops(a, DROP_IP_CSUM) == before + 65536 - right);
		KASSERT(it->it_b.tif_ntx == right);
		KASSERT(tx_ip(&it->it_b, 0)->ip_ttl == 63);
	}
	all_books(it);
}
IN_TEST(checksum, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truncation),
		cmocka_unit_test(header),
		cmocka_unit_test(addresses),
		cmocka_unit_test(linkbcast),
		cmocka_unit_test(priority),
		cmocka_unit_test(options),
		cmocka_unit_test(queue),
		cmocka_unit_test(noise),
		cmocka_unit_test(checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
