/*
 * ifq_discipline: who decides what an interface sends next.
 *
 * A send queue is first in, first out.  A queueing discipline (BSD's ALTQ)
 * attached to an interface and enabled takes its place: it is given every
 * packet, whatever queue the driver meant it for, and the driver's
 * ifq_dequeue() gets what it picks.  Its functions run on any CPU with the
 * queue locked, so that they need no lock of their own; they must not sleep,
 * allocate, free a packet or call back.  Its state is its owner's.
 *
 * The queue does the books: it counts what the discipline has and what it
 * refused, and frees nothing under the lock.  A discipline that holds packets
 * back on purpose calls ifq_start() when their time has come.
 *
 * An interface without one pays a test of a byte that lies beside the lock.
 *
 * No discipline is built in yet: queues that shape.
 */

#ifndef IFNET_IFQ_DISCIPLINE_H
#define IFNET_IFQ_DISCIPLINE_H

#include <ifnet/if.h>

#pragma GCC visibility push(default)

/* Constant. */
struct ifq_discipline {
	const char *qd_name;
	/*
	 * Take the packet.  Returns what does not fit, that one or others that
	 * give way to it, chained by m_nextpkt; NULL: all fits.
	 */
	struct mbuf *(*qd_enqueue)(void *state, struct mbuf *);
	/* Give up the packet to be sent now; NULL: none. */
	struct mbuf *(*qd_dequeue)(void *state);
	/* Give up all of them, chained by m_nextpkt, in any order. */
	struct mbuf *(*qd_purge)(void *state);
	/* Control: the interface goes, the discipline has been detached and
	 * holds nothing.  May be NULL. */
	void	(*qd_gone)(void *state, struct ifnet *);
};

/*
 * Control; takes the ioctl lock unless it is held.
 *
 * attach: EBUSY (there is one), EOPNOTSUPP (the driver has no start routine,
 * and so no send queue), ENXIO (going away), ENOMEM.  Not enabled yet.
 * enable: the packets that wait are handed to it in order.  disable: what it
 * holds goes to the head of an ordinary queue, none is lost.  Both change
 * nothing when it is so already.  ENXIO: none attached, or going away.
 * detach: disables it first.  ENXIO: none attached.
 *
 * if_detach() disables and detaches.  One that moves to another vnet leaves
 * its discipline behind, as it does its addresses.
 */
int	ifq_discipline_attach(struct ifnet *, const struct ifq_discipline *,
	    void *state);
int	ifq_discipline_enable(struct ifnet *);
int	ifq_discipline_disable(struct ifnet *);
int	ifq_discipline_detach(struct ifnet *);

#pragma GCC visibility pop

#endif /* !IFNET_IFQ_DISCIPLINE_H */
