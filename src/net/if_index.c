/*
 * The index table: from an index or a handle to the interface in one load,
 * and the giving out of indices, generations and blocks of counters.
 */

#include "net/if_attach_impl.h"
#include "net/if_bitmap.h"
#include "net/if_index_impl.h"
#include "net/if_vnet_impl.h"

#include <errno.h>

#define TABLE_MIN	16

static size_t
table_bytes(unsigned size)
{

	return sizeof(struct if_table) + size * sizeof(struct ifnet *);
}

static void
table_free(struct kern_defer *kd)
{
	struct if_table *it = (struct if_table *)kd;

	kern_table_free(it->it_kern, it, table_bytes(it->it_size));
}

/* Make the table reach `index'.  Readers keep the one they have. */
static int
table_reserve(struct if_vnet *ifv, struct kern *k, unsigned index)
{
	struct if_table *old = ifv->ifv_table, *it;
	unsigned size = old == NULL ? TABLE_MIN : old->it_size;

	if (old != NULL && index < size)
		return 0;
	while (size <= index)
		size *= 2;
	it = kern_table_alloc(k, table_bytes(size));
	if (it == NULL)
		return ENOMEM;
	it->it_kern = k;
	it->it_size = size;
	if (old != NULL)
		memcpy(it->it_ifp, old->it_ifp,
		    old->it_size * sizeof(it->it_ifp[0]));
	__atomic_store_n(&ifv->ifv_table, it, __ATOMIC_RELEASE);
	if (old != NULL)
		kern_defer(k, &old->it_defer, table_free);
	return 0;
}

/* Make the chunk of counters that index belongs to. */
static int
chunk_reserve(struct if_vnet *ifv, struct kern *k, unsigned index)
{
	struct if_counters **chunk;
	unsigned c = index / IF_CTR_CHUNK, n;

	if (c >= ifv->ifv_nchunks) {
		n = ifv->ifv_nchunks == 0 ? 4 : ifv->ifv_nchunks;
		while (n <= c)
			n *= 2;
		chunk = kmem_zalloc(k, n * sizeof(*chunk));
		if (chunk == NULL)
			return ENOMEM;
		for (unsigned i = 0; i < ifv->ifv_nchunks; i++)
			chunk[i] = ifv->ifv_chunk[i];
		kmem_free(k, ifv->ifv_chunk);
		ifv->ifv_chunk = chunk;
		ifv->ifv_nchunks = n;
	}
	if (ifv->ifv_chunk[c] == NULL)
		ifv->ifv_chunk[c] = host_map(k->k_host,
		    ifv->ifv_ctr_stride * k->k_ncpu);
	return ifv->ifv_chunk[c] == NULL ? ENOMEM : 0;
}

/*
 * Give ifp an index, a generation and counters: the next free index after the
 * last one given, then from 1 again.  Not visible yet.
 */
int
if_index_alloc(struct if_vnet *ifv, struct vnet *vn, struct ifnet *ifp)
{
	struct kern *k = vn->vn_kern;
	unsigned limit, index;
	int error;

	limit = (unsigned)__atomic_load_n(&ifv->ifv_limit, __ATOMIC_RELAXED);
	index = if_bitmap_next(&ifv->ifv_used, ifv->ifv_last_index + 1);
	if (index > limit)
		index = if_bitmap_next(&ifv->ifv_used, 1);
	if (index > limit)
		return kern_refuse(ENOSPC, "every interface index is taken "
		    "(sysctl net.link.maxindex is the highest that is "
		    "given)");
	if ((error = table_reserve(ifv, k, index)) != 0 ||
	    (error = chunk_reserve(ifv, k, index)) != 0 ||
	    (error = if_bitmap_set(&ifv->ifv_used, index)) != 0)
		return error;

	ifv->ifv_last_index = index;
	ifp->if_index = index;
	/* Never that of an interface of another vnet either: a vnet can go
	 * and come again by its name. */
	ifp->if_handle = __atomic_add_fetch(&k->k_if_generation, 1,
	    __ATOMIC_RELAXED) << IF_INDEX_BITS | index;
	/* Zero: fresh from the host, or left so by if_stats_retire(). */
	ifp->if_counters = &ifv->ifv_chunk[index / IF_CTR_CHUNK]
	    [index % IF_CTR_CHUNK];
	return 0;
}

void
if_index_publish(struct if_vnet *ifv, struct ifnet *ifp)
{

	__atomic_store_n(&ifv->ifv_table->it_ifp[ifp->if_index], ifp,
	    __ATOMIC_RELEASE);
}

void
if_index_remove(struct if_vnet *ifv, struct ifnet *ifp)
{

	__atomic_store_n(&ifv->ifv_table->it_ifp[ifp->if_index], NULL,
	    __ATOMIC_RELEASE);
}

/* The index may be given again. */
void
if_index_free(struct if_vnet *ifv, struct ifnet *ifp)
{

	KASSERT(if_bitmap_isset(&ifv->ifv_used, ifp->if_index));
	if_bitmap_clear(&ifv->ifv_used, ifp->if_index);
	ifp->if_index = 0;
	ifp->if_handle = 0;
	ifp->if_counters = NULL;
}

void
if_index_init(struct vnet *vn)
{
	struct if_vnet *ifv = vn->vn_if;

	ifv->ifv_limit = IF_LIMIT_DEFAULT;
	/* Whole pages for each CPU, so that no two CPUs write the same one. */
	ifv->ifv_ctr_stride = (IF_CTR_CHUNK * sizeof(struct if_counters) +
	    4095) & ~(size_t)4095;
	if_bitmap_init(vn->vn_kern->k_host, &ifv->ifv_used);
}

void
if_index_fini(struct vnet *vn)
{
	struct if_vnet *ifv = vn->vn_if;
	struct kern *k = vn->vn_kern;

	for (unsigned i = 0; i < ifv->ifv_nchunks; i++)
		if (ifv->ifv_chunk[i] != NULL)
			host_unmap(k->k_host, ifv->ifv_chunk[i],
			    ifv->ifv_ctr_stride * k->k_ncpu);
	kmem_free(k, ifv->ifv_chunk);
	if (ifv->ifv_table != NULL)
		table_free(&ifv->ifv_table->it_defer);
	if_bitmap_fini(&ifv->ifv_used);
}

struct ifnet *
if_byindex(struct vnet *vn, unsigned index)
{
	struct if_table *it;
	struct ifnet *ifp;

	it = __atomic_load_n(&vn->vn_if->ifv_table, __ATOMIC_CONSUME);
	if (it == NULL || index >= it->it_size)
		return NULL;
	ifp = __atomic_load_n(&it->it_ifp[index], __ATOMIC_CONSUME);
	if (ifp == NULL || if_dead(ifp))
		return NULL;
	return ifp;
}

struct ifnet *
if_byhandle(struct vnet *vn, uint64_t handle)
{
	struct ifnet *ifp;

	ifp = if_byindex(vn, if_handle_index(handle));
	return ifp != NULL && ifp->if_handle == handle ? ifp : NULL;
}

struct ifnet *
if_get_byindex_at(struct vnet *vn, unsigned index, struct psref *pr,
    const char *file, int line)
{
	struct ifnet *ifp;

	pserialize_read_enter();
	ifp = if_byindex(vn, index);
	if (ifp != NULL)
		psref_acquire_at(vn->vn_kern, pr, &ifp->if_psref, file, line);
	pserialize_read_exit();
	return ifp;
}

struct ifnet *
if_get_byhandle_at(struct vnet *vn, uint64_t handle, struct psref *pr,
    const char *file, int line)
{
	struct ifnet *ifp;

	pserialize_read_enter();
	ifp = if_byhandle(vn, handle);
	if (ifp != NULL)
		psref_acquire_at(vn->vn_kern, pr, &ifp->if_psref, file, line);
	pserialize_read_exit();
	return ifp;
}
