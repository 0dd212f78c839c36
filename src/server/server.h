/*
 * server: a socket at which clients are served, for any protocol.
 *
 * This is the transport: the socket and the limits on its clients, a thread and
 * a buffer for each client, waiting for clients that read slowly.  The contents
 * of messages are the protocol's (struct server_proto), which knows nothing of
 * sockets.  Two protocols are two servers.
 */

#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include <ifnet/kauth.h>

struct kern;
struct server;

/*
 * The functions by which a session reaches its client.
 *	ss_send		one whole message; 0, or an errno, which ends the
 *			request.  May sleep.
 *	ss_wakeup	any context: sp_events() has something
 *	ss_halt		the stack is asked to stop; 0 or EOPNOTSUPP
 */
struct server_sink {
	int	(*ss_send)(void *arg, const void *msg, size_t len);
	void	(*ss_wakeup)(void *arg);
	int	(*ss_halt)(void *arg);
	void	*ss_arg;
};

enum server_state {
	SERVER_NEW,		/* has not sent its greeting */
	SERVER_IDLE,		/* waits for a request */
	SERVER_WATCHING		/* waits for events of a watch */
};

/* The size of the message with which a connection is closed. */
#define SERVER_GOODBYE	512

/*
 * A protocol.  All functions but sp_goodbye are called in the thread of the
 * session's client.
 *	sp_msg_max	the largest message, either way
 *	sp_open		a new client's session.  ENOMEM
 *	sp_message	one message; fd came with it (-1: none) and is taken.
 *			0, or an errno that ends the session
 *	sp_events	send the events that wait; errors as sp_message
 *	sp_state	the state of the session's client
 *	sp_close	the client has gone
 *	sp_goodbye	the message with which a connection is refused or
 *			ended; its length.  Control
 */
struct server_proto {
	size_t	sp_msg_max;
	int	(*sp_open)(struct kern *, const struct kauth_cred *,
		    const struct server_sink *, void **sessionp);
	int	(*sp_message)(void *session, const void *msg, size_t len,
		    int fd);
	int	(*sp_events)(void *session);
	enum server_state (*sp_state)(void *session);
	void	(*sp_close)(void *session);
	size_t	(*sp_goodbye)(void *room, int error, const char *text);
};

struct server_halt {
	int	(*sh_fn)(void *);	/* NULL: it cannot be stopped so */
	void	*sh_arg;
};

/*
 * Listen at a path; at most maxclients (0: the default), and of one user no
 * more than kern.user.clients.each.  Control.  EADDRINUSE, EACCES,
 * ENAMETOOLONG, ...
 */
int	server_start(struct kern *, const struct server_proto *,
	    const char *path, unsigned mode, unsigned maxclients,
	    const struct server_halt *, struct server **);
/*
 * Any context: set the time after which a client that does not read an answer
 * is disconnected (at first 30 s); a client that reads slowly, or reads no
 * events, is not.  It counts from the next wait on.
 */
void	server_set_limit(struct server *, unsigned ms);
/* Control: end every session and remove the socket. */
void	server_stop(struct server *);

#endif /* !SERVER_SERVER_H */
