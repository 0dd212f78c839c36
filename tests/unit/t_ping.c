/*
 * Pings: replies, errors, our own addresses, limits, closing in the middle.
 */

#include "in_test.h"

struct heard {
	unsigned	 hd_n;
	struct ping_reply hd_last;
};

static void
hear(void *arg, const struct ping_reply *pr)
{
	struct heard *hd = arg;

	KASSERT(curcpu() != NULL);
	hd->hd_n++;
	hd->hd_last = *pr;
}

static bool
usable4(const struct ping *p, const char *src)
{
	const union neigh_addr na = neigh_addr4(test_hop(src));

	return ping_source_usable(p, &na);
}

static void
reply_body(struct in_test *it)
{
	const struct iphdr4 *ip;
	struct ping *p;
	struct heard hd;
	uint8_t buf[3000];
	unsigned len;
	uint16_t sum;

	memset(&hd, 0, sizeof(hd));
	KASSERT(ping_open4(it, 0, hear, &hd, &p) == 0);
	KASSERT(ping(p, "10.0.2.2", NULL, 5, 56, 33) == 0);
	settle(it);
	ip = tx_ip(&it->it_b, 0);
	KASSERT(ip != NULL && ip->ip_ttl == 33 &&
	    ip_is(ip->ip_src, "10.0.2.1") && be16(ip->ip_len) == 84);
	KASSERT(tx_icmp(&it->it_b, 0)->icmp_type == ICMP4_ECHO);

	/* Its reply, 7 ms later. */
	len = be16(ip->ip_len);
	memcpy(buf, ip, len);
	(void)mk_ip(buf, "10.0.2.2", "10.0.2.1", 1, 60, len - 20);
	buf[20] = 0;
	buf[22] = buf[23] = 0;
	sum = in_cksum_fold(in_cksum_add(buf + 20, len - 20, 0));
	memcpy(buf + 22, &sum, 2);
	host_sleep(it->it_host, 7000000);
	inject(it, &it->it_b, buf, len);
	KASSERT(hd.hd_n == 1 && hd.hd_last.pr_seq == 5 &&
	    hd.hd_last.pr_hlim == 60 && hd.hd_last.pr_type == 0 &&
	    ip_is(hd.hd_last.pr_from.na_4, "10.0.2.2") &&
	    hd.hd_last.pr_bytes == 64 && hd.hd_last.pr_errno == 0);
	KASSERT(hd.hd_last.pr_rtt_ns >= 7000000 &&
	    hd.hd_last.pr_rtt_ns < 1000000000);
	/* A number that was never sent. */
	buf[27] = 9;
	buf[22] = buf[23] = 0;
	sum = in_cksum_fold(in_cksum_add(buf + 20, len - 20, 0));
	memcpy(buf + 22, &sum, 2);
	inject(it, &it->it_b, buf, len);
	KASSERT(hd.hd_n == 1);
	KASSERT(drops(it->it_b.tif_ifp, DROP_ICMP_UNWANTED) == 1);
	/* Large ones go in fragments. */
	tif_clear(&it->it_b);
	KASSERT(ping(p, "10.0.2.2", NULL, 6, 3000, 0) == 0);
	settle(it);
	KASSERT(it->it_b.tif_ntx == 3);
	KASSERT(ping(p, "10.0.2.2", NULL, 7, 65508, 0) ==
	    EMSGSIZE);
	ping_close(p);
	all_books(it);
}
IN_TEST(reply, 2)

/* The other interface is in another table: what comes by it answers no ping of
 * this one. */
static void
table_body(struct in_test *it)
{
	struct ping *p;
	const struct iphdr4 *ip;
	struct heard hd;
	struct ifreq ifr;
	uint8_t buf[200];
	unsigned len;
	uint16_t sum;

	memset(&hd, 0, sizeof(hd));
	KASSERT(ping_open4(it, 5, hear, &hd, &p) == ESRCH);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, it->it_b.tif_ifp->if_xname, IFNAMSIZ);
	ifr.ifr_value = 5;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCSIFTABLE, &ifr,
	    sizeof(ifr)) == 0);
	KASSERT(ping_open4(it, 5, hear, &hd, &p) == 0);
	KASSERT(usable4(p, "10.0.2.1"));
	KASSERT(!usable4(p, "10.0.1.1"));
	tif_clear(&it->it_b);
	KASSERT(ping(p, "10.0.2.2", NULL, 5, 56, 33) == 0);
	settle(it);
	ip = tx_ip(&it->it_b, 0);
	KASSERT(ip != NULL && ip_is(ip->ip_src, "10.0.2.1"));
	len = be16(ip->ip_len);
	memcpy(buf, ip, len);
	buf[20] = 0;
	buf[22] = buf[23] = 0;
	sum = in_cksum_fold(in_cksum_add(buf + 20, len - 20, 0));
	memcpy(buf + 22, &sum, 2);
	(void)mk_ip(buf, "10.0.1.2", "10.0.1.1", 1, 60, len - 20);
	inject(it, &it->it_a, buf, len);
	KASSERT(hd.hd_n == 0 &&
	    drops(it->it_a.tif_ifp, DROP_ICMP_UNWANTED) == 1);
	(void)mk_ip(buf, "10.0.2.2", "10.0.2.1", 1, 60, len - 20);
	inject(it, &it->it_b, buf, len);
	KASSERT(hd.hd_n == 1);
	ping_close(p);
	all_books(it);
}
IN_TEST(table, 1)

/* Addresses of this host: through lo0, and without it. */
static void
ourselves_body(struct in_test *it)
{
	struct ping *p;
	struct heard hd;

	memset(&hd, 0, sizeof(hd));
	KASSERT(ping_open4(it, 0, hear, &hd, &p) == 0);
	KASSERT(ping(p, "10.0.1.1", NULL, 1, 56, 0) == 0);
	settle(it);
	KASSERT(hd.hd_n == 1 && hd.hd_last.pr_type == 0);
	KASSERT(ifdata(it->it_lo).ifi_opackets == 2 &&
	    ifdata(it->it_lo).ifi_delivered == 2);
	KASSERT(ping(p, "10.0.1.1", "10.0.2.1", 2,
	    20000, 0) == 0);
	settle(it);
	KASSERT(hd.hd_n == 2 && hd.hd_last.pr_bytes == 20008);
	all_books(it);
	if_ioctl_lock(it->it_lo);
	if_down(it->it_lo);
	if_ioctl_unlock(it->it_lo);
	KASSERT(ping(p, "10.0.1.1", NULL, 3, 56, 0) == 0);
	settle(it);
	KASSERT(hd.hd_n == 3);
	all_books(it);
	ping_close(p);
}
IN_TEST(ourselves, 2)

static void
errors_body(struct in_test *it)
{
	struct ping *p;
	struct heard hd;

	memset(&hd, 0, sizeof(hd));
	KASSERT(ping_open4(it, 0, hear, &hd, &p) == 0);
	/* No route; a loopback address nobody has; a group. */
	KASSERT(ping(p, "99.1.1.1", NULL, 1, 56, 0) == 0);
	settle(it);
	KASSERT(hd.hd_n == 1 && hd.hd_last.pr_errno == ENETUNREACH);
	KASSERT(route_add(it, "0.0.0.0", 0, "10.0.1.2", RTF_STATIC, 0) == 0);
	KASSERT(ping(p, "127.9.9.9", NULL, 2, 56, 0) == 0);
	settle(it);
	KASSERT(hd.hd_n == 2 && hd.hd_last.pr_errno == ENETUNREACH);
	/* An address without a host: this host's own "host unreachable"
	 * comes back. */
	KASSERT(ping(p, "10.0.2.99", NULL, 3, 56, 0) == 0);
	sleep_ms(it, 8000);
	KASSERT(hd.hd_n == 3 && hd.hd_last.pr_type == ICMP4_UNREACH &&
	    hd.hd_last.pr_code == ICMP4_UNREACH_HOST &&
	    hd.hd_last.pr_seq == 3);
	all_books(it);
	/* To the broadcast address, by link broadcast. */
	tif_clear(&it->it_b);
	KASSERT(ping(p, "10.0.2.255", NULL, 4, 56, 0) == 0);
	settle(it);
	KASSERT(it->it_b.tif_ntx == 1 &&
	    it->it_b.tif_tx[0].tp_data[0] == 0xff);
	ping_close(p);
}
IN_TEST(errors, 1)

static void
limits_body(struct in_test *it)
{
	struct ping *p[PING_MAX + 1];
	struct heard hd;
	unsigned n;
	int error;

	memset(&hd, 0, sizeof(hd));
	for (n = 0; n < PING_MAX; n++)
		KASSERT(ping_open4(it, 0, hear, &hd, &p[n]) == 0);
	KASSERT(ping_open4(it, 0, hear, &hd, &p[n]) == EAGAIN);
	/* A client that is faster than the CPU is told so. */
	for (unsigned i = 0; i < 1000; i++) {
		error = ping(p[0], "10.0.1.1", NULL, (uint16_t)i,
		    8, 0);
		KASSERT(error == 0 || error == ENOBUFS);
	}
	/* Closed with requests waiting and replies on their way. */
	for (n = 0; n < PING_MAX; n++) {
		(void)ping(p[n], "10.0.1.1", NULL, 1, 8, 0);
		ping_close(p[n]);
	}
	n = hd.hd_n;
	settle(it);
	KASSERT(hd.hd_n == n);
	all_books(it);
}
IN_TEST(limits, 2)

/* Any other source than an address of ours that can be used is refused. */
static void
source_body(struct in_test *it)
{
	struct ping *p;
	struct heard hd;

	memset(&hd, 0, sizeof(hd));
	KASSERT(ping_open4(it, 0, hear, &hd, &p) == 0);
	KASSERT(route_add(it, "0.0.0.0", 0, "10.0.1.2", RTF_STATIC, 0) == 0);
	tif_clear(&it->it_b);
	for (unsigned i = 0; i < 3; i++) {
		KASSERT(ping(p, "10.0.2.2", i == 0 ? "8.8.8.8" :
		    i == 1 ? "10.0.2.2" : "10.0.2.255",
		    (uint16_t)i, 56, 0) == 0);
		settle(it);
		KASSERT(hd.hd_n == i + 1 &&
		    hd.hd_last.pr_errno == EADDRNOTAVAIL);
	}
	KASSERT(it->it_b.tif_ntx == 0);
	/* An address of another interface of ours is one. */
	KASSERT(ping(p, "10.0.2.2", "10.0.1.1", 9, 56, 0)
	    == 0);
	settle(it);
	KASSERT(it->it_b.tif_ntx == 1);
	/* More than a pass takes goes out in the next ones. */
	tif_clear(&it->it_b);
	for (uint16_t i = 0; i < 20; i++)
		KASSERT(ping(p, "10.0.2.2", NULL, i, 56, 0) == 0);
	settle(it);
	KASSERT(it->it_b.tif_ntx == 20);
	ping_close(p);
	all_books(it);
}
IN_TEST(source, 1)

/* Echo requests of many clients, of the largest size: whatever their number,
 * the number of packets that a pass sends is that of two requests at most. */
static void
budget_body(struct in_test *it)
{
	enum { CLIENTS = 20, EACH = 3, PIECES = 45 };
	struct ping *p[CLIENTS];
	struct heard hd;
	unsigned sent = 0, most = 0, now;

	memset(&hd, 0, sizeof(hd));
	for (unsigned i = 0; i < CLIENTS; i++) {
		KASSERT(ping_open4(it, 0, hear, &hd, &p[i]) == 0);
		for (uint16_t seq = 0; seq < EACH; seq++)
			KASSERT(ping(p[i], "10.0.2.2", NULL, seq, 65507, 0) ==
			    0);
	}
	for (unsigned i = 0; i < 4 * CLIENTS * EACH; i++) {
		tif_clear(&it->it_b);
		kern_xcall(it->it_kern, in_nothing, NULL);
		now = it->it_b.tif_ntx;
		if (now > most)
			most = now;
		sent += now;
	}
	KASSERT(sent == CLIENTS * EACH * PIECES);
	KASSERT(hd.hd_n == 0);
	KASSERT(most <= 2 * PIECES);
	for (unsigned i = 0; i < CLIENTS; i++)
		ping_close(p[i]);
	all_books(it);
}
IN_TEST(budget, 0)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reply),
		cmocka_unit_test(table),
		cmocka_unit_test(ourselves),
		cmocka_unit_test(errors),
		cmocka_unit_test(limits),
		cmocka_unit_test(source),
		cmocka_unit_test(budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
