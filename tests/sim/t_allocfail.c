/*
 * Every allocation of every control operation fails once, one after the other:
 * the operation has happened whole, or not at all and says ENOMEM; nothing is
 * left behind, which is shown by what can be listed and by the number of
 * allocations there are.
 */

#include "../unit/kern_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ifnet/client.h>
#include <ifnet/stack.h>

#include "ctl/ctl.h"
#include "net/if_impl.h"
#include "net/rtsock.h"
#include "stack/stack_impl.h"

#define POINTS_MAX	400

/* An operation, and its opposite: command lines or functions. */
struct step {
	const char	*s_do, *s_undo;
	int		(*s_fn)(struct ifnet_stack *, struct vnet *);
};

/* What a list says, less what an allocation that failed may change. */
static char *
listing(struct vnet *vn)
{
	static const char *const line[] = { "ifconfig", "route show",
	    "arp -a", "vnet list", "sysctl net.inet.ip.ttl" };
	char *all = calloc(1, 1), *part, *random;
	size_t len = 1;

	for (unsigned i = 0; i < sizeof(line) / sizeof(line[0]); i++) {
		if (vnet_command_output(vn, line[i], &part, NULL) != 0) {
			fprintf(stderr, "%s fails\n", line[i]);
			abort();
		}
		len += strlen(part);
		all = realloc(all, len);
		KASSERT(all != NULL);
		strcat(all, part);
		free(part);
	}
	/* Link-level addresses are another each time. */
	for (random = all; (random = strstr(random, "address: ")) != NULL;
	    random += 26)
		memset(random + 9, 'x', 17);
	return all;
}

static int
run_line(struct vnet *vn, const char *line)
{
	char *output = NULL;
	int error;

	error = vnet_command_output(vn, line, &output, NULL);
	free(output);
	return error;
}

static int
run_step(struct ifnet_stack *st, struct vnet *vn, const struct step *s)
{

	return s->s_fn != NULL ? s->s_fn(st, vn) : run_line(vn, s->s_do);
}

static void
undo_step(struct vnet *vn, const struct step *s)
{
	char lines[256], *line, *next;

	if (s->s_undo == NULL)
		return;
	(void)snprintf(lines, sizeof(lines), "%s", s->s_undo);
	for (line = lines; line != NULL; line = next) {
		next = strchr(line, ';');
		if (next != NULL)
			*next++ = '\0';
		if (run_line(vn, line) != 0) {
			fprintf(stderr, "undoing with %s fails\n", line);
			abort();
		}
	}
}

static size_t
allocated(struct vnet *vn)
{

	for (int i = 0; i < 4; i++) {
		kern_run(vn->vn_kern);
		kern_defer_barrier(vn->vn_kern);
	}
	return sim_allocated(vn->vn_kern->k_host);
}

static void
differ(const struct step *s, unsigned n, const char *what, const char *a,
    const char *b)
{

	fprintf(stderr, "%s: allocation %u: %s\n--- expected\n%s--- is\n%s",
	    s->s_do, n, what, a, b);
	abort();
}

/* One point of failure; false: there are no more. */
static bool
fail_at(struct ifnet_stack *st, struct vnet *vn, const struct step *s,
    unsigned n, const char *before, const char *after)
{
	struct host *h = vn->vn_kern->k_host;
	bool failed, done;
	char *now;
	int error;

	sim_fail_alloc(h, n);
	error = run_step(st, vn, s);
	failed = sim_alloc_failed(h);
	sim_fail_alloc(h, 0);
	kern_run(vn->vn_kern);
	now = listing(vn);
	/* ENOBUFS: none for a neighbour. */
	if (error != 0 && (!failed || (error != ENOMEM &&
	    error != ENOBUFS))) {
		fprintf(stderr, "%s: allocation %u: error %d\n", s->s_do, n,
		    error);
		abort();
	}
	/* Done, and then no memory to say so or for what a command asks next:
	 * its request was whole all the same. */
	done = strcmp(now, after) == 0 &&
	    (error == 0 || (s->s_fn == NULL && strcmp(now, before) != 0));
	if (!done && (error == 0 || strcmp(now, before) != 0))
		differ(s, n, "it was done by half", error == 0 ? after :
		    before, now);
	if (done)
		undo_step(vn, s);
	free(now);
	return failed;
}

static void
fail_everywhere(struct ifnet_stack *st, struct vnet *vn, const struct step *s)
{
	char *before, *after;
	size_t base;
	unsigned n, points;

	/* Twice, so that tables have the size that they will have. */
	for (int i = 0; i < 2; i++) {
		before = listing(vn);
		if (run_step(st, vn, s) != 0) {
			fprintf(stderr, "%s fails\n", s->s_do);
			abort();
		}
		kern_run(vn->vn_kern);
		after = listing(vn);
		undo_step(vn, s);
		if (i == 0) {
			free(before);
			free(after);
		}
	}
	base = allocated(vn);
	for (n = 1; n < POINTS_MAX; n++)
		if (!fail_at(st, vn, s, n, before, after))
			break;
	points = n - 1;
	KASSERT(n < POINTS_MAX);
	/* A leak would be one at each point. */
	if (allocated(vn) > base + 1) {
		fprintf(stderr, "%s: %zu allocations became %zu\n", s->s_do,
		    base, allocated(vn));
		abort();
	}
	print_message("%3u points: %s\n", points, s->s_do);
	free(before);
	free(after);
}

/* --- what is no command -------------------------------------------------- */

static int
listener(struct ifnet_stack *st, struct vnet *vn)
{
	struct rt_listener *l;
	int error;

	(void)st;
	error = rt_listener_open(vn, RTS_ALL | RTS_SNAPSHOT, 65536, NULL, NULL,
	    &l);
	if (error == 0)
		rt_listener_close(l);
	return error;
}

static int
discard(void *arg, const void *msg, size_t len)
{

	(void)arg;
	(void)msg;
	(void)len;
	return 0;
}

static void
no_wakeup(void *arg)
{

	(void)arg;
}

static int
session(struct ifnet_stack *st, struct vnet *vn)
{
	const struct ctl_sink sink = { .cs_send = discard,
	    .cs_wakeup = no_wakeup };
	struct ctl_session *cs;
	int error;

	(void)vn;
	error = ctl_session_create(st->st_kern, &kauth_cred_self, &sink, &cs);
	if (error == 0)
		ctl_session_destroy(cs);
	return error;
}

static int
follow(struct ifnet_stack *st, struct vnet *vn)
{
	struct ifnet_client *c;
	struct ifnet_error e;
	int error = 0;

	(void)st;
	e.code = 0;
	c = vnet_client(vn, &e);
	if (c == NULL)
		return e.code;
	if (ifnet_follow(c, IFNET_ALL | IFNET_SNAPSHOT, &e) != 0)
		error = e.code;
	ifnet_close(c);
	return error;
}

static int
count_message(const void *msg, size_t len, void *arg)
{

	(void)msg;
	(void)len;
	++*(unsigned *)arg;
	return 0;
}

/* A client that was told of no memory is as good as before. */
static int
answers(struct ifnet_stack *st, struct vnet *vn)
{
	struct ifnet_client *c;
	struct ifnet_error e;
	struct ifreq ifr;
	unsigned messages, bad = 0;
	int error;

	(void)st;
	e.code = 0;
	c = vnet_client(vn, &e);
	if (c == NULL)
		return e.code;
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "lo0");
	for (unsigned i = 0; i < 3; i++) {
		error = ifnet_ioctl(c, SIOCGIFFLAGS, &ifr, sizeof(ifr), &e);
		KASSERT(error == 0 || error == ENOMEM);
		bad += error != 0;
		messages = 0;
		error = ifnet_dump(c, IFNET_ALL, NULL, count_message,
		    &messages, &e);
		KASSERT(error == ENOMEM || (error == 0 && messages > 0));
		bad += error != 0;
	}
	/* One allocation failed. */
	KASSERT(bad <= 1);
	ifnet_close(c);
	return bad != 0 ? ENOMEM : 0;
}

static int
ping(struct ifnet_stack *st, struct vnet *vn)
{
	struct ifnet_error e;
	struct ifnet_ping *p;

	(void)st;
	e.code = 0;
	p = ifnet_ping_start(vn, "127.0.0.1", 1, &e);
	if (p == NULL)
		return e.code;
	ifnet_ping_free(p);
	return 0;
}

static const struct step steps[] = {
	{ "ifconfig lo1 create", "ifconfig lo1 destroy", NULL },
	{ "ifconfig pair5 create", "ifconfig pair5 destroy", NULL },
	{ "ifconfig pair5 create peer pair6",
	    "ifconfig pair5 destroy;ifconfig pair6 destroy", NULL },
	{ "ifconfig pair5 create peer far:pair6",
	    "ifconfig pair5 destroy;-n far ifconfig pair6 destroy", NULL },
	{ "ifconfig tap5 create", "ifconfig tap5 destroy", NULL },
	{ "ifconfig pg5 create", "ifconfig pg5 destroy", NULL },
	{ "ifconfig pg5 create dst 10.9.9.9 size 200",
	    "ifconfig pg5 destroy", NULL },
	{ "ifconfig pg7 destroy", "ifconfig pg7 create", NULL },
	{ "ifconfig pair0 inet 10.5.0.1/24 alias",
	    "ifconfig pair0 inet 10.5.0.1 delete", NULL },
	{ "ifconfig pair0 inet 10.0.0.7 delete",
	    "ifconfig pair0 inet 10.0.0.7/24 alias", NULL },
	{ "ifconfig pair0 mtu 1400", "ifconfig pair0 mtu 1500", NULL },
	{ "ifconfig pair0 down", "ifconfig pair0 up", NULL },
	{ "ifconfig pair0 descr words", "ifconfig pair0 descr \"\"", NULL },
	{ "ifconfig pair0 name west", "ifconfig west name pair0", NULL },
	{ "ifconfig -z pair0", NULL, NULL },
	{ "route add 172.16.0.0/16 10.0.0.2", "route delete 172.16.0.0/16",
	    NULL },
	{ "route change 172.17.0.0/16 10.0.0.3",
	    "route change 172.17.0.0/16 10.0.0.2", NULL },
	{ "route delete 172.18.0.0/16", "route add 172.18.0.0/16 10.0.0.2",
	    NULL },
	{ "route get 172.17.0.1", NULL, NULL },
	{ "arp -s 10.0.0.9 02:00:00:00:00:09", "arp -d 10.0.0.9", NULL },
	{ "arp -d 10.0.0.8", "arp -s 10.0.0.8 02:00:00:00:00:08", NULL },
	{ "vnet create x", "vnet destroy x", NULL },
	{ "vnet destroy y", "vnet create y", NULL },
	{ "sysctl -w net.inet.ip.ttl=33", "sysctl -w net.inet.ip.ttl=64",
	    NULL },
	{ "sysctl -a", NULL, NULL },
	{ "ifconfig -a", NULL, NULL },
	{ "netstat -i", NULL, NULL },
	{ "netstat -s", NULL, NULL },
	{ "show", NULL, NULL },
	{ "history", NULL, NULL },
	{ "listener", NULL, listener },
	{ "session", NULL, session },
	{ "follow", NULL, follow },
	{ "answers", NULL, answers },
	{ "ping", NULL, ping },
};

static const char *const setup[] = {
	"vnet create far", "vnet create y", "ifconfig pg7 create",
	"ifconfig pair0 create peer pair1",
	"ifconfig pair0 inet 10.0.0.1/24 up",
	"ifconfig pair0 inet 10.0.0.7/24 alias",
	"route add 172.17.0.0/16 10.0.0.2", "route add 172.18.0.0/16 10.0.0.2",
	"arp -s 10.0.0.8 02:00:00:00:00:08",
};

static void
all_main(void *arg)
{
	struct ifnet_stack_config config = { .mbufs = 1024, .log_level = 2 };
	struct ifnet_stack *st;
	struct vnet *vn;

	config.host = arg;
	st = ifnet_stack_create(&config, NULL);
	KASSERT(st != NULL);
	vn = vnet_create(st, "test", NULL);
	KASSERT(vn != NULL);
	for (unsigned i = 0; i < sizeof(setup) / sizeof(setup[0]); i++)
		if (run_line(vn, setup[i]) != 0) {
			fprintf(stderr, "%s fails\n", setup[i]);
			abort();
		}
	ifnet_stack_run(st);
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		fail_everywhere(st, vn, &steps[i]);
	ifnet_stack_destroy(st);
}

static void
test_operations(void **state)
{
	struct sim_config sc = { .sc_seed = 1, .sc_quiet = true };
	struct host *h = sim_create(&sc);

	(void)state;
	assert_non_null(h);
	assert_int_equal(sim_run(h, all_main, h), 0);
	assert_int_equal(sim_allocated(h), 0);
	sim_destroy(h);
}

/* A stack cannot be made: no part of it stays. */
static void
create_main(void *arg)
{
	struct ifnet_stack_config config = { .mbufs = 1024, .log_level = 2 };
	struct ifnet_stack *st;
	struct vnet *vn;
	unsigned n;

	config.host = arg;
	for (n = 1; n < POINTS_MAX; n++) {
		sim_fail_alloc(arg, n);
		st = ifnet_stack_create(&config, NULL);
		vn = st == NULL ? NULL : vnet_create(st, "test", NULL);
		KASSERT(vn != NULL || sim_alloc_failed(arg));
		sim_fail_alloc(arg, 0);
		ifnet_stack_destroy(st);
		KASSERT(sim_allocated(arg) <= 4);	/* the thread's own */
		if (vn != NULL)
			break;
	}
	print_message("%3u points: a stack and a vnet\n", n - 1);
	KASSERT(n < POINTS_MAX);
}

static void
test_create(void **state)
{
	struct sim_config sc = { .sc_seed = 1, .sc_quiet = true };
	struct host *h = sim_create(&sc);

	(void)state;
	assert_non_null(h);
	assert_int_equal(sim_run(h, create_main, h), 0);
	assert_int_equal(sim_allocated(h), 0);
	sim_destroy(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_create),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
