/*
 * The routing socket: requests, who may make them, dumps; listeners that are
 * told everything once and in order, from the snapshot on, or how much they
 * missed.
 */

#include "net_test.h"

#include <stdio.h>

union msgbuf {
	struct rt_hdr	 mb_hdr;
	struct rt_msg	 mb_rtm;
	struct if_msg	 mb_ifm;
	struct ifa_msg	 mb_ifam;
	struct rt_overrun_msg mb_overrun;
	uint8_t		 mb_room[RT_MSG_MAX];
};

static void
start(union msgbuf *mb, uint8_t type)
{

	memset(mb, 0, sizeof(*mb));
	mb->mb_hdr.rtm_len = sizeof(struct rt_msg);
	mb->mb_hdr.rtm_version = RTM_VERSION;
	mb->mb_hdr.rtm_type = type;
	mb->mb_hdr.rtm_seq = 4711;
}

static void
put4(union msgbuf *mb, unsigned bit, const char *addr)
{

	KASSERT(rt_msg_add(mb, bit, test_sa(addr)));
}

static int
send_msg(struct vnet *vn, union msgbuf *mb, union msgbuf *answer)
{
	size_t len;
	int error;

	error = rtsock_request(vn, &kauth_cred_self, mb, mb->mb_hdr.rtm_len,
	    answer, &len);
	if (error != 0) {
		KASSERT(len == 0);
	} else {
		const struct sockaddr *sa[RTAX_MAX];

		KASSERT(rt_msg_check(answer, len, sa) == 0);
		KASSERT(answer->mb_hdr.rtm_seq == 4711);
	}
	return error;
}

/* dst/mask via gw, NULL: not given */
static int
request(struct vnet *vn, uint8_t type, const char *dst, const char *gw,
    const char *mask, uint32_t flags, union msgbuf *answer)
{
	union msgbuf mb;

	start(&mb, type);
	mb.mb_rtm.rtm_flags = flags;
	put4(&mb, RTA_DST, dst);
	if (gw != NULL)
		put4(&mb, RTA_GATEWAY, gw);
	if (mask != NULL)
		put4(&mb, RTA_NETMASK, mask);
	return send_msg(vn, &mb, answer);
}

static const struct sockaddr *
answer_sa(const union msgbuf *mb, unsigned i)
{
	const struct sockaddr *sa[RTAX_MAX];

	KASSERT(rt_msg_check(mb, mb->mb_hdr.rtm_len, sa) == 0);
	return sa[i];
}

static bool
answer_is(const union msgbuf *mb, unsigned i, const char *addr)
{

	return test_addr_is(answer_sa(mb, i), addr);
}

static bool
answer_is_plus(const union msgbuf *mb, unsigned i, const char *addr,
    unsigned n)
{
	const struct sockaddr *sa = answer_sa(mb, i);

	return sa != NULL && memcmp(sa, test_sa_plus(addr, n),
	    test_addr_len(sa)) == 0;
}

static void
request_body(struct vnet *vn)
{
	const struct kauth_cred nobody = { .kc_uid = 65534, .kc_gid = 65534,
	    .kc_pid = 1 };
	static struct etest et;
	union msgbuf mb, ans;
	struct ifaddr *ifa;
	struct rt_info ri;
	size_t len;

	dtest_attach(vn);
	etest_attach(vn, &et, 0, &etest_ops, true);
	ifa = ifatest_add(et.et_ifp, "10.0.0.1", 24);
	ri = (struct rt_info){ TEST_DST("10.0.0.0"), .ri_len = 24,
	    .ri_ifp = et.et_ifp, .ri_ifa = ifa, .ri_flags = RTF_CONNECTED };
	KASSERT(rt_add(vn, &ri) == 0);
	test_route_to(&ri, "10.0.0.1");
	ri.ri_len = 32;
	ri.ri_flags = RTF_LOCAL;
	KASSERT(rt_add(vn, &ri) == 0);

	KASSERT(request(vn, RTM_GET, "192.0.2.1", NULL, NULL, 0, &ans) ==
	    ESRCH);
	KASSERT(request(vn, RTM_ADD, "0.0.0.0", "10.0.0.2", "0.0.0.0",
	    RTF_STATIC, &ans) == 0);
	KASSERT(ans.mb_rtm.rtm_flags & RTF_DONE);
	KASSERT(strcmp(ans.mb_rtm.rtm_ifname, "et0") == 0);
	KASSERT(ans.mb_rtm.rtm_ifhandle == et.et_ifp->if_handle);
	KASSERT(request(vn, RTM_ADD, "0.0.0.0", "10.0.0.3", "0.0.0.0", 0,
	    &ans) == EEXIST);

	/* longest match without a mask, that prefix with one */
	KASSERT(request(vn, RTM_GET, "192.0.2.1", NULL, NULL, 0, &ans) == 0);
	KASSERT(answer_is(&ans, 0, "0.0.0.0"));
	KASSERT(answer_is(&ans, 1, "10.0.0.2"));
	KASSERT(answer_is(&ans, 5, "10.0.0.1"));
	KASSERT(request(vn, RTM_GET, "192.0.2.1", NULL, "255.255.255.0", 0,
	    &ans) == ESRCH);
	KASSERT(request(vn, RTM_GET, "10.0.0.0", NULL, "255.255.255.0", 0,
	    &ans) == 0);
	KASSERT(answer_is(&ans, 2, "255.255.255.0"));

	KASSERT(request(vn, RTM_CHANGE, "0.0.0.0", "10.0.0.9", "0.0.0.0", 0,
	    &ans) == 0);
	KASSERT(answer_is(&ans, 1, "10.0.0.9"));

	/* routes that are refused */
	KASSERT(request(vn, RTM_ADD, "10.1.0.0", "10.0.0.2", "255.0.255.0", 0,
	    &ans) == EINVAL);
	KASSERT(request(vn, RTM_ADD, "10.1.0.0", "10.0.0.1", "255.255.0.0", 0,
	    &ans) == EINVAL);
	KASSERT(request(vn, RTM_ADD, "10.1.0.0", "192.0.2.1", "255.255.0.0",
	    0, &ans) == ENETUNREACH);
	KASSERT(request(vn, RTM_ADD, "10.1.0.1", "10.0.0.2", NULL, RTF_LOCAL,
	    &ans) == EINVAL);
	KASSERT(request(vn, RTM_DELETE, "10.0.0.1", NULL, NULL, RTF_HOST,
	    &ans) == EPERM);
	KASSERT(request(vn, RTM_DELETE, "10.9.0.0", NULL, "255.255.0.0", 0,
	    &ans) == ESRCH);
	KASSERT(request(vn, RTM_ADD, "10.8.0.0", NULL, "255.255.0.0",
	    RTF_LLDATA, &ans) == EAFNOSUPPORT);
	start(&mb, RTM_ADD);
	KASSERT(send_msg(vn, &mb, &ans) == EINVAL);
	mb.mb_hdr.rtm_type = RTM_IFINFO;
	KASSERT(send_msg(vn, &mb, &ans) == EINVAL);
	start(&mb, RTM_ADD);
	mb.mb_rtm.rtm_index = 999;
	put4(&mb, RTA_DST, "10.8.0.0");
	KASSERT(send_msg(vn, &mb, &ans) == ENXIO);
	start(&mb, RTM_ADD);
	put4(&mb, RTA_DST, "10.8.0.0");
	put4(&mb, RTA_IFA, "10.0.0.77");
	KASSERT(send_msg(vn, &mb, &ans) == EADDRNOTAVAIL);
	start(&mb, RTM_ADD);
	strcpy(mb.mb_rtm.rtm_ifname, "et0");
	put4(&mb, RTA_DST, "10.8.0.0");
	KASSERT(rt_msg_add(&mb, RTA_IFA,
	    (const struct sockaddr *)if_sadl(et.et_ifp)));
	KASSERT(send_msg(vn, &mb, &ans) == EADDRNOTAVAIL);

	/* by name, on link */
	start(&mb, RTM_ADD);
	strcpy(mb.mb_rtm.rtm_ifname, "et0");
	mb.mb_rtm.rtm_expire_s = 100;
	put4(&mb, RTA_DST, "10.8.0.0");
	put4(&mb, RTA_NETMASK, "255.255.0.0");
	put4(&mb, RTA_IFA, "10.0.0.1");
	KASSERT(send_msg(vn, &mb, &ans) == 0);
	KASSERT(ans.mb_rtm.rtm_expire_s > 90 && ans.mb_rtm.rtm_expire_s <= 100);

	/* looking is everybody's, changing is not */
	start(&mb, RTM_GET);
	put4(&mb, RTA_DST, "192.0.2.1");
	KASSERT(rtsock_request(vn, &nobody, &mb, mb.mb_hdr.rtm_len, &ans,
	    &len) == 0);
	mb.mb_hdr.rtm_type = RTM_DELETE;
	KASSERT(rtsock_request(vn, &nobody, &mb, mb.mb_hdr.rtm_len, &ans,
	    &len) == EPERM && len == 0);

	KASSERT(request(vn, RTM_DELETE, "0.0.0.0", NULL, "0.0.0.0", 0, &ans)
	    == 0);
	KASSERT(answer_is(&ans, 1, "10.0.0.9"));
	KASSERT(request(vn, RTM_GET, "192.0.2.1", NULL, NULL, 0, &ans) ==
	    ESRCH);
	ifatest_remove(ifa);
	etest_detach(&et);
	KASSERT(test_route_count(vn) == 0);
}

static void
test_request(void **state)
{

	(void)state;
	net_on_sim(1, request_body);
}

/* --- dumps --------------------------------------------------------------- */

static char dumped[1024];

static int
dump_names(const void *msg, void *arg)
{
	const union msgbuf *mb = msg;
	const struct sockaddr *sa[RTAX_MAX];
	size_t n = strlen(dumped);

	(void)arg;
	KASSERT(rt_msg_check(msg, mb->mb_hdr.rtm_len, sa) == 0);
	switch (mb->mb_hdr.rtm_type) {
	case RTM_IFINFO:
		KASSERT(sa[4] != NULL && sa[4]->sa_family == AF_LINK);
		snprintf(dumped + n, sizeof(dumped) - n, "%s ",
		    mb->mb_ifm.ifm_name);
		break;
	case RTM_NEWADDR:
		snprintf(dumped + n, sizeof(dumped) - n, "%s=%x ",
		    mb->mb_ifam.ifam_name, ntohl(dtest_addr(sa[5])));
		break;
	default:
		snprintf(dumped + n, sizeof(dumped) - n, "%x ",
		    ntohl(dtest_addr(sa[0])));
		break;
	}
	return 0;
}

static const char *
dump(struct vnet *vn, unsigned what, uint64_t handle)
{

	dumped[0] = '\0';
	KASSERT(rtsock_dump(vn, what, handle, dump_names, NULL) == 0);
	return dumped;
}

static void
dump_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_flags = RTF_STATIC, .ri_len = 24 };
	static struct etest et[2];
	struct ifaddr *ifa[3];

	dtest_attach(vn);
	etest_attach(vn, &et[0], 0, &etest_ops, true);
	etest_attach(vn, &et[1], 1, &etest_ops, true);
	ifa[0] = ifatest_add(et[0].et_ifp, "10.0.0.1", 24);
	ifa[1] = ifatest_add(et[1].et_ifp, "10.0.1.1", 24);
	ifa[2] = ifatest_add(et[0].et_ifp, "10.0.2.1", 24);
	for (unsigned i = 0; i < 2; i++) {
		test_route_to_plus(&ri, "10.0.5.0", i << 8);
		ri.ri_ifp = et[1 - i].et_ifp;
		KASSERT(rt_add(vn, &ri) == 0);
	}
	KASSERT(strcmp(dump(vn, RTS_ALL, 0), "et0 et0=a000001 et0=a000201 "
	    "et1 et1=a000101 a000500 a000600 ") == 0);
	KASSERT(strcmp(dump(vn, RTS_LINK | RTS_ROUTE,
	    et[1].et_ifp->if_handle), "et1 a000500 ") == 0);
	KASSERT(rtsock_dump(vn, RTS_LINK, et[1].et_ifp->if_handle +
	    ((uint64_t)1 << IF_INDEX_BITS), dump_names, NULL) == ENXIO);
	for (unsigned i = 0; i < 3; i++)
		ifatest_remove(ifa[i]);
	etest_detach(&et[0]);
	etest_detach(&et[1]);
}

static void
test_dump(void **state)
{

	(void)state;
	net_on_sim(1, dump_body);
}

/* --- listeners ----------------------------------------------------------- */

static uint32_t wakeups;

static void
wakeup(void *arg)
{

	(void)arg;
	__atomic_fetch_add(&wakeups, 1, __ATOMIC_RELAXED);
}

/* Waking is another thread's, or a part of kern_run(). */
static void
await_wakeup(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;

	while (__atomic_load_n(&wakeups, __ATOMIC_RELAXED) == 0)
		if (k->k_threaded)
			host_sleep(k->k_host, 1000);
		else
			kern_run(k);
}

static void
expect(struct rt_listener *l, uint8_t type, uint64_t *seq, union msgbuf *mb)
{
	const struct sockaddr *sa[RTAX_MAX];
	size_t len;

	len = rt_listener_read(l, mb);
	KASSERT(len != 0 && rt_msg_check(mb, len, sa) == 0);
	KASSERT(mb->mb_hdr.rtm_type == type);
	KASSERT(mb->mb_hdr.rtm_seq == ++*seq);
	KASSERT(mb->mb_hdr.rtm_time_ns != 0);
}

static void
follow_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_flags = RTF_REJECT, .ri_len = 32 };
	static struct etest et[2];
	struct rt_listener *l, *links;
	struct ifaddr *ifa;
	uint64_t seq = 0, lseq = 0;
	union msgbuf mb;

	dtest_attach(vn);
	etest_attach(vn, &et[0], 0, &etest_ops, true);
	ifa = ifatest_add(et[0].et_ifp, "10.0.0.1", 24);
	rt_newaddrmsg(RTM_NEWADDR, ifa);
	test_route_to(&ri, "10.1.1.1");
	KASSERT(rt_add(vn, &ri) == 0);

	wakeups = 0;
	KASSERT(rt_listener_open(vn, RTS_ALL | RTS_SNAPSHOT, 65536, wakeup,
	    NULL, &l) == 0);
	KASSERT(rt_listener_open(vn, RTS_LINK, 65536, NULL, NULL, &links) ==
	    0);
	KASSERT(wakeups == 1);
	expect(l, RTM_IFINFO, &seq, &mb);
	KASSERT(strcmp(mb.mb_ifm.ifm_name, "et0") == 0);
	/* Behind the walk, or begun after it: news.  Ahead of it: as the walk
	 * finds it. */
	if_down(et[0].et_ifp);
	KASSERT(rt_delete(vn, &ri) == 0);
	test_route_to(&ri, "10.2.2.2");
	KASSERT(rt_add(vn, &ri) == 0);
	etest_attach(vn, &et[1], 1, &etest_ops, true);
	expect(l, RTM_NEWADDR, &seq, &mb);
	expect(l, RTM_SNAPSHOT_END, &seq, &mb);
	expect(l, RTM_IFINFO, &seq, &mb);
	KASSERT(strcmp(mb.mb_ifm.ifm_name, "et0") == 0);
	KASSERT((mb.mb_ifm.ifm_flags & IFF_UP) == 0);
	expect(l, RTM_ADD, &seq, &mb);
	KASSERT(answer_is(&mb, 0, "10.2.2.2"));
	expect(l, RTM_IFANNOUNCE, &seq, &mb);
	KASSERT(strcmp(mb.mb_ifm.ifm_name, "et1") == 0);
	expect(l, RTM_IFINFO, &seq, &mb);
	KASSERT(rt_listener_read(l, &mb) == 0);

	/* now all is news */
	wakeups = 0;
	ri.ri_mtu = 1400;
	KASSERT(rt_change(vn, &ri) == 0);
	KASSERT(rt_change(vn, &ri) == 0);	/* nothing */
	KASSERT(rt_delete(vn, &ri) == 0);
	rt_newaddrmsg(RTM_DELADDR, ifa);
	rt_newaddrmsg(RTM_DELADDR, ifa);	/* nothing */
	ifatest_remove(ifa);
	etest_detach(&et[0]);
	await_wakeup(vn);
	KASSERT(wakeups == 1);
	expect(l, RTM_CHANGE, &seq, &mb);
	KASSERT(mb.mb_rtm.rtm_mtu == 1400);
	expect(l, RTM_DELETE, &seq, &mb);
	expect(l, RTM_DELADDR, &seq, &mb);
	expect(l, RTM_IFANNOUNCE, &seq, &mb);
	KASSERT(mb.mb_ifm.ifm_what == IFAN_DEPARTURE);
	KASSERT(rt_listener_read(l, &mb) == 0);

	/* the other one heard of links only, and from the beginning */
	expect(links, RTM_IFINFO, &lseq, &mb);
	expect(links, RTM_IFANNOUNCE, &lseq, &mb);
	KASSERT(mb.mb_ifm.ifm_what == IFAN_ARRIVAL);
	expect(links, RTM_IFINFO, &lseq, &mb);
	expect(links, RTM_IFANNOUNCE, &lseq, &mb);
	KASSERT(rt_listener_read(links, &mb) == 0);
	rt_listener_close(links);
	rt_listener_close(l);
	etest_detach(&et[1]);

	/* closed in the middle of its snapshot */
	KASSERT(rt_listener_open(vn, RTS_ALL | RTS_SNAPSHOT, 0, NULL, NULL,
	    &l) == 0);
	rt_listener_close(l);
}

/* Shown, deleted, and there again while the snapshot goes on. */
static void
again_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_flags = RTF_REJECT, .ri_len = 32 };
	struct rt_listener *l;
	uint64_t seq = 0;
	union msgbuf mb;

	test_route_to(&ri, "10.0.0.1");
	KASSERT(rt_add(vn, &ri) == 0);
	test_route_to(&ri, "10.0.0.2");
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(rt_listener_open(vn, RTS_ROUTE | RTS_SNAPSHOT, 0, NULL, NULL,
	    &l) == 0);
	expect(l, RTM_ADD, &seq, &mb);
	test_route_to(&ri, "10.0.0.1");
	KASSERT(rt_delete(vn, &ri) == 0);
	KASSERT(rt_add(vn, &ri) == 0);
	expect(l, RTM_ADD, &seq, &mb);
	KASSERT(answer_is(&mb, 0, "10.0.0.2"));
	expect(l, RTM_SNAPSHOT_END, &seq, &mb);
	expect(l, RTM_DELETE, &seq, &mb);
	expect(l, RTM_ADD, &seq, &mb);
	KASSERT(answer_is(&mb, 0, "10.0.0.1"));
	KASSERT(rt_listener_read(l, &mb) == 0);
	rt_listener_close(l);
}

static void
test_follow(void **state)
{

	(void)state;
	net_on_linux(0, follow_body);
	net_on_sim(1, follow_body);
	net_on_linux(0, again_body);
}

/* Room for one more, but not for the record of what was lost as well: nothing
 * is written that has no room. */
static void
tight_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_flags = RTF_REJECT, .ri_len = 32 };
	struct rt_listener *l;
	union msgbuf mb;
	uint64_t seq = 0;
	size_t len;

	KASSERT(rt_listener_open(vn, RTS_ROUTE, 0, NULL, NULL, &l) == 0);
	test_route_to(&ri, "10.9.9.9");
	KASSERT(rt_add(vn, &ri) == 0);
	expect(l, RTM_ADD, &seq, &mb);
	len = mb.mb_hdr.rtm_len;
	rt_listener_close(l);

	KASSERT(rt_listener_open(vn, RTS_ROUTE, 64 * len + 8, NULL, NULL, &l)
	    == 0);
	for (unsigned i = 0; i < 66; i++) {
		test_route_to_plus(&ri, "10.0.0.0", i);
		KASSERT(rt_add(vn, &ri) == 0);
		/* Full, one lost, one read. */
		if (i == 64) {
			seq = 0;
			expect(l, RTM_ADD, &seq, &mb);
			KASSERT(answer_is(&mb, 0, "10.0.0.0"));
		}
	}
	for (unsigned i = 1; i < 64; i++) {
		expect(l, RTM_ADD, &seq, &mb);
		KASSERT(answer_is_plus(&mb, 0, "10.0.0.0", i));
	}
	expect(l, RTM_OVERRUN, &seq, &mb);
	KASSERT(mb.mb_overrun.rto_lost == 2);
	KASSERT(rt_listener_read(l, &mb) == 0);
	rt_listener_close(l);
}

/* Too slow: what is missing is told, where it is missing, and to it alone. */
static void
overrun_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_flags = RTF_REJECT, .ri_len = 32 };
	struct rt_listener *slow, *fast;
	uint64_t seq = 0, got = 0, lost = 0;
	union msgbuf mb;
	bool again;

	KASSERT(rt_listener_open(vn, RTS_ROUTE, 0, NULL, NULL, &slow) == 0);
	KASSERT(rt_listener_open(vn, RTS_ROUTE, 1 << 20, NULL, NULL, &fast)
	    == 0);
	for (unsigned i = 0; i < 200; i++) {
		test_route_to_plus(&ri, "10.0.0.0", i);
		KASSERT(rt_add(vn, &ri) == 0);
	}
	/* A little room: the record of the loss, then what comes next. */
	for (unsigned i = 0; i < 10; i++, got++)
		expect(slow, RTM_ADD, &seq, &mb);
	test_route_to(&ri, "10.9.9.9");
	KASSERT(rt_add(vn, &ri) == 0);
	again = false;
	while (rt_listener_read(slow, &mb) != 0) {
		KASSERT(mb.mb_hdr.rtm_seq == ++seq);
		if (mb.mb_hdr.rtm_type == RTM_OVERRUN) {
			lost += mb.mb_overrun.rto_lost;
			KASSERT(!again);
			again = true;
			continue;
		}
		got++;
		if (again)
			KASSERT(answer_is(&mb, 0, "10.9.9.9"));
	}
	KASSERT(again && got + lost == 201 && lost > 100);

	/* Everything lost: the record comes all the same. */
	for (unsigned i = 0; i < 200; i++) {
		test_route_to_plus(&ri, "10.0.0.0", i);
		KASSERT(rt_delete(vn, &ri) == 0);
	}
	lost = got = 0;
	while (rt_listener_read(slow, &mb) != 0) {
		if (mb.mb_hdr.rtm_type == RTM_OVERRUN)
			lost += mb.mb_overrun.rto_lost;
		else
			got++;
	}
	KASSERT(got + lost == 200 && lost > 0);

	for (seq = got = 0; rt_listener_read(fast, &mb) != 0; got++)
		KASSERT(mb.mb_hdr.rtm_type != RTM_OVERRUN);
	KASSERT(got == 401);
	rt_listener_close(slow);
	rt_listener_close(fast);
}

static void
test_tight(void **state)
{

	(void)state;
	net_on_sim(1, tight_body);
}

static void
test_overrun(void **state)
{

	(void)state;
	net_on_linux(0, overrun_body);
	net_on_sim(1, overrun_body);
}

/*
 * Snapshots while routes come and go: whoever applies the messages one by one
 * never adds what is there nor deletes what is not, and ends with the table.
 */
#define NROUTES		40

struct churn {
	struct vnet	*ch_vn;
	uint32_t	 ch_stop;
};

static void
churn_loop(void *arg)
{
	struct churn *ch = arg;
	struct rt_info ri = { .ri_flags = RTF_REJECT, .ri_len = 32 };
	uint32_t x = 1;
	int error;

	while (!__atomic_load_n(&ch->ch_stop, __ATOMIC_ACQUIRE)) {
		x = x * 1664525 + 1013904223;
		test_route_to_plus(&ri, "10.0.0.0", (x >> 8) % NROUTES);
		ri.ri_mtu = 576 + (x >> 16 & 0xff);
		if ((x >> 28) % 3 == 0)
			error = rt_change(ch->ch_vn, &ri);
		else if ((x >> 28) % 3 == 1)
			error = rt_add(ch->ch_vn, &ri);
		else
			error = rt_delete(ch->ch_vn, &ri);
		KASSERT(error == 0 || error == EEXIST || error == ESRCH);
		/* Sleeping lets time go on where it is simulated. */
		host_sleep(ch->ch_vn->vn_kern->k_host, 2000);
	}
}

struct view {
	uint32_t	 vi_mtu[NROUTES];	/* 0: not there */
	uint64_t	 vi_seq;
	bool		 vi_ended;
};

static void
apply(struct view *vi, const union msgbuf *mb)
{
	uint32_t i;

	KASSERT(mb->mb_hdr.rtm_seq == ++vi->vi_seq);
	if (mb->mb_hdr.rtm_type == RTM_SNAPSHOT_END) {
		KASSERT(!vi->vi_ended);
		vi->vi_ended = true;
		return;
	}
	i = test_addr_minus(answer_sa(mb, 0), "10.0.0.0");
	KASSERT(i < NROUTES);
	switch (mb->mb_hdr.rtm_type) {
	case RTM_ADD:
		KASSERT(vi->vi_mtu[i] == 0);
		vi->vi_mtu[i] = mb->mb_rtm.rtm_mtu;
		break;
	case RTM_CHANGE:
		KASSERT(vi->vi_mtu[i] != 0 && vi->vi_ended);
		vi->vi_mtu[i] = mb->mb_rtm.rtm_mtu;
		break;
	case RTM_DELETE:
		KASSERT(vi->vi_mtu[i] != 0 && vi->vi_ended);
		vi->vi_mtu[i] = 0;
		break;
	default:
		KASSERT(!"a message of another kind");
	}
}

static void
churn_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct churn ch = { .ch_vn = vn };
	static struct view views[10];
	struct rt_listener *l[10];
	const struct test_route *rt;
	struct host_thread *t;
	union msgbuf mb;

	memset(views, 0, sizeof(views));
	KASSERT(host_thread_create(h, "churn", -1, churn_loop, &ch, &t) == 0);
	for (unsigned round = 0; round < 10; round++) {
		host_sleep(h, 50000);
		KASSERT(rt_listener_open(vn, RTS_ROUTE | RTS_SNAPSHOT,
		    8 << 20, NULL, NULL, &l[round]) == 0);
		for (unsigned i = 0; i < 60; i++) {
			if (i % 2 == 0)
				host_sleep(h, 5000);
			if (rt_listener_read(l[round], &mb) != 0)
				apply(&views[round], &mb);
		}
	}
	__atomic_store_n(&ch.ch_stop, 1, __ATOMIC_RELEASE);
	host_thread_join(h, t);
	for (unsigned n = 0; n < 10; n++) {
		while (rt_listener_read(l[n], &mb) != 0)
			apply(&views[n], &mb);
		KASSERT(views[n].vi_ended);
		for (uint32_t i = 0; i < NROUTES; i++) {
			rt = test_rt_lookup_plus(vn, "10.0.0.0", i);
			KASSERT((rt == NULL ? 0 : rt->rt_mtu) ==
			    views[n].vi_mtu[i]);
		}
		rt_listener_close(l[n]);
	}
}

static void
test_churn(void **state)
{

	(void)state;
	net_on_sim(1, churn_body);
	net_on_linux(1, churn_body);
}

/*
 * The maker of changes is not held up by those who listen: here waking takes
 * until all changes are made, with many to be woken.
 */
static uint32_t made;

static void
slow_wakeup(void *arg)
{
	struct vnet *vn = arg;

	while (__atomic_load_n(&made, __ATOMIC_ACQUIRE) == 0)
		host_sleep(vn->vn_kern->k_host, 10000);
	__atomic_fetch_add(&wakeups, 1, __ATOMIC_RELAXED);
}

static void
many_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_flags = RTF_REJECT, .ri_len = 32 };
	struct rt_listener *l[50];
	uint64_t seq;
	union msgbuf mb;

	made = wakeups = 0;
	for (unsigned n = 0; n < 50; n++)
		KASSERT(rt_listener_open(vn, RTS_ROUTE, 65536, slow_wakeup,
		    vn, &l[n]) == 0);
	for (unsigned i = 0; i < 100; i++) {
		test_route_to_plus(&ri, "10.0.0.0", i);
		KASSERT(rt_add(vn, &ri) == 0);
		host_sleep(vn->vn_kern->k_host, 1000);
	}
	KASSERT(__atomic_load_n(&wakeups, __ATOMIC_RELAXED) == 0);
	__atomic_store_n(&made, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&wakeups, __ATOMIC_RELAXED) != 50)
		host_sleep(vn->vn_kern->k_host, 10000);
	for (unsigned n = 0; n < 50; n++) {
		seq = 0;
		for (unsigned i = 0; i < 100; i++) {
			expect(l[n], RTM_ADD, &seq, &mb);
			KASSERT(answer_is_plus(&mb, 0, "10.0.0.0", i));
		}
		KASSERT(rt_listener_read(l[n], &mb) == 0);
		rt_listener_close(l[n]);
	}
}

static void
test_many(void **state)
{

	(void)state;
	net_on_sim(1, many_body);
	net_on_linux(1, many_body);
}

/*
 * A listener that does not come to read until its vnet's log went round several
 * times, idle or in the middle of its snapshot, is told how much is missing.
 */
static void
log_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_flags = RTF_REJECT, .ri_len = 32 };
	struct rt_listener *l, *links, *walker;
	uint64_t seq = 0, wseq = 0, got = 0, lost = 0, more = 0;
	union msgbuf mb;

	test_route_to(&ri, "10.0.0.1");
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(rt_listener_open(vn, RTS_ROUTE, 1 << 20, NULL, NULL, &l) ==
	    0);
	KASSERT(rt_listener_open(vn, RTS_LINK, 1 << 20, NULL, NULL, &links)
	    == 0);
	KASSERT(rt_listener_open(vn, RTS_ROUTE | RTS_SNAPSHOT, 1 << 20, NULL,
	    NULL, &walker) == 0);
	for (unsigned i = 0; i < 20000; i++) {
		ri.ri_mtu = 600 + i % 2;
		KASSERT(rt_change(vn, &ri) == 0);
	}
	while (rt_listener_read(l, &mb) != 0) {
		KASSERT(mb.mb_hdr.rtm_seq == ++seq);
		if (mb.mb_hdr.rtm_type == RTM_OVERRUN) {
			KASSERT(mb.mb_overrun.rto_lost > 0);
			lost += mb.mb_overrun.rto_lost;
			continue;
		}
		got++;
	}
	KASSERT(got > 0 && lost > 0 && got + lost == 20000);
	/* Nothing of its kind was lost. */
	KASSERT(rt_listener_read(links, &mb) == 0);
	expect(walker, RTM_ADD, &wseq, &mb);
	KASSERT(mb.mb_rtm.rtm_mtu == 601);
	expect(walker, RTM_SNAPSHOT_END, &wseq, &mb);
	/* Messages that the walker was told to have missed may be shown by
	 * the snapshot. */
	while (rt_listener_read(walker, &mb) != 0) {
		KASSERT(mb.mb_hdr.rtm_seq == ++wseq);
		more++;
	}
	KASSERT(more <= 1);
	/* From here on nothing is missing. */
	ri.ri_mtu = 700;
	KASSERT(rt_change(vn, &ri) == 0);
	expect(l, RTM_CHANGE, &seq, &mb);
	expect(walker, RTM_CHANGE, &wseq, &mb);
	rt_listener_close(walker);
	rt_listener_close(links);
	rt_listener_close(l);
	KASSERT(rt_delete(vn, &ri) == 0);
}

static void
test_log(void **state)
{

	(void)state;
	net_on_linux(0, log_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_follow),
		cmocka_unit_test(test_overrun),
		cmocka_unit_test(test_tight),
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
