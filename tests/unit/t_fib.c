/*
 * The forwarding table, of IPv4 and of IPv6: the same answers as a list of
 * prefixes that is searched from end to end, whatever is added, removed and
 * replaced, also when memory fails; nothing left behind; readers meanwhile see
 * the value before or after a change.
 */

#include "kern_test.h"

#include <errno.h>
#include <stdlib.h>

#include "net/fib.h"	/* under test */

#define NPREFIXES	900

static uint64_t rng;

static uint32_t
rnd(void)
{

	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 16);
}

static uint32_t
mask(unsigned len)
{

	return len == 0 ? 0 : UINT32_MAX << (32 - len);
}

/* --- tables of either family --------------------------------------------- */

/*
 * A prefix of a table, out of one of IPv4.  IPv6's has each bit four times, so
 * that prefixes contain each other alike and reach over all strides.
 */
static struct prefix
prefix_in(const struct fib *f, uint32_t key, unsigned len)
{
	struct prefix pf = { .pf_len = 4 * len };

	if (!f->f_is_ip6)
		return prefix_of4(key, len);
	for (unsigned i = 0; i < 16; i++) {
		if ((key >> (31 - i) & 1) != 0)
			pf.pf_hi |= UINT64_C(0xf) << (60 - 4 * i);
		if ((key >> (15 - i) & 1) != 0)
			pf.pf_lo |= UINT64_C(0xf) << (60 - 4 * i);
	}
	prefix_cut(&pf, 4 * len);
	return pf;
}

static int
put(struct fib *f, uint32_t key, unsigned len, uint32_t value)
{
	const struct prefix pf = prefix_in(f, key, len);

	return fib_add(f, &pf, value);
}

static void
take(struct fib *f, uint32_t key, unsigned len, uint32_t cover,
    unsigned cover_len)
{
	const struct prefix pf = prefix_in(f, key, len);

	fib_remove(f, &pf, cover, f->f_is_ip6 ? 4 * cover_len : cover_len);
}

/* Either way to look addresses up says the same. */
static void
lookup_addrs(const struct fib *f, const struct prefix *addr, uint32_t *value,
    unsigned n)
{
	uint8_t key6[200][16];
	uint32_t key4[200];

	for (unsigned i = 0; i < n; i++) {
		key4[i] = prefix_addr4(&addr[i]);
		prefix_addr6(&addr[i], key6[i]);
	}
	if (f->f_is_ip6)
		fib6_lookup_many(f, (const uint8_t (*)[16])key6, value, n);
	else
		fib4_lookup_many(f, key4, value, n);
}

static uint32_t
lookup_addr(const struct fib *f, const struct prefix *addr)
{
	uint8_t key6[16];

	prefix_addr6(addr, key6);
	return f->f_is_ip6 ? fib6_lookup(f, key6) :
	    fib4_lookup(f, prefix_addr4(addr));
}

static uint32_t
lookup(const struct fib *f, uint32_t key)
{
	const struct prefix addr = prefix_in(f, key, 32);

	return lookup_addr(f, &addr);
}

/* --- a naive twin -------------------------------------------------------- */

struct entry {
	struct prefix	 en_pf;
	uint32_t	 en_value;
};

struct naive {
	struct entry	 na_entry[NPREFIXES];
	unsigned	 na_n;
	uint32_t	 na_values;	/* values are below it */
	struct fib	 na_fib;
};

/* The longest prefix shorter than `below' that contains an address, or NULL. */
static const struct entry *
naive_best(const struct naive *na, const struct prefix *addr, unsigned below)
{
	const struct entry *best = NULL, *en;

	for (en = na->na_entry; en < na->na_entry + na->na_n; en++)
		if (en->en_pf.pf_len < below && prefix_has(&en->en_pf, addr) &&
		    (best == NULL || en->en_pf.pf_len > best->en_pf.pf_len))
			best = en;
	return best;
}

static uint32_t
naive_lookup(const struct naive *na, const struct prefix *addr)
{
	const struct entry *en = naive_best(na, addr, 129);

	return en == NULL ? 0 : en->en_value;
}

static struct entry *
naive_find(struct naive *na, const struct prefix *pf)
{

	for (unsigned i = 0; i < na->na_n; i++)
		if (prefix_is(&na->na_entry[i].en_pf, pf))
			return &na->na_entry[i];
	return NULL;
}

/* Keys close together, so that prefixes nest and lines fill, and keys apart, so
 * that most of a node is empty. */
static uint32_t
some_key4(void)
{
	static const uint32_t base[] = {
		0x0a000000, 0x0a010000, 0x0a010100, 0xc0a80000, 0xffffff00, 0,
		0x0a01ff00,
	};
	static const uint32_t spread[] = {
		0xff, 0x3ff, 0xffff, 0xffffff, 0x1f, 0x7ff,
	};

	if (rnd() % 32 == 0)
		return rnd() % 2 == 0 ? 0 : UINT32_MAX;
	return base[rnd() % 7] | (rnd() & spread[rnd() % 6]);
}

/* Likewise: a few networks, and a few bits anywhere past their beginning. */
static struct prefix
some_key6(void)
{
	static const uint64_t base[] = {
		0x20010db800000000, 0x20010db800010000, 0x2a0e0b0000000000,
		0xfe80000000000000, UINT64_MAX, 0,
	};
	struct prefix pf = { .pf_len = 128 };
	unsigned at = rnd() % 32 * 4;

	pf.pf_hi = base[rnd() % 6];
	pf.pf_lo = rnd() % 4 == 0 ? UINT64_MAX : 0;
	if (at < 64)
		pf.pf_hi ^= (uint64_t)(rnd() & 0xfff) << 52 >> at;
	else
		pf.pf_lo ^= (uint64_t)(rnd() & 0xfff) << 52 >> (at - 64);
	if (rnd() % 4 == 0)
		pf.pf_lo ^= rnd() & 0xffff;
	return pf;
}

static struct prefix
some_key(const struct naive *na)
{

	return na->na_fib.f_is_ip6 ? some_key6() : prefix_of4(some_key4(), 32);
}

static unsigned
some_len(const struct naive *na)
{
	static const uint8_t usual[] = { 32, 48, 64, 128, 47, 33, 127, 29 };

	if (!na->na_fib.f_is_ip6)
		return rnd() % 4 == 0 ? rnd() % 33 : 17 + rnd() % 16;
	return rnd() % 4 == 0 ? usual[rnd() % 8] : rnd() % 129;
}

static uint32_t
some_value(const struct naive *na)
{

	return 1 + rnd() % 4 + (uint32_t)((uint64_t)rnd() *
	    (na->na_values - 5) >> 32);
}

/* Add a prefix that is there or not; false: there was no memory. */
static bool
add(struct naive *na)
{
	struct entry en = { .en_value = some_value(na) }, *have;
	int error;

	en.en_pf = some_key(na);
	prefix_cut(&en.en_pf, some_len(na));
	have = naive_find(na, &en.en_pf);
	if (have == NULL && na->na_n == NPREFIXES)
		return true;
	error = fib_add(&na->na_fib, &en.en_pf, en.en_value);
	if (error != 0) {
		KASSERT(error == ENOMEM);
		return false;
	}
	if (have == NULL)
		have = &na->na_entry[na->na_n++];
	*have = en;
	return true;
}

static void
remove_one(struct naive *na)
{
	const struct entry *cover;
	struct entry en;
	unsigned i;

	if (na->na_n == 0)
		return;
	i = rnd() % na->na_n;
	en = na->na_entry[i];
	na->na_entry[i] = na->na_entry[--na->na_n];
	cover = naive_best(na, &en.en_pf, en.en_pf.pf_len);
	fib_remove(&na->na_fib, &en.en_pf, cover == NULL ? 0 : cover->en_value,
	    cover == NULL ? 0 : cover->en_pf.pf_len);
}

/* Set the bits past a prefix's length, and move by one either way. */
static void
move_addr(struct prefix *addr, bool ones, bool random, int by)
{
	struct prefix all = { UINT64_MAX, UINT64_MAX, 0 };
	uint64_t lo;

	prefix_cut(&all, addr->pf_len);
	if (ones || random) {
		addr->pf_hi |= ~all.pf_hi & (random ? rng : UINT64_MAX);
		addr->pf_lo |= ~all.pf_lo & (random ? rng : UINT64_MAX);
	}
	lo = addr->pf_lo;
	addr->pf_lo += (uint64_t)(int64_t)by;
	if (by > 0 && addr->pf_lo < lo)
		addr->pf_hi++;
	if (by < 0 && addr->pf_lo > lo)
		addr->pf_hi--;
}

/* Many keys at once: ends of prefixes, their neighbours, and others. */
static void
check(const struct naive *na, unsigned n)
{
	struct prefix addr[200] = { { 0 } };
	uint32_t value[200], key;
	const struct entry *en;
	int by;

	for (unsigned i = 0; i < n; i++) {
		addr[i] = some_key(na);
		if (i % 4 == 0 || na->na_n == 0)
			continue;
		en = &na->na_entry[rnd() % na->na_n];
		addr[i] = en->en_pf;
		by = (int)(rnd() % 3) - 1;
		if (na->na_fib.f_is_ip6)
			move_addr(&addr[i], i % 4 == 2, i % 4 == 1, by);
		else {
			key = prefix_addr4(&en->en_pf);
			if (i % 4 != 3)
				key |= ~mask(en->en_pf.pf_len) &
				    (i % 4 == 1 ? rnd() : UINT32_MAX);
			addr[i] = prefix_of4(key + (uint32_t)by, 32);
		}
		addr[i].pf_len = na->na_fib.f_is_ip6 ? 128 : 32;
	}
	lookup_addrs(&na->na_fib, addr, value, n);
	for (unsigned i = 0; i < n; i++) {
		KASSERT(value[i] == naive_lookup(na, &addr[i]));
		KASSERT(lookup_addr(&na->na_fib, &addr[i]) == value[i]);
	}
}

/* No node, no line and no value outlives the prefixes that needed them. */
static void
check_empty(struct naive *na)
{
	struct fib *f = &na->na_fib;

	KASSERT(na->na_n == 0 && f->f_nodes == 0 && f->f_default == 0);
	KASSERT(fib_mem_lines(&f->f_mem) == 0);
	for (uint32_t i = 0; i < 65536; i++)
		KASSERT(f->f_root[i] == 0 && f->f_len[i] == 0);
	fib_fini(f);
}

/* Rounds in which there are more of them, and rounds in which there are less.
 * The largest value there is, is one of the first few. */
static void
live(struct kern *k, struct naive *na, bool is_ip6, unsigned rounds,
    unsigned period)
{
	unsigned grow;

	na->na_n = 0;
	KASSERT(fib_init(k, &na->na_fib, is_ip6) == 0);
	check(na, 100);
	for (unsigned i = 0; i < rounds; i++) {
		grow = (i / period) % 2 == 0 ? 7 : 3;
		if (rnd() % 10 < grow)
			KASSERT(add(na));
		else
			remove_one(na);
		check(na, i % 64 == 0 ? 200 : 8);
	}
	while (na->na_n != 0) {
		remove_one(na);
		check(na, 8);
	}
	check_empty(na);
}

static void
naive_body(struct kern *k)
{
	static struct naive na;

	rng = 88172645463325252ULL;
	na.na_values = 100;
	live(k, &na, false, 12000, 2000);
	na.na_values = UINT32_MAX;	/* all lines are wide */
	live(k, &na, false, 6000, 1500);
	live(k, &na, true, 12000, 2000);
	na.na_values = 80000;		/* some are */
	live(k, &na, false, 6000, 1000);
}

static void
test_naive(void **state)
{

	(void)state;
	on_linux(0, naive_body);
}

/* Values stay whole from end to end, and so do more than 16 bits of them. */
static void
values_body(struct kern *k)
{
	const uint32_t n = 70000;
	struct fib f;

	KASSERT(fib_init(k, &f, false) == 0);
	for (uint32_t i = 0; i < n; i++)
		KASSERT(put(&f, i * 59999, 32, UINT32_MAX - 1 - i) == 0);
	for (uint32_t i = 0; i < n; i++)
		KASSERT(lookup(&f, i * 59999) == UINT32_MAX - 1 - i);
	for (uint32_t v = 65530; v < 65540; v++) {
		KASSERT(put(&f, 0xfffffffe, 31, v) == 0);
		KASSERT(lookup(&f, UINT32_MAX) == v);
	}
	take(&f, 0xfffffffe, 31, 0, 0);
	for (uint32_t i = 0; i < n; i++)
		take(&f, i * 59999, 32, 0, 0);
	fib_fini(&f);
}

/*
 * Nodes of 16 bits and of 32 above and below each other: a /16 with so many
 * prefixes that most of its lines name nodes below, whose values grow and
 * shrink one by one.
 */
static void
kinds_body(struct kern *k)
{
	const uint32_t n = 3000, net = 0x0a000000, step = 21;
	struct fib f;

	KASSERT(fib_init(k, &f, false) == 0);
	for (uint32_t i = 0; i < n; i++)
		KASSERT(put(&f, net + i * step, 32, 1 + i) == 0);
	KASSERT(f.f_nodes > 16);
	for (uint32_t round = 0; round < 3 * n; round++) {
		uint32_t i = round * 1009 % n;

		if (round % 3 == 2) {
			take(&f, net + i * step, 32, 0, 0);
			KASSERT(lookup(&f, net + i * step) == 0);
		}
		KASSERT(put(&f, net + i * step, 32, round % 3 == 0 ?
		    100000 + i : 1 + i) == 0);
		KASSERT(lookup(&f, net + i * step) == (round % 3 == 0 ?
		    100000 + i : 1 + i));
		KASSERT(lookup(&f, net + i * step + 1) == 0);
	}
	for (uint32_t i = 0; i < n; i++)
		KASSERT(lookup(&f, net + i * step) != 0);
	for (uint32_t i = 0; i < n; i++)
		take(&f, net + i * step, 32, 0, 0);
	KASSERT(f.f_nodes == 0 && fib_mem_lines(&f.f_mem) == 0);
	fib_fini(&f);
}

static void
test_values(void **state)
{

	(void)state;
	on_linux(0, values_body);
	on_linux(0, kinds_body);
}

/* A short prefix over very many long ones touches none of their nodes, and a
 * small table is small. */
static void
bounded_body(struct kern *k)
{
	const uint32_t n = 100000;
	uint32_t used;
	struct fib f;

	KASSERT(fib_init(k, &f, false) == 0);
	KASSERT(put(&f, 0x7f000000, 8, 1) == 0);
	KASSERT(fib_bytes(&f) == 0);
	KASSERT(put(&f, 0x0a000001, 32, 1) == 0);
	KASSERT(fib_bytes(&f) < 4096);
	for (uint32_t i = 0; i < n; i++)
		KASSERT(put(&f, 0x40000000 + i * 10007, 32, 2) == 0);
	used = fib_mem_lines(&f.f_mem);
	KASSERT(put(&f, 0x40000000, 2, 3) == 0);
	KASSERT(lookup(&f, 0x40000001) == 3);
	KASSERT(put(&f, 0x40000000, 2, 4) == 0);
	KASSERT(lookup(&f, 0x40000001) == 4);
	KASSERT(lookup(&f, 0x40000000 + 10007) == 2);
	take(&f, 0x40000000, 2, 0, 0);
	KASSERT(lookup(&f, 0x40000001) == 0);
	KASSERT(fib_mem_lines(&f.f_mem) == used);
	for (uint32_t i = 0; i < n; i++)
		take(&f, 0x40000000 + i * 10007, 32, 0, 0);
	/* A node whose runs are few again has few lines. */
	for (uint32_t i = 0; i < 256; i += 2)
		KASSERT(put(&f, 0x0a000000 + (i << 8), 24, 5) == 0);
	KASSERT(fib_mem_lines(&f.f_mem) >= 16);
	for (uint32_t i = 0; i < 256; i += 2)
		take(&f, 0x0a000000 + (i << 8), 24, 0, 0);
	KASSERT(fib_mem_lines(&f.f_mem) == 1);
	take(&f, 0x0a000001, 32, 0, 0);
	take(&f, 0x7f000000, 8, 0, 0);
	fib_fini(&f);
}

/* The n-th of many /48 in a /32, neither in order nor next to each other. */
static struct prefix
site(uint32_t n)
{
	struct prefix pf = { .pf_hi = 0x20010db800000000, .pf_len = 48 };

	pf.pf_hi |= (uint64_t)(n * 40503 & 0xffff) << 16;
	return pf;
}

/* Likewise of IPv6: networks of one /32 that its nodes have no room for side by
 * side, and hosts far apart. */
static void
bounded6_body(struct kern *k)
{
	struct prefix pf = { 0x20010db800000000, 0, 33 }, host = { 0, 7, 128 };
	const uint32_t n = 20000;
	uint32_t used;
	struct fib f;

	KASSERT(fib_init(k, &f, true) == 0);
	for (uint32_t i = 0; i < n; i++) {
		host = site(i);
		KASSERT(fib_add(&f, &host, UINT32_MAX - 1 - i) == 0);
	}
	KASSERT(f.f_nodes > 32);
	used = fib_mem_lines(&f.f_mem);
	KASSERT(used < n);
	KASSERT(fib_add(&f, &pf, 7) == 0);
	KASSERT(fib_mem_lines(&f.f_mem) == used);
	for (uint32_t i = 0; i < 65536; i++) {
		host = site(i);
		KASSERT(lookup_addr(&f, &host) == (i < n ? UINT32_MAX - 1 - i :
		    host.pf_hi >> 31 & 1 ? 0 : 7));
	}
	fib_remove(&f, &pf, 0, 0);
	for (uint32_t i = 0; i < n; i++) {
		host = site(i);
		fib_remove(&f, &host, 0, 0);
	}
	KASSERT(fib_mem_lines(&f.f_mem) == 0 && f.f_nodes == 0);
	for (uint32_t i = 0; i < n; i++) {
		host = (struct prefix){ i * UINT64_C(0x9e3779b97f4a7c15),
		    i * UINT64_C(0xd6e8feb86659fd93), 128 };
		KASSERT(fib_add(&f, &host, 1 + i) == 0);
		KASSERT(lookup_addr(&f, &host) == 1 + i);
	}
	KASSERT(fib_mem_lines(&f.f_mem) < 8 * n);
	pf = (struct prefix){ 0, 0, 1 };
	KASSERT(fib_add(&f, &pf, 7) == 0);
	for (uint32_t i = 0; i < n; i++) {
		host = (struct prefix){ i * UINT64_C(0x9e3779b97f4a7c15),
		    i * UINT64_C(0xd6e8feb86659fd93), 128 };
		KASSERT(lookup_addr(&f, &host) == 1 + i);
		fib_remove(&f, &host, host.pf_hi >> 63 ? 0 : 7,
		    host.pf_hi >> 63 ? 0 : 1);
		KASSERT(lookup_addr(&f, &host) == (host.pf_hi >> 63 ? 0 : 7));
	}
	fib_remove(&f, &pf, 0, 0);
	KASSERT(fib_mem_lines(&f.f_mem) == 0 && f.f_nodes == 0);
	fib_fini(&f);
}

static void
test_bounded(void **state)
{

	(void)state;
	on_linux(0, bounded_body);
	on_linux(0, bounded6_body);
}

/* Each allocation fails once: an addition that fails leaves everything as it
 * was, and a removal does not fail. */
static void
nomem(struct kern *k, bool is_ip6)
{
	static struct naive na;
	unsigned failed = 0, round;
	uint64_t before;

	rng = sim_random(k->k_host) | 1;
	na.na_n = 0;
	na.na_values = rnd() % 2 == 0 ? 100 : 80000;
	sim_fail_alloc(k->k_host, 1);
	KASSERT(fib_init(k, &na.na_fib, is_ip6) == ENOMEM);
	KASSERT(fib_init(k, &na.na_fib, is_ip6) == 0);
	for (round = 0; round < 1500; round++) {
		sim_fail_alloc(k->k_host, 1);
		if (rnd() % 10 < (round < 1000 ? 7 : 2)) {
			before = rng;
			if (!add(&na)) {
				KASSERT(sim_alloc_failed(k->k_host));
				failed++;
				check(&na, 50);
				rng = before;
				KASSERT(add(&na));
			}
		} else
			remove_one(&na);
		sim_fail_alloc(k->k_host, 0);
		check(&na, 8);
	}
	KASSERT(failed >= 3);
	while (na.na_n != 0) {
		sim_fail_alloc(k->k_host, 1);
		remove_one(&na);
		sim_fail_alloc(k->k_host, 0);
		check(&na, 8);
	}
	check_empty(&na);
}

static void
nomem_body(struct kern *k)
{

	nomem(k, false);
	nomem(k, true);
}

static void
test_nomem(void **state)
{

	(void)state;
	on_sim(0, nomem_body);
}

/*
 * A value that needs wide lines has a node of 32 full lines made anew, with as
 * many below.  Memory is there for one block of 16 lines more each time.
 */
static void
nomem_deep_body(struct kern *k)
{
	static uint32_t hog[4096];
	unsigned nhog = 0, blocks = 0, used;
	struct fib f;
	uint32_t line;
	int error;

	KASSERT(fib_init(k, &f, false) == 0);
	for (uint32_t i = 0; i < 32 * 7; i++)
		KASSERT(put(&f, 0x0a000000 + (i / 7 << 11) + i % 7 * 16,
		    32, 1 + i) == 0);
	KASSERT(f.f_nodes == 1);
	for (;; nhog++) {
		sim_fail_alloc(k->k_host, 1);
		line = fib_mem_alloc(&f.f_mem, 4);
		if (line == FIB_NO_LINE)
			break;
		hog[nhog] = line;
	}
	for (;; blocks++) {
		used = fib_mem_lines(&f.f_mem);
		sim_fail_alloc(k->k_host, 1);
		error = put(&f, 0x0a00ffff, 32, 1u << 31);
		sim_fail_alloc(k->k_host, 0);
		if (error == 0)
			break;
		KASSERT(error == ENOMEM && f.f_nodes == 1);
		KASSERT(fib_mem_lines(&f.f_mem) == used);
		KASSERT(lookup(&f, 0x0a00ffff) == 0);
		for (uint32_t i = 0; i < 32 * 7; i++)
			KASSERT(lookup(&f, 0x0a000000 + (i / 7 << 11) +
			    i % 7 * 16) == 1 + i);
		KASSERT(nhog > 0);
		fib_mem_free(&f.f_mem, hog[--nhog], 4);
	}
	KASSERT(blocks > 2 && f.f_nodes > 2);
	KASSERT(lookup(&f, 0x0a00ffff) == 1u << 31);
	while (nhog > 0)
		fib_mem_free(&f.f_mem, hog[--nhog], 4);
	for (uint32_t i = 0; i < 32 * 7; i++) {
		KASSERT(lookup(&f, 0x0a000000 + (i / 7 << 11) +
		    i % 7 * 16) == 1 + i);
		take(&f, 0x0a000000 + (i / 7 << 11) + i % 7 * 16, 32, 0,
		    0);
	}
	take(&f, 0x0a00ffff, 32, 0, 0);
	KASSERT(f.f_nodes == 0);
	fib_fini(&f);
}

static void
test_nomem_deep(void **state)
{

	(void)state;
	on_sim(0, nomem_deep_body);
}

/* Lines that readers have left are there when there is no other memory. */
static void
left_body(struct kern *k)
{
	uint32_t line[512];
	struct fib f;
	unsigned n = 0;

	KASSERT(fib_init(k, &f, false) == 0);
	do {
		if (n > 0)
			sim_fail_alloc(k->k_host, 1);
		line[n] = fib_mem_alloc(&f.f_mem, 0);
	} while (line[n] != FIB_NO_LINE && ++n < 512);
	KASSERT(n >= 32 && n < 512);
	while (n > 0)
		fib_mem_retire(&f.f_mem, line[--n], 0);
	sim_fail_alloc(k->k_host, 1);
	KASSERT(fib_mem_alloc(&f.f_mem, 5) == FIB_NO_LINE);
	kern_defer_barrier(k);
	fib_mem_free(&f.f_mem, fib_mem_alloc(&f.f_mem, 0), 0);
	kern_defer_barrier(k);
	sim_fail_alloc(k->k_host, 1);
	line[0] = fib_mem_alloc(&f.f_mem, 5);
	KASSERT(line[0] != FIB_NO_LINE && sim_alloc_failed(k->k_host));
	sim_fail_alloc(k->k_host, 0);
	fib_mem_free(&f.f_mem, line[0], 5);
	fib_fini(&f);
}

static void
test_left(void **state)
{

	(void)state;
	on_sim(0, left_body);
}

/*
 * Readers: a /8 is always there, and some hosts; other prefixes come and go.  A
 * value is the index of its prefix in a list, so that a reader can tell whether
 * it may see it.
 */
#define FIXED		48
#define COMING		400

struct route {
	uint32_t	 p_key;
	unsigned	 p_len;
	uint32_t	 p_value;
};

struct readers {
	struct fib	 rd_fib;
	struct kern	*rd_kern;
	uint32_t	 rd_running;
	uint32_t	 rd_stop;
	bool		 rd_sim;
	struct route	 rd_prefix[1 + FIXED + COMING]; /* value - 1 */
};

static void
check_readers(const struct readers *rd, const uint32_t *key,
    const uint32_t *value, unsigned n)
{
	const struct route *p;

	for (unsigned i = 0; i < n; i++) {
		KASSERT(value[i] >= 1 && value[i] <= 1 + FIXED + COMING);
		p = &rd->rd_prefix[value[i] - 1];
		KASSERT(((key[i] ^ p->p_key) & mask(p->p_len)) == 0);
	}
}

static void
read_loop(void *arg)
{
	struct readers *rd = arg;
	uint32_t key[96], value[96], x = 1;
	struct prefix addr[96];

	__atomic_fetch_add(&rd->rd_running, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&rd->rd_stop, __ATOMIC_ACQUIRE)) {
		for (unsigned i = 0; i < 96; i++) {
			x = x * 1664525 + 1013904223;
			key[i] = i % 4 == 0 ?
			    rd->rd_prefix[1 + (x >> 16) % FIXED].p_key :
			    0x0a010000 | (x >> 12 & (i % 4 == 1 ? 0xffff :
			    0x3ff));
		}
		for (unsigned i = 0; i < 96; i++)
			addr[i] = prefix_in(&rd->rd_fib, key[i], 32);
		pserialize_read_enter();
		lookup_addrs(&rd->rd_fib, addr, value, 96);
		pserialize_read_exit();
		check_readers(rd, key, value, 96);
		for (unsigned i = 0; i < 96; i += 4)
			KASSERT(rd->rd_prefix[value[i] - 1].p_len == 32);
		pserialize_read_enter();
		for (unsigned i = 0; i < 96; i++)
			value[i] = lookup_addr(&rd->rd_fib, &addr[i]);
		pserialize_read_exit();
		check_readers(rd, key, value, 96);
		if (rd->rd_sim)
			host_yield(rd->rd_kern->k_host);
	}
}

/* The prefixes, each once; those that come and go are /9 to /31. */
static void
readers_prefixes(struct readers *rd)
{
	struct route *p = rd->rd_prefix, *q;

	for (unsigned i = 0; i < 1 + FIXED + COMING; i++) {
		do {
			p[i].p_len = i == 0 ? 8 : i <= FIXED ? 32 :
			    9 + rnd() % 23;
			p[i].p_key = i == 0 ? 0x0a000000 : 0x0a010000 |
			    (rnd() & (rnd() % 2 == 0 ? 0x3ff : 0xffff));
			p[i].p_key &= mask(p[i].p_len);
			for (q = p; q < p + i; q++)
				if (q->p_key == p[i].p_key &&
				    q->p_len == p[i].p_len)
					break;
		} while (q != p + i && i <= FIXED);
		p[i].p_value = q == p + i ? i + 1 : 0;	/* 0: a second one */
	}
}

/* The longest prefix that contains another one, of those that are in. */
static const struct route *
readers_cover(const struct readers *rd, const bool *in, unsigned which)
{
	const struct route *p = rd->rd_prefix, *best = NULL;

	for (unsigned i = 0; i < 1 + FIXED + COMING; i++)
		if (in[i] && p[i].p_len < p[which].p_len &&
		    ((p[i].p_key ^ p[which].p_key) & mask(p[i].p_len)) == 0 &&
		    (best == NULL || p[i].p_len > best->p_len))
			best = &p[i];
	return best;
}

static void
readers_write(struct readers *rd, unsigned changes)
{
	bool in[1 + FIXED + COMING] = { false };
	struct route *p = rd->rd_prefix;
	const struct route *cover;
	unsigned i;

	for (unsigned c = 0; c < changes; c++) {
		i = 1 + FIXED + rnd() % COMING;
		for (unsigned j = 0; j <= FIXED; j++)
			in[j] = true;
		if (p[i].p_value == 0)
			continue;
		if (!in[i]) {
			KASSERT(put(&rd->rd_fib, p[i].p_key, p[i].p_len,
			    p[i].p_value) == 0);
			in[i] = true;
		} else {
			cover = readers_cover(rd, in, i);
			in[i] = false;
			take(&rd->rd_fib, p[i].p_key, p[i].p_len,
			    cover->p_value, cover->p_len);
		}
		if (rd->rd_sim)
			host_yield(rd->rd_kern->k_host);
	}
	for (i = 1 + FIXED; i < 1 + FIXED + COMING; i++) {
		if (!in[i])
			continue;
		cover = readers_cover(rd, in, i);
		in[i] = false;
		take(&rd->rd_fib, p[i].p_key, p[i].p_len,
		    cover->p_value, cover->p_len);
	}
}

static void
readers_run(struct kern *k, bool is_ip6, bool sim, unsigned changes)
{
	static struct readers rd;
	struct host_thread *t[2];
	struct route *p = rd.rd_prefix;

	memset(&rd, 0, sizeof(rd));
	rd.rd_kern = k;
	rd.rd_sim = sim;
	readers_prefixes(&rd);
	KASSERT(fib_init(k, &rd.rd_fib, is_ip6) == 0);
	for (unsigned i = 0; i <= FIXED; i++)
		KASSERT(put(&rd.rd_fib, p[i].p_key, p[i].p_len,
		    p[i].p_value) == 0);
	for (unsigned i = 0; i < 2; i++)
		KASSERT(host_thread_create(k->k_host, "reader", -1, read_loop,
		    &rd, &t[i]) == 0);
	while (__atomic_load_n(&rd.rd_running, __ATOMIC_ACQUIRE) != 2)
		host_yield(k->k_host);
	readers_write(&rd, changes);
	__atomic_store_n(&rd.rd_stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 2; i++)
		host_thread_join(k->k_host, t[i]);
	for (unsigned i = 1; i <= FIXED; i++)
		take(&rd.rd_fib, p[i].p_key, 32, p[0].p_value, 8);
	take(&rd.rd_fib, p[0].p_key, 8, 0, 0);
	KASSERT(rd.rd_fib.f_nodes == 0);
	fib_fini(&rd.rd_fib);
}

static void
readers_linux_body(struct kern *k)
{

	rng = 88172645463325252ULL;
	readers_run(k, false, false, 40000);
	readers_run(k, true, false, 20000);
}

static void
test_readers(void **state)
{

	(void)state;
	on_linux(1, readers_linux_body);
}

static void
readers_sim_body(struct kern *k)
{

	rng = sim_random(k->k_host) | 1;
	readers_run(k, false, true, 1500);
	readers_run(k, true, true, 1000);
}

static void
test_readers_sim(void **state)
{

	(void)state;
	on_sim(1, readers_sim_body);
}

/* Either way to search a line finds the same run. */
static void
test_first(void **state)
{
	uint16_t v[16] __attribute__((__aligned__(16)));
	unsigned n;
	uint16_t x;

	(void)state;
	rng = 88172645463325252ULL;
	for (unsigned round = 0; round < 20000; round++) {
		n = rnd() % 16;
		for (unsigned i = 0; i < 16; i++) {
			v[i] = UINT16_MAX;
			if (i < n)
				v[i] = (uint16_t)(rnd() % (65536 / 16) +
				    65536 / 16 * i);
		}
		x = (uint16_t)(round % 2 == 0 ? rnd() : v[rnd() % 16] +
		    rnd() % 3 - 1);
		for (n = 0; v[n] < x; n++)
			continue;
		assert_int_equal(machine_first(v, x), n);
		assert_int_equal(machine_first_search(v, x), n);
		if (v[7] < x)
			continue;
		assert_int_equal(machine_first8(v, x), n);
		assert_int_equal(machine_first8_search(v, x), n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_naive),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_nomem_deep),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_readers_sim),
		cmocka_unit_test(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
