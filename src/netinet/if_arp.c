/*
 * if_arp: address resolution (RFC 826): packets in and out, packets that wait
 * for an answer, and the defence of our addresses (RFC 5227 2.4).
 */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "net/if_addr_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/rtsock.h"
#include "netinet/arp_var.h"

/* --- sending ------------------------------------------------------------- */

void
arp_send(struct ifnet *ifp, uint16_t op, const uint8_t *dst,
    const uint8_t *sha, uint32_t spa, const uint8_t *tha, uint32_t tpa)
{
	struct ip_stats *ips = ip_stats(ifp->if_vnet);
	struct arphdr *ar;
	struct mbuf *m;

	m = m_gethdr();
	if (m == NULL)
		return;
	ar = (struct arphdr *)(void *)m->m_data;
	m->m_len = m->m_pktlen = sizeof(*ar);
	m->m_flags = M_LOCAL;
	ar->ar_hrd = htons(1);
	ar->ar_pro = htons(ETHERTYPE_IP);
	ar->ar_hln = ETHER_ADDR_LEN;
	ar->ar_pln = 4;
	ar->ar_op = be16(op);
	if (sha != NULL)
		memcpy(ar->ar_sha, sha, ETHER_ADDR_LEN);
	else
		arp_own_lladdr(ifp, ar->ar_sha);
	ar->ar_spa = spa;
	if (tha != NULL)
		memcpy(ar->ar_tha, tha, ETHER_ADDR_LEN);
	else
		memset(ar->ar_tha, 0, ETHER_ADDR_LEN);
	ar->ar_tpa = tpa;
	if (op == ARP_REQUEST)
		cpu_stat_add(&ips->arps_txrequest, 1);
	else
		cpu_stat_add(&ips->arps_txreply, 1);
	/* Packets about a link-local address are always broadcast, as another
	 * host may use the address too (RFC 3927 2.5). */
	ether_frame_output(ifp, m, dst != NULL && !in_is_linklocal(spa) ? dst :
	    etherbroadcastaddr, ETHERTYPE_ARP);
}

void
arp_ask(struct ifnet *ifp, uint32_t addr, const uint8_t *lladdr)
{
	uint32_t source = in_ifsource(ifp, addr);

	if (!arp_ifusable(ifp))
		return;
	/*
	 * A request from 0.0.0.0 would be a probe, for which another host may
	 * give up its address (RFC 5227 1.1, 2.1.1).  An interface without an
	 * address borrows one of the router's; one whose address is being
	 * checked waits.
	 */
	if (source == 0 && !in_ifhasaddr(ifp))
		source = in_router_id(rt_table_of(ifp));
	if (source == 0)
		return;
	arp_send(ifp, ARP_REQUEST, lladdr, NULL, source, NULL, addr);
}

/* Take the next packets, a vector at most; false: there are none left. */
static bool
next_vector(struct arp_pkts *ap, struct mvec *mv)
{
	struct mbuf *m;

	mv->mv_n = 0;
	while (mv->mv_n < MVEC_MAX && (m = ap->ap_head) != NULL) {
		ap->ap_head = m->m_nextpkt;
		m->m_nextpkt = NULL;
		mv->mv_m[mv->mv_n++] = m;
	}
	if (ap->ap_head == NULL)
		ap->ap_tail = &ap->ap_head;
	return mv->mv_n != 0;
}

/* These packets were counted as offered when they were queued; their next hops
 * may be gone. */
void
arp_release(struct ifnet *ifp, struct arp_pkts *ap, const uint8_t *lladdr)
{
	struct mvec mv;

	while (next_vector(ap, &mv))
		/* Taps and filters see none that a driver cannot get.  Not by
		 * it_output: that needs next hops, as it is the link type's for
		 * a moment yet. */
		if (if_is_deactivated(ifp))
			mvec_drop(ifp, &mv, DROP_OUT_DETACHING);
		else
			ether_output_to(ifp, &mv, lladdr, ETHERTYPE_IP);
}

struct neigh *
arp_lookup_drained(struct arp_vnet *av, struct ifnet *ifp, uint32_t addr,
    const uint8_t *lladdr)
{
	struct arp_pkts held;
	struct neigh *ne;

	/* Packets may be queued faster than they are sent: the number of rounds
	 * is limited. */
	for (unsigned i = 0; ; i++) {
		kspin_lock(&av->av_table.nt_lock);
		ne = neigh_lookup4(&av->av_table, ifp, addr);
		if (ne == NULL || ne->ne_hdr != NULL || ne->ne_hold == NULL ||
		    i == ARP_DRAINS || if_is_deactivated(ifp))
			return ne;
		arp_pkts_init(&held);
		arp_entry_unhold(ne, &held);
		kspin_unlock(&av->av_table.nt_lock);
		arp_release(ifp, &held, lladdr);
	}
}

/* The link type's output, or the null one once the interface is deactivated. */
static void
output(struct ifnet *ifp, struct mvec *mv)
{

	__atomic_load_n(&ifp->if_typeops, __ATOMIC_CONSUME)->it_output(ifp,
	    AF_INET, mv);
}

/* --- resolving ----------------------------------------------------------- */

/* t: queue the packet in the entry; returns the packet that it displaces, and
 * the reason, or NULL. */
static struct mbuf *
arp_hold(struct arp_vnet *av, struct neigh *ne, struct mbuf *m,
    enum drop_reason *why)
{
	struct in_ifdata *id = in_ifdata(ne->ne_ifp);
	struct kern *k = if_kern(ne->ne_ifp);
	struct mbuf *out = NULL;

	if (!mbuf_share_take_part(k, MBUF_SHARE_NEIGHBOURS, m,
	    &id->id_held)) {
		*why = DROP_ARP_SHARE;
		return m;
	}
	*why = DROP_ARP_QUEUE;
	m->m_ptr = NULL;	/* the next hop may be gone when it leaves */
	m->m_nextpkt = NULL;
	ip_hold_if(m, ne->ne_ifp);
	if (ne->ne_hold == NULL)
		ne->ne_hold = m;
	else
		ne->ne_holdtail->m_nextpkt = m;
	ne->ne_holdtail = m;
	ne->ne_nhold++;
	__atomic_fetch_add(&id->id_oqueued, 1, __ATOMIC_RELAXED);
	if (ne->ne_nhold > (uint64_t)av->av_maxhold) {
		out = ne->ne_hold;
		ne->ne_hold = out->m_nextpkt;
		if (ne->ne_hold == NULL)
			ne->ne_holdtail = NULL;
		ne->ne_nhold--;
		__atomic_fetch_sub(&id->id_oqueued, 1, __ATOMIC_RELAXED);
		out->m_nextpkt = NULL;
		mbuf_share_give_part(k, MBUF_SHARE_NEIGHBOURS, out,
		    &id->id_held);
	}
	return out;
}

/* t: a new entry for an address to be resolved; NULL, and the reason: the
 * packet may not have one made, or there is no room. */
static struct neigh *
arp_begin(struct arp_vnet *av, struct ifnet *ifp, const struct mbuf *m,
    uint64_t now, struct arp_pkts *pushed, enum drop_reason *why)
{
	struct in_ifdata *id = arp_ifdata(ifp);
	struct neigh *ne;

	*why = DROP_ARP_RATE;
	if (id != NULL && !arp_may_ask(av, id, m, now))
		return NULL;
	*why = DROP_ARP_FULL;
	ne = arp_entry_new(av, ifp, ip_next4(m->m_nh, mtoip(m)), ARP_C_ASKED,
	    pushed);
	if (ne == NULL)
		return NULL;
	ne->ne_tries = 1;
	arp_entry_state(av, ne, ARP_INCOMPLETE, now, ARP_NS);
	return ne;
}

static void
arp_unreachable(struct ifnet *ifp, struct mbuf *m)
{
	struct arp_pkts ap;

	arp_pkts_init(&ap);
	m->m_nextpkt = NULL;
	ip_hold_if(m, ifp);
	*ap.ap_tail = m;
	arp_drop_held(&ap, DROP_ARP_UNRESOLVED, true);
}

void
arp_resolve(struct ifnet *ifp, struct mbuf *m)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	uint64_t now = net_curcpu()->ci_now;
	uint32_t addr = ip_next4(m->m_nh, mtoip(m));
	enum drop_reason why = DROP_ARP_QUEUE;
	struct mbuf *out = NULL;
	struct arp_pkts pushed;
	struct neigh *ne;
	struct mvec mv;
	bool ask = false, unreachable = false;

	if (!arp_ifusable(ifp)) {
		m_drop(ifp, m, (if_flags_get(ifp) & IFF_NOARP) != 0 ?
		    DROP_ARP_UNRESOLVED : DROP_OUT_IF_DOWN);
		return;
	}
	arp_pkts_init(&pushed);
	kspin_lock(&av->av_table.nt_lock);
	ne = neigh_lookup4(&av->av_table, ifp, addr);
	if (ne == NULL) {
		ne = arp_begin(av, ifp, m, now, &pushed, &why);
		ask = ne != NULL;
		if (ne == NULL)
			out = m;
	} else if (ne->ne_hdr != NULL) {
		/* The address was learnt after the sender's lookup. */
		kspin_unlock(&av->av_table.nt_lock);
		mv.mv_n = 1;
		mv.mv_m[0] = m;
		output(ifp, &mv);
		return;
	} else if (ne->ne_state == ARP_FAILED)
		unreachable = true;
	if (ne != NULL && !unreachable)
		out = arp_hold(av, ne, m, &why);
	kspin_unlock(&av->av_table.nt_lock);

	if (unreachable)
		arp_unreachable(ifp, m);
	if (out != NULL) {
		m_drop(ifp, out, why);
		if (why == DROP_ARP_FULL)
			arp_log_full(ifp, now);
	}
	arp_drop_held(&pushed, DROP_ARP_PUSHED, false);
	if (ask)
		arp_ask(ifp, addr, NULL);
}

/* --- receiving ----------------------------------------------------------- */

/* Has enough time passed since what *last says?  Then it happens now. */
static bool
arp_may_again(struct arp_vnet *av, uint64_t *last, uint64_t now, uint64_t ns)
{
	bool may;

	kspin_lock(&av->av_conflict_lock);
	may = *last == 0 || now >= *last + ns;
	if (may)
		*last = now;
	kspin_unlock(&av->av_conflict_lock);
	return may;
}

/* Limits log lines about an interface's neighbours to one in a while: those
 * about moves, and, so that they hide none, those about claims that are not
 * believed. */
static bool
arp_may_log(const struct ifnet *ifp, bool believed, uint64_t now)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;

	return arp_may_again(av, &av->av_logged_ns[ifp->if_index % ARP_NLOGGED]
	    [believed], now, ARP_NS);
}

const char *
arp_addr_text(uint32_t addr, char buf[16])
{
	const uint8_t *b = (const uint8_t *)&addr;

	(void)snprintf(buf, 16, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	return buf;
}

void
arp_tell_move(struct ifnet *ifp, uint32_t addr, const uint8_t *known,
    const uint8_t *claim, bool believed)
{
	struct ip_stats *ips = ip_stats(ifp->if_vnet);
	char a[16], k[LLADDR_STRSIZE], c[LLADDR_STRSIZE];

	cpu_stat_add(believed ? &ips->arps_changed : &ips->arps_refused, 1);
	if (!arp_may_log(ifp, believed, net_curcpu()->ci_now))
		return;
	if_klog(ifp, KLOG_NOTICE, believed ? "%s is at %s now, not at %s" :
	    "%s is not believed to be at %s, but at %s (net.inet.arp.moves)",
	    arp_addr_text(addr, a), lladdr_text(claim, ETHER_ADDR_LEN, c),
	    lladdr_text(known, ETHER_ADDR_LEN, k));
}

enum claim { CLAIM_BELIEVED, CLAIM_CONFIRM, CLAIM_PENDING, CLAIM_REFUSED };

/* t: decide on a claim that a known neighbour has a new link-level address;
 * with `answer' it is a reply to an address of ours. */
static enum claim
arp_claim(const struct arp_vnet *av, struct neigh *ne, const uint8_t *sha,
    bool answer)
{

	switch ((enum arp_moves)ip_setting(&av->av_moves)) {
	case ARP_MOVES_ALWAYS:
		return CLAIM_BELIEVED;
	case ARP_MOVES_ASKED:
		return answer && ne->ne_state == ARP_PROBE ? CLAIM_BELIEVED :
		    CLAIM_REFUSED;
	case ARP_MOVES_CONFIRM:
		/* The first claim stands until it is settled. */
		if ((ne->ne_flags & NEIGH_CLAIMED) != 0)
			return memcmp(ne->ne_claim, sha, ETHER_ADDR_LEN) == 0 ?
			    CLAIM_PENDING : CLAIM_REFUSED;
		memcpy(ne->ne_claim, sha, ETHER_ADDR_LEN);
		return CLAIM_CONFIRM;
	case ARP_MOVES_NEVER:
		break;
	}
	return CLAIM_REFUSED;
}

/* t: the state of an entry whose address was just learnt, by an answer to this
 * host or from another packet. */
static void
arp_learnt(struct arp_vnet *av, struct neigh *ne, bool answer, uint64_t now)
{
	uint64_t keep = (uint64_t)ip_setting(&av->av_keep) * ARP_NS;
	enum arp_state was = (enum arp_state)ne->ne_state;
	/* Others can have it asked by claiming its address: an answer to that
	 * does not make it used. */
	bool asked = was == ARP_INCOMPLETE || (was == ARP_PROBE &&
	    (ne->ne_class != ARP_C_UNUSED ||
	    (ne->ne_flags & NEIGH_CONFIRM) != 0));

	if (answer && asked)
		arp_class_set(av, ne, ARP_C_USED);
	if (ne->ne_class == ARP_C_USED || ne->ne_class == ARP_C_IDLE) {
		ne->ne_tries = 0;
		arp_entry_state(av, ne, ARP_REACHABLE, now, keep);
	} else if (was == ARP_INCOMPLETE) {
		/* The neighbour was asked already, and may yet answer. */
		arp_entry_flags(ne, NEIGH_CONFIRM, 0);
		ne->ne_tries = 1;
		arp_entry_state(av, ne, ARP_PROBE, now, ARP_NS);
	} else if (was != ARP_PROBE || (answer && !asked)) {
		/* An unsolicited address is used, and verified when it is. */
		ne->ne_tries = 0;
		arp_entry_state(av, ne, ARP_STALE, now, keep);
	}
	if (ne->ne_state != ARP_PROBE)
		arp_entry_flags(ne, 0, NEIGH_CONFIRM);
}

/*
 * Learn a neighbour's link-level address from a packet.  A known neighbour is
 * updated (RFC 826: before the operation is looked at); with `create', an
 * unknown one is added, if there is room; `answer' as for arp_claim().  false:
 * the neighbour is not in the cache.
 */
static bool
arp_learn(struct ifnet *ifp, uint32_t spa, const uint8_t *sha, bool create,
    bool answer)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	uint64_t now = net_curcpu()->ci_now;
	enum claim claim = CLAIM_PENDING;
	uint8_t old[ETHER_ADDR_LEN] = { 0 }, claimant[ETHER_ADDR_LEN] = { 0 };
	bool same, known;
	struct arp_pkts held, pushed;
	struct neigh *ne;

	arp_pkts_init(&held);
	arp_pkts_init(&pushed);
	ne = arp_lookup_drained(av, ifp, spa, sha);
	known = ne != NULL;
	if (ne == NULL && create)
		ne = arp_entry_new(av, ifp, spa, ARP_C_UNUSED, &pushed);
	if (ne == NULL || (ne->ne_flags & NEIGH_STATIC) != 0)
		goto out;
	same = ne->ne_hdr != NULL &&
	    memcmp(ne->ne_lladdr, sha, ETHER_ADDR_LEN) == 0;
	if (ne->ne_hdr != NULL && !same) {
		claim = arp_claim(av, ne, sha, answer);
		memcpy(old, ne->ne_lladdr, ETHER_ADDR_LEN);
		memcpy(claimant, sha, ETHER_ADDR_LEN);
		if (claim == CLAIM_CONFIRM) {
			arp_entry_flags(ne, NEIGH_CLAIMED, 0);
			ne->ne_tries = 1;
			arp_entry_state(av, ne, ARP_PROBE, now, ARP_NS);
		}
		if (claim != CLAIM_BELIEVED)
			goto out;
	}
	if (!same) {
		if (neigh_set(ne, sha) != 0) {
			if (!known)
				arp_entry_free(av, ne);
			claim = CLAIM_PENDING;
			goto out;
		}
	} else if ((ne->ne_flags & NEIGH_CLAIMED) != 0) {
		/* The known station answers, so the claim is refused. */
		claim = CLAIM_REFUSED;
		memcpy(old, sha, ETHER_ADDR_LEN);
		memcpy(claimant, ne->ne_claim, ETHER_ADDR_LEN);
	}
	arp_entry_flags(ne, 0, NEIGH_CLAIMED);
	arp_learnt(av, ne, answer, now);
	arp_entry_announce(ne, !same, now);
	arp_entry_unhold(ne, &held);
	known = true;
out:
	kspin_unlock(&av->av_table.nt_lock);
	arp_drop_held(&pushed, DROP_ARP_PUSHED, false);
	arp_release(ifp, &held, sha);
	if (claim == CLAIM_CONFIRM)
		arp_ask(ifp, spa, old);
	else if (claim != CLAIM_PENDING)
		arp_tell_move(ifp, spa, old, claimant, claim ==
		    CLAIM_BELIEVED);
	return known;
}

/*
 * Another host uses an address of ours: log it and defend the address, with a
 * limited rate, or two defenders would never stop (RFC 5227 2.4 b).  Each
 * address has a rate of its own, by a hash of it and the interface.
 */
static void
arp_conflict(struct ifnet *ifp, uint32_t addr, const uint8_t *sha)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	char a[16], l[LLADDR_STRSIZE];
	uint32_t slot;

	slot = neigh_hash4(&av->av_table, ifp, addr) % ARP_NDEFENDED;
	if (!arp_may_again(av, &av->av_defended_ns[slot],
	    net_curcpu()->ci_now, ARP_DEFEND_NS))
		return;
	if_klog(ifp, KLOG_WARNING, "%s also claims our address %s",
	    lladdr_text(sha, ETHER_ADDR_LEN, l), arp_addr_text(addr, a));
	arp_send(ifp, ARP_REQUEST, NULL, NULL, addr, NULL, addr);
	cpu_stat_add(&ip_stats(ifp->if_vnet)->arps_announce, 1);
}

/* This interface's own address `addr'; NULL: it has no such address. */
static struct ifaddr *
arp_ours(struct ifnet *ifp, uint32_t addr)
{
	const struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_addr.s_addr = addr,
	};
	struct ifaddr *ifa;

	ifa = ifa_ifp_find(ifp, (const struct sockaddr *)&sin);
	return ifa != NULL && (__atomic_load_n(&ifa->ifa_flags,
	    __ATOMIC_RELAXED) & (IFA_INACTIVE | IFA_DESTROYING)) == 0 ?
	    ifa : NULL;
}

bool
arp_is_onlink(const struct ifnet *ifp, uint32_t addr)
{
	struct fwd fd = rt_lookup4(rt_table_of(ifp), addr);

	return fwd_is_onlink(&fd) && fd.fd_nh->nh_ifp == ifp;
}

/* Is the address the router's, on whatever interface?  A request may have been
 * sent with such a source (arp_ask()). */
static bool
is_local(const struct ifnet *ifp, uint32_t addr)
{
	struct fwd fd = rt_lookup4(rt_table_of(ifp), addr);

	return fwd_is_local(&fd);
}

/* The link-level address that a published entry is answered with. */
static bool
arp_is_published(struct ifnet *ifp, uint32_t addr, uint8_t *lladdr)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	struct neigh *ne;
	bool is;

	kspin_lock(&av->av_table.nt_lock);
	ne = neigh_lookup4(&av->av_table, ifp, addr);
	is = ne != NULL && (ne->ne_flags & NEIGH_PUBLISHED) != 0 &&
	    ne->ne_hdr != NULL;
	if (is)
		memcpy(lladdr, ne->ne_lladdr, ETHER_ADDR_LEN);
	kspin_unlock(&av->av_table.nt_lock);
	return is;
}

/* The reason for which an ARP packet is dropped; DROP_NREASONS: it is sound. */
static enum drop_reason
arp_check(struct ifnet *ifp, const struct arphdr *ar)
{
	uint16_t op = be16(ar->ar_op);

	if (ar->ar_hrd != htons(1) || ar->ar_pro != htons(ETHERTYPE_IP) ||
	    ar->ar_hln != ETHER_ADDR_LEN || ar->ar_pln != 4 ||
	    (op != ARP_REQUEST && op != ARP_REPLY))
		return DROP_ARP_BAD;
	if (!lladdr_is_station(ar->ar_sha, ETHER_ADDR_LEN))
		return DROP_ARP_BAD;
	/* A sender of 0.0.0.0 probes for an address (RFC 5227 1.1). */
	if (!in_ordinary(ar->ar_spa) && (ar->ar_spa != 0 ||
	    op != ARP_REQUEST))
		return DROP_ARP_BAD;
	if (in_special_nobody(ar->ar_spa))
		return DROP_ARP_BAD;
	return arp_may_hear(ifp, net_curcpu()->ci_now) ? DROP_NREASONS :
	    DROP_ARP_LIMIT;
}

/* Handle a sound packet: learn, answer.  DROP_NREASONS: it was used, else the
 * reason for its drop. */
static enum drop_reason
arp_handle(struct ifnet *ifp, const struct arphdr *ar)
{
	struct ip_stats *ips = ip_stats(ifp->if_vnet);
	uint8_t own[ETHER_ADDR_LEN], proxy[ETHER_ADDR_LEN];
	bool request = be16(ar->ar_op) == ARP_REQUEST, ours, known = false;
	struct ifaddr *ifa;
	struct fwd fd;

	if (request)
		cpu_stat_add(&ips->arps_rxrequest, 1);
	else
		cpu_stat_add(&ips->arps_rxreply, 1);
	arp_own_lladdr(ifp, own);
	if (memcmp(ar->ar_sha, own, ETHER_ADDR_LEN) == 0)
		return DROP_ARP_NOT_OURS;	/* sent by this host */
	ifa = ar->ar_spa != 0 ? arp_ours(ifp, ar->ar_spa) : NULL;
	if (ifa != NULL) {
		if (!arp_dad_conflict(ifa, ar->ar_sha))
			arp_conflict(ifp, ar->ar_spa, ar->ar_sha);
		return DROP_ARP_CONFLICT;
	}
	/* No host has a broadcast address or a network address. */
	if (ar->ar_spa != 0) {
		fd = rt_lookup4(rt_table_of(ifp), ar->ar_spa);
		if (fwd_is_broadcast(&fd) ||
		    in_is_network(rt_table_of(ifp), &fd, ar->ar_spa))
			return DROP_ARP_BAD;
	}
	ifa = arp_ours(ifp, ar->ar_tpa);
	/* Another host probes for the address that is being checked here (RFC
	 * 5227 2.1.1). */
	if (ifa != NULL && ar->ar_spa == 0 &&
	    arp_dad_conflict(ifa, ar->ar_sha))
		return DROP_ARP_CONFLICT;
	ours = ifa != NULL && in_ifa_usable(ifa);
	if (ar->ar_spa != 0)
		known = arp_learn(ifp, ar->ar_spa, ar->ar_sha,
		    request && ours && arp_is_onlink(ifp, ar->ar_spa),
		    !request && is_local(ifp, ar->ar_tpa));
	if (!request)
		return ours || known ? DROP_NREASONS : DROP_ARP_NOT_OURS;
	if (ours) {
		arp_send(ifp, ARP_REPLY, ar->ar_sha, NULL, ar->ar_tpa,
		    ar->ar_sha, ar->ar_spa);
		return DROP_NREASONS;
	}
	if (ar->ar_spa != ar->ar_tpa &&
	    arp_is_published(ifp, ar->ar_tpa, proxy)) {
		arp_send(ifp, ARP_REPLY, ar->ar_sha, proxy, ar->ar_tpa,
		    ar->ar_sha, ar->ar_spa);
		return DROP_NREASONS;
	}
	return known ? DROP_NREASONS : DROP_ARP_NOT_OURS;
}

void
arp_input_vec(struct ifnet *ifp, struct mvec *mv)
{
	enum drop_reason why;
	struct arphdr ar;
	struct mbuf *m;
	bool noarp = (if_flags_get(ifp) & IFF_NOARP) != 0;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		if (noarp)
			why = DROP_ARP_NOARP;
		else if (!m_copydata(m, 0, sizeof(ar), &ar))
			why = DROP_ARP_SHORT;
		else if ((why = arp_check(ifp, &ar)) == DROP_NREASONS)
			why = arp_handle(ifp, &ar);
		if (why != DROP_NREASONS) {
			m_drop(ifp, m, why);
			continue;
		}
		if_stat_add(ifp, IF_STAT_DELIVERED, 1);
		m_freem(m);
	}
	mv->mv_n = 0;
}

/* --- the vnet's part ----------------------------------------------------- */

static int
arp_init(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;
	struct arp_vnet *av;
	int error;

	av = kmem_zalloc(k, sizeof(*av));
	if (av == NULL)
		return ENOMEM;
	av->av_vnet = vn;
	av->av_keep = 1200;
	av->av_down = 3;
	av->av_maxhold = 16;
	av->av_maxentries = 4096;
	av->av_maxincomplete = 512;
	av->av_maxunused = 1024;
	av->av_maxasks = 1000;
	av->av_maxpps = 20000;
	av->av_moves = ARP_MOVES_CONFIRM;
	arp_dad_init(av);
	vn->vn_arp = av;
	error = arp_cache_init(av);
	if (error != 0)
		goto fail_cache;
	error = arp_sysctl_init(vn);
	if (error == 0)
		error = ether_register(vn, ETHERTYPE_ARP, arp_input_vec);
	if (error == 0)
		return 0;

	arp_cache_fini(av);
fail_cache:
	vn->vn_arp = NULL;
	kmem_free(k, av);
	return error;
}

static void
arp_fini(struct vnet *vn)
{
	struct arp_vnet *av = vn->vn_arp;

	arp_dad_fini(av);
	arp_cache_fini(av);
	vn->vn_arp = NULL;
	kmem_free(vn->vn_kern, av);
}

const struct vnet_subsys arp_subsys = {
	.vs_name = "arp",
	.vs_init = arp_init,
	.vs_fini = arp_fini,
};
