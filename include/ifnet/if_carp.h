/*
 * if_carp: a group of virtual hosts (CARP, VRRP) on an interface, and what it
 * hears of it.
 *
 * Such a protocol must know at once that the interface under it does not work
 * any more, before anybody else acts on it.  It attaches one group to an
 * interface; an interface without one pays nothing for it.
 *
 * No user yet: CARP and VRRP.
 */

#ifndef IFNET_IF_CARP_H
#define IFNET_IF_CARP_H

#include <ifnet/if.h>

#pragma GCC visibility push(default)

/* The owner's, and constant while attached. */
struct if_carp {
	/*
	 * The link state changed, or IFF_UP did; both are as they are now.
	 * Told before the domains; of a link state after the routing socket,
	 * of IFF_UP before it.  CPU 0 in a read section for the link state,
	 * control with the ioctl lock for the flag: two calls may meet.
	 */
	void	(*cg_state)(void *arg, struct ifnet *);
	/* Control, ioctl lock: the interface goes away (or to another vnet,
	 * where it is another interface).  It is down, its
	 * addresses are there still, and the group is not attached now. */
	void	(*cg_gone)(void *arg, struct ifnet *);
	void	*cg_arg;
};

/*
 * Control; takes the ioctl lock unless it is held.  attach: EBUSY (there is
 * one), ENXIO (going away), ENOMEM.  detach: ENXIO (it is not attached); when
 * it returns no function of the group runs, nor will.
 */
int	if_carp_attach(struct ifnet *, const struct if_carp *);
int	if_carp_detach(struct ifnet *, const struct if_carp *);

#pragma GCC visibility pop

#endif /* !IFNET_IF_CARP_H */
