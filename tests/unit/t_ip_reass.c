/*
 * Reassembly, seen from outside: an echo request arrives in pieces, and the
 * reply shows what was put together.
 */

#include "in_test.h"

#define DATA_MAX	4000

struct dgram {
	uint8_t		 dg_buf[20 + 8 + DATA_MAX];
	unsigned	 dg_len;
	uint16_t	 dg_id;
};

static void
dgram_make(struct dgram *dg, uint16_t id, unsigned data)
{

	dg->dg_id = id;
	dg->dg_len = mk_echo(dg->dg_buf, "10.0.1.2", "10.0.1.1", id, 1, data);
}

/* The piece of the payload from off to end, as if `last'. */
static void
piece(struct in_test *it, struct tif *t, const struct dgram *dg, unsigned off,
    unsigned end, bool last)
{
	uint8_t buf[20 + 8 + DATA_MAX];
	struct iphdr4 *ip = (struct iphdr4 *)(void *)buf;

	memcpy(buf, dg->dg_buf, 20);
	memcpy(buf + 20, dg->dg_buf + 20 + off, end - off);
	ip->ip_len = be16((uint16_t)(20 + end - off));
	ip->ip_id = be16(dg->dg_id);
	ip->ip_off = be16((uint16_t)(off / 8 | (last ? 0 : IP_MF)));
	ip_set_cksum(ip);
	inject(it, t, buf, 20 + end - off);
}

/* Did a reply with the datagram's data go out?  Larger than the MTU it goes in
 * pieces, so count bytes. */
static bool
replied(const struct tif *t, const struct dgram *dg)
{
	unsigned total = 0, off, len;
	const struct iphdr4 *ip;
	const uint8_t *p;

	for (unsigned i = 0; i < t->tif_ntx; i++) {
		ip = tx_ip(t, i);
		if (ip == NULL || ip->ip_p != IPPROTO_ICMP)
			continue;
		p = (const uint8_t *)(ip + 1);
		off = (be16(ip->ip_off) & IP_OFFMASK) * 8u;
		len = be16(ip->ip_len) - 20u;
		if (off == 0 && p[0] != ICMP4_ECHOREPLY)
			return false;
		if (off == 0)
			KASSERT(memcmp(p + 4, dg->dg_buf + 24, len - 4) == 0);
		else
			KASSERT(memcmp(p, dg->dg_buf + 20 + off, len) == 0);
		total += len;
	}
	if (total != 0)
		KASSERT(total == dg->dg_len - 20);
	return total != 0;
}

static void
in_order_body(struct in_test *it)
{
	struct if_data before = ifdata(it->it_a.tif_ifp);
	struct dgram dg;

	dgram_make(&dg, 77, 92);	/* 100 bytes of payload */
	piece(it, &it->it_a, &dg, 0, 40, false);
	KASSERT(ifdata(it->it_a.tif_ifp).ifi_iqueued == 1);
	piece(it, &it->it_a, &dg, 40, 80, false);
	KASSERT(!replied(&it->it_a, &dg));
	all_books(it);
	piece(it, &it->it_a, &dg, 80, 100, true);
	KASSERT(replied(&it->it_a, &dg));
	KASSERT(ifdata(it->it_a.tif_ifp).ifi_iqueued == 0);
	KASSERT(ifdata(it->it_a.tif_ifp).ifi_delivered ==
	    before.ifi_delivered + 3);
	KASSERT(ipstat(it, "ip.reassembled") == 1);
	all_books(it);
}
IN_TEST(in_order, 1)

/* Pieces that come by two interfaces; each counts its own. */
static void
two_ways_body(struct in_test *it)
{
	struct dgram dg;

	dgram_make(&dg, 78, 92);
	piece(it, &it->it_b, &dg, 40, 100, true);
	piece(it, &it->it_a, &dg, 0, 40, false);
	KASSERT(replied(&it->it_a, &dg));
	all_books(it);
	/* One goes away while it has a piece here. */
	tif_clear(&it->it_a);
	dgram_make(&dg, 79, 92);
	piece(it, &it->it_b, &dg, 40, 100, true);
	piece(it, &it->it_b, &dg, 0, 8, false);
	tif_detach(&it->it_b);
	piece(it, &it->it_a, &dg, 0, 40, false);
	KASSERT(!replied(&it->it_a, &dg));
	KASSERT(ifdata(it->it_a.tif_ifp).ifi_iqueued == 1);
	sleep_ms(it, 31000);
	KASSERT(drops(it->it_a.tif_ifp, DROP_FRAG_TIMEOUT) == 1);
}
IN_TEST(two_ways, 2)

static void
overlap_body(struct in_test *it)
{
	static const struct {
		unsigned off, end;
	} second[] = { { 32, 80 }, { 0, 48 }, { 8, 16 }, { 0, 8 }, { 16, 40 },
	    { 0, 96 } };
	struct ifnet *ifp = it->it_a.tif_ifp;
	struct dgram dg;
	uint64_t n = 0;

	for (unsigned i = 0; i < 6; i++) {
		dgram_make(&dg, (uint16_t)(100 + i), 92);
		tif_clear(&it->it_a);
		piece(it, &it->it_a, &dg, 0, 40, false);
		piece(it, &it->it_a, &dg, second[i].off, second[i].end, false);
		n += 2;
		KASSERT(drops(ifp, DROP_FRAG_OVERLAP) == n);
		/* The packet is given up: the rest does not revive it. */
		piece(it, &it->it_a, &dg, 0, 40, false);
		piece(it, &it->it_a, &dg, 40, 100, true);
		n += 2;
		KASSERT(drops(ifp, DROP_FRAG_OVERLAP) == n);
		KASSERT(!replied(&it->it_a, &dg));
		KASSERT(ifdata(ifp).ifi_iqueued == 0);
	}
	all_books(it);
}
IN_TEST(overlap, 1)

static void
duplicate_body(struct in_test *it)
{
	struct dgram dg;

	dgram_make(&dg, 5, 92);
	piece(it, &it->it_a, &dg, 40, 80, false);
	piece(it, &it->it_a, &dg, 40, 80, false);
	piece(it, &it->it_a, &dg, 0, 40, false);
	piece(it, &it->it_a, &dg, 40, 80, false);
	KASSERT(drops(it->it_a.tif_ifp, DROP_FRAG_DUP) == 2);
	piece(it, &it->it_a, &dg, 80, 100, true);
	KASSERT(replied(&it->it_a, &dg));
	all_books(it);
}
IN_TEST(duplicate, 1)

static void
impossible_body(struct in_test *it)
{
	struct ifnet *ifp = it->it_a.tif_ifp;
	uint8_t buf[200];
	struct iphdr4 *ip = (struct iphdr4 *)(void *)buf;
	struct dgram dg;

	dgram_make(&dg, 6, 92);
	piece(it, &it->it_a, &dg, 0, 39, false);	/* not of eights */
	KASSERT(drops(ifp, DROP_FRAG_BAD) == 1);
	piece(it, &it->it_a, &dg, 8, 8, false);		/* empty */
	KASSERT(drops(ifp, DROP_FRAG_BAD) == 2);
	/* "Ping of death": ends past 65535. */
	(void)mk_ip(buf, "10.0.1.2", "10.0.1.1", 1, 64, 100);
	memset(buf + 20, 0, 100);
	ip->ip_off = be16(0x1fff);
	ip_set_cksum(ip);
	inject(it, &it->it_a, buf, 120);
	KASSERT(drops(ifp, DROP_FRAG_BAD) == 3);
	/* Two ends, and something behind the end. */
	piece(it, &it->it_a, &dg, 40, 80, true);
	piece(it, &it->it_a, &dg, 80, 100, true);
	KASSERT(drops(ifp, DROP_FRAG_BAD) == 5);
	KASSERT(ifdata(ifp).ifi_iqueued == 0);
	all_books(it);
}
IN_TEST(impossible, 1)

/* Packets that never end: bounded, the oldest go first, all by name. */
static void
flood_body(struct in_test *it)
{
	struct ifnet *ifp = it->it_a.tif_ifp;
	struct dgram dg;

	KASSERT(set_sysctl(it, "net.inet.ip.maxfragpackets", 20) == 0);
	KASSERT(set_sysctl(it, "net.inet.ip.maxfrags", 30) == 0);
	for (unsigned i = 0; i < 400; i++) {
		dgram_make(&dg, (uint16_t)(1000 + i), 92);
		piece(it, &it->it_a, &dg, 0, 40, false);
		piece(it, &it->it_a, &dg, 48, 80, false);
		KASSERT(ifdata(ifp).ifi_iqueued <= 30);
	}
	KASSERT(ifdata(ifp).ifi_iqueued + drops(ifp, DROP_FRAG_LIMIT) == 800);
	all_books(it);
	/* An honest packet still gets through. */
	tif_clear(&it->it_a);
	dgram_make(&dg, 9, 92);
	piece(it, &it->it_a, &dg, 0, 40, false);
	piece(it, &it->it_a, &dg, 40, 100, true);
	KASSERT(replied(&it->it_a, &dg));

	tif_clear(&it->it_a);
	sleep_ms(it, 31000);
	KASSERT(ifdata(ifp).ifi_iqueued == 0);
	KASSERT(drops(ifp, DROP_FRAG_TIMEOUT) > 0);
	KASSERT(tx_icmp(&it->it_a, 0) != NULL &&
	    tx_icmp(&it->it_a, 0)->icmp_type == ICMP4_TIMXCEED &&
	    tx_icmp(&it->it_a, 0)->icmp_code == ICMP4_TIMXCEED_REASS);
	all_books(it);
	KASSERT(set_sysctl(it, "net.inet.ip.maxfragpackets", 0) == 0);
	piece(it, &it->it_a, &dg, 0, 40, false);
	KASSERT(ifdata(ifp).ifi_iqueued == 0);
}
IN_TEST(flood, 1)

/* One packet of very many very small pieces. */
static void
crumbs_body(struct in_test *it)
{
	struct ifnet *ifp = it->it_a.tif_ifp;
	struct dgram dg;

	dgram_make(&dg, 3, DATA_MAX);
	for (unsigned off = 4000; off >= 8; off -= 8)
		piece(it, &it->it_a, &dg, off, off + 8, off == 4000);
	KASSERT(ifdata(ifp).ifi_iqueued == 500);
	piece(it, &it->it_a, &dg, 0, 8, false);
	KASSERT(replied(&it->it_a, &dg));
	KASSERT(ifdata(ifp).ifi_iqueued == 0);
	all_books(it);
}
IN_TEST(crumbs, 1)

/*
 * Random cuts in random order, some twice, some missing, some overlapping,
 * several packets mixed; a naive model says which must be answered.
 */
#define NPIECES	12

struct cut {
	unsigned	 c_off, c_end;
};

static void
random_one(struct in_test *it, uint16_t id)
{
	struct cut cut[NPIECES + 4], tmp;
	unsigned n = 0, size, off, step, j;
	bool spoiled = false, missing = false;
	struct dgram dg;

	size = 8 + (unsigned)random() % 1500;
	dgram_make(&dg, id, size - 8);
	for (off = 0; off < size; off += step) {
		step = ((unsigned)random() % 300 / 8 + 1) * 8;
		if (n == NPIECES - 1 || off + step > size)
			step = size - off;
		cut[n].c_off = off;
		cut[n++].c_end = off + step;
	}
	for (unsigned i = 0; i < n; i++) {
		j = i + (unsigned)random() % (n - i);
		tmp = cut[i], cut[i] = cut[j], cut[j] = tmp;
	}
	if (n > 1 && random() % 4 == 0) {
		missing = true;
		n--;
	}
	if (n > 2 && random() % 3 == 0)
		cut[n] = cut[n / 2], n++;	/* comes twice */
	if (n > 2 && random() % 4 == 0 && cut[0].c_end < size) {
		/* Overlaps the first that came, before all is there. */
		memmove(cut + 2, cut + 1, (n - 1) * sizeof(cut[0]));
		cut[1].c_off = cut[0].c_off;
		cut[1].c_end = cut[0].c_end + 8 < size ? cut[0].c_end + 8 :
		    cut[0].c_end;
		if (cut[1].c_end != cut[0].c_end)
			spoiled = true;
		n++;
	}
	tif_clear(&it->it_a);
	for (unsigned i = 0; i < n; i++)
		piece(it, &it->it_a, &dg, cut[i].c_off, cut[i].c_end,
		    cut[i].c_end == size);
	KASSERT(replied(&it->it_a, &dg) == (!missing && !spoiled));
	test_if_books(it->it_a.tif_ifp);
}

static void
randomized_body(struct in_test *it)
{

	srandom((unsigned)sim_random(it->it_host));
	for (unsigned i = 0; i < 400; i++)
		random_one(it, (uint16_t)(i + 1));
	sleep_ms(it, 40000);
	KASSERT(ifdata(it->it_a.tif_ifp).ifi_iqueued == 0);
	all_books(it);
}
IN_TEST(randomized, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(two_ways),
		cmocka_unit_test(overlap),
		cmocka_unit_test(duplicate),
		cmocka_unit_test(impossible),
		cmocka_unit_test(flood),
		cmocka_unit_test(crumbs),
		cmocka_unit_test(randomized),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
