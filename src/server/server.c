/*
 * A socket for clients: a thread that accepts, and one for each client.
 *
 * A client's thread sleeps in its own poller, whose doorbell also says that
 * there are events for the client or that the server stops.  A client that is
 * slow, or does not read, holds up its own thread alone.
 */

#include "server/server.h"

#include <sys/queue.h>

#include <errno.h>
#include <string.h>

#include "kern/kern_impl.h"
#include "kern/kuser.h"

/* The limit for all clients, administrators too: kern.user.clients.all is
 * smaller, so the rest is for administrators. */
#define CLIENTS_DEFAULT	1024
/* The limit of clients that are ending to make room for administrators; the
 * next connection waits until one has gone. */
#define ENDING_MAX	32
/* Pollers kept for administrators that connect when the process has no
 * descriptor left: destroying one frees descriptors for a connection. */
#define SPARES		4
/* The time that a client has for its greeting. */
#define GREETING_NS	(10 * 1000 * NS_PER_MS)
#define NS_PER_MS	1000000ull
/* The time after which a client that does not read its answer is
 * disconnected. */
#define SEND_LIMIT_MS	30000
/* The pause after an accept that failed for want of descriptors or memory. */
#define ACCEPT_PAUSE_NS	(100 * NS_PER_MS)

/* The time, and the number of tries, that a client's thread polls for another
 * request before it sleeps; and the number of requests that it takes before it
 * sends events. */
#define LINGER_NS	20000
#define LINGER_TRIES	100
#define REQUESTS_MAX	64

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

static bool
stopping(const struct server *sv)
{

	return __atomic_load_n(&sv->sv_stop, __ATOMIC_ACQUIRE);
}

/* Is the client's thread to end? */
static bool
is_ending(const struct client *cc)
{

	return stopping(cc->cc_server) ||
	    __atomic_load_n(&cc->cc_ending, __ATOMIC_ACQUIRE);
}

/* --- a client's thread --------------------------------------------------- */

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
	return is_ending(cc) ? ECANCELED : 0;
}

static int
client_send(void *arg, const void *msg, size_t len)
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

/* Any context. */
static void
client_wakeup(void *arg)
{
	struct client *cc = arg;

	host_poller_wake(cc->cc_server->sv_host, cc->cc_poller);
}

static int
client_halt(void *arg)
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

	while (!is_ending(cc) && done < REQUESTS_MAX) {
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

/* Send the reason why a connection is closed, if it can be sent. */
static void
say_goodbye(struct server *sv, int fd, int error, const char *text)
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
			say_goodbye(cc->cc_server, cc->cc_fd, ETIMEDOUT,
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

	while (error == 0 && !is_ending(cc)) {
		error = client_wait(cc, &n);
		if (error != 0 || is_ending(cc))
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

static void
client_main(void *arg)
{
	struct client *cc = arg;
	struct server *sv = cc->cc_server;
	struct host *h = sv->sv_host;

	client_loop(cc);
	if (__atomic_load_n(&cc->cc_ending, __ATOMIC_ACQUIRE))
		say_goodbye(sv, cc->cc_fd, EUSERS, "ifnetd has closed this "
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

/* --- accepting ----------------------------------------------------------- */

/* Free a client whose thread has been joined, or never ran. */
static void
client_free(struct client *cc)
{
	struct server *sv = cc->cc_server;

	host_poller_destroy(sv->sv_host, cc->cc_poller);
	host_unmap(sv->sv_host, cc->cc_buf, sv->sv_proto->sp_msg_max);
	kmem_free(sv->sv_kern, cc);
}

/* Join the clients that have ended, or all of them. */
static void
reap(struct server *sv, bool all)
{
	struct host *h = sv->sv_host;
	struct client *cc;

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
		if (cc->cc_ending)
			sv->sv_nending--;
		host_mutex_unlock(h, &sv->sv_lock);
		host_thread_join(h, cc->cc_thread);
		client_free(cc);
		host_mutex_lock(h, &sv->sv_lock);
	} while (true);
	host_mutex_unlock(h, &sv->sv_lock);
}

static void
refuse(struct server *sv, int fd, int error, const char *text)
{

	say_goodbye(sv, fd, error, text);
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

static bool
is_privileged(const struct server *sv, const struct kauth_cred *cred)
{

	return kauth_authorize(sv->sv_kern, cred, KAUTH_HALT) == 0;
}

/* s: the client that gives up its place: the client whose last request is the
 * oldest, among the idle ones if there are any, else among all. */
static struct client *
quietest(struct server *sv)
{
	struct client *cc, *found = NULL;
	uint64_t since, oldest = 0;
	bool idle, found_idle = false;

	LIST_FOREACH(cc, &sv->sv_clients, cc_link) {
		if (__atomic_load_n(&cc->cc_ending, __ATOMIC_RELAXED) ||
		    cc->cc_done)
			continue;
		idle = __atomic_load_n(&cc->cc_idle, __ATOMIC_RELAXED);
		since = __atomic_load_n(&cc->cc_since, __ATOMIC_RELAXED);
		if (found != NULL && (idle != found_idle ? found_idle :
		    since >= oldest))
			continue;
		found = cc;
		found_idle = idle;
		oldest = since;
	}
	return found;
}

/* s: make a client end, for an administrator.  false: there is none, or enough
 * clients are ending. */
static bool
displace(struct server *sv)
{
	struct client *cc;

	if (sv->sv_nending >= ENDING_MAX || (cc = quietest(sv)) == NULL)
		return false;
	__atomic_store_n(&cc->cc_ending, true, __ATOMIC_RELEASE);
	sv->sv_nending++;
	host_poller_wake(sv->sv_host, cc->cc_poller);
	return true;
}

/*
 * Is there a place for a client?  An administrator takes the place of another
 * client, so no user, other administrators included, can shut an administrator
 * out by holding all places.
 */
static bool
is_full(struct server *sv, bool privileged)
{
	bool full;

	host_mutex_lock(sv->sv_host, &sv->sv_lock);
	if (privileged)
		full = sv->sv_nclients - sv->sv_nending >= sv->sv_max &&
		    !displace(sv);
	else
		full = sv->sv_nclients >= sv->sv_max;
	host_mutex_unlock(sv->sv_host, &sv->sv_lock);
	return full;
}

/* Replenish the spare pollers, as far as there are descriptors. */
static void
fill_spares(struct server *sv)
{

	while (sv->sv_nspares < SPARES && host_poller_create(sv->sv_host,
	    &sv->sv_spare[sv->sv_nspares]) == 0)
		sv->sv_nspares++;
}

static void
drop_spare(struct server *sv)
{

	host_poller_destroy(sv->sv_host, sv->sv_spare[--sv->sv_nspares]);
}

/* Make a client's poller; an administrator gets a spare one when none can be
 * made. */
static int
create_poller(struct server *sv, bool privileged, struct host_poller **hpp)
{
	int error;

	error = host_poller_create(sv->sv_host, hpp);
	if (error != 0 && privileged && sv->sv_nspares > 0) {
		*hpp = sv->sv_spare[--sv->sv_nspares];
		error = 0;
	}
	return error;
}

/* Takes the descriptor, but not on failure. */
static int
client_create(struct server *sv, int fd, const struct kauth_cred *cred)
{
	struct host *h = sv->sv_host;
	struct client *cc;
	struct server_sink sink;
	int error;

	cc = kmem_zalloc(sv->sv_kern, sizeof(*cc));
	if (cc == NULL)
		return ENOMEM;
	cc->cc_server = sv;
	cc->cc_fd = fd;
	cc->cc_cred = *cred;
	cc->cc_privileged = is_privileged(sv, cred);
	cc->cc_since = host_clock(h);
	error = create_poller(sv, cc->cc_privileged, &cc->cc_poller);
	if (error != 0)
		goto fail_client;
	/* A mapped buffer costs only the pages that are used: for a client that
	 * sends little, one. */
	cc->cc_buf = host_map(h, sv->sv_proto->sp_msg_max);
	if (cc->cc_buf == NULL) {
		error = ENOMEM;
		goto fail_poller;
	}
	error = host_poller_add(h, cc->cc_poller, fd, HOST_POLL_IN, cc);
	if (error != 0)
		goto fail_buf;
	sink.ss_send = client_send;
	sink.ss_wakeup = client_wakeup;
	sink.ss_halt = client_halt;
	sink.ss_arg = cc;
	error = sv->sv_proto->sp_open(sv->sv_kern, cred, &sink,
	    &cc->cc_session);
	if (error != 0)
		goto fail_buf;
	/* The lock is held over the creation so that cc_thread is set before
	 * cc_done. */
	host_mutex_lock(h, &sv->sv_lock);
	error = host_thread_create(h, "client", -1, client_main, cc,
	    &cc->cc_thread);
	if (error == 0) {
		LIST_INSERT_HEAD(&sv->sv_clients, cc, cc_link);
		sv->sv_nclients++;
	}
	host_mutex_unlock(h, &sv->sv_lock);
	if (error == 0)
		return 0;
	sv->sv_proto->sp_close(cc->cc_session);
fail_buf:
	host_unmap(h, cc->cc_buf, sv->sv_proto->sp_msg_max);
fail_poller:
	host_poller_destroy(h, cc->cc_poller);
fail_client:
	kmem_free(sv->sv_kern, cc);
	return error;
}

/* Takes the descriptor. */
static void
admit(struct server *sv, int fd, const struct kauth_cred *cred)
{
	char why[KUSER_TEXT];
	int error;

	if (is_full(sv, is_privileged(sv, cred))) {
		refuse(sv, fd, EUSERS, "ifnetd serves as many clients as it "
		    "can already; try again later");
		return;
	}
	error = kuser_charge(sv->sv_kern, cred, KUSER_CLIENTS, 1, why);
	if (error == EUSERS) {
		refuse(sv, fd, error, why);
		return;
	}
	if (error == 0) {
		error = client_create(sv, fd, cred);
		if (error != 0)
			kuser_release(sv->sv_kern, cred, KUSER_CLIENTS, 1);
	}
	if (error == EMFILE || error == ENFILE)
		refuse(sv, fd, error, "ifnetd has no descriptor left for "
		    "another client (its limit: ulimit -n where it is "
		    "started)");
	else if (error != 0)
		refuse(sv, fd, error, "ifnetd has no memory for another "
		    "client");
}

/*
 * Accept a connection.  Without a descriptor for it a spare poller is given up:
 * then an administrator is let in, for whom another client ends, and other
 * users are refused in words.
 */
static int
accept_one(struct server *sv, int *fdp, struct host_peercred *hp)
{
	int error;

	error = host_sock_accept(sv->sv_host, sv->sv_fd, fdp, hp);
	if ((error != EMFILE && error != ENFILE) || sv->sv_nspares == 0)
		return error;
	drop_spare(sv);
	return host_sock_accept(sv->sv_host, sv->sv_fd, fdp, hp);
}

/* Spare descriptors were used: make a client end, to replace them. */
static void
mend_spares(struct server *sv, bool privileged)
{

	fill_spares(sv);
	if (sv->sv_nspares == SPARES || !privileged)
		return;
	host_mutex_lock(sv->sv_host, &sv->sv_lock);
	(void)displace(sv);
	host_mutex_unlock(sv->sv_host, &sv->sv_lock);
}

/* Must a connection wait until a client that is ending has gone?  When as many
 * are ending as may, or spare pollers wait for a client's descriptors. */
static bool
should_wait(struct server *sv)
{
	bool wait;

	host_mutex_lock(sv->sv_host, &sv->sv_lock);
	wait = sv->sv_nending >= ENDING_MAX ||
	    (sv->sv_nending > 0 && sv->sv_nspares <= SPARES / 2);
	host_mutex_unlock(sv->sv_host, &sv->sv_lock);
	return wait;
}

/* Accept all waiting connections; returns an errno after which the next try
 * should be delayed. */
static int
accept_clients(struct server *sv)
{
	struct host_peercred hp;
	struct kauth_cred cred;
	int error, fd;

	while (!stopping(sv)) {
		reap(sv, false);
		fill_spares(sv);
		if (should_wait(sv))
			return EMFILE;
		error = accept_one(sv, &fd, &hp);
		if (error == EAGAIN)
			return 0;
		if (error == EMFILE || error == ENFILE || error == ENOMEM ||
		    error == ENOBUFS)
			return error;
		if (error != 0)
			continue;
		translate_cred(&hp, &cred);
		admit(sv, fd, &cred);
		if (sv->sv_nspares < SPARES)
			mend_spares(sv, is_privileged(sv, &cred));
	}
	return 0;
}

static void
server_main(void *arg)
{
	struct server *sv = arg;
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
		error = accept_clients(sv);
	}
}

/* --- life ---------------------------------------------------------------- */

int
server_start(struct kern *k, const struct server_proto *sp, const char *path,
    unsigned mode, unsigned maxclients, const struct server_halt *halt,
    struct server **svp)
{
	struct host *h = k->k_host;
	struct server *sv;
	int error;

	sv = kmem_zalloc(k, sizeof(*sv));
	if (sv == NULL)
		return ENOMEM;
	sv->sv_kern = k;
	sv->sv_host = h;
	sv->sv_max = maxclients == 0 ? CLIENTS_DEFAULT : maxclients;
	sv->sv_limit_ms = SEND_LIMIT_MS;
	sv->sv_proto = sp;
	sv->sv_halt = *halt;
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
	error = host_thread_create(h, "server", -1, server_main, sv,
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
server_set_limit(struct server *sv, unsigned ms)
{

	__atomic_store_n(&sv->sv_limit_ms, ms, __ATOMIC_RELAXED);
}

void
server_stop(struct server *sv)
{
	struct host *h = sv->sv_host;
	struct client *cc;

	__atomic_store_n(&sv->sv_stop, true, __ATOMIC_RELEASE);
	/* Step 1: stop accepting and remove the socket, so that no client
	 * connects in vain. */
	host_poller_wake(h, sv->sv_poller);
	host_thread_join(h, sv->sv_thread);
	host_sock_close(h, sv->sv_fd);
	while (sv->sv_nspares > 0)
		drop_spare(sv);
	/* Step 2: all clients end, at the same time. */
	host_mutex_lock(h, &sv->sv_lock);
	LIST_FOREACH(cc, &sv->sv_clients, cc_link)
		host_poller_wake(h, cc->cc_poller);
	host_mutex_unlock(h, &sv->sv_lock);
	reap(sv, true);
	/* Step 3: no thread is left to wake the acceptor, so its poller can
	 * go. */
	host_poller_destroy(h, sv->sv_poller);
	host_mutex_destroy(h, &sv->sv_lock);
	kmem_free(sv->sv_kern, sv);
}
