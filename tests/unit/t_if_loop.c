/*
 * The loopback interface: there in every vnet, for good, and packets to our
 * own addresses come back through it.
 */

#include <ifnet/if.h>
#include <ifnet/if_clone.h>

#include "dev_test.h"

static void
body_lo0(struct dev_test *dt)
{
	char name[IFNAMSIZ] = "lo";
	struct vnet *vn = dt->dt_vnet;

	KASSERT((dev_data(vn, "lo0").ifi_mtu) == 65536);
	KASSERT(if_clone_destroy(vn, "lo0") == EPERM);
	KASSERT(if_clone_create(vn, name, "up") == EINVAL);
	KASSERT(if_clone_create(vn, name, "") == 0);
	KASSERT(strcmp(name, "lo1") == 0);
	KASSERT(if_clone_destroy(vn, "lo1") == 0);
	/* Refusing left it as it was. */
	dev_command(dt, "ifconfig lo0 alias 127.0.0.2/32");
}

static void
body_self(struct dev_test *dt)
{
	static const char *const own[] = { "127.0.0.1", "10.0.0.1" };
	struct ifnet_ping *p;
	uint64_t before;

	dev_command(dt, "ifconfig pg0 create");
	dev_command(dt, "ifconfig pg0 inet 10.0.0.1/24 up");
	dev_run(dt);
	for (int i = 0; i < 2; i++) {
		before = dev_data(dt->dt_vnet, "lo0").ifi_ipackets;
		p = ifnet_ping_start(dt->dt_vnet, own[i], 2, NULL);
		KASSERT(p != NULL);
		while (!ifnet_ping_done(p)) {
			ifnet_stack_run(dt->dt_stack);
			host_sleep(dt->dt_host, 10000000);
		}
		KASSERT(ifnet_ping_received(p) == 2);
		ifnet_ping_free(p);
		/* Two requests, two replies. */
		KASSERT(dev_data(dt->dt_vnet, "lo0").ifi_ipackets ==
		    before + 4);
	}
	(void)dev_data(dt->dt_vnet, "pg0");
}

static void
test_lo0(void **state)
{

	(void)state;
	dev_on_sim(body_lo0);
}

static void
test_self(void **state)
{

	(void)state;
	dev_on_sim(body_self);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lo0),
		cmocka_unit_test(test_self),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
