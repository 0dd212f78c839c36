/*
 * The operations of an interface that is going away.  Pointing at these
 * tables is what deactivates it: packets are dropped under the reason,
 * requests are answered ENXIO.
 */

#include <errno.h>

#include "net/if_attach_impl.h"

static int
null_transmit(struct ifnet *ifp, struct mvec *mv)
{

	mvec_drop(ifp, mv, DROP_OUT_DETACHING);
	return ENXIO;
}

static void
null_void(struct ifnet *ifp)
{

	(void)ifp;
}

static int
null_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	(void)ifp;
	(void)cmd;
	(void)data;
	return ENXIO;
}

static int
null_init(struct ifnet *ifp)
{

	(void)ifp;
	return ENXIO;
}

static void
null_stop(struct ifnet *ifp, bool disable)
{

	(void)ifp;
	(void)disable;
}

static int
null_setflags(struct ifnet *ifp, int flags)
{

	(void)ifp;
	(void)flags;
	return ENXIO;
}

static int
null_initaddr(struct ifnet *ifp, struct ifaddr *ifa, bool src)
{

	(void)ifp;
	(void)ifa;
	(void)src;
	return ENXIO;
}

static int
null_mcastop(struct ifnet *ifp, unsigned long cmd, const struct sockaddr *sa)
{

	(void)ifp;
	(void)cmd;
	(void)sa;
	return ENXIO;
}

const struct if_ops if_null_ops = {
	.transmit = null_transmit,
	.start = null_void,
	.ioctl = null_ioctl,
	.init = null_init,
	.stop = null_stop,
	.watchdog = null_void,
	.drain = null_void,
	.setflags = null_setflags,
	.initaddr = null_initaddr,
	.mcastop = null_mcastop,
};

static void
null_input(struct ifnet *ifp, struct mvec *mv)
{

	mvec_drop(ifp, mv, DROP_IF_DETACHING);
}

static void
null_output(struct ifnet *ifp, int af, struct mvec *mv)
{

	(void)af;
	mvec_drop(ifp, mv, DROP_OUT_DETACHING);
}

const struct iftype_ops if_null_typeops = {
	.it_name = "none",
	.it_input = null_input,
	.it_output = null_output,
};

bool
if_is_deactivated(const struct ifnet *ifp)
{

	return if_dead(ifp);
}
