/*
 * if_stats: the counters of an interface, one set a CPU: counting in them, and
 * reading their sums.
 */

#ifndef NET_IF_STATS_IMPL_H
#define NET_IF_STATS_IMPL_H

#include <ifnet/if.h>

#include "net/if_vnet_impl.h"

/* One CPU's counters. */
static inline struct if_counters *
if_ctr(const struct ifnet *ifp, unsigned cpu)
{

	return (struct if_counters *)((char *)ifp->if_counters +
	    cpu * ifp->if_vnet->vn_if->ifv_ctr_stride);
}

/* The calling CPU, known to be one. */
static inline struct cpu *
net_curcpu(void)
{

	return host_curthread->ht_cpu;
}

/* if_stats.c */
void	if_stats_get(struct ifnet *, struct if_data *);	/* less the base */
/* i: and start from zero; ENOMEM. */
int	if_stats_read_reset(struct ifnet *, struct if_data *);
void	if_stats_drops(struct ifnet *, uint64_t drop[DROP_NREASONS]);
/* Add to ifv_gone and leave zeroes for the next of that index; l:. */
void	if_stats_retire(struct ifnet *);
uint64_t if_stats_sum(const struct ifnet *, enum if_stat);	/* raw */

#endif /* !NET_IF_STATS_IMPL_H */
