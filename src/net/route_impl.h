/*
 * route_impl: what the files of the routing table share.  All of it with the
 * route lock held, unless said otherwise.
 */

#ifndef NET_ROUTE_IMPL_H
#define NET_ROUTE_IMPL_H

#include <netinet/in.h>

#include <string.h>

#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "net/zone6.h"

/* Flags that a request decides; the others follow from where it leads. */
#define RTF_ASKED	(RTF_REJECT | RTF_BLACKHOLE | RTF_DYNAMIC | \
	    RTF_STATIC | RTF_PROTO1 | RTF_PROTO2)
/* Flags of a route that leads to no interface. */
#define RTF_NOWHERE	(RTF_REJECT | RTF_BLACKHOLE)

static inline void
route_lock(struct vnet *vn)
{

	host_mutex_lock(vn->vn_kern->k_host, &vn->vn_route->rv_lock);
}

void	rt_paths_settle(struct vnet *);
void	rt_tables_tidy(struct vnet *);

static inline void
route_unlock(struct vnet *vn)
{

	if (!TAILQ_EMPTY(&vn->vn_route->rv_due) ||
	    !TAILQ_EMPTY(&vn->vn_route->rv_starved))
		rt_paths_settle(vn);
	if (!LIST_EMPTY(&vn->vn_route->rv_idle))
		rt_tables_tidy(vn);
	host_mutex_unlock(vn->vn_kern->k_host, &vn->vn_route->rv_lock);
}

/* --- route_table.c: prefixes and their best routes ----------------------- */

/* A prefix's place in the order of a family's tables: by address, then by
 * length. */
static inline struct kbtree_key
rt_order(const struct prefix *pf)
{

	if (pf->pf_family == AF_INET)
		return (struct kbtree_key){ { pf->pf_hi | pf->pf_len } };
	return (struct kbtree_key){ { pf->pf_hi, pf->pf_lo, pf->pf_len } };
}

/* The routes of a family; NULL: there is none, and was none. */
static inline struct rt_af *
rt_af(const struct rt_table *tb, uint8_t family)
{

	return family == AF_INET ? (struct rt_af *)(uintptr_t)&tb->tb_ip4 :
	    tb->tb_ip6;
}

/* Control: the main table and the list of others.  ENOMEM. */
int	rt_tables_init(struct vnet *);
/* Control, no read section: all are empty, and the others without users. */
void	rt_tables_fini(struct vnet *);
/* The table with a number; NULL: there is none. */
struct rt_table *rt_table_numbered(struct vnet *, uint32_t number);
/* Likewise; made if it is not there.  EINVAL, ENOSPC, ENOMEM. */
int	rt_table_make(struct vnet *, uint32_t number, struct rt_table **);
/* Likewise, for a request about a route that is there.  ESRCH, in words. */
int	rt_table_meant(struct vnet *, uint32_t number, struct rt_table **);
/* Make the part of the table for a family, if there is none.  ENOMEM. */
int	rt_table_make_af(struct rt_table *, uint8_t family);
/* The table that a route is in; of an address's own, the interface's. */
struct rt_table *rt_tableof(const struct rtentry *);
/* A table may have lost its last user: route_unlock() looks. */
void	rt_table_may_go(struct rt_table *);
/* A route for a prefix that has none.  ENOMEM: nothing is changed. */
int	rt_table_add(struct rt_table *, struct rtentry *);
/* In place of the prefix's route, which may be the same that is about to lead
 * elsewhere: value is that of the new one.  ENOMEM: nothing is changed; not
 * when rt_table_ready() was called with the value. */
int	rt_table_replace(struct rt_table *, struct rtentry *old,
	    struct rtentry *new, uint32_t value);
/* Never fails. */
void	rt_table_remove(struct rt_table *, struct rtentry *);
/* See to it that a spare with this value can take the place of its prefix's
 * route without memory.  ENOMEM. */
int	rt_table_ready(struct rt_table *, const struct rtentry *spare,
	    uint32_t value);

/* --- route_path.c: where routes lead ------------------------------------- */

/* Place to which a request says that routes lead.  Addresses are in network
 * order. */
struct rt_spec {
	struct rt_table	*sp_table;	/* of the routes; gateways are found in
					 * it */
	union neigh_addr sp_gw;		/* on link the destination, which
					 * decides on the source */
	union neigh_addr sp_src;	/* source; 0: not named */
	struct ifnet	*sp_ifp;	/* NULL: not named */
	uint32_t	 sp_nowhere;	/* NH_REJECT, NH_BLACKHOLE */
	uint16_t	 sp_mtu;
	uint8_t		 sp_family;
	bool		 sp_has_gw;
};

/* Next hop that a path is resolved to; readers find its first part. */
struct rt_hop {
	struct nexthop_gw ho_ng;	/* first */
	struct neigh_user ho_user;	/* of the gateway */
	struct kern_defer ho_defer;
	struct kern	*ho_kern;
};

/* How far a path can be used. */
enum { RT_USE_NOT, RT_USE_DOWN /* resolved, its interface is down */,
	RT_USE_UP };

/*
 * A path: all routes that were asked to lead to the same place share one.  It
 * is resolved to a next hop, by the route that leads to its gateway, and again
 * whenever that changes.  While it cannot be, its routes stay, and packets find
 * the vnet's unreachable next hop.
 *	constant	while a route has it
 *	all else	route lock
 */
struct rt_path {
	struct rt_spec	 rp_spec;	/* constant */
	uint32_t	 rp_number;	/* constant: of its next hop */
	uint32_t	 rp_nroutes;
	struct rt_hop	*rp_hop;	/* rcu; NULL: it is not resolved */
	struct rt_hop	*rp_ahead;	/* memory for the next one, or NULL */
	struct rt_path	*rp_via;	/* the path of the route to the gateway,
					 * if that was asked for */
	uint8_t		 rp_depth;	/* how many follow each other */
	uint8_t		 rp_use;	/* RT_USE_* */
	bool		 rp_is_due;	/* in rv_due */
	bool		 rp_is_starved;	/* in rv_starved */
	bool		 rp_is_rerouted; /* what it goes by leads another way */
	uint8_t		 rp_rounds;	/* how often it changed in this turn */
	uint32_t	 rp_turn;	/* the last one */
	LIST_HEAD(, rtfull) rp_routes;	/* alone in their prefix */
	LIST_HEAD(, rtfull) rp_shared;	/* the others */
	LIST_HEAD(, rt_path) rp_users;	/* whose rp_via it is */
	LIST_ENTRY(rt_path) rp_vialink;
	LIST_ENTRY(rt_path) rp_iflink;	/* if_paths: of nh_ifp, or else the one
					 * that is named */
	LIST_ENTRY(rt_path) rp_ifalink;	/* pa_paths of nh_ifa */
	LIST_ENTRY(rt_path) rp_sharing;	/* rv_sharing */
	TAILQ_ENTRY(rt_path) rp_duelink;
	LIST_ENTRY(rt_path) rp_srclink;	/* rv_sourced: it has an sp_src */
	struct rt_group	*rp_group;	/* constant: several ways; or NULL */
	LIST_HEAD(, rt_member) rp_groups; /* of which it is a member */
	struct ifnet	*rp_onif;	/* in whose if_paths it is, or NULL */
	struct kern_defer rp_defer;
	struct kern	*rp_kern;
	struct vnet	*rp_vnet;	/* constant */
};

/* The interface that a path leads to, or that it names; NULL.  Read section. */
struct ifnet *rt_path_ifp(const struct rt_path *);
/* Its source, or NULL.  Read section. */
struct ifaddr *rt_path_ifa(const struct rt_path *);

/* --- route_find.c: what there is in the tables --------------------------- */

/* The route that is used for that very prefix, or NULL. */
struct rtentry *rt_table_find(const struct rt_table *, const struct prefix *);
/* The route of the longest prefix that contains this one and is shorter, or
 * NULL. */
struct rtentry *rt_table_cover(const struct rt_table *,
	    const struct prefix *);
/* The route of the longest prefix that contains this one, which may be itself:
 * what an address is looked up to; or NULL. */
struct rtentry *rt_table_match(const struct rt_table *,
	    const struct prefix *);
#define RT_DEPTH_MAX	8	/* paths that follow each other */

/* The gateway of a spec, as a prefix of full length. */
struct prefix rt_spec_gateway(const struct rt_spec *);
/* The table to look in next, where `tb' has no way to a gateway; or NULL. */
const struct rt_table *rt_table_behind(const struct rt_table *);

/* The place to which a path leads. */
struct rt_found {
	struct ifnet	*fo_ifp;
	struct ifaddr	*fo_ifa;	/* or NULL */
	union neigh_addr fo_gw;
	bool		 fo_has_gw;
	struct rt_path	*fo_via;	/* or NULL */
};

/*
 * Read section: where a path leads.  `self' is the path that is resolved, or
 * NULL; for_rt the route that is asked for, or NULL.  In the latter case it is
 * refused in words: ENETUNREACH, EINVAL, ENXIO, EADDRNOTAVAIL, ELOOP.
 */
int	rt_find_way(const struct rt_spec *, const struct rt_path *self,
	    const struct rtentry *for_rt, struct rt_found *);
/* Does a path go by another one, or is it that? */
bool	rt_path_leads_to(const struct rt_path *, const struct rt_path *to);
/* The way of a path by which others reach their gateways, except one that leads
 * to `except'; NULL: none can be used. */
struct rt_path *rt_group_way(struct rt_path *, const struct rt_path *except);

/* --- route_group.c: several ways at once --------------------------------- */

/* One way of a group. */
struct rt_member {
	struct rt_path	*rm_path;
	struct rt_group	*rm_group;
	uint32_t	 rm_weight;
	LIST_ENTRY(rt_member) rm_link;	/* rp_groups of the path */
};

/* A group: the ways of a path that has several. */
struct rt_group {
	struct rt_path	*rg_path;	/* whose it is */
	unsigned	 rg_n;
	struct rt_member rg_member[NH_MEMBERS];
	uint8_t		 rg_home[NH_BUCKETS];	/* the members of buckets, */
	uint8_t		 rg_now[NH_BUCKETS];	/* and those in use */
	struct kern_defer rg_defer;
	struct kern	*rg_kern;
	struct nexthop_group rg_nh;	/* readers' */
};

/* The path that has these members (paths and weights alone are looked at), new
 * if there is none; buckets stay with members that `like' (or NULL) has too.
 * NULL: no memory. */
struct rt_path *rt_group_get(struct vnet *, const struct rt_member *,
	    unsigned n, const struct rt_path *like);
/* The group's path goes. */
void	rt_group_free(struct vnet *, struct rt_group *);
/* A member leads elsewhere, or can be used again or not any more. */
void	rt_group_member_changed(struct vnet *, struct rt_path *member);
/* Which of a group's members has the gateway and the interface, as far as the
 * request names them; -1. */
int	rt_group_find(const struct rt_path *, const struct rt_info *);
/* One of a route's ways goes, which is not the last one.  ENOMEM. */
int	rt_delete_way(struct vnet *, struct rtentry *, unsigned way);
/* A path goes: it is a member of none any more. */
void	rt_group_leave(struct vnet *, struct rt_path *member);
void	rt_groups_init(struct vnet *);
/* How many ways a route has. */
static inline unsigned
rt_nways(const struct rtentry *rt)
{

	return rt_is_own(rt) || rt->rt_path->rp_group == NULL ? 1 :
	    rt->rt_path->rp_group->rg_n;
}

/* route_path.c: for route_group.c. */
struct rt_path *rt_path_new_group(struct vnet *, struct rt_group *);
void	rt_path_look(struct vnet *, struct rt_path *);

int	rt_paths_init(struct vnet *);
void	rt_paths_fini(struct vnet *);
/*
 * The path that a request means, for one more route: with nobody's reference
 * until rt_path_enter() or rt_path_put().  For a route to this prefix, which
 * cannot lead to its own gateway.  Refused with the reason: ENETUNREACH,
 * EINVAL, ENXIO, EADDRNOTAVAIL, ELOOP; ENOMEM.  later: the gateway need not be
 * reachable yet.
 */
int	rt_path_get(struct vnet *, const struct rt_spec *,
	    const struct rtentry *for_rt, bool later, struct rt_path **);
/* Is it what the request says? */
bool	rt_path_is(const struct rt_path *, const struct rt_spec *);
/* Give up a path that was got and not used. */
void	rt_path_drop(struct vnet *, struct rt_path *);
/* A route leads there from now on; no more. */
void	rt_path_enter(struct vnet *, struct rtfull *);
void	rt_path_leave(struct vnet *, struct rtfull *);
/* A route that leads somewhere leads there from now on. */
void	rt_path_move(struct vnet *, struct rtfull *, struct rt_path *to);
/* The route's prefix has several (RTE_SHARED), or not any more. */
void	rt_path_share(struct vnet *, struct rtfull *, bool shared);
/*
 * A prefix has another best route, or none: gateways in it are looked up again.
 * An address of ours came.  Both only note it.
 */
void	rt_paths_prefix_changed(struct rt_table *, const struct prefix *);
void	rt_paths_source_came(struct rt_table *, const struct prefix *addr);
/* The table's last interface has left it: its gateways may be in the main table
 * from now on; its first one came: no more.  A table that there is no memory to
 * open is closed until a path of it is made. */
void	rt_paths_open(struct rt_table *);
void	rt_paths_close(struct rt_table *);
/* Resolve what was noted; route_unlock() does so. */
/* An interface, an address goes: none leads there any more. */
void	rt_paths_leave_if(struct vnet *, struct ifnet *);
void	rt_paths_leave_ifa(struct vnet *, struct ifaddr *);
/* Which paths can be used, as interfaces went up or down. */
void	rt_paths_look(struct vnet *);
/* A path, or a group, begins or ends to care for the state of interfaces:
 * whoever changes that looks at the number without the lock. */
static inline void
rt_sharing_add(struct vnet *vn, int more)
{
	uint32_t *n = &vn->vn_route->rv_nsharing;

	__atomic_store_n(n, *n + (uint32_t)more, __ATOMIC_RELAXED);
}

/* --- route.c ------------------------------------------------------------- */

/* The value that a forwarding table has for a route, and would have if it led
 * elsewhere. */
uint32_t rt_value(const struct rtentry *);
uint32_t rt_value_by(const struct rtentry *, const struct rt_path *);

/* The route of that very prefix that is used, or NULL. */
struct rtentry *rt_find(const struct rt_table *, const struct rt_info *);
/* The route that is meant, by all that was said of it, in the table that is
 * named.  ESRCH, in words. */
int	rt_find_meant(struct vnet *, const struct rt_info *,
	    struct rtentry **);
/* The route of the prefix and the metric, or NULL. */
struct rtentry *rt_find_metric(const struct rt_table *,
	    const struct rt_info *);
/* Any: does a request's prefix have a length that its family has?  EINVAL. */
int	rt_info_check(const struct rt_info *);
/* ESRCH, in words. */
int	rt_none(void);
/* EPERM, in words: an own route of an address is not deleted or changed by
 * itself. */
int	rt_belongs(const struct rtentry *);
/* Any: a route as a request says, without where it leads; NULL: ENOMEM. */
struct rtfull *rt_alloc(struct vnet *, const struct rt_info *);
/* Undo rt_alloc() and what was set since: nobody has seen it. */
void	rt_discard(struct vnet *, struct rtfull *);
/* Any: where a request says that a route leads. */
void	rt_spec_of(struct rt_table *, const struct rt_info *,
	    const struct rtentry *, struct rt_spec *);
/* The flags that follow from where it leads. */
void	rt_derive_flags(struct vnet *, struct rtentry *);
/* Into the lists of what it refers to, and out of them. */
void	rt_link(struct vnet *, struct rtentry *);
void	rt_unlink(struct vnet *, struct rtentry *);
static inline struct rtfull *
rt_full(const struct rtentry *rt)
{

	return (struct rtfull *)(uintptr_t)rt;
}

/* A route is to leave its path soon: ask for the memory that this needs. */
static inline void
rt_path_leave_soon(const struct rtentry *rt)
{
	const struct rtfull *rf = rt_full(rt);

	__builtin_prefetch(LIST_NEXT(rf, rf_link));
	__builtin_prefetch(rf->rf_link.le_prev);
}

/* One of the ways of a route that was asked for. */
static inline const struct rt_path *
rt_way(const struct rtentry *rt, unsigned way)
{

	return rt->rt_path->rp_group == NULL ? rt->rt_path :
	    rt->rt_path->rp_group->rg_member[way].rm_path;
}

/* The gateway that was asked for (of several the first), or NULL. */
static inline const union neigh_addr *
rt_asked_gw(const struct rtentry *rt)
{

	const struct rt_path *rp = rt_is_own(rt) ? NULL : rt_way(rt, 0);

	return rp != NULL && rp->rp_spec.sp_has_gw ? &rp->rp_spec.sp_gw : NULL;
}

/* Does a request name one of several ways? */
static inline bool
rt_names_way(const struct rt_info *ri)
{

	return neigh_addr_is_set(&ri->ri_gw) || ri->ri_ifp != NULL;
}

/* A socket address of an IPv4 or (inner) IPv6 address. */
union rt_sockaddr {
	struct sockaddr	 rs_sa;
	struct sockaddr_in rs_sin;
	struct sockaddr_in6 rs_sin6;
};

static inline void
rt_set_sockaddr(union rt_sockaddr *rs, uint8_t family,
    const union neigh_addr *na)
{

	memset(rs, 0, sizeof(*rs));
	if (family == AF_INET) {
		rs->rs_sin.sin_family = AF_INET;
		rs->rs_sin.sin_addr.s_addr = na->na_4;
	} else
		zone6_to_sa(na, &rs->rs_sin6);
}

/* The address of a prefix. */
static inline union neigh_addr
rt_prefix_addr(const struct prefix *pf)
{
	union neigh_addr na = { .na_words = { 0 } };

	if (pf->pf_family == AF_INET)
		na.na_4 = htonl(prefix_addr4(pf));
	else
		prefix_addr6(pf, &na);
	return na;
}

/* The way of a route that is meant, by gateway or interface. */
unsigned rt_way_meant(const struct rtentry *, const struct rt_info *);
/* Describe one of a route's ways: rt_fill_msg() does the first. */
void	rt_fill_way(struct kern *, const struct rtentry *, unsigned way,
	    uint8_t type, void *msg);
/* Lead a route elsewhere: to a path that was got for it.  ENOMEM. */
int	rt_repoint(struct vnet *, struct rtentry *, struct rt_path *);

/* Interface and source of a route, or the address it came with.  Read
 * section. */
struct ifnet *rt_ifp(const struct rtentry *);
struct ifaddr *rt_ifa(const struct rtentry *);

/* Out of the table, told, and freed.  The best of the spares of its prefix
 * takes its place. */
void	rt_take_out(struct vnet *, struct rtentry *);
/* Use the best of a prefix's routes that can be used: `rt' is one of them. */
void	rt_select(struct vnet *, struct rtentry *rt);

/*
 * route_spare.c: routes of a prefix that has a better one.  The table that
 * packets are looked up in has the best of each prefix: one that an address
 * brought along, or the one with the least metric that can be used.  The others
 * are spares.
 */
#define RT_SPARES_MAX	63	/* of a prefix */

/* Any. */
static inline bool
rt_is_spare(const struct rtentry *rt)
{

	return (__atomic_load_n(&rt->rt_user, __ATOMIC_RELAXED) & RTE_SPARE) !=
	    0;
}

void	rt_spares_init(struct kern *, struct rt_af *);
void	rt_spares_fini(struct rt_af *);
/* ENOMEM; ENOSPC: the prefix has as many as it may. */
int	rt_spare_put(struct rt_table *, struct rtentry *);
/* Out of the spares: it goes, or it is the one that is used now. */
void	rt_spare_take(struct rt_table *, struct rtentry *);
void	rt_spare_use(struct rt_table *, struct rtentry *);
/* `used' becomes a spare in place of `spare', which is used from now on. */
void	rt_spare_swap(struct rt_table *, struct rtentry *spare,
	    struct rtentry *used);
/* The spare of a prefix with the least metric of at least `from', or NULL. */
struct rtentry *rt_spare_from(const struct rt_table *, const struct prefix *,
	    uint64_t from);
/* Is a route that was asked for to be used before another of its prefix? */
static inline bool
rt_is_before(const struct rtentry *a, const struct rtentry *b)
{

	return a->rt_path->rp_use != b->rt_path->rp_use ?
	    a->rt_path->rp_use > b->rt_path->rp_use :
	    a->rt_metric < b->rt_metric;
}

/* The spare of the prefix that is to be used before the others, or NULL. */
struct rtentry *rt_spare_best(const struct rt_table *, const struct prefix *);
/* Any spare, or NULL: there is none left. */
struct rtentry *rt_spare_any(const struct rt_af *);

/* A route that was taken out on request or in time, for its family. */
struct rt_gone {
	struct prefix	 rg_dst;
	uint32_t	 rg_table;
	uint64_t	 rg_handle;	/* 0: it led to a gateway, or nowhere */
	bool		 rg_asked;
};

/* route.c.  Note what the family is to be told, before the route goes; and,
 * without the lock, tell it. */
void	rt_note_gone(const struct rtentry *, struct rt_gone *);
void	rt_tell_gone(struct vnet *, const struct rt_gone *);
/* Likewise, if anything was noted. */
void	rt_tell_behind(struct vnet *, const struct rt_gone *);

/*
 * route_expire.c: the timer of a route that expires (RTE_TIMED).  make:
 * control, without the lock, once the route has its prefix; not started;
 * ENOMEM.  start:
 * once the route is in; end: when it is taken out, or was never in.
 */
int	rt_timer_make(struct vnet *, struct rtfull *, uint64_t expire_ns);
void	rt_timer_start(struct vnet *, struct rtfull *);
void	rt_timer_end(struct vnet *, struct rtfull *);
/* Two routes to one prefix give each other the timers that they have.  Between
 * rts_change_begin() and rts_change_end(). */
void	rt_timer_swap(struct vnet *, struct rtfull *, struct rtfull *);
/* When an RTE_TIMED route ends, in seconds of the host clock.  Read section,
 * and the lock or rtsock's. */
uint32_t rt_timer_expire_s(struct vnet *, const struct rtfull *);
/* The next route that is due, or NULL. */
struct rtfull *rt_timer_due(struct vnet *);
/* Control, without the lock, at the vnet's end: no route is left. */
void	rt_expiry_fini(struct vnet *);

static inline bool
rt_is_timed(const struct rtentry *rt)
{

	return (__atomic_load_n(&rt->rt_user, __ATOMIC_RELAXED) & RTE_TIMED) !=
	    0;
}

/* When a route ends, in seconds of the host clock; 0: never. */
static inline uint32_t
rt_expire_s(const struct rtentry *rt)
{

	return !rt_is_timed(rt) ? 0 :
	    rt_timer_expire_s(rt->rt_path->rp_vnet, rt_full(rt));
}

/* route_gone.c: the part of a vnet that remembers what was lost. */
int	rt_gone_init(struct vnet *);
void	rt_gone_fini(struct vnet *);
/* Delete a route that somebody asked for, and remember it. */
void	rt_lose(struct vnet *, struct rtentry *);

#endif /* !NET_ROUTE_IMPL_H */
