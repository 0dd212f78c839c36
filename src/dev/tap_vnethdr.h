/*
 * tap_vnethdr: offload state between packets and the headers that a Linux tap
 * puts in front of them: checksums that are missing or known to be good, and
 * segments that are still in one piece.  CPU context.
 */

#ifndef DEV_TAP_VNETHDR_H
#define DEV_TAP_VNETHDR_H

#include <ifnet/if.h>
#include <ifnet/mbuf.h>

#include "host/host.h"

/*
 * Set the offload state of a packet received by the interface, link header
 * first, from its vnet header.  false: the header does not fit the packet.
 */
bool	tap_vnethdr_get(const struct ifnet *, const struct host_vnethdr *,
	    struct mbuf *);
/* Make the vnet header for a packet's offload state. */
void	tap_vnethdr_put(const struct mbuf *, struct host_vnethdr *);

#endif /* !DEV_TAP_VNETHDR_H */
