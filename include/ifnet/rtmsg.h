/*
 * rtmsg: routing-socket messages: requests about routes and neighbours,
 * dumps, and announcements of what changed.
 *
 * Every message begins with struct rt_hdr; rtm_type says which record it is
 * the head of.  After the record come the addresses named in rtm_addrs, in bit
 * order, each a whole socket address of its family, padded to 8 bytes
 * (rt_sa_size()).  Messages from outside are checked by rt_msg_check() before
 * anything in them is used.
 */

#ifndef IFNET_RTMSG_H
#define IFNET_RTMSG_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ifnet/if_dl.h>
#include <ifnet/ifreq.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#define RTM_VERSION	1

/* rtm_type, NetBSD's names */
#define RTM_ADD		0x01	/* struct rt_msg: routes; with RTF_LLDATA */
#define RTM_DELETE	0x02	/* neighbours */
#define RTM_CHANGE	0x03
#define RTM_GET		0x04
#define RTM_MISS	0x07
#define RTM_LLINFO_UPD	0x13	/* struct rt_msg: neighbour changed */
#define RTM_IFINFO	0x14	/* struct if_msg: flags, link, counters */
#define RTM_IFANNOUNCE	0x10	/* struct if_msg: arrival or departure */
#define RTM_NEWADDR	0x16	/* struct ifa_msg */
#define RTM_DELADDR	0x17
#define RTM_CHGADDR	0x18
#define RTM_OVERRUN	0x40	/* struct rt_overrun_msg: messages were lost */
#define RTM_SNAPSHOT_END 0x41	/* struct rt_hdr alone: what follows is news */
#define RTM_IFRENAME	0x42	/* struct if_rename_msg */
#define RTM_IFDETAIL	0x43	/* struct if_detail_msg; dumps alone */

/* rtm_addrs */
#define RTA_DST		0x01
#define RTA_GATEWAY	0x02
#define RTA_NETMASK	0x04
#define RTA_IFP		0x10	/* sockaddr_dl of the interface */
#define RTA_IFA		0x20
#define RTA_BRD		0x80
#define RTAX_MAX	8

/* rtm_flags of routes and neighbours, NetBSD's values */
#define RTF_UP		0x1
#define RTF_GATEWAY	0x2
#define RTF_HOST	0x4
#define RTF_REJECT	0x8
#define RTF_DYNAMIC	0x10
#define RTF_DONE	0x40
#define RTF_CONNECTED	0x100
#define RTF_LLDATA	0x400
#define RTF_STATIC	0x800
#define RTF_BLACKHOLE	0x1000
#define RTF_PROTO2	0x4000
#define RTF_PROTO1	0x8000
#define RTF_ANNOUNCE	RTF_PROTO2
#define RTF_LOCAL	0x40000
#define RTF_BROADCAST	0x80000

/* rtm_given: which of these fields are meant, also when they are 0 */
#define RTV_METRIC	0x1	/* in a request: the route with this metric */
#define RTV_PROTO	0x2
#define RTV_REPLACE	0x4	/* RTM_ADD: a route of this metric that is
				 * there is changed */
#define RTV_LATER	0x8	/* in a request: also when the gateway cannot be
				 * reached yet */
#define RTV_MPATH	0x20	/* in a request: one more way of the route of
				 * this metric; in answers: one of several */
#define RTV_UNREACHABLE	0x10	/* in answers: the gateway, the source or the
				 * interface is not there now */
#define RTV_ROUTER	0x40	/* in answers, of a neighbour: it said that it
				 * is a router (RFC 4861 4.4) */

/* rtm_proto of a neighbour, in answers: its state (RFC 4861 7.3.2, of which
 * ARP's are the like) */
#define RTN_INCOMPLETE	1
#define RTN_REACHABLE	2
#define RTN_STALE	3
#define RTN_PROBE	4
#define RTN_FAILED	5

/* rtm_proto: who asked for a route.  Linux's numbers (rtnetlink(7)); any other
 * is a program's own. */
#define RTPROT_UNSPEC	0
#define RTPROT_REDIRECT	1	/* an ICMP redirect */
#define RTPROT_KERNEL	2	/* an address brought it along */
#define RTPROT_BOOT	3
#define RTPROT_STATIC	4	/* an administrator */
#define RTPROT_RA	9
#define RTPROT_ZEBRA	11
#define RTPROT_BIRD	12
#define RTPROT_DHCP	16
#define RTPROT_BABEL	42
#define RTPROT_BGP	186
#define RTPROT_ISIS	187
#define RTPROT_OSPF	188
#define RTPROT_RIP	189
#define RTPROT_EIGRP	192

struct rt_hdr {
	uint16_t	 rtm_len;	/* whole message, with the addresses */
	uint16_t	 rtm_hdrlen;	/* the record at its head; set and used
					 * on the way between client and
					 * stack, of no matter elsewhere */
	uint8_t		 rtm_version;
	uint8_t		 rtm_type;
	uint16_t	 rtm_addrs;	/* RTA_* present */
	uint64_t	 rtm_seq;	/* announcement: the listener's own
					 * gapless number; else the request's */
	uint64_t	 rtm_time_ns;	/* announcement: wall clock */
};

/* Routes and neighbours. */
struct rt_msg {
	struct rt_hdr	 rtm_h;
	uint64_t	 rtm_ifhandle;
	uint32_t	 rtm_index;	/* interface, 0 = not given */
	uint32_t	 rtm_flags;	/* RTF_* */
	uint32_t	 rtm_mtu;	/* 0 = the interface's */
	int32_t		 rtm_errno;	/* in answers */
	int64_t		 rtm_expire_s;	/* seconds from now, 0 = never */
	uint64_t	 rtm_use;
	char		 rtm_ifname[IFNAMSIZ];	/* in answers */
	uint32_t	 rtm_given;	/* RTV_* */
	uint32_t	 rtm_metric;	/* the least of a prefix is used */
	uint8_t		 rtm_proto;	/* RTPROT_*, or RTN_* */
	uint8_t		 rtm_pad[1];
	uint16_t	 rtm_weight;	/* RTV_MPATH: share of the flows; 0
					 * is 1 */
	uint32_t	 rtm_table;	/* 0: the main one.  No user yet of
					 * another: tables */
};

#define IFAN_ARRIVAL	0
#define IFAN_DEPARTURE	1

struct if_msg {
	struct rt_hdr	 ifm_h;
	uint64_t	 ifm_handle;
	uint32_t	 ifm_index;
	uint32_t	 ifm_flags;	/* IFF_* */
	uint16_t	 ifm_what;	/* RTM_IFANNOUNCE: IFAN_* */
	uint16_t	 ifm_pad[3];
	char		 ifm_name[IFNAMSIZ];
	struct if_data	 ifm_data;
};

struct ifa_msg {
	struct rt_hdr	 ifam_h;
	uint64_t	 ifam_handle;
	uint32_t	 ifam_index;
	uint32_t	 ifam_flags;	/* IN_IFF_* of the family */
	int32_t		 ifam_metric;
	uint32_t	 ifam_pad;
	char		 ifam_name[IFNAMSIZ];
	uint32_t	 ifam_vltime;	/* IPv6: how long it is still valid,
					 * and preferred, s; */
	uint32_t	 ifam_pltime;	/* ND6_INFINITE_LIFETIME: for ever */
	uint64_t	 ifam_spare;	/* 0 */
};

struct if_rename_msg {
	struct rt_hdr	 ifrn_h;
	uint64_t	 ifrn_handle;
	uint32_t	 ifrn_index;
	uint32_t	 ifrn_pad;
	char		 ifrn_oldname[IFNAMSIZ];
	char		 ifrn_name[IFNAMSIZ];	/* the new one */
};

struct rt_overrun_msg {
	struct rt_hdr	 rto_h;
	uint64_t	 rto_lost;	/* messages that were not delivered */
};

/*
 * Details of an interface, which few listings show.  Behind it, each part
 * padded to 8 bytes: the description and the link string (without NUL), the
 * names of groups (IFNAMSIZ each), and struct if_detail_drop, one for each
 * reason with a count.  An interface in more groups than one message holds has
 * further messages with nothing but groups.  rt_detail_check() takes it apart.
 */
struct if_detail_msg {
	struct rt_hdr	 ifdm_h;	/* rtm_addrs is 0 */
	uint64_t	 ifdm_handle;
	uint32_t	 ifdm_index;
	uint32_t	 ifdm_more;	/* it continues the one before */
	char		 ifdm_name[IFNAMSIZ];
	uint64_t	 ifdm_capabilities;	/* IFCAP_* */
	uint64_t	 ifdm_capenable;
	uint16_t	 ifdm_descrlen, ifdm_linkstrlen;
	uint16_t	 ifdm_ngroups;
	uint16_t	 ifdm_ndefault;	/* the first of them: nobody put it
					 * into these */
	uint16_t	 ifdm_ndrops;
	uint16_t	 ifdm_droplen;	/* bytes of each; as rtm_hdrlen */
	uint32_t	 ifdm_table;	/* of routes, that it is bound to */
};

struct if_detail_drop {
	uint32_t	 ifdd_reason;	/* <ifnet/drop.h> */
	uint32_t	 ifdd_pad;
	uint64_t	 ifdd_count;
};

/* The parts of one, in place. */
struct if_detail {
	const struct if_detail_msg *id_msg;
	const char	*id_descr, *id_linkstr;	/* no NUL */
	const char	(*id_groups)[IFNAMSIZ];	/* each ends */
	const struct if_detail_drop *id_drops;
};

/* Largest message the stack sends or takes. */
#define RT_MSG_MAX	4096

/* Bytes a socket address of this family takes in a message; 0: unknown. */
size_t	rt_sa_size(int family);
/*
 * Is it one well-formed message of exactly len bytes?  0, EINVAL (lengths,
 * unknown type or version, an address that does not fit) or EAFNOSUPPORT.  On
 * success sa[i] is the address of bit i, or NULL.
 */
int	rt_msg_check(const void *msg, size_t len,
	    const struct sockaddr *sa[RTAX_MAX]);
/* Check an RTM_IFDETAIL and find its parts, which stay in place.  0, EINVAL. */
int	rt_detail_check(const void *msg, size_t len, struct if_detail *);
/* Append an address (bit: one RTA_*, in ascending order) to a message being
 * built in a buffer of RT_MSG_MAX bytes; updates rtm_len and rtm_addrs.  false:
 * no room. */
bool	rt_msg_add(void *msg, unsigned bit, const struct sockaddr *);
/* Bytes of the record that heads a message of this type; 0: unknown. */
size_t	rt_msg_headsize(uint8_t type);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* !IFNET_RTMSG_H */
