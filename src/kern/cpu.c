/*
 * The CPU's loop: work from others, pollers, soft interrupts, callouts, sleep.
 *
 * A pass is one read section.  Outside it the CPU may look at descriptors,
 * sleep, and tell others that their calls are done.
 *
 * A thread that gives a CPU something to do stores it first and then looks at
 * ci_sleeping; the CPU sets ci_sleeping first and then looks for things to do.
 * A full fence stands between the two on both sides, so at least one of them
 * sees the other, and a busy CPU is never interrupted by a system call.
 *
 * While its thread sleeps, a control thread may be the CPU for a cross-call
 * (CPU_BORROWED); the thread, waking up, waits until it is given back.
 */

#include "kern/cpu_private.h"
#include "kern/ktask.h"

#include <errno.h>
#include <stdio.h>

/* Descriptors looked at in one call. */
#define LOOK_EVENTS	64
/* A busy CPU looks at its descriptors after so many passes or so long. */
#define LOOK_PASSES	64
#define LOOK_NS		(100 * 1000)
/* kern_run() returns to the user's loop after this many passes. */
#define RUN_PASSES	1024

const char *
cpu_stage_name(enum cpu_stage stage)
{
	static const char *const names[STAGE_MAX] = {
		[STAGE_POLL] = "poll",
		[STAGE_IF_INPUT] = "if_input",
		[STAGE_ETHER_INPUT] = "ether_input",
		[STAGE_IP_INPUT] = "ip_input",
		[STAGE_IP_FORWARD] = "ip_forward",
		[STAGE_ETHER_OUTPUT] = "ether_output",
		[STAGE_TRANSMIT] = "transmit",
		[STAGE_LOCAL] = "local",
	};

	return (unsigned)stage < STAGE_MAX ? names[stage] : NULL;
}

int
cpu_create(struct kern *k, unsigned index)
{
	struct cpu *ci;
	int error;

	ci = host_alloc(k->k_host, sizeof(*ci), 64);
	if (ci == NULL)
		return ENOMEM;
	ci->ci_kern = k;
	ci->ci_index = index;
	TAILQ_INIT(&ci->ci_softpending);
	ci->ci_now = host_clock(k->k_host);
	ci->ci_stage_cur = STAGE_LOCAL;
	/* A CPU counts as asleep until it runs for the first time, so others
	 * wake it. */
	ci->ci_sleeping = CPU_ASLEEP;
	k->k_cpu[index] = ci;
	ci->ci_private = host_alloc(k->k_host, sizeof(struct cpu_private), 64);
	if (ci->ci_private == NULL)
		return ENOMEM;
	error = host_poller_create(k->k_host, &ci->ci_poller);
	if (error != 0)
		return error;
	return callout_wheel_create(ci);
}

void
cpu_destroy(struct kern *k, unsigned index)
{
	struct cpu *ci = k->k_cpu[index];

	if (ci == NULL)
		return;
	KASSERT(ci->ci_npollers == 0);
	KASSERT(ci->ci_work == NULL);
	callout_wheel_destroy(ci);
	if (ci->ci_poller != NULL)
		host_poller_destroy(k->k_host, ci->ci_poller);
	host_free(k->k_host, ci->ci_private);
	host_free(k->k_host, ci);
	k->k_cpu[index] = NULL;
}

void
cpu_notify(struct cpu *ci)
{

	machine_fence();
	if (__atomic_load_n(&ci->ci_sleeping, __ATOMIC_RELAXED) != CPU_AWAKE)
		host_poller_wake(ci->ci_kern->k_host, ci->ci_poller);
}

bool
cpu_work_schedule(struct kern *k, struct cpu *ci, struct cpu_work *w)
{
	struct cpu_work *head;

	if (__atomic_exchange_n(&w->cw_queued, 1, __ATOMIC_ACQ_REL) != 0)
		return false;
	if (ci == NULL) {
		ci = curcpu();
		if (ci == NULL || ci->ci_kern != k)
			ci = k->k_cpu[0];
	}
	head = __atomic_load_n(&ci->ci_work, __ATOMIC_RELAXED);
	do {
		w->cw_next = head;
	} while (!__atomic_compare_exchange_n(&ci->ci_work, &head, w, true,
	    __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	cpu_notify(ci);
	return true;
}

bool
cpu_run_work(struct cpu *ci)
{
	struct cpu_work *w, *next, *list = NULL;

	if (__atomic_load_n(&ci->ci_work, __ATOMIC_RELAXED) == NULL)
		return false;
	w = __atomic_exchange_n(&ci->ci_work, NULL, __ATOMIC_ACQUIRE);
	for (; w != NULL; w = next) {
		next = w->cw_next;
		w->cw_next = list;
		list = w;
	}
	for (w = list; w != NULL; w = next) {
		next = w->cw_next;
		/* The work may be scheduled again from here on, or freed by
		 * fn. */
		__atomic_store_n(&w->cw_queued, 0, __ATOMIC_RELEASE);
		w->cw_fn(w);
	}
	return true;
}

void
cpu_push_done(struct cpu *ci, struct cpu_work *w)
{
	struct cpu_private *cp = ci->ci_private;

	w->cw_next = cp->cpv_done;
	cp->cpv_done = w;
}

static void
finish_calls(struct cpu *ci)
{
	struct cpu_private *cp = ci->ci_private;
	struct cpu_work *done = cp->cpv_done;

	if (done == NULL)
		return;
	cp->cpv_done = NULL;
	xcall_finish(ci, done);
}

bool
cpu_pass(struct cpu *ci)
{
	bool worked;

	ci->ci_now = host_clock(ci->ci_kern->k_host);
	ci->ci_stage_mark = machine_clock();
	ci->ci_stage_cur = STAGE_LOCAL;
	cpu_stat_add(&ci->ci_passes, 1);

	pserialize_read_enter();
	worked = cpu_run_work(ci);
	worked |= poller_run(ci);
	worked |= softint_run(ci);
	worked |= callout_run(ci);
	pserialize_read_exit();

	if (worked)
		(void)cpu_stage_switch(ci, STAGE_LOCAL);
	finish_calls(ci);
	return worked;
}

/* Work that the CPU itself has begun. */
static inline bool
has_own_work(const struct cpu *ci)
{

	return (ci->ci_hot != NULL &&
	    !__atomic_load_n(&ci->ci_stop, __ATOMIC_RELAXED)) ||
	    !TAILQ_EMPTY(&ci->ci_softpending);
}

/* Work that other threads have given to the CPU. */
static inline bool
has_foreign_work(struct cpu *ci)
{

	return __atomic_load_n(&ci->ci_work, __ATOMIC_RELAXED) != NULL ||
	    poller_kicked(ci);
}

bool
cpu_has_work(struct cpu *ci)
{

	return has_own_work(ci) || has_foreign_work(ci);
}

/* Wait at most ns for descriptors; returns how many are ready. */
static unsigned
wait_events(struct cpu *ci, uint64_t ns, struct host_event *ev)
{
	unsigned n = 0;

	if (host_poller_wait(ci->ci_kern->k_host, ci->ci_poller, ev,
	    LOOK_EVENTS, ns, &n) != 0)
		return 0;
	return n;
}

static void
take_events(const struct host_event *ev, unsigned n)
{

	for (unsigned i = 0; i < n; i++)
		poller_ready(ev[i].he_cookie, ev[i].he_events);
}

unsigned
cpu_look(struct cpu *ci, uint64_t ns)
{
	struct host_event ev[LOOK_EVENTS];
	unsigned n;

	n = wait_events(ci, ns, ev);
	take_events(ev, n);
	return n;
}

/*
 * A control thread borrows a CPU that sleeps: it acts as the CPU for a few
 * instructions, which is cheaper than waking the CPU's thread and waiting.
 */
bool
cpu_borrow(struct cpu *ci)
{
	uint32_t expected = CPU_ASLEEP;

	KASSERT(curcpu() == NULL);
	if (!__atomic_compare_exchange_n(&ci->ci_sleeping, &expected,
	    CPU_BORROWED, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	/* Work that the last borrower began comes first: the CPU's thread was
	 * woken for it. */
	if (has_own_work(ci)) {
		__atomic_store_n(&ci->ci_sleeping, CPU_ASLEEP,
		    __ATOMIC_RELEASE);
		return false;
	}
	host_curthread->ht_cpu = ci;
	ci->ci_now = host_clock(ci->ci_kern->k_host);
	ci->ci_stage_mark = machine_clock();
	return true;
}

void
cpu_return(struct cpu *ci)
{
	bool own;

	finish_calls(ci);
	own = has_own_work(ci);
	host_curthread->ht_cpu = NULL;
	__atomic_store_n(&ci->ci_sleeping, CPU_ASLEEP, __ATOMIC_RELEASE);
	machine_fence();
	if (own || has_foreign_work(ci))
		host_poller_wake(ci->ci_kern->k_host, ci->ci_poller);
}

/* Owner: the CPU belongs to its own thread again. */
static void
wake_up(struct cpu *ci)
{
	uint32_t expected;

	for (;;) {
		expected = CPU_ASLEEP;
		if (__atomic_compare_exchange_n(&ci->ci_sleeping, &expected,
		    CPU_AWAKE, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			break;
		host_yield(ci->ci_kern->k_host);
	}
}

static void
cpu_sleep(struct cpu *ci)
{
	struct host_event ev[LOOK_EVENTS];
	uint64_t deadline, now;
	unsigned n = 0;

	/* The caller has checked that the CPU has no work of its own. */
	__atomic_store_n(&ci->ci_sleeping, CPU_ASLEEP, __ATOMIC_RELEASE);
	machine_fence();
	if (!has_foreign_work(ci) &&
	    !__atomic_load_n(&ci->ci_stop, __ATOMIC_RELAXED)) {
		deadline = callout_deadline(ci);
		if (deadline != HOST_FOREVER) {
			now = host_clock(ci->ci_kern->k_host);
			deadline = deadline > now ? deadline - now : 0;
		}
		n = wait_events(ci, deadline, ev);
	}
	wake_up(ci);
	cpu_stat_add(&ci->ci_sleeps, 1);
	take_events(ev, n);
}

static void
cpu_main(void *arg)
{
	struct cpu *ci = arg;
	const uint64_t busy_ns = ci->ci_kern->k_config.kc_busy_poll_ns;
	/* Without busy polling, descriptors are looked at in every pass. */
	const unsigned look_passes = busy_ns == 0 ? 1 : LOOK_PASSES;
	uint64_t last_work = 0, last_look = 0;
	unsigned passes = 0;

	/* Another thread may have borrowed the CPU before its own ran at
	 * all. */
	wake_up(ci);
	host_curthread->ht_cpu = ci;
	psref_thread_prepare();
	while (!__atomic_load_n(&ci->ci_stop, __ATOMIC_ACQUIRE)) {
		if (cpu_pass(ci)) {
			last_work = ci->ci_now;
			if (++passes < look_passes &&
			    ci->ci_now - last_look < LOOK_NS)
				continue;
		} else if (!cpu_has_work(ci) &&
		    ci->ci_now - last_work >= busy_ns) {
			cpu_sleep(ci);
			continue;
		}
		(void)cpu_look(ci, 0);
		last_look = ci->ci_now;
		passes = 0;
	}
	/* Work that was scheduled before the end still runs. */
	while (cpu_pass(ci) || cpu_has_work(ci))
		continue;
	host_curthread->ht_cpu = NULL;
}

int
cpu_start(struct cpu *ci)
{
	struct kern *k = ci->ci_kern;
	char name[16];
	int pin = -1;

	if (k->k_config.kc_pin && host_ncpu(k->k_host) > k->k_ncpu)
		pin = (int)ci->ci_index;
	(void)snprintf(name, sizeof(name), "ifnet-cpu%u", ci->ci_index);
	return host_thread_create(k->k_host, name, pin, cpu_main, ci,
	    &ci->ci_thread);
}

void
cpu_stop(struct cpu *ci)
{

	__atomic_store_n(&ci->ci_stop, true, __ATOMIC_RELEASE);
	cpu_notify(ci);
	host_thread_join(ci->ci_kern->k_host, ci->ci_thread);
	ci->ci_thread = NULL;
}

void
cpu_enter(struct cpu *ci)
{

	KASSERT(ci->ci_thread == NULL && curcpu() == NULL);
	KASSERT(host_thread_attach(ci->ci_kern->k_host) != NULL);
	__atomic_store_n(&ci->ci_sleeping, CPU_AWAKE, __ATOMIC_RELAXED);
	host_curthread->ht_cpu = ci;
	ci->ci_now = host_clock(ci->ci_kern->k_host);
}

void
cpu_leave(struct cpu *ci)
{

	host_curthread->ht_cpu = NULL;
	__atomic_store_n(&ci->ci_sleeping, CPU_ASLEEP, __ATOMIC_RELAXED);
	machine_fence();
}

static void
run_cpu(struct cpu *ci, unsigned *passes)
{

	cpu_enter(ci);
	while ((*passes)++ < RUN_PASSES) {
		if (cpu_pass(ci) && *passes % LOOK_PASSES != 0)
			continue;
		if (cpu_look(ci, 0) == 0 && !cpu_has_work(ci))
			break;
	}
	cpu_leave(ci);
}

/* After kern_park() there may be more than one CPU. */
void
kern_run(struct kern *k)
{
	unsigned passes = 0;

	KASSERT(!k->k_threaded);
	do {
		for (unsigned i = 0; i < k->k_ncpu; i++)
			run_cpu(k->k_cpu[i], &passes);
	} while ((int)ktask_run(k) + (int)reclaim_run(k) != 0 &&
	    passes < RUN_PASSES);
}

uint64_t
kern_timeout_ns(struct kern *k)
{
	struct cpu *ci = k->k_cpu[0];
	uint64_t deadline, now;

	KASSERT(!k->k_threaded);
	if (cpu_has_work(ci) || reclaim_pending(k) || ktask_pending(k))
		return 0;
	deadline = callout_deadline(ci);
	if (deadline == HOST_FOREVER)
		return HOST_FOREVER;
	now = host_clock(k->k_host);
	return deadline > now ? deadline - now : 0;
}

int
kern_fd(struct kern *k)
{

	KASSERT(!k->k_threaded);
	return host_poller_fd(k->k_host, k->k_cpu[0]->ci_poller);
}
