/*
 * Pollers of the Linux host: epoll, and an eventfd as the doorbell.
 *
 * The doorbell is a word with three states, and the eventfd is written only
 * when the owner really sleeps in the kernel.  A ring that comes while the
 * owner is busy costs one atomic exchange, and a ring that comes after another
 * costs the same.
 *
 * 	AWAKE -> ASLEEP		wait(), before it goes into the kernel
 * 	AWAKE -> RUNG		wake(): the next wait() will not sleep
 * 	ASLEEP -> RUNG		wake(), which then writes the eventfd
 * 	any -> AWAKE		wait(), when it has come back
 *
 * Both sides use read-modify-write operations on the word, so a thread's writes
 * before wake() are seen by the owner after the wait() that this ended.  One
 * thread at a time waits on a poller.
 */

#include "host/linux/impl.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum bell { BELL_AWAKE, BELL_ASLEEP, BELL_RUNG };

/* Events fetched in one system call. */
#define WAIT_BATCH	64

/*
 *	hp_epoll, hp_event	descriptors, constant
 *	hp_bell			enum bell; atomic
 *	hp_watched		hp_epoll is polled from outside, so a ring must
 *				always show there; atomic, never cleared
 */
struct host_poller {
	int		 hp_epoll;
	int		 hp_event;
	unsigned	 hp_bell;
	bool		 hp_watched;
};

int
linux_poller_create(struct host *h, struct host_poller **pp)
{
	struct host_poller *p;
	struct epoll_event ev;
	int error;

	(void)h;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return ENOMEM;
	p->hp_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->hp_epoll == -1) {
		error = errno;
		goto fail_free;
	}
	p->hp_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->hp_event == -1) {
		error = errno;
		goto fail_epoll;
	}
	ev.events = EPOLLIN;
	ev.data.ptr = p;
	if (epoll_ctl(p->hp_epoll, EPOLL_CTL_ADD, p->hp_event, &ev) != 0) {
		error = errno;
		goto fail_event;
	}
	*pp = p;
	return 0;

fail_event:
	close(p->hp_event);
fail_epoll:
	close(p->hp_epoll);
fail_free:
	free(p);
	return error;
}

void
linux_poller_destroy(struct host *h, struct host_poller *p)
{

	(void)h;
	if (p == NULL)
		return;
	close(p->hp_event);
	close(p->hp_epoll);
	free(p);
}

static int
control(struct host_poller *p, int op, int fd, unsigned events, void *cookie)
{
	struct epoll_event ev;

	assert(cookie != p);
	ev.events = 0;
	if (events & HOST_POLL_IN)
		ev.events |= EPOLLIN;
	if (events & HOST_POLL_OUT)
		ev.events |= EPOLLOUT;
	ev.data.ptr = cookie;
	return epoll_ctl(p->hp_epoll, op, fd, &ev) == 0 ? 0 : errno;
}

int
linux_poller_add(struct host *h, struct host_poller *p, int fd,
    unsigned events, void *cookie)
{

	(void)h;
	return control(p, EPOLL_CTL_ADD, fd, events, cookie);
}

int
linux_poller_mod(struct host *h, struct host_poller *p, int fd,
    unsigned events, void *cookie)
{

	(void)h;
	return control(p, EPOLL_CTL_MOD, fd, events, cookie);
}

void
linux_poller_del(struct host *h, struct host_poller *p, int fd)
{

	(void)h;
	(void)epoll_ctl(p->hp_epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* Wait with epoll_wait(), in milliseconds, never shorter than asked. */
static int
wait_ms(struct host_poller *p, struct epoll_event *ev, int n, uint64_t ns)
{
	uint64_t ms;

	if (ns == HOST_FOREVER)
		return epoll_wait(p->hp_epoll, ev, n, -1);
	ms = ns / 1000000u + (ns % 1000000u != 0);
	if (ms > INT_MAX)
		ms = INT_MAX;
	return epoll_wait(p->hp_epoll, ev, n, (int)ms);
}

static int
wait_kernel(struct linux_host *lh, struct host_poller *p,
    struct epoll_event *ev, int n, uint64_t ns)
{
	struct timespec ts;
	int got;

	if (ns == 0 || ns == HOST_FOREVER ||
	    __atomic_load_n(&lh->lh_no_pwait2, __ATOMIC_RELAXED))
		return wait_ms(p, ev, n, ns);
	ts.tv_sec = (time_t)(ns / 1000000000u);
	ts.tv_nsec = (long)(ns % 1000000000u);
	got = epoll_pwait2(p->hp_epoll, ev, n, &ts, NULL);
	/* Old kernels lack epoll_pwait2(), and some system call filters forbid
	 * it. */
	if (got == -1 && (errno == ENOSYS || errno == EPERM)) {
		__atomic_store_n(&lh->lh_no_pwait2, true, __ATOMIC_RELAXED);
		return wait_ms(p, ev, n, ns);
	}
	return got;
}

static void
drain_doorbell(struct host_poller *p)
{
	uint64_t count;
	ssize_t ignored;

	ignored = read(p->hp_event, &count, sizeof(count));
	(void)ignored;
}

static void
translate(struct host_event *he, const struct epoll_event *ev)
{

	he->he_cookie = ev->data.ptr;
	he->he_events = 0;
	if (ev->events & EPOLLIN)
		he->he_events |= HOST_POLL_IN;
	if (ev->events & EPOLLOUT)
		he->he_events |= HOST_POLL_OUT;
	if (ev->events & (EPOLLERR | EPOLLHUP))
		he->he_events |= HOST_POLL_HUP;
}

int
linux_poller_wait(struct host *h, struct host_poller *p,
    struct host_event *ev, unsigned n, uint64_t ns, unsigned *np)
{
	struct epoll_event batch[WAIT_BATCH];
	unsigned awake = BELL_AWAKE;
	unsigned stored = 0;
	int error = 0;
	int got, i;

	*np = 0;
	/* epoll needs room for one event, and the doorbell may take a place. */
	if (n > WAIT_BATCH)
		n = WAIT_BATCH;
	if (ns != 0 && !__atomic_compare_exchange_n(&p->hp_bell, &awake,
	    BELL_ASLEEP, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) &&
	    awake == BELL_RUNG)
		ns = 0;
	got = wait_kernel(linux_host(h), p, batch, n == 0 ? 1 : (int)n, ns);
	if (got == -1) {
		error = errno;
		got = 0;
	}
	for (i = 0; i < got; i++) {
		if (batch[i].data.ptr == p)
			drain_doorbell(p);
		else if (stored < n)
			translate(&ev[stored++], &batch[i]);
	}
	if (__atomic_load_n(&p->hp_bell, __ATOMIC_RELAXED) != BELL_AWAKE)
		(void)__atomic_exchange_n(&p->hp_bell, BELL_AWAKE,
		    __ATOMIC_ACQ_REL);
	*np = stored;
	return error;
}

static void
ring_kernel(struct host_poller *p)
{
	const uint64_t one = 1;
	ssize_t ignored;
	int saved = errno;

	ignored = write(p->hp_event, &one, sizeof(one));
	(void)ignored;
	errno = saved;
}

void
linux_poller_wake(struct host *h, struct host_poller *p)
{
	unsigned old;

	(void)h;
	old = __atomic_exchange_n(&p->hp_bell, BELL_RUNG, __ATOMIC_SEQ_CST);
	if (old == BELL_ASLEEP || (old == BELL_AWAKE &&
	    __atomic_load_n(&p->hp_watched, __ATOMIC_SEQ_CST)))
		ring_kernel(p);
}

int
linux_poller_fd(struct host *h, struct host_poller *p)
{

	(void)h;
	/* A ring from before the descriptor was watched is shown now. */
	if (!__atomic_exchange_n(&p->hp_watched, true, __ATOMIC_SEQ_CST) &&
	    __atomic_load_n(&p->hp_bell, __ATOMIC_SEQ_CST) == BELL_RUNG)
		ring_kernel(p);
	return p->hp_epoll;
}
