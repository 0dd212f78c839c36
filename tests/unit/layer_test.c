/*
 * layer_test: the questions and changes of layer_test.h, by the private
 * headers of the layer.
 */

#include "layer_test.h"

#include <stdio.h>
#include <string.h>

#include <ifnet/ifreq.h>
#include <ifnet/kauth.h>
#include <ifnet/kern.h>

#include "kern/reqctx.h"
#include "net/if_addr_impl.h"
#include "net/if_attach_impl.h"
#include "net/if_ext_impl.h"
#include "net/if_index_impl.h"
#include "net/if_input_impl.h"
#include "net/if_name_impl.h"
#include "net/if_sadl_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "net/rtsock.h"

/* --- an interface --------------------------------------------------------- */

int
test_rename(struct ifnet *ifp, const char *name)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	test_name(ifp, ifr.ifr_name);
	(void)snprintf(ifr.ifr_text, sizeof(ifr.ifr_text), "%s", name);
	return ifioctl(ifp->if_vnet, &kauth_cred_self, SIOCSIFNAME, &ifr,
	    sizeof(ifr));
}

void
test_name(const struct ifnet *ifp, char name[IFNAMSIZ])
{

	if_name_copy(ifp, name);
}

bool
test_checks_addresses(const struct ifnet *ifp)
{

	return if_do_dad(ifp) != 0;
}

bool
test_watchdog_armed(const struct ifnet *ifp)
{

	return callout_pending(if_ext_find(ifp, IF_EXT_TIMER));
}

struct ifaddr *
test_find_sadl(struct ifnet *ifp, const uint8_t *addr, unsigned len)
{

	return if_sadl_find(ifp, addr, len);
}

uint32_t
test_rcvq_maxlen(struct ifnet *ifp)
{

	return if_percpuq_maxlen(ifp);
}

int
test_vmove(struct ifnet *ifp, struct vnet *to)
{

	return if_vmove(ifp, to);
}

const struct if_ops *
test_null_ops(void)
{

	return &if_null_ops;
}

const struct iftype_ops *
test_null_typeops(void)
{

	return &if_null_typeops;
}

/* --- addresses ------------------------------------------------------------ */

bool
test_ifa_going(const struct ifaddr *ifa)
{

	return ifa_is_destroying(ifa);
}

struct ifaddr *
test_ifwithaddr(struct vnet *vn, const struct sockaddr *sa)
{

	return ifa_ifwithaddr(vn, sa);
}

struct ifaddr *
test_ifwithnet(struct vnet *vn, const struct sockaddr *sa)
{

	return ifa_ifwithnet(vn, sa);
}

struct ifaddr *
test_ifwithladdr(struct vnet *vn, const struct sockaddr *sa)
{

	return ifa_ifwithladdr(vn, sa);
}

/* --- counters ------------------------------------------------------------- */

struct if_data
test_if_data(struct ifnet *ifp)
{
	struct if_data ifi;

	if_stats_get(ifp, &ifi);
	return ifi;
}

uint64_t
test_if_drops(struct ifnet *ifp, enum drop_reason why)
{
	uint64_t drop[DROP_NREASONS];

	if_stats_drops(ifp, drop);
	return drop[why];
}

void
test_if_books(struct ifnet *ifp)
{
	struct if_data d = test_if_data(ifp);

	KASSERT(d.ifi_ipackets == d.ifi_delivered + d.ifi_forwarded +
	    d.ifi_idrops + d.ifi_iqueued);
	KASSERT(d.ifi_offered == d.ifi_opackets + d.ifi_odrops +
	    d.ifi_oqueued);
}

uint64_t
test_stat(const struct ifnet *ifp, enum if_stat stat)
{

	return if_stats_sum(ifp, stat);
}

uint64_t
test_stat_gone(struct vnet *vn, enum if_stat stat)
{

	return vn->vn_if->ifv_gone.ic_stat[stat];
}

unsigned
test_if_count(struct vnet *vn)
{

	return vn->vn_if->ifv_count;
}

struct books {
	uint64_t	 b_stat[IF_STAT_MAX];
	uint64_t	 b_drop[2];	/* in, out */
};

static void
book(struct books *b, const struct if_counters *ic)
{

	for (int i = 0; i < IF_STAT_MAX; i++)
		b->b_stat[i] += ic->ic_stat[i];
	for (int i = 0; i < DROP_NREASONS; i++)
		b->b_drop[drop_is_output((enum drop_reason)i)] +=
		    ic->ic_drop[i];
}

static int
book_one(struct ifnet *ifp, void *arg)
{

	for (unsigned c = 0; c < if_kern(ifp)->k_ncpu; c++)
		book(arg, if_ctr(ifp, c));
	return 0;
}

void
test_vnet_books(struct vnet *vn)
{
	struct books b;

	memset(&b, 0, sizeof(b));
	KASSERT(if_foreach(vn, book_one, &b) == 0);
	book(&b, &vn->vn_if->ifv_gone);
	KASSERT(b.b_stat[IF_STAT_IPACKETS] > 0);
	KASSERT(b.b_stat[IF_STAT_IPACKETS] == b.b_stat[IF_STAT_DELIVERED] +
	    b.b_stat[IF_STAT_FORWARDED] + b.b_drop[0]);
	KASSERT(b.b_stat[IF_STAT_OFFERED] == b.b_stat[IF_STAT_OPACKETS] +
	    b.b_drop[1]);
}

/* --- routes and announcements --------------------------------------------- */

size_t
test_route_count(struct vnet *vn)
{

	return vn->vn_route->rv_count;
}

static int
leads_to(const void *msg, void *arg)
{
	const struct rt_msg *rtm = msg;

	return rtm->rtm_ifhandle == *(const uint64_t *)arg;
}

bool
test_route_leads_to(struct vnet *vn, uint64_t handle)
{

	return rt_dump(vn, leads_to, &handle) != 0;
}

static int
count_one(const void *msg, void *arg)
{

	(void)msg;
	++*(uint64_t *)arg;
	return 0;
}

int
test_dump_all(struct vnet *vn, uint64_t handle, uint64_t *n)
{

	return rtsock_dump(vn, RTS_ALL, handle, count_one, n);
}

struct rt_listener *
test_listen(struct vnet *vn, size_t queue_bytes)
{
	struct rt_listener *rl;

	KASSERT(rt_listener_open(vn, RTS_ALL | RTS_SNAPSHOT, queue_bytes, NULL,
	    NULL, &rl) == 0);
	return rl;
}

size_t
test_hear(struct rt_listener *rl, void *msg)
{

	return rt_listener_read(rl, msg);
}

void
test_listen_end(struct rt_listener *rl)
{

	rt_listener_close(rl);
}

/* --- requests ------------------------------------------------------------- */

const struct kauth_cred *
test_asker(void)
{

	return kern_asker();
}
