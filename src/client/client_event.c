/*
 * Following changes: messages of the stack become events.
 */

#include "client/client_private.h"
#include "proto/prefix.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ifnet/rtmsg.h>

const char *
ifnet_operstate_text(enum ifnet_operstate state)
{

	switch (state) {
	case IFNET_OPER_UP:
	case IFNET_OPER_UNKNOWN:	/* counts as up, as in JSON */
		return "up";
	case IFNET_OPER_DOWN_ADMIN:
		return "down (administratively)";
	case IFNET_OPER_DOWN_CARRIER:
		return "down (no carrier)";
	case IFNET_OPER_DOWN_LOWER:
		return "down (lower layer)";
	case IFNET_OPER_TESTING:
		return "testing";
	}
	return "unknown";
}

const char *
ifnet_event_text(enum ifnet_event_type type)
{
	static const char *const texts[] = {
		[IFNET_EV_ARRIVAL] = "arrival",
		[IFNET_EV_DEPARTURE] = "departure",
		[IFNET_EV_LINK] = "link",
		[IFNET_EV_ADDR_ADD] = "address added",
		[IFNET_EV_ADDR_DELETE] = "address deleted",
		[IFNET_EV_ADDR_CHANGE] = "address changed",
		[IFNET_EV_ROUTE_ADD] = "route added",
		[IFNET_EV_ROUTE_DELETE] = "route deleted",
		[IFNET_EV_ROUTE_CHANGE] = "route changed",
		[IFNET_EV_NEIGH] = "neighbour",
		[IFNET_EV_NEIGH_DELETE] = "neighbour deleted",
		[IFNET_EV_OVERRUN] = "overrun",
		[IFNET_EV_SNAPSHOT_END] = "end of snapshot",
		[IFNET_EV_RENAME] = "renamed",
	};
	unsigned i = type;

	return i < sizeof(texts) / sizeof(texts[0]) && texts[i] != NULL ?
	    texts[i] : "unknown";
}

/* --- texts --------------------------------------------------------------- */

/* The prefix length of a netmask; -1: it has none. */
static int
mask_length(const struct sockaddr *mask)
{

	if (mask == NULL)
		return -1;
	if (mask->sa_family == AF_INET)
		return prefix_len_bytes(
		    &((const struct sockaddr_in *)mask)->sin_addr, 4);
	if (mask->sa_family == AF_INET6)
		return prefix_len_bytes(
		    &((const struct sockaddr_in6 *)mask)->sin6_addr, 16);
	return -1;
}

static void
link_text(const struct sockaddr_dl *sdl, char *buf, size_t size)
{
	size_t used = 0;
	unsigned i;

	if (sdl->sdl_alen == 0 || sdl->sdl_alen > SDL_DATALEN) {
		(void)snprintf(buf, size, "link#%u", sdl->sdl_index);
		return;
	}
	for (i = 0; i < sdl->sdl_alen && used + 4 <= size; i++)
		used += (size_t)snprintf(buf + used, size - used,
		    i == 0 ? "%02x" : ":%02x", sdl->sdl_data[i]);
}

/* Format an address, with its prefix length unless bits is -1.  NULL: "". */
static void
addr_text(const struct sockaddr *sa, int bits, char *buf, size_t size)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)sa;
	const void *addr = NULL;
	size_t len;

	buf[0] = '\0';
	if (sa == NULL)
		return;
	if (sa->sa_family == AF_LINK) {
		link_text((const struct sockaddr_dl *)sa, buf, size);
		return;
	}
	if (sa->sa_family == AF_INET)
		addr = &((const struct sockaddr_in *)sa)->sin_addr;
	else if (sa->sa_family == AF_INET6)
		addr = &sin6->sin6_addr;
	if (addr == NULL || inet_ntop(sa->sa_family, addr, buf,
	    (socklen_t)size) == NULL) {
		buf[0] = '\0';
		return;
	}
	len = strlen(buf);
	/* The zone by its index, as its name may be another one by now. */
	if (sa->sa_family == AF_INET6 && sin6->sin6_scope_id != 0)
		len += (size_t)snprintf(buf + len, size - len, "%%%u",
		    sin6->sin6_scope_id);
	if (bits >= 0)
		(void)snprintf(buf + len, size - len, "/%d", bits);
}

/* --- from messages to events --------------------------------------------- */

/* Bits of rtm_addrs as indices into what rt_msg_check() found. */
enum {
	AX_DST = 0, AX_GATEWAY = 1, AX_NETMASK = 2, AX_IFA = 5, AX_BRD = 7
};

static void
set_name(struct ifnet_event *ev, const char *name)
{

	memcpy(ev->ifname, name, sizeof(ev->ifname) - 1);
	ev->ifname[sizeof(ev->ifname) - 1] = '\0';
}

static void
from_rename(struct ifnet_event *ev, const struct if_rename_msg *ifrn)
{

	ev->type = IFNET_EV_RENAME;
	ev->handle = ifrn->ifrn_handle;
	set_name(ev, ifrn->ifrn_name);
	memcpy(ev->oldname, ifrn->ifrn_oldname, sizeof(ev->oldname) - 1);
}

static void
from_link(struct ifnet_event *ev, const struct if_msg *ifm)
{

	ev->type = IFNET_EV_LINK;
	if (ifm->ifm_h.rtm_type == RTM_IFANNOUNCE)
		ev->type = ifm->ifm_what == IFAN_ARRIVAL ?
		    IFNET_EV_ARRIVAL : IFNET_EV_DEPARTURE;
	ev->handle = ifm->ifm_handle;
	set_name(ev, ifm->ifm_name);
	ev->link.flags = ifm->ifm_flags;
	ev->link.mtu = ifm->ifm_data.ifi_mtu;
	/* The public constants have the stack's numbers. */
	_Static_assert((int)IFNET_OPER_UP == IF_OPER_UP &&
	    (int)IFNET_OPER_TESTING == IF_OPER_TESTING, "same order");
	ev->link.operstate = ifm->ifm_data.ifi_oper <= IF_OPER_TESTING ?
	    (enum ifnet_operstate)ifm->ifm_data.ifi_oper : IFNET_OPER_UNKNOWN;
}

/* IFNET_ADDR_*, from the flags of the address's family. */
static unsigned
addr_flags(const struct ifa_msg *ifam, const struct sockaddr *sa)
{
	unsigned flags = 0;

	if (sa == NULL || sa->sa_family != AF_INET6)
		return ifam->ifam_flags;
	if ((ifam->ifam_flags & IN6_IFF_TENTATIVE) != 0)
		flags |= IFNET_ADDR_TENTATIVE;
	if ((ifam->ifam_flags & IN6_IFF_DUPLICATED) != 0)
		flags |= IFNET_ADDR_DUPLICATED;
	return flags;
}

static void
from_addr(struct ifnet_event *ev, const struct ifa_msg *ifam,
    const struct sockaddr *const sa[RTAX_MAX])
{

	ev->type = ifam->ifam_h.rtm_type == RTM_NEWADDR ? IFNET_EV_ADDR_ADD :
	    ifam->ifam_h.rtm_type == RTM_DELADDR ? IFNET_EV_ADDR_DELETE :
	    IFNET_EV_ADDR_CHANGE;
	ev->handle = ifam->ifam_handle;
	set_name(ev, ifam->ifam_name);
	ev->addrflags = addr_flags(ifam, sa[AX_IFA]);
	addr_text(sa[AX_IFA], mask_length(sa[AX_NETMASK]), ev->addr,
	    sizeof(ev->addr));
	addr_text(sa[AX_BRD] != NULL ? sa[AX_BRD] : sa[AX_DST], -1, ev->dest,
	    sizeof(ev->dest));
}

static void
from_route(struct ifnet_event *ev, const struct rt_msg *rtm,
    const struct sockaddr *const sa[RTAX_MAX])
{
	int bits = mask_length(sa[AX_NETMASK]);

	ev->handle = rtm->rtm_ifhandle;
	ev->rtflags = rtm->rtm_flags;
	set_name(ev, rtm->rtm_ifname);
	addr_text(sa[AX_GATEWAY], -1, ev->gateway, sizeof(ev->gateway));
	if (rtm->rtm_flags & RTF_LLDATA) {
		ev->type = rtm->rtm_h.rtm_type == RTM_DELETE ?
		    IFNET_EV_NEIGH_DELETE : IFNET_EV_NEIGH;
		addr_text(sa[AX_DST], -1, ev->addr, sizeof(ev->addr));
		return;
	}
	ev->type = rtm->rtm_h.rtm_type == RTM_ADD ? IFNET_EV_ROUTE_ADD :
	    rtm->rtm_h.rtm_type == RTM_DELETE ? IFNET_EV_ROUTE_DELETE :
	    IFNET_EV_ROUTE_CHANGE;
	addr_text(sa[AX_IFA], -1, ev->addr, sizeof(ev->addr));
	if (bits == 0)
		(void)snprintf(ev->dest, sizeof(ev->dest), "default");
	else
		addr_text(sa[AX_DST], rtm->rtm_flags & RTF_HOST ? -1 : bits,
		    ev->dest, sizeof(ev->dest));
}

/* False: a message that is no event. */
static bool
translate(struct ifnet_client *c, const uint8_t *msg, size_t len,
    struct ifnet_event *ev)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct rt_hdr *rh = (const struct rt_hdr *)msg;

	memset(ev, 0, sizeof(*ev));
	memset(sa, 0, sizeof(sa));
	if (rt_msg_check(msg, len, sa) != 0)
		return false;
	ev->seq = rh->rtm_seq;
	ev->time_ns = rh->rtm_time_ns;
	ev->snapshot = c->c_insnapshot;
	ev->msg = msg;
	ev->msglen = len;
	switch (rh->rtm_type) {
	case RTM_IFANNOUNCE:
	case RTM_IFINFO:
		from_link(ev, (const struct if_msg *)msg);
		return true;
	case RTM_IFRENAME:
		from_rename(ev, (const struct if_rename_msg *)msg);
		return true;
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_CHGADDR:
		from_addr(ev, (const struct ifa_msg *)msg, sa);
		return true;
	case RTM_ADD:
	case RTM_DELETE:
	case RTM_CHANGE:
	case RTM_LLINFO_UPD:
		from_route(ev, (const struct rt_msg *)msg, sa);
		return true;
	case RTM_OVERRUN:
		ev->type = IFNET_EV_OVERRUN;
		ev->lost = ((const struct rt_overrun_msg *)msg)->rto_lost;
		ev->snapshot = 0;
		c->c_resync = (c->c_follow & IFNET_SNAPSHOT) != 0;
		return true;
	case RTM_SNAPSHOT_END:
		ev->type = IFNET_EV_SNAPSHOT_END;
		c->c_insnapshot = false;
		return true;
	default:
		return false;
	}
}

/* --- following ----------------------------------------------------------- */

/* Send the request to follow, or send it again: messages of the old request are
 * dropped. */
static int
begin_follow(struct ifnet_client *c, unsigned what, struct ifnet_error *e)
{
	struct ctl_dump cd = { .d_what = what };
	struct client_call cc = {
		.cc_op = CTL_FOLLOW, .cc_what = "follow",
		.cc_part = { { &cd, sizeof(cd) } },
	};
	int error;

	error = client_call_any(c, &cc, e);
	if (error != 0)
		return error;
	c->c_follow = what;
	c->c_follow_seq = c->c_seq;
	c->c_insnapshot = (what & IFNET_SNAPSHOT) != 0;
	c->c_resync = false;
	c->c_evlen = c->c_evoff = 0;
	/* The new listener counts from its own beginning; the client's sequence
	 * goes on. */
	c->c_evbase = c->c_evseq;
	return 0;
}

int
ifnet_follow(struct ifnet_client *c, unsigned what, struct ifnet_error *e)
{

	if (c->c_pinging)
		return ifnet_error_set(e, EBUSY, "this connection pings; "
		    "open a second one to follow changes");
	return begin_follow(c, what, e);
}

/* The next event of the message at hand; false: there is none left. */
static bool
next_in_message(struct ifnet_client *c, struct ifnet_event *ev)
{
	const struct rt_hdr *rh;
	size_t left, step, len;
	const uint8_t *msg;
	const void *fitted;
	int error;

	while (c->c_evlen - c->c_evoff >= sizeof(*rh)) {
		msg = c->c_ev + c->c_evoff;
		left = c->c_evlen - c->c_evoff;
		rh = (const struct rt_hdr *)msg;
		if (rh->rtm_len < sizeof(*rh) || rh->rtm_len > left)
			break;
		step = (rh->rtm_len + 7u) & ~(size_t)7;
		c->c_evoff += step < left ? step : left;
		error = client_fit(c, msg, rh->rtm_len, c->c_fit, &fitted);
		if (error != 0 && error != E2BIG)
			continue;
		len = ((const struct rt_hdr *)fitted)->rtm_len;
		if (translate(c, fitted, len, ev)) {
			ev->seq += c->c_evbase;
			c->c_evseq = ev->seq;
			return true;
		}
	}
	c->c_evlen = c->c_evoff = 0;
	return false;
}

static int
next_event(struct ifnet_client *c, struct ifnet_event *ev, bool limited,
    uint64_t deadline, struct ifnet_error *e)
{
	struct ctl_hdr h;
	size_t len;
	int error;

	if (c->c_follow == 0)
		return ifnet_error_set(e, ENOTCONN, "nothing is followed");
	if (c->c_resync) {
		error = begin_follow(c, c->c_follow, e);
		if (error != 0)
			return error;
	}
	while (!next_in_message(c, ev)) {
		error = client_recv(c, c->c_ev, &h, &len,
		    client_left_ms(deadline, limited), e);
		if (error != 0)
			return error;
		if (!(h.ch_flags & CTL_EVENT) || h.ch_seq != c->c_follow_seq)
			continue;
		if (h.ch_error != 0) {
			c->c_follow = 0;
			return client_error(&h, c->c_ev + sizeof(h),
			    len - sizeof(h), "follow", e);
		}
		c->c_evoff = sizeof(h);
		c->c_evlen = len;
	}
	return 0;
}

int
ifnet_next(struct ifnet_client *c, struct ifnet_event *ev,
    struct ifnet_error *e)
{

	return next_event(c, ev, false, 0, e);
}

int
ifnet_next_timeout(struct ifnet_client *c, int ms, struct ifnet_event *ev,
    struct ifnet_error *e)
{

	if (ms < 0)
		return ifnet_next(c, ev, e);
	return next_event(c, ev, true, client_now_ms() + (unsigned)ms, e);
}
