/*
 * Address resolution: states and their timer, what waits, announcements,
 * conflicts, storms, entries by request.
 */

#include "in_test.h"

static const uint8_t mac1[6] = { 2, 7, 7, 7, 7, 1 };
static const uint8_t mac2[6] = { 2, 7, 7, 7, 7, 2 };

static void
send_to(struct in_test *it, const char *dst, unsigned n)
{
	uint8_t buf[100];
	unsigned len;

	len = mk_udp(buf, "10.0.1.2", dst, 64, 20);
	inject_n(it, &it->it_a, buf, len, n);
}

static void
reply_from(struct in_test *it, struct tif *t, const uint8_t *mac,
    const char *spa, const char *tpa)
{
	struct arphdr ar = mk_arp(ARP_REPLY, mac, spa, tpa);

	inject_arp(it, t, &ar, sizeof(ar));
}

/* Is a packet to dst sent to mac? */
static bool
goes_to(struct in_test *it, const char *dst, const uint8_t *mac)
{
	unsigned at;

	at = it->it_b.tif_ntx;
	send_to(it, dst, 1);
	return it->it_b.tif_ntx > at && tx_ip(&it->it_b, at) != NULL &&
	    memcmp(it->it_b.tif_tx[at].tp_data, mac, 6) == 0;
}

static void
resolve_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	const struct arphdr *ar;

	send_to(it, "10.0.2.9", 3);
	KASSERT(it->it_b.tif_ntx == 1);
	ar = tx_arp(&it->it_b, 0);
	KASSERT(ar != NULL && ip_is(ar->ar_spa, "10.0.2.1") &&
	    ip_is(ar->ar_tpa, "10.0.2.9"));
	KASSERT(memcmp(ar->ar_sha, it->it_b.tif_mac, 6) == 0);
	KASSERT(ifdata(b).ifi_oqueued == 3);
	all_books(it);
	reply_from(it, &it->it_b, mac1, "10.0.2.9", "10.0.2.1");
	KASSERT(it->it_b.tif_ntx == 4 && ifdata(b).ifi_oqueued == 0);
	for (unsigned i = 1; i < 4; i++)
		KASSERT(memcmp(it->it_b.tif_tx[i].tp_data, mac1, 6) == 0);
	KASSERT(goes_to(it, "10.0.2.9", mac1));
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.9") == 1);
	all_books(it);
}
IN_TEST(resolve, 2)

/* Five requests, a second apart; then the packets are dropped, the source
 * told, and nothing asked for a while. */
static void
silence_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	const struct icmphdr4 *icmp;

	send_to(it, "10.0.2.9", 4);
	for (unsigned s = 1; s < 5; s++) {
		sleep_ms(it, 1000);
		KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.9") >= s &&
		    arp_asked(&it->it_b, NULL, "10.0.2.9") <= s + 1);
		KASSERT(ifdata(b).ifi_oqueued == 4);
	}
	sleep_ms(it, 1600);
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.9") == 5);
	KASSERT(drops(b, DROP_ARP_UNRESOLVED) == 4);
	KASSERT(ifdata(b).ifi_oqueued == 0);
	icmp = tx_icmp(&it->it_a, 0);
	KASSERT(icmp != NULL && icmp->icmp_type == ICMP4_UNREACH &&
	    icmp->icmp_code == ICMP4_UNREACH_HOST);
	KASSERT(ipstat(it, "arp.timeouts") == 1);

	send_to(it, "10.0.2.9", 100);
	KASSERT(drops(b, DROP_ARP_UNRESOLVED) == 104);
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.9") == 5);
	all_books(it);
	/* The neighbour comes to life by itself, */
	reply_from(it, &it->it_b, mac1, "10.0.2.9", "10.0.2.1");
	KASSERT(goes_to(it, "10.0.2.9", mac1));
	/* another one is asked for again after a while. */
	send_to(it, "10.0.2.8", 1);
	sleep_ms(it, 12000);
	send_to(it, "10.0.2.8", 1);
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.8") == 6);
	all_books(it);
}
IN_TEST(silence, 1)

static void
hold_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;

	KASSERT(set_sysctl(it, "net.inet.arp.maxhold", 5) == 0);
	send_to(it, "10.0.2.9", 50);
	KASSERT(ifdata(b).ifi_oqueued == 5);
	KASSERT(drops(b, DROP_ARP_QUEUE) == 45);
	all_books(it);
	KASSERT(set_sysctl(it, "net.inet.arp.maxhold", 0) == 0);
	send_to(it, "10.0.2.10", 2);
	KASSERT(drops(b, DROP_ARP_QUEUE) == 47);
	/* The interface goes away with packets waiting. */
	tif_detach(&it->it_b);
	KASSERT(in_neighbours(it) == 1);
}
IN_TEST(hold, 2)

/* A storm of packets to addresses without hosts. */
static void
storm_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	char dst[32];

	KASSERT(set_sysctl(it, "net.inet.arp.maxentries", 40) == 0);
	for (unsigned i = 3; i < 250; i++) {
		(void)snprintf(dst, sizeof(dst), "10.0.2.%u", i);
		send_to(it, dst, 1);
	}
	KASSERT(in_neighbours(it) == 22);
	KASSERT(ifdata(b).ifi_oqueued == 20);
	KASSERT(drops(b, DROP_ARP_PUSHED) == 227);
	/* Neighbours that are there are still found. */
	reply_from(it, &it->it_b, mac1, "10.0.2.249", "10.0.2.1");
	KASSERT(goes_to(it, "10.0.2.249", mac1));
	sleep_ms(it, 15000);
	KASSERT(ifdata(b).ifi_oqueued == 0);
	KASSERT(in_neighbours(it) == 3);
	all_books(it);

	/* A storm of requests: more than handled in a second are dropped. */
	KASSERT(set_sysctl(it, "net.inet.arp.maxpps", 100) == 0);
	for (unsigned i = 0; i < 150; i++) {
		struct arphdr ar = mk_arp(ARP_REQUEST, mac1, "10.0.2.9",
		    "10.0.2.1");

		inject_arp(it, &it->it_b, &ar, sizeof(ar));
	}
	KASSERT(drops(b, DROP_ARP_LIMIT) > 20);
	all_books(it);
}
IN_TEST(storm, 1)

static void
answer_body(struct in_test *it)
{
	struct arphdr ar = mk_arp(ARP_REQUEST, mac1, "10.0.2.50", "10.0.2.1");
	const struct arphdr *out;

	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	out = tx_arp(&it->it_b, 0);
	KASSERT(out != NULL && out->ar_op == htons(ARP_REPLY));
	KASSERT(ip_is(out->ar_spa, "10.0.2.1") &&
	    ip_is(out->ar_tpa, "10.0.2.50"));
	KASSERT(memcmp(out->ar_tha, mac1, 6) == 0 &&
	    memcmp(out->ar_sha, it->it_b.tif_mac, 6) == 0);
	KASSERT(memcmp(it->it_b.tif_tx[0].tp_data, mac1, 6) == 0);
	/* A sender that asks for this host will hear from it. */
	KASSERT(goes_to(it, "10.0.2.50", mac1));

	/* A probe (RFC 5227) is answered but nobody is learnt. */
	tif_clear(&it->it_b);
	ar = mk_arp(ARP_REQUEST, mac2, "0.0.0.0", "10.0.2.1");
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	KASSERT(it->it_b.tif_ntx == 1);
	/* For others, from elsewhere: no answer, no entry. */
	tif_clear(&it->it_b);
	ar = mk_arp(ARP_REQUEST, mac2, "10.0.2.51", "10.0.2.52");
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	ar = mk_arp(ARP_REQUEST, mac2, "10.0.2.51", "10.0.1.1");
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	KASSERT(it->it_b.tif_ntx == 0);
	KASSERT(drops(it->it_b.tif_ifp, DROP_ARP_NOT_OURS) == 2);
	KASSERT(in_neighbours(it) == 3);
	/* Off-link askers get an answer and no entry. */
	ar = mk_arp(ARP_REQUEST, mac2, "192.168.1.1", "10.0.2.1");
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	KASSERT(it->it_b.tif_ntx == 1);
	KASSERT(in_neighbours(it) == 3);
	all_books(it);
}
IN_TEST(answer, 1)

/* One field that makes no sense. */
static void
spoil(struct arphdr *ar, unsigned which)
{
	static const char *const spa[] = { "255.255.255.255", "224.0.0.1",
	    "127.0.0.1" };

	switch (which) {
	case 0:
		ar->ar_hrd = htons(6);
		break;
	case 1:
		ar->ar_pro = htons(ETHERTYPE_IPV6);
		break;
	case 2:
		ar->ar_hln = 8;
		break;
	case 3:
		ar->ar_pln = 16;
		break;
	case 4:
		ar->ar_op = 0;
		break;
	case 5:
		ar->ar_op = htons(3);
		break;
	case 6:
	case 7:
	case 8:
		ar->ar_spa = test_hop(spa[which - 6]);
		break;
	case 9:
		ar->ar_sha[0] = 1;	/* a group */
		break;
	default:
		ar->ar_op = htons(ARP_REPLY);
		ar->ar_spa = 0;
		break;
	}
}

static void
malformed_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	struct arphdr good = mk_arp(ARP_REQUEST, mac1, "10.0.2.9", "10.0.2.1");
	struct arphdr ar;

	for (unsigned len = 0; len < sizeof(good); len++)
		inject_arp(it, &it->it_b, &good, len);
	KASSERT(drops(b, DROP_ARP_SHORT) == sizeof(good));
	for (unsigned i = 0; i < 11; i++) {
		ar = good;
		spoil(&ar, i);
		inject_arp(it, &it->it_b, &ar, sizeof(ar));
		KASSERT(drops(b, DROP_ARP_BAD) == i + 1);
	}
	KASSERT(it->it_b.tif_ntx == 0);
	all_books(it);
	b->if_flags |= IFF_NOARP;
	inject_arp(it, &it->it_b, &good, sizeof(good));
	KASSERT(drops(b, DROP_ARP_NOARP) == 1);
	all_books(it);
}
IN_TEST(malformed, 1)

/* A neighbour moves; a static one does not. */
static void
change_body(struct in_test *it)
{
	send_to(it, "10.0.2.9", 1);
	reply_from(it, &it->it_b, mac1, "10.0.2.9", "10.0.2.1");
	KASSERT(goes_to(it, "10.0.2.9", mac1));
	/* Gratuitous: it announces itself with another card. */
	KASSERT(set_sysctl(it, "net.inet.arp.moves", NEIGH_MOVES_ALWAYS) == 0);
	reply_from(it, &it->it_b, mac2, "10.0.2.9", "10.0.2.9");
	KASSERT(goes_to(it, "10.0.2.9", mac2));
	KASSERT(ipstat(it, "arp.changed") == 1);
	reply_from(it, &it->it_b, mac2, "10.0.2.2", "10.0.2.1");
	KASSERT(goes_to(it, "10.0.2.2", it->it_b.tif_peer));
	/* Unknown ones that announce themselves are not remembered. */
	reply_from(it, &it->it_b, mac2, "10.0.2.77", "10.0.2.77");
	KASSERT(drops(it->it_b.tif_ifp, DROP_ARP_NOT_OURS) == 1);
	/* This host changes its address: packets come from the new one then. */
	if_ioctl_lock(it->it_b.tif_ifp);
	KASSERT(if_set_sadl(it->it_b.tif_ifp, mac1, 6, false) == 0);
	if_ioctl_unlock(it->it_b.tif_ifp);
	sleep_ms(it, 10);
	KASSERT(goes_to(it, "10.0.2.9", mac2));
	KASSERT(memcmp(it->it_b.tif_tx[it->it_b.tif_ntx - 1].tp_data + 6,
	    mac1, 6) == 0);
	all_books(it);
}
IN_TEST(change, 1)

/* In use it is asked about, unicast, and kept as long as it answers; not in
 * use it is forgotten. */
static void
aging_body(struct in_test *it)
{
	unsigned n;

	KASSERT(set_sysctl(it, "net.inet.arp.keep", 10) == 0);
	send_to(it, "10.0.2.9", 1);
	reply_from(it, &it->it_b, mac1, "10.0.2.9", "10.0.2.1");
	KASSERT(goes_to(it, "10.0.2.9", mac1));
	tif_clear(&it->it_b);
	sleep_ms(it, 11000);
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.9") >= 1);
	KASSERT(memcmp(it->it_b.tif_tx[0].tp_data, mac1, 6) == 0);
	reply_from(it, &it->it_b, mac1, "10.0.2.9", "10.0.2.1");
	n = arp_asked(&it->it_b, NULL, "10.0.2.9");
	sleep_ms(it, 5000);
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.9") == n);
	KASSERT(goes_to(it, "10.0.2.9", mac1));

	/* The neighbour does not answer any more: gone after five. */
	tif_clear(&it->it_b);
	sleep_ms(it, 20000);
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.9") == 5);
	KASSERT(in_neighbours(it) == 2);

	/* Not used: no request, and forgotten. */
	reply_from(it, &it->it_b, mac1, "10.0.2.9", "10.0.2.1");
	{
		struct arphdr ar = mk_arp(ARP_REQUEST, mac1, "10.0.2.9",
		    "10.0.2.1");

		inject_arp(it, &it->it_b, &ar, sizeof(ar));
	}
	KASSERT(in_neighbours(it) == 3);
	tif_clear(&it->it_b);
	sleep_ms(it, 30000);
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.9") == 0);
	KASSERT(in_neighbours(it) == 2);
	/* With static entries alone there is no timer. */
	KASSERT(!callout_pending(&it->it_vn->vn_neigh->nc_wheel.w_callout));
	all_books(it);
}
IN_TEST(aging, 1)

/* Every address is announced twice when it comes and when the link does. */
static void
announce_body(struct in_test *it)
{
	const struct arphdr *ar;

	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.3.0.1", 24) == 0);
	sleep_ms(it, 10);
	KASSERT(arp_asked(&it->it_b, NULL, "10.3.0.1") == 1);
	ar = tx_arp(&it->it_b, 0);
	KASSERT(ip_is(ar->ar_spa, "10.3.0.1"));
	KASSERT(it->it_b.tif_tx[0].tp_data[0] == 0xff);
	sleep_ms(it, 2100);
	KASSERT(arp_asked(&it->it_b, NULL, "10.3.0.1") == 2);
	sleep_ms(it, 5000);
	KASSERT(arp_asked(&it->it_b, NULL, "10.3.0.1") == 2);

	tif_clear(&it->it_b);
	if_link_state_change(it->it_b.tif_ifp, LINK_STATE_UP);
	sleep_ms(it, 3000);
	KASSERT(arp_asked(&it->it_b, NULL, "10.3.0.1") == 2 &&
	    arp_asked(&it->it_b, NULL, "10.0.2.1") == 2);
	/* Gone before its second announcement. */
	tif_clear(&it->it_b);
	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.4.0.1", 24) == 0);
	sleep_ms(it, 10);
	KASSERT(addr_del(it, it->it_b.tif_ifp, "10.4.0.1") == 0);
	sleep_ms(it, 3000);
	KASSERT(arp_asked(&it->it_b, NULL, "10.4.0.1") == 1);
	all_books(it);
}
IN_TEST(announce, 2)

/* Another link-level address is made the active one: every address is told
 * from it, and asks and answers come from it. */
static void
lladdr_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	struct arphdr ar = mk_arp(ARP_REQUEST, mac1, "10.0.2.50", "10.0.2.1");
	struct if_laddrreq iflr;
	struct sockaddr_dl *sdl = (struct sockaddr_dl *)&iflr.iflr_addr;
	const struct arphdr *out;

	KASSERT(addr_add(it, b, "10.3.0.1", 24) == 0);
	sleep_ms(it, 3000);
	memset(&iflr, 0, sizeof(iflr));
	memcpy(iflr.iflr_name, b->if_xname, IFNAMSIZ);
	sdl->sdl_family = AF_LINK;
	sdl->sdl_alen = 6;
	memcpy(sdl->sdl_data, mac2, 6);
	/* In reserve: nobody need know. */
	tif_clear(&it->it_b);
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCALIFADDR, &iflr,
	    sizeof(iflr)) == 0);
	sleep_ms(it, 3000);
	KASSERT(it->it_b.tif_ntx == 0);
	iflr.iflr_flags = IFLR_ACTIVE;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCALIFADDR, &iflr,
	    sizeof(iflr)) == 0);
	sleep_ms(it, 3000);
	KASSERT(it->it_b.tif_ntx == 4);
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.1") == 2 &&
	    arp_asked(&it->it_b, NULL, "10.3.0.1") == 2);
	for (unsigned i = 0; i < 4; i++) {
		out = tx_arp(&it->it_b, i);
		KASSERT(out->ar_spa == out->ar_tpa);
		KASSERT(memcmp(out->ar_sha, mac2, 6) == 0);
		KASSERT(memcmp(it->it_b.tif_tx[i].tp_data + 6, mac2, 6) == 0);
	}
	tif_clear(&it->it_b);
	memcpy(it->it_b.tif_mac, mac2, 6);
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	KASSERT(memcmp(tx_arp(&it->it_b, 0)->ar_sha, mac2, 6) == 0);
	all_books(it);
}
IN_TEST(lladdr, 1)

/* Another host claims this host's address: defended once in ten seconds. */
static void
conflict_body(struct in_test *it)
{
	struct arphdr ar = mk_arp(ARP_REQUEST, mac1, "10.0.2.1", "10.0.2.1");

	for (unsigned i = 0; i < 5; i++)
		inject_arp(it, &it->it_b, &ar, sizeof(ar));
	KASSERT(drops(it->it_b.tif_ifp, DROP_ARP_CONFLICT) == 5);
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.1") == 1);
	KASSERT(it->it_b.tif_ntx == 1);
	KASSERT(strstr(sim_last_log(it->it_host), "10.0.2.1") != NULL);
	sleep_ms(it, 11000);
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.1") == 2);
	all_books(it);
}
IN_TEST(conflict, 1)

static int
count_neigh(const void *msg, void *arg)
{

	(void)msg;
	(*(unsigned *)arg)++;
	return 0;
}

static void
request_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	struct arphdr ar;
	unsigned n = 0;

	/* Packets that wait leave when the entry is given. */
	send_to(it, "10.0.2.9", 2);
	KASSERT(neigh_req(it, RTM_ADD, NULL, "10.0.2.9", mac1, 0, 0) == 0);
	settle(it);
	KASSERT(it->it_b.tif_ntx == 3);
	KASSERT(neigh_req(it, RTM_ADD, NULL, "10.0.2.9", mac2, 0, 0) ==
	    EEXIST);
	KASSERT(neigh_req(it, RTM_CHANGE, NULL, "10.0.2.9", mac2, 0, 0) == 0);
	KASSERT(goes_to(it, "10.0.2.9", mac2));
	KASSERT(neigh_req(it, RTM_GET, NULL, "10.0.2.9", NULL, 0, 0) == 0);
	KASSERT(neigh_req(it, RTM_GET, b, "10.0.2.99", NULL, 0, 0) == ESRCH);
	KASSERT(neigh_req(it, RTM_DELETE, NULL, "10.0.2.9", NULL, 0, 0) == 0);
	KASSERT(neigh_req(it, RTM_DELETE, NULL, "10.0.2.9", NULL, 0, 0) ==
	    ESRCH);
	/* Nonsense. */
	KASSERT(neigh_req(it, RTM_ADD, NULL, "10.0.2.9", NULL, 0, 0) ==
	    EINVAL);
	KASSERT(neigh_req(it, RTM_ADD, NULL, "99.9.9.9", mac1, 0, 0) ==
	    EHOSTUNREACH);
	KASSERT(neigh_req(it, RTM_ADD, NULL, "10.0.2.1", mac1, 0, 0) ==
	    EHOSTUNREACH);
	KASSERT(neigh_req(it, RTM_ADD, NULL, "224.0.0.1", mac1, 0, 0) ==
	    EINVAL);
	KASSERT(neigh_req(it, RTM_ADD, it->it_lo, "10.0.2.9", mac1, 0, 0) ==
	    EINVAL);

	/* Published: we answer for it. */
	KASSERT(neigh_req(it, RTM_ADD, b, "10.0.2.200", mac2, RTF_ANNOUNCE,
	    0) == 0);
	tif_clear(&it->it_b);
	ar = mk_arp(ARP_REQUEST, mac1, "10.0.2.60", "10.0.2.200");
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	KASSERT(it->it_b.tif_ntx == 1);
	KASSERT(memcmp(tx_arp(&it->it_b, 0)->ar_sha, mac2, 6) == 0);
	/* For a while. */
	KASSERT(neigh_req(it, RTM_ADD, b, "10.0.2.201", mac2, 0, 5) == 0);
	KASSERT(rtsock_dump(it->it_vn, RTS_NEIGH, 0, count_neigh, &n) == 0 &&
	    n == 4);
	n = 0;
	KASSERT(rtsock_dump(it->it_vn, RTS_NEIGH, b->if_handle, count_neigh,
	    &n) == 0 && n == 3);
	/* Deleting one that holds packets. */
	send_to(it, "10.0.2.77", 3);
	KASSERT(neigh_req(it, RTM_DELETE, NULL, "10.0.2.77", NULL, 0, 0) ==
	    0);
	KASSERT(drops(b, DROP_ARP_UNRESOLVED) == 3);
	all_books(it);
}
IN_TEST(request, 2)

/* Link-level addresses a neighbour may have, by request and on the wire. */
static void
station_body(struct in_test *it)
{
	static const uint8_t none[6], group[6] = { 1, 0, 0x5e, 0, 0, 1 };
	struct ifnet *b = it->it_b.tif_ifp;
	const uint8_t *const bad[] = { none, group, etherbroadcastaddr };
	struct arphdr ar;
	uint64_t n;

	for (unsigned i = 0; i < 3; i++) {
		KASSERT(neigh_req(it, RTM_ADD, b, "10.0.2.9", bad[i], 0, 0) ==
		    EINVAL);
		KASSERT(neigh_req(it, RTM_CHANGE, b, "10.0.2.2", bad[i], 0,
		    0) == EINVAL);
		n = drops(b, DROP_ARP_BAD);
		ar = mk_arp(ARP_REPLY, bad[i], "10.0.2.2", "10.0.2.1");
		inject_arp(it, &it->it_b, &ar, sizeof(ar));
		KASSERT(drops(b, DROP_ARP_BAD) == n + 1);
	}
	/* Neither a network nor a broadcast address asks or answers. */
	for (unsigned i = 0; i < 2; i++) {
		n = drops(b, DROP_ARP_BAD);
		tif_clear(&it->it_b);
		ar = mk_arp(ARP_REQUEST, mac1, i == 0 ? "10.0.2.0" :
		    "10.0.2.255", "10.0.2.1");
		inject_arp(it, &it->it_b, &ar, sizeof(ar));
		KASSERT(drops(b, DROP_ARP_BAD) == n + 1);
		KASSERT(it->it_b.tif_ntx == 0);
	}
	KASSERT(neigh_req(it, RTM_GET, b, "10.0.2.0", NULL, 0, 0) == ESRCH);
	/* Addresses of this host, which alone published make sense. */
	KASSERT(neigh_req(it, RTM_ADD, b, "10.0.2.9", it->it_b.tif_mac, 0,
	    0) == EADDRINUSE);
	KASSERT(neigh_req(it, RTM_CHANGE, b, "10.0.2.2", it->it_b.tif_mac, 0,
	    0) == EADDRINUSE);
	KASSERT(neigh_req(it, RTM_ADD, b, "10.0.2.9", it->it_b.tif_mac,
	    RTF_ANNOUNCE, 0) == 0);
	/* Addresses that are no neighbour's, though the interface is named. */
	KASSERT(neigh_req(it, RTM_ADD, b, "10.0.2.1", mac1, 0, 0) ==
	    EADDRNOTAVAIL);
	KASSERT(neigh_req(it, RTM_ADD, b, "10.0.1.1", mac1, 0, 0) ==
	    EADDRNOTAVAIL);
	KASSERT(neigh_req(it, RTM_ADD, b, "10.0.2.0", mac1, 0, 0) ==
	    EADDRNOTAVAIL);
	KASSERT(neigh_req(it, RTM_ADD, b, "10.0.2.255", mac1, 0, 0) ==
	    EADDRNOTAVAIL);
	/* The first of two (RFC 3021) is one. */
	KASSERT(addr_add(it, b, "10.3.0.1", 31) == 0);
	KASSERT(neigh_req(it, RTM_ADD, b, "10.3.0.0", mac1, 0, 0) == 0);
	n = drops(b, DROP_ARP_BAD);
	ar = mk_arp(ARP_REQUEST, mac1, "10.3.0.0", "10.3.0.1");
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	KASSERT(drops(b, DROP_ARP_BAD) == n);
	/* Answers carry the interface's own address, also the next one. */
	if_ioctl_lock(b);
	KASSERT(if_set_sadl(b, mac2, 6, false) == 0);
	if_ioctl_unlock(b);
	ar = mk_arp(ARP_REQUEST, mac1, "10.0.2.60", "10.0.2.9");
	sleep_ms(it, 3000);
	tif_clear(&it->it_b);
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	KASSERT(it->it_b.tif_ntx == 1);
	KASSERT(memcmp(tx_arp(&it->it_b, 0)->ar_sha, mac2, 6) == 0);
	all_books(it);
}
IN_TEST(station, 1)

/* Does the last line of the log name these two, in this order? */
static bool
logged(struct in_test *it, const uint8_t *first, const uint8_t *second)
{
	char text[2][LLADDR_STRSIZE];
	const char *at;

	at = strstr(sim_last_log(it->it_host), lladdr_text(first, 6, text[0]));
	return at != NULL && strstr(at, lladdr_text(second, 6, text[1])) !=
	    NULL;
}

/* A known neighbour is said to have moved: the settings. */
static void
moves_body(struct in_test *it)
{
	static const uint8_t mac3[6] = { 2, 7, 7, 7, 7, 3 };

	KASSERT(set_sysctl(it, "net.inet.arp.moves", 4) == EINVAL);
	send_to(it, "10.0.2.9", 1);
	reply_from(it, &it->it_b, mac1, "10.0.2.9", "10.0.2.1");
	KASSERT(goes_to(it, "10.0.2.9", mac1));

	/* By default the old station is asked, and that answers: not so. */
	tif_clear(&it->it_b);
	reply_from(it, &it->it_b, mac2, "10.0.2.9", "10.0.2.9");
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.9") == 1);
	KASSERT(memcmp(it->it_b.tif_tx[0].tp_data, mac1, 6) == 0);
	KASSERT(goes_to(it, "10.0.2.9", mac1));
	reply_from(it, &it->it_b, mac2, "10.0.2.9", "10.0.2.1");
	KASSERT(ipstat(it, "arp.refused") == 0);
	reply_from(it, &it->it_b, mac3, "10.0.2.9", "10.0.2.1");
	KASSERT(ipstat(it, "arp.refused") == 1);
	reply_from(it, &it->it_b, mac1, "10.0.2.9", "10.0.2.1");
	KASSERT(ipstat(it, "arp.refused") == 2);
	sleep_ms(it, 5000);
	KASSERT(goes_to(it, "10.0.2.9", mac1));
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.9") == 1);
	KASSERT(ipstat(it, "arp.changed") == 0);

	/* The old station is silent: the new one has the address, as the log
	 * says. */
	tif_clear(&it->it_b);
	{
		struct arphdr ar = mk_arp(ARP_REQUEST, mac2, "10.0.2.9",
		    "10.0.2.1");

		inject_arp(it, &it->it_b, &ar, sizeof(ar));
	}
	KASSERT(goes_to(it, "10.0.2.9", mac1));
	sleep_ms(it, 4000);
	KASSERT(arp_asked(&it->it_b, NULL, "10.0.2.9") == NEIGH_CLAIM_TRIES);
	KASSERT(goes_to(it, "10.0.2.9", mac2));
	KASSERT(ipstat(it, "arp.changed") == 1);
	KASSERT(strstr(sim_last_log(it->it_host), "10.0.2.9") != NULL);
	KASSERT(logged(it, mac2, mac1));
	sleep_ms(it, 1000);

	/* Claims that are refused, before and after, do not hide a move in the
	 * log. */
	KASSERT(set_sysctl(it, "net.inet.arp.moves", NEIGH_MOVES_NEVER) == 0);
	reply_from(it, &it->it_b, mac3, "10.0.2.9", "10.0.2.9");
	KASSERT(strstr(sim_last_log(it->it_host), "not believed") != NULL);
	KASSERT(logged(it, mac3, mac2));
	KASSERT(set_sysctl(it, "net.inet.arp.moves", NEIGH_MOVES_ALWAYS) == 0);
	reply_from(it, &it->it_b, mac1, "10.0.2.9", "10.0.2.9");
	KASSERT(strstr(sim_last_log(it->it_host), "now") != NULL);
	reply_from(it, &it->it_b, mac2, "10.0.2.9", "10.0.2.9");

	/* Never: not before it has been forgotten. */
	KASSERT(set_sysctl(it, "net.inet.arp.moves", NEIGH_MOVES_NEVER) == 0);
	reply_from(it, &it->it_b, mac3, "10.0.2.9", "10.0.2.9");
	sleep_ms(it, 5000);
	KASSERT(goes_to(it, "10.0.2.9", mac2));
	KASSERT(neigh_req(it, RTM_DELETE, NULL, "10.0.2.9", NULL, 0, 0) == 0);
	send_to(it, "10.0.2.9", 1);
	reply_from(it, &it->it_b, mac3, "10.0.2.9", "10.0.2.1");
	KASSERT(goes_to(it, "10.0.2.9", mac3));

	/* When asked: an answer while a request of ours is under way. */
	KASSERT(set_sysctl(it, "net.inet.arp.moves", NEIGH_MOVES_ASKED) == 0);
	KASSERT(set_sysctl(it, "net.inet.arp.keep", 5) == 0);
	reply_from(it, &it->it_b, mac3, "10.0.2.9", "10.0.2.1");
	reply_from(it, &it->it_b, mac1, "10.0.2.9", "10.0.2.1");
	KASSERT(goes_to(it, "10.0.2.9", mac3));
	tif_clear(&it->it_b);
	while (arp_asked(&it->it_b, NULL, "10.0.2.9") == 0)
		sleep_ms(it, 100);
	/* Neither a request nor an announcement is an answer. */
	{
		struct arphdr ar = mk_arp(ARP_REQUEST, mac2, "10.0.2.9",
		    "10.0.2.1");

		inject_arp(it, &it->it_b, &ar, sizeof(ar));
	}
	reply_from(it, &it->it_b, mac2, "10.0.2.9", "10.0.2.9");
	reply_from(it, &it->it_b, mac2, "10.0.2.9", "10.0.2.77");
	KASSERT(goes_to(it, "10.0.2.9", mac3));
	reply_from(it, &it->it_b, mac1, "10.0.2.9", "10.0.2.1");
	KASSERT(goes_to(it, "10.0.2.9", mac1));
	all_books(it);
}
IN_TEST(moves, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolve),
		cmocka_unit_test(silence),
		cmocka_unit_test(hold),
		cmocka_unit_test(storm),
		cmocka_unit_test(answer),
		cmocka_unit_test(malformed),
		cmocka_unit_test(change),
		cmocka_unit_test(aging),
		cmocka_unit_test(announce),
		cmocka_unit_test(lladdr),
		cmocka_unit_test(conflict),
		cmocka_unit_test(request),
		cmocka_unit_test(station),
		cmocka_unit_test(moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
