/*
 * Addresses of interfaces: into and out of the interface's list and the
 * tables that lookups use, and their references.
 */

#include "net/if_addr_impl.h"
#include "net/if_attach_impl.h"
#include "net/if_history_impl.h"
#include "net/if_ioctl_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "net/rtsock.h"
#include "proto/prefix.h"

#include <errno.h>

/* --- tables; l: held ----------------------------------------------------- */

static uint32_t
hash_of(const struct ifaddr *ifa, const struct sockaddr *sa)
{

	return ifa_hash(domain_find(ifa->ifa_ifp->if_vnet, sa->sa_family), sa,
	    rt_table_number(ifa->ifa_ifp));
}

static uint32_t
addr_hash(const void *obj)
{
	const struct ifaddr *ifa = obj;

	return hash_of(ifa, ifa->ifa_addr);
}

static uint32_t
dst_hash(const void *obj)
{
	const struct ifaddr *ifa = obj;

	return hash_of(ifa, ifa->ifa_dstaddr);
}

void
ifa_tables_init(struct vnet *vn)
{

	khash_init(vn->vn_kern, &vn->vn_if->ifv_addrs, addr_hash);
	khash_init(vn->vn_kern, &vn->vn_if->ifv_dsts, dst_hash);
}

static void
af_insert(struct if_vnet *ifv, struct protoaddr *pa, const struct domain *dom)
{
	struct protoaddr *first = LIST_FIRST(&ifv->ifv_af[dom->dom_slot]);

	/* By hand: a reader must find the link before the element. */
	LIST_NEXT(pa, pa_aflink) = first;
	pa->pa_aflink.le_prev = &LIST_FIRST(&ifv->ifv_af[dom->dom_slot]);
	if (first != NULL)
		first->pa_aflink.le_prev = &LIST_NEXT(pa, pa_aflink);
	__atomic_store_n(&LIST_FIRST(&ifv->ifv_af[dom->dom_slot]), pa,
	    __ATOMIC_RELEASE);
}

/* --- addresses that share something -------------------------------------- */

static void
chain_begin(struct protoaddr *pa, enum pa_shared sh)
{

	pa->pa_link[sh].pl_next = NULL;
	pa->pa_link[sh].pl_prev = pa;
}

static void
chain_append(struct protoaddr *head, struct protoaddr *pa, enum pa_shared sh)
{
	struct protoaddr *last = head->pa_link[sh].pl_prev;

	pa->pa_link[sh].pl_next = NULL;
	pa->pa_link[sh].pl_prev = last;
	head->pa_link[sh].pl_prev = pa;
	__atomic_store_n(&last->pa_link[sh].pl_next, pa, __ATOMIC_RELEASE);
}

/*
 * Out of it; the caller takes the head itself from the table.  The link forward
 * stays, for readers that are at it.
 */
static void
chain_remove(struct protoaddr *head, struct protoaddr *pa, enum pa_shared sh)
{
	struct protoaddr *next = pa->pa_link[sh].pl_next;
	struct protoaddr *prev = pa->pa_link[sh].pl_prev;

	if (pa != head)
		__atomic_store_n(&prev->pa_link[sh].pl_next, next,
		    __ATOMIC_RELEASE);
	if (next != NULL)
		next->pa_link[sh].pl_prev = prev;
	else if (pa != head)
		head->pa_link[sh].pl_prev = prev;
}

/* The prefixes of the addresses that are in one table with those of an
 * interface. */
static struct if_nets *
nets_of(const struct ifnet *ifp)
{

	return ifp->if_table != NULL ? ifp->if_table->tb_nets :
	    &ifp->if_vnet->vn_if->ifv_nets;
}

/* Note the prefix of an address in it; EINVAL: a netmask with holes. */
static int
set_prefix(struct protoaddr *pa)
{
	const struct ifaddr *ifa = &pa->pa_ifa;
	union sockaddr_any addr, mask;
	int len;

	if (pa->pa_family == AF_INET) {
		memcpy(&addr.sin, ifa->ifa_addr, sizeof(addr.sin));
		memcpy(&mask.sin, ifa->ifa_netmask, sizeof(mask.sin));
		len = prefix_len(ntohl(mask.sin.sin_addr.s_addr));
		pa->pa_net.le_key = ntohl(addr.sin.sin_addr.s_addr &
		    mask.sin.sin_addr.s_addr);
	} else {
		memcpy(&mask.sin6, ifa->ifa_netmask, sizeof(mask.sin6));
		len = prefix_len_bytes(&mask.sin6.sin6_addr,
		    sizeof(mask.sin6.sin6_addr));
	}
	pa->pa_len = (uint8_t)len;
	return len < 0 ? EINVAL : 0;
}

/* Enter the prefix. */
static int
net_insert(struct protoaddr *pa)
{
	struct ifaddr *ifa = &pa->pa_ifa;
	struct if_nets *nets = nets_of(ifa->ifa_ifp);
	struct protoaddr *have;
	struct prefix pf;
	int error;

	pa->pa_family = (uint8_t)ifa->ifa_addr->sa_family;
	if ((pa->pa_family != AF_INET && pa->pa_family != AF_INET6) ||
	    ifa->ifa_netmask == NULL)
		return 0;
	error = set_prefix(pa);
	if (error != 0)
		return error;
	pf = pa_prefix(pa);
	have = if_nets_find(nets, &pf);
	if (have == NULL) {
		chain_begin(pa, PA_NET);
		error = if_nets_insert(nets, pa);
		if (error != 0)
			return error;
	} else
		chain_append(have, pa, PA_NET);
	(void)__atomic_fetch_or(&ifa->ifa_flags, IFA_INNET, __ATOMIC_RELAXED);
	return 0;
}

static void
net_remove(struct protoaddr *pa)
{
	struct if_nets *nets = nets_of(pa->pa_ifa.ifa_ifp);
	struct protoaddr *head, *next = pa->pa_link[PA_NET].pl_next;
	struct prefix pf;

	if ((__atomic_fetch_and(&pa->pa_ifa.ifa_flags, (uint16_t)~IFA_INNET,
	    __ATOMIC_RELAXED) & IFA_INNET) == 0)
		return;
	pf = pa_prefix(pa);
	head = if_nets_find(nets, &pf);
	chain_remove(head, pa, PA_NET);
	if (pa != head)
		return;
	if (next != NULL)
		if_nets_replace(nets, pa, next);
	else
		if_nets_remove(nets, pa);
}

/* Enter the address, or its far end or broadcast address. */
static int
hash_insert(struct khash *kh, struct protoaddr *pa, const struct domain *dom,
    enum pa_shared sh)
{
	uint32_t table = rt_table_number(pa->pa_ifa.ifa_ifp);
	struct protoaddr *head;
	int error = 0;

	head = ifa_sharing(kh, dom, ifa_shared_sa(&pa->pa_ifa, sh), sh, table);
	if (head != NULL)
		chain_append(head, pa, sh);
	else {
		chain_begin(pa, sh);
		error = khash_insert(kh, ifa_hash(dom, ifa_shared_sa(
		    &pa->pa_ifa, sh), table), &pa->pa_ifa);
	}
	return error;
}

static void
hash_remove(struct khash *kh, struct protoaddr *pa, const struct domain *dom,
    enum pa_shared sh)
{
	const struct sockaddr *sa = ifa_shared_sa(&pa->pa_ifa, sh);
	uint32_t table = rt_table_number(pa->pa_ifa.ifa_ifp);
	struct protoaddr *head, *next = pa->pa_link[sh].pl_next;

	head = ifa_sharing(kh, dom, sa, sh, table);
	chain_remove(head, pa, sh);
	if (pa != head)
		return;
	if (next != NULL)
		khash_replace(kh, ifa_hash(dom, sa, table), &pa->pa_ifa,
		    &next->pa_ifa);
	else
		khash_remove(kh, ifa_hash(dom, sa, table), &pa->pa_ifa);
}

static int
dst_insert(struct if_vnet *ifv, struct protoaddr *pa, const struct domain *dom)
{

	return pa->pa_ifa.ifa_dstaddr == NULL ? 0 :
	    hash_insert(&ifv->ifv_dsts, pa, dom, PA_DST);
}

static void
dst_remove(struct if_vnet *ifv, struct protoaddr *pa, const struct domain *dom)
{

	if (pa->pa_ifa.ifa_dstaddr != NULL)
		hash_remove(&ifv->ifv_dsts, pa, dom, PA_DST);
}

static int
tables_insert(struct if_vnet *ifv, struct ifaddr *ifa,
    const struct domain *dom)
{
	int error;

	error = hash_insert(&ifv->ifv_addrs, ifa_proto(ifa), dom, PA_ADDR);
	if (error != 0)
		return error;
	error = dst_insert(ifv, ifa_proto(ifa), dom);
	if (error != 0)
		goto fail;
	error = net_insert(ifa_proto(ifa));
	if (error == 0) {
		af_insert(ifv, ifa_proto(ifa), dom);
		return 0;
	}
	dst_remove(ifv, ifa_proto(ifa), dom);
fail:
	hash_remove(&ifv->ifv_addrs, ifa_proto(ifa), dom, PA_ADDR);
	return error;
}

static void
tables_remove(struct if_vnet *ifv, struct ifaddr *ifa,
    const struct domain *dom)
{

	LIST_REMOVE(ifa_proto(ifa), pa_aflink);
	net_remove(ifa_proto(ifa));
	dst_remove(ifv, ifa_proto(ifa), dom);
	hash_remove(&ifv->ifv_addrs, ifa_proto(ifa), dom, PA_ADDR);
}

/* At the end of the interface's list, for readers that walk forward. */
static void
list_insert(struct ifnet *ifp, struct ifaddr *ifa)
{

	TAILQ_NEXT(ifa, ifa_list) = NULL;
	ifa->ifa_list.tqe_prev = ifp->if_addrlist.tqh_last;
	__atomic_store_n(ifp->if_addrlist.tqh_last, ifa, __ATOMIC_RELEASE);
	__atomic_store_n(&ifp->if_addrlist.tqh_last, &TAILQ_NEXT(ifa, ifa_list),
	    __ATOMIC_RELEASE);
}

/* The address keeps its link forward, for readers that are at it. */
static void
list_remove(struct ifnet *ifp, struct ifaddr *ifa)
{
	struct ifaddr *next = TAILQ_NEXT(ifa, ifa_list);
	struct ifaddr **prev = ifa->ifa_list.tqe_prev;

	if (next != NULL)
		next->ifa_list.tqe_prev = prev;
	else
		__atomic_store_n(&ifp->if_addrlist.tqh_last, prev,
		    __ATOMIC_RELEASE);
	__atomic_store_n(prev, next, __ATOMIC_RELEASE);
}

/* --- insertion and removal ---------------------------------------------- */

int
ifa_insert(struct ifnet *ifp, struct ifaddr *ifa)
{
	struct if_vnet *ifv = ifp->if_vnet->vn_if;
	const struct domain *dom = NULL;
	int error = 0;

	KASSERT(ifp->if_state == IFS_ALLOCATED || if_ioctl_locked(ifp));
	if (ifa->ifa_addr->sa_family != AF_LINK) {
		KASSERT(ifp->if_state == IFS_ATTACHED);
		dom = domain_find(ifp->if_vnet, ifa->ifa_addr->sa_family);
		if (dom == NULL)
			return EAFNOSUPPORT;
	}
	ifa->ifa_ifp = ifp;
	/* Until it is in all tables, lookups pass it by. */
	ifa->ifa_flags |= IFA_INACTIVE | (ifp->if_table != NULL ?
	    IFA_NUMBERED : 0);

	host_mutex_lock(if_host(ifp), &ifv->ifv_lock);
	if (dom != NULL)
		error = tables_insert(ifv, ifa, dom);
	if (error == 0) {
		/* The list's; ifa_remove() drops it, so it needs no note. */
		(void)__atomic_fetch_add(&ifa->ifa_refcnt, 1,
		    __ATOMIC_RELAXED);
		list_insert(ifp, ifa);
		if (!if_is_deactivated(ifp))
			(void)__atomic_fetch_and(&ifa->ifa_flags,
			    (uint16_t)~IFA_INACTIVE, __ATOMIC_RELEASE);
	}
	host_mutex_unlock(if_host(ifp), &ifv->ifv_lock);
	/* Lookups that passed the address by may still be looking at it. */
	if (error != 0)
		pserialize_perform(if_kern(ifp));
	return error;
}

void
ifa_remove(struct ifnet *ifp, struct ifaddr *ifa)
{
	struct if_vnet *ifv = ifp->if_vnet->vn_if;
	const struct domain *dom;

	KASSERT(ifp->if_state == IFS_ALLOCATED || if_ioctl_locked(ifp));
	KASSERT(!ifa_is_destroying(ifa) && ifa->ifa_ifp == ifp);
	dom = domain_find(ifp->if_vnet, ifa->ifa_addr->sa_family);

	host_mutex_lock(if_host(ifp), &ifv->ifv_lock);
	(void)__atomic_fetch_or(&ifa->ifa_flags, IFA_DESTROYING,
	    __ATOMIC_RELEASE);
	if (dom != NULL)
		tables_remove(ifv, ifa, dom);
	list_remove(ifp, ifa);
	host_mutex_unlock(if_host(ifp), &ifv->ifv_lock);

	psref_target_destroy(if_kern(ifp), &ifa->ifa_psref, ifp->if_xname);
	ifa_unref(ifa);
}

void
ifa_remove_left(struct ifnet *ifp, struct ifaddr *ifa)
{

	ifa_ref(ifa);
	ifa_remove(ifp, ifa);
	if (ifa->ifa_addr->sa_family != AF_LINK) {
		if (ifp->if_vnet->vn_route != NULL)
			rt_ifa_gone(ifa);
		if_history_addr(ifp, IFHIST_ADDR_DELETE, ifa);
		rt_newaddrmsg(RTM_DELADDR, ifa);
	}
	ifa_unref(ifa);
}

void
if_purgeaddrs(struct ifnet *ifp, int family, void (*fn)(struct ifaddr *))
{
	struct ifaddr *other = NULL, *ifa;

	KASSERT(if_ioctl_locked(ifp));
	/*
	 * fn may remove more than one of its family; those of others stay, and
	 * the walk goes on behind the last of them that it came by.
	 */
	for (;;) {
		ifa = other == NULL ? TAILQ_FIRST(&ifp->if_addrlist) :
		    TAILQ_NEXT(other, ifa_list);
		if (ifa == NULL)
			return;
		if (ifa->ifa_addr->sa_family != family) {
			other = ifa;
			continue;
		}
		ifa_ref(ifa);
		fn(ifa);
		if (!ifa_is_destroying(ifa)) {
			if_klog(ifp, KLOG_WARNING, "an address of family %d "
			    "was not purged", family);
			ifa_remove_left(ifp, ifa);
		}
		ifa_unref(ifa);
	}
}

/* The driver is told that the interface gets an address. */
int
if_addr_init(struct ifnet *ifp, struct ifaddr *ifa, bool src)
{
	const struct if_ops *ops = ifp->if_ops;
	int error = ENOTTY;

	KASSERT(if_ioctl_locked(ifp));
	if (ops->initaddr != NULL)
		return ops->initaddr(ifp, ifa, src);
	if (ops->ioctl == NULL)
		return ENOTTY;
	if (!src)
		error = ops->ioctl(ifp, SIOCSIFDSTADDR, ifa);
	if (error == ENOTTY)
		error = ops->ioctl(ifp, SIOCINITIFADDR, ifa);
	return error;
}

/* An interface that is down, or hears itself, cannot detect a duplicate. */
int
if_do_dad(const struct ifnet *ifp)
{
	uint32_t flags = if_flags_get(ifp);

	return (flags & (IFF_UP | IFF_RUNNING | IFF_LOOPBACK)) ==
	    (IFF_UP | IFF_RUNNING) && ifp->if_type != IFT_FAITH;
}

int
ifaddrpref_ioctl(struct vnet *vn, unsigned long cmd, void *data,
    struct ifnet *ifp)
{
	struct if_addrprefreq *ifap = data;
	const struct sockaddr *sa = (const struct sockaddr *)&ifap->ifap_addr;
	struct ifaddr *ifa;

	KASSERT(if_ioctl_locked(ifp));
	if (domain_find(vn, sa->sa_family) == NULL)
		return if_sa_refuse(EINVAL, sa->sa_family);
	ifa = ifa_ifp_find(ifp, sa);
	if (ifa == NULL)
		return kern_refuse(EADDRNOTAVAIL, "%s has no such address",
		    ifp->if_xname);
	if (cmd == SIOCSIFADDRPREF) {
		if (ifap->ifap_preference < INT16_MIN ||
		    ifap->ifap_preference > INT16_MAX)
			return kern_refuse(EINVAL, "a preference is from %d "
			    "to %d", INT16_MIN, INT16_MAX);
		__atomic_store_n(&ifa->ifa_preference,
		    (int16_t)ifap->ifap_preference,
		    __ATOMIC_RELAXED);
		/* From now on the choice of a source compares preferences. */
		__atomic_store_n(&vn->vn_if->ifv_preferred, true,
		    __ATOMIC_RELAXED);
	} else
		ifap->ifap_preference = __atomic_load_n(&ifa->ifa_preference,
		    __ATOMIC_RELAXED);
	return 0;
}
