/*
 * Sleeping locks and condition variables of the Linux host: pthreads' own,
 * inside the storage that host.h sets aside.
 */

#include "host/linux/impl.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

/*
 *	lm_lock			the lock
 *	lm_owner		pthread_self() of the holder, or 0; written by
 *				the holder, only the holder's own answer to
 *				"is it me?" is meaningful
 */
struct linux_mutex {
	pthread_mutex_t	 lm_lock;
	uint64_t	 lm_owner;
};

struct linux_cond {
	pthread_cond_t	 lc_cond;
};

_Static_assert(sizeof(struct linux_mutex) <= sizeof(struct host_mutex),
    "struct host_mutex is too small for a pthread mutex and its owner");
_Static_assert(sizeof(struct linux_cond) <= sizeof(struct host_cond),
    "struct host_cond is too small for a pthread condition");

static struct linux_mutex *
linux_mutex(struct host_mutex *m)
{

	return (struct linux_mutex *)m;
}

static struct linux_cond *
linux_cond(struct host_cond *c)
{

	return (struct linux_cond *)c;
}

static uint64_t
self(void)
{

	return (uint64_t)pthread_self();
}

static void
set_owner(struct linux_mutex *lm, uint64_t owner)
{

	__atomic_store_n(&lm->lm_owner, owner, __ATOMIC_RELAXED);
}

void
linux_mutex_init(struct host *h, struct host_mutex *m)
{
	struct linux_mutex *lm = linux_mutex(m);

	(void)h;
	pthread_mutex_init(&lm->lm_lock, NULL);
	set_owner(lm, 0);
}

void
linux_mutex_destroy(struct host *h, struct host_mutex *m)
{
	int error;

	(void)h;
	error = pthread_mutex_destroy(&linux_mutex(m)->lm_lock);
	assert(error == 0);
	(void)error;
}

void
linux_mutex_lock(struct host *h, struct host_mutex *m)
{
	struct linux_mutex *lm = linux_mutex(m);

	assert(!linux_mutex_owned(h, m));
	pthread_mutex_lock(&lm->lm_lock);
	set_owner(lm, self());
}

bool
linux_mutex_trylock(struct host *h, struct host_mutex *m)
{
	struct linux_mutex *lm = linux_mutex(m);

	(void)h;
	if (pthread_mutex_trylock(&lm->lm_lock) != 0)
		return false;
	set_owner(lm, self());
	return true;
}

void
linux_mutex_unlock(struct host *h, struct host_mutex *m)
{
	struct linux_mutex *lm = linux_mutex(m);

	assert(linux_mutex_owned(h, m));
	set_owner(lm, 0);
	pthread_mutex_unlock(&lm->lm_lock);
}

bool
linux_mutex_owned(struct host *h, const struct host_mutex *m)
{
	const struct linux_mutex *lm = (const struct linux_mutex *)m;

	(void)h;
	return __atomic_load_n(&lm->lm_owner, __ATOMIC_RELAXED) == self();
}

void
linux_cond_init(struct host *h, struct host_cond *c)
{
	pthread_condattr_t attr;

	(void)h;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&linux_cond(c)->lc_cond, &attr);
	pthread_condattr_destroy(&attr);
}

void
linux_cond_destroy(struct host *h, struct host_cond *c)
{

	(void)h;
	pthread_cond_destroy(&linux_cond(c)->lc_cond);
}

int
linux_cond_wait(struct host *h, struct host_cond *c, struct host_mutex *m,
    uint64_t ns)
{
	struct linux_mutex *lm = linux_mutex(m);
	pthread_cond_t *cond = &linux_cond(c)->lc_cond;
	struct timespec ts;
	uint64_t deadline;
	int error;

	assert(linux_mutex_owned(h, m));
	deadline = host_clock(h);
	/* A sum that overflows means for ever, too. */
	deadline = ns > HOST_FOREVER - deadline ? HOST_FOREVER : deadline + ns;
	set_owner(lm, 0);
	if (deadline == HOST_FOREVER) {
		error = pthread_cond_wait(cond, &lm->lm_lock);
	} else {
		ts.tv_sec = (time_t)(deadline / 1000000000u);
		ts.tv_nsec = (long)(deadline % 1000000000u);
		error = pthread_cond_timedwait(cond, &lm->lm_lock, &ts);
	}
	set_owner(lm, self());
	return error == ETIMEDOUT ? ETIMEDOUT : 0;
}

void
linux_cond_broadcast(struct host *h, struct host_cond *c)
{

	(void)h;
	pthread_cond_broadcast(&linux_cond(c)->lc_cond);
}
