/*
 * if_carp: what the layer tells a group of virtual hosts.
 */

#ifndef NET_IF_CARP_IMPL_H
#define NET_IF_CARP_IMPL_H

#include <ifnet/if.h>

/* if_carp.c: IFF_UP or the link state changed; any.  The end; control. */
void	if_carp_state(struct ifnet *);
void	if_carp_ifdetach(struct ifnet *);

#endif /* !NET_IF_CARP_IMPL_H */
