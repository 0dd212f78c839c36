/*
 * Dropping packets: the one place where a packet on a path is freed, and
 * where the reason is counted.
 */

#include "net/if_stats_impl.h"

#include <ifnet/ifreq.h>

_Static_assert(DROP_NREASONS <= IFDROPS_MAX, "room for every drop reason");

void
m_drop(struct ifnet *ifp, struct mbuf *m, enum drop_reason reason)
{

	if (ifp == NULL) {
		kern_drop(m, reason);
		return;
	}
	cpu_stat_add(&if_ctr(ifp, net_curcpu()->ci_index)->ic_drop[reason], 1);
	m_freem(m);
}

void
mvec_drop(struct ifnet *ifp, struct mvec *mv, enum drop_reason reason)
{

	if (ifp == NULL) {
		for (unsigned i = 0; i < mv->mv_n; i++)
			kern_drop(mv->mv_m[i], reason);
		mv->mv_n = 0;
		return;
	}
	cpu_stat_add(&if_ctr(ifp, net_curcpu()->ci_index)->ic_drop[reason],
	    mv->mv_n);
	mvec_free(mv);
}
