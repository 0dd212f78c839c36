/*
 * Paths: where routes lead, found and followed.
 *
 * A gateway is reached by the longest prefix that contains it and can be used:
 * on the link of its interface, or by the path of another route, whose own
 * gateway then takes the packets (RFC 4271 9.1.2.1).  A route never serves as
 * its own way, not in a circle either; and a default route serves for no
 * gateway, as it would for every mistyped one.  When any of that changes the
 * path is due, and resolved again before the route lock is released.
 */

#include "net/route_impl.h"

#include <arpa/inet.h>

#include <errno.h>
#include <string.h>

#include "net/if_addr_impl.h"
#include "net/rtsock.h"
#include "proto/prefix.h"

#define DEPTH_MAX	8	/* paths that follow each other */
#define ROUNDS_MAX	8	/* times that one is resolved in one go */
#define TELL_MAX	64	/* routes of a path that are announced */

/* Refuse a request in words; a path that is resolved again is nobody's. */
#define REFUSE(for_rt, error, ...)					\
	((for_rt) != NULL ? kern_refuse(error, __VA_ARGS__) : (error))

/* The place to which a path leads. */
struct found {
	struct ifnet	*fo_ifp;
	struct ifaddr	*fo_ifa;	/* or NULL */
	union neigh_addr fo_gw;
	bool		 fo_has_gw;
	struct rt_path	*fo_via;	/* or NULL */
};

struct ifnet *
rt_path_ifp(const struct rt_path *rp)
{
	const struct rt_hop *ho;

	if (rp->rp_group != NULL)
		rp = rp->rp_group->rg_member[0].rm_path;
	ho = __atomic_load_n(&rp->rp_hop, __ATOMIC_CONSUME);
	return ho != NULL ? ho->ho_ng.ng_nh.nh_ifp : rp->rp_spec.sp_ifp;
}

struct ifaddr *
rt_path_ifa(const struct rt_path *rp)
{
	const struct rt_hop *ho;

	if (rp->rp_group != NULL)
		rp = rp->rp_group->rg_member[0].rm_path;
	ho = __atomic_load_n(&rp->rp_hop, __ATOMIC_CONSUME);
	return ho != NULL ? ho->ho_ng.ng_nh.nh_ifa : NULL;
}

/* --- finding ------------------------------------------------------------- */

static inline uint32_t
gw_key(const struct rt_spec *sp)
{

	return ntohl(sp->sp_gw.na_4);
}

static inline bool
prefix_has4(uint32_t key, unsigned len, uint32_t addr)
{

	return ((key ^ addr) & prefix_mask(len)) == 0;
}

bool
rt_path_leads_to(const struct rt_path *rp, const struct rt_path *to)
{

	for (; rp != NULL; rp = rp->rp_via)
		if (rp == to)
			return true;
	return false;
}

/* The table to look in next, where `tb' has no way to a gateway; or NULL. */
static const struct rt_table *
next_table(const struct rt_table *tb)
{

	return tb->tb_is_open ? rt_main(tb->tb_vnet) : NULL;
}

/* The source that a request named, as it is now; NULL: there is none. */
static struct ifaddr *
named_source(const struct rt_table *tb, uint32_t src)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = src,
	};
	struct ifaddr *ifa;

	ifa = ifa_intable(tb, (const struct sockaddr *)&sin);
	return ifa == NULL && tb->tb_is_open ? ifa_intable(rt_main(tb->tb_vnet),
	    (const struct sockaddr *)&sin) : ifa;
}

/* A gateway on the network of an address; EINVAL: no host has that address. */
static int
find_connected(const struct rtentry *rt, const struct rtentry *for_rt,
    uint32_t gw, struct found *fo)
{

	if (rt->rt_own != RT_OWN_NET)
		return REFUSE(for_rt, EINVAL, "the gateway is %s",
		    rt->rt_own == RT_OWN_LOCAL ? "an address of our own" :
		    "a broadcast address");
	if (rt->rt_len < 31 && rt->rt_key == gw)
		return REFUSE(for_rt, EINVAL, "the gateway is the address of a "
		    "network, which no host has");
	fo->fo_ifp = rt->rt_ownifa->ifa_ifp;
	fo->fo_ifa = rt->rt_ownifa;
	return 0;
}

/* Would a path that cannot be used now go by way of the prefix? */
static bool
goes_by(const struct rt_table *tb, const struct rt_path *rp,
    const struct rtentry *prefix)
{
	const struct rtentry *rt;

	for (unsigned i = 0; i < DEPTH_MAX && rp->rp_spec.sp_has_gw; i++) {
		if (prefix_has4(prefix->rt_key, prefix->rt_len,
		    gw_key(&rp->rp_spec)))
			return true;
		rt = rt_table_cover(tb, gw_key(&rp->rp_spec), 33);
		if (rt == NULL || rt_is_own(rt))
			return false;
		rp = rt->rt_path;
		if (rp->rp_group != NULL)
			rp = rp->rp_group->rg_member[0].rm_path;
	}
	return false;
}

/* Who looks for the way to a gateway: the path that is resolved, or NULL, and
 * the route that asks, which may be in the table; was it met on the way? */
struct search {
	const struct rt_path *se_self;
	const struct rtentry *se_for;
	const struct rt_table *se_table;	/* its table */
	bool		 se_circle;
};

/* The way to a gateway in one table.  ESRCH: there is none. */
static int
find_in(const struct rt_table *tb, uint32_t gw, struct search *se,
    struct found *fo)
{
	const struct rtentry *for_rt = se->se_for;
	const struct rt_path *self = se->se_self;
	struct rtentry *rt;
	struct rt_path *via;
	const struct nexthop *nh;

	for (rt = rt_table_cover(tb, gw, 33); rt != NULL && rt->rt_len != 0;
	    rt = rt_table_cover(tb, rt->rt_key, rt->rt_len)) {
		if (rt_is_own(rt))
			return find_connected(rt, for_rt, gw, fo);
		via = rt->rt_path;
		if (via->rp_group != NULL) {
			via = rt_group_way(via, self);
			if (via == NULL)
				continue;
		}
		if (rt == for_rt ||
		    (self != NULL && rt_path_leads_to(via, self)))
			continue;
		if (via->rp_hop == NULL || via->rp_depth >= DEPTH_MAX) {
			/* A route of the main table goes by no other. */
			if (for_rt != NULL && tb == se->se_table &&
			    goes_by(tb, via, for_rt))
				se->se_circle = true;
			continue;
		}
		nh = &via->rp_hop->ho_ng.ng_nh;
		/* A path like that is about to lead elsewhere. */
		if (nh->nh_ifp != NULL && if_is_deactivated(nh->nh_ifp))
			continue;
		if ((nh->nh_flags & NH_NOWHERE) != 0)
			return REFUSE(for_rt, ENETUNREACH, "a route refuses "
			    "packets to the gateway");
		fo->fo_via = via;
		fo->fo_ifp = nh->nh_ifp;
		fo->fo_ifa = nh->nh_ifa;
		if ((nh->nh_flags & NH_GATEWAY) != 0)
			fo->fo_gw = *nh_gateway(nh);
		return 0;
	}
	return ESRCH;
}

static int
find_gateway(const struct rt_spec *sp, const struct rt_path *self,
    const struct rtentry *for_rt, struct found *fo)
{
	struct search se = {
		.se_self = self, .se_for = for_rt, .se_table = sp->sp_table,
	};
	const struct rt_table *tb = sp->sp_table;
	int error = ESRCH;

	fo->fo_gw = sp->sp_gw;
	fo->fo_has_gw = true;
	for (; tb != NULL && error == ESRCH; tb = next_table(tb))
		error = find_in(tb, gw_key(sp), &se, fo);
	if (error != ESRCH)
		return error;
	if (se.se_circle)
		return REFUSE(for_rt, ELOOP, "the gateway is reached by way of "
		    "this very route");
	return REFUSE(for_rt, ENETUNREACH, "the gateway is not on a network of "
	    "any interface, and no route but a default one leads to it");
}

/* On link: the source is the interface's best address for the destination. */
static void
find_link(const struct rt_spec *sp, struct found *fo)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = sp->sp_gw.na_4,
	};

	fo->fo_ifp = sp->sp_ifp;
	fo->fo_ifa = ifaof_ifpforaddr((const struct sockaddr *)&sin,
	    sp->sp_ifp);
}

/* Read section: where a path leads; refused with the reason. */
static int
find(const struct rt_spec *sp, const struct rt_path *self,
    const struct rtentry *for_rt, struct found *fo)
{
	struct ifaddr *source = NULL;
	int error = 0;

	memset(fo, 0, sizeof(*fo));
	if (sp->sp_src != 0 && sp->sp_nowhere == 0) {
		source = named_source(sp->sp_table, sp->sp_src);
		if (source == NULL)
			return REFUSE(for_rt, EADDRNOTAVAIL, "the source is no "
			    "address of an interface");
	}
	if (sp->sp_nowhere != 0)
		fo->fo_ifp = sp->sp_ifp;
	else if (sp->sp_has_gw)
		error = find_gateway(sp, self, for_rt, fo);
	else if (sp->sp_ifp != NULL)
		find_link(sp, fo);
	else
		error = REFUSE(for_rt, EINVAL, "neither a gateway nor an "
		    "interface is named");
	if (error != 0)
		return error;
	if (sp->sp_ifp != NULL && fo->fo_ifp != sp->sp_ifp)
		return REFUSE(for_rt, ENETUNREACH, "the gateway is on a "
		    "network of %s, not of %s", fo->fo_ifp->if_xname,
		    sp->sp_ifp->if_xname);
	if (source != NULL)
		fo->fo_ifa = source;
	/*
	 * An interface takes its routes out after it was deactivated, under the
	 * lock that is held now: later than that none may come.
	 */
	if (fo->fo_ifp != NULL && if_is_deactivated(fo->fo_ifp))
		return REFUSE(for_rt, ENXIO, "%s is being destroyed",
		    fo->fo_ifp->if_xname);
	return 0;
}

/* --- publishing ---------------------------------------------------------- */

static void
free_hop(struct kern_defer *kd)
{
	struct rt_hop *ho = (struct rt_hop *)(void *)((char *)kd -
	    offsetof(struct rt_hop, ho_defer));
	struct ifaddr *ifa = ho->ho_ng.ng_nh.nh_ifa;

	kmem_free(ho->ho_kern, ho);
	if (ifa != NULL)
		ifa_unref(ifa);
}

static struct rt_hop *
alloc_hop(struct vnet *vn)
{
	struct rt_hop *ho = kmem_zalloc(vn->vn_kern, sizeof(*ho));

	if (ho != NULL)
		ho->ho_kern = vn->vn_kern;
	return ho;
}

static void
fill_hop(struct rt_hop *ho, const struct rt_spec *sp, const struct found *fo)
{
	struct nexthop *nh = &ho->ho_ng.ng_nh;

	nh->nh_ifp = fo->fo_ifp;
	nh->nh_ifa = fo->fo_ifa;
	nh->nh_flags = sp->sp_nowhere | (fo->fo_has_gw ? NH_GATEWAY : 0);
	nh->nh_mtu = sp->sp_mtu;
	nh->nh_family = AF_INET;
	ho->ho_ng.ng_gw = fo->fo_gw;
	ho->ho_ng.ng_hdr = NULL;
	if (fo->fo_ifa != NULL)
		ifa_ref(fo->fo_ifa);
}

/* The neighbour that is its gateway gives it the header, or does so no more. */
static void
hop_want(struct vnet *vn, struct rt_hop *ho, bool want)
{
	const struct nexthop_gw *ng = &ho->ho_ng;
	struct neigh_table *nt = neigh_table_of(vn);

	if ((ng->ng_nh.nh_flags & NH_GATEWAY) == 0 || nt == NULL)
		return;
	if (!want) {
		neigh_user_remove(nt, &ho->ho_user);
		return;
	}
	ho->ho_user = (struct neigh_user){
		.nu_ifp = ng->ng_nh.nh_ifp, .nu_addr = ng->ng_gw,
		.nu_family = ng->ng_nh.nh_family, .nu_hdr = &ho->ho_ng.ng_hdr,
	};
	neigh_user_add(nt, &ho->ho_user);
}

/* Is this where it leads already? */
static bool
is_found(const struct rt_path *rp, const struct found *fo)
{
	const struct nexthop *nh;

	if (rp->rp_hop == NULL || fo == NULL)
		return rp->rp_hop == NULL && fo == NULL;
	nh = &rp->rp_hop->ho_ng.ng_nh;
	return nh->nh_ifp == fo->fo_ifp && nh->nh_ifa == fo->fo_ifa &&
	    rp->rp_via == fo->fo_via && (!fo->fo_has_gw ||
	    neigh_addr_equal(nh_gateway(nh), &fo->fo_gw));
}

/* No new packet finds it. */
static void
retire_hop(struct vnet *vn, struct rt_hop *ho)
{

	hop_want(vn, ho, false);
	kern_defer(vn->vn_kern, &ho->ho_defer, free_hop);
}

static void	path_free(struct vnet *, struct rt_path *);

/* Into the lists of what it leads to, and out of them. */
static void
hang(struct rt_path *rp, struct rt_path *via)
{
	struct ifaddr *ifa = rt_path_ifa(rp);

	rp->rp_onif = rt_path_ifp(rp);
	if (rp->rp_onif != NULL)
		LIST_INSERT_HEAD(&rp->rp_onif->if_paths, rp, rp_iflink);
	if (ifa != NULL)
		LIST_INSERT_HEAD(&ifa_proto(ifa)->pa_paths, rp, rp_ifalink);
	rp->rp_via = via;
	rp->rp_depth = 0;
	if (via == NULL)
		return;
	rp->rp_depth = via->rp_depth + 1;
	LIST_INSERT_HEAD(&via->rp_users, rp, rp_vialink);
}

static void
unhang(struct rt_path *rp)
{

	if (rp->rp_onif != NULL)
		LIST_REMOVE(rp, rp_iflink);
	rp->rp_onif = NULL;
	if (rt_path_ifa(rp) != NULL)
		LIST_REMOVE(rp, rp_ifalink);
	if (rp->rp_via != NULL)
		LIST_REMOVE(rp, rp_vialink);
	rp->rp_via = NULL;
}

/* Can packets be sent there, as far as the interface knows? */
static uint8_t
use_of(const struct rt_path *rp)
{
	const struct nexthop *nh;
	uint8_t best = RT_USE_NOT;
	uint32_t flags;

	if (rp->rp_group != NULL) {
		for (unsigned i = 0; i < rp->rp_group->rg_n; i++)
			if (rp->rp_group->rg_member[i].rm_path->rp_use > best)
				best = rp->rp_group->rg_member[i].rm_path->
				    rp_use;
		return best;
	}
	if (rp->rp_hop == NULL)
		return RT_USE_NOT;
	nh = &rp->rp_hop->ho_ng.ng_nh;
	if ((nh->nh_flags & NH_NOWHERE) != 0 || nh->nh_ifp == NULL)
		return RT_USE_UP;
	flags = __atomic_load_n(&nh->nh_ifp->if_flags, __ATOMIC_RELAXED);
	return (flags & IFF_UP) != 0 && __atomic_load_n(
	    &nh->nh_ifp->if_link_state, __ATOMIC_RELAXED) != LINK_STATE_DOWN ?
	    RT_USE_UP : RT_USE_DOWN;
}

static void
not_due(struct vnet *vn, struct rt_path *rp)
{

	if (rp->rp_is_due)
		TAILQ_REMOVE(&vn->vn_route->rv_due, rp, rp_duelink);
	if (rp->rp_is_starved)
		TAILQ_REMOVE(&vn->vn_route->rv_starved, rp, rp_duelink);
	rp->rp_is_due = rp->rp_is_starved = false;
}

static void
due(struct vnet *vn, struct rt_path *rp)
{

	if (rp->rp_is_due)
		return;
	not_due(vn, rp);
	rp->rp_is_due = true;
	TAILQ_INSERT_TAIL(&vn->vn_route->rv_due, rp, rp_duelink);
}

/* The path's routes lead to gateways in another way now: whichever is less
 * work, all gateways are looked up again, or those in its routes' prefixes. */
static void
serve_again(const struct rt_path *rp)
{
	struct rt_table *tb = rp->rp_spec.sp_table;
	const struct rtfull *rf;

	if (rp->rp_nroutes >= tb->tb_gateways.kt_count) {
		rt_paths_prefix_changed(tb, 0, 0);
		return;
	}
	LIST_FOREACH(rf, &rp->rp_routes, rf_link)
		rt_paths_prefix_changed(tb, rf->rf_rt.rt_key,
		    rf->rf_rt.rt_len);
	LIST_FOREACH(rf, &rp->rp_shared, rf_link)
		rt_paths_prefix_changed(tb, rf->rf_rt.rt_key,
		    rf->rf_rt.rt_len);
}

/* Prefixes with several routes use others, now that it can, or cannot, be
 * used. */
void
rt_path_look(struct vnet *vn, struct rt_path *rp)
{
	uint8_t use = use_of(rp), was = rp->rp_use;
	struct rt_path *user;
	struct rtfull *rf;

	if (use == was)
		return;
	rp->rp_use = use;
	if (rp->rp_group != NULL && (use == RT_USE_NOT || was == RT_USE_NOT))
		serve_again(rp);
	rt_group_member_changed(vn, rp);
	LIST_FOREACH(user, &rp->rp_users, rp_vialink)
		due(vn, user);
	LIST_FOREACH(rf, &rp->rp_shared, rf_link)
		rt_select(vn, &rf->rf_rt);
}

/* Its routes lead elsewhere: say so, unless they are very many. */
static void
tell(struct vnet *vn, const struct rt_path *rp)
{
	const struct rtfull *rf;

	if (rp->rp_nroutes > TELL_MAX)
		return;
	LIST_FOREACH(rf, &rp->rp_routes, rf_link)
		rt_routemsg(vn, RTM_CHANGE, &rf->rf_rt);
	LIST_FOREACH(rf, &rp->rp_shared, rf_link)
		rt_routemsg(vn, RTM_CHANGE, &rf->rf_rt);
}

/* The path, or one that it goes by, leads another way, perhaps to the same next
 * hop: what was in a circle with it, or too deep, may not be so any more. */
static void
chain_changed(struct vnet *vn, struct rt_path *rp)
{
	struct rt_path *user;

	rp->rp_is_rerouted = false;
	rp->rp_depth = rp->rp_via != NULL ? rp->rp_via->rp_depth + 1 : 0;
	LIST_FOREACH(user, &rp->rp_users, rp_vialink) {
		user->rp_is_rerouted = true;
		due(vn, user);
	}
	serve_again(rp);
}

/* Lead there from now on, by one store for readers; NULL, or no memory:
 * nowhere for now. */
static void
set(struct vnet *vn, struct rt_path *rp, const struct found *fo)
{
	struct route_vnet *rv = vn->vn_route;
	struct rt_hop *old = rp->rp_hop, *ho = NULL;
	struct rt_path *via = NULL;

	if (fo != NULL) {
		ho = rp->rp_ahead != NULL ? rp->rp_ahead : alloc_hop(vn);
		rp->rp_ahead = NULL;
	}
	if (fo != NULL && ho != NULL) {
		via = fo->fo_via;
		fill_hop(ho, &rp->rp_spec, fo);
		hop_want(vn, ho, true);
	}
	unhang(rp);
	__atomic_store_n(&rp->rp_hop, ho, __ATOMIC_RELEASE);
	hang(rp, via);
	nh_number_set(&rv->rv_nh, rp->rp_number, ho != NULL ?
	    &ho->ho_ng.ng_nh : rv->rv_unreachable);
	rt_group_member_changed(vn, rp);
	/* From here on no new reader finds the old one, in groups neither. */
	if (old != NULL)
		retire_hop(vn, old);
	if (rp->rp_ahead == NULL)
		rp->rp_ahead = alloc_hop(vn);
	chain_changed(vn, rp);
}

static struct rtfull *
first_dynamic(const struct rt_path *rp)
{
	struct rtfull *rf;

	LIST_FOREACH(rf, &rp->rp_routes, rf_link)
		if ((rf->rf_rt.rt_flags & RTF_DYNAMIC) != 0)
			return rf;
	LIST_FOREACH(rf, &rp->rp_shared, rf_link)
		if ((rf->rf_rt.rt_flags & RTF_DYNAMIC) != 0)
			return rf;
	return NULL;
}

/* Routes that nobody asked for go with their gateways. */
static void
drop_dynamic(struct vnet *vn, struct rt_path *rp)
{
	struct rtfull *rf;

	if (vn->vn_route->rv_ndynamic == 0)
		return;
	rp->rp_nroutes++;	/* it stays meanwhile */
	while ((rf = first_dynamic(rp)) != NULL)
		rt_take_out(vn, &rf->rf_rt);
	if (--rp->rp_nroutes == 0)
		path_free(vn, rp);
}

static void
resolve(struct vnet *vn, struct rt_path *rp)
{
	struct found fo;
	int error;

	pserialize_read_enter();
	error = find(&rp->rp_spec, rp, NULL, &fo);
	if (!is_found(rp, error == 0 ? &fo : NULL)) {
		set(vn, rp, error == 0 ? &fo : NULL);
		tell(vn, rp);
		rp->rp_rounds++;
	} else if (rp->rp_is_rerouted)
		chain_changed(vn, rp);
	pserialize_read_exit();
	rt_path_look(vn, rp);
	if (error == 0 && rp->rp_hop == NULL && !rp->rp_is_due) {
		rp->rp_is_starved = true;
		TAILQ_INSERT_TAIL(&vn->vn_route->rv_starved, rp, rp_duelink);
	}
	if (error != 0)
		drop_dynamic(vn, rp);
}

/* Lead nowhere for now. */
static void
forget(struct vnet *vn, struct rt_path *rp)
{

	set(vn, rp, NULL);
	tell(vn, rp);
	rt_path_look(vn, rp);
}

void
rt_paths_settle(struct vnet *vn)
{
	struct route_vnet *rv = vn->vn_route;
	struct rt_path *rp;

	rv->rv_turn++;
	while ((rp = TAILQ_FIRST(&rv->rv_starved)) != NULL)
		due(vn, rp);
	while ((rp = TAILQ_FIRST(&rv->rv_due)) != NULL) {
		not_due(vn, rp);
		if (rp->rp_turn != rv->rv_turn) {
			rp->rp_turn = rv->rv_turn;
			rp->rp_rounds = 0;
		}
		/* Paths that keep changing each other come to rest apart. */
		if (rp->rp_rounds < ROUNDS_MAX)
			resolve(vn, rp);
		else if (rp->rp_hop != NULL)
			forget(vn, rp);
	}
}

/* --- what makes paths due ------------------------------------------------ */

static inline uint64_t
gateway_order(uint32_t gw, uint32_t number)
{

	return (uint64_t)gw << 32 | number;
}

void
rt_paths_prefix_changed(struct rt_table *tb, uint32_t key, unsigned len)
{
	struct kbtree *kb = &tb->tb_gateways;
	uint32_t last = key | ~prefix_mask(len);
	uint64_t at = gateway_order(key, 0), found;
	struct rt_path *rp;

	while ((rp = kbtree_from(kb, at, &found)) != NULL &&
	    found >> 32 <= last) {
		due(tb->tb_vnet, rp);
		at = found + 1;
	}
}

/* Take the table's paths, up to one of them, out of the main one's. */
static void
close_until(struct rt_table *tb, uint64_t end)
{
	struct kbtree *gateways = &rt_main(tb->tb_vnet)->tb_gateways;
	uint64_t at = 0, found;

	while (kbtree_from(&tb->tb_gateways, at, &found) != NULL &&
	    found < end) {
		(void)kbtree_remove(gateways, found);
		at = found + 1;
	}
}

void
rt_paths_open(struct rt_table *tb)
{
	struct kbtree *gateways = &rt_main(tb->tb_vnet)->tb_gateways;
	uint64_t at = 0, found;
	struct rt_path *rp;

	while ((rp = kbtree_from(&tb->tb_gateways, at, &found)) != NULL) {
		if (kbtree_insert(gateways, found, rp) != 0) {
			close_until(tb, found);
			return;
		}
		at = found + 1;
	}
	tb->tb_is_open = true;
	rt_paths_prefix_changed(tb, 0, 0);
}

void
rt_paths_close(struct rt_table *tb)
{

	if (tb->tb_is_open)
		close_until(tb, UINT64_MAX);
	tb->tb_is_open = false;
	rt_paths_prefix_changed(tb, 0, 0);
}

void
rt_paths_source_came(struct rt_table *tb, uint32_t addr)
{
	const struct rt_spec *sp;
	struct rt_path *rp;

	LIST_FOREACH(rp, &tb->tb_vnet->vn_route->rv_sourced, rp_srclink) {
		sp = &rp->rp_spec;
		if (sp->sp_src == htonl(addr) && (sp->sp_table == tb ||
		    next_table(sp->sp_table) == tb))
			due(tb->tb_vnet, rp);
	}
}

void
rt_paths_leave_ifa(struct vnet *vn, struct ifaddr *ifa)
{
	struct protoaddr *pa = ifa_proto(ifa);
	struct rt_path *rp;

	LIST_FOREACH(rp, &pa->pa_paths, rp_ifalink)
		due(vn, rp);
	rt_paths_settle(vn);
	while ((rp = LIST_FIRST(&pa->pa_paths)) != NULL)
		forget(vn, rp);
	rt_paths_settle(vn);
}

void
rt_paths_leave_if(struct vnet *vn, struct ifnet *ifp)
{
	struct rt_path *rp, *next;
	struct rtfull *rf;

	for (rp = LIST_FIRST(&ifp->if_paths); rp != NULL; rp = next) {
		next = LIST_NEXT(rp, rp_iflink);
		if (rp->rp_spec.sp_ifp != ifp)
			due(vn, rp);
	}
	rt_paths_settle(vn);
	/* All that are left name it: their routes go, and with the last one
	 * the path. */
	while ((rp = LIST_FIRST(&ifp->if_paths)) != NULL) {
		if (rp->rp_spec.sp_ifp != ifp) {
			forget(vn, rp);
			continue;
		}
		if ((rf = LIST_FIRST(&rp->rp_routes)) == NULL)
			rf = LIST_FIRST(&rp->rp_shared);
		if (rf != NULL)
			rt_lose(vn, &rf->rf_rt);
		else
			rt_group_leave(vn, rp);
	}
	rt_paths_settle(vn);
}

void
rt_paths_look(struct vnet *vn)
{
	struct rt_path *rp, *next;
	const struct rt_group *rg;
	size_t pos = 0;

	while ((rg = khash_walk(&vn->vn_route->rv_groups, &pos)) != NULL)
		for (unsigned i = 0; i < rg->rg_n; i++)
			rt_path_look(vn, rg->rg_member[i].rm_path);
	for (rp = LIST_FIRST(&vn->vn_route->rv_sharing); rp != NULL;
	    rp = next) {
		next = LIST_NEXT(rp, rp_sharing);
		rt_path_look(vn, rp);
	}
}

/* --- making and giving up ------------------------------------------------ */

static uint32_t
spec_hash(const struct rt_spec *sp)
{
	uint64_t h;

	h = khash_u64(sp->sp_gw.na_words[0] ^ (uintptr_t)sp->sp_ifp ^
	    (uint64_t)sp->sp_table->tb_number << 32);
	h = h << 32 ^ sp->sp_gw.na_words[1] ^ sp->sp_src ^
	    (uint64_t)sp->sp_mtu << 40 ^ (uint64_t)sp->sp_nowhere << 60 ^
	    sp->sp_has_gw;
	return khash_u64(h);
}

static uint32_t
object_hash(const void *obj)
{

	return spec_hash(&((const struct rt_path *)obj)->rp_spec);
}

static bool
same_spec(const struct rt_spec *a, const struct rt_spec *b)
{

	return neigh_addr_equal(&a->sp_gw, &b->sp_gw) &&
	    a->sp_table == b->sp_table && a->sp_ifp == b->sp_ifp &&
	    a->sp_src == b->sp_src &&
	    a->sp_nowhere == b->sp_nowhere && a->sp_mtu == b->sp_mtu &&
	    a->sp_has_gw == b->sp_has_gw;
}

bool
rt_path_is(const struct rt_path *rp, const struct rt_spec *sp)
{

	return rp->rp_group == NULL && same_spec(&rp->rp_spec, sp);
}

static struct rt_path *
path_of(const struct route_vnet *rv, const struct rt_spec *sp)
{
	struct khash_iter it;
	struct rt_path *rp;

	for (rp = khash_first(&rv->rv_paths, spec_hash(sp), &it); rp != NULL;
	    rp = khash_next(&it))
		if (same_spec(&rp->rp_spec, sp))
			return rp;
	return NULL;
}

static void
free_path(struct kern_defer *kd)
{
	struct rt_path *rp = (struct rt_path *)(void *)((char *)kd -
	    offsetof(struct rt_path, rp_defer));

	kmem_free(rp->rp_kern, rp);
}

/* Into the table of gateways, and into the main one's if they may be found
 * there.  ENOMEM. */
static int
gateway_list(struct rt_path *rp)
{
	struct rt_table *tb = rp->rp_spec.sp_table;
	uint64_t order = gateway_order(gw_key(&rp->rp_spec), rp->rp_number);
	int error;

	if (tb->tb_number != 0 && tb->tb_nifs == 0 && !tb->tb_is_open)
		rt_paths_open(tb);
	error = kbtree_insert(&tb->tb_gateways, order, rp);
	if (error != 0 || !tb->tb_is_open)
		return error;
	error = kbtree_insert(&rt_main(tb->tb_vnet)->tb_gateways, order, rp);
	if (error != 0)
		(void)kbtree_remove(&tb->tb_gateways, order);
	return error;
}

static void
gateway_unlist(struct rt_path *rp)
{
	struct rt_table *tb = rp->rp_spec.sp_table;
	uint64_t order = gateway_order(gw_key(&rp->rp_spec), rp->rp_number);

	(void)kbtree_remove(&tb->tb_gateways, order);
	if (tb->tb_is_open)
		(void)kbtree_remove(&rt_main(tb->tb_vnet)->tb_gateways, order);
}

/* Into the tables of paths.  ENOMEM. */
static int
path_list(struct route_vnet *rv, struct rt_path *rp)
{
	const struct rt_spec *sp = &rp->rp_spec;
	int error;

	rp->rp_number = nh_number_get(&rv->rv_nh, rv->rv_unreachable);
	if (rp->rp_number == 0)
		return ENOMEM;
	error = khash_insert(&rv->rv_paths, spec_hash(sp), rp);
	if (error == 0 && sp->sp_has_gw) {
		error = gateway_list(rp);
		if (error != 0)
			khash_remove(&rv->rv_paths, spec_hash(sp), rp);
	}
	if (error != 0) {
		nh_number_put(&rv->rv_nh, rp->rp_number);
		return error;
	}
	if (sp->sp_src != 0)
		LIST_INSERT_HEAD(&rv->rv_sourced, rp, rp_srclink);
	return 0;
}

static void
path_free(struct vnet *vn, struct rt_path *rp)
{
	struct route_vnet *rv = vn->vn_route;
	const struct rt_spec *sp = &rp->rp_spec;
	struct rt_path *user;

	while ((user = LIST_FIRST(&rp->rp_users)) != NULL) {
		LIST_REMOVE(user, rp_vialink);
		user->rp_via = NULL;
		user->rp_is_rerouted = true;
		due(vn, user);
	}
	not_due(vn, rp);
	if (rp->rp_group != NULL) {
		nh_number_put(&rv->rv_nh, rp->rp_number);
		rt_group_free(vn, rp->rp_group);
		kern_defer(vn->vn_kern, &rp->rp_defer, free_path);
		return;
	}
	khash_remove(&rv->rv_paths, spec_hash(sp), rp);
	if (sp->sp_has_gw)
		gateway_unlist(rp);
	if (sp->sp_src != 0)
		LIST_REMOVE(rp, rp_srclink);
	unhang(rp);
	nh_number_put(&rv->rv_nh, rp->rp_number);
	if (rp->rp_hop != NULL)
		retire_hop(vn, rp->rp_hop);
	kmem_free(vn->vn_kern, rp->rp_ahead);
	kern_defer(vn->vn_kern, &rp->rp_defer, free_path);
}

/* A path that leads where was found; NULL: there is no memory. */
static struct rt_path *
path_new(struct vnet *vn, const struct rt_spec *sp, const struct found *fo)
{
	struct rt_path *rp;

	rp = kmem_zalloc(vn->vn_kern, sizeof(*rp));
	if (rp == NULL)
		return NULL;
	rp->rp_kern = vn->vn_kern;
	rp->rp_vnet = vn;
	rp->rp_spec = *sp;
	rp->rp_ahead = alloc_hop(vn);
	if (rp->rp_ahead == NULL || path_list(vn->vn_route, rp) != 0) {
		kmem_free(vn->vn_kern, rp->rp_ahead);
		kmem_free(vn->vn_kern, rp);
		return NULL;
	}
	set(vn, rp, fo);
	rp->rp_use = use_of(rp);
	return rp;
}

struct rt_path *
rt_path_new_group(struct vnet *vn, struct rt_group *rg)
{
	struct rt_path *rp;

	rp = kmem_zalloc(vn->vn_kern, sizeof(*rp));
	if (rp == NULL)
		return NULL;
	rp->rp_kern = vn->vn_kern;
	rp->rp_vnet = vn;
	rp->rp_group = rg;
	rp->rp_spec.sp_table = rg->rg_member[0].rm_path->rp_spec.sp_table;
	rp->rp_number = nh_number_get(&vn->vn_route->rv_nh, &rg->rg_nh.gr_nh);
	if (rp->rp_number == 0) {
		kmem_free(vn->vn_kern, rp);
		return NULL;
	}
	rp->rp_use = use_of(rp);
	return rp;
}

int
rt_path_get(struct vnet *vn, const struct rt_spec *sp,
    const struct rtentry *for_rt, bool later, struct rt_path **rpp)
{
	struct rt_path *rp = path_of(vn->vn_route, sp);
	struct found fo;
	int error = 0;

	if (rp == NULL || (rp->rp_hop == NULL && !later)) {
		pserialize_read_enter();
		error = find(sp, rp, for_rt, &fo);
		if (error == ENETUNREACH && later)
			error = 0, fo.fo_ifp = NULL;
		if (error == 0 && rp == NULL) {
			rp = path_new(vn, sp, fo.fo_ifp == NULL &&
			    sp->sp_nowhere == 0 ? NULL : &fo);
			error = rp == NULL ? ENOMEM : 0;
		}
		pserialize_read_exit();
	}
	*rpp = rp;
	return error;
}

void
rt_path_drop(struct vnet *vn, struct rt_path *rp)
{

	if (rp->rp_nroutes == 0)
		path_free(vn, rp);
}

void
rt_path_enter(struct vnet *vn, struct rtfull *rf)
{
	struct rt_path *rp = rf->rf_rt.rt_path;

	(void)vn;
	rp->rp_nroutes++;
	LIST_INSERT_HEAD(&rp->rp_routes, rf, rf_link);
}

void
rt_path_leave(struct vnet *vn, struct rtfull *rf)
{
	struct rt_path *rp = rf->rf_rt.rt_path;

	rt_path_share(vn, rf, false);
	LIST_REMOVE(rf, rf_link);
	if (--rp->rp_nroutes == 0)
		path_free(vn, rp);
}

void
rt_path_move(struct vnet *vn, struct rtfull *rf, struct rt_path *to)
{
	bool shared = (rf->rf_rt.rt_user & RTE_SHARED) != 0;
	struct rt_path *old = rf->rf_rt.rt_path;

	rt_path_share(vn, rf, false);
	LIST_REMOVE(rf, rf_link);
	/* From here on nobody who describes the route finds the old one. */
	rts_change_begin(vn);
	rf->rf_rt.rt_path = to;
	rts_change_end(vn);
	rt_path_enter(vn, rf);
	rt_path_share(vn, rf, shared);
	if (--old->rp_nroutes == 0)
		path_free(vn, old);
}

void
rt_path_share(struct vnet *vn, struct rtfull *rf, bool shared)
{
	struct rt_path *rp = rf->rf_rt.rt_path;

	if (((rf->rf_rt.rt_user & RTE_SHARED) != 0) == shared)
		return;
	LIST_REMOVE(rf, rf_link);
	if (shared) {
		if (LIST_EMPTY(&rp->rp_shared)) {
			/* A path nobody cared for was not looked at. */
			rp->rp_use = use_of(rp);
			LIST_INSERT_HEAD(&vn->vn_route->rv_sharing, rp,
			    rp_sharing);
			rt_sharing_add(vn, 1);
		}
		LIST_INSERT_HEAD(&rp->rp_shared, rf, rf_link);
		(void)__atomic_fetch_or(&rf->rf_rt.rt_user, RTE_SHARED,
		    __ATOMIC_RELAXED);
		return;
	}
	LIST_INSERT_HEAD(&rp->rp_routes, rf, rf_link);
	if (LIST_EMPTY(&rp->rp_shared)) {
		LIST_REMOVE(rp, rp_sharing);
		rt_sharing_add(vn, -1);
	}
	(void)__atomic_fetch_and(&rf->rf_rt.rt_user, (uint8_t)~RTE_SHARED,
	    __ATOMIC_RELAXED);
}

int
rt_paths_init(struct vnet *vn)
{
	static const struct nexthop nowhere = { .nh_flags = NH_UNREACHABLE };
	struct route_vnet *rv = vn->vn_route;

	khash_init(vn->vn_kern, &rv->rv_paths, object_hash);
	TAILQ_INIT(&rv->rv_due);
	TAILQ_INIT(&rv->rv_starved);
	rt_groups_init(vn);
	rv->rv_unreachable = &nowhere;
	return nh_table_init(vn->vn_kern, &rv->rv_nh);
}

void
rt_paths_fini(struct vnet *vn)
{
	struct route_vnet *rv = vn->vn_route;

	KASSERT(TAILQ_EMPTY(&rv->rv_due) && rv->rv_paths.kh_count == 0);
	kern_defer_barrier(vn->vn_kern);
	khash_fini(&rv->rv_paths);
	khash_fini(&rv->rv_groups);
	nh_table_fini(&rv->rv_nh);
}
