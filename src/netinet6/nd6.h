/*
 * nd6: neighbours on a link, by IPv6 (RFC 4861): asking for their link-level
 * addresses, whether they can still be reached, and the check that an address
 * of ours is nobody else's (RFC 4862 5.4).
 *
 * The cache of neighbours is net/neigh_cache.h's, with IPv4's; what IPv6 does
 * differently is here.  Addresses are inner ones (net/zone6.h).
 */

#ifndef NETINET6_ND6_H
#define NETINET6_ND6_H

#include "netinet6/in6_var.h"

/* After neigh_subsys, before inet6_subsys. */
extern const struct vnet_subsys nd6_subsys;

/* CPU: a packet whose next hop has no link-level address yet; takes it. */
void	nd6_resolve(struct ifnet *, struct mbuf *);
/* CPU: a message of types 133 to 137, with a right checksum; m is at the IPv6
 * header, the message at off.  Takes it. */
void	nd6_input(struct ifnet *, struct mbuf *m, unsigned off);

/* Any context: start the check of an address, if it needs one, or announce it,
 * if its interface is ready.  Other families' addresses are left alone. */
void	nd6_announce(struct ifaddr *);
/* Any: the interface of the address is not ready any more: its check starts
 * over when it is ready again. */
void	nd6_dad_unready(struct ifaddr *);
/* Any: the address is removed: it is neither checked nor announced after
 * this. */
void	nd6_dad_stop(struct ifaddr *);
/* Any: must an address of this interface be checked before it is used? */
bool	nd6_dad_wanted(const struct ifnet *);

/* Control, with the ioctl lock or during detach: delete every neighbour of the
 * interface. */
void	nd6_ifpurge(struct ifnet *);
/* Control: delete the neighbours of the interface whose addresses are on none
 * of its prefixes any more, except static ones. */
void	nd6_ifsweep(struct ifnet *);
/* Any: make every neighbour of the interface STALE, so that it is verified when
 * it is next used. */
void	nd6_ifstale(struct ifnet *);
/* Any: the interface's link-level address changed: make the link-level headers
 * of its neighbours anew. */
void	nd6_ifrehead(struct ifnet *);
/* Control, at detach, once the interface is deactivated: give up all there is
 * of it. */
void	nd6_ifdetach(struct ifnet *);
/* Any: packets that wait for neighbours of the interface (dom_oqueued). */
uint64_t nd6_oqueued(struct ifnet *);

/* Control: neighbour requests of the routing socket (dom_neigh_request,
 * dom_neigh_dump). */
int	nd6_request(struct vnet *, const void *rt_msg,
	    const struct sockaddr *const *sa, void *answer,
	    size_t *answerlen);
int	nd6_dump(struct ifnet *, uint64_t *place,
	    int (*fn)(const void *, void *), void *);

#endif /* !NETINET6_ND6_H */
