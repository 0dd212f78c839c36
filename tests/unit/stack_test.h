/*
 * stack_test: a whole stack on this machine, for tests of the control side.
 */

#ifndef TESTS_STACK_TEST_H
#define TESTS_STACK_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <ifnet/client.h>
#include <ifnet/stack.h>

#include "ctl/ctl.h"		/* sessions and the control socket */
#include "server/server.h"	/* it is stopped */
#include "stack/stack_impl.h"	/* the kern of a stack */

static inline struct ifnet_stack *
test_stack(unsigned ncpu)
{
	struct ifnet_stack_config sc;
	struct ifnet_stack *st;
	struct ifnet_error e;

	memset(&sc, 0, sizeof(sc));
	sc.ncpu = ncpu;
	sc.mbufs = 2048;
	sc.log_level = 4;
	st = ifnet_stack_create(&sc, &e);
	if (st == NULL)
		fail_msg("%s", e.text);
	return st;
}

static inline struct vnet *
test_vnet(struct ifnet_stack *st, const char *name)
{
	struct ifnet_error e;
	struct vnet *vn;

	vn = vnet_create(st, name, &e);
	if (vn == NULL)
		fail_msg("%s", e.text);
	return vn;
}

static inline void
test_command(struct vnet *vn, const char *line)
{
	struct ifnet_error e;

	if (vnet_command(vn, line, &e) != 0)
		fail_msg("%s: %s", line, e.text);
}

/* Check that every buffer is free again. */
static inline void
test_conserved(struct ifnet_stack *st)
{
	struct kern *k = st->st_kern;

	assert_int_equal(mbuf_free_count(k), mbuf_total(k));
}

/*
 * A control socket in a directory of its own.
 */
struct test_server {
	struct server *ts_server;
	char		 ts_dir[32];
	char		 ts_path[64];
	char		 ts_url[80];
	int		 ts_halts;
};

static inline int
test_halt(void *arg)
{
	struct test_server *ts = arg;

	ts->ts_halts++;
	return 0;
}

static inline void
test_server_start(struct test_server *ts, struct ifnet_stack *st,
    unsigned maxclients)
{

	memset(ts, 0, sizeof(*ts));
	strcpy(ts->ts_dir, "/tmp/ifnet-test-XXXXXX");
	assert_non_null(mkdtemp(ts->ts_dir));
	assert_int_equal(chmod(ts->ts_dir, 0755), 0);
	(void)snprintf(ts->ts_path, sizeof(ts->ts_path), "%s/sock",
	    ts->ts_dir);
	(void)snprintf(ts->ts_url, sizeof(ts->ts_url), "unix://%s",
	    ts->ts_path);
	assert_int_equal(ctl_server_start(st->st_kern, ts->ts_path, 0666,
	    maxclients, test_halt, ts, &ts->ts_server), 0);
}

static inline void
test_server_stop(struct test_server *ts)
{

	server_stop(ts->ts_server);
	/* The socket is gone, so the directory is empty. */
	assert_int_equal(rmdir(ts->ts_dir), 0);
}

static inline struct ifnet_client *
test_connect(const struct test_server *ts)
{
	struct ifnet_client *c;
	struct ifnet_error e;

	c = ifnet_connect(ts->ts_url, &e);
	if (c == NULL)
		fail_msg("%s", e.text);
	return c;
}

#endif /* !TESTS_STACK_TEST_H */
