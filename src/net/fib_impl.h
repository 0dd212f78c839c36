/*
 * fib_impl: what the files of the forwarding table share.  A stride is 16 bits
 * of an address; its nodes hang from a slot.  Keys are the bits of the stride,
 * those past a length 0; lengths are 1 to 16.  All of it the writer's.
 */

#ifndef NET_FIB_IMPL_H
#define NET_FIB_IMPL_H

#include "net/fib.h"

#define STRIDE	16

/* A prefix has a value, whether it had one before or not.  ENOMEM: nothing is
 * changed. */
int	fib_stride_add(struct fib *, uint64_t *slot, uint32_t key,
	    unsigned len, uint32_t value);
/* A prefix, which is there, can be given any value without memory.  ENOMEM. */
int	fib_stride_widen(struct fib *, uint64_t *slot, uint32_t key,
	    unsigned len);
/* A prefix, which is there, goes; `cover' is of the same stride, or 0.  true:
 * the slot has no node any more. */
bool	fib_stride_remove(struct fib *, uint64_t *slot, uint32_t key,
	    unsigned len, uint32_t cover, unsigned cover_len);

/* IPv6: the slot of the next stride below an address, or NULL. */
uint64_t *fib_stride_next(const struct fib *, uint64_t *slot, uint32_t key);
/* IPv6: a node of one line that nobody knows yet, with a prefix, or with an
 * address (a whole key) that names the next stride's node.  ENOMEM. */
int	fib_stride_make(struct fib *, uint32_t key, unsigned len,
	    uint32_t value, uint32_t next, uint32_t *ref);
/* Undo that. */
void	fib_stride_unmake(struct fib *, uint32_t ref);
/* IPv6: an address names the next node.  ENOMEM: nothing is changed. */
int	fib_stride_hang(struct fib *, uint64_t *slot, uint32_t key,
	    uint32_t ref);
/* IPv6: an address does not any more; true as above. */
bool	fib_stride_tidy(struct fib *, uint64_t *slot, uint32_t key);

#endif /* !NET_FIB_IMPL_H */
