/*
 * ip_ifq: the queue of checked packets for this host, one a family and vnet.
 * They wait in a queue of the CPU that received them and are handled by its
 * soft interrupt, so that a flood to this host does not hold up forwarding.
 *
 * A packet in a queue has its interface in m_scratch[2] (ip_held_if()), counts
 * as queued on it, and has a share of the buffers.
 */

#ifndef NETINET_IP_IFQ_H
#define NETINET_IP_IFQ_H

#include <stdint.h>

struct ifnet;
struct mbuf;
struct softint;
struct vnet;

/* A CPU's queue, used by that CPU alone, except the two counters that other
 * threads read. */
struct ip_ifq_cpu {
	struct mbuf	*iq_head, *iq_tail;
	uint64_t	 iq_len;	/* atomic stores */
	uint64_t	 iq_drops;	/* atomic stores */
} __attribute__((__aligned__(64)));

struct ip_ifq {
	struct ip_ifq_cpu *iq_cpu;	/* constant; one a CPU */
	struct softint	*iq_si;		/* constant */
	struct vnet	*iq_vnet;	/* constant */
	int64_t		 iq_maxlen;	/* a: sysctl; packets of a CPU */
	/* Constant.  CPU: takes a packet, which counts as queued no more and
	 * has no share. */
	void		(*iq_input)(struct ifnet *, struct mbuf *);
};

#define IP_IFQ_MAXLEN	1024	/* default */

/* Control.  ENOMEM. */
int	ip_ifq_init(struct vnet *, struct ip_ifq *, const char *name,
	    void (*input)(struct ifnet *, struct mbuf *));
/* Control: every interface is gone, and its queued packets with it. */
void	ip_ifq_fini(struct ip_ifq *);
/* CPU: queue a packet that ifp received, which is taken. */
void	ip_ifq_enqueue(struct ip_ifq *, struct ifnet *, struct mbuf *);
/* CPU: drop the calling CPU's queued packets of an interface that is being
 * detached. */
void	ip_ifq_sweep(struct ip_ifq *, struct ifnet *);
/* Any: the packets in the queues of all CPUs, and the packets dropped there. */
uint64_t ip_ifq_len(const struct ip_ifq *);
uint64_t ip_ifq_drops(const struct ip_ifq *);

#endif /* !NETINET_IP_IFQ_H */
