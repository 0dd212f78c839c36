/*
 * if_timer: the timer of a driver's watchdog.
 */

#ifndef NET_IF_TIMER_IMPL_H
#define NET_IF_TIMER_IMPL_H

#include <ifnet/if.h>

/* if_timer.c */
int	if_timer_attach(struct ifnet *);	/* ENOMEM */
void	if_timer_detach(struct ifnet *);

#endif /* !NET_IF_TIMER_IMPL_H */
