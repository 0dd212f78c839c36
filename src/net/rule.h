/*
 * rule: rules that pick the table of routes for a packet (policy routing).
 *
 * Rules are walked in the order of their numbers.  One fits by the interface a
 * packet came by, its source, its destination and its mark, whatever it names
 * of these.  The first that fits and whose table has a route to the destination
 * decides; or the first that fits and refuses.  If none does, the table of the
 * interface decides as without rules, and so it does for addresses of this
 * host and broadcast addresses, before any rule.
 *
 * Readers find an array in the vnet (rv_rules), NULL while there are no rules;
 * a change makes a new one.
 */

#ifndef NET_RULE_H
#define NET_RULE_H

#include "net/route.h"

#define RULE_NUMBER_MAX	65535
#define RULE_STEP	10	/* from the last number to the next */
#define RULES_MAX	1024	/* of a vnet */

enum rule_action { RULE_TABLE, RULE_REJECT, RULE_BLACKHOLE, RULE_NACTIONS };

/* The packets that a rule is about, and what it does. */
struct rule_spec {
	uint32_t	 rs_number;	/* 0: behind the last one */
	uint8_t		 rs_family;	/* of the prefixes; AF_UNSPEC: it names
					 * none */
	uint8_t		 rs_srclen, rs_dstlen;	/* 0: any */
	uint8_t		 rs_action;	/* RULE_* */
	union neigh_addr rs_src, rs_dst; /* network order; bits past the length
					 * are 0 */
	uint32_t	 rs_mark, rs_markmask;	/* 0, 0: any */
	uint32_t	 rs_table;	/* RULE_TABLE */
	char		 rs_ifname[IFNAMSIZ];	/* "": any, and packets of this
						 * host's own */
};

struct rule_info {
	struct rule_spec ri_spec;
	uint64_t	 ri_packets;	/* that it decided on */
};

/* A rule as readers see it; constant, but for its counters. */
struct ip_rule {
	struct rule_spec ir_spec;
	struct rt_table	*ir_table;	/* RULE_TABLE; held */
	const struct nexthop *ir_refusal; /* or what refuses */
	struct rule_count *ir_count;	/* one a CPU */
};

struct ip_rules {
	struct kern_defer is_defer;
	struct kern	*is_kern;
	unsigned	 is_n;
	const struct ip_rule *is_rule[];
};

/* Control, all of these. */

/* EAFNOSUPPORT (no family that has rules), EEXIST (number in use), EINVAL,
 * ENOSPC, ENOMEM; of the table as rt_table_hold(). */
int	rule_add(struct vnet *, const struct rule_spec *, uint32_t *number);
/* ENOENT; ENOMEM. */
int	rule_delete(struct vnet *, uint32_t number);
void	rule_flush(struct vnet *);
/* In order, until fn returns nonzero, which is returned. */
int	rule_list(struct vnet *, int (*fn)(const struct rule_info *, void *),
	    void *);

/* Any: the vnet's rules, or NULL.  Read section. */
static inline const struct ip_rules *
rules_of(const struct vnet *vn)
{

	return __atomic_load_n(&vn->vn_route->rv_rules, __ATOMIC_CONSUME);
}

/*
 * CPU, read section: how a packet to a destination goes by the rules,
 * where `fd' is what the table of its interface says; a group as it is.  name:
 * of the interface it came by, all IFNAMSIZ bytes; NULL: it is this host's own.
 * *by is the rule that decides, or NULL: it is counted by whoever sends the
 * packet there, once.
 */
struct fwd rules_lookup4(const struct ip_rules *, const char *name,
	    uint32_t src, uint32_t dst, uint32_t mark, struct fwd fd,
	    const struct ip_rule **by);
/* Likewise of IPv6, between addresses of the wire; the destination means the
 * same everywhere: packets to others stay on their link, by whatever rule. */
struct fwd rules_lookup6(const struct ip_rules *, const char *name,
	    const void *src, const void *dst, uint32_t mark, struct fwd fd,
	    const struct ip_rule **by);
/* CPU: a rule (or NULL: none) has decided on a packet. */
void	rule_count(const struct ip_rule *);

#endif /* !NET_RULE_H */
