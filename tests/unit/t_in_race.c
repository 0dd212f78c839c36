/*
 * Addresses of one prefix on three interfaces, each changed by a thread of its
 * own, one of them by detaching it, so that they inherit from one another while
 * they go; another thread changes and deletes the routes that are part of them;
 * readers look at all of it, and listeners follow it from snapshots taken
 * anywhere.  What it is about is what a sanitizer sees, and that nobody is told
 * of what cannot be.
 */

#define TIF_KEEP 8
#include "in_test.h"
#include "layer_test.h"

#define RACE_NS		400000000ull

static struct in_test *race;
static uint32_t race_stop;

static bool
stopped(void)
{

	return __atomic_load_n(&race_stop, __ATOMIC_ACQUIRE) != 0;
}

static uint32_t
race_random(uint32_t *x, uint32_t n)
{

	*x = *x * 1664525 + 1013904223;
	return (*x >> 8) % n;
}

/* --- those who change it ------------------------------------------------- */

struct changer {
	struct ifnet	*ch_ifp;
	const char	*ch_addr[2];
};

static void
changer_main(void *arg)
{
	struct changer *ch = arg;
	uint32_t x = ch->ch_ifp->if_index;
	const char *addr;
	int error;

	while (!stopped()) {
		addr = ch->ch_addr[race_random(&x, 2)];
		if (race_random(&x, 2) == 0)
			error = addr_del(race, ch->ch_ifp, addr);
		else
			error = addr_add(race, ch->ch_ifp, addr,
			    race_random(&x, 3) == 0 ? 24 : 16);
		/* A route of its own may be another's just then. */
		KASSERT(error == 0 || error == EADDRNOTAVAIL ||
		    error == EEXIST);
	}
	for (unsigned i = 0; i < 2; i++)
		(void)addr_del(race, ch->ch_ifp, ch->ch_addr[i]);
}

/* An interface with an address of that prefix comes and goes. */
static void
goer_main(void *arg)
{
	static struct tif c;

	(void)arg;
	while (!stopped()) {
		tif_attach(race, &c, 2);
		KASSERT(addr_add(race, c.tif_ifp, "10.5.0.5", 16) == 0);
		host_yield(race->it_host);
		tif_detach(&c);
	}
}

static const struct {
	const char	*kr_dst;
	unsigned	 kr_len;
} known[] = {
	{ "10.5.0.0", 16 }, { "10.5.0.0", 24 }, { "10.5.255.255", 32 },
	{ "10.5.0.255", 32 }, { "10.5.0.1", 32 }, { "10.5.0.2", 32 },
	{ "10.5.0.3", 32 }, { "10.5.0.4", 32 }, { "10.5.0.5", 32 },
};
#define NKNOWN	(sizeof(known) / sizeof(known[0]))

static void
user_main(void *arg)
{
	struct rt_info ri;
	uint32_t x = 77;
	unsigned i;
	int error;

	(void)arg;
	while (!stopped()) {
		i = race_random(&x, 4);
		memset(&ri, 0, sizeof(ri));
		test_route_to(&ri, known[i].kr_dst);
		ri.ri_len = known[i].kr_len;
		ri.ri_flags = RTF_STATIC;
		ri.ri_mtu = 1000 + race_random(&x, 400);
		switch (race_random(&x, 3)) {
		case 0:
			error = rt_delete(race->it_vn, &ri);
			break;
		case 1:
			error = rt_change(race->it_vn, &ri);
			/* A route that leads nowhere needs to be told where
			 * to. */
			if (error == EINVAL)
				error = 0;
			break;
		default:
			ri.ri_flags = RTF_REJECT;
			error = rt_add(race->it_vn, &ri);
			break;
		}
		KASSERT(error == 0 || error == ESRCH || error == EEXIST ||
		    error == ENXIO);
	}
	for (i = 0; i < 4; i++) {
		memset(&ri, 0, sizeof(ri));
		test_route_to(&ri, known[i].kr_dst);
		ri.ri_len = known[i].kr_len;
		(void)rt_delete(race->it_vn, &ri);
	}
}

/* --- those who look ------------------------------------------------------ */

static void
look(const char *dst)
{
	const struct test_route *rt = test_rt_lookup(race->it_vn, dst);
	struct ifaddr *ifa;

	if (rt != NULL && rt->rt_ifa != NULL) {
		KASSERT(rt->rt_flags & RTF_UP);
		KASSERT(rt->rt_ifa->ifa_addr->sa_family == TEST_AF);
		KASSERT(rt->rt_ifp->if_vnet == race->it_vn);
		(void)rt->rt_mtu;
	}
	ifa = test_ifwithladdr(race->it_vn, test_sa(dst));
	if (ifa != NULL)
		KASSERT(ifa->ifa_ifp->if_vnet == race->it_vn);
}

static void
reader_main(void *arg)
{
	uint32_t x = 5;

	(void)arg;
	while (!stopped()) {
		pserialize_read_enter();
		for (unsigned i = 0; i < 16; i++)
			look(known[race_random(&x, NKNOWN)].kr_dst);
		look("10.5.9.9");
		pserialize_read_exit();
	}
}

struct view {
	bool		 vi_route[NKNOWN];
	bool		 vi_addr[NKNOWN];
	bool		 vi_ended;
};

static const struct sockaddr *
msg_addr(const void *msg, unsigned i)
{
	const struct sockaddr *sa[RTAX_MAX];

	KASSERT(rt_msg_check(msg, ((const struct rt_hdr *)msg)->rtm_len,
	    sa) == 0);
	return sa[i];
}

/* The view's place for the object of a message, or NULL. */
static bool *
view_slot(struct view *vi, const void *msg, bool addr)
{
	const struct sockaddr *dst = msg_addr(msg, addr ? 5 : 0);
	const struct sockaddr *mask = addr ? NULL : msg_addr(msg, 2);
	unsigned len = mask == NULL ? TEST_ADDR_BITS : test_mask_len(mask);

	for (unsigned i = 0; dst != NULL && i < NKNOWN; i++)
		if (test_addr_is(dst, known[i].kr_dst) &&
		    known[i].kr_len == len)
			return addr ? &vi->vi_addr[i] : &vi->vi_route[i];
	return NULL;
}

static void
view_apply(struct view *vi, const void *msg)
{
	uint8_t type = ((const struct rt_hdr *)msg)->rtm_type;
	bool addr = type == RTM_NEWADDR || type == RTM_DELADDR;
	bool *there;

	if (type == RTM_SNAPSHOT_END)
		vi->vi_ended = true;
	if (!addr && type != RTM_ADD && type != RTM_DELETE &&
	    type != RTM_CHANGE)
		return;
	there = view_slot(vi, msg, addr);
	if (there == NULL)
		return;
	if (type == RTM_NEWADDR || type == RTM_ADD) {
		KASSERT(!*there);
		*there = true;
		return;
	}
	KASSERT(vi->vi_ended && *there);
	if (type != RTM_CHANGE)
		*there = false;
}

static void
listener_main(void *arg)
{
	union {
		struct rt_hdr	 h;
		uint8_t		 room[RT_MSG_MAX];
	} msg;
	struct rt_listener *l;
	struct view vi;
	uint32_t x = 9;
	bool last;

	(void)arg;
	do {
		last = stopped();
		memset(&vi, 0, sizeof(vi));
		KASSERT(rt_listener_open(race->it_vn, RTS_ADDR | RTS_ROUTE |
		    RTS_SNAPSHOT, 32 << 20, NULL, NULL, &l) == 0);
		for (unsigned n = race_random(&x, 400); n > 0 || last; n--) {
			if (rt_listener_read(l, &msg) != 0)
				view_apply(&vi, &msg);
			else if (last)
				break;
		}
		rt_listener_close(l);
	} while (!last);
}

/* --- all of it ----------------------------------------------------------- */

static void
race_run(struct in_test *it)
{
	static void (*const fn[])(void *) = { changer_main, changer_main,
	    goer_main, user_main, reader_main, listener_main };
	struct changer ch[2] = {
		{ it->it_a.tif_ifp, { "10.5.0.1", "10.5.0.2" } },
		{ it->it_b.tif_ifp, { "10.5.0.3", "10.5.0.4" } },
	};
	enum { N = sizeof(fn) / sizeof(fn[0]) };
	struct host_thread *t[N];

	race = it;
	race_stop = 0;
	for (unsigned i = 0; i < N; i++)
		KASSERT(host_thread_create(it->it_host, "race", -1, fn[i],
		    i < 2 ? &ch[i] : NULL, &t[i]) == 0);
	host_sleep(it->it_host, RACE_NS);
	__atomic_store_n(&race_stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < N; i++)
		host_thread_join(it->it_host, t[i]);
	/* The last of them may have left the prefix's to the user. */
	user_main(NULL);
	KASSERT(test_route_count(it->it_vn) == 0);
}

static void
test_race(void **state)
{
	struct kern_config kc = { .kc_ncpu = 1, .kc_mbufs = 2048,
	    .kc_subsys = in_test_subsys };
	struct in_test *it;

	(void)state;
	it = calloc(1, sizeof(*it));
	KASSERT(it != NULL);
	it->it_host = host_linux();
	KASSERT(kern_create(it->it_host, &kc, &it->it_kern) == 0);
	KASSERT(vnet_create_named(it->it_kern, "race", &it->it_vn) == 0);
	it->it_vn = vnet_get(it->it_kern, "race");
	tlo_attach(it);
	tif_attach(it, &it->it_a, 0);
	tif_attach(it, &it->it_b, 1);
	race_run(it);
	tif_detach(&it->it_a);
	tif_detach(&it->it_b);
	if_detach(it->it_lo);
	if_free(it->it_lo);
	vnet_destroy_held(it->it_vn);
	kern_destroy(it->it_kern);
	free(it);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
