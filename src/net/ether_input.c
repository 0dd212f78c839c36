/*
 * Ethernet input.
 *
 * Nearly always all frames of a vector are unicast to us and of one type: one
 * loop checks that, takes the header off, and the vector goes on as it is.
 * At the first frame that is otherwise the rest is sorted, frame by frame.
 */

#include "net/ether_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"

/* Frames ahead of the one at hand whose lines are fetched. */
#define AHEAD	6

/* Bytes of a tag, type excluded and the type behind it included. */
#define TAG_LEN		4
#define TAG_VID		0x0fff
/* A tag of the provider and one of the customer. */
#define TAGS_MAX	2

/* Frames of another type than the first one's. */
struct side {
	uint16_t	 sd_type;	/* network order */
	struct mvec	 sd_mv;
};

void
ether_dispatch(struct ifnet *ifp, uint16_t type, struct mvec *mv)
{
	const struct if_vnet *ifv = ifp->if_vnet->vn_if;

	for (unsigned i = 0; i < ifv->ifv_nethertypes; i++) {
		if (ifv->ifv_ethertype[i].ie_type == type) {
			ifv->ifv_ethertype[i].ie_input(ifp, mv);
			return;
		}
	}
	mvec_drop(ifp, mv, DROP_NO_PROTO);
}

static inline bool
is_tag(uint16_t type)
{

	return type == __builtin_bswap16(ETHERTYPE_VLAN) ||
	    type == __builtin_bswap16(ETHERTYPE_QINQ);
}

/*
 * A tag with VLAN identifier 0 names no VLAN, only a priority: the frame
 * counts as untagged (IEEE 802.1Q 6.9).  Take such tags off the front of a
 * packet that has lost its header; NULL when it was dropped.  A tag that does
 * name a VLAN stays, and so does its type.
 */
static struct mbuf *
priority_untag(struct ifnet *ifp, struct mbuf *m, uint16_t *type)
{
	uint16_t tag[2];	/* priority and VLAN, type of what follows */
	struct mbuf *n;

	for (unsigned i = 0; i < TAGS_MAX && is_tag(*type); i++) {
		if (!m_copydata(m, 0, sizeof(tag), tag)) {
			m_drop(ifp, m, DROP_ETHER_SHORT);
			return NULL;
		}
		if ((__builtin_bswap16(tag[0]) & TAG_VID) != 0)
			return m;
		if (m->m_len < TAG_LEN) {
			n = m_pullup(m, TAG_LEN);
			if (n == NULL) {
				m_drop(ifp, m, DROP_NO_MBUF);
				return NULL;
			}
			m = n;
		}
		m_adj_fast(m, TAG_LEN);
		*type = tag[1];
	}
	return m;
}

unsigned
ether_priority_tags(const struct mbuf *m)
{
	uint16_t t[3];		/* type, priority and VLAN, next type */
	unsigned n = 0;

	for (unsigned i = 0; i <= TAGS_MAX; i++) {
		if (!m_copydata(m, ETHER_HDR_LEN - 2 + n, 2, t) ||
		    !is_tag(t[0]))
			return n;
		if (!m_copydata(m, ETHER_HDR_LEN - 2 + n, sizeof(t), t))
			return 0;
		if ((__builtin_bswap16(t[1]) & TAG_VID) != 0)
			return n;
		n += TAG_LEN;
	}
	return 0;
}

static inline bool
is_plain(const struct mbuf *m)
{
	uint16_t type;

	if (m->m_len < ETHER_HDR_LEN)
		return false;
	memcpy(&type, m->m_data + 2 * ETHER_ADDR_LEN, sizeof(type));
	return !is_tag(type);
}

void
ether_untag(struct ifnet *ifp, struct mvec *mv)
{
	unsigned tags, kept = 0;
	struct mbuf *m, *n;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		tags = __builtin_expect(is_plain(m), 1) ? 0 :
		    ether_priority_tags(m);
		if (tags != 0) {
			n = m;
			if (m->m_len < ETHER_HDR_LEN + tags || !m_writable(m))
				n = m_pullup(m, ETHER_HDR_LEN + tags);
			if (n == NULL) {
				m_drop(ifp, m, DROP_NO_MBUF);
				continue;
			}
			m = n;
			memmove(m->m_data + tags, m->m_data,
			    2 * ETHER_ADDR_LEN);
			m_adj_fast(m, tags);
		}
		mv->mv_m[kept++] = m;
	}
	mv->mv_n = kept;
}

/*
 * Any frame: the packet without its header, or NULL when it was dropped.
 */
static struct mbuf *
input_one(struct ifnet *ifp, struct mbuf *m, uint64_t us, uint16_t *type)
{
	struct mbuf *n;
	uint64_t dst, src;

	if (m->m_len < ETHER_HDR_LEN) {
		n = m->m_pktlen < ETHER_HDR_LEN ? NULL :
		    m_pullup(m, ETHER_HDR_LEN);
		if (n == NULL) {
			m_drop(ifp, m, m->m_pktlen < ETHER_HDR_LEN ?
			    DROP_ETHER_SHORT : DROP_NO_MBUF);
			return NULL;
		}
		m = n;
	}
	dst = ether_load8(m->m_data) & ETHER_ADDR_MASK;
	src = ether_load8(m->m_data + 6);
	*type = (uint16_t)(src >> 48);
	src &= ETHER_ADDR_MASK;
	m->m_flags &= (uint16_t)~(M_BCAST | M_MCAST | M_PROMISC);
	if (dst & ETHER_GROUP) {
		m->m_flags |= dst == ETHER_ADDR_MASK ? M_BCAST : M_MCAST;
		if_stat_add(ifp, IF_STAT_IMCASTS, 1);
	} else if (dst != us) {
		m_drop(ifp, m, DROP_ETHER_NOT_OURS);
		return NULL;
	}
	/* lladdr_is_station(), and another one than us. */
	if ((src & ETHER_GROUP) != 0 || src == 0 || src == us) {
		m_drop(ifp, m, DROP_ETHER_SRC);
		return NULL;
	}
	m_adj_fast(m, ETHER_HDR_LEN);
	return __builtin_expect(is_tag(*type), 0) ?
	    priority_untag(ifp, m, type) : m;
}

static void
side_add(struct ifnet *ifp, struct side *sd, struct mbuf *m, uint16_t type)
{

	if (sd->sd_mv.mv_n != 0 && sd->sd_type != type)
		ether_dispatch(ifp, sd->sd_type, &sd->sd_mv);
	sd->sd_type = type;
	sd->sd_mv.mv_m[sd->sd_mv.mv_n++] = m;
}

/*
 * Sort the frames from `first' on: those of the vector's type stay in it, the
 * others go to their protocols.
 */
static void
input_mixed(struct ifnet *ifp, struct mvec *mv, unsigned first, uint64_t us,
    uint16_t vtype)
{
	unsigned n = mv->mv_n, out = first;
	struct side sd;
	struct mbuf *m;
	uint16_t type;

	sd.sd_type = 0;
	sd.sd_mv.mv_n = 0;
	for (unsigned i = first; i < n; i++) {
		m = input_one(ifp, mv->mv_m[i], us, &type);
		if (m == NULL)
			continue;
		if (type == vtype)
			mv->mv_m[out++] = m;
		else
			side_add(ifp, &sd, m, type);
	}
	mv->mv_n = out;
	if (sd.sd_mv.mv_n != 0)
		ether_dispatch(ifp, sd.sd_type, &sd.sd_mv);
}

/* The type behind the priority tags of a frame, in network order; 0 when there
 * is none, or a VLAN's: nothing is as usual then. */
static __attribute__((__noinline__)) uint16_t
tagged_type(const struct mbuf *m)
{
	uint16_t type;

	for (unsigned i = 0; i <= TAGS_MAX; i++) {
		if (!m_copydata(m, ETHER_HDR_LEN - 2 + i * TAG_LEN, 2, &type))
			return 0;
		if (!is_tag(type))
			return type;
	}
	return 0;
}

/* The type of the first frame, in network order. */
static inline uint16_t
first_type(const struct mvec *mv)
{
	const struct mbuf *m = mv->mv_m[0];
	uint16_t type;

	if (m->m_len < ETHER_HDR_LEN)
		return 0;
	memcpy(&type, m->m_data + 12, sizeof(type));
	return __builtin_expect(is_tag(type), 0) ? tagged_type(m) : type;
}

static inline void
prefetch_ahead(const struct mvec *mv, unsigned i, unsigned n)
{
	const uint8_t *m;

	m = (const uint8_t *)mv->mv_m[i + AHEAD < n ? i + AHEAD : i];
	__builtin_prefetch(m, 1);
	/* The packet's data begins there, unless it was moved. */
	__builtin_prefetch(m + MBUF_HDR + MBUF_HEADROOM);
}

/*
 * Take the headers off as long as all is as usual; how many were.  With
 * `count' the frames are also marked and their bytes added up, all of them.
 */
static inline __attribute__((__always_inline__)) unsigned
input_usual(const struct mvec *mv, uint64_t us, uint16_t type,
    uint64_t handle, uint64_t *bytes, const bool count)
{
	unsigned i, n = mv->mv_n;
	uint64_t sum = 0, dst, src;
	struct mbuf *m;
	uint8_t *p;

	for (i = 0; i < n; i++) {
		prefetch_ahead(mv, i, n);
		m = mv->mv_m[i];
		if (__builtin_expect(m->m_len < ETHER_HDR_LEN, 0))
			break;
		p = m->m_data;
		dst = ether_load8(p);
		src = ether_load8(p + 6);
		if (__builtin_expect((((dst ^ us) & ETHER_ADDR_MASK) |
		    (src & ETHER_GROUP) | ((src >> 48) ^ type)) != 0 ||
		    (src & ETHER_ADDR_MASK) == 0 ||
		    ((src ^ us) & ETHER_ADDR_MASK) == 0, 0))
			break;
		if (count) {
			m->m_rcvif = handle;
			sum += m->m_pktlen;
		}
		m_adj_fast(m, ETHER_HDR_LEN);
	}
	if (count) {
		for (unsigned j = i; j < n; j++) {
			mv->mv_m[j]->m_rcvif = handle;
			sum += mv->mv_m[j]->m_pktlen;
		}
		*bytes = sum;
	}
	return i;
}

static void
input_rest(struct ifnet *ifp, struct mvec *mv, unsigned done, uint64_t us,
    uint16_t type)
{

	if (__builtin_expect(done < mv->mv_n, 0))
		input_mixed(ifp, mv, done, us, type);
	if (mv->mv_n != 0)
		ether_dispatch(ifp, type, mv);
}

void
ether_input(struct ifnet *ifp, struct mvec *mv)
{
	struct cpu *ci = net_curcpu();
	uint64_t us = __atomic_load_n(&ifp->if_lladdr, __ATOMIC_RELAXED);
	enum cpu_stage prev;
	uint16_t type;
	unsigned done;

	if (mv->mv_n == 0)
		return;
	prev = cpu_stage_enter(ci, STAGE_ETHER_INPUT, mv->mv_n);
	type = first_type(mv);
	done = input_usual(mv, us, type, 0, NULL, false);
	input_rest(ifp, mv, done, us, type);
	(void)cpu_stage_switch(ci, prev);
}

void
ether_input_count(struct ifnet *ifp, struct mvec *mv)
{
	struct cpu *ci = net_curcpu();
	struct if_counters *ic = if_ctr(ifp, ci->ci_index);
	uint64_t us = __atomic_load_n(&ifp->if_lladdr, __ATOMIC_RELAXED);
	enum cpu_stage prev;
	uint64_t bytes;
	uint16_t type;
	unsigned done;

	if (mv->mv_n == 0)
		return;
	prev = cpu_stage_enter(ci, STAGE_ETHER_INPUT, mv->mv_n);
	type = first_type(mv);
	cpu_stat_add(&ic->ic_stat[IF_STAT_IPACKETS], mv->mv_n);
	done = input_usual(mv, us, type, ifp->if_handle, &bytes, true);
	cpu_stat_add(&ic->ic_stat[IF_STAT_IBYTES], bytes);
	input_rest(ifp, mv, done, us, type);
	(void)cpu_stage_switch(ci, prev);
}
