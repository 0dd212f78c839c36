/*
 * if_clone: cloners of a vnet and the interfaces that are theirs, and modules,
 * which bring further cloners.
 */

#ifndef NET_IF_CLONE_IMPL_H
#define NET_IF_CLONE_IMPL_H

#include <ifnet/if_clone.h>

#include "net/if_vnet_impl.h"

/*
 * if_clone.c: an interface of a cloner comes, goes; l: held.  A unit is taken
 * until its interface goes, whatever that is called by then: EEXIST.  ENOMEM.
 */
int	if_clone_attached(struct ifnet *);
void	if_clone_detached(struct ifnet *);
/* Control: the clone lock of a vnet. */
void	if_clone_lock(struct vnet *);
void	if_clone_unlock(struct vnet *);
/* With the clone lock: the interface of that name or number, deactivated or
 * not; it stays until the lock is released. */
struct ifnet *if_clone_find(struct vnet *, const char *name);

/* Control, at the vnet's end, when nobody else can create or destroy: have its
 * driver destroy it.  EOPNOTSUPP, or the driver's. */
int	if_clone_end(struct ifnet *);

/* Control: is there a cloner of this name? */
bool	if_clone_serves(struct vnet *, const char *name);

/* With the clone lock. */
int	if_clone_attach_locked(struct vnet *, const struct if_clone *);

/*
 * if_module.c: control, clone lock: have a module serve the vnet under the
 * name of `len' bytes.  ENOENT (no such module), EINVAL (it does not fit),
 * ENOMEM, or what its start said; all but ENOENT and ENOMEM with words.
 */
int	if_module_load(struct vnet *, const char *base, size_t len);

#endif /* !NET_IF_CLONE_IMPL_H */
