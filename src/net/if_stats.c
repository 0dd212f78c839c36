/*
 * Statistics: the sum of counters over all CPUs, reading and resetting it
 * without losing any, and the record of an interface's data.
 */

#include <errno.h>

#include "net/if_ext_impl.h"
#include "net/if_input_impl.h"
#include "net/if_link_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/ifq_impl.h"

/* The counters at the last reset. */
struct base {
	struct if_counters ba_sum;	/* ba_lock */
	struct kspin	 ba_lock;
};

static const struct if_ext_tenant stats_tenant = {
	.et_id = IF_EXT_STATS,
	.et_size = sizeof(struct base),
	.et_align = _Alignof(struct base),
};

/* The sum over all CPUs. */
static void
sum_all(const struct ifnet *ifp, struct if_counters *sum)
{

	memset(sum, 0, sizeof(*sum));
	if (ifp->if_counters == NULL)
		return;
	for (unsigned c = 0; c < if_kern(ifp)->k_ncpu; c++) {
		const struct if_counters *ic = if_ctr(ifp, c);

		for (int i = 0; i < IF_STAT_MAX; i++)
			sum->ic_stat[i] += __atomic_load_n(&ic->ic_stat[i],
			    __ATOMIC_RELAXED);
		for (int i = 0; i < DROP_NREASONS; i++)
			sum->ic_drop[i] += __atomic_load_n(&ic->ic_drop[i],
			    __ATOMIC_RELAXED);
	}
}

uint64_t
if_stats_sum(const struct ifnet *ifp, enum if_stat stat)
{
	uint64_t n = 0;

	if (ifp->if_counters == NULL)
		return 0;
	for (unsigned c = 0; c < if_kern(ifp)->k_ncpu; c++)
		n += __atomic_load_n(&if_ctr(ifp, c)->ic_stat[stat],
		    __ATOMIC_RELAXED);
	return n;
}

/*
 * The counters since the last reset.  With `reset', which needs the ioctl lock
 * and a base, they are reset at the same moment, so that the next reading
 * begins exactly where this one ends.
 */
static void
sum_since(const struct ifnet *ifp, struct if_counters *since, bool reset)
{
	struct base *ba = if_ext_find(ifp, IF_EXT_STATS);
	struct if_counters sum;

	if (ba == NULL) {
		sum_all(ifp, since);
		return;
	}
	kspin_lock(&ba->ba_lock);
	sum_all(ifp, &sum);
	*since = sum;
	for (int i = 0; i < IF_STAT_MAX; i++)
		since->ic_stat[i] -= ba->ba_sum.ic_stat[i];
	for (int i = 0; i < DROP_NREASONS; i++)
		since->ic_drop[i] -= ba->ba_sum.ic_drop[i];
	if (reset)
		ba->ba_sum = sum;
	kspin_unlock(&ba->ba_lock);
}

/* RFC 2863, section 3.1.13: why it does not pass packets, the nearest reason
 * first. */
uint8_t
if_operstate(const struct ifnet *ifp)
{
	uint8_t why;

	if ((__atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED) & IFF_UP) == 0)
		return IF_OPER_DOWN_ADMIN;
	why = __atomic_load_n(&ifp->if_oper_why, __ATOMIC_RELAXED);
	if (why != 0)
		return why;
	switch (__atomic_load_n(&ifp->if_link_state, __ATOMIC_RELAXED)) {
	case LINK_STATE_DOWN:
		return IF_OPER_DOWN_CARRIER;
	case LINK_STATE_UP:
		return IF_OPER_UP;
	default:
		return IF_OPER_UNKNOWN;
	}
}

static void
fill_queued(struct ifnet *ifp, struct if_data *ifi)
{
	const struct if_ops *ops;
	const struct domain *dom;

	ops = __atomic_load_n(&ifp->if_ops, __ATOMIC_ACQUIRE);
	ifi->ifi_iqueued = if_percpuq_len(ifp);
	ifi->ifi_oqueued = ifq_total(ifp);
	if (ops->oqueued != NULL)
		ifi->ifi_oqueued += ops->oqueued(ifp);
	for (int i = 0; i < DOM_SLOT_MAX; i++) {
		dom = ifp->if_vnet->vn_if->ifv_domain[i];
		if (dom != NULL && dom->dom_iqueued != NULL)
			ifi->ifi_iqueued += dom->dom_iqueued(ifp);
		if (dom != NULL && dom->dom_oqueued != NULL)
			ifi->ifi_oqueued += dom->dom_oqueued(ifp);
	}
}

static void
fill(struct ifnet *ifp, const struct if_counters *sum, struct if_data *ifi)
{
	const uint64_t *s = sum->ic_stat;

	memset(ifi, 0, sizeof(*ifi));
	ifi->ifi_type = ifp->if_type;
	ifi->ifi_addrlen = ifp->if_addrlen;
	ifi->ifi_hdrlen = ifp->if_hdrlen;
	ifi->ifi_link_state = __atomic_load_n(&ifp->if_link_state,
	    __ATOMIC_RELAXED);
	ifi->ifi_oper = if_operstate(ifp);
	ifi->ifi_mtu = __atomic_load_n(&ifp->if_mtu, __ATOMIC_RELAXED);
	ifi->ifi_metric = __atomic_load_n(&ifp->if_metric, __ATOMIC_RELAXED);
	ifi->ifi_baudrate = __atomic_load_n(&ifp->if_baudrate,
	    __ATOMIC_RELAXED);
	ifi->ifi_lastchange_ns = __atomic_load_n(&ifp->if_lastchange_ns,
	    __ATOMIC_RELAXED);
	ifi->ifi_ipackets = s[IF_STAT_IPACKETS];
	ifi->ifi_ibytes = s[IF_STAT_IBYTES];
	ifi->ifi_imcasts = s[IF_STAT_IMCASTS];
	ifi->ifi_ierrors = s[IF_STAT_IERRORS];
	ifi->ifi_opackets = s[IF_STAT_OPACKETS];
	ifi->ifi_obytes = s[IF_STAT_OBYTES];
	ifi->ifi_omcasts = s[IF_STAT_OMCASTS];
	ifi->ifi_oerrors = s[IF_STAT_OERRORS];
	ifi->ifi_collisions = s[IF_STAT_COLLISIONS];
	ifi->ifi_delivered = s[IF_STAT_DELIVERED];
	ifi->ifi_forwarded = s[IF_STAT_FORWARDED];
	ifi->ifi_offered = s[IF_STAT_OFFERED];
	for (int i = 0; i < DROP_NREASONS; i++) {
		/* Nearly all of them, of which no more need be known. */
		if (sum->ic_drop[i] == 0)
			continue;
		if (drop_is_output((enum drop_reason)i))
			ifi->ifi_odrops += sum->ic_drop[i];
		else
			ifi->ifi_idrops += sum->ic_drop[i];
	}
	fill_queued(ifp, ifi);
}

void
if_stats_get(struct ifnet *ifp, struct if_data *ifi)
{
	struct if_counters since;

	sum_since(ifp, &since, false);
	fill(ifp, &since, ifi);
}

int
if_stats_read_reset(struct ifnet *ifp, struct if_data *ifi)
{
	struct if_counters since;

	KASSERT(if_ioctl_locked(ifp));
	if (if_ext_get(ifp, &stats_tenant) == NULL)
		return ENOMEM;
	sum_since(ifp, &since, true);
	fill(ifp, &since, ifi);
	return 0;
}

void
if_stats_drops(struct ifnet *ifp, uint64_t drop[DROP_NREASONS])
{
	struct if_counters since;

	sum_since(ifp, &since, false);
	memcpy(drop, since.ic_drop, sizeof(since.ic_drop));
}

/* Has the CPU counted anything?  Nearly always it has not. */
static bool
has_counted(const struct if_counters *ic)
{
	uint64_t any = ic->ic_iqueued;

	for (int i = 0; i < IF_STAT_MAX; i++)
		any |= ic->ic_stat[i];
	for (int i = 0; i < DROP_NREASONS; i++)
		any |= ic->ic_drop[i];
	return any != 0;
}

void
if_stats_retire(struct ifnet *ifp)
{
	struct if_counters *gone = &ifp->if_vnet->vn_if->ifv_gone, *ic;

	for (unsigned c = 0; c < if_kern(ifp)->k_ncpu; c++) {
		ic = if_ctr(ifp, c);
		/* Untouched memory stays so. */
		if (!has_counted(ic))
			continue;
		ic->ic_iqueued = 0;
		for (int i = 0; i < IF_STAT_MAX; i++) {
			gone->ic_stat[i] += ic->ic_stat[i];
			ic->ic_stat[i] = 0;
		}
		for (int i = 0; i < DROP_NREASONS; i++) {
			gone->ic_drop[i] += ic->ic_drop[i];
			ic->ic_drop[i] = 0;
		}
	}
}
