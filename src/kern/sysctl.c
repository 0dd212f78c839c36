/*
 * The sysctl tree of a vnet: a sorted table of static nodes and one of virtual
 * subtrees.
 *
 * The order of all names: a static node stands at its name, a virtual
 * subtree with all its names at its prefix with a dot behind.
 */

#include "kern/sysctl.h"

#include "kern/kern_private.h"
#include "kern/request.h"

#include <errno.h>
#include <string.h>

/*
 * The part of a node that is the same in all vnets, in k_sysctl; a vnet keeps
 * no more than where its own value is.
 */
struct sysctl_shape {
	struct sysctl_node sh_node;	/* constant; no value in it */
	unsigned	 sh_refs;
};

struct sysctl_entry {
	struct sysctl_shape *en_shape;
	void		*en_value;	/* sn_int, or with a handler sn_arg */
};

/*
 *	sv_nodes	sorted by name; sv_lock
 *	sv_virt		sorted by prefix and dot; sv_lock
 */
struct sysctl_vnet {
	struct host_mutex sv_lock;
	struct sysctl_entry *sv_nodes;
	unsigned	 sv_nnodes, sv_nodes_max;
	struct sysctl_virtual *sv_virt;
	unsigned	 sv_nvirt, sv_virt_max;
	struct sysctl_tree *sv_trees;	/* sv_lock, in no order */
	unsigned	 sv_ntrees, sv_trees_max;
};

static const char *
entry_name(const struct sysctl_entry *en)
{

	return en->en_shape->sh_node.sn_name;
}

static struct sysctl_node
entry_node(const struct sysctl_entry *en)
{
	struct sysctl_node node = en->en_shape->sh_node;

	if (node.sn_handler != NULL)
		node.sn_arg = en->en_value;
	else
		node.sn_int = en->en_value;
	return node;
}

/* Position of the first static node with a name >= (or, after: >) `name'. */
static unsigned
node_position(const struct sysctl_vnet *sv, const char *name, bool after)
{
	unsigned lo = 0, hi = sv->sv_nnodes, mid;
	int cmp;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		cmp = strcmp(entry_name(&sv->sv_nodes[mid]), name);
		if (cmp < 0 || (after && cmp == 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct sysctl_entry *
find_node(struct sysctl_vnet *sv, const char *name)
{
	unsigned pos = node_position(sv, name, false);

	if (pos == sv->sv_nnodes ||
	    strcmp(entry_name(&sv->sv_nodes[pos]), name) != 0)
		return NULL;
	return &sv->sv_nodes[pos];
}

/* Compare "prefix." with a name. */
static int
compare_prefix(const char *prefix, const char *name)
{
	size_t len = strlen(prefix);
	int cmp;

	cmp = strncmp(prefix, name, len);
	if (cmp != 0)
		return cmp;
	if (name[len] != '.')
		return '.' - (int)(unsigned char)name[len];
	return name[len + 1] == '\0' ? 0 : -1;
}

/* Compare two prefixes, a dot behind each. */
static int
compare_prefixes(const char *a, const char *b)
{
	size_t i = 0;
	int ca, cb;

	while (a[i] != '\0' && a[i] == b[i])
		i++;
	if (a[i] == b[i])
		return 0;
	ca = a[i] != '\0' ? (unsigned char)a[i] : '.';
	cb = b[i] != '\0' ? (unsigned char)b[i] : '.';
	if (ca != cb)
		return ca - cb;
	return a[i] == '\0' ? -1 : 1;
}

static bool
is_below(const char *prefix, const char *name)
{
	size_t len = strlen(prefix);

	return strncmp(prefix, name, len) == 0 && name[len] == '.';
}

/* The virtual subtree that a name is in: the subtree with the longest
 * prefix. */
static struct sysctl_virtual *
find_virtual(struct sysctl_vnet *sv, const char *name)
{
	struct sysctl_virtual *best = NULL;

	for (unsigned i = 0; i < sv->sv_nvirt; i++) {
		if (is_below(sv->sv_virt[i].sv_prefix, name) &&
		    (best == NULL || strlen(sv->sv_virt[i].sv_prefix) >
		    strlen(best->sv_prefix)))
			best = &sv->sv_virt[i];
	}
	return best;
}

/* Make room in an array for one more element of `size' bytes. */
static int
grow(struct kern *k, void *arrayp, unsigned n, unsigned *max, size_t size)
{
	void *old, *new;
	unsigned want = *max + 8;

	if (n < *max)
		return 0;
	memcpy(&old, arrayp, sizeof(old));
	new = kmem_zalloc(k, want * size);
	if (new == NULL)
		return ENOMEM;
	if (n > 0)
		memcpy(new, old, n * size);
	memcpy(arrayp, &new, sizeof(new));
	kmem_free(k, old);
	*max = want;
	return 0;
}

static bool
is_shape(const struct sysctl_shape *sh, const struct sysctl_node *node)
{
	const struct sysctl_node *have = &sh->sh_node;

	/* The strings' addresses, as a driver that is unloaded takes its own
	 * away. */
	return have->sn_name == node->sn_name &&
	    have->sn_descr == node->sn_descr &&
	    have->sn_writable == node->sn_writable &&
	    have->sn_min == node->sn_min && have->sn_max == node->sn_max &&
	    have->sn_handler == node->sn_handler;
}

/* A reference to a node's shape; NULL: no memory. */
static struct sysctl_shape *
shape_get(struct kern *k, const struct sysctl_node *node)
{
	struct sysctl_shapes *ss = &k->k_sysctl;
	struct sysctl_shape *sh;
	unsigned i;

	klock_lock(k, &ss->ss_lock);
	/* Subsystems of each further vnet come in the same order. */
	for (i = 0; i < ss->ss_n; i++) {
		sh = ss->ss_shape[(ss->ss_next + i) % ss->ss_n];
		if (is_shape(sh, node)) {
			ss->ss_next = (ss->ss_next + i + 1) % ss->ss_n;
			sh->sh_refs++;
			goto out;
		}
	}
	sh = kmem_zalloc(k, sizeof(*sh));
	if (sh != NULL && grow(k, &ss->ss_shape, ss->ss_n, &ss->ss_max,
	    sizeof(sh)) != 0) {
		kmem_free(k, sh);
		sh = NULL;
	}
	if (sh != NULL) {
		sh->sh_node = *node;
		sh->sh_node.sn_int = NULL;
		sh->sh_node.sn_arg = NULL;
		sh->sh_refs = 1;
		ss->ss_shape[ss->ss_n++] = sh;
	}
out:
	klock_unlock(k, &ss->ss_lock);
	return sh;
}

static void
shape_put(struct kern *k, struct sysctl_shape *sh)
{
	struct sysctl_shapes *ss = &k->k_sysctl;
	unsigned i = 0;

	klock_lock(k, &ss->ss_lock);
	if (--sh->sh_refs == 0) {
		while (ss->ss_shape[i] != sh)
			i++;
		ss->ss_shape[i] = ss->ss_shape[--ss->ss_n];
		ss->ss_next = 0;
		kmem_free(k, sh);
	}
	if (ss->ss_n == 0) {
		kmem_free(k, ss->ss_shape);
		ss->ss_shape = NULL;
		ss->ss_max = 0;
	}
	klock_unlock(k, &ss->ss_lock);
}

int
sysctl_add(struct vnet *vn, const struct sysctl_node *node)
{
	struct sysctl_vnet *sv = vn->vn_sysctl;
	struct host *h = vn->vn_kern->k_host;
	struct sysctl_shape *sh;
	unsigned pos;
	int error;

	KASSERT(strlen(node->sn_name) < SYSCTL_NAMESIZE);
	KASSERT(node->sn_int != NULL || node->sn_handler != NULL);
	host_mutex_lock(h, &sv->sv_lock);
	if (find_node(sv, node->sn_name) != NULL) {
		error = EEXIST;
		goto out;
	}
	error = grow(vn->vn_kern, &sv->sv_nodes, sv->sv_nnodes,
	    &sv->sv_nodes_max, sizeof(*sv->sv_nodes));
	if (error != 0)
		goto out;
	sh = shape_get(vn->vn_kern, node);
	if (sh == NULL) {
		error = ENOMEM;
		goto out;
	}
	pos = node_position(sv, node->sn_name, false);
	memmove(&sv->sv_nodes[pos + 1], &sv->sv_nodes[pos],
	    (sv->sv_nnodes - pos) * sizeof(*sv->sv_nodes));
	sv->sv_nodes[pos].en_shape = sh;
	sv->sv_nodes[pos].en_value = node->sn_handler != NULL ? node->sn_arg :
	    node->sn_int;
	sv->sv_nnodes++;
out:
	host_mutex_unlock(h, &sv->sv_lock);
	return error;
}

int
sysctl_add_virtual(struct vnet *vn, const struct sysctl_virtual *virt)
{
	struct sysctl_vnet *sv = vn->vn_sysctl;
	struct host *h = vn->vn_kern->k_host;
	unsigned pos = 0;
	int cmp, error = 0;

	host_mutex_lock(h, &sv->sv_lock);
	for (; pos < sv->sv_nvirt; pos++) {
		cmp = compare_prefixes(sv->sv_virt[pos].sv_prefix,
		    virt->sv_prefix);
		if (cmp == 0)
			error = EEXIST;
		if (cmp >= 0)
			break;
	}
	if (error == 0)
		error = grow(vn->vn_kern, &sv->sv_virt, sv->sv_nvirt,
		    &sv->sv_virt_max, sizeof(*virt));
	if (error == 0) {
		memmove(&sv->sv_virt[pos + 1], &sv->sv_virt[pos],
		    (sv->sv_nvirt - pos) * sizeof(*virt));
		sv->sv_virt[pos] = *virt;
		sv->sv_nvirt++;
	}
	host_mutex_unlock(h, &sv->sv_lock);
	return error;
}

int
sysctl_add_trees(struct vnet *vn, const struct sysctl_tree *trees, unsigned n)
{
	struct sysctl_vnet *sv = vn->vn_sysctl;
	struct host *h = vn->vn_kern->k_host;
	unsigned i, j;
	int error = 0;

	host_mutex_lock(h, &sv->sv_lock);
	for (i = 0; i < n && error == 0; i++) {
		for (j = 0; j < sv->sv_ntrees && error == 0; j++)
			if (strcmp(sv->sv_trees[j].st_prefix,
			    trees[i].st_prefix) == 0)
				error = EEXIST;
		if (error == 0)
			error = grow(vn->vn_kern, &sv->sv_trees, sv->sv_ntrees,
			    &sv->sv_trees_max, sizeof(trees[i]));
		if (error == 0)
			sv->sv_trees[sv->sv_ntrees++] = trees[i];
	}
	host_mutex_unlock(h, &sv->sv_lock);
	return error;
}

int
sysctl_out(struct sysctl_op *op, const void *value, size_t len)
{
	size_t room;

	if (op->so_oldlen == NULL)
		return 0;
	room = *op->so_oldlen;
	*op->so_oldlen = len;
	if (op->so_old == NULL)
		return 0;
	if (room < len)
		return ENOMEM;
	memcpy(op->so_old, value, len);
	return 0;
}

int
sysctl_handle_int(struct sysctl_op *op, int64_t *v, int64_t min, int64_t max,
    bool writable)
{
	int64_t new = *v;
	int error;

	op->so_type = SYSCTL_INT;
	op->so_writable = writable;
	op->so_min = writable ? min : 0;
	op->so_max = writable ? max : 0;
	/* All checks come before any change. */
	if (op->so_new != NULL) {
		if (!writable)
			return EACCES;
		if (op->so_newlen != sizeof(new))
			return EINVAL;
		memcpy(&new, op->so_new, sizeof(new));
		if (new < min || new > max)
			return EINVAL;
	}
	error = sysctl_out(op, v, sizeof(*v));
	if (error == 0)
		*v = new;
	return error;
}

int
sysctl_handle_quad_ro(struct sysctl_op *op, uint64_t v)
{

	op->so_type = SYSCTL_QUAD;
	op->so_writable = false;
	if (op->so_new != NULL)
		return EACCES;
	return sysctl_out(op, &v, sizeof(v));
}

int
sysctl_handle_string_ro(struct sysctl_op *op, const char *s)
{

	op->so_type = SYSCTL_STRING;
	op->so_writable = false;
	if (op->so_new != NULL)
		return EACCES;
	return sysctl_out(op, s, strlen(s) + 1);
}

static int
handle_plain_int(const struct sysctl_node *node, struct sysctl_op *op)
{
	int64_t v;
	int error;

	v = __atomic_load_n(node->sn_int, __ATOMIC_RELAXED);
	error = sysctl_handle_int(op, &v, node->sn_min, node->sn_max,
	    node->sn_writable);
	if (error == 0 && op->so_new != NULL)
		__atomic_store_n(node->sn_int, v, __ATOMIC_RELAXED);
	return error;
}

static int
handle_node(struct vnet *vn, const struct sysctl_node *node, const char *name,
    struct sysctl_op *op)
{

	if (node->sn_handler == NULL)
		return handle_plain_int(node, op);
	op->so_writable = node->sn_writable;
	if (op->so_new != NULL && !node->sn_writable)
		return EACCES;
	return node->sn_handler(vn, name, node->sn_arg, op);
}

int
sysctl_access(struct vnet *vn, const char *name, struct sysctl_op *op)
{
	struct sysctl_vnet *sv = vn->vn_sysctl;
	struct host *h = vn->vn_kern->k_host;
	struct sysctl_node node = { 0 };
	const struct sysctl_entry *np;
	struct sysctl_virtual virt = { 0 }, *vp = NULL;
	int error;

	op->so_type = SYSCTL_OPAQUE;
	op->so_writable = false;
	op->so_min = op->so_max = 0;
	op->so_why = NULL;
	/* Handlers may sleep and may come back here: no lock for them. */
	host_mutex_lock(h, &sv->sv_lock);
	np = find_node(sv, name);
	if (np != NULL)
		node = entry_node(np);
	else if ((vp = find_virtual(sv, name)) != NULL)
		virt = *vp;
	host_mutex_unlock(h, &sv->sv_lock);
	if (np == NULL && vp == NULL)
		return ENOENT;
	error = kauth_authorize(vn->vn_kern, op->so_cred,
	    request_action(REQUEST_SYSCTL, op->so_new != NULL ?
	    REQUEST_SYSCTL_WRITE : REQUEST_SYSCTL_READ));
	if (error != 0)
		return error;
	return np != NULL ? handle_node(vn, &node, name, op) :
	    virt.sv_handler(vn, name, virt.sv_arg, op);
}

int
sysctl_request(struct vnet *vn, const struct kauth_cred *cred,
    const char *name, void *old, size_t *oldlen, const void *new,
    size_t newlen, enum sysctl_type *type, bool *writable)
{
	struct sysctl_op op = {
		.so_old = old, .so_oldlen = oldlen, .so_new = new,
		.so_newlen = newlen, .so_cred = cred,
	};
	int error;

	error = sysctl_access(vn, name, &op);
	if (type != NULL)
		*type = op.so_type;
	if (writable != NULL)
		*writable = op.so_writable;
	return error;
}

/* The first item after a position in the order of names. */
struct next_item {
	bool		 ni_virtual;
	bool		 ni_node;
	struct sysctl_virtual ni_virt;
	char		 ni_name[SYSCTL_NAMESIZE];
};

/*
 * The first item after `key'; `in' is the subtree whose names came last, or
 * NULL, and then key is its prefix.
 */
static void
find_next(struct sysctl_vnet *sv, const char *key,
    const struct sysctl_virtual *in, struct next_item *ni)
{
	struct sysctl_virtual *vp = NULL;
	unsigned pos, i;
	char dotted[SYSCTL_NAMESIZE + 1];
	size_t len;

	if (in != NULL) {
		len = strlen(in->sv_prefix);
		memcpy(dotted, in->sv_prefix, len);
		memcpy(dotted + len, ".", 2);
		key = dotted;
	}
	pos = node_position(sv, key, true);
	for (i = 0; i < sv->sv_nvirt; i++) {
		if (compare_prefix(sv->sv_virt[i].sv_prefix, key) > 0) {
			vp = &sv->sv_virt[i];
			break;
		}
	}
	ni->ni_node = pos < sv->sv_nnodes;
	ni->ni_virtual = vp != NULL && (!ni->ni_node ||
	    compare_prefix(vp->sv_prefix, entry_name(&sv->sv_nodes[pos])) < 0);
	if (ni->ni_virtual)
		ni->ni_virt = *vp;
	else if (ni->ni_node)
		memcpy(ni->ni_name, entry_name(&sv->sv_nodes[pos]),
		    strlen(entry_name(&sv->sv_nodes[pos])) + 1);
}

/*
 * The first name of a virtual subtree below a prefix inside it.  Names come
 * grouped, so one look through the subtree finds it.
 */
static int
virtual_below(struct vnet *vn, const struct sysctl_virtual *virt,
    const char *prefix, char next[SYSCTL_NAMESIZE])
{
	char name[SYSCTL_NAMESIZE] = "";

	if (virt->sv_below != NULL)
		return virt->sv_below(vn, virt->sv_arg, prefix, next);
	while (virt->sv_next(vn, virt->sv_arg, name, name) == 0) {
		if (is_below(prefix, name)) {
			memcpy(next, name, sizeof(name));
			return 0;
		}
	}
	return ENOENT;
}

/* The name of a virtual subtree that stands after another name, or a prefix,
 * in it. */
static int
virtual_next(struct vnet *vn, const struct sysctl_virtual *virt,
    const char *after, char next[SYSCTL_NAMESIZE])
{
	struct sysctl_op op = { .so_cred = &kauth_cred_self };

	/* A name that has a value cannot have names below it. */
	if (virt->sv_handler(vn, after, virt->sv_arg, &op) == ENOENT &&
	    virtual_below(vn, virt, after, next) == 0)
		return 0;
	return virt->sv_next(vn, virt->sv_arg, after, next);
}

int
sysctl_next(struct vnet *vn, const char *after, char next[SYSCTL_NAMESIZE])
{
	struct sysctl_vnet *sv = vn->vn_sysctl;
	struct host *h = vn->vn_kern->k_host;
	struct sysctl_virtual virt = { 0 }, *vp = NULL;
	struct next_item ni;
	char key[SYSCTL_NAMESIZE];

	/* A copy, as the caller may pass one buffer as both arguments. */
	if (strlen(after) >= sizeof(key))
		return ENOENT;
	memcpy(key, after, strlen(after) + 1);
	host_mutex_lock(h, &sv->sv_lock);
	if (find_node(sv, key) == NULL &&
	    (vp = find_virtual(sv, key)) != NULL)
		virt = *vp;
	host_mutex_unlock(h, &sv->sv_lock);
	if (vp != NULL && virtual_next(vn, &virt, key, next) == 0)
		return 0;
	for (;;) {
		host_mutex_lock(h, &sv->sv_lock);
		find_next(sv, key, vp != NULL ? &virt : NULL, &ni);
		host_mutex_unlock(h, &sv->sv_lock);
		if (!ni.ni_virtual) {
			if (!ni.ni_node)
				return ENOENT;
			memcpy(next, ni.ni_name, strlen(ni.ni_name) + 1);
			return 0;
		}
		virt = ni.ni_virt;
		vp = &virt;
		if (virt.sv_next(vn, virt.sv_arg, "", next) == 0)
			return 0;
	}
}

const char *
sysctl_descr(struct vnet *vn, const char *name)
{
	struct sysctl_vnet *sv = vn->vn_sysctl;
	struct host *h = vn->vn_kern->k_host;
	const struct sysctl_virtual *vp;
	const struct sysctl_entry *np;
	const char *descr = NULL;
	unsigned i;

	host_mutex_lock(h, &sv->sv_lock);
	np = find_node(sv, name);
	if (np != NULL)
		descr = np->en_shape->sh_node.sn_descr;
	for (i = 0; descr == NULL && i < sv->sv_ntrees; i++)
		if (strcmp(sv->sv_trees[i].st_prefix, name) == 0)
			descr = sv->sv_trees[i].st_descr;
	if (descr == NULL && (vp = find_virtual(sv, name)) != NULL &&
	    vp->sv_descr != NULL)
		descr = vp->sv_descr(name);
	host_mutex_unlock(h, &sv->sv_lock);
	return descr;
}

bool
sysctl_is_tree(struct vnet *vn, const char *name)
{
	struct sysctl_vnet *sv = vn->vn_sysctl;
	struct host *h = vn->vn_kern->k_host;
	bool found = false;
	unsigned i;

	host_mutex_lock(h, &sv->sv_lock);
	for (i = 0; i < sv->sv_ntrees && !found; i++)
		found = strcmp(sv->sv_trees[i].st_prefix, name) == 0;
	for (i = 0; i < sv->sv_nvirt && !found; i++)
		found = strcmp(sv->sv_virt[i].sv_prefix, name) == 0;
	host_mutex_unlock(h, &sv->sv_lock);
	return found;
}

static void
sysctl_fini(struct vnet *vn)
{
	struct sysctl_vnet *sv = vn->vn_sysctl;

	host_mutex_destroy(vn->vn_kern->k_host, &sv->sv_lock);
	for (unsigned i = 0; i < sv->sv_nnodes; i++)
		shape_put(vn->vn_kern, sv->sv_nodes[i].en_shape);
	kmem_free(vn->vn_kern, sv->sv_nodes);
	kmem_free(vn->vn_kern, sv->sv_virt);
	kmem_free(vn->vn_kern, sv->sv_trees);
	kmem_free(vn->vn_kern, sv);
	vn->vn_sysctl = NULL;
}

static int
sysctl_init(struct vnet *vn)
{
	int error;

	vn->vn_sysctl = kmem_zalloc(vn->vn_kern, sizeof(*vn->vn_sysctl));
	if (vn->vn_sysctl == NULL)
		return ENOMEM;
	host_mutex_init(vn->vn_kern->k_host, &vn->vn_sysctl->sv_lock);
	error = sysctl_add_kern(vn);
	if (error != 0)
		sysctl_fini(vn);
	return error;
}

const struct vnet_subsys sysctl_subsys = {
	.vs_name = "sysctl",
	.vs_init = sysctl_init,
	.vs_fini = sysctl_fini,
};
