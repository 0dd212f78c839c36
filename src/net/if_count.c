/*
 * Counting, on a CPU.
 */

#include "net/if_stats_impl.h"

void
if_stat_add(struct ifnet *ifp, enum if_stat stat, uint64_t n)
{

	cpu_stat_add(&if_ctr(ifp, net_curcpu()->ci_index)->ic_stat[stat], n);
}

void
if_stat_add_vec(struct ifnet *ifp, enum if_stat_dir dir, const struct mvec *mv)
{
	struct if_counters *ic = if_ctr(ifp, net_curcpu()->ci_index);
	uint64_t bytes = 0, mcasts = 0;
	bool in = dir == IF_STAT_IN;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		bytes += mv->mv_m[i]->m_pktlen;
		mcasts += (mv->mv_m[i]->m_flags & (M_BCAST | M_MCAST)) != 0;
	}
	cpu_stat_add(&ic->ic_stat[in ? IF_STAT_IPACKETS : IF_STAT_OPACKETS],
	    mv->mv_n);
	cpu_stat_add(&ic->ic_stat[in ? IF_STAT_IBYTES : IF_STAT_OBYTES],
	    bytes);
	if (mcasts != 0)
		cpu_stat_add(&ic->ic_stat[in ? IF_STAT_IMCASTS :
		    IF_STAT_OMCASTS], mcasts);
}
