/*
 * route: the routing table of a vnet.
 *
 * Routes live in a longest-prefix-match structure that the packet path reads
 * without locks; requests change it under the route lock.  A route's fields
 * that readers use are constant: a change puts a new route in its place.
 * Local and broadcast addresses are host routes, so one lookup says whether a
 * packet is for us.  Neighbours are not routes; they are in neigh.h.
 */

#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include <ifnet/if.h>
#include <ifnet/rtmsg.h>

#include "kern/vnet.h"
#include "net/lpm.h"

struct domain;
struct rt_expiry;
struct rt_timer;
struct khash;

/*
 * A route as readers find it.  All fields constant once published.  It is
 * either the core of a struct rtfull, or one of the few that every address
 * brings along, which have nothing but this and are part of the address.
 */
struct rtentry {
	struct lpm_entry rt_lpm;	/* destination prefix; le_user: RTE_*,
					 * written with the route lock */
#define RTE_OWN		0x1		/* of an address; ifp is its ifa's */
#define RTE_OWN_IN	0x2		/* of an address, and in the table */
#define RTE_OWN_LATE	0x4		/* left the table when the address was
					 * being destroyed: some may have it
					 * who were not waited for */
#define RTE_SPECIAL	0x8		/* constant: the family looks at a
					 * destination before it is taken */
#define RTE_IFA_ASKED	0x10		/* the request named the source */
#define RTE_SPARE	0x20		/* another route of the prefix is
					 * used: in rv_spares */
	uint32_t	 rt_flags;	/* RTF_* */
	uint32_t	 rt_gw4;	/* gateway, network order; 0: on link */
	struct ifnet	*rt_ifp;	/* out; for reject and blackhole lo0 */
	struct ifaddr	*rt_ifa;	/* source address */
};

/*
 * A route that was asked for.  Once out of the table it needs no links any
 * more.  Holds a reference on rt_ifa.
 */
struct rtfull {
	struct rtentry	 rf_rt;
	struct rt_timer	*rf_timer;	/* route lock: NULL: never expires */
	uint32_t	 rf_metric;	/* the least of a prefix is used */
	uint16_t	 rf_mtu;	/* 0: the interface's */
	uint8_t		 rf_proto;	/* RTPROT_*: who asked for it */
	union {
		struct {
			LIST_ENTRY(rtfull) rf_iflink;	/* route lock:
							 * if_routes */
			LIST_ENTRY(rtfull) rf_ifalink;	/* route lock:
							 * pa_routes */
		};
		struct {
			struct kern_defer rf_defer;
			struct kern	*rf_kern;
		};
	};
	struct rts_node	 rf_rts;	/* rtsock's */
};

/* The routes of an address: to itself, to its prefix or its far end, to its
 * broadcast address. */
enum { RT_OWN_LOCAL, RT_OWN_NET, RT_OWN_BROADCAST, RT_NOWN };

/*
 * Addresses that share something, in the order in which they were given: the
 * first stands in a table, and the others hang off it.  l:; rcu forward.
 */
struct pa_link {
	struct protoaddr *pl_next;	/* NULL: the last */
	struct protoaddr *pl_prev;	/* of the first: the last */
};
/* Addresses share the address itself, the far end or broadcast address, or the
 * prefix. */
enum pa_shared { PA_ADDR, PA_DST, PA_NET, PA_NSHARED };

/*
 * An address of a protocol: it is in the tables of addresses, and it has
 * routes.
 */
struct protoaddr {
	struct ifaddr	 pa_ifa;	/* first */
	struct lpm_entry pa_net;	/* l:; rcu: its prefix */
	struct pa_link	 pa_link[PA_NSHARED];
	LIST_ENTRY(protoaddr) pa_aflink; /* l:; rcu: all of the family */
	struct rtentry	 pa_own[RT_NOWN]; /* route lock: its routes */
	LIST_HEAD(, rtfull) pa_routes;	/* route lock: others that name it */
	struct rts_node	 pa_rts;	/* rtsock's: of it and of pa_own */
};

/* The structure around an address that is not of AF_LINK. */
static inline struct protoaddr *
ifa_proto(const struct ifaddr *ifa)
{

	_Static_assert(offsetof(struct protoaddr, pa_ifa) == 0,
	    "an address of a protocol begins with the address");
	return (struct protoaddr *)(uintptr_t)ifa;
}

/* The key that addresses share in a table by hash: PA_ADDR, or PA_DST, which
 * may be NULL. */
const struct sockaddr *ifa_shared_sa(const struct ifaddr *, enum pa_shared);
/* The first of the addresses that share it, or NULL.  l:, or read section. */
struct protoaddr *ifa_sharing(const struct khash *, const struct domain *,
	    const struct sockaddr *, enum pa_shared);

static inline bool
rt_is_own(const struct rtentry *rt)
{

	return (__atomic_load_n(&rt->rt_lpm.le_user, __ATOMIC_RELAXED) &
	    RTE_OWN) != 0;
}

/* The structure around a route that is not an address's own route. */
static inline struct rtfull *
rt_full(const struct rtentry *rt)
{

	return (struct rtfull *)(uintptr_t)rt;
}

/* The metric of a route that was asked for; 0 of an address's own, which comes
 * before all of these. */
static inline uint32_t
rt_metric(const struct rtentry *rt)
{

	return rt_is_own(rt) ? 0 : rt_full(rt)->rf_metric;
}

/* A route's own MTU, or 0.  Read section. */
static inline uint32_t
rt_mtu(const struct rtentry *rt)
{

	return rt_is_own(rt) ? 0 : rt_full(rt)->rf_mtu;
}

/* Routes that had to go with what they needed, the latest of them. */
#define RT_NLOST	16

struct rt_lost {
	uint32_t	 rl_dst, rl_gw;	/* network order */
	unsigned	 rl_len;
	char		 rl_ifname[IFNAMSIZ];
};

struct route_vnet {
	struct host_mutex rv_lock;	/* taken inside the ioctl lock, never
					 * around it; outside ifv_lock */
	struct lpm	 rv_inet;	/* rcu; rv_lock: the best of each
					 * prefix */
	struct khash	 rv_spares;	/* rv_lock: the others */
	struct rt_expiry *rv_expiry;	/* rv_lock; NULL: nothing expires */
	/* Constant; control: delete the next route that is due.  false: there
	 * is none. */
	bool		(*rv_expired)(struct vnet *);
	size_t		 rv_ndynamic;	/* rv_lock: of RTF_DYNAMIC */
	size_t		 rv_count;	/* rv_lock */
	uint64_t	 rv_nlost;	/* rv_lock: how many ever */
	struct rt_lost	 rv_lost[RT_NLOST];	/* rv_lock: by rv_nlost */
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
	uint64_t	 ri_expire_ns;	/* kern_now()'s clock; 0: never, or a
					 * change keeps what there is */
	uint32_t	 ri_given;	/* RTV_* */
	uint32_t	 ri_metric;	/* RTV_METRIC */
	uint8_t		 ri_proto;	/* RTV_PROTO */
	int		 ri_own;	/* add, with ri_ifa: RT_OWN_* if it is
					 * that route of it, plus 1; or 0 */
	uint32_t	 ri_refuse;	/* change, delete: EPERM when the
					 * route has one of these flags */
};

/*
 * Control.  A prefix may have several routes, of different metrics (0 unless
 * given); the one with the least is used, and one of an address before all of
 * these.  EEXIST: one of this metric, or, unless a metric above 0 is given, one
 * of an address (EALREADY: an address's own route is there, which the one of
 * ri_ifa does not come before); ENETUNREACH (gateway not on any attached
 * prefix); ENOMEM; ENOSPC; EINVAL.  Announced after it is in.
 */
int	rt_add(struct vnet *, const struct rt_info *);
/*
 * ESRCH: no such route; metric, interface, gateway and address are compared
 * where they are given, and of several routes that fit the first is meant.
 * EPERM: it belongs to an address.
 */
int	rt_delete(struct vnet *, const struct rt_info *);
/* Replace gateway, interface, MTU, protocol or flags, of the route with the
 * metric if one is given, else of the one that is used.  ESRCH. */
int	rt_change(struct vnet *, const struct rt_info *);
/*
 * Control: describe a route as rt_fill_msg() does: the one that packets to dst
 * take (len -1), or the one of that very prefix that is used.  ESRCH.
 */
int	rt_get(struct vnet *, uint32_t dst, int len, uint8_t type, void *msg);
/* Likewise: the route that rt_delete() would delete. */
int	rt_get_meant(struct vnet *, const struct rt_info *, uint8_t type,
	    void *msg);
/*
 * Control: describe the route that is meant as the RTM_ADD that would make it
 * again, with nothing in it that was not asked for.  ESRCH; EOPNOTSUPP: it came
 * with an address.
 */
int	rt_get_request(struct vnet *, const struct rt_info *, void *msg);
/* Control: the routes of RTF_DYNAMIC, which nobody asked for. */
size_t	rt_dynamic_count(struct vnet *);
/* Control, at detach: delete every route through ifp. */
void	rt_ifdetach(struct ifnet *);
/*
 * Control, when an address goes: the routes it brought along.  Of one that is
 * being destroyed already no reader is left with a route when it returns.
 */
void	rt_ifa_withdraw(struct ifaddr *);
/*
 * rt_ifa_withdraw(), and then the routes that were asked for and have the
 * address as their source.
 * A route whose gateway is on a connected network still, or which leads out of
 * an interface on link, goes on with another source; the others are deleted,
 * announced, and remembered (rt_lost()).  The address is in no table any more.
 * Waits for memory, within reason.
 */
void	rt_ifa_gone(struct ifaddr *);
/* Control: the routes lost so far; the latest of them, at most RT_NLOST, the
 * last one first. */
uint64_t rt_lost(struct vnet *, struct rt_lost list[RT_NLOST]);

/* Fill a message describing the route; buffer of RT_MSG_MAX bytes. */
void	rt_fill_msg(struct kern *, const struct rtentry *, uint8_t type,
	    void *msg);
/* A place in the order of prefixes and, in a prefix, of use; zeroes: at the
 * beginning. */
struct rt_place {
	uint64_t	 rp_prefix;	/* lpm_from()'s */
	uint64_t	 rp_spares;	/* of the last prefix: from which metric
					 * on, plus 1; 0: none to come */
	uint32_t	 rp_key;
	unsigned	 rp_len;
};
/*
 * Control: describe (RTM_GET) the route at *place or after; *place is behind it
 * then.  ENOENT: there is none.  Nothing is held between two calls; a route
 * that is there all the time, used or not, is met once.
 */
int	rt_dump_next(struct vnet *, struct rt_place *, void *msg);
/* All of them; fn's first nonzero value ends it and is returned. */
int	rt_dump(struct vnet *, int (*fn)(const void *msg, void *arg),
	    void *arg);

extern const struct vnet_subsys route_subsys;

#endif /* !NET_ROUTE_H */
