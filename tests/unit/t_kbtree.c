/*
 * The B+ tree against a plain sorted array, in random and in hostile orders,
 * and with failing memory.
 */

#include "kern_test.h"
#include "kern/kbtree.h"	/* under test */

#include <errno.h>
#include <stdlib.h>

#define KEYS	12000

/* The tree and its twin: the keys in order, and their objects. */
struct twin {
	struct kern	*tw_kern;
	struct kbtree	 tw_tree;
	uint64_t	*tw_key;
	void		**tw_obj;
	size_t		 tw_count;
};

static uint64_t
random64(struct kern *k)
{

	return (uint64_t)sim_random(k->k_host) << 40 ^
	    (uint64_t)sim_random(k->k_host) << 20 ^ sim_random(k->k_host);
}

static void *
object(uint64_t key, unsigned version)
{

	return (void *)(uintptr_t)((key << 2 | version) * 2 + 1);
}

static void
twin_init(struct kern *k, struct twin *tw)
{

	memset(tw, 0, sizeof(*tw));
	tw->tw_kern = k;
	tw->tw_key = calloc(KEYS + 1, sizeof(*tw->tw_key));
	tw->tw_obj = calloc(KEYS + 1, sizeof(*tw->tw_obj));
	KASSERT(tw->tw_key != NULL && tw->tw_obj != NULL);
	kbtree_init(k, &tw->tw_tree);
	KASSERT(kbtree_bytes(&tw->tw_tree) == 0);
}

/* The place of the least key not less than this one. */
static size_t
twin_place(const struct twin *tw, uint64_t key)
{
	size_t low = 0, high = tw->tw_count, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (tw->tw_key[mid] < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
twin_has(const struct twin *tw, uint64_t key)
{
	size_t i = twin_place(tw, key);

	return i < tw->tw_count && tw->tw_key[i] == key;
}

/* --- invariants ---------------------------------------------------------- */

struct checked {
	size_t		 ck_nodes, ck_objects;
};

/* Every key below is at least `low', and less than `high' unless that is 0. */
static void
check_node(const struct kbtree *kt, const struct kbtree_node *kn,
    unsigned level, uint64_t low, uint64_t high, struct checked *ck)
{
	size_t n = kn->kn_count;
	bool root = kn == kt->kt_root;

	ck->ck_nodes++;
	KASSERT(n <= KBTREE_SLOTS && n >= (root && level == 0 ? 1 : 2));
	KASSERT(level == 0 ? kn->kn_key[0] >= low : kn->kn_key[0] == low);
	for (size_t i = 0; i < n; i++) {
		KASSERT(i == 0 || kn->kn_key[i - 1] < kn->kn_key[i]);
		KASSERT(high == 0 || kn->kn_key[i] < high);
		KASSERT(kn->kn_ptr[i] != NULL);
		if (level > 0)
			check_node(kt, kn->kn_ptr[i], level - 1, kn->kn_key[i],
			    i + 1 < n ? kn->kn_key[i + 1] : high, ck);
	}
	if (level == 0)
		ck->ck_objects += n;
}

static void
check_tree(const struct twin *tw)
{
	const struct kbtree *kt = &tw->tw_tree;
	struct checked ck = { 0 };
	size_t at = 0;
	uint64_t keys[100], key = 0;
	void *objs[100];
	unsigned n;

	if (kt->kt_root != NULL)
		check_node(kt, kt->kt_root, kt->kt_height - 1, 0, 0, &ck);
	KASSERT(ck.ck_nodes == kt->kt_nodes);
	KASSERT(ck.ck_objects == kt->kt_count && kt->kt_count == tw->tw_count);
	while ((n = kbtree_some(kt, key, keys, objs, 1 + at % 100)) > 0) {
		KASSERT(at + n <= tw->tw_count);
		for (unsigned i = 0; i < n; i++, at++) {
			KASSERT(keys[i] == tw->tw_key[at]);
			KASSERT(objs[i] == tw->tw_obj[at]);
		}
		if (keys[n - 1] == UINT64_MAX)
			break;
		key = keys[n - 1] + 1;
	}
	KASSERT(at == tw->tw_count);
}

/* --- operations ---------------------------------------------------------- */

static void
check_key(const struct twin *tw, uint64_t key)
{
	const struct kbtree *kt = &tw->tw_tree;
	size_t i = twin_place(tw, key);
	bool in = i < tw->tw_count && tw->tw_key[i] == key;
	uint64_t found = 77;

	KASSERT(kbtree_find(kt, key) == (in ? tw->tw_obj[i] : NULL));
	if (i < tw->tw_count) {
		KASSERT(kbtree_from(kt, key, &found) == tw->tw_obj[i]);
		KASSERT(found == tw->tw_key[i]);
	} else
		KASSERT(kbtree_from(kt, key, &found) == NULL && found == 77);
	found = 77;
	if (in || i > 0) {
		i -= !in;
		KASSERT(kbtree_upto(kt, key, &found) == tw->tw_obj[i]);
		KASSERT(found == tw->tw_key[i]);
	} else
		KASSERT(kbtree_upto(kt, key, &found) == NULL && found == 77);
}

static void
check_around(const struct twin *tw, uint64_t key)
{

	check_key(tw, key - 1);
	check_key(tw, key);
	check_key(tw, key + 1);
}

static void
twin_insert(struct twin *tw, uint64_t key)
{
	size_t i = twin_place(tw, key);

	if (twin_has(tw, key)) {
		KASSERT(kbtree_insert(&tw->tw_tree, key, tw) == EEXIST);
		return;
	}
	KASSERT(tw->tw_count < KEYS);
	KASSERT(kbtree_insert(&tw->tw_tree, key, object(key, 0)) == 0);
	memmove(&tw->tw_key[i + 1], &tw->tw_key[i],
	    (tw->tw_count - i) * sizeof(*tw->tw_key));
	memmove(&tw->tw_obj[i + 1], &tw->tw_obj[i],
	    (tw->tw_count - i) * sizeof(*tw->tw_obj));
	tw->tw_key[i] = key;
	tw->tw_obj[i] = object(key, 0);
	tw->tw_count++;
}

static void
twin_remove(struct twin *tw, uint64_t key)
{
	size_t i = twin_place(tw, key);

	if (!twin_has(tw, key)) {
		KASSERT(kbtree_remove(&tw->tw_tree, key) == NULL);
		return;
	}
	KASSERT(kbtree_remove(&tw->tw_tree, key) == tw->tw_obj[i]);
	tw->tw_count--;
	memmove(&tw->tw_key[i], &tw->tw_key[i + 1],
	    (tw->tw_count - i) * sizeof(*tw->tw_key));
	memmove(&tw->tw_obj[i], &tw->tw_obj[i + 1],
	    (tw->tw_count - i) * sizeof(*tw->tw_obj));
}

static void
twin_replace(struct twin *tw, uint64_t key)
{
	size_t i = twin_place(tw, key);
	void *new = object(key, sim_random(tw->tw_kern->k_host) % 4);

	if (!twin_has(tw, key)) {
		KASSERT(kbtree_replace(&tw->tw_tree, key, new) == NULL);
		return;
	}
	KASSERT(kbtree_replace(&tw->tw_tree, key, new) == tw->tw_obj[i]);
	tw->tw_obj[i] = new;
}

/* Take out what is left, from one end, the other, or anywhere, and see that all
 * memory comes back. */
static void
twin_empty(struct twin *tw, unsigned how)
{
	size_t i, bytes;

	while (tw->tw_count > 0) {
		i = how == 0 ? 0 : how == 1 ? tw->tw_count - 1 :
		    sim_random(tw->tw_kern->k_host) % tw->tw_count;
		twin_remove(tw, tw->tw_key[i]);
		if (tw->tw_count % 997 == 0)
			check_tree(tw);
		/* A node is a third full at least, but for the two at the
		 * edges of a level. */
		bytes = kbtree_bytes(&tw->tw_tree);
		KASSERT(bytes <= tw->tw_count * 50 + 20 * 1024);
	}
	KASSERT(kbtree_bytes(&tw->tw_tree) == 0);
	check_key(tw, 5);
	kbtree_fini(&tw->tw_tree);
	free(tw->tw_key);
	free(tw->tw_obj);
}

/* --- tests --------------------------------------------------------------- */

/* Key number i of an order. */
static uint64_t
ascending(struct kern *k, unsigned i)
{

	(void)k;
	return (uint64_t)i * 3;
}

static uint64_t
descending(struct kern *k, unsigned i)
{

	(void)k;
	return UINT64_MAX - (uint64_t)i * 3;
}

static uint64_t
anywhere(struct kern *k, unsigned i)
{

	(void)i;
	return random64(k);
}

/* Runs of near keys, each at another place: prefixes of a network. */
static uint64_t
clustered(struct kern *k, unsigned i)
{
	uint64_t start = (uint64_t)(i / 100) * 0x9e3779b97f4a7c15ULL;

	(void)k;
	return (start & ~UINT64_C(0xffff)) + i % 100 * 256 + 24;
}

/* From both ends to the middle. */
static uint64_t
inwards(struct kern *k, unsigned i)
{

	(void)k;
	return i % 2 == 0 ? i : UINT64_MAX - i;
}

static const struct {
	uint64_t	(*or_key)(struct kern *, unsigned);
	double		 or_bytes;	/* of an object, at most */
} orders[] = {
	{ ascending, 17.0 },
	{ descending, 17.0 },
	{ anywhere, 19.0 },
	{ clustered, 19.0 },
	{ inwards, 19.5 },
};

static void
orders_body(struct kern *k)
{
	struct twin tw;
	uint64_t key;

	for (unsigned o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
		for (unsigned how = o % 2; how < 3; how += 2) {
			twin_init(k, &tw);
			for (unsigned i = 0; i < KEYS; i++) {
				key = orders[o].or_key(k, i);
				twin_insert(&tw, key);
				if (i % 997 == 0)
					check_tree(&tw);
				if (i % 7 == 0)
					check_around(&tw, key);
			}
			check_tree(&tw);
			KASSERT((double)kbtree_bytes(&tw.tw_tree) <=
			    orders[o].or_bytes * (double)tw.tw_count);
			twin_empty(&tw, how);
		}
	}
}

static void
test_orders(void **state)
{

	(void)state;
	on_sim(0, orders_body);
}

/* All operations on few keys, so that each is often there and often not; the
 * tree grows and shrinks in turn. */
static void
churn_body(struct kern *k)
{
	unsigned spread, what, grow;
	struct twin tw;
	uint64_t key;

	for (spread = 0; spread < 3; spread++) {
		twin_init(k, &tw);
		for (unsigned step = 0; step < 30000; step++) {
			grow = step / 10000 % 2 == 0 ? 70 : 25;
			key = sim_random(k->k_host) % 12000;
			if (spread == 1)
				key = UINT64_MAX - key;
			else if (spread == 2)
				key *= UINT64_MAX / 11999;
			what = sim_random(k->k_host) % 100;
			if (what < 5)
				twin_replace(&tw, key);
			else if (what < 5 + grow)
				twin_insert(&tw, key);
			else
				twin_remove(&tw, key);
			check_around(&tw, key);
			if (step % 500 == 0)
				check_tree(&tw);
		}
		twin_empty(&tw, spread);
	}
}

static void
test_churn(void **state)
{

	(void)state;
	on_sim(0, churn_body);
}

/* Each insertion that allocates is tried with each of its allocations failing,
 * and leaves the tree as it was. */
static void
allocfail_body(struct kern *k)
{
	size_t bytes, most = 0, failed;
	struct twin tw;
	uint64_t key;

	twin_init(k, &tw);
	for (unsigned i = 0; i < KEYS; i++) {
		key = i < KEYS / 2 ? random64(k) : ascending(k, i);
		if (twin_has(&tw, key))
			continue;
		bytes = kbtree_bytes(&tw.tw_tree);
		for (failed = 0;; failed++) {
			sim_fail_alloc(k->k_host, (unsigned)failed + 1);
			if (kbtree_insert(&tw.tw_tree, key,
			    object(key, 0)) == 0)
				break;
			KASSERT(sim_alloc_failed(k->k_host));
			KASSERT(kbtree_bytes(&tw.tw_tree) == bytes);
			check_key(&tw, key);
			if (failed > 0)
				check_tree(&tw);
		}
		sim_fail_alloc(k->k_host, 0);
		KASSERT(kbtree_bytes(&tw.tw_tree) == bytes + failed * 1024);
		if (failed > most)
			most = failed;
		KASSERT(kbtree_remove(&tw.tw_tree, key) == object(key, 0));
		twin_insert(&tw, key);
	}
	/* A leaf, an inner node and their root at once. */
	KASSERT(most >= 3);
	check_tree(&tw);
	twin_empty(&tw, 2);
}

static void
test_allocfail(void **state)
{

	(void)state;
	on_sim(0, allocfail_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_allocfail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
