/*
 * cpu_private: what cpu.c, poller.c and xcall.c keep for each CPU.
 */

#ifndef KERN_CPU_PRIVATE_H
#define KERN_CPU_PRIVATE_H

#include "kern/kern_private.h"

/*
 *	cpv_kicks	pollers that were kicked while cold, linked through
 *			cp_next; atomic, pushed by anyone, taken by the owner
 *	cpv_done	calls that ran in this pass; owner's
 */
struct cpu_private {
	struct cpu_poller *cpv_kicks __attribute__((__aligned__(64)));
	struct cpu_work	*cpv_done __attribute__((__aligned__(64)));
};

/* poller.c.  Owner, in the read section: poll the hot pollers. */
bool	poller_run(struct cpu *);
/* Owner: the poller's descriptor is ready. */
void	poller_ready(struct cpu_poller *, unsigned events);
/* Owner: has any poller been kicked? */
bool	poller_kicked(const struct cpu *);

#endif /* !KERN_CPU_PRIVATE_H */
