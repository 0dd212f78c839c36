/*
 * Flows: their numbers, stamps, and what arrived of them.
 */

#include "dev/pg_measure.h"

#include <errno.h>
#include <string.h>

#include <ifnet/if_ether.h>
#include <ifnet/pserialize.h>

#include "kern/kern_impl.h"

/* A flow's number is its place in the table, and above it a generation. */
#define PLACE_BITS	10
#define PLACE_MASK	(PG_FLOWS_MAX - 1)

_Static_assert(PG_FLOWS_MAX == 1 << PLACE_BITS, "places have these bits");

#define STAMP_OFF	(ETHER_HDR_LEN + 20 + 8)

/* Arrivals on one CPU, which writes them; others read them. */
struct arrivals {
	uint64_t	 a_received;	/* packets, duplicates too */
	uint64_t	 a_duplicated, a_reordered;
	uint64_t	 a_next;	/* the highest number so far, and 1 */
	uint64_t	 a_sum_ns;	/* of latencies, duplicates left out */
	uint64_t	 a_min_ns, a_max_ns;
	uint64_t	 a_bucket[PG_BUCKETS];
	/* A bit for each of the last PG_WINDOW sequence numbers. */
	uint64_t	 a_window[PG_WINDOW / 64];
} __attribute__((__aligned__(64)));

struct pg_flow {
	struct kern	*f_kern;	/* constant */
	uint16_t	 f_number;	/* constant */
	uint64_t	 f_begun_ns;	/* constant: no stamp is older */
	uint64_t	 f_sequence;	/* the sender's CPU's: the next */
	struct arrivals	 f_cpu[];	/* by the CPU's index */
};

/*
 * The flows of a process, of which the kern has a pointer while there are any.
 * k_pg_lock protects it; CPUs read k_pg_flows and fs_flow without.
 */
struct pg_flows {
	unsigned	 fs_n;
	uint8_t		 fs_generation[PG_FLOWS_MAX];
	struct pg_flow	*fs_flow[PG_FLOWS_MAX];
};

/* --- the table ------------------------------------------------------------ */

/* With the lock: a place for the flow. */
static int
enter(struct kern *k, struct pg_flow *f)
{
	struct pg_flows *fs = k->k_pg_flows;
	unsigned i;

	if (fs == NULL) {
		fs = kmem_zalloc(k, sizeof(*fs));
		if (fs == NULL)
			return ENOMEM;
	}
	for (i = 0; i < PG_FLOWS_MAX && fs->fs_flow[i] != NULL; i++)
		continue;
	if (i == PG_FLOWS_MAX)
		return kern_refuse(ENOSPC, "%d streams are measured in this "
		    "process, and no more can be", PG_FLOWS_MAX);
	f->f_number = (uint16_t)(fs->fs_generation[i]++ << PLACE_BITS | i);
	__atomic_store_n(&fs->fs_flow[i], f, __ATOMIC_RELEASE);
	fs->fs_n++;
	__atomic_store_n(&k->k_pg_flows, fs, __ATOMIC_RELEASE);
	return 0;
}

int
pg_flow_create(struct kern *k, struct pg_flow **fp)
{
	struct pg_flow *f;
	int error;

	f = kern_table_alloc(k, sizeof(*f) + k->k_ncpu * sizeof(f->f_cpu[0]));
	if (f == NULL)
		return ENOMEM;
	f->f_kern = k;
	f->f_begun_ns = host_clock(k->k_host);
	for (unsigned i = 0; i < k->k_ncpu; i++)
		f->f_cpu[i].a_min_ns = UINT64_MAX;
	klock_lock(k, &k->k_pg_lock);
	error = enter(k, f);
	klock_unlock(k, &k->k_pg_lock);
	if (error != 0)
		kern_table_free(k, f, sizeof(*f) +
		    k->k_ncpu * sizeof(f->f_cpu[0]));
	else
		*fp = f;
	return error;
}

void
pg_flow_destroy(struct pg_flow *f)
{
	struct kern *k = f->f_kern;
	struct pg_flows *fs;

	klock_lock(k, &k->k_pg_lock);
	fs = k->k_pg_flows;
	__atomic_store_n(&fs->fs_flow[f->f_number & PLACE_MASK], NULL,
	    __ATOMIC_RELEASE);
	if (--fs->fs_n == 0)
		__atomic_store_n(&k->k_pg_flows, NULL, __ATOMIC_RELEASE);
	else
		fs = NULL;
	klock_unlock(k, &k->k_pg_lock);
	pserialize_perform(k);
	kmem_free(k, fs);
	kern_table_free(k, f, sizeof(*f) + k->k_ncpu * sizeof(f->f_cpu[0]));
}

/* --- stamps --------------------------------------------------------------- */

static void
put(uint8_t *p, unsigned bytes, uint64_t v)
{

	for (unsigned i = bytes; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

static uint64_t
get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

/* "pg", the flow's number (2 bytes), sequence number (6), time in ns (8), in
 * network order. */
void
pg_flow_stamp(struct pg_flow *f, struct mvec *mv)
{
	uint64_t now = host_clock(f->f_kern->k_host);
	uint8_t *p;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		p = mv->mv_m[i]->m_data + STAMP_OFF;
		p[0] = 'p';
		p[1] = 'g';
		put(p + 2, 2, f->f_number);
		put(p + 4, 6, f->f_sequence++);
		put(p + 10, 8, now);
	}
}

/* The stamp in a packet, or NULL: it is a UDP packet over IPv4, whole, with a
 * stamp in its first buffer. */
static const uint8_t *
find_stamp(const struct mbuf *m)
{
	const uint8_t *p = m->m_data, *ip = p + ETHER_HDR_LEN;
	unsigned off;

	if (m->m_len < STAMP_OFF + PG_STAMP_SIZE ||
	    get(p + 12, 2) != ETHERTYPE_IP || ip[0] >> 4 != 4 ||
	    ip[9] != IPPROTO_UDP || (get(ip + 6, 2) & 0x3fff) != 0)
		return NULL;
	off = ETHER_HDR_LEN + (ip[0] & 0xfu) * 4 + 8;
	if (m->m_len < off + PG_STAMP_SIZE || p[off] != 'p' ||
	    p[off + 1] != 'g')
		return NULL;
	return p + off;
}

/* --- arrivals ------------------------------------------------------------- */

static void
add(uint64_t *counter, uint64_t n)
{

	cpu_stat_add(counter, n);
}

static bool
window_test(const struct arrivals *a, uint64_t seq)
{

	return (a->a_window[seq % PG_WINDOW / 64] >> (seq % 64) & 1) != 0;
}

/* Note that a sequence number arrived; false: it had arrived before. */
static bool
take_sequence(struct arrivals *a, uint64_t seq)
{
	uint64_t from = a->a_next;

	if (seq >= from) {
		/* The places of those in between are empty: not arrived. */
		if (seq - from >= PG_WINDOW) {
			memset(a->a_window, 0, sizeof(a->a_window));
			from = seq;
		}
		for (; from < seq; from++)
			a->a_window[from % PG_WINDOW / 64] &=
			    ~(1ULL << (from % 64));
		a->a_next = seq + 1;
	} else {
		if (from - seq > PG_WINDOW) {
			add(&a->a_reordered, 1);
			return true;
		}
		if (window_test(a, seq)) {
			add(&a->a_duplicated, 1);
			return false;
		}
		add(&a->a_reordered, 1);
	}
	a->a_window[seq % PG_WINDOW / 64] |= 1ULL << (seq % 64);
	return true;
}

static void
take(struct arrivals *a, uint64_t seq, uint64_t ns)
{

	add(&a->a_received, 1);
	if (!take_sequence(a, seq))
		return;
	add(&a->a_sum_ns, ns);
	add(&a->a_bucket[pg_bucket(ns)], 1);
	if (ns < a->a_min_ns)
		__atomic_store_n(&a->a_min_ns, ns, __ATOMIC_RELAXED);
	if (ns > a->a_max_ns)
		__atomic_store_n(&a->a_max_ns, ns, __ATOMIC_RELAXED);
}

void
pg_flows_arrived(const struct pg_flows *fs, const struct mvec *mv,
    uint64_t now)
{
	const unsigned cpu = cpu_index(curcpu());
	uint64_t sent;
	const uint8_t *stamp;
	struct pg_flow *f;
	uint16_t number;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		stamp = find_stamp(mv->mv_m[i]);
		if (stamp == NULL)
			continue;
		number = (uint16_t)get(stamp + 2, 2);
		f = __atomic_load_n(&fs->fs_flow[number & PLACE_MASK],
		    __ATOMIC_ACQUIRE);
		sent = get(stamp + 10, 8);
		/* Other bytes that look like a stamp have no such time. */
		if (f == NULL || f->f_number != number ||
		    sent < f->f_begun_ns || sent > now)
			continue;
		take(&f->f_cpu[cpu], get(stamp + 4, 6), now - sent);
	}
}

/* --- what arrived --------------------------------------------------------- */

/* The latency that a share of n packets do not exceed, in thousandths. */
static uint64_t
percentile(const uint64_t *bucket, uint64_t n, unsigned share,
    const struct if_pgstat *pgs)
{
	uint64_t rank = (n * share + 999) / 1000, seen = 0, ns;
	unsigned i = 0;

	while (i < PG_BUCKETS - 1 && (seen += bucket[i]) < rank)
		i++;
	ns = pg_bucket_most(i);
	return ns < pgs->pgs_max_ns && i < PG_BUCKETS - 1 ? ns :
	    pgs->pgs_max_ns;
}

static uint64_t
look(const uint64_t *counter)
{

	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void
pg_flow_stat(const struct pg_flow *f, struct if_pgstat *pgs)
{
	uint64_t bucket[PG_BUCKETS] = { 0 }, sum = 0, n = 0, v;
	const struct arrivals *a;

	pgs->pgs_flags |= PGS_MEASURED;
	pgs->pgs_min_ns = UINT64_MAX;
	for (unsigned c = 0; c < f->f_kern->k_ncpu; c++) {
		a = &f->f_cpu[c];
		pgs->pgs_received += look(&a->a_received);
		pgs->pgs_duplicated += look(&a->a_duplicated);
		pgs->pgs_reordered += look(&a->a_reordered);
		sum += look(&a->a_sum_ns);
		v = look(&a->a_min_ns);
		pgs->pgs_min_ns = v < pgs->pgs_min_ns ? v : pgs->pgs_min_ns;
		v = look(&a->a_max_ns);
		pgs->pgs_max_ns = v > pgs->pgs_max_ns ? v : pgs->pgs_max_ns;
		for (unsigned i = 0; i < PG_BUCKETS; i++)
			bucket[i] += look(&a->a_bucket[i]);
	}
	for (unsigned i = 0; i < PG_BUCKETS; i++) {
		n += bucket[i];
		v = pg_bucket_most(i);
		pgs->pgs_power[v == 0 ? 0 :
		    64 - __builtin_clzll(v)] += bucket[i];
	}
	if (n == 0) {
		pgs->pgs_min_ns = 0;
		return;
	}
	pgs->pgs_mean_ns = sum / n;
	pgs->pgs_p50_ns = percentile(bucket, n, 500, pgs);
	pgs->pgs_p90_ns = percentile(bucket, n, 900, pgs);
	pgs->pgs_p99_ns = percentile(bucket, n, 990, pgs);
	pgs->pgs_p999_ns = percentile(bucket, n, 999, pgs);
}
