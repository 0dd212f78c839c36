/*
 * Moving to another vnet: all of it or nothing, and nothing left behind.
 */

#include "if_test.h"

static struct {
	struct ifnet	*ifp;		/* the one to be used */
	unsigned	 pauses, resumes;
	bool		 paused;
	uint8_t		 why;		/* reported while it is moved */
} driver;

static void
mv_vmove(struct ifnet *ifp, enum if_vmove_step step)
{

	KASSERT(if_ioctl_locked(ifp));
	if (step == IF_VMOVE_PAUSE) {
		KASSERT(!driver.paused && ifp == driver.ifp);
		driver.pauses++;
		driver.paused = true;
		if (driver.why != 0)
			if_oper_reason(ifp, driver.why);
		return;
	}
	KASSERT(driver.paused);
	driver.resumes++;
	driver.paused = false;
	driver.ifp = ifp;
}

/* Set by the first interface: test_ops, and can be moved. */
static struct if_ops mv_ops;

static struct ifnet *
mv_attach(struct vnet *vn, const char *name)
{
	static const uint8_t lladdr[6] = { 2, 0, 0, 0, 0, 7 };
	struct ifnet *ifp;

	mv_ops = test_ops;
	mv_ops.vmove = mv_vmove;
	ifp = if_alloc(vn, IFT_ETHER);
	KASSERT(ifp != NULL);
	if_initname(ifp, name, 0);
	ifp->if_flags = IFF_BROADCAST | IFF_MULTICAST;
	ifp->if_addrlen = 6;
	ifp->if_mtu_max = 9000;
	ifp->if_ops = &mv_ops;
	ifp->if_typeops = &raw_type_ops;
	KASSERT(if_set_sadl(ifp, lladdr, 6, true) == 0);
	KASSERT(if_percpuq_create(ifp) == 0);
	if_link_state_change(ifp, LINK_STATE_UNKNOWN);
	KASSERT(if_attach(ifp) == 0);
	memset(&driver, 0, sizeof(driver));
	driver.ifp = ifp;
	return ifp;
}

static int
move(struct vnet *vn, const char *name, const char *to)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	(void)snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	(void)snprintf(ifr.ifr_text, sizeof(ifr.ifr_text), "%s", to);
	return ifioctl(vn, &kauth_cred_self, SIOCSIFVNET, &ifr, sizeof(ifr));
}

static struct ifnet *
find(struct vnet *vn, const char *name)
{
	struct ifnet *ifp;

	pserialize_read_enter();
	ifp = ifunit(vn, name);
	pserialize_read_exit();
	return ifp;
}

static struct vnet *
other_vnet(struct vnet *vn)
{
	struct vnet *other;

	KASSERT(vnet_create_named(vn->vn_kern, "other", &other) == 0);
	other = vnet_get(vn->vn_kern, "other");
	KASSERT(other != NULL);
	return other;
}

static void
configure(struct vnet *vn, const char *name, struct ifnet *ifp)
{
	struct ifreq ifr;
	int error;

	KASSERT(test_ifreq(vn, name, SIOCSIFFLAGS, IFF_UP, &ifr) == 0);
	KASSERT(test_ifreq(vn, name, SIOCSIFMTU, 1300, &ifr) == 0);
	memset(&ifr, 0, sizeof(ifr));
	(void)strcpy(ifr.ifr_name, name);
	(void)strcpy(ifr.ifr_text, "a text");
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCSIFDESCR, &ifr,
	    sizeof(ifr)) == 0);
	if_ioctl_lock(ifp);
	error = test_ifa_add(ifp, test_sa("10.0.0.1"), 24, NULL, NULL);
	if_ioctl_unlock(ifp);
	KASSERT(error == 0);
}

static unsigned
addresses(struct ifnet *ifp, int family)
{
	struct ifaddr *ifa;
	unsigned n = 0;

	if_ioctl_lock(ifp);
	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		n += ifa->ifa_addr->sa_family == family;
	if_ioctl_unlock(ifp);
	return n;
}

static void
run_cpus(struct vnet *vn)
{

	for (int i = 0; i < 8; i++)
		kern_run(vn->vn_kern);
}

/* Link states that the driver reported just before are not lost, not even a
 * DOWN. */
static void
link_body(struct vnet *vn)
{
	struct vnet *other = other_vnet(vn);
	struct ifnet *ifp = mv_attach(vn, "x");

	if_link_state_change(ifp, LINK_STATE_UP);
	run_cpus(vn);
	KASSERT(ifp->if_link_state == LINK_STATE_UP);
	if_link_state_change(ifp, LINK_STATE_UNKNOWN);
	if_link_state_change(ifp, LINK_STATE_DOWN);
	KASSERT(move(vn, "x0", "other") == 0);
	run_cpus(vn);
	KASSERT(driver.ifp->if_link_state == LINK_STATE_DOWN);

	/* Held down: up as soon as it may be. */
	KASSERT(test_sysctl_set(other, "net.interfaces.x0.link.holddown",
	    100) == 0);
	if_link_state_change(driver.ifp, LINK_STATE_UP);
	run_cpus(vn);
	KASSERT(driver.ifp->if_link_state == LINK_STATE_DOWN);
	KASSERT(move(other, "x0", "test") == 0);
	run_cpus(vn);
	host_sleep(vn->vn_kern->k_host, 500000000);
	run_cpus(vn);
	KASSERT(driver.ifp->if_link_state == LINK_STATE_UP);
	test_detach(driver.ifp);
	vnet_destroy_held(other);
}

/* An interface that fails to be up again has moved all the same. */
static void
down_body(struct vnet *vn)
{
	struct vnet *other = other_vnet(vn);
	struct ifnet *ifp = mv_attach(vn, "x");
	struct ifreq ifr;

	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, IFF_UP, &ifr) == 0);
	driver.why = IF_OPER_TESTING;
	tally.t_init_error = EIO;
	KASSERT(move(vn, "x0", "other") == 0);
	tally.t_init_error = 0;
	KASSERT(find(vn, "x0") == NULL && find(other, "x0") == driver.ifp);
	KASSERT(!(if_flags_get(driver.ifp) & IFF_UP));
	KASSERT(driver.ifp->if_oper_why == IF_OPER_TESTING);

	/* An interface that is going is not moved. */
	ifp = driver.ifp;
	if_deactivate(ifp);
	KASSERT(move(other, "x0", "test") == ENXIO);
	KASSERT(driver.pauses == 1);
	test_detach(ifp);
	vnet_destroy_held(other);
}

static void
simple_body(struct vnet *vn)
{
	struct kauth_cred nobody = { .kc_uid = 65534, .kc_gid = 65534 };
	struct rt_listener *here, *there;
	struct vnet *other = other_vnet(vn);
	struct ifnet *ifp;
	struct ifreq ifr;
	struct psref pr;
	uint64_t handle;

	ifp = mv_attach(vn, "x");
	configure(vn, "x0", ifp);
	ifp->if_capabilities = IFCAP_CSUM_IPv4_Tx | IFCAP_CSUM_IPv4_Rx;
	ifp->if_capenable = IFCAP_CSUM_IPv4_Rx;
	handle = ifp->if_handle;
	here = listener_open(vn, no_wakeup);
	there = listener_open(other, no_wakeup);
	KASSERT(move(vn, "x0", "test") == 0);		/* is there */
	KASSERT(driver.pauses == 0 && find(vn, "x0") == ifp);

	KASSERT(move(vn, "x0", "other") == 0);
	KASSERT(find(vn, "x0") == NULL && test_if_count(vn) == 0);
	ifp = find(other, "x0");
	KASSERT(ifp != NULL && driver.ifp == ifp && !driver.paused);
	KASSERT(driver.pauses == 1 && driver.resumes == 1);
	KASSERT(ifp->if_vnet == other);
	/* Settings that are the interface's own, and those that were the
	 * vnet's. */
	KASSERT(ifp->if_mtu == 1300 && (ifp->if_flags & IFF_UP) != 0);
	KASSERT((ifp->if_flags & IFF_RUNNING) != 0);
	KASSERT(ifp->if_capabilities == (IFCAP_CSUM_IPv4_Tx |
	    IFCAP_CSUM_IPv4_Rx) && ifp->if_capenable == IFCAP_CSUM_IPv4_Rx);
	KASSERT(ifp->if_csum_tx == IF_RX_IPv4);
	KASSERT(if_sadl(ifp)->sdl_data[5] == 7 && ifp->if_hwdl == ifp->if_dl);
	KASSERT(addresses(ifp, AF_LINK) == 1 && addresses(ifp, TEST_AF) == 0);
	memset(&ifr, 0, sizeof(ifr));
	(void)strcpy(ifr.ifr_name, "x0");
	KASSERT(ifioctl(other, &kauth_cred_self, SIOCGIFDESCR, &ifr,
	    sizeof(ifr)) == 0 && strcmp(ifr.ifr_text, "a text") == 0);
	pserialize_read_enter();
	KASSERT(if_byhandle(vn, handle) == NULL);
	pserialize_read_exit();
	KASSERT(if_get_byhandle(other, ifp->if_handle, &pr) == ifp);
	if_put(ifp, &pr);
	KASSERT(listener_count(here, RTM_IFANNOUNCE) == 1);
	KASSERT(listener_count(there, RTM_IFANNOUNCE) == 1);

	(void)strcpy(ifr.ifr_text, "test");
	KASSERT(ifioctl(other, &nobody, SIOCSIFVNET, &ifr, sizeof(ifr)) ==
	    EPERM);
	KASSERT(move(other, "x0", "test") == 0);
	KASSERT(find(vn, "x0") == driver.ifp && find(other, "x0") == NULL);
	rt_listener_close(here);
	rt_listener_close(there);
	test_detach(driver.ifp);
	vnet_destroy_held(other);
}

static void
refused_body(struct vnet *vn)
{
	struct vnet *other = other_vnet(vn);
	struct ifnet *ifp, *fixed, *taken;

	fixed = test_must_attach(vn, "y", 0);	/* its driver cannot */
	taken = test_must_attach(other, "x", 0);
	ifp = mv_attach(vn, "x");
	configure(vn, "x0", ifp);
	KASSERT(move(vn, "y0", "other") == EOPNOTSUPP);
	KASSERT(move(vn, "x0", "none") == ENOENT);
	KASSERT(move(vn, "x0", "") == EINVAL);
	KASSERT(move(vn, "z0", "other") == ENXIO);
	KASSERT(driver.pauses == 0);
	/* Undone: as it was, and it goes on. */
	KASSERT(move(vn, "x0", "other") == EEXIST);
	KASSERT(driver.ifp == ifp && !driver.paused && driver.resumes == 1);
	KASSERT(find(vn, "x0") == ifp && find(other, "x0") == taken);
	KASSERT(addresses(ifp, TEST_AF) == 1);
	KASSERT((ifp->if_flags & IFF_UP) != 0);
	test_detach(taken);
	test_detach(fixed);
	KASSERT(move(vn, "x0", "other") == 0);
	test_detach(driver.ifp);
	vnet_destroy_held(other);
}

/* Each allocation fails once: an errno, and nothing has happened. */
static void
memory_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct vnet *other = other_vnet(vn);
	struct ifnet *ifp;
	unsigned n, failures = 0;
	int error;

	ifp = mv_attach(vn, "x");
	configure(vn, "x0", ifp);
	for (n = 1;; n++) {
		KASSERT(n < 200);
		sim_fail_alloc(h, n);
		error = move(vn, "x0", "other");
		if (!sim_alloc_failed(h))
			break;
		if (error == 0) {
			/* The move could do without that allocation: go
			 * back. */
			KASSERT(move(other, "x0", "test") == 0);
			ifp = find(vn, "x0");
			configure(vn, "x0", ifp);
			continue;
		}
		failures++;
		KASSERT(error == ENOMEM);
		KASSERT(find(vn, "x0") == ifp && find(other, "x0") == NULL);
		KASSERT(driver.ifp == ifp && !driver.paused);
		KASSERT((ifp->if_flags & IFF_UP) != 0);
		KASSERT(addresses(ifp, TEST_AF) == 1);
		KASSERT(test_if_count(other) == 0);
	}
	sim_fail_alloc(h, 0);
	KASSERT(error == 0 && failures >= 5);
	test_detach(driver.ifp);
	vnet_destroy_held(other);
}

static void
test_simple(void **state)
{

	(void)state;
	if_on_sim(2, simple_body);
	if_on_linux(2, simple_body);
}

static void
test_refused(void **state)
{

	(void)state;
	if_on_sim(1, refused_body);
}

static void
test_memory(void **state)
{

	(void)state;
	if_on_sim(1, memory_body);
}

static void
test_last_link(void **state)
{

	(void)state;
	if_on_sim(0, link_body);
}

static void
test_stays_down(void **state)
{

	(void)state;
	if_on_sim(0, down_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_link),
		cmocka_unit_test(test_stays_down),
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
