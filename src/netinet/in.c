/*
 * in: IPv4 as a protocol family: the shape of its addresses, its part of every
 * interface, and the table through which the interface layer calls it.
 */

#include <errno.h>
#include <stddef.h>

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

static int
in_ifattach(struct ifnet *ifp)
{
	struct in_ifdata *id;

	id = kmem_zalloc(if_kern(ifp), sizeof(*id));
	if (id == NULL)
		return ENOMEM;
	id->id_kern = if_kern(ifp);
	LIST_INIT(&id->id_entries);
	__atomic_store_n(&ifp->if_afdata[DOM_SLOT_INET], id,
	    __ATOMIC_RELEASE);
	return 0;
}

static void
in_ifdata_free(struct kern_defer *kd)
{
	struct in_ifdata *id = (struct in_ifdata *)(void *)((char *)kd -
	    offsetof(struct in_ifdata, id_defer));

	kmem_free(id->id_kern, id);
}

static void
in_ifdetach(struct ifnet *ifp)
{
	struct in_ifdata *id = in_ifdata(ifp);

	if (id == NULL)
		return;
	arp_ifpurge(ifp);
	__atomic_store_n(&ifp->if_afdata[DOM_SLOT_INET], NULL,
	    __ATOMIC_RELEASE);
	kern_defer(id->id_kern, &id->id_defer, in_ifdata_free);
}

/* The interface is ready: its addresses are told to the neighbours. */
static void
in_announce_all(struct ifnet *ifp)
{
	struct ifaddr *ifa;

	if (!arp_ifusable(ifp))
		return;
	pserialize_read_enter();
	for (ifa = __atomic_load_n(&TAILQ_FIRST(&ifp->if_addrlist),
	    __ATOMIC_CONSUME); ifa != NULL; ifa = __atomic_load_n(
	    &TAILQ_NEXT(ifa, ifa_list), __ATOMIC_CONSUME)) {
		if (ifa->ifa_addr->sa_family != AF_INET)
			continue;
		(void)__atomic_fetch_and(&ifa->ifa_flags, ~(uint32_t)
		    IFA_TENTATIVE, __ATOMIC_RELAXED);
		arp_announce(ifa);
	}
	pserialize_read_exit();
}

static void
in_if_up(struct ifnet *ifp)
{

	arp_ifstale(ifp);
	in_announce_all(ifp);
}

static void
in_if_link_state(struct ifnet *ifp, int state)
{

	if (state == LINK_STATE_DOWN)
		return;
	/* Whoever is on the wire now may be others than before. */
	arp_ifstale(ifp);
	in_announce_all(ifp);
}

static void
in_lladdr_changed(struct ifnet *ifp)
{

	arp_ifrehead(ifp);
	in_announce_all(ifp);
}

static void
in_sweep(struct ifnet *ifp)
{

	ip_local_sweep(ifp);
	ip_reass_sweep(ifp);
}

static uint64_t
in_iqueued(struct ifnet *ifp)
{
	const struct in_ifdata *id = in_ifdata(ifp);

	return id == NULL ? 0 : __atomic_load_n(&id->id_iqueued,
	    __ATOMIC_RELAXED);
}

static uint64_t
in_oqueued(struct ifnet *ifp)
{
	const struct in_ifdata *id = in_ifdata(ifp);

	return id == NULL ? 0 : __atomic_load_n(&id->id_oqueued,
	    __ATOMIC_RELAXED);
}

static int
in_neigh_request(struct vnet *vn, const void *rtm,
    const struct sockaddr *const *sa, void *answer, size_t *answerlen)
{

	return arp_request(vn, rtm, sa, answer, answerlen);
}

uint32_t
in_ifsource(struct ifnet *ifp, uint32_t dst)
{
	struct sockaddr_in sin;
	struct ifaddr *ifa;

	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = dst;
	ifa = ifaof_ifpforaddr((const struct sockaddr *)&sin, ifp);
	if (ifa == NULL || ifa->ifa_addr->sa_family != AF_INET)
		return 0;
	return sin_addr(ifa->ifa_addr);
}

const struct domain inet_domain = {
	.dom_family = AF_INET,
	.dom_slot = DOM_SLOT_INET,
	.dom_name = "inet",
	.dom_salen = sizeof(struct sockaddr_in),
	.dom_ifattach = in_ifattach,
	.dom_ifdetach = in_ifdetach,
	.dom_if_up = in_if_up,
	.dom_if_link_state = in_if_link_state,
	.dom_lladdr_changed = in_lladdr_changed,
	.dom_purgeif = in_purgeif,
	.dom_ioctl = in_ioctl,
	.dom_sweep = in_sweep,
	.dom_resolve = arp_resolve,
	.dom_input = ip_input_vec,
	.dom_iqueued = in_iqueued,
	.dom_oqueued = in_oqueued,
	.dom_neigh_request = in_neigh_request,
	.dom_neigh_dump = arp_dump,
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
	iv->iv_ttl = 64;
	iv->iv_icmp_errppslim = 100;
	iv->iv_ifq_maxlen = 1024;
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
	ip_local_fini(vn);
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

	ip_local_fini(vn);
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
