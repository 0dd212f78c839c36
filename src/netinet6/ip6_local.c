/*
 * ip6_local: packets for this host, as they come out of their queue (ip_ifq.h):
 * their headers one after the other (RFC 8200 4), and delivery.
 */

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet6/ip6_var.h"

/* The packet was delivered, and has nothing in it. */
static void
ip6_local_end(struct ifnet *ifp, struct mbuf *m)
{

	if_stat_add(ifp, IF_STAT_DELIVERED, 1);
	m_freem(m);
}

static void
ip6_local_short(struct ifnet *ifp, struct mbuf *m)
{

	m_drop(ifp, m, DROP_IP6_HEADERS);
}

/* A routing header (RFC 8200 4.4, RFC 5095 3): no type is known, and one that
 * is used up does not matter.  false: the packet was dropped. */
static bool
ip6_local_routing(struct ifnet *ifp, struct mbuf *m, const struct ip6_at *at)
{
	struct ip6_routing rh;

	if (!m_copydata(m, at->at_off, sizeof(rh), &rh)) {
		ip6_local_short(ifp, m);
		return false;
	}
	if (rh.ip6r_left == 0)
		return true;
	icmp6_error(ifp, m, ICMP6H_PARAMPROB, ICMP6H_PARAMPROB_FIELD,
	    at->at_off + offsetof(struct ip6_routing, ip6r_type));
	m_drop(ifp, m, DROP_IP6_ROUTING);
	return false;
}

/*
 * A fragment header.  NULL: the packet is gone, or waits for its other
 * fragments; else *at is at the header to go on with.
 */
static struct mbuf *
ip6_local_fragment(struct ifnet *ifp, struct mbuf *m, struct ip6_at *at)
{
	struct ip6_stats *i6s = ip6_stats(ifp->if_vnet);
	struct ip6_frag fh;

	if (!m_copydata(m, at->at_off, sizeof(fh), &fh)) {
		ip6_local_short(ifp, m);
		return NULL;
	}
	cpu_stat_add(&i6s->ip6s_fragments, 1);
	/* RFC 6946 4: one that is the whole packet has nothing to do with other
	 * fragments. */
	if ((be16(fh.ip6f_off) & (IP6F_OFFMASK | IP6F_MORE)) == 0) {
		cpu_stat_add(&i6s->ip6s_atomic, 1);
		at->at_nxtoff = at->at_off;
		at->at_nxt = fh.ip6f_nxt;
		at->at_off += sizeof(fh);
		return m;
	}
	m = ip6_reass(ifp, m, at, &fh);
	if (m != NULL) {
		cpu_stat_add(&i6s->ip6s_reassembled, 1);
		*at = ip6_at_first(0, mtoip6(m)->ip6_nxt);
	}
	return m;
}

/*
 * Is the transport checksum right (RFC 8200 8.1)?  As ip_transport_ok() of
 * IPv4, but that UDP is not sent without.
 */
static bool
ip6_transport_ok(const struct mbuf *m, unsigned off, uint8_t proto)
{
	unsigned len = m->m_pktlen - off;
	uint16_t uh[4];

	if ((m->m_csum_flags & (M_CSUM_VALID | M_CSUM_PARTIAL)) != 0)
		return true;
	if (proto == IPPROTO_UDP) {
		if (!m_copydata(m, off, sizeof(uh), uh) ||
		    be16(uh[2]) < sizeof(uh) || be16(uh[2]) > len ||
		    uh[3] == 0)
			return false;
		len = be16(uh[2]);
	}
	return in_cksum_mbuf(m, off, len, in6_cksum_pseudo(
	    mtoip6(m)->ip6_src, proto, len)) == 0;
}

/* Hand a complete packet for this host to its protocol. */
static void
ip6_deliver(struct ifnet *ifp, struct mbuf *m, const struct ip6_at *at)
{

	cpu_stat_add(&ip6_stats(ifp->if_vnet)->ip6s_delivered, 1);
	switch (at->at_nxt) {
	case IPPROTO_ICMPV6:
		icmp6_input(ifp, m, at->at_off);
		break;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		if (!ip6_transport_ok(m, at->at_off, at->at_nxt)) {
			m_drop(ifp, m, DROP_L4_CSUM);
			break;
		}
		icmp6_error(ifp, m, ICMP6H_UNREACH, ICMP6H_UNREACH_PORT, 0);
		m_drop(ifp, m, DROP_IP6_PORTUNREACH);
		break;
	case IPPROTO_NONE:
		ip6_local_end(ifp, m);
		break;
	default:
		icmp6_error(ifp, m, ICMP6H_PARAMPROB, ICMP6H_PARAMPROB_NEXT,
		    at->at_nxtoff);
		m_drop(ifp, m, DROP_IP6_NEXTHEADER);
		break;
	}
}

/* Is it a message of neighbour discovery? */
static bool
ip6_is_nd(const struct mbuf *m, const struct ip6_at *at)
{
	uint8_t type;

	return at->at_nxt == IPPROTO_ICMPV6 &&
	    m_copydata(m, at->at_off, 1, &type) && type >= ICMP6H_ND_FIRST &&
	    type <= ICMP6H_ND_REDIRECT;
}

/* A packet from the queue. */
static void
ip6_local(struct ifnet *ifp, struct mbuf *m)
{
	struct ip6_at at = ip6_at_first(0, mtoip6(m)->ip6_nxt);
	bool fragment = false;

	for (unsigned n = 0; n < IP6_HEADERS_MAX; n++) {
		switch (at.at_nxt) {
		case IPPROTO_HOPOPTS:
			/* ip6_input_slow() looked at the options.  Elsewhere
			 * the header is not known (RFC 8200 4.1). */
			if (at.at_off != IP6_HLEN) {
				ip6_deliver(ifp, m, &at);
				return;
			}
			break;
		case IPPROTO_DSTOPTS:
			if (!ip6_options_check(ifp, m, &at))
				return;
			break;
		case IPPROTO_ROUTING:
			if (!ip6_local_routing(ifp, m, &at))
				return;
			break;
		case IPPROTO_FRAGMENT:
			m = ip6_local_fragment(ifp, m, &at);
			if (m == NULL)
				return;
			fragment = true;
			continue;
		default:
			/* Not even in one piece (RFC 6980 5). */
			if (fragment && ip6_is_nd(m, &at)) {
				m_drop(ifp, m, DROP_ND6_FRAGMENT);
				return;
			}
			ip6_deliver(ifp, m, &at);
			return;
		}
		if (!ip6_at_skip(m, &at)) {
			ip6_local_short(ifp, m);
			return;
		}
	}
	m_drop(ifp, m, DROP_IP6_HEADERS);
}

int
ip6_local_init(struct vnet *vn)
{

	return ip_ifq_init(vn, &vn->vn_ip6->i6_ifq, "ip6", ip6_local);
}
