/*
 * A client: sends requests and receives answers, over any transport.
 */

#include "client/client_private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The time in which an ifnetd answers the greeting; a server that takes longer
 * is not one. */
#define HELLO_MS	5000

struct ifnet_client *
client_create(const struct client_transport *tr, void *arg, const char *peer,
    struct ifnet_error *e)
{
	struct ifnet_client *c;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		goto fail;
	c->c_tx = calloc(1, CTL_MSG_MAX);
	c->c_rx = calloc(1, CTL_MSG_MAX);
	c->c_ev = calloc(1, CTL_MSG_MAX);
	if (c->c_tx == NULL || c->c_rx == NULL || c->c_ev == NULL)
		goto fail;
	c->c_tr = *tr;
	c->c_arg = arg;
	c->c_answer_ms = -1;
	STAILQ_INIT(&c->c_pings);
	STAILQ_INIT(&c->c_kept);
	(void)snprintf(c->c_peer, sizeof(c->c_peer), "%s", peer);
	return c;
fail:
	if (c != NULL) {
		free(c->c_tx);
		free(c->c_rx);
		free(c->c_ev);
		free(c);
	}
	tr->ct_close(arg);
	(void)ifnet_error_set(e, ENOMEM, "out of memory");
	return NULL;
}

void
ifnet_close(struct ifnet_client *c)
{
	struct client_ping *cp;

	if (c == NULL)
		return;
	c->c_tr.ct_close(c->c_arg);
	while ((cp = STAILQ_FIRST(&c->c_pings)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->c_pings, cp_link);
		free(cp);
	}
	client_forget_capture(c);
	client_names_free(c->c_names);
	free(c->c_features);
	free(c->c_tx);
	free(c->c_rx);
	free(c->c_ev);
	free(c);
}

int
ifnet_fd(const struct ifnet_client *c)
{

	return c->c_tr.ct_fd(c->c_arg);
}

int
ifnet_set_vnet(struct ifnet_client *c, const char *name,
    struct ifnet_error *e)
{

	if (name == NULL)
		name = "";
	if (strlen(name) >= sizeof(c->c_vnet))
		return ifnet_error_set(e, ENOENT, "no vnet named %s", name);
	memset(c->c_vnet, 0, sizeof(c->c_vnet));
	memcpy(c->c_vnet, name, strlen(name));
	return 0;
}

uint64_t
client_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int
client_left_ms(uint64_t deadline, bool limited)
{
	uint64_t now;

	if (!limited)
		return -1;
	now = client_now_ms();
	if (now >= deadline)
		return 0;
	return deadline - now > INT_MAX ? INT_MAX : (int)(deadline - now);
}

static int
gone(struct ifnet_client *c, int error, struct ifnet_error *e)
{

	c->c_broken = true;
	if (error == EPIPE || error == ECONNRESET)
		return ifnet_error_set(e, EPIPE,
		    "ifnetd at %s has closed the connection", c->c_peer);
	return ifnet_error_set(e, error, "talking to ifnetd at %s: %s",
	    c->c_peer, strerror(error));
}

int
client_recv(struct ifnet_client *c, void *buf, struct ctl_hdr *h, size_t *len,
    int ms, struct ifnet_error *e)
{
	int error;

	if (c->c_broken)
		return gone(c, EPIPE, e);
	*len = CTL_MSG_MAX;
	error = c->c_tr.ct_recv(c->c_arg, buf, len, ms);
	if (error == ETIMEDOUT)
		return ifnet_error_set(e, error, "timed out");
	if (error == EINTR)
		return ifnet_error_set(e, error, "interrupted");
	if (error != 0)
		return gone(c, error, e);
	if (*len >= sizeof(*h))
		memcpy(h, buf, sizeof(*h));
	if (*len < sizeof(*h) || h->ch_magic != CTL_MAGIC ||
	    h->ch_len != *len) {
		c->c_broken = true;
		return ifnet_error_set(e, EPROTO, "what listens at %s is no "
		    "ifnetd, or one of another version", c->c_peer);
	}
	return 0;
}

int
client_error(const struct ctl_hdr *h, const void *data, size_t len,
    const char *what, struct ifnet_error *e)
{
	int error = h->ch_error > 0 ? h->ch_error : EPROTO;

	if ((h->ch_flags & CTL_TEXT) && len > 0 &&
	    ((const char *)data)[len - 1] == '\0')
		return ifnet_error_set(e, error, "%s", (const char *)data);
	if (what == NULL || what[0] == '\0')
		return ifnet_error_set(e, error, "%s", strerror(error));
	return ifnet_error_set(e, error, "%s: %s", what, strerror(error));
}

/* Is the connection for requests? */
static int
is_free(const struct ifnet_client *c, const char *what,
    struct ifnet_error *e)
{

	if (c->c_follow == 0 && !c->c_pinging && !c->c_capturing)
		return 0;
	return ifnet_error_set(e, EBUSY, "%s: this connection %s; open a "
	    "second one for requests", what, c->c_pinging ? "pings" :
	    c->c_capturing ? "captures" : "follows changes");
}

static int
send_request(struct ifnet_client *c, const struct client_call *cc,
    struct ifnet_error *e)
{
	struct ctl_hdr h;
	struct ctl_rec rc;
	size_t len = sizeof(h);
	int error;

	if (c->c_broken)
		return gone(c, EPIPE, e);
	if (!cc->cc_raw && cc->cc_part[0].len + cc->cc_part[1].len > 0) {
		rc = proto_rec_head(cc->cc_part[0].len, cc->cc_part[1].len);
		memcpy(c->c_tx + len, &rc, sizeof(rc));
		len += sizeof(rc);
	}
	for (int i = 0; i < 2; i++) {
		if (cc->cc_part[i].len > CTL_MSG_MAX - len)
			return ifnet_error_set(e, EMSGSIZE, "%s: longer than "
			    "a request can be", cc->cc_what);
		if (cc->cc_part[i].len > 0)
			memcpy(c->c_tx + len, cc->cc_part[i].data,
			    cc->cc_part[i].len);
		len += cc->cc_part[i].len;
	}
	memset(&h, 0, sizeof(h));
	h.ch_magic = CTL_MAGIC;
	h.ch_len = (uint32_t)len;
	h.ch_op = (uint16_t)cc->cc_op;
	h.ch_seq = ++c->c_seq;
	memcpy(h.ch_vnet, c->c_vnet, sizeof(h.ch_vnet));
	memcpy(c->c_tx, &h, sizeof(h));
	error = c->c_tr.ct_send(c->c_arg, c->c_tx, len,
	    cc->cc_has_fd ? cc->cc_fd : -1);
	if (error == EBADF && cc->cc_has_fd)
		return ifnet_error_set(e, error, "%s: descriptor %d is not "
		    "open", cc->cc_what, cc->cc_fd);
	/* The request was not sent; the next one may be. */
	if (error == ENOMEM || error == ENOBUFS || error == EMFILE)
		return ifnet_error_set(e, error, "%s%s%s", cc->cc_what,
		    cc->cc_what[0] != '\0' ? ": " : "", strerror(error));
	/* A server that closed the connection may have sent its reason
	 * first. */
	if (error == 0 || error == EPIPE || error == ECONNRESET)
		return 0;
	return gone(c, error, e);
}

/* One of the answers to a request. */
static void
take_answer(struct client_wait *cw, const struct ctl_hdr *h,
    const uint8_t *data, size_t len)
{
	const struct client_call *cc = cw->cw_call;

	if (cc->cc_answer != NULL && !(h->ch_flags & CTL_TEXT))
		cc->cc_answer(cc->cc_arg, h, data, len);
	if (h->ch_error != 0)
		cw->cw_error = client_error(h, data, len, cc->cc_what,
		    cw->cw_words);
	cw->cw_over = h->ch_error != 0 || !(h->ch_flags & CTL_MORE);
}

/* A message that came: of whoever waits for it. */
static int
take_message(struct ifnet_client *c, const struct ctl_hdr *h,
    const uint8_t *data, size_t len, struct ifnet_error *e)
{
	struct client_wait *cw;

	if (h->ch_flags & CTL_EVENT) {
		if (h->ch_error == 0 && h->ch_seq == c->c_ping_seq)
			client_keep_ping(c, data, len);
		else if (c->c_capturing && client_keep_capture(c, h, data,
		    len) != 0)
			return ifnet_error_set(e, ENOMEM, "out of memory");
		return 0;
	}
	/* Number 0 is about the connection itself. */
	if (h->ch_seq == 0 && h->ch_error != 0) {
		c->c_broken = true;
		return client_error(h, data, len, c->c_peer, e);
	}
	LIST_FOREACH(cw, &c->c_waits, cw_link)
		if (cw->cw_seq == h->ch_seq && !cw->cw_over) {
			take_answer(cw, h, data, len);
			break;
		}
	return 0;
}

int
client_finish(struct ifnet_client *c, struct client_wait *cw)
{
	uint64_t deadline = 0;
	struct ctl_hdr h;
	size_t len;
	int error = 0;

	if (c->c_answer_ms >= 0)
		deadline = client_now_ms() + (unsigned)c->c_answer_ms;
	while (!cw->cw_over && error == 0) {
		error = client_recv(c, c->c_rx, &h, &len,
		    client_left_ms(deadline, c->c_answer_ms >= 0),
		    cw->cw_words);
		if (error == EINTR)
			error = 0;
		else if (error == 0)
			error = take_message(c, &h, c->c_rx + sizeof(h),
			    len - sizeof(h), cw->cw_words);
	}
	LIST_REMOVE(cw, cw_link);
	return error != 0 ? error : cw->cw_error;
}

/* client_send(), also on a connection that follows or pings. */
static int
send_any(struct ifnet_client *c, const struct client_call *cc,
    struct client_wait *cw, struct ifnet_error *e)
{
	int error;

	error = send_request(c, cc, e);
	if (error != 0)
		return error;
	cw->cw_call = cc;
	cw->cw_seq = c->c_seq;
	cw->cw_over = false;
	cw->cw_error = 0;
	LIST_INSERT_HEAD(&c->c_waits, cw, cw_link);
	return 0;
}

int
client_send(struct ifnet_client *c, const struct client_call *cc,
    struct client_wait *cw, struct ifnet_error *e)
{
	int error = is_free(c, cc->cc_what, e);

	return error != 0 ? error : send_any(c, cc, cw, e);
}

int
client_call_any(struct ifnet_client *c, const struct client_call *cc,
    struct ifnet_error *e)
{
	struct client_wait cw = { .cw_words = e };
	int error = send_any(c, cc, &cw, e);

	return error != 0 ? error : client_finish(c, &cw);
}

int
client_call(struct ifnet_client *c, const struct client_call *cc,
    struct ifnet_error *e)
{
	int error = is_free(c, cc->cc_what, e);

	return error != 0 ? error : client_call_any(c, cc, e);
}

bool
client_record(const void *payload, size_t len, void *fixed, size_t size,
    struct proto_rec *pr)
{
	const uint8_t *p = payload;

	if (proto_rec_next(&p, &len, pr) != 1)
		return false;
	(void)proto_rec_get(pr, fixed, size);
	return true;
}

int
client_nonsense(const struct ifnet_client *c, struct ifnet_error *e)
{

	return ifnet_error_set(e, EPROTO, "what ifnetd at %s sent makes no "
	    "sense", c->c_peer);
}

void
client_take_number(void *arg, const struct ctl_hdr *h, const void *data,
    size_t len)
{
	struct ctl_rule_number rn;
	struct proto_rec pr;

	if (h->ch_error == 0 &&
	    client_record(data, len, &rn, sizeof(rn), &pr))
		*(unsigned *)arg = rn.rn_number;
}

int
client_call_number(struct ifnet_client *c, unsigned op, const char *what,
    unsigned number, struct ifnet_error *e)
{
	struct ctl_rule_number rn = { .rn_number = number };
	struct client_call cc = {
		.cc_op = op, .cc_what = what,
		.cc_part = { { &rn, sizeof(rn) } },
	};

	return client_call(c, &cc, e);
}

struct list {
	client_one	*one;
	void		*arg;
	int		 result;
	bool		 nonsense;
};

static void
take_list(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	const uint8_t *p = data;
	struct list *l = arg;
	struct proto_rec pr;
	int n = 0;

	(void)h;
	while (l->result == 0 && !l->nonsense &&
	    (n = proto_rec_next(&p, &len, &pr)) > 0)
		l->nonsense = !l->one(&pr, l->arg, &l->result);
	l->nonsense |= n < 0;
}

int
client_list(struct ifnet_client *c, const struct client_call *cc,
    client_one *one, void *arg, struct ifnet_error *e)
{
	struct list l = { .one = one, .arg = arg };
	struct client_call list = *cc;
	int error;

	list.cc_answer = take_list;
	list.cc_arg = &l;
	error = client_call(c, &list, e);
	if (error == 0 && l.nonsense)
		return client_nonsense(c, e);
	return error != 0 ? error : l.result;
}

/* --- the greeting -------------------------------------------------------- */

struct greeting {
	struct ifnet_client *client;
	struct ctl_hello hello;
	bool		 nomem;
};

static void
take_hello(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct greeting *g = arg;
	struct proto_rec pr;

	if (h->ch_error != 0)
		return;
	if (!client_record(data, len, &g->hello, sizeof(g->hello), &pr)) {
		/* In the answer of version 1 the version comes first. */
		memset(&g->hello, 0, sizeof(g->hello));
		if (len >= sizeof(g->hello.h_version))
			memcpy(&g->hello.h_version, data,
			    sizeof(g->hello.h_version));
		return;
	}
	g->hello.h_text[sizeof(g->hello.h_text) - 1] = '\0';
	/* An empty name is appended as the end of the list, in any case. */
	g->client->c_features = calloc(1, pr.pr_len + 2);
	if (g->client->c_features != NULL)
		memcpy(g->client->c_features, pr.pr_data, pr.pr_len);
	else
		g->nomem = true;
}

static int
greet(struct ifnet_client *c, bool as_version_1, struct greeting *g,
    struct ifnet_error *e)
{
	struct ctl_hello ours = {
		.h_version = CTL_VERSION, .h_oldest = CTL_VERSION_MIN,
		.h_names = proto_names_hash(),
	};
	struct client_call cc = {
		.cc_op = CTL_HELLO, .cc_what = c->c_peer,
		.cc_part = { { &ours, as_version_1 ? 0 : sizeof(ours) } },
		.cc_answer = take_hello, .cc_arg = g,
	};

	memset(g, 0, sizeof(*g));
	g->client = c;
	return client_call(c, &cc, e);
}

static int
check_greeting(struct ifnet_client *c, const struct greeting *g,
    struct ifnet_error *e)
{

	if (g->nomem)
		return ifnet_error_set(e, ENOMEM, "out of memory");
	if (g->hello.h_version < CTL_VERSION_MIN ||
	    g->hello.h_version > CTL_VERSION)
		return ifnet_error_set(e, EPROTONOSUPPORT, "ifnetd at %s "
		    "speaks version %u of the control protocol and this "
		    "client %u (use the ifctl that was installed with that "
		    "ifnetd)", c->c_peer, g->hello.h_version, CTL_VERSION);
	memcpy(c->c_server, g->hello.h_text, sizeof(c->c_server));
	return g->hello.h_names == proto_names_hash() ? 0 :
	    client_names_get(c, e);
}

int
client_greet(struct ifnet_client *c, struct ifnet_error *e)
{
	struct greeting g;
	struct ifnet_error again;
	int error;

	c->c_answer_ms = HELLO_MS;
	error = greet(c, false, &g, e);
	/* Version 1 refuses any greeting but its own, so try that one. */
	if (error == EINVAL && greet(c, true, &g, &again) == 0)
		error = 0;
	if (error == 0)
		error = check_greeting(c, &g, e);
	c->c_answer_ms = -1;
	if (error == ETIMEDOUT)
		return ifnet_error_set(e, EPROTO, "what listens at %s does "
		    "not answer; is it ifnetd?", c->c_peer);
	return error;
}

int
ifnet_has_feature(const struct ifnet_client *c, const char *name)
{
	const char *f = c->c_features;

	/* A stack in this program is of this build. */
	for (; f != NULL && *f != '\0'; f += strlen(f) + 1)
		if (strcmp(f, name) == 0)
			return 1;
	return c->c_features == NULL;
}

const char *
ifnet_server(const struct ifnet_client *c)
{

	return c->c_server;
}
