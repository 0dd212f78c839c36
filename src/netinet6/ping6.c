/*
 * ping6: IPv6's part of ping.c.
 */

#include <errno.h>

#include "net/if_vnet_impl.h"
#include "netinet/ping.h"
#include "netinet6/ip6_var.h"

static bool
ping6_usable(const struct rt_table *tb, const union neigh_addr *src)
{
	struct fwd fd;
	bool usable;

	pserialize_read_enter();
	fd = rt_lookup6(tb, src->na_bytes);
	usable = in6_local_answers(&fd);
	pserialize_read_exit();
	return usable;
}

static int
ping6_send(struct rt_table *tb, struct mbuf *m, const struct ping_how *how,
    const union neigh_addr *dst, const union neigh_addr *src, uint8_t hlim)
{
	struct ip6_out out = { .io_hlim = hlim };
	struct iphdr6 *ip6 = mtoip6(m);

	if (how->ph_ifindex != 0) {
		out.io_ifp = if_byindex(tb->tb_vnet, how->ph_ifindex);
		if (out.io_ifp == NULL || rt_table_of(out.io_ifp) != tb) {
			m_drop(NULL, m, DROP_IP6_SCOPE);
			return ENXIO;
		}
	}
	if ((how->ph_flags & PING_WHOLE) != 0)
		out.io_flags |= IP6_OUT_WHOLE;
	if ((how->ph_flags & PING_MINMTU) != 0)
		out.io_flags |= IP6_OUT_MINMTU;
	ip6->ip6_nxt = how->ph_port != 0 ? IPPROTO_UDP : IPPROTO_ICMPV6;
	memcpy(ip6->ip6_dst, dst, sizeof(*dst));
	memcpy(ip6->ip6_src, src, sizeof(*src));
	return ip6_output(tb, m, &out);
}

const struct ping_family ping_inet6 = {
	.pf_af = AF_INET6,
	.pf_hlen = IP6_HLEN,
	.pf_echo = ICMP6H_ECHO,
	.pf_echoreply = ICMP6H_ECHOREPLY,
	.pf_datamax = IP_MAXPACKET - PING_HLEN,
	.pf_usable = ping6_usable,
	.pf_send = ping6_send,
};
