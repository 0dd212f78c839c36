/*
 * The writer's side of the hash table.
 */

#include "kern/khash.h"

#include <errno.h>

#define KHASH_MIN	16	/* slots of the smallest array */

void
khash_init(struct kern *k, struct khash *kh)
{

	kh->kh_array = NULL;
	kh->kh_count = 0;
	kh->kh_kern = k;
}

void
khash_fini(struct khash *kh)
{

	kmem_free(kh->kh_kern, kh->kh_array);
	kh->kh_array = NULL;
	kh->kh_count = 0;
}

static void
free_array(struct kern_defer *kd)
{
	struct khash_array *ha = (struct khash_array *)kd;

	kmem_free(ha->ha_kern, ha);
}

/* Fill a slot: whoever sees the object must see its hash. */
static void
put(struct khash_entry *e, uint32_t hash, void *obj)
{

	__atomic_store_n(&e->he_hash, hash, __ATOMIC_RELAXED);
	__atomic_store_n(&e->he_obj, obj, __ATOMIC_RELEASE);
}

static struct khash_entry *
find_free(struct khash_array *ha, uint32_t hash)
{
	size_t pos = hash & ha->ha_mask;

	while (ha->ha_entry[pos].he_obj != NULL &&
	    ha->ha_entry[pos].he_obj != KHASH_GONE)
		pos = (pos + 1) & ha->ha_mask;
	return &ha->ha_entry[pos];
}

/* Move everything to an array of the right size, without the gone ones. */
static int
rebuild(struct khash *kh)
{
	struct khash_array *old = kh->kh_array, *new;
	struct khash_entry *e;
	size_t size = KHASH_MIN;

	while (size < (kh->kh_count + 1) * 2)
		size *= 2;
	new = kmem_zalloc(kh->kh_kern, sizeof(*new) +
	    size * sizeof(struct khash_entry));
	if (new == NULL)
		return ENOMEM;
	new->ha_kern = kh->kh_kern;
	new->ha_mask = size - 1;
	if (old != NULL) {
		for (size_t i = 0; i <= old->ha_mask; i++) {
			e = &old->ha_entry[i];
			if (e->he_obj == NULL || e->he_obj == KHASH_GONE)
				continue;
			put(find_free(new, e->he_hash), e->he_hash, e->he_obj);
			new->ha_used++;
		}
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
	struct khash_entry *e;
	int error;

	KASSERT(obj != NULL && obj != KHASH_GONE);
	/* At most three quarters in use, so that a search ends soon. */
	if (ha == NULL || (ha->ha_used + 1) * 4 > (ha->ha_mask + 1) * 3) {
		error = rebuild(kh);
		if (error != 0)
			return error;
		ha = kh->kh_array;
	}
	e = find_free(ha, hash);
	if (e->he_obj == NULL)
		ha->ha_used++;
	put(e, hash, obj);
	kh->kh_count++;
	return 0;
}

/*
 * Slots that are gone and stand before a never-used one are on nobody's way:
 * they become never-used again.
 */
static void
prune(struct khash_array *ha, size_t pos)
{

	if (ha->ha_entry[(pos + 1) & ha->ha_mask].he_obj != NULL)
		return;
	while (ha->ha_entry[pos].he_obj == KHASH_GONE) {
		__atomic_store_n(&ha->ha_entry[pos].he_obj, NULL,
		    __ATOMIC_RELEASE);
		ha->ha_used--;
		pos = (pos - 1) & ha->ha_mask;
	}
}

void
khash_remove(struct khash *kh, uint32_t hash, const void *obj)
{
	struct khash_array *ha = kh->kh_array;
	size_t pos;

	KASSERT(ha != NULL);
	pos = hash & ha->ha_mask;
	while (ha->ha_entry[pos].he_obj != obj ||
	    ha->ha_entry[pos].he_hash != hash) {
		KASSERT(ha->ha_entry[pos].he_obj != NULL);
		pos = (pos + 1) & ha->ha_mask;
	}
	__atomic_store_n(&ha->ha_entry[pos].he_obj, KHASH_GONE,
	    __ATOMIC_RELEASE);
	kh->kh_count--;
	prune(ha, pos);
	/* Shrinking may fail; then it stays large. */
	if (ha->ha_mask + 1 > 4 * KHASH_MIN &&
	    kh->kh_count * 16 < ha->ha_mask + 1)
		(void)rebuild(kh);
}

void
khash_replace(struct khash *kh, uint32_t hash, const void *old, void *new)
{
	struct khash_array *ha = kh->kh_array;
	size_t pos;

	KASSERT(ha != NULL);
	pos = hash & ha->ha_mask;
	while (ha->ha_entry[pos].he_obj != old ||
	    ha->ha_entry[pos].he_hash != hash) {
		KASSERT(ha->ha_entry[pos].he_obj != NULL);
		pos = (pos + 1) & ha->ha_mask;
	}
	__atomic_store_n(&ha->ha_entry[pos].he_obj, new, __ATOMIC_RELEASE);
}
