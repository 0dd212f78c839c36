/*
 * The writer's side of the longest-prefix match.
 *
 * Leaf pushing: every slot names the longest prefix that covers all of it, so
 * a reader never goes back up.  A node exists where a prefix ends below it,
 * and goes when all of its slots say the same.
 */

#include "net/lpm.h"

#include <errno.h>
#include <stdbool.h>

#include "kern/kern_impl.h"

#define ROOT_SLOTS	65536
#define NODE_SLOTS	256

/* lpm_lookup() takes the address of a node for that of its first slot. */
struct lpm_node {
	uintptr_t	 ln_slot[NODE_SLOTS];
	struct kern_defer ln_defer;
	struct kern	*ln_kern;
};

static inline struct lpm_node *
slot_node(uintptr_t s)
{

	return (struct lpm_node *)(s - LPM_NODE);
}

static inline struct lpm_entry *
slot_entry(uintptr_t s)
{

	return (struct lpm_entry *)s;
}

static inline void
slot_set(uintptr_t *slot, uintptr_t s)
{

	__atomic_store_n(slot, s, __ATOMIC_RELEASE);
}

static uint32_t
entry_hash(const void *obj)
{
	const struct lpm_entry *le = obj;

	return lpm_hash(le->le_key, le->le_len);
}

int
lpm_init(struct kern *k, struct lpm *l)
{

	l->lpm_root = host_map(k->k_host, ROOT_SLOTS * sizeof(uintptr_t));
	if (l->lpm_root == NULL)
		return ENOMEM;
	l->lpm_default = NULL;
	l->lpm_kern = k;
	l->lpm_nodes = 0;
	memset(l->lpm_count, 0, sizeof(l->lpm_count));
	khash_init(k, &l->lpm_exact, entry_hash);
	return 0;
}

void
lpm_fini(struct lpm *l)
{

	KASSERT(l->lpm_exact.kh_count == 0 && l->lpm_nodes == 0);
	khash_fini(&l->lpm_exact);
	host_unmap(l->lpm_kern->k_host, l->lpm_root,
	    ROOT_SLOTS * sizeof(uintptr_t));
	l->lpm_root = NULL;
}

/* A whole key: nothing is longer, so the trie has it if it is there. */
static struct lpm_entry *
find_key(const struct lpm *l, uint32_t key)
{
	uintptr_t s = __atomic_load_n(&l->lpm_root[key >> 16],
	    __ATOMIC_CONSUME);

	if (s & LPM_NODE)
		s = __atomic_load_n(&slot_node(s)->ln_slot[key >> 8 & 0xff],
		    __ATOMIC_CONSUME);
	if (s & LPM_NODE)
		s = __atomic_load_n(&slot_node(s)->ln_slot[key & 0xff],
		    __ATOMIC_CONSUME);
	return s != 0 && slot_entry(s)->le_len == 32 ? slot_entry(s) : NULL;
}

struct lpm_entry *
lpm_find(const struct lpm *l, uint32_t key, unsigned len)
{
	struct khash_iter it;
	struct lpm_entry *le;

	if (len == 32)
		return find_key(l, key);
	for (le = khash_first(&l->lpm_exact, lpm_hash(key, len), &it);
	    le != NULL; le = khash_next(&it))
		if (le->le_key == key && le->le_len == len)
			return le;
	return NULL;
}

/* The hash of prefixes shorter than an address. */
static int
exact_insert(struct lpm *l, struct lpm_entry *le)
{

	return le->le_len == 32 ? 0 : khash_insert(&l->lpm_exact,
	    lpm_hash(le->le_key, le->le_len), le);
}

static void
exact_remove(struct lpm *l, struct lpm_entry *le)
{

	if (le->le_len != 32)
		khash_remove(&l->lpm_exact, lpm_hash(le->le_key,
		    le->le_len), le);
}

/* The longest prefix that contains this one, the /0 left out; or NULL. */
static struct lpm_entry *
find_cover(const struct lpm *l, const struct lpm_entry *le)
{
	struct lpm_entry *cover;

	for (unsigned len = le->le_len - 1u; len > 0; len--) {
		if (l->lpm_count[len] == 0)
			continue;
		cover = lpm_find(l, le->le_key & (UINT32_MAX << (32 - len)),
		    len);
		if (cover != NULL)
			return cover;
	}
	return NULL;
}

/* Have n slots, and what hangs below them, name le unless something longer
 * stands there. */
static void
push(uintptr_t *slot, unsigned n, struct lpm_entry *le)
{
	uintptr_t s;

	for (unsigned i = 0; i < n; i++) {
		s = slot[i];
		if (s & LPM_NODE)
			push(slot_node(s)->ln_slot, NODE_SLOTS, le);
		else if (s == 0 || slot_entry(s)->le_len < le->le_len)
			slot_set(&slot[i], (uintptr_t)le);
	}
}

static void
free_node(struct kern_defer *kd)
{
	struct lpm_node *ln = (struct lpm_node *)((char *)kd -
	    offsetof(struct lpm_node, ln_defer));

	kmem_free(ln->ln_kern, ln);
}

/* Readers choose between two ways of looking up by it. */
static inline void
set_nodes(struct lpm *l, size_t n)
{

	__atomic_store_n(&l->lpm_nodes, n, __ATOMIC_RELAXED);
}

/* A node whose slots are all equal is replaced by that one value. */
static void
collapse(struct lpm *l, uintptr_t *slot)
{
	struct lpm_node *ln = slot_node(*slot);
	uintptr_t s = ln->ln_slot[0];

	if (s & LPM_NODE)
		return;
	for (unsigned i = 1; i < NODE_SLOTS; i++)
		if (ln->ln_slot[i] != s)
			return;
	slot_set(slot, s);
	set_nodes(l, l->lpm_nodes - 1);
	kern_defer(l->lpm_kern, &ln->ln_defer, free_node);
}

/* Have n slots, and what hangs below them, name `new' where they name `old'. */
static void
swap(struct lpm *l, uintptr_t *slot, unsigned n, const struct lpm_entry *old,
    struct lpm_entry *new)
{

	for (unsigned i = 0; i < n; i++) {
		if (slot[i] & LPM_NODE) {
			swap(l, slot_node(slot[i])->ln_slot, NODE_SLOTS, old,
			    new);
			collapse(l, &slot[i]);
		} else if (slot[i] == (uintptr_t)old)
			slot_set(&slot[i], (uintptr_t)new);
	}
}

static struct lpm_node *
node_alloc(struct lpm *l, uintptr_t fill)
{
	struct lpm_node *ln;

	ln = kmem_zalloc(l->lpm_kern, sizeof(*ln));
	if (ln == NULL)
		return NULL;
	ln->ln_kern = l->lpm_kern;
	for (unsigned i = 0; i < NODE_SLOTS; i++)
		ln->ln_slot[i] = fill;
	return ln;
}

/* The nodes on the way down to a prefix that are not there yet. */
struct path {
	uintptr_t	*pa_slot[3];	/* on each level; NULL: none */
	struct lpm_node	*pa_new[3];	/* to hang into pa_slot[i] */
};

/* Look at the way down to a prefix and make what it lacks, hanging nothing in
 * yet.  ENOMEM. */
static int
path_prepare(struct lpm *l, const struct lpm_entry *le, struct path *pa)
{
	static const unsigned ends[] = { 16, 24, 32 };
	uintptr_t *slot = &l->lpm_root[le->le_key >> 16];
	unsigned level;

	memset(pa, 0, sizeof(*pa));
	for (level = 0; level < 2 && le->le_len > ends[level]; level++) {
		pa->pa_slot[level] = slot;
		if (!(*slot & LPM_NODE)) {
			pa->pa_new[level] = node_alloc(l, *slot);
			if (pa->pa_new[level] == NULL) {
				kmem_free(l->lpm_kern, pa->pa_new[0]);
				return ENOMEM;
			}
			slot = pa->pa_new[level]->ln_slot;
		} else
			slot = slot_node(*slot)->ln_slot;
		slot += le->le_key >> (level == 0 ? 8 : 0) & 0xff;
	}
	pa->pa_slot[level] = slot;
	return 0;
}

/* How many slots of its level a prefix covers. */
static unsigned
span(unsigned len)
{

	if (len <= 16)
		return 1u << (16 - len);
	if (len <= 24)
		return 1u << (24 - len);
	return 1u << (32 - len);
}

int
lpm_insert(struct lpm *l, struct lpm_entry *le)
{
	struct path pa;
	int error;

	KASSERT(((uintptr_t)le & LPM_NODE) == 0 && le->le_len <= 32);
	if (lpm_find(l, le->le_key, le->le_len) != NULL)
		return EEXIST;
	error = path_prepare(l, le, &pa);
	if (error != 0)
		return error;
	error = exact_insert(l, le);
	if (error != 0) {
		kmem_free(l->lpm_kern, pa.pa_new[0]);
		kmem_free(l->lpm_kern, pa.pa_new[1]);
		return error;
	}
	l->lpm_count[le->le_len]++;
	if (le->le_len == 0) {
		__atomic_store_n(&l->lpm_default, le, __ATOMIC_RELEASE);
		return 0;
	}
	push(pa.pa_slot[le->le_len <= 16 ? 0 : le->le_len <= 24 ? 1 : 2],
	    span(le->le_len), le);
	/* Lowest first, so that a reader meets finished nodes only. */
	for (int i = 1; i >= 0; i--) {
		if (pa.pa_new[i] == NULL)
			continue;
		set_nodes(l, l->lpm_nodes + 1);
		slot_set(pa.pa_slot[i], (uintptr_t)pa.pa_new[i] | LPM_NODE);
	}
	return 0;
}

/* Have every slot that names `old' name `new'. */
static void
substitute(struct lpm *l, const struct lpm_entry *old, struct lpm_entry *new)
{
	uintptr_t *slot[3];
	unsigned level = 0;

	slot[0] = &l->lpm_root[old->le_key >> 16];
	if (old->le_len > 16) {
		slot[1] = slot_node(*slot[0])->ln_slot +
		    (old->le_key >> 8 & 0xff);
		level = 1;
	}
	if (old->le_len > 24) {
		slot[2] = slot_node(*slot[1])->ln_slot + (old->le_key & 0xff);
		level = 2;
	}
	swap(l, slot[level], span(old->le_len), old, new);
	while (level-- > 0)
		collapse(l, slot[level]);
}

void
lpm_remove(struct lpm *l, struct lpm_entry *le)
{

	KASSERT(lpm_find(l, le->le_key, le->le_len) == le);
	exact_remove(l, le);
	l->lpm_count[le->le_len]--;
	if (le->le_len == 0)
		__atomic_store_n(&l->lpm_default, NULL, __ATOMIC_RELEASE);
	else
		substitute(l, le, find_cover(l, le));
}

void
lpm_replace(struct lpm *l, struct lpm_entry *old, struct lpm_entry *new)
{

	KASSERT(old->le_key == new->le_key && old->le_len == new->le_len);
	if (old->le_len != 32)
		khash_replace(&l->lpm_exact, lpm_hash(old->le_key,
		    old->le_len), old, new);
	if (old->le_len == 0)
		__atomic_store_n(&l->lpm_default, new, __ATOMIC_RELEASE);
	else
		substitute(l, old, new);
}
