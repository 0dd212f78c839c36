/*
 * Cloners: interfaces created and destroyed on request, one request at a
 * time in a vnet.
 */

#include "net/if_attach_impl.h"
#include "net/if_bitmap.h"
#include "net/if_clone_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"

#include <errno.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "kern/sysctl.h"

/*
 * A registered cloner.
 *	cl_link		clone lock and ifv_lock to change, either to read
 *	others		ifv_lock
 */
struct cloner {
	TAILQ_ENTRY(cloner) cl_link;
	const struct if_clone *cl_ifc;
	unsigned	 cl_count;	/* interfaces of it */
	struct if_bitmap cl_units;	/* units in use */
};

struct if_clone_vnet {
	struct host_mutex cv_lock;	/* the clone lock */
	TAILQ_HEAD(, cloner) cv_cloners;
};

void
if_clone_lock(struct vnet *vn)
{

	host_mutex_lock(vn->vn_kern->k_host, &vn->vn_clone->cv_lock);
}

void
if_clone_unlock(struct vnet *vn)
{

	host_mutex_unlock(vn->vn_kern->k_host, &vn->vn_clone->cv_lock);
}

static void
ifv_lock(struct vnet *vn)
{

	host_mutex_lock(vn->vn_kern->k_host, &vn->vn_if->ifv_lock);
}

static void
ifv_unlock(struct vnet *vn)
{

	host_mutex_unlock(vn->vn_kern->k_host, &vn->vn_if->ifv_lock);
}

static struct cloner *
find_name(struct vnet *vn, const char *base, size_t len)
{
	struct cloner *cl;

	TAILQ_FOREACH(cl, &vn->vn_clone->cv_cloners, cl_link)
		if (strlen(cl->cl_ifc->ifc_name) == len &&
		    memcmp(cl->cl_ifc->ifc_name, base, len) == 0)
			break;
	return cl;
}

static struct cloner *
find_ifc(struct vnet *vn, const struct if_clone *ifc)
{
	struct cloner *cl;

	if (vn->vn_clone == NULL)
		return NULL;	/* the vnet is being taken down */
	TAILQ_FOREACH(cl, &vn->vn_clone->cv_cloners, cl_link)
		if (cl->cl_ifc == ifc)
			break;
	return cl;
}

/* --- registration -------------------------------------------------------- */

int
if_clone_attach(struct vnet *vn, const struct if_clone *ifc)
{
	int error;

	if_clone_lock(vn);
	error = if_clone_attach_locked(vn, ifc);
	if_clone_unlock(vn);
	return error;
}

int
if_clone_attach_locked(struct vnet *vn, const struct if_clone *ifc)
{
	size_t len = strlen(ifc->ifc_name);
	struct cloner *cl;

	KASSERT(len > 0 && len < IFNAMSIZ - 1);
	KASSERT(ifc->ifc_name[len - 1] < '0' || ifc->ifc_name[len - 1] > '9');
	if (find_name(vn, ifc->ifc_name, len) != NULL)
		return EEXIST;
	cl = kmem_zalloc(vn->vn_kern, sizeof(*cl));
	if (cl == NULL)
		return ENOMEM;
	cl->cl_ifc = ifc;
	if_bitmap_init(vn->vn_kern->k_host, &cl->cl_units);
	ifv_lock(vn);
	TAILQ_INSERT_TAIL(&vn->vn_clone->cv_cloners, cl, cl_link);
	ifv_unlock(vn);
	return 0;
}

static void
cloner_free(struct vnet *vn, struct cloner *cl)
{

	if_bitmap_fini(&cl->cl_units);
	kmem_free(vn->vn_kern, cl);
}

int
if_clone_detach(struct vnet *vn, const struct if_clone *ifc)
{
	struct cloner *cl;
	int error = 0;

	if_clone_lock(vn);
	ifv_lock(vn);
	cl = find_ifc(vn, ifc);
	if (cl == NULL)
		error = EINVAL;
	else if (cl->cl_count != 0)
		error = EBUSY;
	else
		TAILQ_REMOVE(&vn->vn_clone->cv_cloners, cl, cl_link);
	ifv_unlock(vn);
	if_clone_unlock(vn);
	if (error == 0)
		cloner_free(vn, cl);
	return error;
}

int
if_clone_attached(struct ifnet *ifp)
{
	struct cloner *cl = find_ifc(ifp->if_vnet, ifp->if_cloner);
	int error;

	if (cl == NULL)
		return 0;
	error = if_bitmap_set(&cl->cl_units, ifp->if_unit);
	if (error == 0)
		cl->cl_count++;
	return error;
}

void
if_clone_detached(struct ifnet *ifp)
{
	struct cloner *cl = find_ifc(ifp->if_vnet, ifp->if_cloner);

	if (cl == NULL)
		return;
	KASSERT(cl->cl_count > 0);
	cl->cl_count--;
	if_bitmap_clear(&cl->cl_units, ifp->if_unit);
}

/* --- creation ----------------------------------------------------------- */

/* "tap" and 3 to "tap3" in IFNAMSIZ bytes, zeroes behind; false: too long. */
static bool
make_name(char *name, const char *base, unsigned unit)
{
	size_t len = strlen(base), n = 1;

	for (unsigned u = unit; u >= 10; u /= 10)
		n++;
	if (len + n >= IFNAMSIZ)
		return false;
	memset(name, 0, IFNAMSIZ);
	memcpy(name, base, len);
	do {
		name[len + --n] = (char)('0' + unit % 10);
		unit /= 10;
	} while (n > 0);
	return true;
}

static int
long_name(const struct cloner *cl, unsigned unit)
{

	return kern_refuse(EINVAL, "%s%u is longer than a name can be (%d "
	    "characters)", cl->cl_ifc->ifc_name, unit, IFNAMSIZ - 1);
}

/* The lowest unit whose name nobody has, and that name.  l: */
static int
lowest_unit(struct vnet *vn, struct cloner *cl, char *name, unsigned *unit)
{
	unsigned u = 0;

	for (;; u++) {
		u = if_bitmap_next(&cl->cl_units, u);
		if (u > INT_MAX)
			return kern_refuse(ENOSPC, "every unit of %s is taken",
			    cl->cl_ifc->ifc_name);
		if (!make_name(name, cl->cl_ifc->ifc_name, u))
			return long_name(cl, u);
		/* Almost always: names of ours come from cloners. */
		if (if_name_lookup(vn->vn_if, name) == NULL)
			break;
	}
	*unit = u;
	return 0;
}

/* The name of a unit that is free.  l: */
static int
that_unit(struct vnet *vn, struct cloner *cl, char *name, unsigned unit)
{

	if (!make_name(name, cl->cl_ifc->ifc_name, unit))
		return long_name(cl, unit);
	/* One may have that name; or the unit, and be called otherwise. */
	if (if_name_lookup(vn->vn_if, name) != NULL)
		return if_name_taken(name);
	return !if_bitmap_isset(&cl->cl_units, unit) ? 0 :
	    kern_refuse(EEXIST, "%s: the interface that was created with "
	    "this name exists, and has another name now", name);
}

/* Refuse a name without a cloner; EINVAL.  Clone lock. */
static int
unknown_kind(struct vnet *vn, const char *name, size_t base)
{
	char kinds[128] = "";
	struct cloner *cl;
	size_t used = 0;

	TAILQ_FOREACH(cl, &vn->vn_clone->cv_cloners, cl_link)
		if (used < sizeof(kinds) - IFNAMSIZ - 1)
			used += (size_t)snprintf(kinds + used,
			    sizeof(kinds) - used, " %s",
			    cl->cl_ifc->ifc_name);
	return kern_refuse(EINVAL, "there is no kind of interface \"%.*s\"; "
	    "the kinds are%s, and no module if_%.*s.so was found", (int)base,
	    name, kinds, (int)base, name);
}

/* Which cloner, which unit?  Clone lock.  `full' gets the whole name. */
static int
resolve(struct vnet *vn, const char *name, char *full, struct cloner **clp,
    unsigned *unit)
{
	size_t len = strnlen(name, IFNAMSIZ), base;
	bool bare;
	int error;

	if (len == 0 || len == IFNAMSIZ)
		return kern_refuse(EINVAL, "the name is missing, or too long "
		    "(%d characters)", IFNAMSIZ - 1);
	bare = name[len - 1] < '0' || name[len - 1] > '9';
	base = len;
	if (!bare && (error = if_name_split(name, unit, &base)) != 0)
		return kern_refuse(error, "%s: cannot be created: a name is a "
		    "kind of interface (ifconfig -C lists them) and a number "
		    "up to %d without zeros in front", name, INT_MAX);
	*clp = find_name(vn, name, base);
	if (*clp == NULL) {
		/* Perhaps there is a module that knows it: once. */
		error = if_module_load(vn, name, base);
		if (error == ENOENT)
			return unknown_kind(vn, name, base);
		if (error != 0)
			return error;
		*clp = find_name(vn, name, base);
		if (*clp == NULL)
			return unknown_kind(vn, name, base);
	}
	ifv_lock(vn);
	error = bare ? lowest_unit(vn, *clp, full, unit) :
	    that_unit(vn, *clp, full, *unit);
	ifv_unlock(vn);
	return error;
}

/* The driver need not say whose its interface is. */
static void
claim(struct vnet *vn, const char *name, const struct cloner *cl,
    unsigned unit)
{
	struct ifnet *ifp = NULL;

	ifv_lock(vn);
	/* The unit is taken when the driver has set if_cloner itself. */
	if (!if_bitmap_isset(&cl->cl_units, unit))
		ifp = if_name_lookup(vn->vn_if, name);
	if (ifp != NULL && ifp->if_cloner == NULL) {
		ifp->if_cloner = cl->cl_ifc;
		ifp->if_unit = unit;
		/* The unit was free when the clone lock was taken. */
		if (if_clone_attached(ifp) != 0)
			ifp->if_cloner = NULL;
	}
	ifv_unlock(vn);
}

int
if_clone_create(struct vnet *vn, char *name, const char *params)
{
	char full[IFNAMSIZ];
	struct cloner *cl = NULL;
	unsigned unit = 0;
	int error;

	if_clone_lock(vn);
	error = resolve(vn, name, full, &cl, &unit);
	if (error == 0)
		error = cl->cl_ifc->ifc_create(cl->cl_ifc, vn, unit,
		    params == NULL ? "" : params);
	if (error == 0) {
		claim(vn, full, cl, unit);
		memcpy(name, full, IFNAMSIZ);
	}
	if_clone_unlock(vn);
	return error;
}

/* --- destruction -------------------------------------------------------- */

/* Deactivated ones too: how else would they go?  The clone lock keeps it. */
struct ifnet *
if_clone_find(struct vnet *vn, const char *name)
{
	struct if_vnet *ifv = vn->vn_if;
	struct ifnet *ifp = NULL;
	unsigned index;

	if (strnlen(name, IFNAMSIZ) == IFNAMSIZ)
		return NULL;
	ifv_lock(vn);
	if (!if_name_number(name, &index))
		ifp = if_name_lookup(ifv, name);
	else if (ifv->ifv_table != NULL && index < ifv->ifv_table->it_size)
		ifp = ifv->ifv_table->it_ifp[index];
	ifv_unlock(vn);
	return ifp;
}

static void
set_state(struct ifnet *ifp, uint32_t state)
{

	ifv_lock(ifp->if_vnet);
	__atomic_store_n(&ifp->if_state, state, __ATOMIC_RELAXED);
	ifv_unlock(ifp->if_vnet);
}

/* Clone lock. */
static int
destroy(struct ifnet *ifp)
{
	const struct if_clone *ifc = ifp->if_cloner;
	int error;

	if (ifc == NULL || ifc->ifc_destroy == NULL)
		return kern_refuse(EOPNOTSUPP, "%s: an interface of this kind "
		    "cannot be destroyed", ifp->if_xname);
	/* From here on requests are refused; those under way have ended. */
	if_ioctl_lock(ifp);
	set_state(ifp, IFS_DETACHING);
	if_ioctl_unlock(ifp);
	error = ifc->ifc_destroy(ifp);
	if (error != 0)
		set_state(ifp, IFS_ATTACHED);
	return error;
}

int
if_clone_end(struct ifnet *ifp)
{

	return destroy(ifp);
}

int
if_clone_destroy(struct vnet *vn, const char *name)
{
	struct ifnet *ifp;
	int error;

	if_clone_lock(vn);
	ifp = if_clone_find(vn, name);
	error = ifp == NULL ? if_name_unknown(name) : destroy(ifp);
	if_clone_unlock(vn);
	return error;
}

void
if_clone_purge(struct vnet *vn, const struct if_clone *ifc)
{
	struct if_vnet *ifv = vn->vn_if;
	struct ifnet *ifp;
	unsigned size, index;
	int error;

	if_clone_lock(vn);
	size = ifv->ifv_table == NULL ? 0 : ifv->ifv_table->it_size;
	for (index = 1; index < size; index++) {
		ifp = ifv->ifv_table->it_ifp[index];
		if (ifp == NULL || ifp->if_cloner == NULL ||
		    (ifc != NULL && ifp->if_cloner != ifc))
			continue;
		error = destroy(ifp);
		if (error != 0)
			if_klog(ifp, KLOG_WARNING, "cannot be destroyed: "
			    "error %d", error);
	}
	if_clone_unlock(vn);
}

bool
if_clone_serves(struct vnet *vn, const char *name)
{
	bool found;

	if (vn->vn_clone == NULL)
		return false;
	if_clone_lock(vn);
	found = find_name(vn, name, strlen(name)) != NULL;
	if_clone_unlock(vn);
	return found;
}

int
if_clone_list(struct vnet *vn, int count, char *buf, int *total)
{
	struct cloner *cl;
	int n = 0;

	if (count < 0)
		return kern_refuse(EINVAL, "there is less room than the "
		    "request says");
	if_clone_lock(vn);
	TAILQ_FOREACH(cl, &vn->vn_clone->cv_cloners, cl_link) {
		if (buf != NULL && n < count) {
			memset(buf + n * IFNAMSIZ, 0, IFNAMSIZ);
			memcpy(buf + n * IFNAMSIZ, cl->cl_ifc->ifc_name,
			    strlen(cl->cl_ifc->ifc_name));
		}
		n++;
	}
	if_clone_unlock(vn);
	*total = n;
	return 0;
}

/* --- what drivers say about their parameters ------------------------------ */

#define HELP_PREFIX	"net.link.cloner"

/* The words of the cloner of this name; NULL: there is none. */
static const char *
help_of(struct vnet *vn, const char *full)
{
	const char *name = full + sizeof(HELP_PREFIX), *help = NULL;
	struct cloner *cl;

	if (strncmp(full, HELP_PREFIX ".", sizeof(HELP_PREFIX)) != 0)
		return NULL;
	ifv_lock(vn);
	cl = find_name(vn, name, strlen(name));
	if (cl != NULL)
		help = cl->cl_ifc->ifc_params_help != NULL ?
		    cl->cl_ifc->ifc_params_help : "";
	ifv_unlock(vn);
	return help;
}

static int
help_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	const char *help = help_of(vn, name);

	(void)arg;
	return help == NULL ? ENOENT : sysctl_handle_string_ro(op, help);
}

/* The first name behind `after' in the order of letters. */
static int
help_next(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{
	const char *best = NULL, *name;
	struct cloner *cl;

	(void)arg;
	if (strncmp(after, HELP_PREFIX ".", sizeof(HELP_PREFIX)) == 0)
		after += sizeof(HELP_PREFIX);
	ifv_lock(vn);
	TAILQ_FOREACH(cl, &vn->vn_clone->cv_cloners, cl_link) {
		name = cl->cl_ifc->ifc_name;
		if (strcmp(name, after) > 0 &&
		    (best == NULL || strcmp(name, best) < 0))
			best = name;
	}
	if (best != NULL)
		(void)snprintf(next, SYSCTL_NAMESIZE, HELP_PREFIX ".%s",
		    best);
	ifv_unlock(vn);
	return best == NULL ? ENOENT : 0;
}

static const char *
help_descr(const char *name)
{

	(void)name;
	return "parameters of create, for interfaces of this kind";
}

static const struct sysctl_virtual help_tree = {
	.sv_prefix = HELP_PREFIX,
	.sv_handler = help_handler,
	.sv_next = help_next,
	.sv_descr = help_descr,
};

/* --- the vnet's part ---------------------------------------------------- */

static int
clone_init(struct vnet *vn)
{
	struct if_clone_vnet *cv;
	int error;

	cv = kmem_zalloc(vn->vn_kern, sizeof(*cv));
	if (cv == NULL)
		return ENOMEM;
	host_mutex_init(vn->vn_kern->k_host, &cv->cv_lock);
	TAILQ_INIT(&cv->cv_cloners);
	vn->vn_clone = cv;
	error = sysctl_add_virtual(vn, &help_tree);
	if (error != 0) {
		vn->vn_clone = NULL;
		host_mutex_destroy(vn->vn_kern->k_host, &cv->cv_lock);
		kmem_free(vn->vn_kern, cv);
	}
	return error;
}

static void
clone_fini(struct vnet *vn)
{
	struct if_clone_vnet *cv = vn->vn_clone;
	struct cloner *cl;

	while ((cl = TAILQ_FIRST(&cv->cv_cloners)) != NULL) {
		TAILQ_REMOVE(&cv->cv_cloners, cl, cl_link);
		cloner_free(vn, cl);
	}
	host_mutex_destroy(vn->vn_kern->k_host, &cv->cv_lock);
	kmem_free(vn->vn_kern, cv);
	vn->vn_clone = NULL;
}

const struct vnet_subsys if_clone_subsys = {
	.vs_name = "clone",
	.vs_init = clone_init,
	.vs_fini = clone_fini,
};
