/*
 * mld6: the messages by which hosts and routers of a link speak of IPv6
 * groups: MLDv2 (RFC 3810) and MLDv1 (RFC 2710), in ICMPv6.  When they are sent
 * is net/mcast.h's part.
 */

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/mcast.h"
#include "netinet6/ip6_var.h"
#include "netinet6/mld6.h"

/* A hop-by-hop header with a router alert for MLD (RFC 2711 2.1), and padding
 * behind it. */
struct mld_alert {
	uint8_t		 ma_nxt, ma_len;
	uint8_t		 ma_opt, ma_optlen;
	uint16_t	 ma_value;	/* 0: MLD */
	uint8_t		 ma_pad, ma_padlen;
} __attribute__((__packed__));

/* A message of version 1, and the beginning of a query. */
struct mldhdr {
	struct icmphdr6	 ml_icmp;	/* id: response delay */
	uint8_t		 ml_group[16];
} __attribute__((__packed__));

struct mld_query2 {
	struct mldhdr	 mq_hdr;
	uint8_t		 mq_misc;	/* robustness in the low 3 bits */
	uint8_t		 mq_interval;	/* s */
	uint16_t	 mq_nsrc;
} __attribute__((__packed__));

struct mld_report2 {
	struct icmphdr6	 mr_icmp;	/* seq: number of records */
} __attribute__((__packed__));

struct mld_record {
	uint8_t		 mc_type, mc_auxlen;
	uint16_t	 mc_nsrc;
	uint8_t		 mc_group[16];
} __attribute__((__packed__));
#define MLD_MODE_IS_EXCLUDE	2
#define MLD_TO_INCLUDE		3
#define MLD_TO_EXCLUDE		4

_Static_assert(sizeof(struct mldhdr) == 24 &&
    sizeof(struct mld_query2) == 28 && sizeof(struct mld_record) == 20,
    "RFC 3810 5");
/* One more than a batch: routers of a link have a group more. */
_Static_assert(IP6_HLEN + sizeof(struct mld_alert) +
    sizeof(struct mld_report2) + (MCAST_BATCH + 1) *
    sizeof(struct mld_record) <= IP6_MMTU, "a report fits every link");

/* --- sending -------------------------------------------------------------- */

/* A group ff02::id of the link, inner. */
static union neigh_addr
link_group(const struct ifnet *ifp, uint8_t id)
{
	union neigh_addr na = { .na_bytes = { 0xff, 2, [15] = id } };

	(void)zone6_enter(na.na_bytes, ifp->if_index);
	return na;
}

/* Is the host a router, and therefore in a group that no list has? */
static bool
is_router(const struct ifnet *ifp)
{

	return ip_setting(&ifp->if_vnet->vn_ip6->i6_forwarding) != 0;
}

/* A packet with a router alert, without a message; NULL: there is no buffer. */
static struct mbuf *
mld_packet(struct ifnet *ifp, const union neigh_addr *dst)
{
	union neigh_addr src, all = link_group(ifp, 1);
	struct mld_alert *ma;
	struct iphdr6 *ip6;
	struct mbuf *m;

	m = m_gethdr();
	if (m == NULL)
		return NULL;
	m->m_len = IP6_HLEN + sizeof(*ma);
	memset(m->m_data, 0, m->m_len);
	ip6 = mtoip6(m);
	ip6->ip6_nxt = IPPROTO_HOPOPTS;
	memcpy(ip6->ip6_dst, dst, sizeof(*dst));
	/* RFC 3810 5.2.13: a link-local one, or :: while there is none yet. */
	if (in6_source(ifp, &all, &src) && zone6_is_linklocal(src.na_bytes))
		memcpy(ip6->ip6_src, &src, sizeof(src));
	ma = (struct mld_alert *)(void *)(ip6 + 1);
	ma->ma_nxt = IPPROTO_ICMPV6;
	ma->ma_opt = IP6OPT_ALERT;
	ma->ma_optlen = 2;
	ma->ma_pad = IP6OPT_PADN;
	return m;
}

static void
mld_send(struct ifnet *ifp, struct mbuf *m)
{
	const struct ip6_out how = {
		.io_ifp = ifp, .io_hlim = 1, .io_flags = IP6_OUT_SOURCE,
	};

	m->m_pktlen = m->m_len;
	cpu_stat_add(&ip6_stats(ifp->if_vnet)->mlds_sent, 1);
	(void)ip6_output(rt_table_of(ifp), m, &how);
}

static void
mld_send_old(struct ifnet *ifp, uint8_t type, const union neigh_addr *group)
{
	const union neigh_addr routers = link_group(ifp, 2);
	struct mldhdr *ml;
	struct mbuf *m;

	m = mld_packet(ifp, type == MLD6_DONE ? &routers : group);
	if (m == NULL)
		return;
	ml = (struct mldhdr *)(void *)(m->m_data + m->m_len);
	memset(ml, 0, sizeof(*ml));
	ml->ml_icmp.icmp6_type = type;
	memcpy(ml->ml_group, group, sizeof(*group));
	zone6_leave(ml->ml_group);
	m->m_len += sizeof(*ml);
	mld_send(ifp, m);
}

static void
put_record(struct mld_record *mc, uint8_t type, const union neigh_addr *na)
{

	memset(mc, 0, sizeof(*mc));
	mc->mc_type = type;
	memcpy(mc->mc_group, na, sizeof(*na));
	zone6_leave(mc->mc_group);
}

/* A report of n groups, and of the routers' if that is wanted. */
static void
mld_send_new(struct ifnet *ifp, uint8_t type, const union neigh_addr *na,
    unsigned n, bool router)
{
	const union neigh_addr to = link_group(ifp, 0x16);
	const union neigh_addr routers = link_group(ifp, 2);
	struct mld_report2 *mr;
	struct mld_record *mc;
	struct mbuf *m;

	m = mld_packet(ifp, &to);
	if (m == NULL)
		return;
	mr = (struct mld_report2 *)(void *)(m->m_data + m->m_len);
	memset(mr, 0, sizeof(*mr));
	mr->mr_icmp.icmp6_type = MLD6_V2_REPORT;
	mc = (struct mld_record *)(void *)(mr + 1);
	for (unsigned i = 0; i < n; i++)
		put_record(mc++, type, &na[i]);
	if (router)
		put_record(mc++, type, &routers);
	mr->mr_icmp.icmp6_echo.seq = be16((uint16_t)(n + router));
	m->m_len = (unsigned)((uint8_t *)mc - m->m_data);
	mld_send(ifp, m);
}

void
mld6_report(struct ifnet *ifp, int version, int what,
    const union neigh_addr *na, unsigned n, bool last)
{
	const union neigh_addr routers = link_group(ifp, 2);
	bool router = last && is_router(ifp);
	uint8_t type;

	if (version != MCAST_NEW) {
		type = what == MCAST_LEFT ? MLD6_DONE : MLD6_REPORT;
		for (unsigned i = 0; i < n; i++)
			mld_send_old(ifp, type, &na[i]);
		if (router)
			mld_send_old(ifp, type, &routers);
		return;
	}
	type = what == MCAST_IS ? MLD_MODE_IS_EXCLUDE :
	    what == MCAST_JOINED ? MLD_TO_EXCLUDE : MLD_TO_INCLUDE;
	if (n != 0 || router)
		mld_send_new(ifp, type, na, n, router);
}

/* --- received messages ---------------------------------------------------- */

/* Does a packet have the router alert, in its hop-by-hop header, the options of
 * which were checked? */
static bool
has_alert(const struct mbuf *m)
{
	struct ip6_at at = ip6_at_first(0, mtoip6(m)->ip6_nxt), next = at;
	uint8_t opt[4];
	unsigned off;

	if (at.at_nxt != IPPROTO_HOPOPTS || !ip6_at_skip(m, &next))
		return false;
	for (off = at.at_off + 2; off < next.at_off;) {
		if (!m_copydata(m, off, 1, opt))
			return false;
		if (opt[0] == IP6OPT_PAD1) {
			off++;
			continue;
		}
		if (!m_copydata(m, off, 2, opt))
			return false;
		if (opt[0] == IP6OPT_ALERT)
			return opt[1] == 2 && m_copydata(m, off, 4, opt) &&
			    opt[2] == 0 && opt[3] == 0;
		off += 2u + opt[1];
	}
	return false;
}

/* A code that stands for up to 8387584 (RFC 3810 5.1.3). */
static uint64_t
delay_code(uint16_t code)
{

	return code < 32768 ? code :
	    ((code & 0xfffu) | 0x1000) << ((code >> 12 & 7) + 3);
}

/* Likewise of a byte (RFC 3810 5.1.9). */
static uint64_t
interval_code(uint8_t code)
{

	return code < 128 ? code :
	    ((code & 0xfu) | 0x10) << ((code >> 4 & 7) + 3);
}

/* Read a query; false: it makes no sense. */
static bool
get_query(const struct ifnet *ifp, const struct mbuf *m, unsigned off,
    struct mcast_query *mq)
{
	unsigned len = m->m_pktlen - off;
	struct mld_query2 q;
	uint16_t delay;

	memset(mq, 0, sizeof(*mq));
	memset(&q, 0, sizeof(q));
	/* RFC 3810 8.1: which version it is the length says. */
	if (len != sizeof(q.mq_hdr) && len < sizeof(q))
		return false;
	(void)m_copydata(m, off, len < sizeof(q) ? len : sizeof(q), &q);
	memcpy(&mq->mq_group, q.mq_hdr.ml_group, sizeof(mq->mq_group));
	mq->mq_general = ip6_is_unspecified(&mq->mq_group);
	if (!mq->mq_general && (!zone6_is_multicast(mq->mq_group.na_bytes) ||
	    !zone6_enter(mq->mq_group.na_bytes, ifp->if_index)))
		return false;
	delay = be16(q.mq_hdr.ml_icmp.icmp6_echo.id);
	if (len == sizeof(q.mq_hdr)) {
		mq->mq_version = MCAST_OLD;
		mq->mq_delay_ns = delay * (MCAST_NS / 1000);
		return true;
	}
	/* Sources follow; a query of some of them is answered as one of the
	 * group, since all are received. */
	if (len < sizeof(q) + be16(q.mq_nsrc) * 16u ||
	    (mq->mq_general && q.mq_nsrc != 0))
		return false;
	mq->mq_version = MCAST_NEW;
	mq->mq_delay_ns = delay_code(delay) * (MCAST_NS / 1000);
	mq->mq_robust = q.mq_misc & 7;
	mq->mq_interval_ns = interval_code(q.mq_interval) * MCAST_NS;
	return true;
}

static enum drop_reason
handle_query(struct ifnet *ifp, const struct mbuf *m, unsigned off)
{
	const union neigh_addr routers = link_group(ifp, 2);
	struct mcast_query mq;

	if (!get_query(ifp, m, off, &mq))
		return DROP_MLD_BAD;
	cpu_stat_add(&ip6_stats(ifp->if_vnet)->mlds_queries, 1);
	/* A report of all groups has the routers'. */
	if (!mq.mq_general && is_router(ifp) &&
	    neigh_addr_equal(&mq.mq_group, &routers))
		mq.mq_general = true;
	return mcast_query(ifp, DOM_SLOT_INET6, &mq) ? DROP_NREASONS :
	    DROP_MLD_LIMIT;
}

/* A report of version 1, by another host. */
static enum drop_reason
handle_report(struct ifnet *ifp, const struct mbuf *m, unsigned off)
{
	union neigh_addr na;
	struct mldhdr ml;

	if (!m_copydata(m, off, sizeof(ml), &ml))
		return DROP_MLD_BAD;
	memcpy(&na, ml.ml_group, sizeof(na));
	if (!zone6_is_multicast(na.na_bytes) ||
	    memcmp(na.na_bytes, mtoip6(m)->ip6_dst, 16) != 0 ||
	    !zone6_enter(na.na_bytes, ifp->if_index))
		return DROP_MLD_BAD;
	cpu_stat_add(&ip6_stats(ifp->if_vnet)->mlds_reports, 1);
	mcast_heard(ifp, DOM_SLOT_INET6, &na);
	return DROP_NREASONS;
}

static enum drop_reason
handle(struct ifnet *ifp, const struct mbuf *m, unsigned off, uint8_t type)
{
	const struct iphdr6 *ip6 = mtoip6(m);

	if (type == MLD6_DONE || type == MLD6_V2_REPORT)
		return DROP_MLD_UNWANTED;
	/* RFC 3810 6.2, RFC 2710 3: from this link, and as routers send it. */
	if (ip6->ip6_hlim != 1 || !has_alert(m) ||
	    !(zone6_is_linklocal(ip6->ip6_src) || (type == MLD6_REPORT &&
	    ip6_is_unspecified(ip6->ip6_src))))
		return DROP_MLD_BAD;
	return type == MLD6_QUERY ? handle_query(ifp, m, off) :
	    handle_report(ifp, m, off);
}

void
mld6_input(struct ifnet *ifp, struct mbuf *m, unsigned off, uint8_t type)
{
	enum drop_reason why = handle(ifp, m, off, type);

	if (why != DROP_NREASONS) {
		m_drop(ifp, m, why);
		return;
	}
	if_stat_add(ifp, IF_STAT_DELIVERED, 1);
	m_freem(m);
}
