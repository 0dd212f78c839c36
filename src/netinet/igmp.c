/*
 * igmp: the messages by which hosts and routers of a link speak of IPv4
 * groups: IGMPv3 (RFC 3376), IGMPv2 (RFC 2236), IGMPv1 (RFC 1112 appendix I).
 * When they are sent is net/mcast.h's part.
 */

#include <stddef.h>

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/mcast.h"
#include "netinet/ip_var.h"

#define IGMP_QUERY	0x11
#define IGMP_V1_REPORT	0x12
#define IGMP_V2_REPORT	0x16
#define IGMP_V2_LEAVE	0x17
#define IGMP_V3_REPORT	0x22

#define IPOPT_RA	148	/* router alert (RFC 2113 2.1) */
#define RA_LEN		4

/* A message of the older versions, and the beginning of a query. */
struct igmphdr {
	uint8_t		 ig_type;
	uint8_t		 ig_code;	/* tenths of a second */
	uint16_t	 ig_cksum;
	uint32_t	 ig_group;
} __attribute__((__packed__));

struct igmp_query3 {
	struct igmphdr	 iq_hdr;
	uint8_t		 iq_misc;	/* robustness in the low 3 bits */
	uint8_t		 iq_interval;	/* s */
	uint16_t	 iq_nsrc;
} __attribute__((__packed__));

struct igmp_report3 {
	uint8_t		 ir_type, ir_zero;
	uint16_t	 ir_cksum, ir_zero2, ir_n;
} __attribute__((__packed__));

struct igmp_record {
	uint8_t		 ic_type, ic_auxlen;
	uint16_t	 ic_nsrc;
	uint32_t	 ic_group;
} __attribute__((__packed__));
#define IGMP_MODE_IS_EXCLUDE	2
#define IGMP_TO_INCLUDE		3
#define IGMP_TO_EXCLUDE		4

_Static_assert(sizeof(struct igmphdr) == 8 &&
    sizeof(struct igmp_query3) == 12 && sizeof(struct igmp_record) == 8,
    "RFC 3376 4");

#define IGMP_ROUTERS	0xe0000002u	/* 224.0.0.2, host order */
#define IGMP_REPORTS	0xe0000016u	/* 224.0.0.22 */

/* --- sending -------------------------------------------------------------- */

/* A packet with a header and a router alert, without a payload; NULL: there is
 * no buffer. */
static struct mbuf *
igmp_packet(struct ifnet *ifp, uint32_t dst)
{
	static const uint8_t alert[RA_LEN] = { IPOPT_RA, RA_LEN, 0, 0 };
	struct iphdr4 *ip;
	struct mbuf *m;

	m = m_gethdr();
	if (m == NULL)
		return NULL;
	ip = mtoip(m);
	memset(ip, 0, sizeof(*ip));
	ip->ip_vhl = 4 << 4 | (IP_HLEN_MIN + RA_LEN) / 4;
	ip->ip_tos = 0xc0;	/* RFC 3376 4 */
	ip->ip_ttl = 1;
	ip->ip_p = IPPROTO_IGMP;
	ip->ip_dst = dst;
	/* RFC 3376 4.2.13: 0.0.0.0 of who has no address yet. */
	ip->ip_src = in_ifsource(ifp, dst);
	memcpy(ip + 1, alert, sizeof(alert));
	m->m_len = IP_HLEN_MIN + RA_LEN;
	return m;
}

/* Send a packet whose message begins behind the header. */
static void
igmp_send(struct ifnet *ifp, struct mbuf *m)
{
	const struct nexthop nh = { .nh_ifp = ifp, .nh_family = AF_INET };
	struct iphdr4 *ip = mtoip(m);
	unsigned off = IP_HLEN_MIN + RA_LEN;
	uint16_t *cksum = (uint16_t *)(void *)(m->m_data + off + 2);

	m->m_pktlen = m->m_len;
	m->m_rcvif = 0;
	m->m_flags = M_LOCAL | M_MCAST;
	*cksum = 0;
	*cksum = in_cksum_mbuf(m, off, m->m_len - off, 0);
	ip->ip_len = be16((uint16_t)m->m_pktlen);
	ip->ip_id = ip_newid();
	ip_set_cksum(ip);
	/* Good until the packet has its link-level header, in this call. */
	/* cppcheck-suppress autoVariables */
	m->m_nh = &nh;
	cpu_stat_add(&ip_stats(ifp->if_vnet)->igps_sent, 1);
	ip_out_one(ifp, m);
}

static void
igmp_send_old(struct ifnet *ifp, uint8_t type, uint32_t group)
{
	struct igmphdr *ig;
	struct mbuf *m;

	m = igmp_packet(ifp, type == IGMP_V2_LEAVE ? be32(IGMP_ROUTERS) :
	    group);
	if (m == NULL)
		return;
	ig = (struct igmphdr *)(void *)(m->m_data + m->m_len);
	memset(ig, 0, sizeof(*ig));
	ig->ig_type = type;
	ig->ig_group = group;
	m->m_len += sizeof(*ig);
	igmp_send(ifp, m);
}

/* A report of n groups, which fit. */
static void
igmp_send_new(struct ifnet *ifp, uint8_t type, const union neigh_addr *na,
    unsigned n)
{
	struct igmp_report3 *ir;
	struct igmp_record *ic;
	struct mbuf *m;

	m = igmp_packet(ifp, be32(IGMP_REPORTS));
	if (m == NULL)
		return;
	ir = (struct igmp_report3 *)(void *)(m->m_data + m->m_len);
	memset(ir, 0, sizeof(*ir) + n * sizeof(*ic));
	ir->ir_type = IGMP_V3_REPORT;
	ir->ir_n = be16((uint16_t)n);
	ic = (struct igmp_record *)(void *)(ir + 1);
	for (unsigned i = 0; i < n; i++) {
		ic[i].ic_type = type;
		ic[i].ic_group = na[i].na_4;
	}
	m->m_len += sizeof(*ir) + n * (unsigned)sizeof(*ic);
	igmp_send(ifp, m);
}

void
igmp_report(struct ifnet *ifp, int version, int what,
    const union neigh_addr *na, unsigned n, bool last)
{
	uint8_t type = what == MCAST_LEFT ? IGMP_V2_LEAVE :
	    version == MCAST_OLDEST ? IGMP_V1_REPORT : IGMP_V2_REPORT;
	unsigned mtu, fit;

	(void)last;
	if (version != MCAST_NEW) {
		for (unsigned i = 0; i < n; i++)
			igmp_send_old(ifp, type, na[i].na_4);
		return;
	}
	type = what == MCAST_IS ? IGMP_MODE_IS_EXCLUDE :
	    what == MCAST_JOINED ? IGMP_TO_EXCLUDE : IGMP_TO_INCLUDE;
	mtu = __atomic_load_n(&ifp->if_mtu, __ATOMIC_RELAXED);
	fit = mtu < 64 ? 1 : (mtu - IP_HLEN_MIN - RA_LEN -
	    (unsigned)sizeof(struct igmp_report3)) / sizeof(struct igmp_record);
	for (unsigned done = 0; done < n; done += fit) {
		if (fit > n - done)
			fit = n - done;
		igmp_send_new(ifp, type, na + done, fit);
	}
}

/* --- received messages ---------------------------------------------------- */

/* Does a packet have the router alert? */
static bool
igmp_has_alert(const struct iphdr4 *ip)
{
	const uint8_t *cp = (const uint8_t *)(ip + 1);
	const uint8_t *end = (const uint8_t *)ip + ip_hlen(ip);

	while (cp < end && *cp != IPOPT_EOL) {
		if (*cp == IPOPT_NOP) {
			cp++;
			continue;
		}
		if (end - cp < 2 || cp[1] < 2 || cp[1] > end - cp)
			return false;
		if (cp[0] == IPOPT_RA)
			return true;
		cp += cp[1];
	}
	return false;
}

/* A code that stands for up to 31744 (RFC 3376 4.1.1, 4.1.7). */
static unsigned
igmp_code(uint8_t code)
{

	return code < 128 ? code :
	    ((code & 0xfu) | 0x10) << ((code >> 4 & 7) + 3);
}

/* Read a query; false: it makes no sense. */
static bool
igmp_get_query(const struct mbuf *m, unsigned off, unsigned len,
    struct mcast_query *mq)
{
	const struct iphdr4 *ip = mtoip(m);
	struct igmp_query3 iq;

	memset(mq, 0, sizeof(*mq));
	memset(&iq, 0, sizeof(iq));
	/* RFC 3376 7.1: which version it is the length says. */
	if (len != sizeof(iq.iq_hdr) && len < sizeof(iq))
		return false;
	(void)m_copydata(m, off, len < sizeof(iq) ? len : sizeof(iq), &iq);
	if (iq.iq_hdr.ig_group != 0 && !in_is_multicast(iq.iq_hdr.ig_group))
		return false;
	/* A general query is for all hosts; another, for its group, too. */
	mq->mq_general = iq.iq_hdr.ig_group == 0;
	if (mq->mq_general && in_is_multicast(ip->ip_dst) &&
	    ip->ip_dst != htonl(INADDR_ALLHOSTS_GROUP))
		return false;
	mq->mq_group = neigh_addr4(iq.iq_hdr.ig_group);
	if (len == sizeof(iq.iq_hdr)) {
		mq->mq_version = iq.iq_hdr.ig_code == 0 ? MCAST_OLDEST :
		    MCAST_OLD;
		/* RFC 2236 4: ten seconds is what version 1 means. */
		mq->mq_delay_ns = (iq.iq_hdr.ig_code == 0 ? 100 :
		    iq.iq_hdr.ig_code) * (MCAST_NS / 10);
		return true;
	}
	/* Sources follow; a query of some of them is answered as one of the
	 * group, since all are received. */
	if (len < sizeof(iq) + be16(iq.iq_nsrc) * 4u ||
	    (mq->mq_general && iq.iq_nsrc != 0) || !igmp_has_alert(ip))
		return false;
	mq->mq_version = MCAST_NEW;
	mq->mq_delay_ns = igmp_code(iq.iq_hdr.ig_code) * (MCAST_NS / 10);
	mq->mq_robust = iq.iq_misc & 7;
	mq->mq_interval_ns = igmp_code(iq.iq_interval) * MCAST_NS;
	return true;
}

/* The reason to drop a message; DROP_NREASONS: it was handled. */
static enum drop_reason
igmp_handle(struct ifnet *ifp, const struct mbuf *m)
{
	struct ip_stats *ips = ip_stats(ifp->if_vnet);
	const struct iphdr4 *ip = mtoip(m);
	unsigned off = ip_hlen(ip), len = m->m_pktlen - off;
	struct mcast_query mq;
	union neigh_addr na;
	struct igmphdr ig;

	if (!m_copydata(m, off, sizeof(ig), &ig))
		return DROP_IGMP_SHORT;
	if (in_cksum_mbuf(m, off, len, 0) != 0)
		return DROP_IGMP_CSUM;
	/* No router passes them on (RFC 3376 4). */
	if (ip->ip_ttl != 1)
		return DROP_IGMP_BAD;
	switch (ig.ig_type) {
	case IGMP_QUERY:
		if (!igmp_get_query(m, off, len, &mq))
			return DROP_IGMP_BAD;
		cpu_stat_add(&ips->igps_queries, 1);
		return mcast_query(ifp, DOM_SLOT_INET, &mq) ? DROP_NREASONS :
		    DROP_IGMP_LIMIT;
	case IGMP_V1_REPORT:
	case IGMP_V2_REPORT:
		if (!in_is_multicast(ig.ig_group) ||
		    ip->ip_dst != ig.ig_group)
			return DROP_IGMP_BAD;
		cpu_stat_add(&ips->igps_reports, 1);
		na = neigh_addr4(ig.ig_group);
		mcast_heard(ifp, DOM_SLOT_INET, &na);
		return DROP_NREASONS;
	default:
		return DROP_IGMP_UNWANTED;
	}
}

void
igmp_input(struct ifnet *ifp, struct mbuf *m)
{
	enum drop_reason why = igmp_handle(ifp, m);

	if (why != DROP_NREASONS) {
		m_drop(ifp, m, why);
		return;
	}
	if_stat_add(ifp, IF_STAT_DELIVERED, 1);
	m_freem(m);
}

bool
in_listens(struct ifnet *ifp, uint32_t group)
{
	union neigh_addr na;

	if (group == htonl(INADDR_ALLHOSTS_GROUP))
		return true;	/* RFC 1112 4 */
	na = neigh_addr4(group);
	return mcast_is_member(ifp, DOM_SLOT_INET, &na);
}
