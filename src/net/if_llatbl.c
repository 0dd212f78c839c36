/*
 * The table of neighbours: making, publishing and removing entries.
 *
 * A sender reads la_hdr once and copies the bytes; a new address is therefore
 * a new header, and the old one goes behind the readers.
 */

#include "net/if_llatbl.h"

#include <errno.h>

#include "net/if_vnet_impl.h"
#include "net/rtsock.h"

static uint32_t
entry_hash(const void *obj)
{
	const struct llentry *la = obj;

	return lla_hash4(la->la_ifp, la->la_addr4);
}

void
lltable_init(struct kern *k, struct lltable *lt)
{

	lt->lt_lock.ks_locked = 0;
	khash_init(k, &lt->lt_hash, entry_hash);
}

void
lltable_fini(struct lltable *lt)
{

	KASSERT(lt->lt_hash.kh_count == 0);
	khash_fini(&lt->lt_hash);
}

struct llentry *
lla_create4(struct lltable *lt, struct ifnet *ifp, uint32_t addr)
{
	struct llentry *la;

	la = kmem_zalloc(lt->lt_hash.kh_kern, sizeof(*la));
	if (la == NULL)
		return NULL;
	la->la_kern = lt->lt_hash.kh_kern;
	la->la_ifp = ifp;
	la->la_addr4 = addr;
	if (khash_insert(&lt->lt_hash, lla_hash4(ifp, addr), la) != 0) {
		kmem_free(lt->lt_hash.kh_kern, la);
		return NULL;
	}
	return la;
}

static void
free_hdr(struct kern_defer *kd)
{
	struct llhdr *lh = (struct llhdr *)kd;

	kmem_free(lh->lh_kern, lh);
}

static void
publish(struct llentry *la, struct llhdr *new)
{
	struct llhdr *old = la->la_hdr;

	__atomic_store_n(&la->la_hdr, new, __ATOMIC_RELEASE);
	if (old != NULL)
		kern_defer(old->lh_kern, &old->lh_defer, free_hdr);
}

int
lla_set(struct llentry *la, const uint8_t *lladdr)
{
	struct ifnet *ifp = la->la_ifp;
	uint64_t src = __atomic_load_n(&ifp->if_lladdr, __ATOMIC_RELAXED);
	struct llhdr *lh;

	if (lladdr == NULL) {
		publish(la, NULL);
		return 0;
	}
	lh = kmem_zalloc(if_kern(ifp), sizeof(*lh));
	if (lh == NULL)
		return ENOMEM;
	lh->lh_kern = if_kern(ifp);
	memcpy(lh->lh_bytes, lladdr, ETHER_ADDR_LEN);
	memcpy(lh->lh_bytes + ETHER_ADDR_LEN, &src, ETHER_ADDR_LEN);
	lh->lh_bytes[12] = ETHERTYPE_IP >> 8;
	lh->lh_bytes[13] = ETHERTYPE_IP & 0xff;
	memcpy(la->la_lladdr, lladdr, ETHER_ADDR_LEN);
	publish(la, lh);
	return 0;
}

static void
free_entry(struct kern_defer *kd)
{
	struct llentry *la = (struct llentry *)((char *)kd -
	    offsetof(struct llentry, la_defer));

	kmem_free(la->la_kern, la);
}

void
lla_remove(struct lltable *lt, struct llentry *la)
{
	struct ifnet *ifp = la->la_ifp;

	KASSERT(la->la_hold == NULL);
	__atomic_store_n(&la->la_flags, la->la_flags | LLE_DEAD,
	    __ATOMIC_RELAXED);
	khash_remove(&lt->lt_hash, lla_hash4(ifp, la->la_addr4), la);
	rts_forget(ifp->if_vnet, &la->la_rts);
	publish(la, NULL);
	kern_defer(if_kern(ifp), &la->la_defer, free_entry);
}
