/*
 * arp_cache: the entries of the neighbour cache: their states and their timer.
 * arp_var.h shows the life of an entry.
 */

#include <errno.h>
#include <stddef.h>

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/rtsock.h"
#include "netinet/arp_var.h"

/* The number of entries handled in one batch: their packets are sent once the
 * lock is released. */
#define ARP_BATCH	64

struct arp_batch {
	unsigned	 ab_n;
	struct {
		struct ifnet *ifp;
		uint32_t addr;
		bool	 unicast;
		bool	 moved;		/* an announcement, not a request */
		uint8_t	 lladdr[ETHER_ADDR_LEN];
		uint8_t	 before[ETHER_ADDR_LEN];	/* it moved */
	}		 ab_ask[ARP_BATCH];
	struct arp_pkts	 ab_failed;
};

bool
arp_ifusable(const struct ifnet *ifp)
{
	uint32_t flags = __atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED);

	return ifp->if_type == IFT_ETHER &&
	    (flags & (IFF_UP | IFF_RUNNING | IFF_NOARP | IFF_LOOPBACK)) ==
	    (IFF_UP | IFF_RUNNING);
}

/* Put an entry on the wheel until its time is over or, if it is usable, until
 * it is to be looked at. */
static void
arp_entry_wait(struct arp_vnet *av, struct neigh *ne, uint64_t now)
{
	uint64_t ns = ne->ne_expire > now ? ne->ne_expire - now : 0;

	if (ne->ne_hdr != NULL && ns > ARP_LOOK_NS)
		ns = ARP_LOOK_NS;
	(void)wheel_put(&av->av_wheel, &ne->ne_wheel, now, ns);
}

/* The class that an entry must be in by its state. */
static enum arp_class
arp_entry_class(const struct neigh *ne)
{

	if ((ne->ne_flags & NEIGH_STATIC) != 0)
		return ARP_C_STATIC;
	switch ((enum arp_state)ne->ne_state) {
	case ARP_INCOMPLETE:
		return ARP_C_ASKED;
	case ARP_FAILED:
		return ARP_C_FAILED;
	default:
		return ne->ne_class == ARP_C_USED || ne->ne_class ==
		    ARP_C_IDLE ? ne->ne_class : ARP_C_UNUSED;
	}
}

/* Nothing is asked in this state. */
static bool
is_quiet(unsigned state)
{

	return state == ARP_REACHABLE || state == ARP_STALE;
}

void
arp_entry_state(struct arp_vnet *av, struct neigh *ne, enum arp_state state,
    uint64_t now, uint64_t ns)
{
	enum arp_class class;
	uint64_t second, was = ne->ne_expire;
	/* Packets from a neighbour do not put off the look at whether it is
	 * used. */
	bool stays = wheel_has(&ne->ne_wheel) && is_quiet(ne->ne_state) &&
	    is_quiet(state) && (ne->ne_flags & NEIGH_STATIC) == 0;

	ne->ne_state = (uint8_t)state;
	class = arp_entry_class(ne);
	if (class != ne->ne_class)
		arp_class_set(av, ne, class);
	__atomic_store_n(&ne->ne_expire, 0, __ATOMIC_RELAXED);
	if ((ne->ne_flags & NEIGH_STATIC) != 0) {
		wheel_take(&av->av_wheel, &ne->ne_wheel);
		return;
	}

	/* Times are rounded to the nearest second, so that requests sent each
	 * second keep their distance. */
	second = (now + ns + ARP_NS / 2) / ARP_NS;
	if (second <= now / ARP_NS)
		second = now / ARP_NS + 1;
	__atomic_store_n(&ne->ne_expire, second * ARP_NS, __ATOMIC_RELAXED);
	if (stays && second * ARP_NS >= was)
		return;
	wheel_take(&av->av_wheel, &ne->ne_wheel);
	arp_entry_wait(av, ne, now);
}

void
arp_drop_held(struct arp_pkts *ap, enum drop_reason why, bool tell)
{
	struct ifnet *ifp, *rcvif;
	struct mbuf *m;

	while ((m = ap->ap_head) != NULL) {
		ap->ap_head = m->m_nextpkt;
		m->m_nextpkt = NULL;
		ifp = ip_held_if(m);
		if (tell) {
			rcvif = m->m_rcvif == 0 ? ifp :
			    if_byhandle(ifp->if_vnet, m->m_rcvif);
			if (rcvif != NULL)
				icmp_error(rcvif, m, ICMP4_UNREACH,
				    ICMP4_UNREACH_HOST, 0);
		}
		m_drop(ifp, m, why);
	}
	ap->ap_tail = &ap->ap_head;
}

/* --- the timer ----------------------------------------------------------- */

static void
batch_ask(struct arp_batch *ab, struct neigh *ne, bool unicast)
{

	ab->ab_ask[ab->ab_n].moved = false;
	ab->ab_ask[ab->ab_n].ifp = ne->ne_ifp;
	ab->ab_ask[ab->ab_n].addr = ne->ne_addr.na_4;
	ab->ab_ask[ab->ab_n].unicast = unicast;
	memcpy(ab->ab_ask[ab->ab_n].lladdr, ne->ne_lladdr, ETHER_ADDR_LEN);
	ab->ab_n++;
}

static void
arp_entry_probe(struct arp_vnet *av, struct neigh *ne, uint64_t now,
    struct arp_batch *ab)
{

	ne->ne_tries++;
	arp_entry_flags(ne, 0, NEIGH_WANTED);
	arp_entry_state(av, ne, ARP_PROBE, now, ARP_NS);
	batch_ask(ab, ne, true);
}

/* If the station that an entry knows was silent for long enough and another
 * station claims the address, the claimant has it now.  false: the entry is
 * unchanged. */
static bool
arp_claim_due(struct arp_vnet *av, struct neigh *ne, uint64_t now,
    uint64_t keep, struct arp_batch *ab)
{
	uint8_t *before = ab->ab_ask[ab->ab_n].before;

	if ((ne->ne_flags & NEIGH_CLAIMED) == 0 ||
	    ne->ne_tries < ARP_CLAIM_TRIES)
		return false;
	memcpy(before, ne->ne_lladdr, ETHER_ADDR_LEN);
	if (neigh_set(ne, ne->ne_claim) != 0)
		return false;
	arp_entry_flags(ne, 0, NEIGH_CLAIMED);
	ne->ne_tries = 0;
	arp_entry_state(av, ne, ARP_REACHABLE, now, keep);
	arp_entry_announce(ne, true, now);
	batch_ask(ab, ne, true);
	ab->ab_ask[ab->ab_n - 1].moved = true;
	return true;
}

/* Was the entry used since it was last looked at?  Its class follows.  Neither
 * while it is asked about, which is more often. */
static bool
arp_entry_look(struct arp_vnet *av, struct neigh *ne)
{
	bool used;

	if (ne->ne_state != ARP_REACHABLE && ne->ne_state != ARP_STALE)
		return false;
	used = neigh_used_take(ne);
	if (used)
		arp_entry_flags(ne, NEIGH_WANTED, 0);
	if (used && (ne->ne_class == ARP_C_USED || ne->ne_class == ARP_C_IDLE))
		arp_class_set(av, ne, ARP_C_USED);
	else if (ne->ne_class == ARP_C_USED)
		arp_class_set(av, ne, ARP_C_IDLE);
	return used;
}

/* Handle an entry that was taken off the wheel. */
static void
arp_entry_due(struct arp_vnet *av, struct neigh *ne, uint64_t now,
    struct arp_batch *ab)
{
	uint64_t keep = (uint64_t)av->av_keep * ARP_NS;
	bool used = arp_entry_look(av, ne);

	if (ne->ne_expire > now) {
		/* An entry that has yet to show that it answers is asked. */
		ne->ne_tries = 0;
		if (used && ne->ne_class == ARP_C_UNUSED) {
			arp_entry_flags(ne, NEIGH_CONFIRM, 0);
			arp_entry_probe(av, ne, now, ab);
		} else
			arp_entry_wait(av, ne, now);
		return;
	}
	used = used || (ne->ne_flags & NEIGH_WANTED) != 0;
	switch ((enum arp_state)ne->ne_state) {
	case ARP_INCOMPLETE:
		if (ne->ne_tries < ARP_TRIES) {
			ne->ne_tries++;
			arp_entry_state(av, ne, ARP_INCOMPLETE, now, ARP_NS);
			batch_ask(ab, ne, false);
			return;
		}
		cpu_stat_add(&ip_stats(av->av_vnet)->arps_timeout, 1);
		arp_entry_unhold(ne, &ab->ab_failed);
		arp_entry_state(av, ne, ARP_FAILED, now,
		    (uint64_t)av->av_down * ARP_NS);
		return;
	case ARP_PROBE:
		if (arp_claim_due(av, ne, now, keep, ab))
			return;
		if (ne->ne_tries < ARP_TRIES) {
			arp_entry_probe(av, ne, now, ab);
			return;
		}
		cpu_stat_add(&ip_stats(av->av_vnet)->arps_timeout, 1);
		break;
	case ARP_REACHABLE:
	case ARP_STALE:
		ne->ne_tries = 0;
		if (used) {
			arp_entry_flags(ne, NEIGH_CONFIRM, 0);
			arp_entry_probe(av, ne, now, ab);
		} else if (ne->ne_state == ARP_REACHABLE)
			arp_entry_state(av, ne, ARP_STALE, now, keep);
		else
			break;
		return;
	case ARP_FAILED:
		break;
	}
	arp_entry_unhold(ne, &ab->ab_failed);
	arp_entry_free(av, ne);
}

/* Called without a lock: send and log for one entry of a batch. */
static void
batch_do(const struct arp_batch *ab, unsigned i)
{

	if (ab->ab_ask[i].moved)
		arp_tell_move(ab->ab_ask[i].ifp, ab->ab_ask[i].addr,
		    ab->ab_ask[i].before, ab->ab_ask[i].lladdr, true);
	else
		arp_ask(ab->ab_ask[i].ifp, ab->ab_ask[i].addr,
		    ab->ab_ask[i].unicast ? ab->ab_ask[i].lladdr : NULL);
}

/* The wheel's function: one batch; the next one comes at the CPU's next
 * pass. */
static void
arp_timer(void *arg)
{
	struct arp_vnet *av = arg;
	uint64_t now = net_curcpu()->ci_now;
	struct wheel_link *wl;
	struct arp_batch ab;

	ab.ab_n = 0;
	arp_pkts_init(&ab.ab_failed);
	kspin_lock(&av->av_table.nt_lock);
	for (unsigned n = 0; n < ARP_BATCH; n++) {
		wl = wheel_due(&av->av_wheel, now);
		if (wl == NULL)
			break;
		arp_entry_due(av, (struct neigh *)((char *)wl -
		    offsetof(struct neigh, ne_wheel)), now, &ab);
	}
	wheel_arm(&av->av_wheel, now);
	kspin_unlock(&av->av_table.nt_lock);

	for (unsigned i = 0; i < ab.ab_n; i++)
		batch_do(&ab, i);
	arp_drop_held(&ab.ab_failed, DROP_ARP_UNRESOLVED, true);
}

/* --- a whole interface --------------------------------------------------- */

void
arp_ifstale(struct ifnet *ifp)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	struct in_ifdata *id = in_ifdata(ifp);
	uint64_t now = kern_now(if_kern(ifp));
	struct neigh *ne;

	if (id == NULL)
		return;
	kspin_lock(&av->av_table.nt_lock);
	for (ne = NULL; (ne = arp_entry_next(id, ne)) != NULL;) {
		if ((ne->ne_flags & NEIGH_STATIC) != 0)
			continue;
		if (ne->ne_state == ARP_REACHABLE)
			arp_entry_state(av, ne, ARP_STALE, now, ARP_NS);
		else if (ne->ne_state == ARP_FAILED)
			arp_entry_state(av, ne, ARP_FAILED, now, 0);
	}
	kspin_unlock(&av->av_table.nt_lock);
}

void
arp_ifrehead(struct ifnet *ifp)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	struct in_ifdata *id = in_ifdata(ifp);
	struct neigh *ne;
	uint8_t lladdr[ETHER_ADDR_LEN];

	if (id == NULL)
		return;
	kspin_lock(&av->av_table.nt_lock);
	for (ne = NULL; (ne = arp_entry_next(id, ne)) != NULL;) {
		if (ne->ne_hdr == NULL)
			continue;
		memcpy(lladdr, ne->ne_lladdr, sizeof(lladdr));
		/* A published entry with our own address follows its change. */
		if ((ne->ne_flags & NEIGH_PUBLISHED) != 0 &&
		    memcmp(lladdr, ne->ne_hdr->neh_bytes + ETHER_ADDR_LEN,
		    ETHER_ADDR_LEN) == 0)
			arp_own_lladdr(ifp, lladdr);
		/* Out of memory: the neighbour will see the old address. */
		(void)neigh_set(ne, lladdr);
	}
	kspin_unlock(&av->av_table.nt_lock);
}

static bool
has_entries(struct ifnet *ifp)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	const struct in_ifdata *id = in_ifdata(ifp);
	bool any;

	if (id == NULL)
		return false;
	kspin_lock(&av->av_table.nt_lock);
	any = arp_entry_next(id, NULL) != NULL;
	kspin_unlock(&av->av_table.nt_lock);
	return any;
}

/* Cross-call: the first CPU does all the work. */
static void
arp_ifpurge_cpu(void *arg)
{
	struct ifnet *ifp = arg;
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	struct in_ifdata *id = in_ifdata(ifp);
	struct arp_pkts held;
	struct neigh *ne;

	arp_pkts_init(&held);
	kspin_lock(&av->av_table.nt_lock);
	while ((ne = arp_entry_next(id, NULL)) != NULL) {
		arp_entry_unhold(ne, &held);
		arp_entry_free(av, ne);
	}
	kspin_unlock(&av->av_table.nt_lock);
	arp_drop_held(&held, DROP_OUT_DETACHING, false);
}

/* Cross-call: the first CPU does all the work. */
static void
arp_ifsweep_cpu(void *arg)
{
	struct ifnet *ifp = arg;
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	struct in_ifdata *id = in_ifdata(ifp);
	struct neigh *ne, *next;
	struct arp_pkts held;

	if (id == NULL)
		return;
	arp_pkts_init(&held);
	kspin_lock(&av->av_table.nt_lock);
	for (ne = arp_entry_next(id, NULL); ne != NULL; ne = next) {
		next = arp_entry_next(id, ne);
		if ((ne->ne_flags & NEIGH_STATIC) != 0 ||
		    arp_is_onlink(ifp, ne->ne_addr.na_4))
			continue;
		arp_entry_unhold(ne, &held);
		arp_entry_free(av, ne);
	}
	kspin_unlock(&av->av_table.nt_lock);
	arp_drop_held(&held, DROP_ARP_GONE, true);
}

void
arp_ifsweep(struct ifnet *ifp)
{

	if (has_entries(ifp))
		kern_xcall(if_kern(ifp), arp_ifsweep_cpu, ifp);
}

void
arp_ifpurge(struct ifnet *ifp)
{

	/* Packets are freed by CPUs only. */
	if (has_entries(ifp))
		kern_xcall(if_kern(ifp), arp_ifpurge_cpu, ifp);
}

int
arp_cache_init(struct arp_vnet *av)
{
	struct kern *k = av->av_vnet->vn_kern;

	neigh_table_init(k, &av->av_table);
	av->av_vnet->vn_if->ifv_neigh = &av->av_table;
	wheel_init(&av->av_wheel, k, av->av_level, ARP_LEVELS, ARP_NS,
	    arp_timer, av);
	return 0;
}

void
arp_cache_fini(struct arp_vnet *av)
{

	wheel_fini(&av->av_wheel);
	av->av_vnet->vn_if->ifv_neigh = NULL;
	neigh_table_fini(&av->av_table);
}
