/*
 * Ethernet output: the header in front of each packet, and on to the driver.
 *
 * A neighbour's header lies ready; consecutive packets to the same next hop,
 * which is what a vector mostly is, take it from registers.  What a family adds
 * is where in a packet's header the destination is, and how groups are
 * addressed (domain.h).  When nearly each
 * has another one the neighbours of several packets are looked up together, so
 * that memory is waited for once a step and not once a packet.  At the first
 * packet that needs more than that the rest is done one by one.
 */

#include "net/ether_impl.h"

#include <errno.h>

#include "net/nexthop.h"
#include "net/zone6.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"

#define AHEAD	6

/* A header as the two words that are stored. */
struct hdr {
	uint64_t	 h_w0;		/* bytes 0 to 7 */
	uint64_t	 h_w1;		/* bytes 6 to 13 */
};

static inline void
hdr_load(struct hdr *h, const uint8_t bytes[ETHER_HDR_LEN])
{

	h->h_w0 = ether_load8(bytes);
	h->h_w1 = ether_load8(bytes + 6);
}

static inline void
hdr_store(uint8_t *p, const struct hdr *h)
{

	ether_store8(p, h->h_w0);
	ether_store8(p + 6, h->h_w1);
}

/* Take a neighbour's header: it is used. */
static inline void
hdr_take(struct neigh_hdr *neh, struct hdr *h)
{

	/* Shared by all CPUs: written only when it changes. */
	if (__atomic_load_n(&neh->neh_used, __ATOMIC_RELAXED) == 0)
		__atomic_store_n(&neh->neh_used, 1, __ATOMIC_RELAXED);
	hdr_load(h, neh->neh_bytes);
}

/* --- next hops ----------------------------------------------------------- */

/* How a family's packets say where they go. */
struct family {
	const struct domain *fa_dom;
	unsigned	 fa_offset, fa_len;	/* of the destination */
	uint8_t		 fa_af;
};

/* The neighbour that a packet goes to next. */
struct hop {
	const struct nexthop *hp_nh;
	union neigh_addr hp_addr;
	uint8_t		 hp_family;
};

static inline __attribute__((__always_inline__)) void
hop_of(const struct mbuf *m, const struct family *fa, struct hop *hp)
{
	const struct nexthop *nh = m->m_nh;

	hp->hp_nh = nh;
	if ((nh->nh_flags & NH_GATEWAY) != 0) {
		hp->hp_addr = *nh_gateway(nh);
		hp->hp_family = nh->nh_family;
		return;
	}
	/* The read is within the buffer, whatever the packet's length. */
	hp->hp_addr.na_words[0] = hp->hp_addr.na_words[1] = 0;
	memcpy(hp->hp_addr.na_bytes, m->m_data + fa->fa_offset, fa->fa_len);
	if (fa->fa_af == AF_INET6)
		(void)zone6_enter(hp->hp_addr.na_bytes, nh->nh_ifp->if_index);
	hp->hp_family = fa->fa_af;
}

/* Does a packet go to the same neighbour? */
static inline __attribute__((__always_inline__)) bool
hop_is_same(const struct mbuf *m, const struct family *fa,
    const struct hop *hp)
{

	return m->m_nh == hp->hp_nh &&
	    ((hp->hp_nh->nh_flags & NH_GATEWAY) != 0 ||
	    memcmp(m->m_data + fa->fa_offset, hp->hp_addr.na_bytes,
	    fa->fa_len) == 0);
}

/* The ready header for a next hop; false: to be resolved. */
static inline bool
hdr_lookup(const struct ifnet *ifp, const struct hop *hp, struct hdr *h)
{
	struct neigh_hdr *neh = nh_ready(hp->hp_nh);
	const struct neigh *ne;

	if (__builtin_expect(neh == NULL, 0)) {
		ne = neigh_lookup(neigh_table_of(ifp->if_vnet), ifp,
		    hp->hp_family, &hp->hp_addr);
		if (ne == NULL)
			return false;
		neh = __atomic_load_n(&ne->ne_hdr, __ATOMIC_CONSUME);
		if (neh == NULL)
			return false;
	}
	hdr_take(neh, h);
	return true;
}

static void
hdr_build(const struct ifnet *ifp, struct hdr *h, uint64_t dst, uint16_t type)
{
	uint64_t src = __atomic_load_n(&ifp->if_lladdr, __ATOMIC_RELAXED) &
	    ETHER_ADDR_MASK;

	h->h_w0 = dst | src << 48;
	h->h_w1 = src | (uint64_t)__builtin_bswap16(type) << 48;
}

static inline uint16_t
fa_type(const struct family *fa)
{

	return fa->fa_af == AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6;
}

/* Broadcast and multicast need no neighbour. */
static bool
hdr_group(const struct ifnet *ifp, const struct mbuf *m,
    const struct family *fa, struct hdr *h)
{
	uint8_t lladdr[ETHER_ADDR_LEN];

	if ((m->m_flags & (M_BCAST | M_MCAST)) == 0)
		return false;
	if ((m->m_flags & M_BCAST) != 0 || fa->fa_dom == NULL ||
	    fa->fa_dom->dom_group_lladdr == NULL) {
		hdr_build(ifp, h, ETHER_ADDR_MASK, fa_type(fa));
		return true;
	}
	fa->fa_dom->dom_group_lladdr(m->m_data + fa->fa_offset, lladdr);
	hdr_build(ifp, h, ether_number(lladdr), fa_type(fa));
	return true;
}

/* The packet with its header, or NULL when there was no buffer for it. */
static struct mbuf *
hdr_prepend(struct ifnet *ifp, struct mbuf *m, const struct hdr *h)
{
	struct mbuf *n = m;

	if (ether_has_room(m))
		(void)m_prepend_fast(m, ETHER_HDR_LEN);
	else
		n = m_prepend(m, ETHER_HDR_LEN);
	if (n == NULL) {
		m_drop(ifp, m, DROP_OUT_NOBUF);
		return NULL;
	}
	hdr_store(n->m_data, h);
	return n;
}

/* A packet whose next hop is not known: it waits, or is dropped. */
static void
output_unresolved(struct ifnet *ifp, const struct family *fa, struct mbuf *m)
{
	const struct domain *dom = fa->fa_dom;

	if (dom != NULL && dom->dom_resolve != NULL)
		dom->dom_resolve(ifp, m);
	else
		m_drop(ifp, m, DROP_OUT_FAMILY);
}

/* The header of any packet; false: its next hop is to be resolved. */
static bool
hdr_known(const struct ifnet *ifp, const struct family *fa,
    const struct mbuf *m, struct hdr *h)
{
	struct hop hp;

	if (hdr_group(ifp, m, fa, h))
		return true;
	hop_of(m, fa, &hp);
	return hdr_lookup(ifp, &hp, h);
}

/*
 * Packets from `first' on, one by one.  Before one goes to be resolved, the
 * packets in front of it are sent: it may turn out to be resolved by now, and
 * must not overtake them.
 */
static void
output_mixed(struct ifnet *ifp, const struct family *fa, struct mvec *mv,
    unsigned first)
{
	unsigned n = mv->mv_n, out = first;
	struct mvec ready;
	struct mbuf *m;
	struct hdr h;

	for (unsigned i = first; i < n; i++) {
		m = mv->mv_m[i];
		if (!hdr_known(ifp, fa, m, &h)) {
			if (out != 0) {
				memcpy(ready.mv_m, mv->mv_m,
				    out * sizeof(mv->mv_m[0]));
				ready.mv_n = out;
				if_transmit_vec(ifp, &ready);
				out = 0;
			}
			output_unresolved(ifp, fa, m);
			continue;
		}
		m = hdr_prepend(ifp, m, &h);
		if (m != NULL)
			mv->mv_m[out++] = m;
	}
	mv->mv_n = out;
}

/* --- many next hops ------------------------------------------------------ */

#define MANY	32u	/* neighbours looked up together */

/* Do the first packets of a vector nearly all have different next hops? */
static inline __attribute__((__always_inline__)) bool
is_mixed(const struct mvec *mv, const struct family *fa)
{
	unsigned differ = 0;
	struct hop hp;

	if (mv->mv_n < MANY)
		return false;
	for (unsigned i = 0; i < 8; i++) {
		hop_of(mv->mv_m[i], fa, &hp);
		differ += !hop_is_same(mv->mv_m[i + 1], fa, &hp);
	}
	return differ >= 6;
}

/*
 * The headers of n packets' neighbours, step by step: those that next hops
 * have, and of the others the table's first candidates (khash_guess()); NULL
 * where there is none, or none that is known.
 */
static inline __attribute__((__always_inline__)) void
guess_many(const struct ifnet *ifp, const struct family *fa,
    struct mbuf *const *m, unsigned n, struct neigh_hdr *neh[MANY])
{
	const struct neigh_table *nt = neigh_table_of(ifp->if_vnet);
	unsigned at[MANY], unknown = 0, i, j;
	const struct neigh *ne[MANY];
	struct hop hp[MANY];
	uint32_t hash[MANY];

	for (i = 0; i < n; i++) {
		neh[i] = nh_ready(m[i]->m_nh);
		__builtin_prefetch(neh[i]);
		if (neh[i] != NULL)
			continue;
		hop_of(m[i], fa, &hp[unknown]);
		hash[unknown] = neigh_hash(nt, ifp, &hp[unknown].hp_addr);
		khash_prefetch(&nt->nt_hash, hash[unknown]);
		at[unknown++] = i;
	}
	for (j = 0; j < unknown; j++) {
		ne[j] = khash_guess(&nt->nt_hash, hash[j]);
		__builtin_prefetch(ne[j]);
	}
	for (j = 0; j < unknown; j++) {
		if (ne[j] == NULL || !neigh_is(ne[j], ifp, hp[j].hp_family,
		    &hp[j].hp_addr))
			continue;
		neh[at[j]] = __atomic_load_n(&ne[j]->ne_hdr, __ATOMIC_CONSUME);
		__builtin_prefetch(neh[at[j]]);
	}
}

/* output_usual() for a vector that is_mixed(). */
static __attribute__((__noinline__)) unsigned
output_many(const struct ifnet *ifp, const struct family *fa,
    const struct mvec *mv)
{
	struct neigh_hdr *neh[MANY];
	unsigned i, n, done = 0;
	struct mbuf *const *m;
	struct hop hp;
	struct hdr h;

	while (done < mv->mv_n) {
		m = &mv->mv_m[done];
		n = mv->mv_n - done < MANY ? mv->mv_n - done : MANY;
		guess_many(ifp, fa, m, n, neh);
		for (i = 0; i < n; i++) {
			if (__builtin_expect((m[i]->m_flags & (M_BCAST |
			    M_MCAST)) != 0 || !ether_has_room(m[i]), 0))
				return done + i;
			if (__builtin_expect(neh[i] != NULL, 1))
				hdr_take(neh[i], &h);
			else {
				hop_of(m[i], fa, &hp);
				if (!hdr_lookup(ifp, &hp, &h))
					return done + i;
			}
			hdr_store(m_prepend_fast(m[i], ETHER_HDR_LEN), &h);
		}
		done += n;
	}
	return done;
}

/* Headers for as long as neighbours are known and there is room; how many. */
static inline __attribute__((__always_inline__)) unsigned
output_usual(const struct ifnet *ifp, const struct family *fa,
    const struct mvec *mv)
{
	unsigned i, n = mv->mv_n;
	const uint8_t *ahead;
	struct mbuf *m;
	struct hop hp;
	struct hdr h;

	hop_of(mv->mv_m[0], fa, &hp);
	if (!hdr_lookup(ifp, &hp, &h))
		return 0;
	for (i = 0; i < n; i++) {
		ahead = (const uint8_t *)mv->mv_m[i + AHEAD < n ?
		    i + AHEAD : i];
		__builtin_prefetch(ahead, 1);
		__builtin_prefetch(ahead + 64);
		m = mv->mv_m[i];
		if (__builtin_expect(!hop_is_same(m, fa, &hp), 0)) {
			hop_of(m, fa, &hp);
			if (!hdr_lookup(ifp, &hp, &h))
				break;
		}
		if (__builtin_expect((m->m_flags & (M_BCAST | M_MCAST)) != 0 ||
		    !ether_has_room(m), 0))
			break;
		hdr_store(m_prepend_fast(m, ETHER_HDR_LEN), &h);
	}
	return i;
}

static inline __attribute__((__always_inline__)) void
output(struct ifnet *ifp, const struct family *fa, struct mvec *mv)
{
	unsigned done;

	done = is_mixed(mv, fa) ? output_many(ifp, fa, mv) :
	    output_usual(ifp, fa, mv);
	if (__builtin_expect(done < mv->mv_n, 0))
		output_mixed(ifp, fa, mv, done);
	if (mv->mv_n != 0)
		if_transmit_vec(ifp, mv);
}

void
ether_output(struct ifnet *ifp, int af, struct mvec *mv)
{
	struct cpu *ci = net_curcpu();
	const struct domain *dom;
	enum cpu_stage prev;

	if (mv->mv_n == 0)
		return;
	dom = af == AF_INET || af == AF_INET6 ?
	    ifp->if_vnet->vn_if->ifv_domain[af == AF_INET ? DOM_SLOT_INET :
	    DOM_SLOT_INET6] : NULL;
	if (dom == NULL) {
		mvec_drop(ifp, mv, DROP_OUT_FAMILY);
		return;
	}
	prev = cpu_stage_enter(ci, STAGE_ETHER_OUTPUT, mv->mv_n);
	/* The usual shape, as constants for the compiler. */
	if (dom->dom_dst_offset == 16 && dom->dom_dst_len == 4)
		output(ifp, &(const struct family){ dom, 16, 4, AF_INET }, mv);
	else
		output(ifp, &(const struct family){ dom, dom->dom_dst_offset,
		    dom->dom_dst_len, (uint8_t)af }, mv);
	(void)cpu_stage_switch(ci, prev);
}

void
ether_output_to(struct ifnet *ifp, struct mvec *mv,
    const uint8_t dst[ETHER_ADDR_LEN], uint16_t type)
{
	unsigned out = 0;
	struct mbuf *m;
	struct hdr h;

	hdr_build(ifp, &h, ether_number(dst), type);
	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = hdr_prepend(ifp, mv->mv_m[i], &h);
		if (m != NULL)
			mv->mv_m[out++] = m;
	}
	mv->mv_n = out;
	if (out != 0)
		if_transmit_vec(ifp, mv);
}

void
ether_frame_output(struct ifnet *ifp, struct mbuf *m,
    const uint8_t dst[ETHER_ADDR_LEN], uint16_t type)
{
	uint64_t to = ether_number(dst);
	uint32_t flags = __atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED);
	struct hdr h;

	if_stat_add(ifp, IF_STAT_OFFERED, 1);
	if ((flags & (IFF_UP | IFF_RUNNING)) != (IFF_UP | IFF_RUNNING)) {
		m_drop(ifp, m, DROP_OUT_IF_DOWN);
		return;
	}
	if (to & ETHER_GROUP)
		m->m_flags |= to == ETHER_ADDR_MASK ? M_BCAST : M_MCAST;
	hdr_build(ifp, &h, to, type);
	m = hdr_prepend(ifp, m, &h);
	if (m != NULL)
		if_transmit(ifp, m);
}
