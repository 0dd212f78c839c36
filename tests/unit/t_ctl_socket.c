/*
 * The control socket: nonsense, too many clients, and those that do not read:
 * nobody else is held up, and an answer does not wait for ever.
 */

#include "ctl_test.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

struct fixture {
	struct ifnet_stack *st;
	struct vnet	*vn;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->st = test_stack(1);
	f->vn = test_vnet(f->st, "default");
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ifnet_stack_destroy(f->st);
	free(f);
	return 0;
}

static int
raw_connect(const struct test_server *ts)
{
	struct timeval tv = { .tv_sec = 60 };
	struct sockaddr_un sun;
	int fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	strcpy(sun.sun_path, ts->ts_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv,
	    sizeof(tv)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)),
	    0);
	return fd;
}

static int	raw_answer(int fd);

/* Connect likewise, and greet. */
static int
raw_greet(const struct test_server *ts)
{
	uint8_t msg[256];
	int fd = raw_connect(ts);
	ssize_t n = (ssize_t)build_hello(msg);

	assert_int_equal(send(fd, msg, (size_t)n, 0), n);
	assert_int_equal(raw_answer(fd), 0);
	return fd;
}

/* The next answer's errno; -1: the end of the connection. */
static int
raw_answer(int fd)
{
	static uint8_t buf[CTL_MSG_MAX];
	struct ctl_hdr h;
	ssize_t n;

	n = recv(fd, buf, sizeof(buf), 0);
	if (n <= 0)
		return -1;
	assert_true(n >= (ssize_t)sizeof(h));
	memcpy(&h, buf, sizeof(h));
	return h.ch_error;
}

static void
test_nonsense(void **state)
{
	struct fixture *f = *state;
	static uint8_t msg[CTL_MSG_MAX + 100];
	struct test_server ts;
	size_t n;
	int fd;

	test_server_start(&ts, f->st, 0);
	fd = raw_connect(&ts);
	n = build_hello(msg);
	assert_int_equal(send(fd, msg, n, 0), n);
	assert_int_equal(raw_answer(fd), 0);
	assert_int_equal(send(fd, msg, sizeof(msg), 0), sizeof(msg));
	assert_int_equal(raw_answer(fd), EMSGSIZE);
	assert_int_equal(send(fd, msg, n, 0), n);
	assert_int_equal(raw_answer(fd), 0);
	assert_int_equal(send(fd, "garbage", 7, 0), 7);
	assert_int_equal(raw_answer(fd), -1);
	close(fd);
	test_server_stop(&ts);
}

static void
test_full(void **state)
{
	struct fixture *f = *state;
	struct test_server ts;
	struct ifnet_client *c[8], *more;
	struct ifnet_error e;
	int i;

	test_server_start(&ts, f->st, 8);
	for (i = 0; i < 8; i++)
		c[i] = test_connect(&ts);
	/* The test is an administrator: the quietest client goes. */
	more = test_connect(&ts);
	assert_int_equal(ifnet_vnet_create(c[0], "blue", &e), EUSERS);
	says(e.text, "an administrator came");
	assert_int_equal(ifnet_vnet_create(c[1], "blue", &e), 0);
	ifnet_close(more);
	for (i = 0; i < 8; i++)
		ifnet_close(c[i]);
	test_server_stop(&ts);
}

/* A client that is sent away hears why, also when it has written first, and
 * more. */
static void
test_refused_in_words(void **state)
{
	struct fixture *f = *state;
	struct test_server ts;
	static uint8_t buf[CTL_MSG_MAX];
	uint8_t msg[256];
	struct ctl_hdr h;
	ssize_t n, got;
	int fd, next;

	test_server_start(&ts, f->st, 1);
	n = (ssize_t)build_hello(msg);
	fd = raw_greet(&ts);
	for (int i = 0; i < 500; i++) {
		/* Answers may come before the last word, or not. */
		for (int j = 0; j < i % 4; j++)
			(void)send(fd, msg, (size_t)n, MSG_NOSIGNAL);
		next = raw_greet(&ts);
		do {
			got = recv(fd, buf, sizeof(buf), 0);
			assert_true(got > (ssize_t)sizeof(h));
			memcpy(&h, buf, sizeof(h));
		} while (h.ch_error == 0);
		assert_int_equal(h.ch_error, EUSERS);
		says((const char *)buf + sizeof(h), "an administrator came");
		assert_int_equal(recv(fd, buf, sizeof(buf), 0), 0);
		close(fd);
		fd = next;
	}
	close(fd);
	test_server_stop(&ts);
}

/* A client that asks and never reads holds up nobody, nor the stop. */
static void
test_deaf(void **state)
{
	struct fixture *f = *state;
	struct ctl_dump cd = { .d_what = IFNET_LINK | IFNET_ADDR };
	uint8_t msg[256];
	struct test_server ts;
	struct ifnet_client *c;
	struct ifnet_error e;
	struct pollfd pfd = { .events = POLLOUT };
	size_t n;
	int fd;

	test_server_start(&ts, f->st, 0);
	/* The deaf one is never thrown out: nobody may wait for that. */
	server_set_limit(ts.ts_server, UINT_MAX);
	fd = raw_greet(&ts);
	n = build(msg, CTL_DUMP, "", &cd, sizeof(cd));
	/* Until its thread is stuck with an answer and takes no more. */
	do {
		while (send(fd, msg, n, MSG_DONTWAIT) == (ssize_t)n)
			continue;
		assert_int_equal(errno, EAGAIN);
		pfd.fd = fd;
	} while (poll(&pfd, 1, 300) == 1);
	c = test_connect(&ts);
	assert_int_equal(ifnet_vnet_create(c, "blue", &e), 0);
	assert_int_equal(ifnet_vnet_destroy(c, "blue", &e), 0);
	/* Nor may it keep the vnet it asked about. */
	/* As the daemon's first one, a request may end it. */
	vnet_disown(vnet_lookup(f->st, "default"));
	assert_int_equal(ifnet_vnet_destroy(c, "default", &e), 0);
	ifnet_close(c);
	test_server_stop(&ts);
	close(fd);
}

/*
 * Ask and ask until no more is taken for wait_ms, or the server hangs up: true.
 * A server that gets no processor for wait_ms may still take more later.
 */
static bool
ask_in_vain(int fd, const uint8_t *msg, size_t n, int wait_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };

	do {
		while (send(fd, msg, n, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		    (ssize_t)n)
			continue;
		if (errno == EPIPE || errno == ECONNRESET)
			return true;
		assert_int_equal(errno, EAGAIN);
		pfd.revents = 0;
	} while (poll(&pfd, 1, wait_ms) == 1 && (pfd.revents & POLLHUP) == 0);
	return (pfd.revents & POLLHUP) != 0;
}

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#define LIMIT_S	0.7

/*
 * Reads a little now and then, for longer than it could do without: must stay.
 * *last is when it last did.  false: this machine was busy, so it says nothing.
 */
static bool
read_slowly(int fd, const uint8_t *msg, size_t n, double *last)
{
	static uint8_t answer[CTL_MSG_MAX];
	struct pollfd pfd = { .fd = fd, .events = 0 };
	double gap = 0, now;

	*last = now_s();
	(void)ask_in_vain(fd, msg, n, 50);
	for (unsigned i = 0; i < 5; i++) {
		(void)poll(&pfd, 1, 250);
		now = now_s();
		if (now - *last > gap)
			gap = now - *last;
		if (gap > LIMIT_S * 0.8)
			return false;
		assert_int_equal(pfd.revents, 0);
		*last = now;
		for (unsigned j = 0; j < 64; j++)
			assert_true(recv(fd, answer, sizeof(answer), 0) > 0);
		(void)ask_in_vain(fd, msg, n, 50);
	}
	return true;
}

/* The slow client is thrown out after the time it has, and not before. */
static void
test_limit(void **state)
{
	struct fixture *f = *state;
	struct ctl_dump cd = { .d_what = IFNET_LINK | IFNET_ADDR };
	static uint8_t msg[256];
	struct test_server ts;
	double last;
	bool told;
	size_t n;
	int fd;

	test_server_start(&ts, f->st, 0);
	server_set_limit(ts.ts_server, (unsigned)(LIMIT_S * 1000));
	n = build(msg, CTL_DUMP, "", &cd, sizeof(cd));
	for (unsigned i = 0; i < 10; i++) {
		fd = raw_greet(&ts);
		told = read_slowly(fd, msg, n, &last);
		/* No more of it. */
		assert_true(ask_in_vain(fd, msg, n, 60000));
		assert_true(now_s() - last > LIMIT_S * 0.95);
		close(fd);
		if (told)
			break;
	}
	test_server_stop(&ts);
}

/* A follower that does not read is told what it missed, and stays. */
static void
test_limit_events(void **state)
{
	struct fixture *f = *state;
	struct ctl_dump cd = { .d_what = IFNET_ALL | IFNET_SNAPSHOT };
	static uint8_t msg[256];
	struct pollfd pfd = { .events = 0 };
	struct test_server ts;
	char line[64];

	test_server_start(&ts, f->st, 0);
	server_set_limit(ts.ts_server, 100);
	pfd.fd = raw_greet(&ts);
	assert_true(send(pfd.fd, msg, build(msg, CTL_FOLLOW, "", &cd,
	    sizeof(cd)), 0) > 0);
	/* More than its socket holds. */
	test_command(f->vn, "ifconfig pair0 create");
	for (unsigned i = 0; i < 4000; i++) {
		(void)snprintf(line, sizeof(line), "ifconfig pair0 mtu %u",
		    1000 + i % 2);
		test_command(f->vn, line);
	}
	assert_int_equal(poll(&pfd, 1, 500), 0);
	close(pfd.fd);
	test_server_stop(&ts);
}

/* Is the next message an event?  An answer must be one of these. */
static bool
next_is_event(int fd)
{
	static uint8_t buf[CTL_MSG_MAX];
	struct ctl_hdr h;

	assert_true(recv(fd, buf, sizeof(buf), 0) >= (ssize_t)sizeof(h));
	memcpy(&h, buf, sizeof(h));
	assert_int_equal(h.ch_error, 0);
	return (h.ch_flags & CTL_EVENT) != 0;
}

/* A client that always has another request waiting hears of events all the
 * same. */
static void
test_busy_events(void **state)
{
	enum { AHEAD = 16, CHANGE = 100, LATEST = 1000 };
	struct fixture *f = *state;
	struct ctl_dump cd = { .d_what = IFNET_LINK };
	static uint8_t msg[256];
	struct test_server ts;
	unsigned answers = 0;
	ssize_t n;
	int fd;

	test_command(f->vn, "ifconfig pair0 create");
	test_server_start(&ts, f->st, 0);
	fd = raw_greet(&ts);
	n = (ssize_t)build(msg, CTL_FOLLOW, "", &cd, sizeof(cd));
	assert_int_equal(send(fd, msg, (size_t)n, 0), n);
	assert_false(next_is_event(fd));
	n = (ssize_t)build_hello(msg);
	for (unsigned i = 0; i < AHEAD; i++)
		assert_int_equal(send(fd, msg, (size_t)n, 0), n);
	while (!next_is_event(fd)) {
		assert_int_equal(send(fd, msg, (size_t)n, 0), n);
		if (++answers == CHANGE)
			test_command(f->vn, "ifconfig pair0 mtu 1400");
		assert_true(answers < LATEST);
	}
	assert_true(answers >= CHANGE);
	close(fd);
	test_server_stop(&ts);
}

static void
test_file(void **state)
{
	struct fixture *f = *state;
	struct test_server ts;
	struct server *second;

	test_server_start(&ts, f->st, 0);
	assert_int_equal(access(ts.ts_path, F_OK), 0);
	assert_int_equal(ctl_server_start(f->st->st_kern, ts.ts_path, 0666, 0,
	    NULL, NULL, &second), EADDRINUSE);
	test_server_stop(&ts);
	assert_int_equal(ctl_server_start(f->st->st_kern, "/nonexistent/sock",
	    0666, 0, NULL, NULL, &second), ENOENT);
}

int
main(void)
{
#define T(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_nonsense), T(test_full), T(test_refused_in_words),
		T(test_deaf), T(test_limit),
		T(test_limit_events), T(test_busy_events),
		T(test_file),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
