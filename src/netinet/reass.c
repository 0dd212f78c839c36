/*
 * reass: see reass.h (RFC 791 3.2, RFC 815, RFC 8200 4.5).
 *
 * A packet that is being reassembled is an entry of a fixed table; its
 * fragments wait in the buffers they came in, in order of their offset.  Memory
 * is bounded twice, for each family apart: by packets (maxfragpackets) and by
 * fragments (maxfrags).  At a limit the oldest packet is dropped: under a flood
 * the oldest packets are the least likely to be completed.
 *
 * Honest senders never send fragments that overlap.  A packet with overlapping
 * fragments is dropped, and its entry stays until its timeout so that its
 * further fragments are dropped as well (RFC 5722 4).
 *
 * When a packet is complete, all fragments but the last to arrive count as
 * delivered on their interfaces; the packet continues in place of that
 * fragment, and is counted once at its end.
 */

#include <errno.h>

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet/ip_var.h"
#include "netinet/reass.h"

#define REASS_BUCKETS	256
#define REASS_MAXPIECES	512	/* of one packet */

/* The offset and length of a queued fragment, in m_scratch[0]. */
#define FRAG_KEY(off, len)	((uint64_t)(off) << 32 | (len))
static inline unsigned
frag_off(const struct mbuf *m)
{

	return (unsigned)(m->m_scratch[0] >> 32);
}

static inline unsigned
frag_end(const struct mbuf *m)
{

	return frag_off(m) + (unsigned)(uint32_t)m->m_scratch[0];
}

/* A packet being reassembled.  All fields are under the lock. */
struct ip_fragq {
	TAILQ_ENTRY(ip_fragq) fq_age;	/* oldest first; or the free list */
	LIST_ENTRY(ip_fragq) fq_hash;
	struct mbuf	*fq_head;	/* by offset, through m_nextpkt */
	struct mbuf	*fq_last;	/* fragment of the highest offset */
	uint64_t	 fq_expire_ns;
	struct reass_key fq_key;
	bool		 fq_dead;	/* overlapped */
	uint16_t	 fq_n;
	uint32_t	 fq_got;	/* payload bytes held */
	uint32_t	 fq_total;	/* payload bytes in all; 0 unknown */
};

/* Entries, and where each packet's is found. */
struct reass_room {
	LIST_HEAD(, ip_fragq) rr_bucket[REASS_BUCKETS];
	struct ip_fragq	 rr_table[REASS_MAXPACKETS];
};

struct ip_reass {
	struct kspin	 ir_lock;
	struct vnet	*ir_vnet;	/* constant */
	const struct reass_family *ir_family;	/* constant */
	const int64_t	*ir_maxpackets, *ir_maxfrags;	/* constant: settings */
	struct reass_room *ir_room;	/* constant; a region, so that what is
					 * not used takes no memory */
	uint32_t	 ir_used;	/* entries of the table ever used */
	uint32_t	 ir_npackets;
	uint32_t	 ir_nfrags;
	uint64_t	 ir_secret;	/* constant; mixed into the hash */
	struct callout	 ir_callout;
	TAILQ_HEAD(fragq_list, ip_fragq) ir_age, ir_free;
};

/* Packets to be dropped once the lock is released. */
struct reass_drops {
	struct mbuf	*rd_head;
};

static void
drops_add(struct reass_drops *rd, struct mbuf *m, enum drop_reason why)
{

	m->m_scratch[1] = why;
	m->m_nextpkt = rd->rd_head;
	rd->rd_head = m;
}

/* Called without the lock. */
static void
drops_do(const struct ip_reass *ir, struct reass_drops *rd)
{
	struct ifnet *ifp;
	struct mbuf *m;

	while ((m = rd->rd_head) != NULL) {
		rd->rd_head = m->m_nextpkt;
		m->m_nextpkt = NULL;
		ifp = ip_held_if(m);
		in_iqueued_add(ifp, -1);
		mbuf_share_give(if_kern(ifp), MBUF_SHARE_FRAGMENTS, m);
		if (m->m_scratch[1] == DROP_FRAG_TIMEOUT && frag_off(m) == 0)
			ir->ir_family->rf_late(ifp, m);
		m_drop(ifp, m, (enum drop_reason)m->m_scratch[1]);
	}
}

static unsigned
fragq_hash(const struct ip_reass *ir, const struct reass_key *key)
{
	uint64_t h = ir->ir_secret, w;

	_Static_assert(sizeof(*key) % 8 == 0, "a key is whole words");
	for (size_t i = 0; i < sizeof(*key); i += 8) {
		memcpy(&w, (const char *)key + i, 8);
		h = (h ^ w) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	return khash_u64(h) % REASS_BUCKETS;
}

static bool
key_equal(const struct reass_key *a, const struct reass_key *b)
{

	return a->rk_id == b->rk_id && a->rk_proto == b->rk_proto &&
	    a->rk_rtable == b->rk_rtable &&
	    neigh_addr_equal(&a->rk_src, &b->rk_src) &&
	    neigh_addr_equal(&a->rk_dst, &b->rk_dst);
}

static struct ip_fragq *
fragq_find(struct ip_reass *ir, const struct reass_key *key)
{
	struct ip_fragq *fq;

	LIST_FOREACH(fq, &ir->ir_room->rr_bucket[fragq_hash(ir, key)], fq_hash)
		if (key_equal(&fq->fq_key, key))
			return fq;
	return NULL;
}

/* Free the fragments. */
static void
fragq_empty(struct ip_reass *ir, struct ip_fragq *fq, struct reass_drops *rd,
    enum drop_reason why)
{
	struct mbuf *m;

	while ((m = fq->fq_head) != NULL) {
		fq->fq_head = m->m_nextpkt;
		drops_add(rd, m, why);
	}
	ir->ir_nfrags -= fq->fq_n;
	fq->fq_last = NULL;
	fq->fq_n = 0;
}

static void
fragq_free(struct ip_reass *ir, struct ip_fragq *fq)
{

	LIST_REMOVE(fq, fq_hash);
	TAILQ_REMOVE(&ir->ir_age, fq, fq_age);
	TAILQ_INSERT_HEAD(&ir->ir_free, fq, fq_age);
	ir->ir_npackets--;
}

/* Drop the oldest packet to make room; false: there is none. */
static bool
reass_evict(struct ip_reass *ir, struct reass_drops *rd,
    const struct ip_fragq *keep)
{
	struct ip_fragq *fq = TAILQ_FIRST(&ir->ir_age);

	if (fq != NULL && fq == keep)
		fq = TAILQ_NEXT(fq, fq_age);
	if (fq == NULL)
		return false;
	fragq_empty(ir, fq, rd, DROP_FRAG_LIMIT);
	fragq_free(ir, fq);
	return true;
}

static void reass_timer(void *);

static struct ip_fragq *
fragq_new(struct ip_reass *ir, const struct reass_key *key, uint64_t now,
    struct reass_drops *rd)
{
	int64_t limit = ip_setting(ir->ir_maxpackets);
	struct ip_fragq *fq;

	while (ir->ir_npackets >= (uint64_t)limit)
		if (!reass_evict(ir, rd, NULL))
			return NULL;
	fq = TAILQ_FIRST(&ir->ir_free);
	if (fq != NULL)
		TAILQ_REMOVE(&ir->ir_free, fq, fq_age);
	else if (ir->ir_used < REASS_MAXPACKETS)
		fq = &ir->ir_room->rr_table[ir->ir_used++];
	else
		return NULL;
	memset(fq, 0, sizeof(*fq));
	fq->fq_key = *key;
	fq->fq_expire_ns = now + ir->ir_family->rf_ns;
	LIST_INSERT_HEAD(&ir->ir_room->rr_bucket[fragq_hash(ir, key)], fq,
	    fq_hash);
	if (TAILQ_EMPTY(&ir->ir_age))
		callout_reset(&ir->ir_callout, ir->ir_family->rf_ns,
		    reass_timer, ir);
	TAILQ_INSERT_TAIL(&ir->ir_age, fq, fq_age);
	ir->ir_npackets++;
	return fq;
}

/*
 * Insert a fragment by its offset.  DROP_NREASONS: done.  DROP_FRAG_OVERLAP and
 * DROP_FRAG_BAD mean that the whole packet is to be dropped.
 */
static enum drop_reason
fragq_insert(struct ip_fragq *fq, struct mbuf *m, bool last)
{
	unsigned off = frag_off(m), end = frag_end(m);
	struct mbuf *prev, *next, *p;

	if (fq->fq_total != 0 && (end > fq->fq_total ||
	    (last && end != fq->fq_total)))
		return DROP_FRAG_BAD;
	if (last && fq->fq_last != NULL && frag_end(fq->fq_last) > end)
		return DROP_FRAG_BAD;

	prev = NULL;
	next = fq->fq_head;
	if (fq->fq_last != NULL && frag_off(fq->fq_last) <= off) {
		/* Fragments nearly always arrive in order. */
		prev = fq->fq_last;
		next = NULL;
	} else
		for (p = fq->fq_head; p != NULL && frag_off(p) <= off;
		    p = p->m_nextpkt) {
			prev = p;
			next = p->m_nextpkt;
		}
	if (prev != NULL && prev->m_scratch[0] == m->m_scratch[0])
		return DROP_FRAG_DUP;
	if ((prev != NULL && frag_end(prev) > off) ||
	    (next != NULL && frag_off(next) < end))
		return DROP_FRAG_OVERLAP;

	m->m_nextpkt = next;
	if (prev == NULL)
		fq->fq_head = m;
	else
		prev->m_nextpkt = m;
	if (next == NULL)
		fq->fq_last = m;
	if (last)
		fq->fq_total = end;
	fq->fq_n++;
	fq->fq_got += end - off;
	return DROP_NREASONS;
}

/*
 * Join the fragments into one packet in new buffers (a chain of the fragments'
 * own buffers could have hundreds).  NULL: out of memory.
 */
static struct mbuf *
reass_join(const struct ip_reass *ir, struct mbuf *head, unsigned total)
{
	struct mbuf *m, *p, *b;
	unsigned skip, n;

	m = m_gethdr();
	if (m == NULL)
		return NULL;
	if (!ir->ir_family->rf_head(m, head, total))
		goto fail;
	for (p = head; p != NULL; p = p->m_nextpkt) {
		skip = reass_hlen(p);
		for (b = p; b != NULL; b = b->m_next, skip -= n) {
			n = skip < b->m_len ? skip : b->m_len;
			if (b->m_len > n && m_append(m, b->m_data + n,
			    b->m_len - n) != 0)
				goto fail;
		}
	}
	return m;
fail:
	m_freem(m);
	return NULL;
}

/* Join and count a complete packet.  `last' is the fragment that completed
 * it. */
static struct mbuf *
reass_finish(const struct ip_reass *ir, struct ifnet *ifp, struct mbuf *head,
    struct mbuf *last, unsigned total)
{
	struct mbuf *m, *p, *next;
	struct ifnet *rcvif;

	m = reass_join(ir, head, total);
	if (m != NULL) {
		m->m_rcvif = last->m_rcvif;
		m->m_flags = last->m_flags;
		m->m_loops = last->m_loops;
		m->m_csum_flags = M_CSUM_IP_OK;
	}
	for (p = head; p != NULL; p = next) {
		next = p->m_nextpkt;
		p->m_nextpkt = NULL;
		rcvif = ip_held_if(p);
		mbuf_share_give(if_kern(ifp), MBUF_SHARE_FRAGMENTS, p);
		if (p != last)
			in_iqueued_add(rcvif, -1);
		if (m == NULL)
			m_drop(rcvif, p, DROP_NO_MBUF);
		else {
			if (p != last)
				if_stat_add(rcvif, IF_STAT_DELIVERED, 1);
			m_freem(p);
		}
	}
	return m;
}

struct mbuf *
reass_input(struct ip_reass *ir, struct ifnet *ifp, struct mbuf *m,
    const struct reass_frag *rg)
{
	struct vnet *vn = ir->ir_vnet;
	struct reass_drops rd = { NULL };
	uint64_t now = net_curcpu()->ci_now;
	struct mbuf *head = NULL;
	enum drop_reason why = DROP_FRAG_LIMIT;
	unsigned total = 0;
	struct ip_fragq *fq;

	/* The oldest packet makes room for the next fragment. */
	if (!mbuf_share_take(vn->vn_kern, MBUF_SHARE_FRAGMENTS, m)) {
		kspin_lock(&ir->ir_lock);
		(void)reass_evict(ir, &rd, NULL);
		kspin_unlock(&ir->ir_lock);
		drops_do(ir, &rd);
		m_drop(ifp, m, DROP_FRAG_SHARE);
		return NULL;
	}
	m->m_ptr = NULL;
	m->m_scratch[0] = FRAG_KEY(rg->rg_off, rg->rg_len);
	m->m_scratch[3] = rg->rg_hlen | rg->rg_note << 16;
	ip_hold_if(m, ifp);
	kspin_lock(&ir->ir_lock);
	fq = fragq_find(ir, &rg->rg_key);
	if (fq == NULL)
		fq = fragq_new(ir, &rg->rg_key, now, &rd);
	while (fq != NULL &&
	    ir->ir_nfrags >= (uint64_t)ip_setting(ir->ir_maxfrags))
		if (!reass_evict(ir, &rd, fq))
			break;
	if (fq == NULL)
		goto out;
	if (fq->fq_dead) {
		why = DROP_FRAG_OVERLAP;
		goto out;
	}
	if (ir->ir_nfrags >= (uint64_t)ip_setting(ir->ir_maxfrags) ||
	    fq->fq_n >= REASS_MAXPIECES)
		goto out;
	why = fragq_insert(fq, m, rg->rg_last);
	if (why == DROP_FRAG_OVERLAP || why == DROP_FRAG_BAD) {
		fragq_empty(ir, fq, &rd, why);
		fq->fq_dead = true;
	} else if (why == DROP_NREASONS) {
		ir->ir_nfrags++;
		if (fq->fq_total != 0 && fq->fq_got == fq->fq_total) {
			head = fq->fq_head;
			total = fq->fq_total;
			ir->ir_nfrags -= fq->fq_n;
			fragq_free(ir, fq);
		} else
			in_iqueued_add(ifp, 1);
	}
out:
	kspin_unlock(&ir->ir_lock);
	drops_do(ir, &rd);
	if (why != DROP_NREASONS) {
		mbuf_share_give(vn->vn_kern, MBUF_SHARE_FRAGMENTS, m);
		m_drop(ifp, m, why);
	}
	return head != NULL ? reass_finish(ir, ifp, head, m, total) : NULL;
}

/* The callout: drop the packets whose timeout has passed. */
static void
reass_timer(void *arg)
{
	struct ip_reass *ir = arg;
	struct reass_drops rd = { NULL };
	uint64_t now = net_curcpu()->ci_now;
	struct ip_fragq *fq;

	kspin_lock(&ir->ir_lock);
	while ((fq = TAILQ_FIRST(&ir->ir_age)) != NULL &&
	    fq->fq_expire_ns <= now) {
		fragq_empty(ir, fq, &rd, DROP_FRAG_TIMEOUT);
		fragq_free(ir, fq);
	}
	if (fq != NULL)
		callout_reset(&ir->ir_callout, fq->fq_expire_ns - now,
		    reass_timer, ir);
	kspin_unlock(&ir->ir_lock);
	drops_do(ir, &rd);
}

void
reass_sweep(struct ip_reass *ir, struct ifnet *ifp)
{
	struct mbuf *gone = NULL, *m, **mp;
	struct ip_fragq *fq, *next;

	kspin_lock(&ir->ir_lock);
	for (fq = TAILQ_FIRST(&ir->ir_age); fq != NULL; fq = next) {
		next = TAILQ_NEXT(fq, fq_age);
		fq->fq_last = NULL;
		for (mp = &fq->fq_head; (m = *mp) != NULL;) {
			if (m->m_rcvif != ifp->if_handle) {
				fq->fq_last = m;
				mp = &m->m_nextpkt;
				continue;
			}
			*mp = m->m_nextpkt;
			m->m_nextpkt = gone;
			gone = m;
			fq->fq_n--;
			fq->fq_got -= (uint32_t)m->m_scratch[0];
			ir->ir_nfrags--;
		}
		if (fq->fq_head == NULL && !fq->fq_dead)
			fragq_free(ir, fq);
	}
	kspin_unlock(&ir->ir_lock);
	while ((m = gone) != NULL) {
		gone = m->m_nextpkt;
		m->m_nextpkt = NULL;
		in_iqueued_add(ifp, -1);
		mbuf_share_give(if_kern(ifp), MBUF_SHARE_FRAGMENTS, m);
		m_drop(ifp, m, DROP_IF_DETACHING);
	}
}

int
reass_create(struct vnet *vn, const struct reass_family *family,
    const int64_t *maxpackets, const int64_t *maxfrags, struct ip_reass **irp)
{
	struct host *h = vn->vn_kern->k_host;
	struct ip_reass *ir;

	ir = kmem_zalloc(vn->vn_kern, sizeof(*ir));
	if (ir == NULL)
		return ENOMEM;
	ir->ir_room = host_map(h, sizeof(*ir->ir_room));
	if (ir->ir_room == NULL) {
		kmem_free(vn->vn_kern, ir);
		return ENOMEM;
	}
	ir->ir_vnet = vn;
	ir->ir_family = family;
	ir->ir_maxpackets = maxpackets;
	ir->ir_maxfrags = maxfrags;
	TAILQ_INIT(&ir->ir_age);
	TAILQ_INIT(&ir->ir_free);
	callout_init(vn->vn_kern, &ir->ir_callout);
	host_random(h, &ir->ir_secret, sizeof(ir->ir_secret));
	*irp = ir;
	return 0;
}

void
reass_destroy(struct ip_reass *ir)
{

	callout_halt(&ir->ir_callout);
	KASSERT(ir->ir_nfrags == 0);
	host_unmap(ir->ir_vnet->vn_kern->k_host, ir->ir_room,
	    sizeof(*ir->ir_room));
	kmem_free(ir->ir_vnet->vn_kern, ir);
}
