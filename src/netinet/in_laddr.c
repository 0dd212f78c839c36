/*
 * in_laddr: requests with an address and a prefix length, SIOC[ADG]LIFADDR:
 * SIOCAIFADDR and SIOCDIFADDR in another form, and a search by prefix.
 *
 * All of it runs with the interface's ioctl lock.
 */

#include <errno.h>

#include "netinet/ip_var.h"

static int
bad_prefix(void)
{

	return kern_refuse(EINVAL, "an address with a prefix length from 0 to "
	    "32 is wanted");
}

/* The first address that the request means; EINVAL, EADDRNOTAVAIL. */
static int
laddr_find(struct ifnet *ifp, unsigned long cmd,
    const struct if_laddrreq *iflr, struct in_ifaddr **iap)
{
	struct sockaddr_in sin;
	struct in_ifaddr *ia;
	struct ifaddr *ifa;
	uint32_t mask = 0;

	memcpy(&sin, &iflr->iflr_addr, sizeof(sin));
	if ((iflr->iflr_flags & IFLR_PREFIX) != 0) {
		if (iflr->iflr_prefixlen > 32)
			return bad_prefix();
		mask = in_mask(iflr->iflr_prefixlen);
	} else if (cmd == SIOCDLIFADDR)
		mask = in_mask(32);
	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list) {
		if (ifa->ifa_addr->sa_family != AF_INET)
			continue;
		ia = ifatoia(ifa);
		if (((ia->ia_addr.sin_addr.s_addr ^ sin.sin_addr.s_addr) &
		    mask) == 0) {
			*iap = ia;
			return 0;
		}
	}
	return kern_refuse(EADDRNOTAVAIL, "%s has no such address",
	    ifp->if_xname);
}

static int
laddr_add(struct ifnet *ifp, const struct if_laddrreq *iflr)
{
	struct sockaddr_in mask = { .sin_family = AF_INET };
	struct ifaliasreq ifra;

	if ((iflr->iflr_flags & IFLR_PREFIX) != 0 ||
	    iflr->iflr_prefixlen > 32)
		return bad_prefix();
	mask.sin_addr.s_addr = in_mask(iflr->iflr_prefixlen);
	memset(&ifra, 0, sizeof(ifra));
	memcpy(ifra.ifra_name, iflr->iflr_name, IFNAMSIZ);
	ifra.ifra_addr = iflr->iflr_addr;
	ifra.ifra_dstaddr = iflr->iflr_dstaddr;
	memcpy(&ifra.ifra_mask, &mask, sizeof(mask));
	return in_ioctl(ifp, SIOCAIFADDR, &ifra);
}

static void
laddr_answer(const struct in_ifaddr *ia, struct if_laddrreq *iflr)
{

	iflr->iflr_flags = 0;
	iflr->iflr_prefixlen = ia->ia_len;
	memset(&iflr->iflr_addr, 0, sizeof(iflr->iflr_addr));
	memset(&iflr->iflr_dstaddr, 0, sizeof(iflr->iflr_dstaddr));
	memcpy(&iflr->iflr_addr, &ia->ia_addr, sizeof(ia->ia_addr));
	/* A broadcast address is no far end. */
	if (ia->ia_ifa.ifa_dstaddr != NULL &&
	    (if_flags_get(ia->ia_ifa.ifa_ifp) & IFF_POINTOPOINT) != 0)
		memcpy(&iflr->iflr_dstaddr, &ia->ia_dst, sizeof(ia->ia_dst));
}

int
in_laddr_ioctl(struct ifnet *ifp, unsigned long cmd, struct if_laddrreq *iflr)
{
	struct in_ifaddr *ia = NULL;
	struct ifaliasreq ifra;
	int error;

	if (cmd == SIOCALIFADDR)
		return laddr_add(ifp, iflr);
	error = laddr_find(ifp, cmd, iflr, &ia);
	if (error != 0)
		return error;
	if (cmd == SIOCGLIFADDR) {
		laddr_answer(ia, iflr);
		return 0;
	}
	memset(&ifra, 0, sizeof(ifra));
	memcpy(ifra.ifra_name, iflr->iflr_name, IFNAMSIZ);
	memcpy(&ifra.ifra_addr, &ia->ia_addr, sizeof(ia->ia_addr));
	return in_ioctl(ifp, SIOCDIFADDR, &ifra);
}
