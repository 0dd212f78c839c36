/*
 * in6_src: which of a host's addresses is the source of a packet (RFC 6724 5).
 *
 * The candidates are the addresses of the interface that the packet leaves by
 * (section 4); an interface without a fitting one borrows another's of the same
 * table of routes, as an unnumbered one does in IPv4.
 */

#include "net/if_addr_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet6/in6_impl.h"

/* A row of the policy table (RFC 6724 2.1). */
struct policy {
	uint64_t	 po_hi, po_lo;
	uint8_t		 po_len, po_precedence, po_label;
};

static const struct policy policies[] = {
	{ 0, 1, 128, 50, 0 },					/* ::1 */
	{ 0, 0xffffull << 32, 96, 35, 4 },		/* ::ffff:0:0/96 */
	{ 0, 0, 96, 1, 3 },				/* ::/96 */
	{ 0x20010000ull << 32, 0, 32, 5, 5 },		/* Teredo */
	{ 0x2002ull << 48, 0, 16, 30, 2 },		/* 6to4 */
	{ 0x3ffeull << 48, 0, 16, 1, 12 },		/* 6bone */
	{ 0xfec0ull << 48, 0, 10, 1, 11 },		/* site-local */
	{ 0xfc00ull << 48, 0, 7, 3, 13 },		/* unique local */
	{ 0, 0, 0, 40, 1 },
};
#define NPOLICIES	(sizeof(policies) / sizeof(policies[0]))

static unsigned
label_of(const union neigh_addr *na)
{
	const struct prefix pf = prefix_of6(na, PREFIX_BITS6);
	struct prefix row = { .pf_family = AF_INET6 };

	for (size_t i = 0; i < NPOLICIES; i++) {
		row.pf_hi = policies[i].po_hi;
		row.pf_lo = policies[i].po_lo;
		row.pf_len = policies[i].po_len;
		if (prefix_has(&row, &pf))
			return policies[i].po_label;
	}
	return 0;
}

/* RFC 6724 3.1: the scopes of groups, for all addresses. */
static unsigned
scope_of(const uint8_t *a)
{

	if (zone6_is_multicast(a))
		return zone6_mcast_scope(a);
	if (zone6_is_linklocal(a))
		return 2;
	if (a[0] == 0xfe && (a[1] & 0xc0) == 0xc0)
		return 5;
	return 14;
}

struct choice {
	const union neigh_addr *ch_dst;
	unsigned	 ch_scope, ch_label;	/* of the destination */
	const struct in6_ifaddr *ch_ia;		/* the best so far */
	union neigh_addr ch_addr;		/* its address */
	uint32_t	 ch_flags;
};

/* The bits that an address and the destination have in common, as many as its
 * prefix has at most (rule 8). */
static unsigned
common(const struct choice *ch, const struct in6_ifaddr *ia,
    const union neigh_addr *na)
{
	const struct prefix a = prefix_of6(na, PREFIX_BITS6);
	const struct prefix b = prefix_of6(ch->ch_dst, PREFIX_BITS6);
	unsigned n = prefix_common(&a, &b), most = ia->ia6_proto.pa_len;

	return n < most ? n : most;
}

/* Is the address better than the best so far?  RFC 6724 5, by the numbers of
 * its rules. */
static bool
is_better(const struct choice *ch, const struct in6_ifaddr *ia,
    const union neigh_addr *na, uint32_t flags)
{
	unsigned sa = scope_of(na->na_bytes), sb;
	bool a, b;
	int16_t pa, pb;

	if (ch->ch_ia == NULL)
		return true;
	a = neigh_addr_equal(na, ch->ch_dst);			/* 1 */
	b = neigh_addr_equal(&ch->ch_addr, ch->ch_dst);
	if (a != b)
		return a;
	sb = scope_of(ch->ch_addr.na_bytes);			/* 2 */
	if (sa != sb)
		return sa < sb ? sa >= ch->ch_scope : sb < ch->ch_scope;
	a = (flags & IN6_IFF_DEPRECATED) == 0;			/* 3 */
	b = (ch->ch_flags & IN6_IFF_DEPRECATED) == 0;
	if (a != b)
		return a;
	pa = __atomic_load_n(&ia->ia6_ifa.ifa_preference, __ATOMIC_RELAXED);
	pb = __atomic_load_n(&ch->ch_ia->ia6_ifa.ifa_preference,
	    __ATOMIC_RELAXED);
	if (pa != pb)						/* ours */
		return pa > pb;
	a = label_of(na) == ch->ch_label;			/* 6 */
	b = label_of(&ch->ch_addr) == ch->ch_label;
	if (a != b)
		return a;
	a = (flags & IN6_IFF_TEMPORARY) != 0;			/* 7 */
	b = (ch->ch_flags & IN6_IFF_TEMPORARY) != 0;
	if (a != b)
		return a;
	return common(ch, ia, na) > common(ch, ch->ch_ia, &ch->ch_addr);
}

static void
consider(struct choice *ch, const struct ifaddr *ifa)
{
	const struct in6_ifaddr *ia;
	union neigh_addr na;
	uint32_t flags;

	if (ifa->ifa_addr->sa_family != AF_INET6 || !in6_ifa_usable(ifa))
		return;
	ia = ifatoia6(ifa);
	(void)zone6_from_sa(&ia->ia6_addr, &na);
	flags = in6_ifa_flags(ifa);
	/* An anycast address is no source (RFC 4291 2.6). */
	if ((flags & IN6_IFF_ANYCAST) != 0 || !is_better(ch, ia, &na, flags))
		return;
	ch->ch_ia = ia;
	ch->ch_addr = na;
	ch->ch_flags = flags;
}

/* Does the address reach as far as the destination is? */
static bool
reaches(const struct choice *ch)
{

	return ch->ch_ia != NULL && scope_of(ch->ch_addr.na_bytes) >=
	    ch->ch_scope;
}

/* Another interface's address, for packets that travel. */
static bool
may_lend(const struct ifaddr *ifa, const void *tb)
{
	union neigh_addr na;

	if (!in6_ifa_usable(ifa) || rt_table_of(ifa->ifa_ifp) != tb ||
	    (in6_ifa_flags(ifa) & IN6_IFF_ANYCAST) != 0)
		return false;
	(void)zone6_from_sa(&ifatoia6(ifa)->ia6_addr, &na);
	return scope_of(na.na_bytes) == 14 &&
	    (if_flags_get(ifa->ifa_ifp) & IFF_LOOPBACK) == 0;
}

bool
in6_source(struct ifnet *ifp, const union neigh_addr *dst,
    union neigh_addr *src)
{
	struct choice ch = {
		.ch_dst = dst, .ch_scope = scope_of(dst->na_bytes),
		.ch_label = label_of(dst),
	};
	const struct ifaddr *ifa;

	if (if_is_deactivated(ifp))
		return false;
	for (ifa = __atomic_load_n(&TAILQ_FIRST(&ifp->if_addrlist),
	    __ATOMIC_CONSUME); ifa != NULL; ifa = __atomic_load_n(
	    &TAILQ_NEXT(ifa, ifa_list), __ATOMIC_CONSUME))
		consider(&ch, ifa);
	if (!reaches(&ch) && ch.ch_scope > 2) {
		ifa = ifa_find_af(ifp->if_vnet, AF_INET6, may_lend,
		    rt_table_of(ifp));
		if (ifa != NULL)
			consider(&ch, ifa);
	}
	if (ch.ch_ia == NULL)
		return false;
	*src = ch.ch_addr;
	return true;
}

bool
in6_ifa_usable(const struct ifaddr *ifa)
{

	return (__atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED) &
	    (IFA_TENTATIVE | IFA_DUPLICATED | IFA_DESTROYING |
	    IFA_INACTIVE)) == 0 && (if_flags_get(ifa->ifa_ifp) & IFF_UP) != 0;
}

struct ifaddr *
in6_ifp_find(struct ifnet *ifp, const union neigh_addr *addr)
{
	struct sockaddr_in6 sin6;

	zone6_to_sa(addr, &sin6);
	return ifa_ifp_find(ifp, (const struct sockaddr *)&sin6);
}
