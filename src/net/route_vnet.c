/*
 * The routes of a vnet: its tables' beginning and end, and what becomes of
 * routes in time.
 */

#include "net/if_addr_give.h"
#include "net/route_impl.h"

#include <errno.h>

#include "net/rule.h"

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
	vn->vn_route = rv;
	host_mutex_init(vn->vn_kern->k_host, &rv->rv_lock);
	error = rt_tables_init(vn);
	if (error != 0)
		goto fail_table;
	error = rt_paths_init(vn);
	if (error != 0)
		goto fail_paths;
	error = rt_gone_init(vn);
	if (error != 0)
		goto fail_gone;
	rv->rv_expired = route_expired;
	rv->rv_inherit = rt_inherit;
	return 0;

fail_gone:
	rt_paths_fini(vn);
fail_paths:
	rt_tables_fini(vn);
fail_table:
	host_mutex_destroy(vn->vn_kern->k_host, &rv->rv_lock);
	vn->vn_route = NULL;
	kmem_free(vn->vn_kern, rv);
	return error;
}

/* Routes that lead nowhere, or to a gateway that cannot be reached, have no
 * interface to take them down. */
static void
empty(struct vnet *vn, const struct rt_af *ta)
{
	const struct kbtree_key first = { { 0 } };
	struct rtentry *rt;

	if (ta == NULL)
		return;
	while ((rt = rt_spare_any(ta)) != NULL)
		rt_take_out(vn, rt);
	while ((rt = kbtree_from(&ta->ta_routes, &first, NULL)) != NULL)
		rt_take_out(vn, rt);
}

static void
route_fini(struct vnet *vn)
{
	struct route_vnet *rv = vn->vn_route;
	struct kbtree_key number = { { 0 } };
	struct rt_table *tb;

	rule_flush(vn);
	route_lock(vn);
	while ((tb = kbtree_from(&rv->rv_tables, &number, &number)) != NULL) {
		empty(vn, &tb->tb_ip4);
		empty(vn, tb->tb_ip6);
		number.kk_word[0]++;
	}
	empty(vn, &rv->rv_main.tb_ip4);
	empty(vn, rv->rv_main.tb_ip6);
	route_unlock(vn);
	ktask_cancel(vn->vn_kern, &rv->rv_task);
	rt_expiry_fini(vn);
	pserialize_perform(vn->vn_kern);
	rt_gone_fini(vn);
	rt_paths_fini(vn);
	rt_tables_fini(vn);
	host_mutex_destroy(vn->vn_kern->k_host, &rv->rv_lock);
	vn->vn_route = NULL;
	kmem_free(vn->vn_kern, rv);
}

const struct vnet_subsys route_subsys = {
	.vs_name = "route",
	.vs_init = route_init,
	.vs_fini = route_fini,
};
