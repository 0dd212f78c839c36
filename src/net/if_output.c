/*
 * Packets going out: to the link type, to the driver, and the send queue of
 * drivers that have a start routine.
 */

#include <errno.h>

#include "net/bpf.h"
#include "net/if_impl.h"
#include "net/pfil.h"

void
if_output_vec(struct ifnet *ifp, int af, struct mvec *mv)
{
	const struct iftype_ops *it;
	uint32_t flags = __atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED);
	struct pfil_head *ph;

	ph = __atomic_load_n(&ifp->if_pfil, __ATOMIC_CONSUME);
	if (__builtin_expect(ph != NULL, 0)) {
		pfil_run_output(ph, ifp, af, mv);
		if (mv->mv_n == 0)
			return;
	}
	if_ctr_add(&if_ctr(ifp, net_curcpu()->ci_index)->
	    ic_stat[IF_STAT_OFFERED], mv->mv_n);
	if (__builtin_expect((flags & (IFF_UP | IFF_RUNNING)) !=
	    (IFF_UP | IFF_RUNNING), 0)) {
		mvec_drop(ifp, mv, if_is_deactivated(ifp) ?
		    DROP_OUT_DETACHING : DROP_OUT_IF_DOWN);
		return;
	}
	it = __atomic_load_n(&ifp->if_typeops, __ATOMIC_CONSUME);
	it->it_output(ifp, af, mv);
}

/* The default transmit: the send queue, then the driver's start. */
static int
snd_transmit(struct ifnet *ifp, struct mvec *mv)
{
	int error = 0;

	for (unsigned i = 0; i < mv->mv_n; i++)
		if (ifq_enqueue(ifp, mv->mv_m[i]) != 0)
			error = ENOBUFS;
	mv->mv_n = 0;
	ifq_start(ifp);
	return error;
}

static inline int
transmit(struct ifnet *ifp, struct mvec *mv)
{
	struct cpu *ci = net_curcpu();
	const struct if_ops *ops;
	struct pfil_head *ph;
	enum cpu_stage prev;
	int error = 0;

	prev = cpu_stage_enter(ci, STAGE_TRANSMIT, mv->mv_n);
	ph = __atomic_load_n(&ifp->if_pfil, __ATOMIC_CONSUME);
	if (ph != NULL)
		pfil_run(ph, ifp, PFIL_OUT, mv);
	if (mv->mv_n != 0) {
		bpf_tap_vec(ifp, mv, BPF_OUT);
		ops = __atomic_load_n(&ifp->if_ops, __ATOMIC_CONSUME);
		error = ops->transmit != NULL ? ops->transmit(ifp, mv) :
		    snd_transmit(ifp, mv);
	}
	(void)cpu_stage_switch(ci, prev);
	return error;
}

void
if_transmit_vec(struct ifnet *ifp, struct mvec *mv)
{

	(void)transmit(ifp, mv);
}

int
if_transmit_lock(struct ifnet *ifp, struct mbuf *m)
{
	struct mvec mv;

	mv.mv_n = 1;
	mv.mv_m[0] = m;
	return transmit(ifp, &mv);
}

void
if_transmit(struct ifnet *ifp, struct mbuf *m)
{

	(void)if_transmit_lock(ifp, m);
}

/* --- the send queue, and a second one ------------------------------------ */

/* It is read without the lock as well. */
static inline void
set_len(struct ifqueue *ifq, uint32_t len)
{

	__atomic_store_n(&ifq->ifq_len, len, __ATOMIC_RELAXED);
}

void
ifq_drop_list(struct ifnet *ifp, struct mbuf *m, enum drop_reason reason)
{
	struct mbuf *next;

	for (; m != NULL; m = next) {
		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m_drop(ifp, m, reason);
	}
}

/* ifq_lock: to the discipline.  Unlocks.  ENOBUFS: this one did not fit. */
static int
managed_enqueue(struct ifnet *ifp, struct mbuf *m)
{
	struct mbuf *over, *p;
	int error = 0;

	over = ifq_discipline_put(ifp, m);
	kspin_unlock(&ifp->if_snd.ifq_lock);
	for (p = over; p != NULL; p = p->m_nextpkt)
		if (p == m)
			error = ENOBUFS;
	ifq_drop_list(ifp, over, if_is_deactivated(ifp) ? DROP_OUT_DETACHING :
	    DROP_SNDQ_FULL);
	return error;
}

int
ifq_enqueue2(struct ifnet *ifp, struct ifqueue *second, struct mbuf *m)
{
	struct ifqueue *ifq = second;
	bool full;

	/* A discipline has every packet, whatever queue it was meant for. */
	if (second == NULL || __builtin_expect(__atomic_load_n(
	    &ifp->if_snd.ifq_managed, __ATOMIC_RELAXED), 0))
		ifq = &ifp->if_snd;
	m->m_nextpkt = NULL;
	kspin_lock(&ifq->ifq_lock);
	if (__builtin_expect(ifq->ifq_managed, 0))
		return managed_enqueue(ifp, m);
	full = ifq->ifq_len >= ifq->ifq_maxlen;
	if (!full) {
		if (ifq->ifq_head == NULL)
			ifq->ifq_head = m;
		else
			ifq->ifq_tail->m_nextpkt = m;
		ifq->ifq_tail = m;
		set_len(ifq, ifq->ifq_len + 1);
	} else
		ifq->ifq_drops++;
	kspin_unlock(&ifq->ifq_lock);
	if (!full)
		return 0;
	m_drop(ifp, m, if_is_deactivated(ifp) ? DROP_OUT_DETACHING :
	    DROP_SNDQ_FULL);
	return ENOBUFS;
}

int
ifq_enqueue(struct ifnet *ifp, struct mbuf *m)
{

	return ifq_enqueue2(ifp, NULL, m);
}

struct mbuf *
ifq_dequeue2(struct ifnet *ifp, struct ifqueue *second)
{
	struct ifqueue *ifq = second != NULL ? second : &ifp->if_snd;
	struct mbuf *m;

	kspin_lock(&ifq->ifq_lock);
	m = ifq->ifq_head;
	if (__builtin_expect(ifq->ifq_managed, 0)) {
		m = ifq_discipline_get(ifp);
	} else if (m != NULL) {
		ifq->ifq_head = m->m_nextpkt;
		set_len(ifq, ifq->ifq_len - 1);
		m->m_nextpkt = NULL;
	}
	kspin_unlock(&ifq->ifq_lock);
	return m;
}

struct mbuf *
ifq_dequeue(struct ifnet *ifp)
{

	return ifq_dequeue2(ifp, NULL);
}

/* The second queue, or NULL.  Set before attach, and constant then. */
static struct ifqueue *
second_queue(const struct ifnet *ifp)
{
	const struct if_ext *ie = __atomic_load_n(&ifp->if_ext,
	    __ATOMIC_ACQUIRE);

	return ie != NULL ? ie->ie_second : NULL;
}

int
ifq_attach2(struct ifnet *ifp, struct ifqueue *second, unsigned maxlen)
{
	struct if_ext *ie = if_ext_get(ifp);

	KASSERT(ifp->if_state == IFS_ALLOCATED && maxlen != 0);
	if (ie == NULL)
		return ENOMEM;
	*second = (struct ifqueue){ .ifq_maxlen = maxlen };
	ie->ie_second = second;
	return 0;
}

uint64_t
ifq_total(const struct ifnet *ifp)
{
	const struct ifqueue *second = second_queue(ifp);

	return (uint64_t)__atomic_load_n(&ifp->if_snd.ifq_len,
	    __ATOMIC_RELAXED) + (second != NULL ?
	    __atomic_load_n(&second->ifq_len, __ATOMIC_RELAXED) : 0);
}

static void
purge(struct ifnet *ifp, struct ifqueue *ifq, enum drop_reason reason)
{
	struct mbuf *m;

	/* No packet is freed with the lock held. */
	kspin_lock(&ifq->ifq_lock);
	m = ifq->ifq_managed ? ifq_discipline_purge(ifp) : ifq->ifq_head;
	ifq->ifq_head = ifq->ifq_tail = NULL;
	set_len(ifq, 0);
	kspin_unlock(&ifq->ifq_lock);
	ifq_drop_list(ifp, m, reason);
}

void
ifq_purge(struct ifnet *ifp, enum drop_reason reason)
{
	struct ifqueue *second = second_queue(ifp);

	purge(ifp, &ifp->if_snd, reason);
	if (second != NULL)
		purge(ifp, second, reason);
}

/* --- start, now or later -------------------------------------------------- */

/*
 * Whoever comes while another CPU is in the driver's start leaves it to that
 * one to look again.
 */
void
ifq_start(struct ifnet *ifp)
{
	struct ifqueue *ifq = &ifp->if_snd;
	const struct if_ops *ops;
	bool mine;

	kspin_lock(&ifq->ifq_lock);
	mine = ifq->ifq_start == IFQ_IDLE;
	ifq->ifq_start = mine ? IFQ_RUNNING : IFQ_AGAIN;
	kspin_unlock(&ifq->ifq_lock);
	while (mine) {
		ops = __atomic_load_n(&ifp->if_ops, __ATOMIC_CONSUME);
		if (ops->start != NULL && !(__atomic_load_n(&ifp->if_flags,
		    __ATOMIC_RELAXED) & IFF_OACTIVE))
			ops->start(ifp);
		kspin_lock(&ifq->ifq_lock);
		mine = ifq->ifq_start == IFQ_AGAIN;
		ifq->ifq_start = mine ? IFQ_RUNNING : IFQ_IDLE;
		kspin_unlock(&ifq->ifq_lock);
	}
}

/* All constant after if_deferred_start_init(). */
struct if_dstart {
	struct cpu_work	 ds_work;	/* first: a work is one of these */
	struct ifnet	*ds_ifp;
	void		(*ds_fn)(struct ifnet *);
};

static void
deferred_start(struct cpu_work *w)
{
	struct if_dstart *ds = (struct if_dstart *)w;

	if (!if_is_deactivated(ds->ds_ifp))
		ds->ds_fn(ds->ds_ifp);
}

int
if_deferred_start_init(struct ifnet *ifp, void (*fn)(struct ifnet *))
{
	struct if_ext *ie = if_ext_get(ifp);
	struct if_dstart *ds;

	KASSERT(ifp->if_state == IFS_ALLOCATED);
	if (ie == NULL)
		return ENOMEM;
	KASSERT(ie->ie_dstart == NULL);
	ds = kmem_zalloc(if_kern(ifp), sizeof(*ds));
	if (ds == NULL)
		return ENOMEM;
	ds->ds_work.cw_fn = deferred_start;
	ds->ds_ifp = ifp;
	ds->ds_fn = fn != NULL ? fn : ifq_start;
	ie->ie_dstart = ds;
	return 0;
}

int
ifq_copy(struct ifnet *ifp, const struct ifnet *from)
{
	const struct if_ext *old = from->if_ext;
	struct if_ext *ie = if_ext_get(ifp);

	if (ie == NULL)
		return ENOMEM;
	/* Nothing is put in before the detach has emptied it. */
	ie->ie_second = old->ie_second;
	return old->ie_dstart == NULL ? 0 :
	    if_deferred_start_init(ifp, old->ie_dstart->ds_fn);
}

/*
 * Nothing has to be stopped at detach.  Who passes the check here is in a read
 * section, which the detach waits for after it deactivated the interface; what
 * was scheduled then has run when its cross-call returns.
 */
bool
if_schedule_deferred_start(struct ifnet *ifp)
{
	const struct if_ops *ops = __atomic_load_n(&ifp->if_ops,
	    __ATOMIC_CONSUME);
	struct if_ext *ie = __atomic_load_n(&ifp->if_ext, __ATOMIC_ACQUIRE);

	KASSERT(ie != NULL && ie->ie_dstart != NULL);
	if (ops == &if_null_ops ||
	    (ops->transmit == NULL && ifq_total(ifp) == 0))
		return false;
	return cpu_work_schedule(if_kern(ifp), curcpu(),
	    &ie->ie_dstart->ds_work);
}
