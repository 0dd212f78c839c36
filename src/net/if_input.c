/*
 * Packets coming in: from drivers that run where packets may be handled, and
 * through the per-CPU queues from everywhere else.
 *
 * A queue belongs to one interface and one CPU and is touched by that CPU
 * alone, so it needs no lock.  Each CPU has a list of its queues that hold
 * something, and one soft interrupt empties them in turn.
 */

#include <errno.h>

#include "net/bpf.h"
#include "net/ether_impl.h"
#include "net/if_input_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/pfil.h"

#define RCVQ_MAXLEN	4096	/* packets, unless set otherwise */
/* Interfaces of this process a packet may pass: beyond that it goes in a ring
 * of bridges or routers whose hop counts do not end it. */
#define LOOPS_MAX	255

/* A CPU's queues that hold packets.  Its own. */
struct ifv_rcvq {
	struct if_rcvq	*rl_head, *rl_tail;
} __attribute__((__aligned__(64)));

static inline bool
is_up(const struct ifnet *ifp)
{

	return (__atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED) &
	    IFF_UP) != 0;
}

/* --- from a driver ------------------------------------------------------- */

/* Taps see what was received, whatever becomes of it. */
static void
mark_and_count(struct ifnet *ifp, struct mvec *mv)
{
	struct if_counters *ic = if_ctr(ifp, net_curcpu()->ci_index);
	uint64_t bytes = 0;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		mv->mv_m[i]->m_rcvif = ifp->if_handle;
		bytes += mv->mv_m[i]->m_pktlen;
	}
	cpu_stat_add(&ic->ic_stat[IF_STAT_IPACKETS], mv->mv_n);
	cpu_stat_add(&ic->ic_stat[IF_STAT_IBYTES], bytes);
	bpf_tap_vec(ifp, mv, BPF_IN);
}

void
if_input_counted(struct ifnet *ifp, struct mvec *mv)
{
	const struct iftype_ops *it;
	struct pfil_head *ph;

	if (!is_up(ifp)) {
		mvec_drop(ifp, mv, DROP_IF_DOWN);
		return;
	}
	it = __atomic_load_n(&ifp->if_typeops, __ATOMIC_CONSUME);
	ph = __atomic_load_n(&ifp->if_pfil, __ATOMIC_CONSUME);
	if (ph != NULL) {
		if (it == &ether_type_ops)
			ether_untag(ifp, mv);
		pfil_run(ph, ifp, PFIL_IN, mv);
		if (mv->mv_n == 0)
			return;
	}
	it->it_input(ifp, mv);
}

/*
 * Ethernet looks at every packet anyhow, and marks and counts in the same
 * loop when nobody else has to see the packets first.
 */
void
if_input_vec(struct ifnet *ifp, struct mvec *mv)
{
	struct cpu *ci = net_curcpu();
	enum cpu_stage prev;

	if (mv->mv_n == 0)
		return;
	prev = cpu_stage_enter(ci, STAGE_IF_INPUT, mv->mv_n);
	if (__builtin_expect(__atomic_load_n(&ifp->if_typeops,
	    __ATOMIC_CONSUME) == &ether_type_ops && is_up(ifp) &&
	    __atomic_load_n(&ifp->if_pfil, __ATOMIC_CONSUME) == NULL &&
	    __atomic_load_n(&ifp->if_bpf, __ATOMIC_CONSUME) == NULL, 1)) {
		ether_input_count(ifp, mv);
	} else {
		mark_and_count(ifp, mv);
		if_input_counted(ifp, mv);
	}
	(void)cpu_stage_switch(ci, prev);
}

void
if_input(struct ifnet *ifp, struct mbuf *m)
{
	struct mvec mv;

	mv.mv_n = 1;
	mv.mv_m[0] = m;
	if_input_vec(ifp, &mv);
}

/* --- through a queue ----------------------------------------------------- */

static inline struct if_rcvq *
my_rcvq(const struct ifnet *ifp)
{

	return &if_ctr(ifp, net_curcpu()->ci_index)->ic_rcvq;
}

static inline struct ifv_rcvq *
my_list(const struct vnet *vn)
{

	return &vn->vn_if->ifv_rcvq[net_curcpu()->ci_index];
}

static void
list_append(struct vnet *vn, struct if_rcvq *rq)
{
	struct ifv_rcvq *rl = my_list(vn);

	rq->rq_listed = true;
	rq->rq_next = NULL;
	if (rl->rl_head == NULL)
		rl->rl_head = rq;
	else
		rl->rl_tail->rq_next = rq;
	rl->rl_tail = rq;
	softint_schedule(vn->vn_if->ifv_rcvq_si);
}

static void
list_remove(struct vnet *vn, struct if_rcvq *rq)
{
	struct ifv_rcvq *rl = my_list(vn);
	struct if_rcvq *prev = NULL;

	if (!rq->rq_listed)
		return;
	for (struct if_rcvq *p = rl->rl_head; p != rq; p = p->rq_next)
		prev = p;
	if (prev == NULL)
		rl->rl_head = rq->rq_next;
	else
		prev->rq_next = rq->rq_next;
	if (rl->rl_tail == rq)
		rl->rl_tail = prev;
	rq->rq_listed = false;
}

/* Put one at the end; it was marked and counted. */
static inline void
rcvq_put(struct if_rcvq *rq, struct mbuf *m)
{

	m->m_nextpkt = NULL;
	if (rq->rq_head == NULL)
		rq->rq_head = m;
	else
		rq->rq_tail->m_nextpkt = m;
	rq->rq_tail = m;
	cpu_len_set(&rq->rq_len, rq->rq_len + 1);
}

static void
rcvq_get(struct if_rcvq *rq, struct mvec *mv)
{
	struct mbuf *m;

	mv->mv_n = 0;
	while (mv->mv_n < MVEC_MAX && (m = rq->rq_head) != NULL) {
		__builtin_prefetch(m->m_nextpkt);
		rq->rq_head = m->m_nextpkt;
		m->m_nextpkt = NULL;
		mv->mv_m[mv->mv_n++] = m;
	}
	cpu_len_set(&rq->rq_len, rq->rq_len - mv->mv_n);
}

/*
 * Packets count as received here, so that at every moment the counters of one
 * interface include each of them.
 */
void
if_percpuq_enqueue_vec(struct ifnet *ifp, struct mvec *mv)
{
	struct if_rcvq *rq = my_rcvq(ifp);
	uint32_t maxlen = if_percpuq_maxlen(ifp);
	struct mbuf *m;

	mark_and_count(ifp, mv);
	if (if_is_deactivated(ifp)) {
		mvec_drop(ifp, mv, DROP_IF_DETACHING);
		return;
	}
	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		/* Flags of the sender's link and route do not hold here. */
		m->m_flags &= (uint16_t)~(M_BCAST | M_MCAST | M_PROMISC |
		    M_LOCAL);
		m->m_ptr = NULL;
		m->m_mark = 0;	/* it means nothing elsewhere */
		if (m->m_loops++ == LOOPS_MAX) {
			m_drop(ifp, m, DROP_IN_LOOP);
		} else if (rq->rq_len >= maxlen) {
			__atomic_store_n(&rq->rq_drops, rq->rq_drops + 1,
			    __ATOMIC_RELAXED);
			m_drop(ifp, m, DROP_RCVQ_FULL);
		} else
			rcvq_put(rq, m);
	}
	mv->mv_n = 0;
	if (rq->rq_len != 0 && !rq->rq_listed) {
		rq->rq_ifp = ifp;
		list_append(ifp->if_vnet, rq);
	}
}

void
if_percpuq_enqueue(struct ifnet *ifp, struct mbuf *m)
{
	struct mvec mv;

	mv.mv_n = 1;
	mv.mv_m[0] = m;
	if_percpuq_enqueue_vec(ifp, &mv);
}

/* Soft interrupt: a vector from each queue that stood in the list. */
static void
rcvq_softint(void *arg)
{
	struct vnet *vn = arg;
	struct ifv_rcvq *rl = my_list(vn);
	struct if_rcvq *rq, *last = rl->rl_tail;
	enum cpu_stage prev;
	struct ifnet *ifp;
	struct mvec mv;

	while ((rq = rl->rl_head) != NULL) {
		rl->rl_head = rq->rq_next;
		if (rl->rl_head == NULL)
			rl->rl_tail = NULL;
		rq->rq_listed = false;
		ifp = rq->rq_ifp;
		rcvq_get(rq, &mv);
		if (rq->rq_len != 0)
			list_append(vn, rq);
		prev = cpu_stage_enter(net_curcpu(), STAGE_IF_INPUT, mv.mv_n);
		if_input_counted(ifp, &mv);
		(void)cpu_stage_switch(net_curcpu(), prev);
		if (rq == last)
			break;
	}
	if (rl->rl_head != NULL)
		softint_schedule(vn->vn_if->ifv_rcvq_si);
}

/* --- life ---------------------------------------------------------------- */

/* The queues themselves come with the counters. */
int
if_percpuq_create(struct ifnet *ifp)
{

	ifp->if_rcvq_maxlen = (uint32_t)__atomic_load_n(
	    &ifp->if_vnet->vn_if->ifv_rcvq_maxlen, __ATOMIC_RELAXED);
	ifp->if_percpuq = true;
	return 0;
}

/* Leave zeroes for the next of that index, and untouched what was not used. */
void
if_percpuq_destroy(struct ifnet *ifp)
{
	struct if_rcvq *rq;

	KASSERT(if_percpuq_len(ifp) == 0);
	ifp->if_percpuq = false;
	if (ifp->if_counters == NULL)
		return;
	for (unsigned i = 0; i < kern_ncpu(if_kern(ifp)); i++) {
		rq = &if_ctr(ifp, i)->ic_rcvq;
		if (rq->rq_ifp != NULL || rq->rq_drops != 0)
			memset(rq, 0, sizeof(*rq));
	}
}

void
if_percpuq_sweep(struct ifnet *ifp)
{
	struct if_rcvq *rq;
	struct mvec mv;

	if (!ifp->if_percpuq || ifp->if_counters == NULL)
		return;
	rq = my_rcvq(ifp);
	list_remove(ifp->if_vnet, rq);
	while (rq->rq_len != 0) {
		rcvq_get(rq, &mv);
		mvec_drop(ifp, &mv, DROP_IF_DETACHING);
	}
}

uint64_t
if_percpuq_len(struct ifnet *ifp)
{
	uint64_t len = 0;

	if (!ifp->if_percpuq || ifp->if_counters == NULL)
		return 0;
	for (unsigned i = 0; i < kern_ncpu(if_kern(ifp)); i++)
		len += __atomic_load_n(&if_ctr(ifp, i)->ic_rcvq.rq_len,
		    __ATOMIC_RELAXED);
	return len;
}

uint64_t
if_percpuq_drops(struct ifnet *ifp)
{
	uint64_t drops = 0;

	if (!ifp->if_percpuq || ifp->if_counters == NULL)
		return 0;
	for (unsigned i = 0; i < kern_ncpu(if_kern(ifp)); i++)
		drops += __atomic_load_n(&if_ctr(ifp, i)->ic_rcvq.rq_drops,
		    __ATOMIC_RELAXED);
	return drops;
}

uint32_t
if_percpuq_maxlen(struct ifnet *ifp)
{

	return !ifp->if_percpuq ? 0 :
	    __atomic_load_n(&ifp->if_rcvq_maxlen, __ATOMIC_RELAXED);
}

void
if_percpuq_set_maxlen(struct ifnet *ifp, uint32_t maxlen)
{

	if (ifp->if_percpuq)
		__atomic_store_n(&ifp->if_rcvq_maxlen, maxlen,
		    __ATOMIC_RELAXED);
}

int
if_input_init(struct vnet *vn)
{
	struct if_vnet *ifv = vn->vn_if;
	struct kern *k = vn->vn_kern;

	ifv->ifv_rcvq = host_alloc(k->k_host, kern_ncpu(k) *
	    sizeof(struct ifv_rcvq), 64);
	if (ifv->ifv_rcvq == NULL)
		return ENOMEM;
	ifv->ifv_rcvq_si = softint_establish(k, "rcvq", rcvq_softint, vn);
	if (ifv->ifv_rcvq_si == NULL) {
		host_free(k->k_host, ifv->ifv_rcvq);
		ifv->ifv_rcvq = NULL;
		return ENOMEM;
	}
	ifv->ifv_rcvq_maxlen = RCVQ_MAXLEN;
	return 0;
}

void
if_input_fini(struct vnet *vn)
{
	struct if_vnet *ifv = vn->vn_if;

	softint_disestablish(ifv->ifv_rcvq_si);
	ifv->ifv_rcvq_si = NULL;
	host_free(vn->vn_kern->k_host, ifv->ifv_rcvq);
	ifv->ifv_rcvq = NULL;
}
