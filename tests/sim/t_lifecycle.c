/*
 * Life cycles at random: interfaces, addresses, flags, link state and vnets
 * come and go while allocations fail and readers look; after each step the
 * layer agrees with a plain list, and at the end nothing is left.
 */

#include "../unit/if_test.h"
#include "net/if_addr_impl.h"
#include "net/if_attach_impl.h"
#include "net/if_index_impl.h"
#include "net/if_vnet_impl.h"

#include <stdlib.h>

#define OPS	1500
#define NVNETS	3
#define MAXIFS	40
#define MAXADDRS 4

struct model_if {
	bool		 mi_used;
	char		 mi_name[IFNAMSIZ];
	uint64_t	 mi_handle;
	bool		 mi_up;
	unsigned	 mi_naddrs;
	union test_addr	 mi_addr[MAXADDRS];
};

struct model_vnet {
	struct vnet	*mv_vnet;
	char		 mv_name[VNET_NAMESIZE];
	unsigned	 mv_nifs;
	struct model_if	 mv_if[MAXIFS];
	uint64_t	 mv_dead;	/* a handle that is gone for good */
};

struct model {
	struct host	*m_host;
	struct kern	*m_kern;
	struct model_vnet m_vnet[NVNETS];
	unsigned	 m_serial;
	uint32_t	 m_stop;
	unsigned	 m_enomem, m_done;
	struct host_mutex m_lock;	/* vnets come and go */
};

static unsigned
pick(struct model *m, unsigned n)
{

	return (unsigned)(sim_random(m->m_host) % n);
}

static struct model_if *
pick_if(struct model *m, struct model_vnet *mv)
{
	struct model_if *mi;
	unsigned start = pick(m, MAXIFS);

	for (unsigned i = 0; i < MAXIFS; i++) {
		mi = &mv->mv_if[(start + i) % MAXIFS];
		if (mi->mi_used)
			return mi;
	}
	return NULL;
}

/* Did it fail for want of memory?  Anything else is a bug. */
static bool
failed(struct model *m, int error)
{

	if (error == 0) {
		m->m_done++;
		return false;
	}
	KASSERT(error == ENOMEM);
	m->m_enomem++;
	return true;
}

/* --- operations --------------------------------------------------------- */

static void
op_create(struct model *m, struct model_vnet *mv)
{
	struct model_if *mi;
	struct ifreq ifr;
	char name[IFNAMSIZ] = "tst";
	unsigned i;

	for (i = 0; i < MAXIFS && mv->mv_if[i].mi_used; i++)
		continue;
	if (i == MAXIFS)
		return;
	if (failed(m, if_clone_create(mv->mv_vnet, name, NULL)))
		return;
	mi = &mv->mv_if[i];
	memset(mi, 0, sizeof(*mi));
	mi->mi_used = true;
	memcpy(mi->mi_name, name, IFNAMSIZ);
	mv->mv_nifs++;
	KASSERT(test_ifreq(mv->mv_vnet, name, SIOCGIFINDEX, 0, &ifr) == 0);
	mi->mi_handle = ifr.ifr_index;
}

static void
op_destroy(struct model *m, struct model_vnet *mv)
{
	struct model_if *mi = pick_if(m, mv);

	if (mi == NULL)
		return;
	KASSERT(if_clone_destroy(mv->mv_vnet, mi->mi_name) == 0);
	mv->mv_dead = mi->mi_handle;
	mi->mi_used = false;
	mv->mv_nifs--;
	m->m_done++;
}

static int
alias(struct model_vnet *mv, struct model_if *mi, unsigned long cmd,
    const union test_addr *addr)
{
	struct ifaliasreq ifra;

	memset(&ifra, 0, sizeof(ifra));
	memcpy(ifra.ifra_name, mi->mi_name, IFNAMSIZ);
	memcpy(&ifra.ifra_addr, addr, test_addr_len(&addr->sa));
	return ifioctl(mv->mv_vnet, &kauth_cred_self, cmd, &ifra,
	    sizeof(ifra));
}

static void
op_addr_add(struct model *m, struct model_vnet *mv)
{
	struct model_if *mi = pick_if(m, mv);
	union test_addr addr;
	unsigned n;

	if (mi == NULL || mi->mi_naddrs == MAXADDRS)
		return;
	/* Few networks, so that many interfaces share a prefix. */
	n = pick(m, 4) << 8 | (1 + m->m_serial++ % 250);
	addr = test_addr_plus("10.0.0.0", n | (m->m_serial / 250) << 16);
	if (failed(m, alias(mv, mi, SIOCAIFADDR, &addr)))
		return;
	mi->mi_addr[mi->mi_naddrs++] = addr;
}

static void
op_addr_del(struct model *m, struct model_vnet *mv)
{
	struct model_if *mi = pick_if(m, mv);
	unsigned i;

	if (mi == NULL || mi->mi_naddrs == 0)
		return;
	i = pick(m, mi->mi_naddrs);
	KASSERT(alias(mv, mi, SIOCDIFADDR, &mi->mi_addr[i]) == 0);
	mi->mi_addr[i] = mi->mi_addr[--mi->mi_naddrs];
	m->m_done++;
}

static void
op_flags(struct model *m, struct model_vnet *mv)
{
	struct model_if *mi = pick_if(m, mv);
	struct ifreq ifr;

	if (mi == NULL)
		return;
	mi->mi_up = !mi->mi_up;
	KASSERT(test_ifreq(mv->mv_vnet, mi->mi_name, SIOCSIFFLAGS,
	    mi->mi_up ? IFF_UP : 0, &ifr) == 0);
}

static void
op_link(struct model *m, struct model_vnet *mv)
{
	struct model_if *mi = pick_if(m, mv);
	struct psref pr;
	struct ifnet *ifp;

	if (mi == NULL)
		return;
	ifp = if_get(mv->mv_vnet, mi->mi_name, &pr);
	KASSERT(ifp != NULL);
	for (unsigned n = pick(m, 12); n > 0; n--)
		if_link_state_change(ifp, (int)pick(m, 4));
	if_set_timer(ifp, (int)pick(m, 3));
	if_put(ifp, &pr);
}

static void
op_lladdr(struct model *m, struct model_vnet *mv)
{
	struct model_if *mi = pick_if(m, mv);
	struct if_laddrreq iflr;
	struct sockaddr_dl *sdl = (struct sockaddr_dl *)&iflr.iflr_addr;

	if (mi == NULL)
		return;
	memset(&iflr, 0, sizeof(iflr));
	memcpy(iflr.iflr_name, mi->mi_name, IFNAMSIZ);
	iflr.iflr_flags = IFLR_ACTIVE;
	sdl->sdl_family = AF_LINK;
	sdl->sdl_alen = 6;
	sdl->sdl_data[0] = 2;
	sdl->sdl_data[5] = (uint8_t)pick(m, 4);
	(void)failed(m, ifioctl(mv->mv_vnet, &kauth_cred_self, SIOCALIFADDR,
	    &iflr, sizeof(iflr)));
}

static void
count_one(void *arg)
{

	if_stat_add(arg, IF_STAT_IPACKETS, 1);
}

static void
op_count(struct model *m, struct model_vnet *mv)
{
	struct model_if *mi = pick_if(m, mv);
	struct ifdatareq ifdr;
	struct psref pr;
	struct ifnet *ifp;

	if (mi == NULL)
		return;
	ifp = if_get(mv->mv_vnet, mi->mi_name, &pr);
	KASSERT(ifp != NULL);
	kern_xcall(m->m_kern, count_one, ifp);
	if_put(ifp, &pr);
	memset(&ifdr, 0, sizeof(ifdr));
	memcpy(ifdr.ifdr_name, mi->mi_name, IFNAMSIZ);
	if (!failed(m, ifioctl(mv->mv_vnet, &kauth_cred_self, SIOCZIFDATA,
	    &ifdr, sizeof(ifdr))))
		KASSERT(ifdr.ifdr_data.ifi_ipackets % m->m_kern->k_ncpu == 0);
}

static void
op_vnet(struct model *m, struct model_vnet *mv)
{
	struct vnet *vn = mv->mv_vnet;

	/* The readers must not hold it while it goes. */
	host_mutex_lock(m->m_host, &m->m_lock);
	if (vn != NULL) {
		mv->mv_vnet = NULL;
		mv->mv_nifs = 0;
		memset(mv->mv_if, 0, sizeof(mv->mv_if));
		host_mutex_unlock(m->m_host, &m->m_lock);
		vnet_destroy_held(vn);
		return;
	}
	(void)snprintf(mv->mv_name, sizeof(mv->mv_name), "v%u",
	    m->m_serial++);
	if (!failed(m, vnet_create_named(m->m_kern, mv->mv_name, &vn)))
		mv->mv_vnet = vnet_get(m->m_kern, mv->mv_name);
	mv->mv_dead = 0;
	host_mutex_unlock(m->m_host, &m->m_lock);
}

/* --- the layer against the model ---------------------------------------- */

static int
count_if(struct ifnet *ifp, void *arg)
{

	(void)ifp;
	++*(unsigned *)arg;
	return 0;
}

static void
check_addrs(struct vnet *vn, const struct model_if *mi)
{
	const struct sockaddr *sa;
	struct ifaddr *ifa;

	for (unsigned i = 0; i < mi->mi_naddrs; i++) {
		sa = &mi->mi_addr[i].sa;
		pserialize_read_enter();
		ifa = ifa_ifwithaddr(vn, sa);
		KASSERT(ifa != NULL);
		KASSERT(ifa->ifa_ifp->if_handle == mi->mi_handle);
		ifa = ifa_ifwithnet(vn, sa);
		KASSERT(ifa != NULL && test_sa_within(ifa->ifa_addr, sa,
		    ifa->ifa_netmask));
		pserialize_read_exit();
	}
}

static void
check(struct model_vnet *mv)
{
	struct vnet *vn = mv->mv_vnet;
	unsigned n = 0;

	if (vn == NULL)
		return;
	KASSERT(if_foreach(vn, count_if, &n) == 0 && n == mv->mv_nifs);
	for (unsigned i = 0; i < MAXIFS; i++) {
		const struct model_if *mi = &mv->mv_if[i];
		struct ifnet *ifp;

		if (!mi->mi_used)
			continue;
		pserialize_read_enter();
		ifp = ifunit(vn, mi->mi_name);
		KASSERT(ifp != NULL && ifp->if_handle == mi->mi_handle);
		KASSERT(if_byhandle(vn, mi->mi_handle) == ifp);
		KASSERT(((ifp->if_flags & IFF_UP) != 0) == mi->mi_up);
		pserialize_read_exit();
		check_addrs(vn, mi);
	}
	pserialize_read_enter();
	KASSERT(if_byhandle(vn, mv->mv_dead) == NULL);
	pserialize_read_exit();
}

/* Another thread, which looks up random interfaces and holds each for a
 * while. */
static void
reader_main(void *arg)
{
	struct model *m = arg;
	struct model_vnet *mv;
	struct psref pr;
	struct ifnet *ifp;
	struct vnet *vn;
	unsigned index;

	while (__atomic_load_n(&m->m_stop, __ATOMIC_ACQUIRE) == 0) {
		host_mutex_lock(m->m_host, &m->m_lock);
		mv = &m->m_vnet[pick(m, NVNETS)];
		vn = mv->mv_vnet == NULL ? NULL :
		    vnet_get(m->m_kern, mv->mv_name);
		host_mutex_unlock(m->m_host, &m->m_lock);
		if (vn == NULL) {
			host_sleep(m->m_host, 10000);
			continue;
		}
		index = 1 + pick(m, 60);
		ifp = if_get_from(vn, &index, &pr);
		if (ifp != NULL) {
			host_sleep(m->m_host, pick(m, 100000));
			KASSERT(ifp->if_vnet == vn && ifp->if_handle != 0);
			if_ioctl_lock(ifp);
			if (ifp->if_state == IFS_ATTACHED)
				KASSERT(if_sadl(ifp)->sdl_index ==
				    ifp->if_index);
			if_ioctl_unlock(ifp);
			if_put(ifp, &pr);
		}
		vnet_put(vn);
		host_yield(m->m_host);
	}
}

static void
step(struct model *m, struct model_vnet *mv)
{
	static void (*const ops[])(struct model *, struct model_vnet *) = {
		op_create, op_create, op_create, op_create, op_destroy,
		op_destroy, op_addr_add, op_addr_add, op_addr_add,
		op_addr_del, op_flags, op_link, op_lladdr, op_count,
	};

	if (mv->mv_vnet == NULL || pick(m, 150) == 0)
		op_vnet(m, mv);
	else
		ops[pick(m, sizeof(ops) / sizeof(ops[0]))](m, mv);
}

static void
life_main(void *arg)
{
	struct model *m = arg;
	struct host_thread *reader[2];
	struct kern_config kc;

	memset(&tally, 0, sizeof(tally));
	memset(&kc, 0, sizeof(kc));
	kc.kc_ncpu = 2;
	kc.kc_mbufs = 512;
	kc.kc_subsys = test_table;
	KASSERT(kern_create(m->m_host, &kc, &m->m_kern) == 0);
	host_mutex_init(m->m_host, &m->m_lock);
	for (int i = 0; i < 2; i++)
		KASSERT(host_thread_create(m->m_host, "reader", -1,
		    reader_main, m, &reader[i]) == 0);
	sim_set_faults(m->m_host, 50000, 0);
	for (int i = 0; i < OPS; i++) {
		step(m, &m->m_vnet[pick(m, NVNETS)]);
		if (i % 10 == 0)
			for (int v = 0; v < NVNETS; v++)
				check(&m->m_vnet[v]);
	}
	sim_set_faults(m->m_host, 0, 0);
	__atomic_store_n(&m->m_stop, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		host_thread_join(m->m_host, reader[i]);
	for (int v = 0; v < NVNETS; v++) {
		check(&m->m_vnet[v]);
		if (m->m_vnet[v].mv_vnet != NULL)
			op_vnet(m, &m->m_vnet[v]);
	}
	host_mutex_destroy(m->m_host, &m->m_lock);
	kern_destroy(m->m_kern);
	/* Attaches that failed were undone, too. */
	KASSERT(tally.t_attach == tally.t_detach);
	/* The run did what it is for. */
	KASSERT(m->m_done > OPS / 10 && m->m_enomem > 0);
}

static void
run_seed(uint64_t seed)
{
	struct sim_config sc = { .sc_seed = seed, .sc_quiet = true };
	struct model *m;

	m = calloc(1, sizeof(*m));
	assert_non_null(m);
	m->m_host = sim_create(&sc);
	assert_non_null(m->m_host);
	print_message("seed %llu\n", (unsigned long long)seed);
	assert_int_equal(sim_run(m->m_host, life_main, m), 0);
	assert_int_equal(sim_allocated(m->m_host), 0);
	sim_destroy(m->m_host);
	free(m);
}

static void
test_seeds(void **state)
{
	const char *one = getenv("SEED");

	(void)state;
	if (one != NULL) {
		run_seed(strtoull(one, NULL, 0));
		return;
	}
	for (uint64_t seed = 1; seed <= 8; seed++)
		run_seed(seed);
	/* A destroyer meets a reference that found no memory of its own. */
	run_seed(154);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
