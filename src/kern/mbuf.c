/*
 * The buffers: a region, a depot of bundles, and a cache on each CPU.
 *
 * A free buffer is ready for use but for its first cache line: it has no owner
 * and one user.  Its data is poisoned for
 * AddressSanitizer.
 *
 * A bundle is up to BUNDLE_MAX free buffers; the pointers to all of them are
 * stored in the data of its first one, so that a CPU takes a bundle with one
 * copy and without touching the others.  The depot is a stack of bundles
 * whose head is an index and a tag in one word; the tag changes with
 * every operation, so that a head that went and came back is noticed.
 */

#include "kern/kern_private.h"

#include <errno.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ASAN 1
#endif
#endif

#ifdef POOL_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define NO_BUNDLE	UINT32_MAX

_Static_assert(BUNDLE_MAX * sizeof(struct mbuf *) <=
    MBUF_HEADROOM + MBUF_SIZE, "a bundle's pointers fit a buffer");

/*
 *	mp_base, mp_bytes, mp_side_bytes, mp_total constant
 *	mp_link		for the first buffer of a bundle: the next bundle's;
 *			atomic
 *	mp_size		and how many buffers the bundle has
 *	mp_head		depot: tag << 32 | index; atomic
 *	mp_fresh	the first buffer that was never used; atomic
 *	mp_depot	buffers in the depot; atomic
 */
struct mbuf_pool {
	uint8_t		*mp_base;
	size_t		 mp_bytes;
	size_t		 mp_side_bytes;
	uint32_t	*mp_link;
	uint32_t	*mp_size;
	unsigned	 mp_total;
	uint64_t	 mp_head __attribute__((__aligned__(64)));
	uint32_t	 mp_fresh;
	uint32_t	 mp_depot;
};

static inline void
poison(struct mbuf *m)
{

#ifdef POOL_ASAN
	__asan_poison_memory_region(m_start(m), MBUF_HEADROOM + MBUF_SIZE);
#else
	(void)m;
#endif
}

static inline void
unpoison(struct mbuf *m)
{

#ifdef POOL_ASAN
	__asan_unpoison_memory_region(m_start(m), MBUF_HEADROOM + MBUF_SIZE);
#else
	(void)m;
#endif
}

static inline struct mbuf *
mbuf_at(const struct mbuf_pool *mp, uint32_t index)
{

	return (struct mbuf *)(void *)(mp->mp_base +
	    (size_t)index * MBUF_STRIDE);
}

int
mbuf_pool_create(struct kern *k)
{
	const unsigned total = k->k_config.kc_mbufs;
	struct mbuf_pool *mp;

	mp = host_alloc(k->k_host, sizeof(*mp), 64);
	if (mp == NULL)
		return ENOMEM;
	mp->mp_total = total;
	mp->mp_head = NO_BUNDLE;
	mp->mp_bytes = (size_t)total * MBUF_STRIDE;
	mp->mp_base = host_map(k->k_host, mp->mp_bytes);
	if (mp->mp_base == NULL)
		goto fail;
	mp->mp_side_bytes = 2 * sizeof(uint32_t) * (size_t)total;
	mp->mp_link = host_map(k->k_host, mp->mp_side_bytes);
	if (mp->mp_link == NULL)
		goto fail_base;
	mp->mp_size = mp->mp_link + total;
	k->k_mbufs = mp;
	return 0;

fail_base:
	host_unmap(k->k_host, mp->mp_base, mp->mp_bytes);
fail:
	host_free(k->k_host, mp);
	return ENOMEM;
}

void
mbuf_pool_destroy(struct kern *k)
{
	struct mbuf_pool *mp = k->k_mbufs;

	if (mp == NULL)
		return;
#ifdef POOL_ASAN
	__asan_unpoison_memory_region(mp->mp_base, mp->mp_bytes);
#endif
	host_unmap(k->k_host, mp->mp_link, mp->mp_side_bytes);
	host_unmap(k->k_host, mp->mp_base, mp->mp_bytes);
	host_free(k->k_host, mp);
	k->k_mbufs = NULL;
}

static inline void
set_cached(struct cpu *ci, unsigned n)
{

	__atomic_store_n(&ci->ci_nmcache, n, __ATOMIC_RELAXED);
}

/* Put n free buffers into the depot as one bundle. */
static void
depot_put(struct mbuf_pool *mp, struct mbuf *const *m, unsigned n)
{
	const uint32_t index = m[0]->m_index;
	uint64_t head, new;

	unpoison(m[0]);
	memcpy(m_start(m[0]), m, n * sizeof(*m));
	poison(m[0]);
	mp->mp_size[index] = n;
	(void)__atomic_fetch_add(&mp->mp_depot, n, __ATOMIC_RELAXED);
	head = __atomic_load_n(&mp->mp_head, __ATOMIC_RELAXED);
	do {
		__atomic_store_n(&mp->mp_link[index], (uint32_t)head,
		    __ATOMIC_RELAXED);
		new = ((head >> 32) + 1) << 32 | index;
	} while (!__atomic_compare_exchange_n(&mp->mp_head, &head, new, true,
	    __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

/* Take one bundle from the depot; returns how many buffers it had. */
static unsigned
depot_get(struct mbuf_pool *mp, struct mbuf **m)
{
	uint64_t head, new;
	struct mbuf *first;
	uint32_t index;
	unsigned n;

	head = __atomic_load_n(&mp->mp_head, __ATOMIC_ACQUIRE);
	do {
		index = (uint32_t)head;
		if (index == NO_BUNDLE)
			return 0;
		new = ((head >> 32) + 1) << 32 |
		    __atomic_load_n(&mp->mp_link[index], __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&mp->mp_head, &head, new, true,
	    __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	first = mbuf_at(mp, index);
	n = mp->mp_size[index];
	unpoison(first);
	memcpy(m, m_start(first), n * sizeof(*m));
	poison(first);
	(void)__atomic_fetch_sub(&mp->mp_depot, n, __ATOMIC_RELAXED);
	return n;
}

/* Take buffers that were never used; the region came zeroed. */
static unsigned
fresh_get(struct mbuf_pool *mp, struct mbuf **m)
{
	uint32_t first, n;

	first = __atomic_load_n(&mp->mp_fresh, __ATOMIC_RELAXED);
	do {
		n = mp->mp_total - first;
		if (n == 0)
			return 0;
		if (n > BUNDLE_MAX)
			n = BUNDLE_MAX;
	} while (!__atomic_compare_exchange_n(&mp->mp_fresh, &first, first + n,
	    true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	for (uint32_t i = 0; i < n; i++) {
		m[i] = mbuf_at(mp, first + i);
		m[i]->m_index = first + i;
		m[i]->m_refcnt = 1;
		poison(m[i]);
	}
	return n;
}

/* The cache is empty: get one bundle, used ones first as they are warm. */
static unsigned
__attribute__((__noinline__))
refill(struct cpu *ci)
{
	struct mbuf_pool *mp = ci->ci_kern->k_mbufs;
	unsigned n;

	n = depot_get(mp, ci->ci_mcache);
	if (n == 0)
		n = fresh_get(mp, ci->ci_mcache);
	set_cached(ci, n);
	return n;
}

/* The cache is full: give away the colder half. */
static void
__attribute__((__noinline__))
spill(struct cpu *ci)
{

	depot_put(ci->ci_kern->k_mbufs, ci->ci_mcache, BUNDLE_MAX);
	memmove(ci->ci_mcache, ci->ci_mcache + BUNDLE_MAX,
	    (MCACHE_MAX - BUNDLE_MAX) * sizeof(ci->ci_mcache[0]));
	set_cached(ci, MCACHE_MAX - BUNDLE_MAX);
}

/* Set up the first line of a buffer from the cache; its other fields are in
 * order already. */
static inline void
prepare(struct mbuf *m)
{

	unpoison(m);
	m->m_data = m_room(m);
	m->m_len = 0;
	m->m_pktlen = 0;
	m->m_rcvif = 0;
	m->m_flags = 0;
	m->m_csum_flags = 0;
	m->m_csum_start = 0;
	m->m_csum_offset = 0;
	m->m_segsz = 0;
	m->m_vlan_tag = 0;
	m->m_flowid = 0;
	m->m_mark = 0;
	m->m_loops = 0;
	m->m_shared = 0;
	m->m_next = NULL;
	m->m_ptr = NULL;
}

/* Take up to n buffers out of the cache as they are; how many. */
static inline unsigned
take_cached(struct cpu *ci, struct mbuf **m, unsigned n)
{
	unsigned got = 0, take, have;

	while (got < n) {
		have = ci->ci_nmcache;
		if (have == 0 && (have = refill(ci)) == 0)
			break;
		take = n - got < have ? n - got : have;
		memcpy(&m[got], &ci->ci_mcache[have - take],
		    take * sizeof(m[0]));
		set_cached(ci, have - take);
		got += take;
	}
	return got;
}

unsigned
m_get_bulk(struct mbuf **m, unsigned n)
{
	struct cpu *ci = curcpu();
	unsigned got;

	KASSERT(ci != NULL);
	got = take_cached(ci, m, n);
	for (unsigned i = 0; i < got; i++) {
		if (i + 4 < got)
			__builtin_prefetch(m[i + 4], 1);
		prepare(m[i]);
	}
	return got;
}

struct mbuf *
m_gethdr(void)
{
	struct cpu *ci = curcpu();
	struct mbuf *m;
	unsigned have;

	KASSERT(ci != NULL);
	have = ci->ci_nmcache;
	if (have == 0 && (have = refill(ci)) == 0)
		return NULL;
	m = ci->ci_mcache[have - 1];
	set_cached(ci, have - 1);
	prepare(m);
	return m;
}

/* Put a buffer without users into the cache. */
static inline void
put(struct cpu *ci, struct mbuf *m)
{
	unsigned n;

	poison(m);
	if (ci->ci_nmcache == MCACHE_MAX)
		spill(ci);
	n = ci->ci_nmcache;
	ci->ci_mcache[n] = m;
	set_cached(ci, n + 1);
}

/* Release one use of a buffer's data. */
static inline void
release(struct cpu *ci, struct mbuf *m)
{

	if (__builtin_expect(__atomic_load_n(&m->m_refcnt,
	    __ATOMIC_ACQUIRE) != 1, 0)) {
		if (__atomic_fetch_sub(&m->m_refcnt, 1, __ATOMIC_ACQ_REL) != 1)
			return;
		__atomic_store_n(&m->m_refcnt, 1, __ATOMIC_RELAXED);
	}
	put(ci, m);
}

static inline void
free_chain(struct cpu *ci, struct mbuf *m)
{
	struct mbuf *next, *owner;

	do {
		next = m->m_next;
		if (__builtin_expect(!m->m_shared, 1)) {
			put(ci, m);
			continue;
		}
		owner = m->m_owner;
		if (owner != NULL) {
			m->m_owner = NULL;
			release(ci, owner);
		}
		release(ci, m);
	} while ((m = next) != NULL);
}

unsigned
m_reserve(struct mbuf **m, unsigned n)
{
	struct cpu *ci = curcpu();
	unsigned got;

	KASSERT(ci != NULL);
	got = take_cached(ci, m, n);
#ifdef POOL_ASAN
	for (unsigned i = 0; i < got; i++)
		unpoison(m[i]);
#endif
	return got;
}

void
m_unreserve(struct mbuf **m, unsigned n)
{
	struct cpu *ci = curcpu();
	unsigned give, have;

	KASSERT(ci != NULL);
#ifdef POOL_ASAN
	for (unsigned i = 0; i < n; i++)
		poison(m[i]);
#endif
	while (n > 0) {
		if (ci->ci_nmcache == MCACHE_MAX)
			spill(ci);
		have = ci->ci_nmcache;
		give = n < MCACHE_MAX - have ? n : MCACHE_MAX - have;
		memcpy(&ci->ci_mcache[have], &m[n - give],
		    give * sizeof(m[0]));
		set_cached(ci, have + give);
		n -= give;
	}
}

void
m_setup(struct mbuf *m)
{

	prepare(m);
}

void
m_freem(struct mbuf *m)
{
	struct cpu *ci = curcpu();

	KASSERT(ci != NULL);
	if (m != NULL)
		free_chain(ci, m);
}

void
mvec_free(struct mvec *mv)
{
	struct cpu *ci = curcpu();
	const unsigned n = mv->mv_n;

	KASSERT(ci != NULL);
	for (unsigned i = 0; i < n; i++) {
		free_chain(ci, mv->mv_m[i]);
	}
	mv->mv_n = 0;
}

unsigned
mbuf_total(struct kern *k)
{

	return k->k_mbufs->mp_total;
}

unsigned
mbuf_free_count(struct kern *k)
{
	const struct mbuf_pool *mp = k->k_mbufs;
	unsigned n;

	n = mp->mp_total - __atomic_load_n(&mp->mp_fresh, __ATOMIC_RELAXED) +
	    __atomic_load_n(&mp->mp_depot, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < k->k_ncpu; i++)
		n += __atomic_load_n(&k->k_cpu[i]->ci_nmcache,
		    __ATOMIC_RELAXED);
	return n;
}
