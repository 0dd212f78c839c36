/*
 * ip_input: received IPv4 packets.
 *
 * Nearly every packet of a router is plain: 20 bytes of header, not for this
 * host, with a route, small enough.  One loop over the vector recognises those,
 * decides their next hop and takes a hop off; when they all leave by one
 * interface the vector goes on as it is.  Everything else is marked and handled
 * packet by packet in ip_input_slow(), which checks from the beginning and
 * knows a reason for every refusal.
 */

#include "net/if_addr_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"
#include "net/rule.h"
#include "netinet/ip_path.h"

#define PREFETCH	IP_PREFETCH

/* A run of IPv4. */
struct ip4_run {
	struct ip_run	 r4_run;	/* first */
	uint32_t	 r4_src;	/* source found in order */
	const struct ip_rules *r4_rules; /* or NULL */
	char		 r4_ifname[IFNAMSIZ];	/* for these */
};

/*
 * Is a local address to be treated as another host's?  Yes, while its interface
 * is down: another router may have it then.
 */
static bool
ip_is_laid_down(const struct fwd *fd, uint32_t addr)
{

	return fwd_is_local(fd) && !in_if_is_up(fd->fd_nh->nh_ifp) &&
	    !in_local_usable(fd, addr);
}

/* The strong host model (RFC 1122 3.3.4.2), if it is set. */
static bool
ip_is_elsewhere(struct ifnet *ifp, const struct fwd *fd, uint32_t addr)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = addr,
	};

	return ip_setting(&ifp->if_vnet->vn_ip->iv_checkinterface) != 0 &&
	    fd->fd_nh->nh_ifp != ifp &&
	    ifa_ifp_find(ifp, (const struct sockaddr *)&sin) == NULL;
}

/*
 * The reason to drop a packet received by ifp for its source, to which packets
 * go as fd says; DROP_NREASONS: the source is valid.  The caller has found it
 * in_ordinary().
 */
static enum drop_reason
ip_source_drop(const struct ifnet *ifp, const struct fwd *fd, uint32_t src)
{

	/* No other host sends from a local address or a broadcast address. */
	if (fwd_is_local(fd) && !ip_is_laid_down(fd, src))
		return DROP_IP_LAND;
	if (fwd_is_broadcast(fd) ||
	    in_is_network(rt_table_of(ifp), fd, src))
		return DROP_IP_SRC;
	if (in_maybe_special(src) && !in_special_may(fd, src, INS_SOURCE))
		return DROP_IP_SPECIAL;
	return ip_rpf_passes(ifp, fd, &ifp->if_vnet->vn_ip->iv_rpf) ?
	    DROP_NREASONS : DROP_IP_RPF;
}

/*
 * Decide one packet: when it is plain, its m_nh is set and a hop is taken; else
 * m_nh is NULL.  The header is read as two 64-bit words and a 32-bit one.
 * value is what the forwarding table says of the destination, and nh its next
 * hop, if they are `known'.
 */
static inline __attribute__((__always_inline__)) void
ip_fast_one(const struct vnet *vn, const struct ifnet *rcvif, struct mbuf *m,
    struct ip4_run *run4, uint32_t value, const struct nexthop *nh,
    const bool known)
{
	struct ip_run *run = &run4->r4_run;
	uint64_t w0, w1, s;
	uint32_t dst, src, c, low;
	const struct ip_rule *rule = NULL;
	unsigned len, bad;
	struct fwd fd;

	m->m_nh = NULL;
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
	if (src != run4->r4_src) {
		fd = rt_lookup4(run->ir_table, src);
		if (in_is_linklocal(src) || ip_source_drop(rcvif, &fd, src) !=
		    DROP_NREASONS)
			return;
		run4->r4_src = src;
	}
	if (!known) {
		fd = rt_lookup4_raw(run->ir_table, dst);
		value = fd.fd_value;
		nh = fd.fd_nh;
	}
	if (__builtin_expect(run4->r4_rules != NULL, 0)) {
		fd = rules_lookup4(run4->r4_rules, run4->r4_ifname, src, dst,
		    m->m_mark, (struct fwd){ nh, value }, &rule);
		/* A value is the same next hop in all tables. */
		value = fd.fd_value;
		nh = fd.fd_nh;
	}
	if (!m_writable(m))
		return;
	if (__builtin_expect((value & FWD_GROUP) != 0, 0)) {
		nh = nh_choose(nh, ip_flow_hash(vn, mtoip(m)));
		if (nh != run->ir_nh && !ip_run_turn(rcvif, run, value, nh))
			return;
		/* The next one of the group may go elsewhere. */
		run->ir_value = UINT32_MAX;
	} else if (value != run->ir_value &&
	    !ip_run_turn(rcvif, run, value, nh))
		return;
	if (__builtin_expect((value & FWD_SPECIAL) != 0, 0) &&
	    in_maybe_special(dst))
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

	/* Decrement the TTL and adjust the checksum (RFC 1624) in one store. */
	low = (uint32_t)w1;
	c = (low >> 16) + 1;
	c += c >= 0xffff;
	low = ((low - 1) & 0xffff) | c << 16;
	memcpy(m->m_data + 8, &low, 4);

	m->m_nh = run->ir_nh;
	run->ir_n++;
	if (__builtin_expect(run4->r4_rules != NULL, 0))
		rule_count(rule);
}

static struct mbuf *ip_input_slow(struct ifnet *, struct mbuf *);

static const struct ip_slow ip4_slow = { AF_INET, ip_input_slow, ip_send };

/* For a table of few routes: look each route up where it is needed. */
static inline __attribute__((__always_inline__)) void
ip_fast_shallow(const struct vnet *vn, const struct ifnet *ifp,
    const struct mvec *mv, struct ip4_run *run)
{
	const uint64_t *root = run->r4_run.ir_table->tb_ip4.ta_fib.f_root;
	unsigned n = mv->mv_n;
	uint32_t dst;

	for (unsigned i = 0; i < n; i++) {
		if (i + 2 * PREFETCH < n) {
			__builtin_prefetch(mv->mv_m[i + 2 * PREFETCH]);
			/* Prefetch the slot of the route of a nearer packet. */
			memcpy(&dst, mv->mv_m[i + PREFETCH]->m_data + 16, 4);
			__builtin_prefetch(&root[be32(dst) >> 16]);
		}
		ip_fast_one(vn, ifp, mv->mv_m[i], run, 0, NULL, false);
	}
}

#define MANY	IP_MANY

/* For a table of many routes: look up the next hops of a part of the vector
 * first. */
static __attribute__((__noinline__)) void
ip_fast_deep(const struct vnet *vn, const struct ifnet *ifp,
    const struct mvec *mv, struct ip4_run *run)
{
	const struct route_vnet *rv = vn->vn_route;
	const struct nexthop *nh[MANY];
	uint32_t key[MANY], value[MANY], dst;
	struct mbuf *const *m;
	unsigned n;

	for (unsigned first = 0; first < mv->mv_n; first += n) {
		m = &mv->mv_m[first];
		n = mv->mv_n - first < MANY ? mv->mv_n - first : MANY;
		for (unsigned i = 0; i < n; i++) {
			__builtin_prefetch(m[i + 2 * PREFETCH < n ?
			    i + 2 * PREFETCH : i]);
			/* The read is within the buffer, whatever the packet's
			 * length. */
			memcpy(&dst, m[i]->m_data + 16, 4);
			key[i] = be32(dst);
		}
		fib4_lookup_many(&run->r4_run.ir_table->tb_ip4.ta_fib, key,
		    value, n);
		for (unsigned i = 0; i < n; i++) {
			nh[i] = nh_fwd_raw(&rv->rv_nh, value[i]).fd_nh;
			__builtin_prefetch(nh[i]);
		}
		for (unsigned i = 0; i < n; i++)
			ip_fast_one(vn, ifp, m[i], run, value[i], nh[i], true);
	}
}

void
ip_input_vec(struct ifnet *ifp, struct mvec *mv)
{
	struct cpu *ci = net_curcpu();
	const struct vnet *vn = ifp->if_vnet;
	struct ip_stats *ips = ip_stats(vn);
	struct ip4_run run = {
		.r4_run = { .ir_value = UINT32_MAX,
		    .ir_table = rt_table_of(ifp) },
		.r4_rules = rules_of(vn),
	};
	enum cpu_stage prev;
	unsigned n = mv->mv_n;

	if (n == 0)
		return;
	if (__builtin_expect(run.r4_rules != NULL, 0))
		if_name_copy(ifp, run.r4_ifname);
	prev = cpu_stage_enter(ci, STAGE_IP_INPUT, n);
	cpu_stat_add(&ips->ips_total, n);

	if (ip_setting(&vn->vn_ip->iv_forwarding) == 0) {
		for (unsigned i = 0; i < n; i++)
			mv->mv_m[i]->m_nh = NULL;
	} else if (__atomic_load_n(&run.r4_run.ir_table->tb_ip4.ta_fib.f_nodes,
	    __ATOMIC_RELAXED) <= FIB_SHALLOW)
		ip_fast_shallow(vn, ifp, mv, &run);
	else
		ip_fast_deep(vn, ifp, mv, &run);

	ip_run_send(ifp, mv, &run.r4_run, &ips->ips_forward, &ip4_slow);
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
		/* A host without an address sends from 0.0.0.0, to broadcast,
		 * or in IGMP to a group (RFC 3376 4.2.13, RFC 4541 2.1.1). */
		if (ip->ip_src != 0 || (ip->ip_dst != INADDR_BROADCAST &&
		    (ip->ip_p != IPPROTO_IGMP ||
		    !in_is_multicast(ip->ip_dst)))) {
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
	struct fwd fd = rt_lookup4(rt_table_of(ifp), src);
	enum drop_reason why;

	why = ip_source_drop(ifp, &fd, src);
	if (why == DROP_NREASONS)
		return true;
	m_drop(ifp, m, why);
	return false;
}

/*
 * Is the broadcast address the interface's?  The route is that of one
 * interface, but several may be on a prefix.
 */
static bool
ip_is_our_broadcast(struct ifnet *ifp, const struct fwd *fd, uint32_t dst)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = dst,
	};
	const struct ifaddr *ifa;

	if (fd->fd_nh->nh_ifp == ifp)
		return true;
	if ((if_flags_get(ifp) & IFF_BROADCAST) == 0)
		return false;
	ifa = ifa_ifp_leading(ifp, (const struct sockaddr *)&sin, NULL);
	return ifa != NULL && ifa->ifa_dstaddr != NULL &&
	    ((const struct sockaddr_in *)(const void *)ifa->ifa_dstaddr)->
	    sin_addr.s_addr == dst;
}

/* How a packet goes by rules, where fd is what its interface's table says. */
static __attribute__((__noinline__)) struct fwd
ip_lookup_ruled(const struct ip_rules *rules, const struct ifnet *ifp,
    const struct mbuf *m, struct fwd fd)
{
	const struct iphdr4 *ip = mtoip(m);
	char name[IFNAMSIZ];

	if_name_copy(ifp, name);
	return ip_rules_apply(rules, name, ip, m->m_mark, ifp->if_vnet, fd);
}

/* Handle any packet, with all checks.  Returns the packet if it is to be
 * forwarded, with m_nh and its TTL set, so that the caller sends
 * it in order. */
static struct mbuf *
ip_input_slow(struct ifnet *ifp, struct mbuf *m)
{
	struct vnet *vn = ifp->if_vnet;
	const struct ip_rules *rules;
	const struct iphdr4 *ip;
	struct fwd fd;
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
		if (in_listens(ifp, ip->ip_dst))
			ip_local_input(ifp, m);
		else
			m_drop(ifp, m, DROP_IP_MCAST);
		return NULL;
	}
	fd = ip_lookup(rt_table_of(ifp), ip);
	rules = rules_of(vn);
	if (__builtin_expect(rules != NULL, 0) && !loop)
		fd = ip_lookup_ruled(rules, ifp, m, fd);
	/* A packet in a link-level broadcast or multicast has reached every
	 * station of the link: it is neither delivered (RFC 1122 3.3.6) nor
	 * forwarded (RFC 1812 5.3.4). */
	if ((m->m_flags & (M_BCAST | M_MCAST)) != 0 && !loop &&
	    !fwd_is_broadcast(&fd)) {
		m_drop(ifp, m, DROP_IP_LINKBCAST);
		return NULL;
	}
	if (ip_is_laid_down(&fd, ip->ip_dst))
		return ip_forward_slow(ifp, m, &fd);
	if (fwd_is_local(&fd) && !in_local_usable(&fd, ip->ip_dst)) {
		m_drop(ifp, m, DROP_IP_NOTREADY);
		return NULL;
	}
	if (fwd_is_local(&fd) && !loop &&
	    ip_is_elsewhere(ifp, &fd, ip->ip_dst)) {
		m_drop(ifp, m, DROP_IP_WRONGIF);
		return NULL;
	}
	if (fwd_is_local(&fd) || (fwd_is_broadcast(&fd) &&
	    (loop || ip_is_our_broadcast(ifp, &fd, ip->ip_dst)))) {
		ip_local_input(ifp, m);
		return NULL;
	}
	if (loop) {
		m_drop(ifp, m, DROP_IP_CANTFORWARD);
		return NULL;
	}
	return ip_forward_slow(ifp, m, &fd);
}
