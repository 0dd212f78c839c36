/*
 * in_control: requests that add, change and delete IPv4 addresses of
 * interfaces.
 *
 * What is the same for every family, the routes among it, is in
 * net/if_addr_give.h.
 *
 * All of it runs with the interface's ioctl lock.
 */

#include <errno.h>

#include "net/if_addr_give.h"
#include "net/if_addr_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/arp_var.h"
#include "proto/prefix.h"

/* An address request that was checked.  Network order. */
struct in_req {
	uint32_t	 ir_addr;
	uint32_t	 ir_dst;	/* far end or broadcast; 0 none */
	unsigned	 ir_len;
};

static struct in_ifaddr *
in_first(struct ifnet *ifp)
{
	struct ifaddr *ifa;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		if (ifa->ifa_addr->sa_family == AF_INET)
			return ifatoia(ifa);
	return NULL;
}

static struct in_ifaddr *
in_find(struct ifnet *ifp, uint32_t addr)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = addr,
	};
	struct ifaddr *ifa;

	/* Good until the ioctl lock is left: it goes with that alone. */
	pserialize_read_enter();
	ifa = ifa_ifp_find(ifp, (const struct sockaddr *)&sin);
	pserialize_read_exit();
	return ifa == NULL ? NULL : ifatoia(ifa);
}

static inline uint32_t
ia_addr4(const struct in_ifaddr *ia)
{

	return ia->ia_addr.sin_addr.s_addr;
}

static inline uint32_t
ia_dst4(const struct in_ifaddr *ia)
{

	return ia->ia_ifa.ifa_dstaddr != NULL ? ia->ia_dst.sin_addr.s_addr : 0;
}

/* --- routes -------------------------------------------------------------- */

static int
in_connects(const struct ifaddr *ifa, void *arg)
{

	return ifa_rank(ifa, arg) == IFA_RANK_CONNECTED;
}

bool
in_starts_prefix(const struct rt_table *tb, uint32_t addr, unsigned len)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = addr,
	};
	struct prefix pf;

	for (len = len < 31 ? len : 30; len != 0 && (addr & ~in_mask(len)) ==
	    0; len--) {
		pf = prefix_of4(ntohl(addr), len);
		if (ifa_best(tb, (const struct sockaddr *)&sin, len,
		    in_connects, &pf) != NULL)
			return true;
	}
	return false;
}

void
in_ifa_prefix(struct ifaddr *ifa, const struct prefix *pf)
{

	in_network_note(ifa->ifa_ifp->if_vnet, htonl(prefix_addr4(pf)));
}

/* --- addresses ----------------------------------------------------------- */

static void
in_ifa_free(struct ifaddr *ifa)
{

	kslab_free(ifatoia(ifa)->ia_kern, ifa, sizeof(struct in_ifaddr));
}

static void
sin_set(struct sockaddr_in *sin, uint32_t addr)
{

	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = addr;
}

/* The netmask of a prefix length, shared by all addresses. */
static struct sockaddr *
mask_sockaddr(unsigned len)
{
#define M(n)	{ .sin_family = AF_INET, .sin_addr.s_addr = (n) == 0 ? 0 : \
    __builtin_bswap32((uint32_t)(UINT64_C(0xffffffff00000000) >> (n))) }
#define M4(n)	M(n), M((n) + 1), M((n) + 2), M((n) + 3)
	static const struct sockaddr_in masks[33] = {
		M4(0), M4(4), M4(8), M4(12), M4(16), M4(20), M4(24), M4(28),
		M(32)
	};
#undef M4
#undef M

	/* Netmasks are never written to, so the constant table is safe to
	 * return. */
	return (struct sockaddr *)(uintptr_t)&masks[len];
}

static struct in_ifaddr *
in_ifa_alloc(struct ifnet *ifp, const struct in_req *ir)
{
	struct in_ifaddr *ia;

	ia = kslab_alloc(if_kern(ifp), sizeof(*ia));
	if (ia == NULL)
		return NULL;
	sin_set(&ia->ia_addr, ir->ir_addr);
	sin_set(&ia->ia_dst, ir->ir_dst);
	ia->ia_len = (uint8_t)ir->ir_len;
	ia->ia_kern = if_kern(ifp);
	ia->ia_ifa.ifa_ifp = ifp;
	ia->ia_ifa.ifa_addr = (struct sockaddr *)&ia->ia_addr;
	ia->ia_ifa.ifa_netmask = mask_sockaddr(ir->ir_len);
	if (ir->ir_dst != 0)
		ia->ia_ifa.ifa_dstaddr = (struct sockaddr *)&ia->ia_dst;
	ia->ia_ifa.ifa_free = in_ifa_free;
	ia->ia_ifa.ifa_refcnt = 1;	/* the caller's */
	if (arp_dad_wanted(ifp))
		ia->ia_ifa.ifa_flags = IFA_TENTATIVE;
	return ia;
}

/*
 * Give an interface an address, in place of `old' if that is not NULL.  On an
 * error nothing is changed.
 */
static int
in_ifa_add(struct ifnet *ifp, const struct in_req *ir, struct in_ifaddr *old)
{
	struct in_ifaddr *ia;

	ia = in_ifa_alloc(ifp, ir);
	if (ia == NULL)
		return ENOMEM;
	/* An unchanged address keeps its state (tentative, duplicated). */
	if (old != NULL && ia_addr4(old) == ir->ir_addr)
		ia->ia_ifa.ifa_flags = __atomic_load_n(&old->ia_ifa.ifa_flags,
		    __ATOMIC_RELAXED) & (IFA_TENTATIVE | IFA_DUPLICATED);
	return ifa_give(ifp, &ia->ia_ifa, old == NULL ? NULL : &old->ia_ifa);
}

static void
in_purge_one(struct ifaddr *ifa)
{

	ifa_take(ifa->ifa_ifp, ifa);
}

void
in_purgeif(struct ifnet *ifp)
{

	if_purgeaddrs(ifp, AF_INET, in_purge_one);
}

/* --- checking requests --------------------------------------------------- */

/* The IPv4 address of a record, whose family is AF_INET, or 0 when that is
 * allowed. */
static int
in_get_sin(const void *sa, uint32_t *addr, bool *given)
{
	struct sockaddr_in sin;

	memcpy(&sin, sa, sizeof(sin));
	*addr = 0;
	*given = sin.sin_family != 0;
	if (sin.sin_family == 0)
		return 0;
	if (sin.sin_family != AF_INET)
		return kern_refuse(EAFNOSUPPORT, "the addresses are of "
		    "different families");
	*addr = sin.sin_addr.s_addr;
	return 0;
}

static unsigned
in_classful_len(uint32_t addr)
{
	uint8_t b = (uint8_t)addr;

	return b < 128 ? 8 : b < 192 ? 16 : 24;
}

/* The prefix length of a mask without holes; EINVAL: it has holes. */
static int
in_mask_len(uint32_t mask, unsigned *len)
{
	int n = prefix_len(be32(mask));

	if (n <= 0)
		return kern_refuse(EINVAL, "the netmask has holes, or is 0");
	*len = (unsigned)n;
	return 0;
}

static int
in_check(const struct ifnet *ifp, struct in_req *ir, bool dst_given)
{
	uint32_t host = ~in_mask(ir->ir_len);
	bool loop = (if_flags_get(ifp) & IFF_LOOPBACK) != 0;

	if ((!in_ordinary(ir->ir_addr) &&
	    !(loop && in_is_loopback(ir->ir_addr))) ||
	    in_special_nobody(ir->ir_addr))
		return kern_refuse(EINVAL, "not an address a host can have");
	if ((if_flags_get(ifp) & IFF_POINTOPOINT) != 0) {
		if (dst_given && !in_ordinary(ir->ir_dst))
			return kern_refuse(EINVAL, "the far end is not an "
			    "address a host can have");
		return 0;
	}
	if ((if_flags_get(ifp) & IFF_BROADCAST) == 0) {
		ir->ir_dst = 0;
		return 0;
	}
	if (ir->ir_len > 30) {
		/* RFC 3021, and hosts: there is no broadcast address. */
		ir->ir_dst = 0;
		return 0;
	}
	/* The network's address and its broadcast address cannot be a
	 * host's. */
	if ((ir->ir_addr & host) == 0 || (ir->ir_addr & host) == host)
		return kern_refuse(EINVAL, "not an address a host can have: "
		    "the %s of its prefix", (ir->ir_addr & host) == 0 ?
		    "first" : "last");
	if (!dst_given)
		ir->ir_dst = ir->ir_addr | host;
	else if (ir->ir_dst == ir->ir_addr || (ir->ir_dst != INADDR_BROADCAST &&
	    ((ir->ir_dst ^ ir->ir_addr) & ~host) != 0))
		return kern_refuse(EINVAL, "a broadcast address that does not "
		    "go with the interface: it is on another prefix, or the "
		    "address itself");
	return 0;
}

static int
in_parse(const struct ifnet *ifp, const struct ifaliasreq *ifra,
    struct in_req *ir)
{
	bool given, dst_given;
	uint32_t mask;
	int error;

	error = in_get_sin(&ifra->ifra_addr, &ir->ir_addr, &given);
	if (error != 0)
		return error;
	if (!given)
		return kern_refuse(EINVAL, "the address is missing");
	error = in_get_sin(&ifra->ifra_dstaddr, &ir->ir_dst, &dst_given);
	if (error != 0)
		return error;
	error = in_get_sin(&ifra->ifra_mask, &mask, &given);
	if (error != 0)
		return error;
	if (!given)
		ir->ir_len = in_classful_len(ir->ir_addr);
	else if ((error = in_mask_len(mask, &ir->ir_len)) != 0)
		return error;
	return in_check(ifp, ir, dst_given);
}

/* An address that is to be given, on an interface. */
struct in_sharing {
	const struct ifnet *sh_ifp;
	const struct in_req *sh_ir;
};

static bool
in_is_unnumbered(const struct ifnet *ifp, unsigned len)
{

	return len == 32 || (if_flags_get(ifp) & (IFF_POINTOPOINT |
	    IFF_LOOPBACK)) != 0;
}

/* Does the address stand on another interface where it may not be shared? */
static bool
in_conflicts(const struct ifaddr *ifa, void *arg)
{
	const struct in_sharing *sh = arg;
	const struct in_ifaddr *ia = (const struct in_ifaddr *)
	    (const void *)ifa;

	return ifa->ifa_ifp != sh->sh_ifp && !ifa_is_destroying(ifa) &&
	    ia_addr4(ia) == sh->sh_ir->ir_addr &&
	    !in_is_unnumbered(ifa->ifa_ifp, ia->ia_len);
}

/*
 * May the interface have the address although other interfaces have it?  Yes,
 * if at most one of them has a network with it: the others are point-to-point
 * or loopback interfaces, or have it with a prefix of 32 bits, and borrow it
 * (RFC 1812 2.2.7).  Two networks in which the same host answers cannot be told
 * apart.
 */
static bool
in_may_share(const struct ifnet *ifp, const struct in_req *ir)
{
	struct in_sharing sh = { .sh_ifp = ifp, .sh_ir = ir };
	struct sockaddr_in sin;
	bool may;

	memset(&sin, 0, sizeof(sin));
	sin_set(&sin, ir->ir_addr);
	if (in_is_unnumbered(ifp, ir->ir_len))
		return true;
	pserialize_read_enter();
	may = !ifa_any_equal(rt_table_of(ifp), (const struct sockaddr *)&sin,
	    in_conflicts, &sh);
	pserialize_read_exit();
	return may;
}

/* --- requests ------------------------------------------------------------ */

/* replace: the address given in place of another one (SIOCSIF*), or NULL. */
static int
in_set(struct ifnet *ifp, const struct ifaliasreq *ifra,
    struct in_ifaddr *replace)
{
	struct in_ifaddr *same;
	struct in_req ir;
	int error;

	error = in_parse(ifp, ifra, &ir);
	if (error != 0)
		return error;
	same = in_find(ifp, ir.ir_addr);
	if (same != NULL && same->ia_len == ir.ir_len &&
	    ia_dst4(same) == ir.ir_dst)
		return 0;
	if (!in_may_share(ifp, &ir))
		return kern_refuse(EEXIST, "another interface has this address "
		    "in a network of its own; \"ifconfig %s table N\" would "
		    "keep the two apart", ifp->if_xname);
	return in_ifa_add(ifp, &ir, same != NULL ? same : replace);
}

/* Does the address have all properties that a request gives it? */
static int
in_named(struct ifnet *ifp, const struct in_ifaddr *ia,
    const struct ifaliasreq *ifra)
{
	uint32_t mask, dst;
	bool hasmask, hasdst;
	int error;

	error = in_get_sin(&ifra->ifra_mask, &mask, &hasmask);
	if (error == 0)
		error = in_get_sin(&ifra->ifra_dstaddr, &dst, &hasdst);
	if (error != 0)
		return error;
	if (hasmask && mask != ((const struct sockaddr_in *)(const void *)
	    ia->ia_ifa.ifa_netmask)->sin_addr.s_addr)
		return kern_refuse(EADDRNOTAVAIL, "the address on %s has "
		    "another netmask", ifp->if_xname);
	if (hasdst && dst != ia_dst4(ia))
		return kern_refuse(EADDRNOTAVAIL, "the address on %s has "
		    "another %s", ifp->if_xname,
		    if_flags_get(ifp) & IFF_POINTOPOINT ? "far end" :
		    "broadcast address");
	return 0;
}

static int
in_none(const struct ifnet *ifp, bool given)
{

	return kern_refuse(EADDRNOTAVAIL, "%s has no %saddress",
	    ifp->if_xname, given ? "such " : "IPv4 ");
}

static int
in_no_broadcast(const struct ifnet *ifp)
{

	return kern_refuse(EINVAL, "%s has no broadcast address",
	    ifp->if_xname);
}

static int
in_no_far_end(const struct ifnet *ifp)
{

	return kern_refuse(EINVAL, "%s is no point-to-point interface, and its "
	    "addresses have no far end", ifp->if_xname);
}

static int
in_delete(struct ifnet *ifp, const struct ifaliasreq *ifra)
{
	struct in_ifaddr *ia;
	uint32_t addr;
	bool given;
	int error;

	error = in_get_sin(&ifra->ifra_addr, &addr, &given);
	if (error != 0)
		return error;
	ia = given ? in_find(ifp, addr) : in_first(ifp);
	if (ia == NULL)
		return in_none(ifp, given);
	error = in_named(ifp, ia, ifra);
	if (error == 0)
		ifa_take(ifp, &ia->ia_ifa);
	return error;
}

/* SIOCSIFADDR and its kin: one property of the first address. */
static int
in_set_old(struct ifnet *ifp, unsigned long cmd, const struct ifreq *ifr)
{
	struct in_ifaddr *ia = in_first(ifp);
	struct ifaliasreq ifra;

	memset(&ifra, 0, sizeof(ifra));
	if (cmd != SIOCSIFADDR) {
		if (ia == NULL)
			return in_none(ifp, false);
		memcpy(&ifra.ifra_addr, &ia->ia_addr, sizeof(ia->ia_addr));
		memcpy(&ifra.ifra_mask, ia->ia_ifa.ifa_netmask,
		    sizeof(struct sockaddr_in));
		/* A broadcast address is made anew for a new mask. */
		if (cmd != SIOCSIFNETMASK || (if_flags_get(ifp) &
		    IFF_POINTOPOINT) != 0)
			memcpy(&ifra.ifra_dstaddr, &ia->ia_dst,
			    ia_dst4(ia) != 0 ? sizeof(ia->ia_dst) : 0);
	}
	switch (cmd) {
	case SIOCSIFADDR:
		memcpy(&ifra.ifra_addr, &ifr->ifr_addr, sizeof(ifr->ifr_addr));
		break;
	case SIOCSIFNETMASK:
		memcpy(&ifra.ifra_mask, &ifr->ifr_addr, sizeof(ifr->ifr_addr));
		break;
	case SIOCSIFBRDADDR:
		if ((if_flags_get(ifp) & IFF_BROADCAST) == 0)
			return in_no_broadcast(ifp);
		memcpy(&ifra.ifra_dstaddr, &ifr->ifr_addr,
		    sizeof(ifr->ifr_addr));
		break;
	default:
		if ((if_flags_get(ifp) & IFF_POINTOPOINT) == 0)
			return in_no_far_end(ifp);
		memcpy(&ifra.ifra_dstaddr, &ifr->ifr_addr,
		    sizeof(ifr->ifr_addr));
		break;
	}
	return in_set(ifp, &ifra, ia);
}

/* A property of the address in the record, or of the first. */
static int
in_get(struct ifnet *ifp, unsigned long cmd, struct ifreq *ifr)
{
	const struct sockaddr_in *answer;
	struct in_ifaddr *ia;
	uint32_t addr;
	bool given;

	if (in_get_sin(&ifr->ifr_addr, &addr, &given) != 0 || !given ||
	    addr == 0 || (ia = in_find(ifp, addr)) == NULL)
		ia = in_first(ifp);
	if (ia == NULL)
		return in_none(ifp, false);
	switch (cmd) {
	case SIOCGIFADDR:
		answer = &ia->ia_addr;
		break;
	case SIOCGIFNETMASK:
		answer = (const struct sockaddr_in *)(const void *)
		    ia->ia_ifa.ifa_netmask;
		break;
	case SIOCGIFBRDADDR:
		if ((if_flags_get(ifp) & IFF_BROADCAST) == 0)
			return in_no_broadcast(ifp);
		answer = &ia->ia_dst;
		break;
	default:
		if ((if_flags_get(ifp) & IFF_POINTOPOINT) == 0)
			return in_no_far_end(ifp);
		answer = &ia->ia_dst;
		break;
	}
	memset(&ifr->ifr_ifru, 0, sizeof(ifr->ifr_ifru));
	memcpy(&ifr->ifr_addr, answer, sizeof(*answer));
	return 0;
}

static int
in_get_alias(struct ifnet *ifp, struct ifaliasreq *ifra)
{
	struct in_ifaddr *ia;
	uint32_t addr;
	bool given;
	int error;

	error = in_get_sin(&ifra->ifra_addr, &addr, &given);
	if (error != 0)
		return error;
	ia = given && addr != 0 ? in_find(ifp, addr) : in_first(ifp);
	if (ia == NULL)
		return in_none(ifp, given && addr != 0);
	memset(&ifra->ifra_addr, 0, sizeof(ifra->ifra_addr));
	memset(&ifra->ifra_dstaddr, 0, sizeof(ifra->ifra_dstaddr));
	memset(&ifra->ifra_mask, 0, sizeof(ifra->ifra_mask));
	memcpy(&ifra->ifra_addr, &ia->ia_addr, sizeof(ia->ia_addr));
	memcpy(&ifra->ifra_mask, ia->ia_ifa.ifa_netmask,
	    sizeof(struct sockaddr_in));
	if (ia_dst4(ia) != 0)
		memcpy(&ifra->ifra_dstaddr, &ia->ia_dst, sizeof(ia->ia_dst));
	return 0;
}

int
in_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	switch (cmd) {
	case SIOCAIFADDR:
		return in_set(ifp, data, NULL);
	case SIOCDIFADDR:
		return in_delete(ifp, data);
	case SIOCSIFADDR:
	case SIOCSIFNETMASK:
	case SIOCSIFBRDADDR:
	case SIOCSIFDSTADDR:
		return in_set_old(ifp, cmd, data);
	case SIOCGIFADDR:
	case SIOCGIFNETMASK:
	case SIOCGIFBRDADDR:
	case SIOCGIFDSTADDR:
		return in_get(ifp, cmd, data);
	case SIOCGIFALIAS:
		return in_get_alias(ifp, data);
	case SIOCALIFADDR:
	case SIOCDLIFADDR:
	case SIOCGLIFADDR:
		return in_laddr_ioctl(ifp, cmd, data);
	default:
		return EOPNOTSUPP;
	}
}
