/*
 * ktask: functions that any context schedules, to be run soon in control
 * context.
 *
 * A thread of the kern runs tasks in the order in which they were scheduled.
 * Tasks are for work that must not hold up a CPU or a thread that makes a
 * change, such as waking many sleepers.  With no CPU of its own (ncpu 0) the
 * user's thread runs them in kern_run().
 */

#ifndef KERN_KTASK_H
#define KERN_KTASK_H

#include <sys/queue.h>

#include <stdbool.h>

struct kern;

/* A task, in the caller's storage; all but kt_fn and kt_arg begins as zero. */
struct ktask {
	STAILQ_ENTRY(ktask) kt_link;	/* the queue's lock */
	bool	 kt_queued;		/* the queue's lock */
	void	(*kt_fn)(void *);	/* constant; control context */
	void	*kt_arg;		/* constant */
};

/* Any: the task runs once from now on.  A task that is queued already is left
 * alone. */
void	ktask_schedule(struct kern *, struct ktask *);
/* Control: when this returns, the task is neither queued nor running. */
void	ktask_cancel(struct kern *, struct ktask *);

/* kern.c and cpu.c */
int	ktask_create(struct kern *);	/* ENOMEM, ... */
/* Control: the tasks' thread ends; tasks scheduled from then on run in
 * ktask_run(). */
void	ktask_stop(struct kern *);
/* Control: end the tasks' thread if it runs, and free the queue, which must be
 * empty. */
void	ktask_destroy(struct kern *);
/* Control: run the queued tasks; false when there were none. */
bool	ktask_run(struct kern *);
/* Any: are there queued tasks? */
bool	ktask_pending(struct kern *);

#endif /* !KERN_KTASK_H */
