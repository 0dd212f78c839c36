/*
 * capread: the packets of a capture file in memory: pcap of both byte orders,
 * in microseconds or nanoseconds, and pcapng, of interfaces of one kind or
 * several.  Every length is checked; nothing outside the file is read, whatever
 * is in it.
 */

#ifndef COMMAND_CAPREAD_H
#define COMMAND_CAPREAD_H

#include <stddef.h>
#include <stdint.h>

#include <ifnet/error.h>

#define CAPREAD_ETHER	1	/* a link type: Ethernet */

struct capread_packet {
	uint64_t	 number;	/* in the file, from 1 */
	uint64_t	 ns;		/* since an arbitrary point */
	const uint8_t	*data;		/* in the file, unaligned */
	uint32_t	 len;		/* bytes there */
	uint32_t	 wirelen;	/* bytes of the packet */
	unsigned	 linktype;
};

/* 0: go on. */
typedef int capread_fn(const struct capread_packet *, void *arg,
	    struct ifnet_error *);

/*
 * Call fn with each packet.  EINVAL with the reason: it is no capture file, or
 * not a whole one, or has something that is not understood; or what fn
 * returned.
 */
int	capread(const uint8_t *file, size_t size, capread_fn *fn, void *arg,
	    struct ifnet_error *);

#endif /* !COMMAND_CAPREAD_H */
