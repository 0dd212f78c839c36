/*
 * in_control: giving interfaces IPv4 addresses and taking them away.
 *
 * An address comes with routes: a host route to itself (RTF_LOCAL), one to the
 * prefix it is on, or to the far end, and one to the broadcast address.  The
 * first is its own or the address is refused; the others belong to the first
 * address of a prefix, and the next one takes over when that goes.
 *
 * All of it runs with the interface's ioctl lock.
 */

#include <errno.h>

#include "kern/reason.h"
#include "net/rtsock.h"
#include "netinet/arp_var.h"

/* A quarter of a second in all. */
#define IN_MEMORY_TRIES		25
#define IN_MEMORY_WAIT_NS	10000000u

/* An address as asked for, checked.  Network order. */
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
in_route(struct in_ifaddr *ia, uint32_t dst, unsigned len, uint32_t flags)
{
	struct ifnet *ifp = ia->ia_ifa.ifa_ifp;
	struct rt_info ri;

	memset(&ri, 0, sizeof(ri));
	ri.ri_dst = dst & in_mask(len);
	ri.ri_len = len;
	ri.ri_flags = flags;
	ri.ri_ifp = ifp;
	ri.ri_ifa = &ia->ia_ifa;
	ri.ri_own = 1 + ((flags & RTF_LOCAL) ? RT_OWN_LOCAL :
	    (flags & RTF_BROADCAST) ? RT_OWN_BROADCAST : RT_OWN_NET);
	return rt_add(ifp->if_vnet, &ri);
}

/* Routes that addresses of one prefix share: having one already is fine. */
static int
in_routes_shared(struct in_ifaddr *ia)
{
	const struct ifnet *ifp = ia->ia_ifa.ifa_ifp;
	uint32_t dst = ia_dst4(ia);
	int error = 0;

	if ((if_flags_get(ifp) & IFF_LOOPBACK) != 0)
		return 0;
	if ((if_flags_get(ifp) & IFF_POINTOPOINT) != 0 && dst != 0) {
		if (dst != ia_addr4(ia))
			error = in_route(ia, dst, 32, RTF_CONNECTED);
	} else if (ia->ia_len < 32)
		error = in_route(ia, ia_addr4(ia), ia->ia_len, RTF_CONNECTED);
	if (error != 0 && error != EEXIST)
		return error;
	error = 0;
	if ((if_flags_get(ifp) & IFF_BROADCAST) != 0 && dst != 0)
		error = in_route(ia, dst, 32, RTF_BROADCAST);
	return error == EEXIST ? 0 : error;
}

static int
in_routes_add(struct in_ifaddr *ia)
{
	int error;

	error = in_route(ia, ia_addr4(ia), 32, RTF_LOCAL);
	if (error != 0)
		return error;
	error = in_routes_shared(ia);
	if (error != 0)
		rt_ifa_gone(&ia->ia_ifa);
	return error;
}

/*
 * Routes of an address that is there already, where nobody could be told that
 * they are missing: waits for memory, within reason.
 */
static int
in_routes_must(struct in_ifaddr *ia, int (*fn)(struct in_ifaddr *))
{
	struct ifnet *ifp = ia->ia_ifa.ifa_ifp;
	int error;

	for (int i = 0; i < IN_MEMORY_TRIES; i++) {
		error = fn(ia);
		if (error != ENOMEM)
			return error;
		host_sleep(if_host(ifp), IN_MEMORY_WAIT_NS);
	}
	klog(if_kern(ifp), KLOG_ERR, "%s: no memory for the routes of an "
	    "address", ifp->if_xname);
	return error;
}

/*
 * Another address of the prefix that `gone' was on takes the shared routes
 * over.  It may be of another interface, whose lock is not held: its removal
 * waits for the reference, and deletes its routes, and looks for an heir, after
 * that.
 */
static void
in_routes_inherit(struct vnet *vn, struct in_ifaddr *gone)
{
	struct ifaddr *ifa;
	struct psref pr;

	pserialize_read_enter();
	/* That very prefix: a longer one may lie within it. */
	ifa = ifa_ifwithprefix(vn, ia_addr4(gone), gone->ia_len);
	if (ifa != NULL)
		ifa_acquire(ifa, &pr);
	pserialize_read_exit();
	if (ifa == NULL)
		return;
	(void)in_routes_must(ifatoia(ifa), in_routes_shared);
	ifa_release(ifa, &pr);
}

/*
 * The address of a point-to-point interface is not on its link: packets for it
 * go through lo0, from that very address.
 */
void
in_rtrequest(struct rtentry *rt, struct ifaddr *ifa)
{
	struct ifnet *ifp = ifa->ifa_ifp, *lo;

	if ((rt->rt_flags & RTF_LOCAL) == 0 || (if_flags_get(ifp) &
	    (IFF_POINTOPOINT | IFF_LOOPBACK)) != IFF_POINTOPOINT)
		return;
	pserialize_read_enter();
	lo = ifunit(ifp->if_vnet, "lo0");
	/* Stays good: its detach waits for the route lock. */
	if (lo != NULL && (if_flags_get(lo) & IFF_LOOPBACK) != 0)
		rt->rt_ifp = lo;
	pserialize_read_exit();
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

/* The netmask of a prefix length: the same one for every address. */
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

	/* Nobody writes to it. */
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

/* Out of everything, and announced as gone. */
static void
in_ifa_delete(struct ifnet *ifp, struct in_ifaddr *ia)
{
	struct ifaddr *ifa = &ia->ia_ifa;

	ifa_ref(ifa);
	arp_announce_stop(ifa);
	rt_ifa_gone(ifa);
	ifa_remove(ifp, ifa);
	/* What was added by a request that had found it before. */
	rt_ifa_gone(ifa);
	arp_announce_stop(ifa);
	in_routes_inherit(ifp->if_vnet, ia);
	if_history_addr(ifp, IFHIST_ADDR_DELETE, ifa);
	rt_newaddrmsg(RTM_DELADDR, ifa);
	ifa_unref(ifa);
}

/*
 * Give an address, in place of `old' if that is not NULL.  Either all of it
 * happens or nothing.
 */
static int
in_ifa_add(struct ifnet *ifp, const struct in_req *ir, struct in_ifaddr *old)
{
	struct in_ifaddr *ia;
	int error;

	ia = in_ifa_alloc(ifp, ir);
	if (ia == NULL)
		return ENOMEM;
	/* What is known of the address itself stays known. */
	if (old != NULL && ia_addr4(old) == ir->ir_addr)
		ia->ia_ifa.ifa_flags = __atomic_load_n(&old->ia_ifa.ifa_flags,
		    __ATOMIC_RELAXED) & (IFA_TENTATIVE | IFA_DUPLICATED);
	error = ifa_insert(ifp, &ia->ia_ifa);
	if (error != 0)
		goto out;
	if (old != NULL)
		rt_ifa_gone(&old->ia_ifa);
	/* Routes through the old one, that others added, are gone by now. */
	error = old != NULL ? in_routes_must(ia, in_routes_add) :
	    in_routes_add(ia);
	if (error == 0)
		error = if_addr_init(ifp, &ia->ia_ifa, true);
	/* Drivers with nothing to do for an address may not know it. */
	if (error == ENOTTY)
		error = 0;
	if (error != 0) {
		rt_ifa_gone(&ia->ia_ifa);
		ifa_remove(ifp, &ia->ia_ifa);
		/* Others had found it: may have added some, and announced it
		 * when the interface came up. */
		rt_ifa_gone(&ia->ia_ifa);
		arp_announce_stop(&ia->ia_ifa);
		if (old != NULL)
			(void)in_routes_must(old, in_routes_add);
		in_routes_inherit(ifp->if_vnet, ia);
		goto out;
	}
	if (old != NULL)
		in_ifa_delete(ifp, old);
	if_history_addr(ifp, IFHIST_ADDR_ADD, &ia->ia_ifa);
	rt_newaddrmsg(RTM_NEWADDR, &ia->ia_ifa);
	arp_announce(&ia->ia_ifa);
out:
	ifa_unref(&ia->ia_ifa);
	return error;
}

static void
in_purge_one(struct ifaddr *ifa)
{

	in_ifa_delete(ifa->ifa_ifp, ifatoia(ifa));
}

void
in_purgeif(struct ifnet *ifp)
{

	if_purgeaddrs(ifp, AF_INET, in_purge_one);
}

/* --- checking what is asked for ------------------------------------------ */

/* The address of a record: family AF_INET, or 0 when that is allowed. */
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
		return EAFNOSUPPORT;
	*addr = sin.sin_addr.s_addr;
	return 0;
}

static unsigned
in_classful_len(uint32_t addr)
{
	uint8_t b = (uint8_t)addr;

	return b < 128 ? 8 : b < 192 ? 16 : 24;
}

/* Length of a mask without holes; EINVAL. */
static int
in_mask_len(uint32_t mask, unsigned *len)
{
	uint32_t h = be32(mask);

	if (h == 0 || (~h & (~h + 1)) != 0)
		return EINVAL;
	*len = 32 - (unsigned)__builtin_ctz(h);
	return 0;
}

static int
in_check(const struct ifnet *ifp, struct in_req *ir, bool dst_given)
{
	uint32_t host = ~in_mask(ir->ir_len);
	bool loop = (if_flags_get(ifp) & IFF_LOOPBACK) != 0;
	const struct in_special *ins;

	if (!in_ordinary(ir->ir_addr) &&
	    !(loop && in_is_loopback(ir->ir_addr)))
		return EINVAL;
	/* Documentation's are for whoever gives them a meaning. */
	if (in_maybe_special(ir->ir_addr)) {
		ins = in_special(ir->ir_addr);
		if (ins != NULL && (ins->ins_flags & (INS_SOURCE |
		    INS_DESTINATION | INS_OWN)) == 0)
			return EINVAL;
	}
	if ((if_flags_get(ifp) & IFF_POINTOPOINT) != 0) {
		if (dst_given && !in_ordinary(ir->ir_dst))
			return EINVAL;
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
	/* The network and everybody on it are not a host. */
	if ((ir->ir_addr & host) == 0 || (ir->ir_addr & host) == host)
		return EINVAL;
	if (!dst_given)
		ir->ir_dst = ir->ir_addr | host;
	else if (ir->ir_dst == ir->ir_addr || (ir->ir_dst != INADDR_BROADCAST &&
	    ((ir->ir_dst ^ ir->ir_addr) & ~host) != 0))
		return EINVAL;
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
		return EINVAL;
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

/* Is it the address of another interface? */
static bool
in_elsewhere(struct ifnet *ifp, uint32_t addr)
{
	struct sockaddr_in sin;
	struct ifaddr *ifa;
	bool is;

	memset(&sin, 0, sizeof(sin));
	sin_set(&sin, addr);
	pserialize_read_enter();
	ifa = ifa_ifwithaddr(ifp->if_vnet, (struct sockaddr *)&sin);
	is = ifa != NULL && ifa->ifa_ifp != ifp;
	pserialize_read_exit();
	return is;
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
	if (same == NULL && in_elsewhere(ifp, ir.ir_addr))
		return EEXIST;
	return in_ifa_add(ifp, &ir, same != NULL ? same : replace);
}

/* Has the address all that a request says of it? */
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
		return EADDRNOTAVAIL;
	error = in_named(ifp, ia, ifra);
	if (error == 0)
		in_ifa_delete(ifp, ia);
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
			return EADDRNOTAVAIL;
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
			return EINVAL;
		memcpy(&ifra.ifra_dstaddr, &ifr->ifr_addr,
		    sizeof(ifr->ifr_addr));
		break;
	default:
		if ((if_flags_get(ifp) & IFF_POINTOPOINT) == 0)
			return EINVAL;
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
		return EADDRNOTAVAIL;
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
			return EINVAL;
		answer = &ia->ia_dst;
		break;
	default:
		if ((if_flags_get(ifp) & IFF_POINTOPOINT) == 0)
			return EINVAL;
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
		return EADDRNOTAVAIL;
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
