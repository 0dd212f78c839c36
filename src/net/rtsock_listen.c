/*
 * Listening: a listener's queue, and its walk over what stands when it begins
 * with a snapshot.
 */

#include "net/rtsock_impl.h"

#include <errno.h>
#include <string.h>

#define QUEUE_MIN	(2 * RT_MSG_MAX)
/* How far a walk goes under the lock over what its listener did not ask for. */
#define WALK_STEPS	256

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

void
rts_enqueue(struct rt_listener *l, const struct rt_hdr *h)
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
		rts_describe(rs, rn, part, kind, snapshot_type(kind), 0, h);
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
