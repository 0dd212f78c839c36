/*
 * ip_reass: reassembly of IPv4's fragments for this host (RFC 791 3.2); see
 * reass.h.
 */

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/ip_var.h"
#include "netinet/reass.h"

static void
ip_reass_late(struct ifnet *ifp, struct mbuf *m)
{

	icmp_error(ifp, m, ICMP4_TIMXCEED, ICMP4_TIMXCEED_REASS, 0);
}

static bool
ip_reass_head(struct mbuf *m, const struct mbuf *first, unsigned total)
{
	unsigned hlen = ip_hlen(mtoip(first));
	struct iphdr4 *ip;

	if (hlen + total > IP_MAXPACKET ||
	    m_append(m, first->m_data, hlen) != 0)
		return false;
	ip = mtoip(m);
	ip->ip_len = be16((uint16_t)(hlen + total));
	ip->ip_off = 0;
	ip_set_cksum(ip);
	return true;
}

static const struct reass_family ip_reass_family = {
	.rf_ns = 30 * 1000000000ull,
	.rf_late = ip_reass_late,
	.rf_head = ip_reass_head,
};

/* Read a fragment's header; false: it makes no sense. */
static bool
ip_reass_parse(const struct ifnet *ifp, const struct mbuf *m,
    struct reass_frag *rg)
{
	const struct iphdr4 *ip = mtoip(m);
	unsigned field = be16(ip->ip_off);

	memset(rg, 0, sizeof(*rg));
	rg->rg_key.rk_src.na_4 = ip->ip_src;
	rg->rg_key.rk_dst.na_4 = ip->ip_dst;
	rg->rg_key.rk_id = ip->ip_id;
	rg->rg_key.rk_proto = ip->ip_p;
	rg->rg_key.rk_rtable = rt_table_number(ifp);
	rg->rg_hlen = ip_hlen(ip);
	rg->rg_off = (field & IP_OFFMASK) << 3;
	rg->rg_len = m->m_pktlen - rg->rg_hlen;
	rg->rg_last = (field & IP_MF) == 0;
	return rg->rg_len != 0 && (rg->rg_last || (rg->rg_len & 7) == 0) &&
	    rg->rg_off + rg->rg_len <= IP_MAXPACKET - IP_HLEN_MIN;
}

struct mbuf *
ip_reass(struct ifnet *ifp, struct mbuf *m)
{
	struct vnet *vn = ifp->if_vnet;
	struct reass_frag rg;

	cpu_stat_add(&ip_stats(vn)->ips_fragments, 1);
	if (!ip_reass_parse(ifp, m, &rg)) {
		m_drop(ifp, m, DROP_FRAG_BAD);
		return NULL;
	}
	m = reass_input(vn->vn_ip->iv_reass, ifp, m, &rg);
	if (m != NULL)
		cpu_stat_add(&ip_stats(vn)->ips_reassembled, 1);
	return m;
}

void
ip_reass_sweep(struct ifnet *ifp)
{

	reass_sweep(ifp->if_vnet->vn_ip->iv_reass, ifp);
}

int
ip_reass_init(struct vnet *vn)
{
	struct ip_vnet *iv = vn->vn_ip;

	return reass_create(vn, &ip_reass_family, &iv->iv_maxfragpackets,
	    &iv->iv_maxfrags, &iv->iv_reass);
}

void
ip_reass_fini(struct vnet *vn)
{

	reass_destroy(vn->vn_ip->iv_reass);
	vn->vn_ip->iv_reass = NULL;
}
