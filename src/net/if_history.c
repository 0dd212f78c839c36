/*
 * History: what happened to interfaces, and who asked for it.
 *
 * A vnet has one store of slots, so that an idle interface costs nothing.  A
 * slot stands in two rings: that of its interface, and that of all, both in the
 * order in which things happened.  An interface that has as many as are kept of
 * each uses its own oldest one again, so that a noisy one cannot push out what
 * is known of the others.  When the store is full, an interface that has its
 * fair share does the same, and for the others the oldest of all gives way.
 * Events of an interface that is gone stay until then.
 *
 * Memory is taken in control context only, ahead of need; a change that comes
 * from a CPU when there is none finds the store full.
 */

#include "net/if_history_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"

#include <errno.h>

#include "kern/reqctx.h"
#include "proto/prefix.h"

/* Chunks of the store: the first has this many slots, the second too, and from
 * then on each doubles the store, up to 65536 slots. */
#define FIRST_BITS	3
#define FIRST		(1u << FIRST_BITS)
#define NCHUNKS		14u
#define STORE_MAX	(FIRST << (NCHUNKS - 1))
#define MAPPED		512u	/* a chunk of so many is mapped */
/* Slots to have for a CPU's events; none come of loopback interfaces. */
#define AHEAD		64u
#define SHARE_MIN	8u	/* what a noisy interface may always keep */
#define BATCH		64u	/* slots copied under the lock */
#define NONE		UINT32_MAX

/*
 * A slot; unused when its event is 0.  The rings are circular: the oldest
 * comes after the newest.
 */
struct slot {
	struct if_history sl_ih;
	uint16_t	 sl_next, sl_prev;	/* newer, older, of the
						 * interface; sl_next also of
						 * those free */
	uint16_t	 sl_newer, sl_older;	/* of all */
	uint32_t	 sl_count;	/* the newest one's: in its ring */
};

/*
 *	h:	hv_lock, which protects if_history too.  Innermost, but for
 *		rtsock's.
 */
struct ifv_history {
	struct kspin	 hv_lock;
	uint32_t	 hv_n;		/* h: slots used */
	uint32_t	 hv_rings;	/* h: interfaces that have one */
	uint32_t	 hv_oldest;	/* h: of all, when hv_n != 0 */
	uint32_t	 hv_nfree, hv_free;	/* h: used before, not now */
	uint32_t	 hv_fresh;	/* h: first one that never was used */
	uint32_t	 hv_size;	/* h: slots there are */
	uint64_t	 hv_next;	/* h: the next event's number */
	struct slot	*hv_chunk[NCHUNKS];	/* h: */
};

/* The chunk that a slot is in. */
static inline unsigned
chunk_of(uint32_t i)
{

	return 32u - FIRST_BITS -
	    (unsigned)__builtin_clz(i | (FIRST - 1));
}

/* A chunk's first slot: 0, FIRST, 2 * FIRST, 4 * FIRST, ... */
static inline uint32_t
first_of(unsigned chunk)
{

	return (FIRST / 2 << chunk) & ~(FIRST - 1);
}

static inline struct slot *
slot_at(struct ifv_history *hv, uint32_t i)
{
	unsigned c = chunk_of(i);

	return &hv->hv_chunk[c][i - first_of(c)];
}

/* --- the rings; h: held --------------------------------------------------- */

/* The newest slot of an interface, or NONE.  if_history may be stale: the slot
 * may be another's by now, and tells. */
static uint32_t
ring_newest(struct ifv_history *hv, const struct ifnet *ifp)
{
	const struct slot *sl;

	if (ifp->if_history >= hv->hv_fresh)
		return NONE;
	sl = slot_at(hv, ifp->if_history);
	return sl->sl_ih.ih_event != 0 &&
	    sl->sl_ih.ih_handle == ifp->if_handle ? ifp->if_history : NONE;
}

static void
ring_append(struct ifv_history *hv, uint32_t i, uint32_t newest)
{
	struct slot *sl = slot_at(hv, i), *last;

	if (newest == NONE) {
		sl->sl_next = sl->sl_prev = (uint16_t)i;
		sl->sl_count = 1;
		hv->hv_rings++;
		return;
	}
	last = slot_at(hv, newest);
	sl->sl_prev = (uint16_t)newest;
	sl->sl_next = last->sl_next;
	slot_at(hv, last->sl_next)->sl_prev = (uint16_t)i;
	last->sl_next = (uint16_t)i;
	sl->sl_count = last->sl_count + 1;
}

static void
all_append(struct ifv_history *hv, uint32_t i)
{
	struct slot *sl = slot_at(hv, i), *first;

	if (hv->hv_n++ == 0) {
		sl->sl_newer = sl->sl_older = (uint16_t)i;
		hv->hv_oldest = i;
		return;
	}
	first = slot_at(hv, hv->hv_oldest);
	sl->sl_newer = (uint16_t)hv->hv_oldest;
	sl->sl_older = first->sl_older;
	slot_at(hv, first->sl_older)->sl_newer = (uint16_t)i;
	first->sl_older = (uint16_t)i;
}

/* Forget the oldest of its interface. */
static void
forget(struct ifv_history *hv, uint32_t i)
{
	struct slot *sl = slot_at(hv, i), *newest = slot_at(hv, sl->sl_prev);

	if (newest == sl)
		hv->hv_rings--;
	else {
		newest->sl_count--;
		newest->sl_next = sl->sl_next;
		slot_at(hv, sl->sl_next)->sl_prev = sl->sl_prev;
	}
	slot_at(hv, sl->sl_newer)->sl_older = sl->sl_older;
	slot_at(hv, sl->sl_older)->sl_newer = sl->sl_newer;
	if (hv->hv_oldest == i)
		hv->hv_oldest = sl->sl_newer;
	hv->hv_n--;
	sl->sl_ih.ih_event = 0;
	sl->sl_next = (uint16_t)hv->hv_free;
	hv->hv_free = i;
	hv->hv_nfree++;
}

/* Slots of the chunk to come. */
static uint32_t
next_chunk(const struct ifv_history *hv)
{

	return hv->hv_size == 0 ? FIRST : hv->hv_size;
}

/* A slot that is not used, or NONE: all are. */
static uint32_t
take_free(struct ifv_history *hv)
{
	uint32_t i = hv->hv_free;

	if (hv->hv_nfree != 0) {
		hv->hv_nfree--;
		hv->hv_free = slot_at(hv, i)->sl_next;
		return i;
	}
	return hv->hv_fresh == hv->hv_size ? NONE : hv->hv_fresh++;
}

/* A slot for one more event of an interface that has n; NONE: no memory. */
static uint32_t
make_room(struct ifv_history *hv, uint32_t newest, uint32_t n)
{
	uint32_t i = take_free(hv), share;

	if (i != NONE || hv->hv_n == 0)
		return i;
	share = hv->hv_size / hv->hv_rings;
	if (share < SHARE_MIN)
		share = SHARE_MIN;
	forget(hv, n >= share ? slot_at(hv, newest)->sl_next : hv->hv_oldest);
	return take_free(hv);
}

static void
put(struct ifv_history *hv, struct ifnet *ifp, struct if_history *ih,
    uint64_t limit)
{
	uint32_t newest = ring_newest(hv, ifp), n, i;

	n = newest == NONE ? 0 : slot_at(hv, newest)->sl_count;
	/* Two, should the limit be lower than it was. */
	for (unsigned k = 0; k < 2 && n >= limit; k++, n--)
		forget(hv, slot_at(hv, newest)->sl_next);
	i = make_room(hv, newest, n);
	ih->ih_seq = hv->hv_next++;
	if (i == NONE)
		return;
	/* The newest may have been forgotten. */
	if (newest != NONE)
		newest = ring_newest(hv, ifp);
	slot_at(hv, i)->sl_ih = *ih;
	ring_append(hv, i, newest);
	all_append(hv, i);
	ifp->if_history = (uint16_t)i;
}

/* --- writing -------------------------------------------------------------- */

/* h: the store has a chunk more, of n slots. */
static void
add_chunk(struct ifv_history *hv, struct slot *chunk, uint32_t n)
{

	hv->hv_chunk[chunk_of(hv->hv_size)] = chunk;
	hv->hv_size += n;
}

static inline size_t
chunk_bytes(uint32_t n)
{

	return n * sizeof(struct slot);
}

/* A chunk of n slots, all unused.  A large one is mapped: what is not used yet
 * takes no memory. */
static struct slot *
chunk_alloc(struct kern *k, uint32_t n)
{

	return n < MAPPED ? kmem_zalloc(k, chunk_bytes(n)) :
	    host_map(k->k_host, chunk_bytes(n));
}

static void
chunk_free(struct kern *k, struct slot *chunk, uint32_t n)
{

	if (n < MAPPED)
		kmem_free(k, chunk);
	else
		host_unmap(k->k_host, chunk, chunk_bytes(n));
}

/* Control: have so many slots to be used. */
static void
reserve(struct kern *k, struct ifv_history *hv, uint32_t ahead)
{
	struct slot *chunk;
	uint32_t n;
	bool enough;

	for (;;) {
		kspin_lock(&hv->hv_lock);
		enough = hv->hv_size == STORE_MAX ||
		    hv->hv_nfree + hv->hv_size - hv->hv_fresh >= ahead;
		n = next_chunk(hv);
		kspin_unlock(&hv->hv_lock);
		if (enough)
			return;
		chunk = chunk_alloc(k, n);
		if (chunk == NULL)
			return;		/* the oldest give way then */
		kspin_lock(&hv->hv_lock);
		if (hv->hv_size != STORE_MAX && next_chunk(hv) == n) {
			add_chunk(hv, chunk, n);
			chunk = NULL;
		}
		kspin_unlock(&hv->hv_lock);
		chunk_free(k, chunk, n);
	}
}

static void
fill_asker(struct if_history *ih)
{
	const struct kauth_cred *cred = kern_asker();

	ih->ih_uid = cred == NULL ? 0 : cred->kc_uid;
	ih->ih_pid = cred == NULL ? IFHIST_PID_STACK : cred->kc_pid;
}

/* How many events of an interface are kept; 0: none. */
static uint64_t
history_len(const struct vnet *vn)
{

	return (uint64_t)__atomic_load_n(&vn->vn_if->ifv_history_len,
	    __ATOMIC_RELAXED);
}

void
if_history_put(struct ifnet *ifp, struct if_history *ih)
{
	struct ifv_history *hv = ifp->if_vnet->vn_if->ifv_history;
	struct host *h = if_host(ifp);
	uint64_t limit;

	if (history_len(ifp->if_vnet) == 0)
		return;
	if (curcpu() == NULL)
		reserve(if_kern(ifp), hv, (if_flags_get(ifp) & IFF_LOOPBACK) !=
		    0 ? 1 : AHEAD);
	ih->ih_handle = ifp->if_handle;
	ih->ih_mono_ns = host_clock(h);
	ih->ih_wall_ns = host_wallclock(h);
	if_name_copy(ifp, ih->ih_name);
	fill_asker(ih);
	kspin_lock(&hv->hv_lock);
	/* Behind the lock of if_history_clear() it is 0 again. */
	limit = history_len(ifp->if_vnet);
	if (limit != 0)
		put(hv, ifp, ih, limit);
	kspin_unlock(&hv->hv_lock);
}

void
if_history_event(struct ifnet *ifp, enum if_history_event event, uint32_t old,
    uint32_t new)
{
	struct if_history ih;

	memset(&ih, 0, sizeof(ih));
	ih.ih_event = (uint16_t)event;
	ih.ih_old = old;
	ih.ih_new = new;
	if_history_put(ifp, &ih);
}

void
if_history_text(struct ifnet *ifp, enum if_history_event event,
    const char *text)
{
	struct if_history ih;
	size_t len = strnlen(text, sizeof(ih.ih_text) - 1);

	memset(&ih, 0, sizeof(ih));
	ih.ih_event = (uint16_t)event;
	memcpy(ih.ih_text, text, len);
	if_history_put(ifp, &ih);
}

void
if_history_addr(struct ifnet *ifp, enum if_history_event event,
    const struct ifaddr *ifa)
{
	const struct sockaddr *sa = ifa->ifa_addr, *mask = ifa->ifa_netmask;
	struct if_history ih;
	int bits;

	memset(&ih, 0, sizeof(ih));
	ih.ih_event = (uint16_t)event;
	ih.ih_family = (uint8_t)sa->sa_family;
	switch (sa->sa_family) {
	case AF_INET:
		memcpy(ih.ih_addr, &((const struct sockaddr_in *)sa)->sin_addr,
		    4);
		bits = mask == NULL ? 32 : prefix_len_bytes(
		    &((const struct sockaddr_in *)mask)->sin_addr, 4);
		ih.ih_prefixlen = (uint8_t)bits;
		break;
	case AF_INET6:
		memcpy(ih.ih_addr,
		    &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
		bits = mask == NULL ? 128 : prefix_len_bytes(
		    &((const struct sockaddr_in6 *)mask)->sin6_addr, 16);
		ih.ih_prefixlen = (uint8_t)bits;
		break;
	case AF_LINK:
		/* the prefix length is its own, in bits */
		ih.ih_prefixlen = (uint8_t)
		    (((const struct sockaddr_dl *)sa)->sdl_alen * 8);
		memcpy(ih.ih_addr, ((const struct sockaddr_dl *)sa)->sdl_data,
		    ih.ih_prefixlen / 8 < sizeof(ih.ih_addr) ?
		    ih.ih_prefixlen / 8 : sizeof(ih.ih_addr));
		break;
	default:
		break;
	}
	if_history_put(ifp, &ih);
}

/* --- reading -------------------------------------------------------------- */

/* An event in a copy of the store, by its number. */
struct place {
	uint64_t	 pl_seq;
	uint32_t	 pl_at;
};

/* Copy the slots used, at most `max', numbers below `end'; how many. */
static size_t
copy_all(struct ifv_history *hv, struct if_history *buf, struct place *order,
    size_t max, uint64_t end)
{
	const struct if_history *ih;
	uint32_t i = 0;
	size_t n = 0;

	for (bool more = true; more;) {
		kspin_lock(&hv->hv_lock);
		for (unsigned k = 0; k < BATCH && i < hv->hv_fresh; k++, i++) {
			ih = &slot_at(hv, i)->sl_ih;
			if (ih->ih_event == 0 || ih->ih_seq >= end || n == max)
				continue;
			order[n] = (struct place){ ih->ih_seq, (uint32_t)n };
			buf[n++] = *ih;
		}
		more = i < hv->hv_fresh;
		kspin_unlock(&hv->hv_lock);
	}
	return n;
}

/* Heap sort: no memory, and no bad case. */
static void
sift_down(struct place *a, size_t i, size_t n)
{
	struct place x = a[i];
	size_t child;

	while ((child = 2 * i + 1) < n) {
		if (child + 1 < n && a[child + 1].pl_seq > a[child].pl_seq)
			child++;
		if (a[child].pl_seq <= x.pl_seq)
			break;
		a[i] = a[child];
		i = child;
	}
	a[i] = x;
}

static void
sort_places(struct place *a, size_t n)
{
	struct place x;

	for (size_t i = n / 2; i-- > 0;)
		sift_down(a, i, n);
	while (n > 1) {
		x = a[--n];
		a[n] = a[0];
		a[0] = x;
		sift_down(a, 0, n);
	}
}

/* An interface met while the entries are gone through. */
struct seen {
	uint64_t	 se_handle;	/* 0: free */
	uint32_t	 se_count;
	bool		 se_wanted;
};

static struct seen *
seen_find(struct seen *table, size_t mask, uint64_t handle)
{
	size_t pos = khash_u64(handle) & mask;

	while (table[pos].se_handle != 0 && table[pos].se_handle != handle)
		pos = (pos + 1) & mask;
	return &table[pos];
}

static bool
had_name(const struct if_history *ih, const char *name)
{

	return name[0] == '\0' ||
	    strncmp(name, ih->ih_name, IFNAMSIZ) == 0 ||
	    (ih->ih_event == IFHIST_RENAME &&
	    strncmp(name, ih->ih_text, IFNAMSIZ) == 0);
}

/*
 * Mark what is not to be shown with event 0: other interfaces, and what is
 * beyond the last `limit' of each.  An interface is wanted by the name it has
 * and by any that it had.
 */
static void
choose(struct if_history *buf, const struct place *order, size_t n,
    const char *name, uint64_t limit, struct seen *table, size_t mask)
{
	struct if_history *ih;
	struct seen *se;
	size_t i;

	for (i = 0; i < n; i++) {
		ih = &buf[order[i].pl_at];
		se = seen_find(table, mask, ih->ih_handle);
		se->se_handle = ih->ih_handle;
		se->se_wanted |= had_name(ih, name);
	}
	while (n-- > 0) {
		ih = &buf[order[n].pl_at];
		se = seen_find(table, mask, ih->ih_handle);
		if (!se->se_wanted || se->se_count++ >= limit)
			ih->ih_event = 0;
	}
}

int
if_history_get(struct vnet *vn, const char *name,
    int (*fn)(const struct if_history *, void *), void *arg)
{
	struct ifv_history *hv = vn->vn_if->ifv_history;
	struct kern *k = vn->vn_kern;
	struct if_history *buf = NULL, *ih;
	struct place *order = NULL;
	struct seen *table = NULL;
	bool known = name[0] == '\0';
	size_t max, n, size = 16;
	int error = ENOMEM;
	uint64_t end;

	kspin_lock(&hv->hv_lock);
	max = hv->hv_n;
	end = hv->hv_next;
	kspin_unlock(&hv->hv_lock);
	while (size < 2 * max)
		size *= 2;
	buf = kmem_zalloc(k, (max + 1) * sizeof(*buf));
	order = kmem_zalloc(k, (max + 1) * sizeof(*order));
	table = kmem_zalloc(k, size * sizeof(*table));
	if (buf == NULL || order == NULL || table == NULL)
		goto out;
	n = copy_all(hv, buf, order, max, end);
	sort_places(order, n);
	choose(buf, order, n, name, (uint64_t)__atomic_load_n(
	    &vn->vn_if->ifv_history_len, __ATOMIC_RELAXED), table, size - 1);
	error = 0;
	for (size_t i = 0; i < n && error == 0; i++) {
		ih = &buf[order[i].pl_at];
		if (ih->ih_event == 0)
			continue;
		known = true;
		error = fn(ih, arg);
	}
	if (error == 0 && !known)
		error = ESRCH;
out:
	kmem_free(k, buf);
	kmem_free(k, order);
	kmem_free(k, table);
	return error;
}

void
if_history_clear(struct vnet *vn)
{
	struct ifv_history *hv = vn->vn_if->ifv_history;
	unsigned n;
	bool more;

	do {
		kspin_lock(&hv->hv_lock);
		for (n = 0; n < BATCH && hv->hv_n != 0; n++)
			forget(hv, hv->hv_oldest);
		more = hv->hv_n != 0;
		kspin_unlock(&hv->hv_lock);
	} while (more);
}

/* --- the vnet's part ------------------------------------------------------ */

int
if_history_init(struct vnet *vn)
{
	struct ifv_history *hv;

	hv = kmem_zalloc(vn->vn_kern, sizeof(*hv));
	if (hv == NULL)
		return ENOMEM;
	vn->vn_if->ifv_history = hv;
	vn->vn_if->ifv_history_len = IFHIST_DEFAULT;
	return 0;
}

void
if_history_fini(struct vnet *vn)
{
	struct ifv_history *hv = vn->vn_if->ifv_history;

	for (unsigned i = 0; i < NCHUNKS; i++)
		chunk_free(vn->vn_kern, hv->hv_chunk[i],
		    i == 0 ? FIRST : first_of(i));
	kmem_free(vn->vn_kern, hv);
	vn->vn_if->ifv_history = NULL;
}
