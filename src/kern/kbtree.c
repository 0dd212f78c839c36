/*
 * A B+ tree of objects.
 *
 * The key of an inner node's slot is a lower bound of the keys below it, and
 * greater than all keys below the slot before.  The first key of an inner node
 * is also that of its slot in the node above, 0 at the left edge: it is right
 * when the node's slots are joined to another's.  Inner nodes have two slots at
 * least, so every node but the root has a neighbour below the same node.
 */

#include "kern/kbtree.h"

#include <errno.h>
#include <string.h>

#include "kern/kern_impl.h"

#define SLOTS		KBTREE_SLOTS
#define LOW		(SLOTS * 3 / 8)	/* fewer slots ask a neighbour */
#define JOIN		(SLOTS * 7 / 8)	/* slots of two nodes made one */
#define WIDE		8	/* neighbours that share their slots, at most */
#define ROOM		3	/* slots that each then has to spare */
#define LEVELS		32	/* for 2^32 objects at two slots a node */

_Static_assert(sizeof(struct kbtree_node) == 1024, "a node's cache lines");
/* Else two nodes that have shared would ask each other again at once. */
_Static_assert(JOIN / 2 > LOW, "shared nodes are not low");

/* The way from the root to a leaf: the node of each level (0: the leaf), and
 * the slot that was taken in it. */
struct path {
	struct kbtree_node *pa_node[LEVELS];
	unsigned	 pa_slot[LEVELS];
};

void
kbtree_init(struct kern *k, struct kbtree *kt)
{

	memset(kt, 0, sizeof(*kt));
	kt->kt_kern = k;
}

void
kbtree_fini(struct kbtree *kt)
{

	KASSERT(kt->kt_count == 0 && kt->kt_nodes == 0);
	KASSERT(kt->kt_root == NULL);
}

size_t
kbtree_bytes(const struct kbtree *kt)
{

	return kt->kt_nodes * sizeof(struct kbtree_node);
}

/* --- search -------------------------------------------------------------- */

/* How many keys of the node are less than this one.  All lines of keys are
 * asked for at once; which half comes next is computed and not guessed. */
static inline unsigned
count_less(const struct kbtree_node *kn, uint64_t key)
{
	const uint64_t *base = kn->kn_key;
	unsigned n = (unsigned)kn->kn_count, half;

	for (unsigned i = 7; i < SLOTS; i += 8)
		__builtin_prefetch(&kn->kn_key[i]);
	while (n > 1) {
		half = n / 2;
		base = base[half - 1] < key ? base + half : base;
		n -= half;
	}
	return (unsigned)(base - kn->kn_key) + (n == 1 && *base < key);
}

/* The slot of an inner node below which the key would be. */
static inline unsigned
slot_of(const struct kbtree_node *kn, uint64_t key)
{

	return key == UINT64_MAX ? (unsigned)kn->kn_count - 1 :
	    count_less(kn, key + 1) - 1;
}

static struct kbtree_node *
find_leaf(const struct kbtree *kt, uint64_t key)
{
	struct kbtree_node *kn = kt->kt_root;

	for (unsigned level = kt->kt_height; level > 1; level--)
		kn = kn->kn_ptr[slot_of(kn, key)];
	return kn;
}

/* The pointer of a key in its leaf, or NULL. */
static void **
find_ptr(const struct kbtree *kt, uint64_t key)
{
	struct kbtree_node *kn = find_leaf(kt, key);
	unsigned slot;

	if (kn == NULL)
		return NULL;
	slot = count_less(kn, key);
	return slot < kn->kn_count && kn->kn_key[slot] == key ?
	    &kn->kn_ptr[slot] : NULL;
}

void *
kbtree_find(const struct kbtree *kt, uint64_t key)
{
	void **ptr = find_ptr(kt, key);

	return ptr == NULL ? NULL : *ptr;
}

void *
kbtree_replace(struct kbtree *kt, uint64_t key, void *obj)
{
	void **ptr = find_ptr(kt, key), *old;

	KASSERT(obj != NULL);
	if (ptr == NULL)
		return NULL;
	old = *ptr;
	*ptr = obj;
	return old;
}

/* The leaf and slot of the least key that is not less than this one, or
 * NULL. */
static struct kbtree_node *
find_from(const struct kbtree *kt, uint64_t key, unsigned *slot)
{
	struct kbtree_node *kn = kt->kt_root, *next = NULL;
	unsigned level, next_level = 0, i;

	if (kn == NULL)
		return NULL;
	for (level = kt->kt_height - 1; level > 0; level--) {
		i = slot_of(kn, key);
		if (i + 1 < kn->kn_count) {
			next = kn->kn_ptr[i + 1];
			next_level = level - 1;
		}
		kn = kn->kn_ptr[i];
	}
	*slot = count_less(kn, key);
	if (*slot < kn->kn_count)
		return kn;
	/* The first leaf after this one. */
	*slot = 0;
	while (next != NULL && next_level-- > 0)
		next = next->kn_ptr[0];
	return next;
}

static struct kbtree_node *
find_upto(const struct kbtree *kt, uint64_t key, unsigned *slot)
{
	struct kbtree_node *kn = kt->kt_root, *prev = NULL;
	unsigned level, prev_level = 0, i;

	if (kn == NULL)
		return NULL;
	for (level = kt->kt_height - 1; level > 0; level--) {
		i = slot_of(kn, key);
		if (i > 0) {
			prev = kn->kn_ptr[i - 1];
			prev_level = level - 1;
		}
		kn = kn->kn_ptr[i];
	}
	i = count_less(kn, key);
	if (i < kn->kn_count && kn->kn_key[i] == key)
		i++;
	if (i == 0) {
		/* The last leaf before this one. */
		while (prev != NULL && prev_level-- > 0)
			prev = prev->kn_ptr[prev->kn_count - 1];
		if (prev == NULL)
			return NULL;
		kn = prev;
		i = (unsigned)kn->kn_count;
	}
	*slot = i - 1;
	return kn;
}

static void *
result(const struct kbtree_node *kn, unsigned slot, uint64_t *found)
{

	if (kn == NULL)
		return NULL;
	if (found != NULL)
		*found = kn->kn_key[slot];
	return kn->kn_ptr[slot];
}

void *
kbtree_from(const struct kbtree *kt, uint64_t key, uint64_t *found)
{
	const struct kbtree_node *kn;
	unsigned slot = 0;

	kn = find_from(kt, key, &slot);
	return result(kn, slot, found);
}

void *
kbtree_upto(const struct kbtree *kt, uint64_t key, uint64_t *found)
{
	const struct kbtree_node *kn;
	unsigned slot = 0;

	kn = find_upto(kt, key, &slot);
	return result(kn, slot, found);
}

unsigned
kbtree_some(const struct kbtree *kt, uint64_t key, uint64_t *keys,
    void **objs, unsigned max)
{
	const struct kbtree_node *kn;
	unsigned slot = 0, n;

	kn = find_from(kt, key, &slot);
	if (kn == NULL)
		return 0;
	n = (unsigned)kn->kn_count - slot;
	if (n > max)
		n = max;
	memcpy(keys, &kn->kn_key[slot], n * sizeof(*keys));
	memcpy(objs, &kn->kn_ptr[slot], n * sizeof(*objs));
	return n;
}

/* The way to the leaf of a key; the slot in the leaf is where the key is or
 * would be. */
static void
find_path(const struct kbtree *kt, uint64_t key, struct path *pa)
{
	struct kbtree_node *kn = kt->kt_root;
	unsigned level;

	KASSERT(kt->kt_height <= LEVELS);
	for (level = kt->kt_height - 1; level > 0; level--) {
		pa->pa_node[level] = kn;
		pa->pa_slot[level] = slot_of(kn, key);
		kn = kn->kn_ptr[pa->pa_slot[level]];
	}
	pa->pa_node[0] = kn;
	pa->pa_slot[0] = count_less(kn, key);
}

/* --- slots --------------------------------------------------------------- */

/* Copy n slots, within a node or from one to another. */
static void
move_slots(struct kbtree_node *to, unsigned at, const struct kbtree_node *from,
    unsigned slot, unsigned n)
{

	memmove(&to->kn_key[at], &from->kn_key[slot], n * sizeof(uint64_t));
	memmove(&to->kn_ptr[at], &from->kn_ptr[slot], n * sizeof(void *));
}

static void
put_slot(struct kbtree_node *kn, uint64_t key, void *ptr)
{
	unsigned slot = count_less(kn, key);

	KASSERT(kn->kn_count < SLOTS);
	move_slots(kn, slot + 1, kn, slot, (unsigned)kn->kn_count - slot);
	kn->kn_key[slot] = key;
	kn->kn_ptr[slot] = ptr;
	kn->kn_count++;
}

static void
drop_slot(struct kbtree_node *kn, unsigned slot)
{

	kn->kn_count--;
	move_slots(kn, slot, kn, slot + 1, (unsigned)kn->kn_count - slot);
}

/* Move slots between the nodes of slots i and i + 1, so that the first has n of
 * them. */
static void
balance(struct kbtree_node *parent, unsigned i, unsigned n)
{
	struct kbtree_node *a = parent->kn_ptr[i], *b = parent->kn_ptr[i + 1];
	unsigned na = (unsigned)a->kn_count, nb = (unsigned)b->kn_count, move;

	if (na > n) {
		move = na - n;
		move_slots(b, move, b, 0, nb);
		move_slots(b, 0, a, n, move);
		b->kn_count = nb + move;
	} else {
		move = n - na;
		move_slots(a, na, b, 0, move);
		move_slots(b, 0, b, move, nb - move);
		b->kn_count = nb - move;
	}
	a->kn_count = n;
	parent->kn_key[i + 1] = b->kn_key[0];
}

static void
free_node(struct kbtree *kt, struct kbtree_node *kn)
{

	kt->kt_nodes--;
	kslab_free(kt->kt_kern, kn, sizeof(*kn));
}

/* --- insert -------------------------------------------------------------- */

/* Neighbours below one node: the slots of it that name them. */
struct window {
	unsigned	 wi_first, wi_n;
};

/* The nodes that a full one at slot i shares with: the least number of them
 * that have room for all.  false: there are none. */
static bool
window_with_room(const struct kbtree_node *parent, unsigned i,
    struct window *wi)
{
	const struct kbtree_node *kn;
	unsigned used[2 * WIDE] = { 0 }, low, high, sum;

	low = i < WIDE ? 0 : i - WIDE + 1;
	high = i + WIDE < parent->kn_count ? i + WIDE :
	    (unsigned)parent->kn_count;
	for (unsigned j = low; j < high; j++) {
		kn = parent->kn_ptr[j];
		used[j - low] = (unsigned)kn->kn_count;
	}
	for (wi->wi_n = 2; wi->wi_n <= WIDE; wi->wi_n++) {
		wi->wi_first = i < wi->wi_n ? 0 : i - wi->wi_n + 1;
		for (; wi->wi_first <= i && wi->wi_first + wi->wi_n <= high;
		    wi->wi_first++) {
			sum = 0;
			for (unsigned j = 0; j < wi->wi_n; j++)
				sum += used[wi->wi_first - low + j];
			if (sum + ROOM * wi->wi_n <= SLOTS * wi->wi_n)
				return true;
		}
	}
	return false;
}

/*
 * Share the slots of neighbours evenly among them and a new node behind them,
 * which has no slot in the parent yet, or NULL; and put (key, ptr) in its
 * place.
 */
static void
share(struct kbtree_node *parent, const struct window *wi,
    struct kbtree_node *new, uint64_t key, void *ptr)
{
	struct kbtree_node *kn[WIDE + 1], *into = parent->kn_ptr[wi->wi_first];
	uint64_t keys[WIDE * SLOTS];
	void *ptrs[WIDE * SLOTS];
	unsigned sum = 0, at = 0, n = wi->wi_n;

	for (unsigned j = 0; j < n; j++) {
		kn[j] = parent->kn_ptr[wi->wi_first + j];
		memcpy(&keys[sum], kn[j]->kn_key, kn[j]->kn_count *
		    sizeof(keys[0]));
		memcpy(&ptrs[sum], kn[j]->kn_ptr, kn[j]->kn_count *
		    sizeof(ptrs[0]));
		sum += (unsigned)kn[j]->kn_count;
	}
	if (new != NULL)
		kn[n++] = new;
	for (unsigned j = 0; j < n; j++) {
		kn[j]->kn_count = sum * (j + 1) / n - at;
		memcpy(kn[j]->kn_key, &keys[at], kn[j]->kn_count *
		    sizeof(keys[0]));
		memcpy(kn[j]->kn_ptr, &ptrs[at], kn[j]->kn_count *
		    sizeof(ptrs[0]));
		at += (unsigned)kn[j]->kn_count;
		if (j > 0 && j < wi->wi_n)
			parent->kn_key[wi->wi_first + j] = kn[j]->kn_key[0];
		if (j > 0 && key >= kn[j]->kn_key[0])
			into = kn[j];
	}
	put_slot(into, key, ptr);
}

/* Allocate the nodes that an insertion needs, linked by their first pointer;
 * the tree is not changed. */
static int
reserve(const struct kbtree *kt, const struct path *pa,
    struct kbtree_node **list)
{
	struct kbtree_node *kn;
	unsigned level = 0, need = 0;
	struct window wi;

	*list = NULL;
	while (level < kt->kt_height && pa->pa_node[level]->kn_count == SLOTS) {
		if (level + 1 < kt->kt_height &&
		    window_with_room(pa->pa_node[level + 1],
		    pa->pa_slot[level + 1], &wi))
			break;
		need++;
		level++;
	}
	if (level == kt->kt_height)
		need++;		/* a root */
	while (need-- > 0) {
		kn = kslab_alloc(kt->kt_kern, sizeof(*kn));
		if (kn == NULL)
			goto fail;
		kn->kn_ptr[0] = *list;
		*list = kn;
	}
	return 0;
fail:
	while ((kn = *list) != NULL) {
		*list = kn->kn_ptr[0];
		kslab_free(kt->kt_kern, kn, sizeof(*kn));
	}
	return ENOMEM;
}

static struct kbtree_node *
take_node(struct kbtree *kt, struct kbtree_node **list)
{
	struct kbtree_node *kn = *list;

	*list = kn->kn_ptr[0];
	kt->kt_nodes++;
	return kn;
}

/* Move the slots from n on to a node that is empty. */
static void
cut(struct kbtree_node *kn, unsigned n, struct kbtree_node *new)
{

	new->kn_count = kn->kn_count - n;
	move_slots(new, 0, kn, n, (unsigned)new->kn_count);
	kn->kn_count = n;
}

/* Of the root's slots, or those of a node at the edge of its parent, as many
 * stay as leaves ascending and descending keys with full nodes behind them. */
static unsigned
cut_at_edge(const struct kbtree_node *kn, uint64_t key)
{

	if (key > kn->kn_key[SLOTS - 1])
		return SLOTS - 1;
	if (key < kn->kn_key[0] || count_less(kn, key) == 1)
		return 1;
	return SLOTS / 2;
}

/*
 * Split the full node of the parent's slot i, and put (key, ptr) in its place.
 * At an edge at which keys come in order, the node alone is cut; elsewhere it
 * and its neighbours, up to WIDE nodes, become one more.
 */
static void
split(struct kbtree_node *parent, unsigned i, struct kbtree_node *new,
    uint64_t key, void *ptr)
{
	struct kbtree_node *kn = parent->kn_ptr[i];
	unsigned n = cut_at_edge(kn, key), count = (unsigned)parent->kn_count;
	struct window wi;

	if ((n == SLOTS - 1 && i + 1 == count) || (n == 1 && i == 0)) {
		cut(kn, n, new);
		put_slot(key < new->kn_key[0] ? kn : new, key, ptr);
		return;
	}
	wi.wi_n = count < WIDE ? count : WIDE;
	wi.wi_first = i < wi.wi_n / 2 ? 0 : i - wi.wi_n / 2;
	if (wi.wi_first + wi.wi_n > count)
		wi.wi_first = count - wi.wi_n;
	share(parent, &wi, new, key, ptr);
}

/* A root above the old one, if there is one, and its new neighbour. */
static void
raise_root(struct kbtree *kt, struct kbtree_node *root,
    struct kbtree_node *new)
{

	root->kn_key[0] = 0;
	root->kn_ptr[0] = kt->kt_root;
	root->kn_key[1] = new->kn_key[0];
	root->kn_ptr[1] = new;
	root->kn_count = 2;
	kt->kt_root = root;
	kt->kt_height++;
}

/* Put the object, and then the nodes that it makes, into the nodes of the
 * path. */
static void
put_path(struct kbtree *kt, struct path *pa, struct kbtree_node *list,
    uint64_t key, void *ptr)
{
	struct kbtree_node *kn, *parent, *new;
	unsigned level, i;
	struct window wi;

	for (level = 0;; level++) {
		kn = pa->pa_node[level];
		if (kn->kn_count < SLOTS) {
			put_slot(kn, key, ptr);
			return;
		}
		if (level + 1 == kt->kt_height)
			break;
		parent = pa->pa_node[level + 1];
		i = pa->pa_slot[level + 1];
		if (window_with_room(parent, i, &wi)) {
			share(parent, &wi, NULL, key, ptr);
			return;
		}
		new = take_node(kt, &list);
		split(parent, i, new, key, ptr);
		key = new->kn_key[0];
		ptr = new;
	}
	new = take_node(kt, &list);
	cut(kn, cut_at_edge(kn, key), new);
	put_slot(key < new->kn_key[0] ? kn : new, key, ptr);
	raise_root(kt, take_node(kt, &list), new);
}

int
kbtree_insert(struct kbtree *kt, uint64_t key, void *obj)
{
	struct kbtree_node *list, *leaf;
	struct path pa;
	int error;

	KASSERT(obj != NULL);
	if (kt->kt_root == NULL) {
		leaf = kslab_alloc(kt->kt_kern, sizeof(*leaf));
		if (leaf == NULL)
			return ENOMEM;
		kt->kt_root = leaf;
		kt->kt_height = 1;
		kt->kt_nodes = 1;
	}
	find_path(kt, key, &pa);
	leaf = pa.pa_node[0];
	if (pa.pa_slot[0] < leaf->kn_count &&
	    leaf->kn_key[pa.pa_slot[0]] == key)
		return EEXIST;
	if (leaf->kn_count == SLOTS) {
		error = reserve(kt, &pa, &list);
		if (error != 0)
			return error;
		put_path(kt, &pa, list, key, obj);
	} else
		put_slot(leaf, key, obj);
	kt->kt_count++;
	return 0;
}

/* --- remove -------------------------------------------------------------- */

/* Bring slots to the node of the parent's slot i, which is low, or join it with
 * a neighbour; in the latter case the parent has a slot less. */
static bool
refill(struct kbtree *kt, struct kbtree_node *parent, unsigned i)
{
	struct kbtree_node *a, *b;
	unsigned sum;

	if (i > 0)
		i--;
	a = parent->kn_ptr[i];
	b = parent->kn_ptr[i + 1];
	sum = (unsigned)(a->kn_count + b->kn_count);
	if (sum > JOIN) {
		balance(parent, i, sum / 2);
		return false;
	}
	move_slots(a, (unsigned)a->kn_count, b, 0, (unsigned)b->kn_count);
	a->kn_count = sum;
	drop_slot(parent, i + 1);
	free_node(kt, b);
	return true;
}

/* A root with one node below it gives its place to that; an empty leaf goes. */
static void
lower_root(struct kbtree *kt)
{
	struct kbtree_node *root = kt->kt_root;

	if (kt->kt_height == 1 ? root->kn_count > 0 : root->kn_count > 1)
		return;
	kt->kt_root = kt->kt_height == 1 ? NULL : root->kn_ptr[0];
	kt->kt_height--;
	free_node(kt, root);
}

void *
kbtree_remove(struct kbtree *kt, uint64_t key)
{
	struct kbtree_node *leaf;
	unsigned level = 0;
	struct path pa;
	void *obj;

	if (kt->kt_root == NULL)
		return NULL;
	find_path(kt, key, &pa);
	leaf = pa.pa_node[0];
	if (pa.pa_slot[0] == leaf->kn_count ||
	    leaf->kn_key[pa.pa_slot[0]] != key)
		return NULL;
	obj = leaf->kn_ptr[pa.pa_slot[0]];
	drop_slot(leaf, pa.pa_slot[0]);
	kt->kt_count--;
	while (level + 1 < kt->kt_height && pa.pa_node[level]->kn_count < LOW) {
		level++;
		if (!refill(kt, pa.pa_node[level], pa.pa_slot[level]))
			break;
	}
	lower_root(kt);
	return obj;
}
