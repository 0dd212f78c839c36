/*
 * if: the interface, for drivers and protocols.
 *
 * Life of an interface.  A driver allocates it (if_alloc), names it, fills in
 * the fields marked "driver" and attaches it; from then on it can be found by
 * name, index and handle.  if_detach() is total: when it returns nobody has
 * it, and the driver may if_free() it.
 *
 * Who may touch what.  An ifp found within a read section (ifunit, if_byindex)
 * is good until the section ends; one held by a passive reference (if_get)
 * until if_put(), across sleeping.  Outside, an interface is named by its
 * handle: a stale handle finds nothing.
 *
 * Contexts are those of <ifnet/kern.h>.
 */

#ifndef IFNET_IF_H
#define IFNET_IF_H

#include <sys/queue.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include <ifnet/if_dl.h>
#include <ifnet/if_types.h>
#include <ifnet/ifreq.h>
#include <ifnet/kauth.h>
#include <ifnet/kern.h>
#include <ifnet/mbuf.h>
#include <ifnet/pserialize.h>

#pragma GCC visibility push(default)

struct if_clone;
struct ifaddr;
struct ifnet;
struct rtentry;
struct rt_path;
struct rt_table;
struct vnet;

/* --- handles ----------------------------------------------------------- */

/* Generation above, index below; 0 names nothing. */
#define IF_INDEX_BITS	24
#define IF_INDEX_MAX	((1u << IF_INDEX_BITS) - 1)

static inline unsigned
if_handle_index(uint64_t handle)
{

	return handle & IF_INDEX_MAX;
}

/* --- what a driver provides -------------------------------------------- */

enum if_vmove_step { IF_VMOVE_PAUSE, IF_VMOVE_RESUME };

/*
 * The operations of a driver.  Constant; NULL members get a default.
 */
struct if_ops {
	/*
	 * CPU: take every packet of the vector, send or drop it, and count
	 * it (IF_STAT_OPACKETS and friends through if_stat_add_vec, or a drop).
	 * Several CPUs may call at once.  Default: queue on if_snd and call
	 * start.
	 */
	int	(*transmit)(struct ifnet *, struct mvec *);
	/* CPU: take packets from if_snd (ifq_dequeue) and send them.  Called
	 * by ifq_start(), on one CPU at a time. */
	void	(*start)(struct ifnet *);
	/*
	 * Control, with the ioctl lock: a request to this interface.  Pass
	 * what is not yours to ifioctl_common() (or ether_ioctl()).
	 */
	int	(*ioctl)(struct ifnet *, unsigned long cmd, void *data);
	/* Control: make it run (IFF_RUNNING), stop it. */
	int	(*init)(struct ifnet *);
	void	(*stop)(struct ifnet *, bool disable);
	/* CPU: if_timer reached zero. */
	void	(*watchdog)(struct ifnet *);
	/* Control: memory is short.  No user yet: ports with rings of their
	 * own. */
	void	(*drain)(struct ifnet *);
	/* Control, ioctl lock: if_flags is to become `flags'. */
	int	(*setflags)(struct ifnet *, int flags);
	/* Control, ioctl lock: an address is being given. */
	int	(*initaddr)(struct ifnet *, struct ifaddr *, bool src);
	/* Control: SIOCADDMULTI or SIOCDELMULTI of a link-level group. */
	int	(*mcastop)(struct ifnet *, unsigned long cmd,
		    const struct sockaddr *);
	/* Any: packets the driver itself holds for output, for the books. */
	uint64_t (*oqueued)(struct ifnet *);
	/* Control: after detach, the interface's own text for a listing
	 * ("peer right:pair0"), or an errno. */
	int	(*describe)(struct ifnet *, char *, size_t);
	/*
	 * Control: the interface goes to another vnet, where another struct
	 * ifnet stands for it.  PAUSE (ioctl lock): nothing is received from
	 * the device and nobody else has the interface when it returns, nor
	 * later, until RESUME (ioctl lock) with the interface that the driver
	 * is to use from now on: that one, or, when it failed, the old one, to
	 * be as it was.  Default: cannot be moved.
	 */
	void	(*vmove)(struct ifnet *, enum if_vmove_step);
};

/*
 * A link type: how packets enter and leave the protocols.  Constant.  A driver
 * may bring its own: if_typeops, with if_type, if_dlt, if_addrlen and
 * if_hdrlen; see also ether_dispatch().
 */
struct iftype_ops {
	const char *it_name;
	/* CPU: packets as received, m_data at the link-level header. */
	void	(*it_input)(struct ifnet *, struct mvec *);
	/*
	 * CPU: packets of family af, m_data at the network header, m_nh set,
	 * and M_BCAST or M_MCAST where no neighbour is meant.  Adds the header,
	 * resolving the neighbour first, and hands on to if_transmit_vec().
	 * Takes every packet.
	 */
	void	(*it_output)(struct ifnet *, int af, struct mvec *);
	/* Control: attach and detach what the link type keeps. */
	int	(*it_attach)(struct ifnet *);
	void	(*it_detach)(struct ifnet *);
};

/* --- counters ---------------------------------------------------------- */

enum if_stat {
	IF_STAT_IPACKETS, IF_STAT_IBYTES, IF_STAT_IMCASTS, IF_STAT_IERRORS,
	IF_STAT_OPACKETS, IF_STAT_OBYTES, IF_STAT_OMCASTS, IF_STAT_OERRORS,
	IF_STAT_COLLISIONS,
	IF_STAT_DELIVERED,	/* reached their end here */
	IF_STAT_FORWARDED,	/* handed on to an interface's output */
	IF_STAT_OFFERED,	/* given to this interface for output */
	IF_STAT_MAX
};

/* if_stat_add_vec: which direction of counters. */
enum if_stat_dir { IF_STAT_IN, IF_STAT_OUT };

/*
 * A queue of received packets of one interface and one CPU.  That CPU's own;
 * rq_len and rq_drops are read by others.
 */
struct if_rcvq {
	struct mbuf	*rq_head, *rq_tail;
	struct if_rcvq	*rq_next;	/* in the CPU's list */
	struct ifnet	*rq_ifp;	/* while it is in the list */
	uint64_t	 rq_drops;
	uint32_t	 rq_len;
	bool		 rq_listed;
};

/*
 * One CPU's counters of one interface, and its input queue.  Written by that
 * CPU alone (plain 64-bit stores), read by all.  The memory is reserved at
 * attach and costs nothing until the first packet.
 */
struct if_counters {
	uint64_t	 ic_stat[16];
	uint64_t	 ic_drop[DROP_NREASONS];
	uint64_t	 ic_iqueued;	/* into protocols' queues, less out of
					 * them: the sum over the CPUs counts */
	struct if_rcvq	 ic_rcvq;
} __attribute__((__aligned__(64)));

/* --- queues --------------------------------------------------------------- */

#define IFQ_MAXLEN	256

/* The send queue. */
struct ifqueue {
	struct kspin	 ifq_lock;
	uint32_t	 ifq_len;	/* packets; a:, written with ifq_lock */
	uint32_t	 ifq_maxlen;	/* ifq_lock; 0 = accepts nothing */
	uint8_t		 ifq_start;	/* ifq_lock; if_snd's: the start
					 * routine is IFQ_* */
	uint8_t		 ifq_managed;	/* a:, written with ifq_lock; if_snd's:
					 * a discipline has the packets */
#define IFQ_IDLE	0
#define IFQ_RUNNING	1
#define IFQ_AGAIN	2		/* running, and to look once more */
	struct mbuf	*ifq_head, *ifq_tail;	/* ifq_lock */
	uint64_t	 ifq_drops;	/* ifq_lock */
};

/*
 * Something the routing socket has announced and not yet taken back.  Embedded
 * in what listeners can be told of; zeroed is valid.  All of it: rtsock's lock.
 */
struct rts_node {
	TAILQ_ENTRY(rts_node) rn_link;	/* in the order of announcement */
	uint64_t	 rn_word;	/* place in that order above RTS_*; 0:
				 * not in it, or a listener's place */
};

/* --- the interface ----------------------------------------------------- */

/*
 * if_csum_tx holds masks made of if_capenable when that changes.  In its lower
 * half, what a packet may carry to the driver; a driver with capabilities sets
 * M_USO and M_TSO_ECN there, if it takes those, and the layer does the rest.
 * In its upper half, of what kinds of packets: sums that are left to the
 * driver (M_CSUM_PARTIAL is when TCP and UDP over IPv4 both are), and sums of
 * received packets that the driver may vouch for (M_CSUM_VALID).
 */
#define IF_TX_IPv4	0x00010000u
#define IF_TX_TCPv4	0x00020000u
#define IF_TX_UDPv4	0x00040000u
#define IF_TX_TCPv6	0x00080000u
#define IF_TX_UDPv6	0x00100000u
#define IF_RX_IPv4	0x00200000u
#define IF_RX_TCPv4	0x00400000u
#define IF_RX_UDPv4	0x00800000u
#define IF_RX_TCPv6	0x01000000u
#define IF_RX_UDPv6	0x02000000u
#define IF_RX_L4	(IF_RX_TCPv4 | IF_RX_UDPv4 | IF_RX_TCPv6 | IF_RX_UDPv6)
#define IF_TX_USO	0x80000000u	/* the driver could take M_USO */

/*
 *	constant	set before attach, never changed while attached
 *	driver		filled in by the driver before attach
 *	a:		written with atomics, read by anyone
 *	i:		ioctl lock
 *	l:		the vnet's interface lock
 *	s:		its own spin lock
 *	rcu:		written with the ioctl lock held, read in read sections
 */
struct ifnet {
	/* first cache line: what lookups read */
	const struct if_ops *if_ops;	/* driver; rcu: null table once
					 * deactivated */
	char		 if_xname[IFNAMSIZ];	/* l: and i: to change */
	struct psref_target if_psref;	/* a: */
	uint64_t	 if_handle;	/* constant */
	const struct iftype_ops *if_typeops;	/* by type; rcu likewise */
	struct vnet	*if_vnet;	/* l:, changes only by if_vmove */
	uint32_t	 if_index;	/* constant */
	uint32_t	 if_flags;	/* IFF_*; a:, written with i: */

	/* second: the rest of what the packet path reads */
	void		*if_softc;	/* driver */
	struct if_counters *if_counters;	/* constant; one a CPU, apart by
					 * ifv_ctr_stride */
	uint32_t	 if_mtu;	/* a:, written with i: */
	uint32_t	 if_csum_tx;	/* M_CSUM_*, M_TSO*: what the
					 * driver takes; IF_TX_*, IF_RX_*; a:,
					 * written with i: */
	struct ifaddr	*if_dl;		/* rcu: active link-level address */
	uint64_t	 if_lladdr;	/* a: its first 6 bytes, low ones
					 * first; for the packet path */
	struct bpf_if	*if_bpf;	/* rcu: NULL = no tap */
	struct pfil_head *if_pfil;	/* rcu: NULL = no hook */
	struct rt_table	*if_table;	/* rcu: of routes, that it is bound to;
					 * NULL = the main one */
	void		*if_afdata[4];	/* rcu: per domain, by dom_slot */

	struct ifqueue	 if_snd;	/* s: */

	/* the rest */
	uint8_t		 if_type;	/* IFT_*; constant */
	uint8_t		 if_addrlen;	/* constant */
	uint8_t		 if_hdrlen;	/* constant */
	uint8_t		 if_link_state;	/* a: LINK_STATE_* */
	uint16_t	 if_pcount;	/* i: promiscuous requests */
	uint16_t	 if_linkq;	/* link lock: queued, 2 bits each */
	uint8_t		 if_linkq_n;	/* link lock: how many of them */
	uint8_t		 if_linkq_flags; /* link lock: IFLQ_* */
	bool		 if_up_told;	/* i: IFF_UP as last announced */
	uint8_t		 if_oper_why;	/* a: IF_OPER_DOWN_LOWER, TESTING, 0 */
	uint32_t	 if_dlt;	/* driver: DLT_* */
	uint32_t	 if_mtu_min;	/* driver: 0 = 68 */
	uint32_t	 if_mtu_max;	/* driver: 0 = 65535 */
	uint32_t	 if_metric;	/* i: */
	int32_t		 if_timer;	/* a: seconds to the watchdog, 0 off */
	uint32_t	 if_extflags;	/* driver: IFEF_* */
#define IFEF_NO_LINK_STATE_CHANGE 0x1	/* has no link state */
	unsigned	 if_unit;	/* constant */
	uint64_t	 if_capabilities; /* driver: IFCAP_* it could do */
	uint64_t	 if_capenable;	/* i: */
	uint64_t	 if_baudrate;	/* a: bit/s */
	uint64_t	 if_lastchange_ns;	/* a: wall clock */
	const struct if_clone *if_cloner;	/* l: NULL: not cloned */
	uint32_t	 if_rcvq_maxlen; /* a: of each input queue */
	bool		 if_percpuq;	/* constant: has input queues */
	uint8_t		 if_rpf;	/* a: IF_RPF_*, plus 1; 0: as the
					 * family's default says */
	uint16_t	 if_history;	/* if_history.c's */
	uint32_t	 if_state;	/* l: IFS_* */
	uint32_t	 if_link_flaps;	/* a: times its link went down */
	uint32_t	 if_link_coalesced; /* link lock: changes that were
					 * none, or made up for another */
	uint32_t	 if_link_lost;	/* link lock: changes lost */
	struct klock	 if_ioctl_lock;	/* the ioctl lock */
	struct ifnet	*if_linknext;	/* link lock: next with a change */
	TAILQ_HEAD(, ifaddr) if_addrlist; /* i: and l: to change; rcu-safe
					 * for readers that only go forward */
	LIST_HEAD(, rt_path) if_paths;	/* route lock: where routes that were
					 * asked for lead, or should */
	struct ifaddr	*if_hwdl;	/* i: factory link-level address */
	struct if_ext	*if_ext;	/* i: rare things, NULL until needed */
	struct rts_node	 if_rts;	/* rtsock's */
	const struct iftype_ops *if_deadtype; /* i: what if_typeops was, of a
					 * deactivated one */
} __attribute__((__aligned__(64)));

/* Does a source have to belong on the interface it comes by (RFC 3704)? */
enum {
	IF_RPF_OFF,
	IF_RPF_STRICT,		/* its best route leads there */
	IF_RPF_LOOSE		/* it has a route */
};

/* --- allocation, attach, detach.  Control. ----------------------------- */

/* An interface of type IFT_*, not attached; NULL when memory is out. */
struct ifnet *if_alloc(struct vnet *, uint8_t type);
void	if_free(struct ifnet *);
/* "tap", 3: if_xname "tap3". */
void	if_initname(struct ifnet *, const char *name, unsigned unit);
/*
 * Attach.  EEXIST (name in use), ENOSPC (no index left), ENOMEM; nothing has
 * happened then.  Visible to every lookup at once, then announced.
 */
int	if_attach(struct ifnet *);
/* The two halves, for link types that put theirs between. */
int	if_initialize(struct ifnet *);
int	if_register(struct ifnet *);
/* Point every operation at a null one (ENXIO); skipped by lookups then. */
void	if_deactivate(struct ifnet *);
bool	if_is_deactivated(const struct ifnet *);
/* Sleeps until nothing refers to it any more.  Not with a reference held. */
void	if_detach(struct ifnet *);

/* --- lookup ------------------------------------------------------------ */

/* Any context, within a read section; NULL when there is none. */
struct ifnet *ifunit(struct vnet *, const char *name);
struct ifnet *if_byindex(struct vnet *, unsigned index);
struct ifnet *if_byhandle(struct vnet *, uint64_t handle);
/* Control: with a passive reference.  A name of digits is an index. */
struct ifnet *if_get_at(struct vnet *, const char *name, struct psref *,
	    const char *file, int line);
struct ifnet *if_get_byindex_at(struct vnet *, unsigned index, struct psref *,
	    const char *file, int line);
struct ifnet *if_get_byhandle_at(struct vnet *, uint64_t, struct psref *,
	    const char *file, int line);
void	if_acquire_at(struct ifnet *, struct psref *, const char *file,
	    int line);
/* The caller's place is what a detach that waits too long reports. */
#define if_get(vn, name, pr)						\
	if_get_at(vn, name, pr, __FILE__, __LINE__)
#define if_get_byindex(vn, index, pr)					\
	if_get_byindex_at(vn, index, pr, __FILE__, __LINE__)
#define if_get_byhandle(vn, handle, pr)					\
	if_get_byhandle_at(vn, handle, pr, __FILE__, __LINE__)
#define if_acquire(ifp, pr)						\
	if_acquire_at(ifp, pr, __FILE__, __LINE__)
void	if_put(const struct ifnet *, struct psref *);
bool	if_held(struct ifnet *);

/* --- state ------------------------------------------------------------- */

/* Control, ioctl lock (if_up_locked) or not yet visible. */
void	if_up(struct ifnet *);
void	if_down(struct ifnet *);
int	if_flags_set(struct ifnet *, int flags);
/* The driver's own flags (IFF_RUNNING, IFF_OACTIVE).  Any context. */
void	if_flags_update(struct ifnet *, uint32_t set, uint32_t clear);
/* Any: the flags now. */
static inline uint32_t
if_flags_get(const struct ifnet *ifp)
{

	return __atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED);
}
/* Any context.  A state other than the three is ignored. */
void	if_link_state_change(struct ifnet *, int state);
/*
 * Any: why it does not work whatever its link says: IF_OPER_DOWN_LOWER or
 * IF_OPER_TESTING; 0: nothing of the kind any more.  A change is announced.
 */
void	if_oper_reason(struct ifnet *, uint8_t why);
/* Control.  EINVAL for an off without an on. */
int	ifpromisc(struct ifnet *, bool on);
/* Arm the watchdog: seconds, 0 disarms.  Any context.  Nothing happens where
 * the driver has none, or the interface is deactivated. */
void	if_set_timer(struct ifnet *, int seconds);
int	if_mcast_op(struct ifnet *, unsigned long cmd, const struct sockaddr *);
void	if_ioctl_lock(struct ifnet *);
void	if_ioctl_unlock(struct ifnet *);
bool	if_ioctl_locked(const struct ifnet *);

/* --- link-level address.  Control, ioctl lock. ------------------------- */

int	if_set_sadl(struct ifnet *, const void *lladdr, unsigned len,
	    bool factory);
/* The active one, or NULL.  Read section, or i:. */
const struct sockaddr_dl *if_sadl(const struct ifnet *);

/* --- requests.  Control. ----------------------------------------------- */

/*
 * The one entry.  data is the command's record, followed, for the list
 * commands, by `extra' bytes of room; datalen is both together.
 */
int	ifioctl(struct vnet *, const struct kauth_cred *, unsigned long cmd,
	    void *data, size_t datalen);
/* Requests that every interface answers.  ioctl lock.  ENOTTY: another one. */
int	ifioctl_common(struct ifnet *, unsigned long cmd, void *data);

/* --- packets.  CPU. ---------------------------------------------------- */

/*
 * Received packets, from a poller or soft interrupt.  Sets m_rcvif, counts,
 * shows them to taps and hooks, and goes on.  Takes every packet.
 */
void	if_input_vec(struct ifnet *, struct mvec *);
/*
 * if_input_vec() for packets that come out of another interface's output:
 * queued on the calling CPU and handled by a soft interrupt.  Needs
 * if_percpuq.
 */
void	if_percpuq_enqueue_vec(struct ifnet *, struct mvec *);
/* Vectors of one. */
void	if_input(struct ifnet *, struct mbuf *);
void	if_percpuq_enqueue(struct ifnet *, struct mbuf *);
/* Control, before attach: give it per-CPU input queues.  ENOMEM. */
int	if_percpuq_create(struct ifnet *);
/* Network packets to an interface: counted as offered, then its link type. */
void	if_output_vec(struct ifnet *, int af, struct mvec *);
/* Link-level packets to the driver: taps and hooks, then transmit. */
void	if_transmit_vec(struct ifnet *, struct mvec *);
void	if_transmit(struct ifnet *, struct mbuf *);
/*
 * if_transmit() that says what became of the packet: 0, ENOBUFS when the send
 * queue was full, or the driver's error.  The lock is the queue's own: several
 * CPUs may be here with one interface.
 */
int	if_transmit_lock(struct ifnet *, struct mbuf *);
/* For drivers with a start routine.  ENOBUFS: full; dropped and counted. */
int	ifq_enqueue(struct ifnet *, struct mbuf *);
struct mbuf *ifq_dequeue(struct ifnet *);
/*
 * CPU: have the driver's start take what is queued, unless IFF_OACTIVE.  On one
 * CPU at a time; one that comes meanwhile returns, and start is called again.
 */
void	ifq_start(struct ifnet *);
/* Purge both queues, counting DROP_SNDQ_PURGED or another reason. */
void	ifq_purge(struct ifnet *, enum drop_reason);

/*
 * A second send queue, for what goes first (or last).  The driver has its
 * memory and takes from it; the layer counts it, and empties it when the
 * interface goes down or away.  A NULL queue is if_snd.
 *
 * ifq_attach2: control, before attach, once.  ENOMEM.
 *
 * No user yet: transmit queues of devices with several.
 */
int	ifq_attach2(struct ifnet *, struct ifqueue *second, unsigned maxlen);
int	ifq_enqueue2(struct ifnet *, struct ifqueue *second, struct mbuf *);
struct mbuf *ifq_dequeue2(struct ifnet *, struct ifqueue *second);

/*
 * Deferred start: have fn (NULL: ifq_start) called soon on the calling CPU,
 * from where it cannot be called at once: a poller that found room, in the
 * middle of something.  Never on two CPUs at once because of it.
 *
 * if_deferred_start_init: control, before attach, once; ended by if_detach().
 * ENOMEM.  if_schedule_deferred_start: CPU; false when it waits already, when
 * the send queue is in use and empty, or when the interface goes away.
 *
 * No user yet: transmit queues.
 */
int	if_deferred_start_init(struct ifnet *, void (*fn)(struct ifnet *));
bool	if_schedule_deferred_start(struct ifnet *);

/*
 * The link type without a header: lo and the like.  Input goes to the protocol
 * by IP version, output to the driver as it is.
 */
extern const struct iftype_ops raw_type_ops;

/* --- counting.  CPU. --------------------------------------------------- */

void	if_stat_add(struct ifnet *, enum if_stat, uint64_t n);
/* Packets, bytes and multicasts of a direction. */
void	if_stat_add_vec(struct ifnet *, enum if_stat_dir, const struct mvec *);

/* --- addresses --------------------------------------------------------- */

union sockaddr_any {
	struct sockaddr	 sa;
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;
};

/*
 * An address of an interface; those of protocols are part of a struct
 * protoaddr.
 *	constant	from ifa_insert to the end
 */
struct ifaddr {
	TAILQ_ENTRY(ifaddr) ifa_list;	/* as if_addrlist */
	struct ifnet	*ifa_ifp;	/* constant */
	struct sockaddr	*ifa_addr;	/* constant; storage is the family's */
	struct sockaddr	*ifa_netmask;	/* NULL: none */
	struct sockaddr	*ifa_dstaddr;	/* far end or broadcast; NULL: none */
#define ifa_broadaddr	ifa_dstaddr
	uint32_t	 ifa_refcnt;	/* atomic */
	uint16_t	 ifa_flags;	/* a: IFA_* */
#define IFA_DESTROYING	0x1
#define IFA_TENTATIVE	0x2
#define IFA_INNET	0x8		/* its prefix is in ifv_nets; l: */
#define IFA_DUPLICATED	0x10		/* another host has it */
#define IFA_TOLD	0x20		/* AF_LINK: announced; i: */
#define IFA_INACTIVE	0x40		/* its interface is deactivated; i: */
#define IFA_NUMBERED	0x80		/* its interface is bound to a numbered
					 * table; constant once inserted */
	int16_t		 ifa_preference;	/* a: */
	struct psref_target ifa_psref;
	void		(*ifa_free)(struct ifaddr *);	/* the family's */
};

#pragma GCC visibility pop

#endif /* !IFNET_IF_H */
