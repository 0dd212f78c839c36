/*
 * Longest-prefix match: the same answers as a table that is searched from end
 * to end, whatever is inserted, removed and replaced; nothing left behind;
 * readers meanwhile see the old match or the new one.
 */

#include "kern_test.h"

#include <errno.h>
#include <stdlib.h>

#include "net/lpm.h"	/* under test */

#define NENTRIES	600
#define NROUNDS		12000

struct naive {
	struct lpm_entry *na_entry[NENTRIES];
	unsigned	 na_n;
};

static uint64_t rng = 88172645463325252ULL;

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

static struct lpm_entry *
naive_lookup(const struct naive *na, uint32_t key)
{
	struct lpm_entry *best = NULL, *le;

	for (unsigned i = 0; i < na->na_n; i++) {
		le = na->na_entry[i];
		if (((key ^ le->le_key) & mask(le->le_len)) == 0 &&
		    (best == NULL || le->le_len > best->le_len))
			best = le;
	}
	return best;
}

static struct lpm_entry *
naive_find(const struct naive *na, uint32_t key, unsigned len)
{

	for (unsigned i = 0; i < na->na_n; i++)
		if (na->na_entry[i]->le_key == key &&
		    na->na_entry[i]->le_len == len)
			return na->na_entry[i];
	return NULL;
}

/* Keys close together, so that prefixes nest and nodes fill and empty. */
static uint32_t
some_key(void)
{
	static const uint32_t base[] = {
		0x0a000000, 0x0a010000, 0x0a010100, 0xc0a80000, 0xffffff00, 0
	};

	return base[rnd() % 6] | (rnd() & (rnd() % 3 == 0 ? 0xffffff : 0x3ff));
}

static struct lpm_entry *
new_entry(struct kern *k, uint32_t key, unsigned len)
{
	struct lpm_entry *le;

	le = kmem_zalloc(k, sizeof(*le));
	KASSERT(le != NULL);
	le->le_key = key & mask(len);
	le->le_len = (uint8_t)len;
	return le;
}

static void
insert(struct kern *k, struct lpm *l, struct naive *na)
{
	struct lpm_entry *le;
	int error;

	if (na->na_n == NENTRIES)
		return;
	le = new_entry(k, some_key(), rnd() % 33);
	error = lpm_insert(l, le);
	if (naive_find(na, le->le_key, le->le_len) != NULL) {
		KASSERT(error == EEXIST);
		kmem_free(k, le);
		return;
	}
	KASSERT(error == 0);
	na->na_entry[na->na_n++] = le;
}

static void
remove_one(struct kern *k, struct lpm *l, struct naive *na)
{
	struct lpm_entry *le;
	unsigned i;

	if (na->na_n == 0)
		return;
	i = rnd() % na->na_n;
	le = na->na_entry[i];
	KASSERT(lpm_find(l, le->le_key, le->le_len) == le);
	lpm_remove(l, le);
	KASSERT(lpm_find(l, le->le_key, le->le_len) == NULL);
	na->na_entry[i] = na->na_entry[--na->na_n];
	kmem_free(k, le);
}

static void
replace(struct kern *k, struct lpm *l, struct naive *na)
{
	struct lpm_entry *old, *new;
	unsigned i;

	if (na->na_n == 0)
		return;
	i = rnd() % na->na_n;
	old = na->na_entry[i];
	new = new_entry(k, old->le_key, old->le_len);
	lpm_replace(l, old, new);
	na->na_entry[i] = new;
	kmem_free(k, old);
}

static void
check(const struct lpm *l, const struct naive *na)
{
	uint32_t key;

	for (unsigned i = 0; i < 20; i++) {
		key = some_key();
		KASSERT(lpm_lookup(l, key) == naive_lookup(na, key));
	}
	for (unsigned i = 0; i < 4 && na->na_n != 0; i++) {
		/* the edges of a prefix */
		const struct lpm_entry *le = na->na_entry[rnd() % na->na_n];

		key = le->le_key;
		KASSERT(lpm_lookup(l, key) == naive_lookup(na, key));
		KASSERT(lpm_lookup(l, key - 1) == naive_lookup(na, key - 1));
		key |= ~mask(le->le_len);
		KASSERT(lpm_lookup(l, key) == naive_lookup(na, key));
		KASSERT(lpm_lookup(l, key + 1) == naive_lookup(na, key + 1));
	}
}

static void
naive_body(struct kern *k)
{
	struct naive na = { .na_n = 0 };
	struct lpm l;
	unsigned grow;

	KASSERT(lpm_init(k, &l) == 0);
	KASSERT(lpm_lookup(&l, 0x0a000001) == NULL);
	for (unsigned i = 0; i < NROUNDS; i++) {
		grow = (i / 2000) % 2 == 0 ? 6 : 3;
		switch (rnd() % 10) {
		case 9:
			replace(k, &l, &na);
			break;
		default:
			if (rnd() % 9 < grow)
				insert(k, &l, &na);
			else
				remove_one(k, &l, &na);
		}
		check(&l, &na);
	}
	while (na.na_n != 0) {
		remove_one(k, &l, &na);
		check(&l, &na);
	}
	/* No node outlives the prefixes that needed it. */
	KASSERT(l.lpm_nodes == 0);
	for (uint32_t i = 0; i < 65536; i++)
		KASSERT(l.lpm_root[i] == 0);
	lpm_fini(&l);
}

static void
test_naive(void **state)
{

	(void)state;
	on_linux(0, naive_body);
}

/* An insertion that fails leaves everything as it was. */
static struct host *nomem_host;

static void
nomem(void *arg)
{
	struct kern_config kc = { .kc_mbufs = 64 };
	struct lpm_entry *wide, *deep;
	struct kern *k;
	struct lpm l;
	unsigned n;
	int error;

	(void)arg;
	KASSERT(kern_create(nomem_host, &kc, &k) == 0);
	KASSERT(lpm_init(k, &l) == 0);
	wide = new_entry(k, 0x0a000000, 8);
	KASSERT(lpm_insert(&l, wide) == 0);
	deep = new_entry(k, 0x0a010203, 32);
	for (n = 1;; n++) {
		sim_fail_alloc(nomem_host, n);
		error = lpm_insert(&l, deep);
		if (error == 0)
			break;
		KASSERT(error == ENOMEM && sim_alloc_failed(nomem_host));
		KASSERT(l.lpm_nodes == 0);
		KASSERT(lpm_find(&l, 0x0a010203, 32) == NULL);
		KASSERT(lpm_lookup(&l, 0x0a010203) == wide);
	}
	sim_fail_alloc(nomem_host, 0);
	KASSERT(n >= 3);	/* two nodes at the least */
	KASSERT(lpm_lookup(&l, 0x0a010203) == deep);
	lpm_remove(&l, deep);
	lpm_remove(&l, wide);
	lpm_fini(&l);
	kmem_free(k, wide);
	kmem_free(k, deep);
	kern_destroy(k);
}

static void
test_nomem(void **state)
{
	struct sim_config sc = { .sc_seed = 1, .sc_quiet = true };

	(void)state;
	nomem_host = sim_create(&sc);
	assert_int_equal(sim_run(nomem_host, nomem, NULL), 0);
	assert_int_equal(sim_allocated(nomem_host), 0);
	sim_destroy(nomem_host);
}

/*
 * Readers: there is always a /8, and sometimes something longer in it, so a
 * lookup always finds one that matches.
 */
struct readers {
	struct lpm	 rd_lpm;
	uint32_t	 rd_running;
	uint32_t	 rd_stop;
};

static void
read_loop(void *arg)
{
	struct readers *rd = arg;
	const struct lpm_entry *le;
	uint32_t key, x = 1;

	__atomic_fetch_add(&rd->rd_running, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&rd->rd_stop, __ATOMIC_ACQUIRE)) {
		pserialize_read_enter();
		for (unsigned i = 0; i < 256; i++) {
			x = x * 1664525 + 1013904223;
			key = 0x0a010000 | (x >> 16 & 0x3ff);
			le = lpm_lookup(&rd->rd_lpm, key);
			KASSERT(le != NULL);
			KASSERT(((key ^ le->le_key) & mask(le->le_len)) == 0);
		}
		pserialize_read_exit();
	}
}

static void
readers_body(struct kern *k)
{
	struct host_thread *t[2];
	struct lpm_entry *wide, *le[32];
	struct readers rd = { .rd_stop = 0 };
	unsigned n;

	KASSERT(lpm_init(k, &rd.rd_lpm) == 0);
	wide = new_entry(k, 0x0a000000, 8);
	KASSERT(lpm_insert(&rd.rd_lpm, wide) == 0);
	for (unsigned i = 0; i < 2; i++)
		KASSERT(host_thread_create(k->k_host, "reader", -1, read_loop,
		    &rd, &t[i]) == 0);
	while (__atomic_load_n(&rd.rd_running, __ATOMIC_ACQUIRE) != 2)
		host_yield(k->k_host);
	for (unsigned round = 0; round < 60; round++) {
		for (n = 0; n < 32; n++) {
			le[n] = new_entry(k, 0x0a010000 | (rnd() & 0x3ff),
			    9 + rnd() % 24);
			if (lpm_insert(&rd.rd_lpm, le[n]) != 0) {
				kmem_free(k, le[n]);
				break;
			}
		}
		for (unsigned i = 0; i < n; i++)
			lpm_remove(&rd.rd_lpm, le[i]);
		pserialize_perform(k);
		for (unsigned i = 0; i < n; i++)
			kmem_free(k, le[i]);
	}
	__atomic_store_n(&rd.rd_stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 2; i++)
		host_thread_join(k->k_host, t[i]);
	lpm_remove(&rd.rd_lpm, wide);
	KASSERT(rd.rd_lpm.lpm_nodes == 0);
	pserialize_perform(k);
	kmem_free(k, wide);
	lpm_fini(&rd.rd_lpm);
}

static void
test_readers(void **state)
{

	(void)state;
	on_linux(1, readers_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_naive),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
