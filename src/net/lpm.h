/*
 * lpm: longest-prefix match over 32-bit keys, for readers.
 *
 * A multibit trie of strides 16, 8 and 8 with leaf pushing: a lookup is one
 * load for prefixes up to /16, two up to /24, three beyond, plus the default
 * entry when nothing matched, whatever the table holds.  The root is a
 * reserved region whose pages cost nothing until a prefix touches them; a node
 * is 256 slots.  An entry is embedded in the object it stands for.
 *
 * Writers are serialised by the caller's lock; readers are in a read section.
 * A slot holds an entry, a child node (low bit set) or nothing; a change is
 * one store a slot, so a reader sees the old match or the new one.
 */

#ifndef NET_LPM_H
#define NET_LPM_H

#include <stddef.h>
#include <stdint.h>

#include "kern/khash.h"

struct lpm_entry {
	uint32_t	 le_key;	/* host order, bits past the length 0 */
	uint8_t		 le_len;	/* 0..32 */
	uint8_t		 le_user;	/* the holder's */
	uint8_t		 le_spare[2];	/* the holder's */
};

struct lpm_node;

struct lpm {
	uintptr_t	*lpm_root;	/* 65536 slots; rcu */
	struct lpm_entry *lpm_default;	/* the /0; rcu */
	struct khash	 lpm_exact;	/* by prefix, without those of
					 * length 32; writer's */
	struct kern	*lpm_kern;
	size_t		 lpm_nodes;	/* writer's; atomic */
	uint32_t	 lpm_count[33];	/* entries by length; writer's */
};

/* For tables of prefixes by hash. */
static inline uint32_t
lpm_hash(uint32_t key, unsigned len)
{

	return khash_u64((uint64_t)key << 8 | len);
}

/* ENOMEM. */
int	lpm_init(struct kern *, struct lpm *);
void	lpm_fini(struct lpm *);	/* empty it first */
/* EEXIST (that very prefix), ENOMEM: unchanged then. */
int	lpm_insert(struct lpm *, struct lpm_entry *);
/* Take out an entry that is in.  Never fails; the entry may be freed after a
 * grace period. */
void	lpm_remove(struct lpm *, struct lpm_entry *);
/* Put `new' (same prefix) where `old' is, in place. */
void	lpm_replace(struct lpm *, struct lpm_entry *old, struct lpm_entry *new);
/* Read section, or the writer: the entry of exactly that prefix, or NULL. */
struct lpm_entry *lpm_find(const struct lpm *, uint32_t key, unsigned len);

#define LPM_NODE	1u

static inline struct lpm_entry *
lpm_lookup(const struct lpm *l, uint32_t key)
{
	uintptr_t s;

	s = __atomic_load_n(&l->lpm_root[key >> 16], __ATOMIC_CONSUME);
	if (s & LPM_NODE) {
		s = __atomic_load_n((uintptr_t *)(s - LPM_NODE) +
		    ((key >> 8) & 0xff), __ATOMIC_CONSUME);
		if (s & LPM_NODE)
			s = __atomic_load_n((uintptr_t *)(s - LPM_NODE) +
			    (key & 0xff), __ATOMIC_CONSUME);
	}
	if (s == 0)
		return __atomic_load_n(&l->lpm_default, __ATOMIC_CONSUME);
	return (struct lpm_entry *)s;
}

#endif /* !NET_LPM_H */
