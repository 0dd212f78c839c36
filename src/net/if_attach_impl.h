/*
 * if_attach: the life of an interface: its states, what it is replaced by when
 * it is deactivated, attaching, and moving to another vnet.
 */

#ifndef NET_IF_ATTACH_IMPL_H
#define NET_IF_ATTACH_IMPL_H

#include <ifnet/if.h>

/* if_state */
#define IFS_ALLOCATED	0
#define IFS_ATTACHED	1
#define IFS_DETACHING	2	/* further ioctls are refused with ENXIO */

extern const struct if_ops if_null_ops;
/* if_is_deactivated(), where it counts. */
static inline bool
if_dead(const struct ifnet *ifp)
{

	return __atomic_load_n(&ifp->if_ops, __ATOMIC_RELAXED) == &if_null_ops;
}

extern const struct iftype_ops if_null_typeops;

/*
 * if_vmove.c.  Control, the clone locks of both vnets: to another vnet, with
 * a new index and handle; down and up again if it was up.  Undone on failure:
 * ENXIO, EOPNOTSUPP, EEXIST, ENOSPC, ENOMEM.
 */
int	if_vmove(struct ifnet *, struct vnet *);
/* Control: SIOCSIFVNET.  The same, and ENOENT (no such vnet), EINVAL. */
int	if_vmove_named(struct vnet *, const char *name, const char *vnet);
/* if_attach.c: if_register(), i: held. */
int	if_register_locked(struct ifnet *);

#endif /* !NET_IF_ATTACH_IMPL_H */
