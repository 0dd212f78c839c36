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
static void
snd_transmit(struct ifnet *ifp, const struct if_ops *ops, struct mvec *mv)
{

	for (unsigned i = 0; i < mv->mv_n; i++)
		(void)ifq_enqueue(ifp, mv->mv_m[i]);
	mv->mv_n = 0;
	if (ops->start != NULL && !(__atomic_load_n(&ifp->if_flags,
	    __ATOMIC_RELAXED) & IFF_OACTIVE))
		ops->start(ifp);
}

void
if_transmit_vec(struct ifnet *ifp, struct mvec *mv)
{
	struct cpu *ci = net_curcpu();
	const struct if_ops *ops;
	struct pfil_head *ph;
	enum cpu_stage prev;

	prev = cpu_stage_enter(ci, STAGE_TRANSMIT, mv->mv_n);
	ph = __atomic_load_n(&ifp->if_pfil, __ATOMIC_CONSUME);
	if (ph != NULL)
		pfil_run(ph, ifp, PFIL_OUT, mv);
	if (mv->mv_n != 0) {
		bpf_tap_vec(ifp, mv, BPF_OUT);
		ops = __atomic_load_n(&ifp->if_ops, __ATOMIC_CONSUME);
		if (ops->transmit != NULL)
			(void)ops->transmit(ifp, mv);
		else
			snd_transmit(ifp, ops, mv);
	}
	(void)cpu_stage_switch(ci, prev);
}

void
if_transmit(struct ifnet *ifp, struct mbuf *m)
{
	struct mvec mv;

	mv.mv_n = 1;
	mv.mv_m[0] = m;
	if_transmit_vec(ifp, &mv);
}

/* --- the send queue ------------------------------------------------------ */

int
ifq_enqueue(struct ifnet *ifp, struct mbuf *m)
{
	struct ifqueue *ifq = &ifp->if_snd;
	bool full;

	m->m_nextpkt = NULL;
	kspin_lock(&ifq->ifq_lock);
	full = ifq->ifq_len >= ifq->ifq_maxlen;
	if (!full) {
		if (ifq->ifq_head == NULL)
			ifq->ifq_head = m;
		else
			ifq->ifq_tail->m_nextpkt = m;
		ifq->ifq_tail = m;
		ifq->ifq_len++;
	} else
		ifq->ifq_drops++;
	kspin_unlock(&ifq->ifq_lock);
	if (!full)
		return 0;
	m_drop(ifp, m, if_is_deactivated(ifp) ? DROP_OUT_DETACHING :
	    DROP_SNDQ_FULL);
	return ENOBUFS;
}

struct mbuf *
ifq_dequeue(struct ifnet *ifp)
{
	struct ifqueue *ifq = &ifp->if_snd;
	struct mbuf *m;

	kspin_lock(&ifq->ifq_lock);
	m = ifq->ifq_head;
	if (m != NULL) {
		ifq->ifq_head = m->m_nextpkt;
		ifq->ifq_len--;
		m->m_nextpkt = NULL;
	}
	kspin_unlock(&ifq->ifq_lock);
	return m;
}

void
ifq_purge(struct ifnet *ifp, enum drop_reason reason)
{
	struct ifqueue *ifq = &ifp->if_snd;
	struct mbuf *m, *next;

	/* No packet is freed with the lock held. */
	kspin_lock(&ifq->ifq_lock);
	m = ifq->ifq_head;
	ifq->ifq_head = ifq->ifq_tail = NULL;
	ifq->ifq_len = 0;
	kspin_unlock(&ifq->ifq_lock);
	for (; m != NULL; m = next) {
		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m_drop(ifp, m, reason);
	}
}
