/*
 * Tasks in control context: in order, once for each time they were scheduled
 * before they ran, from any context; cancelling waits.
 */

#include "kern_test.h"

#include "kern/ktask.h"	/* under test */

static struct kern *kern;
static unsigned ran[3], order[3], norder;
static bool begun, may_end;

static void
task(void *arg)
{
	unsigned n = (unsigned)(uintptr_t)arg;

	KASSERT(curcpu() == NULL);
	if (norder < 3)
		order[norder++] = n;
	__atomic_fetch_add(&ran[n], 1, __ATOMIC_SEQ_CST);
}

static void
await(unsigned n, unsigned times)
{

	while (__atomic_load_n(&ran[n], __ATOMIC_SEQ_CST) < times)
		if (kern->k_threaded)
			host_sleep(kern->k_host, 1000);
		else
			kern_run(kern);
}

static void
schedule_on_cpu(void *arg)
{

	ktask_schedule(kern, arg);
}

static void
order_body(struct kern *k)
{
	struct ktask kt[3];

	kern = k;
	norder = 0;
	memset(kt, 0, sizeof(kt));
	memset(ran, 0, sizeof(ran));
	for (unsigned i = 0; i < 3; i++) {
		kt[i].kt_fn = task;
		kt[i].kt_arg = (void *)(uintptr_t)i;
	}
	for (unsigned i = 0; i < 3; i++)
		ktask_schedule(k, &kt[i]);
	await(2, 1);
	for (unsigned i = 0; i < 3; i++)
		KASSERT(ran[i] == 1 && order[i] == i);
	kern_xcall(k, schedule_on_cpu, &kt[1]);
	await(1, 2);
	ktask_cancel(k, &kt[1]);
	KASSERT(ran[0] == 1 && ran[2] == 1 && !ktask_pending(k));
}

static void
test_order(void **state)
{

	(void)state;
	on_sim(0, order_body);
	on_sim(1, order_body);
	on_linux(1, order_body);
}

static void
long_task(void *arg)
{

	(void)arg;
	__atomic_store_n(&begun, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&may_end, __ATOMIC_SEQ_CST))
		host_sleep(kern->k_host, 1000);
	__atomic_fetch_add(&ran[0], 1, __ATOMIC_SEQ_CST);
}

static void
allow(void *arg)
{

	(void)arg;
	host_sleep(kern->k_host, 1000000);
	__atomic_store_n(&may_end, true, __ATOMIC_SEQ_CST);
}

static void
cancel_body(struct kern *k)
{
	struct ktask busy = { .kt_fn = long_task };
	struct ktask waits = { .kt_fn = task, .kt_arg = (void *)1 };
	struct host_thread *t;

	kern = k;
	memset(ran, 0, sizeof(ran));
	begun = may_end = false;
	ktask_schedule(k, &busy);
	while (!__atomic_load_n(&begun, __ATOMIC_SEQ_CST))
		host_sleep(k->k_host, 1000);
	/* A task that waits is taken back; twice scheduled is once. */
	ktask_schedule(k, &waits);
	ktask_schedule(k, &waits);
	ktask_cancel(k, &waits);
	KASSERT(!ktask_pending(k));
	/* A task that runs is waited for. */
	KASSERT(host_thread_create(k->k_host, "allow", -1, allow, NULL, &t) ==
	    0);
	ktask_cancel(k, &busy);
	KASSERT(ran[0] == 1 && ran[1] == 0);
	host_thread_join(k->k_host, t);
}

static void
test_cancel(void **state)
{

	(void)state;
	on_sim(1, cancel_body);
	on_linux(1, cancel_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
