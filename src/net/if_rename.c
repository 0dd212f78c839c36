/*
 * SIOCSIFNAME: an interface under another name, recorded and announced.
 */

#include "net/if_history_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"
#include "net/rtsock.h"

#include <errno.h>

int
if_rename(struct ifnet *ifp, const char *name)
{
	struct if_vnet *ifv = ifp->if_vnet->vn_if;
	char old[IFNAMSIZ];
	int error;

	KASSERT(if_ioctl_locked(ifp));
	if (!if_name_valid(name))
		return if_name_refuse(name);
	if_name_copy(ifp, old);
	if (strcmp(old, name) == 0)
		return 0;
	host_mutex_lock(if_host(ifp), &ifv->ifv_lock);
	error = if_name_change(ifv, ifp, name);
	host_mutex_unlock(if_host(ifp), &ifv->ifv_lock);
	if (error == 0) {
		if_history_text(ifp, IFHIST_RENAME, old);
		rt_ifrename(ifp, old);
	}
	return error;
}
