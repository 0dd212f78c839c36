/*
 * neigh_cache: the entries of the neighbour cache: their states and their
 * timer.  The header shows the life of an entry.
 */

#include "net/neigh_cache.h"

#include <errno.h>
#include <stddef.h>

#include "net/if_held.h"
#include "net/if_vnet_impl.h"
#include "net/rtsock.h"

/* The number of entries handled in one batch: their packets are sent once the
 * lock is released. */
#define NEIGH_BATCH	64

struct neigh_batch {
	unsigned	 nb_n;
	struct {
		const struct neigh_proto *proto;
		struct ifnet *ifp;
		union neigh_addr addr;
		bool	 unicast;
		bool	 moved;		/* an announcement, not a request */
		uint8_t	 lladdr[ETHER_ADDR_LEN];
		uint8_t	 before[ETHER_ADDR_LEN];	/* it moved */
	}		 nb_ask[NEIGH_BATCH];
	struct neigh_pkts nb_failed[DOM_SLOT_MAX];
};

bool
neigh_ifusable(const struct ifnet *ifp)
{
	uint32_t flags = __atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED);

	return ifp->if_type == IFT_ETHER &&
	    (flags & (IFF_UP | IFF_RUNNING | IFF_NOARP | IFF_LOOPBACK)) ==
	    (IFF_UP | IFF_RUNNING);
}

/* The time between two looks at a usable entry. */
static uint64_t
look_ns(const struct neigh *ne)
{

	return (ne->ne_state == NEIGH_S_STALE ?
	    neigh_setting(&neigh_fam_of(ne)->nf_look) : NEIGH_LOOK_S) *
	    NEIGH_NS;
}

/* Put an entry on the wheel until its time is over or, if it is usable, until
 * it is to be looked at. */
static void
neigh_entry_wait(struct neigh_cache *nc, struct neigh *ne, uint64_t now)
{
	uint64_t ns = ne->ne_expire > now ? ne->ne_expire - now : 0;
	uint64_t look = look_ns(ne);

	if (ne->ne_hdr != NULL && ns > look)
		ns = look;
	(void)wheel_put(&nc->nc_wheel, &ne->ne_wheel, now, ns);
}

/* The class that an entry must be in by its state. */
static enum neigh_class
neigh_entry_class(const struct neigh *ne)
{

	if ((ne->ne_flags & NEIGH_STATIC) != 0)
		return NEIGH_C_STATIC;
	switch ((enum neigh_state)ne->ne_state) {
	case NEIGH_S_INCOMPLETE:
		return NEIGH_C_ASKED;
	case NEIGH_S_FAILED:
		return NEIGH_C_FAILED;
	default:
		return ne->ne_class == NEIGH_C_USED || ne->ne_class ==
		    NEIGH_C_IDLE ? ne->ne_class : NEIGH_C_UNUSED;
	}
}

/* Nothing is asked in this state. */
static bool
is_quiet(unsigned state)
{

	return state == NEIGH_S_REACHABLE || state == NEIGH_S_STALE;
}

void
neigh_entry_state(struct neigh *ne, enum neigh_state state, uint64_t now,
    uint64_t ns)
{
	struct neigh_cache *nc = ne->ne_ifp->if_vnet->vn_neigh;
	enum neigh_class class;
	uint64_t second, was = ne->ne_expire;
	/* Packets from a neighbour do not put off the look at whether it is
	 * used. */
	bool stays = wheel_has(&ne->ne_wheel) && is_quiet(ne->ne_state) &&
	    is_quiet(state) && (ne->ne_flags & NEIGH_STATIC) == 0;
	uint64_t look = look_ns(ne);

	ne->ne_state = (uint8_t)state;
	stays = stays && look_ns(ne) == look;
	class = neigh_entry_class(ne);
	if (class != ne->ne_class)
		neigh_class_set(ne, class);
	__atomic_store_n(&ne->ne_expire, 0, __ATOMIC_RELAXED);
	if ((ne->ne_flags & NEIGH_STATIC) != 0) {
		wheel_take(&nc->nc_wheel, &ne->ne_wheel);
		return;
	}

	/* Times are rounded to the nearest second, so that requests sent each
	 * second keep their distance. */
	second = (now + ns + NEIGH_NS / 2) / NEIGH_NS;
	if (second <= now / NEIGH_NS)
		second = now / NEIGH_NS + 1;
	__atomic_store_n(&ne->ne_expire, second * NEIGH_NS, __ATOMIC_RELAXED);
	if (stays && second * NEIGH_NS >= was)
		return;
	wheel_take(&nc->nc_wheel, &ne->ne_wheel);
	neigh_entry_wait(nc, ne, now);
}

/* A time to believe in a neighbour. */
static uint64_t
reachable_ns(struct neigh_cache *nc, const struct neigh_fam *nf)
{
	uint64_t ns = neigh_setting(&nf->nf_keep) * NEIGH_NS;

	if (!nf->nf_proto->np_random)
		return ns;
	nc->nc_seed += UINT64_C(0x9e3779b97f4a7c15);
	return ns / 2 + ns / 1024 * (khash_u64(nc->nc_seed) >> 22);
}

void
neigh_entry_reachable(struct neigh *ne, uint64_t now)
{
	struct neigh_cache *nc = ne->ne_ifp->if_vnet->vn_neigh;

	neigh_entry_state(ne, NEIGH_S_REACHABLE, now, reachable_ns(nc,
	    neigh_fam_of(ne)));
}

void
neigh_drop_held(const struct neigh_proto *proto, struct neigh_pkts *np,
    enum drop_reason why, bool tell)
{
	struct ifnet *ifp, *rcvif;
	struct mbuf *m;

	while ((m = np->np_head) != NULL) {
		np->np_head = m->m_nextpkt;
		m->m_nextpkt = NULL;
		ifp = ip_held_if(m);
		if (tell) {
			rcvif = m->m_rcvif == 0 ? ifp :
			    if_byhandle(ifp->if_vnet, m->m_rcvif);
			if (rcvif != NULL)
				proto->np_tell(rcvif, m);
		}
		m_drop(ifp, m, why);
	}
	np->np_tail = &np->np_head;
}

/* --- the timer ----------------------------------------------------------- */

static void
batch_ask(struct neigh_batch *nb, struct neigh *ne, bool unicast)
{

	nb->nb_ask[nb->nb_n].moved = false;
	nb->nb_ask[nb->nb_n].proto = neigh_fam_of(ne)->nf_proto;
	nb->nb_ask[nb->nb_n].ifp = ne->ne_ifp;
	nb->nb_ask[nb->nb_n].addr = ne->ne_addr;
	nb->nb_ask[nb->nb_n].unicast = unicast;
	memcpy(nb->nb_ask[nb->nb_n].lladdr, ne->ne_lladdr, ETHER_ADDR_LEN);
	nb->nb_n++;
}

static void
neigh_entry_probe(struct neigh *ne, uint64_t now, struct neigh_batch *nb)
{

	ne->ne_tries++;
	neigh_entry_flags(ne, 0, NEIGH_WANTED);
	neigh_entry_state(ne, NEIGH_S_PROBE, now, NEIGH_NS);
	batch_ask(nb, ne, true);
}

/* An entry that is known to be used, or not to have answered, is asked. */
static void
neigh_entry_confirm(struct neigh *ne, uint64_t now, struct neigh_batch *nb)
{

	ne->ne_tries = 0;
	neigh_entry_flags(ne, NEIGH_CONFIRM, 0);
	neigh_entry_probe(ne, now, nb);
}

/* If the station that an entry knows was silent for long enough and another
 * station claims the address, the claimant has it now.  false: the entry is
 * unchanged. */
static bool
neigh_claim_due(struct neigh *ne, uint64_t now, struct neigh_batch *nb)
{
	uint8_t *before = nb->nb_ask[nb->nb_n].before;

	if ((ne->ne_flags & NEIGH_CLAIMED) == 0 ||
	    ne->ne_tries < NEIGH_CLAIM_TRIES)
		return false;
	memcpy(before, ne->ne_lladdr, ETHER_ADDR_LEN);
	if (neigh_set(ne, ne->ne_claim) != 0)
		return false;
	neigh_entry_flags(ne, 0, NEIGH_CLAIMED);
	ne->ne_tries = 0;
	neigh_entry_reachable(ne, now);
	neigh_entry_announce(ne, true, now);
	batch_ask(nb, ne, true);
	nb->nb_ask[nb->nb_n - 1].moved = true;
	return true;
}

/* Was the entry used since it was last looked at?  Its class follows, IDLE when
 * several looks in a row found it unused.  Neither while it is asked about,
 * which is more often. */
static bool
neigh_entry_look(struct neigh *ne)
{
	bool used;

	if (!is_quiet(ne->ne_state))
		return false;
	used = neigh_used_take(ne);
	if (used) {
		neigh_entry_flags(ne, NEIGH_WANTED, 0);
		ne->ne_tries = 0;
	}
	if (used && (ne->ne_class == NEIGH_C_USED ||
	    ne->ne_class == NEIGH_C_IDLE))
		neigh_class_set(ne, NEIGH_C_USED);
	else if (ne->ne_class == NEIGH_C_USED &&
	    ++ne->ne_tries * look_ns(ne) >= NEIGH_LOOK_S * NEIGH_NS)
		neigh_class_set(ne, NEIGH_C_IDLE);
	return used;
}

/* Handle a usable entry that nothing is asked about. */
static void
neigh_quiet_due(struct neigh_cache *nc, struct neigh *ne, uint64_t now,
    struct neigh_batch *nb)
{
	const struct neigh_fam *nf = neigh_fam_of(ne);
	bool stale = ne->ne_state == NEIGH_S_STALE;
	bool used = neigh_entry_look(ne);

	if (ne->ne_expire > now) {
		/* An entry that has yet to show that it answers is asked. */
		if (used && (ne->ne_class == NEIGH_C_UNUSED ||
		    (stale && nf->nf_proto->np_stale_asks)))
			neigh_entry_confirm(ne, now, nb);
		else
			neigh_entry_wait(nc, ne, now);
		return;
	}
	used = used || (ne->ne_flags & NEIGH_WANTED) != 0;
	if (used && (stale || !nf->nf_proto->np_stale_asks))
		neigh_entry_confirm(ne, now, nb);
	else if (!stale) {
		ne->ne_tries = 0;
		neigh_entry_flags(ne, 0, NEIGH_WANTED);
		neigh_entry_state(ne, NEIGH_S_STALE, now, neigh_stale_ns(nf));
	} else {
		neigh_entry_unhold(ne, &nb->nb_failed[neigh_slot(ne)]);
		neigh_entry_free(ne);
	}
}

/* Handle an entry that was taken off the wheel. */
static void
neigh_entry_due(struct neigh_cache *nc, struct neigh *ne, uint64_t now,
    struct neigh_batch *nb)
{
	const struct neigh_fam *nf = neigh_fam_of(ne);
	struct neigh_pkts *failed = &nb->nb_failed[neigh_slot(ne)];

	if (is_quiet(ne->ne_state)) {
		neigh_quiet_due(nc, ne, now, nb);
		return;
	}
	if (ne->ne_expire > now) {
		neigh_entry_wait(nc, ne, now);
		return;
	}
	switch ((enum neigh_state)ne->ne_state) {
	case NEIGH_S_INCOMPLETE:
		if (ne->ne_tries < neigh_setting(&nf->nf_mtries)) {
			ne->ne_tries++;
			neigh_entry_state(ne, NEIGH_S_INCOMPLETE, now,
			    NEIGH_NS);
			batch_ask(nb, ne, false);
			return;
		}
		nf->nf_proto->np_count(nc->nc_vnet, NEIGH_N_TIMEOUT);
		neigh_entry_unhold(ne, failed);
		neigh_entry_state(ne, NEIGH_S_FAILED, now,
		    neigh_setting(&nf->nf_down) * NEIGH_NS);
		return;
	case NEIGH_S_PROBE:
		if (neigh_claim_due(ne, now, nb))
			return;
		if (ne->ne_tries < neigh_setting(&nf->nf_utries)) {
			neigh_entry_probe(ne, now, nb);
			return;
		}
		nf->nf_proto->np_count(nc->nc_vnet, NEIGH_N_TIMEOUT);
		break;
	default:
		break;
	}
	neigh_entry_unhold(ne, failed);
	neigh_entry_free(ne);
}

/* Called without a lock: send and log for one entry of a batch. */
static void
batch_do(const struct neigh_batch *nb, unsigned i)
{
	const struct neigh_proto *proto = nb->nb_ask[i].proto;

	if (nb->nb_ask[i].moved)
		neigh_tell_move(nb->nb_ask[i].ifp, proto->np_slot,
		    &nb->nb_ask[i].addr, nb->nb_ask[i].before,
		    nb->nb_ask[i].lladdr, true);
	else
		proto->np_ask(nb->nb_ask[i].ifp, &nb->nb_ask[i].addr,
		    nb->nb_ask[i].unicast ? nb->nb_ask[i].lladdr : NULL);
}

/* The wheel's function: one batch; the next one comes at the CPU's next
 * pass. */
static void
neigh_timer(void *arg)
{
	struct neigh_cache *nc = arg;
	uint64_t now = net_curcpu()->ci_now;
	const struct neigh_proto *proto;
	struct wheel_link *wl;
	struct neigh_batch nb;

	nb.nb_n = 0;
	for (unsigned i = 0; i < DOM_SLOT_MAX; i++)
		neigh_pkts_init(&nb.nb_failed[i]);
	kspin_lock(&nc->nc_table.nt_lock);
	for (unsigned n = 0; n < NEIGH_BATCH; n++) {
		wl = wheel_due(&nc->nc_wheel, now);
		if (wl == NULL)
			break;
		neigh_entry_due(nc, (struct neigh *)((char *)wl -
		    offsetof(struct neigh, ne_wheel)), now, &nb);
	}
	wheel_arm(&nc->nc_wheel, now);
	kspin_unlock(&nc->nc_table.nt_lock);

	for (unsigned i = 0; i < nb.nb_n; i++)
		batch_do(&nb, i);
	for (unsigned i = 0; i < DOM_SLOT_MAX; i++) {
		proto = nc->nc_fam[i].nf_proto;
		if (proto != NULL)
			neigh_drop_held(proto, &nb.nb_failed[i],
			    proto->np_unresolved, true);
	}
}

/* --- a whole interface --------------------------------------------------- */

void
neigh_ifstale(struct ifnet *ifp, unsigned slot)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	struct neigh_if *ni = neigh_if(ifp, slot);
	uint64_t now = kern_now(if_kern(ifp));
	struct neigh *ne;

	if (ni == NULL)
		return;
	kspin_lock(&nc->nc_table.nt_lock);
	for (ne = NULL; (ne = neigh_entry_next(ni, ne)) != NULL;) {
		if ((ne->ne_flags & NEIGH_STATIC) != 0)
			continue;
		if (ne->ne_state == NEIGH_S_REACHABLE)
			neigh_entry_state(ne, NEIGH_S_STALE, now, NEIGH_NS);
		else if (ne->ne_state == NEIGH_S_FAILED)
			neigh_entry_state(ne, NEIGH_S_FAILED, now, 0);
	}
	kspin_unlock(&nc->nc_table.nt_lock);
}

void
neigh_ifrehead(struct ifnet *ifp, unsigned slot)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	struct neigh_if *ni = neigh_if(ifp, slot);
	struct neigh *ne;
	uint8_t lladdr[ETHER_ADDR_LEN];

	if (ni == NULL)
		return;
	kspin_lock(&nc->nc_table.nt_lock);
	for (ne = NULL; (ne = neigh_entry_next(ni, ne)) != NULL;) {
		if (ne->ne_hdr == NULL)
			continue;
		memcpy(lladdr, ne->ne_lladdr, sizeof(lladdr));
		/* A published entry with our own address follows its change. */
		if ((ne->ne_flags & NEIGH_PUBLISHED) != 0 &&
		    memcmp(lladdr, ne->ne_hdr->neh_bytes + ETHER_ADDR_LEN,
		    ETHER_ADDR_LEN) == 0)
			neigh_own_lladdr(ifp, lladdr);
		/* Out of memory: the neighbour will see the old address. */
		(void)neigh_set(ne, lladdr);
	}
	kspin_unlock(&nc->nc_table.nt_lock);
}

static bool
has_entries(struct ifnet *ifp, unsigned slot)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	const struct neigh_if *ni = neigh_if(ifp, slot);
	bool any;

	if (ni == NULL)
		return false;
	kspin_lock(&nc->nc_table.nt_lock);
	any = neigh_entry_next(ni, NULL) != NULL;
	kspin_unlock(&nc->nc_table.nt_lock);
	return any;
}

/* The entries of an interface that a cross-call deletes. */
struct sweep {
	struct ifnet	*sw_ifp;
	unsigned	 sw_slot;
	bool		 sw_all;	/* also those on link, and static */
};

/* Cross-call: the first CPU does all the work. */
static void
sweep_cpu(void *arg)
{
	const struct sweep *sw = arg;
	struct ifnet *ifp = sw->sw_ifp;
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	const struct neigh_proto *proto = nc->nc_fam[sw->sw_slot].nf_proto;
	struct neigh_if *ni = neigh_if(ifp, sw->sw_slot);
	struct neigh *ne, *next;
	struct neigh_pkts held;

	if (ni == NULL)
		return;
	neigh_pkts_init(&held);
	kspin_lock(&nc->nc_table.nt_lock);
	for (ne = neigh_entry_next(ni, NULL); ne != NULL; ne = next) {
		next = neigh_entry_next(ni, ne);
		if (!sw->sw_all && ((ne->ne_flags & NEIGH_STATIC) != 0 ||
		    proto->np_onlink(ifp, &ne->ne_addr)))
			continue;
		neigh_entry_unhold(ne, &held);
		neigh_entry_free(ne);
	}
	kspin_unlock(&nc->nc_table.nt_lock);
	neigh_drop_held(proto, &held, sw->sw_all ? DROP_OUT_DETACHING :
	    proto->np_gone, !sw->sw_all);
}

void
neigh_ifsweep(struct ifnet *ifp, unsigned slot)
{
	struct sweep sw = { ifp, slot, false };

	if (has_entries(ifp, slot))
		kern_xcall(if_kern(ifp), sweep_cpu, &sw);
}

void
neigh_ifpurge(struct ifnet *ifp, unsigned slot)
{
	struct sweep sw = { ifp, slot, true };

	/* Packets are freed by CPUs only. */
	if (has_entries(ifp, slot))
		kern_xcall(if_kern(ifp), sweep_cpu, &sw);
}

static void
neigh_if_free(struct kern_defer *kd)
{
	struct neigh_if *ni = (struct neigh_if *)(void *)((char *)kd -
	    offsetof(struct neigh_if, ni_defer));

	kmem_free(ni->ni_kern, ni);
}

void
neigh_ifdetach(struct ifnet *ifp, unsigned slot)
{
	struct neigh_if *ni = neigh_if(ifp, slot);

	if (ni == NULL)
		return;
	neigh_ifpurge(ifp, slot);
	__atomic_store_n(&ifp->if_afdata[slot], NULL, __ATOMIC_RELEASE);
	kern_defer(ni->ni_kern, &ni->ni_defer, neigh_if_free);
}

uint64_t
neigh_oqueued(const struct ifnet *ifp, unsigned slot)
{
	const struct neigh_if *ni = neigh_if(ifp, slot);

	return ni == NULL ? 0 : __atomic_load_n(&ni->ni_oqueued,
	    __ATOMIC_RELAXED);
}

/* --- the vnet's part ----------------------------------------------------- */

uint64_t
neigh_entries(const struct vnet *vn, unsigned slot, enum neigh_class class)
{
	struct neigh_cache *nc = vn->vn_neigh;
	uint64_t n = 0;

	kspin_lock(&nc->nc_table.nt_lock);
	for (unsigned i = 0; i < NEIGH_NCLASSES; i++)
		if (class == NEIGH_C_NONE || class == i)
			n += nc->nc_fam[slot].nf_count[i];
	kspin_unlock(&nc->nc_table.nt_lock);
	return n;
}

struct neigh_fam *
neigh_attach(struct vnet *vn, const struct neigh_proto *proto)
{
	struct neigh_fam *nf = neigh_fam(vn, proto->np_slot);

	nf->nf_proto = proto;
	nf->nf_keep = 1200;
	nf->nf_down = 3;
	nf->nf_look = NEIGH_LOOK_S;
	nf->nf_mtries = nf->nf_utries = 5;
	nf->nf_maxhold = 16;
	nf->nf_maxentries = 4096;
	nf->nf_maxincomplete = 512;
	nf->nf_maxunused = 1024;
	nf->nf_maxasks = 1000;
	nf->nf_maxpps = 20000;
	nf->nf_moves = NEIGH_MOVES_CONFIRM;
	return nf;
}

static int
neigh_init(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;
	struct neigh_cache *nc;

	nc = kmem_zalloc(k, sizeof(*nc));
	if (nc == NULL)
		return ENOMEM;
	nc->nc_vnet = vn;
	neigh_table_init(k, &nc->nc_table);
	nc->nc_seed = nc->nc_table.nt_seed;
	vn->vn_if->ifv_neigh = &nc->nc_table;
	wheel_init(&nc->nc_wheel, k, nc->nc_level, NEIGH_LEVELS, NEIGH_NS,
	    neigh_timer, nc);
	vn->vn_neigh = nc;
	return 0;
}

static void
neigh_fini(struct vnet *vn)
{
	struct neigh_cache *nc = vn->vn_neigh;

	wheel_fini(&nc->nc_wheel);
	vn->vn_neigh = NULL;
	vn->vn_if->ifv_neigh = NULL;
	neigh_table_fini(&nc->nc_table);
	kmem_free(vn->vn_kern, nc);
}

const struct vnet_subsys neigh_subsys = {
	.vs_name = "neigh",
	.vs_init = neigh_init,
	.vs_fini = neigh_fini,
};
