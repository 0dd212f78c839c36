/*
 * The descriptor handed over with the request that this thread carries out.
 */

#include "kern/handover.h"

#include <stddef.h>

#include "host/host.h"

/*
 * Tasks of a simulated host share an OS thread, so the owner is kept too:
 * nobody is ever given the descriptor of another's request.
 */
static __thread struct {
	const struct host_thread *owner;
	int		 fd;
} handover = { NULL, -1 };

int
kern_handover_take(void)
{
	int fd;

	if (handover.owner != host_curthread)
		return -1;
	fd = handover.fd;
	handover.fd = -1;
	handover.owner = NULL;
	return fd;
}

void
kern_handover_set(int fd)
{

	handover.owner = host_curthread;
	handover.fd = fd;
}
