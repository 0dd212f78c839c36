/*
 * nd6_nbr: messages of neighbour discovery as they come in: every field is
 * checked (RFC 4861 6.1, 7.1), neighbours are learnt (7.2.3, 7.2.5), and
 * solicitations for our addresses are answered (7.2.4).
 */

#include "net/if_addr_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet6/nd6_impl.h"

/* --- checking ------------------------------------------------------------ */

/* Does the message of this type carry the sender's link-level address in that
 * option, or the target's? */
static uint8_t
lladdr_option(uint8_t type)
{

	return type == ND6_NA ? ND6_OPT_TLLA : ND6_OPT_SLLA;
}

/* Read the options from offset off to the end of the packet.  false: they are
 * malformed. */
static bool
get_options(const struct mbuf *m, unsigned off, struct nd6_msg *nm)
{
	struct nd6_opt no;
	unsigned len;

	for (unsigned n = 0; off < m->m_pktlen; n++) {
		if (n == ND6_OPTS_MAX || !m_copydata(m, off, sizeof(no), &no))
			return false;
		len = no.no_len * 8u;
		if (len == 0 || len > m->m_pktlen - off)
			return false;
		if (no.no_type == lladdr_option(nm->nm_type)) {
			if (no.no_len != 1 || !lladdr_is_station(no.no_data,
			    ETHER_ADDR_LEN))
				return false;
			nm->nm_has_lladdr = true;
			memcpy(nm->nm_lladdr, no.no_data, ETHER_ADDR_LEN);
		} else if (no.no_type == ND6_OPT_NONCE && no.no_len == 1) {
			nm->nm_has_nonce = true;
			memcpy(nm->nm_nonce, no.no_data, ND6_NONCE_LEN);
		}
		off += len;
	}
	return true;
}

/* The length of a message without its options; 0: not one that is handled. */
static unsigned
fixed_len(uint8_t type)
{

	switch (type) {
	case ND6_RS:
		return ICMP6_HLEN;
	case ND6_RA:
		return ICMP6_HLEN + 8;
	case ND6_NS:
	case ND6_NA:
		return sizeof(struct nd6_neighbor);
	default:
		return 0;
	}
}

static bool
is_solicited_group(const uint8_t *a)
{
	static const uint8_t prefix[13] = {
		0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff
	};
	uint8_t wire[16];

	memcpy(wire, a, sizeof(wire));
	zone6_leave(wire);
	return memcmp(wire, prefix, sizeof(prefix)) == 0;
}

/* The rules of each type about addresses and flags. */
static bool
fields_ok(const struct nd6_msg *nm)
{
	bool unspecified = !neigh_addr_is_set(&nm->nm_src);

	switch (nm->nm_type) {
	case ND6_RS:			/* 6.1.1 */
		return !unspecified || !nm->nm_has_lladdr;
	case ND6_RA:			/* 6.1.2 */
		return zone6_is_linklocal(nm->nm_src.na_bytes);
	case ND6_NS:			/* 7.1.1 */
		if (unspecified && (nm->nm_has_lladdr ||
		    !is_solicited_group(nm->nm_dst.na_bytes)))
			return false;
		break;
	case ND6_NA:			/* 7.1.2 */
		if (unspecified || (zone6_is_multicast(nm->nm_dst.na_bytes) &&
		    (nm->nm_flags & ND6_NA_SOLICITED) != 0))
			return false;
		break;
	}
	return in6_may_be_ours(&nm->nm_target);
}

/* Check a message and read it.  The reason for a drop; DROP_NREASONS: it is
 * sound. */
static enum drop_reason
get_message(struct ifnet *ifp, const struct mbuf *m, unsigned off,
    struct nd6_msg *nm)
{
	const struct iphdr6 *ip6 = mtoip6(m);
	struct nd6_neighbor nd;
	struct ip6_addrs ia;
	unsigned len;

	if (!m_copydata(m, off, ICMP6_HLEN, &nd.nd_icmp))
		return DROP_ND6_BAD;
	memset(nm, 0, sizeof(*nm));
	nm->nm_type = nd.nd_icmp.icmp6_type;
	if (ip6->ip6_hlim != ND6_HLIM)
		return DROP_ND6_HLIM;
	len = fixed_len(nm->nm_type);
	if (len == 0)
		return DROP_ND6_UNWANTED;
	if (nd.nd_icmp.icmp6_code != 0 || off + len > m->m_pktlen ||
	    !ip6_addrs_get(ifp, ip6, &ia))
		return DROP_ND6_BAD;
	nm->nm_src = ia.ia_src;
	nm->nm_dst = ia.ia_dst;
	if (nm->nm_type == ND6_NS || nm->nm_type == ND6_NA) {
		if (!m_copydata(m, off, sizeof(nd), &nd))
			return DROP_ND6_BAD;
		nm->nm_flags = be32(nd.nd_icmp.icmp6_word);
		memcpy(&nm->nm_target, nd.nd_target, sizeof(nm->nm_target));
		if (!zone6_enter(nm->nm_target.na_bytes, ifp->if_index))
			return DROP_ND6_BAD;
	}
	if (!get_options(m, off + len, nm) || !fields_ok(nm))
		return DROP_ND6_BAD;
	return neigh_may_hear(ifp, DOM_SLOT_INET6, net_curcpu()->ci_now) ?
	    DROP_NREASONS : DROP_ND6_LIMIT;
}

/* --- learning ------------------------------------------------------------ */

/* t: the neighbour said whether it is a router. */
static void
set_router(struct neigh *ne, bool router)
{

	neigh_entry_flags(ne, router ? NEIGH_ROUTER : 0,
	    router ? 0 : NEIGH_ROUTER);
}

/* t: the entry's address is now known, or another, and nobody has said that it
 * can be reached. */
static void
set_stale(struct neigh *ne, uint64_t now)
{

	ne->ne_tries = 0;
	neigh_entry_state(ne, NEIGH_S_STALE, now, neigh_stale_ns(
	    neigh_fam_of(ne)));
	neigh_entry_flags(ne, 0, NEIGH_CONFIRM);
}

/* t: an entry whose packets are sent now is used. */
static void
unhold(struct neigh *ne, struct neigh_pkts *held)
{

	if (ne->ne_hold == NULL)
		return;
	neigh_entry_unhold(ne, held);
	neigh_used_set(ne);
}

bool
nd6_learn(struct ifnet *ifp, const union neigh_addr *addr,
    const uint8_t *lladdr, bool create, const bool *router)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	uint64_t now = net_curcpu()->ci_now;
	uint8_t old[ETHER_ADDR_LEN];
	struct neigh_pkts held, pushed;
	bool fresh, waited, was = false, moved = false;
	struct neigh *ne;

	neigh_pkts_init(&held);
	neigh_pkts_init(&pushed);
	ne = neigh_lookup_waited(ifp, DOM_SLOT_INET6, addr, lladdr, &waited);
	fresh = ne == NULL;
	if (fresh && create)
		ne = neigh_entry_new(&nc->nc_fam[DOM_SLOT_INET6], ifp, addr,
		    NEIGH_C_UNUSED, &pushed);
	if (ne == NULL || (ne->ne_flags & NEIGH_STATIC) != 0)
		goto out;
	was = ne->ne_hdr != NULL;
	moved = was && memcmp(ne->ne_lladdr, lladdr, ETHER_ADDR_LEN) != 0;
	if (moved)
		memcpy(old, ne->ne_lladdr, ETHER_ADDR_LEN);
	if (!was || moved) {
		if (neigh_set(ne, lladdr) != 0) {
			if (fresh)
				neigh_entry_free(ne);
			ne = fresh ? NULL : ne;
			moved = false;
			goto out;
		}
		set_stale(ne, now);
	}
	if (router != NULL)
		set_router(ne, *router);
	neigh_entry_announce(ne, !was || moved, now);
	unhold(ne, &held);
	if (waited)
		neigh_used_set(ne);
out:
	kspin_unlock(&nc->nc_table.nt_lock);
	neigh_drop_held(&nd6_proto, &pushed, DROP_ND6_PUSHED, false);
	neigh_release(ifp, DOM_SLOT_INET6, &held, lladdr);
	if (moved)
		neigh_tell_move(ifp, DOM_SLOT_INET6, addr, old, lladdr, true);
	return ne != NULL;
}

/* t: an advertisement for an entry with a link-level address, which it confirms
 * or changes (RFC 4861 7.2.5).  false: it does not. */
static bool
advert_known(struct neigh *ne, const struct nd6_msg *nm, uint64_t now)
{
	bool differs = nm->nm_has_lladdr && memcmp(ne->ne_lladdr,
	    nm->nm_lladdr, ETHER_ADDR_LEN) != 0;
	/* Others can make an entry that nobody asked about: it is used when it
	 * has answered after it was used. */
	bool asked = ne->ne_state == NEIGH_S_PROBE &&
	    (ne->ne_class != NEIGH_C_UNUSED ||
	    (ne->ne_flags & NEIGH_CONFIRM) != 0);

	if (differs && (nm->nm_flags & ND6_NA_OVERRIDE) == 0) {
		if (ne->ne_state == NEIGH_S_REACHABLE)
			set_stale(ne, now);
		return false;
	}
	if (differs && neigh_set(ne, nm->nm_lladdr) != 0)
		return false;
	if ((nm->nm_flags & ND6_NA_SOLICITED) != 0) {
		if (asked)
			neigh_class_set(ne, NEIGH_C_USED);
		ne->ne_tries = 0;
		neigh_entry_reachable(ne, now);
		neigh_entry_flags(ne, 0, NEIGH_CONFIRM);
	} else if (differs)
		set_stale(ne, now);
	set_router(ne, (nm->nm_flags & ND6_NA_ROUTER) != 0);
	neigh_entry_announce(ne, differs, now);
	return true;
}

/* t: the answer to a question: an entry that had no link-level address. */
static bool
advert_first(struct neigh *ne, const struct nd6_msg *nm, bool waited,
    uint64_t now, struct neigh_pkts *held)
{

	if (!nm->nm_has_lladdr || neigh_set(ne, nm->nm_lladdr) != 0)
		return false;
	if ((nm->nm_flags & ND6_NA_SOLICITED) != 0) {
		neigh_class_set(ne, NEIGH_C_USED);
		ne->ne_tries = 0;
		neigh_entry_reachable(ne, now);
	} else
		set_stale(ne, now);
	set_router(ne, (nm->nm_flags & ND6_NA_ROUTER) != 0);
	neigh_entry_announce(ne, true, now);
	unhold(ne, held);
	if (waited)
		neigh_used_set(ne);
	return true;
}

/* An advertisement about another host's address. */
static enum drop_reason
advert(struct ifnet *ifp, const struct nd6_msg *nm)
{
	struct neigh_cache *nc = ifp->if_vnet->vn_neigh;
	uint64_t now = net_curcpu()->ci_now;
	bool used, moved = false, believed = false, waited = false;
	uint8_t old[ETHER_ADDR_LEN];
	struct neigh_pkts held;
	struct neigh *ne;

	neigh_pkts_init(&held);
	if (nm->nm_has_lladdr)
		ne = neigh_lookup_waited(ifp, DOM_SLOT_INET6, &nm->nm_target,
		    nm->nm_lladdr, &waited);
	else {
		kspin_lock(&nc->nc_table.nt_lock);
		ne = neigh_lookup(&nc->nc_table, ifp, AF_INET6,
		    &nm->nm_target);
	}
	if (ne == NULL)
		used = false;
	else if ((ne->ne_flags & NEIGH_STATIC) != 0)
		used = true;
	else if (ne->ne_hdr == NULL)
		used = advert_first(ne, nm, waited, now, &held);
	else {
		memcpy(old, ne->ne_lladdr, ETHER_ADDR_LEN);
		moved = nm->nm_has_lladdr && memcmp(old, nm->nm_lladdr,
		    ETHER_ADDR_LEN) != 0;
		used = believed = advert_known(ne, nm, now);
	}
	kspin_unlock(&nc->nc_table.nt_lock);
	neigh_release(ifp, DOM_SLOT_INET6, &held, nm->nm_lladdr);
	if (moved)
		neigh_tell_move(ifp, DOM_SLOT_INET6, &nm->nm_target, old,
		    nm->nm_lladdr, believed);
	return used ? DROP_NREASONS : DROP_ND6_UNWANTED;
}

/* --- handling ------------------------------------------------------------ */

/* This interface's own address; NULL: it has no such address. */
static struct ifaddr *
nd6_ours(struct ifnet *ifp, const union neigh_addr *na)
{
	struct ifaddr *ifa = in6_ifp_find(ifp, na);

	return ifa != NULL && (__atomic_load_n(&ifa->ifa_flags,
	    __ATOMIC_RELAXED) & (IFA_INACTIVE | IFA_DESTROYING)) == 0 ?
	    ifa : NULL;
}

/* Is the address this host's, on whatever interface of the table?  No neighbour
 * has it. */
static bool
is_local(struct ifnet *ifp, const union neigh_addr *na)
{
	struct fwd fd = rt_lookup6(rt_table_of(ifp), na->na_bytes);

	return fwd_is_local(&fd) || nd6_ours(ifp, na) != NULL;
}

/* Answer a solicitation, in the name of lladdr (RFC 4861 7.2.4). */
static void
answer(struct ifnet *ifp, const struct nd6_msg *nm, const struct ifaddr *ifa,
    const uint8_t *lladdr)
{
	union neigh_addr src, dst = nm->nm_src;
	uint32_t flags = ND6_NA_SOLICITED;

	/* A host that checks the address has none yet. */
	if (!neigh_addr_is_set(&dst)) {
		dst = nd6_link_group(ifp, 1);
		flags = 0;
	}
	/* RFC 4861 7.2.7, 7.2.8: others may answer, too. */
	src = nm->nm_target;
	if (ifa == NULL || (in6_ifa_flags(ifa) & IN6_IFF_ANYCAST) != 0) {
		if (!in6_source(ifp, &dst, &src))
			return;
	} else
		flags |= ND6_NA_OVERRIDE;
	nd6_send(ifp, ND6_NA, &src, &dst, &nm->nm_target, flags, lladdr, NULL);
}

static enum drop_reason
input_ns(struct ifnet *ifp, const struct nd6_msg *nm)
{
	bool check = !neigh_addr_is_set(&nm->nm_src), known = false;
	uint8_t lladdr[ETHER_ADDR_LEN];
	struct ifaddr *ifa;

	ifa = nd6_ours(ifp, &nm->nm_target);
	if (ifa != NULL && check && nd6_dad_conflict(ifa, nm))
		return DROP_ND6_CONFLICT;
	if (!check && is_local(ifp, &nm->nm_src))
		return DROP_ND6_CONFLICT;
	neigh_own_lladdr(ifp, lladdr);
	if (ifa != NULL ? !in6_ifa_usable(ifa) :
	    !neigh_is_published(ifp, DOM_SLOT_INET6, &nm->nm_target, lladdr))
		ifa = NULL;
	else {
		if (nm->nm_has_lladdr)
			(void)nd6_learn(ifp, &nm->nm_src, nm->nm_lladdr,
			    nd6_is_onlink(ifp, &nm->nm_src), NULL);
		answer(ifp, nm, ifa, lladdr);
		return DROP_NREASONS;
	}
	if (nm->nm_has_lladdr)
		known = nd6_learn(ifp, &nm->nm_src, nm->nm_lladdr, false,
		    NULL);
	return known ? DROP_NREASONS : DROP_ND6_NOT_OURS;
}

static enum drop_reason
input_na(struct ifnet *ifp, const struct nd6_msg *nm)
{
	struct ifaddr *ifa = nd6_ours(ifp, &nm->nm_target);

	if (ifa != NULL) {
		/* Anycast addresses are others', too. */
		if ((in6_ifa_flags(ifa) & IN6_IFF_ANYCAST) == 0 &&
		    !nd6_dad_conflict(ifa, nm))
			nd6_dad_defend(ifa);
		return DROP_ND6_CONFLICT;
	}
	if (is_local(ifp, &nm->nm_target))
		return DROP_ND6_CONFLICT;
	return advert(ifp, nm);
}

/* A router's solicitation or advertisement: whom it came from.  The rest of an
 * advertisement is not read yet. */
static enum drop_reason
input_router(struct ifnet *ifp, const struct nd6_msg *nm)
{
	bool router = nm->nm_type == ND6_RA;

	/* RFC 4861 6.2.6: hosts do not listen to solicitations. */
	if (!router && ip_setting(&ifp->if_vnet->vn_ip6->i6_forwarding) == 0)
		return DROP_ND6_UNWANTED;
	if (!neigh_addr_is_set(&nm->nm_src))
		return DROP_ND6_UNWANTED;
	if (is_local(ifp, &nm->nm_src))
		return DROP_ND6_CONFLICT;
	if (!nm->nm_has_lladdr)
		return DROP_ND6_UNWANTED;
	return nd6_learn(ifp, &nm->nm_src, nm->nm_lladdr,
	    nd6_is_onlink(ifp, &nm->nm_src), &router) ? DROP_NREASONS :
	    DROP_ND6_UNWANTED;
}

static enum drop_reason
handle(struct ifnet *ifp, const struct nd6_msg *nm)
{
	struct ip6_stats *i6s = ip6_stats(ifp->if_vnet);
	uint8_t own[ETHER_ADDR_LEN];

	if (nm->nm_type == ND6_NS)
		cpu_stat_add(&i6s->nd6s_rxns, 1);
	else if (nm->nm_type == ND6_NA)
		cpu_stat_add(&i6s->nd6s_rxna, 1);
	neigh_own_lladdr(ifp, own);
	if (nm->nm_has_lladdr && memcmp(nm->nm_lladdr, own, sizeof(own)) == 0)
		return DROP_ND6_NOT_OURS;	/* sent by this host */
	switch (nm->nm_type) {
	case ND6_NS:
		return input_ns(ifp, nm);
	case ND6_NA:
		return input_na(ifp, nm);
	default:
		return input_router(ifp, nm);
	}
}

void
nd6_input(struct ifnet *ifp, struct mbuf *m, unsigned off)
{
	enum drop_reason why;
	struct nd6_msg nm;

	if (ifp->if_type != IFT_ETHER || (if_flags_get(ifp) & IFF_NOARP) != 0)
		why = DROP_ND6_UNWANTED;
	else
		why = get_message(ifp, m, off, &nm);
	if (why == DROP_NREASONS)
		why = handle(ifp, &nm);
	if (why != DROP_NREASONS) {
		m_drop(ifp, m, why);
		return;
	}
	if_stat_add(ifp, IF_STAT_DELIVERED, 1);
	m_freem(m);
}
