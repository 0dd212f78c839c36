/*
 * CPUs: cross-calls, work, pollers by descriptor and by kick, sleeping when
 * idle, deferred frees, and creation when memory is short.
 */

#include "kern_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define MS	UINT64_C(1000000)

static void
count_call(void *arg)
{

	KASSERT(curcpu() != NULL && pserialize_in_read());
	__atomic_fetch_add((uint32_t *)arg, 1, __ATOMIC_RELAXED);
}

static void
xcall_body(struct kern *k)
{
	uint32_t calls = 0;

	for (unsigned i = 1; i <= 50; i++) {
		kern_xcall(k, count_call, &calls);
		KASSERT(calls == i * kern_ncpu(k));
		KASSERT(curcpu() == NULL);
	}
}

static void
xcall_thread(void *arg)
{

	xcall_body(arg);
}

static void
xcall_many_body(struct kern *k)
{
	struct host_thread *t[3];

	for (unsigned i = 0; i < 3; i++)
		KASSERT(host_thread_create(k->k_host, "xcall", -1,
		    xcall_thread, k, &t[i]) == 0);
	for (unsigned i = 0; i < 3; i++)
		host_thread_join(k->k_host, t[i]);
}

static void
test_xcall(void **state)
{

	(void)state;
	on_linux(0, xcall_body);
	on_sim(0, xcall_body);
	on_linux(3, xcall_many_body);
	on_sim(3, xcall_many_body);
}

/* --- work ---------------------------------------------------------------- */

struct job {
	struct cpu_work	 j_work;
	uint32_t	*j_order;
	uint32_t	 j_ran;
};

static void
do_job(struct cpu_work *w)
{
	struct job *j = (struct job *)w;

	__atomic_store_n(&j->j_ran, ++*j->j_order, __ATOMIC_RELEASE);
}

static void
work_body(struct kern *k)
{
	struct job j[5];
	uint32_t order = 0;

	memset(j, 0, sizeof(j));
	for (unsigned i = 0; i < 5; i++) {
		j[i].j_work.cw_fn = do_job;
		j[i].j_order = &order;
		KASSERT(cpu_work_schedule(k, NULL, &j[i].j_work));
	}
	if (!k->k_threaded) {
		KASSERT(!cpu_work_schedule(k, NULL, &j[0].j_work));
		KASSERT(kern_timeout_ns(k) == 0);
		kern_run(k);
		KASSERT(kern_timeout_ns(k) == HOST_FOREVER);
	}
	while (__atomic_load_n(&j[4].j_ran, __ATOMIC_ACQUIRE) == 0)
		host_sleep(k->k_host, MS / 10);
	for (unsigned i = 0; i < 5; i++)
		KASSERT(j[i].j_ran == i + 1);
}

static void
nothing(void *arg)
{

	(void)arg;
}

/* A call comes after what waited before it. */
static void
work_call_body(struct kern *k)
{
	struct job j = { .j_work.cw_fn = do_job };
	uint32_t order = 0;

	j.j_order = &order;
	KASSERT(cpu_work_schedule(k, k->k_cpu[0], &j.j_work));
	kern_xcall(k, nothing, NULL);
	KASSERT(j.j_ran == 1);
}

static void
test_work(void **state)
{

	(void)state;
	on_linux(0, work_body);
	on_linux(1, work_body);
	on_sim(0, work_body);
	on_sim(1, work_body);
	on_linux(0, work_call_body);
	on_sim(0, work_call_body);
	on_sim(2, work_call_body);
}

/* --- pollers ------------------------------------------------------------- */

/* A device that is a counter of packets, and a pipe where there is one. */
struct device {
	struct cpu_poller d_poller;
	uint32_t	 d_waiting;
	uint32_t	 d_got;
	uint32_t	 d_polls;
	uint32_t	 d_removed;
	int		 d_pipe[2];
};

static unsigned
poll_counter(struct cpu_poller *cp, unsigned budget)
{
	struct device *d = cp->cp_arg;
	uint32_t n;

	KASSERT(!__atomic_load_n(&d->d_removed, __ATOMIC_ACQUIRE));
	__atomic_fetch_add(&d->d_polls, 1, __ATOMIC_RELAXED);
	n = __atomic_load_n(&d->d_waiting, __ATOMIC_ACQUIRE);
	if (n > budget)
		n = budget;
	__atomic_fetch_sub(&d->d_waiting, n, __ATOMIC_ACQ_REL);
	__atomic_fetch_add(&d->d_got, n, __ATOMIC_ACQ_REL);
	return n;
}

static void
wait_got(struct kern *k, struct device *d, uint32_t n)
{

	while (__atomic_load_n(&d->d_got, __ATOMIC_ACQUIRE) != n) {
		if (k->k_threaded)
			host_sleep(k->k_host, MS / 20);
		else
			kern_run(k);
	}
}

static void
set_flag(struct cpu_work *w)
{
	struct job *j = (struct job *)w;

	__atomic_store_n(&j->j_ran, 1, __ATOMIC_RELEASE);
}

/* Have every CPU do some work, look at its descriptors and go to sleep, more
 * than once: a poller without packets is cold afterwards, and one that is hot
 * all the same has been polled. */
static void
rest(struct kern *k)
{
	struct job j;
	struct cpu *ci;

	for (unsigned i = 0; i < 4 * kern_ncpu(k); i++) {
		if (!k->k_threaded) {
			kern_run(k);
			continue;
		}
		ci = kern_cpu(k, i % kern_ncpu(k));
		memset(&j, 0, sizeof(j));
		j.j_work.cw_fn = set_flag;
		KASSERT(cpu_work_schedule(k, ci, &j.j_work));
		while (__atomic_load_n(&j.j_ran, __ATOMIC_ACQUIRE) == 0 ||
		    __atomic_load_n(&ci->ci_sleeping, __ATOMIC_ACQUIRE) !=
		    CPU_ASLEEP)
			host_sleep(k->k_host, MS / 20);
	}
}

static void
kick_body(struct kern *k)
{
	struct device d[4];
	uint32_t polls;

	memset(d, 0, sizeof(d));
	for (unsigned i = 0; i < 4; i++) {
		d[i].d_poller.cp_fd = -1;
		d[i].d_poller.cp_poll = poll_counter;
		d[i].d_poller.cp_arg = &d[i];
		KASSERT(cpu_poller_add(k, NULL, &d[i].d_poller) == 0);
	}
	for (unsigned i = 0; i < kern_ncpu(k); i++)
		KASSERT(k->k_cpu[i]->ci_npollers == 4 / kern_ncpu(k));
	for (unsigned round = 1; round <= 200; round++) {
		for (unsigned i = 0; i < 4; i++) {
			__atomic_fetch_add(&d[i].d_waiting, 1000,
			    __ATOMIC_RELEASE);
			cpu_poller_kick(&d[i].d_poller);
		}
		for (unsigned i = 0; i < 4; i++)
			wait_got(k, &d[i], round * 1000);
	}
	/* Idle ones are not polled. */
	rest(k);
	polls = __atomic_load_n(&d[0].d_polls, __ATOMIC_RELAXED);
	rest(k);
	KASSERT(__atomic_load_n(&d[0].d_polls, __ATOMIC_RELAXED) == polls);
	for (unsigned i = 0; i < 4; i++) {
		if (i % 2 == 0)
			cpu_poller_kick(&d[i].d_poller);
		cpu_poller_remove(k, &d[i].d_poller);
		__atomic_store_n(&d[i].d_removed, 1, __ATOMIC_RELEASE);
		cpu_poller_kick(&d[i].d_poller);
	}
	kern_xcall(k, count_call, &polls);
	KASSERT(k->k_cpu[0]->ci_npollers == 0);
}

static void
test_kick(void **state)
{

	(void)state;
	on_linux(0, kick_body);
	on_linux(2, kick_body);
	on_sim(0, kick_body);
	on_sim(2, kick_body);
}

static unsigned
poll_pipe(struct cpu_poller *cp, unsigned budget)
{
	struct device *d = cp->cp_arg;
	char buf[MVEC_MAX];
	ssize_t n;

	__atomic_fetch_add(&d->d_polls, 1, __ATOMIC_RELAXED);
	n = read(cp->cp_fd, buf, budget);
	if (n <= 0)
		return 0;
	__atomic_fetch_add(&d->d_got, (uint32_t)n, __ATOMIC_ACQ_REL);
	return (unsigned)n;
}

static void
open_pipe(struct device *d)
{

	memset(d, 0, sizeof(*d));
	KASSERT(pipe2(d->d_pipe, O_NONBLOCK | O_CLOEXEC) == 0);
	d->d_poller.cp_fd = d->d_pipe[0];
	d->d_poller.cp_poll = poll_pipe;
	d->d_poller.cp_arg = d;
}

static void
pipe_body(struct kern *k)
{
	struct device d;
	struct pollfd pfd;
	static const char bytes[600];

	open_pipe(&d);
	KASSERT(cpu_poller_add(k, NULL, &d.d_poller) == 0);
	for (unsigned round = 1; round <= 50; round++) {
		KASSERT(write(d.d_pipe[1], bytes, 600) == 600);
		if (!k->k_threaded) {
			pfd = (struct pollfd){ .fd = kern_fd(k),
			    .events = POLLIN };
			KASSERT(poll(&pfd, 1, 60000) == 1);
		}
		wait_got(k, &d, round * 600);
		if (!k->k_threaded) {
			kern_run(k);
			KASSERT(kern_timeout_ns(k) == HOST_FOREVER);
			KASSERT(poll(&pfd, 1, 0) == 0);
		}
	}
	/* A writer that hung up does not make the CPU spin. */
	close(d.d_pipe[1]);
	rest(k);
	d.d_got = __atomic_load_n(&d.d_polls, __ATOMIC_RELAXED);
	rest(k);
	KASSERT(__atomic_load_n(&d.d_polls, __ATOMIC_RELAXED) == d.d_got);
	cpu_poller_remove(k, &d.d_poller);
	close(d.d_pipe[0]);

	d.d_poller.cp_fd = 999;
	KASSERT(cpu_poller_add(k, NULL, &d.d_poller) == EBADF);
	KASSERT(k->k_cpu[0]->ci_npollers == 0);
}

static void
test_pipe(void **state)
{

	(void)state;
	on_linux(0, pipe_body);
	on_linux(1, pipe_body);
}

static uint64_t
cpu_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000 * MS + (uint64_t)ts.tv_nsec;
}

static void
idle_body(struct kern *k)
{
	struct device d;
	uint64_t used, passes;

	open_pipe(&d);
	KASSERT(cpu_poller_add(k, NULL, &d.d_poller) == 0);
	rest(k);
	passes = __atomic_load_n(&k->k_cpu[0]->ci_passes, __ATOMIC_RELAXED);
	for (unsigned tries = 0;; tries++) {
		used = cpu_time();
		host_sleep(k->k_host, 300 * MS);
		if (cpu_time() - used < 10 * MS)
			break;
		/* A busy machine may have charged us for others, once. */
		KASSERT(tries < 4);
	}
	/* The last ring of its doorbell may have come when it slept again. */
	KASSERT(__atomic_load_n(&k->k_cpu[0]->ci_passes, __ATOMIC_RELAXED) <=
	    passes + 1);
	cpu_poller_remove(k, &d.d_poller);
	close(d.d_pipe[0]);
	close(d.d_pipe[1]);
}

static void
test_idle(void **state)
{

	(void)state;
	on_linux(2, idle_body);
}

/* --- deferred ------------------------------------------------------------ */

struct later {
	struct kern_defer l_defer;	/* first */
	uint32_t	*l_count;
	uint32_t	 l_seen;
};

static void
run_later(struct kern_defer *kd)
{
	struct later *l = (struct later *)kd;

	KASSERT(curcpu() == NULL && !pserialize_in_read());
	l->l_seen = ++*l->l_count;
}

static struct later later[100];

static void
defer_on_cpu(void *arg)
{
	unsigned first = 50 + cpu_index(curcpu()) * 10;

	for (unsigned i = first; i < first + 10; i++)
		kern_defer(arg, &later[i].l_defer, run_later);
}

static void
defer_body(struct kern *k)
{
	uint32_t count = 0;

	memset(later, 0, sizeof(later));
	for (unsigned i = 0; i < 100; i++)
		later[i].l_count = &count;
	for (unsigned i = 0; i < 50; i++)
		kern_defer(k, &later[i].l_defer, run_later);
	kern_defer_barrier(k);
	KASSERT(count == 50);
	for (unsigned i = 0; i < 50; i++)
		KASSERT(later[i].l_seen == i + 1);
	kern_xcall(k, defer_on_cpu, k);
	if (k->k_threaded) {
		kern_defer_barrier(k);
	} else {
		KASSERT(kern_timeout_ns(k) == 0);
		kern_run(k);
	}
	KASSERT(count == 50 + 10 * kern_ncpu(k));
}

static void
test_defer(void **state)
{

	(void)state;
	on_linux(0, defer_body);
	on_linux(2, defer_body);
	on_sim(0, defer_body);
	on_sim(2, defer_body);
}

/* --- creation ------------------------------------------------------------ */

struct short_of {
	struct host	*so_host;
	unsigned	 so_ncpu;
	unsigned	 so_failures;
};

static void
create_short(void *arg)
{
	struct short_of *so = arg;
	struct kern_config kc = { .kc_ncpu = so->so_ncpu, .kc_mbufs = 64 };
	struct kern *k;
	int error;

	for (unsigned n = 1; ; n++) {
		sim_fail_alloc(so->so_host, n);
		error = kern_create(so->so_host, &kc, &k);
		if (error == 0) {
			kern_destroy(k);
			if (!sim_alloc_failed(so->so_host))
				break;
			continue;
		}
		KASSERT(error == ENOMEM || error == EAGAIN);
		so->so_failures++;
		KASSERT(n < 1000);
	}
	sim_fail_alloc(so->so_host, 0);
	kc.kc_ncpu = CPU_MAX + 1;
	KASSERT(kern_create(so->so_host, &kc, &k) == EINVAL);
}

static void
test_create(void **state)
{
	struct sim_config sc = { .sc_seed = 1, .sc_quiet = true };
	struct short_of so;

	(void)state;
	for (unsigned ncpu = 0; ncpu < 3; ncpu++) {
		so = (struct short_of){ sim_create(&sc), ncpu, 0 };
		assert_int_equal(sim_run(so.so_host, create_short, &so), 0);
		assert_true(so.so_failures > 5);
		assert_int_equal(sim_allocated(so.so_host), 0);
		sim_destroy(so.so_host);
	}
}

/* --- a CPU that sleeps --------------------------------------------------- */

struct borrowed {
	struct kern	*bo_kern;
	struct cpu_work	 bo_work;
	struct softint	*bo_si;
	uint32_t	 bo_here;	/* calls on the caller's own thread */
	uint32_t	 bo_busy;	/* threads that are CPU 0 just now */
	uint32_t	 bo_calls, bo_works, bo_softints;	/* atomic */
};

/* Only one thread is a CPU at a time. */
static void
be_alone(struct borrowed *bo, uint32_t *count)
{

	KASSERT(curcpu() == kern_cpu(bo->bo_kern, 0));
	KASSERT(__atomic_fetch_add(&bo->bo_busy, 1, __ATOMIC_ACQ_REL) == 0);
	(void)__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
	KASSERT(__atomic_fetch_sub(&bo->bo_busy, 1, __ATOMIC_ACQ_REL) == 1);
}

static void
borrowed_work(struct cpu_work *w)
{
	struct borrowed *bo = (struct borrowed *)(void *)((char *)w -
	    offsetof(struct borrowed, bo_work));

	be_alone(bo, &bo->bo_works);
}

static void
borrowed_softint(void *arg)
{
	struct borrowed *bo = arg;

	be_alone(bo, &bo->bo_softints);
}

static struct host_thread *caller;

static void
borrowed_call(void *arg)
{
	struct borrowed *bo = arg;

	be_alone(bo, &bo->bo_calls);
	bo->bo_here += host_curthread == caller;
	/* The CPU ends work begun here, and has to wake for it. */
	softint_schedule(bo->bo_si);
}

static void
borrowed_more(void *arg)
{
	struct borrowed *bo = arg;

	for (unsigned i = 0; i < 300; i++) {
		(void)cpu_work_schedule(bo->bo_kern, kern_cpu(bo->bo_kern, 0),
		    &bo->bo_work);
		host_sleep(bo->bo_kern->k_host, i % 3 * 20000);
	}
}

static void
borrow_body(struct kern *k)
{
	struct borrowed bo = { .bo_kern = k };
	struct host_thread *t;

	bo.bo_work.cw_fn = borrowed_work;
	bo.bo_si = softint_establish(k, "borrowed", borrowed_softint, &bo);
	KASSERT(bo.bo_si != NULL);
	caller = host_curthread;
	KASSERT(host_thread_create(k->k_host, "more", -1, borrowed_more, &bo,
	    &t) == 0);
	for (unsigned i = 0; i < 300; i++) {
		kern_xcall(k, borrowed_call, &bo);
		KASSERT(bo.bo_calls == i + 1);
		/* Now and then it has the time to go to sleep. */
		host_sleep(k->k_host, i % 4 * 50000);
	}
	host_thread_join(k->k_host, t);
	/* The last ones have a softint to come, and the CPU's thread may have
	 * been kept from running all the time. */
	while (bo.bo_here == 0 ||
	    __atomic_load_n(&bo.bo_softints, __ATOMIC_ACQUIRE) == 0 ||
	    __atomic_load_n(&bo.bo_works, __ATOMIC_ACQUIRE) == 0) {
		host_sleep(k->k_host, MS);
		kern_xcall(k, borrowed_call, &bo);
	}
	softint_disestablish(bo.bo_si);
}

/* Takes its time, with something begun that the CPU would go on with. */
static void
borrowed_long(void *arg)
{
	struct borrowed *bo = arg;
	struct host *h = bo->bo_kern->k_host;
	uint64_t end = host_clock(h) + 200000;

	KASSERT(__atomic_fetch_add(&bo->bo_busy, 1, __ATOMIC_ACQ_REL) == 0);
	softint_schedule(bo->bo_si);
	while (host_clock(h) < end)
		continue;
	KASSERT(__atomic_fetch_sub(&bo->bo_busy, 1, __ATOMIC_ACQ_REL) == 1);
}

/* A CPU whose thread has yet to begin. */
static void
borrow_first_body(struct kern *k)
{
	struct borrowed bo = { .bo_kern = k };

	bo.bo_si = softint_establish(k, "borrowed", borrowed_softint, &bo);
	KASSERT(bo.bo_si != NULL);
	kern_xcall(k, borrowed_long, &bo);
	softint_disestablish(bo.bo_si);
}

/* Work begun on a borrowed CPU is done, though nothing more is asked for. */
static void
borrow_wakes_body(struct kern *k)
{
	struct borrowed bo = { .bo_kern = k };
	uint64_t late;

	bo.bo_si = softint_establish(k, "borrowed", borrowed_softint, &bo);
	KASSERT(bo.bo_si != NULL);
	for (uint32_t i = 1; i <= 20; i++) {
		host_sleep(k->k_host, 2 * MS);
		kern_xcall(k, borrowed_call, &bo);
		late = host_clock(k->k_host) + 30000 * MS;
		while (__atomic_load_n(&bo.bo_softints, __ATOMIC_ACQUIRE) !=
		    i) {
			KASSERT(host_clock(k->k_host) < late);
			host_sleep(k->k_host, MS / 10);
		}
	}
	softint_disestablish(bo.bo_si);
}

static void
test_borrow(void **state)
{

	(void)state;
	on_linux(1, borrow_body);
	on_sim(1, borrow_body);
	on_linux(1, borrow_wakes_body);
	on_sim(1, borrow_wakes_body);
	for (unsigned i = 0; i < 50; i++)
		on_linux(1, borrow_first_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xcall),
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_kick),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_defer),
		cmocka_unit_test(test_borrow),
		cmocka_unit_test(test_create),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
