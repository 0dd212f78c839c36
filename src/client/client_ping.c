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

static int
ping_begin(struct ifnet_client *c, const struct ctl_ping *p,
    struct ifnet_error *e)
{
	struct client_call cc = {
		.cc_op = CTL_PING_BEGIN, .cc_what = "ping",
		.cc_part = { { p, sizeof(*p) } },
	};
	int error;

	error = client_call(c, &cc, e);
	if (error == 0) {
		c->c_pinging = true;
		c->c_ping_seq = c->c_seq;
	}
	return error;
}

int
ifnet_ping_begin_table(struct ifnet_client *c, unsigned table, uint32_t dst,
    uint32_t src, struct ifnet_error *e)
{
	const struct ctl_ping p = {
		.p_dst = dst, .p_src = src, .p_table = table,
	};

	return ping_begin(c, &p, e);
}

/* Put an address where its family's are; false: it is of no known one. */
static bool
put_address(const struct sockaddr_storage *ss, uint32_t *addr,
    struct sockaddr_in6 *sin6)
{

	if (ss->ss_family == AF_INET)
		memcpy(addr, &((const struct sockaddr_in *)ss)->sin_addr,
		    sizeof(*addr));
	else if (ss->ss_family == AF_INET6)
		memcpy(sin6, ss, sizeof(*sin6));
	return ss->ss_family == AF_INET || ss->ss_family == AF_INET6;
}

int
ifnet_ping_begin_how(struct ifnet_client *c, const struct ifnet_ping_how *how,
    struct ifnet_error *e)
{
	struct ctl_ping p = {
		.p_table = how->table, .p_ifindex = how->ifindex,
		.p_port = (uint16_t)how->port,
		.p_flags = (uint16_t)how->flags,
	};

	if (!put_address(&how->dst, &p.p_dst, &p.p_dst6) ||
	    (how->src.ss_family != AF_UNSPEC &&
	    (how->src.ss_family != how->dst.ss_family ||
	    !put_address(&how->src, &p.p_src, &p.p_src6))))
		return ifnet_error_set(e, EAFNOSUPPORT, "a ping goes between "
		    "addresses of IPv4 or of IPv6");
	if (how->port > UINT16_MAX || how->flags > UINT16_MAX)
		return ifnet_error_set(e, EINVAL, "a port is at most 65535");
	return ping_begin(c, &p, e);
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
next_kept(struct ifnet_client *c, struct ifnet_ping_answer *a)
{
	struct client_ping *cp = STAILQ_FIRST(&c->c_pings);
	const struct ctl_ping_reply *pr;
	struct sockaddr_in *sin;

	if (cp == NULL)
		return false;
	STAILQ_REMOVE_HEAD(&c->c_pings, cp_link);
	c->c_npings--;
	pr = &cp->cp_reply;
	a->reply.from = pr->pr_from;
	a->reply.seq = pr->pr_seq;
	a->reply.ttl = pr->pr_ttl;
	a->reply.type = pr->pr_type;
	a->reply.code = pr->pr_code;
	a->reply.bytes = pr->pr_bytes;
	a->reply.rtt_ns = pr->pr_rtt_ns;
	a->reply.error = pr->pr_error;
	a->mtu = pr->pr_mtu;
	memset(&a->from, 0, sizeof(a->from));
	if (pr->pr_from6.sin6_family == AF_INET6)
		memcpy(&a->from, &pr->pr_from6, sizeof(pr->pr_from6));
	else {
		sin = (struct sockaddr_in *)&a->from;
		sin->sin_family = AF_INET;
		sin->sin_addr.s_addr = pr->pr_from;
	}
	free(cp);
	return true;
}

int
ifnet_ping_answer(struct ifnet_client *c, int ms, struct ifnet_ping_answer *a,
    struct ifnet_error *e)
{
	uint64_t deadline = client_now_ms() + (ms < 0 ? 0 : (unsigned)ms);
	const uint8_t *data;
	struct ctl_hdr h;
	size_t len;
	int error;

	if (!c->c_pinging)
		return not_pinging(e);
	while (!next_kept(c, a)) {
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
ifnet_ping_recv(struct ifnet_client *c, int ms, struct ifnet_ping_reply *r,
    struct ifnet_error *e)
{
	struct ifnet_ping_answer a;
	int error;

	error = ifnet_ping_answer(c, ms, &a, e);
	if (error == 0)
		*r = a.reply;
	return error;
}

int
ifnet_ping_stop(struct ifnet_client *c, struct ifnet_error *e)
{
	struct client_call cc = { .cc_op = CTL_PING_STOP, .cc_what = "ping" };
	struct ifnet_ping_answer a;
	int error;

	if (!c->c_pinging)
		return not_pinging(e);
	error = client_call_any(c, &cc, e);
	while (next_kept(c, &a))
		continue;
	c->c_pinging = false;
	return error;
}
