/*
 * pfil: hooks on packets in and out of an interface, and on interfaces that
 * come and go. A hook is called in CPU context with a vector; it may drop
 * packets (with a reason) by taking them out of it.  No hook costs one load and
 * branch a vector.
 */

#ifndef NET_PFIL_H
#define NET_PFIL_H

#include <ifnet/if.h>

#include "kern/vnet.h"

enum pfil_dir { PFIL_IN, PFIL_OUT };
enum pfil_event { PFIL_IF_ATTACH, PFIL_IF_DETACH };

struct pfil_hook {
	void	(*ph_packets)(void *arg, struct ifnet *, enum pfil_dir,
		    struct mvec *);		/* CPU; may be NULL */
	void	(*ph_event)(void *arg, struct ifnet *, enum pfil_event);
						/* control; may be NULL */
	void	*ph_arg;
	struct ifnet *ph_ifp;	/* NULL: every interface of the vnet */
};

/* Control.  ENOMEM.  The hook is the caller's and constant until removed. */
int	pfil_add_hook(struct vnet *, const struct pfil_hook *);
/* Control: when it returns, the hook does not run and never will. */
void	pfil_remove_hook(struct vnet *, const struct pfil_hook *);

/* The interface layer's side. */
void	pfil_event(struct ifnet *, enum pfil_event);
void	pfil_ifattach(struct ifnet *);	/* set if_pfil */
void	pfil_ifdetach(struct ifnet *);	/* drop hooks of this interface */
void	pfil_run(struct pfil_head *, struct ifnet *, enum pfil_dir,
	    struct mvec *);

extern const struct vnet_subsys pfil_subsys;

#endif /* !NET_PFIL_H */
