/*
 * Routes of IPv6: all that routes are, with keys and gateways of 128 bits,
 * beside IPv4's and never mixed with them.
 */

#include "net_test.h"

#include <arpa/inet.h>

#include <stdio.h>

#include "net/route_impl.h"	/* under test */

static struct etest nets[2];

static union neigh_addr
addr(const char *text)
{
	union neigh_addr na;

	KASSERT(inet_pton(AF_INET6, text, &na) == 1);
	return na;
}

static struct rt_info
to(const char *dst, unsigned len)
{

	return (struct rt_info){ .ri_family = AF_INET6, .ri_dst = addr(dst),
	    .ri_len = len, .ri_flags = RTF_STATIC };
}

static struct rt_info
via(const char *dst, unsigned len, const char *gw)
{
	struct rt_info ri = to(dst, len);

	ri.ri_gw = addr(gw);
	return ri;
}

static struct rt_info
on(const char *dst, unsigned len, unsigned unit)
{
	struct rt_info ri = to(dst, len);

	ri.ri_ifp = nets[unit].et_ifp;
	return ri;
}

static int
add(struct vnet *vn, struct rt_info ri)
{

	return rt_add(vn, &ri);
}

static int
add_way(struct vnet *vn, struct rt_info ri)
{

	ri.ri_given = RTV_MPATH;
	return rt_add_way(vn, &ri);
}

static int
del(struct vnet *vn, const char *dst, unsigned len)
{
	struct rt_info ri = to(dst, len);

	return rt_delete(vn, &ri);
}

static struct fwd
find(const struct vnet *vn, uint32_t table, const char *dst, uint32_t hash)
{
	const union neigh_addr na = addr(dst);

	return rt_lookup6_flow(rt_table_numbered((struct vnet *)(uintptr_t)vn,
	    table), na.na_bytes, hash);
}

/* How packets go: "et0 fe80::1", "et0 link", "reject", "blackhole",
 * "unreachable" or "none". */
static const char *
goes(const struct vnet *vn, uint32_t table, const char *dst, uint32_t hash)
{
	static char text[80];
	const struct nexthop *nh = find(vn, table, dst, hash).fd_nh;
	char gw[INET6_ADDRSTRLEN] = "link";

	if (nh == NULL)
		return "none";
	if ((nh->nh_flags & NH_NOWHERE) != 0)
		return (nh->nh_flags & NH_REJECT) != 0 ? "reject" :
		    (nh->nh_flags & NH_BLACKHOLE) != 0 ? "blackhole" :
		    "unreachable";
	KASSERT(nh->nh_family == AF_INET6);
	if ((nh->nh_flags & NH_GATEWAY) != 0)
		(void)inet_ntop(AF_INET6, nh_gateway(nh), gw, sizeof(gw));
	(void)snprintf(text, sizeof(text), "et%d %s",
	    nh->nh_ifp == nets[1].et_ifp, gw);
	return text;
}

static bool
is(const struct vnet *vn, const char *dst, const char *how)
{

	return strcmp(goes(vn, 0, dst, 0), how) == 0;
}

static void
attach(struct vnet *vn)
{

	dtest_attach(vn);
	for (unsigned i = 0; i < 2; i++)
		etest_attach(vn, &nets[i], i, &etest_ops, true);
}

static int
delete_one(const void *msg, void *arg)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct rt_msg *rtm = msg;
	struct rt_info *ri = arg;

	KASSERT(rt_msg_check(msg, rtm->rtm_h.rtm_len, sa) == 0);
	memset(ri, 0, sizeof(*ri));
	ri->ri_family = AF_INET6;
	KASSERT(sa[0]->sa_family == AF_INET6);
	memcpy(&ri->ri_dst, &((const struct sockaddr_in6 *)(const void *)
	    sa[0])->sin6_addr, sizeof(ri->ri_dst));
	ri->ri_len = sa[2] == NULL ? 128 : (unsigned)prefix_len_bytes(
	    &((const struct sockaddr_in6 *)(const void *)sa[2])->sin6_addr,
	    16);
	ri->ri_table = rtm->rtm_table;
	ri->ri_metric = rtm->rtm_metric;
	ri->ri_given = RTV_METRIC;
	return 1;
}

/* Delete what is left, by what the list says; nothing of it stays. */
static void
detach(struct vnet *vn)
{
	struct rt_info ri;

	while (rt_dump(vn, delete_one, &ri) != 0)
		KASSERT(rt_delete(vn, &ri) == 0);
	KASSERT(vn->vn_route->rv_count == 0);
	KASSERT(fib_mem_lines(&rt_main(vn)->tb_ip6->ta_fib.f_mem) == 0);
	for (unsigned i = 0; i < 2; i++)
		etest_detach(&nets[i]);
}

/* --- gateways ------------------------------------------------------------ */

/* A gateway is found by the longest prefix, on link or by other routes, and
 * what it goes by is followed. */
static void
gateways_body(struct vnet *vn)
{

	attach(vn);
	KASSERT(add(vn, via("::", 0, "2001:db8:1::2")) == ENETUNREACH);
	KASSERT(add(vn, on("2001:db8:1::", 64, 0)) == 0);
	KASSERT(is(vn, "2001:db8:1::77", "et0 link"));
	KASSERT(add(vn, via("2001:db8:f000::", 36, "2001:db8:1::2")) == 0);
	KASSERT(is(vn, "2001:db8:f123::1", "et0 2001:db8:1::2"));
	/* By another route's gateway; a host's route; the default one. */
	KASSERT(add(vn, via("3fff::", 20, "2001:db8:f123::1")) == 0);
	KASSERT(add(vn, via("3fff::9", 128, "2001:db8:1::9")) == 0);
	KASSERT(add(vn, via("::", 0, "2001:db8:1::fe")) == 0);
	KASSERT(is(vn, "3fff::8", "et0 2001:db8:1::2"));
	KASSERT(is(vn, "3fff::9", "et0 2001:db8:1::9"));
	KASSERT(is(vn, "4000::", "et0 2001:db8:1::fe"));
	/* No default route leads to a gateway, and no route to its own. */
	KASSERT(add(vn, via("fd00::", 8, "4000::1")) == ENETUNREACH);
	KASSERT(add(vn, via("fd00::", 8, "fd00::1")) == ENETUNREACH);
	/* A route that would lead to its own gateway is passed over for it. */
	KASSERT(add(vn, via("2001:db8:f123::", 48, "3fff::7")) == 0);
	KASSERT(is(vn, "3fff::8", "et0 2001:db8:1::2"));
	KASSERT(is(vn, "2001:db8:f123::1", "et0 2001:db8:1::2"));
	KASSERT(del(vn, "2001:db8:f123::", 48) == 0);
	/* A longer prefix takes the gateway elsewhere, and gives it back. */
	KASSERT(add(vn, on("2001:db8:f123::", 64, 1)) == 0);
	KASSERT(is(vn, "3fff::8", "et1 2001:db8:f123::1"));
	KASSERT(del(vn, "2001:db8:f123::", 64) == 0);
	KASSERT(is(vn, "3fff::8", "et0 2001:db8:1::2"));
	KASSERT(del(vn, "2001:db8:1::", 64) == 0);
	KASSERT(is(vn, "3fff::8", "unreachable"));
	KASSERT(is(vn, "4000::", "unreachable"));
	KASSERT(add(vn, on("2001:db8:1::", 64, 1)) == 0);
	KASSERT(is(vn, "3fff::8", "et1 2001:db8:1::2"));
	KASSERT(is(vn, "4000::", "et1 2001:db8:1::fe"));
	detach(vn);
}

static void
test_gateways(void **state)
{

	(void)state;
	net_on_sim(0, gateways_body);
}

/* --- several routes, several ways ---------------------------------------- */

static void
several_body(struct vnet *vn)
{
	struct rt_info ri;
	unsigned n[2] = { 0 };

	attach(vn);
	KASSERT(add(vn, on("2001:db8::", 64, 0)) == 0);
	KASSERT(add(vn, on("2001:db8:0:1::", 64, 1)) == 0);
	/* By metric. */
	ri = via("2600::", 16, "2001:db8::2");
	ri.ri_given = RTV_METRIC;
	ri.ri_metric = 10;
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(rt_add(vn, &ri) == EEXIST);
	ri.ri_gw = addr("2001:db8:0:1::2");
	ri.ri_metric = 20;
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(is(vn, "2600::1", "et0 2001:db8::2"));
	KASSERT(del(vn, "2600::", 16) == 0);
	KASSERT(is(vn, "2600::1", "et1 2001:db8:0:1::2"));
	KASSERT(del(vn, "2600::", 16) == 0);
	KASSERT(is(vn, "2600::1", "none"));
	/* A gateway behind two ways: by the first one that can be used. */
	KASSERT(add_way(vn, via("2600::", 16, "2001:db8::2")) == 0);
	KASSERT(add_way(vn, via("2600::", 16, "2001:db8:0:1::2")) == 0);
	KASSERT(add(vn, via("3fff::", 20, "2600::9")) == 0);
	for (unsigned i = 0; i < 2; i++) {
		KASSERT(is(vn, "3fff::1", "et0 2001:db8::2"));
		KASSERT(del(vn, "2001:db8::", 64) == 0);
		KASSERT(is(vn, "3fff::1", "et1 2001:db8:0:1::2"));
		KASSERT(add(vn, on("2001:db8::", 64, 0)) == 0);
	}
	KASSERT(is(vn, "3fff::1", "et0 2001:db8::2"));
	KASSERT(del(vn, "3fff::", 20) == 0 && del(vn, "2600::", 16) == 0);
	/* Two ways share the flows, and one takes all when the other goes. */
	KASSERT(add_way(vn, via("2600::", 16, "2001:db8::2")) == 0);
	KASSERT(add_way(vn, via("2600::", 16, "2001:db8:0:1::2")) == 0);
	KASSERT(add_way(vn, via("2600::", 16, "2001:db8:0:1::2")) == EEXIST);
	KASSERT(add_way(vn, via("2600:1::", 48, "2001:db8::2")) == 0);
	KASSERT(add_way(vn, to("2600::", 129)) == EINVAL);
	for (uint32_t flow = 0; flow < 1000; flow++)
		n[strncmp(goes(vn, 0, "2600::1", khash_u64(flow)), "et1", 3) ==
		    0]++;
	KASSERT(n[0] > 400 && n[1] > 400);
	ri = via("2600::", 16, "2001:db8::2");
	KASSERT(rt_delete(vn, &ri) == 0);
	for (uint32_t flow = 0; flow < 100; flow++)
		KASSERT(strcmp(goes(vn, 0, "2600::1", khash_u64(flow)),
		    "et1 2001:db8:0:1::2") == 0);
	ri = via("2600::", 16, "2001:db8::9");
	KASSERT(rt_delete(vn, &ri) == ESRCH);
	detach(vn);
}

static void
test_several(void **state)
{

	(void)state;
	net_on_sim(0, several_body);
}

/* --- tables -------------------------------------------------------------- */

static void
bind_to(struct ifnet *ifp, uint32_t table)
{

	if_ioctl_lock(ifp);
	KASSERT(rt_table_bind(ifp, table) == 0);
	if_ioctl_unlock(ifp);
}

static void
tables_body(struct vnet *vn)
{
	struct rt_info ri;

	attach(vn);
	KASSERT(add(vn, on("2001:db8::", 64, 0)) == 0);
	ri = via("2600::", 16, "2001:db8::2");
	ri.ri_table = 7;
	/* A table without interfaces finds its gateways in the main one. */
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(strcmp(goes(vn, 7, "2600::1", 0), "et0 2001:db8::2") == 0);
	KASSERT(is(vn, "2600::1", "none"));
	KASSERT(del(vn, "2001:db8::", 64) == 0);
	KASSERT(strcmp(goes(vn, 7, "2600::1", 0), "unreachable") == 0);
	KASSERT(add(vn, on("2001:db8::", 60, 1)) == 0);
	KASSERT(strcmp(goes(vn, 7, "2600::1", 0), "et1 2001:db8::2") == 0);
	ri = on("2001:db8::", 64, 0);
	ri.ri_table = 7;
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(strcmp(goes(vn, 7, "2600::1", 0), "et0 2001:db8::2") == 0);
	KASSERT(rt_delete(vn, &ri) == 0);
	KASSERT(strcmp(goes(vn, 7, "2600::1", 0), "et1 2001:db8::2") == 0);
	/* One with an interface does not, and again when that has left. */
	bind_to(nets[1].et_ifp, 7);
	KASSERT(strcmp(goes(vn, 7, "2600::1", 0), "unreachable") == 0);
	bind_to(nets[1].et_ifp, 0);
	KASSERT(strcmp(goes(vn, 7, "2600::1", 0), "et1 2001:db8::2") == 0);
	KASSERT(add(vn, on("2001:db8::", 64, 0)) == 0);
	KASSERT(strcmp(goes(vn, 7, "2600::1", 0), "et0 2001:db8::2") == 0);
	KASSERT(del(vn, "2001:db8::", 64) == 0);
	KASSERT(del(vn, "2001:db8::", 60) == 0);
	KASSERT(strcmp(goes(vn, 7, "2600::1", 0), "unreachable") == 0);
	bind_to(nets[1].et_ifp, 7);
	ri = to("2600::", 16);
	ri.ri_table = 7;
	KASSERT(rt_delete(vn, &ri) == 0);
	bind_to(nets[1].et_ifp, 0);
	detach(vn);
	KASSERT(rt_table_numbered(vn, 7) == NULL);
}

static void
test_tables(void **state)
{

	(void)state;
	net_on_sim(0, tables_body);
}

/* --- beside IPv4 --------------------------------------------------------- */

static int
count(const void *msg, void *arg)
{

	(void)msg;
	++*(unsigned *)arg;
	return 0;
}

/* Prefixes of the same bits in both families are two, with spares and gateways
 * of their own. */
static void
families_body(struct vnet *vn)
{
	struct rt_info four = { TEST_DST("32.1.0.0"), .ri_len = 16,
	    .ri_flags = RTF_STATIC | RTF_REJECT };
	struct rt_info six = to("2001::", 16), zero4 = { .ri_len = 0,
	    .ri_flags = RTF_STATIC | RTF_BLACKHOLE };
	struct rt_info zero6 = to("::", 0);
	unsigned n = 0;

	attach(vn);
	six.ri_flags |= RTF_BLACKHOLE;
	zero6.ri_flags |= RTF_REJECT;
	KASSERT(rt_add(vn, &four) == 0 && rt_add(vn, &six) == 0);
	KASSERT(rt_add(vn, &four) == EEXIST && rt_add(vn, &six) == EEXIST);
	KASSERT(rt_add(vn, &zero4) == 0 && rt_add(vn, &zero6) == 0);
	four.ri_given = six.ri_given = RTV_METRIC;
	four.ri_metric = six.ri_metric = 5;
	KASSERT(rt_add(vn, &four) == 0 && rt_add(vn, &six) == 0);
	KASSERT(is(vn, "2001::1", "blackhole") && is(vn, "3001::", "reject"));
	KASSERT(test_rt_lookup(vn, "32.1.0.1")->rt_flags & RTF_REJECT);
	KASSERT(test_rt_lookup(vn, "1.1.0.1")->rt_flags & RTF_BLACKHOLE);
	KASSERT(rt_dump(vn, count, &n) == 0 && n == 6);
	four.ri_metric = six.ri_metric = 0;
	KASSERT(rt_delete(vn, &four) == 0);
	KASSERT(is(vn, "2001::1", "blackhole"));
	KASSERT(rt_delete(vn, &six) == 0);
	KASSERT(is(vn, "2001::1", "blackhole"));	/* of metric 5 */
	KASSERT(test_rt_lookup(vn, "32.1.0.1")->rt_flags & RTF_REJECT);
	four.ri_metric = 5;
	KASSERT(rt_delete(vn, &four) == 0 && rt_delete(vn, &zero4) == 0);
	KASSERT(test_rt_lookup(vn, "32.1.0.1") == NULL);
	/* Gateways of the same bits: two, each found in its own family. */
	four = (struct rt_info){ TEST_DST("99.0.0.0"), .ri_len = 8,
	    TEST_VIA("10.0.0.2"), .ri_given = RTV_LATER };
	six = via("6300::", 8, "a00:2::");
	six.ri_given = RTV_LATER;
	n = (unsigned)vn->vn_route->rv_paths.kh_count;
	KASSERT(rt_add(vn, &four) == 0 && rt_add(vn, &six) == 0);
	KASSERT(memcmp(&four.ri_gw, &six.ri_gw, sizeof(four.ri_gw)) == 0);
	KASSERT(vn->vn_route->rv_paths.kh_count == n + 2);
	KASSERT(add(vn, on("a00::", 16, 1)) == 0);
	KASSERT(is(vn, "6300::1", "et1 a00:2::"));
	KASSERT(test_rt_unreachable(vn, "99.0.0.1"));
	KASSERT(rt_delete(vn, &four) == 0);
	/* A length that the family does not have. */
	six = to("2001::", 129);
	KASSERT(rt_add(vn, &six) == EINVAL && rt_change(vn, &six) == EINVAL &&
	    rt_delete(vn, &six) == EINVAL);
	four.ri_len = 33;
	KASSERT(rt_add(vn, &four) == EINVAL);
	detach(vn);
}

static void
test_families(void **state)
{

	(void)state;
	net_on_sim(0, families_body);
}

/* --- as messages --------------------------------------------------------- */

static bool
is_sa6(const struct sockaddr *sa, const char *text)
{
	const union neigh_addr na = addr(text);

	return sa != NULL && sa->sa_family == AF_INET6 &&
	    memcmp(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr,
	    &na, sizeof(na)) == 0;
}

/* A route is told with all of it, in order, and made again by that. */
static void
messages_body(struct vnet *vn)
{
	union {
		struct rt_msg rtm;
		uint8_t room[RT_MSG_MAX];
	} msg;
	static const char *const order[] = { "2001:db8::", "2001:db8::",
	    "2001:db8::1", "2001:db8:0:1::" };
	const struct sockaddr *sa[RTAX_MAX];
	struct rt_place place = { 0 };
	struct rt_info ri;
	struct prefix pf;

	attach(vn);
	KASSERT(add(vn, on("2001:db8:0:1::", 64, 1)) == 0);
	KASSERT(add(vn, on("2001:db8::", 64, 0)) == 0);
	KASSERT(add(vn, via("2001:db8::1", 128, "2001:db8::2")) == 0);
	ri = via("2001:db8::", 47, "2001:db8::3");
	ri.ri_mtu = 1400;
	ri.ri_expire_ns = kern_now(vn->vn_kern) + 60 * 1000000000ull;
	KASSERT(rt_add(vn, &ri) == 0);
	for (unsigned i = 0; i < 4; i++) {
		KASSERT(rt_dump_next(vn, &place, &msg) == 0);
		KASSERT(rt_msg_check(&msg, msg.rtm.rtm_h.rtm_len, sa) == 0);
		KASSERT(is_sa6(sa[0], order[i]));
		KASSERT((sa[2] == NULL) == (i == 2));
	}
	KASSERT(rt_dump_next(vn, &place, &msg) == ENOENT);
	pf = prefix_of6(&ri.ri_dst, 47);
	KASSERT(rt_get(vn, 0, &pf, RTM_GET, &msg) == 0);
	KASSERT(rt_msg_check(&msg, msg.rtm.rtm_h.rtm_len, sa) == 0);
	KASSERT(is_sa6(sa[1], "2001:db8::3"));
	KASSERT(is_sa6(sa[2], "ffff:ffff:fffe::"));
	KASSERT(msg.rtm.rtm_mtu == 1400 && msg.rtm.rtm_expire_s > 50);
	KASSERT(rt_get_request(vn, &ri, &msg) == 0);
	KASSERT(rt_msg_check(&msg, msg.rtm.rtm_h.rtm_len, sa) == 0);
	KASSERT(is_sa6(sa[0], "2001:db8::") && is_sa6(sa[1], "2001:db8::3"));
	ri = to("2001:db8:1::5", 128);
	pf = rt_info_prefix(&ri);
	KASSERT(rt_get(vn, 0, &pf, RTM_GET, &msg) == ESRCH);
	KASSERT(rt_get_taken(vn, 0, &pf, RTM_GET, &msg) == 0);
	KASSERT(msg.rtm.rtm_mtu == 1400);
	/* The route goes in time, within an eighth. */
	host_sleep(vn->vn_kern->k_host, 70 * 1000000000ull);
	KASSERT(is(vn, "2001:db8:1::5", "none"));
	detach(vn);
}

static void
test_messages(void **state)
{

	(void)state;
	net_on_sim(1, messages_body);
}

/* Routes that go with their interface are remembered, and as many of them told
 * as there is room for. */
static void
lost_body(struct vnet *vn)
{
	char text[1024];
	struct rt_info ri;
	unsigned n = 0;

	attach(vn);
	KASSERT(add(vn, on("2001:db8:1111:2222::", 64, 1)) == 0);
	for (unsigned i = 0; i < RT_NLOST; i++) {
		ri = via("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff00", 128,
		    "2001:db8:1111:2222:3333:4444:5555:6666");
		ri.ri_dst.na_bytes[15] = (uint8_t)i;
		ri.ri_ifp = nets[1].et_ifp;
		KASSERT(rt_add(vn, &ri) == 0);
	}
	etest_detach(&nets[1]);
	test_sysctl_text(vn, "net.route.lastlost", text);
	KASSERT(strncmp(text, "2001:db8:", 9) == 0);
	for (const char *p = text; (p = strstr(p, " on et1")) != NULL; p++)
		n++;
	KASSERT(n > 5 && n < RT_NLOST);
	KASSERT(strcmp(text + strlen(text) - 7, " on et1") == 0);
	etest_attach(vn, &nets[1], 1, &etest_ops, true);
	detach(vn);
}

static void
test_lost(void **state)
{

	(void)state;
	net_on_sim(0, lost_body);
}

/* --- without memory ------------------------------------------------------ */

/* The first route of a family and a table, with each allocation failing. */
static void
nomem_body(struct vnet *vn)
{
	struct rt_info ri = via("2600:1:2:3:4:5:6:7", 128, "2001:db8::2");
	unsigned failed = 0;
	int error;

	attach(vn);
	ri.ri_table = 9;
	ri.ri_given = RTV_LATER;
	for (;; failed++) {
		sim_fail_alloc(vn->vn_kern->k_host, failed + 1);
		error = rt_add(vn, &ri);
		sim_fail_alloc(vn->vn_kern->k_host, 0);
		if (error == 0)
			break;
		KASSERT(error == ENOMEM && vn->vn_route->rv_count == 0);
	}
	KASSERT(failed > 10);
	KASSERT(strcmp(goes(vn, 9, "2600:1:2:3:4:5:6:7", 0), "unreachable") ==
	    0);
	KASSERT(add(vn, on("2001:db8::", 64, 1)) == 0);
	KASSERT(strcmp(goes(vn, 9, "2600:1:2:3:4:5:6:7", 0),
	    "et1 2001:db8::2") == 0);
	detach(vn);
}

static void
test_nomem(void **state)
{

	(void)state;
	net_on_sim(0, nomem_body);
}

/* --- a naive twin -------------------------------------------------------- */

#define NTWINS	250

struct twin {
	struct prefix	 tw_pf;
	uint32_t	 tw_flags;	/* RTF_REJECT, RTF_BLACKHOLE */
};

static struct prefix
some_prefix(struct host *h)
{
	static const uint8_t lens[] = { 0, 1, 16, 29, 32, 33, 47, 48, 64, 65,
	    112, 127, 128 };
	struct prefix pf = { 0x20010db800000000, 0, 0, AF_INET6 };

	for (unsigned i = 0; i < 2; i++) {
		unsigned at = (unsigned)sim_random(h) % 128;

		if (at < 64)
			pf.pf_hi ^= UINT64_C(1) << at;
		else
			pf.pf_lo ^= UINT64_C(1) << (at - 64);
	}
	prefix_cut(&pf, sim_random(h) % 2 == 0 ? (unsigned)sim_random(h) % 129 :
	    lens[sim_random(h) % sizeof(lens)]);
	return pf;
}

static const char *
naive(const struct twin *tw, unsigned n, const struct prefix *pf)
{
	const struct twin *best = NULL;

	for (unsigned i = 0; i < n; i++)
		if (prefix_has(&tw[i].tw_pf, pf) && (best == NULL ||
		    tw[i].tw_pf.pf_len > best->tw_pf.pf_len))
			best = &tw[i];
	return best == NULL ? "none" : best->tw_flags == RTF_REJECT ?
	    "reject" : "blackhole";
}

static void
twin_body(struct vnet *vn)
{
	static struct twin tw[NTWINS];
	struct host *h = vn->vn_kern->k_host;
	char text[INET6_ADDRSTRLEN];
	struct rt_info ri;
	union neigh_addr na;
	struct prefix pf;
	unsigned n = 0, i;

	attach(vn);
	for (unsigned round = 0; round < 6000; round++) {
		pf = some_prefix(h);
		for (i = 0; i < n && !prefix_is(&tw[i].tw_pf, &pf); i++)
			continue;
		ri = (struct rt_info){ .ri_family = AF_INET6,
		    .ri_dst = rt_prefix_addr(&pf), .ri_len = pf.pf_len };
		if (sim_random(h) % 100 < (round / 1500 % 2 == 0 ? 70 : 30) &&
		    n < NTWINS) {
			ri.ri_flags = RTF_STATIC | (round % 3 == 0 ?
			    RTF_REJECT : RTF_BLACKHOLE);
			KASSERT(rt_add(vn, &ri) == (i < n ? EEXIST : 0));
			if (i == n)
				tw[n++] = (struct twin){ pf,
				    ri.ri_flags & RTF_NOWHERE };
		} else if (n > 0) {
			if (i == n)
				i = (unsigned)sim_random(h) % n;
			ri.ri_dst = rt_prefix_addr(&tw[i].tw_pf);
			ri.ri_len = tw[i].tw_pf.pf_len;
			KASSERT(rt_delete(vn, &ri) == 0);
			tw[i] = tw[--n];
		}
		for (unsigned k = 0; k < 4; k++) {
			pf = some_prefix(h);
			pf.pf_len = 128;
			na = rt_prefix_addr(&pf);
			(void)inet_ntop(AF_INET6, &na, text, sizeof(text));
			KASSERT(is(vn, text, naive(tw, n, &pf)));
		}
	}
	detach(vn);
}

static void
test_twin(void **state)
{

	(void)state;
	net_on_sim(0, twin_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gateways),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
