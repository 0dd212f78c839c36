/*
 * Paths: where routes lead, and how that is followed.  What a path leads by is
 * found in route_find.c; when any of that changes the path is due, and resolved
 * again before the route lock is released.
 */

#include "net/route_impl.h"

#include <errno.h>
#include <string.h>

#include "net/if_addr_impl.h"
#include "net/rtsock.h"

#define ROUNDS_MAX	8	/* times that one is resolved in one go */
#define TELL_MAX	64	/* routes of a path that are announced */

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
fill_hop(struct rt_hop *ho, const struct rt_spec *sp, const struct rt_found *fo)
{
	struct nexthop *nh = &ho->ho_ng.ng_nh;

	nh->nh_ifp = fo->fo_ifp;
	nh->nh_ifa = fo->fo_ifa;
	nh->nh_flags = sp->sp_nowhere | (fo->fo_has_gw ? NH_GATEWAY : 0);
	nh->nh_mtu = sp->sp_mtu;
	nh->nh_family = sp->sp_family;
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
is_found(const struct rt_path *rp, const struct rt_found *fo)
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
serve_prefixes(const struct rt_path *rp)
{
	struct rt_table *tb = rp->rp_spec.sp_table;
	struct prefix pf = { .pf_family = rp->rp_spec.sp_family };
	const struct rt_af *ta = rt_af(tb, pf.pf_family);
	const struct rtfull *rf;

	if (ta == NULL)
		return;
	if (rp->rp_nroutes >= ta->ta_gateways.kt_count) {
		rt_paths_prefix_changed(tb, &pf);
		return;
	}
	LIST_FOREACH(rf, &rp->rp_routes, rf_link) {
		pf = rt_prefix(&rf->rf_rt);
		rt_paths_prefix_changed(tb, &pf);
	}
	LIST_FOREACH(rf, &rp->rp_shared, rf_link) {
		pf = rt_prefix(&rf->rf_rt);
		rt_paths_prefix_changed(tb, &pf);
	}
}

/* Likewise by the groups that it is a member of. */
static void
serve_groups(const struct rt_path *rp)
{
	const struct rt_member *rm;

	LIST_FOREACH(rm, &rp->rp_groups, rm_link)
		serve_prefixes(rm->rm_group->rg_path);
}

/* Prefixes with several routes use others, now that it can, or cannot, be
 * used. */
void
rt_path_look(struct vnet *vn, struct rt_path *rp)
{
	uint8_t use = use_of(rp);
	struct rt_path *user;
	struct rtfull *rf;

	if (use == rp->rp_use)
		return;
	rp->rp_use = use;
	rt_group_member_changed(vn, rp);
	/* Perhaps its groups have another best way. */
	serve_groups(rp);
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
	serve_prefixes(rp);
	serve_groups(rp);
}

/* Lead there from now on, by one store for readers; NULL, or no memory:
 * nowhere for now. */
static void
set(struct vnet *vn, struct rt_path *rp, const struct rt_found *fo)
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
	struct rt_found fo;
	int error;

	pserialize_read_enter();
	error = rt_find_way(&rp->rp_spec, rp, NULL, &fo);
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

/* The place of a path in the order of gateways. */
static inline struct kbtree_key
gateway_order(const struct prefix *gw, uint32_t number)
{

	if (gw->pf_family == AF_INET)
		return (struct kbtree_key){ { gw->pf_hi | number } };
	return (struct kbtree_key){ { gw->pf_hi, gw->pf_lo, number } };
}

/* Is a place in the order of gateways in a prefix? */
static inline bool
gateway_is_in(const struct prefix *pf, const struct kbtree_key *order)
{
	const uint64_t *w = order->kk_word;
	const struct prefix gw = { w[0], pf->pf_family == AF_INET ? 0 : w[1],
	    (uint8_t)prefix_bits(pf), pf->pf_family };

	return prefix_has(pf, &gw);
}

void
rt_paths_prefix_changed(struct rt_table *tb, const struct prefix *pf)
{
	const struct rt_af *ta = rt_af(tb, pf->pf_family);
	struct kbtree_key at = gateway_order(pf, 0);
	struct rt_path *rp;

	if (ta == NULL)
		return;
	while ((rp = kbtree_from(&ta->ta_gateways, &at, &at)) != NULL &&
	    gateway_is_in(pf, &at)) {
		due(tb->tb_vnet, rp);
		if (!kbtree_next_key(&ta->ta_gateways, &at))
			break;
	}
}

static void
all_changed(struct rt_table *tb)
{
	static const struct prefix all[] = {
		{ .pf_family = AF_INET }, { .pf_family = AF_INET6 },
	};

	rt_paths_prefix_changed(tb, &all[0]);
	rt_paths_prefix_changed(tb, &all[1]);
}

/* Take the table's paths of a family, up to one of them or all, out of the main
 * one's. */
static void
close_until(struct rt_table *tb, uint8_t family, const struct rt_path *end)
{
	struct rt_af *in = rt_af(rt_main(tb->tb_vnet), family);
	const struct rt_af *ta = rt_af(tb, family);
	struct kbtree_key at = { { 0 } };
	const struct rt_path *rp;

	while (ta != NULL && (rp = kbtree_from(&ta->ta_gateways, &at, &at)) !=
	    NULL && rp != end) {
		(void)kbtree_remove(&in->ta_gateways, &at);
		if (!kbtree_next_key(&ta->ta_gateways, &at))
			break;
	}
}

/* Likewise put them in.  ENOMEM: none is. */
static int
open_family(struct rt_table *tb, uint8_t family)
{
	struct rt_table *main = rt_main(tb->tb_vnet);
	const struct rt_af *ta = rt_af(tb, family);
	struct kbtree_key at = { { 0 } };
	struct rt_path *rp;
	int error;

	if (ta == NULL || ta->ta_gateways.kt_count == 0)
		return 0;
	error = rt_table_make_af(main, family);
	if (error != 0)
		return error;
	while ((rp = kbtree_from(&ta->ta_gateways, &at, &at)) != NULL) {
		error = kbtree_insert(&rt_af(main, family)->ta_gateways, &at,
		    rp);
		if (error != 0) {
			close_until(tb, family, rp);
			return error;
		}
		if (!kbtree_next_key(&ta->ta_gateways, &at))
			break;
	}
	return 0;
}

void
rt_paths_open(struct rt_table *tb)
{

	if (open_family(tb, AF_INET) != 0)
		return;
	if (open_family(tb, AF_INET6) != 0) {
		close_until(tb, AF_INET, NULL);
		return;
	}
	tb->tb_is_open = true;
	all_changed(tb);
}

void
rt_paths_close(struct rt_table *tb)
{

	if (tb->tb_is_open) {
		close_until(tb, AF_INET, NULL);
		close_until(tb, AF_INET6, NULL);
	}
	tb->tb_is_open = false;
	all_changed(tb);
}

void
rt_paths_source_came(struct rt_table *tb, const struct prefix *addr)
{
	const union neigh_addr src = rt_prefix_addr(addr);
	const struct rt_spec *sp;
	struct rt_path *rp;

	LIST_FOREACH(rp, &tb->tb_vnet->vn_route->rv_sourced, rp_srclink) {
		sp = &rp->rp_spec;
		if (sp->sp_family == addr->pf_family &&
		    neigh_addr_equal(&sp->sp_src, &src) &&
		    (sp->sp_table == tb ||
		    rt_table_behind(sp->sp_table) == tb))
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
	h = h << 32 ^ sp->sp_gw.na_words[1] ^ sp->sp_src.na_words[0] ^
	    sp->sp_src.na_words[1] << 7 ^ (uint64_t)sp->sp_mtu << 40 ^
	    (uint64_t)sp->sp_nowhere << 60 ^ sp->sp_has_gw ^
	    (uint64_t)sp->sp_family << 8;
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
	    neigh_addr_equal(&a->sp_src, &b->sp_src) &&
	    a->sp_family == b->sp_family &&
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

static struct kbtree_key
gateway_key(const struct rt_path *rp)
{
	const struct prefix gw = rt_spec_gateway(&rp->rp_spec);

	return gateway_order(&gw, rp->rp_number);
}

/* Into the table of gateways, and into the main one's if they may be found
 * there.  ENOMEM. */
static int
gateway_list(struct rt_path *rp)
{
	struct rt_table *tb = rp->rp_spec.sp_table, *main;
	const struct kbtree_key key = gateway_key(rp);
	uint8_t family = rp->rp_spec.sp_family;
	int error;

	if (tb->tb_number != 0 && tb->tb_nifs == 0 && !tb->tb_is_open)
		rt_paths_open(tb);
	error = rt_table_make_af(tb, family);
	if (error == 0)
		error = kbtree_insert(&rt_af(tb, family)->ta_gateways, &key,
		    rp);
	if (error != 0 || !tb->tb_is_open)
		return error;
	main = rt_main(tb->tb_vnet);
	error = rt_table_make_af(main, family);
	if (error == 0)
		error = kbtree_insert(&rt_af(main, family)->ta_gateways, &key,
		    rp);
	if (error != 0)
		(void)kbtree_remove(&rt_af(tb, family)->ta_gateways, &key);
	return error;
}

static void
gateway_unlist(struct rt_path *rp)
{
	struct rt_table *tb = rp->rp_spec.sp_table;
	const struct kbtree_key key = gateway_key(rp);
	uint8_t family = rp->rp_spec.sp_family;

	(void)kbtree_remove(&rt_af(tb, family)->ta_gateways, &key);
	if (tb->tb_is_open)
		(void)kbtree_remove(&rt_af(rt_main(tb->tb_vnet), family)->
		    ta_gateways, &key);
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
	if (neigh_addr_is_set(&sp->sp_src))
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
	if (neigh_addr_is_set(&sp->sp_src))
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
path_new(struct vnet *vn, const struct rt_spec *sp, const struct rt_found *fo)
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
	rp->rp_spec.sp_family = rg->rg_member[0].rm_path->rp_spec.sp_family;
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
	struct rt_found fo;
	int error = 0;

	if (rp == NULL || (rp->rp_hop == NULL && !later)) {
		pserialize_read_enter();
		error = rt_find_way(sp, rp, for_rt, &fo);
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
