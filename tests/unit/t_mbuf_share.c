/*
 * Shares of the packet buffers: packets for this host, fragments, packets that
 * wait for a neighbour and pings each have theirs, dropped under its name when
 * it is exhausted, and packets that pass through go on meanwhile.
 */

#include "in_test.h"

static void
heard(void *arg, const struct ping_reply *pr)
{

	*(int *)arg = pr->pr_errno;
}

/* A vector passes from one interface to the other, every packet of it. */
static void
forwards(struct in_test *it)
{
	uint8_t buf[200];
	unsigned len = mk_udp(buf, "10.0.1.2", "10.0.2.2", 64, 30);

	tif_clear(&it->it_b);
	inject_n(it, &it->it_a, buf, len, 32);
	KASSERT(it->it_b.tif_ntx == 32);
}

static uint64_t
used(struct in_test *it, enum mbuf_share share)
{

	return __atomic_load_n(&it->it_kern->k_share[share].ms_used,
	    __ATOMIC_RELAXED);
}

static void
exhausted_body(struct in_test *it)
{
	struct mbuf_share_state *ms = it->it_kern->k_share;
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;
	struct ping *p;
	struct iphdr4 *ip;
	uint8_t buf[200];
	unsigned len;
	int error = 0;

	forwards(it);
	/* Packets for this host. */
	len = mk_echo(buf, "10.0.1.2", "10.0.1.1", 1, 1, 20);
	inject(it, &it->it_a, buf, len);
	KASSERT(drops(a, DROP_LOCAL_SHARE) == 0);
	ms[MBUF_SHARE_LOCAL].ms_percent = 0;
	inject(it, &it->it_a, buf, len);
	KASSERT(drops(a, DROP_LOCAL_SHARE) == 1);
	forwards(it);
	ms[MBUF_SHARE_LOCAL].ms_percent = 25;
	/* Fragments. */
	memset(buf, 0, sizeof(buf));
	len = mk_ip(buf, "10.0.1.2", "10.0.1.1", 17, 64, 64);
	ip = (struct iphdr4 *)(void *)buf;
	ip->ip_off = htons(IP_MF);
	ip_set_cksum(ip);
	inject(it, &it->it_a, buf, len);
	KASSERT(used(it, MBUF_SHARE_FRAGMENTS) == 1);
	ms[MBUF_SHARE_FRAGMENTS].ms_percent = 0;
	ip->ip_id ^= 0x77;
	ip_set_cksum(ip);
	inject(it, &it->it_a, buf, len);
	/* The oldest made room as well. */
	KASSERT(drops(a, DROP_FRAG_SHARE) == 1);
	KASSERT(drops(a, DROP_FRAG_LIMIT) == 1);
	KASSERT(used(it, MBUF_SHARE_FRAGMENTS) == 0);
	forwards(it);
	/* Packets that wait for a neighbour. */
	len = mk_udp(buf, "10.0.1.2", "10.0.2.77", 64, 30);
	inject(it, &it->it_a, buf, len);
	KASSERT(used(it, MBUF_SHARE_NEIGHBOURS) == 1);
	ms[MBUF_SHARE_NEIGHBOURS].ms_percent = 0;
	inject(it, &it->it_a, buf, len);
	KASSERT(drops(b, DROP_ARP_SHARE) == 1);
	forwards(it);
	/* Pings. */
	KASSERT(ping_open4(it, 0, heard, &error, &p) == 0);
	ms[MBUF_SHARE_PINGS].ms_percent = 0;
	KASSERT(ping(p, "10.0.2.2", NULL, 1, 56, 0) == 0);
	settle(it);
	KASSERT(error == ENOBUFS);
	forwards(it);
	ping_close(p);
	/* Buffers that waited are given back when their time is over. */
	sleep_ms(it, 8000);
	for (unsigned i = 0; i < MBUF_NSHARES; i++)
		KASSERT(used(it, (enum mbuf_share)i) == 0);
	all_books(it);
}
IN_TEST(exhausted, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exhausted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
