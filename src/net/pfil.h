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
	/* CPU; may be NULL: frames, received ones without priority tags. */
	void	(*ph_packets)(void *arg, struct ifnet *, enum pfil_dir,
		    struct mvec *);
	/*
	 * CPU; may be NULL: packets of a family on their way out, m_data at
	 * the network header, m_nh set, before the link type
	 * adds its own and before they count as offered.  Here is where they
	 * are encapsulated (IPsec): the hook may change them, or take them out
	 * and hand them to an if_output_vec() later, also this one's, and then
	 * knows its own again.  One that it drops it counts as
	 * IF_STAT_OFFERED.  The way back: ph_packets takes what is
	 * encapsulated, and counts it as IF_STAT_DELIVERED; what was in it
	 * comes in by another interface.  No user yet: IPsec.
	 */
	void	(*ph_output)(void *arg, struct ifnet *, int af,
		    struct mvec *);
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
void	pfil_ifattach(struct ifnet *);	/* set if_pfil, PFIL_IF_ATTACH */
void	pfil_ifdetach(struct ifnet *);	/* drop hooks of this interface */
void	pfil_run(struct pfil_head *, struct ifnet *, enum pfil_dir,
	    struct mvec *);

void	pfil_run_output(struct pfil_head *, struct ifnet *, int af,
	    struct mvec *);

extern const struct vnet_subsys pfil_subsys;

#endif /* !NET_PFIL_H */
