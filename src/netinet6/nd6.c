/*
 * nd6: neighbour discovery's row of the neighbour cache, messages that are
 * sent, and its part of a vnet.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>

#include "net/if_addr_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "net/rtsock.h"
#include "netinet6/nd6_impl.h"

_Static_assert(NEIGH_TEXT_SIZE >= INET6_ADDRSTRLEN, "room for an address");

/* --- sending ------------------------------------------------------------- */

union neigh_addr
nd6_link_group(const struct ifnet *ifp, uint8_t id)
{
	union neigh_addr na = { .na_bytes = { 0xff, 0x02, [15] = id } };

	(void)zone6_enter(na.na_bytes, ifp->if_index);
	return na;
}

void
nd6_solicited_group(const struct ifnet *ifp, const union neigh_addr *na,
    union neigh_addr *group)
{

	in6_solicited_group(ifp->if_index, na, group);
}

static void
put_opt(struct mbuf *m, uint8_t type, const uint8_t *data)
{
	struct nd6_opt *no = (struct nd6_opt *)(void *)(m->m_data + m->m_len);

	if (data == NULL)
		return;
	no->no_type = type;
	no->no_len = 1;
	memcpy(no->no_data, data, sizeof(no->no_data));
	m->m_len += sizeof(*no);
}

static void
count_sent(const struct vnet *vn, uint8_t type)
{
	struct ip6_stats *i6s = ip6_stats(vn);

	cpu_stat_add(type == ND6_NS ? &i6s->nd6s_txns : &i6s->nd6s_txna, 1);
}

void
nd6_send(struct ifnet *ifp, uint8_t type, const union neigh_addr *src,
    const union neigh_addr *dst, const union neigh_addr *target,
    uint32_t flags, const uint8_t *lladdr, const uint8_t *nonce)
{
	const struct ip6_out how = {
		.io_ifp = ifp, .io_hlim = ND6_HLIM, .io_flags = IP6_OUT_SOURCE,
	};
	struct vnet *vn = ifp->if_vnet;
	struct nd6_neighbor *nd;
	struct iphdr6 *ip6;
	struct mbuf *m;

	m = m_gethdr();
	if (m == NULL)
		return;
	m->m_len = IP6_HLEN + sizeof(*nd);
	memset(m->m_data, 0, m->m_len);
	ip6 = mtoip6(m);
	ip6->ip6_nxt = IPPROTO_ICMPV6;
	if (src != NULL)
		memcpy(ip6->ip6_src, src, sizeof(*src));
	memcpy(ip6->ip6_dst, dst, sizeof(*dst));
	nd = (struct nd6_neighbor *)(void *)(ip6 + 1);
	nd->nd_icmp.icmp6_type = type;
	if (type == ND6_NA && ip_setting(&vn->vn_ip6->i6_forwarding) != 0)
		flags |= ND6_NA_ROUTER;
	nd->nd_icmp.icmp6_word = be32(flags);
	memcpy(nd->nd_target, target, sizeof(*target));
	zone6_leave(nd->nd_target);
	put_opt(m, type == ND6_NS ? ND6_OPT_SLLA : ND6_OPT_TLLA, lladdr);
	put_opt(m, ND6_OPT_NONCE, nonce);
	m->m_pktlen = m->m_len;
	count_sent(vn, type);
	(void)ip6_output(rt_table_of(ifp), m, &how);
}

void
nd6_ask(struct ifnet *ifp, const union neigh_addr *na, const uint8_t *lladdr)
{
	uint8_t own[ETHER_ADDR_LEN];
	union neigh_addr src, dst = *na;

	/* From :: it would be a check for duplicates; an interface whose
	 * addresses are being checked waits (RFC 4861 7.2.2). */
	if (!neigh_ifusable(ifp) || !in6_source(ifp, na, &src))
		return;
	if (lladdr == NULL)
		nd6_solicited_group(ifp, na, &dst);
	neigh_own_lladdr(ifp, own);
	nd6_send(ifp, ND6_NS, &src, &dst, na, 0, own, NULL);
}

/* --- the row of the neighbour cache -------------------------------------- */

bool
nd6_is_onlink(const struct ifnet *ifp, const union neigh_addr *na)
{
	struct fwd fd;

	if (zone6_is_linklocal(na->na_bytes))
		return zone6_of(na->na_bytes) == ifp->if_index;
	fd = rt_lookup6(rt_table_of(ifp), na->na_bytes);
	return fwd_is_onlink(&fd) && fd.fd_nh->nh_ifp == ifp;
}

void
nd6_resolve(struct ifnet *ifp, struct mbuf *m)
{
	const struct nexthop *nh = m->m_nh;
	union neigh_addr na;

	if ((nh->nh_flags & NH_GATEWAY) != 0)
		na = *nh_gateway(nh);
	else {
		memcpy(&na, mtoip6(m)->ip6_dst, sizeof(na));
		(void)zone6_enter(na.na_bytes, ifp->if_index);
	}
	neigh_resolve(ifp, DOM_SLOT_INET6, &na, m);
}

static void
nd6_tell(struct ifnet *rcvif, struct mbuf *m)
{

	icmp6_error(rcvif, m, ICMP6H_UNREACH, ICMP6H_UNREACH_ADDR, 0);
}

static void
nd6_count(const struct vnet *vn, enum neigh_count what)
{
	static const size_t offset[] = {
		[NEIGH_N_TIMEOUT] = offsetof(struct ip6_stats, nd6s_timeout),
		[NEIGH_N_LIMITED] = offsetof(struct ip6_stats, nd6s_limited),
		[NEIGH_N_FULL] = offsetof(struct ip6_stats, nd6s_full),
		[NEIGH_N_PUSHED_INCOMPLETE] =
		    offsetof(struct ip6_stats, nd6s_pushed_incomplete),
		[NEIGH_N_PUSHED_UNUSED] =
		    offsetof(struct ip6_stats, nd6s_pushed_unused),
		[NEIGH_N_PUSHED_IDLE] =
		    offsetof(struct ip6_stats, nd6s_pushed_idle),
		[NEIGH_N_CHANGED] = offsetof(struct ip6_stats, nd6s_changed),
		[NEIGH_N_REFUSED] = offsetof(struct ip6_stats, nd6s_refused),
	};

	cpu_stat_add((uint64_t *)(void *)((char *)ip6_stats(vn) +
	    offset[what]), 1);
}

/* One host may have all addresses of a /64, so these count as one. */
static uint32_t
nd6_source_hash(const struct mbuf *m)
{
	uint64_t w;

	memcpy(&w, mtoip6(m)->ip6_src, sizeof(w));
	return khash_u64(w);
}

static const char *
nd6_text(const union neigh_addr *na, char buf[NEIGH_TEXT_SIZE])
{
	union neigh_addr wire = *na;

	zone6_leave(wire.na_bytes);
	return inet_ntop(AF_INET6, &wire, buf, NEIGH_TEXT_SIZE);
}

static int
nd6_get(const struct sockaddr *sa, union neigh_addr *na)
{
	struct sockaddr_in6 sin6;

	if (sa == NULL || sa->sa_family != AF_INET6)
		return kern_refuse(EINVAL, "not an address of IPv6");
	memcpy(&sin6, sa, sizeof(sin6));
	if (zone6_from_sa(&sin6, na) != 0)
		return kern_refuse(EINVAL, "a link-local address needs its "
		    "interface, fe80::1%%tap0, and no other address has one");
	if (!in6_may_be_ours(na) || ip6_is_loopback(na))
		return kern_refuse(EINVAL, "not an address a host can have");
	return 0;
}

static struct ifnet *
nd6_ifp(struct vnet *vn, const union neigh_addr *na)
{
	struct fwd fd;

	if (zone6_is_scoped(na->na_bytes))
		return if_byindex(vn, zone6_of(na->na_bytes));
	fd = rt_lookup6(rt_main(vn), na->na_bytes);
	return fwd_is_onlink(&fd) ? fd.fd_nh->nh_ifp : NULL;
}

static bool
nd6_is_host(struct ifnet *ifp, const union neigh_addr *na)
{
	struct fwd fd = rt_lookup6(rt_table_of(ifp), na->na_bytes);

	return !fwd_is_local(&fd) && (!zone6_is_scoped(na->na_bytes) ||
	    zone6_of(na->na_bytes) == ifp->if_index);
}

/* A mix of both halves, by a secret, so that nobody chooses two addresses with
 * one place. */
static uint64_t
nd6_order(const struct neigh_table *nt, const union neigh_addr *na)
{
	uint64_t h = (na->na_words[0] + nt->nt_seed) * 0x9e3779b97f4a7c15ull;

	h = ((h ^ h >> 32) + na->na_words[1]) * 0xbf58476d1ce4e5b9ull;
	h = (h ^ h >> 29 ^ nt->nt_seed) * 0x94d049bb133111ebull;
	return h >> 1;
}

const struct neigh_proto nd6_proto = {
	.np_family = AF_INET6,
	.np_slot = DOM_SLOT_INET6,
	.np_ethertype = ETHERTYPE_IPV6,
	.np_stale_asks = true,
	.np_random = true,
	.np_settings = "net.inet6.icmp6",
	.np_counts = "net.inet6.icmp6.nd6_count",
	.np_maxentries = "net.inet6.icmp6.nd6_maxentries",
	.np_command = "ndp",
	.np_share = DROP_ND6_SHARE,
	.np_queue = DROP_ND6_QUEUE,
	.np_unresolved = DROP_ND6_UNRESOLVED,
	.np_rate = DROP_ND6_RATE,
	.np_full = DROP_ND6_FULL,
	.np_pushed = DROP_ND6_PUSHED,
	.np_gone = DROP_ND6_GONE,
	.np_ask = nd6_ask,
	.np_tell = nd6_tell,
	.np_count = nd6_count,
	.np_source = nd6_source_hash,
	.np_onlink = nd6_is_onlink,
	.np_text = nd6_text,
	.np_get = nd6_get,
	.np_ifp = nd6_ifp,
	.np_is_host = nd6_is_host,
	.np_order = nd6_order,
};

/* --- an interface -------------------------------------------------------- */

void
nd6_ifpurge(struct ifnet *ifp)
{

	neigh_ifpurge(ifp, DOM_SLOT_INET6);
}

void
nd6_ifsweep(struct ifnet *ifp)
{

	neigh_ifsweep(ifp, DOM_SLOT_INET6);
}

void
nd6_ifstale(struct ifnet *ifp)
{

	neigh_ifstale(ifp, DOM_SLOT_INET6);
}

void
nd6_ifrehead(struct ifnet *ifp)
{

	neigh_ifrehead(ifp, DOM_SLOT_INET6);
}

void
nd6_ifdetach(struct ifnet *ifp)
{

	neigh_ifdetach(ifp, DOM_SLOT_INET6);
}

uint64_t
nd6_oqueued(struct ifnet *ifp)
{

	return neigh_oqueued(ifp, DOM_SLOT_INET6);
}

int
nd6_request(struct vnet *vn, const void *rtm,
    const struct sockaddr *const *sa, void *answer, size_t *answerlen)
{

	return neigh_request(vn, DOM_SLOT_INET6, rtm, sa, answer, answerlen);
}

int
nd6_dump(struct ifnet *ifp, uint64_t *place,
    int (*fn)(const void *, void *), void *arg)
{

	return neigh_dump(ifp, DOM_SLOT_INET6, place, fn, arg);
}

/* --- the vnet's part ----------------------------------------------------- */

/* RFC 4861 10, but for the times of entries that nobody uses. */
static void
nd6_defaults(struct neigh_fam *nf)
{

	nf->nf_keep = 30;
	nf->nf_stale = NEIGH_KEEP_MAX;
	nf->nf_look = 5;
	nf->nf_mtries = nf->nf_utries = 3;
	nf->nf_moves = NEIGH_MOVES_ALWAYS;
}

static int
nd6_init(struct vnet *vn)
{
	struct nd6_vnet *n6;
	int error;

	n6 = kmem_zalloc(vn->vn_kern, sizeof(*n6));
	if (n6 == NULL)
		return ENOMEM;
	n6->n6_vnet = vn;
	n6->n6_dad_count = 1;
	nd6_dad_init(n6);
	vn->vn_nd6 = n6;
	nd6_defaults(neigh_attach(vn, &nd6_proto));
	error = nd6_sysctl_init(vn);
	if (error == 0)
		return 0;

	nd6_dad_fini(n6);
	vn->vn_nd6 = NULL;
	kmem_free(vn->vn_kern, n6);
	return error;
}

static void
nd6_fini(struct vnet *vn)
{
	struct nd6_vnet *n6 = vn->vn_nd6;

	nd6_dad_fini(n6);
	vn->vn_nd6 = NULL;
	kmem_free(vn->vn_kern, n6);
}

const struct vnet_subsys nd6_subsys = {
	.vs_name = "nd6",
	.vs_init = nd6_init,
	.vs_fini = nd6_fini,
};
