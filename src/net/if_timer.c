/*
 * The slow timer: a driver's watchdog.  Only interfaces whose driver has one
 * pay for a callout, and only an armed one costs time.
 */

#include "net/if_impl.h"

#include <errno.h>

#define SECOND_NS	1000000000ull

/* CPU: a second has passed. */
static void
if_slowtimo(void *arg)
{
	struct ifnet *ifp = arg;
	const struct if_ops *ops;
	int32_t left;

	ops = __atomic_load_n(&ifp->if_ops, __ATOMIC_ACQUIRE);
	left = __atomic_load_n(&ifp->if_timer, __ATOMIC_RELAXED);
	do {
		if (left == 0 || ops->watchdog == NULL)
			return;
	} while (!__atomic_compare_exchange_n(&ifp->if_timer, &left, left - 1,
	    true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	if (left > 1)
		callout_reset(&ifp->if_ext->ie_timer, SECOND_NS, if_slowtimo,
		    ifp);
	else
		ops->watchdog(ifp);
}

void
if_set_timer(struct ifnet *ifp, int seconds)
{
	const struct if_ops *ops;

	ops = __atomic_load_n(&ifp->if_ops, __ATOMIC_ACQUIRE);
	if (ops == &if_null_ops || ops->watchdog == NULL || ifp->if_index == 0)
		return;		/* deactivated, none, or not attached */
	if (seconds < 0)
		seconds = 0;
	__atomic_store_n(&ifp->if_timer, seconds, __ATOMIC_RELAXED);
	if (seconds == 0)
		(void)callout_stop(&ifp->if_ext->ie_timer);
	else
		callout_reset(&ifp->if_ext->ie_timer, SECOND_NS, if_slowtimo,
		    ifp);
}

int
if_timer_attach(struct ifnet *ifp)
{

	if (ifp->if_ops->watchdog == NULL)
		return 0;
	if (if_ext_get(ifp) == NULL)
		return ENOMEM;
	callout_init(if_kern(ifp), &ifp->if_ext->ie_timer);
	return 0;
}

/*
 * The interface is deactivated and its readers have left, so nobody arms the
 * timer again; the halt waits for a watchdog that runs.
 */
void
if_timer_detach(struct ifnet *ifp)
{

	if (ifp->if_ext == NULL || ifp->if_ext->ie_timer.c_kern == NULL)
		return;
	callout_halt(&ifp->if_ext->ie_timer);
	ifp->if_timer = 0;
}
