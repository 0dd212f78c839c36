/*
 * The life of an interface: allocation, attach, deactivation, detach.
 *
 * Attach does everything that can fail first, then makes the interface
 * visible to every lookup in one step, then tells.  Detach goes the other
 * way: out of sight, wait for readers that saw it, take it apart, announce.
 */

#include "kern/reqctx.h"
#include "net/bpf.h"
#include "net/if_addr_impl.h"
#include "net/if_attach_impl.h"
#include "net/if_carp_impl.h"
#include "net/if_clone_impl.h"
#include "net/if_ext_impl.h"
#include "net/if_group_impl.h"
#include "net/if_history_impl.h"
#include "net/if_index_impl.h"
#include "net/if_input_impl.h"
#include "net/if_ioctl_impl.h"
#include "net/if_link_impl.h"
#include "net/if_name_impl.h"
#include "net/if_sadl_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_timer_impl.h"
#include "net/if_vnet_impl.h"
#include "net/ifq_impl.h"
#include "net/mcast.h"
#include "net/pfil.h"
#include "net/route.h"
#include "net/rtsock.h"

#include <errno.h>

struct ifnet *
if_alloc(struct vnet *vn, uint8_t type)
{
	struct ifnet *ifp;

	ifp = kslab_alloc(vn->vn_kern, sizeof(*ifp));
	if (ifp == NULL)
		return NULL;
	ifp->if_vnet = vn;
	ifp->if_type = type;
	ifp->if_state = IFS_ALLOCATED;
	TAILQ_INIT(&ifp->if_addrlist);
	LIST_INIT(&ifp->if_paths);
	return ifp;
}

/* Give back what if_initialize() took. */
static void
uninitialize(struct ifnet *ifp)
{
	struct if_vnet *ifv = ifp->if_vnet->vn_if;

	if (ifp->if_index == 0)
		return;
	if (ifp->if_typeops->it_detach != NULL)
		ifp->if_typeops->it_detach(ifp);
	host_mutex_lock(if_host(ifp), &ifv->ifv_lock);
	if_index_free(ifv, ifp);
	host_mutex_unlock(if_host(ifp), &ifv->ifv_lock);
}

void
if_free(struct ifnet *ifp)
{
	struct kern *k;

	if (ifp == NULL)
		return;
	KASSERT(ifp->if_state == IFS_ALLOCATED);
	k = if_kern(ifp);
	uninitialize(ifp);
	if (ifp->if_percpuq)
		if_percpuq_destroy(ifp);
	if_free_sadl(ifp);
	if_ext_free(ifp);
	kslab_free(k, ifp, sizeof(*ifp));
}

static void
set_defaults(struct ifnet *ifp)
{

	if (ifp->if_snd.ifq_maxlen == 0)
		ifp->if_snd.ifq_maxlen = IFQ_MAXLEN;
	if (ifp->if_mtu_min == 0)
		ifp->if_mtu_min = IF_MTU_MIN;
	if (ifp->if_mtu_max == 0)
		ifp->if_mtu_max = 65535;
	if (ifp->if_mtu == 0)
		ifp->if_mtu = 1500;
	if (ifp->if_typeops == NULL)
		ifp->if_typeops = &raw_type_ops;
	if (ifp->if_capabilities != 0)
		ifp->if_csum_tx = if_csum_tx(ifp, ifp->if_capenable);
	ifp->if_linkq_n = 0;
	ifp->if_linkq_flags = 0;
	ifp->if_up_told = (ifp->if_flags & IFF_UP) != 0;
	ifp->if_psref = (struct psref_target){ 0 };
	ifp->if_lastchange_ns = host_wallclock(if_host(ifp));
}

int
if_initialize(struct ifnet *ifp)
{
	struct vnet *vn = ifp->if_vnet;
	struct if_vnet *ifv = vn->vn_if;
	int error;

	KASSERT(ifp->if_state == IFS_ALLOCATED && ifp->if_index == 0);
	KASSERT(ifp->if_ops != NULL);
	if (!if_name_valid(ifp->if_xname))
		return if_name_refuse(ifp->if_xname);
	set_defaults(ifp);

	host_mutex_lock(if_host(ifp), &ifv->ifv_lock);
	error = if_index_alloc(ifv, vn, ifp);
	host_mutex_unlock(if_host(ifp), &ifv->ifv_lock);
	if (error != 0)
		return error;

	if (ifp->if_typeops->it_attach != NULL) {
		error = ifp->if_typeops->it_attach(ifp);
		if (error != 0) {
			host_mutex_lock(if_host(ifp), &ifv->ifv_lock);
			if_index_free(ifv, ifp);
			host_mutex_unlock(if_host(ifp), &ifv->ifv_lock);
		}
	}
	return error;
}

/* Per-domain data; the first `n' slots are undone when one fails. */
static void
domains_detach(struct ifnet *ifp, int n)
{
	const struct domain *dom;

	while (n-- > 0) {
		dom = ifp->if_vnet->vn_if->ifv_domain[n];
		if (dom != NULL && dom->dom_ifdetach != NULL)
			dom->dom_ifdetach(ifp);
	}
}

static int
domains_attach(struct ifnet *ifp)
{
	const struct domain *dom;
	int error;

	for (int i = 0; i < DOM_SLOT_MAX; i++) {
		dom = ifp->if_vnet->vn_if->ifv_domain[i];
		if (dom == NULL || dom->dom_ifattach == NULL)
			continue;
		error = dom->dom_ifattach(ifp);
		if (error != 0) {
			domains_detach(ifp, i);
			return error;
		}
	}
	return 0;
}

/*
 * Found by name, by index and in the list from here on, and by all of them in
 * one step: until then it has the operations of a deactivated one, which every
 * lookup skips.
 */
static int
make_visible(struct ifnet *ifp)
{
	struct if_vnet *ifv = ifp->if_vnet->vn_if;
	const struct if_ops *ops = ifp->if_ops;
	int error;

	host_mutex_lock(if_host(ifp), &ifv->ifv_lock);
	__atomic_store_n(&ifp->if_ops, &if_null_ops, __ATOMIC_RELAXED);
	error = if_name_insert(ifv, ifp);
	if (error == 0 && ifp->if_cloner != NULL) {
		error = if_clone_attached(ifp);
		if (error != 0)
			if_name_remove(ifv, ifp);
	}
	if (error == 0) {
		if_sadl_attach(ifp);
		ifp->if_state = IFS_ATTACHED;
		if_index_publish(ifv, ifp);
		ifv->ifv_count++;
	}
	__atomic_store_n(&ifp->if_ops, ops, __ATOMIC_RELEASE);
	host_mutex_unlock(if_host(ifp), &ifv->ifv_lock);
	return error;
}

/* The ioctl lock is held until the interface has been announced: requests that
 * find it earlier wait. */
int
if_register_locked(struct ifnet *ifp)
{
	int error;

	KASSERT(ifp->if_index != 0 && if_ioctl_locked(ifp));
	error = if_timer_attach(ifp);
	if (error != 0)
		return error;
	error = domains_attach(ifp);
	if (error != 0)
		return error;
	error = make_visible(ifp);
	if (error != 0) {
		domains_detach(ifp, DOM_SLOT_MAX);
		return error;
	}
	if_history_event(ifp, IFHIST_ATTACH, 0, 0);
	pfil_ifattach(ifp);
	rt_ifannounce(ifp, IFAN_ARRIVAL);
	if_sadl_announce(ifp);
	return 0;
}

int
if_register(struct ifnet *ifp)
{
	int error;

	if_ioctl_lock(ifp);
	error = if_register_locked(ifp);
	if_ioctl_unlock(ifp);
	return error;
}

int
if_attach(struct ifnet *ifp)
{
	int error;

	error = if_initialize(ifp);
	if (error != 0)
		return error;
	error = if_register(ifp);
	if (error != 0)
		uninitialize(ifp);
	else
		kern_reqctx_made(ifp->if_vnet, ifp->if_handle);
	return error;
}

void
if_deactivate(struct ifnet *ifp)
{
	bool locked = if_ioctl_locked(ifp);
	struct ifaddr *ifa;

	if (!locked)
		if_ioctl_lock(ifp);
	__atomic_store_n(&ifp->if_ops, &if_null_ops, __ATOMIC_RELEASE);
	if (ifp->if_typeops != &if_null_typeops)
		ifp->if_deadtype = ifp->if_typeops;
	__atomic_store_n(&ifp->if_typeops, &if_null_typeops, __ATOMIC_RELEASE);
	/* Lookups of addresses need not come here to know. */
	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		(void)__atomic_fetch_or(&ifa->ifa_flags, IFA_INACTIVE,
		    __ATOMIC_RELAXED);
	kspin_lock(&ifp->if_snd.ifq_lock);
	ifp->if_snd.ifq_maxlen = 0;
	kspin_unlock(&ifp->if_snd.ifq_lock);
	if (!locked)
		if_ioctl_unlock(ifp);
}

/* Not found by anything from here on; its name may be taken again. */
static void
make_invisible(struct ifnet *ifp)
{
	struct if_vnet *ifv = ifp->if_vnet->vn_if;

	host_mutex_lock(if_host(ifp), &ifv->ifv_lock);
	ifv->ifv_count--;
	if_index_remove(ifv, ifp);
	if_name_remove(ifv, ifp);
	if (ifp->if_cloner != NULL)
		if_clone_detached(ifp);
	if_group_detach(ifp);
	host_mutex_unlock(if_host(ifp), &ifv->ifv_lock);
}

/* Every address, family by family, link-level ones last. */
static void
remove_addresses(struct ifnet *ifp)
{
	const struct domain *dom;
	struct ifaddr *ifa, *next;

	if_ioctl_lock(ifp);
	for (int i = 0; i < DOM_SLOT_MAX; i++) {
		dom = ifp->if_vnet->vn_if->ifv_domain[i];
		if (dom != NULL && dom->dom_purgeif != NULL)
			dom->dom_purgeif(ifp);
	}
	for (ifa = TAILQ_FIRST(&ifp->if_addrlist); ifa != NULL; ifa = next) {
		next = TAILQ_NEXT(ifa, ifa_list);
		if (ifa->ifa_addr->sa_family == AF_LINK)
			continue;
		if_klog(ifp, KLOG_WARNING, "an address of family %d was left "
		    "by its protocol", ifa->ifa_addr->sa_family);
		ifa_remove_left(ifp, ifa);
		next = TAILQ_FIRST(&ifp->if_addrlist);
	}
	if_sadl_detach(ifp);
	if_ioctl_unlock(ifp);
}

/* Group memberships and other things that outlive addresses. */
static void
purge_last(struct ifnet *ifp)
{
	const struct domain *dom;

	for (int i = 0; i < DOM_SLOT_MAX; i++) {
		dom = ifp->if_vnet->vn_if->ifv_domain[i];
		if (dom != NULL && dom->dom_purgelast != NULL)
			dom->dom_purgelast(ifp);
	}
}

/* On each CPU: nothing that came from, or waits for, ifp stays queued. */
static void
sweep(void *arg)
{
	struct ifnet *ifp = arg;
	const struct domain *dom;

	if (ifp->if_percpuq)
		if_percpuq_sweep(ifp);
	for (int i = 0; i < DOM_SLOT_MAX; i++) {
		dom = ifp->if_vnet->vn_if->ifv_domain[i];
		if (dom != NULL && dom->dom_sweep != NULL)
			dom->dom_sweep(ifp);
	}
	ifq_purge(ifp, DROP_OUT_DETACHING);
}

/* Books closed, index given back. */
static void
retire(struct ifnet *ifp)
{
	struct if_vnet *ifv = ifp->if_vnet->vn_if;

	host_mutex_lock(if_host(ifp), &ifv->ifv_lock);
	if_stats_retire(ifp);
	if_index_free(ifv, ifp);
	ifp->if_state = IFS_ALLOCATED;
	host_mutex_unlock(if_host(ifp), &ifv->ifv_lock);
}

void
if_detach(struct ifnet *ifp)
{
	struct if_vnet *ifv = ifp->if_vnet->vn_if;
	struct kern *k = if_kern(ifp);

	KASSERT(ifp->if_state != IFS_ALLOCATED);
	KASSERT(curcpu() == NULL);

	/* 1. Refuse requests and point every function at a null one, while no
	 * request runs: what comes later finds nothing to start. */
	if_ioctl_lock(ifp);
	host_mutex_lock(k->k_host, &ifv->ifv_lock);
	ifp->if_state = IFS_DETACHING;
	host_mutex_unlock(k->k_host, &ifv->ifv_lock);
	if_deactivate(ifp);
	if_ioctl_unlock(ifp);

	/* 2. Out of name table, index table and list: nobody new comes. */
	make_invisible(ifp);

	/* 3. Forget link-state changes: before the wait, which then covers a
	 * handler that runs now. */
	if_link_detach(ifp);

	/* 4. Wait for readers that saw it, and for holders of references. */
	psref_target_destroy(k, &ifp->if_psref, ifp->if_xname);

	/* 5. The watchdog, and a link state held back: nobody is left who could
	 * arm them. */
	if_timer_detach(ifp);
	if_link_hold_detach(ifp);

	/* 6. Down: tells protocols, purges the send queue, is announced.  Then
	 * nothing needs a discipline or a group of virtual hosts. */
	if_down(ifp);
	ifq_discipline_ifdetach(ifp);
	if_carp_ifdetach(ifp);

	/* 7. Addresses, while the domains still have their data of it. */
	remove_addresses(ifp);

	/* 8. Routes: those of the addresses went with them; these are the
	 * rest. */
	if (ifp->if_vnet->vn_route != NULL)
		rt_ifdetach(ifp);

	/* 9. The domains' data and the link type's: addresses and routes, which
	 * lead there, are gone. */
	domains_detach(ifp, DOM_SLOT_MAX);
	purge_last(ifp);
	mcast_ifdetach(ifp);
	if (ifp->if_deadtype->it_detach != NULL)
		ifp->if_deadtype->it_detach(ifp);

	/* 10. Taps end, and hooks hear of it last of all that could use the
	 * interface. */
	bpf_ifdetach(ifp);
	pfil_event(ifp, PFIL_IF_DETACH);
	pfil_ifdetach(ifp);

	/* 11. Now it can be said that it is gone. */
	if_history_event(ifp, IFHIST_DETACH, 0, 0);
	rt_ifannounce(ifp, IFAN_DEPARTURE);

	/* 12. On every CPU: drop the packets that came from it; and when this
	 * returns, no handler that began before still runs with it. */
	kern_xcall(k, sweep, ifp);

	/* 13. Input queues, which only handlers used. */
	if (ifp->if_percpuq)
		if_percpuq_destroy(ifp);

#ifdef IFNET_DEBUG
	/* No reference on one of its addresses is left. */
	kern_defer_barrier(k);
	(void)ifa_debug_check(ifp);
#endif

	/* 14. Its table, in which no packet looks for it any more. */
	if (ifp->if_vnet->vn_route != NULL)
		rt_table_unbind(ifp);

	/* 15. Counters into the totals, and the index free for the next:
	 * nobody counts any more. */
	retire(ifp);
}
