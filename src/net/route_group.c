/*
 * Groups: routes with several ways at once.
 *
 * The flows are shared out by buckets, as many to a member as its weight says.
 * A bucket has a member as its home, and goes to another one only while that
 * cannot be used; a group that is made from another keeps the homes that both
 * have.  So nothing but the flows of what goes or comes is moved.
 */

#include "net/route_impl.h"

#include <errno.h>
#include <string.h>

#include "net/rtsock.h"

static uint32_t
members_hash(const struct rt_member *rm, unsigned n)
{
	uint64_t h = n;

	for (unsigned i = 0; i < n; i++)
		h = (uint64_t)khash_u64(h ^ (uintptr_t)rm[i].rm_path) << 32 |
		    khash_u64(h + rm[i].rm_weight);
	return khash_u64(h);
}

static uint32_t
object_hash(const void *obj)
{
	const struct rt_group *rg = obj;

	return members_hash(rg->rg_member, rg->rg_n);
}

void
rt_groups_init(struct vnet *vn)
{

	khash_init(vn->vn_kern, &vn->vn_route->rv_groups, object_hash);
}

/* --- buckets ------------------------------------------------------------- */

/* The member that has the least of what its weight allows. */
static unsigned
neediest(const struct rt_member *rm, unsigned n, const unsigned *has,
    uint64_t may)
{
	unsigned best = n;

	for (unsigned i = 0; i < n; i++)
		if ((may >> i & 1) != 0 && (best == n ||
		    (uint64_t)has[i] * rm[best].rm_weight <
		    (uint64_t)has[best] * rm[i].rm_weight))
			best = i;
	return best;
}

static inline uint64_t
all_of(unsigned n)
{

	return n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

/* The share of each member. */
static void
share_out(const struct rt_member *rm, unsigned n, unsigned *quota)
{

	memset(quota, 0, n * sizeof(*quota));
	for (unsigned b = 0; b < NH_BUCKETS; b++)
		quota[neediest(rm, n, quota, all_of(n))]++;
}

/* The member in whose share a bucket stays; n: none. */
static unsigned
stays_with(const struct rt_group *rg, const struct rt_group *like, unsigned b)
{
	const struct rt_path *rp;

	if (like == NULL)
		return rg->rg_n;
	rp = like->rg_member[like->rg_home[b]].rm_path;
	for (unsigned i = 0; i < rg->rg_n; i++)
		if (rg->rg_member[i].rm_path == rp)
			return i;
	return rg->rg_n;
}

static void
settle_homes(struct rt_group *rg, const struct rt_group *like)
{
	unsigned quota[NH_MEMBERS], has[NH_MEMBERS] = { 0 }, i, n = rg->rg_n;
	bool free[NH_BUCKETS];
	uint64_t may;

	share_out(rg->rg_member, n, quota);
	for (unsigned b = 0; b < NH_BUCKETS; b++) {
		i = stays_with(rg, like, b);
		free[b] = i == n || has[i] == quota[i];
		if (!free[b]) {
			rg->rg_home[b] = (uint8_t)i;
			has[i]++;
		}
	}
	for (unsigned b = 0; b < NH_BUCKETS; b++) {
		if (!free[b])
			continue;
		may = 0;
		for (i = 0; i < n; i++)
			may |= (uint64_t)(has[i] < quota[i]) << i;
		i = neediest(rg->rg_member, n, has, may);
		rg->rg_home[b] = (uint8_t)i;
		has[i]++;
	}
}

/* How far a member can be used, also when that has just changed. */
static uint8_t
member_use(const struct rt_member *rm)
{

	return rm->rm_path->rp_hop == NULL ? RT_USE_NOT : rm->rm_path->rp_use;
}

/* The members that can be used best. */
static uint64_t
usable(const struct rt_group *rg)
{
	uint8_t best = RT_USE_NOT;
	uint64_t may = 0;

	for (unsigned i = 0; i < rg->rg_n; i++)
		if (member_use(&rg->rg_member[i]) > best)
			best = member_use(&rg->rg_member[i]);
	for (unsigned i = 0; i < rg->rg_n; i++)
		may |= (uint64_t)(member_use(&rg->rg_member[i]) == best) << i;
	return may;
}

static const struct nexthop *
member_nh(const struct route_vnet *rv, const struct rt_member *rm)
{

	return rm->rm_path->rp_hop != NULL ? &rm->rm_path->rp_hop->ho_ng.ng_nh :
	    rv->rv_unreachable;
}

/* Give each bucket a next hop: its home's, or else the one that it has, or else
 * another. */
static void
fill(const struct route_vnet *rv, struct rt_group *rg)
{
	struct nexthop_group *gr = &rg->rg_nh;
	unsigned has[NH_MEMBERS] = { 0 }, i;
	uint64_t may = usable(rg);
	const struct nexthop *nh;

	for (i = 0; i < rg->rg_n; i++)
		__atomic_store_n(&gr->gr_member[i], member_nh(rv,
		    &rg->rg_member[i]), __ATOMIC_RELEASE);
	for (unsigned b = 0; b < NH_BUCKETS; b++) {
		i = rg->rg_home[b];
		if ((may >> i & 1) == 0)
			i = rg->rg_now[b];
		if ((may >> i & 1) == 0)
			i = neediest(rg->rg_member, rg->rg_n, has, may);
		if (i != rg->rg_home[b])
			has[i]++;
		rg->rg_now[b] = (uint8_t)i;
		nh = member_nh(rv, &rg->rg_member[i]);
		if (nh != gr->gr_bucket[b])
			__atomic_store_n(&gr->gr_bucket[b], nh,
			    __ATOMIC_RELEASE);
	}
}

void
rt_group_member_changed(struct vnet *vn, struct rt_path *member)
{
	struct rt_member *rm;

	LIST_FOREACH(rm, &member->rp_groups, rm_link) {
		fill(vn->vn_route, rm->rm_group);
		rt_path_look(vn, rm->rm_group->rg_path);
	}
}

/* --- making and giving up ------------------------------------------------ */

static struct rt_group *
group_of(const struct route_vnet *rv, const struct rt_member *rm, unsigned n)
{
	struct khash_iter it;
	struct rt_group *rg;
	unsigned i;

	for (rg = khash_first(&rv->rv_groups, members_hash(rm, n), &it);
	    rg != NULL; rg = khash_next(&it)) {
		for (i = 0; i < n && rg->rg_n == n; i++)
			if (rg->rg_member[i].rm_path != rm[i].rm_path ||
			    rg->rg_member[i].rm_weight != rm[i].rm_weight)
				break;
		if (rg->rg_n == n && i == n)
			return rg;
	}
	return NULL;
}

static void
free_group(struct kern_defer *kd)
{
	struct rt_group *rg = (struct rt_group *)(void *)((char *)kd -
	    offsetof(struct rt_group, rg_defer));

	kmem_free(rg->rg_kern, rg);
}

struct rt_path *
rt_group_get(struct vnet *vn, const struct rt_member *rm, unsigned n,
    const struct rt_path *like)
{
	struct route_vnet *rv = vn->vn_route;
	struct rt_group *rg = group_of(rv, rm, n);

	if (rg != NULL)
		return rg->rg_path;
	rg = kmem_zalloc(vn->vn_kern, sizeof(*rg));
	if (rg == NULL)
		return NULL;
	if (rv->rv_seed == 0)
		host_random(vn->vn_kern->k_host, &rv->rv_seed,
		    sizeof(rv->rv_seed));
	rg->rg_kern = vn->vn_kern;
	rg->rg_n = n;
	for (unsigned i = 0; i < n; i++) {
		rg->rg_member[i].rm_path = rm[i].rm_path;
		rg->rg_member[i].rm_weight = rm[i].rm_weight;
		rg->rg_member[i].rm_group = rg;
		/* Members nobody cared for may not have been looked at. */
		rt_path_look(vn, rm[i].rm_path);
	}
	settle_homes(rg, like != NULL ? like->rp_group : NULL);
	memcpy(rg->rg_now, rg->rg_home, sizeof(rg->rg_now));
	rg->rg_nh.gr_nh.nh_flags = NH_GROUP;
	rg->rg_nh.gr_n = n;
	fill(rv, rg);
	if (khash_insert(&rv->rv_groups, object_hash(rg), rg) != 0) {
		kmem_free(vn->vn_kern, rg);
		return NULL;
	}
	rg->rg_path = rt_path_new_group(vn, rg);
	if (rg->rg_path == NULL) {
		khash_remove(&rv->rv_groups, object_hash(rg), rg);
		kmem_free(vn->vn_kern, rg);
		return NULL;
	}
	rt_sharing_add(vn, 1);
	for (unsigned i = 0; i < n; i++) {
		rm[i].rm_path->rp_nroutes++;
		LIST_INSERT_HEAD(&rm[i].rm_path->rp_groups, &rg->rg_member[i],
		    rm_link);
	}
	return rg->rg_path;
}

void
rt_group_free(struct vnet *vn, struct rt_group *rg)
{

	khash_remove(&vn->vn_route->rv_groups, object_hash(rg), rg);
	rt_sharing_add(vn, -1);
	for (unsigned i = 0; i < rg->rg_n; i++) {
		LIST_REMOVE(&rg->rg_member[i], rm_link);
		rg->rg_member[i].rm_path->rp_nroutes--;
		rt_path_drop(vn, rg->rg_member[i].rm_path);
	}
	kern_defer(vn->vn_kern, &rg->rg_defer, free_group);
}

int
rt_group_find(const struct rt_path *rp, const struct rt_info *ri)
{
	const struct rt_path *way;
	bool asks_gw = neigh_addr_is_set(&ri->ri_gw);

	for (unsigned i = 0; i < rp->rp_group->rg_n; i++) {
		way = rp->rp_group->rg_member[i].rm_path;
		if ((!asks_gw || (way->rp_spec.sp_has_gw &&
		    neigh_addr_equal(&way->rp_spec.sp_gw, &ri->ri_gw))) &&
		    (ri->ri_ifp == NULL || rt_path_ifp(way) == ri->ri_ifp))
			return (int)i;
	}
	return -1;
}

/* --- requests ------------------------------------------------------------ */

/* The ways of a route, in `rm'; how many. */
static unsigned
ways_of(const struct rtentry *rt, struct rt_member rm[NH_MEMBERS])
{
	const struct rt_group *rg = rt->rt_path->rp_group;

	if (rg != NULL) {
		memcpy(rm, rg->rg_member, rg->rg_n * sizeof(*rm));
		return rg->rg_n;
	}
	rm[0] = (struct rt_member){ .rm_path = rt->rt_path, .rm_weight = 1 };
	return 1;
}

/* The path of these ways; NULL: no memory. */
static struct rt_path *
path_of_ways(struct vnet *vn, const struct rt_member *rm, unsigned n,
    const struct rt_path *like)
{

	return n == 1 && rm[0].rm_weight == 1 ? rm[0].rm_path :
	    rt_group_get(vn, rm, n, like);
}

/* Lead a route by other ways, and tell. */
static int
take_ways(struct vnet *vn, struct rtentry *rt, const struct rt_member *rm,
    unsigned n)
{
	struct rt_path *rp = path_of_ways(vn, rm, n, rt->rt_path);
	int error = ENOMEM;

	if (rp != NULL)
		error = rt_repoint(vn, rt, rp);
	if (error != 0) {
		if (rp != NULL)
			rt_path_drop(vn, rp);
		return error;
	}
	rt_routemsg(vn, RTM_CHANGE, rt);
	if ((rt->rt_user & RTE_SHARED) != 0)
		rt_select(vn, rt);
	return 0;
}

/* One more way of a route that is there. */
static int
add_way(struct vnet *vn, const struct rt_info *ri, struct rtentry *rt)
{
	uint32_t weight = ri->ri_weight != 0 ? ri->ri_weight : 1;
	struct rt_member rm[NH_MEMBERS + 1];
	struct rt_path *rp;
	struct rt_spec sp;
	unsigned n, i;
	int error;

	if (rt_is_own(rt) || (rt->rt_flags & RTF_NOWHERE) != 0)
		return kern_refuse(EEXIST, "the route to it %s, and has one "
		    "way alone", rt_is_own(rt) ? "came with an address" :
		    "refuses packets");
	rt_spec_of(rt_tableof(rt), ri, rt, &sp);
	n = ways_of(rt, rm);
	if (sp.sp_mtu == 0)
		sp.sp_mtu = rm[0].rm_path->rp_spec.sp_mtu;
	error = rt_path_get(vn, &sp, rt, (ri->ri_given & RTV_LATER) != 0, &rp);
	if (error != 0)
		return error;
	for (i = 0; i < n && rm[i].rm_path != rp; i++)
		continue;
	if (i < n && rm[i].rm_weight == weight)
		return kern_refuse(EEXIST, "this is one of the ways of the "
		    "route already, with that weight");
	if (i == NH_MEMBERS)
		error = kern_refuse(ENOSPC, "the route has %u ways, as many as "
		    "there may be", NH_MEMBERS);
	else {
		rm[i] = (struct rt_member){ .rm_path = rp,
		    .rm_weight = weight };
		error = take_ways(vn, rt, rm, i < n ? n : n + 1);
	}
	if (error != 0)
		rt_path_drop(vn, rp);
	return error;
}

int
rt_add_way(struct vnet *vn, const struct rt_info *ri)
{
	struct rt_gone gone = { .rg_handle = 0 };
	struct rt_info one = *ri;
	struct rt_table *tb;
	struct rt_member rm;
	struct rtentry *rt;
	int error;

	error = rt_info_check(ri);
	if (error != 0)
		return error;
	if ((ri->ri_flags & RTF_NOWHERE) != 0)
		return kern_refuse(EINVAL, "a route that refuses packets has "
		    "no ways");
	one.ri_given |= RTV_METRIC;	/* 0 unless given */
	route_lock(vn);
	tb = rt_table_numbered(vn, one.ri_table);
	rt = tb != NULL ? rt_find_metric(tb, &one) : NULL;
	error = rt != NULL ? add_way(vn, ri, rt) : ESRCH;
	route_unlock(vn);
	if (rt != NULL)
		return error;
	error = rt_add(vn, &one);
	if (error != 0 || ri->ri_weight <= 1)
		return error;
	route_lock(vn);
	tb = rt_table_numbered(vn, one.ri_table);
	rt = tb != NULL ? rt_find_metric(tb, &one) : NULL;
	if (rt != NULL && !rt_is_own(rt) && rt->rt_path->rp_group == NULL) {
		rm = (struct rt_member){ .rm_path = rt->rt_path,
		    .rm_weight = ri->ri_weight };
		error = take_ways(vn, rt, &rm, 1);
		/* Without its weight it is not the route that was asked
		 * for. */
		if (error != 0) {
			rt_note_gone(rt, &gone);
			rt_take_out(vn, rt);
		}
	}
	route_unlock(vn);
	if (error != 0)
		rt_tell_gone(vn, &gone);
	return error;
}

int
rt_delete_way(struct vnet *vn, struct rtentry *rt, unsigned way)
{
	struct rt_member rm[NH_MEMBERS];
	unsigned n = ways_of(rt, rm);

	memmove(&rm[way], &rm[way + 1], (n - way - 1) * sizeof(rm[0]));
	return take_ways(vn, rt, rm, n - 1);
}

void
rt_group_leave(struct vnet *vn, struct rt_path *member)
{
	struct rt_member *rm;
	struct rt_path *rp;
	struct rtfull *rf;
	unsigned way;

	while ((rm = LIST_FIRST(&member->rp_groups)) != NULL) {
		rp = rm->rm_group->rg_path;
		way = (unsigned)(rm - rm->rm_group->rg_member);
		rf = LIST_FIRST(&rp->rp_routes);
		if (rf == NULL)
			rf = LIST_FIRST(&rp->rp_shared);
		if (rm->rm_group->rg_n == 1 ||
		    rt_delete_way(vn, &rf->rf_rt, way) != 0)
			rt_lose(vn, &rf->rf_rt);
	}
}
