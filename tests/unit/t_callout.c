/*
 * Callouts: never early, late by no more than a tick when the CPU is idle, in
 * order, once; and really over after callout_halt().
 */

#include "kern_test.h"

#define MS	UINT64_C(1000000)
#define SEC	UINT64_C(1000000000)
#define DAY	(86400 * SEC)
#define N	500

struct timer {
	struct callout	 t_callout;
	struct kern	*t_kern;
	uint64_t	 t_due;		/* 0: shall not run */
	unsigned	 t_ran;
};

static uint64_t last_due;

static void
expired(void *arg)
{
	struct timer *t = arg;
	uint64_t now = kern_now(t->t_kern);

	KASSERT(t->t_due != 0 && now >= t->t_due);
	KASSERT(now < t->t_due + 20 * MS);
	KASSERT(t->t_due + MS >= last_due);
	KASSERT(!callout_pending(&t->t_callout));
	last_due = t->t_due;
	t->t_due = 0;
	t->t_ran++;
}

/* From a millisecond to half a year. */
static uint64_t
random_delay(struct kern *k)
{

	return 1 + sim_random(k->k_host) %
	    (MS << (sim_random(k->k_host) % 34));
}

static void
arm(struct timer *t, uint64_t ns)
{

	t->t_due = kern_now(t->t_kern) + ns;
	callout_reset(&t->t_callout, ns, expired, t);
	KASSERT(callout_pending(&t->t_callout));
}

static void
wheel_body(struct kern *k)
{
	struct timer *t;
	unsigned i, armed = 0, ran = 0;

	t = kmem_zalloc(k, N * sizeof(*t));
	KASSERT(t != NULL);
	last_due = 0;
	for (i = 0; i < N; i++) {
		t[i].t_kern = k;
		callout_init(k, &t[i].t_callout);
	}
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned j = 0; j < 50; j++) {
			i = (unsigned)(sim_random(k->k_host) % N);
			if (sim_random(k->k_host) % 4 != 0) {
				armed += !callout_pending(&t[i].t_callout);
				arm(&t[i], random_delay(k));
			} else if (callout_stop(&t[i].t_callout)) {
				t[i].t_due = 0;
				armed--;
			}
		}
		host_sleep(k->k_host, random_delay(k) / 64);
	}
	host_sleep(k->k_host, 220 * DAY);
	for (i = 0; i < N; i++) {
		KASSERT(t[i].t_due == 0);
		KASSERT(!callout_pending(&t[i].t_callout));
		ran += t[i].t_ran;
	}
	KASSERT(ran == armed);
	/* Half a year cost few wakeups: there is no periodic tick. */
	KASSERT(k->k_cpu[0]->ci_sleeps < 20000);
	kmem_free(k, t);
}

static void
test_wheel(void **state)
{

	(void)state;
	on_sim(1, wheel_body);
}

struct periodic {
	struct callout	 p_callout;
	struct kern	*p_kern;
	uint64_t	 p_ns;
	uint32_t	 p_ran;
};

static void
again(void *arg)
{
	struct periodic *p = arg;

	__atomic_fetch_add(&p->p_ran, 1, __ATOMIC_RELAXED);
	callout_reset(&p->p_callout, p->p_ns, again, p);
}

static uint32_t
ran(struct periodic *p)
{

	return __atomic_load_n(&p->p_ran, __ATOMIC_RELAXED);
}

/* A callout that always arms itself again is over after callout_halt(). */
static void
halt_body(struct kern *k)
{
	struct periodic p[3];
	uint32_t seen;

	for (unsigned round = 0; round < 20; round++) {
		memset(p, 0, sizeof(p));
		for (unsigned i = 0; i < 3; i++) {
			p[i].p_kern = k;
			p[i].p_ns = i * MS;	/* 0: at each pass */
			callout_init(k, &p[i].p_callout);
			callout_reset(&p[i].p_callout, p[i].p_ns, again, &p[i]);
		}
		while (ran(&p[0]) < 3 || ran(&p[1]) < 2)
			host_sleep(k->k_host, MS / 2);
		for (unsigned i = 0; i < 3; i++) {
			callout_halt(&p[i].p_callout);
			seen = ran(&p[i]);
			KASSERT(!callout_pending(&p[i].p_callout));
			host_sleep(k->k_host, MS);
			KASSERT(ran(&p[i]) == seen);
		}
	}
}

static void
test_halt(void **state)
{

	(void)state;
	on_linux(2, halt_body);
	on_sim(2, halt_body);
}

/* Arming from everywhere at once: it moves between CPUs and runs on one. */
struct mover {
	struct callout	 mv_callout;
	struct cpu_work	 mv_work[2];
	struct kern	*mv_kern;
	uint32_t	 mv_inside;
	uint32_t	 mv_runs;
	uint32_t	 mv_stop;
};

static void
move_fire(void *arg)
{
	struct mover *mv = arg;
	unsigned other;

	KASSERT(__atomic_exchange_n(&mv->mv_inside, 1, __ATOMIC_ACQ_REL) == 0);
	/* Let the other CPU arm it meanwhile. */
	if (!__atomic_load_n(&mv->mv_stop, __ATOMIC_RELAXED)) {
		other = (cpu_index(curcpu()) + 1) % 2;
		cpu_work_schedule(mv->mv_kern, kern_cpu(mv->mv_kern, other),
		    &mv->mv_work[other]);
		for (unsigned i = 0; i < 1000; i++)
			__builtin_ia32_pause();
	}
	__atomic_fetch_add(&mv->mv_runs, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&mv->mv_inside, 0, __ATOMIC_RELEASE);
}

static struct mover mover;

static void
move_arm(struct cpu_work *w)
{

	(void)w;
	callout_reset(&mover.mv_callout, 0, move_fire, &mover);
}

static void
nothing(void *arg)
{

	(void)arg;
}

static void
move_body(struct kern *k)
{

	memset(&mover, 0, sizeof(mover));
	mover.mv_kern = k;
	callout_init(k, &mover.mv_callout);
	for (unsigned i = 0; i < 2; i++)
		mover.mv_work[i].cw_fn = move_arm;
	for (unsigned round = 0; round < 2000 ||
	    __atomic_load_n(&mover.mv_runs, __ATOMIC_RELAXED) <= 10; round++) {
		for (unsigned i = 0; i < 2; i++)
			cpu_work_schedule(k, kern_cpu(k, i),
			    &mover.mv_work[i]);
		if (round % 3 == 0)
			callout_stop(&mover.mv_callout);
		if (round % 16 == 0)
			host_sleep(k->k_host, MS / 10);
	}
	__atomic_store_n(&mover.mv_stop, 1, __ATOMIC_RELAXED);
	/* Works that still wait would arm it again. */
	kern_xcall(k, nothing, NULL);
	callout_halt(&mover.mv_callout);
}

static void
test_move(void **state)
{

	(void)state;
	on_linux(2, move_body);
	on_sim(2, move_body);
}

/* ncpu 0: the deadline tells the user's loop when to come back. */
static void
user_loop_body(struct kern *k)
{
	struct timer t = { .t_kern = k };
	uint64_t wait;

	last_due = 0;
	callout_init(k, &t.t_callout);
	KASSERT(kern_timeout_ns(k) == HOST_FOREVER);
	for (unsigned i = 0; i < 5; i++) {
		arm(&t, (MS << (i * 4)) + 1);
		for (unsigned laps = 0; t.t_ran == i; laps++) {
			KASSERT(laps < 8);
			wait = kern_timeout_ns(k);
			KASSERT(wait != HOST_FOREVER);
			host_sleep(k->k_host, wait);
			kern_run(k);
		}
	}
	KASSERT(kern_timeout_ns(k) == HOST_FOREVER);
}

static void
test_user_loop(void **state)
{

	(void)state;
	on_sim(0, user_loop_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wheel),
		cmocka_unit_test(test_halt),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_user_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
