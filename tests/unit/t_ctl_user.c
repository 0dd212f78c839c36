/*
 * Shares of a client without privilege: watches of each kind, listings,
 * requests and pings; that they are given back; and that an administrator has
 * all the same.
 */

#include "ctl_test.h"

#include <errno.h>
#include <time.h>

#include <arpa/inet.h>

#include <ifnet/if.h>

#include "sysctl_test.h"
#include "user_test.h"

#define USER	64001
#define OTHER	64002

static struct ifnet_stack *st;
static struct vnet *vn;

/* The last answer. */
static struct ctl_hdr answer;
static char words[1024];

static int
keep(void *arg, const void *msg, size_t len)
{

	(void)arg;
	memcpy(&answer, msg, sizeof(answer));
	memset(words, 0, sizeof(words));
	if (answer.ch_flags & CTL_TEXT)
		memcpy(words, (const char *)msg + sizeof(answer),
		    len - sizeof(answer) < sizeof(words) - 1 ?
		    len - sizeof(answer) : sizeof(words) - 1);
	return 0;
}

static void
nothing(void *arg)
{

	(void)arg;
}

static struct ctl_session *
session(uid_t uid)
{
	struct ctl_sink sink = { keep, nothing, NULL, NULL };
	struct kauth_cred cred = { .kc_uid = uid, .kc_gid = uid,
	    .kc_pid = 4242 };
	struct ctl_session *s;

	assert_int_equal(ctl_session_create(st->st_kern, &cred, &sink, &s),
	    0);
	return s;
}

/* The errno that a request is answered with. */
static int
ask(struct ctl_session *s, unsigned op, const void *data, size_t len)
{
	static uint8_t msg[CTL_MSG_MAX];

	memset(&answer, 0, sizeof(answer));
	answer.ch_error = -1;
	assert_int_equal(ctl_dispatch(s, msg, build(msg, op, "default", data,
	    len), -1), 0);
	return answer.ch_error;
}

static int
follow(struct ctl_session *s)
{
	struct ctl_dump d = { .d_what = IFNET_LINK };

	return ask(s, CTL_FOLLOW, &d, sizeof(d));
}

static int
ping(struct ctl_session *s, const char *src)
{
	struct ctl_ping p = { .p_dst = inet_addr("127.0.0.1") };

	if (src != NULL)
		p.p_src = inet_addr(src);
	return ask(s, CTL_PING_BEGIN, &p, sizeof(p));
}

static void
set(const char *name, int64_t v)
{

	assert_int_equal(test_sysctl_set(vn, name, v), 0);
}

static int
setup(void **state)
{

	(void)state;
	st = test_stack(1);
	vn = test_vnet(st, "default");
	test_command(vn, "ifconfig lo0 inet 127.0.0.1/8");
	return 0;
}

static int
teardown(void **state)
{

	(void)state;
	assert_int_equal(test_user_followers(st->st_kern, USER), 0);
	assert_int_equal(test_user_pings(st->st_kern, USER), 0);
	assert_int_equal(test_user_dumps(st->st_kern, USER), 0);
	assert_int_equal(test_user_bytes(st->st_kern, USER), 0);
	assert_int_equal(test_user_bytes(st->st_kern, 0), 0);
	ifnet_stack_destroy(st);
	return 0;
}

static void
test_watches(void **state)
{
	struct ctl_session *s[3], *root, *other;

	(void)state;
	set("kern.user.followers.each", 2);
	set("kern.user.followers.all", 3);
	set("kern.user.pings.each", 1);
	root = session(0);
	other = session(OTHER);
	for (unsigned i = 0; i < 3; i++)
		s[i] = session(USER);
	assert_int_equal(follow(s[0]), 0);
	assert_int_equal(follow(s[1]), 0);
	assert_int_equal(follow(s[2]), EUSERS);
	says(words, "kern.user.followers.each");
	says(words, "64001");
	/* A session that follows again gives its first follower back. */
	assert_int_equal(follow(s[1]), 0);
	/* A ping instead of it. */
	assert_int_equal(ping(s[1], NULL), 0);
	assert_int_equal(follow(s[2]), 0);
	assert_int_equal(ping(s[0], NULL), EUSERS);
	says(words, "kern.user.pings.each");
	/* A ping ended the watch of its session, as a new watch does. */
	assert_int_equal(test_user_followers(st->st_kern, USER), 1);
	assert_int_equal(follow(s[0]), 0);
	/* All users together; the administrator is not one of them. */
	assert_int_equal(follow(other), 0);
	set("kern.user.followers.all", 2);
	assert_int_equal(follow(other), EUSERS);
	says(words, "kern.user.followers.all");
	assert_int_equal(follow(root), 0);
	/* Pings that cannot be begun are not charged. */
	assert_int_equal(ask(s[1], CTL_PING_STOP, NULL, 0), 0);
	assert_int_equal(test_user_pings(st->st_kern, USER), 0);
	for (unsigned i = 0; i < 3; i++)
		ctl_session_destroy(s[i]);
	ctl_session_destroy(other);
	ctl_session_destroy(root);
}

static void
test_dumps(void **state)
{
	struct ctl_dump d = { .d_what = IFNET_LINK };
	struct ctl_session *s = session(USER), *root = session(0);

	(void)state;
	set("kern.user.dumps.each", 0);
	assert_int_equal(ask(s, CTL_DUMP, &d, sizeof(d)), EUSERS);
	says(words, "kern.user.dumps.each");
	assert_int_equal(ask(root, CTL_DUMP, &d, sizeof(d)), 0);
	set("kern.user.dumps.each", 1);
	assert_int_equal(ask(s, CTL_DUMP, &d, sizeof(d)), 0);
	assert_int_equal(ask(s, CTL_DUMP, &d, sizeof(d)), 0);
	ctl_session_destroy(s);
	ctl_session_destroy(root);
}

/* A source that is no address of the vnet, from anybody. */
static void
test_source(void **state)
{
	struct ctl_session *s = session(USER), *root = session(0);

	(void)state;
	assert_int_equal(ping(s, "8.8.8.8"), EADDRNOTAVAIL);
	says(words, "source");
	assert_int_equal(ping(root, "8.8.8.8"), EADDRNOTAVAIL);
	assert_int_equal(ping(s, "127.0.0.2"), EADDRNOTAVAIL);
	assert_int_equal(ping(s, "127.0.0.1"), 0);
	ctl_session_destroy(s);
	ctl_session_destroy(root);
}

/* No more in a second than is allowed: the rest waits or is refused. */
static void
test_rates(void **state)
{
	struct ctl_ping_send ps = { .ps_bytes = 8, .ps_ttl = 64 };
	struct ctl_session *s = session(USER), *root = session(0);

	(void)state;
	assert_int_equal(ping(s, NULL), 0);
	assert_int_equal(ping(root, NULL), 0);
	set("kern.user.ping_bytes.each", 1000);
	ps.ps_bytes = 65507;
	assert_int_equal(ask(s, CTL_PING_SEND, &ps, sizeof(ps)), EAGAIN);
	says(words, "kern.user.ping_bytes.each");
	assert_int_equal(ask(root, CTL_PING_SEND, &ps, sizeof(ps)), 0);
	ps.ps_bytes = 8;
	assert_int_equal(ask(s, CTL_PING_SEND, &ps, sizeof(ps)), 0);
	set("kern.user.ping_packets.each", 0);
	assert_int_equal(ask(s, CTL_PING_SEND, &ps, sizeof(ps)), EAGAIN);
	says(words, "kern.user.ping_packets.each");
	set("kern.user.requests.each", 0);
	assert_int_equal(ping(s, NULL), EAGAIN);
	says(words, "kern.user.requests.each");
	assert_int_equal(ping(root, NULL), 0);
	set("kern.user.requests.each", 50000);
	ctl_session_destroy(s);
	ctl_session_destroy(root);
}

/* --- bytes ---------------------------------------------------------------- */

/* Every buffer that is kept for a user is charged, refused by name when it is
 * too much, and given back. */
static void
test_bytes(void **state)
{
	struct ctl_dump d = { .d_what = IFNET_LINK };
	struct ctl_history hi = { "" };
	struct ctl_session *s = session(USER), *more = session(USER);
	struct ctl_session *root = session(0);
	uint64_t follower, used;

	(void)state;
	assert_int_equal(follow(s), 0);
	follower = test_user_bytes(st->st_kern, USER);
	assert_true(follower >= 128 * 1024);
	assert_int_equal(test_sysctl(vn, "kern.usage.64001.bytes"), follower);
	set("kern.user.bytes.each", (int64_t)(follower + follower / 2));
	assert_int_equal(follow(more), EUSERS);
	says(words, "kern.user.bytes.each");
	says(words, "64001");
	assert_int_equal(test_user_followers(st->st_kern, USER), 1);
	/* A session that follows again gives its first buffers back. */
	assert_int_equal(follow(s), 0);
	assert_int_equal(test_user_bytes(st->st_kern, USER), follower);
	/* No room for a message is left. */
	set("kern.user.bytes.each", (int64_t)follower);
	assert_int_equal(ask(more, CTL_DUMP, &d, sizeof(d)), EUSERS);
	says(words, "kern.user.bytes.each");
	assert_int_equal(ask(more, CTL_HISTORY, &hi, sizeof(hi)), EUSERS);
	says(words, "kern.user.bytes.each");
	assert_int_equal(ask(more, CTL_VNET_LIST, NULL, 0), EUSERS);
	says(words, "kern.user.bytes.each");
	assert_int_equal(ping(more, NULL), EUSERS);
	says(words, "kern.user.bytes.each");
	/* Administrators are counted. */
	assert_int_equal(ask(root, CTL_DUMP, &d, sizeof(d)), 0);
	assert_int_equal(follow(root), 0);
	used = test_user_bytes(st->st_kern, 0);
	assert_true(used >= 1024 * 1024);
	ctl_session_destroy(s);
	assert_int_equal(test_user_bytes(st->st_kern, USER), 0);
	assert_int_equal(ping(more, NULL), 0);
	assert_true(test_user_bytes(st->st_kern, USER) > 64 * 1024);
	ctl_session_destroy(more);
	ctl_session_destroy(root);
}

/* The notes of a change: what a user may not do leaves none, however often it
 * is tried and in whichever vnet. */
static void
test_refused_notes(void **state)
{
	struct {
		struct ctl_ioctl ci;
		struct if_createreq req;
	} rq;
	struct ctl_session *s = session(USER), *root = session(0);
	static uint8_t msg[CTL_MSG_MAX];
	struct ifnet_error e;
	uint64_t once;

	(void)state;
	assert_non_null(vnet_create(st, "other", &e));
	memset(&rq, 0, sizeof(rq));
	rq.ci.i_cmd = SIOCIFCREATE;
	rq.ci.i_len = sizeof(rq.req);
	strcpy(rq.req.ifcr_name, "pair");
	assert_int_equal(ask(s, CTL_BEGIN, NULL, 0), 0);
	assert_int_equal(ask(s, CTL_IOCTL, &rq, sizeof(rq)), EPERM);
	once = test_user_bytes(st->st_kern, USER);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(ctl_dispatch(s, msg, build(msg, CTL_IOCTL,
		    i % 2 == 0 ? "other" : "default", &rq, sizeof(rq)), -1),
		    0);
		assert_int_equal(answer.ch_error, EPERM);
	}
	assert_int_equal(test_user_bytes(st->st_kern, USER), once);
	/* An administrator's are counted while the change goes on. */
	assert_int_equal(ask(root, CTL_BEGIN, NULL, 0), 0);
	assert_int_equal(ask(root, CTL_IOCTL, &rq, sizeof(rq)), 0);
	assert_true(test_user_bytes(st->st_kern, 0) > 0);
	assert_int_equal(ask(root, CTL_COMMIT, NULL, 0), 0);
	assert_int_equal(test_user_bytes(st->st_kern, 0), 0);
	ctl_session_destroy(s);
	ctl_session_destroy(root);
}

/* --- turns ---------------------------------------------------------------- */

struct asker {
	struct host_thread *as_thread;
	unsigned	 as_op;
	uint8_t		 as_msg[256];	/* the request */
	size_t		 as_len;
	unsigned	 as_answers;	/* atomic */
};

static int
count_answer(void *arg, const void *msg, size_t len)
{
	struct asker *as = arg;
	struct ctl_hdr h;

	(void)len;
	memcpy(&h, msg, sizeof(h));
	KASSERT(h.ch_error == 0);
	if ((h.ch_flags & CTL_MORE) == 0)
		__atomic_fetch_add(&as->as_answers, 1, __ATOMIC_RELAXED);
	return 0;
}

/* The buffer of build() is the main thread's. */
static void
asker_prepare(struct asker *as)
{
	struct ctl_dump d = { .d_what = IFNET_LINK |
	    (as->as_op == CTL_FOLLOW ? IFNET_SNAPSHOT : 0) };
	struct ctl_history hi = { "" };

	if (as->as_op == CTL_HISTORY)
		as->as_len = build(as->as_msg, as->as_op, "default", &hi,
		    sizeof(hi));
	else
		as->as_len = build(as->as_msg, as->as_op, "default", &d,
		    as->as_op == CTL_VNET_LIST ? 0 : sizeof(d));
}

/* A client: a request, and the events when it is a follow. */
static void
asker_main(void *arg)
{
	struct asker *as = arg;
	struct ctl_sink sink = { count_answer, nothing, NULL, as };
	struct kauth_cred cred = { .kc_uid = USER, .kc_gid = USER,
	    .kc_pid = 4242 };
	struct ctl_session *s;

	KASSERT(ctl_session_create(st->st_kern, &cred, &sink, &s) == 0);
	KASSERT(ctl_dispatch(s, as->as_msg, as->as_len, -1) == 0);
	if (as->as_op == CTL_FOLLOW)
		KASSERT(ctl_session_events(s) == 0);
	ctl_session_destroy(s);
}

/* While another user without privilege has the only turn: nothing is done for
 * this one, and everything for the administrator. */
static void
turn(unsigned op, unsigned answers)
{
	struct host *h = st->st_kern->k_host;
	struct ctl_dump d = { .d_what = IFNET_LINK };
	struct asker as = { .as_op = op };
	struct ctl_session *root = session(0);

	asker_prepare(&as);
	test_turn_take(st->st_kern, OTHER);
	assert_int_equal(host_thread_create(h, "asker", -1, asker_main, &as,
	    &as.as_thread), 0);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(ask(root, CTL_DUMP, &d, sizeof(d)), 0);
	assert_int_equal(__atomic_load_n(&as.as_answers, __ATOMIC_RELAXED), 0);
	test_turn_give(st->st_kern, OTHER);
	host_thread_join(h, as.as_thread);
	assert_int_equal(as.as_answers, answers);
	ctl_session_destroy(root);
}

static void
test_turns(void **state)
{

	(void)state;
	set("kern.user.turns", 1);
	turn(CTL_DUMP, 1);
	turn(CTL_HISTORY, 1);
	turn(CTL_VNET_LIST, 1);
	turn(CTL_FOLLOW, 2);
}

/* A client that does not read its answer has no turn meanwhile. */
static int
let_others(void *arg, const void *msg, size_t len)
{
	uid_t other = OTHER;

	(void)arg;
	(void)msg;
	(void)len;
	test_turn_take(st->st_kern, other);
	test_turn_give(st->st_kern, other);
	return 0;
}

static void
test_turn_is_given_back(void **state)
{
	struct ctl_sink sink = { let_others, nothing, NULL, NULL };
	struct kauth_cred cred = { .kc_uid = USER, .kc_gid = USER,
	    .kc_pid = 4242 };
	struct ctl_dump d = { .d_what = IFNET_LINK | IFNET_SNAPSHOT };
	struct ctl_session *s;
	uint8_t msg[256];

	(void)state;
	set("kern.user.turns", 1);
	assert_int_equal(ctl_session_create(st->st_kern, &cred, &sink, &s),
	    0);
	assert_int_equal(ctl_dispatch(s, msg, build(msg, CTL_FOLLOW,
	    "default", &d, sizeof(d)), -1), 0);
	assert_int_equal(ctl_session_events(s), 0);
	d.d_what = IFNET_LINK;
	assert_int_equal(ctl_dispatch(s, msg, build(msg, CTL_DUMP, "default",
	    &d, sizeof(d)), -1), 0);
	ctl_session_destroy(s);
	/* The turn is free. */
	test_turn_take(st->st_kern, OTHER);
	test_turn_give(st->st_kern, OTHER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_watches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dumps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_source, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rates, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_notes, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(test_turn_is_given_back, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
