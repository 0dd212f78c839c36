/*
 * The hash table against a plain array, with failing memory, and under a
 * reader.
 */

#include "kern_test.h"
#include "kern/khash.h"	/* under test */

#include <errno.h>

#define KEYS	700

struct item {
	uint64_t	 it_key;
	unsigned	 it_in;		/* how often it is in the table */
};

/* Few distinct hashes now and then, so that chains are long. */
static uint32_t
hash_of(const struct item *it)
{

	return it->it_key % 5 == 0 ? (uint32_t)(it->it_key % 20) :
	    khash_u64(it->it_key);
}

static uint32_t
item_hash(const void *obj)
{

	return hash_of(obj);
}

static unsigned
count_in(const struct khash *kh, const struct item *it)
{
	struct khash_iter iter;
	const struct item *p;
	unsigned n = 0;

	for (p = khash_first(kh, hash_of(it), &iter); p != NULL;
	    p = khash_next(&iter))
		n += p == it;
	return n;
}

static void
model_body(struct kern *k)
{
	static struct item items[KEYS];
	struct khash kh;
	struct item *it;
	size_t count = 0;
	unsigned grow;

	khash_init(k, &kh, item_hash);
	KASSERT(khash_first(&kh, 1, &(struct khash_iter){ 0 }) == NULL);
	for (unsigned i = 0; i < KEYS; i++)
		items[i] = (struct item){ .it_key = i };
	for (unsigned step = 0; step < 20000; step++) {
		it = &items[sim_random(k->k_host) % KEYS];
		grow = step / 2500 % 2 == 0 ? 70 : 30;
		if (sim_random(k->k_host) % 100 < grow) {
			if (sim_random(k->k_host) % 8 == 0)
				sim_fail_alloc(k->k_host, 1);
			if (khash_insert(&kh, hash_of(it), it) == 0) {
				it->it_in++;
				count++;
			} else
				KASSERT(sim_alloc_failed(k->k_host));
			sim_fail_alloc(k->k_host, 0);
		} else if (it->it_in > 0) {
			khash_remove(&kh, hash_of(it), it);
			it->it_in--;
			count--;
		}
		KASSERT(kh.kh_count == count);
		KASSERT(count_in(&kh, it) == it->it_in);
		if (step % 500 == 0) {
			for (unsigned i = 0; i < KEYS; i++)
				KASSERT(count_in(&kh, &items[i]) ==
				    items[i].it_in);
		}
	}
	for (unsigned i = 0; i < KEYS; i++) {
		while (items[i].it_in-- > 0)
			khash_remove(&kh, hash_of(&items[i]), &items[i]);
	}
	/* A table that was large and is empty is small again. */
	KASSERT(kh.kh_count == 0 && kh.kh_array->ha_mask + 1 <= 8);
	KASSERT(kh.kh_array->ha_used == 0);
	khash_fini(&kh);
}

static void
test_model(void **state)
{

	(void)state;
	on_sim(0, model_body);
}

struct reading {
	struct khash	 rd_hash;
	struct item	 rd_items[200];
	uint32_t	 rd_stop;
	uint32_t	 rd_laps;
};

/* Entries that are in the table all the time are found all the time. */
static void
reader(void *arg)
{
	struct reading *rd = arg;

	while (!__atomic_load_n(&rd->rd_stop, __ATOMIC_ACQUIRE)) {
		for (unsigned i = 0; i < 20; i++) {
			pserialize_read_enter();
			KASSERT(count_in(&rd->rd_hash, &rd->rd_items[i]) == 1);
			pserialize_read_exit();
		}
		__atomic_fetch_add(&rd->rd_laps, 1, __ATOMIC_RELEASE);
	}
}

static void
reader_body(struct kern *k)
{
	static struct reading rd;
	struct host_thread *t;
	struct item *it;

	memset(&rd, 0, sizeof(rd));
	khash_init(k, &rd.rd_hash, item_hash);
	for (unsigned i = 0; i < 200; i++)
		rd.rd_items[i].it_key = i;
	for (unsigned i = 0; i < 20; i++)
		KASSERT(khash_insert(&rd.rd_hash, hash_of(&rd.rd_items[i]),
		    &rd.rd_items[i]) == 0);
	KASSERT(host_thread_create(k->k_host, "reader", -1, reader, &rd,
	    &t) == 0);
	for (unsigned round = 0; round < 300 ||
	    __atomic_load_n(&rd.rd_laps, __ATOMIC_ACQUIRE) < 10; round++) {
		for (unsigned i = 20; i < 200; i++) {
			it = &rd.rd_items[i];
			KASSERT(khash_insert(&rd.rd_hash, hash_of(it),
			    it) == 0);
		}
		for (unsigned i = 20; i < 200; i++) {
			it = &rd.rd_items[i];
			khash_remove(&rd.rd_hash, hash_of(it), it);
		}
	}
	__atomic_store_n(&rd.rd_stop, 1, __ATOMIC_RELEASE);
	host_thread_join(k->k_host, t);
	khash_fini(&rd.rd_hash);
}

static void
test_reader(void **state)
{

	(void)state;
	on_linux(1, reader_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
