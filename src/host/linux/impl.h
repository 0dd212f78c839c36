/*
 * impl: declarations that only the files of the Linux host use.
 *
 * The host object is the one piece of process-wide state below the stack: it
 * holds the list of known threads and the listening sockets, each with its own
 * lock.
 */

#ifndef HOST_LINUX_IMPL_H
#define HOST_LINUX_IMPL_H

#include "host/host.h"

#include <pthread.h>

struct linux_listener;

/*
 *	lh_host			first: a struct host * is one of these
 *	lh_threads		known threads; lh_thread_lock
 *	lh_listeners		sockets whose file we made; lh_sock_lock
 *	lh_no_pwait2		set once the kernel refused epoll_pwait2();
 *				atomic
 */
struct linux_host {
	struct host	 lh_host;
	pthread_mutex_t	 lh_thread_lock;
	struct host_thread *lh_threads;
	pthread_mutex_t	 lh_sock_lock;
	struct linux_listener *lh_listeners;
	bool		 lh_no_pwait2;
};

static inline struct linux_host *
linux_host(struct host *h)
{

	return (struct linux_host *)h;
}

/* linux.c */
void	*linux_alloc(struct host *, size_t, size_t);
void	linux_free(struct host *, void *);

/* thread.c */
unsigned linux_ncpu(struct host *);
int	linux_thread_create(struct host *, const char *, int,
	    void (*)(void *), void *, struct host_thread **);
void	linux_thread_join(struct host *, struct host_thread *);
struct host_thread *linux_thread_attach(struct host *);
void	linux_thread_foreach(struct host *,
	    bool (*)(struct host_thread *, void *), void *);
void	linux_sleep(struct host *, uint64_t);
void	linux_yield(struct host *);
void	linux_rcu_synchronize(struct host *);

/* sync.c */
void	linux_mutex_init(struct host *, struct host_mutex *);
void	linux_mutex_destroy(struct host *, struct host_mutex *);
void	linux_mutex_lock(struct host *, struct host_mutex *);
bool	linux_mutex_trylock(struct host *, struct host_mutex *);
void	linux_mutex_unlock(struct host *, struct host_mutex *);
bool	linux_mutex_owned(struct host *, const struct host_mutex *);
void	linux_cond_init(struct host *, struct host_cond *);
void	linux_cond_destroy(struct host *, struct host_cond *);
int	linux_cond_wait(struct host *, struct host_cond *,
	    struct host_mutex *, uint64_t);
void	linux_cond_broadcast(struct host *, struct host_cond *);

/* poller.c */
int	linux_poller_create(struct host *, struct host_poller **);
void	linux_poller_destroy(struct host *, struct host_poller *);
int	linux_poller_add(struct host *, struct host_poller *, int, unsigned,
	    void *);
int	linux_poller_mod(struct host *, struct host_poller *, int, unsigned,
	    void *);
void	linux_poller_del(struct host *, struct host_poller *, int);
int	linux_poller_wait(struct host *, struct host_poller *,
	    struct host_event *, unsigned, uint64_t, unsigned *);
void	linux_poller_wake(struct host *, struct host_poller *);
int	linux_poller_fd(struct host *, struct host_poller *);

/* tun.c */
int	linux_tun_open(struct host *, const struct host_tun_config *,
	    struct host_tun **);
void	linux_tun_close(struct host *, struct host_tun *);
int	linux_tun_fd(struct host *, struct host_tun *);
int	linux_tun_offload(struct host *, struct host_tun *, unsigned);
const char *linux_tun_name(struct host *, struct host_tun *);
int	linux_tun_watch(struct host *, struct host_tun *, void (*)(void *),
	   void *);
bool	linux_tun_takes(struct host *, struct host_tun *);
void	linux_tun_far(struct host *, struct host_tun *,
	   struct host_tun_far *);
int	linux_tun_mtu(struct host *, struct host_tun *, uint32_t);
void	linux_tun_carrier(struct host *, struct host_tun *, bool);
ssize_t	linux_tun_recv(struct host *, struct host_tun *,
	    const struct iovec *, int);
ssize_t	linux_tun_send(struct host *, struct host_tun *,
	    const struct iovec *, int);

/*
 * tun_far.c.  linux_far_attach() is called for a device that was opened; its
 * result is freed by linux_far_detach(), before the descriptor is closed.
 * NULL: out of memory.
 */
struct linux_far *linux_far_attach(struct host *, int fd, bool handed_over);
void	linux_far_detach(struct linux_far *);
void	linux_far_get(struct linux_far *, struct host_tun_far *);
int	linux_far_watch(struct linux_far *, void (*)(void *), void *);
int	linux_far_mtu(struct linux_far *, uint32_t);
void	linux_far_carrier(struct linux_far *, bool);

/* sock.c */
int	linux_sock_listen(struct host *, const char *, mode_t, int *);
int	linux_sock_accept(struct host *, int, int *, struct host_peercred *);
ssize_t	linux_sock_recv(struct host *, int, void *, size_t, int *);
ssize_t	linux_sock_send(struct host *, int, const struct iovec *, int);
void	linux_sock_close(struct host *, int);

#endif /* !HOST_LINUX_IMPL_H */
