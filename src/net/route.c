/*
 * The routing table: adding, deleting and changing routes.
 *
 * Packets see next hops, never routes: a route is changed in place, and freed
 * at once.  Each change is announced with the route lock held, once readers can
 * see it, so that announcements come in the order of the changes.
 */

#include "net/route_impl.h"

#include <arpa/inet.h>

#include <errno.h>
#include <string.h>

#include "net/if_addr_impl.h"
#include "net/rtsock.h"

_Static_assert(offsetof(struct rtfull, rf_rt) == 0,
    "a route that was asked for begins with what all have");

struct rtentry *
rt_find(const struct rt_table *tb, const struct rt_info *ri)
{
	const struct prefix pf = rt_info_prefix(ri);

	return rt_table_find(tb, &pf);
}

static inline uint32_t
special(const struct rtentry *rt)
{

	return (rt->rt_user & RTE_SPECIAL) != 0 ? FWD_SPECIAL : 0;
}

uint32_t
rt_value_by(const struct rtentry *rt, const struct rt_path *rp)
{

	return special(rt) | FWD_OTHER | (rp->rp_group != NULL ? FWD_GROUP :
	    0) | rp->rp_number << FWD_BITS;
}

uint32_t
rt_value(const struct rtentry *rt)
{
	static const uint32_t kinds[RT_NOWN] = {
		[RT_OWN_LOCAL] = FWD_LOCAL, [RT_OWN_NET] = FWD_CONNECTED,
		[RT_OWN_BROADCAST] = FWD_BROADCAST,
	};

	if (!rt_is_own(rt))
		return rt_value_by(rt, rt->rt_path);
	return special(rt) | kinds[rt->rt_own] |
	    ifa_proto(rt->rt_ownifa)->pa_number << FWD_BITS;
}

/* The address of a point-to-point interface is not on its link: packets for it
 * go through lo0. */
static struct ifnet *
own_ifp(const struct rtentry *rt)
{
	struct ifnet *ifp = rt->rt_ownifa->ifa_ifp, *lo;

	if (rt->rt_own != RT_OWN_LOCAL || (if_flags_get(ifp) &
	    (IFF_POINTOPOINT | IFF_LOOPBACK)) != IFF_POINTOPOINT)
		return ifp;
	lo = ifunit(ifp->if_vnet, "lo0");
	return lo != NULL && (if_flags_get(lo) & IFF_LOOPBACK) != 0 ? lo : ifp;
}

struct ifnet *
rt_ifp(const struct rtentry *rt)
{

	return rt_is_own(rt) ? own_ifp(rt) : rt_path_ifp(rt->rt_path);
}

struct ifaddr *
rt_ifa(const struct rtentry *rt)
{

	return rt_is_own(rt) ? rt->rt_ownifa : rt_path_ifa(rt->rt_path);
}

/* --- in and out ---------------------------------------------------------- */

void
rt_derive_flags(struct vnet *vn, struct rtentry *rt)
{
	const struct prefix pf = rt_prefix(rt);
	const struct domain *dom = domain_find(vn, pf.pf_family);

	if (dom != NULL && dom->dom_rtmark != NULL && dom->dom_rtmark(rt))
		rt->rt_user |= RTE_SPECIAL;
	rt->rt_flags |= RTF_UP;
	if (pf.pf_len == prefix_bits(&pf))
		rt->rt_flags |= RTF_HOST;
	if (rt_asked_gw(rt) != NULL)
		rt->rt_flags |= RTF_GATEWAY;
}

static void
set_prefix(struct rtentry *rt, const struct rt_info *ri)
{
	const struct prefix pf = rt_info_prefix(ri);
	struct rtfull6 *rf6;

	rt->rt_len = pf.pf_len;
	if (pf.pf_family == AF_INET) {
		rt->rt_key = prefix_addr4(&pf);
		return;
	}
	rt->rt_user |= RTE_IP6;
	if (rt_is_own(rt))
		return;
	rf6 = (struct rtfull6 *)(void *)rt;
	rf6->rf6_addr[0] = pf.pf_hi;
	rf6->rf6_addr[1] = pf.pf_lo;
}

/* The memory of a route that was asked for. */
static inline size_t
size_of(uint8_t family)
{

	return family == AF_INET6 ? sizeof(struct rtfull6) :
	    sizeof(struct rtfull);
}

static void
free_full(struct vnet *vn, struct rtfull *rf)
{

	kslab_free(vn->vn_kern, rf, size_of(rt_prefix(&rf->rf_rt).pf_family));
}

void
rt_discard(struct vnet *vn, struct rtfull *rf)
{

	if (rf->rf_rt.rt_path != NULL)
		rt_path_drop(vn, rf->rf_rt.rt_path);
	if (rt_is_timed(&rf->rf_rt))
		rt_timer_end(vn, rf);
	free_full(vn, rf);
}

struct rtfull *
rt_alloc(struct vnet *vn, const struct rt_info *ri)
{
	struct rtfull *rf;

	rf = kslab_alloc(vn->vn_kern, size_of(ri->ri_family));
	if (rf == NULL)
		return NULL;
	memset(rf, 0, size_of(ri->ri_family));
	set_prefix(&rf->rf_rt, ri);
	if (ri->ri_expire_ns != 0 && rt_timer_make(vn, rf,
	    ri->ri_expire_ns) != 0) {
		free_full(vn, rf);
		return NULL;
	}
	rf->rf_rt.rt_metric = (ri->ri_given & RTV_METRIC) != 0 ?
	    ri->ri_metric : 0;
	rf->rf_rt.rt_proto = (ri->ri_given & RTV_PROTO) != 0 ? ri->ri_proto :
	    (ri->ri_flags & RTF_STATIC) != 0 ? RTPROT_STATIC : RTPROT_UNSPEC;
	rf->rf_rt.rt_flags = ri->ri_flags & RTF_ASKED;
	return rf;
}

/* An own route is to be in the table: its next hop needs a number. */
static int
own_number(struct vnet *vn, struct protoaddr *pa)
{

	if (pa->pa_number != 0)
		return 0;
	/* A reader may still have it from before. */
	if (pa->pa_nh.nh_ifp == NULL) {
		pa->pa_nh.nh_ifp = pa->pa_ifa.ifa_ifp;
		pa->pa_nh.nh_ifa = &pa->pa_ifa;
		pa->pa_nh.nh_family = pa->pa_family;
	}
	pa->pa_number = nh_number_get(&vn->vn_route->rv_nh, &pa->pa_nh);
	return pa->pa_number != 0 ? 0 : ENOMEM;
}

/* Give the number back when none of the routes is in the table. */
static void
own_number_put(struct vnet *vn, struct protoaddr *pa)
{

	for (unsigned i = 0; i < RT_NOWN; i++)
		if ((pa->pa_own[i].rt_user & RTE_IN) != 0)
			return;
	if (pa->pa_number != 0)
		nh_number_put(&vn->vn_route->rv_nh, pa->pa_number);
	pa->pa_number = 0;
}

static void
own_in(struct rtentry *rt)
{
	const struct prefix pf = rt_prefix(rt);

	rt->rt_user |= RTE_IN;
	if (rt->rt_own == RT_OWN_LOCAL)
		rt_paths_source_came(rt_tableof(rt), &pf);
}

/* An own route is out of the table.  Its address is marked as being destroyed
 * before its end waits for readers: that wait is enough if the mark comes
 * later than this. */
static void
own_out(struct vnet *vn, struct rtentry *rt)
{
	struct protoaddr *pa = ifa_proto(rt->rt_ownifa);

	rt->rt_user &= (uint8_t)~RTE_IN;
	own_number_put(vn, pa);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ifa_is_destroying(rt->rt_ownifa))
		pa->pa_late = 1;
}

void
rt_link(struct vnet *vn, struct rtentry *rt)
{

	vn->vn_route->rv_count++;
	if ((rt->rt_flags & RTF_DYNAMIC) != 0)
		vn->vn_route->rv_ndynamic++;
	if (rt_is_own(rt)) {
		own_in(rt);
		return;
	}
	rt_path_enter(vn, rt_full(rt));
	if (rt_is_timed(rt))
		rt_timer_start(vn, rt_full(rt));
}

void
rt_unlink(struct vnet *vn, struct rtentry *rt)
{

	vn->vn_route->rv_count--;
	if ((rt->rt_flags & RTF_DYNAMIC) != 0)
		vn->vn_route->rv_ndynamic--;
	if (rt_is_own(rt))
		own_out(vn, rt);
	else
		rt_path_leave(vn, rt_full(rt));
}

/* A route that is in no table and was told of as deleted.  An address's own
 * goes with the address. */
static void
free_rt(struct vnet *vn, struct rtentry *rt)
{
	struct rtfull *rf = rt_full(rt);

	if (rt_is_own(rt))
		return;
	if (rt_is_timed(rt))
		rt_timer_end(vn, rf);
	free_full(vn, rf);
}

/* Out, told, and freed. */
static void
retire(struct vnet *vn, struct rtentry *rt)
{

	rt_routemsg(vn, RTM_DELETE, rt);
	rt_unlink(vn, rt);
	free_rt(vn, rt);
}

/* --- one of several ------------------------------------------------------ */

static void
share(struct vnet *vn, struct rtentry *rt, bool shared)
{

	if (!rt_is_own(rt))
		rt_path_share(vn, rt_full(rt), shared);
}

void
rt_select(struct vnet *vn, struct rtentry *rt)
{
	const struct prefix pf = rt_prefix(rt);
	struct rt_table *tb = rt_tableof(rt);
	struct rtentry *used, *best;

	used = rt_table_find(tb, &pf);
	best = rt_spare_best(tb, &pf);
	if (used == NULL || best == NULL || rt_is_own(used))
		return;
	if (!rt_is_before(best, used))
		return;
	if (rt_table_replace(tb, used, best, rt_value(best)) != 0)
		return;
	rt_spare_swap(tb, best, used);
	rt_routemsg(vn, RTM_CHANGE, used);
	rt_routemsg(vn, RTM_CHANGE, best);
}

/* Of the routes that addresses bring along to one destination: to an address
 * of ours, to a far end or a network, to everybody. */
static unsigned
own_rank(uint32_t flags)
{

	return (flags & RTF_LOCAL) != 0 ? 3 : (flags & RTF_BROADCAST) != 0 ? 1 :
	    2;
}

/* Did it come with an address, also if it was changed since? */
static bool
is_derived(const struct rtentry *rt)
{

	return (rt->rt_flags & RTF_OF_ADDRESS) != 0;
}

/* The place of a new route among those of its prefix. */
enum place { FIRST, INSTEAD, IN_FRONT, BEHIND };

/* The place of an address's own route, where `have' is. */
static int
place_own(const struct rtentry *have, const struct rt_info *ri,
    enum place *place)
{

	if (!is_derived(have)) {
		*place = IN_FRONT;
		return have->rt_metric != 0 ? 0 : kern_refuse(EEXIST, "there "
		    "is a route to this address already, which was asked for "
		    "(route delete removes it)");
	}
	*place = INSTEAD;
	return own_rank(ri->ri_flags) > own_rank(have->rt_flags) ? 0 : EALREADY;
}

/* The place of a route that is asked for. */
static int
place_asked(const struct rt_table *tb, const struct rtentry *have,
    uint32_t metric, enum place *place)
{
	const struct prefix pf = rt_prefix(have);
	const struct rtentry *spare;

	*place = BEHIND;
	if (is_derived(have)) {
		if (metric == 0)
			return kern_refuse(EEXIST, "there is a route to this "
			    "destination, which came with an address; a "
			    "-metric above 0 puts this one behind it");
	} else if (have->rt_metric > metric)
		*place = IN_FRONT;
	spare = rt_spare_from(tb, &pf, metric);
	if ((!rt_is_own(have) && have->rt_metric == metric) ||
	    (spare != NULL && spare->rt_metric == metric))
		return kern_refuse(EEXIST, "there is a route to this "
		    "destination; \"route change\" replaces it, another "
		    "-metric puts this one beside it");
	return 0;
}

static int
place_rt(const struct rt_table *tb, const struct rtentry *have,
    const struct rt_info *ri, uint32_t metric, enum place *place)
{

	*place = FIRST;
	if (have == NULL)
		return 0;
	if ((ri->ri_flags & RTF_OF_ADDRESS) != 0)
		return place_own(have, ri, place);
	return place_asked(tb, have, metric, place);
}

/* A route goes to the spares, where another is used. */
static int
put_behind(struct rt_table *tb, struct rtentry *rt)
{
	int error;

	error = rt_table_ready(tb, rt, rt_value(rt));
	return error != 0 ? error : rt_spare_put(tb, rt);
}

/* Into the table, with `have' as a spare from now on. */
static int
enter_in_front(struct rt_table *tb, struct rtentry *have, struct rtentry *rt)
{
	int error;

	error = put_behind(tb, have);
	if (error != 0)
		return error;
	error = rt_table_replace(tb, have, rt, rt_value(rt));
	if (error != 0) {
		rt_spare_use(tb, have);
		return error;
	}
	rt_routemsg(tb->tb_vnet, RTM_CHANGE, have);
	return 0;
}

/* To its place, and told. */
static int
enter_at(struct rt_table *tb, enum place place, struct rtentry *have,
    struct rtentry *rt)
{
	struct vnet *vn = tb->tb_vnet;
	int error;

	switch (place) {
	case FIRST:
		error = rt_table_add(tb, rt);
		break;
	case IN_FRONT:
		error = enter_in_front(tb, have, rt);
		break;
	case BEHIND:
		error = put_behind(tb, rt);
		break;
	default:
		error = rt_table_replace(tb, have, rt, rt_value(rt));
		break;
	}
	if (error != 0)
		return error;
	rt_link(vn, rt);
	if (place == INSTEAD)
		retire(vn, have);
	rt_routemsg(vn, RTM_ADD, rt);
	if (place == IN_FRONT || place == BEHIND) {
		share(vn, have, true);
		share(vn, rt, true);
		rt_select(vn, rt);
	}
	return 0;
}

/* A route that is a spare from now on leads nobody on link. */
static void
note_behind(enum place place, const struct rtentry *have, struct rt_gone *rg)
{

	if (place != IN_FRONT)
		return;
	rt_note_gone(have, rg);
	rg->rg_asked = false;
}

void
rt_tell_behind(struct vnet *vn, const struct rt_gone *rg)
{

	if (rg->rg_handle != 0)
		rt_tell_gone(vn, rg);
}

/* --- adding -------------------------------------------------------------- */

/* Which of an address's own routes has these flags. */
static unsigned
own_part(uint32_t flags)
{

	return (flags & RTF_LOCAL) != 0 ? RT_OWN_LOCAL :
	    (flags & RTF_BROADCAST) != 0 ? RT_OWN_BROADCAST : RT_OWN_NET;
}

/* An address's own route. */
static int
add_own(struct vnet *vn, const struct rt_info *ri)
{
	struct protoaddr *pa = ifa_proto(ri->ri_ifa);
	unsigned part = own_part(ri->ri_flags);
	struct rt_table *tb = rt_table_of(ri->ri_ifa->ifa_ifp);
	struct rtentry *own = &pa->pa_own[part], *have;
	struct rt_gone gone = { .rg_handle = 0 };
	enum place place;
	int error;

	route_lock(vn);
	have = rt_find(tb, ri);
	error = place_rt(tb, have, ri, 0, &place);
	if (error == 0 && if_is_deactivated(ri->ri_ifa->ifa_ifp))
		error = kern_refuse(ENXIO, "%s is being destroyed",
		    ri->ri_ifa->ifa_ifp->if_xname);
	if (error == 0)
		error = own_number(vn, pa);
	if (error == 0) {
		memset(own, 0, sizeof(*own));
		own->rt_user = RTE_OWN;
		own->rt_own = (uint8_t)part;
		own->rt_ownifa = ri->ri_ifa;
		own->rt_flags = ri->ri_flags & RTF_OF_ADDRESS;
		set_prefix(own, ri);
		rt_derive_flags(vn, own);
		if (place == IN_FRONT)
			note_behind(place, have, &gone);
		error = enter_at(tb, place, have, own);
		if (error != 0)
			gone.rg_handle = 0;
	}
	if (error != 0)
		own_number_put(vn, pa);
	route_unlock(vn);
	rt_tell_behind(vn, &gone);
	return error;
}

void
rt_spec_of(struct rt_table *tb, const struct rt_info *ri,
    const struct rtentry *rt, struct rt_spec *sp)
{
	const struct prefix pf = rt_prefix(rt);

	memset(sp, 0, sizeof(*sp));
	sp->sp_table = tb;
	sp->sp_family = pf.pf_family;
	sp->sp_ifp = ri->ri_ifp;
	sp->sp_mtu = (uint16_t)ri->ri_mtu;
	if ((rt->rt_flags & RTF_NOWHERE) != 0) {
		sp->sp_nowhere = (rt->rt_flags & RTF_REJECT) != 0 ? NH_REJECT :
		    NH_BLACKHOLE;
		return;
	}
	sp->sp_has_gw = neigh_addr_is_set(&ri->ri_gw);
	/* On link the destination decides on the source. */
	sp->sp_gw = sp->sp_has_gw ? ri->ri_gw : rt_prefix_addr(&pf);
	sp->sp_src = ri->ri_src;
}

int
rt_info_check(const struct rt_info *ri)
{
	unsigned most = ri->ri_family == AF_INET6 ? PREFIX_BITS6 :
	    PREFIX_BITS4;

	return ri->ri_len <= most ? 0 : kern_refuse(EINVAL, "a prefix has at "
	    "most %u bits", most);
}

int
rt_add(struct vnet *vn, const struct rt_info *ri)
{
	struct rt_gone gone = { .rg_handle = 0 };
	struct rt_table *tb;
	struct rtentry *have;
	struct rt_spec sp;
	enum place place;
	struct rtfull *rf;
	int error;

	error = rt_info_check(ri);
	if (error != 0)
		return error;
	if ((ri->ri_flags & RTF_OF_ADDRESS) != 0)
		return add_own(vn, ri);
	rf = rt_alloc(vn, ri);
	if (rf == NULL)
		return ENOMEM;
	route_lock(vn);
	error = rt_table_make(vn, ri->ri_table, &tb);
	if (error != 0)
		goto out;
	rt_spec_of(tb, ri, &rf->rf_rt, &sp);
	have = rt_find(tb, ri);
	error = place_rt(tb, have, ri, rf->rf_rt.rt_metric, &place);
	if (error == 0)
		error = rt_path_get(vn, &sp, &rf->rf_rt, (ri->ri_given &
		    RTV_LATER) != 0, &rf->rf_rt.rt_path);
	if (error == 0) {
		rt_derive_flags(vn, &rf->rf_rt);
		note_behind(place, have, &gone);
		error = enter_at(tb, place, have, &rf->rf_rt);
	}
out:
	if (error != 0) {
		gone.rg_handle = 0;
		rt_discard(vn, rf);
	} else if (ri->ri_told != NULL)
		rt_fill_msg(vn->vn_kern, &rf->rf_rt, RTM_ADD, ri->ri_told);
	route_unlock(vn);
	rt_tell_behind(vn, &gone);
	return error;
}

void
rt_take_out(struct vnet *vn, struct rtentry *rt)
{
	struct rt_table *tb = rt_tableof(rt);
	struct rtentry *next = NULL, *left;
	const struct prefix pf = rt_prefix(rt);

	/* Ask for memory that is needed in the end and in none of the caches:
	 * the route's neighbours in its path's list, and its chunk. */
	if (!rt_is_own(rt)) {
		rt_path_leave_soon(rt);
		kslab_free_soon(rt);
	}
	if (rt_is_spare(rt))
		rt_spare_take(tb, rt);
	else {
		next = rt_spare_best(tb, &pf);
		/* Without memory for the one, nobody is led astray. */
		if (next != NULL && rt_table_replace(tb, rt, next,
		    rt_value(next)) == 0)
			rt_spare_use(tb, next);
		else
			rt_table_remove(tb, rt);
	}
	rt_routemsg(vn, RTM_DELETE, rt);
	if (next != NULL)
		rt_routemsg(vn, RTM_CHANGE, next);
	rt_unlink(vn, rt);
	free_rt(vn, rt);
	if (rt_af(tb, pf.pf_family)->ta_spares.kh_count != 0 ||
	    next != NULL) {
		left = rt_table_find(tb, &pf);
		if (left != NULL && rt_spare_from(tb, &pf, 0) == NULL)
			share(vn, left, false);
	}
	rt_table_may_go(tb);
}

static bool
is_source(const struct ifaddr *ifa, const struct rt_info *ri)
{
	union rt_sockaddr src;

	if (ifa == NULL)
		return false;
	rt_set_sockaddr(&src, rt_info_prefix(ri).pf_family, &ri->ri_src);
	return ifa->ifa_addr->sa_family == src.rs_sa.sa_family &&
	    memcmp(ifa->ifa_addr, &src, rt_sa_size(src.rs_sa.sa_family)) == 0;
}

/* Is it the route that was named, by all that was said of it? */
static bool
named(const struct rtentry *rt, const struct rt_info *ri)
{
	const struct ifnet *ifp = rt_ifp(rt);
	const union neigh_addr *has = rt_asked_gw(rt);
	bool asks_gw = neigh_addr_is_set(&ri->ri_gw);
	char gw[INET6_ADDRSTRLEN];

	if ((ri->ri_given & RTV_METRIC) != 0 &&
	    (rt_is_own(rt) || rt->rt_metric != ri->ri_metric))
		(void)kern_refuse(ESRCH, "no route to it has the metric %u",
		    ri->ri_metric);
	else if (rt_nways(rt) > 1 && rt_group_find(rt->rt_path, ri) < 0)
		(void)kern_refuse(ESRCH, "none of the ways of the route has "
		    "this gateway and interface");
	else if (rt_nways(rt) > 1)
		return true;
	else if (ri->ri_ifp != NULL && ifp == NULL)
		(void)kern_refuse(ESRCH, "the route to it leads out of no "
		    "interface");
	else if (ri->ri_ifp != NULL && ifp != ri->ri_ifp)
		(void)kern_refuse(ESRCH, "the route to it leads out of %s, "
		    "not %s", ifp->if_xname, ri->ri_ifp->if_xname);
	else if (asks_gw && has != NULL &&
	    !neigh_addr_equal(has, &ri->ri_gw))
		(void)kern_refuse(ESRCH, "the route to it has the gateway %s",
		    inet_ntop(rt_prefix(rt).pf_family, has, gw, sizeof(gw)));
	else if (asks_gw && has == NULL)
		(void)kern_refuse(ESRCH, "the route to it has no gateway");
	else if (neigh_addr_is_set(&ri->ri_src) &&
	    !is_source(rt_ifa(rt), ri))
		(void)kern_refuse(ESRCH, "the route to it has another source "
		    "address");
	else
		return true;
	return false;
}

int
rt_none(void)
{

	return kern_refuse(ESRCH, "there is no such route; \"route -n show\" "
	    "lists them");
}

/* The next route of the prefix: first the one that is used, then the spares by
 * their metrics; NULL. */
static struct rtentry *
next_of_prefix(const struct rt_table *tb, const struct rtentry *rt)
{
	const struct prefix pf = rt_prefix(rt);

	return rt_spare_from(tb, &pf,
	    rt_is_spare(rt) ? (uint64_t)rt->rt_metric + 1 : 0);
}

struct rtentry *
rt_find_metric(const struct rt_table *tb, const struct rt_info *ri)
{
	struct rtentry *rt = rt_find(tb, ri), *first = rt;

	for (; rt != NULL; rt = next_of_prefix(tb, rt))
		if (!rt_is_own(rt) && rt->rt_metric == ri->ri_metric)
			return rt;
	return first != NULL && rt_is_own(first) && ri->ri_metric == 0 ?
	    first : NULL;
}

int
rt_find_meant(struct vnet *vn, const struct rt_info *ri, struct rtentry **rtp)
{
	struct rt_table *tb;
	struct rtentry *rt;
	bool several;
	int error;

	*rtp = NULL;
	error = rt_table_meant(vn, ri->ri_table, &tb);
	if (error != 0)
		return error;
	rt = rt_find(tb, ri);
	if (rt == NULL)
		return rt_none();
	several = next_of_prefix(tb, rt) != NULL;
	for (; rt != NULL; rt = next_of_prefix(tb, rt))
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
	rg->rg_dst = rt_prefix(rt);
	rg->rg_table = rt_tableof(rt)->tb_number;
	rg->rg_asked = !rt_is_own(rt);
	if ((rt->rt_flags & (RTF_GATEWAY | RTF_NOWHERE)) == 0)
		rg->rg_handle = rt_ifp(rt)->if_handle;
}

void
rt_tell_gone(struct vnet *vn, const struct rt_gone *rg)
{
	const struct domain *dom = domain_find(vn, rg->rg_dst.pf_family);
	struct rt_table *tb;
	struct ifnet *ifp;
	struct psref pr;

	/* The route that went stood in the place of an address's own route. */
	if (rg->rg_asked && rg->rg_table == 0)
		vn->vn_route->rv_inherit(rt_main(vn), &rg->rg_dst);
	else if (rg->rg_asked && rt_table_hold(vn, rg->rg_table, false,
	    &tb) == 0) {
		vn->vn_route->rv_inherit(tb, &rg->rg_dst);
		rt_table_drop(tb);
	}
	ifp = rg->rg_handle == 0 || dom == NULL ||
	    dom->dom_neigh_sweep == NULL ? NULL :
	    if_get_byhandle(vn, rg->rg_handle, &pr);
	if (ifp == NULL)
		return;
	dom->dom_neigh_sweep(ifp);
	if_put(ifp, &pr);
}

int
rt_belongs(const struct rtentry *rt)
{
	const char *name = rt_ifp(rt)->if_xname;

	return kern_refuse(EPERM, "it belongs to an address of %s, and goes "
	    "with that (ifconfig %s ADDRESS delete)", name, name);
}

int
rt_delete(struct vnet *vn, const struct rt_info *ri)
{
	struct rtentry *rt;
	struct rt_gone gone;
	bool whole = false;
	int error;

	error = rt_info_check(ri);
	if (error != 0)
		return error;
	route_lock(vn);
	error = rt_find_meant(vn, ri, &rt);
	if (error == 0 && (rt->rt_flags & ri->ri_refuse) != 0)
		error = rt_belongs(rt);
	if (error == 0 && ri->ri_told != NULL)
		rt_fill_way(vn->vn_kern, rt, rt_way_meant(rt, ri), RTM_DELETE,
		    ri->ri_told);
	if (error == 0 && rt_nways(rt) > 1 && rt_names_way(ri))
		error = rt_delete_way(vn, rt, (unsigned)rt_group_find(
		    rt->rt_path, ri));
	else if (error == 0) {
		rt_note_gone(rt, &gone);
		rt_take_out(vn, rt);
		whole = true;
	}
	route_unlock(vn);
	if (whole)
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
