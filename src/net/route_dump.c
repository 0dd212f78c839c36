/*
 * Routes as messages: one, and all of them in order.
 */

#include "net/route_impl.h"

#include <arpa/inet.h>

#include <errno.h>
#include <string.h>

#include "net/if_name_impl.h"

static void
add_inet(struct rt_msg *rtm, unsigned bit, uint32_t addr)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = addr,
	};

	(void)rt_msg_add(rtm, bit, (const struct sockaddr *)&sin);
}

void
rt_fill_msg(struct kern *k, const struct rtentry *rt, uint8_t type, void *msg)
{
	struct rt_msg *rtm = msg;
	const struct ifnet *ifp = rt->rt_ifp;
	unsigned len = rt->rt_lpm.le_len;
	struct sockaddr_dl sdl;
	int64_t left;

	memset(rtm, 0, sizeof(*rtm));
	rtm->rtm_h.rtm_len = sizeof(*rtm);
	rtm->rtm_h.rtm_version = RTM_VERSION;
	rtm->rtm_h.rtm_type = type;
	rtm->rtm_flags = rt->rt_flags;
	if (rt_is_spare(rt))
		rtm->rtm_flags &= ~(uint32_t)RTF_UP;
	rtm->rtm_mtu = rt_mtu(rt);
	if (rt_is_derived(rt))
		rtm->rtm_proto = RTPROT_KERNEL;
	else {
		rtm->rtm_given = RTV_METRIC | RTV_PROTO;
		rtm->rtm_metric = rt_metric(rt);
		rtm->rtm_proto = rt_full(rt)->rf_proto;
	}
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
	add_inet(rtm, RTA_DST, htonl(rt->rt_lpm.le_key));
	if (rt->rt_gw4 != 0)
		add_inet(rtm, RTA_GATEWAY, rt->rt_gw4);
	else if (ifp != NULL) {
		memset(&sdl, 0, sizeof(sdl));
		sdl.sdl_family = AF_LINK;
		sdl.sdl_type = ifp->if_type;
		sdl.sdl_index = ifp->if_index;
		(void)rt_msg_add(rtm, RTA_GATEWAY,
		    (const struct sockaddr *)&sdl);
	}
	if (!(rt->rt_flags & RTF_HOST))
		add_inet(rtm, RTA_NETMASK,
		    htonl(len == 0 ? 0 : UINT32_MAX << (32 - len)));
	if (rt->rt_ifa != NULL && rt->rt_ifa->ifa_addr != NULL)
		(void)rt_msg_add(rtm, RTA_IFA, rt->rt_ifa->ifa_addr);
}

/* Route lock held: the next route of the last prefix, or NULL.  One that was a
 * spare may be the one that is used by now. */
static struct rtentry *
next_of_last(const struct route_vnet *rv, struct rt_place *place)
{
	struct rtentry *best, *rt;
	uint64_t from;

	if (place->rp_spares == 0)
		return NULL;
	from = place->rp_spares - 1;
	rt = rt_spare_from(rv, place->rp_key, place->rp_len, from);
	best = entry_rt(lpm_find(&rv->rv_inet, place->rp_key, place->rp_len));
	if (best != NULL && !rt_is_derived(best) && rt_metric(best) >= from)
		rt = best;
	place->rp_spares = rt == NULL ? 0 : rt_metric(rt) + 2ull;
	return rt;
}

/* Route lock held. */
static struct rtentry *
next_route(const struct route_vnet *rv, struct rt_place *place)
{
	struct rtentry *rt = next_of_last(rv, place);

	if (rt != NULL)
		return rt;
	rt = entry_rt(lpm_from(&rv->rv_inet, &place->rp_prefix));
	if (rt == NULL)
		return NULL;
	/* Its spares have its metric at least; the route that an address
	 * brought along may have those of any. */
	place->rp_spares = rt_is_derived(rt) ? 1 : rt_metric(rt) + 2ull;
	place->rp_key = rt->rt_lpm.le_key;
	place->rp_len = rt->rt_lpm.le_len;
	return rt;
}

int
rt_dump_next(struct vnet *vn, struct rt_place *place, void *msg)
{
	struct rtentry *rt;

	route_lock(vn);
	rt = next_route(vn->vn_route, place);
	if (rt != NULL)
		rt_fill_msg(vn->vn_kern, rt, RTM_GET, msg);
	route_unlock(vn);
	return rt != NULL ? 0 : ENOENT;
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
