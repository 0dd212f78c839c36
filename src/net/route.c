/*
 * The routing table: adding, deleting and changing routes.
 *
 * Readers find a route and use its constant fields; so a route is never
 * changed, another takes its place.  Each change is announced with the route
 * lock held, once readers can see it, so that announcements come in the order
 * of the changes.
 */

#include "net/route_impl.h"

#include <arpa/inet.h>

#include <errno.h>
#include <string.h>

#include "net/if_addr_impl.h"
#include "net/rtsock.h"
#include "proto/prefix.h"

/* Flags that a change may alter. */
#define RTF_ALTERABLE	(RTF_REJECT | RTF_BLACKHOLE | RTF_DYNAMIC | \
	    RTF_STATIC | RTF_PROTO1 | RTF_PROTO2)

_Static_assert(offsetof(struct rtentry, rt_lpm) == 0 &&
    offsetof(struct rtfull, rf_rt) == 0, "an entry of the table is a route");

/* The route of that very prefix that is used, or NULL. */
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

	KASSERT(rf->rf_timer == NULL);
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
	if (ri->ri_expire_ns != 0 &&
	    rt_timer_make(vn, rf, ri->ri_expire_ns) != 0) {
		kmem_free(vn->vn_kern, rf);
		return NULL;
	}
	rf->rf_kern = vn->vn_kern;
	rf->rf_rt.rt_lpm.le_len = (uint8_t)ri->ri_len;
	rf->rf_rt.rt_lpm.le_key = ntohl(ri->ri_dst) & prefix_mask(ri->ri_len);
	rf->rf_metric = (ri->ri_given & RTV_METRIC) != 0 ? ri->ri_metric : 0;
	rf->rf_proto = (ri->ri_given & RTV_PROTO) != 0 ? ri->ri_proto :
	    (ri->ri_flags & RTF_STATIC) != 0 ? RTPROT_STATIC : RTPROT_UNSPEC;
	return rf;
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
void
rt_discard(struct rtfull *rf)
{

	kmem_free(rf->rf_kern, rf->rf_timer);	/* never started */
	rf->rf_timer = NULL;
	free_rt(&rf->rf_defer);
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
link_rt(struct vnet *vn, struct rtentry *rt)
{
	struct rtfull *rf = rt_full(rt);

	vn->vn_route->rv_count++;
	if ((rt->rt_flags & RTF_DYNAMIC) != 0)
		vn->vn_route->rv_ndynamic++;
	if (rt_is_own(rt)) {
		own_in(rt);
		return;
	}
	if (rt->rt_ifp != NULL)
		LIST_INSERT_HEAD(&rt->rt_ifp->if_routes, rf, rf_iflink);
	if (rt->rt_ifa != NULL)
		LIST_INSERT_HEAD(&ifa_proto(rt->rt_ifa)->pa_routes, rf,
		    rf_ifalink);
	if (rf->rf_timer != NULL)
		rt_timer_start(vn, rf->rf_timer);
}

static void
unlink_rt(struct vnet *vn, struct rtentry *rt)
{
	struct rtfull *rf = rt_full(rt);

	vn->vn_route->rv_count--;
	if ((rt->rt_flags & RTF_DYNAMIC) != 0)
		vn->vn_route->rv_ndynamic--;
	if (rt_is_own(rt)) {
		own_out(rt);
		return;
	}
	if (rt->rt_ifp != NULL)
		LIST_REMOVE(rf, rf_iflink);
	if (rt->rt_ifa != NULL)
		LIST_REMOVE(rf, rf_ifalink);
}

/* A timer goes when its route has been told of. */
static void
stop_timer(struct vnet *vn, struct rtentry *rt)
{
	struct rtfull *rf = rt_full(rt);

	if (rt_is_own(rt) || rf->rf_timer == NULL)
		return;
	rt_timer_stop(vn, rf->rf_timer);
	rf->rf_timer = NULL;
}

/* Route lock held: into the table and its lists, and told. */
static int
enter_rt(struct vnet *vn, struct rtentry *rt)
{
	int error;

	error = lpm_insert(&vn->vn_route->rv_inet, &rt->rt_lpm);
	if (error != 0)
		return error;
	link_rt(vn, rt);
	rt_routemsg(vn, RTM_ADD, rt);
	return 0;
}

static bool
same_own(const struct rtentry *a, const struct rtentry *b)
{

	return a->rt_lpm.le_key == b->rt_lpm.le_key &&
	    a->rt_lpm.le_len == b->rt_lpm.le_len && a->rt_flags == b->rt_flags;
}

/* Of the routes that addresses bring along to one destination: to an address
 * of ours, to a far end or a network, to everybody. */
static unsigned
own_rank(uint32_t flags)
{

	return (flags & RTF_LOCAL) != 0 ? 3 : (flags & RTF_BROADCAST) != 0 ? 1 :
	    2;
}

/* The place of a new route among those of its prefix. */
enum place { FIRST, INSTEAD, IN_FRONT, BEHIND };

/* Route lock held: the place of an address's own route, where `have' is. */
static int
place_own(const struct rtentry *have, const struct rt_info *ri,
    enum place *place)
{

	if (!rt_is_derived(have)) {
		*place = IN_FRONT;
		return rt_metric(have) != 0 ? 0 : kern_refuse(EEXIST, "there "
		    "is a route to this address already, which was asked for "
		    "(route delete removes it)");
	}
	*place = INSTEAD;
	return own_rank(ri->ri_flags) > own_rank(have->rt_flags) ? 0 : EALREADY;
}

/* Route lock held: the place of a route that is asked for. */
static int
place_asked(const struct route_vnet *rv, const struct rtentry *have,
    uint32_t metric, enum place *place)
{
	const struct rtentry *spare;

	*place = BEHIND;
	if (rt_is_derived(have)) {
		if (metric == 0)
			return kern_refuse(EEXIST, "there is a route to this "
			    "destination, which came with an address; a "
			    "-metric above 0 puts this one behind it");
	} else if (rt_metric(have) > metric) {
		*place = IN_FRONT;
		return 0;
	}
	spare = rt_spare_from(rv, have->rt_lpm.le_key, have->rt_lpm.le_len,
	    metric);
	if ((!rt_is_derived(have) && rt_metric(have) == metric) ||
	    (spare != NULL && rt_metric(spare) == metric))
		return kern_refuse(EEXIST, "there is a route to this "
		    "destination; \"route change\" replaces it, another "
		    "-metric puts this one beside it");
	return 0;
}

/* Route lock held. */
static int
place_rt(struct vnet *vn, const struct rtentry *have, const struct rt_info *ri,
    uint32_t metric, enum place *place)
{

	*place = FIRST;
	if (have == NULL)
		return 0;
	return ri->ri_own != 0 ? place_own(have, ri, place) :
	    place_asked(vn->vn_route, have, metric, place);
}

/* Route lock held: into the table, in place of `have', which goes. */
static void
enter_instead(struct vnet *vn, struct rtentry *have, struct rtentry *rt)
{

	lpm_replace(&vn->vn_route->rv_inet, &have->rt_lpm, &rt->rt_lpm);
	unlink_rt(vn, have);
	rt_routemsg(vn, RTM_DELETE, have);
	link_rt(vn, rt);
	rt_routemsg(vn, RTM_ADD, rt);
	stop_timer(vn, have);
	retire_rt(vn, have);
}

/* Route lock held: into the table, with `have' as a spare from now on. */
static int
enter_in_front(struct vnet *vn, struct rtentry *have, struct rtentry *rt)
{
	int error;

	error = rt_spare_put(vn->vn_route, have);
	if (error != 0)
		return error;
	lpm_replace(&vn->vn_route->rv_inet, &have->rt_lpm, &rt->rt_lpm);
	rt_routemsg(vn, RTM_CHANGE, have);
	link_rt(vn, rt);
	rt_routemsg(vn, RTM_ADD, rt);
	return 0;
}

/* Route lock held: a spare. */
static int
enter_behind(struct vnet *vn, struct rtentry *rt)
{
	int error;

	error = rt_spare_put(vn->vn_route, rt);
	if (error != 0)
		return error;
	link_rt(vn, rt);
	rt_routemsg(vn, RTM_ADD, rt);
	return 0;
}

/* Route lock held: to its place, and told. */
static int
enter_at(struct vnet *vn, enum place place, struct rtentry *have,
    struct rtentry *rt)
{

	switch (place) {
	case FIRST:
		return enter_rt(vn, rt);
	case IN_FRONT:
		return enter_in_front(vn, have, rt);
	case BEHIND:
		return enter_behind(vn, rt);
	case INSTEAD:
		break;
	}
	enter_instead(vn, have, rt);
	return 0;
}

/* Route lock held: a route that is a spare from now on leads nobody on link. */
static void
note_behind(enum place place, const struct rtentry *have, struct rt_gone *rg)
{

	if (place != IN_FRONT)
		return;
	rt_note_gone(have, rg);
	rg->rg_asked = false;
}

/* No lock. */
static void
tell_behind(struct vnet *vn, const struct rt_gone *rg)
{

	if (rg->rg_handle != 0)
		rt_tell_gone(vn, rg);
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
	struct rt_gone gone = { .rg_handle = 0 };
	struct rtentry rt, *have;
	enum place place;
	int error;

	memset(&rt, 0, sizeof(rt));
	rt.rt_lpm.le_user = RTE_OWN;
	rt.rt_lpm.le_len = (uint8_t)ri->ri_len;
	rt.rt_lpm.le_key = ntohl(ri->ri_dst) & prefix_mask(ri->ri_len);
	rt.rt_flags = ri->ri_flags & RTF_ASKED;
	route_lock(vn);
	have = find(vn, ri);
	error = place_rt(vn, have, ri, 0, &place);
	if (error == 0)
		error = rt_point(vn, ri, NULL, &rt);
	rt_derive_flags(vn, &rt);
	if (error == 0 && (rt.rt_ifp != ri->ri_ifa->ifa_ifp ||
	    (own->rt_flags != 0 && !same_own(own, &rt))))
		error = EREMOTE;
	if (error == 0) {
		if (own->rt_flags == 0)
			*own = rt;
		error = enter_at(vn, place, have, own);
	}
	if (error == 0)
		note_behind(place, have, &gone);
	route_unlock(vn);
	tell_behind(vn, &gone);
	return error;
}

int
rt_add(struct vnet *vn, const struct rt_info *ri)
{
	struct rt_gone gone = { .rg_handle = 0 };
	struct rtentry *have;
	enum place place;
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
	rf->rf_mtu = (uint16_t)ri->ri_mtu;
	if (ri->ri_ifa != NULL && ri->ri_own == 0)
		rf->rf_rt.rt_lpm.le_user = RTE_IFA_ASKED;
	route_lock(vn);
	have = find(vn, ri);
	error = place_rt(vn, have, ri, rf->rf_metric, &place);
	if (error == 0)
		error = rt_point(vn, ri, NULL, &rf->rf_rt);
	if (error == 0) {
		rt_derive_flags(vn, &rf->rf_rt);
		error = enter_at(vn, place, have, &rf->rf_rt);
	}
	if (error == 0)
		note_behind(place, have, &gone);
	route_unlock(vn);
	if (error != 0)
		rt_discard(rf);
	tell_behind(vn, &gone);
	return error;
}

void
rt_take_out(struct vnet *vn, struct rtentry *rt)
{
	struct route_vnet *rv = vn->vn_route;
	struct rtentry *next = NULL;

	if (rt_is_spare(rt))
		rt_spare_take(rv, rt);
	else {
		next = rt_spare_from(rv, rt->rt_lpm.le_key, rt->rt_lpm.le_len,
		    0);
		if (next == NULL)
			lpm_remove(&rv->rv_inet, &rt->rt_lpm);
		else {
			rt_spare_use(rv, next);
			lpm_replace(&rv->rv_inet, &rt->rt_lpm, &next->rt_lpm);
		}
	}
	unlink_rt(vn, rt);
	rt_routemsg(vn, RTM_DELETE, rt);
	if (next != NULL)
		rt_routemsg(vn, RTM_CHANGE, next);
	stop_timer(vn, rt);
	retire_rt(vn, rt);
}

/* Is it the route that was named, by all that was said of it? */
static bool
named(const struct rtentry *rt, const struct rt_info *ri)
{
	char gw[INET_ADDRSTRLEN];

	if ((ri->ri_given & RTV_METRIC) != 0 &&
	    (rt_is_derived(rt) || rt_metric(rt) != ri->ri_metric))
		(void)kern_refuse(ESRCH, "no route to it has the metric %u",
		    ri->ri_metric);
	else if (ri->ri_ifp != NULL && rt->rt_ifp == NULL)
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

static int
no_route(void)
{

	return kern_refuse(ESRCH, "there is no such route; \"route -n show\" "
	    "lists them");
}

/* Route lock held: the next route of the prefix in the order of use, or
 * NULL. */
static struct rtentry *
next_of_prefix(const struct route_vnet *rv, const struct rtentry *rt)
{

	return rt_spare_from(rv, rt->rt_lpm.le_key, rt->rt_lpm.le_len,
	    rt_is_spare(rt) ? (uint64_t)rt_metric(rt) + 1 : 0);
}

/* Route lock held: the route that is meant, by all that was said of it.  ESRCH,
 * in words. */
static int
find_meant(struct vnet *vn, const struct rt_info *ri, struct rtentry **rtp)
{
	struct rtentry *rt = find(vn, ri);
	bool several;

	*rtp = rt;
	if (rt == NULL)
		return no_route();
	several = next_of_prefix(vn->vn_route, rt) != NULL;
	for (; rt != NULL; rt = next_of_prefix(vn->vn_route, rt))
		if (named(rt, ri)) {
			*rtp = rt;
			return 0;
		}
	return !several || (ri->ri_given & RTV_METRIC) != 0 ? ESRCH :
	    kern_refuse(ESRCH, "none of the routes to it has this gateway, "
	    "interface and source");
}

void
rt_note_gone(const struct rtentry *rt, struct rt_gone *rg)
{

	memset(rg, 0, sizeof(*rg));
	rg->rg_dst.sin_family = AF_INET;
	rg->rg_dst.sin_addr.s_addr = htonl(rt->rt_lpm.le_key);
	rg->rg_len = rt->rt_lpm.le_len;
	rg->rg_asked = !rt_is_derived(rt);
	if (rt->rt_gw4 == 0 && (rt->rt_flags & RTF_NOWHERE) == 0)
		rg->rg_handle = rt->rt_ifp->if_handle;
}

void
rt_tell_gone(struct vnet *vn, const struct rt_gone *rg)
{
	const struct domain *dom = domain_find(vn, AF_INET);

	if (dom != NULL && dom->dom_route_gone != NULL)
		dom->dom_route_gone(vn, (const struct sockaddr *)&rg->rg_dst,
		    rg->rg_len, rg->rg_handle, rg->rg_asked);
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
	int error;

	if (ri->ri_len > 32)
		return EINVAL;
	route_lock(vn);
	error = find_meant(vn, ri, &rt);
	if (error == 0 && (rt->rt_flags & ri->ri_refuse) != 0)
		error = belongs(rt);
	if (error == 0) {
		rt_note_gone(rt, &gone);
		rt_take_out(vn, rt);
	}
	route_unlock(vn);
	if (error == 0)
		rt_tell_gone(vn, &gone);
	return error;
}

/* A copy of where the old route leads, for a change of something else. */
static void
point_as(const struct rtentry *old, struct rtentry *rt)
{

	rt->rt_gw4 = old->rt_gw4;
	rt->rt_ifp = old->rt_ifp;
	rt_set_ifa(rt, old->rt_ifa);
}

static bool
same_route(const struct rtentry *old, const struct rtfull *rf)
{
	const struct rtentry *rt = &rf->rf_rt;

	return old->rt_flags == rt->rt_flags && old->rt_ifp == rt->rt_ifp &&
	    old->rt_gw4 == rt->rt_gw4 && rt_mtu(old) == rf->rf_mtu &&
	    old->rt_ifa == rt->rt_ifa &&
	    rf->rf_timer == NULL &&
	    !rt_is_own(old) && rt_full(old)->rf_proto == rf->rf_proto;
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
	rf->rf_mtu = (uint16_t)(ri->ri_mtu != 0 ? ri->ri_mtu : rt_mtu(old));
	rf->rf_metric = rt_metric(old);
	if ((ri->ri_given & RTV_PROTO) == 0 && !rt_is_own(old))
		rf->rf_proto = rt_full(old)->rf_proto;
	if (ri->ri_ifa != NULL)
		rt->rt_lpm.le_user = RTE_IFA_ASKED;
	if (ri->ri_gw == 0 && ri->ri_ifp == NULL &&
	    (rt->rt_flags & RTF_NOWHERE) ==
	    (old->rt_flags & RTF_NOWHERE)) {
		point_as(old, rt);
		rt->rt_lpm.le_user |= old->rt_lpm.le_user & RTE_IFA_ASKED;
	} else {
		error = rt_point(vn, ri, old, rt);
		if (error != 0)
			return error;
	}
	rt_derive_flags(vn, rt);
	if (rt->rt_flags & RTF_GATEWAY)
		rt->rt_flags &= ~(uint32_t)RTF_CONNECTED;
	return 0;
}

void
rt_swap(struct vnet *vn, struct rtentry *old, struct rtfull *rf)
{

	if (rt_is_spare(old))
		rt_spare_swap(vn->vn_route, old, &rf->rf_rt);
	else
		lpm_replace(&vn->vn_route->rv_inet, &old->rt_lpm,
		    &rf->rf_rt.rt_lpm);
	unlink_rt(vn, old);
	link_rt(vn, &rf->rf_rt);
	if (rf->rf_timer == NULL && !rt_is_own(old) &&
	    rt_full(old)->rf_timer != NULL)
		rt_timer_move(rt_full(old), rf);
	rt_routechange(vn, old, rf);
	stop_timer(vn, old);
	retire_rt(vn, old);
}

int
rt_change(struct vnet *vn, const struct rt_info *ri)
{
	const struct rt_info meant = {
		.ri_dst = ri->ri_dst, .ri_len = ri->ri_len,
		.ri_given = ri->ri_given, .ri_metric = ri->ri_metric,
	};
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
	error = find_meant(vn, &meant, &old);
	if (error != 0)
		goto out;
	if (old->rt_flags & ri->ri_refuse) {
		error = belongs(old);
		goto out;
	}
	error = build_change(vn, ri, old, rf);
	if (error != 0 || same_route(old, rf))
		goto out;
	if (rf->rf_rt.rt_gw4 != 0 || rf->rf_rt.rt_ifp != old->rt_ifp) {
		rt_note_gone(old, &gone);
		gone.rg_asked = false;
	}
	rt_swap(vn, old, rf);
	rf = NULL;
out:
	route_unlock(vn);
	if (rf != NULL)
		rt_discard(rf);
	if (gone.rg_handle != 0)
		rt_tell_gone(vn, &gone);
	return error;
}

size_t
rt_dynamic_count(struct vnet *vn)
{
	size_t n;

	route_lock(vn);
	n = vn->vn_route->rv_ndynamic;
	route_unlock(vn);
	return n;
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
rt_get_meant(struct vnet *vn, const struct rt_info *ri, uint8_t type,
    void *msg)
{
	struct rtentry *rt;
	int error;

	route_lock(vn);
	error = find_meant(vn, ri, &rt);
	if (error == 0)
		rt_fill_msg(vn->vn_kern, rt, type, msg);
	route_unlock(vn);
	return error;
}

int
rt_get_request(struct vnet *vn, const struct rt_info *ri, void *msg)
{
	struct rt_msg *rtm = msg;
	struct rtentry *rt;
	int error;

	route_lock(vn);
	error = find_meant(vn, ri, &rt);
	if (error == 0 && rt_is_derived(rt))
		error = EOPNOTSUPP;
	if (error == 0) {
		rt_fill_msg(vn->vn_kern, rt, RTM_ADD, msg);
		rtm->rtm_flags &= RTF_ASKED;
		if (rtm->rtm_expire_s < 0)	/* it is due */
			rtm->rtm_expire_s = 1;
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
