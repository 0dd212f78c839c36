/*
 * impl: declarations that only the files of the simulated host use.
 *
 * Everything here belongs to the one OS thread that runs the simulation, so
 * nothing has a lock.  Anything the simulated program can see must follow
 * from the seed alone: no order may depend on an address or on real time.
 */

#ifndef HOST_SIM_IMPL_H
#define HOST_SIM_IMPL_H

#include "host/sim/sim.h"
#include "host/sim/fiber.h"

#include <sys/queue.h>

/* Seeded random numbers; several streams, so that one does not shift others. */
struct sim_rng {
	uint64_t	 sr_s[4];
};

enum sim_state {
	TASK_RUNNABLE,
	TASK_MUTEX,			/* st_wait: the mutex */
	TASK_COND,			/* the condition */
	TASK_SLEEP,
	TASK_POLL,			/* the poller */
	TASK_JOIN,			/* the other task */
	TASK_RCU,			/* st_rcu_target: which grace period */
	TASK_DONE
};

/*
 *	st_thread		first: a struct host_thread * is one of these
 *	st_deadline		when the wait times out, or HOST_FOREVER
 *	st_iogen		s_iogen when its poller was last looked at
 *	st_rcu_nest		read sections it is in while it does not run
 *	st_rcu_since		grace periods begun before the oldest of them
 */
struct sim_task {
	struct host_thread st_thread;
	TAILQ_ENTRY(sim_task) st_link;
	unsigned	 st_id;
	enum sim_state	 st_state;
	const void	*st_wait;
	uint64_t	 st_deadline;
	bool		 st_timed_out;
	bool		 st_candidate;
	uint64_t	 st_iogen;
	unsigned	 st_rcu_nest;
	uint64_t	 st_rcu_since;
	uint64_t	 st_rcu_target;
	struct fiber	 st_fiber;
	void		(*st_fn)(void *);
	void		*st_arg;
};

/* An object behind a descriptor: a tap, a listening socket, or an end of a
 * connection. */
struct sim_obj {
	const struct sim_obj_ops *so_ops;
	unsigned	 so_refs;	/* descriptors, open or on their way */
};

struct sim;

struct sim_obj_ops {
	unsigned (*soo_ready)(struct sim *, struct sim_obj *); /* HOST_POLL_* */
	void	(*soo_release)(struct sim *, struct sim_obj *);
};

struct sim_alloc;
struct sim_tap;
struct sim_listener;

/*
 *	s_now			virtual time
 *	s_cur			the running task; NULL outside of sim_run()
 *	s_boot			stands for the test program when it attaches
 *				outside of tasks
 *	s_iogen			counts changes that can make a descriptor ready
 */
struct sim {
	struct host	 s_host;
	struct sim_config s_config;
	struct sim_rng	 s_rng_sched;
	struct sim_rng	 s_rng_fault;
	struct sim_rng	 s_rng_user;
	uint64_t	 s_now;
	uint64_t	 s_trace;

	TAILQ_HEAD(, sim_task) s_tasks;
	struct sim_task	*s_cur;
	struct fiber	 s_main;
	unsigned	 s_live;
	unsigned	 s_next_id;
	bool		 s_running;
	bool		 s_deadlocked;
	bool		 s_boot_attached;
	struct host_thread s_boot;
	uint64_t	 s_rcu_gen;

	LIST_HEAD(, sim_alloc) s_allocs;
	size_t		 s_nallocs;
	unsigned	 s_fail_alloc;
	bool		 s_alloc_failed;

	struct sim_obj	**s_fds;
	unsigned	 s_nfds;
	uint64_t	 s_iogen;
	LIST_HEAD(, host_poller) s_pollers;
	LIST_HEAD(, sim_tap) s_taps;
	LIST_HEAD(, sim_listener) s_listeners;

	char		 s_log[512];
	unsigned	 s_module_opens;
};

static inline struct sim *
sim_of(struct host *h)
{

	return (struct sim *)h;
}

/* sim.c */
void	 sim_rng_seed(struct sim_rng *, uint64_t);
uint64_t sim_rng_next(struct sim_rng *);
uint64_t sim_rng_below(struct sim_rng *, uint64_t);
/* Is this tun or socket call to fail? */
bool	 sim_io_fault(struct sim *);

/* mem.c; sim_new() is an allocation of the program's, so it can fail. */
void	*sim_new(struct sim *, size_t);
void	*sim_new_unfailing(struct sim *, size_t);
void	*sim_ho_alloc(struct host *, size_t, size_t);
void	 sim_ho_free(struct host *, void *);
void	*sim_ho_map(struct host *, size_t);
void	 sim_ho_unmap(struct host *, void *, size_t);
void	 sim_alloc_report(struct sim *);
void	 sim_alloc_free_all(struct sim *);

/*
 * sched.c.  sim_may_switch(): a point where another task may go on.
 * sim_block(): wait to be woken, at most ns; true when the time was up.
 * sim_wake(): make the tasks runnable that wait in a state on an object.
 */
void	 sim_may_switch(struct sim *);
bool	 sim_block(struct sim *, enum sim_state, const void *, uint64_t ns);
void	 sim_wake(struct sim *, enum sim_state, const void *);
void	 sim_tasks_free(struct sim *);
int	 sim_ho_thread_create(struct host *, const char *, int,
	    void (*)(void *), void *, struct host_thread **);
void	 sim_ho_thread_join(struct host *, struct host_thread *);
struct host_thread *sim_ho_thread_attach(struct host *);
void	 sim_ho_thread_foreach(struct host *,
	    bool (*)(struct host_thread *, void *), void *);
void	 sim_ho_sleep(struct host *, uint64_t);
void	 sim_ho_yield(struct host *);
void	 sim_ho_rcu_synchronize(struct host *);

/* sync.c */
void	 sim_ho_mutex_init(struct host *, struct host_mutex *);
void	 sim_ho_mutex_destroy(struct host *, struct host_mutex *);
void	 sim_ho_mutex_lock(struct host *, struct host_mutex *);
bool	 sim_ho_mutex_trylock(struct host *, struct host_mutex *);
void	 sim_ho_mutex_unlock(struct host *, struct host_mutex *);
bool	 sim_ho_mutex_owned(struct host *, const struct host_mutex *);
void	 sim_ho_cond_init(struct host *, struct host_cond *);
void	 sim_ho_cond_destroy(struct host *, struct host_cond *);
int	 sim_ho_cond_wait(struct host *, struct host_cond *,
	    struct host_mutex *, uint64_t);
void	 sim_ho_cond_broadcast(struct host *, struct host_cond *);
/* The holder's name for a deadlock report, or NULL. */
const char *sim_mutex_holder(const void *);

/* fd.c */
int	 sim_fd_open(struct sim *, struct sim_obj *, int *);
struct sim_obj *sim_fd_get(struct sim *, int, const struct sim_obj_ops *);
void	 sim_fd_close(struct sim *, int);
void	 sim_obj_drop(struct sim *, struct sim_obj *);
size_t	 sim_iov_bytes(const struct iovec *, int);
void	 sim_iov_gather(void *, const struct iovec *, int);
size_t	 sim_iov_scatter(const struct iovec *, int, const void *, size_t);

/* poller.c */
bool	 sim_poller_pending(struct sim *, const void *, uint64_t *);
void	 sim_poller_forget(struct sim *, int);
int	 sim_ho_poller_create(struct host *, struct host_poller **);
void	 sim_ho_poller_destroy(struct host *, struct host_poller *);
int	 sim_ho_poller_add(struct host *, struct host_poller *, int, unsigned,
	    void *);
int	 sim_ho_poller_mod(struct host *, struct host_poller *, int, unsigned,
	    void *);
void	 sim_ho_poller_del(struct host *, struct host_poller *, int);
int	 sim_ho_poller_wait(struct host *, struct host_poller *,
	    struct host_event *, unsigned, uint64_t, unsigned *);
void	 sim_ho_poller_wake(struct host *, struct host_poller *);
int	 sim_ho_poller_fd(struct host *, struct host_poller *);

/* tun.c */
int	 sim_ho_tun_open(struct host *, const struct host_tun_config *,
	    struct host_tun **);
void	 sim_ho_tun_close(struct host *, struct host_tun *);
int	 sim_ho_tun_fd(struct host *, struct host_tun *);
int	sim_ho_tun_offload(struct host *, struct host_tun *, unsigned);
const char *sim_ho_tun_name(struct host *, struct host_tun *);
int	 sim_ho_tun_watch(struct host *, struct host_tun *, void (*)(void *),
	    void *);
bool	 sim_ho_tun_takes(struct host *, struct host_tun *);
void	 sim_ho_tun_far(struct host *, struct host_tun *,
	    struct host_tun_far *);
int	 sim_ho_tun_mtu(struct host *, struct host_tun *, uint32_t);
void	 sim_ho_tun_carrier(struct host *, struct host_tun *, bool);
ssize_t	 sim_ho_tun_recv(struct host *, struct host_tun *,
	    const struct iovec *, int);
ssize_t	 sim_ho_tun_send(struct host *, struct host_tun *,
	    const struct iovec *, int);

/* sock.c */
int	 sim_ho_sock_listen(struct host *, const char *, mode_t, int *);
int	 sim_ho_sock_accept(struct host *, int, int *,
	    struct host_peercred *);
ssize_t	 sim_ho_sock_recv(struct host *, int, void *, size_t, int *);
ssize_t	 sim_ho_sock_send(struct host *, int, const struct iovec *, int);
void	 sim_ho_sock_close(struct host *, int);

#endif /* !HOST_SIM_IMPL_H */
