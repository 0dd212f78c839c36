/*
 * null: an interface that takes every packet and drops it.
 *
 * A whole driver in a file of its own; docs/driver.md walks through it.  Built
 * with the installed headers alone: see Makefile.
 */

#include <errno.h>

#include <ifnet/if.h>
#include <ifnet/if_clone.h>
#include <ifnet/if_module.h>
#include <ifnet/if_types.h>

static int
null_transmit(struct ifnet *ifp, struct mvec *mv)
{

	mvec_drop(ifp, mv, DROP_DISCARD_INTERFACE);
	return 0;
}

static int
null_init(struct ifnet *ifp)
{

	if_flags_update(ifp, IFF_RUNNING, 0);
	return 0;
}

static void
null_stop(struct ifnet *ifp, bool disable)
{

	(void)disable;
	if_flags_update(ifp, 0, IFF_RUNNING);
}

static int
null_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	switch (cmd) {
	case SIOCINITIFADDR:	/* first address: come up */
		if_up(ifp);
		return null_init(ifp);
	default:
		return ifioctl_common(ifp, cmd, data);
	}
}

static const struct if_ops null_ops = {
	.transmit = null_transmit,
	.ioctl = null_ioctl,
	.init = null_init,
	.stop = null_stop,
};

static int
null_create(const struct if_clone *ifc, struct vnet *vnet, unsigned unit,
    const char *params)
{
	struct ifnet *ifp;
	int error;

	if (params[0] != '\0')
		return EINVAL;
	ifp = if_alloc(vnet, IFT_OTHER);
	if (ifp == NULL)
		return ENOMEM;
	if_initname(ifp, ifc->ifc_name, unit);
	ifp->if_flags = IFF_BROADCAST | IFF_MULTICAST | IFF_NOARP;
	ifp->if_mtu = 1500;
	ifp->if_mtu_max = 65535;
	ifp->if_dlt = DLT_RAW;
	ifp->if_extflags = IFEF_NO_LINK_STATE_CHANGE;
	ifp->if_ops = &null_ops;
	ifp->if_typeops = &raw_type_ops;

	error = if_attach(ifp);
	if (error != 0)
		if_free(ifp);
	return error;
}

static int
null_destroy(struct ifnet *ifp)
{

	if_detach(ifp);		/* when this returns, nobody has it */
	if_free(ifp);
	return 0;
}

static IF_CLONE_DRIVER(null, null_create, null_destroy, NULL);

IFNET_MODULE(null, &null_cloner, NULL, NULL);
