/*
 * IPv4's forwarding table: the same answers as a list of prefixes that is
 * searched from end to end, whatever is added, removed and replaced, also when
 * memory fails; nothing left behind; readers meanwhile see the value before or
 * after a change.
 */

#include "kern_test.h"

#include <errno.h>
#include <stdlib.h>

#include "net/fib.h"	/* under test */

#define NPREFIXES	900

struct prefix {
	uint32_t	 p_key;
	unsigned	 p_len;
	uint32_t	 p_value;
};

struct naive {
	struct prefix	 na_prefix[NPREFIXES];
	unsigned	 na_n;
	uint32_t	 na_values;	/* values are below it */
	struct fib4	 na_fib;
};

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

/* The longest prefix shorter than `below' that contains a key, or NULL. */
static const struct prefix *
naive_best(const struct naive *na, uint32_t key, unsigned below)
{
	const struct prefix *best = NULL, *p;

	for (p = na->na_prefix; p < na->na_prefix + na->na_n; p++)
		if (((key ^ p->p_key) & mask(p->p_len)) == 0 &&
		    p->p_len < below &&
		    (best == NULL || p->p_len > best->p_len))
			best = p;
	return best;
}

static uint32_t
naive_lookup(const struct naive *na, uint32_t key)
{
	const struct prefix *p = naive_best(na, key, 33);

	return p == NULL ? 0 : p->p_value;
}

static struct prefix *
naive_find(struct naive *na, uint32_t key, unsigned len)
{

	for (unsigned i = 0; i < na->na_n; i++)
		if (na->na_prefix[i].p_key == key &&
		    na->na_prefix[i].p_len == len)
			return &na->na_prefix[i];
	return NULL;
}

/* Keys close together, so that prefixes nest and lines fill, and keys apart, so
 * that most of a node is empty. */
static uint32_t
some_key(void)
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
	struct prefix p = { .p_value = some_value(na) }, *have;
	int error;

	p.p_len = rnd() % 4 == 0 ? rnd() % 33 : 17 + rnd() % 16;
	p.p_key = some_key() & mask(p.p_len);
	have = naive_find(na, p.p_key, p.p_len);
	if (have == NULL && na->na_n == NPREFIXES)
		return true;
	error = fib4_add(&na->na_fib, p.p_key, p.p_len, p.p_value);
	if (error != 0) {
		KASSERT(error == ENOMEM);
		return false;
	}
	if (have == NULL)
		have = &na->na_prefix[na->na_n++];
	*have = p;
	return true;
}

static void
remove_one(struct naive *na)
{
	const struct prefix *cover;
	struct prefix p;
	unsigned i;

	if (na->na_n == 0)
		return;
	i = rnd() % na->na_n;
	p = na->na_prefix[i];
	na->na_prefix[i] = na->na_prefix[--na->na_n];
	cover = naive_best(na, p.p_key, p.p_len);
	fib4_remove(&na->na_fib, p.p_key, p.p_len,
	    cover == NULL ? 0 : cover->p_value,
	    cover == NULL ? 0 : cover->p_len);
}

/* Many keys at once: ends of prefixes, their neighbours, and others. */
static void
check(const struct naive *na, unsigned n)
{
	uint32_t key[200] = { 0 }, value[200];
	const struct prefix *p;

	for (unsigned i = 0; i < n; i++) {
		key[i] = some_key();
		if (i % 4 == 0 || na->na_n == 0)
			continue;
		p = &na->na_prefix[rnd() % na->na_n];
		key[i] = p->p_key;
		if (i % 4 == 1)
			key[i] += (rnd() & ~mask(p->p_len));
		else if (i % 4 == 2)
			key[i] |= ~mask(p->p_len);
		key[i] += rnd() % 3 - 1;
	}
	fib4_lookup_many(&na->na_fib, key, value, n);
	for (unsigned i = 0; i < n; i++) {
		KASSERT(value[i] == naive_lookup(na, key[i]));
		KASSERT(fib4_lookup(&na->na_fib, key[i]) == value[i]);
	}
}

/* No node, no line and no value outlives the prefixes that needed them. */
static void
check_empty(struct naive *na)
{
	struct fib4 *f = &na->na_fib;

	KASSERT(na->na_n == 0 && f->f4_nodes == 0 && f->f4_default == 0);
	KASSERT(fib_mem_lines(&f->f4_mem) == 0);
	for (uint32_t i = 0; i < 65536; i++)
		KASSERT(f->f4_root[i] == 0 && f->f4_len[i] == 0);
	fib4_fini(f);
}

/* Rounds in which there are more of them, and rounds in which there are less.
 * The largest value there is, is one of the first few. */
static void
live(struct kern *k, struct naive *na, unsigned rounds, unsigned period)
{
	unsigned grow;

	na->na_n = 0;
	KASSERT(fib4_init(k, &na->na_fib) == 0);
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
	live(k, &na, 12000, 2000);
	na.na_values = UINT32_MAX;	/* all lines are wide */
	live(k, &na, 6000, 1500);
	na.na_values = 80000;		/* some are */
	live(k, &na, 6000, 1000);
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
	struct fib4 f;

	KASSERT(fib4_init(k, &f) == 0);
	for (uint32_t i = 0; i < n; i++)
		KASSERT(fib4_add(&f, i * 59999, 32, UINT32_MAX - 1 - i) == 0);
	for (uint32_t i = 0; i < n; i++)
		KASSERT(fib4_lookup(&f, i * 59999) == UINT32_MAX - 1 - i);
	for (uint32_t v = 65530; v < 65540; v++) {
		KASSERT(fib4_add(&f, 0xfffffffe, 31, v) == 0);
		KASSERT(fib4_lookup(&f, UINT32_MAX) == v);
	}
	fib4_remove(&f, 0xfffffffe, 31, 0, 0);
	for (uint32_t i = 0; i < n; i++)
		fib4_remove(&f, i * 59999, 32, 0, 0);
	fib4_fini(&f);
}

static void
test_values(void **state)
{

	(void)state;
	on_linux(0, values_body);
}

/* A short prefix over very many long ones touches none of their nodes, and a
 * small table is small. */
static void
bounded_body(struct kern *k)
{
	const uint32_t n = 100000;
	uint32_t used;
	struct fib4 f;

	KASSERT(fib4_init(k, &f) == 0);
	KASSERT(fib4_add(&f, 0x7f000000, 8, 1) == 0);
	KASSERT(fib4_bytes(&f) == 0);
	KASSERT(fib4_add(&f, 0x0a000001, 32, 1) == 0);
	KASSERT(fib4_bytes(&f) < 4096);
	for (uint32_t i = 0; i < n; i++)
		KASSERT(fib4_add(&f, 0x40000000 + i * 10007, 32, 2) == 0);
	used = fib_mem_lines(&f.f4_mem);
	KASSERT(fib4_add(&f, 0x40000000, 2, 3) == 0);
	KASSERT(fib4_lookup(&f, 0x40000001) == 3);
	KASSERT(fib4_add(&f, 0x40000000, 2, 4) == 0);
	KASSERT(fib4_lookup(&f, 0x40000001) == 4);
	KASSERT(fib4_lookup(&f, 0x40000000 + 10007) == 2);
	fib4_remove(&f, 0x40000000, 2, 0, 0);
	KASSERT(fib4_lookup(&f, 0x40000001) == 0);
	KASSERT(fib_mem_lines(&f.f4_mem) == used);
	for (uint32_t i = 0; i < n; i++)
		fib4_remove(&f, 0x40000000 + i * 10007, 32, 0, 0);
	/* A node whose runs are few again has few lines. */
	for (uint32_t i = 0; i < 256; i += 2)
		KASSERT(fib4_add(&f, 0x0a000000 + (i << 8), 24, 5) == 0);
	KASSERT(fib_mem_lines(&f.f4_mem) >= 16);
	for (uint32_t i = 0; i < 256; i += 2)
		fib4_remove(&f, 0x0a000000 + (i << 8), 24, 0, 0);
	KASSERT(fib_mem_lines(&f.f4_mem) == 1);
	fib4_remove(&f, 0x0a000001, 32, 0, 0);
	fib4_remove(&f, 0x7f000000, 8, 0, 0);
	fib4_fini(&f);
}

static void
test_bounded(void **state)
{

	(void)state;
	on_linux(0, bounded_body);
}

/* Each allocation fails once: an addition that fails leaves everything as it
 * was, and a removal does not fail. */
static void
nomem_body(struct kern *k)
{
	static struct naive na;
	unsigned failed = 0, round;
	uint64_t before;

	rng = sim_random(k->k_host) | 1;
	na.na_n = 0;
	na.na_values = rnd() % 2 == 0 ? 100 : 80000;
	sim_fail_alloc(k->k_host, 1);
	KASSERT(fib4_init(k, &na.na_fib) == ENOMEM);
	KASSERT(fib4_init(k, &na.na_fib) == 0);
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
	struct fib4 f;
	uint32_t line;
	int error;

	KASSERT(fib4_init(k, &f) == 0);
	for (uint32_t i = 0; i < 32 * 7; i++)
		KASSERT(fib4_add(&f, 0x0a000000 + (i / 7 << 11) + i % 7 * 16,
		    32, 1 + i) == 0);
	KASSERT(f.f4_nodes == 1);
	for (;; nhog++) {
		sim_fail_alloc(k->k_host, 1);
		line = fib_mem_alloc(&f.f4_mem, 4);
		if (line == FIB_NO_LINE)
			break;
		hog[nhog] = line;
	}
	for (;; blocks++) {
		used = fib_mem_lines(&f.f4_mem);
		sim_fail_alloc(k->k_host, 1);
		error = fib4_add(&f, 0x0a00ffff, 32, 1u << 31);
		sim_fail_alloc(k->k_host, 0);
		if (error == 0)
			break;
		KASSERT(error == ENOMEM && f.f4_nodes == 1);
		KASSERT(fib_mem_lines(&f.f4_mem) == used);
		KASSERT(fib4_lookup(&f, 0x0a00ffff) == 0);
		for (uint32_t i = 0; i < 32 * 7; i++)
			KASSERT(fib4_lookup(&f, 0x0a000000 + (i / 7 << 11) +
			    i % 7 * 16) == 1 + i);
		KASSERT(nhog > 0);
		fib_mem_free(&f.f4_mem, hog[--nhog], 4);
	}
	KASSERT(blocks > 2 && f.f4_nodes > 2);
	KASSERT(fib4_lookup(&f, 0x0a00ffff) == 1u << 31);
	while (nhog > 0)
		fib_mem_free(&f.f4_mem, hog[--nhog], 4);
	for (uint32_t i = 0; i < 32 * 7; i++) {
		KASSERT(fib4_lookup(&f, 0x0a000000 + (i / 7 << 11) +
		    i % 7 * 16) == 1 + i);
		fib4_remove(&f, 0x0a000000 + (i / 7 << 11) + i % 7 * 16, 32, 0,
		    0);
	}
	fib4_remove(&f, 0x0a00ffff, 32, 0, 0);
	KASSERT(f.f4_nodes == 0);
	fib4_fini(&f);
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
	struct fib4 f;
	unsigned n = 0;

	KASSERT(fib4_init(k, &f) == 0);
	do {
		if (n > 0)
			sim_fail_alloc(k->k_host, 1);
		line[n] = fib_mem_alloc(&f.f4_mem, 0);
	} while (line[n] != FIB_NO_LINE && ++n < 512);
	KASSERT(n >= 32 && n < 512);
	while (n > 0)
		fib_mem_retire(&f.f4_mem, line[--n], 0);
	sim_fail_alloc(k->k_host, 1);
	KASSERT(fib_mem_alloc(&f.f4_mem, 5) == FIB_NO_LINE);
	kern_defer_barrier(k);
	fib_mem_free(&f.f4_mem, fib_mem_alloc(&f.f4_mem, 0), 0);
	kern_defer_barrier(k);
	sim_fail_alloc(k->k_host, 1);
	line[0] = fib_mem_alloc(&f.f4_mem, 5);
	KASSERT(line[0] != FIB_NO_LINE && sim_alloc_failed(k->k_host));
	sim_fail_alloc(k->k_host, 0);
	fib_mem_free(&f.f4_mem, line[0], 5);
	fib4_fini(&f);
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

struct readers {
	struct fib4	 rd_fib;
	struct kern	*rd_kern;
	uint32_t	 rd_running;
	uint32_t	 rd_stop;
	bool		 rd_sim;
	struct prefix	 rd_prefix[1 + FIXED + COMING]; /* value - 1 */
};

static void
check_readers(const struct readers *rd, const uint32_t *key,
    const uint32_t *value, unsigned n)
{
	const struct prefix *p;

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

	__atomic_fetch_add(&rd->rd_running, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&rd->rd_stop, __ATOMIC_ACQUIRE)) {
		for (unsigned i = 0; i < 96; i++) {
			x = x * 1664525 + 1013904223;
			key[i] = i % 4 == 0 ?
			    rd->rd_prefix[1 + (x >> 16) % FIXED].p_key :
			    0x0a010000 | (x >> 12 & (i % 4 == 1 ? 0xffff :
			    0x3ff));
		}
		pserialize_read_enter();
		fib4_lookup_many(&rd->rd_fib, key, value, 96);
		pserialize_read_exit();
		check_readers(rd, key, value, 96);
		for (unsigned i = 0; i < 96; i += 4)
			KASSERT(rd->rd_prefix[value[i] - 1].p_len == 32);
		pserialize_read_enter();
		for (unsigned i = 0; i < 96; i++)
			value[i] = fib4_lookup(&rd->rd_fib, key[i]);
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
	struct prefix *p = rd->rd_prefix, *q;

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
static const struct prefix *
readers_cover(const struct readers *rd, const bool *in, unsigned which)
{
	const struct prefix *p = rd->rd_prefix, *best = NULL;

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
	struct prefix *p = rd->rd_prefix;
	const struct prefix *cover;
	unsigned i;

	for (unsigned c = 0; c < changes; c++) {
		i = 1 + FIXED + rnd() % COMING;
		for (unsigned j = 0; j <= FIXED; j++)
			in[j] = true;
		if (p[i].p_value == 0)
			continue;
		if (!in[i]) {
			KASSERT(fib4_add(&rd->rd_fib, p[i].p_key, p[i].p_len,
			    p[i].p_value) == 0);
			in[i] = true;
		} else {
			cover = readers_cover(rd, in, i);
			in[i] = false;
			fib4_remove(&rd->rd_fib, p[i].p_key, p[i].p_len,
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
		fib4_remove(&rd->rd_fib, p[i].p_key, p[i].p_len,
		    cover->p_value, cover->p_len);
	}
}

static void
readers_run(struct kern *k, bool sim, unsigned changes)
{
	static struct readers rd;
	struct host_thread *t[2];
	struct prefix *p = rd.rd_prefix;

	memset(&rd, 0, sizeof(rd));
	rd.rd_kern = k;
	rd.rd_sim = sim;
	readers_prefixes(&rd);
	KASSERT(fib4_init(k, &rd.rd_fib) == 0);
	for (unsigned i = 0; i <= FIXED; i++)
		KASSERT(fib4_add(&rd.rd_fib, p[i].p_key, p[i].p_len,
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
		fib4_remove(&rd.rd_fib, p[i].p_key, 32, p[0].p_value, 8);
	fib4_remove(&rd.rd_fib, p[0].p_key, 8, 0, 0);
	KASSERT(rd.rd_fib.f4_nodes == 0);
	fib4_fini(&rd.rd_fib);
}

static void
readers_linux_body(struct kern *k)
{

	rng = 88172645463325252ULL;
	readers_run(k, false, 40000);
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
	readers_run(k, true, 1500);
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
