/*
 * ip_pmtu: messages that fragmentation is needed (RFC 1191): which of them are
 * believed.
 */

#include "net/if_stats_impl.h"
#include "netinet/ip_var.h"

/* A link with an MTU below this is less likely than a forged message: packets
 * of it would be most of all headers. */
#define MTU_MIN	552u

/* RFC 1191 7: the MTU of a link that a packet of len bytes did not fit, when
 * the router does not say which. */
static unsigned
plateau(unsigned len)
{
	static const uint16_t mtus[] = {
		32000, 17914, 8166, 4352, 2002, 1492, 1006, 0
	};
	unsigned i;

	for (i = 0; mtus[i] != 0 && mtus[i] >= len; i++)
		continue;
	return mtus[i];
}

/*
 * Read section: may the quoted packet have been sent from here, not to be
 * fragmented, and was it too big for the MTU, while a link of ours is not
 * smaller already?
 */
static bool
is_likely(struct ifnet *ifp, const struct iphdr4 *quoted, unsigned mtu)
{
	struct rt_table *tb = rt_table_of(ifp);
	struct fwd src = rt_lookup4(tb, quoted->ip_src);
	struct fwd dst = rt_lookup4(tb, quoted->ip_dst);

	return quoted->ip_vhl >> 4 == 4 &&
	    (quoted->ip_off & htons(IP_DF)) != 0 &&
	    be16(quoted->ip_len) > mtu &&
	    (quoted->ip_p == IPPROTO_ICMP || quoted->ip_p == IPPROTO_UDP) &&
	    fwd_is_local(&src) &&
	    dst.fd_nh != NULL && !fwd_is_local(&dst) &&
	    !fwd_is_broadcast(&dst) &&
	    (dst.fd_nh->nh_flags & NH_NOWHERE) == 0 &&
	    mtu < pmtu_of_link(dst.fd_nh);
}

bool
ip_pmtu_input(struct ifnet *ifp, const struct mbuf *m, unsigned off,
    unsigned mtu, bool known)
{
	struct vnet *vn = ifp->if_vnet;
	struct pmtu_note pn = {
		.pn_known = known, .pn_table = rt_table_number(ifp),
	};
	struct iphdr4 quoted;

	if (ip_setting(&vn->vn_ip->iv_mtudisc) == 0 ||
	    !m_copydata(m, off, sizeof(quoted), &quoted))
		goto bad;
	if (mtu == 0)
		mtu = plateau(be16(quoted.ip_len));
	if (mtu < MTU_MIN)
		mtu = MTU_MIN;
	if (!is_likely(ifp, &quoted, mtu))
		goto bad;
	pn.pn_mtu = (uint16_t)mtu;
	pn.pn_dst = neigh_addr4(quoted.ip_dst);
	if (!pmtu_heard(&vn->vn_ip->iv_pmtu, &pn))
		goto bad;
	cpu_stat_add(&ip_stats(vn)->icps_pmtu, 1);
	return true;
bad:
	cpu_stat_add(&ip_stats(vn)->icps_badpmtu, 1);
	return false;
}

unsigned
ip_pmtu(const struct rt_table *tb, const struct nexthop *nh, uint32_t dst)
{
	const struct ip_vnet *iv = tb->tb_vnet->vn_ip;
	const union neigh_addr na = neigh_addr4(dst);
	unsigned link = pmtu_of_link(nh), path;

	if (ip_setting(&iv->iv_mtudisc) == 0)
		return link;
	path = pmtu_find(&iv->iv_pmtu, tb->tb_number, &na);
	return path < link ? path : link;
}
