/*
 * Output: the send queue, its bound, its purge, the driver's start, and
 * interfaces that are down or going away.
 */

#include "net_test.h"

static unsigned start_calls;

/* A driver with a start routine. */
static void
start(struct ifnet *ifp)
{
	struct etest *et = ifp->if_softc;
	struct mbuf *m;
	struct mvec mv;

	start_calls++;
	while ((m = ifq_dequeue(ifp)) != NULL) {
		et->et_sent[et->et_nsent++ % ETEST_KEEP].ep_data[0] =
		    m->m_data[0];
		mv.mv_n = 1;
		mv.mv_m[0] = m;
		if_stat_add_vec(ifp, IF_STAT_OUT, &mv);
		m_freem(m);
	}
}

static const struct if_ops start_ops = {
	.start = start,
	.ioctl = ether_ioctl,
};

struct out_test {
	struct etest	*ot_et;
	unsigned	 ot_n;
};

static void
output_on_cpu(void *arg)
{
	struct out_test *ot = arg;
	uint8_t buf[20];
	struct mvec mv;

	memset(buf, 0x45, sizeof(buf));
	mv.mv_n = 0;
	for (unsigned i = 0; i < ot->ot_n; i++) {
		buf[0] = (uint8_t)i;
		mv.mv_m[mv.mv_n++] = etest_packet(buf, sizeof(buf));
	}
	if_output_vec(ot->ot_et->et_ifp, AF_INET, &mv);
	KASSERT(mv.mv_n == 0);
}

static void
output(struct vnet *vn, struct etest *et, unsigned n)
{
	struct out_test ot = { .ot_et = et, .ot_n = n };

	on_cpu(vn->vn_kern, output_on_cpu, &ot);
	etest_books(et);
}

static void
kick_on_cpu(void *arg)
{
	struct etest *et = arg;

	start(et->et_ifp);
}

static void
queue_body(struct vnet *vn)
{
	static struct etest et;
	struct ifnet *ifp;

	start_calls = 0;
	etest_attach(vn, &et, 0, &start_ops, false);
	ifp = et.et_ifp;
	output(vn, &et, 100);
	KASSERT(start_calls == 1 && et.et_nsent == 100);
	for (unsigned i = 0; i < 100; i++)
		KASSERT(et.et_sent[i].ep_data[0] == i);

	/* busy: they wait, and what does not fit is dropped */
	if_flags_update(ifp, IFF_OACTIVE, 0);
	ifp->if_snd.ifq_maxlen = 200;
	output(vn, &et, 150);
	output(vn, &et, 100);
	KASSERT(start_calls == 1 && ifp->if_snd.ifq_len == 200);
	KASSERT(etest_drops(&et, DROP_SNDQ_FULL) == 50);
	KASSERT(ifp->if_snd.ifq_drops == 50);
	KASSERT(etest_data(&et).ifi_oqueued == 200);
	on_cpu(vn->vn_kern, kick_on_cpu, &et);
	KASSERT(ifp->if_snd.ifq_len == 0 && et.et_nsent == 300);
	etest_books(&et);

	/* going down empties it */
	output(vn, &et, 30);
	if_down(ifp);
	KASSERT(ifp->if_snd.ifq_len == 0);
	KASSERT(etest_drops(&et, DROP_SNDQ_PURGED) == 30);
	etest_books(&et);
	output(vn, &et, 3);
	KASSERT(etest_drops(&et, DROP_OUT_IF_DOWN) == 3);
	if_up(ifp);
	if_flags_update(ifp, 0, IFF_RUNNING);
	output(vn, &et, 4);
	KASSERT(etest_drops(&et, DROP_OUT_IF_DOWN) == 7);
	etest_detach(&et);
}

static void
test_queue(void **state)
{

	(void)state;
	net_on_linux(0, queue_body);
	net_on_linux(1, queue_body);
	net_on_sim(2, queue_body);
}

/* The null tables take everything, under their own name. */
static void
null_on_cpu(void *arg)
{
	struct etest *et = arg;
	uint8_t buf[20] = { 0x45 };
	struct mvec mv;

	mv.mv_n = 1;
	mv.mv_m[0] = etest_packet(buf, sizeof(buf));
	if_null_typeops.it_output(et->et_ifp, AF_INET, &mv);
	mv.mv_n = 1;
	mv.mv_m[0] = etest_packet(buf, sizeof(buf));
	if_null_typeops.it_input(et->et_ifp, &mv);
	mv.mv_n = 1;
	mv.mv_m[0] = etest_packet(buf, sizeof(buf));
	KASSERT(if_null_ops.transmit(et->et_ifp, &mv) == ENXIO);
}

static void
null_body(struct vnet *vn)
{
	static struct etest et;

	etest_attach(vn, &et, 0, &etest_ops, false);
	on_cpu(vn->vn_kern, null_on_cpu, &et);
	KASSERT(etest_drops(&et, DROP_OUT_DETACHING) == 2);
	KASSERT(etest_drops(&et, DROP_IF_DETACHING) == 1);
	KASSERT(if_null_ops.ioctl(et.et_ifp, SIOCGIFFLAGS, NULL) == ENXIO);
	KASSERT(if_null_ops.init(et.et_ifp) == ENXIO);
	etest_detach(&et);
}

static void
test_null(void **state)
{

	(void)state;
	net_on_linux(0, null_body);
}

/* Drops without an interface are the CPU's. */
static void
drop_on_cpu(void *arg)
{
	struct cpu *ci = curcpu();
	struct mvec mv;

	(void)arg;
	mv.mv_n = 2;
	mv.mv_m[0] = etest_packet("x", 1);
	mv.mv_m[1] = etest_packet("x", 1);
	mvec_drop(NULL, &mv, DROP_NO_MBUF);
	m_drop(NULL, etest_packet("x", 1), DROP_NO_MBUF);
	KASSERT(mv.mv_n == 0 && ci->ci_drops[DROP_NO_MBUF] == 3);
}

static void
drop_body(struct vnet *vn)
{

	on_cpu(vn->vn_kern, drop_on_cpu, NULL);
}

static void
test_drop(void **state)
{

	(void)state;
	net_on_linux(0, drop_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
