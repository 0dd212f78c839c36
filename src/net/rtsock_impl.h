/*
 * rtsock_impl: what announcing (rtsock_announce.c), the log (rtsock_log.c) and
 * listening (rtsock_listen.c) share.
 *
 * An announcement is described once and appended to the log of its vnet, a ring
 * of records in the order of announcement, at a cost that does not depend on
 * the number of listeners.  A listener reads the log by itself, at its own
 * position, and without a lock: a record that was overwritten meanwhile is
 * found out by the position of the oldest one and counts as lost.  What the
 * listener wants it puts into a bounded queue of its own.  Idle listeners are
 * woken by a task, not by whom they wait for.
 *
 * One spin lock a vnet orders announcements: the list of what stands announced,
 * and appending to the log, whose memory is reserved when the first listener
 * opens.  So an announcement can come from a CPU.  rtsock.h says how a snapshot
 * is a walk of that list.
 */

#ifndef NET_RTSOCK_IMPL_H
#define NET_RTSOCK_IMPL_H

#include <ifnet/if.h>

#include "kern/ktask.h"
#include "net/route.h"
#include "net/rtsock.h"

#define RTS_NKINDS	4

/* The least a log holds; pages of it that are never written cost nothing. */
#define RTS_LOG_MIN	(1024 * 1024)

/*
 * A record of the log: this header and a message, padded to 8 bytes.
 */
struct rts_rec {
	uint32_t	 rr_len;	/* of all of it */
	uint8_t		 rr_kind;	/* RTS_* */
	uint8_t		 rr_flags;	/* RTS_REC_* */
	uint8_t		 rr_part;	/* of the node */
	uint8_t		 rr_oldpart;
	uint64_t	 rr_place;	/* of the node, when it was announced */
	uint64_t	 rr_oldplace;
	/* messages of each kind before this one; shown instead: not counted */
	uint32_t	 rr_before[RTS_NKINDS];
};
/* Only for walks that have yet to come to it, which will not find it. */
#define RTS_REC_INSTEAD	0x01
/* RTM_CHANGE; RTM_ADD for walks that have yet to come to the old place. */
#define RTS_REC_OLD	0x02

#define RTS_REC_WORDS	(sizeof(struct rts_rec) / sizeof(uint64_t))
_Static_assert(sizeof(struct rts_rec) % sizeof(uint64_t) == 0,
    "a record is copied in words");

/* The words of a log; read in a read section, as it may be replaced. */
struct rts_log {
	size_t		 lg_size;	/* bytes; a power of 2 */
	size_t		 lg_bytes;	/* of the region */
	uint64_t	 lg_word[];	/* written rs:, atomic */
};

/*
 *	rs: rs_lock.  The innermost of all locks but the task queue's.
 *	ll: rs_llock
 */
struct rtsock_vnet {
	struct kspin	 rs_lock;
	uint32_t	 rs_nlisteners;		/* rs:, read without */
	uint32_t	 rs_nwalking;		/* rs: */
	uint32_t	 rs_nidle;		/* atomic */
	uint64_t	 rs_seq;		/* rs: last place given */
	TAILQ_HEAD(rts_list, rts_node) rs_list; /* rs: */
	struct rts_log	*rs_log;		/* ll: and rs:; NULL: no
						 * listener */
	uint64_t	 rs_head, rs_tail;	/* rs:, atomic; positions: the
						 * end, the oldest record */
	uint32_t	 rs_count[RTS_NKINDS];	/* rs:, atomic; messages */
	struct ktask	 rs_task;		/* wakes the idle */
	struct host_mutex rs_llock;
	LIST_HEAD(, rt_listener) rs_listeners;	/* ll: */
	struct kern	*rs_kern;		/* constant */
};

/*
 *	o: the reader's own
 */
struct rt_listener {
	LIST_ENTRY(rt_listener) l_link;		/* ll: */
	struct rtsock_vnet *l_rs;		/* constant */
	unsigned	 l_what;		/* constant */
	void		(*l_wakeup)(void *);	/* constant */
	void		*l_arg;			/* constant */
	struct rts_node	 l_mark;		/* rs: where the walk is */
	uint64_t	 l_place;		/* o: last place walked */
	uint64_t	 l_last;		/* o: the walk's last place */
	unsigned	 l_part;		/* o: next of it */
	bool		 l_walking;		/* o: */
	uint32_t	 l_idle;		/* atomic: to be woken */
	uint32_t	 l_wanted;		/* atomic: messages of its kinds
						 * so far, when it went idle */
	uint64_t	 l_cursor;		/* o: position in the log */
	uint32_t	 l_count[RTS_NKINDS];	/* o: messages before it */
	uint64_t	 l_seq;			/* o: */
	uint64_t	 l_lost;		/* o: not yet told of */
	size_t		 l_size;		/* constant */
	size_t		 l_head, l_used;	/* o: bytes */
	uint8_t		*l_ring;		/* o: contents */
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

/* The kind of a part of a node. */
static inline uint32_t
part_kind(uint32_t kind, unsigned part)
{

	return kind == RTS_ADDR && part > 0 ? RTS_ROUTE : kind;
}

/* Will its walk come to this part of the node at that place? */
static inline bool
still_ahead(const struct rt_listener *l, uint64_t place, unsigned part)
{

	return l->l_walking && place <= l->l_last && (place > l->l_place ||
	    (place == l->l_place && part >= l->l_part));
}

/* Index of a kind. */
static inline unsigned
kind_index(uint32_t kind)
{

	return (unsigned)__builtin_ctz(kind);
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

/* rtsock_log.c */
/* Control, ll: have a log of at least so many bytes.  ENOMEM. */
int	rts_log_get(struct rtsock_vnet *, size_t bytes);
/* Control, ll: nobody listens any more. */
void	rts_log_put(struct rtsock_vnet *);
/* rs: append a message; rr_len and rr_before are filled in. */
void	rts_log_append(struct rtsock_vnet *, struct rts_rec *,
	    const struct rt_hdr *);
/*
 * Control, no lock: the record at the position and its message (RT_MSG_MAX
 * bytes of room, or NULL).  false: there is none, or not any more.
 */
bool	rts_log_read(struct rtsock_vnet *, uint64_t pos, struct rts_rec *,
	    void *msg);
/* Control, no lock: the oldest record's position, and the counts before it. */
uint64_t rts_log_oldest(struct rtsock_vnet *, uint32_t count[RTS_NKINDS]);

/* rtsock_listen.c: any, no lock: something was appended. */
void	rts_wake(struct rtsock_vnet *);

#endif /* !NET_RTSOCK_IMPL_H */
