/*
 * server_impl: what the thread that accepts (server.c) and those of the clients
 * (server_client.c) share.
 */

#ifndef SERVER_SERVER_IMPL_H
#define SERVER_SERVER_IMPL_H

#include "server/server.h"

#include <sys/queue.h>

#include "kern/kern_impl.h"

#define NS_PER_MS	1000000ull
/* Pollers kept for administrators that connect when the process has no
 * descriptor left: destroying one frees descriptors for a connection. */
#define SPARES		4

/*
 *	constant	from creation
 *	c:		the client's own thread
 *	s:		sv_lock
 */
struct client {
	struct server *cc_server;		/* constant */
	LIST_ENTRY(client) cc_link;		/* s: */
	struct host_thread *cc_thread;		/* s: */
	struct host_poller *cc_poller;		/* constant */
	void		*cc_session;		/* constant; the protocol's */
	struct kauth_cred cc_cred;		/* constant */
	bool		 cc_privileged;		/* constant */
	int		 cc_fd;			/* constant */
	uint64_t	 cc_since;		/* atomic; its last request */
	bool		 cc_idle;		/* atomic; waits for nothing */
	bool		 cc_ending;		/* atomic; asked to end */
	bool		 cc_done;		/* s: has ended, join it */
	bool		 cc_events;		/* c: sending events now */
	uint8_t		*cc_buf;		/* c: sp_msg_max, mapped */
};

struct server {
	struct kern	*sv_kern;		/* constant */
	const struct server_proto *sv_proto;	/* constant */
	struct host	*sv_host;		/* constant */
	int		 sv_fd;			/* constant */
	struct host_poller *sv_poller;		/* constant */
	struct host_thread *sv_thread;		/* constant */
	unsigned	 sv_max;		/* constant */
	struct server_halt sv_halt;		/* constant */
	unsigned	 sv_limit_ms;		/* atomic; for an answer */
	bool		 sv_stop;		/* atomic */
	struct host_mutex sv_lock;
	LIST_HEAD(, client) sv_clients;	/* s: */
	unsigned	 sv_nclients;		/* s: */
	unsigned	 sv_nending;		/* s: of them, cc_ending */
	struct host_poller *sv_spare[SPARES];	/* its own thread's */
	unsigned	 sv_nspares;		/* likewise */
};

static inline bool
server_stopping(const struct server *sv)
{

	return __atomic_load_n(&sv->sv_stop, __ATOMIC_ACQUIRE);
}

/* Is the client's thread to end? */
static inline bool
client_is_ending(const struct client *cc)
{

	return server_stopping(cc->cc_server) ||
	    __atomic_load_n(&cc->cc_ending, __ATOMIC_ACQUIRE);
}

/* server_client.c */

/* A client's thread, from its first request to its end. */
void	server_client_main(void *);
/* The client's own thread, from its protocol: send a message; ETIMEDOUT: the
 * client does not read. */
int	server_client_send(void *, const void *msg, size_t len);
/* Likewise: stop the daemon; EOPNOTSUPP. */
int	server_client_halt(void *);
/* Any context: there are events for the client. */
void	server_client_wakeup(void *);
/* Send the reason why a connection is closed, if it can be sent. */
void	server_goodbye(struct server *, int fd, int error, const char *text);

#endif /* !SERVER_SERVER_IMPL_H */
