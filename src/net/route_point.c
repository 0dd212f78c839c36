/*
 * Pointing a route: to a gateway, out of an interface, or nowhere; and the
 * flags and the source that follow from that.
 */

#include "net/route_impl.h"

#include <errno.h>

#include "net/if_addr_impl.h"

void
rt_set_ifa(struct rtentry *rt, struct ifaddr *ifa)
{

	if (ifa == NULL)
		return;
	if (!rt_is_own(rt))
		ifa_ref(ifa);
	rt->rt_ifa = ifa;
}

/*
 * The gateway must be a neighbour: on a prefix that is on link, and neither one
 * of our own addresses nor the prefix's first or last one (EINVAL).  Its route
 * gives interface and source.
 */
int
rt_point_at_gateway(struct vnet *vn, const struct rt_info *ri,
    const struct rtentry *self, struct rtentry *rt)
{
	const struct rtentry *via = rt_lookup4(vn, ri->ri_gw);

	if (via == NULL || via == self)
		return kern_refuse(ENETUNREACH, "the gateway is not on a "
		    "network of any interface");
	if (via->rt_flags & (RTF_LOCAL | RTF_BROADCAST))
		return kern_refuse(EINVAL, "the gateway is %s",
		    via->rt_flags & RTF_LOCAL ? "an address of our own" :
		    "a broadcast address");
	if ((via->rt_flags & RTF_CONNECTED) != 0 && via->rt_lpm.le_len < 31 &&
	    via->rt_lpm.le_key == ntohl(ri->ri_gw))
		return kern_refuse(EINVAL, "the gateway is the address of a "
		    "network, which no host has");
	if (via->rt_gw4 != 0 || (via->rt_flags & RTF_NOWHERE) != 0 ||
	    via->rt_ifp == NULL)
		return kern_refuse(ENETUNREACH, "the gateway is not on a "
		    "network of any interface, but behind another gateway");
	if (ri->ri_ifp != NULL && ri->ri_ifp != via->rt_ifp)
		return kern_refuse(ENETUNREACH, "the gateway is on a network "
		    "of %s, not of %s", via->rt_ifp->if_xname,
		    ri->ri_ifp->if_xname);
	rt->rt_gw4 = ri->ri_gw;
	rt->rt_ifp = via->rt_ifp;
	rt_set_ifa(rt, ri->ri_ifa != NULL ? ri->ri_ifa : via->rt_ifa);
	return 0;
}

/* On link: the source is the interface's best address for the destination. */
void
rt_point_at_link(const struct rt_info *ri, struct rtentry *rt)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(rt->rt_lpm.le_key),
	};

	rt->rt_ifp = ri->ri_ifp;
	if (ri->ri_ifa != NULL) {
		rt_set_ifa(rt, ri->ri_ifa);
		return;
	}
	pserialize_read_enter();
	rt_set_ifa(rt, ifaof_ifpforaddr((const struct sockaddr *)&sin,
	    ri->ri_ifp));
	pserialize_read_exit();
}

/* The family has its say: it may lead a local route to another interface. */
void
rt_ask_family(struct vnet *vn, struct rtentry *rt)
{
	const struct domain *dom;

	if (rt->rt_ifa == NULL)
		return;
	dom = domain_find(vn, rt->rt_ifa->ifa_addr->sa_family);
	if (dom != NULL && dom->dom_rtrequest != NULL)
		dom->dom_rtrequest(rt, rt->rt_ifa);
}

int
rt_point(struct vnet *vn, const struct rt_info *ri, const struct rtentry *self,
    struct rtentry *rt)
{
	int error = 0;

	if (rt->rt_flags & RTF_NOWHERE)
		rt->rt_ifp = ri->ri_ifp;
	else if (ri->ri_gw != 0)
		error = rt_point_at_gateway(vn, ri, self, rt);
	else if (ri->ri_ifp != NULL) {
		rt_point_at_link(ri, rt);
		rt_ask_family(vn, rt);
	} else
		error = kern_refuse(EINVAL, "neither a gateway nor an "
		    "interface is named");
	if (error != 0)
		return error;
	/*
	 * An interface deletes its routes after it was deactivated, under the
	 * lock that is held now: later than that none may come.
	 */
	if (rt->rt_ifp != NULL && if_is_deactivated(rt->rt_ifp))
		return kern_refuse(ENXIO, "%s is being destroyed",
		    rt->rt_ifp->if_xname);
	return 0;
}

void
rt_derive_flags(struct vnet *vn, struct rtentry *rt)
{
	const struct domain *dom = domain_find(vn, AF_INET);

	if (dom != NULL && dom->dom_rtmark != NULL)
		dom->dom_rtmark(rt);
	rt->rt_flags |= RTF_UP;
	if (rt->rt_lpm.le_len == 32)
		rt->rt_flags |= RTF_HOST;
	if (rt->rt_gw4 != 0)
		rt->rt_flags |= RTF_GATEWAY;
}
