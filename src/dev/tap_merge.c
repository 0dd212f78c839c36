/*
 * Joining runs of UDP packets.  Offsets are of an Ethernet frame with an IPv4
 * header without options (RFC 894, 791, 768).
 */

#include "dev/tap_merge.h"

#include <netinet/in.h>

#include <string.h>

enum {
	OFF_TYPE = 12,
	OFF_IP = 14,
	OFF_IPLEN = 16,
	OFF_IPFRAG = 20,
	OFF_IPSUM = 24,
	OFF_UDP = 34,
	OFF_UDPLEN = 38,
	OFF_UDPSUM = 40
};

static inline unsigned
get16(const uint8_t *p)
{

	return (unsigned)(p[0] << 8 | p[1]);
}

static inline void
put16(uint8_t *p, unsigned v)
{

	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* The payload bytes of a packet that may be part of a run; 0: it may not. */
static unsigned
mergeable(const struct mbuf *m)
{
	const uint8_t *p = m->m_data;
	unsigned iplen;

	if (m->m_next != NULL || m->m_len <= TAP_MERGE_HDRS ||
	    (m->m_csum_flags & (M_CSUM_PARTIAL | M_GSO_MASK)) !=
	    M_CSUM_PARTIAL || m->m_csum_start != OFF_UDP ||
	    m->m_csum_offset != OFF_UDPSUM - OFF_UDP)
		return 0;
	iplen = get16(p + OFF_IPLEN);
	if (get16(p + OFF_TYPE) != 0x0800 || p[OFF_IP] != 0x45 ||
	    p[OFF_IP + 9] != IPPROTO_UDP || get16(p + OFF_IPFRAG) != 0x4000 ||
	    iplen + OFF_IP != m->m_len ||
	    get16(p + OFF_UDPLEN) + 20 != iplen)
		return 0;
	return m->m_len - TAP_MERGE_HDRS;
}

/* Compare all header bytes but lengths, identification and checksums. */
static bool
same_flow(const uint8_t *a, const uint8_t *b)
{

	return memcmp(a, b, OFF_IPLEN) == 0 &&
	    a[OFF_IP + 8] == b[OFF_IP + 8] &&
	    memcmp(a + OFF_IP + 12, b + OFF_IP + 12,
	    OFF_UDPLEN - OFF_IP - 12) == 0;
}

unsigned
tap_merge_run(const struct mvec *mv, unsigned first)
{
	const struct mbuf *m = mv->mv_m[first];
	unsigned bytes, len, n, total;

	if (first + 1 >= mv->mv_n || (len = mergeable(m)) == 0)
		return 1;
	total = TAP_MERGE_HDRS - OFF_IP + len;
	for (n = 1; first + n < mv->mv_n && n < TAP_MERGE_MAX; n++) {
		bytes = mergeable(mv->mv_m[first + n]);
		if (bytes == 0 || bytes > len || total + bytes > 65535 ||
		    !same_flow(m->m_data, mv->mv_m[first + n]->m_data))
			break;
		total += bytes;
		if (bytes < len)	/* a shorter packet ends the run */
			return n + 1;
	}
	return n;
}

unsigned
tap_merge_build(const struct mvec *mv, unsigned first, unsigned n,
    uint8_t hdr[TAP_MERGE_HDRS], struct iovec *iov)
{
	const struct mbuf *m;
	unsigned payload = 0;
	uint32_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		m = mv->mv_m[first + i];
		iov[i + 1].iov_base = m->m_data + TAP_MERGE_HDRS;
		iov[i + 1].iov_len = m->m_len - TAP_MERGE_HDRS;
		payload += m->m_len - TAP_MERGE_HDRS;
	}
	m = mv->mv_m[first];
	memcpy(hdr, m->m_data, TAP_MERGE_HDRS);
	iov[0].iov_base = hdr;
	iov[0].iov_len = TAP_MERGE_HDRS;

	put16(hdr + OFF_IPLEN, 28 + payload);
	put16(hdr + OFF_UDPLEN, 8 + payload);
	put16(hdr + OFF_IPSUM, 0);
	for (unsigned i = OFF_IP; i < OFF_UDP; i += 2)
		sum += get16(hdr + i);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	put16(hdr + OFF_IPSUM, ~sum & 0xffff);

	/* The pseudo-header sum of the joined packet (RFC 768). */
	sum = IPPROTO_UDP + 8 + payload;
	for (unsigned i = OFF_IP + 12; i < OFF_UDP; i += 2)
		sum += get16(hdr + i);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	put16(hdr + OFF_UDPSUM, sum & 0xffff);
	return m->m_len - TAP_MERGE_HDRS;
}
