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

/*
 * The interface layer's part of a vnet.
 *	l: ifv_lock.  Lock order: clone lock, ioctl lock, ifv_lock.
 */
struct if_vnet {
	struct host_mutex ifv_lock;
	struct if_table	*ifv_table;		/* rcu; written with l: */
	struct khash	 ifv_names;		/* rcu; l: */
	TAILQ_HEAD(, ifnet) ifv_list;		/* l:, in index order of attach */
	unsigned	 ifv_count;		/* l: */
	int64_t		 ifv_limit;		/* highest index; sysctl */
	unsigned	 ifv_last_index;	/* l: last one given */
	uint64_t	 ifv_gen;		/* l: last generation given */
	uint64_t	*ifv_free[4];		/* l: bitmap levels of free indices */
	struct if_counters **ifv_chunk;		/* l: counter chunks */
	unsigned	 ifv_nchunks;		/* l: */
	size_t		 ifv_ctr_stride;	/* constant: bytes from one
						 * CPU's block to the next's */

	struct domain const *ifv_domain[4];	/* set at start; by dom_slot */
	struct if_ethertype ifv_ethertype[IF_NETHERTYPES]; /* set at start */
	unsigned	 ifv_nethertypes;

	struct khash	 ifv_addrs;		/* rcu; l: exact addresses */
	struct khash	 ifv_dsts;		/* rcu; l: far ends, broadcast */
	struct lpm	 ifv_nets;		/* rcu; l: IPv4 prefixes of
						 * addresses */
	struct softint	*ifv_link_si;		/* link-state changes */
	struct softint	*ifv_rcvq_si;		/* per-CPU input queues */
	struct ifv_rcvq	*ifv_rcvq;		/* if_input.c's, one a CPU */
	struct ifv_link	*ifv_link;		/* if_link.c's */
	int64_t		 ifv_rcvq_maxlen;	/* default of new queues */

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

/* The calling CPU, known to be one. */
static inline struct cpu *
net_curcpu(void)
{

	return host_curthread->ht_cpu;
}

/* if_index.c: l: held. */
int	if_index_alloc(struct if_vnet *, struct vnet *, struct ifnet *);
void	if_index_publish(struct if_vnet *, struct ifnet *);
void	if_index_remove(struct if_vnet *, struct ifnet *);
void	if_index_free(struct if_vnet *, struct ifnet *);
int	if_index_init(struct vnet *);
void	if_index_fini(struct vnet *);

/* if_name.c: l: held. */
int	if_name_insert(struct if_vnet *, struct ifnet *);
void	if_name_remove(struct if_vnet *, struct ifnet *);
/* "tap3" -> 3 and the length of "tap"; EINVAL. */
int	if_name_split(const char *name, unsigned *unit, size_t *baselen);

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
extern const struct if_ops if_null_ops;
extern const struct iftype_ops if_null_typeops;

/* if_link.c */
int	if_link_init(struct vnet *);
void	if_link_fini(struct vnet *);
void	if_link_detach(struct ifnet *);

/* if_timer.c */
void	if_timer_detach(struct ifnet *);

/* if_flags.c: with the ioctl lock. */
void	if_up_locked(struct ifnet *);
void	if_down_locked(struct ifnet *);

/* if_stats.c */
void	if_stats_get(struct ifnet *, struct if_data *);	/* less the base */
void	if_stats_reset(struct ifnet *);			/* i: */
void	if_stats_drops(struct ifnet *, uint64_t drop[DROP_NREASONS]);
void	if_stats_retire(struct ifnet *);	/* add to ifv_gone; l: */
uint64_t if_stats_sum(const struct ifnet *, enum if_stat);	/* raw */

/* if_sadl.c */
void	if_sadl_detach(struct ifnet *);
int	if_laddr_ioctl(struct ifnet *, unsigned long, void *);

/*
 * if_addr.c: i: held; the address is built, its family's fields set.  Takes
 * the list's reference and enters the address in every table (exact, far end
 * or broadcast, prefix of an AF_INET one with a netmask).  ENOMEM, EAFNOSUPPORT: nothing
 * has happened and the address is still the caller's.
 */
int	ifa_insert(struct ifnet *, struct ifaddr *);
/* Unfindable, then waits for readers and references, drops the list's
 * reference. */
void	ifa_remove(struct ifnet *, struct ifaddr *);
void	ifa_ref(struct ifaddr *);
void	ifa_unref(struct ifaddr *);

/* Lookups, within a read section; the _psref forms take a reference. */
struct ifaddr *ifa_ifwithaddr(struct vnet *, const struct sockaddr *);
struct ifaddr *ifa_ifwithdstaddr(struct vnet *, const struct sockaddr *);
struct ifaddr *ifa_ifwithnet(struct vnet *, const struct sockaddr *);
struct ifaddr *ifa_ifwithladdr(struct vnet *, const struct sockaddr *);
struct ifaddr *ifa_ifwithaf(struct vnet *, int af);
struct ifaddr *ifaof_ifpforaddr(const struct sockaddr *, struct ifnet *);
struct ifaddr *ifa_ifwithaddr_psref(struct vnet *, const struct sockaddr *,
	    struct psref *);
struct ifaddr *ifa_ifwithdstaddr_psref(struct vnet *, const struct sockaddr *,
	    struct psref *);
struct ifaddr *ifa_ifwithnet_psref(struct vnet *, const struct sockaddr *,
	    struct psref *);
struct ifaddr *ifa_ifwithladdr_psref(struct vnet *, const struct sockaddr *,
	    struct psref *);
struct ifaddr *ifa_ifwithaf_psref(struct vnet *, int, struct psref *);
void	ifa_acquire(struct ifaddr *, struct psref *);
void	ifa_release(struct ifaddr *, struct psref *);
bool	ifa_held(struct ifaddr *);
bool	ifa_is_destroying(const struct ifaddr *);
void	if_purgeaddrs(struct ifnet *, int family, void (*fn)(struct ifaddr *));
int	if_addr_init(struct ifnet *, struct ifaddr *, bool src);
int	ifaddrpref_ioctl(struct vnet *, unsigned long, void *, struct ifnet *);

/* if_conf.c */
int	if_conf(struct vnet *, void *data, size_t datalen);

/* Walk all interfaces with l: taken and dropped around batches; each is
 * held while fn runs.  Control.  Returns fn's first nonzero value. */
int	if_foreach(struct vnet *, int (*fn)(struct ifnet *, void *), void *);

extern const struct vnet_subsys if_subsys;
extern const struct vnet_subsys if_clone_subsys;

#endif /* !NET_IF_IMPL_H */
