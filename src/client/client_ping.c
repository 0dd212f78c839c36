/*
 * Ping: echo requests that the stack sends, and their replies.
 */

#include "client/client_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Keep the replies in a message, which holds several. */
void
client_keep_ping(struct ifnet_client *c, const void *data, size_t len)
{
	const uint8_t *p = data;
	struct client_ping *cp;
	struct proto_rec pr;

	if (!c->c_pinging)
		return;
	while (proto_rec_next(&p, &len, &pr) > 0) {
		cp = malloc(sizeof(*cp));
		if (cp == NULL)
			return;
		(void)proto_rec_get(&pr, &cp->cp_reply,
		    sizeof(cp->cp_reply));
		STAILQ_INSERT_TAIL(&c->c_pings, cp, cp_link);
		if (++c->c_npings <= CLIENT_PINGS_MAX)
			continue;
		cp = STAILQ_FIRST(&c->c_pings);
		STAILQ_REMOVE_HEAD(&c->c_pings, cp_link);
		c->c_npings--;
		free(cp);
	}
}

int
ifnet_ping_begin(struct ifnet_client *c, uint32_t dst, uint32_t src,
    struct ifnet_error *e)
{

	return ifnet_ping_begin_table(c, 0, dst, src, e);
}

int
ifnet_ping_begin_table(struct ifnet_client *c, unsigned table, uint32_t dst,
    uint32_t src, struct ifnet_error *e)
{
	struct ctl_ping p = {
		.p_dst = dst, .p_src = src, .p_table = table,
	};
	struct client_call cc = {
		.cc_op = CTL_PING_BEGIN, .cc_what = "ping",
		.cc_part = { { &p, sizeof(p) } },
	};
	int error;

	error = client_call(c, &cc, e);
	if (error == 0) {
		c->c_pinging = true;
		c->c_ping_seq = c->c_seq;
	}
	return error;
}

static int
not_pinging(struct ifnet_error *e)
{

	return ifnet_error_set(e, ENOTCONN, "no ping was begun");
}

int
ifnet_ping_send(struct ifnet_client *c, unsigned seq, unsigned bytes,
    unsigned ttl, struct ifnet_error *e)
{
	struct ctl_ping_send ps = {
		.ps_seq = seq, .ps_bytes = bytes, .ps_ttl = ttl,
	};
	struct client_call cc = {
		.cc_op = CTL_PING_SEND, .cc_what = "ping",
		.cc_part = { { &ps, sizeof(ps) } },
	};

	if (!c->c_pinging)
		return not_pinging(e);
	return client_call_any(c, &cc, e);
}

/* Take the oldest kept reply; false: there is none. */
static bool
next_kept(struct ifnet_client *c, struct ifnet_ping_reply *r)
{
	struct client_ping *cp = STAILQ_FIRST(&c->c_pings);

	if (cp == NULL)
		return false;
	STAILQ_REMOVE_HEAD(&c->c_pings, cp_link);
	c->c_npings--;
	r->from = cp->cp_reply.pr_from;
	r->seq = cp->cp_reply.pr_seq;
	r->ttl = cp->cp_reply.pr_ttl;
	r->type = cp->cp_reply.pr_type;
	r->code = cp->cp_reply.pr_code;
	r->bytes = cp->cp_reply.pr_bytes;
	r->rtt_ns = cp->cp_reply.pr_rtt_ns;
	r->error = cp->cp_reply.pr_error;
	free(cp);
	return true;
}

int
ifnet_ping_recv(struct ifnet_client *c, int ms, struct ifnet_ping_reply *r,
    struct ifnet_error *e)
{
	uint64_t deadline = client_now_ms() + (ms < 0 ? 0 : (unsigned)ms);
	const uint8_t *data;
	struct ctl_hdr h;
	size_t len;
	int error;

	if (!c->c_pinging)
		return not_pinging(e);
	while (!next_kept(c, r)) {
		error = client_recv(c, c->c_rx, &h, &len,
		    client_left_ms(deadline, ms >= 0), e);
		if (error != 0)
			return error;
		if (!(h.ch_flags & CTL_EVENT) || h.ch_seq != c->c_ping_seq)
			continue;
		data = c->c_rx + sizeof(h);
		len -= sizeof(h);
		if (h.ch_error != 0) {
			c->c_pinging = false;
			return client_error(&h, data, len, "ping", e);
		}
		client_keep_ping(c, data, len);
	}
	return 0;
}

int
ifnet_ping_stop(struct ifnet_client *c, struct ifnet_error *e)
{
	struct client_call cc = { .cc_op = CTL_PING_STOP, .cc_what = "ping" };
	struct ifnet_ping_reply r;
	int error;

	if (!c->c_pinging)
		return not_pinging(e);
	error = client_call_any(c, &cc, e);
	while (next_kept(c, &r))
		continue;
	c->c_pinging = false;
	return error;
}
