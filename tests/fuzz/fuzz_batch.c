/*
 * Batches of route requests, inside changes and alone: many right ones, some
 * wrong, some broken.
 *
 * Whatever a batch holds, each of its requests up to the first that fails is
 * done, and nothing behind it; a change that is given up, or whose client goes
 * away, leaves the routes as they were; and packets find what the tables say.
 */

#include "fuzz_msg.h"

#include <errno.h>

#define NBATCHES	12
#define NREQUESTS	32

struct run {
	struct host	*r_host;
	struct ifnet_stack *r_stack;
	struct vnet	*r_vnet;
	struct ctl_session *r_session;
	struct ctl_sink	 r_sink;
	bool		 r_changing;
	uint64_t	 r_before;	/* fuzz_state() when it began */
	int		 r_error;	/* of the last answer */
	unsigned	 r_done;	/* answers without an error, of a batch */
};

/* The answers of a batch come one behind the other in its own. */
static void
count_answers(struct run *r, const uint8_t *p, size_t len)
{
	struct ctl_hdr h;

	while (len >= sizeof(h)) {
		memcpy(&h, p, sizeof(h));
		KASSERT(h.ch_len >= sizeof(h) && h.ch_len <= len);
		r->r_done += h.ch_error == 0;
		p += (h.ch_len + 7u) & ~7u;
		len -= ((h.ch_len + 7u) & ~7u) < len ?
		    (h.ch_len + 7u) & ~7u : len;
	}
}

static int
sink_send(void *arg, const void *msg, size_t len)
{
	struct run *r = arg;
	struct ctl_hdr h;

	memcpy(&h, msg, sizeof(h));
	KASSERT(h.ch_len == len);
	if (h.ch_op == CTL_BATCH && !(h.ch_flags & CTL_TEXT))
		count_answers(r, (const uint8_t *)msg + sizeof(h),
		    len - sizeof(h));
	if (!(h.ch_flags & CTL_MORE))
		r->r_error = h.ch_error;
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
	struct kauth_cred cred = { .kc_uid = 0, .kc_pid = 4711 };

	r->r_sink = (struct ctl_sink){ sink_send, sink_wakeup, sink_halt, r };
	KASSERT(ctl_session_create(r->r_stack->st_kern, &cred, &r->r_sink,
	    &r->r_session) == 0);
}

/* --- what there is ------------------------------------------------------ */

static int
audit_route(const void *msg, void *arg)
{
	const struct rt_msg *rtm = msg;
	const struct sockaddr *sa[RTAX_MAX];
	struct run *r = arg;
	struct sockaddr_in sin;
	struct rt_table *tb;
	union {
		struct rt_msg	 rtm;
		uint8_t		 room[RT_MSG_MAX];
	} get;
	struct fwd fd;

	KASSERT(rt_msg_check(msg, rtm->rtm_h.rtm_len, sa) == 0);
	memcpy(&sin, sa[0], sizeof(sin));
	KASSERT(rt_get(r->r_vnet, rtm->rtm_table, sin.sin_addr.s_addr, -1,
	    RTM_GET, &get) == 0);
	KASSERT(rt_table_hold(r->r_vnet, rtm->rtm_table, false, &tb) == 0);
	pserialize_read_enter();
	fd = rt_lookup4_raw(tb, sin.sin_addr.s_addr);
	KASSERT(fd.fd_nh != NULL);
	if ((get.rtm.rtm_given & (RTV_MPATH | RTV_UNREACHABLE)) == 0)
		KASSERT((fd.fd_nh->nh_flags & NH_UNREACHABLE) == 0 &&
		    (fd.fd_nh->nh_ifp == NULL ? get.rtm.rtm_ifhandle == 0 ||
		    (fd.fd_nh->nh_flags & NH_NOWHERE) != 0 :
		    fd.fd_nh->nh_ifp->if_handle == get.rtm.rtm_ifhandle));
	pserialize_read_exit();
	rt_table_drop(tb);
	return 0;
}

/* --- requests ----------------------------------------------------------- */

static size_t
put_sin(uint8_t *p, uint32_t addr)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(addr),
	};

	memset(p, 0, rt_sa_size(AF_INET));
	memcpy(p, &sin, sizeof(sin));
	return rt_sa_size(AF_INET);
}

/* A request of five bytes of input that mostly makes sense. */
static size_t
put_request(struct fuzz_in *in, void *buf)
{
	static const uint8_t types[] = {
		RTM_ADD, RTM_ADD, RTM_CHANGE, RTM_DELETE,
	};
	static const uint32_t gws[] = {
		0x0a000002, 0x0a000003, 0x14000001, 0x15000001, 0x16010001,
		0x0a000001, 0x63000001, 0x0a0000ff,
	};
	uint8_t how = fuzz_u8(in), dst = fuzz_u8(in), gw = fuzz_u8(in);
	uint8_t more = fuzz_u8(in), flags = fuzz_u8(in), *p = buf;
	struct rt_msg rtm;
	size_t len = sizeof(rtm);
	unsigned plen = 8 * (1 + (dst & 3));

	memset(&rtm, 0, sizeof(rtm));
	rtm.rtm_h.rtm_version = RTM_VERSION;
	rtm.rtm_h.rtm_type = types[how & 3];
	rtm.rtm_flags = RTF_STATIC | (flags & 1 ? RTF_REJECT : 0) |
	    (flags & 2 ? RTF_BLACKHOLE : 0);
	rtm.rtm_given = (flags & 4 ? RTV_LATER : 0) |
	    (flags & 8 ? RTV_MPATH : 0) | (flags & 16 ? RTV_REPLACE : 0) |
	    (flags & 32 ? RTV_METRIC : 0);
	rtm.rtm_metric = more & 3;
	rtm.rtm_weight = more >> 2 & 7;
	rtm.rtm_table = more >> 5;
	rtm.rtm_mtu = how & 4 ? 1400 : 0;
	rtm.rtm_expire_s = how & 8 ? more : 0;
	rtm.rtm_h.rtm_addrs = RTA_DST | (gw & 0x80 ? 0 : RTA_GATEWAY) |
	    (plen != 32 ? RTA_NETMASK : 0) | (how & 16 ? RTA_IFA : 0);
	rtm.rtm_index = how & 32 ? 1 + (gw >> 4 & 3) : 0;
	len += put_sin(p + len, (0x14000000u | (uint32_t)(dst >> 2 & 7) << 24 |
	    (uint32_t)(dst >> 5) << 16) & (uint32_t)
	    (0xffffffff00000000u >> plen));
	if ((rtm.rtm_h.rtm_addrs & RTA_GATEWAY) != 0)
		len += put_sin(p + len, gws[gw & 7]);
	if (plen != 32)
		len += put_sin(p + len, (uint32_t)
		    (0xffffffff00000000u >> plen));
	if ((rtm.rtm_h.rtm_addrs & RTA_IFA) != 0)
		len += put_sin(p + len, 0x0a000001);
	rtm.rtm_h.rtm_len = (uint32_t)len;
	memcpy(p, &rtm, sizeof(rtm));
	return len;
}

static size_t
put_message(unsigned op, uint8_t *msg, size_t len)
{
	struct ctl_hdr h = {
		.ch_magic = CTL_MAGIC, .ch_len = (uint32_t)(sizeof(h) + len),
		.ch_op = (uint16_t)op, .ch_seq = 1, .ch_vnet = "v",
	};

	memcpy(msg, &h, sizeof(h));
	return sizeof(h) + len;
}

/* One of a batch: a route, or another request that fuzz_msg.h makes. */
static size_t
put_part(struct run *r, struct fuzz_in *in, uint8_t *msg)
{
	uint8_t *payload = msg + sizeof(struct ctl_hdr);
	uint8_t kind = fuzz_u8(in);
	struct ctl_rec rc;
	size_t len;

	if (kind >= 0xf8)
		return fuzz_message(r->r_stack, in, CTL_ROUTE, 1, msg, 1);
	len = put_request(in, payload + sizeof(rc));
	if (kind >= 0xf0)	/* a byte of it is another */
		payload[sizeof(rc) + fuzz_u8(in) % len] = fuzz_u8(in);
	rc = proto_rec_head(0, len);
	memcpy(payload, &rc, sizeof(rc));
	return put_message(CTL_ROUTE, msg, rc.rc_len);
}

/* --- what is done ------------------------------------------------------- */

static void
tell(struct run *r, const uint8_t *msg, size_t len)
{
	uint8_t *copy = malloc(len);
	int error;

	KASSERT(copy != NULL);
	memcpy(copy, msg, len);
	r->r_done = 0;
	error = ctl_dispatch(r->r_session, copy, len, -1);
	free(copy);
	/* As the server does. */
	if (error == 0)
		return;
	KASSERT(error == EPROTO || error == ENOMEM);
	ctl_session_destroy(r->r_session);
	session_open(r);
	if (r->r_changing)
		KASSERT(fuzz_state(r->r_stack) == r->r_before);
	r->r_changing = false;
}

static void
plain(struct run *r, unsigned op, uint8_t *msg)
{

	tell(r, msg, put_message(op, msg, 0));
}

static void
batch(struct run *r, struct fuzz_in *in, uint8_t *msg)
{
	uint64_t before = fuzz_state(r->r_stack);
	uint8_t *payload = msg + sizeof(struct ctl_hdr);
	unsigned n = fuzz_u8(in) % NREQUESTS;
	size_t len = 0;

	while (n-- > 0) {
		len = (len + 7) & ~(size_t)7;
		len += put_part(r, in, payload + len);
	}
	tell(r, msg, put_message(CTL_BATCH, msg, len));
	if (r->r_done == 0)
		KASSERT(fuzz_state(r->r_stack) == before);
}

static void
step(struct run *r, struct fuzz_in *in, uint8_t *msg)
{
	uint8_t what = fuzz_u8(in);
	bool was = r->r_changing;

	switch (what & 7) {
	case 0:
		if (!was)
			r->r_before = fuzz_state(r->r_stack);
		plain(r, CTL_BEGIN, msg);
		r->r_changing = was || r->r_error == 0;
		break;
	case 1:
		plain(r, CTL_COMMIT, msg);
		r->r_changing = was && r->r_error != 0;
		break;
	case 2:
		plain(r, CTL_ROLLBACK, msg);
		if (was && r->r_error == 0) {
			KASSERT(fuzz_state(r->r_stack) == r->r_before);
			r->r_changing = false;
		}
		break;
	case 3:		/* the client goes away */
		ctl_session_destroy(r->r_session);
		session_open(r);
		if (was)
			KASSERT(fuzz_state(r->r_stack) == r->r_before);
		r->r_changing = false;
		break;
	default:
		batch(r, in, msg);
		break;
	}
	KASSERT(rt_dump(r->r_vnet, audit_route, r) == 0);
}

static void
run(struct host *h, void *arg)
{
	struct fuzz_in *in = arg;
	struct run r = { .r_host = h };
	uint8_t *msg = malloc(CTL_MSG_MAX * 2);

	KASSERT(msg != NULL);
	r.r_stack = fuzz_stack_create(h);
	r.r_vnet = fuzz_vnet_create(r.r_stack, "v");
	session_open(&r);
	for (unsigned i = 0; i < NBATCHES && in->fi_left > 0; i++)
		step(&r, in, msg);
	ctl_session_destroy(r.r_session);
	if (r.r_changing)
		KASSERT(fuzz_state(r.r_stack) == r.r_before);
	fuzz_stack_destroy(r.r_stack);
	free(msg);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	fuzz_on_sim(run, &in);
	return 0;
}
