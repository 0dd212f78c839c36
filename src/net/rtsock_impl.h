/*
 * rtsock_impl: what announcing (rtsock_announce.c) and listening
 * (rtsock_listen.c) share.
 *
 * One spin lock a vnet orders everything: the list of what stands announced,
 * the listeners, and the filling of their queues, whose memory was reserved
 * when they were opened.  So an announcement can come from a CPU.  rtsock.h
 * says how a snapshot is a walk of that list.
 */

#ifndef NET_RTSOCK_IMPL_H
#define NET_RTSOCK_IMPL_H

#include "net/if_impl.h"
#include "net/route.h"
#include "net/rtsock.h"

/*
 *	rs: rs_lock.  The innermost of all locks.
 */
struct rtsock_vnet {
	struct kspin	 rs_lock;
	uint32_t	 rs_nlisteners;		/* rs:, read without */
	uint64_t	 rs_seq;		/* rs: last place given */
	TAILQ_HEAD(rts_list, rts_node) rs_list; /* rs: */
	LIST_HEAD(, rt_listener) rs_listeners;	/* rs: */
	struct kern	*rs_kern;		/* constant */
};

struct rt_listener {
	LIST_ENTRY(rt_listener) l_link;		/* rs: */
	struct rtsock_vnet *l_rs;		/* constant */
	unsigned	 l_what;		/* constant */
	void		(*l_wakeup)(void *);	/* constant */
	void		*l_arg;			/* constant */
	struct rts_node	 l_mark;		/* rs: where the walk is */
	uint64_t	 l_place;		/* rs: last place walked */
	uint64_t	 l_last;		/* rs: the walk's last place */
	unsigned	 l_part;		/* rs: next of it */
	bool		 l_walking;		/* rs: */
	uint64_t	 l_seq;			/* the reader's */
	uint64_t	 l_lost;		/* rs: not yet told of */
	size_t		 l_size;		/* constant */
	size_t		 l_head, l_used;	/* rs: bytes */
	uint8_t		*l_ring;		/* rs: contents */
};

union rts_msgbuf {
	struct rt_hdr	 mb_hdr;
	struct rt_overrun_msg mb_overrun;
	uint8_t		 mb_room[RT_MSG_MAX];
};

/* The object that a node is part of. */
static inline void *
node_object(struct rts_node *rn, size_t offset)
{

	return (char *)rn - offset;
}

/* A node's word: its kind, a bit for each part that stands, its place. */
#define NODE_PARTS	(1 + RT_NOWN)
#define NODE_PART_SHIFT	4
#define NODE_SHIFT	(NODE_PART_SHIFT + NODE_PARTS)

static inline uint64_t
node_part(unsigned part)
{

	return UINT64_C(1) << (NODE_PART_SHIFT + part);
}

static inline bool
node_has(const struct rts_node *rn, unsigned part)
{

	return (rn->rn_word & node_part(part)) != 0;
}

static inline uint64_t
node_seq(const struct rts_node *rn)
{

	return rn->rn_word >> NODE_SHIFT;
}

static inline uint32_t
node_kind(const struct rts_node *rn)
{

	return rn->rn_word & ((1u << NODE_PART_SHIFT) - 1);
}

/* What a part of a node of this kind is. */
static inline uint32_t
part_kind(uint32_t kind, unsigned part)
{

	return kind == RTS_ADDR && part > 0 ? RTS_ROUTE : kind;
}

/* rs: will its walk come to this part of the node? */
static inline bool
still_ahead(const struct rt_listener *l, const struct rts_node *rn,
    unsigned part)
{
	uint64_t seq = node_seq(rn);

	return l->l_walking && seq <= l->l_last && (seq > l->l_place ||
	    (seq == l->l_place && part >= l->l_part));
}

/* How a snapshot shows what there is, by kind. */
static inline uint8_t
snapshot_type(uint32_t kind)
{

	switch (kind) {
	case RTS_LINK:
		return RTM_IFINFO;
	case RTS_ADDR:
		return RTM_NEWADDR;
	default:
		return RTM_ADD;
	}
}

/* rtsock_describe.c: rs: describe a part of a node in RT_MSG_MAX bytes, as of
 * a kind: type RTM_*, and what (IFAN_*) happened to an interface. */
void	rts_describe(struct rtsock_vnet *, struct rts_node *, unsigned part,
	    uint32_t kind, uint8_t type, int what, void *msg);

/* rtsock_listen.c: rs: into the listener's queue, or lost. */
void	rts_enqueue(struct rt_listener *, const struct rt_hdr *);

#endif /* !NET_RTSOCK_IMPL_H */
