/*
 * A socket for clients: the thread that accepts them, and gives each one of its
 * own (server_client.c).
 */

#include "server/server_impl.h"

#include <errno.h>
#include <string.h>

#include "kern/kuser.h"

/* The limit for all clients, administrators too: kern.user.clients.all is
 * smaller, so the rest is for administrators. */
#define CLIENTS_DEFAULT	1024
/* The limit of clients that are ending to make room for administrators; the
 * next connection waits until one has gone. */
#define ENDING_MAX	32
/* The time after which a client that does not read its answer is
 * disconnected. */
#define SEND_LIMIT_MS	30000
/* The pause after an accept that failed for want of descriptors or memory. */
#define ACCEPT_PAUSE_NS	(100 * NS_PER_MS)

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

	server_goodbye(sv, fd, error, text);
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
	sink.ss_send = server_client_send;
	sink.ss_wakeup = server_client_wakeup;
	sink.ss_halt = server_client_halt;
	sink.ss_arg = cc;
	error = sv->sv_proto->sp_open(sv->sv_kern, cred, &sink,
	    &cc->cc_session);
	if (error != 0)
		goto fail_buf;
	/* The lock is held over the creation so that cc_thread is set before
	 * cc_done. */
	host_mutex_lock(h, &sv->sv_lock);
	error = host_thread_create(h, "client", -1, server_client_main, cc,
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

	while (!server_stopping(sv)) {
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

	while (!server_stopping(sv)) {
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
