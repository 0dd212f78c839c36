/*
 * Cross-calls: a control thread makes CPUs run a function, and waits.
 *
 * The function runs within the CPU's pass; the caller is woken after the pass
 * has left its read section, so that the wakeup may take a lock.
 */

#include "kern/kern_private.h"

struct cpu_xcall;

struct xcall_part {
	struct cpu_work	 xp_work;	/* first: a work is one of these */
	struct cpu_xcall *xp_call;
};

/*
 *	xc_left		parts not finished yet; k_done_lock
 *	others		constant
 */
struct cpu_xcall {
	void		(*xc_fn)(void *);
	void		*xc_arg;
	unsigned	 xc_left;
	struct xcall_part xc_part[CPU_MAX];
};

static void
run_part(struct cpu_work *w)
{
	struct cpu_xcall *xc = ((struct xcall_part *)w)->xp_call;

	xc->xc_fn(xc->xc_arg);
	cpu_push_done(curcpu(), w);
}

void
xcall_finish(struct cpu *ci, struct cpu_work *done)
{
	struct kern *k = ci->ci_kern;
	struct cpu_work *next;

	host_mutex_lock(k->k_host, &k->k_done_lock);
	for (; done != NULL; done = next) {
		/* The call is on the caller's stack: it may be gone once
		 * xc_left is 0 and the lock is released. */
		next = done->cw_next;
		((struct xcall_part *)done)->xp_call->xc_left--;
	}
	host_cond_broadcast(k->k_host, &k->k_done_cv);
	host_mutex_unlock(k->k_host, &k->k_done_lock);
}

/*
 * CPUs without threads: the caller's thread acts as the CPU.  Work scheduled
 * before the call runs before it here too, since callers wait for such work by
 * a cross-call.
 */
static void
call_inline(struct cpu *ci, void (*fn)(void *), void *arg)
{

	cpu_enter(ci);
	pserialize_read_enter();
	(void)cpu_run_work(ci);
	fn(arg);
	pserialize_read_exit();
	cpu_leave(ci);
}

/* Run the call on a CPU that sleeps, by borrowing it instead of waking it;
 * false: the CPU is awake. */
static bool
call_borrowed(struct cpu *ci, void (*fn)(void *), void *arg)
{

	if (!cpu_borrow(ci))
		return false;
	pserialize_read_enter();
	(void)cpu_run_work(ci);
	fn(arg);
	pserialize_read_exit();
	cpu_return(ci);
	return true;
}

static void
call_cpus(struct kern *k, struct cpu *const *cpus, unsigned n,
    void (*fn)(void *), void *arg)
{
	struct cpu_xcall xc;
	unsigned done = 0;

	KASSERT(curcpu() == NULL);
	KASSERT(!pserialize_in_read());
	if (!k->k_threaded) {
		for (unsigned i = 0; i < n; i++)
			call_inline(cpus[i], fn, arg);
		return;
	}
	xc.xc_fn = fn;
	xc.xc_arg = arg;
	xc.xc_left = n;
	for (unsigned i = 0; i < n; i++) {
		if (call_borrowed(cpus[i], fn, arg)) {
			done++;
			continue;
		}
		xc.xc_part[i].xp_call = &xc;
		xc.xc_part[i].xp_work.cw_fn = run_part;
		xc.xc_part[i].xp_work.cw_queued = 0;
		(void)cpu_work_schedule(k, cpus[i], &xc.xc_part[i].xp_work);
	}
	host_mutex_lock(k->k_host, &k->k_done_lock);
	xc.xc_left -= done;
	while (xc.xc_left > 0)
		(void)host_cond_wait(k->k_host, &k->k_done_cv, &k->k_done_lock,
		    HOST_FOREVER);
	host_mutex_unlock(k->k_host, &k->k_done_lock);
}

void
cpu_call(struct cpu *ci, void (*fn)(void *), void *arg)
{

	call_cpus(ci->ci_kern, &ci, 1, fn, arg);
}

void
kern_xcall(struct kern *k, void (*fn)(void *), void *arg)
{

	host_mutex_lock(k->k_host, &k->k_xcall_lock);
	call_cpus(k, k->k_cpu, k->k_ncpu, fn, arg);
	host_mutex_unlock(k->k_host, &k->k_xcall_lock);
}
