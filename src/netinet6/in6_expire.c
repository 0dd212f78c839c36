/*
 * in6_expire: lifetimes of addresses (RFC 4862 5.5.4): an address that is not
 * preferred any more is announced as deprecated, one that is not valid any more
 * goes.
 *
 * An address with an end has a timer on a wheel of the vnet's.  The ioctl lock,
 * which a CPU must not take, covers addresses: the wheel's function puts
 * what is due in a list, from which a task takes it.
 *
 *	e: i6_expire_lock
 */

#include <stddef.h>

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
put(struct in6_vnet *i6, struct in6_timer *it, uint64_t now)
{

	if (it->it_due_ns == UINT64_MAX)
		return;
	(void)wheel_put(&i6->i6_expire_wheel, &it->it_wheel, now,
	    it->it_due_ns > now ? it->it_due_ns - now : 0);
	it->it_state = IN6_TIMER_ON;
}

/* e: */
static void
take(struct in6_vnet *i6, struct in6_timer *it)
{

	if (it->it_state == IN6_TIMER_DUE)
		TAILQ_REMOVE(&i6->i6_expired, it, it_link);
	else if (it->it_state == IN6_TIMER_ON)
		wheel_take(&i6->i6_expire_wheel, &it->it_wheel);
	it->it_state = IN6_TIMER_OFF;
}

int
in6_timer_make(struct in6_ifaddr *ia)
{

	if (ia->ia6_timer == NULL)
		ia->ia6_timer = kmem_zalloc(ia->ia6_kern,
		    sizeof(*ia->ia6_timer));
	return ia->ia6_timer == NULL ? ENOMEM : 0;
}

void
in6_timer_start(struct in6_ifaddr *ia)
{
	struct in6_vnet *i6 = ia->ia6_ifa.ifa_ifp->if_vnet->vn_in6;
	struct in6_timer *it = ia->ia6_timer;
	uint64_t now = kern_now(ia->ia6_kern);

	if (it == NULL)
		return;
	kspin_lock(&i6->i6_expire_lock);
	take(i6, it);
	it->it_handle = ia->ia6_ifa.ifa_ifp->if_handle;
	(void)zone6_from_sa(&ia->ia6_addr, &it->it_addr);
	it->it_due_ns = next_ns(ia, now);
	put(i6, it, now);
	kspin_unlock(&i6->i6_expire_lock);
}

void
in6_timer_stop(struct in6_ifaddr *ia)
{
	struct in6_vnet *i6 = ia->ia6_ifa.ifa_ifp->if_vnet->vn_in6;

	if (ia->ia6_timer == NULL)
		return;
	kspin_lock(&i6->i6_expire_lock);
	take(i6, ia->ia6_timer);
	kspin_unlock(&i6->i6_expire_lock);
}

/* CPU: the wheel's function. */
static void
tick(void *arg)
{
	struct in6_vnet *i6 = arg;
	struct kern *k = i6->i6_vnet->vn_kern;
	uint64_t now = kern_now(k);
	struct wheel_link *wl;
	struct in6_timer *it;
	bool due = false;

	kspin_lock(&i6->i6_expire_lock);
	for (unsigned n = 0; n < RUN_TIMERS; n++) {
		wl = wheel_due(&i6->i6_expire_wheel, now);
		if (wl == NULL)
			break;
		it = wheel_timer(wl);
		it->it_state = IN6_TIMER_OFF;
		if (it->it_due_ns > now) {
			put(i6, it, now);	/* longer than a wheel */
			continue;
		}
		TAILQ_INSERT_TAIL(&i6->i6_expired, it, it_link);
		it->it_state = IN6_TIMER_DUE;
		due = true;
	}
	wheel_arm(&i6->i6_expire_wheel, now);
	kspin_unlock(&i6->i6_expire_lock);
	if (due)
		ktask_schedule(k, &i6->i6_expire_task);
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
	struct in6_vnet *i6 = arg;
	struct in6_timer *it, copy;
	struct ifnet *ifp;
	struct psref pr;

	for (unsigned n = 0; n < RUN_ADDRS; n++) {
		kspin_lock(&i6->i6_expire_lock);
		it = TAILQ_FIRST(&i6->i6_expired);
		if (it != NULL) {
			take(i6, it);
			copy = *it;
		}
		kspin_unlock(&i6->i6_expire_lock);
		if (it == NULL)
			return;
		ifp = if_get_byhandle(i6->i6_vnet, copy.it_handle, &pr);
		if (ifp == NULL)
			continue;
		if_ioctl_lock(ifp);
		address_due(ifp, &copy.it_addr);
		if_ioctl_unlock(ifp);
		if_put(ifp, &pr);
	}
	ktask_schedule(i6->i6_vnet->vn_kern, &i6->i6_expire_task);
}

void
in6_expire_init(struct in6_vnet *i6)
{

	TAILQ_INIT(&i6->i6_expired);
	i6->i6_expire_task.kt_fn = expire;
	i6->i6_expire_task.kt_arg = i6;
	wheel_init(&i6->i6_expire_wheel, i6->i6_vnet->vn_kern,
	    i6->i6_expire_level, IN6_EXPIRE_LEVELS, SECOND, tick, i6);
}

void
in6_expire_fini(struct in6_vnet *i6)
{

	wheel_fini(&i6->i6_expire_wheel);
	ktask_cancel(i6->i6_vnet->vn_kern, &i6->i6_expire_task);
}
