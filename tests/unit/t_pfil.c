/*
 * Hooks: on every interface or on one, in order, refusing packets by name,
 * hearing of interfaces, and never running after they were removed.
 */

#include "net_test.h"

struct hook {
	struct pfil_hook hk_hook;
	unsigned	 hk_in, hk_out, hk_attach, hk_detach;
	bool		 hk_refuse_first;
	uint32_t	 hk_removed;
};

static void
hook_packets(void *arg, struct ifnet *ifp, enum pfil_dir dir, struct mvec *mv)
{
	struct hook *hk = arg;

	KASSERT(!__atomic_load_n(&hk->hk_removed, __ATOMIC_ACQUIRE));
	if (dir == PFIL_IN)
		hk->hk_in += mv->mv_n;
	else
		hk->hk_out += mv->mv_n;
	if (!hk->hk_refuse_first)
		return;
	m_drop(ifp, mv->mv_m[0], dir == PFIL_IN ? DROP_FILTER_IN :
	    DROP_FILTER_OUT);
	mv->mv_n--;
	memmove(&mv->mv_m[0], &mv->mv_m[1], mv->mv_n * sizeof(mv->mv_m[0]));
}

static void
hook_event(void *arg, struct ifnet *ifp, enum pfil_event ev)
{
	struct hook *hk = arg;

	(void)ifp;
	if (ev == PFIL_IF_ATTACH)
		hk->hk_attach++;
	else
		hk->hk_detach++;
}

static void
hook_add(struct vnet *vn, struct hook *hk, struct ifnet *ifp)
{

	memset(hk, 0, sizeof(*hk));
	hk->hk_hook.ph_packets = hook_packets;
	hk->hk_hook.ph_event = hook_event;
	hk->hk_hook.ph_arg = hk;
	hk->hk_hook.ph_ifp = ifp;
	KASSERT(pfil_add_hook(vn, &hk->hk_hook) == 0);
}

static void
hook_remove(struct vnet *vn, struct hook *hk)
{

	pfil_remove_hook(vn, &hk->hk_hook);
	__atomic_store_n(&hk->hk_removed, 1, __ATOMIC_RELEASE);
}

static void
three_each_way(void *arg)
{
	struct etest *et = arg;
	uint8_t v4[20] = { 0x45 };
	struct mvec mv;

	for (mv.mv_n = 0; mv.mv_n < 3; mv.mv_n++)
		mv.mv_m[mv.mv_n] = etest_packet(v4, sizeof(v4));
	if_input_vec(et->et_ifp, &mv);
	for (mv.mv_n = 0; mv.mv_n < 3; mv.mv_n++)
		mv.mv_m[mv.mv_n] = etest_packet(v4, sizeof(v4));
	if_output_vec(et->et_ifp, TEST_AF, &mv);
	KASSERT(mv.mv_n == 0);
}

static void
traffic(struct vnet *vn, struct etest *et)
{

	on_cpu(vn->vn_kern, three_each_way, et);
	etest_books(et);
}

static void
hooks_body(struct vnet *vn)
{
	static struct etest et[3];
	struct hook all, one, late;

	dtest_attach(vn);
	etest_attach(vn, &et[0], 0, &etest_ops, false);
	etest_attach(vn, &et[1], 1, &etest_ops, false);
	KASSERT(et[0].et_ifp->if_pfil == NULL);

	hook_add(vn, &one, et[0].et_ifp);
	KASSERT(et[1].et_ifp->if_pfil == NULL);
	traffic(vn, &et[0]);
	traffic(vn, &et[1]);
	KASSERT(one.hk_in == 3 && one.hk_out == 3);

	/* The hook of every interface comes first, and refuses one packet. */
	hook_add(vn, &all, NULL);
	all.hk_refuse_first = true;
	traffic(vn, &et[0]);
	KASSERT(all.hk_in == 3 && all.hk_out == 3);
	KASSERT(one.hk_in == 5 && one.hk_out == 5);
	KASSERT(etest_drops(&et[0], DROP_FILTER_IN) == 1);
	KASSERT(etest_drops(&et[0], DROP_FILTER_OUT) == 1);
	traffic(vn, &et[1]);
	KASSERT(all.hk_in == 6 && one.hk_in == 5);

	/* Interfaces that come later have it too. */
	etest_attach(vn, &et[2], 2, &etest_ops, false);
	KASSERT(all.hk_attach == 1 && one.hk_attach == 0);
	traffic(vn, &et[2]);
	KASSERT(all.hk_in == 9);

	hook_add(vn, &late, et[0].et_ifp);
	hook_remove(vn, &one);
	traffic(vn, &et[0]);
	KASSERT(late.hk_in == 2 && one.hk_in == 5);
	hook_remove(vn, &late);
	KASSERT(et[0].et_ifp->if_pfil == et[1].et_ifp->if_pfil);
	hook_remove(vn, &all);
	for (unsigned i = 0; i < 3; i++) {
		KASSERT(et[i].et_ifp->if_pfil == NULL);
		traffic(vn, &et[i]);
	}
	/* A hook that is not there. */
	pfil_remove_hook(vn, &all.hk_hook);

	/* An interface takes its hooks along. */
	hook_add(vn, &one, et[2].et_ifp);
	hook_add(vn, &all, NULL);
	etest_detach(&et[2]);
	KASSERT(one.hk_detach == 1 && all.hk_detach == 1);
	hook_remove(vn, &one);
	etest_detach(&et[1]);
	etest_detach(&et[0]);
	KASSERT(all.hk_detach == 3);
	hook_remove(vn, &all);
}

/* No memory for a hook: nothing is changed. */
static void
nomem_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	static struct etest et;
	struct hook hk;
	size_t before;

	dtest_attach(vn);
	etest_attach(vn, &et, 0, &etest_ops, false);
	before = sim_allocated(h);
	memset(&hk, 0, sizeof(hk));
	hk.hk_hook.ph_packets = hook_packets;
	hk.hk_hook.ph_arg = &hk;
	for (unsigned n = 1; n <= 2; n++) {
		hk.hk_hook.ph_ifp = et.et_ifp;
		sim_fail_alloc(h, n);
		KASSERT(pfil_add_hook(vn, &hk.hk_hook) == ENOMEM);
		sim_fail_alloc(h, 0);
		KASSERT(et.et_ifp->if_pfil == NULL);
		KASSERT(sim_allocated(h) == before);
	}
	hk.hk_hook.ph_ifp = NULL;
	sim_fail_alloc(h, 1);
	KASSERT(pfil_add_hook(vn, &hk.hk_hook) == ENOMEM);
	sim_fail_alloc(h, 0);
	KASSERT(et.et_ifp->if_pfil == NULL && hk.hk_in == 0);
	etest_detach(&et);
}

static void
test_nomem(void **state)
{

	(void)state;
	net_on_sim(1, nomem_body);
}

/* Moved to another vnet: hooks of the one, and its own, stay behind. */
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
	.transmit = etest_transmit,
	.ioctl = ifioctl_common,
	.vmove = keep_still,
};

static void
moved_body(struct vnet *vn)
{
	struct hook all, own, there;
	static struct etest et;
	struct vnet *to;

	KASSERT(vnet_create_named(vn->vn_kern, "to", &to) == 0);
	KASSERT(vnet_get(vn->vn_kern, "to") == to);
	dtest_attach(vn);
	domain_attach(to, &dtest_domain);
	etest_attach(vn, &et, 0, &moved_ops, false);
	hook_add(vn, &all, NULL);
	hook_add(vn, &own, et.et_ifp);
	hook_add(to, &there, NULL);
	traffic(vn, &et);
	KASSERT(all.hk_in == 3 && own.hk_in == 3 && there.hk_in == 0);
	KASSERT(test_vmove(et.et_ifp, to) == 0);
	KASSERT(all.hk_detach == 1 && own.hk_detach == 1);
	KASSERT(there.hk_attach == 1 && there.hk_detach == 0);
	traffic(vn, &et);
	KASSERT(all.hk_in == 3 && own.hk_in == 3 && there.hk_in == 3);
	hook_remove(vn, &own);
	hook_remove(vn, &all);
	etest_detach(&et);
	KASSERT(there.hk_detach == 1);
	hook_remove(to, &there);
	vnet_destroy_held(to);
}

static void
test_moved(void **state)
{

	(void)state;
	net_on_linux(0, moved_body);
	net_on_sim(2, moved_body);
}

static void
test_hooks(void **state)
{

	(void)state;
	net_on_linux(0, hooks_body);
	net_on_linux(1, hooks_body);
	net_on_sim(2, hooks_body);
}

/*
 * Encapsulation: packets of one interface leave by another with a header of
 * their own, or by the same; and come back out of it.
 */
#define SHIM	0x77

static struct etest *through;
static unsigned shims;

static void
encapsulate(void *arg, struct ifnet *ifp, int af, struct mvec *mv)
{
	struct mvec out;
	unsigned n = 0;
	struct mbuf *m;

	KASSERT(af == TEST_AF && arg == &through);
	out.mv_n = 0;
	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		if (m->m_data[0] == SHIM || m->m_data[0] == 0x46) {
			mv->mv_m[n++] = m;	/* done, or none of ours */
			continue;
		}
		m = m_prepend(m, 4);
		KASSERT(m != NULL);
		memset(m->m_data, SHIM, 4);
		out.mv_m[out.mv_n++] = m;
		shims++;
	}
	mv->mv_n = n;
	if (out.mv_n != 0)
		if_output_vec(through != NULL ? through->et_ifp : ifp, af,
		    &out);
}

static void
decapsulate(void *arg, struct ifnet *ifp, enum pfil_dir dir, struct mvec *mv)
{
	struct mvec in;
	unsigned n = 0;

	(void)arg;
	if (dir != PFIL_IN)
		return;
	in.mv_n = 0;
	for (unsigned i = 0; i < mv->mv_n; i++) {
		if (mv->mv_m[i]->m_data[0] != SHIM) {
			mv->mv_m[n++] = mv->mv_m[i];
			continue;
		}
		m_adj(mv->mv_m[i], 4);
		in.mv_m[in.mv_n++] = mv->mv_m[i];
	}
	mv->mv_n = n;
	if (in.mv_n == 0)
		return;
	if_stat_add(ifp, IF_STAT_DELIVERED, in.mv_n);
	if_input_vec(through->et_ifp, &in);
}

static const struct pfil_hook ipsec = {
	.ph_packets = decapsulate, .ph_output = encapsulate,
	.ph_arg = &through,
};

static void
four_out(void *arg)
{
	struct etest *et = arg;
	uint8_t v4[20] = { 0 };
	struct mvec mv;

	/* The first is none of ours. */
	for (mv.mv_n = 0; mv.mv_n < 4; mv.mv_n++) {
		v4[0] = mv.mv_n == 0 ? 0x46 : 0x45;
		mv.mv_m[mv.mv_n] = etest_packet(v4, sizeof(v4));
	}
	if_output_vec(et->et_ifp, TEST_AF, &mv);
}

static void
shim_in(void *arg)
{
	struct etest *et = arg;
	uint8_t buf[24] = { SHIM, SHIM, SHIM, SHIM, 0x45 }, v4[20] = { 0x45 };
	struct mvec mv;

	mv.mv_n = 2;
	mv.mv_m[0] = etest_packet(buf, sizeof(buf));
	mv.mv_m[1] = etest_packet(v4, sizeof(v4));
	if_input_vec(et->et_ifp, &mv);
}

static void
encapsulation_body(struct vnet *vn)
{
	static struct etest et[2];
	struct pfil_hook one;

	dtest_attach(vn);
	etest_attach(vn, &et[0], 0, &etest_ops, false);
	etest_attach(vn, &et[1], 1, &etest_ops, false);
	KASSERT(pfil_add_hook(vn, &ipsec) == 0);
	shims = 0;
	through = &et[1];
	on_cpu(vn->vn_kern, four_out, &et[0]);
	KASSERT(shims == 3 && et[0].et_nsent == 1 && et[1].et_nsent == 3);
	KASSERT(et[1].et_sent[0].ep_len == 24);
	KASSERT(et[1].et_sent[0].ep_data[0] == SHIM);
	KASSERT(et[1].et_sent[0].ep_data[4] == 0x45);
	KASSERT(etest_data(&et[0]).ifi_offered == 1);
	KASSERT(etest_data(&et[1]).ifi_offered == 3);
	/* By the interface itself: seen again, and known. */
	through = NULL;
	on_cpu(vn->vn_kern, four_out, &et[0]);
	KASSERT(shims == 6 && et[0].et_nsent == 5);
	KASSERT(etest_data(&et[0]).ifi_offered == 5);
	/* A hook of one interface alone. */
	pfil_remove_hook(vn, &ipsec);
	one = ipsec;
	one.ph_ifp = et[0].et_ifp;
	KASSERT(pfil_add_hook(vn, &one) == 0);
	through = &et[1];
	on_cpu(vn->vn_kern, four_out, &et[0]);
	KASSERT(shims == 9 && et[0].et_nsent == 6 && et[1].et_nsent == 6);
	on_cpu(vn->vn_kern, four_out, &et[1]);
	KASSERT(shims == 9 && et[1].et_nsent == 10);
	pfil_remove_hook(vn, &one);
	KASSERT(pfil_add_hook(vn, &ipsec) == 0);
	/* And back. */
	on_cpu(vn->vn_kern, shim_in, &et[0]);
	KASSERT(dtest_input == 2);
	KASSERT(etest_data(&et[0]).ifi_delivered == 2);
	KASSERT(etest_data(&et[1]).ifi_delivered == 1);
	for (unsigned i = 0; i < 2; i++)
		etest_books(&et[i]);
	pfil_remove_hook(vn, &ipsec);
	on_cpu(vn->vn_kern, four_out, &et[0]);
	KASSERT(shims == 9 && et[0].et_nsent == 10);
	etest_detach(&et[0]);
	etest_detach(&et[1]);
}

static void
test_encapsulation(void **state)
{

	(void)state;
	net_on_linux(0, encapsulation_body);
	net_on_linux(1, encapsulation_body);
	net_on_sim(2, encapsulation_body);
}

/* Remove while packets pass: it does not run afterwards. */
struct pass {
	struct etest	*pa_et;
	uint32_t	 pa_stop;
};

static void
pass_loop(void *arg)
{
	struct pass *pa = arg;
	struct kern *k = if_kern(pa->pa_et->et_ifp);

	while (!__atomic_load_n(&pa->pa_stop, __ATOMIC_ACQUIRE))
		on_cpu(k, three_each_way, pa->pa_et);
}

static void
remove_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct pass pa = { .pa_stop = 0 };
	static struct etest et;
	struct host_thread *t;
	struct hook hk;

	dtest_attach(vn);
	etest_attach(vn, &et, 0, &etest_ops, false);
	pa.pa_et = &et;
	KASSERT(host_thread_create(h, "pass", -1, pass_loop, &pa, &t) == 0);
	for (unsigned i = 0; i < 100; i++) {
		hook_add(vn, &hk, i % 2 == 0 ? NULL : et.et_ifp);
		host_yield(h);
		hook_remove(vn, &hk);
	}
	__atomic_store_n(&pa.pa_stop, 1, __ATOMIC_RELEASE);
	host_thread_join(h, t);
	etest_detach(&et);
}

static void
test_remove(void **state)
{

	(void)state;
	net_on_linux(2, remove_body);
	net_on_sim(2, remove_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_encapsulation),
		cmocka_unit_test(test_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
