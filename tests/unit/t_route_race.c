/*
 * Routes at full rate under packets: one thread adds, changes, deletes routes
 * of two tables, with one way and with several; one binds an interface to a
 * table and takes it back, with its addresses, and changes rules; one makes
 * neighbours come and go; and one interface comes and goes.  Meanwhile packets
 * are forwarded, a reader looks up, and one lists all routes again
 * and again.  A sanitizer sees what it is about; and in the end every packet is
 * accounted for.
 */

#define TIF_KEEP 8
#include "in_test.h"
#include "layer_test.h"

#include "net/route_impl.h"	/* under test */
#include "net/rule.h"		/* under test */

#define RACE_NS		1500000000ull

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

static const uint32_t tables[] = { 0, 0, 5 };

/* A route to one of 64 prefixes of 20.0.0.0/8, by one of six gateways. */
static void
route_main(void *arg)
{
	struct rt_info ri;
	uint32_t x = 7;

	(void)arg;
	while (!stopped()) {
		memset(&ri, 0, sizeof(ri));
		ri.ri_len = 8 + 4 * race_random(&x, 4);
		ri.ri_dst.na_4 = test_hop_plus("20.0.0.0",
		    race_random(&x, 16) << 20) & htonl(UINT32_MAX <<
		    (32 - ri.ri_len));
		ri.ri_gw.na_4 = test_hop_plus(race_random(&x, 2) == 0 ?
		    "10.0.1.2" : race_random(&x, 4) == 0 ? "20.16.0.1" :
		    "10.0.2.2", race_random(&x, 2));
		ri.ri_flags = RTF_STATIC;
		ri.ri_given = RTV_LATER | RTV_METRIC;
		ri.ri_metric = race_random(&x, 2);
		ri.ri_table = tables[race_random(&x, 3)];
		switch (race_random(&x, 6)) {
		case 0:
		case 1:
			(void)rt_add(race->it_vn, &ri);
			break;
		case 2:
		case 3:
			ri.ri_given |= RTV_MPATH;
			ri.ri_weight = 1 + race_random(&x, 3);
			(void)rt_add_way(race->it_vn, &ri);
			break;
		case 4:
			(void)rt_change(race->it_vn, &ri);
			break;
		default:
			if (race_random(&x, 2) == 0)
				ri.ri_gw.na_4 = 0;
			(void)rt_delete(race->it_vn, &ri);
			break;
		}
	}
}

static void
table_main(void *arg)
{
	struct rule_spec rs = { .rs_action = RULE_TABLE, .rs_table = 5,
	    .rs_family = AF_INET, .rs_dstlen = 9,
	    .rs_dst.na_4 = test_hop("20.0.0.0") };
	struct ifnet *b = race->it_b.tif_ifp;
	uint32_t number, table = 5;
	struct ifreq ifr;

	(void)arg;
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, b->if_xname, IFNAMSIZ);
	do {
		ifr.ifr_value = (int32_t)table;
		KASSERT(ifioctl(race->it_vn, &kauth_cred_self, SIOCSIFTABLE,
		    &ifr, sizeof(ifr)) == 0);
		table = 5 - table;
		KASSERT(rule_add(race->it_vn, &rs, &number) == 0);
		host_yield(race->it_host);
		KASSERT(rule_delete(race->it_vn, number) == 0);
	} while (!stopped() || table != 5);
}

static void
neigh_main(void *arg)
{
	static const uint8_t mac[6] = { 2, 7, 7, 7, 7, 1 };
	static const char *const addr[] = { "10.0.1.2", "10.0.1.3", "10.0.2.2",
	    "10.0.2.3" };
	uint32_t x = 3;
	unsigned i;

	(void)arg;
	while (!stopped()) {
		i = race_random(&x, 4);
		(void)neigh_req(race, race_random(&x, 2) == 0 ? RTM_ADD :
		    RTM_DELETE, i < 2 ? race->it_a.tif_ifp :
		    race->it_b.tif_ifp, addr[i], mac, 0, 0);
	}
}

static void
goer_main(void *arg)
{
	static struct tif c;

	(void)arg;
	while (!stopped()) {
		tif_attach(race, &c, 2);
		KASSERT(addr_add(race, c.tif_ifp, "20.16.0.2", 16) == 0);
		host_yield(race->it_host);
		tif_detach(&c);
	}
}

/* --- those who look ------------------------------------------------------ */

static void
reader_main(void *arg)
{
	const struct ifnet *ifp = race->it_b.tif_ifp;
	uint32_t x = 5, dst;
	struct fwd fd;

	(void)arg;
	while (!stopped()) {
		pserialize_read_enter();
		for (unsigned i = 0; i < 32; i++) {
			dst = test_hop_plus("20.0.0.0",
			    race_random(&x, 1 << 16) << 8);
			fd = rt_lookup4_flow(i % 2 == 0 ? rt_table_of(ifp) :
			    rt_main(race->it_vn), dst, x);
			if (fd.fd_nh == NULL)
				continue;
			/* A member, whatever there is. */
			KASSERT((fd.fd_nh->nh_flags & NH_GROUP) == 0);
			KASSERT((fd.fd_nh->nh_flags & NH_NOWHERE) != 0 ||
			    fd.fd_nh->nh_ifp->if_vnet == race->it_vn);
		}
		pserialize_read_exit();
	}
}

static int
seen(const void *msg, void *arg)
{

	(void)arg;
	KASSERT(((const struct rt_msg *)msg)->rtm_table <= 5);
	return 0;
}

static void
lister_main(void *arg)
{

	(void)arg;
	while (!stopped())
		KASSERT(rt_dump(race->it_vn, seen, NULL) == 0);
}

static void
packets_main(void *arg)
{
	struct tif *t = arg;
	char src[20], dst[20];
	uint32_t x = 11;
	uint8_t buf[100];
	unsigned len;

	(void)snprintf(src, sizeof(src), "10.0.%u.9", t == &race->it_a ? 1 :
	    2);
	while (!stopped()) {
		(void)snprintf(dst, sizeof(dst), "20.%u.%u.1",
		    race_random(&x, 256), race_random(&x, 256));
		len = mk_udp(buf, src, dst, 64, 20);
		inject_n(race, t, buf, len, 1 + race_random(&x, 32));
	}
}

/* --- all of it ----------------------------------------------------------- */

static int
drop_one(const void *msg, void *arg)
{
	const struct rt_msg *rtm = msg;
	const struct sockaddr *sa[RTAX_MAX];
	struct rt_info *ri = arg;
	struct sockaddr_in sin;

	if ((rtm->rtm_flags & RTF_STATIC) == 0 ||
	    rt_msg_check(msg, rtm->rtm_h.rtm_len, sa) != 0)
		return 0;
	memset(ri, 0, sizeof(*ri));
	memcpy(&sin, sa[0], sizeof(sin));
	ri->ri_dst.na_4 = sin.sin_addr.s_addr;
	ri->ri_len = sa[2] == NULL ? 32 : (unsigned)test_mask_len(sa[2]);
	ri->ri_table = rtm->rtm_table;
	return 1;
}

static void
race_run(struct in_test *it)
{
	static void (*const fn[])(void *) = { route_main, table_main,
	    neigh_main, goer_main, reader_main, lister_main, packets_main,
	    packets_main };
	enum { N = sizeof(fn) / sizeof(fn[0]) };
	struct host_thread *t[N];
	struct rt_info ri;

	race = it;
	race_stop = 0;
	for (unsigned i = 0; i < N; i++)
		KASSERT(host_thread_create(it->it_host, "race", -1, fn[i],
		    i == N - 1 ? &it->it_b : &it->it_a, &t[i]) == 0);
	host_sleep(it->it_host, RACE_NS);
	__atomic_store_n(&race_stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < N; i++)
		host_thread_join(it->it_host, t[i]);
	/* Packets that wait for a neighbour have an end as well. */
	while (rt_dump(it->it_vn, drop_one, &ri) != 0)
		KASSERT(rt_delete(it->it_vn, &ri) == 0);
	KASSERT(it->it_vn->vn_route->rv_tables.kt_count == 0);
	KASSERT(it->it_vn->vn_route->rv_paths.kh_count == 0 &&
	    it->it_vn->vn_route->rv_groups.kh_count == 0);
}

static void
test_race(void **state)
{
	struct kern_config kc = { .kc_ncpu = 2, .kc_mbufs = 4096,
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
	KASSERT(addr_add(it, it->it_a.tif_ifp, "10.0.1.1", 24) == 0);
	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.0.2.1", 24) == 0);
	KASSERT(set_sysctl(it, "net.inet.ip.forwarding", 1) == 0);
	race_run(it);
	settle(it);
	all_books(it);
	tif_detach(&it->it_a);
	tif_detach(&it->it_b);
	if_detach(it->it_lo);
	if_free(it->it_lo);
	vnet_destroy_held(it->it_vn);
	KASSERT(mbuf_free_count(it->it_kern) == mbuf_total(it->it_kern));
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
