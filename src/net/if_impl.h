/*
 * if_impl: the insides of the interface layer, for src/net.
 */

#ifndef NET_IF_IMPL_H
#define NET_IF_IMPL_H

#include <ifnet/if.h>
#include <ifnet/if_clone.h>
#include <ifnet/if_ether.h>

#include "host/host.h"
#include "kern/khash.h"
#include "kern/kern_impl.h"
#include "kern/sysctl.h"
#include "kern/vnet.h"
#include "net/domain.h"
#include "net/lpm.h"

/* if_state */
#define IFS_ALLOCATED	0
#define IFS_ATTACHED	1
#define IFS_DETACHING	2	/* further ioctls are refused with ENXIO */

#define IF_LIMIT_DEFAULT 1048575

/*
 * The index table readers use: one load finds the interface.  Doubles; the
 * old one is freed behind the readers.
 */
struct if_table {
	struct kern_defer it_defer;
	struct kern	*it_kern;
	unsigned	 it_size;
	struct ifnet	*it_ifp[];	/* rcu */
};

/* A chunk of counters for IF_CTR_CHUNK consecutive indices, of all CPUs. */
#define IF_CTR_CHUNK	1024

struct if_ethertype {
	uint16_t	 ie_type;	/* network order */
	ether_input_fn	*ie_input;
};
#define IF_NETHERTYPES	8

/* Walks of the sysctl tree that may go on after the interface they were at
 * has gone. */
#define IF_NCURSORS	16

/*
 * A set of numbers up to INT_MAX that finds the next number not in it in a step
 * for each six bits of the largest: if_bitmap.c.
 */
#define IF_BITMAP_HEIGHT 5	/* of the tree for INT_MAX */

struct if_bitmap {
	struct host	*ib_host;
	unsigned	 ib_height;	/* 0: numbers below 64, in ib_word */
	union {
		uint64_t ib_word;
		struct if_bitmap_node *ib_root;
	};
};

/*
 * The interface layer's part of a vnet.
 *	l: ifv_lock.  Lock order: clone lock, ioctl lock, ifv_lock.
 */
struct if_vnet {
	struct host_mutex ifv_lock;
	struct if_table	*ifv_table;		/* rcu; written with l: */
	struct khash	 ifv_names;		/* rcu; l: */
	uint32_t	 ifv_names_seq;		/* l: odd while one changes */
	unsigned	 ifv_count;		/* l: */
	int64_t		 ifv_limit;		/* highest index; sysctl */
	unsigned	 ifv_last_index;	/* l: last one given */
	uint64_t	 ifv_gen;		/* l: last generation given */
	struct if_bitmap ifv_used;		/* l: indices given */
	struct if_counters **ifv_chunk;		/* l: counter chunks */
	unsigned	 ifv_nchunks;		/* l: */
	size_t		 ifv_ctr_stride;	/* constant: bytes from one
						 * CPU's block to the next's */

	struct domain const *ifv_domain[4];	/* set at start; by dom_slot */
	struct if_ethertype ifv_ethertype[IF_NETHERTYPES]; /* set at start */
	unsigned	 ifv_nethertypes;

	struct khash	 ifv_addrs;		/* rcu; l: exact addresses, */
	struct khash	 ifv_dsts;		/* rcu; l: far, broadcast: the
						 * first address of each */
	struct lpm	 ifv_nets;		/* rcu; l: IPv4 prefixes of
						 * addresses */
	LIST_HEAD(, protoaddr) ifv_af[DOM_SLOT_MAX]; /* rcu; l: by slot */
	struct softint	*ifv_rcvq_si;		/* per-CPU input queues */
	struct ifv_rcvq	*ifv_rcvq;		/* if_input.c's, one a CPU */
	struct ifv_link	*ifv_link;		/* if_link.c's */
	struct lltable	*ifv_lltable;		/* neighbours; set at start by
						 * their protocol */
	struct khash	 ifv_groups;		/* l: if_group.c's, by name */
	/* if_compat.c's, set at start: sees each request first; ENOTTY: it is
	 * none in an older layout */
	int		(*ifv_compat)(struct vnet *, const struct kauth_cred *,
			    unsigned long cmd, void *data, size_t datalen);
	struct ifv_history *ifv_history;	/* if_history.c's */
	int64_t		 ifv_history_len;	/* events kept of each */
	struct if_cursor {
		char	 ic_name[IFNAMSIZ];
		unsigned ic_index;
	}		 ifv_cursor[IF_NCURSORS]; /* l: of sysctl walks */
	unsigned	 ifv_cursor_last;	/* l: */
	bool		 ifv_preferred;		/* a: SIOCSIFADDRPREF came */
	int64_t		 ifv_rcvq_maxlen;	/* default of new queues */

#ifdef IFNET_DEBUG
#define IFA_NOTE_BUCKETS 256
	struct kspin	 ifv_note_lock;
	LIST_HEAD(, ifa_note) ifv_notes[IFA_NOTE_BUCKETS]; /* ifv_note_lock */
#endif

	/* Counters of interfaces that are gone, so that totals stay true. */
	struct if_counters ifv_gone;		/* l: */
};

static inline struct kern *
if_kern(const struct ifnet *ifp)
{

	return ifp->if_vnet->vn_kern;
}

static inline struct host *
if_host(const struct ifnet *ifp)
{

	return ifp->if_vnet->vn_kern->k_host;
}

/* One CPU's counters. */
static inline struct if_counters *
if_ctr(const struct ifnet *ifp, unsigned cpu)
{

	return (struct if_counters *)((char *)ifp->if_counters +
	    cpu * ifp->if_vnet->vn_if->ifv_ctr_stride);
}

/* Count: this CPU alone writes it, but others must not see half a store. */
static inline void
if_ctr_add(uint64_t *c, uint64_t n)
{

	__atomic_store_n(c, *c + n, __ATOMIC_RELAXED);
}

/* The calling CPU, known to be one. */
static inline struct cpu *
net_curcpu(void)
{

	return host_curthread->ht_cpu;
}

/* if_bitmap.c: serialised by the caller.  Control.  set: ENOMEM. */
void	if_bitmap_init(struct host *, struct if_bitmap *);
void	if_bitmap_fini(struct if_bitmap *);
int	if_bitmap_set(struct if_bitmap *, unsigned);
void	if_bitmap_clear(struct if_bitmap *, unsigned);
bool	if_bitmap_isset(const struct if_bitmap *, unsigned);
/* The first number not in it from `from' on. */
unsigned if_bitmap_next(const struct if_bitmap *, unsigned from);

/* if_index.c: l: held. */
int	if_index_alloc(struct if_vnet *, struct vnet *, struct ifnet *);
void	if_index_publish(struct if_vnet *, struct ifnet *);
void	if_index_remove(struct if_vnet *, struct ifnet *);
void	if_index_free(struct if_vnet *, struct ifnet *);
void	if_index_init(struct vnet *);
void	if_index_fini(struct vnet *);

/* if_name.c: l: held. */
void	if_name_init(struct vnet *);
int	if_name_insert(struct if_vnet *, struct ifnet *);
void	if_name_remove(struct if_vnet *, struct ifnet *);
/* "tap3" -> 3 and the length of "tap"; EINVAL. */
int	if_name_split(const char *name, unsigned *unit, size_t *baselen);
/* 1 to 15 letters, digits, - _ . and not digits alone. */
bool	if_name_valid(const char *name);
/* Any: the number that all of the text is; false: it is none, or too big. */
bool	if_name_number(const char *text, unsigned *n);
/* Any: its name, whole whatever happens to it. */
void	if_name_copy(const struct ifnet *, char name[IFNAMSIZ]);
/* l: give it another valid name: a lookup finds it by one of the two at every
 * moment, and by one alone.  EEXIST, EINVAL, ENOMEM. */
int	if_name_change(struct if_vnet *, struct ifnet *, const char *);
/* if_rename.c: i: SIOCSIFNAME; announced when it can be found so. */
int	if_rename(struct ifnet *, const char *);
/* Like ifunit(), for a name not digits, and finding deactivated ones too. */
struct ifnet *if_name_lookup(struct if_vnet *, const char *name);

/* if_input.c, if_output.c */
int	if_input_init(struct vnet *);
void	if_input_fini(struct vnet *);
void	if_percpuq_destroy(struct ifnet *);	/* after the cross-call */
void	if_percpuq_sweep(struct ifnet *);	/* xcall: drop what is queued */
uint64_t if_percpuq_len(struct ifnet *);
uint64_t if_percpuq_drops(struct ifnet *);
/* Packets each CPU's queue takes; 0 without queues.  Any. */
uint32_t if_percpuq_maxlen(struct ifnet *);
void	if_percpuq_set_maxlen(struct ifnet *, uint32_t);
/* if_input_vec(), without the counting when that was done at a queue. */
void	if_input_counted(struct ifnet *, struct mvec *);
/* CPU: drop a list chained by m_nextpkt. */
void	ifq_drop_list(struct ifnet *, struct mbuf *, enum drop_reason);
/* ifq_discipline.c: with the lock of if_snd, which is managed.  put: what did
 * not fit, purge: all, chained by m_nextpkt. */
struct mbuf *ifq_discipline_put(struct ifnet *, struct mbuf *);
struct mbuf *ifq_discipline_get(struct ifnet *);
struct mbuf *ifq_discipline_purge(struct ifnet *);
void	ifq_discipline_ifdetach(struct ifnet *);	/* control */
/* if_carp.c: IFF_UP or the link state changed; any.  The end; control. */
void	if_carp_state(struct ifnet *);
void	if_carp_ifdetach(struct ifnet *);
/* ifq.c: packets in both send queues, and those they had no room for; any. */
uint64_t ifq_total(const struct ifnet *);
uint64_t ifq_drops_total(struct ifnet *);
extern const struct if_ops if_null_ops;
/* if_is_deactivated(), where it counts. */
static inline bool
if_dead(const struct ifnet *ifp)
{

	return __atomic_load_n(&ifp->if_ops, __ATOMIC_RELAXED) == &if_null_ops;
}

extern const struct iftype_ops if_null_typeops;

/*
 * if_clone.c: an interface of a cloner comes, goes; l: held.  A unit is taken
 * until its interface goes, whatever that is called by then: EEXIST.  ENOMEM.
 */
int	if_clone_attached(struct ifnet *);
void	if_clone_detached(struct ifnet *);
/* Control: the clone lock of a vnet. */
void	if_clone_lock(struct vnet *);
void	if_clone_unlock(struct vnet *);
/* With the clone lock: the interface of that name or number, deactivated or
 * not; it stays until the lock is released. */
struct ifnet *if_clone_find(struct vnet *, const char *name);

/* Control, at the vnet's end, when nobody else can create or destroy: have its
 * driver destroy it.  EOPNOTSUPP, or the driver's. */
int	if_clone_end(struct ifnet *);

/* Control: is there a cloner of this name? */
bool	if_clone_serves(struct vnet *, const char *name);

/* With the clone lock. */
int	if_clone_attach_locked(struct vnet *, const struct if_clone *);

/*
 * if_module.c: control, clone lock: have a module serve the vnet under the
 * name of `len' bytes.  EINVAL (no such module, or one that does not fit),
 * ENOMEM, or what its start said.
 */
int	if_module_load(struct vnet *, const char *base, size_t len);

/* if_link.c */
/* if_linkq_flags */
#define IFLQ_PENDING	0x1	/* on the list */
#define IFLQ_DEAD	0x2	/* detached: takes no more */
#define IFLQ_LAST	0x4	/* dead, and item 0 is the last there was */
#define IFLQ_REPORTED	0x8	/* the state above IFLQ_SHIFT is valid */
#define IFLQ_SHIFT	6	/* as last reported, told or not */
#define IFLQ_MAX	8
int	if_link_init(struct vnet *);
void	if_link_fini(struct vnet *);
void	if_link_detach(struct ifnet *);
/* Of a detached one: its link's state with all changes that were reported. */
int	if_link_last(const struct ifnet *);
uint64_t if_link_lost(struct vnet *);	/* changes lost so far */
uint8_t	if_operstate(const struct ifnet *);	/* IF_OPER_*; any */
#define IF_HOLDDOWN_MAX	60000	/* ms */
/* i: a link that went down is up again only after so long in one piece; 0:
 * at once.  ENOMEM. */
int	if_link_set_holddown(struct ifnet *, uint32_t ms);
uint32_t if_link_holddown(const struct ifnet *);	/* any */
void	if_link_counts(struct ifnet *, uint64_t *coalesced, uint64_t *lost);
/* When nobody is left who could hold it down: waits. */
void	if_link_hold_detach(struct ifnet *);

/*
 * if_history.c.  Any context, of an attached interface; what it was asked for
 * by is who the thread works for (kern/reqctx.h).
 */
void	if_history_event(struct ifnet *, enum if_history_event, uint32_t old,
	    uint32_t new_);
void	if_history_text(struct ifnet *, enum if_history_event,
	    const char *text);
void	if_history_addr(struct ifnet *, enum if_history_event,
	    const struct ifaddr *);
/* The event is filled in, the rest will be. */
void	if_history_put(struct ifnet *, struct if_history *);
/*
 * Control: call fn with what is known of the interfaces that have the name or
 * had it once ("": of all), the oldest event first.  ESRCH: of none.
 * ENOMEM, or fn's first nonzero value.
 */
int	if_history_get(struct vnet *, const char *name,
	    int (*fn)(const struct if_history *, void *), void *);
int	if_history_init(struct vnet *);
void	if_history_fini(struct vnet *);

/* if_group.c */
void	if_group_init(struct vnet *);
bool	if_group_valid(const char *);
/* i: SIOCAIFGROUP, SIOCDIFGROUP. */
int	if_group_ioctl(struct ifnet *, unsigned long, struct if_groupreq *);
/* Control: SIOCGIFGROUP, SIOCGIFGMEMB; datalen with the room. */
int	if_group_list(struct vnet *, unsigned long, struct if_groupreq *,
	    size_t datalen);
void	if_group_detach(struct ifnet *);	/* l: out of all of them */
/*
 * i: names of the groups it is in, at most room of them, without the first
 * `from'; how many.  The first *ndefault are those nobody put it into.
 */
unsigned if_group_names(struct ifnet *, unsigned from,
	    char (*names)[IFNAMSIZ], unsigned room, unsigned *ndefault);

/*
 * if_vmove.c.  Control, the clone locks of both vnets: to another vnet, with
 * a new index and handle; down and up again if it was up.  Undone on failure:
 * ENXIO, EOPNOTSUPP, EEXIST, ENOSPC, ENOMEM.
 */
int	if_vmove(struct ifnet *, struct vnet *);
/* Control: SIOCSIFVNET.  The same, and ENOENT (no such vnet), EINVAL. */
int	if_vmove_named(struct vnet *, const char *name, const char *vnet);
/* if_attach.c: if_register(), i: held. */
int	if_register_locked(struct ifnet *);

/* if_timer.c */
int	if_timer_attach(struct ifnet *);	/* ENOMEM */
void	if_timer_detach(struct ifnet *);

/* if_text.c: i: SIOC[GS]IFDESCR, SIOC[GS]LINKSTR. */
int	if_text_ioctl(struct ifnet *, unsigned long, struct ifreq *);

/* if_flags.c: with the ioctl lock.  Idempotent: an interface that was
 * announced up already is not announced again. */
void	if_up_locked(struct ifnet *);
void	if_down_locked(struct ifnet *);
/* Bring what was announced in line with IFF_UP. */
void	if_updown_sync(struct ifnet *);
/* if_flags |= set, &= ~clear, in one atomic step. */
void	if_flags_modify(struct ifnet *, uint32_t set, uint32_t clear);
int	if_flags_ioctl(struct ifnet *, int flags);	/* SIOCSIFFLAGS */

/* if_stats.c */
void	if_stats_get(struct ifnet *, struct if_data *);	/* less the base */
/* i: and start from zero; ENOMEM. */
int	if_stats_read_reset(struct ifnet *, struct if_data *);
void	if_stats_drops(struct ifnet *, uint64_t drop[DROP_NREASONS]);
/* Add to ifv_gone and leave zeroes for the next of that index; l:. */
void	if_stats_retire(struct ifnet *);
uint64_t if_stats_sum(const struct ifnet *, enum if_stat);	/* raw */

/* if_sadl.c */
void	if_sadl_attach(struct ifnet *);	/* l:, before it is visible */
/* The same ones as another's, before attach; ENOMEM. */
int	if_sadl_copy(struct ifnet *, const struct ifnet *);
void	if_free_sadl(struct ifnet *);	/* never attached, or detached */
void	if_sadl_announce(struct ifnet *);	/* i: those not active */
void	if_sadl_detach(struct ifnet *);
/* The interface's link-level address of those bytes; i: */
struct ifaddr *if_sadl_find(struct ifnet *, const void *, unsigned len);
int	if_laddr_ioctl(struct ifnet *, unsigned long, void *);

/*
 * if_addr.c: i: held; the address is built, its family's fields set.  Takes
 * the list's reference and enters the address in every table (exact, far end
 * or broadcast, prefix of an AF_INET one with a netmask).  ENOMEM, EINVAL (a
 * netmask with holes), EAFNOSUPPORT: nothing has happened and the address is
 * still the caller's.
 */
int	ifa_insert(struct ifnet *, struct ifaddr *);
/* Unfindable, then waits for readers and references, drops the list's
 * reference. */
void	ifa_remove(struct ifnet *, struct ifaddr *);
/* i: one that its protocol left, with its routes, and tell that it is gone. */
void	ifa_remove_left(struct ifnet *, struct ifaddr *);
void	ifa_ref_at(struct ifaddr *, const char *file, int line);
#define ifa_ref(ifa)	ifa_ref_at(ifa, __FILE__, __LINE__)
void	ifa_unref(struct ifaddr *);

/*
 * if_addr_debug.c, in debug builds: where references on addresses were taken,
 * so that a detach can prove that none is left, or name who holds one.
 */
#ifdef IFNET_DEBUG
void	ifa_debug_ref(struct ifaddr *, const char *file, int line);
void	ifa_debug_free(struct ifaddr *);
/* Control: how many addresses of the interface are referenced still; each
 * was logged. */
unsigned ifa_debug_check(struct ifnet *);
#endif

/* At the vnet's start. */
void	ifa_tables_init(struct vnet *);
/* Lookups, within a read section; the _psref forms take a reference.  Of
 * addresses that are equal, the first given. */
struct ifaddr *ifa_ifwithaddr(struct vnet *, const struct sockaddr *);
struct ifaddr *ifa_ifwithdstaddr(struct vnet *, const struct sockaddr *);
struct ifaddr *ifa_ifwithnet(struct vnet *, const struct sockaddr *);
/* An AF_INET one of that very prefix (network order). */
struct ifaddr *ifa_ifwithprefix(struct vnet *, uint32_t dst, unsigned len);
struct ifaddr *ifa_ifwithladdr(struct vnet *, const struct sockaddr *);
struct ifaddr *ifa_ifwithaf(struct vnet *, int af);
/*
 * Of the addresses that are sin, have it as far end or broadcast address
 * (len 32), or are on that prefix, the one that ranks highest, and of equals
 * the one on the interface with the lowest index, and of these the lowest
 * address; rank says 0 of those that do
 * not count.  NULL: none.  Compares 64 of each at most.  Read section.
 */
struct ifaddr *ifa_best(struct vnet *, const struct sockaddr_in *, unsigned len,
	    int (*rank)(const struct ifaddr *, void *), void *arg);
/* Does any of the addresses that are sa fit?  Looks at all of them.  Read
 * section. */
bool	ifa_any_equal(struct vnet *, const struct sockaddr *,
	    bool (*fits)(const struct ifaddr *, void *), void *arg);
/* One that fits, the latest given first; looks at a thousand of them. */
struct ifaddr *ifa_find_af(struct vnet *, int af,
	    bool (*fits)(const struct ifaddr *));
/*
 * The address of an interface that leads to sa: it is sa, or has it as far end
 * or broadcast address, or is on the longest prefix with it; else the last one
 * of the family.  Of addresses that fit alone (NULL: all do).  By lookup: an
 * interface with many addresses costs no more, unless more than 64 addresses
 * of the vnet share the prefix.  Read section.
 */
struct ifaddr *ifa_ifp_leading(struct ifnet *, const struct sockaddr *,
	    bool (*fits)(const struct ifaddr *));
/* The same of an interface that is not on its way out; of AF_LINK too. */
struct ifaddr *ifaof_ifpforaddr(const struct sockaddr *, struct ifnet *);
typedef struct ifaddr *ifa_lookup_fn(struct vnet *, const struct sockaddr *);
struct ifaddr *ifa_lookup_psref_at(struct vnet *, ifa_lookup_fn *,
	    const struct sockaddr *, struct psref *, const char *file,
	    int line);
struct ifaddr *ifa_ifwithaf_psref_at(struct vnet *, int, struct psref *,
	    const char *file, int line);
struct ifaddr *ifaof_ifpforaddr_psref_at(const struct sockaddr *,
	    struct ifnet *, struct psref *, const char *file, int line);
void	ifa_acquire_at(struct ifaddr *, struct psref *, const char *file,
	    int line);
/* The caller's place is what a removal that waits too long reports. */
#define ifa_ifwithaddr_psref(vn, sa, pr)				\
	ifa_lookup_psref_at(vn, ifa_ifwithaddr, sa, pr, __FILE__, __LINE__)
#define ifa_ifwithdstaddr_psref(vn, sa, pr)				\
	ifa_lookup_psref_at(vn, ifa_ifwithdstaddr, sa, pr, __FILE__, __LINE__)
#define ifa_ifwithnet_psref(vn, sa, pr)					\
	ifa_lookup_psref_at(vn, ifa_ifwithnet, sa, pr, __FILE__, __LINE__)
#define ifa_ifwithladdr_psref(vn, sa, pr)				\
	ifa_lookup_psref_at(vn, ifa_ifwithladdr, sa, pr, __FILE__, __LINE__)
#define ifa_ifwithaf_psref(vn, af, pr)					\
	ifa_ifwithaf_psref_at(vn, af, pr, __FILE__, __LINE__)
#define ifaof_ifpforaddr_psref(sa, ifp, pr)				\
	ifaof_ifpforaddr_psref_at(sa, ifp, pr, __FILE__, __LINE__)
#define ifa_acquire(ifa, pr)						\
	ifa_acquire_at(ifa, pr, __FILE__, __LINE__)
void	ifa_release(struct ifaddr *, struct psref *);
bool	ifa_held(struct ifaddr *);
bool	ifa_is_destroying(const struct ifaddr *);
void	if_purgeaddrs(struct ifnet *, int family, void (*fn)(struct ifaddr *));
int	if_addr_init(struct ifnet *, struct ifaddr *, bool src);
/* Any: can duplicates of its addresses be looked for (1) just now? */
int	if_do_dad(const struct ifnet *);
/* Is it an address of this interface?  Read section or i:. */
struct ifaddr *ifa_ifp_find(struct ifnet *, const struct sockaddr *);
int	ifaddrpref_ioctl(struct vnet *, unsigned long, void *, struct ifnet *);

/* if_conf.c: SIOCGIFCONF, with records of a name and addrlen bytes.  EINVAL. */
int	if_conf(struct vnet *, void *data, size_t datalen, size_t addrlen);

/* Walk all interfaces with l: taken and dropped around batches; each is
 * held while fn runs.  Control.  Returns fn's first nonzero value. */
/* The first from *index on, held; *index becomes the one after it. */
struct ifnet *if_get_from(struct vnet *, unsigned *index, struct psref *);
int	if_foreach(struct vnet *, int (*fn)(struct ifnet *, void *), void *);

/* if_ioctl_common.c: i: SIOCSIFMTU.  EINVAL; ENETRESET: it is another one. */
int	if_mtu_set(struct ifnet *, int32_t);

/* if_sa.c: EFBIG, EAFNOSUPPORT. */
int	ifreq_setaddr(struct vnet *, struct ifreq *, const struct sockaddr *);
/* Bytes of an address of its family.  EAFNOSUPPORT. */
int	if_sa_size(struct vnet *, const struct sockaddr *, size_t *len);
/* The same into `room' bytes, zeroes behind.  EAFNOSUPPORT, EFBIG. */
int	if_sa_put(struct vnet *, void *to, size_t room,
	    const struct sockaddr *);
/* if_cap.c: i: SIOCSIFCAP.  EINVAL; ENETRESET: others are enabled, and the
 * interface is up. */
int	if_cap_set(struct ifnet *, const struct ifcapreq *);
/* if_csum_tx as these IFCAP_* make it: what the packet path asks.  The driver's
 * own bits are kept. */
uint32_t if_csum_tx(const struct ifnet *, uint64_t capenable);
/* if_sysctl.c */
int	if_sysctl_init(struct vnet *);

/*
 * if_subsys comes after sysctl, rtsock and pfil, and before the domains, the
 * cloners and the drivers.  Its purge ends every interface.
 */
extern const struct vnet_subsys if_subsys;
extern const struct vnet_subsys if_compat_subsys;	/* after if_subsys */
extern const struct vnet_subsys if_clone_subsys;

#endif /* !NET_IF_IMPL_H */
