/*
 * The table of subcommands, and running one.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <string.h>

const struct command *const commands[] = {
	&command_ifconfig,
	&command_route,
	&command_arp,
	&command_netstat,
	&command_sysctl,
	&command_ping,
	&command_show,
	&command_watch,
	&command_monitor,
	&command_dump,
	&command_filter,
	&command_extcap,
	&command_history,
	&command_vnet,
	&command_halt,
	&command_help,
	&command_version,
	NULL
};

const struct command *
command_find(const char *name)
{
	const struct command *const *c;

	for (c = commands; *c != NULL; c++)
		if (strcmp((*c)->c_name, name) == 0)
			return *c;
	return NULL;
}

/* The one subcommand that begins with what was typed, or NULL. */
static const struct command *
command_guess(const char *name)
{
	const struct command *const *c, *found = NULL;
	size_t len = strlen(name), n;

	for (n = len; n >= 2 && found == NULL; n--)
		for (c = commands; *c != NULL; c++)
			if (strncmp((*c)->c_name, name, n) == 0) {
				found = *c;
				break;
			}
	return found;
}

static int
unknown(struct cmd_ctx *ctx, const char *name)
{
	const struct command *c = command_guess(name);

	if (c != NULL)
		cmd_err(ctx, "%s: unknown subcommand (did you mean %s? "
		    "\"ifctl help\" lists all)", name, c->c_name);
	else
		cmd_err(ctx, "%s: unknown subcommand (\"ifctl help\" lists "
		    "them)", name);
	return CMD_USAGE;
}

static bool
is_help(const char *word)
{

	return strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0;
}

static int
run_named(struct cmd_ctx *ctx, int argc, char **argv)
{
	const struct command *c;
	struct ifnet_error e;

	if (is_help(argv[0]))
		argv[0] = (char *)(uintptr_t)"help";
	c = command_find(argv[0]);
	if (c == NULL)
		return unknown(ctx, argv[0]);
	if (argc >= 2 && is_help(argv[1])) {
		if (!ctx->cc_check) {
			(void)fprintf(ctx->cc_out, "%s: %s\n", c->c_name,
			    c->c_summary);
			cmd_print_usage(ctx->cc_out, c);
		}
		return CMD_OK;
	}
	if (ctx->cc_config && c->c_when == CMD_NOT_CONFIG) {
		cmd_err(ctx, "%s: not in a configuration file", c->c_name);
		return CMD_USAGE;
	}
	if (ctx->cc_client != NULL && ctx->cc_vnet != NULL &&
	    ifnet_set_vnet(ctx->cc_client, ctx->cc_vnet, &e) != 0) {
		cmd_err(ctx, "%s", e.text);
		return CMD_FAIL;
	}
	return c->c_run(ctx, argc, argv);
}

int
command_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct cmd_ctx inner;
	int code;

	if (argc == 0)
		return CMD_OK;
	if (strcmp(argv[0], "-n") != 0)
		return run_named(ctx, argc, argv);

	/* "-n VNET COMMAND ...", for this one command. */
	if (argc < 3) {
		cmd_err(ctx, "-n needs the name of a vnet and a command");
		return CMD_USAGE;
	}
	inner = *ctx;
	inner.cc_vnet = argv[1];
	code = run_named(&inner, argc - 2, argv + 2);
	ctx->cc_errno = inner.cc_errno;
	if (ctx->cc_client != NULL)
		(void)ifnet_set_vnet(ctx->cc_client,
		    ctx->cc_vnet != NULL ? ctx->cc_vnet : "", NULL);
	return code;
}

/* --- help, version ------------------------------------------------------- */

static int
help_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	const struct command *const *p;
	const struct command *c;

	if (argc > 2)
		return cmd_usage(ctx, &command_help, CMD_USAGE);
	if (argc == 2) {
		c = command_find(argv[1]);
		if (c == NULL)
			return unknown(ctx, argv[1]);
		if (ctx->cc_check)
			return CMD_OK;
		(void)fprintf(ctx->cc_out, "%s: %s\n", c->c_name,
		    c->c_summary);
		cmd_print_usage(ctx->cc_out, c);
		return CMD_OK;
	}
	if (ctx->cc_check)
		return CMD_OK;
	(void)fprintf(ctx->cc_out, "usage: ifctl [-s URL] [-n VNET] COMMAND "
	    "[ARGUMENT ...]\n\n");
	for (p = commands; *p != NULL; p++)
		(void)fprintf(ctx->cc_out, "  %-10s %s\n", (*p)->c_name,
		    (*p)->c_summary);
	(void)fprintf(ctx->cc_out, "\n"
	    "  -s URL     the daemon to talk to ($IFNETD, or %s)\n"
	    "  -n VNET    the network stack inside it (default: its first)\n"
	    "\"ifctl help COMMAND\" tells about one; ifctl(8) about all.\n",
	    IFNET_URL_DEFAULT);
	return CMD_OK;
}

static void
help_complete(struct cmd_ctx *ctx, int argc, char **argv, cmd_add_fn *add,
    void *arg)
{
	const struct command *const *p;

	(void)ctx;
	(void)argv;
	for (p = commands; argc == 2 && *p != NULL; p++)
		add(arg, (*p)->c_name);
}

const struct command command_help = {
	.c_name = "help",
	.c_synopsis = "[COMMAND]",
	.c_summary = "list the subcommands, or tell about one",
	.c_when = CMD_NOT_CONFIG,
	.c_run = help_run,
	.c_complete = help_complete,
};

static int
version_run(struct cmd_ctx *ctx, int argc, char **argv)
{

	(void)argv;
	if (argc != 1)
		return cmd_usage(ctx, &command_version, CMD_USAGE);
	if (!ctx->cc_check)
		(void)fprintf(ctx->cc_out, "ifnet %s\n", IFNET_VERSION);
	return CMD_OK;
}

const struct command command_version = {
	.c_name = "version",
	.c_synopsis = "",
	.c_summary = "show the version of this program",
	.c_when = CMD_NOT_CONFIG,
	.c_run = version_run,
};

/* --- halt ---------------------------------------------------------------- */

static int
halt_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct ifnet_error e;

	(void)argv;
	if (argc != 1)
		return cmd_usage(ctx, &command_halt, CMD_USAGE);
	if (ctx->cc_check)
		return CMD_OK;
	memset(&e, 0, sizeof(e));
	if (ifnet_halt(ctx->cc_client, &e) != 0)
		return cmd_fail(ctx, &e, "halt: %s", e.text);
	return CMD_OK;
}

const struct command command_halt = {
	.c_name = "halt",
	.c_synopsis = "",
	.c_summary = "stop the daemon",
	.c_when = CMD_NOT_CONFIG,
	.c_run = halt_run,
};
