/*
 * The place of CARP: one group of virtual hosts an interface, kept with the
 * rare things.
 */

#include <ifnet/if_carp.h>

#include <errno.h>

#include "net/if_impl.h"

int
if_carp_attach(struct ifnet *ifp, const struct if_carp *cg)
{
	bool locked = if_ioctl_locked(ifp);
	struct if_ext *ie;
	int error = 0;

	if (!locked)
		if_ioctl_lock(ifp);
	if (if_is_deactivated(ifp))
		error = ENXIO;
	else if ((ie = if_ext_get(ifp)) == NULL)
		error = ENOMEM;
	else if (ie->ie_carp != NULL)
		error = EBUSY;
	else
		__atomic_store_n(&ie->ie_carp, cg, __ATOMIC_RELEASE);
	if (!locked)
		if_ioctl_unlock(ifp);
	return error;
}

int
if_carp_detach(struct ifnet *ifp, const struct if_carp *cg)
{
	bool locked = if_ioctl_locked(ifp);
	struct if_ext *ie;
	int error = 0;

	if (!locked)
		if_ioctl_lock(ifp);
	ie = ifp->if_ext;
	if (ie == NULL || ie->ie_carp != cg)
		error = ENXIO;
	else {
		__atomic_store_n(&ie->ie_carp, NULL, __ATOMIC_RELAXED);
		/* A link state that is told of right now. */
		pserialize_perform(if_kern(ifp));
	}
	if (!locked)
		if_ioctl_unlock(ifp);
	return error;
}

void
if_carp_state(struct ifnet *ifp)
{
	const struct if_ext *ie = __atomic_load_n(&ifp->if_ext,
	    __ATOMIC_ACQUIRE);
	const struct if_carp *cg;

	cg = ie == NULL ? NULL : __atomic_load_n(&ie->ie_carp,
	    __ATOMIC_ACQUIRE);
	if (cg != NULL && cg->cg_state != NULL)
		cg->cg_state(cg->cg_arg, ifp);
}

void
if_carp_ifdetach(struct ifnet *ifp)
{
	const struct if_carp *cg;

	cg = ifp->if_ext == NULL ? NULL : ifp->if_ext->ie_carp;
	if (cg == NULL)
		return;
	if_ioctl_lock(ifp);
	(void)if_carp_detach(ifp, cg);
	if (cg->cg_gone != NULL)
		cg->cg_gone(cg->cg_arg, ifp);
	if_ioctl_unlock(ifp);
}
