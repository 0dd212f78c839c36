/*
 * Routes as messages: one that is asked for, and all of them in order, which
 * may be deleted as they are met.
 */

#include "net/route_impl.h"

#include <arpa/inet.h>

#include <errno.h>
#include <string.h>

#include "net/if_name_impl.h"

static void
add_addr(struct rt_msg *rtm, unsigned bit, uint8_t family,
    const union neigh_addr *addr)
{
	union rt_sockaddr rs;

	rt_set_sockaddr(&rs, family, addr);
	(void)rt_msg_add(rtm, bit, &rs.rs_sa);
}

static void
add_dst(struct rt_msg *rtm, const struct prefix *pf)
{
	const union neigh_addr addr = rt_prefix_addr(pf);

	add_addr(rtm, RTA_DST, pf->pf_family, &addr);
}

static void
add_mask(struct rt_msg *rtm, const struct prefix *pf)
{
	struct prefix mask = { UINT64_MAX, UINT64_MAX, 0, pf->pf_family };
	union neigh_addr addr;

	prefix_cut(&mask, pf->pf_len);
	addr = rt_prefix_addr(&mask);
	add_addr(rtm, RTA_NETMASK, pf->pf_family, &addr);
}

void
rt_fill_msg(struct kern *k, const struct rtentry *rt, uint8_t type, void *msg)
{

	rt_fill_way(k, rt, 0, type, msg);
}

void
rt_fill_way(struct kern *k, const struct rtentry *rt, unsigned way,
    uint8_t type, void *msg)
{
	struct rt_msg *rtm = msg;
	const struct rt_path *rp = rt_is_own(rt) ? NULL : rt_way(rt, way);
	const struct ifnet *ifp = rp != NULL ? rt_path_ifp(rp) : rt_ifp(rt);
	const struct ifaddr *ifa = rp != NULL ? rt_path_ifa(rp) : rt_ifa(rt);
	const struct prefix pf = rt_prefix(rt);
	struct sockaddr_dl sdl;
	int64_t left;

	memset(rtm, 0, sizeof(*rtm));
	rtm->rtm_h.rtm_len = sizeof(*rtm);
	rtm->rtm_h.rtm_version = RTM_VERSION;
	rtm->rtm_h.rtm_type = type;
	rtm->rtm_flags = rt->rt_flags;
	rtm->rtm_table = rt_tableof(rt)->tb_number;
	if (rp == NULL)
		rtm->rtm_proto = RTPROT_KERNEL;
	else {
		rtm->rtm_given = RTV_METRIC | RTV_PROTO;
		rtm->rtm_metric = rt->rt_metric;
		rtm->rtm_proto = rt->rt_proto;
		rtm->rtm_mtu = rp->rp_spec.sp_mtu;
		if (__atomic_load_n(&rp->rp_hop, __ATOMIC_RELAXED) == NULL)
			rtm->rtm_given |= RTV_UNREACHABLE;
		if (rt->rt_path->rp_group != NULL) {
			rtm->rtm_given |= RTV_MPATH;
			rtm->rtm_weight = (uint16_t)rt->rt_path->rp_group->
			    rg_member[way].rm_weight;
		}
	}
	if (rt_is_spare(rt) || (rtm->rtm_given & RTV_UNREACHABLE) != 0)
		rtm->rtm_flags &= ~(uint32_t)RTF_UP;
	if (rt_expire_s(rt) != 0) {
		left = (int64_t)(rt_expire_s(rt) * 1000000000ull -
		    kern_now(k)) / 1000000000;
		/* 0 would mean never. */
		rtm->rtm_expire_s = left != 0 ? left : -1;
	}
	if (ifp != NULL) {
		rtm->rtm_ifhandle = ifp->if_handle;
		rtm->rtm_index = ifp->if_index;
		if_name_copy(ifp, rtm->rtm_ifname);
	}
	add_dst(rtm, &pf);
	if (rp != NULL && rp->rp_spec.sp_has_gw)
		add_addr(rtm, RTA_GATEWAY, pf.pf_family, &rp->rp_spec.sp_gw);
	else if (ifp != NULL) {
		memset(&sdl, 0, sizeof(sdl));
		sdl.sdl_family = AF_LINK;
		sdl.sdl_type = ifp->if_type;
		sdl.sdl_index = ifp->if_index;
		(void)rt_msg_add(rtm, RTA_GATEWAY,
		    (const struct sockaddr *)&sdl);
	}
	if (!(rt->rt_flags & RTF_HOST))
		add_mask(rtm, &pf);
	if (ifa != NULL && ifa->ifa_addr != NULL)
		(void)rt_msg_add(rtm, RTA_IFA, ifa->ifa_addr);
}

/* The next of the last prefix's routes that were asked for, by their metrics,
 * as often as it has ways (*way); NULL.  Which one is used may change in
 * between. */
static struct rtentry *
next_of_last(const struct rt_table *tb, struct rt_place *place,
    unsigned *way)
{
	struct rtentry *best, *rt;
	uint64_t from;

	if (place->rp_spares == 0)
		return NULL;
	from = place->rp_spares - 1;
	rt = rt_spare_from(tb, &place->rp_last, from);
	best = rt_table_find(tb, &place->rp_last);
	if (best != NULL && !rt_is_own(best) && best->rt_metric >= from &&
	    (rt == NULL || best->rt_metric < rt->rt_metric))
		rt = best;
	if (rt == NULL) {
		place->rp_spares = 0;
		return NULL;
	}
	*way = rt->rt_metric == from && place->rp_member < rt_nways(rt) ?
	    place->rp_member : 0;
	place->rp_member = *way + 1;
	place->rp_spares = rt->rt_metric + 1ull;
	if (place->rp_member >= rt_nways(rt)) {
		place->rp_spares++;
		place->rp_member = 0;
	}
	return rt;
}

static struct rtentry *
next_of_table(const struct rt_table *tb, struct rt_place *place, unsigned *way)
{
	struct rtentry *rt = next_of_last(tb, place, way);
	const struct rt_af *ta;

	if (rt != NULL)
		return rt;
	ta = rt_af(tb, AF_INET);
	rt = place->rp_is_ip6 ? NULL : kbtree_from(&ta->ta_routes,
	    &place->rp_order, &place->rp_order);
	if (rt == NULL && !place->rp_is_ip6) {
		place->rp_is_ip6 = true;
		memset(&place->rp_order, 0, sizeof(place->rp_order));
	}
	if (place->rp_is_ip6) {
		ta = rt_af(tb, AF_INET6);
		rt = ta == NULL ? NULL : kbtree_from(&ta->ta_routes,
		    &place->rp_order, &place->rp_order);
	}
	if (rt == NULL)
		return NULL;
	/* No length is so long that there would be no next one. */
	(void)kbtree_next_key(&ta->ta_routes, &place->rp_order);
	/* Nearly every route is alone in its prefix. */
	if (!rt_is_own(rt) && (rt->rt_user & RTE_SHARED) == 0 &&
	    rt_nways(rt) == 1)
		return rt;
	place->rp_spares = 1;
	place->rp_member = 0;
	place->rp_last = rt_prefix(rt);
	return rt_is_own(rt) ? rt : next_of_last(tb, place, way);
}

static struct rtentry *
next_route(struct vnet *vn, struct rt_place *place, unsigned *way)
{
	const struct rt_table *tb = rt_table_numbered(vn, place->rp_table);
	struct kbtree_key number;
	struct rtentry *rt;

	for (;;) {
		rt = tb != NULL ? next_of_table(tb, place, way) : NULL;
		if (rt != NULL || place->rp_is_last)
			return rt;
		number.kk_word[0] = place->rp_table + 1ull;
		tb = kbtree_from(&vn->vn_route->rv_tables, &number, NULL);
		if (tb == NULL)
			return NULL;
		memset(place, 0, sizeof(*place));
		place->rp_table = tb->tb_number;
	}
}

size_t
rt_dump_some(struct vnet *vn, struct rt_place *place, void *room, size_t bytes)
{
	struct rtentry *rt;
	struct rt_hdr *h;
	size_t used = 0;
	unsigned way;

	route_lock(vn);
	while (bytes - used >= RT_MSG_MAX) {
		way = 0;
		rt = next_route(vn, place, &way);
		if (rt == NULL)
			break;
		h = (struct rt_hdr *)(void *)((char *)room + used);
		rt_fill_way(vn->vn_kern, rt, way, RTM_GET, h);
		used += h->rtm_len;
	}
	route_unlock(vn);
	return used;
}

/* How many routes are looked at while the lock is held, and how many are asked
 * of memory at a time. */
#define FLUSH_LOOKS	128
#define FLUSH_AHEAD	8

/*
 * Ask for the memory that the deletion of the next routes needs, all at once:
 * the routes, which may lie anywhere, then their neighbours in the lists of
 * their paths.
 */
static void
expect_deletions(struct vnet *vn, const struct rt_place *place)
{
	const struct rt_table *tb = rt_table_numbered(vn, place->rp_table);
	const struct rt_af *ta;
	void *rt[FLUSH_AHEAD];
	unsigned n;

	ta = tb == NULL ? NULL : rt_af(tb, place->rp_is_ip6 ? AF_INET6 :
	    AF_INET);
	if (ta == NULL)
		return;
	n = kbtree_some(&ta->ta_routes, &place->rp_order, rt, FLUSH_AHEAD);
	for (unsigned i = 0; i < n; i++) {
		__builtin_prefetch(rt[i]);
		kslab_free_soon(rt[i]);
	}
	for (unsigned i = 0; i < n; i++)
		if (!rt_is_own(rt[i]))
			rt_path_leave_soon(rt[i]);
}

bool
rt_flush_some(struct vnet *vn, struct rt_place *place, void *room,
    size_t bytes, size_t *used)
{
	struct rt_gone gone[FLUSH_LOOKS];
	unsigned looks, n = 0, way;
	struct rtentry *rt = NULL;
	struct rt_hdr *h;

	*used = 0;
	route_lock(vn);
	for (looks = 0; looks < FLUSH_LOOKS &&
	    bytes - *used >= RT_FLUSH_ROOM; looks++) {
		if (looks % FLUSH_AHEAD == 0)
			expect_deletions(vn, place);
		way = 0;
		rt = next_route(vn, place, &way);
		if (rt == NULL)
			break;
		if ((rt->rt_flags & RTF_OF_ADDRESS) != 0)
			continue;
		/* One message for each way; place goes on behind the last. */
		for (way = 0; way < rt_nways(rt); way++) {
			h = (struct rt_hdr *)(void *)((char *)room + *used);
			rt_fill_way(vn->vn_kern, rt, way, RTM_DELETE, h);
			*used += h->rtm_len;
		}
		rt_note_gone(rt, &gone[n++]);
		rt_take_out(vn, rt);
	}
	route_unlock(vn);
	for (looks = 0; looks < n; looks++)
		rt_tell_gone(vn, &gone[looks]);
	return rt != NULL;
}

int
rt_dump_next(struct vnet *vn, struct rt_place *place, void *msg)
{

	return rt_dump_some(vn, place, msg, RT_MSG_MAX) != 0 ? 0 : ENOENT;
}

int
rt_dump(struct vnet *vn, int (*fn)(const void *msg, void *arg), void *arg)
{
	union {
		struct rt_msg rtm;
		uint8_t room[RT_MSG_MAX];
	} msg;
	struct rt_place place = { 0 };
	int error = 0;

	while (error == 0 && rt_dump_next(vn, &place, &msg) == 0)
		error = fn(&msg, arg);
	return error;
}

static int
get(struct vnet *vn, uint32_t table, const struct prefix *pf,
    struct rtentry *(*find)(const struct rt_table *, const struct prefix *),
    uint8_t type, void *msg)
{
	const struct rtentry *rt = NULL;
	struct rt_table *tb;
	int error;

	route_lock(vn);
	error = rt_table_meant(vn, table, &tb);
	if (error == 0)
		rt = find(tb, pf);
	if (error == 0 && rt == NULL)
		error = rt_none();
	if (rt != NULL)
		rt_fill_msg(vn->vn_kern, rt, type, msg);
	route_unlock(vn);
	return error;
}

int
rt_get(struct vnet *vn, uint32_t table, const struct prefix *pf, uint8_t type,
    void *msg)
{

	return get(vn, table, pf, rt_table_find, type, msg);
}

int
rt_get_taken(struct vnet *vn, uint32_t table, const struct prefix *addr,
    uint8_t type, void *msg)
{

	return get(vn, table, addr, rt_table_match, type, msg);
}

unsigned
rt_way_meant(const struct rtentry *rt, const struct rt_info *ri)
{

	return rt_nways(rt) > 1 && rt_names_way(ri) ?
	    (unsigned)rt_group_find(rt->rt_path, ri) : 0;
}

int
rt_get_meant(struct vnet *vn, const struct rt_info *ri, uint8_t type,
    void *msg)
{
	struct rtentry *rt;
	int error;

	route_lock(vn);
	error = rt_find_meant(vn, ri, &rt);
	if (error == 0)
		rt_fill_way(vn->vn_kern, rt, rt_way_meant(rt, ri), type, msg);
	route_unlock(vn);
	return error;
}

int
rt_get_request(struct vnet *vn, const struct rt_info *ri, void *msg)
{
	struct rt_msg *rtm = msg;
	const struct rt_path *way;
	struct rtentry *rt;
	int error;

	route_lock(vn);
	error = rt_find_meant(vn, ri, &rt);
	if (error == 0 && rt_is_own(rt))
		error = EOPNOTSUPP;
	if (error == 0 && rt_nways(rt) > 1 && !rt_names_way(ri))
		error = EMLINK;
	if (error == 0) {
		way = rt_way(rt, rt_way_meant(rt, ri));
		rt_fill_way(vn->vn_kern, rt, rt_way_meant(rt, ri), RTM_ADD,
		    msg);
		rtm->rtm_flags &= RTF_ASKED;
		if (rtm->rtm_expire_s < 0)	/* it is due */
			rtm->rtm_expire_s = 1;
		/* The source, which is last, was not asked for. */
		if ((rtm->rtm_h.rtm_addrs & RTA_IFA) != 0 &&
		    !neigh_addr_is_set(&way->rp_spec.sp_src)) {
			rtm->rtm_h.rtm_addrs &= (uint16_t)~RTA_IFA;
			rtm->rtm_h.rtm_len -= (uint16_t)rt_sa_size(
			    way->rp_spec.sp_family);
		}
		if (way->rp_spec.sp_ifp == NULL) {
			rtm->rtm_ifhandle = 0;
			rtm->rtm_index = 0;
			rtm->rtm_ifname[0] = '\0';
		}
		rtm->rtm_given |= RTV_LATER;
	}
	route_unlock(vn);
	return error;
}
