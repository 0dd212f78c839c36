/*
 * Many vnets in one stack: none of them meets a limit of the stack's, each is
 * found by its name, and an idle one is small.
 */

#include "stack_test.h"

#include <errno.h>

#define MANY		2500
#define IDLE_BYTES	(32 * 1024)

static size_t
resident_bytes(void)
{
	size_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*s %zu", &pages), 1);
	(void)fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void
lo0_works(struct ifnet_stack *st, struct vnet *vn)
{
	struct ifnet_ping *ping;
	struct ifnet_error e;
	char *out;

	assert_int_equal(vnet_command_output(vn, "ifconfig lo0", &out, &e),
	    0);
	assert_non_null(strstr(out, "UP"));
	assert_non_null(strstr(out, "inet 127.0.0.1/8"));
	free(out);
	ping = ifnet_ping_start(vn, "127.0.0.1", 1, &e);
	assert_non_null(ping);
	while (!ifnet_ping_done(ping))
		ifnet_stack_run(st);
	assert_int_equal(ifnet_ping_received(ping), 1);
	ifnet_ping_free(ping);
}

static void
name_of(unsigned i, char name[32])
{

	(void)snprintf(name, 32, "router-%u", i);
}

static void
many(unsigned ncpu, unsigned n)
{
	struct ifnet_stack *st = test_stack(ncpu);
	struct vnet **vn = calloc(n, sizeof(struct vnet *));
	size_t before, after;
	char name[32];

	assert_non_null(vn);
	vnet_destroy(test_vnet(st, "first"));
	before = resident_bytes();
	for (unsigned i = 0; i < n; i++) {
		name_of(i, name);
		vn[i] = test_vnet(st, name);
	}
	after = resident_bytes();
	for (unsigned i = 0; i < n; i++) {
		name_of(i, name);
		assert_ptr_equal(vnet_lookup(st, name), vn[i]);
	}
	assert_ptr_equal(vnet_lookup(st, ""), vn[0]);
	for (unsigned i = 0; i < n; i += n / 5)
		lo0_works(st, vn[i]);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	if (n > 1000)
		assert_true((after - before) / n < IDLE_BYTES);
#else
	(void)before;
	(void)after;
#endif
	/* A name is free again once its vnet has gone. */
	vnet_destroy(vn[1]);
	name_of(1, name);
	assert_null(vnet_lookup(st, name));
	vn[1] = test_vnet(st, name);
	lo0_works(st, vn[1]);
	free(vn);
	ifnet_stack_destroy(st);
}

static void
test_many(void **state)
{

	(void)state;
	many(0, MANY);
	many(2, 50);
}

/* A limit that is hit is named. */
static void
test_limits(void **state)
{
	struct ifnet_stack_config sc = { .ncpu = 65 };
	struct ifnet_stack *st;
	struct ifnet_ping *ping[257];
	struct ifnet_error e;
	struct vnet *vn;
	unsigned n;

	(void)state;
	assert_null(ifnet_stack_create(&sc, &e));
	assert_int_equal(e.code, EINVAL);
	assert_non_null(strstr(e.text, "at most 64"));

	st = test_stack(0);
	vn = test_vnet(st, "v");
	test_command(vn, "sysctl -w net.link.maxindex=3");
	test_command(vn, "ifconfig pair create");
	test_command(vn, "ifconfig pair create");
	assert_int_not_equal(vnet_command(vn, "ifconfig pair create", &e), 0);
	assert_non_null(strstr(e.text, "net.link.maxindex"));
	for (n = 0; n < 257; n++) {
		ping[n] = ifnet_ping_start(vn, "10.9.8.7", 1, &e);
		if (ping[n] == NULL)
			break;
	}
	assert_int_equal(n, 256);
	assert_int_equal(e.code, EAGAIN);
	assert_non_null(strstr(e.text, "256"));
	while (n > 0)
		ifnet_ping_free(ping[--n]);
	ifnet_stack_destroy(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
