/*
 * Measured streams: what arrived of them, beside a plain count of the same.
 */

#include "dev_test.h"

#include "dev/pg_measure.h"	/* under test */

#include <stdlib.h>

#define STAMP_OFF	DEV_HDRS
#define PACKETS	20000

/* --- buckets -------------------------------------------------------------- */

static void
test_buckets(void **state)
{
	uint64_t most, last = 0, v;

	(void)state;
	for (unsigned b = 0; b < PG_BUCKETS; b++) {
		most = pg_bucket_most(b);
		assert_true(b == 0 || most > last);
		assert_int_equal(pg_bucket(most), b);
		if (b < PG_BUCKETS - 1)
			assert_int_equal(pg_bucket(most + 1), b + 1);
		/* The width is a 32nd of the smallest value at most. */
		if (b > 0)
			assert_true(most - last <= 1 ||
			    (most - last) * 32 <= last + 1);
		last = most;
	}
	assert_true(last == (1ULL << 40) - 1);
	for (unsigned i = 0; i < 64; i++) {
		v = 1ULL << i;
		assert_true(pg_bucket(v) < PG_BUCKETS);
		assert_true(i >= 40 || pg_bucket_most(pg_bucket(v)) >= v);
	}
	assert_int_equal(pg_bucket(UINT64_MAX), PG_BUCKETS - 1);
}

/* --- arrivals ------------------------------------------------------------- */

/* A packet of a flow, as it is about to arrive. */
struct arrival {
	uint64_t	 seq, sent;
};

/* A change of a packet that would have counted. */
struct spoil {
	unsigned	 at;
	uint8_t		 value;
	unsigned	 len;	/* at the time: bytes of it; else the packet's
				 * new length, or 0 */
};

struct flight {
	struct pg_flow	*flow;
	const struct arrival *arrival;
	unsigned	 n;
	const struct spoil *spoil;	/* NULL: packets that count */
	uint64_t	 now;		/* when they arrive */
};

static void
put(uint8_t *p, unsigned bytes, uint64_t v)
{

	for (; bytes-- > 0; v >>= 8)
		p[bytes] = (uint8_t)v;
}

static void
spoil(struct mbuf *m, const struct spoil *sp)
{

	if (sp->len == 8)
		put(m->m_data + sp->at, 8, 1);
	else if (sp->len != 0)
		m->m_len = m->m_pktlen = sp->len;
	else
		m->m_data[sp->at] = sp->value;
}

/* CPU: a vector of packets with stamps, the first `n' of the arrivals. */
static void
make(struct flight *fl, const struct arrival *from, unsigned n,
    struct mvec *mv)
{
	static const uint8_t dst[6] = { 2, 0, 0, 0, 0, 1 };
	uint8_t *p;

	mv->mv_n = m_get_bulk(mv->mv_m, n);
	KASSERT(mv->mv_n == n);
	for (unsigned i = 0; i < n; i++) {
		p = mv->mv_m[i]->m_data;
		mv->mv_m[i]->m_len = mv->mv_m[i]->m_pktlen = dev_frame(p, dst,
		    "10.0.0.1", "10.0.0.2", IPPROTO_UDP, PG_STAMP_SIZE, 0);
		p[20] = 0;	/* DF */
	}
	pg_flow_stamp(fl->flow, mv);
	for (unsigned i = 0; i < n; i++) {
		p = mv->mv_m[i]->m_data + STAMP_OFF;
		put(p + 4, 6, from[i].seq);
		put(p + 10, 8, from[i].sent);
		if (fl->spoil != NULL)
			spoil(mv->mv_m[i], fl->spoil);
	}
}

/* CPU: have the packets arrive, in vectors. */
static void
arrive(void *arg)
{
	struct flight *fl = arg;
	struct kern *k = cpu_kern(curcpu());
	struct mvec mv;
	unsigned n;

	for (unsigned i = 0; i < fl->n; i += n) {
		n = fl->n - i < 100 ? fl->n - i : 100;
		make(fl, fl->arrival + i, n, &mv);
		pg_flows_arrived(k->k_pg_flows, &mv, fl->now);
		mvec_free(&mv);
	}
}

static struct if_pgstat
stat_of(const struct pg_flow *f)
{
	struct if_pgstat pgs;

	memset(&pgs, 0, sizeof(pgs));
	pg_flow_stat(f, &pgs);
	KASSERT(pgs.pgs_flags == PGS_MEASURED);
	return pgs;
}

static int
by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The latency that a share of the sorted ones do not exceed, as wide as a
 * bucket. */
static uint64_t
share_of(const uint64_t *sorted, unsigned n, unsigned thousandths)
{
	uint64_t v = sorted[(n * (uint64_t)thousandths + 999) / 1000 - 1];

	v = pg_bucket_most(pg_bucket(v));
	return v < sorted[n - 1] ? v : sorted[n - 1];
}

/* Loss, order, copies and latencies at random, beside a plain count. */
static void
random_body(struct kern *k)
{
	static struct arrival arrival[PACKETS];
	static uint64_t latency[PACKETS];
	static bool seen[2 * PACKETS];
	unsigned n = 0, unique = 0, reordered = 0, duplicated = 0, at;
	uint64_t highest = 0, power[PGS_POWERS] = { 0 }, sum = 0, begun, r;
	struct flight fl = { .arrival = arrival };
	struct if_pgstat pgs;
	struct arrival swap;

	KASSERT(pg_flow_create(k, &fl.flow) == 0);
	begun = host_clock(k->k_host);
	fl.now = begun + 10000000000;
	memset(seen, 0, sizeof(seen));
	for (uint64_t seq = 0; n < PACKETS - 2; seq++) {
		r = sim_random(k->k_host);
		if (r % 10 == 0)
			continue;		/* lost */
		arrival[n].seq = seq;
		/* All powers of two up to 10 s. */
		arrival[n++].sent = begun + 10000000000 -
		    (sim_random(k->k_host) % 10000000000 >> (r / 10 % 34));
		if (r / 1000 % 20 == 0) {
			arrival[n] = arrival[n - 1];
			n++;
		}
	}
	for (unsigned i = 0; i + 50 < n; i++) {
		at = i + (unsigned)(sim_random(k->k_host) % 50);
		if (sim_random(k->k_host) % 4 != 0)
			continue;
		swap = arrival[i];
		arrival[i] = arrival[at];
		arrival[at] = swap;
	}
	fl.n = n;
	kern_xcall(k, arrive, &fl);
	for (unsigned i = 0; i < n; i++) {
		KASSERT(arrival[i].seq < 2 * PACKETS);
		if (seen[arrival[i].seq]) {
			duplicated++;
			continue;
		}
		seen[arrival[i].seq] = true;
		reordered += i > 0 && arrival[i].seq < highest;
		if (arrival[i].seq > highest)
			highest = arrival[i].seq;
		latency[unique++] = fl.now - arrival[i].sent;
	}
	pgs = stat_of(fl.flow);
	KASSERT(pgs.pgs_received == n);
	KASSERT(pgs.pgs_reordered == reordered && reordered > 100);
	KASSERT(pgs.pgs_duplicated == duplicated && duplicated > 100);
	qsort(latency, unique, sizeof(latency[0]), by_size);
	for (unsigned i = 0; i < unique; i++) {
		sum += latency[i];
		power[latency[i] == 0 ? 0 :
		    64 - __builtin_clzll(latency[i])]++;
	}
	KASSERT(pgs.pgs_min_ns == latency[0]);
	KASSERT(pgs.pgs_max_ns == latency[unique - 1]);
	KASSERT(pgs.pgs_mean_ns == sum / unique);
	KASSERT(pgs.pgs_p50_ns == share_of(latency, unique, 500));
	KASSERT(pgs.pgs_p90_ns == share_of(latency, unique, 900));
	KASSERT(pgs.pgs_p99_ns == share_of(latency, unique, 990));
	KASSERT(pgs.pgs_p999_ns == share_of(latency, unique, 999));
	KASSERT(memcmp(power, pgs.pgs_power, sizeof(power)) == 0);
	pg_flow_destroy(fl.flow);
}

static struct if_pgstat
after(struct kern *k, struct flight *fl, const uint64_t *seq, unsigned n)
{
	struct arrival arrival[8];

	for (unsigned i = 0; i < n; i++) {
		arrival[i].seq = seq[i];
		arrival[i].sent = host_clock(k->k_host);
	}
	fl->arrival = arrival;
	fl->n = n;
	fl->now = host_clock(k->k_host);
	kern_xcall(k, arrive, fl);
	return stat_of(fl->flow);
}

#define AFTER(...)							\
	after(k, &fl, (uint64_t[]){ __VA_ARGS__ },			\
	    sizeof((uint64_t[]){ __VA_ARGS__ }) / 8)

/* Gaps as large as the window and larger, and what comes late. */
static void
window_body(struct kern *k)
{
	struct flight fl = { 0 };
	struct if_pgstat pgs;

	KASSERT(pg_flow_create(k, &fl.flow) == 0);
	pgs = stat_of(fl.flow);
	KASSERT(pgs.pgs_received == 0 && pgs.pgs_min_ns == 0);
	pgs = AFTER(5, 0, 0, 5);
	KASSERT(pgs.pgs_reordered == 1 && pgs.pgs_duplicated == 2);
	pgs = AFTER(5 + PG_WINDOW - 1, 5, 6);
	KASSERT(pgs.pgs_reordered == 2 && pgs.pgs_duplicated == 3);
	pgs = AFTER(6 + PG_WINDOW, 6);	/* it cannot be told any more */
	KASSERT(pgs.pgs_reordered == 3 && pgs.pgs_duplicated == 3);
	pgs = AFTER(100 * PG_WINDOW, 99 * PG_WINDOW + 1,
	    99 * PG_WINDOW + 1, 99 * PG_WINDOW);
	KASSERT(pgs.pgs_reordered == 5 && pgs.pgs_duplicated == 4);
	KASSERT(pgs.pgs_received == 13);
	pgs = AFTER((1ULL << 48) - 1, (1ULL << 48) - 1);
	KASSERT(pgs.pgs_duplicated == 5);
	pg_flow_destroy(fl.flow);
}

/* --- packets that are none of a flow -------------------------------------- */

/* A byte that is another one makes it none, as does a missing end. */
static const struct spoil spoils[] = {
	{ STAMP_OFF + 1, 'h', 0 },	/* another magic */
	{ STAMP_OFF + 2, 0xfc, 0 },	/* another generation of the place */
	{ STAMP_OFF + 3, 1, 0 },	/* a place without a flow */
	{ STAMP_OFF + 10, 0x7f, 0 },	/* the time is to come */
	{ STAMP_OFF + 10, 0, 8 },	/* ... or long past */
	{ 13, 6, 0 },			/* ARP */
	{ 14, 0x65, 0 },		/* IPv6 */
	{ 14, 0x4f, 0 },		/* a header that is longer */
	{ 20, 0x20, 0 }, { 21, 1, 0 },	/* fragments */
	{ 23, 6, 0 },			/* TCP */
	{ 0, 0, STAMP_OFF + PG_STAMP_SIZE - 1 },	/* cut off */
	{ 0, 0, 20 },
};

static void
none_body(struct kern *k)
{
	struct flight fl = { 0 };

	host_sleep(k->k_host, 1000);
	KASSERT(pg_flow_create(k, &fl.flow) == 0);
	for (unsigned i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
		fl.spoil = &spoils[i];
		KASSERT(AFTER(i).pgs_received == 0);
	}
	fl.spoil = NULL;
	KASSERT(AFTER(0).pgs_received == 1);
	pg_flow_destroy(fl.flow);
}

/* So many flows, and no more; a flow that is gone counts nothing for the one
 * that has its place. */
static void
many_body(struct kern *k)
{
	static struct pg_flow *flow[PG_FLOWS_MAX];
	struct flight fl = { 0 };
	struct pg_flow *more;

	for (unsigned i = 0; i < PG_FLOWS_MAX; i++)
		KASSERT(pg_flow_create(k, &flow[i]) == 0);
	KASSERT(pg_flow_create(k, &more) == ENOSPC);
	fl.flow = flow[PG_FLOWS_MAX - 1];
	KASSERT(AFTER(0).pgs_received == 1);
	for (unsigned i = 0; i < PG_FLOWS_MAX; i++)
		pg_flow_destroy(flow[i]);
	KASSERT(k->k_pg_flows == NULL);
	/* Without memory, at every step. */
	for (unsigned n = 1; n <= 2; n++) {
		sim_fail_alloc(k->k_host, n);
		KASSERT(pg_flow_create(k, &more) == ENOMEM);
		KASSERT(sim_alloc_failed(k->k_host));
		KASSERT(k->k_pg_flows == NULL);
	}
	KASSERT(pg_flow_create(k, &more) == 0);
	pg_flow_destroy(more);
}

#define TEST(name)	static void test_##name(void **state)		\
	{ (void)state; on_sim(1, name##_body); }

TEST(random)
TEST(window)
TEST(none)
TEST(many)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_random), cmocka_unit_test(test_window),
		cmocka_unit_test(test_none), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
