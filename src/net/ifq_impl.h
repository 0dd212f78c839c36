/*
 * ifq: the send queues of an interface, and the discipline that may stand in
 * place of the first.
 */

#ifndef NET_IFQ_IMPL_H
#define NET_IFQ_IMPL_H

#include <ifnet/if.h>

/* CPU: drop a list chained by m_nextpkt. */
void	ifq_drop_list(struct ifnet *, struct mbuf *, enum drop_reason);
/* ifq_discipline.c: with the lock of if_snd, which is managed.  put: what did
 * not fit, purge: all, chained by m_nextpkt. */
struct mbuf *ifq_discipline_put(struct ifnet *, struct mbuf *);
struct mbuf *ifq_discipline_get(struct ifnet *);
struct mbuf *ifq_discipline_purge(struct ifnet *);
void	ifq_discipline_ifdetach(struct ifnet *);	/* control */

/* ifq.c: packets in both send queues, and those they had no room for; any. */
uint64_t ifq_total(const struct ifnet *);
uint64_t ifq_drops_total(struct ifnet *);

#endif /* !NET_IFQ_IMPL_H */
