/*
 * arp_var: address resolution (RFC 826), as shared by if_arp.c (packets) and
 * arp_dad.c (duplicate address detection).  The cache of neighbours is
 * net/neigh_cache.h's.
 */

#ifndef NETINET_ARP_VAR_H
#define NETINET_ARP_VAR_H

#include "kern/wheel.h"
#include "net/neigh_cache.h"
#include "netinet/ip_var.h"

/* RFC 5227 1.1; the number of probes is a setting */
#define ARP_PROBE_WAIT_NS (1 * NEIGH_NS)	/* at most, before the first */
#define ARP_PROBE_MIN_NS (1 * NEIGH_NS)	/* between two */
#define ARP_PROBE_MAX_NS (2 * NEIGH_NS)
#define ARP_ANNOUNCE_WAIT_NS (2 * NEIGH_NS)
#define ARP_ANNOUNCE_NUM 2
#define ARP_ANNOUNCE_NS	(2 * NEIGH_NS)
#define ARP_DEFEND_NS	(10 * NEIGH_NS)	/* of one address */
#define ARP_NDEFENDED	16

/* The wheel of addresses to probe and announce. */
#define ARP_DAD_TICK_NS	(1ull << 26)	/* 67 ms */
#define ARP_DAD_LEVELS	2

/*
 *	a: the announcement lock
 */
struct arp_vnet {
	struct vnet	*av_vnet;		/* constant */

	struct kspin	 av_annlock;
	struct wheel	 av_annwheel;		/* a: of addresses */
	struct wheel_level av_annlevel[ARP_DAD_LEVELS];
	uint64_t	 av_annseed;		/* a: random waits */

	struct kspin	 av_conflict_lock;
	uint64_t	 av_defended_ns[ARP_NDEFENDED];	/* by a hash of the
							 * address */
};

/* if_arp.c */
extern const struct neigh_proto arp_proto;
/* CPU: send one ARP packet to dst (NULL: broadcast), with sha as the sender's
 * link-level address (NULL: the interface's own) and tha as the target's (NULL:
 * unknown). */
void	arp_send(struct ifnet *, uint16_t op, const uint8_t *dst,
	    const uint8_t *sha, uint32_t spa, const uint8_t *tha,
	    uint32_t tpa);
/* Read section: is an address on a prefix of this interface's link? */
bool	arp_is_onlink(const struct ifnet *, uint32_t addr);
/* "10.0.0.1" */
const char *arp_addr_text(uint32_t, char buf[16]);

/*
 * arp_dad.c: the check and the announcement of an address once its interface is
 * ready (RFC 5227).  Any context unless said.
 *
 * A tentative address is probed for, net.inet.ip.dad_count times, and announced
 * when no other host has it; other addresses are announced at once.
 */
void	arp_dad_init(struct arp_vnet *);
void	arp_dad_fini(struct arp_vnet *);
/* The interface of the address is not ready any more: its check starts over
 * when it is ready again. */
void	arp_dad_unready(struct ifaddr *);
/* The address is removed: after this it is not probed for or announced. */
void	arp_announce_stop(struct ifaddr *);
/* CPU: another host, sha, uses an address of ours or probes for it.  true: the
 * address was still tentative, so there is nothing to defend. */
bool	arp_dad_conflict(struct ifaddr *, const uint8_t *sha);
/* Any: must an address of this interface be checked before it is used? */
bool	arp_dad_wanted(const struct ifnet *);

#endif /* !NETINET_ARP_VAR_H */
