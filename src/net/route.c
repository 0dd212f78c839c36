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

_Static_assert(offsetof(struct rtentry, rt_lpm) == 0,
    "an entry of the table is a route");

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
	struct rtentry *rt = (struct rtentry *)((char *)kd -
	    offsetof(struct rtentry, rt_defer));
	struct ifaddr *ifa = rt->rt_ifa;

	/* Storage goes with the address it is part of, when that goes. */
	if (rt->rt_lpm.le_user & RTE_STORE)
		__atomic_store_n(&rt->rt_lpm.le_user, RTE_STORE,
		    __ATOMIC_RELEASE);
	else
		kmem_free(rt->rt_kern, rt);
	if (ifa != NULL)
		ifa_unref(ifa);
}

static bool
claim(struct rtentry *rt)
{
	uint8_t expected = RTE_STORE;

	return rt != NULL && __atomic_compare_exchange_n(&rt->rt_lpm.le_user,
	    &expected, RTE_STORE | RTE_CLAIMED, false, __ATOMIC_ACQUIRE,
	    __ATOMIC_RELAXED);
}

static struct rtentry *
alloc_rt(struct vnet *vn, const struct rt_info *ri)
{
	struct rtentry *rt = ri->ri_store;

	if (claim(rt)) {
		memset((char *)rt + sizeof(rt->rt_lpm), 0,
		    sizeof(*rt) - sizeof(rt->rt_lpm));
	} else {
		rt = kmem_zalloc(vn->vn_kern, sizeof(*rt));
		if (rt == NULL)
			return NULL;
	}
	rt->rt_kern = vn->vn_kern;
	rt->rt_lpm.le_len = (uint8_t)ri->ri_len;
	rt->rt_lpm.le_key = ntohl(ri->ri_dst) & prefix_mask(ri->ri_len);
	return rt;
}

/* In whole seconds, and not too early. */
static void
set_expire(struct rtentry *rt, const struct rt_info *ri)
{

	rt->rt_expire_s = (uint32_t)((ri->ri_expire_ns + 999999999) /
	    1000000000);
}

/* Out of every table: free it behind the readers. */
static void
retire_rt(struct vnet *vn, struct rtentry *rt)
{

	rt->rt_kern = vn->vn_kern;
	kern_defer(vn->vn_kern, &rt->rt_defer, free_rt);
}

/* Undo alloc_rt() and what was set since: nobody has seen it. */
static void
discard_rt(struct rtentry *rt)
{

	free_rt(&rt->rt_defer);
}

static void
set_ifa(struct rtentry *rt, struct ifaddr *ifa)
{

	if (ifa == NULL)
		return;
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
derive_flags(struct rtentry *rt)
{

	rt->rt_flags |= RTF_UP;
	if (rt->rt_lpm.le_len == 32)
		rt->rt_flags |= RTF_HOST;
	if (rt->rt_gw4 != 0)
		rt->rt_flags |= RTF_GATEWAY;
}

/* Into the lists of what it refers to. */
static void
link_rt(struct route_vnet *rv, struct rtentry *rt)
{

	rv->rv_count++;
	if (rt->rt_ifp != NULL)
		LIST_INSERT_HEAD(&rt->rt_ifp->if_routes, rt, rt_iflink);
	if (rt->rt_ifa != NULL)
		LIST_INSERT_HEAD(&rt->rt_ifa->ifa_routes, rt, rt_ifalink);
}

static void
unlink_rt(struct route_vnet *rv, struct rtentry *rt)
{

	rv->rv_count--;
	if (rt->rt_ifp != NULL)
		LIST_REMOVE(rt, rt_iflink);
	if (rt->rt_ifa != NULL)
		LIST_REMOVE(rt, rt_ifalink);
}

int
rt_add(struct vnet *vn, const struct rt_info *ri)
{
	struct route_vnet *rv = vn->vn_route;
	struct rtentry *rt;
	int error;

	if (ri->ri_len > 32)
		return EINVAL;
	rt = alloc_rt(vn, ri);
	if (rt == NULL)
		return ENOMEM;
	rt->rt_flags = ri->ri_flags & RTF_ASKED;
	rt->rt_mtu = ri->ri_mtu;
	set_expire(rt, ri);
	route_lock(vn);
	if (find(vn, ri) != NULL) {
		error = EEXIST;
		goto fail;
	}
	error = point(vn, ri, NULL, rt);
	if (error != 0)
		goto fail;
	derive_flags(rt);
	error = lpm_insert(&rv->rv_inet, &rt->rt_lpm);
	if (error != 0)
		goto fail;
	link_rt(rv, rt);
	rt_routemsg(vn, RTM_ADD, rt);
	route_unlock(vn);
	return 0;

fail:
	route_unlock(vn);
	discard_rt(rt);
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

int
rt_delete(struct vnet *vn, const struct rt_info *ri)
{
	struct rtentry *rt;
	int error = 0;

	if (ri->ri_len > 32)
		return EINVAL;
	route_lock(vn);
	rt = find(vn, ri);
	if (rt == NULL || (ri->ri_ifp != NULL && rt->rt_ifp != ri->ri_ifp))
		error = ESRCH;
	else if (rt->rt_flags & ri->ri_refuse)
		error = EPERM;
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
same_route(const struct rtentry *a, const struct rtentry *b)
{

	return a->rt_flags == b->rt_flags && a->rt_ifp == b->rt_ifp &&
	    a->rt_gw4 == b->rt_gw4 && a->rt_mtu == b->rt_mtu &&
	    a->rt_ifa == b->rt_ifa && a->rt_expire_s == b->rt_expire_s;
}

/* Route lock held: what `old' becomes, in rt. */
static int
build_change(struct vnet *vn, const struct rt_info *ri,
    const struct rtentry *old, struct rtentry *rt)
{
	int error;

	rt->rt_flags = (old->rt_flags & RTF_ASKED & ~RTF_ALTERABLE) |
	    (ri->ri_flags & RTF_ALTERABLE);
	rt->rt_mtu = ri->ri_mtu != 0 ? ri->ri_mtu : old->rt_mtu;
	set_expire(rt, ri);
	if (rt->rt_expire_s == 0)
		rt->rt_expire_s = old->rt_expire_s;
	if (ri->ri_gw == 0 && ri->ri_ifp == NULL &&
	    (rt->rt_flags & RTF_NOWHERE) ==
	    (old->rt_flags & RTF_NOWHERE)) {
		point_as(old, rt);
	} else {
		error = point(vn, ri, old, rt);
		if (error != 0)
			return error;
	}
	derive_flags(rt);
	if (rt->rt_flags & RTF_GATEWAY)
		rt->rt_flags &= ~(uint32_t)RTF_CONNECTED;
	return 0;
}

int
rt_change(struct vnet *vn, const struct rt_info *ri)
{
	struct route_vnet *rv = vn->vn_route;
	struct rtentry *old, *rt;
	int error;

	if (ri->ri_len > 32)
		return EINVAL;
	rt = alloc_rt(vn, ri);
	if (rt == NULL)
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
	error = build_change(vn, ri, old, rt);
	if (error != 0 || same_route(old, rt))
		goto out;
	lpm_replace(&rv->rv_inet, &old->rt_lpm, &rt->rt_lpm);
	unlink_rt(rv, old);
	link_rt(rv, rt);
	rt_routechange(vn, old, rt);
	retire_rt(vn, old);
	rt = NULL;
out:
	route_unlock(vn);
	if (rt != NULL)
		discard_rt(rt);
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
	struct rtentry *rt;

	route_lock(vn);
	while ((rt = LIST_FIRST(&ifp->if_routes)) != NULL)
		delete_rt(vn, rt);
	route_unlock(vn);
}

void
rt_ifa_gone(struct ifaddr *ifa)
{
	struct vnet *vn = ifa->ifa_ifp->if_vnet;
	struct rtentry *rt;

	route_lock(vn);
	while ((rt = LIST_FIRST(&ifa->ifa_routes)) != NULL)
		delete_rt(vn, rt);
	route_unlock(vn);
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
	size_t pos;

	route_lock(vn);
	/* The table may shrink on the way, and what was ahead be behind. */
	while (rv->rv_count > 0) {
		pos = 0;
		while ((le = lpm_next(&rv->rv_inet, &pos)) != NULL)
			delete_rt(vn, entry_rt(le));
	}
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
