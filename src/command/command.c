/*
 * The table of subcommands, and the dispatch to one of them.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <string.h>

const struct command *const commands[] = {
	&command_ifconfig,
	&command_route,
	&command_rule,
	&command_arp,
	&command_ndp,
	&command_mcast,
	&command_ifmcstat,
	&command_netstat,
	&command_sysctl,
	&command_ping,
	&command_ping6,
	&command_traceroute,
	&command_traceroute6,
	&command_show,
	&command_watch,
	&command_monitor,
	&command_dump,
	&command_filter,
	&command_pg,
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

/* Names of commands on other systems, and the commands here. */
static const struct {
	const char	*theirs, *ours;
} foreign[] = {
	{ "tcpdump", "dump" }, { "tshark", "dump" }, { "wireshark", "dump" },
	{ "ip", "ifconfig, route, arp or ndp" },
	{ "neigh", "arp or ndp" }, { "neighbour", "arp or ndp" },
	{ "link", "ifconfig" },
	{ "addr", "ifconfig" }, { "address", "ifconfig" },
	{ "ifup", "ifconfig" }, { "ifdown", "ifconfig" },
	{ "ethtool", "ifconfig" }, { "brconfig", "ifconfig" },
	{ "ss", "netstat" }, { "sockstat", "netstat" }, { "stat", "netstat" },
	{ "stats", "netstat" }, { "nstat", "netstat" },
	{ "interfaces", "show" }, { "list", "show" }, { "ls", "show" },
	{ "status", "show" }, { "iptables", "filter" }, { "nft", "filter" },
	{ "pfctl", "filter" }, { "npfctl", "filter" }, { "ipfw", "filter" },
	{ "top", "watch" }, { "iftop", "watch" }, { "systat", "watch" },
	{ "netns", "vnet" }, { "jail", "vnet" },
	{ "vrf", "vnet, or ifconfig IF table N" },
	{ "stop", "halt" }, { "quit", "halt" }, { "shutdown", "halt" },
	{ "log", "history" }, { "events", "monitor" }, { "ping4", "ping" },
	{ "tracepath", "traceroute" }, { "mtr", "traceroute" },
	{ "tracert", "traceroute" },
	{ "set", "sysctl" }, { "get", "sysctl" }, { "man", "help" },
	{ "usage", "help" }, { "pktgen", "pg" }, { "trafgen", "pg" },
	{ "tcpreplay", "pg" },
};

/* The command that may have been meant, or NULL. */
static const char *
command_guess(const char *name)
{
	const struct command *const *c;
	const char *best = NULL;
	size_t len = strlen(name), n;
	unsigned d, least = (unsigned)(len + 1) / 3 + 1;

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (strcmp(foreign[i].theirs, name) == 0)
			return foreign[i].ours;
	for (c = commands; *c != NULL; c++) {
		d = cmd_distance((*c)->c_name, name);
		if (d < least) {
			least = d;
			best = (*c)->c_name;
		}
	}
	/* Look for a command with the same beginning. */
	for (n = len; n >= 2 && best == NULL; n--)
		for (c = commands; *c != NULL && best == NULL; c++)
			if (strncmp((*c)->c_name, name, n) == 0)
				best = (*c)->c_name;
	return best;
}

static int
unknown(struct cmd_ctx *ctx, const char *name)
{
	const char *guess = command_guess(name);

	if (guess != NULL)
		cmd_err(ctx, "%s: unknown subcommand (did you mean %s? "
		    "\"ifctl help\" lists all)", name, guess);
	else
		cmd_err(ctx, "%s: unknown subcommand (\"ifctl help\" lists "
		    "them)", name);
	return CMD_USAGE;
}

void
command_complain(struct cmd_ctx *ctx, const char *text)
{

	cmd_err(ctx, "%s", text);
}

static bool
is_help(const char *word)
{

	return strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0;
}

bool
command_asks_help(int argc, char **argv)
{
	const struct command *c;
	bool negated;

	c = argc >= 2 ? command_find(argv[0]) : NULL;
	if (c == NULL)
		return false;
	/* A command may have an option -h of its own. */
	if (argc > 2 && strcmp(argv[1], "-h") == 0 &&
	    cmd_word_find(c->c_words, "-h", &negated) != NULL)
		return false;
	return is_help(argv[1]) || (argc == 2 && strcmp(argv[1], "help") == 0);
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
	if (command_asks_help(argc, argv) && !ctx->cc_config) {
		if (!ctx->cc_check)
			cmd_help(ctx, c);
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

/* --- options of ifctl itself --------------------------------------------- */

const struct command_option command_options[] = {
	{ 'f', NULL, "FILE",
	    "check and apply the lines of a configuration file" },
	{ 's', NULL, "URL",
	    "the daemon to talk to ($IFNETD, or " IFNET_URL_DEFAULT ")" },
	{ 'n', NULL, "VNET",
	    "the network stack inside it (default: its first)" },
	{ 'h', "--help", NULL, "list the commands, or tell about one" },
	{ 'V', "--version", NULL, "show the version" },
	{ 0, NULL, NULL, NULL }
};

const struct command_option *
command_option_find(const char *word)
{
	const struct command_option *co;

	for (co = command_options; co->co_letter != '\0'; co++) {
		if (co->co_long != NULL && strcmp(word, co->co_long) == 0)
			return co;
		if (word[0] == '-' && word[1] == co->co_letter &&
		    (word[2] == '\0' || co->co_arg != NULL))
			return co;
	}
	return NULL;
}

/* --- help, version ------------------------------------------------------- */

static void
help_all(struct cmd_ctx *ctx)
{
	const struct command_option *co;
	const struct command *const *p;

	(void)fprintf(ctx->cc_out, "usage: ifctl [-s URL] [-n VNET] COMMAND "
	    "[ARGUMENT ...]\n\n");
	for (p = commands; *p != NULL; p++)
		(void)fprintf(ctx->cc_out, "  %-11s %s\n", (*p)->c_name,
		    (*p)->c_summary);
	(void)fputc('\n', ctx->cc_out);
	for (co = command_options; co->co_letter != '\0'; co++)
		(void)fprintf(ctx->cc_out, "  -%c%s%-*s %s\n", co->co_letter,
		    co->co_long != NULL ? ", " : " ",
		    co->co_long != NULL ? 11 : 12,
		    co->co_long != NULL ? co->co_long : co->co_arg,
		    co->co_help);
	(void)fputs("\"ifctl help COMMAND\" tells about one; ifctl(8) about "
	    "all.\n", ctx->cc_out);
}

static int
help_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	const struct command *c = NULL;
	struct cmd_opts o;
	bool json = false;
	int ch;

	cmd_opts_init(&o, ctx, &command_help, argc, argv);
	while ((ch = cmd_getopt(&o)) != -1) {
		if (ch == '?')
			return cmd_usage(ctx, &command_help, CMD_USAGE);
		json = true;
	}
	if (o.o_next + 1 < argc)
		return cmd_usage_why(ctx, &command_help, CMD_USAGE,
		    "%s is one word too many", argv[o.o_next + 1]);
	if (o.o_next < argc) {
		c = command_find(argv[o.o_next]);
		if (c == NULL)
			return unknown(ctx, argv[o.o_next]);
	}
	if (ctx->cc_check)
		return CMD_OK;
	if (json)
		return cmd_help_json(ctx, c);
	if (c != NULL)
		cmd_help(ctx, c);
	else
		help_all(ctx);
	return CMD_OK;
}

static const struct cmd_word help_words[] = {
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_help = {
	.c_name = "help",
	.c_synopsis = "[--json] [COMMAND]",
	.c_summary = "list the subcommands, or tell about one",
	.c_example = "help ifconfig",
	.c_words = help_words,
	.c_operand = "COMMAND",
	.c_when = CMD_NOT_CONFIG,
	.c_run = help_run,
};

static int
version_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct cmd_opts o;
	struct json j;
	bool json = false;
	int ch;

	cmd_opts_init(&o, ctx, &command_version, argc, argv);
	while ((ch = cmd_getopt(&o)) != -1) {
		if (ch == '?')
			return cmd_usage(ctx, &command_version, CMD_USAGE);
		json = true;
	}
	if (o.o_next < argc)
		return cmd_usage_why(ctx, &command_version, CMD_USAGE,
		    "%s: nothing can follow it", argv[o.o_next]);
	if (ctx->cc_check)
		return CMD_OK;
	if (!json) {
		(void)fprintf(ctx->cc_out, "ifnet %s\n", IFNET_VERSION);
		return CMD_OK;
	}
	json_begin(&j, ctx, JSON_PRETTY);
	json_object(&j, NULL);
	json_text(&j, "version", IFNET_VERSION);
	json_int(&j, "schema", JSON_SCHEMA);
	return json_done(&j);
}

static const struct cmd_word version_words[] = {
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_version = {
	.c_name = "version",
	.c_synopsis = "[--json]",
	.c_summary = "show the version of this program",
	.c_example = "version",
	.c_words = version_words,
	.c_when = CMD_NOT_CONFIG,
	.c_run = version_run,
};

/* --- halt ---------------------------------------------------------------- */

static int
halt_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct ifnet_error e;

	if (argc != 1)
		return cmd_usage_why(ctx, &command_halt, CMD_USAGE,
		    "%s: nothing can follow it", argv[1]);
	if (ctx->cc_check)
		return CMD_OK;
	if (cmd_check_vnet(ctx) != CMD_OK)
		return CMD_FAIL;
	memset(&e, 0, sizeof(e));
	if (ifnet_halt(ctx->cc_client, &e) != 0)
		return cmd_fail(ctx, &e, "halt: %s", e.text);
	return CMD_OK;
}

const struct command command_halt = {
	.c_name = "halt",
	.c_synopsis = "",
	.c_summary = "stop the daemon",
	.c_example = "halt",
	.c_admin = true,
	.c_when = CMD_NOT_CONFIG,
	.c_run = halt_run,
};
