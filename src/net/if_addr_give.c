/*
 * Addresses with the routes that they bring along.
 */

#include "net/if_addr_give.h"

#include <errno.h>

#include "net/if_addr_impl.h"
#include "net/if_history_impl.h"
#include "net/if_ioctl_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route_impl.h"
#include "net/rtsock.h"

/* How often, and after how long, a route is tried again that nobody could be
 * told is missing: a quarter of a second in all. */
#define MEMORY_TRIES	25
#define MEMORY_WAIT_NS	10000000u

static const struct domain *
domain_of(const struct ifaddr *ifa)
{

	return domain_find(ifa->ifa_ifp->if_vnet, ifa->ifa_addr->sa_family);
}

/* --- which routes -------------------------------------------------------- */

uint32_t
ifa_brings(const struct ifaddr *ifa, const struct prefix *pf)
{
	struct prefix own = prefix_of_sa(ifa->ifa_addr);

	if (prefix_is(&own, pf))
		return RTF_LOCAL;
	if (ifa_link_prefix(ifa, &own) && prefix_is(&own, pf))
		return RTF_CONNECTED;
	if (ifa_broadcast_prefix(ifa, &own) && prefix_is(&own, pf))
		return RTF_BROADCAST;
	return 0;
}

int
ifa_rank(const struct ifaddr *ifa, void *prefix)
{
	uint32_t flags;

	if (ifa_is_destroying(ifa))
		return 0;
	flags = ifa_brings(ifa, prefix);
	return flags == RTF_LOCAL ? 3 : flags == RTF_CONNECTED ?
	    IFA_RANK_CONNECTED : flags == RTF_BROADCAST ? 1 : 0;
}

/* --- adding them --------------------------------------------------------- */

/* Add a route of an address, or errors as rt_add(). */
static int
route_add(struct ifaddr *ifa, const struct prefix *pf, uint32_t flags)
{
	struct rt_info ri = {
		.ri_family = pf->pf_family, .ri_dst = rt_prefix_addr(pf),
		.ri_len = pf->pf_len, .ri_flags = flags,
		.ri_ifp = ifa->ifa_ifp, .ri_ifa = ifa,
	};

	return rt_add(ifa->ifa_ifp->if_vnet, &ri);
}

/* Likewise, where it is no error that another address has brought one. */
static int
shared_add(struct ifaddr *ifa, const struct prefix *pf, uint32_t flags)
{
	int error = route_add(ifa, pf, flags);

	return error == EEXIST || error == EALREADY ? 0 : error;
}

static int
routes_add(struct ifaddr *ifa)
{
	const struct domain *dom = domain_of(ifa);
	struct prefix pf = prefix_of_sa(ifa->ifa_addr);
	int error;

	error = route_add(ifa, &pf, RTF_LOCAL);
	/* Another interface has an address on the same prefix. */
	if (error == EALREADY)
		error = 0;
	if (error != 0)
		return error;
	if (ifa_link_prefix(ifa, &pf)) {
		if (dom->dom_ifa_prefix != NULL)
			dom->dom_ifa_prefix(ifa, &pf);
		error = shared_add(ifa, &pf, RTF_CONNECTED);
	}
	if (error == 0 && ifa_broadcast_prefix(ifa, &pf))
		error = shared_add(ifa, &pf, RTF_BROADCAST);
	if (error != 0)
		rt_ifa_withdraw(ifa);
	return error;
}

/*
 * Add the routes of an address that exists already, where no caller could be
 * told of a failure: waits for memory, for a limited time.
 */
static void
routes_must(struct ifaddr *ifa)
{
	struct ifnet *ifp = ifa->ifa_ifp;

	for (int i = 0; i < MEMORY_TRIES; i++) {
		if (routes_add(ifa) != ENOMEM)
			return;
		host_sleep(if_host(ifp), MEMORY_WAIT_NS);
	}
	if_klog(ifp, KLOG_ERR, "no memory for the routes of an address");
}

/* --- the next one -------------------------------------------------------- */

/*
 * The heir may be on another interface, whose ioctl lock is not held: its
 * removal waits for the reference held here, and only then deletes its routes
 * and looks for the next heir.
 */
void
rt_inherit(struct rt_table *tb, const struct prefix *pf)
{
	const union neigh_addr addr = rt_prefix_addr(pf);
	struct vnet *vn = tb->tb_vnet;
	struct prefix to = *pf;
	union rt_sockaddr rs;
	struct ifaddr *ifa;
	struct psref pr;
	int error = ENOMEM;

	rt_set_sockaddr(&rs, pf->pf_family, &addr);
	pserialize_read_enter();
	ifa = ifa_best(tb, &rs.rs_sa, pf->pf_len, ifa_rank, &to);
	if (ifa != NULL)
		ifa_acquire(ifa, &pr);
	pserialize_read_exit();
	if (ifa == NULL)
		return;
	for (int i = 0; i < MEMORY_TRIES && error == ENOMEM; i++) {
		if (i != 0)
			host_sleep(vn->vn_kern->k_host, MEMORY_WAIT_NS);
		error = route_add(ifa, pf, ifa_brings(ifa, pf));
	}
	if (error == ENOMEM)
		if_klog(ifa->ifa_ifp, KLOG_ERR, "no memory for a route of an "
		    "address");
	ifa_release(ifa, &pr);
}

/* Pass the routes of an address on to other addresses that bring routes to the
 * same destinations. */
static void
routes_inherit(const struct ifaddr *gone)
{
	struct rt_table *tb = rt_table_of(gone->ifa_ifp);
	struct prefix pf = prefix_of_sa(gone->ifa_addr);

	rt_inherit(tb, &pf);
	if (ifa_link_prefix(gone, &pf))
		rt_inherit(tb, &pf);
	if (ifa_broadcast_prefix(gone, &pf))
		rt_inherit(tb, &pf);
}

/* --- giving, taking ------------------------------------------------------ */

static void
stop(const struct domain *dom, struct ifaddr *ifa)
{

	if (dom->dom_ifa_stop != NULL)
		dom->dom_ifa_stop(ifa);
}

void
ifa_take(struct ifnet *ifp, struct ifaddr *ifa)
{
	const struct domain *dom = domain_of(ifa);

	ifa_ref(ifa);
	stop(dom, ifa);
	rt_ifa_withdraw(ifa);
	ifa_remove(ifp, ifa);
	/* Routes may have been added by requests that had found the address
	 * before. */
	rt_ifa_withdraw(ifa);
	stop(dom, ifa);
	routes_inherit(ifa);
	/* Routes that others added through the address take another address, or
	 * go. */
	rt_ifa_gone(ifa);
	if (dom->dom_neigh_sweep != NULL)
		dom->dom_neigh_sweep(ifp);
	if_history_addr(ifp, IFHIST_ADDR_DELETE, ifa);
	rt_newaddrmsg(RTM_DELADDR, ifa);
	ifa_unref(ifa);
}

/* The routes, and the driver. */
static int
settle(struct ifnet *ifp, struct ifaddr *ifa)
{
	int error = routes_add(ifa);

	if (error == 0)
		error = if_addr_init(ifp, ifa, true);
	/* Drivers with nothing to do for an address may not know it. */
	return error == ENOTTY ? 0 : error;
}

int
ifa_give(struct ifnet *ifp, struct ifaddr *ifa, struct ifaddr *old)
{
	const struct domain *dom;
	int error;

	error = ifa_insert(ifp, ifa);
	if (error != 0)
		goto out;
	dom = domain_of(ifa);
	if (old != NULL)
		rt_ifa_withdraw(old);
	error = settle(ifp, ifa);
	if (error != 0) {
		rt_ifa_withdraw(ifa);
		ifa_remove(ifp, ifa);
		/* Other threads may have found the address, added routes with
		 * it, and announced it when the interface came up. */
		rt_ifa_withdraw(ifa);
		stop(dom, ifa);
		if (old != NULL)
			routes_must(old);
		routes_inherit(ifa);
		rt_ifa_gone(ifa);
		goto out;
	}
	if (old != NULL)
		ifa_take(ifp, old);
	if_history_addr(ifp, IFHIST_ADDR_ADD, ifa);
	rt_newaddrmsg(RTM_NEWADDR, ifa);
	if (dom->dom_ifa_ready != NULL)
		dom->dom_ifa_ready(ifa);
out:
	ifa_unref(ifa);
	return error;
}
