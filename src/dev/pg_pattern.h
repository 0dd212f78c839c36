/*
 * pg_pattern: a set of values that a stream of packets goes through: addresses,
 * ports, sizes.
 *
 *	10.2.0.2		a value
 *	10.2.0.2-10.2.0.99	a range
 *	10.2.0.0/16		a prefix, all addresses of it
 *	10.2.0.2,10.3.0.0/24	a list of these
 *
 * The values are gone through in the order in which they are written, over and
 * over again, or chosen at random by the stream's generator.  A value has room
 * for any family's address.
 */

#ifndef DEV_PG_PATTERN_H
#define DEV_PG_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

/* Elements of a list. */
#define PG_RANGES	16
/* Values of a pattern. */
#define PG_VALUES_MAX	(1ULL << 48)

/* A number of up to 128 bits. */
struct pg_value {
	uint64_t	 v_high, v_low;
};

/*
 * The kind of the values of a pattern.
 */
struct pg_kind {
	const char	*k_what;	/* "an IPv4 address" */
	unsigned	 k_bits;	/* of an address; 0: no prefixes */
	uint64_t	 k_min, k_max;	/* of a number */
	/* The value of a text that is one; NULL: decimal numbers. */
	bool		(*k_parse)(const char *, struct pg_value *);
};

extern const struct pg_kind pg_kind_inet, pg_kind_port, pg_kind_size;

struct pg_range {
	struct pg_value	 r_first;
	uint64_t	 r_count;
};

/* A pattern; zeroed, it has no values. */
struct pg_pattern {
	uint64_t	 p_count;	/* of values; constant */
	unsigned	 p_n;		/* ranges; constant */
	unsigned	 p_at;		/* the CPU's: the next value's range */
	uint64_t	 p_offset;	/* the CPU's: its place in the range */
	struct pg_range	 p_range[PG_RANGES];	/* constant */
};

/* Control: the pattern of a text.  EINVAL, in words that begin with the name of
 * the parameter. */
int	pg_pattern_parse(struct pg_pattern *, const struct pg_kind *,
	    const char *name, const char *text);
/* Control: as if the text had been the value `v'. */
void	pg_pattern_one(struct pg_pattern *, uint64_t v);
/* Any: the value with an index below p_count, in the order of the text. */
struct pg_value pg_pattern_value(const struct pg_pattern *, uint64_t index);
/* Any: the smallest and the largest value, where they are numbers; and the mean
 * of all. */
uint64_t pg_pattern_least(const struct pg_pattern *);
uint64_t pg_pattern_most(const struct pg_pattern *);
uint64_t pg_pattern_mean(const struct pg_pattern *);

static inline struct pg_value
pg_value_add(struct pg_value v, uint64_t n)
{

	v.v_low += n;
	v.v_high += v.v_low < n;
	return v;
}

/* CPU: the next value in order.  The pattern has one. */
static inline struct pg_value
pg_pattern_next(struct pg_pattern *p)
{
	const struct pg_range *r = &p->p_range[p->p_at];
	struct pg_value v = pg_value_add(r->r_first, p->p_offset);

	if (++p->p_offset >= r->r_count) {
		p->p_offset = 0;
		if (++p->p_at >= p->p_n)
			p->p_at = 0;
	}
	return v;
}

#endif /* !DEV_PG_PATTERN_H */
