/*
 * if_addr_net: the prefixes of interfaces' addresses, of all families, for
 * readers: which address has this very prefix, or the longest one that contains
 * an address.
 *
 * The longest prefix of an address is found by a forwarding table (fib.h) of
 * each family, whose value is a number that stands for the first address of the
 * prefix (nexthop.h: for the next hop in it).  One very prefix is found in a
 * hash table.  A family has the set of the lengths that are in use as well:
 * shorter prefixes of an address are looked up one by one, each with one
 * lookup.  A router has three or four lengths, whatever the number of its
 * addresses.  So is the longest as long as there are few prefixes, and a vnet
 * that has few needs no forwarding tables for them.
 *
 * Addresses with one prefix are a chain (PA_NET), the first of which is in the
 * tables.  Writers have ifv_lock; readers are in a read section.
 */

#ifndef NET_IF_ADDR_NET_H
#define NET_IF_ADDR_NET_H

#include "kern/khash.h"
#include "net/fib.h"
#include "net/nexthop.h"
#include "proto/prefix.h"

struct protoaddr;

#define IF_NETS_FEW	8u

struct if_lens {
	uint64_t	 il_set[3];	/* a: a bit for each length */
	uint32_t	 il_count[PREFIX_BITS6 + 1];	/* l: prefixes */
	struct fib	 il_fib;	/* rcu; l: */
	bool		 il_has_fib;	/* a: from IF_NETS_FEW prefixes on, in
					 * both families together */
};

/* The prefixes of the addresses in one table of routes. */
struct if_nets {
	struct khash	 in_hash;	/* rcu; l: */
	struct nh_table	 in_numbers;	/* rcu; l: while there is a forwarding
					 * table */
	struct if_lens	 in_lens[2];	/* of IPv4, IPv6 */
};

/* Control: make an empty table; NULL: no memory.  Its end; it must be
 * empty. */
struct if_nets *if_nets_create(struct kern *);
void	if_nets_destroy(struct if_nets *);
/* l: enter an address, the first of its prefix.  ENOMEM: nothing happened. */
int	if_nets_insert(struct if_nets *, struct protoaddr *);
/* l: take out the first of a prefix, or put another one of the same prefix in
 * its place. */
void	if_nets_remove(struct if_nets *, struct protoaddr *);
void	if_nets_replace(struct if_nets *, struct protoaddr *old,
	    struct protoaddr *new);
/* l:, or read section: the first address of exactly that prefix, or NULL. */
struct protoaddr *if_nets_find(const struct if_nets *, const struct prefix *);
/*
 * Likewise: of the prefixes that contain pf and are shorter than *len, the
 * longest: its first address, and *len is its length; NULL: there is none.
 * Begins with *len beyond that of pf.
 */
struct protoaddr *if_nets_longest(const struct if_nets *,
	    const struct prefix *pf, unsigned *len);

#endif /* !NET_IF_ADDR_NET_H */
