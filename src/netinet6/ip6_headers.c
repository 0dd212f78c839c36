/*
 * ip6_headers: walks over extension headers (RFC 8200 4).
 *
 * A walk is bounded by IP6_HEADERS_MAX, and each header is read only where it
 * is within the packet.
 */

#include "netinet6/ip6_var.h"

bool
ip6_at_skip(const struct mbuf *m, struct ip6_at *at)
{
	struct ip6_ext ext;
	unsigned end;

	if (!m_copydata(m, at->at_off, sizeof(ext), &ext))
		return false;
	end = at->at_off + 8 * (ext.ip6e_len + 1u);
	if (end > m->m_pktlen)
		return false;
	at->at_nxtoff = at->at_off;
	at->at_nxt = ext.ip6e_nxt;
	at->at_off = end;
	return true;
}

bool
ip6_upper(const struct mbuf *m, unsigned base, struct ip6_at *at)
{
	struct ip6_frag fh;
	uint8_t nxt;

	if (!m_copydata(m, base + 6, 1, &nxt))
		return false;
	*at = ip6_at_first(base, nxt);
	for (unsigned n = 0; n < IP6_HEADERS_MAX; n++) {
		switch (at->at_nxt) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_DSTOPTS:
		case IPPROTO_ROUTING:
			if (!ip6_at_skip(m, at))
				return false;
			break;
		case IPPROTO_FRAGMENT:
			if (!m_copydata(m, at->at_off, sizeof(fh), &fh) ||
			    (be16(fh.ip6f_off) & IP6F_OFFMASK) != 0)
				return false;
			at->at_nxtoff = at->at_off;
			at->at_nxt = fh.ip6f_nxt;
			at->at_off += sizeof(fh);
			break;
		default:
			return at->at_off <= m->m_pktlen;
		}
	}
	return false;
}
