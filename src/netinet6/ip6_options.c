/*
 * ip6_options: options in extension headers (RFC 8200 4.2).
 */

#include "netinet6/ip6_var.h"

/* Drop a packet for an option at an offset, of which the source is told if
 * `code' is not -1. */
static bool
option_refuse(struct ifnet *ifp, struct mbuf *m, int code, unsigned off)
{

	if (code >= 0)
		icmp6_error(ifp, m, ICMP6H_PARAMPROB, (uint8_t)code, off);
	m_drop(ifp, m, DROP_IP6_OPTION);
	return false;
}

/* An option that is not known here.  false: the packet was dropped. */
static bool
option_unknown(struct ifnet *ifp, struct mbuf *m, uint8_t type, unsigned off)
{

	switch (type & IP6OPT_ACTION) {
	case IP6OPT_SKIP:
		return true;
	case IP6OPT_DROP:
		return option_refuse(ifp, m, -1, off);
	case IP6OPT_TELLUNI:
		if (zone6_is_multicast(mtoip6(m)->ip6_dst))
			return option_refuse(ifp, m, -1, off);
		/* FALLTHROUGH */
	default:
		return option_refuse(ifp, m, ICMP6H_PARAMPROB_OPTION, off);
	}
}

/* RFC 8504 5.3: work that a packet may ask for before anybody wants it.  PadN
 * can be of any length, so nobody needs many paddings. */
#define OPTIONS_MAX	16	/* of a header, but Pad1 */
#define PAD1_MAX	7	/* in a row */

bool
ip6_options_check(struct ifnet *ifp, struct mbuf *m, const struct ip6_at *at)
{
	struct ip6_at next = *at;
	unsigned off, end, len, noptions = 0, npad1 = 0;
	uint8_t opt[2];

	if (!ip6_at_skip(m, &next)) {
		m_drop(ifp, m, DROP_IP6_HEADERS);
		return false;
	}
	end = next.at_off;
	for (off = at->at_off + 2; off < end; off += len) {
		(void)m_copydata(m, off, 1, opt);
		len = 1;
		if (opt[0] == IP6OPT_PAD1) {
			if (++npad1 > PAD1_MAX)
				return option_refuse(ifp, m, -1, off);
			continue;
		}
		npad1 = 0;
		if (++noptions > OPTIONS_MAX)
			return option_refuse(ifp, m, -1, off);
		if (off + 2 > end || !m_copydata(m, off, 2, opt) ||
		    off + 2 + opt[1] > end)
			return option_refuse(ifp, m, ICMP6H_PARAMPROB_FIELD,
			    off + 1);
		len = 2u + opt[1];
		switch (opt[0]) {
		case IP6OPT_PADN:
			break;
		case IP6OPT_ALERT:
			/* RFC 2711 2.1.  Nothing here waits for alerts of other
			 * hosts' packets. */
			if (at->at_nxt != IPPROTO_HOPOPTS)
				break;
			if (opt[1] != 2)
				return option_refuse(ifp, m,
				    ICMP6H_PARAMPROB_FIELD, off + 1);
			break;
		default:
			if (!option_unknown(ifp, m, opt[0], off))
				return false;
			break;
		}
	}
	return true;
}
