/*
 * ip_input: received IPv4 packets.
 *
 * Nearly every packet of a router is plain: 20 bytes of header, not for this
 * host, with a route, small enough.  One loop over the vector recognises those,
 * decides their next hop and takes a hop off; when they all leave by one
 * interface the vector goes on as it is.  Everything else is marked and handled
 * packet by packet in ip_input_slow(), which checks from the beginning and
 * knows a reason for every refusal.
 *
 * Packets leave an interface in the order in which they came.  A packet that
 * went the slow way joins the others that wait for the same interface; before
 * a packet that cannot join them, because it is cut in pieces first, they are
 * sent.
 */

#include "net/if_addr_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/ip_var.h"

/* Open output vectors when a vector's packets part ways. */
#define NSPLIT		4
#define PREFETCH	4

/* Is no packet forwarded along the route, or not to every destination? */
static inline bool
is_rarely_forwarded(const struct rtentry *rt)
{

	return ((rt->rt_flags & (RTF_LOCAL | RTF_BROADCAST | RTF_REJECT |
	    RTF_BLACKHOLE)) | (__atomic_load_n(&rt->rt_lpm.le_user,
	    __ATOMIC_RELAXED) & RTE_SPECIAL)) != 0;
}

/* May no packet be forwarded along the route to dst? */
static bool
is_never_forwarded(const struct rtentry *rt, uint32_t dst)
{

	return (rt->rt_flags & (RTF_LOCAL | RTF_BROADCAST | RTF_REJECT |
	    RTF_BLACKHOLE)) != 0 || in_maybe_special(dst);
}

/* A vector's plain packets so far, and the properties of the last one, which
 * the next one often has too. */
struct ip_run {
	uint32_t	 ir_src;	/* source found in order */
	uint32_t	 ir_mtu;	/* of ir_out */
	struct ifnet	*ir_out;	/* output: up, and not the input */
	bool		 ir_differ;	/* there were other ones */
	unsigned	 ir_n;		/* packets */
};

/* RFC 3704 2.2, 2.4: does a source with this route belong on ifp? */
static bool
rpf_passes(const struct ifnet *ifp, const struct rtentry *rt)
{
	unsigned own = __atomic_load_n(&ifp->if_rpf, __ATOMIC_RELAXED);
	int64_t mode;

	mode = own != 0 ? own - 1 : ip_setting(&ifp->if_vnet->vn_ip->iv_rpf);
	if (mode == IF_RPF_OFF)
		return true;
	return rt != NULL &&
	    (rt->rt_flags & (RTF_REJECT | RTF_BLACKHOLE)) == 0 &&
	    (mode == IF_RPF_LOOSE || rt->rt_ifp == ifp);
}

/*
 * Is a local address to be treated as another host's?  Yes, while its interface
 * is down: another router may have it then.
 */
static bool
ip_is_laid_down(const struct rtentry *rt, uint32_t addr)
{

	return (rt->rt_flags & RTF_LOCAL) != 0 && rt->rt_ifa != NULL &&
	    !in_if_is_up(rt->rt_ifa->ifa_ifp) && !in_local_usable(rt, addr);
}

/* The strong host model (RFC 1122 3.3.4.2), if it is set. */
static bool
ip_is_elsewhere(struct ifnet *ifp, const struct rtentry *rt, uint32_t addr)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = addr,
	};

	return ip_setting(&ifp->if_vnet->vn_ip->iv_checkinterface) != 0 &&
	    rt->rt_ifa != NULL && rt->rt_ifa->ifa_ifp != ifp &&
	    ifa_ifp_find(ifp, (const struct sockaddr *)&sin) == NULL;
}

/*
 * The reason to drop a packet received by ifp for its source, whose route is rt
 * (NULL: none); DROP_NREASONS: the source is valid.  The caller has found it
 * in_ordinary().
 */
static enum drop_reason
ip_source_drop(const struct ifnet *ifp, const struct rtentry *rt, uint32_t src)
{

	/* No other host sends from a local address or a broadcast address. */
	if (rt != NULL && (rt->rt_flags & RTF_LOCAL) != 0 &&
	    !ip_is_laid_down(rt, src))
		return DROP_IP_LAND;
	if (rt != NULL && ((rt->rt_flags & RTF_BROADCAST) != 0 ||
	    in_is_network(ifp->if_vnet, rt, src)))
		return DROP_IP_SRC;
	if (in_maybe_special(src) && !in_special_may(rt, src, INS_SOURCE))
		return DROP_IP_SPECIAL;
	return rpf_passes(ifp, rt) ? DROP_NREASONS : DROP_IP_RPF;
}

/*
 * Decide one packet: when it is plain, its m_rt and next hop are set and a hop
 * is taken; else m_rt is NULL.  The header is read as two 64-bit words and a
 * 32-bit one.  rt is the route of the destination if it is `known'.
 */
static inline __attribute__((__always_inline__)) void
ip_fast_one(const struct vnet *vn, const struct ifnet *rcvif, struct mbuf *m,
    struct ip_run *run, const struct rtentry *rt, const bool known)
{
	struct ifnet *ifp;
	uint64_t w0, w1, s;
	uint32_t dst, src, c, low;
	unsigned len, mtu, bad;

	m->m_rt = NULL;
	if (m->m_len < IP_HLEN_MIN)
		return;
	memcpy(&w0, m->m_data, 8);
	memcpy(&w1, m->m_data + 8, 8);
	memcpy(&dst, m->m_data + 16, 4);
	src = (uint32_t)(w1 >> 32);
	len = be16((uint16_t)(w0 >> 16));

	/*
	 * The sum of five words.  Its ones' complement sum of halves is right
	 * when 65535 divides it, as 2^16 = 1 modulo 65535 (and as it is not 0).
	 */
	s = (w0 >> 32) + (w0 & 0xffffffff) + (w1 >> 32) +
	    (w1 & 0xffffffff) + dst;

	/* One branch for all of the rare defects. */
	bad = ((uint8_t)w0 ^ 0x45u) | (unsigned)(s % 65535 != 0) |
	    (unsigned)(len < IP_HLEN_MIN) | (unsigned)(len > m->m_pktlen) |
	    (unsigned)((uint8_t)w1 <= 1) | (unsigned)!in_ordinary(src) |
	    (unsigned)!in_ordinary(dst) |
	    (m->m_flags & (M_BCAST | M_MCAST | M_PROMISC | M_LOOP));
	if (__builtin_expect(bad != 0, 0))
		return;

	/* Packets of one source often come together: one lookup serves them
	 * all. */
	if (src != run->ir_src) {
		if (in_is_linklocal(src) || ip_source_drop(rcvif,
		    rt_lookup4(vn, src), src) != DROP_NREASONS)
			return;
		run->ir_src = src;
	}
	if (!known)
		rt = rt_lookup4(vn, dst);
	if (rt == NULL || !m_writable(m) ||
	    (__builtin_expect(is_rarely_forwarded(rt), 0) &&
	    is_never_forwarded(rt, dst)))
		return;
	ifp = rt->rt_ifp;
	if (ifp != run->ir_out) {
		if (ifp == rcvif || !in_if_is_up(ifp))
			return;
		run->ir_differ = run->ir_out != NULL;
		run->ir_out = ifp;
		run->ir_mtu = ifp->if_mtu;
	}
	mtu = rt_mtu(rt);
	if (mtu == 0)
		mtu = run->ir_mtu;
	if (len != m->m_pktlen) {
		/* Link-level padding. */
		if (m->m_next != NULL)
			return;
		m->m_len = m->m_pktlen = len;
	}
	if ((len > mtu) | ((m->m_csum_flags &
	    (M_CSUM_PARTIAL | M_GSO_MASK)) != 0)) {
		if (!ip_leaves_whole(m, ifp, mtu))
			return;
	}

	/* Decrement the TTL and adjust the checksum (RFC 1624) in one store. */
	low = (uint32_t)w1;
	c = (low >> 16) + 1;
	c += c >= 0xffff;
	low = ((low - 1) & 0xffff) | c << 16;
	memcpy(m->m_data + 8, &low, 4);

	m->m_nexthop = rt->rt_gw4 != 0 ? rt->rt_gw4 : dst;
	m->m_rt = rt;
	run->ir_n++;
}

struct ip_split {
	unsigned	 is_n, is_next;
	struct ifnet	*is_ifp[NSPLIT];
	struct mvec	 is_mv[NSPLIT];
};

/* Send the packets that wait for an interface; NULL: for every interface. */
static void
split_flush(struct ip_split *is, const struct ifnet *ifp)
{

	for (unsigned i = 0; i < is->is_n; i++)
		if ((ifp == NULL || is->is_ifp[i] == ifp) &&
		    is->is_mv[i].mv_n != 0)
			if_output_vec(is->is_ifp[i], AF_INET, &is->is_mv[i]);
}

static inline void
split_add(struct ip_split *is, struct ifnet *ifp, struct mbuf *m)
{
	unsigned i;

	for (i = 0; i < is->is_n; i++)
		if (is->is_ifp[i] == ifp)
			goto found;
	if (i < NSPLIT)
		is->is_n++;
	else {
		/* All output vectors belong to other interfaces: send the
		 * vector opened first. */
		i = is->is_next++ % NSPLIT;
		if (is->is_mv[i].mv_n != 0)
			if_output_vec(is->is_ifp[i], AF_INET, &is->is_mv[i]);
	}
	is->is_ifp[i] = ifp;
	is->is_mv[i].mv_n = 0;
found:
	is->is_mv[i].mv_m[is->is_mv[i].mv_n++] = m;
}

static struct mbuf *ip_input_slow(struct ifnet *, struct mbuf *);

/* The packets of a vector do not all take one way. */
static __attribute__((__noinline__)) void
ip_split_vec(struct ifnet *ifp, struct mvec *mv)
{
	struct ip_split is;
	struct ifnet *out;
	struct mbuf *m;

	is.is_n = is.is_next = 0;
	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		if (m->m_rt == NULL) {
			m = ip_input_slow(ifp, m);
			if (m == NULL)
				continue;
			out = m->m_rt->rt_ifp;
			if (!ip_leaves_whole(m, out, ip_rt_mtu(m->m_rt))) {
				split_flush(&is, out);
				ip_send(m);
				continue;
			}
		}
		split_add(&is, m->m_rt->rt_ifp, m);
	}
	mv->mv_n = 0;
	split_flush(&is, NULL);
}

/* For a table of few routes: look each route up where it is needed. */
static inline __attribute__((__always_inline__)) void
ip_fast_shallow(const struct vnet *vn, const struct ifnet *ifp,
    const struct mvec *mv, struct ip_run *run)
{
	unsigned n = mv->mv_n;
	uint32_t dst;

	for (unsigned i = 0; i < n; i++) {
		if (i + 2 * PREFETCH < n) {
			__builtin_prefetch(mv->mv_m[i + 2 * PREFETCH]);
			/* Prefetch the slot of the route of a nearer packet. */
			memcpy(&dst, mv->mv_m[i + PREFETCH]->m_data + 16, 4);
			__builtin_prefetch(&vn->vn_route->rv_inet.lpm_root[
			    be32(dst) >> 16]);
		}
		ip_fast_one(vn, ifp, mv->mv_m[i], run, NULL, false);
	}
}

/* For a table of many routes: look up the routes of a part of the vector
 * first. */
static __attribute__((__noinline__)) void
ip_fast_deep(const struct vnet *vn, const struct ifnet *ifp,
    const struct mvec *mv, struct ip_run *run)
{
	struct lpm_entry *le[LPM_MANY];
	struct mbuf *const *m;
	uint32_t key[LPM_MANY], dst;
	unsigned n;

	for (unsigned first = 0; first < mv->mv_n; first += n) {
		m = &mv->mv_m[first];
		n = mv->mv_n - first < LPM_MANY ? mv->mv_n - first : LPM_MANY;
		for (unsigned i = 0; i < n; i++) {
			__builtin_prefetch(m[i + 2 * PREFETCH < n ?
			    i + 2 * PREFETCH : i]);
			/* The read is within the buffer, whatever the packet's
			 * length. */
			memcpy(&dst, m[i]->m_data + 16, 4);
			key[i] = be32(dst);
		}
		lpm_lookup_many(&vn->vn_route->rv_inet, key, le, n);
		for (unsigned i = 0; i < n; i++)
			ip_fast_one(vn, ifp, m[i], run,
			    (const struct rtentry *)(const void *)le[i], true);
	}
}

void
ip_input_vec(struct ifnet *ifp, struct mvec *mv)
{
	struct cpu *ci = net_curcpu();
	const struct vnet *vn = ifp->if_vnet;
	struct ip_stats *ips = ip_stats(vn);
	struct ip_run run = { 0 };
	enum cpu_stage prev;
	unsigned n = mv->mv_n;

	if (n == 0)
		return;
	prev = cpu_stage_enter(ci, STAGE_IP_INPUT, n);
	cpu_stat_add(&ips->ips_total, n);

	if (ip_setting(&vn->vn_ip->iv_forwarding) == 0) {
		for (unsigned i = 0; i < n; i++)
			mv->mv_m[i]->m_rt = NULL;
	} else if (__atomic_load_n(&vn->vn_route->rv_inet.lpm_nodes,
	    __ATOMIC_RELAXED) <= LPM_SHALLOW)
		ip_fast_shallow(vn, ifp, mv, &run);
	else
		ip_fast_deep(vn, ifp, mv, &run);

	cpu_stage_enter(ci, STAGE_IP_FORWARD, run.ir_n);
	if (run.ir_n != 0) {
		cpu_stat_add(&ips->ips_forward, run.ir_n);
		cpu_stat_add(&if_ctr(ifp, ci->ci_index)->
		    ic_stat[IF_STAT_FORWARDED], run.ir_n);
	}
	if (run.ir_n == n && !run.ir_differ)
		if_output_vec(run.ir_out, AF_INET, mv);
	else
		ip_split_vec(ifp, mv);
	cpu_stage_switch(ci, prev);
}

/* --- one packet, all checks ---------------------------------------------- */

bool
ip_is_loop(const struct ifnet *ifp, const struct mbuf *m)
{

	return (m->m_flags & M_LOOP) != 0 ||
	    (if_flags_get(ifp) & IFF_LOOPBACK) != 0;
}

/*
 * Check the header and make it writable and contiguous.  NULL: the packet was
 * dropped.  Padding behind the packet is cut off.
 */
static struct mbuf *
ip_check_header(struct ifnet *ifp, struct mbuf *m)
{
	enum drop_reason why;
	struct iphdr4 *ip;
	struct mbuf *n;
	unsigned hlen, len;
	uint8_t vhl;

	if (m->m_pktlen < IP_HLEN_MIN || !m_copydata(m, 0, 1, &vhl)) {
		why = DROP_IP_SHORT;
		goto drop;
	}
	if (vhl >> 4 != 4) {
		why = DROP_IP_VERSION;
		goto drop;
	}
	hlen = (vhl & 0xf) << 2;
	if (hlen < IP_HLEN_MIN || hlen > m->m_pktlen) {
		why = DROP_IP_HLEN;
		goto drop;
	}
	if (m->m_len < hlen || !m_writable(m)) {
		n = m_pullup(m, hlen);
		if (n == NULL) {
			why = DROP_NO_MBUF;
			goto drop;
		}
		m = n;
	}
	ip = mtoip(m);
	if ((m->m_csum_flags & M_CSUM_IP_OK) == 0 &&
	    in_cksum_fold(in_cksum_add(ip, hlen, 0)) != 0) {
		why = DROP_IP_CSUM;
		goto drop;
	}
	len = be16(ip->ip_len);
	if (len < hlen || len > m->m_pktlen) {
		why = DROP_IP_LEN;
		goto drop;
	}
	if (len < m->m_pktlen)
		m_trim(m, len);
	return m;
drop:
	m_drop(ifp, m, why);
	return NULL;
}

/*
 * Does a packet have a source or destination that must not be on a link (RFC
 * 1812 5.3.7, 4.2.2.11)?  Packets of this host that came back through lo0 may
 * have any local address.
 */
static bool
ip_check_addrs(struct ifnet *ifp, struct mbuf *m)
{
	const struct iphdr4 *ip = mtoip(m);
	enum drop_reason why;

	if (ip_is_loop(ifp, m))
		return true;
	if (!in_ordinary(ip->ip_src)) {
		/* A host without an address sends from 0.0.0.0, to broadcast
		 * only. */
		if (ip->ip_src != 0 || ip->ip_dst != INADDR_BROADCAST) {
			why = DROP_IP_SRC;
			goto drop;
		}
	}
	if (!in_ordinary(ip->ip_dst) && !in_is_multicast(ip->ip_dst) &&
	    ip->ip_dst != INADDR_BROADCAST) {
		why = DROP_IP_DST;
		goto drop;
	}
	return true;
drop:
	m_drop(ifp, m, why);
	return false;
}

/* false: dropped. */
static bool
ip_check_source(struct ifnet *ifp, struct mbuf *m)
{
	uint32_t src = mtoip(m)->ip_src;
	enum drop_reason why;

	why = ip_source_drop(ifp, rt_lookup4(ifp->if_vnet, src), src);
	if (why == DROP_NREASONS)
		return true;
	m_drop(ifp, m, why);
	return false;
}

/*
 * Is the broadcast address, to which the route leads, the interface's?  The
 * route is that of one interface, but several may be on a prefix.
 */
static bool
ip_is_our_broadcast(struct ifnet *ifp, const struct rtentry *rt, uint32_t dst)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = dst,
	};
	const struct ifaddr *ifa;

	if (rt->rt_ifp == ifp)
		return true;
	if ((if_flags_get(ifp) & IFF_BROADCAST) == 0)
		return false;
	ifa = ifa_ifp_leading(ifp, (const struct sockaddr *)&sin, NULL);
	return ifa != NULL && ifa->ifa_dstaddr != NULL &&
	    ((const struct sockaddr_in *)(const void *)ifa->ifa_dstaddr)->
	    sin_addr.s_addr == dst;
}

/* Handle any packet, with all checks.  Returns the packet if it is to be
 * forwarded, with m_rt, the next hop and its TTL set, so that the caller sends
 * it in order. */
static struct mbuf *
ip_input_slow(struct ifnet *ifp, struct mbuf *m)
{
	struct vnet *vn = ifp->if_vnet;
	const struct rtentry *rt;
	const struct iphdr4 *ip;
	bool loop;

	if ((m->m_flags & M_PROMISC) != 0) {
		m_drop(ifp, m, DROP_ETHER_NOT_OURS);
		return NULL;
	}
	m = ip_check_header(ifp, m);
	if (m == NULL || !ip_check_addrs(ifp, m))
		return NULL;
	ip = mtoip(m);
	if (ip_hlen(ip) > IP_HLEN_MIN && !ip_options_check(ifp, m))
		return NULL;

	loop = ip_is_loop(ifp, m);
	if (!loop && ip->ip_src != 0 && !ip_check_source(ifp, m))
		return NULL;
	if (ip->ip_dst == INADDR_BROADCAST) {
		ip_local_input(ifp, m);
		return NULL;
	}
	if (in_is_multicast(ip->ip_dst)) {
		/* 224.0.0.1: every host is a member. */
		if (ip->ip_dst == htonl(INADDR_ALLHOSTS_GROUP))
			ip_local_input(ifp, m);
		else
			m_drop(ifp, m, DROP_IP_MCAST);
		return NULL;
	}
	rt = rt_lookup4(vn, ip->ip_dst);
	/* A packet in a link-level broadcast or multicast has reached every
	 * station of the link: it is neither delivered (RFC 1122 3.3.6) nor
	 * forwarded (RFC 1812 5.3.4). */
	if ((m->m_flags & (M_BCAST | M_MCAST)) != 0 && !loop &&
	    (rt == NULL || (rt->rt_flags & RTF_BROADCAST) == 0)) {
		m_drop(ifp, m, DROP_IP_LINKBCAST);
		return NULL;
	}
	if (rt != NULL && ip_is_laid_down(rt, ip->ip_dst))
		return ip_forward_slow(ifp, m, rt);
	if (rt != NULL && (rt->rt_flags & RTF_LOCAL) != 0 &&
	    !in_local_usable(rt, ip->ip_dst)) {
		m_drop(ifp, m, DROP_IP_NOTREADY);
		return NULL;
	}
	if (rt != NULL && (rt->rt_flags & RTF_LOCAL) != 0 && !loop &&
	    ip_is_elsewhere(ifp, rt, ip->ip_dst)) {
		m_drop(ifp, m, DROP_IP_WRONGIF);
		return NULL;
	}
	if (rt != NULL && ((rt->rt_flags & RTF_LOCAL) != 0 ||
	    ((rt->rt_flags & RTF_BROADCAST) != 0 &&
	    (loop || ip_is_our_broadcast(ifp, rt, ip->ip_dst))))) {
		ip_local_input(ifp, m);
		return NULL;
	}
	if (loop) {
		m_drop(ifp, m, DROP_IP_CANTFORWARD);
		return NULL;
	}
	return ip_forward_slow(ifp, m, rt);
}
