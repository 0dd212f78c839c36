/*
 * dev_poll: a poller that a driver's interface has while it runs.  Drivers
 * with one are told several times that they run, or that they no longer do.
 */

#ifndef DEV_DEV_POLL_H
#define DEV_DEV_POLL_H

#include "net/if_impl.h"

struct dev_poll {
	struct cpu_poller dp_poller;	/* kern's while registered */
	bool		 dp_on;		/* ioctl lock: registered */
};

/* Ioctl lock.  Poll, if it is not polled already. */
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

/* Ioctl lock.  When it returns the poll function does not run any more. */
static inline void
dev_poll_stop(struct ifnet *ifp, struct dev_poll *dp)
{

	if (dp->dp_on)
		cpu_poller_remove(if_kern(ifp), &dp->dp_poller);
	dp->dp_on = false;
}

#endif /* !DEV_DEV_POLL_H */
