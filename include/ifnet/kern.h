/*
 * kern: what a kernel gives its network code, for drivers and protocols.
 *
 * A struct kern is what one process (or one simulated machine) shares among
 * its network stacks: CPUs, buffers, timers, the reclaim queue.  A "CPU" is a
 * worker thread; its loop polls drivers, runs soft interrupts, then callouts,
 * and sleeps when all are idle.  Code on a CPU never blocks.  With no CPU of
 * its own (ncpu 0) the stack has one CPU that the user's thread runs.
 *
 * Contexts, as the comments name them:
 *   CPU	on a worker CPU, within a read section, must not sleep
 *   control	a thread that may sleep, never touches a packet
 *   any	both
 */

#ifndef IFNET_KERN_H
#define IFNET_KERN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ifnet/mbuf.h>

#pragma GCC visibility push(default)

struct host;
struct kern;
struct cpu;
struct vnet;

/* Most CPUs of one stack. */
#define CPU_MAX		64

/* --- memory.  Any context but the packet path. -------------------------- */

/* Zeroed memory or NULL; fails at the host's pleasure. */
void	*kmem_zalloc(struct kern *, size_t);
void	 kmem_free(struct kern *, void *);

/*
 * Call fn(arg) once every reader that could see the object has left.  Any
 * context, never fails: the caller provides the storage inside the object.
 * fn runs in control context.
 */
struct kern_defer {
	struct kern_defer *kd_next;
	void	(*kd_fn)(struct kern_defer *);
};
void	 kern_defer(struct kern *, struct kern_defer *,
	    void (*fn)(struct kern_defer *));
/* Control: wait until everything deferred before this call has run. */
void	 kern_defer_barrier(struct kern *);

/* --- time ---------------------------------------------------------------- */

/* Nanoseconds, monotonic; on a CPU the time its present pass began. */
uint64_t kern_now(struct kern *);

/* --- log ----------------------------------------------------------------- */

/* syslog(3) levels: 3 error, 4 warning, 5 notice, 6 info, 7 debug. */
#define KLOG_ERR	3
#define KLOG_WARNING	4
#define KLOG_NOTICE	5
#define KLOG_INFO	6
#define KLOG_DEBUG	7
void	 klog(struct kern *, int level, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 3, 4)));

/*
 * Any: returns the error, and keeps the reason for it, which is what the client
 * is told if its request ends with that error: a sentence that says what was
 * asked for, why it is refused, and what to do instead, without a full stop.
 * The last reason counts, and it is cut off after 255 bytes.  Where no request
 * is carried out nothing is kept.
 */
int	 kern_refuse(int error, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 2, 3)));

/*
 * KASSERT: a caller's programming error, never an input's fault.  Always
 * compiled in; cheap ones only on the packet path.
 */
void	 kern_assert_fail(const char *expr, const char *file, int line)
	    __attribute__((__noreturn__, __cold__));
#define KASSERT(e)							\
	(__builtin_expect(!!(e), 1) ? (void)0 :				\
	    kern_assert_fail(#e, __FILE__, __LINE__))

/* --- locks ---------------------------------------------------------------- */

/*
 * A spin lock, for short sections that a CPU and a control thread share.
 * Nobody sleeps, allocates in bulk, or frees a packet while holding one.
 */
struct kspin {
	uint32_t ks_locked;
};

/* kspin_lock()'s way when somebody else has it. */
void	kspin_wait(struct kspin *);

static inline void
kspin_lock(struct kspin *s)
{

	if (__atomic_exchange_n(&s->ks_locked, 1, __ATOMIC_ACQUIRE) != 0)
		kspin_wait(s);
}

static inline void
kspin_unlock(struct kspin *s)
{

	__atomic_store_n(&s->ks_locked, 0, __ATOMIC_RELEASE);
}

/*
 * A lock of one word for control context: holding it one may sleep.  Zeroed is
 * unlocked; nothing to destroy.
 */
struct klock {
	uintptr_t kl_owner;
};

void	 klock_lock(struct kern *, struct klock *);
void	 klock_unlock(struct kern *, struct klock *);
/* Does the calling thread hold it? */
bool	 klock_owned(const struct klock *);

/* --- CPUs ----------------------------------------------------------------- */

/* The calling thread's CPU, or NULL in control context. */
struct cpu *curcpu(void);
unsigned cpu_index(const struct cpu *);
unsigned kern_ncpu(const struct kern *);
struct cpu *kern_cpu(struct kern *, unsigned);
struct kern *cpu_kern(const struct cpu *);
/* Any: the kern of a vnet, for example of an interface's if_vnet. */
struct kern *vnet_kern(const struct vnet *);

/*
 * A source of packets that a CPU polls.  cp_poll takes at most `budget'
 * packets from the device and returns how many; it is called again and again
 * while it returns any, and after that when cp_fd polls readable (or when
 * cpu_poller_kick() is called; cp_fd may be -1).
 *
 * cp_fd, cp_poll and cp_arg are set before registration and constant after.
 */
struct cpu_poller {
	int	 cp_fd;
	unsigned (*cp_poll)(struct cpu_poller *, unsigned budget);
	void	*cp_arg;

	/* kern's own */
	struct cpu *cp_cpu;
	struct cpu_poller *cp_next;
	unsigned cp_state;
	unsigned cp_idle;
};

/* Control.  cpu NULL: the least loaded one is chosen.  ENOMEM, EBADF. */
int	 cpu_poller_add(struct kern *, struct cpu *, struct cpu_poller *);
/* Control: when it returns, cp_poll does not run and never will again. */
void	 cpu_poller_remove(struct kern *, struct cpu_poller *);
/* Any: have cp_poll called soon. */
void	 cpu_poller_kick(struct cpu_poller *);

/*
 * Control: run fn(arg) on every CPU, in CPU context, and wait for all.  When it
 * returns, whatever ran on a CPU when it was called has finished.  For a CPU
 * that sleeps the calling thread does it: fn goes by curcpu(), not by threads.
 */
void	 kern_xcall(struct kern *, void (*fn)(void *), void *arg);

/*
 * Any: have fn(w) run soon on a CPU (NULL: any one).  w belongs to kern until
 * fn is called.  Scheduling one that waits already changes nothing (false).
 */
struct cpu_work {
	struct cpu_work *cw_next;
	void	(*cw_fn)(struct cpu_work *);
	uint32_t cw_queued;
};
bool	 cpu_work_schedule(struct kern *, struct cpu *, struct cpu_work *);

/* --- soft interrupts --------------------------------------------------- */

/*
 * A handler that runs on the CPU where it was scheduled, after the pollers
 * of the same pass.  Scheduling twice before it ran runs it once.
 */
struct softint;
/* Control.  NULL: out of memory. */
struct softint *softint_establish(struct kern *, const char *name,
	    void (*fn)(void *), void *arg);
/* Control: when it returns, the handler does not run and never will again. */
void	 softint_disestablish(struct softint *);
/* CPU: for the calling CPU. */
void	 softint_schedule(struct softint *);

/* --- callouts ---------------------------------------------------------- */

/*
 * A timer.  Its function runs once, on the CPU it was armed for, in CPU
 * context. Resolution is one millisecond.  Zeroed storage plus callout_init()
 * is a valid, idle callout.  No memory is needed to arm one.
 */
struct callout {
	struct callout *c_next, **c_prev;	/* wheel lock */
	uint64_t c_tick;			/* wheel lock */
	void	(*c_fn)(void *);		/* wheel lock */
	void	*c_arg;				/* wheel lock */
	struct cpu *c_cpu;			/* whose wheel; wheel lock */
	struct kern *c_kern;			/* constant */
	uint32_t c_state;			/* wheel lock; read without */
};
void	 callout_init(struct kern *, struct callout *);
/* Any: arm or re-arm, ns from now (0: at the next pass).  From a CPU it runs
 * there, from control on CPU 0. */
void	 callout_reset(struct callout *, uint64_t ns, void (*fn)(void *),
	    void *arg);
/* Any: disarm; true when it was armed.  May be running still. */
bool	 callout_stop(struct callout *);
/* Control: disarm and wait until it does not run; re-arming by its own function
 * is undone too. */
void	 callout_halt(struct callout *);
bool	 callout_pending(const struct callout *);

#pragma GCC visibility pop

#endif /* !IFNET_KERN_H */
