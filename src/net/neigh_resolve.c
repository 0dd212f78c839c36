/*
 * neigh_resolve: packets that wait for a neighbour's link-level address, and
 * what is learnt of neighbours.
 */

#include "net/neigh_cache.h"

#include "net/ether_impl.h"
#include "net/if_held.h"
#include "net/if_vnet_impl.h"

/* --- sending ------------------------------------------------------------- */

/* Take the next packets, a vector at most; false: there are none left. */
static bool
next_vector(struct neigh_pkts *np, struct mvec *mv)
{
	struct mbuf *m;

	mv->mv_n = 0;
	while (mv->mv_n < MVEC_MAX && (m = np->np_head) != NULL) {
		np->np_head = m->m_nextpkt;
		m->m_nextpkt = NULL;
		mv->mv_m[mv->mv_n++] = m;
	}
	if (np->np_head == NULL)
		np->np_tail = &np->np_head;
	return mv->mv_n != 0;
}

/* These packets were counted as offered when they were queued; their next hops
 * may be gone. */
void
neigh_release(struct ifnet *ifp, unsigned slot, struct neigh_pkts *np,
    const uint8_t *lladdr)
{
	uint16_t type = neigh_fam(ifp->if_vnet, slot)->nf_proto->np_ethertype;
	struct mvec mv;

	while (next_vector(np, &mv))
		/* Taps and filters see none that a driver cannot get.  Not by
		 * it_output: that needs next hops, as it is the link type's for
		 * a moment yet. */
		if (if_is_deactivated(ifp))
			mvec_drop(ifp, &mv, DROP_OUT_DETACHING);
		else
			ether_output_to(ifp, &mv, lladdr, type);
}

struct neigh *
neigh_lookup_waited(struct ifnet *ifp, unsigned slot,
    const union neigh_addr *addr, const uint8_t *lladdr, bool *waited)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	uint8_t family = nc->nc_fam[slot].nf_proto->np_family;
	struct neigh_pkts held;
	struct neigh *ne;

	*waited = false;
	/* Packets may be queued faster than they are sent: the number of rounds
	 * is limited. */
	for (unsigned i = 0; ; i++) {
		kspin_lock(&nc->nc_table.nt_lock);
		ne = neigh_lookup(&nc->nc_table, ifp, family, addr);
		if (ne == NULL || ne->ne_hdr != NULL || ne->ne_hold == NULL ||
		    i == NEIGH_DRAINS || if_is_deactivated(ifp))
			return ne;
		neigh_pkts_init(&held);
		neigh_entry_unhold(ne, &held);
		kspin_unlock(&nc->nc_table.nt_lock);
		neigh_release(ifp, slot, &held, lladdr);
		*waited = true;
	}
}

struct neigh *
neigh_lookup_drained(struct ifnet *ifp, unsigned slot,
    const union neigh_addr *addr, const uint8_t *lladdr)
{
	bool waited;

	return neigh_lookup_waited(ifp, slot, addr, lladdr, &waited);
}

/* The link type's output, or the null one once the interface is deactivated. */
static void
output(struct ifnet *ifp, int family, struct mvec *mv)
{

	__atomic_load_n(&ifp->if_typeops, __ATOMIC_CONSUME)->it_output(ifp,
	    family, mv);
}

/* --- resolving ----------------------------------------------------------- */

/* t: queue the packet in the entry; returns the packet that it displaces, and
 * the reason, or NULL. */
static struct mbuf *
neigh_hold(const struct neigh_fam *nf, struct neigh *ne, struct mbuf *m,
    enum drop_reason *why)
{
	struct neigh_if *ni = neigh_if_of(ne);
	struct kern *k = if_kern(ne->ne_ifp);
	struct mbuf *out = NULL;

	if (!mbuf_share_take_part(k, MBUF_SHARE_NEIGHBOURS, m,
	    &ni->ni_held)) {
		*why = nf->nf_proto->np_share;
		return m;
	}
	*why = nf->nf_proto->np_queue;
	m->m_ptr = NULL;	/* the next hop may be gone when it leaves */
	m->m_nextpkt = NULL;
	ip_hold_if(m, ne->ne_ifp);
	if (ne->ne_hold == NULL)
		ne->ne_hold = m;
	else
		ne->ne_holdtail->m_nextpkt = m;
	ne->ne_holdtail = m;
	ne->ne_nhold++;
	__atomic_fetch_add(&ni->ni_oqueued, 1, __ATOMIC_RELAXED);
	if (ne->ne_nhold > neigh_setting(&nf->nf_maxhold)) {
		out = ne->ne_hold;
		ne->ne_hold = out->m_nextpkt;
		if (ne->ne_hold == NULL)
			ne->ne_holdtail = NULL;
		ne->ne_nhold--;
		__atomic_fetch_sub(&ni->ni_oqueued, 1, __ATOMIC_RELAXED);
		out->m_nextpkt = NULL;
		mbuf_share_give_part(k, MBUF_SHARE_NEIGHBOURS, out,
		    &ni->ni_held);
	}
	return out;
}

/* t: a new entry for an address to be resolved; NULL, and the reason: the
 * packet may not have one made, or there is no room. */
static struct neigh *
neigh_begin(struct neigh_fam *nf, struct ifnet *ifp,
    const union neigh_addr *addr, const struct mbuf *m, uint64_t now,
    struct neigh_pkts *pushed, enum drop_reason *why)
{
	struct neigh *ne;

	*why = nf->nf_proto->np_rate;
	if (neigh_ifdata(ifp, nf->nf_proto->np_slot) != NULL &&
	    !neigh_may_ask(nf, ifp, m, now))
		return NULL;
	*why = nf->nf_proto->np_full;
	ne = neigh_entry_new(nf, ifp, addr, NEIGH_C_ASKED, pushed);
	if (ne == NULL)
		return NULL;
	ne->ne_tries = 1;
	neigh_entry_state(ne, NEIGH_S_INCOMPLETE, now, NEIGH_NS);
	return ne;
}

static void
neigh_unreachable(const struct neigh_proto *proto, struct ifnet *ifp,
    struct mbuf *m)
{
	struct neigh_pkts np;

	neigh_pkts_init(&np);
	m->m_nextpkt = NULL;
	ip_hold_if(m, ifp);
	*np.np_tail = m;
	neigh_drop_held(proto, &np, proto->np_unresolved, true);
}

void
neigh_resolve(struct ifnet *ifp, unsigned slot, const union neigh_addr *addr,
    struct mbuf *m)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	struct neigh_fam *nf = &nc->nc_fam[slot];
	const struct neigh_proto *proto = nf->nf_proto;
	uint64_t now = net_curcpu()->ci_now;
	enum drop_reason why = proto->np_queue;
	struct mbuf *out = NULL;
	struct neigh_pkts pushed;
	struct neigh *ne;
	struct mvec mv;
	bool ask = false, unreachable = false;

	if (!neigh_ifusable(ifp)) {
		m_drop(ifp, m, (if_flags_get(ifp) & IFF_NOARP) != 0 ?
		    proto->np_unresolved : DROP_OUT_IF_DOWN);
		return;
	}
	neigh_pkts_init(&pushed);
	kspin_lock(&nc->nc_table.nt_lock);
	ne = neigh_lookup(&nc->nc_table, ifp, proto->np_family, addr);
	if (ne == NULL) {
		ne = neigh_begin(nf, ifp, addr, m, now, &pushed, &why);
		ask = ne != NULL;
		if (ne == NULL)
			out = m;
	} else if (ne->ne_hdr != NULL) {
		/* The address was learnt after the sender's lookup. */
		kspin_unlock(&nc->nc_table.nt_lock);
		mv.mv_n = 1;
		mv.mv_m[0] = m;
		output(ifp, proto->np_family, &mv);
		return;
	} else if (ne->ne_state == NEIGH_S_FAILED)
		unreachable = true;
	if (ne != NULL && !unreachable)
		out = neigh_hold(nf, ne, m, &why);
	kspin_unlock(&nc->nc_table.nt_lock);

	if (unreachable)
		neigh_unreachable(proto, ifp, m);
	if (out != NULL) {
		m_drop(ifp, out, why);
		if (why == proto->np_full)
			neigh_log_full(ifp, slot, now);
	}
	neigh_drop_held(proto, &pushed, proto->np_pushed, false);
	if (ask)
		proto->np_ask(ifp, addr, NULL);
}

/* --- learning ------------------------------------------------------------ */

enum claim { CLAIM_BELIEVED, CLAIM_CONFIRM, CLAIM_PENDING, CLAIM_REFUSED };

/* t: decide on a claim that a known neighbour has a new link-level address;
 * with `answer' it is a reply to an address of ours. */
static enum claim
neigh_claim(const struct neigh_fam *nf, struct neigh *ne,
    const uint8_t *lladdr, bool answer)
{

	switch ((enum neigh_moves)neigh_setting(&nf->nf_moves)) {
	case NEIGH_MOVES_ALWAYS:
		return CLAIM_BELIEVED;
	case NEIGH_MOVES_ASKED:
		return answer && ne->ne_state == NEIGH_S_PROBE ?
		    CLAIM_BELIEVED : CLAIM_REFUSED;
	case NEIGH_MOVES_CONFIRM:
		/* The first claim stands until it is settled. */
		if ((ne->ne_flags & NEIGH_CLAIMED) != 0)
			return memcmp(ne->ne_claim, lladdr, ETHER_ADDR_LEN) ==
			    0 ? CLAIM_PENDING : CLAIM_REFUSED;
		memcpy(ne->ne_claim, lladdr, ETHER_ADDR_LEN);
		return CLAIM_CONFIRM;
	case NEIGH_MOVES_NEVER:
		break;
	}
	return CLAIM_REFUSED;
}

/* t: the state of an entry whose address was just learnt, by an answer to this
 * host or from another packet. */
static void
neigh_learnt(struct neigh_fam *nf, struct neigh *ne, bool answer, uint64_t now)
{
	enum neigh_state was = (enum neigh_state)ne->ne_state;
	/* Others can have it asked by claiming its address: an answer to that
	 * does not make it used. */
	bool asked = was == NEIGH_S_INCOMPLETE || (was == NEIGH_S_PROBE &&
	    (ne->ne_class != NEIGH_C_UNUSED ||
	    (ne->ne_flags & NEIGH_CONFIRM) != 0));

	if (answer && asked)
		neigh_class_set(ne, NEIGH_C_USED);
	if (ne->ne_class == NEIGH_C_USED || ne->ne_class == NEIGH_C_IDLE) {
		ne->ne_tries = 0;
		neigh_entry_reachable(ne, now);
	} else if (was == NEIGH_S_INCOMPLETE) {
		/* The neighbour was asked already, and may yet answer. */
		neigh_entry_flags(ne, NEIGH_CONFIRM, 0);
		ne->ne_tries = 1;
		neigh_entry_state(ne, NEIGH_S_PROBE, now, NEIGH_NS);
	} else if (was != NEIGH_S_PROBE || (answer && !asked)) {
		/* An unsolicited address is used, and verified when it is. */
		ne->ne_tries = 0;
		neigh_entry_state(ne, NEIGH_S_STALE, now, neigh_stale_ns(nf));
	}
	if (ne->ne_state != NEIGH_S_PROBE)
		neigh_entry_flags(ne, 0, NEIGH_CONFIRM);
}

bool
neigh_learn(struct ifnet *ifp, unsigned slot, const union neigh_addr *addr,
    const uint8_t *lladdr, bool create, bool answer)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	struct neigh_fam *nf = &nc->nc_fam[slot];
	const struct neigh_proto *proto = nf->nf_proto;
	uint64_t now = net_curcpu()->ci_now;
	enum claim claim = CLAIM_PENDING;
	uint8_t old[ETHER_ADDR_LEN] = { 0 }, claimant[ETHER_ADDR_LEN] = { 0 };
	bool same, known;
	struct neigh_pkts held, pushed;
	struct neigh *ne;

	neigh_pkts_init(&held);
	neigh_pkts_init(&pushed);
	ne = neigh_lookup_drained(ifp, slot, addr, lladdr);
	known = ne != NULL;
	if (ne == NULL && create)
		ne = neigh_entry_new(nf, ifp, addr, NEIGH_C_UNUSED,
		    &pushed);
	if (ne == NULL || (ne->ne_flags & NEIGH_STATIC) != 0)
		goto out;
	same = ne->ne_hdr != NULL &&
	    memcmp(ne->ne_lladdr, lladdr, ETHER_ADDR_LEN) == 0;
	if (ne->ne_hdr != NULL && !same) {
		claim = neigh_claim(nf, ne, lladdr, answer);
		memcpy(old, ne->ne_lladdr, ETHER_ADDR_LEN);
		memcpy(claimant, lladdr, ETHER_ADDR_LEN);
		if (claim == CLAIM_CONFIRM) {
			neigh_entry_flags(ne, NEIGH_CLAIMED, 0);
			ne->ne_tries = 1;
			neigh_entry_state(ne, NEIGH_S_PROBE, now, NEIGH_NS);
		}
		if (claim != CLAIM_BELIEVED)
			goto out;
	}
	if (!same) {
		if (neigh_set(ne, lladdr) != 0) {
			if (!known)
				neigh_entry_free(ne);
			claim = CLAIM_PENDING;
			goto out;
		}
	} else if ((ne->ne_flags & NEIGH_CLAIMED) != 0) {
		/* The known station answers, so the claim is refused. */
		claim = CLAIM_REFUSED;
		memcpy(old, lladdr, ETHER_ADDR_LEN);
		memcpy(claimant, ne->ne_claim, ETHER_ADDR_LEN);
	}
	neigh_entry_flags(ne, 0, NEIGH_CLAIMED);
	neigh_learnt(nf, ne, answer, now);
	neigh_entry_announce(ne, !same, now);
	neigh_entry_unhold(ne, &held);
	known = true;
out:
	kspin_unlock(&nc->nc_table.nt_lock);
	neigh_drop_held(proto, &pushed, proto->np_pushed, false);
	neigh_release(ifp, slot, &held, lladdr);
	if (claim == CLAIM_CONFIRM)
		proto->np_ask(ifp, addr, old);
	else if (claim != CLAIM_PENDING)
		neigh_tell_move(ifp, slot, addr, old, claimant, claim ==
		    CLAIM_BELIEVED);
	return known;
}

bool
neigh_is_published(struct ifnet *ifp, unsigned slot,
    const union neigh_addr *addr, uint8_t *lladdr)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	struct neigh *ne;
	bool is;

	kspin_lock(&nc->nc_table.nt_lock);
	ne = neigh_lookup(&nc->nc_table, ifp, nc->nc_fam[slot].nf_proto->
	    np_family, addr);
	is = ne != NULL && (ne->ne_flags & NEIGH_PUBLISHED) != 0 &&
	    ne->ne_hdr != NULL;
	if (is)
		memcpy(lladdr, ne->ne_lladdr, ETHER_ADDR_LEN);
	kspin_unlock(&nc->nc_table.nt_lock);
	return is;
}
