/*
 * The routing socket's messages that describe an interface, an address, a
 * neighbour, or whatever a node stands for.
 */

#include "net/rtsock_impl.h"

#include <string.h>

#include "net/neigh.h"
#include "net/if_name_impl.h"
#include "net/if_stats_impl.h"
#include "net/route_impl.h"

static void
fill_hdr(struct rt_hdr *h, uint8_t type, size_t len)
{

	h->rtm_len = (uint16_t)len;
	h->rtm_version = RTM_VERSION;
	h->rtm_type = type;
}

/* The interface's link-level address, or its index alone. */
static void
add_ifp(struct ifnet *ifp, void *msg)
{
	const struct ifaddr *dl;
	struct sockaddr_dl sdl;

	memset(&sdl, 0, sizeof(sdl));
	pserialize_read_enter();
	dl = __atomic_load_n(&ifp->if_dl, __ATOMIC_ACQUIRE);
	if (dl != NULL)
		memcpy(&sdl, dl->ifa_addr, sizeof(sdl));
	pserialize_read_exit();
	sdl.sdl_family = AF_LINK;
	sdl.sdl_type = ifp->if_type;
	sdl.sdl_index = ifp->if_index;
	(void)rt_msg_add(msg, RTA_IFP, (const struct sockaddr *)&sdl);
}

void
rts_fill_if(struct ifnet *ifp, uint8_t type, int what, void *msg)
{
	struct if_msg *ifm = msg;

	memset(ifm, 0, sizeof(*ifm));
	fill_hdr(&ifm->ifm_h, type, sizeof(*ifm));
	ifm->ifm_handle = ifp->if_handle;
	ifm->ifm_index = ifp->if_index;
	ifm->ifm_flags = __atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED);
	ifm->ifm_what = (uint16_t)what;
	if_name_copy(ifp, ifm->ifm_name);
	if_stats_get(ifp, &ifm->ifm_data);
	add_ifp(ifp, msg);
}

void
rts_fill_rename(struct ifnet *ifp, const char *oldname, void *msg)
{
	struct if_rename_msg *ifrn = msg;

	memset(ifrn, 0, sizeof(*ifrn));
	fill_hdr(&ifrn->ifrn_h, RTM_IFRENAME, sizeof(*ifrn));
	ifrn->ifrn_handle = ifp->if_handle;
	ifrn->ifrn_index = ifp->if_index;
	memcpy(ifrn->ifrn_oldname, oldname, IFNAMSIZ);
	if_name_copy(ifp, ifrn->ifrn_name);
}

static void
add_if_sa(void *msg, unsigned bit, const struct sockaddr *sa)
{

	if (sa != NULL && sa->sa_family != AF_UNSPEC)
		(void)rt_msg_add(msg, bit, sa);
}

void
rts_fill_ifa(struct ifaddr *ifa, uint8_t type, void *msg)
{
	struct ifa_msg *ifam = msg;
	struct ifnet *ifp = ifa->ifa_ifp;
	const struct domain *dom;

	memset(ifam, 0, sizeof(*ifam));
	fill_hdr(&ifam->ifam_h, type, sizeof(*ifam));
	ifam->ifam_handle = ifp->if_handle;
	ifam->ifam_index = ifp->if_index;
	dom = domain_find(ifp->if_vnet, ifa->ifa_addr->sa_family);
	if (dom != NULL && dom->dom_ifa_describe != NULL)
		dom->dom_ifa_describe(ifa, ifam);
	if_name_copy(ifp, ifam->ifam_name);
	add_if_sa(msg, RTA_NETMASK, ifa->ifa_netmask);
	add_if_sa(msg, RTA_IFA, ifa->ifa_addr);
	add_if_sa(msg, RTA_BRD, ifa->ifa_dstaddr);
}

static void
add_neigh_sa(void *msg, const struct neigh *ne)
{
	union rt_sockaddr rs;

	rt_set_sockaddr(&rs, ne->ne_family, &ne->ne_addr);
	(void)rt_msg_add(msg, RTA_DST, &rs.rs_sa);
}

void
rts_fill_neigh(const struct neigh *ne, uint8_t type, void *msg)
{
	struct rt_msg *rtm = msg;
	struct ifnet *ifp = ne->ne_ifp;
	struct kern *k = if_kern(ifp);
	uint64_t expire = __atomic_load_n(&ne->ne_expire, __ATOMIC_RELAXED);
	uint32_t flags = __atomic_load_n(&ne->ne_flags, __ATOMIC_RELAXED);
	const struct neigh_hdr *neh;
	struct sockaddr_dl sdl;

	memset(rtm, 0, sizeof(*rtm));
	fill_hdr(&rtm->rtm_h, type, sizeof(*rtm));
	rtm->rtm_ifhandle = ifp->if_handle;
	rtm->rtm_index = ifp->if_index;
	if_name_copy(ifp, rtm->rtm_ifname);
	rtm->rtm_flags = RTF_UP | RTF_HOST | RTF_LLDATA;
	if (flags & NEIGH_STATIC)
		rtm->rtm_flags |= RTF_STATIC;
	if (flags & NEIGH_PUBLISHED)
		rtm->rtm_flags |= RTF_ANNOUNCE;
	if (flags & NEIGH_ROUTER)
		rtm->rtm_given |= RTV_ROUTER;
	/* enum neigh_state has the same numbers. */
	rtm->rtm_proto = __atomic_load_n(&ne->ne_state, __ATOMIC_RELAXED);
	if (expire != 0)
		rtm->rtm_expire_s = (int64_t)(expire - kern_now(k)) /
		    1000000000;
	add_neigh_sa(msg, ne);
	memset(&sdl, 0, sizeof(sdl));
	sdl.sdl_family = AF_LINK;
	sdl.sdl_type = ifp->if_type;
	sdl.sdl_index = ifp->if_index;
	pserialize_read_enter();
	neh = __atomic_load_n(&ne->ne_hdr, __ATOMIC_ACQUIRE);
	if (neh != NULL) {
		sdl.sdl_alen = ETHER_ADDR_LEN;
		memcpy(sdl.sdl_data, neh->neh_bytes, ETHER_ADDR_LEN);
	}
	pserialize_read_exit();
	(void)rt_msg_add(msg, RTA_GATEWAY, (const struct sockaddr *)&sdl);
}

static inline const struct rtentry *
node_route(struct rts_node *rn, unsigned part)
{
	struct protoaddr *pa;
	struct rtfull *rf;

	if (part > 0) {
		pa = node_object(rn, offsetof(struct protoaddr, pa_rts));
		return &pa->pa_own[part - 1];
	}
	rf = node_object(rn, offsetof(struct rtfull, rf_rts));
	return &rf->rf_rt;
}

void
rts_describe(struct rtsock_vnet *rs, struct rts_node *rn, unsigned part,
    uint32_t kind, uint8_t type, int what, void *msg)
{

	/* The link-level address is read as by any reader. */
	pserialize_read_enter();
	switch (kind) {
	case RTS_LINK:
		rts_fill_if(node_object(rn, offsetof(struct ifnet, if_rts)),
		    type, what, msg);
		break;
	case RTS_ADDR:
		rts_fill_ifa(node_object(rn, offsetof(struct protoaddr,
		    pa_rts)), type, msg);
		break;
	case RTS_ROUTE:
		rt_fill_msg(rs->rs_kern, node_route(rn, part), type, msg);
		break;
	default:
		rts_fill_neigh(node_object(rn, offsetof(struct neigh,
		    ne_rts)), type, msg);
		break;
	}
	pserialize_read_exit();
}
