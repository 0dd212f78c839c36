/*
 * ifreq: the requests of the interface layer as programs see them: flags,
 * ioctl commands and the records they carry.  This is the part of NetBSD's
 * <net/if.h>, <net/if_dl.h> and <sys/sockio.h> that both a client and the stack
 * use.
 *
 * A command encodes the direction and the size of its record, so a front-end
 * can carry any of them without knowing it.  Records hold no pointers: where
 * NetBSD passes a buffer by pointer, here the bytes follow the record.
 */

#ifndef IFNET_IFREQ_H
#define IFNET_IFREQ_H

#include <sys/socket.h>

#include <netinet/in.h>

#include <stdint.h>

#include <ifnet/drop.h>

#define IFNAMSIZ	16	/* interface name with its NUL */
#define IFDESCRSIZE	64
#define IF_MTU_MIN	68	/* RFC 791: every module must forward it */

/* if_flags, NetBSD's values */
#define IFF_UP		0x0001
#define IFF_BROADCAST	0x0002
#define IFF_DEBUG	0x0004
#define IFF_LOOPBACK	0x0008
#define IFF_POINTOPOINT	0x0010
#define IFF_UNNUMBERED	0x0020
#define IFF_RUNNING	0x0040
#define IFF_NOARP	0x0080
#define IFF_PROMISC	0x0100
#define IFF_ALLMULTI	0x0200
#define IFF_OACTIVE	0x0400
#define IFF_SIMPLEX	0x0800
#define IFF_LINK0	0x1000
#define IFF_LINK1	0x2000
#define IFF_LINK2	0x4000
#define IFF_MULTICAST	0x8000

/* Flags that only the stack changes. */
#define IFF_CANTCHANGE	(IFF_BROADCAST | IFF_POINTOPOINT | IFF_RUNNING | \
	    IFF_OACTIVE | IFF_SIMPLEX | IFF_MULTICAST | IFF_ALLMULTI | \
	    IFF_PROMISC | IFF_LOOPBACK)

#define LINK_STATE_UNKNOWN	0
#define LINK_STATE_DOWN		1
#define LINK_STATE_UP		2

/* ifi_oper: does it work, and if not, why? */
#define IF_OPER_UNKNOWN		0	/* its link state is unknown */
#define IF_OPER_UP		1
#define IF_OPER_DOWN_ADMIN	2	/* nobody has set it up */
#define IF_OPER_DOWN_CARRIER	3	/* its link is down */
#define IF_OPER_DOWN_LOWER	4	/* what it stands on does not work */
#define IF_OPER_TESTING		5	/* it is being tested */

/* if_capabilities, NetBSD's values */
#define IFCAP_TSOv4		0x00000080
#define IFCAP_CSUM_IPv4_Rx	0x00000100
#define IFCAP_CSUM_IPv4_Tx	0x00000200
#define IFCAP_CSUM_TCPv4_Rx	0x00000400
#define IFCAP_CSUM_TCPv4_Tx	0x00000800
#define IFCAP_CSUM_UDPv4_Rx	0x00001000
#define IFCAP_CSUM_UDPv4_Tx	0x00002000
#define IFCAP_CSUM_TCPv6_Rx	0x00004000
#define IFCAP_CSUM_TCPv6_Tx	0x00008000
#define IFCAP_CSUM_UDPv6_Rx	0x00010000
#define IFCAP_CSUM_UDPv6_Tx	0x00020000
#define IFCAP_TSOv6		0x00040000
#define IFCAP_LRO		0x00080000

/*
 * Counters and state of an interface, as a request returns them.  On every
 * interface, at rest:
 *	ipackets = delivered + forwarded + idrops + iqueued
 *	offered  = opackets + odrops + oqueued
 */
struct if_data {
	uint8_t		 ifi_type;	/* IFT_* */
	uint8_t		 ifi_addrlen;	/* link-level address bytes */
	uint8_t		 ifi_hdrlen;	/* link-level header bytes */
	uint8_t		 ifi_link_state; /* LINK_STATE_* */
	uint32_t	 ifi_mtu;
	uint32_t	 ifi_metric;
	uint8_t		 ifi_oper;	/* IF_OPER_* */
	uint8_t		 ifi_pad[3];
	uint64_t	 ifi_baudrate;	/* bit/s, 0 = unknown */
	uint64_t	 ifi_ipackets, ifi_ibytes, ifi_imcasts, ifi_ierrors;
	uint64_t	 ifi_opackets, ifi_obytes, ifi_omcasts, ifi_oerrors;
	uint64_t	 ifi_collisions;
	uint64_t	 ifi_delivered, ifi_forwarded, ifi_offered;
	uint64_t	 ifi_idrops, ifi_odrops; /* sums over all reasons */
	uint64_t	 ifi_iqueued, ifi_oqueued;
	uint64_t	 ifi_lastchange_ns; /* wall clock */
};

/* The general record: the name, and one value. */
struct ifreq {
	char		 ifr_name[IFNAMSIZ];
	union {
		struct sockaddr	 ifru_addr;
		struct sockaddr_storage ifru_space;
		int32_t		 ifru_flags;
		int32_t		 ifru_metric;
		int32_t		 ifru_mtu;
		int32_t		 ifru_dlt;
		int32_t		 ifru_value;
		uint64_t	 ifru_index;	/* SIOCGIFINDEX: the handle */
		char		 ifru_text[IFDESCRSIZE];
	} ifr_ifru;
#define ifr_addr	ifr_ifru.ifru_addr
#define ifr_dstaddr	ifr_ifru.ifru_addr
#define ifr_broadaddr	ifr_ifru.ifru_addr
#define ifr_space	ifr_ifru.ifru_space
#define ifr_flags	ifr_ifru.ifru_flags
#define ifr_metric	ifr_ifru.ifru_metric
#define ifr_mtu		ifr_ifru.ifru_mtu
#define ifr_dlt		ifr_ifru.ifru_dlt
#define ifr_value	ifr_ifru.ifru_value
#define ifr_index	ifr_ifru.ifru_index
#define ifr_text	ifr_ifru.ifru_text
};

/* Add or delete an address: SIOCAIFADDR, SIOCDIFADDR. */
struct ifaliasreq {
	char		 ifra_name[IFNAMSIZ];
	struct sockaddr_storage ifra_addr;
	struct sockaddr_storage ifra_dstaddr;	/* or broadcast; family 0 =
						 * none given */
#define ifra_broadaddr	ifra_dstaddr
	struct sockaddr_storage ifra_mask;	/* family 0 = classful */
};

/* How long an address lives, in seconds from now (RFC 4862 5.5.3). */
#define ND6_INFINITE_LIFETIME	0xffffffffu
struct in6_addrlifetime {
	uint64_t	 ia6t_expire;	/* answers: when it ends, in seconds of
					 * the monotonic clock; 0 never */
	uint64_t	 ia6t_preferred; /* answers: likewise, deprecated */
	uint32_t	 ia6t_vltime;	/* valid */
	uint32_t	 ia6t_pltime;	/* preferred; at most ia6t_vltime */
};

/*
 * Add or change an IPv6 address (SIOCAIFADDR_IN6), or, of a tunnel, the outer
 * ones.  An address of link scope has the interface as its sin6_scope_id, or
 * 0.
 */
struct in6_aliasreq {
	char		 ifra_name[IFNAMSIZ];
	struct sockaddr_in6 ifra_addr;
	struct sockaddr_in6 ifra_dstaddr;	/* family 0 = none given */
	struct sockaddr_in6 ifra_prefixmask;	/* family 0 = 64 bits, or 128
						 * with a far end, on lo */
	uint32_t	 ifra_flags;		/* IN6_IFF_ANYCAST, _NODAD,
						 * _DEPRECATED */
	uint32_t	 ifra_pad;
	struct in6_addrlifetime ifra_lifetime;	/* both times 0: for ever */
};

/* ifam_flags and ifra_flags of IPv6, NetBSD's values */
#define IN6_IFF_ANYCAST		0x01
#define IN6_IFF_TENTATIVE	0x02	/* its uniqueness is being checked */
#define IN6_IFF_DUPLICATED	0x04	/* another host has it */
#define IN6_IFF_DETACHED	0x08	/* its prefix may not be on the link */
#define IN6_IFF_DEPRECATED	0x10	/* no source of new connections */
#define IN6_IFF_NODAD		0x20	/* not checked */
#define IN6_IFF_AUTOCONF	0x40	/* by a router's advertisement */
#define IN6_IFF_TEMPORARY	0x80	/* RFC 8981 */

/* One address of an interface, and something of it: SIOCDIFADDR_IN6 and the
 * SIOCG*_IN6. */
struct in6_ifreq {
	char		 ifr6_name[IFNAMSIZ];
	struct sockaddr_in6 ifr6_addr;	/* which; SIOCGIFDSTADDR_IN6,
					 * SIOCGIFNETMASK_IN6: the answer */
	uint32_t	 ifr6_flags;	/* SIOCGIFAFLAG_IN6: IN6_IFF_* */
	struct in6_addrlifetime ifr6_lifetime;	/* SIOCGIFALIFETIME_IN6 */
};

/*
 * Addresses with a prefix length: SIOC[ADG]LIFADDR, of the family of iflr_addr
 * (0: AF_LINK).  Link-level ones: what flags say.  AF_INET: add an address;
 * delete that very one; get the first one.  With IFLR_PREFIX the first one
 * whose first iflr_prefixlen bits are those of iflr_addr; not when adding.
 */
struct if_laddrreq {
	char		 iflr_name[IFNAMSIZ];
	uint32_t	 iflr_flags;
#define IFLR_PREFIX	0x8000	/* get: the address given; else the first */
#define IFLR_ACTIVE	0x4000	/* the active one; add: activate it */
#define IFLR_FACTORY	0x2000	/* the factory one */
	uint32_t	 iflr_prefixlen; /* bits */
	struct sockaddr_storage iflr_addr;
	struct sockaddr_storage iflr_dstaddr;	/* the far end; family 0 =
						 * none */
};

struct ifdatareq {
	char		 ifdr_name[IFNAMSIZ];
	struct if_data	 ifdr_data;
};

/* Drops by reason; entries past ifdr_n are zero. */
#define IFDROPS_MAX	192
struct ifdropreq {
	char		 ifdq_name[IFNAMSIZ];
	uint32_t	 ifdq_n;
	uint32_t	 ifdq_pad;
	uint64_t	 ifdq_drop[IFDROPS_MAX]; /* by enum drop_reason */
};

struct ifcapreq {
	char		 ifcr_name[IFNAMSIZ];
	uint64_t	 ifcr_capabilities;	/* what it could do */
	uint64_t	 ifcr_capenable;	/* what is enabled */
};

struct if_addrprefreq {
	char		 ifap_name[IFNAMSIZ];
	int32_t		 ifap_preference;
	int32_t		 ifap_pad;
	struct sockaddr_storage ifap_addr;
};

/*
 * An event in the life of an interface, as the history keeps it.
 */
enum if_history_event {
	IFHIST_ATTACH = 1,
	IFHIST_DETACH,
	IFHIST_UP,		/* the flag */
	IFHIST_DOWN,
	IFHIST_LINK,		/* old, new: LINK_STATE_* */
	IFHIST_ADDR_ADD,	/* family, prefixlen, addr */
	IFHIST_ADDR_DELETE,
	IFHIST_MTU,		/* old, new */
	IFHIST_RENAME,		/* text: the old name */
	IFHIST_MOVE_OUT,	/* text: the vnet it went to */
	IFHIST_MOVE_IN		/* text: the vnet it came from */
};

#define IFHIST_DEFAULT		32	/* kept for each interface */
#define IFHIST_MAX		65536	/* in all, for a vnet */
#define IFHIST_PID_STACK	(-1)	/* nobody asked for it */
#define IFHIST_PID_HIDDEN	(-2)	/* another user, not to be shown who */

struct if_history {
	uint64_t	 ih_seq;	/* in the vnet; gapless */
	uint64_t	 ih_handle;
	uint64_t	 ih_mono_ns;	/* since an arbitrary point */
	uint64_t	 ih_wall_ns;	/* wall clock */
	uint32_t	 ih_uid;	/* who asked */
	int32_t		 ih_pid;	/* 0: the daemon (its configuration) */
	uint16_t	 ih_event;	/* IFHIST_* */
	uint8_t		 ih_family;	/* AF_* */
	uint8_t		 ih_prefixlen;	/* bits */
	uint32_t	 ih_old, ih_new;
	uint32_t	 ih_pad;
	char		 ih_name[IFNAMSIZ];	/* at that time */
	union {
		uint8_t	 ihu_addr[16];
		char	 ihu_text[32];
	}		 ih_ihu;
#define ih_addr		ih_ihu.ihu_addr
#define ih_text		ih_ihu.ihu_text
};

/*
 * Create: ifcr_name is "tap3", or "tap" for the lowest free unit; the full name
 * is returned in it.  ifcr_params is what the driver is told, as words ("peer
 * right:pair0"); "" for none.
 */
#define IFCLONE_PARAMSIZE 256
struct if_createreq {
	char		 ifcr_name[IFNAMSIZ];
	char		 ifcr_params[IFCLONE_PARAMSIZE];
};

/*
 * Lists.  On entry `count' (or `len') is the room that follows the record, on
 * return what was stored; with no room, what there is or is needed.
 * SIOCIFGCLONERS: names of IFNAMSIZ bytes each follow.
 * SIOCGIFCONF: struct ifreq records follow.
 */
struct if_clonereq {
	int32_t		 ifcr_total;	/* returned: how many there are */
	int32_t		 ifcr_count;
};

/*
 * Groups.  SIOCAIFGROUP, SIOCDIFGROUP: put ifgr_name into ifgr_group, take it
 * out.
 * SIOCGIFGROUP: the names of the groups ifgr_name is in follow, the first
 * ifgr_next of them those that it need not be put into.
 * SIOCGIFGMEMB: the names of the interfaces in ifgr_group follow, in the order
 * of their indices; ifgr_next is 0 to begin with, and not 0 on return when
 * there are more, to be asked for with it.
 */
struct if_groupreq {
	char		 ifgr_name[IFNAMSIZ];
	char		 ifgr_group[IFNAMSIZ];
	int32_t		 ifgr_count;	/* lists: room; returned: stored */
	uint32_t	 ifgr_next;
};

struct ifconf {
	int64_t		 ifc_len;	/* bytes */
};

/* Command words: direction, size of the record, number. */
#define IFIOC_OUT	0x40000000ul	/* the stack writes the record */
#define IFIOC_IN	0x80000000ul	/* the stack reads the record */
#define IFIOC_SIZE(c)	(((c) >> 16) & 0x3ffful)
#define IFIOC(dir, n, type)						\
	((dir) | ((unsigned long)sizeof(type) << 16) | ('i' << 8) | (n))
#define IFIOC_W(n, type)	IFIOC(IFIOC_IN, n, type)
#define IFIOC_WR(n, type)	IFIOC(IFIOC_IN | IFIOC_OUT, n, type)

#define SIOCSIFADDR	IFIOC_W(12, struct ifreq)
#define SIOCGIFADDR	IFIOC_WR(33, struct ifreq)
#define SIOCSIFDSTADDR	IFIOC_W(14, struct ifreq)
#define SIOCGIFDSTADDR	IFIOC_WR(34, struct ifreq)
#define SIOCSIFFLAGS	IFIOC_W(16, struct ifreq)
#define SIOCGIFFLAGS	IFIOC_WR(17, struct ifreq)
#define SIOCGIFBRDADDR	IFIOC_WR(35, struct ifreq)
#define SIOCSIFBRDADDR	IFIOC_W(19, struct ifreq)
#define SIOCGIFCONF	IFIOC_WR(38, struct ifconf)
#define SIOCGIFNETMASK	IFIOC_WR(37, struct ifreq)
#define SIOCSIFNETMASK	IFIOC_W(22, struct ifreq)
#define SIOCGIFMETRIC	IFIOC_WR(23, struct ifreq)
#define SIOCSIFMETRIC	IFIOC_W(24, struct ifreq)
#define SIOCDIFADDR	IFIOC_W(25, struct ifaliasreq)
#define SIOCAIFADDR	IFIOC_W(26, struct ifaliasreq)
#define SIOCGIFALIAS	IFIOC_WR(27, struct ifaliasreq)
#define SIOCALIFADDR	IFIOC_W(28, struct if_laddrreq)
#define SIOCGLIFADDR	IFIOC_WR(29, struct if_laddrreq)
#define SIOCDLIFADDR	IFIOC_W(30, struct if_laddrreq)
#define SIOCSIFADDRPREF	IFIOC_W(31, struct if_addrprefreq)
#define SIOCGIFADDRPREF	IFIOC_WR(32, struct if_addrprefreq)
/* Numbers of our own, as NetBSD's are those of IPv4's requests, which differ
 * from these in the size of their records alone. */
#define SIOCAIFADDR_IN6	IFIOC_W(160, struct in6_aliasreq)
#define SIOCDIFADDR_IN6	IFIOC_W(161, struct in6_ifreq)
#define SIOCGIFDSTADDR_IN6 IFIOC_WR(162, struct in6_ifreq)
#define SIOCGIFNETMASK_IN6 IFIOC_WR(163, struct in6_ifreq)
#define SIOCGIFAFLAG_IN6 IFIOC_WR(164, struct in6_ifreq)
#define SIOCGIFALIFETIME_IN6 IFIOC_WR(165, struct in6_ifreq)
/* Answers with the request that would give the address again. */
#define SIOCGIFALIAS_IN6 IFIOC_WR(166, struct in6_aliasreq)
#define SIOCADDMULTI	IFIOC_W(49, struct ifreq)
#define SIOCDELMULTI	IFIOC_W(50, struct ifreq)
#define SIOCGIFDLT	IFIOC_WR(119, struct ifreq)
#define SIOCIFCREATE	IFIOC_WR(122, struct if_createreq)
#define SIOCIFDESTROY	IFIOC_W(121, struct ifreq)
#define SIOCIFGCLONERS	IFIOC_WR(120, struct if_clonereq)
#define SIOCSIFMTU	IFIOC_W(127, struct ifreq)
#define SIOCGIFMTU	IFIOC_WR(126, struct ifreq)
#define SIOCSIFCAP	IFIOC_W(117, struct ifcapreq)
#define SIOCGIFCAP	IFIOC_WR(118, struct ifcapreq)
#define SIOCGIFDATA	IFIOC_WR(133, struct ifdatareq)
#define SIOCZIFDATA	IFIOC_WR(134, struct ifdatareq)
#define SIOCGIFDROPS	IFIOC_WR(135, struct ifdropreq)
#define SIOCGIFINDEX	IFIOC_WR(138, struct ifreq)
#define SIOCSLINKSTR	IFIOC_W(136, struct ifreq)
#define SIOCGLINKSTR	IFIOC_WR(137, struct ifreq)
#define SIOCSIFDESCR	IFIOC_W(139, struct ifreq)
#define SIOCGIFDESCR	IFIOC_WR(140, struct ifreq)
/* Give it another name, ifr_text.  EEXIST, EINVAL. */
#define SIOCSIFNAME	IFIOC_W(141, struct ifreq)
/* EINVAL (a group's name does not end in a digit), EEXIST, ENOENT; EBUSY: the
 * group of its kind, and "all", cannot be left. */
#define SIOCAIFGROUP	IFIOC_W(142, struct if_groupreq)
#define SIOCDIFGROUP	IFIOC_W(143, struct if_groupreq)
#define SIOCGIFGROUP	IFIOC_WR(144, struct if_groupreq)
#define SIOCGIFGMEMB	IFIOC_WR(145, struct if_groupreq)
/* To the vnet ifr_text.  ENOENT (no such vnet), EEXIST (the name, or the unit
 * of its kind, is taken there), EOPNOTSUPP (a kind that cannot move). */
#define SIOCSIFVNET	IFIOC_W(146, struct ifreq)
/* The table of routes that it is bound to, ifr_value; 0: the main one.  Its
 * addresses go with it.  EINVAL (no such number), ENOSPC (too many tables),
 * EEXIST (another interface of that table has an address of it). */
#define SIOCSIFTABLE	IFIOC_W(147, struct ifreq)
#define SIOCGIFTABLE	IFIOC_WR(148, struct ifreq)
/* Inside the stack only; from outside EPERM. */
#define SIOCINITIFADDR	IFIOC_W(132, struct ifreq)

#include <ifnet/ifreq_drv.h>

#endif /* !IFNET_IFREQ_H */
