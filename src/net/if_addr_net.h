/*
 * if_addr_net: the prefixes of interfaces' addresses, of all families, for
 * readers: which address has this very prefix, or the longest one that contains
 * an address.
 *
 * A hash table by prefix, and for each family the set of the lengths that are
 * in use: a search for the longest prefix tries these from the longest on, each
 * with one lookup.  A router has three or four lengths, whatever the number of
 * its addresses.
 *
 * Addresses with one prefix are a chain (PA_NET), the first of which is in the
 * table.  Writers have ifv_lock; readers are in a read section.  A prefix's
 * length is in the set before the prefix is in the table, and until after it
 * is not, so a reader finds what is there all the time.
 */

#ifndef NET_IF_ADDR_NET_H
#define NET_IF_ADDR_NET_H

#include "kern/khash.h"
#include "proto/prefix.h"

struct protoaddr;

struct if_lens {
	uint64_t	 il_set[3];	/* a: a bit for each length */
	uint32_t	 il_count[PREFIX_BITS6 + 1];	/* l: prefixes */
};

/* The prefixes of the addresses in one table of routes. */
struct if_nets {
	struct khash	 in_hash;	/* rcu; l: */
	struct if_lens	 in_lens[2];	/* of IPv4, IPv6 */
};

/* Any: make an empty table; never fails.  Its end; it must be empty. */
void	if_nets_init(struct kern *, struct if_nets *);
void	if_nets_fini(struct if_nets *);
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
