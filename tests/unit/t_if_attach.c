/*
 * Life of an interface: every step that fails is undone, visibility comes at
 * once, detach waits for holders and leaves nothing.
 */

#include "if_test.h"

static unsigned nevents;
static enum pfil_event events[8];

static void
on_event(void *arg, struct ifnet *ifp, enum pfil_event ev)
{
	struct psref pr;
	struct ifnet *found;

	/* Told after it can be found, and after it cannot any more. */
	found = if_get_byindex(ifp->if_vnet, ifp->if_index, &pr);
	if (found != NULL)
		if_put(found, &pr);
	KASSERT((found == ifp) == (ev == PFIL_IF_ATTACH));
	(void)arg;
	events[nevents++ % 8] = ev;
}

static const struct pfil_hook hook = { .ph_event = on_event };

static void
order_body(struct vnet *vn)
{
	struct rt_listener *rl;
	struct ifnet *ifp;
	struct psref pr;

	nevents = 0;
	KASSERT(pfil_add_hook(vn, &hook) == 0);
	rl = listener_open(vn, no_wakeup);
	ifp = test_must_attach(vn, "x", 0);
	KASSERT(nevents == 1 && events[0] == PFIL_IF_ATTACH);
	KASSERT(tally.t_attach == 1 && tally.t_detach == 0);
	KASSERT(listener_count(rl, RTM_IFANNOUNCE) == 1);
	KASSERT(if_get(vn, "x0", &pr) == ifp);
	KASSERT(if_held(ifp));
	if_put(ifp, &pr);
	KASSERT(!if_held(ifp));
	KASSERT(if_sadl(ifp)->sdl_index == ifp->if_index);

	if_up(ifp);
	if_detach(ifp);
	KASSERT(nevents == 2 && events[1] == PFIL_IF_DETACH);
	KASSERT(tally.t_detach == 1 && tally.t_down == 1);
	KASSERT(tally.t_purge == 1);
	KASSERT(tally.t_sweep == vn->vn_kern->k_ncpu);
	KASSERT(if_get(vn, "x0", &pr) == NULL);
	KASSERT(listener_count(rl, RTM_IFANNOUNCE) == 1);
	if_free(ifp);
	rt_listener_close(rl);
	pfil_remove_hook(vn, &hook);
}

static void
exists_body(struct vnet *vn)
{
	struct ifnet *ifp;
	int error;

	ifp = test_must_attach(vn, "x", 0);
	KASSERT(test_attach(vn, "x", 0, &error) == NULL && error == EEXIST);
	tally.t_attach_error = ENOMEM;
	KASSERT(test_attach(vn, "y", 0, &error) == NULL && error == ENOMEM);
	tally.t_attach_error = 0;
	KASSERT(vn->vn_if->ifv_count == 1);
	/* Their indices are free again. */
	test_detach(ifp);
	KASSERT(if_bitmap_next(&vn->vn_if->ifv_used, 1) == 1);
	KASSERT(if_bitmap_next(&vn->vn_if->ifv_used, 2) == 2);
}

/* Every allocation of an attach fails once; nothing is left each time. */
static void
faults_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	size_t before;
	struct ifnet *ifp;
	int error;

	test_detach(test_must_attach(vn, "warm", 0));
	kern_defer_barrier(vn->vn_kern);
	for (unsigned n = 1;; n++) {
		before = sim_allocated(h);
		sim_fail_alloc(h, n);
		ifp = test_attach(vn, "x", n, &error);
		if (ifp != NULL && !sim_alloc_failed(h)) {
			sim_fail_alloc(h, 0);
			test_detach(ifp);
			break;
		}
		sim_fail_alloc(h, 0);
		if (ifp != NULL) {
			test_detach(ifp);	/* could do without */
			continue;
		}
		KASSERT(error == ENOMEM);
		kern_defer_barrier(vn->vn_kern);
		KASSERT(sim_allocated(h) == before);
		KASSERT(vn->vn_if->ifv_count == 0);
		KASSERT(n < 100);
	}
}

static void
deactivate_body(struct vnet *vn)
{
	struct ifnet *ifp;
	struct ifreq ifr;
	struct psref pr;

	ifp = test_must_attach(vn, "x", 0);
	KASSERT(!if_is_deactivated(ifp));
	if_deactivate(ifp);
	KASSERT(if_is_deactivated(ifp) && ifp->if_snd.ifq_maxlen == 0);
	KASSERT(if_get(vn, "x0", &pr) == NULL);
	KASSERT(if_get_byindex(vn, ifp->if_index, &pr) == NULL);
	KASSERT(test_ifreq(vn, "x0", SIOCGIFMTU, 0, &ifr) == ENXIO);
	test_detach(ifp);
}

struct holder {
	struct vnet	*ho_vnet;
	bool		 ho_held, ho_released;
};

static void
holder_main(void *arg)
{
	struct holder *ho = arg;
	struct psref pr;
	struct ifnet *ifp;

	ifp = if_get(ho->ho_vnet, "x0", &pr);
	KASSERT(ifp != NULL);
	ho->ho_held = true;
	host_sleep(ho->ho_vnet->vn_kern->k_host, 2500000000u);
	ho->ho_released = true;
	if_put(ifp, &pr);
}

static void
wait_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct holder ho = { .ho_vnet = vn };
	struct host_thread *t;
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "x", 0);
	KASSERT(host_thread_create(h, "holder", -1, holder_main, &ho, &t) ==
	    0);
	while (!ho.ho_held)
		host_sleep(h, 1000000);
	if_detach(ifp);
	KASSERT(ho.ho_released);
	/* Who held it was said, by place. */
	KASSERT(strstr(sim_last_log(h), "t_if_attach.c") != NULL);
	if_free(ifp);
	host_thread_join(h, t);
}

/* An interface that nobody destroyed goes with the vnet. */
static void
left_body(struct vnet *vn)
{
	char name[IFNAMSIZ] = "tst";

	for (int i = 0; i < 5; i++) {
		memcpy(name, "tst", 4);
		KASSERT(if_clone_create(vn, name, NULL) == 0);
	}
}

static void
test_order(void **state)
{

	(void)state;
	if_on_sim(2, order_body);
	if_on_sim(0, order_body);
	if_on_linux(2, order_body);
}

static void
test_exists(void **state)
{

	(void)state;
	if_on_sim(1, exists_body);
}

static void
test_faults(void **state)
{

	(void)state;
	if_on_sim(1, faults_body);
}

static void
test_deactivate(void **state)
{

	(void)state;
	if_on_sim(1, deactivate_body);
}

static void
test_wait(void **state)
{

	(void)state;
	if_on_sim(2, wait_body);
}

static void
test_left(void **state)
{

	(void)state;
	if_on_sim(2, left_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_exists),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_deactivate),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
