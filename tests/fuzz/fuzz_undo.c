/*
 * Changes of routes: requests one by one and in batches, inside a change that
 * is committed, undone or left, and outside of one; valid, half valid and
 * broken.
 *
 * A refused request changes nothing, and a change that is not committed leaves
 * the routes as they were when it began.  After each message packets find what
 * a dump says.
 */

#include "fuzz_msg.h"

#include <errno.h>

#include "../unit/route_audit.h"

#define NMESSAGES	32
#define NROUTES		ROUTE_AUDIT_MAX
#define ROUTE_BYTES	256

/* The first byte of a record. */
enum { BR_BEGIN, BR_COMMIT, BR_ROLLBACK, BR_CLOSE, BR_ROUTE, BR_OTHER,
    BR_BATCH, BR_MORE };
#define BR_KIND		0x07
#define BR_MANY		0x78	/* of a batch: how many requests */
#define BR_FAULT	0x80	/* an allocation fails; the next byte: which */

/* The routes as they are, but for what time changes, in an order of their
 * own. */
struct routes {
	unsigned	 rs_n;
	uint64_t	 rs_route[NROUTES][ROUTE_BYTES / 8];
};

struct run {
	struct host	*r_host;
	struct ifnet_stack *r_stack;
	struct vnet	*r_vn;
	struct ctl_session *r_session;
	struct ctl_sink	 r_sink;
	unsigned	 r_nlast;	/* last answers since the request */
	int		 r_error;	/* of the last one */
	unsigned	 r_flags;
	struct routes	 r_before, r_after;
	struct routes	 r_base;	/* when the change began */
	struct route_audit r_audit;
};

static int
sink_send(void *arg, const void *msg, size_t len)
{
	struct run *r = arg;
	struct ctl_hdr h;

	KASSERT(len >= sizeof(h) && len <= CTL_MSG_MAX);
	memcpy(&h, msg, sizeof(h));
	if ((h.ch_flags & (CTL_MORE | CTL_EVENT)) == 0) {
		r->r_nlast++;
		r->r_error = h.ch_error;
		r->r_flags = h.ch_flags;
	}
	return 0;
}

static void
sink_wakeup(void *arg)
{

	(void)arg;
}

static int
sink_halt(void *arg)
{

	(void)arg;
	return 0;
}

static void
session_open(struct run *r)
{
	struct kauth_cred cred;

	memset(&cred, 0, sizeof(cred));
	cred.kc_pid = 4711;
	r->r_sink = (struct ctl_sink){ sink_send, sink_wakeup, sink_halt, r };
	KASSERT(ctl_session_create(r->r_stack->st_kern, &cred, &r->r_sink,
	    &r->r_session) == 0);
}

static bool
is_open(const struct run *r)
{

	return r->r_session->cs_undo != NULL;
}

/* --- the routes ----------------------------------------------------------- */

static int
routes_add(const void *msg, void *arg)
{
	struct routes *rs = arg;
	uint64_t copy[ROUTE_BYTES / 8] = { 0 };
	struct rt_msg *rtm = (struct rt_msg *)(void *)copy;
	struct rt_hdr h;

	memcpy(&h, msg, sizeof(h));
	KASSERT(h.rtm_len <= sizeof(copy) && rs->rs_n < NROUTES);
	memcpy(copy, msg, h.rtm_len);
	rtm->rtm_h.rtm_seq = 0;
	rtm->rtm_h.rtm_time_ns = 0;
	rtm->rtm_expire_s = rtm->rtm_expire_s != 0;
	rtm->rtm_use = 0;
	memcpy(rs->rs_route[rs->rs_n++], copy, sizeof(copy));
	return 0;
}

static int
routes_order(const void *a, const void *b)
{

	return memcmp(a, b, ROUTE_BYTES);
}

/* The ways of a route may stand in another order after a change was undone. */
static void
routes_take(struct run *r, struct routes *rs)
{

	rs->rs_n = 0;
	KASSERT(rtsock_dump(r->r_vn, RTS_ROUTE, 0, routes_add, rs) == 0);
	qsort(rs->rs_route, rs->rs_n, ROUTE_BYTES, routes_order);
}

static void
routes_print(const struct routes *rs, const char *when)
{
	const struct sockaddr *sa[RTAX_MAX];
	char dst[INET_ADDRSTRLEN], gw[INET_ADDRSTRLEN];
	uint32_t addr;

	for (unsigned i = 0; i < rs->rs_n; i++) {
		const struct rt_msg *rtm = (const struct rt_msg *)
		    (const void *)rs->rs_route[i];

		KASSERT(rt_msg_check(rtm, rtm->rtm_h.rtm_len, sa) == 0);
		addr = htonl(route_audit_sin(sa[0]));
		(void)inet_ntop(AF_INET, &addr, dst, sizeof(dst));
		addr = sa[1] != NULL && sa[1]->sa_family == AF_INET ?
		    htonl(route_audit_sin(sa[1])) : 0;
		(void)inet_ntop(AF_INET, &addr, gw, sizeof(gw));
		(void)fprintf(stderr, "%s: %s/%d table %u metric %u via %s %s "
		    "flags %#x given %#x proto %u mtu %u weight %u%s\n", when,
		    dst, sa[2] == NULL ? 32 : __builtin_popcount(
		    route_audit_sin(sa[2])), rtm->rtm_table, rtm->rtm_metric,
		    gw, rtm->rtm_ifname, rtm->rtm_flags, rtm->rtm_given,
		    rtm->rtm_proto, rtm->rtm_mtu, rtm->rtm_weight,
		    rtm->rtm_expire_s != 0 ? " expires" : "");
	}
}

static bool
routes_same(const struct routes *a, const struct routes *b)
{

	if (a->rs_n == b->rs_n &&
	    memcmp(a->rs_route, b->rs_route, a->rs_n * ROUTE_BYTES) == 0)
		return true;
	routes_print(a, "should be");
	routes_print(b, "is");
	return false;
}

/* The first and the last address of each prefix, and those beside it. */
static void
audit(struct run *r)
{
	const struct route_audit *ra = &r->r_audit;
	uint32_t last;

	route_audit_take(r->r_vn, &r->r_audit);
	for (unsigned i = 0; i < ra->ra_n; i++) {
		const struct route_told *rd = &ra->ra_told[i];

		last = rd->rd_key | (rd->rd_len == 32 ? 0 :
		    UINT32_MAX >> rd->rd_len);
		route_audit_addr(r->r_vn, ra, rd->rd_table, rd->rd_key);
		route_audit_addr(r->r_vn, ra, rd->rd_table, rd->rd_key - 1);
		route_audit_addr(r->r_vn, ra, rd->rd_table, last);
		route_audit_addr(r->r_vn, ra, rd->rd_table, last + 1);
	}
}

/* Let what was put off be done, and look. */
static void
look(struct run *r)
{

	ifnet_stack_run(r->r_stack);
	host_sleep(r->r_host, 1000000);
	routes_take(r, &r->r_after);
	audit(r);
}

/* --- requests ------------------------------------------------------------- */

/* An address of one of few networks: those of the interfaces, and others. */
static uint32_t
place(uint8_t b)
{
	static const uint32_t nets[] = { 0x0a000000, 0x0a000100, 0x14000000,
	    0x14010000 };

	return htonl(nets[b & 3] | (b >> 2 & 7));
}

static uint32_t
mask_of(unsigned len)
{

	return len == 0 ? 0 : htonl(UINT32_MAX << (32 - len));
}

static bool
put_sin(uint8_t *msg, unsigned bit, uint32_t addr)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_addr.s_addr = addr;
	return rt_msg_add(msg, bit, (const struct sockaddr *)&sin);
}

/* A request that has a good chance of being carried out. */
static size_t
put_route(struct fuzz_in *in, uint8_t *msg)
{
	static const uint8_t types[] = { RTM_ADD, RTM_ADD, RTM_ADD, RTM_ADD,
	    RTM_DELETE, RTM_DELETE, RTM_CHANGE, RTM_GET };
	static const uint8_t lens[] = { 0, 8, 16, 24, 28, 30, 31, 32 };
	struct rt_msg *rtm = (struct rt_msg *)(void *)msg;
	const uint8_t how = fuzz_u8(in), to = fuzz_u8(in), by = fuzz_u8(in);
	const uint8_t more = fuzz_u8(in), given = fuzz_u8(in);
	const bool own = (to & 2) == 0;		/* of an interface's net */
	const unsigned len = lens[to >> 5] == 24 && own ? 28 : lens[to >> 5];
	/* Ways by one gateway that differ in anything else cannot be told from
	 * each other when one is deleted, so only a route of this metric has
	 * all that makes a difference, and that has one way alone. */
	const bool rich = (how >> 3 & 3) == 3 && (given & RTV_METRIC) != 0;
	const uint32_t via = place((by & 0x1f & ((to & 3) == 2 && len >= 24 ?
	    0x1f : 0x1d)) | ((by & 2) != 0 && (to & 3) == 2 && len >= 24));

	memset(rtm, 0, sizeof(*rtm));
	rtm->rtm_h.rtm_len = sizeof(*rtm);
	rtm->rtm_h.rtm_version = RTM_VERSION;
	rtm->rtm_h.rtm_type = types[how & 7];
	rtm->rtm_flags = RTF_UP | RTF_STATIC;
	rtm->rtm_given = given & (rich ? 0x1f : 0x3f);
	rtm->rtm_metric = how >> 3 & 3;
	rtm->rtm_table = (how & 0x60) == 0x60 ? 7 : 0;
	rtm->rtm_weight = more & 3;
	rtm->rtm_proto = RTPROT_STATIC + (more >> 2 & 1);
	rtm->rtm_mtu = rich && (more & 8) != 0 ? 1400 : 0;
	rtm->rtm_expire_s = more & 16 ? 5000 : 0;
	if (more & 32 && (rich || (by & 0x20) == 0 || own))
		rtm->rtm_index = more >> 6;
	if (by & 0x80)
		rtm->rtm_flags |= by & 0x40 ? RTF_REJECT : RTF_BLACKHOLE;
	KASSERT(put_sin(msg, RTA_DST, place(to) & mask_of(len)));
	/* No circle, which a request cannot make again: only a longer prefix of
	 * one network has a gateway in the other. */
	if ((by & 0x20) != 0 && !own) {
		rtm->rtm_flags |= RTF_GATEWAY;
		KASSERT(put_sin(msg, RTA_GATEWAY, via));
	}
	if (len < 32)
		KASSERT(put_sin(msg, RTA_NETMASK, mask_of(len)));
	if (rich && (given & 0x80) != 0)
		KASSERT(put_sin(msg, RTA_IFA, place(given >> 6 & 1 ? 4 : 5)));
	return rtm->rtm_h.rtm_len;
}

/* Break a request: its lengths, what it asks for, or any byte. */
static size_t
mangle(struct fuzz_in *in, unsigned how, uint8_t *msg, size_t len)
{
	struct ctl_hdr h;
	struct ctl_rec rc;

	memcpy(&h, msg, sizeof(h));
	memcpy(&rc, msg + sizeof(h), sizeof(rc));
	switch (how) {
	case 0:
		h.ch_len = (uint32_t)((int64_t)h.ch_len + (int8_t)fuzz_u8(in));
		break;
	case 1:
		rc.rc_len = (uint32_t)((int64_t)rc.rc_len +
		    (int8_t)fuzz_u8(in));
		break;
	case 2:
		msg[fuzz_u8(in) % len] = fuzz_u8(in);
		return len;
	case 3:
		h.ch_op = fuzz_u8(in) % CTL_OP_MAX;
		if (h.ch_op == CTL_HALT || h.ch_op == CTL_FOLLOW)
			h.ch_op = CTL_COMMIT;
		len = h.ch_len = sizeof(h);
		break;
	case 4:
		len = sizeof(h) + fuzz_u8(in) % (len - sizeof(h) + 1);
		h.ch_len = (uint32_t)len;
		break;
	default:
		h.ch_vnet[0] = (char)fuzz_u8(in);
		break;
	}
	memcpy(msg, &h, sizeof(h));
	if (len >= sizeof(h) + sizeof(rc))
		memcpy(msg + sizeof(h), &rc, sizeof(rc));
	return len;
}

static size_t
put_request(struct fuzz_in *in, uint8_t *msg)
{
	const struct ctl_op_def *od = ctl_op_find(CTL_ROUTE);
	uint64_t room[RT_MSG_MAX / 8] = { 0 };
	struct rt_msg *rtm = (struct rt_msg *)(void *)room;
	uint8_t *p = msg + sizeof(struct ctl_hdr);
	const uint8_t how = fuzz_u8(in);
	struct ctl_hdr h;
	struct ctl_rec rc;
	size_t len;

	if ((how & 0xf0) == 0x80) {
		len = fuzz_rtmsg(in, room);
		rtm->rtm_expire_s = rtm->rtm_expire_s != 0 ? 5000 : 0;
		/* In a table of their own, as the same circles would be made,
		 * and nothing but additions. */
		rtm->rtm_given &= RTV_METRIC | RTV_PROTO | RTV_LATER;
		rtm->rtm_table = 9;
		if (rtm->rtm_h.rtm_type != RTM_GET)
			rtm->rtm_h.rtm_type = RTM_ADD;
	} else
		len = put_route(in, (uint8_t *)room);
	KASSERT(len >= od->od_size);
	rc = proto_rec_head(od->od_size, len - od->od_size);
	memcpy(p, &rc, sizeof(rc));
	memcpy(p + sizeof(rc), room, len);
	memset(&h, 0, sizeof(h));
	h.ch_magic = CTL_MAGIC;
	h.ch_len = (uint32_t)sizeof(h) + rc.rc_len;
	h.ch_op = CTL_ROUTE;
	memcpy(msg, &h, sizeof(h));
	return (how & 0xf0) == 0xf0 ? mangle(in, how & 7, msg, h.ch_len) :
	    h.ch_len;
}

static size_t
put_op(uint8_t *msg, unsigned op, size_t len)
{
	struct ctl_hdr h;

	memset(&h, 0, sizeof(h));
	h.ch_magic = CTL_MAGIC;
	h.ch_len = (uint32_t)(sizeof(h) + len);
	h.ch_op = (uint16_t)op;
	memcpy(msg, &h, sizeof(h));
	return h.ch_len;
}

static size_t
put_batch(struct fuzz_in *in, unsigned n, uint8_t *msg)
{
	uint8_t *p = msg + sizeof(struct ctl_hdr);
	size_t len = 0;

	for (; n > 0; n--) {
		len = (len + 7) & ~(size_t)7;
		len += put_request(in, p + len);
	}
	return put_op(msg, CTL_BATCH, len);
}

/* --- running -------------------------------------------------------------- */

/* Send a message; returns what ctl_dispatch() does. */
static int
ask(struct run *r, const uint8_t *msg, size_t len, unsigned fault)
{
	uint8_t *copy = malloc(len);
	int error;

	/* Of exactly its size, so that the sanitizer sees one byte too far. */
	KASSERT(copy != NULL);
	memcpy(copy, msg, len);
	r->r_nlast = 0;
	r->r_error = 0;
	r->r_flags = 0;
	sim_fail_alloc(r->r_host, fault);
	error = ctl_dispatch(r->r_session, copy, len, -1);
	free(copy);
	KASSERT(error == 0 || error == EPROTO ||
	    (error == ENOMEM && sim_alloc_failed(r->r_host)));
	sim_fail_alloc(r->r_host, 0);
	KASSERT(error != 0 || r->r_nlast == 1);
	return error;
}

static void
hang_up(struct run *r)
{
	const bool was_open = is_open(r);

	ctl_session_destroy(r->r_session);
	session_open(r);
	look(r);
	KASSERT(!was_open || routes_same(&r->r_base, &r->r_after));
}

/* As a client does when a part of its change is refused. */
static void
roll_back(struct run *r)
{
	uint8_t msg[sizeof(struct ctl_hdr)];

	KASSERT(ask(r, msg, put_op(msg, CTL_ROLLBACK, 0), 0) == 0);
	KASSERT(r->r_error == 0 && !is_open(r));
	look(r);
	KASSERT(routes_same(&r->r_base, &r->r_after));
}

static void
send_message(struct run *r, const uint8_t *msg, size_t len, unsigned op,
    unsigned fault)
{
	const bool was_open = is_open(r);

	r->r_before = r->r_after;
	if (ask(r, msg, len, fault) != 0) {
		hang_up(r);
		return;
	}
	if (!was_open && is_open(r))
		r->r_base = r->r_before;
	look(r);
	/* But for a batch, which goes as far as its first that is refused. */
	if (op != CTL_ROUTE && op != CTL_BATCH && op != CTL_ROLLBACK)
		KASSERT(routes_same(&r->r_before, &r->r_after));
	else if (op == CTL_ROUTE && r->r_error != 0)
		KASSERT(routes_same(&r->r_before, &r->r_after));
	else if (op == CTL_ROLLBACK)
		KASSERT(routes_same(was_open ? &r->r_base : &r->r_before,
		    &r->r_after));
	else if (op == CTL_BATCH && r->r_error != 0 && is_open(r))
		roll_back(r);
}

static void
one_record(struct run *r, struct fuzz_in *in, uint8_t *msg)
{
	static const uint8_t ops[] = { CTL_BEGIN, CTL_COMMIT, CTL_ROLLBACK };
	const uint8_t b = fuzz_u8(in);
	const unsigned fault = b & BR_FAULT ? fuzz_u8(in) : 0;

	switch (b & BR_KIND) {
	case BR_CLOSE:
		hang_up(r);
		break;
	case BR_ROUTE:
	case BR_OTHER:
		send_message(r, msg, put_request(in, msg), CTL_ROUTE, fault);
		break;
	case BR_BATCH:
	case BR_MORE:
		send_message(r, msg, put_batch(in, (b & BR_MANY) >> 3, msg),
		    CTL_BATCH, fault);
		break;
	default:
		/* Memory that is missing to undo something is a loss. */
		send_message(r, msg, put_op(msg, ops[b & BR_KIND], 0),
		    ops[b & BR_KIND], 0);
		break;
	}
}

static void
add_address(struct vnet *vn)
{
	struct ifaliasreq ifra;
	struct sockaddr_in sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = place(1 | 1 << 2);
	memset(&ifra, 0, sizeof(ifra));
	strcpy(ifra.ifra_name, "pair1");
	memcpy(&ifra.ifra_addr, &sin, sizeof(sin));
	sin.sin_addr.s_addr = mask_of(24);
	memcpy(&ifra.ifra_mask, &sin, sizeof(sin));
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCAIFADDR, &ifra,
	    sizeof(ifra)) == 0);
}

static void
run(struct host *h, void *arg)
{
	struct fuzz_in *in = arg;
	struct run *r = calloc(1, sizeof(*r));
	uint8_t *msg = malloc(CTL_MSG_MAX * 2);

	KASSERT(r != NULL && msg != NULL);
	r->r_host = h;
	r->r_stack = fuzz_stack_create(h);
	r->r_vn = fuzz_vnet_create(r->r_stack, "v");
	add_address(r->r_vn);
	session_open(r);
	look(r);
	for (unsigned i = 0; i < NMESSAGES && in->fi_left > 0; i++)
		one_record(r, in, msg);
	hang_up(r);
	ctl_session_destroy(r->r_session);
	fuzz_stack_destroy(r->r_stack);
	free(msg);
	free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	fuzz_on_sim(run, &in);
	return 0;
}
