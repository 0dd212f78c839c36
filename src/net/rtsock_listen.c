/*
 * Listening: a listener's position in the log, its queue, and its walk over
 * what stands when it begins with a snapshot.
 */

#include "kern/kern_impl.h"
#include "net/rtsock_impl.h"

#include <errno.h>
#include <string.h>

#define QUEUE_MIN	RT_MSG_MAX
/* How far a walk goes under the lock over what its listener did not ask for. */
#define WALK_STEPS	64
/* How often it catches up with the log before it does so under the lock. */
#define CATCH_UP	4
/* How long the waker rests for each listener it woke, and at most: with very
 * many of them their news come later rather than all the time. */
#define WAKE_REST_NS	50000
#define WAKE_REST_MAX_NS (10 * 1000 * 1000)

/* --- a listener's queue --------------------------------------------------- */

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
	/* A reader that keeps up touches the beginning of its queue alone. */
	if (l->l_used == 0)
		l->l_head = 0;
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

/* Into the queue, or lost. */
static void
enqueue(struct rt_listener *l, const struct rt_hdr *h)
{
	size_t room = l->l_size - l->l_used, need = h->rtm_len;
	struct rt_overrun_msg rto;

	/* After a loss the record of it goes first. */
	if (l->l_lost != 0)
		need += sizeof(rto);
	if (need > room) {
		l->l_lost++;
		return;
	}
	if (l->l_lost != 0) {
		fill_overrun(l, &rto);
		ring_put(l, &rto, sizeof(rto));
	}
	ring_put(l, h, h->rtm_len);
}

/* --- from the log into the queue ------------------------------------------ */

/* Messages of the listener's kinds among those counted. */
static uint32_t
count_wanted(const struct rt_listener *l, const uint32_t *count)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < RTS_NKINDS; i++)
		if ((l->l_what & 1u << i) != 0)
			n += __atomic_load_n(&count[i], __ATOMIC_ACQUIRE);
	return n;
}

/* The log went over what was not read yet: on with the oldest there is. */
static void
overrun(struct rt_listener *l)
{
	uint32_t before = count_wanted(l, l->l_count);

	l->l_cursor = rts_log_oldest(l->l_rs, l->l_count);
	l->l_lost += (uint32_t)(count_wanted(l, l->l_count) - before);
}

/*
 * Does the listener want the record?  Between the record and now its walk has
 * not moved: it catches up before every step.
 */
static bool
is_wanted(const struct rt_listener *l, const struct rts_rec *rr)
{
	bool ahead;

	if ((l->l_what & rr->rr_kind) == 0)
		return false;
	ahead = still_ahead(l, rr->rr_place, rr->rr_part);
	return ahead == ((rr->rr_flags & RTS_REC_INSTEAD) != 0);
}

static void
consume(struct rt_listener *l, const struct rts_rec *rr)
{

	l->l_cursor += rr->rr_len;
	memcpy(l->l_count, rr->rr_before, sizeof(l->l_count));
	if ((rr->rr_flags & RTS_REC_INSTEAD) == 0)
		l->l_count[kind_index(rr->rr_kind)]++;
}

static bool
is_behind(const struct rt_listener *l)
{

	return __atomic_load_n(&l->l_rs->rs_head, __ATOMIC_SEQ_CST) !=
	    l->l_cursor;
}

/* Queue what was announced since the last time. */
static void
catch_up(struct rt_listener *l)
{
	union rts_msgbuf buf;
	struct rts_rec rr;

	while (is_behind(l)) {
		if (!rts_log_read(l->l_rs, l->l_cursor, &rr, NULL)) {
			overrun(l);
			continue;
		}
		if (is_wanted(l, &rr)) {
			if (!rts_log_read(l->l_rs, l->l_cursor, &rr, &buf))
				continue;
			if ((rr.rr_flags & RTS_REC_OLD) != 0 &&
			    still_ahead(l, rr.rr_oldplace, rr.rr_oldpart))
				buf.mb_hdr.rtm_type = RTM_ADD;
			enqueue(l, &buf.mb_hdr);
		}
		consume(l, &rr);
	}
}

/* --- waking --------------------------------------------------------------- */

void
rts_wake(struct rtsock_vnet *rs)
{

	if (__atomic_load_n(&rs->rs_nidle, __ATOMIC_SEQ_CST) != 0)
		ktask_schedule(rs->rs_kern, &rs->rs_task);
}

/* true: it was idle, and the caller has it to itself. */
static bool
take_idle(struct rt_listener *l)
{

	if (__atomic_exchange_n(&l->l_idle, 0, __ATOMIC_SEQ_CST) == 0)
		return false;
	__atomic_fetch_sub(&l->l_rs->rs_nidle, 1, __ATOMIC_SEQ_CST);
	return true;
}

static void
go_idle(struct rt_listener *l)
{

	__atomic_store_n(&l->l_wanted, count_wanted(l, l->l_count),
	    __ATOMIC_RELAXED);
	__atomic_fetch_add(&l->l_rs->rs_nidle, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&l->l_idle, 1, __ATOMIC_SEQ_CST);
}

/* The task: wake those who are idle and have something to read. */
static void
wake_idle(void *arg)
{
	struct rtsock_vnet *rs = arg;
	struct kern *k = rs->rs_kern;
	struct rt_listener *l;
	uint64_t rest = 0;

	host_mutex_lock(k->k_host, &rs->rs_llock);
	LIST_FOREACH(l, &rs->rs_listeners, l_link) {
		if (__atomic_load_n(&l->l_idle, __ATOMIC_SEQ_CST) == 0 ||
		    count_wanted(l, rs->rs_count) ==
		    __atomic_load_n(&l->l_wanted, __ATOMIC_RELAXED) ||
		    !take_idle(l))
			continue;
		if (l->l_wakeup != NULL)
			l->l_wakeup(l->l_arg);
		rest += WAKE_REST_NS;
	}
	host_mutex_unlock(k->k_host, &rs->rs_llock);
	/* Announcements made meanwhile are for one more round. */
	if (k->k_threaded && rest != 0)
		host_sleep(k->k_host, rest < WAKE_REST_MAX_NS ? rest :
		    WAKE_REST_MAX_NS);
}

/* --- listening ----------------------------------------------------------- */

/* ll: it is told of what is announced from here on. */
static void
listener_insert(struct rtsock_vnet *rs, struct rt_listener *l)
{

	LIST_INSERT_HEAD(&rs->rs_listeners, l, l_link);
	kspin_lock(&rs->rs_lock);
	l->l_last = rs->rs_seq;
	l->l_cursor = rs->rs_head;
	memcpy(l->l_count, rs->rs_count, sizeof(l->l_count));
	if (l->l_walking) {
		TAILQ_INSERT_HEAD(&rs->rs_list, &l->l_mark, rn_link);
		rs->rs_nwalking++;
	} else
		go_idle(l);
	__atomic_store_n(&rs->rs_nlisteners, rs->rs_nlisteners + 1,
	    __ATOMIC_RELAXED);
	kspin_unlock(&rs->rs_lock);
}

int
rt_listener_open(struct vnet *vn, unsigned what, size_t queue_bytes,
    void (*wakeup)(void *), void *arg, struct rt_listener **lp)
{
	struct rtsock_vnet *rs = vn->vn_rtsock;
	struct kern *k = rs->rs_kern;
	struct rt_listener *l;
	int error;

	if (queue_bytes < QUEUE_MIN)
		queue_bytes = QUEUE_MIN;
	l = kmem_zalloc(k, sizeof(*l));
	if (l == NULL)
		return ENOMEM;
	l->l_ring = kmem_zalloc(k, queue_bytes);
	if (l->l_ring == NULL) {
		kmem_free(k, l);
		return ENOMEM;
	}
	l->l_rs = rs;
	l->l_what = what;
	l->l_size = queue_bytes;
	l->l_wakeup = wakeup;
	l->l_arg = arg;
	l->l_walking = (what & RTS_SNAPSHOT) != 0;
	host_mutex_lock(k->k_host, &rs->rs_llock);
	error = rts_log_get(rs, queue_bytes < RTS_LOG_MIN ? RTS_LOG_MIN :
	    queue_bytes);
	if (error == 0)
		listener_insert(rs, l);
	host_mutex_unlock(k->k_host, &rs->rs_llock);
	if (error != 0) {
		kmem_free(k, l->l_ring);
		kmem_free(k, l);
		return error;
	}
	*lp = l;
	/* A snapshot is something to read. */
	if (l->l_walking && wakeup != NULL)
		wakeup(arg);
	return 0;
}

void
rt_listener_close(struct rt_listener *l)
{
	struct rtsock_vnet *rs = l->l_rs;
	struct kern *k = rs->rs_kern;

	host_mutex_lock(k->k_host, &rs->rs_llock);
	/* The waker does not find it any more. */
	LIST_REMOVE(l, l_link);
	(void)take_idle(l);
	kspin_lock(&rs->rs_lock);
	if (l->l_walking) {
		TAILQ_REMOVE(&rs->rs_list, &l->l_mark, rn_link);
		rs->rs_nwalking--;
	}
	__atomic_store_n(&rs->rs_nlisteners, rs->rs_nlisteners - 1,
	    __ATOMIC_RELAXED);
	kspin_unlock(&rs->rs_lock);
	if (LIST_EMPTY(&rs->rs_listeners))
		rts_log_put(rs);
	host_mutex_unlock(k->k_host, &rs->rs_llock);
	kmem_free(k, l->l_ring);
	kmem_free(k, l);
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
			rs->rs_nwalking--;
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

/* The next step of the walk, when nothing was announced since the last one
 * that is not queued. */
static void
walk_on(struct rt_listener *l, struct rt_hdr *h)
{
	struct rtsock_vnet *rs = l->l_rs;
	bool there;

	do {
		for (unsigned i = 0; i < CATCH_UP && is_behind(l); i++)
			catch_up(l);
		kspin_lock(&rs->rs_lock);
		there = !is_behind(l) && walk(l, h);
		kspin_unlock(&rs->rs_lock);
	} while (!there);
}

/* The next message that is queued; false: none is. */
static bool
take_queued(struct rt_listener *l, struct rt_hdr *h)
{

	if (l->l_used != 0) {
		ring_get(l, h, sizeof(*h));
		ring_get(l, h + 1, h->rtm_len - sizeof(*h));
		return true;
	}
	if (l->l_lost != 0) {
		fill_overrun(l, (struct rt_overrun_msg *)(void *)h);
		return true;
	}
	return false;
}

size_t
rt_listener_read(struct rt_listener *l, void *msg)
{
	struct rt_hdr *h = msg;

	(void)take_idle(l);
	for (;;) {
		/* The snapshot first: the log tells of objects that the walk
		 * has shown, and of newer ones. */
		if (l->l_walking) {
			walk_on(l, h);
			break;
		}
		catch_up(l);
		if (take_queued(l, h))
			break;
		/* Idle first: what is announced from then on wakes it. */
		go_idle(l);
		if (!is_behind(l))
			return 0;
		(void)take_idle(l);
	}
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
	host_mutex_init(vn->vn_kern->k_host, &rs->rs_llock);
	rs->rs_task.kt_fn = wake_idle;
	rs->rs_task.kt_arg = rs;
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
	ktask_cancel(vn->vn_kern, &rs->rs_task);
	host_mutex_destroy(vn->vn_kern->k_host, &rs->rs_llock);
	vn->vn_rtsock = NULL;
	kmem_free(vn->vn_kern, rs);
}

const struct vnet_subsys rtsock_subsys = {
	.vs_name = "rtsock",
	.vs_init = rtsock_init,
	.vs_fini = rtsock_fini,
};
