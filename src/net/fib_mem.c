/*
 * The lines of a forwarding table: chunks, and in them blocks of lines after
 * the buddy system.
 *
 * A block is known by the number of its first line.  Chunks have fixed places
 * in the numbering; the first ones are small, so that a small table is.  Behind
 * the lines of a chunk stand 64 bits for each line (a free or retired block
 * keeps its links there, a used line what the writer keeps), then a bit for
 * each line that says whether a free block begins with it.
 */

#include "net/fib.h"

#include <limits.h>

#include "kern/kern_impl.h"

#define ORDERS		(FIB_CHUNK_SHIFT + 1)
#define CHUNK_LINES	(1u << FIB_CHUNK_SHIFT)
#define LINE_BITS	26

/* Lines that may wait for readers: 1 MiB, or an eighth of the table. */
#define WAITING_MAX	16384u

/* Lines for which a grace period is begun: a part of the table, up to 128 KiB.
 * Each one interrupts the machine's other CPUs. */
#define GRACE_PART	32u
#define GRACE_MOST	2048u

/* Blocks freed at a time. */
#define RELEASE_MOST	8

/* Orders of the first chunks; all others have CHUNK_LINES. */
static const uint8_t first_chunks[] = { 5, 8, 11, 13 };

static inline unsigned
chunk_order(uint32_t c)
{

	return c < sizeof(first_chunks) ? first_chunks[c] : FIB_CHUNK_SHIFT;
}

static inline size_t
chunk_bytes(uint32_t c)
{
	size_t lines = (size_t)1 << chunk_order(c);

	return lines * (sizeof(struct fib_line) + sizeof(uint64_t)) +
	    (lines + 7) / 8;
}

uint64_t *
fib_mem_meta(const struct fib_mem *fm, uint32_t line)
{
	uint32_t c = line >> FIB_CHUNK_SHIFT;

	return (uint64_t *)(void *)(fm->fm_chunk[c] +
	    ((size_t)1 << chunk_order(c))) + line % CHUNK_LINES;
}

/* The byte and the bit that say whether a free block begins with a line. */
static inline uint8_t *
free_byte(const struct fib_mem *fm, uint32_t line)
{
	uint32_t c = line >> FIB_CHUNK_SHIFT;

	return (uint8_t *)(fib_mem_meta(fm, c << FIB_CHUNK_SHIFT) +
	    ((size_t)1 << chunk_order(c))) + line % CHUNK_LINES / 8;
}

static inline uint8_t
free_bit(uint32_t line)
{

	return (uint8_t)(1u << line % 8);
}

/* Links of a block: the next one, the one before, its order. */
static inline uint64_t
links(uint32_t next, uint32_t prev, unsigned order)
{

	return next | (uint64_t)prev << LINE_BITS |
	    (uint64_t)order << (2 * LINE_BITS);
}

static inline uint32_t
link_next(uint64_t m)
{

	return (uint32_t)m & FIB_LINE_MASK;
}

static inline uint32_t
link_prev(uint64_t m)
{

	return (uint32_t)(m >> LINE_BITS) & FIB_LINE_MASK;
}

static inline unsigned
link_order(uint64_t m)
{

	return (unsigned)(m >> (2 * LINE_BITS));
}

static void
free_insert(struct fib_mem *fm, uint32_t line, unsigned order)
{
	uint32_t next = fm->fm_free[order];
	uint64_t *m;

	*fib_mem_meta(fm, line) = links(next, FIB_NO_LINE, order);
	if (next != FIB_NO_LINE) {
		m = fib_mem_meta(fm, next);
		*m = links(link_next(*m), line, order);
	}
	fm->fm_free[order] = line;
	*free_byte(fm, line) |= free_bit(line);
}

static void
free_remove(struct fib_mem *fm, uint32_t line)
{
	uint64_t own = *fib_mem_meta(fm, line), *m;
	uint32_t next = link_next(own), prev = link_prev(own);
	unsigned order = link_order(own);

	if (next != FIB_NO_LINE) {
		m = fib_mem_meta(fm, next);
		*m = links(link_next(*m), prev, order);
	}
	if (prev != FIB_NO_LINE) {
		m = fib_mem_meta(fm, prev);
		*m = links(next, link_prev(*m), order);
	} else
		fm->fm_free[order] = next;
	*free_byte(fm, line) &= (uint8_t)~free_bit(line);
}

static bool
is_free(const struct fib_mem *fm, uint32_t line, unsigned order)
{

	return (*free_byte(fm, line) & free_bit(line)) != 0 &&
	    link_order(*fib_mem_meta(fm, line)) == order;
}

/* Room for the names of all chunks, instead of few.  A reader that has the few
 * finds no line of others. */
static void
chunks_all(struct fib_mem *fm)
{

	for (uint32_t c = 0; c < FIB_FEW_CHUNKS; c++)
		__atomic_store_n(&fm->fm_all[c], fm->fm_few[c],
		    __ATOMIC_RELAXED);
	__atomic_store_n(&fm->fm_chunk, fm->fm_all, __ATOMIC_RELEASE);
	fm->fm_nchunks = FIB_CHUNKS;
	pserialize_perform(fm->fm_kern);
}

/* Make the chunk with the lowest free number.  false: no memory. */
static bool
chunk_make(struct fib_mem *fm)
{
	struct fib_line *fl;
	uint32_t c = 0;

	while (c < fm->fm_nchunks && fm->fm_chunk[c] != NULL)
		c++;
	if (c == FIB_CHUNKS)
		return false;
	if (c == fm->fm_nchunks)
		chunks_all(fm);
	fl = kern_table_alloc(fm->fm_kern, chunk_bytes(c));
	if (fl == NULL)
		return false;
	__atomic_store_n(&fm->fm_chunk[c], fl, __ATOMIC_RELAXED);
	free_insert(fm, c << FIB_CHUNK_SHIFT, chunk_order(c));
	fm->fm_empty = c;
	return true;
}

/* A chunk without a used line goes; its only block is free. */
static void
chunk_free(struct fib_mem *fm, uint32_t c)
{

	free_remove(fm, c << FIB_CHUNK_SHIFT);
	kern_table_free(fm->fm_kern, fm->fm_chunk[c], chunk_bytes(c));
	__atomic_store_n(&fm->fm_chunk[c], NULL, __ATOMIC_RELAXED);
}

/* One empty chunk is kept, the one with the lower number, so that a change that
 * is made and taken back does not map and unmap it each time. */
static void
chunk_emptied(struct fib_mem *fm, uint32_t c)
{
	uint32_t other = fm->fm_empty;

	fm->fm_empty = other < c ? other : c;
	if (other != FIB_CHUNKS)
		chunk_free(fm, other < c ? c : other);
}

static void
release(struct fib_mem *fm, uint32_t line, unsigned order)
{
	uint32_t c = line >> FIB_CHUNK_SHIFT, buddy;

	fm->fm_used -= 1u << order;
#ifdef IFNET_DEBUG
	/* A reader that is here still, shows. */
	memset(fib_line(fm, line), 0x5a, sizeof(struct fib_line) << order);
#endif
	for (; order < chunk_order(c); order++) {
		buddy = line ^ 1u << order;
		if (!is_free(fm, buddy, order))
			break;
		free_remove(fm, buddy);
		line &= ~(1u << order);
	}
	free_insert(fm, line, order);
	if (order == chunk_order(c))
		chunk_emptied(fm, c);
}

static inline void
list_clear(struct fib_list *fl)
{

	fl->fl_first = fl->fl_end = FIB_NO_LINE;
	fl->fl_lines = 0;
}

/* Move all blocks of a list to the beginning of another. */
static void
list_move(struct fib_mem *fm, struct fib_list *from, struct fib_list *to)
{
	uint64_t *m;

	if (from->fl_first == FIB_NO_LINE)
		return;
	m = fib_mem_meta(fm, from->fl_end);
	*m = links(to->fl_first, 0, link_order(*m));
	to->fl_first = from->fl_first;
	if (to->fl_end == FIB_NO_LINE)
		to->fl_end = from->fl_end;
	to->fl_lines += from->fl_lines;
	list_clear(from);
}

static void
grace_passed(struct kern_defer *kd)
{
	struct fib_mem *fm = (struct fib_mem *)(void *)((char *)kd -
	    offsetof(struct fib_mem, fm_defer));

	__atomic_store_n(&fm->fm_passed, 1, __ATOMIC_RELEASE);
}

/* Free some blocks that readers have left, more than a change retires and few
 * enough for it not to be long. */
static void
release_left(struct fib_mem *fm, unsigned most)
{
	struct fib_list *fl = &fm->fm_left;
	uint32_t line;
	uint64_t m;

	while (most-- > 0 && fl->fl_first != FIB_NO_LINE) {
		line = fl->fl_first;
		m = *fib_mem_meta(fm, line);
		fl->fl_lines -= 1u << link_order(m);
		fl->fl_first = link_next(m);
		if (fl->fl_first == FIB_NO_LINE)
			fl->fl_end = FIB_NO_LINE;
		release(fm, line, link_order(m));
	}
}

/* Are the retired blocks worth a grace period? */
static bool
is_enough(const struct fib_mem *fm)
{
	uint32_t least = fm->fm_used / GRACE_PART;

	return fm->fm_retired.fl_lines >
	    (least < GRACE_MOST ? least : GRACE_MOST);
}

/* See whether readers have left, and begin the next grace period. */
static void
collect(struct fib_mem *fm)
{

	if (fm->fm_deferred && __atomic_load_n(&fm->fm_passed,
	    __ATOMIC_ACQUIRE) != 0) {
		fm->fm_deferred = false;
		list_move(fm, &fm->fm_grace, &fm->fm_left);
	}
	release_left(fm, RELEASE_MOST);
	if (fm->fm_deferred || !is_enough(fm))
		return;
	list_move(fm, &fm->fm_retired, &fm->fm_grace);
	fm->fm_deferred = true;
	fm->fm_passed = 0;
	kern_defer(fm->fm_kern, &fm->fm_defer, grace_passed);
}

/* The least order, from this one on, of which a block is free; or ORDERS. */
static unsigned
free_order(const struct fib_mem *fm, unsigned order)
{

	while (order < ORDERS && fm->fm_free[order] == FIB_NO_LINE)
		order++;
	return order;
}

uint32_t
fib_mem_alloc(struct fib_mem *fm, unsigned order)
{
	unsigned have;
	uint32_t line, c;

	collect(fm);
	have = free_order(fm, order);
	if (have == ORDERS) {
		/* The last resort is what readers have left. */
		if (!chunk_make(fm))
			release_left(fm, UINT_MAX);
		have = free_order(fm, order);
		if (have == ORDERS)
			return FIB_NO_LINE;
	}
	line = fm->fm_free[have];
	c = line >> FIB_CHUNK_SHIFT;
	if (c == fm->fm_empty && have == chunk_order(c))
		fm->fm_empty = FIB_CHUNKS;
	free_remove(fm, line);
	while (have-- > order)
		free_insert(fm, line + (1u << have), have);
	fm->fm_used += 1u << order;
	return line;
}

void
fib_mem_free(struct fib_mem *fm, uint32_t line, unsigned order)
{

	release(fm, line, order);
}

void
fib_mem_retire(struct fib_mem *fm, uint32_t line, unsigned order)
{
	struct fib_list *fl = &fm->fm_retired;
	uint32_t waiting;

	*fib_mem_meta(fm, line) = links(fl->fl_first, 0, order);
	fl->fl_first = line;
	if (fl->fl_end == FIB_NO_LINE)
		fl->fl_end = line;
	fl->fl_lines += 1u << order;
	waiting = fl->fl_lines + fm->fm_grace.fl_lines;
	if (waiting > WAITING_MAX && waiting > fm->fm_used / 8) {
		pserialize_perform(fm->fm_kern);
		list_move(fm, &fm->fm_grace, &fm->fm_left);
		list_move(fm, fl, &fm->fm_left);
	}
	collect(fm);
}

size_t
fib_mem_bytes(const struct fib_mem *fm)
{
	size_t bytes = 0;

	for (uint32_t c = 0; c < fm->fm_nchunks; c++)
		if (fm->fm_chunk[c] != NULL)
			bytes += chunk_bytes(c);
	return bytes;
}

void
fib_mem_init(struct kern *k, struct fib_mem *fm, struct fib_line **chunk)
{

	memset(fm->fm_few, 0, sizeof(fm->fm_few));
	fm->fm_chunk = fm->fm_few;
	fm->fm_nchunks = FIB_FEW_CHUNKS;
	fm->fm_all = chunk;
	fm->fm_kern = k;
	for (unsigned i = 0; i < ORDERS; i++)
		fm->fm_free[i] = FIB_NO_LINE;
	fm->fm_empty = FIB_CHUNKS;
	fm->fm_used = 0;
	list_clear(&fm->fm_retired);
	list_clear(&fm->fm_grace);
	list_clear(&fm->fm_left);
	fm->fm_deferred = false;
	fm->fm_passed = 0;
}

void
fib_mem_fini(struct fib_mem *fm)
{

	if (fm->fm_deferred)
		kern_defer_barrier(fm->fm_kern);
	if (fm->fm_retired.fl_first != FIB_NO_LINE)
		pserialize_perform(fm->fm_kern);
	list_move(fm, &fm->fm_grace, &fm->fm_left);
	list_move(fm, &fm->fm_retired, &fm->fm_left);
	release_left(fm, UINT_MAX);
	KASSERT(fm->fm_used == 0);
	if (fm->fm_empty != FIB_CHUNKS)
		chunk_free(fm, fm->fm_empty);
	for (uint32_t c = 0; c < fm->fm_nchunks; c++)
		KASSERT(fm->fm_chunk[c] == NULL);
}
