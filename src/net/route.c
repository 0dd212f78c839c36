/*
 * The routing table: adding, deleting and changing routes.
 *
 * Readers find a route and use its constant fields; so a route is never
 * changed, another takes its place.  Each change is announced with the route
 * lock held, once readers can see it, so that announcements come in the order
 * of the changes.
 */

#include "net/route.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kern/sysctl.h"
#include "net/if_addr_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"
#include "net/rtsock.h"
#include "proto/prefix.h"

/* Flags that a request decides; the others follow from where it leads. */
#define RTF_ASKED	(RTF_REJECT | RTF_BLACKHOLE | RTF_DYNAMIC | \
	    RTF_STATIC | RTF_PROTO1 | RTF_PROTO2 | RTF_CONNECTED | \
	    RTF_LOCAL | RTF_BROADCAST)
/* Flags that a change may alter. */
#define RTF_ALTERABLE	(RTF_REJECT | RTF_BLACKHOLE | RTF_DYNAMIC | \
	    RTF_STATIC | RTF_PROTO1 | RTF_PROTO2)
#define RTF_NOWHERE	(RTF_REJECT | RTF_BLACKHOLE)

static inline struct rtentry *
entry_rt(struct lpm_entry *le)
{

	return (struct rtentry *)(void *)le;
}

_Static_assert(offsetof(struct rtentry, rt_lpm) == 0 &&
    offsetof(struct rtfull, rf_rt) == 0, "an entry of the table is a route");

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

static uint32_t
sa_addr4(const struct sockaddr *sa)
{

	return ((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr;
}

static struct rtentry *
find(struct vnet *vn, const struct rt_info *ri)
{

	return entry_rt(lpm_find(&vn->vn_route->rv_inet,
	    ntohl(ri->ri_dst) & prefix_mask(ri->ri_len), ri->ri_len));
}

static void
free_rt(struct kern_defer *kd)
{
	struct rtfull *rf = (struct rtfull *)((char *)kd -
	    offsetof(struct rtfull, rf_defer));
	struct ifaddr *ifa = rf->rf_rt.rt_ifa;

	kmem_free(rf->rf_kern, rf);
	if (ifa != NULL)
		ifa_unref(ifa);
}

static struct rtfull *
alloc_rt(struct vnet *vn, const struct rt_info *ri)
{
	struct rtfull *rf;

	rf = kmem_zalloc(vn->vn_kern, sizeof(*rf));
	if (rf == NULL)
		return NULL;
	rf->rf_kern = vn->vn_kern;
	rf->rf_rt.rt_lpm.le_len = (uint8_t)ri->ri_len;
	rf->rf_rt.rt_lpm.le_key = ntohl(ri->ri_dst) & prefix_mask(ri->ri_len);
	return rf;
}

/* In whole seconds, and not too early. */
static void
set_expire(struct rtfull *rf, const struct rt_info *ri)
{

	rf->rf_expire_s = (uint32_t)((ri->ri_expire_ns + 999999999) /
	    1000000000);
}

/* Out of every table: free it behind the readers.  An address's own goes with
 * the address, which waits for them. */
static void
retire_rt(struct vnet *vn, struct rtentry *rt)
{
	struct rtfull *rf = rt_full(rt);

	if (rt_is_own(rt))
		return;
	rf->rf_kern = vn->vn_kern;
	kern_defer(vn->vn_kern, &rf->rf_defer, free_rt);
}

/* Undo alloc_rt() and what was set since: nobody has seen it. */
static void
discard_rt(struct rtfull *rf)
{

	free_rt(&rf->rf_defer);
}

static void
set_ifa(struct rtentry *rt, struct ifaddr *ifa)
{

	if (ifa == NULL)
		return;
	if (!rt_is_own(rt))
		ifa_ref(ifa);
	rt->rt_ifa = ifa;
}

/*
 * The gateway must be a neighbour: on a prefix that is on link, and neither one
 * of our own addresses nor the prefix's first or last one (EINVAL).  Its route
 * gives interface and source.
 */
static int
point_at_gateway(struct vnet *vn, const struct rt_info *ri,
    const struct rtentry *self, struct rtentry *rt)
{
	const struct rtentry *via = rt_lookup4(vn, ri->ri_gw);

	if (via == NULL || via == self)
		return kern_refuse(ENETUNREACH, "the gateway is not on a "
		    "network of any interface");
	if (via->rt_flags & (RTF_LOCAL | RTF_BROADCAST))
		return kern_refuse(EINVAL, "the gateway is %s",
		    via->rt_flags & RTF_LOCAL ? "an address of our own" :
		    "a broadcast address");
	if ((via->rt_flags & RTF_CONNECTED) != 0 && via->rt_lpm.le_len < 31 &&
	    via->rt_lpm.le_key == ntohl(ri->ri_gw))
		return kern_refuse(EINVAL, "the gateway is the address of a "
		    "network, which no host has");
	if (via->rt_gw4 != 0 || (via->rt_flags & RTF_NOWHERE) != 0 ||
	    via->rt_ifp == NULL)
		return kern_refuse(ENETUNREACH, "the gateway is not on a "
		    "network of any interface, but behind another gateway");
	if (ri->ri_ifp != NULL && ri->ri_ifp != via->rt_ifp)
		return kern_refuse(ENETUNREACH, "the gateway is on a network "
		    "of %s, not of %s", via->rt_ifp->if_xname,
		    ri->ri_ifp->if_xname);
	rt->rt_gw4 = ri->ri_gw;
	rt->rt_ifp = via->rt_ifp;
	set_ifa(rt, ri->ri_ifa != NULL ? ri->ri_ifa : via->rt_ifa);
	return 0;
}

/* On link: the source is the interface's best address for the destination. */
static void
point_at_link(const struct rt_info *ri, struct rtentry *rt)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(rt->rt_lpm.le_key),
	};

	rt->rt_ifp = ri->ri_ifp;
	if (ri->ri_ifa != NULL) {
		set_ifa(rt, ri->ri_ifa);
		return;
	}
	pserialize_read_enter();
	set_ifa(rt, ifaof_ifpforaddr((const struct sockaddr *)&sin,
	    ri->ri_ifp));
	pserialize_read_exit();
}

/* The family has its say: it may lead a local route to another interface. */
static void
ask_family(struct vnet *vn, struct rtentry *rt)
{
	const struct domain *dom;

	if (rt->rt_ifa == NULL)
		return;
	dom = domain_find(vn, rt->rt_ifa->ifa_addr->sa_family);
	if (dom != NULL && dom->dom_rtrequest != NULL)
		dom->dom_rtrequest(rt, rt->rt_ifa);
}

/* Find where a route leads.  self: the route that is being changed. */
static int
point(struct vnet *vn, const struct rt_info *ri, const struct rtentry *self,
    struct rtentry *rt)
{
	int error = 0;

	if (rt->rt_flags & RTF_NOWHERE)
		rt->rt_ifp = ri->ri_ifp;
	else if (ri->ri_gw != 0)
		error = point_at_gateway(vn, ri, self, rt);
	else if (ri->ri_ifp != NULL) {
		point_at_link(ri, rt);
		ask_family(vn, rt);
	} else
		error = kern_refuse(EINVAL, "neither a gateway nor an "
		    "interface is named");
	if (error != 0)
		return error;
	/*
	 * An interface deletes its routes after it was deactivated, under the
	 * lock that is held now: later than that none may come.
	 */
	if (rt->rt_ifp != NULL && if_is_deactivated(rt->rt_ifp))
		return kern_refuse(ENXIO, "%s is being destroyed",
		    rt->rt_ifp->if_xname);
	return 0;
}

static void
derive_flags(struct vnet *vn, struct rtentry *rt)
{
	const struct domain *dom = domain_find(vn, AF_INET);

	if (dom != NULL && dom->dom_rtmark != NULL)
		dom->dom_rtmark(rt);
	rt->rt_flags |= RTF_UP;
	if (rt->rt_lpm.le_len == 32)
		rt->rt_flags |= RTF_HOST;
	if (rt->rt_gw4 != 0)
		rt->rt_flags |= RTF_GATEWAY;
}

static void
own_in(struct rtentry *rt)
{

	(void)__atomic_fetch_or(&rt->rt_lpm.le_user, RTE_OWN_IN,
	    __ATOMIC_RELAXED);
}

/* An own route is out of the table.  Its address is marked as being destroyed
 * before its end waits for readers: that wait is enough if the mark comes
 * later than this. */
static void
own_out(struct rtentry *rt)
{

	(void)__atomic_fetch_and(&rt->rt_lpm.le_user, (uint8_t)~RTE_OWN_IN,
	    __ATOMIC_SEQ_CST);
	if (ifa_is_destroying(rt->rt_ifa))
		(void)__atomic_fetch_or(&rt->rt_lpm.le_user, RTE_OWN_LATE,
		    __ATOMIC_RELAXED);
}

/* Into the lists of what it refers to. */
static void
link_rt(struct route_vnet *rv, struct rtentry *rt)
{
	struct rtfull *rf = rt_full(rt);

	rv->rv_count++;
	if (rt_is_own(rt)) {
		own_in(rt);
		return;
	}
	if (rt->rt_ifp != NULL)
		LIST_INSERT_HEAD(&rt->rt_ifp->if_routes, rf, rf_iflink);
	if (rt->rt_ifa != NULL)
		LIST_INSERT_HEAD(&ifa_proto(rt->rt_ifa)->pa_routes, rf,
		    rf_ifalink);
}

static void
unlink_rt(struct route_vnet *rv, struct rtentry *rt)
{
	struct rtfull *rf = rt_full(rt);

	rv->rv_count--;
	if (rt_is_own(rt)) {
		own_out(rt);
		return;
	}
	if (rt->rt_ifp != NULL)
		LIST_REMOVE(rf, rf_iflink);
	if (rt->rt_ifa != NULL)
		LIST_REMOVE(rf, rf_ifalink);
}

/* Route lock held: into the table and its lists, and told. */
static int
enter_rt(struct vnet *vn, struct rtentry *rt)
{
	int error;

	error = lpm_insert(&vn->vn_route->rv_inet, &rt->rt_lpm);
	if (error != 0)
		return error;
	link_rt(vn->vn_route, rt);
	rt_routemsg(vn, RTM_ADD, rt);
	return 0;
}

static bool
same_own(const struct rtentry *a, const struct rtentry *b)
{

	return a->rt_lpm.le_key == b->rt_lpm.le_key &&
	    a->rt_lpm.le_len == b->rt_lpm.le_len && a->rt_flags == b->rt_flags;
}

/* The route came with an address, and was not asked for. */
static bool
is_derived(const struct rtentry *rt)
{

	return rt_is_own(rt) || (rt->rt_flags & (RTF_LOCAL | RTF_BROADCAST |
	    RTF_CONNECTED)) != 0;
}

/* Of the routes that addresses bring along to one destination: to an address
 * of ours, to a far end or a network, to everybody. */
static unsigned
own_rank(uint32_t flags)
{

	return (flags & RTF_LOCAL) != 0 ? 3 : (flags & RTF_BROADCAST) != 0 ? 1 :
	    2;
}

/* Route lock held: may an address's route take the place of what is there? */
static int
may_enter(const struct rtentry *have, const struct rt_info *ri)
{

	if (have == NULL)
		return 0;
	if (ri->ri_own == 0 || !is_derived(have))
		return kern_refuse(EEXIST, ri->ri_own == 0 ? "there is a route "
		    "to this destination; \"route change\" replaces it" :
		    "there is a route to this address already, which was "
		    "asked for (route delete removes it)");
	return own_rank(ri->ri_flags) > own_rank(have->rt_flags) ? 0 : EALREADY;
}

/* Route lock held: into the table, in place of `have' if that is not NULL. */
static int
enter_instead(struct vnet *vn, struct rtentry *have, struct rtentry *rt)
{

	if (have == NULL)
		return enter_rt(vn, rt);
	lpm_replace(&vn->vn_route->rv_inet, &have->rt_lpm, &rt->rt_lpm);
	unlink_rt(vn->vn_route, have);
	rt_routemsg(vn, RTM_DELETE, have);
	link_rt(vn->vn_route, rt);
	rt_routemsg(vn, RTM_ADD, rt);
	retire_rt(vn, have);
	return 0;
}

/*
 * An address's own route.  What it says never changes, so that a reader may
 * still have it from before it was last taken out.  EREMOTE: it does not lead
 * to the address's interface, or not where it led before (a driver made that
 * point-to-point), and cannot be kept with the address.
 */
static int
add_own(struct vnet *vn, const struct rt_info *ri)
{
	struct rtentry *own = &ifa_proto(ri->ri_ifa)->pa_own[ri->ri_own - 1];
	struct rtentry rt, *have;
	int error;

	memset(&rt, 0, sizeof(rt));
	rt.rt_lpm.le_user = RTE_OWN;
	rt.rt_lpm.le_len = (uint8_t)ri->ri_len;
	rt.rt_lpm.le_key = ntohl(ri->ri_dst) & prefix_mask(ri->ri_len);
	rt.rt_flags = ri->ri_flags & RTF_ASKED;
	route_lock(vn);
	have = find(vn, ri);
	error = may_enter(have, ri);
	if (error == 0)
		error = point(vn, ri, NULL, &rt);
	derive_flags(vn, &rt);
	if (error == 0 && (rt.rt_ifp != ri->ri_ifa->ifa_ifp ||
	    (own->rt_flags != 0 && !same_own(own, &rt))))
		error = EREMOTE;
	if (error == 0) {
		if (own->rt_flags == 0)
			*own = rt;
		error = enter_instead(vn, have, own);
	}
	route_unlock(vn);
	return error;
}

int
rt_add(struct vnet *vn, const struct rt_info *ri)
{
	struct rtentry *have;
	struct rtfull *rf;
	int error;

	if (ri->ri_len > 32)
		return EINVAL;
	if (ri->ri_own != 0) {
		error = add_own(vn, ri);
		if (error != EREMOTE)
			return error;
	}
	rf = alloc_rt(vn, ri);
	if (rf == NULL)
		return ENOMEM;
	rf->rf_rt.rt_flags = ri->ri_flags & RTF_ASKED;
	rf->rf_mtu = ri->ri_mtu;
	set_expire(rf, ri);
	if (ri->ri_ifa != NULL && ri->ri_own == 0)
		rf->rf_rt.rt_lpm.le_user = RTE_IFA_ASKED;
	route_lock(vn);
	have = find(vn, ri);
	error = may_enter(have, ri);
	if (error == 0)
		error = point(vn, ri, NULL, &rf->rf_rt);
	if (error == 0) {
		derive_flags(vn, &rf->rf_rt);
		error = enter_instead(vn, have, &rf->rf_rt);
	}
	route_unlock(vn);
	if (error != 0)
		discard_rt(rf);
	return error;
}

/* Route lock held. */
static void
delete_rt(struct vnet *vn, struct rtentry *rt)
{
	struct route_vnet *rv = vn->vn_route;

	lpm_remove(&rv->rv_inet, &rt->rt_lpm);
	unlink_rt(rv, rt);
	rt_routemsg(vn, RTM_DELETE, rt);
	retire_rt(vn, rt);
}

/* Is it the route that was named, by all that was said of it? */
static bool
named(const struct rtentry *rt, const struct rt_info *ri)
{
	char gw[INET_ADDRSTRLEN];

	if (ri->ri_ifp != NULL && rt->rt_ifp == NULL)
		(void)kern_refuse(ESRCH, "the route to it leads out of no "
		    "interface");
	else if (ri->ri_ifp != NULL && rt->rt_ifp != ri->ri_ifp)
		(void)kern_refuse(ESRCH, "the route to it leads out of %s, "
		    "not %s", rt->rt_ifp->if_xname, ri->ri_ifp->if_xname);
	else if (ri->ri_gw != 0 && rt->rt_gw4 != ri->ri_gw && rt->rt_gw4 != 0)
		(void)kern_refuse(ESRCH, "the route to it has the gateway %s",
		    inet_ntop(AF_INET, &rt->rt_gw4, gw, sizeof(gw)));
	else if (ri->ri_gw != 0 && rt->rt_gw4 == 0)
		(void)kern_refuse(ESRCH, "the route to it has no gateway");
	else if (ri->ri_ifa != NULL && rt->rt_ifa != ri->ri_ifa)
		(void)kern_refuse(ESRCH, "the route to it has another source "
		    "address");
	else
		return true;
	return false;
}

/* A route that was taken out on request, for its family. */
struct rt_gone {
	struct sockaddr_in rg_dst;
	unsigned	 rg_len;
	uint64_t	 rg_handle;	/* 0: it led to a gateway, or nowhere */
	bool		 rg_asked;
};

/* Route lock held. */
static void
note_gone(const struct rtentry *rt, struct rt_gone *rg)
{

	memset(rg, 0, sizeof(*rg));
	rg->rg_dst.sin_family = AF_INET;
	rg->rg_dst.sin_addr.s_addr = htonl(rt->rt_lpm.le_key);
	rg->rg_len = rt->rt_lpm.le_len;
	rg->rg_asked = !is_derived(rt);
	if (rt->rt_gw4 == 0 && (rt->rt_flags & RTF_NOWHERE) == 0)
		rg->rg_handle = rt->rt_ifp->if_handle;
}

/* No lock. */
static void
tell_gone(struct vnet *vn, const struct rt_gone *rg)
{
	const struct domain *dom = domain_find(vn, AF_INET);

	if (dom != NULL && dom->dom_route_gone != NULL)
		dom->dom_route_gone(vn, (const struct sockaddr *)&rg->rg_dst,
		    rg->rg_len, rg->rg_handle, rg->rg_asked);
}

static int
no_route(void)
{

	return kern_refuse(ESRCH, "there is no such route; \"route -n show\" "
	    "lists them");
}

/* An own route of an address is not deleted or changed by itself. */
static int
belongs(const struct rtentry *rt)
{

	return kern_refuse(EPERM, "it belongs to an address of %s, and goes "
	    "with that (ifconfig %s ADDRESS delete)", rt->rt_ifp->if_xname,
	    rt->rt_ifp->if_xname);
}

int
rt_delete(struct vnet *vn, const struct rt_info *ri)
{
	struct rtentry *rt;
	struct rt_gone gone;
	int error = 0;

	if (ri->ri_len > 32)
		return EINVAL;
	route_lock(vn);
	rt = find(vn, ri);
	if (rt == NULL)
		error = no_route();
	else if (!named(rt, ri))
		error = ESRCH;
	else if (rt->rt_flags & ri->ri_refuse)
		error = belongs(rt);
	else {
		note_gone(rt, &gone);
		delete_rt(vn, rt);
	}
	route_unlock(vn);
	if (error == 0)
		tell_gone(vn, &gone);
	return error;
}

/* A copy of where the old route leads, for a change of something else. */
static void
point_as(const struct rtentry *old, struct rtentry *rt)
{

	rt->rt_gw4 = old->rt_gw4;
	rt->rt_ifp = old->rt_ifp;
	set_ifa(rt, old->rt_ifa);
}

static bool
same_route(const struct rtentry *old, const struct rtfull *rf)
{
	const struct rtentry *rt = &rf->rf_rt;

	return old->rt_flags == rt->rt_flags && old->rt_ifp == rt->rt_ifp &&
	    old->rt_gw4 == rt->rt_gw4 && rt_mtu(old) == rf->rf_mtu &&
	    old->rt_ifa == rt->rt_ifa && rt_expire_s(old) == rf->rf_expire_s;
}

/* Route lock held: what `old' becomes, in rf. */
static int
build_change(struct vnet *vn, const struct rt_info *ri,
    const struct rtentry *old, struct rtfull *rf)
{
	struct rtentry *rt = &rf->rf_rt;
	int error;

	rt->rt_flags = (old->rt_flags & RTF_ASKED & ~RTF_ALTERABLE) |
	    (ri->ri_flags & RTF_ALTERABLE);
	rf->rf_mtu = ri->ri_mtu != 0 ? ri->ri_mtu : rt_mtu(old);
	set_expire(rf, ri);
	if (ri->ri_ifa != NULL)
		rt->rt_lpm.le_user = RTE_IFA_ASKED;
	if (rf->rf_expire_s == 0)
		rf->rf_expire_s = rt_expire_s(old);
	if (ri->ri_gw == 0 && ri->ri_ifp == NULL &&
	    (rt->rt_flags & RTF_NOWHERE) ==
	    (old->rt_flags & RTF_NOWHERE)) {
		point_as(old, rt);
		rt->rt_lpm.le_user |= old->rt_lpm.le_user & RTE_IFA_ASKED;
	} else {
		error = point(vn, ri, old, rt);
		if (error != 0)
			return error;
	}
	derive_flags(vn, rt);
	if (rt->rt_flags & RTF_GATEWAY)
		rt->rt_flags &= ~(uint32_t)RTF_CONNECTED;
	return 0;
}

/* Route lock held: rf takes the place of `old'. */
static void
change_rt(struct vnet *vn, struct rtentry *old, struct rtfull *rf)
{

	lpm_replace(&vn->vn_route->rv_inet, &old->rt_lpm, &rf->rf_rt.rt_lpm);
	unlink_rt(vn->vn_route, old);
	link_rt(vn->vn_route, &rf->rf_rt);
	rt_routechange(vn, old, rf);
	retire_rt(vn, old);
}

int
rt_change(struct vnet *vn, const struct rt_info *ri)
{
	struct rtentry *old;
	struct rtfull *rf;
	struct rt_gone gone = { .rg_handle = 0 };
	int error;

	if (ri->ri_len > 32)
		return EINVAL;
	rf = alloc_rt(vn, ri);
	if (rf == NULL)
		return ENOMEM;
	route_lock(vn);
	old = find(vn, ri);
	if (old == NULL) {
		error = no_route();
		goto out;
	}
	if (old->rt_flags & ri->ri_refuse) {
		error = belongs(old);
		goto out;
	}
	error = build_change(vn, ri, old, rf);
	if (error != 0 || same_route(old, rf))
		goto out;
	if (rf->rf_rt.rt_gw4 != 0 || rf->rf_rt.rt_ifp != old->rt_ifp) {
		note_gone(old, &gone);
		gone.rg_asked = false;
	}
	change_rt(vn, old, rf);
	rf = NULL;
out:
	route_unlock(vn);
	if (rf != NULL)
		discard_rt(rf);
	if (gone.rg_handle != 0)
		tell_gone(vn, &gone);
	return error;
}

int
rt_get(struct vnet *vn, uint32_t dst, int len, uint8_t type, void *msg)
{
	const struct rtentry *rt;
	struct rt_info ri = { .ri_dst = dst };
	int error = 0;

	route_lock(vn);
	if (len < 0)
		rt = rt_lookup4(vn, dst);
	else {
		ri.ri_len = (unsigned)len;
		rt = find(vn, &ri);
	}
	if (rt == NULL)
		error = no_route();
	else
		rt_fill_msg(vn->vn_kern, rt, type, msg);
	route_unlock(vn);
	return error;
}

int
rt_get_request(struct vnet *vn, uint32_t dst, int len, void *msg)
{
	struct rt_info ri = { .ri_dst = dst, .ri_len = (unsigned)len };
	const struct rtentry *rt;
	struct rt_msg *rtm = msg;
	int error = 0;

	route_lock(vn);
	rt = find(vn, &ri);
	if (rt == NULL)
		error = ESRCH;
	else if (is_derived(rt))
		error = EOPNOTSUPP;
	else {
		rt_fill_msg(vn->vn_kern, rt, RTM_ADD, msg);
		rtm->rtm_flags &= RTF_ASKED;
		/* The source, which is last, was not asked for. */
		if ((rtm->rtm_h.rtm_addrs & RTA_IFA) != 0 &&
		    (rt->rt_lpm.le_user & RTE_IFA_ASKED) == 0) {
			rtm->rtm_h.rtm_addrs &= (uint16_t)~RTA_IFA;
			rtm->rtm_h.rtm_len -= (uint16_t)rt_sa_size(
			    rt->rt_ifa->ifa_addr->sa_family);
		}
	}
	route_unlock(vn);
	return error;
}

/* --- when what a route needs goes ----------------------------------------- */

/* Route lock held: delete a route that somebody asked for, and remember it. */
static void
lose_rt(struct vnet *vn, struct rtentry *rt)
{
	struct route_vnet *rv = vn->vn_route;
	struct rt_lost *rl = &rv->rv_lost[rv->rv_nlost++ % RT_NLOST];

	rl->rl_dst = htonl(rt->rt_lpm.le_key);
	rl->rl_len = rt->rt_lpm.le_len;
	rl->rl_gw = rt->rt_gw4;
	rl->rl_ifname[0] = '\0';
	if (rt->rt_ifp != NULL)
		if_name_copy(rt->rt_ifp, rl->rl_ifname);
	delete_rt(vn, rt);
}

uint64_t
rt_lost(struct vnet *vn, struct rt_lost list[RT_NLOST])
{
	const struct route_vnet *rv = vn->vn_route;
	uint64_t n;

	route_lock(vn);
	n = rv->rv_nlost;
	for (unsigned i = 0; i < RT_NLOST && i < n; i++)
		list[i] = rv->rv_lost[(n - 1 - i) % RT_NLOST];
	route_unlock(vn);
	return n;
}

void
rt_ifdetach(struct ifnet *ifp)
{
	struct vnet *vn = ifp->if_vnet;
	struct rtfull *rf;

	route_lock(vn);
	while ((rf = LIST_FIRST(&ifp->if_routes)) != NULL)
		if (is_derived(&rf->rf_rt))
			delete_rt(vn, &rf->rf_rt);
		else
			lose_rt(vn, &rf->rf_rt);
	route_unlock(vn);
}

void
rt_ifa_withdraw(struct ifaddr *ifa)
{
	struct vnet *vn = ifa->ifa_ifp->if_vnet;
	struct protoaddr *pa = ifa_proto(ifa);
	struct rtfull *rf, *next;
	bool late = false;

	route_lock(vn);
	for (rf = LIST_FIRST(&pa->pa_routes); rf != NULL; rf = next) {
		next = LIST_NEXT(rf, rf_ifalink);
		if (is_derived(&rf->rf_rt))
			delete_rt(vn, &rf->rf_rt);
	}
	for (int i = RT_NOWN; i-- > 0;) {
		if (pa->pa_own[i].rt_lpm.le_user & RTE_OWN_IN)
			delete_rt(vn, &pa->pa_own[i]);
		if (pa->pa_own[i].rt_lpm.le_user & RTE_OWN_LATE)
			late = true;
	}
	route_unlock(vn);
	/* Else its removal waits for those who see them. */
	if (late)
		pserialize_perform(vn->vn_kern);
}

/* Read section: the source that a request named, as it is now: of the same
 * address, given anew or on another interface; NULL: there is none. */
static struct ifaddr *
asked_source(struct vnet *vn, const struct ifaddr *gone)
{
	struct ifaddr *ifa = ifa_ifwithaddr(vn, gone->ifa_addr);

	return ifa != NULL && sa_addr4(ifa->ifa_addr) ==
	    sa_addr4(gone->ifa_addr) ? ifa : NULL;
}

/* Route lock, read section: where a route leads that has its address no more.
 * Not 0: what it needs is gone as well. */
static int
point_without(struct vnet *vn, const struct rtentry *old, struct rtentry *rt)
{
	struct rt_info ri = { .ri_gw = old->rt_gw4 };
	int error = 0;

	if ((old->rt_lpm.le_user & RTE_IFA_ASKED) != 0) {
		ri.ri_ifa = asked_source(vn, old->rt_ifa);
		if (ri.ri_ifa == NULL)
			return EADDRNOTAVAIL;
	}
	if (ri.ri_gw != 0)
		error = point_at_gateway(vn, &ri, old, rt);
	else {
		ri.ri_ifp = old->rt_ifp;
		point_at_link(&ri, rt);
	}
	if (error != 0)
		return error;
	if (if_is_deactivated(rt->rt_ifp))
		return ENXIO;
	if (ri.ri_gw == 0)
		ask_family(vn, rt);
	return rt->rt_ifa == old->rt_ifa ? ENETUNREACH : 0;
}

/* Route lock held: put the routes on link that name the address in front,
 * because gateways of others may be reached by them. */
static void
links_first(struct protoaddr *pa)
{
	struct rtfull *rf, *next;

	for (rf = LIST_FIRST(&pa->pa_routes); rf != NULL; rf = next) {
		next = LIST_NEXT(rf, rf_ifalink);
		if (rf->rf_rt.rt_gw4 != 0)
			continue;
		LIST_REMOVE(rf, rf_ifalink);
		LIST_INSERT_HEAD(&pa->pa_routes, rf, rf_ifalink);
	}
}

/* Route lock held: it goes on in rf, or is lost.  Was rf used? */
static bool
lead_on(struct vnet *vn, struct rtentry *old, struct rtfull *rf)
{
	struct rtentry *rt = &rf->rf_rt;
	int error;

	rt->rt_lpm.le_len = old->rt_lpm.le_len;
	rt->rt_lpm.le_key = old->rt_lpm.le_key;
	rt->rt_lpm.le_user = old->rt_lpm.le_user & RTE_IFA_ASKED;
	rt->rt_flags = old->rt_flags & RTF_ASKED;
	rf->rf_mtu = rt_mtu(old);
	rf->rf_expire_s = rt_expire_s(old);
	pserialize_read_enter();
	error = point_without(vn, old, rt);
	pserialize_read_exit();
	if (is_derived(old) || error != 0) {
		lose_rt(vn, old);
		return false;
	}
	derive_flags(vn, rt);
	change_rt(vn, old, rf);
	return true;
}

/* A quarter of a second in all, for memory. */
#define LEAVE_TRIES	25
#define LEAVE_WAIT_NS	10000000u

void
rt_ifa_gone(struct ifaddr *ifa)
{
	struct vnet *vn = ifa->ifa_ifp->if_vnet;
	struct protoaddr *pa = ifa_proto(ifa);
	struct rtfull *rf, *first;
	struct rtentry *old;
	unsigned tries = 0;
	bool none;

	rt_ifa_withdraw(ifa);
	route_lock(vn);
	links_first(pa);
	route_unlock(vn);
	for (;;) {
		route_lock(vn);
		none = LIST_EMPTY(&pa->pa_routes);
		route_unlock(vn);
		if (none)
			return;
		rf = kmem_zalloc(vn->vn_kern, sizeof(*rf));
		if (rf == NULL && tries++ < LEAVE_TRIES) {
			host_sleep(vn->vn_kern->k_host, LEAVE_WAIT_NS);
			continue;
		}
		route_lock(vn);
		first = LIST_FIRST(&pa->pa_routes);
		old = first != NULL ? &first->rf_rt : NULL;
		if (old != NULL && rf == NULL)
			lose_rt(vn, old);
		else if (old != NULL && lead_on(vn, old, rf))
			rf = NULL;
		route_unlock(vn);
		if (rf != NULL) {
			rf->rf_kern = vn->vn_kern;
			discard_rt(rf);
		}
	}
}

/* --- the vnet's part ----------------------------------------------------- */

static int
lost_count(struct vnet *vn, const char *name, void *arg, struct sysctl_op *op)
{
	struct rt_lost list[RT_NLOST];

	(void)name;
	(void)arg;
	return sysctl_handle_quad_ro(op, rt_lost(vn, list));
}

/* "default via 10.0.0.254 on pair0, ...", the last one first. */
static int
lost_text(struct vnet *vn, const char *name, void *arg, struct sysctl_op *op)
{
	struct rt_lost list[RT_NLOST];
	char text[SYSCTL_STRSIZE] = "", dst[INET_ADDRSTRLEN],
	    gw[INET_ADDRSTRLEN];
	uint64_t n = rt_lost(vn, list);
	const struct rt_lost *rl;
	size_t at = 0;

	(void)name;
	(void)arg;
	for (unsigned i = 0; i < RT_NLOST && i < n; i++) {
		rl = &list[i];
		(void)inet_ntop(AF_INET, &rl->rl_dst, dst, sizeof(dst));
		(void)inet_ntop(AF_INET, &rl->rl_gw, gw, sizeof(gw));
		at += (size_t)snprintf(text + at, sizeof(text) - at,
		    "%s%s", i == 0 ? "" : ", ",
		    rl->rl_len == 0 ? "default" : dst);
		if (rl->rl_len != 0 && rl->rl_len != 32)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
			    "/%u", rl->rl_len);
		at += (size_t)snprintf(text + at, sizeof(text) - at,
		    "%s%s on %s", rl->rl_gw == 0 ? "" : " via ",
		    rl->rl_gw == 0 ? "" : gw, rl->rl_ifname);
	}
	return sysctl_handle_string_ro(op, text);
}

static const struct sysctl_node route_nodes[] = {
	{
		.sn_name = "net.route.lost",
		.sn_descr = "Routes that went with what they needed",
		.sn_handler = lost_count,
	}, {
		.sn_name = "net.route.lastlost",
		.sn_descr = "The last of these",
		.sn_handler = lost_text,
	},
};

static int
route_init(struct vnet *vn)
{
	struct route_vnet *rv;
	int error;

	rv = kmem_zalloc(vn->vn_kern, sizeof(*rv));
	if (rv == NULL)
		return ENOMEM;
	error = sysctl_add(vn, &route_nodes[0]);
	if (error == 0)
		error = sysctl_add(vn, &route_nodes[1]);
	if (error == 0)
		error = lpm_init(vn->vn_kern, &rv->rv_inet);
	if (error != 0) {
		kmem_free(vn->vn_kern, rv);
		return error;
	}
	host_mutex_init(vn->vn_kern->k_host, &rv->rv_lock);
	vn->vn_route = rv;
	return 0;
}

/* Routes that lead nowhere have no interface to take them down. */
static void
route_fini(struct vnet *vn)
{
	struct route_vnet *rv = vn->vn_route;
	struct lpm_entry *le;
	uint64_t place = 0;

	route_lock(vn);
	while ((le = lpm_from(&rv->rv_inet, &place)) != NULL)
		delete_rt(vn, entry_rt(le));
	route_unlock(vn);
	pserialize_perform(vn->vn_kern);
	lpm_fini(&rv->rv_inet);
	host_mutex_destroy(vn->vn_kern->k_host, &rv->rv_lock);
	vn->vn_route = NULL;
	kmem_free(vn->vn_kern, rv);
}

const struct vnet_subsys route_subsys = {
	.vs_name = "route",
	.vs_init = route_init,
	.vs_fini = route_fini,
};
