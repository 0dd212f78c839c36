/*
 * The packet generator: what it makes is forwarded, counted and bounded.
 */

#include <ifnet/if.h>
#include <ifnet/if_clone.h>

#include "dev_test.h"

static void
body_count(struct dev_test *dt)
{
	struct if_data in, out;

	dev_command(dt, "sysctl -w net.inet.ip.forwarding=1");
	dev_command(dt, "ifconfig pg0 create dst 10.2.0.2 src 10.0.1.2 "
	    "dsts 300 size 100 vector 17 count 1000");
	dev_command(dt, "ifconfig pg1 create");
	dev_command(dt, "ifconfig pg1 inet 10.0.2.1/24 up");
	dev_command(dt, "arp -s 10.0.2.2 02:00:00:00:00:02");
	dev_command(dt, "route add -net 10.2.0.0/16 10.0.2.2");
	dev_command(dt, "ifconfig pg0 inet 10.0.1.1/24 up");
	dev_run(dt);
	in = dev_data(dt->dt_vnet, "pg0");
	out = dev_data(dt->dt_vnet, "pg1");
	KASSERT(in.ifi_ipackets == 1000 && in.ifi_forwarded == 1000);
	KASSERT(in.ifi_ibytes == 1000 * 96);
	KASSERT(out.ifi_opackets >= 1000 && out.ifi_odrops == 0);
	/* Down and up again: the count stays used up. */
	dev_command(dt, "ifconfig pg0 down");
	dev_command(dt, "ifconfig pg0 up");
	dev_run(dt);
	KASSERT(dev_data(dt->dt_vnet, "pg0").ifi_ipackets == 1000);
}

static void
body_words(struct dev_test *dt)
{
	static const char *const bad[] = {
		"dst", "dst 1.2.3", "dst 300.1.1.1", "size 49", "size 1519",
		"size x", "size -1", "vector 0", "vector 257", "dsts 0",
		"count 99999999999999999999999", "more", "dst 1.2.3.4 size",
	};
	char name[IFNAMSIZ] = "pg0";

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		KASSERT(if_clone_create(dt->dt_vnet, name, bad[i]) == EINVAL);
	KASSERT(if_clone_create(dt->dt_vnet, name,
	    "dst 1.2.3.4 size 1518 vector 256 count 18446744073709551600") ==
	    0);
}

static void
test_count(void **state)
{

	(void)state;
	dev_on_sim(body_count);
}

static void
test_words(void **state)
{

	(void)state;
	dev_on_sim(body_words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
