/*
 * ip6_reass: reassembly of IPv6's fragments for this host (RFC 8200 4.5); see
 * netinet/reass.h.
 */

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/reass.h"
#include "netinet6/ip6_var.h"

static void
ip6_reass_late(struct ifnet *ifp, struct mbuf *m)
{

	icmp6_error(ifp, m, ICMP6H_TIMXCEED, ICMP6H_TIMXCEED_REASS, 0);
}

/* The headers in front of the first fragment's fragment header, the last of
 * which (rg_note) names the one that this named. */
static bool
ip6_reass_head(struct mbuf *m, const struct mbuf *first, unsigned total)
{
	unsigned hlen = reass_hlen(first) - IP6_FRAG_HLEN;
	uint8_t nxt;

	if (hlen - IP6_HLEN + total > IP_MAXPACKET ||
	    !m_copydata(first, hlen, 1, &nxt) ||
	    ip_append(m, first, 0, hlen) != 0)
		return false;
	m->m_data[reass_note(first)] = nxt;
	mtoip6(m)->ip6_plen = be16((uint16_t)(hlen - IP6_HLEN + total));
	return true;
}

static const struct reass_family ip6_reass_family = {
	.rf_ns = 60 * 1000000000ull,
	.rf_late = ip6_reass_late,
	.rf_head = ip6_reass_head,
};

/* Drop a fragment, and tell its source what is wrong with it. */
static void
ip6_reass_refuse(struct ifnet *ifp, struct mbuf *m, uint8_t code,
    unsigned pointer, enum drop_reason why)
{

	icmp6_error(ifp, m, ICMP6H_PARAMPROB, code, pointer);
	m_drop(ifp, m, why);
}

/* Does a fragment make sense?  false: it was dropped. */
static bool
ip6_reass_check(struct ifnet *ifp, struct mbuf *m, const struct ip6_at *at,
    const struct reass_frag *rg)
{
	struct ip6_at upper;

	/* The headers in front are to fit one buffer. */
	if (rg->rg_len == 0 || rg->rg_hlen > MBUF_SIZE) {
		m_drop(ifp, m, DROP_FRAG_BAD);
		return false;
	}
	if (!rg->rg_last && (rg->rg_len & 7) != 0) {
		ip6_reass_refuse(ifp, m, ICMP6H_PARAMPROB_FIELD,
		    offsetof(struct iphdr6, ip6_plen), DROP_FRAG_BAD);
		return false;
	}
	if (rg->rg_hlen - IP6_FRAG_HLEN - IP6_HLEN + rg->rg_off + rg->rg_len >
	    IP_MAXPACKET) {
		ip6_reass_refuse(ifp, m, ICMP6H_PARAMPROB_FIELD, at->at_off +
		    offsetof(struct ip6_frag, ip6f_off), DROP_FRAG_BAD);
		return false;
	}
	/* RFC 7112 5: the first fragment has all headers. */
	if (rg->rg_off == 0 && !ip6_upper(m, 0, &upper)) {
		ip6_reass_refuse(ifp, m, ICMP6H_PARAMPROB_CHAIN, 0,
		    DROP_IP6_HEADERS);
		return false;
	}
	return true;
}

struct mbuf *
ip6_reass(struct ifnet *ifp, struct mbuf *m, const struct ip6_at *at,
    const struct ip6_frag *fh)
{
	unsigned field = be16(fh->ip6f_off);
	struct reass_frag rg;
	struct ip6_addrs ia;

	memset(&rg, 0, sizeof(rg));
	rg.rg_hlen = at->at_off + IP6_FRAG_HLEN;
	rg.rg_note = at->at_nxtoff;
	rg.rg_off = field & IP6F_OFFMASK;
	rg.rg_len = m->m_pktlen - rg.rg_hlen;
	rg.rg_last = (field & IP6F_MORE) == 0;
	if (!ip6_addrs_get(ifp, mtoip6(m), &ia)) {
		m_drop(ifp, m, DROP_IP6_SCOPE);
		return NULL;
	}
	rg.rg_key.rk_src = ia.ia_src;
	rg.rg_key.rk_dst = ia.ia_dst;
	rg.rg_key.rk_id = fh->ip6f_id;
	rg.rg_key.rk_rtable = rt_table_number(ifp);
	if (!ip6_reass_check(ifp, m, at, &rg))
		return NULL;
	return reass_input(ifp->if_vnet->vn_ip6->i6_reass, ifp, m, &rg);
}

int
ip6_reass_init(struct vnet *vn)
{
	struct ip6_vnet *i6 = vn->vn_ip6;

	return reass_create(vn, &ip6_reass_family, &i6->i6_maxfragpackets,
	    &i6->i6_maxfrags, &i6->i6_reass);
}

void
ip6_reass_fini(struct vnet *vn)
{

	reass_destroy(vn->vn_ip6->i6_reass);
	vn->vn_ip6->i6_reass = NULL;
}
