/*
 * lo: the loopback interface.  Packets sent to it come back in, on the same
 * CPU, through its input queue.
 */

#include <ifnet/if_clone.h>
#include <ifnet/if_types.h>

#include "dev/dev.h"
#include "dev/dev_param.h"

#include <errno.h>

#include "net/if_ioctl_impl.h"
#include "net/if_vnet_impl.h"

#define LOMTU	65536

static int
lo_transmit(struct ifnet *ifp, struct mvec *mv)
{
	struct mbuf *m;

	if_stat_add_vec(ifp, IF_STAT_OUT, mv);
	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		/* The packet never leaves this host, so checksums left open
		 * count as right. */
		m->m_flags |= M_LOOP;
		m->m_csum_flags |= M_CSUM_VALID | M_CSUM_IP_OK;
	}
	if_percpuq_enqueue_vec(ifp, mv);
	return 0;
}

static int
lo_init(struct ifnet *ifp)
{

	if_flags_update(ifp, IFF_RUNNING, 0);
	return 0;
}

static void
lo_stop(struct ifnet *ifp, bool disable)
{

	(void)disable;
	if_flags_update(ifp, 0, IFF_RUNNING);
}

static int
lo_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	switch (cmd) {
	case SIOCINITIFADDR:
		if_up(ifp);
		return lo_init(ifp);
	case SIOCADDMULTI:
	case SIOCDELMULTI:
		return 0;	/* every group is received */
	default:
		return ifioctl_common(ifp, cmd, data);
	}
}

static const struct if_ops lo_ops = {
	.transmit = lo_transmit,
	.ioctl = lo_ioctl,
	.init = lo_init,
	.stop = lo_stop,
};

static int
lo_create(const struct if_clone *ifc, struct vnet *vnet, unsigned unit,
    const char *params)
{
	struct ifnet *ifp;
	int error;

	if (params[0] != '\0')
		return dev_param_unknown(params, ifc->ifc_params_help);
	ifp = if_alloc(vnet, IFT_LOOP);
	if (ifp == NULL)
		return ENOMEM;
	if_initname(ifp, ifc->ifc_name, unit);
	ifp->if_flags = IFF_LOOPBACK | IFF_MULTICAST;
	ifp->if_mtu = LOMTU;
	ifp->if_mtu_max = LOMTU;
	ifp->if_dlt = DLT_NULL;
	ifp->if_ops = &lo_ops;
	ifp->if_typeops = &raw_type_ops;
	ifp->if_extflags = IFEF_NO_LINK_STATE_CHANGE;
	ifp->if_csum_tx = M_CSUM_PARTIAL | M_GSO_MASK | M_TSO_ECN;
	error = if_percpuq_create(ifp);
	if (error == 0)
		error = if_attach(ifp);
	if (error != 0)
		if_free(ifp);
	return error;
}

static int
lo_destroy(struct ifnet *ifp)
{

	/* lo0 is not destroyed: packets to local addresses go through it. */
	if (ifp->if_unit == 0 &&
	    !__atomic_load_n(&ifp->if_vnet->vn_dying, __ATOMIC_RELAXED))
		return kern_refuse(EPERM, "lo0 is part of the stack and goes "
		    "with it");
	if_detach(ifp);
	if_free(ifp);
	return 0;
}

IF_CLONE_DRIVER(lo, lo_create, lo_destroy, NULL);
