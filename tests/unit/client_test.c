/*
 * client_test: a client over functions of a test, and command lines, by the
 * private headers of both.
 */

#include "client_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client/client_impl.h"
#include "command/command.h"

struct carried {
	const struct test_transport *ca_tt;
	void		*ca_arg;
};

static int
carry_send(void *arg, const void *msg, size_t len, int fd)
{
	struct carried *ca = arg;

	return ca->ca_tt->tt_send(ca->ca_arg, msg, len, fd);
}

static int
carry_recv(void *arg, void *buf, size_t *len, int ms)
{
	struct carried *ca = arg;

	return ca->ca_tt->tt_recv(ca->ca_arg, buf, len, ms);
}

static int
carry_fd(void *arg)
{

	(void)arg;
	return -1;
}

static void
carry_close(void *arg)
{
	struct carried *ca = arg;

	ca->ca_tt->tt_close(ca->ca_arg);
	free(ca);
}

struct ifnet_client *
test_client(const struct test_transport *tt, void *arg)
{
	static const struct client_transport tr = {
		carry_send, carry_recv, carry_fd, carry_close, NULL, "test"
	};
	struct carried *ca = malloc(sizeof(*ca));
	struct ifnet_client *c;
	struct ifnet_error e;

	assert_non_null(ca);
	ca->ca_tt = tt;
	ca->ca_arg = arg;
	c = client_create(&tr, ca, "test", &e);
	assert_non_null(c);
	return c;
}

int
test_client_greet(struct ifnet_client *c, struct ifnet_error *e)
{

	return client_greet(c, e);
}

char *
test_client_command(struct ifnet_client *c, const char *line,
    struct ifnet_client *(*connect)(void *, struct ifnet_error *), void *arg)
{
	struct cmd_ctx ctx = {
		.cc_client = c, .cc_err = stderr,
		.cc_vnet = connect != NULL ? "" : NULL,
		.cc_connect = connect, .cc_connect_arg = arg,
	};
	struct ifnet_error e;
	char *out = NULL;
	size_t size;

	ctx.cc_out = open_memstream(&out, &size);
	assert_non_null(ctx.cc_out);
	if (command_line(&ctx, line, &e) != 0)
		fail_msg("%s: %s", line, e.text);
	assert_int_equal(fclose(ctx.cc_out), 0);
	return out;
}

void
test_client_refused(struct ifnet_client *c, const char *line,
    struct ifnet_error *e)
{
	struct cmd_ctx ctx = {
		.cc_client = c, .cc_out = stdout, .cc_err = stderr,
	};

	assert_int_not_equal(command_line(&ctx, line, e), 0);
}

int
test_client_try(struct ifnet_client *c, const char *line, char **output,
    struct ifnet_error *e)
{
	struct cmd_ctx ctx = { .cc_client = c, .cc_err = stderr };
	size_t size;
	int error;

	*output = NULL;
	ctx.cc_out = open_memstream(output, &size);
	assert_non_null(ctx.cc_out);
	error = command_line(&ctx, line, e);
	assert_int_equal(fclose(ctx.cc_out), 0);
	return error;
}
