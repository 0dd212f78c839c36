/*
 * nexthop: what a packet needs once its destination was looked up, for all
 * families; and the numbers by which the forwarding tables name next hops.
 *
 * A table maps a prefix to a value of 32 bits: the number of a next hop, and
 * the kind of destination.  Many routes share a next hop; where it leads is
 * changed by one store in nt_nh[], whatever the number of routes.  A next hop
 * itself is constant, but for the neighbour's header, so that a reader never
 * sees parts of two.
 *
 * The next hops of routes that were asked for belong to paths (route_path.c);
 * that of an address's own routes is part of the address.
 */

#ifndef NET_NEXTHOP_H
#define NET_NEXTHOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ifnet/kern.h>

#include "kern/kern_impl.h"
#include "net/neigh.h"

struct ifaddr;
struct ifnet;

/*
 * A next hop as readers find it.  With NH_GATEWAY it is the beginning of a
 * struct nexthop_gw.
 */
struct nexthop {
	struct ifnet	*nh_ifp;	/* out; for a reject route what it
					 * named, or NULL */
	struct ifaddr	*nh_ifa;	/* source address, or NULL */
	uint32_t	 nh_flags;	/* NH_* */
#define NH_GATEWAY	0x1		/* a struct nexthop_gw */
#define NH_REJECT	0x2		/* packets are refused */
#define NH_BLACKHOLE	0x4		/* packets are dropped */
#define NH_UNREACHABLE	0x8		/* its gateway, source or interface is
					 * not there now */
#define NH_GROUP	0x10		/* a struct nexthop_group */
#define NH_NOWHERE	(NH_REJECT | NH_BLACKHOLE | NH_UNREACHABLE)
	uint16_t	 nh_mtu;	/* of the routes; 0: the interface's */
	uint8_t		 nh_family;	/* of the gateway: AF_*.  No user yet
					 * of another than the packet's */
};

struct nexthop_gw {
	struct nexthop	 ng_nh;
	struct neigh_hdr *ng_hdr;	/* rcu; the neighbour's, or NULL: it is
					 * to be looked up */
	union neigh_addr ng_gw;		/* network order */
};

static inline const union neigh_addr *
nh_gateway(const struct nexthop *nh)
{

	return &((const struct nexthop_gw *)(const void *)nh)->ng_gw;
}

/*
 * Several next hops that share the flows.  A flow's hash names a bucket.  Each
 * has a next hop of its own, its home, and another one while that cannot be
 * used; so when one goes, and when it comes back, only its own flows move (RFC
 * 2992 says what a hash alone would do).
 */
#define NH_BUCKETS	512u
#define NH_MEMBERS	64u
struct nexthop_group {
	struct nexthop	 gr_nh;
	unsigned	 gr_n;		/* constant */
	const struct nexthop *gr_member[NH_MEMBERS]; /* rcu; those that cannot
						      * be used, too */
	const struct nexthop *gr_bucket[NH_BUCKETS]; /* rcu */
};

static inline const struct nexthop_group *
nh_group(const struct nexthop *nh)
{

	return (const struct nexthop_group *)(const void *)nh;
}

/* Read section: the next hop of a flow. */
static inline const struct nexthop *
nh_choose(const struct nexthop *group, uint32_t hash)
{

	return __atomic_load_n(&nh_group(group)->gr_bucket[hash % NH_BUCKETS],
	    __ATOMIC_CONSUME);
}

/* The ready header for packets to a gateway; NULL: the next hop's neighbour is
 * to be looked up.  Read section. */
static inline struct neigh_hdr *
nh_ready(const struct nexthop *nh)
{

	return (nh->nh_flags & NH_GATEWAY) == 0 ? NULL : __atomic_load_n(
	    &((const struct nexthop_gw *)(const void *)nh)->ng_hdr,
	    __ATOMIC_CONSUME);
}

/* An IPv4 gateway, network order; 0: on link, or nowhere. */
static inline uint32_t
nh_gw4(const struct nexthop *nh)
{

	return (nh->nh_flags & NH_GATEWAY) != 0 ? nh_gateway(nh)->na_4 : 0;
}

/* --- values of the forwarding tables -------------------------------------- */

/* Kinds of destination; the other bits of a value are a number. */
#define FWD_OTHER	0u		/* by a route that was asked for */
#define FWD_CONNECTED	1u		/* on the network of nh_ifa */
#define FWD_LOCAL	2u		/* the address nh_ifa itself */
#define FWD_BROADCAST	3u		/* nh_ifa's broadcast address */
#define FWD_KIND	3u
#define FWD_SPECIAL	4u		/* the family looks at a destination
					 * before it is forwarded */
#define FWD_GROUP	8u		/* the next hop is one of several,
					 * chosen by the flow */
#define FWD_BITS	4

/* How packets to a destination go: what a lookup finds. */
struct fwd {
	const struct nexthop *fd_nh;	/* NULL: there is no route */
	uint32_t	 fd_value;	/* FWD_*, and the number; 0 */
};

static inline bool
fwd_is_local(const struct fwd *fd)
{

	return (fd->fd_value & FWD_KIND) == FWD_LOCAL;
}

static inline bool
fwd_is_broadcast(const struct fwd *fd)
{

	return (fd->fd_value & FWD_KIND) == FWD_BROADCAST;
}

static inline bool
fwd_is_connected(const struct fwd *fd)
{

	return (fd->fd_value & FWD_KIND) == FWD_CONNECTED;
}

/* Are destinations neighbours on the link of nh_ifp? */
static inline bool
fwd_is_onlink(const struct fwd *fd)
{

	return fd->fd_nh != NULL &&
	    (fd->fd_value & FWD_KIND) <= FWD_CONNECTED &&
	    (fd->fd_nh->nh_flags & (NH_GATEWAY | NH_NOWHERE)) == 0;
}

/* --- numbers -------------------------------------------------------------- */

#define NH_NUMBERS	(1u << 23)	/* of a vnet; 0 is none */
#define NH_FEW		64u		/* of a vnet with few routes */

struct nh_list {
	uint32_t	 nl_first, nl_last;	/* 0: none */
};

/* The slots of few numbers. */
struct nh_few {
	const struct nexthop *nf_nh[NH_FEW];
	uint32_t	 nf_link[NH_FEW];
	struct kern_defer nf_defer;
	struct kern	*nf_kern;
};

/*
 * The numbers of a vnet.  A number that was given back is given out again once
 * no reader can have it.
 *	nt_nh		rcu; slots are written with the route lock
 *	nt_passed	atomic: readers of nt_grace's numbers have left
 *	all else	route lock
 */
struct nh_table {
	const struct nexthop **nt_nh;	/* slots */
	uint32_t	*nt_link;	/* lists of numbers */
	struct nh_few	*nt_few;	/* where these are; NULL: in a region
					 * with room for all */
	uint32_t	 nt_end;	/* none of these was ever given out */
	uint32_t	 nt_used;
	struct nh_list	 nt_free, nt_retired, nt_grace;
	bool		 nt_deferred;	/* nt_defer is out */
	uint32_t	 nt_passed;
	struct kern	*nt_kern;	/* constant */
	struct kern_defer nt_defer;
};

/* Control.  ENOMEM. */
int	nh_table_init(struct kern *, struct nh_table *);
/* Control, no read section: every number was given back. */
void	nh_table_fini(struct nh_table *);
/* Route lock: a number that names nh from now on; 0: ENOMEM, none is left. */
uint32_t nh_number_get(struct nh_table *, const struct nexthop *);
/* Route lock: the number names this next hop from now on. */
static inline void
nh_number_set(struct nh_table *nt, uint32_t number, const struct nexthop *nh)
{

	__atomic_store_n(&nt->nt_nh[number], nh, __ATOMIC_RELEASE);
}
/* Route lock: no table has the number any more.  What it named stays valid
 * until those who found it have left their read sections. */
void	nh_number_put(struct nh_table *, uint32_t number);

/* Read section: what a value stands for, a group as it is. */
static inline struct fwd
nh_fwd_raw(const struct nh_table *nt, uint32_t value)
{
	struct fwd fd = { NULL, value };

	if (value != 0)
		fd.fd_nh = __atomic_load_n(&__atomic_load_n(&nt->nt_nh,
		    __ATOMIC_CONSUME)[value >> FWD_BITS], __ATOMIC_CONSUME);
	return fd;
}

/* Read section: what a value stands for; of a group the next hop of a flow. */
static inline struct fwd
nh_fwd(const struct nh_table *nt, uint32_t value, uint32_t hash)
{
	struct fwd fd = nh_fwd_raw(nt, value);

	if (__builtin_expect((value & FWD_GROUP) != 0, 0))
		fd.fd_nh = nh_choose(fd.fd_nh, hash);
	return fd;
}

#endif /* !NET_NEXTHOP_H */
