/*
 * net_test: a vnet with the interface layer in it and no protocol, on either
 * host, an Ethernet interface whose driver records the packets it was given,
 * and a domain that records its calls.
 *
 * Bodies check with KASSERT; see kern_test.h.
 */

#ifndef TESTS_NET_TEST_H
#define TESTS_NET_TEST_H

#include "ifa_test.h"
#include "kern_test.h"
#include "layer_test.h"
#include "route_test.h"
#include "sysctl_test.h"

#include <errno.h>

#include "net/bpf.h"		/* its subsystem */
#include "net/filter.h"		/* its subsystem */
#include "net/neigh.h"	/* a neighbour table */
#include "net/if_vnet_impl.h"	/* domains, the interfaces' subsystem */
#include "net/pfil.h"		/* its subsystem */
#include "net/rtsock.h"		/* its subsystem */

static const struct vnet_subsys *const net_test_subsys[] = {
	&sysctl_subsys, &rtsock_subsys, &pfil_subsys, &bpf_subsys,
	&filter_subsys, &if_subsys, &route_subsys, NULL
};

struct net_test {
	struct kern_config nt_config;
	void		(*nt_body)(struct vnet *);
	struct host	*nt_host;
};

/* The neighbour table, which src/netinet provides in the product. */
static struct neigh_table net_test_neigh;

static inline void
net_test_main(void *arg)
{
	struct net_test *nt = arg;
	struct vnet *vn;
	struct kern *k;

	nt->nt_config.kc_subsys = net_test_subsys;
	KASSERT(kern_create(nt->nt_host, &nt->nt_config, &k) == 0);
	KASSERT(vnet_create_named(k, "test", &vn) == 0);
	KASSERT(vnet_get(k, "test") == vn);
	neigh_table_init(k, &net_test_neigh);
	vn->vn_if->ifv_neigh = &net_test_neigh;
	nt->nt_body(vn);
	neigh_table_fini(&net_test_neigh);
	vnet_destroy_held(vn);
	KASSERT(mbuf_free_count(k) == mbuf_total(k));
	kern_destroy(k);
}

static inline void
net_on_sim(unsigned ncpu, void (*body)(struct vnet *))
{
	struct net_test nt = {
		.nt_config = { .kc_ncpu = ncpu, .kc_mbufs = 2048 },
		.nt_body = body,
	};

	on_seeds(4, &nt.nt_host, net_test_main, &nt);
}

static inline void
net_on_linux(unsigned ncpu, void (*body)(struct vnet *))
{
	struct net_test nt;

	memset(&nt, 0, sizeof(nt));
	nt.nt_config.kc_ncpu = ncpu;
	nt.nt_config.kc_mbufs = 2048;
	nt.nt_body = body;
	nt.nt_host = host_linux();
	net_test_main(&nt);
}

/* --- on a CPU ------------------------------------------------------------- */

struct net_call {
	void		(*nc_fn)(void *);
	void		*nc_arg;
};

static inline void
net_call_first(void *arg)
{
	struct net_call *nc = arg;

	if (cpu_index(curcpu()) == 0)
		nc->nc_fn(nc->nc_arg);
}

static inline void
net_nothing(void *arg)
{

	(void)arg;
}

/* Run fn on CPU 0, and the work that it scheduled there. */
static inline void
on_cpu(struct kern *k, void (*fn)(void *), void *arg)
{
	struct net_call nc = { .nc_fn = fn, .nc_arg = arg };

	kern_xcall(k, net_call_first, &nc);
	if (!k->k_threaded)
		kern_run(k);
	kern_xcall(k, net_nothing, NULL);
}

/* --- a driver ------------------------------------------------------------- */

#define ETEST_KEEP	512

struct etest_packet {
	uint32_t	 ep_len;
	uint8_t		 ep_data[128];
};

struct etest {
	struct ifnet	*et_ifp;
	unsigned	 et_nsent;
	struct etest_packet et_sent[ETEST_KEEP];
};

static inline int
etest_transmit(struct ifnet *ifp, struct mvec *mv)
{
	struct etest *et = ifp->if_softc;
	struct etest_packet *ep;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		ep = &et->et_sent[et->et_nsent++ % ETEST_KEEP];
		ep->ep_len = mv->mv_m[i]->m_pktlen;
		memset(ep->ep_data, 0, sizeof(ep->ep_data));
		(void)m_copydata(mv->mv_m[i], 0, ep->ep_len <
		    sizeof(ep->ep_data) ? ep->ep_len : sizeof(ep->ep_data),
		    ep->ep_data);
	}
	if_stat_add_vec(ifp, IF_STAT_OUT, mv);
	mvec_free(mv);
	return 0;
}

static const struct if_ops etest_ops = {
	.transmit = etest_transmit,
	.ioctl = ether_ioctl,
};

static const uint8_t etest_addr[ETHER_ADDR_LEN] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t etest_peer[ETHER_ADDR_LEN] = { 2, 0, 0, 0, 0, 2 };

static inline void
etest_attach(struct vnet *vn, struct etest *et, unsigned unit,
    const struct if_ops *ops, bool ether)
{
	struct ifnet *ifp;

	memset(et, 0, sizeof(*et));
	ifp = if_alloc(vn, ether ? IFT_ETHER : IFT_OTHER);
	KASSERT(ifp != NULL);
	if_initname(ifp, "et", unit);
	ifp->if_softc = et;
	ifp->if_ops = ops;
	if (ether)
		KASSERT(ether_ifattach(ifp, etest_addr) == 0);
	else
		ifp->if_typeops = &raw_type_ops;
	KASSERT(if_percpuq_create(ifp) == 0);
	KASSERT(if_attach(ifp) == 0);
	if_flags_update(ifp, IFF_RUNNING, 0);
	if_up(ifp);
	et->et_ifp = ifp;
}

static inline void
etest_detach(struct etest *et)
{

	if_detach(et->et_ifp);
	if_free(et->et_ifp);
	et->et_ifp = NULL;
}

static inline struct if_data
etest_data(const struct etest *et)
{

	return test_if_data(et->et_ifp);
}

static inline uint64_t
etest_drops(const struct etest *et, enum drop_reason reason)
{

	return test_if_drops(et->et_ifp, reason);
}

/* Check that every packet is accounted for. */
static inline void
etest_books(const struct etest *et)
{

	test_if_books(et->et_ifp);
}

/* Have all received packets been handled? */
static inline bool
etest_at_rest(const struct etest *et)
{
	struct if_data ifi = etest_data(et);

	return ifi.ifi_ipackets == ifi.ifi_delivered + ifi.ifi_forwarded +
	    ifi.ifi_idrops;
}

/* CPU: make a packet of these bytes. */
static inline struct mbuf *
etest_packet(const void *data, unsigned len)
{
	struct mbuf *m;

	m = m_gethdr();
	KASSERT(m != NULL);
	KASSERT(m_append(m, data, len) == 0);
	return m;
}

/* CPU: make a frame with a recognisable payload. */
static inline struct mbuf *
etest_frame(const uint8_t *dst, const uint8_t *src, uint16_t type, uint8_t tag,
    unsigned payload)
{
	uint8_t buf[256];

	memcpy(buf, dst, 6);
	memcpy(buf + 6, src, 6);
	buf[12] = (uint8_t)(type >> 8);
	buf[13] = (uint8_t)type;
	memset(buf + 14, tag, sizeof(buf) - 14);
	KASSERT(payload <= sizeof(buf) - 14);
	return etest_packet(buf, 14 + payload);
}

/* --- a domain ------------------------------------------------------------- */

static unsigned dtest_resolved, dtest_input;

static inline void
dtest_resolve(struct ifnet *ifp, struct mbuf *m)
{

	__atomic_fetch_add(&dtest_resolved, 1, __ATOMIC_RELAXED);
	m_drop(ifp, m, DROP_ARP_UNRESOLVED);
}

static inline void
dtest_take(struct ifnet *ifp, struct mvec *mv)
{

	__atomic_fetch_add(&dtest_input, mv->mv_n, __ATOMIC_RELAXED);
	if_stat_add(ifp, IF_STAT_DELIVERED, mv->mv_n);
	mvec_free(mv);
}

static inline uint32_t
dtest_addr(const struct sockaddr *sa)
{

	return htonl(test_addr_minus(sa, "0.0.0.0"));
}

static inline bool
dtest_equal(const struct sockaddr *a, const struct sockaddr *b)
{

	return dtest_addr(a) == dtest_addr(b);
}

static inline uint32_t
dtest_hash(const struct sockaddr *sa)
{

	return khash_u64(dtest_addr(sa));
}

static inline int
dtest_check(const struct sockaddr *sa)
{

	(void)sa;
	return 0;
}

static inline bool
dtest_within(const struct sockaddr *a, const struct sockaddr *b,
    const struct sockaddr *mask)
{

	return ((dtest_addr(a) ^ dtest_addr(b)) & dtest_addr(mask)) == 0;
}

/* Groups as IPv4's: RFC 1112 6.4. */
static inline void
dtest_group_lladdr(const uint8_t *dst, uint8_t lladdr[6])
{
	const uint8_t group[6] = { 1, 0, 0x5e, dst[1] & 0x7f, dst[2], dst[3] };

	memcpy(lladdr, group, 6);
}

static const struct domain dtest_domain = {
	.dom_family = TEST_AF,
	.dom_slot = DOM_SLOT_INET,
	.dom_name = "test",
	.dom_salen = TEST_SALEN,
	.dom_resolve = dtest_resolve,
	.dom_input = dtest_take,
	.dom_dst_offset = 16,
	.dom_dst_len = 4,
	.dom_group_lladdr = dtest_group_lladdr,
	.dom_sa_equal = dtest_equal,
	.dom_sa_hash = dtest_hash,
	.dom_sa_check = dtest_check,
	.dom_sa_within = dtest_within,
};

static inline void
dtest_attach(struct vnet *vn)
{

	dtest_resolved = dtest_input = 0;
	domain_attach(vn, &dtest_domain);
	KASSERT(ether_register(vn, ETHERTYPE_IP, dtest_take) == 0);
}

static inline struct ifaddr *
ifatest_add(struct ifnet *ifp, const char *addr, unsigned len)
{

	return test_give(ifp, test_sa(addr), len, NULL);
}

/* Take an address away, with its own routes and those that need it. */
static inline void
ifatest_remove(struct ifaddr *ifa)
{
	struct ifnet *ifp = ifa->ifa_ifp;

	if_ioctl_lock(ifp);
	ifa_ref(ifa);
	ifa_remove(ifp, ifa);
	rt_ifa_gone(ifa);
	ifa_unref(ifa);
	if_ioctl_unlock(ifp);
}

#endif /* !TESTS_NET_TEST_H */
