/*
 * Flags: up and down, the driver's own, promiscuous mode, and groups.
 * if_flags is written in atomic steps, since drivers change theirs from any
 * context.
 */

#include "net/if_attach_impl.h"
#include "net/if_carp_impl.h"
#include "net/if_flags_impl.h"
#include "net/if_history_impl.h"
#include "net/if_ioctl_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "net/ifq_impl.h"
#include "net/rtsock.h"

#include <errno.h>

void
if_flags_modify(struct ifnet *ifp, uint32_t set, uint32_t clear)
{
	uint32_t old, new;

	old = __atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED);
	do {
		new = (old | set) & ~clear;
	} while (new != old && !__atomic_compare_exchange_n(&ifp->if_flags,
	    &old, new, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

void
if_flags_update(struct ifnet *ifp, uint32_t set, uint32_t clear)
{

	if_flags_modify(ifp, set, clear);
}

static uint32_t
flags_now(const struct ifnet *ifp)
{

	return __atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED);
}

/* Packets are freed on a CPU. */
static void
purge_sndq(void *arg)
{

	ifq_purge(arg, DROP_SNDQ_PURGED);
}

static void
tell_domains(struct ifnet *ifp, bool up)
{
	const struct domain *dom;

	for (int i = 0; i < DOM_SLOT_MAX; i++) {
		dom = ifp->if_vnet->vn_if->ifv_domain[i];
		if (dom == NULL)
			continue;
		if (up && dom->dom_if_up != NULL)
			dom->dom_if_up(ifp);
		if (!up && dom->dom_if_down != NULL)
			dom->dom_if_down(ifp);
	}
	rt_if_state(ifp);
}

/* The protocol of each address hears that it does not work (PRC_IFDOWN). */
static void
tell_addresses(struct ifnet *ifp)
{
	const struct domain *dom;
	struct ifaddr *ifa;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list) {
		dom = domain_find(ifp->if_vnet, ifa->ifa_addr->sa_family);
		if (dom != NULL && dom->dom_ifa_down != NULL)
			dom->dom_ifa_down(ifa);
	}
}

/*
 * A transition is told once, to each in this order: addresses (down only),
 * the send queue (down only), CARP, listeners, domains.
 */
void
if_updown_sync(struct ifnet *ifp)
{
	bool up = (flags_now(ifp) & IFF_UP) != 0;

	if (ifp->if_up_told == up)
		return;
	ifp->if_up_told = up;
	__atomic_store_n(&ifp->if_lastchange_ns,
	    host_wallclock(if_host(ifp)), __ATOMIC_RELAXED);
	if (ifp->if_state == IFS_ALLOCATED)
		return;		/* nobody knows it */
	if_history_event(ifp, up ? IFHIST_UP : IFHIST_DOWN, 0, 0);
	if (!up) {
		tell_addresses(ifp);
		if (ifq_total(ifp) != 0)
			kern_xcall(if_kern(ifp), purge_sndq, ifp);
	}
	if_carp_state(ifp);
	rt_ifmsg(ifp);
	tell_domains(ifp, up);
}

void
if_up_locked(struct ifnet *ifp)
{

	KASSERT(if_ioctl_locked(ifp));
	if_flags_modify(ifp, IFF_UP, 0);
	if_updown_sync(ifp);
}

void
if_down_locked(struct ifnet *ifp)
{

	KASSERT(if_ioctl_locked(ifp));
	if_flags_modify(ifp, 0, IFF_UP);
	if_updown_sync(ifp);
}

void
if_up(struct ifnet *ifp)
{
	bool locked = if_ioctl_locked(ifp);

	if (!locked)
		if_ioctl_lock(ifp);
	if_up_locked(ifp);
	if (!locked)
		if_ioctl_unlock(ifp);
}

void
if_down(struct ifnet *ifp)
{
	bool locked = if_ioctl_locked(ifp);

	if (!locked)
		if_ioctl_lock(ifp);
	if_down_locked(ifp);
	if (!locked)
		if_ioctl_unlock(ifp);
}

/*
 * SIOCSIFFLAGS.  The driver is started before the interface is announced as
 * up, and stopped before it is announced as down; if it cannot be started the
 * flags are as before.
 */
int
if_flags_ioctl(struct ifnet *ifp, int flags)
{
	const struct if_ops *ops = ifp->if_ops;
	uint32_t old = flags_now(ifp), new, changed;
	const bool told = ifp->if_up_told;
	bool up;
	int error;

	KASSERT(if_ioctl_locked(ifp));
	new = ((uint32_t)flags & 0xffff & ~(uint32_t)IFF_CANTCHANGE) |
	    (old & IFF_CANTCHANGE);
	changed = old ^ new;
	if_flags_modify(ifp, new & ~old, old & ~new);

	if ((new & IFF_UP) != 0 && (old & IFF_RUNNING) == 0 &&
	    ops->init != NULL) {
		error = ops->init(ifp);
		if (error != 0) {
			if_flags_modify(ifp, old & ~new, new & ~old);
			return error;
		}
	}
	if ((new & IFF_UP) == 0 && (old & IFF_RUNNING) != 0 &&
	    ops->stop != NULL)
		ops->stop(ifp, false);

	/* A driver that went up or down by itself has said all of it. */
	up = (new & IFF_UP) != 0;
	if (ifp->if_up_told != up)
		if_updown_sync(ifp);
	else if (changed != 0 && told == up && ifp->if_state != IFS_ALLOCATED)
		rt_ifmsg(ifp);
	return 0;
}

/*
 * if_flags is to become `flags'.  A driver with no function of its own for
 * that sees SIOCSIFFLAGS, with those flags set already that the request cannot
 * carry.
 */
int
if_flags_set(struct ifnet *ifp, int flags)
{
	const struct if_ops *ops = ifp->if_ops;
	uint32_t old = flags_now(ifp), changed, cant;
	struct ifreq ifr;
	int error;

	KASSERT(if_ioctl_locked(ifp));
	if (ops->setflags != NULL)
		return ops->setflags(ifp, flags);

	changed = old ^ (uint32_t)flags;
	cant = changed & IFF_CANTCHANGE;
	if_flags_modify(ifp, cant & (uint32_t)flags, cant & old);
	/* Not for a driver that is down; it looks when it comes up. */
	if ((old & IFF_UP) == 0 && changed == IFF_PROMISC)
		return 0;
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, ifp->if_xname, IFNAMSIZ);
	ifr.ifr_flags = flags & ~IFF_CANTCHANGE;
	error = ops->ioctl != NULL ? ops->ioctl(ifp, SIOCSIFFLAGS, &ifr) :
	    if_flags_ioctl(ifp, ifr.ifr_flags);
	if (error == ENETRESET)
		error = 0;
	if (error != 0)
		if_flags_modify(ifp, cant & old, cant & (uint32_t)flags);
	return error;
}

static int
promisc_locked(struct ifnet *ifp, bool on)
{
	uint32_t flags = flags_now(ifp);
	int error;

	if (on) {
		if (ifp->if_pcount == UINT16_MAX)
			return kern_refuse(EBUSY, "%u users have made %s "
			    "promiscuous, which is the most there can be",
			    UINT16_MAX, ifp->if_xname);
		if (ifp->if_pcount++ != 0)
			return 0;
		flags |= IFF_PROMISC;
	} else {
		if (ifp->if_pcount == 0)
			return EINVAL;
		if (--ifp->if_pcount != 0)
			return 0;
		flags &= ~(uint32_t)IFF_PROMISC;
	}
	error = if_flags_set(ifp, (int)flags);
	if (error == 0)
		rt_ifmsg(ifp);
	else if (on)
		ifp->if_pcount--;
	else
		ifp->if_pcount++;
	return error;
}

int
ifpromisc(struct ifnet *ifp, bool on)
{
	bool locked = if_ioctl_locked(ifp);
	int error;

	if (!locked)
		if_ioctl_lock(ifp);
	error = promisc_locked(ifp, on);
	if (!locked)
		if_ioctl_unlock(ifp);
	return error;
}

int
if_mcast_op(struct ifnet *ifp, unsigned long cmd, const struct sockaddr *sa)
{
	const struct if_ops *ops = ifp->if_ops;
	struct ifreq ifr;
	int error;

	if (cmd != SIOCADDMULTI && cmd != SIOCDELMULTI)
		return EINVAL;
	if (ops->mcastop != NULL)
		return ops->mcastop(ifp, cmd, sa);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, ifp->if_xname, IFNAMSIZ);
	error = ifreq_setaddr(ifp->if_vnet, &ifr, sa);
	if (error != 0)
		return error;
	return ops->ioctl != NULL ? ops->ioctl(ifp, cmd, &ifr) : ENOTTY;
}
