/*
 * Cloners: names and units, errors, lists, and what happens when a driver
 * refuses.
 */

#include "if_test.h"
#include "layer_test.h"

static int
create(struct vnet *vn, const char *name, char full[IFNAMSIZ])
{

	memset(full, 0, IFNAMSIZ);
	(void)snprintf(full, IFNAMSIZ, "%s", name);
	return if_clone_create(vn, full, "");
}

static void
names_body(struct vnet *vn)
{
	char full[IFNAMSIZ];

	KASSERT(create(vn, "tst7", full) == 0);
	KASSERT(create(vn, "tst7", full) == EEXIST);
	KASSERT(create(vn, "tst07", full) == EINVAL);
	KASSERT(create(vn, "tst007", full) == EINVAL);
	KASSERT(create(vn, "tst2147483648", full) == EINVAL);
	KASSERT(create(vn, "nosuch0", full) == EINVAL);
	KASSERT(create(vn, "7", full) == EINVAL);
	KASSERT(create(vn, "", full) == EINVAL);
	KASSERT(create(vn, "tst2147483647", full) == 0);
	memset(full, 'x', IFNAMSIZ);
	KASSERT(if_clone_create(vn, full, "") == EINVAL);
	memcpy(full, "tst1", 5);
	KASSERT(if_clone_create(vn, full, "bogus") == EINVAL);

	KASSERT(if_clone_destroy(vn, "tst7") == 0);
	KASSERT(if_clone_destroy(vn, "tst7") == ENXIO);
	KASSERT(if_clone_destroy(vn, "tst2147483647") == 0);
	KASSERT(test_if_count(vn) == 0);
}

static void
lowest_body(struct vnet *vn)
{
	struct ifnet *stray;
	char full[IFNAMSIZ];

	for (int i = 0; i < 70; i++) {
		char want[IFNAMSIZ];

		KASSERT(create(vn, "tst", full) == 0);
		(void)snprintf(want, sizeof(want), "tst%d", i);
		KASSERT(strcmp(full, want) == 0);
	}
	KASSERT(if_clone_destroy(vn, "tst3") == 0);
	KASSERT(if_clone_destroy(vn, "tst65") == 0);
	KASSERT(create(vn, "tst", full) == 0 && strcmp(full, "tst3") == 0);
	/* A name of ours that did not come from the cloner is jumped over. */
	stray = test_must_attach(vn, "tst", 65);
	KASSERT(create(vn, "tst", full) == 0 && strcmp(full, "tst70") == 0);
	KASSERT(if_clone_destroy(vn, "tst65") == EOPNOTSUPP);
	test_detach(stray);
	KASSERT(if_clone_detach(vn, &test_cloner) == EBUSY);
	if_clone_purge(vn, &test_cloner);
	KASSERT(test_if_count(vn) == 0);
	KASSERT(if_clone_detach(vn, &test_cloner) == 0);
	KASSERT(if_clone_detach(vn, &test_cloner) == EINVAL);
	KASSERT(if_clone_attach(vn, &test_cloner) == 0);
	KASSERT(if_clone_attach(vn, &test_cloner) == EEXIST);
}

/* A unit stays its interface's, whatever that is called by then, up to the
 * largest. */
static void
units_body(struct vnet *vn)
{
	static const char *const names[] = { "tst63", "tst64", "tst4096",
	    "tst16777215", "tst16777216", "tst2147483647" };
	char full[IFNAMSIZ], other[IFNAMSIZ];
	struct ifnet *ifp;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		KASSERT(create(vn, names[i], full) == 0);
		ifp = ifunit(vn, names[i]);
		KASSERT(ifp != NULL);
		(void)snprintf(other, sizeof(other), "other%c",
		    (char)('a' + i));
		KASSERT(test_rename(ifp, other) == 0);
		KASSERT(create(vn, names[i], full) == EEXIST);
	}
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(other, sizeof(other), "other%c",
		    (char)('a' + i));
		KASSERT(if_clone_destroy(vn, other) == 0);
		KASSERT(create(vn, names[i], full) == 0);
	}
	KASSERT(create(vn, "tst2147483648", full) == EINVAL);
	if_clone_purge(vn, &test_cloner);
}

/* Refused destruction: requests work again. */
static void
refuse_body(struct vnet *vn)
{
	char full[IFNAMSIZ];
	struct ifreq ifr;

	KASSERT(create(vn, "tst0", full) == 0);
	tally.t_destroy_error = EBUSY;
	KASSERT(if_clone_destroy(vn, "tst0") == EBUSY);
	KASSERT(test_ifreq(vn, "tst0", SIOCGIFMTU, 0, &ifr) == 0);
	tally.t_destroy_error = 0;
	/* By index, too. */
	KASSERT(if_clone_destroy(vn, "1") == 0);
	KASSERT(test_ifreq(vn, "tst0", SIOCGIFMTU, 0, &ifr) == ENXIO);

	/* A device that died is deactivated; it can still be destroyed. */
	KASSERT(create(vn, "tst0", full) == 0);
	if_deactivate(ifunit(vn, "tst0"));
	KASSERT(if_clone_destroy(vn, "tst0") == 0);
}

static int
no_create(const struct if_clone *ifc, struct vnet *vn, unsigned unit,
    const char *params)
{

	(void)ifc;
	(void)vn;
	(void)unit;
	(void)params;
	return ENODEV;
}

static const struct if_clone other = {
	.ifc_name = "l2tp", .ifc_create = no_create,
};

static void
list_body(struct vnet *vn)
{
	char names[2][IFNAMSIZ], full[IFNAMSIZ];
	int total;

	KASSERT(if_clone_attach(vn, &other) == 0);
	KASSERT(create(vn, "l2tp0", full) == ENODEV);
	KASSERT(if_clone_list(vn, -1, names[0], &total) == EINVAL);
	KASSERT(if_clone_list(vn, 0, NULL, &total) == 0 && total == 2);
	total = 0;
	KASSERT(if_clone_list(vn, 9, NULL, &total) == 0 && total == 2);
	memset(names, 'x', sizeof(names));
	KASSERT(if_clone_list(vn, 1, names[0], &total) == 0 && total == 2);
	KASSERT(strcmp(names[0], "tst") == 0 && names[1][0] == 'x');
	KASSERT(if_clone_list(vn, 2, names[0], &total) == 0);
	KASSERT(strcmp(names[1], "l2tp") == 0);
	KASSERT(if_clone_detach(vn, &other) == 0);
}

/* --- one at a time ------------------------------------------------------- */

static unsigned inside, wanting, met, made;
static int refused;

/* While it sleeps, others try. */
static int
slow_create(const struct if_clone *ifc, struct vnet *vn, unsigned unit,
    const char *params)
{
	int error;

	KASSERT(inside++ == 0);
	host_sleep(vn->vn_kern->k_host, 1000000);
	met += wanting > 1;
	error = test_clone_create(ifc, vn, unit, params);
	KASSERT(--inside == 0);
	return error;
}

static int
slow_destroy(struct ifnet *ifp)
{
	struct vnet *vn = ifp->if_vnet;
	struct ifreq ifr;
	char name[IFNAMSIZ];

	KASSERT(inside++ == 0);
	host_sleep(if_host(ifp), 1000000);
	met += wanting > 1;
	/* From before it is asked, nobody else reaches the interface. */
	memcpy(name, ifp->if_xname, IFNAMSIZ);
	KASSERT(test_ifreq(vn, name, SIOCGIFMTU, 0, &ifr) == ENXIO);
	KASSERT(test_ifreq(vn, name, SIOCSIFFLAGS, IFF_UP, &ifr) == ENXIO);
	KASSERT(--inside == 0);
	if (refused != 0)
		return refused;
	test_detach(ifp);
	return 0;
}

static const struct if_clone slow = {
	"slow", slow_create, slow_destroy, NULL
};

/* All threads create the same interfaces, and destroy them. */
static void
slow_loop(void *arg)
{
	struct vnet *vn = arg;
	char full[IFNAMSIZ];
	int error;

	for (int i = 0; i < 6; i++) {
		wanting++;
		error = create(vn, i % 2 == 0 ? "slow0" : "slow", full);
		KASSERT(error == 0 || error == EEXIST);
		made += error == 0;
		if (error == 0 || i % 3 == 0) {
			error = if_clone_destroy(vn, "slow0");
			KASSERT(error == 0 || error == ENXIO);
			made -= error == 0;
		}
		wanting--;
	}
}

static void
serial_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct host_thread *t[3];
	char full[IFNAMSIZ];
	struct ifreq ifr;

	inside = wanting = met = made = 0;
	refused = 0;
	KASSERT(if_clone_attach(vn, &slow) == 0);
	for (int i = 0; i < 3; i++)
		KASSERT(host_thread_create(h, "slow", -1, slow_loop, vn,
		    &t[i]) == 0);
	for (int i = 0; i < 3; i++)
		host_thread_join(h, t[i]);
	KASSERT(met != 0);		/* others did wait meanwhile */
	KASSERT(test_if_count(vn) == made);
	if_clone_purge(vn, &slow);
	KASSERT(test_if_count(vn) == 0);

	/* A driver that will not: requests reach it again. */
	KASSERT(create(vn, "slow", full) == 0);
	refused = EBUSY;
	KASSERT(if_clone_destroy(vn, full) == EBUSY);
	KASSERT(test_ifreq(vn, full, SIOCSIFFLAGS, IFF_UP, &ifr) == 0);
	KASSERT(test_ifreq(vn, full, SIOCGIFMTU, 0, &ifr) == 0);
	refused = 0;
	KASSERT(if_clone_destroy(vn, full) == 0);
	KASSERT(if_clone_detach(vn, &slow) == 0);
}

/* --- a driver that only creates ------------------------------------------ */

static const struct if_clone stays = {
	"stays", test_clone_create, NULL, NULL
};

static void
stays_body(struct vnet *vn)
{
	struct ifnet *ifp;
	char full[IFNAMSIZ];
	struct ifreq ifr;

	KASSERT(if_clone_attach(vn, &stays) == 0);
	KASSERT(create(vn, "stays4", full) == 0);
	KASSERT(if_clone_destroy(vn, "stays4") == EOPNOTSUPP);
	KASSERT(test_ifreq(vn, "stays4", SIOCIFDESTROY, 0, &ifr) ==
	    EOPNOTSUPP);
	KASSERT(test_ifreq(vn, "stays4", SIOCGIFMTU, 0, &ifr) == 0);
	KASSERT(test_ifreq(vn, "stays5", SIOCIFDESTROY, 0, &ifr) == ENXIO);
	pserialize_read_enter();
	ifp = ifunit(vn, "stays4");
	pserialize_read_exit();
	KASSERT(ifp != NULL);
	test_detach(ifp);
	KASSERT(if_clone_detach(vn, &stays) == 0);
}

static void
test_serial(void **state)
{

	(void)state;
	if_on_sim(1, serial_body);
}

static void
test_stays(void **state)
{

	(void)state;
	if_on_sim(1, stays_body);
}

static void
test_names(void **state)
{

	(void)state;
	if_on_sim(1, names_body);
}

static void
test_lowest(void **state)
{

	(void)state;
	if_on_sim(1, lowest_body);
}

static void
test_units(void **state)
{

	(void)state;
	if_on_sim(1, units_body);
}

static void
test_refuse(void **state)
{

	(void)state;
	if_on_sim(1, refuse_body);
}

static void
test_list(void **state)
{

	(void)state;
	if_on_sim(1, list_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_lowest),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_serial),
		cmocka_unit_test(test_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
