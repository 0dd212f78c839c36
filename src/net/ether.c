/*
 * The Ethernet link type: attaching, requests, multicast groups.
 */

#include "net/ether_impl.h"

#include <errno.h>

/* Where an Ethernet keeps its groups; the domains use the lower slots. */
#define AFDATA_ETHER	3
_Static_assert(AFDATA_ETHER >= DOM_SLOT_MAX, "slots of the domains");

const uint8_t etherbroadcastaddr[ETHER_ADDR_LEN] =
    { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

/* A group address asked for, and how often.  ioctl lock. */
struct ether_group {
	LIST_ENTRY(ether_group) eg_link;
	uint8_t		 eg_addr[ETHER_ADDR_LEN];
	unsigned	 eg_refs;
};

struct ether_groups {
	LIST_HEAD(, ether_group) egs_list;
};

static void
ether_detach(struct ifnet *ifp)
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

const struct iftype_ops ether_type_ops = {
	.it_name = "ether",
	.it_input = ether_input,
	.it_output = ether_output,
	.it_detach = ether_detach,
};

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

void
ether_random_addr(struct vnet *vn, uint8_t lladdr[ETHER_ADDR_LEN])
{

	host_random(vn->vn_kern->k_host, lladdr, ETHER_ADDR_LEN);
	/* Locally administered, not a group. */
	lladdr[0] = (lladdr[0] & 0xfc) | 0x02;
}

int
ether_register(struct vnet *vn, uint16_t type, ether_input_fn *fn)
{
	struct if_vnet *ifv = vn->vn_if;
	struct if_ethertype *ie;
	unsigned n = ifv->ifv_nethertypes;

	for (unsigned i = 0; i < n; i++)
		if (ifv->ifv_ethertype[i].ie_type == __builtin_bswap16(type))
			return EEXIST;
	if (n == IF_NETHERTYPES)
		return ENOSPC;
	ie = &ifv->ifv_ethertype[n];
	ie->ie_type = __builtin_bswap16(type);
	ie->ie_input = fn;
	ifv->ifv_nethertypes = n + 1;
	return 0;
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
			return EINVAL;
		memcpy(addr, sdl.sdl_data, ETHER_ADDR_LEN);
		break;
	case AF_INET:
		memcpy(&sin, sa, sizeof(sin));
		group = __builtin_bswap32(sin.sin_addr.s_addr);
		if (!IN_MULTICAST(group))
			return EINVAL;
		/* RFC 1112 6.4 */
		addr[0] = 0x01;
		addr[1] = 0x00;
		addr[2] = 0x5e;
		addr[3] = group >> 16 & 0x7f;
		addr[4] = group >> 8 & 0xff;
		addr[5] = group & 0xff;
		break;
	default:
		return EAFNOSUPPORT;
	}
	return addr[0] & 1 ? 0 : EINVAL;
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

static int
add_group(struct ifnet *ifp, const struct sockaddr *sa)
{
	struct ether_groups *egs = ifp->if_afdata[AFDATA_ETHER];
	struct ether_group *eg;
	uint8_t addr[ETHER_ADDR_LEN];
	int error;

	error = group_addr(sa, addr);
	if (error != 0)
		return error;
	if (egs == NULL) {
		egs = kmem_zalloc(if_kern(ifp), sizeof(*egs));
		if (egs == NULL)
			return ENOMEM;
		LIST_INIT(&egs->egs_list);
		ifp->if_afdata[AFDATA_ETHER] = egs;
	}
	eg = find_group(egs, addr);
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
	struct ether_groups *egs = ifp->if_afdata[AFDATA_ETHER];
	struct ether_group *eg;
	uint8_t addr[ETHER_ADDR_LEN];
	int error;

	error = group_addr(sa, addr);
	if (error != 0)
		return error;
	eg = egs != NULL ? find_group(egs, addr) : NULL;
	if (eg == NULL)
		return ENXIO;
	if (--eg->eg_refs == 0) {
		LIST_REMOVE(eg, eg_link);
		kmem_free(if_kern(ifp), eg);
	}
	return 0;
}

/* It must run before it is up, for those who hear of it to be able to send. */
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
		return add_group(ifp, &ifr->ifr_addr);
	case SIOCDELMULTI:
		return del_group(ifp, &ifr->ifr_addr);
	default:
		return ifioctl_common(ifp, cmd, data);
	}
}
