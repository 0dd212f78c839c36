/*
 * arp_dad: duplicate address detection before an address is used, and its
 * announcement (RFC 5227).
 *
 * An address waits for its next step on a wheel of the vnet's; a step is a
 * probe, the end of the check, or an announcement.  The wheel, IFA_TENTATIVE
 * and IFA_DUPLICATED are under av_annlock; packets and messages are sent after
 * it is released.
 */

#include <stddef.h>

#include "net/if_addr_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/rtsock.h"
#include "netinet/arp_var.h"

/* Steps of one run. */
#define DAD_BATCH	256

enum dad_step { DAD_NOTHING, DAD_PROBE, DAD_ANNOUNCE };

/* --- the wheel; a: held -------------------------------------------------- */

static bool
dad_waits(const struct in_ifaddr *ia)
{

	return ia->ia_probe != 0 || ia->ia_announce != 0;
}

static void
dad_put(struct arp_vnet *av, struct in_ifaddr *ia, uint64_t now, uint64_t ns)
{

	(void)wheel_put(&av->av_annwheel, &ia->ia_annlink, now, ns);
}

/* An address that was taken off the wheel. */
static void
dad_taken(struct in_ifaddr *ia)
{

	ia->ia_kern = if_kern(ia->ia_ifa.ifa_ifp);
}

/* Forget the steps that an address has left. */
static void
dad_stop(struct arp_vnet *av, struct in_ifaddr *ia)
{

	if (!dad_waits(ia))
		return;
	wheel_take(&av->av_annwheel, &ia->ia_annlink);
	dad_taken(ia);
	ia->ia_probe = ia->ia_announce = 0;
}

/* The next address that is due, taken off the wheel, or NULL. */
static struct in_ifaddr *
dad_due(struct arp_vnet *av, uint64_t now)
{
	struct wheel_link *wl = wheel_due(&av->av_annwheel, now);
	struct in_ifaddr *ia;

	if (wl == NULL)
		return NULL;
	ia = (struct in_ifaddr *)((char *)wl - offsetof(struct in_ifaddr,
	    ia_annlink));
	dad_taken(ia);
	return ia;
}

/* a: held.  Set and clear flags of an address; false: it had them so before. */
static bool
dad_flags(struct ifaddr *ifa, uint32_t set, uint32_t clear)
{
	uint16_t old, new;

	old = __atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED);
	do {
		new = (uint16_t)((old | set) & ~clear);
	} while (!__atomic_compare_exchange_n(&ifa->ifa_flags, &old, new, true,
	    __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return old != new;
}

/* --- from outside -------------------------------------------------------- */

static int64_t
dad_count(const struct ifnet *ifp)
{

	return ip_setting(&ifp->if_vnet->vn_ip->iv_dad_count);
}

/* Does the interface use ARP? */
static bool
dad_possible(const struct ifnet *ifp)
{

	return ifp->if_type == IFT_ETHER &&
	    (if_flags_get(ifp) & (IFF_NOARP | IFF_LOOPBACK)) == 0;
}

/* Is the interface ready to check and announce addresses? */
static bool
dad_ready(const struct ifnet *ifp)
{

	return if_do_dad(ifp) && neigh_ifusable(ifp) &&
	    __atomic_load_n(&ifp->if_link_state, __ATOMIC_RELAXED) !=
	    LINK_STATE_DOWN;
}

bool
arp_dad_wanted(const struct ifnet *ifp)
{

	return dad_possible(ifp) && dad_count(ifp) != 0;
}

/* a: held.  A random wait between two times, so that hosts that start together
 * do not probe together. */
static uint64_t
dad_between(struct arp_vnet *av, uint64_t min, uint64_t max)
{

	av->av_annseed += UINT64_C(0x9e3779b97f4a7c15);
	return min + (max - min) * khash_u64(av->av_annseed) / UINT32_MAX;
}

void
arp_announce(struct ifaddr *ifa)
{
	struct ifnet *ifp = ifa->ifa_ifp;
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	struct in_ifaddr *ia = ifatoia(ifa);
	uint64_t now = kern_now(if_kern(ifp));
	bool changed = false;
	uint32_t flags;

	if (ifa->ifa_addr->sa_family != AF_INET)
		return;
	kspin_lock(&av->av_annlock);
	if (!dad_possible(ifp)) {
		/* The address may have been tentative since it was given. */
		changed = dad_flags(ifa, 0, IFA_TENTATIVE | IFA_DUPLICATED);
		goto out;
	}
	flags = __atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED);
	/*
	 * An interface that is not ready announces its addresses when it
	 * becomes so.  The test is under the lock, so that an arp_dad_unready()
	 * that follows sees the result.
	 */
	if (!dad_ready(ifp) || ia->ia_probe != 0 ||
	    (flags & (IFA_DESTROYING | IFA_DUPLICATED)) != 0)
		goto out;
	dad_stop(av, ia);
	if ((flags & IFA_TENTATIVE) != 0 && dad_count(ifp) != 0) {
		ia->ia_probe = (uint8_t)(dad_count(ifp) + 1);
		dad_put(av, ia, now, dad_between(av, 0, ARP_PROBE_WAIT_NS));
	} else {
		changed = dad_flags(ifa, 0, IFA_TENTATIVE);
		ia->ia_announce = ARP_ANNOUNCE_NUM;
		dad_put(av, ia, now, 0);
	}
out:
	kspin_unlock(&av->av_annlock);
	if (changed)
		rt_newaddrmsg(RTM_CHGADDR, ifa);
}

void
arp_dad_unready(struct ifaddr *ifa)
{
	struct ifnet *ifp = ifa->ifa_ifp;
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	bool changed = false, taken;

	if (ifa->ifa_addr->sa_family != AF_INET || !dad_possible(ifp))
		return;
	kspin_lock(&av->av_annlock);
	dad_stop(av, ifatoia(ifa));
	/* The host that had the address may have gone. */
	taken = (__atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED) &
	    IFA_DUPLICATED) != 0;
	if (taken || dad_count(ifp) != 0)
		changed = dad_flags(ifa, IFA_TENTATIVE, IFA_DUPLICATED);
	kspin_unlock(&av->av_annlock);
	if (changed)
		rt_newaddrmsg(RTM_CHGADDR, ifa);
}

void
arp_announce_stop(struct ifaddr *ifa)
{
	struct arp_vnet *av = ifa->ifa_ifp->if_vnet->vn_arp;

	kspin_lock(&av->av_annlock);
	dad_stop(av, ifatoia(ifa));
	kspin_unlock(&av->av_annlock);
}

bool
arp_dad_conflict(struct ifaddr *ifa, const uint8_t *sha)
{
	struct ifnet *ifp = ifa->ifa_ifp;
	struct arp_vnet *av = ifp->if_vnet->vn_arp;
	struct in_ifaddr *ia = ifatoia(ifa);
	char a[16], l[LLADDR_STRSIZE];
	bool usable, lost;

	kspin_lock(&av->av_annlock);
	usable = in_ifa_usable(ifa);
	lost = ia->ia_probe != 0;
	if (lost) {
		dad_stop(av, ia);
		(void)dad_flags(ifa, IFA_DUPLICATED, IFA_TENTATIVE);
	}
	kspin_unlock(&av->av_annlock);
	if (!lost)
		return !usable;
	cpu_stat_add(&ip_stats(ifp->if_vnet)->arps_duplicate, 1);
	if_klog(ifp, KLOG_WARNING, "%s has our address %s: it is not used",
	    lladdr_text(sha, ETHER_ADDR_LEN, l),
	    arp_addr_text(ia->ia_addr.sin_addr.s_addr, a));
	rt_newaddrmsg(RTM_CHGADDR, ifa);
	return true;
}

/* --- the wheel's function ------------------------------------------------ */

/* a: held.  The step to do now for an address that was taken off the wheel;
 * puts it back for the next step. */
static enum dad_step
dad_step(struct arp_vnet *av, struct in_ifaddr *ia, uint64_t now,
    bool *changed)
{

	if (!neigh_ifusable(ia->ia_ifa.ifa_ifp)) {
		/* The address stays tentative; its check starts over when the
		 * interface is ready again. */
		ia->ia_probe = ia->ia_announce = 0;
		return DAD_NOTHING;
	}
	if (ia->ia_probe > 1) {
		ia->ia_probe--;
		dad_put(av, ia, now, ia->ia_probe == 1 ? ARP_ANNOUNCE_WAIT_NS :
		    dad_between(av, ARP_PROBE_MIN_NS, ARP_PROBE_MAX_NS));
		return DAD_PROBE;
	}
	if (ia->ia_probe == 1) {
		ia->ia_probe = 0;
		ia->ia_announce = ARP_ANNOUNCE_NUM;
		*changed = dad_flags(&ia->ia_ifa, 0, IFA_TENTATIVE);
	}
	if (--ia->ia_announce != 0)
		dad_put(av, ia, now, ARP_ANNOUNCE_NS);
	return DAD_ANNOUNCE;
}

/* No lock is held, but CPUs are in a read section, so the address stays
 * valid. */
static void
dad_tell(struct in_ifaddr *ia, enum dad_step step, bool changed)
{
	struct ifnet *ifp = ia->ia_ifa.ifa_ifp;
	struct ip_stats *ips = ip_stats(ifp->if_vnet);
	uint32_t addr = ia->ia_addr.sin_addr.s_addr;

	if (changed)
		rt_newaddrmsg(RTM_CHGADDR, &ia->ia_ifa);
	switch (step) {
	case DAD_PROBE:
		cpu_stat_add(&ips->arps_probe, 1);
		arp_send(ifp, ARP_REQUEST, NULL, NULL, 0, NULL, addr);
		break;
	case DAD_ANNOUNCE:
		cpu_stat_add(&ips->arps_announce, 1);
		arp_send(ifp, ARP_REQUEST, NULL, NULL, addr, NULL, addr);
		break;
	case DAD_NOTHING:
		break;
	}
}

static void
dad_run(void *arg)
{
	struct arp_vnet *av = arg;
	uint64_t now = kern_now(av->av_vnet->vn_kern);
	struct in_ifaddr *ia;
	enum dad_step step;
	bool changed;

	kspin_lock(&av->av_annlock);
	for (unsigned n = 0; n < DAD_BATCH; n++) {
		ia = dad_due(av, now);
		if (ia == NULL)
			break;
		changed = false;
		step = dad_step(av, ia, now, &changed);
		kspin_unlock(&av->av_annlock);
		dad_tell(ia, step, changed);
		kspin_lock(&av->av_annlock);
	}
	wheel_arm(&av->av_annwheel, now);
	kspin_unlock(&av->av_annlock);
}

void
arp_dad_init(struct arp_vnet *av)
{

	host_random(av->av_vnet->vn_kern->k_host, &av->av_annseed,
	    sizeof(av->av_annseed));
	wheel_init(&av->av_annwheel, av->av_vnet->vn_kern, av->av_annlevel,
	    ARP_DAD_LEVELS, ARP_DAD_TICK_NS, dad_run, av);
}

void
arp_dad_fini(struct arp_vnet *av)
{

	wheel_fini(&av->av_annwheel);
}
