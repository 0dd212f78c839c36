/*
 * common: functions that both hosts use.  Private to src/host.
 */

#ifndef HOST_COMMON_H
#define HOST_COMMON_H

#include "host/host.h"

/*
 * Register the calling OS thread as an RCU reader, counted: a thread may be
 * known to the Linux host and run a simulated one as well, and liburcu takes
 * each thread only once.
 */
void	host_rcu_register(void);
void	host_rcu_unregister(void);

/* module.c: loadable modules of this machine. */
int	host_common_module_open(struct host *, const char *name,
	    const char *symbol, struct host_module **, char *why,
	    size_t whylen);
const void *host_common_module_sym(struct host *, struct host_module *,
	    const char *symbol);
void	host_common_module_close(struct host *, struct host_module *);

#endif /* !HOST_COMMON_H */
