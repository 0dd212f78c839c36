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

#define LOW(kt)		((kt)->kt_slots * 3u / 8) /* fewer slots ask a
						   * neighbour */
#define JOIN(kt)	((kt)->kt_slots * 7u / 8) /* slots of two nodes made
						   * one */
#define WIDE		8	/* neighbours that share their slots, at most */
#define ROOM		3	/* slots that each then has to spare */
#define LEVELS		32	/* for 2^32 objects at two slots a node */
#define SLOTS_MAX	(KBTREE_NODE_WORDS / 2)

_Static_assert(sizeof(struct kbtree_node) == 1024, "a node's cache lines");

/* The way from the root to a leaf: the node of each level (0: the leaf), and
 * the slot that was taken in it. */
struct path {
	struct kbtree_node *pa_node[LEVELS];
	unsigned	 pa_slot[LEVELS];
};

void
kbtree_init(struct kern *k, struct kbtree *kt, unsigned words)
{

	KASSERT(words == 1 || words == KBTREE_WORDS);
	memset(kt, 0, sizeof(*kt));
	kt->kt_kern = k;
	kt->kt_words = (uint8_t)words;
	kt->kt_slots = (uint8_t)(KBTREE_NODE_WORDS / (words + 1));
	/* Else two nodes that have shared would ask each other again at
	 * once. */
	KASSERT(JOIN(kt) / 2 > LOW(kt));
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

/* --- slots --------------------------------------------------------------- */

/* The place of a node's pointer. */
static inline uint64_t *
slot_ptr(const struct kbtree *kt, const struct kbtree_node *kn, unsigned slot)
{

	return (uint64_t *)(uintptr_t)&kn->kn_word[kt->kt_words *
	    kt->kt_slots + slot];
}

static inline void *
object_at(const struct kbtree *kt, const struct kbtree_node *kn, unsigned slot)
{

	return (void *)(uintptr_t)*slot_ptr(kt, kn, slot);
}

static inline struct kbtree_node *
node_at(const struct kbtree *kt, const struct kbtree_node *kn, unsigned slot)
{

	return object_at(kt, kn, slot);
}

static inline struct kbtree_key
key_at(const struct kbtree *kt, const struct kbtree_node *kn, unsigned slot)
{
	struct kbtree_key key = { { kn->kn_word[slot] } };

	for (unsigned w = 1; w < kt->kt_words; w++)
		key.kk_word[w] = kn->kn_word[w * kt->kt_slots + slot];
	return key;
}

static inline void
set_key(const struct kbtree *kt, struct kbtree_node *kn, unsigned slot,
    const struct kbtree_key *key)
{

	for (unsigned w = 0; w < kt->kt_words; w++)
		kn->kn_word[w * kt->kt_slots + slot] = key->kk_word[w];
}

/* The order of a slot's key and another one: less than 0, 0, more. */
static inline int
compare(const struct kbtree *kt, const struct kbtree_node *kn, unsigned slot,
    const struct kbtree_key *key)
{
	uint64_t have;

	for (unsigned w = 0; w < kt->kt_words; w++) {
		have = kn->kn_word[w * kt->kt_slots + slot];
		if (have != key->kk_word[w])
			return have < key->kk_word[w] ? -1 : 1;
	}
	return 0;
}

/* --- search -------------------------------------------------------------- */

/* How many first words of keys are less than this one.  All lines of them are
 * asked for at once; which half comes next is computed and not guessed. */
static inline unsigned
count_words_less(const struct kbtree *kt, const struct kbtree_node *kn,
    uint64_t word)
{
	const uint64_t *base = kn->kn_word;
	unsigned n = (unsigned)kn->kn_count, half;

	for (unsigned i = 7; i < kt->kt_slots; i += 8)
		__builtin_prefetch(&kn->kn_word[i]);
	while (n > 1) {
		half = n / 2;
		base = base[half - 1] < word ? base + half : base;
		n -= half;
	}
	return (unsigned)(base - kn->kn_word) + (n == 1 && *base < word);
}

/* How many keys of the node are less than this one. */
static inline unsigned
count_less(const struct kbtree *kt, const struct kbtree_node *kn,
    const struct kbtree_key *key)
{
	unsigned low = count_words_less(kt, kn, key->kk_word[0]), high, mid;

	if (kt->kt_words == 1)
		return low;
	/* Keys of the same first word are looked through. */
	high = (unsigned)kn->kn_count;
	if (low < high && key->kk_word[0] != UINT64_MAX)
		high = count_words_less(kt, kn, key->kk_word[0] + 1);
	while (low < high) {
		mid = (low + high) / 2;
		if (compare(kt, kn, mid, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static inline bool
has_at(const struct kbtree *kt, const struct kbtree_node *kn, unsigned slot,
    const struct kbtree_key *key)
{

	return slot < kn->kn_count && compare(kt, kn, slot, key) == 0;
}

/* The slot of an inner node below which the key would be. */
static inline unsigned
slot_of(const struct kbtree *kt, const struct kbtree_node *kn,
    const struct kbtree_key *key)
{
	unsigned slot;

	if (kt->kt_words == 1)
		return key->kk_word[0] == UINT64_MAX ?
		    (unsigned)kn->kn_count - 1 :
		    count_words_less(kt, kn, key->kk_word[0] + 1) - 1;
	slot = count_less(kt, kn, key);
	return has_at(kt, kn, slot, key) ? slot : slot - 1;
}

static struct kbtree_node *
find_leaf(const struct kbtree *kt, const struct kbtree_key *key)
{
	struct kbtree_node *kn = kt->kt_root;

	for (unsigned level = kt->kt_height; level > 1; level--)
		kn = node_at(kt, kn, slot_of(kt, kn, key));
	return kn;
}

/* The pointer of a key in its leaf, or NULL. */
static uint64_t *
find_ptr(const struct kbtree *kt, const struct kbtree_key *key)
{
	const struct kbtree_node *kn = find_leaf(kt, key);
	unsigned slot;

	if (kn == NULL)
		return NULL;
	slot = count_less(kt, kn, key);
	return has_at(kt, kn, slot, key) ? slot_ptr(kt, kn, slot) : NULL;
}

/* Ask for the next object, which who goes through them in order wants soon. */
static inline void
expect_next(const struct kbtree *kt, const struct kbtree_node *kn,
    unsigned slot)
{

	if (slot + 1 < kn->kn_count)
		__builtin_prefetch(object_at(kt, kn, slot + 1));
}

void *
kbtree_find(const struct kbtree *kt, const struct kbtree_key *key)
{
	const struct kbtree_node *kn = find_leaf(kt, key);
	unsigned slot;

	if (kn == NULL)
		return NULL;
	slot = count_less(kt, kn, key);
	if (!has_at(kt, kn, slot, key))
		return NULL;
	expect_next(kt, kn, slot);
	return object_at(kt, kn, slot);
}

void *
kbtree_replace(struct kbtree *kt, const struct kbtree_key *key, void *obj)
{
	uint64_t *ptr = find_ptr(kt, key), old;

	KASSERT(obj != NULL);
	if (ptr == NULL)
		return NULL;
	old = *ptr;
	*ptr = (uintptr_t)obj;
	return (void *)(uintptr_t)old;
}

/* The leaf and slot of the least key that is not less than this one, or
 * NULL. */
static struct kbtree_node *
find_from(const struct kbtree *kt, const struct kbtree_key *key, unsigned *slot)
{
	struct kbtree_node *kn = kt->kt_root, *next = NULL;
	unsigned level, next_level = 0, i;

	if (kn == NULL)
		return NULL;
	for (level = kt->kt_height - 1; level > 0; level--) {
		i = slot_of(kt, kn, key);
		if (i + 1 < kn->kn_count) {
			next = node_at(kt, kn, i + 1);
			next_level = level - 1;
		}
		kn = node_at(kt, kn, i);
	}
	*slot = count_less(kt, kn, key);
	if (*slot < kn->kn_count)
		return kn;
	/* The first leaf after this one. */
	*slot = 0;
	while (next != NULL && next_level-- > 0)
		next = node_at(kt, next, 0);
	return next;
}

static struct kbtree_node *
find_upto(const struct kbtree *kt, const struct kbtree_key *key, unsigned *slot)
{
	struct kbtree_node *kn = kt->kt_root, *prev = NULL;
	unsigned level, prev_level = 0, i;

	if (kn == NULL)
		return NULL;
	for (level = kt->kt_height - 1; level > 0; level--) {
		i = slot_of(kt, kn, key);
		if (i > 0) {
			prev = node_at(kt, kn, i - 1);
			prev_level = level - 1;
		}
		kn = node_at(kt, kn, i);
	}
	i = count_less(kt, kn, key);
	if (has_at(kt, kn, i, key))
		i++;
	if (i == 0) {
		/* The last leaf before this one. */
		while (prev != NULL && prev_level-- > 0)
			prev = node_at(kt, prev, (unsigned)prev->kn_count -
			    1);
		if (prev == NULL)
			return NULL;
		kn = prev;
		i = (unsigned)kn->kn_count;
	}
	*slot = i - 1;
	return kn;
}

static void *
result(const struct kbtree *kt, const struct kbtree_node *kn, unsigned slot,
    struct kbtree_key *found)
{

	if (kn == NULL)
		return NULL;
	if (found != NULL)
		*found = key_at(kt, kn, slot);
	return object_at(kt, kn, slot);
}

void *
kbtree_from(const struct kbtree *kt, const struct kbtree_key *key,
    struct kbtree_key *found)
{
	const struct kbtree_node *kn;
	unsigned slot = 0;

	kn = find_from(kt, key, &slot);
	if (kn != NULL)
		expect_next(kt, kn, slot);
	return result(kt, kn, slot, found);
}

unsigned
kbtree_some(const struct kbtree *kt, const struct kbtree_key *key, void **objs,
    unsigned n)
{
	const struct kbtree_node *kn;
	unsigned slot = 0, i;

	kn = find_from(kt, key, &slot);
	for (i = 0; kn != NULL && i < n && slot + i < kn->kn_count; i++)
		objs[i] = object_at(kt, kn, slot + i);
	return i;
}

void *
kbtree_upto(const struct kbtree *kt, const struct kbtree_key *key,
    struct kbtree_key *found)
{
	const struct kbtree_node *kn;
	unsigned slot = 0;

	kn = find_upto(kt, key, &slot);
	return result(kt, kn, slot, found);
}

bool
kbtree_next_key(const struct kbtree *kt, struct kbtree_key *key)
{

	for (unsigned w = kt->kt_words; w-- > 0;)
		if (++key->kk_word[w] != 0)
			return true;
	return false;
}

/* The way to the leaf of a key; the slot in the leaf is where the key is or
 * would be. */
static void
find_path(const struct kbtree *kt, const struct kbtree_key *key,
    struct path *pa)
{
	struct kbtree_node *kn = kt->kt_root;
	unsigned level;

	KASSERT(kt->kt_height <= LEVELS);
	for (level = kt->kt_height - 1; level > 0; level--) {
		pa->pa_node[level] = kn;
		pa->pa_slot[level] = slot_of(kt, kn, key);
		kn = node_at(kt, kn, pa->pa_slot[level]);
	}
	pa->pa_node[0] = kn;
	pa->pa_slot[0] = count_less(kt, kn, key);
}

/* --- slots in and out ---------------------------------------------------- */

/* Copy n slots, within a node or from one to another. */
static void
move_slots(const struct kbtree *kt, struct kbtree_node *to, unsigned at,
    const struct kbtree_node *from, unsigned slot, unsigned n)
{

	for (unsigned w = 0; w <= kt->kt_words; w++)
		memmove(&to->kn_word[w * kt->kt_slots + at],
		    &from->kn_word[w * kt->kt_slots + slot],
		    n * sizeof(uint64_t));
}

static void
put_slot(const struct kbtree *kt, struct kbtree_node *kn,
    const struct kbtree_key *key, void *ptr)
{
	unsigned slot = count_less(kt, kn, key);

	KASSERT(kn->kn_count < kt->kt_slots);
	move_slots(kt, kn, slot + 1, kn, slot, (unsigned)kn->kn_count - slot);
	set_key(kt, kn, slot, key);
	*slot_ptr(kt, kn, slot) = (uintptr_t)ptr;
	kn->kn_count++;
}

static void
drop_slot(const struct kbtree *kt, struct kbtree_node *kn, unsigned slot)
{

	kn->kn_count--;
	move_slots(kt, kn, slot, kn, slot + 1, (unsigned)kn->kn_count - slot);
}

/* A node of the parent begins with another key. */
static void
name_node(const struct kbtree *kt, struct kbtree_node *parent, unsigned slot,
    const struct kbtree_node *kn)
{
	const struct kbtree_key key = key_at(kt, kn, 0);

	set_key(kt, parent, slot, &key);
}

/* Move slots between the nodes of slots i and i + 1, so that the first has n of
 * them. */
static void
balance(const struct kbtree *kt, struct kbtree_node *parent, unsigned i,
    unsigned n)
{
	struct kbtree_node *a = node_at(kt, parent, i);
	struct kbtree_node *b = node_at(kt, parent, i + 1);
	unsigned na = (unsigned)a->kn_count, nb = (unsigned)b->kn_count, move;

	if (na > n) {
		move = na - n;
		move_slots(kt, b, move, b, 0, nb);
		move_slots(kt, b, 0, a, n, move);
		b->kn_count = nb + move;
	} else {
		move = n - na;
		move_slots(kt, a, na, b, 0, move);
		move_slots(kt, b, 0, b, move, nb - move);
		b->kn_count = nb - move;
	}
	a->kn_count = n;
	name_node(kt, parent, i + 1, b);
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
window_with_room(const struct kbtree *kt, const struct kbtree_node *parent,
    unsigned i, struct window *wi)
{
	const struct kbtree_node *kn;
	unsigned used[2 * WIDE] = { 0 }, low, high, sum;

	low = i < WIDE ? 0 : i - WIDE + 1;
	high = i + WIDE < parent->kn_count ? i + WIDE :
	    (unsigned)parent->kn_count;
	for (unsigned j = low; j < high; j++) {
		kn = node_at(kt, parent, j);
		used[j - low] = (unsigned)kn->kn_count;
	}
	for (wi->wi_n = 2; wi->wi_n <= WIDE; wi->wi_n++) {
		wi->wi_first = i < wi->wi_n ? 0 : i - wi->wi_n + 1;
		for (; wi->wi_first <= i && wi->wi_first + wi->wi_n <= high;
		    wi->wi_first++) {
			sum = 0;
			for (unsigned j = 0; j < wi->wi_n; j++)
				sum += used[wi->wi_first - low + j];
			if (sum + ROOM * wi->wi_n <= kt->kt_slots * wi->wi_n)
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
share(const struct kbtree *kt, struct kbtree_node *parent,
    const struct window *wi, struct kbtree_node *new,
    const struct kbtree_key *key, void *ptr)
{
	struct kbtree_node *kn[WIDE + 1];
	struct kbtree_node *into = node_at(kt, parent, wi->wi_first);
	uint64_t words[WIDE * SLOTS_MAX];
	unsigned count[WIDE + 1], had[WIDE] = { 0 }, sum = 0, at, n = wi->wi_n;

	for (unsigned j = 0; j < n; j++) {
		kn[j] = node_at(kt, parent, wi->wi_first + j);
		had[j] = (unsigned)kn[j]->kn_count;
		sum += had[j];
	}
	if (new != NULL)
		kn[n++] = new;
	at = 0;
	for (unsigned j = 0; j < n; j++) {
		count[j] = sum * (j + 1) / n - at;
		at += count[j];
		kn[j]->kn_count = count[j];
	}
	/* A column of words after the other. */
	for (unsigned w = 0; w <= kt->kt_words; w++) {
		at = 0;
		for (unsigned j = 0; j < wi->wi_n; at += had[j++])
			memcpy(&words[at], &kn[j]->kn_word[w * kt->kt_slots],
			    had[j] * sizeof(words[0]));
		at = 0;
		for (unsigned j = 0; j < n; at += count[j++])
			memcpy(&kn[j]->kn_word[w * kt->kt_slots], &words[at],
			    count[j] * sizeof(words[0]));
	}
	for (unsigned j = 1; j < n; j++) {
		if (j < wi->wi_n)
			name_node(kt, parent, wi->wi_first + j, kn[j]);
		if (compare(kt, kn[j], 0, key) <= 0)
			into = kn[j];
	}
	put_slot(kt, into, key, ptr);
}

/* Allocate the nodes that an insertion needs, linked by their first word;
 * the tree is not changed. */
static int
reserve(const struct kbtree *kt, const struct path *pa,
    struct kbtree_node **list)
{
	struct kbtree_node *kn;
	unsigned level = 0, need = 0;
	struct window wi;

	*list = NULL;
	while (level < kt->kt_height &&
	    pa->pa_node[level]->kn_count == kt->kt_slots) {
		if (level + 1 < kt->kt_height &&
		    window_with_room(kt, pa->pa_node[level + 1],
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
		kn->kn_word[0] = (uintptr_t)*list;
		*list = kn;
	}
	return 0;
fail:
	while ((kn = *list) != NULL) {
		*list = (struct kbtree_node *)(uintptr_t)kn->kn_word[0];
		kslab_free(kt->kt_kern, kn, sizeof(*kn));
	}
	return ENOMEM;
}

static struct kbtree_node *
take_node(struct kbtree *kt, struct kbtree_node **list)
{
	struct kbtree_node *kn = *list;

	*list = (struct kbtree_node *)(uintptr_t)kn->kn_word[0];
	kt->kt_nodes++;
	return kn;
}

/* Move the slots from n on to a node that is empty. */
static void
cut(const struct kbtree *kt, struct kbtree_node *kn, unsigned n,
    struct kbtree_node *new)
{

	new->kn_count = kn->kn_count - n;
	move_slots(kt, new, 0, kn, n, (unsigned)new->kn_count);
	kn->kn_count = n;
}

/* Of the root's slots, or those of a node at the edge of its parent, as many
 * stay as leaves ascending and descending keys with full nodes behind them. */
static unsigned
cut_at_edge(const struct kbtree *kt, const struct kbtree_node *kn,
    const struct kbtree_key *key)
{
	unsigned less = count_less(kt, kn, key);

	return less == kt->kt_slots ? kt->kt_slots - 1u : less <= 1 ? 1 :
	    kt->kt_slots / 2u;
}

/*
 * Split the full node of the parent's slot i, and put (key, ptr) in its place.
 * At an edge at which keys come in order, the node alone is cut; elsewhere it
 * and its neighbours, up to WIDE nodes, become one more.
 */
static void
split(const struct kbtree *kt, struct kbtree_node *parent, unsigned i,
    struct kbtree_node *new, const struct kbtree_key *key, void *ptr)
{
	struct kbtree_node *kn = node_at(kt, parent, i);
	unsigned n = cut_at_edge(kt, kn, key);
	unsigned count = (unsigned)parent->kn_count;
	struct window wi;

	if ((n == kt->kt_slots - 1u && i + 1 == count) ||
	    (n == 1 && i == 0)) {
		cut(kt, kn, n, new);
		put_slot(kt, compare(kt, new, 0, key) > 0 ? kn : new, key,
		    ptr);
		return;
	}
	wi.wi_n = count < WIDE ? count : WIDE;
	wi.wi_first = i < wi.wi_n / 2 ? 0 : i - wi.wi_n / 2;
	if (wi.wi_first + wi.wi_n > count)
		wi.wi_first = count - wi.wi_n;
	share(kt, parent, &wi, new, key, ptr);
}

/* A root above the old one, if there is one, and its new neighbour. */
static void
raise_root(struct kbtree *kt, struct kbtree_node *root,
    struct kbtree_node *new)
{

	set_key(kt, root, 0, &(struct kbtree_key){ { 0 } });
	*slot_ptr(kt, root, 0) = (uintptr_t)kt->kt_root;
	name_node(kt, root, 1, new);
	*slot_ptr(kt, root, 1) = (uintptr_t)new;
	root->kn_count = 2;
	kt->kt_root = root;
	kt->kt_height++;
}

/* Put the object, and then the nodes that it makes, into the nodes of the
 * path. */
static void
put_path(struct kbtree *kt, struct path *pa, struct kbtree_node *list,
    struct kbtree_key key, void *ptr)
{
	struct kbtree_node *kn, *parent, *new;
	unsigned level, i;
	struct window wi;

	for (level = 0;; level++) {
		kn = pa->pa_node[level];
		if (kn->kn_count < kt->kt_slots) {
			put_slot(kt, kn, &key, ptr);
			return;
		}
		if (level + 1 == kt->kt_height)
			break;
		parent = pa->pa_node[level + 1];
		i = pa->pa_slot[level + 1];
		if (window_with_room(kt, parent, i, &wi)) {
			share(kt, parent, &wi, NULL, &key, ptr);
			return;
		}
		new = take_node(kt, &list);
		split(kt, parent, i, new, &key, ptr);
		key = key_at(kt, new, 0);
		ptr = new;
	}
	new = take_node(kt, &list);
	cut(kt, kn, cut_at_edge(kt, kn, &key), new);
	put_slot(kt, compare(kt, new, 0, &key) > 0 ? kn : new, &key, ptr);
	raise_root(kt, take_node(kt, &list), new);
}

int
kbtree_insert(struct kbtree *kt, const struct kbtree_key *key, void *obj)
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
	if (has_at(kt, leaf, pa.pa_slot[0], key))
		return EEXIST;
	if (leaf->kn_count == kt->kt_slots) {
		error = reserve(kt, &pa, &list);
		if (error != 0)
			return error;
		put_path(kt, &pa, list, *key, obj);
	} else
		put_slot(kt, leaf, key, obj);
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
	a = node_at(kt, parent, i);
	b = node_at(kt, parent, i + 1);
	sum = (unsigned)(a->kn_count + b->kn_count);
	if (sum > JOIN(kt)) {
		balance(kt, parent, i, sum / 2);
		return false;
	}
	move_slots(kt, a, (unsigned)a->kn_count, b, 0,
	    (unsigned)b->kn_count);
	a->kn_count = sum;
	drop_slot(kt, parent, i + 1);
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
	kt->kt_root = kt->kt_height == 1 ? NULL : node_at(kt, root, 0);
	kt->kt_height--;
	free_node(kt, root);
}

void *
kbtree_remove(struct kbtree *kt, const struct kbtree_key *key)
{
	struct kbtree_node *leaf;
	unsigned level = 0;
	struct path pa;
	void *obj;

	if (kt->kt_root == NULL)
		return NULL;
	find_path(kt, key, &pa);
	leaf = pa.pa_node[0];
	if (!has_at(kt, leaf, pa.pa_slot[0], key))
		return NULL;
	obj = object_at(kt, leaf, pa.pa_slot[0]);
	drop_slot(kt, leaf, pa.pa_slot[0]);
	kt->kt_count--;
	while (level + 1 < kt->kt_height &&
	    pa.pa_node[level]->kn_count < LOW(kt)) {
		level++;
		if (!refill(kt, pa.pa_node[level], pa.pa_slot[level]))
			break;
	}
	lower_root(kt);
	return obj;
}
