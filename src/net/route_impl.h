/*
 * route_impl: what the files of the routing table share.  All of it with the
 * route lock held, unless said otherwise.
 */

#ifndef NET_ROUTE_IMPL_H
#define NET_ROUTE_IMPL_H

#include <netinet/in.h>

#include "net/if_vnet_impl.h"
#include "net/route.h"

/* Flags that a request decides; the others follow from where it leads. */
#define RTF_ASKED	(RTF_REJECT | RTF_BLACKHOLE | RTF_DYNAMIC | \
	    RTF_STATIC | RTF_PROTO1 | RTF_PROTO2 | RTF_CONNECTED | \
	    RTF_LOCAL | RTF_BROADCAST)
/* Flags of a route that leads to no interface. */
#define RTF_NOWHERE	(RTF_REJECT | RTF_BLACKHOLE)

static inline void
route_lock(struct vnet *vn)
{

	host_mutex_lock(vn->vn_kern->k_host, &vn->vn_route->rv_lock);
}

static inline void
route_unlock(struct vnet *vn)
{

	host_mutex_unlock(vn->vn_kern->k_host, &vn->vn_route->rv_lock);
}

static inline struct rtentry *
entry_rt(struct lpm_entry *le)
{

	return (struct rtentry *)(void *)le;
}

/* The route came with an address, and was not asked for. */
static inline bool
rt_is_derived(const struct rtentry *rt)
{

	return rt_is_own(rt) || (rt->rt_flags & (RTF_LOCAL | RTF_BROADCAST |
	    RTF_CONNECTED)) != 0;
}

/* route.c.  Out of the table, told, and freed behind the readers.  The best of
 * the spares of its prefix takes its place. */
void	rt_take_out(struct vnet *, struct rtentry *);
/* A new route takes the place of an old one of the prefix, told as a change. */
void	rt_swap(struct vnet *, struct rtentry *old, struct rtfull *);
/* Any: undo what built a route that nobody has seen. */
void	rt_discard(struct rtfull *);

/*
 * route_point.c: where a route leads.  Point a route as the request says;
 * refused with the reason.  self: the route that is being changed, which cannot
 * lead to its own gateway.
 */
int	rt_point(struct vnet *, const struct rt_info *,
	    const struct rtentry *self, struct rtentry *);
/* To a gateway, which must be a neighbour; out of an interface. */
int	rt_point_at_gateway(struct vnet *, const struct rt_info *,
	    const struct rtentry *self, struct rtentry *);
void	rt_point_at_link(const struct rt_info *, struct rtentry *);
/* The family has its say: it may lead a local route to another interface. */
void	rt_ask_family(struct vnet *, struct rtentry *);
/* The flags that follow from where it leads. */
void	rt_derive_flags(struct vnet *, struct rtentry *);
void	rt_set_ifa(struct rtentry *, struct ifaddr *);

/*
 * route_spare.c: routes of a prefix that has a better one.  The table that
 * packets are looked up in has the best of each prefix: one that an address
 * brought along, or the one with the least metric.  The others are spares.
 */
#define RT_SPARES_MAX	63	/* of a prefix */

static inline bool
rt_is_spare(const struct rtentry *rt)
{

	return (__atomic_load_n(&rt->rt_lpm.le_user, __ATOMIC_RELAXED) &
	    RTE_SPARE) != 0;
}

void	rt_spares_init(struct kern *, struct route_vnet *);
void	rt_spares_fini(struct route_vnet *);
/* ENOMEM; ENOSPC: the prefix has as many as it may. */
int	rt_spare_put(struct route_vnet *, struct rtentry *);
/* Out of the spares: it goes, or it is the one that is used now. */
void	rt_spare_take(struct route_vnet *, struct rtentry *);
void	rt_spare_use(struct route_vnet *, struct rtentry *);
void	rt_spare_swap(struct route_vnet *, struct rtentry *old,
	    struct rtentry *new);
/* The spare of a prefix with the least metric of at least `from', or NULL. */
struct rtentry *rt_spare_from(const struct route_vnet *, uint32_t key,
	    unsigned len, uint64_t from);
/* Any spare, or NULL: there is none left. */
struct rtentry *rt_spare_any(const struct route_vnet *);

/* A route that was taken out on request or in time, for its family. */
struct rt_gone {
	struct sockaddr_in rg_dst;
	unsigned	 rg_len;
	uint64_t	 rg_handle;	/* 0: it led to a gateway, or nowhere */
	bool		 rg_asked;
};

/* route.c.  Note what the family is to be told, before the route goes; and,
 * without the lock, tell it. */
void	rt_note_gone(const struct rtentry *, struct rt_gone *);
void	rt_tell_gone(struct vnet *, const struct rt_gone *);

/*
 * route_expire.c: the timer of a route that expires.  make: control, without
 * the lock; the route has not been seen by anybody; ENOMEM.  start: once it is
 * in; stop: when it is taken out, and the timer is freed.  move: to the route
 * that takes its place.
 */
int	rt_timer_make(struct vnet *, struct rtfull *, uint64_t expire_ns);
void	rt_timer_start(struct vnet *, struct rt_timer *);
void	rt_timer_stop(struct vnet *, struct rt_timer *);
void	rt_timer_move(struct rtfull *from, struct rtfull *to);
uint32_t rt_timer_expire_s(const struct rt_timer *);
/* The next route that is due, or NULL. */
struct rtfull *rt_timer_due(struct vnet *);
/* Control, without the lock, at the vnet's end: no route is left. */
void	rt_expiry_fini(struct vnet *);

/* When a route ends, in seconds of the host clock; 0: never. */
static inline uint32_t
rt_expire_s(const struct rtentry *rt)
{

	return rt_is_own(rt) || rt_full(rt)->rf_timer == NULL ? 0 :
	    rt_timer_expire_s(rt_full(rt)->rf_timer);
}

/* route_gone.c: the part of a vnet that remembers what was lost. */
int	rt_gone_init(struct vnet *);

#endif /* !NET_ROUTE_IMPL_H */
