/*
 * The interface layer's part of a vnet: start and end.
 */

#include "net/if_addr_impl.h"
#include "net/if_addr_net.h"
#include "net/if_clone_impl.h"
#include "net/if_group_impl.h"
#include "net/if_history_impl.h"
#include "net/if_index_impl.h"
#include "net/if_input_impl.h"
#include "net/if_link_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"
#include "net/mcast.h"

#include <errno.h>
#include <string.h>

/*
 * An interface that is left at its vnet's end (its driver refused to destroy
 * it, or it has no cloner) is detached by the layer, and its memory is freed by
 * the driver's cloner, or else by the layer.
 */
static void
end_interface(struct vnet *vn, struct ifnet *ifp)
{
	int error;

	error = if_clone_end(ifp);
	if (error == 0)
		return;
	if_klog(ifp, KLOG_WARNING, "was left attached by its driver (%s), and "
	    "is detached because the vnet %s ends", strerror(error),
	    vn->vn_name);
	if_detach(ifp);
	if (ifp->if_cloner != NULL && ifp->if_cloner->ifc_abandon != NULL)
		ifp->if_cloner->ifc_abandon(ifp);
	else
		if_free(ifp);
}

static void
end_interfaces(struct vnet *vn, bool loopback)
{
	struct if_table *it = vn->vn_if->ifv_table;
	struct ifnet *ifp;

	for (unsigned i = it == NULL ? 1 : it->it_size; i-- > 1;) {
		ifp = it->it_ifp[i];
		if (ifp != NULL && loopback ==
		    ((ifp->if_flags & IFF_LOOPBACK) != 0))
			end_interface(vn, ifp);
	}
}

/*
 * Every interface goes here, while families, routes and hooks still have their
 * parts of the vnet.  Nobody else is left who could attach another, so that the
 * table is not replaced.  Loopback interfaces are last: routes of the others
 * may lead through them.
 */
static void
if_vnet_purge(struct vnet *vn)
{

	end_interfaces(vn, false);
	end_interfaces(vn, true);
}

static void
tables_fini(struct vnet *vn)
{
	struct if_vnet *ifv = vn->vn_if;

	khash_fini(&ifv->ifv_names);
	khash_fini(&ifv->ifv_addrs);
	khash_fini(&ifv->ifv_dsts);
	khash_fini(&ifv->ifv_groups);
	if_index_fini(vn);
	host_mutex_destroy(vn->vn_kern->k_host, &ifv->ifv_lock);
	kmem_free(vn->vn_kern, ifv);
	vn->vn_if = NULL;
}

static int
if_vnet_init(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;
	struct if_vnet *ifv;
	int error;

	ifv = host_alloc(k->k_host, sizeof(*ifv), _Alignof(struct if_vnet));
	if (ifv == NULL)
		return ENOMEM;
	vn->vn_if = ifv;
	host_mutex_init(k->k_host, &ifv->ifv_lock);
	if_name_init(vn);
	ifa_tables_init(vn);
	if_group_init(vn);
	if_index_init(vn);
	if ((error = if_nets_init(k, &ifv->ifv_nets)) != 0)
		goto fail;
	if ((error = if_history_init(vn)) != 0)
		goto fail_nets;
	if ((error = if_link_init(vn)) != 0)
		goto fail_history;
	if ((error = if_input_init(vn)) != 0)
		goto fail_link;
	if ((error = if_sysctl_init(vn)) != 0)
		goto fail_input;
	if ((error = mcast_init(vn)) != 0)
		goto fail_input;
	return 0;

fail_input:
	if_input_fini(vn);
fail_link:
	if_link_fini(vn);
fail_history:
	if_history_fini(vn);
fail_nets:
	if_nets_fini(&ifv->ifv_nets);
fail:
	tables_fini(vn);
	return error;
}

static void
if_vnet_fini(struct vnet *vn)
{

	mcast_fini(vn);
	if_input_fini(vn);
	if_link_fini(vn);
	if_history_fini(vn);
	if_nets_fini(&vn->vn_if->ifv_nets);
	tables_fini(vn);
}

const struct vnet_subsys if_subsys = {
	.vs_name = "if",
	.vs_init = if_vnet_init,
	.vs_purge = if_vnet_purge,
	.vs_fini = if_vnet_fini,
};
