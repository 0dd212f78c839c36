/*
 * Sleeping locks and condition variables of the simulated host.  They check
 * more than a real lock can afford to: that they were set up, that only the
 * holder releases them, and that no task waits when they are destroyed.
 */

#include "host/sim/impl.h"

#include <assert.h>
#include <errno.h>

#define MUTEX_MAGIC	UINT64_C(0x51a13a7e0)
#define COND_MAGIC	UINT64_C(0x51a1c04d0)
/* One wait on a condition in so many ends for no reason, as POSIX allows. */
#define SPURIOUS_ONE_IN	32

/*
 *	sm_holder		the task's thread, the sim itself for the test
 *				program outside of tasks, or NULL
 */
struct sim_mutex {
	uint64_t	 sm_magic;
	const void	*sm_holder;
	const char	*sm_holder_name;
};

struct sim_cond {
	uint64_t	 sc_magic;
};

_Static_assert(sizeof(struct sim_mutex) <= sizeof(struct host_mutex),
    "struct host_mutex is too small");
_Static_assert(sizeof(struct sim_cond) <= sizeof(struct host_cond),
    "struct host_cond is too small");

static struct sim_mutex *
sim_mutex(const struct host_mutex *m)
{
	struct sim_mutex *sm = (struct sim_mutex *)(uintptr_t)m;

	assert(sm->sm_magic == MUTEX_MAGIC);
	return sm;
}

static const void *
self(const struct sim *s)
{

	return s->s_cur != NULL ? (const void *)s->s_cur : (const void *)s;
}

static void
take(struct sim *s, struct sim_mutex *sm)
{

	sm->sm_holder = self(s);
	sm->sm_holder_name = s->s_cur != NULL ?
	    s->s_cur->st_thread.ht_name : "the test program";
}

void
sim_ho_mutex_init(struct host *h, struct host_mutex *m)
{
	struct sim_mutex *sm = (struct sim_mutex *)m;

	(void)h;
	sm->sm_magic = MUTEX_MAGIC;
	sm->sm_holder = NULL;
	sm->sm_holder_name = NULL;
}

static bool
has_waiter(struct sim *s, enum sim_state state, const void *wait)
{
	const struct sim_task *t;

	TAILQ_FOREACH(t, &s->s_tasks, st_link) {
		if (t->st_state == state && t->st_wait == wait)
			return true;
	}
	return false;
}

void
sim_ho_mutex_destroy(struct host *h, struct host_mutex *m)
{
	struct sim_mutex *sm = sim_mutex(m);

	assert(sm->sm_holder == NULL);
	assert(!has_waiter(sim_of(h), TASK_MUTEX, m));
	(void)h;
	sm->sm_magic = 0;
}

/* Sleep until the lock is free, and take it. */
static void
acquire(struct sim *s, struct host_mutex *m)
{
	struct sim_mutex *sm = sim_mutex(m);

	assert(sm->sm_holder != self(s));
	while (sm->sm_holder != NULL)
		(void)sim_block(s, TASK_MUTEX, m, HOST_FOREVER);
	take(s, sm);
}

void
sim_ho_mutex_lock(struct host *h, struct host_mutex *m)
{
	struct sim *s = sim_of(h);

	sim_may_switch(s);
	acquire(s, m);
}

bool
sim_ho_mutex_trylock(struct host *h, struct host_mutex *m)
{
	struct sim_mutex *sm = sim_mutex(m);

	if (sm->sm_holder != NULL)
		return false;
	take(sim_of(h), sm);
	return true;
}

/* All waiters may try again: the seed decides which is first. */
static void
release(struct sim *s, struct host_mutex *m)
{
	struct sim_mutex *sm = sim_mutex(m);

	assert(sm->sm_holder == self(s));
	sm->sm_holder = NULL;
	sim_wake(s, TASK_MUTEX, m);
}

void
sim_ho_mutex_unlock(struct host *h, struct host_mutex *m)
{

	release(sim_of(h), m);
}

bool
sim_ho_mutex_owned(struct host *h, const struct host_mutex *m)
{

	return sim_mutex(m)->sm_holder == self(sim_of(h));
}

const char *
sim_mutex_holder(const void *m)
{
	const struct sim_mutex *sm = m;

	return sm->sm_holder != NULL ? sm->sm_holder_name : NULL;
}

static struct sim_cond *
sim_cond(struct host_cond *c)
{
	struct sim_cond *sc = (struct sim_cond *)c;

	assert(sc->sc_magic == COND_MAGIC);
	return sc;
}

void
sim_ho_cond_init(struct host *h, struct host_cond *c)
{

	(void)h;
	((struct sim_cond *)c)->sc_magic = COND_MAGIC;
}

void
sim_ho_cond_destroy(struct host *h, struct host_cond *c)
{

	assert(!has_waiter(sim_of(h), TASK_COND, c));
	(void)h;
	sim_cond(c)->sc_magic = 0;
}

int
sim_ho_cond_wait(struct host *h, struct host_cond *c, struct host_mutex *m,
    uint64_t ns)
{
	struct sim *s = sim_of(h);
	bool timed_out = false;

	(void)sim_cond(c);
	release(s, m);
	if (s->s_cur != NULL &&
	    sim_rng_below(&s->s_rng_sched, SPURIOUS_ONE_IN) == 0)
		sim_may_switch(s);
	else
		timed_out = sim_block(s, TASK_COND, c, ns);
	acquire(s, m);
	return timed_out ? ETIMEDOUT : 0;
}

void
sim_ho_cond_broadcast(struct host *h, struct host_cond *c)
{

	(void)sim_cond(c);
	sim_wake(sim_of(h), TASK_COND, c);
}
