/*
 * A stack inside a program: its own loop, threads of the stack, commands,
 * ping, and creation and destruction for ever.
 */

#include "stack_test.h"

#include <arpa/inet.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>

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

/* What is watched does not keep a vnet, and may outlive it. */
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
		error = ifnet_next_timeout(c, 5000, &ev, &e);
	} while (error == 0);
	assert_int_equal(error, ENOENT);
	assert_int_not_equal(ifnet_ping_send(p, 0, 8, 64, &e), 0);
	ifnet_close(c);
	ifnet_close(p);
	ifnet_stack_destroy(st);
	ifnet_ping_free(ping);
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
	/* Nobody is there, and it ends all the same. */
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
		cmocka_unit_test(test_watched_vnet),
		cmocka_unit_test(test_ping_errors),
		cmocka_unit_test(test_bad_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
