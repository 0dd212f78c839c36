/*
 * stack_impl: the insides of struct ifnet_stack, for src/stack and the daemon.
 */

#ifndef STACK_STACK_IMPL_H
#define STACK_STACK_IMPL_H

#include <sys/queue.h>

#include <ifnet/stack.h>

#include "kern/kern_impl.h"
#include "kern/vnet.h"

struct ifnet_stack {
	struct host	*st_host;	/* constant */
	struct kern	*st_kern;	/* constant */
	void		(*st_ctl_revoke)(struct vnet *);	/* constant */
	struct host_mutex st_lock;
	LIST_HEAD(, ifnet_ping) st_pings;	/* st_lock: running ones */
	LIST_HEAD(, local) st_locals;	/* st_lock: clients without a daemon */
};

static inline struct ifnet_stack *
vnet_stack(struct vnet *vn)
{

	return vn->vn_kern->k_stack;
}

/* Control: stop every ping of a vnet. */
void	stack_ping_revoke(struct ifnet_stack *, struct vnet *);
/* Control, when every vnet has ended: detach the local clients that are still
 * open from the stack; their requests fail from here on. */
void	stack_locals_end(struct ifnet_stack *);
/* Fill in the error text for an errno of vnet_create_named(), which is
 * returned. */
int	stack_vnet_error(const char *name, int error, struct ifnet_error *);

#endif /* !STACK_STACK_IMPL_H */
