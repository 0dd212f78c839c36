/*
 * The writer's side of the hash table.
 */

#include "kern/khash.h"

#include <errno.h>

#include "kern/kern_impl.h"

#define KHASH_MIN	2	/* buckets of the smallest array */

/* A slot whose object was removed: a search may have to go on past it. */
#define SLOT_GONE	UINT64_C(1)

void
khash_init(struct kern *k, struct khash *kh, khash_fn *hash)
{

	kh->kh_array = NULL;
	kh->kh_count = 0;
	kh->kh_kern = k;
	kh->kh_hash = hash;
}

static size_t
array_bytes(size_t buckets)
{

	return sizeof(struct khash_array) +
	    buckets * sizeof(struct khash_bucket);
}

void
khash_fini(struct khash *kh)
{

	if (kh->kh_array != NULL)
		kern_table_free(kh->kh_kern, kh->kh_array,
		    array_bytes(kh->kh_array->ha_mask + 1));
	kh->kh_array = NULL;
	kh->kh_count = 0;
}

static void
free_array(struct kern_defer *kd)
{
	struct khash_array *ha = (struct khash_array *)(void *)kd;

	kern_table_free(ha->ha_kern, ha, array_bytes(ha->ha_mask + 1));
}

static inline uint64_t
slot_word(uint32_t hash, const void *obj)
{
	uint64_t word = (uintptr_t)obj;

	KASSERT(word > SLOT_GONE && word >> KHASH_TAG_SHIFT == 0);
	return (uint64_t)khash_tag(hash) << KHASH_TAG_SHIFT | word;
}

/* The store is a release: a reader that sees the word sees the object. */
static inline void
slot_set(uint64_t *slot, uint64_t word)
{

	__atomic_store_n(slot, word, __ATOMIC_RELEASE);
}

/* The first slot that is free for this hash. */
static uint64_t *
find_free(struct khash_array *ha, uint32_t hash)
{
	size_t pos = hash & ha->ha_mask;
	struct khash_bucket *kb;

	for (;; pos = (pos + 1) & ha->ha_mask) {
		kb = &ha->ha_bucket[pos];
		for (unsigned i = 0; i < KHASH_SLOTS; i++)
			if (kb->kb_slot[i] <= SLOT_GONE)
				return &kb->kb_slot[i];
	}
}

static struct khash_array *
make_array(struct khash *kh, size_t buckets)
{
	struct khash_array *ha;

	ha = kern_table_alloc(kh->kh_kern, array_bytes(buckets));
	if (ha == NULL)
		return NULL;
	ha->ha_kern = kh->kh_kern;
	ha->ha_mask = buckets - 1;
	return ha;
}

void *
khash_walk(const struct khash *kh, size_t *pos)
{
	const struct khash_array *ha = kh->kh_array;
	uint64_t word;

	while (ha != NULL && *pos < (ha->ha_mask + 1) * KHASH_SLOTS) {
		word = ha->ha_bucket[*pos / KHASH_SLOTS]
		    .kb_slot[*pos % KHASH_SLOTS];
		++*pos;
		if (word > SLOT_GONE)
			return (void *)(word & KHASH_PTR_MASK);
	}
	return NULL;
}

/* Move everything to an array of the right size: half full at most. */
static int
rebuild(struct khash *kh)
{
	struct khash_array *old = kh->kh_array, *new;
	size_t buckets = KHASH_MIN, pos = 0;
	uint32_t hash;
	void *obj;

	while (buckets * KHASH_SLOTS < (kh->kh_count + 1) * 2)
		buckets *= 2;
	new = make_array(kh, buckets);
	if (new == NULL)
		return ENOMEM;
	while ((obj = khash_walk(kh, &pos)) != NULL) {
		hash = kh->kh_hash(obj);
		*find_free(new, hash) = slot_word(hash, obj);
		new->ha_used++;
	}
	__atomic_store_n(&kh->kh_array, new, __ATOMIC_RELEASE);
	if (old != NULL)
		kern_defer(kh->kh_kern, &old->ha_defer, free_array);
	return 0;
}

int
khash_insert(struct khash *kh, uint32_t hash, void *obj)
{
	struct khash_array *ha = kh->kh_array;
	uint64_t *slot;
	int error;

	/* The array is grown at three quarters in use, so that few buckets are
	 * full. */
	if (ha == NULL || (ha->ha_used + 1) * 4 >
	    (ha->ha_mask + 1) * KHASH_SLOTS * 3) {
		error = rebuild(kh);
		if (error != 0)
			return error;
		ha = kh->kh_array;
	}
	slot = find_free(ha, hash);
	if (*slot == 0)
		ha->ha_used++;
	slot_set(slot, slot_word(hash, obj));
	kh->kh_count++;
	return 0;
}

/* The slot that holds the object. */
static uint64_t *
find_slot(struct khash_array *ha, uint32_t hash, const void *obj,
    struct khash_bucket **kbp)
{
	uint64_t word = slot_word(hash, obj);
	struct khash_bucket *kb;
	size_t pos;

	KASSERT(ha != NULL);
	for (pos = hash & ha->ha_mask;; pos = (pos + 1) & ha->ha_mask) {
		kb = &ha->ha_bucket[pos];
		for (unsigned i = 0; i < KHASH_SLOTS; i++) {
			if (kb->kb_slot[i] != word)
				continue;
			*kbp = kb;
			return &kb->kb_slot[i];
		}
		KASSERT(!khash_ends(kb));
	}
}

/* No search goes past this bucket, so its SLOT_GONE slots become empty
 * again. */
static void
sweep(struct khash_array *ha, struct khash_bucket *kb)
{

	for (unsigned i = 0; i < KHASH_SLOTS; i++) {
		if (kb->kb_slot[i] != SLOT_GONE)
			continue;
		slot_set(&kb->kb_slot[i], 0);
		ha->ha_used--;
	}
}

void
khash_remove(struct khash *kh, uint32_t hash, const void *obj)
{
	struct khash_array *ha = kh->kh_array;
	struct khash_bucket *kb;

	slot_set(find_slot(ha, hash, obj, &kb), SLOT_GONE);
	kh->kh_count--;
	if (khash_ends(kb))
		sweep(ha, kb);
	/* Shrinking may fail; the array stays large then. */
	if (ha->ha_mask + 1 > 4 * KHASH_MIN &&
	    kh->kh_count * 16 < (ha->ha_mask + 1) * KHASH_SLOTS)
		(void)rebuild(kh);
	else if (kh->kh_count == 0)
		for (size_t i = 0; i <= ha->ha_mask; i++)
			sweep(ha, &ha->ha_bucket[i]);
}

void
khash_replace(struct khash *kh, uint32_t hash, const void *old, void *new)
{
	struct khash_bucket *kb;

	slot_set(find_slot(kh->kh_array, hash, old, &kb),
	    slot_word(hash, new));
}
