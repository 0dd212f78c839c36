/*
 * Listings: what they show is complete, and what they ask for does not grow
 * with the number of interfaces.
 */

#include "count_client.h"

#include <arpa/inet.h>

#include <ifnet/ifreq.h>

struct fixture {
	struct ifnet_stack *st;
	struct vnet	*vn;
	struct count_client co;
	struct ifnet_client *c;
	char		*out;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->st = test_stack(1);
	f->vn = test_vnet(f->st, "default");
	f->c = count_client(f->st, &f->co);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ifnet_close(f->c);
	ifnet_stack_destroy(f->st);
	free(f->out);
	free(f);
	return 0;
}

static struct ifnet_client *
connect_again(void *arg, struct ifnet_error *e)
{
	struct fixture *f = arg;

	return vnet_client(f->vn, e);
}

/* Run a line; the number of requests it made. */
static unsigned
run(struct fixture *f, const char *line)
{
	unsigned before = f->co.co_requests;

	free(f->out);
	f->out = test_client_command(f->c, line, connect_again, f);
	return f->co.co_requests - before;
}

static void
has(const struct fixture *f, const char *words)
{

	if (strstr(f->out, words) == NULL)
		fail_msg("\"%s\" is not in: %s", words, f->out);
}

static unsigned
times(const struct fixture *f, const char *words)
{
	const char *p = f->out;
	unsigned n = 0;

	while ((p = strstr(p, words)) != NULL) {
		p += strlen(words);
		n++;
	}
	return n;
}

static void
make(struct fixture *f, unsigned from, unsigned to)
{
	char line[96];

	for (unsigned i = from; i < to; i++) {
		(void)snprintf(line, sizeof(line), "ifconfig pair%u create",
		    i);
		test_command(f->vn, line);
		(void)snprintf(line, sizeof(line), "ifconfig pair%u inet "
		    "10.%u.%u.1/24 descr \"line %u\" group north", i, i / 250,
		    i % 250, i);
		test_command(f->vn, line);
	}
}

static const char *const listings[] = {
	"ifconfig", "ifconfig -a", "ifconfig -l", "ifconfig -v", "ifconfig -m",
	"ifconfig -u", "ifconfig north", "ifconfig pair", "ifconfig pair3",
	"ifconfig -v pair3", "show", "show pair3", "show --json",
	"show --json pair3", "netstat -i", "netstat -id", "netstat -I pair3",
	"ifconfig -l north",
};
#define NLISTINGS	(sizeof(listings) / sizeof(listings[0]))

static void
test_requests(void **state)
{
	struct fixture *f = *state;
	unsigned few[NLISTINGS];

	make(f, 0, 10);
	for (size_t i = 0; i < NLISTINGS; i++)
		few[i] = run(f, listings[i]);
	make(f, 10, 400);
	for (size_t i = 0; i < NLISTINGS; i++) {
		if (run(f, listings[i]) != few[i] || few[i] > 2)
			fail_msg("%s makes %u requests for 10 interfaces, %u "
			    "for 400", listings[i], few[i],
			    run(f, listings[i]));
	}
	/* -z is a request for each, but few round trips. */
	assert_in_range(run(f, "ifconfig -z"), 2, 8);
}

static void
test_complete(void **state)
{
	struct fixture *f = *state;

	make(f, 0, 300);
	(void)run(f, "ifconfig -a");
	assert_int_equal(times(f, "\tdescription: \"line "), 300);
	assert_int_equal(times(f, "\tinet 10."), 300);
	assert_int_equal(times(f, "groups:"), 0);
	has(f, "pair299: flags=");
	(void)run(f, "ifconfig -v");
	assert_int_equal(times(f, "\tgroups: north\n"), 300);
	(void)run(f, "ifconfig north");
	assert_int_equal(times(f, "\tdescription: \"line "), 300);
	(void)run(f, "ifconfig -m pair299");
	has(f, "\tcapabilities=");
	has(f, "\tgroups: north\n");
	(void)run(f, "show");
	assert_int_equal(times(f, "  line "), 300);
	(void)run(f, "show --json");
	assert_int_equal(times(f, "\"description\": \"line "), 300);
	assert_int_equal(times(f, "\"north\""), 300);
	assert_int_equal(times(f, "\"all\""), 301);
}

static void
test_many_groups(void **state)
{
	struct fixture *f = *state;
	char line[64];

	test_command(f->vn, "ifconfig pair0 create");
	for (unsigned i = 0; i < 250; i++) {
		(void)snprintf(line, sizeof(line), "ifconfig pair0 group "
		    "g%ux", i);
		test_command(f->vn, line);
	}
	assert_int_equal(run(f, "ifconfig pair0"), 1);
	for (unsigned i = 0; i < 250; i++) {
		(void)snprintf(line, sizeof(line), " g%ux", i);
		has(f, line);
	}
}

/* --- many at once -------------------------------------------------------- */

/* A line that is refused, with these words. */
static void
refused(struct fixture *f, const char *line, const char *words)
{
	struct ifnet_error e;

	test_client_refused(f->c, line, &e);
	if (strstr(e.text, words) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", line, e.text,
		    words);
}

static void
test_create_many(void **state)
{
	struct fixture *f = *state;

	test_command(f->vn, "ifconfig pair1 create");
	assert_in_range(run(f, "ifconfig pair create 1500"), 2, 12);
	assert_int_equal(times(f, "\n"), 1500);
	assert_int_equal(strncmp(f->out, "pair0\npair2\npair3\n", 18), 0);
	has(f, "\npair1500\n");
	(void)run(f, "ifconfig -l pair");
	assert_int_equal(times(f, "pair"), 1501);
	/* And what is to be done with each. */
	(void)run(f, "ifconfig pg create 3 dst 10.0.0.1 count 5 mtu 1400 "
	    "group gen descr \"one of three\"");
	assert_string_equal(f->out, "pg0\npg1\npg2\n");
	(void)run(f, "ifconfig gen");
	assert_int_equal(times(f, "mtu 1400"), 3);
	assert_int_equal(times(f, "one of three"), 3);
}

static void
test_create_many_refused(void **state)
{
	struct fixture *f = *state;

	/* Before anything is asked. */
	refused(f, "ifconfig pair create 0", "how many? 1 to 1000000");
	refused(f, "ifconfig pair create 1000001", "how many?");
	refused(f, "ifconfig pair create 5x", "how many?");
	refused(f, "ifconfig pair7 create 2", "a name without a number");
	refused(f, "ifconfig pair create 2 inet 10.0.0.1/24", "not for many");
	refused(f, "ifconfig pair create 2 10.0.0.1/24", "not for many");
	refused(f, "ifconfig pair create 2 name west", "not for many");
	refused(f, "ifconfig tap create 2 host eth0", "not for many");
	refused(f, "ifconfig pair create 2 peer pair9", "not for many");
	assert_int_equal(f->co.co_requests, 0);
	/* By the stack: none is left. */
	refused(f, "ifconfig nothing create 3", "there is no kind");
	refused(f, "ifconfig pair create 1200 mtu 99999", "1200 that had been "
	    "created were destroyed again");
	test_command(f->vn, "sysctl -w net.link.maxindex=1100");
	refused(f, "ifconfig pair create 1200", "destroyed again");
	(void)run(f, "ifconfig -l");
	assert_string_equal(f->out, "lo0\n");
}

/* The table is walked once and emptied in batches, whatever else is in it. */
static void
test_flush(void **state)
{
	enum { N = 1000 };
	struct fixture *f = *state;
	char line[80];

	make(f, 0, 300);
	(void)run(f, "ifconfig pair0 10.0.0.1/24 up");
	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(line, sizeof(line), "route add 172.%u.%u.0/24 "
		    "10.0.0.%u", 16 + i / 250, i % 250, 2 + i % 200);
		(void)run(f, line);
	}
	(void)run(f, "route add default 10.0.0.2");
	assert_true(run(f, "route flush") <= N / 100 + 2);
	assert_int_equal(times(f, " done\n"), N + 1);
	(void)run(f, "route -n show");
	assert_int_equal(times(f, "\n172."), 0);
	assert_int_equal(times(f, "default"), 0);
	has(f, "10.0.0");
	assert_true(run(f, "route flush") <= 2);
	assert_int_equal(times(f, " done\n"), 0);
}

/* Addresses of both families in the listings, those of one link with its
 * name. */
static void
test_inet6(void **state)
{
	struct fixture *f = *state;
	struct in6_aliasreq ifra;
	struct ifnet_client *c;
	struct ifnet_error e;

	make(f, 0, 1);
	(void)run(f, "ifconfig pair0 10.0.0.1/24");
	(void)run(f, "sysctl -w net.inet6.ip6.dad_count=0");
	memset(&ifra, 0, sizeof(ifra));
	strcpy(ifra.ifra_name, "pair0");
	ifra.ifra_addr.sin6_family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1",
	    &ifra.ifra_addr.sin6_addr), 1);
	ifra.ifra_flags = IN6_IFF_ANYCAST | IN6_IFF_DEPRECATED;
	ifra.ifra_lifetime.ia6t_vltime = 100000;
	ifra.ifra_lifetime.ia6t_pltime = 90000;
	c = vnet_client(f->vn, &e);
	assert_non_null(c);
	assert_int_equal(ifnet_ioctl(c, SIOCAIFADDR_IN6, &ifra, sizeof(ifra),
	    &e), 0);
	ifnet_close(c);
	(void)run(f, "ifconfig pair0");
	has(f, "\tinet6 2001:db8::1/64 flags 0x11<ANYCAST,DEPRECATED> pltime ");
	has(f, "\tinet6 fe80::");
	has(f, "%pair0/64 flags 0x0\n");
	(void)run(f, "ifconfig pair0 inet");
	assert_int_equal(times(f, "inet6"), 0);
	(void)run(f, "route -n show");
	has(f, "\nInternet6:\n");
	has(f, "\n2001:db8::1 ");
	has(f, "\nfe80::%pair0/64 ");
	assert_int_equal(times(f, "fe80:0:0:"), 0);
	(void)run(f, "show --json pair0");
	has(f, "\"inet6\"");
	has(f, "%pair0\"");
	has(f, "\"deprecated\": true");
}

int
main(void)
{
#define T(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_requests), T(test_complete), T(test_many_groups),
		T(test_create_many), T(test_create_many_refused),
		T(test_flush), T(test_inet6),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
