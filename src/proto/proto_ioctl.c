/*
 * The interface requests that this build knows, by command word.  In the table
 * of requests the present layouts come before the old ones.
 */

#include "proto/proto_ioctl.h"

#include <stddef.h>

#include "kern/request.h"

/* The bits of a command word without the size of its record. */
#define IDENTITY	(~(0x3ffful << 16))

const char *
proto_ioctl_name(unsigned long cmd)
{
	const struct request *rq = request_find(REQUEST_IOCTL, cmd);

	return rq == NULL ? NULL : rq->rq_name;
}

unsigned long
proto_ioctl_here(unsigned long cmd)
{
	const struct request *rq;

	if (request_find(REQUEST_IOCTL, cmd) != NULL)
		return cmd;
	for (size_t i = 0; (rq = request_at(i)) != NULL; i++)
		if (rq->rq_kind == REQUEST_IOCTL &&
		    ((rq->rq_number ^ cmd) & IDENTITY) == 0)
			return rq->rq_number;
	return 0;
}
