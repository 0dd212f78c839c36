/*
 * client_impl: the insides of struct ifnet_client.  A client speaks the
 * control protocol over a transport: the daemon's socket, or a stack in the
 * same process.
 */

#ifndef CLIENT_CLIENT_IMPL_H
#define CLIENT_CLIENT_IMPL_H

#include <ifnet/client.h>

#include "proto/ctl_proto.h"

/*
 *	ct_send		one message; errno
 *	ct_recv		the next message within ms (-1: no limit); errno,
 *			ETIMEDOUT, EPIPE at the end
 *	ct_open_peer	a descriptor that is readable when the process at the
 *			other end has ended; -1: there is none (NULL: never)
 */
struct client_transport {
	int	(*ct_send)(void *arg, const void *msg, size_t len, int fd);
	int	(*ct_recv)(void *arg, void *buf, size_t *len, int ms);
	int	(*ct_fd)(void *arg);
	void	(*ct_close)(void *arg);
	int	(*ct_open_peer)(void *arg);
	const char *ct_peer;	/* for messages */
};

/* Create a client that takes over arg; NULL when memory is out (arg is closed
 * then). */
struct ifnet_client *client_create(const struct client_transport *, void *arg,
	    const char *peer, struct ifnet_error *);
/* Agree with the server on a version: a transport to another process does this
 * first.  EPROTO, EPROTONOSUPPORT, and errors of the transport. */
int	client_greet(struct ifnet_client *, struct ifnet_error *);

#endif /* !CLIENT_CLIENT_IMPL_H */
