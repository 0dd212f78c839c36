/*
 * Streams of the packet generator: their frames byte by byte, in order and at
 * random, and their pace.
 */

#include "dev_test.h"

#include "dev/pg_stream.h"	/* under test */

#define PACKETS	4096		/* looked at, of a stream */

/* A packet, as the test sees it. */
struct seen {
	uint32_t	 src, dst;
	unsigned	 sport, dport, len, ttl, tos;
};

/* A stream and what it made. */
struct made {
	struct pg_stream *ps;
	unsigned	 want, n;
	struct seen	 seen[PACKETS];
};

static void
look(const struct mbuf *m, struct seen *s)
{
	const uint8_t *p = m->m_data, *ip = p + 14, *udp = p + 34;

	KASSERT(m->m_len == m->m_pktlen && m->m_next == NULL);
	KASSERT(memcmp(p, "\x02\1\2\3\4\5", 6) == 0);
	KASSERT(dev_get16(p + 12) == 0x0800 && ip[0] == 0x45 && ip[9] == 17);
	KASSERT(dev_get16(ip + 2) == m->m_len - 14);
	KASSERT(dev_sum(ip, 20, 0) == 0xffff);
	KASSERT(dev_get16(udp + 4) == m->m_len - 34);
	KASSERT(dev_get16(udp + 6) == 0);
	for (unsigned i = 42; i < m->m_len; i++)
		KASSERT(p[i] == 0);
	s->src = dev_get16(ip + 12) << 16 | dev_get16(ip + 14);
	s->dst = dev_get16(ip + 16) << 16 | dev_get16(ip + 18);
	s->sport = dev_get16(udp);
	s->dport = dev_get16(udp + 2);
	s->len = m->m_len + PG_FCS;
	s->ttl = ip[8];
	s->tos = ip[1];
}

/* CPU: have the stream make its packets, without its pace. */
static void
make(void *arg)
{
	struct made *md = arg;
	struct mvec mv;
	uint64_t due;
	unsigned n;

	while (md->n < md->want) {
		n = pg_stream_due(md->ps, 1, MVEC_MAX, &due);
		if (n == 0)
			break;
		pg_stream_make(md->ps, 1, n, &mv);
		KASSERT(mv.mv_n == n);
		for (unsigned i = 0; i < mv.mv_n; i++)
			if (md->n < PACKETS)
				look(mv.mv_m[i], &md->seen[md->n++]);
		mvec_free(&mv);
	}
}

/* The packets that some words make. */
static struct made *
packets(struct kern *k, const char *words, unsigned want)
{
	static struct made made[3];
	static unsigned turn;
	struct made *md = &made[turn++ % 3];

	memset(md, 0, sizeof(*md));
	md->want = want;
	KASSERT(pg_stream_create(k, 1, words, NULL, &md->ps) == 0);
	KASSERT(md->ps != NULL);
	pg_stream_address(md->ps, (const uint8_t *)"\x02\1\2\3\4\5");
	kern_xcall(k, make, md);
	pg_stream_destroy(k, md->ps);
	return md;
}

static void
order_body(struct kern *k)
{
	static const uint32_t dsts[] = {
		0x0a020002, 0x0a030000, 0x0a030001, 0x0a030002, 0x0a030003,
		0x0a040007, 0x0a040008, 0x0a040009,
	};
	static const unsigned dports[] = { 53, 80, 81, 443 };
	struct made *md;

	md = packets(k, "dst 10.2.0.2,10.3.0.0/30,10.4.0.7-10.4.0.9 "
	    "src 10.0.1.254-10.0.2.1 dport 53,80-81,443 sport 7 "
	    "size 64-66,1518 ttl 3 dscp 46 vector 17", PACKETS);
	KASSERT(md->n == PACKETS);
	for (unsigned i = 0; i < PACKETS; i++) {
		KASSERT(md->seen[i].dst == dsts[i % 8]);
		KASSERT(md->seen[i].src == 0x0a0001fe + i % 4);
		KASSERT(md->seen[i].dport == dports[i % 4]);
		KASSERT(md->seen[i].sport == 7);
		KASSERT(md->seen[i].len == (i % 4 == 3 ? 1518 : 64 + i % 4));
		KASSERT(md->seen[i].ttl == 3 && md->seen[i].tos == 46 << 2);
	}
}

/* Frames that differ in their destination alone have a way of their own. */
static void
plain_body(struct kern *k)
{
	struct made *plain, *any;

	plain = packets(k, "dst 10.2.255.0 dsts 300 src 10.0.1.2 size 100 "
	    "vector 13", 1000);
	for (unsigned i = 0; i < 1000; i++) {
		KASSERT(plain->seen[i].dst == 0x0a02ff00 + i % 300);
		KASSERT(plain->seen[i].src == 0x0a000102);
		KASSERT(plain->seen[i].len == 100);
		KASSERT(plain->seen[i].dport == 9 && plain->seen[i].sport == 9);
		KASSERT(plain->seen[i].ttl == 64 && plain->seen[i].tos == 0);
	}
	any = packets(k, "dst 10.2.255.0-10.3.0.43 src 10.0.1.2,10.0.1.2 "
	    "size 100", 1000);
	KASSERT(memcmp(plain->seen, any->seen, 1000 * sizeof(struct seen)) ==
	    0);
}

static void
random_body(struct kern *k)
{
	static const char words[] = "dst 10.2.0.0/28,10.3.0.1 "
	    "src 10.0.1.0/30 dport 1-1000 random ";
	unsigned count[17] = { 0 }, at, different = 0;
	char line[128];
	struct made *a, *b;

	snprintf(line, sizeof(line), "%s7", words);
	a = packets(k, line, PACKETS);
	b = packets(k, line, PACKETS);
	KASSERT(memcmp(a->seen, b->seen, sizeof(a->seen)) == 0);
	for (unsigned i = 0; i < PACKETS; i++) {
		at = a->seen[i].dst == 0x0a030001 ? 16 :
		    a->seen[i].dst - 0x0a020000;
		KASSERT(at <= 16);
		count[at]++;
		KASSERT(a->seen[i].src - 0x0a000100 < 4);
		KASSERT(a->seen[i].dport - 1 < 1000);
	}
	/* All values are as likely: 241 each, and 15.6 is their deviation. */
	for (at = 0; at <= 16; at++)
		KASSERT(count[at] > 160 && count[at] < 320);
	snprintf(line, sizeof(line), "%s8", words);
	b = packets(k, line, PACKETS);
	for (unsigned i = 0; i < PACKETS; i++)
		different += a->seen[i].dst != b->seen[i].dst;
	KASSERT(different > PACKETS / 2);
}

/* The packets of a seed are the same in every release: splitmix64. */
static void
seed_body(struct kern *k)
{
	struct made *md = packets(k, "dst 0.0.0.0/0 random 0", 3);

	KASSERT(md->seen[0].dst == 0xe220a839);
	KASSERT(md->seen[1].dst == 0x6e789e6a);
	KASSERT(md->seen[2].dst == 0x06c45d18);
}

static void
imix_body(struct kern *k)
{
	struct made *md = packets(k, "dst 10.2.0.2 size imix", 1200);
	unsigned small = 0, middle = 0, large = 0;

	for (unsigned i = 0; i < 1200; i++) {
		small += md->seen[i].len == 64;
		middle += md->seen[i].len == 570;
		large += md->seen[i].len == 1518;
	}
	KASSERT(small == 700 && middle == 400 && large == 100);
}

static void
count_body(struct kern *k)
{

	KASSERT(packets(k, "dst 10.2.0.2 count 300", 1000)->n == 300);
	KASSERT(packets(k, "dst 10.2.0.2-10.2.0.5 size imix count 1", 1000)->n
	    == 1);
	KASSERT(packets(k, "dst 10.2.0.2 count 0", 1000)->n >= 1000);
}

/* --- pace ----------------------------------------------------------------- */

struct paced {
	struct pg_stream *ps;
	uint64_t	 step, end, sent, bits, due;
};

/* CPU: poll every `step' ns from time 1000 on, until `end'. */
static void
pace(void *arg)
{
	struct paced *pa = arg;
	struct mvec mv;
	uint64_t due;
	unsigned n;

	pa->due = 0;
	for (uint64_t now = 0; now <= pa->end; now += pa->step) {
		while ((n = pg_stream_due(pa->ps, 1000 + now, MVEC_MAX,
		    &due)) > 0) {
			pg_stream_make(pa->ps, 1000 + now, n, &mv);
			pa->sent += mv.mv_n;
			pa->bits += mvec_bytes(&mv) * 8 + mv.mv_n * 32;
			mvec_free(&mv);
		}
		KASSERT(due > 1000 + now);
		pa->due = due;
	}
}

static struct paced
paced(struct kern *k, const char *words, uint64_t step, uint64_t end)
{
	struct paced pa = { .step = step, .end = end };

	KASSERT(pg_stream_create(k, 1, words, NULL, &pa.ps) == 0);
	kern_xcall(k, pace, &pa);
	KASSERT(pa.ps->ps_sent == pa.sent && pa.ps->ps_bytes * 8 == pa.bits);
	pg_stream_destroy(k, pa.ps);
	return pa;
}

#define MS	1000000ull
#define SEC	(1000 * MS)

static void
pace_body(struct kern *k)
{
	struct paced pa;

	/* The packet with index i is due i / rate after the first. */
	pa = paced(k, "dst 1.2.3.4 rate 1000", MS / 10, 2 * SEC);
	KASSERT(pa.sent == 2001 && pa.due == 1000 + 2 * SEC + MS);
	pa = paced(k, "dst 1.2.3.4 rate 3pps", MS, SEC - MS);
	KASSERT(pa.sent == 3 && pa.due == 1000 + SEC);
	pa = paced(k, "dst 1.2.3.4 rate 1Mpps", MS, SEC / 10);
	KASSERT(pa.sent == 100001);
	/* An end by time is exact, whenever it is looked at. */
	pa = paced(k, "dst 1.2.3.4 rate 1kpps duration 1s", 7 * MS, 3 * SEC);
	KASSERT(pa.sent == 1000 && pa.due == UINT64_MAX);
	pa = paced(k, "dst 1.2.3.4 rate 7 duration 500ms", MS, 3 * SEC);
	KASSERT(pa.sent == 4 && pa.due == UINT64_MAX);
	pa = paced(k, "dst 1.2.3.4 rate 1kpps count 77", MS, SEC);
	KASSERT(pa.sent == 77);
	/* Bits of frames with their check sequence; one frame too many at most
	 * is under way. */
	pa = paced(k, "dst 1.2.3.4 rate 10Mbps size 1250", MS, SEC);
	KASSERT(pa.sent == 1001);
	pa = paced(k, "dst 1.2.3.4 rate 8Mbps size imix", MS, SEC);
	KASSERT(pa.bits >= 8000000 && pa.bits < 8000000 + 256 * 1518 * 8);
	pa = paced(k, "dst 1.2.3.4 rate 8Mbps size imix", MS, 10 * SEC);
	KASSERT(pa.bits >= 80000000 && pa.bits < 80000000 + 256 * 1518 * 8);
	/* A stream that was not asked for a second does not make up for all
	 * of it, but for 20 ms. */
	pa = paced(k, "dst 1.2.3.4 rate 100kpps", SEC, SEC);
	KASSERT(pa.sent == 1 + 2000 + 1);
}

/* Without a rate a stream ends by time as well. */
static void
unpaced_body(struct kern *k)
{
	struct pg_stream *ps;
	uint64_t due;

	KASSERT(pg_stream_create(k, 1, "dst 1.2.3.4 duration 10ms vector 9",
	    NULL, &ps) == 0);
	KASSERT(pg_stream_due(ps, 1000, MVEC_MAX, &due) == 9);
	KASSERT(pg_stream_due(ps, 1000, 3, &due) == 3);
	KASSERT(pg_stream_due(ps, 999 + 10 * MS, MVEC_MAX, &due) == 9);
	KASSERT(pg_stream_due(ps, 1000 + 10 * MS, MVEC_MAX, &due) == 0);
	KASSERT(due == UINT64_MAX && ps->ps_done);
	pg_stream_destroy(k, ps);
}

/* --- words ---------------------------------------------------------------- */

static void
words_body(struct kern *k)
{
	static const char *const bad[] = {
		"dst", "dst 1.2.3", "dst 300.1.1.1", "dst 1.2.3.4,",
		"dst ,1.2.3.4", "dst 1.2.3.4-", "dst 1.2.3.4-1.2.3.3",
		"dst 1.2.3.4/24", "dst 1.2.3.0/33", "dst 1.2.3.0/",
		"dst 1.2.3.0/x", "dst 1.2.3.4-1.2.3.5-1.2.3.6",
		"dst 1,2,3,4", "dst ::1", "dst example.org",
		"dst 1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
		"1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
		"1.1.1.1,1.1.1.1,1.1.1.1",
		"src 1.2.3", "dport 65536", "dport -1", "dport 1-", "dport 1/8",
		"sport x", "size 49", "size 1519", "size 64-1519", "size x",
		"size -1", "size imux", "size 64,imix", "vector 0",
		"vector 257", "dsts 0", "dsts 16777217",
		"dst 255.255.255.254 dsts 3", "dst 1.2.3.0/24 dsts 3",
		"count x", "count 99999999999999999999999", "rate 0",
		"rate 1001G", "rate 1T", "rate k", "rate 1kbit", "rate 1.5M",
		"rate 99999999999999999999", "rate -1", "duration 0",
		"duration 10h", "duration s", "duration 99999999999",
		"random", "random x", "random -1", "ttl 0", "ttl 256",
		"dscp 64", "more", "dst 1.2.3.4 size", "ttl 1 ttl 1",
	};
	char line[700];
	struct pg_stream *ps;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ps = (struct pg_stream *)1;
		if (pg_stream_create(k, 1, bad[i], NULL, &ps) != EINVAL)
			fprintf(stderr, "%s: not refused\n", bad[i]);
		KASSERT(ps == NULL);
	}
	memset(line, '1', sizeof(line));
	memcpy(line, "dst ", 4);
	line[sizeof(line) - 1] = '\0';
	KASSERT(pg_stream_create(k, 1, line, NULL, &ps) == EINVAL);
	/* Words that are good, and make no packets. */
	KASSERT(pg_stream_create(k, 1, "", NULL, &ps) == 0 && ps == NULL);
	KASSERT(pg_stream_create(k, 1, "size 100 count 3", NULL, &ps) == 0);
	KASSERT(ps == NULL);
	KASSERT(pg_stream_create(k, 1, "dst 0.0.0.0/0 src 0.0.0.0-"
	    "255.255.255.255 dport 0-65535 size 50-1518 rate 1000Gbps "
	    "random 18446744073709551600 duration 1000000000s", NULL,
	    &ps) == 0);
	KASSERT(ps->ps_dst.p_count == 1ULL << 32);
	KASSERT(ps->ps_src.p_count == 1ULL << 32);
	pg_stream_destroy(k, ps);
	sim_fail_alloc(k->k_host, 1);
	KASSERT(pg_stream_create(k, 1, "dst 1.2.3.4", NULL, &ps) == ENOMEM);
	KASSERT(ps == NULL);
}

#define TEST(name)	static void test_##name(void **state)		\
	{ (void)state; on_sim(1, name##_body); }

TEST(order)
TEST(plain)
TEST(random)
TEST(seed)
TEST(imix)
TEST(count)
TEST(pace)
TEST(unpaced)
TEST(words)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_plain),
		cmocka_unit_test(test_random), cmocka_unit_test(test_seed),
		cmocka_unit_test(test_imix), cmocka_unit_test(test_count),
		cmocka_unit_test(test_pace), cmocka_unit_test(test_unpaced),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
