/*
 * Routes that expire: those that were asked for with a lifetime, and those that
 * redirects made.
 *
 * A timer is made with its route and is on a wheel while the route is in the
 * table.  Deleting takes the route lock, which a CPU must not: the wheel's
 * function puts what is due in a list, from which a task takes it.  A vnet has
 * a wheel from its first such route on.
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
 */
struct rt_timer {
	struct wheel_link tm_wheel;	/* e: until it is due */
	TAILQ_ENTRY(rt_timer) tm_link;	/* e: ex_due */
	bool		 tm_is_due;	/* e: */
	uint32_t	 tm_expire_s;	/* constant; host clock */
	struct rtfull	*tm_rf;		/* route lock */
};

struct rt_expiry {
	struct vnet	*ex_vnet;	/* constant */
	struct kspin	 ex_lock;
	struct wheel	 ex_wheel;	/* e: */
	TAILQ_HEAD(, rt_timer) ex_due;	/* e: */
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
	ex->ex_task.kt_fn = expire;
	ex->ex_task.kt_arg = ex;
	wheel_init(&ex->ex_wheel, vn->vn_kern, ex->ex_level, LEVELS, SECOND,
	    tick, ex);
	vn->vn_route->rv_expiry = ex;
	return 0;
}

int
rt_timer_make(struct vnet *vn, struct rtfull *rf, uint64_t expire_ns,
    struct rt_timer **tmp)
{
	struct rt_timer *tm;
	int error;

	route_lock(vn);
	error = begin(vn);
	route_unlock(vn);
	if (error != 0)
		return error;
	tm = kmem_zalloc(vn->vn_kern, sizeof(*tm));
	if (tm == NULL)
		return ENOMEM;
	/* In whole seconds, and not too early. */
	tm->tm_expire_s = (uint32_t)((expire_ns + SECOND - 1) / SECOND);
	tm->tm_rf = rf;
	*tmp = tm;
	return 0;
}

uint32_t
rt_timer_expire_s(const struct rt_timer *tm)
{

	return tm->tm_expire_s;
}

void
rt_timer_start(struct vnet *vn, struct rt_timer *tm)
{
	struct rt_expiry *ex = vn->vn_route->rv_expiry;

	kspin_lock(&ex->ex_lock);
	put(ex, tm, kern_now(vn->vn_kern));
	kspin_unlock(&ex->ex_lock);
}

void
rt_timer_stop(struct vnet *vn, struct rt_timer *tm)
{
	struct rt_expiry *ex = vn->vn_route->rv_expiry;

	kspin_lock(&ex->ex_lock);
	if (tm->tm_is_due)
		TAILQ_REMOVE(&ex->ex_due, tm, tm_link);
	else
		wheel_take(&ex->ex_wheel, &tm->tm_wheel);
	kspin_unlock(&ex->ex_lock);
	kmem_free(vn->vn_kern, tm);
}

void
rt_timer_attach(struct rt_timer *tm, struct rtfull *rf)
{

	tm->tm_rf = rf;
}

void
rt_expiry_fini(struct vnet *vn)
{
	struct rt_expiry *ex = vn->vn_route->rv_expiry;

	if (ex == NULL)
		return;
	wheel_fini(&ex->ex_wheel);
	ktask_cancel(vn->vn_kern, &ex->ex_task);
	kmem_free(vn->vn_kern, ex);
	vn->vn_route->rv_expiry = NULL;
}
