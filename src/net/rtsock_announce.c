/*
 * Announcing: the list of what stands, and telling those who listen.
 */

#include "net/rtsock_impl.h"

#include <string.h>

#include "net/if_addr_impl.h"
#include "net/neigh.h"
#include "net/if_vnet_impl.h"

enum rts_op { RTS_SET, RTS_NEWS, RTS_CLEAR };

/*
 * An announcement about an object of one of the four kinds.  An address and its
 * own routes share a node, of which they are parts; any other object is part 0
 * of its node.
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

static inline bool
nobody_listens(const struct rtsock_vnet *rs)
{

	return __atomic_load_n(&rs->rs_nlisteners, __ATOMIC_RELAXED) == 0;
}

static void
describe(struct rtsock_vnet *rs, const struct announcement *an,
    union rts_msgbuf *buf)
{

	if (an->an_type == RTM_IFRENAME)
		rts_fill_rename(node_object(an->an_node, offsetof(struct ifnet,
		    if_rts)), an->an_oldname, buf);
	else
		rts_describe(rs, an->an_node, an->an_part, an->an_kind,
		    an->an_type, an->an_what, buf);
}

/*
 * A description that is made before rs_lock is taken.  It is good as long as
 * nothing else was announced since it was begun: what somebody else changed and
 * announced must not look undone by an older description that comes later.
 */
struct draft {
	union rts_msgbuf dr_buf;
	uint64_t	 dr_head;	/* of the log, before it was begun */
	bool		 dr_made;
};

static void
draft(struct rtsock_vnet *rs, const struct announcement *an, struct draft *dr)
{

	dr->dr_made = !nobody_listens(rs);
	if (!dr->dr_made)
		return;
	dr->dr_head = __atomic_load_n(&rs->rs_head, __ATOMIC_SEQ_CST);
	describe(rs, an, &dr->dr_buf);
}

/* rs: into the log, for those who listen. */
static void
tell(struct rtsock_vnet *rs, const struct announcement *an, struct draft *dr)
{
	struct rts_rec rr = {
		.rr_kind = (uint8_t)an->an_kind,
		.rr_part = (uint8_t)an->an_part,
		.rr_place = node_seq(an->an_node),
	};

	if (nobody_listens(rs))
		return;
	if (!dr->dr_made || dr->dr_head != rs->rs_head)
		describe(rs, an, &dr->dr_buf);
	dr->dr_buf.mb_hdr.rtm_time_ns = host_wallclock(rs->rs_kern->k_host);
	if (an->an_instead != NULL) {
		rr.rr_flags = RTS_REC_OLD;
		rr.rr_oldpart = (uint8_t)an->an_instead->an_part;
		rr.rr_oldplace = node_seq(an->an_instead->an_node);
	}
	rts_log_append(rs, &rr, &dr->dr_buf.mb_hdr);
}

static inline void
node_set_word(struct rts_node *rn, uint64_t word)
{

	__atomic_store_n(&rn->rn_word, word, __ATOMIC_RELAXED);
}

static void
node_append(struct rtsock_vnet *rs, struct rts_node *rn, uint64_t low)
{

	node_set_word(rn, ++rs->rs_seq << NODE_SHIFT | low);
	TAILQ_INSERT_TAIL(&rs->rs_list, rn, rn_link);
}

/* rs: for the walks that have yet to come to the node: what they would show. */
static void
tell_instead(struct rtsock_vnet *rs, struct rts_node *rn)
{
	struct rts_rec rr = {
		.rr_flags = RTS_REC_INSTEAD, .rr_place = node_seq(rn),
	};
	union rts_msgbuf buf;
	uint32_t kind;

	for (unsigned part = 0; part < NODE_PARTS; part++) {
		if (!node_has(rn, part))
			continue;
		kind = part_kind(node_kind(rn), part);
		rr.rr_kind = (uint8_t)kind;
		rr.rr_part = (uint8_t)part;
		rts_describe(rs, rn, part, kind, snapshot_type(kind), 0, &buf);
		buf.mb_hdr.rtm_time_ns = host_wallclock(rs->rs_kern->k_host);
		rts_log_append(rs, &rr, &buf.mb_hdr);
	}
}

/*
 * rs: a part is added to a node that is in the list already.  The new part may
 * take the place of another object, whose end was announced just before and is
 * still in the log.  A walk that has yet to come to the node would show the
 * part before the listener reads of that end.  So the node moves to the end of
 * the list, behind every walk, and its earlier parts are announced to the
 * listeners that are walking.
 */
static void
node_renew(struct rtsock_vnet *rs, struct rts_node *rn)
{

	if (rs->rs_nwalking == 0)
		return;
	tell_instead(rs, rn);
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
	struct draft dr;
	bool was;

	draft(rs, an, &dr);
	kspin_lock(&rs->rs_lock);
	was = node_has(rn, an->an_part);
	if (!was && op == RTS_SET)
		node_insert(rs, rn, an->an_part, an->an_nodekind);
	if (node_has(rn, an->an_part))
		tell(rs, an, &dr);
	if (was && op == RTS_CLEAR)
		node_remove(rs, rn, an->an_part);
	kspin_unlock(&rs->rs_lock);
	rts_wake(rs);
	return was;
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

	if (nobody_listens(ifp->if_vnet->vn_rtsock))
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
		pa = ifa_proto(rt->rt_ownifa);
		an->an_node = &pa->pa_rts;
		an->an_part = 1u + rt->rt_own;
		an->an_nodekind = RTS_ADDR;
	} else {
		an->an_node = &((struct rtfull *)(uintptr_t)rt)->rf_rts;
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
	struct draft dr;

	route_node(oldrt, &old);
	route_node(&newrt->rf_rt, &an);
	draft(rs, &an, &dr);
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
		tell(rs, &an, &dr);
		node_remove(rs, old.an_node, old.an_part);
	}
	kspin_unlock(&rs->rs_lock);
	rts_wake(rs);
}

void
rt_neighmsg(uint8_t type, const struct neigh *ne)
{
	const struct announcement an = {
		.an_node = (struct rts_node *)(uintptr_t)&ne->ne_rts,
		.an_kind = RTS_NEIGH,
		.an_nodekind = RTS_NEIGH,
		.an_type = type,
	};

	/* Senders refresh neighbours all the time. */
	if (type != RTM_DELETE &&
	    nobody_listens(ne->ne_ifp->if_vnet->vn_rtsock) &&
	    __atomic_load_n(&ne->ne_rts.rn_word, __ATOMIC_RELAXED) != 0)
		return;
	(void)announce(ne->ne_ifp->if_vnet, type == RTM_DELETE ? RTS_CLEAR :
	    RTS_SET, &an);
}

void
rts_change_begin(struct vnet *vn)
{

	kspin_lock(&vn->vn_rtsock->rs_lock);
}

void
rts_change_end(struct vnet *vn)
{

	kspin_unlock(&vn->vn_rtsock->rs_lock);
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
