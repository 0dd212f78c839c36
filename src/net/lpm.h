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
	uint8_t		 le_user;	/* the holder's; atomic */
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

/*
 * lpm_walk.c: the entries in the order of their prefixes (key, then length):
 * the one at *place (first 0) or after, and *place behind it; NULL at the end.
 * The table may change between two calls: what is in it all the time is found
 * once.  Writer.
 */
struct lpm_entry *lpm_from(const struct lpm *, uint64_t *place);

#define LPM_NODE	1u
/* Keys looked up together at most; and nodes that the nearest cache has room
 * for, so that nothing is won by it. */
#define LPM_MANY	64
#define LPM_SHALLOW	16

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

/* The line or two that an entry, and the object that begins with it, are in. */
#define LPM_OBJECT	36
static inline void
lpm_prefetch_entry(uintptr_t s)
{

	__builtin_prefetch((const void *)s);
	__builtin_prefetch((const char *)s + LPM_OBJECT);
}

/* One level further: where to read on (a slot's address with LPM_NODE), or the
 * entry; either is on its way to the cache. */
static inline uintptr_t
lpm_descend(const uintptr_t *slot, unsigned next, uintptr_t none)
{
	uintptr_t s = __atomic_load_n(slot, __ATOMIC_CONSUME);

	if (s & LPM_NODE) {
		s += next * sizeof(uintptr_t);
		__builtin_prefetch((const void *)(s - LPM_NODE));
		return s;
	}
	s = s != 0 ? s : none;
	lpm_prefetch_entry(s);
	return s;
}

/*
 * Look n keys up, n at most LPM_MANY, level by level for all of them, so that
 * memory is waited for once a level and not once a key: the entries, NULL where
 * there is none, to le[].
 */
static inline void
lpm_lookup_many(const struct lpm *l, const uint32_t *key,
    struct lpm_entry **le, unsigned n)
{
	uintptr_t none = (uintptr_t)__atomic_load_n(&l->lpm_default,
	    __ATOMIC_CONSUME);
	uintptr_t at[LPM_MANY], s;

	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(&l->lpm_root[key[i] >> 16]);
	for (unsigned i = 0; i < n; i++)
		at[i] = lpm_descend(&l->lpm_root[key[i] >> 16],
		    key[i] >> 8 & 0xff, none);
	for (unsigned i = 0; i < n; i++)
		if (at[i] & LPM_NODE)
			at[i] = lpm_descend((uintptr_t *)(at[i] - LPM_NODE),
			    key[i] & 0xff, none);
	for (unsigned i = 0; i < n; i++) {
		s = at[i];
		if (s & LPM_NODE) {
			s = __atomic_load_n((uintptr_t *)(s - LPM_NODE),
			    __ATOMIC_CONSUME);
			s = s != 0 ? s : none;
		}
		le[i] = (struct lpm_entry *)s;
	}
}

#endif /* !NET_LPM_H */
