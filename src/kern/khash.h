/*
 * khash: a hash table that readers search while one writer changes it.
 *
 * Open addressing over 16-byte entries (hash, object pointer): a lookup that
 * hits costs one line of the table and one of the object, at any size.
 * Equal keys may be in it more than once.  Writers are serialised by the
 * caller's lock; readers are in a read section.  Growing builds a
 * new array and gives the old one to kern_defer(), so a reader keeps what it
 * has.  The caller compares keys; the table knows only hashes and pointers.
 */

#ifndef KERN_KHASH_H
#define KERN_KHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <ifnet/kern.h>
#include <ifnet/pserialize.h>

struct khash_entry {
	void		*he_obj;	/* NULL: never used, or KHASH_GONE */
	uint32_t	 he_hash;
	uint32_t	 he_pad;
};

#define KHASH_GONE	((void *)1)

struct khash_array {
	struct kern_defer ha_defer;
	struct kern	*ha_kern;
	size_t		 ha_mask;
	size_t		 ha_used;	/* slots not NULL; writer's */
	struct khash_entry ha_entry[];
};

struct khash {
	struct khash_array *kh_array;	/* RCU; NULL: empty */
	size_t		 kh_count;	/* writer's */
	struct kern	*kh_kern;	/* constant */
};

void	khash_init(struct kern *, struct khash *);
/* No reader is left; entries are not touched. */
void	khash_fini(struct khash *);
/* Writer.  ENOMEM leaves it as it was. */
int	khash_insert(struct khash *, uint32_t hash, void *obj);
/* Writer: the object is in it. */
void	khash_remove(struct khash *, uint32_t hash, const void *obj);

/* Writer: put `new' (equal key) where `old' is.  Never fails. */
void	khash_replace(struct khash *, uint32_t hash, const void *old,
	    void *new);

/* Where a search stands. */
struct khash_iter {
	const struct khash_array *hi_array;
	size_t		 hi_pos;
	uint32_t	 hi_hash;
};

/* The next object with this hash, or NULL.  Reader or writer. */
static inline void *
khash_next(struct khash_iter *it)
{
	const struct khash_entry *e;
	void *obj;

	if (it->hi_array == NULL)
		return NULL;
	for (;;) {
		e = &it->hi_array->ha_entry[it->hi_pos];
		obj = __atomic_load_n(&e->he_obj, __ATOMIC_ACQUIRE);
		if (obj == NULL)
			return NULL;
		it->hi_pos = (it->hi_pos + 1) & it->hi_array->ha_mask;
		if (obj != KHASH_GONE && __atomic_load_n(&e->he_hash,
		    __ATOMIC_RELAXED) == it->hi_hash)
			return obj;
	}
}

static inline void *
khash_first(const struct khash *kh, uint32_t hash, struct khash_iter *it)
{

	it->hi_array = __atomic_load_n(&kh->kh_array, __ATOMIC_ACQUIRE);
	it->hi_hash = hash;
	it->hi_pos = it->hi_array == NULL ? 0 : hash & it->hi_array->ha_mask;
	return khash_next(it);
}

/* A well-mixed 32 bits of a 64-bit key, and of bytes. */
static inline uint32_t
khash_u64(uint64_t x)
{

	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ULL;
	x ^= x >> 32;
	return (uint32_t)x;
}

static inline uint32_t
khash_bytes(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint64_t h = 0x9e3779b97f4a7c15ULL ^ len, w;

	while (len >= 8) {
		memcpy(&w, b, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
		b += 8;
		len -= 8;
	}
	w = 0;
	memcpy(&w, b, len);
	h = (h ^ w) * 0xff51afd7ed558ccdULL;
	return khash_u64(h);
}

#endif /* !KERN_KHASH_H */
