/*
 * Packet and event hooks.
 *
 * A vnet has one list of hooks for all interfaces; an interface has a list of
 * its own once it was given a hook.  if_pfil is NULL as long as there is
 * neither, so that the packet path pays one load.  Removing never allocates:
 * nodes leave the lists, and are freed once no reader is left.
 */

#include "net/pfil.h"

#include <errno.h>

#include "net/if_vnet_impl.h"

/*
 *	pn_next		rcu; pv_lock
 *	pn_hook		constant
 */
struct pfil_node {
	struct pfil_node *pn_next;
	const struct pfil_hook *pn_hook;
};

/*
 * The head that if_pfil points at: the vnet's, or an interface's own.
 *	phd_own		rcu; pv_lock
 */
struct pfil_head {
	struct kern_defer phd_defer;
	struct pfil_vnet *phd_pv;	/* constant */
	struct pfil_node *phd_own;
	struct ifnet	*phd_ifp;	/* constant; NULL: the shared one */
	LIST_ENTRY(pfil_head) phd_link;	/* pv_lock */
};

struct pfil_vnet {
	struct host_mutex pv_lock;
	struct pfil_node *pv_hooks;	/* rcu; pv_lock: of every interface */
	struct pfil_head pv_shared;	/* constant: no hooks of its own */
	struct kern	*pv_kern;	/* constant */
	LIST_HEAD(, pfil_head) pv_heads; /* pv_lock: interfaces' own */
};

static inline struct host *
pv_host(const struct pfil_vnet *pv)
{

	return pv->pv_kern->k_host;
}

static void
run_list(struct pfil_node *const *listp, struct ifnet *ifp, enum pfil_dir dir,
    struct mvec *mv)
{
	const struct pfil_node *pn;

	for (pn = __atomic_load_n(listp, __ATOMIC_ACQUIRE);
	    pn != NULL && mv->mv_n != 0;
	    pn = __atomic_load_n(&pn->pn_next, __ATOMIC_ACQUIRE))
		if (pn->pn_hook->ph_packets != NULL)
			pn->pn_hook->ph_packets(pn->pn_hook->ph_arg, ifp, dir,
			    mv);
}

void
pfil_run(struct pfil_head *ph, struct ifnet *ifp, enum pfil_dir dir,
    struct mvec *mv)
{

	run_list(&ph->phd_pv->pv_hooks, ifp, dir, mv);
	run_list(&ph->phd_own, ifp, dir, mv);
}

static void
run_output(struct pfil_node *const *listp, struct ifnet *ifp, int af,
    struct mvec *mv)
{
	const struct pfil_node *pn;

	for (pn = __atomic_load_n(listp, __ATOMIC_ACQUIRE);
	    pn != NULL && mv->mv_n != 0;
	    pn = __atomic_load_n(&pn->pn_next, __ATOMIC_ACQUIRE))
		if (pn->pn_hook->ph_output != NULL)
			pn->pn_hook->ph_output(pn->pn_hook->ph_arg, ifp, af,
			    mv);
}

void
pfil_run_output(struct pfil_head *ph, struct ifnet *ifp, int af,
    struct mvec *mv)
{

	run_output(&ph->phd_pv->pv_hooks, ifp, af, mv);
	run_output(&ph->phd_own, ifp, af, mv);
}

static void
free_head(struct kern_defer *kd)
{
	struct pfil_head *ph = (struct pfil_head *)kd;

	kmem_free(ph->phd_pv->pv_kern, ph);
}

/* pv_lock: point the interface at what it needs now. */
static void
update_if(struct pfil_vnet *pv, struct ifnet *ifp)
{
	struct pfil_head *old = ifp->if_pfil, *new;
	bool own = old != NULL && old != &pv->pv_shared;

	if (own && old->phd_own != NULL)
		return;
	new = pv->pv_hooks != NULL ? &pv->pv_shared : NULL;
	if (new == old)
		return;
	__atomic_store_n(&ifp->if_pfil, new, __ATOMIC_RELEASE);
	if (own) {
		LIST_REMOVE(old, phd_link);
		kern_defer(pv->pv_kern, &old->phd_defer, free_head);
	}
}

/* pv_lock: the same for all that can be found.  One that comes does it itself,
 * once it can be. */
static void
update_all(struct vnet *vn)
{
	const struct if_table *it;
	struct ifnet *ifp;

	if (vn->vn_if == NULL)
		return;		/* the vnet is being taken down */
	pserialize_read_enter();
	it = __atomic_load_n(&vn->vn_if->ifv_table, __ATOMIC_CONSUME);
	for (unsigned i = 1; it != NULL && i < it->it_size; i++) {
		ifp = __atomic_load_n(&it->it_ifp[i], __ATOMIC_CONSUME);
		if (ifp != NULL)
			update_if(vn->vn_pfil, ifp);
	}
	pserialize_read_exit();
}

static void
append(struct pfil_node **listp, struct pfil_node *pn)
{

	while (*listp != NULL)
		listp = &(*listp)->pn_next;
	__atomic_store_n(listp, pn, __ATOMIC_RELEASE);
}

/* Out of the list; the node, or NULL when the hook is not in it. */
static struct pfil_node *
unlink_hook(struct pfil_node **listp, const struct pfil_hook *hook)
{
	struct pfil_node *pn;

	for (; (pn = *listp) != NULL; listp = &pn->pn_next) {
		if (pn->pn_hook == hook) {
			__atomic_store_n(listp, pn->pn_next,
			    __ATOMIC_RELEASE);
			return pn;
		}
	}
	return NULL;
}

/* pv_lock: the interface's own head, made when it has none; NULL: ENOMEM. */
static struct pfil_head *
own_head(struct pfil_vnet *pv, struct ifnet *ifp)
{
	struct pfil_head *ph = ifp->if_pfil;

	if (ph != NULL && ph != &pv->pv_shared)
		return ph;
	ph = kmem_zalloc(pv->pv_kern, sizeof(*ph));
	if (ph == NULL)
		return NULL;
	ph->phd_pv = pv;
	ph->phd_ifp = ifp;
	LIST_INSERT_HEAD(&pv->pv_heads, ph, phd_link);
	__atomic_store_n(&ifp->if_pfil, ph, __ATOMIC_RELEASE);
	return ph;
}

int
pfil_add_hook(struct vnet *vn, const struct pfil_hook *hook)
{
	struct pfil_vnet *pv = vn->vn_pfil;
	struct pfil_node *pn;
	struct pfil_head *ph;

	pn = kmem_zalloc(pv->pv_kern, sizeof(*pn));
	if (pn == NULL)
		return ENOMEM;
	pn->pn_hook = hook;
	host_mutex_lock(pv_host(pv), &pv->pv_lock);
	if (hook->ph_ifp == NULL) {
		append(&pv->pv_hooks, pn);
		update_all(vn);
	} else {
		ph = own_head(pv, hook->ph_ifp);
		if (ph == NULL) {
			host_mutex_unlock(pv_host(pv), &pv->pv_lock);
			kmem_free(pv->pv_kern, pn);
			return ENOMEM;
		}
		append(&ph->phd_own, pn);
	}
	host_mutex_unlock(pv_host(pv), &pv->pv_lock);
	return 0;
}

/* pv_lock: the interface that has this hook among its own loses it. */
static struct pfil_node *
unlink_own(struct pfil_vnet *pv, const struct pfil_hook *hook)
{
	struct pfil_head *ph;
	struct pfil_node *pn;

	/* The interface may be gone, and its hooks with it: look, do not trust
	 * the pointer. */
	LIST_FOREACH(ph, &pv->pv_heads, phd_link) {
		if (ph->phd_ifp != hook->ph_ifp)
			continue;
		pn = unlink_hook(&ph->phd_own, hook);
		update_if(pv, ph->phd_ifp);
		return pn;
	}
	return NULL;
}

void
pfil_remove_hook(struct vnet *vn, const struct pfil_hook *hook)
{
	struct pfil_vnet *pv = vn->vn_pfil;
	struct pfil_node *pn;

	host_mutex_lock(pv_host(pv), &pv->pv_lock);
	if (hook->ph_ifp != NULL)
		pn = unlink_own(pv, hook);
	else {
		pn = unlink_hook(&pv->pv_hooks, hook);
		update_all(vn);
	}
	host_mutex_unlock(pv_host(pv), &pv->pv_lock);
	/* Also when its interface, on its way out, has just dropped it. */
	pserialize_perform(pv->pv_kern);
	kmem_free(pv->pv_kern, pn);
}

/*
 * Tell of an interface.  The lock is what makes removal wait, so an event's
 * function must not add or remove hooks.
 */
static void
event_locked(struct pfil_vnet *pv, struct ifnet *ifp, enum pfil_event ev)
{
	struct pfil_node *pn;

	for (pn = pv->pv_hooks; pn != NULL; pn = pn->pn_next)
		if (pn->pn_hook->ph_event != NULL)
			pn->pn_hook->ph_event(pn->pn_hook->ph_arg, ifp, ev);
	pn = ifp->if_pfil != NULL ? ifp->if_pfil->phd_own : NULL;
	for (; pn != NULL; pn = pn->pn_next)
		if (pn->pn_hook->ph_event != NULL)
			pn->pn_hook->ph_event(pn->pn_hook->ph_arg, ifp, ev);
}

void
pfil_event(struct ifnet *ifp, enum pfil_event ev)
{
	struct pfil_vnet *pv = ifp->if_vnet->vn_pfil;

	host_mutex_lock(pv_host(pv), &pv->pv_lock);
	event_locked(pv, ifp, ev);
	host_mutex_unlock(pv_host(pv), &pv->pv_lock);
}

void
pfil_ifattach(struct ifnet *ifp)
{
	struct pfil_vnet *pv = ifp->if_vnet->vn_pfil;

	host_mutex_lock(pv_host(pv), &pv->pv_lock);
	update_if(pv, ifp);
	event_locked(pv, ifp, PFIL_IF_ATTACH);
	host_mutex_unlock(pv_host(pv), &pv->pv_lock);
}

void
pfil_ifdetach(struct ifnet *ifp)
{
	struct pfil_vnet *pv = ifp->if_vnet->vn_pfil;
	struct pfil_head *ph;
	struct pfil_node *pn, *next;

	host_mutex_lock(pv_host(pv), &pv->pv_lock);
	ph = ifp->if_pfil;
	if (ph != NULL && ph != &pv->pv_shared)
		LIST_REMOVE(ph, phd_link);
	__atomic_store_n(&ifp->if_pfil, NULL, __ATOMIC_RELEASE);
	host_mutex_unlock(pv_host(pv), &pv->pv_lock);
	if (ph == NULL || ph == &pv->pv_shared)
		return;
	pserialize_perform(pv->pv_kern);
	for (pn = ph->phd_own; pn != NULL; pn = next) {
		next = pn->pn_next;
		kmem_free(pv->pv_kern, pn);
	}
	kmem_free(pv->pv_kern, ph);
}

static int
pfil_init(struct vnet *vn)
{
	struct pfil_vnet *pv;

	pv = kmem_zalloc(vn->vn_kern, sizeof(*pv));
	if (pv == NULL)
		return ENOMEM;
	pv->pv_kern = vn->vn_kern;
	pv->pv_shared.phd_pv = pv;
	host_mutex_init(pv_host(pv), &pv->pv_lock);
	LIST_INIT(&pv->pv_heads);
	vn->vn_pfil = pv;
	return 0;
}

static void
pfil_fini(struct vnet *vn)
{
	struct pfil_vnet *pv = vn->vn_pfil;
	struct pfil_node *pn;

	KASSERT(LIST_EMPTY(&pv->pv_heads));
	/* Heads that were given up point here until they are freed. */
	kern_defer_barrier(pv->pv_kern);
	while ((pn = pv->pv_hooks) != NULL) {
		pv->pv_hooks = pn->pn_next;
		kmem_free(pv->pv_kern, pn);
	}
	host_mutex_destroy(pv_host(pv), &pv->pv_lock);
	kmem_free(pv->pv_kern, pv);
	vn->vn_pfil = NULL;
}

const struct vnet_subsys pfil_subsys = {
	.vs_name = "pfil",
	.vs_init = pfil_init,
	.vs_fini = pfil_fini,
};
