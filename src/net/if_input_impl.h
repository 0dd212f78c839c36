/*
 * if_input: the per-CPU input queues of interfaces.
 */

#ifndef NET_IF_INPUT_IMPL_H
#define NET_IF_INPUT_IMPL_H

#include <ifnet/if.h>

/* if_input.c, if_output.c */
int	if_input_init(struct vnet *);
void	if_input_fini(struct vnet *);
void	if_percpuq_destroy(struct ifnet *);	/* after the cross-call */
void	if_percpuq_sweep(struct ifnet *);	/* xcall: drop what is queued */
uint64_t if_percpuq_len(struct ifnet *);
uint64_t if_percpuq_drops(struct ifnet *);
/* Packets each CPU's queue takes; 0 without queues.  Any. */
uint32_t if_percpuq_maxlen(struct ifnet *);
void	if_percpuq_set_maxlen(struct ifnet *, uint32_t);
/* if_input_vec(), without the counting when that was done at a queue. */
void	if_input_counted(struct ifnet *, struct mvec *);

#endif /* !NET_IF_INPUT_IMPL_H */
