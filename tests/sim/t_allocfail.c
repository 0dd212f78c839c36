/*
 * Every allocation of every control operation fails once: all commands that
 * change something or list it, all requests, and what programs do besides.
 */

#include "allocfail.h"

static const struct step steps[] = {
	{ "ifconfig lo1 create", "ifconfig lo1 destroy" },
	{ "ifconfig pair5 create", "ifconfig pair5 destroy" },
	{ "ifconfig pair5 create peer pair6",
	    "ifconfig pair5 destroy;ifconfig pair6 destroy" },
	{ "ifconfig pair5 create peer far:pair6",
	    "ifconfig pair5 destroy;-n far ifconfig pair6 destroy" },
	{ "ifconfig tap5 create", "ifconfig tap5 destroy" },
	{ "ifconfig pg5 create", "ifconfig pg5 destroy" },
	{ "ifconfig pg5 create dst 10.9.9.9 size 200",
	    "ifconfig pg5 destroy" },
	{ "ifconfig pg7 destroy", "ifconfig pg7 create" },
	{ "pg set pg6 2 dst 10.9.0.0/16 size imix", "pg delete pg6 2" },
	{ "pg set pg6 1 dst 10.9.0.0/16", "pg set pg6 1 dst 10.9.0.1" },
	{ "pg set pg6 3 dst 10.9.0.1 measure", "pg delete pg6 3" },
	{ "pg delete pg6 1", "pg set pg6 1 dst 10.9.0.1" },
	{ "pg start pg6", "pg start pg6" },
	{ "pg show" },
	{ "pg show --json pg6 1" },
	{ "ifconfig pair0 inet 10.5.0.1/24 alias",
	    "ifconfig pair0 inet 10.5.0.1 delete" },
	{ "ifconfig pair0 inet 10.0.0.7 delete",
	    "ifconfig pair0 inet 10.0.0.7/24 alias" },
	{ "ifconfig pair0 mtu 1400", "ifconfig pair0 mtu 1500" },
	{ "ifconfig pair0 down", "ifconfig pair0 up" },
	{ "ifconfig pair0 descr words", "ifconfig pair0 descr \"\"" },
	{ "ifconfig pair0 name west", "ifconfig west name pair0" },
	{ "ifconfig -z pair0" },
	{ "route add 172.16.0.0/16 10.0.0.2", "route delete 172.16.0.0/16" },
	{ "route change 172.17.0.0/16 10.0.0.3",
	    "route change 172.17.0.0/16 10.0.0.2" },
	{ "route delete 172.18.0.0/16", "route add 172.18.0.0/16 10.0.0.2" },
	{ "route get 172.17.0.1" },
	{ "arp -s 10.0.0.9 02:00:00:00:00:09", "arp -d 10.0.0.9" },
	{ "arp -d 10.0.0.8", "arp -s 10.0.0.8 02:00:00:00:00:08" },
	{ "vnet create x", "vnet destroy x" },
	{ "vnet destroy y", "vnet create y" },
	{ "sysctl -w net.inet.ip.ttl=33", "sysctl -w net.inet.ip.ttl=64" },
	{ "sysctl -a" },
	{ "ifconfig -a" },
	{ "netstat -i" },
	{ "netstat -s" },
	{ "show" },
	{ "history" },
	{ "netstat -r" },
	{ "netstat -I pair0" },
	{ "history pair0" },
	{ "ifconfig -C" },
	{ "ifconfig -l" },
	{ "ifconfig -v pair0" },
	{ "ifconfig -l edge" },
	{ "ifconfig edge" },
	{ "ifconfig pair" },
	{ "show pair0" },
	{ "show --json" },
	{ "ifconfig pair0 group core", "ifconfig pair0 -group core" },
	{ "ifconfig pair0 -group edge", "ifconfig pair0 group edge" },
	{ "ifconfig pair8 vnet far", "-n far ifconfig pair8 vnet test" },
	{ "ifconfig tap8 vnet far", "-n far ifconfig tap8 vnet test" },
	{ "ifconfig pair0 link 02:00:00:00:00:55",
	    "ifconfig pair0 link 02:00:00:00:00:55 delete" },
	{ "ifconfig pair0 link 02:00:00:00:00:56 active",
	    "ifconfig pair0 link 02:00:00:00:00:66 active;"
	    "ifconfig pair0 link 02:00:00:00:00:56 delete" },
	{ "ifconfig pair0 link 02:00:00:00:00:67 delete",
	    "ifconfig pair0 link 02:00:00:00:00:67" },
	{ "ifconfig pair0 inet 10.0.0.1 preference 7",
	    "ifconfig pair0 inet 10.0.0.1 preference 0" },
	{ "ifconfig pair0 metric 2", "ifconfig pair0 metric 0" },
	{ "ifconfig pair0 linkstr words", "ifconfig pair0 -linkstr" },
	{ "ifconfig pair0 inet 10.0.0.7/25 alias",
	    "ifconfig pair0 inet 10.0.0.7/24 alias" },
	{ "ifconfig pair0 -arp", "ifconfig pair0 arp" },
	{ "ifconfig pair1 name pair77", "ifconfig pair77 name pair1" },
	{ "route add 172.19.0.0/16 -reject 127.0.0.1",
	    "route delete 172.19.0.0/16" },
	{ "route show" },
	{ "filter add in pair0 drop", "filter flush;filter add 5 in any pass" },
	{ "filter add out any pass", "filter flush;filter add 5 in any pass" },
	{ "filter delete 5", "filter add 5 in any pass" },
	{ "filter flush", "filter add 5 in any pass" },
	{ "filter zero" },
	{ "filter list" },
	{ "sysctl -w net.interfaces.pair0.link.holddown=100",
	    "sysctl -w net.interfaces.pair0.link.holddown=0" },
	{ "sysctl -w net.interfaces.pair0.rcvq.maxlen=100",
	    "sysctl -w net.interfaces.pair0.rcvq.maxlen=256" },
};

static const char *const setup[] = {
	"vnet create far", "vnet create y", "ifconfig pg7 create",
	"ifconfig pg6 create dst 10.9.0.1",
	"ifconfig pair0 create peer pair1",
	"ifconfig pair0 inet 10.0.0.1/24 up",
	"ifconfig pair0 inet 10.0.0.7/24 alias",
	"ifconfig pair0 group edge",
	"ifconfig pair0 link 02:00:00:00:00:66 active",
	"ifconfig pair0 link 02:00:00:00:00:67",
	"ifconfig pair1 inet 10.4.0.1/24 up",
	"ifconfig pair8 create peer pair9", "ifconfig tap8 create",
	"ifconfig pair8 link 02:00:00:00:00:88", "ifconfig pair8 descr words",
	"filter add 5 in any pass",
	"route add 172.17.0.0/16 10.0.0.2", "route add 172.18.0.0/16 10.0.0.2",
	"arp -s 10.0.0.8 02:00:00:00:00:08",
};

static void
all_main(void *arg)
{
	struct ifnet_stack_config config = { .mbufs = 1024, .log_level = 2 };
	struct ifnet_stack *st;
	struct vnet *vn;

	config.host = arg;
	st = ifnet_stack_create(&config, NULL);
	KASSERT(st != NULL);
	vn = vnet_create(st, "test", NULL);
	KASSERT(vn != NULL);
	for (unsigned i = 0; i < sizeof(setup) / sizeof(setup[0]); i++)
		if (run_line(vn, setup[i]) != 0) {
			fprintf(stderr, "%s fails\n", setup[i]);
			abort();
		}
	ifnet_stack_run(st);
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		fail_everywhere(st, vn, &steps[i]);
	for (unsigned i = 0; i < ndirect_steps; i++)
		fail_everywhere(st, vn, &direct_steps[i]);
	ifnet_stack_destroy(st);
}

static void
test_operations(void **state)
{
	struct sim_config sc = { .sc_seed = 1, .sc_quiet = true };
	struct host *h = sim_create(&sc);

	(void)state;
	assert_non_null(h);
	assert_int_equal(sim_run(h, all_main, h), 0);
	assert_int_equal(sim_allocated(h), 0);
	sim_destroy(h);
}

/* A stack cannot be made: no part of it stays. */
static void
create_main(void *arg)
{
	struct ifnet_stack_config config = { .mbufs = 1024, .log_level = 2 };
	struct ifnet_stack *st;
	struct vnet *vn;
	unsigned n;

	config.host = arg;
	for (n = 1; n < POINTS_MAX; n++) {
		sim_fail_alloc(arg, n);
		st = ifnet_stack_create(&config, NULL);
		vn = st == NULL ? NULL : vnet_create(st, "test", NULL);
		KASSERT(vn != NULL || sim_alloc_failed(arg));
		sim_fail_alloc(arg, 0);
		ifnet_stack_destroy(st);
		KASSERT(sim_allocated(arg) <= 4);	/* the thread's own */
		if (vn != NULL)
			break;
	}
	print_message("%3u points: a stack and a vnet\n", n - 1);
	KASSERT(n < POINTS_MAX);
}

static void
test_create(void **state)
{
	struct sim_config sc = { .sc_seed = 1, .sc_quiet = true };
	struct host *h = sim_create(&sc);

	(void)state;
	assert_non_null(h);
	assert_int_equal(sim_run(h, create_main, h), 0);
	assert_int_equal(sim_allocated(h), 0);
	sim_destroy(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_create),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
