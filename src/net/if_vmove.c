/*
 * Moving an interface to another vnet.
 *
 * The driver's end moves: its device, its peer, its settings.  In the
 * new vnet it gets an interface of its own (the twin), which is attached like
 * any other, so that all that can fail has failed before anything is given up;
 * then the old one is detached, in the order and with the guarantees of every
 * detach: addresses, routes, neighbours and queued packets of the old vnet go
 * with it, each packet counted there.  The driver keeps still meanwhile
 * (if_ops vmove), and is handed the twin before the old one is freed.
 *
 * Both clone locks are held throughout, so that nobody destroys either, and
 * the twin's ioctl lock from before it can be found until it works.
 */

#include "net/if_attach_impl.h"
#include "net/if_clone_impl.h"
#include "net/if_ext_impl.h"
#include "net/if_flags_impl.h"
#include "net/if_history_impl.h"
#include "net/if_input_impl.h"
#include "net/if_ioctl_impl.h"
#include "net/if_link_impl.h"
#include "net/if_sadl_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"
#include "net/rtsock.h"

#include <errno.h>

/* Flags that are not a setting. */
#define TRANSIENT	(IFF_UP | IFF_RUNNING | IFF_OACTIVE | IFF_PROMISC | \
	    IFF_ALLMULTI)

/* Old's i: what the driver and the user have set. */
static void
copy_settings(struct ifnet *twin, const struct ifnet *old)
{

	memcpy(twin->if_xname, old->if_xname, IFNAMSIZ);
	twin->if_ops = old->if_ops;
	twin->if_typeops = old->if_typeops;
	twin->if_softc = old->if_softc;
	/* CPUs may change what is atomic: what is copied too early is
	 * corrected when nobody has the old one any more. */
	twin->if_flags = if_flags_get(old) & ~(uint32_t)TRANSIENT;
	twin->if_mtu = __atomic_load_n(&old->if_mtu, __ATOMIC_RELAXED);
	twin->if_mtu_min = old->if_mtu_min;
	twin->if_mtu_max = old->if_mtu_max;
	twin->if_csum_tx = __atomic_load_n(&old->if_csum_tx, __ATOMIC_RELAXED);
	twin->if_snd.ifq_maxlen = old->if_snd.ifq_maxlen;
	twin->if_addrlen = old->if_addrlen;
	twin->if_hdrlen = old->if_hdrlen;
	twin->if_link_state = __atomic_load_n(&old->if_link_state,
	    __ATOMIC_RELAXED);
	twin->if_oper_why = __atomic_load_n(&old->if_oper_why,
	    __ATOMIC_RELAXED);
	twin->if_link_flaps = __atomic_load_n(&old->if_link_flaps,
	    __ATOMIC_RELAXED);
	twin->if_dlt = old->if_dlt;
	twin->if_metric = old->if_metric;
	twin->if_rpf = old->if_rpf;
	twin->if_extflags = old->if_extflags;
	twin->if_capabilities = old->if_capabilities;
	twin->if_capenable = old->if_capenable;
	twin->if_baudrate = __atomic_load_n(&old->if_baudrate,
	    __ATOMIC_RELAXED);
	twin->if_unit = old->if_unit;
	twin->if_cloner = old->if_cloner;
}

/* Old's i: its twin in the other vnet, not attached; or NULL. */
static struct ifnet *
twin_create(struct ifnet *old, struct vnet *to)
{
	struct ifnet *twin;

	twin = if_alloc(to, old->if_type);
	if (twin == NULL)
		return NULL;
	copy_settings(twin, old);
	if (if_sadl_copy(twin, old) != 0 || if_ext_copy(twin, old) != 0)
		goto fail;
	if (old->if_percpuq) {
		if (if_percpuq_create(twin) != 0)
			goto fail;
		if_percpuq_set_maxlen(twin, if_percpuq_maxlen(old));
	}
	return twin;
fail:
	if_free(twin);
	return NULL;
}

static void
set_state(struct ifnet *ifp, uint32_t state)
{
	struct if_vnet *ifv = ifp->if_vnet->vn_if;

	host_mutex_lock(if_host(ifp), &ifv->ifv_lock);
	__atomic_store_n(&ifp->if_state, state, __ATOMIC_RELAXED);
	host_mutex_unlock(if_host(ifp), &ifv->ifv_lock);
}

/* Up again where it is now; one that cannot stays down. */
static void
bring_up(struct ifnet *ifp)
{
	int error;

	error = if_flags_ioctl(ifp, (int)(ifp->if_flags | IFF_UP));
	if (error != 0)
		if_klog(ifp, KLOG_WARNING, "was moved, but cannot be up: "
		    "error %d", error);
}

int
if_vmove(struct ifnet *ifp, struct vnet *to)
{
	const struct if_ops *ops = ifp->if_ops;
	struct vnet *from = ifp->if_vnet;
	struct ifnet *twin;
	bool was_up;
	int error;

	/* 1. Refuse requests; those under way have ended. */
	if_ioctl_lock(ifp);
	if (ifp->if_state != IFS_ATTACHED || if_is_deactivated(ifp)) {
		if_ioctl_unlock(ifp);
		return if_name_unknown(ifp->if_xname);
	}
	if (ops->vmove == NULL) {
		if_ioctl_unlock(ifp);
		return kern_refuse(EOPNOTSUPP, "interfaces of this kind "
		    "cannot be moved");
	}
	twin = twin_create(ifp, to);
	if (twin == NULL) {
		if_ioctl_unlock(ifp);
		return ENOMEM;
	}
	was_up = (ifp->if_flags & IFF_UP) != 0;
	set_state(ifp, IFS_DETACHING);

	/* 2. The driver keeps still: nothing comes in from its device or its
	 * peer, and nothing is on its way. */
	ops->vmove(ifp, IF_VMOVE_PAUSE);
	if_ioctl_unlock(ifp);

	/* 3. Attached there: the last step that can fail. */
	error = if_initialize(twin);
	if_ioctl_lock(twin);
	if (error == 0)
		error = if_register_locked(twin);
	if (error != 0) {
		if_ioctl_unlock(twin);
		if_free(twin);
		set_state(ifp, IFS_ATTACHED);
		if_ioctl_lock(ifp);
		ops->vmove(ifp, IF_VMOVE_RESUME);
		if_ioctl_unlock(ifp);
		return error;
	}
	if_history_text(ifp, IFHIST_MOVE_OUT, to->vn_name);
	if_history_text(twin, IFHIST_MOVE_IN, from->vn_name);

	/* 4. Gone from here. */
	if_detach(ifp);

	/* 5. What happened to its link since, and what was reported of it and
	 * not handled when it went: its losses were counted there. */
	if (ifp->if_oper_why != twin->if_oper_why)
		if_oper_reason(twin, ifp->if_oper_why);
	if (if_link_last(ifp) != twin->if_link_state)
		if_link_state_change(twin, if_link_last(ifp));
	__atomic_store_n(&twin->if_link_flaps, ifp->if_link_flaps,
	    __ATOMIC_RELAXED);

	/* 6. The driver goes on, with the twin, before the old one is freed. */
	ops->vmove(twin, IF_VMOVE_RESUME);
	if_free(ifp);
	if (was_up)
		bring_up(twin);
	if_ioctl_unlock(twin);
	return 0;
}

/* Both, the older vnet's first, so that no two wait for each other. */
static void
lock_both(struct vnet *a, struct vnet *b)
{

	if_clone_lock(a->vn_id < b->vn_id ? a : b);
	if_clone_lock(a->vn_id < b->vn_id ? b : a);
}

int
if_vmove_named(struct vnet *vn, const char *name, const char *vnet)
{
	struct ifnet *ifp;
	struct vnet *to;
	int error;

	if (vnet[0] == '\0')
		return kern_refuse(EINVAL, "the name of the vnet is missing");
	to = vnet_get(vn->vn_kern, vnet);
	if (to == NULL)
		return kern_refuse(ENOENT, "there is no vnet named %s (vnet "
		    "list shows what there is)", vnet);
	if (to == vn) {
		if_clone_lock(vn);
		error = if_clone_find(vn, name) == NULL ?
		    if_name_unknown(name) : 0;
		if_clone_unlock(vn);
	} else {
		lock_both(vn, to);
		ifp = if_clone_find(vn, name);
		error = ifp == NULL ? if_name_unknown(name) :
		    if_vmove(ifp, to);
		if_clone_unlock(vn);
		if_clone_unlock(to);
	}
	vnet_put(to);
	return error;
}
