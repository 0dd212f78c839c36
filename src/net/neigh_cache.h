/*
 * neigh_cache: the neighbour cache of a vnet, for all families.  What a family
 * does in its own way (ARP, neighbour discovery) is a struct neigh_proto; the
 * families' packets call in here.
 *
 * The life of an entry:
 *
 * 	INCOMPLETE	a request goes out each second, packets wait
 * 	    answer ->	REACHABLE, the packets leave
 * 	    no one ->	FAILED, the packets are dropped
 * 	FAILED		packets are dropped at once; forgotten after a while
 * 	REACHABLE	usable; in use when its time is over -> PROBE,
 * 			not in use -> STALE
 * 	STALE		usable; asked about when used, forgotten when not
 * 	PROBE		usable; asked about (unicast) each second; without
 * 			answer -> forgotten
 *
 * In neighbour discovery an entry is STALE when its time is over, in use or
 * not, and a STALE one is asked about as soon as a look at it, every 5 s, finds
 * it used: that stands for the state DELAY of RFC 4861 7.3.2.
 *
 * A usable entry for which another link-level address is claimed asks the
 * station it knows, in PROBE as above: the claim holds when that is silent
 * (enum neigh_moves, NEIGH_CLAIM_TRIES).  Neighbour discovery has flags in its
 * packets instead.
 *
 * A usable entry is looked at every 30 s: has it been used?  neigh_room.c says
 * what that means for the room there is.  An entry that was learnt from a
 * packet of its own, and is used, is asked about then, and counts as used once
 * it has answered.
 *
 * Static entries have no timer.  All others are on a wheel with ticks of a
 * second.  Everything here is under the neighbour table's spin lock; packets to
 * drop or send are collected under the lock and handled after it is released.
 */

#ifndef NET_NEIGH_CACHE_H
#define NET_NEIGH_CACHE_H

#include <string.h>

#include <ifnet/if_ether.h>
#include <ifnet/mbuf.h>

#include "kern/sysctl.h"
#include "kern/wheel.h"
#include "net/domain.h"
#include "net/if_stats_impl.h"
#include "net/ip_token.h"
#include "net/neigh.h"

struct rt_msg;

enum neigh_state {
	NEIGH_S_INCOMPLETE = 1, NEIGH_S_REACHABLE, NEIGH_S_STALE,
	NEIGH_S_PROBE, NEIGH_S_FAILED
};

/* When is another link-level address of a known neighbour believed? */
enum neigh_moves {
	NEIGH_MOVES_NEVER,	/* never, until the entry is forgotten */
	NEIGH_MOVES_ASKED,	/* in answer to a request of ours */
	NEIGH_MOVES_CONFIRM,	/* when the known station is silent */
	NEIGH_MOVES_ALWAYS	/* at once */
};

/* Classes of neighbours, in the order in which they make room for others. */
enum neigh_class {
	NEIGH_C_NONE,	/* not in the table */
	NEIGH_C_FAILED,	/* did not answer */
	NEIGH_C_UNUSED,	/* learnt from a packet of its own; whether it answers
			 * is not known */
	NEIGH_C_ASKED,	/* has not answered yet */
	NEIGH_C_IDLE,	/* has answered; not used lately */
	NEIGH_C_USED,	/* has answered; used lately */
	NEIGH_C_STATIC,	/* set by hand for good */
	NEIGH_NCLASSES
};

#define NEIGH_NS	1000000000ull	/* a tick of the wheel of entries */
#define NEIGH_LEVELS	7
#define NEIGH_LOOK_S	30		/* is it used? */
#define NEIGH_KEEP_MAX	86400		/* s, that an entry waits at most */
_Static_assert(NEIGH_KEEP_MAX <= WHEEL_MAX(NEIGH_LEVELS),
    "a wheel that reaches");
#define NEIGH_CLAIM_TRIES 2	/* requests without an answer while there is a
				 * claim */
#define NEIGH_ENTRIES_MAX (1 << 20)
#define NEIGH_TELLS	100	/* announcements of unused ones a second */
#define NEIGH_FULL_NS	(60 * NEIGH_NS)	/* between two lines of the log */
#define NEIGH_NLOGGED	8
#define NEIGH_TEXT_SIZE	48	/* of an address in words */

/* Events that a family counts. */
enum neigh_count {
	NEIGH_N_TIMEOUT,	/* a neighbour did not answer */
	NEIGH_N_LIMITED,	/* not asked for because of a rate */
	NEIGH_N_FULL,		/* no room */
	NEIGH_N_PUSHED_INCOMPLETE,	/* one without an answer, */
	NEIGH_N_PUSHED_UNUSED,		/* not used so far, */
	NEIGH_N_PUSHED_IDLE,		/* not used lately made room */
	NEIGH_N_CHANGED,	/* one was believed to have moved, */
	NEIGH_N_REFUSED		/* or not */
};

/* How a family does it.  Constant; CPU context and no lock unless said. */
struct neigh_proto {
	uint8_t		 np_family;	/* AF_* */
	uint8_t		 np_slot;	/* enum dom_slot */
	uint16_t	 np_ethertype;
	/* Is a STALE entry asked about whenever it is used (RFC 4861)?  Else
	 * when its time is over. */
	bool		 np_stale_asks;
	/* Is a neighbour believed to be there for half to one and a half times
	 * as long as the setting says (RFC 4861 6.3.2)? */
	bool		 np_random;
	const char	*np_settings;	/* "net.inet.arp": where they are */
	const char	*np_counts;	/* "net.inet.arp.count" */
	const char	*np_maxentries;	/* "net.inet.arp.maxentries" */
	const char	*np_command;	/* "arp": lists neighbours */
	/* why packets that wait, or would, are dropped */
	enum drop_reason np_share, np_queue, np_unresolved, np_rate, np_full,
			 np_pushed, np_gone;
	/* ask for an address; unicast when lladdr is not NULL */
	void	(*np_ask)(struct ifnet *, const union neigh_addr *,
		    const uint8_t *lladdr);
	/* send an ICMP error about a packet that was held: its destination is
	 * unreachable; the interface it came by.  Does not take it. */
	void	(*np_tell)(struct ifnet *, struct mbuf *);
	/* any */
	void	(*np_count)(const struct vnet *, enum neigh_count);
	/* a hash of the source of a packet; t: held */
	uint32_t (*np_source)(const struct mbuf *);
	/* is an address on a prefix of the interface's link?  t: held */
	bool	(*np_onlink)(const struct ifnet *, const union neigh_addr *);
	/* an address in words; any */
	const char *(*np_text)(const union neigh_addr *,
		    char buf[NEIGH_TEXT_SIZE]);
	/* control: the address of a request, and of a neighbour; errno with
	 * words */
	int	(*np_get)(const struct sockaddr *, union neigh_addr *);
	/* control, read section: the interface that has the address on its
	 * link, or NULL */
	struct ifnet *(*np_ifp)(struct vnet *, const union neigh_addr *);
	/* control, read section: may the address be another host's, on the
	 * interface? */
	bool	(*np_is_host)(struct ifnet *, const union neigh_addr *);
	/* any: the place of an address in the order of a dump; no two
	 * neighbours of an interface have the same */
	uint64_t (*np_order)(const struct neigh_table *,
		    const union neigh_addr *);
};

/*
 * A family's part of a vnet.
 *	t: the neighbour table's spin lock
 */
struct neigh_fam {
	const struct neigh_proto *nf_proto;	/* constant; NULL: none */
	uint64_t	 nf_count[NEIGH_NCLASSES];	/* t: entries */
	struct kspin	 nf_log_lock;
	uint64_t	 nf_logged_ns[NEIGH_NLOGGED][2]; /* by interface:
							  * refused claims,
							  * moves */

	/* settings; atomic */
	int64_t		 nf_keep;	/* time in REACHABLE, s */
	int64_t		 nf_stale;	/* time in STALE, s; 0: as nf_keep */
	int64_t		 nf_down;	/* time in FAILED, s */
	int64_t		 nf_look;	/* s between looks at a STALE one */
	int64_t		 nf_mtries;	/* requests to all, */
	int64_t		 nf_utries;	/* and to one, without an answer */
	int64_t		 nf_maxhold;	/* packets an entry holds */
	int64_t		 nf_maxentries;	/* entries an interface has */
	int64_t		 nf_maxincomplete; /* of them, without answer */
	int64_t		 nf_maxunused;	/* of them, NEIGH_C_UNUSED */
	int64_t		 nf_maxasks;	/* new ones asked for a second, on an
					 * interface */
	int64_t		 nf_maxpps;	/* packets handled a second, of an
					 * interface */
	int64_t		 nf_moves;	/* enum neigh_moves */
};

/* The cache of a vnet. */
struct neigh_cache {
	struct neigh_table nc_table;
	struct vnet	*nc_vnet;		/* constant */
	struct wheel	 nc_wheel;		/* t: of entries */
	struct wheel_level nc_level[NEIGH_LEVELS];
	uint64_t	 nc_seed;		/* t: of random times */
	struct neigh_fam nc_fam[DOM_SLOT_MAX];
};

/* How often new neighbours are asked for: together, by packets from one
 * interface, and by packets from one source; hashed. */
#define NEIGH_NFROM	8
#define NEIGH_NSOURCE	16
struct neigh_asks {
	struct ip_tokens na_all;
	struct ip_tokens na_from[NEIGH_NFROM];
	struct ip_tokens na_source[NEIGH_NSOURCE];
};

/*
 * A family's neighbours of an interface, in if_afdata from the first neighbour,
 * or packet about one, on.
 *	t: the vnet's neighbour table spin lock
 */
struct neigh_if {
	struct kern_defer ni_defer;
	struct kern	*ni_kern;
	uint32_t	 ni_oqueued;	/* atomic, written with t: held for
					 * resolution */
	uint32_t	 ni_count[NEIGH_NCLASSES]; /* t: neighbours */
	TAILQ_HEAD(, neigh) ni_list[NEIGH_NCLASSES]; /* t: by age */
	uint64_t	 ni_held;	/* t: packet buffers that wait */
	struct neigh_asks ni_asks;	/* t: */
	struct ip_tokens ni_told;	/* t: announcements of UNUSED ones */
	uint64_t	 ni_full_ns;	/* t: a line of the log said so */
	uint64_t	 ni_heard;	/* atomic: a second, above, and packets
					 * about neighbours in it */
};

/* The interface's part; NULL: it has none yet. */
static inline struct neigh_if *
neigh_if(const struct ifnet *ifp, unsigned slot)
{

	return __atomic_load_n(&ifp->if_afdata[slot], __ATOMIC_CONSUME);
}

static inline unsigned
neigh_slot(const struct neigh *ne)
{

	return ne->ne_family == AF_INET ? DOM_SLOT_INET : DOM_SLOT_INET6;
}

static inline struct neigh_if *
neigh_if_of(const struct neigh *ne)
{

	return neigh_if(ne->ne_ifp, neigh_slot(ne));
}

static inline struct neigh_fam *
neigh_fam(const struct vnet *vn, unsigned slot)
{

	return &vn->vn_neigh->nc_fam[slot];
}

static inline struct neigh_fam *
neigh_fam_of(const struct neigh *ne)
{

	return neigh_fam(ne->ne_ifp->if_vnet, neigh_slot(ne));
}

/* Any: the value of a setting, which sysctl may be changing at the same
 * time. */
static inline uint64_t
neigh_setting(const int64_t *setting)
{

	return (uint64_t)__atomic_load_n(setting, __ATOMIC_RELAXED);
}

/* How long a neighbour that says nothing stays STALE, ns. */
static inline uint64_t
neigh_stale_ns(const struct neigh_fam *nf)
{
	uint64_t s = neigh_setting(&nf->nf_stale);

	return (s != 0 ? s : neigh_setting(&nf->nf_keep)) * NEIGH_NS;
}

/* A singly linked list of packets, through m_nextpkt. */
struct neigh_pkts {
	struct mbuf	*np_head, **np_tail;
};

static inline void
neigh_pkts_init(struct neigh_pkts *np)
{

	np->np_head = NULL;
	np->np_tail = &np->np_head;
}

/* Any: copy the interface's own link-level address. */
static inline void
neigh_own_lladdr(const struct ifnet *ifp, uint8_t lladdr[ETHER_ADDR_LEN])
{
	uint64_t w = __atomic_load_n(&ifp->if_lladdr, __ATOMIC_RELAXED);

	memcpy(lladdr, &w, ETHER_ADDR_LEN);
}

/* neigh_room.c; t: held unless said otherwise */
/* CPU: a new entry, of class USED or STATIC when asked for by hand, else UNUSED
 * or ASKED; NULL: no room, or no memory.  Packets of entries that had to go are
 * added to `pushed'. */
struct neigh *neigh_entry_new(struct neigh_fam *, struct ifnet *,
	    const union neigh_addr *, enum neigh_class,
	    struct neigh_pkts *pushed);
/* Put an entry in a class, as its youngest; take it out of its class. */
void	neigh_class_set(struct neigh *, enum neigh_class);
void	neigh_class_leave(struct neigh *);
/* Take the packets that an entry holds. */
void	neigh_entry_unhold(struct neigh *, struct neigh_pkts *);
/* Take an entry that holds no packets off every list, and free it after all
 * readers have left. */
void	neigh_entry_free(struct neigh *);
/* The entry of the interface after ne, in no order; NULL: the first. */
struct neigh *neigh_entry_next(const struct neigh_if *, const struct neigh *ne);
/* The interface's part, made if need be; NULL: no memory, or the interface is
 * on its way out. */
struct neigh_if *neigh_ifdata(struct ifnet *, unsigned slot);
/* CPU: may the packet have a new neighbour asked for?  Not at too high a
 * rate. */
bool	neigh_may_ask(struct neigh_fam *, struct ifnet *, const struct mbuf *,
	    uint64_t now);
/* CPU, no lock held: may one more packet of the family's protocol for
 * neighbours, of the interface, be handled in the present second?  Makes the
 * interface's part. */
bool	neigh_may_hear(struct ifnet *, unsigned slot, uint64_t now);
/* CPU, no lock held: a line of the log, once in a while: there is no room. */
void	neigh_log_full(struct ifnet *, unsigned slot, uint64_t now);
/* CPU, no lock held: count, and log at a limited rate, that a neighbour known
 * at one link-level address was believed, or not, to have moved to another. */
void	neigh_tell_move(struct ifnet *, unsigned slot,
	    const union neigh_addr *, const uint8_t *known,
	    const uint8_t *claim, bool believed);
/* Has an entry been announced? */
static inline bool
neigh_entry_announced(const struct neigh *ne)
{

	return __atomic_load_n(&ne->ne_rts.rn_word, __ATOMIC_RELAXED) != 0;
}
/* CPU: announce a usable entry that is new, or has changed; not all that are
 * UNUSED. */
void	neigh_entry_announce(struct neigh *, bool changed, uint64_t now);

/* neigh_cache.c; t: held unless said otherwise */
/* Set the state, and a time for it: ns from now; and the class, unless the
 * entry was usable before and is. */
void	neigh_entry_state(struct neigh *, enum neigh_state, uint64_t now,
	    uint64_t ns);
/* Likewise, REACHABLE for as long as the family says. */
void	neigh_entry_reachable(struct neigh *, uint64_t now);
/* Set and clear NEIGH_* flags. */
static inline void
neigh_entry_flags(struct neigh *ne, uint32_t set, uint32_t clear)
{

	__atomic_store_n(&ne->ne_flags, (ne->ne_flags | set) & ~clear,
	    __ATOMIC_RELAXED);
}
/* CPU, no lock held: drop packets that an entry held (their output interface is
 * ip_held_if()); with `tell', send ICMP errors to their sources. */
void	neigh_drop_held(const struct neigh_proto *, struct neigh_pkts *,
	    enum drop_reason, bool tell);
/* Any, no lock held: is the interface up, running, and one whose stations are
 * asked for their addresses? */
bool	neigh_ifusable(const struct ifnet *);
/* Any, no lock held: make every neighbour of the interface STALE, so that it is
 * verified when it is next used. */
void	neigh_ifstale(struct ifnet *, unsigned slot);
/* Any, no lock held: the interface's link-level address changed: make the
 * entries' link-level headers anew. */
void	neigh_ifrehead(struct ifnet *, unsigned slot);
/* Control: delete the neighbours of the interface whose addresses are on none
 * of its prefixes any more, except static ones. */
void	neigh_ifsweep(struct ifnet *, unsigned slot);
/* Control, with the ioctl lock or during detach: delete every neighbour of the
 * interface. */
void	neigh_ifpurge(struct ifnet *, unsigned slot);
/* Control, at detach, once the interface is deactivated, so that it gets no
 * more neighbours: likewise, and give up its part. */
void	neigh_ifdetach(struct ifnet *, unsigned slot);
/* Any: packets that wait for neighbours of the interface. */
uint64_t neigh_oqueued(const struct ifnet *, unsigned slot);
/* Any: the entries of a class, in the vnet; NEIGH_C_NONE: of all. */
uint64_t neigh_entries(const struct vnet *, unsigned slot, enum neigh_class);
/* At the vnet's start: a family's part; its settings are as they are at
 * first. */
struct neigh_fam *neigh_attach(struct vnet *, const struct neigh_proto *);
/* After the interface layer, before the families. */
extern const struct vnet_subsys neigh_subsys;

/* neigh_resolve.c; CPU, no lock held */
/* A packet that goes to an address, whose link-level address is not known;
 * takes it. */
void	neigh_resolve(struct ifnet *, unsigned slot, const union neigh_addr *,
	    struct mbuf *);
/*
 * Take the table's lock and look an entry up whose address was just learnt,
 * lladdr.  Packets that waited for it were sent: as long as senders do not find
 * the address they go on queueing up, so that none overtakes another.  (Only
 * where packets come in faster than that can some be left in the entry.)
 */
#define NEIGH_DRAINS	64
struct neigh *neigh_lookup_drained(struct ifnet *, unsigned slot,
	    const union neigh_addr *, const uint8_t *lladdr);
/* Likewise; were there any? */
struct neigh *neigh_lookup_waited(struct ifnet *, unsigned slot,
	    const union neigh_addr *, const uint8_t *lladdr, bool *waited);
/* Send packets that waited for a neighbour, whose link-level address is known
 * now; senders may still see it as unresolved. */
void	neigh_release(struct ifnet *, unsigned slot, struct neigh_pkts *,
	    const uint8_t *lladdr);
/*
 * Learn a neighbour's link-level address from a packet, as ARP does.  A known
 * neighbour is updated (RFC 826: before the operation is looked at); with
 * `create', an unknown one is added, if there is room; `answer': it is one to
 * an address of ours.  false: the neighbour is not in the cache.
 */
bool	neigh_learn(struct ifnet *, unsigned slot, const union neigh_addr *,
	    const uint8_t *lladdr, bool create, bool answer);
/* The link-level address that a published entry is answered with; false: there
 * is no such entry. */
bool	neigh_is_published(struct ifnet *, unsigned slot,
	    const union neigh_addr *, uint8_t *lladdr);

/* neigh_request.c.  Control: neighbour requests of the routing socket
 * (dom_neigh_request, dom_neigh_dump). */
int	neigh_request(struct vnet *, unsigned slot, const struct rt_msg *,
	    const struct sockaddr *const *sa, void *answer,
	    size_t *answerlen);
int	neigh_dump(struct ifnet *, unsigned slot, uint64_t *place,
	    int (*fn)(const void *, void *), void *);

/*
 * neigh_sysctl.c.  Control: handlers.  The argument is the family's row, and
 * for neigh_maxpps_handler() its nf_maxpps.
 */
int	neigh_count_handler(struct vnet *, const char *, void *,
	    struct sysctl_op *);
int	neigh_count_next(struct vnet *, void *, const char *after,
	    char next[SYSCTL_NAMESIZE]);
const char *neigh_count_descr(const char *name);
int	neigh_entries_handler(struct vnet *, const char *, void *,
	    struct sysctl_op *);
int	neigh_maxpps_handler(struct vnet *, const char *, void *,
	    struct sysctl_op *);

#endif /* !NET_NEIGH_CACHE_H */
