/*
 * Output: the send queue, its bound, its purge, a second one, the driver's
 * start, at once and deferred, and interfaces that are down or going away.
 */

#include <stdio.h>

#include "net_test.h"
#include "layer_test.h"

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
	if_output_vec(ot->ot_et->et_ifp, TEST_AF, &mv);
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
enqueue_on_cpu(void *arg)
{
	struct ifnet *ifp = arg;
	uint8_t buf[20] = { 0x45 };

	if_stat_add(ifp, IF_STAT_OFFERED, 1);
	KASSERT(ifq_enqueue(ifp, etest_packet(buf, sizeof(buf))) == 0);
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
	/* Packets that a driver puts there by itself go with the interface. */
	if_down(ifp);
	on_cpu(vn->vn_kern, enqueue_on_cpu, ifp);
	KASSERT(ifp->if_snd.ifq_len == 1);
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
	test_null_typeops()->it_output(et->et_ifp, TEST_AF, &mv);
	mv.mv_n = 1;
	mv.mv_m[0] = etest_packet(buf, sizeof(buf));
	test_null_typeops()->it_input(et->et_ifp, &mv);
	mv.mv_n = 1;
	mv.mv_m[0] = etest_packet(buf, sizeof(buf));
	KASSERT(test_null_ops()->transmit(et->et_ifp, &mv) == ENXIO);
}

static void
null_body(struct vnet *vn)
{
	static struct etest et;

	etest_attach(vn, &et, 0, &etest_ops, false);
	on_cpu(vn->vn_kern, null_on_cpu, &et);
	KASSERT(etest_drops(&et, DROP_OUT_DETACHING) == 2);
	KASSERT(etest_drops(&et, DROP_IF_DETACHING) == 1);
	KASSERT(test_null_ops()->ioctl(et.et_ifp, SIOCGIFFLAGS, NULL) == ENXIO);
	KASSERT(test_null_ops()->init(et.et_ifp) == ENXIO);
	etest_detach(&et);
}

static void
test_null(void **state)
{

	(void)state;
	net_on_linux(0, null_body);
}

/*
 * Drivers that do with a packet what they like before they return: nothing is
 * read of it after it was handed over, so counters, taps and the queue's length
 * are those of what was sent.
 */
static void
spoil(struct mbuf *m)
{

	m->m_flags = 0;
	m->m_pktlen = 0x55555555;
	m->m_len = 0;
	m->m_rcvif = UINT64_MAX;
	m_freem(m);
}

static void
spoil_start(struct ifnet *ifp)
{
	struct mbuf *m;
	struct mvec mv;

	while ((m = ifq_dequeue(ifp)) != NULL) {
		mv.mv_n = 1;
		mv.mv_m[0] = m;
		if_stat_add_vec(ifp, IF_STAT_OUT, &mv);
		KASSERT(m->m_nextpkt == NULL);
		spoil(m);
	}
}

static int
spoil_transmit(struct ifnet *ifp, struct mvec *mv)
{

	if_stat_add_vec(ifp, IF_STAT_OUT, mv);
	while (mv->mv_n != 0) {
		spoil(mv->mv_m[--mv->mv_n]);
		mv->mv_m[mv->mv_n] = (struct mbuf *)1;
	}
	return 0;
}

static const struct if_ops spoil_start_ops = {
	.start = spoil_start,
	.ioctl = ifioctl_common,
}, spoil_transmit_ops = {
	.transmit = spoil_transmit,
	.ioctl = ifioctl_common,
};

/* 10 packets of 20 to 29 bytes, every second one a multicast. */
static void
spoil_on_cpu(void *arg)
{
	struct etest *et = arg;
	uint8_t buf[32] = { 0x45 };
	struct mbuf *m;
	struct mvec mv;

	for (mv.mv_n = 0; mv.mv_n < 10; mv.mv_n++) {
		m = etest_packet(buf, 20 + mv.mv_n);
		m->m_flags |= mv.mv_n % 2 ? M_MCAST : 0;
		mv.mv_m[mv.mv_n] = m;
	}
	if_output_vec(et->et_ifp, TEST_AF, &mv);
	for (unsigned i = 0; i < 10; i++) {
		m = etest_packet(buf, 20 + i);
		m->m_flags |= i % 2 ? M_MCAST : 0;
		if_stat_add(et->et_ifp, IF_STAT_OFFERED, 1);
		KASSERT(if_transmit_lock(et->et_ifp, m) == 0);
	}
}

static void
handover_body(struct vnet *vn)
{
	static struct etest et;
	struct if_data ifi;

	for (unsigned i = 0; i < 2; i++) {
		etest_attach(vn, &et, 0, i == 0 ? &spoil_start_ops :
		    &spoil_transmit_ops, false);
		on_cpu(vn->vn_kern, spoil_on_cpu, &et);
		ifi = etest_data(&et);
		KASSERT(ifi.ifi_opackets == 20 && ifi.ifi_omcasts == 10);
		KASSERT(ifi.ifi_obytes == 2 * (20 + 29) * 10 / 2);
		KASSERT(ifi.ifi_oqueued == 0 && et.et_ifp->if_snd.ifq_len ==
		    0);
		etest_books(&et);
		etest_detach(&et);
	}
}

static void
test_handover(void **state)
{

	(void)state;
	net_on_linux(0, handover_body);
	net_on_linux(1, handover_body);
	net_on_sim(2, handover_body);
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

/*
 * A driver in whose start routine one more packet comes, when it has looked
 * for the last time already: it is called again, and not from inside.
 */
static unsigned inside;

static void
late_start(struct ifnet *ifp)
{
	uint8_t buf[20] = { 0x45 };

	KASSERT(inside++ == 0);
	start(ifp);
	if (start_calls <= 3) {
		if_stat_add(ifp, IF_STAT_OFFERED, 1);
		if_transmit(ifp, etest_packet(buf, sizeof(buf)));
		KASSERT(ifp->if_snd.ifq_len == 1);
	}
	inside--;
}

static const struct if_ops late_ops = {
	.start = late_start,
	.ioctl = ether_ioctl,
};

static void
late_body(struct vnet *vn)
{
	static struct etest et;

	start_calls = inside = 0;
	etest_attach(vn, &et, 0, &late_ops, false);
	output(vn, &et, 5);
	KASSERT(start_calls == 4 && et.et_nsent == 8);
	KASSERT(et.et_ifp->if_snd.ifq_len == 0);
	output(vn, &et, 1);
	KASSERT(start_calls == 5 && et.et_nsent == 9);
	etest_detach(&et);
}

static void
test_late(void **state)
{

	(void)state;
	net_on_linux(0, late_body);
	net_on_sim(2, late_body);
}

/* --- a second queue, deferred start ------------------------------------- */

static struct ifqueue fast;
static unsigned starting, starts_at_once, deferred_calls;

/* Odd packets go first. */
static int
two_transmit(struct ifnet *ifp, struct mvec *mv)
{
	int error = 0;

	for (unsigned i = 0; i < mv->mv_n; i++)
		if (ifq_enqueue2(ifp, mv->mv_m[i]->m_data[0] & 1 ? &fast :
		    NULL, mv->mv_m[i]) != 0)
			error = ENOBUFS;
	mv->mv_n = 0;
	ifq_start(ifp);
	return error;
}

static void
two_start(struct ifnet *ifp)
{
	struct etest *et = ifp->if_softc;
	struct mbuf *m;
	struct mvec mv;

	if (__atomic_fetch_add(&starting, 1, __ATOMIC_SEQ_CST) != 0)
		__atomic_store_n(&starts_at_once, 1, __ATOMIC_SEQ_CST);
	while ((m = ifq_dequeue2(ifp, &fast)) != NULL ||
	    (m = ifq_dequeue(ifp)) != NULL) {
		et->et_sent[et->et_nsent++ % ETEST_KEEP].ep_data[0] =
		    m->m_data[0];
		mv.mv_n = 1;
		mv.mv_m[0] = m;
		if_stat_add_vec(ifp, IF_STAT_OUT, &mv);
		m_freem(m);
	}
	__atomic_fetch_sub(&starting, 1, __ATOMIC_SEQ_CST);
}

static const struct if_ops two_ops = {
	.transmit = two_transmit,
	.start = two_start,
	.ioctl = ifioctl_common,
};

/* A start function with the default transmit. */
static const struct if_ops one_ops = {
	.start = two_start,
	.ioctl = ifioctl_common,
};

static void
count_deferred(struct ifnet *ifp)
{

	KASSERT(curcpu() != NULL);
	__atomic_fetch_add(&deferred_calls, 1, __ATOMIC_RELAXED);
	ifq_start(ifp);
}

static void
two_attach(struct vnet *vn, struct etest *et, const struct if_ops *ops,
    void (*fn)(struct ifnet *))
{
	struct ifnet *ifp;

	starting = starts_at_once = deferred_calls = 0;
	memset(et, 0, sizeof(*et));
	ifp = if_alloc(vn, IFT_OTHER);
	KASSERT(ifp != NULL);
	if_initname(ifp, "et", 0);
	ifp->if_softc = et;
	ifp->if_ops = ops;
	ifp->if_typeops = &raw_type_ops;
	KASSERT(ifq_attach2(ifp, &fast, 5) == 0);
	KASSERT(if_deferred_start_init(ifp, fn) == 0);
	KASSERT(if_attach(ifp) == 0);
	if_flags_update(ifp, IFF_RUNNING, 0);
	if_up(ifp);
	et->et_ifp = ifp;
}

static int64_t
sndq(struct vnet *vn, const char *leaf)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "net.interfaces.et0.sndq.%s", leaf);
	return (int64_t)test_sysctl(vn, name);
}

static void
second_body(struct vnet *vn)
{
	static struct etest et;
	struct ifnet *ifp;

	two_attach(vn, &et, &two_ops, NULL);
	ifp = et.et_ifp;
	if_flags_update(ifp, IFF_OACTIVE, 0);
	/* 8 even ones, 8 odd ones, of which 5 have room. */
	output(vn, &et, 16);
	KASSERT(ifp->if_snd.ifq_len == 8 && fast.ifq_len == 5);
	KASSERT(fast.ifq_drops == 3 && ifp->if_snd.ifq_drops == 0);
	KASSERT(etest_drops(&et, DROP_SNDQ_FULL) == 3);
	KASSERT(etest_data(&et).ifi_oqueued == 13);
	/* Read as one queue; the limit is the first one's. */
	KASSERT(sndq(vn, "len") == 13 && sndq(vn, "drops") == 3);
	KASSERT(sndq(vn, "maxlen") == IFQ_MAXLEN);
	if_flags_update(ifp, 0, IFF_OACTIVE);
	output(vn, &et, 1);
	KASSERT(et.et_nsent == 14);
	for (unsigned i = 0; i < 5; i++)
		KASSERT(et.et_sent[i].ep_data[0] == 2 * i + 1);
	KASSERT(et.et_sent[5].ep_data[0] == 0);
	etest_books(&et);

	/* Both are emptied: going down, going away. */
	if_flags_update(ifp, IFF_OACTIVE, 0);
	output(vn, &et, 4);
	if_down(ifp);
	KASSERT(fast.ifq_len == 0 && ifp->if_snd.ifq_len == 0);
	KASSERT(etest_drops(&et, DROP_SNDQ_PURGED) == 4);
	if_up(ifp);
	output(vn, &et, 4);
	etest_detach(&et);
	KASSERT(fast.ifq_len == 0);
}

static void
test_second(void **state)
{

	(void)state;
	net_on_linux(0, second_body);
	net_on_linux(1, second_body);
	net_on_sim(2, second_body);
}

static unsigned scheduled;

static void
schedule_on_cpu(void *arg)
{
	struct etest *et = arg;

	scheduled = if_schedule_deferred_start(et->et_ifp);
	scheduled += 2 * if_schedule_deferred_start(et->et_ifp);
}

static unsigned
schedule(struct vnet *vn, struct etest *et)
{

	on_cpu(vn->vn_kern, schedule_on_cpu, et);
	return scheduled;
}

static void
deferred_body(struct vnet *vn)
{
	static struct etest et;

	two_attach(vn, &et, &one_ops, count_deferred);
	/* The send queue is in use and empty: nothing to do. */
	KASSERT(schedule(vn, &et) == 0 && deferred_calls == 0);
	if_flags_update(et.et_ifp, IFF_OACTIVE, 0);
	output(vn, &et, 9);
	if_flags_update(et.et_ifp, 0, IFF_OACTIVE);
	/* Once, however often it is asked for before it runs. */
	KASSERT(schedule(vn, &et) == 1);
	KASSERT(deferred_calls == 1 && et.et_nsent == 9);
	KASSERT(schedule(vn, &et) == 0 && deferred_calls == 1);
	etest_books(&et);
	if_deactivate(et.et_ifp);
	KASSERT(schedule(vn, &et) == 0);
	etest_detach(&et);

	/* A driver that does not use the queue is always started; and the
	 * default is its start routine. */
	two_attach(vn, &et, &two_ops, NULL);
	KASSERT(schedule(vn, &et) == 1);
	etest_detach(&et);
}

static void
test_deferred(void **state)
{

	(void)state;
	net_on_linux(0, deferred_body);
	net_on_linux(1, deferred_body);
	net_on_sim(2, deferred_body);
}

/* --- moved with the interface ----------------------------------------- */

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
	.transmit = two_transmit,
	.start = two_start,
	.ioctl = ifioctl_common,
	.vmove = keep_still,
};

static void
moved_body(struct vnet *vn)
{
	static struct etest et;
	struct ifnet *old;
	struct vnet *to;

	KASSERT(vnet_create_named(vn->vn_kern, "to", &to) == 0);
	two_attach(vn, &et, &moved_ops, count_deferred);
	old = et.et_ifp;
	if_flags_update(old, IFF_OACTIVE, 0);
	output(vn, &et, 4);
	KASSERT(fast.ifq_len == 2);
	KASSERT(test_vmove(old, to) == 0);
	/* Packets that waited were dropped there; the queue works here. */
	KASSERT(et.et_ifp->if_vnet == to && fast.ifq_len == 0);
	output(to, &et, 4);
	KASSERT(et.et_nsent == 4 && et.et_sent[0].ep_data[0] == 1);
	KASSERT(schedule(to, &et) == 1 && deferred_calls == 1);
	etest_detach(&et);
	KASSERT(vnet_get(vn->vn_kern, "to") == to);
	vnet_destroy_held(to);
}

static void
test_moved(void **state)
{

	(void)state;
	net_on_linux(0, moved_body);
	net_on_linux(1, moved_body);
	net_on_sim(2, moved_body);
}

/* --- several CPUs at once ------------------------------------------------- */

static void
send_on_each(void *arg)
{
	struct etest *et = arg;
	uint8_t buf[20] = { 0x44 };

	for (unsigned i = 0; i < 200; i++) {
		if_stat_add(et->et_ifp, IF_STAT_OFFERED, 1);
		KASSERT(if_transmit_lock(et->et_ifp, etest_packet(buf,
		    sizeof(buf))) == 0);
		if (i % 8 == 0)
			(void)if_schedule_deferred_start(et->et_ifp);
	}
}

static void
full_on_cpu(void *arg)
{
	struct etest *et = arg;
	uint8_t buf[20] = { 0x44 };

	if_stat_add(et->et_ifp, IF_STAT_OFFERED, 2);
	KASSERT(if_transmit_lock(et->et_ifp, etest_packet(buf,
	    sizeof(buf))) == 0);
	KASSERT(if_transmit_lock(et->et_ifp, etest_packet(buf,
	    sizeof(buf))) == ENOBUFS);
}

static void
schedule_each(void *arg)
{

	(void)if_schedule_deferred_start(((struct etest *)arg)->et_ifp);
}

static void
cpus_body(struct vnet *vn)
{
	static struct etest et;
	struct ifnet *ifp;

	two_attach(vn, &et, &one_ops, count_deferred);
	ifp = et.et_ifp;
	ifp->if_snd.ifq_maxlen = 1000;
	for (unsigned i = 0; i < 20; i++)
		kern_xcall(vn->vn_kern, send_on_each, &et);
	kern_xcall(vn->vn_kern, net_nothing, NULL);
	/* None stays behind, and no two CPUs were in it. */
	KASSERT(ifp->if_snd.ifq_len == 0 && ifp->if_snd.ifq_drops == 0);
	KASSERT(starts_at_once == 0);
	KASSERT(et.et_nsent == 20 * 200 * kern_ncpu(vn->vn_kern));
	etest_books(&et);

	if_flags_update(ifp, IFF_OACTIVE, 0);
	ifp->if_snd.ifq_maxlen = 1;
	on_cpu(vn->vn_kern, full_on_cpu, &et);
	etest_books(&et);
	/* Away while one waits. */
	kern_xcall(vn->vn_kern, schedule_each, &et);
	etest_detach(&et);
}

static void
test_cpus(void **state)
{

	(void)state;
	net_on_linux(0, cpus_body);
	net_on_linux(2, cpus_body);
	net_on_sim(2, cpus_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_handover),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_second),
		cmocka_unit_test(test_deferred),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
