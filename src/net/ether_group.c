/*
 * Multicast groups of an Ethernet: the link-level addresses that were asked
 * for, and how often.
 */

#include "net/ether_impl.h"
#include "net/if_vnet_impl.h"

#include <errno.h>

/* The slot of if_afdata for an Ethernet's groups; domains use lower ones. */
#define AFDATA_ETHER	3
_Static_assert(AFDATA_ETHER >= DOM_SLOT_MAX, "slots of the domains");

/* A group address asked for, and how often.  ioctl lock. */
struct ether_group {
	LIST_ENTRY(ether_group) eg_link;
	uint8_t		 eg_addr[ETHER_ADDR_LEN];
	unsigned	 eg_refs;
};

struct ether_groups {
	LIST_HEAD(, ether_group) egs_list;
};

void
ether_group_detach(struct ifnet *ifp)
{
	struct ether_groups *egs = ifp->if_afdata[AFDATA_ETHER];
	struct ether_group *eg;

	if (egs == NULL)
		return;
	ifp->if_afdata[AFDATA_ETHER] = NULL;
	while ((eg = LIST_FIRST(&egs->egs_list)) != NULL) {
		LIST_REMOVE(eg, eg_link);
		kmem_free(if_kern(ifp), eg);
	}
	kmem_free(if_kern(ifp), egs);
}

static int
no_group(void)
{

	return kern_refuse(EINVAL, "not the address of a group");
}

/* The link-level group a request names: EINVAL, EAFNOSUPPORT. */
static int
group_addr(const struct sockaddr *sa, uint8_t addr[ETHER_ADDR_LEN])
{
	struct sockaddr_dl sdl;
	struct sockaddr_in sin;
	uint32_t group;

	switch (sa->sa_family) {
	case AF_LINK:
		memcpy(&sdl, sa, sizeof(sdl));
		if (sdl.sdl_alen != ETHER_ADDR_LEN)
			return no_group();
		memcpy(addr, sdl.sdl_data, ETHER_ADDR_LEN);
		break;
	case AF_INET:
		memcpy(&sin, sa, sizeof(sin));
		group = __builtin_bswap32(sin.sin_addr.s_addr);
		if (!IN_MULTICAST(group))
			return no_group();
		/* RFC 1112 6.4 */
		addr[0] = 0x01;
		addr[1] = 0x00;
		addr[2] = 0x5e;
		addr[3] = group >> 16 & 0x7f;
		addr[4] = group >> 8 & 0xff;
		addr[5] = group & 0xff;
		break;
	default:
		return kern_refuse(EAFNOSUPPORT, "groups of the address's "
		    "family (%d) are not known", sa->sa_family);
	}
	return addr[0] & 1 ? 0 : no_group();
}

static struct ether_group *
find_group(const struct ether_groups *egs, const uint8_t addr[ETHER_ADDR_LEN])
{
	struct ether_group *eg;

	LIST_FOREACH(eg, &egs->egs_list, eg_link)
		if (memcmp(eg->eg_addr, addr, ETHER_ADDR_LEN) == 0)
			return eg;
	return NULL;
}

/* The bytes of a group, and its entry of the interface, NULL: it has not joined
 * it.  EAFNOSUPPORT, EINVAL. */
static int
group_of(const struct ifnet *ifp, const struct sockaddr *sa,
    uint8_t addr[ETHER_ADDR_LEN], struct ether_group **egp)
{
	const struct ether_groups *egs = ifp->if_afdata[AFDATA_ETHER];
	int error;

	error = group_addr(sa, addr);
	*egp = error == 0 && egs != NULL ? find_group(egs, addr) : NULL;
	return error;
}

static int
add_group(struct ifnet *ifp, const struct sockaddr *sa)
{
	struct ether_groups *egs = ifp->if_afdata[AFDATA_ETHER];
	struct ether_group *eg;
	uint8_t addr[ETHER_ADDR_LEN];
	int error;

	error = group_of(ifp, sa, addr, &eg);
	if (error != 0)
		return error;
	if (egs == NULL) {
		egs = kmem_zalloc(if_kern(ifp), sizeof(*egs));
		if (egs == NULL)
			return ENOMEM;
		LIST_INIT(&egs->egs_list);
		ifp->if_afdata[AFDATA_ETHER] = egs;
	}
	if (eg == NULL) {
		eg = kmem_zalloc(if_kern(ifp), sizeof(*eg));
		if (eg == NULL)
			return ENOMEM;
		memcpy(eg->eg_addr, addr, ETHER_ADDR_LEN);
		LIST_INSERT_HEAD(&egs->egs_list, eg, eg_link);
	}
	eg->eg_refs++;
	return 0;
}

static int
del_group(struct ifnet *ifp, const struct sockaddr *sa)
{
	struct ether_group *eg;
	uint8_t addr[ETHER_ADDR_LEN];
	int error;

	error = group_of(ifp, sa, addr, &eg);
	if (error != 0)
		return error;
	if (eg == NULL)
		return kern_refuse(ENXIO, "%s has not joined this group",
		    ifp->if_xname);
	if (--eg->eg_refs == 0) {
		LIST_REMOVE(eg, eg_link);
		kmem_free(if_kern(ifp), eg);
	}
	return 0;
}

int
ether_group_ioctl(struct ifnet *ifp, unsigned long cmd,
    const struct sockaddr *sa)
{

	return cmd == SIOCADDMULTI ? add_group(ifp, sa) : del_group(ifp, sa);
}
