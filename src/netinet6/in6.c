/*
 * in6: IPv6 as a protocol family: the shape of its addresses, and the table
 * through which the interface layer calls it.
 */

#include <errno.h>
#include <stddef.h>

#include "kern/sysctl.h"
#include "net/if_addr_impl.h"
#include "net/if_vnet_impl.h"
#include "net/mcast.h"
#include "netinet6/in6_impl.h"
#include "netinet6/mld6.h"
#include "netinet6/nd6.h"
#include "netinet6/ip6_var.h"

/* --- addresses ----------------------------------------------------------- */

static union neigh_addr
inner(const struct sockaddr *sa)
{
	struct sockaddr_in6 sin6;
	union neigh_addr na;

	memcpy(&sin6, sa, sizeof(sin6));
	(void)zone6_from_sa(&sin6, &na);
	return na;
}

static bool
in6_sa_equal(const struct sockaddr *a, const struct sockaddr *b)
{
	union neigh_addr na, nb;

	if (a->sa_family != AF_INET6 || b->sa_family != AF_INET6)
		return false;
	na = inner(a);
	nb = inner(b);
	return neigh_addr_equal(&na, &nb);
}

static uint32_t
in6_sa_hash(const struct sockaddr *sa)
{
	const union neigh_addr na = inner(sa);

	return khash_u64(na.na_words[0] ^
	    na.na_words[1] * UINT64_C(0x9e3779b97f4a7c15));
}

static int
in6_sa_check(const struct sockaddr *sa)
{
	struct sockaddr_in6 sin6;
	union neigh_addr na;

	if (sa->sa_family != AF_INET6)
		return EINVAL;
	memcpy(&sin6, sa, sizeof(sin6));
	return zone6_from_sa(&sin6, &na) == 0 && in6_may_be_ours(&na) ? 0 :
	    EINVAL;
}

static bool
in6_sa_within(const struct sockaddr *a, const struct sockaddr *b,
    const struct sockaddr *mask)
{
	const union neigh_addr na = inner(a), nb = inner(b);
	struct sockaddr_in6 m;
	union neigh_addr nm;

	memcpy(&m, mask, sizeof(m));
	memcpy(&nm, &m.sin6_addr, sizeof(nm));
	return ((na.na_words[0] ^ nb.na_words[0]) & nm.na_words[0]) == 0 &&
	    ((na.na_words[1] ^ nb.na_words[1]) & nm.na_words[1]) == 0;
}

static void
in6_ifa_describe(const struct ifaddr *ifa, struct ifa_msg *ifam)
{
	const struct in6_ifaddr *ia = ifatoia6(ifa);

	ifam->ifam_flags = in6_ifa_flags(ifa);
	ifam->ifam_vltime = in6_seconds_left(ia->ia6_kern,
	    __atomic_load_n(&ia->ia6_expire_ns, __ATOMIC_RELAXED));
	ifam->ifam_pltime = in6_seconds_left(ia->ia6_kern,
	    __atomic_load_n(&ia->ia6_preferred_ns, __ATOMIC_RELAXED));
}

/* --- what happens to an address ------------------------------------------ */

static void
in6_ifa_ready(struct ifaddr *ifa)
{

	in6_timer_start(ifatoia6(ifa));
	nd6_announce(ifa);
}

static void
in6_ifa_stop(struct ifaddr *ifa)
{

	in6_timer_stop(ifatoia6(ifa));
	nd6_dad_stop(ifa);
	in6_ifa_leave(ifatoia6(ifa));
}

/* --- what happens to an interface ---------------------------------------- */

/* Call fn for each IPv6 address of an interface. */
static void
in6_each(struct ifnet *ifp, void (*fn)(struct ifaddr *))
{
	struct ifaddr *ifa;

	pserialize_read_enter();
	for (ifa = __atomic_load_n(&TAILQ_FIRST(&ifp->if_addrlist),
	    __ATOMIC_CONSUME); ifa != NULL; ifa = __atomic_load_n(
	    &TAILQ_NEXT(ifa, ifa_list), __ATOMIC_CONSUME))
		if (ifa->ifa_addr->sa_family == AF_INET6)
			fn(ifa);
	pserialize_read_exit();
}

static void
in6_if_up(struct ifnet *ifp)
{

	nd6_ifstale(ifp);
	mcast_if_up(ifp, DOM_SLOT_INET6);
	in6_each(ifp, nd6_announce);
}

static void
in6_if_down(struct ifnet *ifp)
{

	mcast_if_down(ifp, DOM_SLOT_INET6);
	in6_each(ifp, nd6_dad_unready);
}

static void
in6_if_link_state(struct ifnet *ifp, int state)
{

	if (state == LINK_STATE_DOWN)
		in6_if_down(ifp);
	else	/* The stations on the link may be others than before. */
		in6_if_up(ifp);
}

static void
in6_lladdr_changed(struct ifnet *ifp)
{

	nd6_ifrehead(ifp);
	in6_each(ifp, nd6_announce);
}

/* RFC 2464 7: 33:33 and the last four bytes of the group. */
static void
in6_group_lladdr(const uint8_t *dst, uint8_t lladdr[ETHER_ADDR_LEN])
{

	lladdr[0] = lladdr[1] = 0x33;
	memcpy(lladdr + 2, dst + 12, 4);
}

const struct domain inet6_domain = {
	.dom_family = AF_INET6,
	.dom_slot = DOM_SLOT_INET6,
	.dom_name = "inet6",
	.dom_salen = sizeof(struct sockaddr_in6),
	.dom_addr_offset = offsetof(struct in6_ifaddr, ia6_addr),
	.dom_ifdetach = nd6_ifdetach,
	.dom_if_up = in6_if_up,
	.dom_if_down = in6_if_down,
	.dom_if_link_state = in6_if_link_state,
	.dom_lladdr_changed = in6_lladdr_changed,
	.dom_purgeif = in6_purgeif,
	.dom_ioctl = in6_ioctl,
	.dom_sweep = ip6_sweep,
	.dom_input = ip6_input_vec,
	.dom_resolve = nd6_resolve,
	.dom_oqueued = nd6_oqueued,
	.dom_neigh_request = nd6_request,
	.dom_neigh_dump = nd6_dump,
	.dom_neigh_sweep = nd6_ifsweep,
	.dom_dst_offset = 24,	/* RFC 8200 3 */
	.dom_dst_len = 16,
	.dom_group_lladdr = in6_group_lladdr,
	.dom_mcast_report = mld6_report,
	.dom_ifa_ready = in6_ifa_ready,
	.dom_ifa_stop = in6_ifa_stop,
	.dom_ifa_describe = in6_ifa_describe,
	.dom_alias_give = SIOCAIFADDR_IN6,
	.dom_alias_get = SIOCGIFALIAS_IN6,
	.dom_sa_equal = in6_sa_equal,
	.dom_sa_hash = in6_sa_hash,
	.dom_sa_check = in6_sa_check,
	.dom_sa_within = in6_sa_within,
};

/* --- the vnet's part ----------------------------------------------------- */

static int
in6_sysctl_init(struct vnet *vn)
{
	static const struct sysctl_tree trees[] = {
		{ "net.inet6", "IPv6" },
		{ "net.inet6.ip6", "packets and addresses, RFC 8200, 4291" },
	};
	const struct sysctl_node node = {
		.sn_name = "net.inet6.ip6.auto_linklocal",
		.sn_descr = "Give an interface a link-local address with its "
		    "first IPv6 address",
		.sn_writable = true, .sn_int = &vn->vn_in6->i6_auto_linklocal,
		.sn_max = 1,
	};
	int error;

	error = sysctl_add(vn, &node);
	return error != 0 ? error : sysctl_add_trees(vn, trees,
	    sizeof(trees) / sizeof(trees[0]));
}

static int
inet6_init(struct vnet *vn)
{
	struct in6_vnet *i6;
	int error;

	i6 = kmem_zalloc(vn->vn_kern, sizeof(*i6));
	if (i6 == NULL)
		return ENOMEM;
	i6->i6_vnet = vn;
	i6->i6_auto_linklocal = 1;
	vn->vn_in6 = i6;
	error = ip6_init(vn);
	if (error != 0)
		goto fail;
	error = in6_sysctl_init(vn);
	if (error == 0)
		error = in6_ifid_init(i6);
	if (error == 0)
		error = ether_register(vn, ETHERTYPE_IPV6, ip6_input_vec);
	if (error != 0)
		goto fail_ip6;
	domain_attach(vn, &inet6_domain);
	return 0;

fail_ip6:
	ip6_fini(vn);
fail:
	vn->vn_in6 = NULL;
	kmem_free(vn->vn_kern, i6);
	return error;
}

static void
inet6_fini(struct vnet *vn)
{
	struct in6_vnet *i6 = vn->vn_in6;

	ip6_fini(vn);
	in6_expire_fini(i6);
	vn->vn_in6 = NULL;
	kmem_free(vn->vn_kern, i6);
}

const struct vnet_subsys inet6_subsys = {
	.vs_name = "inet6",
	.vs_init = inet6_init,
	.vs_fini = inet6_fini,
};
