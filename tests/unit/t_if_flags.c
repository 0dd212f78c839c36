/*
 * Up, down, flags, promiscuous mode, the watchdog: one announcement for each
 * transition, and failures that leave things as they were.
 */

#include "if_test.h"
#include "layer_test.h"

static void
updown_body(struct vnet *vn)
{
	struct rt_listener *rl;
	struct ifnet *ifp;
	struct ifreq ifr;

	ifp = test_must_attach(vn, "x", 0);
	rl = listener_open(vn, no_wakeup);
	if_up(ifp);
	if_up(ifp);
	KASSERT(tally.t_up == 1 && listener_count(rl, RTM_IFINFO) == 1);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, IFF_UP, &ifr) == 0);
	KASSERT(tally.t_up == 1 && tally.t_init == 1);
	KASSERT(listener_count(rl, RTM_IFINFO) == 0);
	if_down(ifp);
	if_down(ifp);
	KASSERT(tally.t_down == 1 && listener_count(rl, RTM_IFINFO) == 1);

	/* By request: once as well. */
	if_flags_update(ifp, 0, IFF_RUNNING);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, IFF_UP | IFF_DEBUG,
	    &ifr) == 0);
	KASSERT(tally.t_init == 2 && tally.t_up == 2);
	KASSERT(listener_count(rl, RTM_IFINFO) == 1);
	KASSERT((ifp->if_flags & (IFF_UP | IFF_DEBUG | IFF_RUNNING)) ==
	    (IFF_UP | IFF_DEBUG | IFF_RUNNING));
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, IFF_UP | IFF_LINK0,
	    &ifr) == 0);
	KASSERT(listener_count(rl, RTM_IFINFO) == 1 && tally.t_up == 2);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, 0, &ifr) == 0);
	KASSERT(listener_count(rl, RTM_IFINFO) == 1);
	KASSERT(tally.t_stop == 1 && tally.t_down == 2);
	/* Flags that the stack alone changes are not the user's. */
	KASSERT((ifp->if_flags & (IFF_BROADCAST | IFF_MULTICAST)) != 0);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, IFF_LOOPBACK | IFF_PROMISC,
	    &ifr) == 0);
	KASSERT((ifp->if_flags & (IFF_LOOPBACK | IFF_PROMISC)) == 0);

	/* A driver that cannot start. */
	tally.t_init_error = EIO;
	KASSERT(listener_count(rl, RTM_IFINFO) == 0);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, IFF_UP | IFF_DEBUG,
	    &ifr) == EIO);
	KASSERT((ifp->if_flags & (IFF_UP | IFF_DEBUG)) == 0);
	KASSERT(listener_count(rl, RTM_IFINFO) == 0 && tally.t_up == 2);
	rt_listener_close(rl);
	test_detach(ifp);
}

/* A driver that sets IFF_UP by itself in its request function. */
static int
bold_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	(void)data;
	if (cmd != SIOCSIFMETRIC)
		return ENOTTY;
	if_flags_update(ifp, IFF_UP, 0);
	return 0;
}

static const struct if_ops bold_ops = {
	.transmit = test_transmit, .ioctl = bold_ioctl,
};

static void
bold_body(struct vnet *vn)
{
	struct rt_listener *rl;
	struct ifnet *ifp;
	struct ifreq ifr;

	ifp = test_must_attach(vn, "x", 0);
	ifp->if_ops = &bold_ops;
	rl = listener_open(vn, no_wakeup);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFMETRIC, 0, &ifr) == 0);
	KASSERT(tally.t_up == 1 && listener_count(rl, RTM_IFINFO) == 1);
	rt_listener_close(rl);
	test_detach(ifp);
}

/* A driver that goes up and down in its own functions, or goes down for one
 * that cannot start: the request that led there says nothing again. */
static int
eager_init(struct ifnet *ifp)
{

	if_up(ifp);
	if (tally.t_init_error != 0) {
		if_down(ifp);
		return tally.t_init_error;
	}
	if_flags_update(ifp, IFF_RUNNING, 0);
	return 0;
}

static void
eager_stop(struct ifnet *ifp, bool disable)
{

	(void)disable;
	if_flags_update(ifp, 0, IFF_RUNNING);
	if_down(ifp);
}

static const struct if_ops eager_ops = {
	.transmit = test_transmit, .init = eager_init, .stop = eager_stop,
};

static void
eager_body(struct vnet *vn)
{
	struct rt_listener *rl;
	struct ifnet *ifp;
	struct ifreq ifr;

	ifp = test_must_attach(vn, "x", 0);
	ifp->if_ops = &eager_ops;
	rl = listener_open(vn, no_wakeup);
	for (unsigned i = 1; i <= 2; i++) {
		KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, IFF_UP, &ifr) == 0);
		KASSERT(tally.t_up == i && tally.t_down == i - 1);
		KASSERT(listener_count(rl, RTM_IFINFO) == 1);
		KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, 0, &ifr) == 0);
		KASSERT(tally.t_up == i && tally.t_down == i);
		KASSERT(listener_count(rl, RTM_IFINFO) == 1);
	}
	/* Up and down again is two transitions. */
	tally.t_init_error = EIO;
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, IFF_UP, &ifr) == EIO);
	KASSERT((if_flags_get(ifp) & IFF_UP) == 0);
	KASSERT(tally.t_up == 3 && tally.t_down == 3);
	KASSERT(listener_count(rl, RTM_IFINFO) == 2);
	rt_listener_close(rl);
	test_detach(ifp);
}

/*
 * A driver with functions of its own for flags and groups: it is asked with
 * the ioctl lock held, for what is to be, and only when something changes.
 */
static int own_flags;
static unsigned own_groups;

static int
own_setflags(struct ifnet *ifp, int flags)
{

	KASSERT(if_ioctl_locked(ifp));
	tally.t_setflags++;
	own_flags = flags;
	if (tally.t_ioctl_error != 0)
		return tally.t_ioctl_error;
	if_flags_update(ifp, (uint32_t)flags & IFF_PROMISC,
	    ~(uint32_t)flags & IFF_PROMISC);
	return 0;
}

static int
own_mcastop(struct ifnet *ifp, unsigned long cmd, const struct sockaddr *sa)
{

	KASSERT(if_ioctl_locked(ifp) && sa->sa_family == AF_LINK);
	own_groups += cmd == SIOCADDMULTI ? 1 : -1u;
	return 0;
}

static const struct if_ops own_ops = {
	.transmit = test_transmit, .ioctl = test_ioctl,
	.setflags = own_setflags, .mcastop = own_mcastop,
};

static void
own_body(struct vnet *vn)
{
	struct sockaddr_dl sdl = { .sdl_family = AF_LINK };
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "x", 0);
	ifp->if_ops = &own_ops;
	if_up(ifp);
	KASSERT(ifpromisc(ifp, true) == 0 && tally.t_setflags == 1);
	KASSERT((own_flags & (IFF_PROMISC | IFF_UP)) == (IFF_PROMISC | IFF_UP));
	KASSERT(ifpromisc(ifp, true) == 0 && tally.t_setflags == 1);
	KASSERT(ifpromisc(ifp, false) == 0 && tally.t_setflags == 1);
	tally.t_ioctl_error = EIO;
	KASSERT(ifpromisc(ifp, false) == EIO && ifp->if_pcount == 1);
	KASSERT((if_flags_get(ifp) & IFF_PROMISC) != 0);
	tally.t_ioctl_error = 0;
	KASSERT(ifpromisc(ifp, false) == 0 && ifp->if_pcount == 0);
	KASSERT((own_flags & IFF_PROMISC) == 0 && tally.t_setflags == 3);
	KASSERT((if_flags_get(ifp) & IFF_PROMISC) == 0 && tally.t_ioctl == 0);
	if_ioctl_lock(ifp);
	KASSERT(if_mcast_op(ifp, SIOCADDMULTI, (struct sockaddr *)&sdl) == 0);
	KASSERT(own_groups == 1);
	KASSERT(if_mcast_op(ifp, SIOCDELMULTI, (struct sockaddr *)&sdl) == 0);
	KASSERT(own_groups == 0);
	if_ioctl_unlock(ifp);
	test_detach(ifp);
}

/* A driver with no functions: the common ones serve it. */
static const struct if_ops none_ops = { .transmit = test_transmit };

/* A driver that wants to start over when its flags change. */
static int
again_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{
	int error;

	error = ifioctl_common(ifp, cmd, data);
	tally.t_ioctl++;
	return error == 0 && cmd == SIOCSIFFLAGS ? ENETRESET : error;
}

static const struct if_ops again_ops = {
	.transmit = test_transmit, .ioctl = again_ioctl, .init = test_init,
};

static void
none_body(struct vnet *vn)
{
	struct sockaddr_dl sdl = { .sdl_family = AF_LINK };
	struct ifnet *ifp;
	struct ifreq ifr;

	ifp = test_must_attach(vn, "x", 0);
	ifp->if_ops = &none_ops;
	if_up(ifp);
	KASSERT(ifpromisc(ifp, true) == 0);
	KASSERT((if_flags_get(ifp) & IFF_PROMISC) != 0);
	KASSERT(ifpromisc(ifp, false) == 0);
	KASSERT((if_flags_get(ifp) & IFF_PROMISC) == 0);
	if_ioctl_lock(ifp);
	KASSERT(if_mcast_op(ifp, SIOCADDMULTI, (struct sockaddr *)&sdl) ==
	    ENOTTY);
	if_ioctl_unlock(ifp);
	/* A driver without a watchdog. */
	if_set_timer(ifp, 1);
	KASSERT(ifp->if_timer == 0 &&
	    !test_watchdog_armed(ifp));

	ifp->if_ops = &again_ops;
	if_flags_update(ifp, IFF_RUNNING, 0);
	KASSERT(ifpromisc(ifp, true) == 0 && tally.t_ioctl == 1);
	KASSERT(tally.t_init == 0 && ifp->if_pcount == 1);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, IFF_UP | IFF_LINK0, &ifr) ==
	    0 && tally.t_init == 1);
	test_detach(ifp);
}

/* When it last went up or down is kept. */
static void
lastchange_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct ifnet *ifp;
	uint64_t before;

	ifp = test_must_attach(vn, "x", 0);
	for (unsigned i = 0; i < 4; i++) {
		before = ifp->if_lastchange_ns;
		host_sleep(h, 5000000);
		if (i < 2)
			if_up(ifp);	/* the second changes nothing */
		else
			if_down(ifp);
		KASSERT((ifp->if_lastchange_ns > before) == (i % 2 == 0));
	}
	test_detach(ifp);
}

static void
promisc_body(struct vnet *vn)
{
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "x", 0);
	KASSERT(ifpromisc(ifp, false) == EINVAL);
	/* Down: the driver is not asked. */
	KASSERT(ifpromisc(ifp, true) == 0 && tally.t_ioctl == 0);
	KASSERT((ifp->if_flags & IFF_PROMISC) != 0);
	KASSERT(ifpromisc(ifp, false) == 0);
	KASSERT((ifp->if_flags & IFF_PROMISC) == 0);
	if_up(ifp);
	KASSERT(ifpromisc(ifp, true) == 0 && tally.t_ioctl == 1);
	KASSERT(ifpromisc(ifp, true) == 0 && tally.t_ioctl == 1);
	KASSERT(ifpromisc(ifp, false) == 0 && tally.t_ioctl == 1);
	KASSERT((ifp->if_flags & IFF_PROMISC) != 0);
	/* The last off fails: still on, and counted. */
	tally.t_ioctl_error = EIO;
	KASSERT(ifpromisc(ifp, false) == EIO && ifp->if_pcount == 1);
	KASSERT((ifp->if_flags & IFF_PROMISC) != 0);
	tally.t_ioctl_error = 0;
	KASSERT(ifpromisc(ifp, false) == 0 && ifp->if_pcount == 0);
	tally.t_ioctl_error = EIO;
	KASSERT(ifpromisc(ifp, true) == EIO && ifp->if_pcount == 0);
	KASSERT((ifp->if_flags & IFF_PROMISC) == 0);
	tally.t_ioctl_error = 0;
	KASSERT(ifpromisc(ifp, false) == EINVAL);
	/* As many as can be counted, and as many back. */
	for (unsigned i = 0; i < UINT16_MAX; i++)
		KASSERT(ifpromisc(ifp, true) == 0);
	KASSERT(ifpromisc(ifp, true) == EBUSY);
	for (unsigned i = 0; i < UINT16_MAX; i++) {
		KASSERT((if_flags_get(ifp) & IFF_PROMISC) != 0);
		KASSERT(ifpromisc(ifp, false) == 0);
	}
	KASSERT((if_flags_get(ifp) & IFF_PROMISC) == 0);
	test_detach(ifp);
}

static void
watchdog_body(struct vnet *vn)
{
	static const struct if_ops no_watchdog_ops = {
		.ioctl = ifioctl_common,
	};
	struct host *h = vn->vn_kern->k_host;
	struct ifnet *bare, *ifp;

	ifp = test_must_attach(vn, "x", 0);
	KASSERT(!test_watchdog_armed(ifp));
	if_set_timer(ifp, 3);
	host_sleep(h, 2500000000u);
	KASSERT(tally.t_watchdog == 0);
	host_sleep(h, 1000000000u);
	KASSERT(tally.t_watchdog == 1);
	host_sleep(h, 5000000000u);
	KASSERT(tally.t_watchdog == 1);
	KASSERT(!test_watchdog_armed(ifp));
	if_set_timer(ifp, 2);
	KASSERT(test_watchdog_armed(ifp));
	if_set_timer(ifp, 0);
	KASSERT(!test_watchdog_armed(ifp));
	host_sleep(h, 3000000000u);
	KASSERT(tally.t_watchdog == 1);
	if_set_timer(ifp, 1);
	if_set_timer(ifp, -1);
	host_sleep(h, 3000000000u);
	KASSERT(tally.t_watchdog == 1);
	/* Nor of one that has none, whether it is going or not. */
	bare = if_alloc(vn, IFT_OTHER);
	KASSERT(bare != NULL);
	if_initname(bare, "bare", 0);
	bare->if_ops = &no_watchdog_ops;
	KASSERT(if_attach(bare) == 0);
	if_set_timer(bare, 1);
	if_deactivate(bare);
	if_set_timer(bare, 1);
	if_set_timer(bare, 0);
	test_detach(bare);
	/* Not of one that is going, armed before or after. */
	if_set_timer(ifp, 1);
	if_deactivate(ifp);
	host_sleep(h, 3000000000u);
	if_set_timer(ifp, 1);
	KASSERT(tally.t_watchdog == 1);
	KASSERT(!test_watchdog_armed(ifp));
	test_detach(ifp);
	host_sleep(h, 3000000000u);
	KASSERT(tally.t_watchdog == 1);
}

/* Armed by CPUs that have just found it, while it goes. */
struct arming {
	struct vnet	*ar_vnet;
	uint32_t	 ar_stop;
};

static void
arm(void *arg)
{
	struct ifnet *ifp = ifunit(arg, "x0");

	if (ifp != NULL)
		if_set_timer(ifp, 1 + (int)cpu_index(curcpu()));
}

static void
arm_main(void *arg)
{
	struct arming *ar = arg;

	while (!__atomic_load_n(&ar->ar_stop, __ATOMIC_ACQUIRE))
		kern_xcall(ar->ar_vnet->vn_kern, arm, ar->ar_vnet);
}

static void
arming_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct arming ar = { .ar_vnet = vn };
	struct host_thread *t;
	struct ifnet *ifp;

	KASSERT(host_thread_create(h, "arm", -1, arm_main, &ar, &t) == 0);
	for (unsigned i = 0; i < 100; i++) {
		ifp = test_must_attach(vn, "x", 0);
		host_yield(h);
		if_detach(ifp);
		KASSERT(!test_watchdog_armed(ifp));
		if_free(ifp);
	}
	__atomic_store_n(&ar.ar_stop, 1, __ATOMIC_RELEASE);
	host_thread_join(h, t);
}

static void
mcast_body(struct vnet *vn)
{
	struct sockaddr sa = { .sa_family = AF_UNIX };
	struct sockaddr_dl sdl = { .sdl_family = AF_LINK };
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "x", 0);
	if_ioctl_lock(ifp);
	KASSERT(if_mcast_op(ifp, SIOCADDMULTI, &sa) == EAFNOSUPPORT);
	KASSERT(if_mcast_op(ifp, SIOCGIFMTU, &sa) == EINVAL);
	KASSERT(if_mcast_op(ifp, SIOCADDMULTI, (struct sockaddr *)&sdl) ==
	    ENOTTY);
	if_ioctl_unlock(ifp);
	test_detach(ifp);
}

static void
test_updown(void **state)
{

	(void)state;
	if_on_sim(2, updown_body);
}

static void
test_bold(void **state)
{

	(void)state;
	if_on_sim(1, bold_body);
}

static void
test_eager(void **state)
{

	(void)state;
	if_on_sim(1, eager_body);
}

static void
test_own(void **state)
{

	(void)state;
	if_on_sim(1, own_body);
}

static void
test_none(void **state)
{

	(void)state;
	if_on_sim(1, none_body);
}

static void
test_lastchange(void **state)
{

	(void)state;
	if_on_sim(1, lastchange_body);
}

static void
test_promisc(void **state)
{

	(void)state;
	if_on_sim(1, promisc_body);
}

static void
test_watch(void **state)
{

	(void)state;
	if_on_sim(2, watchdog_body);
}

static void
test_arming(void **state)
{

	(void)state;
	if_on_sim(2, arming_body);
	if_on_linux(2, arming_body);
}

static void
test_mcast(void **state)
{

	(void)state;
	if_on_sim(1, mcast_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_updown),
		cmocka_unit_test(test_bold),
		cmocka_unit_test(test_eager),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_lastchange),
		cmocka_unit_test(test_promisc),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_arming),
		cmocka_unit_test(test_mcast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
