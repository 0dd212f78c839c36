/*
 * Announcements and those who listen to them.
 *
 * One spin lock a vnet orders everything: the list of what stands announced,
 * the listeners, and the filling of their queues, whose memory was
 * reserved when they were opened.  So an announcement can come from a CPU.
 * rtsock.h says how a snapshot is a walk of that list.
 */

#include "net/rtsock.h"

#include <errno.h>
#include <string.h>

#include "net/if_impl.h"
#include "net/if_llatbl.h"
#include "net/route.h"

#define QUEUE_MIN	(2 * RT_MSG_MAX)
/* How far a walk goes under the lock over what its listener did not ask for. */
#define WALK_STEPS	256

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

/* --- a listener's queue; rs: held ---------------------------------------- */

static void
ring_put(struct rt_listener *l, const void *msg, size_t len)
{
	size_t tail = (l->l_head + l->l_used) % l->l_size;
	size_t first = l->l_size - tail;

	if (first > len)
		first = len;
	memcpy(l->l_ring + tail, msg, first);
	memcpy(l->l_ring, (const uint8_t *)msg + first, len - first);
	l->l_used += len;
}

static void
ring_get(struct rt_listener *l, void *buf, size_t len)
{
	size_t first = l->l_size - l->l_head;

	if (first > len)
		first = len;
	memcpy(buf, l->l_ring + l->l_head, first);
	memcpy((uint8_t *)buf + first, l->l_ring, len - first);
	l->l_head = (l->l_head + len) % l->l_size;
	l->l_used -= len;
}

static void
fill_overrun(struct rt_listener *l, struct rt_overrun_msg *rto)
{

	memset(rto, 0, sizeof(*rto));
	rto->rto_h.rtm_len = sizeof(*rto);
	rto->rto_h.rtm_version = RTM_VERSION;
	rto->rto_h.rtm_type = RTM_OVERRUN;
	rto->rto_h.rtm_time_ns = host_wallclock(l->l_rs->rs_kern->k_host);
	rto->rto_lost = l->l_lost;
	l->l_lost = 0;
}

static void
enqueue(struct rt_listener *l, const struct rt_hdr *h)
{
	size_t room = l->l_size - l->l_used, need = h->rtm_len;
	struct rt_overrun_msg rto;
	bool was_empty = l->l_used == 0 && l->l_lost == 0;

	/* After a loss the record of it goes first. */
	if (l->l_lost != 0)
		need += sizeof(rto);
	if (need > room) {
		l->l_lost++;
	} else {
		if (l->l_lost != 0) {
			fill_overrun(l, &rto);
			ring_put(l, &rto, sizeof(rto));
		}
		ring_put(l, h, h->rtm_len);
	}
	if (was_empty && l->l_wakeup != NULL)
		l->l_wakeup(l->l_arg);
}

/* --- announcing ---------------------------------------------------------- */

enum rts_op { RTS_SET, RTS_NEWS, RTS_CLEAR };

/*
 * What is announced: one of the four kinds.  An address and its own routes
 * share a node, of which they are parts; anything else is part 0 of its node.
 */
struct announcement {
	struct rts_node	*an_node;
	unsigned	 an_part;
	uint32_t	 an_kind;	/* RTS_* */
	uint32_t	 an_nodekind;	/* of its node: not an_kind for a
					 * route that is an address's own */
	uint8_t		 an_type;	/* RTM_* */
	int		 an_what;	/* IFAN_* */
	const char	*an_oldname;	/* RTM_IFRENAME */
	const struct announcement *an_instead; /* RTM_CHANGE: of what */
};

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

static inline void *
node_object(struct rts_node *rn, size_t offset)
{

	return (char *)rn - offset;
}

/* What a part of a node of this kind is. */
static inline uint32_t
part_kind(uint32_t kind, unsigned part)
{

	return kind == RTS_ADDR && part > 0 ? RTS_ROUTE : kind;
}

static inline const struct rtentry *
node_route(struct rts_node *rn, unsigned part)
{
	struct protoaddr *pa;
	struct rtfull *rf;

	if (part > 0) {
		pa = node_object(rn, offsetof(struct protoaddr, pa_rts));
		return &pa->pa_own[part - 1];
	}
	rf = node_object(rn, offsetof(struct rtfull, rf_rts));
	return &rf->rf_rt;
}

static void
describe(struct rtsock_vnet *rs, struct rts_node *rn, unsigned part,
    uint32_t kind, uint8_t type, int what, void *msg)
{

	/* What hangs off an interface is seen as any reader sees it. */
	pserialize_read_enter();
	switch (kind) {
	case RTS_LINK:
		rts_fill_if(node_object(rn, offsetof(struct ifnet, if_rts)),
		    type, what, msg);
		break;
	case RTS_ADDR:
		rts_fill_ifa(node_object(rn, offsetof(struct protoaddr,
		    pa_rts)), type, msg);
		break;
	case RTS_ROUTE:
		rt_fill_msg(rs->rs_kern, node_route(rn, part), type, msg);
		break;
	default:
		rts_fill_neigh(node_object(rn, offsetof(struct llentry,
		    la_rts)), type, msg);
		break;
	}
	pserialize_read_exit();
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

/* rs: tell everyone who wants it and does not come to see it. */
static void
tell(struct rtsock_vnet *rs, const struct announcement *an)
{
	union rts_msgbuf buf;
	struct rt_listener *l;
	bool described = false;

	LIST_FOREACH(l, &rs->rs_listeners, l_link) {
		if (!(l->l_what & an->an_kind) ||
		    still_ahead(l, an->an_node, an->an_part))
			continue;
		if (!described) {
			if (an->an_type == RTM_IFRENAME)
				rts_fill_rename(node_object(an->an_node,
				    offsetof(struct ifnet, if_rts)),
				    an->an_oldname, &buf);
			else
				describe(rs, an->an_node, an->an_part,
				    an->an_kind, an->an_type, an->an_what,
				    &buf);
			buf.mb_hdr.rtm_time_ns =
			    host_wallclock(rs->rs_kern->k_host);
			described = true;
		}
		buf.mb_hdr.rtm_type = an->an_type;
		if (an->an_instead != NULL && still_ahead(l,
		    an->an_instead->an_node, an->an_instead->an_part))
			buf.mb_hdr.rtm_type = RTM_ADD;
		enqueue(l, &buf.mb_hdr);
	}
}

static inline void
node_set_word(struct rts_node *rn, uint64_t word)
{

	__atomic_store_n(&rn->rn_word, word, __ATOMIC_RELAXED);
}

/* How a snapshot shows what there is, by kind. */
static uint8_t
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

static void
node_append(struct rtsock_vnet *rs, struct rts_node *rn, uint64_t low)
{

	node_set_word(rn, ++rs->rs_seq << NODE_SHIFT | low);
	TAILQ_INSERT_TAIL(&rs->rs_list, rn, rn_link);
}

/* rs: tell what the listener's walk would have shown of the node. */
static void
tell_instead(struct rt_listener *l, struct rts_node *rn)
{
	struct rtsock_vnet *rs = l->l_rs;
	union rts_msgbuf buf;
	uint32_t kind;

	for (unsigned part = 0; part < NODE_PARTS; part++) {
		kind = part_kind(node_kind(rn), part);
		if (!node_has(rn, part) || !(l->l_what & kind) ||
		    !still_ahead(l, rn, part))
			continue;
		describe(rs, rn, part, kind, snapshot_type(kind), 0, &buf);
		buf.mb_hdr.rtm_time_ns = host_wallclock(rs->rs_kern->k_host);
		enqueue(l, &buf.mb_hdr);
	}
}

/*
 * rs: another part is to stand in a node that stands already.  A walk that is
 * still to come to it would show that part ahead of what is queued: ahead of
 * the end of another address or route that it takes the place of.  So the node
 * goes to the end of all, and what it had is told instead.
 */
static void
node_renew(struct rtsock_vnet *rs, struct rts_node *rn)
{
	struct rt_listener *l;
	bool any = false;

	LIST_FOREACH(l, &rs->rs_listeners, l_link) {
		if (!still_ahead(l, rn, NODE_PARTS - 1))
			continue;
		any = true;
		tell_instead(l, rn);
	}
	if (!any)
		return;
	TAILQ_REMOVE(&rs->rs_list, rn, rn_link);
	node_append(rs, rn, rn->rn_word & ((1u << NODE_SHIFT) - 1));
}

/* The part stands from here on; the node, with its first. */
static void
node_insert(struct rtsock_vnet *rs, struct rts_node *rn, unsigned part,
    uint32_t kind)
{

	if (node_seq(rn) == 0)
		node_append(rs, rn, kind);
	else
		node_renew(rs, rn);
	node_set_word(rn, rn->rn_word | node_part(part));
}

/* The part stands no longer; the node goes with its last. */
static void
node_remove(struct rtsock_vnet *rs, struct rts_node *rn, unsigned part)
{
	uint64_t word = rn->rn_word & ~node_part(part);

	if ((word & (node_part(NODE_PARTS) - node_part(0))) == 0) {
		TAILQ_REMOVE(&rs->rs_list, rn, rn_link);
		word = 0;
	}
	node_set_word(rn, word);
}

/*
 * Announce.  Was the object in the list before?  News of what does not stand
 * there is nobody's: its arrival will tell, or its departure has told.
 */
static bool
announce(struct vnet *vn, enum rts_op op, const struct announcement *an)
{
	struct rtsock_vnet *rs = vn->vn_rtsock;
	struct rts_node *rn = an->an_node;
	bool was;

	kspin_lock(&rs->rs_lock);
	was = node_has(rn, an->an_part);
	if (!was && op == RTS_SET)
		node_insert(rs, rn, an->an_part, an->an_nodekind);
	if (node_has(rn, an->an_part))
		tell(rs, an);
	if (was && op == RTS_CLEAR)
		node_remove(rs, rn, an->an_part);
	kspin_unlock(&rs->rs_lock);
	return was;
}

static inline bool
nobody_listens(const struct vnet *vn)
{

	return __atomic_load_n(&vn->vn_rtsock->rs_nlisteners,
	    __ATOMIC_RELAXED) == 0;
}

void
rt_ifannounce(struct ifnet *ifp, int what)
{
	const struct announcement an = {
		.an_node = &ifp->if_rts,
		.an_kind = RTS_LINK,
		.an_nodekind = RTS_LINK,
		.an_type = RTM_IFANNOUNCE,
		.an_what = what,
	};

	(void)announce(ifp->if_vnet, what == IFAN_ARRIVAL ? RTS_SET :
	    RTS_CLEAR, &an);
}

void
rt_ifmsg(struct ifnet *ifp)
{
	const struct announcement an = {
		.an_node = &ifp->if_rts,
		.an_kind = RTS_LINK,
		.an_type = RTM_IFINFO,
	};

	if (nobody_listens(ifp->if_vnet))
		return;
	(void)announce(ifp->if_vnet, RTS_NEWS, &an);
}

void
rt_ifrename(struct ifnet *ifp, const char *oldname)
{
	const struct announcement an = {
		.an_node = &ifp->if_rts,
		.an_kind = RTS_LINK,
		.an_type = RTM_IFRENAME,
		.an_oldname = oldname,
	};

	(void)announce(ifp->if_vnet, RTS_NEWS, &an);
}

/* An address that stands in the list is kept by a reference. */
void
rt_newaddrmsg(uint8_t type, struct ifaddr *ifa)
{
	const struct announcement an = {
		.an_node = &ifa_proto(ifa)->pa_rts,
		.an_kind = RTS_ADDR,
		.an_nodekind = RTS_ADDR,
		.an_type = type,
	};
	struct vnet *vn = ifa->ifa_ifp->if_vnet;

	switch (type) {
	case RTM_NEWADDR:
		ifa_ref(ifa);
		if (announce(vn, RTS_SET, &an))
			ifa_unref(ifa);
		break;
	case RTM_DELADDR:
		if (announce(vn, RTS_CLEAR, &an))
			ifa_unref(ifa);
		break;
	default:
		(void)announce(vn, RTS_NEWS, &an);
		break;
	}
}

/* A route's node, and which part of that it is. */
static void
route_node(const struct rtentry *rt, struct announcement *an)
{
	struct protoaddr *pa;

	if (rt_is_own(rt)) {
		pa = ifa_proto(rt->rt_ifa);
		an->an_node = &pa->pa_rts;
		an->an_part = 1 + (unsigned)(rt - pa->pa_own);
		an->an_nodekind = RTS_ADDR;
	} else {
		an->an_node = &rt_full(rt)->rf_rts;
		an->an_part = 0;
		an->an_nodekind = RTS_ROUTE;
	}
}

void
rt_routemsg(struct vnet *vn, uint8_t type, const struct rtentry *rt)
{
	struct announcement an = {
		.an_kind = RTS_ROUTE,
		.an_type = type,
	};

	route_node(rt, &an);
	(void)announce(vn, type == RTM_ADD ? RTS_SET :
	    type == RTM_DELETE ? RTS_CLEAR : RTS_NEWS, &an);
}

/*
 * The new one stands where the old one stood; but after all that was announced
 * so far when the old one was part of an address: whoever's walk had yet to
 * come to that is told of a new route.
 */
void
rt_routechange(struct vnet *vn, const struct rtentry *oldrt,
    const struct rtfull *newrt)
{
	struct rtsock_vnet *rs = vn->vn_rtsock;
	struct announcement old = { .an_kind = RTS_ROUTE };
	struct announcement an = {
		.an_kind = RTS_ROUTE,
		.an_type = RTM_CHANGE,
	};

	route_node(oldrt, &old);
	route_node(&newrt->rf_rt, &an);
	kspin_lock(&rs->rs_lock);
	if (node_has(old.an_node, old.an_part)) {
		if (old.an_nodekind == RTS_ROUTE) {
			an.an_node->rn_word = old.an_node->rn_word;
			TAILQ_INSERT_AFTER(&rs->rs_list, old.an_node,
			    an.an_node, rn_link);
		} else {
			node_insert(rs, an.an_node, 0, RTS_ROUTE);
			an.an_instead = &old;
		}
		tell(rs, &an);
		node_remove(rs, old.an_node, old.an_part);
	}
	kspin_unlock(&rs->rs_lock);
}

void
rt_neighmsg(uint8_t type, const struct llentry *la)
{
	const struct announcement an = {
		.an_node = (struct rts_node *)(uintptr_t)&la->la_rts,
		.an_kind = RTS_NEIGH,
		.an_nodekind = RTS_NEIGH,
		.an_type = type,
	};

	/* Senders refresh neighbours all the time. */
	if (type != RTM_DELETE && nobody_listens(la->la_ifp->if_vnet) &&
	    __atomic_load_n(&la->la_rts.rn_word, __ATOMIC_RELAXED) != 0)
		return;
	(void)announce(la->la_ifp->if_vnet, type == RTM_DELETE ? RTS_CLEAR :
	    RTS_SET, &an);
}

void
rts_forget(struct vnet *vn, struct rts_node *rn)
{
	struct rtsock_vnet *rs = vn->vn_rtsock;

	kspin_lock(&rs->rs_lock);
	if (node_has(rn, 0))
		node_remove(rs, rn, 0);
	kspin_unlock(&rs->rs_lock);
}

/* --- listening ----------------------------------------------------------- */

int
rt_listener_open(struct vnet *vn, unsigned what, size_t queue_bytes,
    void (*wakeup)(void *), void *arg, struct rt_listener **lp)
{
	struct rtsock_vnet *rs = vn->vn_rtsock;
	struct rt_listener *l;

	if (queue_bytes < QUEUE_MIN)
		queue_bytes = QUEUE_MIN;
	l = kmem_zalloc(rs->rs_kern, sizeof(*l));
	if (l == NULL)
		return ENOMEM;
	l->l_ring = kmem_zalloc(rs->rs_kern, queue_bytes);
	if (l->l_ring == NULL) {
		kmem_free(rs->rs_kern, l);
		return ENOMEM;
	}
	l->l_rs = rs;
	l->l_what = what;
	l->l_size = queue_bytes;
	l->l_wakeup = wakeup;
	l->l_arg = arg;
	l->l_walking = (what & RTS_SNAPSHOT) != 0;
	*lp = l;
	kspin_lock(&rs->rs_lock);
	l->l_last = rs->rs_seq;
	if (l->l_walking)
		TAILQ_INSERT_HEAD(&rs->rs_list, &l->l_mark, rn_link);
	LIST_INSERT_HEAD(&rs->rs_listeners, l, l_link);
	__atomic_store_n(&rs->rs_nlisteners, rs->rs_nlisteners + 1,
	    __ATOMIC_RELAXED);
	/* A snapshot is something to read. */
	if (l->l_walking && wakeup != NULL)
		wakeup(arg);
	kspin_unlock(&rs->rs_lock);
	return 0;
}

void
rt_listener_close(struct rt_listener *l)
{
	struct rtsock_vnet *rs = l->l_rs;

	kspin_lock(&rs->rs_lock);
	if (l->l_walking)
		TAILQ_REMOVE(&rs->rs_list, &l->l_mark, rn_link);
	LIST_REMOVE(l, l_link);
	__atomic_store_n(&rs->rs_nlisteners, rs->rs_nlisteners - 1,
	    __ATOMIC_RELAXED);
	kspin_unlock(&rs->rs_lock);
	kmem_free(rs->rs_kern, l->l_ring);
	kmem_free(rs->rs_kern, l);
}

static void
fill_end(struct rt_listener *l, struct rt_hdr *h)
{

	memset(h, 0, sizeof(*h));
	h->rtm_len = sizeof(*h);
	h->rtm_version = RTM_VERSION;
	h->rtm_type = RTM_SNAPSHOT_END;
	h->rtm_time_ns = host_wallclock(l->l_rs->rs_kern->k_host);
}

/* rs: describe the next part of the node that the listener wants; false: there
 * is none. */
static bool
walk_node(struct rt_listener *l, struct rts_node *rn, struct rt_hdr *h)
{
	struct rtsock_vnet *rs = l->l_rs;
	unsigned part;
	uint32_t kind;

	if (node_seq(rn) != l->l_place) {
		l->l_place = node_seq(rn);
		l->l_part = 0;
	}
	while ((part = l->l_part) < NODE_PARTS) {
		l->l_part++;
		kind = part_kind(node_kind(rn), part);
		if (!node_has(rn, part) || !(l->l_what & kind))
			continue;
		describe(rs, rn, part, kind, snapshot_type(kind), 0, h);
		h->rtm_time_ns = host_wallclock(rs->rs_kern->k_host);
		return true;
	}
	return false;
}

/*
 * rs: take the walk to the next object the listener wants, or to its end, and
 * describe that; false: not there yet after many steps.  The mark stands
 * before the node whose parts are being described.
 */
static bool
walk(struct rt_listener *l, struct rt_hdr *h)
{
	struct rtsock_vnet *rs = l->l_rs;
	struct rts_node *rn;

	for (unsigned step = 0; step < WALK_STEPS; step++) {
		rn = TAILQ_NEXT(&l->l_mark, rn_link);
		if (rn == NULL || node_seq(rn) > l->l_last) {
			TAILQ_REMOVE(&rs->rs_list, &l->l_mark, rn_link);
			l->l_walking = false;
			fill_end(l, h);
			return true;
		}
		/* Not another listener's mark? */
		if (node_kind(rn) != 0 && walk_node(l, rn, h))
			return true;
		TAILQ_REMOVE(&rs->rs_list, &l->l_mark, rn_link);
		TAILQ_INSERT_AFTER(&rs->rs_list, rn, &l->l_mark, rn_link);
	}
	return false;
}

size_t
rt_listener_read(struct rt_listener *l, void *msg)
{
	struct rtsock_vnet *rs = l->l_rs;
	struct rt_hdr *h = msg;
	bool again;

	/* The snapshot first: what is queued happened to what it has shown, or
	 * began after it. */
	do {
		again = false;
		kspin_lock(&rs->rs_lock);
		h->rtm_len = 0;
		if (l->l_walking)
			again = !walk(l, h);
		else if (l->l_used != 0) {
			ring_get(l, h, sizeof(*h));
			ring_get(l, h + 1, h->rtm_len - sizeof(*h));
		} else if (l->l_lost != 0)
			fill_overrun(l, msg);
		kspin_unlock(&rs->rs_lock);
	} while (again);
	if (h->rtm_len != 0)
		h->rtm_seq = ++l->l_seq;
	return h->rtm_len;
}

static int
rtsock_init(struct vnet *vn)
{
	struct rtsock_vnet *rs;

	rs = kmem_zalloc(vn->vn_kern, sizeof(*rs));
	if (rs == NULL)
		return ENOMEM;
	rs->rs_kern = vn->vn_kern;
	TAILQ_INIT(&rs->rs_list);
	LIST_INIT(&rs->rs_listeners);
	vn->vn_rtsock = rs;
	return 0;
}

static void
rtsock_fini(struct vnet *vn)
{
	struct rtsock_vnet *rs = vn->vn_rtsock;

	/* Everything announced was taken back, and everyone has closed. */
	KASSERT(LIST_EMPTY(&rs->rs_listeners));
	KASSERT(TAILQ_EMPTY(&rs->rs_list));
	vn->vn_rtsock = NULL;
	kmem_free(vn->vn_kern, rs);
}

const struct vnet_subsys rtsock_subsys = {
	.vs_name = "rtsock",
	.vs_init = rtsock_init,
	.vs_fini = rtsock_fini,
};
