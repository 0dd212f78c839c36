/*
 * in6_var: IPv6 addresses of interfaces, and the declarations that the files of
 * src/netinet6 share.
 *
 * Addresses are inner ones (net/zone6.h), 16 bytes in network order, unless the
 * name says otherwise; those in packets are as they are on the wire.
 */

#ifndef NETINET6_IN6_VAR_H
#define NETINET6_IN6_VAR_H

#include "kern/wheel.h"
#include "net/route.h"
#include "net/zone6.h"

/* An address's check that no other host has it, and its announcement; all of it
 * is under nd6_dad.c's lock. */
struct nd6_dad {
	struct wheel_link nd_wheel;	/* while steps are left */
	uint8_t		 nd_probe;	/* steps of the check left */
	uint8_t		 nd_announce;
	uint8_t		 nd_nonce[6];	/* of its probes */
};

/* An IPv6 address of an interface. */
struct in6_ifaddr {
	struct protoaddr ia6_proto;	/* first */
#define ia6_ifa	ia6_proto.pa_ifa
	/* a, written with i:: the times at which it is not preferred and not
	 * valid any more, ns of kern_now(); 0: never */
	uint64_t	 ia6_preferred_ns, ia6_expire_ns;
	struct in6_timer *ia6_timer;	/* i: NULL: it never had an end */
	struct kern	*ia6_kern;	/* constant */
	struct sockaddr_in6 ia6_addr;	/* constant; sin6_scope_id: its zone */
	struct sockaddr_in6 ia6_dst;	/* constant: far end, or family 0 */
	struct sockaddr_in6 ia6_mask;	/* constant */
	struct nd6_dad	 ia6_dad;
	uint32_t	 ia6_flags;	/* a: IN6_IFF_* that were asked for */
	bool		 ia6_joined;	/* i: its solicited-node group */
};

/* The structure around an IPv6 address. */
static inline struct in6_ifaddr *
ifatoia6(const struct ifaddr *ifa)
{

	return (struct in6_ifaddr *)(uintptr_t)ifa;
}

/* The solicited-node group of an address (RFC 4291 2.7.1), on the link of the
 * interface with that index; both inner. */
static inline void
in6_solicited_group(uint32_t index, const union neigh_addr *na,
    union neigh_addr *group)
{

	*group = (union neigh_addr){
		.na_bytes = { 0xff, 2, [11] = 1, [12] = 0xff }
	};
	memcpy(group->na_bytes + 13, na->na_bytes + 13, 3);
	(void)zone6_enter(group->na_bytes, index);
}

/* Settings and counters of IPv6 in a vnet. */
struct ip6_vnet;

/* in6.c.  Set up before any interface is. */
extern const struct domain inet6_domain;
extern const struct vnet_subsys inet6_subsys;

/* in6_control.c */
/* Any: IN6_IFF_* of an address, with its state. */
uint32_t in6_ifa_flags(const struct ifaddr *);
/* Any: can the address be one of a host: neither ::, nor a group, nor an IPv4
 * address in disguise (RFC 4291 2.5.5.2)? */
bool	in6_may_be_ours(const union neigh_addr *);

/*
 * in6_ifid.c.  Any: the interface identifier (its last 8 bytes) of an address
 * that is made for an interface in a prefix (inner; the first 8 bytes count).
 * dad_counter: how many that were made before turned out to be others'.  false:
 * there is none, or no other one.
 */
bool	in6_ifid(const struct ifnet *, const union neigh_addr *prefix,
	    unsigned dad_counter, uint8_t id[8]);

/*
 * in6_src.c.  Any, read section: a source for packets to dst (RFC 6724 5) that
 * leave by ifp: copied to src (inner); false: there is none.
 */
bool	in6_source(struct ifnet *ifp, const union neigh_addr *dst,
	    union neigh_addr *src);
/* Any: may the address be used: neither tentative nor duplicated nor going, on
 * an interface that is up? */
bool	in6_ifa_usable(const struct ifaddr *);
/* Read section: the interface's own address, or NULL; usable or not. */
struct ifaddr *in6_ifp_find(struct ifnet *, const union neigh_addr *);

#endif /* !NETINET6_IN6_VAR_H */
