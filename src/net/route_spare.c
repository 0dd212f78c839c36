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
	const struct prefix pf = rt_prefix(obj);

	return rt_prefix_hash(&pf);
}

void
rt_spares_init(struct kern *k, struct rt_af *ta)
{

	khash_init(k, &ta->ta_spares, hash_of);
}

void
rt_spares_fini(struct rt_af *ta)
{

	KASSERT(ta->ta_spares.kh_count == 0);
	khash_fini(&ta->ta_spares);
}

static bool
is_of(const struct rtentry *rt, const struct prefix *pf)
{
	const struct prefix of = rt_prefix(rt);

	return prefix_is(&of, pf);
}

/* The spares of a route's family. */
static inline struct khash *
spares_of(struct rt_table *tb, const struct rtentry *rt)
{

	return &rt_af(tb, rt_prefix(rt).pf_family)->ta_spares;
}

struct rtentry *
rt_spare_from(const struct rt_table *tb, const struct prefix *pf,
    uint64_t from)
{
	const struct rt_af *ta = rt_af(tb, pf->pf_family);
	struct rtentry *rt, *least = NULL;
	struct khash_iter it;

	if (ta == NULL || ta->ta_spares.kh_count == 0)
		return NULL;
	for (rt = khash_first(&ta->ta_spares, rt_prefix_hash(pf), &it);
	    rt != NULL; rt = khash_next(&it))
		if (is_of(rt, pf) && rt->rt_metric >= from &&
		    (least == NULL || rt->rt_metric < least->rt_metric))
			least = rt;
	return least;
}

static unsigned
count(struct rt_table *tb, const struct rtentry *like)
{
	const struct prefix pf = rt_prefix(like);
	const struct rtentry *rt;
	struct khash_iter it;
	unsigned n = 0;

	for (rt = khash_first(spares_of(tb, like), hash_of(like), &it);
	    rt != NULL; rt = khash_next(&it))
		n += is_of(rt, &pf);
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
	error = khash_insert(spares_of(tb, rt), hash_of(rt), rt);
	if (error == 0)
		(void)__atomic_fetch_or(&rt->rt_user, RTE_SPARE,
		    __ATOMIC_RELAXED);
	return error;
}

void
rt_spare_take(struct rt_table *tb, struct rtentry *rt)
{

	khash_remove(spares_of(tb, rt), hash_of(rt), rt);
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
	khash_replace(spares_of(tb, spare), hash_of(spare), spare, used);
	(void)__atomic_fetch_and(&spare->rt_user, (uint8_t)~RTE_SPARE,
	    __ATOMIC_RELAXED);
}

struct rtentry *
rt_spare_best(const struct rt_table *tb, const struct prefix *pf)
{
	const struct rt_af *ta = rt_af(tb, pf->pf_family);
	struct rtentry *rt, *best = NULL;
	struct khash_iter it;

	if (ta == NULL || ta->ta_spares.kh_count == 0)
		return NULL;
	for (rt = khash_first(&ta->ta_spares, rt_prefix_hash(pf), &it);
	    rt != NULL; rt = khash_next(&it)) {
		if (!is_of(rt, pf))
			continue;
		if (best == NULL || rt_is_before(rt, best))
			best = rt;
	}
	return best;
}

struct rtentry *
rt_spare_any(const struct rt_af *ta)
{
	size_t pos = 0;

	return khash_walk(&ta->ta_spares, &pos);
}
