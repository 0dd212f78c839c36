/*
 * The B+ tree against a plain sorted array, in random and in hostile orders,
 * and with failing memory; with keys of one word and of three.
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

/* A key of a tree, out of 64 bits: all in its one word, or spread over three,
 * so that many keys have words in common. */
static struct kbtree_key
key_of(const struct kbtree *kt, uint64_t key)
{

	if (kt->kt_words == 1)
		return (struct kbtree_key){ { key } };
	return (struct kbtree_key){ { key >> 40, key >> 12 & 0xfffffff,
	    key & 0xfff } };
}

static uint64_t
bits_of(const struct kbtree *kt, const struct kbtree_key *key)
{

	return kt->kt_words == 1 ? key->kk_word[0] : key->kk_word[0] << 40 |
	    key->kk_word[1] << 12 | key->kk_word[2];
}

static int
insert(struct kbtree *kt, uint64_t key, void *obj)
{
	const struct kbtree_key kk = key_of(kt, key);

	return kbtree_insert(kt, &kk, obj);
}

static void *
take(struct kbtree *kt, uint64_t key)
{
	const struct kbtree_key kk = key_of(kt, key);

	return kbtree_remove(kt, &kk);
}

static void *
replace(struct kbtree *kt, uint64_t key, void *obj)
{
	const struct kbtree_key kk = key_of(kt, key);

	return kbtree_replace(kt, &kk, obj);
}

static void *
object(uint64_t key, unsigned version)
{

	return (void *)(uintptr_t)((key << 2 | version) * 2 + 1);
}

static void
twin_init(struct kern *k, struct twin *tw, unsigned words)
{

	memset(tw, 0, sizeof(*tw));
	tw->tw_kern = k;
	tw->tw_key = calloc(KEYS + 1, sizeof(*tw->tw_key));
	tw->tw_obj = calloc(KEYS + 1, sizeof(*tw->tw_obj));
	KASSERT(tw->tw_key != NULL && tw->tw_obj != NULL);
	kbtree_init(k, &tw->tw_tree, words);
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

static uint64_t
slot_bits(const struct kbtree *kt, const struct kbtree_node *kn, size_t slot)
{
	struct kbtree_key kk = { { 0 } };

	for (unsigned w = 0; w < kt->kt_words; w++)
		kk.kk_word[w] = kn->kn_word[w * kt->kt_slots + slot];
	return bits_of(kt, &kk);
}

/* Every key below is at least `low', and less than `high' unless that is 0. */
static void
check_node(const struct kbtree *kt, const struct kbtree_node *kn,
    unsigned level, uint64_t low, uint64_t high, struct checked *ck)
{
	const uint64_t *ptr = &kn->kn_word[kt->kt_words * kt->kt_slots];
	uint64_t first = slot_bits(kt, kn, 0);
	size_t n = kn->kn_count;
	bool root = kn == kt->kt_root;

	ck->ck_nodes++;
	KASSERT(n <= kt->kt_slots && n >= (root && level == 0 ? 1 : 2));
	KASSERT(level == 0 ? first >= low : first == low);
	for (size_t i = 0; i < n; i++) {
		KASSERT(i == 0 || slot_bits(kt, kn, i - 1) <
		    slot_bits(kt, kn, i));
		KASSERT(high == 0 || slot_bits(kt, kn, i) < high);
		KASSERT(ptr[i] != 0);
		if (level > 0)
			check_node(kt, (const struct kbtree_node *)
			    (uintptr_t)ptr[i], level - 1, slot_bits(kt, kn, i),
			    i + 1 < n ? slot_bits(kt, kn, i + 1) : high, ck);
	}
	if (level == 0)
		ck->ck_objects += n;
}

static void
check_tree(const struct twin *tw)
{
	const struct kbtree *kt = &tw->tw_tree;
	struct kbtree_key kk = { { 0 } };
	struct checked ck = { 0 };
	size_t at = 0;
	void *obj;

	if (kt->kt_root != NULL)
		check_node(kt, kt->kt_root, kt->kt_height - 1, 0, 0, &ck);
	KASSERT(ck.ck_nodes == kt->kt_nodes);
	KASSERT(ck.ck_objects == kt->kt_count && kt->kt_count == tw->tw_count);
	while ((obj = kbtree_from(kt, &kk, &kk)) != NULL) {
		KASSERT(at < tw->tw_count);
		KASSERT(bits_of(kt, &kk) == tw->tw_key[at]);
		KASSERT(obj == tw->tw_obj[at++]);
		if (!kbtree_next_key(kt, &kk))
			break;
	}
	KASSERT(at == tw->tw_count);
}

/* --- operations ---------------------------------------------------------- */

static void
check_key(const struct twin *tw, uint64_t key)
{
	const struct kbtree *kt = &tw->tw_tree;
	const struct kbtree_key kk = key_of(kt, key), no = { { 77, 77, 77 } };
	struct kbtree_key found = no;
	size_t i = twin_place(tw, key), n;
	void *some[3];
	bool in = i < tw->tw_count && tw->tw_key[i] == key;

	KASSERT(kbtree_find(kt, &kk) == (in ? tw->tw_obj[i] : NULL));
	n = kbtree_some(kt, &kk, some, 3);
	KASSERT((n > 0) == (i < tw->tw_count) && i + n <= tw->tw_count);
	KASSERT(n == 0 || memcmp(some, &tw->tw_obj[i], n * sizeof(some[0])) ==
	    0);
	if (i < tw->tw_count) {
		KASSERT(kbtree_from(kt, &kk, &found) == tw->tw_obj[i]);
		KASSERT(bits_of(kt, &found) == tw->tw_key[i]);
	} else {
		KASSERT(kbtree_from(kt, &kk, &found) == NULL);
		KASSERT(memcmp(&found, &no, sizeof(no)) == 0);
	}
	found = no;
	if (in || i > 0) {
		i -= !in;
		KASSERT(kbtree_upto(kt, &kk, &found) == tw->tw_obj[i]);
		KASSERT(bits_of(kt, &found) == tw->tw_key[i]);
	} else {
		KASSERT(kbtree_upto(kt, &kk, &found) == NULL);
		KASSERT(memcmp(&found, &no, sizeof(no)) == 0);
	}
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
		KASSERT(insert(&tw->tw_tree, key, tw) == EEXIST);
		return;
	}
	KASSERT(tw->tw_count < KEYS);
	KASSERT(insert(&tw->tw_tree, key, object(key, 0)) == 0);
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
		KASSERT(take(&tw->tw_tree, key) == NULL);
		return;
	}
	KASSERT(take(&tw->tw_tree, key) == tw->tw_obj[i]);
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
		KASSERT(replace(&tw->tw_tree, key, new) == NULL);
		return;
	}
	KASSERT(replace(&tw->tw_tree, key, new) == tw->tw_obj[i]);
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
		KASSERT(bytes <= tw->tw_count * (tw->tw_tree.kt_words == 1 ?
		    50u : 100u) + 20 * 1024);
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
try_orders(struct kern *k, unsigned words)
{
	struct twin tw;
	uint64_t key;

	for (unsigned o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
		for (unsigned how = o % 2; how < 3; how += 2) {
			twin_init(k, &tw, words);
			for (unsigned i = 0; i < KEYS / words; i++) {
				key = orders[o].or_key(k, i);
				twin_insert(&tw, key);
				if (i % 997 == 0)
					check_tree(&tw);
				if (i % 7 == 0)
					check_around(&tw, key);
			}
			check_tree(&tw);
			KASSERT((double)kbtree_bytes(&tw.tw_tree) <=
			    orders[o].or_bytes * (words == 1 ? 1 : 2.2) *
			    (double)tw.tw_count);
			twin_empty(&tw, how);
		}
	}
}

static void
orders_body(struct kern *k)
{

	try_orders(k, 1);
	try_orders(k, KBTREE_WORDS);
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
churn(struct kern *k, unsigned words)
{
	unsigned spread, what, grow;
	struct twin tw;
	uint64_t key;

	for (spread = 0; spread < 3; spread++) {
		twin_init(k, &tw, words);
		for (unsigned step = 0; step < 30000 / words; step++) {
			grow = step / (10000 / words) % 2 == 0 ? 70 : 25;
			key = sim_random(k->k_host) % (12000 / words);
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
churn_body(struct kern *k)
{

	churn(k, 1);
	churn(k, KBTREE_WORDS);
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
fail_each(struct kern *k, unsigned words)
{
	size_t bytes, most = 0, failed;
	struct twin tw;
	uint64_t key;

	twin_init(k, &tw, words);
	for (unsigned i = 0; i < KEYS / words; i++) {
		key = i < KEYS / words / 2 ? random64(k) : ascending(k, i);
		if (twin_has(&tw, key))
			continue;
		bytes = kbtree_bytes(&tw.tw_tree);
		for (failed = 0;; failed++) {
			sim_fail_alloc(k->k_host, (unsigned)failed + 1);
			if (insert(&tw.tw_tree, key,
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
		KASSERT(take(&tw.tw_tree, key) == object(key, 0));
		twin_insert(&tw, key);
	}
	/* A leaf, an inner node and their root at once. */
	KASSERT(most >= 3);
	check_tree(&tw);
	twin_empty(&tw, 2);
}

static void
allocfail_body(struct kern *k)
{

	fail_each(k, 1);
	fail_each(k, KBTREE_WORDS);
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
