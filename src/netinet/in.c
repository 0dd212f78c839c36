/*
 * in: IPv4 as a protocol family: the shape of its addresses, its part of every
 * interface, and the table through which the interface layer calls it.
 */

#include <errno.h>
#include <stddef.h>

#include "net/if_addr_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/mcast.h"
#include "netinet/arp_var.h"

/* --- addresses ----------------------------------------------------------- */

static inline uint32_t
sin_addr(const struct sockaddr *sa)
{

	return ((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr;
}

static bool
in_sa_equal(const struct sockaddr *a, const struct sockaddr *b)
{

	return a->sa_family == AF_INET && b->sa_family == AF_INET &&
	    sin_addr(a) == sin_addr(b);
}

static uint32_t
in_sa_hash(const struct sockaddr *sa)
{

	return khash_u64(sin_addr(sa));
}

static int
in_sa_check(const struct sockaddr *sa)
{
	uint32_t addr = sin_addr(sa);

	if (sa->sa_family != AF_INET)
		return EINVAL;
	return in_ordinary(addr) || in_is_loopback(addr) ? 0 : EINVAL;
}

static bool
in_sa_within(const struct sockaddr *a, const struct sockaddr *b,
    const struct sockaddr *mask)
{

	return ((sin_addr(a) ^ sin_addr(b)) & sin_addr(mask)) == 0;
}

/* --- interfaces ---------------------------------------------------------- */

static void
in_ifdetach(struct ifnet *ifp)
{

	neigh_ifdetach(ifp, DOM_SLOT_INET);
}

/* Call fn for each IPv4 address of an interface. */
static void
in_each(struct ifnet *ifp, void (*fn)(struct ifaddr *))
{
	struct ifaddr *ifa;

	pserialize_read_enter();
	for (ifa = __atomic_load_n(&TAILQ_FIRST(&ifp->if_addrlist),
	    __ATOMIC_CONSUME); ifa != NULL; ifa = __atomic_load_n(
	    &TAILQ_NEXT(ifa, ifa_list), __ATOMIC_CONSUME))
		if (ifa->ifa_addr->sa_family == AF_INET)
			fn(ifa);
	pserialize_read_exit();
}

static void
in_if_up(struct ifnet *ifp)
{

	neigh_ifstale(ifp, DOM_SLOT_INET);
	mcast_if_up(ifp, DOM_SLOT_INET);
	in_each(ifp, arp_announce);
}

static void
in_if_down(struct ifnet *ifp)
{

	mcast_if_down(ifp, DOM_SLOT_INET);
	in_each(ifp, arp_dad_unready);
}

static void
in_if_link_state(struct ifnet *ifp, int state)
{

	if (state == LINK_STATE_DOWN)
		in_if_down(ifp);
	else	/* The stations on the link may be others than before. */
		in_if_up(ifp);
}

static void
in_lladdr_changed(struct ifnet *ifp)
{

	neigh_ifrehead(ifp, DOM_SLOT_INET);
	in_each(ifp, arp_announce);
}

static void
in_sweep(struct ifnet *ifp)
{

	ip_ifq_sweep(&ifp->if_vnet->vn_ip->iv_ifq, ifp);
	ip_reass_sweep(ifp);
}

static uint64_t
in_iqueued(struct ifnet *ifp)
{
	uint64_t n = 0;

	if (ifp->if_counters == NULL)
		return 0;
	for (unsigned c = 0; c < if_kern(ifp)->k_ncpu; c++)
		n += __atomic_load_n(&if_ctr(ifp, c)->ic_iqueued,
		    __ATOMIC_RELAXED);
	/* A packet's leaving may be counted on one CPU before its arrival on
	 * another is seen. */
	return (int64_t)n < 0 ? 0 : n;
}

static uint64_t
in_oqueued(struct ifnet *ifp)
{

	return neigh_oqueued(ifp, DOM_SLOT_INET);
}

static int
in_neigh_request(struct vnet *vn, const void *rtm,
    const struct sockaddr *const *sa, void *answer, size_t *answerlen)
{

	return neigh_request(vn, DOM_SLOT_INET, rtm, sa, answer, answerlen);
}

static int
in_neigh_dump(struct ifnet *ifp, uint64_t *place,
    int (*fn)(const void *, void *), void *arg)
{

	return neigh_dump(ifp, DOM_SLOT_INET, place, fn, arg);
}

static void
in_neigh_sweep(struct ifnet *ifp)
{

	neigh_ifsweep(ifp, DOM_SLOT_INET);
}

/* --- source addresses ---------------------------------------------------- */

bool
in_ifhasaddr(struct ifnet *ifp)
{
	struct ifaddr *ifa;

	for (ifa = __atomic_load_n(&TAILQ_FIRST(&ifp->if_addrlist),
	    __ATOMIC_CONSUME); ifa != NULL; ifa = __atomic_load_n(
	    &TAILQ_NEXT(ifa, ifa_list), __ATOMIC_CONSUME))
		if (ifa->ifa_addr->sa_family == AF_INET)
			return true;
	return false;
}

/* Is the address on the prefix that has dst? */
static bool
in_leads_to(const struct ifaddr *ifa, uint32_t dst)
{

	return ((sin_addr(ifa->ifa_addr) ^ dst) & in_mask(((const struct
	    in_ifaddr *)(const void *)ifa)->ia_len)) == 0 ||
	    (ifa->ifa_dstaddr != NULL && sin_addr(ifa->ifa_dstaddr) == dst);
}

static int32_t
in_preference(const struct ifaddr *ifa)
{

	return __atomic_load_n(&ifa->ifa_preference, __ATOMIC_RELAXED);
}

/* Is a link-local address not for a destination, because that is on no single
 * link (RFC 3927 2.6.1)? */
static bool
in_stays_on_link(const struct ifaddr *ifa, uint32_t dst)
{

	return in_is_linklocal(sin_addr(ifa->ifa_addr)) &&
	    !in_is_linklocal(dst);
}

/* Has any address of this vnet ever been given a preference? */
static bool
in_preferred(const struct ifnet *ifp)
{

	return __atomic_load_n(&ifp->if_vnet->vn_if->ifv_preferred,
	    __ATOMIC_RELAXED);
}

/* Is address a better than b, which precedes it in the list? */
static bool
in_better(const struct ifaddr *a, const struct ifaddr *b, uint32_t dst)
{
	bool la = in_leads_to(a, dst), lb = in_leads_to(b, dst);

	if (la != lb)
		return la;
	if (in_stays_on_link(a, dst) != in_stays_on_link(b, dst))
		return !in_stays_on_link(a, dst);
	if (in_preference(a) != in_preference(b))
		return in_preference(a) > in_preference(b);
	/* The first address whose prefix has dst is best, else the last of
	 * all. */
	return !la;
}

static bool
in_ifa_travels(const struct ifaddr *ifa)
{

	return in_ifa_usable(ifa) && !in_is_linklocal(sin_addr(ifa->ifa_addr));
}

/* The best usable address of an interface without preferred ones, by lookup. */
static const struct ifaddr *
in_source_found(struct ifnet *ifp, uint32_t dst)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = dst,
	};
	const struct sockaddr *sa = (const struct sockaddr *)&sin;
	const struct ifaddr *ifa;

	ifa = ifa_ifp_leading(ifp, sa, in_is_linklocal(dst) ? in_ifa_usable :
	    in_ifa_travels);
	return ifa != NULL || in_is_linklocal(dst) ? ifa :
	    ifa_ifp_leading(ifp, sa, in_ifa_usable);
}

/*
 * The best usable address of an interface for dst; NULL: none.  An address
 * whose prefix has dst comes first, then one that is not link-local (unless dst
 * is), then the highest preference.  `own' is kept unless another address is
 * preferred and is on dst's prefix if `own' is.
 */
static const struct ifaddr *
in_source(struct ifnet *ifp, const struct ifaddr *own, uint32_t dst)
{
	const struct ifaddr *best = NULL;
	const struct ifaddr *ifa;

	if (if_is_deactivated(ifp))
		return own;
	if (!in_preferred(ifp))
		return own != NULL ? own : in_source_found(ifp, dst);
	for (ifa = __atomic_load_n(&TAILQ_FIRST(&ifp->if_addrlist),
	    __ATOMIC_CONSUME); ifa != NULL; ifa = __atomic_load_n(
	    &TAILQ_NEXT(ifa, ifa_list), __ATOMIC_CONSUME)) {
		if (ifa->ifa_addr->sa_family != AF_INET || !in_ifa_usable(ifa))
			continue;
		if (own != NULL && (in_preference(ifa) <= in_preference(own) ||
		    (in_leads_to(own, dst) && !in_leads_to(ifa, dst))))
			continue;
		if (best == NULL || in_better(ifa, best, dst))
			best = ifa;
	}
	return best != NULL ? best : own;
}

uint32_t
in_ifsource(struct ifnet *ifp, uint32_t dst)
{
	const struct ifaddr *ifa = in_source(ifp, NULL, dst);

	return ifa == NULL ? 0 : sin_addr(ifa->ifa_addr);
}

static int
in_usable_rank(const struct ifaddr *ifa, void *arg)
{

	return sin_addr(ifa->ifa_addr) == *(const uint32_t *)arg &&
	    in_ifa_usable(ifa);
}

bool
in_local_usable(const struct fwd *fd, uint32_t addr)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = addr,
	};

	if (in_ifa_usable(fd->fd_nh->nh_ifa))
		return true;
	return ifa_best(rt_table_of(fd->fd_nh->nh_ifp),
	    (const struct sockaddr *)&sin, PREFIX_BITS4,
	    in_usable_rank, &addr) != NULL;
}

/* May the address be the source of packets on behalf of the router as a
 * whole? */
static bool
in_names_router(const struct ifaddr *ifa, const void *tb)
{

	return ifa->ifa_addr->sa_family == AF_INET && in_ifa_travels(ifa) &&
	    in_ordinary(sin_addr(ifa->ifa_addr)) &&
	    rt_table_of(ifa->ifa_ifp) == tb;
}

static const struct ifaddr *
in_find_router_id(const struct rt_table *tb)
{
	const struct ifaddr *ifa = NULL;
	struct ifnet *lo = ifunit(tb->tb_vnet, "lo0");

	if (lo != NULL)
		ifa = __atomic_load_n(&TAILQ_FIRST(&lo->if_addrlist),
		    __ATOMIC_CONSUME);
	for (; ifa != NULL; ifa = __atomic_load_n(&TAILQ_NEXT(ifa, ifa_list),
	    __ATOMIC_CONSUME))
		if (in_names_router(ifa, tb))
			return ifa;
	return ifa_find_af(tb->tb_vnet, AF_INET, in_names_router, tb);
}

uint32_t
in_router_id(struct rt_table *tb)
{
	uint32_t *cached = &tb->tb_router_id;
	uint32_t addr = __atomic_load_n(cached, __ATOMIC_RELAXED);
	const struct ifaddr *ifa;
	struct fwd fd;

	if (addr != 0) {
		fd = rt_lookup4(tb, addr);
		if (fwd_is_local(&fd) && in_names_router(fd.fd_nh->nh_ifa, tb))
			return addr;
	}
	ifa = in_find_router_id(tb);
	addr = ifa == NULL ? 0 : sin_addr(ifa->ifa_addr);
	__atomic_store_n(cached, addr, __ATOMIC_RELAXED);
	return addr;
}

uint32_t
in_ownsource(struct ifnet *ifp, uint32_t dst)
{
	uint32_t src = in_ifsource(ifp, dst), id = 0;

	if (src == 0 || (in_is_linklocal(src) && !in_is_linklocal(dst)))
		id = in_router_id(rt_table_of(ifp));
	return id != 0 ? id : src;
}

uint32_t
in_nhsource(const struct nexthop *nh, uint32_t dst)
{
	const struct ifaddr *own = nh->nh_ifa;

	if (own == NULL || own->ifa_addr->sa_family != AF_INET ||
	    !in_ifa_usable(own) || in_stays_on_link(own, dst))
		return in_ifsource(nh->nh_ifp, dst);
	if (!in_preferred(nh->nh_ifp))
		return sin_addr(own->ifa_addr);
	return sin_addr(in_source(own->ifa_ifp, own, dst)->ifa_addr);
}

/* RFC 1112 6.4: 01:00:5e and the low 23 bits of the group. */
static void
in_group_lladdr(const uint8_t *dst, uint8_t lladdr[ETHER_ADDR_LEN])
{

	lladdr[0] = 0x01;
	lladdr[1] = 0x00;
	lladdr[2] = 0x5e;
	lladdr[3] = dst[1] & 0x7f;
	lladdr[4] = dst[2];
	lladdr[5] = dst[3];
}

static void
in_ifa_describe(const struct ifaddr *ifa, struct ifa_msg *ifam)
{
	uint16_t flags = __atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED);

	if ((flags & IFA_TENTATIVE) != 0)
		ifam->ifam_flags |= IN_IFF_TENTATIVE;
	if ((flags & IFA_DUPLICATED) != 0)
		ifam->ifam_flags |= IN_IFF_DUPLICATED;
}

const struct domain inet_domain = {
	.dom_family = AF_INET,
	.dom_slot = DOM_SLOT_INET,
	.dom_name = "inet",
	.dom_salen = sizeof(struct sockaddr_in),
	.dom_addr_offset = offsetof(struct in_ifaddr, ia_addr),
	.dom_ifdetach = in_ifdetach,
	.dom_if_up = in_if_up,
	.dom_if_down = in_if_down,
	.dom_if_link_state = in_if_link_state,
	.dom_lladdr_changed = in_lladdr_changed,
	.dom_purgeif = in_purgeif,
	.dom_ioctl = in_ioctl,
	.dom_sweep = in_sweep,
	.dom_resolve = arp_resolve,
	.dom_dst_offset = offsetof(struct iphdr4, ip_dst),
	.dom_dst_len = sizeof(uint32_t),
	.dom_group_lladdr = in_group_lladdr,
	.dom_mcast_report = igmp_report,
	.dom_input = ip_input_vec,
	.dom_iqueued = in_iqueued,
	.dom_oqueued = in_oqueued,
	.dom_rtmark = in_special_route,
	.dom_ifa_ready = arp_announce,
	.dom_ifa_describe = in_ifa_describe,
	.dom_alias_give = SIOCAIFADDR,
	.dom_alias_get = SIOCGIFALIAS,
	.dom_ifa_stop = arp_announce_stop,
	.dom_ifa_prefix = in_ifa_prefix,
	.dom_neigh_sweep = in_neigh_sweep,
	.dom_neigh_request = in_neigh_request,
	.dom_neigh_dump = in_neigh_dump,
	.dom_sa_equal = in_sa_equal,
	.dom_sa_hash = in_sa_hash,
	.dom_sa_check = in_sa_check,
	.dom_sa_within = in_sa_within,
};

/* --- the vnet's part ----------------------------------------------------- */

static void
inet_defaults(struct ip_vnet *iv)
{

	iv->iv_redirect = 1;
	iv->iv_rediraccept = 1;
	iv->iv_redirtimeout = 600;
	iv->iv_redirmax = 1024;
	iv->iv_ttl = 64;
	iv->iv_mtudisc = 1;
	iv->iv_icmp_errppslim = 100;
	iv->iv_maxfragpackets = 200;
	iv->iv_maxfrags = 2048;
}

static int
inet_init(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;
	struct ip_vnet *iv;
	int error;

	iv = kmem_zalloc(k, sizeof(*iv));
	if (iv == NULL)
		return ENOMEM;
	inet_defaults(iv);
	pmtu_init(vn, &iv->iv_pmtu, AF_INET);
	vn->vn_ip = iv;
	iv->iv_stats = host_alloc(k->k_host,
	    kern_ncpu(k) * sizeof(*iv->iv_stats), 64);
	if (iv->iv_stats == NULL) {
		error = ENOMEM;
		goto fail_stats;
	}
	error = ip_reass_init(vn);
	if (error != 0)
		goto fail_reass;
	error = icmp_init(vn);
	if (error != 0)
		goto fail_icmp;
	error = ip_local_init(vn);
	if (error != 0)
		goto fail_local;
	error = ip_sysctl_init(vn);
	if (error != 0)
		goto fail_sysctl;
	error = ether_register(vn, ETHERTYPE_IP, ip_input_vec);
	if (error != 0)
		goto fail_sysctl;
	domain_attach(vn, &inet_domain);
	return 0;

fail_sysctl:
	ip_ifq_fini(&iv->iv_ifq);
fail_local:
	icmp_fini(vn);
fail_icmp:
	ip_reass_fini(vn);
fail_reass:
	host_free(k->k_host, iv->iv_stats);
fail_stats:
	vn->vn_ip = NULL;
	kmem_free(k, iv);
	return error;
}

static void
inet_fini(struct vnet *vn)
{
	struct ip_vnet *iv = vn->vn_ip;

	ip_ifq_fini(&iv->iv_ifq);
	pmtu_fini(&iv->iv_pmtu);
	icmp_fini(vn);
	ip_reass_fini(vn);
	host_free(vn->vn_kern->k_host, iv->iv_stats);
	vn->vn_ip = NULL;
	kmem_free(vn->vn_kern, iv);
}

const struct vnet_subsys inet_subsys = {
	.vs_name = "inet",
	.vs_init = inet_init,
	.vs_fini = inet_fini,
};
