/*
 * Renaming: one of the two names finds the interface at every moment, whoever
 * listens hears of it once it is so, and units stay whose they are.
 */

#include "if_test.h"
#include "layer_test.h"

static int
rename_to(struct vnet *vn, const char *name, const char *new)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	(void)snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	(void)snprintf(ifr.ifr_text, sizeof(ifr.ifr_text), "%s", new);
	return ifioctl(vn, &kauth_cred_self, SIOCSIFNAME, &ifr, sizeof(ifr));
}

static struct ifnet *
find(struct vnet *vn, const char *name)
{
	struct ifnet *ifp;

	pserialize_read_enter();
	ifp = ifunit(vn, name);
	pserialize_read_exit();
	return ifp;
}

static void
simple_body(struct vnet *vn)
{
	struct kauth_cred nobody = { .kc_uid = 65534, .kc_gid = 65534 };
	struct ifnet *a, *b;
	struct ifreq ifr;
	uint64_t handle;

	a = test_must_attach(vn, "x", 0);
	b = test_must_attach(vn, "x", 1);
	handle = a->if_handle;
	KASSERT(rename_to(vn, "x0", "wan") == 0);
	KASSERT(find(vn, "wan") == a && find(vn, "x0") == NULL);
	KASSERT(a->if_handle == handle && find(vn, "1") == a);

	KASSERT(rename_to(vn, "wan", "x1") == EEXIST);
	KASSERT(rename_to(vn, "wan", "7") == EINVAL);
	KASSERT(rename_to(vn, "wan", "a b") == EINVAL);
	KASSERT(rename_to(vn, "wan", "") == EINVAL);
	KASSERT(rename_to(vn, "wan", "abcdefghijklmnop") == EINVAL);
	KASSERT(rename_to(vn, "x0", "y") == ENXIO);
	KASSERT(rename_to(vn, "wan", "wan") == 0);
	memset(&ifr, 0, sizeof(ifr));
	(void)strcpy(ifr.ifr_name, "wan");
	(void)strcpy(ifr.ifr_text, "lan");
	KASSERT(ifioctl(vn, &nobody, SIOCSIFNAME, &ifr, sizeof(ifr)) ==
	    EPERM);
	KASSERT(find(vn, "wan") == a && find(vn, "x1") == b);

	/* The longest, the old name again, and each other's. */
	KASSERT(rename_to(vn, "wan", "abcdefghijklmno") == 0);
	KASSERT(rename_to(vn, "abcdefghijklmno", "x0") == 0);
	KASSERT(rename_to(vn, "x0", "t") == 0);
	KASSERT(rename_to(vn, "x1", "x0") == 0);
	KASSERT(rename_to(vn, "t", "x1") == 0);
	KASSERT(find(vn, "x0") == b && find(vn, "x1") == a);
	test_detach(a);
	test_detach(b);
	KASSERT(find(vn, "x1") == NULL && find(vn, "x0") == NULL);
}

static void
announce_body(struct vnet *vn)
{
	union {
		struct rt_hdr	 h;
		struct if_rename_msg m;
		uint8_t		 room[RT_MSG_MAX];
	} buf;
	const struct sockaddr *sa[RTAX_MAX];
	struct rt_listener *rl;
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "x", 0);
	rl = listener_open(vn, no_wakeup);
	KASSERT(rename_to(vn, "x0", "x0") == 0);
	KASSERT(rt_listener_read(rl, &buf) == 0);	/* no change, no news */
	KASSERT(rename_to(vn, "x0", "uplink") == 0);
	KASSERT(rt_listener_read(rl, &buf) == sizeof(buf.m));
	KASSERT(rt_msg_check(&buf, sizeof(buf.m), sa) == 0);
	KASSERT(buf.h.rtm_type == RTM_IFRENAME);
	KASSERT(buf.m.ifrn_handle == ifp->if_handle);
	KASSERT(strcmp(buf.m.ifrn_oldname, "x0") == 0);
	KASSERT(strcmp(buf.m.ifrn_name, "uplink") == 0);
	/* Visible before it was announced. */
	KASSERT(find(vn, buf.m.ifrn_name) == ifp);
	KASSERT(rt_listener_read(rl, &buf) == 0);
	rt_listener_close(rl);
	test_detach(ifp);
}

static void
units_body(struct vnet *vn)
{
	char name[IFNAMSIZ] = "tst";
	struct ifnet *ifp;

	KASSERT(if_clone_create(vn, name, "") == 0);
	KASSERT(strcmp(name, "tst0") == 0);
	ifp = find(vn, "tst0");
	KASSERT(rename_to(vn, "tst0", "wan") == 0);
	/* Its unit is its own still. */
	KASSERT(if_clone_create(vn, name, "") == EEXIST);
	memcpy(name, "tst\0\0", 5);
	KASSERT(if_clone_create(vn, name, "") == 0);
	KASSERT(strcmp(name, "tst1") == 0);
	/* Names like a cloner's are just names. */
	KASSERT(rename_to(vn, "wan", "tst2") == 0);
	memcpy(name, "tst\0\0", 5);
	KASSERT(if_clone_create(vn, name, "") == 0);
	KASSERT(strcmp(name, "tst3") == 0);
	KASSERT(find(vn, "tst2") == ifp);
	KASSERT(if_clone_destroy(vn, "tst2") == 0);
	memcpy(name, "tst\0\0", 5);
	KASSERT(if_clone_create(vn, name, "") == 0);
	KASSERT(strcmp(name, "tst0") == 0);
	if_clone_purge(vn, NULL);
	KASSERT(test_if_count(vn) == 0);
}

static int
read_maxlen(struct vnet *vn, const char *name)
{
	uint64_t v;

	return test_sysctl_get_as(vn, &kauth_cred_self, name, &v);
}

static void
sysctl_body(struct vnet *vn)
{
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "x", 0);
	KASSERT(rename_to(vn, "x0", "wan") == 0);
	KASSERT(read_maxlen(vn, "net.interfaces.wan.sndq.maxlen") == 0);
	KASSERT(read_maxlen(vn, "net.interfaces.x0.sndq.maxlen") == ENOENT);
	test_detach(ifp);
}

/* --- readers while the name changes -------------------------------------- */

#define NAME_A	"first-name-A"
#define NAME_B	"other-name-B"

static struct race {
	struct vnet	*ra_vnet;
	struct ifnet	*ra_ifp;
	uint64_t	 ra_turns;	/* atomic: renames begun and ended */
	uint64_t	 ra_checked;	/* atomic */
	bool		 ra_stop;
} race;

static void
reader(void *arg)
{
	struct race *ra = arg;
	struct ifnet *a, *b;
	char name[IFNAMSIZ];
	uint64_t before;

	while (!__atomic_load_n(&ra->ra_stop, __ATOMIC_RELAXED)) {
		before = __atomic_load_n(&ra->ra_turns, __ATOMIC_SEQ_CST);
		pserialize_read_enter();
		a = ifunit(ra->ra_vnet, NAME_A);
		b = ifunit(ra->ra_vnet, NAME_B);
		test_name(ra->ra_ifp, name);
		/* Half of one and half of the other is nobody's. */
		KASSERT(ifunit(ra->ra_vnet, "first-name-B") == NULL);
		pserialize_read_exit();
		KASSERT(strcmp(name, NAME_A) == 0 ||
		    strcmp(name, NAME_B) == 0);
		KASSERT(a == NULL || a == ra->ra_ifp);
		KASSERT(b == NULL || b == ra->ra_ifp);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (before % 2 == 0 && before ==
		    __atomic_load_n(&ra->ra_turns, __ATOMIC_SEQ_CST)) {
			KASSERT((a != NULL) != (b != NULL));
			(void)__atomic_fetch_add(&ra->ra_checked, 1,
			    __ATOMIC_RELAXED);
		}
	}
}

static void
race_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct host_thread *t;

	race.ra_vnet = vn;
	race.ra_ifp = test_must_attach(vn, "x", 0);
	race.ra_stop = false;
	race.ra_turns = race.ra_checked = 0;
	KASSERT(rename_to(vn, "x0", NAME_A) == 0);
	KASSERT(host_thread_create(h, "reader", -1, reader, &race, &t) == 0);
	for (unsigned i = 0; i < 4000 || __atomic_load_n(&race.ra_checked,
	    __ATOMIC_RELAXED) < 100; i++) {
		(void)__atomic_fetch_add(&race.ra_turns, 1, __ATOMIC_SEQ_CST);
		KASSERT(rename_to(vn, i % 2 == 0 ? NAME_A : NAME_B,
		    i % 2 == 0 ? NAME_B : NAME_A) == 0);
		(void)__atomic_fetch_add(&race.ra_turns, 1, __ATOMIC_SEQ_CST);
		if (i % 64 == 0)
			host_yield(h);
	}
	__atomic_store_n(&race.ra_stop, true, __ATOMIC_RELAXED);
	host_thread_join(h, t);
	test_detach(race.ra_ifp);
}

static void
test_simple(void **state)
{

	(void)state;
	if_on_sim(1, simple_body);
}

static void
test_announced(void **state)
{

	(void)state;
	if_on_sim(1, announce_body);
}

static void
test_units(void **state)
{

	(void)state;
	if_on_sim(1, units_body);
}

static void
test_readings(void **state)
{

	(void)state;
	if_on_sim(1, sysctl_body);
}

static void
test_race(void **state)
{

	(void)state;
	if_on_linux(1, race_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_announced),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_readings),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
