/*
 * Ethernet output: the header in front of each packet, and on to the driver.
 *
 * A neighbour's header lies ready; consecutive packets to the same next hop,
 * which is what a vector mostly is, take it from registers.  When nearly each
 * has another one the neighbours of several packets are looked up together, so
 * that memory is waited for once a step and not once a packet.  At the first
 * packet that needs more than that the rest is done one by one.
 */

#include "net/ether_impl.h"

#include <errno.h>

#include "net/neigh.h"
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
hdr_take(struct neigh *ne, const struct neigh_hdr *neh, struct hdr *h)
{

	/* Shared by all CPUs: written only when it changes. */
	if (__atomic_load_n(&ne->ne_used, __ATOMIC_RELAXED) == 0)
		__atomic_store_n(&ne->ne_used, 1, __ATOMIC_RELAXED);
	hdr_load(h, neh->neh_bytes);
}

/* The ready header for a next hop; false: to be resolved. */
static inline bool
hdr_lookup(const struct ifnet *ifp, uint32_t nexthop, struct hdr *h)
{
	const struct neigh_hdr *neh;
	struct neigh *ne;

	ne = neigh_lookup4(neigh_table_of(ifp->if_vnet), ifp, nexthop);
	if (ne == NULL)
		return false;
	neh = __atomic_load_n(&ne->ne_hdr, __ATOMIC_CONSUME);
	if (neh == NULL)
		return false;
	hdr_take(ne, neh, h);
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

/* Broadcast and multicast (RFC 1112 6.4) need no neighbour. */
static bool
hdr_group(const struct ifnet *ifp, struct mbuf *m, struct hdr *h)
{
	uint32_t nexthop = __builtin_bswap32(m->m_nexthop);
	uint64_t dst;

	if ((m->m_flags & M_BCAST) != 0 || nexthop == INADDR_BROADCAST) {
		m->m_flags |= M_BCAST;
		dst = ETHER_ADDR_MASK;
	} else if ((m->m_flags & M_MCAST) != 0 || IN_MULTICAST(nexthop)) {
		m->m_flags |= M_MCAST;
		/* 01:00:5e and the low 23 bits of the group */
		dst = 0x5e0001 | (uint64_t)(nexthop >> 16 & 0x7f) << 24 |
		    (uint64_t)(nexthop >> 8 & 0xff) << 32 |
		    (uint64_t)(nexthop & 0xff) << 40;
	} else
		return false;
	hdr_build(ifp, h, dst, ETHERTYPE_IP);
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
output_unresolved(struct ifnet *ifp, struct mbuf *m)
{
	const struct domain *dom;

	dom = ifp->if_vnet->vn_if->ifv_domain[DOM_SLOT_INET];
	if (dom != NULL && dom->dom_resolve != NULL)
		dom->dom_resolve(ifp, m);
	else
		m_drop(ifp, m, DROP_OUT_FAMILY);
}

/*
 * Packets from `first' on, one by one.  Before one goes to be resolved, the
 * packets in front of it are sent: it may turn out to be resolved by now, and
 * must not overtake them.
 */
static void
output_mixed(struct ifnet *ifp, struct mvec *mv, unsigned first)
{
	unsigned n = mv->mv_n, out = first;
	struct mvec ready;
	struct mbuf *m;
	struct hdr h;

	for (unsigned i = first; i < n; i++) {
		m = mv->mv_m[i];
		if (!hdr_group(ifp, m, &h) &&
		    !hdr_lookup(ifp, m->m_nexthop, &h)) {
			if (out != 0) {
				memcpy(ready.mv_m, mv->mv_m,
				    out * sizeof(mv->mv_m[0]));
				ready.mv_n = out;
				if_transmit_vec(ifp, &ready);
				out = 0;
			}
			output_unresolved(ifp, m);
			continue;
		}
		m = hdr_prepend(ifp, m, &h);
		if (m != NULL)
			mv->mv_m[out++] = m;
	}
	mv->mv_n = out;
}

/* --- many next hops ------------------------------------------------------- */

#define MANY	32u	/* neighbours looked up together */

/* Do the first packets of a vector nearly all have different next hops? */
static bool
is_mixed(const struct mvec *mv)
{
	unsigned differ = 0;

	if (mv->mv_n < MANY)
		return false;
	for (unsigned i = 0; i < 8; i++)
		differ += mv->mv_m[i]->m_nexthop != mv->mv_m[i + 1]->m_nexthop;
	return differ >= 6;
}

/*
 * The headers of n neighbours' first candidates (khash_guess()), step by step;
 * NULL where there is none, or none that is known.
 */
static inline void
guess_many(const struct ifnet *ifp, struct mbuf *const *m, unsigned n,
    struct neigh *ne[MANY], const struct neigh_hdr *neh[MANY])
{
	const struct neigh_table *nt = neigh_table_of(ifp->if_vnet);
	uint32_t hash[MANY];

	for (unsigned i = 0; i < n; i++) {
		hash[i] = neigh_hash4(nt, ifp, m[i]->m_nexthop);
		khash_prefetch(&nt->nt_hash, hash[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		ne[i] = khash_guess(&nt->nt_hash, hash[i]);
		__builtin_prefetch(ne[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		neh[i] = ne[i] != NULL && neigh_is4(ne[i], ifp,
		    m[i]->m_nexthop) ? __atomic_load_n(&ne[i]->ne_hdr,
		    __ATOMIC_CONSUME) : NULL;
		__builtin_prefetch(neh[i]);
	}
}

/* output_usual() for a vector that is_mixed(). */
static __attribute__((__noinline__)) unsigned
output_many(const struct ifnet *ifp, const struct mvec *mv)
{
	const struct neigh_hdr *neh[MANY];
	struct neigh *ne[MANY];
	unsigned i, n, done = 0;
	struct mbuf *const *m;
	struct hdr h;

	while (done < mv->mv_n) {
		m = &mv->mv_m[done];
		n = mv->mv_n - done < MANY ? mv->mv_n - done : MANY;
		guess_many(ifp, m, n, ne, neh);
		for (i = 0; i < n; i++) {
			if (__builtin_expect((m[i]->m_flags & (M_BCAST |
			    M_MCAST)) != 0 || !ether_has_room(m[i]), 0))
				return done + i;
			if (__builtin_expect(neh[i] != NULL, 1))
				hdr_take(ne[i], neh[i], &h);
			else if (!hdr_lookup(ifp, m[i]->m_nexthop, &h))
				return done + i;
			hdr_store(m_prepend_fast(m[i], ETHER_HDR_LEN), &h);
		}
		done += n;
	}
	return done;
}

/* Headers for as long as neighbours are known and there is room; how many. */
static inline unsigned
output_usual(const struct ifnet *ifp, const struct mvec *mv)
{
	unsigned i, n = mv->mv_n;
	uint32_t nexthop = mv->mv_m[0]->m_nexthop;
	const uint8_t *ahead;
	struct mbuf *m;
	struct hdr h;

	if (!hdr_lookup(ifp, nexthop, &h))
		return 0;
	for (i = 0; i < n; i++) {
		ahead = (const uint8_t *)mv->mv_m[i + AHEAD < n ?
		    i + AHEAD : i];
		__builtin_prefetch(ahead, 1);
		__builtin_prefetch(ahead + 64);
		m = mv->mv_m[i];
		if (__builtin_expect(m->m_nexthop != nexthop, 0)) {
			if (!hdr_lookup(ifp, m->m_nexthop, &h))
				break;
			nexthop = m->m_nexthop;
		}
		if (__builtin_expect((m->m_flags & (M_BCAST | M_MCAST)) != 0 ||
		    !ether_has_room(m), 0))
			break;
		hdr_store(m_prepend_fast(m, ETHER_HDR_LEN), &h);
	}
	return i;
}

void
ether_output(struct ifnet *ifp, int af, struct mvec *mv)
{
	struct cpu *ci = net_curcpu();
	enum cpu_stage prev;
	unsigned done;

	if (mv->mv_n == 0)
		return;
	if (af != AF_INET) {
		mvec_drop(ifp, mv, DROP_OUT_FAMILY);
		return;
	}
	prev = cpu_stage_enter(ci, STAGE_ETHER_OUTPUT, mv->mv_n);
	done = is_mixed(mv) ? output_many(ifp, mv) : output_usual(ifp, mv);
	if (__builtin_expect(done < mv->mv_n, 0))
		output_mixed(ifp, mv, done);
	if (mv->mv_n != 0)
		if_transmit_vec(ifp, mv);
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
