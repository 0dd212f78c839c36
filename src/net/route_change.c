/*
 * Changing a route, in place.
 */

#include "net/route_impl.h"

#include <errno.h>
#include <string.h>

#include "net/rtsock.h"

/* Combine what a request says with where the route leads already. */
static void
changed_spec(const struct rt_info *ri, const struct rtentry *old,
    const struct rtentry *new, struct rt_spec *sp)
{
	const struct prefix pf = rt_prefix(old);
	struct rt_spec was;
	uint32_t mtu;

	rt_spec_of(rt_tableof(old), ri, new, sp);
	if (!rt_is_own(old))
		was = old->rt_path->rp_spec;
	else {
		memset(&was, 0, sizeof(was));
		was.sp_table = sp->sp_table;
		was.sp_ifp = old->rt_ownifa->ifa_ifp;
		was.sp_family = sp->sp_family;
		was.sp_gw = rt_prefix_addr(&pf);
	}
	mtu = sp->sp_mtu != 0 ? sp->sp_mtu : was.sp_mtu;
	if (!rt_names_way(ri) && ((old->rt_flags ^ new->rt_flags) &
	    RTF_NOWHERE) == 0) {
		if (neigh_addr_is_set(&sp->sp_src))
			was.sp_src = sp->sp_src;
		*sp = was;
	}
	sp->sp_mtu = (uint16_t)mtu;
}

int
rt_repoint(struct vnet *vn, struct rtentry *rt, struct rt_path *path)
{
	uint32_t value = rt_value_by(rt, path);
	struct rt_table *tb = rt_tableof(rt);
	int error;

	if (rt_is_spare(rt))
		error = rt_table_ready(tb, rt, value);
	else
		error = rt_table_replace(tb, rt, rt, value);
	if (error == 0)
		rt_path_move(vn, rt_full(rt), path);
	return error;
}

/* A route that was asked for takes the place of an address's own. */
static int
change_own(struct vnet *vn, struct rtentry *old, struct rtfull *rf)
{
	const struct prefix pf = rt_prefix(old);
	struct rt_table *tb = rt_tableof(old);
	int error;

	rt_derive_flags(vn, &rf->rf_rt);
	error = rt_table_replace(tb, old, &rf->rf_rt, rt_value(&rf->rf_rt));
	if (error != 0)
		return error;
	rt_link(vn, &rf->rf_rt);
	rt_routechange(vn, old, rf);
	rt_unlink(vn, old);
	if (rt_spare_from(tb, &pf, 0) != NULL)
		rt_path_share(vn, rf, true);
	return 0;
}

/* Change a route in place to what rf says; rf is left with what it does not
 * need any more. */
static int
change_asked(struct vnet *vn, struct rtentry *old, struct rtfull *rf)
{
	struct rtfull *have = rt_full(old);
	struct rtentry *new = &rf->rf_rt;
	bool timed = rt_is_timed(&rf->rf_rt);
	uint32_t flags;
	int error;

	flags = new->rt_flags | RTF_UP | (old->rt_flags & RTF_HOST) |
	    (rt_asked_gw(new) != NULL ? RTF_GATEWAY : 0);
	if (old->rt_path == new->rt_path && flags == old->rt_flags &&
	    new->rt_proto == old->rt_proto && !timed)
		return 0;
	if (old->rt_path != new->rt_path) {
		error = rt_repoint(vn, old, new->rt_path);
		if (error != 0)
			return error;
	}
	if (((old->rt_flags ^ flags) & RTF_DYNAMIC) != 0)
		vn->vn_route->rv_ndynamic += (flags & RTF_DYNAMIC) != 0 ? 1 :
		    (size_t)-1;
	rts_change_begin(vn);
	old->rt_flags = flags;
	old->rt_proto = new->rt_proto;
	if (timed)
		rt_timer_swap(vn, have, rf);
	rts_change_end(vn);
	if (timed)
		rt_timer_start(vn, have);
	rt_routemsg(vn, RTM_CHANGE, old);
	if ((old->rt_user & RTE_SHARED) != 0)
		rt_select(vn, old);
	return 0;
}

/* Does a route with several ways keep them? */
static bool
keeps_ways(const struct rt_info *ri, const struct rtentry *old,
    const struct rtentry *new)
{

	return old->rt_path->rp_group != NULL && !rt_names_way(ri) &&
	    (new->rt_flags & RTF_NOWHERE) == 0;
}

int
rt_change(struct vnet *vn, const struct rt_info *ri)
{
	const struct rt_info meant = {
		.ri_family = ri->ri_family, .ri_dst = ri->ri_dst,
		.ri_len = ri->ri_len,
		.ri_given = ri->ri_given, .ri_metric = ri->ri_metric,
		.ri_table = ri->ri_table,
	};
	struct rt_gone gone = { .rg_handle = 0 };
	struct rtentry *old;
	struct rt_spec sp;
	struct rtfull *rf;
	bool own = false;
	int error;

	error = rt_info_check(ri);
	if (error != 0)
		return error;
	rf = rt_alloc(vn, ri);
	if (rf == NULL)
		return ENOMEM;
	route_lock(vn);
	error = rt_find_meant(vn, &meant, &old);
	if (error != 0)
		goto out;
	if (old->rt_flags & ri->ri_refuse) {
		error = rt_belongs(old);
		goto out;
	}
	if (rt_nways(old) > 1 && !rt_names_way(ri) &&
	    (ri->ri_flags & RTF_NOWHERE) == 0 && (ri->ri_mtu != 0 ||
	    neigh_addr_is_set(&ri->ri_src))) {
		error = kern_refuse(EOPNOTSUPP, "the route has several ways: "
		    "MTU and source are given with each (route add -mpath)");
		goto out;
	}
	own = rt_is_own(old);
	rf->rf_rt.rt_flags = (ri->ri_flags & RTF_ASKED) |
	    (old->rt_flags & RTF_OF_ADDRESS);
	rf->rf_rt.rt_metric = old->rt_metric;
	if ((ri->ri_given & RTV_PROTO) == 0 && !own)
		rf->rf_rt.rt_proto = old->rt_proto;
	changed_spec(ri, old, &rf->rf_rt, &sp);
	if (!own && (rt_path_is(old->rt_path, &sp) ||
	    keeps_ways(ri, old, &rf->rf_rt)))
		rf->rf_rt.rt_path = old->rt_path;
	else
		error = rt_path_get(vn, &sp, old, (ri->ri_given & RTV_LATER) !=
		    0, &rf->rf_rt.rt_path);
	if (error != 0)
		goto out;
	if (sp.sp_has_gw)
		rf->rf_rt.rt_flags &= ~(uint32_t)RTF_OF_ADDRESS;
	if (sp.sp_has_gw || rt_path_ifp(rf->rf_rt.rt_path) != rt_ifp(old)) {
		rt_note_gone(old, &gone);
		gone.rg_asked = false;
	}
	error = own ? change_own(vn, old, rf) : change_asked(vn, old, rf);
	/* Another of the prefix may be used from now on. */
	if (error == 0 && ri->ri_told != NULL)
		rt_fill_msg(vn->vn_kern, own ? &rf->rf_rt : old, RTM_CHANGE,
		    ri->ri_told);
out:
	if (error != 0)
		gone.rg_handle = 0;
	if (error != 0 || !own)
		rt_discard(vn, rf);
	route_unlock(vn);
	rt_tell_behind(vn, &gone);
	return error;
}
