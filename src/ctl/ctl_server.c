/*
 * The control socket: a thread that accepts, and one for each client.
 *
 * A client's thread sleeps in its own poller, whose doorbell also says that
 * there are events for the client or that the server stops.  Whatever a client
 * does or fails to do holds up its own thread alone.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <string.h>

#define CLIENTS_DEFAULT	256
#define NS_PER_MS	1000000ull
/* An answer makes no progress for so long: the client does not read. */
#define SEND_LIMIT_MS	30000
/* After a failed accept for want of descriptors or memory. */
#define ACCEPT_PAUSE_NS	(100 * NS_PER_MS)

/* How long, and how often, a client's thread looks for another request before
 * it sleeps; and how many it takes before it looks at events. */
#define LINGER_NS	20000
#define LINGER_TRIES	100
#define REQUESTS_MAX	64

/*
 *	constant	from creation
 *	c:		the client's own thread
 *	s:		sv_lock
 */
struct ctl_client {
	struct ctl_server *cc_server;		/* constant */
	LIST_ENTRY(ctl_client) cc_link;		/* s: */
	struct host_thread *cc_thread;		/* s: */
	struct host_poller *cc_poller;		/* constant */
	struct ctl_session *cc_session;		/* constant */
	int		 cc_fd;			/* constant */
	bool		 cc_done;		/* s: has ended, join it */
	bool		 cc_events;		/* c: sending events now */
	uint8_t		*cc_buf;		/* c: CTL_MSG_MAX bytes */
};

struct ctl_server {
	struct kern	*sv_kern;		/* constant */
	struct host	*sv_host;		/* constant */
	int		 sv_fd;			/* constant */
	struct host_poller *sv_poller;		/* constant */
	struct host_thread *sv_thread;		/* constant */
	unsigned	 sv_max;		/* constant */
	int		(*sv_halt)(void *);	/* constant */
	void		*sv_halt_arg;		/* constant */
	unsigned	 sv_limit_ms;		/* atomic; for an answer */
	bool		 sv_stop;		/* atomic */
	struct host_mutex sv_lock;
	LIST_HEAD(, ctl_client) sv_clients;	/* s: */
	unsigned	 sv_nclients;		/* s: */
};

static bool
stopping(const struct ctl_server *sv)
{

	return __atomic_load_n(&sv->sv_stop, __ATOMIC_ACQUIRE);
}

/* --- a client's thread --------------------------------------------------- */

/*
 * Wait until the client reads.  An answer waits for a limited time; events
 * wait for as long as the client likes: they hold one bounded queue, which
 * tells the client what it missed.
 */
static int
wait_writable(struct ctl_client *cc, uint64_t since)
{
	struct ctl_server *sv = cc->cc_server;
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
	return stopping(sv) ? ECANCELED : 0;
}

static int
client_send(void *arg, const void *msg, size_t len)
{
	struct ctl_client *cc = arg;
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

/* Any context. */
static void
client_wakeup(void *arg)
{
	struct ctl_client *cc = arg;

	host_poller_wake(cc->cc_server->sv_host, cc->cc_poller);
}

static int
client_halt(void *arg)
{
	struct ctl_server *sv = ((struct ctl_client *)arg)->cc_server;

	return sv->sv_halt == NULL ? EOPNOTSUPP :
	    sv->sv_halt(sv->sv_halt_arg);
}

/* Read and carry out one request; EAGAIN: there is none.  Another error: the
 * end. */
static int
client_request(struct ctl_client *cc)
{
	struct host *h = cc->cc_server->sv_host;
	ssize_t got;
	int fd;

	got = host_sock_recv(h, cc->cc_fd, cc->cc_buf, CTL_MSG_MAX, &fd);
	if (got <= 0)
		return got == 0 ? EPIPE : (int)-got;
	return ctl_dispatch(cc->cc_session, cc->cc_buf, (size_t)got, fd);
}

/*
 * One request, and those that follow at once: who sends one after the other
 * need not wake this thread for each.
 */
static int
client_requests(struct ctl_client *cc)
{
	struct host *h = cc->cc_server->sv_host;
	unsigned done = 0, tries = 0;
	uint64_t until = 0;
	int error;

	while (!stopping(cc->cc_server) && done < REQUESTS_MAX) {
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

static void
client_loop(struct ctl_client *cc)
{
	struct ctl_server *sv = cc->cc_server;
	struct host_event ev;
	unsigned n;
	int error = 0;

	while (error == 0 && !stopping(sv)) {
		n = 0;
		(void)host_poller_wait(sv->sv_host, cc->cc_poller, &ev, 1,
		    HOST_FOREVER, &n);
		if (stopping(sv))
			break;
		if (n > 0)
			error = client_requests(cc);
		if (error == 0) {
			cc->cc_events = true;
			error = ctl_session_events(cc->cc_session);
			cc->cc_events = false;
		}
	}
}

static void
client_main(void *arg)
{
	struct ctl_client *cc = arg;
	struct ctl_server *sv = cc->cc_server;
	struct host *h = sv->sv_host;

	client_loop(cc);
	/* What it watched ends here, not when somebody joins the thread. */
	ctl_session_destroy(cc->cc_session);
	host_sock_close(h, cc->cc_fd);
	host_mutex_lock(h, &sv->sv_lock);
	cc->cc_done = true;
	host_mutex_unlock(h, &sv->sv_lock);
	host_poller_wake(h, sv->sv_poller);
}

/* --- accepting ----------------------------------------------------------- */

/* The thread has been joined, or never ran. */
static void
client_free(struct ctl_client *cc)
{
	struct ctl_server *sv = cc->cc_server;

	host_poller_destroy(sv->sv_host, cc->cc_poller);
	kmem_free(sv->sv_kern, cc->cc_buf);
	kmem_free(sv->sv_kern, cc);
}

/* Join the clients that have ended, or all of them. */
static void
reap(struct ctl_server *sv, bool all)
{
	struct host *h = sv->sv_host;
	struct ctl_client *cc;

	host_mutex_lock(h, &sv->sv_lock);
	do {
		LIST_FOREACH(cc, &sv->sv_clients, cc_link) {
			if (all || cc->cc_done)
				break;
		}
		if (cc == NULL)
			break;
		LIST_REMOVE(cc, cc_link);
		sv->sv_nclients--;
		host_mutex_unlock(h, &sv->sv_lock);
		host_thread_join(h, cc->cc_thread);
		client_free(cc);
		host_mutex_lock(h, &sv->sv_lock);
	} while (true);
	host_mutex_unlock(h, &sv->sv_lock);
}

/* Say why a connection is closed, as far as that can be said. */
static void
refuse(struct ctl_server *sv, int fd, int error, const char *text)
{
	struct {
		struct ctl_hdr	 h;
		char		 text[128];
	} msg;
	struct iovec iov = { &msg, 0 };
	size_t len = strnlen(text, sizeof(msg.text) - 1) + 1;

	memset(&msg, 0, sizeof(msg));
	memcpy(msg.text, text, len - 1);
	msg.h.ch_magic = CTL_MAGIC;
	msg.h.ch_len = (uint32_t)(sizeof(msg.h) + len);
	msg.h.ch_op = CTL_HELLO;
	msg.h.ch_flags = CTL_ANSWER | CTL_TEXT;
	msg.h.ch_error = error;
	iov.iov_len = msg.h.ch_len;
	(void)host_sock_send(sv->sv_host, fd, &iov, 1);
	host_sock_close(sv->sv_host, fd);
}

static void
translate_cred(const struct host_peercred *hp, struct kauth_cred *kc)
{
	unsigned i;

	memset(kc, 0, sizeof(*kc));
	kc->kc_uid = hp->hp_uid;
	kc->kc_gid = hp->hp_gid;
	kc->kc_pid = hp->hp_pid;
	for (i = 0; i < hp->hp_ngroups && i < KAUTH_NGROUPS; i++)
		kc->kc_groups[i] = hp->hp_groups[i];
	kc->kc_ngroups = i;
}

/*
 * Some places are kept for those who may stop the daemon, so that others
 * cannot lock them out.
 */
static bool
has_place(struct ctl_server *sv, bool privileged)
{
	unsigned limit = sv->sv_max;
	bool room;

	if (!privileged)
		limit -= limit / 8;
	host_mutex_lock(sv->sv_host, &sv->sv_lock);
	room = sv->sv_nclients < limit;
	host_mutex_unlock(sv->sv_host, &sv->sv_lock);
	return room;
}

/* Takes the descriptor, but not on failure. */
static int
client_create(struct ctl_server *sv, int fd, const struct kauth_cred *cred)
{
	struct host *h = sv->sv_host;
	struct ctl_client *cc;
	struct ctl_sink sink;
	int error;

	cc = kmem_zalloc(sv->sv_kern, sizeof(*cc));
	if (cc == NULL)
		return ENOMEM;
	cc->cc_server = sv;
	cc->cc_fd = fd;
	error = host_poller_create(h, &cc->cc_poller);
	if (error != 0)
		goto fail_client;
	cc->cc_buf = kmem_zalloc(sv->sv_kern, CTL_MSG_MAX);
	if (cc->cc_buf == NULL) {
		error = ENOMEM;
		goto fail_poller;
	}
	error = host_poller_add(h, cc->cc_poller, fd, HOST_POLL_IN, cc);
	if (error != 0)
		goto fail_buf;
	sink.cs_send = client_send;
	sink.cs_wakeup = client_wakeup;
	sink.cs_halt = client_halt;
	sink.cs_arg = cc;
	error = ctl_session_create(sv->sv_kern, cred, &sink, &cc->cc_session);
	if (error != 0)
		goto fail_buf;
	ctl_session_must_greet(cc->cc_session);
	/* The lock is held over it so that cc_thread is set before cc_done. */
	host_mutex_lock(h, &sv->sv_lock);
	error = host_thread_create(h, "ctl-client", -1, client_main, cc,
	    &cc->cc_thread);
	if (error == 0) {
		LIST_INSERT_HEAD(&sv->sv_clients, cc, cc_link);
		sv->sv_nclients++;
	}
	host_mutex_unlock(h, &sv->sv_lock);
	if (error == 0)
		return 0;
	ctl_session_destroy(cc->cc_session);
fail_buf:
	kmem_free(sv->sv_kern, cc->cc_buf);
fail_poller:
	host_poller_destroy(h, cc->cc_poller);
fail_client:
	kmem_free(sv->sv_kern, cc);
	return error;
}

/* Take what waits to be accepted; an errno that should be waited out. */
static int
accept_clients(struct ctl_server *sv)
{
	struct host_peercred hp;
	struct kauth_cred cred;
	int error, fd;

	while (!stopping(sv)) {
		error = host_sock_accept(sv->sv_host, sv->sv_fd, &fd, &hp);
		if (error == EAGAIN)
			return 0;
		if (error == EMFILE || error == ENFILE || error == ENOMEM ||
		    error == ENOBUFS)
			return error;
		if (error != 0)
			continue;
		translate_cred(&hp, &cred);
		if (!has_place(sv, kauth_authorize(sv->sv_kern, &cred,
		    KAUTH_HALT) == 0)) {
			refuse(sv, fd, EUSERS, "ifnetd serves as many clients "
			    "as it can already; try again later");
			continue;
		}
		error = client_create(sv, fd, &cred);
		if (error != 0)
			refuse(sv, fd, error, "ifnetd has no memory for "
			    "another client");
	}
	return 0;
}

static void
server_main(void *arg)
{
	struct ctl_server *sv = arg;
	struct host *h = sv->sv_host;
	struct host_event ev;
	unsigned n;
	int error = 0;

	while (!stopping(sv)) {
		/* While nothing can be accepted the socket stays readable;
		 * looking away from it keeps this from spinning. */
		(void)host_poller_mod(h, sv->sv_poller, sv->sv_fd,
		    error != 0 ? 0 : HOST_POLL_IN, sv);
		(void)host_poller_wait(h, sv->sv_poller, &ev, 1,
		    error != 0 ? ACCEPT_PAUSE_NS : HOST_FOREVER, &n);
		reap(sv, false);
		error = accept_clients(sv);
	}
}

/* --- life ---------------------------------------------------------------- */

int
ctl_server_start(struct kern *k, const char *path, unsigned mode,
    unsigned maxclients, int (*halt)(void *), void *arg,
    struct ctl_server **svp)
{
	struct host *h = k->k_host;
	struct ctl_server *sv;
	int error;

	sv = kmem_zalloc(k, sizeof(*sv));
	if (sv == NULL)
		return ENOMEM;
	sv->sv_kern = k;
	sv->sv_host = h;
	sv->sv_max = maxclients == 0 ? CLIENTS_DEFAULT : maxclients;
	sv->sv_limit_ms = SEND_LIMIT_MS;
	sv->sv_halt = halt;
	sv->sv_halt_arg = arg;
	host_mutex_init(h, &sv->sv_lock);
	error = host_poller_create(h, &sv->sv_poller);
	if (error != 0)
		goto fail_server;
	error = host_sock_listen(h, path, mode, &sv->sv_fd);
	if (error != 0)
		goto fail_poller;
	error = host_poller_add(h, sv->sv_poller, sv->sv_fd, HOST_POLL_IN,
	    sv);
	if (error != 0)
		goto fail_listen;
	error = host_thread_create(h, "ctl", -1, server_main, sv,
	    &sv->sv_thread);
	if (error != 0)
		goto fail_listen;
	*svp = sv;
	return 0;

fail_listen:
	host_sock_close(h, sv->sv_fd);
fail_poller:
	host_poller_destroy(h, sv->sv_poller);
fail_server:
	host_mutex_destroy(h, &sv->sv_lock);
	kmem_free(k, sv);
	return error;
}

void
ctl_server_set_limit(struct ctl_server *sv, unsigned ms)
{

	__atomic_store_n(&sv->sv_limit_ms, ms, __ATOMIC_RELAXED);
}

void
ctl_server_stop(struct ctl_server *sv)
{
	struct host *h = sv->sv_host;
	struct ctl_client *cc;

	__atomic_store_n(&sv->sv_stop, true, __ATOMIC_RELEASE);
	/* 1: no client comes any more, and none can connect in vain. */
	host_poller_wake(h, sv->sv_poller);
	host_thread_join(h, sv->sv_thread);
	host_sock_close(h, sv->sv_fd);
	/* 2: all that are there end, at the same time. */
	host_mutex_lock(h, &sv->sv_lock);
	LIST_FOREACH(cc, &sv->sv_clients, cc_link)
		host_poller_wake(h, cc->cc_poller);
	host_mutex_unlock(h, &sv->sv_lock);
	reap(sv, true);
	/* 3: nobody is left to ring the acceptor's bell. */
	host_poller_destroy(h, sv->sv_poller);
	host_mutex_destroy(h, &sv->sv_lock);
	kmem_free(sv->sv_kern, sv);
}
