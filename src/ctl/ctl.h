/*
 * ctl: the control side of a stack: it takes requests and answers them.
 *
 * A session is one client: its credentials, and at most one follow or ping at
 * a time.  ctl_dispatch() takes one message and gives every answer to the
 * session's sink; it decides nothing, it translates to ifioctl(),
 * sysctl_request() and rtsock_request().  The socket server (src/server) is
 * one user of sessions, the client without a daemon (client/local) the other.
 */

#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <ifnet/kauth.h>
#include <ifnet/kern.h>

#include "kern/reqctx.h"
#include "proto/ctl_proto.h"

struct ctl_session;
struct server;

/*
 *	cs_send		one whole message; 0, or an errno, which ends the
 *			request.  May sleep.
 *	cs_wakeup	any context: ctl_session_events() has something
 *	cs_halt		the stack is asked to stop; 0 or EOPNOTSUPP
 */
struct ctl_sink {
	int	(*cs_send)(void *arg, const void *msg, size_t len);
	void	(*cs_wakeup)(void *arg);
	int	(*cs_halt)(void *arg);
	void	*cs_arg;
};

/*
 * Control: called once for a kern, before the first session and after the last.
 * ENOMEM.
 */
int	ctl_init(struct kern *);
void	ctl_fini(struct kern *);

/* Control, all of these.  ENOMEM. */
int	ctl_session_create(struct kern *, const struct kauth_cred *,
	    const struct ctl_sink *, struct ctl_session **);
/* End a session: its watch ends, and uncommitted changes are undone. */
void	ctl_session_destroy(struct ctl_session *);
/* Require CTL_HELLO as the session's first message: its client may be of
 * another build. */
void	ctl_session_must_greet(struct ctl_session *);
/*
 * Carry out one message of len bytes.  fd is a descriptor that came with it, or
 * -1; it is taken.  0, or an errno when the session is to be ended (malformed
 * header, or the sink failed).
 */
int	ctl_dispatch(struct ctl_session *, const void *msg, size_t len,
	    int fd);
/* Send the waiting events of the session's watch; 0 or the sink's errno. */
int	ctl_session_events(struct ctl_session *);

/*
 * A server (server/server.h, which has the rest) that speaks the control
 * protocol.
 */
int	ctl_server_start(struct kern *, const char *path, unsigned mode,
	    unsigned maxclients, int (*halt)(void *), void *arg,
	    struct server **);

#endif /* !CTL_CTL_H */
