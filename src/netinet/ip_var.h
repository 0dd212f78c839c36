/*
 * ip_var: declarations that only the files of src/netinet use: the layout of
 * the headers (RFC 791, 792, 826, 768, 793), the per-interface part, and the
 * steps of the packet path that live in different files.
 *
 * Addresses and multi-byte fields of headers are in network order unless the
 * name says otherwise.
 */

#ifndef NETINET_IP_VAR_H
#define NETINET_IP_VAR_H

#include <string.h>

#include "kern/ktask.h"
#include "net/if_held.h"
#include "net/ip_token.h"
#include "net/rule.h"
#include "netinet/in_var.h"
#include "proto/prefix.h"

#define IP_HLEN_MIN	20
#define IP_MAXPACKET	65535

struct iphdr4 {
	uint8_t		 ip_vhl;	/* version, header length in words */
	uint8_t		 ip_tos;
	uint16_t	 ip_len;
	uint16_t	 ip_id;
	uint16_t	 ip_off;
#define IP_DF		0x4000
#define IP_MF		0x2000
#define IP_OFFMASK	0x1fff
	uint8_t		 ip_ttl;
	uint8_t		 ip_p;
	uint16_t	 ip_sum;
	uint32_t	 ip_src, ip_dst;
} __attribute__((__packed__));

#define IPOPT_EOL	0
#define IPOPT_NOP	1
#define IPOPT_RR	7
#define IPOPT_TS	68
#define IPOPT_LSRR	131
#define IPOPT_SSRR	137
#define IPOPT_COPIED	0x80
#define IP_OPTLEN_MAX	40

struct icmphdr4 {
	uint8_t		 icmp_type;
	uint8_t		 icmp_code;
	uint16_t	 icmp_cksum;
	union {
		struct {
			uint16_t id, seq;
		}	 icmp_echo;
		struct {
			uint16_t pad, mtu;
		}	 icmp_pmtu;
		uint32_t icmp_word;
	};
} __attribute__((__packed__));
#define ICMP_HLEN	8

#define ICMP4_ECHOREPLY	0
#define ICMP4_UNREACH	3
#define ICMP4_UNREACH_NET	0
#define ICMP4_UNREACH_HOST	1
#define ICMP4_UNREACH_PROTO	2
#define ICMP4_UNREACH_PORT	3
#define ICMP4_UNREACH_NEEDFRAG	4
#define ICMP4_UNREACH_SRCFAIL	5
#define ICMP4_QUENCH	4
#define ICMP4_REDIRECT	5
#define ICMP4_REDIRECT_HOST	1
#define ICMP4_ECHO	8
#define ICMP4_TIMXCEED	11
#define ICMP4_TIMXCEED_TTL	0
#define ICMP4_TIMXCEED_REASS	1
#define ICMP4_PARAMPROB	12

struct arphdr {
	uint16_t	 ar_hrd;	/* 1: Ethernet */
	uint16_t	 ar_pro;
	uint8_t		 ar_hln;
	uint8_t		 ar_pln;
	uint16_t	 ar_op;
#define ARP_REQUEST	1
#define ARP_REPLY	2
	uint8_t		 ar_sha[ETHER_ADDR_LEN];
	uint32_t	 ar_spa;
	uint8_t		 ar_tha[ETHER_ADDR_LEN];
	uint32_t	 ar_tpa;
} __attribute__((__packed__));
_Static_assert(sizeof(struct arphdr) == 28, "RFC 826 over Ethernet");

/* CPU: a packet entered (n 1) or left (n -1) a queue of received packets. */
static inline void
in_iqueued_add(struct ifnet *ifp, int64_t n)
{

	cpu_stat_add(&if_ctr(ifp, net_curcpu()->ci_index)->ic_iqueued,
	    (uint64_t)n);
}

/*
 * May an address be the source of a packet, or an ordinary destination?  Not
 * 0/8, 127/8, multicast, class E, broadcast (RFC 1812 5.3.7).
 */
static inline bool
in_ordinary(uint32_t addr)
{
	uint8_t b = (uint8_t)addr;	/* first byte on the wire */

	return (uint8_t)(b - 1) < 223 && b != 127;
}

static inline bool
in_is_multicast(uint32_t addr)
{

	return (addr & 0xf0) == 0xe0;
}

static inline bool
in_is_loopback(uint32_t addr)
{

	return (addr & 0xff) == 127;
}

/* Is the address in 169.254/16 (RFC 3927): valid on one link, never
 * forwarded? */
static inline bool
in_is_linklocal(uint32_t addr)
{

	return __builtin_bswap32(addr) >> 16 == 0xa9fe;
}

/*
 * in_special.c: special-purpose addresses (RFC 6890).
 */
struct in_special {
	uint32_t	 ins_net;	/* host order */
	uint8_t		 ins_len;
	uint8_t		 ins_flags;
#define INS_SOURCE	0x1		/* may be a source */
#define INS_DESTINATION	0x2
#define INS_FORWARD	0x4		/* may be forwarded to */
#define INS_LINK	0x8		/* may be forwarded neither as source */
#define INS_OWN		0x10		/* for documentation: allowed everything
					 * once a route leads into the block
					 * itself */
};
/* The row of an address; NULL: the address is not special. */
const struct in_special *in_special(uint32_t addr);
/* May an address to which packets go so be used as all of `what' (INS_*)? */
bool	in_special_may(const struct fwd *, uint32_t addr, unsigned what);
/* Is this an address that no host can have? */
bool	in_special_nobody(uint32_t addr);
/* Has a route destinations that may not be forwarded to? */
bool	in_special_route(const struct rtentry *);

/* A quick test: may an address that passed in_ordinary() have a row? */
static inline bool
in_maybe_special(uint32_t addr)
{
	uint32_t h = __builtin_bswap32(addr) >> 16;

	return (h == 0xa9fe) | (h == 0xc000) | (h == 0xc633) | (h == 0xcb00);
}

static inline uint32_t
in_mask(unsigned len)
{

	return __builtin_bswap32(prefix_mask(len));
}

static inline struct iphdr4 *
mtoip(const struct mbuf *m)
{

	return (struct iphdr4 *)(void *)m->m_data;
}

static inline unsigned
ip_hlen(const struct iphdr4 *ip)
{

	return (ip->ip_vhl & 0xf) << 2;
}

static inline uint16_t
be16(uint16_t x)
{

	return __builtin_bswap16(x);
}

static inline uint32_t
be32(uint32_t x)
{

	return __builtin_bswap32(x);
}

/* Compute the header checksum anew. */
static inline void
ip_set_cksum(struct iphdr4 *ip)
{

	ip->ip_sum = 0;
	ip->ip_sum = in_cksum_fold(in_cksum_add(ip, ip_hlen(ip), 0));
}

/*
 * Decrement the time to live and adjust the header checksum (RFC 1624).
 */
static inline void
ip_dec_ttl(struct iphdr4 *ip)
{
	uint32_t c = (uint32_t)ip->ip_sum + 1;

	ip->ip_sum = (uint16_t)(c + (c >= 0xffff));
	ip->ip_ttl--;
}

/* Header and payload of a segment of this packet, in bytes from the IP header
 * on; 0: the headers do not fit the packet.  Only for M_GSO_MASK. */
unsigned ip_segment_len(const struct mbuf *);
/*
 * ip_offload.c.  Compute a checksum left open (M_CSUM_PARTIAL; else nothing is
 * done); may replace the head.  DROP_NREASONS, or the reason why it cannot be
 * computed.
 */
enum drop_reason ip_finish_cksum(struct mbuf **);
/* Cut a packet of M_GSO_MASK into segments and offer them; segments of IPv4
 * larger than mtu are fragmented. */
void	ip_segment_output(struct ifnet *, struct mbuf *, unsigned mtu);

/* ip_frag.c.  CPU: append len bytes of a packet, which has them, from offset
 * off to another.  ENOBUFS. */
int	ip_append(struct mbuf *, const struct mbuf *, unsigned off,
	    unsigned len);

/* Drop a packet, counted as offered and dropped on an output interface. */
static inline void
ip_out_drop(struct ifnet *ifp, struct mbuf *m, enum drop_reason why)
{

	if_stat_add(ifp, IF_STAT_OFFERED, 1);
	m_drop(ifp, m, why);
}

/* One packet of a family to an interface's output. */
static inline void
ip_out_af(struct ifnet *ifp, int af, struct mbuf *m)
{
	struct mvec mv;

	mv.mv_n = 1;
	mv.mv_m[0] = m;
	if_output_vec(ifp, af, &mv);
}

static inline void
ip_out_one(struct ifnet *ifp, struct mbuf *m)
{

	ip_out_af(ifp, AF_INET, m);
}

/* ip_input.c.  Did a packet of this host come back through a loopback
 * interface? */
bool	ip_is_loop(const struct ifnet *, const struct mbuf *);

/* The neighbour that a packet goes to next. */
static inline uint32_t
ip_next4(const struct nexthop *nh, const struct iphdr4 *ip)
{
	uint32_t gw = nh_gw4(nh);

	return gw != 0 ? gw : ip->ip_dst;
}

/*
 * The hash of a packet's flow: addresses, protocol, and the ports of TCP, UDP,
 * SCTP and UDP-Lite, but not those of fragments, of which only the first has
 * any.  The ports are within the buffer, whatever the packet's length.
 */
static inline uint32_t
ip_flow_hash(const struct vnet *vn, const struct iphdr4 *ip)
{
	uint32_t ports = 0;
	uint8_t p = ip->ip_p;

	if ((p == IPPROTO_TCP || p == IPPROTO_UDP || p == IPPROTO_SCTP ||
	    p == IPPROTO_UDPLITE) &&
	    (ip->ip_off & htons(IP_OFFMASK | IP_MF)) == 0)
		memcpy(&ports, (const uint8_t *)ip + ip_hlen(ip), 4);
	return khash_u64(((uint64_t)ip->ip_src << 32 | ip->ip_dst) ^
	    (((uint64_t)ports << 8 | p) + vn->vn_route->rv_seed) *
	    0x9e3779b97f4a7c15ull);
}

/* How a packet goes by a table: of several ways, its flow's. */
static inline struct fwd
ip_lookup(const struct rt_table *tb, const struct iphdr4 *ip)
{
	struct fwd fd = rt_lookup4_raw(tb, ip->ip_dst);

	if ((fd.fd_value & FWD_GROUP) != 0)
		fd.fd_nh = nh_choose(fd.fd_nh, ip_flow_hash(tb->tb_vnet, ip));
	return fd;
}

/* CPU: how a packet goes by rules, where fd is what a table says of it; of
 * several ways, its flow's.  name: of the interface it came by, or NULL. */
static inline struct fwd
ip_rules_apply(const struct ip_rules *rules, const char *name,
    const struct iphdr4 *ip, uint32_t mark, const struct vnet *vn,
    struct fwd fd)
{
	const struct ip_rule *by;
	uint32_t was = fd.fd_value;

	fd = rules_lookup4(rules, name, ip->ip_src, ip->ip_dst, mark, fd, &by);
	rule_count(by);
	if ((fd.fd_value & FWD_GROUP) != 0 && (fd.fd_value != was ||
	    (fd.fd_nh->nh_flags & NH_GROUP) != 0))
		fd.fd_nh = nh_choose(fd.fd_nh, ip_flow_hash(vn, ip));
	return fd;
}

/* ip_forward.c.  Set a packet's m_nh by how it goes, and M_BCAST or M_MCAST by
 * its destination. */
void	ip_route_set(struct mbuf *, const struct fwd *);
/* The last steps of forwarding, after ip_route_set(): offload, fragmentation,
 * output.  The packet was counted on its input interface. */
void	ip_send(struct mbuf *);
/* Likewise, for an MTU. */
void	ip_send_mtu(struct mbuf *, unsigned mtu);
/* Any, read section: the MTU of the routes to a next hop, or else of its
 * interface. */
unsigned ip_nh_mtu(const struct nexthop *);
/* Can a packet leave without being fragmented? */
bool	ip_fits(const struct mbuf *, unsigned mtu);

/* Can an interface send the packet as it is: in one piece or in segments that
 * the interface makes, with checksums computed or left to the interface? */
static inline bool
ip_leaves_whole(const struct mbuf *m, const struct ifnet *ifp, unsigned mtu)
{
	unsigned need = m->m_csum_flags & (M_CSUM_PARTIAL | M_GSO_MASK);

	return (need & ~ifp->if_csum_tx) == 0 && ip_fits(m, mtu);
}

/*
 * ip_options.c.  CPU.  Are the options of a received packet well-formed, and no
 * source route?  false: the packet was dropped, and an ICMP error sent.  The
 * functions below take headers that passed this check.
 */
bool	ip_options_check(struct ifnet *, struct mbuf *);
/* Enter addr (0: none) and the time into record route and time stamp options.
 * The caller updates the header checksum. */
void	ip_options_stamp(const struct rt_table *, struct iphdr4 *,
	    uint32_t addr);
/* Copy the options that go back with an echo reply, padded; returns their
 * length. */
unsigned ip_options_echo(const struct iphdr4 *, uint8_t opts[IP_OPTLEN_MAX]);

/* ip_output.c: identification for a new packet, network order. */
uint16_t ip_newid(void);
/* CPU: send a packet to a local address of a table, whose next hop is given;
 * the packet is taken.  0 or errno. */
int	ip_loopback(struct rt_table *, struct mbuf *, const struct nexthop *);

/* ip_local.c.  Control: set up iv_ifq.  ENOMEM. */
int	ip_local_init(struct vnet *);

/* ip_reass.c */
int	ip_reass_init(struct vnet *);
void	ip_reass_fini(struct vnet *);

/* icmp.c */
int	icmp_init(struct vnet *);
void	icmp_fini(struct vnet *);
/* CPU: a redirect (RFC 1812 5.2.7.2) to the packet's source. */
void	icmp_redirect(struct ifnet *, struct mbuf *, uint32_t gw);

/* icmp_redirect.c.  What a redirect says (addresses in network order). */
#define ICMP_REDIRECTED	8	/* that wait for the task */
#define ICMP_REDIRECTS	20	/* followed a second */
struct icmp_redirected {
	uint64_t	 ir_handle;	/* of the interface it came by */
	uint32_t	 ir_from;	/* the gateway that sent it */
	uint32_t	 ir_gw;		/* the better one */
	uint32_t	 ir_dst;
};
/* CPU: a redirect that was received; m is at the IP header.  true: it is
 * followed; false: it is not to be believed, or redirects are not followed. */
bool	icmp_redirect_input(struct ifnet *, const struct mbuf *,
	    const struct icmphdr4 *);
/* Control: follow those that were received; the vnet. */
void	icmp_redirect_task(void *);

/* icmp.c */
struct icmp_vnet {
	struct kspin	 icv_lock;		/* slots change; redirects */
	struct ping	**icv_ping;		/* rcu; PING_MAX slots of both
						 * families (ping.h), by low
						 * byte of id; NULL until the
						 * first ping */
	struct ip_tokens *icv_tokens;		/* one per CPU, a line each */
	struct ktask	 icv_task;		/* icmp_redirect_task() */
	unsigned	 icv_nredirected;	/* icv_lock */
	struct ip_tokens icv_redirects;		/* icv_lock: of the rate */
	struct ip_tokens icv_log;		/* the task's: of log lines */
	struct icmp_redirected icv_redirected[ICMP_REDIRECTED];
};
/* ip_pmtu.c.  CPU: a message that fragmentation of the packet at offset off of
 * m is needed, for mtu (0: it does not say); known: an echo request that
 * somebody waits for.  false: it changes nothing. */
bool	ip_pmtu_input(struct ifnet *, const struct mbuf *m, unsigned off,
	    unsigned mtu, bool known);
/* CPU: the MTU of a packet made here that takes this next hop of a table. */
unsigned ip_pmtu(const struct rt_table *, const struct nexthop *,
	    uint32_t dst);

/* ip_stats.c */
int	ip_sysctl_init(struct vnet *);
int	arp_sysctl_init(struct vnet *);

/* in.c, in_control.c */
void	in_purgeif(struct ifnet *);
/* Control, with the ioctl lock: an interface request of family AF_INET.
 * EOPNOTSUPP for requests that IPv4 does not have, and each request's own
 * errors. */
int	in_ioctl(struct ifnet *, unsigned long cmd, void *data);
/* Control: an address is about to bring a route to its prefix along. */
void	in_ifa_prefix(struct ifaddr *, const struct prefix *);
/* Read section: is the address the network address of a connected prefix of
 * this length or a shorter one, in a table? */
bool	in_starts_prefix(const struct rt_table *, uint32_t addr, unsigned len);
/* Any: note the network address of a connected prefix. */
static inline void
in_network_note(struct vnet *vn, uint32_t addr)
{
	uint32_t h = khash_u64(addr) % IP_NETWORK_BITS;

	(void)__atomic_fetch_or(&vn->vn_ip->iv_network[h / 64],
	    UINT64_C(1) << h % 64, __ATOMIC_RELAXED);
}

/*
 * Read section: is the address, to which packets go by a connected prefix (fd),
 * that prefix's network address?  Both addresses of a /31 are hosts (RFC 3021),
 * and so is a far end.
 */
static inline bool
in_starts_connected(const struct fwd *fd, uint32_t addr)
{
	const struct in_ifaddr *ia = (const struct in_ifaddr *)
	    fd->fd_nh->nh_ifa;

	return ia->ia_len < 31 && (addr & ~in_mask(ia->ia_len)) == 0 &&
	    ((if_flags_get(fd->fd_nh->nh_ifp) & IFF_POINTOPOINT) == 0 ||
	    ia->ia_ifa.ifa_dstaddr == NULL ||
	    ia->ia_dst.sin_addr.s_addr != addr);
}

/*
 * Read section: is the address, to which packets go by fd, which a table says,
 * the network address of one of its connected prefixes (RFC 1812 4.2.2.11)?
 * That prefix's own route may be hidden by one that was asked for.  Nearly all
 * other addresses are told apart by bits that only such addresses set (a Bloom
 * filter).
 */
static inline bool
in_is_network(const struct rt_table *tb, const struct fwd *fd, uint32_t addr)
{
	const struct ip_vnet *iv = tb->tb_vnet->vn_ip;
	uint32_t h;

	if ((be32(addr) & 3) != 0)
		return false;
	h = khash_u64(addr) % IP_NETWORK_BITS;
	if (__builtin_expect((__atomic_load_n(&iv->iv_network[h / 64],
	    __ATOMIC_RELAXED) >> h % 64 & 1) == 0, 1))
		return false;
	return fwd_is_connected(fd) ? in_starts_connected(fd, addr) :
	    in_starts_prefix(tb, addr, 30);
}

/* CPU: is a local address, whose lookup is given, usable on any interface that
 * has it? */
bool	in_local_usable(const struct fwd *, uint32_t addr);
/* in_laddr.c: SIOC[ADG]LIFADDR.  EINVAL, EADDRNOTAVAIL, or as SIOCAIFADDR. */
int	in_laddr_ioctl(struct ifnet *, unsigned long, struct if_laddrreq *);
/* Any, read section: the source address that an interface uses for a
 * destination; 0: it has none. */
uint32_t in_ifsource(struct ifnet *, uint32_t dst);
/* As in_ifsource(), or else the router's (in_router_id()); also where the
 * interface has link-local addresses alone and the destination is no such one.
 * 0: there is none. */
uint32_t in_ownsource(struct ifnet *, uint32_t dst);
/* As in_ifsource(), for a next hop: its own address, unless that may not be
 * used or another address fits as well and is preferred. */
uint32_t in_nhsource(const struct nexthop *, uint32_t dst);
/*
 * Any, read section: the router's address, of those in a table, that packets of
 * its own carry on interfaces without an address (RFC 1812 4.3.2.4, 2.2.7); 0:
 * there is none.  No link-local address is one.  An address of lo0 outside
 * 127/8 is preferred; the choice stays the same as long as the address may be
 * used.
 */
uint32_t in_router_id(struct rt_table *);
/* Any, read section: does the interface have an IPv4 address, in any state? */
bool	in_ifhasaddr(struct ifnet *);

static inline struct in_ifaddr *
ifatoia(struct ifaddr *ifa)
{

	return (struct in_ifaddr *)ifa;
}

#endif /* !NETINET_IP_VAR_H */
