/*
 * A table of routes: for requests the best route of each prefix, in order, and
 * for packets the forwarding table, which has the same prefixes.
 */

#include "net/route_impl.h"

#include <errno.h>

#include "proto/prefix.h"

static inline uint64_t
order_of(const struct rtentry *rt)
{

	return rt_order(rt->rt_key, rt->rt_len);
}

static inline struct prefix
prefix_of(const struct rtentry *rt)
{

	return prefix_of4(rt->rt_key, rt->rt_len);
}

struct rtentry *
rt_table_find(const struct rt_table *tb, uint32_t key, unsigned len)
{

	return kbtree_find(&tb->tb_routes, rt_order(key, len));
}

/*
 * The greatest prefix not above the one looked for is what was looked for, or
 * leads on: whatever contains the address contains that as well, and so is no
 * longer than what the two have in common.
 */
struct rtentry *
rt_table_cover(const struct rt_table *tb, uint32_t key, unsigned len)
{
	struct rtentry *rt;
	uint64_t found;
	uint32_t differ;
	unsigned common;

	while (len-- > 0) {
		rt = kbtree_upto(&tb->tb_routes, rt_order(key &
		    prefix_mask(len), len), &found);
		if (rt == NULL)
			return NULL;
		/* The route itself is in none of the caches. */
		differ = (uint32_t)(found >> 8) ^ key;
		common = differ == 0 ? 32 : (unsigned)__builtin_clz(differ);
		if ((found & 0xff) <= common)
			return rt;
		len = common + 1;
	}
	return NULL;
}

int
rt_table_add(struct rt_table *tb, struct rtentry *rt)
{
	const struct prefix pf = prefix_of(rt);
	int error;

	error = fib_add(&tb->tb_fib4, &pf, rt_value(rt));
	if (error != 0)
		return error;
	error = kbtree_insert(&tb->tb_routes, order_of(rt), rt);
	if (error != 0)
		rt_table_remove(tb, rt);
	else
		rt_paths_prefix_changed(tb, rt->rt_key, rt->rt_len);
	return error;
}

int
rt_table_replace(struct rt_table *tb, struct rtentry *old,
    struct rtentry *new, uint32_t value)
{
	const struct prefix pf = prefix_of(new);
	int error;

	error = fib_add(&tb->tb_fib4, &pf, value);
	if (error != 0)
		return error;
	if (new != old)
		(void)kbtree_replace(&tb->tb_routes, order_of(old), new);
	rt_paths_prefix_changed(tb, new->rt_key, new->rt_len);
	return 0;
}

void
rt_table_remove(struct rt_table *tb, struct rtentry *rt)
{
	const struct prefix pf = prefix_of(rt);
	const struct rtentry *cover;

	cover = rt_table_cover(tb, rt->rt_key, rt->rt_len);
	fib_remove(&tb->tb_fib4, &pf,
	    cover != NULL ? rt_value(cover) : 0,
	    cover != NULL ? cover->rt_len : 0);
	(void)kbtree_remove(&tb->tb_routes, order_of(rt));
	rt_table_may_go(tb);
	rt_paths_prefix_changed(tb, rt->rt_key, rt->rt_len);
}

int
rt_table_ready(struct rt_table *tb, const struct rtentry *spare,
    uint32_t value)
{
	const struct prefix pf = prefix_of(spare);

	return value < FIB_BELOW_NARROW ? 0 : fib_widen(&tb->tb_fib4, &pf);
}
