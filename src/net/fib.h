/*
 * fib: the forwarding table, from a prefix to a number of 32 bits.
 *
 * An address is looked up 16 bits, a stride, at a time.  Its first stride is
 * the index of a slot of a root of 65,536, which holds the value of the longest
 * prefix up to /16 that covers the address and, where longer prefixes are,
 * names a node for the next stride.  A node is 1 to 32 cache lines, which share
 * its addresses evenly; a line is up to 16 runs of addresses with one value
 * each, sorted by their last address (DXR, CCR 2012, searches such ranges; here
 * one line holds all that a search needs, and five instructions search it).  A
 * line that has too many runs even so names a node below instead.  So nearly
 * every IPv4 address costs a slot and a line, whatever the table holds; a
 * vector of them has the misses in flight together.
 *
 * IPv6 goes on from there: a run of one address may name a node for the stride
 * after it.  A prefix of the Internet's table (/29 to /48) costs a slot and one
 * or two lines, a /64 three, a host seven.
 *
 * Coverage is lazy, as nothing is pushed from one level into the next: a run
 * without a prefix of this level has the value 0, and the value of the level
 * above holds.  So a change writes at most the slots that a prefix covers
 * (32,768 for a /1), or one node.
 *
 * IPv4's values below 65,535 take 16 bits in a line; a node that has, or had, a
 * larger one has "wide" lines of up to 8 runs.  IPv6's lines have up to 6 runs,
 * of a value and a name each.
 *
 * Writers are serialised by the caller's lock, readers are in a read section.
 * A value is changed in place by one store; all else by a copy of the node,
 * which one store puts in the other's place.  So a reader sees the value before
 * or after a change, for each address by itself.
 */

#ifndef NET_FIB_H
#define NET_FIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ifnet/kern.h>

#include "kern/machine.h"
#include "proto/prefix.h"

/* --- lines of memory (fib_mem.c) ----------------------------------------- */

#define FIB_RUNS	16
#define FIB_WIDE_RUNS	8
#define FIB_SLOTS	6

/*
 * Runs follow each other without a gap.  The last addresses are in ascending
 * order, 0xffff for the last run and for unused ones, and never change while
 * readers can find the line.
 */
struct fib_line {
	union {
		struct {
			uint16_t fl_last[FIB_RUNS];	/* 16 bits of an
							 * address */
			union {
				uint16_t fl_narrow[FIB_RUNS];	/* atomic */
				uint32_t fl_wide[FIB_WIDE_RUNS]; /* atomic */
			};
		};
		struct {
			uint16_t fl_last6[8];		/* of fl_slot */
			uint64_t fl_slot[FIB_SLOTS];	/* atomic: IPv6's, as
							 * f_root */
		};
	};
} __attribute__((__aligned__(64)));

_Static_assert(sizeof(struct fib_line) == 64, "a line of memory");

/* fl_wide[] of a line that names a node: FIB_BELOW, the node, the value where
 * that has none. */
#define FIB_BELOW	UINT32_MAX
#define FIB_BELOW_NARROW 0xffffu
#define FIB_REF		1
#define FIB_COVER	2

/* Lines are numbered; 32,768 numbers are a chunk, of which there may be
 * FIB_CHUNKS: 2 GiB of lines in a table. */
#define FIB_CHUNK_SHIFT	15
#define FIB_CHUNKS	1024u
#define FIB_FEW_CHUNKS	3u
#define FIB_LINE_MASK	((1u << 26) - 1)
#define FIB_NO_LINE	FIB_LINE_MASK

/* Blocks that were retired; fl_first is FIB_NO_LINE when there are none. */
struct fib_list {
	uint32_t	 fl_first, fl_end;	/* the first lines of blocks */
	uint32_t	 fl_lines;
};

/*
 * The lines of a table: blocks of 1 to 32,768, powers of two, aligned to their
 * size.  A freed block is joined to its free neighbour; an empty chunk is given
 * back, but for one.
 *	fm_chunk	rcu; all else is the writer's
 *	fm_passed	atomic: readers of the blocks in fm_grace have left
 */
struct fib_mem {
	struct fib_line	**fm_chunk;	/* fm_few, or fm_all */
	struct fib_line	*fm_few[FIB_FEW_CHUNKS]; /* of a small table */
	struct fib_line	**fm_all;	/* FIB_CHUNKS */
	uint32_t	 fm_nchunks;	/* room in fm_chunk */
	struct kern	*fm_kern;	/* constant */
	uint32_t	 fm_free[FIB_CHUNK_SHIFT + 1]; /* first, by order */
	uint32_t	 fm_empty;	/* chunk without a used line, or
					 * FIB_CHUNKS */
	uint32_t	 fm_used;	/* lines, those of the lists included */
	struct fib_list	 fm_retired;	/* for the next grace period */
	struct fib_list	 fm_grace;	/* in the present one */
	struct fib_list	 fm_left;	/* without readers, to be freed */
	bool		 fm_deferred;	/* fm_defer is out */
	uint32_t	 fm_passed;
	struct kern_defer fm_defer;
};

/* Control: `chunk' has room for FIB_CHUNKS zeroed pointers. */
void	fib_mem_init(struct kern *, struct fib_mem *, struct fib_line **chunk);
/* Control, no read section: every block was freed or retired. */
void	fib_mem_fini(struct fib_mem *);
/* Writer: the number of the first of 2^order lines, their contents undefined;
 * FIB_NO_LINE: no memory. */
uint32_t fib_mem_alloc(struct fib_mem *, unsigned order);
/* Writer: free lines that no reader has ever found. */
void	fib_mem_free(struct fib_mem *, uint32_t line, unsigned order);
/*
 * Writer, no read section: free lines that no reader can find any more, once
 * those that have found them have left.  Waits for readers itself when very
 * many lines wait already.
 */
void	fib_mem_retire(struct fib_mem *, uint32_t line, unsigned order);
/* Writer: 64 bits about a line in use, for the writer. */
uint64_t *fib_mem_meta(const struct fib_mem *, uint32_t line);
/* Writer: bytes of all chunks. */
size_t	fib_mem_bytes(const struct fib_mem *);
/* Writer: lines in use, those that were retired left out. */
static inline uint32_t
fib_mem_lines(const struct fib_mem *fm)
{

	return fm->fm_used - fm->fm_retired.fl_lines - fm->fm_grace.fl_lines -
	    fm->fm_left.fl_lines;
}

static inline struct fib_line *
fib_chunk_line(struct fib_line *const *chunk, uint32_t line)
{

	return __atomic_load_n(&chunk[line >> FIB_CHUNK_SHIFT],
	    __ATOMIC_RELAXED) + (line & ((1u << FIB_CHUNK_SHIFT) - 1));
}

static inline struct fib_line *
fib_line(const struct fib_mem *fm, uint32_t line)
{

	return fib_chunk_line(__atomic_load_n(&fm->fm_chunk, __ATOMIC_CONSUME),
	    line);
}

/* --- the table (fib.c) ---------------------------------------------------- */

/*
 * A node is named by what finds an address's line: the number of its first line
 * less the lines that an address's 16 bits count too many (26 bits), how many
 * bits of an address one line serves (5 bits), and a bit: of IPv4's, whether it
 * is wide; of IPv6's, whether it is for the same 16 bits as the line that names
 * it.  A name is never 0.
 */
struct fib {
	uint64_t	*f_root;	/* 65,536 slots: the value in the lower
					 * half, in the upper half the node;
					 * rcu */
	uint32_t	 f_default;	/* value of the /0; atomic */
	uint32_t	 f_nodes;	/* writer's; atomic */
	struct fib_mem	 f_mem;
	uint8_t		*f_len;		/* prefix lengths of the slots' values;
					 * writer's */
	bool		 f_is_ip6;	/* constant */
};

/* Control.  ENOMEM. */
int	fib_init(struct kern *, struct fib *, bool is_ip6);
/* Control, no read section: empty it first. */
void	fib_fini(struct fib *);
/*
 * Writer (control, no read section): a prefix has this value from now on, 1 to
 * 2^32 - 2, whether it had one before or not.  ENOMEM: nothing is changed.
 * With a prefix that was there ENOMEM comes only when its value is 65,535 or
 * more for the first time, and of IPv4.
 */
int	fib_add(struct fib *, const struct prefix *, uint32_t value);
/*
 * Writer (control, no read section): see to it that any value can be given to
 * the prefix, which is there, without memory.  ENOMEM.
 */
int	fib_widen(struct fib *, const struct prefix *);
/*
 * Writer (control, no read section): the prefix, which is there, goes.
 * `cover' is the value of the longest other prefix that contains it, and
 * cover_len its length; 0, 0: there is none.  The table does not know it: a
 * prefix of which longer ones cover every address has no run.  Never fails.
 */
void	fib_remove(struct fib *, const struct prefix *, uint32_t cover,
	    unsigned cover_len);
/* Writer: bytes of the nodes, without the root (up to 592 KiB). */
static inline size_t
fib_bytes(const struct fib *f)
{

	return fib_mem_bytes(&f->f_mem);
}

/* The line of a node that an address's 16 bits are in; higher bits are left
 * out. */
static inline uint32_t
fib_line_number(uint32_t ref, uint32_t key)
{

	return ((ref >> 6) + ((key & 0xffff) >> (ref >> 1 & 31))) &
	    FIB_LINE_MASK;
}

/* --- IPv4 ----------------------------------------------------------------- */

/* From a node's line for a key on: the value, or `cover' when it has none. */
static inline uint32_t
fib4_search(struct fib_line *const *chunk, uint32_t ref,
    const struct fib_line *fl, uint32_t key, uint32_t cover)
{
	uint32_t v;
	unsigned i;

	for (;;) {
		i = machine_first(fl->fl_last, (uint16_t)key);
		if (__builtin_expect(ref & 1, 0)) {
			v = __atomic_load_n(&fl->fl_wide[i], __ATOMIC_RELAXED);
			if (v != FIB_BELOW)
				break;
		} else {
			v = __atomic_load_n(&fl->fl_narrow[i],
			    __ATOMIC_RELAXED);
			if (__builtin_expect(v != FIB_BELOW_NARROW, 1))
				break;
		}
		v = __atomic_load_n(&fl->fl_wide[FIB_COVER], __ATOMIC_RELAXED);
		cover = v != 0 ? v : cover;
		ref = __atomic_load_n(&fl->fl_wide[FIB_REF], __ATOMIC_CONSUME);
		fl = fib_chunk_line(chunk, fib_line_number(ref, key));
	}
	return v != 0 ? v : cover;
}

/* Read section: the value of the longest prefix that contains a key (host
 * order); 0: none does. */
static inline uint32_t
fib4_lookup(const struct fib *f, uint32_t key)
{
	uint64_t slot = __atomic_load_n(&f->f_root[key >> 16],
	    __ATOMIC_CONSUME);
	uint32_t ref = (uint32_t)(slot >> 32), v = (uint32_t)slot;

	if (ref != 0)
		v = fib4_search(__atomic_load_n(&f->f_mem.fm_chunk,
		    __ATOMIC_CONSUME), ref, fib_line(&f->f_mem,
		    fib_line_number(ref, key)), key, v);
	return v != 0 ? v : __atomic_load_n(&f->f_default, __ATOMIC_RELAXED);
}

/* Keys whose lines are on their way at a time; nodes that the nearest cache has
 * room for, so that nothing is won by it. */
#define FIB_AHEAD	16u
#define FIB_SHALLOW	64u

/* A lookup that has begun: its node's line, and the node, or 0. */
struct fib4_way {
	const struct fib_line *fw_line;
	uint32_t	 fw_ref;
};

/* Look at a key's slot; *cover is the value there. */
static inline struct fib4_way
fib4_begin(const uint64_t *root, struct fib_line *const *chunk, uint32_t key,
    uint32_t *cover)
{
	uint64_t slot = __atomic_load_n(&root[key >> 16], __ATOMIC_CONSUME);
	struct fib4_way fw = { NULL, (uint32_t)(slot >> 32) };

	*cover = (uint32_t)slot;
	if (fw.fw_ref != 0) {
		fw.fw_line = fib_chunk_line(chunk,
		    fib_line_number(fw.fw_ref, key));
		__builtin_prefetch(fw.fw_line);
	}
	return fw;
}

/* The value: of the node, of the slot, or `none'. */
static inline uint32_t
fib4_finish(struct fib_line *const *chunk, const struct fib4_way *fw,
    uint32_t key, uint32_t cover, uint32_t none)
{

	if (fw->fw_ref != 0)
		cover = fib4_search(chunk, fw->fw_ref, fw->fw_line, key,
		    cover);
	return cover != 0 ? cover : none;
}

/*
 * Read section: look n keys up; the values, or 0, to value[].  In a large table
 * a key's slot is asked for 32 keys before, and its line 16 keys before they
 * are read, so that many misses are waited for at once.
 */
static inline void
fib4_lookup_many(const struct fib *f, const uint32_t *key, uint32_t *value,
    unsigned n)
{
	const uint32_t none = __atomic_load_n(&f->f_default,
	    __ATOMIC_RELAXED);
	const unsigned ahead = n < FIB_AHEAD ? n : FIB_AHEAD;
	struct fib_line *const *chunk = __atomic_load_n(&f->f_mem.fm_chunk,
	    __ATOMIC_CONSUME);
	const uint64_t *root = f->f_root;
	struct fib4_way way[FIB_AHEAD];
	unsigned i, j;

	if (__atomic_load_n(&f->f_nodes, __ATOMIC_RELAXED) <= FIB_SHALLOW) {
		for (i = 0; i < n; i++)
			value[i] = fib4_lookup(f, key[i]);
		return;
	}
	for (i = 0; i < n && i < 2 * FIB_AHEAD; i++)
		__builtin_prefetch(&root[key[i] >> 16]);
	for (i = 0; i < ahead; i++)
		way[i] = fib4_begin(root, chunk, key[i], &value[i]);
	for (; i < n; i++) {
		j = i - FIB_AHEAD;
		value[j] = fib4_finish(chunk, &way[j % FIB_AHEAD], key[j],
		    value[j], none);
		way[j % FIB_AHEAD] = fib4_begin(root, chunk, key[i],
		    &value[i]);
		if (i + FIB_AHEAD < n)
			__builtin_prefetch(&root[key[i + FIB_AHEAD] >> 16]);
	}
	for (j = n - ahead; j < n; j++)
		value[j] = fib4_finish(chunk, &way[j % FIB_AHEAD], key[j],
		    value[j], none);
}

/* --- IPv6 ----------------------------------------------------------------- */

/* The 16 bits of an address (network order) in a stride. */
static inline uint32_t
fib6_key(const uint8_t *addr, unsigned stride)
{

	return (uint32_t)addr[2 * stride] << 8 | addr[2 * stride + 1];
}

/* The line of a slot's node for an address.  *stride: of the slot; then of the
 * line.  Without a node it is any address, or NULL. */
static inline const struct fib_line *
fib6_line(struct fib_line *const *chunk, uint64_t slot, const uint8_t *addr,
    unsigned *stride)
{
	uint32_t ref = (uint32_t)(slot >> 32);

	*stride = (*stride + (~ref & 1)) % 8;
	return fib_chunk_line(chunk, ref == 0 ? 0 : fib_line_number(ref,
	    fib6_key(addr, *stride)));
}

/* The slot of a line for an address. */
static inline uint64_t
fib6_slot(const struct fib_line *fl, const uint8_t *addr, unsigned stride)
{

	return __atomic_load_n(&fl->fl_slot[machine_first8(fl->fl_last6,
	    (uint16_t)fib6_key(addr, stride))], __ATOMIC_CONSUME);
}

/* Read section: the value of the longest prefix that contains an address (16
 * bytes, network order); 0: none does. */
static inline uint32_t
fib6_lookup(const struct fib *f, const uint8_t *addr)
{
	struct fib_line *const *chunk = __atomic_load_n(&f->f_mem.fm_chunk,
	    __ATOMIC_CONSUME);
	uint64_t slot = __atomic_load_n(&f->f_root[fib6_key(addr, 0)],
	    __ATOMIC_CONSUME);
	uint32_t v = __atomic_load_n(&f->f_default, __ATOMIC_RELAXED);
	const struct fib_line *fl;
	unsigned stride = 0;

	for (;;) {
		v = (uint32_t)slot != 0 ? (uint32_t)slot : v;
		if (slot >> 32 == 0)
			return v;
		fl = fib6_line(chunk, slot, addr, &stride);
		slot = fib6_slot(fl, addr, stride);
	}
}

/* Addresses that are looked up at a time: the lines of all of them are on their
 * way together. */
#define FIB6_AHEAD	16u

/* A lookup on its way. */
struct fib6_way {
	const struct fib_line *fw_line;
	const uint8_t	*fw_addr;
	unsigned	 fw_stride;
	unsigned	 fw_which;	/* of the values */
};

/*
 * A lookup has come to a slot: take its value, and go on to way[going] if it
 * has a node; how many are on their way then.  Both are as often so as not, so
 * nothing is guessed: without a node the line is any, and not counted.
 */
static inline unsigned
fib6_step(struct fib_line *const *chunk, struct fib6_way w, uint64_t slot,
    uint32_t *value, struct fib6_way *way, unsigned going)
{
	uint32_t v = (uint32_t)slot;

	value[w.fw_which] = v != 0 ? v : value[w.fw_which];
	w.fw_line = fib6_line(chunk, slot, w.fw_addr, &w.fw_stride);
	__builtin_prefetch(w.fw_line);
	way[going] = w;
	return going + (slot >> 32 != 0);
}

/* fib6_lookup_many() for up to FIB6_AHEAD. */
static inline void
fib6_lookup_some(const struct fib *f, const uint8_t (*addr)[16],
    uint32_t *value, unsigned n)
{
	struct fib_line *const *chunk = __atomic_load_n(&f->f_mem.fm_chunk,
	    __ATOMIC_CONSUME);
	const uint32_t none = __atomic_load_n(&f->f_default,
	    __ATOMIC_RELAXED);
	struct fib6_way way[FIB6_AHEAD];
	unsigned going = 0, stay;

	for (unsigned i = 0; i < n; i++) {
		value[i] = none;
		going = fib6_step(chunk, (struct fib6_way){ .fw_addr = addr[i],
		    .fw_which = i }, __atomic_load_n(
		    &f->f_root[fib6_key(addr[i], 0)], __ATOMIC_CONSUME), value,
		    way, going);
	}
	for (; going > 0; going = stay) {
		stay = 0;
		for (unsigned i = 0; i < going; i++)
			stay = fib6_step(chunk, way[i], fib6_slot(
			    way[i].fw_line, way[i].fw_addr, way[i].fw_stride),
			    value, way, stay);
	}
}

/* Read section: look n addresses up; the values, or 0, to value[]. */
static inline void
fib6_lookup_many(const struct fib *f, const uint8_t (*addr)[16],
    uint32_t *value, unsigned n)
{

	for (unsigned i = 0; i < n; i += FIB6_AHEAD)
		fib6_lookup_some(f, addr + i, value + i,
		    n - i < FIB6_AHEAD ? n - i : FIB6_AHEAD);
}

#endif /* !NET_FIB_H */
