/*
 * Requests in older layouts: each means what the one of today means, and what
 * its record cannot hold is refused.
 */

#include <ifnet/ifreq_old.h>

#include "in_test.h"

static int
old_value(struct in_test *it, unsigned long cmd, int32_t value,
    struct oifreq *r)
{

	memset(r, 0, sizeof(*r));
	strcpy(r->oifr_name, "tif0");
	r->oifr_value = value;
	return ifioctl(it->it_vn, &kauth_cred_self, cmd, r, sizeof(*r));
}

static int
old_addr(struct in_test *it, unsigned long cmd, const char *addr,
    struct oifreq *r)
{

	memset(r, 0, sizeof(*r));
	strcpy(r->oifr_name, "tif0");
	test_addr_put(&r->oifr_addr, addr);
	return ifioctl(it->it_vn, &kauth_cred_self, cmd, r, sizeof(*r));
}

static const unsigned long values[] = {
	OOSIOCGIFADDR, OOSIOCGIFDSTADDR, OOSIOCGIFBRDADDR, OOSIOCGIFNETMASK,
	OSIOCSIFFLAGS, OSIOCGIFFLAGS, OSIOCSIFMETRIC, OSIOCGIFMETRIC,
	OSIOCSIFMTU, OSIOCGIFMTU, OSIOCSIFMEDIA, OSIOCGIFDLT, OSIOCIFCREATE,
	OSIOCIFDESTROY, OSIOCGIFDATA14, OSIOCGIFDATA, OSIOCZIFDATA,
	OSIOCSIFADDR, OSIOCGIFADDR, OSIOCSIFDSTADDR, OSIOCGIFDSTADDR,
	OSIOCSIFBRDADDR, OSIOCGIFBRDADDR, OSIOCSIFNETMASK, OSIOCGIFNETMASK,
	OSIOCADDMULTI, OSIOCDELMULTI, OSIOCDIFADDR, OSIOCAIFADDR, OSIOCGIFALIAS
};

/* The hook is what knows them; who may ask is as with those of today. */
static void
hook_body(struct in_test *it)
{
	const struct kauth_cred nobody = { .kc_uid = 65534, .kc_gid = 65534 };
	uint64_t rec[64];
	unsigned long cmd;
	int error;

	for (int hooked = 0; hooked < 2; hooked++) {
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]);
		    i++) {
			cmd = values[i];
			memset(rec, 0, sizeof(rec));
			memcpy(rec, "tif0", 5);
			error = ifioctl(it->it_vn, &nobody, cmd, rec,
			    IFIOC_SIZE(cmd));
			if ((cmd & IFIOC_OUT) == 0 || cmd == OSIOCZIFDATA ||
			    cmd == OSIOCSIFMEDIA || cmd == OSIOCIFCREATE)
				KASSERT(error == EPERM);
			else
				KASSERT(hooked ? error != EPERM :
				    error == EOPNOTSUPP);
			/* A byte short. */
			KASSERT(ifioctl(it->it_vn, &kauth_cred_self, cmd, rec,
			    IFIOC_SIZE(cmd) - 1) == EINVAL);
			/* No name that ends. */
			memset(rec, 'x', sizeof(rec));
			KASSERT(ifioctl(it->it_vn, &kauth_cred_self, cmd, rec,
			    IFIOC_SIZE(cmd)) == EINVAL);
		}
		KASSERT(if_compat_subsys.vs_init(it->it_vn) == 0);
	}
	if_compat_subsys.vs_fini(it->it_vn);
	memset(rec, 0, sizeof(rec));
	memcpy(rec, "tif0", 5);
	KASSERT(ifioctl(it->it_vn, &nobody, OSIOCGIFMTU, rec,
	    sizeof(struct oifreq)) == EOPNOTSUPP);
}
IN_TEST(hook, 1)

static void
value_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct oifreq r;

	KASSERT(if_compat_subsys.vs_init(it->it_vn) == 0);
	KASSERT(old_value(it, OSIOCGIFFLAGS, -1, &r) == 0);
	KASSERT(r.oifr_value == (int32_t)a->if_flags);
	/* Nothing of the request is left in the answer. */
	for (size_t i = 4; i < sizeof(r.oifr_oifru); i++)
		KASSERT(((uint8_t *)&r.oifr_oifru)[i] == 0);
	KASSERT(old_value(it, OSIOCSIFFLAGS, 0, &r) == 0);
	KASSERT((a->if_flags & IFF_UP) == 0);
	KASSERT(old_value(it, OSIOCSIFFLAGS, IFF_UP, &r) == 0);
	KASSERT(old_value(it, OSIOCSIFMTU, 1400, &r) == 0 && a->if_mtu == 1400);
	KASSERT(old_value(it, OSIOCSIFMTU, 67, &r) == EINVAL);
	KASSERT(old_value(it, OSIOCGIFMTU, 0, &r) == 0 && r.oifr_value == 1400);
	KASSERT(old_value(it, OSIOCSIFMETRIC, 7, &r) == 0);
	KASSERT(old_value(it, OSIOCGIFMETRIC, 0, &r) == 0);
	KASSERT(r.oifr_value == 7);
	KASSERT(old_value(it, OSIOCGIFDLT, 0, &r) == 0);
	KASSERT(r.oifr_value == (int32_t)a->if_dlt);
	KASSERT(old_value(it, OSIOCSIFMEDIA, 0, &r) == EOPNOTSUPP);
	KASSERT(old_value(it, OSIOCIFDESTROY, 0, &r) == EOPNOTSUPP);
	KASSERT(old_value(it, OSIOCIFCREATE, 0, &r) == EINVAL);
}
IN_TEST(value, 1)

static void
addr_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct oifaliasreq ra;
	struct oifreq r;

	KASSERT(if_compat_subsys.vs_init(it->it_vn) == 0);
	KASSERT(old_addr(it, OSIOCGIFADDR, "0.0.0.0", &r) == 0);
	KASSERT(test_addr_is(&r.oifr_addr, "10.0.1.1"));
	KASSERT(old_addr(it, OSIOCGIFNETMASK, "10.0.1.1", &r) == 0);
	KASSERT(test_addr_is(&r.oifr_addr, "255.255.255.0"));
	KASSERT(old_addr(it, OSIOCGIFBRDADDR, "10.0.1.1", &r) == 0);
	KASSERT(test_addr_is(&r.oifr_addr, "10.0.1.255"));
	KASSERT(old_addr(it, OSIOCGIFDSTADDR, "10.0.1.1", &r) == EINVAL);
	KASSERT(old_addr(it, OOSIOCGIFADDR, "0.0.0.0", &r) == 0);
	KASSERT(test_addr_is(&r.oifr_addr, "10.0.1.1"));
	KASSERT(old_addr(it, OOSIOCGIFNETMASK, "10.0.1.1", &r) == 0);
	KASSERT(test_addr_is(&r.oifr_addr, "255.255.255.0"));
	KASSERT(old_addr(it, OOSIOCGIFBRDADDR, "10.0.1.1", &r) == 0);
	KASSERT(test_addr_is(&r.oifr_addr, "10.0.1.255"));
	KASSERT(old_addr(it, OOSIOCGIFDSTADDR, "10.0.1.1", &r) == EINVAL);
	KASSERT(old_addr(it, OSIOCSIFDSTADDR, "10.0.1.1", &r) == EINVAL);
	KASSERT(old_addr(it, OSIOCSIFADDR, "10.8.0.1", &r) == 0);
	KASSERT(old_addr(it, OSIOCSIFNETMASK, "255.255.0.0", &r) == 0);
	KASSERT(has_route(it, "10.8.255.255", RTF_BROADCAST, a));
	KASSERT(old_addr(it, OSIOCSIFBRDADDR, "10.8.255.254", &r) == 0);
	KASSERT(has_route(it, "10.8.255.254", RTF_BROADCAST, a));

	memset(&ra, 0, sizeof(ra));
	strcpy(ra.oifra_name, "tif0");
	test_addr_put(&ra.oifra_addr, "10.9.0.1");
	test_addr_put(&ra.oifra_mask, "255.255.255.0");
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCAIFADDR, &ra,
	    sizeof(ra)) == 0);
	KASSERT(has_route(it, "10.9.0.99", RTF_CONNECTED, a));
	memset(&ra.oifra_mask, 0xff, sizeof(ra.oifra_mask));
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCGIFALIAS, &ra,
	    sizeof(ra)) == 0);
	KASSERT(test_addr_is(&ra.oifra_mask, "255.255.255.0"));
	KASSERT(test_addr_is(&ra.oifra_dstaddr, "10.9.0.255"));
	KASSERT(old_addr(it, OSIOCDIFADDR, "10.9.0.1", &r) == 0);
	KASSERT(old_addr(it, OSIOCDIFADDR, "10.9.0.1", &r) == EADDRNOTAVAIL);
	KASSERT(old_addr(it, OSIOCADDMULTI, "239.1.2.3", &r) == 0);
	KASSERT(old_addr(it, OSIOCDELMULTI, "239.1.2.3", &r) == 0);
	KASSERT(old_addr(it, OSIOCDELMULTI, "239.1.2.3", &r) == ENXIO);
}
IN_TEST(addr, 1)

/* A driver whose interface has an address larger than old records. */
static int
large_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	struct ifreq *ifr = data;

	if (cmd != SIOCGIFADDR)
		return ether_ioctl(ifp, cmd, data);
	memcpy(&ifr->ifr_ifru, ifp->if_dl->ifa_addr,
	    sizeof(struct sockaddr_dl));
	return 0;
}

static void
large_body(struct in_test *it)
{
	struct if_ops ops = *it->it_a.tif_ifp->if_ops;
	const struct if_ops *old = it->it_a.tif_ifp->if_ops;
	struct oifaliasreq ra;
	struct oifreq r;
	struct ifreq ifr;

	KASSERT(if_compat_subsys.vs_init(it->it_vn) == 0);
	_Static_assert(sizeof(struct sockaddr_dl) > sizeof(struct sockaddr),
	    "a link-level address does not fit an old record");
	/* In a request only its beginning can have come. */
	memset(&r, 0, sizeof(r));
	strcpy(r.oifr_name, "tif0");
	r.oifr_addr.sa_family = AF_LINK;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCADDMULTI, &r,
	    sizeof(r)) == EFBIG);
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCDIFADDR, &r,
	    sizeof(r)) == EFBIG);
	memset(&ra, 0, sizeof(ra));
	strcpy(ra.oifra_name, "tif0");
	ra.oifra_mask.sa_family = AF_LINK;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCAIFADDR, &ra,
	    sizeof(ra)) == EFBIG);
	/* In an answer. */
	ops.ioctl = large_ioctl;
	it->it_a.tif_ifp->if_ops = &ops;
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "tif0");
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCGIFADDR, &ifr,
	    sizeof(ifr)) == 0);
	KASSERT(ifr.ifr_addr.sa_family == AF_LINK);
	KASSERT(old_addr(it, OSIOCGIFADDR, "0.0.0.0", &r) == EFBIG);
	KASSERT(test_addr_is(&r.oifr_addr, "0.0.0.0"));
	it->it_a.tif_ifp->if_ops = old;
	/* A family nobody knows is refused by nobody knowing it. */
	r.oifr_addr.sa_family = AF_UNIX;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCGIFADDR, &r,
	    sizeof(r)) == EOPNOTSUPP);
}
IN_TEST(large, 1)

static void
conf_body(struct in_test *it)
{
	struct {
		struct ifconf	 c;
		struct oifreq	 r[8];
	} buf;

	KASSERT(if_compat_subsys.vs_init(it->it_vn) == 0);
	KASSERT(addr_add(it, it->it_a.tif_ifp, "10.9.0.1", 24) == 0);
	KASSERT(addr_del(it, it->it_b.tif_ifp, "10.0.2.1") == 0);
	memset(&buf, 0xa5, sizeof(buf));
	buf.c.ifc_len = 0;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCGIFCONF, &buf,
	    sizeof(buf.c)) == 0);
	/* lo0 has none; the link-level ones of the others do not fit. */
	KASSERT(buf.c.ifc_len == 4 * sizeof(struct oifreq));
	KASSERT(buf.r[0].oifr_name[0] == (char)0xa5);
	buf.c.ifc_len = sizeof(buf.r);
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCGIFCONF, &buf,
	    sizeof(buf)) == 0);
	KASSERT(buf.c.ifc_len == 4 * sizeof(struct oifreq));
	KASSERT(strcmp(buf.r[0].oifr_name, "lo0") == 0);
	KASSERT(buf.r[0].oifr_addr.sa_family == 0);
	KASSERT(strcmp(buf.r[1].oifr_name, "tif0") == 0);
	KASSERT(test_addr_is(&buf.r[1].oifr_addr, "10.0.1.1"));
	KASSERT(strcmp(buf.r[2].oifr_name, "tif0") == 0);
	KASSERT(test_addr_is(&buf.r[2].oifr_addr, "10.9.0.1"));
	KASSERT(strcmp(buf.r[3].oifr_name, "tif1") == 0);
	KASSERT(buf.r[3].oifr_addr.sa_family == 0);
	KASSERT(buf.r[4].oifr_name[0] == (char)0xa5);
	/* As many whole ones as fit. */
	buf.c.ifc_len = 2 * sizeof(struct oifreq) + 31;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCGIFCONF, &buf,
	    sizeof(buf)) == 0);
	KASSERT(buf.c.ifc_len == 2 * sizeof(struct oifreq));
	buf.c.ifc_len = -1;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCGIFCONF, &buf,
	    sizeof(buf)) == EINVAL);
	buf.c.ifc_len = sizeof(buf.r) + 1;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCGIFCONF, &buf,
	    sizeof(buf)) == EINVAL);

	/* 4.3BSD's number: the same records. */
	memset(&buf, 0xa5, sizeof(buf));
	buf.c.ifc_len = sizeof(buf.r);
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OOSIOCGIFCONF, &buf,
	    sizeof(buf)) == 0);
	KASSERT(buf.c.ifc_len == 4 * sizeof(struct oifreq));
	KASSERT(test_addr_is(&buf.r[1].oifr_addr, "10.0.1.1"));
	KASSERT(test_addr_is(&buf.r[2].oifr_addr, "10.9.0.1"));
	KASSERT(buf.r[4].oifr_name[0] == (char)0xa5);
	buf.c.ifc_len = -1;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OOSIOCGIFCONF, &buf,
	    sizeof(buf)) == EINVAL);
}
IN_TEST(conf, 1)

static void
count_large(void *arg)
{

	if_stat_add(arg, IF_STAT_IBYTES, (1ull << 32) + 5);
	if_stat_add(arg, IF_STAT_COLLISIONS, 3);
}

static void
data_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	struct ifdatareq14 r14;
	struct ifdatareq50 r50;
	uint64_t before, bytes = 0;
	uint8_t pkt[100];

	KASSERT(if_compat_subsys.vs_init(it->it_vn) == 0);
	before = ifdata(a).ifi_ibytes;
	on_cpu(it, count_large, a);
	memset(&r14, 0xa5, sizeof(r14));
	memset(r14.oifdr_name, 0, IFNAMSIZ);
	strcpy(r14.oifdr_name, "tif0");
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCGIFDATA14, &r14,
	    sizeof(r14)) == 0);
	KASSERT(r14.oifdr_data.oifi_ibytes == (uint32_t)(before + 5));
	KASSERT(r14.oifdr_data.oifi_collisions == 3);
	KASSERT(r14.oifdr_data.oifi_mtu == 1500);
	KASSERT(r14.oifdr_data.oifi_type == IFT_ETHER);
	KASSERT(r14.oifdr_data.oifi_lastchange.ot_sec ==
	    ifdata(a).ifi_lastchange_ns / 1000000000);
	KASSERT(r14.oifdr_data.oifi_lastchange.ot_usec < 1000000);
	__atomic_store_n(&a->if_baudrate, 10000000000u, __ATOMIC_RELAXED);
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCGIFDATA14, &r14,
	    sizeof(r14)) == 0);
	KASSERT(r14.oifdr_data.oifi_baudrate == UINT32_MAX);

	/* Read and reset: nothing is lost, nothing told twice. */
	(void)mk_udp(pkt, "10.0.1.2", "10.0.2.2", 64, 50);
	for (int i = 0; i < 3; i++) {
		memset(&r50, 0, sizeof(r50));
		strcpy(r50.oifdr_name, "tif0");
		KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCGIFDATA,
		    &r50, sizeof(r50)) == 0);
		before = r50.oifdr_data.oifi_ibytes;
		KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCZIFDATA,
		    &r50, sizeof(r50)) == 0);
		KASSERT(r50.oifdr_data.oifi_ibytes == before);
		bytes += before;
		inject(it, &it->it_a, pkt, 78);
	}
	KASSERT(r50.oifdr_data.oifi_ipackets == 1);
	KASSERT(r50.oifdr_data.oifi_baudrate == 10000000000u);
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, OSIOCZIFDATA, &r50,
	    sizeof(r50)) == 0);
	bytes += r50.oifdr_data.oifi_ibytes;
	KASSERT(bytes == if_stats_sum(a, IF_STAT_IBYTES));
}
IN_TEST(data, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hook),
		cmocka_unit_test(value),
		cmocka_unit_test(addr),
		cmocka_unit_test(large),
		cmocka_unit_test(conf),
		cmocka_unit_test(data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
