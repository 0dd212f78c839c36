/*
 * Queueing disciplines: one takes every packet first, picks what is sent, and
 * loses none when it comes or goes; the books stay right throughout.
 */

#include <ifnet/ifq_discipline.h>

#include "net_test.h"

/*
 * Strict priority: the first byte's low two bits are the rank, 3 the most
 * urgent.  Holds at most `limit' and refuses the newcomer, or, when that is
 * more urgent, what is least urgent.
 */
#define NRANKS	4

struct prio {
	struct mbuf	*pq_head[NRANKS], *pq_tail[NRANKS];
	unsigned	 pq_n, pq_limit;
	unsigned	 pq_taken, pq_gone;
	bool		 pq_hold;	/* give nothing up for now */
};

static unsigned
rank_of(const struct mbuf *m)
{

	return m->m_data[0] & (NRANKS - 1);
}

static struct mbuf *
prio_take(struct prio *pq, unsigned rank)
{
	struct mbuf *m = pq->pq_head[rank];

	pq->pq_head[rank] = m->m_nextpkt;
	m->m_nextpkt = NULL;
	pq->pq_n--;
	return m;
}

static struct mbuf *
prio_enqueue(void *state, struct mbuf *m)
{
	struct prio *pq = state;
	unsigned rank = rank_of(m), least = 0;

	pq->pq_taken++;
	if (pq->pq_n == pq->pq_limit) {
		while (pq->pq_head[least] == NULL)
			least++;
		if (least >= rank)
			return m;
	}
	if (pq->pq_head[rank] == NULL)
		pq->pq_head[rank] = m;
	else
		pq->pq_tail[rank]->m_nextpkt = m;
	pq->pq_tail[rank] = m;
	return ++pq->pq_n > pq->pq_limit ? prio_take(pq, least) : NULL;
}

static struct mbuf *
prio_dequeue(void *state)
{
	struct prio *pq = state;

	if (pq->pq_hold)
		return NULL;
	for (unsigned rank = NRANKS; rank-- > 0;)
		if (pq->pq_head[rank] != NULL)
			return prio_take(pq, rank);
	return NULL;
}

static struct mbuf *
prio_purge(void *state)
{
	struct mbuf *list = NULL, **tail = &list;
	struct prio *pq = state;

	for (unsigned rank = NRANKS; rank-- > 0;)
		while (pq->pq_head[rank] != NULL) {
			*tail = prio_take(pq, rank);
			tail = &(*tail)->m_nextpkt;
		}
	return list;
}

static void
prio_gone(void *state, struct ifnet *ifp)
{
	struct prio *pq = state;

	KASSERT(pq->pq_n == 0 && !ifp->if_snd.ifq_managed);
	pq->pq_gone++;
}

static const struct ifq_discipline prio_discipline = {
	"prio", prio_enqueue, prio_dequeue, prio_purge, prio_gone
};

/* --- a driver with a send queue and a second one ------------------------ */

static struct ifqueue second;

static void
start(struct ifnet *ifp)
{
	struct etest *et = ifp->if_softc;
	struct mbuf *m;
	struct mvec mv;

	while ((m = ifq_dequeue2(ifp, &second)) != NULL ||
	    (m = ifq_dequeue(ifp)) != NULL) {
		et->et_sent[et->et_nsent++ % ETEST_KEEP].ep_data[0] =
		    m->m_data[0];
		mv.mv_n = 1;
		mv.mv_m[0] = m;
		if_stat_add_vec(ifp, IF_STAT_OUT, &mv);
		m_freem(m);
	}
}

/* Multiples of 8 are meant for the second queue. */
static int
transmit(struct ifnet *ifp, struct mvec *mv)
{
	int error = 0;

	for (unsigned i = 0; i < mv->mv_n; i++)
		if (ifq_enqueue2(ifp, mv->mv_m[i]->m_data[0] % 8 == 0 ?
		    &second : NULL, mv->mv_m[i]) != 0)
			error = ENOBUFS;
	mv->mv_n = 0;
	ifq_start(ifp);
	return error;
}

static const struct if_ops start_ops = {
	.transmit = transmit,
	.start = start,
	.ioctl = ifioctl_common,
};

static struct ifnet *
attach(struct vnet *vn, struct etest *et)
{
	struct ifnet *ifp;

	memset(et, 0, sizeof(*et));
	ifp = if_alloc(vn, IFT_OTHER);
	KASSERT(ifp != NULL);
	if_initname(ifp, "et", 0);
	ifp->if_softc = et;
	ifp->if_ops = &start_ops;
	KASSERT(ifq_attach2(ifp, &second, 50) == 0);
	KASSERT(if_attach(ifp) == 0);
	if_flags_update(ifp, IFF_RUNNING | IFF_OACTIVE, 0);
	if_up(ifp);
	et->et_ifp = ifp;
	return ifp;
}

struct out_test {
	struct etest	*ot_et;
	unsigned	 ot_n;
};

/* Packets 0, 1, 2, ... */
static void
output_on_cpu(void *arg)
{
	struct out_test *ot = arg;
	uint8_t buf[20] = { 0 };
	struct mvec mv;

	mv.mv_n = 0;
	for (unsigned i = 0; i < ot->ot_n; i++) {
		buf[0] = (uint8_t)i;
		mv.mv_m[mv.mv_n++] = etest_packet(buf, sizeof(buf));
	}
	if_output_vec(ot->ot_et->et_ifp, TEST_AF, &mv);
}

static void
output(struct vnet *vn, struct etest *et, unsigned n)
{
	struct out_test ot = { .ot_et = et, .ot_n = n };

	on_cpu(vn->vn_kern, output_on_cpu, &ot);
	etest_books(et);
}

static void
start_on_cpu(void *arg)
{

	ifq_start(((struct etest *)arg)->et_ifp);
}

/* The driver is ready for more. */
static void
drain(struct vnet *vn, struct etest *et)
{

	if_flags_update(et->et_ifp, 0, IFF_OACTIVE);
	on_cpu(vn->vn_kern, start_on_cpu, et);
	if_flags_update(et->et_ifp, IFF_OACTIVE, 0);
	etest_books(et);
}

static void
expect(struct etest *et, const uint8_t *sent, unsigned n)
{

	KASSERT(et->et_nsent == n);
	for (unsigned i = 0; i < n; i++)
		KASSERT(et->et_sent[i].ep_data[0] == sent[i]);
	et->et_nsent = 0;
}

static void
order_body(struct vnet *vn)
{
	static const uint8_t fifo[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	static const uint8_t sorted[] = { 3, 7, 2, 6, 1, 5, 0, 4 };
	struct prio pq = { .pq_limit = 100 };
	static struct etest et;
	struct ifnet *ifp;

	ifp = attach(vn, &et);
	KASSERT(ifq_discipline_enable(ifp) == ENXIO);
	KASSERT(ifq_discipline_detach(ifp) == ENXIO);
	KASSERT(ifq_discipline_attach(ifp, &prio_discipline, &pq) == 0);
	KASSERT(ifq_discipline_attach(ifp, &prio_discipline, &pq) == EBUSY);
	/* Attached is not enabled. */
	output(vn, &et, 8);
	KASSERT(pq.pq_taken == 0 && second.ifq_len == 1);
	drain(vn, &et);
	expect(&et, fifo, 8);

	/* The discipline has every packet, those of the second queue as
	 * well. */
	KASSERT(ifq_discipline_enable(ifp) == 0);
	output(vn, &et, 8);
	KASSERT(pq.pq_taken == 8 && pq.pq_n == 8);
	KASSERT(second.ifq_len == 0 && ifp->if_snd.ifq_len == 8);
	KASSERT(etest_data(&et).ifi_oqueued == 8);
	drain(vn, &et);
	expect(&et, sorted, 8);
	KASSERT(ifp->if_snd.ifq_len == 0);

	/* Packets that wait are handed over when the discipline comes, and
	 * back when it goes. */
	KASSERT(ifq_discipline_disable(ifp) == 0);
	output(vn, &et, 8);
	KASSERT(second.ifq_len == 1 && ifp->if_snd.ifq_len == 7);
	KASSERT(ifq_discipline_enable(ifp) == 0);
	KASSERT(ifq_discipline_enable(ifp) == 0);
	KASSERT(pq.pq_n == 7 && ifp->if_snd.ifq_len == 7);
	KASSERT(ifq_discipline_detach(ifp) == 0);
	KASSERT(pq.pq_n == 0 && pq.pq_gone == 0);
	KASSERT(ifp->if_snd.ifq_len == 7);
	output(vn, &et, 2);
	KASSERT(pq.pq_n == 0 && ifp->if_snd.ifq_len == 8);
	drain(vn, &et);
	expect(&et, (const uint8_t[]){ 0, 0, 3, 7, 2, 6, 1, 5, 4, 1 }, 10);
	etest_detach(&et);
	KASSERT(pq.pq_gone == 0);
}

static void
full_body(struct vnet *vn)
{
	struct prio pq = { .pq_limit = 4 };
	static struct etest et;
	struct ifnet *ifp;

	ifp = attach(vn, &et);
	ifp->if_snd.ifq_maxlen = 1;	/* not the discipline's limit */
	KASSERT(ifq_discipline_attach(ifp, &prio_discipline, &pq) == 0);
	KASSERT(ifq_discipline_enable(ifp) == 0);
	output(vn, &et, 8);
	KASSERT(pq.pq_n == 4 && ifp->if_snd.ifq_len == 4);
	KASSERT(ifp->if_snd.ifq_drops == 4);
	KASSERT(etest_drops(&et, DROP_SNDQ_FULL) == 4);
	drain(vn, &et);
	expect(&et, (const uint8_t[]){ 3, 7, 2, 6 }, 4);

	/* A discipline that holds back: nothing is sent, nothing is lost,
	 * and it goes out when it is switched off. */
	pq.pq_hold = true;
	output(vn, &et, 3);
	drain(vn, &et);
	KASSERT(et.et_nsent == 0 && ifp->if_snd.ifq_len == 3);
	if_flags_update(ifp, 0, IFF_OACTIVE);
	KASSERT(ifq_discipline_disable(ifp) == 0);
	expect(&et, (const uint8_t[]){ 2, 1, 0 }, 3);
	etest_books(&et);

	/* Handing over more than it takes: the rest is counted. */
	if_flags_update(ifp, IFF_OACTIVE, 0);
	ifp->if_snd.ifq_maxlen = 100;
	output(vn, &et, 8);
	KASSERT(ifq_discipline_enable(ifp) == 0);
	KASSERT(pq.pq_n == 4 && ifp->if_snd.ifq_drops == 4 + 3);
	etest_books(&et);

	/* Going down empties it; it stays. */
	if_down(ifp);
	KASSERT(pq.pq_n == 0 && ifp->if_snd.ifq_len == 0);
	KASSERT(etest_drops(&et, DROP_SNDQ_PURGED) == 4 + 1);
	etest_books(&et);
	if_up(ifp);
	pq.pq_taken = 0;
	output(vn, &et, 8);
	KASSERT(pq.pq_taken == 8 && pq.pq_n == 4);
	/* And so does going away, which ends it. */
	etest_detach(&et);
	KASSERT(pq.pq_n == 0 && pq.pq_gone == 1);
}

/* Without a send queue; without memory; of one that goes. */
static void
refused_body(struct vnet *vn)
{
	struct prio pq = { .pq_limit = 4 };
	static struct etest et;

	etest_attach(vn, &et, 0, &etest_ops, false);
	KASSERT(ifq_discipline_attach(et.et_ifp, &prio_discipline, &pq) ==
	    EOPNOTSUPP);
	etest_detach(&et);
	(void)attach(vn, &et);
	KASSERT(ifq_discipline_attach(et.et_ifp, &prio_discipline, &pq) == 0);
	KASSERT(ifq_discipline_enable(et.et_ifp) == 0);
	output(vn, &et, 3);
	if_deactivate(et.et_ifp);
	output(vn, &et, 3);
	KASSERT(pq.pq_n == 3 && etest_drops(&et, DROP_OUT_DETACHING) == 3);
	KASSERT(ifq_discipline_enable(et.et_ifp) == ENXIO);
	KASSERT(ifq_discipline_detach(et.et_ifp) == 0);
	KASSERT(ifq_discipline_attach(et.et_ifp, &prio_discipline, &pq) ==
	    ENXIO);
	etest_detach(&et);
}

static const struct if_ops plain_ops = {
	.start = start,
	.ioctl = ifioctl_common,
};

static void
nomem_body(struct vnet *vn)
{
	struct prio pq = { .pq_limit = 4 };
	static struct etest et;

	etest_attach(vn, &et, 0, &plain_ops, false);
	sim_fail_alloc(vn->vn_kern->k_host, 1);
	KASSERT(ifq_discipline_attach(et.et_ifp, &prio_discipline, &pq) ==
	    ENOMEM);
	sim_fail_alloc(vn->vn_kern->k_host, 0);
	KASSERT(ifq_discipline_enable(et.et_ifp) == ENXIO);
	etest_detach(&et);
}

/* A discipline stays behind when the interface moves; packets that it held
 * are counted there. */
static void
keep_still(struct ifnet *ifp, enum if_vmove_step step)
{
	struct etest *et = ifp->if_softc;

	if (step == IF_VMOVE_RESUME) {
		et->et_ifp = ifp;
		if_flags_update(ifp, IFF_RUNNING, 0);
	}
}

static const struct if_ops moved_ops = {
	.start = start,
	.ioctl = ifioctl_common,
	.vmove = keep_still,
};

static void
moved_body(struct vnet *vn)
{
	struct prio pq = { .pq_limit = 100 };
	static struct etest et;
	struct vnet *to;

	KASSERT(vnet_create_named(vn->vn_kern, "to", &to) == 0);
	KASSERT(vnet_get(vn->vn_kern, "to") == to);
	etest_attach(vn, &et, 0, &moved_ops, false);
	if_flags_update(et.et_ifp, IFF_OACTIVE, 0);
	KASSERT(ifq_discipline_attach(et.et_ifp, &prio_discipline, &pq) == 0);
	KASSERT(ifq_discipline_enable(et.et_ifp) == 0);
	output(vn, &et, 5);
	KASSERT(pq.pq_n == 5);
	KASSERT(test_vmove(et.et_ifp, to) == 0 && et.et_ifp->if_vnet == to);
	KASSERT(pq.pq_n == 0 && pq.pq_gone == 1 && pq.pq_taken == 5);
	KASSERT(!et.et_ifp->if_snd.ifq_managed);
	output(to, &et, 3);
	KASSERT(et.et_nsent == 3 && pq.pq_taken == 5);
	KASSERT(ifq_discipline_detach(et.et_ifp) == ENXIO);
	etest_detach(&et);
	vnet_destroy_held(to);
}

static void
test_moved(void **state)
{

	(void)state;
	net_on_linux(0, moved_body);
	net_on_sim(2, moved_body);
}

/* --- several CPUs, while it comes and goes ------------------------------ */

static void
send_on_each(void *arg)
{
	struct etest *et = arg;
	uint8_t buf[20] = { 0 };
	struct mvec mv;

	for (unsigned i = 0; i < 100; i++) {
		buf[0] = (uint8_t)i;
		mv.mv_n = 1;
		mv.mv_m[0] = etest_packet(buf, sizeof(buf));
		if_stat_add(et->et_ifp, IF_STAT_OFFERED, 1);
		if_transmit_vec(et->et_ifp, &mv);
	}
}

struct switching {
	struct ifnet	*sw_ifp;
	uint32_t	 sw_stop;
};

static void
switch_loop(void *arg)
{
	struct switching *sw = arg;
	struct host *h = if_host(sw->sw_ifp);

	while (!__atomic_load_n(&sw->sw_stop, __ATOMIC_ACQUIRE)) {
		KASSERT(ifq_discipline_enable(sw->sw_ifp) == 0);
		host_yield(h);
		KASSERT(ifq_discipline_disable(sw->sw_ifp) == 0);
		host_yield(h);
	}
}

static void
cpus_body(struct vnet *vn)
{
	struct prio pq = { .pq_limit = 64 };
	struct host *h = vn->vn_kern->k_host;
	struct switching sw = { .sw_stop = 0 };
	static struct etest et;
	struct host_thread *t;
	struct ifnet *ifp;

	ifp = attach(vn, &et);
	sw.sw_ifp = ifp;
	KASSERT(ifq_discipline_attach(ifp, &prio_discipline, &pq) == 0);
	KASSERT(host_thread_create(h, "switch", -1, switch_loop, &sw, &t) ==
	    0);
	for (unsigned i = 0; i < 100; i++) {
		if_flags_update(ifp, i % 3 == 0 ? IFF_OACTIVE : 0,
		    i % 3 == 0 ? 0 : IFF_OACTIVE);
		kern_xcall(vn->vn_kern, send_on_each, &et);
		host_yield(h);
	}
	__atomic_store_n(&sw.sw_stop, 1, __ATOMIC_RELEASE);
	host_thread_join(h, t);
	etest_books(&et);
	KASSERT(etest_data(&et).ifi_offered ==
	    100 * 100 * kern_ncpu(vn->vn_kern));
	KASSERT(ifp->if_snd.ifq_len + second.ifq_len ==
	    etest_data(&et).ifi_oqueued);
	KASSERT(ifq_discipline_enable(ifp) == 0);
	kern_xcall(vn->vn_kern, send_on_each, &et);
	etest_detach(&et);
	KASSERT(pq.pq_n == 0 && pq.pq_gone == 1);
}

static void
test_order(void **state)
{

	(void)state;
	net_on_linux(0, order_body);
	net_on_linux(1, order_body);
	net_on_sim(2, order_body);
}

static void
test_full(void **state)
{

	(void)state;
	net_on_linux(0, full_body);
	net_on_sim(2, full_body);
}

static void
test_refused(void **state)
{

	(void)state;
	net_on_linux(0, refused_body);
	net_on_sim(2, refused_body);
	net_on_sim(1, nomem_body);
}

static void
test_cpus(void **state)
{

	(void)state;
	net_on_linux(2, cpus_body);
	net_on_sim(2, cpus_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
