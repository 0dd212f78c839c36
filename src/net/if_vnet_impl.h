/*
 * if_vnet: the interface layer's part of a vnet, which every file of the layer
 * looks things up in, and the subsystems that a stack is composed of.
 */

#ifndef NET_IF_VNET_IMPL_H
#define NET_IF_VNET_IMPL_H

#include <ifnet/if.h>
#include <ifnet/if_ether.h>

#include "host/host.h"
#include "kern/khash.h"
#include "kern/kern_impl.h"
#include "kern/vnet.h"
#include "net/domain.h"
#include "net/if_addr_net.h"
#include "net/if_bitmap.h"

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
	struct if_nets	 ifv_nets;	/* rcu; l: prefixes of addresses, of
					 * interfaces in the main table of
					 * routes */
	LIST_HEAD(, protoaddr) ifv_af[DOM_SLOT_MAX]; /* rcu; l: by slot */
	struct softint	*ifv_rcvq_si;		/* per-CPU input queues */
	struct ifv_rcvq	*ifv_rcvq;		/* if_input.c's, one a CPU */
	struct ifv_link	*ifv_link;		/* if_link.c's */
	struct neigh_table *ifv_neigh;		/* set at start by ARP */
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
	int64_t		 ifv_maxgroups, ifv_maxtotal, ifv_maxqueries;
						/* mcast.c's settings */

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

/* if_klog.c.  Any: a line of the log that begins with the interface's name, and
 * before that with its vnet's, unless that was the first one. */
void	if_klog(const struct ifnet *, int level, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 3, 4)));

/* if_sysctl.c */
int	if_sysctl_init(struct vnet *);

/*
 * if_subsys comes after sysctl, rtsock and pfil, and before the domains, the
 * cloners and the drivers.  Its purge ends every interface.
 */
extern const struct vnet_subsys if_subsys;
extern const struct vnet_subsys if_compat_subsys;	/* after if_subsys */
extern const struct vnet_subsys if_clone_subsys;

#endif /* !NET_IF_VNET_IMPL_H */
