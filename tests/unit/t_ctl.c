/*
 * Control sessions: what is refused and with which words, what is answered,
 * and that nothing that comes over the socket harms or holds up the stack.
 */

#include "ctl_test.h"

#include <errno.h>

#include <ifnet/if.h>
#include <ifnet/if_clone.h>

#include "sysctl_test.h"

/* --- a session whose answers we look at ---------------------------------- */

#define KEEP	64

struct answers {
	size_t		 n;
	struct {
		struct ctl_hdr h;
		size_t	 len;
		uint8_t	*data;
	}		 m[KEEP];
	int		 halts;
};

struct fixture {
	struct ifnet_stack *st;
	struct vnet	*vn;
	struct ctl_session *s;
	struct answers	 a;
};

static int
keep(void *arg, const void *msg, size_t len)
{
	struct answers *a = arg;

	assert_true(len >= sizeof(struct ctl_hdr) && len <= CTL_MSG_MAX);
	if (a->n == KEEP)
		return ENOSPC;
	memcpy(&a->m[a->n].h, msg, sizeof(struct ctl_hdr));
	assert_int_equal(a->m[a->n].h.ch_len, len);
	assert_int_equal(a->m[a->n].h.ch_magic, CTL_MAGIC);
	a->m[a->n].len = len - sizeof(struct ctl_hdr);
	a->m[a->n].data = malloc(a->m[a->n].len + 1);
	assert_non_null(a->m[a->n].data);
	memcpy(a->m[a->n].data, (const uint8_t *)msg + sizeof(struct ctl_hdr),
	    a->m[a->n].len);
	a->n++;
	return 0;
}

static void
nothing(void *arg)
{

	(void)arg;
}

static int
count_halt(void *arg)
{

	((struct answers *)arg)->halts++;
	return 0;
}

static void
forget(struct answers *a)
{

	while (a->n > 0)
		free(a->m[--a->n].data);
}

static struct ctl_session *
session(struct fixture *f, uid_t uid)
{
	struct ctl_sink sink = { keep, nothing, count_halt, &f->a };
	struct kauth_cred cred = { .kc_uid = uid, .kc_gid = uid };
	struct ctl_session *s;

	assert_int_equal(ctl_session_create(f->st->st_kern, &cred, &sink, &s),
	    0);
	return s;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->st = test_stack(1);
	f->vn = test_vnet(f->st, "default");
	f->s = session(f, 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	forget(&f->a);
	ctl_session_destroy(f->s);
	ifnet_stack_destroy(f->st);
	free(f);
	return 0;
}

/* Make a request whose one answer has this errno; its text, or "". */
static const char *
expect(struct fixture *f, struct ctl_session *s, unsigned op,
    const char *vnet, const void *data, size_t len, int error)
{
	static uint8_t msg[CTL_MSG_MAX];
	size_t n;

	forget(&f->a);
	n = build(msg, op, vnet, data, len);
	assert_int_equal(ctl_dispatch(s, msg, n, -1), 0);
	assert_true(f->a.n >= 1);
	assert_int_equal(f->a.m[0].h.ch_seq, 77);
	assert_int_equal(f->a.m[0].h.ch_op, op);
	assert_true(f->a.m[0].h.ch_flags & CTL_ANSWER);
	assert_int_equal(f->a.m[0].h.ch_error, error);
	if (!(f->a.m[0].h.ch_flags & CTL_TEXT))
		return "";
	assert_int_equal(f->a.m[0].data[f->a.m[0].len - 1], 0);
	return (const char *)f->a.m[0].data;
}

/* --- headers and payloads ------------------------------------------------ */

static void
test_bad_header(void **state)
{
	struct fixture *f = *state;
	uint8_t msg[256];
	struct ctl_hdr h;
	size_t n;

	n = build_raw(msg, CTL_HELLO, "", NULL, 0);
	memcpy(&h, msg, sizeof(h));
	/* Too short, and not ours: nothing to answer to. */
	assert_int_equal(ctl_dispatch(f->s, msg, n - 1, -1), EPROTO);
	h.ch_magic++;
	memcpy(msg, &h, sizeof(h));
	assert_int_equal(ctl_dispatch(f->s, msg, n, -1), EPROTO);
	assert_int_equal(f->a.n, 0);
	/* A header of the protocol's, but nonsense: answered, and the end. */
	n = build(msg, CTL_HELLO, "", NULL, 0);
	assert_int_equal(ctl_dispatch(f->s, msg, n + 8, -1), EPROTO);
	h.ch_magic = CTL_MAGIC;
	memset(h.ch_vnet, 'a', sizeof(h.ch_vnet));
	memcpy(msg, &h, sizeof(h));
	assert_int_equal(ctl_dispatch(f->s, msg, n, -1), EPROTO);
	memset(h.ch_vnet, 0, sizeof(h.ch_vnet));
	h.ch_flags = CTL_ANSWER;
	memcpy(msg, &h, sizeof(h));
	assert_int_equal(ctl_dispatch(f->s, msg, n, -1), EPROTO);
	assert_int_equal(f->a.n, 3);
	for (n = 0; n < 3; n++)
		assert_int_equal(f->a.m[n].h.ch_error, EPROTO);
}

static void
test_refusals(void **state)
{
	struct fixture *f = *state;
	uint8_t junk[4096];
	struct ctl_sysctl cs;
	struct ctl_dump cd;

	memset(junk, 'x', sizeof(junk));
	says(expect(f, f->s, 999, "", NULL, 0, EOPNOTSUPP), "does not know");
	(void)expect(f, f->s, 0, "", NULL, 0, EOPNOTSUPP);
	says(expect(f, f->s, CTL_ROUTE, "", junk, 3, EINVAL), "cut short");
	(void)expect(f, f->s, CTL_IOCTL, "", junk, 3, EINVAL);
	(void)expect(f, f->s, CTL_IOCTL, "", junk, 40, EINVAL);
	says(expect(f, f->s, CTL_HALT, "", junk, 1, EINVAL), "longer");
	says(expect(f, f->s, CTL_SYSCTL_NEXT, "", "abc", 3, EINVAL),
	    "no end");
	(void)expect(f, f->s, CTL_SYSCTL_NEXT, "", "a\0b", 4, EINVAL);
	(void)expect(f, f->s, CTL_ROUTE, "", junk, 100, EINVAL);
	(void)expect(f, f->s, CTL_ROUTE, "", junk, 4000, EINVAL);
	memset(&cs, 0, sizeof(cs));
	memcpy(junk, &cs, sizeof(cs));
	says(expect(f, f->s, CTL_SYSCTL, "", junk, sizeof(cs) + 8, EINVAL),
	    "carries a value");
	memset(junk, 'x', sizeof(junk));
	memset(&cd, 0, sizeof(cd));
	(void)expect(f, f->s, CTL_DUMP, "", &cd, sizeof(cd), EINVAL);
	(void)expect(f, f->s, CTL_FOLLOW, "", &cd, sizeof(cd), EINVAL);
	cd.d_what = 0x100;
	(void)expect(f, f->s, CTL_DUMP, "", &cd, sizeof(cd), EINVAL);
	cd.d_what = IFNET_LINK;
	says(expect(f, f->s, CTL_DUMP, "green", &cd, sizeof(cd), ENOENT),
	    "no vnet named green");
	strcpy(cd.d_ifname, "tap9");
	says(expect(f, f->s, CTL_DUMP, "", &cd, sizeof(cd), ENXIO), "tap9");
	(void)expect(f, f->s, CTL_PING_SEND, "", junk, 16, EINVAL);
}

static void
test_oversized(void **state)
{
	struct fixture *f = *state;
	static uint8_t msg[CTL_MSG_MAX];

	(void)build(msg, CTL_HELLO, "", NULL, 0);
	assert_int_equal(ctl_dispatch(f->s, msg, CTL_MSG_MAX + 1, -1), 0);
	assert_int_equal(f->a.n, 1);
	assert_int_equal(f->a.m[0].h.ch_error, EMSGSIZE);
}

/* --- operations ---------------------------------------------------------- */

struct ioctl_msg {
	struct ctl_ioctl ci;
	union {
		struct ifreq ifr;
		struct if_createreq ifcr;
		uint8_t	 raw[1024];
	} u;
};

static const char *
expect_ioctl(struct fixture *f, struct ctl_session *s, unsigned long cmd,
    const void *record, size_t len, int error)
{
	struct ioctl_msg im;

	memset(&im, 0, sizeof(im));
	im.ci.i_cmd = cmd;
	im.ci.i_len = (uint32_t)IFIOC_SIZE(cmd);
	im.ci.i_stride = sizeof(struct ifreq);
	memcpy(im.u.raw, record, len);
	return expect(f, s, CTL_IOCTL, "", &im, sizeof(im.ci) + len, error);
}

static void
test_ioctl(void **state)
{
	struct fixture *f = *state;
	struct if_createreq ifcr;
	struct ifconf ifc;
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "lo0");
	(void)expect_ioctl(f, f->s, SIOCGIFFLAGS, &ifr, sizeof(ifr), 0);
	assert_int_equal(f->a.m[0].len, sizeof(struct ctl_rec) +
	    sizeof(struct ctl_ioctl) + sizeof(ifr));
	memcpy(&ifr, f->a.m[0].data + sizeof(struct ctl_rec) +
	    sizeof(struct ctl_ioctl), sizeof(ifr));
	assert_true(ifr.ifr_flags & IFF_UP);
	/* Whole records only. */
	(void)expect_ioctl(f, f->s, SIOCGIFFLAGS, &ifr, sizeof(ifr) - 1,
	    EINVAL);
	(void)expect_ioctl(f, f->s, SIOCGIFFLAGS | 1ul << 40, &ifr,
	    sizeof(ifr), EINVAL);
	strcpy(ifr.ifr_name, "tap7");
	says(expect_ioctl(f, f->s, SIOCGIFFLAGS, &ifr, sizeof(ifr), ENXIO),
	    "tap7: no such interface");
	/* A list cannot be longer than the room that came with it. */
	memset(&ifc, 0, sizeof(ifc));
	(void)expect_ioctl(f, f->s, SIOCGIFCONF, &ifc, sizeof(ifc), 0);
	ifc.ifc_len = 4096;
	says(expect_ioctl(f, f->s, SIOCGIFCONF, &ifc, sizeof(ifc), EINVAL),
	    "less room");
	memset(&ifcr, 0, sizeof(ifcr));
	strcpy(ifcr.ifcr_name, "pair0");
	(void)expect_ioctl(f, f->s, SIOCIFCREATE, &ifcr, sizeof(ifcr), 0);
	says(expect_ioctl(f, f->s, SIOCIFCREATE, &ifcr, sizeof(ifcr), EEXIST),
	    "of this name exists");
	strcpy(ifcr.ifcr_name, "bogus0");
	(void)expect_ioctl(f, f->s, SIOCIFCREATE, &ifcr, sizeof(ifcr),
	    EINVAL);
}

/* A user who is neither root nor the one that started the stack. */
static uid_t
stranger(void)
{

	return geteuid() + 4711;
}

/* A driver that says why. */
static int
refusing_create(const struct if_clone *ifc, struct vnet *vn, unsigned unit,
    const char *params)
{

	(void)vn;
	return kern_refuse(EINVAL, "%s%u: it rains, and \"%s\" is no umbrella",
	    ifc->ifc_name, unit, params);
}

static const struct if_clone refusing_cloner = {
	.ifc_name = "rain",
	.ifc_create = refusing_create,
};

/* A driver that does not say why. */
static int
silent_create(const struct if_clone *ifc, struct vnet *vn, unsigned unit,
    const char *params)
{

	(void)ifc;
	(void)vn;
	(void)unit;
	(void)params;
	return EINVAL;
}

static const struct if_clone silent_cloner = {
	.ifc_name = "hush",
	.ifc_create = silent_create,
};

/* The reason of a driver reaches the client, and is no later request's. */
static void
test_reason(void **state)
{
	struct if_createreq ifcr = { .ifcr_name = "rain3",
	    .ifcr_params = "hat" };
	struct fixture *f = *state;

	assert_int_equal(if_clone_attach(f->vn, &refusing_cloner), 0);
	says(expect_ioctl(f, f->s, SIOCIFCREATE, &ifcr, sizeof(ifcr), EINVAL),
	    "rain3: it rains, and \"hat\" is no umbrella");
	strcpy(ifcr.ifcr_name, "snow3");
	says(expect_ioctl(f, f->s, SIOCIFCREATE, &ifcr, sizeof(ifcr), EINVAL),
	    "there is no kind of interface \"snow\"");
	/* A driver that says nothing is not spoken for. */
	assert_int_equal(if_clone_attach(f->vn, &silent_cloner), 0);
	strcpy(ifcr.ifcr_name, "hush3");
	assert_string_equal(expect_ioctl(f, f->s, SIOCIFCREATE, &ifcr,
	    sizeof(ifcr), EINVAL), "");
}

static void
test_permissions(void **state)
{
	struct fixture *f = *state;
	struct ctl_session *s = session(f, stranger());
	const struct ctl_route_flush flush = { .rf_table = 1 };
	struct if_createreq ifcr;
	struct ifreq ifr;
	const char *text;

	memset(&ifcr, 0, sizeof(ifcr));
	strcpy(ifcr.ifcr_name, "pair0");
	text = expect_ioctl(f, s, SIOCIFCREATE, &ifcr, sizeof(ifcr), EPERM);
	says(text, "permission denied: uid ");
	says(text, "administrators' group");
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "lo0");
	(void)expect_ioctl(f, s, SIOCGIFFLAGS, &ifr, sizeof(ifr), 0);
	(void)expect_ioctl(f, s, SIOCSIFFLAGS, &ifr, sizeof(ifr), EPERM);
	says(expect(f, s, CTL_VNET_CREATE, "", "blue", 5, EPERM), "vnets");
	(void)expect(f, s, CTL_VNET_DESTROY, "", "default", 8, EPERM);
	says(expect(f, s, CTL_ROUTE_FLUSH, "", &flush, sizeof(flush), EPERM),
	    "routes");
	(void)expect(f, s, CTL_HALT, "", NULL, 0, EPERM);
	assert_int_equal(f->a.halts, 0);
	(void)expect(f, f->s, CTL_HALT, "", NULL, 0, 0);
	assert_int_equal(f->a.halts, 1);
	ctl_session_destroy(s);
}

static void
test_settings(void **state)
{
	struct fixture *f = *state;
	struct {
		struct ctl_sysctl cs;
		int64_t	 value;
	} req;
	struct ctl_sysctl answer;
	struct ctl_session *s;

	memset(&req, 0, sizeof(req));
	strcpy(req.cs.s_name, "net.inet.ip.forwarding");
	req.cs.s_setnew = 1;
	req.value = 1;
	s = session(f, stranger());
	says(expect(f, s, CTL_SYSCTL, "", &req, sizeof(req), EPERM),
	    "change settings");
	ctl_session_destroy(s);
	(void)expect(f, f->s, CTL_SYSCTL, "", &req, sizeof(req), 0);
	req.cs.s_setnew = 0;
	req.cs.s_oldroom = 100;
	(void)expect(f, f->s, CTL_SYSCTL, "", &req.cs, sizeof(req.cs), 0);
	assert_int_equal(f->a.m[0].len, sizeof(struct ctl_rec) + sizeof(req));
	memcpy(&req, f->a.m[0].data + sizeof(struct ctl_rec), sizeof(req));
	assert_int_equal(req.value, 1);
	assert_true(test_sysctl_is_int(req.cs.s_type));
	assert_int_equal(req.cs.s_writable, 1);
	/* Too little room: how much it takes. */
	req.cs.s_oldroom = 3;
	(void)expect(f, f->s, CTL_SYSCTL, "", &req.cs, sizeof(req.cs),
	    ENOMEM);
	memcpy(&answer, f->a.m[0].data + sizeof(struct ctl_rec),
	    sizeof(answer));
	assert_int_equal(answer.s_oldlen, 8);
	req.cs.s_oldroom = 0;
	(void)expect(f, f->s, CTL_SYSCTL, "", &req.cs, sizeof(req.cs), 0);
	strcpy(req.cs.s_name, "net.nonsense");
	says(expect(f, f->s, CTL_SYSCTL, "", &req.cs, sizeof(req.cs), ENOENT),
	    "net.nonsense: no such name");
	(void)expect(f, f->s, CTL_SYSCTL_NEXT, "", "", 1, 0);
	assert_true(strlen((const char *)f->a.m[0].data +
	    sizeof(struct ctl_rec)) > 0);
}

/* Append a request to a batch. */
static size_t
batch_add(uint8_t *buf, size_t off, unsigned op, const void *data, size_t len)
{

	off += build(buf + off, op, "", data, len);
	return (off + 7) & ~(size_t)7;
}

/* The answer at *off of the one batch answer. */
static struct ctl_hdr
batch_answer(struct fixture *f, size_t *off)
{
	struct ctl_hdr h;

	assert_true(*off + sizeof(h) <= f->a.m[0].len);
	memcpy(&h, f->a.m[0].data + *off, sizeof(h));
	*off += (h.ch_len + 7u) & ~7u;
	return h;
}

static void
test_batch(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[2048];
	size_t n = 0, off = 0;

	memset(buf, 0, sizeof(buf));
	n = batch_add(buf, n, CTL_VNET_CREATE, "blue", 5);
	n = batch_add(buf, n, CTL_VNET_CREATE, "blue", 5);
	n = batch_add(buf, n, CTL_VNET_CREATE, "green", 6);
	(void)expect(f, f->s, CTL_BATCH, "", buf, n, EEXIST);
	assert_int_equal(batch_answer(f, &off).ch_error, 0);
	assert_int_equal(batch_answer(f, &off).ch_error, EEXIST);
	assert_int_equal(off, f->a.m[0].len);
	assert_non_null(vnet_lookup(f->st, "blue"));
	assert_null(vnet_lookup(f->st, "green"));
	/* A malformed request keeps all of its batch from being carried out. */
	memset(buf, 0, sizeof(buf));
	n = batch_add(buf, 0, CTL_VNET_CREATE, "green", 6);
	n = batch_add(buf, n, CTL_IOCTL, "x", 1);
	(void)expect(f, f->s, CTL_BATCH, "", buf, n, EINVAL);
	n = batch_add(buf, 0, CTL_VNET_CREATE, "green", 6);
	n = batch_add(buf, n, CTL_HALT, NULL, 0);
	(void)expect(f, f->s, CTL_BATCH, "", buf, n, EINVAL);
	n = batch_add(buf, 0, CTL_VNET_CREATE, "green", 6);
	(void)expect(f, f->s, CTL_BATCH, "", buf, n + 20, EINVAL);
	assert_null(vnet_lookup(f->st, "green"));
}

static void
test_vnet_goes(void **state)
{
	struct fixture *f = *state;
	struct ctl_dump cd = { .d_what = IFNET_ALL | IFNET_SNAPSHOT };
	size_t last;

	(void)expect(f, f->s, CTL_VNET_CREATE, "", "blue", 5, 0);
	(void)expect(f, f->s, CTL_FOLLOW, "blue", &cd, sizeof(cd), 0);
	assert_int_equal(ctl_session_events(f->s), 0);
	assert_true(f->a.n > 1);
	/* The same thread destroys what it follows. */
	(void)expect(f, f->s, CTL_VNET_DESTROY, "", "blue", 5, 0);
	assert_int_equal(ctl_session_events(f->s), 0);
	last = f->a.n - 1;
	assert_int_equal(f->a.m[last].h.ch_flags, CTL_EVENT | CTL_TEXT);
	assert_int_equal(f->a.m[last].h.ch_error, ENOENT);
	says(expect(f, f->s, CTL_VNET_DESTROY, "", "blue", 5, ENOENT),
	    "no vnet named blue");
	(void)expect(f, f->s, CTL_VNET_DESTROY, "", "", 1, EINVAL);
	(void)expect(f, f->s, CTL_VNET_CREATE, "", "a b", 4, EINVAL);
}

/* Random requests: every one has an answer and the stack stays whole. */
static void
test_random(void **state)
{
	struct fixture *f = *state;
	static uint8_t msg[4096];
	struct ctl_session *s;
	uint64_t x = 88172645463325252ull;
	struct ctl_hdr h;
	size_t len;

	s = session(f, stranger());
	for (int i = 0; i < 20000; i++) {
		for (size_t j = 0; j < 512; j += 8) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			memcpy(msg + j, &x, sizeof(x));
		}
		len = sizeof(h) + x % 400;
		memset(&h, 0, sizeof(h));
		h.ch_magic = CTL_MAGIC;
		h.ch_len = (uint32_t)len;
		h.ch_op = (uint16_t)((x >> 20) % (CTL_OP_MAX + 1));
		memcpy(msg, &h, sizeof(h));
		forget(&f->a);
		assert_int_equal(ctl_dispatch(s, msg, len, -1), 0);
		assert_true(f->a.n >= 1);
	}
	ctl_session_destroy(s);
}

int
main(void)
{
#define T(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_bad_header), T(test_refusals), T(test_oversized),
		T(test_ioctl), T(test_reason), T(test_permissions),
		T(test_settings), T(test_batch), T(test_vnet_goes),
		T(test_random),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
