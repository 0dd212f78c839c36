/*
 * Settings and readings: net.interfaces.<if>.{sndq,rcvq}.{len,maxlen,drops},
 * net.interfaces.<if>.link.* and net.sdl.<index>, none of which exists until
 * it is asked for, and net.link.*, the layer's own.
 */

#include "kern/sysctl.h"
#include "net/if_attach_impl.h"
#include "net/if_history_impl.h"
#include "net/if_index_impl.h"
#include "net/if_input_impl.h"
#include "net/if_link_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"
#include "net/ifq_impl.h"

#include <errno.h>
#include <stdio.h>

#define IFS_PREFIX	"net.interfaces."
#define SDL_PREFIX	"net.sdl."

#define QUEUE_MAXLEN	65536

enum leaf { LEN, MAXLEN, DROPS, FLAPS, COALESCED, LOST, HOLDDOWN, LASTCHANGE,
	    RPF };

static int snd_access(struct ifnet *, enum leaf, struct sysctl_op *);
static int rcv_access(struct ifnet *, enum leaf, struct sysctl_op *);
static int link_access(struct ifnet *, enum leaf, struct sysctl_op *);
static int rpf_access(struct ifnet *, enum leaf, struct sysctl_op *);

static const struct {
	const char *name;
	int	 (*access)(struct ifnet *, enum leaf, struct sysctl_op *);
	enum leaf leaf;
	const char *descr;
} leaves[] = {
	{ "sndq.len",		snd_access,	LEN,
	  "packets that wait to be sent" },
	{ "sndq.maxlen",	snd_access,	MAXLEN,
	  "packets that may wait to be sent" },
	{ "sndq.drops",		snd_access,	DROPS,
	  "packets dropped, the send queue was full" },
	{ "rcvq.len",		rcv_access,	LEN,
	  "received packets that wait for a CPU" },
	{ "rcvq.maxlen",	rcv_access,	MAXLEN,
	  "received packets that may wait for each CPU" },
	{ "rcvq.drops",		rcv_access,	DROPS,
	  "received packets dropped, the queue was full" },
	{ "link.flaps",		link_access,	FLAPS,
	  "times the link went down" },
	{ "link.coalesced",	link_access,	COALESCED,
	  "changes of the link that made no difference, or made up for "
	  "another" },
	{ "link.lost",		link_access,	LOST,
	  "changes of the link lost, queue full" },
	{ "link.holddown",	link_access,	HOLDDOWN,
	  "milliseconds a link must be up in one piece to count as up" },
	{ "link.lastchange",	link_access,	LASTCHANGE,
	  "when the interface changed last, nanoseconds since 1970" },
	{ "rpf",		rpf_access,	RPF,
	  "sources must belong here: -1 as net.inet.ip.rpf, 0 no, 1 "
	  "strictly, 2 loosely" },
};
#define NLEAVES	(int)(sizeof(leaves) / sizeof(leaves[0]))

/* Groups of an interface's leaves. */
static const struct {
	const char	*name, *descr;
} branches[] = {
	{ "sndq", "the interface's send queue" },
	{ "rcvq", "the queue of packets it received" },
	{ "link", "its link" },
};
#define NBRANCHES (int)(sizeof(branches) / sizeof(branches[0]))

/*
 * Take a full name apart, from its end, since the interface's may have dots.
 * The leaf's number, or -1.
 */
static int
parse(const char *full, char ifname[IFNAMSIZ])
{
	const char *rest = full + sizeof(IFS_PREFIX) - 1;
	size_t len, n;

	if (strncmp(full, IFS_PREFIX, sizeof(IFS_PREFIX) - 1) != 0)
		return -1;
	len = strlen(rest);
	for (int i = 0; i < NLEAVES; i++) {
		n = strlen(leaves[i].name) + 1;
		if (len <= n || len - n >= IFNAMSIZ ||
		    rest[len - n] != '.' ||
		    strcmp(rest + len - n + 1, leaves[i].name) != 0)
			continue;
		memset(ifname, 0, IFNAMSIZ);
		memcpy(ifname, rest, len - n);
		return i;
	}
	return -1;
}

/*
 * Length and drops are sums over all send queues.  The limit is that of the
 * first queue, the only limit that a user can set; a discipline replaces it by
 * its own.
 */
static int
snd_access(struct ifnet *ifp, enum leaf leaf, struct sysctl_op *op)
{
	struct ifqueue *ifq = &ifp->if_snd;
	const struct if_ops *ops;
	int64_t v;
	int error;

	if (leaf == LEN) {
		v = (int64_t)ifq_total(ifp);
		return sysctl_handle_int(op, &v, 0, 0, false);
	}
	if (leaf == DROPS) {
		return sysctl_handle_quad_ro(op, ifq_drops_total(ifp));
	}
	kspin_lock(&ifq->ifq_lock);
	v = ifq->ifq_maxlen;
	kspin_unlock(&ifq->ifq_lock);
	/* A driver without a start routine takes packets from no queue. */
	ops = __atomic_load_n(&ifp->if_ops, __ATOMIC_ACQUIRE);
	if (ops->start == NULL && ops != &if_null_ops) {
		op->so_why = "this kind of interface sends without a queue";
		v = 0;
		return sysctl_handle_int(op, &v, 0, 0, false);
	}
	error = sysctl_handle_int(op, &v, 1, QUEUE_MAXLEN, true);
	if (error != 0 || op->so_new == NULL)
		return error;
	/* The limit of a deactivated interface stays 0. */
	kspin_lock(&ifq->ifq_lock);
	if (!if_is_deactivated(ifp))
		ifq->ifq_maxlen = (uint32_t)v;
	kspin_unlock(&ifq->ifq_lock);
	return 0;
}

static int
rcv_access(struct ifnet *ifp, enum leaf leaf, struct sysctl_op *op)
{
	int64_t v;
	int error;

	if (leaf == DROPS)
		return sysctl_handle_quad_ro(op, if_percpuq_drops(ifp));
	if (leaf == LEN) {
		v = (int64_t)if_percpuq_len(ifp);
		return sysctl_handle_int(op, &v, 0, 0, false);
	}
	v = if_percpuq_maxlen(ifp);
	if (!ifp->if_percpuq)
		op->so_why = "this kind of interface receives without a queue";
	error = sysctl_handle_int(op, &v, 1, QUEUE_MAXLEN,
	    ifp->if_percpuq);
	if (error == 0 && op->so_new != NULL)
		if_percpuq_set_maxlen(ifp, (uint32_t)v);
	return error;
}

static int
link_access(struct ifnet *ifp, enum leaf leaf, struct sysctl_op *op)
{
	uint64_t coalesced, lost;
	bool loopback;
	int64_t ms;
	int error;

	switch (leaf) {
	case FLAPS:
		return sysctl_handle_quad_ro(op, __atomic_load_n(
		    &ifp->if_link_flaps, __ATOMIC_RELAXED));
	case COALESCED:
	case LOST:
		if_link_counts(ifp, &coalesced, &lost);
		return sysctl_handle_quad_ro(op,
		    leaf == LOST ? lost : coalesced);
	case LASTCHANGE:
		return sysctl_handle_quad_ro(op, __atomic_load_n(
		    &ifp->if_lastchange_ns, __ATOMIC_RELAXED));
	default:
		break;
	}
	ms = if_link_holddown(ifp);
	loopback = (if_flags_get(ifp) & IFF_LOOPBACK) != 0;
	if (loopback)
		op->so_why = "a loopback has no link";
	error = sysctl_handle_int(op, &ms, 0, IF_HOLDDOWN_MAX, !loopback);
	if (error != 0 || op->so_new == NULL)
		return error;
	if_ioctl_lock(ifp);
	error = ifp->if_state == IFS_ATTACHED && !if_is_deactivated(ifp) ?
	    if_link_set_holddown(ifp, (uint32_t)ms) : ENOENT;
	if_ioctl_unlock(ifp);
	return error;
}

/* -1 is the family's default, else IF_RPF_*. */
static int
rpf_access(struct ifnet *ifp, enum leaf leaf, struct sysctl_op *op)
{
	int64_t v = __atomic_load_n(&ifp->if_rpf, __ATOMIC_RELAXED) - 1;
	int error;

	(void)leaf;
	error = sysctl_handle_int(op, &v, -1, IF_RPF_LOOSE, true);
	if (error == 0 && op->so_new != NULL)
		__atomic_store_n(&ifp->if_rpf, (uint8_t)(v + 1),
		    __ATOMIC_RELAXED);
	return error;
}

static int
interfaces_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	char ifname[IFNAMSIZ];
	struct psref pr;
	struct ifnet *ifp;
	unsigned ignored;
	int leaf, error;

	(void)arg;
	leaf = parse(name, ifname);
	if (leaf < 0 || if_name_number(ifname, &ignored))
		return ENOENT;
	ifp = if_get(vn, ifname, &pr);
	if (ifp == NULL)
		return ENOENT;
	error = leaves[leaf].access(ifp, leaves[leaf].leaf, op);
	if_put(ifp, &pr);
	return error;
}

/* --- walking ------------------------------------------------------------ */

/*
 * The index of an interface that a walk was at.  It may have gone since, so
 * what was said last is remembered.  0: unknown.
 */
static unsigned
cursor_index(struct vnet *vn, const char *ifname)
{
	struct if_vnet *ifv = vn->vn_if;
	struct ifnet *ifp;
	unsigned index = 0;

	host_mutex_lock(vn->vn_kern->k_host, &ifv->ifv_lock);
	ifp = if_name_lookup(ifv, ifname);
	if (ifp != NULL)
		index = ifp->if_index;
	for (unsigned i = 0; i < IF_NCURSORS && index == 0; i++)
		if (strcmp(ifv->ifv_cursor[i].ic_name, ifname) == 0)
			index = ifv->ifv_cursor[i].ic_index;
	host_mutex_unlock(vn->vn_kern->k_host, &ifv->ifv_lock);
	return index;
}

static void
cursor_save(struct vnet *vn, const struct ifnet *ifp)
{
	struct if_vnet *ifv = vn->vn_if;
	struct if_cursor *ic;

	host_mutex_lock(vn->vn_kern->k_host, &ifv->ifv_lock);
	ic = &ifv->ifv_cursor[ifv->ifv_cursor_last++ % IF_NCURSORS];
	if_name_copy(ifp, ic->ic_name);
	ic->ic_index = ifp->if_index;
	host_mutex_unlock(vn->vn_kern->k_host, &ifv->ifv_lock);
}

static int
interfaces_next(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{
	char ifname[IFNAMSIZ];
	struct psref pr;
	struct ifnet *ifp;
	unsigned index = 0;
	int leaf = -1;

	(void)arg;
	if (after[0] != '\0') {
		leaf = parse(after, ifname);
		if (leaf < 0)
			return ENOENT;
		if (++leaf < NLEAVES && (ifp = if_get(vn, ifname, &pr)) !=
		    NULL) {
			if_put(ifp, &pr);
			(void)snprintf(next, SYSCTL_NAMESIZE, IFS_PREFIX
			    "%.15s.%s", ifname, leaves[leaf].name);
			return 0;
		}
		index = cursor_index(vn, ifname);
		if (index == 0)
			return ENOENT;
	}
	index++;
	ifp = if_get_from(vn, &index, &pr);
	if (ifp == NULL)
		return ENOENT;
	cursor_save(vn, ifp);
	if_name_copy(ifp, ifname);
	(void)snprintf(next, SYSCTL_NAMESIZE, IFS_PREFIX "%.15s.%s", ifname,
	    leaves[0].name);
	if_put(ifp, &pr);
	return 0;
}

/*
 * The first leaf below net.interfaces.IF, or net.interfaces.IF.BRANCH.  Either
 * may be meant where an interface's name has a dot; the interface goes first.
 */
static int
interfaces_below(struct vnet *vn, void *arg, const char *prefix,
    char next[SYSCTL_NAMESIZE])
{
	const char *rest = prefix + sizeof(IFS_PREFIX) - 1;
	char ifname[IFNAMSIZ] = "";
	const char *branch = "";
	struct psref pr;
	struct ifnet *ifp = NULL;
	size_t len = strlen(rest);
	int i;

	(void)arg;
	if (len < sizeof(ifname)) {
		memcpy(ifname, rest, len);
		ifp = if_get(vn, ifname, &pr);
	}
	if (ifp == NULL && (branch = strrchr(rest, '.')) != NULL &&
	    (size_t)(branch - rest) < sizeof(ifname)) {
		memset(ifname, 0, sizeof(ifname));
		memcpy(ifname, rest, (size_t)(branch++ - rest));
		ifp = if_get(vn, ifname, &pr);
	}
	if (ifp == NULL)
		return ENOENT;
	if_put(ifp, &pr);
	len = strlen(branch);
	for (i = 0; i < NLEAVES; i++) {
		if (len == 0 || (strncmp(leaves[i].name, branch, len) == 0 &&
		    leaves[i].name[len] == '.')) {
			(void)snprintf(next, SYSCTL_NAMESIZE, IFS_PREFIX
			    "%.15s.%s", ifname, leaves[i].name);
			return 0;
		}
	}
	return ENOENT;
}

static const char *
interfaces_descr(const char *name)
{
	char ifname[IFNAMSIZ];
	const char *last = strrchr(name, '.') + 1;
	int leaf = parse(name, ifname);

	if (leaf >= 0)
		return leaves[leaf].descr;
	for (int i = 0; i < NBRANCHES; i++)
		if (strcmp(branches[i].name, last) == 0 &&
		    (size_t)(last - name) > sizeof(IFS_PREFIX))
			return branches[i].descr;
	return "queues, link and settings of this interface";
}

/* --- link-level addresses ----------------------------------------------- */

static int
sdl_handler(struct vnet *vn, const char *name, void *arg, struct sysctl_op *op)
{
	const char *text = name + sizeof(SDL_PREFIX) - 1;
	const struct sockaddr_dl *sdl;
	struct sockaddr_dl copy;
	struct ifnet *ifp;
	unsigned index;

	(void)arg;
	if (strncmp(name, SDL_PREFIX, sizeof(SDL_PREFIX) - 1) != 0 ||
	    !if_name_number(text, &index) || text[0] == '0')
		return ENOENT;
	pserialize_read_enter();
	ifp = if_byindex(vn, index);
	sdl = ifp == NULL ? NULL : if_sadl(ifp);
	if (sdl != NULL)
		copy = *sdl;
	pserialize_read_exit();
	if (sdl == NULL)
		return ENOENT;
	op->so_type = SYSCTL_OPAQUE;
	op->so_writable = false;
	if (op->so_new != NULL)
		return EACCES;
	return sysctl_out(op, copy.sdl_data, copy.sdl_alen);
}

static int
sdl_next(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{
	struct psref pr;
	struct ifnet *ifp;
	unsigned index = 0;
	bool has;

	(void)arg;
	if (after[0] != '\0' &&
	    (strncmp(after, SDL_PREFIX, sizeof(SDL_PREFIX) - 1) != 0 ||
	    !if_name_number(after + sizeof(SDL_PREFIX) - 1, &index)))
		return ENOENT;
	index++;
	while ((ifp = if_get_from(vn, &index, &pr)) != NULL) {
		has = __atomic_load_n(&ifp->if_dl, __ATOMIC_RELAXED) != NULL;
		if (has)
			(void)snprintf(next, SYSCTL_NAMESIZE, SDL_PREFIX "%u",
			    ifp->if_index);
		if_put(ifp, &pr);
		if (has)
			return 0;
	}
	return ENOENT;
}

static const char *
sdl_descr(const char *name)
{
	unsigned index;

	return if_name_number(name + sizeof(SDL_PREFIX) - 1, &index) ?
	    "the active link-level address of the interface with this index" :
	    NULL;
}

/* --- the layer's own ---------------------------------------------------- */

static int
lost_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{

	(void)name;
	(void)arg;
	return sysctl_handle_quad_ro(op, if_link_lost(vn));
}

static int
count_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	struct if_vnet *ifv = vn->vn_if;
	uint64_t n;

	(void)name;
	(void)arg;
	host_mutex_lock(vn->vn_kern->k_host, &ifv->ifv_lock);
	n = ifv->ifv_count;
	host_mutex_unlock(vn->vn_kern->k_host, &ifv->ifv_lock);
	return sysctl_handle_quad_ro(op, n);
}

static int
history_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	int64_t *len = &vn->vn_if->ifv_history_len;
	int64_t v = __atomic_load_n(len, __ATOMIC_RELAXED);
	int error;

	(void)name;
	(void)arg;
	error = sysctl_handle_int(op, &v, 0, IFHIST_MAX, true);
	if (error != 0 || op->so_new == NULL)
		return error;
	__atomic_store_n(len, v, __ATOMIC_RELAXED);
	/* An event kept now would be shown when the limit is raised. */
	if (v == 0)
		if_history_clear(vn);
	return 0;
}

int
if_sysctl_init(struct vnet *vn)
{
	const struct sysctl_node nodes[] = {
		{ .sn_name = "net.link.maxindex",
		  .sn_descr = "highest interface index given",
		  .sn_writable = true, .sn_int = &vn->vn_if->ifv_limit,
		  .sn_min = 1, .sn_max = IF_INDEX_MAX },
		{ .sn_name = "net.link.count",
		  .sn_descr = "interfaces attached",
		  .sn_handler = count_handler },
		{ .sn_name = "net.link.history",
		  .sn_descr = "events kept of each interface, 0 for none",
		  .sn_writable = true,
		  .sn_handler = history_handler },
		{ .sn_name = "net.link.statelost",
		  .sn_descr = "link state changes lost, queue full",
		  .sn_handler = lost_handler },
	};
	static const struct sysctl_virtual interfaces = {
		.sv_prefix = "net.interfaces",
		.sv_handler = interfaces_handler,
		.sv_next = interfaces_next,
		.sv_below = interfaces_below,
		.sv_descr = interfaces_descr,
	}, sdl = {
		.sv_prefix = "net.sdl",
		.sv_handler = sdl_handler,
		.sv_next = sdl_next,
		.sv_descr = sdl_descr,
	};
	static const struct sysctl_tree trees[] = {
		{ "net.interfaces", "what each interface has" },
		{ "net.link", "interfaces in general" },
		{ "net.link.cloner", "parameters of each kind of interface" },
		{ "net.route", "routes of all families" },
		{ "net.sdl", "link-level addresses by interface index" },
	};
	int error;

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if ((error = sysctl_add(vn, &nodes[i])) != 0)
			return error;
	error = sysctl_add_trees(vn, trees, sizeof(trees) / sizeof(trees[0]));
	if (error == 0)
		error = sysctl_add_virtual(vn, &interfaces);
	if (error == 0)
		error = sysctl_add_virtual(vn, &sdl);
	return error;
}
