/*
 * Drivers in files of their own: loaded when asked for, shared by vnets, gone
 * at the end; and those that must not be loaded.  $IFNET_MODULES is where the
 * build made them.
 */

#include "if_test.h"

#include <sys/stat.h>

#include <stdlib.h>

static int
create(struct vnet *vn, const char *name)
{
	char full[IFNAMSIZ] = "";

	(void)snprintf(full, sizeof(full), "%s", name);
	return if_clone_create(vn, full, "");
}

static bool
said(struct vnet *vn, const char *text)
{

	return strstr(sim_last_log(vn->vn_kern->k_host), text) != NULL;
}

static void
good_body(struct vnet *vn)
{
	char names[3][IFNAMSIZ];
	struct vnet *other;
	int total;

	KASSERT(create(vn, "good1") == 0);
	KASSERT(said(vn, "if_good.so loaded"));
	KASSERT(create(vn, "good") == 0);
	KASSERT(create(vn, "good0") == EEXIST);
	KASSERT(test_if_count(vn) == 2);
	KASSERT(if_clone_list(vn, 3, names[0], &total) == 0 && total == 2);
	KASSERT(strcmp(names[1], "good") == 0);

	/* The other vnet has the same code, not a second copy. */
	KASSERT(vnet_create_named(vn->vn_kern, "other", &other) == 0);
	klog(vn->vn_kern, KLOG_NOTICE, "before");
	KASSERT(create(other, "good7") == 0);
	KASSERT(said(vn, "before"));
	KASSERT(vn->vn_kern->k_modules != NULL);
	KASSERT(vnet_get(vn->vn_kern, "other") == other);
	vnet_destroy_held(other);

	KASSERT(if_clone_destroy(vn, "good1") == 0);
	if_clone_purge(vn, NULL);
	KASSERT(test_if_count(vn) == 0);
	KASSERT(create(vn, "good3") == 0);
	/* good3 is left for the vnet's end. */
}

static void
bad_body(struct vnet *vn)
{

	KASSERT(create(vn, "nothing0") == EINVAL);
	KASSERT(said(vn, "exports no ifnet_module"));
	KASSERT(create(vn, "abi0") == EINVAL);
	KASSERT(said(vn, "another version of ifnet"));
	KASSERT(create(vn, "layout0") == EINVAL);
	KASSERT(said(vn, "other headers"));
	KASSERT(create(vn, "name0") == EINVAL);
	KASSERT(said(vn, "calls itself otherwise"));
	KASSERT(create(vn, "cloner0") == EINVAL);
	KASSERT(said(vn, "no cloner of its name"));
	KASSERT(create(vn, "refuse0") == ENODEV);
	KASSERT(said(vn, "its start failed"));
	KASSERT(create(vn, "absent0") == EINVAL);
	KASSERT(vn->vn_kern->k_modules == NULL);
	KASSERT(test_if_count(vn) == 0);
}

/* A driver that does not destroy its interface: it goes with its vnet, before
 * the module is unloaded. */
static void
busy_body(struct vnet *vn)
{
	struct vnet *other;

	KASSERT(vnet_create_named(vn->vn_kern, "other", &other) == 0);
	KASSERT(create(other, "busy0") == 0 && create(vn, "busy0") == 0);
	KASSERT(if_clone_destroy(other, "busy0") == EBUSY);
	KASSERT(vnet_get(vn->vn_kern, "other") == other);
	vnet_destroy_held(other);
	KASSERT(said(vn, "busy0: was left attached"));
	KASSERT(if_clone_destroy(vn, "busy0") == EBUSY);
}

/* Words that cannot be a driver's name are not looked for. */
static void
names_body(struct vnet *vn)
{

	klog(vn->vn_kern, KLOG_NOTICE, "before");
	vn->vn_kern->k_log_level = KLOG_DEBUG;
	KASSERT(create(vn, "../if_good") == EINVAL);
	KASSERT(create(vn, "x/../good0") == EINVAL);
	KASSERT(create(vn, "a.b0") == EINVAL);
	KASSERT(create(vn, "good-0") == EINVAL);
	KASSERT(create(vn, "0good0") == EINVAL);
	KASSERT(create(vn, "12") == EINVAL);
	KASSERT(said(vn, "before"));
	KASSERT(create(vn, "absent0") == EINVAL);
	KASSERT(said(vn, "if_absent cannot be loaded"));
}

/* A file is looked for once, and not when a cloner is there. */
static void
once_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;

	KASSERT(create(vn, "tst0") == 0);
	KASSERT(create(vn, "tst0") == EEXIST);
	KASSERT(create(vn, "tst00") == EINVAL);
	KASSERT(create(vn, "a.b0") == EINVAL);
	KASSERT(sim_module_opens(h) == 0);
	KASSERT(create(vn, "absent0") == EINVAL);
	KASSERT(sim_module_opens(h) == 1);
	KASSERT(create(vn, "good0") == 0);
	KASSERT(sim_module_opens(h) == 2);
	KASSERT(create(vn, "good0") == EEXIST);
	KASSERT(create(vn, "good") == 0);
	KASSERT(sim_module_opens(h) == 2);
	KASSERT(if_clone_destroy(vn, "tst0") == 0);
	if_clone_purge(vn, NULL);
}

/* No memory at any point: nothing stays behind. */
static void
memory_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	int error;

	for (unsigned n = 1;; n++) {
		sim_fail_alloc(h, n);
		error = create(vn, "good0");
		if (!sim_alloc_failed(h))
			break;
		if (error == 0)
			KASSERT(if_clone_destroy(vn, "good0") == 0);
		else
			KASSERT(error == ENOMEM);
		KASSERT(test_if_count(vn) == 0);
	}
	sim_fail_alloc(h, 0);
	KASSERT(error == 0);
}

static void
on_modules(void (*body)(struct vnet *))
{
	struct sim_config sc;
	struct if_test it = { .it_body = body, .it_ncpu = 1 };

	memset(&sc, 0, sizeof(sc));
	sc.sc_seed = 1;
	sc.sc_quiet = true;
	sc.sc_modules = true;
	it.it_host = sim_create(&sc);
	assert_non_null(it.it_host);
	assert_int_equal(sim_run(it.it_host, if_test_main, &it), 0);
	assert_int_equal(sim_allocated(it.it_host), 0);
	if (body == good_body || body == busy_body)
		assert_string_equal(sim_last_log(it.it_host), "module fini");
	sim_destroy(it.it_host);
}

static void
test_once(void **state)
{

	(void)state;
	on_modules(once_body);
}

static void
test_good(void **state)
{

	(void)state;
	on_modules(good_body);
}

static void
test_busy(void **state)
{

	(void)state;
	on_modules(busy_body);
}

static void
test_bad(void **state)
{

	(void)state;
	on_modules(bad_body);
}

static void
test_names(void **state)
{

	(void)state;
	on_modules(names_body);
}

static void
test_memory(void **state)
{

	(void)state;
	on_modules(memory_body);
}

/*
 * The tree may belong to somebody else than who tests it, and modules of
 * others are not loaded: use copies in a directory of our own.
 */
static char copies[] = "/tmp/ifnet-modules-XXXXXX";

static int
copy_modules(void **state)
{
	char line[4096];

	(void)state;
	(void)umask(022);
	assert_non_null(mkdtemp(copies));
	(void)snprintf(line, sizeof(line), "cp '%s'/if_*.so %s/",
	    getenv("IFNET_MODULES"), copies);
	assert_int_equal(system(line), 0);
	return setenv("IFNET_MODULES", copies, 1);
}

static int
remove_copies(void **state)
{
	char line[64];

	(void)state;
	(void)snprintf(line, sizeof(line), "rm -r %s", copies);
	return system(line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_memory),
	};

	if (getenv("IFNET_MODULES") == NULL) {
		(void)fprintf(stderr, "IFNET_MODULES is not set\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, copy_modules, remove_copies);
}
