/*
 * tap_merge: send a run of small UDP packets of one flow to a Linux tap as
 * one segmentation packet, which costs one system call and one trip through the
 * receiving stack; that stack cuts it where it was joined.
 *
 * Only packets that come out of the cutting unchanged are joined: whole IPv4
 * UDP packets of one flow with "don't fragment" set (so that the identification
 * means nothing, RFC 6864 4.1), equal headers and equal payload lengths, the
 * last one possibly shorter, their checksum still to be computed by the device.
 */

#ifndef DEV_TAP_MERGE_H
#define DEV_TAP_MERGE_H

#include <sys/uio.h>

#include <ifnet/mbuf.h>

/* Packets in one run: Linux takes 64 segments; elements of a write. */
#define TAP_MERGE_MAX	60
/* Headers of a run: Ethernet, IPv4 without options, UDP. */
#define TAP_MERGE_HDRS	42

/* The number of packets from mv_m[first] on that form a run; 1: that packet is
 * sent alone. */
unsigned tap_merge_run(const struct mvec *mv, unsigned first);
/*
 * Build the run as one packet: its headers in hdr, and hdr and the payloads in
 * iov, n + 1 elements.  Returns the payload length of a segment.
 */
unsigned tap_merge_build(const struct mvec *mv, unsigned first, unsigned n,
	    uint8_t hdr[TAP_MERGE_HDRS], struct iovec *iov);

#endif /* !DEV_TAP_MERGE_H */
