/*
 * The table of routes that an interface is bound to (SIOC[GS]IFTABLE).
 *
 * An address, its routes and what is known of its prefix belong to one table.
 * So addresses are taken away before the interface changes tables, and given
 * again behind it: whoever listens is told both.
 */

#include "net/if_ioctl_impl.h"

#include <errno.h>
#include <string.h>

#include "net/domain.h"
#include "net/if_addr_impl.h"
#include "net/if_flags_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "net/rtsock.h"

/* Tries to give an address back, and the time between two, where no caller
 * could be told of a failure: a quarter of a second in all. */
#define MEMORY_TRIES	25
#define MEMORY_WAIT_NS	10000000u

/* An address with all there is to it. */
struct kept {
	const struct domain *ke_dom;
	union {
		struct ifaliasreq in;
		struct in6_aliasreq in6;
	}		 ke_alias;	/* its family's request */
	int16_t		 ke_preference;
};

struct keep {
	struct kept	*kp_list;
	unsigned	 kp_n;
};

static const struct domain *
domain_of(const struct ifaddr *ifa)
{

	return domain_find(ifa->ifa_ifp->if_vnet, ifa->ifa_addr->sa_family);
}

/* i: note the interface's addresses.  ENOMEM. */
static int
keep(struct ifnet *ifp, struct keep *kp)
{
	const struct ifaddr *ifa;
	struct kept *ke;
	unsigned n = 0;
	int error;

	memset(kp, 0, sizeof(*kp));
	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		n += domain_of(ifa) != NULL;
	if (n == 0)
		return 0;
	kp->kp_list = kmem_zalloc(if_kern(ifp), n * sizeof(*kp->kp_list));
	if (kp->kp_list == NULL)
		return ENOMEM;
	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list) {
		if (domain_of(ifa) == NULL)
			continue;
		ke = &kp->kp_list[kp->kp_n++];
		ke->ke_dom = domain_of(ifa);
		/* Both records have the address behind the name. */
		memcpy(&ke->ke_alias.in.ifra_addr, ifa->ifa_addr,
		    domain_of(ifa)->dom_salen);
		ke->ke_preference = ifa->ifa_preference;
		error = ke->ke_dom->dom_ioctl(ifp, ke->ke_dom->dom_alias_get,
		    &ke->ke_alias);
		if (error != 0)
			return error;
	}
	return 0;
}

static int
give_one(struct ifnet *ifp, struct kept *ke)
{
	struct if_addrprefreq pref;
	int error;

	error = ke->ke_dom->dom_ioctl(ifp, ke->ke_dom->dom_alias_give,
	    &ke->ke_alias);
	if (error != 0 || ke->ke_preference == 0)
		return error;
	memset(&pref, 0, sizeof(pref));
	memcpy(&pref.ifap_addr, &ke->ke_alias.in.ifra_addr,
	    ke->ke_dom->dom_salen);
	pref.ifap_preference = ke->ke_preference;
	return ifaddrpref_ioctl(ifp->if_vnet, SIOCSIFADDRPREF, &pref, ifp);
}

/* i: give them again; must: whatever it takes. */
static int
give(struct ifnet *ifp, const struct keep *kp, bool must)
{
	int error = 0;

	for (unsigned i = 0; i < kp->kp_n && (error == 0 || must); i++) {
		error = give_one(ifp, &kp->kp_list[i]);
		for (int n = 0; must && error == ENOMEM && n < MEMORY_TRIES;
		    n++) {
			host_sleep(if_host(ifp), MEMORY_WAIT_NS);
			error = give_one(ifp, &kp->kp_list[i]);
		}
		if (must && error != 0)
			if_klog(ifp, KLOG_ERR, "an address was lost when it "
			    "could not change tables");
	}
	return error;
}

/* i: take them away. */
static void
purge(struct ifnet *ifp)
{
	const struct domain *dom;

	for (int i = 0; i < DOM_SLOT_MAX; i++) {
		dom = ifp->if_vnet->vn_if->ifv_domain[i];
		if (dom != NULL && dom->dom_purgeif != NULL)
			dom->dom_purgeif(ifp);
	}
}

/* i: an address brings an Ethernet up, also one that comes back. */
static void
keep_down(struct ifnet *ifp, uint32_t flags)
{

	if ((flags & IFF_UP) == 0 && (if_flags_get(ifp) & IFF_UP) != 0)
		(void)if_flags_ioctl(ifp, (int)(if_flags_get(ifp) &
		    ~(uint32_t)IFF_UP));
}

/* i: with both tables held, so that each can be gone back to. */
static int
move(struct ifnet *ifp, const struct rt_table *from, const struct rt_table *to)
{
	const uint32_t flags = if_flags_get(ifp);
	struct keep kp;
	int error;

	error = keep(ifp, &kp);
	if (error == 0) {
		purge(ifp);
		error = rt_table_bind(ifp, to->tb_number);
		if (error == 0)
			error = give(ifp, &kp, false);
		if (error != 0) {
			purge(ifp);
			(void)rt_table_bind(ifp, from->tb_number);
			(void)give(ifp, &kp, true);
		}
		keep_down(ifp, flags);
	}
	kmem_free(if_kern(ifp), kp.kp_list);
	return error;
}

int
if_table_set(struct ifnet *ifp, int32_t number)
{
	struct vnet *vn = ifp->if_vnet;
	struct rt_table *from, *to;
	int error;

	if (number < 0 || number > RT_TABLE_MAX)
		return kern_refuse(EINVAL, "a table has a number from 1 to %d; "
		    "0 is the main one", RT_TABLE_MAX);
	if (vn->vn_route == NULL)
		return EOPNOTSUPP;
	if ((if_flags_get(ifp) & IFF_LOOPBACK) != 0 && number != 0 &&
	    ifp->if_unit == 0)
		return kern_refuse(EINVAL, "%s is the main table's: packets of "
		    "this host to itself go through it", ifp->if_xname);
	if ((uint32_t)number == rt_table_number(ifp))
		return 0;
	error = rt_table_hold(vn, rt_table_number(ifp), true, &from);
	if (error != 0)
		return error;
	error = rt_table_hold(vn, (uint32_t)number, true, &to);
	if (error == 0) {
		error = move(ifp, from, to);
		rt_table_drop(to);
	}
	rt_table_drop(from);
	if (error == 0)
		rt_ifmsg(ifp);
	return error;
}
