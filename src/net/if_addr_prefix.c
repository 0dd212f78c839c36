/*
 * The prefixes that an address stands for: itself, what it is on the link of,
 * its broadcast address.
 */

#include "net/if_addr_impl.h"

#include <arpa/inet.h>

#include "net/route.h"

struct prefix
prefix_of_sa(const struct sockaddr *sa)
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)sa;
	union neigh_addr na;

	if (sa->sa_family == AF_INET)
		return prefix_of4(ntohl(sin->sin_addr.s_addr), PREFIX_BITS4);
	(void)zone6_from_sa((const struct sockaddr_in6 *)sa, &na);
	return prefix_of6(&na, PREFIX_BITS6);
}

bool
ifa_link_prefix(const struct ifaddr *ifa, struct prefix *pf)
{
	uint32_t flags = if_flags_get(ifa->ifa_ifp);
	const struct prefix own = prefix_of_sa(ifa->ifa_addr);

	if ((flags & IFF_LOOPBACK) != 0)
		return false;
	if ((flags & IFF_POINTOPOINT) != 0 && ifa->ifa_dstaddr != NULL) {
		*pf = prefix_of_sa(ifa->ifa_dstaddr);
		return !prefix_is(pf, &own);
	}
	*pf = pa_prefix(ifa_proto(ifa));
	return pf->pf_len < own.pf_len;
}

bool
ifa_broadcast_prefix(const struct ifaddr *ifa, struct prefix *pf)
{

	if (ifa->ifa_dstaddr == NULL || (if_flags_get(ifa->ifa_ifp) &
	    (IFF_LOOPBACK | IFF_BROADCAST)) != IFF_BROADCAST)
		return false;
	*pf = prefix_of_sa(ifa->ifa_dstaddr);
	return true;
}

struct prefix
rt_own_prefix(const struct rtentry *rt)
{
	const struct ifaddr *ifa = rt->rt_ownifa;
	struct prefix pf;

	if (rt->rt_own == RT_OWN_NET && ifa_link_prefix(ifa, &pf))
		return pf;
	return prefix_of_sa(rt->rt_own == RT_OWN_BROADCAST ?
	    ifa->ifa_dstaddr : ifa->ifa_addr);
}
