/*
 * The life of a tap: opening one on an interface, its end, and that of its
 * interface.
 */

#include "net/bpf_impl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"

#include <errno.h>
#include <string.h>

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
	const char *why;

	if ((bc->bc_dirs & (BPF_IN | BPF_OUT)) == 0 ||
	    (bc->bc_dirs & ~(unsigned)(BPF_IN | BPF_OUT)) != 0 ||
	    bc->bc_snaplen > BPF_SNAPLEN_MAX)
		return kern_refuse(EINVAL, "a capture is of one direction or "
		    "both, and of at most %d bytes of a packet",
		    BPF_SNAPLEN_MAX);
	if (bc->bc_ring != 0 &&
	    (bc->bc_ring < BPF_RING_MIN || bc->bc_ring > BPF_RING_MAX))
		return kern_refuse(EINVAL, "a capture's buffer has %d to %d "
		    "bytes", BPF_RING_MIN, BPF_RING_MAX);
	why = bc->bc_ninsns == 0 ? NULL : bpf_check(bc->bc_prog,
	    bc->bc_ninsns);
	return why == NULL ? 0 : kern_refuse(EINVAL, "the filter's program "
	    "%s", why);
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
		error = if_name_unknown(ifname);
	else {
		error = bpf_dlt(ifp) != bc->bc_dlt ?
		    kern_refuse(EPROTOTYPE, "%s: the filter was made for "
		    "another link type than this interface has", ifname) :
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

	/* No tap can be opened any more: without a list there is none. */
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
