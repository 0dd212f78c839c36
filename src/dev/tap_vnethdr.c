/*
 * The vnet header in front of every packet of a Linux tap, and the offload
 * state of mbufs.
 */

#include <ifnet/if_ether.h>

#include "dev/tap_vnethdr.h"
#include "net/ether_impl.h"
#include "net/if_ioctl_impl.h"

#include <netinet/in.h>

#include <string.h>

/* A checksum begins behind the smallest headers of link and network. */
#define TAP_CSUM_MIN	(ETHER_HDR_LEN + 20)

/* The bytes of the priority tags of a frame; nearly always there are none. */
static inline unsigned
vh_tags(const struct mbuf *m)
{

	return __builtin_expect(m->m_len < ETHER_HDR_LEN ||
	    (m->m_data[12] & ~0x09) != 0x80, 1) ? 0 : ether_priority_tags(m);
}

/*
 * Does the packet fit the segmentation in its vnet header?  It is cut later,
 * here or at another host, by its own headers, so they must be complete and of
 * the protocol that the vnet header names.  The last header of IPv6 may follow
 * extension headers.
 */
static bool
vh_segments(const struct host_vnethdr *vh, uint8_t gso,
    const struct mbuf *m)
{
	/* The frame without its priority tags. */
	const unsigned tags = vh_tags(m);
	const uint8_t *p = m->m_data + tags;
	const uint8_t *l4 = m->m_data + vh->vh_csum_start;
	unsigned start = vh->vh_csum_start - tags, type, room, proto;

	if (vh->vh_csum_start > m->m_len)
		return false;
	type = (unsigned)(p[12] << 8 | p[13]);
	room = m->m_len - vh->vh_csum_start;
	proto = gso == HOST_VH_GSO_UDP_L4 ? IPPROTO_UDP : IPPROTO_TCP;
	if (type == ETHERTYPE_IP) {
		if (gso == HOST_VH_GSO_TCPV6 || p[23] != proto ||
		    start != ETHER_HDR_LEN + (p[14] & 0xfu) * 4)
			return false;
	} else if (type != ETHERTYPE_IPV6 || gso == HOST_VH_GSO_TCPV4 ||
	    start < ETHER_HDR_LEN + 40)
		return false;
	if (proto == IPPROTO_UDP)
		return vh->vh_csum_offset == 6 && room >= 8;
	return vh->vh_csum_offset == 16 && room >= 20 && l4[12] >> 4 >= 5 &&
	    room >= (l4[12] >> 4) * 4u;
}

/*
 * Is the checksum offload enabled for this protocol, so that the device's word
 * is taken?  Nearly always all protocols are enabled.
 */
static bool
vh_trusts(const struct ifnet *ifp, const struct mbuf *m)
{
	uint32_t mask, tcp = 0, udp = 0;
	const uint8_t *p;
	uint8_t proto = 0;
	unsigned tags;

	mask = __atomic_load_n(&ifp->if_csum_tx, __ATOMIC_RELAXED);
	if ((mask & IF_RX_L4) == IF_RX_L4)
		return true;
	tags = vh_tags(m);
	if (m->m_len < ETHER_HDR_LEN + tags + 20)
		return false;
	p = m->m_data + tags;
	if (p[12] == ETHERTYPE_IP >> 8 && p[13] == (ETHERTYPE_IP & 0xff)) {
		proto = p[ETHER_HDR_LEN + 9];
		tcp = IF_RX_TCPv4;
		udp = IF_RX_UDPv4;
	} else if (p[12] == ETHERTYPE_IPV6 >> 8 &&
	    p[13] == (ETHERTYPE_IPV6 & 0xff)) {
		proto = p[ETHER_HDR_LEN + 6];
		tcp = IF_RX_TCPv6;
		udp = IF_RX_UDPv6;
	}
	return (proto == IPPROTO_TCP && (mask & tcp) != 0) ||
	    (proto == IPPROTO_UDP && (mask & udp) != 0);
}

bool
tap_vnethdr_get(const struct ifnet *ifp, const struct host_vnethdr *vh,
    struct mbuf *m)
{
	uint8_t gso = vh->vh_gso_type & (uint8_t)~HOST_VH_GSO_ECN;

	if (vh->vh_flags & HOST_VH_NEEDS_CSUM) {
		if ((uint32_t)vh->vh_csum_start + vh->vh_csum_offset + 2 >
		    m->m_pktlen ||
		    vh->vh_csum_start < TAP_CSUM_MIN + vh_tags(m))
			return false;
		m->m_csum_flags |= M_CSUM_PARTIAL;
		m->m_csum_start = vh->vh_csum_start;
		m->m_csum_offset = vh->vh_csum_offset;
	}
	if ((vh->vh_flags & (HOST_VH_NEEDS_CSUM | HOST_VH_DATA_VALID)) != 0 &&
	    vh_trusts(ifp, m))
		m->m_csum_flags |= M_CSUM_VALID;
	if (gso == HOST_VH_GSO_NONE)
		return true;
	if (vh->vh_gso_size == 0 || !(vh->vh_flags & HOST_VH_NEEDS_CSUM))
		return false;
	if (!vh_segments(vh, gso, m))
		return false;
	m->m_segsz = vh->vh_gso_size;
	switch (gso) {
	case HOST_VH_GSO_TCPV4:
		m->m_csum_flags |= M_TSO4;
		break;
	case HOST_VH_GSO_TCPV6:
		m->m_csum_flags |= M_TSO6;
		break;
	case HOST_VH_GSO_UDP_L4:
		m->m_csum_flags |= M_USO;
		break;
	default:
		return false;
	}
	if (vh->vh_gso_type & HOST_VH_GSO_ECN)
		m->m_csum_flags |= M_TSO_ECN;
	return true;
}

/* The length of the headers of a segmentation packet, for the vnet header. */
static uint16_t
vh_hdrlen(const struct mbuf *m)
{
	unsigned off = m->m_csum_start;

	if (m->m_csum_flags & M_USO)
		return (uint16_t)(off + 8);
	if (off + 13 > m->m_len)
		return (uint16_t)(off + 20);
	return (uint16_t)(off + (m->m_data[off + 12] >> 4) * 4);
}

void
tap_vnethdr_put(const struct mbuf *m, struct host_vnethdr *vh)
{
	unsigned flags = m->m_csum_flags;

	memset(vh, 0, sizeof(*vh));
	if (flags & M_CSUM_PARTIAL) {
		vh->vh_flags = HOST_VH_NEEDS_CSUM;
		vh->vh_csum_start = m->m_csum_start;
		vh->vh_csum_offset = m->m_csum_offset;
	} else if (flags & M_CSUM_VALID)
		vh->vh_flags = HOST_VH_DATA_VALID;
	if (!(flags & M_GSO_MASK))
		return;
	vh->vh_gso_type = flags & M_TSO4 ? HOST_VH_GSO_TCPV4 :
	    flags & M_TSO6 ? HOST_VH_GSO_TCPV6 : HOST_VH_GSO_UDP_L4;
	if (flags & M_TSO_ECN)
		vh->vh_gso_type |= HOST_VH_GSO_ECN;
	vh->vh_gso_size = m->m_segsz;
	vh->vh_hdr_len = vh_hdrlen(m);
}
