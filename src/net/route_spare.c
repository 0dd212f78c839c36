/*
 * Spares: routes that are not used because a better one leads to the same
 * prefix.  They are in a hash table of their own, by prefix, so that a prefix
 * with one route, which nearly all are, pays nothing.
 */

#include "net/route_impl.h"

#include <errno.h>

static uint32_t
hash_of(const void *obj)
{
	const struct rtentry *rt = obj;

	return lpm_hash(rt->rt_key, rt->rt_len);
}

void
rt_spares_init(struct kern *k, struct rt_table *tb)
{

	khash_init(k, &tb->tb_spares, hash_of);
}

void
rt_spares_fini(struct rt_table *tb)
{

	KASSERT(tb->tb_spares.kh_count == 0);
	khash_fini(&tb->tb_spares);
}

struct rtentry *
rt_spare_from(const struct rt_table *tb, uint32_t key, unsigned len,
    uint64_t from)
{
	struct rtentry *rt, *least = NULL;
	struct khash_iter it;

	if (tb->tb_spares.kh_count == 0)
		return NULL;
	for (rt = khash_first(&tb->tb_spares, lpm_hash(key, len), &it);
	    rt != NULL; rt = khash_next(&it))
		if (rt->rt_key == key && rt->rt_len == len &&
		    rt->rt_metric >= from &&
		    (least == NULL || rt->rt_metric < least->rt_metric))
			least = rt;
	return least;
}

static unsigned
count(const struct rt_table *tb, const struct rtentry *like)
{
	const struct rtentry *rt;
	struct khash_iter it;
	unsigned n = 0;

	for (rt = khash_first(&tb->tb_spares, hash_of(like), &it); rt != NULL;
	    rt = khash_next(&it))
		n += rt->rt_key == like->rt_key &&
		    rt->rt_len == like->rt_len;
	return n;
}

int
rt_spare_put(struct rt_table *tb, struct rtentry *rt)
{
	int error;

	KASSERT(!rt_is_own(rt));
	if (count(tb, rt) >= RT_SPARES_MAX)
		return kern_refuse(ENOSPC, "there are %u routes to this "
		    "destination, as many as there may be", RT_SPARES_MAX + 1);
	error = khash_insert(&tb->tb_spares, hash_of(rt), rt);
	if (error == 0)
		(void)__atomic_fetch_or(&rt->rt_user, RTE_SPARE,
		    __ATOMIC_RELAXED);
	return error;
}

void
rt_spare_take(struct rt_table *tb, struct rtentry *rt)
{

	khash_remove(&tb->tb_spares, hash_of(rt), rt);
}

void
rt_spare_use(struct rt_table *tb, struct rtentry *rt)
{

	rt_spare_take(tb, rt);
	(void)__atomic_fetch_and(&rt->rt_user, (uint8_t)~RTE_SPARE,
	    __ATOMIC_RELAXED);
}

void
rt_spare_swap(struct rt_table *tb, struct rtentry *spare,
    struct rtentry *used)
{

	(void)__atomic_fetch_or(&used->rt_user, RTE_SPARE, __ATOMIC_RELAXED);
	khash_replace(&tb->tb_spares, hash_of(spare), spare, used);
	(void)__atomic_fetch_and(&spare->rt_user, (uint8_t)~RTE_SPARE,
	    __ATOMIC_RELAXED);
}

struct rtentry *
rt_spare_best(const struct rt_table *tb, uint32_t key, unsigned len)
{
	struct rtentry *rt, *best = NULL;
	struct khash_iter it;

	if (tb->tb_spares.kh_count == 0)
		return NULL;
	for (rt = khash_first(&tb->tb_spares, lpm_hash(key, len), &it);
	    rt != NULL; rt = khash_next(&it)) {
		if (rt->rt_key != key || rt->rt_len != len)
			continue;
		if (best == NULL || rt_is_before(rt, best))
			best = rt;
	}
	return best;
}

struct rtentry *
rt_spare_any(const struct rt_table *tb)
{
	size_t pos = 0;

	return khash_walk(&tb->tb_spares, &pos);
}
