/*
 * Threads of the Linux host: threads created by it, and threads of the user's
 * that attach themselves.  All of them are RCU readers and stand in one list.
 */

#include "host/linux/impl.h"
#include "host/common.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <urcu/urcu-memb.h>

/*
 *	lt_thread		first: a struct host_thread * is one of these
 *	lt_created		ours, to be joined; else an attached one
 *	others			constant once the thread runs
 */
struct linux_thread {
	struct host_thread lt_thread;
	pthread_t	 lt_id;
	bool		 lt_created;
	int		 lt_pin;
	void		(*lt_fn)(void *);
	void		*lt_arg;
};

/* The key's destructor runs at the end of an attached thread. */
static pthread_key_t attach_key;
static pthread_once_t attach_once = PTHREAD_ONCE_INIT;
static int attach_error;

unsigned
linux_ncpu(struct host *h)
{
	cpu_set_t set;
	int n;

	(void)h;
	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	n = CPU_COUNT(&set);
	return n > 0 ? (unsigned)n : 1;
}

static void
list_thread(struct linux_host *lh, struct host_thread *t)
{

	pthread_mutex_lock(&lh->lh_thread_lock);
	t->ht_next = lh->lh_threads;
	lh->lh_threads = t;
	pthread_mutex_unlock(&lh->lh_thread_lock);
}

static void
unlist_thread(struct linux_host *lh, struct host_thread *t)
{
	struct host_thread **tp;

	pthread_mutex_lock(&lh->lh_thread_lock);
	for (tp = &lh->lh_threads; *tp != NULL; tp = &(*tp)->ht_next) {
		if (*tp == t) {
			*tp = t->ht_next;
			break;
		}
	}
	pthread_mutex_unlock(&lh->lh_thread_lock);
}

/*
 * The end of a known thread.  It leaves the list first, so that no other thread
 * uses its per-thread state while that is being destroyed.
 */
static void
leave(struct host_thread *t)
{

	unlist_thread(linux_host(t->ht_host), t);
	if (t->ht_kern_dtor != NULL)
		t->ht_kern_dtor(t->ht_kern);
	t->ht_kern = NULL;
	t->ht_kern_dtor = NULL;
	host_rcu_unregister();
	host_curthread = NULL;
}

/*
 * Pin the calling thread to the n-th of the CPUs it may run on.  A failure is
 * ignored: it costs speed only.
 */
static void
pin_self(unsigned n)
{
	cpu_set_t allowed, one;
	unsigned cpu;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 ||
	    CPU_COUNT(&allowed) == 0)
		return;
	n %= (unsigned)CPU_COUNT(&allowed);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || n-- != 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		(void)sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static void *
thread_main(void *arg)
{
	struct linux_thread *lt = arg;

	host_curthread = &lt->lt_thread;
	pthread_setname_np(pthread_self(), lt->lt_thread.ht_name);
	if (lt->lt_pin >= 0)
		pin_self((unsigned)lt->lt_pin);
	host_rcu_register();
	lt->lt_fn(lt->lt_arg);
	leave(&lt->lt_thread);
	return NULL;
}

/*
 * Signals belong to the user's threads.  Signals that report a fault of the
 * thread itself stay unblocked, so that sanitizers and crash handlers see them.
 */
static void
fill_blocked_signals(sigset_t *set)
{

	sigfillset(set);
	sigdelset(set, SIGSEGV);
	sigdelset(set, SIGBUS);
	sigdelset(set, SIGFPE);
	sigdelset(set, SIGILL);
	sigdelset(set, SIGABRT);
	sigdelset(set, SIGTRAP);
	sigdelset(set, SIGSYS);
}

int
linux_thread_create(struct host *h, const char *name, int pin,
    void (*fn)(void *), void *arg, struct host_thread **tp)
{
	struct linux_thread *lt;
	sigset_t blocked, saved;
	int error;

	lt = calloc(1, sizeof(*lt));
	if (lt == NULL)
		return ENOMEM;
	lt->lt_thread.ht_host = h;
	strncpy(lt->lt_thread.ht_name, name,
	    sizeof(lt->lt_thread.ht_name) - 1);
	lt->lt_created = true;
	lt->lt_pin = pin;
	lt->lt_fn = fn;
	lt->lt_arg = arg;

	/* The thread is listed before it runs: its creator can count on
	 * that. */
	list_thread(linux_host(h), &lt->lt_thread);
	fill_blocked_signals(&blocked);
	pthread_sigmask(SIG_BLOCK, &blocked, &saved);
	error = pthread_create(&lt->lt_id, NULL, thread_main, lt);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	if (error != 0) {
		unlist_thread(linux_host(h), &lt->lt_thread);
		free(lt);
		return error;
	}
	*tp = &lt->lt_thread;
	return 0;
}

void
linux_thread_join(struct host *h, struct host_thread *t)
{
	struct linux_thread *lt = (struct linux_thread *)t;
	int error;

	(void)h;
	assert(lt->lt_created);
	error = pthread_join(lt->lt_id, NULL);
	assert(error == 0);
	(void)error;
	free(lt);
}

static void
attached_thread_exits(void *arg)
{

	/* The destructors of other keys may have cleared this already. */
	host_curthread = arg;
	leave(arg);
	free(arg);
}

static void
create_attach_key(void)
{

	attach_error = pthread_key_create(&attach_key, attached_thread_exits);
}

struct host_thread *
linux_thread_attach(struct host *h)
{
	struct linux_thread *lt;

	if (host_curthread != NULL)
		return host_curthread;
	pthread_once(&attach_once, create_attach_key);
	if (attach_error != 0)
		return NULL;
	lt = calloc(1, sizeof(*lt));
	if (lt == NULL)
		return NULL;
	if (pthread_setspecific(attach_key, lt) != 0) {
		free(lt);
		return NULL;
	}
	lt->lt_thread.ht_host = h;
	pthread_getname_np(pthread_self(), lt->lt_thread.ht_name,
	    sizeof(lt->lt_thread.ht_name));
	lt->lt_id = pthread_self();
	lt->lt_pin = -1;
	host_rcu_register();
	list_thread(linux_host(h), &lt->lt_thread);
	host_curthread = &lt->lt_thread;
	return host_curthread;
}

void
linux_thread_foreach(struct host *h, bool (*fn)(struct host_thread *, void *),
    void *arg)
{
	struct linux_host *lh = linux_host(h);
	struct host_thread *t;

	pthread_mutex_lock(&lh->lh_thread_lock);
	for (t = lh->lh_threads; t != NULL; t = t->ht_next) {
		if (!fn(t, arg))
			break;
	}
	pthread_mutex_unlock(&lh->lh_thread_lock);
}

void
linux_sleep(struct host *h, uint64_t ns)
{
	struct timespec ts;

	(void)h;
	ts.tv_sec = (time_t)(ns / 1000000000u);
	ts.tv_nsec = (long)(ns % 1000000000u);
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &ts) == EINTR)
		continue;
}

void
linux_yield(struct host *h)
{

	(void)h;
	sched_yield();
}

void
linux_rcu_synchronize(struct host *h)
{

	(void)h;
	assert(!urcu_memb_read_ongoing());
	urcu_memb_synchronize_rcu();
}
