/*
 * The send queue of drivers that have a start routine, a second one beside it,
 * and the start.
 */

#include <errno.h>

#include "kern/kern_impl.h"
#include "net/if_attach_impl.h"
#include "net/if_ext_impl.h"
#include "net/ifq_impl.h"

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
		cpu_len_set(&ifq->ifq_len, ifq->ifq_len + 1);
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
		cpu_len_set(&ifq->ifq_len, ifq->ifq_len - 1);
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

/* --- the second queue ---------------------------------------------------- */

struct second {
	struct ifqueue	*se_queue;	/* the driver's; constant */
};

static int	second_copy(struct ifnet *, const void *);

static const struct if_ext_tenant second_tenant = {
	.et_id = IF_EXT_SECOND,
	.et_size = sizeof(struct second),
	.et_copy = second_copy,
};

/* The second queue, or NULL.  Set before attach, and constant then. */
static struct ifqueue *
second_queue(const struct ifnet *ifp)
{
	const struct second *se = if_ext_find(ifp, IF_EXT_SECOND);

	return se != NULL ? se->se_queue : NULL;
}

int
ifq_attach2(struct ifnet *ifp, struct ifqueue *second, unsigned maxlen)
{
	struct second *se;

	KASSERT(ifp->if_state == IFS_ALLOCATED && maxlen != 0);
	se = if_ext_get(ifp, &second_tenant);
	if (se == NULL)
		return ENOMEM;
	*second = (struct ifqueue){ .ifq_maxlen = maxlen };
	se->se_queue = second;
	return 0;
}

/* Nothing is put in before the detach of the other interface has emptied it. */
static int
second_copy(struct ifnet *twin, const void *data)
{
	const struct second *old = data;
	struct second *se = if_ext_get(twin, &second_tenant);

	if (se == NULL)
		return ENOMEM;
	se->se_queue = old->se_queue;
	return 0;
}

/* --- both queues ---------------------------------------------------------- */

static uint64_t
drops_of(struct ifqueue *ifq)
{
	uint64_t drops;

	kspin_lock(&ifq->ifq_lock);
	drops = ifq->ifq_drops;
	kspin_unlock(&ifq->ifq_lock);
	return drops;
}

uint64_t
ifq_drops_total(struct ifnet *ifp)
{
	struct ifqueue *second = second_queue(ifp);

	return drops_of(&ifp->if_snd) +
	    (second != NULL ? drops_of(second) : 0);
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
	cpu_len_set(&ifq->ifq_len, 0);
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

/* --- start ---------------------------------------------------------------- */

/*
 * A CPU that comes while another one is in the driver's start leaves it to that
 * CPU to look at the queue again.
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
