/*
 * Routes when what they need goes: an interface, an address.
 *
 * A route that was asked for stays, and goes on with another way or another
 * source where it can.  Only what names an interface goes with that: deleted,
 * announced and remembered, so that whoever asked for it can find out.
 */

#include "net/route_impl.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kern/sysctl.h"
#include "net/if_name_impl.h"

/* Without memory it is only counted. */
static void
remember(struct vnet *vn, const struct rtentry *rt)
{
	struct route_vnet *rv = vn->vn_route;
	const union neigh_addr *gw;
	const struct ifnet *ifp;
	struct rt_lost *rl;

	rv->rv_nlost++;
	if (rv->rv_lost == NULL)
		rv->rv_lost = kmem_zalloc(vn->vn_kern, RT_NLOST * sizeof(*rl));
	if (rv->rv_lost == NULL)
		return;
	rl = &rv->rv_lost[rv->rv_nlisted++ % RT_NLOST];
	rl->rl_table = rt_tableof(rt)->tb_number;
	rl->rl_dst = rt_prefix(rt);
	gw = rt_asked_gw(rt);
	rl->rl_gw = gw != NULL ? *gw : (union neigh_addr){ { 0 } };
	rl->rl_ifname[0] = '\0';
	ifp = rt->rt_path->rp_spec.sp_ifp;
	if (ifp != NULL)
		if_name_copy(ifp, rl->rl_ifname);
}

void
rt_lose(struct vnet *vn, struct rtentry *rt)
{

	remember(vn, rt);
	rt_take_out(vn, rt);
}

uint64_t
rt_lost(struct vnet *vn, struct rt_lost list[RT_NLOST], unsigned *n)
{
	const struct route_vnet *rv = vn->vn_route;
	uint64_t lost;

	route_lock(vn);
	lost = rv->rv_nlost;
	*n = rv->rv_nlisted < RT_NLOST ? (unsigned)rv->rv_nlisted : RT_NLOST;
	for (unsigned i = 0; i < *n; i++)
		list[i] = rv->rv_lost[(rv->rv_nlisted - 1 - i) % RT_NLOST];
	route_unlock(vn);
	return lost;
}

void
rt_ifdetach(struct ifnet *ifp)
{
	struct vnet *vn = ifp->if_vnet;

	route_lock(vn);
	rt_paths_leave_if(vn, ifp);
	route_unlock(vn);
}

/* The route that a change has put in the place of an address's own; NULL: there
 * is none. */
static struct rtentry *
changed_own(const struct rtentry *own)
{
	struct rtentry *rt;
	struct prefix pf;

	if (own->rt_ownifa == NULL)	/* it never had one */
		return NULL;
	pf = rt_prefix(own);
	rt = rt_table_find(rt_tableof(own), &pf);
	return rt != NULL && !rt_is_own(rt) && (rt->rt_flags &
	    RTF_OF_ADDRESS) != 0 && rt_ifp(rt) == own->rt_ownifa->ifa_ifp ?
	    rt : NULL;
}

void
rt_ifa_withdraw(struct ifaddr *ifa)
{
	struct vnet *vn = ifa->ifa_ifp->if_vnet;
	struct protoaddr *pa = ifa_proto(ifa);
	struct rtentry *rt;
	bool late;

	route_lock(vn);
	for (int i = RT_NOWN; i-- > 0;) {
		rt = &pa->pa_own[i];
		if ((rt->rt_user & RTE_IN) == 0)
			rt = changed_own(rt);
		if (rt != NULL)
			rt_take_out(vn, rt);
	}
	late = pa->pa_late != 0;
	route_unlock(vn);
	/* Else its removal waits for those who found its next hop. */
	if (late)
		pserialize_perform(vn->vn_kern);
}

void
rt_ifa_gone(struct ifaddr *ifa)
{
	struct vnet *vn = ifa->ifa_ifp->if_vnet;

	rt_ifa_withdraw(ifa);
	route_lock(vn);
	rt_paths_leave_ifa(vn, ifa);
	route_unlock(vn);
}

/* Control: the task. */
static void
look(void *arg)
{
	struct vnet *vn = arg;

	route_lock(vn);
	rt_paths_look(vn);
	route_unlock(vn);
}

void
rt_if_state(struct ifnet *ifp)
{
	struct vnet *vn = ifp->if_vnet;

	if (__atomic_load_n(&vn->vn_route->rv_nsharing, __ATOMIC_RELAXED) !=
	    0)
		ktask_schedule(vn->vn_kern, &vn->vn_route->rv_task);
}

/* --- remembered --- */

static int
lost_count(struct vnet *vn, const char *name, void *arg, struct sysctl_op *op)
{
	struct rt_lost list[RT_NLOST];
	unsigned n;

	(void)name;
	(void)arg;
	return sysctl_handle_quad_ro(op, rt_lost(vn, list, &n));
}

#define ADDR_TEXT	(INET6_ADDRSTRLEN + IFNAMSIZ)

/* "10.0.0.254"; one with a zone is on the interface of the route. */
static void
addr_text(const struct rt_lost *rl, const union neigh_addr *na,
    char text[ADDR_TEXT])
{
	union neigh_addr out = *na;
	bool has_zone = rl->rl_dst.pf_family == AF_INET6 &&
	    zone6_of(na->na_bytes) != 0;

	if (has_zone)
		zone6_leave(out.na_bytes);
	(void)inet_ntop(rl->rl_dst.pf_family, &out, text, INET6_ADDRSTRLEN);
	if (has_zone)
		(void)snprintf(text + strlen(text), IFNAMSIZ + 1, "%%%s",
		    rl->rl_ifname);
}

/* "default via 10.0.0.254 on pair0" */
static void
lost_route(const struct rt_lost *rl, char *text, size_t size)
{
	const union neigh_addr addr = rt_prefix_addr(&rl->rl_dst);
	const struct prefix *pf = &rl->rl_dst;
	char dst[ADDR_TEXT], gw[ADDR_TEXT], len[8] = "", table[24] = "";
	bool has_gw = neigh_addr_is_set(&rl->rl_gw);

	addr_text(rl, &addr, dst);
	addr_text(rl, &rl->rl_gw, gw);
	if (pf->pf_len != 0 && pf->pf_len != prefix_bits(pf))
		(void)snprintf(len, sizeof(len), "/%u", pf->pf_len);
	if (rl->rl_table != 0)
		(void)snprintf(table, sizeof(table), " in table %u",
		    rl->rl_table);
	(void)snprintf(text, size, "%s%s%s%s on %s%s",
	    pf->pf_len == 0 ? "default" : dst, len, has_gw ? " via " : "",
	    has_gw ? gw : "", rl->rl_ifname, table);
}

/* Several of them with commas, the last one first. */
static int
lost_text(struct vnet *vn, const char *name, void *arg, struct sysctl_op *op)
{
	struct rt_lost list[RT_NLOST];
	char text[SYSCTL_STRSIZE] = "", one[256];
	size_t at = 0;
	unsigned n;

	(void)name;
	(void)arg;
	(void)rt_lost(vn, list, &n);
	/* As many as there is room for. */
	for (unsigned i = 0; i < n; i++) {
		lost_route(&list[i], one, sizeof(one));
		if (at + strlen(one) + sizeof(", ") > sizeof(text))
			break;
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s",
		    i == 0 ? "" : ", ", one);
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
	if (error != 0)
		return error;
	vn->vn_route->rv_task.kt_fn = look;
	vn->vn_route->rv_task.kt_arg = vn;
	return sysctl_add(vn, &route_nodes[1]);
}

void
rt_gone_fini(struct vnet *vn)
{

	kmem_free(vn->vn_kern, vn->vn_route->rv_lost);
}
