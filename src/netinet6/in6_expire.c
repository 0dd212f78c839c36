/*
 * in6_expire: lifetimes of addresses (RFC 4862 5.5.4): an address that is not
 * preferred any more is announced as deprecated, one that is not valid any more
 * goes.
 *
 * An address with an end has a timer on a wheel of the vnet's.  The ioctl lock,
 * which a CPU must not take, covers addresses: the wheel's function puts
 * what is due in a list, from which a task takes it.
 *
 * A vnet has the wheel from its first such address on.
 *
 *	e: ex_lock
 */

#include <errno.h>
#include <stddef.h>

#include "kern/ktask.h"
#include "kern/wheel.h"
#include "net/if_addr_give.h"
#include "net/if_ioctl_impl.h"
#include "net/if_index_impl.h"
#include "net/rtsock.h"
#include "netinet6/in6_impl.h"

#define SECOND		1000000000ull
/* Timers that a run of the wheel moves; addresses that a run of the task looks
 * at, before others have their turn. */
#define RUN_TIMERS	256
#define RUN_ADDRS	64

#define LEVELS		6	/* three days; a longer wait goes on after it */

/* The timer of an address that has an end. */
struct in6_timer {
	struct wheel_link it_wheel;	/* e: while TIMER_ON */
	TAILQ_ENTRY(in6_timer) it_link;	/* e: while TIMER_DUE */
	enum { TIMER_OFF, TIMER_ON, TIMER_DUE } it_state;	/* e: */
	uint64_t	 it_due_ns;	/* e: UINT64_MAX: never */
	uint64_t	 it_handle;	/* e: the interface */
	union neigh_addr it_addr;	/* e: */
};

struct in6_expiry {
	struct vnet	*ex_vnet;	/* constant */
	struct kspin	 ex_lock;
	struct wheel	 ex_wheel;	/* e: */
	TAILQ_HEAD(, in6_timer) ex_due;	/* e: */
	struct ktask	 ex_task;
	struct wheel_level ex_level[LEVELS];
};

static struct in6_expiry *
expiry_of(const struct in6_ifaddr *ia)
{
	const struct in6_vnet *i6 = ia->ia6_ifa.ifa_ifp->if_vnet->vn_in6;

	return __atomic_load_n(&i6->i6_expiry, __ATOMIC_ACQUIRE);
}

static struct in6_timer *
wheel_timer(struct wheel_link *wl)
{

	return (struct in6_timer *)(void *)((char *)wl -
	    offsetof(struct in6_timer, it_wheel));
}

/* When something happens to the address next; UINT64_MAX: never. */
static uint64_t
next_ns(const struct in6_ifaddr *ia, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	if (ia->ia6_preferred_ns > now)
		next = ia->ia6_preferred_ns;
	if (ia->ia6_expire_ns != 0 && ia->ia6_expire_ns < next)
		next = ia->ia6_expire_ns;
	return next;
}

/* e: put the timer on the wheel, if something will happen. */
static void
put(struct in6_expiry *ex, struct in6_timer *it, uint64_t now)
{

	if (it->it_due_ns == UINT64_MAX)
		return;
	(void)wheel_put(&ex->ex_wheel, &it->it_wheel, now,
	    it->it_due_ns > now ? it->it_due_ns - now : 0);
	it->it_state = TIMER_ON;
}

/* e: */
static void
take(struct in6_expiry *ex, struct in6_timer *it)
{

	if (it->it_state == TIMER_DUE)
		TAILQ_REMOVE(&ex->ex_due, it, it_link);
	else if (it->it_state == TIMER_ON)
		wheel_take(&ex->ex_wheel, &it->it_wheel);
	it->it_state = TIMER_OFF;
}

void
in6_timer_start(struct in6_ifaddr *ia)
{
	struct in6_expiry *ex = expiry_of(ia);
	struct in6_timer *it = ia->ia6_timer;
	uint64_t now = kern_now(ia->ia6_kern);

	if (it == NULL)
		return;
	kspin_lock(&ex->ex_lock);
	take(ex, it);
	it->it_handle = ia->ia6_ifa.ifa_ifp->if_handle;
	(void)zone6_from_sa(&ia->ia6_addr, &it->it_addr);
	it->it_due_ns = next_ns(ia, now);
	put(ex, it, now);
	kspin_unlock(&ex->ex_lock);
}

void
in6_timer_stop(struct in6_ifaddr *ia)
{
	struct in6_expiry *ex = expiry_of(ia);

	if (ia->ia6_timer == NULL)
		return;
	kspin_lock(&ex->ex_lock);
	take(ex, ia->ia6_timer);
	kspin_unlock(&ex->ex_lock);
}

/* CPU: the wheel's function. */
static void
tick(void *arg)
{
	struct in6_expiry *ex = arg;
	struct kern *k = ex->ex_vnet->vn_kern;
	uint64_t now = kern_now(k);
	struct wheel_link *wl;
	struct in6_timer *it;
	bool due = false;

	kspin_lock(&ex->ex_lock);
	for (unsigned n = 0; n < RUN_TIMERS; n++) {
		wl = wheel_due(&ex->ex_wheel, now);
		if (wl == NULL)
			break;
		it = wheel_timer(wl);
		it->it_state = TIMER_OFF;
		if (it->it_due_ns > now) {
			put(ex, it, now);	/* longer than a wheel */
			continue;
		}
		TAILQ_INSERT_TAIL(&ex->ex_due, it, it_link);
		it->it_state = TIMER_DUE;
		due = true;
	}
	wheel_arm(&ex->ex_wheel, now);
	kspin_unlock(&ex->ex_lock);
	if (due)
		ktask_schedule(k, &ex->ex_task);
}

/* Control, i: an address of the interface is due. */
static void
address_due(struct ifnet *ifp, const union neigh_addr *addr)
{
	struct in6_ifaddr *ia;
	struct ifaddr *ifa;
	uint64_t now = kern_now(if_kern(ifp));

	pserialize_read_enter();
	ifa = in6_ifp_find(ifp, addr);
	pserialize_read_exit();
	if (ifa == NULL || ifatoia6(ifa)->ia6_timer == NULL)
		return;		/* it went meanwhile */
	ia = ifatoia6(ifa);
	if (ia->ia6_expire_ns != 0 && ia->ia6_expire_ns <= now) {
		ifa_take(ifp, ifa);
		return;
	}
	if (ia->ia6_preferred_ns != 0 && ia->ia6_preferred_ns <= now)
		rt_newaddrmsg(RTM_CHGADDR, ifa);
	in6_timer_start(ia);
}

/* Control: the task: one address after the other. */
static void
expire(void *arg)
{
	struct in6_expiry *ex = arg;
	struct in6_timer *it, copy;
	struct ifnet *ifp;
	struct psref pr;

	for (unsigned n = 0; n < RUN_ADDRS; n++) {
		kspin_lock(&ex->ex_lock);
		it = TAILQ_FIRST(&ex->ex_due);
		if (it != NULL) {
			take(ex, it);
			copy = *it;
		}
		kspin_unlock(&ex->ex_lock);
		if (it == NULL)
			return;
		ifp = if_get_byhandle(ex->ex_vnet, copy.it_handle, &pr);
		if (ifp == NULL)
			continue;
		if_ioctl_lock(ifp);
		address_due(ifp, &copy.it_addr);
		if_ioctl_unlock(ifp);
		if_put(ifp, &pr);
	}
	ktask_schedule(ex->ex_vnet->vn_kern, &ex->ex_task);
}

/* The vnet's, made if need be; somebody may make one at the same time. */
static int
begin(struct in6_vnet *i6)
{
	struct kern *k = i6->i6_vnet->vn_kern;
	struct in6_expiry *ex, *none = NULL;

	if (__atomic_load_n(&i6->i6_expiry, __ATOMIC_ACQUIRE) != NULL)
		return 0;
	ex = kmem_zalloc(k, sizeof(*ex));
	if (ex == NULL)
		return ENOMEM;
	ex->ex_vnet = i6->i6_vnet;
	TAILQ_INIT(&ex->ex_due);
	ex->ex_task.kt_fn = expire;
	ex->ex_task.kt_arg = ex;
	wheel_init(&ex->ex_wheel, k, ex->ex_level, LEVELS, SECOND, tick, ex);
	if (!__atomic_compare_exchange_n(&i6->i6_expiry, &none, ex, false,
	    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		wheel_fini(&ex->ex_wheel);
		kmem_free(k, ex);
	}
	return 0;
}

int
in6_timer_make(struct in6_ifaddr *ia)
{
	int error = begin(ia->ia6_ifa.ifa_ifp->if_vnet->vn_in6);

	if (error == 0 && ia->ia6_timer == NULL) {
		ia->ia6_timer = kmem_zalloc(ia->ia6_kern,
		    sizeof(*ia->ia6_timer));
		error = ia->ia6_timer == NULL ? ENOMEM : 0;
	}
	return error;
}

void
in6_expire_fini(struct in6_vnet *i6)
{
	struct in6_expiry *ex = i6->i6_expiry;

	if (ex == NULL)
		return;
	wheel_fini(&ex->ex_wheel);
	ktask_cancel(i6->i6_vnet->vn_kern, &ex->ex_task);
	kmem_free(i6->i6_vnet->vn_kern, ex);
}
