/*
 * ip_local: packets for this host, as they come out of their queue (ip_ifq.h).
 */

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/ip_var.h"

/*
 * Is the transport checksum right (RFC 768, RFC 9293 3.1)?  A driver may have
 * verified it already; and a packet whose checksum is still to be computed
 * (M_CSUM_PARTIAL) never left this machine.
 */
static bool
ip_transport_ok(const struct mbuf *m)
{
	const struct iphdr4 *ip = mtoip(m);
	unsigned hlen = ip_hlen(ip), len = m->m_pktlen - hlen;
	uint16_t uh[4];

	if ((m->m_csum_flags & (M_CSUM_VALID | M_CSUM_PARTIAL)) != 0)
		return true;
	if (ip->ip_p == IPPROTO_UDP) {
		if (!m_copydata(m, hlen, sizeof(uh), uh) ||
		    be16(uh[2]) < sizeof(uh) || be16(uh[2]) > len)
			return false;
		if (uh[3] == 0)
			return true;	/* sent without */
		len = be16(uh[2]);
	}
	return in_cksum_mbuf(m, hlen, len, in_cksum_pseudo(ip->ip_src,
	    ip->ip_dst, ip->ip_p, len)) == 0;
}

/* Hand a complete packet for this host to its protocol. */
static void
ip_deliver(struct ifnet *ifp, struct mbuf *m)
{
	const struct iphdr4 *ip = mtoip(m);

	if ((ip->ip_p == IPPROTO_TCP || ip->ip_p == IPPROTO_UDP) &&
	    !ip_transport_ok(m)) {
		m_drop(ifp, m, DROP_L4_CSUM);
		return;
	}
	cpu_stat_add(&ip_stats(ifp->if_vnet)->ips_delivered, 1);
	switch (ip->ip_p) {
	case IPPROTO_ICMP:
		icmp_input(ifp, m);
		break;
	case IPPROTO_IGMP:
		igmp_input(ifp, m);
		break;
	case IPPROTO_UDP:
		icmp_error(ifp, m, ICMP4_UNREACH, ICMP4_UNREACH_PORT, 0);
		m_drop(ifp, m, DROP_IP_PORTUNREACH);
		break;
	default:
		icmp_error(ifp, m, ICMP4_UNREACH, ICMP4_UNREACH_PROTO, 0);
		m_drop(ifp, m, DROP_IP_PROTOUNREACH);
		break;
	}
}

/* A packet from the queue. */
static void
ip_local(struct ifnet *ifp, struct mbuf *m)
{

	if ((mtoip(m)->ip_off & htons(IP_MF | IP_OFFMASK)) != 0) {
		m = ip_reass(ifp, m);
		if (m == NULL)
			return;
	}
	ip_deliver(ifp, m);
}

void
ip_local_input(struct ifnet *ifp, struct mbuf *m)
{

	ip_ifq_enqueue(&ifp->if_vnet->vn_ip->iv_ifq, ifp, m);
}

int
ip_local_init(struct vnet *vn)
{

	return ip_ifq_init(vn, &vn->vn_ip->iv_ifq, "ip", ip_local);
}
