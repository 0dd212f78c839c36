/*
 * kern_impl: the insides of struct kern and struct cpu, for src/kern and for
 * the composer of a stack.  Drivers and protocols use <ifnet/kern.h>.
 */

#ifndef KERN_KERN_IMPL_H
#define KERN_KERN_IMPL_H

#include <sys/queue.h>
#include <sys/types.h>

#include <ifnet/kern.h>
#include <ifnet/pserialize.h>

#include "host/host.h"
#include "kern/khash.h"
#include "kern/machine.h"
#include "kern/mbuf_share.h"
#include "kern/vnet.h"

struct kern_config {
	unsigned	 kc_ncpu;	/* worker threads; 0: caller's thread */
	unsigned	 kc_mbufs;	/* buffers in the region */
	bool		 kc_pin;	/* pin workers when cores allow */
	uint64_t	 kc_busy_poll_ns; /* polling on before sleeping */
	const struct vnet_subsys *const *kc_subsys; /* NULL-terminated */
};

/* The stages of the packet path; a CPU counts each one apart. */
enum cpu_stage {
	STAGE_POLL, STAGE_IF_INPUT, STAGE_ETHER_INPUT, STAGE_IP_INPUT,
	STAGE_IP_FORWARD, STAGE_ETHER_OUTPUT, STAGE_TRANSMIT, STAGE_LOCAL,
	STAGE_MAX
};
const char *cpu_stage_name(enum cpu_stage);

struct cpu_stage_stats {
	uint64_t	 ss_clocks;	/* the stage's own, callees left out */
	uint64_t	 ss_packets;
	uint64_t	 ss_calls;
};

/* Buffers a CPU keeps for itself: two bundles' worth. */
#define MCACHE_MAX	(2 * MVEC_MAX)

/*
 * One CPU.  Fields belong to the CPU unless said otherwise: to its thread while
 * ci_sleeping is CPU_AWAKE, and while it is CPU_BORROWED to the control thread
 * that borrowed it (cpu_borrow()).  "foreign" fields are written by other
 * threads, with atomics, and are in cache lines of their own.
 */
struct cpu {
	/* hot */
	struct mbuf	*ci_mcache[MCACHE_MAX];
	unsigned	 ci_nmcache;
	unsigned	 ci_index;		/* constant */
	struct kern	*ci_kern;		/* constant */
	uint64_t	 ci_now;		/* this pass's time, ns */
	uint64_t	 ci_stamp;	/* owner: time of the last capture */
	TAILQ_HEAD(softint_list, softint_node) ci_softpending;
	struct cpu_stage_stats ci_stage[STAGE_MAX];
	uint64_t	 ci_stage_mark;		/* clock at the last switch */
	enum cpu_stage	 ci_stage_cur;
	uint64_t	 ci_drops[DROP_NREASONS]; /* with no interface */
	uint64_t	 ci_passes, ci_sleeps, ci_polls;
	struct cpu_poller *ci_hot;		/* being polled */
	struct host_thread *ci_thread;		/* constant; NULL with ncpu 0 */
	struct host_poller *ci_poller;		/* constant */
	struct callout_wheel *ci_wheel;		/* its own lock */
	void		*ci_private;		/* cpu.c's */

	/* foreign */
	struct cpu_work	*ci_work __attribute__((__aligned__(64)));
	uint32_t	 ci_sleeping;		/* CPU_* */
#define CPU_AWAKE	0
#define CPU_ASLEEP	1
#define CPU_BORROWED	2		/* asleep; a control thread is it */
	uint32_t	 ci_npollers;
	bool		 ci_stop;
} __attribute__((__aligned__(64)));

struct ctl_registry;
struct pg_flows;
struct if_module;
struct mbuf_pool;
struct softint_node;
struct kslab;
struct ktask_queue;
struct cpu_jobs;
struct kturns;
struct kuser_table;
struct reclaim;

/* A share of the buffers, common to all CPUs; each share has a cache line of
 * its own. */
struct mbuf_share_state {
	uint64_t	 ms_used;		/* atomic; buffers */
	int64_t		 ms_percent;		/* atomic */
} __attribute__((__aligned__(64)));

/*
 * Any: what the wall clock is ahead of the host's clock, the same for every
 * caller, so that times of two interfaces can be compared.  Follows the wall
 * clock when that is set.
 */
uint64_t kern_wall_offset(struct kern *);

/* The part of settings that all vnets share; see sysctl.c. */
struct sysctl_shape;
struct sysctl_shapes {
	struct klock	 ss_lock;
	struct sysctl_shape **ss_shape;		/* in no order */
	unsigned	 ss_n, ss_max;
	unsigned	 ss_next;		/* likely the next */
};

struct kern {
	struct host	*k_host;		/* constant */
	unsigned	 k_ncpu;		/* constant; at least 1 */
	bool		 k_threaded;	/* ncpu > 0; until kern_park() */
	struct kern_config k_config;		/* constant */
	struct cpu	*k_cpu[CPU_MAX];	/* constant */
	struct mbuf_pool *k_mbufs;		/* constant */
	/* src/dev's; NULL: none.  CPUs read it for each vector, as they do
	 * k_mbufs. */
	struct pg_flows	*k_pg_flows;
	struct klock	 k_pg_lock;		/* control's, of k_pg_flows */
	unsigned	 k_nsoftints;		/* atomic: established */
	struct mbuf_share_state k_share[MBUF_NSHARES];
	struct reclaim	*k_reclaim;		/* its own lock */
	struct kslab	*k_slab;		/* constant; NULL: none */
	struct ktask_queue *k_tasks;		/* its own lock */
	struct kuser_table *k_users;		/* its own lock */
	struct kturns	*k_turns;		/* its own lock */
	struct sysctl_shapes k_sysctl;		/* its own lock */
	struct cpu_jobs	*k_jobs;		/* its own lock */
	struct host_mutex k_klock_lock;	/* threads that wait for any klock */
	struct host_cond k_klock_cv;
	struct host_mutex k_psref_lock;
	struct host_cond k_psref_cv;		/* a watched psref went */
	uid_t		 k_uid;			/* constant: its user */
	uint64_t	 k_wall_offset;		/* atomic: kern_wall_offset() */
	uint64_t	 k_if_generation;	/* atomic: the last handle's */
	gid_t		 k_admin_gid;
	int		 k_log_level;		/* atomic */
	int64_t		 k_client_idle_s;	/* atomic; 0: no limit */

	struct host_mutex k_vnet_lock;
	struct host_cond k_vnet_cv;		/* a vnet's reference went */
	TAILQ_HEAD(, vnet) k_vnets;		/* k_vnet_lock, in order */
	struct khash	 k_vnet_names;		/* k_vnet_lock */
	uint64_t	 k_vnet_nextid;		/* k_vnet_lock */

	struct host_mutex k_xcall_lock;		/* one cross-call at a time */
	struct host_mutex k_done_lock;		/* calls' completion counts */
	struct host_cond k_done_cv;		/* a CPU finished a call */
	void		*k_stack;		/* the composer's */

	struct host_mutex k_module_lock;
	struct if_module *k_modules;		/* k_module_lock; src/net's */
	/* Control: unload the driver modules; set when the first is loaded.
	 * k_module_lock. */
	void		(*k_modules_unload)(struct kern *);

	struct ctl_registry *k_ctl;		/* src/ctl's; NULL: none */
	/* Constant: a vnet is dying; called so that long-time holders (a client
	 * that follows it) release it.  Control; NULL: there are no such
	 * holders. */
	void		(*k_vnet_revoke)(struct vnet *);
};

/* Control.  ENOMEM, EAGAIN, EINVAL; all is undone then. */
int	kern_create(struct host *, const struct kern_config *, struct kern **);
/* Control, once every vnet is gone: stops the CPUs, runs the deferred
 * functions, frees the kern. */
void	kern_destroy(struct kern *);
/*
 * Control, before kern_destroy(), when only the caller's thread still uses the
 * kern: the CPUs' threads end, and the caller's thread acts as each CPU where
 * one is needed, as with ncpu 0.  Destroying the remaining vnets is many times
 * quicker then.
 */
void	kern_park(struct kern *);

/*
 * ncpu 0: the user's thread is CPU 0 inside these.  kern_run() makes passes
 * until nothing is left to do at once; kern_timeout_ns() says when to call
 * again at the latest (HOST_FOREVER: only when kern_fd() polls readable).
 */
void	kern_run(struct kern *);
uint64_t kern_timeout_ns(struct kern *);
int	kern_fd(struct kern *);

/*
 * kslab.c: small objects (1024 bytes at most), for types that may have very
 * many of them: zeroed, aligned to 64 bytes when their size is a multiple of
 * it, and to 8 otherwise; or NULL.  Freed with the same size.  Control.
 */
void	*kslab_alloc(struct kern *, size_t);
void	kslab_free(struct kern *, void *, size_t);
/* Any: what is about to be freed, other work first, will find its chunk in a
 * cache. */
void	kslab_free_soon(const void *);
/*
 * Tables, which grow and are accessed at random: zeroed, aligned to 64 bytes,
 * on large pages once they are large; or NULL.  Freed with the same size.
 * Control.
 */
void	*kern_table_alloc(struct kern *, size_t);
void	kern_table_free(struct kern *, void *, size_t);

/* Buffers in the region and how many of them are free (exact when idle). */
unsigned mbuf_total(struct kern *);
unsigned mbuf_free_count(struct kern *);

/* CPU: free a packet and count it on this CPU, for want of an interface. */
void	kern_drop(struct mbuf *, enum drop_reason);

/* A length that one thread at a time writes, and others read. */
static inline void
cpu_len_set(uint32_t *p, uint32_t len)
{

	__atomic_store_n(p, len, __ATOMIC_RELAXED);
}

/* Add to a counter that one thread writes and others read. */
static inline void
cpu_stat_add(uint64_t *stat, uint64_t n)
{

	__atomic_store_n(stat, *stat + n, __ATOMIC_RELAXED);
}

/*
 * Charge the clocks since the last switch to the stage that ran, and begin
 * another; returns the stage that ran, to switch back to.  The cost is two
 * reads of the time-stamp counter per vector and stage.
 */
static inline enum cpu_stage
cpu_stage_switch(struct cpu *ci, enum cpu_stage next)
{
	enum cpu_stage prev = ci->ci_stage_cur;
	uint64_t now = machine_clock();

	cpu_stat_add(&ci->ci_stage[prev].ss_clocks, now - ci->ci_stage_mark);
	ci->ci_stage_mark = now;
	ci->ci_stage_cur = next;
	return prev;
}

/* Enter a stage with n packets. */
static inline enum cpu_stage
cpu_stage_enter(struct cpu *ci, enum cpu_stage next, unsigned n)
{

	cpu_stat_add(&ci->ci_stage[next].ss_packets, n);
	cpu_stat_add(&ci->ci_stage[next].ss_calls, 1);
	return cpu_stage_switch(ci, next);
}

#endif /* !KERN_KERN_IMPL_H */
