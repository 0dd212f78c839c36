/*
 * Sets of numbers that know the next free one: interface indices and the units
 * of a cloner.
 *
 * A set is a tree of 64 branches a node whose leaves are words of 64 bits.  It
 * is as high as its largest number needs, so that a set of small numbers is one
 * word, and a node exists once a number below it was added.  A node has a bit
 * for each branch that is full, which a search for a free number skips.
 */

#include "host/host.h"
#include "net/if_bitmap.h"

#include <errno.h>
#include <string.h>

#define BRANCH_BITS	6
#define BRANCH_MASK	63u

struct if_bitmap_node {
	uint64_t	 bn_full;	/* branches without a free number */
	union {
		struct if_bitmap_node *bn_node[64];
		uint64_t bn_word[64];	/* of a node of height 1 */
	};
};

/* Numbers below a branch of a node of this height. */
static inline uint64_t
span(unsigned height)
{

	return 1ULL << (BRANCH_BITS * height);
}

static inline bool
beyond(const struct if_bitmap *ib, unsigned n)
{

	return n >= span(ib->ib_height + 1);
}

static inline unsigned
branch_of(unsigned n, unsigned height)
{

	return n >> (BRANCH_BITS * height) & BRANCH_MASK;
}

void
if_bitmap_init(struct host *h, struct if_bitmap *ib)
{

	memset(ib, 0, sizeof(*ib));
	ib->ib_host = h;
}

static void
node_free(struct host *h, struct if_bitmap_node *bn, unsigned height)
{

	if (bn == NULL)
		return;
	for (unsigned b = 0; height > 1 && b < 64; b++)
		node_free(h, bn->bn_node[b], height - 1);
	host_free(h, bn);
}

void
if_bitmap_fini(struct if_bitmap *ib)
{

	if (ib->ib_height != 0)
		node_free(ib->ib_host, ib->ib_root, ib->ib_height);
	if_bitmap_init(ib->ib_host, ib);
}

/* One level more, with the tree as it was as the first branch. */
static int
raise_root(struct if_bitmap *ib)
{
	struct if_bitmap_node *bn;
	bool full;

	bn = host_alloc(ib->ib_host, sizeof(*bn), 0);
	if (bn == NULL)
		return ENOMEM;
	if (ib->ib_height == 0) {
		bn->bn_word[0] = ib->ib_word;
		full = ib->ib_word == UINT64_MAX;
	} else {
		bn->bn_node[0] = ib->ib_root;
		full = ib->ib_root->bn_full == UINT64_MAX;
	}
	bn->bn_full = full ? 1 : 0;
	ib->ib_nearword = NULL;		/* it may have moved */
	ib->ib_root = bn;
	ib->ib_height++;
	return 0;
}

static uint64_t *
search_word(const struct if_bitmap *ib, unsigned n)
{
	unsigned shift = BRANCH_BITS * ib->ib_height;
	struct if_bitmap_node *bn;

	if (n >> shift > BRANCH_MASK)
		return NULL;
	if (shift == 0)
		return (uint64_t *)(uintptr_t)&ib->ib_word;
	for (bn = ib->ib_root; shift > BRANCH_BITS; shift -= BRANCH_BITS) {
		bn = bn->bn_node[n >> shift & BRANCH_MASK];
		if (bn == NULL)
			return NULL;
	}
	return &bn->bn_word[n >> BRANCH_BITS & BRANCH_MASK];
}

/* The word that a number is in, or NULL: it is beyond, or none was made.  Most
 * numbers are near the last. */
static inline uint64_t *
find_word(const struct if_bitmap *ib, unsigned n)
{

	return ib->ib_nearword != NULL && n >> BRANCH_BITS == ib->ib_near ?
	    ib->ib_nearword : search_word(ib, n);
}

/* The word for a number, made if it is not there; NULL: no memory. */
static uint64_t *
make_word(struct if_bitmap *ib, unsigned n)
{
	struct if_bitmap_node **next;

	while (beyond(ib, n))
		if (raise_root(ib) != 0)
			return NULL;
	next = &ib->ib_root;
	for (unsigned h = ib->ib_height; h > 1; h--) {
		next = &(*next)->bn_node[branch_of(n, h)];
		if (*next == NULL &&
		    (*next = host_alloc(ib->ib_host, sizeof(**next), 0)) ==
		    NULL)
			return NULL;
	}
	return find_word(ib, n);
}

/* The word of a number became full, or is full no longer: tell the nodes above,
 * each while the one below changed. */
static void
mark_full(struct if_bitmap *ib, unsigned n, bool full)
{
	struct if_bitmap_node *path[IF_BITMAP_HEIGHT + 1];
	uint64_t *word;
	bool was;

	if (ib->ib_height == 0)
		return;
	path[ib->ib_height] = ib->ib_root;
	for (unsigned h = ib->ib_height; h > 1; h--)
		path[h - 1] = path[h]->bn_node[branch_of(n, h)];
	for (unsigned h = 1; h <= ib->ib_height; h++) {
		word = &path[h]->bn_full;
		was = *word == UINT64_MAX;
		if (full)
			*word |= 1ULL << branch_of(n, h);
		else
			*word &= ~(1ULL << branch_of(n, h));
		if (full ? *word != UINT64_MAX : !was)
			break;
	}
}

int
if_bitmap_set(struct if_bitmap *ib, unsigned n)
{
	const uint64_t bit = 1ULL << (n & BRANCH_MASK);
	uint64_t *word = find_word(ib, n);

	if (word == NULL && (word = make_word(ib, n)) == NULL)
		return ENOMEM;
	if ((*word & bit) != 0)
		return EEXIST;
	*word |= bit;
	ib->ib_near = n >> BRANCH_BITS;
	ib->ib_nearword = word;
	if (*word == UINT64_MAX)
		mark_full(ib, n, true);
	return 0;
}

void
if_bitmap_clear(struct if_bitmap *ib, unsigned n)
{
	uint64_t *word = find_word(ib, n);
	bool full;

	if (word == NULL)
		return;
	full = *word == UINT64_MAX;
	*word &= ~(1ULL << (n & BRANCH_MASK));
	if (full)
		mark_full(ib, n, false);
}

bool
if_bitmap_isset(const struct if_bitmap *ib, unsigned n)
{
	const uint64_t *word = find_word(ib, n);

	return word != NULL && (*word >> (n & BRANCH_MASK) & 1) != 0;
}

/* The bits of a word that are clear, from a bit on. */
static inline uint64_t
clear_from(uint64_t word, unsigned bit)
{

	return bit > BRANCH_MASK ? 0 : ~word & UINT64_MAX << bit;
}

/* The first free number below a node from `from' (counted from the node's
 * first) on; span(height + 1): none. */
static uint64_t
next_below(const struct if_bitmap_node *bn, unsigned height, uint64_t from)
{
	unsigned b = (unsigned)(from >> (BRANCH_BITS * height));
	uint64_t inner = from & (span(height) - 1), clear, n;

	for (;; b++, inner = 0) {
		clear = clear_from(bn->bn_full, b);
		if (clear == 0)
			return span(height + 1);
		if ((unsigned)__builtin_ctzll(clear) != b) {
			b = (unsigned)__builtin_ctzll(clear);
			inner = 0;
		}
		if (height > 1) {
			if (bn->bn_node[b] == NULL)
				return b * span(height) + inner;
			n = next_below(bn->bn_node[b], height - 1, inner);
		} else {
			clear = clear_from(bn->bn_word[b], (unsigned)inner);
			n = clear == 0 ? span(1) :
			    (unsigned)__builtin_ctzll(clear);
		}
		if (n != span(height))
			return b * span(height) + n;
	}
}

unsigned
if_bitmap_next(const struct if_bitmap *ib, unsigned from)
{
	const uint64_t *word = find_word(ib, from);
	uint64_t clear;

	/* Nearly always there is one beside it. */
	clear = word == NULL ? 0 : clear_from(*word, from & BRANCH_MASK);
	if (clear != 0)
		return (from & ~BRANCH_MASK) + (unsigned)__builtin_ctzll(clear);
	if (beyond(ib, from))
		return from;
	if (ib->ib_height != 0)
		return (unsigned)next_below(ib->ib_root, ib->ib_height, from);
	return 64;
}
