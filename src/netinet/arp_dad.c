/*
 * arp_dad: duplicate address detection before an address is used, and its
 * announcement (RFC 5227).
 *
 * An address waits for its next step on a wheel of the vnet's, with one
 * callout; a step is a probe, the end of the check, or an announcement.  The
 * wheel, IFA_TENTATIVE and IFA_DUPLICATED are under av_annlock; packets and
 * messages are sent after it is released.
 */

#include <stddef.h>

#include "net/if_addr_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/rtsock.h"
#include "netinet/arp_var.h"

/* Steps of one run of the callout. */
#define DAD_BATCH	256

static void dad_timer(void *);

enum dad_step { DAD_NOTHING, DAD_PROBE, DAD_ANNOUNCE };

/* --- the wheel; a: held -------------------------------------------------- */

static bool
dad_waits(const struct in_ifaddr *ia)
{

	return ia->ia_probe != 0 || ia->ia_announce != 0;
}

static void
dad_arm(struct arp_vnet *av, uint64_t tick, uint64_t now)
{
	uint64_t due = tick * ARP_DAD_TICK_NS;

	av->av_anndue = tick;
	callout_reset(&av->av_anncallout, due > now ? due - now : 0,
	    dad_timer, av);
}

/* Put an address on the wheel, for the first tick that is not too early. */
static void
dad_put(struct arp_vnet *av, struct in_ifaddr *ia, uint64_t now, uint64_t ns)
{
	uint64_t tick = now / ARP_DAD_TICK_NS;

	if (av->av_nann == 0)
		av->av_anntick = tick;
	if (ns != 0)
		tick = (now + ns + ARP_DAD_TICK_NS - 1) / ARP_DAD_TICK_NS;
	LIST_INSERT_HEAD(&av->av_ann[tick % ARP_DAD_WHEEL], ia, ia_annlink);
	if (av->av_nann++ == 0 || tick < av->av_anndue)
		dad_arm(av, tick, now);
}

static void
dad_take(struct arp_vnet *av, struct in_ifaddr *ia)
{

	LIST_REMOVE(ia, ia_annlink);
	ia->ia_kern = if_kern(ia->ia_ifa.ifa_ifp);
	av->av_nann--;
}

/* Forget the steps that an address has left. */
static void
dad_stop(struct arp_vnet *av, struct in_ifaddr *ia)
{

	if (!dad_waits(ia))
		return;
	dad_take(av, ia);
	ia->ia_probe = ia->ia_announce = 0;
}

/* The next address that is due, or NULL. */
static struct in_ifaddr *
dad_due(struct arp_vnet *av, uint64_t now)
{
	uint64_t tick = now / ARP_DAD_TICK_NS;
	struct in_ifaddr *ia;

	if (av->av_nann == 0)
		return NULL;
	for (;; av->av_anntick++) {
		ia = LIST_FIRST(&av->av_ann[av->av_anntick % ARP_DAD_WHEEL]);
		if (ia != NULL || av->av_anntick >= tick)
			return ia;
	}
}

/* Arm the callout for the next address on the wheel. */
static void
dad_arm_next(struct arp_vnet *av, uint64_t now)
{
	uint64_t tick = av->av_anntick;

	if (av->av_nann == 0)
		return;
	while (LIST_EMPTY(&av->av_ann[tick % ARP_DAD_WHEEL]))
		tick++;
	dad_arm(av, tick, now);
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

	return if_do_dad(ifp) && arp_ifusable(ifp) &&
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

/* --- the callout --------------------------------------------------------- */

/* a: held.  The step to do now for an address that was taken off the wheel;
 * puts it back for the next step. */
static enum dad_step
dad_step(struct arp_vnet *av, struct in_ifaddr *ia, uint64_t now,
    bool *changed)
{

	if (!arp_ifusable(ia->ia_ifa.ifa_ifp)) {
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
dad_timer(void *arg)
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
		dad_take(av, ia);
		step = dad_step(av, ia, now, &changed);
		kspin_unlock(&av->av_annlock);
		dad_tell(ia, step, changed);
		kspin_lock(&av->av_annlock);
	}
	dad_arm_next(av, now);
	kspin_unlock(&av->av_annlock);
}

void
arp_dad_init(struct arp_vnet *av)
{

	host_random(av->av_vnet->vn_kern->k_host, &av->av_annseed,
	    sizeof(av->av_annseed));
	for (unsigned i = 0; i < ARP_DAD_WHEEL; i++)
		LIST_INIT(&av->av_ann[i]);
	callout_init(av->av_vnet->vn_kern, &av->av_anncallout);
}

void
arp_dad_fini(struct arp_vnet *av)
{

	KASSERT(av->av_nann == 0);
	callout_halt(&av->av_anncallout);
}
