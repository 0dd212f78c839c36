/*
 * sim: the simulated host.
 *
 * One OS thread runs every task (coroutines); the seed decides which runnable
 * task goes on at each switch, how long things take in virtual time, and which
 * calls fail.  The same seed and the same program give the same run.  When no
 * task can run, virtual time jumps to the next deadline; when there is no
 * deadline either, the run is a deadlock and sim_run() says so.
 */

#ifndef HOST_SIM_SIM_H
#define HOST_SIM_SIM_H

#include "host/host.h"

struct sim_config {
	uint64_t	 sc_seed;
	unsigned	 sc_ncpu;		/* host_ncpu(); 0 means 2 */
	unsigned	 sc_alloc_fail_ppm; /* of a million allocations */
	unsigned	 sc_io_fail_ppm; /* of a million tun/socket calls */
	bool		 sc_quiet;		/* do not print log lines */
	bool		 sc_modules;		/* load real modules */
};

/* NULL only when memory is really out. */
struct host *sim_create(const struct sim_config *);

/*
 * Run fn(arg) as the first task and everything it starts, until fn has
 * returned and all tasks have ended.  0, or EDEADLK (the state of every task
 * is printed to stderr).
 */
int	 sim_run(struct host *, void (*fn)(void *), void *arg);

/* Free the host; asserts that every allocation was freed. */
void	 sim_destroy(struct host *);

/* Allocations not freed yet, for leak checks. */
size_t	 sim_allocated(struct host *);

/* Fail the n-th allocation from now (1 = the next one); 0 = none. */
void	 sim_fail_alloc(struct host *, unsigned n);
/* Did the failure set by sim_fail_alloc() happen? */
bool	 sim_alloc_failed(struct host *);

/* Change the rates of failures while running. */
void	 sim_set_faults(struct host *, unsigned alloc_ppm, unsigned io_ppm);

/*
 * The other side of a simulated tap, by device name: put a packet (with vnet
 * header) in, or take one out (the room there is on entry, the packet's length
 * on return).  ENXIO: no such device; ENOBUFS: its queue is full; EAGAIN:
 * nothing there; EMSGSIZE: too long for the buffer, and still there.
 */
int	 sim_tun_put(struct host *, const char *name, const void *, size_t);
int	 sim_tun_get(struct host *, const char *name, void *, size_t *);
/* Delete the device while it is in use: every further call of its user is
 * EBADFD. */
int	 sim_tun_kill(struct host *, const char *name);
/* The far side refuses a larger MTU from the stack's side. */
#define SIM_TUN_MTU_MAX	60000
/*
 * Change the state of the far side to tf's (its flags UP and UNSEEN; MTU 0 and
 * no name: unchanged; it went down tf_falls times in between) and call its
 * watcher, on this task: control context.  A change to down of an unseen one is
 * not reported.  ENXIO: no such device.
 */
int	 sim_tun_far(struct host *, const char *name,
	    const struct host_tun_far *tf);
/* MTU and carrier of the far side; 0, false: no such device. */
uint32_t sim_tun_mtu(struct host *, const char *name);
bool	 sim_tun_carrier(struct host *, const char *name);
/* HOST_TUN_* as its user last told it; 0: no such device. */
unsigned sim_tun_offload(struct host *, const char *name);

/*
 * A simulated tap with a descriptor that can be handed over: to
 * host_tun_open() in tc_fd, or through a socket.  EEXIST, ENAMETOOLONG, ENOMEM.
 */
int	 sim_tun_create(struct host *, const char *name, int *fdp);

/*
 * Connect to a listening socket: *fdp is the client's end, for
 * host_sock_recv(), host_sock_send(), host_sock_close() and pollers.  Without
 * credentials the peer is root.  ECONNREFUSED, EAGAIN (backlog full), ENOMEM.
 */
int	 sim_sock_connect(struct host *, const char *path,
	    const struct host_peercred *, int *fdp);

/* As host_sock_send(), and a copy of `passed' goes with the message. */
ssize_t	 sim_sock_sendfd(struct host *, int fd, const struct iovec *, int n,
	    int passed);

/* The number of times that a module was opened. */
unsigned sim_module_opens(struct host *);
/* The last log line, or "". */
const char *sim_last_log(struct host *);

/* The seed's own random numbers, for the test program. */
uint64_t sim_random(struct host *);

/* A hash of every scheduling decision so far and the time it was taken at. */
uint64_t sim_trace(struct host *);

#endif /* !HOST_SIM_SIM_H */
