/*
 * The routing socket: requests, and messages that describe.  Dumps are in
 * rtsock_dump.c, listeners in rtsock_listen.c.
 */

#include "net/rtsock.h"

#include <arpa/inet.h>

#include <errno.h>
#include <string.h>

#include "net/if_impl.h"
#include "net/if_llatbl.h"
#include "net/route.h"

/* Room for one message. */
union rts_msgbuf {
	struct rt_hdr	 mb_hdr;
	uint8_t		 mb_room[RT_MSG_MAX];
};

static void
fill_hdr(struct rt_hdr *h, uint8_t type, size_t len)
{

	h->rtm_len = (uint32_t)len;
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
	uint32_t flags;

	memset(ifam, 0, sizeof(*ifam));
	fill_hdr(&ifam->ifam_h, type, sizeof(*ifam));
	ifam->ifam_handle = ifp->if_handle;
	ifam->ifam_index = ifp->if_index;
	flags = __atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED);
	if (flags & IFA_TENTATIVE)
		ifam->ifam_flags |= 0x01;	/* IN_IFF_TENTATIVE */
	if (flags & IFA_DUPLICATED)
		ifam->ifam_flags |= 0x02;	/* IN_IFF_DUPLICATED */
	if_name_copy(ifp, ifam->ifam_name);
	add_if_sa(msg, RTA_NETMASK, ifa->ifa_netmask);
	add_if_sa(msg, RTA_IFA, ifa->ifa_addr);
	add_if_sa(msg, RTA_BRD, ifa->ifa_dstaddr);
}

void
rts_fill_neigh(const struct llentry *la, uint8_t type, void *msg)
{
	struct rt_msg *rtm = msg;
	struct ifnet *ifp = la->la_ifp;
	struct kern *k = if_kern(ifp);
	uint64_t expire = __atomic_load_n(&la->la_expire, __ATOMIC_RELAXED);
	uint32_t flags = __atomic_load_n(&la->la_flags, __ATOMIC_RELAXED);
	const struct llhdr *lh;
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = la->la_addr4,
	};
	struct sockaddr_dl sdl;

	memset(rtm, 0, sizeof(*rtm));
	fill_hdr(&rtm->rtm_h, type, sizeof(*rtm));
	rtm->rtm_ifhandle = ifp->if_handle;
	rtm->rtm_index = ifp->if_index;
	if_name_copy(ifp, rtm->rtm_ifname);
	rtm->rtm_flags = RTF_UP | RTF_HOST | RTF_LLDATA;
	if (flags & LLE_STATIC)
		rtm->rtm_flags |= RTF_STATIC;
	if (flags & LLE_PUBLISHED)
		rtm->rtm_flags |= RTF_ANNOUNCE;
	if (expire != 0)
		rtm->rtm_expire_s = (int64_t)(expire - kern_now(k)) /
		    1000000000;
	(void)rt_msg_add(msg, RTA_DST, (const struct sockaddr *)&sin);
	memset(&sdl, 0, sizeof(sdl));
	sdl.sdl_family = AF_LINK;
	sdl.sdl_type = ifp->if_type;
	sdl.sdl_index = ifp->if_index;
	pserialize_read_enter();
	lh = __atomic_load_n(&la->la_hdr, __ATOMIC_ACQUIRE);
	if (lh != NULL) {
		sdl.sdl_alen = ETHER_ADDR_LEN;
		memcpy(sdl.sdl_data, lh->lh_bytes, ETHER_ADDR_LEN);
	}
	pserialize_read_exit();
	(void)rt_msg_add(msg, RTA_GATEWAY, (const struct sockaddr *)&sdl);
}

/* A netmask as a length; -1 when it has holes. */
static int
mask_len(uint32_t mask)
{
	uint32_t host = ~ntohl(mask);

	if ((host & (host + 1)) != 0)
		return -1;
	return host == 0 ? 32 : __builtin_clz(host);
}

static uint32_t
sa_addr4(const struct sockaddr *sa)
{
	struct sockaddr_in sin;

	memcpy(&sin, sa, sizeof(sin));
	return sin.sin_addr.s_addr;
}

/* What a message says of a route, taken apart. */
struct route_request {
	struct rt_info	 rq_ri;
	bool		 rq_masked;	/* the prefix was given */
	struct psref	 rq_psref;	/* on rq_ri.ri_ifp */
	struct psref	 rq_ifapsref;	/* on rq_ri.ri_ifa */
};

/* The interface, however it was named.  ENXIO, EINVAL (named twice, and
 * differently). */
static int
request_ifp(struct vnet *vn, const struct rt_msg *rtm,
    const struct sockaddr *const sa[RTAX_MAX], struct route_request *rq)
{
	const struct sockaddr *bysa[2] = { sa[4], sa[1] }; /* IFP, GATEWAY */
	unsigned index = rtm->rtm_index;
	struct sockaddr_dl sdl;

	for (unsigned i = 0; i < 2; i++) {
		if (bysa[i] == NULL || bysa[i]->sa_family != AF_LINK)
			continue;
		memcpy(&sdl, bysa[i], sizeof(sdl));
		if (index != 0 && sdl.sdl_index != 0 && sdl.sdl_index != index)
			return EINVAL;
		if (sdl.sdl_index != 0)
			index = sdl.sdl_index;
	}
	if (rtm->rtm_ifhandle != 0)
		rq->rq_ri.ri_ifp = if_get_byhandle(vn, rtm->rtm_ifhandle,
		    &rq->rq_psref);
	else if (index != 0)
		rq->rq_ri.ri_ifp = if_get_byindex(vn, index, &rq->rq_psref);
	else if (rtm->rtm_ifname[0] != '\0')
		rq->rq_ri.ri_ifp = if_get(vn, rtm->rtm_ifname, &rq->rq_psref);
	else
		return 0;
	return rq->rq_ri.ri_ifp != NULL ? 0 : ENXIO;
}

/* Destination and prefix. */
static int
request_dst(const struct rt_msg *rtm,
    const struct sockaddr *const sa[RTAX_MAX], struct route_request *rq)
{
	int len = 32;

	if (sa[0] == NULL)
		return EINVAL;
	if (sa[0]->sa_family != AF_INET)
		return EAFNOSUPPORT;
	if (sa[2] != NULL) {
		if (sa[2]->sa_family != AF_INET)
			return EAFNOSUPPORT;
		len = mask_len(sa_addr4(sa[2]));
		if (len < 0 || ((rtm->rtm_flags & RTF_HOST) && len != 32))
			return EINVAL;
	}
	rq->rq_masked = sa[2] != NULL || (rtm->rtm_flags & RTF_HOST) != 0;
	rq->rq_ri.ri_dst = sa_addr4(sa[0]);
	rq->rq_ri.ri_len = (unsigned)len;
	return 0;
}

static void
request_release(struct route_request *rq)
{

	if (rq->rq_ri.ri_ifa != NULL)
		ifa_release(rq->rq_ri.ri_ifa, &rq->rq_ifapsref);
	if (rq->rq_ri.ri_ifp != NULL)
		if_put(rq->rq_ri.ri_ifp, &rq->rq_psref);
}

static int
request_parse(struct vnet *vn, const struct rt_msg *rtm,
    const struct sockaddr *const sa[RTAX_MAX], struct route_request *rq)
{
	struct rt_info *ri = &rq->rq_ri;
	int error;

	memset(rq, 0, sizeof(*rq));
	error = request_dst(rtm, sa, rq);
	if (error != 0)
		return error;
	if (sa[1] != NULL && sa[1]->sa_family == AF_INET)
		ri->ri_gw = sa_addr4(sa[1]);
	else if (sa[1] != NULL && sa[1]->sa_family != AF_LINK)
		return EAFNOSUPPORT;
	ri->ri_flags = rtm->rtm_flags;
	ri->ri_mtu = rtm->rtm_mtu;
	/* What stands for an address is changed with the address. */
	ri->ri_refuse = RTF_LOCAL | RTF_BROADCAST;
	if (rtm->rtm_expire_s < 0 || rtm->rtm_expire_s > INT32_MAX ||
	    rtm->rtm_mtu > 65535)
		return EINVAL;
	if (rtm->rtm_expire_s != 0)
		ri->ri_expire_ns = kern_now(vn->vn_kern) +
		    (uint64_t)rtm->rtm_expire_s * 1000000000;
	error = request_ifp(vn, rtm, sa, rq);
	if (error != 0)
		return error;
	if (sa[5] != NULL) {	/* IFA */
		/* A link-level one is no source. */
		if (sa[5]->sa_family == AF_INET)
			ri->ri_ifa = ifa_ifwithaddr_psref(vn, sa[5],
			    &rq->rq_ifapsref);
		if (ri->ri_ifa == NULL) {
			request_release(rq);
			return EADDRNOTAVAIL;
		}
	}
	return 0;
}

static int
request_change_table(struct vnet *vn, uint8_t type, struct route_request *rq,
    void *answer)
{
	const struct rt_info *ri = &rq->rq_ri;
	int error;

	if (type == RTM_DELETE) {
		/* The answer tells what was deleted. */
		error = rt_get(vn, ri->ri_dst, (int)ri->ri_len, type, answer);
		return error != 0 ? error : rt_delete(vn, ri);
	}
	if (ri->ri_flags & (RTF_LOCAL | RTF_BROADCAST | RTF_CONNECTED))
		return EINVAL;
	error = type == RTM_ADD ? rt_add(vn, ri) : rt_change(vn, ri);
	if (error != 0)
		return error;
	/* Somebody may have deleted it since; it was there all the same. */
	return rt_get(vn, ri->ri_dst, (int)ri->ri_len, type, answer) == 0 ?
	    0 : ESRCH;
}

static int
route_request(struct vnet *vn, const struct rt_msg *rtm,
    const struct sockaddr *const sa[RTAX_MAX], void *answer,
    size_t *answerlen)
{
	struct rt_msg *out = answer;
	struct route_request rq;
	int error;

	error = request_parse(vn, rtm, sa, &rq);
	if (error != 0)
		return error;
	if (rtm->rtm_h.rtm_type == RTM_GET)
		error = rt_get(vn, rq.rq_ri.ri_dst,
		    rq.rq_masked && sa[2] != NULL ? (int)rq.rq_ri.ri_len : -1,
		    RTM_GET, answer);
	else
		error = request_change_table(vn, rtm->rtm_h.rtm_type, &rq,
		    answer);
	request_release(&rq);
	if (error != 0)
		return error;
	out->rtm_h.rtm_seq = rtm->rtm_h.rtm_seq;
	out->rtm_flags |= RTF_DONE;
	*answerlen = out->rtm_h.rtm_len;
	return 0;
}

static int
neigh_request(struct vnet *vn, const struct rt_msg *rtm,
    const struct sockaddr *const sa[RTAX_MAX], void *answer,
    size_t *answerlen)
{
	const struct domain *dom;

	if (sa[0] == NULL)
		return EINVAL;
	dom = domain_find(vn, sa[0]->sa_family);
	if (dom == NULL || dom->dom_neigh_request == NULL)
		return EAFNOSUPPORT;
	return dom->dom_neigh_request(vn, rtm, sa, answer, answerlen);
}

int
rtsock_request(struct vnet *vn, const struct kauth_cred *cred, const void *msg,
    size_t len, void *answer, size_t *answerlen)
{
	const struct rt_msg *rtm = msg;
	const struct sockaddr *sa[RTAX_MAX];
	enum kauth_action action;
	int error;

	*answerlen = 0;
	error = rt_msg_check(msg, len, sa);
	if (error != 0)
		return error;
	switch (rtm->rtm_h.rtm_type) {
	case RTM_GET:
		action = KAUTH_INTERFACE_GET;
		break;
	case RTM_ADD:
	case RTM_DELETE:
	case RTM_CHANGE:
		action = KAUTH_ROUTE_SET;
		break;
	default:
		return EINVAL;
	}
	error = kauth_authorize(vn->vn_kern, cred, action);
	if (error != 0)
		return error;
	if (rtm->rtm_flags & RTF_LLDATA)
		return neigh_request(vn, rtm, sa, answer, answerlen);
	return route_request(vn, rtm, sa, answer, answerlen);
}
