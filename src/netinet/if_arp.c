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
		source = in_router_id(ifp->if_vnet);
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

/* Send packets that waited for a neighbour, whose entry senders still see as
 * unresolved. */
static void
arp_release_to(struct ifnet *ifp, struct arp_pkts *ap, const uint8_t *lladdr)
{
	struct mvec mv;

	while (next_vector(ap, &mv))
		ether_output_to(ifp, &mv, lladdr, ETHERTYPE_IP);
}

struct llentry *
arp_lookup_drained(struct arp_vnet *av, struct ifnet *ifp, uint32_t addr,
    const uint8_t *lladdr)
{
	struct arp_pkts held;
	struct llentry *la;

	/* Packets may be queued faster than they are sent: the number of rounds
	 * is limited. */
	for (unsigned i = 0; ; i++) {
		kspin_lock(&av->av_table.lt_lock);
		la = lla_lookup4(&av->av_table, ifp, addr);
		if (la == NULL || la->la_hdr != NULL || la->la_hold == NULL ||
		    i == ARP_DRAINS || if_is_deactivated(ifp))
			return la;
		arp_pkts_init(&held);
		arp_entry_unhold(la, &held);
		kspin_unlock(&av->av_table.lt_lock);
		arp_release_to(ifp, &held, lladdr);
	}
}

/* The link type's output, or the null one once the interface is deactivated. */
static void
output(struct ifnet *ifp, struct mvec *mv)
{

	__atomic_load_n(&ifp->if_typeops, __ATOMIC_CONSUME)->it_output(ifp,
	    AF_INET, mv);
}

void
arp_release(struct ifnet *ifp, struct arp_pkts *ap)
{
	struct mvec mv;

	/* These packets were counted as offered when they were queued. */
	while (next_vector(ap, &mv))
		output(ifp, &mv);
}

/* --- resolving ----------------------------------------------------------- */

/* t: queue the packet in the entry; returns the packet that it displaces, and
 * the reason, or NULL. */
static struct mbuf *
arp_hold(struct arp_vnet *av, struct llentry *la, struct mbuf *m,
    enum drop_reason *why)
{
	struct in_ifdata *id = in_ifdata(la->la_ifp);
	struct kern *k = if_kern(la->la_ifp);
	struct mbuf *out = NULL;

	if (!mbuf_share_take(k, MBUF_SHARE_NEIGHBOURS, m)) {
		*why = DROP_ARP_SHARE;
		return m;
	}
	*why = DROP_ARP_QUEUE;
	m->m_ptr = NULL;	/* the route may be gone when it leaves */
	m->m_nextpkt = NULL;
	ip_hold_if(m, la->la_ifp);
	if (la->la_hold == NULL)
		la->la_hold = m;
	else
		la->la_holdtail->m_nextpkt = m;
	la->la_holdtail = m;
	la->la_nhold++;
	__atomic_fetch_add(&id->id_oqueued, 1, __ATOMIC_RELAXED);
	if (la->la_nhold > (uint64_t)av->av_maxhold) {
		out = la->la_hold;
		la->la_hold = out->m_nextpkt;
		if (la->la_hold == NULL)
			la->la_holdtail = NULL;
		la->la_nhold--;
		__atomic_fetch_sub(&id->id_oqueued, 1, __ATOMIC_RELAXED);
		out->m_nextpkt = NULL;
		mbuf_share_give(k, MBUF_SHARE_NEIGHBOURS, out);
	}
	return out;
}

/* t: a new entry for an address to be resolved; NULL: at the limit, or out of
 * memory. */
static struct llentry *
arp_begin(struct arp_vnet *av, struct ifnet *ifp, uint32_t addr, uint64_t now)
{
	struct in_ifdata *id = in_ifdata(ifp);
	struct llentry *la;

	/* Addresses without hosts must not fill the table. */
	if (id != NULL && id->id_nunres >= (uint64_t)av->av_maxentries / 2)
		return NULL;
	la = arp_entry_new(av, ifp, addr);
	if (la == NULL)
		return NULL;
	la->la_tries = 1;
	arp_entry_state(av, la, ARP_INCOMPLETE, now, ARP_NS);
	return la;
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
	uint32_t addr = m->m_nexthop;
	enum drop_reason why = DROP_ARP_QUEUE;
	struct mbuf *out = NULL;
	struct llentry *la;
	struct mvec mv;
	bool ask = false;

	if (!arp_ifusable(ifp)) {
		m_drop(ifp, m, (if_flags_get(ifp) & IFF_NOARP) != 0 ?
		    DROP_ARP_UNRESOLVED : DROP_OUT_IF_DOWN);
		return;
	}
	kspin_lock(&av->av_table.lt_lock);
	la = lla_lookup4(&av->av_table, ifp, addr);
	if (la == NULL) {
		la = arp_begin(av, ifp, addr, now);
		ask = la != NULL;
	} else if (la->la_hdr != NULL) {
		/* The address was learnt after the sender's lookup. */
		kspin_unlock(&av->av_table.lt_lock);
		mv.mv_n = 1;
		mv.mv_m[0] = m;
		output(ifp, &mv);
		return;
	} else if (la->la_state == ARP_FAILED)
		la = NULL;
	if (la != NULL)
		out = arp_hold(av, la, m, &why);
	kspin_unlock(&av->av_table.lt_lock);

	if (la == NULL)
		arp_unreachable(ifp, m);
	if (out != NULL)
		m_drop(ifp, out, why);
	if (ask)
		arp_ask(ifp, addr, NULL);
}

/* --- receiving ----------------------------------------------------------- */

/* Limits log lines about neighbours to one in a while: those about moves, and,
 * so that they hide none, those about claims that are not believed. */
static bool
arp_may_log(struct arp_vnet *av, bool believed, uint64_t now)
{
	uint64_t *logged = &av->av_logged_ns[believed];
	bool may;

	kspin_lock(&av->av_conflict_lock);
	may = *logged == 0 || now - *logged >= ARP_NS;
	if (may)
		*logged = now;
	kspin_unlock(&av->av_conflict_lock);
	return may;
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
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	struct ip_stats *ips = ip_stats(ifp->if_vnet);
	char a[16], k[LLADDR_STRSIZE], c[LLADDR_STRSIZE];

	cpu_stat_add(believed ? &ips->arps_changed : &ips->arps_refused, 1);
	if (!arp_may_log(av, believed, net_curcpu()->ci_now))
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
arp_claim(const struct arp_vnet *av, struct llentry *la, const uint8_t *sha,
    bool answer)
{

	switch ((enum arp_moves)ip_setting(&av->av_moves)) {
	case ARP_MOVES_ALWAYS:
		return CLAIM_BELIEVED;
	case ARP_MOVES_ASKED:
		return answer && la->la_state == ARP_PROBE ? CLAIM_BELIEVED :
		    CLAIM_REFUSED;
	case ARP_MOVES_CONFIRM:
		/* The first claim stands until it is settled. */
		if ((la->la_flags & LLE_CLAIMED) != 0)
			return memcmp(la->la_claim, sha, ETHER_ADDR_LEN) == 0 ?
			    CLAIM_PENDING : CLAIM_REFUSED;
		memcpy(la->la_claim, sha, ETHER_ADDR_LEN);
		return CLAIM_CONFIRM;
	case ARP_MOVES_NEVER:
		break;
	}
	return CLAIM_REFUSED;
}

/*
 * Learn a neighbour's link-level address from a packet.  A known neighbour is
 * updated (RFC 826: before the operation is looked at); with `create', an
 * unknown one is added; `answer' as for arp_claim().  false: the neighbour is
 * not in the cache.
 */
static bool
arp_learn(struct ifnet *ifp, uint32_t spa, const uint8_t *sha, bool create,
    bool answer)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	uint64_t now = net_curcpu()->ci_now;
	uint64_t keep = (uint64_t)av->av_keep * ARP_NS;
	enum claim claim = CLAIM_PENDING;
	uint8_t old[ETHER_ADDR_LEN] = { 0 }, claimant[ETHER_ADDR_LEN] = { 0 };
	bool same, known;
	struct arp_pkts held;
	struct llentry *la;

	arp_pkts_init(&held);
	la = arp_lookup_drained(av, ifp, spa, sha);
	known = la != NULL;
	if (la == NULL && create)
		la = arp_entry_new(av, ifp, spa);
	if (la == NULL || (la->la_flags & LLE_STATIC) != 0)
		goto out;
	same = la->la_hdr != NULL &&
	    memcmp(la->la_lladdr, sha, ETHER_ADDR_LEN) == 0;
	if (la->la_hdr != NULL && !same) {
		claim = arp_claim(av, la, sha, answer);
		memcpy(old, la->la_lladdr, ETHER_ADDR_LEN);
		memcpy(claimant, sha, ETHER_ADDR_LEN);
		if (claim == CLAIM_CONFIRM) {
			arp_entry_flags(la, LLE_CLAIMED, 0);
			la->la_tries = 1;
			arp_entry_state(av, la, ARP_PROBE, now, ARP_NS);
		}
		if (claim != CLAIM_BELIEVED)
			goto out;
	}
	if (!same) {
		if (lla_set(la, sha) != 0) {
			if (!known)
				arp_entry_free(av, la);
			claim = CLAIM_PENDING;
			goto out;
		}
		rt_neighmsg(claim == CLAIM_BELIEVED ? RTM_LLINFO_UPD : RTM_ADD,
		    la);
	} else if ((la->la_flags & LLE_CLAIMED) != 0) {
		/* The known station answers, so the claim is refused. */
		claim = CLAIM_REFUSED;
		memcpy(old, sha, ETHER_ADDR_LEN);
		memcpy(claimant, la->la_claim, ETHER_ADDR_LEN);
	}
	arp_entry_flags(la, 0, LLE_CLAIMED);
	la->la_tries = 0;
	/* An unsolicited address is STALE: used, and verified when it is. */
	arp_entry_state(av, la, known ? ARP_REACHABLE : ARP_STALE, now, keep);
	arp_entry_unhold(la, &held);
	known = true;
out:
	kspin_unlock(&av->av_table.lt_lock);
	arp_release(ifp, &held);
	if (claim == CLAIM_CONFIRM)
		arp_ask(ifp, spa, old);
	else if (claim != CLAIM_PENDING)
		arp_tell_move(ifp, spa, old, claimant, claim ==
		    CLAIM_BELIEVED);
	return known;
}

/*
 * Another host uses an address of ours: log it and defend the address, with a
 * limited rate, or two defenders would never stop (RFC 5227 2.4 b).
 */
static void
arp_conflict(struct ifnet *ifp, uint32_t addr, const uint8_t *sha)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	uint64_t now = net_curcpu()->ci_now;
	char a[16], l[LLADDR_STRSIZE];
	bool defend;

	kspin_lock(&av->av_conflict_lock);
	defend = av->av_defended_ns == 0 ||
	    now - av->av_defended_ns >= ARP_DEFEND_NS;
	if (defend)
		av->av_defended_ns = now;
	kspin_unlock(&av->av_conflict_lock);
	if (!defend)
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
	const struct rtentry *rt = rt_lookup4(ifp->if_vnet, addr);

	return rt != NULL && rt->rt_ifp == ifp && rt->rt_gw4 == 0 &&
	    (rt->rt_flags & (RTF_LOCAL | RTF_BROADCAST | RTF_REJECT |
	    RTF_BLACKHOLE)) == 0;
}

/* Is the address the router's, on whatever interface?  A request may have been
 * sent with such a source (arp_ask()). */
static bool
is_local(const struct ifnet *ifp, uint32_t addr)
{
	const struct rtentry *rt = rt_lookup4(ifp->if_vnet, addr);

	return rt != NULL && (rt->rt_flags & RTF_LOCAL) != 0;
}

/* The link-level address that a published entry is answered with. */
static bool
arp_is_published(struct ifnet *ifp, uint32_t addr, uint8_t *lladdr)
{
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	struct llentry *la;
	bool is;

	kspin_lock(&av->av_table.lt_lock);
	la = lla_lookup4(&av->av_table, ifp, addr);
	is = la != NULL && (la->la_flags & LLE_PUBLISHED) != 0 &&
	    la->la_hdr != NULL;
	if (is)
		memcpy(lladdr, la->la_lladdr, ETHER_ADDR_LEN);
	kspin_unlock(&av->av_table.lt_lock);
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
	if (!ip_token_take(&ifp->if_vnet->vn_arp->av_tokens[
	    net_curcpu()->ci_index * 4], net_curcpu()->ci_now,
	    __atomic_load_n(&ifp->if_vnet->vn_arp->av_maxpps,
	    __ATOMIC_RELAXED)))
		return DROP_ARP_LIMIT;
	return DROP_NREASONS;
}

/* Handle a sound packet: learn, answer.  DROP_NREASONS: it was used, else the
 * reason for its drop. */
static enum drop_reason
arp_handle(struct ifnet *ifp, const struct arphdr *ar)
{
	struct ip_stats *ips = ip_stats(ifp->if_vnet);
	uint8_t own[ETHER_ADDR_LEN], proxy[ETHER_ADDR_LEN];
	bool request = be16(ar->ar_op) == ARP_REQUEST, ours, known = false;
	const struct rtentry *rt;
	struct ifaddr *ifa;

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
	rt = ar->ar_spa != 0 ? rt_lookup4(ifp->if_vnet, ar->ar_spa) : NULL;
	if (rt != NULL && ((rt->rt_flags & RTF_BROADCAST) != 0 ||
	    in_is_network(ifp->if_vnet, rt, ar->ar_spa)))
		return DROP_ARP_BAD;
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
	av->av_maxpps = 20000;
	av->av_moves = ARP_MOVES_CONFIRM;
	arp_dad_init(av);
	vn->vn_arp = av;
	av->av_tokens = host_alloc(k->k_host, kern_ncpu(k) * 64, 64);
	if (av->av_tokens == NULL) {
		error = ENOMEM;
		goto fail_tokens;
	}
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
	host_free(k->k_host, av->av_tokens);
fail_tokens:
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
	host_free(vn->vn_kern->k_host, av->av_tokens);
	vn->vn_arp = NULL;
	kmem_free(vn->vn_kern, av);
}

const struct vnet_subsys arp_subsys = {
	.vs_name = "arp",
	.vs_init = arp_init,
	.vs_fini = arp_fini,
};
