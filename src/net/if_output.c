/*
 * Packets going out: to the link type and to the driver.
 */

#include <errno.h>

#include "net/bpf.h"
#include "net/if_stats_impl.h"
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
	cpu_stat_add(&if_ctr(ifp, net_curcpu()->ci_index)->
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
