/*
 * dev_poll: a driver's poller that is registered while its interface is
 * running.  Both functions may be called repeatedly, as a driver may be told
 * several times to start or stop.
 */

#ifndef DEV_DEV_POLL_H
#define DEV_DEV_POLL_H

#include "net/if_vnet_impl.h"

struct dev_poll {
	struct cpu_poller dp_poller;	/* kern's while registered */
	bool		 dp_on;		/* ioctl lock: registered */
};

/* Ioctl lock.  Register the poller, if it is not registered already.  Errors:
 * those of registering. */
static inline int
dev_poll_start(struct ifnet *ifp, struct dev_poll *dp)
{
	int error;

	if (dp->dp_on)
		return 0;
	error = cpu_poller_add(if_kern(ifp), NULL, &dp->dp_poller);
	dp->dp_on = error == 0;
	return error;
}

/* Ioctl lock.  Unregister the poller; when this returns, its function does not
 * run any more. */
static inline void
dev_poll_stop(struct ifnet *ifp, struct dev_poll *dp)
{

	if (dp->dp_on)
		cpu_poller_remove(if_kern(ifp), &dp->dp_poller);
	dp->dp_on = false;
}

#endif /* !DEV_DEV_POLL_H */
