/*
 * Offload state on its way through: untouched where the way out can carry
 * it, checksums and segments made in software where it cannot.
 */

#include "in_test.h"

#define BIG	20000

static uint8_t pkt[BIG + 200];

/* TCP with `data' bytes; the checksum field holds the pseudo-header's sum. */
static unsigned
mk_tcp(unsigned data, uint8_t flags, bool df)
{
	struct iphdr4 *ip = (struct iphdr4 *)(void *)pkt;
	uint8_t *th = pkt + 20;
	uint16_t sum;
	unsigned len;

	len = mk_ip(pkt, "10.0.1.2", "10.0.2.2", IPPROTO_TCP, 64, 32 + data);
	if (df) {
		ip->ip_off = htons(IP_DF);
		ip_set_cksum(ip);
	}
	memset(th, 0, 32);
	th[5] = 1, th[6] = 0xff, th[7] = 0xf0;	/* sequence number 0x1fff0 */
	th[12] = 0x80;		/* 32 bytes: 12 of options */
	th[13] = flags;
	memset(th + 20, 1, 12);
	for (unsigned i = 0; i < data; i++)
		th[32 + i] = (uint8_t)(i % 251);
	sum = (uint16_t)~in_cksum_fold(in_cksum_pseudo(ip->ip_src, ip->ip_dst,
	    IPPROTO_TCP, 32 + data));
	memcpy(th + 16, &sum, 2);
	return len;
}

static void
inject_from(struct in_test *it, unsigned len, uint16_t flags, uint16_t segsz,
    uint16_t start, uint16_t offset)
{
	struct inject in = { .in_t = &it->it_a, .in_data = pkt, .in_len = len,
	    .in_n = 1, .in_type = ETHERTYPE_IP, .in_csum_flags = flags,
	    .in_csum_start = start, .in_csum_offset = offset,
	    .in_segsz = segsz };

	in.in_mark = 7;
	on_cpu(it, inject_cpu, &in);
}

static void
inject_big(struct in_test *it, unsigned len, uint16_t flags, uint16_t segsz,
    uint16_t offset)
{

	inject_from(it, len, flags, segsz, 34, offset);
}

/* Is the transport checksum of a packet sent right? */
static void
check_sum(const struct iphdr4 *ip)
{
	unsigned len = be16(ip->ip_len) - 20u;

	KASSERT(in_cksum_fold(in_cksum_add(ip + 1, len, in_cksum_pseudo(
	    ip->ip_src, ip->ip_dst, ip->ip_p, len))) == 0);
}

static void
through_body(struct in_test *it)
{
	const struct tif_packet *tp = &it->it_b.tif_tx[0];
	unsigned len;

	it->it_b.tif_ifp->if_csum_tx = M_CSUM_PARTIAL | M_TSO4;
	len = mk_tcp(BIG, 0x18, true);
	inject_big(it, len, M_CSUM_PARTIAL | M_TSO4, 1400, 16);
	KASSERT(it->it_b.tif_ntx == 1 && tp->tp_len == len + 14);
	KASSERT(tp->tp_csum_flags == (M_CSUM_PARTIAL | M_TSO4));
	KASSERT(tp->tp_csum_start == 34 && tp->tp_csum_offset == 16 &&
	    tp->tp_segsz == 1400);
	KASSERT(tx_ip(&it->it_b, 0)->ip_ttl == 63);
	KASSERT(memcmp(tp->tp_data + 34, pkt + 20, 1500) == 0);
	all_books(it);
}
IN_TEST(through, 1)

static void
check_segments(const struct tif *t, unsigned data, unsigned segsz,
    uint8_t flags, bool partial)
{
	const struct tif_packet *tp;
	const struct iphdr4 *ip;
	const uint8_t *th;
	unsigned at = 0, n;
	uint32_t seq;

	for (unsigned i = 0; i < t->tif_ntx; i++) {
		tp = &t->tif_tx[i];
		ip = tx_ip(t, i);
		KASSERT(ip != NULL);
		KASSERT(be16(ip->ip_id) == 0x1234 + i && tp->tp_mark == 7);
		th = (const uint8_t *)(ip + 1);
		n = be16(ip->ip_len) - 52u;
		memcpy(&seq, th + 4, 4);
		KASSERT(be32(seq) == 0x1fff0 + at);
		for (unsigned j = 0; j < n && j < 1400; j++)
			KASSERT(th[32 + j] == (uint8_t)((at + j) % 251));
		at += n;
		if (at < data) {
			KASSERT(n == segsz);
			KASSERT((th[13] & 0x09) == 0);
		} else
			KASSERT((th[13] & 0x09) == (flags & 0x09));
		KASSERT((th[13] & 0x80) == (i == 0 ? flags & 0x80 : 0));
		if (partial)
			KASSERT(tp->tp_csum_flags == M_CSUM_PARTIAL &&
			    tp->tp_csum_start == 34 &&
			    tp->tp_csum_offset == 16);
		else {
			KASSERT(tp->tp_csum_flags == 0);
			check_sum(ip);
		}
	}
	KASSERT(at == data);
}

static void
tcp_body(struct in_test *it)
{
	unsigned len;

	for (int partial = 0; partial < 2; partial++) {
		it->it_b.tif_ifp->if_csum_tx = partial ? M_CSUM_PARTIAL : 0;
		for (unsigned data = 100; data < BIG; data += 1731) {
			tif_clear(&it->it_b);
			len = mk_tcp(data, 0x99, true);
			inject_big(it, len, M_CSUM_PARTIAL | M_TSO4 |
			    M_TSO_ECN, 1200, 16);
			check_segments(&it->it_b, data, 1200, 0x99, partial);
		}
	}
	KASSERT(drops(it->it_b.tif_ifp, DROP_TX_OFFLOAD) == 0);
	all_books(it);
}
IN_TEST(tcp, 1)

static void
udp_body(struct in_test *it)
{
	const struct iphdr4 *ip;
	const uint8_t *u;
	unsigned at = 0, n;

	(void)mk_ip(pkt, "10.0.1.2", "10.0.2.2", IPPROTO_UDP, 64, 8 + 5000);
	for (unsigned i = 0; i < 5000; i++)
		pkt[28 + i] = (uint8_t)(i % 253);
	inject_big(it, 5028, M_CSUM_PARTIAL | M_USO, 900, 6);
	KASSERT(it->it_b.tif_ntx == 6);
	for (unsigned i = 0; i < 6; i++) {
		ip = tx_ip(&it->it_b, i);
		u = (const uint8_t *)(ip + 1);
		n = be16(ip->ip_len) - 28u;
		KASSERT((unsigned)(u[4] << 8 | u[5]) == n + 8);
		check_sum(ip);
		for (unsigned j = 0; j < n; j++)
			KASSERT(u[8 + j] == (uint8_t)((at + j) % 253));
		at += n;
	}
	KASSERT(at == 5000);
	all_books(it);
}
IN_TEST(udp, 1)

static void
checksum_body(struct in_test *it)
{
	unsigned len;

	for (unsigned data = 0; data < 1400; data += 111) {
		tif_clear(&it->it_b);
		len = mk_tcp(data, 0x10, false);
		inject_big(it, len, M_CSUM_PARTIAL, 0, 16);
		KASSERT(it->it_b.tif_ntx == 1);
		check_sum(tx_ip(&it->it_b, 0));
	}
	/* In fragments: completed before the packet is cut. */
	it->it_b.tif_ifp->if_mtu = 600;
	tif_clear(&it->it_b);
	len = mk_tcp(1000, 0x10, false);
	inject_big(it, len, M_CSUM_PARTIAL, 0, 16);
	KASSERT(it->it_b.tif_ntx == 2);
	{
		uint8_t whole[1200];
		const struct iphdr4 *ip0 = tx_ip(&it->it_b, 0);
		const struct iphdr4 *ip1 = tx_ip(&it->it_b, 1);
		unsigned n0 = be16(ip0->ip_len) - 20u;

		memcpy(whole, ip0, 20 + n0);
		memcpy(whole + 20 + n0, ip1 + 1, be16(ip1->ip_len) - 20u);
		((struct iphdr4 *)(void *)whole)->ip_len = be16(1052);
		check_sum((const struct iphdr4 *)(void *)whole);
	}
	all_books(it);
}
IN_TEST(checksum, 1)

/* The MTU is for segments, not for the packet they are cut from. */
static void
mtu_body(struct in_test *it)
{
	const struct icmphdr4 *icmp;
	unsigned len;

	it->it_b.tif_ifp->if_csum_tx = M_CSUM_PARTIAL | M_TSO4;
	it->it_b.tif_ifp->if_mtu = 1000;
	len = mk_tcp(BIG, 0x10, true);
	inject_big(it, len, M_CSUM_PARTIAL | M_TSO4, 948, 16);
	KASSERT(it->it_b.tif_ntx == 1);
	inject_big(it, len, M_CSUM_PARTIAL | M_TSO4, 949, 16);
	KASSERT(it->it_b.tif_ntx == 1);
	icmp = tx_icmp(&it->it_a, 0);
	KASSERT(icmp != NULL && icmp->icmp_code == ICMP4_UNREACH_NEEDFRAG &&
	    icmp->icmp_pmtu.mtu == htons(1000));
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_NEEDFRAG) == 1);

	/* Without DF: segments, each in fragments. */
	tif_clear(&it->it_b);
	len = mk_tcp(3000, 0x10, false);
	inject_big(it, len, M_CSUM_PARTIAL | M_TSO4, 1400, 16);
	KASSERT(it->it_b.tif_ntx == 5);
	all_books(it);
}
IN_TEST(mtu, 1)

/* Which capabilities the interface on the way out is to use. */
static void
enable(struct in_test *it, uint64_t caps)
{
	struct ifnet *b = it->it_b.tif_ifp;
	struct ifcapreq ifcr;

	memset(&ifcr, 0, sizeof(ifcr));
	memcpy(ifcr.ifcr_name, b->if_xname, IFNAMSIZ);
	ifcr.ifcr_capenable = caps;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCSIFCAP, &ifcr,
	    sizeof(ifcr)) == 0);
	tif_clear(&it->it_b);
}

/* One packet sent: with its sum missing still, or a good one. */
static void
check_left(struct in_test *it, bool left)
{

	KASSERT(it->it_b.tif_ntx == 1);
	KASSERT(it->it_b.tif_tx[0].tp_csum_flags == (left ? M_CSUM_PARTIAL :
	    0));
	if (!left)
		check_sum(tx_ip(&it->it_b, 0));
	tif_clear(&it->it_b);
}

/* Each capability leaves to the interface what it says, and no more. */
static void
capability_body(struct in_test *it)
{
	const uint64_t tcp = IFCAP_CSUM_TCPv4_Tx, udp = IFCAP_CSUM_UDPv4_Tx;
	const uint64_t sets[] = { 0, tcp, udp, tcp | udp, IFCAP_TSOv4,
	    tcp | IFCAP_TSOv4, udp | IFCAP_TSOv4, tcp | udp | IFCAP_TSOv4 };
	const struct iphdr4 *ip = (const struct iphdr4 *)(void *)pkt;
	unsigned len;
	uint16_t sum;
	bool t, u;

	it->it_b.tif_ifp->if_capabilities = tcp | udp | IFCAP_TSOv4;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		enable(it, sets[i]);
		t = (sets[i] & tcp) != 0;
		u = (sets[i] & udp) != 0;
		len = mk_tcp(700, 0x10, true);
		inject_big(it, len, M_CSUM_PARTIAL, 0, 16);
		check_left(it, t);
		len = mk_udp(pkt, "10.0.1.2", "10.0.2.2", 64, 700);
		sum = (uint16_t)~in_cksum_fold(in_cksum_pseudo(ip->ip_src,
		    ip->ip_dst, IPPROTO_UDP, 708));
		memcpy(pkt + 26, &sum, 2);
		inject_big(it, len, M_CSUM_PARTIAL, 0, 6);
		check_left(it, u);
		/* Cut here, or there. */
		len = mk_tcp(5000, 0x18, true);
		inject_big(it, len, M_CSUM_PARTIAL | M_TSO4, 1200, 16);
		if (t && (sets[i] & IFCAP_TSOv4) != 0) {
			KASSERT(it->it_b.tif_ntx == 1);
			KASSERT(it->it_b.tif_tx[0].tp_csum_flags ==
			    (M_CSUM_PARTIAL | M_TSO4));
		} else {
			KASSERT(it->it_b.tif_ntx == 5);
			check_segments(&it->it_b, 5000, 1200, 0x18, t);
		}
	}
	all_books(it);
}
IN_TEST(capability, 1)

/* State that does not fit its packet is dropped by name. */
static void
wrong_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	unsigned len;
	uint64_t lost;

	len = mk_tcp(3000, 0x10, false);
	inject_big(it, len, M_CSUM_PARTIAL | M_TSO4, 0, 16);	/* no size */
	inject_big(it, len, M_CSUM_PARTIAL | M_USO, 900, 6);	/* not UDP */
	pkt[32] = 0x40;						/* header 16 */
	inject_big(it, len, M_CSUM_PARTIAL | M_TSO4, 900, 16);
	len = mk_tcp(300, 0x10, false);
	inject_big(it, len, M_CSUM_PARTIAL, 0, 60000);
	inject_big(it, len, M_CSUM_PARTIAL, 0, 351);
	/* The sum would go into the IP header. */
	inject_from(it, len, M_CSUM_PARTIAL, 0, 14, 7);
	inject_from(it, len, M_CSUM_PARTIAL, 0, 32, 16);
	/* Cut short of its header. */
	(void)mk_ip(pkt, "10.0.1.2", "10.0.2.2", IPPROTO_TCP, 64, 8);
	inject_big(it, 28, M_CSUM_PARTIAL | M_TSO4, 900, 16);
	lost = drops(b, DROP_TX_OFFLOAD);
	KASSERT(lost == 8);
	KASSERT(it->it_b.tif_ntx == 0);
	all_books(it);
}
IN_TEST(wrong, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(through),
		cmocka_unit_test(tcp),
		cmocka_unit_test(udp),
		cmocka_unit_test(checksum),
		cmocka_unit_test(mtu),
		cmocka_unit_test(capability),
		cmocka_unit_test(wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
