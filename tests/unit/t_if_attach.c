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

/*
 * A thread that looks all the time: an interface found by name is found by
 * index as well, and the other way round, or it goes away already.
 */
struct looker {
	struct vnet	*lo_vnet;
	unsigned	 lo_index;
	uint32_t	 lo_stop, lo_found;
};

static void
look(struct looker *lo)
{
	struct ifnet *byname, *byindex;

	byname = ifunit(lo->lo_vnet, "x0");
	if (byname != NULL) {
		byindex = if_byindex(lo->lo_vnet, byname->if_index);
		KASSERT(byindex == byname || if_is_deactivated(byname));
		(void)__atomic_fetch_add(&lo->lo_found, 1, __ATOMIC_RELAXED);
	}
	for (unsigned i = 1; i < 4; i++) {
		byindex = if_byindex(lo->lo_vnet, i);
		if (byindex == NULL)
			continue;
		byname = ifunit(lo->lo_vnet, byindex->if_xname);
		KASSERT(byname == byindex || if_is_deactivated(byindex));
		KASSERT(if_sadl(byindex) != NULL ||
		    if_is_deactivated(byindex));
	}
}

static void
looker_main(void *arg)
{
	struct looker *lo = arg;
	struct host *h = lo->lo_vnet->vn_kern->k_host;

	while (!__atomic_load_n(&lo->lo_stop, __ATOMIC_ACQUIRE)) {
		for (unsigned i = 0; i < 500; i++) {
			pserialize_read_enter();
			look(lo);
			pserialize_read_exit();
		}
		host_yield(h);
	}
}

/* The first of a cloner takes longest between name and index: there is memory
 * to map. */
static const struct if_clone fresh = {
	"fresh", test_clone_create, test_clone_destroy, NULL
};

static struct ifnet *
fresh_attach(struct vnet *vn)
{
	static const uint8_t lladdr[6] = { 2 };
	struct ifnet *ifp = if_alloc(vn, IFT_ETHER);

	KASSERT(ifp != NULL);
	if_initname(ifp, "x", 0);
	ifp->if_addrlen = 6;
	ifp->if_ops = &test_ops;
	ifp->if_cloner = &fresh;
	KASSERT(if_set_sadl(ifp, lladdr, 6, true) == 0);
	KASSERT(if_attach(ifp) == 0);
	return ifp;
}

static void
at_once_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct looker lo = { .lo_vnet = vn };
	struct host_thread *t;
	struct ifnet *ifp;

	KASSERT(host_thread_create(h, "looker", -1, looker_main, &lo, &t) ==
	    0);
	KASSERT(test_sysctl_set(vn, "net.link.maxindex", 3) == 0);
	for (unsigned i = 0; i < 300; i++) {
		ifp = test_must_attach(vn, "x", 0);
		KASSERT(!if_is_deactivated(ifp) && ifp->if_ops == &test_ops);
		test_detach(ifp);
		KASSERT(if_clone_attach(vn, &fresh) == 0);
		test_detach(fresh_attach(vn));
		KASSERT(if_clone_detach(vn, &fresh) == 0);
	}
	__atomic_store_n(&lo.lo_stop, 1, __ATOMIC_RELEASE);
	host_thread_join(h, t);
}

/* Fields that the driver does not set have their defaults. */
static const struct if_ops bare_ops = { .start = NULL };

static void
defaults_body(struct vnet *vn)
{
	struct ifnet *ifp;
	struct ifreq ifr;

	ifp = if_alloc(vn, IFT_OTHER);
	KASSERT(ifp != NULL);
	if_initname(ifp, "bare", 7);
	KASSERT(strcmp(ifp->if_xname, "bare7") == 0);
	ifp->if_ops = &bare_ops;
	KASSERT(if_initialize(ifp) == 0);
	KASSERT(ifp->if_index != 0 && ifunit(vn, "bare7") == NULL);
	KASSERT(if_register(ifp) == 0 && ifunit(vn, "bare7") == ifp);
	KASSERT(TAILQ_EMPTY(&ifp->if_addrlist) || if_sadl(ifp) != NULL);
	KASSERT(ifp->if_snd.ifq_maxlen == IFQ_MAXLEN);
	KASSERT(ifp->if_link_state == LINK_STATE_UNKNOWN);
	KASSERT(ifp->if_linkq_n == 0 && ifp->if_capenable == 0);
	KASSERT(ifp->if_csum_tx == 0 && ifp->if_mtu == 1500);
	KASSERT(ifp->if_typeops == &raw_type_ops);
	KASSERT(ifp->if_bpf == NULL && ifp->if_pfil == NULL);
	/* Without an ioctl function: the common one. */
	KASSERT(test_ifreq(vn, "bare7", SIOCGIFMTU, 0, &ifr) == 0);
	KASSERT(ifr.ifr_mtu == 1500);
	/* Fields that a driver has set are kept: a limit, capabilities
	 * enabled, its link. */
	test_detach(ifp);
	ifp = if_alloc(vn, IFT_OTHER);
	KASSERT(ifp != NULL);
	if_initname(ifp, "bare", 8);
	ifp->if_ops = &bare_ops;
	ifp->if_snd.ifq_maxlen = 9;
	ifp->if_mtu = 900;
	ifp->if_capabilities = IFCAP_CSUM_IPv4_Tx | IFCAP_CSUM_IPv4_Rx;
	ifp->if_capenable = IFCAP_CSUM_IPv4_Tx;
	if_link_state_change(ifp, LINK_STATE_UP);
	KASSERT(if_attach(ifp) == 0);
	KASSERT(ifp->if_snd.ifq_maxlen == 9 && ifp->if_mtu == 900);
	KASSERT(ifp->if_capenable == IFCAP_CSUM_IPv4_Tx);
	KASSERT(ifp->if_csum_tx == IF_TX_IPv4);
	KASSERT(ifp->if_link_state == LINK_STATE_UP && tally.t_nlink == 0);
	test_detach(ifp);
	/* Initialised and given up: its index is free again. */
	ifp = if_alloc(vn, IFT_OTHER);
	KASSERT(ifp != NULL);
	if_initname(ifp, "bare", 9);
	ifp->if_ops = &bare_ops;
	KASSERT(if_initialize(ifp) == 0);
	if_free(ifp);
	KASSERT(test_if_count(vn) == 0);
	KASSERT(if_bitmap_next(&vn->vn_if->ifv_used, 1) == 1);
}

/* A domain whose turn comes after that of the other one. */
static int last_error;

static int
last_attach(struct ifnet *ifp)
{

	(void)ifp;
	return last_error;
}

static void
last_detach(struct ifnet *ifp)
{

	(void)ifp;
	KASSERT(last_error == 0);	/* only what was attached */
}

static const struct domain last_domain = {
	.dom_family = AF_INET6,
	.dom_slot = DOM_SLOT_INET6,
	.dom_name = "last",
	.dom_salen = sizeof(struct sockaddr_in6),
	.dom_ifattach = last_attach,
	.dom_ifdetach = last_detach,
};

/* A link type that refuses: nothing of the interface is left. */
static int
bad_attach(struct ifnet *ifp)
{

	KASSERT(ifp->if_index != 0 && ifunit(ifp->if_vnet, "bad0") == NULL);
	return EIO;
}

static void
bad_detach(struct ifnet *ifp)
{

	(void)ifp;
	KASSERT(false);
}

static int
bad_type_attach(struct vnet *vn)
{
	struct ifnet *ifp = if_alloc(vn, IFT_OTHER);
	struct iftype_ops bad_type = raw_type_ops;
	int error;

	KASSERT(ifp != NULL);
	bad_type.it_attach = bad_attach;
	bad_type.it_detach = bad_detach;
	if_initname(ifp, "bad", 0);
	ifp->if_ops = &test_ops;
	ifp->if_typeops = &bad_type;
	error = if_attach(ifp);
	KASSERT(ifp->if_index == 0);
	if_free(ifp);
	if_free(NULL);
	return error;
}

static void
exists_body(struct vnet *vn)
{
	struct ifnet *ifp;
	int error;

	last_error = 0;
	domain_attach(vn, &last_domain);
	ifp = test_must_attach(vn, "x", 0);
	KASSERT(test_attach(vn, "x", 0, &error) == NULL && error == EEXIST);
	/* The domains forget what did not come. */
	KASSERT(tally.t_attach == 2 && tally.t_detach == 1);
	KASSERT(test_attach(vn, "a b", 0, &error) == NULL && error == EINVAL);
	KASSERT(bad_type_attach(vn) == EIO);
	last_error = EIO;
	KASSERT(test_attach(vn, "y", 0, &error) == NULL && error == EIO);
	KASSERT(tally.t_attach == 3 && tally.t_detach == 2);
	last_error = 0;
	tally.t_attach_error = ENOMEM;
	KASSERT(test_attach(vn, "y", 0, &error) == NULL && error == ENOMEM);
	tally.t_attach_error = 0;
	KASSERT(test_if_count(vn) == 1);
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
		KASSERT(test_if_count(vn) == 0);
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
	/* The holder was named, by place. */
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
test_at_once(void **state)
{

	(void)state;
	if_on_sim(2, at_once_body);
	if_on_linux(2, at_once_body);
}

static void
test_defaults(void **state)
{

	(void)state;
	if_on_sim(1, defaults_body);
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
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_exists),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_deactivate),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
