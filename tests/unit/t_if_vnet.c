/*
 * A vnet that ends with interfaces in it, and somebody who has them.
 */

#include "net_test.h"

struct holder {
	struct vnet	*ho_vnet;
	const char	*ho_name;
	bool		 ho_held;
	char		 ho_log[256];
};

static void
holder_main(void *arg)
{
	struct holder *ho = arg;
	struct host *h = ho->ho_vnet->vn_kern->k_host;
	struct psref pr;
	struct ifnet *ifp;

	ifp = if_get(ho->ho_vnet, ho->ho_name, &pr);
	KASSERT(ifp != NULL);
	ho->ho_held = true;
	/* Until it is reported. */
	while (strstr(sim_last_log(h), ho->ho_name) == NULL ||
	    strstr(sim_last_log(h), "t_if_vnet.c:") == NULL)
		host_sleep(h, 100000000);
	(void)strncpy(ho->ho_log, sim_last_log(h), sizeof(ho->ho_log) - 1);
	if_put(ifp, &pr);
}

static void
left_body(struct vnet *vn)
{
	static const char *const names[3] = { "et0", "et1", "et2" };
	struct kern *k = vn->vn_kern;
	struct host_thread *t[3];
	static struct etest et[3];
	struct holder ho[3];
	struct vnet *other;

	/* In one of its own. */
	KASSERT(vnet_create_named(k, "other", &other) == 0);
	KASSERT(vnet_get(k, "other") == other);
	memset(ho, 0, sizeof(ho));
	for (unsigned i = 0; i < 3; i++) {
		etest_attach(other, &et[i], i, &etest_ops, false);
		ho[i].ho_vnet = other;
		ho[i].ho_name = names[i];
		KASSERT(host_thread_create(k->k_host, "holder", -1,
		    holder_main, &ho[i], &t[i]) == 0);
		while (!ho[i].ho_held)
			host_sleep(k->k_host, 1000000);
	}
	vnet_destroy_held(other);
	for (unsigned i = 0; i < 3; i++) {
		host_thread_join(k->k_host, t[i]);
		/* Which interface, by whom, taken where. */
		KASSERT(strstr(ho[i].ho_log, names[i]) != NULL);
		KASSERT(strstr(ho[i].ho_log, "thread holder") != NULL);
	}
}

static void
test_left(void **state)
{

	(void)state;
	net_on_sim(2, left_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
