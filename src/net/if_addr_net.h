/*
 * if_addr_net: the prefixes of interfaces' addresses, of all families, for
 * readers: which address has this very prefix, or the longest one that contains
 * an address.
 *
 * IPv4's are in a trie (lpm.h), which takes two or three loads.  IPv6's are in
 * a hash table by prefix, with the set of the lengths that are in use: a search
 * tries these from the longest on, each with one lookup; a router has three or
 * four lengths, whatever the number of its addresses.  Forwarding tables
 * (fib.h) would do for both, but took five times as long as the trie: a number
 * stands between a prefix and its address in them, and a lookup is of many more
 * instructions.
 *
 * Addresses with one prefix are a chain (PA_NET), the first of which is in the
 * table.  Writers have ifv_lock; readers are in a read section.
 */

#ifndef NET_IF_ADDR_NET_H
#define NET_IF_ADDR_NET_H

#include "kern/khash.h"
#include "net/lpm.h"
#include "proto/prefix.h"

struct protoaddr;

/* The prefixes of the addresses in one table of routes. */
struct if_nets {
	struct lpm	 in_ip4;	/* rcu; l: */
	struct khash	 in_ip6;	/* rcu; l: */
	uint64_t	 in_lens[3];	/* a: a bit for each length of IPv6 */
	uint32_t	 in_count[PREFIX_BITS6 + 1];	/* l: prefixes */
};

/* Control: make an empty table; ENOMEM.  Its end; it must be empty. */
int	if_nets_init(struct kern *, struct if_nets *);
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
