/*
 * nd6_dad: duplicate address detection before an address is used (RFC 4862
 * 5.4), and unsolicited advertisements of addresses (RFC 4861 7.2.6, RFC 9131).
 *
 * An address waits for its next step on a wheel of the vnet's; a step is a
 * probe, the end of the check, or an announcement.  The wheel, IFA_TENTATIVE
 * and IFA_DUPLICATED are under n6_lock; packets and messages are sent after it
 * is released.
 *
 * A probe carries a nonce (RFC 7527): a link that hands our own probes back to
 * us is not another host.
 */

#include <stddef.h>

#include "net/if_addr_impl.h"
#include "net/if_vnet_impl.h"
#include "net/mcast.h"
#include "net/rtsock.h"
#include "netinet6/nd6_impl.h"

/* Steps of one run. */
#define DAD_BATCH	256

enum dad_step { DAD_NOTHING, DAD_PROBE, DAD_DONE, DAD_ANNOUNCE };

static struct nd6_dad *
dad_of(const struct ifaddr *ifa)
{

	return &ifatoia6(ifa)->ia6_dad;
}

/* --- the wheel; a: held -------------------------------------------------- */

static void
dad_put(struct nd6_vnet *n6, struct nd6_dad *nd, uint64_t now, uint64_t ns)
{

	(void)wheel_put(&n6->n6_wheel, &nd->nd_wheel, now, ns);
}

/* Forget the steps that an address has left. */
static void
dad_stop(struct nd6_vnet *n6, struct nd6_dad *nd)
{

	wheel_take(&n6->n6_wheel, &nd->nd_wheel);
	nd->nd_probe = nd->nd_announce = 0;
}

/* The next address that is due, taken off the wheel, or NULL. */
static struct in6_ifaddr *
dad_due(struct nd6_vnet *n6, uint64_t now)
{
	struct wheel_link *wl = wheel_due(&n6->n6_wheel, now);

	return wl == NULL ? NULL : (struct in6_ifaddr *)(void *)((char *)wl -
	    offsetof(struct in6_ifaddr, ia6_dad.nd_wheel));
}

static uint64_t
dad_random(struct nd6_vnet *n6)
{

	n6->n6_seed += UINT64_C(0x9e3779b97f4a7c15);
	return (uint64_t)khash_u64(n6->n6_seed) << 32 |
	    khash_u64(~n6->n6_seed);
}

/* Set and clear flags of an address; false: it had them so before. */
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

	return ip_setting(&ifp->if_vnet->vn_nd6->n6_dad_count);
}

/* Are there neighbours who could have an address? */
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
nd6_dad_wanted(const struct ifnet *ifp)
{

	return dad_possible(ifp) && dad_count(ifp) != 0;
}

void
nd6_announce(struct ifaddr *ifa)
{
	struct ifnet *ifp = ifa->ifa_ifp;
	struct nd6_vnet *n6 = ifp->if_vnet->vn_nd6;
	uint64_t now = kern_now(if_kern(ifp)), word;
	bool changed = false;
	struct nd6_dad *nd;
	uint32_t flags;

	if (ifa->ifa_addr->sa_family != AF_INET6)
		return;
	nd = dad_of(ifa);
	kspin_lock(&n6->n6_lock);
	if (!dad_possible(ifp)) {
		/* The address may have been tentative since it was given. */
		changed = dad_flags(ifa, 0, IFA_TENTATIVE | IFA_DUPLICATED);
		goto out;
	}
	flags = __atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED);
	/* An interface that is not ready announces its addresses when it
	 * becomes so.  The test is under the lock, so that an nd6_dad_unready()
	 * that follows sees the result. */
	if (!dad_ready(ifp) || nd->nd_probe != 0 ||
	    (flags & (IFA_DESTROYING | IFA_DUPLICATED)) != 0)
		goto out;
	dad_stop(n6, nd);
	if ((flags & IFA_TENTATIVE) != 0 && dad_count(ifp) != 0) {
		word = dad_random(n6);
		memcpy(nd->nd_nonce, &word, sizeof(nd->nd_nonce));
		nd->nd_probe = (uint8_t)(dad_count(ifp) + 1);
		dad_put(n6, nd, now, dad_random(n6) % ND6_DAD_WAIT_NS);
	} else {
		changed = dad_flags(ifa, 0, IFA_TENTATIVE);
		nd->nd_announce = 1;
		dad_put(n6, nd, now, 0);
	}
out:
	kspin_unlock(&n6->n6_lock);
	if (changed)
		rt_newaddrmsg(RTM_CHGADDR, ifa);
}

void
nd6_dad_unready(struct ifaddr *ifa)
{
	struct ifnet *ifp = ifa->ifa_ifp;
	struct nd6_vnet *n6 = ifp->if_vnet->vn_nd6;
	bool changed = false, taken, checked;

	if (ifa->ifa_addr->sa_family != AF_INET6 || !dad_possible(ifp))
		return;
	checked = dad_count(ifp) != 0 && (in6_ifa_flags(ifa) &
	    (IN6_IFF_NODAD | IN6_IFF_ANYCAST)) == 0;
	kspin_lock(&n6->n6_lock);
	dad_stop(n6, dad_of(ifa));
	/* The host that had the address may have gone. */
	taken = (__atomic_load_n(&ifa->ifa_flags, __ATOMIC_RELAXED) &
	    IFA_DUPLICATED) != 0;
	if (taken || checked)
		changed = dad_flags(ifa, IFA_TENTATIVE, IFA_DUPLICATED);
	kspin_unlock(&n6->n6_lock);
	if (changed)
		rt_newaddrmsg(RTM_CHGADDR, ifa);
}

void
nd6_dad_stop(struct ifaddr *ifa)
{
	struct nd6_vnet *n6 = ifa->ifa_ifp->if_vnet->vn_nd6;

	if (ifa->ifa_addr->sa_family != AF_INET6)
		return;
	kspin_lock(&n6->n6_lock);
	dad_stop(n6, dad_of(ifa));
	kspin_unlock(&n6->n6_lock);
}

/* Is the message a probe of ours, which came back (RFC 7527 4.1)? */
static bool
is_own_probe(const struct nd6_dad *nd, const struct nd6_msg *nm)
{

	return nm->nm_type == ND6_NS && nm->nm_has_nonce &&
	    memcmp(nm->nm_nonce, nd->nd_nonce, ND6_NONCE_LEN) == 0;
}

bool
nd6_dad_conflict(struct ifaddr *ifa, const struct nd6_msg *nm)
{
	struct ifnet *ifp = ifa->ifa_ifp;
	struct nd6_vnet *n6 = ifp->if_vnet->vn_nd6;
	struct nd6_dad *nd = dad_of(ifa);
	char a[NEIGH_TEXT_SIZE], l[LLADDR_STRSIZE];
	union neigh_addr na = ia6_addr_of(ifa);
	bool own, usable, lost;

	kspin_lock(&n6->n6_lock);
	usable = in6_ifa_usable(ifa);
	own = is_own_probe(nd, nm);
	lost = nd->nd_probe != 0 && !own;
	if (lost) {
		dad_stop(n6, nd);
		(void)dad_flags(ifa, IFA_DUPLICATED, IFA_TENTATIVE);
	}
	kspin_unlock(&n6->n6_lock);
	if (own)
		cpu_stat_add(&ip6_stats(ifp->if_vnet)->nd6s_looped, 1);
	if (!lost)
		return own || !usable;
	cpu_stat_add(&ip6_stats(ifp->if_vnet)->nd6s_duplicate, 1);
	(void)nd6_proto.np_text(&na, a);
	if_klog(ifp, KLOG_WARNING, "%s has our address %s: it is not used",
	    nm->nm_has_lladdr ? lladdr_text(nm->nm_lladdr, ETHER_ADDR_LEN, l) :
	    "another host", a);
	rt_newaddrmsg(RTM_CHGADDR, ifa);
	return true;
}

void
nd6_dad_defend(struct ifaddr *ifa)
{
	struct ifnet *ifp = ifa->ifa_ifp;
	struct nd6_vnet *n6 = ifp->if_vnet->vn_nd6;
	union neigh_addr na = ia6_addr_of(ifa), all = nd6_link_group(ifp, 1);
	uint64_t now = net_curcpu()->ci_now, *last;
	uint8_t own[ETHER_ADDR_LEN];
	char a[NEIGH_TEXT_SIZE];
	bool may;

	last = &n6->n6_defended_ns[neigh_hash(neigh_table_of(ifp->if_vnet),
	    ifp, &na) % ND6_NDEFENDED];
	kspin_lock(&n6->n6_lock);
	may = *last == 0 || now >= *last + ND6_DEFEND_NS;
	if (may)
		*last = now;
	kspin_unlock(&n6->n6_lock);
	if (!may)
		return;
	if_klog(ifp, KLOG_WARNING, "another host also claims our address %s",
	    nd6_proto.np_text(&na, a));
	neigh_own_lladdr(ifp, own);
	cpu_stat_add(&ip6_stats(ifp->if_vnet)->nd6s_announce, 1);
	nd6_send(ifp, ND6_NA, &na, &all, &na, ND6_NA_OVERRIDE, own, NULL);
}

/* --- the wheel's function ------------------------------------------------ */

/* a: held.  The step to do now for an address that was taken off the wheel;
 * puts it back for the next step. */
static enum dad_step
dad_step(struct nd6_vnet *n6, struct in6_ifaddr *ia, uint64_t now)
{
	struct nd6_dad *nd = &ia->ia6_dad;

	if (!neigh_ifusable(ia->ia6_ifa.ifa_ifp)) {
		/* The address stays tentative; its check starts over when the
		 * interface is ready again. */
		nd->nd_probe = nd->nd_announce = 0;
		return DAD_NOTHING;
	}
	if (nd->nd_probe > 1) {
		nd->nd_probe--;
		dad_put(n6, nd, now, ND6_RETRANS_NS);
		return DAD_PROBE;
	}
	if (nd->nd_probe == 1) {
		nd->nd_probe = 0;
		(void)dad_flags(&ia->ia6_ifa, 0, IFA_TENTATIVE);
		return DAD_DONE;
	}
	nd->nd_announce = 0;
	return DAD_ANNOUNCE;
}

/* No lock is held, but CPUs are in a read section, so the address stays
 * valid. */
static void
dad_tell(struct in6_ifaddr *ia, enum dad_step step, const uint8_t *nonce)
{
	struct ifnet *ifp = ia->ia6_ifa.ifa_ifp;
	struct ip6_stats *i6s = ip6_stats(ifp->if_vnet);
	union neigh_addr na = ia6_addr_of(&ia->ia6_ifa), dst;
	uint8_t own[ETHER_ADDR_LEN];

	neigh_own_lladdr(ifp, own);
	switch (step) {
	case DAD_NOTHING:
		break;
	case DAD_PROBE:
		cpu_stat_add(&i6s->nd6s_probe, 1);
		nd6_solicited_group(ifp, &na, &dst);
		mcast_tell_now(ifp, DOM_SLOT_INET6, &dst);
		nd6_send(ifp, ND6_NS, NULL, &dst, &na, 0, NULL, nonce);
		break;
	case DAD_DONE:
		/* Routers learn it in time for the first answers (RFC 9131
		 * 6.1.2); entries that they have are left alone. */
		rt_newaddrmsg(RTM_CHGADDR, &ia->ia6_ifa);
		/* Reports so far were from :: (RFC 3590 4). */
		if (zone6_is_linklocal(na.na_bytes))
			mcast_if_up(ifp, DOM_SLOT_INET6);
		cpu_stat_add(&i6s->nd6s_announce, 1);
		dst = nd6_link_group(ifp, 2);
		nd6_send(ifp, ND6_NA, &na, &dst, &na, 0, own, NULL);
		break;
	case DAD_ANNOUNCE:
		if ((in6_ifa_flags(&ia->ia6_ifa) & IN6_IFF_ANYCAST) != 0)
			break;
		cpu_stat_add(&i6s->nd6s_announce, 1);
		dst = nd6_link_group(ifp, 1);
		nd6_send(ifp, ND6_NA, &na, &dst, &na, ND6_NA_OVERRIDE, own,
		    NULL);
		break;
	}
}

static void
dad_run(void *arg)
{
	struct nd6_vnet *n6 = arg;
	uint64_t now = kern_now(n6->n6_vnet->vn_kern);
	uint8_t nonce[ND6_NONCE_LEN];
	struct in6_ifaddr *ia;
	enum dad_step step;

	kspin_lock(&n6->n6_lock);
	for (unsigned n = 0; n < DAD_BATCH; n++) {
		ia = dad_due(n6, now);
		if (ia == NULL)
			break;
		step = dad_step(n6, ia, now);
		memcpy(nonce, ia->ia6_dad.nd_nonce, sizeof(nonce));
		kspin_unlock(&n6->n6_lock);
		dad_tell(ia, step, nonce);
		kspin_lock(&n6->n6_lock);
	}
	wheel_arm(&n6->n6_wheel, now);
	kspin_unlock(&n6->n6_lock);
}

void
nd6_dad_init(struct nd6_vnet *n6)
{

	host_random(n6->n6_vnet->vn_kern->k_host, &n6->n6_seed,
	    sizeof(n6->n6_seed));
	wheel_init(&n6->n6_wheel, n6->n6_vnet->vn_kern, n6->n6_level,
	    ND6_DAD_LEVELS, ND6_DAD_TICK_NS, dad_run, n6);
}

void
nd6_dad_fini(struct nd6_vnet *n6)
{

	wheel_fini(&n6->n6_wheel);
}
