/*
 * Addresses by what they are for (RFC 6890, RFC 3927), and sources by where
 * they come from (RFC 3704).
 */

#include "in_test.h"

/* The registry of special-purpose addresses: each block, and its uses. */
#define S	1	/* source */
#define D	2	/* destination */
#define F	4	/* forwardable */
#define DOC	8	/* documentation: as its own route makes it */
#define LINK	16	/* its sources stay on the link, too */
#define NONE	32	/* impossible: dropped as such, not as special */

static const struct block {
	const char	*net, *last;
	unsigned	 what;
	enum drop_reason why;		/* as a destination */
} blocks[] = {
	{ "0.0.0.1", "0.255.255.255", NONE, DROP_IP_DST },
	{ "10.0.0.9", "10.255.255.254", S | D | F, 0 },
	{ "100.64.0.0", "100.127.255.255", S | D | F, 0 },
	{ "127.0.0.0", "127.255.255.255", NONE, DROP_IP_DST },
	{ "169.254.0.0", "169.254.255.255", S | D | LINK, DROP_IP_LINKLOCAL },
	{ "169.253.255.255", "169.255.0.0", S | D | F, 0 },
	{ "172.16.0.0", "172.31.255.255", S | D | F, 0 },
	{ "192.0.0.0", "192.0.0.7", S | D | F, 0 },
	{ "192.0.0.8", "192.0.0.8", S, DROP_IP_SPECIAL },
	{ "192.0.0.9", "192.0.0.10", S | D | F, 0 },
	{ "192.0.0.11", "192.0.0.169", 0, DROP_IP_SPECIAL },
	{ "192.0.0.170", "192.0.0.171", 0, DROP_IP_SPECIAL },
	{ "192.0.0.172", "192.0.0.255", 0, DROP_IP_SPECIAL },
	{ "192.0.1.0", "192.0.1.255", S | D | F, 0 },
	{ "192.0.2.0", "192.0.2.255", DOC, DROP_IP_SPECIAL },
	{ "192.0.3.0", "192.31.196.255", S | D | F, 0 },
	{ "192.52.193.0", "192.88.99.255", S | D | F, 0 },
	{ "192.168.0.0", "192.168.255.255", S | D | F, 0 },
	{ "192.175.48.0", "192.175.48.255", S | D | F, 0 },
	{ "198.18.0.0", "198.19.255.255", S | D | F, 0 },
	{ "198.51.99.255", "198.51.101.0", S | D | F, 0 },
	{ "198.51.100.0", "198.51.100.255", DOC, DROP_IP_SPECIAL },
	{ "203.0.112.255", "203.0.114.0", S | D | F, 0 },
	{ "203.0.113.0", "203.0.113.255", DOC, DROP_IP_SPECIAL },
	{ "223.255.255.254", "223.255.255.255", S | D | F, 0 },
	{ "224.0.0.2", "239.255.255.255", NONE, DROP_IP_MCAST },
	{ "240.0.0.0", "255.255.255.254", NONE, DROP_IP_DST },
};
#define NBLOCKS	(sizeof(blocks) / sizeof(blocks[0]))

/* A packet through the router (to nothing but a host of the right network): it
 * leaves, or is dropped for this reason without a word. */
static void
passes(struct in_test *it, const char *src, const char *dst, bool odd,
    enum drop_reason why)
{
	struct ifnet *ifp = it->it_a.tif_ifp;
	uint64_t before = why != 0 ? drops(ifp, why) : 0;
	uint8_t buf[128];
	unsigned len;

	tif_clear(&it->it_a);
	tif_clear(&it->it_b);
	len = mk_udp(buf, src, dst, 64, 20);
	if (odd) {
		/* An option makes it go the slow way. */
		memmove(buf + 24, buf + 20, len - 20);
		memset(buf + 20, IPOPT_NOP, 4);
		buf[0] = 0x46;
		len += 4;
		buf[3] = (uint8_t)len;
		ip_set_cksum((struct iphdr4 *)(void *)buf);
	}
	inject(it, &it->it_a, buf, len);
	if (it->it_b.tif_ntx != (why == 0) ||
	    (why != 0 && drops(ifp, why) != before + 1)) {
		(void)fprintf(stderr, "%s to %s: not %s\n", src, dst,
		    why == 0 ? "forwarded" : drop_name(why));
		for (unsigned i = 0; i < DROP_NREASONS; i++)
			if (drops(ifp, i) != 0)
				(void)fprintf(stderr, "%s %ju\n", drop_name(i),
				    (uintmax_t)drops(ifp, i));
	}
	KASSERT(it->it_b.tif_ntx == (why == 0) && it->it_a.tif_ntx == 0);
	KASSERT(why == 0 || drops(ifp, why) == before + 1);
}

/* The reason for which a block's address as a source is dropped. */
static enum drop_reason
source_why(const struct block *b)
{

	if ((b->what & NONE) != 0)
		return DROP_IP_SRC;
	if ((b->what & LINK) != 0)
		return DROP_IP_LINKLOCAL;
	return (b->what & S) != 0 ? 0 : DROP_IP_SPECIAL;
}

static void
many_routes(struct in_test *it)
{
	char net[16];

	for (unsigned i = 0; i < 40; i++) {
		(void)snprintf(net, sizeof(net), "20.%u.1.1", i);
		KASSERT(route_add(it, net, 32, "10.0.2.2", RTF_STATIC, 0) ==
		    0);
	}
}

static void
forward_body(struct in_test *it)
{
	const struct block *b;

	KASSERT(route_add(it, "0.0.0.0", 0, "10.0.2.2", RTF_STATIC, 0) == 0);
	for (unsigned i = 0; i < 3 * NBLOCKS; i++) {
		/* At last with so many routes that they are looked up
		 * together. */
		if (i == 2 * NBLOCKS)
			many_routes(it);
		b = &blocks[i % NBLOCKS];
		passes(it, "10.0.1.2", b->net, i / NBLOCKS == 1, b->why);
		passes(it, "10.0.1.2", b->last, i / NBLOCKS == 1, b->why);
		passes(it, b->net, "10.0.2.2", i / NBLOCKS == 1, source_why(b));
		passes(it, b->last, "10.0.2.2", i / NBLOCKS == 1,
		    source_why(b));
	}
	all_books(it);
}
IN_TEST(forward, 1)

/* A route into a block of the documentation is somebody's decision; one into
 * another block changes nothing. */
static void
own_routes_body(struct in_test *it)
{
	static const struct {
		const char *net; unsigned len; const char *host;
		enum drop_reason dst, src;
	} own[] = {
		{ "192.0.2.0", 24, "192.0.2.9", 0, 0 },
		{ "198.51.100.128", 25, "198.51.100.200", 0, 0 },
		{ "203.0.113.7", 32, "203.0.113.7", 0, 0 },
		{ "192.0.0.0", 23, "192.0.0.99", DROP_IP_SPECIAL,
		    DROP_IP_SPECIAL },
		{ "192.0.0.170", 32, "192.0.0.170", DROP_IP_SPECIAL,
		    DROP_IP_SPECIAL },
		{ "169.254.7.0", 24, "169.254.7.7", DROP_IP_LINKLOCAL,
		    DROP_IP_LINKLOCAL },
	};

	KASSERT(route_add(it, "0.0.0.0", 0, "10.0.2.2", RTF_STATIC, 0) == 0);
	for (unsigned i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		KASSERT(route_add(it, own[i].net, own[i].len, "10.0.2.2",
		    RTF_STATIC, 0) == 0);
		for (unsigned odd = 0; odd < 2; odd++) {
			passes(it, "10.0.1.2", own[i].host, odd, own[i].dst);
			passes(it, own[i].host, "10.0.2.2", odd, own[i].src);
		}
	}
	/* Beside the route it is as before; also with a shorter one. */
	passes(it, "10.0.1.2", "198.51.100.5", false, DROP_IP_SPECIAL);
	KASSERT(route_add(it, "203.0.112.0", 23, "10.0.2.2", RTF_STATIC, 0) ==
	    0);
	passes(it, "10.0.1.2", "203.0.113.9", false, DROP_IP_SPECIAL);
	passes(it, "10.0.1.2", "203.0.112.9", false, 0);
}
IN_TEST(own_routes, 1)

static bool
answers(struct in_test *it, const char *src, const char *dst)
{
	uint64_t echo = ipstat(it, "icmp.echo");
	uint8_t buf[128];

	inject(it, &it->it_a, buf, mk_echo(buf, src, dst, 1, 1, 8));
	return ipstat(it, "icmp.echo") == echo + 1;
}

/* Link-local addresses work on their link; and what may be a source may be
 * one of packets for us. */
static void
local_body(struct in_test *it)
{
	struct ifnet *ifp = it->it_a.tif_ifp;
	const struct block *b;

	KASSERT(addr_add(it, ifp, "169.254.1.1", 16) == 0);
	settle(it);
	KASSERT(answers(it, "169.254.9.9", "169.254.1.1"));
	KASSERT(answers(it, "10.0.1.2", "169.254.1.1"));
	for (unsigned i = 0; i < NBLOCKS; i++) {
		b = &blocks[i];
		if ((b->what & S) != 0 && (b->what & F) == 0) {
			/* On link, or with no route to answer by. */
			(void)answers(it, b->net, "10.0.1.1");
			continue;
		}
		KASSERT(answers(it, b->last, "10.0.1.1") ==
		    ((b->what & S) != 0));
	}
	/* Not to a router, whatever the routes say. */
	KASSERT(route_add(it, "0.0.0.0", 0, "10.0.2.2", RTF_STATIC, 0) == 0);
	tif_clear(&it->it_b);
	KASSERT(answers(it, "99.1.1.1", "169.254.1.1"));
	KASSERT(it->it_b.tif_ntx == 0);
	KASSERT(answers(it, "99.1.1.1", "10.0.1.1"));
	KASSERT(it->it_b.tif_ntx == 1);
	all_books(it);
}
IN_TEST(local, 1)

/* Which may be given to an interface. */
static void
configured_body(struct in_test *it)
{
	static const struct {
		const char *addr;
		int error;
	} rows[] = {
		{ "0.1.2.3", EINVAL }, { "127.0.0.1", EINVAL },
		{ "192.0.0.1", 0 }, { "192.0.0.9", 0 }, { "192.0.0.8", 0 },
		{ "192.0.0.99", EINVAL }, { "192.0.0.170", EINVAL },
		{ "192.0.0.171", EINVAL }, { "192.0.2.1", 0 },
		{ "198.51.100.1", 0 }, { "203.0.113.1", 0 },
		{ "169.254.3.3", 0 }, { "100.64.1.1", 0 },
		{ "198.18.1.1", 0 }, { "224.0.0.5", EINVAL },
		{ "240.1.1.1", EINVAL }, { "255.255.255.255", EINVAL },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		KASSERT(addr_add(it, it->it_b.tif_ifp, rows[i].addr, 32) ==
		    rows[i].error);
	KASSERT(addr_add(it, it->it_lo, "127.0.0.1", 8) == 0);
}
IN_TEST(configured, 1)

/* In ARP: nobody has an address that no host can have, and all hear of a
 * link-local one. */
static void
arp_body(struct in_test *it)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 };
	struct arphdr ar;

	KASSERT(addr_add(it, it->it_a.tif_ifp, "169.254.1.1", 16) == 0);
	sleep_ms(it, 3000);
	tif_clear(&it->it_a);
	ar = mk_arp(ARP_REQUEST, it->it_a.tif_peer, "192.0.0.170", "10.0.1.1");
	inject_arp(it, &it->it_a, &ar, sizeof(ar));
	KASSERT(it->it_a.tif_ntx == 0 &&
	    drops(it->it_a.tif_ifp, DROP_ARP_BAD) == 1);
	ar = mk_arp(ARP_REQUEST, it->it_a.tif_peer, "169.254.9.9",
	    "169.254.1.1");
	inject_arp(it, &it->it_a, &ar, sizeof(ar));
	KASSERT(it->it_a.tif_ntx == 1 &&
	    tx_arp(&it->it_a, 0)->ar_op == htons(ARP_REPLY));
	KASSERT(memcmp(it->it_a.tif_tx[0].tp_data, all, 6) == 0);
	/* Others are answered alone. */
	ar = mk_arp(ARP_REQUEST, it->it_a.tif_peer, "10.0.1.2", "10.0.1.1");
	inject_arp(it, &it->it_a, &ar, sizeof(ar));
	KASSERT(it->it_a.tif_ntx == 2 && memcmp(it->it_a.tif_tx[1].tp_data,
	    it->it_a.tif_peer, 6) == 0);
}
IN_TEST(arp, 1)

/* --- sources that belong elsewhere --------------------------------------- */

#define RPF	"net.inet.ip.rpf"
#define RPF_A	"net.interfaces.tif0.rpf"

static void
each_way(struct in_test *it, const char *src, enum drop_reason why)
{

	passes(it, src, "10.0.2.2", false, why);
	passes(it, src, "10.0.2.2", true, why);
}

static void
rpf_body(struct in_test *it)
{

	KASSERT(route_add(it, "10.1.0.0", 16, "10.0.1.2", RTF_STATIC, 0) == 0);
	KASSERT(route_add(it, "10.2.0.0", 16, "10.0.2.2", RTF_STATIC, 0) == 0);
	KASSERT(route_add(it, "10.3.0.0", 16, NULL, RTF_BLACKHOLE, 0) == 0);
	KASSERT(route_add(it, "10.4.0.0", 16, NULL, RTF_REJECT, 0) == 0);
	/* Off, unless somebody asks for it. */
	each_way(it, "10.2.1.1", 0);
	each_way(it, "10.3.1.1", 0);
	each_way(it, "99.1.1.1", 0);

	KASSERT(set_sysctl(it, RPF, 2) == 0);
	each_way(it, "10.1.1.1", 0);
	each_way(it, "10.2.1.1", 0);
	each_way(it, "10.0.2.9", 0);
	each_way(it, "10.3.1.1", DROP_IP_RPF);
	each_way(it, "10.4.1.1", DROP_IP_RPF);
	each_way(it, "99.1.1.1", DROP_IP_RPF);

	KASSERT(set_sysctl(it, RPF, 1) == 0);
	each_way(it, "10.0.1.2", 0);
	each_way(it, "10.1.1.1", 0);
	each_way(it, "10.2.1.1", DROP_IP_RPF);
	each_way(it, "10.0.2.9", DROP_IP_RPF);
	each_way(it, "99.1.1.1", DROP_IP_RPF);
	KASSERT(!answers(it, "10.2.1.1", "10.0.1.1"));

	/* The interface's own setting counts more. */
	KASSERT(set_sysctl(it, RPF_A, 0) == 0);
	each_way(it, "10.2.1.1", 0);
	KASSERT(set_sysctl(it, RPF_A, 2) == 0);
	each_way(it, "10.2.1.1", 0);
	each_way(it, "99.1.1.1", DROP_IP_RPF);
	KASSERT(set_sysctl(it, RPF, 0) == 0);
	each_way(it, "99.1.1.1", DROP_IP_RPF);
	KASSERT(set_sysctl(it, RPF_A, -1) == 0);
	each_way(it, "99.1.1.1", 0);

	/* A default route is a route (RFC 3704 2.4), there. */
	KASSERT(route_add(it, "0.0.0.0", 0, "10.0.2.2", RTF_STATIC, 0) == 0);
	KASSERT(set_sysctl(it, RPF, 2) == 0);
	each_way(it, "99.1.1.1", 0);
	KASSERT(set_sysctl(it, RPF, 1) == 0);
	each_way(it, "99.1.1.1", DROP_IP_RPF);

	KASSERT(set_sysctl(it, RPF, 3) == EINVAL);
	KASSERT(set_sysctl(it, RPF, -1) == EINVAL);
	KASSERT(set_sysctl(it, RPF_A, 3) == EINVAL);
	KASSERT(set_sysctl(it, RPF_A, -2) == EINVAL);
	all_books(it);
}
IN_TEST(rpf, 1)

/* A host that asks for an address has none yet. */
static void
rpf_unknown_body(struct in_test *it)
{
	uint64_t before = drops(it->it_a.tif_ifp, DROP_IP_PORTUNREACH);
	uint8_t buf[128];

	KASSERT(set_sysctl(it, RPF, 1) == 0);
	inject_bcast(it, &it->it_a, buf, mk_udp(buf, "0.0.0.0",
	    "255.255.255.255", 64, 20));
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_PORTUNREACH) == before + 1);
	inject_bcast(it, &it->it_a, buf, mk_udp(buf, "10.0.2.2", "10.0.1.255",
	    64, 20));
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP_RPF) == 1);
	all_books(it);
}
IN_TEST(rpf_unknown, 1)

/* Always: a network and its broadcast address are no hosts. */
static void
network_body(struct in_test *it)
{

	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.5.0.1", 31) == 0);
	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.5.1.9", 30) == 0);
	settle(it);
	tif_clear(&it->it_b);
	each_way(it, "10.0.1.0", DROP_IP_SRC);
	each_way(it, "10.0.2.0", DROP_IP_SRC);
	each_way(it, "10.0.1.255", DROP_IP_SRC);
	each_way(it, "10.0.2.255", DROP_IP_SRC);
	each_way(it, "10.5.1.8", DROP_IP_SRC);
	each_way(it, "10.5.1.11", DROP_IP_SRC);
	KASSERT(!answers(it, "10.0.1.0", "10.0.1.1"));
	/* Both addresses of a /31 are hosts (RFC 3021), and so is the first
	 * one of a prefix that is not connected. */
	each_way(it, "10.5.0.0", 0);
	/* So they are where another network begins at one of them. */
	KASSERT(addr_add(it, it->it_a.tif_ifp, "10.5.0.9", 24) == 0);
	settle(it);
	tif_clear(&it->it_a);
	each_way(it, "10.5.0.0", 0);
	KASSERT(route_add(it, "10.6.0.0", 16, "10.0.2.2", RTF_STATIC, 0) == 0);
	each_way(it, "10.6.0.0", 0);
	/* A route that somebody asked for hides neither: a longer one, one of
	 * the same prefix; but what it alone makes the first is a host. */
	KASSERT(route_add(it, "10.0.1.0", 26, "10.0.2.2", RTF_STATIC, 0) == 0);
	KASSERT(route_add(it, "10.0.1.64", 26, "10.0.2.2", RTF_STATIC, 0) == 0);
	KASSERT(route_add(it, "10.8.0.0", 24, "10.0.2.2", RTF_STATIC, 0) == 0);
	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.8.0.1", 24) == 0);
	settle(it);
	tif_clear(&it->it_b);
	each_way(it, "10.0.1.0", DROP_IP_SRC);
	each_way(it, "10.8.0.0", DROP_IP_SRC);
	each_way(it, "10.8.0.255", DROP_IP_SRC);
	each_way(it, "10.0.1.64", 0);
	all_books(it);
}
IN_TEST(network, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forward),
		cmocka_unit_test(own_routes),
		cmocka_unit_test(local),
		cmocka_unit_test(configured),
		cmocka_unit_test(arp),
		cmocka_unit_test(rpf),
		cmocka_unit_test(rpf_unknown),
		cmocka_unit_test(network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
