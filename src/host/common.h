/*
 * common: what the two hosts share.  Private to src/host.
 */

#ifndef HOST_COMMON_H
#define HOST_COMMON_H

/*
 * Register the calling OS thread as an RCU reader, counted: a thread may be
 * known to the Linux host and run a simulated one as well, and liburcu takes
 * each thread only once.
 */
void	host_rcu_register(void);
void	host_rcu_unregister(void);

#endif /* !HOST_COMMON_H */
