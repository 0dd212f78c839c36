/*
 * The pair driver: joining, in one vnet and across two, packets both ways,
 * an end without a peer, and ends that go while the other sends.
 */

#include <ifnet/if.h>
#include <ifnet/if_clone.h>

#include "dev_test.h"

static struct ifnet_ping *
ping(struct dev_test *dt, const char *dst, unsigned count)
{
	struct ifnet_ping *p;

	/* Addresses are probed once the link is up. */
	for (unsigned i = 0; i < 1000; i++) {
		ifnet_stack_run(dt->dt_stack);
		host_sleep(dt->dt_host, 10000000);
	}
	p = ifnet_ping_start(dt->dt_vnet, dst, count, NULL);
	KASSERT(p != NULL);
	while (!ifnet_ping_done(p)) {
		ifnet_stack_run(dt->dt_stack);
		host_sleep(dt->dt_host, 10000000);
	}
	return p;
}

static void
body_across(struct dev_test *dt)
{
	struct vnet *far = vnet_create(dt->dt_stack, "far", NULL);
	struct ifnet_ping *p;

	KASSERT(far != NULL);
	dev_command(dt, "ifconfig pair0 create peer far:pair7");
	dev_command(dt, "ifconfig pair0 inet 10.0.0.1/24 up");
	KASSERT(dev_try(far, "ifconfig pair7 inet 10.0.0.2/24 up") == 0);
	p = ping(dt, "10.0.0.2", 3);
	KASSERT(ifnet_ping_received(p) == 3);
	ifnet_ping_free(p);
	(void)dev_data(dt->dt_vnet, "pair0");
	KASSERT(dev_data(far, "pair7").ifi_delivered >= 3);

	/* The other vnet goes, and its end with it. */
	vnet_destroy(far);
	dev_run(dt);
	KASSERT(dev_data(dt->dt_vnet, "pair0").ifi_link_state ==
	    LINK_STATE_DOWN);
	p = ping(dt, "10.0.0.2", 1);
	KASSERT(ifnet_ping_received(p) == 0);
	ifnet_ping_free(p);
	KASSERT(dev_drops(dt->dt_vnet, "pair0", DROP_TX_NO_PEER) > 0);
	(void)dev_data(dt->dt_vnet, "pair0");
}

static void
body_join(struct dev_test *dt)
{
	char name[IFNAMSIZ] = "pair0";
	struct vnet *vn = dt->dt_vnet;

	KASSERT(if_clone_create(vn, name, "") == 0);
	dev_run(dt);
	KASSERT(dev_data(vn, "pair0").ifi_link_state == LINK_STATE_DOWN);
	strcpy(name, "pair1");
	KASSERT(if_clone_create(vn, name, "peer pair0") == 0);
	dev_run(dt);
	/* Neither has a link before the other is up. */
	KASSERT(dev_data(vn, "pair0").ifi_link_state == LINK_STATE_DOWN);
	KASSERT(dev_data(vn, "pair1").ifi_link_state == LINK_STATE_DOWN);
	dev_command(dt, "ifconfig pair0 up");
	dev_run(dt);
	KASSERT(dev_data(vn, "pair0").ifi_link_state == LINK_STATE_DOWN);
	KASSERT(dev_data(vn, "pair1").ifi_link_state == LINK_STATE_UP);
	dev_command(dt, "ifconfig pair1 up");
	dev_run(dt);
	KASSERT(dev_data(vn, "pair0").ifi_link_state == LINK_STATE_UP);

	/* Taken, itself, another driver's, nowhere, nonsense: nothing stays. */
	strcpy(name, "pair2");
	KASSERT(if_clone_create(vn, name, "peer pair0") == EBUSY);
	KASSERT(if_clone_create(vn, name, "peer pair2") == EBUSY);
	KASSERT(if_clone_create(vn, name, "peer lo0") == EINVAL);
	KASSERT(if_clone_create(vn, name, "peer pair07") == EINVAL);
	KASSERT(if_clone_create(vn, name, "peer nowhere:pair0") == ENOENT);
	KASSERT(if_clone_create(vn, name, "peer") == EINVAL);
	KASSERT(if_clone_create(vn, name, "peer pair9 more") == EINVAL);
	KASSERT(if_clone_create(vn, name, "to pair9") == EINVAL);
	pserialize_read_enter();
	KASSERT(ifunit(vn, "pair2") == NULL && ifunit(vn, "pair9") == NULL);
	pserialize_read_exit();

	/* A free end can be joined again. */
	KASSERT(if_clone_destroy(vn, "pair1") == 0);
	dev_run(dt);
	KASSERT(dev_data(vn, "pair0").ifi_link_state == LINK_STATE_DOWN);
	KASSERT(if_clone_create(vn, name, "peer pair0") == 0);
	KASSERT(if_clone_destroy(vn, "pair0") == 0);
	KASSERT(if_clone_destroy(vn, "pair2") == 0);
	KASSERT(if_clone_destroy(vn, "pair2") == ENXIO);
}

/* Two routers that send each other what they do not know: it ends, counted. */
static void
body_loop(struct dev_test *dt)
{
	struct vnet *b = vnet_create(dt->dt_stack, "b", NULL);
	struct vnet *c = vnet_create(dt->dt_stack, "c", NULL);
	struct ifnet_ping *p;

	KASSERT(b != NULL && c != NULL);
	dev_command(dt, "ifconfig pair0 create peer b:pair0");
	KASSERT(dev_try(b, "ifconfig pair1 create peer c:pair0") == 0);
	dev_command(dt, "ifconfig pair0 inet 10.0.0.1/24 up");
	KASSERT(dev_try(b, "ifconfig pair0 inet 10.0.0.2/24 up") == 0);
	KASSERT(dev_try(b, "ifconfig pair1 inet 10.0.1.2/24 up") == 0);
	KASSERT(dev_try(c, "ifconfig pair0 inet 10.0.1.3/24 up") == 0);
	dev_command(dt, "route add default 10.0.0.2");
	KASSERT(dev_try(b, "sysctl -w net.inet.ip.forwarding=1") == 0);
	KASSERT(dev_try(c, "sysctl -w net.inet.ip.forwarding=1") == 0);
	KASSERT(dev_try(b, "route add default 10.0.1.3") == 0);
	KASSERT(dev_try(c, "route add default 10.0.1.2") == 0);
	p = ping(dt, "198.18.0.1", 2);
	KASSERT(ifnet_ping_received(p) == 0);
	ifnet_ping_free(p);
	KASSERT(dev_drops(b, "pair1", DROP_IP_TTL) +
	    dev_drops(c, "pair0", DROP_IP_TTL) == 2);
	KASSERT(dev_data(b, "pair1").ifi_forwarded >= 50);
	(void)dev_data(dt->dt_vnet, "pair0");
	(void)dev_data(b, "pair0");
	(void)dev_data(c, "pair0");
}

static unsigned
link_of(struct vnet *vn, const char *name)
{

	return dev_data(vn, name).ifi_link_state;
}

static void
described(struct vnet *vn, const char *name, const char *what)
{
	char buf[128];
	struct psref psref;
	struct ifnet *ifp;

	ifp = if_get(vn, name, &psref);
	KASSERT(ifp != NULL);
	KASSERT(ifp->if_ops->describe(ifp, buf, sizeof(buf)) == 0);
	KASSERT(strcmp(buf, what) == 0);
	if_put(ifp, &psref);
}

/* Changes of one end that the other sees: down, up, moved, renamed, its MTU. */
static void
body_far(struct dev_test *dt)
{
	struct vnet *far = vnet_create(dt->dt_stack, "far", NULL);
	struct vnet *vn = dt->dt_vnet;
	struct ifnet_ping *p;

	KASSERT(far != NULL);
	dev_command(dt, "ifconfig pair0 create peer far:pair7");
	dev_command(dt, "ifconfig pair0 inet 10.0.0.1/24 up");
	KASSERT(dev_try(far, "ifconfig pair7 inet 10.0.0.2/24 up") == 0);
	p = ping(dt, "10.0.0.2", 1);
	KASSERT(ifnet_ping_received(p) == 1);
	ifnet_ping_free(p);

	KASSERT(dev_try(far, "ifconfig pair7 down") == 0);
	dev_run(dt);
	KASSERT(link_of(vn, "pair0") == LINK_STATE_DOWN);
	KASSERT(link_of(far, "pair7") == LINK_STATE_UP);
	p = ping(dt, "10.0.0.2", 2);
	KASSERT(ifnet_ping_received(p) == 0);
	ifnet_ping_free(p);
	KASSERT(dev_drops(vn, "pair0", DROP_TX_FAR_DOWN) > 0);
	KASSERT(dev_drops(vn, "pair0", DROP_TX_NO_PEER) == 0);
	KASSERT(dev_drops(vn, "pair0", DROP_TX_ERROR) == 0);
	KASSERT(dev_try(far, "ifconfig pair7 up") == 0);
	dev_run(dt);
	KASSERT(link_of(vn, "pair0") == LINK_STATE_UP);

	/* Its name, in another vnet too. */
	KASSERT(dev_try(far, "ifconfig pair7 name wan0") == 0);
	described(vn, "pair0", "peer far:wan0");
	KASSERT(dev_try(far, "ifconfig wan0 vnet test") == 0);
	dev_run(dt);
	described(vn, "pair0", "peer wan0");
	KASSERT(link_of(vn, "pair0") == LINK_STATE_UP);
	dev_command(dt, "ifconfig wan0 down");
	dev_command(dt, "ifconfig wan0 vnet far");
	dev_run(dt);
	KASSERT(link_of(vn, "pair0") == LINK_STATE_DOWN);
	KASSERT(dev_try(far, "ifconfig wan0 inet 10.0.0.2/24 up") == 0);
	dev_run(dt);
	KASSERT(link_of(vn, "pair0") == LINK_STATE_UP);
	p = ping(dt, "10.0.0.2", 1);
	KASSERT(ifnet_ping_received(p) == 1);
	ifnet_ping_free(p);

	/* Its MTU, where it differs. */
	dev_command(dt, "ifconfig pair0 mtu 9000");
	described(vn, "pair0", "peer far:wan0 (mtu 1500)");
	described(far, "wan0", "peer test:pair0 (mtu 9000)");
	KASSERT(dev_try(far, "ifconfig wan0 mtu 9000") == 0);
	described(vn, "pair0", "peer far:wan0");
}

static void
test_far(void **state)
{

	(void)state;
	dev_on_sim(body_far);
}

static void
test_across(void **state)
{

	(void)state;
	dev_on_sim(body_across);
}

static void
test_join(void **state)
{

	(void)state;
	dev_on_sim(body_join);
}

static void
test_loop(void **state)
{

	(void)state;
	dev_on_sim(body_loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_across),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
