/*
 * ip_offload: offloads in software, for interfaces without them: computes
 * checksums that were left open, cuts large packets into segments (TCP and UDP
 * over either family; over IPv6 without extension headers).
 *
 * A segment has the packet's headers with these changes: IP header with its own
 * length, and of IPv4 identification and checksum; TCP header with its own
 * sequence number, FIN and PSH in the last segment only, CWR in the first only
 * (RFC 3168 6.1.2); UDP header with its own length.
 */

#include "net/if_ioctl_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/ip6_hdr.h"
#include "netinet/ip_var.h"

#define TCP_FIN		0x01
#define TCP_PSH		0x08
#define TCP_CWR		0x80

#define PROTO_TCP	6
#define PROTO_UDP	17

/* A packet's network header. */
struct l3 {
	unsigned	 l3_hlen;	/* 0: it is not whole */
	uint8_t		 l3_proto;
	bool		 l3_is6;
};

static struct l3
l3_of(const struct mbuf *m)
{
	struct l3 l3 = { .l3_is6 = m_is_ip6(m) };

	l3.l3_hlen = l3.l3_is6 ? IP6_HLEN : ip_hlen(mtoip(m));
	if (l3.l3_hlen < IP_HLEN_MIN || m->m_len < l3.l3_hlen)
		l3.l3_hlen = 0;
	else
		l3.l3_proto = l3.l3_is6 ? mtoip6(m)->ip6_nxt : mtoip(m)->ip_p;
	return l3;
}

static inline int
l3_af(const struct mbuf *m)
{

	return m_is_ip6(m) ? AF_INET6 : AF_INET;
}

/*
 * Length of the headers in front of the payload of a packet to be cut, or 0
 * when they do not fit it.
 */
static unsigned
seg_hdrlen(const struct mbuf *m)
{
	const struct l3 l3 = l3_of(m);
	unsigned hlen = l3.l3_hlen, thlen;
	uint8_t off;

	if (hlen == 0 || m->m_segsz == 0 || (m->m_csum_flags &
	    (l3.l3_is6 ? M_TSO4 : M_TSO6)) != 0)
		return 0;
	if ((m->m_csum_flags & (M_TSO4 | M_TSO6)) != 0) {
		if (l3.l3_proto != PROTO_TCP ||
		    !m_copydata(m, hlen + 12, 1, &off))
			return 0;
		thlen = (off >> 4) << 2;
		if (thlen < 20)
			return 0;
	} else {
		if (l3.l3_proto != PROTO_UDP)
			return 0;
		thlen = 8;
	}
	if (hlen + thlen > m->m_pktlen)
		return 0;
	return hlen + thlen;
}

unsigned
ip_segment_len(const struct mbuf *m)
{
	unsigned hdr = seg_hdrlen(m), payload;

	if (hdr == 0)
		return 0;
	payload = m->m_pktlen - hdr;
	return hdr + (payload < m->m_segsz ? payload : m->m_segsz);
}

/*
 * Compute the checksum that M_CSUM_PARTIAL left open.  The field holds the
 * pseudo-header's sum, so it is summed along.
 */
enum drop_reason
ip_finish_cksum(struct mbuf **mp)
{
	struct mbuf *m = *mp, *n;
	unsigned start = m->m_csum_start, at = start + m->m_csum_offset;
	unsigned hlen = l3_of(m).l3_hlen;
	uint16_t sum;

	if ((m->m_csum_flags & M_CSUM_PARTIAL) == 0)
		return DROP_NREASONS;
	/* The checksum's place came with the packet: it must not be within the
	 * IP header. */
	if (hlen == 0 || start < hlen || at + 2 > m->m_pktlen ||
	    at + 2 > MBUF_SIZE)
		return DROP_TX_OFFLOAD;
	if (m->m_len < at + 2 || !m_writable(m)) {
		n = m_pullup(m, at + 2);
		if (n == NULL)
			return DROP_OUT_NOBUF;
		*mp = m = n;
	}
	sum = in_cksum_mbuf(m, start, m->m_pktlen - start, 0);
	/* A sum of 0 would mean "no checksum" in UDP, and 0xffff is equivalent
	 * in TCP. */
	if (sum == 0)
		sum = 0xffff;
	memcpy(m->m_data + at, &sum, 2);
	m->m_csum_flags &= ~M_CSUM_PARTIAL;
	return DROP_NREASONS;
}

/* May the checksum of a packet of this protocol be left to the interface? */
static bool
cksum_is_left(const struct ifnet *ifp, const struct l3 *l3)
{
	uint32_t mask = __atomic_load_n(&ifp->if_csum_tx, __ATOMIC_RELAXED);

	switch (l3->l3_proto) {
	case PROTO_TCP:
		return (mask & (M_CSUM_PARTIAL | (l3->l3_is6 ? IF_TX_TCPv6 :
		    IF_TX_TCPv4))) != 0;
	case PROTO_UDP:
		return (mask & (M_CSUM_PARTIAL | (l3->l3_is6 ? IF_TX_UDPv6 :
		    IF_TX_UDPv4))) != 0;
	default:
		return (mask & M_CSUM_PARTIAL) != 0;
	}
}

/* The state that all segments of a packet share. */
struct seg_plan {
	struct mbuf	*sg_m;
	unsigned	 sg_hdr, sg_iphlen;
	uint8_t		 sg_header[60 + 60];
	uint32_t	 sg_seq;	/* host order */
	uint16_t	 sg_id;		/* host order */
	bool		 sg_tcp, sg_partial;
};

static void
seg_fix_transport(const struct seg_plan *sg, struct mbuf *n, unsigned at,
    unsigned len, bool last)
{
	const uint8_t proto = sg->sg_tcp ? PROTO_TCP : PROTO_UDP;
	unsigned thlen = sg->sg_hdr - sg->sg_iphlen, tlen = thlen + len;
	uint8_t *th = n->m_data + sg->sg_iphlen;
	uint16_t sum16;
	uint32_t sum, seq;

	if (sg->sg_tcp) {
		seq = be32(sg->sg_seq + at);
		memcpy(th + 4, &seq, 4);
		if (!last)
			th[13] &= ~(TCP_FIN | TCP_PSH);
		if (at != 0 && (sg->sg_m->m_csum_flags & M_TSO_ECN) != 0)
			th[13] &= ~TCP_CWR;
	} else {
		sum16 = be16((uint16_t)tlen);
		memcpy(th + 4, &sum16, 2);
	}
	n->m_csum_start = (uint16_t)sg->sg_iphlen;
	n->m_csum_offset = sg->sg_tcp ? 16 : 6;
	sum = m_is_ip6(n) ? in6_cksum_pseudo(mtoip6(n)->ip6_src, proto, tlen) :
	    in_cksum_pseudo(mtoip(n)->ip_src, mtoip(n)->ip_dst, proto, tlen);
	sum16 = (uint16_t)~in_cksum_fold(sum);
	memcpy(th + n->m_csum_offset, &sum16, 2);
	n->m_csum_flags = M_CSUM_PARTIAL;
	/* The header is in the first buffer, which is not shared: this cannot
	 * fail. */
	if (!sg->sg_partial)
		(void)ip_finish_cksum(&n);
}

/* Build the segment of len payload bytes at `at'; NULL: out of memory. */
static struct mbuf *
seg_piece(const struct seg_plan *sg, unsigned at, unsigned len, bool last)
{
	const struct mbuf *m = sg->sg_m;
	struct iphdr4 *ip;
	struct mbuf *n;

	n = m_gethdr();
	if (n == NULL)
		return NULL;
	if (m_append(n, sg->sg_header, sg->sg_hdr) != 0 ||
	    ip_append(n, m, sg->sg_hdr + at, len) != 0) {
		m_freem(n);
		return NULL;
	}
	if (m_is_ip6(n))
		mtoip6(n)->ip6_plen = be16((uint16_t)(sg->sg_hdr - IP6_HLEN +
		    len));
	else {
		ip = mtoip(n);
		ip->ip_len = be16((uint16_t)(sg->sg_hdr + len));
		ip->ip_id = be16((uint16_t)(sg->sg_id + at / m->m_segsz));
		ip_set_cksum(ip);
	}

	n->m_rcvif = m->m_rcvif;
	n->m_flags = m->m_flags;
	n->m_flowid = m->m_flowid;
	n->m_loops = m->m_loops;
	n->m_mark = m->m_mark;
	n->m_nh = m->m_nh;
	seg_fix_transport(sg, n, at, len, last);
	return n;
}

static enum drop_reason
seg_plan(struct seg_plan *sg, struct mbuf *m, const struct ifnet *ifp)
{
	const struct l3 l3 = l3_of(m);
	uint32_t seq;

	sg->sg_m = m;
	sg->sg_hdr = seg_hdrlen(m);
	if (sg->sg_hdr == 0 || sg->sg_hdr > sizeof(sg->sg_header) ||
	    !m_copydata(m, 0, sg->sg_hdr, sg->sg_header))
		return DROP_TX_OFFLOAD;
	sg->sg_iphlen = l3.l3_hlen;
	sg->sg_tcp = l3.l3_proto == PROTO_TCP;
	sg->sg_partial = cksum_is_left(ifp, &l3);
	sg->sg_id = l3.l3_is6 ? 0 : be16(mtoip(m)->ip_id);
	sg->sg_seq = 0;
	if (sg->sg_tcp) {
		memcpy(&seq, sg->sg_header + sg->sg_iphlen + 4, 4);
		sg->sg_seq = be32(seq);
	}
	return DROP_NREASONS;
}

void
ip_segment_output(struct ifnet *ifp, struct mbuf *m, unsigned mtu)
{
	const int af = l3_af(m);
	unsigned at, len, total;
	enum drop_reason why;
	struct seg_plan sg;
	struct mvec mv;
	struct mbuf *n;

	why = seg_plan(&sg, m, ifp);
	if (why != DROP_NREASONS) {
		ip_out_drop(ifp, m, why);
		return;
	}
	if (af == AF_INET)
		cpu_stat_add(&ip_stats(ifp->if_vnet)->ips_segmented, 1);
	total = m->m_pktlen - sg.sg_hdr;
	mv.mv_n = 0;
	at = 0;
	do {
		len = total - at < m->m_segsz ? total - at : m->m_segsz;
		n = seg_piece(&sg, at, len, at + len == total);
		if (n == NULL)
			break;
		if (n->m_pktlen > mtu && af == AF_INET6)
			ip_out_drop(ifp, n, DROP_TX_OFFLOAD);
		else if (n->m_pktlen > mtu)
			ip_fragment_output(ifp, n, mtu);
		else
			mv.mv_m[mv.mv_n++] = n;
		if (mv.mv_n == MVEC_MAX)
			if_output_vec(ifp, af, &mv);
		at += len;
	} while (at < total);

	/* Complete segments are worth sending even when memory ran out for the
	 * rest. */
	if (mv.mv_n != 0)
		if_output_vec(ifp, af, &mv);
	if (at < total)
		ip_out_drop(ifp, m, DROP_OUT_NOBUF);
	else
		m_freem(m);
}

void
ip_offload_output(struct ifnet *ifp, struct mbuf *m)
{
	unsigned gso = m->m_csum_flags & M_GSO_MASK;
	enum drop_reason why = DROP_NREASONS;
	struct l3 l3;

	if ((gso & ~ifp->if_csum_tx) != 0) {
		ip_segment_output(ifp, m, IP_MAXPACKET);
		return;
	}
	/* A device that segments computes checksums as well. */
	l3 = l3_of(m);
	if (gso == 0 && !cksum_is_left(ifp, &l3))
		why = ip_finish_cksum(&m);
	if (why != DROP_NREASONS)
		ip_out_drop(ifp, m, why);
	else
		ip_out_af(ifp, l3_af(m), m);
}
