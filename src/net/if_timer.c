/*
 * The slow timer: a driver's watchdog.  Only interfaces whose driver has one
 * pay for a callout, and only an armed one costs time.
 */

#include "net/if_attach_impl.h"
#include "net/if_ext_impl.h"
#include "net/if_timer_impl.h"
#include "net/if_vnet_impl.h"

#include <errno.h>

#define SECOND_NS	1000000000ull

static const struct if_ext_tenant timer_tenant = {
	.et_id = IF_EXT_TIMER,
	.et_size = sizeof(struct callout),
};

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
		callout_reset(if_ext_find(ifp, IF_EXT_TIMER), SECOND_NS,
		    if_slowtimo, ifp);
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
		(void)callout_stop(if_ext_find(ifp, IF_EXT_TIMER));
	else
		callout_reset(if_ext_find(ifp, IF_EXT_TIMER), SECOND_NS,
		    if_slowtimo, ifp);
}

int
if_timer_attach(struct ifnet *ifp)
{
	struct callout *c;

	if (ifp->if_ops->watchdog == NULL)
		return 0;
	c = if_ext_get(ifp, &timer_tenant);
	if (c == NULL)
		return ENOMEM;
	callout_init(if_kern(ifp), c);
	return 0;
}

/*
 * The interface is deactivated and its readers have left, so nobody arms the
 * timer again; the halt waits for a watchdog that runs.
 */
void
if_timer_detach(struct ifnet *ifp)
{
	struct callout *c = if_ext_find(ifp, IF_EXT_TIMER);

	if (c == NULL)
		return;
	callout_halt(c);
	ifp->if_timer = 0;
}
