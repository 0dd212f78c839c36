/*
 * Memory for small objects, of types that may have a million of them:
 * interfaces and their addresses.
 *
 * An object costs its size rounded up to 8 bytes and nothing more.  Objects of
 * one size stand in chunks of 64 KiB, aligned to that, whose first line
 * describes the free space in them.  The first few chunks are mapped one by
 * one, so that a small stack stays small; from then on they come from regions
 * of 2 MiB, which the machine can map as one large page: a lookup among a
 * million then does not miss the translation buffer as well.
 *
 * A host without such regions (the simulated one, and any under a sanitizer) is
 * asked for each object: every object is an allocation of its own, so that each
 * can fail and each use after free is seen.
 */

#include "kern/kern_private.h"

#include <errno.h>
#include <string.h>

#define CHUNK_BYTES	((size_t)64 * 1024)
#define REGION_CHUNKS	32
#define SINGLE_CHUNKS	16	/* regions of one chunk before larger ones */
#define LARGE_PAGE	((size_t)2 * 1024 * 1024)
#define TABLE_LARGE	((size_t)1024 * 1024)
#define UNIT		8
#define CLASSES		128	/* sizes up to 1024 bytes */
#define CHUNK_HEAD	64

/*
 * A region of chunks.
 *	re_free		k_slab's lock: a bit for each chunk not in use
 */
struct region {
	LIST_ENTRY(region) re_link;
	char		*re_base;
	size_t		 re_bytes;
	uint32_t	 re_free, re_all;
};

/* The head of a chunk; protected by the class's lock. */
struct chunk {
	LIST_ENTRY(chunk) ch_link;	/* while it has free objects */
	struct region	*ch_region;	/* constant */
	void		*ch_freed;	/* objects given back, linked by their
					 * first word */
	uint32_t	 ch_used;
	uint32_t	 ch_fresh;	/* offset of the unused rest */
	uint32_t	 ch_listed;
};

_Static_assert(sizeof(struct chunk) <= CHUNK_HEAD, "a chunk's head");

struct class {
	struct kspin	 cl_lock;
	uint32_t	 cl_nempty;	/* chunks on the list with no object */
	LIST_HEAD(, chunk) cl_chunks;	/* with something free */
};

struct kslab {
	struct host_mutex sl_lock;
	LIST_HEAD(, region) sl_regions;	/* sl_lock; those with a free chunk */
	unsigned	 sl_nregions;	/* sl_lock */
	struct class	 sl_class[CLASSES];
};

static inline unsigned
class_of(size_t size)
{

	return (unsigned)((size + UNIT - 1) / UNIT) - 1;
}

static inline size_t
class_bytes(const struct kslab *sl, const struct class *cl)
{

	return (size_t)(cl - sl->sl_class + 1) * UNIT;
}

/* --- chunks -------------------------------------------------------------- */

/* sl_lock. */
static struct region *
region_make(struct kern *k)
{
	bool single = k->k_slab->sl_nregions < SINGLE_CHUNKS;
	struct region *re;

	re = kmem_zalloc(k, sizeof(*re));
	if (re == NULL)
		return NULL;
	re->re_bytes = single ? CHUNK_BYTES : REGION_CHUNKS * CHUNK_BYTES;
	re->re_all = re->re_free = single ? 1 : UINT32_MAX;
	re->re_base = host_map_whole(k->k_host, re->re_bytes,
	    re->re_bytes);
	if (re->re_base == NULL) {
		kmem_free(k, re);
		return NULL;
	}
	k->k_slab->sl_nregions++;
	LIST_INSERT_HEAD(&k->k_slab->sl_regions, re, re_link);
	return re;
}

static struct chunk *
chunk_make(struct kern *k)
{
	struct kslab *sl = k->k_slab;
	struct chunk *ch = NULL;
	struct region *re;
	unsigned n;

	host_mutex_lock(k->k_host, &sl->sl_lock);
	re = LIST_FIRST(&sl->sl_regions);
	if (re == NULL)
		re = region_make(k);
	if (re != NULL) {
		n = (unsigned)__builtin_ctz(re->re_free);
		re->re_free &= re->re_free - 1;
		if (re->re_free == 0)
			LIST_REMOVE(re, re_link);
		ch = (struct chunk *)(void *)(re->re_base + n * CHUNK_BYTES);
		memset(ch, 0, sizeof(*ch));
		ch->ch_region = re;
		ch->ch_fresh = CHUNK_HEAD;
	}
	host_mutex_unlock(k->k_host, &sl->sl_lock);
	return ch;
}

static void
chunk_free(struct kern *k, struct chunk *ch)
{
	struct kslab *sl = k->k_slab;
	struct region *re = ch->ch_region;
	size_t n = (size_t)((char *)ch - re->re_base) / CHUNK_BYTES;

	host_mutex_lock(k->k_host, &sl->sl_lock);
	if (re->re_free == 0)
		LIST_INSERT_HEAD(&sl->sl_regions, re, re_link);
	re->re_free |= 1u << n;
	if (re->re_free == re->re_all) {
		LIST_REMOVE(re, re_link);
		sl->sl_nregions--;
		host_unmap(k->k_host, re->re_base, re->re_bytes);
		kmem_free(k, re);
	}
	host_mutex_unlock(k->k_host, &sl->sl_lock);
}

/* --- objects ------------------------------------------------------------- */

/* cl_lock: take an object of a chunk that is on the list. */
static void *
take(struct class *cl, struct chunk *ch, size_t bytes)
{
	void *p = ch->ch_freed;

	if (p != NULL)
		memcpy(&ch->ch_freed, p, sizeof(ch->ch_freed));
	else {
		p = (char *)ch + ch->ch_fresh;
		ch->ch_fresh += (uint32_t)bytes;
	}
	if (ch->ch_used++ == 0)
		cl->cl_nempty--;
	if (ch->ch_freed == NULL && ch->ch_fresh + bytes > CHUNK_BYTES) {
		LIST_REMOVE(ch, ch_link);
		ch->ch_listed = 0;
	}
	return p;
}

static void
list_chunk(struct class *cl, struct chunk *ch)
{

	LIST_INSERT_HEAD(&cl->cl_chunks, ch, ch_link);
	ch->ch_listed = 1;
}

void *
kslab_alloc(struct kern *k, size_t size)
{
	struct kslab *sl = k->k_slab;
	struct chunk *ch, *new = NULL;
	struct class *cl;
	size_t bytes;
	void *p;

	KASSERT(size > 0 && size <= CLASSES * UNIT);
	if (sl == NULL)
		return host_alloc(k->k_host, size, 64);
	cl = &sl->sl_class[class_of(size)];
	bytes = class_bytes(sl, cl);
	kspin_lock(&cl->cl_lock);
	if (LIST_EMPTY(&cl->cl_chunks)) {
		kspin_unlock(&cl->cl_lock);
		new = chunk_make(k);
		if (new == NULL)
			return NULL;
		kspin_lock(&cl->cl_lock);
		list_chunk(cl, new);
		cl->cl_nempty++;
	}
	ch = LIST_FIRST(&cl->cl_chunks);
	p = take(cl, ch, bytes);
	kspin_unlock(&cl->cl_lock);
	memset(p, 0, bytes);
	return p;
}

void
kslab_free_soon(const void *p)
{

	__builtin_prefetch((const void *)((uintptr_t)p & ~(CHUNK_BYTES - 1)));
}

void
kslab_free(struct kern *k, void *p, size_t size)
{
	struct kslab *sl = k->k_slab;
	struct chunk *ch, *empty = NULL;
	struct class *cl;

	if (p == NULL)
		return;
	if (sl == NULL) {
		host_free(k->k_host, p);
		return;
	}
	cl = &sl->sl_class[class_of(size)];
	ch = (struct chunk *)((uintptr_t)p & ~(CHUNK_BYTES - 1));
	kspin_lock(&cl->cl_lock);
	memcpy(p, &ch->ch_freed, sizeof(ch->ch_freed));
	ch->ch_freed = p;
	if (!ch->ch_listed)
		list_chunk(cl, ch);
	if (--ch->ch_used == 0) {
		/* One empty chunk is kept, so that creating and destroying an
		 * object in turn does not map and unmap it each time. */
		if (cl->cl_nempty > 0) {
			LIST_REMOVE(ch, ch_link);
			empty = ch;
		} else
			cl->cl_nempty++;
	}
	kspin_unlock(&cl->cl_lock);
	if (empty != NULL)
		chunk_free(k, empty);
}

/* --- tables -------------------------------------------------------------- */

static bool
is_large(const struct kern *k, size_t bytes)
{

	return k->k_slab != NULL && bytes >= TABLE_LARGE;
}

void *
kern_table_alloc(struct kern *k, size_t bytes)
{

	return is_large(k, bytes) ? host_map_whole(k->k_host, bytes,
	    LARGE_PAGE) : host_alloc(k->k_host, bytes, 64);
}

void
kern_table_free(struct kern *k, void *p, size_t bytes)
{

	if (p != NULL && is_large(k, bytes))
		host_unmap(k->k_host, p, bytes);
	else
		host_free(k->k_host, p);
}

/* --- start and end ------------------------------------------------------- */

int
kslab_create(struct kern *k)
{
	void *p;

	/* A trial mapping shows whether the host can map regions. */
	p = host_map_whole(k->k_host, CHUNK_BYTES, CHUNK_BYTES);
	if (p == NULL)
		return 0;
	host_unmap(k->k_host, p, CHUNK_BYTES);
	k->k_slab = kmem_zalloc(k, sizeof(*k->k_slab));
	if (k->k_slab == NULL)
		return ENOMEM;
	host_mutex_init(k->k_host, &k->k_slab->sl_lock);
	return 0;
}

void
kslab_destroy(struct kern *k)
{
	struct kslab *sl = k->k_slab;
	struct chunk *ch;

	if (sl == NULL)
		return;
	for (unsigned i = 0; i < CLASSES; i++) {
		while ((ch = LIST_FIRST(&sl->sl_class[i].cl_chunks)) != NULL) {
			LIST_REMOVE(ch, ch_link);
			KASSERT(ch->ch_used == 0);
			chunk_free(k, ch);
		}
	}
	KASSERT(sl->sl_nregions == 0);
	host_mutex_destroy(k->k_host, &sl->sl_lock);
	k->k_slab = NULL;
	kmem_free(k, sl);
}
