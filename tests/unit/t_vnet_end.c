/*
 * The end of a vnet, and of a stack, that is in use: interfaces whose driver
 * refuses to destroy them, or which have no cloner, with addresses, routes,
 * neighbours, packets, followers and captures.
 *
 * Needs the driver's headers, because it is a driver.
 */

#include "stack_test.h"

#include <arpa/inet.h>
#include <errno.h>

#include <ifnet/if.h>
#include <ifnet/if_clone.h>
#include <ifnet/if_ether.h>

/* --- a driver that does not let go ---------------------------------------- */

struct holder {
	struct kern	*ho_kern;
	struct callout	 ho_callout;	/* runs for as long as it lives */
};

static unsigned held_refused, held_abandoned;

static void
hold_tick(void *arg)
{
	struct holder *ho = arg;

	callout_reset(&ho->ho_callout, 1000000, hold_tick, ho);
}

/* Packets given to the driver stay in its send queue. */
static void
hold_start(struct ifnet *ifp)
{

	if_flags_update(ifp, IFF_OACTIVE, 0);
}

static const struct if_ops hold_ops = {
	.start = hold_start,
	.ioctl = ether_ioctl,
};

static int
hold_create(const struct if_clone *ifc, struct vnet *vn, unsigned unit,
    const char *params)
{
	static const uint8_t lladdr[ETHER_ADDR_LEN] = { 2, 0, 0, 0, 0, 9 };
	struct kern *k = vnet_kern(vn);
	struct ifnet *ifp = if_alloc(vn, IFT_ETHER);
	struct holder *ho = NULL;

	(void)params;
	assert_non_null(ifp);
	if_initname(ifp, ifc == NULL ? "raw" : ifc->ifc_name, unit);
	ifp->if_ops = &hold_ops;
	ifp->if_flags = IFF_RUNNING;
	ifp->if_link_state = LINK_STATE_UP;
	if (ifc != NULL && ifc->ifc_abandon != NULL) {
		ho = kmem_zalloc(k, sizeof(*ho));
		assert_non_null(ho);
		ho->ho_kern = k;
		callout_init(k, &ho->ho_callout);
	}
	ifp->if_softc = ho;
	assert_int_equal(ether_ifattach(ifp, lladdr), 0);
	assert_int_equal(if_percpuq_create(ifp), 0);
	assert_int_equal(if_attach(ifp), 0);
	if (ho != NULL)
		callout_reset(&ho->ho_callout, 1000000, hold_tick, ho);
	return 0;
}

static int
hold_destroy(struct ifnet *ifp)
{

	(void)ifp;
	held_refused++;
	return EBUSY;
}

static void
hold_abandon(struct ifnet *ifp)
{
	struct holder *ho = ifp->if_softc;

	callout_halt(&ho->ho_callout);
	kmem_free(ho->ho_kern, ho);
	if_free(ifp);
	held_abandoned++;
}

static const struct if_clone busy_cloner = {
	.ifc_name = "busy", .ifc_create = hold_create,
	.ifc_destroy = hold_destroy,
};
static const struct if_clone owned_cloner = {
	.ifc_name = "owned", .ifc_create = hold_create,
	.ifc_destroy = hold_destroy, .ifc_abandon = hold_abandon,
};
static const struct if_clone forever_cloner = {
	.ifc_name = "forever", .ifc_create = hold_create,
};

/* --- a vnet in use -------------------------------------------------------- */

static const char *const names[] = { "busy0", "owned0", "forever0", "raw0" };
#define NNAMES	(sizeof(names) / sizeof(names[0]))

static void
commandf(struct vnet *vn, const char *fmt, ...)
{
	char line[160];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	test_command(vn, line);
}

struct use {
	struct vnet	*us_vnet;
	struct ifnet_client *us_follower, *us_capture, *us_idle;
	struct ifnet_ping *us_ping[3];
};

static struct ifnet_client *
client_of(struct vnet *vn)
{
	struct ifnet_client *c = vnet_client(vn, NULL);

	assert_non_null(c);
	return c;
}

/* Every kind of thing that an interface, or the vnet, can have. */
static void
use_vnet(struct ifnet_stack *st, struct use *us, const char *peer)
{
	struct ifnet_capture cap = { .ifname = "busy0", .dirs = IFNET_PKT_OUT,
	    .linktype = DLT_EN10MB };
	struct vnet *vn = us->us_vnet;

	assert_int_equal(if_clone_attach(vn, &busy_cloner), 0);
	assert_int_equal(if_clone_attach(vn, &owned_cloner), 0);
	assert_int_equal(if_clone_attach(vn, &forever_cloner), 0);
	assert_int_equal(hold_create(NULL, vn, 0, ""), 0);
	test_command(vn, "sysctl -w net.inet.ip.dad_count=3");
	test_command(vn, "sysctl -w net.inet.ip.forwarding=1");
	for (unsigned i = 0; i < NNAMES; i++) {
		if (i < 3)
			commandf(vn, "ifconfig %s create", names[i]);
		/* The first is settled, the second is being checked. */
		test_command(vn, "sysctl -w net.inet.ip.dad_count=0");
		commandf(vn, "ifconfig %s 10.%u.0.1/24 up", names[i], i);
		test_command(vn, "sysctl -w net.inet.ip.dad_count=3");
		commandf(vn, "ifconfig %s 10.%u.1.1/24 alias", names[i], i);
		commandf(vn, "ifconfig %s group lab", names[i]);
		commandf(vn, "ifconfig %s description text", names[i]);
		commandf(vn, "arp -s 10.%u.0.9 02:00:00:00:00:07", i);
		commandf(vn, "route add 172.16.%u.0/24 10.%u.0.9", i, i);
		commandf(vn, "route add 172.17.%u.0/24 10.%u.0.8", i, i);
		commandf(vn, "filter add out %s pass 'icmp'", names[i]);
	}
	test_command(vn, "route add default 10.0.0.7");
	test_command(vn, "route add -blackhole 192.0.2.0/24 127.0.0.1");
	commandf(vn, "ifconfig pair0 create peer %s:pair0", peer);
	test_command(vn, "ifconfig pair0 192.168.0.1/24 up");
	us->us_follower = client_of(vn);
	us->us_capture = client_of(vn);
	us->us_idle = client_of(vn);
	assert_int_equal(ifnet_follow(us->us_follower, IFNET_ALL |
	    IFNET_SNAPSHOT, NULL), 0);
	assert_int_equal(ifnet_capture_begin(us->us_capture, &cap, NULL), 0);
	/* Into a send queue, to a neighbour that is asked for, to ourselves */
	us->us_ping[0] = ifnet_ping_start(vn, "10.0.0.9", 100, NULL);
	us->us_ping[1] = ifnet_ping_start(vn, "172.17.3.1", 100, NULL);
	us->us_ping[2] = ifnet_ping_start(vn, "10.1.0.1", 100, NULL);
	for (unsigned i = 0; i < 3; i++)
		assert_non_null(us->us_ping[i]);
	for (unsigned i = 0; i < 20; i++)
		ifnet_stack_run(st);
}

static void
leave_vnet(struct use *us)
{

	for (unsigned i = 0; i < 3; i++)
		ifnet_ping_free(us->us_ping[i]);
	ifnet_close(us->us_follower);
	ifnet_close(us->us_capture);
	ifnet_close(us->us_idle);
}

static void
end_program(struct ifnet_stack *st, struct use *us)
{

	vnet_destroy(us->us_vnet);
	leave_vnet(us);
	ifnet_stack_run(st);
	test_conserved(st);
}

static void
end_command(struct ifnet_stack *st, struct use *us)
{

	test_command(vnet_lookup(st, "first"), "vnet destroy used");
	assert_null(vnet_lookup(st, "used"));
	leave_vnet(us);
	ifnet_stack_run(st);
	test_conserved(st);
}

/* The stack's end is that of all its vnets; clients and pings are left for
 * later, see t_stack. */
static void
end_stack(struct ifnet_stack *st, struct use *us)
{

	(void)st;
	leave_vnet(us);
}

static void
in_use(unsigned ncpu, void (*end)(struct ifnet_stack *, struct use *))
{
	struct ifnet_stack *st = test_stack(ncpu);
	struct vnet *first = test_vnet(st, "first");
	struct use us;

	/* A vnet that the program made is not ended by a command. */
	if (end == end_command) {
		test_command(first, "vnet create used");
		us.us_vnet = vnet_lookup(st, "used");
	} else
		us.us_vnet = test_vnet(st, "used");
	held_refused = held_abandoned = 0;
	use_vnet(st, &us, "first");
	end(st, &us);
	/* The other vnet goes on. */
	test_command(first, "ifconfig pair0 192.168.0.2/24 up");
	ifnet_stack_destroy(st);
	assert_int_equal(held_refused, 2);
	assert_int_equal(held_abandoned, 1);
}

static void
test_in_use(void **state)
{

	(void)state;
	for (unsigned ncpu = 0; ncpu < 3; ncpu++) {
		in_use(ncpu, end_program);
		in_use(ncpu, end_command);
		in_use(ncpu, end_stack);
	}
}

/* Refused while the vnet lives: nothing has changed, and it works. */
static void
test_refused(void **state)
{
	struct ifnet_stack *st = test_stack(1);
	struct vnet *vn = test_vnet(st, "v");
	struct ifnet_error e;

	(void)state;
	assert_int_equal(if_clone_attach(vn, &owned_cloner), 0);
	test_command(vn, "ifconfig owned0 create");
	test_command(vn, "ifconfig owned0 10.0.0.1/24 up");
	assert_int_equal(vnet_command(vn, "ifconfig owned0 destroy", &e),
	    EBUSY);
	test_command(vn, "ifconfig owned0 10.0.1.1/24 alias");
	test_command(vn, "ifconfig owned0 mtu 1400");
	ifnet_stack_destroy(st);
}

/* Moved, it belongs to the other vnet, and goes with that one. */
static void
test_moved(void **state)
{
	struct ifnet_stack *st = test_stack(1);
	struct vnet *a = test_vnet(st, "a"), *b = test_vnet(st, "b");

	(void)state;
	test_command(a, "ifconfig pair7 create peer b:pair0");
	test_command(a, "ifconfig pair7 10.0.0.1/24 up");
	test_command(a, "ifconfig pair7 vnet b");
	test_command(b, "ifconfig pair7 10.0.0.1/24 up");
	vnet_destroy(a);
	test_command(b, "ifconfig pair0 10.0.1.2/24 up");
	vnet_destroy(b);
	ifnet_stack_destroy(st);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
