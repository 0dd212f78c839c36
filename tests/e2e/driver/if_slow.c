/*
 * slow: a driver for tests that sleeps wherever it may: before and after it has
 * attached an interface, when it destroys one, and in every request.  Its
 * interfaces lose what is sent.  The first try to destroy one fails.
 */

#include <errno.h>
#include <time.h>

#include <ifnet/if.h>
#include <ifnet/if_clone.h>
#include <ifnet/if_ether.h>
#include <ifnet/if_module.h>
#include <ifnet/if_types.h>

struct slow_softc {
	bool		 sc_tried;	/* to destroy it */
};

static void
slow_sleep(void)
{
	const struct timespec ts = { .tv_nsec = 20000000 };

	(void)nanosleep(&ts, NULL);
}

static int
slow_transmit(struct ifnet *ifp, struct mvec *mv)
{

	mvec_drop(ifp, mv, DROP_DISCARD_INTERFACE);
	return 0;
}

static int
slow_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	slow_sleep();
	return ether_ioctl(ifp, cmd, data);
}

static int
slow_init(struct ifnet *ifp)
{

	slow_sleep();
	if_flags_update(ifp, IFF_RUNNING, 0);
	return 0;
}

static void
slow_stop(struct ifnet *ifp, bool disable)
{

	(void)disable;
	slow_sleep();
	if_flags_update(ifp, 0, IFF_RUNNING);
}

static const struct if_ops slow_ops = {
	.transmit = slow_transmit,
	.ioctl = slow_ioctl,
	.init = slow_init,
	.stop = slow_stop,
};

static int
slow_create(const struct if_clone *ifc, struct vnet *vnet, unsigned unit,
    const char *params)
{
	uint8_t lladdr[ETHER_ADDR_LEN];
	struct kern *k = vnet_kern(vnet);
	struct slow_softc *sc;
	struct ifnet *ifp;
	int error;

	if (params[0] != '\0')
		return EINVAL;
	sc = kmem_zalloc(k, sizeof(*sc));
	if (sc == NULL)
		return ENOMEM;
	ifp = if_alloc(vnet, IFT_ETHER);
	if (ifp == NULL) {
		kmem_free(k, sc);
		return ENOMEM;
	}
	if_initname(ifp, ifc->ifc_name, unit);
	ifp->if_softc = sc;
	ifp->if_ops = &slow_ops;
	slow_sleep();
	ether_random_addr(vnet, lladdr);
	error = ether_ifattach(ifp, lladdr);
	if (error == 0)
		error = if_attach(ifp);
	if (error != 0) {
		if_free(ifp);
		kmem_free(k, sc);
		return error;
	}
	slow_sleep();
	return 0;
}

static void
slow_abandon(struct ifnet *ifp)
{

	kmem_free(vnet_kern(ifp->if_vnet), ifp->if_softc);
	if_free(ifp);
}

static int
slow_destroy(struct ifnet *ifp)
{
	struct slow_softc *sc = ifp->if_softc;

	slow_sleep();
	if (!sc->sc_tried) {
		sc->sc_tried = true;
		return EIO;
	}
	if_detach(ifp);
	slow_sleep();
	slow_abandon(ifp);
	return 0;
}

static const struct if_clone slow_cloner = {
	.ifc_name = "slow", .ifc_create = slow_create,
	.ifc_destroy = slow_destroy, .ifc_abandon = slow_abandon,
};

IFNET_MODULE(slow, &slow_cloner, NULL, NULL);
