/*
 * mbuf_share: limits on how many of the kern's packet buffers packets may take
 * while they wait (for the rest of their fragments, for a neighbour's address,
 * ...), so that forwarding always finds free ones.
 *
 * A share is a part of all buffers, in percent, and a setting:
 * kern.mbufs.share.NAME.  Taking and giving write a counter that all CPUs
 * share, so only packets that wait are charged, never forwarded ones.
 */

#ifndef KERN_MBUF_SHARE_H
#define KERN_MBUF_SHARE_H

#include <stdbool.h>

#include <ifnet/mbuf.h>

struct kern;
struct vnet;

enum mbuf_share {
	MBUF_SHARE_LOCAL,	/* packets for this host */
	MBUF_SHARE_FRAGMENTS,	/* waiting for the rest of their packet */
	MBUF_SHARE_NEIGHBOURS,	/* waiting for a link-level address */
	MBUF_SHARE_PINGS,	/* see mbuf_share_spare() */
	MBUF_NSHARES
};

/* CPU: charge the buffers of a packet; false: the share is exhausted. */
bool	mbuf_share_take(struct kern *, enum mbuf_share, const struct mbuf *);
/* CPU: the packet waits no longer; its buffers are the same as when it was
 * charged. */
void	mbuf_share_give(struct kern *, enum mbuf_share, const struct mbuf *);
/*
 * CPU: likewise for packets of several queues, each with a number of buffers in
 * it, under a lock of the caller's.  A queue takes no more of the share than it
 * leaves to the others: alone half of it, and there is always some left for a
 * queue that is empty.
 */
bool	mbuf_share_take_part(struct kern *, enum mbuf_share,
	    const struct mbuf *, uint64_t *queue);
void	mbuf_share_give_part(struct kern *, enum mbuf_share,
	    const struct mbuf *, uint64_t *queue);
/*
 * Any: may new packets be made for the share?  For packets that are not charged
 * one by one, as pings: only while as many buffers are free as the share has
 * (or the rest of them, where that is less); never with a share of 0.
 */
bool	mbuf_share_spare(struct kern *, enum mbuf_share);

int	mbuf_share_sysctl(struct vnet *);	/* sysctl_kern.c; ENOMEM */

#endif /* !KERN_MBUF_SHARE_H */
