/*
 * route: the routes of a vnet, and what packets find of them.
 *
 * A vnet has a main table, and others by number: those that rules (rule.h) send
 * packets to, and those that interfaces are bound to (virtual routing and
 * forwarding, VRF): what comes by such an interface, and the interface's own
 * addresses, are in its table alone.
 *
 * A table has the routes of each prefix in order (kbtree.h) for requests, and
 * for packets a forwarding table (fib.h) from a prefix to the next hop of the
 * best of these; nexthop.h says what a packet finds.  Packets never see a
 * route.  Local and broadcast addresses are host routes, so one lookup says
 * whether a packet is for us.  Neighbours are not routes; they are in neigh.h.
 */

#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include <ifnet/if.h>
#include <ifnet/rtmsg.h>

#include "kern/kbtree.h"
#include "kern/ktask.h"
#include "kern/vnet.h"
#include "net/domain.h"
#include "net/fib.h"
#include "net/if_addr_net.h"
#include "net/nexthop.h"
#include "net/zone6.h"
#include "proto/prefix.h"

struct ip_rules;
struct rt_expiry;
struct rt_group;
struct rt_path;
struct rt_timer;

/*
 * A route: one that was asked for, the core of a struct rtfull, or one of the
 * few that every address brings along, which are part of the address.  All of
 * it: route lock.
 */
struct rtentry {
	uint32_t	 rt_key;	/* destination of IPv4, host order;
					 * bits past the length are 0 */
	uint8_t		 rt_len;	/* of the prefix: rt_prefix() */
	uint8_t		 rt_user;	/* RTE_* */
#define RTE_OWN		0x1		/* of an address */
#define RTE_IN		0x2		/* of an address, and in the table */
#define RTE_IP6		0x4		/* constant: of IPv6; the destination is
					 * rf6_addr[], or the address's */
#define RTE_SPECIAL	0x8		/* FWD_SPECIAL */
#define RTE_TIMED	0x10		/* expires: it has a timer */
#define RTE_SPARE	0x20		/* another route of the prefix is
					 * used: in ta_spares */
#define RTE_SHARED	0x40		/* its prefix has other routes: in
					 * rp_shared */
	uint8_t		 rt_proto;	/* RTPROT_*: who asked for it */
	uint8_t		 rt_own;	/* RTE_OWN: RT_OWN_* */
	uint32_t	 rt_flags;	/* RTF_* */
	uint32_t	 rt_metric;	/* the least of a prefix is used */
	union {
		struct rt_path	*rt_path;	/* where it leads */
		struct ifaddr	*rt_ownifa;	/* RTE_OWN: whose it is */
	};
};

/* A route that was asked for. */
struct rtfull {
	struct rtentry	 rf_rt;
	LIST_ENTRY(rtfull) rf_link;	/* rp_routes, rp_shared */
	struct rts_node	 rf_rts;	/* rtsock's */
};

/* Likewise, of IPv6. */
struct rtfull6 {
	struct rtfull	 rf6_full;
	uint64_t	 rf6_addr[2];	/* constant: first and last half, host
					 * order */
};

/* Route lock, or rtsock's: the prefix of an address's own route of IPv6. */
struct prefix rt_own_prefix(const struct rtentry *);
/* Route lock, or rtsock's: the prefix that a route leads to. */
static inline struct prefix
rt_prefix(const struct rtentry *rt)
{
	const struct rtfull6 *rf6 = (const struct rtfull6 *)(const void *)rt;
	uint8_t user = __atomic_load_n(&rt->rt_user, __ATOMIC_RELAXED);

	if ((user & RTE_IP6) == 0)
		return prefix_of4(rt->rt_key, rt->rt_len);
	if ((user & RTE_OWN) != 0)	/* as its address says */
		return rt_own_prefix(rt);
	return (struct prefix){ rf6->rf6_addr[0], rf6->rf6_addr[1], rt->rt_len,
	    AF_INET6 };
}

/* The routes of an address: to itself, to its prefix or its far end, to its
 * broadcast address. */
enum { RT_OWN_LOCAL, RT_OWN_NET, RT_OWN_BROADCAST, RT_NOWN };

/*
 * Addresses of one table that share something, in the order in which they were
 * given: the first can be looked up, and the others hang off it.  l:; rcu
 * forward.
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
	struct lpm_entry pa_net;	/* constant: its prefix; of IPv6 only
					 * the length */
#define pa_len		pa_net.le_len
#define pa_family	pa_net.le_user
#define pa_spare	pa_net.le_spare	/* the family's */
	struct pa_link	 pa_link[PA_NSHARED];
	LIST_ENTRY(protoaddr) pa_aflink; /* l:; rcu: all of the family */
	struct nexthop	 pa_nh;		/* of pa_own; constant once used */
	uint32_t	 pa_number;	/* route lock: its number; 0: none of
					 * pa_own is in a table */
	uint32_t	 pa_late;	/* route lock: some may have found it
					 * who were not waited for */
	struct rtentry	 pa_own[RT_NOWN]; /* route lock: its routes */
	LIST_HEAD(, rt_path) pa_paths;	/* route lock: whose source it is */
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

/* Any: the prefix that an address is on. */
static inline struct prefix
pa_prefix(const struct protoaddr *pa)
{
	union neigh_addr na;

	if (pa->pa_family == AF_INET)
		return prefix_of4(pa->pa_net.le_key, pa->pa_len);
	(void)zone6_from_sa((const struct sockaddr_in6 *)(const void *)
	    pa->pa_ifa.ifa_addr, &na);
	return prefix_of6(&na, pa->pa_len);
}

/* A prefix in tables by hash. */
static inline uint32_t
rt_prefix_hash(const struct prefix *pf)
{

	return khash_u64((pf->pf_hi | pf->pf_len) ^
	    pf->pf_lo * UINT64_C(0x9e3779b97f4a7c15));
}

/* The key that addresses share in a table by hash: PA_ADDR, or PA_DST, which
 * may be NULL. */
const struct sockaddr *ifa_shared_sa(const struct ifaddr *, enum pa_shared);
/* The first of a table's addresses that share it, or NULL.  l:, or read
 * section. */
struct protoaddr *ifa_sharing(const struct khash *, const struct domain *,
	    const struct sockaddr *, enum pa_shared, uint32_t table);
/* Any: where it is in a table by hash; of each table's addresses apart. */
static inline uint32_t
ifa_hash(const struct domain *dom, const struct sockaddr *sa, uint32_t table)
{

	return dom->dom_sa_hash(sa) ^ table * 0x9e3779b1u;
}

/* Route lock: is it one of those that every address brings along? */
static inline bool
rt_is_own(const struct rtentry *rt)
{

	return (rt->rt_user & RTE_OWN) != 0;
}

/* Flags of the routes that an address brings along. */
#define RTF_OF_ADDRESS	(RTF_LOCAL | RTF_BROADCAST | RTF_CONNECTED)

/* Routes that had to go with what they needed, the latest of them. */
#define RT_NLOST	16

struct rt_lost {
	uint32_t	 rl_table;
	struct prefix	 rl_dst;
	union neigh_addr rl_gw;		/* 0: none */
	char		 rl_ifname[IFNAMSIZ];
};

#define RT_TABLE_MAX	65535	/* the highest number; 0 is the main table */

/* The routes of a family in a table. */
struct rt_af {
	struct fib	 ta_fib;	/* rcu; written with the route lock */
	struct kbtree	 ta_routes;	/* route lock: the best of each prefix,
					 * by rt_order() */
	struct khash	 ta_spares;	/* route lock: routes that are not
					 * used */
	struct kbtree	 ta_gateways;	/* route lock: paths of routes in it
					 * that have a gateway, by its address
					 * and rp_number; in the main one's,
					 * those of open tables too */
};

/*
 * A table of routes.  A numbered one comes with the first who needs it, a
 * route, an interface or a rule, and goes with the last.
 */
struct rt_table {
	struct nh_table	*tb_nh;		/* constant: of the vnet */
	struct rt_af	 tb_ip4;
	struct rt_af	*tb_ip6;	/* rcu; written with the route lock.
					 * NULL until there is a route */
	struct vnet	*tb_vnet;	/* constant */
	uint32_t	 tb_number;	/* constant */
	uint32_t	 tb_router_id;	/* a: the last in_router_id() */
	struct if_nets	*tb_nets;	/* constant: prefixes of its
					 * interfaces' addresses; ifv_lock. The
					 * main one's are ifv_nets */
	uint32_t	 tb_nifs;	/* route lock: interfaces bound to it */
	uint32_t	 tb_nholds;	/* route lock: rt_table_hold() */
	bool		 tb_is_open;	/* route lock: no interface is bound to
					 * it, and its gateways may be found in
					 * the main one */
	bool		 tb_is_idle;	/* route lock: in rv_idle */
	LIST_ENTRY(rt_table) tb_idle;	/* route lock: rv_idle; rv_dead */
};

struct route_vnet {
	struct host_mutex rv_lock;	/* the route lock: taken inside the
					 * ioctl lock, never around it; outside
					 * ifv_lock */
	struct rt_table	 rv_main;
	struct kbtree	 rv_tables;	/* rv_lock: the others, by number */
	LIST_HEAD(, rt_table) rv_idle;	/* rv_lock: those that may have lost
					 * their last user */
	LIST_HEAD(, rt_table) rv_dead;	/* rv_lock: to be freed */
	struct ktask	 rv_reap;	/* frees these */
	int64_t		 rv_maxtables;	/* sysctl */
	struct ip_rules	*rv_rules;	/* rcu; NULL: there are none (rule.h) */
	struct nh_table	 rv_nh;
	struct khash	 rv_paths;	/* rv_lock */
	TAILQ_HEAD(rt_duelist, rt_path) rv_due; /* rv_lock: to be resolved
						 * again */
	struct rt_duelist rv_starved;	/* rv_lock: likewise, by the next who
					 * has the lock: there was no memory */
	LIST_HEAD(, rt_path) rv_sourced; /* rv_lock: that name a source */
	uint32_t	 rv_turn;	/* rv_lock: of rt_paths_settle() */
	const struct nexthop *rv_unreachable;	/* constant */
	struct khash	 rv_groups;	/* rv_lock */
	uint64_t	 rv_seed;	/* of flows' hashes; constant from the
					 * first group on.  Random, so that
					 * routers in a row do not choose
					 * alike */
	LIST_HEAD(, rt_path) rv_sharing; /* rv_lock: whose rp_shared is not
					 * empty */
	uint32_t	 rv_nsharing;	/* a: how many, and groups */
	struct ktask	 rv_task;	/* interfaces went up or down */
	struct rt_expiry *rv_expiry;	/* rv_lock; NULL: nothing expires */
	/* Constant; control: delete the next route that is due.  false: there
	 * is none. */
	bool		(*rv_expired)(struct vnet *);
	/* Constant; control, no lock of routes: rt_inherit(). */
	void		(*rv_inherit)(struct rt_table *,
			    const struct prefix *);
	size_t		 rv_ndynamic;	/* rv_lock: of RTF_DYNAMIC */
	size_t		 rv_count;	/* rv_lock */
	uint64_t	 rv_nlost;	/* rv_lock: how many ever */
	uint64_t	 rv_nlisted;	/* rv_lock: how many ever in rv_lost */
	struct rt_lost	*rv_lost;	/* rv_lock: RT_NLOST, by rv_nlisted;
					 * NULL until one is lost */
};

static inline struct rt_table *
rt_main(const struct vnet *vn)
{

	return &vn->vn_route->rv_main;
}

/* Any, in a read section, or with the interface's ioctl lock or the route lock,
 * which the table cannot go under: the table in which packets look that come by
 * an interface, and that its addresses are in.  It does not change as long as
 * the interface has an address of a protocol, or one is referenced. */
static inline struct rt_table *
rt_table_of(const struct ifnet *ifp)
{
	struct rt_table *tb = __atomic_load_n(&ifp->if_table,
	    __ATOMIC_CONSUME);

	return __builtin_expect(tb == NULL, 1) ? rt_main(ifp->if_vnet) : tb;
}

/* Likewise: its number. */
static inline uint32_t
rt_table_number(const struct ifnet *ifp)
{
	const struct rt_table *tb = __atomic_load_n(&ifp->if_table,
	    __ATOMIC_CONSUME);

	return tb == NULL ? 0 : tb->tb_number;
}

/* How packets of a flow to an IPv4 destination (network order) go.  Read
 * section. */
static inline struct fwd
rt_lookup4_flow(const struct rt_table *tb, uint32_t dst, uint32_t hash)
{

	return nh_fwd(tb->tb_nh, fib4_lookup(&tb->tb_ip4.ta_fib,
	    __builtin_bswap32(dst)), hash);
}

/* How packets to a destination go; a group as it is, if FWD_GROUP says so. */
static inline struct fwd
rt_lookup4_raw(const struct rt_table *tb, uint32_t dst)
{

	return nh_fwd_raw(tb->tb_nh, fib4_lookup(&tb->tb_ip4.ta_fib,
	    __builtin_bswap32(dst)));
}

/* How packets to a destination go, where no flow is at hand. */
static inline struct fwd
rt_lookup4(const struct rt_table *tb, uint32_t dst)
{

	return rt_lookup4_flow(tb, dst, khash_u64(dst));
}

/* How packets of a flow to an IPv6 destination go.  Read section. */
static inline struct fwd
rt_lookup6_flow(const struct rt_table *tb, const uint8_t *dst, uint32_t hash)
{
	const struct rt_af *ta = __atomic_load_n(&tb->tb_ip6,
	    __ATOMIC_CONSUME);

	return nh_fwd(tb->tb_nh, ta == NULL ? 0 :
	    fib6_lookup(&ta->ta_fib, dst), hash);
}

/* Likewise, a group as it is, if FWD_GROUP says so. */
static inline struct fwd
rt_lookup6_raw(const struct rt_table *tb, const uint8_t *dst)
{
	const struct rt_af *ta = __atomic_load_n(&tb->tb_ip6,
	    __ATOMIC_CONSUME);

	return nh_fwd_raw(tb->tb_nh, ta == NULL ? 0 :
	    fib6_lookup(&ta->ta_fib, dst));
}

/* Likewise, where no flow is at hand. */
static inline struct fwd
rt_lookup6(const struct rt_table *tb, const uint8_t *dst)
{
	uint64_t w[2];

	memcpy(w, dst, sizeof(w));
	return rt_lookup6_flow(tb, dst, khash_u64(w[0] ^ w[1]));
}

/* A route as asked for.  Addresses are in network order.  ifp may be NULL when
 * the gateway decides. */
struct rt_info {
	uint8_t		 ri_family;	/* AF_INET (0, too), AF_INET6 */
	union neigh_addr ri_dst;
	unsigned	 ri_len;
	union neigh_addr ri_gw;		/* 0: on link */
	uint32_t	 ri_flags;	/* RTF_LOCAL, RTF_CONNECTED,
					 * RTF_BROADCAST: ri_ifa's own */
	uint32_t	 ri_mtu;
	struct ifnet	*ri_ifp;
	struct ifaddr	*ri_ifa;	/* whose own it is, or NULL */
	union neigh_addr ri_src;	/* source; 0: as it comes */
	uint64_t	 ri_expire_ns;	/* kern_now()'s clock; 0: never, or a
					 * change keeps what there is */
	uint32_t	 ri_given;	/* RTV_* */
	uint32_t	 ri_metric;	/* RTV_METRIC */
	uint8_t		 ri_proto;	/* RTV_PROTO */
	uint16_t	 ri_weight;	/* RTV_MPATH; 0: 1 */
	uint32_t	 ri_table;	/* its number; of an address's own
					 * route the interface's counts */
	uint32_t	 ri_refuse;	/* change, delete: EPERM when the
					 * route has one of these flags */
	void		*ri_told;	/* rt_add(), rt_delete(),
					 * rt_change(): NULL, or room
					 * for the message that describes it */
};

/* Any: the prefix that is asked for; its length is in range. */
static inline struct prefix
rt_info_prefix(const struct rt_info *ri)
{

	return ri->ri_family == AF_INET6 ? prefix_of6(&ri->ri_dst,
	    ri->ri_len) : prefix_of4(__builtin_bswap32(ri->ri_dst.na_4),
	    ri->ri_len);
}

/*
 * Control.  A prefix may have several routes, of different metrics (0 unless
 * given); the one with the least whose gateway and interface can be used is
 * used, and one of an address before all of these.  EEXIST: one of this metric,
 * or, unless a metric above 0 is given, one of an address (EALREADY: an
 * address's own route is there, which the one of ri_ifa does not come before);
 * ENETUNREACH (the gateway cannot be reached, neither on link nor by another
 * route; not with RTV_LATER); ELOOP (only by this very route); EADDRNOTAVAIL
 * (the source is no address); ENOMEM; ENOSPC; EINVAL.  Announced after it is
 * in.
 */
int	rt_add(struct vnet *, const struct rt_info *);
/*
 * Control: one more way of the route of the metric (RTV_MPATH), or that route
 * itself if it is not there: of each route's flows every way has a share, by
 * its weight.  Announced as RTM_CHANGE.  EEXIST: it is one of them; ENOSPC:
 * there are NH_MEMBERS; or as rt_add().
 */
int	rt_add_way(struct vnet *, const struct rt_info *);
/*
 * ESRCH: no such route; metric, interface, gateway and address are compared
 * where they are given, and of several routes that fit the first is meant.
 * EPERM: it belongs to an address.  Of a route with several ways, one of which
 * has the gateway, only that goes.
 */
int	rt_delete(struct vnet *, const struct rt_info *);
/* Replace gateway, interface, MTU, protocol or flags, of the route with the
 * metric if one is given, else of the one that is used.  ESRCH. */
int	rt_change(struct vnet *, const struct rt_info *);
/*
 * Control: describe a route of a table as rt_fill_msg() does: the one of that
 * very prefix that is used, or, of an address, the one that packets take.
 * ESRCH.
 */
int	rt_get(struct vnet *, uint32_t table, const struct prefix *,
	    uint8_t type, void *msg);
int	rt_get_taken(struct vnet *, uint32_t table, const struct prefix *addr,
	    uint8_t type, void *msg);
/* Likewise: the route that rt_delete() would delete. */
int	rt_get_meant(struct vnet *, const struct rt_info *, uint8_t type,
	    void *msg);
/*
 * Control: describe the route that is meant as the RTM_ADD that would make it
 * again, with nothing in it that was not asked for.  ESRCH; EOPNOTSUPP: it came
 * with an address; EMLINK: it has several ways, none of which is meant.
 */
int	rt_get_request(struct vnet *, const struct rt_info *, void *msg);
/* Control: the routes of RTF_DYNAMIC, which nobody asked for. */
size_t	rt_dynamic_count(struct vnet *);
/* Control, at detach: delete every route that names ifp.  What only leads there
 * looks for another way. */
void	rt_ifdetach(struct ifnet *);
/*
 * Control, when an address goes: the routes it brought along.  Of one that is
 * being destroyed already no reader is left with a route when it returns.
 */
void	rt_ifa_withdraw(struct ifaddr *);
/*
 * rt_ifa_withdraw(), and then what has the address as its source looks for
 * another.  The address is in no table any more.
 */
void	rt_ifa_gone(struct ifaddr *);
/*
 * route_table.c, control, ioctl lock: bind an interface that has no address of
 * a protocol to a table (0: the main one).  Packets that come by it look there
 * from now on.  EINVAL (a number beyond RT_TABLE_MAX), ENOSPC (there are as
 * many tables as may be), ENOMEM, ENXIO (it is being destroyed).
 */
int	rt_table_bind(struct ifnet *, uint32_t number);
/* Control, at detach: no packet of it is left anywhere. */
void	rt_table_unbind(struct ifnet *);
/* Control: keep a table, made if it is not there; errors as above.  Or else
 * with `make' false, ESRCH.  And give it back. */
int	rt_table_hold(struct vnet *, uint32_t number, bool make,
	    struct rt_table **);
void	rt_table_drop(struct rt_table *);
/* Control: ESRCH, in words: there is no such table. */
int	rt_table_check(struct vnet *, uint32_t number);
/* Any: an interface came up or went down, or its link did. */
void	rt_if_state(struct ifnet *);
/* Control: how many routes were lost so far; the latest of them, *n, the last
 * one first. */
uint64_t rt_lost(struct vnet *, struct rt_lost list[RT_NLOST], unsigned *n);

/* Fill a message describing the route; buffer of RT_MSG_MAX bytes. */
void	rt_fill_msg(struct kern *, const struct rtentry *, uint8_t type,
	    void *msg);
/* A place in the order of tables, in a table of prefixes, and, in a prefix, of
 * use; zeroes: at the beginning. */
struct rt_place {
	struct kbtree_key rp_order;	/* rt_order() of the next prefix */
	uint64_t	 rp_spares;	/* of the last prefix: from which metric
					 * on, plus 1; 0: none to come */
	uint32_t	 rp_table;	/* number of the table */
	struct prefix	 rp_last;
	bool		 rp_is_ip6;	/* IPv4's routes come first */
	unsigned	 rp_member;	/* the next of a route's several ways */
	bool		 rp_is_last;	/* no other table is wanted */
};
/*
 * Control: describe (RTM_GET) the route at *place or after; *place is behind it
 * then.  ENOENT: there is none.  Nothing is held between two calls; a route
 * that is there all the time, used or not, is met once.
 */
int	rt_dump_next(struct vnet *, struct rt_place *, void *msg);
/*
 * Control: likewise several, one behind the other, as long as there is room for
 * RT_MSG_MAX bytes: the bytes that they take, 0 at the end.  All of them are
 * as they were at one time.
 */
size_t	rt_dump_some(struct vnet *, struct rt_place *, void *room,
	    size_t bytes);
/*
 * Control: likewise, but each route that was asked for is deleted and described
 * as RTM_DELETE, way by way; those that came with an address stay.  *used: the
 * bytes that the messages take, possibly 0.  false: that was the end.
 */
#define RT_FLUSH_ROOM	(NH_MEMBERS * (sizeof(struct rt_msg) + 4 * 32))
bool	rt_flush_some(struct vnet *, struct rt_place *, void *room,
	    size_t bytes, size_t *used);
/* All of them; fn's first nonzero value ends it and is returned. */
int	rt_dump(struct vnet *, int (*fn)(const void *msg, void *arg),
	    void *arg);

extern const struct vnet_subsys route_subsys;

#endif /* !NET_ROUTE_H */
