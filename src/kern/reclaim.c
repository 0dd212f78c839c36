/*
 * Reclaim: functions that must not run until every reader has left.
 *
 * Anyone pushes on a lock-free list; a thread of its own takes all of it,
 * waits once for the readers, and runs the functions in the order in which
 * they were deferred.  With no CPU of its own (ncpu 0) the user's thread does
 * that in kern_run() and kern_defer_barrier().
 */

#include "kern/kern_private.h"

#include <errno.h>

/*
 *	rc_head		atomic
 *	rc_stop		atomic
 *	rc_bell, rc_thread constant
 *	rc_lock, rc_cv	barriers' b_done
 */
struct reclaim {
	struct kern_defer *rc_head;
	bool		 rc_stop;
	struct host_poller *rc_bell;
	struct host_thread *rc_thread;
	struct host_mutex rc_lock;
	struct host_cond rc_cv;
};

#ifdef PSERIALIZE_TSAN
char pserialize_tsan_mark;
#endif

void
wait_for_readers(struct host *h)
{

	host_rcu_synchronize(h);
#ifdef PSERIALIZE_TSAN
	__tsan_acquire(&pserialize_tsan_mark);
#endif
}

void
pserialize_perform(struct kern *k)
{

	KASSERT(!pserialize_in_read());
	wait_for_readers(k->k_host);
}

void
kern_defer(struct kern *k, struct kern_defer *kd,
    void (*fn)(struct kern_defer *))
{
	struct reclaim *rc = k->k_reclaim;
	struct kern_defer *head;

	kd->kd_fn = fn;
	head = __atomic_load_n(&rc->rc_head, __ATOMIC_RELAXED);
	do {
		kd->kd_next = head;
	} while (!__atomic_compare_exchange_n(&rc->rc_head, &head, kd, true,
	    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	/* A list that was not empty has been announced already. */
	if (head != NULL)
		return;
	if (k->k_threaded)
		host_poller_wake(k->k_host, rc->rc_bell);
	else
		cpu_notify(k->k_cpu[0]);
}

bool
reclaim_pending(struct kern *k)
{

	return __atomic_load_n(&k->k_reclaim->rc_head, __ATOMIC_RELAXED) !=
	    NULL;
}

static bool
run_batch(struct kern *k)
{
	struct kern_defer *kd, *next, *list = NULL;

	kd = __atomic_exchange_n(&k->k_reclaim->rc_head, NULL,
	    __ATOMIC_SEQ_CST);
	if (kd == NULL)
		return false;
	for (; kd != NULL; kd = next) {
		next = kd->kd_next;
		kd->kd_next = list;
		list = kd;
	}
	wait_for_readers(k->k_host);
	for (kd = list; kd != NULL; kd = next) {
		next = kd->kd_next;
		kd->kd_fn(kd);
	}
	return true;
}

bool
reclaim_run(struct kern *k)
{
	bool ran = false;

	while (run_batch(k))
		ran = true;
	return ran;
}

static void
reclaim_main(void *arg)
{
	struct kern *k = arg;
	struct reclaim *rc = k->k_reclaim;
	struct host_event ev;
	unsigned n;

	for (;;) {
		(void)reclaim_run(k);
		if (__atomic_load_n(&rc->rc_stop, __ATOMIC_ACQUIRE))
			break;
		(void)host_poller_wait(k->k_host, rc->rc_bell, &ev, 1,
		    HOST_FOREVER, &n);
	}
	(void)reclaim_run(k);
}

int
reclaim_create(struct kern *k)
{
	struct reclaim *rc;
	int error;

	rc = kmem_zalloc(k, sizeof(*rc));
	if (rc == NULL)
		return ENOMEM;
	host_mutex_init(k->k_host, &rc->rc_lock);
	host_cond_init(k->k_host, &rc->rc_cv);
	k->k_reclaim = rc;
	if (!k->k_threaded)
		return 0;
	error = host_poller_create(k->k_host, &rc->rc_bell);
	if (error != 0)
		goto fail;
	error = host_thread_create(k->k_host, "ifnet-reclaim", -1,
	    reclaim_main, k, &rc->rc_thread);
	if (error != 0)
		goto fail_bell;
	return 0;

fail_bell:
	host_poller_destroy(k->k_host, rc->rc_bell);
fail:
	host_cond_destroy(k->k_host, &rc->rc_cv);
	host_mutex_destroy(k->k_host, &rc->rc_lock);
	kmem_free(k, rc);
	k->k_reclaim = NULL;
	return error;
}

void
reclaim_stop(struct kern *k)
{
	struct reclaim *rc = k->k_reclaim;

	__atomic_store_n(&rc->rc_stop, true, __ATOMIC_RELEASE);
	host_poller_wake(k->k_host, rc->rc_bell);
	host_thread_join(k->k_host, rc->rc_thread);
	host_poller_destroy(k->k_host, rc->rc_bell);
}

void
reclaim_destroy(struct kern *k)
{
	struct reclaim *rc = k->k_reclaim;

	if (k->k_threaded)
		reclaim_stop(k);
	(void)reclaim_run(k);
	host_cond_destroy(k->k_host, &rc->rc_cv);
	host_mutex_destroy(k->k_host, &rc->rc_lock);
	kmem_free(k, rc);
	k->k_reclaim = NULL;
}

struct barrier {
	struct kern_defer b_defer;	/* first: a defer is one of these */
	struct kern	*b_kern;
	bool		 b_done;	/* rc_lock */
};

static void
pass_barrier(struct kern_defer *kd)
{
	struct barrier *b = (struct barrier *)kd;
	struct kern *k = b->b_kern;
	struct reclaim *rc = k->k_reclaim;

	host_mutex_lock(k->k_host, &rc->rc_lock);
	b->b_done = true;
	host_cond_broadcast(k->k_host, &rc->rc_cv);
	host_mutex_unlock(k->k_host, &rc->rc_lock);
}

void
kern_defer_barrier(struct kern *k)
{
	struct reclaim *rc = k->k_reclaim;
	struct barrier b = { .b_kern = k };

	KASSERT(curcpu() == NULL && !pserialize_in_read());
	if (!k->k_threaded) {
		(void)reclaim_run(k);
		return;
	}
	KASSERT(host_curthread != rc->rc_thread);
	kern_defer(k, &b.b_defer, pass_barrier);
	host_mutex_lock(k->k_host, &rc->rc_lock);
	while (!b.b_done)
		(void)host_cond_wait(k->k_host, &rc->rc_cv, &rc->rc_lock,
		    HOST_FOREVER);
	host_mutex_unlock(k->k_host, &rc->rc_lock);
}
