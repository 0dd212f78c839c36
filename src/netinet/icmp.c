/*
 * icmp: control messages (RFC 792, RFC 1122 3.2.2, RFC 1812 4.3): errors about
 * packets, echo replies, and received messages for this host.
 */

#include <errno.h>

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/ip_var.h"
#include "netinet/ping.h"

/* An error quotes as much as fits in 576 bytes (RFC 1812 4.3.2.3). */
#define ICMP_ERRMAX	576

/* One CPU's share of the vnet's limit. */
static bool
icmp_allowed(struct vnet *vn)
{
	struct ip_vnet *iv = vn->vn_ip;

	if (ip_token_take_share(vn, iv->iv_icmp->icv_tokens,
	    ip_setting(&iv->iv_icmp_errppslim)))
		return true;
	cpu_stat_add(&ip_stats(vn)->icps_limited, 1);
	return false;
}

/* Is m itself an ICMP error, or may it be one? */
static bool
icmp_is_error(const struct mbuf *m, const struct iphdr4 *ip)
{
	uint8_t type;

	if (ip->ip_p != IPPROTO_ICMP)
		return false;
	if (!m_copydata(m, ip_hlen(ip), 1, &type))
		return true;
	switch (type) {
	case ICMP4_UNREACH:
	case ICMP4_QUENCH:
	case ICMP4_REDIRECT:
	case ICMP4_TIMXCEED:
	case ICMP4_PARAMPROB:
		return true;
	default:
		return false;
	}
}

/* Is this a packet about which no error is ever sent (RFC 1122 3.2.2)? */
static bool
icmp_forbidden(struct ifnet *ifp, const struct mbuf *m)
{
	const struct iphdr4 *ip = mtoip(m);
	struct fwd fd;

	if ((m->m_flags & (M_BCAST | M_MCAST)) != 0 ||
	    (be16(ip->ip_off) & IP_OFFMASK) != 0 || icmp_is_error(m, ip) ||
	    in_is_multicast(ip->ip_dst) || ip->ip_dst == INADDR_BROADCAST)
		return true;
	if (!in_ordinary(ip->ip_src) && !in_is_loopback(ip->ip_src))
		return true;
	fd = rt_lookup4(rt_table_of(ifp), ip->ip_dst);
	if (fwd_is_broadcast(&fd))
		return true;
	fd = rt_lookup4(rt_table_of(ifp), ip->ip_src);
	return fwd_is_broadcast(&fd);
}

/*
 * Build an error message: IP header, ICMP header with `word', and the quoted
 * packet.  NULL: no buffer.
 */
static struct mbuf *
icmp_build(const struct mbuf *m, uint8_t type, uint8_t code, uint32_t word,
    uint32_t src, uint32_t dst)
{
	const unsigned hdr = IP_HLEN_MIN + ICMP_HLEN;
	unsigned quote;
	struct icmphdr4 *icmp;
	struct iphdr4 *ip;
	struct mbuf *n;

	n = m_gethdr();
	if (n == NULL)
		return NULL;
	quote = m->m_pktlen < ICMP_ERRMAX - hdr ? m->m_pktlen :
	    ICMP_ERRMAX - hdr;
	ip = (struct iphdr4 *)(void *)n->m_data;
	memset(ip, 0, hdr);
	if (!m_copydata(m, 0, quote, n->m_data + hdr)) {
		m_freem(n);
		return NULL;
	}
	n->m_len = n->m_pktlen = hdr + quote;
	ip->ip_vhl = 0x45;
	ip->ip_tos = 0xc0;	/* internetwork control: RFC 1812 4.3.2.5 */
	ip->ip_p = IPPROTO_ICMP;
	ip->ip_src = src;
	ip->ip_dst = dst;
	icmp = (struct icmphdr4 *)(void *)(ip + 1);
	icmp->icmp_type = type;
	icmp->icmp_code = code;
	icmp->icmp_word = word;
	icmp->icmp_cksum = in_cksum_fold(in_cksum_add(icmp, ICMP_HLEN + quote,
	    0));
	return n;
}

static void
icmp_count_error(struct ip_stats *ips, uint8_t type, uint8_t code)
{

	cpu_stat_add(&ips->icps_error, 1);
	if (type == ICMP4_TIMXCEED)
		cpu_stat_add(&ips->icps_timxceed, 1);
	else if (type == ICMP4_UNREACH && code == ICMP4_UNREACH_NEEDFRAG)
		cpu_stat_add(&ips->icps_needfrag, 1);
	else if (type == ICMP4_UNREACH)
		cpu_stat_add(&ips->icps_unreach, 1);
}

static bool
icmp_send_error(struct ifnet *ifp, struct mbuf *m, uint8_t type, uint8_t code,
    uint32_t word)
{
	struct vnet *vn = ifp->if_vnet;
	struct rt_table *tb = rt_table_of(ifp);
	const struct iphdr4 *ip = mtoip(m);
	struct mbuf *n;
	struct fwd fd;
	uint32_t src;

	if (icmp_forbidden(ifp, m)) {
		cpu_stat_add(&ip_stats(vn)->icps_oldicmp, 1);
		return false;
	}
	if (!icmp_allowed(vn))
		return false;
	/*
	 * The source is the address that the packet was sent to, when that is
	 * local, else an address of the receiving interface, or else another
	 * address of the router (RFC 1812 4.3.2.4).  For a packet of our own,
	 * it is an address of the interface that could not send it.
	 */
	fd = rt_lookup4(tb, ip->ip_dst);
	if (fwd_is_local(&fd) && in_local_usable(&fd, ip->ip_dst))
		src = ip->ip_dst;
	else if ((m->m_flags & M_LOCAL) != 0)
		src = ip->ip_src;
	else
		src = in_ownsource(ifp, ip->ip_src);
	if (src == 0)
		return false;
	n = icmp_build(m, type, code, word, src, ip->ip_src);
	if (n == NULL)
		return false;
	icmp_count_error(ip_stats(vn), type, code);
	(void)ip_output(tb, n, 0);
	return true;
}

void
icmp_error(struct ifnet *ifp, struct mbuf *m, uint8_t type, uint8_t code,
    uint32_t mtu)
{
	uint32_t word = 0;

	if (type == ICMP4_UNREACH && code == ICMP4_UNREACH_NEEDFRAG)
		word = be32(mtu < 65535 ? mtu : 65535);
	else if (type == ICMP4_PARAMPROB)
		word = be32(mtu);
	(void)icmp_send_error(ifp, m, type, code, word);
}

void
icmp_redirect(struct ifnet *ifp, struct mbuf *m, uint32_t gw)
{

	/* Hosts accept a redirect from their router's address on that network
	 * only (RFC 1122 3.2.2.2): with another source it is useless. */
	if (in_ifsource(ifp, mtoip(m)->ip_src) == 0)
		return;
	if (icmp_send_error(ifp, m, ICMP4_REDIRECT, ICMP4_REDIRECT_HOST, gw))
		cpu_stat_add(&ip_stats(ifp->if_vnet)->ips_redirectsent, 1);
}

/*
 * Turn a request into its reply, in its own buffer.  The packet was counted
 * as delivered.
 */
static void
icmp_reply_echo(struct ifnet *ifp, struct mbuf *m, uint32_t src)
{
	struct rt_table *tb = rt_table_of(ifp);
	struct iphdr4 *ip = mtoip(m), old = *ip;
	unsigned hlen = ip_hlen(ip), optlen = 0;
	uint8_t opts[IP_OPTLEN_MAX] = { 0 };
	struct icmphdr4 *icmp;
	uint32_t c;

	/*
	 * Record route and time stamp options go on recording on the way back,
	 * with this host's entry in between (RFC 1122 3.2.2.6); other options
	 * are not sent back.
	 */
	if (hlen > IP_HLEN_MIN) {
		ip_options_stamp(tb, ip, src);
		optlen = ip_options_echo(ip, opts);
		m_adj_fast(m, hlen - IP_HLEN_MIN - optlen);
		ip = mtoip(m);
	}
	memset(ip, 0, sizeof(*ip));
	if (optlen != 0)
		memcpy(ip + 1, opts, optlen);
	ip->ip_vhl = (uint8_t)(0x40 | (IP_HLEN_MIN + optlen) >> 2);
	ip->ip_tos = old.ip_tos;
	ip->ip_p = IPPROTO_ICMP;
	ip->ip_src = src;
	ip->ip_dst = old.ip_src;
	icmp = (struct icmphdr4 *)(void *)((uint8_t *)(ip + 1) + optlen);
	icmp->icmp_type = ICMP4_ECHOREPLY;
	/* The type changes from 8 to 0: the checksum is adjusted by that (RFC
	 * 1624). */
	c = (uint32_t)icmp->icmp_cksum + ICMP4_ECHO;
	icmp->icmp_cksum = (uint16_t)(c + (c >> 16));
	m->m_csum_flags = 0;
	m->m_ptr = NULL;
	m->m_loops = 0;
	cpu_stat_add(&ip_stats(tb->tb_vnet)->icps_echo, 1);
	(void)ip_output(tb, m, 0);
}

static void
icmp_input_echo(struct ifnet *ifp, struct mbuf *m)
{
	struct vnet *vn = ifp->if_vnet;
	const struct iphdr4 *ip = mtoip(m);
	struct fwd fd = rt_lookup4(rt_table_of(ifp), ip->ip_dst);
	uint32_t src = ip->ip_dst;
	struct mbuf *n;

	if (!fwd_is_local(&fd)) {
		/* Broadcast or multicast. */
		if (__atomic_load_n(&vn->vn_ip->iv_icmp_bmcastecho,
		    __ATOMIC_RELAXED) == 0) {
			m_drop(ifp, m, DROP_ICMP_BCAST);
			return;
		}
		src = in_ownsource(ifp, ip->ip_src);
	}
	if (!in_ordinary(ip->ip_src) && !in_is_loopback(ip->ip_src)) {
		m_drop(ifp, m, DROP_IP_SRC);
		return;
	}
	n = m_pullup(m, ip_hlen(ip) + ICMP_HLEN);
	if (n == NULL) {
		m_drop(ifp, m, DROP_NO_MBUF);
		return;
	}
	if_stat_add(ifp, IF_STAT_DELIVERED, 1);
	icmp_reply_echo(ifp, n, src);
}

/* Tell a ping what came back for the probe with this header; false: no ping
 * waits for it. */
static bool
icmp_input_ping(struct ifnet *ifp, const struct mbuf *m,
    const struct icmphdr4 *icmp, bool udp, const void *probe)
{
	const struct iphdr4 *ip = mtoip(m);
	struct ping_reply pr = {
		.pr_from = neigh_addr4(ip->ip_src), .pr_hlim = ip->ip_ttl,
		.pr_type = icmp->icmp_type, .pr_code = icmp->icmp_code,
		.pr_bytes = m->m_pktlen - ip_hlen(ip),
	};

	if (icmp->icmp_type == ICMP4_UNREACH &&
	    icmp->icmp_code == ICMP4_UNREACH_NEEDFRAG)
		pr.pr_mtu = be32(icmp->icmp_word) & 0xffff;	/* RFC 1191 4 */
	return ping_input(rt_table_of(ifp), AF_INET, udp, probe, &pr);
}

/* Is an ICMP error about a probe of this host? */
static bool
icmp_input_error(struct ifnet *ifp, struct mbuf *m, const struct icmphdr4 *icmp)
{
	unsigned at = ip_hlen(mtoip(m)) + ICMP_HLEN;
	uint8_t probe[PING_HLEN];
	struct iphdr4 qip;

	if (!m_copydata(m, at, sizeof(qip), &qip) || qip.ip_vhl >> 4 != 4 ||
	    ip_hlen(&qip) < IP_HLEN_MIN ||
	    (be16(qip.ip_off) & IP_OFFMASK) != 0 ||
	    !m_copydata(m, at + ip_hlen(&qip), sizeof(probe), probe))
		return false;
	if (qip.ip_p == IPPROTO_UDP)
		return icmp_input_ping(ifp, m, icmp, true, probe);
	return qip.ip_p == IPPROTO_ICMP && probe[0] == ICMP4_ECHO &&
	    icmp_input_ping(ifp, m, icmp, false, probe);
}

void
icmp_input(struct ifnet *ifp, struct mbuf *m)
{
	const struct iphdr4 *ip = mtoip(m);
	unsigned hlen = ip_hlen(ip), len = m->m_pktlen - hlen;
	struct icmphdr4 icmp;
	bool wanted = false;

	if (!m_copydata(m, hlen, ICMP_HLEN, &icmp)) {
		m_drop(ifp, m, DROP_ICMP_SHORT);
		return;
	}
	if (in_cksum_mbuf(m, hlen, len, 0) != 0) {
		m_drop(ifp, m, DROP_ICMP_CSUM);
		return;
	}
	switch (icmp.icmp_type) {
	case ICMP4_ECHO:
		icmp_input_echo(ifp, m);
		return;
	case ICMP4_ECHOREPLY:
		cpu_stat_add(&ip_stats(ifp->if_vnet)->icps_reply, 1);
		wanted = icmp_input_ping(ifp, m, &icmp, false, &icmp);
		break;
	case ICMP4_UNREACH:
	case ICMP4_TIMXCEED:
	case ICMP4_PARAMPROB:
	case ICMP4_QUENCH:
		wanted = icmp_input_error(ifp, m, &icmp);
		if (icmp.icmp_type == ICMP4_UNREACH &&
		    icmp.icmp_code == ICMP4_UNREACH_NEEDFRAG &&
		    ip_pmtu_input(ifp, m, hlen + ICMP_HLEN,
		    be32(icmp.icmp_word) & 0xffff, wanted))
			wanted = true;
		break;
	case ICMP4_REDIRECT:
		wanted = icmp_redirect_input(ifp, m, &icmp);
		/* A ping tells what it was answered, too. */
		if (icmp_input_error(ifp, m, &icmp))
			wanted = true;
		break;
	default:
		break;
	}
	if (!wanted) {
		m_drop(ifp, m, DROP_ICMP_UNWANTED);
		return;
	}
	if_stat_add(ifp, IF_STAT_DELIVERED, 1);
	m_freem(m);
}

int
icmp_init(struct vnet *vn)
{
	struct icmp_vnet *icv;

	icv = kmem_zalloc(vn->vn_kern, sizeof(*icv));
	if (icv == NULL)
		return ENOMEM;
	icv->icv_tokens = host_alloc(vn->vn_kern->k_host,
	    kern_ncpu(vn->vn_kern) * 64, 64);
	if (icv->icv_tokens == NULL) {
		kmem_free(vn->vn_kern, icv);
		return ENOMEM;
	}
	icv->icv_task.kt_fn = icmp_redirect_task;
	icv->icv_task.kt_arg = vn;
	vn->vn_ip->iv_icmp = icv;
	return 0;
}

void
icmp_fini(struct vnet *vn)
{
	struct icmp_vnet *icv = vn->vn_ip->iv_icmp;

	ktask_cancel(vn->vn_kern, &icv->icv_task);
	host_free(vn->vn_kern->k_host, icv->icv_tokens);
	kmem_free(vn->vn_kern, icv->icv_ping);
	kmem_free(vn->vn_kern, icv);
	vn->vn_ip->iv_icmp = NULL;
}
