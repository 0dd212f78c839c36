/*
 * Replaying: packets that are handed over, kept and sent at their own pace or
 * another, once or again and again.
 */

#include "dev_test.h"

#include <ifnet/ifreq.h>

#include "dev/pg_stream.h"	/* under test */

#define MS	1000000ull

/* A row of packets as a request has it. */
struct row {
	uint8_t		 data[IF_PGDATA_MAX];
	uint32_t	 len;
};

static void
put(struct row *r, uint64_t ns, uint32_t len, uint8_t fill)
{
	struct if_pgpacket pgp = { .pgp_ns = ns, .pgp_len = len };

	KASSERT(r->len + IF_PGPACKET_SIZE(len) <= sizeof(r->data));
	memset(r->data + r->len, 0, IF_PGPACKET_SIZE(len));
	memcpy(r->data + r->len, &pgp, sizeof(pgp));
	memset(r->data + r->len + sizeof(pgp), fill, len);
	r->len += (uint32_t)IF_PGPACKET_SIZE(len);
}

static int
try_one(struct kern *k, uint64_t ns, uint32_t len, uint32_t cut)
{
	struct pg_packets *pk = pg_packets_create(k, 1);
	struct row r = { .len = 0 };
	int error;

	put(&r, 0, 60, 1);
	put(&r, 5, 60, 2);
	KASSERT(pg_packets_add(pk, r.data, r.len) == 0);
	r.len = 0;
	put(&r, ns, len <= 2048 ? len : 60, 3);
	memcpy(r.data + 8, &len, sizeof(len));
	error = pg_packets_add(pk, r.data, r.len - cut);
	KASSERT(pk->pk_n == (error == 0 ? 3 : 2));
	pg_packets_release(pk);
	return error;
}

static void
refused_body(struct kern *k)
{
	struct pg_packets *pk;
	struct row r = { .len = 0 };

	KASSERT(try_one(k, 5, 14, 0) == 0);
	KASSERT(try_one(k, 6, 2048, 0) == 0);
	KASSERT(try_one(k, 4, 60, 0) == EINVAL);
	KASSERT(try_one(k, PG_PACKET_NS_MAX + 1, 60, 0) == EINVAL);
	KASSERT(try_one(k, 5, 13, 0) == EINVAL);
	KASSERT(try_one(k, 5, 2049, 0) == EINVAL);
	KASSERT(try_one(k, 5, UINT32_MAX, 0) == EINVAL);
	for (uint32_t cut = 1; cut < 80; cut++)
		KASSERT(try_one(k, 5, 60, cut) == EINVAL);
	/* The first is the beginning of time. */
	pk = pg_packets_create(k, 1);
	put(&r, 1, 60, 1);
	KASSERT(pg_packets_add(pk, r.data, r.len) == EINVAL);
	pg_packets_release(pk);
	/* Without memory, at every step. */
	sim_fail_alloc(k->k_host, 1);
	KASSERT(pg_packets_create(k, 1) == NULL);
	pk = pg_packets_create(k, 1);
	r.len = 0;
	put(&r, 0, 60, 1);
	sim_fail_alloc(k->k_host, 1);
	KASSERT(pg_packets_add(pk, r.data, r.len) == ENOMEM && pk->pk_n == 0);
	KASSERT(pg_packets_add(pk, r.data, r.len) == 0 && pk->pk_n == 1);
	KASSERT(pg_packets_add(pk, r.data, 0) == 0 && pk->pk_n == 1);
	pg_packets_release(pk);
}

/* Packets of 60, 70, 80... bytes in two pieces, 10 ms and then 20 ms apart. */
static struct pg_packets *
five(struct kern *k)
{
	struct pg_packets *pk = pg_packets_create(k, 1);
	struct row r = { .len = 0 };

	put(&r, 0, 60, 1);
	put(&r, 10 * MS, 70, 2);
	put(&r, 20 * MS, 80, 3);
	KASSERT(pg_packets_add(pk, r.data, r.len) == 0);
	r.len = 0;
	put(&r, 40 * MS, 90, 4);
	put(&r, 60 * MS, 100, 5);
	KASSERT(pg_packets_add(pk, r.data, r.len) == 0);
	KASSERT(pk->pk_n == 5 && pk->pk_bytes == 400);
	KASSERT(pg_packets_round_ns(pk) == 75 * MS);
	return pk;
}

struct replay {
	struct pg_stream *ps;
	uint64_t	 end, step;
	unsigned	 n;
	uint64_t	 at[64];	/* when each went */
};

/* CPU: poll until the end; each packet is the next of the five. */
static void
replay(void *arg)
{
	struct replay *re = arg;
	struct mvec mv;
	uint64_t due;
	unsigned n, i;

	for (uint64_t now = 0; now <= re->end; now += re->step) {
		while ((n = pg_stream_due(re->ps, 1000 + now, MVEC_MAX,
		    &due)) > 0) {
			pg_stream_make(re->ps, 1000 + now, n, &mv);
			for (i = 0; i < mv.mv_n; i++) {
				KASSERT(re->n < 64);
				KASSERT(mv.mv_m[i]->m_len ==
				    60 + 10 * (re->n % 5));
				for (unsigned b = 0; b < mv.mv_m[i]->m_len; b++)
					KASSERT(mv.mv_m[i]->m_data[b] ==
					    re->n % 5 + 1);
				re->at[re->n++] = now;
			}
			mvec_free(&mv);
		}
		KASSERT(due > 1000 + now);
	}
}

static struct replay
replayed(struct kern *k, const char *words, uint64_t step, uint64_t end)
{
	struct replay re = { .step = step, .end = end };
	struct pg_packets *pk = five(k);

	KASSERT(pg_stream_create(k, 1, words, pk, &re.ps) == 0);
	pg_packets_release(pk);		/* the stream's, from now on */
	kern_xcall(k, replay, &re);
	pg_stream_destroy(k, re.ps);
	return re;
}

static void
pace_body(struct kern *k)
{
	static const uint64_t at[] = { 0, 10, 20, 40, 60, 75, 85, 95, 115,
	    135, 150 };
	struct replay re;

	re = replayed(k, "replay a.pcap", MS, 1000 * MS);
	KASSERT(re.n == 5);
	for (unsigned i = 0; i < 5; i++)
		KASSERT(re.at[i] == at[i] * MS);
	re = replayed(k, "replay a.pcap loop 2", MS, 1000 * MS);
	KASSERT(re.n == 10);
	for (unsigned i = 0; i < 10; i++)
		KASSERT(re.at[i] == at[i] * MS);
	re = replayed(k, "replay a.pcap loop 0", MS, 150 * MS);
	KASSERT(re.n == 11 && re.at[10] == 150 * MS);
	re = replayed(k, "replay a.pcap loop 0 count 7", MS, 1000 * MS);
	KASSERT(re.n == 7 && re.at[6] == 85 * MS);
	re = replayed(k, "replay a.pcap loop 0 duration 75ms", MS, 1000 * MS);
	KASSERT(re.n == 5);
	/* A packet that is due is sent; what is late by more than 20 ms makes
	 * all that follow late. */
	re = replayed(k, "replay a.pcap", 7 * MS, 1000 * MS);
	KASSERT(re.n == 5 && re.at[1] == 14 * MS && re.at[4] == 63 * MS);
	re = replayed(k, "replay a.pcap", 50 * MS, 1000 * MS);
	KASSERT(re.n == 5 && re.at[2] == 50 * MS && re.at[4] == 100 * MS);
}

static void
rate_body(struct kern *k)
{
	struct replay re;

	re = replayed(k, "replay a.pcap loop 4 rate 1kpps", MS, 1000 * MS);
	KASSERT(re.n == 20 && re.at[19] == 19 * MS);
	re = replayed(k, "replay a.pcap loop 4 rate max", MS, 1000 * MS);
	KASSERT(re.n == 20 && re.at[19] == 0);
	/* 84 bytes on the average, with the check sequence. */
	re = replayed(k, "replay a.pcap loop 4 rate 672kbps", MS, 1000 * MS);
	KASSERT(re.n == 20 && re.at[19] >= 15 * MS && re.at[19] <= 20 * MS);
}

static void
words_body(struct kern *k)
{
	static const char *const bad[] = {
		"replay", "replay a dst 1.2.3.4", "replay a src 1.2.3.4",
		"replay a size 64", "replay a random 1", "replay a measure",
		"replay a ttl 3", "replay a dsts 2", "replay a loop",
		"replay a loop x", "replay a loop -1", "replay a replay b",
		"dst 1.2.3.4", "", "loop 3",
	};
	struct pg_packets *pk = five(k), *none;
	struct pg_stream *ps;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		KASSERT(pg_stream_create(k, 1, bad[i], pk, &ps) == EINVAL);
	KASSERT(pk->pk_refs == 1);
	KASSERT(pg_stream_create(k, 1, "replay a", NULL, &ps) == EINVAL);
	KASSERT(pg_stream_create(k, 1, "dst 1.2.3.4 loop 2", NULL, &ps) ==
	    EINVAL);
	none = pg_packets_create(k, 2);
	KASSERT(pg_stream_create(k, 1, "replay a", none, &ps) == EINVAL);
	pg_packets_release(none);
	pg_packets_release(pk);
}

/* --- through requests ----------------------------------------------------- */

static int
add(struct dev_test *dt, uint64_t *id, const struct row *r)
{
	struct if_pgadd pga = { .pga_name = "pg0", .pga_packets = *id,
	    .pga_len = r->len };
	int error;

	memcpy(pga.pga_data, r->data, sizeof(pga.pga_data));
	error = ifioctl(dt->dt_vnet, &kauth_cred_self, SIOCAPGPACKETS, &pga,
	    sizeof(pga));
	*id = pga.pga_packets;
	return error;
}

static int
set(struct dev_test *dt, uint32_t stream, uint64_t id, const char *words)
{
	struct if_pgreq pgr = { .pgr_name = "pg0", .pgr_stream = stream,
	    .pgr_op = PG_SET, .pgr_packets = id };

	strcpy(pgr.pgr_words, words);
	return ifioctl(dt->dt_vnet, &kauth_cred_self, SIOCSPGSTREAM, &pgr,
	    sizeof(pgr));
}

/* Packets are handed over by a number; those of a request that was left behind
 * go with the next, or with the interface. */
static void
body_requests(struct dev_test *dt)
{
	struct row r = { .len = 0 }, bad = { .len = 0 };
	uint64_t one = 0, two = 0, no = 77;

	put(&r, 0, 60, 1);
	put(&bad, 0, 60, 1);
	bad.data[8] = 3;
	dev_command(dt, "ifconfig pg0 create");
	KASSERT(add(dt, &no, &r) == EBUSY);
	KASSERT(add(dt, &one, &r) == 0 && one != 0);
	KASSERT(add(dt, &one, &bad) == EINVAL);
	KASSERT(add(dt, &one, &r) == 0);
	KASSERT(set(dt, 1, no, "replay x") == EBUSY);
	KASSERT(set(dt, 1, 0, "replay x") == EINVAL);
	KASSERT(set(dt, 1, one, "replay x loop 3") == 0);
	KASSERT(set(dt, 1, one, "replay x") == EBUSY);
	/* Six packets, and from the beginning again. */
	dev_command(dt, "ifconfig pg0 up");
	for (unsigned i = 0; i < 20; i++) {
		host_sleep(dt->dt_host, MS);
		ifnet_stack_run(dt->dt_stack);
	}
	KASSERT(dev_data(dt->dt_vnet, "pg0").ifi_ipackets == 6);
	dev_command(dt, "pg start pg0 1");
	for (unsigned i = 0; i < 20; i++) {
		host_sleep(dt->dt_host, MS);
		ifnet_stack_run(dt->dt_stack);
	}
	KASSERT(dev_data(dt->dt_vnet, "pg0").ifi_ipackets == 12);
	/* The words are refused, and the packets are gone all the same. */
	one = 0;
	KASSERT(add(dt, &one, &r) == 0);
	KASSERT(set(dt, 2, one, "replay x ttl 3") == EINVAL);
	KASSERT(set(dt, 2, one, "replay x") == EBUSY);
	/* Packets of another request begin. */
	one = 0;
	KASSERT(add(dt, &one, &r) == 0);
	KASSERT(add(dt, &two, &r) == 0 && two != one);
	KASSERT(add(dt, &one, &r) == EBUSY);
	r.len = IF_PGDATA_MAX + 1;
	KASSERT(add(dt, &two, &r) == EINVAL);
}

/* An interface's packets take so much memory, and no more. */
static void
body_bound(struct dev_test *dt)
{
	struct row r = { .len = 0 };
	uint64_t id = 0, pieces = 0;
	int error;

	put(&r, 0, 2048, 1);
	put(&r, 0, 1800, 1);
	dev_command(dt, "ifconfig pg0 create");
	while ((error = add(dt, &id, &r)) == 0)
		pieces++;
	KASSERT(error == ENOSPC);
	KASSERT(pieces * r.len <= PG_REPLAY_MAX);
	KASSERT((pieces + 1) * (r.len + 64) > PG_REPLAY_MAX);
	KASSERT(set(dt, 1, id, "replay x") == 0);
	id = 0;
	KASSERT(add(dt, &id, &r) == ENOSPC);
	dev_command(dt, "pg delete pg0 1");
	id = 0;
	KASSERT(add(dt, &id, &r) == 0);
}

#define TEST(name)	static void test_##name(void **state)		\
	{ (void)state; on_sim(1, name##_body); }

TEST(refused)
TEST(pace)
TEST(rate)
TEST(words)

static void
test_requests(void **state)
{

	(void)state;
	dev_on_sim(body_requests);
}

static void
test_bound(void **state)
{
	struct dev_test dt = { .dt_body = body_bound };

	(void)state;
	on_seeds(1, &dt.dt_host, dev_test_main, &dt);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused), cmocka_unit_test(test_pace),
		cmocka_unit_test(test_rate), cmocka_unit_test(test_words),
		cmocka_unit_test(test_requests), cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
