/*
 * Groups: names that stand for several interfaces.
 *
 * Every interface is in "all" and in the group of its cloner's name, which
 * are not stored anywhere; the groups it was put into hang off its if_ext, and
 * off the vnet by name.  A group is there as long as it has members, and its
 * name does not end in a digit, so that no interface of a cloner can have it.
 */

#include "net/if_clone_impl.h"
#include "net/if_ext_impl.h"
#include "net/if_group_impl.h"
#include "net/if_index_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"

#include <errno.h>

/*
 *	l:	ifv_lock
 */
struct if_group {
	char		 ig_name[IFNAMSIZ];	/* constant; zeroes behind */
	TAILQ_HEAD(member_list, if_member) ig_members; /* l: */
	bool		 ig_unsorted;	/* l: else they are sorted by index */
};

struct if_member {
	TAILQ_ENTRY(if_member) im_glink;	/* l: in the group */
	SLIST_ENTRY(if_member) im_iflink;	/* l: of the interface */
	struct if_group	*im_group;		/* constant */
	struct ifnet	*im_ifp;		/* constant */
};

static void
groups_lock(struct vnet *vn)
{

	host_mutex_lock(vn->vn_kern->k_host, &vn->vn_if->ifv_lock);
}

static void
groups_unlock(struct vnet *vn)
{

	host_mutex_unlock(vn->vn_kern->k_host, &vn->vn_if->ifv_lock);
}

bool
if_group_valid(const char *name)
{
	size_t len = strnlen(name, IFNAMSIZ);

	return len > 0 && if_name_valid(name) &&
	    (name[len - 1] < '0' || name[len - 1] > '9');
}

static uint32_t
group_hash(const char name[IFNAMSIZ])
{

	return khash_bytes(name, IFNAMSIZ);
}

static uint32_t
entry_hash(const void *obj)
{
	const struct if_group *ig = obj;

	return group_hash(ig->ig_name);
}

void
if_group_init(struct vnet *vn)
{

	khash_init(vn->vn_kern, &vn->vn_if->ifv_groups, entry_hash);
}

/* l: name is IFNAMSIZ bytes, zeroes behind. */
static struct if_group *
group_find(struct if_vnet *ifv, const char *name)
{
	struct khash_iter it;
	struct if_group *ig;

	for (ig = khash_first(&ifv->ifv_groups, group_hash(name), &it);
	    ig != NULL; ig = khash_next(&it))
		if (memcmp(ig->ig_name, name, IFNAMSIZ) == 0)
			break;
	return ig;
}

/* Is it one of those nobody has to be put into? */
static bool
is_default(const struct ifnet *ifp, const char *name)
{

	return strcmp(name, "all") == 0 || (ifp->if_cloner != NULL &&
	    strcmp(name, ifp->if_cloner->ifc_name) == 0);
}

/* l: the groups that an interface was put into. */
SLIST_HEAD(memberships, if_member);

static const struct if_ext_tenant groups_tenant = {
	.et_id = IF_EXT_GROUPS,
	.et_size = sizeof(struct memberships),
};

/* l: the first of them; NULL: none. */
static struct if_member *
membership_first(const struct ifnet *ifp)
{
	const struct memberships *ms = if_ext_find(ifp, IF_EXT_GROUPS);

	return ms == NULL ? NULL : SLIST_FIRST(ms);
}

/* l: */
static struct if_member *
member_find(const struct ifnet *ifp, const char *name)
{
	struct if_member *im;

	for (im = membership_first(ifp); im != NULL;
	    im = SLIST_NEXT(im, im_iflink))
		if (strcmp(im->im_group->ig_name, name) == 0)
			break;
	return im;
}

/* l: an empty one goes. */
static void
group_release(struct vnet *vn, struct if_group *ig)
{

	if (!TAILQ_EMPTY(&ig->ig_members))
		return;
	khash_remove(&vn->vn_if->ifv_groups, group_hash(ig->ig_name), ig);
	kmem_free(vn->vn_kern, ig);
}

/* l: the group of that name, made if need be. */
static int
group_get(struct vnet *vn, const char *name, struct if_group **igp)
{
	struct if_group *ig = group_find(vn->vn_if, name);
	int error;

	if (ig == NULL) {
		ig = kmem_zalloc(vn->vn_kern, sizeof(*ig));
		if (ig == NULL)
			return ENOMEM;
		memcpy(ig->ig_name, name, IFNAMSIZ);
		TAILQ_INIT(&ig->ig_members);
		error = khash_insert(&vn->vn_if->ifv_groups, group_hash(name),
		    ig);
		if (error != 0) {
			kmem_free(vn->vn_kern, ig);
			return error;
		}
	}
	*igp = ig;
	return 0;
}

static unsigned
index_of(const struct if_member *im)
{

	return im->im_ifp->if_index;
}

/* l: most come in the order of their indices, or in the opposite one. */
static void
member_insert(struct if_group *ig, struct if_member *im)
{
	struct if_member *last = TAILQ_LAST(&ig->ig_members, member_list);

	if (last == NULL || index_of(last) < index_of(im)) {
		TAILQ_INSERT_TAIL(&ig->ig_members, im, im_glink);
		return;
	}
	if (index_of(im) > index_of(TAILQ_FIRST(&ig->ig_members)))
		ig->ig_unsorted = true;
	TAILQ_INSERT_HEAD(&ig->ig_members, im, im_glink);
}

/* l: move the members with the lowest indices of two sorted lists to the end of
 * a third. */
static void
members_merge(struct member_list *a, struct member_list *b,
    struct member_list *to)
{
	struct member_list *least;
	struct if_member *im;

	while (!TAILQ_EMPTY(a) && !TAILQ_EMPTY(b)) {
		least = index_of(TAILQ_FIRST(a)) < index_of(TAILQ_FIRST(b)) ?
		    a : b;
		im = TAILQ_FIRST(least);
		TAILQ_REMOVE(least, im, im_glink);
		TAILQ_INSERT_TAIL(to, im, im_glink);
	}
	TAILQ_CONCAT(to, a, im_glink);
	TAILQ_CONCAT(to, b, im_glink);
}

/*
 * l: sort the members by index.  run[i] is empty or holds 2^i sorted members,
 * as the bits of the number of members taken so far.
 */
static void
members_sort(struct if_group *ig)
{
	struct member_list run[32], merged, one;
	struct if_member *im;
	unsigned i;

	for (i = 0; i < 32; i++)
		TAILQ_INIT(&run[i]);
	TAILQ_INIT(&merged);
	while ((im = TAILQ_FIRST(&ig->ig_members)) != NULL) {
		TAILQ_REMOVE(&ig->ig_members, im, im_glink);
		TAILQ_INIT(&one);
		TAILQ_INSERT_TAIL(&one, im, im_glink);
		for (i = 0; !TAILQ_EMPTY(&run[i]); i++) {
			members_merge(&run[i], &one, &merged);
			TAILQ_CONCAT(&one, &merged, im_glink);
		}
		TAILQ_CONCAT(&run[i], &one, im_glink);
	}
	for (i = 0; i < 32; i++) {
		members_merge(&run[i], &ig->ig_members, &merged);
		TAILQ_CONCAT(&ig->ig_members, &merged, im_glink);
	}
	ig->ig_unsorted = false;
}

static int
group_add(struct ifnet *ifp, const char *name)
{
	struct vnet *vn = ifp->if_vnet;
	struct memberships *ms;
	struct if_member *im;
	int error = EEXIST;

	if (is_default(ifp, name))
		return kern_refuse(EEXIST, "it is in the group already");
	ms = if_ext_get(ifp, &groups_tenant);
	if (ms == NULL)
		return ENOMEM;
	im = kmem_zalloc(vn->vn_kern, sizeof(*im));
	if (im == NULL)
		return ENOMEM;
	im->im_ifp = ifp;
	groups_lock(vn);
	if (member_find(ifp, name) == NULL)
		error = group_get(vn, name, &im->im_group);
	if (error == 0) {
		member_insert(im->im_group, im);
		SLIST_INSERT_HEAD(ms, im, im_iflink);
		im = NULL;
	}
	groups_unlock(vn);
	kmem_free(vn->vn_kern, im);
	if (error == EEXIST)
		return kern_refuse(EEXIST, "it is in the group already");
	return error;
}

/* l: */
static void
member_remove(struct vnet *vn, struct ifnet *ifp, struct if_member *im)
{
	struct memberships *ms = if_ext_find(ifp, IF_EXT_GROUPS);

	SLIST_REMOVE(ms, im, if_member, im_iflink);
	TAILQ_REMOVE(&im->im_group->ig_members, im, im_glink);
	group_release(vn, im->im_group);
	kmem_free(vn->vn_kern, im);
}

static int
group_delete(struct ifnet *ifp, const char *name)
{
	struct vnet *vn = ifp->if_vnet;
	struct if_member *im;

	if (is_default(ifp, name))
		return kern_refuse(EBUSY, "every interface is in this group "
		    "of its kind");
	groups_lock(vn);
	im = member_find(ifp, name);
	if (im != NULL)
		member_remove(vn, ifp, im);
	groups_unlock(vn);
	return im != NULL ? 0 : kern_refuse(ENOENT, "it is not in the group");
}

void
if_group_detach(struct ifnet *ifp)
{
	struct if_member *im;

	while ((im = membership_first(ifp)) != NULL)
		member_remove(ifp->if_vnet, ifp, im);
}

static int
group_refuse(void)
{

	return kern_refuse(EINVAL, "not a name for a group: 1 to %d letters, "
	    "digits, - _ ., with a letter in it, no digit at the end and no - "
	    "in front, and neither any nor help", IFNAMSIZ - 1);
}

int
if_group_ioctl(struct ifnet *ifp, unsigned long cmd, struct if_groupreq *ifgr)
{
	char name[IFNAMSIZ] = "";

	KASSERT(if_ioctl_locked(ifp));
	if (!if_group_valid(ifgr->ifgr_group))
		return group_refuse();
	memcpy(name, ifgr->ifgr_group, strlen(ifgr->ifgr_group));
	return cmd == SIOCAIFGROUP ? group_add(ifp, name) :
	    group_delete(ifp, name);
}

/* --- lists ---------------------------------------------------------------- */

/* Names being stored behind a request. */
struct names {
	char		*na_next;
	int32_t		 na_n, na_room;
};

static bool
names_add(struct names *na, const char *name)
{

	if (na->na_n == na->na_room)
		return false;
	memset(na->na_next, 0, IFNAMSIZ);
	memcpy(na->na_next, name, strnlen(name, IFNAMSIZ));
	na->na_next += IFNAMSIZ;
	na->na_n++;
	return true;
}

/* The groups of an interface; what has no room is left out. */
static int
list_groups(struct vnet *vn, struct if_groupreq *ifgr, struct names *na)
{
	struct if_member *im;
	struct psref pr;
	struct ifnet *ifp;

	ifp = if_get(vn, ifgr->ifgr_name, &pr);
	if (ifp == NULL)
		return if_name_unknown(ifgr->ifgr_name);
	if_ioctl_lock(ifp);
	(void)names_add(na, "all");
	if (ifp->if_cloner != NULL)
		(void)names_add(na, ifp->if_cloner->ifc_name);
	ifgr->ifgr_next = (uint32_t)na->na_n;
	groups_lock(ifp->if_vnet);
	for (im = membership_first(ifp); im != NULL;
	    im = SLIST_NEXT(im, im_iflink))
		(void)names_add(na, im->im_group->ig_name);
	groups_unlock(ifp->if_vnet);
	if_ioctl_unlock(ifp);
	if_put(ifp, &pr);
	return 0;
}

unsigned
if_group_names(struct ifnet *ifp, unsigned from, char (*names)[IFNAMSIZ],
    unsigned room, unsigned *ndefault)
{
	struct names na = { names[0], 0, (int32_t)room };
	struct if_member *im;
	unsigned at = 0;

	KASSERT(if_ioctl_locked(ifp));
	if (at++ >= from)
		(void)names_add(&na, "all");
	if (ifp->if_cloner != NULL && at++ >= from)
		(void)names_add(&na, ifp->if_cloner->ifc_name);
	*ndefault = (unsigned)na.na_n;
	groups_lock(ifp->if_vnet);
	for (im = membership_first(ifp); im != NULL;
	    im = SLIST_NEXT(im, im_iflink))
		if (at++ >= from && !names_add(&na, im->im_group->ig_name))
			break;
	groups_unlock(ifp->if_vnet);
	return (unsigned)na.na_n;
}

/* Was it put into the group, or need not be? */
static bool
is_member(struct ifnet *ifp, const char *group)
{
	bool found;

	if (is_default(ifp, group))
		return true;
	groups_lock(ifp->if_vnet);
	found = member_find(ifp, group) != NULL;
	groups_unlock(ifp->if_vnet);
	return found;
}

/* Members of "all" or of a cloner's group, from an index on. */
static bool
list_default(struct vnet *vn, const char *group, uint32_t *next,
    struct names *na)
{
	unsigned index = *next, at;
	char name[IFNAMSIZ];
	struct psref pr;
	struct ifnet *ifp;
	bool any = false, full = false;

	*next = 0;
	for (;;) {
		ifp = if_get_from(vn, &index, &pr);
		if (ifp == NULL)
			return any;
		at = ifp->if_index;
		if (is_member(ifp, group)) {
			any = true;
			if_name_copy(ifp, name);
			full = !names_add(na, name);
		}
		if_put(ifp, &pr);
		if (full) {
			*next = at;
			return true;
		}
	}
}

static bool
list_stored(struct vnet *vn, const char *group, uint32_t *next,
    struct names *na)
{
	unsigned from = *next;
	char name[IFNAMSIZ];
	struct if_member *im;
	struct if_group *ig;

	groups_lock(vn);
	ig = group_find(vn->vn_if, group);
	if (ig != NULL) {
		*next = 0;
		if (ig->ig_unsorted)
			members_sort(ig);
		TAILQ_FOREACH(im, &ig->ig_members, im_glink) {
			if (im->im_ifp->if_index < from)
				continue;
			if_name_copy(im->im_ifp, name);
			if (!names_add(na, name)) {
				*next = im->im_ifp->if_index;
				break;
			}
		}
	}
	groups_unlock(vn);
	return ig != NULL;
}

/*
 * A cloner's name is its interfaces' group, and others may have been put into
 * it besides.
 */
static int
list_members(struct vnet *vn, struct if_groupreq *ifgr, struct names *na)
{
	char group[IFNAMSIZ] = "";

	if (!if_group_valid(ifgr->ifgr_group))
		return group_refuse();
	memcpy(group, ifgr->ifgr_group, strlen(ifgr->ifgr_group));
	return (!if_clone_serves(vn, group) &&
	    list_stored(vn, group, &ifgr->ifgr_next, na)) ||
	    list_default(vn, group, &ifgr->ifgr_next, na) ||
	    strcmp(group, "all") == 0 ? 0 :
	    kern_refuse(ENOENT, "there is no group %s", group);
}

int
if_group_list(struct vnet *vn, unsigned long cmd, struct if_groupreq *ifgr,
    size_t datalen)
{
	struct names na = { (char *)(ifgr + 1), 0, ifgr->ifgr_count };
	int error;

	if (ifgr->ifgr_count < 0 || (size_t)ifgr->ifgr_count >
	    (datalen - sizeof(*ifgr)) / IFNAMSIZ)
		return kern_refuse(EINVAL, "there is less room than the "
		    "request says");
	error = cmd == SIOCGIFGROUP ? list_groups(vn, ifgr, &na) :
	    list_members(vn, ifgr, &na);
	if (error == 0)
		ifgr->ifgr_count = na.na_n;
	return error;
}
