/*
 * ip6_output: IPv6 packets that originate here.
 */

#include <errno.h>

#include "kern/siphash.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet6/ip6_var.h"

void
ip6_send(struct mbuf *m)
{

	ip6_send_mtu(m, ip_nh_mtu(m->m_nh));
}

void
ip6_send_mtu(struct mbuf *m, unsigned mtu)
{
	struct ifnet *ifp = m->m_nh->nh_ifp;

	if (!ip_fits(m, mtu)) {
		ip6_fragment_output(ifp, m, mtu);
		return;
	}
	if (ip_leaves_whole(m, ifp, mtu)) {
		ip_out_af(ifp, AF_INET6, m);
		return;
	}
	if ((m->m_csum_flags & M_GSO_MASK & ~ifp->if_csum_tx) != 0)
		cpu_stat_add(&ip6_stats(ifp->if_vnet)->ip6s_segmented, 1);
	ip_offload_output(ifp, m);
}

/*
 * Send a packet to a local address of a table: out and in through lo0, so that
 * it is captured and counted there.  The address's own interface receives it
 * where lo0 would not do: it is not there or in another table, or one of the
 * addresses means something on that interface alone.
 */
static int
ip6_loopback(struct rt_table *tb, struct mbuf *m, const struct nexthop *nh)
{
	const struct iphdr6 *ip6 = mtoip6(m);
	struct ifnet *lo, *ifp = nh->nh_ifp;

	lo = (if_flags_get(ifp) & IFF_LOOPBACK) != 0 ? ifp :
	    zone6_is_scoped(ip6->ip6_src) || zone6_is_scoped(ip6->ip6_dst) ?
	    NULL : ifunit(tb->tb_vnet, "lo0");
	if (lo != NULL && rt_table_of(lo) != tb)
		lo = NULL;
	if (lo != NULL && (if_flags_get(lo) & (IFF_LOOPBACK | IFF_UP)) ==
	    (IFF_LOOPBACK | IFF_UP)) {
		m->m_nh = nh;
		ip_out_af(lo, AF_INET6, m);
		return 0;
	}
	m->m_flags = (m->m_flags & ~M_LOCAL) | M_LOOP;
	m->m_rcvif = ifp->if_handle;
	m->m_ptr = NULL;
	if_stat_add(ifp, IF_STAT_IPACKETS, 1);
	if_stat_add(ifp, IF_STAT_IBYTES, m->m_pktlen);
	ip6_local_input(ifp, m);
	return 0;
}

/* The errno and drop reason if a packet cannot take a route; 0: it can. */
static int
ip6_output_refuse(const struct fwd *fd, const union neigh_addr *dst,
    enum drop_reason *why)
{
	const struct nexthop *nh = fd->fd_nh;

	if (nh == NULL) {
		*why = DROP_IP6_NOROUTE;
		return ENETUNREACH;
	}
	if ((nh->nh_flags & NH_BLACKHOLE) != 0) {
		*why = DROP_IP6_BLACKHOLE;
		return ENETUNREACH;
	}
	if ((nh->nh_flags & (NH_REJECT | NH_UNREACHABLE)) != 0) {
		*why = (nh->nh_flags & NH_REJECT) != 0 ? DROP_IP6_REJECT :
		    DROP_IP6_UNREACHABLE;
		return EHOSTUNREACH;
	}
	if (!in_if_is_up(nh->nh_ifp)) {
		*why = DROP_IP6_IFDOWN;
		return ENETDOWN;
	}
	/* These are never sent to a link, even with a default route. */
	if (!fwd_is_local(fd) && (ip6_is_unspecified(dst) ||
	    ip6_is_v4mapped(dst) || (ip6_is_loopback(dst) &&
	    (if_flags_get(nh->nh_ifp) & IFF_LOOPBACK) == 0))) {
		*why = DROP_IP6_DST;
		return ENETUNREACH;
	}
	return 0;
}

/* The interface of a zone, if it may be used in the table. */
static struct ifnet *
ip6_zone_if(const struct rt_table *tb, uint32_t zone)
{
	struct ifnet *ifp = zone != 0 ? if_byindex(tb->tb_vnet, zone) : NULL;

	return ifp != NULL && rt_table_of(ifp) == tb ? ifp : NULL;
}

/*
 * How a packet goes.  Groups and destinations on a link that is named need no
 * route: the next hop is the CPU's own, for one packet.
 */
static struct fwd
ip6_output_route(struct rt_table *tb, const struct mbuf *m,
    const union neigh_addr *dst, struct ifnet *ifp)
{
	struct nexthop *nh = &ip6_cpu(tb->tb_vnet)->i6_onlink;
	const struct ip_rules *rules = rules_of(tb->tb_vnet);
	struct fwd fd;

	if (ifp == NULL && zone6_is_multicast(dst->na_bytes))
		ifp = ip6_zone_if(tb, zone6_of(dst->na_bytes));
	if (ifp == NULL) {
		fd = ip6_lookup(tb, mtoip6(m), dst);
		if (__builtin_expect(rules != NULL, 0))
			fd = ip6_rules_apply(rules, NULL, mtoip6(m), m->m_mark,
			    tb->tb_vnet, fd);
		return fd;
	}
	*nh = (struct nexthop){ .nh_ifp = ifp, .nh_family = AF_INET6 };
	return (struct fwd){ nh, FWD_OTHER };
}

/* Read section: may a packet have this source, where it goes as fd says? */
static bool
ip6_source_usable(const struct rt_table *tb, const union neigh_addr *src)
{
	struct fwd fd = rt_lookup6(tb, src->na_bytes);

	return in6_local_usable(&fd);
}

/* Find the source of a packet whose next hop is known, or check it.  0 or
 * errno. */
static int
ip6_output_source(const struct rt_table *tb, const struct fwd *fd,
    struct ip6_addrs *ia, enum drop_reason *why)
{
	struct ifnet *ifp = fd->fd_nh->nh_ifp;
	uint32_t zone;

	*why = DROP_IP6_SRC;
	if (ip6_is_unspecified(&ia->ia_src)) {
		if (fwd_is_local(fd))
			ia->ia_src = ia->ia_dst;
		else if (!in6_source(ifp, &ia->ia_dst, &ia->ia_src))
			return EADDRNOTAVAIL;
	}
	/* ::1 leaves no host (RFC 4291 2.5.3). */
	if (!ip6_source_usable(tb, &ia->ia_src) || (!fwd_is_local(fd) &&
	    ip6_is_loopback(&ia->ia_src) &&
	    (if_flags_get(ifp) & IFF_LOOPBACK) == 0))
		return EADDRNOTAVAIL;
	zone = zone6_of(ia->ia_src.na_bytes);
	if (zone != 0 && zone != ifp->if_index) {
		*why = DROP_IP6_SCOPE;
		return EHOSTUNREACH;
	}
	return 0;
}

/* Compute the checksum of an ICMPv6 message or UDP packet. */
static void
ip6_output_cksum(struct mbuf *m)
{
	struct iphdr6 *ip6 = mtoip6(m);
	struct ip6_at at = ip6_at_first(0, ip6->ip6_nxt);
	unsigned len, place;
	uint16_t sum = 0;

	if (at.at_nxt == IPPROTO_HOPOPTS && !ip6_at_skip(m, &at))
		return;
	if (at.at_nxt == IPPROTO_ICMPV6)
		place = offsetof(struct icmphdr6, icmp6_cksum);
	else if (at.at_nxt == IPPROTO_UDP)
		place = 6;	/* RFC 768 */
	else
		return;
	if (at.at_off + ICMP6_HLEN > m->m_len)
		return;
	place += at.at_off;
	len = m->m_pktlen - at.at_off;
	memcpy(m->m_data + place, &sum, sizeof(sum));
	sum = in_cksum_mbuf(m, at.at_off, len, in6_cksum_pseudo(ip6->ip6_src,
	    at.at_nxt, len));
	if (sum == 0)
		sum = 0xffff;	/* RFC 8200 8.1; the same to ICMPv6 */
	memcpy(m->m_data + place, &sum, sizeof(sum));
}

/*
 * The label of a packet's flow (RFC 6437 3): addresses, protocol and ports give
 * one that nobody outside can tell.  Packets that stay on their link meet
 * nobody who looks at it, and have none.
 */
static uint32_t
ip6_output_label(const struct ip6_vnet *i6, const struct mbuf *m)
{
	const struct siphash_key key = { { i6->i6_secret, ~i6->i6_secret } };
	const struct iphdr6 *ip6 = mtoip6(m);
	uint64_t word[5] = { 0 };
	uint32_t label, ports;

	if (ip_setting(&i6->i6_autoflow) == 0 ||
	    zone6_is_scoped(ip6->ip6_src) || zone6_is_scoped(ip6->ip6_dst))
		return 0;
	memcpy(word, ip6->ip6_src, 16);
	memcpy(word + 2, ip6->ip6_dst, 16);
	word[4] = ip6->ip6_nxt;
	if (ip6->ip6_nxt == IPPROTO_UDP && m->m_len >= IP6_HLEN + 4) {
		memcpy(&ports, ip6 + 1, 4);
		word[4] |= (uint64_t)ports << 32;
	}
	label = siphash(&key, word, 5) & IP6_FLOWLABEL;
	return label != 0 ? label : 1;
}

/* Fill in the header: addresses of the wire, length, hop limit. */
static void
ip6_output_header(const struct ip6_vnet *i6, struct mbuf *m,
    const struct ip6_addrs *ia, uint8_t hlim)
{
	struct iphdr6 *ip6 = mtoip6(m);

	memcpy(ip6->ip6_src, ia, sizeof(*ia));
	zone6_leave(ip6->ip6_src);
	zone6_leave(ip6->ip6_dst);
	ip6->ip6_flow = (ip6->ip6_flow & be32(0x0fffffff)) | be32(6u << 28);
	if ((ip6->ip6_flow & be32(IP6_FLOWLABEL)) == 0)
		ip6->ip6_flow |= be32(ip6_output_label(i6, m));
	ip6->ip6_plen = be16((uint16_t)(m->m_pktlen - IP6_HLEN));
	ip6->ip6_hlim = hlim;
	ip6_output_cksum(m);
}

static uint8_t
ip6_output_hlim(const struct vnet *vn, const struct ip6_addrs *ia,
    const struct ip6_out *how)
{

	if (how->io_hlim != 0)
		return how->io_hlim;
	return zone6_is_multicast(ia->ia_dst.na_bytes) ? 1 :
	    (uint8_t)ip_setting(&vn->vn_ip6->i6_hlim);
}

int
ip6_output(struct rt_table *tb, struct mbuf *m, const struct ip6_out *how)
{
	static const struct ip6_out usual;
	struct vnet *vn = tb->tb_vnet;
	enum drop_reason why;
	struct ip6_addrs ia;
	struct fwd fd;
	unsigned mtu;
	int error;

	if (how == NULL)
		how = &usual;
	m->m_rcvif = 0;
	m->m_flags = M_LOCAL;
	memcpy(&ia, mtoip6(m)->ip6_src, sizeof(ia));
	why = DROP_IP6_SCOPE;
	error = EHOSTUNREACH;
	if (zone6_is_scoped(ia.ia_dst.na_bytes) &&
	    zone6_of(ia.ia_dst.na_bytes) == 0)
		goto drop;
	if (m->m_pktlen - IP6_HLEN > IP_MAXPACKET) {
		why = DROP_IP6_LEN;
		error = EMSGSIZE;
		goto drop;
	}
	fd = ip6_output_route(tb, m, &ia.ia_dst, how->io_ifp);
	error = ip6_output_refuse(&fd, &ia.ia_dst, &why);
	if (error == 0 && (how->io_flags & IP6_OUT_SOURCE) == 0)
		error = ip6_output_source(tb, &fd, &ia, &why);
	if (error != 0)
		goto drop;
	ip6_output_header(vn->vn_ip6, m, &ia, ip6_output_hlim(vn, &ia, how));
	cpu_stat_add(&ip6_stats(vn)->ip6s_localout, 1);
	if (fwd_is_local(&fd))
		return ip6_loopback(tb, m, fd.fd_nh);
	m->m_nh = fd.fd_nh;
	if (zone6_is_multicast(mtoip6(m)->ip6_dst))
		m->m_flags |= M_MCAST;
	mtu = ip6_pmtu(tb, fd.fd_nh, &ia.ia_dst);
	if ((how->io_flags & IP6_OUT_WHOLE) != 0 &&
	    !ip_fits(m, mtu)) {
		why = DROP_IP6_TOOBIG;
		error = EMSGSIZE;
		goto drop;
	}
	if ((how->io_flags & IP6_OUT_MINMTU) != 0 && !ip_fits(m, IP6_MMTU))
		ip6_fragment_output(fd.fd_nh->nh_ifp, m, IP6_MMTU);
	else
		ip6_send_mtu(m, mtu);
	return 0;
drop:
	m_drop(NULL, m, why);
	return error;
}
