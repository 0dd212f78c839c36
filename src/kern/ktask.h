/*
 * ktask: have something done soon in control context, from any context.
 *
 * A thread of the kern runs tasks in the order in which they were scheduled.
 * It is for work that a CPU or a maker of changes must not be held up by, such
 * as waking many sleepers.  With no CPU of its own (ncpu 0) the user's thread
 * runs them in kern_run().
 */

#ifndef KERN_KTASK_H
#define KERN_KTASK_H

#include <sys/queue.h>

#include <stdbool.h>

struct kern;

/* The storage is the caller's; zeroed but for kt_fn and kt_arg. */
struct ktask {
	STAILQ_ENTRY(ktask) kt_link;	/* the queue's lock */
	bool	 kt_queued;		/* the queue's lock */
	void	(*kt_fn)(void *);	/* constant; control context */
	void	*kt_arg;		/* constant */
};

/* Any: have it run once from now on.  One that waits already is left alone. */
void	ktask_schedule(struct kern *, struct ktask *);
/* Control: when it returns, the task does not run nor wait. */
void	ktask_cancel(struct kern *, struct ktask *);

/* kern.c and cpu.c */
int	ktask_create(struct kern *);	/* ENOMEM, ... */
/* The thread ends; what is scheduled from then on runs in ktask_run(). */
void	ktask_stop(struct kern *);
void	ktask_destroy(struct kern *);
/* Control: run what waits; false when there was nothing. */
bool	ktask_run(struct kern *);
bool	ktask_pending(struct kern *);

#endif /* !KERN_KTASK_H */
