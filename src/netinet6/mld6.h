/*
 * mld6: multicast listener discovery (RFC 3810, RFC 2710).
 */

#ifndef NETINET6_MLD6_H
#define NETINET6_MLD6_H

#include <stdbool.h>
#include <stdint.h>

struct ifnet;
struct mbuf;
union neigh_addr;

#define MLD6_QUERY	130
#define MLD6_REPORT	131
#define MLD6_DONE	132
#define MLD6_V2_REPORT	143

/* CPU: a message of one of these types, with a right checksum; m is at the IPv6
 * header, the message at off.  Takes it. */
void	mld6_input(struct ifnet *, struct mbuf *m, unsigned off, uint8_t type);
/* CPU: dom_mcast_report. */
void	mld6_report(struct ifnet *, int version, int what,
	    const union neigh_addr *, unsigned n, bool last);

#endif /* !NETINET6_MLD6_H */
