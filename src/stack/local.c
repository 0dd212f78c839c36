/*
 * A client without a daemon: the control protocol between a program and the
 * stack inside it, by plain calls, with all rights.
 */

#include "stack/stack_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ifnet/client.h>

#include "client/client_impl.h"
#include "command/command.h"
#include "ctl/ctl.h"

#define NS_PER_MS	1000000u

struct local_msg {
	STAILQ_ENTRY(local_msg) lm_link;
	size_t		 lm_len;
	uint8_t		 lm_data[];
};

/* An answer to most requests fits. */
#define SPARE_BYTES	1024

/*
 * A local client, used by one thread at a time; only the poller's doorbell is
 * for any thread.
 *
 * A request that was carried out must be answered even without memory: a small
 * answer then goes into the spare message; an answer that is too long, or comes
 * while the spare is in the queue, is replaced by the last message, which
 * reports ENOMEM.
 */
struct local {
	LIST_ENTRY(local) lo_link;		/* st_lock; while lo_kern */
	struct ifnet_stack *lo_stack;		/* constant while lo_kern */
	struct host	*lo_host;		/* constant */
	struct kern	*lo_kern;		/* NULL: the stack has ended */
	struct ctl_session *lo_session;
	struct host_poller *lo_poller;
	STAILQ_HEAD(, local_msg) lo_msgs;	/* answers and events */
	struct local_msg *lo_spare, *lo_last;	/* SPARE_BYTES; a header */
	bool		 lo_spare_used, lo_last_used;
	bool		 lo_nomem;	/* an answer was lost */
};

/* --- the session's side -------------------------------------------------- */

static int
local_sink_send(void *arg, const void *msg, size_t len)
{
	struct local *lo = arg;
	struct local_msg *lm;

	if (lo->lo_nomem)
		return ENOMEM;
	lm = kmem_zalloc(lo->lo_kern, sizeof(*lm) + len);
	if (lm == NULL && len <= SPARE_BYTES && !lo->lo_spare_used) {
		lm = lo->lo_spare;
		lo->lo_spare_used = true;
	}
	if (lm == NULL) {
		lo->lo_nomem = true;
		return ENOMEM;
	}
	lm->lm_len = len;
	memcpy(lm->lm_data, msg, len);
	STAILQ_INSERT_TAIL(&lo->lo_msgs, lm, lm_link);
	return 0;
}

static void
local_sink_wakeup(void *arg)
{
	struct local *lo = arg;

	host_poller_wake(lo->lo_kern->k_host, lo->lo_poller);
}

/* The answer to a request whose answer was lost. */
static void
answer_nomem(struct local *lo, const void *request)
{
	struct local_msg *lm = lo->lo_last;
	struct ctl_hdr h;

	memcpy(&h, request, sizeof(h));
	h.ch_len = sizeof(h);
	h.ch_flags = CTL_ANSWER;
	h.ch_error = ENOMEM;
	lm->lm_len = sizeof(h);
	memcpy(lm->lm_data, &h, sizeof(h));
	STAILQ_INSERT_TAIL(&lo->lo_msgs, lm, lm_link);
	lo->lo_last_used = true;
}

/* --- the client's side --------------------------------------------------- */

static int
local_send(void *arg, const void *msg, size_t len, int fd)
{
	struct local *lo = arg;
	int error;

	if (lo->lo_kern == NULL)
		return EPIPE;
	/* The client takes the answers of one request before the next. */
	if (lo->lo_last_used ||
	    host_thread_attach(lo->lo_kern->k_host) == NULL)
		return ENOMEM;
	/* The session takes over the descriptor it is given, so it gets a
	 * duplicate: the caller keeps the original. */
	if (fd != -1) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (fd == -1)
			return errno;
	}
	lo->lo_nomem = false;
	error = ctl_dispatch(lo->lo_session, msg, len, fd);
	if (!lo->lo_nomem)
		return error;
	lo->lo_nomem = false;
	answer_nomem(lo, msg);
	return 0;
}

static void
free_message(struct local *lo, struct local_msg *lm)
{

	if (lm == lo->lo_spare)
		lo->lo_spare_used = false;
	else if (lm == lo->lo_last)
		lo->lo_last_used = false;
	else
		host_free(lo->lo_host, lm);
}

static bool
take_message(struct local *lo, void *buf, size_t *len)
{
	struct local_msg *lm = STAILQ_FIRST(&lo->lo_msgs);

	if (lm == NULL || lm->lm_len > *len)
		return false;
	STAILQ_REMOVE_HEAD(&lo->lo_msgs, lm_link);
	memcpy(buf, lm->lm_data, lm->lm_len);
	*len = lm->lm_len;
	free_message(lo, lm);
	return true;
}

/*
 * Wait for events at most ns.  A stack without CPUs of its own is run
 * meanwhile, or the events would never come.
 */
static int
local_wait(struct local *lo, uint64_t ns)
{
	struct kern *k = lo->lo_kern;
	struct host_event ev;
	uint64_t due;
	unsigned n;

	if (!k->k_threaded) {
		due = kern_timeout_ns(k);
		if (due < ns)
			ns = due;
	}
	return host_poller_wait(k->k_host, lo->lo_poller, &ev, 1, ns, &n);
}

static int
local_recv(void *arg, void *buf, size_t *len, int ms)
{
	struct local *lo = arg;
	struct host *h = lo->lo_host;
	uint64_t deadline = HOST_FOREVER;
	uint64_t now;
	int error;

	if (host_thread_attach(h) == NULL)
		return ENOMEM;
	if (take_message(lo, buf, len))
		return 0;
	if (lo->lo_kern == NULL)
		return EPIPE;
	if (ms >= 0)
		deadline = host_clock(h) + (uint64_t)ms * NS_PER_MS;
	for (;;) {
		if (!lo->lo_kern->k_threaded)
			kern_run(lo->lo_kern);
		error = ctl_session_events(lo->lo_session);
		if (error != 0)
			return error;
		if (take_message(lo, buf, len))
			return 0;
		now = ms >= 0 ? host_clock(h) : 0;
		if (now >= deadline)
			return ETIMEDOUT;
		error = local_wait(lo, ms >= 0 ? deadline - now :
		    HOST_FOREVER);
		if (error != 0)
			return error;
	}
}

static int
local_fd(void *arg)
{

	(void)arg;
	return -1;
}

/* Release the stack. */
static void
local_end(struct local *lo)
{

	if (lo->lo_session != NULL)
		ctl_session_destroy(lo->lo_session);
	if (lo->lo_poller != NULL)
		host_poller_destroy(lo->lo_host, lo->lo_poller);
	lo->lo_session = NULL;
	lo->lo_poller = NULL;
	lo->lo_kern = NULL;
}

void
stack_locals_end(struct ifnet_stack *st)
{
	struct local *lo;

	/* Only this thread still uses the stack. */
	while ((lo = LIST_FIRST(&st->st_locals)) != NULL) {
		LIST_REMOVE(lo, lo_link);
		local_end(lo);
	}
}

static void
local_close(void *arg)
{
	struct local *lo = arg;
	struct host *h = lo->lo_host;
	struct local_msg *lm;

	(void)host_thread_attach(h);
	if (lo->lo_kern != NULL) {
		host_mutex_lock(h, &lo->lo_stack->st_lock);
		LIST_REMOVE(lo, lo_link);
		host_mutex_unlock(h, &lo->lo_stack->st_lock);
		local_end(lo);
	}
	while ((lm = STAILQ_FIRST(&lo->lo_msgs)) != NULL) {
		STAILQ_REMOVE_HEAD(&lo->lo_msgs, lm_link);
		free_message(lo, lm);
	}
	host_free(h, lo->lo_spare);
	host_free(h, lo->lo_last);
	host_free(h, lo);
}

static const struct client_transport local_transport = {
	local_send, local_recv, local_fd, local_close, NULL, "stack"
};

static int
local_create(struct ifnet_stack *st, struct local **lop)
{
	struct ctl_sink sink = { local_sink_send, local_sink_wakeup, NULL,
	    NULL };
	struct kern *k = st->st_kern;
	struct host *h = k->k_host;
	struct local *lo;
	int error, fd;

	if (host_thread_attach(h) == NULL)
		return ENOMEM;
	lo = kmem_zalloc(k, sizeof(*lo));
	if (lo == NULL)
		return ENOMEM;
	lo->lo_stack = st;
	lo->lo_host = h;
	lo->lo_kern = k;
	host_mutex_lock(h, &st->st_lock);
	LIST_INSERT_HEAD(&st->st_locals, lo, lo_link);
	host_mutex_unlock(h, &st->st_lock);
	STAILQ_INIT(&lo->lo_msgs);
	sink.cs_arg = lo;
	lo->lo_spare = kmem_zalloc(k, sizeof(*lo->lo_spare) + SPARE_BYTES);
	lo->lo_last = kmem_zalloc(k, sizeof(*lo->lo_last) +
	    sizeof(struct ctl_hdr));
	error = lo->lo_spare == NULL || lo->lo_last == NULL ? ENOMEM :
	    host_poller_create(h, &lo->lo_poller);
	if (error == 0 && !k->k_threaded && (fd = kern_fd(k)) != -1)
		error = host_poller_add(h, lo->lo_poller, fd, HOST_POLL_IN,
		    lo);
	if (error == 0)
		error = ctl_session_create(k, &kauth_cred_self, &sink,
		    &lo->lo_session);
	if (error != 0) {
		local_close(lo);
		return error;
	}
	*lop = lo;
	return 0;
}

static struct ifnet_client *
client_of(struct ifnet_stack *st, const char *name, struct ifnet_error *e)
{
	struct ifnet_client *c;
	struct local *lo;
	int error;

	error = local_create(st, &lo);
	if (error != 0) {
		(void)ifnet_error_set(e, error, "no client for the vnet %s: "
		    "%s", name, strerror(error));
		return NULL;
	}
	c = client_create(&local_transport, lo, "this program", e);
	if (c != NULL && ifnet_set_vnet(c, name, e) != 0) {
		ifnet_close(c);
		return NULL;
	}
	return c;
}

struct ifnet_client *
vnet_client(struct vnet *vn, struct ifnet_error *e)
{

	return client_of(vnet_stack(vn), vn->vn_name, e);
}

/* --- commands ------------------------------------------------------------ */

/* The stack and vnet that a command runs on; the vnet may be destroyed while it
 * runs. */
struct target {
	struct ifnet_stack *ta_stack;
	char		 ta_vnet[VNET_NAMESIZE];
};

static struct ifnet_client *
connect_again(void *arg, struct ifnet_error *e)
{
	struct target *ta = arg;

	return client_of(ta->ta_stack, ta->ta_vnet, e);
}

static int
run_command(struct vnet *vn, const char *line, FILE *out,
    struct ifnet_error *e)
{
	struct target ta = { .ta_stack = vnet_stack(vn) };
	struct cmd_ctx ctx = {
		.cc_connect = connect_again, .cc_connect_arg = &ta,
		.cc_out = out, .cc_err = stderr, .cc_vnet = ta.ta_vnet,
	};
	struct ifnet_error own;
	int error;

	memcpy(ta.ta_vnet, vn->vn_name, sizeof(ta.ta_vnet));
	/* The commands always need a place for their messages. */
	if (e == NULL)
		e = &own;
	ctx.cc_client = connect_again(&ta, e);
	if (ctx.cc_client == NULL)
		return e->code;
	error = command_line(&ctx, line, e);
	ifnet_close(ctx.cc_client);
	return error;
}

int
vnet_command(struct vnet *vn, const char *line, struct ifnet_error *e)
{

	return run_command(vn, line, stdout, e);
}

int
vnet_command_output(struct vnet *vn, const char *line, char **output,
    struct ifnet_error *e)
{
	size_t size = 0;
	FILE *out;
	int error;

	*output = NULL;
	out = open_memstream(output, &size);
	if (out == NULL)
		return ifnet_error_set(e, ENOMEM, "out of memory");
	error = run_command(vn, line, out, e);
	if (fclose(out) != 0 && error == 0)
		error = ifnet_error_set(e, ENOMEM, "out of memory");
	if (error != 0) {
		free(*output);
		*output = NULL;
	}
	return error;
}
