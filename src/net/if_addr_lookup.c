/*
 * Finding addresses: by hash for whole ones, far ends and broadcasts, by
 * longest prefix for networks.  All for read sections; none writes anything.
 */

#include "net/if_addr_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "proto/prefix.h"

#include <errno.h>

/* How many addresses ifa_find_af() looks at. */
#define FIND_AF_MAX	1024
/* How many addresses that share something a search looks at. */
#define BEST_MAX	64

static bool
usable(const struct ifaddr *ifa)
{

	return (__atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED) &
	    IFA_INACTIVE) == 0;
}

/* Is it sa, of the main table, and to be found? */
static inline bool
is_exact(const struct domain *dom, const struct ifaddr *ifa,
    const struct sockaddr *sa)
{

	/* The cache line of the socket address, while that of ifa_addr is
	 * still on its way. */
	__builtin_prefetch((const char *)ifa + dom->dom_addr_offset);
	return (__atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED) &
	    (IFA_INACTIVE | IFA_NUMBERED)) == 0 &&
	    ifa->ifa_addr->sa_family == sa->sa_family &&
	    dom->dom_sa_equal(ifa->ifa_addr, sa);
}

/* Is it of the table with the number? */
static inline bool
is_in(const struct ifaddr *ifa, uint32_t table)
{

	if ((__atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED) &
	    IFA_NUMBERED) == 0)
		return table == 0;
	return table != 0 && rt_table_number(ifa->ifa_ifp) == table;
}

static struct protoaddr *
next_sharing(const struct protoaddr *pa, enum pa_shared sh)
{

	return __atomic_load_n(&pa->pa_link[sh].pl_next, __ATOMIC_CONSUME);
}

static struct ifaddr *
first_on(struct ifnet *ifp)
{

	return __atomic_load_n(&TAILQ_FIRST(&ifp->if_addrlist),
	    __ATOMIC_CONSUME);
}

static struct ifaddr *
next_on(const struct ifaddr *ifa)
{

	return __atomic_load_n(&TAILQ_NEXT(ifa, ifa_list), __ATOMIC_CONSUME);
}

const struct sockaddr *
ifa_shared_sa(const struct ifaddr *ifa, enum pa_shared sh)
{

	return sh == PA_ADDR ? ifa->ifa_addr : ifa->ifa_dstaddr;
}

struct protoaddr *
ifa_sharing(const struct khash *kh, const struct domain *dom,
    const struct sockaddr *sa, enum pa_shared sh, uint32_t table)
{
	const struct sockaddr *have;
	struct khash_iter it;
	struct ifaddr *ifa;

	for (ifa = khash_first(kh, ifa_hash(dom, sa, table), &it);
	    ifa != NULL; ifa = khash_next(&it)) {
		have = ifa_shared_sa(ifa, sh);
		if (have->sa_family == sa->sa_family &&
		    dom->dom_sa_equal(have, sa) && is_in(ifa, table))
			return ifa_proto(ifa);
	}
	return NULL;
}

/* The first usable address equal to sa, in a table. */
static struct ifaddr *
exact(struct vnet *vn, const struct domain *dom, const struct sockaddr *sa,
    uint32_t table)
{
	struct protoaddr *pa;

	for (pa = ifa_sharing(&vn->vn_if->ifv_addrs, dom, sa, PA_ADDR, table);
	    pa != NULL; pa = next_sharing(pa, PA_ADDR))
		if (usable(&pa->pa_ifa))
			return &pa->pa_ifa;
	return NULL;
}

/*
 * The address sa of one interface, usable or not.  Many interfaces may have
 * it, and the interface may have many addresses: the two lists are walked side
 * by side, and the end of either is the end.
 */
static struct ifaddr *
exact_on(struct ifnet *ifp, const struct domain *dom,
    const struct sockaddr *sa)
{
	struct ifaddr *ifa = first_on(ifp);
	struct protoaddr *pa;

	for (pa = ifa_sharing(&ifp->if_vnet->vn_if->ifv_addrs, dom, sa,
	    PA_ADDR, rt_table_number(ifp)); pa != NULL && ifa != NULL;
	    pa = next_sharing(pa, PA_ADDR), ifa = next_on(ifa)) {
		if (pa->pa_ifa.ifa_ifp == ifp)
			return &pa->pa_ifa;
		if (ifa->ifa_addr->sa_family == sa->sa_family &&
		    dom->dom_sa_equal(ifa->ifa_addr, sa))
			return ifa;
	}
	return NULL;
}

/* The first usable address, of an interface with the flag, with sa at the far
 * end or as broadcast address. */
static struct ifaddr *
far_end(struct vnet *vn, const struct domain *dom, const struct sockaddr *sa,
    uint32_t flag)
{
	struct protoaddr *pa;

	for (pa = ifa_sharing(&vn->vn_if->ifv_dsts, dom, sa, PA_DST, 0);
	    pa != NULL; pa = next_sharing(pa, PA_DST))
		if ((__atomic_load_n(&pa->pa_ifa.ifa_ifp->if_flags,
		    __ATOMIC_RELAXED) & flag) != 0 && usable(&pa->pa_ifa))
			return &pa->pa_ifa;
	return NULL;
}

/* A link-level one, active or not, of the interface whose index it carries. */
static struct ifaddr *
exact_link(struct vnet *vn, const struct sockaddr_dl *sdl)
{
	struct ifnet *ifp = if_byindex(vn, sdl->sdl_index);
	const struct sockaddr_dl *have;
	struct ifaddr *ifa;

	for (ifa = ifp == NULL ? NULL : first_on(ifp); ifa != NULL;
	    ifa = next_on(ifa)) {
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
	ifa = exact(vn, dom, sa, 0);
	return ifa != NULL ? ifa : far_end(vn, dom, sa, IFF_BROADCAST);
}

struct ifaddr *
ifa_intable(const struct rt_table *tb, const struct sockaddr *sa)
{
	const struct domain *dom = domain_find(tb->tb_vnet, sa->sa_family);

	return dom == NULL ? NULL :
	    exact(tb->tb_vnet, dom, sa, tb->tb_number);
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

/* The first usable address of a prefix. */
static struct ifaddr *
first_usable(struct protoaddr *pa)
{

	while (pa != NULL && !usable(&pa->pa_ifa))
		pa = next_sharing(pa, PA_NET);
	return pa_ifa(pa);
}

/* The first usable address on the longest prefix of the main table. */
static struct ifaddr *
on_net(struct vnet *vn, const struct prefix *pf)
{
	unsigned len = PREFIX_BITS6 + 1;
	struct ifaddr *ifa = NULL;
	struct protoaddr *pa;

	while (ifa == NULL && (pa = if_nets_longest(&vn->vn_if->ifv_nets, pf,
	    &len)) != NULL)
		ifa = first_usable(pa);
	return ifa;
}

static inline struct ifaddr *
on_net4(struct vnet *vn, uint32_t key)
{
	const struct lpm_entry *le = lpm_lookup(&vn->vn_if->ifv_nets.in_ip4,
	    key);
	struct prefix pf;
	struct ifaddr *ifa;

	if (le == NULL)
		return NULL;
	/* Of the entry, only its place is looked at: the flags are in another
	 * cache line. */
	ifa = (struct ifaddr *)((uintptr_t)le -
	    offsetof(struct protoaddr, pa_net));
	if (__builtin_expect(usable(ifa), 1))
		return ifa;
	/* A deactivated interface is on its way out. */
	pf = prefix_of4(key, PREFIX_BITS4);
	return on_net(vn, &pf);
}

struct ifaddr *
ifa_ifwithprefix(struct vnet *vn, const struct prefix *pf)
{

	return first_usable(if_nets_find(&vn->vn_if->ifv_nets, pf));
}

/* --- the best of the addresses that share something ----------------------- */

struct best {
	int		(*be_rank)(const struct ifaddr *, void *);
	void		*be_arg;
	unsigned	 be_seen;
	int		 be_score;
	struct ifaddr	*be_ifa;
};

/* By the index of the interface, and of one interface by the address. */
static bool
comes_before(const struct ifaddr *a, const struct ifaddr *b)
{
	uint32_t ia = a->ifa_ifp->if_index, ib = b->ifa_ifp->if_index;
	struct prefix pa, pb;

	if (ia != ib)
		return ia < ib;
	pa = prefix_of_sa(a->ifa_addr);
	pb = prefix_of_sa(b->ifa_addr);
	return pa.pf_hi != pb.pf_hi ? pa.pf_hi < pb.pf_hi :
	    pa.pf_lo < pb.pf_lo;
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

static void
best_of(struct best *be, struct protoaddr *pa, enum pa_shared sh)
{

	be->be_seen = 0;
	for (; pa != NULL && be->be_seen < BEST_MAX; pa = next_sharing(pa, sh))
		best_try(be, &pa->pa_ifa);
}

struct ifaddr *
ifa_best(const struct rt_table *tb, const struct sockaddr *sa, unsigned len,
    int (*rank)(const struct ifaddr *, void *), void *arg)
{
	struct best be = { .be_rank = rank, .be_arg = arg };
	const struct domain *dom = domain_find(tb->tb_vnet, sa->sa_family);
	struct if_vnet *ifv = tb->tb_vnet->vn_if;
	struct prefix pf;

	if (dom == NULL)
		return NULL;
	pf = prefix_of_sa(sa);
	if (len < pf.pf_len) {
		prefix_cut(&pf, len);
		best_of(&be, if_nets_find(tb->tb_nets, &pf), PA_NET);
	} else {
		best_of(&be, ifa_sharing(&ifv->ifv_addrs, dom, sa, PA_ADDR,
		    tb->tb_number), PA_ADDR);
		best_of(&be, ifa_sharing(&ifv->ifv_dsts, dom, sa, PA_DST,
		    tb->tb_number), PA_DST);
	}
	return be.be_ifa;
}

bool
ifa_any_equal(const struct rt_table *tb, const struct sockaddr *sa,
    bool (*fits)(const struct ifaddr *, void *), void *arg)
{
	const struct domain *dom = domain_find(tb->tb_vnet, sa->sa_family);
	struct protoaddr *pa = NULL;

	if (dom != NULL)
		pa = ifa_sharing(&tb->tb_vnet->vn_if->ifv_addrs, dom, sa,
		    PA_ADDR, tb->tb_number);
	while (pa != NULL && !fits(&pa->pa_ifa, arg))
		pa = next_sharing(pa, PA_ADDR);
	return pa != NULL;
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
	struct prefix pf;

	switch (sa->sa_family) {
	case AF_LINK:
		ifp = if_byindex(vn,
		    ((const struct sockaddr_dl *)sa)->sdl_index);
		return ifp == NULL ? NULL :
		    __atomic_load_n(&ifp->if_dl, __ATOMIC_CONSUME);
	case AF_INET:
		return on_net4(vn, ntohl(
		    ((const struct sockaddr_in *)sa)->sin_addr.s_addr));
	case AF_INET6:
		pf = prefix_of_sa(sa);
		return on_net(vn, &pf);
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
ifa_find_af(struct vnet *vn, int af,
    bool (*fits)(const struct ifaddr *, const void *), const void *arg)
{
	const struct domain *dom = domain_find(vn, af);
	struct protoaddr *pa;
	unsigned n = 0;

	if (dom == NULL)
		return NULL;
	for (pa = first_of(vn, dom); pa != NULL && n < FIND_AF_MAX;
	    pa = next_of(pa), n++)
		if (usable(&pa->pa_ifa) && fits(&pa->pa_ifa, arg))
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
	return dom == NULL ? NULL : exact_on(ifp, dom, sa);
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

/* The interface and the condition of a search, and how many addresses it has
 * looked at. */
struct leading {
	struct ifnet	*ld_ifp;
	bool		(*ld_fits)(const struct ifaddr *);
	unsigned	 ld_seen;
};

static bool
lead_fits(const struct leading *ld, const struct ifaddr *ifa)
{

	return ld->ld_fits == NULL || ld->ld_fits(ifa);
}

/* The first of the interface's of addresses that share something. */
static struct ifaddr *
lead_sharing(struct leading *ld, struct protoaddr *pa, enum pa_shared sh)
{

	for (; pa != NULL && ld->ld_seen < BEST_MAX;
	    pa = next_sharing(pa, sh), ld->ld_seen++)
		if (pa->pa_ifa.ifa_ifp == ld->ld_ifp &&
		    lead_fits(ld, &pa->pa_ifa))
			return &pa->pa_ifa;
	return NULL;
}

static struct ifaddr *
lead_lookup(struct leading *ld, const struct domain *dom,
    const struct sockaddr *sa)
{
	struct if_vnet *ifv = ld->ld_ifp->if_vnet->vn_if;
	const struct rt_table *tb = rt_table_of(ld->ld_ifp);
	const struct prefix pf = prefix_of_sa(sa);
	unsigned len = PREFIX_BITS6 + 1;
	struct protoaddr *pa;
	struct ifaddr *ifa;

	ifa = lead_sharing(ld, ifa_sharing(&ifv->ifv_addrs, dom, sa, PA_ADDR,
	    tb->tb_number), PA_ADDR);
	if (ifa == NULL)
		ifa = lead_sharing(ld, ifa_sharing(&ifv->ifv_dsts, dom, sa,
		    PA_DST, tb->tb_number), PA_DST);
	while (ifa == NULL &&
	    (pa = if_nets_longest(tb->tb_nets, &pf, &len)) != NULL)
		ifa = lead_sharing(ld, pa, PA_NET);
	return ifa;
}

/* The last address of the interface; NULL: none. */
static struct ifaddr *
last_on(struct ifnet *ifp)
{
	struct ifaddr **last = __atomic_load_n(&ifp->if_addrlist.tqh_last,
	    __ATOMIC_CONSUME);

	return last == &TAILQ_FIRST(&ifp->if_addrlist) ? NULL :
	    (struct ifaddr *)((uintptr_t)last -
	    offsetof(struct ifaddr, ifa_list.tqe_next));
}

struct ifaddr *
ifa_ifp_leading(struct ifnet *ifp, const struct sockaddr *sa,
    bool (*fits)(const struct ifaddr *))
{
	struct leading ld = { .ld_ifp = ifp, .ld_fits = fits };
	const struct domain *dom = domain_find(ifp->if_vnet, sa->sa_family);
	struct ifaddr *ifa, *last = NULL;

	if (dom == NULL)
		return NULL;
	if (sa->sa_family == AF_INET || sa->sa_family == AF_INET6) {
		ifa = lead_lookup(&ld, dom, sa);
		if (ifa == NULL && ld.ld_seen < BEST_MAX)
			ifa = last_on(ifp);
		if (ifa != NULL && ifa->ifa_addr->sa_family == sa->sa_family &&
		    lead_fits(&ld, ifa))
			return ifa;
	}
	for (ifa = first_on(ifp); ifa != NULL; ifa = next_on(ifa)) {
		if (ifa->ifa_addr->sa_family != sa->sa_family ||
		    !lead_fits(&ld, ifa))
			continue;
		if (leads_to(dom, ifa, sa))
			return ifa;
		last = ifa;
	}
	return last;
}

struct ifaddr *
ifaof_ifpforaddr(const struct sockaddr *sa, struct ifnet *ifp)
{

	if (if_is_deactivated(ifp))
		return NULL;
	if (sa->sa_family == AF_LINK)
		return __atomic_load_n(&ifp->if_dl, __ATOMIC_CONSUME);
	return ifa_ifp_leading(ifp, sa, NULL);
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
