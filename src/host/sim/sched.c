/*
 * The scheduler of the simulated host: tasks, virtual time, and RCU.
 *
 * Every task is a fiber.  A task that comes to a point where it may switch goes
 * back to the loop in sim_run(), which moves time on a little and lets the seed
 * choose among the runnable tasks.
 */

#include "host/sim/impl.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <urcu/urcu-memb.h>

/* The most time that passes between two switches, in ns. */
#define STEP_MAX_NS	2000

static void
go_to_scheduler(struct sim *s)
{
	struct sim_task *t = s->s_cur;

	fiber_switch(&t->st_fiber, &s->s_main);
}

void
sim_may_switch(struct sim *s)
{

	/* Outside of sim_run() the test program is the only task. */
	if (s->s_cur == NULL)
		return;
	/* Not to switch is the seed's choice too, and cheaper made here. */
	if (sim_rng_below(&s->s_rng_sched, 4) == 0)
		return;
	s->s_cur->st_state = TASK_RUNNABLE;
	go_to_scheduler(s);
}

static uint64_t
deadline_after(struct sim *s, uint64_t ns)
{

	return ns >= HOST_FOREVER - s->s_now ? HOST_FOREVER : s->s_now + ns;
}

bool
sim_block(struct sim *s, enum sim_state state, const void *wait, uint64_t ns)
{
	struct sim_task *t = s->s_cur;

	if (t == NULL) {
		/* No other task can wake the test program, but time can
		 * pass. */
		if (ns == HOST_FOREVER) {
			fprintf(stderr, "sim: a wait without end outside of "
			    "sim_run()\n");
			abort();
		}
		s->s_now = deadline_after(s, ns);
		return true;
	}
	t->st_state = state;
	t->st_wait = wait;
	t->st_deadline = deadline_after(s, ns);
	t->st_timed_out = false;
	t->st_iogen = s->s_iogen - 1;
	go_to_scheduler(s);
	t->st_wait = NULL;
	return t->st_timed_out;
}

void
sim_wake(struct sim *s, enum sim_state state, const void *wait)
{
	struct sim_task *t;

	TAILQ_FOREACH(t, &s->s_tasks, st_link) {
		if (t->st_state == state && t->st_wait == wait)
			t->st_state = TASK_RUNNABLE;
	}
}

/* Is a task still in a read section that it was in when this grace period
 * began? */
static bool
readers_left(struct sim *s, uint64_t target)
{
	struct sim_task *t;

	TAILQ_FOREACH(t, &s->s_tasks, st_link) {
		if (t->st_state != TASK_DONE && t->st_rcu_nest > 0 &&
		    t->st_rcu_since < target)
			return true;
	}
	return false;
}

static bool
can_run(struct sim *s, struct sim_task *t)
{
	bool ready = false;

	switch (t->st_state) {
	case TASK_RUNNABLE:
		return true;
	case TASK_DONE:
		return false;
	case TASK_POLL:
		ready = sim_poller_pending(s, t->st_wait, &t->st_iogen);
		break;
	case TASK_RCU:
		ready = !readers_left(s, t->st_rcu_target);
		break;
	default:
		break;
	}
	if (!ready && t->st_deadline != HOST_FOREVER &&
	    t->st_deadline <= s->s_now) {
		t->st_timed_out = true;
		ready = true;
	}
	if (ready)
		t->st_state = TASK_RUNNABLE;
	return ready;
}

static unsigned
count_candidates(struct sim *s)
{
	struct sim_task *t;
	unsigned n = 0;

	TAILQ_FOREACH(t, &s->s_tasks, st_link) {
		t->st_candidate = can_run(s, t);
		if (t->st_candidate)
			n++;
	}
	return n;
}

static uint64_t
next_deadline(struct sim *s)
{
	struct sim_task *t;
	uint64_t next = HOST_FOREVER;

	TAILQ_FOREACH(t, &s->s_tasks, st_link) {
		if (t->st_state != TASK_DONE && t->st_deadline < next)
			next = t->st_deadline;
	}
	return next;
}

/* Choose the next task to run; NULL when no task ever can. */
static struct sim_task *
pick(struct sim *s)
{
	struct sim_task *t;
	uint64_t next;
	unsigned n;

	s->s_now += sim_rng_below(&s->s_rng_sched, STEP_MAX_NS);
	n = count_candidates(s);
	if (n == 0) {
		next = next_deadline(s);
		if (next == HOST_FOREVER)
			return NULL;
		s->s_now = next;
		n = count_candidates(s);
	}
	n = (unsigned)sim_rng_below(&s->s_rng_sched, n);
	TAILQ_FOREACH(t, &s->s_tasks, st_link) {
		if (t->st_candidate && n-- == 0)
			break;
	}
	return t;
}

static const char *
state_name(enum sim_state state)
{

	switch (state) {
	case TASK_RUNNABLE:
		return "can run";
	case TASK_MUTEX:
		return "waits for a mutex";
	case TASK_COND:
		return "waits for a condition";
	case TASK_SLEEP:
		return "sleeps";
	case TASK_POLL:
		return "waits in a poller";
	case TASK_JOIN:
		return "joins a thread";
	case TASK_RCU:
		return "waits for RCU readers";
	case TASK_DONE:
		return "has ended";
	}
	return "?";
}

static void
report_deadlock(struct sim *s)
{
	const struct sim_task *t, *other;
	const char *holder;

	fprintf(stderr, "sim: deadlock at %" PRIu64 " ns, seed %" PRIu64
	    ":\n", s->s_now, s->s_config.sc_seed);
	TAILQ_FOREACH(t, &s->s_tasks, st_link) {
		fprintf(stderr, "sim:   task %u (%s) %s", t->st_id,
		    t->st_thread.ht_name, state_name(t->st_state));
		if (t->st_state == TASK_MUTEX) {
			holder = sim_mutex_holder(t->st_wait);
			fprintf(stderr, " %p held by %s", t->st_wait,
			    holder != NULL ? holder : "nobody");
		} else if (t->st_state == TASK_JOIN) {
			other = t->st_wait;
			fprintf(stderr, ": task %u (%s)", other->st_id,
			    other->st_thread.ht_name);
		} else if (t->st_wait != NULL) {
			fprintf(stderr, " %p", t->st_wait);
		}
		if (t->st_rcu_nest > 0)
			fprintf(stderr, ", inside a read section");
		fprintf(stderr, "\n");
	}
}

/*
 * All tasks share the one reader that liburcu knows of, so the sections a
 * task is in when it stops are kept with the task.
 */
static void
save_rcu(struct sim *s, struct sim_task *t)
{
	unsigned nest = 0;

	while (urcu_memb_read_ongoing()) {
		urcu_memb_read_unlock();
		nest++;
	}
	if (nest > 0 && t->st_rcu_nest == 0)
		t->st_rcu_since = s->s_rcu_gen;
	t->st_rcu_nest = nest;
}

static void
restore_rcu(const struct sim_task *t)
{
	unsigned i;

	for (i = 0; i < t->st_rcu_nest; i++)
		urcu_memb_read_lock();
}

static void
run_task(struct sim *s, struct sim_task *t)
{

	s->s_trace = (s->s_trace ^ t->st_id ^ s->s_now) *
	    UINT64_C(0x100000001b3) + 1;
	s->s_cur = t;
	t->st_deadline = HOST_FOREVER;
	host_curthread = &t->st_thread;
	restore_rcu(t);
	fiber_switch(&s->s_main, &t->st_fiber);
	save_rcu(s, t);
	s->s_cur = NULL;
	if (t->st_state == TASK_DONE) {
		assert(t->st_rcu_nest == 0);
		fiber_destroy(&t->st_fiber);
		s->s_live--;
		sim_wake(s, TASK_JOIN, t);
	}
}

static void
task_main(void *arg)
{
	struct sim_task *t = arg;
	struct sim *s = sim_of(t->st_thread.ht_host);

	t->st_fn(t->st_arg);
	if (t->st_thread.ht_kern_dtor != NULL)
		t->st_thread.ht_kern_dtor(t->st_thread.ht_kern);
	t->st_thread.ht_kern = NULL;
	t->st_thread.ht_kern_dtor = NULL;
	t->st_state = TASK_DONE;
	fiber_exit(&t->st_fiber, &s->s_main);
}

/* Start a task in `t', zeroed memory, which is freed on failure. */
static int
start_task(struct sim *s, struct sim_task *t, const char *name,
    void (*fn)(void *), void *arg)
{
	int error;

	error = fiber_create(&t->st_fiber, task_main, t);
	if (error != 0) {
		sim_ho_free(&s->s_host, t);
		return error;
	}
	t->st_thread.ht_host = &s->s_host;
	snprintf(t->st_thread.ht_name, sizeof(t->st_thread.ht_name), "%s",
	    name);
	t->st_id = s->s_next_id++;
	t->st_state = TASK_RUNNABLE;
	t->st_deadline = HOST_FOREVER;
	t->st_fn = fn;
	t->st_arg = arg;
	TAILQ_INSERT_TAIL(&s->s_tasks, t, st_link);
	s->s_live++;
	return 0;
}

static void
free_task(struct sim *s, struct sim_task *t)
{

	TAILQ_REMOVE(&s->s_tasks, t, st_link);
	fiber_destroy(&t->st_fiber);
	sim_ho_free(&s->s_host, t);
}

void
sim_tasks_free(struct sim *s)
{

	while (!TAILQ_EMPTY(&s->s_tasks))
		free_task(s, TAILQ_FIRST(&s->s_tasks));
}

int
sim_run(struct host *h, void (*fn)(void *), void *arg)
{
	struct sim *s = sim_of(h);
	struct host_thread *saved = host_curthread;
	struct sim_task *first, *t;
	int error;

	assert(!s->s_running);
	assert(!urcu_memb_read_ongoing());
	first = sim_new_unfailing(s, sizeof(*first));
	if (first == NULL)
		return ENOMEM;
	error = start_task(s, first, "main", fn, arg);
	if (error != 0)
		return error;
	s->s_running = true;
	while (s->s_live > 0) {
		t = pick(s);
		if (t == NULL) {
			report_deadlock(s);
			s->s_deadlocked = true;
			error = EDEADLK;
			break;
		}
		run_task(s, t);
	}
	s->s_running = false;
	host_curthread = saved;
	if (error == 0)
		free_task(s, first);
	return error;
}

int
sim_ho_thread_create(struct host *h, const char *name, int pin,
    void (*fn)(void *), void *arg, struct host_thread **tp)
{
	struct sim *s = sim_of(h);
	struct sim_task *t;
	int error;

	(void)pin;
	t = sim_new(s, sizeof(*t));
	if (t == NULL)
		return EAGAIN;
	error = start_task(s, t, name, fn, arg);
	if (error != 0)
		return error;
	*tp = &t->st_thread;
	return 0;
}

void
sim_ho_thread_join(struct host *h, struct host_thread *ht)
{
	struct sim *s = sim_of(h);
	struct sim_task *t = (struct sim_task *)ht;

	sim_may_switch(s);
	while (t->st_state != TASK_DONE || t == s->s_cur)
		sim_block(s, TASK_JOIN, t, HOST_FOREVER);
	free_task(s, t);
}

struct host_thread *
sim_ho_thread_attach(struct host *h)
{
	struct sim *s = sim_of(h);

	/* Tasks are attached from their creation, so this is the test program
	 * itself. */
	if (!s->s_boot_attached) {
		memset(&s->s_boot, 0, sizeof(s->s_boot));
		s->s_boot.ht_host = h;
		strcpy(s->s_boot.ht_name, "boot");
		s->s_boot_attached = true;
	}
	host_curthread = &s->s_boot;
	return host_curthread;
}

void
sim_ho_thread_foreach(struct host *h,
    bool (*fn)(struct host_thread *, void *), void *arg)
{
	struct sim *s = sim_of(h);
	struct sim_task *t;

	if (s->s_boot_attached && !fn(&s->s_boot, arg))
		return;
	TAILQ_FOREACH(t, &s->s_tasks, st_link) {
		if (t->st_state != TASK_DONE && !fn(&t->st_thread, arg))
			return;
	}
}

void
sim_ho_sleep(struct host *h, uint64_t ns)
{

	(void)sim_block(sim_of(h), TASK_SLEEP, NULL, ns);
}

void
sim_ho_yield(struct host *h)
{

	sim_may_switch(sim_of(h));
}

void
sim_ho_rcu_synchronize(struct host *h)
{
	struct sim *s = sim_of(h);

	assert(!urcu_memb_read_ongoing());
	sim_may_switch(s);
	if (s->s_cur != NULL) {
		s->s_cur->st_rcu_target = ++s->s_rcu_gen;
		if (readers_left(s, s->s_cur->st_rcu_target))
			(void)sim_block(s, TASK_RCU, NULL, HOST_FOREVER);
	}
	urcu_memb_synchronize_rcu();
}
