/*
 * if_flags: up and down, and the other flags of an interface.
 */

#ifndef NET_IF_FLAGS_IMPL_H
#define NET_IF_FLAGS_IMPL_H

#include <ifnet/if.h>

/* if_flags.c: with the ioctl lock.  Idempotent: an interface that was
 * announced up already is not announced again. */
void	if_up_locked(struct ifnet *);
void	if_down_locked(struct ifnet *);
/* Bring what was announced in line with IFF_UP. */
void	if_updown_sync(struct ifnet *);
/* if_flags |= set, &= ~clear, in one atomic step. */
void	if_flags_modify(struct ifnet *, uint32_t set, uint32_t clear);
int	if_flags_ioctl(struct ifnet *, int flags);	/* SIOCSIFFLAGS */

#endif /* !NET_IF_FLAGS_IMPL_H */
