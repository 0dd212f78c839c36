/*
 * The table of neighbours cannot be exhausted from the wire: by requests of
 * others, by packets to addresses that nobody has, on this interface or
 * another.
 */

#include "in_test.h"

static const uint8_t mac1[6] = { 2, 7, 7, 7, 7, 1 };

/* Address i of 10.5.0.0/16, a network of it_b. */
static const char *
addr_of(unsigned i, char a[16])
{

	(void)snprintf(a, 16, "10.5.%u.%u", i / 256 % 256, i % 256);
	return a;
}

/* A packet from src to dst comes in on an interface. */
static void
send_from(struct in_test *it, struct tif *t, const char *src, const char *dst)
{
	uint8_t buf[100];
	unsigned len;

	len = mk_udp(buf, src, dst, 64, 20);
	inject(it, t, buf, len);
}

static void
send_to(struct in_test *it, const char *dst)
{

	send_from(it, &it->it_a, "10.0.1.2", dst);
}

static void
arp_from(struct in_test *it, struct tif *t, uint16_t op, const char *spa,
    const char *tpa)
{
	struct arphdr ar = mk_arp(op, mac1, spa, tpa);

	inject_arp(it, t, &ar, sizeof(ar));
}

/* Packets to addresses from..to-1, which nobody has. */
static void
scan(struct in_test *it, unsigned from, unsigned to)
{
	char a[16];

	for (unsigned i = from; i < to; i++)
		send_to(it, addr_of(i, a));
}

/* Requests to this host by addresses from..to-1. */
static void
asked_by(struct in_test *it, unsigned from, unsigned to)
{
	char a[16];

	for (unsigned i = from; i < to; i++)
		arp_from(it, &it->it_b, ARP_REQUEST, addr_of(i, a),
		    "10.5.0.1");
}

/* Is a packet to an address sent at once, or as soon as the neighbour has
 * answered? */
static bool
reaches(struct in_test *it, const char *dst)
{
	struct tif *t = &it->it_b;
	const struct iphdr4 *ip;

	tif_clear(t);
	send_to(it, dst);
	if (arp_asked(t, NULL, dst) != 0)
		arp_from(it, t, ARP_REPLY, dst, "10.5.0.1");
	if (t->tif_ntx == 0)
		return false;
	ip = tx_ip(t, t->tif_ntx - 1);
	return ip != NULL && ip_is(ip->ip_dst, dst);
}

/* Is the address known, so that it need not be asked for? */
static bool
known(struct in_test *it, const char *dst)
{
	unsigned n;

	tif_clear(&it->it_b);
	send_to(it, dst);
	n = arp_asked(&it->it_b, NULL, dst);
	return n == 0 && it->it_b.tif_ntx == 1;
}

static uint64_t
count(struct in_test *it, const char *kind)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "net.inet.arp.count.%s", kind);
	return test_sysctl(it->it_vn, name);
}

/* it_b has a large network and small limits, but no limit of the rate. */
static void
begin(struct in_test *it)
{

	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.5.0.1", 16) == 0);
	KASSERT(set_sysctl(it, "net.inet.arp.maxentries", 100) == 0);
	KASSERT(set_sysctl(it, "net.inet.arp.maxincomplete", 20) == 0);
	KASSERT(set_sysctl(it, "net.inet.arp.maxunused", 30) == 0);
	KASSERT(set_sysctl(it, "net.inet.arp.maxasks", -1) == 0);
	sleep_ms(it, 3000);
}

/* Strangers ask for this host: neighbours that are used stay, and a new one is
 * found at once; the oldest stranger goes first. */
static void
requests_body(struct in_test *it)
{
	char a[16];

	begin(it);
	for (unsigned i = 0; i < 60; i++)
		KASSERT(reaches(it, addr_of(1000 + i, a)));
	KASSERT(count(it, "used") == 60);
	asked_by(it, 2000, 2500);
	KASSERT(count(it, "unused") == 30 && count(it, "used") == 60);
	KASSERT(ipstat(it, "arp.pushed_unused") == 470);
	KASSERT(reaches(it, addr_of(1100, a)));
	for (unsigned i = 0; i < 60; i++)
		KASSERT(known(it, addr_of(1000 + i, a)));
	/* Of the strangers the latest are there. */
	KASSERT(neigh_req(it, RTM_GET, it->it_b.tif_ifp, addr_of(2499, a),
	    NULL, 0, 0) == 0);
	KASSERT(neigh_req(it, RTM_GET, it->it_b.tif_ifp, addr_of(2470, a),
	    NULL, 0, 0) == 0);
	KASSERT(neigh_req(it, RTM_GET, it->it_b.tif_ifp, addr_of(2469, a),
	    NULL, 0, 0) == ESRCH);
	KASSERT(ipstat(it, "arp.full") == 0);
	all_books(it);
}
IN_TEST(requests, 2)

/* Packets to addresses that nobody has: likewise. */
static void
unused_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	char a[16];

	begin(it);
	for (unsigned i = 0; i < 60; i++)
		KASSERT(reaches(it, addr_of(1000 + i, a)));
	sleep_ms(it, 1000);
	scan(it, 2000, 2400);
	KASSERT(count(it, "incomplete") == 20 && count(it, "used") == 60);
	KASSERT(ipstat(it, "arp.pushed_incomplete") == 380);
	KASSERT(drops(b, DROP_ARP_PUSHED) == 380);
	KASSERT(ifdata(b).ifi_oqueued == 20);
	KASSERT(reaches(it, addr_of(1100, a)));
	for (unsigned i = 0; i < 60; i++)
		KASSERT(known(it, addr_of(1000 + i, a)));
	all_books(it);

	/* Neighbours that did not answer are no obstacle either, and go
	 * first. */
	sleep_ms(it, 6000);
	KASSERT(count(it, "failed") == 19 && count(it, "incomplete") == 0);
	scan(it, 3000, 3015);
	KASSERT(count(it, "failed") == 5 && count(it, "incomplete") == 15);
	KASSERT(reaches(it, addr_of(1101, a)));
	all_books(it);
}
IN_TEST(unused, 2)

/* A table full of neighbours that are used has no room for more, as is said;
 * when some have not been used for a while the oldest of these goes. */
static void
full_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	uint64_t full;
	char a[16];

	begin(it);
	/* One place is the static neighbour's. */
	for (unsigned i = 0; i < 99; i++) {
		KASSERT(reaches(it, addr_of(1000 + i, a)));
		if (i < 6)
			sleep_ms(it, 1000);
	}
	KASSERT(count(it, "used") == 99);
	KASSERT(!reaches(it, addr_of(1100, a)));
	KASSERT(drops(b, DROP_ARP_FULL) == 1);
	KASSERT(ipstat(it, "arp.full") == 1);
	KASSERT(strstr(sim_last_log(it->it_host), "no room") != NULL);
	asked_by(it, 2000, 2010);
	KASSERT(count(it, "unused") == 0 && count(it, "used") == 99);
	KASSERT(ipstat(it, "arp.full") == 11);
	/* By hand there is always room. */
	KASSERT(neigh_req(it, RTM_ADD, b, "10.5.9.9", mac1, 0, 0) == 0);
	KASSERT(count(it, "used") == 98 && count(it, "static") == 3);
	KASSERT(!known(it, addr_of(1000, a)));
	/* Half a minute, in which all but five are used. */
	for (unsigned s = 0; s < 70; s += 5) {
		for (unsigned i = 6; i < 99; i++)
			KASSERT(known(it, addr_of(1000 + i, a)));
		sleep_ms(it, 5000);
	}
	KASSERT(count(it, "used") == 93 && count(it, "idle") == 5);
	/* The first of the five is used again: the next one goes. */
	KASSERT(known(it, addr_of(1001, a)));
	full = ipstat(it, "arp.full");
	KASSERT(reaches(it, addr_of(1100, a)));
	KASSERT(reaches(it, addr_of(1101, a)));
	KASSERT(known(it, addr_of(1001, a)) && known(it, addr_of(1004, a)));
	KASSERT(known(it, addr_of(1005, a)));
	KASSERT(count(it, "idle") <= 2 && ipstat(it, "arp.full") == full);
	KASSERT(ipstat(it, "arp.pushed_idle") == 3);
	for (unsigned i = 6; i < 99; i++)
		KASSERT(known(it, addr_of(1000 + i, a)));
	all_books(it);
}
IN_TEST(full, 1)

/* Neighbours set by hand stay, whatever comes; with nothing but these there is
 * no room. */
static void
by_hand_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	char a[16];

	begin(it);
	for (unsigned i = 0; i < 99; i++)
		KASSERT(neigh_req(it, RTM_ADD, b, addr_of(1000 + i, a), mac1,
		    0, 0) == 0);
	KASSERT(neigh_req(it, RTM_ADD, b, addr_of(1099, a), mac1, 0, 0) ==
	    ENOBUFS);
	scan(it, 2000, 2100);
	asked_by(it, 3000, 3100);
	KASSERT(count(it, "static") == 101 && in_neighbours(it) == 101);
	KASSERT(drops(b, DROP_ARP_FULL) == 100);
	for (unsigned i = 0; i < 99; i++)
		KASSERT(known(it, addr_of(1000 + i, a)));
	/* For a while, by hand: an entry like others, used at first. */
	KASSERT(neigh_req(it, RTM_DELETE, b, addr_of(1000, a), NULL, 0, 0) ==
	    0);
	KASSERT(neigh_req(it, RTM_ADD, b, addr_of(1000, a), mac1, 0, 600) ==
	    0);
	KASSERT(count(it, "used") == 1);
	scan(it, 4000, 4010);
	KASSERT(count(it, "used") == 1);
	sleep_ms(it, 31000);
	KASSERT(count(it, "idle") == 1);
	scan(it, 4010, 4020);
	KASSERT(count(it, "idle") == 0 && count(it, "incomplete") == 1);
	all_books(it);
}
IN_TEST(by_hand, 1)

/* A stranger counts as a neighbour once it has answered: it is asked when it is
 * used. */
static void
confirm_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	char a[16];

	begin(it);
	for (unsigned i = 0; i < 3; i++)
		asked_by(it, 2000, 2003);
	/* A reply that nobody asked for is no answer. */
	arp_from(it, &it->it_b, ARP_REPLY, addr_of(2000, a), "10.5.0.1");
	KASSERT(count(it, "unused") == 3);
	KASSERT(known(it, addr_of(2000, a)) && known(it, addr_of(2001, a)));
	tif_clear(&it->it_b);
	for (unsigned i = 0; i < 40 && arp_asked(&it->it_b, NULL,
	    addr_of(2000, a)) == 0; i++)
		sleep_ms(it, 1000);
	KASSERT(arp_asked(&it->it_b, NULL, addr_of(2000, a)) == 1);
	KASSERT(arp_asked(&it->it_b, NULL, addr_of(2001, a)) == 1);
	KASSERT(arp_asked(&it->it_b, NULL, addr_of(2002, a)) == 0);
	KASSERT(memcmp(it->it_b.tif_tx[0].tp_data, mac1, 6) == 0);
	arp_from(it, &it->it_b, ARP_REPLY, addr_of(2000, a), "10.5.0.1");
	KASSERT(count(it, "unused") == 2 && count(it, "used") == 1);
	/* A stranger that does not answer is forgotten. */
	sleep_ms(it, 7000);
	KASSERT(count(it, "unused") == 1);
	KASSERT(neigh_req(it, RTM_GET, b, addr_of(2001, a), NULL, 0, 0) ==
	    ESRCH);

	/* While it is asked for it asks itself: packets leave, and its answer
	 * counts. */
	tif_clear(&it->it_b);
	send_to(it, addr_of(2100, a));
	asked_by(it, 2100, 2101);
	KASSERT(ifdata(b).ifi_oqueued == 0 && count(it, "unused") == 2);
	arp_from(it, &it->it_b, ARP_REPLY, addr_of(2100, a), "10.5.0.1");
	KASSERT(count(it, "unused") == 1 && count(it, "used") == 2);
	all_books(it);
}
IN_TEST(confirm, 1)

/* Is a packet from src, received on t, one that has its neighbour asked for? */
static bool
asks(struct in_test *it, struct tif *t, const char *src, unsigned i)
{
	uint64_t n = drops(it->it_b.tif_ifp, DROP_ARP_RATE);
	char a[16];

	send_from(it, t, src, addr_of(i, a));
	return drops(it->it_b.tif_ifp, DROP_ARP_RATE) == n;
}

/* New neighbours are asked for at a rate, a part of it for packets of one
 * source, and of one interface. */
static void
rate_body(struct in_test *it)
{
	unsigned n = 0;
	char src[16];

	begin(it);
	KASSERT(set_sysctl(it, "net.inet.arp.maxasks", 80) == 0);
	for (unsigned i = 0; i < 100; i++)
		n += asks(it, &it->it_a, "10.0.1.7", 2000 + i);
	KASSERT(n >= 20 && n <= 25);
	KASSERT(ipstat(it, "arp.limited") == 100 - n);
	/* Others of the same interface, */
	KASSERT(asks(it, &it->it_a, "10.0.1.8", 2100));
	for (unsigned i = 0; i < 200; i++) {
		(void)snprintf(src, sizeof(src), "10.0.1.%u", 20 + i);
		n += asks(it, &it->it_a, src, 2200 + i);
	}
	KASSERT(n >= 35 && n <= 45);
	/* and this host itself. */
	tif_clear(&it->it_b);
	KASSERT(in_output(it, "10.5.0.1", "10.5.77.77") == 0);
	KASSERT(arp_asked(&it->it_b, NULL, "10.5.77.77") == 1);
	sleep_ms(it, 1000);
	KASSERT(asks(it, &it->it_a, "10.0.1.7", 2500));
	/* Known ones need no question. */
	KASSERT(known(it, "10.0.2.2"));
	all_books(it);
}
IN_TEST(rate, 1)

/* The settings at their ends. */
static void
settings_body(struct in_test *it)
{
	static const char *const share[] = { "net.inet.arp.maxincomplete",
	    "net.inet.arp.maxunused" };
	struct ifnet *b = it->it_b.tif_ifp;
	char a[16];

	begin(it);
	for (unsigned i = 0; i < 2; i++) {
		KASSERT(set_sysctl(it, share[i], -1) == EINVAL);
		KASSERT(set_sysctl(it, share[i], (1 << 20) + 1) == EINVAL);
		KASSERT(set_sysctl(it, share[i], 0) == 0);
	}
	KASSERT(set_sysctl(it, "net.inet.arp.maxasks", -2) == EINVAL);
	KASSERT(set_sysctl(it, "net.inet.arp.maxasks", 1000001) == EINVAL);
	/* With 0 no neighbour is asked for or learnt; requests are answered
	 * all the same. */
	KASSERT(!reaches(it, addr_of(1000, a)));
	KASSERT(drops(b, DROP_ARP_FULL) == 1);
	tif_clear(&it->it_b);
	asked_by(it, 2000, 2010);
	KASSERT(it->it_b.tif_ntx == 10 && in_neighbours(it) == 2);
	/* One at a time. */
	for (unsigned i = 0; i < 2; i++)
		KASSERT(set_sysctl(it, share[i], 1) == 0);
	for (unsigned i = 0; i < 5; i++)
		KASSERT(reaches(it, addr_of(1000 + i, a)));
	scan(it, 1100, 1110);
	asked_by(it, 2000, 2010);
	KASSERT(count(it, "incomplete") == 1 && count(it, "unused") == 1);
	KASSERT(reaches(it, addr_of(1010, a)));
	/* As many as there can be: half the table. */
	for (unsigned i = 0; i < 2; i++)
		KASSERT(set_sysctl(it, share[i], 1 << 20) == 0);
	scan(it, 3000, 3200);
	KASSERT(count(it, "incomplete") == 50);
	asked_by(it, 4000, 4200);
	KASSERT(count(it, "unused") + count(it, "incomplete") <= 94);
	KASSERT(count(it, "used") == 6);
	/* Limits that are lower than before. */
	for (unsigned i = 0; i < 2; i++)
		KASSERT(set_sysctl(it, share[i], 0) == 0);
	asked_by(it, 4200, 4201);
	KASSERT(neigh_req(it, RTM_GET, b, addr_of(4200, a), NULL, 0, 0) ==
	    ESRCH);
	KASSERT(!reaches(it, addr_of(3200, a)));
	for (unsigned i = 0; i < 2; i++)
		KASSERT(set_sysctl(it, share[i], 1 << 20) == 0);
	KASSERT(set_sysctl(it, "net.inet.arp.maxentries", 10) == 0);
	for (unsigned i = 0; i < 100; i++)
		KASSERT(reaches(it, addr_of(5000, a)));
	scan(it, 5100, 5200);
	KASSERT(count(it, "incomplete") <= 5 && count(it, "used") == 7);
	KASSERT(set_sysctl(it, "net.inet.arp.maxentries", 2) == 0);
	KASSERT(reaches(it, addr_of(5000, a)));

	KASSERT(set_sysctl(it, "net.inet.arp.maxentries", 100) == 0);
	KASSERT(set_sysctl(it, "net.inet.arp.maxasks", 0) == 0);
	KASSERT(!asks(it, &it->it_a, "10.0.1.7", 6000));
	sleep_ms(it, 2000);
	KASSERT(!asks(it, &it->it_a, "10.0.1.7", 6000));
	KASSERT(set_sysctl(it, "net.inet.arp.maxasks", 1) == 0);
	sleep_ms(it, 2000);
	KASSERT(asks(it, &it->it_a, "10.0.1.7", 6001));
	KASSERT(!asks(it, &it->it_a, "10.0.1.7", 6002));
	KASSERT(set_sysctl(it, "net.inet.arp.maxasks", -1) == 0);
	for (unsigned i = 0; i < 3000; i++)
		KASSERT(asks(it, &it->it_a, "10.0.1.7", 6003 + i));
	all_books(it);
}
IN_TEST(settings, 1)

/* A flood on one interface is nothing to another: the table, the rates, the ARP
 * packets handled, the buffers of packets that wait, the log and the defence of
 * addresses. */
static void
interfaces_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;
	struct mbuf_share_state *ms = it->it_kern->k_share;
	uint8_t buf[100];
	unsigned len;

	begin(it);
	KASSERT(set_sysctl(it, "net.inet.arp.maxentries", 1000) == 0);
	KASSERT(set_sysctl(it, "net.inet.arp.maxincomplete", 500) == 0);
	KASSERT(set_sysctl(it, "net.inet.arp.maxasks", 400) == 0);
	KASSERT(set_sysctl(it, "net.inet.arp.maxpps", 50) == 0);
	ms[MBUF_SHARE_NEIGHBOURS].ms_percent = 1;
	scan(it, 1000, 1400);
	KASSERT(drops(b, DROP_ARP_RATE) > 0 && drops(b, DROP_ARP_SHARE) > 0);
	asked_by(it, 2000, 2200);
	KASSERT(drops(b, DROP_ARP_LIMIT) > 0);
	/* Packets by the other interface wait, and leave. */
	tif_clear(&it->it_a);
	len = mk_udp(buf, "10.0.2.2", "10.0.1.9", 64, 20);
	inject_n(it, &it->it_b, buf, len, 3);
	KASSERT(arp_asked(&it->it_a, NULL, "10.0.1.9") == 1);
	KASSERT(ifdata(a).ifi_oqueued == 3);
	arp_from(it, &it->it_a, ARP_REPLY, "10.0.1.9", "10.0.1.1");
	KASSERT(ifdata(a).ifi_oqueued == 0 && it->it_a.tif_ntx == 4);
	KASSERT(drops(a, DROP_ARP_LIMIT) == 0);
	/* Each waits for as long as the other does not have it all. */
	KASSERT(ifdata(b).ifi_oqueued <= mbuf_total(it->it_kern) / 100 / 2 +
	    1);

	/* An address is defended though others are claimed all the time. */
	sleep_ms(it, 2000);
	tif_clear(&it->it_a);
	for (unsigned i = 0; i < 20; i++)
		arp_from(it, &it->it_b, ARP_REQUEST, "10.5.0.1", "10.5.0.1");
	arp_from(it, &it->it_a, ARP_REQUEST, "10.0.1.1", "10.0.1.1");
	KASSERT(arp_asked(&it->it_a, "10.0.1.1", "10.0.1.1") == 1);
	KASSERT(strstr(sim_last_log(it->it_host), "10.0.1.1") != NULL);
	all_books(it);
}
IN_TEST(interfaces, 1)

/* Messages that a listener has not read. */
static unsigned
messages(struct rt_listener *l)
{
	uint64_t msg[RT_MSG_MAX / 8];
	unsigned n = 0;

	while (test_hear(l, msg) != 0)
		n++;
	return n;
}

/* Followers are told of every neighbour that is used, and at a rate of
 * others. */
static void
told_body(struct in_test *it)
{
	struct rt_listener *l = test_listen(it->it_vn, 1 << 20);
	unsigned n;
	char a[16];

	begin(it);
	KASSERT(set_sysctl(it, "net.inet.arp.maxunused", 50) == 0);
	(void)messages(l);
	asked_by(it, 2000, 4000);
	/* An arrival and a departure each, and those that are there. */
	n = messages(l);
	KASSERT(n >= 100 && n <= 220);
	for (unsigned i = 0; i < 20; i++)
		KASSERT(reaches(it, addr_of(1000 + i, a)));
	KASSERT(messages(l) == 20);
	/* A stranger that was not told is told when it has answered. */
	KASSERT(known(it, addr_of(3999, a)));
	tif_clear(&it->it_b);
	for (unsigned i = 0; i < 40 && arp_asked(&it->it_b, NULL,
	    addr_of(3999, a)) == 0; i++)
		sleep_ms(it, 1000);
	(void)messages(l);
	arp_from(it, &it->it_b, ARP_REPLY, addr_of(3999, a), "10.5.0.1");
	KASSERT(count(it, "used") + count(it, "idle") == 21);
	KASSERT(messages(l) == 1);
	test_listen_end(l);
	all_books(it);
}
IN_TEST(told, 1)

/* Out of memory at each allocation: nothing is lost but what made room, and the
 * next attempt succeeds. */
static void
memory_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	char a[16];
	bool failed;

	begin(it);
	for (unsigned i = 0; i < 40; i++)
		KASSERT(reaches(it, addr_of(1000 + i, a)));
	scan(it, 2000, 2020);
	asked_by(it, 3000, 3030);
	for (unsigned n = 1; ; n++) {
		sim_fail_alloc(it->it_host, n);
		send_to(it, addr_of(2100 + n, a));
		asked_by(it, 3100 + n, 3101 + n);
		failed = sim_alloc_failed(it->it_host);
		sim_fail_alloc(it->it_host, 0);
		all_books(it);
		KASSERT(count(it, "incomplete") <= 20 &&
		    count(it, "unused") <= 30);
		KASSERT(count(it, "used") == 40);
		if (!failed)
			break;
	}
	KASSERT(drops(b, DROP_ARP_FULL) > 0);
	KASSERT(reaches(it, addr_of(1100, a)));
	for (unsigned i = 0; i < 40; i++)
		KASSERT(known(it, addr_of(1000 + i, a)));
	/* The first ARP packet of an interface. */
	tif_detach(&it->it_b);
	tif_attach(it, &it->it_b, 1);
	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.5.0.1", 16) == 0);
	sleep_ms(it, 3000);
	sim_fail_alloc(it->it_host, 1);
	asked_by(it, 1, 2);
	KASSERT(sim_alloc_failed(it->it_host));
	sim_fail_alloc(it->it_host, 0);
	KASSERT(drops(it->it_b.tif_ifp, DROP_ARP_LIMIT) == 1);
	tif_clear(&it->it_b);
	asked_by(it, 2, 3);
	KASSERT(it->it_b.tif_ntx == 1);
	all_books(it);
}
IN_TEST(memory, 1)

/* Packets from a neighbour neither make it used nor keep it from being seen to
 * be. */
static void
looked_at_body(struct in_test *it)
{
	char a[16];

	begin(it);
	KASSERT(reaches(it, addr_of(1000, a)));
	for (unsigned i = 0; i < 20; i++) {
		sleep_ms(it, 20000);
		arp_from(it, &it->it_b, ARP_REQUEST, addr_of(1000, a),
		    "10.5.0.1");
	}
	KASSERT(count(it, "used") == 0 && count(it, "idle") >= 1);
	for (unsigned i = 0; i < 10; i++) {
		asked_by(it, 1500, 1501);
		KASSERT(known(it, addr_of(1500, a)));
		for (unsigned j = 0; j < 10; j++) {
			tif_clear(&it->it_b);
			sleep_ms(it, 1000);
			if (arp_asked(&it->it_b, NULL, addr_of(1500, a)) != 0)
				arp_from(it, &it->it_b, ARP_REPLY,
				    addr_of(1500, a), "10.5.0.1");
		}
	}
	KASSERT(count(it, "unused") == 0 && count(it, "used") == 1);
}
IN_TEST(looked_at, 1)

/* A claim to a stranger's address, and its answer, do not make it used. */
static void
claimed_body(struct in_test *it)
{
	static const uint8_t other[6] = { 2, 7, 7, 7, 7, 9 };
	uint64_t used;
	struct arphdr ar;
	char a[16];

	begin(it);
	used = count(it, "used");
	KASSERT(set_sysctl(it, "net.inet.arp.maxasks", 0) == 0);
	for (unsigned i = 3000; i < 3100; i++) {
		asked_by(it, i, i + 1);
		ar = mk_arp(ARP_REQUEST, other, addr_of(i, a), "10.5.0.1");
		inject_arp(it, &it->it_b, &ar, sizeof(ar));
		arp_from(it, &it->it_b, ARP_REPLY, addr_of(i, a), "10.5.0.1");
	}
	KASSERT(count(it, "used") == used && ipstat(it, "arp.full") == 0);
	KASSERT(count(it, "unused") <= 30);
}
IN_TEST(claimed, 1)

/* A limit gives its rate, however often it is asked. */
static void
tokens_body(struct in_test *it)
{
	struct ip_tokens tk = { 0, 0 };
	uint64_t s = 1000000000;
	unsigned n = 0;

	(void)it;
	for (uint64_t t = s; t < 101 * s; t += 600000)
		n += ip_token_take(&tk, t, 3);
	KASSERT(n >= 298 && n <= 304);
	tk.it_ns = 0;
	n = 0;
	for (uint64_t t = s; t < 11 * s; t += 7900)
		n += ip_token_take(&tk, t, 250);
	KASSERT(n >= 2740 && n <= 2751);
}
IN_TEST(tokens, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests),
		cmocka_unit_test(unused),
		cmocka_unit_test(full),
		cmocka_unit_test(by_hand),
		cmocka_unit_test(confirm),
		cmocka_unit_test(rate),
		cmocka_unit_test(settings),
		cmocka_unit_test(interfaces),
		cmocka_unit_test(told),
		cmocka_unit_test(memory),
		cmocka_unit_test(looked_at),
		cmocka_unit_test(claimed),
		cmocka_unit_test(tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
