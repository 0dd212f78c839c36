/*
 * History: what is kept, of whom, how much, and what it costs.
 */

#include "if_test.h"

#include "layer_test.h"
#include "net/if_history_impl.h"	/* under test */

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

	KASSERT(test_sysctl_set(vn, "net.link.history", len) == 0);
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
	KASSERT(test_asker() == NULL);
	if_link_state_change(ifp, LINK_STATE_UP);
	test_settle(vn);
	memset(&ifr.ifr_ifru, 0, sizeof(ifr.ifr_ifru));
	(void)strcpy(ifr.ifr_text, "wan");
	KASSERT(ifioctl(vn, &root, SIOCSIFNAME, &ifr, sizeof(ifr)) == 0);
	test_detach(ifp);

	/* Requests that changed nothing are not in the history, and it is
	 * there still. */
	KASSERT(history(vn, "x0") == 7);
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
	/* More of what comes from now on; what is not kept is gone. */
	set_len(vn, 100);
	KASSERT(history(vn, "x0") == IFHIST_DEFAULT);
	for (unsigned i = 50; i < 200; i++)
		if_history_event(a, IFHIST_MTU, i, i + 1);
	KASSERT(history(vn, "x0") == 100);
	KASSERT(got.ih[0].ih_new == 101 && got.ih[99].ih_new == 200);
	/* Fewer: at once for whoever looks, and by and by in the store. */
	set_len(vn, 1);
	for (unsigned i = 200; i < 400; i++) {
		if_history_event(a, IFHIST_MTU, i, i + 1);
		KASSERT(history(vn, "x0") == 1 && got.ih[0].ih_new == i + 1);
	}
	set_len(vn, 100);
	KASSERT(history(vn, "x0") == 1);
	/* None: nothing is written, and what was is forgotten for good. */
	KASSERT(history(vn, "x1") == 1);
	set_len(vn, 0);
	if_history_event(b, IFHIST_MTU, 7, 8);
	set_len(vn, 32);
	KASSERT(if_history_get(vn, "x1", take, NULL) == ESRCH);
	KASSERT(history(vn, "") == 0);
	if_history_event(b, IFHIST_MTU, 8, 9);
	KASSERT(history(vn, "x1") == 1 && got.ih[0].ih_new == 9);
	test_detach(a);
	test_detach(b);
}

/* However much happens to one, nothing of another is pushed out by it. */
static void
noisy_body(struct vnet *vn)
{
	struct ifnet *a, *b;

	b = test_must_attach(vn, "x", 1);
	a = test_must_attach(vn, "x", 0);
	for (unsigned i = 0; i < IFHIST_MAX + 1000; i++)
		if_history_event(a, IFHIST_MTU, i, i + 1);
	set_len(vn, 10);
	KASSERT(history(vn, "x0") == 10);
	KASSERT(got.ih[9].ih_new == IFHIST_MAX + 1000);
	KASSERT(history(vn, "x1") == 1);
	KASSERT(got.ih[0].ih_event == IFHIST_ATTACH);

	/* Kept without a limit, it fills the store; a newcomer has room, at the
	 * cost of what is oldest. */
	set_len(vn, IFHIST_MAX);
	for (unsigned i = 0; i < IFHIST_MAX + 1000; i++)
		if_history_event(a, IFHIST_MTU, i, i + 1);
	KASSERT(history(vn, "x0") > IFHIST_MAX / 2);
	KASSERT(history(vn, "x1") == 1);
	for (unsigned i = 0; i < 1000; i++)
		if_history_event(b, IFHIST_MTU, i, i + 1);
	KASSERT(history(vn, "x1") >= 1000);
	KASSERT(history(vn, "") <= IFHIST_MAX);
	test_detach(a);
	test_detach(b);
}

#define NQUIET	3000u

/* The store full of quiet ones: ten that never stop keep to their share. */
static void
full_body(struct vnet *vn)
{
	static struct ifnet *quiet[NQUIET];
	struct ifnet *noisy[10];
	unsigned n = 0;

	for (unsigned i = 0; i < NQUIET; i++)
		quiet[i] = test_must_attach(vn, "q", i);
	for (unsigned i = 0; i < 10; i++)
		noisy[i] = test_must_attach(vn, "n", i);
	/* 3000 with 25 events are more than there is room for. */
	for (unsigned k = 0; k < 24; k++)
		for (unsigned i = 0; i < NQUIET; i++)
			if_history_event(quiet[i], IFHIST_MTU, k, k + 1);
	KASSERT(history(vn, "") == IFHIST_MAX);
	for (unsigned k = 0; k < 20000; k++)
		if_history_event(noisy[k % 10], IFHIST_MTU, k, k + 1);
	KASSERT(history(vn, "") == IFHIST_MAX);
	KASSERT(history(vn, "n3") >= 8 && got.n <= 32);
	KASSERT(got.ih[got.n - 1].ih_new == 20000 - 6);
	/* Each of the others has nearly all it had. */
	for (unsigned i = 0; i < NQUIET; i += 100) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "q%u", i);
		KASSERT(history(vn, name) >= 20);
		KASSERT(got.ih[got.n - 1].ih_new == 24);
		n++;
	}
	KASSERT(n == 30);
	for (unsigned i = 0; i < NQUIET; i++)
		test_detach(quiet[i]);
	for (unsigned i = 0; i < 10; i++)
		test_detach(noisy[i]);
}

/* On a CPU no memory is taken: the oldest events make room. */
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
	struct ifnet *ifp, *b;

	set_len(vn, 200);
	b = test_must_attach(vn, "x", 1);
	ifp = test_must_attach(vn, "x", 0);
	kern_xcall(vn->vn_kern, storm, ifp);
	KASSERT(history(vn, "x0") >= 64);
	KASSERT(got.ih[got.n - 1].ih_new == 1000);
	for (unsigned i = 1; i < got.n; i++)
		KASSERT(got.ih[i].ih_new == got.ih[i - 1].ih_new + 1);
	KASSERT(history(vn, "x1") == 1);
	test_detach(ifp);
	test_detach(b);
}

/* Written, read and forgotten by several at once. */
struct writer {
	struct ifnet	*wr_ifp;
	bool		 wr_done;
};

static void
writer_main(void *arg)
{
	struct writer *wr = arg;

	for (unsigned i = 0; i < 3000; i++)
		if_history_event(wr->wr_ifp, IFHIST_MTU, i, i + 1);
	__atomic_store_n(&wr->wr_done, true, __ATOMIC_RELEASE);
}

static int
in_order(const struct if_history *ih, void *arg)
{
	uint64_t *last = arg;

	KASSERT(ih->ih_seq > *last || *last == 0);
	*last = ih->ih_seq;
	return 0;
}

static void
many_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct host_thread *t[2];
	struct writer wr[2];
	uint64_t last;

	for (unsigned i = 0; i < 2; i++) {
		wr[i].wr_ifp = test_must_attach(vn, "x", i);
		wr[i].wr_done = false;
		KASSERT(host_thread_create(h, "writer", -1, writer_main,
		    &wr[i], &t[i]) == 0);
	}
	do {
		last = 0;
		KASSERT(if_history_get(vn, "", in_order, &last) == 0);
		kern_xcall(vn->vn_kern, storm, wr[0].wr_ifp);
	} while (!__atomic_load_n(&wr[0].wr_done, __ATOMIC_ACQUIRE) ||
	    !__atomic_load_n(&wr[1].wr_done, __ATOMIC_ACQUIRE));
	for (unsigned i = 0; i < 2; i++) {
		host_thread_join(h, t[i]);
		KASSERT(history(vn, wr[i].wr_ifp->if_xname) == 32);
		test_detach(wr[i].wr_ifp);
	}
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

/* An interface is found by any name that it had, beside the present owner. */
static void
renamed_body(struct vnet *vn)
{
	struct kauth_cred root = { .kc_uid = 0, .kc_pid = 1 };
	struct ifnet *ifp, *other;
	struct ifreq ifr;
	unsigned i;

	ifp = test_must_attach(vn, "x", 0);
	memset(&ifr, 0, sizeof(ifr));
	(void)strcpy(ifr.ifr_name, "x0");
	(void)strcpy(ifr.ifr_text, "wan");
	KASSERT(ifioctl(vn, &root, SIOCSIFNAME, &ifr, sizeof(ifr)) == 0);
	other = test_must_attach(vn, "x", 0);
	KASSERT(history(vn, "x0") == 3);	/* attach, rename, attach */
	KASSERT(got.ih[0].ih_handle == got.ih[1].ih_handle);
	KASSERT(got.ih[0].ih_handle != got.ih[2].ih_handle);
	KASSERT(history(vn, "wan") == 2);
	/* The rename alone still tells the old name... */
	for (i = 0; i < IFHIST_DEFAULT - 1; i++)
		if_history_event(ifp, IFHIST_MTU, i, i + 1);
	KASSERT(history(vn, "x0") == IFHIST_DEFAULT + 1);
	KASSERT(got.ih[0].ih_event == IFHIST_RENAME ||
	    got.ih[1].ih_event == IFHIST_RENAME);
	/* ... and with it the name is forgotten. */
	if_history_event(ifp, IFHIST_MTU, 1, 2);
	KASSERT(history(vn, "x0") == 1);
	test_detach(ifp);
	test_detach(other);
	KASSERT(history(vn, "wan") > 2);
}

static void
test_renamed(void **state)
{

	(void)state;
	if_on_sim(1, renamed_body);
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
test_noisy(void **state)
{

	(void)state;
	if_on_sim(1, noisy_body);
	if_on_linux(2, noisy_body);
}

static void
test_full(void **state)
{

	(void)state;
	if_on_linux(2, full_body);
}

static void
test_many(void **state)
{

	(void)state;
	if_on_sim(2, many_body);
	if_on_linux(2, many_body);
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
		cmocka_unit_test(test_noisy),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_renamed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
