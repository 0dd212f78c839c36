/*
 * History: what is kept, of whom, how much, and what it costs.
 */

#include "if_test.h"

#include "kern/asker.h"

static struct {
	unsigned	 n;
	struct if_history ih[256];
} got;

static int
take(const struct if_history *ih, void *arg)
{

	(void)arg;
	if (got.n < 256)
		got.ih[got.n] = *ih;
	got.n++;
	return 0;
}

static unsigned
history(struct vnet *vn, const char *name)
{

	got.n = 0;
	KASSERT(if_history_get(vn, name, take, NULL) == 0);
	return got.n;
}

static void
set_len(struct vnet *vn, int64_t len)
{

	KASSERT(sysctl_request(vn, &kauth_cred_self, "net.link.history", NULL,
	    NULL, &len, sizeof(len), NULL, NULL) == 0);
}

static void
life_body(struct vnet *vn)
{
	struct kauth_cred root = { .kc_uid = 0, .kc_pid = 4711 };
	struct ifnet *ifp;
	struct ifreq ifr;
	uint64_t handle;

	KASSERT(if_history_get(vn, "x0", take, NULL) == ESRCH);
	KASSERT(history(vn, "") == 0);
	ifp = test_must_attach(vn, "x", 0);
	handle = ifp->if_handle;
	KASSERT(history(vn, "x0") == 1);
	KASSERT(got.ih[0].ih_event == IFHIST_ATTACH);
	KASSERT(got.ih[0].ih_pid == IFHIST_PID_STACK);

	memset(&ifr, 0, sizeof(ifr));
	(void)strcpy(ifr.ifr_name, "x0");
	ifr.ifr_flags = IFF_UP;
	KASSERT(ifioctl(vn, &root, SIOCSIFFLAGS, &ifr, sizeof(ifr)) == 0);
	KASSERT(ifioctl(vn, &root, SIOCSIFFLAGS, &ifr, sizeof(ifr)) == 0);
	ifr.ifr_mtu = 1400;
	KASSERT(ifioctl(vn, &root, SIOCSIFMTU, &ifr, sizeof(ifr)) == 0);
	KASSERT(ifioctl(vn, &root, SIOCSIFMTU, &ifr, sizeof(ifr)) == 0);
	ifr.ifr_mtu = 20;
	KASSERT(ifioctl(vn, &root, SIOCSIFMTU, &ifr, sizeof(ifr)) == EINVAL);
	KASSERT(kern_asker() == NULL);
	if_link_state_change(ifp, LINK_STATE_UP);
	test_settle(vn);
	memset(&ifr.ifr_ifru, 0, sizeof(ifr.ifr_ifru));
	(void)strcpy(ifr.ifr_text, "wan");
	KASSERT(ifioctl(vn, &root, SIOCSIFNAME, &ifr, sizeof(ifr)) == 0);
	test_detach(ifp);

	/* What changed nothing is not in it, and it is there still. */
	KASSERT(if_history_get(vn, "x0", take, NULL) == ESRCH);
	KASSERT(history(vn, "wan") == 7);
	KASSERT(got.ih[1].ih_event == IFHIST_UP);
	KASSERT(got.ih[1].ih_pid == 4711 && got.ih[1].ih_uid == 0);
	KASSERT(strcmp(got.ih[1].ih_name, "x0") == 0);
	KASSERT(got.ih[2].ih_event == IFHIST_MTU);
	KASSERT(got.ih[2].ih_old == 1500 && got.ih[2].ih_new == 1400);
	KASSERT(got.ih[3].ih_event == IFHIST_LINK);
	KASSERT(got.ih[3].ih_pid == IFHIST_PID_STACK);
	KASSERT(got.ih[3].ih_old == LINK_STATE_UNKNOWN &&
	    got.ih[3].ih_new == LINK_STATE_UP);
	KASSERT(got.ih[4].ih_event == IFHIST_RENAME);
	KASSERT(strcmp(got.ih[4].ih_text, "x0") == 0);
	KASSERT(strcmp(got.ih[4].ih_name, "wan") == 0);
	KASSERT(got.ih[5].ih_event == IFHIST_DOWN);
	KASSERT(got.ih[6].ih_event == IFHIST_DETACH);
	for (unsigned i = 0; i < got.n; i++) {
		KASSERT(got.ih[i].ih_handle == handle);
		KASSERT(i == 0 || got.ih[i].ih_seq == got.ih[i - 1].ih_seq +
		    1);
		KASSERT(i == 0 || got.ih[i].ih_mono_ns >=
		    got.ih[i - 1].ih_mono_ns);
		KASSERT(got.ih[i].ih_wall_ns != 0);
	}
}

static void
limit_body(struct vnet *vn)
{
	struct ifnet *a, *b;

	a = test_must_attach(vn, "x", 0);
	b = test_must_attach(vn, "x", 1);
	for (unsigned i = 0; i < 50; i++)
		if_history_event(a, IFHIST_MTU, i, i + 1);
	/* The last 32 of one, and all of the other. */
	KASSERT(history(vn, "x0") == IFHIST_DEFAULT);
	KASSERT(got.ih[IFHIST_DEFAULT - 1].ih_new == 50);
	KASSERT(got.ih[0].ih_new == 50 - IFHIST_DEFAULT + 1);
	KASSERT(history(vn, "x1") == 1);
	KASSERT(history(vn, "") == IFHIST_DEFAULT + 1);
	set_len(vn, 3);
	KASSERT(history(vn, "x0") == 3);
	set_len(vn, 100);
	KASSERT(history(vn, "x0") == 51);
	/* None: nothing is written. */
	set_len(vn, 0);
	if_history_event(b, IFHIST_MTU, 7, 8);
	set_len(vn, 32);
	KASSERT(history(vn, "x1") == 1);
	test_detach(a);
	test_detach(b);
}

static void
full_body(struct vnet *vn)
{
	struct ifnet *a, *b;

	a = test_must_attach(vn, "x", 0);
	b = test_must_attach(vn, "x", 1);
	for (unsigned i = 0; i < IFHIST_MAX + 1000; i++)
		if_history_event(a, IFHIST_MTU, i, i + 1);
	set_len(vn, 10);
	KASSERT(history(vn, "x0") == 10);
	KASSERT(got.ih[9].ih_new == IFHIST_MAX + 1000);
	/* Overwritten, and not a word of it is left. */
	got.n = 0;
	KASSERT(if_history_get(vn, "x1", take, NULL) == ESRCH);
	set_len(vn, IFHIST_MAX);
	KASSERT(history(vn, "x0") > IFHIST_MAX - 256);
	KASSERT(got.n <= IFHIST_MAX);
	test_detach(a);
	test_detach(b);
}

/* On a CPU no memory is taken: the oldest entries make room. */
static void
storm(void *arg)
{

	if (cpu_index(curcpu()) != 0)
		return;
	for (unsigned i = 0; i < 1000; i++)
		if_history_event(arg, IFHIST_LINK, i, i + 1);
}

static void
cpu_body(struct vnet *vn)
{
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "x", 0);
	kern_xcall(vn->vn_kern, storm, ifp);
	set_len(vn, 200);
	KASSERT(history(vn, "x0") >= 128);
	KASSERT(got.ih[got.n - 1].ih_new == 1000);
	for (unsigned i = 1; i < got.n; i++)
		KASSERT(got.ih[i].ih_new == got.ih[i - 1].ih_new + 1);
	test_detach(ifp);
}

/* A name that is used again: both who had it. */
static void
again_body(struct vnet *vn)
{
	struct ifnet *ifp;

	for (unsigned i = 0; i < 3; i++) {
		ifp = test_must_attach(vn, "x", 0);
		test_detach(ifp);
	}
	KASSERT(history(vn, "x0") == 6);
	KASSERT(got.ih[0].ih_handle != got.ih[2].ih_handle);
}

static void
test_life(void **state)
{

	(void)state;
	if_on_sim(2, life_body);
}

static void
test_limit(void **state)
{

	(void)state;
	if_on_sim(1, limit_body);
}

static void
test_full(void **state)
{

	(void)state;
	if_on_sim(1, full_body);
	if_on_linux(2, full_body);
}

static void
test_cpu(void **state)
{

	(void)state;
	if_on_sim(1, cpu_body);
	if_on_linux(2, cpu_body);
}

static void
test_again(void **state)
{

	(void)state;
	if_on_sim(1, again_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
