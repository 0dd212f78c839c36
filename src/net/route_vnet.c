/*
 * The routes of a vnet: its tables' beginning and end, and what becomes of
 * routes in time.
 */

#include "net/route_impl.h"

#include <errno.h>

/* Control: delete the next route that is due; false: there is none. */
static bool
route_expired(struct vnet *vn)
{
	struct rt_gone gone;
	struct rtfull *rf;

	route_lock(vn);
	rf = rt_timer_due(vn);
	if (rf != NULL) {
		rt_note_gone(&rf->rf_rt, &gone);
		rt_take_out(vn, &rf->rf_rt);
	}
	route_unlock(vn);
	if (rf != NULL)
		rt_tell_gone(vn, &gone);
	return rf != NULL;
}

static int
route_init(struct vnet *vn)
{
	struct route_vnet *rv;
	int error;

	rv = kmem_zalloc(vn->vn_kern, sizeof(*rv));
	if (rv == NULL)
		return ENOMEM;
	error = rt_gone_init(vn);
	if (error == 0)
		error = lpm_init(vn->vn_kern, &rv->rv_inet);
	if (error != 0) {
		kmem_free(vn->vn_kern, rv);
		return error;
	}
	rv->rv_expired = route_expired;
	rt_spares_init(vn->vn_kern, rv);
	host_mutex_init(vn->vn_kern->k_host, &rv->rv_lock);
	vn->vn_route = rv;
	return 0;
}

/* Routes that lead nowhere have no interface to take them down. */
static void
route_fini(struct vnet *vn)
{
	struct route_vnet *rv = vn->vn_route;
	struct lpm_entry *le;
	struct rtentry *rt;
	uint64_t place = 0;

	route_lock(vn);
	while ((rt = rt_spare_any(rv)) != NULL)
		rt_take_out(vn, rt);
	while ((le = lpm_from(&rv->rv_inet, &place)) != NULL)
		rt_take_out(vn, entry_rt(le));
	route_unlock(vn);
	rt_expiry_fini(vn);
	pserialize_perform(vn->vn_kern);
	rt_spares_fini(rv);
	lpm_fini(&rv->rv_inet);
	host_mutex_destroy(vn->vn_kern->k_host, &rv->rv_lock);
	vn->vn_route = NULL;
	kmem_free(vn->vn_kern, rv);
}

const struct vnet_subsys route_subsys = {
	.vs_name = "route",
	.vs_init = route_init,
	.vs_fini = route_fini,
};
