/*
 * kern_private: functions that only the files of src/kern call.
 */

#ifndef KERN_KERN_PRIVATE_H
#define KERN_KERN_PRIVATE_H

#include "kern/kern_impl.h"

#define NS_PER_MS	1000000u
#define NS_PER_SEC	1000000000u

/* A bundle is what a cache and the depot exchange in one operation. */
#define BUNDLE_MAX	MVEC_MAX

/* cpu.c */
int	cpu_create(struct kern *, unsigned index);
void	cpu_destroy(struct kern *, unsigned index);
int	cpu_start(struct cpu *);
void	cpu_stop(struct cpu *);
/* Any: the CPU has new work; wake it if it sleeps. */
void	cpu_notify(struct cpu *);
/* Control: run fn(arg) on one CPU, in CPU context, and wait. */
void	cpu_call(struct cpu *, void (*fn)(void *), void *arg);
/* Control, ncpu 0: the calling thread begins, and ends, to act as the CPU. */
void	cpu_enter(struct cpu *);
void	cpu_leave(struct cpu *);
/* Control: the calling thread acts as the CPU until cpu_return(), if the CPU
 * sleeps; false: it is awake. */
bool	cpu_borrow(struct cpu *);
void	cpu_return(struct cpu *);
/* Owner: one pass; returns whether there was anything to do. */
bool	cpu_pass(struct cpu *);
/* Owner, in the read section: run the work that other threads scheduled, oldest
 * first. */
bool	cpu_run_work(struct cpu *);
/* Owner: is there work to be done at once? */
bool	cpu_has_work(struct cpu *);
/* Owner: wait at most ns for descriptors; returns how many are ready. */
unsigned cpu_look(struct cpu *, uint64_t ns);

/* kslab.c */
int	kslab_create(struct kern *);	/* ENOMEM */
void	kslab_destroy(struct kern *);	/* no object is in use */

/* xcall.c */
struct cpu_xcall;
/* Owner, outside the read section: tell the callers of finished calls. */
void	xcall_finish(struct cpu *, struct cpu_work *done);

/* Owner: the list that xcall_finish() is given after the pass. */
void	cpu_push_done(struct cpu *, struct cpu_work *);

/* softint.c */
/* Owner: run the handlers that are pending now; returns whether there were
 * any. */
bool	softint_run(struct cpu *);

/* vnet.c */
void	vnet_names_init(struct kern *);

/* callout.c */
int	callout_wheel_create(struct cpu *);
void	callout_wheel_destroy(struct cpu *);
/* Owner: run the callouts due at ci_now; returns whether there were any. */
bool	callout_run(struct cpu *);
/* Any: the time, in ns, when callout_run() is next needed; HOST_FOREVER:
 * never. */
uint64_t callout_deadline(struct cpu *);

/* mbuf.c */
int	mbuf_pool_create(struct kern *);
void	mbuf_pool_destroy(struct kern *);

/* reclaim.c */
/* Control: host_rcu_synchronize(), in a form that ThreadSanitizer
 * understands. */
void	wait_for_readers(struct host *);
int	reclaim_create(struct kern *);
/* Control: the reclaim thread ends; functions deferred from then on run in
 * reclaim_run(). */
void	reclaim_stop(struct kern *);
void	reclaim_destroy(struct kern *);
/* Control: run all deferred functions; false when there were none. */
bool	reclaim_run(struct kern *);
bool	reclaim_pending(struct kern *);

/* psref.c */
/* Make the calling thread's slots now rather than at the first use. */
void	psref_thread_prepare(void);

/* sysctl_kern.c */
int	sysctl_add_kern(struct vnet *);

#endif /* !KERN_KERN_PRIVATE_H */
