/*
 * if_held: the interface that a packet in a queue belongs to.  It is safe to
 * keep: an interface sweeps its packets out of the queues before it goes.
 */

#ifndef NET_IF_HELD_H
#define NET_IF_HELD_H

#include <ifnet/mbuf.h>

/* Note the interface that a packet in a queue came from, or waits for. */
static inline void
ip_hold_if(struct mbuf *m, struct ifnet *ifp)
{

	m->m_scratch[2] = (uintptr_t)ifp;
}

static inline struct ifnet *
ip_held_if(const struct mbuf *m)
{

	return (struct ifnet *)(uintptr_t)m->m_scratch[2];
}

#endif /* !NET_IF_HELD_H */
