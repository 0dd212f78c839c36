/*
 * The daemon's socket as a transport, and finding it.
 */

#include "client/client_private.h"
#include "client/client_url.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES	(1 << 20)
#define TRIES		20
#define TRIES_NS	50000	/* no longer, however busy the machine is */

static int
unix_send(void *arg, const void *msg, size_t len, int fd)
{
	union {
		struct cmsghdr	align;
		char		space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { (void *)(uintptr_t)msg, len };
	struct msghdr m;
	struct cmsghdr *cm;
	ssize_t sent;

	memset(&m, 0, sizeof(m));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		cm = CMSG_FIRSTHDR(&m);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	}
	do {
		sent = sendmsg(*(int *)arg, &m, MSG_NOSIGNAL);
	} while (sent == -1 && errno == EINTR);
	return sent == -1 ? errno : 0;
}

static int64_t
clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Most answers arrive at once: poll a few times before sleeping. */
static int
wait_readable(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t since = 0;
	int n = 0;

	for (int i = 0; i < TRIES && n == 0 && ms != 0; i++) {
		if (i == 0)
			since = clock_ns();
		else if (clock_ns() - since > TRIES_NS)
			break;
		else
			sched_yield();
		n = poll(&pfd, 1, 0);
	}
	if (n == 0)
		n = poll(&pfd, 1, ms);
	return n > 0 ? 0 : n == 0 ? ETIMEDOUT : errno;
}

static int
unix_recv(void *arg, void *buf, size_t *len, int ms)
{
	int error, fd = *(int *)arg;
	ssize_t got;

	error = wait_readable(fd, ms);
	if (error != 0)
		return error;
	do {
		got = recv(fd, buf, *len, MSG_TRUNC);
	} while (got == -1 && errno == EINTR);
	/* ECONNRESET (the other end closed without reading everything) is
	 * reported once, ahead of the messages that it sent before. */
	if (got == -1 && errno == ECONNRESET)
		got = recv(fd, buf, *len, MSG_TRUNC);
	if (got <= 0)
		return got == 0 ? EPIPE : errno;
	if ((size_t)got > *len)
		return EMSGSIZE;
	*len = (size_t)got;
	return 0;
}

static int
unix_fd(void *arg)
{

	return *(int *)arg;
}

static void
unix_close(void *arg)
{

	close(*(int *)arg);
	free(arg);
}

static int
unix_open_peer(void *arg)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	/* A process in a namespace that this one does not see has pid 0, and
	 * a program that serves itself does not wait for its own end. */
	if (getsockopt(*(int *)arg, SOL_SOCKET, SO_PEERCRED, &peer,
	    &len) == -1 || peer.pid <= 0 || peer.pid == getpid())
		return -1;
	return (int)syscall(SYS_pidfd_open, peer.pid, 0);
}

static const struct client_transport unix_transport = {
	unix_send, unix_recv, unix_fd, unix_close, unix_open_peer, "ifnetd"
};

/* Fill in the reason for a failed connection, as a sentence. */
static int
explain(int error, const char *url, struct ifnet_error *e)
{

	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		return ifnet_error_set(e, error, "no ifnetd at %s (is it "
		    "running? -s URL or $IFNETD names another)", url);
	case EACCES:
		return ifnet_error_set(e, error, "permission denied: uid %u "
		    "may not open the socket of ifnetd at %s",
		    (unsigned)geteuid(), url);
	case EPROTOTYPE:
		return ifnet_error_set(e, EPROTO, "what listens at %s is no "
		    "ifnetd", url);
	default:
		return ifnet_error_set(e, error, "no connection to ifnetd "
		    "at %s: %s", url, strerror(error));
	}
}

/* A connected socket, or -1 with the errno in *errorp. */
static int
open_socket(const struct sockaddr_un *sun, int *errorp)
{
	int bytes = BUFFER_BYTES;
	int fd;

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		*errorp = errno;
		return -1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	while (connect(fd, (const struct sockaddr *)sun,
	    sizeof(*sun)) == -1) {
		if (errno == EINTR)
			continue;
		*errorp = errno;
		close(fd);
		return -1;
	}
	return fd;
}

static struct ifnet_client *
connect_url(const char *url, struct ifnet_error *e)
{
	struct sockaddr_un sun;
	struct ifnet_client *c;
	const char *path;
	const size_t prefix = sizeof(CLIENT_URL_SCHEME) - 1;
	int error, fd, *arg;

	if (strncmp(url, CLIENT_URL_SCHEME, prefix) != 0 ||
	    url[prefix] == '\0') {
		(void)ifnet_error_set(e, EINVAL, "\"%s\" is not the URL of "
		    "an ifnetd (" IFNET_URL_DEFAULT " is one)", url);
		return NULL;
	}
	path = url + prefix;
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sun.sun_path)) {
		(void)ifnet_error_set(e, EINVAL, "%s: a socket's path has at "
		    "most %zu characters", url, sizeof(sun.sun_path) - 1);
		return NULL;
	}
	strcpy(sun.sun_path, path);
	fd = open_socket(&sun, &error);
	if (fd == -1) {
		(void)explain(error, url, e);
		return NULL;
	}
	arg = malloc(sizeof(*arg));
	if (arg == NULL) {
		close(fd);
		(void)ifnet_error_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	*arg = fd;
	c = client_create(&unix_transport, arg, url, e);
	if (c != NULL && client_greet(c, e) != 0) {
		ifnet_close(c);
		return NULL;
	}
	return c;
}

/* The socket of a daemon that has ended is left at the path. */
static void
explain_left(const char *url, struct ifnet_error *e)
{

	(void)ifnet_error_set(e, ECONNREFUSED, "no ifnetd at %s any more: its "
	    "socket was left behind (start ifnetd again, remove the file, or "
	    "name another daemon with -s URL or $IFNETD, such as -s "
	    IFNET_URL_DEFAULT ")", url);
}

/*
 * Without a named daemon, connect to the user's own daemon if there is one,
 * else to the machine's.  If the own daemon refuses, the machine's is not
 * tried.
 */
static struct ifnet_client *
connect_default(struct ifnet_error *e)
{
	char own[CLIENT_URL_MAX];
	struct ifnet_error why;
	struct ifnet_client *c;

	if (!client_url_own(own) || strcmp(own, IFNET_URL_DEFAULT) == 0)
		return connect_url(IFNET_URL_DEFAULT, e);
	c = connect_url(own, &why);
	if (c != NULL)
		return c;
	if (why.code == ECONNREFUSED) {
		explain_left(own, e);
		return NULL;
	}
	if (why.code != ENOENT) {
		(void)ifnet_error_set(e, why.code, "%s", why.text);
		return NULL;
	}
	c = connect_url(IFNET_URL_DEFAULT, &why);
	if (c == NULL && (why.code == ENOENT || why.code == ECONNREFUSED))
		(void)ifnet_error_set(e, why.code, "no ifnetd at %s or "
		    IFNET_URL_DEFAULT " (is it running? -s URL or $IFNETD "
		    "names another)", own);
	else if (c == NULL)
		(void)ifnet_error_set(e, why.code, "%s", why.text);
	return c;
}

struct ifnet_client *
ifnet_connect(const char *url, struct ifnet_error *e)
{

	if (url == NULL)
		url = getenv("IFNETD");
	if (url == NULL || url[0] == '\0')
		return connect_default(e);
	return connect_url(url, e);
}
