/*
 * if_ether: the Ethernet link type (IEEE 802.3, RFC 894).
 */

#ifndef IFNET_IF_ETHER_H
#define IFNET_IF_ETHER_H

#include <ifnet/if.h>

#pragma GCC visibility push(default)

#define ETHER_ADDR_LEN	6
#define ETHER_HDR_LEN	14
#define ETHERMTU	1500

#define ETHERTYPE_IP	0x0800
#define ETHERTYPE_ARP	0x0806
#define ETHERTYPE_VLAN	0x8100
#define ETHERTYPE_IPV6	0x86dd
#define ETHERTYPE_QINQ	0x88a8	/* a provider's VLAN tag */

struct ether_header {
	uint8_t		 ether_dhost[ETHER_ADDR_LEN];
	uint8_t		 ether_shost[ETHER_ADDR_LEN];
	uint16_t	 ether_type;	/* network order */
} __attribute__((__packed__));

/* Control: make it an Ethernet before if_attach(): type, MTU, lengths,
 * broadcast flags, and lladdr as factory address.  ENOMEM; EINVAL: lladdr is
 * no station's. */
int	ether_ifattach(struct ifnet *, const uint8_t lladdr[ETHER_ADDR_LEN]);
/* A random, locally administered unicast address. */
void	ether_random_addr(struct vnet *, uint8_t lladdr[ETHER_ADDR_LEN]);
/* ifioctl_common() plus what an Ethernet answers: addresses, groups. */
int	ether_ioctl(struct ifnet *, unsigned long cmd, void *data);
/* CPU: packets that were offered before, to one station. */
void	ether_output_to(struct ifnet *, struct mvec *,
	    const uint8_t dst[ETHER_ADDR_LEN], uint16_t type);
/* CPU: a whole frame's header for packets that carry their own. */
void	ether_frame_output(struct ifnet *, struct mbuf *,
	    const uint8_t dst[ETHER_ADDR_LEN], uint16_t type);

extern const uint8_t etherbroadcastaddr[ETHER_ADDR_LEN];
extern const struct iftype_ops ether_type_ops;

/*
 * Control, at a domain's start: who takes packets of an Ethernet type, m_data
 * behind the header.
 */
typedef void ether_input_fn(struct ifnet *, struct mvec *);
int	ether_register(struct vnet *, uint16_t type, ether_input_fn *);
/* CPU, from a link type that names protocols as Ethernet does (FDDI, token
 * ring): to whom takes the type (network order).  Takes every packet. */
void	ether_dispatch(struct ifnet *, uint16_t type, struct mvec *);

#pragma GCC visibility pop

#endif /* !IFNET_IF_ETHER_H */
