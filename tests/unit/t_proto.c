/*
 * Clients and stacks of different releases: each understands the other, or
 * says that it does not.  Those of other releases are made here, from the
 * bytes they would send.
 */

#include "addr_test.h"
#include "ctl_test.h"

#include <errno.h>

#include <ifnet/if_dl.h>
#include <ifnet/ifreq_old.h>

#include "client_test.h"
#include "proto/proto_ioctl.h"	/* under test */
#include "proto/proto_names.h"	/* under test */
#include "proto/rtmsg_fit.h"	/* under test */

/* --- a session, and what it answers -------------------------------------- */

#define KEEP	64

struct fixture {
	struct ifnet_stack *st;
	struct vnet	*vn;
	struct ctl_session *s;
	size_t		 n, next;	/* answers kept, and read */
	struct {
		uint8_t	*msg;
		size_t	 len;
	}		 m[KEEP];
	/* Makes of an answer the one of a stack of another release. */
	size_t		(*other)(uint8_t *msg, size_t len);
	/* Answers in place of the session; false: it does. */
	bool		(*instead)(struct fixture *, const void *msg);
};

static int
keep(void *arg, const void *msg, size_t len)
{
	struct fixture *f = arg;

	if (f->n == KEEP)
		return ENOSPC;
	/* Room for what another release may add. */
	f->m[f->n].msg = calloc(1, 2 * CTL_MSG_MAX);
	assert_non_null(f->m[f->n].msg);
	memcpy(f->m[f->n].msg, msg, len);
	f->m[f->n].len = f->other != NULL ? f->other(f->m[f->n].msg, len) :
	    len;
	f->n++;
	return 0;
}

static void
nothing(void *arg)
{

	(void)arg;
}

static void
forget(struct fixture *f)
{

	while (f->n > 0)
		free(f->m[--f->n].msg);
	f->next = 0;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ctl_sink sink = { keep, nothing, NULL, f };
	struct kauth_cred cred = { .kc_uid = 0 };

	assert_non_null(f);
	f->st = test_stack(1);
	f->vn = test_vnet(f->st, "default");
	assert_int_equal(ctl_session_create(f->st->st_kern, &cred, &sink,
	    &f->s), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	forget(f);
	ctl_session_destroy(f->s);
	ifnet_stack_destroy(f->st);
	free(f);
	return 0;
}

static struct ctl_hdr
answer_header(const struct fixture *f)
{
	struct ctl_hdr h;

	assert_true(f->n >= 1);
	memcpy(&h, f->m[f->n - 1].msg, sizeof(h));
	assert_int_equal(h.ch_magic, CTL_MAGIC);
	assert_int_equal(h.ch_len, f->m[f->n - 1].len);
	return h;
}

/* Give the session a message; the errno of its last answer, and its words. */
static int
ask(struct fixture *f, const uint8_t *msg, size_t len, const char **text)
{
	struct ctl_hdr h;

	forget(f);
	assert_int_equal(ctl_dispatch(f->s, msg, len, -1), 0);
	h = answer_header(f);
	*text = "";
	if (h.ch_flags & CTL_TEXT) {
		assert_int_equal(f->m[f->n - 1].msg[h.ch_len - 1], 0);
		*text = (const char *)f->m[f->n - 1].msg + sizeof(h);
	}
	return h.ch_error;
}

/* The one record of the last answer. */
static void
answer_record(const struct fixture *f, void *fixed, size_t size,
    struct proto_rec *pr)
{
	const uint8_t *p = f->m[f->n - 1].msg + sizeof(struct ctl_hdr);
	size_t left = f->m[f->n - 1].len - sizeof(struct ctl_hdr);

	assert_int_equal(proto_rec_next(&p, &left, pr), 1);
	assert_true(proto_rec_get(pr, fixed, size));
}

/* --- the greeting -------------------------------------------------------- */

/*
 * The first release greeted with a header alone.  What it needs to say why it
 * was refused: its op and number, the errno, and words that end.
 */
static void
test_first_release(void **state)
{
	static const uint8_t hello[56] = {
		0x31, 0x6e, 0x66, 0x69,		/* "ifn1", of this machine */
		56, 0, 0, 0,			/* length */
		1, 0, 0, 0,			/* hello, no flags */
		0, 0, 0, 0,			/* no error */
		1, 0, 0, 0, 0, 0, 0, 0,		/* number 1 */
	};
	struct fixture *f = *state;
	struct ctl_hdr h;
	const char *text;

	ctl_session_must_greet(f->s);
	assert_int_equal(ask(f, hello, sizeof(hello), &text),
	    EPROTONOSUPPORT);
	says(text, "version 2");
	says(text, "speaks version 1");
	h = answer_header(f);
	assert_int_equal(h.ch_seq, 1);
	assert_int_equal(h.ch_op, 1);
	assert_int_equal(h.ch_flags, CTL_ANSWER | CTL_TEXT);
	assert_true(memcmp(f->m[0].msg, hello, 4) == 0);
}

/* Requests of the session, which may be refused. */
static void
test_first_release_goes_on(void **state)
{
	struct fixture *f = *state;
	uint8_t msg[512];
	struct ctl_dump cd = { .d_what = IFNET_LINK };
	const char *text;
	size_t n;

	ctl_session_must_greet(f->s);
	n = build_raw(msg, CTL_DUMP, "", &cd, sizeof(cd));
	assert_int_equal(ask(f, msg, n, &text), EPROTO);
	says(text, "greeted");
	n = build_raw(msg, CTL_VNET_CREATE, "", "blue", 5);
	assert_int_equal(ask(f, msg, n, &text), EPROTO);
	assert_null(vnet_lookup(f->st, "blue"));
}

static int
greet(struct fixture *f, uint32_t newest, uint32_t oldest, size_t nfixed,
    struct ctl_hello *answer, const char **text)
{
	struct {
		struct ctl_hello hello;
		uint8_t		 more[64];
	} rq;
	struct proto_rec pr;
	uint8_t msg[512];
	int error;

	memset(&rq, 0, sizeof(rq));
	rq.hello.h_version = newest;
	rq.hello.h_oldest = oldest;
	error = ask(f, msg, build_rec(msg, CTL_HELLO, "", &rq, nfixed,
	    "soon\0later", 11), text);
	if (error == 0)
		answer_record(f, answer, sizeof(*answer), &pr);
	return error;
}

static void
test_versions(void **state)
{
	struct fixture *f = *state;
	struct ctl_hello answer;
	const char *text;

	/* A client that can do more settles for the version of both. */
	assert_int_equal(greet(f, 9, 2, sizeof(answer), &answer, &text), 0);
	assert_int_equal(answer.h_version, CTL_VERSION);
	says(answer.h_text, "ifnetd");
	assert_int_equal(answer.h_names, proto_names_hash());
	/* One whose greeting says less, or more that is zero. */
	assert_int_equal(greet(f, 2, 2, 8, &answer, &text), 0);
	assert_int_equal(greet(f, 2, 2, sizeof(answer) + 64, &answer, &text),
	    0);
	assert_int_equal(greet(f, 9, 8, sizeof(answer), &answer, &text),
	    EPROTONOSUPPORT);
	says(text, "the client speaks version 8");
	assert_int_equal(greet(f, 1, 1, sizeof(answer), &answer, &text),
	    EPROTONOSUPPORT);
	assert_int_equal(greet(f, 0, 0, sizeof(answer), &answer, &text),
	    EPROTONOSUPPORT);
}

/* --- requests of other releases ------------------------------------------ */

/* Every operation, with a struct that is longer. */
static void
test_longer_requests(void **state)
{
	struct fixture *f = *state;
	static uint8_t fixed[1024], msg[4096];
	const char *text;
	size_t n, size;

	for (unsigned op = 1; op < CTL_OP_MAX; op++) {
		if (op == CTL_BATCH)
			continue;
		assert_non_null(test_op_name(op));
		size = test_op_size(op);
		memset(fixed, 0, sizeof(fixed));
		/* Operations that are not known are not asked for. */
		n = build_rec(msg, op, "", fixed, size + 24, "x", 2);
		(void)ask(f, msg, n, &text);
		assert_null(strstr(text, "does not know"));
		fixed[size + 23] = 1;
		n = build_rec(msg, op, "", fixed, size + 24, "x", 2);
		assert_int_equal(ask(f, msg, n, &text), EOPNOTSUPP);
		says(text, "does not know (is the client newer?)");
	}
	n = build_raw(msg, CTL_OP_MAX, "", NULL, 0);
	assert_int_equal(ask(f, msg, n, &text), EOPNOTSUPP);
	says(text, "is the client newer?");
}

/* Records whose lengths lie. */
static void
test_bad_records(void **state)
{
	static const struct ctl_rec bad[] = {
		{ 7, 0, 0 }, { 0, 0, 0 }, { 33, 24, 0 }, { 32, 32, 0 },
		{ 32, 20, 0 }, { 32, 24, 1 }, { 0xffffffff, 24, 0 },
		{ 32, 0xffff, 0 },
	};
	struct fixture *f = *state;
	uint8_t payload[64], msg[256];
	const char *text;
	size_t n;

	memset(payload, 0, sizeof(payload));
	payload[sizeof(struct ctl_rec)] = IFNET_LINK;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(payload, &bad[i], sizeof(bad[i]));
		n = build_raw(msg, CTL_DUMP, "", payload, 32);
		assert_int_equal(ask(f, msg, n, &text), EINVAL);
		says(text, "another version");
	}
	/* Two records: what the second says is not known. */
	memcpy(payload, &(struct ctl_rec){ 32, 24, 0 }, 8);
	memcpy(payload + 32, &(struct ctl_rec){ 16, 8, 3 }, 8);
	n = build_raw(msg, CTL_DUMP, "", payload, 48);
	assert_int_equal(ask(f, msg, n, &text), EOPNOTSUPP);
	n = build_raw(msg, CTL_DUMP, "", payload, 32);
	assert_int_equal(ask(f, msg, n, &text), 0);
}

/* A shorter struct asks for what its fields that are missing say as zeros. */
static void
test_shorter_requests(void **state)
{
	struct ctl_dump cd = { .d_what = IFNET_LINK };
	struct ctl_rule_number none = { 0, 0 };
	struct fixture *f = *state;
	uint8_t msg[512];
	const char *text;

	assert_int_equal(ask(f, msg, build_rec(msg, CTL_DUMP, "", &cd, 8,
	    NULL, 0), &text), 0);
	assert_int_equal(ask(f, msg, build_rec(msg, CTL_DUMP, "", &cd, 0,
	    NULL, 0), &text), EINVAL);
	/* All counters. */
	assert_int_equal(ask(f, msg, build_rec(msg, CTL_FILTER_ZERO, "",
	    &none, 0, NULL, 0), &text), 0);
}

/* --- interface requests --------------------------------------------------- */

/* A request whose record has so many bytes. */
static int
ask_ioctl(struct fixture *f, unsigned long cmd, void *record, size_t len,
    const char **text)
{
	unsigned long word = (cmd & ~(0x3ffful << 16)) | len << 16;
	struct ctl_ioctl ci = { .i_cmd = word, .i_len = (uint32_t)len,
		.i_stride = sizeof(struct ifreq) };
	struct proto_rec pr;
	static uint8_t msg[8192];
	int error;

	error = ask(f, msg, build_rec(msg, CTL_IOCTL, "", &ci, sizeof(ci),
	    record, len), text);
	if (error != 0)
		return error;
	answer_record(f, &ci, sizeof(ci), &pr);
	assert_int_equal(ci.i_cmd, word);
	assert_int_equal(pr.pr_len, cmd & IFIOC_OUT ? len : 0);
	memcpy(record, pr.pr_data, pr.pr_len);
	return 0;
}

static void
test_ioctl_records(void **state)
{
	struct fixture *f = *state;
	struct {
		struct ifdatareq d;
		uint8_t		 more[32];
	} dr;
	struct {
		struct ifreq	 r;
		uint8_t		 more[32];
	} ir;
	const char *text;
	size_t half = offsetof(struct ifdatareq, ifdr_data.ifi_collisions);

	/* Shorter: as much of the answer as it has room for. */
	memset(&dr, 0, sizeof(dr));
	strcpy(dr.d.ifdr_name, "lo0");
	assert_int_equal(ask_ioctl(f, SIOCGIFDATA, &dr, half, &text), 0);
	assert_int_equal(dr.d.ifdr_data.ifi_type, 24);
	assert_true(dr.d.ifdr_data.ifi_mtu > 0);
	/* Longer: zeros behind. */
	memset(&ir, 0, sizeof(ir));
	strcpy(ir.r.ifr_name, "lo0");
	assert_int_equal(ask_ioctl(f, SIOCGIFMTU, &ir, sizeof(ir), &text), 0);
	assert_int_equal(ir.r.ifr_mtu, dr.d.ifdr_data.ifi_mtu);
	assert_int_equal(ir.more[0], 0);
	ir.more[31] = 1;
	assert_int_equal(ask_ioctl(f, SIOCSIFMTU, &ir, sizeof(ir), &text),
	    EOPNOTSUPP);
	says(text, "newer");
	/* An old layout is a request of its own. */
	assert_int_equal(proto_ioctl_here(OSIOCGIFFLAGS), OSIOCGIFFLAGS);
	assert_int_equal(proto_ioctl_here(SIOCGIFFLAGS), SIOCGIFFLAGS);
	assert_int_equal(proto_ioctl_here(SIOCGIFFLAGS + (8ul << 16)),
	    SIOCGIFFLAGS);
	/* Unknown as before. */
	assert_int_not_equal(ask_ioctl(f, IFIOC_WR(250, struct ifreq), &ir,
	    sizeof(ir.r), &text), 0);
	assert_string_equal(proto_ioctl_name(SIOCSIFMTU), "SIOCSIFMTU");
}

/* Records of a list are of a size that both ends know, or refused. */
static void
test_ioctl_lists(void **state)
{
	struct fixture *f = *state;
	struct ctl_ioctl ci = { .i_cmd = SIOCGIFCONF,
		.i_len = sizeof(struct ifconf),
		.i_stride = sizeof(struct ifreq) + 8 };
	struct ifconf ifc = { .ifc_len = 0 };
	uint8_t msg[512];
	const char *text;

	assert_int_equal(ask(f, msg, build_rec(msg, CTL_IOCTL, "", &ci,
	    sizeof(ci), &ifc, sizeof(ifc)), &text), EINVAL);
	says(text, "another size");
	ci.i_stride = sizeof(struct ifreq);
	assert_int_equal(ask(f, msg, build_rec(msg, CTL_IOCTL, "", &ci,
	    sizeof(ci), &ifc, sizeof(ifc)), &text), 0);
}

/* --- routing messages ---------------------------------------------------- */

struct long_route {
	struct rt_msg	 rtm;
	uint8_t		 more[16];
	uint8_t		 dst[TEST_SALEN];
};

static struct long_route
long_route(void)
{
	struct long_route lr;

	memset(&lr, 0, sizeof(lr));
	lr.rtm.rtm_h.rtm_version = RTM_VERSION;
	lr.rtm.rtm_h.rtm_type = RTM_GET;
	lr.rtm.rtm_h.rtm_len = sizeof(lr);
	lr.rtm.rtm_h.rtm_hdrlen = offsetof(struct long_route, dst);
	lr.rtm.rtm_h.rtm_addrs = RTA_DST;
	test_addr_put(lr.dst, "127.0.0.1");
	return lr;
}

static void
test_route_requests(void **state)
{
	struct fixture *f = *state;
	struct long_route lr = long_route();
	uint8_t msg[512];
	const char *text;

	assert_int_equal(ask(f, msg, build_rec(msg, CTL_ROUTE, "", NULL, 0,
	    &lr, sizeof(lr)), &text), 0);
	lr.more[3] = 1;
	assert_int_equal(ask(f, msg, build_rec(msg, CTL_ROUTE, "", NULL, 0,
	    &lr, sizeof(lr)), &text), EINVAL);
	says(text, "is the client newer?");
	lr = long_route();
	lr.rtm.rtm_h.rtm_version = RTM_VERSION + 1;
	assert_int_equal(ask(f, msg, build_rec(msg, CTL_ROUTE, "", NULL, 0,
	    &lr, sizeof(lr)), &text), EINVAL);
	says(text, "version");
	/* A kind of address that came later. */
	lr = long_route();
	lr.rtm.rtm_h.rtm_addrs = RTA_DST | 0x100;
	assert_int_equal(ask(f, msg, build_rec(msg, CTL_ROUTE, "", NULL, 0,
	    &lr, sizeof(lr)), &text), EINVAL);
	says(text, "is the client newer?");
}

static void
test_fit(void **state)
{
	uint64_t room[RT_MSG_MAX / 8];
	struct long_route lr = long_route();
	const struct sockaddr *sa[RTAX_MAX];
	struct {
		struct rt_msg	 rtm;
		uint8_t		 dst[TEST_SALEN];
	} exact;
	const void *out;

	(void)state;
	/* Longer. */
	assert_int_equal(rt_msg_fit(&lr, sizeof(lr), room, &out), 0);
	assert_ptr_equal(out, room);
	assert_int_equal(rt_msg_check(out, sizeof(lr) - sizeof(lr.more), sa),
	    0);
	assert_memory_equal(sa[0], lr.dst, sizeof(lr.dst));
	lr.more[0] = 1;
	assert_int_equal(rt_msg_fit(&lr, sizeof(lr), room, &out), E2BIG);
	assert_int_equal(rt_msg_check(out, sizeof(lr) - sizeof(lr.more), sa),
	    0);
	/* As it is here: in place, stamped or not. */
	memset(&exact, 0, sizeof(exact));
	exact.rtm = lr.rtm;
	memcpy(exact.dst, lr.dst, sizeof(exact.dst));
	exact.rtm.rtm_h.rtm_len = sizeof(exact);
	exact.rtm.rtm_h.rtm_hdrlen = 0;
	assert_int_equal(rt_msg_fit(&exact, sizeof(exact), room, &out), 0);
	assert_ptr_equal(out, &exact);
	rt_msg_stamp(&exact);
	assert_int_equal(exact.rtm.rtm_h.rtm_hdrlen, sizeof(struct rt_msg));
	assert_int_equal(rt_msg_fit(&exact, sizeof(exact), room, &out), 0);
	assert_ptr_equal(out, &exact);
	/* Shorter: without a name at the end, say. */
	memmove((uint8_t *)&exact + sizeof(exact.rtm) - IFNAMSIZ, exact.dst,
	    sizeof(exact.dst));
	exact.rtm.rtm_h.rtm_len = sizeof(exact) - IFNAMSIZ;
	exact.rtm.rtm_h.rtm_hdrlen = sizeof(exact.rtm) - IFNAMSIZ;
	assert_int_equal(rt_msg_fit(&exact, sizeof(exact) - IFNAMSIZ, room,
	    &out), 0);
	assert_int_equal(rt_msg_check(out, sizeof(exact), sa), 0);
	assert_memory_equal(sa[0], lr.dst, sizeof(lr.dst));
	assert_string_equal(((const struct rt_msg *)out)->rtm_ifname, "");
	/* Nonsense. */
	for (unsigned n = 1; n < sizeof(lr) + 9; n++) {
		lr.rtm.rtm_h.rtm_hdrlen = (uint16_t)n;
		if (n != offsetof(struct long_route, dst) &&
		    n != sizeof(lr.rtm))
			assert_int_not_equal(rt_msg_fit(&lr, sizeof(lr), room,
			    &out), 0);
	}
}

/* --- a stack of another release, and a client of this one ---------------- */

static int
tr_send(void *arg, const void *msg, size_t len, int fd)
{
	struct fixture *f = arg;

	if (f->next == f->n)
		forget(f);
	if (f->instead != NULL && f->instead(f, msg))
		return 0;
	return ctl_dispatch(f->s, msg, len, fd);
}

static int
tr_recv(void *arg, void *buf, size_t *len, int ms)
{
	struct fixture *f = arg;

	(void)ms;
	if (f->next == f->n)
		(void)ctl_session_events(f->s);
	if (f->next == f->n)
		return ETIMEDOUT;
	*len = f->m[f->next].len;
	assert_true(*len <= CTL_MSG_MAX);
	memcpy(buf, f->m[f->next++].msg, *len);
	return 0;
}

static struct ifnet_client *
client(struct fixture *f)
{
	static const struct test_transport tt = { tr_send, tr_recv, nothing };

	return test_client(&tt, f);
}

static void
put_answer(struct fixture *f, const struct ctl_hdr *rq, int error,
    unsigned flags, const void *payload, size_t len)
{
	struct ctl_hdr h = *rq;
	uint8_t msg[512];

	h.ch_len = (uint32_t)(sizeof(h) + len);
	h.ch_flags = (uint16_t)flags;
	h.ch_error = error;
	memcpy(msg, &h, sizeof(h));
	memcpy(msg + sizeof(h), payload, len);
	(void)keep(f, msg, sizeof(h) + len);
}

/* The first release refused a greeting with anything behind its header. */
static bool
answer_as_first(struct fixture *f, const void *msg)
{
	static const char words[] = "the request is longer than it can be";
	struct {
		uint32_t version, pid;
		char	 text[64];
	} hello = { 1, 4711, "ifnetd 0.1.0" };
	struct ctl_hdr h;

	memcpy(&h, msg, sizeof(h));
	assert_int_equal(h.ch_op, CTL_HELLO);
	if (h.ch_len > sizeof(h))
		put_answer(f, &h, EINVAL, CTL_ANSWER | CTL_TEXT, words,
		    sizeof(words));
	else
		put_answer(f, &h, 0, CTL_ANSWER, &hello, sizeof(hello));
	return true;
}

static void
test_stack_of_first_release(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = client(f);
	struct ifnet_error e;

	f->instead = answer_as_first;
	assert_int_equal(test_client_greet(c, &e), EPROTONOSUPPORT);
	says(e.text, "speaks version 1");
	says(e.text, "this client 2");
	ifnet_close(c);
}

/* A server that speaks no version of this client's. */
static bool
answer_as_last(struct fixture *f, const void *msg)
{
	struct {
		struct ctl_rec	 rc;
		struct ctl_hello hello;
	} a = { proto_rec_head(sizeof(a.hello), 0),
	    { .h_version = 7, .h_oldest = 7 } };
	struct ctl_hdr h;

	memcpy(&h, msg, sizeof(h));
	put_answer(f, &h, 0, CTL_ANSWER, &a, sizeof(a));
	return true;
}

static void
test_stack_of_last_release(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = client(f);
	struct ifnet_error e;

	f->instead = answer_as_last;
	assert_int_equal(test_client_greet(c, &e), EPROTONOSUPPORT);
	says(e.text, "speaks version 7");
	ifnet_close(c);
}

/*
 * A stack that has a drop reason, a history event and a state more, in the
 * middle of each list; whose records are longer, and which sends messages of a
 * kind we have never seen.
 */
#define NEW_NUMBER	2

static uint32_t
moved(uint32_t number)
{

	return number >= NEW_NUMBER ? number + 1 : number;
}

/* A payload being built behind a header. */
struct made {
	uint8_t		*mk_msg;
	size_t		 mk_len;
};

static void
put(struct made *mk, const void *data, size_t len)
{

	if (len > 0)
		memcpy(mk->mk_msg + mk->mk_len, data, len);
	mk->mk_len += len;
}

static void
pad(struct made *mk)
{

	while ((mk->mk_len - sizeof(struct ctl_hdr)) % 8 != 0)
		mk->mk_msg[mk->mk_len++] = 0;
}

/* A record with 8 bytes more in its struct. */
static void
put_longer(struct made *mk, const void *fixed, size_t nfixed,
    const void *data, size_t len)
{
	static const uint8_t more[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct ctl_rec rc = proto_rec_head(nfixed + sizeof(more), len);

	pad(mk);
	put(mk, &rc, sizeof(rc));
	put(mk, fixed, nfixed);
	put(mk, more, sizeof(more));
	put(mk, data, len);
}

static void
make_record(struct made *mk, unsigned op, const struct proto_rec *pr)
{
	static const char text[] = "brand-new\0of the next release";
	static bool done[PROTO_NAMES_MAX];
	struct if_history ih;
	struct ctl_hello hello;
	struct ctl_name n;

	switch (op) {
	case CTL_HELLO:
		assert_true(proto_rec_get(pr, &hello, sizeof(hello)));
		hello.h_names ^= 1;
		memset(done, 0, sizeof(done));
		put_longer(mk, &hello, sizeof(hello), pr->pr_data,
		    pr->pr_len);
		break;
	case CTL_NAMES:
		assert_true(proto_rec_get(pr, &n, sizeof(n)));
		n.n_number = moved(n.n_number);
		put_longer(mk, &n, sizeof(n), pr->pr_data, pr->pr_len);
		if (done[n.n_table])
			break;
		done[n.n_table] = true;
		n.n_number = NEW_NUMBER;
		put_longer(mk, &n, sizeof(n), text, sizeof(text));
		n.n_table = 77;
		put_longer(mk, &n, sizeof(n), text, sizeof(text));
		break;
	case CTL_HISTORY:
		assert_true(proto_rec_get(pr, &ih, sizeof(ih)));
		ih.ih_event = (uint16_t)moved(ih.ih_event);
		put_longer(mk, &ih, sizeof(ih), NULL, 0);
		break;
	default:
		put_longer(mk, pr->pr_fixed, pr->pr_nfixed, pr->pr_data,
		    pr->pr_len);
		break;
	}
}

static void
make_message(struct made *mk, const uint8_t *msg)
{
	static const uint8_t more[16] = { 9, 9, 9 };
	struct if_detail_drop drop = { .ifdd_reason = NEW_NUMBER,
		.ifdd_count = 12345 };
	struct rt_hdr h;
	size_t at, head;

	memcpy(&h, msg, sizeof(h));
	head = h.rtm_hdrlen;
	assert_true(head >= sizeof(h) && head <= h.rtm_len);
	pad(mk);
	at = mk->mk_len;
	put(mk, msg, head);
	put(mk, more, sizeof(more));
	put(mk, msg + head, h.rtm_len - head);
	if (h.rtm_type == RTM_IFDETAIL) {
		struct if_detail_msg *m = (void *)(mk->mk_msg + at);

		put(mk, &drop, sizeof(drop));
		put(mk, more, 8);
		/* No other counts: none was dropped. */
		assert_int_equal(m->ifdm_ndrops, 0);
		m->ifdm_ndrops = 1;
		m->ifdm_droplen = sizeof(drop) + 8;
	} else if (h.rtm_type == RTM_IFINFO) {
		struct if_msg *ifm = (void *)(mk->mk_msg + at);

		ifm->ifm_data.ifi_oper = (uint8_t)moved(
		    ifm->ifm_data.ifi_oper);
		ifm->ifm_data.ifi_link_state = (uint8_t)moved(
		    ifm->ifm_data.ifi_link_state);
	}
	h.rtm_hdrlen += (uint16_t)sizeof(more);
	h.rtm_len = (uint16_t)(mk->mk_len - at);
	memcpy(mk->mk_msg + at, &h, sizeof(h));
	/* And one of a kind that came later. */
	pad(mk);
	h.rtm_type = 0x7f;
	h.rtm_len = h.rtm_hdrlen = sizeof(h);
	put(mk, &h, sizeof(h));
}

static size_t
as_newer(uint8_t *msg, size_t len)
{
	static uint8_t copy[CTL_MSG_MAX];
	struct made mk = { msg, sizeof(struct ctl_hdr) };
	const uint8_t *p = copy + sizeof(struct ctl_hdr);
	struct proto_rec pr;
	struct ctl_hdr h;
	struct rt_hdr rh;
	size_t left;

	memcpy(&h, msg, sizeof(h));
	if (h.ch_flags & CTL_TEXT)
		return len;
	memcpy(copy, msg, len);
	left = len - sizeof(h);
	if (h.ch_op == CTL_DUMP || h.ch_op == CTL_FOLLOW) {
		while (left > 0) {
			memcpy(&rh, p, sizeof(rh));
			make_message(&mk, p);
			p += proto_padded(rh.rtm_len);
			left -= proto_padded(rh.rtm_len);
		}
	} else
		while (proto_rec_next(&p, &left, &pr) > 0)
			make_record(&mk, h.ch_op, &pr);
	h.ch_len = (uint32_t)mk.mk_len;
	memcpy(msg, &h, sizeof(h));
	return mk.mk_len;
}

static char *
output_of(struct ifnet_client *c, const char *line)
{

	return test_client_command(c, line, NULL, NULL);
}

static int
count_vnet(const char *name, unsigned n, void *arg)
{

	assert_string_equal(name, "default");
	assert_true(n > 0);
	++*(int *)arg;
	return 0;
}

static void
test_newer_stack(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c;
	struct ifnet_event ev;
	struct ifnet_error e;
	int vnets = 0, links = 0;
	char *out;

	test_command(f->vn, "ifconfig pair0 create");
	test_command(f->vn, "ifconfig pair0 inet 10.1.2.3/24 mtu 1400 up");
	f->other = as_newer;
	c = client(f);
	if (test_client_greet(c, &e) != 0)
		fail_msg("%s", e.text);
	says(ifnet_server(c), "ifnetd");
	assert_true(ifnet_has_feature(c, "names"));
	assert_false(ifnet_has_feature(c, "teleport"));
	assert_string_equal(ifnet_drop_name(c, NEW_NUMBER), "brand-new");
	assert_string_equal(ifnet_drop_text(c, NEW_NUMBER),
	    "of the next release");
	assert_string_equal(ifnet_drop_name(c, moved(DROP_IP_TTL)), "ip-ttl");
	assert_true(ifnet_drop_is_output(c, moved(DROP_TX_ERROR)));
	assert_false(ifnet_drop_is_output(c, moved(DROP_IP_TTL)));
	assert_string_equal(ifnet_drop_name(c, 999), "unknown");

	out = output_of(c, "ifconfig -v pair0");
	says(out, "10.1.2.3");
	says(out, "mtu 1400");
	says(out, "12345 brand-new (of the next release)");
	free(out);
	out = output_of(c, "show pair0");
	says(out, "no carrier");
	free(out);
	out = output_of(c, "route -n show");
	says(out, "10.1.2.0/24");
	free(out);
	/* Each event under its name, though all numbers are others. */
	out = output_of(c, "history pair0");
	says(out, "attach");
	says(out, "mtu");
	says(out, "1400");
	says(out, "addr-add");
	free(out);
	assert_int_equal(ifnet_vnet_list(c, count_vnet, &vnets, &e), 0);
	assert_int_equal(vnets, 1);
	assert_int_equal(ifnet_follow(c, IFNET_LINK | IFNET_SNAPSHOT, &e), 0);
	do {
		assert_int_equal(ifnet_next_timeout(c, 0, &ev, &e), 0);
		if (strcmp(ev.ifname, "pair0") != 0)
			continue;
		assert_int_equal(ev.link.operstate,
		    IFNET_OPER_DOWN_CARRIER);
		links++;
	} while (ev.type != IFNET_EV_SNAPSHOT_END);
	assert_int_equal(links, 1);
	ifnet_close(c);
}

/* --- names ---------------------------------------------------------------- */

static void
test_names(void **state)
{
	const char *text;

	(void)state;
	for (unsigned t = 1; t < PROTO_NAMES_MAX; t++) {
		assert_true(proto_names_count(t) > 1);
		for (unsigned i = 0; i < proto_names_count(t); i++) {
			text = NULL;
			if (proto_name(t, i, &text) == NULL)
				continue;
			assert_non_null(text);
			assert_true(strlen(proto_name(t, i, NULL)) +
			    strlen(text) < 500);
			for (unsigned j = 0; j < i; j++)
				assert_true(proto_name(t, j, NULL) == NULL ||
				    strcmp(proto_name(t, i, NULL),
				    proto_name(t, j, NULL)) != 0);
		}
	}
	assert_null(proto_name(PROTO_NAMES_DROP, DROP_NREASONS, NULL));
	assert_null(proto_name(0, 0, NULL));
	assert_null(proto_name(PROTO_NAMES_MAX, 0, NULL));
	assert_string_equal(proto_name(PROTO_NAMES_DROP, DROP_IP_TTL, NULL),
	    "ip-ttl");
}

int
main(void)
{
#define T(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_first_release), T(test_first_release_goes_on),
		T(test_versions), T(test_longer_requests),
		T(test_bad_records), T(test_shorter_requests),
		T(test_ioctl_records), T(test_ioctl_lists),
		T(test_route_requests), cmocka_unit_test(test_fit),
		T(test_stack_of_first_release), T(test_stack_of_last_release),
		T(test_newer_stack), cmocka_unit_test(test_names),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
