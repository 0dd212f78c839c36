/*
 * mcast: the multicast groups that interfaces have joined, of every family, and
 * the reports by which the routers of a link hear of them: what MLD (RFC 3810,
 * RFC 2710) and IGMP (RFC 3376, RFC 2236, RFC 1112) have in common, which is
 * all but the layout of messages (dom_mcast_report).
 *
 * A group is an object in one table of the vnet, found by interface and
 * address, so a received packet's group is looked up in constant time.  An
 * interface has its part of this from its first group on.  What every interface
 * is a member of, 224.0.0.1 and ff02::1, has no object: no report is made of
 * it.
 *
 * Reports are made by a wheel of the vnet.  A change is told at once, and
 * again, robustness times in all, at random times within a second; a query is
 * answered after a random time.  Who is up after having been down tells all its
 * groups.  Membership here is without source lists: the "exclude nothing" of
 * the RFCs.
 *
 *	m:	mv_lock, a mutex; control
 *	s:	mv_spin; inside m:
 *	rcu:	written with m:, read in read sections
 */

#ifndef NET_MCAST_H
#define NET_MCAST_H

#include <ifnet/mcast.h>

#include "kern/ktask.h"
#include "kern/wheel.h"
#include "net/domain.h"
#include "net/ip_token.h"
#include "net/neigh.h"

/* The slot of if_afdata for an interface's groups; domains use lower ones. */
#define AFDATA_MCAST	2
_Static_assert(AFDATA_MCAST >= DOM_SLOT_MAX, "slots of the domains");

/* Of messages: the newest version (MLDv2, IGMPv3), the one before (MLDv1,
 * IGMPv2), and IGMPv1, as the oldest querier heard of late needs it. */
enum mcast_version { MCAST_NEW, MCAST_OLD, MCAST_OLDEST, MCAST_NVERSIONS };

/* A report says: a member (an answer), one from now on, none any more. */
enum mcast_what { MCAST_IS, MCAST_JOINED, MCAST_LEFT };

#define MCAST_ROBUST	2		/* RFC 3810 9.1, RFC 3376 8.1 */
#define MCAST_ROBUST_MAX 7
#define MCAST_NS	1000000000ull
#define MCAST_URI_NS	MCAST_NS	/* unsolicited report interval */
#define MCAST_OLDURI_NS	(10 * MCAST_NS)	/* of older versions */
#define MCAST_QI_NS	(125 * MCAST_NS) /* query interval, by default */
/* Groups that are handed to dom_mcast_report at a time. */
#define MCAST_BATCH	56

#define MCAST_MAXGROUPS	1024		/* defaults of settings */
#define MCAST_MAXTOTAL	65536
#define MCAST_MAXQUERIES 20

struct mcast_timer {
	struct wheel_link mt_link;	/* s: */
	uint8_t		 mt_kind;	/* constant; MCAST_T_* */
	uint8_t		 mt_slot;	/* constant; the family's */
#define MCAST_T_GROUP	1		/* a group's */
#define MCAST_T_ANSWER	2		/* of all groups: a query's answer */
#define MCAST_T_CHANGE	3		/* of all groups: they are joined */
};

/* A group of an interface. */
struct mcast_group {
	LIST_ENTRY(mcast_group) mg_link; /* rcu: of the interface and family */
	struct mcast_if	*mg_if;		/* constant */
	union {
		struct mcast_timer mg_timer;
		struct kern_defer mg_defer;	/* while it is freed */
	};
	struct kern	*mg_kern;	/* constant; to free it */
	union neigh_addr mg_addr;	/* constant; inner */
	struct mcast_group *mg_ended;	/* s: next that may be freed */
	uint64_t	 mg_due_ns;	/* s: of an answer */
	uint32_t	 mg_refs;	/* a:, written with m: joins; 0: left,
					 * and not all reports are sent */
	uint32_t	 mg_own;	/* m: of them, for addresses of ours */
	uint8_t		 mg_slot;	/* constant */
	uint8_t		 mg_left;	/* s: reports of a change to send */
	uint8_t		 mg_flags;	/* s: MG_* */
#define MG_ANSWER	0x1		/* a query is to be answered */
#define MG_UNSENT	0x2		/* no report of the change was sent */
#define MG_LAST		0x4		/* this host was the last to report */
#define MG_ENDED	0x8		/* it is among mv_ended */
	bool		 mg_driver;	/* m: the driver has it */
	bool		 mg_counted;	/* m: in mi_groups, mv_total */
};

/* The groups of an interface and a family, and what its queriers said. */
struct mcast_fam {
	LIST_HEAD(, mcast_group) mf_groups;	/* rcu; m: */
	struct mcast_timer mf_answer, mf_change;
	uint64_t	 mf_answer_ns;	/* s: when due; of older versions: until
					 * then all groups have answered */
	uint64_t	 mf_old_ns[MCAST_NVERSIONS]; /* s: a querier of that
					 * version is there until; 0: none */
	struct ip_tokens mf_general, mf_specific; /* s: of queries */
	uint8_t		 mf_robust;	/* s: */
	uint8_t		 mf_left;	/* s: reports of the change to send */
	bool		 mf_unsent;	/* s: none of them was sent */
};

/* An interface's part, in if_afdata. */
struct mcast_if {
	struct ifnet	*mi_ifp;	/* constant */
	struct kern	*mi_kern;	/* constant */
	struct mcast_fam mi_fam[DOM_SLOT_MAX];
	uint32_t	 mi_groups;	/* m: that were asked for, and those
					 * being left */
	uint32_t	 mi_overflow;	/* m: that the driver had no room
					 * for */
	bool		 mi_gone;	/* s: the interface is detached */
	struct kern_defer mi_defer;
};

/* A vnet's part, from the first group on. */
#define MCAST_LEVELS	4		/* of the wheel: a minute */
#define MCAST_TICK_NS	(1ull << 25)	/* 34 ms */
struct mcast_vnet {
	struct vnet	*mv_vnet;	/* constant */
	struct host_mutex mv_lock;
	struct khash	 mv_groups;	/* rcu; m: */
	uint32_t	 mv_total;	/* m: mi_groups of all interfaces */
	struct kspin	 mv_spin;
	struct wheel	 mv_wheel;	/* s: */
	struct wheel_level mv_level[MCAST_LEVELS];
	uint64_t	 mv_seed;	/* s: of random times */
	struct mcast_group *mv_ended;	/* s: reports are sent */
	struct ktask	 mv_task;	/* frees them */
};

/* A query, as a family's input understood and checked it. */
struct mcast_query {
	enum mcast_version mq_version;
	bool		 mq_general;
	union neigh_addr mq_group;	/* inner; not of a general one */
	uint64_t	 mq_delay_ns;	/* answer within */
	uint8_t		 mq_robust;	/* 0: not said */
	uint64_t	 mq_interval_ns; /* 0: not said */
};

/* --- membership: mcast.c -------------------------------------------------- */

/* Control, at the start and the end of a vnet. */
int	mcast_init(struct vnet *);
void	mcast_fini(struct vnet *);
/* Control, at detach: every membership ends. */
void	mcast_ifdetach(struct ifnet *);

/* Read section: has the interface joined an inner address, of the family of
 * that slot? */
bool	mcast_is_member(const struct ifnet *, unsigned slot,
	    const union neigh_addr *);
/*
 * Control, with the ioctl lock: join a group that an address of the interface
 * needs, and leave it.  ENOMEM, or the driver's error.
 */
int	mcast_join_own(struct ifnet *, unsigned slot, const union neigh_addr *);
void	mcast_leave_own(struct ifnet *, unsigned slot,
	    const union neigh_addr *);

/* Control: call fn for the groups of a vnet, or of one interface by its name,
 * until it returns not 0; returns that.  ENXIO: there is no such interface. */
struct mcast_info {
	char		 mn_ifname[IFNAMSIZ];
	int		 mn_family;
	union neigh_addr mn_addr;	/* of the wire */
	uint8_t		 mn_lladdr[6];	/* zeroes: the link has none */
	uint32_t	 mn_refs;	/* 0: it is being left */
	uint32_t	 mn_own;
	bool		 mn_driver, mn_overflow;
	uint32_t	 mn_version;	/* enum mcast_version, of reports */
	uint32_t	 mn_robust;
};
int	mcast_list(struct vnet *, const char *ifname,
	    int (*fn)(const struct mcast_info *, void *), void *arg);

/* --- reports: mcast_report.c ---------------------------------------------- */

/* Any: the interface works, or others may be on its link now: tell all its
 * groups. */
void	mcast_if_up(struct ifnet *, unsigned slot);
/* Any: it does not work: nothing is told. */
void	mcast_if_down(struct ifnet *, unsigned slot);
/* CPU: have the group been told before what comes next is sent. */
void	mcast_tell_now(struct ifnet *, unsigned slot, const union neigh_addr *);
/* CPU: a query; false: too many of them. */
bool	mcast_query(struct ifnet *, unsigned slot, const struct mcast_query *);
/* CPU: another host reported a group, in an older version's message. */
void	mcast_heard(struct ifnet *, unsigned slot, const union neigh_addr *);

/* With m:.  The group was joined, or left: have it told.  false: there is
 * nothing to tell, so one that was left can be removed. */
bool	mcast_changed(struct mcast_vnet *, struct mcast_group *, bool joined);
/* The wheel's function; the vnet's part. */
void	mcast_run(void *);
/* Any: is the family's report of a group never made: all hosts, and what stays
 * on the interface? */
bool	mcast_is_silent(unsigned slot, const union neigh_addr *);
/* s: the version of messages to make. */
enum mcast_version mcast_version(const struct mcast_fam *, uint64_t now);

static inline struct mcast_if *
mcast_if_of(const struct ifnet *ifp)
{

	return __atomic_load_n(&ifp->if_afdata[AFDATA_MCAST],
	    __ATOMIC_ACQUIRE);
}

/* Read section or m:.  The group of an interface, joined or just left; NULL. */
struct mcast_group *mcast_find(const struct mcast_if *, unsigned slot,
	    const union neigh_addr *);

#endif /* !NET_MCAST_H */
