/*
 * in_var: IPv4 addresses of interfaces, and the declarations that the files of
 * src/netinet share.
 */

#ifndef NETINET_IN_VAR_H
#define NETINET_IN_VAR_H

#include "kern/wheel.h"
#include "net/neigh.h"
#include "net/if_stats_impl.h"
#include "net/route.h"
#include "netinet/ip_ifq.h"
#include "netinet/pmtu.h"

/* ifam_flags */
#define IN_IFF_TENTATIVE	0x01
#define IN_IFF_DUPLICATED	0x02
#define IN_IFF_DETACHED		0x04

#define IN_DAD_COUNT_MAX	100

struct in_ifaddr {
	struct protoaddr ia_proto;	/* first */
#define ia_ifa	ia_proto.pa_ifa
#define ia_len	ia_proto.pa_len		/* prefix length */
	/* ARP's lock: announcements left, steps of the check left. */
#define ia_announce ia_proto.pa_spare[0]
#define ia_probe ia_proto.pa_spare[1]
	struct sockaddr_in ia_addr;
	struct sockaddr_in ia_dst;	/* far end, or broadcast */
	union {
		/* ARP's lock: while announcements or steps are left. */
		struct wheel_link ia_annlink;
		/* Otherwise.  Who frees the address may do so when its
		 * interface is gone. */
		struct kern *ia_kern;
	};
};

/* Reassembly, queues, settings and counters of IPv4 in a vnet. */
struct ip_vnet {
	int64_t		 iv_forwarding;		/* sysctl, default 0 */
	int64_t		 iv_redirect;		/* send redirects; default 1 */
	int64_t		 iv_ttl;		/* default 64 */
	int64_t		 iv_rpf;		/* IF_RPF_*; default off */
	int64_t		 iv_dad_count;		/* probes; default 0: none */
	int64_t		 iv_icmp_errppslim;	/* 100; 0 none, <0 any */
	int64_t		 iv_icmp_bmcastecho;	/* default 0 */
	int64_t		 iv_rediraccept;	/* of redirects; default 1 */
	int64_t		 iv_redirtimeout;	/* for how long, s; 600 */
	int64_t		 iv_redirmax;		/* such routes; 1024 */
	int64_t		 iv_checkinterface;	/* strong host; default 0 */
	int64_t		 iv_maxfragpackets;
	int64_t		 iv_maxfrags;
	int64_t		 iv_mtudisc;		/* path MTU discovery; 1 */
	struct pmtu	 iv_pmtu;
	struct ip_reass	*iv_reass;
	struct ip_ifq	 iv_ifq;		/* local delivery */
	struct icmp_vnet *iv_icmp;
	struct ip_stats	*iv_stats;		/* one a CPU */
#define IP_NETWORK_BITS	512
	uint64_t	 iv_network[IP_NETWORK_BITS / 64]; /* a:
						 * in_is_network()'s */
};

/* Counters of IPv4, ICMP and ARP by name; see ip_stats.c. */
#define IP_STATS(X) \
	X(ips_total, "ip.received", \
	    "packets received") \
	X(ips_delivered, "ip.delivered", \
	    "packets for this host") \
	X(ips_forward, "ip.forwarded", \
	    "packets forwarded") \
	X(ips_localout, "ip.sent", \
	    "packets sent from this host") \
	X(ips_fragments, "ip.fragments", \
	    "fragments received") \
	X(ips_reassembled, "ip.reassembled", \
	    "packets reassembled") \
	X(ips_fragmented, "ip.fragmented", \
	    "packets fragmented on output") \
	X(ips_ofragments, "ip.ofragments", \
	    "fragments created") \
	X(ips_cantfrag, "ip.cantfrag", \
	    "packets that could not be fragmented") \
	X(ips_segmented, "ip.segmented", \
	    "offload packets cut in software") \
	X(ips_redirectsent, "ip.redirects", \
	    "redirects sent") \
	X(icps_error, "icmp.errors", \
	    "ICMP errors sent") \
	X(icps_limited, "icmp.limited", \
	    "ICMP errors not sent for the rate limit") \
	X(icps_oldicmp, "icmp.aboutold", \
	    "ICMP errors not sent for the kind of packet") \
	X(icps_redirect, "icmp.redirects", \
	    "redirects followed") \
	X(icps_pmtu, "icmp.pmtu", \
	    "messages that made packets to a destination smaller") \
	X(icps_badpmtu, "icmp.badpmtu", \
	    "messages of a smaller MTU not believed, or not new") \
	X(icps_badredirect, "icmp.badredirects", \
	    "redirects not believed, or too many at once") \
	X(icps_echo, "icmp.echo", \
	    "echo requests answered") \
	X(icps_reply, "icmp.echoreply", \
	    "echo replies received") \
	X(icps_unreach, "icmp.unreach", \
	    "unreachables sent") \
	X(icps_timxceed, "icmp.timxceed", \
	    "time exceeded sent") \
	X(icps_needfrag, "icmp.needfrag", \
	    "fragmentation needed sent") \
	X(igps_sent, "igmp.sent", \
	    "IGMP reports and leaves sent") \
	X(igps_queries, "igmp.queries", \
	    "IGMP queries received") \
	X(igps_reports, "igmp.reports", \
	    "IGMP reports of other hosts received") \
	X(arps_rxrequest, "arp.requests_in", \
	    "ARP requests received") \
	X(arps_rxreply, "arp.replies_in", \
	    "ARP replies received") \
	X(arps_txrequest, "arp.requests_out", \
	    "ARP requests sent") \
	X(arps_txreply, "arp.replies_out", \
	    "ARP replies sent") \
	X(arps_announce, "arp.announcements", \
	    "gratuitous announcements sent") \
	X(arps_probe, "arp.probes", \
	    "probes for addresses about to be used sent") \
	X(arps_duplicate, "arp.duplicates", \
	    "addresses given up because another host has them") \
	X(arps_changed, "arp.changed", \
	    "neighbours that changed their address") \
	X(arps_refused, "arp.refused", \
	    "changes of a neighbour's address not believed") \
	X(arps_timeout, "arp.timeouts", \
	    "neighbours that did not answer") \
	X(arps_limited, "arp.limited", \
	    "new neighbours not asked for because of the rate") \
	X(arps_full, "arp.full", \
	    "new neighbours for which there was no room") \
	X(arps_pushed_incomplete, "arp.pushed_incomplete", \
	    "neighbours without an answer that made room for others") \
	X(arps_pushed_unused, "arp.pushed_unused", \
	    "neighbours learnt and not used that made room for others") \
	X(arps_pushed_idle, "arp.pushed_idle", \
	    "neighbours not used lately that made room for others")

struct ip_stats {
#define X(f, name, text)	uint64_t f;
	IP_STATS(X)
#undef X
} __attribute__((__aligned__(64)));

/* Any: the value of a setting, which sysctl may be changing at the same
 * time. */
static inline int64_t
ip_setting(const int64_t *setting)
{

	return __atomic_load_n(setting, __ATOMIC_RELAXED);
}

/* Any: is the interface up (IFF_UP)? */
static inline bool
in_if_is_up(const struct ifnet *ifp)
{

	return (__atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED) & IFF_UP) !=
	    0;
}

/*
 * Any: may the address be used, as a source, as a destination for this host, in
 * an ARP reply?  Not while it is tentative or duplicated, nor while its
 * interface is down.
 */
static inline bool
in_ifa_usable(const struct ifaddr *ifa)
{

	return (__atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED) &
	    (IFA_TENTATIVE | IFA_DUPLICATED | IFA_DESTROYING)) == 0 &&
	    in_if_is_up(ifa->ifa_ifp);
}

/* CPU: the calling CPU's counters. */
static inline struct ip_stats *
ip_stats(const struct vnet *vn)
{

	return &vn->vn_ip->iv_stats[net_curcpu()->ci_index];
}

/* Internet checksum (RFC 1071) of len bytes, folded, not complemented; sum
 * continues an earlier even-length part. */
uint32_t in_cksum_add(const void *, size_t len, uint32_t sum);
static inline uint16_t
in_cksum_fold(uint32_t sum)
{

	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return (uint16_t)~sum;
}
/* The checksum of len bytes of a packet from offset off. */
uint16_t in_cksum_mbuf(const struct mbuf *, unsigned off, unsigned len,
	    uint32_t sum);
/* Pseudo-header sum: addresses in network order, protocol, length. */
uint32_t in_cksum_pseudo(uint32_t src, uint32_t dst, uint8_t proto,
	    uint32_t len);
/* Likewise of IPv6 (RFC 8200 8.1): the source, and the destination behind it,
 * as they are on the wire. */
uint32_t in6_cksum_pseudo(const void *addrs, uint8_t proto, uint32_t len);

/* in.c: control. */
extern const struct domain inet_domain;
extern const struct vnet_subsys inet_subsys;

/* ip_input.c etc.  CPU; every function takes all packets. */
void	ip_input_vec(struct ifnet *, struct mvec *);
/* Forward a packet as a lookup says, with all checks.
 * Returns the packet if it is to be sent, with m_nh and its TTL set; NULL: it
 * is gone. */
struct mbuf *ip_forward_slow(struct ifnet *, struct mbuf *,
	    const struct fwd *);
/* CPU: queue a checked packet for this host, which is taken. */
void	ip_local_input(struct ifnet *, struct mbuf *);
/* CPU: route by a table, fragment and send an IPv4 packet made by this host
 * (header length and addresses set, checksum not).  ip_src 0: chosen by the
 * route.  The packet is taken. 0 or errno. */
int	ip_output(struct rt_table *, struct mbuf *, unsigned ttl);
/* Any: an address of this table that may be used, neither tentative nor
 * duplicated. */
bool	in_source_usable(const struct rt_table *, uint32_t src);
/* Fragment to ifp's MTU and offer the pieces; counts. */
void	ip_fragment_output(struct ifnet *, struct mbuf *, unsigned mtu);
/* Prepare an offloaded packet (checksum, segments) for an interface that lacks
 * the offload; may cut it into pieces, which go to if_output_vec. */
void	ip_offload_output(struct ifnet *, struct mbuf *);
/* CPU: take a fragment; returns the whole packet if this fragment completes it,
 * else NULL. */
struct mbuf *ip_reass(struct ifnet *, struct mbuf *);
/* CPU: drop the fragments received by an interface that is being detached. */
void	ip_reass_sweep(struct ifnet *);

/* icmp.c.  CPU.  m is the offending packet at its IP header; not taken.
 * Rate-limited (RFC 1812 4.3.2.8); not sent about the packets that RFC 1122
 * 3.2.2 lists. */
void	icmp_error(struct ifnet *, struct mbuf *m, uint8_t type, uint8_t code,
	    uint32_t mtu);
/* CPU: handle a received ICMP message, which is taken; m is at the IP
 * header. */
void	icmp_input(struct ifnet *, struct mbuf *);

/* igmp.c.  CPU: an IGMP message, which is taken; m is at the IP header. */
void	igmp_input(struct ifnet *, struct mbuf *);
/* CPU: dom_mcast_report. */
void	igmp_report(struct ifnet *, int version, int what,
	    const union neigh_addr *, unsigned n, bool last);
/* Read section: does the interface listen to a group? */
bool	in_listens(struct ifnet *, uint32_t group);

/* if_arp.c */
extern const struct vnet_subsys arp_subsys;
void	arp_input_vec(struct ifnet *, struct mvec *);	/* CPU */
void	arp_resolve(struct ifnet *, struct mbuf *);	/* CPU; takes it */
/* Any context: start the check of an address, if it needs one, and its
 * announcement (RFC 5227 2.1, 2.3), if its interface is ready. */
void	arp_announce(struct ifaddr *);

#endif /* !NETINET_IN_VAR_H */
