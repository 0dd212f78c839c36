/*
 * Rules that pick the table of routes for a packet: an array for readers, which
 * a change replaces whole.
 */

#include "net/rule.h"

#include <errno.h>
#include <string.h>

#include "net/if_stats_impl.h"
#include "net/route_impl.h"
#include "proto/prefix.h"

/* One CPU's counter of a rule. */
struct rule_count {
	uint64_t	 rc_packets;
} __attribute__((__aligned__(64)));

/* --- the packet path ----------------------------------------------------- */

static inline bool
within4(uint32_t addr, uint32_t prefix, unsigned len)
{

	return ((addr ^ prefix) & htonl(prefix_mask(len))) == 0;
}

static inline bool
within6(const union neigh_addr *addr, const union neigh_addr *prefix,
    unsigned len)
{
	uint64_t hi = be64toh(addr->na_words[0] ^ prefix->na_words[0]);
	uint64_t lo = be64toh(addr->na_words[1] ^ prefix->na_words[1]);

	if (len <= 64)
		return len == 0 || hi >> (64 - len) == 0;
	return hi == 0 && lo >> (128 - len) == 0;
}

/* Does the rule fit by what is no family's? */
static inline bool
fits_any(const struct rule_spec *rs, const char *name, uint32_t mark)
{

	return (rs->rs_ifname[0] == '\0' || (name != NULL &&
	    memcmp(rs->rs_ifname, name, IFNAMSIZ) == 0)) &&
	    ((mark ^ rs->rs_mark) & rs->rs_markmask) == 0;
}

static bool
fits4(const struct rule_spec *rs, uint32_t src, uint32_t dst)
{

	return rs->rs_family == AF_UNSPEC || (rs->rs_family == AF_INET &&
	    within4(src, rs->rs_src.na_4, rs->rs_srclen) &&
	    within4(dst, rs->rs_dst.na_4, rs->rs_dstlen));
}

static bool
fits6(const struct rule_spec *rs, const union neigh_addr *src,
    const union neigh_addr *dst)
{

	return rs->rs_family == AF_UNSPEC || (rs->rs_family == AF_INET6 &&
	    within6(src, &rs->rs_src, rs->rs_srclen) &&
	    within6(dst, &rs->rs_dst, rs->rs_dstlen));
}

struct fwd
rules_lookup4(const struct ip_rules *rules, const char *name, uint32_t src,
    uint32_t dst, uint32_t mark, struct fwd fd, const struct ip_rule **byp)
{
	const struct ip_rule *ir;
	struct fwd by;

	*byp = NULL;
	if (fwd_is_local(&fd) || fwd_is_broadcast(&fd))
		return fd;
	for (unsigned i = 0; i < rules->is_n; i++) {
		ir = rules->is_rule[i];
		if (!fits_any(&ir->ir_spec, name, mark) ||
		    !fits4(&ir->ir_spec, src, dst))
			continue;
		by = ir->ir_table != NULL ? rt_lookup4_raw(ir->ir_table, dst) :
		    (struct fwd){ ir->ir_refusal, FWD_OTHER };
		if (by.fd_nh == NULL)
			continue;
		*byp = ir;
		return by;
	}
	return fd;
}

struct fwd
rules_lookup6(const struct ip_rules *rules, const char *name, const void *src,
    const void *dst, uint32_t mark, struct fwd fd, const struct ip_rule **byp)
{
	const struct ip_rule *ir;
	union neigh_addr s, d;
	struct fwd by;

	*byp = NULL;
	if (fwd_is_local(&fd))
		return fd;
	memcpy(&s, src, sizeof(s));
	memcpy(&d, dst, sizeof(d));
	for (unsigned i = 0; i < rules->is_n; i++) {
		ir = rules->is_rule[i];
		if (!fits_any(&ir->ir_spec, name, mark) ||
		    !fits6(&ir->ir_spec, &s, &d))
			continue;
		by = ir->ir_table != NULL ?
		    rt_lookup6_raw(ir->ir_table, d.na_bytes) :
		    (struct fwd){ ir->ir_refusal, FWD_OTHER };
		if (by.fd_nh == NULL)
			continue;
		*byp = ir;
		return by;
	}
	return fd;
}

void
rule_count(const struct ip_rule *ir)
{

	if (ir != NULL)
		cpu_stat_add(&ir->ir_count[net_curcpu()->ci_index].rc_packets,
		    1);
}

/* --- changes; route lock ------------------------------------------------- */

static void
rule_free(struct kern *k, struct ip_rule *ir)
{

	if (ir->ir_table != NULL)
		rt_table_drop(ir->ir_table);
	host_free(k->k_host, ir->ir_count);
	kmem_free(k, ir);
}

static struct ip_rules *
array_new(struct kern *k, unsigned n)
{
	struct ip_rules *is = kmem_zalloc(k, sizeof(*is) +
	    n * sizeof(is->is_rule[0]));

	if (is != NULL) {
		is->is_kern = k;
		is->is_n = n;
	}
	return is;
}

static void
array_free(struct kern_defer *kd)
{
	struct ip_rules *is = (struct ip_rules *)(void *)((char *)kd -
	    offsetof(struct ip_rules, is_defer));

	kmem_free(is->is_kern, is);
}

/* Readers find the new one from now on. */
static void
array_publish(struct vnet *vn, struct ip_rules *is)
{
	struct ip_rules *old = vn->vn_route->rv_rules;

	__atomic_store_n(&vn->vn_route->rv_rules, is, __ATOMIC_RELEASE);
	if (old != NULL)
		kern_defer(vn->vn_kern, &old->is_defer, array_free);
}

/* The rules that there are. */
static unsigned
count_of(const struct vnet *vn)
{

	return vn->vn_route->rv_rules == NULL ? 0 :
	    vn->vn_route->rv_rules->is_n;
}

/* The place of a number, or where it would be. */
static unsigned
place_of(const struct vnet *vn, uint32_t number)
{
	unsigned i, n = count_of(vn);

	for (i = 0; i < n && vn->vn_route->rv_rules->is_rule[i]->ir_spec.
	    rs_number < number; i++)
		continue;
	return i;
}

static bool
is_there(const struct vnet *vn, unsigned place, uint32_t number)
{

	return place < count_of(vn) && vn->vn_route->rv_rules->is_rule[place]->
	    ir_spec.rs_number == number;
}

static int
number_new(const struct vnet *vn, struct rule_spec *rs)
{
	unsigned n = count_of(vn);
	uint32_t last;

	if (n >= RULES_MAX)
		return kern_refuse(ENOSPC, "there are %u rules, as many as "
		    "there may be", n);
	if (rs->rs_number != 0)
		return is_there(vn, place_of(vn, rs->rs_number),
		    rs->rs_number) ? kern_refuse(EEXIST, "there is a rule %u "
		    "(rule list shows all)", rs->rs_number) : 0;
	last = n == 0 ? 0 : vn->vn_route->rv_rules->is_rule[n - 1]->ir_spec.
	    rs_number;
	if (last > RULE_NUMBER_MAX - RULE_STEP)
		return kern_refuse(ENOSPC, "no number is left behind the last "
		    "rule; give one");
	rs->rs_number = last + RULE_STEP;
	return 0;
}

static int
insert(struct vnet *vn, struct ip_rule *ir)
{
	const struct ip_rules *old = vn->vn_route->rv_rules;
	unsigned place, n = count_of(vn);
	struct ip_rules *is;
	int error;

	error = number_new(vn, &ir->ir_spec);
	if (error != 0)
		return error;
	is = array_new(vn->vn_kern, n + 1);
	if (is == NULL)
		return ENOMEM;
	place = place_of(vn, ir->ir_spec.rs_number);
	for (unsigned i = 0; i < n; i++)
		is->is_rule[i + (i >= place)] = old->is_rule[i];
	is->is_rule[place] = ir;
	array_publish(vn, is);
	return 0;
}

static int
take(struct vnet *vn, uint32_t number, struct ip_rule **irp)
{
	const struct ip_rules *old = vn->vn_route->rv_rules;
	unsigned place = place_of(vn, number), n = count_of(vn);
	struct ip_rules *is = NULL;

	if (!is_there(vn, place, number))
		return kern_refuse(ENOENT, "there is no rule %u (rule list "
		    "shows all)", number);
	if (n > 1) {
		is = array_new(vn->vn_kern, n - 1);
		if (is == NULL)
			return ENOMEM;
		for (unsigned i = 0; i < n - 1; i++)
			is->is_rule[i] = old->is_rule[i + (i >= place)];
	}
	*irp = (struct ip_rule *)(uintptr_t)old->is_rule[place];
	array_publish(vn, is);
	return 0;
}

/* --- requests ------------------------------------------------------------ */

static int
check(const struct rule_spec *rs)
{
	const uint8_t most = rs->rs_family == AF_INET ? 32 :
	    rs->rs_family == AF_INET6 ? 128 : 0;

	if (rs->rs_number > RULE_NUMBER_MAX || rs->rs_action >= RULE_NACTIONS)
		return kern_refuse(EINVAL, "a rule has a number up to %d and "
		    "an action", RULE_NUMBER_MAX);
	if (rs->rs_family != AF_UNSPEC && rs->rs_family != AF_INET &&
	    rs->rs_family != AF_INET6)
		return kern_refuse(EAFNOSUPPORT, "the prefixes of a rule are "
		    "IPv4's or IPv6's");
	if (rs->rs_srclen > most || rs->rs_dstlen > most)
		return kern_refuse(EINVAL, "a prefix is of up to %u bits",
		    most);
	if ((rs->rs_mark & ~rs->rs_markmask) != 0)
		return kern_refuse(EINVAL, "the mark has bits that its mask "
		    "leaves out");
	if (memchr(rs->rs_ifname, '\0', IFNAMSIZ) == NULL)
		return kern_refuse(EINVAL, "the interface's name is too long");
	return 0;
}

int
rule_add(struct vnet *vn, const struct rule_spec *rs, uint32_t *number)
{
	static const struct nexthop refusals[RULE_NACTIONS] = {
		[RULE_REJECT] = { .nh_flags = NH_REJECT },
		[RULE_BLACKHOLE] = { .nh_flags = NH_BLACKHOLE },
	};
	struct kern *k = vn->vn_kern;
	struct ip_rule *ir;
	int error;

	error = check(rs);
	if (error != 0)
		return error;
	ir = kmem_zalloc(k, sizeof(*ir));
	if (ir == NULL)
		return ENOMEM;
	ir->ir_spec = *rs;
	/* Names are compared with all their bytes. */
	memset(ir->ir_spec.rs_ifname, 0, IFNAMSIZ);
	memcpy(ir->ir_spec.rs_ifname, rs->rs_ifname, strlen(rs->rs_ifname));
	ir->ir_count = host_alloc(k->k_host,
	    kern_ncpu(k) * sizeof(*ir->ir_count), 64);
	error = ir->ir_count == NULL ? ENOMEM : 0;
	if (error == 0 && rs->rs_action == RULE_TABLE)
		error = rt_table_hold(vn, rs->rs_table, true, &ir->ir_table);
	else
		ir->ir_refusal = &refusals[rs->rs_action];
	if (error == 0) {
		route_lock(vn);
		error = insert(vn, ir);
		*number = ir->ir_spec.rs_number;
		route_unlock(vn);
	}
	if (error != 0)
		rule_free(k, ir);
	return error;
}

int
rule_delete(struct vnet *vn, uint32_t number)
{
	struct ip_rule *ir = NULL;
	int error;

	route_lock(vn);
	error = take(vn, number, &ir);
	route_unlock(vn);
	if (error != 0)
		return error;
	pserialize_perform(vn->vn_kern);
	rule_free(vn->vn_kern, ir);
	return 0;
}

void
rule_flush(struct vnet *vn)
{
	struct ip_rules *is;

	route_lock(vn);
	is = vn->vn_route->rv_rules;
	__atomic_store_n(&vn->vn_route->rv_rules, NULL, __ATOMIC_RELEASE);
	route_unlock(vn);
	if (is == NULL)
		return;
	pserialize_perform(vn->vn_kern);
	for (unsigned i = 0; i < is->is_n; i++)
		rule_free(vn->vn_kern,
		    (struct ip_rule *)(uintptr_t)is->is_rule[i]);
	kmem_free(vn->vn_kern, is);
}

int
rule_list(struct vnet *vn, int (*fn)(const struct rule_info *, void *),
    void *arg)
{
	const struct ip_rules *is;
	struct rule_info ri;
	int result = 0;

	route_lock(vn);
	is = vn->vn_route->rv_rules;
	for (unsigned i = 0; i < count_of(vn) && result == 0; i++) {
		ri.ri_spec = is->is_rule[i]->ir_spec;
		ri.ri_packets = 0;
		for (unsigned c = 0; c < kern_ncpu(vn->vn_kern); c++)
			ri.ri_packets += __atomic_load_n(&is->is_rule[i]->
			    ir_count[c].rc_packets, __ATOMIC_RELAXED);
		result = fn(&ri, arg);
	}
	route_unlock(vn);
	return result;
}
