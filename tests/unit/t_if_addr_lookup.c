/*
 * Addresses from outside: every lookup with and without a reference, on
 * interfaces that are deactivated too, families without netmasks, the
 * preference of an address, what a driver is told, and purging.
 */

#include "if_test.h"

/* --- lookups with a reference -------------------------------------------- */

/* Results of all lookups for one address of each kind. */
struct found {
	struct ifaddr	*fo_addr, *fo_brd, *fo_dst, *fo_net, *fo_laddr;
	struct ifaddr	*fo_af, *fo_linkaf, *fo_link, *fo_best, *fo_bestlink;
};

static void
hold_one(struct ifaddr *ifa, struct psref *pr, struct ifaddr **out)
{

	*out = ifa;
	if (ifa == NULL)
		return;
	KASSERT(ifa_held(ifa));
	ifa_release(ifa, pr);
	KASSERT(!ifa_held(ifa));
}

static void
find_held(struct vnet *vn, struct ifnet *ifp, const struct sockaddr_dl *sdl,
    struct found *fo)
{
	union test_addr self = test_addr("10.0.0.1");
	union test_addr brd = test_addr("10.255.255.255");
	union test_addr dst = test_addr("192.0.2.2");
	union test_addr net = test_addr("10.7.7.7");
	struct psref pr;

	hold_one(ifa_ifwithaddr_psref(vn, &self.sa, &pr), &pr,
	    &fo->fo_addr);
	hold_one(ifa_ifwithaddr_psref(vn, &brd.sa, &pr), &pr,
	    &fo->fo_brd);
	hold_one(ifa_ifwithdstaddr_psref(vn, &dst.sa, &pr),
	    &pr, &fo->fo_dst);
	hold_one(ifa_ifwithnet_psref(vn, &net.sa, &pr), &pr,
	    &fo->fo_net);
	hold_one(ifa_ifwithladdr_psref(vn, &dst.sa, &pr), &pr,
	    &fo->fo_laddr);
	hold_one(ifa_ifwithaf_psref(vn, TEST_AF, &pr), &pr, &fo->fo_af);
	hold_one(ifa_ifwithaf_psref(vn, AF_LINK, &pr), &pr, &fo->fo_linkaf);
	hold_one(ifa_ifwithnet_psref(vn, (const struct sockaddr *)sdl, &pr),
	    &pr, &fo->fo_link);
	hold_one(ifaof_ifpforaddr_psref(&net.sa, ifp, &pr),
	    &pr, &fo->fo_best);
	hold_one(ifaof_ifpforaddr_psref((const struct sockaddr *)sdl, ifp,
	    &pr), &pr, &fo->fo_bestlink);
}

static void
find(struct vnet *vn, struct ifnet *ifp, const struct sockaddr_dl *sdl,
    struct found *fo)
{
	union test_addr self = test_addr("10.0.0.1");
	union test_addr brd = test_addr("10.255.255.255");
	union test_addr dst = test_addr("192.0.2.2");
	union test_addr net = test_addr("10.7.7.7");

	pserialize_read_enter();
	fo->fo_addr = ifa_ifwithaddr(vn, &self.sa);
	fo->fo_brd = ifa_ifwithaddr(vn, &brd.sa);
	fo->fo_dst = ifa_ifwithdstaddr(vn, &dst.sa);
	fo->fo_net = ifa_ifwithnet(vn, &net.sa);
	fo->fo_laddr = ifa_ifwithladdr(vn, &dst.sa);
	fo->fo_af = ifa_ifwithaf(vn, TEST_AF);
	fo->fo_linkaf = ifa_ifwithaf(vn, AF_LINK);
	fo->fo_link = ifa_ifwithnet(vn, (const struct sockaddr *)sdl);
	fo->fo_best = ifaof_ifpforaddr(&net.sa, ifp);
	fo->fo_bestlink = ifaof_ifpforaddr((const struct sockaddr *)sdl, ifp);
	pserialize_read_exit();
}

static void
held_body(struct vnet *vn)
{
	struct found fo, held, none;
	struct ifnet *a, *p;
	struct ifaddr *a1, *p1;
	struct sockaddr_dl sdl;

	memset(&none, 0, sizeof(none));
	a = test_must_attach(vn, "a", 0);
	p = test_must_attach(vn, "p", 0);
	if_flags_update(p, IFF_POINTOPOINT, IFF_BROADCAST);
	a1 = test_give(a, test_sa("10.0.0.1"), 8, test_sa("10.255.255.255"));
	p1 = test_give(p, test_sa("192.0.2.1"), 32, test_sa("192.0.2.2"));
	memset(&sdl, 0, sizeof(sdl));
	sdl.sdl_family = AF_LINK;
	sdl.sdl_index = a->if_index;

	find(vn, a, &sdl, &fo);
	KASSERT(fo.fo_addr == a1 && fo.fo_brd == a1 && fo.fo_dst == p1 &&
	    fo.fo_net == a1 && fo.fo_laddr == p1 && fo.fo_best == a1);
	KASSERT(fo.fo_af == a1 || fo.fo_af == p1);
	KASSERT(fo.fo_linkaf == a->if_dl || fo.fo_linkaf == p->if_dl);
	KASSERT(fo.fo_link == a->if_dl && fo.fo_bestlink == a->if_dl);
	find_held(vn, a, &sdl, &held);
	KASSERT(memcmp(&fo, &held, sizeof(fo)) == 0);

	/* The last of the family when none fits; none at all. */
	{
		union test_addr far = test_addr("44.0.0.1");
		struct ifnet *c = test_must_attach(vn, "c", 0);
		struct ifaddr *a2 = test_give(a, test_sa("172.16.0.1"), 12,
		    NULL);

		pserialize_read_enter();
		KASSERT(ifaof_ifpforaddr(&far.sa, a) == a2);
		KASSERT(ifaof_ifpforaddr(&far.sa, c) == NULL);
		pserialize_read_exit();
		if_ioctl_lock(a);
		ifa_remove(a, a2);
		if_ioctl_unlock(a);
		test_detach(c);
	}

	/* One is on its way out, then both. */
	if_deactivate(p);
	find(vn, a, &sdl, &fo);
	KASSERT(fo.fo_dst == NULL && fo.fo_laddr == NULL);
	KASSERT(fo.fo_af == a1 && fo.fo_linkaf == a->if_dl);
	find_held(vn, a, &sdl, &held);
	KASSERT(memcmp(&fo, &held, sizeof(fo)) == 0);
	if_deactivate(a);
	find(vn, a, &sdl, &fo);
	KASSERT(memcmp(&fo, &none, sizeof(fo)) == 0);
	find_held(vn, a, &sdl, &held);
	KASSERT(memcmp(&none, &held, sizeof(fo)) == 0);
	test_detach(a);
	test_detach(p);
}

/* --- a family without netmasks -------------------------------------------- */

/* As AppleTalk has them: a network, a node, the networks of the cable. */
struct sockaddr_net {
	sa_family_t	 sn_family;
	uint16_t	 sn_net, sn_first, sn_last;
	uint8_t		 sn_node;
};

struct net_ifaddr {
	struct protoaddr na_proto;	/* first */
#define na_ifa	na_proto.pa_ifa
	struct sockaddr_net na_addr;
	struct kern	*na_kern;
};

static const struct sockaddr_net *
sn_of(const struct sockaddr *sa)
{

	return (const struct sockaddr_net *)(const void *)sa;
}

static bool
sn_equal(const struct sockaddr *a, const struct sockaddr *b)
{

	return sn_of(a)->sn_net == sn_of(b)->sn_net &&
	    sn_of(a)->sn_node == sn_of(b)->sn_node;
}

static uint32_t
sn_hash(const struct sockaddr *sa)
{

	return khash_u64((uint64_t)sn_of(sa)->sn_net << 8 | sn_of(sa)->sn_node);
}

static enum dom_match
sn_match(const struct ifaddr *ifa, const struct sockaddr *sa)
{
	const struct sockaddr_net *sn = sn_of(ifa->ifa_addr);
	uint16_t net = sn_of(sa)->sn_net;

	if (sn->sn_net == net)
		return DOM_MATCH_EXACT;
	return net >= sn->sn_first && net <= sn->sn_last ? DOM_MATCH_RANGE :
	    DOM_MATCH_NONE;
}

static void
sn_free(struct ifaddr *ifa)
{

	kmem_free(((struct net_ifaddr *)ifa)->na_kern, ifa);
}

static void
sn_purge_one(struct ifaddr *ifa)
{

	ifa_remove(ifa->ifa_ifp, ifa);
}

static void
sn_purge(struct ifnet *ifp)
{

	if_purgeaddrs(ifp, AF_APPLETALK, sn_purge_one);
}

static const struct domain sn_domain = {
	.dom_family = AF_APPLETALK,
	.dom_slot = DOM_SLOT_INET6,
	.dom_name = "nets",
	.dom_salen = sizeof(struct sockaddr_net),
	.dom_purgeif = sn_purge,
	.dom_sa_equal = sn_equal,
	.dom_sa_hash = sn_hash,
	.dom_net_match = sn_match,
};

static struct ifaddr *
sn_add(struct ifnet *ifp, uint16_t net, uint16_t first, uint16_t last)
{
	struct net_ifaddr *na;

	na = kmem_zalloc(if_kern(ifp), sizeof(*na));
	KASSERT(na != NULL);
	na->na_kern = if_kern(ifp);
	na->na_addr.sn_family = AF_APPLETALK;
	na->na_addr.sn_net = net;
	na->na_addr.sn_first = first;
	na->na_addr.sn_last = last;
	na->na_addr.sn_node = 1;
	na->na_ifa.ifa_addr = (struct sockaddr *)(void *)&na->na_addr;
	na->na_ifa.ifa_free = sn_free;
	if_ioctl_lock(ifp);
	KASSERT(ifa_insert(ifp, &na->na_ifa) == 0);
	if_ioctl_unlock(ifp);
	return &na->na_ifa;
}

static struct ifaddr *
sn_look(struct vnet *vn, uint16_t net)
{
	struct sockaddr_net sn = { .sn_family = AF_APPLETALK, .sn_net = net,
	    .sn_node = 9 };
	struct ifaddr *ifa;

	pserialize_read_enter();
	ifa = ifa_ifwithnet(vn, (struct sockaddr *)(void *)&sn);
	KASSERT(ifa_ifwithladdr(vn, (struct sockaddr *)(void *)&sn) == ifa);
	pserialize_read_exit();
	return ifa;
}

static void
nets_body(struct vnet *vn)
{
	struct ifnet *a, *b, *c;
	struct ifaddr *a1, *b1, *c1;

	/* Unknown to everybody so far. */
	KASSERT(sn_look(vn, 5) == NULL);
	domain_attach(vn, &sn_domain);
	a = test_must_attach(vn, "a", 0);
	b = test_must_attach(vn, "b", 0);
	c = test_must_attach(vn, "c", 0);
	KASSERT(sn_look(vn, 5) == NULL);
	a1 = sn_add(a, 1, 1, 20);
	b1 = sn_add(b, 5, 5, 5);
	c1 = sn_add(c, 10, 4, 12);
	/* The very network, whichever comes first in the list. */
	KASSERT(sn_look(vn, 1) == a1);
	KASSERT(sn_look(vn, 5) == b1);
	KASSERT(sn_look(vn, 10) == c1);
	/* Then the range. */
	KASSERT(sn_look(vn, 15) == a1);
	KASSERT(sn_look(vn, 11) == a1 || sn_look(vn, 11) == c1);
	KASSERT(sn_look(vn, 21) == NULL);
	if_deactivate(b);
	KASSERT(sn_look(vn, 5) == a1 || sn_look(vn, 5) == c1);
	if_deactivate(a);
	KASSERT(sn_look(vn, 5) == c1);
	KASSERT(sn_look(vn, 15) == NULL);
	test_detach(a);
	test_detach(b);
	test_detach(c);
	KASSERT(sn_look(vn, 10) == NULL);
}

/* --- removal waits -------------------------------------------------------- */

static struct {
	struct vnet	*ho_vnet;
	uint32_t	 ho_got, ho_released;
} holder;

static void
hold_for_a_while(void *arg)
{
	struct host *h = holder.ho_vnet->vn_kern->k_host;
	union test_addr sin = test_addr("10.0.0.1");
	struct ifaddr *ifa;
	struct psref pr;

	(void)arg;
	ifa = ifa_ifwithaddr_psref(holder.ho_vnet, &sin.sa,
	    &pr);
	KASSERT(ifa != NULL);
	__atomic_store_n(&holder.ho_got, 1, __ATOMIC_RELEASE);
	host_sleep(h, 300000000);
	/* The address is not found, but it is whole. */
	KASSERT(ifa_is_destroying(ifa) && test_addr_is(ifa->ifa_addr,
	    "10.0.0.1"));
	pserialize_read_enter();
	KASSERT(ifa_ifwithladdr(holder.ho_vnet, &sin.sa) ==
	    NULL);
	pserialize_read_exit();
	__atomic_store_n(&holder.ho_released, 1, __ATOMIC_RELEASE);
	ifa_release(ifa, &pr);
}

static void
wait_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct host_thread *t;
	struct ifnet *ifp;
	struct ifaddr *ifa;

	memset(&holder, 0, sizeof(holder));
	holder.ho_vnet = vn;
	ifp = test_must_attach(vn, "w", 0);
	ifa = test_give(ifp, test_sa("10.0.0.1"), 8, NULL);
	KASSERT(host_thread_create(h, "holder", -1, hold_for_a_while, NULL,
	    &t) == 0);
	while (!__atomic_load_n(&holder.ho_got, __ATOMIC_ACQUIRE))
		host_sleep(h, 1000000);
	if_ioctl_lock(ifp);
	ifa_remove(ifp, ifa);
	if_ioctl_unlock(ifp);
	KASSERT(__atomic_load_n(&holder.ho_released, __ATOMIC_ACQUIRE));
	host_thread_join(h, t);
	test_detach(ifp);
}

/* --- preference ----------------------------------------------------------- */

static void
pref_body(struct vnet *vn)
{
	static const struct kauth_cred nobody = {
		.kc_uid = 65534, .kc_gid = 65534, .kc_pid = 99999,
	};
	struct if_addrprefreq ifap;
	union test_addr sin = test_addr("10.0.0.1");
	struct ifnet *ifp;
	struct ifaddr *ifa;

	ifp = test_must_attach(vn, "q", 0);
	ifa = test_give(ifp, test_sa("10.0.0.1"), 8, NULL);
	memset(&ifap, 0, sizeof(ifap));
	memcpy(ifap.ifap_name, "q0", 3);
	memcpy(&ifap.ifap_addr, &sin, sizeof(sin.sin));
	/* Every user may read a preference; to set it takes the right. */
	ifap.ifap_preference = -7;
	KASSERT(ifioctl(vn, &nobody, SIOCSIFADDRPREF, &ifap, sizeof(ifap)) ==
	    EPERM);
	KASSERT(ifa->ifa_preference == 0 && !vn->vn_if->ifv_preferred);
	KASSERT(ifioctl(vn, &nobody, SIOCGIFADDRPREF, &ifap, sizeof(ifap)) ==
	    0 && ifap.ifap_preference == 0);
	ifap.ifap_preference = -7;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCSIFADDRPREF, &ifap,
	    sizeof(ifap)) == 0);
	KASSERT(ifa->ifa_preference == -7 && vn->vn_if->ifv_preferred);
	/* Of another interface, and of no family that is here. */
	sin = test_addr("10.0.0.2");
	memcpy(&ifap.ifap_addr, &sin, sizeof(sin.sin));
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCSIFADDRPREF, &ifap,
	    sizeof(ifap)) == EADDRNOTAVAIL);
	ifap.ifap_addr.ss_family = AF_UNIX;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCSIFADDRPREF, &ifap,
	    sizeof(ifap)) == EINVAL);
	test_detach(ifp);
}

/* --- purging -------------------------------------------------------------- */

static unsigned purged;

/* Takes two at a time. */
static void
purge_two(struct ifaddr *ifa)
{
	struct ifnet *ifp = ifa->ifa_ifp;
	struct ifaddr *other;

	purged++;
	TAILQ_FOREACH(other, &ifp->if_addrlist, ifa_list)
		if (other != ifa && other->ifa_addr->sa_family == TEST_AF)
			break;
	if (other != NULL)
		ifa_remove(ifp, other);
	ifa_remove(ifp, ifa);
}

static void
purge_none(struct ifaddr *ifa)
{

	(void)ifa;
	purged++;
}

static unsigned
count_inet(struct ifnet *ifp)
{
	struct ifaddr *ifa;
	unsigned n = 0;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		n += ifa->ifa_addr->sa_family == TEST_AF;
	return n;
}

static void
purge_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "p", 0);
	for (unsigned i = 1; i <= 7; i++)
		(void)test_give(ifp, test_sa_plus("10.0.0.1", i << 16), 24,
		    NULL);
	if_ioctl_lock(ifp);
	purged = 0;
	if_purgeaddrs(ifp, TEST_AF, purge_two);
	KASSERT(purged == 4 && count_inet(ifp) == 0);
	/* The link-level one is of another family. */
	KASSERT(if_sadl(ifp) != NULL);
	if_purgeaddrs(ifp, TEST_AF, purge_two);
	KASSERT(purged == 4);
	if_ioctl_unlock(ifp);

	/* A protocol that does nothing: warned about, and done for it. */
	for (unsigned i = 1; i <= 3; i++)
		(void)test_give(ifp, test_sa_plus("10.0.0.1", i << 16), 24,
		    NULL);
	if_ioctl_lock(ifp);
	purged = 0;
	if_purgeaddrs(ifp, TEST_AF, purge_none);
	KASSERT(purged == 3 && count_inet(ifp) == 0);
	if_ioctl_unlock(ifp);
	KASSERT(strstr(sim_last_log(h), "was not purged") != NULL);
	test_detach(ifp);
}

/* --- what a driver is told ------------------------------------------------ */

static struct {
	unsigned	 in_n;
	unsigned long	 in_cmd[4];
	struct ifaddr	*in_ifa;
	int		 in_dst_error, in_init_error;
	bool		 in_src;
} init;

static int
init_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	KASSERT(if_ioctl_locked(ifp));
	init.in_cmd[init.in_n++ % 4] = cmd;
	init.in_ifa = data;
	return cmd == SIOCSIFDSTADDR ? init.in_dst_error :
	    cmd == SIOCINITIFADDR ? init.in_init_error : ENOTTY;
}

static int
init_addr(struct ifnet *ifp, struct ifaddr *ifa, bool src)
{

	KASSERT(if_ioctl_locked(ifp));
	init.in_n++;
	init.in_ifa = ifa;
	init.in_src = src;
	return init.in_init_error;
}

static const struct if_ops init_ops = {
	.transmit = test_transmit,
	.ioctl = init_ioctl,
};

static const struct if_ops initaddr_ops = {
	.transmit = test_transmit,
	.ioctl = init_ioctl,
	.initaddr = init_addr,
};

static const struct if_ops noioctl_ops = {
	.transmit = test_transmit,
};

static int
told(struct ifnet *ifp, struct ifaddr *ifa, bool src, int dst_error,
    int init_error)
{

	memset(&init, 0, sizeof(init));
	init.in_dst_error = dst_error;
	init.in_init_error = init_error;
	return if_addr_init(ifp, ifa, src);
}

static void
init_body(struct vnet *vn)
{
	struct ifnet *ifp;
	struct ifaddr *ifa;

	ifp = test_must_attach(vn, "i", 0);
	ifa = test_give(ifp, test_sa("10.0.0.1"), 24, NULL);
	if_ioctl_lock(ifp);
	ifp->if_ops = &init_ops;
	/* As a source: the address alone. */
	KASSERT(told(ifp, ifa, true, 0, 0) == 0);
	KASSERT(init.in_n == 1 && init.in_cmd[0] == SIOCINITIFADDR &&
	    init.in_ifa == ifa);
	KASSERT(told(ifp, ifa, true, 0, EIO) == EIO);
	/* The far end first; an interface without one gets the address. */
	KASSERT(told(ifp, ifa, false, 0, EIO) == 0);
	KASSERT(init.in_n == 1 && init.in_cmd[0] == SIOCSIFDSTADDR &&
	    init.in_ifa == ifa);
	KASSERT(told(ifp, ifa, false, EBUSY, 0) == EBUSY && init.in_n == 1);
	KASSERT(told(ifp, ifa, false, ENOTTY, EIO) == EIO);
	KASSERT(init.in_n == 2 && init.in_cmd[0] == SIOCSIFDSTADDR &&
	    init.in_cmd[1] == SIOCINITIFADDR);
	/* A function of its own comes before both. */
	ifp->if_ops = &initaddr_ops;
	KASSERT(told(ifp, ifa, false, EBUSY, 0) == 0);
	KASSERT(init.in_n == 1 && init.in_ifa == ifa && !init.in_src);
	KASSERT(told(ifp, ifa, true, 0, EIO) == EIO && init.in_src);
	/* Neither: nothing to be told. */
	ifp->if_ops = &noioctl_ops;
	KASSERT(told(ifp, ifa, true, 0, 0) == ENOTTY && init.in_n == 0);
	ifp->if_ops = &test_ops;
	if_ioctl_unlock(ifp);
	test_detach(ifp);
}

/* --- all ------------------------------------------------------------------ */

static void
test_held(void **state)
{

	(void)state;
	if_on_sim(2, held_body);
}

static void
test_nets(void **state)
{

	(void)state;
	if_on_sim(1, nets_body);
}

/* Many addresses share a broadcast address, or a far end, with a few on
 * another interface: the lookup finds one for as long as there is one. */
static void
shared_body(struct vnet *vn)
{
	enum { N = 500 };
	union test_addr want = test_addr("10.1.255.255");
	const struct sockaddr *sa = &want.sa;
	struct ifaddr **ifa, *other, *found;
	struct ifnet *a, *b;

	ifa = kmem_zalloc(vn->vn_kern, N * sizeof(struct ifaddr *));
	KASSERT(ifa != NULL);
	a = test_must_attach(vn, "a", 0);
	b = test_must_attach(vn, "b", 0);
	if_flags_update(a, IFF_BROADCAST, IFF_POINTOPOINT);
	if_flags_update(b, IFF_POINTOPOINT, IFF_BROADCAST);
	if_ioctl_lock(b);
	KASSERT(test_ifa_add(b, test_sa("10.2.0.1"), 32, sa, &other) == 0);
	if_ioctl_unlock(b);
	if_ioctl_lock(a);
	for (unsigned i = 0; i < N; i++)
		KASSERT(test_ifa_add(a, test_sa_plus("10.1.0.1", i), 16, sa,
		    &ifa[i]) == 0);
	/* The table has the first one alone. */
	KASSERT(vn->vn_if->ifv_dsts.kh_count == 1);
	for (unsigned i = 0; i < N; i++) {
		pserialize_read_enter();
		found = ifa_ifwithaddr(vn, sa);
		KASSERT(found != NULL && found->ifa_ifp == a);
		KASSERT(ifa_ifwithdstaddr(vn, sa) == other);
		pserialize_read_exit();
		/* From the middle, the front and the end. */
		ifa_remove(a, ifa[(i * 7 + 5) % N]);
	}
	if_ioctl_unlock(a);
	pserialize_read_enter();
	KASSERT(ifa_ifwithaddr(vn, sa) == NULL);
	KASSERT(ifa_ifwithdstaddr(vn, sa) == other);
	pserialize_read_exit();
	if_ioctl_lock(b);
	ifa_remove(b, other);
	if_ioctl_unlock(b);
	KASSERT(vn->vn_if->ifv_dsts.kh_count == 0);
	kmem_free(vn->vn_kern, ifa);
	test_detach(a);
	test_detach(b);
}

static void
test_shared(void **state)
{

	(void)state;
	if_on_sim(1, shared_body);
}

/*
 * Unnumbered interfaces: all have one local address.  The table has it once,
 * the lookup finds the first given as long as that stays, and each interface
 * finds its own, also where it has many others.
 */
static void
unnumbered_body(struct vnet *vn)
{
	enum { N = 200 };
	union test_addr want = test_addr("10.20.0.1");
	union test_addr local = want;
	const struct sockaddr *sa = &want.sa;
	struct ifnet *ifp[N];
	struct ifaddr *ifa[N], *more[N];
	char name[IFNAMSIZ];
	unsigned k;

	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(name, sizeof(name), "p%u", i);
		ifp[i] = test_must_attach(vn, name, 0);
		if_flags_update(ifp[i], IFF_POINTOPOINT, IFF_BROADCAST);
		ifa[i] = test_give(ifp[i], &local.sa, 32,
		    test_sa_plus("10.20.1.0", i));
	}
	for (unsigned i = 0; i < N; i++)
		more[i] = test_give(ifp[0], test_sa_plus("10.30.0.1", i), 24,
		    NULL);
	KASSERT(vn->vn_if->ifv_addrs.kh_count == 1 + N);
	pserialize_read_enter();
	KASSERT(ifa_ifwithaddr(vn, sa) == ifa[0]);
	for (unsigned i = 0; i < N; i++)
		KASSERT(ifa_ifp_find(ifp[i], sa) == ifa[i]);
	want = test_addr("10.30.0.1");
	KASSERT(ifa_ifp_find(ifp[0], sa) == more[0]);
	KASSERT(ifa_ifp_find(ifp[1], sa) == NULL);
	pserialize_read_exit();

	/* The first of them that is not on its way out. */
	want = local;
	if_deactivate(ifp[0]);
	pserialize_read_enter();
	KASSERT(ifa_ifwithaddr(vn, sa) == ifa[1]);
	pserialize_read_exit();
	test_detach(ifp[0]);
	/* From the end, the front and the middle; the latest given is last. */
	if_ioctl_lock(ifp[N - 1]);
	ifa_remove(ifp[N - 1], ifa[N - 1]);
	if_ioctl_unlock(ifp[N - 1]);
	ifa[N - 1] = test_give(ifp[N - 1], &local.sa, 32, NULL);
	for (unsigned i = 1; i < N; i++) {
		pserialize_read_enter();
		for (k = 1; ifp[k] == NULL; k++)
			continue;
		KASSERT(ifa_ifwithaddr(vn, sa) == ifa[k]);
		pserialize_read_exit();
		for (k = i * 7 % N; ifp[k] == NULL || k == 0;)
			k = (k + 1) % N;
		test_detach(ifp[k]);
		ifp[k] = NULL;
	}
	KASSERT(vn->vn_if->ifv_addrs.kh_count == 0);
	KASSERT(vn->vn_if->ifv_dsts.kh_count == 0);
}

static void
test_unnumbered(void **state)
{

	(void)state;
	if_on_sim(1, unnumbered_body);
}

static bool
fits_even(const struct ifaddr *ifa)
{

	const uint8_t *p = (const uint8_t *)ifa->ifa_addr;

	return (p[test_addr_last(ifa->ifa_addr)] & 1) == 0;
}

static struct ifaddr *
leading(struct ifnet *ifp, const struct sockaddr *dst,
    bool (*fits)(const struct ifaddr *))
{
	struct ifaddr *ifa;

	pserialize_read_enter();
	ifa = ifa_ifp_leading(ifp, dst, fits);
	pserialize_read_exit();
	return ifa;
}

/* The address of an interface for a destination, among many of it and of
 * others. */
static void
leading_body(struct vnet *vn)
{
	enum { N = 300 };
	struct ifnet *a, *b;
	struct ifaddr *wide, *narrow, *last, *on_b, *ifa[N], *even;

	a = test_must_attach(vn, "a", 0);
	b = test_must_attach(vn, "b", 0);
	KASSERT(leading(a, test_sa("10.1.2.3"), NULL) == NULL);
	wide = test_give(a, test_sa("10.0.0.1"), 8, test_sa("10.255.255.255"));
	narrow = test_give(a, test_sa("10.1.0.1"), 16, NULL);
	for (unsigned i = 0; i < N; i++)
		ifa[i] = test_give(a, test_sa_plus("172.16.0.1", i << 8), 24,
		    NULL);
	last = test_give(a, test_sa("192.0.2.1"), 32, NULL);
	on_b = test_give(b, test_sa("10.1.2.1"), 24, NULL);

	/* The longest prefix of the interface's, though another's is longer. */
	KASSERT(leading(a, test_sa("10.1.2.3"), NULL) == narrow);
	KASSERT(leading(b, test_sa("10.1.2.3"), NULL) == on_b);
	KASSERT(leading(a, test_sa("10.2.2.3"), NULL) == wide);
	KASSERT(leading(a, test_sa("10.255.255.255"), NULL) == wide);
	for (unsigned i = 0; i < N; i++)
		KASSERT(leading(a, test_sa_plus("172.16.0.9", i << 8), NULL) ==
		    ifa[i]);
	/* The address itself; the last where none leads there. */
	KASSERT(leading(a, test_sa("192.0.2.1"), NULL) == last);
	KASSERT(leading(a, test_sa("44.0.0.1"), NULL) == last);
	/* None fits: the search goes on in shorter prefixes, then anywhere. */
	KASSERT(leading(a, test_sa("44.0.0.1"), fits_even) == NULL);
	even = test_give(a, test_sa("10.0.0.2"), 7, NULL);
	KASSERT(leading(a, test_sa("10.1.2.3"), fits_even) == even);
	KASSERT(leading(a, test_sa("44.0.0.1"), fits_even) == even);
	/* More on another interface share the prefix than are looked at. */
	for (unsigned i = 0; i < N; i++)
		(void)test_give(b, test_sa_plus("10.9.0.10", i), 16, NULL);
	narrow = test_give(a, test_sa("10.9.0.1"), 16, NULL);
	KASSERT(leading(a, test_sa("10.9.9.9"), NULL) == wide);
	test_detach(b);
	KASSERT(leading(a, test_sa("10.9.9.9"), NULL) == narrow);
	test_detach(a);
}

static void
test_leading(void **state)
{

	(void)state;
	if_on_sim(1, leading_body);
}

static void
test_wait(void **state)
{

	(void)state;
	if_on_sim(1, wait_body);
}

static void
test_pref(void **state)
{

	(void)state;
	if_on_sim(1, pref_body);
}

static void
test_purge(void **state)
{

	(void)state;
	if_on_sim(1, purge_body);
}

static void
test_driver(void **state)
{

	(void)state;
	if_on_sim(1, init_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_nets),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_unnumbered),
		cmocka_unit_test(test_leading),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_pref),
		cmocka_unit_test(test_purge),
		cmocka_unit_test(test_driver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
