/*
 * Tasks in control context: a queue under a spin lock, and a thread.
 */

#include "kern/ktask.h"

#include "kern/kern_private.h"

#include <errno.h>

/* The interval at which a canceller checks whether the task has ended. */
#define CANCEL_NS	(100 * 1000)

/*
 *	q:	tq_lock
 */
struct ktask_queue {
	struct kspin	 tq_lock;
	STAILQ_HEAD(ktask_list, ktask) tq_list;	/* q: */
	struct ktask	*tq_running;		/* q: */
	bool		 tq_stop;		/* atomic */
	struct host_poller *tq_bell;		/* constant */
	struct host_thread *tq_thread;		/* constant */
};

void
ktask_schedule(struct kern *k, struct ktask *kt)
{
	struct ktask_queue *tq = k->k_tasks;
	bool first = false;

	kspin_lock(&tq->tq_lock);
	if (!kt->kt_queued) {
		first = STAILQ_EMPTY(&tq->tq_list);
		kt->kt_queued = true;
		STAILQ_INSERT_TAIL(&tq->tq_list, kt, kt_link);
	}
	kspin_unlock(&tq->tq_lock);
	/* A queue that was not empty has been announced already. */
	if (!first)
		return;
	if (k->k_threaded)
		host_poller_wake(k->k_host, tq->tq_bell);
	else
		cpu_notify(k->k_cpu[0]);
}

void
ktask_cancel(struct kern *k, struct ktask *kt)
{
	struct ktask_queue *tq = k->k_tasks;

	KASSERT(curcpu() == NULL);
	kspin_lock(&tq->tq_lock);
	if (kt->kt_queued) {
		STAILQ_REMOVE(&tq->tq_list, kt, ktask, kt_link);
		kt->kt_queued = false;
	}
	while (tq->tq_running == kt) {
		kspin_unlock(&tq->tq_lock);
		host_sleep(k->k_host, CANCEL_NS);
		kspin_lock(&tq->tq_lock);
	}
	kspin_unlock(&tq->tq_lock);
}

bool
ktask_pending(struct kern *k)
{
	struct ktask_queue *tq = k->k_tasks;
	bool any;

	kspin_lock(&tq->tq_lock);
	any = !STAILQ_EMPTY(&tq->tq_list);
	kspin_unlock(&tq->tq_lock);
	return any;
}

bool
ktask_run(struct kern *k)
{
	struct ktask_queue *tq = k->k_tasks;
	struct ktask *kt;
	bool ran = false;

	kspin_lock(&tq->tq_lock);
	while ((kt = STAILQ_FIRST(&tq->tq_list)) != NULL) {
		STAILQ_REMOVE_HEAD(&tq->tq_list, kt_link);
		kt->kt_queued = false;
		tq->tq_running = kt;
		kspin_unlock(&tq->tq_lock);
		kt->kt_fn(kt->kt_arg);
		ran = true;
		kspin_lock(&tq->tq_lock);
		tq->tq_running = NULL;
	}
	kspin_unlock(&tq->tq_lock);
	return ran;
}

static void
ktask_main(void *arg)
{
	struct kern *k = arg;
	struct ktask_queue *tq = k->k_tasks;
	struct host_event ev;
	unsigned n;

	while (!__atomic_load_n(&tq->tq_stop, __ATOMIC_ACQUIRE)) {
		(void)ktask_run(k);
		(void)host_poller_wait(k->k_host, tq->tq_bell, &ev, 1,
		    HOST_FOREVER, &n);
	}
	(void)ktask_run(k);
}

int
ktask_create(struct kern *k)
{
	struct ktask_queue *tq;
	int error;

	tq = kmem_zalloc(k, sizeof(*tq));
	if (tq == NULL)
		return ENOMEM;
	STAILQ_INIT(&tq->tq_list);
	k->k_tasks = tq;
	if (!k->k_threaded)
		return 0;
	error = host_poller_create(k->k_host, &tq->tq_bell);
	if (error != 0)
		goto fail;
	error = host_thread_create(k->k_host, "ifnet-task", -1, ktask_main, k,
	    &tq->tq_thread);
	if (error != 0)
		goto fail_bell;
	return 0;

fail_bell:
	host_poller_destroy(k->k_host, tq->tq_bell);
fail:
	kmem_free(k, tq);
	k->k_tasks = NULL;
	return error;
}

void
ktask_stop(struct kern *k)
{
	struct ktask_queue *tq = k->k_tasks;

	__atomic_store_n(&tq->tq_stop, true, __ATOMIC_RELEASE);
	host_poller_wake(k->k_host, tq->tq_bell);
	host_thread_join(k->k_host, tq->tq_thread);
	host_poller_destroy(k->k_host, tq->tq_bell);
}

void
ktask_destroy(struct kern *k)
{

	if (k->k_threaded)
		ktask_stop(k);
	KASSERT(!ktask_pending(k));
	kmem_free(k, k->k_tasks);
	k->k_tasks = NULL;
}
