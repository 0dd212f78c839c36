/*
 * host: the seam between the stack and the machine it runs on.
 *
 * Everything above this floor asks the host for time, memory, randomness,
 * threads, waiting and I/O, and never calls the C library for them.  There
 * are two hosts behind this one header: the Linux one (src/host/linux) and
 * the simulated one (src/host/sim), in which time is virtual and a seed
 * decides which task runs next and which call fails.
 *
 * A blocking wait is always a host call.  Under the simulated host all tasks
 * share one OS thread and change only inside host calls marked "may switch",
 * so code between two such calls is atomic there.
 *
 * Times are nanoseconds in uint64_t.  Errors are positive errno values.
 */

#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <sys/types.h>
#include <sys/uio.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host;
struct host_poller;
struct host_tun;
struct host_module;

/* The timeout or deadline that never comes. */
#define HOST_FOREVER	UINT64_MAX

/*
 * A thread known to the host: created by it, or a thread of the user's that
 * called host_thread_attach().  Every thread that enters the stack is known.
 *
 * 	ht_host, ht_name	constant after creation
 * 	ht_cpu			the struct cpu this thread runs, or NULL;
 * 				written by the thread itself
 * 	ht_kern, ht_kern_dtor	kern's own per-thread state (passive
 * 				references); written by the thread itself,
 * 				the destructor runs at thread exit
 */

struct host_thread {
	struct host	*ht_host;
	struct host_thread *ht_next;	/* host's list; host's thread lock */
	char		 ht_name[16];
	void		*ht_cpu;
	void		*ht_kern;
	void		*ht_reqctx;	/* kern's, like ht_kern */
	void		(*ht_kern_dtor)(void *);
};

/* The calling thread, or NULL when it was never attached. */
extern __thread struct host_thread *host_curthread;

/* Sleeping lock.  Storage belongs to the user, contents to the host. */
struct host_mutex {
	uint64_t	 hm_w[6];
};

struct host_cond {
	uint64_t	 hc_w[8];
};

/* The events that host_poller_wait() reports. */
#define HOST_POLL_IN	0x01
#define HOST_POLL_OUT	0x02
#define HOST_POLL_HUP	0x04	/* error or hang-up; always reported */

struct host_event {
	void		*he_cookie;	/* as given to host_poller_add() */
	unsigned	 he_events;	/* HOST_POLL_* */
};

/* Credentials of the peer of a local socket. */
#define HOST_NGROUPS	32

struct host_peercred {
	pid_t		 hp_pid;
	uid_t		 hp_uid;
	gid_t		 hp_gid;
	unsigned	 hp_ngroups;	/* supplementary ones */
	gid_t		 hp_groups[HOST_NGROUPS];
};

/*
 * A tun device in tap mode with a vnet header in front of every packet.
 * The header has Linux's virtio_net_hdr layout; struct host_vnethdr mirrors it.
 */
struct host_vnethdr {
	uint8_t		 vh_flags;
#define HOST_VH_NEEDS_CSUM	0x01	/* from csum_start, at offset */
#define HOST_VH_DATA_VALID	0x02	/* checksum was verified */
	uint8_t		 vh_gso_type;
#define HOST_VH_GSO_NONE	0
#define HOST_VH_GSO_TCPV4	1
#define HOST_VH_GSO_TCPV6	4
#define HOST_VH_GSO_UDP_L4	5
#define HOST_VH_GSO_ECN		0x80
	uint16_t	 vh_hdr_len;	/* headers up to the payload */
	uint16_t	 vh_gso_size;	/* payload bytes per segment */
	uint16_t	 vh_csum_start;
	uint16_t	 vh_csum_offset;
};

/* Offloads that the stack accepts from the device (TUNSETOFFLOAD). */
#define HOST_TUN_CSUM	0x01
#define HOST_TUN_TSO4	0x02
#define HOST_TUN_TSO6	0x04
#define HOST_TUN_TSO_ECN 0x08
#define HOST_TUN_USO	0x10	/* UDP segmentation; EINVAL before Linux 6.2 */

/* The state of the far side of a tun device: the host's own interface. */
struct host_tun_far {
	char		 tf_name[16];	/* its present name */
	unsigned	 tf_flags;
#define HOST_TUN_GONE	0x01	/* deleted; nothing else is valid */
#define HOST_TUN_UP	0x02	/* set up by its owner */
#define HOST_TUN_AWAY	0x04	/* not in the process's network namespace */
#define HOST_TUN_UNSEEN	0x08	/* no right to look into its namespace: the
				 * MTU is not known, down is noticed when a
				 * packet is sent */
	uint32_t	 tf_mtu;	/* 0: not known */
	uint64_t	 tf_netns;	/* its namespace: inode; 0: not known */
	uint32_t	 tf_falls;	/* the number of times it was seen to be
					 * set down so far */
};

struct host_tun_config {
	const char	*tc_name;	/* ""; the host chooses */
	int		 tc_fd;		/* handed-over descriptor, or -1 */
	unsigned	 tc_offload;	/* HOST_TUN_* */
	const char	**tc_why;	/* out: a refusal in words; NULL */
};

/* Most scatter/gather elements in one tun or socket call. */
#define HOST_IOV_MAX	64

enum host_log_level {
	HOST_LOG_ERR = 3,		/* numbers are syslog(3)'s */
	HOST_LOG_WARNING = 4,
	HOST_LOG_NOTICE = 5,
	HOST_LOG_INFO = 6,
	HOST_LOG_DEBUG = 7
};

/*
 * The operations of a host, one constant table for each host.  Callers use the
 * inline functions below, which document every operation.
 */
struct host_ops {
	const char *ho_name;
	uint64_t (*ho_clock)(struct host *);
	uint64_t (*ho_wallclock)(struct host *);
	void	(*ho_random)(struct host *, void *, size_t);

	void	*(*ho_alloc)(struct host *, size_t, size_t);
	void	(*ho_free)(struct host *, void *);
	void	*(*ho_map)(struct host *, size_t);
	void	*(*ho_map_whole)(struct host *, size_t, size_t);
	void	(*ho_unmap)(struct host *, void *, size_t);

	unsigned (*ho_ncpu)(struct host *);
	int	(*ho_thread_create)(struct host *, const char *, int,
		    void (*)(void *), void *, struct host_thread **);
	void	(*ho_thread_join)(struct host *, struct host_thread *);
	struct host_thread *(*ho_thread_attach)(struct host *);
	void	(*ho_thread_foreach)(struct host *,
		    bool (*)(struct host_thread *, void *), void *);
	void	(*ho_sleep)(struct host *, uint64_t);
	void	(*ho_yield)(struct host *);
	void	(*ho_rcu_synchronize)(struct host *);

	void	(*ho_mutex_init)(struct host *, struct host_mutex *);
	void	(*ho_mutex_destroy)(struct host *, struct host_mutex *);
	void	(*ho_mutex_lock)(struct host *, struct host_mutex *);
	bool	(*ho_mutex_trylock)(struct host *, struct host_mutex *);
	void	(*ho_mutex_unlock)(struct host *, struct host_mutex *);
	bool	(*ho_mutex_owned)(struct host *, const struct host_mutex *);
	void	(*ho_cond_init)(struct host *, struct host_cond *);
	void	(*ho_cond_destroy)(struct host *, struct host_cond *);
	int	(*ho_cond_wait)(struct host *, struct host_cond *,
		    struct host_mutex *, uint64_t);
	void	(*ho_cond_broadcast)(struct host *, struct host_cond *);

	int	(*ho_poller_create)(struct host *, struct host_poller **);
	void	(*ho_poller_destroy)(struct host *, struct host_poller *);
	int	(*ho_poller_add)(struct host *, struct host_poller *, int,
		    unsigned, void *);
	int	(*ho_poller_mod)(struct host *, struct host_poller *, int,
		    unsigned, void *);
	void	(*ho_poller_del)(struct host *, struct host_poller *, int);
	int	(*ho_poller_wait)(struct host *, struct host_poller *,
		    struct host_event *, unsigned, uint64_t, unsigned *);
	void	(*ho_poller_wake)(struct host *, struct host_poller *);
	int	(*ho_poller_fd)(struct host *, struct host_poller *);

	int	(*ho_tun_open)(struct host *, const struct host_tun_config *,
		    struct host_tun **);
	void	(*ho_tun_close)(struct host *, struct host_tun *);
	int	(*ho_tun_fd)(struct host *, struct host_tun *);
	int	(*ho_tun_offload)(struct host *, struct host_tun *, unsigned);
	const char *(*ho_tun_name)(struct host *, struct host_tun *);
	int	(*ho_tun_watch)(struct host *, struct host_tun *,
		    void (*)(void *), void *);
	bool	(*ho_tun_takes)(struct host *, struct host_tun *);
	void	(*ho_tun_far)(struct host *, struct host_tun *,
		    struct host_tun_far *);
	int	(*ho_tun_mtu)(struct host *, struct host_tun *, uint32_t);
	void	(*ho_tun_carrier)(struct host *, struct host_tun *, bool);
	ssize_t	(*ho_tun_recv)(struct host *, struct host_tun *,
		    const struct iovec *, int);
	ssize_t	(*ho_tun_send)(struct host *, struct host_tun *,
		    const struct iovec *, int);

	int	(*ho_sock_listen)(struct host *, const char *, mode_t, int *);
	int	(*ho_sock_accept)(struct host *, int, int *,
		    struct host_peercred *);
	ssize_t	(*ho_sock_recv)(struct host *, int, void *, size_t, int *);
	ssize_t	(*ho_sock_send)(struct host *, int, const struct iovec *, int);
	void	(*ho_sock_close)(struct host *, int);

	int	(*ho_module_open)(struct host *, const char *, const char *,
		    struct host_module **, char *, size_t);
	const void *(*ho_module_sym)(struct host *, struct host_module *,
		    const char *);
	void	(*ho_module_close)(struct host *, struct host_module *);

	void	(*ho_log)(struct host *, enum host_log_level, const char *);
};

/* The common part, with which every host object begins. */
struct host {
	const struct host_ops *h_ops;
};

/*
 * host_linux: the one Linux host of this process.  Any thread, any time;
 * never fails, nothing to free.
 */
struct host *host_linux(void);
/* Write a line to the standard error output, if it takes one without waiting:
 * who does not read a pipe must not stop the process.  Lines that are lost are
 * counted, and their number comes with the next one. */
void	host_linux_log(const char *prefix, const char *line);

/* Time since an arbitrary point; never goes back.  Any context. */
static inline uint64_t
host_clock(struct host *h)
{

	return h->h_ops->ho_clock(h);
}

/* Time since 1970-01-01 UTC.  Any context. */
static inline uint64_t
host_wallclock(struct host *h)
{

	return h->h_ops->ho_wallclock(h);
}

/* Any context: fill a buffer with random bytes fit for keys (seeded under the
 * simulated host). */
static inline void
host_random(struct host *h, void *buf, size_t len)
{

	h->h_ops->ho_random(h, buf, len);
}

/*
 * Zeroed memory, `align' a power of two (0: as malloc), or NULL.  May fail
 * at any call under the simulated host.  Not on the packet path.
 */
static inline void *
host_alloc(struct host *h, size_t bytes, size_t align)
{

	return h->h_ops->ho_alloc(h, bytes, align);
}

/* Any context that may touch the allocator; NULL is allowed. */
static inline void
host_free(struct host *h, void *p)
{

	h->h_ops->ho_free(h, p);
}

/*
 * A zeroed region whose pages cost nothing until they are written.
 * `bytes' is rounded up to pages.  NULL when there is none.
 */
static inline void *
host_map(struct host *h, size_t bytes)
{

	return h->h_ops->ho_map(h, bytes);
}

/*
 * A zeroed region for use in full, of whole pages, aligned to a power of two,
 * of large pages where the machine has them; undone by host_unmap().  NULL:
 * there is none, or the host has no such regions.
 */
static inline void *
host_map_whole(struct host *h, size_t bytes, size_t align)
{

	return h->h_ops->ho_map_whole == NULL ? NULL :
	    h->h_ops->ho_map_whole(h, bytes, align);
}

/* Undo host_map() or host_map_whole().  Any thread; NULL is allowed. */
static inline void
host_unmap(struct host *h, void *p, size_t bytes)
{

	h->h_ops->ho_unmap(h, p, bytes);
}

/* The number of CPUs that this process may run on. */
static inline unsigned
host_ncpu(struct host *h)
{

	return h->h_ops->ho_ncpu(h);
}

/*
 * Start a thread (pin: CPU to pin it to, or -1).  The new thread is attached,
 * registered with RCU, and blocks all signals.  EAGAIN, ENOMEM.
 */
static inline int
host_thread_create(struct host *h, const char *name, int pin,
    void (*fn)(void *), void *arg, struct host_thread **tp)
{

	return h->h_ops->ho_thread_create(h, name, pin, fn, arg, tp);
}

/* Wait for a thread's end and free it.  Sleeps; may switch. */
static inline void
host_thread_join(struct host *h, struct host_thread *t)
{

	h->h_ops->ho_thread_join(h, t);
}

/*
 * Attach the calling thread (which becomes an RCU reader as well); cheap when
 * it is attached already.  Undone automatically at thread exit.  NULL when out
 * of memory.
 */
static inline struct host_thread *
host_thread_attach(struct host *h)
{

	return host_curthread != NULL ? host_curthread :
	    h->h_ops->ho_thread_attach(h);
}

/*
 * Call fn on every known thread, with the host's thread lock held, until it
 * returns false.  fn must not sleep nor create threads.
 */
static inline void
host_thread_foreach(struct host *h, bool (*fn)(struct host_thread *, void *),
    void *arg)
{

	h->h_ops->ho_thread_foreach(h, fn, arg);
}

/* Sleep for ns.  May switch.  Control contexts only. */
static inline void
host_sleep(struct host *h, uint64_t ns)
{

	h->h_ops->ho_sleep(h, ns);
}

/* Yield to other threads.  May switch. */
static inline void
host_yield(struct host *h)
{

	h->h_ops->ho_yield(h);
}

/*
 * Wait until every read-side section that had begun has ended.  Not inside
 * one.  May switch.
 */
static inline void
host_rcu_synchronize(struct host *h)
{

	h->h_ops->ho_rcu_synchronize(h);
}

/* Control: set up a mutex in storage of the caller; never fails. */
static inline void
host_mutex_init(struct host *h, struct host_mutex *m)
{

	h->h_ops->ho_mutex_init(h, m);
}

/* Control: end the use of a mutex, which no thread holds or waits for. */
static inline void
host_mutex_destroy(struct host *h, struct host_mutex *m)
{

	h->h_ops->ho_mutex_destroy(h, m);
}

/* Lock a mutex, which is not recursive.  Sleeps; may switch.  Never on the
 * packet path. */
static inline void
host_mutex_lock(struct host *h, struct host_mutex *m)
{

	h->h_ops->ho_mutex_lock(h, m);
}

/* Lock a mutex if it is free; false: it is not.  Any context. */
static inline bool
host_mutex_trylock(struct host *h, struct host_mutex *m)
{

	return h->h_ops->ho_mutex_trylock(h, m);
}

/* Unlock a mutex that the calling thread holds. */
static inline void
host_mutex_unlock(struct host *h, struct host_mutex *m)
{

	h->h_ops->ho_mutex_unlock(h, m);
}

/* For assertions: does the calling thread hold the lock? */
static inline bool
host_mutex_owned(struct host *h, const struct host_mutex *m)
{

	return h->h_ops->ho_mutex_owned(h, m);
}

/* Control: set up a condition variable; never fails. */
static inline void
host_cond_init(struct host *h, struct host_cond *c)
{

	h->h_ops->ho_cond_init(h, c);
}

/* Control: end the use of a condition variable, on which no thread waits. */
static inline void
host_cond_destroy(struct host *h, struct host_cond *c)
{

	h->h_ops->ho_cond_destroy(h, c);
}

/*
 * Wait at most ns (HOST_FOREVER: no limit); may end early for no reason.
 * 0 or ETIMEDOUT.  May switch.
 */
static inline int
host_cond_wait(struct host *h, struct host_cond *c, struct host_mutex *m,
    uint64_t ns)
{

	return h->h_ops->ho_cond_wait(h, c, m, ns);
}

/* Wake every thread that waits on a condition variable. */
static inline void
host_cond_broadcast(struct host *h, struct host_cond *c)
{

	h->h_ops->ho_cond_broadcast(h, c);
}

/* A set of descriptors to wait on, with a doorbell that any thread may ring. */
static inline int
host_poller_create(struct host *h, struct host_poller **pp)
{

	return h->h_ops->ho_poller_create(h, pp);
}

/* Control: free a poller, on which no thread waits; its descriptors stay
 * open. */
static inline void
host_poller_destroy(struct host *h, struct host_poller *p)
{

	h->h_ops->ho_poller_destroy(h, p);
}

/* Level-triggered.  Any thread.  EEXIST, ENOMEM, EBADF. */
static inline int
host_poller_add(struct host *h, struct host_poller *p, int fd, unsigned events,
    void *cookie)
{

	return h->h_ops->ho_poller_add(h, p, fd, events, cookie);
}

/* Change the events and the cookie of a descriptor in the set.  Any thread. */
static inline int
host_poller_mod(struct host *h, struct host_poller *p, int fd, unsigned events,
    void *cookie)
{

	return h->h_ops->ho_poller_mod(h, p, fd, events, cookie);
}

/* Remove a descriptor from the set.  An event already fetched by another thread
 * may still carry its cookie. */
static inline void
host_poller_del(struct host *h, struct host_poller *p, int fd)
{

	h->h_ops->ho_poller_del(h, p, fd);
}

/*
 * Wait at most ns for events (0: look only) and store up to n of them, their
 * number in *np.  A doorbell ends the wait and is not stored; a wait may also
 * end for no reason.  One thread at a time waits on a poller.  0 or EINTR.
 * May switch.
 */
static inline int
host_poller_wait(struct host *h, struct host_poller *p, struct host_event *ev,
    unsigned n, uint64_t ns, unsigned *np)
{

	return h->h_ops->ho_poller_wait(h, p, ev, n, ns, np);
}

/* Ring the doorbell: the current or the next wait ends at once.  Any thread,
 * signal-safe. */
static inline void
host_poller_wake(struct host *h, struct host_poller *p)
{

	h->h_ops->ho_poller_wake(h, p);
}

/* A descriptor that polls readable when the poller has something, or -1. */
static inline int
host_poller_fd(struct host *h, struct host_poller *p)
{

	return h->h_ops->ho_poller_fd(h, p);
}

/*
 * Open a tap device, or adopt a descriptor of one: non-blocking, with vnet
 * header, offloads set and, when it was opened by name, the device brought up.
 * On failure a handed-over descriptor stays the caller's.  EPERM, EBUSY, ENXIO
 * (no tun driver), EINVAL (not a tap descriptor), or another errno of the
 * kernel.  May sleep.
 */
static inline int
host_tun_open(struct host *h, const struct host_tun_config *tc,
    struct host_tun **tp)
{

	return h->h_ops->ho_tun_open(h, tc, tp);
}

/* Control: close the device; its watcher does not run any more. */
static inline void
host_tun_close(struct host *h, struct host_tun *t)
{

	h->h_ops->ho_tun_close(h, t);
}

/* Any: the descriptor of the device, for a poller. */
static inline int
host_tun_fd(struct host *h, struct host_tun *t)
{

	return h->h_ops->ho_tun_fd(h, t);
}

/* Control: set the offloads that the stack accepts, HOST_TUN_*. 0 or errno. */
static inline int
host_tun_offload(struct host *h, struct host_tun *t, unsigned offload)
{

	return h->h_ops->ho_tun_offload(h, t, offload);
}

/* The name that the device had on the other side when it was opened. */
static inline const char *
host_tun_name(struct host *h, struct host_tun *t)
{

	return h->h_ops->ho_tun_name(h, t);
}

/*
 * Control: fn(arg) is called from now on when the far side may have changed:
 * set up or down, another MTU, name or namespace, deleted.  It is called in
 * control context, on a thread of the host, with no lock of the host held; it
 * may sleep.  It does not run any more when host_tun_close() returns, which it
 * must not call.  A device can be watched once.  errno: no changes will be
 * reported.
 */
static inline int
host_tun_watch(struct host *h, struct host_tun *t, void (*fn)(void *),
    void *arg)
{

	return h->h_ops->ho_tun_watch(h, t, fn, arg);
}

/*
 * Any: does the device take packets now?  While the far side is down it does
 * not, and host_tun_send() is -EIO.  After a false, the watcher is called once
 * it does.
 */
static inline bool
host_tun_takes(struct host *h, struct host_tun *t)
{

	return h->h_ops->ho_tun_takes(h, t);
}

/* Control: query the present state of the far side. */
static inline void
host_tun_far(struct host *h, struct host_tun *t, struct host_tun_far *tf)
{

	h->h_ops->ho_tun_far(h, t, tf);
}

/*
 * Control: set the MTU of the far side.  EPERM (no right in its namespace),
 * EINVAL (the host has no such MTU), ENXIO (deleted).
 */
static inline int
host_tun_mtu(struct host *h, struct host_tun *t, uint32_t mtu)
{

	return h->h_ops->ho_tun_mtu(h, t, mtu);
}

/* Control: set whether the far side has a carrier.  It has one at first. */
static inline void
host_tun_carrier(struct host *h, struct host_tun *t, bool on)
{

	h->h_ops->ho_tun_carrier(h, t, on);
}

/*
 * Receive or send one packet, the first sizeof(struct host_vnethdr) bytes being
 * its vnet header.  Returns the bytes moved, or the negative errno: -EAGAIN
 * when there is no packet or no room, -EBADFD or -ENXIO when the device is
 * gone; any other error loses this packet only.  One system call.  CPU context.
 */
static inline ssize_t
host_tun_recv(struct host *h, struct host_tun *t, const struct iovec *iov,
    int n)
{

	return h->h_ops->ho_tun_recv(h, t, iov, n);
}

static inline ssize_t
host_tun_send(struct host *h, struct host_tun *t, const struct iovec *iov,
    int n)
{

	return h->h_ops->ho_tun_send(h, t, iov, n);
}

/*
 * Local sequenced-packet sockets, for control.  Listening replaces a stale
 * socket file, at which no process listens, and is EADDRINUSE on a live one.
 * All descriptors are non-blocking and close-on-exec.  The file is removed by
 * host_sock_close() of the listening descriptor.
 */
static inline int
host_sock_listen(struct host *h, const char *path, mode_t mode, int *fdp)
{

	return h->h_ops->ho_sock_listen(h, path, mode, fdp);
}

/* Accept a connection, with the credentials of its peer.  EAGAIN: none
 * waits; EMFILE, ENFILE, ENOMEM. */
static inline int
host_sock_accept(struct host *h, int fd, int *newfdp, struct host_peercred *hp)
{

	return h->h_ops->ho_sock_accept(h, fd, newfdp, hp);
}

/*
 * Receive one whole message: its length (more than `len' when it was cut), 0 at
 * the end of the connection, or the negative errno.  *passed_fd is a descriptor
 * that came with it, or -1; further ones are closed.
 */
static inline ssize_t
host_sock_recv(struct host *h, int fd, void *buf, size_t len, int *passed_fd)
{

	return h->h_ops->ho_sock_recv(h, fd, buf, len, passed_fd);
}

/* Send one whole message: bytes sent, or the negative errno: -EAGAIN when
 * the receiver has no room, -EPIPE when it is gone. */
static inline ssize_t
host_sock_send(struct host *h, int fd, const struct iovec *iov, int n)
{

	return h->h_ops->ho_sock_send(h, fd, iov, n);
}

/* Close a socket; of a listening one, remove its file as well. */
static inline void
host_sock_close(struct host *h, int fd)
{

	h->h_ops->ho_sock_close(h, fd);
}

/*
 * Load NAME.so from the first directory that has it: the directories of
 * $IFNET_MODULES, absolute and separated by colons, then the directory where
 * modules are installed.  The variable is ignored in a program that has more
 * rights than its user.  name is without a slash; a file that does not define
 * `symbol' is not loaded, so that none of its code runs.  `why' receives the
 * file's path, or the reason of a failure: ENOENT (there is none), EINVAL (it
 * cannot be loaded, or others could have written it: see host/trust.h), ENOMEM.
 * Sleeps.
 */
static inline int
host_module_open(struct host *h, const char *name, const char *symbol,
    struct host_module **mp, char *why, size_t whylen)
{

	return h->h_ops->ho_module_open(h, name, symbol, mp, why, whylen);
}

/* The address of a module's symbol; NULL: it has none. */
static inline const void *
host_module_sym(struct host *h, struct host_module *m, const char *symbol)
{

	return h->h_ops->ho_module_sym(h, m, symbol);
}

/* Unload a module, none of whose code or data is in use any more. */
static inline void
host_module_close(struct host *h, struct host_module *m)
{

	h->h_ops->ho_module_close(h, m);
}

/* Log one line of text, without newline. */
static inline void
host_log(struct host *h, enum host_log_level level, const char *line)
{

	h->h_ops->ho_log(h, level, line);
}

#endif /* !HOST_HOST_H */
