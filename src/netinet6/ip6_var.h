/*
 * ip6_var: IPv6's packet path: its part of a vnet, and the steps that live in
 * different files.
 *
 * Packets carry the addresses of the wire.  What is looked up and handed on
 * beside a packet is inner (net/zone6.h), and so are the addresses of a packet
 * that ip6_output() is given.
 */

#ifndef NETINET6_IP6_VAR_H
#define NETINET6_IP6_VAR_H

#include "net/rule.h"
#include "netinet/ip6_hdr.h"
#include "netinet/ip_path.h"
#include "netinet6/in6_var.h"

#define IP6_HLIM	64	/* default hop limit */
/* Headers in front of a packet's payload, at most, fragment headers and those
 * of a packet that was put together included. */
#define IP6_HEADERS_MAX	16

/* Counters of IPv6 and ICMPv6 by name; see ip6_stats.c. */
#define IP6_STATS(X) \
	X(ip6s_total, "ip6.received", \
	    "packets received") \
	X(ip6s_delivered, "ip6.delivered", \
	    "packets for this host") \
	X(ip6s_forward, "ip6.forwarded", \
	    "packets forwarded") \
	X(ip6s_localout, "ip6.sent", \
	    "packets sent from this host") \
	X(ip6s_fragments, "ip6.fragments", \
	    "fragments received") \
	X(ip6s_atomic, "ip6.atomic", \
	    "of these, packets in one piece (atomic fragments)") \
	X(ip6s_reassembled, "ip6.reassembled", \
	    "packets reassembled") \
	X(ip6s_fragmented, "ip6.fragmented", \
	    "packets fragmented on output") \
	X(ip6s_ofragments, "ip6.ofragments", \
	    "fragments created") \
	X(ip6s_cantfrag, "ip6.cantfrag", \
	    "packets that could not be fragmented") \
	X(ip6s_segmented, "ip6.segmented", \
	    "offload packets cut in software") \
	X(icp6s_error, "icmp6.errors", \
	    "ICMPv6 errors sent") \
	X(icp6s_limited, "icmp6.limited", \
	    "ICMPv6 errors not sent for the rate limit") \
	X(icp6s_oldicmp, "icmp6.aboutold", \
	    "ICMPv6 errors not sent for the kind of packet") \
	X(icp6s_nosource, "icmp6.nosource", \
	    "ICMPv6 errors not sent for want of an address or a buffer") \
	X(icp6s_echo, "icmp6.echo", \
	    "echo requests answered") \
	X(icp6s_reply, "icmp6.echoreply", \
	    "echo replies received") \
	X(icp6s_unreach, "icmp6.unreach", \
	    "unreachables sent") \
	X(icp6s_toobig, "icmp6.toobig", \
	    "packet too big sent") \
	X(icp6s_timxceed, "icmp6.timxceed", \
	    "time exceeded sent") \
	X(icp6s_paramprob, "icmp6.paramprob", \
	    "parameter problems sent") \
	X(icp6s_pmtu, "icmp6.pmtu", \
	    "packet too big messages that made packets to a destination " \
	    "smaller") \
	X(icp6s_badpmtu, "icmp6.badpmtu", \
	    "packet too big messages not believed, or not new") \
	X(mlds_sent, "mld.sent", \
	    "MLD reports and dones sent") \
	X(mlds_queries, "mld.queries", \
	    "MLD queries received") \
	X(mlds_reports, "mld.reports", \
	    "MLD reports of other hosts received") \
	X(nd6s_rxns, "nd6.solicitations_in", \
	    "neighbour solicitations received") \
	X(nd6s_rxna, "nd6.advertisements_in", \
	    "neighbour advertisements received") \
	X(nd6s_txns, "nd6.solicitations_out", \
	    "neighbour solicitations sent") \
	X(nd6s_txna, "nd6.advertisements_out", \
	    "neighbour advertisements sent") \
	X(nd6s_announce, "nd6.announcements", \
	    "unsolicited advertisements of addresses sent") \
	X(nd6s_probe, "nd6.probes", \
	    "probes for addresses about to be used sent") \
	X(nd6s_looped, "nd6.looped", \
	    "probes of this host that came back") \
	X(nd6s_duplicate, "nd6.duplicates", \
	    "addresses given up because another host has them") \
	X(nd6s_changed, "nd6.changed", \
	    "neighbours that changed their address") \
	X(nd6s_refused, "nd6.refused", \
	    "changes of a neighbour's address not believed") \
	X(nd6s_timeout, "nd6.timeouts", \
	    "neighbours that did not answer") \
	X(nd6s_limited, "nd6.limited", \
	    "new neighbours not asked for because of the rate") \
	X(nd6s_full, "nd6.full", \
	    "new neighbours for which there was no room") \
	X(nd6s_pushed_incomplete, "nd6.pushed_incomplete", \
	    "neighbours without an answer that made room for others") \
	X(nd6s_pushed_unused, "nd6.pushed_unused", \
	    "neighbours learnt and not used that made room for others") \
	X(nd6s_pushed_idle, "nd6.pushed_idle", \
	    "neighbours not used lately that made room for others")

struct ip6_stats {
#define X(f, name, text)	uint64_t f;
	IP6_STATS(X)
#undef X
} __attribute__((__aligned__(64)));

/* A CPU's own. */
struct ip6_cpu {
	struct ip6_stats i6_stats;
	/* The next hop of a packet that is sent on a link without a route; good
	 * until the packet has its link-level header. */
	struct nexthop	 i6_onlink;
	uint32_t	 i6_fragid;	/* fragmented packets so far */
} __attribute__((__aligned__(64)));

struct ip6_vnet {
	int64_t		 i6_forwarding;		/* sysctl, default 0 */
	int64_t		 i6_hlim;		/* default IP6_HLIM */
	int64_t		 i6_rpf;		/* IF_RPF_*; default off */
	int64_t		 i6_maxfragpackets;
	int64_t		 i6_maxfrags;
	int64_t		 i6_errppslimit;	/* 100; 0 none, <0 any */
	int64_t		 i6_autoflow;		/* flow labels; default 1 */
	uint64_t	 i6_secret;		/* constant; random */
	struct pmtu	 i6_pmtu;
	struct ip_reass	*i6_reass;
	struct ip_ifq	 i6_ifq;		/* local delivery */
	struct ip_tokens *i6_tokens;		/* of ICMPv6 errors; see
						 * ip_token_take_share() */
	struct ip6_cpu	*i6_cpu;		/* one a CPU */
};

/* CPU: the calling CPU's own. */
static inline struct ip6_cpu *
ip6_cpu(const struct vnet *vn)
{

	return &vn->vn_ip6->i6_cpu[net_curcpu()->ci_index];
}

static inline struct ip6_stats *
ip6_stats(const struct vnet *vn)
{

	return &ip6_cpu(vn)->i6_stats;
}

/* ip6_init.c.  Control: vn_ip6, with its settings; called by the domain's
 * subsystem.  ENOMEM, and undoes itself.  And its end, when every interface is
 * gone. */
int	ip6_init(struct vnet *);
void	ip6_fini(struct vnet *);
/* ip6_stats.c */
int	ip6_sysctl_init(struct vnet *);

/* --- addresses ------------------------------------------------------------ */

/* Is a destination or source one that a plain packet has: neither in ::/8, nor
 * link-local, site-local or multicast? */
static inline bool
ip6_plain_addr(const uint8_t *a)
{

	return (uint8_t)(a[0] - 1) < 0xfd;
}

static inline bool
ip6_is_unspecified(const void *a)
{
	uint64_t w[2];

	memcpy(w, a, sizeof(w));
	return (w[0] | w[1]) == 0;
}

static inline bool
ip6_is_loopback(const void *a)
{
	uint64_t w[2];

	memcpy(w, a, sizeof(w));
	return w[0] == 0 && w[1] == __builtin_bswap64(1);
}

/* Is it ::ffff:0:0/96, which is on no wire (RFC 4038 4.2)? */
static inline bool
ip6_is_v4mapped(const void *a)
{
	uint64_t w[2];

	memcpy(w, a, sizeof(w));
	return w[0] == 0 && (uint32_t)w[1] == 0xffff0000;
}

/* The inner addresses of a received packet.  false: one of them cannot be on
 * the wire. */
struct ip6_addrs {
	union neigh_addr ia_src, ia_dst;
};
static inline bool
ip6_addrs_get(const struct ifnet *ifp, const struct iphdr6 *ip6,
    struct ip6_addrs *ia)
{

	memcpy(&ia->ia_src, ip6->ip6_src, 16);
	memcpy(&ia->ia_dst, ip6->ip6_dst, 16);
	return zone6_enter(ia->ia_src.na_bytes, ifp->if_index) &&
	    zone6_enter(ia->ia_dst.na_bytes, ifp->if_index);
}

/* Read section: is an inner address, whose lookup is given, one of ours that
 * may be used? */
static inline bool
in6_local_usable(const struct fwd *fd)
{

	return fwd_is_local(fd) && in6_ifa_usable(fd->fd_nh->nh_ifa);
}

/* Read section: likewise, and may it be the source of an answer?  No packet is
 * from an anycast address (RFC 4443 2.2). */
static inline bool
in6_local_answers(const struct fwd *fd)
{

	return in6_local_usable(fd) &&
	    (in6_ifa_flags(fd->fd_nh->nh_ifa) & IN6_IFF_ANYCAST) == 0;
}

/*
 * The hash of a packet's flow: addresses, and the flow label (RFC 6438 3), or
 * without one the protocol, and its ports where they follow the header.  The
 * ports are within the buffer, whatever the packet's length.
 */
static inline uint32_t
ip6_flow_hash(const struct vnet *vn, const struct iphdr6 *ip6)
{
	uint64_t w[4], h = be32(ip6->ip6_flow) & IP6_FLOWLABEL;
	uint8_t p = ip6->ip6_nxt;
	uint32_t ports = 0;

	memcpy(w, ip6->ip6_src, 16);
	memcpy(w + 2, ip6->ip6_dst, 16);
	if (h == 0) {
		if (p == IPPROTO_TCP || p == IPPROTO_UDP ||
		    p == IPPROTO_SCTP || p == IPPROTO_UDPLITE)
			memcpy(&ports, ip6 + 1, 4);
		h = (uint64_t)ports << 8 | p;
	}
	h = (h + vn->vn_route->rv_seed) * 0x9e3779b97f4a7c15ull;
	h ^= w[0] + (w[1] << 31 | w[1] >> 33) * 0xbf58476d1ce4e5b9ull;
	h = (h ^ h >> 29) * 0x94d049bb133111ebull;
	return khash_u64(h ^ w[2] ^ (w[3] << 17 | w[3] >> 47));
}

/* How a packet to an inner destination goes by a table: of several ways, its
 * flow's. */
static inline struct fwd
ip6_lookup(const struct rt_table *tb, const struct iphdr6 *ip6,
    const union neigh_addr *dst)
{
	struct fwd fd = rt_lookup6_raw(tb, dst->na_bytes);

	if ((fd.fd_value & FWD_GROUP) != 0)
		fd.fd_nh = nh_choose(fd.fd_nh, ip6_flow_hash(tb->tb_vnet,
		    ip6));
	return fd;
}

/* CPU: how a packet goes by rules, where fd is what a table says of it; of
 * several ways, its flow's.  name: of the interface it came by, or NULL. */
static inline struct fwd
ip6_rules_apply(const struct ip_rules *rules, const char *name,
    const struct iphdr6 *ip6, uint32_t mark, const struct vnet *vn,
    struct fwd fd)
{
	const struct ip_rule *by;
	uint32_t was = fd.fd_value;
	union neigh_addr src;

	if (zone6_is_scoped(ip6->ip6_dst) || zone6_is_multicast(ip6->ip6_dst))
		return fd;
	memcpy(&src, ip6->ip6_src, sizeof(src));
	zone6_leave(src.na_bytes);
	fd = rules_lookup6(rules, name, &src, ip6->ip6_dst, mark, fd, &by);
	rule_count(by);
	if ((fd.fd_value & FWD_GROUP) != 0 && (fd.fd_value != was ||
	    (fd.fd_nh->nh_flags & NH_GROUP) != 0))
		fd.fd_nh = nh_choose(fd.fd_nh, ip6_flow_hash(vn, ip6));
	return fd;
}

/* --- headers -------------------------------------------------------------- */

/* The place of a walk over a packet's headers. */
struct ip6_at {
	unsigned	 at_off;	/* of the header */
	unsigned	 at_nxtoff;	/* where its number is */
	uint8_t		 at_nxt;	/* its number */
};

/* ip6_headers.c.  CPU: at the header that follows the IPv6 header at offset
 * base. */
static inline struct ip6_at
ip6_at_first(unsigned base, uint8_t nxt)
{

	return (struct ip6_at){ base + IP6_HLEN, base + 6, nxt };
}
/* Step over an extension header that is no fragment header, and lies within
 * the packet; false: it does not. */
bool	ip6_at_skip(const struct mbuf *, struct ip6_at *);
/*
 * Find a packet's upper-layer header, the IPv6 header being at offset base.
 * false: nowhere within it; at the end of the headers that are, then, which is
 * a fragment header if the packet is a fragment that is not the first one.
 */
bool	ip6_upper(const struct mbuf *, unsigned base, struct ip6_at *);
/* ip6_options.c.  Check the options of a hop-by-hop or destination options
 * header (RFC 8200 4.2); false: the packet was dropped, and the source told if
 * it has to be. */
bool	ip6_options_check(struct ifnet *, struct mbuf *,
	    const struct ip6_at *);

/* --- input ---------------------------------------------------------------- */

/* ip6_input.c.  CPU: packets at their IPv6 header. */
void	ip6_input_vec(struct ifnet *, struct mvec *);
/* ip6_init.c.  CPU: drop the calling CPU's queued packets of an interface that
 * is being detached, and fragments. */
void	ip6_sweep(struct ifnet *);
/* Read section: does the interface listen to an inner group? */
bool	ip6_listens(struct ifnet *, const union neigh_addr *group);

/* ip6_forward.c.  CPU: forward a packet as a lookup says, with all checks.
 * Returns the packet if it is to be sent, with m_nh and its hop limit set;
 * NULL: it is gone. */
struct mbuf *ip6_forward_slow(struct ifnet *, struct mbuf *,
	    const struct ip6_addrs *, const struct fwd *);

/* CPU: queue a checked packet for this host, which is taken. */
static inline void
ip6_local_input(struct ifnet *ifp, struct mbuf *m)
{

	ip_ifq_enqueue(&ifp->if_vnet->vn_ip6->i6_ifq, ifp, m);
}
/* ip6_local.c.  Control: set up i6_ifq.  ENOMEM. */
int	ip6_local_init(struct vnet *);

/* ip6_reass.c.  CPU: take a fragment, whose fragment header is at `at'.
 * Returns the whole packet if this fragment completes it, else NULL. */
struct mbuf *ip6_reass(struct ifnet *, struct mbuf *, const struct ip6_at *,
	    const struct ip6_frag *);
int	ip6_reass_init(struct vnet *);	/* control; ENOMEM */
void	ip6_reass_fini(struct vnet *);

/* --- output --------------------------------------------------------------- */

/* ip6_output.c.  How a packet made here is sent; zeroes: as usual. */
struct ip6_out {
	struct ifnet	*io_ifp;	/* on this link, to the destination
					 * itself; NULL: as routes and zones
					 * say */
	uint8_t		 io_hlim;	/* 0: net.inet6.ip6.hlim; 1 to groups */
	uint8_t		 io_flags;	/* IP6_OUT_* */
#define IP6_OUT_SOURCE	0x1		/* the source stays as it is, ::, too,
					 * and need not be usable */
#define IP6_OUT_WHOLE	0x2		/* never in fragments (RFC 3542
					 * 11.2): EMSGSIZE */
#define IP6_OUT_MINMTU	0x4		/* in fragments of the least MTU that
					 * links have (RFC 3542 11.1) */
};
/*
 * CPU: route by a table and send a packet made here, which is taken.  Of its
 * IPv6 header next header and inner addresses are set, traffic class and flow
 * label if not 0, all else is 0; source ::: the best one (in6_source()).  The
 * checksum of ICMPv6, behind the header or one of hop-by-hop options, is
 * computed, and so is UDP's.  how: NULL: as usual.  0 or errno.
 */
int	ip6_output(struct rt_table *, struct mbuf *, const struct ip6_out *how);
/* CPU: the last steps of output, with m_nh set: offload, fragmentation of a
 * packet made here, output. */
void	ip6_send(struct mbuf *);
/* Likewise, for an MTU. */
void	ip6_send_mtu(struct mbuf *, unsigned mtu);
/* ip6_pmtu.c.  CPU: a message that the packet at offset off of m was too big
 * for an MTU; known: an echo request that somebody waits for.  false: it
 * changes nothing. */
bool	ip6_pmtu_input(struct ifnet *, const struct mbuf *m, unsigned off,
	    uint32_t mtu, bool known);
/* CPU: the MTU of a packet made here that takes this next hop of a table. */
unsigned ip6_pmtu(const struct rt_table *, const struct nexthop *,
	    const union neigh_addr *dst);
/* ip6_frag.c.  CPU: send a packet made here in fragments of an MTU. */
void	ip6_fragment_output(struct ifnet *, struct mbuf *, unsigned mtu);

/* --- ICMPv6 --------------------------------------------------------------- */

/*
 * icmp6.c.  CPU: tell the source of a packet (m, at its IPv6 header, of the
 * wire; not taken) of an error.  word: MTU or pointer, host order.  Limited by
 * net.inet6.icmp6.errppslimit, and not sent about the packets that RFC 4443 2.4
 * (e) lists.
 */
void	icmp6_error(struct ifnet *, struct mbuf *, uint8_t type, uint8_t code,
	    uint32_t word);
/* CPU: a message for this host, which is taken; m is at the IPv6 header, and
 * the message at off. */
void	icmp6_input(struct ifnet *, struct mbuf *, unsigned off);
int	icmp6_init(struct vnet *);	/* control; ENOMEM */
void	icmp6_fini(struct vnet *);

#endif /* !NETINET6_IP6_VAR_H */
