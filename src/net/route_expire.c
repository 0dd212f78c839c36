/*
 * Routes that expire: those that were asked for with a lifetime, and those that
 * redirects made.
 *
 * A timer is made with its route and is on a wheel while the route is in the
 * table; the few routes that have one find it in a hash, by their prefix.
 * Deleting takes the route lock, which a CPU must not: the wheel's function
 * puts what is due in a list, from which a task takes it.  A vnet has a wheel
 * from its first such route on.
 */

#include "net/route_impl.h"

#include <errno.h>

#include "kern/ktask.h"
#include "kern/wheel.h"

#define LEVELS	12		/* four years; a longer wait goes on after it */
/* Timers that a run of the wheel moves; routes that a run of the task deletes,
 * before others have their turn. */
#define RUN_TIMERS	256
#define RUN_ROUTES	256

/*
 *	constant
 *	e: ex_lock
 *	r: route lock; rcu: readers compare it
 */
struct rt_timer {
	struct wheel_link tm_wheel;	/* e: until it is due */
	TAILQ_ENTRY(rt_timer) tm_link;	/* e: ex_due */
	bool		 tm_is_on;	/* e: on the wheel, or due */
	bool		 tm_is_due;	/* e: */
	uint32_t	 tm_expire_s;	/* constant; host clock */
	struct rtfull	*tm_rf;		/* r: */
	struct kern_defer tm_defer;
	struct kern	*tm_kern;
};

struct rt_expiry {
	struct vnet	*ex_vnet;	/* constant */
	struct kspin	 ex_lock;
	struct wheel	 ex_wheel;	/* e: */
	TAILQ_HEAD(, rt_timer) ex_due;	/* e: */
	struct khash	 ex_timers;	/* r: by the prefix of the route */
	struct ktask	 ex_task;
	struct wheel_level ex_level[LEVELS];
};

#define SECOND	1000000000ull

static struct rt_timer *
wheel_timer(struct wheel_link *wl)
{

	return (struct rt_timer *)(void *)((char *)wl -
	    offsetof(struct rt_timer, tm_wheel));
}

/* e: */
static void
put(struct rt_expiry *ex, struct rt_timer *tm, uint64_t now)
{
	uint64_t due = tm->tm_expire_s * SECOND;

	(void)wheel_put(&ex->ex_wheel, &tm->tm_wheel, now,
	    due > now ? due - now : 0);
}

/* CPU: the wheel's function. */
static void
tick(void *arg)
{
	struct rt_expiry *ex = arg;
	struct kern *k = ex->ex_vnet->vn_kern;
	uint64_t now = kern_now(k);
	struct wheel_link *wl;
	struct rt_timer *tm;
	bool due = false;

	kspin_lock(&ex->ex_lock);
	for (unsigned n = 0; n < RUN_TIMERS; n++) {
		wl = wheel_due(&ex->ex_wheel, now);
		if (wl == NULL)
			break;
		tm = wheel_timer(wl);
		if (tm->tm_expire_s * SECOND > now) {
			put(ex, tm, now);	/* longer than a wheel */
			continue;
		}
		TAILQ_INSERT_TAIL(&ex->ex_due, tm, tm_link);
		tm->tm_is_due = due = true;
	}
	wheel_arm(&ex->ex_wheel, now);
	kspin_unlock(&ex->ex_lock);
	if (due)
		ktask_schedule(k, &ex->ex_task);
}

/* Control: the task. */
static void
expire(void *arg)
{
	struct rt_expiry *ex = arg;
	struct vnet *vn = ex->ex_vnet;

	for (unsigned n = 0; n < RUN_ROUTES; n++)
		if (!vn->vn_route->rv_expired(vn))
			return;
	ktask_schedule(vn->vn_kern, &ex->ex_task);
}

struct rtfull *
rt_timer_due(struct vnet *vn)
{
	struct rt_expiry *ex = vn->vn_route->rv_expiry;
	struct rt_timer *tm;

	kspin_lock(&ex->ex_lock);
	tm = TAILQ_FIRST(&ex->ex_due);
	kspin_unlock(&ex->ex_lock);
	return tm == NULL ? NULL : tm->tm_rf;
}

static uint32_t
hash_of(const struct rtfull *rf)
{
	const struct prefix pf = rt_prefix(&rf->rf_rt);

	return rt_prefix_hash(&pf);
}

static uint32_t
timer_hash(const void *obj)
{
	const struct rt_timer *tm = obj;

	return hash_of(tm->tm_rf);
}

/* The timer of a route that has one. */
static struct rt_timer *
timer_of(const struct vnet *vn, const struct rtfull *rf)
{
	const struct rt_expiry *ex = vn->vn_route->rv_expiry;
	struct khash_iter it;
	struct rt_timer *tm;

	for (tm = khash_first(&ex->ex_timers, hash_of(rf), &it); tm != NULL;
	    tm = khash_next(&it))
		if (__atomic_load_n(&tm->tm_rf, __ATOMIC_RELAXED) == rf)
			break;
	KASSERT(tm != NULL);
	return tm;
}

static void
give(struct rt_timer *tm, struct rtfull *rf)
{

	__atomic_store_n(&tm->tm_rf, rf, __ATOMIC_RELAXED);
	(void)__atomic_fetch_or(&rf->rf_rt.rt_user, RTE_TIMED,
	    __ATOMIC_RELAXED);
}

static void
take(struct rtfull *rf)
{

	(void)__atomic_fetch_and(&rf->rf_rt.rt_user, (uint8_t)~RTE_TIMED,
	    __ATOMIC_RELAXED);
}

/* Route lock held.  ENOMEM. */
static int
begin(struct vnet *vn)
{
	struct rt_expiry *ex;

	if (vn->vn_route->rv_expiry != NULL)
		return 0;
	ex = kmem_zalloc(vn->vn_kern, sizeof(*ex));
	if (ex == NULL)
		return ENOMEM;
	ex->ex_vnet = vn;
	TAILQ_INIT(&ex->ex_due);
	khash_init(vn->vn_kern, &ex->ex_timers, timer_hash);
	ex->ex_task.kt_fn = expire;
	ex->ex_task.kt_arg = ex;
	wheel_init(&ex->ex_wheel, vn->vn_kern, ex->ex_level, LEVELS, SECOND,
	    tick, ex);
	vn->vn_route->rv_expiry = ex;
	return 0;
}

int
rt_timer_make(struct vnet *vn, struct rtfull *rf, uint64_t expire_ns)
{
	struct rt_timer *tm;
	int error;

	tm = kmem_zalloc(vn->vn_kern, sizeof(*tm));
	if (tm == NULL)
		return ENOMEM;
	/* In whole seconds, and not too early. */
	tm->tm_expire_s = (uint32_t)((expire_ns + SECOND - 1) / SECOND);
	tm->tm_kern = vn->vn_kern;
	tm->tm_rf = rf;
	route_lock(vn);
	error = begin(vn);
	if (error == 0)
		error = khash_insert(&vn->vn_route->rv_expiry->ex_timers,
		    hash_of(rf), tm);
	if (error == 0)
		give(tm, rf);
	route_unlock(vn);
	if (error != 0)
		kmem_free(vn->vn_kern, tm);
	return error;
}

uint32_t
rt_timer_expire_s(struct vnet *vn, const struct rtfull *rf)
{

	return timer_of(vn, rf)->tm_expire_s;
}

void
rt_timer_start(struct vnet *vn, struct rtfull *rf)
{
	struct rt_expiry *ex = vn->vn_route->rv_expiry;
	struct rt_timer *tm = timer_of(vn, rf);

	kspin_lock(&ex->ex_lock);
	put(ex, tm, kern_now(vn->vn_kern));
	tm->tm_is_on = true;
	kspin_unlock(&ex->ex_lock);
}

/* Readers look at timers of other routes whose hash is like their own's. */
static void
free_timer(struct kern_defer *kd)
{
	struct rt_timer *tm = (struct rt_timer *)(void *)((char *)kd -
	    offsetof(struct rt_timer, tm_defer));

	kmem_free(tm->tm_kern, tm);
}

void
rt_timer_end(struct vnet *vn, struct rtfull *rf)
{
	struct rt_expiry *ex = vn->vn_route->rv_expiry;
	struct rt_timer *tm = timer_of(vn, rf);

	kspin_lock(&ex->ex_lock);
	if (tm->tm_is_due)
		TAILQ_REMOVE(&ex->ex_due, tm, tm_link);
	else if (tm->tm_is_on)
		wheel_take(&ex->ex_wheel, &tm->tm_wheel);
	kspin_unlock(&ex->ex_lock);
	khash_remove(&ex->ex_timers, hash_of(rf), tm);
	take(rf);
	kern_defer(vn->vn_kern, &tm->tm_defer, free_timer);
}

void
rt_timer_swap(struct vnet *vn, struct rtfull *a, struct rtfull *b)
{
	struct rt_timer *ta = rt_is_timed(&a->rf_rt) ? timer_of(vn, a) : NULL;
	struct rt_timer *tb = rt_is_timed(&b->rf_rt) ? timer_of(vn, b) : NULL;

	take(a);
	take(b);
	if (ta != NULL)
		give(ta, b);
	if (tb != NULL)
		give(tb, a);
}

void
rt_expiry_fini(struct vnet *vn)
{
	struct rt_expiry *ex = vn->vn_route->rv_expiry;

	if (ex == NULL)
		return;
	wheel_fini(&ex->ex_wheel);
	khash_fini(&ex->ex_timers);
	ktask_cancel(vn->vn_kern, &ex->ex_task);
	kmem_free(vn->vn_kern, ex);
	vn->vn_route->rv_expiry = NULL;
}
