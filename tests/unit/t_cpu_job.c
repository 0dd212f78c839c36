/*
 * Jobs of users on a CPU: a pass does a limited amount, whatever their number;
 * each gets the same; cancelling.
 */

#include "kern_test.h"

#include "kern/cpu_job.h"	/* under test */

#define NJOBS		100
#define PIECES		20
#define COST		30000u

struct job {
	struct cpu_job	 jo_job;
	unsigned	 jo_left, jo_done;
};

static struct {
	struct job	 job[NJOBS];
	uint64_t	 pass;		/* the pass of the last piece */
	unsigned	 in_pass;	/* pieces of that */
	unsigned	 most;		/* of any pass */
	unsigned	 total;
} run;

/* Pieces done of the jobs that have most and least. */
static void
check_fair(void)
{
	unsigned least = PIECES, most = 0;

	for (unsigned i = 0; i < NJOBS; i++) {
		if (run.job[i].jo_done < least)
			least = run.job[i].jo_done;
		if (run.job[i].jo_done > most)
			most = run.job[i].jo_done;
	}
	KASSERT(most - least <= 1);
}

static uint32_t
piece(struct cpu_job *cj, bool *more)
{
	struct job *jo = (struct job *)(void *)cj;
	uint64_t pass;

	KASSERT(curcpu() != NULL && jo->jo_left > 0);
	pass = __atomic_load_n(&curcpu()->ci_passes, __ATOMIC_RELAXED);
	if (pass != run.pass)
		run.in_pass = 0;
	run.pass = pass;
	if (++run.in_pass > run.most)
		run.most = run.in_pass;
	jo->jo_done++;
	check_fair();
	*more = --jo->jo_left != 0;
	__atomic_store_n(&run.total, run.total + 1, __ATOMIC_RELEASE);
	return COST;
}

static void
prepare(void)
{

	memset(&run, 0, sizeof(run));
	for (unsigned i = 0; i < NJOBS; i++) {
		run.job[i].jo_job.cj_fn = piece;
		run.job[i].jo_left = PIECES;
	}
}

static void
schedule_all(void *arg)
{

	for (unsigned i = 0; i < NJOBS; i++) {
		cpu_job_schedule(arg, &run.job[i].jo_job);
		cpu_job_schedule(arg, &run.job[i].jo_job);	/* nothing */
	}
}

static void
nothing(void *arg)
{

	(void)arg;
}

static void
bounded_body(struct kern *k)
{
	uint64_t passes;

	prepare();
	passes = __atomic_load_n(&k->k_cpu[0]->ci_passes, __ATOMIC_RELAXED);
	kern_xcall(k, schedule_all, k);
	/* A call would borrow the CPU: only its own passes are looked at. */
	while (__atomic_load_n(&run.total, __ATOMIC_ACQUIRE) <
	    NJOBS * PIECES)
		host_sleep(k->k_host, 1000);
	/* The piece that exceeds the budget is the last of its pass. */
	KASSERT(run.most == (CPU_JOB_BUDGET + COST - 1) / COST);
	passes = __atomic_load_n(&k->k_cpu[0]->ci_passes, __ATOMIC_RELAXED) -
	    passes;
	KASSERT(passes >= NJOBS * PIECES / run.most);
	for (unsigned i = 0; i < NJOBS; i++) {
		KASSERT(run.job[i].jo_done == PIECES);
		cpu_job_cancel(k, &run.job[i].jo_job);
	}
}

static void
test_bounded(void **state)
{

	(void)state;
	on_sim(1, bounded_body);
	on_linux(1, bounded_body);
}

static uint32_t
piece_alone(struct cpu_job *cj, bool *more)
{
	struct job *jo = (struct job *)(void *)cj;

	__atomic_fetch_add(&jo->jo_done, 1, __ATOMIC_RELAXED);
	*more = true;
	return COST;
}

/* A cancelled job does nothing more, whether it is queued or running. */
static void
cancel_body(struct kern *k)
{
	unsigned done[NJOBS];

	memset(&run, 0, sizeof(run));
	for (unsigned i = 0; i < NJOBS; i++)
		run.job[i].jo_job.cj_fn = piece_alone;
	schedule_all(k);
	for (unsigned i = 0; i < NJOBS; i++) {
		cpu_job_cancel(k, &run.job[i].jo_job);
		done[i] = run.job[i].jo_done;
		cpu_job_schedule(k, &run.job[i].jo_job);
	}
	kern_xcall(k, nothing, NULL);
	for (unsigned i = 0; i < NJOBS; i++)
		KASSERT(run.job[i].jo_done == done[i]);
}

static void
test_cancel(void **state)
{

	(void)state;
	on_sim(0, cancel_body);
	on_sim(1, cancel_body);
	on_linux(1, cancel_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
