/*
 * in_control: requests that add, change and delete IPv4 addresses of
 * interfaces.
 *
 * An address brings routes along: a host route to itself (RTF_LOCAL), a route
 * to its prefix or far end, and a route to the broadcast address.  If several
 * addresses bring a route to the same destination, the route to a local address
 * has precedence, then routes to far ends and prefixes, then to broadcast
 * addresses; among equals the first one stays.  When a route goes, the next
 * address by rank (in_rank()) gets it, and among equals the address on the
 * interface with the lowest index.
 *
 * All of it runs with the interface's ioctl lock.
 */

#include <errno.h>

#include "net/if_addr_impl.h"
#include "net/if_history_impl.h"
#include "net/if_vnet_impl.h"
#include "net/rtsock.h"
#include "netinet/arp_var.h"
#include "proto/prefix.h"

/* A quarter of a second in all. */
#define IN_MEMORY_TRIES		25
#define IN_MEMORY_WAIT_NS	10000000u

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
in_route(struct in_ifaddr *ia, uint32_t dst, unsigned len, uint32_t flags)
{
	struct ifnet *ifp = ia->ia_ifa.ifa_ifp;
	struct rt_info ri;

	memset(&ri, 0, sizeof(ri));
	ri.ri_dst.na_4 = dst & in_mask(len);
	ri.ri_len = len;
	ri.ri_flags = flags;
	ri.ri_ifp = ifp;
	ri.ri_ifa = &ia->ia_ifa;
	return rt_add(ifp->if_vnet, &ri);
}

/* The prefix that an address is on the link of, or its far end; false: none. */
static bool
in_link_prefix(const struct in_ifaddr *ia, uint32_t *dst, unsigned *len)
{
	uint32_t flags = if_flags_get(ia->ia_ifa.ifa_ifp);

	if ((flags & IFF_LOOPBACK) != 0)
		return false;
	if ((flags & IFF_POINTOPOINT) != 0 && ia_dst4(ia) != 0) {
		*dst = ia_dst4(ia);
		*len = 32;
		return ia_dst4(ia) != ia_addr4(ia);
	}
	*len = ia->ia_len;
	*dst = ia_addr4(ia) & in_mask(*len);
	return *len < 32;
}

static bool
in_has_broadcast(const struct in_ifaddr *ia)
{

	return ia_dst4(ia) != 0 && (if_flags_get(ia->ia_ifa.ifa_ifp) &
	    (IFF_LOOPBACK | IFF_BROADCAST)) == IFF_BROADCAST;
}

/* Add a route that other addresses may have too: a route that exists already is
 * no error. */
static int
in_route_shared(struct in_ifaddr *ia, uint32_t dst, unsigned len,
    uint32_t flags)
{
	int error = in_route(ia, dst, len, flags);

	return error == EEXIST || error == EALREADY ? 0 : error;
}

static int
in_routes_add(struct in_ifaddr *ia)
{
	uint32_t dst;
	unsigned len;
	int error;

	error = in_route(ia, ia_addr4(ia), 32, RTF_LOCAL);
	/* Another interface has an address on the same prefix. */
	if (error == EALREADY)
		error = 0;
	if (error != 0)
		return error;
	if (in_link_prefix(ia, &dst, &len)) {
		in_network_note(ia->ia_ifa.ifa_ifp->if_vnet, dst);
		error = in_route_shared(ia, dst, len, RTF_CONNECTED);
	}
	if (error == 0 && in_has_broadcast(ia))
		error = in_route_shared(ia, ia_dst4(ia), 32, RTF_BROADCAST);
	if (error != 0)
		rt_ifa_withdraw(&ia->ia_ifa);
	return error;
}

/*
 * Add the routes of an address that exists already, where no caller could be
 * told of a failure: waits for memory, for a limited time.
 */
static void
in_routes_must(struct in_ifaddr *ia)
{
	struct ifnet *ifp = ia->ia_ifa.ifa_ifp;

	for (int i = 0; i < IN_MEMORY_TRIES; i++) {
		if (in_routes_add(ia) != ENOMEM)
			return;
		host_sleep(if_host(ifp), IN_MEMORY_WAIT_NS);
	}
	if_klog(ifp, KLOG_ERR, "no memory for the routes of an address");
}

/* A destination, and the kind of route to it that an address brings along:
 * RTF_LOCAL, RTF_CONNECTED, RTF_BROADCAST, or 0. */
struct in_dest {
	uint32_t	 de_dst;	/* network order */
	unsigned	 de_len;
};

static uint32_t
in_brings(const struct in_ifaddr *ia, const struct in_dest *de)
{
	uint32_t dst;
	unsigned len;

	if (de->de_len == 32 && ia_addr4(ia) == de->de_dst)
		return RTF_LOCAL;
	if (in_link_prefix(ia, &dst, &len) && dst == de->de_dst &&
	    len == de->de_len)
		return RTF_CONNECTED;
	if (de->de_len == 32 && in_has_broadcast(ia) &&
	    ia_dst4(ia) == de->de_dst)
		return RTF_BROADCAST;
	return 0;
}

static int
in_rank(const struct ifaddr *ifa, void *arg)
{
	uint32_t flags;

	if (ifa_is_destroying(ifa))
		return 0;
	flags = in_brings((const struct in_ifaddr *)(const void *)ifa, arg);
	return flags == RTF_LOCAL ? 3 : flags == RTF_CONNECTED ? 2 :
	    flags == RTF_BROADCAST ? 1 : 0;
}

static int
in_connects(const struct ifaddr *ifa, void *arg)
{

	return in_rank(ifa, arg) == 2;
}

bool
in_starts_prefix(const struct rt_table *tb, uint32_t addr, unsigned len)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = addr,
	};
	struct in_dest de = { .de_dst = addr, .de_len = len < 31 ? len : 30 };

	for (; de.de_len != 0 && (addr & ~in_mask(de.de_len)) == 0;
	    de.de_len--)
		if (ifa_best(tb, &sin, de.de_len, in_connects, &de) != NULL)
			return true;
	return false;
}

/*
 * The route of an address to a destination is gone: give one to the next
 * address that brings such a route along, the heir.  The heir may be on another
 * interface, whose ioctl lock is not held: its removal waits for the reference
 * held here, and only then deletes its routes and looks for the next heir.
 */
static void
in_route_inherit(struct rt_table *tb, uint32_t dst, unsigned len)
{
	struct vnet *vn = tb->tb_vnet;
	struct in_dest de = { .de_dst = dst, .de_len = len };
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = dst,
	};
	struct ifaddr *ifa;
	struct psref pr;
	int error = ENOMEM;

	pserialize_read_enter();
	ifa = ifa_best(tb, &sin, len, in_rank, &de);
	if (ifa != NULL)
		ifa_acquire(ifa, &pr);
	pserialize_read_exit();
	if (ifa == NULL)
		return;
	for (int i = 0; i < IN_MEMORY_TRIES && error == ENOMEM; i++) {
		if (i != 0)
			host_sleep(vn->vn_kern->k_host, IN_MEMORY_WAIT_NS);
		error = in_route(ifatoia(ifa), dst, len,
		    in_brings(ifatoia(ifa), &de));
	}
	if (error == ENOMEM)
		if_klog(ifa->ifa_ifp, KLOG_ERR, "no memory for a route of an "
		    "address");
	ifa_release(ifa, &pr);
}

/* Pass the routes of an address on to other addresses that bring routes to the
 * same destinations. */
static void
in_routes_inherit(const struct in_ifaddr *gone)
{
	struct rt_table *tb = rt_table_of(gone->ia_ifa.ifa_ifp);
	uint32_t dst;
	unsigned len;

	in_route_inherit(tb, ia_addr4(gone), 32);
	if (in_link_prefix(gone, &dst, &len))
		in_route_inherit(tb, dst, len);
	if (in_has_broadcast(gone))
		in_route_inherit(tb, ia_dst4(gone), 32);
}

void
in_route_gone(struct vnet *vn, const struct sockaddr *dst, unsigned len,
    uint32_t table, uint64_t handle, bool asked)
{
	struct sockaddr_in sin;
	struct rt_table *tb;
	struct ifnet *ifp;
	struct psref pr;

	memcpy(&sin, dst, sizeof(sin));
	/* The route that went stood in the place of an address's own route. */
	if (asked && table == 0)
		in_route_inherit(rt_main(vn), sin.sin_addr.s_addr, len);
	else if (asked && rt_table_hold(vn, table, false, &tb) == 0) {
		in_route_inherit(tb, sin.sin_addr.s_addr, len);
		rt_table_drop(tb);
	}
	if (handle == 0)
		return;
	ifp = if_get_byhandle(vn, handle, &pr);
	if (ifp == NULL)
		return;
	arp_ifsweep(ifp);
	if_put(ifp, &pr);
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

/* Take an address out of every list and table, and announce its removal. */
static void
in_ifa_delete(struct ifnet *ifp, struct in_ifaddr *ia)
{
	struct ifaddr *ifa = &ia->ia_ifa;

	ifa_ref(ifa);
	arp_announce_stop(ifa);
	rt_ifa_withdraw(ifa);
	ifa_remove(ifp, ifa);
	/* Routes may have been added by requests that had found the address
	 * before. */
	rt_ifa_withdraw(ifa);
	arp_announce_stop(ifa);
	in_routes_inherit(ia);
	/* Routes that others added through the address take another address, or
	 * go. */
	rt_ifa_gone(ifa);
	arp_ifsweep(ifp);
	if_history_addr(ifp, IFHIST_ADDR_DELETE, ifa);
	rt_newaddrmsg(RTM_DELADDR, ifa);
	ifa_unref(ifa);
}

/*
 * Give an interface an address, in place of `old' if that is not NULL.  On an
 * error nothing is changed.
 */
static int
in_ifa_add(struct ifnet *ifp, const struct in_req *ir, struct in_ifaddr *old)
{
	struct in_ifaddr *ia;
	int error;

	ia = in_ifa_alloc(ifp, ir);
	if (ia == NULL)
		return ENOMEM;
	/* An unchanged address keeps its state (tentative, duplicated). */
	if (old != NULL && ia_addr4(old) == ir->ir_addr)
		ia->ia_ifa.ifa_flags = __atomic_load_n(&old->ia_ifa.ifa_flags,
		    __ATOMIC_RELAXED) & (IFA_TENTATIVE | IFA_DUPLICATED);
	error = ifa_insert(ifp, &ia->ia_ifa);
	if (error != 0)
		goto out;
	if (old != NULL)
		rt_ifa_withdraw(&old->ia_ifa);
	error = in_routes_add(ia);
	if (error == 0)
		error = if_addr_init(ifp, &ia->ia_ifa, true);
	/* Drivers with nothing to do for an address may not know it. */
	if (error == ENOTTY)
		error = 0;
	if (error != 0) {
		rt_ifa_withdraw(&ia->ia_ifa);
		ifa_remove(ifp, &ia->ia_ifa);
		/* Other threads may have found the address, added routes with
		 * it, and announced it when the interface came up. */
		rt_ifa_withdraw(&ia->ia_ifa);
		arp_announce_stop(&ia->ia_ifa);
		if (old != NULL)
			in_routes_must(old);
		in_routes_inherit(ia);
		rt_ifa_gone(&ia->ia_ifa);
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
