/*
 * The Ethernet link type, and the protocols registered with it.
 */

#include "net/ether_impl.h"
#include "net/if_vnet_impl.h"

#include <errno.h>

const uint8_t etherbroadcastaddr[ETHER_ADDR_LEN] =
    { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

const struct iftype_ops ether_type_ops = {
	.it_name = "ether",
	.it_input = ether_input,
	.it_output = ether_output,
	.it_detach = ether_group_detach,
};

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
