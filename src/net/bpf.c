/*
 * Captures: packets into the rings of taps on the CPUs, and out of them for
 * the reader.
 */

#include "net/bpf_impl.h"

#include <string.h>

#include "net/ether_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"

/* In place of a length: nothing more up to the end of the ring. */
#define REC_SKIP	UINT32_MAX

uint32_t
bpf_dlt(const struct ifnet *ifp)
{

	/* Packets of lo have no header in front. */
	return ifp->if_dlt == DLT_NULL ? DLT_RAW : ifp->if_dlt;
}

/* --- the packet path ------------------------------------------------------ */

static inline uint32_t
rec_size(uint32_t caplen)
{

	return (uint32_t)sizeof(struct bpf_rec) + ((caplen + 7) & ~7u);
}

/*
 * Room for n bytes in one piece behind *head, which is moved to where they
 * begin; NULL: there is none.
 */
static uint8_t *
ring_room(struct bpf_ring *rg, uint32_t size, uint64_t *head, uint32_t n)
{
	uint32_t off = (uint32_t)(*head & (size - 1)), skip = 0;
	struct bpf_rec rec;
	uint64_t tail;

	if (size - off < n)
		skip = size - off;
	tail = __atomic_load_n(&rg->rg_tail, __ATOMIC_ACQUIRE);
	if (*head + skip + n - tail > size)
		return NULL;
	if (skip >= sizeof(rec)) {
		memset(&rec, 0, sizeof(rec));
		rec.br_caplen = REC_SKIP;
		memcpy(rg->rg_buf + off, &rec, sizeof(rec));
	}
	*head += skip;
	return rg->rg_buf + (*head & (size - 1));
}

/* One packet; false: no room. */
static bool
ring_put(struct bpf_tap *bt, struct bpf_ring *rg, const struct mbuf *m,
    uint32_t caplen, uint64_t now, unsigned dir)
{
	struct bpf_rec rec = {
		.br_time_ns = now, .br_len = m->m_pktlen,
		.br_caplen = caplen, .br_flags = dir,
		.br_head = sizeof(rec),
	};
	uint64_t head = rg->rg_head;
	uint32_t n = rec_size(caplen);
	uint8_t *p;

	p = ring_room(rg, bt->bt_size, &head, n);
	if (p == NULL)
		return false;
	memcpy(p, &rec, sizeof(rec));
	(void)m_copydata(m, 0, caplen, p + sizeof(rec));
	memset(p + sizeof(rec) + caplen, 0, n - sizeof(rec) - caplen);
	__atomic_store_n(&rg->rg_head, head + n, __ATOMIC_RELEASE);
	return true;
}

/*
 * When a vector is seen, by the clock and not by the CPU's pass, in which a
 * packet comes, is forwarded and answered.  A CPU never gives a stamp twice,
 * whatever the interface.
 */
static uint64_t
stamp(struct cpu *ci)
{
	uint64_t now = host_clock(ci->ci_kern->k_host);

	if (now <= ci->ci_stamp)
		now = ci->ci_stamp + 1;
	ci->ci_stamp = now;
	return now;
}

static inline struct bpf_ring *
my_ring(const struct bpf_tap *bt)
{

	return &bt->bt_rings[net_curcpu()->ci_index];
}

/* Close the ring, and wake the reader if it waits for that.  Drops are told
 * too, though there is no more to read than before. */
static void
ring_close(struct bpf_tap *bt, struct bpf_ring *rg, bool news)
{
	uint32_t woken;

	__atomic_store_n(&rg->rg_open, 0, __ATOMIC_SEQ_CST);
	woken = __atomic_load_n(&bt->bt_woken, __ATOMIC_SEQ_CST);
	if (woken != BPF_WOKEN && (news || woken == BPF_WAKE_CLOSE) &&
	    __atomic_exchange_n(&bt->bt_woken, BPF_WOKEN,
	    __ATOMIC_SEQ_CST) != BPF_WOKEN)
		bt->bt_wakeup(bt->bt_arg);
}

static void
deliver(struct bpf_tap *bt, const struct mvec *mv, unsigned dir, uint64_t now)
{
	struct bpf_ring *rg = my_ring(bt);
	uint64_t filtered = 0, dropped = 0;
	const struct mbuf *m;
	uint32_t want;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		want = bt->bt_ninsns == 0 ? UINT32_MAX :
		    bpf_run(bt->bt_prog, m);
		if (want == 0) {
			filtered++;
			continue;
		}
		if (want > bt->bt_snaplen)
			want = bt->bt_snaplen;
		if (want > m->m_pktlen)
			want = m->m_pktlen;
		if (!ring_put(bt, rg, m, want, now, dir))
			dropped++;
	}
	cpu_stat_add(&rg->rg_received, mv->mv_n);
	cpu_stat_add(&rg->rg_filtered, filtered);
	cpu_stat_add(&rg->rg_dropped, dropped);
	__atomic_store_n(&rg->rg_last, now, __ATOMIC_RELEASE);
	ring_close(bt, rg, filtered < mv->mv_n);
}

/* Did the frame come for another station? */
static inline bool
is_foreign(const struct mbuf *m, uint64_t us)
{
	uint64_t dst;

	if (m->m_len < ETHER_HDR_LEN)
		return false;
	dst = ether_load8(m->m_data) & ETHER_ADDR_MASK;
	return (dst & ETHER_GROUP) == 0 && dst != us;
}

/*
 * The packets that the interface receives in its mode.  Some drivers hand over
 * every frame of their link, which Ethernet drops later; a card would not
 * receive it unless it is promiscuous.
 */
static const struct mvec *
received(const struct ifnet *ifp, const struct mvec *mv, struct mvec *own)
{
	uint64_t us = __atomic_load_n(&ifp->if_lladdr, __ATOMIC_RELAXED);
	unsigned i = 0;

	if (bpf_dlt(ifp) != DLT_EN10MB ||
	    (if_flags_get(ifp) & IFF_PROMISC) != 0)
		return mv;
	while (i < mv->mv_n && !is_foreign(mv->mv_m[i], us))
		i++;
	if (i == mv->mv_n)
		return mv;
	own->mv_n = 0;
	for (i = 0; i < mv->mv_n; i++)
		if (!is_foreign(mv->mv_m[i], us))
			own->mv_m[own->mv_n++] = mv->mv_m[i];
	return own;
}

void
bpf_deliver(const struct ifnet *ifp, struct bpf_if *bi, const struct mvec *mv,
    unsigned dir)
{
	struct cpu *ci = net_curcpu();
	struct bpf_tap *bt;
	struct mvec own;
	uint64_t now;

	if (dir == BPF_IN)
		mv = received(ifp, mv, &own);
	if (mv->mv_n == 0)
		return;
	for (bt = __atomic_load_n(&bi->bi_taps, __ATOMIC_ACQUIRE); bt != NULL;
	    bt = __atomic_load_n(&bt->bt_next, __ATOMIC_ACQUIRE))
		if (bt->bt_dirs & dir)
			__atomic_store_n(&my_ring(bt)->rg_open,
			    ci->ci_stamp + 1, __ATOMIC_RELAXED);
	/* The clock is not read before. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	now = stamp(ci);
	/* A tap that has come since then sees the next vector; the ring of a
	 * tap that has gone stays open. */
	for (bt = __atomic_load_n(&bi->bi_taps, __ATOMIC_ACQUIRE); bt != NULL;
	    bt = __atomic_load_n(&bt->bt_next, __ATOMIC_ACQUIRE))
		if (my_ring(bt)->rg_open != 0)
			deliver(bt, mv, dir, now);
}

/* --- the reader ----------------------------------------------------------- */

/* The oldest record of a ring, its tail moved to it; false: it is empty. */
static bool
ring_peek(const struct bpf_tap *bt, struct bpf_ring *rg, struct bpf_rec *rec)
{
	uint64_t head = __atomic_load_n(&rg->rg_head, __ATOMIC_ACQUIRE);
	uint64_t tail = rg->rg_tail;
	uint32_t off;

	if (tail == head)
		return false;
	off = (uint32_t)(tail & (bt->bt_size - 1));
	if (bt->bt_size - off >= sizeof(*rec)) {
		memcpy(rec, rg->rg_buf + off, sizeof(*rec));
		if (rec->br_caplen != REC_SKIP)
			return true;
	}
	tail += bt->bt_size - off;
	__atomic_store_n(&rg->rg_tail, tail, __ATOMIC_RELEASE);
	memcpy(rec, rg->rg_buf, sizeof(*rec));
	return true;
}

/* The ring whose oldest record is the oldest of all; NULL: all are empty. */
static struct bpf_ring *
oldest(struct bpf_tap *bt, struct bpf_rec *rec)
{
	struct bpf_ring *best = NULL;
	struct bpf_rec r;

	for (unsigned i = 0; i < bt->bt_nrings; i++)
		if (ring_peek(bt, &bt->bt_rings[i], &r) &&
		    (best == NULL || r.br_time_ns < rec->br_time_ns)) {
			best = &bt->bt_rings[i];
			*rec = r;
		}
	return best;
}

/*
 * The time up to which no records are missing: all rings have been seen closed
 * since the latest record was, or their CPUs are in the middle of a later
 * vector.  A tap that has ended misses none.
 */
static uint64_t
complete(const struct bpf_tap *bt)
{
	const struct bpf_ring *rg;
	uint64_t until = 0, t;

	if (bpf_state(bt) != BPF_RUNNING)
		return UINT64_MAX;
	for (unsigned i = 0; i < bt->bt_nrings; i++) {
		t = __atomic_load_n(&bt->bt_rings[i].rg_last,
		    __ATOMIC_ACQUIRE);
		until = t > until ? t : until;
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < bt->bt_nrings; i++) {
		rg = &bt->bt_rings[i];
		t = __atomic_load_n(&rg->rg_open, __ATOMIC_ACQUIRE);
		if (t != 0 && t - 1 < until)
			until = t - 1;
	}
	return until;
}

static bool
is_any_open(const struct bpf_tap *bt)
{

	for (unsigned i = 0; i < bt->bt_nrings; i++)
		if (__atomic_load_n(&bt->bt_rings[i].rg_open,
		    __ATOMIC_SEQ_CST) != 0)
			return true;
	return false;
}

/* Ask to be woken when a ring is closed; false: all of them are. */
static bool
wait_close(struct bpf_tap *bt)
{
	uint32_t was = BPF_WAKE_NEWS;

	(void)__atomic_compare_exchange_n(&bt->bt_woken, &was, BPF_WAKE_CLOSE,
	    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	return is_any_open(bt);
}

size_t
bpf_read(struct bpf_tap *bt, void *buf, size_t room)
{
	uint64_t wall = kern_wall_offset(tap_kern(bt)), until;
	struct bpf_ring *rg;
	struct bpf_rec rec;
	uint8_t *to = buf;
	size_t len = 0;
	uint32_t n;

	/* Before looking, so that what comes while we look wakes us again. */
	__atomic_store_n(&bt->bt_woken, BPF_WAKE_NEWS, __ATOMIC_SEQ_CST);
	until = complete(bt);
	while ((rg = oldest(bt, &rec)) != NULL) {
		if (rec.br_time_ns > until) {
			if (wait_close(bt))
				break;
			until = complete(bt);
			continue;
		}
		n = rec_size(rec.br_caplen);
		if (room - len < n)
			break;
		memcpy(to + len, rg->rg_buf + (rg->rg_tail &
		    (bt->bt_size - 1)), n);
		rec.br_time_ns += wall;
		memcpy(to + len, &rec, sizeof(rec));
		__atomic_store_n(&rg->rg_tail, rg->rg_tail + n,
		    __ATOMIC_RELEASE);
		len += n;
	}
	return len;
}

enum bpf_state
bpf_state(const struct bpf_tap *bt)
{

	return __atomic_load_n(&bt->bt_state, __ATOMIC_ACQUIRE);
}

void
bpf_stats(const struct bpf_tap *bt, struct bpf_stats *bs)
{
	const struct bpf_ring *rg;

	memset(bs, 0, sizeof(*bs));
	for (unsigned i = 0; i < bt->bt_nrings; i++) {
		rg = &bt->bt_rings[i];
		bs->bs_received += __atomic_load_n(&rg->rg_received,
		    __ATOMIC_RELAXED);
		bs->bs_filtered += __atomic_load_n(&rg->rg_filtered,
		    __ATOMIC_RELAXED);
		bs->bs_dropped += __atomic_load_n(&rg->rg_dropped,
		    __ATOMIC_RELAXED);
	}
}
