/*
 * if_bitmap: a set of numbers up to INT_MAX that finds the next number not in
 * it in a step for each six bits of the largest: if_bitmap.c.
 */

#ifndef NET_IF_BITMAP_H
#define NET_IF_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

struct host;

#define IF_BITMAP_HEIGHT 5	/* of the tree for INT_MAX */

struct if_bitmap {
	struct host	*ib_host;
	unsigned	 ib_height;	/* 0: numbers below 64, in ib_word */
	unsigned	 ib_near;	/* the last number set, without its
					 * lowest six bits; and the word it is
					 * in, or NULL */
	uint64_t	*ib_nearword;
	union {
		uint64_t ib_word;
		struct if_bitmap_node *ib_root;
	};
};

/* if_bitmap.c: serialised by the caller.  Control.  set: ENOMEM; EEXIST: the
 * number is in it. */
void	if_bitmap_init(struct host *, struct if_bitmap *);
void	if_bitmap_fini(struct if_bitmap *);
int	if_bitmap_set(struct if_bitmap *, unsigned);
void	if_bitmap_clear(struct if_bitmap *, unsigned);
bool	if_bitmap_isset(const struct if_bitmap *, unsigned);
/* The first number not in it from `from' on. */
unsigned if_bitmap_next(const struct if_bitmap *, unsigned from);

#endif /* !NET_IF_BITMAP_H */
