/*
 * The writer's side of IPv4's forwarding table; fib.h says what it looks like.
 *
 * The writer knows the length of the prefix that each run's value is of, so
 * that a prefix takes over what shorter ones have, and gives back what is its
 * own.  A run never holds addresses of two prefixes, even when their values are
 * the same.  So every boundary that a removal needs is there already, and it is
 * done in place.
 */

#include "net/fib.h"

#include <errno.h>
#include <string.h>

#include "kern/kern_impl.h"

#define ROOT_SLOTS	65536u
#define ROOT_BITS	16		/* of an address, below a slot */
#define ROOT_BYTES	(ROOT_SLOTS * sizeof(uint64_t))
#define CHUNK_BYTES	(FIB_CHUNKS * sizeof(struct fib_line *))
#define MAP_BYTES	(ROOT_BYTES + CHUNK_BYTES + ROOT_SLOTS)

#define ORDER_MAX	5		/* of a node: 32 lines */
#define ORDER_SPLIT	4		/* the least with nodes below */
#define LEVELS		4		/* of nodes: (16 - 4) / 4 + 1 */
#define NODE_RUNS	(FIB_RUNS << ORDER_MAX)

#define NARROW_MAX	(FIB_BELOW_NARROW - 1)
#define LEN_BITS	4		/* a length, less LEN_LEAST */
#define LEN_LEAST	17

/* Lines that a node below is thought to cost, when an order is chosen. */
#define BELOW_LINES	4

/* Addresses with one value; or a whole line that names a node below, with its
 * cover's value. */
struct run {
	uint32_t	 rn_value;	/* 0: none */
	uint32_t	 rn_ref;	/* the node below; 0: none */
	uint16_t	 rn_first;	/* address */
	uint8_t		 rn_len;	/* the value's prefix; 0: none */
};

/* A node, and where its name is: in a slot of the root or in a line. */
struct node {
	uint32_t	 nd_ref;	/* 0: there is none */
	uint32_t	 nd_first;	/* low 16 bits of its first address */
	unsigned	 nd_bits;	/* of an address, below it */
	uint64_t	*nd_slot;	/* or NULL */
	struct fib_line	*nd_line;
};

/* --- names and lines ------------------------------------------------------ */

static inline bool
ref_wide(uint32_t ref)
{

	return (ref & 1) != 0;
}

/* How many bits of an address one line serves. */
static inline unsigned
ref_bits(uint32_t ref)
{

	return ref >> 1 & 31;
}

static inline uint32_t
ref_make(uint32_t line, uint32_t first, unsigned bits, bool wide)
{

	return (line - (first >> bits)) << 6 | bits << 1 | wide;
}

static inline unsigned
node_order(const struct node *nd)
{

	return nd->nd_bits - ref_bits(nd->nd_ref);
}

static inline uint32_t
node_line(const struct node *nd)
{

	return fib4_line_number(nd->nd_ref, nd->nd_first);
}

static inline unsigned
line_runs_max(bool wide)
{

	return wide ? FIB_WIDE_RUNS : FIB_RUNS;
}

static inline uint32_t
line_value(const struct fib_line *fl, bool wide, unsigned i)
{

	return wide ? fl->fl_wide[i] : fl->fl_narrow[i];
}

static inline bool
line_is_below(const struct fib_line *fl)
{

	return fl->fl_wide[0] == FIB_BELOW;
}

static inline unsigned
meta_len(uint64_t meta, unsigned i)
{

	return LEN_LEAST + (unsigned)(meta >> (LEN_BITS * i) & 15);
}

static inline void
meta_set_len(uint64_t *meta, unsigned i, unsigned len)
{
	unsigned bits = len == 0 ? 0 : len - LEN_LEAST;

	*meta &= ~((uint64_t)15 << (LEN_BITS * i));
	*meta |= (uint64_t)bits << (LEN_BITS * i);
}

/* A value of a line that readers may be reading. */
static void
line_store(struct fib_line *fl, bool wide, unsigned i, uint32_t value)
{

	if (wide)
		__atomic_store_n(&fl->fl_wide[i], value, __ATOMIC_RELEASE);
	else {
		KASSERT(value <= NARROW_MAX);
		__atomic_store_n(&fl->fl_narrow[i], (uint16_t)value,
		    __ATOMIC_RELEASE);
	}
}

/* Put a node's name where it belongs; readers find the node from here on. */
static void
node_publish(struct fib4 *f, struct node *nd, uint32_t ref)
{

	if (nd->nd_slot != NULL)
		__atomic_store_n(nd->nd_slot, (uint32_t)*nd->nd_slot |
		    (uint64_t)ref << 32, __ATOMIC_RELEASE);
	else
		__atomic_store_n(&nd->nd_line->fl_wide[FIB_REF], ref,
		    __ATOMIC_RELEASE);
	if (nd->nd_ref != 0)
		fib_mem_retire(&f->f4_mem, node_line(nd), node_order(nd));
	nd->nd_ref = ref;
}

static void
count_nodes(struct fib4 *f, uint32_t n)
{

	__atomic_store_n(&f->f4_nodes, f->f4_nodes + n, __ATOMIC_RELAXED);
}

/* --- runs ----------------------------------------------------------------- */

/* The runs of a line that begins with this address; how many. */
static unsigned
line_runs(const struct fib4 *f, uint32_t line, bool wide, uint32_t first,
    struct run *r)
{
	const struct fib_line *fl = fib_line(&f->f4_mem, line);
	uint64_t meta = *fib_mem_meta(&f->f4_mem, line);
	unsigned i = 0;

	if (line_is_below(fl)) {
		r->rn_value = fl->fl_wide[FIB_COVER];
		r->rn_ref = fl->fl_wide[FIB_REF];
		r->rn_first = (uint16_t)first;
		r->rn_len = r->rn_value != 0 ? (uint8_t)meta_len(meta, 0) : 0;
		return 1;
	}
	for (;; i++) {
		r[i].rn_value = line_value(fl, wide, i);
		r[i].rn_ref = 0;
		r[i].rn_first = (uint16_t)first;
		r[i].rn_len = r[i].rn_value != 0 ?
		    (uint8_t)meta_len(meta, i) : 0;
		if (fl->fl_last[i] == UINT16_MAX)
			return i + 1;
		first = fl->fl_last[i] + 1u;
	}
}

/* Fill a line that no reader knows. */
static void
line_fill(struct fib4 *f, uint32_t line, bool wide, const struct run *r,
    unsigned n)
{
	struct fib_line *fl = fib_line(&f->f4_mem, line);
	uint64_t meta = 0;

	memset(fl->fl_last, 0xff, sizeof(fl->fl_last));
	memset(fl->fl_wide, 0, sizeof(fl->fl_wide));
	for (unsigned i = 0; i < n; i++) {
		meta_set_len(&meta, i, r[i].rn_len);
		if (r[i].rn_ref != 0) {
			fl->fl_wide[0] = FIB_BELOW;
			fl->fl_wide[FIB_REF] = r[i].rn_ref;
			fl->fl_wide[FIB_COVER] = r[i].rn_value;
			break;
		}
		if (wide)
			fl->fl_wide[i] = r[i].rn_value;
		else
			fl->fl_narrow[i] = (uint16_t)r[i].rn_value;
		if (i + 1 < n)
			fl->fl_last[i] = (uint16_t)(r[i + 1].rn_first - 1);
	}
	*fib_mem_meta(&f->f4_mem, line) = meta;
}

/* Have a run begin with an address; the number of runs then. */
static unsigned
runs_cut(struct run *r, unsigned n, uint32_t first)
{
	unsigned i = n;

	while (i > 0 && r[i - 1].rn_first > first)
		i--;
	if (r[i - 1].rn_first == first)
		return n;
	memmove(&r[i + 1], &r[i], (n - i) * sizeof(*r));
	r[i] = r[i - 1];
	r[i].rn_first = (uint16_t)first;
	return n + 1;
}

/* Give a prefix what shorter ones and none have; the number of runs then.
 * There is room for two more.  `last' is the last address of all runs. */
static unsigned
runs_set(struct run *r, unsigned n, uint32_t last, uint32_t key, unsigned len,
    uint32_t value)
{
	uint32_t end = key | (uint32_t)(UINT64_C(0xffffffff) >> len);

	n = runs_cut(r, n, key & 0xffff);
	if ((end & 0xffff) < last)
		n = runs_cut(r, n, (end & 0xffff) + 1);
	for (unsigned i = 0; i < n; i++) {
		if (r[i].rn_first < (key & 0xffff) ||
		    r[i].rn_first > (end & 0xffff) || r[i].rn_len > len)
			continue;
		r[i].rn_value = value;
		r[i].rn_len = (uint8_t)len;
	}
	return n;
}

static inline bool
same_prefix(const struct run *a, const struct run *b)
{

	return a->rn_ref == 0 && b->rn_ref == 0 && a->rn_len == b->rn_len &&
	    (a->rn_len == 0 ||
	    (a->rn_first ^ b->rn_first) >> (32 - a->rn_len) == 0);
}

/* Join neighbours that are of one prefix; the number of runs then. */
static unsigned
runs_join(struct run *r, unsigned n)
{
	unsigned to = 0;

	for (unsigned i = 1; i < n; i++)
		if (!same_prefix(&r[to], &r[i]))
			r[++to] = r[i];
	return to + 1;
}

/* All runs of a node, joined; how many. */
static unsigned
node_runs(const struct fib4 *f, const struct node *nd, struct run *r)
{
	uint32_t line = node_line(nd), size = 1u << ref_bits(nd->nd_ref);
	unsigned n = 0;

	for (unsigned i = 0; i < 1u << node_order(nd); i++)
		n += line_runs(f, line + i, ref_wide(nd->nd_ref),
		    nd->nd_first + i * size, r + n);
	return runs_join(r, n);
}

/* --- building a node ------------------------------------------------------ */

/*
 * Of r[*from] on, the runs in a line that begins and ends with these addresses:
 * *from moves to its first run; how many they are.
 */
static unsigned
runs_between(const struct run *r, unsigned n, uint32_t first, uint32_t last,
    unsigned *from)
{
	unsigned i = *from, end;

	while (i + 1 < n && r[i + 1].rn_first <= first)
		i++;
	for (end = i + 1; end < n && r[end].rn_first <= last; end++)
		continue;
	*from = i;
	return end - i;
}

/* How many of 2^order lines would have too many runs. */
static unsigned
count_full(const struct run *r, unsigned n, const struct node *nd,
    unsigned order, bool wide)
{
	uint32_t size = 1u << (nd->nd_bits - order), first = nd->nd_first;
	unsigned full = 0, from = 0;

	for (unsigned i = 0; i < 1u << order; i++, first += size)
		full += runs_between(r, n, first, first + size - 1, &from) >
		    line_runs_max(wide);
	return full;
}

/* The least order with which all runs have room; or that with the least lines,
 * when some need nodes below. */
static unsigned
choose_order(const struct run *r, unsigned n, const struct node *nd, bool wide)
{
	unsigned order, full, lines, best = ORDER_SPLIT, least = UINT32_MAX;

	for (order = 0; order <= ORDER_MAX && order < nd->nd_bits; order++) {
		if (n > line_runs_max(wide) << order)
			continue;
		full = count_full(r, n, nd, order, wide);
		if (full == 0)
			return order;
	}
	for (order = ORDER_SPLIT; order <= ORDER_MAX; order++) {
		full = count_full(r, n, nd, order, wide);
		lines = (1u << order) + BELOW_LINES * full;
		if (lines < least) {
			least = lines;
			best = order;
		}
	}
	return best;
}

/* Free a node that no reader has found, and those below it that `made' (a bit
 * for each of its lines) says. */
static void
node_unmake(struct fib4 *f, const struct node *nd, uint32_t made)
{
	uint32_t line = node_line(nd), size = 1u << ref_bits(nd->nd_ref);
	const struct fib_line *fl;
	struct node below;

	for (unsigned i = 0; i < 1u << node_order(nd); i++) {
		fl = fib_line(&f->f4_mem, line + i);
		if ((made >> i & 1) == 0 || !line_is_below(fl))
			continue;
		below = (struct node){ .nd_ref = fl->fl_wide[FIB_REF],
		    .nd_first = nd->nd_first + i * size,
		    .nd_bits = ref_bits(nd->nd_ref) };
		node_unmake(f, &below, UINT32_MAX);
	}
	fib_mem_free(&f->f4_mem, line, node_order(nd));
	count_nodes(f, -1u);
}

static int	node_build(struct fib4 *, const struct node *, struct run *,
		    unsigned, unsigned, bool, uint32_t *);

/*
 * Make a line of more runs than it can have the name of a node below.  The
 * value of a prefix that is as long as the line, or shorter, is the line's; so
 * it is taken out of the runs.  (The last run may be the next line's as well.)
 */
static int
line_build_below(struct fib4 *f, uint32_t line, const struct node *below,
    struct run *r, unsigned n, bool wide)
{
	struct run cover = { .rn_first = (uint16_t)below->nd_first };
	struct run last = r[n - 1];
	unsigned joined;
	int error;

	for (unsigned i = 0; i < n; i++) {
		if (r[i].rn_len == 0 || r[i].rn_len > 32 - below->nd_bits)
			continue;
		cover.rn_value = r[i].rn_value;
		cover.rn_len = r[i].rn_len;
		r[i].rn_value = 0;
		r[i].rn_len = 0;
	}
	joined = runs_join(r, n);
	error = node_build(f, below, r, joined, choose_order(r, joined, below,
	    wide), wide, &cover.rn_ref);
	r[n - 1] = last;
	if (error == 0)
		line_fill(f, line, wide, &cover, 1);
	return error;
}

/*
 * Make a node for these addresses (nd_first, nd_bits) of runs, and its name,
 * which nobody knows yet.  The runs are spoilt.  ENOMEM.
 */
static int
node_build(struct fib4 *f, const struct node *nd, struct run *r, unsigned n,
    unsigned order, bool wide, uint32_t *ref)
{
	struct node new = { .nd_first = nd->nd_first, .nd_bits = nd->nd_bits };
	struct node below = { .nd_first = nd->nd_first,
	    .nd_bits = nd->nd_bits - order };
	uint32_t line, size = 1u << below.nd_bits, made = 0;
	unsigned from = 0, count;

	line = fib_mem_alloc(&f->f4_mem, order);
	if (line == FIB_NO_LINE)
		return ENOMEM;
	count_nodes(f, 1);
	new.nd_ref = ref_make(line, nd->nd_first, below.nd_bits, wide);
	for (unsigned i = 0; i < 1u << order; i++) {
		count = runs_between(r, n, below.nd_first, below.nd_first +
		    size - 1, &from);
		if (count <= line_runs_max(wide))
			line_fill(f, line + i, wide, r + from, count);
		else if (line_build_below(f, line + i, &below, r + from, count,
		    wide) == 0)
			made |= 1u << i;
		else {
			node_unmake(f, &new, made);
			return ENOMEM;
		}
		below.nd_first += size;
	}
	*ref = new.nd_ref;
	return 0;
}

/* Put a node of these runs in the place of one.  A line that names a node below
 * stays a line.  The runs are spoilt.  ENOMEM. */
static int
node_rebuild(struct fib4 *f, struct node *nd, struct run *r, unsigned n,
    bool wide)
{
	unsigned order = UINT32_MAX;
	bool had = nd->nd_ref != 0;
	uint32_t ref;
	int error;

	for (unsigned i = 0; i < n && order == UINT32_MAX; i++)
		if (r[i].rn_ref != 0)
			order = node_order(nd);
	if (order == UINT32_MAX)
		order = choose_order(r, n, nd, wide);
	error = node_build(f, nd, r, n, order, wide, &ref);
	if (error != 0)
		return error;
	node_publish(f, nd, ref);
	if (had)
		count_nodes(f, -1u);
	return 0;
}

/* --- changes -------------------------------------------------------------- */

/* Which runs a change is for: those whose prefix has these lengths (0: none),
 * and the value and length that they have then. */
struct change {
	unsigned	 ch_least, ch_most;
	uint32_t	 ch_value;
	unsigned	 ch_len;
};

static inline bool
change_is_for(const struct change *ch, uint32_t value, uint64_t meta,
    unsigned i)
{
	unsigned len = value != 0 ? meta_len(meta, i) : 0;

	return len >= ch->ch_least && len <= ch->ch_most;
}

/* Change the runs of a line that begin from one address to another, in place;
 * of a line that names a node below, the value. */
static void
line_change(struct fib4 *f, uint32_t line, bool wide, uint32_t first,
    uint32_t last, const struct change *ch)
{
	struct fib_line *fl = fib_line(&f->f4_mem, line);
	uint64_t *meta = fib_mem_meta(&f->f4_mem, line);
	unsigned i;

	if (line_is_below(fl)) {
		if (!change_is_for(ch, fl->fl_wide[FIB_COVER], *meta, 0))
			return;
		meta_set_len(meta, 0, ch->ch_len);
		line_store(fl, true, FIB_COVER, ch->ch_value);
		return;
	}
	for (i = machine_first(fl->fl_last, (uint16_t)first);
	    i < line_runs_max(wide) &&
	    (i == 0 || fl->fl_last[i - 1] < last); i++) {
		if (change_is_for(ch, line_value(fl, wide, i), *meta, i)) {
			meta_set_len(meta, i, ch->ch_len);
			line_store(fl, wide, i, ch->ch_value);
		}
		if (fl->fl_last[i] == UINT16_MAX)
			break;
	}
}

/* A prefix in a node: the lines that it covers or the one that it is in. */
struct span {
	uint32_t	 sp_line;
	unsigned	 sp_lines;
	uint32_t	 sp_first, sp_last;	/* low 16 bits of addresses */
	bool		 sp_whole;		/* covers them */
};

static struct span
node_span(const struct node *nd, uint32_t key, unsigned len)
{
	unsigned bits = ref_bits(nd->nd_ref);
	struct span sp = { .sp_line = fib4_line_number(nd->nd_ref, key),
	    .sp_lines = 1, .sp_first = key & 0xffff };

	sp.sp_last = sp.sp_first | (0xffffu >> (len - ROOT_BITS));
	sp.sp_whole = len <= 32 - bits;
	if (sp.sp_whole)
		sp.sp_lines = 1u << (32 - bits - len);
	return sp;
}

static void
span_change(struct fib4 *f, const struct node *nd, const struct span *sp,
    const struct change *ch)
{

	for (unsigned i = 0; i < sp->sp_lines; i++)
		line_change(f, sp->sp_line + i, ref_wide(nd->nd_ref),
		    sp->sp_whole ? 0 : sp->sp_first,
		    sp->sp_whole ? UINT16_MAX : sp->sp_last, ch);
}

/* Do runs begin and end where the prefix does?  `first' is the line's. */
static bool
span_is_cut(const struct fib4 *f, const struct span *sp, uint32_t first,
    uint32_t last)
{
	const struct fib_line *fl = fib_line(&f->f4_mem, sp->sp_line);
	unsigned i = machine_first(fl->fl_last, (uint16_t)sp->sp_first);
	unsigned j = machine_first(fl->fl_last, (uint16_t)sp->sp_last);

	return (sp->sp_first == first ||
	    (i > 0 && fl->fl_last[i - 1] == sp->sp_first - 1)) &&
	    (sp->sp_last == last || fl->fl_last[j] == sp->sp_last);
}

/* The node of a slot; nd_ref 0: there is none. */
static struct node
root_node(struct fib4 *f, uint32_t key)
{
	uint64_t *slot = &f->f4_root[key >> 16];

	return (struct node){ .nd_ref = (uint32_t)(*slot >> 32),
	    .nd_bits = ROOT_BITS, .nd_slot = slot };
}

/* Go to the node below, when the prefix is of that one. */
static bool
node_below(const struct fib4 *f, struct node *nd, uint32_t key, unsigned len)
{
	unsigned bits = ref_bits(nd->nd_ref);
	struct fib_line *fl = fib_line(&f->f4_mem,
	    fib4_line_number(nd->nd_ref, key));

	if (len <= 32 - bits || !line_is_below(fl))
		return false;
	*nd = (struct node){ .nd_ref = fl->fl_wide[FIB_REF],
	    .nd_first = (key & 0xffff) >> bits << bits,
	    .nd_bits = bits, .nd_line = fl };
	return true;
}

/* A prefix for which the line has no runs, but room: a copy of the node with
 * other runs in that line.  ENOMEM. */
static int
node_copy(struct fib4 *f, struct node *nd, const struct span *sp,
    const struct run *r, unsigned n)
{
	uint32_t old = node_line(nd), new;
	unsigned order = node_order(nd);

	new = fib_mem_alloc(&f->f4_mem, order);
	if (new == FIB_NO_LINE)
		return ENOMEM;
	memcpy(fib_line(&f->f4_mem, new), fib_line(&f->f4_mem, old),
	    sizeof(struct fib_line) << order);
	memcpy(fib_mem_meta(&f->f4_mem, new), fib_mem_meta(&f->f4_mem, old),
	    sizeof(uint64_t) << order);
	line_fill(f, new + (sp->sp_line - old), ref_wide(nd->nd_ref), r, n);
	node_publish(f, nd, ref_make(new, nd->nd_first, ref_bits(nd->nd_ref),
	    ref_wide(nd->nd_ref)));
	return 0;
}

/* A prefix inside one line whose runs do not begin and end with it. */
static int
add_cut(struct fib4 *f, struct node *nd, const struct span *sp, uint32_t key,
    unsigned len, uint32_t value)
{
	uint32_t size = 1u << ref_bits(nd->nd_ref);
	uint32_t first = sp->sp_first & ~(size - 1);
	bool wide = ref_wide(nd->nd_ref);
	struct run r[FIB_RUNS + 2];
	unsigned n;

	n = line_runs(f, sp->sp_line, wide, first, r);
	n = runs_join(r, runs_set(r, n, first + size - 1, key, len, value));
	return n <= line_runs_max(wide) ? node_copy(f, nd, sp, r, n) : EFBIG;
}

/* A prefix longer than a slot's. */
static int
add_below(struct fib4 *f, uint32_t key, unsigned len, uint32_t value)
{
	struct change ch = { 0, len, value, len };
	struct node nd = root_node(f, key);
	bool wide = value > NARROW_MAX;
	struct run r[NODE_RUNS + 2];
	uint32_t first, size;
	unsigned n = 1;
	struct span sp;
	int error;

	if (nd.nd_ref != 0) {
		while (node_below(f, &nd, key, len))
			continue;
		wide = wide || ref_wide(nd.nd_ref);
		sp = node_span(&nd, key, len);
		size = 1u << ref_bits(nd.nd_ref);
		first = sp.sp_first & ~(size - 1);
		if (wide == ref_wide(nd.nd_ref)) {
			if (sp.sp_whole || span_is_cut(f, &sp, first,
			    first + size - 1)) {
				span_change(f, &nd, &sp, &ch);
				return 0;
			}
			error = add_cut(f, &nd, &sp, key, len, value);
			if (error != EFBIG)
				return error;
		}
		n = node_runs(f, &nd, r);
	} else
		r[0] = (struct run){ .rn_first = 0 };
	n = runs_set(r, n, nd.nd_first + (1u << nd.nd_bits) - 1, key, len,
	    value);
	return node_rebuild(f, &nd, r, runs_join(r, n), wide);
}

/* Give the slots that a prefix covers another value. */
static void
root_change(struct fib4 *f, uint32_t key, unsigned len,
    const struct change *ch)
{
	uint32_t at = key >> 16, end = at + (1u << (ROOT_BITS - len));

	for (; at < end; at++) {
		if (f->f4_len[at] < ch->ch_least || f->f4_len[at] > ch->ch_most)
			continue;
		f->f4_len[at] = (uint8_t)ch->ch_len;
		__atomic_store_n(&f->f4_root[at], ch->ch_value |
		    f->f4_root[at] >> 32 << 32, __ATOMIC_RELEASE);
	}
}

int
fib4_add(struct fib4 *f, uint32_t key, unsigned len, uint32_t value)
{
	struct change ch = { 0, len, value, len };

	KASSERT(value != 0 && value != FIB_BELOW && len <= 32);
	KASSERT((key & (uint32_t)(UINT64_C(0xffffffff) >> len)) == 0);
	if (len > ROOT_BITS)
		return add_below(f, key, len, value);
	if (len == 0)
		__atomic_store_n(&f->f4_default, value, __ATOMIC_RELEASE);
	else
		root_change(f, key, len, &ch);
	return 0;
}

int
fib4_widen(struct fib4 *f, uint32_t key, unsigned len)
{
	struct node nd = root_node(f, key);
	struct run r[NODE_RUNS + 2];

	/* A slot has room for any. */
	if (len <= ROOT_BITS)
		return 0;
	KASSERT(nd.nd_ref != 0);
	while (node_below(f, &nd, key, len))
		continue;
	if (ref_wide(nd.nd_ref))
		return 0;
	return node_rebuild(f, &nd, r, node_runs(f, &nd, r), true);
}

static bool
line_is_empty(const struct fib4 *f, uint32_t line, bool wide)
{
	const struct fib_line *fl = fib_line(&f->f4_mem, line);

	if (line_is_below(fl))
		return false;
	for (unsigned i = 0;; i++) {
		if (line_value(fl, wide, i) != 0)
			return false;
		if (fl->fl_last[i] == UINT16_MAX)
			return true;
	}
}

static bool
node_is_empty(const struct fib4 *f, const struct node *nd)
{

	for (unsigned i = 0; i < 1u << node_order(nd); i++)
		if (!line_is_empty(f, node_line(nd) + i, ref_wide(nd->nd_ref)))
			return false;
	return true;
}

/* A node with fewer runs than it had may have room in fewer lines; when there
 * is no memory for them it stays. */
static void
node_shrink(struct fib4 *f, struct node *nd)
{
	struct run r[NODE_RUNS];
	unsigned n = node_runs(f, nd, r);

	for (unsigned i = 0; i < n; i++)
		if (r[i].rn_ref != 0)
			return;
	if (choose_order(r, n, nd, ref_wide(nd->nd_ref)) < node_order(nd))
		(void)node_rebuild(f, nd, r, n, ref_wide(nd->nd_ref));
}

/*
 * Take out nodes in which nothing is left, from the last of them upwards.  A
 * line that named one has its own value for all of its addresses then, as its
 * runs' last addresses say already.
 */
static void
tidy(struct fib4 *f, struct node *nd, unsigned levels, uint32_t line)
{
	bool wide;

	for (;; levels--, nd--) {
		wide = ref_wide(nd->nd_ref);
		if (!line_is_empty(f, line, wide))
			return;
		if (!node_is_empty(f, nd)) {
			node_shrink(f, nd);
			return;
		}
		count_nodes(f, -1u);
		if (levels == 1) {
			node_publish(f, nd, 0);
			return;
		}
		line_store(nd->nd_line, ref_wide(nd[-1].nd_ref), 0,
		    nd->nd_line->fl_wide[FIB_COVER]);
		fib_mem_retire(&f->f4_mem, node_line(nd), node_order(nd));
		line = fib4_line_number(nd[-1].nd_ref, nd->nd_first);
	}
}

/*
 * A prefix longer than a slot's goes.  On the way down a line that names a node
 * learns the cover, if that is the line's: what is longer may have hidden it
 * when the node was made.
 */
static void
remove_below(struct fib4 *f, uint32_t key, unsigned len, uint32_t cover,
    unsigned cover_len)
{
	struct node path[LEVELS + 1], *nd = path;
	struct change ch = { 0, cover_len - 1, cover, cover_len };
	struct span sp;

	*nd = root_node(f, key);
	KASSERT(nd->nd_ref != 0);
	for (;;) {
		nd[1] = *nd;
		if (!node_below(f, &nd[1], key, len))
			break;
		if (cover_len > 32 - nd[0].nd_bits &&
		    cover_len <= 32 - nd[1].nd_bits)
			line_change(f, fib4_line_number(nd->nd_ref, key),
			    ref_wide(nd->nd_ref), 0, UINT16_MAX, &ch);
		nd++;
		KASSERT(nd < path + LEVELS);
	}
	ch = (struct change){ len, len, 0, 0 };
	if (cover_len > 32 - nd->nd_bits) {
		ch.ch_value = cover;
		ch.ch_len = cover_len;
	}
	sp = node_span(nd, key, len);
	span_change(f, nd, &sp, &ch);
	tidy(f, nd, (unsigned)(nd - path) + 1, sp.sp_line);
}

void
fib4_remove(struct fib4 *f, uint32_t key, unsigned len, uint32_t cover,
    unsigned cover_len)
{
	struct change ch = { len, len, cover_len != 0 ? cover : 0, cover_len };

	KASSERT(len <= 32 && (cover != 0 ? cover_len < len : cover_len == 0));
	KASSERT((key & (uint32_t)(UINT64_C(0xffffffff) >> len)) == 0);
	if (len > ROOT_BITS)
		remove_below(f, key, len, cover, cover_len);
	else if (len > 0)
		root_change(f, key, len, &ch);
	else
		__atomic_store_n(&f->f4_default, 0, __ATOMIC_RELEASE);
}

int
fib4_init(struct kern *k, struct fib4 *f)
{
	char *map = host_map(k->k_host, MAP_BYTES);

	if (map == NULL)
		return ENOMEM;
	f->f4_root = (uint64_t *)(void *)map;
	f->f4_default = 0;
	f->f4_nodes = 0;
	f->f4_len = (uint8_t *)map + ROOT_BYTES + CHUNK_BYTES;
	fib_mem_init(k, &f->f4_mem,
	    (struct fib_line **)(void *)(map + ROOT_BYTES));
	return 0;
}

void
fib4_fini(struct fib4 *f)
{
	struct host *h = f->f4_mem.fm_kern->k_host;

	KASSERT(f->f4_nodes == 0);
	fib_mem_fini(&f->f4_mem);
	host_unmap(h, f->f4_root, MAP_BYTES);
	f->f4_root = NULL;
}
