/*
 * Counters: per CPU, none lost when they are read and reset meanwhile, none
 * left for the next interface of an index.
 */

#include "if_test.h"
#include "net/if_stats_impl.h"	/* under test */

#define ROUNDS	200

struct counting {
	struct ifnet	*co_ifp;
};

static void
count(void *arg)
{
	struct counting *co = arg;

	if_stat_add(co->co_ifp, IF_STAT_IPACKETS, 1);
	if_stat_add(co->co_ifp, IF_STAT_IBYTES, 100);
	if_stat_add(co->co_ifp, IF_STAT_OERRORS, 2);
}

static void
zdata(struct vnet *vn, const char *name, unsigned long cmd,
    struct ifdatareq *ifdr)
{

	memset(ifdr, 0xa5, sizeof(*ifdr));
	memset(ifdr->ifdr_name, 0, IFNAMSIZ);
	(void)snprintf(ifdr->ifdr_name, IFNAMSIZ, "%s", name);
	KASSERT(ifioctl(vn, &kauth_cred_self, cmd, ifdr, sizeof(*ifdr)) == 0);
}

static void
sum_body(struct vnet *vn)
{
	struct ifdatareq ifdr;
	struct counting co;
	struct ifnet *ifp;
	unsigned ncpu = vn->vn_kern->k_ncpu;
	uint64_t total = 0;

	ifp = test_must_attach(vn, "x", 0);
	co.co_ifp = ifp;
	for (int i = 0; i < 10; i++)
		kern_xcall(vn->vn_kern, count, &co);
	zdata(vn, "x0", SIOCGIFDATA, &ifdr);
	KASSERT(ifdr.ifdr_data.ifi_ipackets == 10 * ncpu);
	KASSERT(ifdr.ifdr_data.ifi_ibytes == 1000 * ncpu);
	KASSERT(ifdr.ifdr_data.ifi_oerrors == 20 * ncpu);
	KASSERT(ifdr.ifdr_data.ifi_mtu == 1500);
	KASSERT(ifdr.ifdr_data.ifi_pad[0] == 0);

	for (int i = 0; i < 10; i++) {
		zdata(vn, "x0", SIOCZIFDATA, &ifdr);
		total += ifdr.ifdr_data.ifi_ipackets;
		kern_xcall(vn->vn_kern, count, &co);
	}
	zdata(vn, "x0", SIOCGIFDATA, &ifdr);
	KASSERT(ifdr.ifdr_data.ifi_ipackets == ncpu);
	KASSERT(total + ncpu == 20 * ncpu);
	KASSERT(if_stats_sum(ifp, IF_STAT_IPACKETS) == 20 * ncpu);

	/* The next of this index starts from zero; the total stays. */
	KASSERT(test_sysctl_set(vn, "net.link.maxindex", 1) == 0);
	test_detach(ifp);
	KASSERT(test_stat_gone(vn, IF_STAT_IPACKETS) == 20 * ncpu);
	ifp = test_must_attach(vn, "y", 0);
	zdata(vn, "y0", SIOCGIFDATA, &ifdr);
	KASSERT(ifdr.ifdr_data.ifi_ipackets == 0);
	KASSERT(ifdr.ifdr_data.ifi_oerrors == 0);
	test_detach(ifp);
}

struct zeroer {
	struct vnet	*ze_vnet;
	uint64_t	 ze_total;
	uint32_t	 ze_stop;
};

static void
zero_main(void *arg)
{
	struct zeroer *ze = arg;
	struct ifdatareq ifdr;

	while (__atomic_load_n(&ze->ze_stop, __ATOMIC_ACQUIRE) == 0) {
		zdata(ze->ze_vnet, "x0", SIOCZIFDATA, &ifdr);
		ze->ze_total += ifdr.ifdr_data.ifi_ipackets;
		host_yield(ze->ze_vnet->vn_kern->k_host);
	}
}

/* Reading and resetting while CPUs count. */
static void
race_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct zeroer ze = { .ze_vnet = vn };
	struct ifdatareq ifdr;
	struct host_thread *t;
	struct counting co;

	co.co_ifp = test_must_attach(vn, "x", 0);
	KASSERT(host_thread_create(h, "zero", -1, zero_main, &ze, &t) == 0);
	for (int i = 0; i < ROUNDS; i++)
		kern_xcall(vn->vn_kern, count, &co);
	__atomic_store_n(&ze.ze_stop, 1, __ATOMIC_RELEASE);
	host_thread_join(h, t);
	zdata(vn, "x0", SIOCZIFDATA, &ifdr);
	ze.ze_total += ifdr.ifdr_data.ifi_ipackets;
	KASSERT(ze.ze_total == (uint64_t)ROUNDS * vn->vn_kern->k_ncpu);
	test_detach(co.co_ifp);
}

struct dropping {
	struct ifnet	*dr_ifp;
	unsigned	 dr_n;
};

static void
drop(void *arg)
{
	struct dropping *dr = arg;
	struct mbuf *m;
	struct mvec mv;

	m = m_gethdr();
	KASSERT(m != NULL);
	m->m_flags |= M_MCAST;
	m_drop(dr->dr_ifp, m, DROP_IP_TTL);
	mv.mv_n = m_get_bulk(mv.mv_m, 3);
	KASSERT(mv.mv_n == 3);
	mv.mv_m[1]->m_flags |= M_BCAST;
	KASSERT(m_append(mv.mv_m[2], "abcd", 4) == 0);
	if_stat_add_vec(dr->dr_ifp, IF_STAT_IN, &mv);
	if_stat_add_vec(dr->dr_ifp, IF_STAT_OUT, &mv);
	mvec_drop(dr->dr_ifp, &mv, DROP_TX_ERROR);
}

static void
drops_body(struct vnet *vn)
{
	struct ifdropreq *ifdq;
	struct ifdatareq ifdr;
	struct dropping dr;
	unsigned ncpu = vn->vn_kern->k_ncpu;

	dr.dr_ifp = test_must_attach(vn, "x", 0);
	kern_xcall(vn->vn_kern, drop, &dr);
	ifdq = kmem_zalloc(vn->vn_kern, sizeof(*ifdq));
	memcpy(ifdq->ifdq_name, "x0", 3);
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFDROPS, ifdq,
	    sizeof(*ifdq)) == 0);
	KASSERT(ifdq->ifdq_n == DROP_NREASONS);
	for (int i = 0; i < IFDROPS_MAX; i++)
		KASSERT(ifdq->ifdq_drop[i] == (i == DROP_IP_TTL ? ncpu :
		    i == DROP_TX_ERROR ? 3 * ncpu : 0));
	kmem_free(vn->vn_kern, ifdq);
	zdata(vn, "x0", SIOCGIFDATA, &ifdr);
	KASSERT(ifdr.ifdr_data.ifi_idrops == ncpu);
	KASSERT(ifdr.ifdr_data.ifi_odrops == 3 * ncpu);
	KASSERT(ifdr.ifdr_data.ifi_ipackets == 3 * ncpu);
	KASSERT(ifdr.ifdr_data.ifi_imcasts == ncpu);
	KASSERT(ifdr.ifdr_data.ifi_obytes == 4 * ncpu);
	test_detach(dr.dr_ifp);
}

static void
test_sum(void **state)
{

	(void)state;
	if_on_sim(3, sum_body);
}

static void
test_race(void **state)
{

	(void)state;
	if_on_sim(3, race_body);
	if_on_linux(2, race_body);
}

static void
test_drops(void **state)
{

	(void)state;
	if_on_sim(2, drops_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_drops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
