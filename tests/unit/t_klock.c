/*
 * The lock of one word: one owner at a time, nobody sleeps for ever, and a
 * wait for one lock does not depend on another; from many threads.
 */

#include "kern_test.h"

#define NLOCKS		3
#define NTHREADS	6

static struct {
	struct kern	*lo_kern;
	struct {
		struct klock	 lo_lock;
		unsigned	 lo_count;	/* plain: the lock's */
		bool		 lo_in;
	}		 lo_one[NLOCKS];
	uint32_t	 lo_seed;
} lots;

/* Under the lock, sometimes long enough that others have to sleep. */
static void
worker(void *arg)
{
	struct kern *k = lots.lo_kern;
	uint32_t x = __atomic_add_fetch(&lots.lo_seed, 7919, __ATOMIC_RELAXED);
	unsigned rounds = *(const unsigned *)arg, n;

	for (unsigned i = 0; i < rounds; i++) {
		x = x * 1664525 + 1013904223;
		n = (x >> 24) % NLOCKS;
		klock_lock(k, &lots.lo_one[n].lo_lock);
		KASSERT(klock_owned(&lots.lo_one[n].lo_lock));
		KASSERT(!lots.lo_one[n].lo_in);
		lots.lo_one[n].lo_in = true;
		lots.lo_one[n].lo_count++;
		if ((x >> 16 & 7) == 0)
			host_yield(k->k_host);
		if ((x >> 16 & 63) == 1)
			host_sleep(k->k_host, 10000);
		lots.lo_one[n].lo_in = false;
		klock_unlock(k, &lots.lo_one[n].lo_lock);
		KASSERT(!klock_owned(&lots.lo_one[n].lo_lock));
	}
}

static void
crowd(struct kern *k, unsigned rounds)
{
	struct host_thread *t[NTHREADS];
	unsigned sum = 0;

	memset(&lots, 0, sizeof(lots));
	lots.lo_kern = k;
	for (unsigned i = 0; i < NTHREADS; i++)
		KASSERT(host_thread_create(k->k_host, "worker", -1, worker,
		    &rounds, &t[i]) == 0);
	for (unsigned i = 0; i < NTHREADS; i++)
		host_thread_join(k->k_host, t[i]);
	for (unsigned i = 0; i < NLOCKS; i++) {
		/* No mark of a waiter is left: it is as it was. */
		KASSERT(lots.lo_one[i].lo_lock.kl_owner == 0);
		sum += lots.lo_one[i].lo_count;
	}
	KASSERT(sum == NTHREADS * rounds);
}

static void
crowd_body(struct kern *k)
{

	crowd(k, k->k_host == host_linux() ? 2000 : 200);
}

static void
test_crowd(void **state)
{

	(void)state;
	on_linux(1, crowd_body);
	on_sim(1, crowd_body);
}

/* --- by hand -------------------------------------------------------------- */

struct waiter {
	struct kern	*wa_kern;
	struct klock	*wa_lock;
	struct host_thread *wa_thread;
	uint32_t	 wa_state;	/* 1: about to lock, 2: has it, 3: to
					 * let go */
};

static void
wait_main(void *arg)
{
	struct waiter *wa = arg;
	struct kern *k = wa->wa_kern;

	__atomic_store_n(&wa->wa_state, 1, __ATOMIC_RELEASE);
	klock_lock(k, wa->wa_lock);
	__atomic_store_n(&wa->wa_state, 2, __ATOMIC_RELEASE);
	while (__atomic_load_n(&wa->wa_state, __ATOMIC_ACQUIRE) != 3)
		host_sleep(k->k_host, 100000);
	klock_unlock(k, wa->wa_lock);
}

static void
waiter_start(struct waiter *wa, struct kern *k, struct klock *kl)
{

	wa->wa_kern = k;
	wa->wa_lock = kl;
	wa->wa_state = 0;
	KASSERT(host_thread_create(k->k_host, "waiter", -1, wait_main, wa,
	    &wa->wa_thread) == 0);
	while (__atomic_load_n(&wa->wa_state, __ATOMIC_ACQUIRE) == 0)
		host_sleep(k->k_host, 100000);
	/* The waiter sleeps by now, or nearly. */
	host_sleep(k->k_host, 2000000);
}

static bool
waits(const struct waiter *wa)
{

	return __atomic_load_n(&wa->wa_state, __ATOMIC_ACQUIRE) == 1;
}

static void
waiter_end(struct waiter *wa)
{

	while (__atomic_load_n(&wa->wa_state, __ATOMIC_ACQUIRE) != 2)
		host_sleep(wa->wa_kern->k_host, 100000);
	__atomic_store_n(&wa->wa_state, 3, __ATOMIC_RELEASE);
	host_thread_join(wa->wa_kern->k_host, wa->wa_thread);
}

static void
hand_body(struct kern *k)
{
	struct klock a = { 0 }, b = { 0 };
	struct waiter wa, wb, wb2;

	/* Free: one store each way, and it is as new. */
	klock_lock(k, &a);
	KASSERT(klock_owned(&a) && !klock_owned(&b));
	klock_unlock(k, &a);
	KASSERT(!klock_owned(&a) && a.kl_owner == 0);

	/* All waiters sleep in one place: a lock that is released and whose
	 * waiter has it by now does not hold up the others. */
	klock_lock(k, &a);
	klock_lock(k, &b);
	waiter_start(&wa, k, &a);
	waiter_start(&wb, k, &b);
	waiter_start(&wb2, k, &b);
	KASSERT(klock_owned(&a) && klock_owned(&b));
	KASSERT(waits(&wa) && waits(&wb) && waits(&wb2));
	klock_unlock(k, &a);
	waiter_end(&wa);
	KASSERT(klock_owned(&b));
	KASSERT(waits(&wb) && waits(&wb2));
	klock_unlock(k, &b);
	KASSERT(!klock_owned(&b));
	/* Whichever of the two is first lets the other have it. */
	while (waits(&wb) && waits(&wb2))
		host_sleep(k->k_host, 100000);
	if (!waits(&wb)) {
		waiter_end(&wb);
		waiter_end(&wb2);
	} else {
		waiter_end(&wb2);
		waiter_end(&wb);
	}
	/* The one that waited last left no mark. */
	KASSERT(a.kl_owner == 0 && b.kl_owner == 0);
}

static void
test_hand(void **state)
{

	(void)state;
	on_linux(0, hand_body);
	on_sim(1, hand_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hand),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
