/*
 * if_arp: address resolution (RFC 826): packets in and out, and the defence of
 * our addresses (RFC 5227 2.4).  The cache is net/neigh_cache.h's.
 */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "net/if_addr_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/rtsock.h"
#include "netinet/arp_var.h"

/* --- sending ------------------------------------------------------------- */

void
arp_send(struct ifnet *ifp, uint16_t op, const uint8_t *dst,
    const uint8_t *sha, uint32_t spa, const uint8_t *tha, uint32_t tpa)
{
	struct ip_stats *ips = ip_stats(ifp->if_vnet);
	struct arphdr *ar;
	struct mbuf *m;

	m = m_gethdr();
	if (m == NULL)
		return;
	ar = (struct arphdr *)(void *)m->m_data;
	m->m_len = m->m_pktlen = sizeof(*ar);
	m->m_flags = M_LOCAL;
	ar->ar_hrd = htons(1);
	ar->ar_pro = htons(ETHERTYPE_IP);
	ar->ar_hln = ETHER_ADDR_LEN;
	ar->ar_pln = 4;
	ar->ar_op = be16(op);
	if (sha != NULL)
		memcpy(ar->ar_sha, sha, ETHER_ADDR_LEN);
	else
		neigh_own_lladdr(ifp, ar->ar_sha);
	ar->ar_spa = spa;
	if (tha != NULL)
		memcpy(ar->ar_tha, tha, ETHER_ADDR_LEN);
	else
		memset(ar->ar_tha, 0, ETHER_ADDR_LEN);
	ar->ar_tpa = tpa;
	if (op == ARP_REQUEST)
		cpu_stat_add(&ips->arps_txrequest, 1);
	else
		cpu_stat_add(&ips->arps_txreply, 1);
	/* Packets about a link-local address are always broadcast, as another
	 * host may use the address too (RFC 3927 2.5). */
	ether_frame_output(ifp, m, dst != NULL && !in_is_linklocal(spa) ? dst :
	    etherbroadcastaddr, ETHERTYPE_ARP);
}

static void
arp_ask(struct ifnet *ifp, const union neigh_addr *na, const uint8_t *lladdr)
{
	uint32_t addr = na->na_4;
	uint32_t source = in_ifsource(ifp, addr);

	if (!neigh_ifusable(ifp))
		return;
	/*
	 * A request from 0.0.0.0 would be a probe, for which another host may
	 * give up its address (RFC 5227 1.1, 2.1.1).  An interface without an
	 * address borrows one of the router's; one whose address is being
	 * checked waits.
	 */
	if (source == 0 && !in_ifhasaddr(ifp))
		source = in_router_id(rt_table_of(ifp));
	if (source == 0)
		return;
	arp_send(ifp, ARP_REQUEST, lladdr, NULL, source, NULL, addr);
}

/* --- receiving ----------------------------------------------------------- */

/* Has enough time passed since what *last says?  Then it happens now. */
static bool
arp_may_again(struct arp_vnet *av, uint64_t *last, uint64_t now, uint64_t ns)
{
	bool may;

	kspin_lock(&av->av_conflict_lock);
	may = *last == 0 || now >= *last + ns;
	if (may)
		*last = now;
	kspin_unlock(&av->av_conflict_lock);
	return may;
}

const char *
arp_addr_text(uint32_t addr, char buf[16])
{
	const uint8_t *b = (const uint8_t *)&addr;

	(void)snprintf(buf, 16, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	return buf;
}

/*
 * Another host uses an address of ours: log it and defend the address, with a
 * limited rate, or two defenders would never stop (RFC 5227 2.4 b).  Each
 * address has a rate of its own, by a hash of it and the interface.
 */
static void
arp_conflict(struct ifnet *ifp, uint32_t addr, const uint8_t *sha)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	char a[16], l[LLADDR_STRSIZE];
	uint32_t slot;

	slot = neigh_hash4(neigh_table_of(ifp->if_vnet), ifp, addr) %
	    ARP_NDEFENDED;
	if (!arp_may_again(av, &av->av_defended_ns[slot],
	    net_curcpu()->ci_now, ARP_DEFEND_NS))
		return;
	if_klog(ifp, KLOG_WARNING, "%s also claims our address %s",
	    lladdr_text(sha, ETHER_ADDR_LEN, l), arp_addr_text(addr, a));
	arp_send(ifp, ARP_REQUEST, NULL, NULL, addr, NULL, addr);
	cpu_stat_add(&ip_stats(ifp->if_vnet)->arps_announce, 1);
}

/* This interface's own address `addr'; NULL: it has no such address. */
static struct ifaddr *
arp_ours(struct ifnet *ifp, uint32_t addr)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = addr,
	};
	struct ifaddr *ifa;

	ifa = ifa_ifp_find(ifp, (const struct sockaddr *)&sin);
	return ifa != NULL && (__atomic_load_n(&ifa->ifa_flags,
	    __ATOMIC_RELAXED) & (IFA_INACTIVE | IFA_DESTROYING)) == 0 ?
	    ifa : NULL;
}

bool
arp_is_onlink(const struct ifnet *ifp, uint32_t addr)
{
	struct fwd fd = rt_lookup4(rt_table_of(ifp), addr);

	return fwd_is_onlink(&fd) && fd.fd_nh->nh_ifp == ifp;
}

/* Is the address the router's, on whatever interface?  A request may have been
 * sent with such a source (arp_ask()). */
static bool
is_local(const struct ifnet *ifp, uint32_t addr)
{
	struct fwd fd = rt_lookup4(rt_table_of(ifp), addr);

	return fwd_is_local(&fd);
}

/* The reason for which an ARP packet is dropped; DROP_NREASONS: it is sound. */
static enum drop_reason
arp_check(struct ifnet *ifp, const struct arphdr *ar)
{
	uint16_t op = be16(ar->ar_op);

	if (ar->ar_hrd != htons(1) || ar->ar_pro != htons(ETHERTYPE_IP) ||
	    ar->ar_hln != ETHER_ADDR_LEN || ar->ar_pln != 4 ||
	    (op != ARP_REQUEST && op != ARP_REPLY))
		return DROP_ARP_BAD;
	if (!lladdr_is_station(ar->ar_sha, ETHER_ADDR_LEN))
		return DROP_ARP_BAD;
	/* A sender of 0.0.0.0 probes for an address (RFC 5227 1.1). */
	if (!in_ordinary(ar->ar_spa) && (ar->ar_spa != 0 ||
	    op != ARP_REQUEST))
		return DROP_ARP_BAD;
	if (in_special_nobody(ar->ar_spa))
		return DROP_ARP_BAD;
	return neigh_may_hear(ifp, DOM_SLOT_INET, net_curcpu()->ci_now) ?
	    DROP_NREASONS : DROP_ARP_LIMIT;
}

/* Handle a sound packet: learn, answer.  DROP_NREASONS: it was used, else the
 * reason for its drop. */
static enum drop_reason
arp_handle(struct ifnet *ifp, const struct arphdr *ar)
{
	struct ip_stats *ips = ip_stats(ifp->if_vnet);
	uint8_t own[ETHER_ADDR_LEN], proxy[ETHER_ADDR_LEN];
	union neigh_addr spa, tpa;
	bool request = be16(ar->ar_op) == ARP_REQUEST, ours, known = false;
	struct ifaddr *ifa;
	struct fwd fd;

	if (request)
		cpu_stat_add(&ips->arps_rxrequest, 1);
	else
		cpu_stat_add(&ips->arps_rxreply, 1);
	spa = neigh_addr4(ar->ar_spa);
	tpa = neigh_addr4(ar->ar_tpa);
	neigh_own_lladdr(ifp, own);
	if (memcmp(ar->ar_sha, own, ETHER_ADDR_LEN) == 0)
		return DROP_ARP_NOT_OURS;	/* sent by this host */
	ifa = ar->ar_spa != 0 ? arp_ours(ifp, ar->ar_spa) : NULL;
	if (ifa != NULL) {
		if (!arp_dad_conflict(ifa, ar->ar_sha))
			arp_conflict(ifp, ar->ar_spa, ar->ar_sha);
		return DROP_ARP_CONFLICT;
	}
	/* No host has a broadcast address or a network address. */
	if (ar->ar_spa != 0) {
		fd = rt_lookup4(rt_table_of(ifp), ar->ar_spa);
		if (fwd_is_broadcast(&fd) ||
		    in_is_network(rt_table_of(ifp), &fd, ar->ar_spa))
			return DROP_ARP_BAD;
	}
	ifa = arp_ours(ifp, ar->ar_tpa);
	/* Another host probes for the address that is being checked here (RFC
	 * 5227 2.1.1). */
	if (ifa != NULL && ar->ar_spa == 0 &&
	    arp_dad_conflict(ifa, ar->ar_sha))
		return DROP_ARP_CONFLICT;
	ours = ifa != NULL && in_ifa_usable(ifa);
	if (ar->ar_spa != 0)
		known = neigh_learn(ifp, DOM_SLOT_INET, &spa, ar->ar_sha,
		    request && ours && arp_is_onlink(ifp, ar->ar_spa),
		    !request && is_local(ifp, ar->ar_tpa));
	if (!request)
		return ours || known ? DROP_NREASONS : DROP_ARP_NOT_OURS;
	if (ours) {
		arp_send(ifp, ARP_REPLY, ar->ar_sha, NULL, ar->ar_tpa,
		    ar->ar_sha, ar->ar_spa);
		return DROP_NREASONS;
	}
	if (ar->ar_spa != ar->ar_tpa &&
	    neigh_is_published(ifp, DOM_SLOT_INET, &tpa, proxy)) {
		arp_send(ifp, ARP_REPLY, ar->ar_sha, proxy, ar->ar_tpa,
		    ar->ar_sha, ar->ar_spa);
		return DROP_NREASONS;
	}
	return known ? DROP_NREASONS : DROP_ARP_NOT_OURS;
}

void
arp_input_vec(struct ifnet *ifp, struct mvec *mv)
{
	enum drop_reason why;
	struct arphdr ar;
	struct mbuf *m;
	bool noarp = (if_flags_get(ifp) & IFF_NOARP) != 0;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		if (noarp)
			why = DROP_ARP_NOARP;
		else if (!m_copydata(m, 0, sizeof(ar), &ar))
			why = DROP_ARP_SHORT;
		else if ((why = arp_check(ifp, &ar)) == DROP_NREASONS)
			why = arp_handle(ifp, &ar);
		if (why != DROP_NREASONS) {
			m_drop(ifp, m, why);
			continue;
		}
		if_stat_add(ifp, IF_STAT_DELIVERED, 1);
		m_freem(m);
	}
	mv->mv_n = 0;
}

/* --- the row of the neighbour cache -------------------------------------- */

void
arp_resolve(struct ifnet *ifp, struct mbuf *m)
{
	union neigh_addr na = neigh_addr4(ip_next4(m->m_nh, mtoip(m)));

	neigh_resolve(ifp, DOM_SLOT_INET, &na, m);
}

static void
arp_tell(struct ifnet *rcvif, struct mbuf *m)
{

	icmp_error(rcvif, m, ICMP4_UNREACH, ICMP4_UNREACH_HOST, 0);
}

static void
arp_count(const struct vnet *vn, enum neigh_count what)
{
	static const size_t offset[] = {
		[NEIGH_N_TIMEOUT] = offsetof(struct ip_stats, arps_timeout),
		[NEIGH_N_LIMITED] = offsetof(struct ip_stats, arps_limited),
		[NEIGH_N_FULL] = offsetof(struct ip_stats, arps_full),
		[NEIGH_N_PUSHED_INCOMPLETE] =
		    offsetof(struct ip_stats, arps_pushed_incomplete),
		[NEIGH_N_PUSHED_UNUSED] =
		    offsetof(struct ip_stats, arps_pushed_unused),
		[NEIGH_N_PUSHED_IDLE] =
		    offsetof(struct ip_stats, arps_pushed_idle),
		[NEIGH_N_CHANGED] = offsetof(struct ip_stats, arps_changed),
		[NEIGH_N_REFUSED] = offsetof(struct ip_stats, arps_refused),
	};

	cpu_stat_add((uint64_t *)(void *)((char *)ip_stats(vn) +
	    offset[what]), 1);
}

static uint32_t
arp_source(const struct mbuf *m)
{

	return khash_u64(mtoip(m)->ip_src);
}

static bool
arp_onlink(const struct ifnet *ifp, const union neigh_addr *na)
{

	return arp_is_onlink(ifp, na->na_4);
}

static const char *
arp_text(const union neigh_addr *na, char buf[NEIGH_TEXT_SIZE])
{

	return arp_addr_text(na->na_4, buf);
}

static int
arp_get(const struct sockaddr *sa, union neigh_addr *na)
{
	const struct sockaddr_in *sin =
	    (const struct sockaddr_in *)(const void *)sa;

	if (sin == NULL || sin->sin_family != AF_INET ||
	    !in_ordinary(sin->sin_addr.s_addr))
		return kern_refuse(EINVAL, "not an address a host can have");
	*na = neigh_addr4(sin->sin_addr.s_addr);
	return 0;
}

/* The one whose prefix, in the main table, has the address. */
static struct ifnet *
arp_ifp(struct vnet *vn, const union neigh_addr *na)
{
	struct fwd fd = rt_lookup4(rt_main(vn), na->na_4);

	return fwd_is_onlink(&fd) ? fd.fd_nh->nh_ifp : NULL;
}

/* Not an address of this router, nor the first and last of a prefix, which are
 * the network's address and its broadcast address. */
static bool
arp_is_host(struct ifnet *ifp, const union neigh_addr *na)
{
	const struct rt_table *tb = rt_table_of(ifp);
	struct fwd fd = rt_lookup4(tb, na->na_4);

	return !fwd_is_local(&fd) && !fwd_is_broadcast(&fd) &&
	    !in_is_network(tb, &fd, na->na_4);
}

static uint64_t
arp_order(const struct neigh_table *nt, const union neigh_addr *na)
{

	(void)nt;
	return be32(na->na_4);
}

const struct neigh_proto arp_proto = {
	.np_family = AF_INET,
	.np_slot = DOM_SLOT_INET,
	.np_ethertype = ETHERTYPE_IP,
	.np_settings = "net.inet.arp",
	.np_counts = "net.inet.arp.count",
	.np_maxentries = "net.inet.arp.maxentries",
	.np_command = "arp",
	.np_share = DROP_ARP_SHARE,
	.np_queue = DROP_ARP_QUEUE,
	.np_unresolved = DROP_ARP_UNRESOLVED,
	.np_rate = DROP_ARP_RATE,
	.np_full = DROP_ARP_FULL,
	.np_pushed = DROP_ARP_PUSHED,
	.np_gone = DROP_ARP_GONE,
	.np_ask = arp_ask,
	.np_tell = arp_tell,
	.np_count = arp_count,
	.np_source = arp_source,
	.np_onlink = arp_onlink,
	.np_text = arp_text,
	.np_get = arp_get,
	.np_ifp = arp_ifp,
	.np_is_host = arp_is_host,
	.np_order = arp_order,
};

/* --- the vnet's part ----------------------------------------------------- */

static int
arp_init(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;
	struct arp_vnet *av;
	int error;

	av = kmem_zalloc(k, sizeof(*av));
	if (av == NULL)
		return ENOMEM;
	av->av_vnet = vn;
	arp_dad_init(av);
	vn->vn_arp = av;
	(void)neigh_attach(vn, &arp_proto);
	error = arp_sysctl_init(vn);
	if (error == 0)
		error = ether_register(vn, ETHERTYPE_ARP, arp_input_vec);
	if (error == 0)
		return 0;

	arp_dad_fini(av);
	vn->vn_arp = NULL;
	kmem_free(k, av);
	return error;
}

static void
arp_fini(struct vnet *vn)
{
	struct arp_vnet *av = vn->vn_arp;

	arp_dad_fini(av);
	vn->vn_arp = NULL;
	kmem_free(vn->vn_kern, av);
}

const struct vnet_subsys arp_subsys = {
	.vs_name = "arp",
	.vs_init = arp_init,
	.vs_fini = arp_fini,
};
