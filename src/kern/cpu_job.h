/*
 * cpu_job: work that users ask a CPU for, of which a pass does a limited
 * amount.
 *
 * What a client has a CPU do (send an echo request of 64 KiB, ...) must not
 * hold up the packets that pass through, however many clients there are.  Jobs
 * wait in one queue of the kern.  In each of its passes CPU 0 takes the first,
 * has it do one piece, and puts it behind the others if there is more, until
 * the pieces of the pass cost CPU_JOB_BUDGET.  So the pass is not longer with
 * more clients, and every client has the same part of the budget.
 */

#ifndef KERN_CPU_JOB_H
#define KERN_CPU_JOB_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

struct kern;

/* The cost at which a pass stops, in bytes of packets. */
#define CPU_JOB_BUDGET	65536u

/* In the user's storage; all but cj_fn begins as zero. */
struct cpu_job {
	TAILQ_ENTRY(cpu_job) cj_link;	/* the queue's lock */
	bool		 cj_queued;	/* the queue's lock */
	bool		 cj_cancelled;	/* the queue's lock */
	/* Constant.  CPU: do one piece and return its cost; *more: there is
	 * another. */
	uint32_t	 (*cj_fn)(struct cpu_job *, bool *more);
};

/* Any: the job runs from now on until it has no more to do.  A job that is
 * queued already, or cancelled, is left alone. */
void	cpu_job_schedule(struct kern *, struct cpu_job *);
/* Control: when this returns, the job does not run and never will again. */
void	cpu_job_cancel(struct kern *, struct cpu_job *);

/* kern.c */
int	cpu_job_create(struct kern *);	/* ENOMEM */
void	cpu_job_destroy(struct kern *);	/* no job is queued */

#endif /* !KERN_CPU_JOB_H */
