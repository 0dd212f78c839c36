/*
 * Sets of numbers below 2^24 that know the next free one: interface indices
 * and the units of a cloner.
 */

#include "net/if_impl.h"

#include <errno.h>

/* Words of all levels together: 2^18 + 2^12 + 2^6 + 1. */
#define WORDS_OF(level)	((size_t)1 << (IF_BITMAP_BITS - 6 * ((level) + 1)))
#define WORDS_ALL	(WORDS_OF(0) + WORDS_OF(1) + WORDS_OF(2) + WORDS_OF(3))

int
if_bitmap_init(struct host *h, struct if_bitmap *ib)
{
	uint64_t *w;

	w = host_map(h, WORDS_ALL * sizeof(*w));
	if (w == NULL)
		return ENOMEM;
	for (int l = 0; l < IF_BITMAP_LEVELS; l++) {
		ib->ib_level[l] = w;
		w += WORDS_OF(l);
	}
	return 0;
}

void
if_bitmap_fini(struct host *h, struct if_bitmap *ib)
{

	if (ib->ib_level[0] != NULL)
		host_unmap(h, ib->ib_level[0], WORDS_ALL * sizeof(uint64_t));
	ib->ib_level[0] = NULL;
}

void
if_bitmap_set(struct if_bitmap *ib, unsigned n)
{

	for (int l = 0; l < IF_BITMAP_LEVELS; l++) {
		uint64_t *w = &ib->ib_level[l][n >> 6];

		*w |= 1ULL << (n & 63);
		if (*w != UINT64_MAX)
			break;
		n >>= 6;
	}
}

void
if_bitmap_clear(struct if_bitmap *ib, unsigned n)
{

	for (int l = 0; l < IF_BITMAP_LEVELS; l++) {
		uint64_t *w = &ib->ib_level[l][n >> 6];
		bool full = *w == UINT64_MAX;

		*w &= ~(1ULL << (n & 63));
		if (!full)
			break;
		n >>= 6;
	}
}

bool
if_bitmap_isset(const struct if_bitmap *ib, unsigned n)
{

	return (ib->ib_level[0][n >> 6] >> (n & 63)) & 1;
}

unsigned
if_bitmap_next(const struct if_bitmap *ib, unsigned from)
{
	uint64_t clear;
	unsigned n = from;
	int l;

	/* Up, until a level has a gap at or behind where we stand ... */
	for (l = 0; l < IF_BITMAP_LEVELS; l++) {
		if (n >= WORDS_OF(l) << 6)
			return 1u << IF_BITMAP_BITS;
		clear = ~ib->ib_level[l][n >> 6] & UINT64_MAX << (n & 63);
		if (clear != 0)
			break;
		n = (n >> 6) + 1;
	}
	if (l == IF_BITMAP_LEVELS)
		return 1u << IF_BITMAP_BITS;

	/* ... and down to the first number in that gap. */
	n = (n & ~63u) + (unsigned)__builtin_ctzll(clear);
	while (l-- > 0)
		n = (n << 6) + (unsigned)__builtin_ctzll(~ib->ib_level[l][n]);
	return n;
}
