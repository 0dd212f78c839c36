/*
 * Finding: routes by their prefix, and the place to which a path leads.
 *
 * A gateway is reached by the longest prefix that contains it and can be used:
 * on the link of its interface, or by the path of another route, whose own
 * gateway then takes the packets (RFC 4271 9.1.2.1).  A route never serves as
 * its own way, not in a circle either, nor for one of several ways of its own;
 * and a default route serves for no gateway, as it would for every mistyped
 * one.
 */

#include "net/route_impl.h"

#include <arpa/inet.h>

#include <errno.h>

#include "net/if_addr_impl.h"

/* --- routes -------------------------------------------------------------- */

struct rtentry *
rt_table_find(const struct rt_table *tb, const struct prefix *pf)
{
	const struct kbtree_key order = rt_order(pf);
	const struct rt_af *ta = rt_af(tb, pf->pf_family);

	return ta == NULL ? NULL : kbtree_find(&ta->ta_routes, &order);
}

/* The prefix of a place in the order. */
static inline struct prefix
prefix_at(const struct kbtree_key *order, uint8_t family)
{
	const uint64_t *w = order->kk_word;

	if (family == AF_INET)
		return prefix_of4((uint32_t)(w[0] >> 32), w[0] & 0xff);
	return (struct prefix){ w[0], w[1], (uint8_t)w[2], AF_INET6 };
}

/*
 * The route of the longest prefix that contains this one and is shorter than
 * `below'.  The greatest prefix not above the one looked for is what was looked
 * for, or leads on: whatever contains the address contains that as well, and so
 * is no longer than what the two have in common.
 */
static struct rtentry *
longest(const struct rt_table *tb, const struct prefix *pf, unsigned below)
{
	const struct rt_af *ta = rt_af(tb, pf->pf_family);
	struct kbtree_key order;
	struct rtentry *rt;
	struct prefix cut;
	unsigned common;

	if (ta == NULL)
		return NULL;
	while (below-- > 0) {
		cut = *pf;
		prefix_cut(&cut, below);
		order = rt_order(&cut);
		rt = kbtree_upto(&ta->ta_routes, &order, &order);
		if (rt == NULL)
			return NULL;
		/* The route itself is in none of the caches. */
		cut = prefix_at(&order, pf->pf_family);
		common = prefix_common(&cut, pf);
		if (cut.pf_len <= common)
			return rt;
		below = common + 1;
	}
	return NULL;
}

struct rtentry *
rt_table_cover(const struct rt_table *tb, const struct prefix *pf)
{

	return longest(tb, pf, pf->pf_len);
}

struct rtentry *
rt_table_match(const struct rt_table *tb, const struct prefix *pf)
{

	return longest(tb, pf, pf->pf_len + 1u);
}

/* --- where a path leads -------------------------------------------------- */

/* Refuse a request in words; a path that is resolved again is nobody's. */
#define REFUSE(for_rt, error, ...)					\
	((for_rt) != NULL ? kern_refuse(error, __VA_ARGS__) : (error))

struct prefix
rt_spec_gateway(const struct rt_spec *sp)
{

	return sp->sp_family == AF_INET ? prefix_of4(ntohl(sp->sp_gw.na_4),
	    PREFIX_BITS4) : prefix_of6(&sp->sp_gw, PREFIX_BITS6);
}

bool
rt_path_leads_to(const struct rt_path *rp, const struct rt_path *to)
{

	for (; rp != NULL; rp = rp->rp_via)
		if (rp == to)
			return true;
	return false;
}

struct rt_path *
rt_group_way(struct rt_path *rp, const struct rt_path *except)
{
	struct rt_path *way, *best = NULL;

	for (unsigned i = 0; i < rp->rp_group->rg_n; i++) {
		way = rp->rp_group->rg_member[i].rm_path;
		if (way->rp_hop != NULL && (except == NULL ||
		    !rt_path_leads_to(way, except)) &&
		    (best == NULL || way->rp_use > best->rp_use))
			best = way;
	}
	return best;
}

const struct rt_table *
rt_table_behind(const struct rt_table *tb)
{

	return tb->tb_is_open ? rt_main(tb->tb_vnet) : NULL;
}

/* The source that a request named, as it is now; NULL: there is none. */
static struct ifaddr *
named_source(const struct rt_spec *sp)
{
	const struct rt_table *tb = sp->sp_table;
	union rt_sockaddr src;
	struct ifaddr *ifa;

	rt_set_sockaddr(&src, sp->sp_family, &sp->sp_src);
	ifa = ifa_intable(tb, &src.rs_sa);
	return ifa == NULL && tb->tb_is_open ?
	    ifa_intable(rt_main(tb->tb_vnet), &src.rs_sa) : ifa;
}

/* A gateway on the network of an address; EINVAL: no host has that address. */
static int
find_connected(const struct rtentry *rt, const struct rtentry *for_rt,
    const struct prefix *gw, struct rt_found *fo)
{
	const struct prefix net = rt_prefix(rt);

	if (rt->rt_own != RT_OWN_NET)
		return REFUSE(for_rt, EINVAL, "the gateway is %s",
		    rt->rt_own == RT_OWN_LOCAL ? "an address of our own" :
		    "a broadcast address");
	if (net.pf_len < prefix_bits(gw) - 1 && prefix_common(&net, gw) ==
	    128)
		return REFUSE(for_rt, EINVAL, "the gateway is the address of a "
		    "network, which no host has");
	fo->fo_ifp = rt->rt_ownifa->ifa_ifp;
	fo->fo_ifa = rt->rt_ownifa;
	return 0;
}

/* Would a path that cannot be used now go by way of a route's prefix? */
static bool
goes_by(const struct rt_table *tb, const struct rt_path *rp,
    const struct rtentry *by)
{
	const struct prefix pf = rt_prefix(by);
	const struct rtentry *rt;
	struct prefix gw;

	for (unsigned i = 0; i < RT_DEPTH_MAX && rp->rp_spec.sp_has_gw; i++) {
		gw = rt_spec_gateway(&rp->rp_spec);
		if (prefix_has(&pf, &gw))
			return true;
		rt = rt_table_match(tb, &gw);
		if (rt == NULL || rt_is_own(rt))
			return false;
		rp = rt->rt_path;
		if (rp->rp_group != NULL)
			rp = rp->rp_group->rg_member[0].rm_path;
	}
	return false;
}

static bool
is_member(const struct rt_group *rg, const struct rt_path *rp)
{

	for (unsigned i = 0; i < rg->rg_n; i++)
		if (rg->rg_member[i].rm_path == rp)
			return true;
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
find_in(const struct rt_table *tb, const struct prefix *gw, struct search *se,
    struct rt_found *fo)
{
	const struct rtentry *for_rt = se->se_for;
	const struct rt_path *self = se->se_self;
	const struct nexthop *nh;
	struct rt_path *via;
	struct rtentry *rt;
	struct prefix pf;

	for (rt = rt_table_match(tb, gw); rt != NULL && rt->rt_len != 0;
	    rt = rt_table_cover(tb, &pf)) {
		pf = rt_prefix(rt);
		if (rt_is_own(rt))
			return find_connected(rt, for_rt, gw, fo);
		via = rt->rt_path;
		if (via->rp_group != NULL) {
			via = is_member(via->rp_group, self) ? NULL :
			    rt_group_way(via, self);
			if (via == NULL)
				continue;
		}
		if (rt == for_rt ||
		    (self != NULL && rt_path_leads_to(via, self)))
			continue;
		if (via->rp_hop == NULL || via->rp_depth >= RT_DEPTH_MAX) {
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
    const struct rtentry *for_rt, struct rt_found *fo)
{
	struct search se = {
		.se_self = self, .se_for = for_rt, .se_table = sp->sp_table,
	};
	const struct rt_table *tb = sp->sp_table;
	const struct prefix gw = rt_spec_gateway(sp);
	int error = ESRCH;

	fo->fo_gw = sp->sp_gw;
	fo->fo_has_gw = true;
	for (; tb != NULL && error == ESRCH; tb = rt_table_behind(tb))
		error = find_in(tb, &gw, &se, fo);
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
find_link(const struct rt_spec *sp, struct rt_found *fo)
{
	union rt_sockaddr dst;

	rt_set_sockaddr(&dst, sp->sp_family, &sp->sp_gw);
	fo->fo_ifp = sp->sp_ifp;
	fo->fo_ifa = ifaof_ifpforaddr(&dst.rs_sa, sp->sp_ifp);
}

int
rt_find_way(const struct rt_spec *sp, const struct rt_path *self,
    const struct rtentry *for_rt, struct rt_found *fo)
{
	struct ifaddr *source = NULL;
	int error = 0;

	memset(fo, 0, sizeof(*fo));
	if (neigh_addr_is_set(&sp->sp_src) && sp->sp_nowhere == 0) {
		source = named_source(sp);
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
