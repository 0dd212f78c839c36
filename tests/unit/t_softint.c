/*
 * Soft interrupts: on the scheduling CPU, once however often scheduled, never
 * after they were disestablished.
 */

#include "kern_test.h"

struct shared {
	struct kern	*sh_kern;
	struct softint	*sh_si;
	uint32_t	 sh_runs;
	uint32_t	 sh_runs_cpu[4];
	uint32_t	 sh_gone;
	uint32_t	 sh_again;
};

static void
handler(void *arg)
{
	struct shared *sh = arg;

	KASSERT(!__atomic_load_n(&sh->sh_gone, __ATOMIC_ACQUIRE));
	KASSERT(pserialize_in_read());
	__atomic_fetch_add(&sh->sh_runs, 1, __ATOMIC_RELAXED);
	sh->sh_runs_cpu[cpu_index(curcpu())]++;
	if (__atomic_load_n(&sh->sh_again, __ATOMIC_RELAXED))
		softint_schedule(sh->sh_si);
}

static void
schedule_thrice(void *arg)
{
	struct shared *sh = arg;

	softint_schedule(sh->sh_si);
	softint_schedule(sh->sh_si);
	softint_schedule(sh->sh_si);
}

static void
nothing(void *arg)
{

	(void)arg;
}

static void
once_body(struct kern *k)
{
	struct shared sh = { .sh_kern = k };

	sh.sh_si = softint_establish(k, "test", handler, &sh);
	KASSERT(sh.sh_si != NULL);
	for (unsigned round = 1; round <= 10; round++) {
		kern_xcall(k, schedule_thrice, &sh);
		if (!k->k_threaded)
			kern_run(k);
		kern_xcall(k, nothing, NULL);
		for (unsigned i = 0; i < kern_ncpu(k); i++)
			KASSERT(sh.sh_runs_cpu[i] == round);
	}
	softint_disestablish(sh.sh_si);
}

static void
test_once(void **state)
{

	(void)state;
	on_linux(0, once_body);
	on_linux(2, once_body);
	on_sim(3, once_body);
}

/* A soft interrupt that always schedules itself can be ended all the same. */
static void
end_body(struct kern *k)
{
	struct shared sh;

	for (unsigned round = 0; round < 30; round++) {
		memset(&sh, 0, sizeof(sh));
		sh.sh_kern = k;
		sh.sh_again = 1;
		sh.sh_si = softint_establish(k, "test", handler, &sh);
		KASSERT(sh.sh_si != NULL);
		kern_xcall(k, schedule_thrice, &sh);
		softint_disestablish(sh.sh_si);
		__atomic_store_n(&sh.sh_gone, 1, __ATOMIC_RELEASE);
		kern_xcall(k, nothing, NULL);
	}
}

static void
test_end(void **state)
{

	(void)state;
	on_linux(2, end_body);
	on_sim(2, end_body);
}

/* As many as ten thousand stacks need, each of them running when scheduled. */
#define NSLOTS	30000

struct slots {
	struct softint	*sl_si[NSLOTS];
	unsigned	 sl_runs;
};

static void
count_run(void *arg)
{
	struct slots *sl = arg;

	sl->sl_runs++;
}

static void
schedule_some(void *arg)
{
	struct slots *sl = arg;

	for (unsigned i = 0; i < NSLOTS; i += 61)
		softint_schedule(sl->sl_si[i]);
}

static void
slots_body(struct kern *k)
{
	struct slots *sl;

	sl = kmem_zalloc(k, sizeof(*sl));
	KASSERT(sl != NULL);
	for (unsigned i = 0; i < NSLOTS; i++) {
		sl->sl_si[i] = softint_establish(k, "slot", count_run, sl);
		KASSERT(sl->sl_si[i] != NULL);
	}
	kern_xcall(k, schedule_some, sl);
	kern_run(k);
	KASSERT(sl->sl_runs == (NSLOTS + 60) / 61);
	softint_disestablish(sl->sl_si[1717]);
	sl->sl_si[1717] = softint_establish(k, "slot", nothing, NULL);
	KASSERT(sl->sl_si[1717] != NULL);
	for (unsigned i = 0; i < NSLOTS; i++)
		softint_disestablish(sl->sl_si[i]);
	kmem_free(k, sl);
}

static void
test_slots(void **state)
{

	(void)state;
	on_sim(0, slots_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
