/*
 * ip_forward: forwarding of packets that are not plain: with options, an
 * expiring time to live, too large, without a route, to the interface they came
 * from, or with offload state that the output interface cannot carry.  Plain
 * packets are forwarded by ip_input_vec().
 */

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/ip_var.h"

unsigned
ip_rt_mtu(const struct rtentry *rt)
{
	uint32_t mtu = rt_mtu(rt);

	return mtu != 0 ? mtu : rt->rt_ifp->if_mtu;
}

/*
 * Does a packet fit the MTU, as it is or in the segments it will be cut into?
 * For an offloaded packet the length of its segments counts.
 */
bool
ip_fits(const struct mbuf *m, unsigned mtu)
{
	unsigned len;

	if ((m->m_csum_flags & (M_TSO4 | M_USO)) == 0)
		return m->m_pktlen <= mtu;
	len = ip_segment_len(m);
	return len != 0 && len <= mtu;
}

/*
 * Should the source send to the next hop itself?  Yes, when both are on one
 * network of the interface that the packet came by and leaves by (RFC 1812
 * 5.2.7.2): a host takes no other next hop.
 */
static bool
ip_wants_redirect(struct ifnet *ifp, const struct iphdr4 *ip,
    const struct rtentry *rt)
{
	uint32_t next = rt->rt_gw4 != 0 ? rt->rt_gw4 : ip->ip_dst;
	const struct rtentry *back;

	if (rt->rt_ifp != ifp || (if_flags_get(ifp) & IFF_POINTOPOINT) != 0 ||
	    ip_setting(&ifp->if_vnet->vn_ip->iv_redirect) == 0 ||
	    ip_hlen(ip) > IP_HLEN_MIN)
		return false;
	back = rt_lookup4(ifp->if_vnet, ip->ip_src);
	return back != NULL && back->rt_ifp == ifp &&
	    (back->rt_flags & RTF_CONNECTED) != 0 &&
	    ((next ^ ip->ip_src) & in_mask(back->rt_lpm.le_len)) == 0;
}

void
ip_route_set(struct mbuf *m, const struct rtentry *rt)
{

	m->m_rt = rt;
	if ((rt->rt_flags & RTF_BROADCAST) != 0)
		m->m_flags |= M_BCAST;
	m->m_nexthop = rt->rt_gw4 != 0 ? rt->rt_gw4 : mtoip(m)->ip_dst;
}

void
ip_send(struct mbuf *m)
{
	struct ifnet *ifp = m->m_rt->rt_ifp;
	unsigned mtu = ip_rt_mtu(m->m_rt);

	if (!ip_fits(m, mtu))
		ip_fragment_output(ifp, m, mtu);
	else if (!ip_leaves_whole(m, ifp, mtu))
		ip_offload_output(ifp, m);
	else
		ip_out_one(ifp, m);
}

/* A special-purpose destination that no router passes on.  An address for
 * documentation counts as any other without a route. */
static bool
ip_is_unforwardable(const struct rtentry *rt, uint32_t dst)
{
	const struct in_special *ins;

	if (!in_maybe_special(dst) || in_special_may(rt, dst, INS_FORWARD))
		return false;
	ins = in_special(dst);
	return rt != NULL || (ins->ins_flags & INS_OWN) == 0;
}

/* Drop a packet that may not be forwarded along this route, and send its source
 * an ICMP error. */
static bool
ip_refuse(struct ifnet *ifp, struct mbuf *m, const struct rtentry *rt)
{
	const struct iphdr4 *ip = mtoip(m);
	enum drop_reason why;

	if (ip_setting(&ifp->if_vnet->vn_ip->iv_forwarding) == 0)
		why = DROP_IP_NOFORWARD;
	else if ((m->m_flags & (M_BCAST | M_MCAST)) != 0 ||
	    !in_ordinary(ip->ip_dst) || !in_ordinary(ip->ip_src) ||
	    (rt != NULL && (rt->rt_flags & RTF_BROADCAST) != 0))
		why = DROP_IP_CANTFORWARD;
	else if (in_is_linklocal(ip->ip_src) || in_is_linklocal(ip->ip_dst))
		why = DROP_IP_LINKLOCAL;	/* RFC 3927 7 */
	else if (ip_is_unforwardable(rt, ip->ip_dst))
		why = DROP_IP_SPECIAL;
	else if (ip->ip_ttl <= 1) {
		icmp_error(ifp, m, ICMP4_TIMXCEED, ICMP4_TIMXCEED_TTL, 0);
		why = DROP_IP_TTL;
	} else if (rt == NULL) {
		icmp_error(ifp, m, ICMP4_UNREACH, ICMP4_UNREACH_NET, 0);
		why = DROP_IP_NOROUTE;
	} else if ((rt->rt_flags & RTF_BLACKHOLE) != 0)
		why = DROP_IP_BLACKHOLE;
	else if ((rt->rt_flags & RTF_REJECT) != 0) {
		icmp_error(ifp, m, ICMP4_UNREACH, ICMP4_UNREACH_HOST, 0);
		why = DROP_IP_REJECT;
	} else if ((rt->rt_flags & RTF_LOCAL) != 0 ||
	    !in_if_is_up(rt->rt_ifp)) {
		/* A packet for a local address comes here when the address's
		 * interface is down. */
		icmp_error(ifp, m, ICMP4_UNREACH, ICMP4_UNREACH_HOST, 0);
		why = DROP_IP_IFDOWN;
	} else
		return false;
	m_drop(ifp, m, why);
	return true;
}

struct mbuf *
ip_forward_slow(struct ifnet *ifp, struct mbuf *m, const struct rtentry *rt)
{
	struct iphdr4 *ip = mtoip(m);
	unsigned mtu;

	if (ip_refuse(ifp, m, rt))
		return NULL;

	mtu = ip_rt_mtu(rt);
	if ((ip->ip_off & htons(IP_DF)) != 0 && !ip_fits(m, mtu)) {
		icmp_error(ifp, m, ICMP4_UNREACH, ICMP4_UNREACH_NEEDFRAG, mtu);
		m_drop(ifp, m, DROP_IP_NEEDFRAG);
		return NULL;
	}
	if (ip_wants_redirect(ifp, ip, rt))
		icmp_redirect(ifp, m, rt->rt_gw4 != 0 ? rt->rt_gw4 :
		    ip->ip_dst);
	if (ip_hlen(ip) > IP_HLEN_MIN) {
		ip_options_stamp(ifp->if_vnet, ip,
		    in_ownsource(rt->rt_ifp, ip->ip_dst));
		ip_set_cksum(ip);
	}
	ip_dec_ttl(ip);
	cpu_stat_add(&ip_stats(ifp->if_vnet)->ips_forward, 1);
	if_stat_add(ifp, IF_STAT_FORWARDED, 1);
	ip_route_set(m, rt);
	return m;
}
