/*
 * A client's thread: its requests, one after another, and its events.
 *
 * It sleeps in its own poller, whose doorbell also says that there are events
 * for the client or that the server stops.  A client that is slow, or does not
 * read, holds up its own thread alone.
 */

#include "server/server_impl.h"

#include <errno.h>

#include "kern/kuser.h"

/* The time that a client has for its greeting. */
#define GREETING_NS	(10 * 1000 * NS_PER_MS)
/* The time, and the number of tries, that a client's thread polls for another
 * request before it sleeps; and the number of requests that it takes before it
 * sends events. */
#define LINGER_NS	20000
#define LINGER_TRIES	100
#define REQUESTS_MAX	64

/*
 * Wait until the client reads.  An answer waits for a limited time; events wait
 * for as long as the client likes: they hold only one bounded queue, and the
 * client is told how many it missed.
 */
static int
wait_writable(struct client *cc, uint64_t since)
{
	struct server *sv = cc->cc_server;
	struct host *h = sv->sv_host;
	struct host_event ev;
	uint64_t limit, waited, ns = HOST_FOREVER;
	unsigned n;

	if (!cc->cc_events) {
		limit = NS_PER_MS * __atomic_load_n(&sv->sv_limit_ms,
		    __ATOMIC_RELAXED);
		waited = host_clock(h) - since;
		if (waited >= limit) {
			klog(sv->sv_kern, KLOG_NOTICE, "control: a client "
			    "did not read its answers for %.1f seconds and "
			    "was disconnected", (double)limit /
			    (1000 * NS_PER_MS));
			return ETIMEDOUT;
		}
		ns = limit - waited;
	}
	(void)host_poller_wait(h, cc->cc_poller, &ev, 1, ns, &n);
	return client_is_ending(cc) ? ECANCELED : 0;
}

int
server_client_send(void *arg, const void *msg, size_t len)
{
	struct client *cc = arg;
	struct host *h = cc->cc_server->sv_host;
	struct iovec iov;
	uint64_t since = 0;
	ssize_t sent;
	int error = 0;

	iov.iov_base = (void *)(uintptr_t)msg;
	iov.iov_len = len;
	for (;;) {
		sent = host_sock_send(h, cc->cc_fd, &iov, 1);
		if (sent != -EAGAIN || error != 0)
			break;
		if (since == 0) {
			since = host_clock(h);
			error = host_poller_mod(h, cc->cc_poller, cc->cc_fd,
			    HOST_POLL_OUT, cc);
		}
		if (error == 0)
			error = wait_writable(cc, since);
	}
	if (since != 0)
		(void)host_poller_mod(h, cc->cc_poller, cc->cc_fd,
		    HOST_POLL_IN, cc);
	return sent < 0 && error == 0 ? (int)-sent : error;
}

void
server_client_wakeup(void *arg)
{
	struct client *cc = arg;

	host_poller_wake(cc->cc_server->sv_host, cc->cc_poller);
}

int
server_client_halt(void *arg)
{
	struct server *sv = ((struct client *)arg)->cc_server;

	return sv->sv_halt.sh_fn == NULL ? EOPNOTSUPP :
	    sv->sv_halt.sh_fn(sv->sv_halt.sh_arg);
}

/* Read and carry out one request; EAGAIN: there is none.  Another error: the
 * end. */
static int
client_request(struct client *cc)
{
	const struct server_proto *sp = cc->cc_server->sv_proto;
	struct host *h = cc->cc_server->sv_host;
	ssize_t got;
	int fd;

	got = host_sock_recv(h, cc->cc_fd, cc->cc_buf, sp->sp_msg_max, &fd);
	if (got <= 0)
		return got == 0 ? EPIPE : (int)-got;
	__atomic_store_n(&cc->cc_since, host_clock(h), __ATOMIC_RELAXED);
	return sp->sp_message(cc->cc_session, cc->cc_buf, (size_t)got, fd);
}

/*
 * Carry out a request, and the requests that follow at once: a client that
 * sends one after another need not wake this thread for each.
 */
static int
client_requests(struct client *cc)
{
	struct host *h = cc->cc_server->sv_host;
	unsigned done = 0, tries = 0;
	uint64_t until = 0;
	int error;

	while (!client_is_ending(cc) && done < REQUESTS_MAX) {
		error = client_request(cc);
		if (error == 0) {
			done++;
			tries = 0;
			until = host_clock(h) + LINGER_NS;
			continue;
		}
		if (error != EAGAIN)
			return error;
		if (done == 0 || ++tries == LINGER_TRIES ||
		    host_clock(h) >= until)
			break;
		host_yield(h);
	}
	return 0;
}

/*
 * The time that a client may go without a request: a short one before its
 * greeting; afterwards, for a client without privilege that waits for nothing,
 * the value of the setting.
 */
static uint64_t
patience(const struct client *cc)
{
	struct server *sv = cc->cc_server;
	uint64_t idle;

	switch (sv->sv_proto->sp_state(cc->cc_session)) {
	case SERVER_NEW:
		return GREETING_NS;
	case SERVER_WATCHING:
		return HOST_FOREVER;
	case SERVER_IDLE:
		break;
	}
	idle = (uint64_t)__atomic_load_n(&sv->sv_kern->k_client_idle_s,
	    __ATOMIC_RELAXED);
	return cc->cc_privileged || idle == 0 ? HOST_FOREVER :
	    idle * 1000 * NS_PER_MS;
}

void
server_goodbye(struct server *sv, int fd, int error, const char *text)
{
	uint8_t msg[SERVER_GOODBYE] __attribute__((__aligned__(8)));
	struct iovec iov = { msg, 0 };

	iov.iov_len = sv->sv_proto->sp_goodbye(msg, error, text);
	(void)host_sock_send(sv->sv_host, fd, &iov, 1);
}

/* Wait until there is work for the client.  ETIMEDOUT: it has been idle for too
 * long. */
static int
client_wait(struct client *cc, unsigned *n)
{
	struct host *h = cc->cc_server->sv_host;
	uint64_t limit = patience(cc), waited = 0;
	struct host_event ev;
	bool idle;

	idle = cc->cc_server->sv_proto->sp_state(cc->cc_session) !=
	    SERVER_WATCHING;
	__atomic_store_n(&cc->cc_idle, idle, __ATOMIC_RELAXED);
	*n = 0;
	if (limit != HOST_FOREVER) {
		waited = host_clock(h) - cc->cc_since;
		if (waited >= limit) {
			server_goodbye(cc->cc_server, cc->cc_fd, ETIMEDOUT,
			    "ifnetd has closed this connection: it asked for "
			    "nothing for too long (kern.clients.idle)");
			return ETIMEDOUT;
		}
		limit -= waited;
	}
	(void)host_poller_wait(h, cc->cc_poller, &ev, 1, limit, n);
	__atomic_store_n(&cc->cc_idle, false, __ATOMIC_RELAXED);
	return 0;
}

static void
client_loop(struct client *cc)
{
	struct server *sv = cc->cc_server;
	unsigned n;
	int error = 0;

	while (error == 0 && !client_is_ending(cc)) {
		error = client_wait(cc, &n);
		if (error != 0 || client_is_ending(cc))
			break;
		if (n > 0)
			error = client_requests(cc);
		if (error == 0) {
			cc->cc_events = true;
			error = sv->sv_proto->sp_events(cc->cc_session);
			cc->cc_events = false;
		}
	}
}

void
server_client_main(void *arg)
{
	struct client *cc = arg;
	struct server *sv = cc->cc_server;
	struct host *h = sv->sv_host;

	client_loop(cc);
	if (__atomic_load_n(&cc->cc_ending, __ATOMIC_ACQUIRE))
		server_goodbye(sv, cc->cc_fd, EUSERS, "ifnetd has closed this "
		    "connection, which had been quiet for longest: all places "
		    "were taken, and an administrator came");
	/* The client's watch ends here, not when the thread is joined. */
	sv->sv_proto->sp_close(cc->cc_session);
	host_sock_close(h, cc->cc_fd);
	kuser_release(sv->sv_kern, &cc->cc_cred, KUSER_CLIENTS, 1);
	host_mutex_lock(h, &sv->sv_lock);
	cc->cc_done = true;
	host_mutex_unlock(h, &sv->sv_lock);
	host_poller_wake(h, sv->sv_poller);
}
