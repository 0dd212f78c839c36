/*
 * pmtu: path MTU discovery of both families (RFC 8201, RFC 1191): routers tell
 * that a packet from here was too big for a link of its path, and smaller ones
 * are sent there for a while.
 *
 * Such messages are kept in a cache of the vnet, by table and destination, and
 * used for packets made here alone: what is forwarded goes by the MTU of links
 * and routes.  The cache is there from the first message on, has a fixed size
 * and needs no timer: an entry that is too old is as none.
 *
 * Anybody can send such messages.  One is believed when what it quotes may have
 * been sent from here (the family checks), only to lower an MTU, and not below
 * the least of the family.  Those about a packet that is known to have been
 * sent have room of their own, and there may be PMTU_RATE a second.
 */

#ifndef NETINET_PMTU_H
#define NETINET_PMTU_H

#include <ifnet/if.h>

#include "kern/ktask.h"
#include "net/neigh.h"
#include "net/nexthop.h"

struct pmtu_cache;
struct sysctl_virtual;

#define PMTU_SETS	512u
#define PMTU_WAYS	4u	/* places for those of one hash */
#define PMTU_ENTRIES	(PMTU_SETS * PMTU_WAYS)
#define PMTU_HIWAT	1280	/* entries, at most */
#define PMTU_LOWAT	256	/* before messages about packets that nobody
				 * remembers are not believed */
#define PMTU_TIMEOUT_S	600	/* RFC 8201 4, RFC 1191 6.3 */
#define PMTU_RATE	64	/* messages believed a second */

/* A path, and what was heard of it. */
struct pmtu_note {
	union neigh_addr pn_dst;	/* inner */
	uint32_t	 pn_table;
	uint16_t	 pn_mtu;
	bool		 pn_known;	/* the packet was sent from here */
	uint64_t	 pn_expire_ns;
};

/* A family's part in a vnet. */
struct pmtu {
	struct vnet	*pm_vnet;	/* constant */
	int		 pm_family;	/* constant */
	struct pmtu_cache *pm_cache;	/* a: NULL: nothing was heard */
	int64_t		 pm_hiwat, pm_lowat, pm_timeout;	/* sysctl */
	struct kspin	 pm_lock;
	struct pmtu_note pm_first;	/* pm_lock: what the cache is made
					 * for */
	struct ktask	 pm_task;	/* makes it */
};

/* Control.  pmtu_fini() may follow without pmtu_init(), on zeroes. */
void	pmtu_init(struct vnet *, struct pmtu *, int family);
void	pmtu_fini(struct pmtu *);
/* CPU: a message says that packets to a destination may have mtu bytes, which
 * is no less than the family's least.  pn_expire_ns is not looked at.  false:
 * it is not believed, or says nothing new. */
bool	pmtu_heard(struct pmtu *, const struct pmtu_note *);
/* CPU: what was heard of a destination; UINT_MAX: nothing. */
unsigned pmtu_find_slow(const struct pmtu *, uint32_t table,
	    const union neigh_addr *dst);
/* Any: everything that was heard is forgotten. */
void	pmtu_flush(struct pmtu *);
/* The subtree of settings that shows what was heard, "net.inet6.pmtu.ADDR", a
 * number each, 0 of which is forgotten; ADDR@N in table N. */
struct sysctl_virtual pmtu_tree(struct pmtu *);

static inline unsigned
pmtu_find(const struct pmtu *pm, uint32_t table, const union neigh_addr *dst)
{

	return __builtin_expect(__atomic_load_n(&pm->pm_cache,
	    __ATOMIC_RELAXED) == NULL, 1) ? UINT32_MAX :
	    pmtu_find_slow(pm, table, dst);
}

/* Any, read section: the MTU of the link of a next hop, or of its routes. */
static inline unsigned
pmtu_of_link(const struct nexthop *nh)
{

	return nh->nh_mtu != 0 ? nh->nh_mtu : nh->nh_ifp->if_mtu;
}

#endif /* !NETINET_PMTU_H */
