/*
 * Turns: the users that have one, and a queue of threads that wait.
 */

#include "kern/kturn.h"

#include "kern/kern_private.h"

#include <sys/queue.h>

#include <errno.h>

/* A thread that waits; on its stack. */
struct waiter {
	TAILQ_ENTRY(waiter) w_link;	/* t: */
	uid_t		 w_uid;		/* constant */
	bool		 w_granted;	/* t: */
	struct host_cond w_cond;	/* t: */
};

/*
 *	t:	kt_lock
 */
struct kturns {
	struct host_mutex kt_lock;
	int64_t		 kt_max;		/* atomic */
	unsigned	 kt_n;			/* t: turns taken */
	uid_t		 kt_uid[KTURN_MAX];	/* t: by these users */
	uid_t		 kt_last;		/* t: had the last turn */
	TAILQ_HEAD(, waiter) kt_waiting;	/* t: in order */
};

static bool
has_turn(const struct kturns *kt, uid_t uid)
{

	for (unsigned i = 0; i < kt->kt_n; i++)
		if (kt->kt_uid[i] == uid)
			return true;
	return false;
}

/* t: may the user have a turn now? */
static bool
is_free(const struct kturns *kt, uid_t uid)
{

	return (int64_t)kt->kt_n < __atomic_load_n(&kt->kt_max,
	    __ATOMIC_RELAXED) && !has_turn(kt, uid);
}

/* t: the waiting thread that gets the next turn; NULL: none can. */
static struct waiter *
next_waiter(const struct kturns *kt)
{
	struct waiter *w, *found = NULL;

	TAILQ_FOREACH(w, &kt->kt_waiting, w_link) {
		if (!is_free(kt, w->w_uid))
			continue;
		if (w->w_uid != kt->kt_last)
			return w;
		if (found == NULL)
			found = w;
	}
	return found;
}

void
kturn_take(struct kern *k, uid_t uid)
{
	struct kturns *kt = k->k_turns;
	struct host *h = k->k_host;
	struct waiter w = { .w_uid = uid };

	host_mutex_lock(h, &kt->kt_lock);
	if (is_free(kt, uid)) {
		kt->kt_uid[kt->kt_n++] = uid;
		host_mutex_unlock(h, &kt->kt_lock);
		return;
	}
	host_cond_init(h, &w.w_cond);
	TAILQ_INSERT_TAIL(&kt->kt_waiting, &w, w_link);
	while (!w.w_granted)
		(void)host_cond_wait(h, &w.w_cond, &kt->kt_lock,
		    HOST_FOREVER);
	host_mutex_unlock(h, &kt->kt_lock);
	host_cond_destroy(h, &w.w_cond);
}

void
kturn_give(struct kern *k, uid_t uid)
{
	struct kturns *kt = k->k_turns;
	struct host *h = k->k_host;
	struct waiter *w;
	unsigned i = 0;

	host_mutex_lock(h, &kt->kt_lock);
	while (i < kt->kt_n && kt->kt_uid[i] != uid)
		i++;
	KASSERT(i < kt->kt_n);
	kt->kt_uid[i] = kt->kt_uid[--kt->kt_n];
	kt->kt_last = uid;
	/* More than one when the limit was raised meanwhile. */
	while ((w = next_waiter(kt)) != NULL) {
		TAILQ_REMOVE(&kt->kt_waiting, w, w_link);
		kt->kt_uid[kt->kt_n++] = w->w_uid;
		w->w_granted = true;
		host_cond_broadcast(h, &w->w_cond);
	}
	host_mutex_unlock(h, &kt->kt_lock);
}

int64_t *
kturn_limit(struct kern *k)
{

	return &k->k_turns->kt_max;
}

int
kturn_create(struct kern *k)
{
	unsigned half = host_ncpu(k->k_host) / 2;
	struct kturns *kt;

	kt = kmem_zalloc(k, sizeof(*kt));
	if (kt == NULL)
		return ENOMEM;
	host_mutex_init(k->k_host, &kt->kt_lock);
	TAILQ_INIT(&kt->kt_waiting);
	kt->kt_max = half < 1 ? 1 : half > KTURN_MAX ? KTURN_MAX : half;
	k->k_turns = kt;
	return 0;
}

void
kturn_destroy(struct kern *k)
{
	struct kturns *kt = k->k_turns;

	if (kt == NULL)
		return;
	KASSERT(kt->kt_n == 0 && TAILQ_EMPTY(&kt->kt_waiting));
	host_mutex_destroy(k->k_host, &kt->kt_lock);
	kmem_free(k, kt);
	k->k_turns = NULL;
}
