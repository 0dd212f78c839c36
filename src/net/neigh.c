/*
 * The table of neighbours: making, publishing and removing entries.
 *
 * A sender reads ne_hdr once and copies the bytes; a new address is therefore
 * a new header, and the old one goes behind the readers.
 */

#include "net/neigh.h"

#include <errno.h>

#include "net/if_vnet_impl.h"
#include "net/rtsock.h"

static uint32_t
object_hash(const void *obj)
{
	const struct neigh *ne = obj;

	return neigh_hash(neigh_table_of(ne->ne_ifp->if_vnet), ne->ne_ifp,
	    &ne->ne_addr);
}

static uint32_t
user_hash(const void *obj)
{
	const struct neigh_user *nu = obj;

	return neigh_hash(neigh_table_of(nu->nu_ifp->if_vnet), nu->nu_ifp,
	    &nu->nu_addr);
}

void
neigh_table_init(struct kern *k, struct neigh_table *nt)
{

	nt->nt_lock.ks_locked = 0;
	khash_init(k, &nt->nt_hash, object_hash);
	khash_init(k, &nt->nt_users, user_hash);
	host_random(k->k_host, &nt->nt_seed, sizeof(nt->nt_seed));
}

void
neigh_table_fini(struct neigh_table *nt)
{

	KASSERT(nt->nt_hash.kh_count == 0 && nt->nt_users.kh_count == 0);
	khash_fini(&nt->nt_hash);
	khash_fini(&nt->nt_users);
}

struct neigh *
neigh_create(struct neigh_table *nt, struct ifnet *ifp, uint8_t family,
    const union neigh_addr *na)
{
	struct kern *k = nt->nt_hash.kh_kern;
	struct neigh *ne;

	ne = kmem_zalloc(k, sizeof(*ne));
	if (ne == NULL)
		return NULL;
	ne->ne_kern = k;
	ne->ne_ifp = ifp;
	ne->ne_family = family;
	ne->ne_addr = *na;
	if (khash_insert(&nt->nt_hash, neigh_hash(nt, ifp, na), ne) != 0) {
		kmem_free(k, ne);
		return NULL;
	}
	return ne;
}

struct neigh *
neigh_create4(struct neigh_table *nt, struct ifnet *ifp, uint32_t addr)
{
	union neigh_addr na = neigh_addr4(addr);

	return neigh_create(nt, ifp, AF_INET, &na);
}

static void
free_hdr(struct kern_defer *kd)
{
	struct neigh_hdr *neh = (struct neigh_hdr *)kd;

	kmem_free(neh->neh_kern, neh);
}

/* Give the header to those who want it. */
static void
publish_to_users(const struct neigh *ne, struct neigh_hdr *new)
{
	struct neigh_table *nt = neigh_table_of(ne->ne_ifp->if_vnet);
	struct neigh_user *nu;
	struct khash_iter it;

	if (nt->nt_users.kh_count == 0)
		return;
	for (nu = khash_first(&nt->nt_users, neigh_hash(nt, ne->ne_ifp,
	    &ne->ne_addr), &it); nu != NULL; nu = khash_next(&it))
		if (neigh_is(ne, nu->nu_ifp, nu->nu_family, &nu->nu_addr))
			__atomic_store_n(nu->nu_hdr, new, __ATOMIC_RELEASE);
}

static void
publish(struct neigh *ne, struct neigh_hdr *new)
{
	struct neigh_hdr *old = ne->ne_hdr;

	if (old != NULL && new != NULL)
		new->neh_used = __atomic_load_n(&old->neh_used,
		    __ATOMIC_RELAXED);
	__atomic_store_n(&ne->ne_hdr, new, __ATOMIC_RELEASE);
	publish_to_users(ne, new);
	if (old != NULL)
		kern_defer(old->neh_kern, &old->neh_defer, free_hdr);
}

int
neigh_set(struct neigh *ne, const uint8_t *lladdr)
{
	struct ifnet *ifp = ne->ne_ifp;
	uint64_t src = __atomic_load_n(&ifp->if_lladdr, __ATOMIC_RELAXED);
	uint16_t type = ne->ne_family == AF_INET ? ETHERTYPE_IP :
	    ETHERTYPE_IPV6;
	struct neigh_hdr *neh;

	if (lladdr == NULL) {
		publish(ne, NULL);
		return 0;
	}
	neh = kmem_zalloc(if_kern(ifp), sizeof(*neh));
	if (neh == NULL)
		return ENOMEM;
	neh->neh_kern = if_kern(ifp);
	memcpy(neh->neh_bytes, lladdr, ETHER_ADDR_LEN);
	memcpy(neh->neh_bytes + ETHER_ADDR_LEN, &src, ETHER_ADDR_LEN);
	neh->neh_bytes[12] = (uint8_t)(type >> 8);
	neh->neh_bytes[13] = (uint8_t)type;
	memcpy(ne->ne_lladdr, lladdr, ETHER_ADDR_LEN);
	publish(ne, neh);
	return 0;
}

void
neigh_user_add(struct neigh_table *nt, struct neigh_user *nu)
{
	const struct neigh *ne;

	kspin_lock(&nt->nt_lock);
	if (khash_insert(&nt->nt_users, user_hash(nu), nu) == 0) {
		nu->nu_is_in = true;
		ne = neigh_lookup(nt, nu->nu_ifp, nu->nu_family, &nu->nu_addr);
		if (ne != NULL)
			__atomic_store_n(nu->nu_hdr, ne->ne_hdr,
			    __ATOMIC_RELEASE);
	}
	kspin_unlock(&nt->nt_lock);
}

void
neigh_user_remove(struct neigh_table *nt, struct neigh_user *nu)
{

	kspin_lock(&nt->nt_lock);
	if (nu->nu_is_in)
		khash_remove(&nt->nt_users, user_hash(nu), nu);
	nu->nu_is_in = false;
	kspin_unlock(&nt->nt_lock);
}

static void
free_neigh(struct kern_defer *kd)
{
	struct neigh *ne = (struct neigh *)((char *)kd -
	    offsetof(struct neigh, ne_defer));

	kmem_free(ne->ne_kern, ne);
}

void
neigh_remove(struct neigh_table *nt, struct neigh *ne)
{
	struct ifnet *ifp = ne->ne_ifp;

	KASSERT(ne->ne_hold == NULL);
	__atomic_store_n(&ne->ne_flags, ne->ne_flags | NEIGH_DEAD,
	    __ATOMIC_RELAXED);
	khash_remove(&nt->nt_hash, neigh_hash(nt, ifp, &ne->ne_addr), ne);
	rts_forget(ifp->if_vnet, &ne->ne_rts);
	publish(ne, NULL);
	kern_defer(if_kern(ifp), &ne->ne_defer, free_neigh);
}
