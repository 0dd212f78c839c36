/*
 * Capabilities: what an interface is able to do for a packet, and what of that
 * is enabled.
 */

#include "net/if_ioctl_impl.h"

#include <errno.h>

/* The masks' bits, by capability. */
static const struct {
	uint64_t	 cap;
	uint32_t	 bit;
} csum_bits[] = {
	{ IFCAP_CSUM_IPv4_Tx, IF_TX_IPv4 },
	{ IFCAP_CSUM_TCPv4_Tx, IF_TX_TCPv4 },
	{ IFCAP_CSUM_UDPv4_Tx, IF_TX_UDPv4 },
	{ IFCAP_CSUM_TCPv6_Tx, IF_TX_TCPv6 },
	{ IFCAP_CSUM_UDPv6_Tx, IF_TX_UDPv6 },
	{ IFCAP_CSUM_IPv4_Rx, IF_RX_IPv4 },
	{ IFCAP_CSUM_TCPv4_Rx, IF_RX_TCPv4 },
	{ IFCAP_CSUM_UDPv4_Rx, IF_RX_UDPv4 },
	{ IFCAP_CSUM_TCPv6_Rx, IF_RX_TCPv6 },
	{ IFCAP_CSUM_UDPv6_Rx, IF_RX_UDPv6 },
};

uint32_t
if_csum_tx(const struct ifnet *ifp, uint64_t enable)
{
	uint32_t able, mask;

	able = __atomic_load_n(&ifp->if_csum_tx, __ATOMIC_RELAXED);
	if ((able & M_USO) != 0)
		able |= IF_TX_USO;
	mask = able & (IF_TX_USO | M_TSO_ECN);
	for (size_t i = 0; i < sizeof(csum_bits) / sizeof(csum_bits[0]); i++)
		if ((enable & csum_bits[i].cap) != 0)
			mask |= csum_bits[i].bit;
	/* One kind of packet says "checksum missing" for both. */
	if ((mask & (IF_TX_TCPv4 | IF_TX_UDPv4)) ==
	    (IF_TX_TCPv4 | IF_TX_UDPv4))
		mask |= M_CSUM_PARTIAL;
	/* Segmentation includes the checksums of the segments. */
	if ((enable & IFCAP_TSOv4) != 0 && (mask & IF_TX_TCPv4) != 0)
		mask |= M_TSO4;
	if ((enable & IFCAP_TSOv6) != 0 && (mask & IF_TX_TCPv6) != 0)
		mask |= M_TSO6;
	if ((mask & IF_TX_USO) != 0 && (mask & IF_TX_UDPv4) != 0)
		mask |= M_USO;
	return mask;
}

int
if_cap_set(struct ifnet *ifp, const struct ifcapreq *ifcr)
{

	if ((ifcr->ifcr_capenable & ~ifp->if_capabilities) != 0)
		return kern_refuse(EINVAL, "%s does not have this capability "
		    "(ifconfig -m %s lists those it has)", ifp->if_xname,
		    ifp->if_xname);
	if (ifcr->ifcr_capenable == ifp->if_capenable)
		return 0;
	ifp->if_capenable = ifcr->ifcr_capenable;
	__atomic_store_n(&ifp->if_csum_tx, if_csum_tx(ifp, ifp->if_capenable),
	    __ATOMIC_RELAXED);
	return (if_flags_get(ifp) & IFF_UP) != 0 ? ENETRESET : 0;
}
