/*
 * Input: down interfaces, raw link types, and the per-CPU queues: bounded,
 * fair, counted, and swept when an interface goes.
 */

#include "net_test.h"
#include "net/if_input_impl.h"	/* under test */

static void
raw_on_cpu(void *arg)
{
	struct etest *et = arg;
	uint8_t v4[20] = { 0x45 }, v6[40] = { 0x60 }, junk[4] = { 0xf0 };
	struct mvec mv;

	mv.mv_n = 0;
	for (unsigned i = 0; i < 10; i++)
		mv.mv_m[mv.mv_n++] = etest_packet(v4, sizeof(v4));
	if_input_vec(et->et_ifp, &mv);
	KASSERT(mv.mv_n == 0 && dtest_input == 10);
	mv.mv_m[mv.mv_n++] = etest_packet(v4, sizeof(v4));
	mv.mv_m[mv.mv_n++] = etest_packet(v6, sizeof(v6));
	mv.mv_m[mv.mv_n++] = etest_packet(junk, sizeof(junk));
	mv.mv_m[mv.mv_n++] = etest_packet(junk, 0);
	mv.mv_m[mv.mv_n++] = etest_packet(v4, sizeof(v4));
	if_input_vec(et->et_ifp, &mv);
	KASSERT(mv.mv_n == 0 && dtest_input == 12);
}

static void
one_on_cpu(void *arg)
{
	struct etest *et = arg;
	uint8_t v4[20] = { 0x45 };
	struct mvec mv;

	mv.mv_n = 1;
	mv.mv_m[0] = etest_packet(v4, sizeof(v4));
	if_input_vec(et->et_ifp, &mv);
	KASSERT(mv.mv_n == 0);
}

static void
raw_body(struct vnet *vn)
{
	static struct etest et;

	dtest_attach(vn);
	etest_attach(vn, &et, 0, &etest_ops, false);
	on_cpu(vn->vn_kern, raw_on_cpu, &et);
	KASSERT(etest_drops(&et, DROP_NO_PROTO) == 3);
	if_down(et.et_ifp);
	on_cpu(vn->vn_kern, one_on_cpu, &et);
	KASSERT(etest_drops(&et, DROP_IF_DOWN) == 1);
	KASSERT(etest_data(&et).ifi_ipackets == 16);
	etest_books(&et);
	etest_detach(&et);
}

static void
test_raw(void **state)
{

	(void)state;
	net_on_linux(0, raw_body);
	net_on_sim(1, raw_body);
}

/* --- queues -------------------------------------------------------------- */

struct queue_test {
	struct etest	*qt_et;
	unsigned	 qt_n;
	uint16_t	 qt_loops;
	bool		 qt_busy;	/* other CPUs count, too */
};

static void
enqueue_on_cpu(void *arg)
{
	struct queue_test *qt = arg;
	uint8_t v4[20] = { 0x45 };
	unsigned left = qt->qt_n;
	struct mvec mv;

	while (left != 0) {
		mv.mv_n = 0;
		while (left != 0 && mv.mv_n < MVEC_MAX) {
			mv.mv_m[mv.mv_n] = etest_packet(v4, sizeof(v4));
			mv.mv_m[mv.mv_n]->m_loops = qt->qt_loops;
			mv.mv_m[mv.mv_n]->m_flags = M_BCAST | M_LOCAL;
			mv.mv_n++;
			left--;
		}
		if_percpuq_enqueue_vec(qt->qt_et->et_ifp, &mv);
		KASSERT(mv.mv_n == 0);
	}
	/* Nothing is handled before the soft interrupt. */
	if (!qt->qt_busy)
		etest_books(qt->qt_et);
}

static void
enqueue(struct vnet *vn, struct etest *et, unsigned n, uint16_t loops)
{
	struct queue_test qt = { .qt_et = et, .qt_n = n, .qt_loops = loops };

	on_cpu(vn->vn_kern, enqueue_on_cpu, &qt);
	/* The soft interrupt goes round as often as it takes; between two
	 * rounds what it has taken is in no queue. */
	while (!etest_at_rest(et))
		on_cpu(vn->vn_kern, net_nothing, NULL);
	etest_books(et);
}

static void
queue_body(struct vnet *vn)
{
	static struct etest et[2];

	dtest_attach(vn);
	etest_attach(vn, &et[0], 0, &etest_ops, false);
	etest_attach(vn, &et[1], 1, &etest_ops, false);
	KASSERT(if_percpuq_maxlen(et[0].et_ifp) == 4096);
	enqueue(vn, &et[0], 600, 0);
	KASSERT(dtest_input == 600);
	enqueue(vn, &et[1], 1, 63);
	KASSERT(dtest_input == 601);
	enqueue(vn, &et[1], 3, 255);
	KASSERT(dtest_input == 601);
	KASSERT(etest_drops(&et[1], DROP_IN_LOOP) == 3);

	if_percpuq_set_maxlen(et[0].et_ifp, 100);
	enqueue(vn, &et[0], 150, 0);
	KASSERT(dtest_input == 701);
	KASSERT(etest_drops(&et[0], DROP_RCVQ_FULL) == 50);
	KASSERT(if_percpuq_drops(et[0].et_ifp) == 50);
	KASSERT(if_percpuq_drops(et[1].et_ifp) == 0);
	KASSERT(etest_data(&et[0]).ifi_ipackets == 750);
	KASSERT(etest_data(&et[0]).ifi_ibytes == 750 * 20);

	if_down(et[0].et_ifp);
	enqueue(vn, &et[0], 5, 0);
	KASSERT(etest_drops(&et[0], DROP_IF_DOWN) == 5);
	etest_detach(&et[0]);
	etest_detach(&et[1]);
}

static void
test_queue(void **state)
{

	(void)state;
	net_on_linux(0, queue_body);
	net_on_linux(2, queue_body);
	net_on_sim(2, queue_body);
}

/*
 * One by one, both ways, on every CPU: counted, shown to taps, and handled
 * where it came in.
 */
static uint32_t strayed, arrived;

static void
same_cpu(struct ifnet *ifp, struct mvec *mv)
{

	for (unsigned i = 0; i < mv->mv_n; i++)
		if (mv->mv_m[i]->m_data[1] != cpu_index(curcpu()) ||
		    (mv->mv_m[i]->m_flags & (M_BCAST | M_MCAST | M_LOCAL)))
			__atomic_store_n(&strayed, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&arrived, mv->mv_n, __ATOMIC_RELAXED);
	if_stat_add(ifp, IF_STAT_DELIVERED, mv->mv_n);
	mvec_free(mv);
}

static const struct domain cpu_domain = {
	.dom_family = TEST_AF,
	.dom_slot = DOM_SLOT_INET,
	.dom_name = "cpu",
	.dom_salen = TEST_SALEN,
	.dom_input = same_cpu,
};

static void
one_each_way(void *arg)
{
	struct etest *et = arg;
	uint8_t v4[20] = { 0x45 };
	struct mbuf *m;

	v4[1] = (uint8_t)cpu_index(curcpu());
	for (unsigned i = 0; i < 100; i++) {
		if_input(et->et_ifp, etest_packet(v4, sizeof(v4)));
		/* Flags of the sending side mean nothing on the receiving
		 * side. */
		m = etest_packet(v4, sizeof(v4));
		m->m_flags |= M_BCAST | M_MCAST | M_LOCAL;
		if_percpuq_enqueue(et->et_ifp, m);
	}
}

static void
single_body(struct vnet *vn)
{
	struct bpf_config bc = { .bc_dirs = BPF_IN, .bc_dlt = DLT_RAW,
	    .bc_wakeup = net_nothing };
	unsigned n = 200 * kern_ncpu(vn->vn_kern);
	static struct etest et;
	struct bpf_stats bs;
	struct bpf_tap *tap;

	strayed = arrived = 0;
	domain_attach(vn, &cpu_domain);
	etest_attach(vn, &et, 0, &etest_ops, false);
	KASSERT(bpf_open(vn, "et0", &bc, &tap) == 0);
	kern_xcall(vn->vn_kern, one_each_way, &et);
	while (if_percpuq_len(et.et_ifp) != 0)
		on_cpu(vn->vn_kern, net_nothing, NULL);
	kern_xcall(vn->vn_kern, net_nothing, NULL);
	KASSERT(arrived == n && !strayed);
	bpf_stats(tap, &bs);
	KASSERT(bs.bs_received == n);
	KASSERT(etest_data(&et).ifi_ipackets == n);
	KASSERT(etest_data(&et).ifi_ibytes == n * 20);
	etest_books(&et);
	bpf_close(tap);
	etest_detach(&et);
}

static void
test_single(void **state)
{

	(void)state;
	net_on_linux(0, single_body);
	net_on_linux(2, single_body);
	net_on_sim(2, single_body);
}

/* Packets that are queued when the interface goes are dropped under that
 * name. */
static void
sweep_on_cpu(void *arg)
{
	struct queue_test *qt = arg;
	struct ifnet *ifp = qt->qt_et->et_ifp;

	enqueue_on_cpu(qt);
	KASSERT(if_percpuq_len(ifp) == qt->qt_n);
	if_percpuq_sweep(ifp);
	KASSERT(if_percpuq_len(ifp) == 0);
}

static void
sweep_body(struct vnet *vn)
{
	struct queue_test qt = { .qt_n = 300 };
	static struct etest et[2];

	dtest_attach(vn);
	etest_attach(vn, &et[0], 0, &etest_ops, false);
	etest_attach(vn, &et[1], 1, &etest_ops, false);
	qt.qt_et = &et[0];
	on_cpu(vn->vn_kern, sweep_on_cpu, &qt);
	etest_books(&et[0]);
	KASSERT(etest_drops(&et[0], DROP_IF_DETACHING) == 300);
	/* The interface's queue works on, and so does another's. */
	enqueue(vn, &et[0], 10, 0);
	enqueue(vn, &et[1], 10, 0);
	KASSERT(dtest_input == 20);
	etest_detach(&et[1]);
	etest_detach(&et[0]);
}

static void
test_sweep(void **state)
{

	(void)state;
	net_on_linux(0, sweep_body);
	net_on_linux(1, sweep_body);
	net_on_sim(2, sweep_body);
}

/* Detach with packets under way on every CPU: none is left behind. */
static void
flood_on_all(void *arg)
{

	enqueue_on_cpu(arg);
}

static void
detach_body(struct vnet *vn)
{
	struct queue_test qt = { .qt_n = 500, .qt_busy = true };
	static struct etest et;

	dtest_attach(vn);
	for (unsigned round = 0; round < 5; round++) {
		etest_attach(vn, &et, 0, &etest_ops, false);
		qt.qt_et = &et;
		kern_xcall(vn->vn_kern, flood_on_all, &qt);
		etest_detach(&et);
	}
	/* net_test_main() counts the buffers. */
}

static void
test_detach(void **state)
{

	(void)state;
	net_on_linux(0, detach_body);
	net_on_linux(2, detach_body);
	net_on_sim(3, detach_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_detach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
