/*
 * The dispatch of a message to its operation: header and payload are checked
 * completely before anything is done.
 */

#include "ctl/ctl_impl.h"
#include "kern/sysctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_MIN	1
#define NAME_MAXLEN	SYSCTL_NAMESIZE

static const char *check_batch(const struct ctl_request *);
static int run_batch(struct ctl_session *, const struct ctl_request *);

/* name, action, struct, data at least and at most, vnet, batch, check, run */
static const struct ctl_op_def ops[CTL_OP_MAX] = {
	[CTL_HELLO] = { "hello", KAUTH_INTERFACE_GET,
	    sizeof(struct ctl_hello), 0, CTL_PAYLOAD_MAX,
	    false, true, NULL, ctl_run_hello },
	[CTL_IOCTL] = { "ioctl", KAUTH_INTERFACE_GET,
	    sizeof(struct ctl_ioctl), 0, CTL_PAYLOAD_MAX,
	    true, true, ctl_check_ioctl, ctl_run_ioctl },
	[CTL_SYSCTL] = { "sysctl", KAUTH_INTERFACE_GET,
	    sizeof(struct ctl_sysctl), 0,
	    SYSCTL_STRSIZE, true, true, ctl_check_sysctl, ctl_run_sysctl },
	[CTL_SYSCTL_NEXT] = { "sysctl-next", KAUTH_INTERFACE_GET,
	    0, NAME_MIN, NAME_MAXLEN,
	    true, true, ctl_check_name, ctl_run_sysctl_next },
	[CTL_SYSCTL_DESCR] = { "sysctl-descr", KAUTH_INTERFACE_GET,
	    0, NAME_MIN, NAME_MAXLEN,
	    true, true, ctl_check_name, ctl_run_sysctl_descr },
	[CTL_ROUTE] = { "route", KAUTH_INTERFACE_GET,
	    0, sizeof(struct rt_hdr), RT_MSG_MAX,
	    true, true, ctl_check_route, ctl_run_route },
	[CTL_DUMP] = { "dump", KAUTH_INTERFACE_GET,
	    sizeof(struct ctl_dump), 0, 0, true, false,
	    ctl_check_dump, ctl_run_dump },
	[CTL_FOLLOW] = { "follow", KAUTH_INTERFACE_GET,
	    sizeof(struct ctl_dump), 0, 0, true, false,
	    ctl_check_follow, ctl_run_follow },
	[CTL_VNET_CREATE] = { "vnet-create", KAUTH_VNET_ADMIN,
	    0, NAME_MIN, NAME_MAXLEN,
	    false, true, ctl_check_name, ctl_run_vnet_create },
	[CTL_VNET_DESTROY] = { "vnet-destroy", KAUTH_VNET_ADMIN,
	    0, NAME_MIN, NAME_MAXLEN,
	    false, true, ctl_check_name, ctl_run_vnet_destroy },
	[CTL_VNET_LIST] = { "vnet-list", KAUTH_INTERFACE_GET,
	    0, 0, 0, false, false, NULL,
	    ctl_run_vnet_list },
	[CTL_PING_BEGIN] = { "ping-begin", KAUTH_RAW_SEND,
	    sizeof(struct ctl_ping), 0, 0,
	    true, false, ctl_check_ping_begin, ctl_run_ping_begin },
	[CTL_PING_SEND] = { "ping-send", KAUTH_RAW_SEND,
	    sizeof(struct ctl_ping_send), 0, 0,
	    false, false, ctl_check_ping_send, ctl_run_ping_send },
	[CTL_PING_STOP] = { "ping-stop", KAUTH_INTERFACE_SET,
	    0, 0, 0, false, false, NULL,
	    ctl_run_ping_stop },
	[CTL_HALT] = { "halt", KAUTH_HALT,
	    0, 0, 0, false, false, NULL, ctl_run_halt },
	[CTL_HISTORY] = { "history", KAUTH_INTERFACE_GET,
	    sizeof(struct ctl_history), 0, 0,
	    true, false, ctl_check_history, ctl_run_history },
	[CTL_TAP_OPEN] = { "tap-open", KAUTH_NET_CAPTURE,
	    sizeof(struct ctl_tap), 0,
	    CTL_PAYLOAD_MAX, true, false, ctl_check_tap, ctl_run_tap_open },
	[CTL_TAP_STOP] = { "tap-stop", KAUTH_INTERFACE_SET,
	    0, 0, 0, false, false, NULL,
	    ctl_run_tap_stop },
	[CTL_FILTER_ADD] = { "filter-add", KAUTH_FILTER_SET,
	    sizeof(struct ctl_filter), 1,
	    CTL_PAYLOAD_MAX, true, true, ctl_check_filter,
	    ctl_run_filter_add },
	[CTL_FILTER_DELETE] = { "filter-delete", KAUTH_FILTER_SET,
	    sizeof(struct ctl_rule_number), 0, 0, true, true, NULL,
	    ctl_run_filter_delete },
	[CTL_FILTER_ZERO] = { "filter-zero", KAUTH_FILTER_SET,
	    sizeof(struct ctl_rule_number), 0, 0, true, true, NULL,
	    ctl_run_filter_zero },
	[CTL_FILTER_FLUSH] = { "filter-flush", KAUTH_FILTER_SET,
	    0, 0, 0, true, true, NULL,
	    ctl_run_filter_flush },
	[CTL_FILTER_LIST] = { "filter-list", KAUTH_INTERFACE_GET,
	    0, 0, 0, true, false, NULL,
	    ctl_run_filter_list },
	[CTL_RULE_ADD] = { "rule-add", KAUTH_ROUTE_SET,
	    sizeof(struct ctl_rule), 0, 0, true, true, ctl_check_rule,
	    ctl_run_rule_add },
	[CTL_RULE_DELETE] = { "rule-delete", KAUTH_ROUTE_SET,
	    sizeof(struct ctl_rule_number), 0, 0, true, true, NULL,
	    ctl_run_rule_delete },
	[CTL_RULE_FLUSH] = { "rule-flush", KAUTH_ROUTE_SET,
	    0, 0, 0, true, true, NULL,
	    ctl_run_rule_flush },
	[CTL_RULE_LIST] = { "rule-list", KAUTH_INTERFACE_GET,
	    0, 0, 0, true, false, NULL,
	    ctl_run_rule_list },
	[CTL_ROUTE_FLUSH] = { "route-flush", KAUTH_ROUTE_SET,
	    sizeof(struct ctl_route_flush), 0, 0, true, false, NULL,
	    ctl_run_route_flush },
	[CTL_MCAST_JOIN] = { "mcast-join", KAUTH_INTERFACE_SETPRIV,
	    sizeof(struct ctl_mcast), 0, 0, true, false, ctl_check_mcast,
	    ctl_run_mcast_join },
	[CTL_MCAST_LEAVE] = { "mcast-leave", KAUTH_INTERFACE_SETPRIV,
	    sizeof(struct ctl_mcast), 0, 0, true, false, ctl_check_mcast,
	    ctl_run_mcast_leave },
	[CTL_MCAST_LIST] = { "mcast-list", KAUTH_INTERFACE_GET,
	    sizeof(struct ctl_mcast), 0, 0, true, false, ctl_check_mcast,
	    ctl_run_mcast_list },
	[CTL_NAMES] = { "names", KAUTH_INTERFACE_GET,
	    0, 0, 0, false, false, NULL,
	    ctl_run_names },
	[CTL_BEGIN] = { "begin", KAUTH_INTERFACE_SET,
	    0, 0, 0, false, false, NULL,
	    ctl_run_begin },
	[CTL_COMMIT] = { "commit", KAUTH_INTERFACE_SET,
	    0, 0, 0, false, true, NULL,
	    ctl_run_commit },
	[CTL_ROLLBACK] = { "rollback", KAUTH_INTERFACE_SET,
	    0, 0, 0, false, false, NULL,
	    ctl_run_rollback },
	[CTL_BATCH] = { "batch", KAUTH_INTERFACE_GET,
	    0, sizeof(struct ctl_hdr), CTL_MSG_MAX,
	    false, false, check_batch, run_batch },
};

const struct ctl_op_def *
ctl_op_find(unsigned op)
{

	return op < CTL_OP_MAX && ops[op].od_run != NULL ? &ops[op] : NULL;
}

/* A client that reads slowly must not keep a vnet from being destroyed. */
static void
release_vnet(struct ctl_session *s)
{

	if (s->cs_held != NULL)
		vnet_put(s->cs_held);
	s->cs_held = NULL;
}

static int
send_message(struct ctl_session *s, const void *msg, size_t len)
{

	bool turn;
	int error;

	if (s->cs_batch != NULL)
		return ctl_out_add(s->cs_batch, msg, len);
	release_vnet(s);
	turn = ctl_turn_end(s);
	error = s->cs_sink.cs_send(s->cs_sink.cs_arg, msg, len);
	if (turn)
		ctl_turn_begin(s);
	return error;
}

int
ctl_reply_msg(struct ctl_session *s, const struct ctl_hdr *req, int error,
    unsigned flags, void *msg, size_t len)
{
	struct ctl_hdr h = *req;

	h.ch_magic = CTL_MAGIC;
	h.ch_len = (uint32_t)len;
	h.ch_flags = (uint16_t)flags;
	h.ch_error = error;
	memcpy(msg, &h, sizeof(h));
	if (flags & CTL_ANSWER)
		s->cs_error = error;
	/* The change is logged before the client gets the answer. */
	if ((flags & CTL_ANSWER) != 0 && error == 0 && s->cs_unlogged != NULL)
		ctl_log_change(s, s->cs_unlogged);
	if (flags & CTL_ANSWER)
		s->cs_unlogged = NULL;
	return send_message(s, msg, len);
}

int
ctl_reply_rec(struct ctl_session *s, const struct ctl_hdr *req, int error,
    const void *fixed, size_t nfixed, const void *data, size_t len)
{
	struct {
		struct ctl_hdr	 h;
		struct ctl_rec	 rc;
		uint8_t		 room[RT_MSG_MAX]
				    __attribute__((__aligned__(8)));
	} msg;

	KASSERT(nfixed + len <= sizeof(msg.room));
	msg.rc = proto_rec_head(nfixed, len);
	if (nfixed > 0)
		memcpy(msg.room, fixed, nfixed);
	if (len > 0)
		memcpy(msg.room + nfixed, data, len);
	return ctl_reply_msg(s, req, error, CTL_ANSWER, &msg,
	    offsetof(__typeof__(msg), room) + nfixed + len);
}

int
ctl_reply(struct ctl_session *s, const struct ctl_hdr *req, int error,
    const char *fmt, ...)
{
	const struct kern_reqctx *rc = kern_reqctx();
	struct {
		struct ctl_hdr h;
		char	 text[512];
	} msg;
	unsigned flags = CTL_ANSWER;
	size_t len = sizeof(msg.h);
	va_list ap;
	int n;

	/* The reason from the place that refused is better than the caller's
	 * words. */
	if (error != 0 && rc != NULL && rc->rc_error == error) {
		memcpy(msg.text, rc->rc_reason, sizeof(rc->rc_reason));
		len += strlen(msg.text) + 1;
		flags |= CTL_TEXT;
	} else if (fmt != NULL) {
		memset(msg.text, 0, sizeof(msg.text));
		va_start(ap, fmt);
		n = vsnprintf(msg.text, sizeof(msg.text), fmt, ap);
		va_end(ap);
		if (n >= (int)sizeof(msg.text))
			n = sizeof(msg.text) - 1;
		len += (size_t)(n < 0 ? 0 : n) + 1;
		flags |= CTL_TEXT;
	}
	return ctl_reply_msg(s, req, error, flags, &msg, len);
}

int
ctl_reply_perm(struct ctl_session *s, const struct ctl_hdr *req,
    enum kauth_action action)
{

	return ctl_reply(s, req, EPERM, "permission denied: uid %u may not "
	    "%s (run as root, as the user that started ifnetd, or be in its "
	    "administrators' group)", (unsigned)s->cs_cred.kc_uid,
	    kauth_action_text(action));
}

const char *
ctl_check_name(const struct ctl_request *rq)
{

	return memchr(rq->rq_data, '\0', rq->rq_len) ==
	    rq->rq_data + rq->rq_len - 1 ? NULL : "the name has no end";
}

/* Is the header valid for a message of this length? */
static bool
header_ok(const struct ctl_hdr *h, size_t len)
{

	return h->ch_len == len && h->ch_flags == 0 &&
	    memchr(h->ch_vnet, '\0', sizeof(h->ch_vnet)) != NULL;
}

/*
 * Check a request as far as possible without side effects.  0, or the errno and
 * in *why the words for it.
 */
static int
check_request(const struct ctl_request *rq, const struct ctl_op_def *od,
    const char **why)
{

	if (od == NULL) {
		*why = "this ifnetd does not know such a request "
		    "(is the client newer?)";
		return EOPNOTSUPP;
	}
	if (rq->rq_len < od->od_min) {
		*why = "the request is cut short";
		return EINVAL;
	}
	if (rq->rq_len > od->od_max) {
		*why = "the request is longer than it can be";
		return EINVAL;
	}
	*why = od->od_check == NULL ? NULL : od->od_check(rq);
	return *why == NULL ? 0 : EINVAL;
}

/*
 * Take the record of a payload behind the header in rq, which fills rq.  0, or
 * the errno and in *why the words for it.  A batch is taken whole: its payload
 * is requests.
 */
static int
take_record(struct ctl_request *rq, const uint8_t *p, size_t len,
    const struct ctl_op_def *od, const char **why)
{
	struct proto_rec pr, more;
	int n;

	rq->rq_nfixed = 0;
	rq->rq_data = p;
	rq->rq_len = len;
	rq->rq_vnet = NULL;
	if (od == NULL || rq->rq_hdr.ch_op == CTL_BATCH || len == 0) {
		memset(&rq->rq_rec, 0, sizeof(rq->rq_rec));
		return 0;
	}
	n = proto_rec_next(&p, &len, &pr);
	if (n != 1 || pr.pr_type != 0) {
		*why = "the request makes no sense (is the client of another "
		    "version?)";
		return EINVAL;
	}
	rq->rq_data = pr.pr_data;
	rq->rq_len = pr.pr_len;
	rq->rq_nfixed = pr.pr_nfixed;
	if (!proto_rec_get(&pr, &rq->rq_rec, od->od_size) ||
	    (len != 0 && proto_rec_next(&p, &len, &more) != 0)) {
		*why = "the request asks for something this ifnetd does not "
		    "know (is the client newer?)";
		return EOPNOTSUPP;
	}
	return 0;
}

/* Carry out a request that has been checked. */
static int
run_request(struct ctl_session *s, struct ctl_request *rq,
    const struct ctl_op_def *od)
{
	char why[KUSER_TEXT];
	int error;

	s->cs_error = 0;
	kern_reqctx()->rc_error = 0;
	s->cs_created[0] = '\0';
	if (kauth_authorize(s->cs_kern, &s->cs_cred, od->od_action) != 0)
		return ctl_reply_perm(s, &rq->rq_hdr, od->od_action);
	/* Pacing may sleep, so no lock or vnet is held here. */
	error = !s->cs_limited ? 0 : ctl_pace(s, KUSER_REQUESTS, 1, why);
	if (error != 0)
		return ctl_reply(s, &rq->rq_hdr, error, "%s", why);
	ctl_turn_begin(s);
	s->cs_unlogged = rq;
	if (!od->od_vnet) {
		error = od->od_run(s, rq);
		s->cs_unlogged = NULL;
		return error;
	}
	rq->rq_vnet = vnet_get(s->cs_kern, rq->rq_hdr.ch_vnet);
	if (rq->rq_vnet == NULL) {
		if (rq->rq_hdr.ch_vnet[0] == '\0')
			return ctl_reply(s, &rq->rq_hdr, ENOENT,
			    "there is no vnet (vnet create makes one)");
		return ctl_reply(s, &rq->rq_hdr, ENOENT,
		    "no vnet named %s (vnet list shows what there is)",
		    rq->rq_hdr.ch_vnet);
	}
	s->cs_held = rq->rq_vnet;
	error = od->od_run(s, rq);
	s->cs_unlogged = NULL;
	release_vnet(s);
	return error;
}

static int
dispatch(struct ctl_session *s, const void *msg, size_t len)
{
	const struct ctl_op_def *od;
	struct ctl_request rq;
	const char *why;
	int error;

	if (len < sizeof(rq.rq_hdr))
		return EPROTO;
	memcpy(&rq.rq_hdr, msg, sizeof(rq.rq_hdr));
	if (rq.rq_hdr.ch_magic != CTL_MAGIC)
		return EPROTO;
	if (!header_ok(&rq.rq_hdr, len)) {
		rq.rq_hdr.ch_vnet[CTL_VNETSIZE - 1] = '\0';
		(void)ctl_reply(s, &rq.rq_hdr, EPROTO,
		    "the header of the request makes no sense");
		return EPROTO;
	}
	if (s->cs_mustgreet && !s->cs_greeted && rq.rq_hdr.ch_op != CTL_HELLO)
		return ctl_reply(s, &rq.rq_hdr, EPROTO, "ifnetd is greeted "
		    "before it is asked for anything (ctl_proto.h)");
	od = ctl_op_find(rq.rq_hdr.ch_op);
	error = take_record(&rq, (const uint8_t *)msg + sizeof(rq.rq_hdr),
	    len - sizeof(rq.rq_hdr), od, &why);
	if (error == 0)
		error = check_request(&rq, od, &why);
	if (error != 0)
		return ctl_reply(s, &rq.rq_hdr, error, "%s", why);
	return run_request(s, &rq, od);
}

/* Answer a message that was cut because it was too long. */
static int
refuse_oversized(struct ctl_session *s, const void *msg)
{
	struct ctl_hdr h;

	memcpy(&h, msg, sizeof(h));
	if (h.ch_magic != CTL_MAGIC)
		return EPROTO;
	h.ch_vnet[CTL_VNETSIZE - 1] = '\0';
	return ctl_reply(s, &h, EMSGSIZE, "the request is longer than %u "
	    "bytes", CTL_MSG_MAX);
}

int
ctl_dispatch(struct ctl_session *s, const void *msg, size_t len, int fd)
{
	struct kern_reqctx rc;
	int error;

	KASSERT(curcpu() == NULL);
	kern_reqctx_enter(&rc, &s->cs_cred);
	rc.rc_fd = fd;
	if (len > CTL_MSG_MAX)
		error = refuse_oversized(s, msg);
	else
		error = dispatch(s, msg, len);
	(void)ctl_turn_end(s);
	kern_reqctx_leave(&rc);
	if (rc.rc_fd != -1)
		host_sock_close(s->cs_kern->k_host, rc.rc_fd);
	return error;
}

/*
 * Take the request at *off of a batch and what carries it out; false: there is
 * none, or it is malformed, in which case *off is not the end.  *why is NULL,
 * or the reason why its record cannot be taken.
 */
static bool
batch_next(const struct ctl_request *batch, size_t *off,
    struct ctl_request *rq, const struct ctl_op_def **od, const char **why)
{
	const uint8_t *p;
	const char *reason;
	size_t left = batch->rq_len - *off;

	if (left < sizeof(rq->rq_hdr))
		return false;
	memcpy(&rq->rq_hdr, batch->rq_data + *off, sizeof(rq->rq_hdr));
	if (rq->rq_hdr.ch_magic != CTL_MAGIC ||
	    rq->rq_hdr.ch_len < sizeof(rq->rq_hdr) ||
	    rq->rq_hdr.ch_len > left ||
	    !header_ok(&rq->rq_hdr, rq->rq_hdr.ch_len))
		return false;
	p = batch->rq_data + *off + sizeof(rq->rq_hdr);
	*od = ctl_op_find(rq->rq_hdr.ch_op);
	*why = take_record(rq, p, rq->rq_hdr.ch_len - sizeof(rq->rq_hdr), *od,
	    &reason) != 0 ? reason : NULL;
	/* The last request needs no padding. */
	*off += (rq->rq_hdr.ch_len + 7u) & ~(size_t)7;
	if (*off > batch->rq_len)
		*off = batch->rq_len;
	return true;
}

static const char *
check_batch(const struct ctl_request *batch)
{
	const struct ctl_op_def *od;
	struct ctl_request rq;
	const char *why;
	size_t off = 0;

	while (batch_next(batch, &off, &rq, &od, &why)) {
		if (why != NULL || check_request(&rq, od, &why) != 0)
			return why;
		if (!od->od_batch)
			return "a batch holds a request that can only be "
			    "made by itself";
	}
	return off == batch->rq_len ? NULL :
	    "a batch holds a request that makes no sense";
}

/* Every request has been checked. */
static int
run_batch(struct ctl_session *s, const struct ctl_request *batch)
{
	const struct ctl_op_def *od;
	struct ctl_request rq;
	struct ctl_out out;
	const char *why;
	size_t off = 0;
	int error = 0;
	int failed = 0;

	ctl_out_init(&out, s);
	s->cs_batch = &out;
	while (error == 0 && failed == 0 &&
	    batch_next(batch, &off, &rq, &od, &why)) {
		error = run_request(s, &rq, od);
		failed = s->cs_error;
	}
	s->cs_batch = NULL;
	/* If the answer could not be kept, the client gets ENOMEM instead. */
	error = ctl_out_send(&out, s, &batch->rq_hdr,
	    error != 0 ? error : failed);
	ctl_out_free(&out);
	return error;
}
