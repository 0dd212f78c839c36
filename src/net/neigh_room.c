/*
 * neigh_room: entries of the neighbour cache come and go, and which of them
 * there is room for.
 *
 * Any sender can make an interface learn neighbours and ask for them, at any
 * rate, so they must not take the place of neighbours that are used (RFC 6583).
 * Each entry is in the list of its class (enum neigh_class), in order of age.
 * A new entry takes the place of the oldest of the least valuable class, and
 * never that of a neighbour that was used lately, unless it is set by hand.
 * Entries without an answer, and entries that were learnt and have yet to
 * answer, have a share of the table each, and questions a rate.
 *
 * A question is charged to the interface and the source of its packet besides,
 * so that a scan that comes by one interface, or from one source, leaves some
 * for the others.
 */

#include "net/neigh_cache.h"

#include "net/rtsock.h"

/* Entries that were used again which are passed over to find one that makes
 * room. */
#define NEIGH_CHANCES	8

void
neigh_class_set(struct neigh *ne, enum neigh_class class)
{
	struct neigh_if *ni = neigh_if_of(ne);

	neigh_class_leave(ne);
	ne->ne_class = (uint8_t)class;
	TAILQ_INSERT_TAIL(&ni->ni_list[class], ne, ne_iflink);
	ni->ni_count[class]++;
	neigh_fam_of(ne)->nf_count[class]++;
}

void
neigh_class_leave(struct neigh *ne)
{
	struct neigh_if *ni = neigh_if_of(ne);

	if (ne->ne_class == NEIGH_C_NONE)
		return;
	TAILQ_REMOVE(&ni->ni_list[ne->ne_class], ne, ne_iflink);
	ni->ni_count[ne->ne_class]--;
	neigh_fam_of(ne)->nf_count[ne->ne_class]--;
	ne->ne_class = NEIGH_C_NONE;
}

struct neigh *
neigh_entry_next(const struct neigh_if *ni, const struct neigh *ne)
{
	struct neigh *next = NULL;
	unsigned i = NEIGH_C_NONE;

	if (ne != NULL) {
		next = TAILQ_NEXT(ne, ne_iflink);
		i = ne->ne_class;
	}
	while (next == NULL && ++i < NEIGH_NCLASSES)
		next = TAILQ_FIRST(&ni->ni_list[i]);
	return next;
}

void
neigh_entry_unhold(struct neigh *ne, struct neigh_pkts *np)
{
	struct neigh_if *ni = neigh_if_of(ne);

	if (ne->ne_hold == NULL)
		return;
	for (const struct mbuf *m = ne->ne_hold; m != NULL; m = m->m_nextpkt)
		mbuf_share_give_part(if_kern(ne->ne_ifp),
		    MBUF_SHARE_NEIGHBOURS, m, &ni->ni_held);
	*np->np_tail = ne->ne_hold;
	np->np_tail = &ne->ne_holdtail->m_nextpkt;
	__atomic_fetch_sub(&ni->ni_oqueued, ne->ne_nhold, __ATOMIC_RELAXED);
	ne->ne_hold = ne->ne_holdtail = NULL;
	ne->ne_nhold = 0;
}

void
neigh_entry_free(struct neigh *ne)
{
	struct neigh_cache *nc = ne->ne_ifp->if_vnet->vn_neigh;

	wheel_take(&nc->nc_wheel, &ne->ne_wheel);
	neigh_class_leave(ne);
	if (neigh_entry_announced(ne))
		rt_neighmsg(RTM_DELETE, ne);
	neigh_remove(&nc->nc_table, ne);
}

/* --- the interface's part ------------------------------------------------ */

struct neigh_if *
neigh_ifdata(struct ifnet *ifp, unsigned slot)
{
	struct neigh_if *ni = neigh_if(ifp, slot);

	/* The interface's neighbours are deleted after its deactivation, so
	 * none is added from here on. */
	if (if_is_deactivated(ifp))
		return NULL;
	if (ni != NULL)
		return ni;
	ni = kmem_zalloc(if_kern(ifp), sizeof(*ni));
	if (ni == NULL)
		return NULL;
	ni->ni_kern = if_kern(ifp);
	for (unsigned i = 0; i < NEIGH_NCLASSES; i++)
		TAILQ_INIT(&ni->ni_list[i]);
	__atomic_store_n(&ifp->if_afdata[slot], ni, __ATOMIC_RELEASE);
	return ni;
}

static uint64_t
entries(const struct neigh_if *ni)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < NEIGH_NCLASSES; i++)
		n += ni->ni_count[i];
	return n;
}

/* --- making room --------------------------------------------------------- */

/* Classes as a set. */
#define IN(class)	(1u << (class))
#define UNRESOLVED	(IN(NEIGH_C_FAILED) | IN(NEIGH_C_ASKED))

static enum neigh_count
count_of(enum neigh_class class)
{

	switch (class) {
	case NEIGH_C_FAILED:
	case NEIGH_C_ASKED:
		return NEIGH_N_PUSHED_INCOMPLETE;
	case NEIGH_C_UNUSED:
		return NEIGH_N_PUSHED_UNUSED;
	default:
		return NEIGH_N_PUSHED_IDLE;
	}
}

/* Free the oldest entry of the least valuable of some classes; false: there is
 * none. */
static bool
push_out(struct neigh_fam *nf, struct neigh_if *ni, unsigned classes,
    struct neigh_pkts *pushed)
{
	unsigned i = NEIGH_C_NONE + 1, chances = NEIGH_CHANCES;
	struct neigh *ne;

	while (i < NEIGH_C_STATIC) {
		ne = TAILQ_FIRST(&ni->ni_list[i]);
		if (ne == NULL || (classes & IN(i)) == 0) {
			i++;
			continue;
		}
		if (i == NEIGH_C_IDLE &&
		    neigh_used(ne)) {
			/* The timer has yet to see that it is used again. */
			neigh_class_set(ne, NEIGH_C_USED);
			if (--chances == 0)
				i++;
			continue;
		}
		nf->nf_proto->np_count(ne->ne_ifp->if_vnet,
		    count_of((enum neigh_class)i));
		neigh_entry_unhold(ne, pushed);
		neigh_entry_free(ne);
		return true;
	}
	return false;
}

/* A share of the table, of which there is never more than half. */
static uint64_t
share(const struct neigh_fam *nf, const int64_t *setting)
{
	uint64_t n = neigh_setting(setting);
	uint64_t half = neigh_setting(&nf->nf_maxentries) / 2;

	return n < half ? n : half;
}

/* Room within the class's own share. */
static bool
share_room(struct neigh_fam *nf, struct neigh_if *ni, enum neigh_class class,
    struct neigh_pkts *pushed)
{
	const uint32_t *count = ni->ni_count;
	uint64_t limit, n;
	unsigned of;

	switch (class) {
	case NEIGH_C_ASKED:
		limit = share(nf, &nf->nf_maxincomplete);
		n = (uint64_t)count[NEIGH_C_FAILED] + count[NEIGH_C_ASKED];
		of = UNRESOLVED;
		break;
	case NEIGH_C_UNUSED:
		limit = share(nf, &nf->nf_maxunused);
		n = count[NEIGH_C_UNUSED];
		of = IN(NEIGH_C_UNUSED);
		break;
	default:
		return true;
	}
	if (limit == 0)
		return false;
	/* Two, should the limit be lower than it was. */
	for (unsigned i = 0; i < 2 && n >= limit; i++, n--)
		if (!push_out(nf, ni, of, pushed))
			return false;
	return true;
}

/* Room in the table. */
static bool
table_room(struct neigh_fam *nf, struct neigh_if *ni, enum neigh_class class,
    struct neigh_pkts *pushed)
{
	uint64_t limit = neigh_setting(&nf->nf_maxentries);
	uint64_t n = entries(ni);
	unsigned of;

	if (class == NEIGH_C_UNUSED)
		of = IN(NEIGH_C_FAILED) | IN(NEIGH_C_UNUSED) | IN(NEIGH_C_IDLE);
	else if (class == NEIGH_C_ASKED)
		of = UNRESOLVED | IN(NEIGH_C_UNUSED) | IN(NEIGH_C_IDLE);
	else
		of = ~0u;
	/* Two, should the limit be lower than it was. */
	for (unsigned i = 0; i < 2 && n >= limit; i++, n--)
		if (!push_out(nf, ni, of, pushed))
			return false;
	return true;
}

struct neigh *
neigh_entry_new(struct neigh_fam *nf, struct ifnet *ifp,
    const union neigh_addr *addr, enum neigh_class class,
    struct neigh_pkts *pushed)
{
	const struct neigh_proto *proto = nf->nf_proto;
	struct neigh_if *ni = neigh_ifdata(ifp, proto->np_slot);
	struct neigh *ne;

	/* An entry that has made room stays out, also when there is no memory
	 * for the new one. */
	if (ni == NULL || !share_room(nf, ni, class, pushed) ||
	    !table_room(nf, ni, class, pushed)) {
		if (ni != NULL)
			proto->np_count(ifp->if_vnet, NEIGH_N_FULL);
		return NULL;
	}
	ne = neigh_create(neigh_table_of(ifp->if_vnet), ifp, proto->np_family,
	    addr);
	if (ne == NULL)
		return NULL;
	neigh_class_set(ne, class);
	return ne;
}

/* --- rates --------------------------------------------------------------- */

/* A part of a rate; at least one, if there is any. */
static int64_t
part_of(int64_t rate, int64_t part)
{

	return rate <= 0 ? rate : (rate + part - 1) / part;
}

bool
neigh_may_ask(struct neigh_fam *nf, struct ifnet *ifp, const struct mbuf *m,
    uint64_t now)
{
	const struct neigh_proto *proto = nf->nf_proto;
	struct neigh_if *ni = neigh_if(ifp, proto->np_slot);
	struct neigh_asks *na = &ni->ni_asks;
	int64_t rate = (int64_t)neigh_setting(&nf->nf_maxasks);
	struct ip_tokens *from, *source;

	from = &na->na_from[if_handle_index(m->m_rcvif) % NEIGH_NFROM];
	source = &na->na_source[proto->np_source(m) % NEIGH_NSOURCE];
	if (!ip_token_take(from, now, part_of(rate, 2)))
		goto limited;
	if (!ip_token_take(source, now, part_of(rate, 4)))
		goto limited_source;
	if (ip_token_take(&na->na_all, now, rate))
		return true;
	ip_token_give(source);
limited_source:
	ip_token_give(from);
limited:
	proto->np_count(ifp->if_vnet, NEIGH_N_LIMITED);
	return false;
}

bool
neigh_may_hear(struct ifnet *ifp, unsigned slot, uint64_t now)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	struct neigh_if *ni = neigh_if(ifp, slot);
	int64_t limit = (int64_t)neigh_setting(&nc->nc_fam[slot].nf_maxpps);
	uint64_t second = now / NEIGH_NS, word;

	if (ni == NULL) {
		kspin_lock(&nc->nc_table.nt_lock);
		ni = neigh_ifdata(ifp, slot);
		kspin_unlock(&nc->nc_table.nt_lock);
	}
	if (ni == NULL)
		return false;
	if (limit < 0)
		return true;
	word = __atomic_load_n(&ni->ni_heard, __ATOMIC_RELAXED);
	/* Another CPU's time may be a little ahead. */
	if (second > word >> 32) {
		__atomic_store_n(&ni->ni_heard, second << 32 | 1,
		    __ATOMIC_RELAXED);
		return true;
	}
	if ((uint32_t)word >= (uint64_t)limit)
		return false;
	__atomic_fetch_add(&ni->ni_heard, 1, __ATOMIC_RELAXED);
	return true;
}

/* --- telling ------------------------------------------------------------- */

void
neigh_entry_announce(struct neigh *ne, bool changed, uint64_t now)
{
	struct neigh_if *ni = neigh_if_of(ne);
	bool told = neigh_entry_announced(ne);

	if (told && !changed)
		return;
	/* Neighbours that nobody uses must not keep followers busy. */
	if (!told && ne->ne_class == NEIGH_C_UNUSED &&
	    !ip_token_take(&ni->ni_told, now, NEIGH_TELLS))
		return;
	rt_neighmsg(told ? RTM_LLINFO_UPD : RTM_ADD, ne);
}

void
neigh_log_full(struct ifnet *ifp, unsigned slot, uint64_t now)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	struct neigh_if *ni = neigh_if(ifp, slot);
	bool may = false;

	if (ni == NULL)
		return;
	kspin_lock(&nc->nc_table.nt_lock);
	if (ni->ni_full_ns == 0 || now >= ni->ni_full_ns + NEIGH_FULL_NS) {
		ni->ni_full_ns = now;
		may = true;
	}
	kspin_unlock(&nc->nc_table.nt_lock);
	if (may)
		if_klog(ifp, KLOG_WARNING, "no room for another neighbour "
		    "(sysctl %s shows how many there are, and the limits)",
		    nc->nc_fam[slot].nf_proto->np_settings);
}

/* Limits log lines about an interface's neighbours to one in a while: those
 * about moves, and, so that they hide none, those about claims that are not
 * believed. */
static bool
may_log(struct neigh_fam *nf, const struct ifnet *ifp, bool believed,
    uint64_t now)
{
	uint64_t *last = &nf->nf_logged_ns[ifp->if_index % NEIGH_NLOGGED]
	    [believed];
	bool may;

	kspin_lock(&nf->nf_log_lock);
	may = *last == 0 || now >= *last + NEIGH_NS;
	if (may)
		*last = now;
	kspin_unlock(&nf->nf_log_lock);
	return may;
}

void
neigh_tell_move(struct ifnet *ifp, unsigned slot, const union neigh_addr *addr,
    const uint8_t *known, const uint8_t *claim, bool believed)
{
	struct neigh_fam *nf = neigh_fam(ifp->if_vnet, slot);
	char a[NEIGH_TEXT_SIZE], k[LLADDR_STRSIZE], c[LLADDR_STRSIZE];

	nf->nf_proto->np_count(ifp->if_vnet, believed ? NEIGH_N_CHANGED :
	    NEIGH_N_REFUSED);
	if (!may_log(nf, ifp, believed, net_curcpu()->ci_now))
		return;
	(void)nf->nf_proto->np_text(addr, a);
	(void)lladdr_text(claim, ETHER_ADDR_LEN, c);
	(void)lladdr_text(known, ETHER_ADDR_LEN, k);
	if (believed)
		if_klog(ifp, KLOG_NOTICE, "%s is at %s now, not at %s", a, c,
		    k);
	else
		if_klog(ifp, KLOG_NOTICE, "%s is not believed to be at %s, but "
		    "at %s (%s.moves)", a, c, k, nf->nf_proto->np_settings);
}
