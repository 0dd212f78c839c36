/*
 * khash: a hash table that readers search while one writer changes it.
 *
 * Slots are words of a tag (sixteen bits of the hash) and a pointer (the other
 * 48, which hold any address of user space on the supported machines), eight to
 * a bucket of one cache line.  A search compares the eight tags at once and
 * goes to the next bucket only when this one is full: a lookup that hits costs
 * one line of the table and one of the object, at any size, and no branch that
 * depends on where in the bucket it was.
 *
 * Equal keys may be in it more than once.  Writers are serialised by the
 * caller's lock; readers are in a read section.  Growing builds a new array and
 * gives the old one to kern_defer(), so a reader keeps what it has.  The caller
 * compares keys; the table knows hashes and pointers only, and asks for each
 * object's hash when it is rebuilt.
 */

#ifndef KERN_KHASH_H
#define KERN_KHASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <ifnet/kern.h>
#include <ifnet/pserialize.h>

#if defined(__SSE2__) && !defined(PSERIALIZE_TSAN)
#include <emmintrin.h>
#define KHASH_SSE2
#endif

#define KHASH_SLOTS	8		/* of a bucket */
#define KHASH_TAG_SHIFT	48
#define KHASH_PTR_MASK	((UINT64_C(1) << KHASH_TAG_SHIFT) - 1)

struct khash_bucket {
	uint64_t	 kb_slot[KHASH_SLOTS];	/* 0: empty */
} __attribute__((__aligned__(64)));

struct khash_array {
	struct kern_defer ha_defer;
	struct kern	*ha_kern;
	size_t		 ha_mask;	/* buckets - 1 */
	size_t		 ha_used;	/* slots not empty; writer's */
	struct khash_bucket ha_bucket[];
};

/* Writer: the hash that an object in the table was last inserted with. */
typedef uint32_t khash_fn(const void *obj);

struct khash {
	struct khash_array *kh_array;	/* RCU; NULL: empty */
	size_t		 kh_count;	/* writer's */
	struct kern	*kh_kern;	/* constant */
	khash_fn	*kh_hash;	/* constant */
};

/* Any: make an empty table, without an array; never fails.  khash_fn is called
 * by the writer. */
void	khash_init(struct kern *, struct khash *, khash_fn *);
/* Writer, when no reader is left: free the table; its objects are left
 * alone. */
void	khash_fini(struct khash *);
/* Writer.  ENOMEM: the table is unchanged. */
int	khash_insert(struct khash *, uint32_t hash, void *obj);
/* Writer: take out an object that is in the table. */
void	khash_remove(struct khash *, uint32_t hash, const void *obj);
/* Writer: put `new' in the slot of `old', whose key is equal.  Never fails. */
void	khash_replace(struct khash *, uint32_t hash, const void *old,
	    void *new);
/* Writer: the objects, in no order: returns the object at *pos or the next one
 * after, and moves *pos past it; NULL at the end. */
void	*khash_walk(const struct khash *, size_t *pos);

/* The position of a search. */
struct khash_iter {
	const struct khash_array *hi_array;
	size_t		 hi_pos;	/* bucket */
	uint32_t	 hi_tag;
	uint32_t	 hi_match;	/* slots of it still to be looked at */
};

/* A hash's tag; never 0, the tag of a slot that is empty or SLOT_GONE. */
static inline uint32_t
khash_tag(uint32_t hash)
{

	return hash >> 16 | 1;
}

/* A bit for each slot with the tag. */
static inline uint32_t
khash_match(const struct khash_bucket *kb, uint32_t tag)
{
#ifdef KHASH_SSE2
	const float *slot = (const float *)(const void *)kb->kb_slot;
	__m128i want = _mm_set1_epi32((int)tag), low, high;

	/* The upper halves of four words each; the tag is the upper half of
	 * such a half. */
	low = _mm_castps_si128(_mm_shuffle_ps(_mm_load_ps(slot),
	    _mm_load_ps(slot + 4), 0xdd));
	high = _mm_castps_si128(_mm_shuffle_ps(_mm_load_ps(slot + 8),
	    _mm_load_ps(slot + 12), 0xdd));
	low = _mm_cmpeq_epi32(_mm_srli_epi32(low, 16), want);
	high = _mm_cmpeq_epi32(_mm_srli_epi32(high, 16), want);
	return (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(low)) |
	    (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(high)) << 4;
#else
	uint32_t match = 0;

	for (unsigned i = 0; i < KHASH_SLOTS; i++)
		match |= (uint32_t)(__atomic_load_n(&kb->kb_slot[i],
		    __ATOMIC_RELAXED) >> KHASH_TAG_SHIFT == tag) << i;
	return match;
#endif
}

/* Does the bucket have a slot that is empty, and not SLOT_GONE?  Then no search
 * goes beyond the bucket. */
static inline bool
khash_ends(const struct khash_bucket *kb)
{

	for (unsigned i = KHASH_SLOTS; i-- > 0;)
		if (__atomic_load_n(&kb->kb_slot[i], __ATOMIC_RELAXED) == 0)
			return true;
	return false;
}

/* The next object with this hash (as far as the tag tells), or NULL.  Reader
 * or writer. */
static inline void *
khash_next(struct khash_iter *it)
{
	const struct khash_bucket *kb;
	uint64_t word;
	unsigned i;

	if (it->hi_array == NULL)
		return NULL;
	for (;;) {
		kb = &it->hi_array->ha_bucket[it->hi_pos];
		while (it->hi_match != 0) {
			i = (unsigned)__builtin_ctz(it->hi_match);
			it->hi_match &= it->hi_match - 1;
			/* A writer may have stored another object since. */
			word = __atomic_load_n(&kb->kb_slot[i],
			    __ATOMIC_ACQUIRE);
			if (word >> KHASH_TAG_SHIFT == it->hi_tag)
				return (void *)(word & KHASH_PTR_MASK);
		}
		if (khash_ends(kb))
			return NULL;
		it->hi_pos = (it->hi_pos + 1) & it->hi_array->ha_mask;
		it->hi_match = khash_match(
		    &it->hi_array->ha_bucket[it->hi_pos], it->hi_tag);
	}
}

static inline void *
khash_first(const struct khash *kh, uint32_t hash, struct khash_iter *it)
{

	it->hi_array = __atomic_load_n(&kh->kh_array, __ATOMIC_ACQUIRE);
	it->hi_tag = khash_tag(hash);
	it->hi_pos = 0;
	it->hi_match = 0;
	if (it->hi_array == NULL)
		return NULL;
	it->hi_pos = hash & it->hi_array->ha_mask;
	it->hi_match = khash_match(&it->hi_array->ha_bucket[it->hi_pos],
	    it->hi_tag);
	return khash_next(it);
}

/* Reader: the bucket of a hash, on its way to the cache. */
static inline void
khash_prefetch(const struct khash *kh, uint32_t hash)
{
	const struct khash_array *ha;

	ha = __atomic_load_n(&kh->kh_array, __ATOMIC_ACQUIRE);
	if (ha != NULL)
		__builtin_prefetch(&ha->ha_bucket[hash & ha->ha_mask]);
}

/*
 * The first object with this hash in the hash's own bucket, or NULL: nearly
 * always the object searched for.  A caller whose key differs goes on with a
 * full search.  Reader or writer.
 */
static inline void *
khash_guess(const struct khash *kh, uint32_t hash)
{
	const struct khash_array *ha;
	const struct khash_bucket *kb;
	uint32_t tag, match;
	uint64_t word;

	ha = __atomic_load_n(&kh->kh_array, __ATOMIC_ACQUIRE);
	if (ha == NULL)
		return NULL;
	tag = khash_tag(hash);
	kb = &ha->ha_bucket[hash & ha->ha_mask];
	match = khash_match(kb, tag);
	if (match == 0)
		return NULL;
	word = __atomic_load_n(&kb->kb_slot[__builtin_ctz(match)],
	    __ATOMIC_ACQUIRE);
	return word >> KHASH_TAG_SHIFT == tag ?
	    (void *)(word & KHASH_PTR_MASK) : NULL;
}

/* A hash of 32 bits of a 64-bit key, and of bytes: the two halves of a 128-bit
 * product. */
static inline uint32_t
khash_u64(uint64_t x)
{
	unsigned __int128 m;
	uint64_t h;

	m = (unsigned __int128)(x ^ 0x9e3779b97f4a7c15ULL) *
	    0xd6e8feb86659fd93ULL;
	h = (uint64_t)(m >> 64) ^ (uint64_t)m;
	return (uint32_t)(h ^ h >> 32);
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
