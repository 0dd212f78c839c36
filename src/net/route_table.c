/*
 * A table of routes: for requests the best route of each prefix, in order, and
 * for packets the forwarding table, which has the same prefixes.
 */

#include "net/route_impl.h"

int
rt_table_add(struct rt_table *tb, struct rtentry *rt)
{
	const struct prefix pf = rt_prefix(rt);
	const struct kbtree_key order = rt_order(&pf);
	struct rt_af *ta;
	int error;

	error = rt_table_make_af(tb, pf.pf_family);
	if (error != 0)
		return error;
	ta = rt_af(tb, pf.pf_family);
	error = fib_add(&ta->ta_fib, &pf, rt_value(rt));
	if (error != 0)
		return error;
	error = kbtree_insert(&ta->ta_routes, &order, rt);
	if (error != 0)
		rt_table_remove(tb, rt);
	else
		rt_paths_prefix_changed(tb, &pf);
	return error;
}

int
rt_table_replace(struct rt_table *tb, struct rtentry *old,
    struct rtentry *new, uint32_t value)
{
	const struct prefix pf = rt_prefix(new);
	const struct kbtree_key order = rt_order(&pf);
	struct rt_af *ta = rt_af(tb, pf.pf_family);
	int error;

	error = fib_add(&ta->ta_fib, &pf, value);
	if (error != 0)
		return error;
	if (new != old)
		(void)kbtree_replace(&ta->ta_routes, &order, new);
	rt_paths_prefix_changed(tb, &pf);
	return 0;
}

void
rt_table_remove(struct rt_table *tb, struct rtentry *rt)
{
	const struct prefix pf = rt_prefix(rt);
	const struct kbtree_key order = rt_order(&pf);
	struct rt_af *ta = rt_af(tb, pf.pf_family);
	const struct rtentry *cover;

	cover = rt_table_cover(tb, &pf);
	fib_remove(&ta->ta_fib, &pf, cover != NULL ? rt_value(cover) : 0,
	    cover != NULL ? cover->rt_len : 0);
	(void)kbtree_remove(&ta->ta_routes, &order);
	rt_table_may_go(tb);
	rt_paths_prefix_changed(tb, &pf);
}

int
rt_table_ready(struct rt_table *tb, const struct rtentry *spare,
    uint32_t value)
{
	const struct prefix pf = rt_prefix(spare);

	return value < FIB_BELOW_NARROW ? 0 :
	    fib_widen(&rt_af(tb, pf.pf_family)->ta_fib, &pf);
}
