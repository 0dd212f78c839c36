/*
 * The routing socket: dumps, which are walks with a cursor, so that whoever
 * sends one piece by piece holds nothing in between.
 */

#include "net/rtsock.h"

#include <errno.h>
#include <string.h>

#include "net/domain.h"
#include "net/if_group_impl.h"
#include "net/if_index_impl.h"
#include "net/if_ioctl_impl.h"
#include "net/if_name_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"

#define RTS_OF_IF	(RTS_LINK | RTS_ADDR | RTS_DETAIL)

/* Descriptions of routes that are made at a time. */
#define ROUTES_BYTES	8192u

typedef int dump_fn(const void *, void *);

union rts_msgbuf {
	struct rt_hdr	 mb_hdr;
	struct rt_msg	 mb_rtm;
	struct if_detail_msg mb_ifdm;
	uint8_t		 mb_room[RT_MSG_MAX];
};

/* --- what listings show besides ------------------------------------------ */

/* A part of the message, padded. */
static void
add_part(union rts_msgbuf *mb, const void *data, size_t len)
{
	size_t room = (len + 7) & ~(size_t)7;

	memset(mb->mb_room + mb->mb_hdr.rtm_len, 0, room);
	memcpy(mb->mb_room + mb->mb_hdr.rtm_len, data, len);
	mb->mb_hdr.rtm_len += (uint32_t)room;
}

static uint16_t
add_text(struct ifnet *ifp, unsigned long cmd, union rts_msgbuf *mb)
{
	struct ifreq ifr;
	size_t len;

	memset(&ifr, 0, sizeof(ifr));
	if (if_text_ioctl(ifp, cmd, &ifr) != 0)
		return 0;
	len = strnlen(ifr.ifr_text, IFDESCRSIZE);
	add_part(mb, ifr.ifr_text, len);
	return (uint16_t)len;
}

static unsigned
add_groups(struct ifnet *ifp, unsigned from, size_t room,
    union rts_msgbuf *mb)
{
	char names[RT_MSG_MAX / IFNAMSIZ][IFNAMSIZ];
	unsigned ndefault, n;

	n = if_group_names(ifp, from, names, (unsigned)(room / IFNAMSIZ),
	    &ndefault);
	add_part(mb, names, n * IFNAMSIZ);
	mb->mb_ifdm.ifdm_ngroups = (uint16_t)n;
	mb->mb_ifdm.ifdm_ndefault = (uint16_t)ndefault;
	return n;
}

static void
begin_detail(struct ifnet *ifp, union rts_msgbuf *mb)
{
	struct if_detail_msg *m = &mb->mb_ifdm;

	memset(m, 0, sizeof(*m));
	m->ifdm_h.rtm_len = sizeof(*m);
	m->ifdm_h.rtm_version = RTM_VERSION;
	m->ifdm_h.rtm_type = RTM_IFDETAIL;
	m->ifdm_handle = ifp->if_handle;
	m->ifdm_index = ifp->if_index;
	if_name_copy(ifp, m->ifdm_name);
	m->ifdm_table = rt_table_number(ifp);
	m->ifdm_capabilities = ifp->if_capabilities;
	m->ifdm_capenable = ifp->if_capenable;
}

/* Reasons with a count: into d, how many. */
static unsigned
gather_drops(struct ifnet *ifp, struct if_detail_drop d[DROP_NREASONS])
{
	uint64_t drop[DROP_NREASONS];
	unsigned n = 0;

	if_stats_drops(ifp, drop);
	for (unsigned i = 0; i < DROP_NREASONS; i++)
		if (drop[i] != 0)
			d[n++] = (struct if_detail_drop){
				.ifdd_reason = i, .ifdd_count = drop[i],
			};
	return n;
}

_Static_assert(sizeof(struct if_detail_msg) + 2 * IFDESCRSIZE +
    DROP_NREASONS * sizeof(struct if_detail_drop) + 16 * IFNAMSIZ <=
    RT_MSG_MAX, "a message has room for some groups beside all the rest");

/* i: fn may sleep; what it is given is the interface's at one time. */
static int
dump_detail(struct ifnet *ifp, dump_fn *fn, void *arg)
{
	struct if_detail_drop drops[DROP_NREASONS];
	union rts_msgbuf buf;
	unsigned n, from;
	size_t dropbytes, room;
	int error;

	begin_detail(ifp, &buf);
	buf.mb_ifdm.ifdm_descrlen = add_text(ifp, SIOCGIFDESCR, &buf);
	buf.mb_ifdm.ifdm_linkstrlen = add_text(ifp, SIOCGLINKSTR, &buf);
	buf.mb_ifdm.ifdm_ndrops = (uint16_t)gather_drops(ifp, drops);
	dropbytes = buf.mb_ifdm.ifdm_ndrops * sizeof(drops[0]);
	room = sizeof(buf) - buf.mb_hdr.rtm_len - dropbytes;
	from = n = add_groups(ifp, 0, room, &buf);
	add_part(&buf, drops, dropbytes);
	error = fn(&buf, arg);
	/* One message has room for the groups of nearly every interface. */
	while (error == 0 && n >= room / IFNAMSIZ) {
		begin_detail(ifp, &buf);
		buf.mb_ifdm.ifdm_more = 1;
		room = sizeof(buf) - buf.mb_hdr.rtm_len;
		n = add_groups(ifp, from, room, &buf);
		from += n;
		if (n > 0)
			error = fn(&buf, arg);
	}
	return error;
}

/* --- interfaces ---------------------------------------------------------- */

/* i: which keeps the list still while fn, which may sleep, is given one after
 * the other. */
static int
dump_addrs(struct ifnet *ifp, dump_fn *fn, void *arg)
{
	union rts_msgbuf buf;
	struct ifaddr *ifa;
	int error = 0;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list) {
		/* The active one comes with the interface. */
		if (ifa == ifp->if_dl)
			continue;
		rts_fill_ifa(ifa, RTM_NEWADDR, &buf);
		error = fn(&buf, arg);
		if (error != 0)
			break;
	}
	return error;
}

static int
dump_if(struct ifnet *ifp, unsigned what, dump_fn *fn, void *arg)
{
	union rts_msgbuf buf;
	int error = 0;

	if (what & RTS_LINK) {
		rts_fill_if(ifp, RTM_IFINFO, 0, &buf);
		error = fn(&buf, arg);
	}
	if (error != 0 || (what & (RTS_DETAIL | RTS_ADDR)) == 0)
		return error;
	if_ioctl_lock(ifp);
	if (what & RTS_DETAIL)
		error = dump_detail(ifp, fn, arg);
	if (error == 0 && (what & RTS_ADDR) != 0)
		error = dump_addrs(ifp, fn, arg);
	if_ioctl_unlock(ifp);
	return error;
}

/* --- the walk ------------------------------------------------------------ */

void
rtsock_dump_begin(struct rtsock_cursor *rc, unsigned what, uint64_t handle)
{

	memset(rc, 0, sizeof(*rc));
	rc->rc_what = what;
	rc->rc_handle = handle;
	rc->rc_index = 1;
}

/* The interfaces have been walked. */
static void
finish(struct rtsock_cursor *rc, unsigned kinds)
{

	rc->rc_what &= ~kinds;
	rc->rc_index = 1;
}

/* The next interface of the walk, NULL at the end, which is noted. */
static struct ifnet *
next_if(struct vnet *vn, struct rtsock_cursor *rc, unsigned kinds,
    struct psref *psref)
{
	struct ifnet *ifp;

	if (rc->rc_handle == 0) {
		ifp = if_get_from(vn, &rc->rc_index, psref);
		if (ifp == NULL)
			finish(rc, kinds);
		return ifp;
	}
	/* A dump of one interface: that, once. */
	if (rc->rc_index == 1)
		ifp = if_get_byhandle(vn, rc->rc_handle, psref);
	else
		ifp = NULL;
	if (rc->rc_index++ != 1)
		finish(rc, kinds);
	return ifp;
}

static int
next_interface(struct vnet *vn, struct rtsock_cursor *rc, dump_fn *fn,
    void *arg)
{
	struct psref psref;
	struct ifnet *ifp;
	int error;

	ifp = next_if(vn, rc, RTS_OF_IF, &psref);
	if (ifp == NULL)
		return rc->rc_what & RTS_OF_IF ? ENXIO : 0;
	error = dump_if(ifp, rc->rc_what, fn, arg);
	if_put(ifp, &psref);
	return error;
}

static int
next_routes(struct vnet *vn, struct rtsock_cursor *rc, dump_fn *fn, void *arg)
{
	union {
		struct rt_hdr	 hdr;
		uint8_t		 room[ROUTES_BYTES + RT_MSG_MAX];
	} some;
	const struct rt_msg *rtm;
	size_t len;
	int error = 0;

	len = rt_dump_some(vn, &rc->rc_route, &some, sizeof(some));
	if (len == 0)
		rc->rc_what &= ~RTS_ROUTE;
	for (size_t at = 0; at < len && error == 0; at += rtm->rtm_h.rtm_len) {
		rtm = (const struct rt_msg *)(const void *)(some.room + at);
		if (rc->rc_handle == 0 || rtm->rtm_ifhandle == rc->rc_handle)
			error = fn(rtm, arg);
	}
	return error;
}

/* Some of an interface; ENOENT: it has no more. */
static int
dump_neigh(struct ifnet *ifp, struct rtsock_cursor *rc, dump_fn *fn,
    void *arg)
{
	const struct domain *dom;
	int error = ENOENT;

	while (error == ENOENT && rc->rc_slot < DOM_SLOT_MAX) {
		dom = ifp->if_vnet->vn_if->ifv_domain[rc->rc_slot];
		if (dom != NULL && dom->dom_neigh_dump != NULL)
			error = dom->dom_neigh_dump(ifp, &rc->rc_neigh, fn,
			    arg);
		if (error == ENOENT) {
			rc->rc_slot++;
			rc->rc_neigh = 0;
		}
	}
	return error;
}

static int
next_neigh(struct vnet *vn, struct rtsock_cursor *rc, dump_fn *fn, void *arg)
{
	unsigned again = rc->rc_index;
	struct psref psref;
	struct ifnet *ifp;
	int error;

	ifp = next_if(vn, rc, RTS_NEIGH, &psref);
	if (ifp == NULL && (rc->rc_what & RTS_NEIGH) != 0 &&
	    rc->rc_neigh == 0)
		return ENXIO;
	if (ifp == NULL) {
		rc->rc_what &= ~RTS_NEIGH;	/* it went meanwhile */
		return 0;
	}
	/* By now another interface may have the index: its neighbours are
	 * shown from the same place on. */
	error = dump_neigh(ifp, rc, fn, arg);
	if (error == 0) {
		rc->rc_index = rc->rc_handle != 0 ? again : ifp->if_index;
	} else if (error == ENOENT) {
		rc->rc_slot = 0;
		error = 0;
	}
	if_put(ifp, &psref);
	return error;
}

int
rtsock_dump_next(struct vnet *vn, struct rtsock_cursor *rc, dump_fn *fn,
    void *arg)
{

	if (rc->rc_what & RTS_OF_IF)
		return next_interface(vn, rc, fn, arg);
	if (rc->rc_what & RTS_ROUTE)
		return next_routes(vn, rc, fn, arg);
	return next_neigh(vn, rc, fn, arg);
}

int
rtsock_dump(struct vnet *vn, unsigned what, uint64_t handle, dump_fn *fn,
    void *arg)
{
	struct rtsock_cursor rc;
	int error = 0;

	rtsock_dump_begin(&rc, what, handle);
	while (error == 0 && rc.rc_what != 0)
		error = rtsock_dump_next(vn, &rc, fn, arg);
	return error;
}
