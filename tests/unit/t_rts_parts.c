/*
 * Addresses and the routes that are part of them, which share what the routing
 * socket keeps: they come, go, are changed into routes of their own and go with
 * their address, while listeners of each kind are anywhere in their snapshots.
 * Whoever applies the messages one by one never adds what is there nor deletes
 * what is not, and ends with what there is.
 */

#include "net_test.h"

#include <stdio.h>

#include "net/if_addr_give.h"	/* under test */

union msgbuf {
	struct rt_hdr	 mb_hdr;
	struct rt_msg	 mb_rtm;
	uint8_t		 mb_room[RT_MSG_MAX];
};

/* Which address after 10.0.0.0 the message has in a place. */
static unsigned
answer_addr(const union msgbuf *mb, unsigned i)
{
	const struct sockaddr *sa[RTAX_MAX];

	KASSERT(rt_msg_check(mb, mb->mb_hdr.rtm_len, sa) == 0);
	KASSERT(sa[i] != NULL);
	return test_addr_minus(sa[i], "10.0.0.0");
}

#define NADDRS		4
#define NPARTS		(1 + RT_NOWN)	/* the address itself, then routes */
#define NFOLLOW		6

/* Per part: 0 when it is not there, else its MTU plus 1. */
struct parts {
	uint32_t	 ps_have[NADDRS][NPARTS];
};

struct follower {
	struct rt_listener *fo_l;
	unsigned	 fo_what;
	uint64_t	 fo_seq;
	bool		 fo_ended;
	struct parts	 fo_parts;
};

static struct {
	struct vnet	*pt_vn;
	struct ifnet	*pt_ifp;
	struct ifaddr	*pt_ifa[NADDRS];
	struct parts	 pt_truth;
	struct follower	 pt_follower[NFOLLOW];
	uint32_t	 pt_random;
} parts;

static uint32_t
parts_random(uint32_t n)
{

	parts.pt_random = parts.pt_random * 1664525 + 1013904223;
	return (parts.pt_random >> 8) % n;
}

static unsigned
part_addr(unsigned i, unsigned part)
{
	static const uint8_t last[NPARTS] = { 1, [1 + RT_OWN_LOCAL] = 1,
	    [1 + RT_OWN_NET] = 0, [1 + RT_OWN_BROADCAST] = 255 };

	return (i << 8) + last[part];
}

/* Which address and which part of it a message is about. */
static uint32_t *
part_of(struct parts *ps, const union msgbuf *mb, bool addr)
{
	unsigned a = answer_addr(mb, addr ? 5 : 0), i = a >> 8 & 0xff;

	KASSERT(i < NADDRS);
	for (unsigned part = addr ? 0 : 1; part < NPARTS; part++)
		if (part_addr(i, part) == a)
			return &ps->ps_have[i][part];
	KASSERT(!"a message about something else");
	return NULL;
}

static void
follower_apply(struct follower *fo, const union msgbuf *mb)
{
	uint8_t type = mb->mb_hdr.rtm_type;
	bool addr = type == RTM_NEWADDR || type == RTM_DELADDR;
	uint32_t *have;

	KASSERT(mb->mb_hdr.rtm_seq == ++fo->fo_seq);
	if (type == RTM_SNAPSHOT_END) {
		KASSERT(!fo->fo_ended);
		fo->fo_ended = true;
		return;
	}
	if (type == RTM_IFINFO) {
		KASSERT(fo->fo_what & RTS_LINK);
		return;
	}
	KASSERT(fo->fo_what & (addr ? RTS_ADDR : RTS_ROUTE));
	have = part_of(&fo->fo_parts, mb, addr);
	switch (type) {
	case RTM_NEWADDR:
	case RTM_ADD:
		KASSERT(*have == 0);
		*have = addr ? 1 : mb->mb_rtm.rtm_mtu + 1;
		break;
	case RTM_CHANGE:
		KASSERT(*have != 0 && fo->fo_ended);
		*have = mb->mb_rtm.rtm_mtu + 1;
		break;
	default:
		KASSERT(*have != 0 && fo->fo_ended);
		*have = 0;
		break;
	}
}

static void
follower_read(struct follower *fo, unsigned max)
{
	union msgbuf mb;

	for (unsigned n = 0; fo->fo_l != NULL && n < max &&
	    rt_listener_read(fo->fo_l, &mb) != 0; n++)
		follower_apply(fo, &mb);
}

/* The rest: it has seen what is there, and no more. */
static void
follower_close(struct follower *fo)
{
	uint32_t want;

	if (fo->fo_l == NULL)
		return;
	follower_read(fo, UINT32_MAX);
	KASSERT(fo->fo_ended);
	for (unsigned i = 0; i < NADDRS; i++)
		for (unsigned part = 0; part < NPARTS; part++) {
			want = (fo->fo_what & (part == 0 ? RTS_ADDR :
			    RTS_ROUTE)) != 0 ?
			    parts.pt_truth.ps_have[i][part] : 0;
			KASSERT(fo->fo_parts.ps_have[i][part] == want);
		}
	rt_listener_close(fo->fo_l);
	memset(fo, 0, sizeof(*fo));
}

static void
follower_open(struct follower *fo)
{
	static const unsigned what[] = { RTS_ALL, RTS_ROUTE, RTS_ADDR,
	    RTS_ROUTE | RTS_ADDR };

	follower_close(fo);
	fo->fo_what = what[parts_random(4)];
	KASSERT(rt_listener_open(parts.pt_vn, fo->fo_what | RTS_SNAPSHOT,
	    1 << 20, NULL, NULL, &fo->fo_l) == 0);
}

/* The address comes or goes, and its routes with it. */
static void
parts_toggle(unsigned i)
{
	char text[16];

	if (parts.pt_ifa[i] == NULL) {
		(void)snprintf(text, sizeof(text), "10.0.%u.1", i);
		parts.pt_ifa[i] = ifatest_add(parts.pt_ifp, text, 24);
		return;
	}
	if (parts.pt_truth.ps_have[i][0] == 0)
		ifatest_remove(parts.pt_ifa[i]);
	else {
		ifatest_remove(parts.pt_ifa[i]);
		rt_newaddrmsg(RTM_DELADDR, parts.pt_ifa[i]);
	}
	parts.pt_ifa[i] = NULL;
	memset(parts.pt_truth.ps_have[i], 0,
	    sizeof(parts.pt_truth.ps_have[i]));
}

static void
parts_route(unsigned i, unsigned part)
{
	uint32_t *have = &parts.pt_truth.ps_have[i][part];
	static const uint32_t flags[] = { RTF_LOCAL, RTF_CONNECTED,
	    RTF_BROADCAST };
	struct rt_info ri = { .ri_len = 32, .ri_flags = flags[part - 1] };
	struct prefix pf;

	test_route_to_plus(&ri, "10.0.0.0", part_addr(i, part));
	if (part == 1 + RT_OWN_NET)
		ri.ri_len = 24;
	if (*have == 0) {
		ri.ri_ifp = parts.pt_ifp;
		ri.ri_ifa = parts.pt_ifa[i];
		KASSERT(rt_add(parts.pt_vn, &ri) == 0);
		*have = 1;
	} else if (parts_random(2) == 0) {
		/* A route that was changed makes room for the address's
		 * own. */
		pf = rt_info_prefix(&ri);
		KASSERT(rt_delete(parts.pt_vn, &ri) == 0);
		*have = *have > 1 && ifa_brings(parts.pt_ifa[i], &pf) != 0;
	} else {
		ri.ri_mtu = 1000 + parts_random(400);
		KASSERT(rt_change(parts.pt_vn, &ri) == 0);
		*have = ri.ri_mtu + 1;
	}
}

static void
parts_step(void)
{
	unsigned i = parts_random(NADDRS), part = parts_random(NPARTS);
	uint32_t *have = &parts.pt_truth.ps_have[i][0];

	if (parts.pt_ifa[i] == NULL || parts_random(8) == 0)
		parts_toggle(i);
	else if (part != 0)
		parts_route(i, part);
	else {
		rt_newaddrmsg(*have == 0 ? RTM_NEWADDR : RTM_DELADDR,
		    parts.pt_ifa[i]);
		*have = *have == 0;
	}
}

static void
parts_body(struct vnet *vn)
{
	static struct etest et;
	unsigned f;

	memset(&parts, 0, sizeof(parts));
	parts.pt_vn = vn;
	dtest_attach(vn);
	etest_attach(vn, &et, 0, &etest_ops, true);
	parts.pt_ifp = et.et_ifp;
	for (unsigned step = 0; step < 20000; step++) {
		parts_step();
		f = parts_random(NFOLLOW);
		follower_read(&parts.pt_follower[f], parts_random(3));
		if (parts_random(20) == 0)
			follower_open(&parts.pt_follower[f]);
	}
	for (f = 0; f < NFOLLOW; f++)
		follower_close(&parts.pt_follower[f]);
	for (unsigned i = 0; i < NADDRS; i++)
		if (parts.pt_ifa[i] != NULL)
			parts_toggle(i);
	KASSERT(test_route_count(vn) == 0);
	etest_detach(&et);
}

static void
test_parts(void **state)
{

	(void)state;
	net_on_linux(0, parts_body);
}

/*
 * By hand: an address is replaced by one that has its routes already, when a
 * snapshot has shown the first and not come to the second.
 */
static void
replaced_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_len = 24, .ri_flags = RTF_CONNECTED };
	static struct etest et;
	struct ifaddr *old, *new;
	struct rt_listener *l;
	union msgbuf mb;

	dtest_attach(vn);
	etest_attach(vn, &et, 0, &etest_ops, true);
	old = ifatest_add(et.et_ifp, "10.0.0.1", 24);
	rt_newaddrmsg(RTM_NEWADDR, old);
	new = ifatest_add(et.et_ifp, "10.0.0.1", 16);
	test_route_to(&ri, "10.9.0.0");
	ri.ri_ifp = et.et_ifp;
	ri.ri_ifa = new;
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(rt_listener_open(vn, RTS_ADDR | RTS_ROUTE | RTS_SNAPSHOT, 0,
	    NULL, NULL, &l) == 0);
	KASSERT(rt_listener_read(l, &mb) != 0);
	KASSERT(mb.mb_hdr.rtm_type == RTM_NEWADDR);
	ifatest_remove(old);
	rt_newaddrmsg(RTM_DELADDR, old);
	rt_newaddrmsg(RTM_NEWADDR, new);
	KASSERT(rt_listener_read(l, &mb) != 0);
	KASSERT(mb.mb_hdr.rtm_type == RTM_SNAPSHOT_END);
	KASSERT(rt_listener_read(l, &mb) != 0);
	KASSERT(mb.mb_hdr.rtm_type == RTM_DELADDR);
	KASSERT(rt_listener_read(l, &mb) != 0);
	KASSERT(mb.mb_hdr.rtm_type == RTM_ADD);
	KASSERT(rt_listener_read(l, &mb) != 0);
	KASSERT(mb.mb_hdr.rtm_type == RTM_NEWADDR);
	KASSERT(rt_listener_read(l, &mb) == 0);
	rt_listener_close(l);
	ifatest_remove(new);
	rt_newaddrmsg(RTM_DELADDR, new);
	etest_detach(&et);
}

static void
test_replaced(void **state)
{

	(void)state;
	net_on_linux(0, replaced_body);
	net_on_sim(1, replaced_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
