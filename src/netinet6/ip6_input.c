/*
 * ip6_input: received IPv6 packets (RFC 8200, RFC 4007).
 *
 * As in ip_input.c: one loop over a vector recognises plain packets, without
 * hop-by-hop options, between addresses that are valid everywhere, decides
 * their next hop and takes a hop off; when they all leave by one interface the
 * vector goes on as it is.  Everything else is handled packet by packet in
 * ip6_input_slow(), which checks from the beginning.
 */

#include "net/if_name_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/mcast.h"
#include "netinet6/ip6_var.h"

/* A run of IPv6. */
struct ip6_run {
	struct ip_run	 r6_run;	/* first */
	uint64_t	 r6_src[2];	/* source found in order; 0: none */
	const struct ip_rules *r6_rules; /* or NULL */
	char		 r6_ifname[IFNAMSIZ];	/* for these */
};

/*
 * Is a local address to be treated as another host's?  Yes, while its interface
 * is down: another router may have it then.
 */
static bool
ip6_is_laid_down(const struct fwd *fd)
{

	return fwd_is_local(fd) && !in_if_is_up(fd->fd_nh->nh_ifp);
}

/*
 * The reason to drop a packet received by ifp for its source, to which packets
 * go as fd says; DROP_NREASONS: the source is valid.
 */
static enum drop_reason
ip6_source_drop(const struct ifnet *ifp, const struct fwd *fd)
{

	/* No other host sends from a local address. */
	if (fwd_is_local(fd) && !ip6_is_laid_down(fd))
		return DROP_IP6_LAND;
	return ip_rpf_passes(ifp, fd, &ifp->if_vnet->vn_ip6->i6_rpf) ?
	    DROP_NREASONS : DROP_IP6_RPF;
}

/* --- plain packets -------------------------------------------------------- */

/*
 * Decide one packet: when it is plain, its m_nh is set and a hop is taken; else
 * m_nh is NULL.  value is what the forwarding table says of the destination,
 * and nh its next hop.
 */
static inline __attribute__((__always_inline__)) void
ip6_fast_one(const struct vnet *vn, const struct ifnet *rcvif, struct mbuf *m,
    struct ip6_run *run6, uint32_t value, const struct nexthop *nh)
{
	struct ip_run *run = &run6->r6_run;
	const struct ip_rule *rule = NULL;
	const uint8_t *p = m->m_data;
	uint64_t w0, src[2];
	unsigned len, bad;
	struct fwd fd;

	m->m_nh = NULL;
	if (m->m_len < IP6_HLEN)
		return;
	memcpy(&w0, p, 8);
	memcpy(src, p + 8, 16);
	len = IP6_HLEN + be16((uint16_t)(w0 >> 32));

	/* One branch for all of the rare defects: version, length, hop-by-hop
	 * options, hop limit, addresses. */
	bad = (((uint8_t)w0 & 0xf0u) ^ 0x60u) | (unsigned)(len > m->m_pktlen) |
	    (unsigned)((uint8_t)(w0 >> 48) == IPPROTO_HOPOPTS) |
	    (unsigned)((w0 >> 56) <= 1) | (unsigned)!ip6_plain_addr(p + 8) |
	    (unsigned)!ip6_plain_addr(p + 24) |
	    (m->m_flags & (M_BCAST | M_MCAST | M_PROMISC | M_LOOP));
	if (__builtin_expect(bad != 0, 0))
		return;

	/* Packets of one source often come together: one lookup serves them
	 * all. */
	if (((src[0] ^ run6->r6_src[0]) | (src[1] ^ run6->r6_src[1])) != 0) {
		fd = rt_lookup6(run->ir_table, p + 8);
		if (ip6_source_drop(rcvif, &fd) != DROP_NREASONS)
			return;
		run6->r6_src[0] = src[0];
		run6->r6_src[1] = src[1];
	}
	if (__builtin_expect(run6->r6_rules != NULL, 0)) {
		fd = rules_lookup6(run6->r6_rules, run6->r6_ifname, p + 8,
		    p + 24, m->m_mark, (struct fwd){ nh, value }, &rule);
		/* A value is the same next hop in all tables. */
		value = fd.fd_value;
		nh = fd.fd_nh;
	}
	if (!m_writable(m))
		return;
	if (__builtin_expect((value & FWD_GROUP) != 0, 0)) {
		nh = nh_choose(nh, ip6_flow_hash(vn, mtoip6(m)));
		if (nh != run->ir_nh && !ip_run_turn(rcvif, run, value, nh))
			return;
		/* The next one of the group may go elsewhere. */
		run->ir_value = UINT32_MAX;
	} else if (value != run->ir_value &&
	    !ip_run_turn(rcvif, run, value, nh))
		return;
	if (len != m->m_pktlen) {
		/* Link-level padding. */
		if (m->m_next != NULL)
			return;
		m->m_len = m->m_pktlen = len;
	}
	if ((len > run->ir_mtu) | ((m->m_csum_flags &
	    (M_CSUM_PARTIAL | M_GSO_MASK)) != 0)) {
		if (!ip_leaves_whole(m, run->ir_out, run->ir_mtu))
			return;
	}
	m->m_data[7]--;

	m->m_nh = run->ir_nh;
	run->ir_n++;
	if (__builtin_expect(run6->r6_rules != NULL, 0))
		rule_count(rule);
}

/* For a table of few routes: look each route up where it is needed. */
static inline __attribute__((__always_inline__)) void
ip6_fast_shallow(const struct vnet *vn, const struct ifnet *ifp,
    const struct mvec *mv, struct ip6_run *run)
{
	unsigned n = mv->mv_n;
	struct mbuf *m;
	struct fwd fd;

	for (unsigned i = 0; i < n; i++) {
		if (i + 2 * IP_PREFETCH < n) {
			__builtin_prefetch(mv->mv_m[i + 2 * IP_PREFETCH]);
			__builtin_prefetch(mv->mv_m[i + IP_PREFETCH]->m_data);
		}
		/* The read is within the buffer, whatever the packet's
		 * length. */
		m = mv->mv_m[i];
		fd = rt_lookup6_raw(run->r6_run.ir_table, m->m_data + 24);
		ip6_fast_one(vn, ifp, m, run, fd.fd_value, fd.fd_nh);
	}
}

/* For a table of many routes: look up the next hops of a part of the vector
 * first. */
static __attribute__((__noinline__)) void
ip6_fast_deep(const struct vnet *vn, const struct ifnet *ifp,
    const struct mvec *mv, struct ip6_run *run, const struct rt_af *ta)
{
	const struct route_vnet *rv = vn->vn_route;
	const struct nexthop *nh[IP_MANY];
	uint8_t key[IP_MANY][16];
	uint32_t value[IP_MANY];
	struct mbuf *const *m;
	unsigned n;

	for (unsigned first = 0; first < mv->mv_n; first += n) {
		m = &mv->mv_m[first];
		n = mv->mv_n - first < IP_MANY ? mv->mv_n - first : IP_MANY;
		for (unsigned i = 0; i < n; i++) {
			__builtin_prefetch(m[i + 2 * IP_PREFETCH < n ?
			    i + 2 * IP_PREFETCH : i]);
			__builtin_prefetch(m[i + IP_PREFETCH < n ?
			    i + IP_PREFETCH : i]->m_data);
			memcpy(key[i], m[i]->m_data + 24, 16);
		}
		fib6_lookup_many(&ta->ta_fib, (const uint8_t (*)[16])key,
		    value, n);
		for (unsigned i = 0; i < n; i++) {
			nh[i] = nh_fwd_raw(&rv->rv_nh, value[i]).fd_nh;
			__builtin_prefetch(nh[i]);
		}
		for (unsigned i = 0; i < n; i++)
			ip6_fast_one(vn, ifp, m[i], run, value[i], nh[i]);
	}
}

static struct mbuf *ip6_input_slow(struct ifnet *, struct mbuf *);

static const struct ip_slow ip6_slow = { AF_INET6, ip6_input_slow, ip6_send };

void
ip6_input_vec(struct ifnet *ifp, struct mvec *mv)
{
	struct cpu *ci = net_curcpu();
	const struct vnet *vn = ifp->if_vnet;
	struct ip6_stats *i6s = ip6_stats(vn);
	struct ip6_run run = {
		.r6_run = { .ir_value = UINT32_MAX,
		    .ir_table = rt_table_of(ifp) },
		.r6_rules = rules_of(vn),
	};
	const struct rt_af *ta;
	enum cpu_stage prev;
	unsigned n = mv->mv_n;

	if (n == 0)
		return;
	if (__builtin_expect(run.r6_rules != NULL, 0))
		if_name_copy(ifp, run.r6_ifname);
	prev = cpu_stage_enter(ci, STAGE_IP_INPUT, n);
	cpu_stat_add(&i6s->ip6s_total, n);

	ta = __atomic_load_n(&run.r6_run.ir_table->tb_ip6, __ATOMIC_CONSUME);
	if (ip_setting(&vn->vn_ip6->i6_forwarding) == 0 || ta == NULL) {
		for (unsigned i = 0; i < n; i++)
			mv->mv_m[i]->m_nh = NULL;
	} else if (__atomic_load_n(&ta->ta_fib.f_nodes, __ATOMIC_RELAXED) <=
	    FIB_SHALLOW)
		ip6_fast_shallow(vn, ifp, mv, &run);
	else
		ip6_fast_deep(vn, ifp, mv, &run, ta);

	ip_run_send(ifp, mv, &run.r6_run, &i6s->ip6s_forward, &ip6_slow);
	cpu_stage_switch(ci, prev);
}

/* --- one packet, all checks ----------------------------------------------- */

/* Is it a jumbogram: does it say no length, but go on with options (RFC 2675
 * 2)?  None is taken here. */
static bool
ip6_is_jumbo(const struct mbuf *m)
{

	return mtoip6(m)->ip6_plen == 0 &&
	    mtoip6(m)->ip6_nxt == IPPROTO_HOPOPTS && m->m_pktlen > IP6_HLEN;
}

/*
 * Check the header and make it writable and contiguous.  NULL: the packet was
 * dropped.  Padding behind the packet is cut off.
 */
static struct mbuf *
ip6_check_header(struct ifnet *ifp, struct mbuf *m)
{
	enum drop_reason why;
	struct mbuf *n;
	uint8_t first;
	unsigned len;

	if (!m_copydata(m, 0, 1, &first)) {
		why = DROP_IP6_SHORT;
		goto drop;
	}
	if (first >> 4 != 6) {
		why = DROP_IP6_VERSION;
		goto drop;
	}
	if (m->m_pktlen < IP6_HLEN) {
		why = DROP_IP6_SHORT;
		goto drop;
	}
	if (m->m_len < IP6_HLEN || !m_writable(m)) {
		n = m_pullup(m, IP6_HLEN);
		if (n == NULL) {
			why = DROP_NO_MBUF;
			goto drop;
		}
		m = n;
	}
	len = IP6_HLEN + be16(mtoip6(m)->ip6_plen);
	if (len > m->m_pktlen) {
		why = DROP_IP6_LEN;
		goto drop;
	}
	if (len < m->m_pktlen && !ip6_is_jumbo(m))
		m_trim(m, len);
	return m;
drop:
	m_drop(ifp, m, why);
	return NULL;
}

/* A source that no packet on a link has (RFC 4291 2.5.2, 2.5.3, 2.7). */
static bool
ip6_never_source(const uint8_t *a)
{

	return zone6_is_multicast(a) || ip6_is_loopback(a) ||
	    ip6_is_v4mapped(a);
}

/* A destination that no packet on a link has; and of groups those whose scope
 * is reserved, or the interface itself (RFC 4291 2.7, RFC 7346 2). */
static bool
ip6_never_dest(const uint8_t *a)
{

	return zone6_is_multicast(a) ? zone6_mcast_scope(a) < 2 :
	    ip6_is_unspecified(a) || ip6_is_loopback(a) || ip6_is_v4mapped(a);
}

/*
 * Are the addresses ones that may be on a link?  Packets of this host that came
 * back may have any local address.  *ia: the inner ones.
 */
static bool
ip6_check_addrs(struct ifnet *ifp, struct mbuf *m, bool loop,
    struct ip6_addrs *ia)
{
	const struct iphdr6 *ip6 = mtoip6(m);
	enum drop_reason why;

	if (!loop && ip6_never_source(ip6->ip6_src))
		why = DROP_IP6_SRC;
	else if (!loop && ip6_never_dest(ip6->ip6_dst))
		why = DROP_IP6_DST;
	else if (!ip6_addrs_get(ifp, ip6, ia))
		why = DROP_IP6_SCOPE;
	else
		return true;
	m_drop(ifp, m, why);
	return false;
}

/* Is it an advertisement to all, by which another host says that an address is
 * its own?  Neighbour discovery has to see it when the address is ours. */
static bool
ip6_is_claim(const struct mbuf *m)
{
	const struct iphdr6 *ip6 = mtoip6(m);
	uint8_t type;

	return ip6->ip6_nxt == IPPROTO_ICMPV6 &&
	    zone6_is_multicast(ip6->ip6_dst) &&
	    m_copydata(m, IP6_HLEN, 1, &type) && type == ICMP6H_ND_ADVERT;
}

/* false: dropped. */
static bool
ip6_check_source(struct ifnet *ifp, struct mbuf *m, const struct ip6_addrs *ia)
{
	struct fwd fd = rt_lookup6(rt_table_of(ifp), ia->ia_src.na_bytes);
	enum drop_reason why;

	why = ip6_source_drop(ifp, &fd);
	/* A link-local source is on this link, whatever routes say. */
	if (why == DROP_NREASONS || (why == DROP_IP6_RPF &&
	    zone6_is_linklocal(ia->ia_src.na_bytes)))
		return true;
	if (why == DROP_IP6_LAND && ip6_is_claim(m))
		return true;
	m_drop(ifp, m, why);
	return false;
}

bool
ip6_listens(struct ifnet *ifp, const union neigh_addr *na)
{
	static const uint8_t zeroes[7];
	const struct ip6_vnet *i6 = ifp->if_vnet->vn_ip6;
	const uint8_t *group = na->na_bytes;
	unsigned scope = zone6_mcast_scope(group);

	/* RFC 4291 2.8: all nodes, and of a router all routers. */
	if (group[1] >> 4 == 0 && (scope == 1 || scope == 2) &&
	    group[2] == 0 && group[3] == 0 && memcmp(group + 8, zeroes,
	    sizeof(zeroes)) == 0 && (group[15] == 1 || (group[15] == 2 &&
	    ip_setting(&i6->i6_forwarding) != 0)))
		return true;
	return mcast_is_member(ifp, DOM_SLOT_INET6, na);
}

/* How a packet goes by rules, where fd is what its interface's table says. */
static __attribute__((__noinline__)) struct fwd
ip6_lookup_ruled(const struct ip_rules *rules, const struct ifnet *ifp,
    const struct mbuf *m, struct fwd fd)
{
	char name[IFNAMSIZ];

	if_name_copy(ifp, name);
	return ip6_rules_apply(rules, name, mtoip6(m), m->m_mark, ifp->if_vnet,
	    fd);
}

/* Handle any packet, with all checks.  Returns the packet if it is to be
 * forwarded, with m_nh and its hop limit set, so that the caller sends it in
 * order. */
static struct mbuf *
ip6_input_slow(struct ifnet *ifp, struct mbuf *m)
{
	const struct ip_rules *rules;
	const struct iphdr6 *ip6;
	struct ip6_addrs ia;
	struct ip6_at at;
	struct fwd fd;
	bool loop;

	if ((m->m_flags & M_PROMISC) != 0) {
		m_drop(ifp, m, DROP_ETHER_NOT_OURS);
		return NULL;
	}
	m = ip6_check_header(ifp, m);
	if (m == NULL)
		return NULL;
	loop = ip_is_loop(ifp, m);
	if (!ip6_check_addrs(ifp, m, loop, &ia))
		return NULL;
	ip6 = mtoip6(m);
	if (!loop && !ip6_is_unspecified(ip6->ip6_src) &&
	    !ip6_check_source(ifp, m, &ia))
		return NULL;
	if (ip6_is_jumbo(m)) {
		icmp6_error(ifp, m, ICMP6H_PARAMPROB, ICMP6H_PARAMPROB_FIELD,
		    offsetof(struct iphdr6, ip6_plen));
		m_drop(ifp, m, DROP_IP6_LEN);
		return NULL;
	}
	if (ip6->ip6_nxt == IPPROTO_HOPOPTS) {
		at = ip6_at_first(0, ip6->ip6_nxt);
		if (!ip6_options_check(ifp, m, &at))
			return NULL;
	}
	if (zone6_is_multicast(ip6->ip6_dst)) {
		if (ip6_listens(ifp, &ia.ia_dst))
			ip6_local_input(ifp, m);
		else
			m_drop(ifp, m, DROP_IP6_MCAST);
		return NULL;
	}
	fd = ip6_lookup(rt_table_of(ifp), ip6, &ia.ia_dst);
	rules = rules_of(ifp->if_vnet);
	if (__builtin_expect(rules != NULL, 0) && !loop)
		fd = ip6_lookup_ruled(rules, ifp, m, fd);
	if (!fwd_is_local(&fd) || ip6_is_laid_down(&fd)) {
		if (!loop)
			return ip6_forward_slow(ifp, m, &ia, &fd);
		m_drop(ifp, m, DROP_IP6_CANTFORWARD);
		return NULL;
	}
	if (in6_local_usable(&fd))
		ip6_local_input(ifp, m);
	else
		m_drop(ifp, m, DROP_IP6_NOTREADY);
	return NULL;
}
