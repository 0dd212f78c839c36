/*
 * ping4: IPv4's part of ping.c.
 */

#include "netinet/ip_var.h"
#include "netinet/ping.h"

static bool
ping4_usable(const struct rt_table *tb, const union neigh_addr *src)
{

	return in_source_usable(tb, src->na_4);
}

static int
ping4_send(struct rt_table *tb, struct mbuf *m, const struct ping_how *how,
    const union neigh_addr *dst, const union neigh_addr *src, uint8_t ttl)
{
	struct iphdr4 *ip = mtoip(m);
	struct icmphdr4 *icmp = (struct icmphdr4 *)(void *)(ip + 1);

	ip->ip_vhl = 0x45;
	ip->ip_src = src->na_4;
	ip->ip_dst = dst->na_4;
	if ((how->ph_flags & PING_WHOLE) != 0)
		ip->ip_off = be16(IP_DF);
	/* UDP needs no checksum (RFC 768), and without one the source need not
	 * be known yet. */
	ip->ip_p = how->ph_port != 0 ? IPPROTO_UDP : IPPROTO_ICMP;
	if (how->ph_port == 0)
		icmp->icmp_cksum = in_cksum_mbuf(m, IP_HLEN_MIN,
		    m->m_pktlen - IP_HLEN_MIN, 0);
	return ip_output(tb, m, ttl);
}

const struct ping_family ping_inet = {
	.pf_af = AF_INET,
	.pf_hlen = IP_HLEN_MIN,
	.pf_echo = ICMP4_ECHO,
	.pf_echoreply = ICMP4_ECHOREPLY,
	.pf_datamax = IP_MAXPACKET - IP_HLEN_MIN - PING_HLEN,
	.pf_usable = ping4_usable,
	.pf_send = ping4_send,
};
