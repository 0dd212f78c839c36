/*
 * The control protocol as a protocol of src/server.
 */

#include "ctl/ctl_impl.h"

#include <errno.h>
#include <string.h>

#include "server/server.h"

static int
proto_open(struct kern *k, const struct kauth_cred *cred,
    const struct server_sink *ss, void **sp)
{
	struct ctl_sink sink = { ss->ss_send, ss->ss_wakeup, ss->ss_halt,
	    ss->ss_arg };
	struct ctl_session *s;
	int error;

	error = ctl_session_create(k, cred, &sink, &s);
	if (error != 0)
		return error;
	ctl_session_must_greet(s);
	*sp = s;
	return 0;
}

static int
proto_message(void *s, const void *msg, size_t len, int fd)
{

	return ctl_dispatch(s, msg, len, fd);
}

static int
proto_events(void *s)
{

	return ctl_session_events(s);
}

static enum server_state
proto_state(void *arg)
{
	struct ctl_session *s = arg;
	struct host *h = s->cs_kern->k_host;
	bool watching;

	if (!s->cs_greeted)
		return SERVER_NEW;
	host_mutex_lock(h, &s->cs_lock);
	watching = __atomic_load_n(&s->cs_vnet, __ATOMIC_RELAXED) != NULL ||
	    s->cs_revoked;
	host_mutex_unlock(h, &s->cs_lock);
	return watching ? SERVER_WATCHING : SERVER_IDLE;
}

static void
proto_close(void *s)
{

	ctl_session_destroy(s);
}

/* Sequence number 0 means that the message is about the connection itself. */
static size_t
proto_goodbye(void *room, int error, const char *text)
{
	size_t len = strnlen(text, SERVER_GOODBYE - sizeof(struct ctl_hdr) -
	    1);
	struct ctl_hdr h;

	memset(&h, 0, sizeof(h));
	h.ch_magic = CTL_MAGIC;
	h.ch_len = (uint32_t)(sizeof(h) + len + 1);
	h.ch_op = CTL_HELLO;
	h.ch_flags = CTL_ANSWER | CTL_TEXT;
	h.ch_error = error;
	memcpy(room, &h, sizeof(h));
	memcpy((uint8_t *)room + sizeof(h), text, len);
	((uint8_t *)room)[sizeof(h) + len] = '\0';
	return h.ch_len;
}

static const struct server_proto proto = {
	.sp_msg_max = CTL_MSG_MAX,
	.sp_open = proto_open,
	.sp_message = proto_message,
	.sp_events = proto_events,
	.sp_state = proto_state,
	.sp_close = proto_close,
	.sp_goodbye = proto_goodbye,
};

int
ctl_server_start(struct kern *k, const char *path, unsigned mode,
    unsigned maxclients, int (*halt)(void *), void *arg,
    struct server **svp)
{
	const struct server_halt sh = { halt, arg };

	return server_start(k, &proto, path, mode, maxclients, &sh, svp);
}
