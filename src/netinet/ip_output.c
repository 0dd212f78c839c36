/*
 * ip_output: packets that originate here.
 */

#include <errno.h>

#include "net/if_stats_impl.h"
#include "net/rule.h"
#include "netinet/ip_var.h"

/*
 * Identification (RFC 6864): unique for a while among packets of the same
 * addresses.  A counter of each CPU, far from the others', will do.
 */
uint16_t
ip_newid(void)
{
	static __thread uint32_t counter;
	struct cpu *ci = net_curcpu();

	if (counter == 0)
		counter = khash_u64((uintptr_t)ci ^ ci->ci_now) | 1;
	counter += 0x10001;	/* never 0 for long, and no even steps lost */
	return be16((uint16_t)(counter ^ counter >> 16));
}

/*
 * Send a packet to a local address: out and in through lo0, so that it is
 * captured and counted there.  Without lo0 the address's own interface receives
 * it, and when lo0 is in another table, where the address is not known.
 */
int
ip_loopback(struct rt_table *tb, struct mbuf *m, const struct nexthop *nh)
{
	struct ifnet *lo, *ifp = nh->nh_ifp;

	lo = (if_flags_get(ifp) & IFF_LOOPBACK) != 0 ? ifp :
	    ifunit(tb->tb_vnet, "lo0");
	if (lo != NULL && rt_table_of(lo) != tb)
		lo = NULL;
	if (lo != NULL && (if_flags_get(lo) & (IFF_LOOPBACK | IFF_UP)) ==
	    (IFF_LOOPBACK | IFF_UP)) {
		m->m_nh = nh;
		ip_out_one(lo, m);
		return 0;
	}
	m->m_flags = (m->m_flags & ~M_LOCAL) | M_LOOP;
	m->m_csum_flags |= M_CSUM_IP_OK;
	m->m_rcvif = ifp->if_handle;
	m->m_ptr = NULL;
	if_stat_add(ifp, IF_STAT_IPACKETS, 1);
	if_stat_add(ifp, IF_STAT_IBYTES, m->m_pktlen);
	ip_local_input(ifp, m);
	return 0;
}

/* Is this a special-purpose address that cannot be a destination?  Addresses
 * for documentation are left to the sender, who may use them on this
 * network. */
static bool
ip_never_sent_to(uint32_t dst)
{
	const struct in_special *ins;

	ins = in_maybe_special(dst) ? in_special(dst) : NULL;
	return ins != NULL &&
	    (ins->ins_flags & (INS_DESTINATION | INS_OWN)) == 0;
}

/* The errno and drop reason if a packet cannot take a route; 0: it can. */
static int
ip_output_refuse(const struct fwd *fd, const struct iphdr4 *ip,
    enum drop_reason *why)
{
	const struct nexthop *nh = fd->fd_nh;

	if (nh == NULL) {
		*why = DROP_IP_NOROUTE;
		return ENETUNREACH;
	}
	if (fwd_is_local(fd)) {
		if (in_if_is_up(nh->nh_ifp) || in_local_usable(fd, ip->ip_dst))
			return 0;
		*why = DROP_IP_IFDOWN;
		return ENETDOWN;
	}
	if ((nh->nh_flags & NH_BLACKHOLE) != 0) {
		*why = DROP_IP_BLACKHOLE;
		return ENETUNREACH;
	}
	if ((nh->nh_flags & (NH_REJECT | NH_UNREACHABLE)) != 0) {
		*why = (nh->nh_flags & NH_REJECT) != 0 ? DROP_IP_REJECT :
		    DROP_IP_UNREACHABLE;
		return EHOSTUNREACH;
	}
	if (!in_if_is_up(nh->nh_ifp)) {
		*why = DROP_IP_IFDOWN;
		return ENETDOWN;
	}
	/* These addresses are never sent to a link (RFC 1122 3.2.1.3), even
	 * with a default route. */
	if (!in_ordinary(ip->ip_dst) &&
	    (if_flags_get(nh->nh_ifp) & IFF_LOOPBACK) == 0) {
		*why = DROP_IP_DST;
		return ENETUNREACH;
	}
	if (ip_never_sent_to(ip->ip_dst)) {
		*why = DROP_IP_SPECIAL;
		return ENETUNREACH;
	}
	return 0;
}

/* Link-local addresses are sent to no router (RFC 3927 2.6.2, 2.7). */
static bool
ip_leaves_link(const struct nexthop *nh, const struct iphdr4 *ip)
{

	return (nh->nh_flags & NH_GATEWAY) != 0 &&
	    (in_is_linklocal(ip->ip_src) || in_is_linklocal(ip->ip_dst));
}

bool
in_source_usable(const struct rt_table *tb, uint32_t src)
{
	struct fwd fd;
	bool usable;

	pserialize_read_enter();
	fd = rt_lookup4(tb, src);
	usable = fwd_is_local(&fd) && in_local_usable(&fd, src);
	pserialize_read_exit();
	return usable;
}

int
ip_output(struct rt_table *tb, struct mbuf *m, unsigned ttl)
{
	struct vnet *vn = tb->tb_vnet;
	const struct ip_rules *rules = rules_of(vn);
	struct iphdr4 *ip = mtoip(m);
	const struct nexthop *nh;
	enum drop_reason why;
	struct fwd fd;
	unsigned mtu;
	bool chosen;
	int error;

	m->m_rcvif = 0;
	m->m_flags = M_LOCAL;
	ip->ip_len = be16((uint16_t)m->m_pktlen);
	ip->ip_id = ip_newid();
	ip->ip_ttl = (uint8_t)(ttl != 0 ? ttl :
	    (unsigned)ip_setting(&vn->vn_ip->iv_ttl));

	fd = ip_lookup(tb, ip);
	if (__builtin_expect(rules != NULL, 0))
		fd = ip_rules_apply(rules, NULL, ip, m->m_mark, vn, fd);
	nh = fd.fd_nh;
	error = ip_output_refuse(&fd, ip, &why);
	if (error != 0)
		goto drop;
	chosen = ip->ip_src == 0;
	if (chosen)
		ip->ip_src = fwd_is_local(&fd) ? ip->ip_dst :
		    in_nhsource(nh, ip->ip_dst);
	/* While an address of the interface is being checked, the packet has to
	 * wait for it. */
	if (ip->ip_src == 0 ? !in_ifhasaddr(nh->nh_ifp) :
	    chosen && ip_leaves_link(nh, ip))
		ip->ip_src = in_router_id(tb);
	if (ip->ip_src == 0 || !in_source_usable(tb, ip->ip_src)) {
		why = DROP_IP_SRC;
		error = EADDRNOTAVAIL;
		goto drop;
	}
	if (ip_leaves_link(nh, ip)) {
		why = DROP_IP_LINKLOCAL;
		error = ENETUNREACH;
		goto drop;
	}
	ip_set_cksum(ip);
	cpu_stat_add(&ip_stats(vn)->ips_localout, 1);
	if (fwd_is_local(&fd))
		return ip_loopback(tb, m, nh);
	mtu = ip_pmtu(tb, nh, ip->ip_dst);
	if (!ip_fits(m, mtu) && (ip->ip_off & htons(IP_DF)) != 0) {
		why = DROP_IP_NEEDFRAG;
		error = EMSGSIZE;
		goto drop;
	}
	ip_route_set(m, &fd);
	ip_send_mtu(m, mtu);
	return 0;
drop:
	m_drop(NULL, m, why);
	return error;
}
