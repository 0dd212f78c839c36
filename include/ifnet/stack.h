/*
 * stack: network stacks inside your own program.
 *
 * A struct ifnet_stack is what one process shares among its vnets: CPUs and
 * buffers. With ncpu 0 it has no thread of its own: the program calls
 * ifnet_stack_run() when ifnet_stack_fd() polls readable or
 * ifnet_stack_timeout_ms() has passed, and makes all other calls from that same
 * thread.  With ncpu > 0 the stack runs by itself and the calls may be made
 * from any thread.  The stack installs no signal handler and may be created and
 * destroyed any number of times.
 *
 * All functions that can fail fill *e, which may be NULL.
 */

#ifndef IFNET_STACK_H
#define IFNET_STACK_H

#include <ifnet/error.h>

#pragma GCC visibility push(default)

#ifdef __cplusplus
extern "C" {
#endif

struct ifnet_client;
struct ifnet_ping;
struct ifnet_stack;
struct vnet;

struct ifnet_stack_config {
	unsigned	 ncpu;		/* worker threads; 0: yours */
	unsigned	 mbufs;		/* packet buffers; 0: 16384 */
	unsigned	 busy_poll_us;	/* polling on before sleeping; 0: 50 */
	int		 admin_gid;	/* administrators' group; 0: none */
	int		 log_level;	/* syslog(3) number; 0: 5, notice */
	void		*host;		/* a struct host *; NULL: Linux */
};

/* NULL on failure (ENOMEM, EAGAIN, EINVAL). */
struct ifnet_stack *ifnet_stack_create(const struct ifnet_stack_config *,
	    struct ifnet_error *);
/*
 * Destroys every vnet first; logs every reference still held.  No other thread
 * is in a call about the stack, its vnets or clients.  Clients and pings that
 * are left are closed and freed as ever, before or after: clients are answered
 * EPIPE, pings are done.
 */
void	ifnet_stack_destroy(struct ifnet_stack *);

/* ncpu 0 only. */
int	ifnet_stack_fd(struct ifnet_stack *);
/* Milliseconds to the next call at the latest; -1: none is due. */
int	ifnet_stack_timeout_ms(struct ifnet_stack *);
void	ifnet_stack_run(struct ifnet_stack *);

/*
 * NULL on failure: EEXIST, EINVAL (name), ENOMEM.  Has lo0, which is up with
 * 127.0.0.1/8.  It is the program's until vnet_destroy() or the stack's
 * end: a command that would destroy it is refused (EBUSY).
 */
struct vnet *vnet_create(struct ifnet_stack *, const char *name,
	    struct ifnet_error *);
/* Detaches all that is left in it.  Clients and pings may be left; see
 * ifnet_stack_destroy(). */
void	vnet_destroy(struct vnet *);
/* NULL: none of this name ("": the first there is).  One that a command made is
 * there until a command destroys it. */
struct vnet *vnet_lookup(struct ifnet_stack *, const char *name);

/*
 * One line as after `ifctl' ("ifconfig tap0 create").  0, or an errno with the
 * message in *e.  What it prints goes to stdout (vnet_command) or to a string
 * to be freed (vnet_command_output).
 */
int	vnet_command(struct vnet *, const char *line, struct ifnet_error *);
int	vnet_command_output(struct vnet *, const char *line, char **output,
	    struct ifnet_error *);
/* A client of <ifnet/client.h> without a daemon, with all rights. */
struct ifnet_client *vnet_client(struct vnet *, struct ifnet_error *);

/* Echo requests, one a second, `count' of them; dst is an address of IPv4 or
 * IPv6, one of link scope with its interface ("fe80::1%pair0"). */
struct ifnet_ping *ifnet_ping_start(struct vnet *, const char *dst,
	    unsigned count, struct ifnet_error *);
int	ifnet_ping_done(const struct ifnet_ping *);
unsigned ifnet_ping_sent(const struct ifnet_ping *);
unsigned ifnet_ping_received(const struct ifnet_ping *);
void	ifnet_ping_free(struct ifnet_ping *);

#ifdef __cplusplus
}
#endif

#pragma GCC visibility pop

#endif /* !IFNET_STACK_H */
