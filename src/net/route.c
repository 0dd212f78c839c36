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
#include <string.h>

#include "kern/reason.h"
#include "net/if_impl.h"
#include "net/rtsock.h"

/* What a request decides; the rest follows from where the route points. */
#define RTF_ASKED	(RTF_REJECT | RTF_BLACKHOLE | RTF_DYNAMIC | \
	    RTF_STATIC | RTF_PROTO1 | RTF_PROTO2 | RTF_CONNECTED | \
	    RTF_LOCAL | RTF_BROADCAST)
/* What a change may alter. */
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
prefix_mask(unsigned len)
{

	return len == 0 ? 0 : UINT32_MAX << (32 - len);
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
 * The gateway must be a neighbour: on a prefix that is on link, and not one
 * of our own addresses (EINVAL).  Its route gives interface and source.
 */
static int
point_at_gateway(struct vnet *vn, const struct rt_info *ri,
    const struct rtentry *self, struct rtentry *rt)
{
	const struct rtentry *via = rt_lookup4(vn, ri->ri_gw);

	if (via == NULL || via == self)
		return ENETUNREACH;
	if (via->rt_flags & (RTF_LOCAL | RTF_BROADCAST))
		return EINVAL;
	if (via->rt_gw4 != 0 || (via->rt_flags & RTF_NOWHERE) != 0 ||
	    via->rt_ifp == NULL)
		return ENETUNREACH;
	if (ri->ri_ifp != NULL && ri->ri_ifp != via->rt_ifp)
		return ENETUNREACH;
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

/* What the family makes of it: a local one may lead elsewhere. */
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

/* Where the route leads.  self: the route that is being changed. */
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
		error = EINVAL;
	if (error != 0)
		return error;
	/*
	 * An interface deletes its routes after it was deactivated, under the
	 * lock that is held now: later than that none may come.
	 */
	if (rt->rt_ifp != NULL && if_is_deactivated(rt->rt_ifp))
		return ENXIO;
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

/* It is out of the table.  Whoever destroys the address says so first and then
 * waits for readers: that is enough if it has not been said by now. */
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
	struct rtentry rt;
	int error;

	memset(&rt, 0, sizeof(rt));
	rt.rt_lpm.le_user = RTE_OWN;
	rt.rt_lpm.le_len = (uint8_t)ri->ri_len;
	rt.rt_lpm.le_key = ntohl(ri->ri_dst) & prefix_mask(ri->ri_len);
	rt.rt_flags = ri->ri_flags & RTF_ASKED;
	route_lock(vn);
	error = find(vn, ri) != NULL ? EEXIST : point(vn, ri, NULL, &rt);
	derive_flags(vn, &rt);
	if (error == 0 && (rt.rt_ifp != ri->ri_ifa->ifa_ifp ||
	    (own->rt_flags != 0 && !same_own(own, &rt))))
		error = EREMOTE;
	if (error == 0) {
		if (own->rt_flags == 0)
			*own = rt;
		error = enter_rt(vn, own);
	}
	route_unlock(vn);
	return error;
}

int
rt_add(struct vnet *vn, const struct rt_info *ri)
{
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
	route_lock(vn);
	error = find(vn, ri) != NULL ? EEXIST :
	    point(vn, ri, NULL, &rf->rf_rt);
	if (error == 0) {
		derive_flags(vn, &rf->rf_rt);
		error = enter_rt(vn, &rf->rf_rt);
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

	if (ri->ri_ifp != NULL && rt->rt_ifp != ri->ri_ifp)
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

int
rt_delete(struct vnet *vn, const struct rt_info *ri)
{
	struct rtentry *rt;
	int error = 0;

	if (ri->ri_len > 32)
		return EINVAL;
	route_lock(vn);
	rt = find(vn, ri);
	if (rt == NULL)
		error = ESRCH;
	else if (!named(rt, ri))
		error = ESRCH;
	else if (rt->rt_flags & ri->ri_refuse)
		error = kern_refuse(EPERM, "it belongs to an address of %s, "
		    "and goes with that (ifconfig %s ADDRESS delete)",
		    rt->rt_ifp->if_xname, rt->rt_ifp->if_xname);
	else
		delete_rt(vn, rt);
	route_unlock(vn);
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
	if (rf->rf_expire_s == 0)
		rf->rf_expire_s = rt_expire_s(old);
	if (ri->ri_gw == 0 && ri->ri_ifp == NULL &&
	    (rt->rt_flags & RTF_NOWHERE) ==
	    (old->rt_flags & RTF_NOWHERE)) {
		point_as(old, rt);
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

int
rt_change(struct vnet *vn, const struct rt_info *ri)
{
	struct route_vnet *rv = vn->vn_route;
	struct rtentry *old;
	struct rtfull *rf;
	int error;

	if (ri->ri_len > 32)
		return EINVAL;
	rf = alloc_rt(vn, ri);
	if (rf == NULL)
		return ENOMEM;
	route_lock(vn);
	old = find(vn, ri);
	if (old == NULL) {
		error = ESRCH;
		goto out;
	}
	if (old->rt_flags & ri->ri_refuse) {
		error = EPERM;
		goto out;
	}
	error = build_change(vn, ri, old, rf);
	if (error != 0 || same_route(old, rf))
		goto out;
	lpm_replace(&rv->rv_inet, &old->rt_lpm, &rf->rf_rt.rt_lpm);
	unlink_rt(rv, old);
	link_rt(rv, &rf->rf_rt);
	rt_routechange(vn, old, rf);
	retire_rt(vn, old);
	rf = NULL;
out:
	route_unlock(vn);
	if (rf != NULL)
		discard_rt(rf);
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
		error = ESRCH;
	else
		rt_fill_msg(vn->vn_kern, rt, type, msg);
	route_unlock(vn);
	return error;
}

void
rt_ifdetach(struct ifnet *ifp)
{
	struct vnet *vn = ifp->if_vnet;
	struct rtfull *rf;

	route_lock(vn);
	while ((rf = LIST_FIRST(&ifp->if_routes)) != NULL)
		delete_rt(vn, &rf->rf_rt);
	route_unlock(vn);
}

void
rt_ifa_gone(struct ifaddr *ifa)
{
	struct vnet *vn = ifa->ifa_ifp->if_vnet;
	struct protoaddr *pa = ifa_proto(ifa);
	struct rtfull *rf;
	bool late = false;

	route_lock(vn);
	while ((rf = LIST_FIRST(&pa->pa_routes)) != NULL)
		delete_rt(vn, &rf->rf_rt);
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

static int
route_init(struct vnet *vn)
{
	struct route_vnet *rv;
	int error;

	rv = kmem_zalloc(vn->vn_kern, sizeof(*rv));
	if (rv == NULL)
		return ENOMEM;
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
