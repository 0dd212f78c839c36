/*
 * The packet generator: what it makes is forwarded, counted and bounded.
 */

#include <ifnet/if.h>
#include <ifnet/if_clone.h>
#include <ifnet/ifreq.h>

#include "dev_test.h"

static void
body_count(struct dev_test *dt)
{
	struct if_data in, out;

	dev_command(dt, "sysctl -w net.inet.ip.forwarding=1");
	dev_command(dt, "ifconfig pg0 create dst 10.2.0.2 src 10.0.1.2 "
	    "dsts 300 size 100 vector 17 count 1000");
	dev_command(dt, "ifconfig pg1 create");
	dev_command(dt, "ifconfig pg1 inet 10.0.2.1/24 up");
	dev_command(dt, "arp -s 10.0.2.2 02:00:00:00:00:02");
	dev_command(dt, "route add -net 10.2.0.0/16 10.0.2.2");
	dev_command(dt, "ifconfig pg0 inet 10.0.1.1/24 up");
	dev_run(dt);
	in = dev_data(dt->dt_vnet, "pg0");
	out = dev_data(dt->dt_vnet, "pg1");
	KASSERT(in.ifi_ipackets == 1000 && in.ifi_forwarded == 1000);
	KASSERT(in.ifi_ibytes == 1000 * 96);
	KASSERT(out.ifi_opackets >= 1000 && out.ifi_odrops == 0);
	/* Down and up again: the count stays used up. */
	dev_command(dt, "ifconfig pg0 down");
	dev_command(dt, "ifconfig pg0 up");
	dev_run(dt);
	KASSERT(dev_data(dt->dt_vnet, "pg0").ifi_ipackets == 1000);
}

static void
body_words(struct dev_test *dt)
{
	static const char *const bad[] = {
		"dst", "dst 1.2.3", "dst 300.1.1.1", "size 49", "size 1519",
		"size x", "size -1", "vector 0", "vector 257", "dsts 0",
		"count 99999999999999999999999", "more", "dst 1.2.3.4 size",
	};
	char name[IFNAMSIZ] = "pg0";

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		KASSERT(if_clone_create(dt->dt_vnet, name, bad[i]) == EINVAL);
	KASSERT(if_clone_create(dt->dt_vnet, name,
	    "dst 1.2.3.4 size 1518 vector 256 count 18446744073709551600") ==
	    0);
}

/* Run a command that must succeed, and look for a text in its output. */
static bool
says(struct dev_test *dt, const char *line, const char *text)
{
	struct ifnet_error e;
	char *output = NULL;
	bool found;
	int error;

	error = vnet_command_output(dt->dt_vnet, line, &output, &e);
	if (error != 0)
		fprintf(stderr, "%s: %s\n", line, e.text);
	KASSERT(error == 0);
	found = strstr(output, text) != NULL;
	free(output);
	return found;
}

/* Is the line refused, with this text? */
static bool
refused(struct dev_test *dt, const char *line, const char *text)
{
	struct ifnet_error e;
	char *output = NULL;
	int error;

	error = vnet_command_output(dt->dt_vnet, line, &output, &e);
	if (error == 0 || strstr(e.text, text) == NULL)
		fprintf(stderr, "%s: %d %s\n", line, error, e.text);
	free(output);
	return error != 0 && strstr(e.text, text) != NULL;
}

/* pg0 in, pg1 out, and all of 10/8 behind pg1. */
static void
router(struct dev_test *dt)
{

	dev_command(dt, "sysctl -w net.inet.ip.forwarding=1");
	dev_command(dt, "ifconfig pg0 create");
	dev_command(dt, "ifconfig pg1 create");
	dev_command(dt, "ifconfig pg1 inet 10.0.2.1/24 up");
	dev_command(dt, "arp -s 10.0.2.2 02:00:00:00:00:02");
	dev_command(dt, "route add -net 10.0.0.0/8 10.0.2.2");
	dev_command(dt, "ifconfig pg0 inet 10.0.1.1/24 up");
}

static uint64_t
received(struct dev_test *dt)
{

	return dev_data(dt->dt_vnet, "pg0").ifi_ipackets;
}

static void
body_streams(struct dev_test *dt)
{
	char line[64];

	router(dt);
	/* Streams come while the interface is up. */
	dev_command(dt, "pg set pg0 7 dst 10.2.0.0/24 src 10.0.1.2 count 100");
	dev_run(dt);
	KASSERT(received(dt) == 100);
	dev_command(dt, "pg set pg0 3 dst 10.3.0.1 src 10.0.1.2 count 50");
	dev_run(dt);
	KASSERT(received(dt) == 150);
	KASSERT(says(dt, "pg show pg0", "pg0 stream 3: dst 10.3.0.1 src "
	    "10.0.1.2 count 50\n\tdone, sent 50 packets, 3200 bytes"));
	KASSERT(says(dt, "pg show", "pg0 stream 7: "));
	KASSERT(!says(dt, "pg show pg0 7", "stream 3"));
	KASSERT(says(dt, "pg show --json pg0 7", "\"sent\": 100"));
	KASSERT(says(dt, "pg show --json pg1", "[]"));
	/* From the beginning: one, or all. */
	dev_command(dt, "pg start pg0 3");
	dev_run(dt);
	KASSERT(received(dt) == 200);
	dev_command(dt, "pg start pg0");
	dev_run(dt);
	KASSERT(received(dt) == 350);
	KASSERT(says(dt, "pg show pg0 3", "done, sent 50 packets"));
	/* Another in its place, and none. */
	dev_command(dt, "pg set pg0 3 dst 10.3.0.1 src 10.0.1.2 rate 1 "
	    "size 1518");
	dev_run(dt);
	KASSERT(received(dt) == 351);
	KASSERT(says(dt, "pg show pg0 3", "running, sent 1 packets, 1518 "));
	dev_command(dt, "pg stop pg0 3");
	KASSERT(says(dt, "pg show pg0 3", "stopped, sent 1 packets"));
	dev_command(dt, "pg stop pg0");
	KASSERT(says(dt, "pg show pg0 7", "done"));
	dev_command(dt, "pg delete pg0 3");
	KASSERT(!says(dt, "pg show", "stream 3"));
	KASSERT(refused(dt, "pg delete pg0 3", "pg0 has no stream 3"));
	KASSERT(refused(dt, "pg start pg0 3", "pg0 has no stream 3"));
	KASSERT(refused(dt, "pg stop pg0 3", "pg0 has no stream 3"));
	KASSERT(refused(dt, "pg show pg0 3", "pg0 has no stream 3"));
	dev_command(dt, "pg delete pg0 7");
	dev_run(dt);
	KASSERT(received(dt) == 351);
	/* There are so many at most. */
	for (unsigned i = 1; i <= PG_STREAMS_MAX; i++) {
		snprintf(line, sizeof(line), "pg set pg0 %u dst 10.2.0.%u "
		    "src 10.0.1.2 count 10", 1000 - i, i);
		dev_command(dt, line);
	}
	KASSERT(refused(dt, "pg set pg0 1 dst 10.2.0.1", "64 streams"));
	dev_command(dt, "pg set pg0 999 dst 10.2.0.1 src 10.0.1.2 count 20");
	for (unsigned i = 0; i < 10; i++)
		dev_run(dt);
	KASSERT(received(dt) >= 351 + 10 * PG_STREAMS_MAX);
	KASSERT(says(dt, "pg show pg0 936", "done, sent 10 packets"));
	KASSERT(dev_data(dt->dt_vnet, "pg0").ifi_forwarded == received(dt));
}

/* Streams without an end take turns, and one with a rate is not held up. */
static void
body_turns(struct dev_test *dt)
{

	router(dt);
	dev_command(dt, "pg set pg0 1 dst 10.2.0.1 src 10.0.1.2");
	dev_command(dt, "pg set pg0 2 dst 10.2.0.2 src 10.0.1.2");
	dev_command(dt, "pg set pg0 3 dst 10.2.0.3 src 10.0.1.2 rate 1k");
	for (unsigned i = 0; i < 10; i++) {
		host_sleep(dt->dt_host, 1000000);
		ifnet_stack_run(dt->dt_stack);
	}
	dev_command(dt, "pg stop pg0");
	KASSERT(!says(dt, "pg show pg0 1", "sent 0 packets"));
	KASSERT(!says(dt, "pg show pg0 2", "sent 0 packets"));
	KASSERT(!says(dt, "pg show pg0 3", "sent 0 packets"));
}

static uint64_t
sent(struct dev_test *dt, uint32_t stream)
{
	struct if_pgstat pgs = { .pgs_name = "pg0", .pgs_stream = stream };

	KASSERT(ifioctl(dt->dt_vnet, &kauth_cred_self, SIOCGPGSTAT, &pgs,
	    sizeof(pgs)) == 0);
	return pgs.pgs_sent;
}

/* In virtual time a rate is exact, also through the timer that wakes a CPU. */
static void
body_rates(struct dev_test *dt)
{
	uint64_t begin, end;

	router(dt);
	dev_command(dt, "pg set pg0 1 dst 10.2.0.1 src 10.0.1.2 rate 500");
	dev_command(dt, "pg set pg0 2 dst 10.2.0.1 src 10.0.1.2 rate 200k "
	    "duration 100ms");
	dev_command(dt, "pg set pg0 3 dst 10.2.0.1 src 10.0.1.2 size 1000 "
	    "rate 8Mbps");
	ifnet_stack_run(dt->dt_stack);
	begin = host_clock(dt->dt_host);
	do {
		host_sleep(dt->dt_host, 1000000);
		ifnet_stack_run(dt->dt_stack);
		end = host_clock(dt->dt_host);
	} while (end - begin < 1000000000);
	KASSERT(sent(dt, 1) >= 500 && sent(dt, 1) <=
	    (end - begin) / 2000000 + 2);
	KASSERT(sent(dt, 2) == 20000);
	KASSERT(sent(dt, 3) >= 999 && sent(dt, 3) <=
	    (end - begin) / 1000000 + 2);
	KASSERT(received(dt) == sent(dt, 1) + sent(dt, 2) + sent(dt, 3));
}

static struct mbuf *hoard[4096];
static unsigned nhoard;

static void
take_all(void *arg)
{

	(void)arg;
	while ((hoard[nhoard] = m_gethdr()) != NULL)
		nhoard++;
}

static void
give_all(void *arg)
{

	(void)arg;
	while (nhoard > 0)
		m_freem(hoard[--nhoard]);
}

/* While buffers are out there are no packets, and afterwards there are. */
static void
body_buffers(struct dev_test *dt)
{
	uint64_t before;

	router(dt);
	dev_command(dt, "pg set pg0 1 dst 10.2.0.1 src 10.0.1.2 count 5000");
	kern_xcall(dt->dt_vnet->vn_kern, take_all, NULL);
	before = received(dt);
	dev_run(dt);
	KASSERT(received(dt) == before && before < 5000);
	kern_xcall(dt->dt_vnet->vn_kern, give_all, NULL);
	for (unsigned i = 0; i < 50; i++) {
		host_sleep(dt->dt_host, 2000000);
		ifnet_stack_run(dt->dt_stack);
	}
	KASSERT(received(dt) == 5000);
}

/* Frames go to the address that the interface has when it is set up. */
static void
body_address(struct dev_test *dt)
{

	router(dt);
	dev_command(dt, "ifconfig pg0 down");
	dev_command(dt, "pg set pg0 1 dst 10.2.0.1 src 10.0.1.2 count 5");
	dev_command(dt, "ifconfig pg0 link 02:00:00:00:00:55 active");
	dev_command(dt, "ifconfig pg0 up");
	dev_run(dt);
	KASSERT(dev_data(dt->dt_vnet, "pg0").ifi_forwarded == 5);
}

static void
body_refused(struct dev_test *dt)
{
	static const struct {
		const char	*line, *text;
	} bad[] = {
		{ "pg set pg0 1 src 10.0.1.2", "needs a destination" },
		{ "pg set pg0 1", "needs a destination" },
		{ "pg set pg0 1 dst 10.2.0.1/24", "no prefix of this length" },
		{ "pg set pg0 1 dst 10.2.0.9-10.2.0.1", "end before its" },
		{ "pg set pg0 1 dst x", "x is not an IPv4 address" },
		{ "pg set pg0 1 dst", "its value is missing" },
		{ "pg set pg0 1 dst 1.2.3.4 size 40", "from 50 to 1518" },
		{ "pg set pg0 1 dst 1.2.3.4 rate 5x", "20kpps or 1Gbps" },
		{ "pg set pg0 1 dst 1.2.3.4 duration 5h", "500ms" },
		{ "pg set pg0 1 dst 1.2.3.0/24 dsts 5", "a range says" },
		{ "pg set pg0 1 dst 1.2.3.4 dst 1.2.3.4", "given twice" },
		{ "pg set pg0 1 dts 1.2.3.4", "did you mean dst" },
		{ "pg set pg0 0 dst 1.2.3.4", "number is 1 to 65535" },
		{ "pg set pg0 65536 dst 1.2.3.4", "number is 1 to 65535" },
		{ "pg set pg0", "number of a stream" },
		{ "pg delete pg0", "number of a stream" },
		{ "pg delete pg0 1 2", "one word too many" },
		{ "pg start", "name of an interface" },
		{ "pg shwo", "did you mean show" },
		{ "pg", "set, delete, start, stop or show" },
		{ "pg show pg0 x", "number is 1 to 65535" },
		{ "pg show pg0 1 2", "one word too many" },
		{ "pg show pg9", "pg9" },
		{ "pg set lo0 1 dst 1.2.3.4", "neither its driver" },
		{ "ifconfig pg5 create dst 1.2.3.0/25,1.2.3.4 rate",
		    "rate: its value is missing" },
	};
	static const struct kauth_cred nobody = { .kc_uid = 65534,
	    .kc_gid = 65534 };
	struct if_pgreq pgr = { .pgr_name = "pg0", .pgr_stream = 1,
	    .pgr_op = PG_SET, .pgr_words = "dst 1.2.3.4" };

	dev_command(dt, "ifconfig pg0 create");
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		KASSERT(refused(dt, bad[i].line, bad[i].text));
	KASSERT(ifioctl(dt->dt_vnet, &nobody, SIOCSPGSTREAM, &pgr,
	    sizeof(pgr)) == EPERM);
	pgr.pgr_op = PG_NEXT;
	KASSERT(ifioctl(dt->dt_vnet, &kauth_cred_self, SIOCSPGSTREAM, &pgr,
	    sizeof(pgr)) == EINVAL);
	pgr.pgr_op = PG_SET;
	memset(pgr.pgr_words, 'x', sizeof(pgr.pgr_words));
	KASSERT(ifioctl(dt->dt_vnet, &kauth_cred_self, SIOCSPGSTREAM, &pgr,
	    sizeof(pgr)) == EINVAL);
	KASSERT(says(dt, "pg show --json", "[]"));
}

static struct if_pgstat
measured(struct dev_test *dt, struct vnet *vn, uint32_t stream)
{
	struct if_pgstat pgs = { .pgs_name = "pg0", .pgs_stream = stream };

	(void)dt;
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGPGSTAT, &pgs,
	    sizeof(pgs)) == 0);
	KASSERT(pgs.pgs_flags & PGS_MEASURED);
	return pgs;
}

/* Packets without a route are lost, and all others arrive. */
static void
body_measured(struct dev_test *dt)
{
	struct if_pgstat pgs;

	router(dt);
	dev_command(dt, "pg set pg0 1 dst 10.2.0.1-10.2.0.3,172.16.0.1 "
	    "src 10.0.1.2 count 1000 measure");
	dev_command(dt, "pg set pg0 2 dst 10.2.0.1 src 10.0.1.2 count 500 "
	    "size imix measure random 3");
	dev_command(dt, "pg set pg0 3 dst 10.2.0.1 src 10.0.1.2 count 500");
	for (unsigned i = 0; i < 4; i++)
		dev_run(dt);
	pgs = measured(dt, dt->dt_vnet, 1);
	KASSERT(pgs.pgs_sent == 1000 && pgs.pgs_flags & PGS_DONE);
	KASSERT(pgs.pgs_received == 750 && pgs.pgs_lost == 250);
	KASSERT(pgs.pgs_reordered == 0 && pgs.pgs_duplicated == 0);
	KASSERT(pgs.pgs_min_ns <= pgs.pgs_p50_ns &&
	    pgs.pgs_p50_ns <= pgs.pgs_p999_ns &&
	    pgs.pgs_p999_ns <= pgs.pgs_max_ns);
	pgs = measured(dt, dt->dt_vnet, 2);
	KASSERT(pgs.pgs_received == 500 && pgs.pgs_lost == 0);
	KASSERT(says(dt, "pg show pg0 1", "received 750, lost 250 (25.000%), "
	    "reordered 0, duplicated 0\n\tlatency in us: min "));
	KASSERT(!says(dt, "pg show pg0 3", "received"));
	KASSERT(says(dt, "pg show --json pg0 2", "\"received\": 500"));
	KASSERT(!says(dt, "pg show --json pg0 3", "histogram"));
	/* From the beginning, the measurement as well. */
	dev_command(dt, "pg start pg0 2");
	for (unsigned i = 0; i < 4; i++)
		dev_run(dt);
	KASSERT(measured(dt, dt->dt_vnet, 2).pgs_received == 500);
	KASSERT(refused(dt, "pg set pg0 4 dst 10.2.0.1 size 60 measure",
	    "frames of 64 bytes"));
	KASSERT(refused(dt, "pg set pg0 4 dst 10.2.0.1 size 70-80,63 measure",
	    "frames of 64 bytes"));
}

/* Streams go along to another vnet, and make packets there. */
static void
body_moved(struct dev_test *dt)
{
	struct vnet *there = vnet_create(dt->dt_stack, "there", NULL);
	uint64_t before;

	KASSERT(there != NULL);
	router(dt);
	dev_command(dt, "pg set pg0 4 dst 10.2.0.1 src 10.0.1.2 rate 1k");
	dev_command(dt, "ifconfig pg0 vnet there");
	before = dev_data(there, "pg0").ifi_ipackets;
	for (unsigned i = 0; i < 20; i++) {
		host_sleep(dt->dt_host, 2000000);
		ifnet_stack_run(dt->dt_stack);
	}
	KASSERT(dev_data(there, "pg0").ifi_ipackets > before);
	vnet_destroy(there);
}

#define TEST(name)	static void test_##name(void **state)		\
	{ (void)state; dev_on_sim(body_##name); }

TEST(streams)
TEST(turns)
TEST(rates)
TEST(buffers)
TEST(address)
TEST(refused)
TEST(moved)
TEST(measured)

static void
test_count(void **state)
{

	(void)state;
	dev_on_sim(body_count);
}

static void
test_words(void **state)
{

	(void)state;
	dev_on_sim(body_words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_buffers),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
