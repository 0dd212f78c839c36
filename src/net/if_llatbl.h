/*
 * if_llatbl: neighbours: which link-level address a protocol address has on
 * an interface.  The table and the packet path's lookup are here; the protocol
 * (ARP) decides what is in it.
 *
 * An entry whose la_hdr is set is usable: la_hdr is the finished Ethernet
 * header, published in one store, so a sender copies 14 bytes and goes.
 */

#ifndef NET_IF_LLATBL_H
#define NET_IF_LLATBL_H

#include <ifnet/if_ether.h>

#include "kern/khash.h"
#include "kern/wheel.h"
#include "net/if_vnet_impl.h"

struct llhdr {
	struct kern_defer lh_defer;
	struct kern	*lh_kern;
	uint8_t		 lh_bytes[16];	/* dst, src, type; 14 used */
};

/*
 *	constant	while in the table
 *	t: the vnet's lltable spin lock
 *	a: atomic
 */
struct llentry {
	struct llhdr	*la_hdr;	/* rcu; written with t: */
	struct ifnet	*la_ifp;	/* constant */
	struct kern	*la_kern;	/* constant; to free it when the
					 * interface has gone */
	uint32_t	 la_addr4;	/* constant; network order */
	uint16_t	 la_used;	/* a: set by senders, cleared by the
					 * protocol */
	uint8_t		 la_state;	/* t: the protocol's */
	uint8_t		 la_tries;	/* t: */
	uint32_t	 la_flags;	/* t: LLE_* */
#define LLE_STATIC	0x1
#define LLE_PUBLISHED	0x2
#define LLE_DEAD	0x4
#define LLE_CLAIMED	0x8		/* the protocol's: la_claim is set */
#define LLE_WANTED	0x10		/* the protocol's: used since it was
					 * last known to be right */
	uint8_t		 la_lladdr[8];	/* t: */
	uint8_t		 la_claim[8];	/* t: another address said to be its */
	uint8_t		 la_class;	/* t: the protocol's */
	uint64_t	 la_expire;	/* t: ns; 0 never */
	struct mbuf	*la_hold, *la_holdtail;	/* t: */
	unsigned	 la_nhold;	/* t: */
	struct kern_defer la_defer;
	TAILQ_ENTRY(llentry) la_iflink;	/* t: the protocol's: entries of the
					 * interface */
	struct wheel_link la_wheel;	/* t: the protocol's timer */
	struct rts_node	 la_rts;	/* rtsock's */
};

struct lltable {
	struct kspin	 lt_lock;
	struct khash	 lt_hash;	/* rcu; t: */
};

static inline uint32_t
lla_hash4(const struct ifnet *ifp, uint32_t addr)
{

	return khash_u64((uint64_t)ifp->if_index << 32 | addr);
}

/* The entry, or NULL.  Read section or t:. */
static inline struct llentry *
lla_lookup4(const struct lltable *lt, const struct ifnet *ifp, uint32_t addr)
{
	struct khash_iter it;
	struct llentry *la;

	for (la = khash_first(&lt->lt_hash, lla_hash4(ifp, addr), &it);
	    la != NULL; la = khash_next(&it))
		if (la->la_addr4 == addr && la->la_ifp == ifp)
			return la;
	return NULL;
}

void	lltable_init(struct kern *, struct lltable *);
void	lltable_fini(struct lltable *);
/* t: held.  A new entry in the table, or NULL. */
struct llentry *lla_create4(struct lltable *, struct ifnet *, uint32_t addr);
/* t: held: set or clear (NULL) the address; builds and publishes la_hdr.
 * ENOMEM leaves it as it was. */
int	lla_set(struct llentry *, const uint8_t *lladdr);
/* t: held: out of the table, and freed behind the readers.  Its hold queue
 * must be empty. */
void	lla_remove(struct lltable *, struct llentry *);

/* The vnet's table. */
static inline struct lltable *
lltable_of(const struct vnet *vn)
{

	return vn->vn_if->ifv_lltable;
}

#endif /* !NET_IF_LLATBL_H */
