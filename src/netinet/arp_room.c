/*
 * arp_room: entries of the neighbour cache come and go, and which of them there
 * is room for.
 *
 * Any sender can make an interface learn neighbours and ask for them, at any
 * rate, so they must not take the place of neighbours that are
 * used (RFC 6583).  Each entry is in the list of its class (enum arp_class), in
 * order of age.  A new entry takes the place of the oldest of the least
 * valuable class, and never that of a neighbour that was used lately, unless it
 * is set by hand.  Entries without an answer, and entries that were learnt and
 * have yet to answer, have a share of the table each, and questions a rate.
 *
 * A question is charged to the interface and the source of its packet besides,
 * so that a scan that comes by one interface, or from one source, leaves some
 * for the others.
 */

#include "net/if_stats_impl.h"
#include "net/rtsock.h"
#include "netinet/arp_var.h"

/* Entries that were used again which are passed over to find one that makes
 * room. */
#define ARP_CHANCES	8

void
arp_class_set(struct arp_vnet *av, struct neigh *ne, enum arp_class class)
{
	struct in_ifdata *id = in_ifdata(ne->ne_ifp);

	arp_class_leave(av, ne);
	ne->ne_class = (uint8_t)class;
	TAILQ_INSERT_TAIL(&id->id_list[class], ne, ne_iflink);
	id->id_count[class]++;
	av->av_count[class]++;
}

void
arp_class_leave(struct arp_vnet *av, struct neigh *ne)
{
	struct in_ifdata *id = in_ifdata(ne->ne_ifp);

	if (ne->ne_class == ARP_C_NONE)
		return;
	TAILQ_REMOVE(&id->id_list[ne->ne_class], ne, ne_iflink);
	id->id_count[ne->ne_class]--;
	av->av_count[ne->ne_class]--;
	ne->ne_class = ARP_C_NONE;
}

struct neigh *
arp_entry_next(const struct in_ifdata *id, const struct neigh *ne)
{
	struct neigh *next = NULL;
	unsigned i = ARP_C_NONE;

	if (ne != NULL) {
		next = TAILQ_NEXT(ne, ne_iflink);
		i = ne->ne_class;
	}
	while (next == NULL && ++i < ARP_NCLASSES)
		next = TAILQ_FIRST(&id->id_list[i]);
	return next;
}

void
arp_entry_unhold(struct neigh *ne, struct arp_pkts *ap)
{
	struct in_ifdata *id = in_ifdata(ne->ne_ifp);

	if (ne->ne_hold == NULL)
		return;
	for (const struct mbuf *m = ne->ne_hold; m != NULL; m = m->m_nextpkt)
		mbuf_share_give_part(if_kern(ne->ne_ifp),
		    MBUF_SHARE_NEIGHBOURS, m, &id->id_held);
	*ap->ap_tail = ne->ne_hold;
	ap->ap_tail = &ne->ne_holdtail->m_nextpkt;
	__atomic_fetch_sub(&id->id_oqueued, ne->ne_nhold, __ATOMIC_RELAXED);
	ne->ne_hold = ne->ne_holdtail = NULL;
	ne->ne_nhold = 0;
}

void
arp_entry_free(struct arp_vnet *av, struct neigh *ne)
{

	wheel_take(&av->av_wheel, &ne->ne_wheel);
	arp_class_leave(av, ne);
	if (arp_entry_announced(ne))
		rt_neighmsg(RTM_DELETE, ne);
	neigh_remove(&av->av_table, ne);
}

/* --- the interface's part ------------------------------------------------ */

struct in_ifdata *
arp_ifdata(struct ifnet *ifp)
{
	struct in_ifdata *id = in_ifdata(ifp);

	/* The interface's neighbours are deleted after its deactivation, so
	 * none is added from here on. */
	if (if_is_deactivated(ifp))
		return NULL;
	if (id != NULL)
		return id;
	id = kmem_zalloc(if_kern(ifp), sizeof(*id));
	if (id == NULL)
		return NULL;
	id->id_kern = if_kern(ifp);
	for (unsigned i = 0; i < ARP_NCLASSES; i++)
		TAILQ_INIT(&id->id_list[i]);
	__atomic_store_n(&ifp->if_afdata[DOM_SLOT_INET], id,
	    __ATOMIC_RELEASE);
	return id;
}

static uint64_t
entries(const struct in_ifdata *id)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < ARP_NCLASSES; i++)
		n += id->id_count[i];
	return n;
}

/* --- making room --------------------------------------------------------- */

/* Classes as a set. */
#define IN(class)	(1u << (class))
#define UNRESOLVED	(IN(ARP_C_FAILED) | IN(ARP_C_ASKED))

static void
count_pushed(const struct arp_vnet *av, enum arp_class class)
{
	struct ip_stats *ips = ip_stats(av->av_vnet);

	switch (class) {
	case ARP_C_FAILED:
	case ARP_C_ASKED:
		cpu_stat_add(&ips->arps_pushed_incomplete, 1);
		break;
	case ARP_C_UNUSED:
		cpu_stat_add(&ips->arps_pushed_unused, 1);
		break;
	default:
		cpu_stat_add(&ips->arps_pushed_idle, 1);
		break;
	}
}

/* Free the oldest entry of the least valuable of some classes; false: there is
 * none. */
static bool
push_out(struct arp_vnet *av, struct in_ifdata *id, unsigned classes,
    struct arp_pkts *pushed)
{
	unsigned i = ARP_C_NONE + 1, chances = ARP_CHANCES;
	struct neigh *ne;

	while (i < ARP_C_STATIC) {
		ne = TAILQ_FIRST(&id->id_list[i]);
		if (ne == NULL || (classes & IN(i)) == 0) {
			i++;
			continue;
		}
		if (i == ARP_C_IDLE &&
		    neigh_used(ne)) {
			/* The timer has yet to see that it is used again. */
			arp_class_set(av, ne, ARP_C_USED);
			if (--chances == 0)
				i++;
			continue;
		}
		count_pushed(av, (enum arp_class)i);
		arp_entry_unhold(ne, pushed);
		arp_entry_free(av, ne);
		return true;
	}
	return false;
}

/* A share of the table, of which there is never more than half. */
static uint64_t
share(const struct arp_vnet *av, const int64_t *setting)
{
	uint64_t n = (uint64_t)ip_setting(setting);
	uint64_t half = (uint64_t)ip_setting(&av->av_maxentries) / 2;

	return n < half ? n : half;
}

/* Room within the class's own share. */
static bool
share_room(struct arp_vnet *av, struct in_ifdata *id, enum arp_class class,
    struct arp_pkts *pushed)
{
	const uint32_t *count = id->id_count;
	uint64_t limit, n;
	unsigned of;

	switch (class) {
	case ARP_C_ASKED:
		limit = share(av, &av->av_maxincomplete);
		n = (uint64_t)count[ARP_C_FAILED] + count[ARP_C_ASKED];
		of = UNRESOLVED;
		break;
	case ARP_C_UNUSED:
		limit = share(av, &av->av_maxunused);
		n = count[ARP_C_UNUSED];
		of = IN(ARP_C_UNUSED);
		break;
	default:
		return true;
	}
	if (limit == 0)
		return false;
	/* Two, should the limit be lower than it was. */
	for (unsigned i = 0; i < 2 && n >= limit; i++, n--)
		if (!push_out(av, id, of, pushed))
			return false;
	return true;
}

/* Room in the table. */
static bool
table_room(struct arp_vnet *av, struct in_ifdata *id, enum arp_class class,
    struct arp_pkts *pushed)
{
	uint64_t limit = (uint64_t)ip_setting(&av->av_maxentries);
	uint64_t n = entries(id);
	unsigned of;

	if (class == ARP_C_UNUSED)
		of = IN(ARP_C_FAILED) | IN(ARP_C_UNUSED) | IN(ARP_C_IDLE);
	else if (class == ARP_C_ASKED)
		of = UNRESOLVED | IN(ARP_C_UNUSED) | IN(ARP_C_IDLE);
	else
		of = ~0u;
	/* Two, should the limit be lower than it was. */
	for (unsigned i = 0; i < 2 && n >= limit; i++, n--)
		if (!push_out(av, id, of, pushed))
			return false;
	return true;
}

struct neigh *
arp_entry_new(struct arp_vnet *av, struct ifnet *ifp, uint32_t addr,
    enum arp_class class, struct arp_pkts *pushed)
{
	struct in_ifdata *id = arp_ifdata(ifp);
	struct neigh *ne;

	/* An entry that has made room stays out, also when there is no memory
	 * for the new one. */
	if (id == NULL || !share_room(av, id, class, pushed) ||
	    !table_room(av, id, class, pushed)) {
		if (id != NULL)
			cpu_stat_add(&ip_stats(av->av_vnet)->arps_full, 1);
		return NULL;
	}
	ne = neigh_create4(&av->av_table, ifp, addr);
	if (ne == NULL)
		return NULL;
	arp_class_set(av, ne, class);
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
arp_may_ask(struct arp_vnet *av, struct in_ifdata *id, const struct mbuf *m,
    uint64_t now)
{
	struct arp_asks *aa = &id->id_asks;
	int64_t rate = ip_setting(&av->av_maxasks);
	struct ip_tokens *from, *source;

	from = &aa->aa_from[if_handle_index(m->m_rcvif) % ARP_NFROM];
	source = &aa->aa_source[khash_u64(mtoip(m)->ip_src) % ARP_NSOURCE];
	if (!ip_token_take(from, now, part_of(rate, 2)))
		goto limited;
	if (!ip_token_take(source, now, part_of(rate, 4)))
		goto limited_source;
	if (ip_token_take(&aa->aa_all, now, rate))
		return true;
	ip_token_give(source);
limited_source:
	ip_token_give(from);
limited:
	cpu_stat_add(&ip_stats(av->av_vnet)->arps_limited, 1);
	return false;
}

bool
arp_may_hear(struct ifnet *ifp, uint64_t now)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	struct in_ifdata *id = in_ifdata(ifp);
	int64_t limit = ip_setting(&av->av_maxpps);
	uint64_t second = now / ARP_NS, word;

	if (id == NULL) {
		kspin_lock(&av->av_table.nt_lock);
		id = arp_ifdata(ifp);
		kspin_unlock(&av->av_table.nt_lock);
	}
	if (id == NULL)
		return false;
	if (limit < 0)
		return true;
	word = __atomic_load_n(&id->id_heard, __ATOMIC_RELAXED);
	/* Another CPU's time may be a little ahead. */
	if (second > word >> 32) {
		__atomic_store_n(&id->id_heard, second << 32 | 1,
		    __ATOMIC_RELAXED);
		return true;
	}
	if ((uint32_t)word >= (uint64_t)limit)
		return false;
	__atomic_fetch_add(&id->id_heard, 1, __ATOMIC_RELAXED);
	return true;
}

void
arp_entry_announce(struct neigh *ne, bool changed, uint64_t now)
{
	struct in_ifdata *id = in_ifdata(ne->ne_ifp);
	bool told = arp_entry_announced(ne);

	if (told && !changed)
		return;
	/* Neighbours that nobody uses must not keep followers busy. */
	if (!told && ne->ne_class == ARP_C_UNUSED &&
	    !ip_token_take(&id->id_told, now, ARP_TELLS))
		return;
	rt_neighmsg(told ? RTM_LLINFO_UPD : RTM_ADD, ne);
}

void
arp_log_full(struct ifnet *ifp, uint64_t now)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	struct in_ifdata *id = in_ifdata(ifp);
	bool may = false;

	if (id == NULL)
		return;
	kspin_lock(&av->av_table.nt_lock);
	if (id->id_full_ns == 0 || now >= id->id_full_ns + ARP_FULL_NS) {
		id->id_full_ns = now;
		may = true;
	}
	kspin_unlock(&av->av_table.nt_lock);
	if (may)
		if_klog(ifp, KLOG_WARNING, "no room for another neighbour "
		    "(sysctl net.inet.arp shows how many there are, and the "
		    "limits)");
}
