/*
 * history: the events of interfaces, and the users who asked for them.
 */

#include "command/command_impl.h"

#include <string.h>
#include <time.h>

struct history {
	struct cmd_ctx	*ctx;
	bool		 json;
	int		 code;
};

static void
stamp(unsigned long long ns, char *buf, size_t size)
{
	time_t when = (time_t)(ns / 1000000000u);
	struct tm tm;
	char date[32];

	(void)localtime_r(&when, &tm);
	(void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	(void)snprintf(buf, size, "%s.%03llu", date, ns / 1000000u % 1000u);
}

static void
print(struct cmd_ctx *ctx, const struct ifnet_history *ih)
{
	bool both = ih->before[0] != '\0' && ih->after[0] != '\0';
	char when[48], who[64];

	stamp(ih->time_ns, when, sizeof(when));
	if (!ih->asked)
		(void)strcpy(who, "the stack");
	else if (ih->pid < 0)
		(void)strcpy(who, "another user");
	else if (ih->pid == 0)
		(void)strcpy(who, "the daemon's configuration");
	else
		(void)snprintf(who, sizeof(who), "uid %u pid %d", ih->uid,
		    ih->pid);
	cmd_row(ctx, "%s %s %s%s%s%s%s%s by %s", when, ih->ifname, ih->event,
	    ih->before[0] != '\0' ? " " : "", ih->before, both ? " ->" : "",
	    ih->after[0] != '\0' ? " " : "", ih->after, who);
}

static int
show(const struct ifnet_history *ih, void *arg)
{
	struct history *hi = arg;

	if (hi->json)
		hi->code = cmd_json_history(hi->ctx, ih);
	else
		print(hi->ctx, ih);
	return hi->code == CMD_OK ? 0 : -1;
}

static int
history_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct history hi = { ctx, false, CMD_OK };
	const char *ifname = NULL;
	struct ifnet_error e;
	struct cmd_held held;
	struct cmd_opts o;
	int c, error;

	/* --json may stand on either side of the name. */
	cmd_opts_init(&o, ctx, &command_history, argc, argv);
	while (o.o_next < argc) {
		c = cmd_getopt(&o);
		if (c == 'J')
			hi.json = true;
		else if (c == '?')
			return cmd_usage(ctx, &command_history, CMD_USAGE);
		else if (ifname != NULL && o.o_next < argc)
			return cmd_usage_why(ctx, &command_history, CMD_USAGE,
			    "%s: one interface is shown, or all",
			    argv[o.o_next]);
		else if (o.o_next < argc)
			ifname = argv[o.o_next++];
	}
	if (ifname != NULL && cmd_check_ifname(ifname, false, &e) != 0) {
		cmd_err(ctx, "history: %s", e.text);
		return CMD_USAGE;
	}
	if (ctx->cc_check)
		return CMD_OK;
	memset(&e, 0, sizeof(e));
	cmd_hold(ctx, &held);
	error = ifnet_history(ctx->cc_client, ifname, show, &hi, &e);
	cmd_release(ctx, &held);
	if (error != 0 && hi.code == CMD_OK)
		return cmd_fail(ctx, &e, "history: %s", e.text);
	return hi.code;
}

static const struct cmd_word history_words[] = {
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_history = {
	.c_name = "history",
	.c_synopsis = "[--json] [IF]",
	.c_summary = "show what happened to interfaces, and who asked",
	.c_example = "history tap0",
	.c_words = history_words,
	.c_operand = "IF",
	.c_when = CMD_NOT_CONFIG,
	.c_run = history_run,
};
