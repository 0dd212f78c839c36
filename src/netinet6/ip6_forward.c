/*
 * ip6_forward: forwarding of packets that are not plain: with hop-by-hop
 * options, an expiring hop limit, too large, without a route, to the interface
 * they came from, with an address of one link, or with offload state that the
 * output interface cannot carry.  Plain packets are forwarded by
 * ip6_input_vec().
 */

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet6/ip6_var.h"

/* An address that no router passes on, on whatever link. */
static bool
ip6_is_unforwardable(const struct ip6_addrs *ia)
{

	return ip6_is_unspecified(&ia->ia_src) ||
	    ip6_is_loopback(&ia->ia_src) || ip6_is_loopback(&ia->ia_dst) ||
	    zone6_is_multicast(ia->ia_dst.na_bytes);
}

/* Drop a packet that nothing is known about but that it cannot go there, and
 * tell its source. */
static bool
ip6_unreachable(struct ifnet *ifp, struct mbuf *m, uint8_t code,
    enum drop_reason why)
{

	icmp6_error(ifp, m, ICMP6H_UNREACH, code, 0);
	m_drop(ifp, m, why);
	return true;
}

/* Would a packet leave the zone of one of its addresses (RFC 4007 9)? */
static bool
ip6_leaves_zone(const struct ip6_addrs *ia, const struct nexthop *nh)
{
	uint32_t src = zone6_of(ia->ia_src.na_bytes);
	uint32_t dst = zone6_of(ia->ia_dst.na_bytes);

	return (src != 0 && src != nh->nh_ifp->if_index) ||
	    (dst != 0 && dst != nh->nh_ifp->if_index);
}

/* Drop a packet that may not be forwarded along this route, and send its source
 * an ICMPv6 error.  false: it may. */
static bool
ip6_refuse(struct ifnet *ifp, struct mbuf *m, const struct ip6_addrs *ia,
    const struct fwd *fd)
{
	const struct nexthop *nh = fd->fd_nh;

	if (ip_setting(&ifp->if_vnet->vn_ip6->i6_forwarding) == 0) {
		m_drop(ifp, m, DROP_IP6_NOFORWARD);
		return true;
	}
	if ((m->m_flags & (M_BCAST | M_MCAST)) != 0 ||
	    ip6_is_unforwardable(ia)) {
		m_drop(ifp, m, DROP_IP6_CANTFORWARD);
		return true;
	}
	if (mtoip6(m)->ip6_hlim <= 1) {
		icmp6_error(ifp, m, ICMP6H_TIMXCEED, ICMP6H_TIMXCEED_HLIM, 0);
		m_drop(ifp, m, DROP_IP6_HLIM);
		return true;
	}
	if (nh == NULL)
		return ip6_unreachable(ifp, m, ICMP6H_UNREACH_NOROUTE,
		    DROP_IP6_NOROUTE);
	if ((nh->nh_flags & NH_BLACKHOLE) != 0) {
		m_drop(ifp, m, DROP_IP6_BLACKHOLE);
		return true;
	}
	if ((nh->nh_flags & NH_UNREACHABLE) != 0)
		return ip6_unreachable(ifp, m, ICMP6H_UNREACH_ADDR,
		    DROP_IP6_UNREACHABLE);
	if ((nh->nh_flags & NH_REJECT) != 0)
		return ip6_unreachable(ifp, m, ICMP6H_UNREACH_REJECT,
		    DROP_IP6_REJECT);
	/* A packet for a local address comes here when the address's interface
	 * is down. */
	if (fwd_is_local(fd) || !in_if_is_up(nh->nh_ifp))
		return ip6_unreachable(ifp, m, ICMP6H_UNREACH_ADDR,
		    DROP_IP6_IFDOWN);
	if (ip6_leaves_zone(ia, nh))
		return ip6_unreachable(ifp, m, ICMP6H_UNREACH_SCOPE,
		    DROP_IP6_SCOPE);
	return false;
}

struct mbuf *
ip6_forward_slow(struct ifnet *ifp, struct mbuf *m, const struct ip6_addrs *ia,
    const struct fwd *fd)
{
	unsigned mtu;

	if (ip6_refuse(ifp, m, ia, fd))
		return NULL;
	mtu = ip_nh_mtu(fd->fd_nh);
	if (!ip_fits(m, mtu)) {
		icmp6_error(ifp, m, ICMP6H_TOOBIG, 0, mtu);
		m_drop(ifp, m, DROP_IP6_TOOBIG);
		return NULL;
	}
	mtoip6(m)->ip6_hlim--;
	cpu_stat_add(&ip6_stats(ifp->if_vnet)->ip6s_forward, 1);
	if_stat_add(ifp, IF_STAT_FORWARDED, 1);
	m->m_nh = fd->fd_nh;
	return m;
}
