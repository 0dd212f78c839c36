/*
 * mcast: the table of groups: joining, leaving, who is a member.
 */

#include "net/mcast.h"

#include <errno.h>
#include <stddef.h>

#include <ifnet/if_dl.h>

#include "kern/sysctl.h"
#include "net/if_attach_impl.h"
#include "net/if_vnet_impl.h"
#include "net/zone6.h"

static uint32_t
group_hash(const struct mcast_if *mi, unsigned slot,
    const union neigh_addr *na)
{

	return khash_u64(na->na_words[0] ^ (na->na_words[1] +
	    mi->mi_ifp->if_index) * UINT64_C(0x9e3779b97f4a7c15) ^ slot);
}

static uint32_t
hash_of(const void *obj)
{
	const struct mcast_group *mg = obj;

	return group_hash(mg->mg_if, mg->mg_slot, &mg->mg_addr);
}

struct mcast_group *
mcast_find(const struct mcast_if *mi, unsigned slot,
    const union neigh_addr *na)
{
	const struct mcast_vnet *mv = mi->mi_ifp->if_vnet->vn_mcast;
	struct mcast_group *mg;
	struct khash_iter it;

	for (mg = khash_first(&mv->mv_groups, group_hash(mi, slot, na), &it);
	    mg != NULL; mg = khash_next(&it))
		if (mg->mg_if == mi && mg->mg_slot == slot &&
		    neigh_addr_equal(&mg->mg_addr, na))
			return mg;
	return NULL;
}

bool
mcast_is_member(const struct ifnet *ifp, unsigned slot,
    const union neigh_addr *na)
{
	const struct mcast_if *mi = mcast_if_of(ifp);
	const struct mcast_group *mg;

	if (mi == NULL)
		return false;
	mg = mcast_find(mi, slot, na);
	return mg != NULL && __atomic_load_n(&mg->mg_refs,
	    __ATOMIC_RELAXED) != 0;
}

/* --- making, freeing ------------------------------------------------------ */

static void
free_group(struct kern_defer *kd)
{
	struct mcast_group *mg = (struct mcast_group *)(void *)((char *)kd -
	    offsetof(struct mcast_group, mg_defer));

	kslab_free(mg->mg_kern, mg, sizeof(*mg));
}

static void
free_if(struct kern_defer *kd)
{
	struct mcast_if *mi = (struct mcast_if *)(void *)((char *)kd -
	    offsetof(struct mcast_if, mi_defer));

	kslab_free(mi->mi_kern, mi, sizeof(*mi));
}

/* m: is the group one that somebody asked for, or that is being left? */
static void
count_group(struct mcast_vnet *mv, struct mcast_group *mg, bool counted)
{

	if (mg->mg_counted == counted)
		return;
	mg->mg_counted = counted;
	if (counted) {
		mg->mg_if->mi_groups++;
		mv->mv_total++;
	} else {
		mg->mg_if->mi_groups--;
		mv->mv_total--;
	}
}

/* m: out of the table; its timer is idle. */
static void
remove_group(struct mcast_vnet *mv, struct mcast_group *mg)
{

	count_group(mv, mg, false);
	khash_remove(&mv->mv_groups, hash_of(mg), mg);
	/* A reader may be at the object: its own pointer stays. */
	if (mg->mg_link.le_next != NULL)
		mg->mg_link.le_next->mg_link.le_prev = mg->mg_link.le_prev;
	__atomic_store_n(mg->mg_link.le_prev, mg->mg_link.le_next,
	    __ATOMIC_RELEASE);
	kern_defer(mg->mg_kern, &mg->mg_defer, free_group);
}

/* m: free the groups that were left, and of which all is told. */
static void
reap(struct mcast_vnet *mv)
{
	struct mcast_group *mg;
	bool over;

	for (;;) {
		kspin_lock(&mv->mv_spin);
		mg = mv->mv_ended;
		if (mg == NULL)
			break;
		mv->mv_ended = mg->mg_ended;
		mg->mg_flags &= (uint8_t)~MG_ENDED;
		/* The group may have been joined again. */
		over = mg->mg_refs == 0 &&
		    !wheel_has(&mg->mg_timer.mt_link);
		kspin_unlock(&mv->mv_spin);
		if (over)
			remove_group(mv, mg);
	}
	kspin_unlock(&mv->mv_spin);
}

static void
reap_task(void *arg)
{
	struct mcast_vnet *mv = arg;
	struct host *h = mv->mv_vnet->vn_kern->k_host;

	host_mutex_lock(h, &mv->mv_lock);
	reap(mv);
	host_mutex_unlock(h, &mv->mv_lock);
}

/* The vnet's part, made if need be; NULL: no memory. */
static struct mcast_vnet *
vnet_part(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;
	struct mcast_vnet *mv;

	mv = __atomic_load_n(&vn->vn_mcast, __ATOMIC_ACQUIRE);
	if (mv != NULL)
		return mv;
	host_mutex_lock(k->k_host, &vn->vn_if->ifv_lock);
	mv = vn->vn_mcast;
	if (mv == NULL && (mv = kmem_zalloc(k, sizeof(*mv))) != NULL) {
		mv->mv_vnet = vn;
		host_mutex_init(k->k_host, &mv->mv_lock);
		khash_init(k, &mv->mv_groups, hash_of);
		host_random(k->k_host, &mv->mv_seed, sizeof(mv->mv_seed));
		wheel_init(&mv->mv_wheel, k, mv->mv_level, MCAST_LEVELS,
		    MCAST_TICK_NS, mcast_run, mv);
		mv->mv_task.kt_fn = reap_task;
		mv->mv_task.kt_arg = mv;
		__atomic_store_n(&vn->vn_mcast, mv, __ATOMIC_RELEASE);
	}
	host_mutex_unlock(k->k_host, &vn->vn_if->ifv_lock);
	return mv;
}

/* m: likewise the interface's. */
static struct mcast_if *
if_part(struct ifnet *ifp)
{
	struct mcast_if *mi = mcast_if_of(ifp);

	if (mi != NULL)
		return mi;
	mi = kslab_alloc(if_kern(ifp), sizeof(*mi));
	if (mi == NULL)
		return NULL;
	mi->mi_ifp = ifp;
	mi->mi_kern = if_kern(ifp);
	for (unsigned i = 0; i < DOM_SLOT_MAX; i++) {
		LIST_INIT(&mi->mi_fam[i].mf_groups);
		mi->mi_fam[i].mf_robust = MCAST_ROBUST;
		mi->mi_fam[i].mf_answer.mt_slot = (uint8_t)i;
		mi->mi_fam[i].mf_change.mt_slot = (uint8_t)i;
		mi->mi_fam[i].mf_answer.mt_kind = MCAST_T_ANSWER;
		mi->mi_fam[i].mf_change.mt_kind = MCAST_T_CHANGE;
	}
	__atomic_store_n(&ifp->if_afdata[AFDATA_MCAST], mi, __ATOMIC_RELEASE);
	return mi;
}

/* m: a new group, not joined yet; NULL: no memory. */
static struct mcast_group *
make_group(struct mcast_vnet *mv, struct mcast_if *mi, unsigned slot,
    const union neigh_addr *na)
{
	struct mcast_fam *mf = &mi->mi_fam[slot];
	struct mcast_group *mg, *first;

	mg = kslab_alloc(mi->mi_kern, sizeof(*mg));
	if (mg == NULL)
		return NULL;
	mg->mg_if = mi;
	mg->mg_kern = mi->mi_kern;
	mg->mg_addr = *na;
	mg->mg_slot = (uint8_t)slot;
	mg->mg_timer.mt_kind = MCAST_T_GROUP;
	if (khash_insert(&mv->mv_groups, hash_of(mg), mg) != 0) {
		kslab_free(mi->mi_kern, mg, sizeof(*mg));
		return NULL;
	}
	first = LIST_FIRST(&mf->mf_groups);
	mg->mg_link.le_next = first;
	mg->mg_link.le_prev = &LIST_FIRST(&mf->mf_groups);
	if (first != NULL)
		first->mg_link.le_prev = &mg->mg_link.le_next;
	__atomic_store_n(&LIST_FIRST(&mf->mf_groups), mg, __ATOMIC_RELEASE);
	return mg;
}

/* --- the driver ----------------------------------------------------------- */

/* The link-level address of a group, by its destination in a packet; false: the
 * link has none. */
static bool
group_lladdr(const struct ifnet *ifp, const struct mcast_group *mg,
    uint8_t lladdr[6])
{
	const struct domain *dom = ifp->if_vnet->vn_if->
	    ifv_domain[mg->mg_slot];

	memset(lladdr, 0, 6);
	if (ifp->if_type != IFT_ETHER || dom == NULL ||
	    dom->dom_group_lladdr == NULL)
		return false;
	dom->dom_group_lladdr(mg->mg_addr.na_bytes, lladdr);
	return true;
}

/* i:  All multicast, while the driver has no room for some groups. */
static int
driver_all(struct ifnet *ifp, bool on)
{
	uint32_t flags = if_flags_get(ifp);
	int error = 0;

	if (((flags & IFF_ALLMULTI) != 0) == on)
		return 0;
	flags = on ? flags | IFF_ALLMULTI : flags & ~(uint32_t)IFF_ALLMULTI;
	if (ifp->if_ops->setflags == NULL)
		return EOPNOTSUPP;
	error = ifp->if_ops->setflags(ifp, (int)flags);
	if (error == 0)
		if_flags_update(ifp, on ? IFF_ALLMULTI : 0,
		    on ? 0 : IFF_ALLMULTI);
	return error;
}

/*
 * i: m:  Tell a driver that filters multicast.  One that has no room for
 * another group receives all of them from then on, if it can.  Drivers without
 * mcastop take every group.
 */
static int
driver_add(struct ifnet *ifp, struct mcast_group *mg)
{
	struct sockaddr_dl sdl = {
		.sdl_family = AF_LINK, .sdl_type = ifp->if_type,
		.sdl_alen = 6, .sdl_index = ifp->if_index,
	};
	int error;

	if (ifp->if_ops->mcastop == NULL || !group_lladdr(ifp, mg,
	    sdl.sdl_data))
		return 0;
	error = if_mcast_op(ifp, SIOCADDMULTI, (struct sockaddr *)&sdl);
	if (error == 0)
		mg->mg_driver = true;
	else if (error == ENOSPC && driver_all(ifp, true) == 0) {
		mg->mg_if->mi_overflow++;
		error = 0;
	}
	return error;
}

static void
driver_delete(struct ifnet *ifp, struct mcast_group *mg)
{
	struct sockaddr_dl sdl = {
		.sdl_family = AF_LINK, .sdl_type = ifp->if_type,
		.sdl_alen = 6, .sdl_index = ifp->if_index,
	};
	struct mcast_if *mi = mg->mg_if;

	if (ifp->if_ops->mcastop == NULL || !group_lladdr(ifp, mg,
	    sdl.sdl_data))
		return;
	if (mg->mg_driver)
		(void)if_mcast_op(ifp, SIOCDELMULTI, (struct sockaddr *)&sdl);
	else if (mi->mi_overflow > 0 && --mi->mi_overflow == 0)
		(void)driver_all(ifp, false);
	mg->mg_driver = false;
}

/* --- joining, leaving ----------------------------------------------------- */

/* m:  Is there room for another group that somebody asks for? */
static int
room(const struct mcast_vnet *mv, const struct mcast_if *mi)
{
	const struct if_vnet *ifv = mv->mv_vnet->vn_if;
	int64_t max;

	max = __atomic_load_n(&ifv->ifv_maxgroups, __ATOMIC_RELAXED);
	if (mi->mi_groups >= max)
		return kern_refuse(ENOBUFS, "the interface has joined %lld "
		    "groups already (net.multicast.maxgroups)",
		    (long long)max);
	max = __atomic_load_n(&ifv->ifv_maxtotal, __ATOMIC_RELAXED);
	if (mv->mv_total >= max)
		return kern_refuse(ENOBUFS, "interfaces have joined %lld "
		    "groups already (net.multicast.maxtotal)", (long long)max);
	return 0;
}

/* m:  Count a join; the first one is told. */
static void
count_join(struct mcast_vnet *mv, struct mcast_group *mg, bool own)
{
	bool first = mg->mg_refs == 0;

	/* Its own joins and those that were asked for are counted apart. */
	if (own)
		mg->mg_own++;
	if (!own || first)
		count_group(mv, mg, !own);
	__atomic_store_n(&mg->mg_refs, mg->mg_refs + 1, __ATOMIC_RELAXED);
	if (first)
		(void)mcast_changed(mv, mg, true);
}

static int
join_locked(struct ifnet *ifp, struct mcast_vnet *mv, unsigned slot,
    const union neigh_addr *na, bool own)
{
	struct mcast_if *mi = if_part(ifp);
	struct mcast_group *mg;
	int error;

	if (mi == NULL)
		return ENOMEM;
	mg = mcast_find(mi, slot, na);
	if (!own && (mg == NULL || !mg->mg_counted) &&
	    (error = room(mv, mi)) != 0)
		return error;
	if (mg != NULL && mg->mg_refs == UINT32_MAX)
		return ENOBUFS;
	if (mg == NULL && (mg = make_group(mv, mi, slot, na)) == NULL)
		return ENOMEM;
	error = mg->mg_refs != 0 ? 0 : driver_add(ifp, mg);
	if (error == 0)
		count_join(mv, mg, own);
	else if (!wheel_has(&mg->mg_timer.mt_link) &&
	    (mg->mg_flags & MG_ENDED) == 0)
		remove_group(mv, mg);
	return error;
}

static int
join(struct ifnet *ifp, unsigned slot, const union neigh_addr *na, bool own)
{
	struct mcast_vnet *mv = vnet_part(ifp->if_vnet);
	int error;

	if (mv == NULL)
		return ENOMEM;
	host_mutex_lock(if_host(ifp), &mv->mv_lock);
	error = join_locked(ifp, mv, slot, na, own);
	host_mutex_unlock(if_host(ifp), &mv->mv_lock);
	return error;
}

static int
leave_locked(struct ifnet *ifp, struct mcast_vnet *mv, unsigned slot,
    const union neigh_addr *na, bool own)
{
	struct mcast_if *mi = mcast_if_of(ifp);
	struct mcast_group *mg = NULL;

	if (mi != NULL)
		mg = mcast_find(mi, slot, na);
	if (mg == NULL || (own ? mg->mg_own : mg->mg_refs - mg->mg_own) == 0)
		return kern_refuse(EADDRNOTAVAIL, "%s has not joined this "
		    "group", ifp->if_xname);
	__atomic_store_n(&mg->mg_refs, mg->mg_refs - 1, __ATOMIC_RELAXED);
	if (own)
		mg->mg_own--;
	if (mg->mg_refs != 0) {
		count_group(mv, mg, mg->mg_refs != mg->mg_own);
		return 0;
	}
	/* A group that was asked for counts until all is told of it, so that
	 * nobody fills the table by joining and leaving. */
	driver_delete(ifp, mg);
	if (!mcast_changed(mv, mg, false))
		remove_group(mv, mg);
	return 0;
}

static int
leave(struct ifnet *ifp, unsigned slot, const union neigh_addr *na, bool own)
{
	struct mcast_vnet *mv = ifp->if_vnet->vn_mcast;
	int error;

	if (mv == NULL)
		return kern_refuse(EADDRNOTAVAIL, "%s has not joined this "
		    "group", ifp->if_xname);
	host_mutex_lock(if_host(ifp), &mv->mv_lock);
	error = leave_locked(ifp, mv, slot, na, own);
	host_mutex_unlock(if_host(ifp), &mv->mv_lock);
	return error;
}

int
mcast_join_own(struct ifnet *ifp, unsigned slot, const union neigh_addr *na)
{

	return join(ifp, slot, na, true);
}

void
mcast_leave_own(struct ifnet *ifp, unsigned slot, const union neigh_addr *na)
{

	(void)leave(ifp, slot, na, true);
}

/* --- for programs --------------------------------------------------------- */

/* The inner address of a group on an interface, and its family's slot. */
static int
parse(const struct ifnet *ifp, const struct sockaddr *sa,
    union neigh_addr *na, unsigned *slot)
{
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&sin, sa, sizeof(sin));
		*na = neigh_addr4(sin.sin_addr.s_addr);
		*slot = DOM_SLOT_INET;
		if (IN_MULTICAST(ntohl(sin.sin_addr.s_addr)))
			break;
		return kern_refuse(EINVAL, "not the address of a group");
	case AF_INET6:
		memcpy(&sin6, sa, sizeof(sin6));
		*slot = DOM_SLOT_INET6;
		if (!zone6_is_multicast(sin6.sin6_addr.s6_addr) ||
		    zone6_mcast_scope(sin6.sin6_addr.s6_addr) == 0)
			return kern_refuse(EINVAL, "not the address of a "
			    "group");
		if (sin6.sin6_scope_id != 0 &&
		    sin6.sin6_scope_id != ifp->if_index)
			return kern_refuse(EINVAL, "the group is in the zone "
			    "of another interface than %s", ifp->if_xname);
		sin6.sin6_scope_id = zone6_is_scoped(
		    sin6.sin6_addr.s6_addr) ? ifp->if_index : 0;
		if (zone6_from_sa(&sin6, na) != 0)
			return kern_refuse(EINVAL, "the group has its zone "
			    "inside");
		break;
	default:
		return kern_refuse(EINVAL, "groups of the address's family "
		    "(%d) are not known", sa->sa_family);
	}
	if ((if_flags_get(ifp) & IFF_MULTICAST) == 0)
		return kern_refuse(EADDRNOTAVAIL, "%s has no groups (no flag "
		    "MULTICAST)", ifp->if_xname);
	return 0;
}

static int
request(struct ifnet *ifp, const struct sockaddr *sa, bool joins)
{
	bool locked = if_ioctl_locked(ifp);
	union neigh_addr na;
	unsigned slot = 0;
	int error;

	error = parse(ifp, sa, &na, &slot);
	if (error != 0)
		return error;
	if (!locked)
		if_ioctl_lock(ifp);
	if (ifp->if_state != IFS_ATTACHED || if_is_deactivated(ifp))
		error = kern_refuse(ENXIO, "the interface is going away");
	else
		error = joins ? join(ifp, slot, &na, false) :
		    leave(ifp, slot, &na, false);
	if (!locked)
		if_ioctl_unlock(ifp);
	return error;
}

static int
request_by_handle(struct vnet *vn, uint64_t handle, const struct sockaddr *sa,
    bool joins)
{
	struct ifnet *ifp;
	struct psref pr;
	int error;

	ifp = if_get_byhandle(vn, handle, &pr);
	if (ifp == NULL)
		return kern_refuse(ENXIO, "the interface has gone");
	error = request(ifp, sa, joins);
	if_put(ifp, &pr);
	return error;
}

int
mcast_join_if(struct ifnet *ifp, const struct sockaddr *sa)
{

	return request(ifp, sa, true);
}

int
mcast_leave_if(struct ifnet *ifp, const struct sockaddr *sa)
{

	return request(ifp, sa, false);
}

int
mcast_join(struct vnet *vn, uint64_t handle, const struct sockaddr *sa)
{

	return request_by_handle(vn, handle, sa, true);
}

int
mcast_leave(struct vnet *vn, uint64_t handle, const struct sockaddr *sa)
{

	return request_by_handle(vn, handle, sa, false);
}

/* --- listing -------------------------------------------------------------- */

/* m:  What a group looks like from outside. */
static void
describe(struct mcast_vnet *mv, const struct mcast_group *mg,
    struct mcast_info *mn)
{
	const struct mcast_if *mi = mg->mg_if;
	const struct mcast_fam *mf = &mi->mi_fam[mg->mg_slot];
	uint64_t now = kern_now(mi->mi_kern);

	memset(mn, 0, sizeof(*mn));
	memcpy(mn->mn_ifname, mi->mi_ifp->if_xname, IFNAMSIZ);
	mn->mn_family = mg->mg_slot == DOM_SLOT_INET ? AF_INET : AF_INET6;
	mn->mn_addr = mg->mg_addr;
	if (mn->mn_family == AF_INET6)
		zone6_leave(mn->mn_addr.na_bytes);
	(void)group_lladdr(mi->mi_ifp, mg, mn->mn_lladdr);
	mn->mn_refs = mg->mg_refs;
	mn->mn_own = mg->mg_own;
	mn->mn_driver = mg->mg_driver;
	mn->mn_overflow = mi->mi_overflow != 0;
	kspin_lock(&mv->mv_spin);
	mn->mn_version = mcast_version(mf, now);
	mn->mn_robust = mf->mf_robust;
	kspin_unlock(&mv->mv_spin);
}

/* The groups of an interface that is held. */
static int
list_one(struct ifnet *ifp, int (*fn)(const struct mcast_info *, void *),
    void *arg)
{
	struct mcast_vnet *mv = ifp->if_vnet->vn_mcast;
	const struct mcast_group *mg;
	const struct mcast_if *mi;
	struct mcast_info mn;
	int result = 0;

	if (mv == NULL)
		return 0;
	if_ioctl_lock(ifp);
	host_mutex_lock(if_host(ifp), &mv->mv_lock);
	mi = mcast_if_of(ifp);
	for (unsigned i = 0; mi != NULL && i < DOM_SLOT_MAX; i++)
		LIST_FOREACH(mg, &mi->mi_fam[i].mf_groups, mg_link) {
			if (result != 0)
				break;
			describe(mv, mg, &mn);
			result = fn(&mn, arg);
		}
	host_mutex_unlock(if_host(ifp), &mv->mv_lock);
	if_ioctl_unlock(ifp);
	return result;
}

/* The next interface from an index on, held; NULL: none. */
static struct ifnet *
next_if(struct vnet *vn, unsigned *index, struct psref *pr)
{
	struct ifnet *ifp = NULL;
	unsigned last;

	host_mutex_lock(vn->vn_kern->k_host, &vn->vn_if->ifv_lock);
	last = vn->vn_if->ifv_table == NULL ? 0 :
	    vn->vn_if->ifv_table->it_size;
	host_mutex_unlock(vn->vn_kern->k_host, &vn->vn_if->ifv_lock);
	while (ifp == NULL && *index < last)
		ifp = if_get_byindex(vn, (*index)++, pr);
	return ifp;
}

int
mcast_list(struct vnet *vn, const char *ifname,
    int (*fn)(const struct mcast_info *, void *), void *arg)
{
	unsigned index = 1;
	struct ifnet *ifp;
	struct psref pr;
	int result = 0;

	if (ifname[0] != '\0') {
		ifp = if_get(vn, ifname, &pr);
		if (ifp == NULL)
			return kern_refuse(ENXIO, "there is no interface named "
			    "%s", ifname);
		result = list_one(ifp, fn, arg);
		if_put(ifp, &pr);
		return result;
	}
	while (result == 0 && (ifp = next_if(vn, &index, &pr)) != NULL) {
		result = list_one(ifp, fn, arg);
		if_put(ifp, &pr);
	}
	return result;
}

/* --- the interface's and the vnet's end ----------------------------------- */

/* s: */
static void
stop_timers(struct mcast_vnet *mv, struct mcast_if *mi)
{
	struct mcast_group *mg;

	mi->mi_gone = true;
	for (unsigned i = 0; i < DOM_SLOT_MAX; i++) {
		wheel_take(&mv->mv_wheel, &mi->mi_fam[i].mf_answer.mt_link);
		wheel_take(&mv->mv_wheel, &mi->mi_fam[i].mf_change.mt_link);
		LIST_FOREACH(mg, &mi->mi_fam[i].mf_groups, mg_link)
			wheel_take(&mv->mv_wheel, &mg->mg_timer.mt_link);
	}
}

void
mcast_ifdetach(struct ifnet *ifp)
{
	struct mcast_vnet *mv = ifp->if_vnet->vn_mcast;
	struct mcast_if *mi = mcast_if_of(ifp);
	struct mcast_group *mg;

	if (mi == NULL)
		return;
	host_mutex_lock(if_host(ifp), &mv->mv_lock);
	__atomic_store_n(&ifp->if_afdata[AFDATA_MCAST], NULL,
	    __ATOMIC_RELEASE);
	kspin_lock(&mv->mv_spin);
	stop_timers(mv, mi);
	kspin_unlock(&mv->mv_spin);
	/* From here on none of them is added to mv_ended. */
	reap(mv);
	for (unsigned i = 0; i < DOM_SLOT_MAX; i++)
		while ((mg = LIST_FIRST(&mi->mi_fam[i].mf_groups)) != NULL)
			remove_group(mv, mg);
	host_mutex_unlock(if_host(ifp), &mv->mv_lock);
	kern_defer(mi->mi_kern, &mi->mi_defer, free_if);
}

int
mcast_init(struct vnet *vn)
{
	struct if_vnet *ifv = vn->vn_if;
	const struct sysctl_node nodes[] = {
		{ .sn_name = "net.multicast.maxgroups",
		  .sn_descr = "groups that can be joined on an interface",
		  .sn_writable = true, .sn_int = &ifv->ifv_maxgroups,
		  .sn_min = 0, .sn_max = 1048576 },
		{ .sn_name = "net.multicast.maxtotal",
		  .sn_descr = "groups that can be joined on all interfaces",
		  .sn_writable = true, .sn_int = &ifv->ifv_maxtotal,
		  .sn_min = 0, .sn_max = 16777216 },
		{ .sn_name = "net.multicast.maxqueries",
		  .sn_descr = "queries of a family and interface handled a "
		      "second",
		  .sn_writable = true, .sn_int = &ifv->ifv_maxqueries,
		  .sn_min = 1, .sn_max = 1000000 },
	};
	static const struct sysctl_tree trees[] = {
		{ "net.multicast", "groups of interfaces" },
	};
	int error = 0;

	ifv->ifv_maxgroups = MCAST_MAXGROUPS;
	ifv->ifv_maxtotal = MCAST_MAXTOTAL;
	ifv->ifv_maxqueries = MCAST_MAXQUERIES;
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]) && error == 0;
	    i++)
		error = sysctl_add(vn, &nodes[i]);
	return error != 0 ? error : sysctl_add_trees(vn, trees, 1);
}

void
mcast_fini(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;
	struct mcast_vnet *mv = vn->vn_mcast;

	if (mv == NULL)
		return;
	KASSERT(mv->mv_groups.kh_count == 0 && mv->mv_total == 0);
	ktask_cancel(k, &mv->mv_task);
	wheel_fini(&mv->mv_wheel);
	/* Readers of the table are gone with the interfaces. */
	vn->vn_mcast = NULL;
	khash_fini(&mv->mv_groups);
	host_mutex_destroy(k->k_host, &mv->mv_lock);
	kmem_free(k, mv);
}
