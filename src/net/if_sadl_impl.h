/*
 * if_sadl: link-level addresses of an interface.
 */

#ifndef NET_IF_SADL_IMPL_H
#define NET_IF_SADL_IMPL_H

#include <ifnet/if.h>

/* if_sadl.c */
void	if_sadl_attach(struct ifnet *);	/* l:, before it is visible */
/* Copy the addresses of another interface, before attach; ENOMEM. */
int	if_sadl_copy(struct ifnet *, const struct ifnet *);
void	if_free_sadl(struct ifnet *);	/* never attached, or detached */
void	if_sadl_announce(struct ifnet *);	/* i: those not active */
void	if_sadl_detach(struct ifnet *);
/* The interface's link-level address of those bytes; i: */
struct ifaddr *if_sadl_find(struct ifnet *, const void *, unsigned len);
int	if_laddr_ioctl(struct ifnet *, unsigned long, void *);

#endif /* !NET_IF_SADL_IMPL_H */
