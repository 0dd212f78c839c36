/*
 * arp_var: the neighbour cache of a vnet, as shared by if_arp.c (packets),
 * arp_cache.c (states, timers), arp_room.c (entries, limits), arp_rtsock.c
 * (requests) and arp_dad.c (duplicate address detection).
 *
 * The life of an entry:
 *
 * 	INCOMPLETE	a request goes out each second, packets wait
 * 	    answer ->	REACHABLE, the packets leave
 * 	    5 tries ->	FAILED, the packets are dropped
 * 	FAILED		packets are dropped at once; forgotten after a while
 * 	REACHABLE	usable; in use when its time is over -> PROBE,
 * 			not in use -> STALE
 * 	STALE		usable; asked about when used, forgotten when not
 * 	PROBE		usable; asked about (unicast) each second; 5 tries
 * 			without answer -> forgotten
 *
 * A usable entry for which another link-level address is claimed asks the
 * station it knows, in PROBE as above: the claim holds when that is silent
 * (enum arp_moves, ARP_CLAIM_TRIES).
 *
 * A usable entry is looked at every 30 s: has it been used?  arp_room.c says
 * what that means for the room there is.  An entry that was learnt from a
 * packet of its own, and is used, is asked about then, and counts as used once
 * it has answered.
 *
 * Static entries have no timer.  All others are on a wheel with ticks of a
 * second.  Everything here is under the neighbour table'spin lock; packets to
 * drop or send are collected under the lock and handled after it is released.
 */

#ifndef NETINET_ARP_VAR_H
#define NETINET_ARP_VAR_H

#include "kern/wheel.h"
#include "netinet/ip_var.h"

enum arp_state {
	ARP_INCOMPLETE = 1, ARP_REACHABLE, ARP_STALE, ARP_PROBE, ARP_FAILED
};

/* net.inet.arp.moves: when is another link-level address of a known neighbour
 * believed? */
enum arp_moves {
	ARP_MOVES_NEVER,	/* never, until the entry is forgotten */
	ARP_MOVES_ASKED,	/* in answer to a request of ours */
	ARP_MOVES_CONFIRM,	/* when the known station is silent */
	ARP_MOVES_ALWAYS	/* at once (RFC 826) */
};

#define ARP_TRIES	5		/* requests without an answer */
#define ARP_CLAIM_TRIES	2		/* likewise, while there is a claim */
#define ARP_NS		1000000000ull	/* a tick of the wheel of entries */
#define ARP_LEVELS	7
#define ARP_LOOK_NS	(30 * ARP_NS)	/* is it used? */
#define ARP_KEEP_MAX	86400		/* s, that an entry waits at most */
_Static_assert(ARP_KEEP_MAX <= WHEEL_MAX(ARP_LEVELS), "a wheel that reaches");
/* RFC 5227 1.1; the number of probes is a setting */
#define ARP_PROBE_WAIT_NS (1 * ARP_NS)	/* at most, before the first */
#define ARP_PROBE_MIN_NS (1 * ARP_NS)	/* between two */
#define ARP_PROBE_MAX_NS (2 * ARP_NS)
#define ARP_ANNOUNCE_WAIT_NS (2 * ARP_NS)
#define ARP_ANNOUNCE_NUM 2
#define ARP_ANNOUNCE_NS	(2 * ARP_NS)
#define ARP_DEFEND_NS	(10 * ARP_NS)	/* of one address */
#define ARP_NDEFENDED	16
#define ARP_NLOGGED	8
#define ARP_ENTRIES_MAX	(1 << 20)
#define ARP_TELLS	100	/* announcements of unused ones a second */
#define ARP_FULL_NS	(60 * ARP_NS)	/* between two lines of the log */

/* The wheel of addresses to probe and announce. */
#define ARP_DAD_TICK_NS	(1ull << 26)	/* 67 ms */
#define ARP_DAD_LEVELS	2

/*
 *	t: the neighbour table's spin lock
 *	a: the announcement lock
 */
struct arp_vnet {
	struct neigh_table	 av_table;
	struct vnet	*av_vnet;		/* constant */
	struct wheel	 av_wheel;		/* t: of entries */
	struct wheel_level av_level[ARP_LEVELS];

	struct kspin	 av_annlock;
	struct wheel	 av_annwheel;		/* a: of addresses */
	struct wheel_level av_annlevel[ARP_DAD_LEVELS];
	uint64_t	 av_annseed;		/* a: random waits */

	struct kspin	 av_conflict_lock;
	uint64_t	 av_defended_ns[ARP_NDEFENDED];	/* by a hash of the
							 * address */
	uint64_t	 av_logged_ns[ARP_NLOGGED][2];	/* by interface:
							 * refused claims,
							 * moves */

	uint64_t	 av_count[ARP_NCLASSES];	/* t: entries */

	/* settings; atomic */
	int64_t		 av_keep;		/* time in REACHABLE, s */
	int64_t		 av_down;		/* time in FAILED, s */
	int64_t		 av_maxhold;		/* packets an entry holds */
	int64_t		 av_maxentries;		/* entries an interface has */
	int64_t		 av_maxincomplete;	/* of them, without answer */
	int64_t		 av_maxunused;		/* of them, ARP_C_UNUSED */
	int64_t		 av_maxasks;		/* new ones asked for a second,
						 * on an interface */
	int64_t		 av_maxpps;		/* packets handled a second, of
						 * an interface */
	int64_t		 av_moves;		/* enum arp_moves */
};

/* A singly linked list of packets, through m_nextpkt. */
struct arp_pkts {
	struct mbuf	*ap_head, **ap_tail;
};

static inline void
arp_pkts_init(struct arp_pkts *ap)
{

	ap->ap_head = NULL;
	ap->ap_tail = &ap->ap_head;
}

/* Any: copy the interface's own link-level address. */
static inline void
arp_own_lladdr(const struct ifnet *ifp, uint8_t lladdr[ETHER_ADDR_LEN])
{
	uint64_t w = __atomic_load_n(&ifp->if_lladdr, __ATOMIC_RELAXED);

	memcpy(lladdr, &w, ETHER_ADDR_LEN);
}

/* arp_room.c; t: held unless said otherwise */
/* CPU: a new entry, of class USED or STATIC when asked for by hand, else UNUSED
 * or ASKED; NULL: no room, or no memory.  Packets of entries that had to go are
 * added to `pushed'. */
struct neigh *arp_entry_new(struct arp_vnet *, struct ifnet *, uint32_t,
	    enum arp_class, struct arp_pkts *pushed);
/* Put an entry in a class, as its youngest; take it out of its class. */
void	arp_class_set(struct arp_vnet *, struct neigh *, enum arp_class);
void	arp_class_leave(struct arp_vnet *, struct neigh *);
/* Take the packets that an entry holds. */
void	arp_entry_unhold(struct neigh *, struct arp_pkts *);
/* Take an entry that holds no packets off every list, and free it after all
 * readers have left. */
void	arp_entry_free(struct arp_vnet *, struct neigh *);
/* The entry of the interface after ne, in no order; NULL: the first. */
struct neigh *arp_entry_next(const struct in_ifdata *,
	    const struct neigh *ne);
/* The interface's part, made if need be; NULL: no memory, or the interface is
 * on its way out. */
struct in_ifdata *arp_ifdata(struct ifnet *);
/* CPU: may the packet have a new neighbour asked for?  Not at too high a
 * rate. */
bool	arp_may_ask(struct arp_vnet *, struct in_ifdata *, const struct mbuf *,
	    uint64_t now);
/* CPU, no lock held: may one more ARP packet of the interface be handled in the
 * present second?  Makes the interface's part. */
bool	arp_may_hear(struct ifnet *, uint64_t now);
/* CPU, no lock held: a line of the log, once in a while: there is no room. */
void	arp_log_full(struct ifnet *, uint64_t now);
/* Has an entry been announced? */
static inline bool
arp_entry_announced(const struct neigh *ne)
{

	return __atomic_load_n(&ne->ne_rts.rn_word, __ATOMIC_RELAXED) != 0;
}
/* CPU: announce a usable entry that is new, or has changed; not all that are
 * UNUSED. */
void	arp_entry_announce(struct neigh *, bool changed, uint64_t now);

/* arp_cache.c; t: held unless said otherwise */
/* Set the state, and a time for it: ns from now; and the class, unless the
 * entry was usable before and is. */
void	arp_entry_state(struct arp_vnet *, struct neigh *, enum arp_state,
	    uint64_t now, uint64_t ns);
/* Set and clear NEIGH_* flags. */
static inline void
arp_entry_flags(struct neigh *ne, uint32_t set, uint32_t clear)
{

	__atomic_store_n(&ne->ne_flags, (ne->ne_flags | set) & ~clear,
	    __ATOMIC_RELAXED);
}
/* CPU, no lock held: drop packets that an entry held (their output interface is
 * ip_held_if()); with `tell', send ICMP errors to their sources. */
void	arp_drop_held(struct arp_pkts *, enum drop_reason, bool tell);
/* Any, no lock held: is the interface up, running, and does it use ARP? */
bool	arp_ifusable(const struct ifnet *);
/* Any, no lock held: make every neighbour of the interface STALE, so that it is
 * verified when it is next used. */
void	arp_ifstale(struct ifnet *);
/* Any, no lock held: the interface's link-level address changed: make the
 * entries' link-level headers anew. */
void	arp_ifrehead(struct ifnet *);
int	arp_cache_init(struct arp_vnet *);
void	arp_cache_fini(struct arp_vnet *);

/* if_arp.c */
/* CPU: send one ARP packet to dst (NULL: broadcast), with sha as the sender's
 * link-level address (NULL: the interface's own) and tha as the target's (NULL:
 * unknown). */
void	arp_send(struct ifnet *, uint16_t op, const uint8_t *dst,
	    const uint8_t *sha, uint32_t spa, const uint8_t *tha,
	    uint32_t tpa);
/* Read section: is an address on a prefix of this interface's link? */
bool	arp_is_onlink(const struct ifnet *, uint32_t addr);
/* CPU: send a request for an address (unicast to lladdr when it is not
 * NULL). */
void	arp_ask(struct ifnet *, uint32_t addr, const uint8_t *lladdr);
/*
 * CPU: take the table's lock and look an entry up whose address was just
 * learnt, lladdr.  Packets that waited for it were sent: as long as senders do
 * not find the address they go on queueing up, so that none overtakes another.
 * (Only where packets come in faster than that can some be left in the entry.)
 */
#define ARP_DRAINS	64
struct neigh *arp_lookup_drained(struct arp_vnet *, struct ifnet *,
	    uint32_t addr, const uint8_t *lladdr);
/* CPU: send packets that waited for a neighbour, whose link-level address is
 * known now; senders may still see it as unresolved. */
void	arp_release(struct ifnet *, struct arp_pkts *, const uint8_t *lladdr);
/* CPU: count, and log at a limited rate, that a neighbour known at one
 * link-level address was believed, or not, to have moved to another. */
void	arp_tell_move(struct ifnet *, uint32_t addr, const uint8_t *known,
	    const uint8_t *claim, bool believed);
/* "10.0.0.1" */
const char *arp_addr_text(uint32_t, char buf[16]);

/*
 * arp_dad.c: the check and the announcement of an address once its interface is
 * ready (RFC 5227).  Any context unless said.
 *
 * A tentative address is probed for, net.inet.ip.dad_count times, and announced
 * when no other host has it; other addresses are announced at once.
 */
void	arp_dad_init(struct arp_vnet *);
void	arp_dad_fini(struct arp_vnet *);
/* The interface of the address is not ready any more: its check starts over
 * when it is ready again. */
void	arp_dad_unready(struct ifaddr *);
/* The address is removed: after this it is not probed for or announced. */
void	arp_announce_stop(struct ifaddr *);
/* CPU: another host, sha, uses an address of ours or probes for it.  true: the
 * address was still tentative, so there is nothing to defend. */
bool	arp_dad_conflict(struct ifaddr *, const uint8_t *sha);
/* Any: must an address of this interface be checked before it is used? */
bool	arp_dad_wanted(const struct ifnet *);

#endif /* !NETINET_ARP_VAR_H */
