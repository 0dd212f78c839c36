/*
 * Taps: who has one, and the rings between the CPUs and the reader.
 *
 * An interface's taps are a list that CPUs walk in a read section; opening
 * and closing change it with the vnet's tap lock held.  A ring has one writer,
 * its CPU, and one reader: the writer moves the head, the reader the tail.
 */

#include "net/bpf.h"

#include <errno.h>
#include <string.h>

#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"

/* In place of a length: nothing more up to the end of the ring. */
#define REC_SKIP	UINT32_MAX

/*
 * One CPU's ring.  Places count on for ever; modulo the size they are
 * offsets.
 */
struct bpf_ring {
	/* the CPU's; read by all */
	uint64_t	 rg_head __attribute__((__aligned__(64)));
	uint64_t	 rg_received, rg_filtered, rg_dropped;
	uint8_t		*rg_buf;	/* constant */
	/* the reader's; read by the CPU */
	uint64_t	 rg_tail __attribute__((__aligned__(64)));
};

struct bpf_vnet {
	struct host_mutex bv_lock;
	unsigned	 bv_ntaps;	/* bv_lock */
};

/*
 *	constant	from creation
 *	v:		bv_lock
 *	r:		the reader's
 */
struct bpf_tap {
	struct bpf_tap	*bt_next;	/* rcu; v: of the same interface */
	struct ifnet	*bt_ifp;	/* v: NULL: not on one any more */
	struct vnet	*bt_vnet;	/* constant */
	enum bpf_state	 bt_state;	/* atomic; v: to change */
	uint64_t	 bt_handle;	/* constant: of the interface */
	bool		 bt_promisc;	/* v: it is promiscuous for this tap */
	unsigned	 bt_dirs;	/* constant */
	uint32_t	 bt_snaplen;	/* constant */
	uint32_t	 bt_size;	/* constant: of a ring, a power of 2 */
	unsigned	 bt_nrings;	/* constant */
	unsigned	 bt_ninsns;	/* constant */
	struct bpf_insn	*bt_prog;	/* constant */
	struct bpf_ring	*bt_rings;	/* constant */
	void		(*bt_wakeup)(void *);	/* constant */
	void		*bt_arg;	/* constant */
	uint32_t	 bt_woken;	/* atomic: the reader was woken */
};

struct bpf_if {
	struct bpf_tap	*bi_taps;	/* rcu; v: */
};

static inline struct kern *
tap_kern(const struct bpf_tap *bt)
{

	return bt->bt_vnet->vn_kern;
}

uint32_t
bpf_dlt(const struct ifnet *ifp)
{

	/* Our loopback puts no header in front of its packets. */
	return ifp->if_dlt == DLT_NULL ? DLT_RAW : ifp->if_dlt;
}

/* --- the packet path ------------------------------------------------------ */

static inline void
add(uint64_t *c, uint64_t n)
{

	__atomic_store_n(c, *c + n, __ATOMIC_RELAXED);
}

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

static void
deliver(struct bpf_tap *bt, const struct mvec *mv, unsigned dir, uint64_t now)
{
	struct bpf_ring *rg = &bt->bt_rings[net_curcpu()->ci_index];
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
	add(&rg->rg_received, mv->mv_n);
	add(&rg->rg_filtered, filtered);
	add(&rg->rg_dropped, dropped);
	/* Drops are told too, though there is no more to read than before. */
	if (filtered < mv->mv_n && __atomic_exchange_n(&bt->bt_woken, 1,
	    __ATOMIC_SEQ_CST) == 0)
		bt->bt_wakeup(bt->bt_arg);
}

void
bpf_deliver(struct bpf_if *bi, const struct mvec *mv, unsigned dir)
{
	struct bpf_tap *bt;
	uint64_t now;

	if (mv->mv_n == 0)
		return;
	now = stamp(net_curcpu());
	for (bt = __atomic_load_n(&bi->bi_taps, __ATOMIC_ACQUIRE); bt != NULL;
	    bt = __atomic_load_n(&bt->bt_next, __ATOMIC_ACQUIRE))
		if (bt->bt_dirs & dir)
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

size_t
bpf_read(struct bpf_tap *bt, void *buf, size_t room)
{
	uint8_t *to = buf;
	struct bpf_ring *rg;
	struct bpf_rec rec;
	size_t len = 0;
	uint64_t wall = kern_wall_offset(tap_kern(bt));
	uint32_t n;

	/* Before looking, so that what comes while we look wakes us again. */
	__atomic_store_n(&bt->bt_woken, 0, __ATOMIC_SEQ_CST);
	while ((rg = oldest(bt, &rec)) != NULL) {
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

/* --- life ----------------------------------------------------------------- */

static void
tap_free(struct bpf_tap *bt)
{
	struct kern *k = tap_kern(bt);

	if (bt->bt_rings != NULL)
		for (unsigned i = 0; i < bt->bt_nrings; i++)
			kmem_free(k, bt->bt_rings[i].rg_buf);
	host_free(k->k_host, bt->bt_rings);
	kmem_free(k, bt->bt_prog);
	kmem_free(k, bt);
}

static int
check_config(const struct bpf_config *bc)
{

	if ((bc->bc_dirs & (BPF_IN | BPF_OUT)) == 0 ||
	    (bc->bc_dirs & ~(unsigned)(BPF_IN | BPF_OUT)) != 0 ||
	    bc->bc_snaplen > BPF_SNAPLEN_MAX)
		return EINVAL;
	if (bc->bc_ring != 0 &&
	    (bc->bc_ring < BPF_RING_MIN || bc->bc_ring > BPF_RING_MAX))
		return EINVAL;
	return bc->bc_ninsns != 0 &&
	    bpf_check(bc->bc_prog, bc->bc_ninsns) != NULL ? EINVAL : 0;
}

static int
alloc_rings(struct bpf_tap *bt, uint32_t bytes)
{
	struct kern *k = tap_kern(bt);
	unsigned n = kern_ncpu(k);

	bt->bt_size = BPF_RING_MIN;
	while (bt->bt_size < bytes)
		bt->bt_size *= 2;
	bt->bt_rings = host_alloc(k->k_host, n * sizeof(*bt->bt_rings), 64);
	if (bt->bt_rings == NULL)
		return ENOMEM;
	for (; bt->bt_nrings < n; bt->bt_nrings++) {
		bt->bt_rings[bt->bt_nrings].rg_buf = kmem_zalloc(k,
		    bt->bt_size);
		if (bt->bt_rings[bt->bt_nrings].rg_buf == NULL)
			return ENOMEM;
	}
	return 0;
}

static int
tap_create(struct vnet *vn, const struct bpf_config *bc,
    struct bpf_tap **btp)
{
	struct kern *k = vn->vn_kern;
	struct bpf_tap *bt;
	size_t size = bc->bc_ninsns * sizeof(*bc->bc_prog);
	int error = ENOMEM;

	bt = kmem_zalloc(k, sizeof(*bt));
	if (bt == NULL)
		return ENOMEM;
	bt->bt_vnet = vn;
	bt->bt_dirs = bc->bc_dirs;
	bt->bt_snaplen = bc->bc_snaplen != 0 ? bc->bc_snaplen :
	    BPF_SNAPLEN_MAX;
	bt->bt_wakeup = bc->bc_wakeup;
	bt->bt_arg = bc->bc_arg;
	bt->bt_ninsns = bc->bc_ninsns;
	if (size != 0) {
		bt->bt_prog = kmem_zalloc(k, size);
		if (bt->bt_prog == NULL)
			goto fail;
		memcpy(bt->bt_prog, bc->bc_prog, size);
	}
	error = alloc_rings(bt, bc->bc_ring != 0 ? bc->bc_ring :
	    BPF_RING_DEFAULT);
	if (error == 0) {
		*btp = bt;
		return 0;
	}
fail:
	tap_free(bt);
	return error;
}

/* The interface is held. */
static int
attach(struct ifnet *ifp, struct bpf_tap *bt)
{
	struct bpf_vnet *bv = bt->bt_vnet->vn_bpf;
	struct host *h = tap_kern(bt)->k_host;
	struct bpf_if *bi;
	int error = 0;

	host_mutex_lock(h, &bv->bv_lock);
	bi = ifp->if_bpf;
	if (bi == NULL) {
		bi = kmem_zalloc(tap_kern(bt), sizeof(*bi));
		if (bi == NULL) {
			error = ENOMEM;
			goto out;
		}
	}
	bt->bt_ifp = ifp;
	bt->bt_handle = ifp->if_handle;
	bt->bt_next = bi->bi_taps;
	__atomic_store_n(&bi->bi_taps, bt, __ATOMIC_RELEASE);
	__atomic_store_n(&ifp->if_bpf, bi, __ATOMIC_RELEASE);
	bv->bv_ntaps++;
out:
	host_mutex_unlock(h, &bv->bv_lock);
	return error;
}

int
bpf_open(struct vnet *vn, const char *ifname, const struct bpf_config *bc,
    struct bpf_tap **btp)
{
	struct bpf_tap *bt;
	struct ifnet *ifp;
	struct psref psref;
	int error;

	error = check_config(bc);
	if (error != 0)
		return error;
	error = tap_create(vn, bc, &bt);
	if (error != 0)
		return error;
	ifp = if_get(vn, ifname, &psref);
	if (ifp == NULL)
		error = ENXIO;
	else {
		error = bpf_dlt(ifp) != bc->bc_dlt ? EPROTOTYPE :
		    bc->bc_promisc ? ifpromisc(ifp, true) : 0;
		bt->bt_promisc = error == 0 && bc->bc_promisc;
		if (error == 0)
			error = attach(ifp, bt);
		if (error != 0 && bt->bt_promisc)
			(void)ifpromisc(ifp, false);
		if_put(ifp, &psref);
	}
	if (error != 0)
		tap_free(bt);
	else
		*btp = bt;
	return error;
}

/* v: off its interface; when it returns no CPU has it. */
static void
unlink_tap(struct bpf_tap *bt)
{
	struct ifnet *ifp = bt->bt_ifp;
	struct bpf_if *bi = ifp->if_bpf;
	struct bpf_tap **p = &bi->bi_taps;

	while (*p != bt)
		p = &(*p)->bt_next;
	__atomic_store_n(p, bt->bt_next, __ATOMIC_RELEASE);
	if (bi->bi_taps == NULL)
		__atomic_store_n(&ifp->if_bpf, NULL, __ATOMIC_RELEASE);
	else
		bi = NULL;
	bt->bt_ifp = NULL;
	pserialize_perform(tap_kern(bt));
	kmem_free(tap_kern(bt), bi);
}

/* The interface is found by its handle: it may be gone, or on its way out. */
static void
promisc_release(struct bpf_tap *bt)
{
	struct psref psref;
	struct ifnet *ifp;

	ifp = if_get_byhandle(bt->bt_vnet, bt->bt_handle, &psref);
	if (ifp == NULL)
		return;
	(void)ifpromisc(ifp, false);
	if_put(ifp, &psref);
}

void
bpf_stop(struct bpf_tap *bt)
{
	struct bpf_vnet *bv = bt->bt_vnet->vn_bpf;
	struct host *h = tap_kern(bt)->k_host;
	bool promisc;

	host_mutex_lock(h, &bv->bv_lock);
	promisc = bt->bt_promisc;
	bt->bt_promisc = false;
	if (bt->bt_ifp != NULL) {
		unlink_tap(bt);
		__atomic_store_n(&bt->bt_state, BPF_STOPPED,
		    __ATOMIC_RELEASE);
	}
	host_mutex_unlock(h, &bv->bv_lock);
	if (promisc)
		promisc_release(bt);
}

void
bpf_close(struct bpf_tap *bt)
{
	struct bpf_vnet *bv = bt->bt_vnet->vn_bpf;
	struct host *h = tap_kern(bt)->k_host;

	bpf_stop(bt);
	host_mutex_lock(h, &bv->bv_lock);
	bv->bv_ntaps--;
	host_mutex_unlock(h, &bv->bv_lock);
	tap_free(bt);
}

void
bpf_ifdetach(struct ifnet *ifp)
{
	struct bpf_vnet *bv = ifp->if_vnet->vn_bpf;
	struct host *h = if_host(ifp);
	struct bpf_tap *bt, *next;
	struct bpf_if *bi;

	/* Nobody can open one any more; without one there is nothing to do. */
	if (__atomic_load_n(&ifp->if_bpf, __ATOMIC_ACQUIRE) == NULL)
		return;
	host_mutex_lock(h, &bv->bv_lock);
	bi = ifp->if_bpf;
	if (bi != NULL) {
		__atomic_store_n(&ifp->if_bpf, NULL, __ATOMIC_RELEASE);
		pserialize_perform(if_kern(ifp));
		for (bt = bi->bi_taps; bt != NULL; bt = next) {
			next = bt->bt_next;
			bt->bt_ifp = NULL;
			__atomic_store_n(&bt->bt_state, BPF_DETACHED,
			    __ATOMIC_RELEASE);
			bt->bt_wakeup(bt->bt_arg);
		}
		kmem_free(if_kern(ifp), bi);
	}
	host_mutex_unlock(h, &bv->bv_lock);
}

static int
bpf_init(struct vnet *vn)
{
	struct bpf_vnet *bv;

	bv = kmem_zalloc(vn->vn_kern, sizeof(*bv));
	if (bv == NULL)
		return ENOMEM;
	host_mutex_init(vn->vn_kern->k_host, &bv->bv_lock);
	vn->vn_bpf = bv;
	return 0;
}

static void
bpf_fini(struct vnet *vn)
{
	struct bpf_vnet *bv = vn->vn_bpf;

	KASSERT(bv->bv_ntaps == 0);
	host_mutex_destroy(vn->vn_kern->k_host, &bv->bv_lock);
	kmem_free(vn->vn_kern, bv);
	vn->vn_bpf = NULL;
}

const struct vnet_subsys bpf_subsys = {
	.vs_name = "bpf",
	.vs_init = bpf_init,
	.vs_fini = bpf_fini,
};
