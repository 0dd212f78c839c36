/*
 * Requests: interfaces, settings, routes, dumps, vnets, the daemon.
 */

#include "client/client_private.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ifnet/ifreq.h>
#include <ifnet/ifreq_old.h>
#include <ifnet/rtmsg.h>

#include "proto/proto_ioctl.h"
#include "proto/rtmsg_fit.h"

/* The time that a daemon which stops is waited for. */
#define HALT_MS	30000

/* --- interface requests -------------------------------------------------- */

/* "SIOCSIFMTU tap0"; all records but the lists begin with a name. */
static void
describe_ioctl(char *buf, size_t size, unsigned long cmd, const void *data,
    size_t len)
{
	const char *name = proto_ioctl_name(cmd);

	if (name == NULL)
		name = "interface request";
	if (IFIOC_SIZE(cmd) < IFNAMSIZ || len < IFNAMSIZ)
		(void)snprintf(buf, size, "%s", name);
	else
		(void)snprintf(buf, size, "%s: %.*s", name, IFNAMSIZ,
		    (const char *)data);
}

struct room {
	void		*data;
	size_t		 len;
};

static void
take_record(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct room *r = arg;
	struct proto_rec pr;
	struct ctl_ioctl ci;

	if (h->ch_error == 0 && client_record(data, len, &ci, sizeof(ci),
	    &pr) && pr.pr_len == r->len && r->len > 0)
		memcpy(r->data, pr.pr_data, r->len);
}

static int
do_ioctl(struct ifnet_client *c, unsigned long cmd, void *data, size_t len,
    bool has_fd, int fd, struct ifnet_error *e)
{
	struct ctl_ioctl ci = {
		.i_cmd = cmd, .i_len = (uint32_t)IFIOC_SIZE(cmd),
		.i_stride = sizeof(struct ifreq),
	};
	struct room room = { data, len };
	char what[64];
	struct client_call cc = {
		.cc_op = CTL_IOCTL, .cc_what = what,
		.cc_part = { { &ci, sizeof(ci) }, { data, len } },
		.cc_has_fd = has_fd, .cc_fd = fd,
		.cc_answer = take_record, .cc_arg = &room,
	};
	int error;

	describe_ioctl(what, sizeof(what), cmd, data, len);
	error = client_call(c, &cc, e);
	if (error == 0 && cmd == SIOCGIFDATA)
		client_renumber(c, &((struct ifdatareq *)data)->ifdr_data);
	return error;
}

int
ifnet_ioctl(struct ifnet_client *c, unsigned long cmd, void *data, size_t len,
    struct ifnet_error *e)
{

	return do_ioctl(c, cmd, data, len, false, -1, e);
}

int
ifnet_ioctl_fd(struct ifnet_client *c, unsigned long cmd, void *data,
    size_t len, int fd, struct ifnet_error *e)
{

	if (fd < 0)
		return ifnet_error_set(e, EBADF, "descriptor %d is not open",
		    fd);
	return do_ioctl(c, cmd, data, len, true, fd, e);
}

/* --- settings ------------------------------------------------------------ */

struct sysctl_room {
	struct ctl_sysctl answer;
	void		*old;
	size_t		 room;
};

static void
take_sysctl(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct sysctl_room *r = arg;
	struct proto_rec pr;

	if (!client_record(data, len, &r->answer, sizeof(r->answer), &pr))
		return;
	if (h->ch_error == 0 && r->old != NULL && pr.pr_len <= r->room)
		memcpy(r->old, pr.pr_data, pr.pr_len);
}

int
ifnet_sysctl(struct ifnet_client *c, const char *name, void *old,
    size_t *oldlen, const void *new, size_t newlen, int *type, int *writable,
    struct ifnet_error *e)
{
	struct sysctl_room r;
	struct ctl_sysctl cs;
	struct client_call cc = {
		.cc_op = CTL_SYSCTL, .cc_what = name,
		.cc_part = { { &cs, sizeof(cs) }, { new, newlen } },
		.cc_answer = take_sysctl, .cc_arg = &r,
	};
	int error;

	memset(&cs, 0, sizeof(cs));
	memset(&r, 0, sizeof(r));
	if (strlen(name) >= sizeof(cs.s_name))
		return ifnet_error_set(e, ENOENT, "%s: no such name", name);
	memcpy(cs.s_name, name, strlen(name));
	r.old = old;
	r.room = old != NULL && oldlen != NULL ? *oldlen : 0;
	cs.s_oldroom = r.room > UINT32_MAX ? UINT32_MAX : (uint32_t)r.room;
	cs.s_setnew = new != NULL;
	if (new == NULL)
		cc.cc_part[1].len = 0;
	error = client_call(c, &cc, e);
	if (error != 0 && error != ENOMEM)
		return error;
	if (oldlen != NULL)
		*oldlen = r.answer.s_oldlen;
	if (type != NULL)
		*type = (int)r.answer.s_type;
	if (writable != NULL)
		*writable = (int)r.answer.s_writable;
	return error;
}

static void
take_text(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct room *r = arg;
	struct proto_rec pr;

	if (h->ch_error != 0 || r->len == 0 ||
	    !client_record(data, len, NULL, 0, &pr))
		return;
	len = pr.pr_len < r->len ? pr.pr_len : r->len - 1;
	memcpy(r->data, pr.pr_data, len);
	((char *)r->data)[len] = '\0';
}

/* Send a request for a name, whose answer is a text. */
static int
call_name(struct ifnet_client *c, unsigned op, const char *name, char *text,
    size_t size, struct ifnet_error *e)
{
	struct room room = { text, size };
	struct client_call cc = {
		.cc_op = op, .cc_what = name,
		.cc_part = { { NULL, 0 }, { name, strlen(name) + 1 } },
		.cc_answer = text == NULL ? NULL : take_text,
		.cc_arg = &room,
	};

	return client_call(c, &cc, e);
}

int
ifnet_sysctl_next(struct ifnet_client *c, const char *after, char *next,
    size_t size, struct ifnet_error *e)
{

	return call_name(c, CTL_SYSCTL_NEXT, after, next, size, e);
}

int
ifnet_sysctl_descr(struct ifnet_client *c, const char *name, char *text,
    size_t size, struct ifnet_error *e)
{

	return call_name(c, CTL_SYSCTL_DESCR, name, text, size, e);
}

/* --- routes, dumps ------------------------------------------------------- */

struct route_room {
	void		*data;
	size_t		 room, len;
	bool		 nonsense;
};

static void
take_route(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	uint8_t room[RT_MSG_MAX] __attribute__((__aligned__(8)));
	struct route_room *r = arg;
	struct proto_rec pr;
	const void *msg;
	struct rt_hdr rh;
	int error;

	if (h->ch_error != 0 || len == 0)
		return;
	if (!client_record(data, len, NULL, 0, &pr)) {
		r->nonsense = true;
		return;
	}
	if (pr.pr_len == 0)
		return;
	error = rt_msg_fit(pr.pr_data, pr.pr_len, room, &msg);
	if (error != 0 && error != E2BIG) {
		r->nonsense = true;
		return;
	}
	memcpy(&rh, msg, sizeof(rh));
	r->len = rh.rtm_len;
	if (r->data != NULL && r->len <= r->room)
		memcpy(r->data, msg, r->len);
}

int
ifnet_route(struct ifnet_client *c, const void *msg, size_t len, void *answer,
    size_t *answerlen, struct ifnet_error *e)
{
	uint8_t stamped[RT_MSG_MAX] __attribute__((__aligned__(8)));
	struct route_room r = { answer, answerlen == NULL ? 0 : *answerlen,
	    0, false };
	struct client_call cc = {
		.cc_op = CTL_ROUTE, .cc_what = "",
		.cc_part = { { NULL, 0 }, { msg, len } },
		.cc_answer = take_route, .cc_arg = &r,
	};
	int error;

	/* The stack refuses a malformed message. */
	if (len >= sizeof(struct rt_hdr) && len <= sizeof(stamped)) {
		memcpy(stamped, msg, len);
		rt_msg_stamp(stamped);
		cc.cc_part[1].data = stamped;
	}
	error = client_call(c, &cc, e);
	if (error == 0 && r.nonsense)
		return client_nonsense(c, e);
	if (answerlen != NULL)
		*answerlen = r.len;
	if (error == 0 && answer != NULL && r.len > r.room)
		return ifnet_error_set(e, ENOMEM,
		    "the answer needs %zu bytes", r.len);
	return error;
}

struct dump {
	const struct ifnet_client *client;
	int		(*fn)(const void *, size_t, void *);
	void		*arg;
	int		 result;
	bool		 nonsense;
};

static void
take_messages(void *arg, const struct ctl_hdr *h, const void *data,
    size_t len)
{
	uint8_t room[RT_MSG_MAX] __attribute__((__aligned__(8)));
	struct dump *d = arg;
	const uint8_t *p = data;
	const void *msg;
	struct rt_hdr rh;
	size_t step;
	int error;

	(void)h;
	while (len > 0 && d->result == 0 && !d->nonsense) {
		if (len >= sizeof(rh))
			memcpy(&rh, p, sizeof(rh));
		if (len < sizeof(rh) || rh.rtm_len < sizeof(rh) ||
		    rh.rtm_len > len) {
			d->nonsense = true;
			return;
		}
		step = (rh.rtm_len + 7u) & ~(size_t)7;
		error = client_fit(d->client, p, rh.rtm_len, room, &msg);
		p += step < len ? step : len;
		len -= step < len ? step : len;
		/* Messages of kinds that this build does not know are
		 * skipped. */
		if (error == EPROTONOSUPPORT)
			continue;
		if (error == EINVAL) {
			d->nonsense = true;
			return;
		}
		memcpy(&rh, msg, sizeof(rh));
		d->result = d->fn(msg, rh.rtm_len, d->arg);
	}
}

/* A request with a struct, answered by routing messages. */
static int
dump(struct ifnet_client *c, uint16_t op, const void *what, size_t len,
    int (*fn)(const void *, size_t, void *), void *arg,
    struct ifnet_error *e)
{
	struct dump d = { c, fn, arg, 0, false };
	struct client_call cc = {
		.cc_op = op, .cc_what = "",
		.cc_part = { { what, len } },
		.cc_answer = take_messages, .cc_arg = &d,
	};
	int error;

	error = client_call(c, &cc, e);
	if (error == 0 && d.nonsense)
		return client_nonsense(c, e);
	return error != 0 ? error : d.result;
}

int
ifnet_dump_table(struct ifnet_client *c, unsigned table,
    int (*fn)(const void *, size_t, void *), void *arg,
    struct ifnet_error *e)
{
	const struct ctl_dump cd = {
		.d_what = IFNET_ROUTE, .d_table = table + 1,
	};

	return dump(c, CTL_DUMP, &cd, sizeof(cd), fn, arg, e);
}

int
ifnet_flush_routes(struct ifnet_client *c, int table,
    int (*fn)(const void *, size_t, void *), void *arg,
    struct ifnet_error *e)
{
	const struct ctl_route_flush rf = { .rf_table = (uint32_t)table + 1 };

	if (table < -1)
		return ifnet_error_set(e, EINVAL, "%d is not the number of a "
		    "table", table);
	return dump(c, CTL_ROUTE_FLUSH, &rf, sizeof(rf), fn, arg, e);
}

int
ifnet_dump(struct ifnet_client *c, unsigned what, const char *ifname,
    int (*fn)(const void *, size_t, void *), void *arg,
    struct ifnet_error *e)
{
	struct ctl_dump cd;

	memset(&cd, 0, sizeof(cd));
	cd.d_what = what;
	if (ifname != NULL) {
		if (strlen(ifname) >= sizeof(cd.d_ifname))
			return ifnet_error_set(e, ENXIO,
			    "%s: no such interface", ifname);
		memcpy(cd.d_ifname, ifname, strlen(ifname));
	}
	return dump(c, CTL_DUMP, &cd, sizeof(cd), fn, arg, e);
}

/* --- vnets, the daemon --------------------------------------------------- */

int
ifnet_vnet_create(struct ifnet_client *c, const char *name,
    struct ifnet_error *e)
{

	return call_name(c, CTL_VNET_CREATE, name, NULL, 0, e);
}

int
ifnet_vnet_destroy(struct ifnet_client *c, const char *name,
    struct ifnet_error *e)
{

	return call_name(c, CTL_VNET_DESTROY, name, NULL, 0, e);
}

struct vnet_list {
	int		(*fn)(const char *, unsigned, void *);
	void		*arg;
};

static bool
take_vnet(const struct proto_rec *pr, void *arg, int *result)
{
	const struct vnet_list *vl = arg;
	struct ctl_vnet v;

	(void)proto_rec_get(pr, &v, sizeof(v));
	v.v_name[sizeof(v.v_name) - 1] = '\0';
	*result = vl->fn(v.v_name, v.v_interfaces, vl->arg);
	return true;
}

int
ifnet_vnet_list(struct ifnet_client *c,
    int (*fn)(const char *, unsigned, void *), void *arg,
    struct ifnet_error *e)
{
	const struct client_call cc = {
		.cc_op = CTL_VNET_LIST, .cc_what = "",
	};
	struct vnet_list vl = { fn, arg };

	return client_list(c, &cc, take_vnet, &vl, e);
}

int
ifnet_halt(struct ifnet_client *c, struct ifnet_error *e)
{
	struct client_call cc = { .cc_op = CTL_HALT, .cc_what = "halt" };
	const struct client_transport *tr = &c->c_tr;
	struct pollfd pfd = { .fd = -1, .events = POLLIN };
	int error;

	/* Before the request: afterwards its number may be another's. */
	if (tr->ct_open_peer != NULL)
		pfd.fd = tr->ct_open_peer(c->c_arg);
	error = client_call(c, &cc, e);
	if (pfd.fd == -1)
		return error;
	while (error == 0 && poll(&pfd, 1, HALT_MS) == -1 && errno == EINTR)
		continue;
	close(pfd.fd);
	return error;
}
