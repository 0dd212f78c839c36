/*
 * The writer's side of the forwarding table, stride by stride; fib.h says what
 * it looks like, and fib_stride.c has the nodes.
 */

#include "net/fib.h"

#include <errno.h>

#include "kern/kern_impl.h"
#include "net/fib_impl.h"

#define ROOT_SLOTS	65536u
#define ROOT_BYTES	(ROOT_SLOTS * sizeof(uint64_t))
#define CHUNK_BYTES	(FIB_CHUNKS * sizeof(struct fib_line *))
#define MAP_BYTES	(ROOT_BYTES + CHUNK_BYTES + ROOT_SLOTS)
#define STRIDES		(PREFIX_BITS6 / STRIDE)

/* The bits of a prefix in a stride; 0: the root's. */
static inline uint32_t
stride_key(const struct prefix *pf, unsigned stride)
{

	return (uint32_t)((stride < 4 ? pf->pf_hi : pf->pf_lo) >>
	    (48 - stride % 4 * 16)) & 0xffff;
}

/* The stride that a prefix ends in, and its length there. */
static inline unsigned
stride_of(const struct prefix *pf)
{

	return (pf->pf_len - 1) / STRIDE;
}

static inline unsigned
stride_len(unsigned len, unsigned stride)
{

	return len <= stride * STRIDE ? 0 : len - stride * STRIDE;
}

/* Slots of the root whose values are of prefixes of these lengths, and the
 * value and length that they have from now on. */
struct change {
	unsigned	 ch_least, ch_most;
	uint32_t	 ch_value;
	unsigned	 ch_len;
};

/* Change the slots that a prefix covers. */
static void
root_change(struct fib *f, const struct prefix *pf, const struct change *ch)
{
	uint32_t at = stride_key(pf, 0);
	uint32_t end = at + (1u << (STRIDE - pf->pf_len));

	for (; at < end; at++) {
		if (f->f_len[at] < ch->ch_least || f->f_len[at] > ch->ch_most)
			continue;
		f->f_len[at] = (uint8_t)ch->ch_len;
		__atomic_store_n(&f->f_root[at], ch->ch_value |
		    f->f_root[at] >> 32 << 32, __ATOMIC_RELEASE);
	}
}

/*
 * Strides from `from' on, which nothing hangs below yet, for a prefix beyond
 * it: they are made from the last one upwards, and hang in the end.
 */
static int
add_strides(struct fib *f, uint64_t *slot, const struct prefix *pf,
    unsigned from, uint32_t value)
{
	unsigned last = stride_of(pf);
	uint32_t ref[STRIDES];
	int error = 0;
	unsigned i;

	for (i = last; i > from && error == 0; i--)
		error = fib_stride_make(f, stride_key(pf, i),
		    stride_len(pf->pf_len, i), value,
		    i == last ? 0 : ref[i + 1], &ref[i]);
	if (error != 0)
		i++;	/* that one was not made */
	else
		error = fib_stride_hang(f, slot, stride_key(pf, from),
		    ref[from + 1]);
	if (error != 0)
		while (++i <= last)
			fib_stride_unmake(f, ref[i]);
	return error;
}

/* The slot of the stride that a prefix ends in, or of the last one that there
 * is on the way; *stride is which. */
static uint64_t *
find_slot(const struct fib *f, const struct prefix *pf, unsigned *stride)
{
	uint64_t *slot = &f->f_root[stride_key(pf, 0)], *next;

	for (*stride = 1; *stride < stride_of(pf); ++*stride) {
		next = fib_stride_next(f, slot, stride_key(pf, *stride));
		if (next == NULL)
			break;
		slot = next;
	}
	return slot;
}

int
fib_add(struct fib *f, const struct prefix *pf, uint32_t value)
{
	struct change ch = { 0, pf->pf_len, value, pf->pf_len };
	unsigned stride;
	uint64_t *slot;

	KASSERT(value != 0 && value != FIB_BELOW);
	KASSERT(pf->pf_len <= (f->f_is_ip6 ? PREFIX_BITS6 : PREFIX_BITS4));
	if (pf->pf_len == 0) {
		__atomic_store_n(&f->f_default, value, __ATOMIC_RELEASE);
		return 0;
	}
	if (pf->pf_len <= STRIDE) {
		root_change(f, pf, &ch);
		return 0;
	}
	slot = find_slot(f, pf, &stride);
	if (stride < stride_of(pf))
		return add_strides(f, slot, pf, stride, value);
	return fib_stride_add(f, slot, stride_key(pf, stride),
	    stride_len(pf->pf_len, stride), value);
}

int
fib_widen(struct fib *f, const struct prefix *pf)
{
	unsigned stride;
	uint64_t *slot;

	/* Slots have room for any. */
	if (pf->pf_len <= STRIDE || f->f_is_ip6)
		return 0;
	slot = find_slot(f, pf, &stride);
	return fib_stride_widen(f, slot, stride_key(pf, stride),
	    stride_len(pf->pf_len, stride));
}

/* A prefix beyond the root goes, and with it the strides that were there for it
 * alone. */
static void
remove_below(struct fib *f, const struct prefix *pf, uint32_t cover,
    unsigned cover_len)
{
	uint64_t *slot[STRIDES] = { NULL, &f->f_root[stride_key(pf, 0)] };
	unsigned at = 1;

	for (; at < stride_of(pf); at++) {
		slot[at + 1] = fib_stride_next(f, slot[at],
		    stride_key(pf, at));
		KASSERT(slot[at + 1] != NULL);
	}
	cover_len = stride_len(cover_len, at);
	if (!fib_stride_remove(f, slot[at], stride_key(pf, at),
	    stride_len(pf->pf_len, at), cover_len != 0 ? cover : 0, cover_len))
		return;
	while (--at > 0 && fib_stride_tidy(f, slot[at], stride_key(pf, at)))
		continue;
}

void
fib_remove(struct fib *f, const struct prefix *pf, uint32_t cover,
    unsigned cover_len)
{
	struct change ch = { pf->pf_len, pf->pf_len, cover_len != 0 ? cover : 0,
	    cover_len };

	KASSERT(cover != 0 ? cover_len < pf->pf_len : cover_len == 0);
	if (pf->pf_len > STRIDE)
		remove_below(f, pf, cover, cover_len);
	else if (pf->pf_len > 0)
		root_change(f, pf, &ch);
	else
		__atomic_store_n(&f->f_default, 0, __ATOMIC_RELEASE);
}

int
fib_init(struct kern *k, struct fib *f, bool is_ip6)
{
	char *map = host_map(k->k_host, MAP_BYTES);

	if (map == NULL)
		return ENOMEM;
	f->f_root = (uint64_t *)(void *)map;
	f->f_default = 0;
	f->f_nodes = 0;
	f->f_is_ip6 = is_ip6;
	f->f_len = (uint8_t *)map + ROOT_BYTES + CHUNK_BYTES;
	fib_mem_init(k, &f->f_mem,
	    (struct fib_line **)(void *)(map + ROOT_BYTES));
	return 0;
}

void
fib_fini(struct fib *f)
{
	struct host *h = f->f_mem.fm_kern->k_host;

	KASSERT(f->f_nodes == 0);
	fib_mem_fini(&f->f_mem);
	host_unmap(h, f->f_root, MAP_BYTES);
	f->f_root = NULL;
}
