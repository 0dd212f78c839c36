/*
 * Routes as messages: one, and all of them in order.
 */

#include "net/route.h"

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
	rtm->rtm_mtu = rt_mtu(rt);
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

int
rt_dump_next(struct vnet *vn, uint64_t *place, void *msg)
{
	struct route_vnet *rv = vn->vn_route;
	struct host *h = vn->vn_kern->k_host;
	struct lpm_entry *le;

	host_mutex_lock(h, &rv->rv_lock);
	le = lpm_from(&rv->rv_inet, place);
	if (le != NULL)
		rt_fill_msg(vn->vn_kern, (struct rtentry *)(void *)le,
		    RTM_GET, msg);
	host_mutex_unlock(h, &rv->rv_lock);
	return le != NULL ? 0 : ENOENT;
}

int
rt_dump(struct vnet *vn, int (*fn)(const void *msg, void *arg), void *arg)
{
	union {
		struct rt_msg rtm;
		uint8_t room[RT_MSG_MAX];
	} msg;
	uint64_t place = 0;
	int error = 0;

	while (error == 0 && rt_dump_next(vn, &place, &msg) == 0)
		error = fn(&msg, arg);
	return error;
}
