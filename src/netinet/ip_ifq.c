/*
 * ip_ifq: see ip_ifq.h.
 */

#include <errno.h>

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/ip_var.h"

/* The packets, and their bytes, handled in one pass: forwarding comes first. */
#define IFQ_PASS	64
#define IFQ_PASS_BYTES	(256 * 1024)

static inline struct ip_ifq_cpu *
my_ifq(const struct ip_ifq *iq)
{

	return &iq->iq_cpu[net_curcpu()->ci_index];
}

static inline void
store64(uint64_t *p, uint64_t v)
{

	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

/*
 * Take the packets of this pass, and their number.  Packets beyond its limits,
 * and packets that arrive meanwhile (loopback), are for the next pass.
 */
static struct mbuf *
ifq_take(struct ip_ifq_cpu *iq, unsigned *n)
{
	struct mbuf *head = iq->iq_head, *last = NULL;
	uint32_t bytes = 0;

	for (*n = 0; iq->iq_head != NULL && *n < IFQ_PASS &&
	    bytes < IFQ_PASS_BYTES; (*n)++) {
		last = iq->iq_head;
		bytes += last->m_pktlen;
		iq->iq_head = last->m_nextpkt;
	}
	if (last != NULL)
		last->m_nextpkt = NULL;
	if (iq->iq_head == NULL)
		iq->iq_tail = NULL;
	store64(&iq->iq_len, iq->iq_len - *n);
	return head;
}

/* The soft interrupt's handler. */
static void
ifq_softint(void *arg)
{
	struct ip_ifq *iq = arg;
	struct ip_ifq_cpu *my = my_ifq(iq);
	struct cpu *ci = net_curcpu();
	enum cpu_stage prev;
	struct mbuf *m, *next;
	struct ifnet *ifp;
	unsigned n;

	m = ifq_take(my, &n);
	prev = cpu_stage_enter(ci, STAGE_LOCAL, n);
	for (; m != NULL; m = next) {
		next = m->m_nextpkt;
		m->m_nextpkt = NULL;
		ifp = ip_held_if(m);
		in_iqueued_add(ifp, -1);
		mbuf_share_give(iq->iq_vnet->vn_kern, MBUF_SHARE_LOCAL, m);
		iq->iq_input(ifp, m);
	}
	if (my->iq_head != NULL)
		softint_schedule(iq->iq_si);
	cpu_stage_switch(ci, prev);
}

void
ip_ifq_enqueue(struct ip_ifq *iq, struct ifnet *ifp, struct mbuf *m)
{
	struct ip_ifq_cpu *my = my_ifq(iq);

	if (my->iq_len >= (uint64_t)__atomic_load_n(&iq->iq_maxlen,
	    __ATOMIC_RELAXED)) {
		store64(&my->iq_drops, my->iq_drops + 1);
		m_drop(ifp, m, DROP_PKTQ_FULL);
		return;
	}
	if (!mbuf_share_take(iq->iq_vnet->vn_kern, MBUF_SHARE_LOCAL, m)) {
		store64(&my->iq_drops, my->iq_drops + 1);
		m_drop(ifp, m, DROP_LOCAL_SHARE);
		return;
	}
	m->m_nextpkt = NULL;
	ip_hold_if(m, ifp);
	if (my->iq_head == NULL)
		my->iq_head = m;
	else
		my->iq_tail->m_nextpkt = m;
	my->iq_tail = m;
	store64(&my->iq_len, my->iq_len + 1);
	in_iqueued_add(ifp, 1);
	softint_schedule(iq->iq_si);
}

void
ip_ifq_sweep(struct ip_ifq *iq, struct ifnet *ifp)
{
	struct ip_ifq_cpu *my = my_ifq(iq);
	struct mbuf **mp = &my->iq_head, *m;

	my->iq_tail = NULL;
	while ((m = *mp) != NULL) {
		if (m->m_rcvif != ifp->if_handle) {
			my->iq_tail = m;
			mp = &m->m_nextpkt;
			continue;
		}
		*mp = m->m_nextpkt;
		m->m_nextpkt = NULL;
		store64(&my->iq_len, my->iq_len - 1);
		in_iqueued_add(ifp, -1);
		mbuf_share_give(if_kern(ifp), MBUF_SHARE_LOCAL, m);
		m_drop(ifp, m, DROP_IF_DETACHING);
	}
}

uint64_t
ip_ifq_len(const struct ip_ifq *iq)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < kern_ncpu(iq->iq_vnet->vn_kern); i++)
		n += __atomic_load_n(&iq->iq_cpu[i].iq_len, __ATOMIC_RELAXED);
	return n;
}

uint64_t
ip_ifq_drops(const struct ip_ifq *iq)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < kern_ncpu(iq->iq_vnet->vn_kern); i++)
		n += __atomic_load_n(&iq->iq_cpu[i].iq_drops,
		    __ATOMIC_RELAXED);
	return n;
}

int
ip_ifq_init(struct vnet *vn, struct ip_ifq *iq, const char *name,
    void (*input)(struct ifnet *, struct mbuf *))
{

	iq->iq_vnet = vn;
	iq->iq_input = input;
	iq->iq_maxlen = IP_IFQ_MAXLEN;
	iq->iq_cpu = host_alloc(vn->vn_kern->k_host,
	    kern_ncpu(vn->vn_kern) * sizeof(*iq->iq_cpu), 64);
	if (iq->iq_cpu == NULL)
		return ENOMEM;
	iq->iq_si = softint_establish(vn->vn_kern, name, ifq_softint, iq);
	if (iq->iq_si == NULL) {
		host_free(vn->vn_kern->k_host, iq->iq_cpu);
		iq->iq_cpu = NULL;
		return ENOMEM;
	}
	return 0;
}

void
ip_ifq_fini(struct ip_ifq *iq)
{

	softint_disestablish(iq->iq_si);
	host_free(iq->iq_vnet->vn_kern->k_host, iq->iq_cpu);
}
