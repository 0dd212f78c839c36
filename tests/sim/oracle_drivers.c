/*
 * The oracle's companion: two drivers that do nothing but what every one must,
 * and the vnet they are in.
 */

#include <ifnet/if_clone.h>

#include "kern/sysctl.h"
#include "oracle_impl.h"

#include <errno.h>

#include "net/if_vnet_impl.h"
#include "net/pfil.h"
#include "net/route.h"
#include "netinet/arp_var.h"

static int
drv_transmit(struct ifnet *ifp, struct mvec *mv)
{

	if_stat_add_vec(ifp, IF_STAT_OUT, mv);
	mvec_free(mv);
	return 0;
}

/* The point-to-point one has a send queue. */
static void
drv_start(struct ifnet *ifp)
{
	struct mvec mv = { 0 };

	while (mv.mv_n < O_SNDQ &&
	    (mv.mv_m[mv.mv_n] = ifq_dequeue(ifp)) != NULL)
		mv.mv_n++;
	(void)drv_transmit(ifp, &mv);
}

/* There is nothing behind it that could go on. */
static void
drv_vmove(struct ifnet *ifp, enum if_vmove_step step)
{

	(void)ifp;
	(void)step;
}

static int
drv_init(struct ifnet *ifp)
{

	if_flags_update(ifp, IFF_RUNNING, 0);
	return 0;
}

static void
drv_stop(struct ifnet *ifp, bool disable)
{

	(void)disable;
	if_flags_update(ifp, 0, IFF_RUNNING);
}

static const struct if_ops eth_ops = {
	.transmit = drv_transmit,
	.init = drv_init,
	.stop = drv_stop,
	.ioctl = ether_ioctl,
	.vmove = drv_vmove,
};

static const struct if_ops ptp_ops = {
	.start = drv_start,
	.init = drv_init,
	.stop = drv_stop,
	.vmove = drv_vmove,
};

/* The layer itself finds out that the interface is the cloner's. */
static int
drv_create(const struct if_clone *ifc, struct vnet *vn, unsigned unit,
    const char *params)
{
	uint8_t lladdr[6] = { 2, 0, 0, 0, 0, 0 };
	struct ifnet *ifp;
	int error = 0;

	(void)params;
	lladdr[5] = (uint8_t)unit;
	ifp = if_alloc(vn, IFT_OTHER);
	if (ifp == NULL)
		return ENOMEM;
	if_initname(ifp, ifc->ifc_name, unit);
	ifp->if_mtu_min = O_MTU_MIN;
	ifp->if_mtu_max = O_MTU_MAX;
	if (ifc->ifc_name[0] == 'e') {
		ifp->if_ops = &eth_ops;
		error = ether_ifattach(ifp, lladdr);
	} else {
		ifp->if_ops = &ptp_ops;
		ifp->if_typeops = &raw_type_ops;
		ifp->if_flags = IFF_POINTOPOINT;
		ifp->if_snd.ifq_maxlen = O_SNDQ;
	}
	if (error == 0)
		error = if_attach(ifp);
	if (error != 0)
		if_free(ifp);
	return error;
}

static int
drv_destroy(struct ifnet *ifp)
{

	if_detach(ifp);
	if_free(ifp);
	return 0;
}

static IF_CLONE_DRIVER(eth, drv_create, drv_destroy, NULL);
static IF_CLONE_DRIVER(ptp, drv_create, drv_destroy, NULL);

static int
drv_subsys_init(struct vnet *vn)
{
	int error;

	error = if_clone_attach(vn, &eth_cloner);
	return error != 0 ? error : if_clone_attach(vn, &ptp_cloner);
}

static const struct vnet_subsys drv_subsys = {
	.vs_name = "drivers",
	.vs_init = drv_subsys_init,
};

const struct vnet_subsys *const oracle_subsys[] = {
	&sysctl_subsys, &rtsock_subsys, &pfil_subsys, &if_subsys,
	&route_subsys, &if_clone_subsys, &neigh_subsys, &arp_subsys,
	&inet_subsys, &drv_subsys, NULL
};
