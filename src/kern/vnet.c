/*
 * Stacks: creation in the order of the subsystems' table, finding, holding,
 * and destruction in reverse.
 *
 * A stack that is being set up is in the list already, marked dying, so that
 * its name is taken; the mark also hides a stack that is being destroyed from
 * searches.
 */

#include "kern/kern_private.h"

#include <errno.h>
#include <string.h>

static bool
valid_name(const char *name)
{
	size_t len;

	len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	/* A name that begins with "-" would be taken for an option. */
	return len > 0 && len < VNET_NAMESIZE && name[len] == '\0' &&
	    name[0] != '-';
}

/* --- names; k: held ------------------------------------------------------- */

static uint32_t
name_hash(const char *name)
{

	return khash_bytes(name, strlen(name));
}

static uint32_t
entry_hash(const void *vn)
{

	return name_hash(((const struct vnet *)vn)->vn_name);
}

void
vnet_names_init(struct kern *k)
{

	khash_init(k, &k->k_vnet_names, entry_hash);
}

static struct vnet *
find_name(struct kern *k, const char *name)
{
	struct khash_iter it;
	struct vnet *vn;

	for (vn = khash_first(&k->k_vnet_names, name_hash(name), &it);
	    vn != NULL; vn = khash_next(&it))
		if (strcmp(vn->vn_name, name) == 0)
			break;
	return vn;
}

static struct vnet *
first_alive(struct kern *k)
{
	struct vnet *vn;

	TAILQ_FOREACH(vn, &k->k_vnets, vn_link)
		if (!vn->vn_dying)
			break;
	return vn;
}

/* --- life ----------------------------------------------------------------- */

/* Take down the first n subsystems: each phase from the last one on. */
static void
fini_subsystems(struct vnet *vn, unsigned n)
{
	const struct vnet_subsys *const *vs = vn->vn_kern->k_config.kc_subsys;

	for (unsigned i = n; i-- > 0;) {
		if (vs[i]->vs_purge != NULL)
			vs[i]->vs_purge(vn);
	}
	for (unsigned i = n; i-- > 0;) {
		if (vs[i]->vs_fini != NULL)
			vs[i]->vs_fini(vn);
	}
}

static int
init_subsystems(struct vnet *vn)
{
	const struct vnet_subsys *const *vs = vn->vn_kern->k_config.kc_subsys;
	int error;

	for (unsigned i = 0; vs != NULL && vs[i] != NULL; i++) {
		error = vs[i]->vs_init(vn);
		if (error != 0) {
			fini_subsystems(vn, i);
			return error;
		}
	}
	return 0;
}

static void
unlist_and_free(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;

	/* Functions that the subsystems deferred may still use the vnet. */
	kern_defer_barrier(k);
	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	TAILQ_REMOVE(&k->k_vnets, vn, vn_link);
	khash_remove(&k->k_vnet_names, name_hash(vn->vn_name), vn);
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
	kmem_free(k, vn);
}

/* Append to the list; EEXIST when the name is taken, ENOMEM. */
static int
enlist(struct kern *k, struct vnet *vn)
{
	int error;

	if (find_name(k, vn->vn_name) != NULL)
		return kern_refuse(EEXIST, "a vnet named %s exists",
		    vn->vn_name);
	error = khash_insert(&k->k_vnet_names, name_hash(vn->vn_name), vn);
	if (error != 0)
		return error;
	vn->vn_id = k->k_vnet_nextid++;
	TAILQ_INSERT_TAIL(&k->k_vnets, vn, vn_link);
	return 0;
}

static int
create(struct kern *k, const char *name, bool owned, struct vnet **vnp)
{
	struct vnet *vn;
	int error;

	KASSERT(curcpu() == NULL);
	if (!valid_name(name))
		return kern_refuse(EINVAL, "\"%.40s\" cannot name a vnet: a "
		    "name is 1 to %d letters, digits, - _ ., and does not "
		    "begin with -", name, VNET_NAMESIZE - 1);
	vn = kmem_zalloc(k, sizeof(*vn));
	if (vn == NULL)
		return ENOMEM;
	vn->vn_kern = k;
	memcpy(vn->vn_name, name, strlen(name) + 1);
	vn->vn_dying = true;
	vn->vn_owned = owned;
	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	error = enlist(k, vn);
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
	if (error != 0) {
		kmem_free(k, vn);
		return error;
	}
	error = init_subsystems(vn);
	if (error != 0) {
		unlist_and_free(vn);
		return error;
	}
	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	vn->vn_dying = false;
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
	*vnp = vn;
	return 0;
}

int
vnet_create_named(struct kern *k, const char *name, struct vnet **vnp)
{

	return create(k, name, false, vnp);
}

int
vnet_create_owned(struct kern *k, const char *name, struct vnet **vnp)
{

	return create(k, name, true, vnp);
}

void
vnet_disown(struct vnet *vn)
{

	host_mutex_lock(vn->vn_kern->k_host, &vn->vn_kern->k_vnet_lock);
	vn->vn_owned = false;
	host_mutex_unlock(vn->vn_kern->k_host, &vn->vn_kern->k_vnet_lock);
}

bool
vnet_is_owned(struct vnet *vn)
{
	bool owned;

	host_mutex_lock(vn->vn_kern->k_host, &vn->vn_kern->k_vnet_lock);
	owned = vn->vn_owned;
	host_mutex_unlock(vn->vn_kern->k_host, &vn->vn_kern->k_vnet_lock);
	return owned;
}

/* The kern's vnet lock is held.  Release a reference. */
static void
unref(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;

	KASSERT(vn->vn_refs > 0);
	if (--vn->vn_refs == 0 && vn->vn_dying)
		host_cond_broadcast(k->k_host, &k->k_vnet_cv);
}

void
vnet_destroy_held(struct vnet *vn)
{
	const struct vnet_subsys *const *vs = vn->vn_kern->k_config.kc_subsys;
	struct kern *k = vn->vn_kern;
	unsigned n = 0;
	bool first;

	KASSERT(curcpu() == NULL);
	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	first = !vn->vn_dying;
	vn->vn_dying = true;
	unref(vn);
	/* Another thread destroys the vnet already, and waited for this
	 * reference as well. */
	if (!first) {
		host_mutex_unlock(k->k_host, &k->k_vnet_lock);
		return;
	}
	if (k->k_vnet_revoke != NULL) {
		host_mutex_unlock(k->k_host, &k->k_vnet_lock);
		k->k_vnet_revoke(vn);
		host_mutex_lock(k->k_host, &k->k_vnet_lock);
	}
	while (vn->vn_refs > 0) {
		if (host_cond_wait(k->k_host, &k->k_vnet_cv, &k->k_vnet_lock,
		    NS_PER_SEC) == ETIMEDOUT && vn->vn_refs > 0)
			klog(k, KLOG_WARNING, "vnet %s: cannot be destroyed "
			    "yet: %u references are held", vn->vn_name,
			    vn->vn_refs);
	}
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
	while (vs != NULL && vs[n] != NULL)
		n++;
	fini_subsystems(vn, n);
	unlist_and_free(vn);
}

struct vnet *
vnet_get(struct kern *k, const char *name)
{
	struct vnet *vn;

	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	if (name[0] == '\0')
		vn = first_alive(k);
	else
		vn = find_name(k, name);
	if (vn != NULL && vn->vn_dying)
		vn = NULL;
	if (vn != NULL)
		vn->vn_refs++;
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
	return vn;
}

void
vnet_put(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;

	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	unref(vn);
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
}

int
vnet_foreach(struct kern *k, int (*fn)(struct vnet *, void *), void *arg)
{
	struct vnet *vn, *next;
	int error = 0;

	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	for (vn = TAILQ_FIRST(&k->k_vnets); vn != NULL && error == 0;
	    vn = next) {
		next = TAILQ_NEXT(vn, vn_link);
		if (vn->vn_dying)
			continue;
		/* A vnet that is held stays in the list. */
		vn->vn_refs++;
		host_mutex_unlock(k->k_host, &k->k_vnet_lock);
		error = fn(vn, arg);
		host_mutex_lock(k->k_host, &k->k_vnet_lock);
		next = TAILQ_NEXT(vn, vn_link);
		unref(vn);
	}
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
	return error;
}

struct kern *
vnet_kern(const struct vnet *vn)
{

	return vn->vn_kern;
}
