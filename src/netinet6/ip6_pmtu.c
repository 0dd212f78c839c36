/*
 * ip6_pmtu: packet-too-big messages (RFC 8201): which of them are believed.
 */

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet6/ip6_var.h"

/* Does this host send packets with that header behind the IPv6 header?  Nobody
 * here sends TCP. */
static bool
is_sent_here(uint8_t nxt)
{

	return nxt == IPPROTO_ICMPV6 || nxt == IPPROTO_FRAGMENT ||
	    nxt == IPPROTO_UDP;
}

/*
 * Read section: may the quoted packet have been sent from here, to a
 * destination that means the same everywhere, and was it too big for the MTU,
 * while a link of ours is not smaller already?
 */
static bool
is_likely(struct ifnet *ifp, const struct iphdr6 *quoted,
    const struct ip6_addrs *ia, uint32_t mtu)
{
	struct rt_table *tb = rt_table_of(ifp);
	struct fwd src = rt_lookup6(tb, ia->ia_src.na_bytes);
	struct fwd dst = rt_lookup6(tb, ia->ia_dst.na_bytes);

	return (((const uint8_t *)quoted)[0] >> 4) == 6 &&
	    (uint32_t)IP6_HLEN + be16(quoted->ip6_plen) > mtu &&
	    is_sent_here(quoted->ip6_nxt) &&
	    !zone6_is_scoped(ia->ia_dst.na_bytes) && fwd_is_local(&src) &&
	    dst.fd_nh != NULL && !fwd_is_local(&dst) &&
	    (dst.fd_nh->nh_flags & NH_NOWHERE) == 0 &&
	    mtu < pmtu_of_link(dst.fd_nh);
}

bool
ip6_pmtu_input(struct ifnet *ifp, const struct mbuf *m, unsigned off,
    uint32_t mtu, bool known)
{
	struct vnet *vn = ifp->if_vnet;
	struct ip6_stats *i6s = ip6_stats(vn);
	struct pmtu_note pn = {
		.pn_mtu = (uint16_t)mtu, .pn_known = known,
		.pn_table = rt_table_number(ifp),
	};
	struct iphdr6 quoted;
	struct ip6_addrs ia;

	/* RFC 8201 4: no smaller MTU than that of every link is believed, and
	 * no fragment header is sent for one (RFC 8021). */
	if (mtu < IP6_MMTU || mtu > UINT16_MAX ||
	    !m_copydata(m, off, sizeof(quoted), &quoted) ||
	    !ip6_addrs_get(ifp, &quoted, &ia) ||
	    !is_likely(ifp, &quoted, &ia, mtu))
		goto bad;
	pn.pn_dst = ia.ia_dst;
	if (!pmtu_heard(&vn->vn_ip6->i6_pmtu, &pn))
		goto bad;
	cpu_stat_add(&i6s->icp6s_pmtu, 1);
	return true;
bad:
	cpu_stat_add(&i6s->icp6s_badpmtu, 1);
	return false;
}

unsigned
ip6_pmtu(const struct rt_table *tb, const struct nexthop *nh,
    const union neigh_addr *dst)
{
	unsigned link = pmtu_of_link(nh);
	unsigned path = pmtu_find(&tb->tb_vnet->vn_ip6->i6_pmtu,
	    tb->tb_number, dst);

	return path < link ? path : link;
}
