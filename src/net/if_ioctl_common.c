/*
 * Requests that every interface answers.
 */

#include "net/if_flags_impl.h"
#include "net/if_group_impl.h"
#include "net/if_history_impl.h"
#include "net/if_ioctl_impl.h"
#include "net/if_name_impl.h"
#include "net/if_sadl_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "net/rtsock.h"

#include <errno.h>

int
if_mtu_set(struct ifnet *ifp, int32_t mtu)
{
	const struct domain *dom;

	if (mtu < 0 || (uint32_t)mtu < ifp->if_mtu_min ||
	    (uint32_t)mtu > ifp->if_mtu_max)
		return kern_refuse(EINVAL, "the MTU of %s is %u to %u",
		    ifp->if_xname, ifp->if_mtu_min, ifp->if_mtu_max);
	if ((uint32_t)mtu == ifp->if_mtu)
		return 0;
	if_history_event(ifp, IFHIST_MTU, ifp->if_mtu, (uint32_t)mtu);
	__atomic_store_n(&ifp->if_mtu, (uint32_t)mtu, __ATOMIC_RELAXED);
	for (int i = 0; i < DOM_SLOT_MAX; i++) {
		dom = ifp->if_vnet->vn_if->ifv_domain[i];
		if (dom != NULL && dom->dom_if_mtu != NULL)
			dom->dom_if_mtu(ifp);
	}
	rt_ifmsg(ifp);
	return ENETRESET;
}

static int
metric_set(struct ifnet *ifp, int32_t metric)
{

	if (metric < 0)
		return kern_refuse(EINVAL, "a metric is 0 or more");
	if ((uint32_t)metric == ifp->if_metric)
		return 0;
	__atomic_store_n(&ifp->if_metric, (uint32_t)metric, __ATOMIC_RELAXED);
	rt_ifmsg(ifp);
	return 0;
}

static void
drops_get(struct ifnet *ifp, struct ifdropreq *ifdq)
{

	memset(ifdq->ifdq_drop, 0, sizeof(ifdq->ifdq_drop));
	ifdq->ifdq_n = DROP_NREASONS;
	ifdq->ifdq_pad = 0;
	if_stats_drops(ifp, ifdq->ifdq_drop);
}

/* One value of the interface into the record; ENOTTY: no such request. */
static int
value_get(struct ifnet *ifp, unsigned long cmd, struct ifreq *ifr)
{
	union {
		int32_t	 v;
		uint64_t h;
	} val = { .h = 0 };

	switch (cmd) {
	case SIOCGIFFLAGS:
		val.v = (int32_t)__atomic_load_n(&ifp->if_flags,
		    __ATOMIC_RELAXED);
		break;
	case SIOCGIFMETRIC:
		val.v = (int32_t)ifp->if_metric;
		break;
	case SIOCGIFTABLE:
		val.v = (int32_t)rt_table_number(ifp);
		break;
	case SIOCGIFMTU:
		val.v = (int32_t)ifp->if_mtu;
		break;
	case SIOCGIFDLT:
		val.v = (int32_t)ifp->if_dlt;
		break;
	case SIOCGIFINDEX:
		val.h = ifp->if_handle;
		break;
	default:
		return ENOTTY;
	}
	memset(&ifr->ifr_ifru, 0, sizeof(ifr->ifr_ifru));
	memcpy(&ifr->ifr_ifru, &val, sizeof(val));
	return 0;
}

int
ifioctl_common(struct ifnet *ifp, unsigned long cmd, void *data)
{
	struct ifcapreq *ifcr = data;
	struct ifreq *ifr = data;

	KASSERT(if_ioctl_locked(ifp));
	switch (cmd) {
	case SIOCSIFFLAGS:
		return if_flags_ioctl(ifp, ifr->ifr_flags);
	case SIOCSIFMETRIC:
		return metric_set(ifp, ifr->ifr_metric);
	case SIOCSIFTABLE:
		return if_table_set(ifp, ifr->ifr_value);
	case SIOCSIFMTU:
		return if_mtu_set(ifp, ifr->ifr_mtu);
	case SIOCSIFCAP:
		return if_cap_set(ifp, ifcr);
	case SIOCGIFCAP:
		ifcr->ifcr_capabilities = ifp->if_capabilities;
		ifcr->ifcr_capenable = ifp->if_capenable;
		return 0;
	case SIOCGIFDATA:
		if_stats_get(ifp, &((struct ifdatareq *)data)->ifdr_data);
		return 0;
	case SIOCZIFDATA:
		return if_stats_read_reset(ifp,
		    &((struct ifdatareq *)data)->ifdr_data);
	case SIOCGIFDROPS:
		drops_get(ifp, data);
		return 0;
	case SIOCALIFADDR:
	case SIOCGLIFADDR:
	case SIOCDLIFADDR:
		return if_laddr_ioctl(ifp, cmd, data);
	case SIOCAIFGROUP:
	case SIOCDIFGROUP:
		return if_group_ioctl(ifp, cmd, data);
	case SIOCSIFNAME:
		return if_rename(ifp, ifr->ifr_text);
	case SIOCSIFDESCR:
	case SIOCGIFDESCR:
	case SIOCSLINKSTR:
	case SIOCGLINKSTR:
		return if_text_ioctl(ifp, cmd, ifr);
	default:
		return value_get(ifp, cmd, ifr);
	}
}
