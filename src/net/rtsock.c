/*
 * The routing socket: requests.  Messages that describe something are made in
 * rtsock_describe.c, dumps in rtsock_dump.c; listeners are in rtsock_listen.c.
 */

#include "net/rtsock.h"

#include <arpa/inet.h>

#include <errno.h>
#include <string.h>

#include "kern/request.h"
#include "kern/vnet.h"
#include "net/domain.h"
#include "net/if_addr_impl.h"
#include "net/if_ioctl_impl.h"
#include "net/neigh.h"
#include "net/route.h"
#include "net/zone6.h"
#include "proto/prefix.h"

/* An IPv6 address could not be made an inner one: refuse it in words. */
static int
refuse_zone(const struct sockaddr_in6 *sin6)
{
	char text[INET6_ADDRSTRLEN];

	(void)inet_ntop(AF_INET6, &sin6->sin6_addr, text, sizeof(text));
	if (!zone6_is_scoped(sin6->sin6_addr.s6_addr))
		return kern_refuse(EINVAL, "%s means the same on every "
		    "interface, and has no zone", text);
	if (sin6->sin6_scope_id == 0)
		return kern_refuse(EINVAL, "the zone of %s is missing: "
		    "%s%%INTERFACE", text, text);
	return kern_refuse(EINVAL, "%s has a zone within it: its bytes 4 to 7 "
	    "are 0, and %%INTERFACE follows", text);
}

/* The bytes of an address. */
static const void *
sa_bytes(const struct sockaddr *sa)
{

	return sa->sa_family == AF_INET ?
	    (const void *)&((const struct sockaddr_in *)(const void *)sa)->
	    sin_addr : (const void *)&((const struct sockaddr_in6 *)
	    (const void *)sa)->sin6_addr;
}

static bool
sa_is_inet(const struct sockaddr *sa)
{

	return sa->sa_family == AF_INET || sa->sa_family == AF_INET6;
}

/*
 * The inner address (net/zone6.h) of an IPv4 or IPv6 one.  Its zone is in bits
 * 32 to 63: a prefix of up to 32 bits has none, is of all interfaces alike, and
 * any other has all of it.  EINVAL, ENXIO.
 */
static int
sa_inner(struct vnet *vn, const struct sockaddr *sa, unsigned len,
    union neigh_addr *na)
{
	struct sockaddr_in6 sin6;
	struct psref psref;
	struct ifnet *ifp;

	if (sa->sa_family == AF_INET) {
		memcpy(&na->na_4, sa_bytes(sa), sizeof(na->na_4));
		return 0;
	}
	memcpy(&sin6, sa, sizeof(sin6));
	if (len <= 32 && sin6.sin6_scope_id == 0) {
		memcpy(na, &sin6.sin6_addr, sizeof(*na));
		return 0;
	}
	if (zone6_is_scoped(sin6.sin6_addr.s6_addr) && len < 64)
		return kern_refuse(EINVAL, "a prefix of addresses that have a "
		    "zone has at least 64 bits with it, at most 32 without");
	if (zone6_from_sa(&sin6, na) != 0)
		return refuse_zone(&sin6);
	if (sin6.sin6_scope_id == 0)
		return 0;
	ifp = if_get_byindex(vn, sin6.sin6_scope_id, &psref);
	if (ifp == NULL)
		return kern_refuse(ENXIO, "there is no interface of the "
		    "index %u, the zone of an address", sin6.sin6_scope_id);
	if_put(ifp, &psref);
	return 0;
}

/* A message about a route, taken apart. */
struct route_request {
	struct rt_info	 rq_ri;
	bool		 rq_masked;	/* the prefix was given */
	struct psref	 rq_psref;	/* on rq_ri.ri_ifp */
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
			return kern_refuse(EINVAL, "the request names two "
			    "interfaces");
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
	return rq->rq_ri.ri_ifp != NULL ? 0 : kern_refuse(ENXIO, "there is no "
	    "such interface (ifconfig -l lists them)");
}

static int
no_destination(void)
{

	return kern_refuse(EINVAL, "the destination is missing");
}

/* Destination and prefix. */
static int
request_dst(struct vnet *vn, const struct rt_msg *rtm,
    const struct sockaddr *const sa[RTAX_MAX], struct route_request *rq)
{
	int len, bits;

	if (sa[0] == NULL)
		return no_destination();
	if (!sa_is_inet(sa[0]))
		return if_sa_refuse(EAFNOSUPPORT, sa[0]->sa_family);
	bits = sa[0]->sa_family == AF_INET ? PREFIX_BITS4 : PREFIX_BITS6;
	len = bits;
	if (sa[2] != NULL) {
		if (sa[2]->sa_family != sa[0]->sa_family)
			return kern_refuse(EAFNOSUPPORT, "the netmask is of "
			    "another family than the destination");
		len = prefix_len_bytes(sa_bytes(sa[2]), (size_t)bits / 8);
		if (len < 0)
			return kern_refuse(EINVAL, "the netmask has holes");
		if ((rtm->rtm_flags & RTF_HOST) && len != bits)
			return kern_refuse(EINVAL, "a route to a host has no "
			    "netmask");
	}
	rq->rq_masked = sa[2] != NULL || (rtm->rtm_flags & RTF_HOST) != 0;
	rq->rq_ri.ri_family = (uint8_t)sa[0]->sa_family;
	rq->rq_ri.ri_len = (unsigned)len;
	return sa_inner(vn, sa[0], rq->rq_ri.ri_len, &rq->rq_ri.ri_dst);
}

/* Gateway and source, of the destination's family. */
static int
request_ends(struct vnet *vn, const struct sockaddr *const sa[RTAX_MAX],
    struct rt_info *ri)
{
	const unsigned bits = PREFIX_BITS6;
	int error = 0;

	if (sa[1] != NULL && sa[1]->sa_family == ri->ri_family)
		error = sa_inner(vn, sa[1], bits, &ri->ri_gw);
	else if (sa[1] != NULL && sa[1]->sa_family != AF_LINK)
		return kern_refuse(EAFNOSUPPORT, "the gateway is of another "
		    "family than the destination");
	if (error != 0 || sa[5] == NULL)
		return error;
	/* A link-level one is no source. */
	if (sa[5]->sa_family == ri->ri_family)
		error = sa_inner(vn, sa[5], bits, &ri->ri_src);
	if (error == 0 && !neigh_addr_is_set(&ri->ri_src))
		return kern_refuse(EADDRNOTAVAIL, "the source is no address of "
		    "an interface");
	return error;
}

static void
request_release(struct route_request *rq)
{

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
	error = request_dst(vn, rtm, sa, rq);
	if (error != 0)
		return error;
	ri->ri_flags = rtm->rtm_flags;
	ri->ri_mtu = rtm->rtm_mtu;
	ri->ri_given = rtm->rtm_given;
	ri->ri_metric = rtm->rtm_metric;
	ri->ri_proto = rtm->rtm_proto;
	ri->ri_table = rtm->rtm_table;
	ri->ri_weight = rtm->rtm_weight;
	/* Own routes are changed with their address. */
	ri->ri_refuse = RTF_LOCAL | RTF_BROADCAST;
	if (rtm->rtm_expire_s < 0 || rtm->rtm_expire_s > INT32_MAX)
		return kern_refuse(EINVAL, "a lifetime is from 0 to %d "
		    "seconds", INT32_MAX);
	if (rtm->rtm_mtu > 65535)
		return kern_refuse(EINVAL, "the MTU of a route is at most "
		    "65535");
	if (rtm->rtm_expire_s != 0)
		ri->ri_expire_ns = kern_now(vn->vn_kern) +
		    (uint64_t)rtm->rtm_expire_s * 1000000000;
	error = request_ends(vn, sa, ri);
	if (error != 0)
		return error;
	return request_ifp(vn, rtm, sa, rq);
}

/* Change the route of the metric (0 unless given), or add it.  Somebody else
 * may add or delete it in between. */
static int
replace(struct vnet *vn, const struct rt_info *ri)
{
	struct rt_info that = *ri;
	int error = EEXIST;

	that.ri_given |= RTV_METRIC;
	for (int i = 0; i < 3 && error == EEXIST; i++) {
		error = rt_change(vn, &that);
		if (error == ESRCH)
			error = rt_add(vn, &that);
	}
	return error;
}

static int
request_change_table(struct vnet *vn, uint8_t type, struct route_request *rq,
    void *answer)
{
	struct rt_info *ri = &rq->rq_ri;
	struct rt_info made = {
		.ri_family = ri->ri_family, .ri_dst = ri->ri_dst,
		.ri_len = ri->ri_len,
		.ri_given = ri->ri_given, .ri_metric = ri->ri_metric,
		.ri_table = ri->ri_table,
	};
	int error;

	if (type == RTM_DELETE) {
		ri->ri_told = answer;
		return rt_delete(vn, ri);
	}
	if (ri->ri_flags & (RTF_LOCAL | RTF_BROADCAST | RTF_CONNECTED))
		return kern_refuse(EINVAL, "routes that addresses bring along "
		    "are not added or changed by hand");
	if (type == RTM_CHANGE) {
		ri->ri_told = answer;
		return rt_change(vn, ri);
	}
	if ((ri->ri_given & RTV_MPATH) != 0)
		error = rt_add_way(vn, ri);
	else if ((ri->ri_given & RTV_REPLACE) != 0)
		error = replace(vn, ri);
	else {
		ri->ri_told = answer;
		return rt_add(vn, ri);
	}
	if (error != 0)
		return error;
	made.ri_given |= RTV_METRIC;	/* 0 unless given */
	if ((ri->ri_given & RTV_MPATH) != 0) {
		made.ri_gw = ri->ri_gw;
		made.ri_ifp = ri->ri_ifp;
	}
	/* The route was there, also when it is deleted by now. */
	return rt_get_meant(vn, &made, type, answer);
}

int
rtsock_get_request(struct vnet *vn, const struct rt_msg *rtm,
    const struct sockaddr *const sa[RTAX_MAX], void *msg)
{
	const bool add = rtm->rtm_h.rtm_type == RTM_ADD;
	const union neigh_addr none = { { 0 } };
	struct route_request rq;
	struct rt_info meant;
	int error;

	if (request_parse(vn, rtm, sa, &rq) != 0)
		return ESRCH;
	meant = rq.rq_ri;
	if (add)
		meant.ri_given |= RTV_METRIC;	/* 0 unless given */
	/* All that is said of it says which one is deleted; but where a route
	 * is to lead does not say where it leads. */
	if (rtm->rtm_h.rtm_type != RTM_DELETE)
		meant.ri_src = none;
	if (rtm->rtm_h.rtm_type == RTM_CHANGE ||
	    (add && (meant.ri_given & RTV_MPATH) == 0)) {
		meant.ri_gw = none;
		meant.ri_ifp = NULL;
	}
	error = rt_get_request(vn, &meant, msg);
	request_release(&rq);
	return error;
}

static int
route_request(struct vnet *vn, const struct rt_msg *rtm,
    const struct sockaddr *const sa[RTAX_MAX], void *answer,
    size_t *answerlen)
{
	struct rt_msg *out = answer;
	struct route_request rq;
	struct prefix pf;
	int error;

	error = request_parse(vn, rtm, sa, &rq);
	if (error != 0)
		return error;
	pf = rt_info_prefix(&rq.rq_ri);
	if (rtm->rtm_h.rtm_type == RTM_GET && sa[2] != NULL)
		error = rt_get(vn, rq.rq_ri.ri_table, &pf, RTM_GET, answer);
	else if (rtm->rtm_h.rtm_type == RTM_GET)
		error = rt_get_taken(vn, rq.rq_ri.ri_table, &pf, RTM_GET,
		    answer);
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
		return no_destination();
	dom = domain_find(vn, sa[0]->sa_family);
	if (dom == NULL || dom->dom_neigh_request == NULL)
		return if_sa_refuse(EAFNOSUPPORT, sa[0]->sa_family);
	return dom->dom_neigh_request(vn, rtm, sa, answer, answerlen);
}

int
rtsock_request(struct vnet *vn, const struct kauth_cred *cred, const void *msg,
    size_t len, void *answer, size_t *answerlen)
{
	const struct rt_msg *rtm = msg;
	const struct sockaddr *sa[RTAX_MAX];
	int error;

	*answerlen = 0;
	error = rt_msg_check(msg, len, sa);
	if (error == EAFNOSUPPORT)
		return kern_refuse(error, "the message has an address of a "
		    "family that is not known");
	if (error != 0)
		return kern_refuse(error, "the routing message makes no "
		    "sense");
	if (request_find(REQUEST_ROUTE, rtm->rtm_h.rtm_type) == NULL)
		return kern_refuse(EINVAL, "the routing message asks for "
		    "nothing");
	error = kauth_authorize(vn->vn_kern, cred,
	    request_action(REQUEST_ROUTE, rtm->rtm_h.rtm_type));
	if (error != 0)
		return error;
	if (rtm->rtm_flags & RTF_LLDATA)
		return neigh_request(vn, rtm, sa, answer, answerlen);
	return route_request(vn, rtm, sa, answer, answerlen);
}
