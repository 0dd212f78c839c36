/*
 * Groups of interfaces: joining, leaving, the reports of MLD (RFC 3810, 2710)
 * and IGMP (RFC 3376, 2236), and queries of every version.
 */

#include "in6_test.h"

#include "net/mcast.h"		/* under test */

#define GROUP6	"ff05::1234"
#define GROUP4	"239.1.2.3"
#define NGROUPS	100

static union sockaddr_any
group_sa(const char *text)
{
	union sockaddr_any sa;

	memset(&sa, 0, sizeof(sa));
	if (inet_pton(AF_INET6, text, &sa.sin6.sin6_addr) == 1)
		sa.sin6.sin6_family = AF_INET6;
	else {
		sa.sin.sin_family = AF_INET;
		KASSERT(inet_pton(AF_INET, text, &sa.sin.sin_addr) == 1);
	}
	return sa;
}

static int
join(struct in_test *it, struct tif *t, const char *text)
{
	const union sockaddr_any sa = group_sa(text);

	return mcast_join(it->it_vn, t->tif_ifp->if_handle, &sa.sa);
}

static int
leave(struct in_test *it, struct tif *t, const char *text)
{
	const union sockaddr_any sa = group_sa(text);

	return mcast_leave(it->it_vn, t->tif_ifp->if_handle, &sa.sa);
}

/* --- what was sent -------------------------------------------------------- */

/* A report or leave that was sent, of either family. */
struct said {
	uint8_t		 s_type;	/* of the message */
	unsigned	 s_n;		/* records, or 1 */
	char		 s_src[INET6_ADDRSTRLEN], s_dst[INET6_ADDRSTRLEN];
	const uint8_t	*s_records;	/* or the group */
};

static bool
said6(const struct tif *t, unsigned i, struct said *s)
{
	static const uint8_t alert[8] = { IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0 };
	const struct iphdr6 *ip6 = tx6(t, i);
	const uint8_t *p = (const uint8_t *)(ip6 + 1);
	unsigned len;

	if (ip6 == NULL || ip6->ip6_nxt != IPPROTO_HOPOPTS)
		return false;
	KASSERT(memcmp(p, alert, 8) == 0 && ip6->ip6_hlim == 1);
	len = be16(ip6->ip6_plen) - 8u;
	KASSERT(in_cksum_fold(in_cksum_add(p + 8, len, in6_cksum_pseudo(
	    ip6->ip6_src, IPPROTO_ICMPV6, len))) == 0);
	s->s_type = p[8];
	s->s_n = p[8] == 143 ? p[14] << 8 | p[15] : 1;
	s->s_records = p + 16;
	KASSERT(len == (p[8] == 143 ? 8u + 20 * s->s_n : 24));
	(void)inet_ntop(AF_INET6, ip6->ip6_src, s->s_src, sizeof(s->s_src));
	(void)inet_ntop(AF_INET6, ip6->ip6_dst, s->s_dst, sizeof(s->s_dst));
	return true;
}

static bool
said4(const struct tif *t, unsigned i, struct said *s)
{
	static const uint8_t alert[4] = { 0x94, 4, 0, 0 };
	const struct iphdr4 *ip = tx_ip(t, i);
	const uint8_t *p = (const uint8_t *)(ip + 1);
	unsigned len;

	if (ip == NULL || ip->ip_p != IPPROTO_IGMP)
		return false;
	KASSERT(ip_hlen(ip) == 24 && ip->ip_ttl == 1);
	KASSERT(memcmp(p, alert, 4) == 0);
	len = be16(ip->ip_len) - 24u;
	KASSERT(in_cksum_fold(in_cksum_add(p + 4, len, 0)) == 0);
	s->s_type = p[4];
	s->s_n = p[4] == 0x22 ? p[10] << 8 | p[11] : 1;
	s->s_records = p[4] == 0x22 ? p + 12 : p + 8;
	KASSERT(len == (p[4] == 0x22 ? 8u + 8 * s->s_n : 8));
	(void)inet_ntop(AF_INET, &ip->ip_src, s->s_src, sizeof(s->s_src));
	(void)inet_ntop(AF_INET, &ip->ip_dst, s->s_dst, sizeof(s->s_dst));
	return true;
}

/*
 * How often a group was reported with a record type; of older versions the type
 * is the message's, and rec 0.  first: NULL, or the place of the first.
 */
static unsigned
told(const struct tif *t, const char *group, uint8_t type, uint8_t rec,
    unsigned *first)
{
	const union sockaddr_any sa = group_sa(group);
	bool six = sa.sa.sa_family == AF_INET6;
	const uint8_t *r;
	unsigned n = 0;
	struct said s;

	for (unsigned i = 0; i < t->tif_ntx; i++) {
		if (!(six ? said6(t, i, &s) : said4(t, i, &s)) ||
		    s.s_type != type)
			continue;
		for (unsigned k = 0; k < s.s_n; k++) {
			r = s.s_records + (rec == 0 ? 0 : k * (six ? 20 : 8));
			if (rec != 0 && r[0] != rec)
				continue;
			r += rec == 0 ? 0 : 4;
			if (memcmp(r, six ? (const void *)&sa.sin6.sin6_addr :
			    &sa.sin.sin_addr, six ? 16 : 4) != 0)
				continue;
			if (n++ == 0 && first != NULL)
				*first = i;
		}
	}
	return n;
}

#define IS	2
#define TO_IN	3
#define TO_EX	4

static unsigned
told_new(const struct tif *t, const char *group, uint8_t rec)
{

	return told(t, group, strchr(group, ':') != NULL ? 143 : 0x22, rec,
	    NULL);
}

/* --- queries -------------------------------------------------------------- */

struct query {
	const char	*q_src, *q_dst, *q_group;
	unsigned	 q_len;		/* of the message */
	uint16_t	 q_code;
	uint8_t		 q_type, q_ttl, q_robust, q_interval;
	bool		 q_noalert;
	unsigned	 q_nsrc;
};

static unsigned
make6(uint8_t *buf, const struct query *q)
{
	static const uint8_t alert[7] = { 0, 5, 2, 0, 0, 1, 0 };
	uint8_t *p = buf + IP6_HLEN;
	unsigned len;

	memset(p, 0, 1024);
	p[0] = q->q_type;
	p[4] = (uint8_t)(q->q_code >> 8), p[5] = (uint8_t)q->q_code;
	KASSERT(inet_pton(AF_INET6, q->q_group, p + 8) == 1);
	p[24] = q->q_robust, p[25] = q->q_interval;
	p[26] = (uint8_t)(q->q_nsrc >> 8), p[27] = (uint8_t)q->q_nsrc;
	len = mk6(buf, q->q_src, q->q_dst, IPPROTO_ICMPV6, q->q_ttl,
	    q->q_len);
	mk6_cksum(buf, IP6_HLEN, q->q_len, 2, IPPROTO_ICMPV6);
	return q->q_noalert ? len : mk6_ext(buf, len, IP6_HLEN, 6,
	    IPPROTO_HOPOPTS, alert, 8);
}

static unsigned
make4(uint8_t *buf, const struct query *q)
{
	unsigned hlen = q->q_noalert ? 20 : 24;
	struct iphdr4 *ip = (struct iphdr4 *)(void *)buf;
	uint8_t *p = buf + hlen;
	uint16_t sum;

	memset(buf, 0, 1024);
	ip->ip_vhl = (uint8_t)(0x40 | hlen / 4);
	ip->ip_len = be16((uint16_t)(hlen + q->q_len));
	ip->ip_ttl = q->q_ttl;
	ip->ip_p = IPPROTO_IGMP;
	KASSERT(inet_pton(AF_INET, q->q_src, &ip->ip_src) == 1);
	KASSERT(inet_pton(AF_INET, q->q_dst, &ip->ip_dst) == 1);
	if (!q->q_noalert)
		memcpy(ip + 1, "\x94\x04\0", 4);
	ip_set_cksum(ip);
	p[0] = q->q_type, p[1] = (uint8_t)q->q_code;
	KASSERT(inet_pton(AF_INET, q->q_group, p + 4) == 1);
	p[8] = q->q_robust, p[9] = q->q_interval;
	p[10] = (uint8_t)(q->q_nsrc >> 8), p[11] = (uint8_t)q->q_nsrc;
	sum = in_cksum_fold(in_cksum_add(p, q->q_len, 0));
	memcpy(p + 2, &sum, 2);
	return hlen + q->q_len;
}

static void
query(struct in_test *it, const struct query *q)
{
	uint8_t buf[2048];

	if (strchr(q->q_src, ':') != NULL)
		inject6(it, &it->it_b, buf, make6(buf, q));
	else
		inject(it, &it->it_b, buf, make4(buf, q));
}

static const struct query general6 = {
	.q_src = "fe80::2", .q_dst = "ff02::1", .q_group = "::", .q_len = 28,
	.q_code = 1000, .q_type = 130, .q_ttl = 1, .q_robust = 2,
	.q_interval = 125,
}, general4 = {
	.q_src = "0.0.0.0", .q_dst = "224.0.0.1", .q_group = "0.0.0.0",
	.q_len = 12, .q_code = 10, .q_type = 0x11, .q_ttl = 1, .q_robust = 2,
	.q_interval = 125,
};

/* --- tests ---------------------------------------------------------------- */

static const struct {
	const char	*group, *other;
	const struct query *general;
	uint8_t		 report, leave;	/* of the older version */
	unsigned	 oldlen;
	uint16_t	 oldcode;
} families[] = {
	{ GROUP6, "ff02::99", &general6, 131, 132, 24, 1000 },
	{ GROUP4, "224.0.0.99", &general4, 0x16, 0x17, 8, 10 },
};
#define NFAMILIES	2

/* Counted; told when it begins and when it ends, twice each. */
static void
test_join_body(struct in_test *it)
{
	struct tif *t = &it->it_b;
	const char *g;

	for (unsigned f = 0; f < NFAMILIES; f++) {
		g = families[f].group;
		tif_clear(t);
		KASSERT(leave(it, t, g) == EADDRNOTAVAIL);
		KASSERT(join(it, t, g) == 0 && join(it, t, g) == 0);
		sleep_ms(it, 100);
		KASSERT(told_new(t, g, TO_EX) >= 1);
		sleep_ms(it, 3000);
		KASSERT(told_new(t, g, TO_EX) == 2 && t->tif_ntx == 2);
		tif_clear(t);
		KASSERT(leave(it, t, g) == 0);
		sleep_ms(it, 3000);
		KASSERT(t->tif_ntx == 0);
		KASSERT(leave(it, t, g) == 0);
		KASSERT(leave(it, t, g) == EADDRNOTAVAIL);
		sleep_ms(it, 3000);
		KASSERT(told_new(t, g, TO_IN) == 2 && t->tif_ntx == 2);
		/* Joined again while leaving it is told, of which one message
		 * may be out. */
		KASSERT(join(it, t, g) == 0 && leave(it, t, g) == 0);
		tif_clear(t);
		KASSERT(join(it, t, g) == 0);
		sleep_ms(it, 3000);
		KASSERT(told_new(t, g, TO_EX) == 2 &&
		    told_new(t, g, TO_IN) <= 1);
	}
	KASSERT(join(it, t, "10.0.1.1") == EINVAL);
	KASSERT(join(it, t, "fe80::1") == EINVAL);
	/* Groups that are always joined are not told of. */
	tif_clear(t);
	KASSERT(join(it, t, "224.0.0.1") == 0 && join(it, t, "ff02::1") == 0);
	KASSERT(join(it, t, "ff01::7") == 0);
	sleep_ms(it, 3000);
	KASSERT(t->tif_ntx == 0);
}

IN6_TEST(test_join, 1)

/* A packet of a group is received by who has joined it, on that interface. */
static void
test_filter_body(struct in_test *it)
{
	uint8_t buf[256];
	unsigned len;

	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			KASSERT(join(it, &it->it_b, GROUP6) == 0 &&
			    join(it, &it->it_b, GROUP4) == 0);
		if (i == 2)
			KASSERT(leave(it, &it->it_b, GROUP6) == 0 &&
			    leave(it, &it->it_b, GROUP4) == 0);
		len = mk6_echo(buf, HOST_B, GROUP6, 8);
		inject6(it, &it->it_b, buf, len);
		KASSERT(ip6stat(it, "icmp6.echo") == (i == 0 ? 0 : 1));
		len = mk6_echo(buf, HOST_A, GROUP6, 8);
		inject6(it, &it->it_a, buf, len);
		KASSERT(ip6stat(it, "icmp6.echo") == (i == 0 ? 0 : 1));
		len = mk_udp(buf, "10.0.2.2", GROUP4, 1, 8);
		inject(it, &it->it_b, buf, len);
	}
	KASSERT(drops(it->it_b.tif_ifp, DROP_IP6_MCAST) == 2);
	KASSERT(drops(it->it_a.tif_ifp, DROP_IP6_MCAST) == 3);
	KASSERT(drops(it->it_b.tif_ifp, DROP_IP_MCAST) == 2);
}

IN6_TEST(test_filter, 1)

/* The solicited-node group is told of before the first probe; it is counted
 * per address, and tells again when there is a link-local source. */
static void
test_probe_body(struct in_test *it)
{
	struct in6_aliasreq ifra = alias6(it->it_b.tif_ifp, NET_B "ab:cdef",
	    64);
	struct in6_ifreq ifr;
	unsigned report, i;
	bool probed = false;

	tif_clear(&it->it_b);
	KASSERT(give6(it, &ifra) == 0);
	sleep_ms(it, 5000);
	KASSERT(told(&it->it_b, "ff02::1:ffab:cdef", 143, TO_EX, &report) ==
	    2);
	for (i = 0; i < it->it_b.tif_ntx && !probed; i++)
		probed = tx6(&it->it_b, i) != NULL &&
		    tx6(&it->it_b, i)->ip6_nxt == IPPROTO_ICMPV6 &&
		    tx6_icmp(&it->it_b, i)->icmp6_type == 135;
	KASSERT(probed && report < i - 1);
	tif_clear(&it->it_b);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr6_name, it->it_b.tif_ifp->if_xname, IFNAMSIZ);
	ifr.ifr6_addr = ifra.ifra_addr;
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCDIFADDR_IN6, &ifr,
	    sizeof(ifr)) == 0);
	sleep_ms(it, 3000);
	KASSERT(told_new(&it->it_b, "ff02::1:ffab:cdef", TO_IN) == 2);
	/* Down and up: all of them, before the probes. */
	KASSERT(join(it, &it->it_b, GROUP6) == 0 &&
	    join(it, &it->it_b, GROUP4) == 0);
	in_up(it->it_b.tif_ifp, false);
	sleep_ms(it, 3000);
	tif_clear(&it->it_b);
	in_up(it->it_b.tif_ifp, true);
	sleep_ms(it, 5000);
	KASSERT(told(&it->it_b, GROUP6, 143, TO_EX, &report) >= 2);
	KASSERT(told_new(&it->it_b, "ff02::1:ff00:1", TO_EX) >= 2);
	KASSERT(told_new(&it->it_b, "ff02::2", TO_EX) >= 2);
	KASSERT(told_new(&it->it_b, GROUP4, TO_EX) == 2);
	for (i = 0; i < it->it_b.tif_ntx; i++)
		if (tx6(&it->it_b, i) != NULL && tx6(&it->it_b, i)->ip6_nxt ==
		    IPPROTO_ICMPV6)
			break;
	KASSERT(i < it->it_b.tif_ntx && report < i);
}

IN6_TEST(test_probe, 1)

/* Queries of the newest version: one answer with all, or of one group; within
 * the time that the query allows. */
static void
test_query_body(struct in_test *it)
{
	struct tif *t = &it->it_b;
	struct query q;

	for (unsigned f = 0; f < NFAMILIES; f++) {
		KASSERT(join(it, t, families[f].group) == 0);
		KASSERT(join(it, t, families[f].other) == 0);
	}
	sleep_ms(it, 5000);
	for (unsigned f = 0; f < NFAMILIES; f++) {
		tif_clear(t);
		query(it, families[f].general);
		query(it, families[f].general);
		sleep_ms(it, 1200);
		KASSERT(t->tif_ntx == 1);
		KASSERT(told_new(t, families[f].group, IS) == 1);
		KASSERT(told_new(t, families[f].other, IS) == 1);
		if (f == 0)
			KASSERT(told_new(t, "ff02::2", IS) == 1 &&
			    told_new(t, "ff02::1", IS) == 0);
		tif_clear(t);
		q = *families[f].general;
		q.q_dst = q.q_group = families[f].group;
		query(it, &q);
		sleep_ms(it, 1200);
		KASSERT(t->tif_ntx == 1);
		KASSERT(told_new(t, families[f].group, IS) == 1);
		KASSERT(told_new(t, families[f].other, IS) == 0);
		/* Of some sources. */
		tif_clear(t);
		q.q_nsrc = 3;
		q.q_len += 3 * (f == 0 ? 16 : 4);
		query(it, &q);
		sleep_ms(it, 1200);
		KASSERT(told_new(t, families[f].group, IS) == 1);
		/* Another group, which is not joined here. */
		tif_clear(t);
		q = *families[f].general;
		q.q_group = f == 0 ? "ff05::77" : "239.7.7.7";
		query(it, &q);
		sleep_ms(it, 1200);
		KASSERT(t->tif_ntx == 0);
		/* Robustness is the querier's. */
		q = *families[f].general;
		q.q_robust = 4;
		query(it, &q);
		sleep_ms(it, 1200);
		tif_clear(t);
		KASSERT(leave(it, t, families[f].group) == 0);
		sleep_ms(it, 5000);
		KASSERT(told_new(t, families[f].group, TO_IN) == 4);
	}
}

IN6_TEST(test_query, 1)

/* With a querier of an older version: its messages, suppression by others'
 * reports, leaving told by who reported last; later the newest again. */
static void
test_old_body(struct in_test *it)
{
	struct tif *t = &it->it_b;
	const char *g;
	struct query q, r;

	for (unsigned f = 0; f < NFAMILIES; f++) {
		g = families[f].group;
		KASSERT(join(it, t, g) == 0);
		sleep_ms(it, 3000);
		tif_clear(t);
		q = *families[f].general;
		q.q_len = families[f].oldlen;
		q.q_code = families[f].oldcode;
		query(it, &q);
		sleep_ms(it, 1200);
		KASSERT(told(t, g, families[f].report, 0, NULL) == 1);
		KASSERT(told_new(t, g, IS) == 0);
		/* Asked to answer at once, time after time: once a second. */
		tif_clear(t);
		q.q_code = f == 0 ? 0 : 1;
		for (unsigned i = 0; i < 15; i++) {
			query(it, &q);
			sleep_ms(it, 60);
		}
		sleep_ms(it, 1200);
		KASSERT(told(t, g, families[f].report, 0, NULL) == 1);
		q.q_code = families[f].oldcode;
		/* Another host is faster. */
		tif_clear(t);
		query(it, &q);
		r = q;
		r.q_type = families[f].report;
		r.q_dst = r.q_group = g;
		r.q_src = f == 0 ? "fe80::2" : "10.0.2.2";
		query(it, &r);
		sleep_ms(it, 1200);
		KASSERT(told(t, g, families[f].report, 0, NULL) == 0);
		KASSERT(leave(it, t, g) == 0);
		sleep_ms(it, 1200);
		KASSERT(told(t, g, families[f].leave, 0, NULL) == 0);
		/* This host is. */
		KASSERT(join(it, t, g) == 0);
		sleep_ms(it, 12000);
		KASSERT(told(t, g, families[f].report, 0, NULL) == 2);
		KASSERT(leave(it, t, g) == 0);
		sleep_ms(it, 1200);
		KASSERT(told(t, g, families[f].leave, 0, NULL) == 1);
		KASSERT(told_new(t, g, TO_EX) == 0 &&
		    told_new(t, g, TO_IN) == 0);
		/* The old querier is not heard of any more. */
		sleep_ms(it, 300000);
		tif_clear(t);
		KASSERT(join(it, t, g) == 0);
		sleep_ms(it, 3000);
		KASSERT(told_new(t, g, TO_EX) == 2);
	}
	/* IGMPv1, which has no leaving. */
	q.q_code = 0;
	query(it, &q);
	tif_clear(t);
	sleep_ms(it, 12000);
	KASSERT(told(t, GROUP4, 0x12, 0, NULL) == 1);
	KASSERT(leave(it, t, GROUP4) == 0);
	sleep_ms(it, 3000);
	KASSERT(told(t, GROUP4, 0x17, 0, NULL) == 0);
}

IN6_TEST(test_old, 1)

/* Queries that nobody may believe: of every length, from beyond the link. */
static void
test_bad_body(struct in_test *it)
{
	struct tif *t = &it->it_b;
	struct query q;
	unsigned sent = 0;

	KASSERT(set_sysctl(it, "net.multicast.maxqueries", 1000) == 0);
	for (unsigned f = 0; f < NFAMILIES; f++)
		KASSERT(join(it, t, families[f].group) == 0);
	sleep_ms(it, 3000);
	tif_clear(t);
	for (unsigned f = 0; f < NFAMILIES; f++) {
		for (unsigned len = 0; len < families[f].general->q_len;
		    len++) {
			if (len == families[f].oldlen)
				continue;
			q = *families[f].general;
			q.q_len = len;
			query(it, &q);
			sent++;
		}
		q = *families[f].general;
		q.q_ttl = 2;
		query(it, &q);
		q = *families[f].general;
		q.q_noalert = true;
		query(it, &q);
		q = *families[f].general;
		q.q_nsrc = 2;		/* and they are missing */
		q.q_group = families[f].group;
		query(it, &q);
		q = *families[f].general;
		q.q_group = f == 0 ? HOST_B : "10.0.2.2";
		query(it, &q);
		q = *families[f].general;
		q.q_type = f == 0 ? 143 : 0x22;
		query(it, &q);
		q.q_type = f == 0 ? 132 : 0x17;
		query(it, &q);
		sent += 6;
	}
	q = general6;
	q.q_src = HOST_B;
	query(it, &q);
	sent++;
	sleep_ms(it, 3000);
	KASSERT(t->tif_ntx == 0);
	KASSERT(drops(t->tif_ifp, DROP_IGMP_SHORT) +
	    drops(t->tif_ifp, DROP_IGMP_CSUM) +
	    drops(t->tif_ifp, DROP_IGMP_BAD) +
	    drops(t->tif_ifp, DROP_IGMP_UNWANTED) +
	    drops(t->tif_ifp, DROP_ICMP6_SHORT) +
	    drops(t->tif_ifp, DROP_ICMP6_CSUM) +
	    drops(t->tif_ifp, DROP_MLD_BAD) +
	    drops(t->tif_ifp, DROP_MLD_UNWANTED) == sent);
}

IN6_TEST(test_bad, 1)

/* A flood of queries is bounded, and so are groups; many are told in few
 * packets. */
static void
test_bounds_body(struct in_test *it)
{
	struct tif *t = &it->it_b;
	struct query q;
	uint64_t limited;
	char text[64];

	for (unsigned i = 0; i < 50; i++) {
		query(it, &general4);
		query(it, &general6);
	}
	KASSERT(drops(t->tif_ifp, DROP_IGMP_LIMIT) >= 25);
	KASSERT(drops(t->tif_ifp, DROP_MLD_LIMIT) >= 25);
	sleep_ms(it, 3000);
	KASSERT(set_sysctl(it, "net.multicast.maxgroups", NGROUPS) == 0);
	for (unsigned i = 0; i < NGROUPS; i++) {
		(void)snprintf(text, sizeof(text), "ff05::%x", i + 1);
		KASSERT(join(it, t, text) == 0);
	}
	KASSERT(join(it, t, GROUP4) == ENOBUFS);
	KASSERT(join(it, t, "ff05::1") == 0);	/* which it has */
	KASSERT(join(it, &it->it_a, GROUP4) == 0);
	KASSERT(set_sysctl(it, "net.multicast.maxtotal", NGROUPS + 1) == 0);
	KASSERT(join(it, &it->it_a, GROUP6) == ENOBUFS);
	/* A group that is being left counts until all is told of it. */
	KASSERT(leave(it, t, "ff05::1") == 0 && leave(it, t, "ff05::1") == 0);
	KASSERT(join(it, t, GROUP6) == ENOBUFS);
	KASSERT(join(it, t, "ff05::1") == 0 && leave(it, t, "ff05::1") == 0);
	sleep_ms(it, 3000);
	KASSERT(join(it, t, GROUP6) == 0 && leave(it, t, GROUP6) == 0);
	sleep_ms(it, 3000);
	KASSERT(join(it, t, "ff05::1") == 0);
	sleep_ms(it, 3000);
	/* Queries about one group do not keep those about all away, and what
	 * nobody here has joined is no query to limit. */
	tif_clear(t);
	q = general6;
	q.q_group = "ff05::7777";
	limited = drops(t->tif_ifp, DROP_MLD_LIMIT);
	for (unsigned i = 0; i < 50; i++)
		query(it, &q);
	KASSERT(drops(t->tif_ifp, DROP_MLD_LIMIT) == limited);
	q.q_group = "ff05::1";
	for (unsigned i = 0; i < 50; i++)
		query(it, &q);
	KASSERT(drops(t->tif_ifp, DROP_MLD_LIMIT) >= limited + 25);
	sleep_ms(it, 1200);
	tif_clear(t);
	for (unsigned i = 0; i < 50; i++)
		query(it, &q);
	query(it, &general6);
	sleep_ms(it, 1200);
	KASSERT(t->tif_ntx >= 2 && t->tif_ntx <= 3);
	for (unsigned i = 0; i < NGROUPS; i++) {
		(void)snprintf(text, sizeof(text), "ff05::%x", i + 1);
		KASSERT(told_new(t, text, IS) == (i == 0 ? 2 : 1));
	}
	/* Addresses are not refused for want of room for their groups. */
	KASSERT(add6(it, t->tif_ifp, NET_B "77", 64) == 0);
}

IN6_TEST(test_bounds, 1)

static int
count(const struct mcast_info *mn, void *arg)
{
	static const uint8_t lladdr[6] = { 0x33, 0x33, 0, 0, 0x12, 0x34 };
	union neigh_addr na = inner6(GROUP6, NULL);

	if (neigh_addr_equal(&mn->mn_addr, &na)) {
		KASSERT(mn->mn_refs == 2 && mn->mn_own == 0);
		KASSERT(memcmp(mn->mn_lladdr, lladdr, 6) == 0);
		++*(unsigned *)arg;
	}
	return 0;
}

/* Groups are listed, and end with the interface. */
static void
test_list_body(struct in_test *it)
{
	union sockaddr_any sa = group_sa(GROUP6);
	uint64_t handle = it->it_b.tif_ifp->if_handle;
	unsigned n = 0;

	KASSERT(join(it, &it->it_b, GROUP6) == 0);
	KASSERT(mcast_join_if(it->it_b.tif_ifp, &sa.sa) == 0);
	KASSERT(mcast_list(it->it_vn, "", count, &n) == 0 && n == 1);
	KASSERT(mcast_list(it->it_vn, it->it_b.tif_ifp->if_xname, count, &n) ==
	    0 && n == 2);
	KASSERT(mcast_list(it->it_vn, "nobody", count, &n) == ENXIO);
	KASSERT(join(it, &it->it_b, GROUP4) == 0);
	neigh6_set(it, it->it_b.tif_ifp, HOST_B, NULL);
	neigh6_set(it, it->it_b.tif_ifp, "fe80::2", NULL);
	tif_detach(&it->it_b);
	KASSERT(mcast_join(it->it_vn, handle, &sa.sa) == ENXIO);
	KASSERT(mcast_leave(it->it_vn, handle, &sa.sa) == ENXIO);
	tif_attach(it, &it->it_b, 1);
}

IN6_TEST(test_list, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
