/*
 * Numbered tables: how they come and go, and the interfaces that are bound to
 * them (virtual routing and forwarding, VRF).
 *
 * A table with interfaces is a router of its own: gateways of its routes are
 * found in it alone, and what comes by its interfaces stays in it.  A table
 * without one is for rules (rule.h): a gateway that none of its own routes
 * leads to is found in the main table.
 */

#include "net/route_impl.h"

#include <errno.h>

#include "kern/sysctl.h"
#include "net/if_ioctl_impl.h"

#define TABLES_DEFAULT	4096

/* --- beginning and end --------------------------------------------------- */

static int
af_init(struct kern *k, struct rt_af *ta, uint8_t family)
{
	unsigned words = family == AF_INET ? 1 : KBTREE_WORDS;

	kbtree_init(k, &ta->ta_routes, words);
	kbtree_init(k, &ta->ta_gateways, words);
	rt_spares_init(k, ta);
	return fib_init(k, &ta->ta_fib, family == AF_INET6);
}

static void
af_fini(struct rt_af *ta)
{

	kbtree_fini(&ta->ta_routes);
	kbtree_fini(&ta->ta_gateways);
	rt_spares_fini(ta);
	fib_fini(&ta->ta_fib);
}

int
rt_table_make_af(struct rt_table *tb, uint8_t family)
{
	struct kern *k = tb->tb_vnet->vn_kern;
	struct rt_af *ta;

	if (rt_af(tb, family) != NULL)
		return 0;
	ta = kmem_zalloc(k, sizeof(*ta));
	if (ta == NULL || af_init(k, ta, family) != 0) {
		kmem_free(k, ta);
		return ENOMEM;
	}
	__atomic_store_n(&tb->tb_ip6, ta, __ATOMIC_RELEASE);
	return 0;
}

/* Begin the parts that all tables have. */
static int
table_init(struct vnet *vn, struct rt_table *tb, uint32_t number,
    struct if_nets *nets)
{

	tb->tb_vnet = vn;
	tb->tb_number = number;
	tb->tb_nets = nets;
	tb->tb_nh = &vn->vn_route->rv_nh;
	return af_init(vn->vn_kern, &tb->tb_ip4, AF_INET);
}

static void
table_fini(struct rt_table *tb)
{

	af_fini(&tb->tb_ip4);
	if (tb->tb_ip6 != NULL)
		af_fini(tb->tb_ip6);
	kmem_free(tb->tb_vnet->vn_kern, tb->tb_ip6);
}

static struct rt_table *
table_new(struct vnet *vn, uint32_t number)
{
	struct rt_table *tb = kmem_zalloc(vn->vn_kern, sizeof(*tb));
	const struct kbtree_key key = { { number } };
	struct if_nets *nets;

	if (tb == NULL)
		return NULL;
	nets = kmem_zalloc(vn->vn_kern, sizeof(*nets));
	if (nets == NULL || if_nets_init(vn->vn_kern, nets) != 0)
		goto fail_nets;
	if (table_init(vn, tb, number, nets) != 0)
		goto fail_table;
	if (kbtree_insert(&vn->vn_route->rv_tables, &key, tb) != 0)
		goto fail_insert;
	tb->tb_is_open = true;
	return tb;

fail_insert:
	table_fini(tb);
fail_table:
	if_nets_fini(nets);
fail_nets:
	kmem_free(vn->vn_kern, nets);
	kmem_free(vn->vn_kern, tb);
	return NULL;
}

static void
table_free(struct rt_table *tb)
{

	table_fini(tb);
	if_nets_fini(tb->tb_nets);
	kmem_free(tb->tb_vnet->vn_kern, tb->tb_nets);
	kmem_free(tb->tb_vnet->vn_kern, tb);
}

static bool
is_empty(const struct rt_af *ta)
{

	return ta == NULL || (ta->ta_routes.kt_count == 0 &&
	    ta->ta_spares.kh_count == 0 && ta->ta_gateways.kt_count == 0);
}

static bool
is_used(const struct rt_table *tb)
{

	return tb->tb_nifs != 0 || tb->tb_nholds != 0 ||
	    !is_empty(&tb->tb_ip4) || !is_empty(tb->tb_ip6);
}

void
rt_table_may_go(struct rt_table *tb)
{

	if (tb->tb_number == 0 || tb->tb_is_idle || is_used(tb))
		return;
	tb->tb_is_idle = true;
	LIST_INSERT_HEAD(&tb->tb_vnet->vn_route->rv_idle, tb, tb_idle);
}

/* The lock is about to be released: what is in no use any more is found by
 * nobody from now on, and freed by a task, which can wait for readers. */
void
rt_tables_tidy(struct vnet *vn)
{
	struct route_vnet *rv = vn->vn_route;
	struct kbtree_key key;
	struct rt_table *tb;
	bool any = false;

	while ((tb = LIST_FIRST(&rv->rv_idle)) != NULL) {
		LIST_REMOVE(tb, tb_idle);
		tb->tb_is_idle = false;
		if (is_used(tb))
			continue;
		key.kk_word[0] = tb->tb_number;
		(void)kbtree_remove(&rv->rv_tables, &key);
		LIST_INSERT_HEAD(&rv->rv_dead, tb, tb_idle);
		any = true;
	}
	if (any)
		ktask_schedule(vn->vn_kern, &rv->rv_reap);
}

/* Control: the task. */
static void
reap(void *arg)
{
	struct vnet *vn = arg;
	struct route_vnet *rv = vn->vn_route;
	struct rt_table *tb, *first;

	route_lock(vn);
	first = LIST_FIRST(&rv->rv_dead);
	LIST_INIT(&rv->rv_dead);
	route_unlock(vn);
	if (first == NULL)
		return;
	pserialize_perform(vn->vn_kern);
	while ((tb = first) != NULL) {
		first = LIST_NEXT(tb, tb_idle);
		table_free(tb);
	}
}

int
rt_tables_init(struct vnet *vn)
{
	struct route_vnet *rv = vn->vn_route;
	const struct sysctl_node max = {
		.sn_name = "net.route.maxtables",
		.sn_descr = "Numbered tables of routes, at most",
		.sn_writable = true,
		.sn_int = &rv->rv_maxtables,
		.sn_max = RT_TABLE_MAX,
	};
	int error;

	rv->rv_maxtables = TABLES_DEFAULT;
	rv->rv_reap.kt_fn = reap;
	rv->rv_reap.kt_arg = vn;
	kbtree_init(vn->vn_kern, &rv->rv_tables, 1);
	error = table_init(vn, &rv->rv_main, 0, &vn->vn_if->ifv_nets);
	if (error != 0)
		return error;
	error = sysctl_add(vn, &max);
	if (error != 0)
		table_fini(&rv->rv_main);
	return error;
}

void
rt_tables_fini(struct vnet *vn)
{
	struct route_vnet *rv = vn->vn_route;

	ktask_cancel(vn->vn_kern, &rv->rv_reap);
	reap(vn);
	KASSERT(rv->rv_tables.kt_count == 0);
	kbtree_fini(&rv->rv_tables);
	table_fini(&rv->rv_main);
}

/* --- by number ----------------------------------------------------------- */

struct rt_table *
rt_table_numbered(struct vnet *vn, uint32_t number)
{
	const struct kbtree_key key = { { number } };

	return number == 0 ? rt_main(vn) :
	    kbtree_find(&vn->vn_route->rv_tables, &key);
}

int
rt_table_make(struct vnet *vn, uint32_t number, struct rt_table **tbp)
{
	struct route_vnet *rv = vn->vn_route;
	int64_t max;

	*tbp = rt_table_numbered(vn, number);
	if (*tbp != NULL)
		return 0;
	if (number > RT_TABLE_MAX)
		return kern_refuse(EINVAL, "a table has a number from 1 to %u; "
		    "0 is the main one", RT_TABLE_MAX);
	max = __atomic_load_n(&rv->rv_maxtables, __ATOMIC_RELAXED);
	if (rv->rv_tables.kt_count >= (uint64_t)max)
		return kern_refuse(ENOSPC, "there are %zu tables, as many as "
		    "there may be (net.route.maxtables)",
		    rv->rv_tables.kt_count);
	*tbp = table_new(vn, number);
	if (*tbp == NULL)
		return ENOMEM;
	rt_table_may_go(*tbp);
	return 0;
}

int
rt_table_meant(struct vnet *vn, uint32_t number, struct rt_table **tbp)
{

	*tbp = rt_table_numbered(vn, number);
	return *tbp != NULL ? 0 : kern_refuse(ESRCH, "there is no table %u: no "
	    "route, interface or rule is in it", number);
}

struct rt_table *
rt_tableof(const struct rtentry *rt)
{

	return rt_is_own(rt) ? rt_table_of(rt->rt_ownifa->ifa_ifp) :
	    rt->rt_path->rp_spec.sp_table;
}

/* --- rules and others that name a table ---------------------------------- */

int
rt_table_hold(struct vnet *vn, uint32_t number, bool make,
    struct rt_table **tbp)
{
	int error;

	route_lock(vn);
	error = make ? rt_table_make(vn, number, tbp) :
	    rt_table_meant(vn, number, tbp);
	if (error == 0)
		(*tbp)->tb_nholds++;
	route_unlock(vn);
	return error;
}

void
rt_table_drop(struct rt_table *tb)
{
	struct vnet *vn = tb->tb_vnet;

	route_lock(vn);
	tb->tb_nholds--;
	rt_table_may_go(tb);
	route_unlock(vn);
}

int
rt_table_check(struct vnet *vn, uint32_t number)
{
	struct rt_table *tb;
	int error;

	route_lock(vn);
	error = rt_table_meant(vn, number, &tb);
	route_unlock(vn);
	return error;
}

/* --- interfaces ---------------------------------------------------------- */

/* One more interface, or one less: the first and the last one decide where the
 * gateways of its routes are found. */
static void
count_interface(struct rt_table *tb, int more)
{
	bool had = tb->tb_nifs != 0;

	if (tb->tb_number == 0)
		return;
	tb->tb_nifs += (uint32_t)more;
	if ((tb->tb_nifs != 0) == had)
		return;
	if (had)
		rt_paths_open(tb);
	else
		rt_paths_close(tb);
	rt_table_may_go(tb);
}

int
rt_table_bind(struct ifnet *ifp, uint32_t number)
{
	struct vnet *vn = ifp->if_vnet;
	struct rt_table *tb, *was;
	int error;

	KASSERT(if_ioctl_locked(ifp));
	route_lock(vn);
	error = rt_table_make(vn, number, &tb);
	if (error == 0 && if_is_deactivated(ifp))
		error = ENXIO;
	was = rt_table_of(ifp);
	if (error == 0 && was != tb) {
		count_interface(tb, 1);
		__atomic_store_n(&ifp->if_table, number == 0 ? NULL : tb,
		    __ATOMIC_RELEASE);
		count_interface(was, -1);
	}
	route_unlock(vn);
	return error;
}

void
rt_table_unbind(struct ifnet *ifp)
{
	struct vnet *vn = ifp->if_vnet;

	if (ifp->if_table == NULL)
		return;
	route_lock(vn);
	count_interface(ifp->if_table, -1);
	__atomic_store_n(&ifp->if_table, NULL, __ATOMIC_RELAXED);
	route_unlock(vn);
}
