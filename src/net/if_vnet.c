/*
 * The interface layer's part of a vnet: start and end.
 */

#include "net/if_impl.h"

#include <errno.h>

/*
 * Whoever made an interface should have destroyed it by now; what is left is
 * detached and freed, so that nothing of the vnet stays in use.
 */
static void
detach_rest(struct vnet *vn)
{
	struct if_table *it = vn->vn_if->ifv_table;
	struct ifnet *ifp;

	/* Nobody else is left who could add one. */
	for (unsigned i = 1; it != NULL && i < it->it_size; i++) {
		ifp = it->it_ifp[i];
		if (ifp == NULL)
			continue;
		klog(vn->vn_kern, KLOG_WARNING, "%s: was left attached by its "
		    "driver", ifp->if_xname);
		if_detach(ifp);
		/* Without the vnet nobody could. */
		if_free(ifp);
	}
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
	if ((error = if_index_init(vn)) != 0)
		goto fail;
	if ((error = lpm_init(k, &ifv->ifv_nets)) != 0)
		goto fail;
	if ((error = if_history_init(vn)) != 0)
		goto fail_lpm;
	if ((error = if_link_init(vn)) != 0)
		goto fail_history;
	if ((error = if_input_init(vn)) != 0)
		goto fail_link;
	if ((error = if_sysctl_init(vn)) != 0)
		goto fail_input;
	return 0;

fail_input:
	if_input_fini(vn);
fail_link:
	if_link_fini(vn);
fail_history:
	if_history_fini(vn);
fail_lpm:
	lpm_fini(&ifv->ifv_nets);
fail:
	tables_fini(vn);
	return error;
}

static void
if_vnet_fini(struct vnet *vn)
{

	detach_rest(vn);
	if_input_fini(vn);
	if_link_fini(vn);
	if_history_fini(vn);
	lpm_fini(&vn->vn_if->ifv_nets);
	tables_fini(vn);
}

const struct vnet_subsys if_subsys = {
	.vs_name = "if",
	.vs_init = if_vnet_init,
	.vs_fini = if_vnet_fini,
};
