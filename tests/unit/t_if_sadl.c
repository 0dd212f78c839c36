/*
 * Link-level addresses that change under their readers: the old one or the new
 * one, never neither, and never half of each.  References that several threads
 * take and drop.
 */

#include "if_test.h"

static struct race {
	struct vnet	*ra_vnet;
	struct ifnet	*ra_ifp;
	uint64_t	 ra_seen[2];	/* atomic */
	struct ifaddr	*ra_ifa;
	bool		 ra_stop;
} race;

/* Which of the two: all their bytes but the first are alike. */
static unsigned
which(const uint8_t *lladdr)
{

	KASSERT(lladdr[0] == 2 && (lladdr[1] == 0x11 || lladdr[1] == 0x22));
	for (unsigned i = 2; i < 6; i++)
		KASSERT(lladdr[i] == lladdr[1]);
	return lladdr[1] == 0x22;
}

static void
sadl_reader(void *arg)
{
	struct race *ra = arg;
	const struct sockaddr_dl *sdl;
	struct sockaddr_dl key;
	struct ifaddr *ifa;
	uint64_t word;
	unsigned seen;

	memset(&key, 0, sizeof(key));
	key.sdl_family = AF_LINK;
	key.sdl_index = ra->ra_ifp->if_index;
	while (!__atomic_load_n(&ra->ra_stop, __ATOMIC_RELAXED)) {
		pserialize_read_enter();
		sdl = if_sadl(ra->ra_ifp);
		KASSERT(sdl != NULL && sdl->sdl_alen == 6);
		seen = which(sdl->sdl_data);
		ifa = ifa_ifwithnet(ra->ra_vnet, (struct sockaddr *)&key);
		KASSERT(ifa != NULL && ifa->ifa_ifp == ra->ra_ifp);
		(void)which(((const struct sockaddr_dl *)
		    ifa->ifa_addr)->sdl_data);
		word = __atomic_load_n(&ra->ra_ifp->if_lladdr,
		    __ATOMIC_RELAXED);
		(void)which((const uint8_t *)&word);
		pserialize_read_exit();
		(void)__atomic_fetch_add(&ra->ra_seen[seen], 1,
		    __ATOMIC_RELAXED);
	}
}

static void
sadl_race_body(struct vnet *vn)
{
	static const uint8_t addr[2][6] = {
		{ 2, 0x11, 0x11, 0x11, 0x11, 0x11 },
		{ 2, 0x22, 0x22, 0x22, 0x22, 0x22 },
	};
	struct host *h = vn->vn_kern->k_host;
	struct host_thread *t;
	struct ifnet *ifp;

	memset(&race, 0, sizeof(race));
	race.ra_vnet = vn;
	race.ra_ifp = ifp = test_must_attach(vn, "r", 0);
	if_ioctl_lock(ifp);
	KASSERT(if_set_sadl(ifp, addr[0], 6, true) == 0);
	if_ioctl_unlock(ifp);
	KASSERT(host_thread_create(h, "reader", -1, sadl_reader, &race, &t) ==
	    0);
	/* Each time another address is made, and the old one freed. */
	for (unsigned i = 1; i < 2000 || __atomic_load_n(&race.ra_seen[0],
	    __ATOMIC_RELAXED) < 20 || __atomic_load_n(&race.ra_seen[1],
	    __ATOMIC_RELAXED) < 20; i++) {
		if_ioctl_lock(ifp);
		KASSERT(if_set_sadl(ifp, addr[i % 2], 6, false) == 0);
		if_ioctl_unlock(ifp);
		if (i % 64 == 0)
			host_yield(h);
	}
	__atomic_store_n(&race.ra_stop, true, __ATOMIC_RELAXED);
	host_thread_join(h, t);
	test_detach(ifp);
}

/* References of one address come and go on two threads: none is lost. */
static void
ref_taker(void *arg)
{
	struct race *ra = arg;

	for (unsigned i = 0; i < 20000; i++) {
		ifa_ref(ra->ra_ifa);
		ifa_unref(ra->ra_ifa);
	}
}

static void
refs_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct host_thread *t[2];
	struct ifnet *ifp;
	uint32_t before;

	memset(&race, 0, sizeof(race));
	ifp = test_must_attach(vn, "r", 0);
	race.ra_ifa = ifp->if_dl;
	before = race.ra_ifa->ifa_refcnt;
	for (unsigned i = 0; i < 2; i++)
		KASSERT(host_thread_create(h, "taker", -1, ref_taker, &race,
		    &t[i]) == 0);
	for (unsigned i = 0; i < 2; i++)
		host_thread_join(h, t[i]);
	KASSERT(race.ra_ifa->ifa_refcnt == before);
	test_detach(ifp);
}

static void
test_refs(void **state)
{

	(void)state;
	if_on_linux(1, refs_body);
}

static void
test_race(void **state)
{

	(void)state;
	if_on_linux(1, sadl_race_body);
}

/* A driver cannot have an address that is no station's. */
static void
no_station_body(struct vnet *vn)
{
	static const uint8_t bad[][6] = { { 0 }, { 1, 0, 0x5e, 0, 0, 1 },
	    { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	struct ifnet *ifp = if_alloc(vn, IFT_ETHER), *old;

	KASSERT(ifp != NULL);
	old = test_must_attach(vn, "r", 0);
	for (unsigned i = 0; i < 3; i++) {
		KASSERT(ether_ifattach(ifp, bad[i]) == EINVAL);
		if_ioctl_lock(old);
		KASSERT(if_set_sadl(old, bad[i], 6, false) == EINVAL);
		if_ioctl_unlock(old);
	}
	if_free(ifp);
	test_detach(old);
}

static void
test_no_station(void **state)
{

	(void)state;
	if_on_linux(1, no_station_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_refs),
		cmocka_unit_test(test_no_station),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
