/*
 * request: a table of every request of the interface layer and the privilege it
 * needs.
 *
 * The table is the only place where these are written down: the entries
 * ifioctl(), rtsock_request() and sysctl_request() ask request_action() and
 * hand the answer to kauth_authorize().  A number that the table does not have
 * is privileged, regardless of its direction bits: a driver may change, or
 * reveal, anything on a request of its own.
 *
 * Operations of the control protocol have their action in the table of
 * ctl_dispatch.c; operations that carry one of the requests here have none of
 * their own.
 */

#ifndef KERN_REQUEST_H
#define KERN_REQUEST_H

#include <ifnet/kauth.h>

#include <stdbool.h>
#include <stddef.h>

enum request_kind {
	REQUEST_IOCTL,		/* rq_number: SIOC*, OSIOC*, OOSIOC* */
	REQUEST_ROUTE,		/* RTM_* */
	REQUEST_SYSCTL		/* REQUEST_SYSCTL_READ or _WRITE */
};

#define REQUEST_SYSCTL_READ	0
#define REQUEST_SYSCTL_WRITE	1

struct request {
	enum request_kind rq_kind;
	unsigned long	 rq_number;
	const char	*rq_name;	/* "SIOCSIFMTU" */
	enum kauth_action rq_action;
	unsigned	 rq_flags;
#define RQ_VNET		0x1	/* its record names no existing interface */
#define RQ_LIST		0x2	/* room for a list follows the record */
#define RQ_DRIVER	0x4	/* passed to the driver, which alone knows it */
#define RQ_OLD		0x8	/* in an older layout */
};

/* Any context.  NULL: not in the table. */
const struct request *request_find(enum request_kind, unsigned long number);

/* Any context: the action that the request's caller must be allowed; every
 * number has one. */
enum kauth_action request_action(enum request_kind, unsigned long number);

/* Any context: "change interfaces", to be put behind "may not". */
const char *kauth_action_text(enum kauth_action);

/* Any context: does room for a list follow the record of this ioctl? */
bool	request_has_list(unsigned long cmd);

/* Any context: the rows in their order; NULL behind the last. */
const struct request *request_at(size_t i);

#endif /* !KERN_REQUEST_H */
