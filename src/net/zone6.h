/*
 * zone6: the zone of an IPv6 address (RFC 4007): which link a link-local
 * address is on.
 *
 * Outside, on the wire and in messages to programs, an address is what the RFC
 * says, and its zone is the sin6_scope_id of a socket address, the index of an
 * interface; people write fe80::1%tap0.  Inside, in every key of a table and in
 * every union neigh_addr, an address of link or interface scope carries its
 * zone in its bytes 4 to 7, which are 0 on the wire (RFC 4291 2.5.6, and 2.7
 * for groups that are assigned).  So fe80::1 on two interfaces are two
 * addresses, two routes and two neighbours, and nothing that compares addresses
 * has to know of zones.
 *
 * Whatever comes from outside is made an inner address here, and is refused if
 * these bytes are not 0.
 */

#ifndef NET_ZONE6_H
#define NET_ZONE6_H

#include <errno.h>
#include <string.h>

#include <netinet/in.h>

#include "net/neigh.h"

/* Is it a unicast address of link scope, fe80::/10? */
static inline bool
zone6_is_linklocal(const uint8_t *a)
{

	return a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

static inline bool
zone6_is_multicast(const uint8_t *a)
{

	return a[0] == 0xff;
}

/* The scope of a group (RFC 4291 2.7): 1 interface, 2 link, 5 site, 14
 * global. */
static inline unsigned
zone6_mcast_scope(const uint8_t *a)
{

	return a[1] & 0xf;
}

/* Does the address mean something on one link, or one interface, alone? */
static inline bool
zone6_is_scoped(const uint8_t *a)
{

	return zone6_is_linklocal(a) || (zone6_is_multicast(a) &&
	    (zone6_mcast_scope(a) == 1 || zone6_mcast_scope(a) == 2));
}

/* The zone that an inner address carries; 0: it has none. */
static inline uint32_t
zone6_of(const uint8_t *a)
{
	uint32_t word;

	if (!zone6_is_scoped(a))
		return 0;
	memcpy(&word, a + 4, 4);
	return ntohl(word);
}

/* Make an address of the wire, as it came by an interface, an inner one.
 * false: no such address can be on the wire. */
static inline bool
zone6_enter(uint8_t *a, uint32_t index)
{
	uint32_t word;

	if (!zone6_is_scoped(a))
		return true;
	memcpy(&word, a + 4, 4);
	if (word != 0)
		return false;
	word = htonl(index);
	memcpy(a + 4, &word, 4);
	return true;
}

/* Make an inner address one of the wire. */
static inline void
zone6_leave(uint8_t *a)
{

	if (zone6_is_scoped(a))
		memset(a + 4, 0, 4);
}

/*
 * The inner address of a socket address.  EINVAL: its zone is missing, or is
 * within the address; or it has one although it means the same everywhere.
 */
static inline int
zone6_from_sa(const struct sockaddr_in6 *sin6, union neigh_addr *na)
{

	memcpy(na, &sin6->sin6_addr, sizeof(*na));
	if (!zone6_is_scoped(na->na_bytes))
		return sin6->sin6_scope_id == 0 ? 0 : EINVAL;
	return sin6->sin6_scope_id != 0 &&
	    zone6_enter(na->na_bytes, sin6->sin6_scope_id) ? 0 : EINVAL;
}

/* The socket address of an inner address. */
static inline void
zone6_to_sa(const union neigh_addr *na, struct sockaddr_in6 *sin6)
{

	memset(sin6, 0, sizeof(*sin6));
	sin6->sin6_family = AF_INET6;
	memcpy(&sin6->sin6_addr, na, sizeof(*na));
	sin6->sin6_scope_id = zone6_of(na->na_bytes);
	zone6_leave(sin6->sin6_addr.s6_addr);
}

#endif /* !NET_ZONE6_H */
