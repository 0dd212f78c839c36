/*
 * icmp_redirect: redirects received.  A router tells of a better first hop for
 * one destination (RFC 1122 3.2.2.2): it becomes a route to that host, which
 * expires.  A router does not listen (RFC 1812 5.2.7.2).
 *
 * A CPU checks the message and queues what it says; a task makes the route,
 * which needs the route lock.  Others on the link can send in the gateway's
 * name: the number of such routes has a limit, and so have changes and log
 * lines a second.
 */

#include <arpa/inet.h>

#include <errno.h>

#include "net/if_name_impl.h"
#include "net/route.h"
#include "netinet/ip_var.h"

/* The host to which packets go next is the sender. */
static bool
leads_to(const struct fwd *fd, const struct ifnet *ifp, uint32_t gw)
{

	return fd->fd_nh != NULL && nh_gw4(fd->fd_nh) == gw &&
	    fd->fd_nh->nh_ifp == ifp;
}

/* Is the new gateway another host on this link? */
static bool
is_neighbour(struct ifnet *ifp, uint32_t gw)
{
	struct fwd fd = rt_lookup4(rt_table_of(ifp), gw);

	return in_ordinary(gw) && fwd_is_connected(&fd) &&
	    fd.fd_nh->nh_ifp == ifp && !in_starts_connected(&fd, gw);
}

static bool
is_ours(const struct ifnet *ifp, uint32_t addr)
{
	struct fwd fd = rt_lookup4(rt_table_of(ifp), addr);

	return fwd_is_local(&fd);
}

/* Read section: is it one to be believed? */
static bool
believed(struct ifnet *ifp, const struct icmp_redirected *ir,
    const struct iphdr4 *quoted)
{
	struct fwd fd = rt_lookup4(rt_table_of(ifp), ir->ir_dst);

	return is_ours(ifp, quoted->ip_src) &&
	    leads_to(&fd, ifp, ir->ir_from) && in_ordinary(ir->ir_dst) &&
	    (!in_maybe_special(ir->ir_dst) ||
	    in_special_may(&fd, ir->ir_dst, INS_DESTINATION)) &&
	    ir->ir_gw != ir->ir_from && is_neighbour(ifp, ir->ir_gw);
}

/* false: the queue is full, or there are more than may be a second. */
static bool
push(struct icmp_vnet *icv, const struct icmp_redirected *ir, uint64_t now)
{
	bool room;

	kspin_lock(&icv->icv_lock);
	room = icv->icv_nredirected < ICMP_REDIRECTED &&
	    ip_token_take(&icv->icv_redirects, now, ICMP_REDIRECTS);
	if (room)
		icv->icv_redirected[icv->icv_nredirected++] = *ir;
	kspin_unlock(&icv->icv_lock);
	return room;
}

bool
icmp_redirect_input(struct ifnet *ifp, const struct mbuf *m,
    const struct icmphdr4 *icmp)
{
	const struct iphdr4 *ip = mtoip(m);
	struct vnet *vn = ifp->if_vnet;
	struct ip_vnet *iv = vn->vn_ip;
	struct icmp_redirected ir;
	struct iphdr4 quoted;

	if (ip_setting(&iv->iv_rediraccept) == 0 ||
	    ip_setting(&iv->iv_forwarding) != 0)
		return false;
	/* Codes: of a network or a host, for a type of service or all. */
	if (icmp->icmp_code > 3 || !m_copydata(m, ip_hlen(ip) + ICMP_HLEN,
	    sizeof(quoted), &quoted) || quoted.ip_vhl >> 4 != 4)
		goto bad;
	ir.ir_handle = ifp->if_handle;
	ir.ir_from = ip->ip_src;
	ir.ir_gw = icmp->icmp_word;
	ir.ir_dst = quoted.ip_dst;
	if (!believed(ifp, &ir, &quoted) || !push(iv->iv_icmp, &ir,
	    net_curcpu()->ci_now))
		goto bad;
	cpu_stat_add(&ip_stats(vn)->icps_redirect, 1);
	ktask_schedule(vn->vn_kern, &iv->iv_icmp->icv_task);
	return true;
bad:
	cpu_stat_add(&ip_stats(vn)->icps_badredirect, 1);
	return false;
}

/* --- the task ------------------------------------------------------------- */

/* Read section: does a redirect say something new still? */
static bool
is_current(const struct ifnet *ifp, const struct icmp_redirected *ir)
{
	struct fwd fd = rt_lookup4(rt_table_of(ifp), ir->ir_dst);

	return leads_to(&fd, ifp, ir->ir_from);
}

/* The request that does what a redirect says; 0: to be added, or changed when
 * there is such a route already. */
static int
request(struct vnet *vn, struct ifnet *ifp, const struct icmp_redirected *ir,
    struct rt_info *ri, bool *change)
{
	union {
		struct rt_msg rtm;
		uint8_t room[RT_MSG_MAX];
	} msg;
	int64_t timeout = ip_setting(&vn->vn_ip->iv_redirtimeout);
	struct prefix dst;

	*ri = (struct rt_info){
		.ri_family = AF_INET, .ri_len = 32,
		.ri_flags = RTF_DYNAMIC, .ri_ifp = ifp,
		.ri_given = RTV_METRIC | RTV_PROTO,
		.ri_proto = RTPROT_REDIRECT,
		.ri_expire_ns = kern_now(vn->vn_kern) +
		    (uint64_t)timeout * 1000000000,
	};
	ri->ri_dst.na_4 = ir->ir_dst;
	ri->ri_gw.na_4 = ir->ir_gw;
	*change = false;
	/* The interface may change tables, and the old one go. */
	pserialize_read_enter();
	ri->ri_table = rt_table_number(ifp);
	pserialize_read_exit();
	dst = rt_info_prefix(ri);
	if (rt_get(vn, ri->ri_table, &dst, RTM_GET, &msg) != 0)
		return 0;
	*change = (msg.rtm.rtm_flags & RTF_DYNAMIC) != 0;
	/* Any other route to this host is somebody's will. */
	return *change ? 0 : EEXIST;
}

static void
follow(struct vnet *vn, struct ifnet *ifp, const struct icmp_redirected *ir)
{
	char dst[INET_ADDRSTRLEN], gw[INET_ADDRSTRLEN], from[INET_ADDRSTRLEN];
	struct rt_info ri;
	bool change = false;
	int error;

	pserialize_read_enter();
	error = is_current(ifp, ir) ? 0 : ESRCH;
	pserialize_read_exit();
	if (error == 0)
		error = request(vn, ifp, ir, &ri, &change);
	if (error == 0 && !change && rt_dynamic_count(vn) >=
	    (uint64_t)ip_setting(&vn->vn_ip->iv_redirmax))
		error = ENOSPC;
	if (error == 0)
		error = change ? rt_change(vn, &ri) : rt_add(vn, &ri);
	if (error != 0 || !ip_token_take(&vn->vn_ip->iv_icmp->icv_log,
	    kern_now(vn->vn_kern), 1))
		return;
	if_klog(ifp, KLOG_INFO, "%s is reached by %s from now on, says %s",
	    inet_ntop(AF_INET, &ir->ir_dst, dst, sizeof(dst)),
	    inet_ntop(AF_INET, &ir->ir_gw, gw, sizeof(gw)),
	    inet_ntop(AF_INET, &ir->ir_from, from, sizeof(from)));
}

void
icmp_redirect_task(void *arg)
{
	struct vnet *vn = arg;
	struct icmp_vnet *icv = vn->vn_ip->iv_icmp;
	struct icmp_redirected list[ICMP_REDIRECTED];
	struct psref psref;
	struct ifnet *ifp;
	unsigned n;

	kspin_lock(&icv->icv_lock);
	n = icv->icv_nredirected;
	memcpy(list, icv->icv_redirected, n * sizeof(list[0]));
	icv->icv_nredirected = 0;
	kspin_unlock(&icv->icv_lock);
	for (unsigned i = 0; i < n; i++) {
		ifp = if_get_byhandle(vn, list[i].ir_handle, &psref);
		if (ifp == NULL)
			continue;
		follow(vn, ifp, &list[i]);
		if_put(ifp, &psref);
	}
}
