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
ip_nh_mtu(const struct nexthop *nh)
{

	return pmtu_of_link(nh);
}

/*
 * Does a packet fit the MTU, as it is or in the segments it will be cut into?
 * For an offloaded packet the length of its segments counts.
 */
bool
ip_fits(const struct mbuf *m, unsigned mtu)
{
	unsigned len;

	if ((m->m_csum_flags & M_GSO_MASK) == 0)
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
    const struct nexthop *nh)
{
	uint32_t next = ip_next4(nh, ip);
	struct fwd back;

	if (nh->nh_ifp != ifp || (if_flags_get(ifp) & IFF_POINTOPOINT) != 0 ||
	    ip_setting(&ifp->if_vnet->vn_ip->iv_redirect) == 0 ||
	    ip_hlen(ip) > IP_HLEN_MIN)
		return false;
	back = rt_lookup4(rt_table_of(ifp), ip->ip_src);
	return fwd_is_connected(&back) && back.fd_nh->nh_ifp == ifp &&
	    ((next ^ ip->ip_src) & in_mask(ifatoia(back.fd_nh->nh_ifa)->
	    ia_len)) == 0;
}

void
ip_route_set(struct mbuf *m, const struct fwd *fd)
{
	uint32_t dst = mtoip(m)->ip_dst;

	m->m_nh = fd->fd_nh;
	/* Link output looks at no address to know these.  Only loopback
	 * interfaces are sent multicast and 255.255.255.255 so far
	 * (ip_output_refuse()). */
	if (fwd_is_broadcast(fd) || dst == INADDR_BROADCAST)
		m->m_flags |= M_BCAST;
	else if (in_is_multicast(dst))
		m->m_flags |= M_MCAST;
}

void
ip_send(struct mbuf *m)
{

	ip_send_mtu(m, ip_nh_mtu(m->m_nh));
}

void
ip_send_mtu(struct mbuf *m, unsigned mtu)
{
	struct ifnet *ifp = m->m_nh->nh_ifp;

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
ip_is_unforwardable(const struct fwd *fd, uint32_t dst)
{
	const struct in_special *ins;

	if (!in_maybe_special(dst) || in_special_may(fd, dst, INS_FORWARD))
		return false;
	ins = in_special(dst);
	return fd->fd_nh != NULL || (ins->ins_flags & INS_OWN) == 0;
}

/* Drop a packet that may not be forwarded along this route, and send its source
 * an ICMP error. */
static bool
ip_refuse(struct ifnet *ifp, struct mbuf *m, const struct fwd *fd)
{
	const struct iphdr4 *ip = mtoip(m);
	enum drop_reason why;

	if (ip_setting(&ifp->if_vnet->vn_ip->iv_forwarding) == 0)
		why = DROP_IP_NOFORWARD;
	else if ((m->m_flags & (M_BCAST | M_MCAST)) != 0 ||
	    !in_ordinary(ip->ip_dst) || !in_ordinary(ip->ip_src) ||
	    fwd_is_broadcast(fd))
		why = DROP_IP_CANTFORWARD;
	else if (in_is_linklocal(ip->ip_src) || in_is_linklocal(ip->ip_dst))
		why = DROP_IP_LINKLOCAL;	/* RFC 3927 7 */
	else if (ip_is_unforwardable(fd, ip->ip_dst))
		why = DROP_IP_SPECIAL;
	else if (ip->ip_ttl <= 1) {
		icmp_error(ifp, m, ICMP4_TIMXCEED, ICMP4_TIMXCEED_TTL, 0);
		why = DROP_IP_TTL;
	} else if (fd->fd_nh == NULL) {
		icmp_error(ifp, m, ICMP4_UNREACH, ICMP4_UNREACH_NET, 0);
		why = DROP_IP_NOROUTE;
	} else if ((fd->fd_nh->nh_flags & NH_BLACKHOLE) != 0)
		why = DROP_IP_BLACKHOLE;
	else if ((fd->fd_nh->nh_flags & NH_UNREACHABLE) != 0) {
		icmp_error(ifp, m, ICMP4_UNREACH, ICMP4_UNREACH_HOST, 0);
		why = DROP_IP_UNREACHABLE;
	} else if ((fd->fd_nh->nh_flags & NH_REJECT) != 0) {
		icmp_error(ifp, m, ICMP4_UNREACH, ICMP4_UNREACH_HOST, 0);
		why = DROP_IP_REJECT;
	} else if (fwd_is_local(fd) || !in_if_is_up(fd->fd_nh->nh_ifp)) {
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
ip_forward_slow(struct ifnet *ifp, struct mbuf *m, const struct fwd *fd)
{
	struct iphdr4 *ip = mtoip(m);
	unsigned mtu;

	if (ip_refuse(ifp, m, fd))
		return NULL;

	mtu = ip_nh_mtu(fd->fd_nh);
	if ((ip->ip_off & htons(IP_DF)) != 0 && !ip_fits(m, mtu)) {
		icmp_error(ifp, m, ICMP4_UNREACH, ICMP4_UNREACH_NEEDFRAG, mtu);
		m_drop(ifp, m, DROP_IP_NEEDFRAG);
		return NULL;
	}
	if (ip_wants_redirect(ifp, ip, fd->fd_nh))
		icmp_redirect(ifp, m, ip_next4(fd->fd_nh, ip));
	if (ip_hlen(ip) > IP_HLEN_MIN) {
		ip_options_stamp(rt_table_of(ifp), ip,
		    in_ownsource(fd->fd_nh->nh_ifp, ip->ip_dst));
		ip_set_cksum(ip);
	}
	ip_dec_ttl(ip);
	cpu_stat_add(&ip_stats(ifp->if_vnet)->ips_forward, 1);
	if_stat_add(ifp, IF_STAT_FORWARDED, 1);
	ip_route_set(m, fd);
	return m;
}
