/*
 * neigh: neighbours: which link-level address a protocol address has on an
 * interface, for all families.  The table and the packet path's lookup are
 * here; a family's protocol (ARP) decides what is in it.
 *
 * A neighbour whose ne_hdr is set is usable: ne_hdr is the finished Ethernet
 * header, published in one store, so a sender copies 14 bytes and goes.  Next
 * hops that have the neighbour as their gateway are given the header as well,
 * so that a sender need not look the neighbour up.
 */

#ifndef NET_NEIGH_H
#define NET_NEIGH_H

#include <ifnet/if_ether.h>

#include "kern/khash.h"
#include "kern/wheel.h"
#include "net/if_vnet_impl.h"

struct neigh_hdr {
	struct kern_defer neh_defer;
	struct kern	*neh_kern;
	uint32_t	 neh_used;	/* a: set by senders, cleared by the
					 * protocol */
	uint8_t		 neh_bytes[16];	/* dst, src, type; 14 used */
};

/* In network order; an IPv4 address is the first four bytes, the others are
 * 0. */
union neigh_addr {
	uint8_t		 na_bytes[16];
	uint32_t	 na_4;
	uint64_t	 na_words[2];
};

/* An IPv4 address, in network order. */
static inline union neigh_addr
neigh_addr4(uint32_t addr)
{
	union neigh_addr na = { .na_words = { 0, 0 } };

	na.na_4 = addr;
	return na;
}

/* Is it an address at all?  The one of zeroes is none in any family. */
static inline bool
neigh_addr_is_set(const union neigh_addr *na)
{

	return (na->na_words[0] | na->na_words[1]) != 0;
}

/*
 *	constant	while in the table
 *	t: the vnet's neighbour table's spin lock
 *	a: atomic
 */
struct neigh {
	struct neigh_hdr *ne_hdr;	/* rcu; written with t: */
	struct ifnet	*ne_ifp;	/* constant */
	union neigh_addr ne_addr;	/* constant */
	uint8_t		 ne_family;	/* constant; AF_* */
	uint8_t		 ne_class;	/* t: the protocol's */
	uint8_t		 ne_state;	/* t: the protocol's */
	uint8_t		 ne_tries;	/* t: */
	uint32_t	 ne_flags;	/* t: NEIGH_* */
#define NEIGH_STATIC	0x1
#define NEIGH_PUBLISHED	0x2
#define NEIGH_DEAD	0x4
#define NEIGH_CLAIMED	0x8		/* the protocol's: ne_claim is set */
#define NEIGH_WANTED	0x10		/* the protocol's: used since it was
					 * last known to be right */
#define NEIGH_CONFIRM	0x20		/* the protocol's: asked because used */
#define NEIGH_ROUTER	0x40		/* it said that it is a router */
	struct kern	*ne_kern;	/* constant; to free it when the
					 * interface has gone */
	uint8_t		 ne_lladdr[8];	/* t: */
	uint8_t		 ne_claim[8];	/* t: another address said to be its */
	uint64_t	 ne_expire;	/* t: ns; 0 never */
	struct mbuf	*ne_hold, *ne_holdtail;	/* t: */
	unsigned	 ne_nhold;	/* t: */
	struct kern_defer ne_defer;
	TAILQ_ENTRY(neigh) ne_iflink;	/* t: the protocol's: neighbours of the
					 * interface */
	struct wheel_link ne_wheel;	/* t: the protocol's timer */
	struct rts_node	 ne_rts;	/* rtsock's */
};

/* One who is given the header of a neighbour whenever that changes.
 *	constant, but for nu_is_in: t:
 */
struct neigh_user {
	struct ifnet	*nu_ifp;
	union neigh_addr nu_addr;
	struct neigh_hdr **nu_hdr;	/* where to: rcu; written with t: */
	uint8_t		 nu_family;
	bool		 nu_is_in;	/* the table knows of it */
};

struct neigh_table {
	struct khash	 nt_hash;	/* rcu; t: */
	struct khash	 nt_users;	/* t: */
	uint64_t	 nt_seed;	/* constant; random, so that whoever
					 * chooses addresses cannot choose
					 * ones with the same hash */
	struct kspin	 nt_lock;
};

static inline bool
neigh_addr_equal(const union neigh_addr *a, const union neigh_addr *b)
{

	return a->na_words[0] == b->na_words[0] &&
	    a->na_words[1] == b->na_words[1];
}

static inline uint32_t
neigh_hash(const struct neigh_table *nt, const struct ifnet *ifp,
    const union neigh_addr *na)
{
	uint64_t h = (na->na_words[0] >> 32) + nt->nt_seed;

	/* 0 for an IPv4 address; see neigh_hash4(). */
	if ((na->na_words[0] >> 32 | na->na_words[1]) != 0)
		h = khash_u64(h) + ((uint64_t)khash_u64(na->na_words[1] ^ h) <<
		    32);
	return khash_u64(((uint64_t)ifp->if_index << 32 | na->na_4) ^ h);
}

/* neigh_hash() of an IPv4 address. */
static inline uint32_t
neigh_hash4(const struct neigh_table *nt, const struct ifnet *ifp,
    uint32_t addr)
{

	return khash_u64(((uint64_t)ifp->if_index << 32 | addr) ^
	    nt->nt_seed);
}

static inline bool
neigh_is(const struct neigh *ne, const struct ifnet *ifp, uint8_t family,
    const union neigh_addr *na)
{

	return neigh_addr_equal(&ne->ne_addr, na) && ne->ne_ifp == ifp &&
	    ne->ne_family == family;
}

/* The neighbour, or NULL.  Read section or t:. */
static inline struct neigh *
neigh_lookup(const struct neigh_table *nt, const struct ifnet *ifp,
    uint8_t family, const union neigh_addr *na)
{
	struct khash_iter it;
	struct neigh *ne;

	for (ne = khash_first(&nt->nt_hash, neigh_hash(nt, ifp, na), &it);
	    ne != NULL; ne = khash_next(&it))
		if (neigh_is(ne, ifp, family, na))
			return ne;
	return NULL;
}

static inline bool
neigh_is4(const struct neigh *ne, const struct ifnet *ifp, uint32_t addr)
{

	return ne->ne_addr.na_4 == addr && ne->ne_ifp == ifp &&
	    ne->ne_family == AF_INET;
}

static inline struct neigh *
neigh_lookup4(const struct neigh_table *nt, const struct ifnet *ifp,
    uint32_t addr)
{
	struct khash_iter it;
	struct neigh *ne;

	for (ne = khash_first(&nt->nt_hash, neigh_hash4(nt, ifp, addr), &it);
	    ne != NULL; ne = khash_next(&it))
		if (neigh_is4(ne, ifp, addr))
			return ne;
	return NULL;
}

/* Any: make an empty table. */
void	neigh_table_init(struct kern *, struct neigh_table *);
void	neigh_table_fini(struct neigh_table *);
/* t: held.  A new neighbour in the table, or NULL: no memory. */
struct neigh *neigh_create(struct neigh_table *, struct ifnet *,
	    uint8_t family, const union neigh_addr *);
struct neigh *neigh_create4(struct neigh_table *, struct ifnet *,
	    uint32_t addr);
/* t: held: set or clear (NULL) the link-level address; builds and publishes
 * ne_hdr.  ENOMEM leaves it as it was. */
int	neigh_set(struct neigh *, const uint8_t *lladdr);
/* t: held: out of the table, and freed behind the readers.  Its hold queue
 * must be empty. */
void	neigh_remove(struct neigh_table *, struct neigh *);

/*
 * Any, without t:, no header so far: give a user the header, now and whenever
 * it changes; or stop.  When there is no memory it gets none, and the neighbour
 * is looked up by whoever sends.
 */
void	neigh_user_add(struct neigh_table *, struct neigh_user *);
void	neigh_user_remove(struct neigh_table *, struct neigh_user *);

/* Any, read section or t:: was it used since it was last asked so? */
static inline bool
neigh_used(const struct neigh *ne)
{
	const struct neigh_hdr *neh = __atomic_load_n(&ne->ne_hdr,
	    __ATOMIC_CONSUME);

	return neh != NULL && __atomic_load_n(&neh->neh_used,
	    __ATOMIC_RELAXED) != 0;
}

/* t: it is used now. */
static inline void
neigh_used_set(struct neigh *ne)
{

	if (ne->ne_hdr != NULL)
		__atomic_store_n(&ne->ne_hdr->neh_used, 1, __ATOMIC_RELAXED);
}

/* t: likewise, and ask. */
static inline bool
neigh_used_take(struct neigh *ne)
{

	return ne->ne_hdr != NULL && __atomic_exchange_n(
	    &ne->ne_hdr->neh_used, 0, __ATOMIC_RELAXED) != 0;
}

/* The vnet's table. */
static inline struct neigh_table *
neigh_table_of(const struct vnet *vn)
{

	return vn->vn_if->ifv_neigh;
}

#endif /* !NET_NEIGH_H */
