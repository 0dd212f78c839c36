/*
 * in6_control: requests that add, change and delete IPv6 addresses of
 * interfaces.
 *
 * What is the same for every family, the routes among it, is in
 * net/if_addr_give.h.  An interface begins to speak IPv6 with its first
 * address: a link-local one comes along with it (RFC 4291 2.1), whose
 * identifier in6_ifid() makes, unless net.inet6.ip6.auto_linklocal is 0.
 *
 * All of it runs with the interface's ioctl lock.
 */

#include <errno.h>

#include <arpa/inet.h>

#include "net/if_addr_give.h"
#include "net/if_addr_impl.h"
#include "net/if_history_impl.h"
#include "net/if_vnet_impl.h"
#include "net/mcast.h"
#include "net/rtsock.h"
#include "netinet6/in6_impl.h"
#include "netinet6/nd6.h"

/* Flags that a request may set. */
#define IN6_IFF_ASKED	(IN6_IFF_ANYCAST | IN6_IFF_NODAD |	\
	    IN6_IFF_DEPRECATED | IN6_IFF_AUTOCONF | IN6_IFF_TEMPORARY)

/* An address request that was checked. */
struct in6_req {
	union neigh_addr ir_addr;	/* inner */
	union neigh_addr ir_dst;	/* far end, inner; 0: none */
	unsigned	 ir_len;
	uint32_t	 ir_flags;
	uint32_t	 ir_vltime, ir_pltime;
};

static struct in6_ifaddr *
in6_first(struct ifnet *ifp)
{
	struct ifaddr *ifa;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		if (ifa->ifa_addr->sa_family == AF_INET6)
			return ifatoia6(ifa);
	return NULL;
}

static struct in6_ifaddr *
in6_find(struct ifnet *ifp, const union neigh_addr *addr)
{
	struct ifaddr *ifa;

	/* Good until the ioctl lock is left: it goes with that alone. */
	pserialize_read_enter();
	ifa = in6_ifp_find(ifp, addr);
	pserialize_read_exit();
	return ifa == NULL ? NULL : ifatoia6(ifa);
}

static union neigh_addr
ia6_inner(const struct sockaddr_in6 *sin6)
{
	union neigh_addr na = { .na_words = { 0 } };

	if (sin6->sin6_family == AF_INET6)
		(void)zone6_from_sa(sin6, &na);
	return na;
}

/* --- lifetimes ----------------------------------------------------------- */

static uint64_t
time_from_now(struct kern *k, uint32_t s)
{

	return s == ND6_INFINITE_LIFETIME ? 0 :
	    kern_now(k) + (uint64_t)s * 1000000000;
}

uint32_t
in6_seconds_left(struct kern *k, uint64_t ns)
{
	uint64_t now = kern_now(k);

	if (ns == 0)
		return ND6_INFINITE_LIFETIME;
	return ns <= now ? 0 : (uint32_t)((ns - now + 999999999) / 1000000000);
}

/* --- addresses ----------------------------------------------------------- */

static void
in6_ifa_free(struct ifaddr *ifa)
{

	kmem_free(ifatoia6(ifa)->ia6_kern, ifatoia6(ifa)->ia6_timer);
	kslab_free(ifatoia6(ifa)->ia6_kern, ifa, sizeof(struct in6_ifaddr));
}

/* ENOMEM: nothing is changed. */
static int
set_times(struct in6_ifaddr *ia, const struct in6_req *ir)
{
	struct kern *k = ia->ia6_kern;

	if (ir->ir_pltime != ND6_INFINITE_LIFETIME && in6_timer_make(ia) != 0)
		return ENOMEM;
	__atomic_store_n(&ia->ia6_preferred_ns, time_from_now(k,
	    ir->ir_pltime), __ATOMIC_RELAXED);
	__atomic_store_n(&ia->ia6_expire_ns, time_from_now(k, ir->ir_vltime),
	    __ATOMIC_RELAXED);
	__atomic_store_n(&ia->ia6_flags, ir->ir_flags, __ATOMIC_RELAXED);
	return 0;
}

static struct in6_ifaddr *
in6_ifa_alloc(struct ifnet *ifp, const struct in6_req *ir)
{
	struct prefix mask = { UINT64_MAX, UINT64_MAX, 0, AF_INET6 };
	struct in6_ifaddr *ia;

	ia = kslab_alloc(if_kern(ifp), sizeof(*ia));
	if (ia == NULL)
		return NULL;
	ia->ia6_kern = if_kern(ifp);
	zone6_to_sa(&ir->ir_addr, &ia->ia6_addr);
	prefix_cut(&mask, ir->ir_len);
	ia->ia6_mask.sin6_family = AF_INET6;
	prefix_addr6(&mask, &ia->ia6_mask.sin6_addr);
	ia->ia6_ifa.ifa_ifp = ifp;
	ia->ia6_ifa.ifa_addr = (struct sockaddr *)&ia->ia6_addr;
	ia->ia6_ifa.ifa_netmask = (struct sockaddr *)&ia->ia6_mask;
	if (neigh_addr_is_set(&ir->ir_dst)) {
		zone6_to_sa(&ir->ir_dst, &ia->ia6_dst);
		ia->ia6_ifa.ifa_dstaddr = (struct sockaddr *)&ia->ia6_dst;
	}
	ia->ia6_ifa.ifa_free = in6_ifa_free;
	ia->ia6_ifa.ifa_refcnt = 1;	/* the caller's */
	if (set_times(ia, ir) != 0) {
		kslab_free(ia->ia6_kern, ia, sizeof(*ia));
		return NULL;
	}
	if ((ir->ir_flags & (IN6_IFF_NODAD | IN6_IFF_ANYCAST)) == 0 &&
	    nd6_dad_wanted(ifp))
		ia->ia6_ifa.ifa_flags = IFA_TENTATIVE;
	return ia;
}

/* The solicited-node group of an address, inner. */
static union neigh_addr
ia6_group(const struct in6_ifaddr *ia)
{
	union neigh_addr na, group;

	(void)zone6_from_sa(&ia->ia6_addr, &na);
	in6_solicited_group(ia->ia6_ifa.ifa_ifp->if_index, &na, &group);
	return group;
}

void
in6_ifa_leave(struct in6_ifaddr *ia)
{
	union neigh_addr group;

	if (!ia->ia6_joined)
		return;
	ia->ia6_joined = false;
	group = ia6_group(ia);
	mcast_leave_own(ia->ia6_ifa.ifa_ifp, DOM_SLOT_INET6, &group);
}

/*
 * An address's solicited-node group is joined before the address can be found,
 * and told of before its first probe (RFC 4862 5.4.2, dad_tell()): bridges that
 * look at MLD pass an answer on to members alone.  Loopback interfaces have no
 * neighbours who ask.
 */
static int
in6_ifa_join(struct in6_ifaddr *ia)
{
	struct ifnet *ifp = ia->ia6_ifa.ifa_ifp;
	union neigh_addr group = ia6_group(ia);
	int error;

	if ((if_flags_get(ifp) & IFF_LOOPBACK) != 0)
		return 0;
	error = mcast_join_own(ifp, DOM_SLOT_INET6, &group);
	ia->ia6_joined = error == 0;
	return error;
}

/* Give an interface an address, in place of `old' if that is not NULL.  On an
 * error nothing is changed. */
static int
in6_ifa_add(struct ifnet *ifp, const struct in6_req *ir, struct in6_ifaddr *old)
{
	struct in6_ifaddr *ia;
	int error;

	ia = in6_ifa_alloc(ifp, ir);
	if (ia == NULL)
		return ENOMEM;
	error = in6_ifa_join(ia);
	if (error != 0) {
		ifa_unref(&ia->ia6_ifa);
		return error;
	}
	/* An unchanged address keeps its state. */
	if (old != NULL)
		ia->ia6_ifa.ifa_flags = __atomic_load_n(
		    &old->ia6_ifa.ifa_flags, __ATOMIC_RELAXED) &
		    (IFA_TENTATIVE | IFA_DUPLICATED);
	ifa_ref(&ia->ia6_ifa);
	error = ifa_give(ifp, &ia->ia6_ifa, old == NULL ? NULL :
	    &old->ia6_ifa);
	if (error != 0)
		in6_ifa_leave(ia);
	ifa_unref(&ia->ia6_ifa);
	return error;
}

static void
in6_purge_one(struct ifaddr *ifa)
{

	ifa_take(ifa->ifa_ifp, ifa);
}

void
in6_purgeif(struct ifnet *ifp)
{

	if_purgeaddrs(ifp, AF_INET6, in6_purge_one);
}

/* --- the link-local one -------------------------------------------------- */

static bool
has_linklocal(const struct ifnet *ifp)
{
	const struct ifaddr *ifa;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		if (ifa->ifa_addr->sa_family == AF_INET6 &&
		    zone6_is_linklocal(ifatoia6(ifa)->ia6_addr.sin6_addr.
		    s6_addr))
			return true;
	return false;
}

/* 0 as well when the interface needs none; *given: it was given one. */
static int
give_linklocal(struct ifnet *ifp, union neigh_addr *given)
{
	struct in6_req ir = {
		.ir_addr.na_bytes = { 0xfe, 0x80 }, .ir_len = 64,
		.ir_vltime = ND6_INFINITE_LIFETIME,
		.ir_pltime = ND6_INFINITE_LIFETIME,
	};

	if (ip6_setting(&ifp->if_vnet->vn_in6->i6_auto_linklocal) == 0 ||
	    (if_flags_get(ifp) & IFF_LOOPBACK) != 0 || has_linklocal(ifp) ||
	    !in6_ifid(ifp, &ir.ir_addr, 0, ir.ir_addr.na_bytes + 8))
		return 0;
	(void)zone6_enter(ir.ir_addr.na_bytes, ifp->if_index);
	*given = ir.ir_addr;
	return in6_ifa_add(ifp, &ir, NULL);
}

/* --- checking requests --------------------------------------------------- */

/* An address of a record, inner; its zone may be missing, as the request is
 * about one interface. */
static int
get_sin6(const struct ifnet *ifp, const struct sockaddr_in6 *from,
    union neigh_addr *na, bool *given)
{
	struct sockaddr_in6 sin6 = *from;
	char text[INET6_ADDRSTRLEN];

	memset(na, 0, sizeof(*na));
	*given = sin6.sin6_family != 0;
	if (sin6.sin6_family == 0)
		return 0;
	if (sin6.sin6_family != AF_INET6)
		return kern_refuse(EAFNOSUPPORT, "an address of IPv6 is "
		    "wanted");
	if (zone6_is_scoped(sin6.sin6_addr.s6_addr) &&
	    sin6.sin6_scope_id == 0)
		sin6.sin6_scope_id = ifp->if_index;
	(void)inet_ntop(AF_INET6, &sin6.sin6_addr, text, sizeof(text));
	if (zone6_is_scoped(sin6.sin6_addr.s6_addr) &&
	    sin6.sin6_scope_id != ifp->if_index)
		return kern_refuse(EINVAL, "%s is in the zone of another "
		    "interface than %s", text, ifp->if_xname);
	if (zone6_from_sa(&sin6, na) != 0)
		return kern_refuse(EINVAL, "%s is no address with a zone, or "
		    "has its zone inside", text);
	return 0;
}

static bool
is_loopback(const union neigh_addr *na)
{

	return na->na_words[0] == 0 && na->na_words[1] == htobe64(1);
}

bool
in6_may_be_ours(const union neigh_addr *na)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return neigh_addr_is_set(na) && !zone6_is_multicast(na->na_bytes) &&
	    memcmp(na, mapped, sizeof(mapped)) != 0;
}

/* The length of a mask, or of its absence. */
static int
get_len(const struct ifnet *ifp, const struct in6_aliasreq *ifra,
    struct in6_req *ir)
{
	const struct sockaddr_in6 *mask = &ifra->ifra_prefixmask;
	int len;

	if (mask->sin6_family == 0) {
		ir->ir_len = neigh_addr_is_set(&ir->ir_dst) ||
		    (if_flags_get(ifp) & IFF_LOOPBACK) != 0 ? 128 : 64;
		return 0;
	}
	if (mask->sin6_family != AF_INET6)
		return kern_refuse(EAFNOSUPPORT, "a netmask of IPv6 is "
		    "wanted");
	len = prefix_len_bytes(&mask->sin6_addr, sizeof(mask->sin6_addr));
	if (len < 0)
		return kern_refuse(EINVAL, "the netmask has holes");
	ir->ir_len = (unsigned)len;
	if (zone6_is_linklocal(ir->ir_addr.na_bytes) && len < 64)
		return kern_refuse(EINVAL, "the prefix of a link-local address "
		    "is of 64 bits or more (RFC 4291 2.5.6)");
	return 0;
}

static int
get_times(const struct in6_aliasreq *ifra, struct in6_req *ir)
{

	ir->ir_vltime = ifra->ifra_lifetime.ia6t_vltime;
	ir->ir_pltime = ifra->ifra_lifetime.ia6t_pltime;
	if (ir->ir_vltime == 0 && ir->ir_pltime == 0)
		ir->ir_vltime = ir->ir_pltime = ND6_INFINITE_LIFETIME;
	if (ir->ir_vltime == 0 || ir->ir_pltime > ir->ir_vltime)
		return kern_refuse(EINVAL, "an address is preferred as long as "
		    "it is valid at most, and valid for more than 0 seconds");
	return 0;
}

static int
in6_parse(const struct ifnet *ifp, const struct in6_aliasreq *ifra,
    struct in6_req *ir)
{
	bool given;
	int error;

	memset(ir, 0, sizeof(*ir));
	error = get_sin6(ifp, &ifra->ifra_addr, &ir->ir_addr, &given);
	if (error != 0)
		return error;
	if (!given)
		return kern_refuse(EINVAL, "the address is missing");
	if (!in6_may_be_ours(&ir->ir_addr) || (is_loopback(&ir->ir_addr) &&
	    (if_flags_get(ifp) & IFF_LOOPBACK) == 0))
		return kern_refuse(EINVAL, "not an address that a host can "
		    "have on %s", ifp->if_xname);
	error = get_sin6(ifp, &ifra->ifra_dstaddr, &ir->ir_dst, &given);
	if (error != 0)
		return error;
	if (given && (if_flags_get(ifp) & IFF_POINTOPOINT) == 0)
		return kern_refuse(EINVAL, "%s is no point-to-point interface, "
		    "and its addresses have no far end", ifp->if_xname);
	if (given && !in6_may_be_ours(&ir->ir_dst))
		return kern_refuse(EINVAL, "no address that the far end can "
		    "have");
	if ((ifra->ifra_flags & ~(uint32_t)IN6_IFF_ASKED) != 0)
		return kern_refuse(EINVAL, "the flags 0x%x of an address are "
		    "not set by hand", ifra->ifra_flags &
		    ~(uint32_t)IN6_IFF_ASKED);
	ir->ir_flags = ifra->ifra_flags;
	error = get_len(ifp, ifra, ir);
	return error != 0 ? error : get_times(ifra, ir);
}

/* --- requests ------------------------------------------------------------ */

static bool
same_prefix(const struct in6_ifaddr *ia, const struct in6_req *ir)
{
	const union neigh_addr dst = ia6_inner(&ia->ia6_dst);

	return ia->ia6_proto.pa_len == ir->ir_len &&
	    neigh_addr_equal(&dst, &ir->ir_dst);
}

static int
in6_set(struct ifnet *ifp, const struct in6_aliasreq *ifra)
{
	union neigh_addr linklocal = { .na_words = { 0 } };
	struct in6_ifaddr *same, *ia;
	struct in6_req ir;
	int error;

	error = in6_parse(ifp, ifra, &ir);
	if (error != 0)
		return error;
	same = in6_find(ifp, &ir.ir_addr);
	if (same != NULL && same_prefix(same, &ir)) {
		if (set_times(same, &ir) != 0)
			return ENOMEM;
		in6_timer_start(same);
		rt_newaddrmsg(RTM_CHGADDR, &same->ia6_ifa);
		return 0;
	}
	if (same == NULL && !zone6_is_linklocal(ir.ir_addr.na_bytes)) {
		error = give_linklocal(ifp, &linklocal);
		if (error != 0)
			return error;
	}
	error = in6_ifa_add(ifp, &ir, same);
	/* The address that a refused request brought along goes again. */
	ia = error != 0 && neigh_addr_is_set(&linklocal) ?
	    in6_find(ifp, &linklocal) : NULL;
	if (ia != NULL)
		ifa_take(ifp, &ia->ia6_ifa);
	return error;
}

static int
in6_none(const struct ifnet *ifp, bool given)
{

	return kern_refuse(EADDRNOTAVAIL, "%s has no %saddress",
	    ifp->if_xname, given ? "such " : "IPv6 ");
}

/* The address that a record names, or the first; NULL, and the error. */
static struct in6_ifaddr *
in6_named(struct ifnet *ifp, const struct sockaddr_in6 *sin6, int *error)
{
	struct in6_ifaddr *ia;
	union neigh_addr na;
	bool given;

	*error = get_sin6(ifp, sin6, &na, &given);
	if (*error != 0)
		return NULL;
	ia = given ? in6_find(ifp, &na) : in6_first(ifp);
	if (ia == NULL)
		*error = in6_none(ifp, given);
	return ia;
}

uint32_t
in6_ifa_flags(const struct ifaddr *ifa)
{
	const struct in6_ifaddr *ia = ifatoia6(ifa);
	uint32_t flags = __atomic_load_n(&ia->ia6_flags, __ATOMIC_RELAXED);
	uint16_t state = __atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED);
	uint64_t until = __atomic_load_n(&ia->ia6_preferred_ns,
	    __ATOMIC_RELAXED);

	if ((state & IFA_TENTATIVE) != 0)
		flags |= IN6_IFF_TENTATIVE;
	if ((state & IFA_DUPLICATED) != 0)
		flags |= IN6_IFF_DUPLICATED;
	if (until != 0 && kern_now(ia->ia6_kern) >= until)
		flags |= IN6_IFF_DEPRECATED;
	return flags;
}

static void
fill_lifetime(const struct in6_ifaddr *ia, struct in6_addrlifetime *lt)
{
	const uint64_t s = 1000000000;

	lt->ia6t_expire = (ia->ia6_expire_ns + s - 1) / s;
	lt->ia6t_preferred = (ia->ia6_preferred_ns + s - 1) / s;
	lt->ia6t_vltime = in6_seconds_left(ia->ia6_kern, ia->ia6_expire_ns);
	lt->ia6t_pltime = in6_seconds_left(ia->ia6_kern,
	    ia->ia6_preferred_ns);
}

static int
in6_get(struct ifnet *ifp, unsigned long cmd, struct in6_ifreq *ifr)
{
	struct in6_ifaddr *ia;
	int error;

	ia = in6_named(ifp, &ifr->ifr6_addr, &error);
	if (ia == NULL)
		return error;
	switch (cmd) {
	case SIOCGIFDSTADDR_IN6:
		if (ia->ia6_ifa.ifa_dstaddr == NULL)
			return kern_refuse(EINVAL, "the address on %s has no "
			    "far end", ifp->if_xname);
		ifr->ifr6_addr = ia->ia6_dst;
		break;
	case SIOCGIFNETMASK_IN6:
		ifr->ifr6_addr = ia->ia6_mask;
		break;
	case SIOCGIFAFLAG_IN6:
		ifr->ifr6_flags = in6_ifa_flags(&ia->ia6_ifa);
		break;
	default:
		fill_lifetime(ia, &ifr->ifr6_lifetime);
		break;
	}
	return 0;
}

/* The request that would give the address again. */
static int
in6_get_alias(struct ifnet *ifp, struct in6_aliasreq *ifra)
{
	struct in6_ifaddr *ia;
	int error;

	ia = in6_named(ifp, &ifra->ifra_addr, &error);
	if (ia == NULL)
		return error;
	ifra->ifra_addr = ia->ia6_addr;
	ifra->ifra_dstaddr = ia->ia6_dst;
	ifra->ifra_prefixmask = ia->ia6_mask;
	ifra->ifra_flags = __atomic_load_n(&ia->ia6_flags, __ATOMIC_RELAXED);
	fill_lifetime(ia, &ifra->ifra_lifetime);
	return 0;
}

static int
in6_delete(struct ifnet *ifp, const struct in6_ifreq *ifr)
{
	struct in6_ifaddr *ia;
	int error;

	ia = in6_named(ifp, &ifr->ifr6_addr, &error);
	if (ia != NULL)
		ifa_take(ifp, &ia->ia6_ifa);
	return error;
}

int
in6_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	switch (cmd) {
	case SIOCAIFADDR_IN6:
		return in6_set(ifp, data);
	case SIOCDIFADDR_IN6:
		return in6_delete(ifp, data);
	case SIOCGIFALIAS_IN6:
		return in6_get_alias(ifp, data);
	case SIOCGIFDSTADDR_IN6:
	case SIOCGIFNETMASK_IN6:
	case SIOCGIFAFLAG_IN6:
	case SIOCGIFALIFETIME_IN6:
		return in6_get(ifp, cmd, data);
	default:
		return EOPNOTSUPP;
	}
}
