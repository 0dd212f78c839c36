/*
 * Benchmarks of the forwarding table alone (src/net/fib.h): lookups of random
 * destinations in vectors, changes one by one in a full table, bytes.  Prints
 * one JSON object a line, as bench_core does; samples of DPDK's rte_fib, whose
 * rounds alternate with ours, have a "peer".
 *
 *	bench_fib lookup PREFIXES ROUNDS
 *	bench_fib lookup6 PREFIXES ROUNDS
 *	bench_fib update ROUNDS
 *	bench_fib bytes
 */

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "fib_peer.h"
#include "kern/kern_impl.h"
#include "net/fib.h"
#include "prefixes.h"
#include "scale.h"

#define VALUES		200
#define MILLION		1000000u

struct entry {
	uint32_t	 p_key, p_value, p_cover;
	uint8_t		 p_len, p_cover_len;
};

/* Prefixes, by key and length, to find one and what covers it. */
struct set {
	struct entry	*s_slot;	/* p_value 0: free */
	uint32_t	 s_mask;
};

static int
fib4_add(struct fib *f, uint32_t key, unsigned len, uint32_t value)
{
	const struct prefix pf = prefix_of4(key, len);

	return fib_add(f, &pf, value);
}

static void
fib4_remove(struct fib *f, uint32_t key, unsigned len, uint32_t cover,
    unsigned cover_len)
{
	const struct prefix pf = prefix_of4(key, len);

	fib_remove(f, &pf, cover, cover_len);
}

static void
row(const char *name, const char *unit, const char *peer, double value)
{

	printf("{\"name\": \"%s\", \"unit\": \"%s\", \"value\": %.3f%s%s%s}\n",
	    name, unit, value, peer != NULL ? ", \"peer\": \"" : "",
	    peer != NULL ? peer : "", peer != NULL ? "\"" : "");
	fflush(stdout);
}

static void *
allocate(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p == NULL)
		err(1, NULL);
	return p;
}

static struct entry *
set_find(const struct set *s, uint32_t key, unsigned len)
{
	uint32_t at = khash_u64((uint64_t)key << 8 | len) & s->s_mask;

	while (s->s_slot[at].p_value != 0 && (s->s_slot[at].p_key != key ||
	    s->s_slot[at].p_len != len))
		at = (at + 1) & s->s_mask;
	return &s->s_slot[at];
}

/* Learn the longest prefix of a set that contains this one. */
static void
find_cover(const struct set *s, struct entry *p)
{
	const struct entry *cover;

	for (unsigned len = p->p_len; len-- > 1;) {
		cover = set_find(s, p->p_key & (UINT32_MAX << (32 - len)),
		    len);
		if (cover->p_value == 0)
			continue;
		p->p_cover = cover->p_value;
		p->p_cover_len = (uint8_t)len;
		return;
	}
}

/* Choose a prefix that is not in the set: of the Internet's lengths, or a whole
 * address; and an address in it. */
static struct entry
choose(const struct set *s, bool hosts, uint32_t *inside)
{
	struct entry p = { .p_value = 1 + next_random() % VALUES };

	do {
		p.p_len = (uint8_t)(hosts ? 32 : random_len());
		*inside = (uint32_t)next_random();
		p.p_key = *inside & (UINT32_MAX << (32 - p.p_len));
	} while (!usable(p.p_key, p.p_len) ||
	    set_find(s, p.p_key, p.p_len)->p_value != 0);
	return p;
}

static void
shuffle(uint32_t *v, unsigned n)
{
	uint32_t swap;

	for (unsigned i = n - 1; i > 0; i--) {
		unsigned j = (unsigned)(next_random() % (i + 1));

		swap = v[i];
		v[i] = v[j];
		v[j] = swap;
	}
}

/* A table of n prefixes, and an address in each, in random order. */
struct table {
	struct kern	*t_kern;
	struct fib	 t_fib;
	struct set	 t_set;
	uint32_t	*t_key;
	unsigned	 t_n;
	bool		 t_peer;
};

static void
table_make(struct table *t, unsigned n, bool hosts, bool peer)
{
	struct kern_config kc = { .kc_ncpu = 1, .kc_mbufs = 1024 };
	struct entry p;

	memset(t, 0, sizeof(*t));
	t->t_n = n;
	t->t_set.s_mask = 64;
	while (t->t_set.s_mask < 4 * n)
		t->t_set.s_mask *= 2;
	t->t_set.s_slot = allocate(t->t_set.s_mask--, sizeof(p));
	t->t_key = allocate(n, sizeof(*t->t_key));
	t->t_peer = peer && peer_create(n + n / 4);
	if (kern_create(host_linux(), &kc, &t->t_kern) != 0 ||
	    fib_init(t->t_kern, &t->t_fib, false) != 0)
		errx(1, "no kern");
	for (unsigned i = 0; i < n; i++) {
		p = choose(&t->t_set, hosts, &t->t_key[i]);
		*set_find(&t->t_set, p.p_key, p.p_len) = p;
	}
	shuffle(t->t_key, n);
}

static void
table_load(struct table *t)
{
	const struct entry *p;

	for (uint32_t i = 0; i <= t->t_set.s_mask; i++) {
		p = &t->t_set.s_slot[i];
		if (p->p_value == 0)
			continue;
		if (fib4_add(&t->t_fib, p->p_key, p->p_len, p->p_value) != 0)
			errx(1, "no memory");
		if (t->t_peer && !peer_add(p->p_key, p->p_len, p->p_value))
			errx(1, "the peer has no room");
	}
}

/* Take out the longest prefixes first, so that each one's cover is there. */
static void
table_free(struct table *t)
{
	struct entry *p;

	for (unsigned len = 32; len > 0; len--)
		for (uint32_t i = 0; i <= t->t_set.s_mask; i++) {
			p = &t->t_set.s_slot[i];
			if (p->p_value == 0 || p->p_len != len)
				continue;
			find_cover(&t->t_set, p);
			fib4_remove(&t->t_fib, p->p_key, len, p->p_cover,
			    p->p_cover_len);
		}
	fib_fini(&t->t_fib);
	kern_destroy(t->t_kern);
	if (t->t_peer)
		peer_destroy();
	free(t->t_set.s_slot);
	free(t->t_key);
}

/* Values go here, so that the compiler keeps the lookups. */
static volatile uint64_t sink;

/* Clocks a lookup of all keys, in vectors. */
static double
lookup_round(const struct table *t, unsigned vector, bool peer)
{
	const unsigned again = t->t_n < 100000 ? 100 : 2;
	uint32_t value[256];
	uint64_t began = machine_clock();
	unsigned n = 0;

	for (unsigned a = 0; a < again; a++)
		for (unsigned i = 0; i + vector <= t->t_n; i += vector) {
			if (peer)
				sink += peer_lookup_many(&t->t_key[i], vector);
			else {
				fib4_lookup_many(&t->t_fib, &t->t_key[i],
				    value, vector);
				sink += value[0];
			}
			n += vector;
		}
	return (double)(machine_clock() - began) / n;
}

static void
bench_lookup(unsigned n, unsigned rounds)
{
	static const unsigned vectors[] = { 64, 256 };
	struct table t;
	char name[64];

	table_make(&t, n, false, true);
	table_load(&t);
	pserialize_read_enter();
	for (unsigned i = 0; i < 2 * (rounds + 1); i++) {
		(void)snprintf(name, sizeof(name), "fib-lookup-%s%s",
		    n >= MILLION ? "1m" : "10k", i % 2 == 0 ? "" : "-256");
		for (unsigned peer = 0; peer <= t.t_peer; peer++) {
			double v = lookup_round(&t, vectors[i % 2], peer);

			if (i >= 2)	/* the first ones are to warm up */
				row(name, "clocks", peer ? "rte_fib" : NULL,
				    v);
		}
	}
	pserialize_read_exit();
	table_free(&t);
}

/* The time that this thread was given, so that others do not count. */
static uint64_t
own_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void
change(struct table *t, const struct entry *p, bool gone, bool peer)
{

	if (peer && gone)
		peer_remove(p->p_key, p->p_len);
	else if (peer)
		(void)peer_add(p->p_key, p->p_len, p->p_value);
	else if (gone)
		fib4_remove(&t->t_fib, p->p_key, p->p_len, p->p_cover,
		    p->p_cover_len);
	else if (fib4_add(&t->t_fib, p->p_key, p->p_len, p->p_value) != 0)
		errx(1, "no memory");
}

/* Announce prefixes and withdraw them, one by one: changes a second. */
static double
update_round(struct table *t, const struct entry *p, unsigned n, bool peer)
{
	uint64_t began = now_ns();

	for (unsigned i = 0; i < 2 * n; i++)
		change(t, &p[i / 2], i % 2 != 0, peer);
	return 2 * n / ((double)(now_ns() - began) / 1e9);
}

/* The change that takes longest, in us. */
static double
longest_round(struct table *t, const struct entry *p, unsigned n, bool peer)
{
	uint64_t last = own_ns(), longest = 0, now;

	for (unsigned i = 0; i < 2 * n; i++, last = now) {
		change(t, &p[i / 2], i % 2 != 0, peer);
		now = own_ns();
		if (now - last > longest)
			longest = now - last;
	}
	return (double)longest / 1e3;
}

/* A /2 comes and goes above half a million addresses: us for either. */
static void
bench_short(unsigned rounds)
{
	struct table t;
	uint64_t began;

	table_make(&t, MILLION / 2, true, false);
	table_load(&t);
	for (unsigned i = 0; i < rounds; i++) {
		began = now_ns();
		if (fib4_add(&t.t_fib, 0x40000000, 2, 7) != 0)
			errx(1, "no memory");
		row("fib-update-short", "us", NULL,
		    (double)(now_ns() - began) / 1e3);
		fib4_remove(&t.t_fib, 0x40000000, 2, 0, 0);
	}
	table_free(&t);
}

static void
bench_update(unsigned rounds)
{
	enum { CHANGES = 200000 };
	struct entry *p = allocate(CHANGES, sizeof(*p));
	struct table t;
	uint32_t inside;

	table_make(&t, MILLION, false, true);
	table_load(&t);
	for (unsigned i = 0; i < CHANGES; i++) {
		p[i] = choose(&t.t_set, false, &inside);
		find_cover(&t.t_set, &p[i]);
	}
	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned peer = 0; peer <= t.t_peer; peer++) {
			row("fib-update", "changes/s", peer ? "rte_fib" : NULL,
			    update_round(&t, p, CHANGES, peer));
			row("fib-update-longest", "us", peer ? "rte_fib" :
			    NULL, longest_round(&t, p, CHANGES, peer));
		}
	}
	table_free(&t);
	free(p);
	bench_short(10 * rounds);
}

/* Resident bytes that a table has more after it was filled. */
static void
bench_bytes(void)
{
	struct table t;
	size_t before;

	for (unsigned hosts = 0; hosts < 2; hosts++) {
		table_make(&t, MILLION, hosts, false);
		before = resident_bytes();
		table_load(&t);
		row(hosts ? "fib-table-bytes-hosts" : "fib-table-bytes",
		    "bytes", NULL, (double)(resident_bytes() - before) /
		    MILLION);
		table_free(&t);
	}
}

/* --- IPv6 ---------------------------------------------------------------- */

struct table6 {
	struct prefix	*t6_pf;
	uint8_t		 (*t6_addr)[16];	/* in one of them each */
	unsigned	 t6_n;
	struct fib	 t6_fib;
	bool		 t6_peer;
};

static void
table6_make(struct table6 *t, struct kern *k, unsigned n)
{
	struct prefix in;
	uint32_t value;

	t->t6_n = n;
	t->t6_pf = allocate(n, sizeof(*t->t6_pf));
	t->t6_addr = allocate(n, sizeof(*t->t6_addr));
	t->t6_peer = peer6_create(n + n / 4);
	if (fib_init(k, &t->t6_fib, true) != 0)
		errx(1, "no memory");
	for (unsigned i = 0; i < n; i++) {
		t->t6_pf[i] = i < n / 4 ? prefix6_allocation() :
		    prefix6_part_of(t->t6_pf[next_random() % (n / 4)]);
		value = 1 + (uint32_t)(next_random() % VALUES);
		if (fib_add(&t->t6_fib, &t->t6_pf[i], value) != 0)
			errx(1, "no memory");
		prefix_addr6(&t->t6_pf[i], t->t6_addr[0]);
		if (t->t6_peer && !peer6_add(t->t6_addr[0], t->t6_pf[i].pf_len,
		    value))
			errx(1, "the peer has no room");
	}
	for (unsigned i = 0; i < n; i++) {
		in = t->t6_pf[next_random() % n];
		in.pf_hi |= in.pf_len >= 64 ? 0 : next_random() >> in.pf_len;
		in.pf_lo |= next_random();
		prefix_addr6(&in, t->t6_addr[i]);
	}
}

static double
lookup6_round(const struct table6 *t, bool peer)
{
	const unsigned vector = 256;
	uint32_t value[256];
	uint64_t began = machine_clock();
	unsigned n = 0;

	for (unsigned a = 0; a < 5; a++)
		for (unsigned i = 0; i + vector <= t->t6_n; i += vector) {
			const uint8_t (*addr)[16] = (const uint8_t (*)[16])
			    &t->t6_addr[i];

			if (peer)
				sink += peer6_lookup_many(addr, vector);
			else {
				fib6_lookup_many(&t->t6_fib, addr, value,
				    vector);
				sink += value[0];
			}
			n += vector;
		}
	return (double)(machine_clock() - began) / n;
}

/* Both families of tables say the same. */
static void
compare6(const struct table6 *t)
{
	uint32_t value[1];
	unsigned differ = 0;

	for (unsigned i = 0; i < t->t6_n; i++) {
		fib6_lookup_many(&t->t6_fib, (const uint8_t (*)[16])
		    &t->t6_addr[i], value, 1);
		differ += value[0] != peer6_lookup_many(
		    (const uint8_t (*)[16])&t->t6_addr[i], 1);
	}
	if (differ != 0)
		errx(1, "%u of %u answers differ from the peer's", differ,
		    t->t6_n);
}

static void
bench_lookup6(unsigned n, unsigned rounds)
{
	struct kern_config kc = { .kc_ncpu = 1, .kc_mbufs = 1024 };
	struct table6 t;
	struct kern *k;
	size_t bytes;

	if (kern_create(host_linux(), &kc, &k) != 0)
		errx(1, "no kern");
	table6_make(&t, k, n);
	bytes = fib_bytes(&t.t6_fib);
	pserialize_read_enter();
	if (t.t6_peer)
		compare6(&t);
	for (unsigned i = 0; i < rounds + 1; i++)
		for (unsigned peer = 0; peer <= t.t6_peer; peer++) {
			double v = lookup6_round(&t, peer);

			if (i > 0)	/* the first one is to warm up */
				row("fib6-lookup-200k", "clocks", peer ?
				    "rte_fib6" : NULL, v);
		}
	pserialize_read_exit();
	row("fib6-table-bytes", "bytes", NULL, (double)bytes / n);
	/* The longest ones first: no cover is needed then. */
	for (unsigned len = 128; len > 0; len--)
		for (unsigned i = 0; i < n; i++)
			if (t.t6_pf[i].pf_len == len) {
				/* A prefix may be among them several times. */
				(void)fib_add(&t.t6_fib, &t.t6_pf[i], 1);
				fib_remove(&t.t6_fib, &t.t6_pf[i], 0, 0);
			}
	fib_fini(&t.t6_fib);
	kern_destroy(k);
	if (t.t6_peer)
		peer6_destroy();
	free(t.t6_pf);
	free(t.t6_addr);
}

int
main(int argc, char **argv)
{

	if (argc == 4 && strcmp(argv[1], "lookup") == 0)
		bench_lookup((unsigned)strtoul(argv[2], NULL, 10),
		    (unsigned)strtoul(argv[3], NULL, 10));
	else if (argc == 4 && strcmp(argv[1], "lookup6") == 0)
		bench_lookup6((unsigned)strtoul(argv[2], NULL, 10),
		    (unsigned)strtoul(argv[3], NULL, 10));
	else if (argc == 3 && strcmp(argv[1], "update") == 0)
		bench_update((unsigned)strtoul(argv[2], NULL, 10));
	else if (argc == 2 && strcmp(argv[1], "bytes") == 0)
		bench_bytes();
	else
		errx(2, "usage: bench_fib lookup PREFIXES ROUNDS | "
		    "lookup6 PREFIXES ROUNDS | update ROUNDS | bytes");
	return 0;
}
