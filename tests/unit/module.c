/*
 * Modules that t_if_module loads, one for each way to be wrong; MODULE_* says
 * which.  None makes interfaces with more to them than a name.
 */

#include <errno.h>

#include <ifnet/if_module.h>

#ifndef MODULE_NOTHING

static int
none_transmit(struct ifnet *ifp, struct mvec *mv)
{

	mvec_drop(ifp, mv, DROP_DISCARD_INTERFACE);
	return 0;
}

static const struct if_ops ops = {
	.transmit = none_transmit,
	.ioctl = ifioctl_common,
};

static struct kern *started_for;

static int
create(const struct if_clone *ifc, struct vnet *vnet, unsigned unit,
    const char *params)
{
	struct ifnet *ifp;
	int error;

	if (params[0] != '\0' || vnet_kern(vnet) != started_for)
		return EINVAL;
	ifp = if_alloc(vnet, IFT_OTHER);
	if (ifp == NULL)
		return ENOMEM;
	if_initname(ifp, ifc->ifc_name, unit);
	ifp->if_ops = &ops;
	error = if_attach(ifp);
	if (error != 0)
		if_free(ifp);
	return error;
}

static int
destroy(struct ifnet *ifp)
{

	if (MODULE_BUSY)
		return EBUSY;
	if_detach(ifp);
	if_free(ifp);
	return 0;
}

static const struct if_clone cloner = {
	.ifc_name = MODULE_CLONER, .ifc_create = create,
	.ifc_destroy = destroy,
};

/* Says in the log that it was there. */
static int
init(struct kern *k)
{

	klog(k, KLOG_NOTICE, "module init");
	started_for = k;
	return MODULE_ERROR;
}

static void
fini(struct kern *k)
{

	klog(k, KLOG_NOTICE, "module fini");
}

extern const struct ifnet_module ifnet_module
    __attribute__((__visibility__("default")));
const struct ifnet_module ifnet_module = {
	MODULE_ABI, MODULE_BYTES, sizeof(struct mbuf), DROP_NREASONS,
	MODULE_NAME, &cloner, init, fini
};

#endif
