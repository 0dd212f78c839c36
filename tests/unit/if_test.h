/*
 * if_test: a vnet with the interface layer, a driver and a small
 * domain, to test against on the simulated host.
 *
 * Bodies check with KASSERT, as in kern_test.h.
 */

#ifndef TESTS_IF_TEST_H
#define TESTS_IF_TEST_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ifnet/if_clone.h>

#include "ifa_test.h"
#include "kern_test.h"
#include "layer_test.h"
#include "sysctl_test.h"

#include "net/if_vnet_impl.h"	/* domains, the interfaces' subsystem */
#include "net/pfil.h"		/* its subsystem */
#include "net/rtsock.h"		/* listeners */

/* The requests that the driver and the domain got, and the answers that they
 * are to give. */
struct tally {
	unsigned	 t_init, t_stop, t_ioctl, t_watchdog, t_setflags;
	unsigned	 t_up, t_down, t_attach, t_detach, t_purge, t_sweep;
	unsigned	 t_lladdr, t_nlink, t_mtu;
	int		 t_link[64];
	int		 t_init_error, t_ioctl_error, t_destroy_error;
	int		 t_attach_error;
};
static struct tally tally;

/* --- the domain --------------------------------------------------------- */

static inline uint32_t
sa_addr(const struct sockaddr *sa)
{

	return test_addr_minus(sa, "0.0.0.0");
}

static inline bool
test_sa_equal(const struct sockaddr *a, const struct sockaddr *b)
{

	return sa_addr(a) == sa_addr(b);
}

static inline uint32_t
test_sa_hash(const struct sockaddr *sa)
{

	return khash_u64(sa_addr(sa));
}

static inline bool
test_sa_within(const struct sockaddr *a, const struct sockaddr *b,
    const struct sockaddr *mask)
{

	return ((sa_addr(a) ^ sa_addr(b)) & sa_addr(mask)) == 0;
}

static inline int
test_ifattach(struct ifnet *ifp)
{

	(void)ifp;
	if (tally.t_attach_error != 0)
		return tally.t_attach_error;
	tally.t_attach++;
	return 0;
}

static inline void
test_ifdetach(struct ifnet *ifp)
{

	(void)ifp;
	tally.t_detach++;
}

static inline void
test_if_up(struct ifnet *ifp)
{

	KASSERT(if_ioctl_locked(ifp));
	tally.t_up++;
}

static inline void
test_if_down(struct ifnet *ifp)
{

	KASSERT(if_ioctl_locked(ifp));
	tally.t_down++;
}

static inline void
test_mtu(struct ifnet *ifp)
{

	KASSERT(if_ioctl_locked(ifp));
	tally.t_mtu++;
}

static inline void
test_link(struct ifnet *ifp, int state)
{

	(void)ifp;
	tally.t_link[tally.t_nlink++ % 64] = state;
}

static inline void
test_lladdr(struct ifnet *ifp)
{

	(void)ifp;
	tally.t_lladdr++;
}

static inline void
test_purge_one(struct ifaddr *ifa)
{

	ifa_remove(ifa->ifa_ifp, ifa);
}

static inline void
test_purgeif(struct ifnet *ifp)
{

	tally.t_purge++;
	if_purgeaddrs(ifp, TEST_AF, test_purge_one);
}

static inline void
test_sweep(struct ifnet *ifp)
{

	(void)ifp;
	KASSERT(curcpu() != NULL);
	/* This runs on every CPU at once. */
	(void)__atomic_fetch_add(&tally.t_sweep, 1, __ATOMIC_RELAXED);
}

static inline int
test_dom_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{
	struct ifaliasreq *ifra = data;
	struct ifaddr *ifa;

	switch (cmd) {
	case SIOCAIFADDR:
		return test_ifa_add(ifp, (struct sockaddr *)&ifra->ifra_addr,
		    24, NULL, NULL);
	case SIOCDIFADDR:
		ifa = ifa_ifp_find(ifp, (struct sockaddr *)&ifra->ifra_addr);
		if (ifa == NULL)
			return EADDRNOTAVAIL;
		ifa_remove(ifp, ifa);
		return 0;
	default:
		return ENOTTY;
	}
}

static const struct domain test_domain __attribute__((__unused__)) = {
	.dom_family = TEST_AF,
	.dom_slot = DOM_SLOT_INET,
	.dom_name = "test",
	.dom_salen = TEST_SALEN,
	.dom_ifattach = test_ifattach,
	.dom_ifdetach = test_ifdetach,
	.dom_if_up = test_if_up,
	.dom_if_down = test_if_down,
	.dom_if_link_state = test_link,
	.dom_if_mtu = test_mtu,
	.dom_lladdr_changed = test_lladdr,
	.dom_purgeif = test_purgeif,
	.dom_sweep = test_sweep,
	.dom_ioctl = test_dom_ioctl,
	.dom_sa_equal = test_sa_equal,
	.dom_sa_hash = test_sa_hash,
	.dom_sa_within = test_sa_within,
};

/* --- the driver --------------------------------------------------------- */

static inline int
test_transmit(struct ifnet *ifp, struct mvec *mv)
{

	if_stat_add_vec(ifp, IF_STAT_OUT, mv);
	mvec_free(mv);
	return 0;
}

static inline int
test_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	KASSERT(if_ioctl_locked(ifp));
	tally.t_ioctl++;
	if (tally.t_ioctl_error != 0)
		return tally.t_ioctl_error;
	return ifioctl_common(ifp, cmd, data);
}

static inline int
test_init(struct ifnet *ifp)
{

	tally.t_init++;
	if (tally.t_init_error != 0)
		return tally.t_init_error;
	if_flags_update(ifp, IFF_RUNNING, 0);
	return 0;
}

static inline void
test_stop(struct ifnet *ifp, bool disable)
{

	(void)disable;
	tally.t_stop++;
	if_flags_update(ifp, 0, IFF_RUNNING);
}

static inline void
test_watchdog(struct ifnet *ifp)
{

	(void)ifp;
	KASSERT(curcpu() != NULL);
	tally.t_watchdog++;
}

static const struct if_ops test_ops __attribute__((__unused__)) = {
	.transmit = test_transmit,
	.ioctl = test_ioctl,
	.init = test_init,
	.stop = test_stop,
	.watchdog = test_watchdog,
};

/* Attach an interface "NAMEunit" of the driver; NULL with *errorp set. */
static inline struct ifnet *
test_attach(struct vnet *vn, const char *name, unsigned unit, int *errorp)
{
	static const uint8_t lladdr[6] = { 2, 0, 0, 0, 0, 1 };
	struct ifnet *ifp;
	int error;

	ifp = if_alloc(vn, IFT_ETHER);
	if (ifp == NULL) {
		*errorp = ENOMEM;
		return NULL;
	}
	if_initname(ifp, name, unit);
	ifp->if_flags = IFF_BROADCAST | IFF_MULTICAST;
	ifp->if_addrlen = 6;
	ifp->if_mtu_max = 9000;
	ifp->if_ops = &test_ops;
	ifp->if_typeops = &raw_type_ops;
	ifp->if_capabilities = IFCAP_CSUM_TCPv4_Tx | IFCAP_CSUM_UDPv4_Tx |
	    IFCAP_TSOv4;
	error = if_set_sadl(ifp, lladdr, 6, true);
	if (error == 0)
		error = if_attach(ifp);
	*errorp = error;
	if (error != 0) {
		if_free(ifp);
		return NULL;
	}
	return ifp;
}

static inline struct ifnet *
test_must_attach(struct vnet *vn, const char *name, unsigned unit)
{
	struct ifnet *ifp;
	int error;

	ifp = test_attach(vn, name, unit, &error);
	KASSERT(ifp != NULL);
	return ifp;
}

static inline void
test_detach(struct ifnet *ifp)
{

	if_detach(ifp);
	if_free(ifp);
}

static inline int
test_clone_create(const struct if_clone *ifc, struct vnet *vn, unsigned unit,
    const char *params)
{
	int error;

	if (params[0] != '\0')
		return EINVAL;
	(void)test_attach(vn, ifc->ifc_name, unit, &error);
	return error;
}

static inline int
test_clone_destroy(struct ifnet *ifp)
{

	if (tally.t_destroy_error != 0)
		return tally.t_destroy_error;
	test_detach(ifp);
	return 0;
}

static const struct if_clone test_cloner __attribute__((__unused__)) = {
	"tst", test_clone_create, test_clone_destroy, NULL
};

/* --- the vnet ----------------------------------------------------------- */

static inline int
test_subsys_init(struct vnet *vn)
{

	domain_attach(vn, &test_domain);
	return if_clone_attach(vn, &test_cloner);
}

static const struct vnet_subsys test_subsys __attribute__((__unused__)) = {
	.vs_name = "test",
	.vs_init = test_subsys_init,
};

static const struct vnet_subsys *const test_table[]
    __attribute__((__unused__)) = {
	&sysctl_subsys, &rtsock_subsys, &pfil_subsys, &if_subsys,
	&route_subsys, &if_clone_subsys, &test_subsys, NULL
};

struct if_test {
	struct host	*it_host;
	void		(*it_body)(struct vnet *);
	unsigned	 it_ncpu;
};

static inline void
if_test_main(void *arg)
{
	struct if_test *it = arg;
	struct kern_config kc;
	struct kern *k;
	struct vnet *vn;

	memset(&tally, 0, sizeof(tally));
	memset(&kc, 0, sizeof(kc));
	kc.kc_ncpu = it->it_ncpu;
	kc.kc_mbufs = 2048;
	kc.kc_subsys = test_table;
	KASSERT(kern_create(it->it_host, &kc, &k) == 0);
	KASSERT(vnet_create_named(k, "test", &vn) == 0);
	vn = vnet_get(k, "test");
	it->it_body(vn);
	vnet_destroy_held(vn);
	KASSERT(mbuf_free_count(k) == mbuf_total(k));
	kern_destroy(k);
}

/* Run a body on the simulated host, with several seeds. */
static inline void
if_on_sim(unsigned ncpu, void (*body)(struct vnet *))
{
	struct if_test it = { .it_body = body, .it_ncpu = ncpu };

	on_seeds(4, &it.it_host, if_test_main, &it);
}

/* Run a body on this machine. */
static inline void
if_on_linux(unsigned ncpu, void (*body)(struct vnet *))
{
	struct if_test it = { .it_body = body, .it_ncpu = ncpu };

	it.it_host = host_linux();
	if_test_main(&it);
}

/* --- requests ----------------------------------------------------------- */

static inline int
test_ifreq(struct vnet *vn, const char *name, unsigned long cmd, int32_t value,
    struct ifreq *ifr)
{

	memset(ifr, 0, sizeof(*ifr));
	(void)snprintf(ifr->ifr_name, IFNAMSIZ, "%s", name);
	ifr->ifr_value = value;
	return ifioctl(vn, &kauth_cred_self, cmd, ifr, sizeof(*ifr));
}

/* Wait until CPU 0 has done all work scheduled for it. */
static inline void
test_settle(struct vnet *vn)
{

	for (int i = 0; i < 50; i++)
		host_sleep(vn->vn_kern->k_host, 1000000);
}

static inline int
listener_count(struct rt_listener *rl, uint8_t type)
{
	union {
		struct rt_hdr	 h;
		uint8_t		 room[RT_MSG_MAX];
	} buf;
	int n = 0;

	while (rt_listener_read(rl, &buf) != 0)
		n += buf.h.rtm_type == type;
	return n;
}

static inline struct rt_listener *
listener_open(struct vnet *vn, void (*wakeup)(void *))
{
	struct rt_listener *rl;

	KASSERT(rt_listener_open(vn, RTS_ALL, 1 << 20, wakeup, NULL, &rl) ==
	    0);
	return rl;
}

static inline void
no_wakeup(void *arg)
{

	(void)arg;
}

#endif /* !TESTS_IF_TEST_H */
