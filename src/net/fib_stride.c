/*
 * The writer's side of one stride of the forwarding table: the nodes for 16
 * bits of an address; fib.h says what they look like.
 *
 * The writer knows the length of the prefix that each run's value is of, so
 * that a prefix takes over what shorter ones have, and gives back what is its
 * own.  A run never holds addresses of two prefixes, even when their values are
 * the same.  So every boundary that a removal needs is there already, and it is
 * done in place.
 */

#include "net/fib_impl.h"

#include <errno.h>
#include <string.h>

#include "kern/kern_impl.h"

#define ORDER_MAX	5		/* of a node: 32 lines */
#define ORDER_SPLIT	4		/* the least with nodes below */
#define LEVELS		4		/* of nodes: (16 - 4) / 4 + 1 */
#define NODE_RUNS	(FIB_RUNS << ORDER_MAX)

#define NARROW_MAX	(FIB_BELOW_NARROW - 1)
#define LEN_BITS	4		/* a length, less LEN_LEAST */
#define LEN_LEAST	1	/* in a stride */

/* Lines that a node below is thought to cost, when an order is chosen. */
#define BELOW_LINES	4

/* How the lines of a node look. */
enum kind { NARROW, WIDE, SLOTS };

/* Addresses (of 16 bits) with one value; or a whole line that names a node
 * below, with its cover's value; or one address that names the next stride's
 * node. */
struct run {
	uint32_t	 rn_value;	/* 0: none */
	uint32_t	 rn_ref;	/* the node; 0: none */
	uint16_t	 rn_first;	/* address */
	uint8_t		 rn_len;	/* the value's prefix; 0: none */
};

/* A node, and where its name is: in a slot or in a line. */
struct node {
	uint32_t	 nd_ref;	/* 0: there is none */
	enum kind	 nd_kind;
	uint32_t	 nd_first;	/* its first address */
	unsigned	 nd_bits;	/* of an address, below it; less than 16
					 * when a node of this stride names
					 * it */
	uint64_t	*nd_slot;	/* or NULL */
	struct fib_line	*nd_line;
};

/* --- names and lines ------------------------------------------------------ */

static inline enum kind
ref_kind(const struct fib *f, uint32_t ref)
{

	return f->f_is_ip6 ? SLOTS : (ref & 1) != 0 ? WIDE : NARROW;
}

/* How many bits of an address one line serves. */
static inline unsigned
ref_bits(uint32_t ref)
{

	return ref >> 1 & 31;
}

/* The name of such a node whose lines serve `bits' of an address each. */
static inline uint32_t
ref_make(const struct node *nd, uint32_t line, unsigned bits)
{
	bool flag = nd->nd_kind == SLOTS ? nd->nd_bits < STRIDE :
	    nd->nd_kind == WIDE;

	return (line - (nd->nd_first >> bits)) << 6 | bits << 1 | flag;
}

static inline unsigned
node_order(const struct node *nd)
{

	return nd->nd_bits - ref_bits(nd->nd_ref);
}

static inline uint32_t
node_line(const struct node *nd)
{

	return fib_line_number(nd->nd_ref, nd->nd_first);
}

static inline unsigned
line_runs_max(enum kind kind)
{

	return kind == NARROW ? FIB_RUNS : kind == WIDE ? FIB_WIDE_RUNS :
	    FIB_SLOTS;
}

static inline uint32_t
line_value(const struct fib_line *fl, enum kind kind, unsigned i)
{

	return kind == NARROW ? fl->fl_narrow[i] : kind == WIDE ?
	    fl->fl_wide[i] : (uint32_t)fl->fl_slot[i];
}

/* The next stride's node of a run. */
static inline uint32_t
line_next(const struct fib_line *fl, enum kind kind, unsigned i)
{

	return kind == SLOTS ? (uint32_t)(fl->fl_slot[i] >> 32) : 0;
}

static inline bool
line_is_below(const struct fib_line *fl, enum kind kind)
{

	return kind == SLOTS ? (fl->fl_slot[0] >> 32 & 1) != 0 :
	    fl->fl_wide[0] == FIB_BELOW;
}

/* The node of a line that names one below. */
static inline uint32_t
line_below(const struct fib_line *fl, enum kind kind)
{

	return kind == SLOTS ? line_next(fl, kind, 0) : fl->fl_wide[FIB_REF];
}

/* The run of a line that an address is in. */
static inline unsigned
line_run_of(const struct fib_line *fl, enum kind kind, uint32_t addr)
{

	return kind == SLOTS ? machine_first8(fl->fl_last6, (uint16_t)addr) :
	    machine_first(fl->fl_last, (uint16_t)addr);
}

static inline bool
run_is_below(const struct run *r, enum kind kind)
{

	return kind == SLOTS ? (r->rn_ref & 1) != 0 : r->rn_ref != 0;
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
line_store(struct fib_line *fl, enum kind kind, unsigned i, uint32_t value)
{

	if (kind == SLOTS)
		__atomic_store_n(&fl->fl_slot[i], value |
		    fl->fl_slot[i] >> 32 << 32, __ATOMIC_RELEASE);
	else if (kind == WIDE)
		__atomic_store_n(&fl->fl_wide[i], value, __ATOMIC_RELEASE);
	else {
		KASSERT(value <= NARROW_MAX);
		__atomic_store_n(&fl->fl_narrow[i], (uint16_t)value,
		    __ATOMIC_RELEASE);
	}
}

/* Put a node's name where it belongs; readers find the node from here on. */
static void
node_publish(struct fib *f, struct node *nd, uint32_t ref)
{

	if (nd->nd_slot != NULL)
		__atomic_store_n(nd->nd_slot, (uint32_t)*nd->nd_slot |
		    (uint64_t)ref << 32, __ATOMIC_RELEASE);
	else
		__atomic_store_n(&nd->nd_line->fl_wide[FIB_REF], ref,
		    __ATOMIC_RELEASE);
	if (nd->nd_ref != 0)
		fib_mem_retire(&f->f_mem, node_line(nd), node_order(nd));
	nd->nd_ref = ref;
}

static void
count_nodes(struct fib *f, uint32_t n)
{

	__atomic_store_n(&f->f_nodes, f->f_nodes + n, __ATOMIC_RELAXED);
}

/* --- runs ----------------------------------------------------------------- */

/* The runs of a line that begins with this address; how many. */
static unsigned
line_runs(const struct fib *f, uint32_t line, enum kind kind, uint32_t first,
    struct run *r)
{
	const struct fib_line *fl = fib_line(&f->f_mem, line);
	uint64_t meta = *fib_mem_meta(&f->f_mem, line);
	unsigned i = 0;

	if (kind != SLOTS && line_is_below(fl, kind)) {
		r->rn_value = fl->fl_wide[FIB_COVER];
		r->rn_ref = fl->fl_wide[FIB_REF];
		r->rn_first = (uint16_t)first;
		r->rn_len = r->rn_value != 0 ? (uint8_t)meta_len(meta, 0) : 0;
		return 1;
	}
	for (;; i++) {
		r[i].rn_value = line_value(fl, kind, i);
		r[i].rn_ref = line_next(fl, kind, i);
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
line_fill(struct fib *f, uint32_t line, enum kind kind, const struct run *r,
    unsigned n)
{
	struct fib_line *fl = fib_line(&f->f_mem, line);
	uint64_t meta = 0;

	memset(fl, 0, sizeof(*fl));
	memset(fl, 0xff, kind == SLOTS ? sizeof(fl->fl_last6) :
	    sizeof(fl->fl_last));
	for (unsigned i = 0; i < n; i++) {
		meta_set_len(&meta, i, r[i].rn_len);
		if (kind != SLOTS && r[i].rn_ref != 0) {
			fl->fl_wide[0] = FIB_BELOW;
			fl->fl_wide[FIB_REF] = r[i].rn_ref;
			fl->fl_wide[FIB_COVER] = r[i].rn_value;
			break;
		}
		if (kind == SLOTS)
			fl->fl_slot[i] = r[i].rn_value |
			    (uint64_t)r[i].rn_ref << 32;
		else if (kind == WIDE)
			fl->fl_wide[i] = r[i].rn_value;
		else
			fl->fl_narrow[i] = (uint16_t)r[i].rn_value;
		if (i + 1 < n)
			fl->fl_last[i] = (uint16_t)(r[i + 1].rn_first - 1);
	}
	*fib_mem_meta(&f->f_mem, line) = meta;
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
	uint32_t end = key | 0xffffu >> len;

	n = runs_cut(r, n, key);
	if (end < last)
		n = runs_cut(r, n, end + 1);
	for (unsigned i = 0; i < n; i++) {
		if (r[i].rn_first < key || r[i].rn_first > end ||
		    r[i].rn_len > len)
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
	    (a->rn_first ^ b->rn_first) >> (STRIDE - a->rn_len) == 0);
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
node_runs(const struct fib *f, const struct node *nd, struct run *r)
{
	uint32_t line = node_line(nd), size = 1u << ref_bits(nd->nd_ref);
	unsigned n = 0;

	for (unsigned i = 0; i < 1u << node_order(nd); i++)
		n += line_runs(f, line + i, nd->nd_kind,
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
    unsigned order)
{
	uint32_t size = 1u << (nd->nd_bits - order), first = nd->nd_first;
	unsigned full = 0, from = 0;

	for (unsigned i = 0; i < 1u << order; i++, first += size)
		full += runs_between(r, n, first, first + size - 1, &from) >
		    line_runs_max(nd->nd_kind);
	return full;
}

/* The least order with which all runs have room; or that with the least lines,
 * when some need nodes below. */
static unsigned
choose_order(const struct run *r, unsigned n, const struct node *nd)
{
	unsigned order, full, lines, best = ORDER_SPLIT, least = UINT32_MAX;

	for (order = 0; order <= ORDER_MAX && order < nd->nd_bits; order++) {
		if (n > line_runs_max(nd->nd_kind) << order)
			continue;
		full = count_full(r, n, nd, order);
		if (full == 0)
			return order;
	}
	for (order = ORDER_SPLIT; order <= ORDER_MAX; order++) {
		full = count_full(r, n, nd, order);
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
node_unmake(struct fib *f, const struct node *nd, uint32_t made)
{
	uint32_t line = node_line(nd), size = 1u << ref_bits(nd->nd_ref);
	const struct fib_line *fl;
	struct node below;
	uint32_t ref;

	for (unsigned i = 0; i < 1u << node_order(nd); i++) {
		fl = fib_line(&f->f_mem, line + i);
		if ((made >> i & 1) == 0 || !line_is_below(fl, nd->nd_kind))
			continue;
		ref = line_below(fl, nd->nd_kind);
		below = (struct node){ .nd_ref = ref,
		    .nd_kind = ref_kind(f, ref),
		    .nd_first = nd->nd_first + i * size,
		    .nd_bits = ref_bits(nd->nd_ref) };
		node_unmake(f, &below, UINT32_MAX);
	}
	fib_mem_free(&f->f_mem, line, node_order(nd));
	count_nodes(f, -1u);
}

static int	node_build(struct fib *, const struct node *, struct run *,
		    unsigned, unsigned, uint32_t *);

/*
 * Make a line of more runs than it can have the name of a node below.  The
 * value of a prefix that is as long as the line, or shorter, is the line's; so
 * it is taken out of the runs.  (The last run may be the next line's as well.)
 */
static int
line_build_below(struct fib *f, uint32_t line, const struct node *below,
    struct run *r, unsigned n)
{
	struct run cover = { .rn_first = (uint16_t)below->nd_first };
	struct run last = r[n - 1];
	unsigned joined;
	int error;

	for (unsigned i = 0; i < n; i++) {
		if (r[i].rn_len == 0 || r[i].rn_len > STRIDE - below->nd_bits)
			continue;
		cover.rn_value = r[i].rn_value;
		cover.rn_len = r[i].rn_len;
		r[i].rn_value = 0;
		r[i].rn_len = 0;
	}
	joined = runs_join(r, n);
	error = node_build(f, below, r, joined, choose_order(r, joined, below),
	    &cover.rn_ref);
	r[n - 1] = last;
	if (error == 0)
		line_fill(f, line, below->nd_kind, &cover, 1);
	return error;
}

/*
 * Make a node of a kind for these addresses (nd_first, nd_bits), and its name,
 * which nobody knows yet.  The runs are spoilt.  ENOMEM.
 */
static int
node_build(struct fib *f, const struct node *nd, struct run *r, unsigned n,
    unsigned order, uint32_t *ref)
{
	struct node new = { .nd_kind = nd->nd_kind, .nd_first = nd->nd_first,
	    .nd_bits = nd->nd_bits };
	struct node below = { .nd_kind = nd->nd_kind, .nd_first = nd->nd_first,
	    .nd_bits = nd->nd_bits - order };
	uint32_t line, size = 1u << below.nd_bits, made = 0;
	unsigned from = 0, count;

	line = fib_mem_alloc(&f->f_mem, order);
	if (line == FIB_NO_LINE)
		return ENOMEM;
	count_nodes(f, 1);
	new.nd_ref = ref_make(&new, line, below.nd_bits);
	for (unsigned i = 0; i < 1u << order; i++) {
		count = runs_between(r, n, below.nd_first, below.nd_first +
		    size - 1, &from);
		if (count <= line_runs_max(nd->nd_kind))
			line_fill(f, line + i, nd->nd_kind, r + from, count);
		else if (line_build_below(f, line + i, &below, r + from,
		    count) == 0)
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

/* Put a node of these runs, of nd_kind, in the place of one.  A line that names
 * a node below stays a line.  The runs are spoilt.  ENOMEM. */
static int
node_rebuild(struct fib *f, struct node *nd, struct run *r, unsigned n)
{
	unsigned order = UINT32_MAX;
	bool had = nd->nd_ref != 0;
	uint32_t ref;
	int error;

	for (unsigned i = 0; i < n && order == UINT32_MAX; i++)
		if (run_is_below(&r[i], nd->nd_kind))
			order = node_order(nd);
	if (order == UINT32_MAX)
		order = choose_order(r, n, nd);
	error = node_build(f, nd, r, n, order, &ref);
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
line_change(struct fib *f, uint32_t line, enum kind kind, uint32_t first,
    uint32_t last, const struct change *ch)
{
	struct fib_line *fl = fib_line(&f->f_mem, line);
	uint64_t *meta = fib_mem_meta(&f->f_mem, line);
	unsigned i;

	if (kind != SLOTS && line_is_below(fl, kind)) {
		if (!change_is_for(ch, fl->fl_wide[FIB_COVER], *meta, 0))
			return;
		meta_set_len(meta, 0, ch->ch_len);
		line_store(fl, WIDE, FIB_COVER, ch->ch_value);
		return;
	}
	for (i = line_run_of(fl, kind, first); i < line_runs_max(kind) &&
	    (i == 0 || fl->fl_last[i - 1] < last); i++) {
		if (change_is_for(ch, line_value(fl, kind, i), *meta, i)) {
			meta_set_len(meta, i, ch->ch_len);
			line_store(fl, kind, i, ch->ch_value);
		}
		if (fl->fl_last[i] == UINT16_MAX)
			break;
	}
}

/* A prefix in a node: the lines that it covers or the one that it is in. */
struct span {
	uint32_t	 sp_line;
	unsigned	 sp_lines;
	uint32_t	 sp_first, sp_last;	/* addresses */
	bool		 sp_whole;		/* covers them */
};

static struct span
node_span(const struct node *nd, uint32_t key, unsigned len)
{
	unsigned bits = ref_bits(nd->nd_ref);
	struct span sp = { .sp_line = fib_line_number(nd->nd_ref, key),
	    .sp_lines = 1, .sp_first = key };

	sp.sp_last = key | 0xffffu >> len;
	sp.sp_whole = len <= STRIDE - bits;
	if (sp.sp_whole)
		sp.sp_lines = 1u << (STRIDE - bits - len);
	return sp;
}

static void
span_change(struct fib *f, const struct node *nd, const struct span *sp,
    const struct change *ch)
{

	for (unsigned i = 0; i < sp->sp_lines; i++)
		line_change(f, sp->sp_line + i, nd->nd_kind,
		    sp->sp_whole ? 0 : sp->sp_first,
		    sp->sp_whole ? UINT16_MAX : sp->sp_last, ch);
}

/* Do runs begin and end where the prefix does?  `first' is the line's. */
static bool
span_is_cut(const struct fib *f, const struct span *sp, enum kind kind,
    uint32_t first, uint32_t last)
{
	const struct fib_line *fl = fib_line(&f->f_mem, sp->sp_line);
	unsigned i = line_run_of(fl, kind, sp->sp_first);
	unsigned j = line_run_of(fl, kind, sp->sp_last);

	return (sp->sp_first == first ||
	    (i > 0 && fl->fl_last[i - 1] == sp->sp_first - 1)) &&
	    (sp->sp_last == last || fl->fl_last[j] == sp->sp_last);
}

/* The node of a slot; nd_ref 0: there is none. */
static struct node
slot_node(const struct fib *f, uint64_t *slot)
{
	uint32_t ref = (uint32_t)(*slot >> 32);

	return (struct node){ .nd_ref = ref, .nd_kind = ref_kind(f, ref),
	    .nd_bits = STRIDE, .nd_slot = slot };
}

/* Go to the node below, when the prefix is of that one. */
static bool
node_below(const struct fib *f, struct node *nd, uint32_t key, unsigned len)
{
	unsigned bits = ref_bits(nd->nd_ref);
	struct fib_line *fl = fib_line(&f->f_mem,
	    fib_line_number(nd->nd_ref, key));
	uint32_t ref;

	if (len <= STRIDE - bits || !line_is_below(fl, nd->nd_kind))
		return false;
	ref = line_below(fl, nd->nd_kind);
	*nd = (struct node){ .nd_ref = ref, .nd_kind = ref_kind(f, ref),
	    .nd_first = key >> bits << bits, .nd_bits = bits, .nd_line = fl,
	    .nd_slot = nd->nd_kind == SLOTS ? &fl->fl_slot[0] : NULL };
	return true;
}

/* A prefix for which the line has no runs, but room: a copy of the node with
 * other runs in that line.  ENOMEM. */
static int
node_copy(struct fib *f, struct node *nd, const struct span *sp,
    const struct run *r, unsigned n)
{
	uint32_t old = node_line(nd), new;
	unsigned order = node_order(nd);

	new = fib_mem_alloc(&f->f_mem, order);
	if (new == FIB_NO_LINE)
		return ENOMEM;
	memcpy(fib_line(&f->f_mem, new), fib_line(&f->f_mem, old),
	    sizeof(struct fib_line) << order);
	memcpy(fib_mem_meta(&f->f_mem, new), fib_mem_meta(&f->f_mem, old),
	    sizeof(uint64_t) << order);
	line_fill(f, new + (sp->sp_line - old), nd->nd_kind, r, n);
	node_publish(f, nd, ref_make(nd, new, ref_bits(nd->nd_ref)));
	return 0;
}

/* The runs of the line that a prefix is inside of. */
static unsigned
span_runs(const struct fib *f, const struct node *nd, const struct span *sp,
    struct run *r, uint32_t *last)
{
	uint32_t size = 1u << ref_bits(nd->nd_ref);
	uint32_t first = sp->sp_first & ~(size - 1);

	*last = first + size - 1;
	return line_runs(f, sp->sp_line, nd->nd_kind, first, r);
}

/* A prefix inside one line whose runs do not begin and end with it.  EFBIG:
 * there is no room for them. */
static int
add_cut(struct fib *f, struct node *nd, const struct span *sp, uint32_t key,
    unsigned len, uint32_t value)
{
	struct run r[FIB_RUNS + 2];
	uint32_t last;
	unsigned n;

	n = span_runs(f, nd, sp, r, &last);
	n = runs_join(r, runs_set(r, n, last, key, len, value));
	return n <= line_runs_max(nd->nd_kind) ? node_copy(f, nd, sp, r, n) :
	    EFBIG;
}

/* The node that a prefix is of; nd_ref 0: there is none. */
static struct node
find_node(const struct fib *f, uint64_t *slot, uint32_t key, unsigned len)
{
	struct node nd = slot_node(f, slot);

	while (nd.nd_ref != 0 && node_below(f, &nd, key, len))
		continue;
	return nd;
}

/* All runs of a node, also of one that is not there yet. */
static unsigned
all_runs(const struct fib *f, const struct node *nd, struct run *r)
{

	if (nd->nd_ref != 0)
		return node_runs(f, nd, r);
	r[0] = (struct run){ .rn_first = 0 };
	return 1;
}

int
fib_stride_add(struct fib *f, uint64_t *slot, uint32_t key, unsigned len,
    uint32_t value)
{
	struct change ch = { 0, len, value, len };
	struct node nd = find_node(f, slot, key, len);
	struct run r[NODE_RUNS + 2];
	bool more = nd.nd_kind == NARROW && value > NARROW_MAX;
	struct span sp;
	uint32_t size;
	unsigned n;
	int error;

	if (nd.nd_ref != 0 && !more) {
		sp = node_span(&nd, key, len);
		size = 1u << ref_bits(nd.nd_ref);
		if (sp.sp_whole || span_is_cut(f, &sp, nd.nd_kind,
		    key & ~(size - 1), key | (size - 1))) {
			span_change(f, &nd, &sp, &ch);
			return 0;
		}
		error = add_cut(f, &nd, &sp, key, len, value);
		if (error != EFBIG)
			return error;
	}
	n = all_runs(f, &nd, r);
	n = runs_set(r, n, nd.nd_first + (1u << nd.nd_bits) - 1, key, len,
	    value);
	if (more)
		nd.nd_kind = WIDE;
	return node_rebuild(f, &nd, r, runs_join(r, n));
}

/* Have an address be a run by itself, with the name of the next stride's node.
 * There is room for two more. */
static unsigned
runs_hang(struct run *r, unsigned n, uint32_t last, uint32_t key, uint32_t ref)
{
	unsigned i = 0;

	n = runs_cut(r, n, key);
	if (key < last)
		n = runs_cut(r, n, key + 1);
	while (r[i].rn_first != key)
		i++;
	r[i].rn_ref = ref;
	return n;
}

int
fib_stride_hang(struct fib *f, uint64_t *slot, uint32_t key, uint32_t ref)
{
	struct node nd = find_node(f, slot, key, STRIDE);
	struct run r[NODE_RUNS + 2];
	struct span sp;
	uint32_t last;
	unsigned n;

	KASSERT(nd.nd_kind == SLOTS);
	if (nd.nd_ref != 0) {
		sp = node_span(&nd, key, STRIDE);
		n = span_runs(f, &nd, &sp, r, &last);
		n = runs_hang(r, n, last, key, ref);
		if (n <= FIB_SLOTS)
			return node_copy(f, &nd, &sp, r, n);
	}
	n = all_runs(f, &nd, r);
	n = runs_hang(r, n, nd.nd_first + (1u << nd.nd_bits) - 1, key, ref);
	return node_rebuild(f, &nd, r, n);
}

int
fib_stride_make(struct fib *f, uint32_t key, unsigned len, uint32_t value,
    uint32_t next, uint32_t *ref)
{
	struct node nd = { .nd_kind = SLOTS, .nd_bits = STRIDE };
	struct run r[3] = { { .rn_first = 0 } };
	unsigned n = 1;

	if (next != 0)
		n = runs_hang(r, n, 0xffff, key, next);
	else
		n = runs_set(r, n, 0xffff, key, len, value);
	return node_build(f, &nd, r, n, 0, ref);
}

void
fib_stride_unmake(struct fib *f, uint32_t ref)
{
	struct node nd = { .nd_ref = ref, .nd_kind = SLOTS,
	    .nd_bits = STRIDE };

	node_unmake(f, &nd, UINT32_MAX);
}

uint64_t *
fib_stride_next(const struct fib *f, uint64_t *slot, uint32_t key)
{
	struct node nd = find_node(f, slot, key, STRIDE);
	struct fib_line *fl;

	if (nd.nd_ref == 0)
		return NULL;
	fl = fib_line(&f->f_mem, fib_line_number(nd.nd_ref, key));
	slot = &fl->fl_slot[line_run_of(fl, SLOTS, key)];
	return *slot >> 32 != 0 ? slot : NULL;
}

int
fib_stride_widen(struct fib *f, uint64_t *slot, uint32_t key, unsigned len)
{
	struct node nd = find_node(f, slot, key, len);
	struct run r[NODE_RUNS + 2];
	unsigned n;

	KASSERT(nd.nd_ref != 0);
	if (nd.nd_kind != NARROW)
		return 0;
	n = node_runs(f, &nd, r);
	nd.nd_kind = WIDE;
	return node_rebuild(f, &nd, r, n);
}

static bool
line_is_empty(const struct fib *f, uint32_t line, enum kind kind)
{
	const struct fib_line *fl = fib_line(&f->f_mem, line);

	if (line_is_below(fl, kind))
		return false;
	for (unsigned i = 0;; i++) {
		if (line_value(fl, kind, i) != 0 || line_next(fl, kind, i) != 0)
			return false;
		if (fl->fl_last[i] == UINT16_MAX)
			return true;
	}
}

static bool
node_is_empty(const struct fib *f, const struct node *nd)
{

	for (unsigned i = 0; i < 1u << node_order(nd); i++)
		if (!line_is_empty(f, node_line(nd) + i, nd->nd_kind))
			return false;
	return true;
}

/* A node with fewer runs than it had may have room in fewer lines; when there
 * is no memory for them it stays. */
static void
node_shrink(struct fib *f, struct node *nd)
{
	struct run r[NODE_RUNS];
	unsigned n = node_runs(f, nd, r);

	for (unsigned i = 0; i < n; i++)
		if (run_is_below(&r[i], nd->nd_kind))
			return;
	if (choose_order(r, n, nd) < node_order(nd))
		(void)node_rebuild(f, nd, r, n);
}

/* The nodes of a stride on the way to a prefix. */
struct way {
	struct node	 wy_node[LEVELS + 1];
	unsigned	 wy_n;
};

/*
 * Take out nodes in which nothing is left, from the last of them upwards; true:
 * the stride has none any more.  A line that named one has its own value for
 * all of its addresses then, as its runs' last addresses say already.
 */
static bool
tidy(struct fib *f, struct way *wy, uint32_t key)
{
	struct node *nd = &wy->wy_node[wy->wy_n - 1];

	for (;; nd--) {
		if (!line_is_empty(f, fib_line_number(nd->nd_ref, key),
		    nd->nd_kind))
			return false;
		if (!node_is_empty(f, nd)) {
			node_shrink(f, nd);
			return false;
		}
		count_nodes(f, -1u);
		if (nd->nd_slot != NULL)
			node_publish(f, nd, 0);
		else {
			line_store(nd->nd_line, nd[-1].nd_kind, 0,
			    nd->nd_line->fl_wide[FIB_COVER]);
			fib_mem_retire(&f->f_mem, node_line(nd),
			    node_order(nd));
		}
		if (nd == wy->wy_node)
			return true;
	}
}

bool
fib_stride_tidy(struct fib *f, uint64_t *slot, uint32_t key)
{
	struct way wy = { .wy_n = 1 };

	wy.wy_node[0] = slot_node(f, slot);
	for (;; wy.wy_n++) {
		KASSERT(wy.wy_n <= LEVELS);
		wy.wy_node[wy.wy_n] = wy.wy_node[wy.wy_n - 1];
		if (!node_below(f, &wy.wy_node[wy.wy_n], key, STRIDE))
			return tidy(f, &wy, key);
	}
}

/*
 * On the way down a line that names a node learns the cover, if that is the
 * line's: what is longer may have hidden it when the node was made.
 */
bool
fib_stride_remove(struct fib *f, uint64_t *slot, uint32_t key, unsigned len,
    uint32_t cover, unsigned cover_len)
{
	struct change ch = { 0, cover_len - 1, cover, cover_len };
	struct way wy = { .wy_n = 1 };
	struct node *nd = wy.wy_node;
	struct span sp;

	*nd = slot_node(f, slot);
	KASSERT(nd->nd_ref != 0);
	for (;;) {
		nd[1] = *nd;
		if (!node_below(f, &nd[1], key, len))
			break;
		if (cover_len > STRIDE - nd[0].nd_bits &&
		    cover_len <= STRIDE - nd[1].nd_bits)
			line_change(f, fib_line_number(nd->nd_ref, key),
			    nd->nd_kind, 0, UINT16_MAX, &ch);
		nd++;
		wy.wy_n++;
		KASSERT(wy.wy_n <= LEVELS);
	}
	ch = (struct change){ len, len, 0, 0 };
	if (cover_len > STRIDE - nd->nd_bits) {
		ch.ch_value = cover;
		ch.ch_len = cover_len;
	}
	sp = node_span(nd, key, len);
	span_change(f, nd, &sp, &ch);
	return tidy(f, &wy, key);
}
