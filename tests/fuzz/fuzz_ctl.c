/*
 * Control messages: sessions with all rights and with none, given messages
 * that are arbitrary, nearly right, or right.
 *
 * Whatever is asked, a request whose header makes sense gets exactly one last
 * answer, and one without rights changes nothing.
 */

#include "fuzz_stack.h"

#include <errno.h>

#include "kern/sysctl.h"
#include "net/rtsock.h"

#define NREQUESTS	24

/* A record's first byte. */
#define REC_OP		0x1f	/* the operation; past the last: enum special */
#define REC_NOBODY	0x20	/* from the session without rights */
#define REC_ROUGH	0x40	/* the payload is as in the input */
#define REC_RUN		0x80	/* then let the stack run */

enum special { SP_RAW = CTL_OP_MAX, SP_SLEEP, SP_CLOSE, SP_FAULT };

struct peer {
	struct ctl_session *p_session;
	struct ctl_sink	 p_sink;
	unsigned	 p_last;	/* last answers since the request */
	uint64_t	 p_seq;		/* the request's */
};

struct run {
	struct host	*r_host;
	struct ifnet_stack *r_stack;
	struct peer	 r_root, r_nobody;
};

static int
sink_send(void *arg, const void *msg, size_t len)
{
	struct peer *p = arg;
	struct ctl_hdr h;

	KASSERT(len >= sizeof(h) && len <= CTL_MSG_MAX);
	memcpy(&h, msg, sizeof(h));
	KASSERT(h.ch_magic == CTL_MAGIC && h.ch_len == len);
	KASSERT(memchr(h.ch_vnet, '\0', sizeof(h.ch_vnet)) != NULL);
	if (h.ch_flags & CTL_TEXT)
		KASSERT(((const char *)msg)[len - 1] == '\0');
	if (h.ch_flags & CTL_EVENT)
		return 0;
	KASSERT(h.ch_flags & CTL_ANSWER);
	KASSERT(h.ch_seq == p->p_seq);
	if (!(h.ch_flags & CTL_MORE))
		p->p_last++;
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
peer_open(struct run *r, struct peer *p, uid_t uid)
{
	struct kauth_cred cred;

	memset(&cred, 0, sizeof(cred));
	cred.kc_uid = uid;
	cred.kc_gid = uid;
	cred.kc_pid = 4711;
	p->p_sink = (struct ctl_sink){ sink_send, sink_wakeup, sink_halt, p };
	KASSERT(ctl_session_create(r->r_stack->st_kern, &cred, &p->p_sink,
	    &p->p_session) == 0);
}

/* --- what there is --- */

/* Of all vnets: interfaces, addresses and routes, as one number. */
static void
state_add(uint64_t *sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		*sum = (*sum ^ p[i]) * 0x100000001b3u;
}

static int
state_msg(const void *msg, void *arg)
{
	uint64_t copy[RT_MSG_MAX / 8];
	struct rt_hdr *h = (struct rt_hdr *)(void *)copy;
	struct rt_msg *rtm = (struct rt_msg *)(void *)copy;

	memcpy(copy, msg, sizeof(*h));
	memcpy(copy, msg, h->rtm_len);
	h->rtm_time_ns = 0;
	if (h->rtm_type == RTM_GET || h->rtm_type == RTM_ADD) {
		rtm->rtm_expire_s = 0;
		rtm->rtm_use = 0;
	}
	state_add(arg, copy, h->rtm_len);
	return 0;
}

static int
state_if(struct ifnet *ifp, void *arg)
{

	state_add(arg, ifp->if_xname, sizeof(ifp->if_xname));
	state_add(arg, &ifp->if_flags, sizeof(ifp->if_flags));
	state_add(arg, &ifp->if_mtu, sizeof(ifp->if_mtu));
	state_add(arg, &ifp->if_capenable, sizeof(ifp->if_capenable));
	return 0;
}

static int
state_vnet(struct vnet *vn, void *arg)
{

	state_add(arg, vn->vn_name, strlen(vn->vn_name));
	KASSERT(if_foreach(vn, state_if, arg) == 0);
	KASSERT(rtsock_dump(vn, RTS_ADDR | RTS_ROUTE, 0, state_msg,
	    arg) == 0);
	return 0;
}

static uint64_t
state(struct run *r)
{
	uint64_t sum = 0xcbf29ce484222325u;

	(void)vnet_foreach(r->r_stack->st_kern, state_vnet, &sum);
	return sum;
}

/* --- payloads --- */

static const uint32_t cmds[] = {
	SIOCSIFADDR, SIOCGIFADDR, SIOCSIFDSTADDR, SIOCGIFDSTADDR,
	SIOCSIFFLAGS, SIOCGIFFLAGS, SIOCGIFBRDADDR, SIOCSIFBRDADDR,
	SIOCGIFCONF, SIOCGIFNETMASK, SIOCSIFNETMASK, SIOCGIFMETRIC,
	SIOCSIFMETRIC, SIOCDIFADDR, SIOCAIFADDR, SIOCGIFALIAS, SIOCALIFADDR,
	SIOCGLIFADDR, SIOCDLIFADDR, SIOCSIFADDRPREF, SIOCGIFADDRPREF,
	SIOCADDMULTI, SIOCDELMULTI, SIOCGIFDLT, SIOCIFCREATE, SIOCIFDESTROY,
	SIOCIFGCLONERS, SIOCSIFMTU, SIOCGIFMTU, SIOCSIFCAP, SIOCGIFCAP,
	SIOCGIFDATA, SIOCZIFDATA, SIOCGIFDROPS, SIOCGIFINDEX, SIOCSLINKSTR,
	SIOCGLINKSTR, SIOCSIFDESCR, SIOCGIFDESCR, SIOCINITIFADDR,
};

/* Addresses at the places where a record has them. */
static void
fill_addrs(struct fuzz_in *in, uint32_t cmd, uint8_t *rec, size_t size)
{
	size_t off = IFNAMSIZ;

	if (cmd == SIOCALIFADDR || cmd == SIOCGLIFADDR || cmd == SIOCDLIFADDR)
		off = offsetof(struct if_laddrreq, iflr_addr);
	else if (cmd == SIOCSIFADDRPREF || cmd == SIOCGIFADDRPREF)
		off = offsetof(struct if_addrprefreq, ifap_addr);
	for (; off + sizeof(struct sockaddr_storage) <= size;
	    off += sizeof(struct sockaddr_storage))
		(void)fuzz_sockaddr(in, rec + off, 64);
}

static size_t
fill_ioctl(struct fuzz_in *in, uint8_t *buf)
{
	uint8_t how = fuzz_u8(in);
	uint64_t cmd = cmds[how % (sizeof(cmds) / sizeof(cmds[0]))];
	size_t size = IFIOC_SIZE(cmd), extra = 0;
	uint8_t *rec = buf + sizeof(cmd);
	struct if_clonereq cr;
	struct ifconf ifc;

	memcpy(buf, &cmd, sizeof(cmd));
	memset(rec, 0, size);
	if (cmd == SIOCGIFCONF) {
		ifc.ifc_len = (int16_t)fuzz_u16(in);
		extra = ifc.ifc_len > 0 ? (size_t)ifc.ifc_len : 0;
		memcpy(rec, &ifc, sizeof(ifc));
	} else if (cmd == SIOCIFGCLONERS) {
		cr.ifcr_total = fuzz_u8(in);
		cr.ifcr_count = (int8_t)fuzz_u8(in);
		extra = cr.ifcr_count > 0 ?
		    (size_t)cr.ifcr_count * IFNAMSIZ : 0;
		memcpy(rec, &cr, sizeof(cr));
	} else {
		fuzz_ifname(in, (char *)rec);
		if (fuzz_u8(in) & 1)
			fill_addrs(in, (uint32_t)cmd, rec, size);
		else
			(void)fuzz_bytes(in, rec + IFNAMSIZ, size - IFNAMSIZ <
			    64 ? size - IFNAMSIZ : 64);
	}
	memset(rec + size, 0, extra);
	return sizeof(cmd) + size + extra;
}

/* A name of the tree: the n-th, where there are as many. */
static void
nth_name(struct run *r, unsigned n, char name[SYSCTL_NAMESIZE])
{
	struct vnet *vn = vnet_get(r->r_stack->st_kern, "");
	char next[SYSCTL_NAMESIZE];

	memset(name, 0, SYSCTL_NAMESIZE);
	if (vn == NULL)
		return;
	for (n %= 128; sysctl_next(vn, name, next) == 0 && n > 0; n--)
		memcpy(name, next, sizeof(next));
	vnet_put(vn);
}

static size_t
fill_sysctl(struct run *r, struct fuzz_in *in, uint8_t *buf)
{
	struct ctl_sysctl cs;
	int64_t v;

	memset(&cs, 0, sizeof(cs));
	_Static_assert(sizeof(cs.s_name) >= SYSCTL_NAMESIZE, "names fit");
	nth_name(r, fuzz_u8(in), cs.s_name);
	cs.s_oldroom = fuzz_u16(in);
	cs.s_setnew = fuzz_u8(in) & 1;
	cs.s_newlen = cs.s_setnew ? sizeof(v) : 0;
	v = (int16_t)fuzz_u16(in);
	memcpy(buf, &cs, sizeof(cs));
	memcpy(buf + sizeof(cs), &v, sizeof(v));
	return sizeof(cs) + cs.s_newlen;
}

static size_t
fill_dump(struct fuzz_in *in, uint8_t *buf)
{
	struct ctl_dump d;

	memset(&d, 0, sizeof(d));
	d.d_what = fuzz_u8(in);
	if (d.d_what & 0x40)
		fuzz_ifname(in, d.d_ifname);
	d.d_what &= 0x1f;
	memcpy(buf, &d, sizeof(d));
	return sizeof(d);
}

static size_t
fill_ping(struct fuzz_in *in, unsigned op, uint8_t *buf)
{
	struct ctl_ping_send ps;
	struct ctl_ping p;

	if (op == CTL_PING_BEGIN) {
		p.p_dst = fuzz_addr4(in);
		p.p_src = fuzz_u8(in) & 1 ? fuzz_addr4(in) : 0;
		memcpy(buf, &p, sizeof(p));
		return sizeof(p);
	}
	memset(&ps, 0, sizeof(ps));
	ps.ps_seq = fuzz_u8(in);
	ps.ps_bytes = fuzz_u16(in);
	ps.ps_ttl = fuzz_u8(in);
	memcpy(buf, &ps, sizeof(ps));
	return sizeof(ps);
}

static const char *const vnet_names[] = { "", "v", "w", "x" };

static size_t
fill_payload(struct run *r, struct fuzz_in *in, unsigned op, uint8_t *buf)
{
	const char *name;

	switch (op) {
	case CTL_IOCTL:
		return fill_ioctl(in, buf);
	case CTL_SYSCTL:
		return fill_sysctl(r, in, buf);
	case CTL_SYSCTL_NEXT:
	case CTL_SYSCTL_DESCR:
		nth_name(r, fuzz_u8(in), (char *)buf);
		return strlen((char *)buf) + 1;
	case CTL_ROUTE:
		return fuzz_rtmsg(in, buf);
	case CTL_DUMP:
	case CTL_FOLLOW:
		return fill_dump(in, buf);
	case CTL_VNET_CREATE:
	case CTL_VNET_DESTROY:
		name = vnet_names[fuzz_u8(in) & 3];
		strcpy((char *)buf, name);
		return strlen(name) + 1;
	case CTL_PING_BEGIN:
	case CTL_PING_SEND:
		return fill_ping(in, op, buf);
	default:
		return 0;
	}
}

/* --- messages --- */

static size_t
put_header(struct fuzz_in *in, unsigned op, uint64_t seq, uint8_t *msg,
    size_t len)
{
	struct ctl_hdr h;

	memset(&h, 0, sizeof(h));
	h.ch_magic = CTL_MAGIC;
	h.ch_len = (uint32_t)(sizeof(h) + len);
	h.ch_op = (uint16_t)op;
	h.ch_seq = seq;
	strcpy(h.ch_vnet, vnet_names[fuzz_u8(in) & 3]);
	memcpy(msg, &h, sizeof(h));
	return sizeof(h) + len;
}

/* One message in CTL_MSG_MAX bytes at msg. */
static size_t
make_message(struct run *r, struct fuzz_in *in, uint8_t rec, uint64_t seq,
    uint8_t *msg, unsigned depth)
{
	unsigned op = rec & REC_OP, n;
	uint8_t *payload = msg + sizeof(struct ctl_hdr);
	struct fuzz_in part;
	size_t len = 0;

	if (op == CTL_BATCH && !(rec & REC_ROUGH) && depth == 0) {
		for (n = fuzz_u8(in) & 7; n > 0; n--) {
			len = (len + 7) & ~(size_t)7;
			if (len > CTL_MSG_MAX / 2)
				break;
			len += make_message(r, in, fuzz_u8(in), seq,
			    payload + len, 1);
		}
	} else if (rec & REC_ROUGH) {
		part = fuzz_part(in, fuzz_u16(in) % 4096);
		len = part.fi_left;
		memcpy(payload, part.fi_data, len);
	} else
		len = fill_payload(r, in, op, payload);
	return put_header(in, op, seq, msg, len);
}

static void
reopen(struct run *r, struct peer *p)
{

	ctl_session_destroy(p->p_session);
	peer_open(r, p, p == &r->r_root ? 0 : 65534);
}

static void
send_message(struct run *r, struct peer *p, const uint8_t *msg, size_t len)
{
	uint64_t before = p == &r->r_nobody ? state(r) : 0;
	struct ctl_hdr h;
	uint8_t *copy;
	int error;

	copy = malloc(len == 0 ? 1 : len);
	KASSERT(copy != NULL);
	memcpy(copy, msg, len);
	memset(&h, 0, sizeof(h));
	memcpy(&h, msg, len < sizeof(h) ? len : sizeof(h));
	p->p_seq = h.ch_seq;
	p->p_last = 0;
	error = ctl_dispatch(p->p_session, copy, len, -1);
	free(copy);
	KASSERT(error == 0 || error == EPROTO || (error == ENOMEM &&
	    sim_alloc_failed(r->r_host)));
	/* The memory that was not to be had for one request is for the next. */
	sim_fail_alloc(r->r_host, 0);
	KASSERT(error != 0 || p->p_last == 1);
	KASSERT(p->p_last <= 1);
	if (p == &r->r_nobody)
		KASSERT(state(r) == before);
	/* As the server does. */
	if (error != 0)
		reopen(r, p);
}

static void
one_record(struct run *r, struct fuzz_in *in, uint64_t seq, uint8_t *msg)
{
	uint8_t rec = fuzz_u8(in);
	struct peer *p = rec & REC_NOBODY ? &r->r_nobody : &r->r_root;
	struct fuzz_in part;

	switch (rec & REC_OP) {
	case SP_RAW:
		part = fuzz_part(in, fuzz_u16(in) % 4096);
		memcpy(msg, part.fi_data, part.fi_left);
		send_message(r, p, msg, part.fi_left);
		break;
	case SP_SLEEP:
		host_sleep(r->r_host, (uint64_t)fuzz_u8(in) * 100000000);
		break;
	case SP_CLOSE:
		reopen(r, p);
		break;
	case SP_FAULT:
		/* An allocation of the next request fails. */
		sim_fail_alloc(r->r_host, fuzz_u8(in));
		return;
	default:
		send_message(r, p, msg, make_message(r, in, rec, seq, msg, 0));
		break;
	}
	if (rec & REC_RUN)
		ifnet_stack_run(r->r_stack);
	KASSERT(ctl_session_events(r->r_root.p_session) == 0);
	KASSERT(ctl_session_events(r->r_nobody.p_session) == 0);
}

static void
run(struct host *h, void *arg)
{
	struct fuzz_in *in = arg;
	struct run r = { .r_host = h };
	uint8_t *msg;

	msg = malloc(CTL_MSG_MAX * 2);
	KASSERT(msg != NULL);
	r.r_stack = fuzz_stack_create(h);
	(void)fuzz_vnet_create(r.r_stack, "v");
	/* Not the uid that began this: that one has rights. */
	peer_open(&r, &r.r_root, 0);
	peer_open(&r, &r.r_nobody, 65534);
	for (unsigned i = 0; i < NREQUESTS && in->fi_left > 0; i++)
		one_record(&r, in, i, msg);
	ctl_session_destroy(r.r_root.p_session);
	ctl_session_destroy(r.r_nobody.p_session);
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
