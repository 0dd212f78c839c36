/*
 * Finding addresses: by hash for whole ones, far ends and broadcasts, by
 * longest prefix for networks.  All for read sections; none writes anything.
 */

#include "net/if_impl.h"
#include "net/route.h"

#include <errno.h>

/* How many addresses ifa_find_af() looks at. */
#define FIND_AF_MAX	1024
/* How many of those that share an address, or a prefix, ifa_best() compares. */
#define BEST_MAX	64

static bool
usable(const struct ifaddr *ifa)
{

	return (__atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED) &
	    IFA_INACTIVE) == 0;
}

/* Is it sa, and to be found? */
static inline bool
is_exact(const struct domain *dom, const struct ifaddr *ifa,
    const struct sockaddr *sa)
{

	/* Beside the line with the pointer to it. */
	__builtin_prefetch((const char *)ifa + dom->dom_addr_offset);
	return usable(ifa) && ifa->ifa_addr->sa_family == sa->sa_family &&
	    dom->dom_sa_equal(ifa->ifa_addr, sa);
}

/* The address sa itself, of ifp alone when that is given. */
static struct ifaddr *
exact(struct vnet *vn, const struct domain *dom, const struct sockaddr *sa,
    const struct ifnet *ifp)
{
	struct khash_iter it;
	struct ifaddr *ifa;

	for (ifa = khash_first(&vn->vn_if->ifv_addrs, dom->dom_sa_hash(sa),
	    &it); ifa != NULL; ifa = khash_next(&it)) {
		if ((ifp == NULL || ifa->ifa_ifp == ifp) &&
		    ifa->ifa_addr->sa_family == sa->sa_family &&
		    dom->dom_sa_equal(ifa->ifa_addr, sa) &&
		    (ifp != NULL || usable(ifa)))
			break;
	}
	return ifa;
}

/* The first usable one, of an interface with the flag, of addresses that share
 * a far end or broadcast address. */
static struct ifaddr *
first_with(struct ifaddr *ifa, uint32_t flag)
{
	struct protoaddr *pa;

	for (pa = ifa_proto(ifa); pa != NULL;
	    pa = __atomic_load_n(&pa->pa_dstnext, __ATOMIC_CONSUME))
		if ((__atomic_load_n(&pa->pa_ifa.ifa_ifp->if_flags,
		    __ATOMIC_RELAXED) & flag) != 0 && usable(&pa->pa_ifa))
			return &pa->pa_ifa;
	return NULL;
}

/* The address with sa at the far end, or as broadcast, by interface flag. */
static struct ifaddr *
far_end(struct vnet *vn, const struct domain *dom, const struct sockaddr *sa,
    uint32_t flag)
{
	struct khash_iter it;
	struct ifaddr *ifa;

	for (ifa = khash_first(&vn->vn_if->ifv_dsts, dom->dom_sa_hash(sa),
	    &it); ifa != NULL; ifa = khash_next(&it))
		if (ifa->ifa_dstaddr->sa_family == sa->sa_family &&
		    dom->dom_sa_equal(ifa->ifa_dstaddr, sa))
			return first_with(ifa, flag);
	return NULL;
}

/* A link-level one, active or not, of the interface whose index it carries. */
static struct ifaddr *
exact_link(struct vnet *vn, const struct sockaddr_dl *sdl)
{
	struct ifnet *ifp = if_byindex(vn, sdl->sdl_index);
	const struct sockaddr_dl *have;
	struct ifaddr *ifa;

	for (ifa = ifp == NULL ? NULL : __atomic_load_n(
	    &TAILQ_FIRST(&ifp->if_addrlist), __ATOMIC_CONSUME); ifa != NULL;
	    ifa = __atomic_load_n(&TAILQ_NEXT(ifa, ifa_list),
	    __ATOMIC_CONSUME)) {
		have = (const struct sockaddr_dl *)ifa->ifa_addr;
		if (have->sdl_family == AF_LINK &&
		    have->sdl_alen == sdl->sdl_alen && memcmp(have->sdl_data,
		    sdl->sdl_data, have->sdl_alen) == 0)
			break;
	}
	return ifa;
}

struct ifaddr *
ifa_ifwithaddr(struct vnet *vn, const struct sockaddr *sa)
{
	const struct domain *dom;
	struct ifaddr *ifa;

	if (sa->sa_family == AF_LINK)
		return exact_link(vn, (const struct sockaddr_dl *)sa);
	dom = domain_find(vn, sa->sa_family);
	if (dom == NULL)
		return NULL;
	ifa = khash_guess(&vn->vn_if->ifv_addrs, dom->dom_sa_hash(sa));
	if (ifa != NULL && is_exact(dom, ifa, sa))
		return ifa;
	ifa = exact(vn, dom, sa, NULL);
	return ifa != NULL ? ifa : far_end(vn, dom, sa, IFF_BROADCAST);
}

struct ifaddr *
ifa_ifwithdstaddr(struct vnet *vn, const struct sockaddr *sa)
{
	const struct domain *dom;

	dom = domain_find(vn, sa->sa_family);
	return dom == NULL ? NULL : far_end(vn, dom, sa, IFF_POINTOPOINT);
}

static struct ifaddr *
pa_ifa(struct protoaddr *pa)
{

	return pa == NULL ? NULL : &pa->pa_ifa;
}

/* The first usable one of those that share a prefix. */
static struct ifaddr *
first_usable(struct lpm_entry *le)
{
	struct protoaddr *pa;

	pa = (struct protoaddr *)((char *)le -
	    offsetof(struct protoaddr, pa_net));
	while (pa != NULL && !usable(&pa->pa_ifa))
		pa = __atomic_load_n(&pa->pa_netnext, __ATOMIC_CONSUME);
	return pa_ifa(pa);
}

static struct ifaddr *
inet_net(struct vnet *vn, uint32_t key)
{
	const struct lpm *l = &vn->vn_if->ifv_nets;
	struct lpm_entry *le;
	struct ifaddr *ifa;
	unsigned len;

	le = lpm_lookup(l, key);
	if (le == NULL)
		return NULL;
	ifa = first_usable(le);
	/* Only while a deactivated interface is on its way out: shorter ones
	 * one by one. */
	for (len = le->le_len; ifa == NULL && len-- > 0;) {
		le = lpm_find(l, len == 0 ? 0 :
		    key & (uint32_t)(UINT64_MAX << (32 - len)), len);
		if (le != NULL)
			ifa = first_usable(le);
	}
	return ifa;
}

struct ifaddr *
ifa_ifwithprefix(struct vnet *vn, uint32_t dst, unsigned len)
{
	struct lpm_entry *le;

	le = lpm_find(&vn->vn_if->ifv_nets, len == 0 ? 0 :
	    ntohl(dst) & (uint32_t)(UINT64_MAX << (32 - len)), len);
	return le == NULL ? NULL : first_usable(le);
}

/* --- the best of those that share something ------------------------------- */

struct best {
	int		(*be_rank)(const struct ifaddr *, void *);
	void		*be_arg;
	unsigned	 be_seen;
	int		 be_score;
	struct ifaddr	*be_ifa;
};

static uint32_t
sin_host(const struct sockaddr *sa)
{

	return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr);
}

/* By the index of the interface, and of one interface by the address. */
static bool
comes_before(const struct ifaddr *a, const struct ifaddr *b)
{
	uint32_t ia = a->ifa_ifp->if_index, ib = b->ifa_ifp->if_index;

	return ia != ib ? ia < ib :
	    sin_host(a->ifa_addr) < sin_host(b->ifa_addr);
}

static void
best_try(struct best *be, struct ifaddr *ifa)
{
	int score = usable(ifa) ? be->be_rank(ifa, be->be_arg) : 0;

	be->be_seen++;
	if (score > be->be_score || (score > 0 && score == be->be_score &&
	    comes_before(ifa, be->be_ifa))) {
		be->be_score = score;
		be->be_ifa = ifa;
	}
}

struct ifaddr *
ifa_best(struct vnet *vn, const struct sockaddr_in *sin, unsigned len,
    int (*rank)(const struct ifaddr *, void *), void *arg)
{
	struct best be = { .be_rank = rank, .be_arg = arg };
	const struct domain *dom = domain_find(vn, sin->sin_family);
	struct if_vnet *ifv = vn->vn_if;
	struct protoaddr *pa = NULL;
	struct lpm_entry *le;
	struct khash_iter it;
	struct ifaddr *ifa;
	uint32_t hash;

	if (dom == NULL)
		return NULL;
	if (len < 32) {
		le = lpm_find(&ifv->ifv_nets, len == 0 ? 0 :
		    ntohl(sin->sin_addr.s_addr) &
		    (uint32_t)(UINT64_MAX << (32 - len)), len);
		if (le != NULL)
			pa = (struct protoaddr *)((char *)le -
			    offsetof(struct protoaddr, pa_net));
		for (; pa != NULL && be.be_seen < BEST_MAX;
		    pa = __atomic_load_n(&pa->pa_netnext, __ATOMIC_CONSUME))
			best_try(&be, &pa->pa_ifa);
		return be.be_ifa;
	}
	hash = dom->dom_sa_hash((const struct sockaddr *)sin);
	for (ifa = khash_first(&ifv->ifv_addrs, hash, &it);
	    ifa != NULL && be.be_seen < BEST_MAX; ifa = khash_next(&it))
		best_try(&be, ifa);
	be.be_seen = 0;
	for (ifa = khash_first(&ifv->ifv_dsts, hash, &it);
	    ifa != NULL && be.be_seen < BEST_MAX; ifa = khash_next(&it))
		for (pa = ifa_proto(ifa); pa != NULL && be.be_seen < BEST_MAX;
		    pa = __atomic_load_n(&pa->pa_dstnext, __ATOMIC_CONSUME))
			best_try(&be, &pa->pa_ifa);
	return be.be_ifa;
}

static struct protoaddr *
first_of(struct vnet *vn, const struct domain *dom)
{

	return __atomic_load_n(&LIST_FIRST(&vn->vn_if->ifv_af[dom->dom_slot]),
	    __ATOMIC_CONSUME);
}

static struct protoaddr *
next_of(struct protoaddr *pa)
{

	return __atomic_load_n(&LIST_NEXT(pa, pa_aflink), __ATOMIC_CONSUME);
}

/* A family without netmasks: the network itself before a range. */
static struct ifaddr *
match_net(struct vnet *vn, const struct sockaddr *sa)
{
	const struct domain *dom = domain_find(vn, sa->sa_family);
	enum dom_match best = DOM_MATCH_NONE, match;
	struct protoaddr *pa, *found = NULL;

	if (dom == NULL || dom->dom_net_match == NULL)
		return NULL;
	for (pa = first_of(vn, dom); pa != NULL; pa = next_of(pa)) {
		match = usable(&pa->pa_ifa) ?
		    dom->dom_net_match(&pa->pa_ifa, sa) : DOM_MATCH_NONE;
		if (match > best) {
			best = match;
			found = pa;
		}
	}
	return pa_ifa(found);
}

struct ifaddr *
ifa_ifwithnet(struct vnet *vn, const struct sockaddr *sa)
{
	struct ifnet *ifp;

	switch (sa->sa_family) {
	case AF_LINK:
		ifp = if_byindex(vn,
		    ((const struct sockaddr_dl *)sa)->sdl_index);
		return ifp == NULL ? NULL :
		    __atomic_load_n(&ifp->if_dl, __ATOMIC_CONSUME);
	case AF_INET:
		return inet_net(vn, ntohl(
		    ((const struct sockaddr_in *)sa)->sin_addr.s_addr));
	default:
		return match_net(vn, sa);
	}
}

struct ifaddr *
ifa_ifwithladdr(struct vnet *vn, const struct sockaddr *sa)
{
	struct ifaddr *ifa;

	if ((ifa = ifa_ifwithaddr(vn, sa)) == NULL &&
	    (ifa = ifa_ifwithdstaddr(vn, sa)) == NULL)
		ifa = ifa_ifwithnet(vn, sa);
	return ifa;
}

/* Nearly every interface has one, so it is found at once. */
static struct ifaddr *
any_link(struct vnet *vn)
{
	const struct if_table *it;
	struct ifaddr *ifa = NULL;
	struct ifnet *ifp;

	it = __atomic_load_n(&vn->vn_if->ifv_table, __ATOMIC_CONSUME);
	for (unsigned i = 1; ifa == NULL && it != NULL && i < it->it_size;
	    i++) {
		ifp = if_byindex(vn, i);
		if (ifp != NULL)
			ifa = __atomic_load_n(&ifp->if_dl, __ATOMIC_CONSUME);
	}
	return ifa;
}

struct ifaddr *
ifa_find_af(struct vnet *vn, int af, bool (*fits)(const struct ifaddr *))
{
	const struct domain *dom = domain_find(vn, af);
	struct protoaddr *pa;
	unsigned n = 0;

	if (dom == NULL)
		return NULL;
	for (pa = first_of(vn, dom); pa != NULL && n < FIND_AF_MAX;
	    pa = next_of(pa), n++)
		if (usable(&pa->pa_ifa) && fits(&pa->pa_ifa))
			return &pa->pa_ifa;
	return NULL;
}

struct ifaddr *
ifa_ifwithaf(struct vnet *vn, int af)
{
	const struct domain *dom;
	struct protoaddr *pa;

	if (af == AF_LINK)
		return any_link(vn);
	dom = domain_find(vn, af);
	if (dom == NULL)
		return NULL;
	pa = first_of(vn, dom);
	while (pa != NULL && !usable(&pa->pa_ifa))
		pa = next_of(pa);
	return pa_ifa(pa);
}

struct ifaddr *
ifa_ifp_find(struct ifnet *ifp, const struct sockaddr *sa)
{
	const struct domain *dom;

	dom = domain_find(ifp->if_vnet, sa->sa_family);
	return dom == NULL ? NULL : exact(ifp->if_vnet, dom, sa, ifp);
}

/* Is this address the way to sa? */
static bool
leads_to(const struct domain *dom, const struct ifaddr *ifa,
    const struct sockaddr *sa)
{

	if (dom->dom_sa_equal(ifa->ifa_addr, sa))
		return true;
	if (ifa->ifa_dstaddr != NULL && dom->dom_sa_equal(ifa->ifa_dstaddr, sa))
		return true;
	return ifa->ifa_netmask != NULL &&
	    dom->dom_sa_within(sa, ifa->ifa_addr, ifa->ifa_netmask);
}

struct ifaddr *
ifaof_ifpforaddr(const struct sockaddr *sa, struct ifnet *ifp)
{
	struct ifaddr *ifa, *last = NULL;
	const struct domain *dom;

	if (if_is_deactivated(ifp))
		return NULL;
	dom = domain_find(ifp->if_vnet, sa->sa_family);
	if (sa->sa_family == AF_LINK)
		return __atomic_load_n(&ifp->if_dl, __ATOMIC_CONSUME);
	if (dom == NULL)
		return NULL;
	for (ifa = __atomic_load_n(&TAILQ_FIRST(&ifp->if_addrlist),
	    __ATOMIC_CONSUME); ifa != NULL;
	    ifa = __atomic_load_n(&TAILQ_NEXT(ifa, ifa_list),
	    __ATOMIC_CONSUME)) {
		if (ifa->ifa_addr->sa_family != sa->sa_family)
			continue;
		if (leads_to(dom, ifa, sa))
			return ifa;
		last = ifa;
	}
	return last;
}

/* --- the same, with a reference ----------------------------------------- */

static struct ifaddr *
hold(struct vnet *vn, struct ifaddr *ifa, struct psref *pr, const char *file,
    int line)
{

	if (ifa != NULL)
		psref_acquire_at(vn->vn_kern, pr, &ifa->ifa_psref, file, line);
	return ifa;
}

struct ifaddr *
ifa_lookup_psref_at(struct vnet *vn, ifa_lookup_fn *fn,
    const struct sockaddr *sa, struct psref *pr, const char *file, int line)
{
	struct ifaddr *ifa;

	pserialize_read_enter();
	ifa = hold(vn, fn(vn, sa), pr, file, line);
	pserialize_read_exit();
	return ifa;
}

struct ifaddr *
ifa_ifwithaf_psref_at(struct vnet *vn, int af, struct psref *pr,
    const char *file, int line)
{
	struct ifaddr *ifa;

	pserialize_read_enter();
	ifa = hold(vn, ifa_ifwithaf(vn, af), pr, file, line);
	pserialize_read_exit();
	return ifa;
}

struct ifaddr *
ifaof_ifpforaddr_psref_at(const struct sockaddr *sa, struct ifnet *ifp,
    struct psref *pr, const char *file, int line)
{
	struct ifaddr *ifa;

	pserialize_read_enter();
	ifa = hold(ifp->if_vnet, ifaof_ifpforaddr(sa, ifp), pr, file, line);
	pserialize_read_exit();
	return ifa;
}
