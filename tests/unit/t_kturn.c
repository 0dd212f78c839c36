/*
 * Turns: never more at a time than allowed, never two of a user, in order, and
 * another user's first; and nobody waits for ever.
 */

#include "kern_test.h"

#include "kern/kturn.h"	/* under test */

#define NTHREADS	8
#define ROUNDS		300

struct taker {
	struct kern	*ta_kern;
	struct host_thread *ta_thread;
	uid_t		 ta_uid;
	char		 ta_letter;
};

static char order[16];
static unsigned norder;

static void
taker_main(void *arg)
{
	struct taker *ta = arg;

	kturn_take(ta->ta_kern, ta->ta_uid);
	order[norder++] = ta->ta_letter;
	kturn_give(ta->ta_kern, ta->ta_uid);
}

/* Let a thread begin to wait, before the next does. */
static void
begin(struct kern *k, struct taker *ta, uid_t uid, char letter)
{

	*ta = (struct taker){ k, NULL, uid, letter };
	KASSERT(host_thread_create(k->k_host, "taker", -1, taker_main, ta,
	    &ta->ta_thread) == 0);
	host_sleep(k->k_host, 1000000);		/* virtual */
}

static void
order_body(struct kern *k)
{
	struct taker ta[4];

	norder = 0;
	memset(order, 0, sizeof(order));
	*kturn_limit(k) = 1;
	kturn_take(k, 1000);
	begin(k, &ta[0], 1000, 'a');
	begin(k, &ta[1], 1000, 'b');
	begin(k, &ta[2], 2000, 'c');
	begin(k, &ta[3], 2000, 'd');
	KASSERT(norder == 0);
	kturn_give(k, 1000);
	for (unsigned i = 0; i < 4; i++)
		host_thread_join(k->k_host, ta[i].ta_thread);
	KASSERT(strcmp(order, "cadb") == 0);
	/* Two at a time, but not two of one user. */
	norder = 0;
	*kturn_limit(k) = 2;
	kturn_take(k, 1000);
	begin(k, &ta[0], 1000, 'a');
	KASSERT(norder == 0);
	begin(k, &ta[1], 2000, 'b');
	KASSERT(norder == 1 && order[0] == 'b');
	host_thread_join(k->k_host, ta[1].ta_thread);
	kturn_give(k, 1000);
	host_thread_join(k->k_host, ta[0].ta_thread);
}

static void
test_order(void **state)
{

	(void)state;
	on_sim(1, order_body);
}

static struct {
	struct kern	*cr_kern;
	unsigned	 cr_running;	/* atomic */
	unsigned	 cr_of[3];	/* atomic; by user */
	unsigned	 cr_done;	/* atomic */
} crowd;

static void
worker(void *arg)
{
	struct kern *k = crowd.cr_kern;
	unsigned u = *(unsigned *)arg % 3;

	for (unsigned i = 0; i < ROUNDS; i++) {
		kturn_take(k, 1000 + u);
		KASSERT(__atomic_add_fetch(&crowd.cr_running, 1,
		    __ATOMIC_RELAXED) <= 2);
		KASSERT(__atomic_add_fetch(&crowd.cr_of[u], 1,
		    __ATOMIC_RELAXED) == 1);
		if (i % 16 == 0)
			host_yield(k->k_host);
		__atomic_fetch_sub(&crowd.cr_of[u], 1, __ATOMIC_RELAXED);
		__atomic_fetch_sub(&crowd.cr_running, 1, __ATOMIC_RELAXED);
		kturn_give(k, 1000 + u);
		__atomic_fetch_add(&crowd.cr_done, 1, __ATOMIC_RELAXED);
	}
}

static void
crowd_body(struct kern *k)
{
	struct host_thread *t[NTHREADS];
	unsigned n[NTHREADS];

	memset(&crowd, 0, sizeof(crowd));
	crowd.cr_kern = k;
	*kturn_limit(k) = 2;
	for (unsigned i = 0; i < NTHREADS; i++) {
		n[i] = i;
		KASSERT(host_thread_create(k->k_host, "worker", -1, worker,
		    &n[i], &t[i]) == 0);
	}
	for (unsigned i = 0; i < NTHREADS; i++)
		host_thread_join(k->k_host, t[i]);
	KASSERT(crowd.cr_done == NTHREADS * ROUNDS);
}

static void
test_crowd(void **state)
{

	(void)state;
	on_sim(1, crowd_body);
	on_linux(1, crowd_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
