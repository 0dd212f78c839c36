/*
 * Vnets: subsystems come in order and go in reverse, a failure undoes what was
 * done, and destruction waits for whoever holds one.
 */

#include "kern_test.h"
#include "sysctl_test.h"

#include <errno.h>

static char trace[256];
static int fail_at;

static int
init(struct vnet *vn, int which)
{

	KASSERT(vnet_get(vn->vn_kern, vn->vn_name) == NULL);
	if (which == fail_at)
		return EBUSY;
	strcat(trace, which == 1 ? "+a" : which == 2 ? "+b" : "+c");
	return 0;
}

static int
init_a(struct vnet *vn)
{

	return init(vn, 1);
}

static int
init_b(struct vnet *vn)
{

	return init(vn, 2);
}

static int
init_c(struct vnet *vn)
{

	return init(vn, 3);
}

static void
fini_a(struct vnet *vn)
{

	(void)vn;
	strcat(trace, "-a");
}

static void
fini_b(struct vnet *vn)
{

	(void)vn;
	strcat(trace, "-b");
}

static const struct vnet_subsys subsys_a = { "a", init_a, fini_a };
static const struct vnet_subsys subsys_b = { "b", init_b, fini_b };
static const struct vnet_subsys subsys_c = { "c", init_c, NULL };
static const struct vnet_subsys *const subsystems[] = {
	&sysctl_subsys, &subsys_a, &subsys_b, &subsys_c, NULL
};

static void
destroy(struct kern *k, const char *name)
{
	struct vnet *vn = vnet_get(k, name);

	KASSERT(vn != NULL);
	vnet_destroy_held(vn);
}

static void
expect(const char *s)
{

	KASSERT(strcmp(trace, s) == 0);
	trace[0] = '\0';
}

static int
collect(struct vnet *vn, void *arg)
{

	strcat(arg, vn->vn_name);
	return strcmp(vn->vn_name, "stop") == 0 ? 42 : 0;
}

static void
names(struct kern *k)
{
	struct vnet *vn;
	char seen[64] = "";
	uint32_t id;

	KASSERT(vnet_create_named(k, "", &vn) == EINVAL);
	KASSERT(vnet_create_named(k, "a b", &vn) == EINVAL);
	KASSERT(vnet_create_named(k, "12345678901234567890123456789012",
	    &vn) == EINVAL);
	KASSERT(vnet_get(k, "") == NULL);
	KASSERT(vnet_create_named(k, "r1", &vn) == 0);
	id = vn->vn_id;
	KASSERT(vnet_create_named(k, "r1", &vn) == EEXIST);
	KASSERT(vnet_create_named(k, "stop", &vn) == 0);
	KASSERT(vn->vn_id > id);
	id = vn->vn_id;
	KASSERT(vnet_create_named(k, "r_3.x-y", &vn) == 0);
	vn = vnet_get(k, "");
	KASSERT(strcmp(vn->vn_name, "r1") == 0);
	vnet_put(vn);
	KASSERT(vnet_foreach(k, collect, seen) == 42);
	KASSERT(strcmp(seen, "r1stop") == 0);
	destroy(k, "stop");
	KASSERT(vnet_get(k, "stop") == NULL);
	KASSERT(vnet_create_named(k, "stop", &vn) == 0);
	KASSERT(vn->vn_id > id + 1);
	destroy(k, "stop");
	destroy(k, "");
	destroy(k, "r_3.x-y");
}

static void
order(struct kern *k)
{
	struct vnet *vn;

	trace[0] = '\0';
	KASSERT(vnet_create_named(k, "x", &vn) == 0);
	expect("+a+b+c");
	destroy(k, "x");
	expect("-b-a");
	fail_at = 3;
	KASSERT(vnet_create_named(k, "x", &vn) == EBUSY);
	expect("+a+b-b-a");
	KASSERT(vnet_get(k, "x") == NULL);
	fail_at = 0;
	for (unsigned n = 1; ; n++) {
		sim_fail_alloc(k->k_host, n);
		if (vnet_create_named(k, "x", &vn) == 0)
			break;
		KASSERT(sim_alloc_failed(k->k_host));
		KASSERT(n < 100);
	}
	sim_fail_alloc(k->k_host, 0);
	destroy(k, "x");
	trace[0] = '\0';
}

struct holder {
	struct kern	*h_kern;
	struct vnet	*h_vn;
	bool		 h_done;
};

static void
hold(void *arg)
{
	struct holder *h = arg;

	host_sleep(h->h_kern->k_host, 2500000000u);
	h->h_done = true;
	vnet_put(h->h_vn);
}

static void
waiting(struct kern *k)
{
	struct holder h = { .h_kern = k };
	struct host_thread *t;

	KASSERT(vnet_create_named(k, "w", &h.h_vn) == 0);
	KASSERT(vnet_get(k, "w") == h.h_vn);
	KASSERT(host_thread_create(k->k_host, "holder", -1, hold, &h,
	    &t) == 0);
	destroy(k, "w");
	KASSERT(h.h_done);
	KASSERT(strstr(sim_last_log(k->k_host), "vnet w") != NULL);
	host_thread_join(k->k_host, t);
}

static void
run_all(void *arg)
{
	struct kern_config kc = { .kc_mbufs = 64, .kc_ncpu = 1,
	    .kc_subsys = subsystems };
	struct kern *k;

	KASSERT(kern_create(arg, &kc, &k) == 0);
	fail_at = 0;
	names(k);
	order(k);
	waiting(k);
	kern_destroy(k);
}

static void
test_vnet(void **state)
{
	struct sim_config sc = { .sc_seed = 1, .sc_quiet = true };
	struct host *h;

	(void)state;
	for (; sc.sc_seed < 5; sc.sc_seed++) {
		h = sim_create(&sc);
		assert_int_equal(sim_run(h, run_all, h), 0);
		assert_int_equal(sim_allocated(h), 0);
		sim_destroy(h);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vnet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
