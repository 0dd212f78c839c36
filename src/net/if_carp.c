/*
 * The place of CARP: one group of virtual hosts an interface, kept with the
 * rare things.
 */

#include <ifnet/if_carp.h>

#include <errno.h>

#include "net/if_carp_impl.h"
#include "net/if_ext_impl.h"
#include "net/if_vnet_impl.h"

/* i: to change; rcu */
struct carp_place {
	const struct if_carp *cp_group;
};

static const struct if_ext_tenant carp_tenant = {
	.et_id = IF_EXT_CARP,
	.et_size = sizeof(struct carp_place),
};

int
if_carp_attach(struct ifnet *ifp, const struct if_carp *cg)
{
	bool locked = if_ioctl_locked(ifp);
	struct carp_place *cp;
	int error = 0;

	if (!locked)
		if_ioctl_lock(ifp);
	if (if_is_deactivated(ifp))
		error = ENXIO;
	else if ((cp = if_ext_get(ifp, &carp_tenant)) == NULL)
		error = ENOMEM;
	else if (cp->cp_group != NULL)
		error = EBUSY;
	else
		__atomic_store_n(&cp->cp_group, cg, __ATOMIC_RELEASE);
	if (!locked)
		if_ioctl_unlock(ifp);
	return error;
}

int
if_carp_detach(struct ifnet *ifp, const struct if_carp *cg)
{
	bool locked = if_ioctl_locked(ifp);
	struct carp_place *cp;
	int error = 0;

	if (!locked)
		if_ioctl_lock(ifp);
	cp = if_ext_find(ifp, IF_EXT_CARP);
	if (cp == NULL || cp->cp_group != cg)
		error = ENXIO;
	else {
		__atomic_store_n(&cp->cp_group, NULL, __ATOMIC_RELAXED);
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
	const struct carp_place *cp = if_ext_find(ifp, IF_EXT_CARP);
	const struct if_carp *cg;

	cg = cp == NULL ? NULL : __atomic_load_n(&cp->cp_group,
	    __ATOMIC_ACQUIRE);
	if (cg != NULL && cg->cg_state != NULL)
		cg->cg_state(cg->cg_arg, ifp);
}

void
if_carp_ifdetach(struct ifnet *ifp)
{
	const struct carp_place *cp = if_ext_find(ifp, IF_EXT_CARP);
	const struct if_carp *cg = cp == NULL ? NULL : cp->cp_group;

	if (cg == NULL)
		return;
	if_ioctl_lock(ifp);
	(void)if_carp_detach(ifp, cg);
	if (cg->cg_gone != NULL)
		cg->cg_gone(cg->cg_arg, ifp);
	if_ioctl_unlock(ifp);
}
