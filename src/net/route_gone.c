/*
 * Routes when what they need goes: an interface, an address.
 *
 * A route that was asked for goes on with another source where it can; else it
 * is deleted, announced and remembered, so that whoever asked for it can find
 * out.
 */

#include "net/route_impl.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kern/sysctl.h"
#include "net/if_addr_impl.h"
#include "net/if_name_impl.h"

static uint32_t
sa_addr4(const struct sockaddr *sa)
{

	return ((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr;
}

/* Route lock held: delete a route that somebody asked for, and remember it. */
static void
lose_rt(struct vnet *vn, struct rtentry *rt)
{
	struct route_vnet *rv = vn->vn_route;
	struct rt_lost *rl = &rv->rv_lost[rv->rv_nlost++ % RT_NLOST];

	rl->rl_dst = htonl(rt->rt_lpm.le_key);
	rl->rl_len = rt->rt_lpm.le_len;
	rl->rl_gw = rt->rt_gw4;
	rl->rl_ifname[0] = '\0';
	if (rt->rt_ifp != NULL)
		if_name_copy(rt->rt_ifp, rl->rl_ifname);
	rt_take_out(vn, rt);
}

uint64_t
rt_lost(struct vnet *vn, struct rt_lost list[RT_NLOST])
{
	const struct route_vnet *rv = vn->vn_route;
	uint64_t n;

	route_lock(vn);
	n = rv->rv_nlost;
	for (unsigned i = 0; i < RT_NLOST && i < n; i++)
		list[i] = rv->rv_lost[(n - 1 - i) % RT_NLOST];
	route_unlock(vn);
	return n;
}

void
rt_ifdetach(struct ifnet *ifp)
{
	struct vnet *vn = ifp->if_vnet;
	struct rtfull *rf;

	route_lock(vn);
	while ((rf = LIST_FIRST(&ifp->if_routes)) != NULL)
		if (rt_is_derived(&rf->rf_rt))
			rt_take_out(vn, &rf->rf_rt);
		else
			lose_rt(vn, &rf->rf_rt);
	route_unlock(vn);
}

void
rt_ifa_withdraw(struct ifaddr *ifa)
{
	struct vnet *vn = ifa->ifa_ifp->if_vnet;
	struct protoaddr *pa = ifa_proto(ifa);
	struct rtfull *rf, *next;
	bool late = false;

	route_lock(vn);
	for (rf = LIST_FIRST(&pa->pa_routes); rf != NULL; rf = next) {
		next = LIST_NEXT(rf, rf_ifalink);
		if (rt_is_derived(&rf->rf_rt))
			rt_take_out(vn, &rf->rf_rt);
	}
	for (int i = RT_NOWN; i-- > 0;) {
		if (pa->pa_own[i].rt_lpm.le_user & RTE_OWN_IN)
			rt_take_out(vn, &pa->pa_own[i]);
		if (pa->pa_own[i].rt_lpm.le_user & RTE_OWN_LATE)
			late = true;
	}
	route_unlock(vn);
	/* Else its removal waits for those who see them. */
	if (late)
		pserialize_perform(vn->vn_kern);
}

/* Read section: the source that a request named, as it is now: of the same
 * address, given anew or on another interface; NULL: there is none. */
static struct ifaddr *
asked_source(struct vnet *vn, const struct ifaddr *gone)
{
	struct ifaddr *ifa = ifa_ifwithaddr(vn, gone->ifa_addr);

	return ifa != NULL && sa_addr4(ifa->ifa_addr) ==
	    sa_addr4(gone->ifa_addr) ? ifa : NULL;
}

/* Route lock, read section: where a route leads that has its address no more.
 * Not 0: what it needs is gone as well. */
static int
point_without(struct vnet *vn, const struct rtentry *old, struct rtentry *rt)
{
	struct rt_info ri = { .ri_gw = old->rt_gw4 };
	int error = 0;

	if ((old->rt_lpm.le_user & RTE_IFA_ASKED) != 0) {
		ri.ri_ifa = asked_source(vn, old->rt_ifa);
		if (ri.ri_ifa == NULL)
			return EADDRNOTAVAIL;
	}
	if (ri.ri_gw != 0)
		error = rt_point_at_gateway(vn, &ri, old, rt);
	else {
		ri.ri_ifp = old->rt_ifp;
		rt_point_at_link(&ri, rt);
	}
	if (error != 0)
		return error;
	if (if_is_deactivated(rt->rt_ifp))
		return ENXIO;
	if (ri.ri_gw == 0)
		rt_ask_family(vn, rt);
	return rt->rt_ifa == old->rt_ifa ? ENETUNREACH : 0;
}

/* Route lock held: put the routes on link that name the address in front,
 * because gateways of others may be reached by them. */
static void
links_first(struct protoaddr *pa)
{
	struct rtfull *rf, *next;

	for (rf = LIST_FIRST(&pa->pa_routes); rf != NULL; rf = next) {
		next = LIST_NEXT(rf, rf_ifalink);
		if (rf->rf_rt.rt_gw4 != 0)
			continue;
		LIST_REMOVE(rf, rf_ifalink);
		LIST_INSERT_HEAD(&pa->pa_routes, rf, rf_ifalink);
	}
}

/* Route lock held: it goes on in rf, or is lost.  Was rf used? */
static bool
lead_on(struct vnet *vn, struct rtentry *old, struct rtfull *rf)
{
	struct rtentry *rt = &rf->rf_rt;
	int error;

	rt->rt_lpm.le_len = old->rt_lpm.le_len;
	rt->rt_lpm.le_key = old->rt_lpm.le_key;
	rt->rt_lpm.le_user = old->rt_lpm.le_user & RTE_IFA_ASKED;
	rt->rt_flags = old->rt_flags & RTF_ASKED;
	rf->rf_mtu = (uint16_t)rt_mtu(old);
	rf->rf_metric = rt_metric(old);
	rf->rf_proto = rt_full(old)->rf_proto;
	pserialize_read_enter();
	error = point_without(vn, old, rt);
	pserialize_read_exit();
	if (rt_is_derived(old) || error != 0) {
		lose_rt(vn, old);
		return false;
	}
	rt_derive_flags(vn, rt);
	rt_swap(vn, old, rf);
	return true;
}

/* A quarter of a second in all, for memory. */
#define LEAVE_TRIES	25
#define LEAVE_WAIT_NS	10000000u

void
rt_ifa_gone(struct ifaddr *ifa)
{
	struct vnet *vn = ifa->ifa_ifp->if_vnet;
	struct protoaddr *pa = ifa_proto(ifa);
	struct rtfull *rf, *first;
	struct rtentry *old;
	unsigned tries = 0;
	bool none;

	rt_ifa_withdraw(ifa);
	route_lock(vn);
	links_first(pa);
	route_unlock(vn);
	for (;;) {
		route_lock(vn);
		none = LIST_EMPTY(&pa->pa_routes);
		route_unlock(vn);
		if (none)
			return;
		rf = kmem_zalloc(vn->vn_kern, sizeof(*rf));
		if (rf == NULL && tries++ < LEAVE_TRIES) {
			host_sleep(vn->vn_kern->k_host, LEAVE_WAIT_NS);
			continue;
		}
		route_lock(vn);
		first = LIST_FIRST(&pa->pa_routes);
		old = first != NULL ? &first->rf_rt : NULL;
		if (old != NULL && rf == NULL)
			lose_rt(vn, old);
		else if (old != NULL && lead_on(vn, old, rf))
			rf = NULL;
		route_unlock(vn);
		if (rf != NULL) {
			rf->rf_kern = vn->vn_kern;
			rt_discard(rf);
		}
	}
}

/* --- remembered --- */

static int
lost_count(struct vnet *vn, const char *name, void *arg, struct sysctl_op *op)
{
	struct rt_lost list[RT_NLOST];

	(void)name;
	(void)arg;
	return sysctl_handle_quad_ro(op, rt_lost(vn, list));
}

/* "default via 10.0.0.254 on pair0, ...", the last one first. */
static int
lost_text(struct vnet *vn, const char *name, void *arg, struct sysctl_op *op)
{
	struct rt_lost list[RT_NLOST];
	char text[SYSCTL_STRSIZE] = "", dst[INET_ADDRSTRLEN],
	    gw[INET_ADDRSTRLEN];
	uint64_t n = rt_lost(vn, list);
	const struct rt_lost *rl;
	size_t at = 0;

	(void)name;
	(void)arg;
	for (unsigned i = 0; i < RT_NLOST && i < n; i++) {
		rl = &list[i];
		(void)inet_ntop(AF_INET, &rl->rl_dst, dst, sizeof(dst));
		(void)inet_ntop(AF_INET, &rl->rl_gw, gw, sizeof(gw));
		at += (size_t)snprintf(text + at, sizeof(text) - at,
		    "%s%s", i == 0 ? "" : ", ",
		    rl->rl_len == 0 ? "default" : dst);
		if (rl->rl_len != 0 && rl->rl_len != 32)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
			    "/%u", rl->rl_len);
		at += (size_t)snprintf(text + at, sizeof(text) - at,
		    "%s%s on %s", rl->rl_gw == 0 ? "" : " via ",
		    rl->rl_gw == 0 ? "" : gw, rl->rl_ifname);
	}
	return sysctl_handle_string_ro(op, text);
}

static const struct sysctl_node route_nodes[] = {
	{
		.sn_name = "net.route.lost",
		.sn_descr = "Routes that went with what they needed",
		.sn_handler = lost_count,
	}, {
		.sn_name = "net.route.lastlost",
		.sn_descr = "The last of these",
		.sn_handler = lost_text,
	},
};

int
rt_gone_init(struct vnet *vn)
{
	int error;

	error = sysctl_add(vn, &route_nodes[0]);
	return error != 0 ? error : sysctl_add(vn, &route_nodes[1]);
}
