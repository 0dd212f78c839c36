/*
 * if_addr_give: an address is given to an interface, with the routes that it
 * brings along, and taken away again, for all families.
 *
 * An address brings along a host route to itself (RTF_LOCAL), a route to its
 * prefix or far end (RTF_CONNECTED), and on a link with broadcasts a route to
 * its broadcast address.  If several addresses bring a route to the same
 * destination, the route to a local address has precedence, then routes to far
 * ends and prefixes, then to broadcast addresses; among equals the first one
 * stays.  When a route goes, the next address by rank gets it, and among equals
 * the address on the interface with the lowest index.
 */

#ifndef NET_IF_ADDR_GIVE_H
#define NET_IF_ADDR_GIVE_H

#include "net/route.h"

/* Control, i: one of its family's addresses: how an interface's driver, its
 * history and listeners are told is as for any other. */

/*
 * Give an interface an address that its family has made, in place of `old' if
 * that is not NULL, and drop the caller's reference.  On an error nothing is
 * changed: ENOMEM, or as ifa_insert() and rt_add().
 */
int	ifa_give(struct ifnet *, struct ifaddr *, struct ifaddr *old);
/* Take an address out of every list and table, and tell that it is gone. */
void	ifa_take(struct ifnet *, struct ifaddr *);

/*
 * Any: the kind of route to a prefix that an address brings along: RTF_LOCAL,
 * RTF_CONNECTED, RTF_BROADCAST or 0; and how it ranks among others, above 0 if
 * it brings one, for ifa_best(), with a struct prefix.
 */
uint32_t ifa_brings(const struct ifaddr *, const struct prefix *);
int	ifa_rank(const struct ifaddr *, void *prefix);
#define IFA_RANK_CONNECTED	2
/*
 * Control, no lock of routes: a route of the table to this prefix is gone: the
 * next address that brings one along gives it.
 */
void	rt_inherit(struct rt_table *, const struct prefix *);

#endif /* !NET_IF_ADDR_GIVE_H */
