/*
 * The ioctl lock of an interface: one request at a time.
 */

#include "net/if_vnet_impl.h"

void
if_ioctl_lock(struct ifnet *ifp)
{

	klock_lock(if_kern(ifp), &ifp->if_ioctl_lock);
}

void
if_ioctl_unlock(struct ifnet *ifp)
{

	klock_unlock(if_kern(ifp), &ifp->if_ioctl_lock);
}

bool
if_ioctl_locked(const struct ifnet *ifp)
{

	return klock_owned(&ifp->if_ioctl_lock);
}
