/*
 * Addresses: every lookup, equal prefixes, deactivated interfaces, references
 * and preferences, and link-level addresses.
 */

#include "if_test.h"
#include "layer_test.h"

typedef struct ifaddr *lookup_fn(struct vnet *, const struct sockaddr *);

static struct ifaddr *
look(struct vnet *vn, lookup_fn *fn, const struct sockaddr *sa)
{
	struct ifaddr *ifa;

	pserialize_read_enter();
	ifa = fn(vn, sa);
	pserialize_read_exit();
	return ifa;
}

static void
lookup_body(struct vnet *vn)
{
	struct ifnet *a, *b, *p;
	struct ifaddr *a1, *a2, *b1, *p1, *ifa;
	union test_addr sin = test_addr("10.0.0.1");
	union test_addr other = test_addr("::");
	struct psref pr;

	a = test_must_attach(vn, "a", 0);
	b = test_must_attach(vn, "b", 0);
	p = test_must_attach(vn, "p", 0);
	if_flags_update(p, IFF_POINTOPOINT, IFF_BROADCAST);

	a1 = test_give(a, test_sa("10.0.0.1"), 8, test_sa("10.255.255.255"));
	a2 = test_give(a, test_sa("10.1.0.1"), 16, NULL);
	b1 = test_give(b, test_sa("10.1.2.3"), 24, NULL);
	p1 = test_give(p, test_sa("192.0.2.1"), 32, test_sa("192.0.2.2"));

	KASSERT(look(vn, ifa_ifwithaddr, test_sa("10.0.0.1")) == a1);
	KASSERT(look(vn, ifa_ifwithaddr, test_sa("10.1.0.1")) == a2);
	KASSERT(look(vn, ifa_ifwithaddr, test_sa("10.255.255.255")) == a1);
	KASSERT(look(vn, ifa_ifwithaddr, test_sa("10.0.0.2")) == NULL);
	/* The far end is no broadcast address, nor the other way round. */
	KASSERT(look(vn, ifa_ifwithaddr, test_sa("192.0.2.2")) == NULL);
	KASSERT(look(vn, ifa_ifwithdstaddr, test_sa("192.0.2.2")) == p1);
	KASSERT(look(vn, ifa_ifwithdstaddr, test_sa("10.255.255.255")) == NULL);

	KASSERT(look(vn, ifa_ifwithnet, test_sa("10.9.9.9")) == a1);
	KASSERT(look(vn, ifa_ifwithnet, test_sa("10.1.9.9")) == a2);
	KASSERT(look(vn, ifa_ifwithnet, test_sa("10.1.2.9")) == b1);
	KASSERT(look(vn, ifa_ifwithnet, test_sa("11.0.0.1")) == NULL);
	KASSERT(look(vn, ifa_ifwithladdr, test_sa("192.0.2.2")) == p1);
	KASSERT(look(vn, ifa_ifwithladdr, test_sa("10.1.2.9")) == b1);

	pserialize_read_enter();
	KASSERT(ifa_ifwithnet(vn, &other.sa) == NULL);
	KASSERT(ifa_ifwithaddr(vn, &other.sa) == NULL);
	KASSERT(ifa_ifwithaf(vn, TEST_AF) != NULL);
	KASSERT(ifa_ifwithaf(vn, other.sa.sa_family) == NULL);
	KASSERT(ifa_ifwithaf(vn, AF_LINK) != NULL);
	KASSERT(ifaof_ifpforaddr(&sin.sa, a) == a1);
	sin = test_addr("10.1.9.9");
	KASSERT(ifaof_ifpforaddr(&sin.sa, a) == a2);
	sin = test_addr("44.0.0.1");
	KASSERT(ifaof_ifpforaddr(&sin.sa, a) == a2);
	sin = test_addr("192.0.2.2");
	KASSERT(ifaof_ifpforaddr(&sin.sa, p) == p1);
	KASSERT(ifa_ifwithnet(vn, a->if_dl->ifa_addr) == a->if_dl);
	pserialize_read_exit();

	/* A deactivated interface has nothing to say; shorter prefixes do. */
	if_deactivate(b);
	KASSERT(look(vn, ifa_ifwithnet, test_sa("10.1.2.9")) == a2);
	KASSERT(look(vn, ifa_ifwithaddr, test_sa("10.1.2.3")) == NULL);
	if_deactivate(a);
	KASSERT(look(vn, ifa_ifwithnet, test_sa("10.1.2.9")) == NULL);
	KASSERT(look(vn, ifa_ifwithaddr, test_sa("10.255.255.255")) == NULL);

	sin = test_addr("192.0.2.1");
	ifa = ifa_ifwithaddr_psref(vn, &sin.sa, &pr);
	KASSERT(ifa == p1 && ifa_held(p1));
	ifa_release(ifa, &pr);
	KASSERT(!ifa_held(p1));
	test_detach(a);
	test_detach(b);
	test_detach(p);
	KASSERT(look(vn, ifa_ifwithladdr, test_sa("192.0.2.2")) == NULL);
	pserialize_read_enter();
	KASSERT(ifa_ifwithaf(vn, TEST_AF) == NULL);
	KASSERT(ifa_ifwithaf(vn, AF_LINK) == NULL);
	pserialize_read_exit();
}

/* The same prefix on several interfaces: removals in every order. */
static void
equal_body(struct vnet *vn)
{
	struct ifnet *ifp[4];
	struct ifaddr *ifa[4], *found;
	bool in[4] = { false, false, false, false };
	uint32_t r;

	for (unsigned i = 0; i < 4; i++)
		ifp[i] = test_must_attach(vn, "e", i);
	for (int step = 0; step < 60; step++) {
		unsigned i;

		host_random(vn->vn_kern->k_host, &r, sizeof(r));
		i = r % 4;
		if (in[i])
			test_take(ifa[i]);
		else
			ifa[i] = test_give(ifp[i], test_sa_plus("10.0.0.1", i),
			    24, NULL);
		in[i] = !in[i];
		found = look(vn, ifa_ifwithnet, test_sa("10.0.0.99"));
		KASSERT((found != NULL) == (in[0] || in[1] || in[2] || in[3]));
		for (i = 0; i < 4; i++) {
			KASSERT((look(vn, ifa_ifwithaddr,
			    test_sa_plus("10.0.0.1", i)) != NULL) == in[i]);
			if (found != NULL && found->ifa_ifp == ifp[i])
				KASSERT(in[i]);
		}
	}
	for (unsigned i = 0; i < 4; i++)
		test_detach(ifp[i]);
	KASSERT(look(vn, ifa_ifwithnet, test_sa("10.0.0.99")) == NULL);
}

/* Another address that the table cannot tell from this one by its hash. */
static union test_addr
twin_of(const char *addr)
{
	union test_addr a = test_addr(addr), b;
	unsigned n = 0;

	do {
		b = test_addr_plus(addr, ++n);
	} while (((test_sa_hash(&a.sa) ^ test_sa_hash(&b.sa)) &
	    0xfffe000f) != 0);
	return b;
}

/* Two addresses of one hash: each is found for itself, not for the other. */
static void
twins_body(struct vnet *vn)
{
	union test_addr a1 = test_addr("10.0.0.1"), a2 = twin_of("10.0.0.1");
	const struct sockaddr *one = &a1.sa, *two = &a2.sa;
	struct ifnet *ifp = test_must_attach(vn, "e", 0);
	struct ifaddr *a, *b;

	a = test_give(ifp, one, 32, NULL);
	KASSERT(look(vn, ifa_ifwithaddr, one) == a);
	KASSERT(look(vn, ifa_ifwithaddr, two) == NULL);
	b = test_give(ifp, two, 32, NULL);
	KASSERT(look(vn, ifa_ifwithaddr, one) == a);
	KASSERT(look(vn, ifa_ifwithaddr, two) == b);
	test_take(a);
	KASSERT(look(vn, ifa_ifwithaddr, one) == NULL);
	KASSERT(look(vn, ifa_ifwithaddr, two) == b);
	test_detach(ifp);
}

static void
test_twins(void **state)
{

	(void)state;
	if_on_sim(1, twins_body);
}

static void
faults_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct ifnet *ifp;
	size_t before;
	int error;

	ifp = test_must_attach(vn, "f", 0);
	for (unsigned n = 1;; n++) {
		if_ioctl_lock(ifp);
		before = sim_allocated(h);
		sim_fail_alloc(h, n);
		error = test_ifa_add(ifp, test_sa("172.16.1.1"), 30,
		    test_sa("172.16.1.3"), NULL);
		sim_fail_alloc(h, 0);
		if_ioctl_unlock(ifp);
		if (error == 0)
			break;
		KASSERT(error == ENOMEM);
		/* Tables that grew may stay grown, but nothing is found. */
		(void)before;
		KASSERT(look(vn, ifa_ifwithladdr, test_sa("172.16.1.1")) ==
		    NULL);
		KASSERT(look(vn, ifa_ifwithladdr, test_sa("172.16.1.3")) ==
		    NULL);
		KASSERT(n < 50);
	}
	test_detach(ifp);
}

static void
pref_body(struct vnet *vn)
{
	struct if_addrprefreq ifap;
	union test_addr sin = test_addr("10.0.0.1");
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "q", 0);
	(void)test_give(ifp, test_sa("10.0.0.1"), 8, NULL);
	memset(&ifap, 0, sizeof(ifap));
	memcpy(ifap.ifap_name, "q0", 3);
	memcpy(&ifap.ifap_addr, &sin, sizeof(sin.sin));
	ifap.ifap_preference = 7;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCSIFADDRPREF, &ifap,
	    sizeof(ifap)) == 0);
	ifap.ifap_preference = 0;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFADDRPREF, &ifap,
	    sizeof(ifap)) == 0 && ifap.ifap_preference == 7);
	/* More than it holds. */
	for (int i = 0; i < 2; i++) {
		ifap.ifap_preference = i == 0 ? INT16_MAX + 1 : INT16_MIN - 1;
		KASSERT(ifioctl(vn, &kauth_cred_self, SIOCSIFADDRPREF, &ifap,
		    sizeof(ifap)) == EINVAL);
		KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFADDRPREF, &ifap,
		    sizeof(ifap)) == 0 && ifap.ifap_preference == 7);
	}
	sin = test_addr("10.0.0.2");
	memcpy(&ifap.ifap_addr, &sin, sizeof(sin.sin));
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFADDRPREF, &ifap,
	    sizeof(ifap)) == EADDRNOTAVAIL);
	ifap.ifap_addr.ss_family = AF_UNIX;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFADDRPREF, &ifap,
	    sizeof(ifap)) == EINVAL);
	test_detach(ifp);
}

static int
laddr(struct vnet *vn, unsigned long cmd, uint8_t last, uint32_t flags,
    struct if_laddrreq *iflr)
{
	struct sockaddr_dl *sdl = (struct sockaddr_dl *)&iflr->iflr_addr;

	memset(iflr, 0, sizeof(*iflr));
	memcpy(iflr->iflr_name, "l0", 3);
	iflr->iflr_flags = flags;
	sdl->sdl_family = AF_LINK;
	sdl->sdl_alen = 6;
	sdl->sdl_data[0] = 2;
	sdl->sdl_data[5] = last;
	iflr->iflr_prefixlen = 48;
	return ifioctl(vn, &kauth_cred_self, cmd, iflr, sizeof(*iflr));
}

static unsigned
count_sadl(struct ifnet *ifp)
{
	struct ifaddr *ifa;
	unsigned n = 0;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		n += ifa->ifa_addr->sa_family == AF_LINK;
	return n;
}

/* A driver that changes it: what it had goes, but the factory one stays, which
 * is an address like others then. */
static void
set_sadl_body(struct vnet *vn)
{
	static const uint8_t lladdr[4][6] = { { 2, [5] = 1 }, { 2, [5] = 2 },
	    { 2, [5] = 3 }, { 2, [5] = 4 } };
	struct rt_listener *rl;
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "l", 0);
	rl = listener_open(vn, no_wakeup);
	if_ioctl_lock(ifp);
	for (unsigned i = 1; i < 4; i++) {
		KASSERT(if_set_sadl(ifp, lladdr[i], 6, false) == 0);
		KASSERT(if_sadl(ifp)->sdl_data[5] == i + 1);
		KASSERT(count_sadl(ifp) == 2 && tally.t_lladdr == i);
		KASSERT(test_find_sadl(ifp, lladdr[0], 6) == ifp->if_hwdl);
	}
	KASSERT(listener_count(rl, RTM_NEWADDR) == 1);
	/* Back to it, and to a new one of the factory. */
	KASSERT(if_set_sadl(ifp, lladdr[0], 6, false) == 0);
	KASSERT(count_sadl(ifp) == 1 && ifp->if_dl == ifp->if_hwdl);
	KASSERT(listener_count(rl, RTM_DELADDR) == 1);
	KASSERT(if_set_sadl(ifp, lladdr[1], 6, true) == 0);
	KASSERT(count_sadl(ifp) == 1 && ifp->if_dl == ifp->if_hwdl);
	KASSERT(if_sadl(ifp)->sdl_data[5] == 2);
	if_ioctl_unlock(ifp);
	rt_listener_close(rl);
	test_detach(ifp);
}

/* By its bytes and the index of its interface; else the active one. */
static void
find_sadl(struct vnet *vn, struct ifnet *ifp, uint8_t last, bool there)
{
	struct sockaddr_dl sdl = { .sdl_family = AF_LINK, .sdl_alen = 6,
	    .sdl_index = ifp->if_index, .sdl_data = { 2, [5] = last } };
	const struct sockaddr *sa = (const struct sockaddr *)&sdl;
	const struct ifaddr *ifa;

	pserialize_read_enter();
	ifa = ifa_ifwithaddr(vn, sa);
	KASSERT((ifa != NULL) == there && ifa_ifwithdstaddr(vn, sa) == NULL);
	if (there)
		KASSERT(((const struct sockaddr_dl *)ifa->ifa_addr)->
		    sdl_data[5] == last && ifa_ifwithladdr(vn, sa) == ifa);
	else
		KASSERT(ifa_ifwithladdr(vn, sa) == ifp->if_dl);
	sdl.sdl_alen = 255;
	KASSERT(ifa_ifwithaddr(vn, sa) == NULL);
	sdl.sdl_alen = 6;
	sdl.sdl_index++;
	KASSERT(ifa_ifwithaddr(vn, sa) == NULL);
	KASSERT(ifa_ifwithladdr(vn, sa) == NULL);
	pserialize_read_exit();
}

static void
sadl_body(struct vnet *vn)
{
	struct if_laddrreq iflr;
	struct sockaddr_dl *sdl = (struct sockaddr_dl *)&iflr.iflr_addr;
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "l", 0);
	KASSERT(if_sadl(ifp)->sdl_data[5] == 1);
	KASSERT(ifp->if_lladdr == 0x010000000002ull);
	KASSERT(laddr(vn, SIOCGLIFADDR, 0, 0, &iflr) == 0);
	KASSERT(sdl->sdl_data[5] == 1 && iflr.iflr_prefixlen == 48);
	KASSERT(iflr.iflr_flags == (IFLR_ACTIVE | IFLR_FACTORY));

	KASSERT(laddr(vn, SIOCALIFADDR, 2, 0, &iflr) == 0);
	KASSERT(laddr(vn, SIOCALIFADDR, 2, 0, &iflr) == EEXIST);
	find_sadl(vn, ifp, 1, true);
	find_sadl(vn, ifp, 2, true);
	find_sadl(vn, ifp, 3, false);
	KASSERT(if_sadl(ifp)->sdl_data[5] == 1 && tally.t_lladdr == 0);
	KASSERT(laddr(vn, SIOCALIFADDR, 2, IFLR_ACTIVE, &iflr) == 0);
	KASSERT(if_sadl(ifp)->sdl_data[5] == 2 && tally.t_lladdr == 1);
	KASSERT(ifp->if_lladdr == 0x020000000002ull);
	/* The active one and the factory one stay. */
	KASSERT(laddr(vn, SIOCDLIFADDR, 2, 0, &iflr) == EBUSY);
	KASSERT(laddr(vn, SIOCDLIFADDR, 1, 0, &iflr) == EBUSY);
	KASSERT(laddr(vn, SIOCDLIFADDR, 9, 0, &iflr) == EADDRNOTAVAIL);
	KASSERT(laddr(vn, SIOCALIFADDR, 1, IFLR_ACTIVE, &iflr) == 0);
	KASSERT(laddr(vn, SIOCGLIFADDR, 2, IFLR_PREFIX, &iflr) == 0);
	KASSERT(iflr.iflr_flags == 0);
	KASSERT(laddr(vn, SIOCDLIFADDR, 2, 0, &iflr) == 0);
	KASSERT(laddr(vn, SIOCGLIFADDR, 2, IFLR_PREFIX, &iflr) ==
	    EADDRNOTAVAIL);

	/* The factory one; one by the bits it begins with. */
	KASSERT(laddr(vn, SIOCGLIFADDR, 0, IFLR_FACTORY, &iflr) == 0);
	KASSERT(sdl->sdl_data[5] == 1);
	iflr.iflr_flags = IFLR_PREFIX;
	iflr.iflr_prefixlen = 44;
	sdl->sdl_data[5] = 0x0e;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGLIFADDR, &iflr,
	    sizeof(iflr)) == 0);
	iflr.iflr_flags = IFLR_PREFIX;
	iflr.iflr_prefixlen = 45;
	sdl->sdl_data[5] = 0x0e;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGLIFADDR, &iflr,
	    sizeof(iflr)) == EADDRNOTAVAIL);

	/* No group address, no other length. */
	(void)laddr(vn, SIOCGLIFADDR, 0, 0, &iflr);
	sdl->sdl_data[0] = 3;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCALIFADDR, &iflr,
	    sizeof(iflr)) == EINVAL);
	sdl->sdl_data[0] = 2;
	sdl->sdl_alen = 5;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCALIFADDR, &iflr,
	    sizeof(iflr)) == EINVAL);
	sdl->sdl_alen = 255;
	iflr.iflr_flags = IFLR_PREFIX;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGLIFADDR, &iflr,
	    sizeof(iflr)) == EINVAL);
	test_detach(ifp);
}

#ifdef IFNET_DEBUG
/* An address that somebody kept: named, by the place of the reference. */
static void
kept_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct ifnet *ifp;
	struct ifaddr *ifa;

	ifp = test_must_attach(vn, "k", 0);
	ifa = test_give(ifp, test_sa("10.0.0.1"), 8, NULL);
	ifa_ref(ifa);
	if_detach(ifp);
	KASSERT(strstr(sim_last_log(h), "t_if_addr.c") != NULL);
	KASSERT(ifa_debug_check(ifp) == 1);
	ifa_unref(ifa);
	KASSERT(ifa_debug_check(ifp) == 0);
	if_free(ifp);
}
#endif

static void
test_kept(void **state)
{

	(void)state;
#ifdef IFNET_DEBUG
	if_on_sim(1, kept_body);
#else
	skip();
#endif
}

static void
test_lookup(void **state)
{

	(void)state;
	if_on_sim(2, lookup_body);
}

static void
test_equal(void **state)
{

	(void)state;
	if_on_sim(1, equal_body);
}

static void
test_faults(void **state)
{

	(void)state;
	if_on_sim(1, faults_body);
}

static void
test_pref(void **state)
{

	(void)state;
	if_on_sim(1, pref_body);
}

/* Listeners know of the addresses that a dump shows. */
static void
sadl_told_body(struct vnet *vn)
{
	struct rt_listener *rl;
	struct if_laddrreq iflr;

	(void)test_must_attach(vn, "l", 0);
	rl = listener_open(vn, NULL);
	KASSERT(laddr(vn, SIOCALIFADDR, 2, 0, &iflr) == 0);
	KASSERT(listener_count(rl, RTM_NEWADDR) == 1);
	/* Now the other one is not with the interface any more. */
	KASSERT(laddr(vn, SIOCALIFADDR, 2, IFLR_ACTIVE, &iflr) == 0);
	rt_listener_close(rl);
	rl = listener_open(vn, NULL);
	KASSERT(laddr(vn, SIOCALIFADDR, 1, IFLR_ACTIVE, &iflr) == 0);
	KASSERT(listener_count(rl, RTM_DELADDR) == 1);
	KASSERT(laddr(vn, SIOCDLIFADDR, 2, 0, &iflr) == 0);
	KASSERT(listener_count(rl, RTM_DELADDR) == 1);
	rt_listener_close(rl);
}

static void
test_set_sadl(void **state)
{

	(void)state;
	if_on_sim(1, set_sadl_body);
}

static void
test_sadl_told(void **state)
{

	(void)state;
	if_on_sim(1, sadl_told_body);
}

static void
test_sadl(void **state)
{

	(void)state;
	if_on_sim(1, sadl_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_twins),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_pref),
		cmocka_unit_test(test_sadl),
		cmocka_unit_test(test_sadl_told),
		cmocka_unit_test(test_set_sadl),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
