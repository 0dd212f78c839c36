/*
 * icmp6: control messages (RFC 4443): errors about packets, echo replies, and
 * received messages for this host.
 */

#include <errno.h>

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/ping.h"
#include "netinet6/ip6_var.h"
#include "netinet6/mld6.h"
#include "netinet6/nd6.h"

/* An error quotes as much as every link carries (RFC 4443 2.4 (c)). */
#define ICMP6_QUOTE	(IP6_MMTU - IP6_HLEN - ICMP6_HLEN)

/* --- errors --------------------------------------------------------------- */

/* Is m an ICMPv6 error or a redirect, or may it be one? */
static bool
icmp6_is_error(const struct mbuf *m)
{
	struct ip6_at at;
	uint8_t type;

	if (!ip6_upper(m, 0, &at)) {
		/* A later fragment may be one of an error. */
		return at.at_nxt == IPPROTO_FRAGMENT &&
		    m_copydata(m, at.at_off, 1, &type) &&
		    type == IPPROTO_ICMPV6;
	}
	if (at.at_nxt != IPPROTO_ICMPV6)
		return false;
	return !m_copydata(m, at.at_off, 1, &type) || type < ICMP6H_ECHO ||
	    type == ICMP6H_ND_REDIRECT;
}

/* Is this a packet about which that error is never sent (RFC 4443 2.4 (e))? */
static bool
icmp6_forbidden(const struct mbuf *m, uint8_t type, uint8_t code)
{
	const struct iphdr6 *ip6 = mtoip6(m);
	bool group = (m->m_flags & (M_BCAST | M_MCAST)) != 0 ||
	    zone6_is_multicast(ip6->ip6_dst);

	/* Path MTU discovery works for groups, and so do options that ask for
	 * an answer. */
	if (group && type != ICMP6H_TOOBIG && (type != ICMP6H_PARAMPROB ||
	    code != ICMP6H_PARAMPROB_OPTION))
		return true;
	return ip6_is_unspecified(ip6->ip6_src) ||
	    zone6_is_multicast(ip6->ip6_src) || icmp6_is_error(m);
}

static void
icmp6_count_error(struct ip6_stats *i6s, uint8_t type)
{

	cpu_stat_add(&i6s->icp6s_error, 1);
	switch (type) {
	case ICMP6H_UNREACH:
		cpu_stat_add(&i6s->icp6s_unreach, 1);
		break;
	case ICMP6H_TOOBIG:
		cpu_stat_add(&i6s->icp6s_toobig, 1);
		break;
	case ICMP6H_TIMXCEED:
		cpu_stat_add(&i6s->icp6s_timxceed, 1);
		break;
	default:
		cpu_stat_add(&i6s->icp6s_paramprob, 1);
		break;
	}
}

/*
 * Build an error message between inner addresses: IPv6 header, ICMPv6 header,
 * and the quoted packet.  NULL: no buffer.
 */
static struct mbuf *
icmp6_build(const struct mbuf *m, uint8_t type, uint8_t code, uint32_t word,
    const union neigh_addr *src, const union neigh_addr *dst)
{
	const unsigned hdr = IP6_HLEN + ICMP6_HLEN;
	struct icmphdr6 *icmp;
	struct iphdr6 *ip6;
	struct mbuf *n;
	unsigned quote;

	n = m_gethdr();
	if (n == NULL)
		return NULL;
	quote = m->m_pktlen < ICMP6_QUOTE ? m->m_pktlen : ICMP6_QUOTE;
	ip6 = mtoip6(n);
	memset(ip6, 0, hdr);
	if (!m_copydata(m, 0, quote, n->m_data + hdr)) {
		m_freem(n);
		return NULL;
	}
	n->m_len = n->m_pktlen = hdr + quote;
	ip6->ip6_nxt = IPPROTO_ICMPV6;
	memcpy(ip6->ip6_src, src, sizeof(*src));
	memcpy(ip6->ip6_dst, dst, sizeof(*dst));
	icmp = (struct icmphdr6 *)(void *)(ip6 + 1);
	icmp->icmp6_type = type;
	icmp->icmp6_code = code;
	icmp->icmp6_word = be32(word);
	return n;
}

void
icmp6_error(struct ifnet *ifp, struct mbuf *m, uint8_t type, uint8_t code,
    uint32_t word)
{
	static const union neigh_addr any;
	const union neigh_addr *src = &any;
	struct vnet *vn = ifp->if_vnet;
	struct ip6_stats *i6s = ip6_stats(vn);
	struct rt_table *tb = rt_table_of(ifp);
	struct ip6_addrs ia;
	struct mbuf *n;
	struct fwd fd;

	if (icmp6_forbidden(m, type, code) ||
	    !ip6_addrs_get(ifp, mtoip6(m), &ia)) {
		cpu_stat_add(&i6s->icp6s_oldicmp, 1);
		return;
	}
	if (!ip_token_take_share(vn, vn->vn_ip6->i6_tokens,
	    ip_setting(&vn->vn_ip6->i6_errppslimit))) {
		cpu_stat_add(&i6s->icp6s_limited, 1);
		return;
	}
	/*
	 * The source is the address that the packet was sent to, when that is
	 * ours, and else the best one of the interface by which the error
	 * leaves (RFC 4443 2.2).  A packet of our own is answered by itself.
	 */
	fd = rt_lookup6(tb, ia.ia_dst.na_bytes);
	if (in6_local_answers(&fd))
		src = &ia.ia_dst;
	else if ((m->m_flags & M_LOCAL) != 0)
		src = &ia.ia_src;
	n = icmp6_build(m, type, code, word, src, &ia.ia_src);
	if (n == NULL || ip6_output(tb, n, NULL) != 0) {
		cpu_stat_add(&i6s->icp6s_nosource, 1);
		return;
	}
	icmp6_count_error(i6s, type);
}

/* --- received messages ---------------------------------------------------- */

/*
 * Turn a request at offset off into its reply, in its own buffer.  The packet
 * was counted as delivered.  Extension headers do not come back.
 */
static void
icmp6_reply_echo(struct ifnet *ifp, struct mbuf *m, unsigned off,
    const struct ip6_addrs *ia)
{
	struct rt_table *tb = rt_table_of(ifp);
	struct fwd fd = rt_lookup6(tb, ia->ia_dst.na_bytes);
	uint32_t flow = mtoip6(m)->ip6_flow;
	struct icmphdr6 *icmp;
	struct iphdr6 *ip6;

	m_adj_fast(m, off - IP6_HLEN);
	ip6 = mtoip6(m);
	memset(ip6, 0, sizeof(*ip6));
	/* The traffic class comes back, as IPv4's type of service does. */
	ip6->ip6_flow = flow & be32(0x0ff00000);
	ip6->ip6_nxt = IPPROTO_ICMPV6;
	memcpy(ip6->ip6_dst, &ia->ia_src, sizeof(ia->ia_src));
	/* RFC 4443 4.2: from the address that was asked, unless that is a
	 * group's or anycast; then ip6_output() finds one. */
	if (in6_local_answers(&fd))
		memcpy(ip6->ip6_src, &ia->ia_dst, sizeof(ia->ia_dst));
	icmp = (struct icmphdr6 *)(void *)(ip6 + 1);
	icmp->icmp6_type = ICMP6H_ECHOREPLY;
	icmp->icmp6_code = 0;
	m->m_csum_flags = 0;
	m->m_ptr = NULL;
	m->m_loops = 0;
	cpu_stat_add(&ip6_stats(tb->tb_vnet)->icp6s_echo, 1);
	(void)ip6_output(tb, m, NULL);
}

static void
icmp6_input_echo(struct ifnet *ifp, struct mbuf *m, unsigned off)
{
	struct ip6_addrs ia;
	struct mbuf *n;

	if (!ip6_addrs_get(ifp, mtoip6(m), &ia) ||
	    ip6_is_unspecified(&ia.ia_src)) {
		m_drop(ifp, m, DROP_IP6_SRC);
		return;
	}
	/* Headers that do not fit a buffer are not taken off. */
	n = off + ICMP6_HLEN > MBUF_SIZE ? NULL :
	    m_pullup(m, off + ICMP6_HLEN);
	if (n == NULL) {
		m_drop(ifp, m, DROP_NO_MBUF);
		return;
	}
	if_stat_add(ifp, IF_STAT_DELIVERED, 1);
	icmp6_reply_echo(ifp, n, off, &ia);
}

/* Tell a ping what came back for the probe with this header; false: no ping
 * waits for it. */
static bool
icmp6_input_ping(struct ifnet *ifp, const struct mbuf *m, unsigned off,
    const struct icmphdr6 *icmp, bool udp, const void *probe)
{
	struct ping_reply pr = {
		.pr_hlim = mtoip6(m)->ip6_hlim, .pr_type = icmp->icmp6_type,
		.pr_code = icmp->icmp6_code, .pr_bytes = m->m_pktlen - off,
	};
	struct ip6_addrs ia;

	if (!ip6_addrs_get(ifp, mtoip6(m), &ia))
		return false;
	pr.pr_from = ia.ia_src;
	if (icmp->icmp6_type == ICMP6H_TOOBIG)
		pr.pr_mtu = be32(icmp->icmp6_word);
	return ping_input(rt_table_of(ifp), AF_INET6, udp, probe, &pr);
}

/* Is an ICMPv6 error about a probe of this host? */
static bool
icmp6_input_error(struct ifnet *ifp, const struct mbuf *m, unsigned off,
    const struct icmphdr6 *icmp)
{
	uint8_t probe[PING_HLEN], version;
	struct ip6_at at;

	off += ICMP6_HLEN;
	if (!m_copydata(m, off, 1, &version) || version >> 4 != 6 ||
	    !ip6_upper(m, off, &at) ||
	    !m_copydata(m, at.at_off, sizeof(probe), probe))
		return false;
	off -= ICMP6_HLEN;
	if (at.at_nxt == IPPROTO_UDP)
		return icmp6_input_ping(ifp, m, off, icmp, true, probe);
	return at.at_nxt == IPPROTO_ICMPV6 && probe[0] == ICMP6H_ECHO &&
	    icmp6_input_ping(ifp, m, off, icmp, false, probe);
}

static bool
icmp6_cksum_ok(const struct mbuf *m, unsigned off)
{
	unsigned len = m->m_pktlen - off;

	return (m->m_csum_flags & (M_CSUM_VALID | M_CSUM_PARTIAL)) != 0 ||
	    in_cksum_mbuf(m, off, len, in6_cksum_pseudo(mtoip6(m)->ip6_src,
	    IPPROTO_ICMPV6, len)) == 0;
}

void
icmp6_input(struct ifnet *ifp, struct mbuf *m, unsigned off)
{
	struct icmphdr6 icmp;
	bool wanted = false;

	if (!m_copydata(m, off, ICMP6_HLEN, &icmp)) {
		m_drop(ifp, m, DROP_ICMP6_SHORT);
		return;
	}
	if (!icmp6_cksum_ok(m, off)) {
		m_drop(ifp, m, DROP_ICMP6_CSUM);
		return;
	}
	if (icmp.icmp6_type == ICMP6H_ECHO) {
		icmp6_input_echo(ifp, m, off);
		return;
	}
	if (icmp.icmp6_type >= ICMP6H_ND_FIRST &&
	    icmp.icmp6_type <= ICMP6H_ND_REDIRECT) {
		nd6_input(ifp, m, off);
		return;
	}
	if ((icmp.icmp6_type >= MLD6_QUERY && icmp.icmp6_type <= MLD6_DONE) ||
	    icmp.icmp6_type == MLD6_V2_REPORT) {
		mld6_input(ifp, m, off, icmp.icmp6_type);
		return;
	}
	if (icmp.icmp6_type == ICMP6H_ECHOREPLY) {
		cpu_stat_add(&ip6_stats(ifp->if_vnet)->icp6s_reply, 1);
		wanted = icmp6_input_ping(ifp, m, off, &icmp, false, &icmp);
	} else if (icmp.icmp6_type < ICMP6H_ECHO)
		wanted = icmp6_input_error(ifp, m, off, &icmp);
	if (icmp.icmp6_type == ICMP6H_TOOBIG && ip6_pmtu_input(ifp, m,
	    off + ICMP6_HLEN, be32(icmp.icmp6_word), wanted))
		wanted = true;
	if (!wanted) {
		m_drop(ifp, m, DROP_ICMP6_UNWANTED);
		return;
	}
	if_stat_add(ifp, IF_STAT_DELIVERED, 1);
	m_freem(m);
}

int
icmp6_init(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;

	vn->vn_ip6->i6_tokens = host_alloc(h, kern_ncpu(vn->vn_kern) *
	    IP_TOKENS_STRIDE * sizeof(struct ip_tokens), 64);
	return vn->vn_ip6->i6_tokens == NULL ? ENOMEM : 0;
}

void
icmp6_fini(struct vnet *vn)
{

	host_free(vn->vn_kern->k_host, vn->vn_ip6->i6_tokens);
}
