/*
 * Link state.  Changes may be reported from any context; each interface
 * queues up to eight, and CPU 0 handles them in order, one of each interface
 * a turn.
 */

#include "net/if_attach_impl.h"
#include "net/if_carp_impl.h"
#include "net/if_ext_impl.h"
#include "net/if_history_impl.h"
#include "net/if_link_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "net/rtsock.h"

#include <errno.h>

/*
 *	q:	lw_lock, which protects if_linkq* of the interfaces too
 */
struct ifv_link {
	struct cpu_work	 lw_work;	/* kern's */
	struct kspin	 lw_lock;
	unsigned	 lw_n;		/* q: interfaces on the list */
	struct ifnet	*lw_head, *lw_tail; /* q: those with a change */
	struct vnet	*lw_vnet;	/* constant */
	uint64_t	 lw_lost;	/* q: */
};

/* A link that comes up is told of only after it held so long. */
struct hold {
	struct callout	 ho_timer;	/* armed on CPU 0 */
	uint32_t	 ho_ms;		/* a: 0: at once */
	bool		 ho_ready;	/* a: ho_timer can be armed */
};

static int	hold_copy(struct ifnet *, const void *);

static const struct if_ext_tenant hold_tenant = {
	.et_id = IF_EXT_HOLDDOWN,
	.et_size = sizeof(struct hold),
	.et_copy = hold_copy,
};

/* --- the queue of an interface; q: held ---------------------------------- */

static unsigned
linkq_item(const struct ifnet *ifp, unsigned i)
{

	return (ifp->if_linkq >> (2 * i)) & 3u;
}

static void
linkq_remove(struct ifnet *ifp, unsigned i)
{
	unsigned below = (1u << (2 * i)) - 1, q = ifp->if_linkq;

	ifp->if_linkq = (uint16_t)((q & below) | ((q >> 2) & ~below));
	ifp->if_linkq_n--;
}

/*
 * Room for one more: the oldest goes, but never a DOWN.  Two DOWNs that meet
 * then are one.
 */
static void
linkq_make_room(struct ifnet *ifp)
{
	unsigned i = 0;

	while (linkq_item(ifp, i) == LINK_STATE_DOWN)
		i++;
	/* Neighbours differ, so of the first two one is not a DOWN. */
	KASSERT(i < 2);
	linkq_remove(ifp, i);
	if (i > 0 && linkq_item(ifp, i - 1) == linkq_item(ifp, i)) {
		linkq_remove(ifp, i);
		ifp->if_link_coalesced++;
	}
}

/*
 * Count a loss of carrier when it is reported: nobody may ever be told of it,
 * because the next report makes up for it, or the queue is full.
 */
static void
linkq_report(struct ifnet *ifp, unsigned state)
{
	unsigned before = __atomic_load_n(&ifp->if_link_state,
	    __ATOMIC_RELAXED);

	if ((ifp->if_linkq_flags & IFLQ_REPORTED) != 0)
		before = ifp->if_linkq_flags >> IFLQ_SHIFT;
	if (before == LINK_STATE_UP && state == LINK_STATE_DOWN)
		__atomic_store_n(&ifp->if_link_flaps, ifp->if_link_flaps + 1,
		    __ATOMIC_RELAXED);
	ifp->if_linkq_flags = (uint8_t)((ifp->if_linkq_flags &
	    ((1u << IFLQ_SHIFT) - 1)) | IFLQ_REPORTED | state << IFLQ_SHIFT);
}

/* Queue a change; was one lost? */
static bool
linkq_put(struct ifnet *ifp, unsigned state)
{
	unsigned n = ifp->if_linkq_n;
	bool lost = false;

	if (n > 0 && linkq_item(ifp, n - 1) == state) {
		ifp->if_link_coalesced++;
		return false;
	}
	if (n == IFLQ_MAX) {
		linkq_make_room(ifp);
		ifp->if_link_lost++;
		lost = true;
	}
	n = ifp->if_linkq_n++;
	ifp->if_linkq = (uint16_t)((ifp->if_linkq & ~(3u << (2 * n))) |
	    state << (2 * n));
	return lost;
}

/* --- the list of interfaces; q: held ------------------------------------ */

static void
pending_put(struct ifv_link *lw, struct ifnet *ifp)
{

	ifp->if_linknext = NULL;
	if (lw->lw_head == NULL)
		lw->lw_head = ifp;
	else
		lw->lw_tail->if_linknext = ifp;
	lw->lw_tail = ifp;
	lw->lw_n++;
	ifp->if_linkq_flags |= IFLQ_PENDING;
}

static struct ifnet *
pending_get(struct ifv_link *lw)
{
	struct ifnet *ifp = lw->lw_head;

	if (ifp == NULL)
		return NULL;
	lw->lw_head = ifp->if_linknext;
	lw->lw_n--;
	ifp->if_linkq_flags &= (uint8_t)~IFLQ_PENDING;
	return ifp;
}

static void
pending_remove(struct ifv_link *lw, struct ifnet *ifp)
{
	struct ifnet *prev = NULL, *p;

	if ((ifp->if_linkq_flags & IFLQ_PENDING) == 0)
		return;
	for (p = lw->lw_head; p != ifp; p = p->if_linknext)
		prev = p;
	if (prev == NULL)
		lw->lw_head = ifp->if_linknext;
	else
		prev->if_linknext = ifp->if_linknext;
	if (lw->lw_tail == ifp)
		lw->lw_tail = prev;
	lw->lw_n--;
	ifp->if_linkq_flags &= (uint8_t)~IFLQ_PENDING;
}

/* --- handling, on CPU 0 ------------------------------------------------- */

static void
tell_domains(struct ifnet *ifp, int state)
{
	const struct domain *dom;

	for (int i = 0; i < DOM_SLOT_MAX; i++) {
		dom = ifp->if_vnet->vn_if->ifv_domain[i];
		if (dom != NULL && dom->dom_if_link_state != NULL)
			dom->dom_if_link_state(ifp, state);
	}
	rt_if_state(ifp);
}

static void
link_state_set(struct ifnet *ifp, unsigned state)
{
	unsigned old = ifp->if_link_state;

	if (old == state)
		return;
	/* Duplicate address detection starts over when a link comes up, also
	 * after a state that was unknown. */
	if (old == LINK_STATE_UNKNOWN && state == LINK_STATE_UP)
		tell_domains(ifp, LINK_STATE_DOWN);
	__atomic_store_n(&ifp->if_link_state, (uint8_t)state,
	    __ATOMIC_RELAXED);
	__atomic_store_n(&ifp->if_lastchange_ns,
	    host_wallclock(if_host(ifp)), __ATOMIC_RELAXED);
	if_history_event(ifp, IFHIST_LINK, old, state);
	rt_ifmsg(ifp);
	if_carp_state(ifp);
	tell_domains(ifp, (int)state);
}

/* The link has been up for long enough. */
static void
hold_over(void *arg)
{

	link_state_set(arg, LINK_STATE_UP);
}

/*
 * A change of one that is held down: UP waits, and whatever comes meanwhile
 * takes its place.  Everything else is told at once, DOWN above all.
 */
static void
link_state_hold(struct ifnet *ifp, struct hold *ho, unsigned state)
{
	struct ifv_link *lw = ifp->if_vnet->vn_if->ifv_link;
	uint32_t ms = __atomic_load_n(&ho->ho_ms, __ATOMIC_RELAXED);

	if (state == LINK_STATE_UP && ifp->if_link_state != LINK_STATE_UP &&
	    ms != 0) {
		if (!callout_pending(&ho->ho_timer))
			callout_reset(&ho->ho_timer, ms * 1000000ull,
			    hold_over, ifp);
		return;
	}
	if (state != LINK_STATE_UP && callout_stop(&ho->ho_timer)) {
		kspin_lock(&lw->lw_lock);
		ifp->if_link_coalesced++;
		kspin_unlock(&lw->lw_lock);
	}
	link_state_set(ifp, state);
}

static void
link_state_handle(struct ifnet *ifp, unsigned state)
{
	struct hold *ho = if_ext_find(ifp, IF_EXT_HOLDDOWN);

	if (ho != NULL && __atomic_load_n(&ho->ho_ready, __ATOMIC_ACQUIRE))
		link_state_hold(ifp, ho, state);
	else
		link_state_set(ifp, state);
}

static void
link_intr(struct cpu_work *w)
{
	struct ifv_link *lw = (struct ifv_link *)w;
	struct ifnet *ifp;
	unsigned n, state;

	kspin_lock(&lw->lw_lock);
	/* Each interface listed now, once; with more changes it goes behind. */
	for (n = lw->lw_n; n > 0 && (ifp = pending_get(lw)) != NULL; n--) {
		state = linkq_item(ifp, 0);
		linkq_remove(ifp, 0);
		if (ifp->if_linkq_n > 0)
			pending_put(lw, ifp);
		kspin_unlock(&lw->lw_lock);
		/* Stays good: a detach waits for this read section. */
		link_state_handle(ifp, state);
		kspin_lock(&lw->lw_lock);
	}
	n = lw->lw_n;
	kspin_unlock(&lw->lw_lock);
	if (n > 0)
		(void)cpu_work_schedule(lw->lw_vnet->vn_kern,
		    kern_cpu(lw->lw_vnet->vn_kern, 0), &lw->lw_work);
}

void
if_link_state_change(struct ifnet *ifp, int state)
{
	struct ifv_link *lw = ifp->if_vnet->vn_if->ifv_link;
	uint32_t nlost;
	bool lost;

	if (state != LINK_STATE_UNKNOWN && state != LINK_STATE_DOWN &&
	    state != LINK_STATE_UP)
		return;
	if ((ifp->if_extflags & IFEF_NO_LINK_STATE_CHANGE) != 0)
		return;
	if (__atomic_load_n(&ifp->if_state, __ATOMIC_RELAXED) ==
	    IFS_ALLOCATED) {
		/* Not attached yet: nothing to announce. */
		__atomic_store_n(&ifp->if_link_state, (uint8_t)state,
		    __ATOMIC_RELAXED);
		return;
	}

	kspin_lock(&lw->lw_lock);
	if ((ifp->if_linkq_flags & IFLQ_DEAD) != 0) {
		kspin_unlock(&lw->lw_lock);
		return;
	}
	linkq_report(ifp, (unsigned)state);
	lost = linkq_put(ifp, (unsigned)state);
	if (lost)
		lw->lw_lost++;
	nlost = ifp->if_link_lost;
	if ((ifp->if_linkq_flags & IFLQ_PENDING) == 0)
		pending_put(lw, ifp);
	kspin_unlock(&lw->lw_lock);

	/* The first, and then ever more rarely: a storm must not fill the log
	 * as well. */
	if (lost && (nlost & (nlost - 1)) == 0)
		if_klog(ifp, KLOG_WARNING, "a link state change was lost, "
		    "the %u. so far", nlost);
	(void)cpu_work_schedule(if_kern(ifp), kern_cpu(if_kern(ifp), 0),
	    &lw->lw_work);
}

/* q: what it would have come to: for one that goes on in another vnet. */
static void
set_last(struct ifnet *ifp, unsigned state)
{

	ifp->if_linkq = (uint16_t)state;
	ifp->if_linkq_flags |= IFLQ_LAST;
}

/* Forget what is queued but for the last of it, and take no more. */
void
if_link_detach(struct ifnet *ifp)
{
	struct ifv_link *lw = ifp->if_vnet->vn_if->ifv_link;

	kspin_lock(&lw->lw_lock);
	pending_remove(lw, ifp);
	if (ifp->if_linkq_n > 0)
		set_last(ifp, linkq_item(ifp, ifp->if_linkq_n - 1u));
	ifp->if_linkq_n = 0;
	ifp->if_linkq_flags |= IFLQ_DEAD;
	kspin_unlock(&lw->lw_lock);
}

int
if_link_last(const struct ifnet *ifp)
{

	return (ifp->if_linkq_flags & IFLQ_LAST) != 0 ?
	    (int)linkq_item(ifp, 0) : ifp->if_link_state;
}

/* --- hold-down, operational state ----------------------------------------- */

int
if_link_set_holddown(struct ifnet *ifp, uint32_t ms)
{
	struct hold *ho;

	KASSERT(if_ioctl_locked(ifp));
	if (ms == 0 && if_ext_find(ifp, IF_EXT_HOLDDOWN) == NULL)
		return 0;
	ho = if_ext_get(ifp, &hold_tenant);
	if (ho == NULL)
		return ENOMEM;
	if (!ho->ho_ready)
		callout_init(if_kern(ifp), &ho->ho_timer);
	__atomic_store_n(&ho->ho_ms, ms, __ATOMIC_RELAXED);
	__atomic_store_n(&ho->ho_ready, true, __ATOMIC_RELEASE);
	return 0;
}

static int
hold_copy(struct ifnet *twin, const void *data)
{
	const struct hold *ho = data;
	int error;

	if_ioctl_lock(twin);
	error = if_link_set_holddown(twin, ho->ho_ms);
	if_ioctl_unlock(twin);
	return error;
}

uint32_t
if_link_holddown(const struct ifnet *ifp)
{
	const struct hold *ho = if_ext_find(ifp, IF_EXT_HOLDDOWN);

	return ho == NULL ? 0 : __atomic_load_n(&ho->ho_ms, __ATOMIC_RELAXED);
}

void
if_link_hold_detach(struct ifnet *ifp)
{
	struct hold *ho = if_ext_find(ifp, IF_EXT_HOLDDOWN);

	if (ho == NULL || !ho->ho_ready)
		return;
	/* Up, as far as it knows, if nothing came after. */
	if (callout_pending(&ho->ho_timer) &&
	    (ifp->if_linkq_flags & IFLQ_LAST) == 0)
		set_last(ifp, LINK_STATE_UP);
	callout_halt(&ho->ho_timer);
}

void
if_link_counts(struct ifnet *ifp, uint64_t *coalesced, uint64_t *lost)
{
	struct ifv_link *lw = ifp->if_vnet->vn_if->ifv_link;

	kspin_lock(&lw->lw_lock);
	*coalesced = ifp->if_link_coalesced;
	*lost = ifp->if_link_lost;
	kspin_unlock(&lw->lw_lock);
}

void
if_oper_reason(struct ifnet *ifp, uint8_t why)
{

	if (why != 0 && why != IF_OPER_DOWN_LOWER && why != IF_OPER_TESTING)
		return;
	if (__atomic_exchange_n(&ifp->if_oper_why, why, __ATOMIC_RELAXED) !=
	    why && __atomic_load_n(&ifp->if_state, __ATOMIC_RELAXED) !=
	    IFS_ALLOCATED)
		rt_ifmsg(ifp);
}

uint64_t
if_link_lost(struct vnet *vn)
{
	struct ifv_link *lw = vn->vn_if->ifv_link;
	uint64_t n;

	kspin_lock(&lw->lw_lock);
	n = lw->lw_lost;
	kspin_unlock(&lw->lw_lock);
	return n;
}

int
if_link_init(struct vnet *vn)
{
	struct ifv_link *lw;

	lw = kmem_zalloc(vn->vn_kern, sizeof(*lw));
	if (lw == NULL)
		return ENOMEM;
	lw->lw_vnet = vn;
	lw->lw_work.cw_fn = link_intr;
	vn->vn_if->ifv_link = lw;
	return 0;
}

static void
nothing(void *arg)
{

	(void)arg;
}

void
if_link_fini(struct vnet *vn)
{
	struct ifv_link *lw = vn->vn_if->ifv_link;

	KASSERT(lw->lw_n == 0);
	/* No interface is left to schedule it; let it run out. */
	while (__atomic_load_n(&lw->lw_work.cw_queued, __ATOMIC_ACQUIRE)) {
		if (!vn->vn_kern->k_threaded)
			kern_run(vn->vn_kern);
		else
			kern_xcall(vn->vn_kern, nothing, NULL);
	}
	kern_xcall(vn->vn_kern, nothing, NULL);
	kmem_free(vn->vn_kern, lw);
	vn->vn_if->ifv_link = NULL;
}
