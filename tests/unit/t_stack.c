/*
 * A stack inside a program: its own loop, threads of the stack, commands,
 * ping, and creation and destruction for ever.
 */

#include "stack_test.h"

#include <arpa/inet.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>

/* Descriptors this process has open. */
static unsigned
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static int
nothing_of(const void *msg, size_t len, void *arg)
{

	(void)msg;
	(void)len;
	(void)arg;
	return 0;
}

static void
wait_ping(struct ifnet_stack *st, struct ifnet_ping *ping)
{
	struct pollfd pfd = { .events = POLLIN };

	while (!ifnet_ping_done(ping)) {
		pfd.fd = ifnet_stack_fd(st);
		/* With threads of its own there is nothing to wait on. */
		(void)poll(&pfd, 1, pfd.fd == -1 ? 1 :
		    ifnet_stack_timeout_ms(st));
		ifnet_stack_run(st);
	}
}

static void
two_routers(unsigned ncpu, unsigned count)
{
	struct ifnet_stack *st = test_stack(ncpu);
	struct vnet *left = test_vnet(st, "left");
	struct vnet *right = test_vnet(st, "right");
	struct ifnet_ping *ping;
	struct ifnet_error e;

	(void)right;
	test_command(left, "ifconfig pair0 create peer right:pair0");
	test_command(left, "ifconfig pair0 10.0.0.1/24 up");
	test_command(right, "ifconfig pair0 10.0.0.2/24 up");
	ping = ifnet_ping_start(left, "10.0.0.2", count, &e);
	assert_non_null(ping);
	wait_ping(st, ping);
	assert_int_equal(ifnet_ping_sent(ping), count);
	assert_int_equal(ifnet_ping_received(ping), count);
	ifnet_ping_free(ping);
	ifnet_stack_destroy(st);
}

static void
test_own_loop(void **state)
{

	(void)state;
	two_routers(0, 2);
}

static void
test_threads(void **state)
{

	(void)state;
	two_routers(1, 1);
	two_routers(2, 1);
}

static void
test_again_and_again(void **state)
{
	unsigned before;

	(void)state;
	two_routers(0, 1);
	before = descriptors();
	for (int i = 0; i < 20; i++)
		two_routers((unsigned)i % 3, 1);
	assert_int_equal(descriptors(), before);
}

static void
test_vnets(void **state)
{
	struct ifnet_stack *st = test_stack(0);
	struct ifnet_error e;
	struct vnet *a;

	(void)state;
	assert_null(vnet_lookup(st, ""));
	a = test_vnet(st, "a");
	assert_null(vnet_create(st, "a", &e));
	assert_int_equal(e.code, EEXIST);
	assert_non_null(strstr(e.text, "a vnet named a exists"));
	assert_null(vnet_create(st, "a/b", &e));
	assert_int_equal(e.code, EINVAL);
	assert_null(vnet_create(st, "", &e));
	assert_null(vnet_create(st, "a b", NULL));
	assert_ptr_equal(vnet_lookup(st, "a"), a);
	assert_ptr_equal(vnet_lookup(st, ""), a);
	vnet_destroy(a);
	assert_null(vnet_lookup(st, "a"));
	vnet_destroy(NULL);
	ifnet_stack_destroy(st);
	ifnet_stack_destroy(NULL);
}

static void
test_commands(void **state)
{
	struct ifnet_stack *st = test_stack(0);
	struct vnet *vn = test_vnet(st, "v");
	struct ifnet_error e;
	char *out;

	(void)state;
	assert_int_equal(vnet_command_output(vn, "ifconfig lo0", &out, &e),
	    0);
	assert_non_null(strstr(out, "127.0.0.1"));
	assert_non_null(strstr(out, "UP"));
	free(out);
	assert_int_not_equal(vnet_command(vn, "ifconfig nosuch0 up", &e), 0);
	assert_int_not_equal(e.text[0], '\0');
	assert_int_not_equal(vnet_command(vn, "bogus", NULL), 0);
	assert_int_not_equal(vnet_command_output(vn, "ifconfig nosuch0", &out,
	    &e), 0);
	assert_null(out);
	ifnet_stack_destroy(st);
}

/* A generator that always has something to send does not keep a stack from
 * ending. */
static void
test_busy_end(void **state)
{
	struct ifnet_stack *st = test_stack(1);
	struct vnet *vn = test_vnet(st, "v");

	(void)state;
	assert_int_equal(vnet_command(vn, "ifconfig pg0 create dst 10.3.0.1",
	    NULL), 0);
	assert_int_equal(vnet_command(vn, "ifconfig pg0 10.0.1.1/24 up", NULL),
	    0);
	(void)alarm(60);
	ifnet_stack_destroy(st);
	(void)alarm(0);
}

/* Followers and captures do not keep a vnet, and may outlive it. */
static void
test_watched_vnet(void **state)
{
	struct ifnet_stack *st = test_stack(1);
	struct vnet *vn = test_vnet(st, "v");
	struct ifnet_client *c, *p;
	struct ifnet_ping *ping;
	struct ifnet_event ev;
	struct ifnet_error e;
	int error;

	(void)state;
	c = vnet_client(vn, &e);
	p = vnet_client(vn, &e);
	assert_non_null(c);
	assert_non_null(p);
	assert_int_equal(ifnet_fd(c), -1);
	assert_int_equal(ifnet_follow(c, IFNET_LINK | IFNET_SNAPSHOT, &e), 0);
	assert_int_equal(ifnet_ping_begin(p, htonl(0x7f000001), 0, &e), 0);
	ping = ifnet_ping_start(vn, "10.9.8.7", 100, &e);
	assert_non_null(ping);
	vnet_destroy(vn);
	assert_true(ifnet_ping_done(ping));
	do {
		error = ifnet_next_timeout(c, 60000, &ev, &e);
	} while (error == 0);
	assert_int_equal(error, ENOENT);
	assert_int_not_equal(ifnet_ping_send(p, 0, 8, 64, &e), 0);
	ifnet_close(c);
	ifnet_close(p);
	ifnet_stack_destroy(st);
	ifnet_ping_free(ping);
}

/* A program's own vnet is not ended behind its back. */
static void
test_own_vnet(void **state)
{
	struct ifnet_stack *st = test_stack(0);
	struct vnet *a = test_vnet(st, "a");
	struct ifnet_client *c;
	struct ifnet_error e;

	(void)state;
	assert_int_equal(vnet_command(a, "vnet destroy a", &e), EBUSY);
	assert_non_null(strstr(e.text, "vnet_destroy"));
	test_command(a, "ifconfig lo0");
	/* A vnet that a command made goes by a command, also from inside. */
	test_command(a, "vnet create b");
	assert_int_not_equal(vnet_command(vnet_lookup(st, "b"),
	    "vnet destroy a", &e), 0);
	test_command(vnet_lookup(st, "b"), "vnet destroy b");
	assert_null(vnet_lookup(st, "b"));
	c = vnet_client(a, &e);
	assert_non_null(c);
	assert_int_equal(ifnet_vnet_destroy(c, "a", &e), EBUSY);
	vnet_destroy(a);
	/* Its name may be used again, and the client finds the new one. */
	a = test_vnet(st, "a");
	assert_int_equal(ifnet_dump(c, IFNET_LINK, NULL, nothing_of, NULL,
	    &e), 0);
	ifnet_close(c);
	ifnet_stack_destroy(st);
}

/*
 * Objects that a program holds, each ended at its place in an order.  Every
 * order is allowed, but that a vnet goes with its stack.
 */
enum handle { H_VNET, H_STACK, H_CLIENT, H_FOLLOW, H_CAPTURE, H_PING,
    H_PINGER, NHANDLES };

struct held {
	struct ifnet_stack *hd_stack;
	struct vnet	*hd_vnet;
	struct ifnet_client *hd_client[NHANDLES];
	struct ifnet_ping *hd_ping;
};

static void
hold(struct held *hd, unsigned ncpu)
{
	struct ifnet_capture cap = { .ifname = "lo0",
	    .dirs = IFNET_PKT_IN | IFNET_PKT_OUT };

	memset(hd, 0, sizeof(*hd));
	hd->hd_stack = test_stack(ncpu);
	hd->hd_vnet = test_vnet(hd->hd_stack, "v");
	for (unsigned i = H_CLIENT; i < NHANDLES; i++)
		if (i != H_PING) {
			hd->hd_client[i] = vnet_client(hd->hd_vnet, NULL);
			assert_non_null(hd->hd_client[i]);
		}
	assert_int_equal(ifnet_follow(hd->hd_client[H_FOLLOW], IFNET_ALL |
	    IFNET_SNAPSHOT, NULL), 0);
	assert_int_equal(ifnet_linktype(hd->hd_client[H_CAPTURE], "lo0",
	    &cap.linktype, NULL), 0);
	assert_int_equal(ifnet_capture_begin(hd->hd_client[H_CAPTURE], &cap,
	    NULL), 0);
	assert_int_equal(ifnet_ping_begin(hd->hd_client[H_PINGER],
	    htonl(0x7f000001), 0, NULL), 0);
	assert_int_equal(ifnet_ping_send(hd->hd_client[H_PINGER], 0, 8, 64,
	    NULL), 0);
	hd->hd_ping = ifnet_ping_start(hd->hd_vnet, "127.0.0.1", 9, NULL);
	assert_non_null(hd->hd_ping);
	ifnet_stack_run(hd->hd_stack);
}

static void
let_go(struct held *hd, enum handle what)
{

	switch (what) {
	case H_VNET:
		if (hd->hd_stack != NULL)
			vnet_destroy(hd->hd_vnet);
		hd->hd_vnet = NULL;
		break;
	case H_STACK:
		ifnet_stack_destroy(hd->hd_stack);
		hd->hd_stack = NULL;
		hd->hd_vnet = NULL;
		break;
	case H_PING:
		ifnet_ping_free(hd->hd_ping);
		hd->hd_ping = NULL;
		break;
	default:
		ifnet_close(hd->hd_client[what]);
		hd->hd_client[what] = NULL;
		break;
	}
}

/* Objects that are left answer, or say that there is no stack to ask. */
static void
use(struct held *hd)
{
	struct ifnet_ping_reply reply;
	struct ifnet_packet pkt;
	struct ifnet_event ev;
	struct ifnet_error e;
	int error;

	if (hd->hd_client[H_CLIENT] != NULL) {
		error = ifnet_dump(hd->hd_client[H_CLIENT], IFNET_LINK, NULL,
		    nothing_of, NULL, &e);
		assert_int_equal(error, hd->hd_vnet != NULL ? 0 :
		    hd->hd_stack != NULL ? ENOENT : EPIPE);
		assert_true(error == 0 || e.text[0] != '\0');
	}
	if (hd->hd_client[H_FOLLOW] != NULL) {
		do {
			error = ifnet_next_timeout(hd->hd_client[H_FOLLOW], 0,
			    &ev, &e);
		} while (error == 0);
		assert_true(hd->hd_vnet != NULL ? error == ETIMEDOUT :
		    error == ENOENT || error == EPIPE ||
		    error == ENOTCONN);	/* it was said before */
	}
	if (hd->hd_client[H_CAPTURE] != NULL) {
		do {
			error = ifnet_capture_next(hd->hd_client[H_CAPTURE],
			    0, &pkt, &e);
		} while (error == 0);
		assert_true(hd->hd_vnet == NULL || error == ETIMEDOUT);
	}
	if (hd->hd_client[H_PINGER] != NULL) {
		do {
			error = ifnet_ping_recv(hd->hd_client[H_PINGER], 0,
			    &reply, &e);
		} while (error == 0);
		assert_true(hd->hd_vnet == NULL || error == ETIMEDOUT);
	}
	if (hd->hd_ping != NULL)
		assert_true(hd->hd_vnet != NULL ||
		    ifnet_ping_done(hd->hd_ping));
}

/* The n-th of all orders of the handles; false: the same as another one, as a
 * vnet that its stack took along is not ended any more. */
static bool
order_of(unsigned n, enum handle order[NHANDLES])
{
	enum handle left[NHANDLES];
	bool stack = false;
	unsigned k;

	for (unsigned i = 0; i < NHANDLES; i++)
		left[i] = (enum handle)i;
	for (unsigned i = 0; i < NHANDLES; i++) {
		k = n % (NHANDLES - i);
		n /= NHANDLES - i;
		order[i] = left[k];
		memmove(&left[k], &left[k + 1], (NHANDLES - i - k - 1) *
		    sizeof(left[0]));
		if (order[i] == H_VNET && stack && i != NHANDLES - 1)
			return false;
		stack = stack || order[i] == H_STACK;
	}
	return true;
}

static void
test_every_order(void **state)
{
	enum handle order[NHANDLES];
	unsigned norders = 1, done = 0;
	struct held hd;

	(void)state;
	for (unsigned i = 2; i <= NHANDLES; i++)
		norders *= i;
	/* With the program's thread, and some with the stack's. */
	for (unsigned n = 0; n < norders; n++) {
		if (!order_of(n, order))
			continue;
		hold(&hd, n % 50 == 0 ? 1 : 0);
		for (unsigned i = 0; i < NHANDLES; i++) {
			let_go(&hd, order[i]);
			use(&hd);
		}
		done++;
	}
	/* 7!/2 with the vnet before its stack, 6! without the vnet. */
	assert_int_equal(done, 5040 / 2 + 720);
}

/* A pair shows its peer by one of its names while that is renamed. */
struct renamer {
	struct vnet	*rn_vnet;
	bool		 rn_done;	/* atomic */
};

static void *
rename_loop(void *arg)
{
	struct renamer *rn = arg;

	for (unsigned i = 0; i < 200; i++) {
		test_command(rn->rn_vnet, i % 2 == 0 ?
		    "ifconfig aaaaaaaaaaaaaaa name b" :
		    "ifconfig b name aaaaaaaaaaaaaaa");
	}
	__atomic_store_n(&rn->rn_done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void
test_renamed_peer(void **state)
{
	struct ifnet_stack *st = test_stack(1);
	struct renamer rn = { .rn_vnet = test_vnet(st, "v") };
	struct vnet *w = test_vnet(st, "w");
	struct ifnet_error e;
	pthread_t thread;
	char *out;

	(void)state;
	test_command(w, "ifconfig pair0 create peer v:pair0");
	test_command(rn.rn_vnet, "ifconfig pair0 name aaaaaaaaaaaaaaa");
	assert_int_equal(pthread_create(&thread, NULL, rename_loop, &rn), 0);
	do {
		assert_int_equal(vnet_command_output(w, "ifconfig pair0",
		    &out, &e), 0);
		assert_true(strstr(out, "peer v:aaaaaaaaaaaaaaa\n") != NULL ||
		    strstr(out, "peer v:b\n") != NULL);
		free(out);
	} while (!__atomic_load_n(&rn.rn_done, __ATOMIC_ACQUIRE));
	assert_int_equal(pthread_join(thread, NULL), 0);
	ifnet_stack_destroy(st);
}

static void
test_ping_errors(void **state)
{
	struct ifnet_stack *st = test_stack(0);
	struct vnet *vn = test_vnet(st, "v");
	struct ifnet_ping *ping;
	struct ifnet_error e;

	(void)state;
	assert_null(ifnet_ping_start(vn, "nowhere", 1, &e));
	assert_int_equal(e.code, EINVAL);
	assert_null(ifnet_ping_start(vn, "127.0.0.1", 0, &e));
	/* The host pinged does not exist, and the ping ends all the same. */
	ping = ifnet_ping_start(vn, "10.1.2.3", 1, &e);
	assert_non_null(ping);
	wait_ping(st, ping);
	assert_int_equal(ifnet_ping_sent(ping), 1);
	assert_int_equal(ifnet_ping_received(ping), 0);
	ifnet_ping_free(ping);
	ifnet_ping_free(NULL);
	ifnet_stack_destroy(st);
}

static void
test_bad_config(void **state)
{
	struct ifnet_stack_config sc;
	struct ifnet_error e;

	(void)state;
	memset(&sc, 0, sizeof(sc));
	sc.ncpu = 1000;
	assert_null(ifnet_stack_create(&sc, &e));
	assert_int_equal(e.code, EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_loop),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_again_and_again),
		cmocka_unit_test(test_vnets),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_busy_end),
		cmocka_unit_test(test_watched_vnet),
		cmocka_unit_test(test_own_vnet),
		cmocka_unit_test(test_renamed_peer),
		cmocka_unit_test(test_every_order),
		cmocka_unit_test(test_ping_errors),
		cmocka_unit_test(test_bad_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
