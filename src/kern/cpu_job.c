/*
 * Jobs of users on a CPU: a queue, and a work of CPU 0 that takes from it.
 */

#include "kern/cpu_job.h"

#include "kern/kern_private.h"

#include <errno.h>
#include <stddef.h>

/*
 *	j:	jq_lock
 */
struct cpu_jobs {
	struct cpu_work	 jq_work;
	struct kern	*jq_kern;		/* constant */
	struct kspin	 jq_lock;
	TAILQ_HEAD(, cpu_job) jq_list;		/* j: */
};

/* j: */
static void
enqueue(struct cpu_jobs *jq, struct cpu_job *cj)
{

	if (cj->cj_queued || cj->cj_cancelled)
		return;
	cj->cj_queued = true;
	TAILQ_INSERT_TAIL(&jq->jq_list, cj, cj_link);
}

/* j: */
static struct cpu_job *
dequeue(struct cpu_jobs *jq)
{
	struct cpu_job *cj = TAILQ_FIRST(&jq->jq_list);

	if (cj != NULL) {
		TAILQ_REMOVE(&jq->jq_list, cj, cj_link);
		cj->cj_queued = false;
	}
	return cj;
}

static void
run_jobs(struct cpu_work *w)
{
	struct cpu_jobs *jq = (struct cpu_jobs *)(void *)((char *)w -
	    offsetof(struct cpu_jobs, jq_work));
	struct cpu_job *cj;
	uint32_t cost = 0;
	bool more;

	kspin_lock(&jq->jq_lock);
	while (cost < CPU_JOB_BUDGET && (cj = dequeue(jq)) != NULL) {
		kspin_unlock(&jq->jq_lock);
		more = false;
		cost += cj->cj_fn(cj, &more);
		kspin_lock(&jq->jq_lock);
		if (more)
			enqueue(jq, cj);
	}
	more = !TAILQ_EMPTY(&jq->jq_list);
	kspin_unlock(&jq->jq_lock);
	if (more)
		(void)cpu_work_schedule(jq->jq_kern, jq->jq_kern->k_cpu[0], w);
}

void
cpu_job_schedule(struct kern *k, struct cpu_job *cj)
{
	struct cpu_jobs *jq = k->k_jobs;

	kspin_lock(&jq->jq_lock);
	enqueue(jq, cj);
	kspin_unlock(&jq->jq_lock);
	(void)cpu_work_schedule(k, k->k_cpu[0], &jq->jq_work);
}

static void
nothing(void *arg)
{

	(void)arg;
}

void
cpu_job_cancel(struct kern *k, struct cpu_job *cj)
{
	struct cpu_jobs *jq = k->k_jobs;

	kspin_lock(&jq->jq_lock);
	cj->cj_cancelled = true;
	if (cj->cj_queued) {
		TAILQ_REMOVE(&jq->jq_list, cj, cj_link);
		cj->cj_queued = false;
	}
	kspin_unlock(&jq->jq_lock);
	/* A pass that has it is over when every CPU has been somewhere else. */
	kern_xcall(k, nothing, NULL);
}

int
cpu_job_create(struct kern *k)
{
	struct cpu_jobs *jq;

	jq = kmem_zalloc(k, sizeof(*jq));
	if (jq == NULL)
		return ENOMEM;
	jq->jq_kern = k;
	jq->jq_work.cw_fn = run_jobs;
	TAILQ_INIT(&jq->jq_list);
	k->k_jobs = jq;
	return 0;
}

void
cpu_job_destroy(struct kern *k)
{

	if (k->k_jobs == NULL)
		return;
	KASSERT(TAILQ_EMPTY(&k->k_jobs->jq_list));
	kmem_free(k, k->k_jobs);
	k->k_jobs = NULL;
}
