/*
 * The entries of a table in the order of their prefixes, from any place on:
 * for whoever goes through all of them with pauses in which the table
 * changes.
 */

#include "net/lpm.h"

#include "kern/kern_impl.h"

#define PLACE_SHIFT	6	/* a place is the key, the length below it */

static inline bool
begins_at(uintptr_t slot, uint64_t key)
{

	return slot != 0 &&
	    ((const struct lpm_entry *)slot)->le_key == key;
}

/*
 * The least key, not below this one, with which a prefix may begin; past the
 * last key when there is none.  A leaf names the longest prefix over its
 * slots; when a shorter one begins where it does, so does the longest.
 */
static uint64_t
next_key(const struct lpm *l, uint64_t key)
{
	uintptr_t s;

	while (key <= UINT32_MAX) {
		s = l->lpm_root[key >> 16];
		if (!(s & LPM_NODE)) {
			if (begins_at(s, key))
				break;
			key = (key | 0xffff) + 1;
			continue;
		}
		if ((key & 0xffff) == 0)
			break;
		s = ((const uintptr_t *)(s - LPM_NODE))[key >> 8 & 0xff];
		if (!(s & LPM_NODE)) {
			if (begins_at(s, key))
				break;
			key = (key | 0xff) + 1;
			continue;
		}
		if ((key & 0xff) == 0)
			break;
		s = ((const uintptr_t *)(s - LPM_NODE))[key & 0xff];
		if (begins_at(s, key))
			break;
		key++;
	}
	return key;
}

/* The shortest one with this key, of this length or more. */
static struct lpm_entry *
shortest(const struct lpm *l, uint32_t key, unsigned len)
{
	struct lpm_entry *le;

	for (; len <= 32; len++) {
		if (l->lpm_count[len] == 0)
			continue;
		le = lpm_find(l, key, len);
		if (le != NULL)
			return le;
	}
	return NULL;
}

struct lpm_entry *
lpm_from(const struct lpm *l, uint64_t *place)
{
	uint64_t key = *place >> PLACE_SHIFT;
	unsigned len = *place & ((1u << PLACE_SHIFT) - 1);
	struct lpm_entry *le = NULL;

	while (key <= UINT32_MAX) {
		le = shortest(l, (uint32_t)key, len);
		if (le != NULL)
			break;
		key = next_key(l, key + 1);
		len = 0;
	}
	*place = key << PLACE_SHIFT;
	if (le != NULL)
		*place += le->le_len + 1u;
	return le;
}
