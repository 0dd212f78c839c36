/*
 * An Ethernet interface's beginning, and the requests that every driver of one
 * answers in the same way.
 */

#include "net/ether_impl.h"

int
ether_ifattach(struct ifnet *ifp, const uint8_t lladdr[ETHER_ADDR_LEN])
{

	ifp->if_type = IFT_ETHER;
	ifp->if_addrlen = ETHER_ADDR_LEN;
	ifp->if_hdrlen = ETHER_HDR_LEN;
	ifp->if_dlt = DLT_EN10MB;
	ifp->if_typeops = &ether_type_ops;
	if (ifp->if_mtu == 0)
		ifp->if_mtu = ETHERMTU;
	ifp->if_flags |= IFF_BROADCAST | IFF_SIMPLEX | IFF_MULTICAST;
	return if_set_sadl(ifp, lladdr, ETHER_ADDR_LEN, true);
}

/* The interface runs before it is announced as up, so that a listener that
 * hears of it can send. */
static int
start(struct ifnet *ifp)
{

	if ((if_flags_get(ifp) & IFF_RUNNING) != 0 || ifp->if_ops->init == NULL)
		return 0;
	return ifp->if_ops->init(ifp);
}

int
ether_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{
	const struct ifreq *ifr = data;
	int error;

	switch (cmd) {
	case SIOCINITIFADDR:
		error = start(ifp);
		if (error == 0)
			if_up(ifp);
		return error;
	case SIOCADDMULTI:
	case SIOCDELMULTI:
		return ether_group_ioctl(ifp, cmd, &ifr->ifr_addr);
	default:
		return ifioctl_common(ifp, cmd, data);
	}
}
