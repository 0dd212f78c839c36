/*
 * Patterns: sets of values from texts, and the value at an index.
 */

#include "dev/pg_pattern.h"

#include <ifnet/kern.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* Room for an element: two addresses of any family. */
#define ELEMENT_SIZE	96

static bool
parse_inet(const char *text, struct pg_value *v)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return false;
	v->v_high = 0;
	v->v_low = ntohl(in.s_addr);
	return true;
}

const struct pg_kind pg_kind_inet = {
	.k_what = "an IPv4 address", .k_bits = 32, .k_max = UINT32_MAX,
	.k_parse = parse_inet,
};
const struct pg_kind pg_kind_port = {
	.k_what = "a port", .k_max = 65535,
};
/* Ethernet, IPv4 and UDP headers, 4 bytes of data and the check sequence. */
const struct pg_kind pg_kind_size = {
	.k_what = "a frame's size in bytes", .k_min = 50, .k_max = 1518,
};

static bool
parse_number(const char *text, uint64_t max, uint64_t *v)
{
	uint64_t n = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || n > max)
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	*v = n;
	return n <= max;
}

static int
parse_value(const struct pg_kind *kind, const char *name, const char *text,
    struct pg_value *v)
{

	v->v_high = 0;
	if (kind->k_parse != NULL) {
		if (kind->k_parse(text, v))
			return 0;
		return kern_refuse(EINVAL, "%s: %.48s is not %s", name, text,
		    kind->k_what);
	}
	if (!parse_number(text, kind->k_max, &v->v_low) ||
	    v->v_low < kind->k_min)
		return kern_refuse(EINVAL, "%s: %.48s is not %s from %llu to "
		    "%llu", name, text, kind->k_what,
		    (unsigned long long)kind->k_min,
		    (unsigned long long)kind->k_max);
	return 0;
}

/* Parse "ADDRESS/LENGTH". */
static int
parse_prefix(const struct pg_kind *kind, const char *name, char *text,
    char *slash, struct pg_range *r)
{
	uint64_t len, host;
	int error;

	if (kind->k_bits == 0)
		return kern_refuse(EINVAL, "%s: %.48s is not %s", name, text,
		    kind->k_what);
	*slash = '\0';
	error = parse_value(kind, name, text, &r->r_first);
	if (error != 0)
		return error;
	if (!parse_number(slash + 1, kind->k_bits, &len))
		return kern_refuse(EINVAL, "%s: a prefix's length is 0 to %u, "
		    "and not %.16s", name, kind->k_bits, slash + 1);
	host = kind->k_bits - len;
	if (host > 48)
		return kern_refuse(EINVAL, "%s: a prefix of %llu bits has too "
		    "many addresses", name, (unsigned long long)len);
	r->r_count = 1ULL << host;
	if ((r->r_first.v_low & (r->r_count - 1)) != 0)
		return kern_refuse(EINVAL, "%s: %.48s has bits behind the "
		    "first %llu, so it is no prefix of this length", name,
		    text, (unsigned long long)len);
	return 0;
}

/* Parse "FIRST-LAST". */
static int
parse_range(const struct pg_kind *kind, const char *name, char *text,
    char *dash, struct pg_range *r)
{
	struct pg_value last;
	int error;

	*dash = '\0';
	error = parse_value(kind, name, text, &r->r_first);
	if (error == 0)
		error = parse_value(kind, name, dash + 1, &last);
	if (error != 0)
		return error;
	if (last.v_high != r->r_first.v_high || last.v_low < r->r_first.v_low)
		return kern_refuse(EINVAL, "%s: the range from %.40s to %.40s "
		    "has its end before its beginning", name, text, dash + 1);
	r->r_count = last.v_low - r->r_first.v_low + 1;
	return 0;
}

static int
parse_element(const struct pg_kind *kind, const char *name, char *text,
    struct pg_range *r)
{
	char *at;

	at = strchr(text, '/');
	if (at != NULL)
		return parse_prefix(kind, name, text, at, r);
	at = strchr(text, '-');
	if (at != NULL)
		return parse_range(kind, name, text, at, r);
	r->r_count = 1;
	return parse_value(kind, name, text, &r->r_first);
}

int
pg_pattern_parse(struct pg_pattern *p, const struct pg_kind *kind,
    const char *name, const char *text)
{
	char element[ELEMENT_SIZE];
	size_t len;
	int error;

	memset(p, 0, sizeof(*p));
	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (len >= sizeof(element))
			return kern_refuse(EINVAL, "%s: %.48s is too long",
			    name, text);
		if (p->p_n == PG_RANGES)
			return kern_refuse(EINVAL, "%s: a list has at most %d "
			    "elements", name, PG_RANGES);
		memcpy(element, text, len);
		element[len] = '\0';
		error = parse_element(kind, name, element,
		    &p->p_range[p->p_n]);
		if (error != 0)
			return error;
		p->p_count += p->p_range[p->p_n++].r_count;
		if (p->p_count > PG_VALUES_MAX)
			return kern_refuse(EINVAL, "%s: more than 2^48 values",
			    name);
		if (text[len] == '\0')
			return 0;
	}
}

void
pg_pattern_one(struct pg_pattern *p, uint64_t v)
{

	memset(p, 0, sizeof(*p));
	p->p_n = 1;
	p->p_count = p->p_range[0].r_count = 1;
	p->p_range[0].r_first.v_low = v;
}

struct pg_value
pg_pattern_value(const struct pg_pattern *p, uint64_t index)
{
	const struct pg_range *r = p->p_range;

	for (; index >= r->r_count; r++)
		index -= r->r_count;
	return pg_value_add(r->r_first, index);
}

uint64_t
pg_pattern_least(const struct pg_pattern *p)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < p->p_n; i++)
		if (p->p_range[i].r_first.v_low < least)
			least = p->p_range[i].r_first.v_low;
	return least;
}

uint64_t
pg_pattern_most(const struct pg_pattern *p)
{
	uint64_t most = 0, last;

	for (unsigned i = 0; i < p->p_n; i++) {
		last = p->p_range[i].r_first.v_low + p->p_range[i].r_count - 1;
		if (last > most)
			most = last;
	}
	return most;
}

uint64_t
pg_pattern_mean(const struct pg_pattern *p)
{
	const struct pg_range *r;
	uint64_t sum = 0;

	for (unsigned i = 0; i < p->p_n; i++) {
		r = &p->p_range[i];
		sum += (2 * r->r_first.v_low + r->r_count - 1) * r->r_count / 2;
	}
	return p->p_count == 0 ? 0 : sum / p->p_count;
}
