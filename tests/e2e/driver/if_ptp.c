/*
 * ptp: a point-to-point link without link-level addresses, for tests: what PPP,
 * GRE and WireGuard look like to IPv4.
 *
 * The first two interfaces of the same unit, in two vnets, are the ends of one
 * link.  What an end sends, the other one receives.  Built with the installed
 * headers alone, as any driver outside the tree.
 */

#include <errno.h>

#include <ifnet/if.h>
#include <ifnet/if_clone.h>
#include <ifnet/if_module.h>
#include <ifnet/if_types.h>

#define NLINKS	16

static struct klock ptp_lock;
static struct ifnet *ptp_end[NLINKS][2];	/* rcu; written with ptp_lock */

static int
ptp_transmit(struct ifnet *ifp, struct mvec *mv)
{
	struct ifnet **end = ptp_end[ifp->if_unit], *peer;

	peer = __atomic_load_n(&end[end[0] == ifp], __ATOMIC_ACQUIRE);
	if (peer == NULL) {
		mvec_drop(ifp, mv, DROP_TX_NO_PEER);
		return 0;
	}
	if_stat_add_vec(ifp, IF_STAT_OUT, mv);
	if_percpuq_enqueue_vec(peer, mv);
	return 0;
}

static int
ptp_init(struct ifnet *ifp)
{

	if_flags_update(ifp, IFF_RUNNING, 0);
	return 0;
}

static void
ptp_stop(struct ifnet *ifp, bool disable)
{

	(void)disable;
	if_flags_update(ifp, 0, IFF_RUNNING);
}

static int
ptp_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	switch (cmd) {
	case SIOCINITIFADDR:
		if_up(ifp);
		return ptp_init(ifp);
	default:
		return ifioctl_common(ifp, cmd, data);
	}
}

static const struct if_ops ptp_ops = {
	.transmit = ptp_transmit,
	.ioctl = ptp_ioctl,
	.init = ptp_init,
	.stop = ptp_stop,
};

/* Take the place of `old' at a link; false: there is none. */
static bool
ptp_exchange(struct kern *k, unsigned unit, const struct ifnet *old,
    struct ifnet *new)
{
	bool found = false;

	klock_lock(k, &ptp_lock);
	for (unsigned i = 0; i < 2 && !found; i++)
		if (ptp_end[unit][i] == old) {
			__atomic_store_n(&ptp_end[unit][i], new,
			    __ATOMIC_RELEASE);
			found = true;
		}
	klock_unlock(k, &ptp_lock);
	return found;
}

static int
ptp_create(const struct if_clone *ifc, struct vnet *vnet, unsigned unit,
    const char *params)
{
	struct ifnet *ifp;
	int error;

	if (params[0] != '\0' || unit >= NLINKS)
		return EINVAL;
	ifp = if_alloc(vnet, IFT_PPP);
	if (ifp == NULL)
		return ENOMEM;
	if_initname(ifp, ifc->ifc_name, unit);
	ifp->if_flags = IFF_POINTOPOINT | IFF_MULTICAST;
	ifp->if_mtu = 1500;
	ifp->if_mtu_max = 65535;
	ifp->if_dlt = DLT_RAW;
	ifp->if_extflags = IFEF_NO_LINK_STATE_CHANGE;
	ifp->if_ops = &ptp_ops;
	ifp->if_typeops = &raw_type_ops;
	error = if_percpuq_create(ifp);
	if (error == 0)
		error = if_attach(ifp);
	if (error != 0) {
		if_free(ifp);
		return error;
	}
	(void)ptp_exchange(vnet_kern(vnet), unit, NULL, ifp);
	return 0;
}

static int
ptp_destroy(struct ifnet *ifp)
{
	struct kern *k = vnet_kern(ifp->if_vnet);

	if (ptp_exchange(k, ifp->if_unit, ifp, NULL))
		pserialize_perform(k);	/* no sender uses this end now */
	if_detach(ifp);
	if_free(ifp);
	return 0;
}

static IF_CLONE_DRIVER(ptp, ptp_create, ptp_destroy, NULL);

IFNET_MODULE(ptp, &ptp_cloner, NULL, NULL);
