/*
 * History: what happened to interfaces, and who asked for it.
 *
 * One bounded ring a vnet, so that an idle interface costs nothing: entries
 * have numbers, and the ring is one of chunks, each of which holds CHUNK
 * entries in the order of their numbers.  Memory is taken in control context
 * only, ahead of need; where a change comes from a CPU and there is none, the
 * oldest chunk is used again.  An interface that is gone stays in the ring
 * until it is overwritten.
 */

#include "net/if_impl.h"

#include <errno.h>

#include "kern/asker.h"

#define CHUNK		128u	/* entries of a chunk */
#define NCHUNKS		512u	/* chunks of the ring: 65536 entries */
#define BATCH		64u	/* entries copied under the lock */

/*
 *	h:	hv_lock.  Innermost, but for rtsock's.
 */
struct ifv_history {
	struct kspin	 hv_lock;
	uint64_t	 hv_first, hv_next;	/* h: numbers: the oldest there
						 * is, the next to be given */
	struct if_history *hv_spare;		/* h: a chunk for later, or
						 * NULL */
	struct if_history *hv_chunk[NCHUNKS];	/* h: by number / CHUNK */
};

static inline struct if_history **
slot_of(struct ifv_history *hv, uint64_t seq)
{

	return &hv->hv_chunk[seq / CHUNK % NCHUNKS];
}

/* --- writing -------------------------------------------------------------- */

/* h: have a chunk where the next entry goes; false: there is no memory. */
static bool
make_room(struct ifv_history *hv)
{
	struct if_history **slot = slot_of(hv, hv->hv_next), **oldest;

	if (hv->hv_next % CHUNK != 0)
		return *slot != NULL;
	if (hv->hv_next - hv->hv_first == CHUNK * NCHUNKS) {
		/* This very slot. */
		if_ctr_add(&hv->hv_first, CHUNK);
		return true;
	}
	if (hv->hv_spare != NULL) {
		*slot = hv->hv_spare;
		__atomic_store_n(&hv->hv_spare, NULL, __ATOMIC_RELAXED);
		return true;
	}
	oldest = slot_of(hv, hv->hv_first);
	if (*oldest == NULL)
		return false;
	*slot = *oldest;
	if (slot != oldest)
		*oldest = NULL;
	if_ctr_add(&hv->hv_first, CHUNK);
	return true;
}

/* Control: a chunk for later, if the ring can grow and has none. */
static void
reserve(struct kern *k, struct ifv_history *hv)
{
	struct if_history *chunk;

	if (__atomic_load_n(&hv->hv_spare, __ATOMIC_RELAXED) != NULL ||
	    __atomic_load_n(&hv->hv_next, __ATOMIC_RELAXED) -
	    __atomic_load_n(&hv->hv_first, __ATOMIC_RELAXED) >
	    CHUNK * (NCHUNKS - 1))
		return;
	chunk = kmem_zalloc(k, CHUNK * sizeof(*chunk));
	if (chunk == NULL)
		return;		/* the oldest goes then */
	kspin_lock(&hv->hv_lock);
	if (hv->hv_spare == NULL) {
		__atomic_store_n(&hv->hv_spare, chunk, __ATOMIC_RELAXED);
		chunk = NULL;
	}
	kspin_unlock(&hv->hv_lock);
	kmem_free(k, chunk);
}

static void
fill_asker(struct if_history *ih)
{
	const struct kauth_cred *cred = kern_asker();

	ih->ih_uid = cred == NULL ? 0 : cred->kc_uid;
	ih->ih_pid = cred == NULL ? IFHIST_PID_STACK : cred->kc_pid;
}

void
if_history_put(struct ifnet *ifp, struct if_history *ih)
{
	struct ifv_history *hv = ifp->if_vnet->vn_if->ifv_history;
	struct host *h = if_host(ifp);

	if (__atomic_load_n(&ifp->if_vnet->vn_if->ifv_history_len,
	    __ATOMIC_RELAXED) == 0)
		return;
	if (curcpu() == NULL)
		reserve(if_kern(ifp), hv);
	ih->ih_handle = ifp->if_handle;
	ih->ih_mono_ns = host_clock(h);
	ih->ih_wall_ns = host_wallclock(h);
	if_name_copy(ifp, ih->ih_name);
	fill_asker(ih);

	kspin_lock(&hv->hv_lock);
	if (make_room(hv)) {
		ih->ih_seq = hv->hv_next;
		(*slot_of(hv, hv->hv_next))[hv->hv_next % CHUNK] = *ih;
		__atomic_store_n(&hv->hv_next, hv->hv_next + 1,
		    __ATOMIC_RELAXED);
	}
	kspin_unlock(&hv->hv_lock);
	/* If it was used: the next ones may come from a CPU. */
	if (curcpu() == NULL)
		reserve(if_kern(ifp), hv);
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

static uint8_t
mask_bits(const void *mask, size_t len)
{
	const uint8_t *p = mask;
	unsigned n = 0;

	while (len-- > 0)
		n += (unsigned)__builtin_popcount(*p++);
	return (uint8_t)n;
}

void
if_history_addr(struct ifnet *ifp, enum if_history_event event,
    const struct ifaddr *ifa)
{
	const struct sockaddr *sa = ifa->ifa_addr, *mask = ifa->ifa_netmask;
	struct if_history ih;

	memset(&ih, 0, sizeof(ih));
	ih.ih_event = (uint16_t)event;
	ih.ih_family = (uint8_t)sa->sa_family;
	switch (sa->sa_family) {
	case AF_INET:
		memcpy(ih.ih_addr, &((const struct sockaddr_in *)sa)->sin_addr,
		    4);
		ih.ih_prefixlen = mask == NULL ? 32 : mask_bits(
		    &((const struct sockaddr_in *)mask)->sin_addr, 4);
		break;
	case AF_INET6:
		memcpy(ih.ih_addr,
		    &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
		ih.ih_prefixlen = mask == NULL ? 128 : mask_bits(
		    &((const struct sockaddr_in6 *)mask)->sin6_addr, 16);
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

/* Copy what the ring holds, at most `max' of it, the oldest first; how many. */
static size_t
copy_all(struct ifv_history *hv, struct if_history *buf, size_t max)
{
	uint64_t seq = 0, end = UINT64_MAX;
	size_t n = 0;

	for (bool more = true; more && n < max;) {
		kspin_lock(&hv->hv_lock);
		if (end == UINT64_MAX)
			end = hv->hv_next;
		if (seq < hv->hv_first)
			seq = hv->hv_first;
		for (unsigned i = 0; i < BATCH && seq < end && n < max; i++) {
			buf[n++] = (*slot_of(hv, seq))[seq % CHUNK];
			seq++;
		}
		more = seq < end;
		kspin_unlock(&hv->hv_lock);
	}
	return n;
}

/* What is known of an interface while the entries are gone through. */
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

/*
 * Mark what is not to be shown with event 0: other interfaces, and what is
 * beyond the last `limit' of each.  The newest entry tells an interface's name.
 */
static void
choose(struct if_history *buf, size_t n, const char *name, uint64_t limit,
    struct seen *table, size_t mask)
{
	struct seen *se;

	while (n-- > 0) {
		se = seen_find(table, mask, buf[n].ih_handle);
		if (se->se_handle == 0) {
			se->se_handle = buf[n].ih_handle;
			se->se_wanted = name[0] == '\0' ||
			    strncmp(name, buf[n].ih_name, IFNAMSIZ) == 0;
		}
		if (!se->se_wanted || se->se_count++ >= limit)
			buf[n].ih_event = 0;
	}
}

int
if_history_get(struct vnet *vn, const char *name,
    int (*fn)(const struct if_history *, void *), void *arg)
{
	struct ifv_history *hv = vn->vn_if->ifv_history;
	struct kern *k = vn->vn_kern;
	struct if_history *buf = NULL;
	struct seen *table = NULL;
	size_t max, n, size = 16;
	bool known = name[0] == '\0';
	int error = ENOMEM;

	kspin_lock(&hv->hv_lock);
	max = (size_t)(hv->hv_next - hv->hv_first);
	kspin_unlock(&hv->hv_lock);
	while (size < 2 * max)
		size *= 2;
	buf = kmem_zalloc(k, (max + 1) * sizeof(*buf));
	table = kmem_zalloc(k, size * sizeof(*table));
	if (buf == NULL || table == NULL)
		goto out;
	n = copy_all(hv, buf, max);
	choose(buf, n, name, (uint64_t)__atomic_load_n(
	    &vn->vn_if->ifv_history_len, __ATOMIC_RELAXED), table, size - 1);
	error = 0;
	for (size_t i = 0; i < n && error == 0; i++) {
		if (buf[i].ih_event == 0)
			continue;
		known = true;
		error = fn(&buf[i], arg);
	}
	if (error == 0 && !known)
		error = ESRCH;
out:
	kmem_free(k, buf);
	kmem_free(k, table);
	return error;
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
		kmem_free(vn->vn_kern, hv->hv_chunk[i]);
	kmem_free(vn->vn_kern, hv->hv_spare);
	kmem_free(vn->vn_kern, hv);
	vn->vn_if->ifv_history = NULL;
}
