/*
 * route: the routing table of a vnet.
 *
 * Routes live in a longest-prefix-match structure that the packet path reads
 * without locks; requests change it under the route lock.  A route's fields
 * that readers use are constant: a change puts a new route in its place.
 * Local and broadcast addresses are host routes, so one lookup says whether a
 * packet is for us.  Neighbours are not routes; they are in if_llatbl.
 */

#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include <ifnet/if.h>
#include <ifnet/rtmsg.h>

#include "kern/vnet.h"
#include "net/lpm.h"

/*
 * All fields constant once published but those marked.  What the packet path
 * reads comes first; once out of the table a route needs no links any more.
 */
struct rtentry {
	struct lpm_entry rt_lpm;	/* destination prefix; le_user: RTE_* */
	uint32_t	 rt_flags;	/* RTF_* */
	uint32_t	 rt_gw4;	/* gateway, network order; 0: on link */
	uint32_t	 rt_mtu;	/* 0: the interface's */
	uint32_t	 rt_expire_s;	/* host clock in seconds; 0 never */
	struct ifnet	*rt_ifp;	/* out; for reject and blackhole lo0 */
	struct ifaddr	*rt_ifa;	/* source address; holds a reference */
	union {
		struct {
			LIST_ENTRY(rtentry) rt_iflink;	/* route lock:
							 * if_routes */
			LIST_ENTRY(rtentry) rt_ifalink;	/* route lock:
							 * ifa_routes */
		};
		struct {
			struct kern_defer rt_defer;
			struct kern	*rt_kern;
		};
	};
	struct rts_node	 rt_rts;	/* rtsock's */
};

/*
 * Storage that is part of an address (struct rt_info's ri_store) and used by
 * one route of it at a time: free until claimed, and free again once the route
 * has gone and no reader is left.
 */
#define RTE_STORE	0x1
#define RTE_CLAIMED	0x2

static inline void
rt_store_init(struct rtentry *rt)
{

	rt->rt_lpm.le_user = RTE_STORE;
}

struct route_vnet {
	struct host_mutex rv_lock;	/* taken inside the ioctl lock, never
					 * around it; outside ifv_lock */
	struct lpm	 rv_inet;	/* rcu; rv_lock */
	size_t		 rv_count;	/* rv_lock */
};

/* The route for an IPv4 destination (network order), or NULL.  Read section. */
static inline const struct rtentry *
rt_lookup4(const struct vnet *vn, uint32_t dst)
{

	return (const struct rtentry *)(const void *)lpm_lookup(
	    &vn->vn_route->rv_inet, __builtin_bswap32(dst));
}

/*
 * A route as asked for.  family AF_INET.  ifp may be NULL when the gateway
 * decides.
 */
struct rt_info {
	uint32_t	 ri_dst;	/* network order */
	unsigned	 ri_len;
	uint32_t	 ri_gw;		/* 0: on link */
	uint32_t	 ri_flags;
	uint32_t	 ri_mtu;
	struct ifnet	*ri_ifp;
	struct ifaddr	*ri_ifa;
	uint64_t	 ri_expire_ns;
	struct rtentry	*ri_store;	/* add: use this, if it is free; part
					 * of ri_ifa */
	uint32_t	 ri_refuse;	/* change, delete: EPERM when the
					 * route has one of these flags */
};

/*
 * Control.  EEXIST; ENETUNREACH (gateway not on any attached prefix); ENOMEM;
 * EINVAL.  Announced after it is in.
 */
int	rt_add(struct vnet *, const struct rt_info *);
/* ESRCH: no such route (with ri_ifp set: none through it). */
int	rt_delete(struct vnet *, const struct rt_info *);
/* Replace gateway, interface, MTU or flags.  ESRCH. */
int	rt_change(struct vnet *, const struct rt_info *);
/*
 * Control: describe a route as rt_fill_msg() does: the one that packets to dst
 * take (len -1), or that very prefix.  ESRCH.
 */
int	rt_get(struct vnet *, uint32_t dst, int len, uint8_t type, void *msg);
/* Control, at detach: delete every route through ifp. */
void	rt_ifdetach(struct ifnet *);
/* Control, when an address goes: every route that names it as its own. */
void	rt_ifa_gone(struct ifaddr *);

/* Fill a message describing the route; buffer of RT_MSG_MAX bytes. */
void	rt_fill_msg(struct kern *, const struct rtentry *, uint8_t type,
	    void *msg);
/*
 * Control: describe (RTM_GET) the route at *place, first 0, or after, in the
 * order of prefixes; *place is behind it then.  ENOENT: there is none.  Nothing
 * is held between two calls; a route that is there all the time is met once.
 */
int	rt_dump_next(struct vnet *, uint64_t *place, void *msg);
/* All of them; fn's first nonzero value ends it and is returned. */
int	rt_dump(struct vnet *, int (*fn)(const void *msg, void *arg),
	    void *arg);

extern const struct vnet_subsys route_subsys;

#endif /* !NET_ROUTE_H */
