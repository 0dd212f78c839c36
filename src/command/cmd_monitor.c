/*
 * monitor: what changes, as it changes, one line each.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <string.h>
#include <time.h>

struct monitor {
	bool		 json;
	uint64_t	 count;		/* 0: for ever */
	unsigned	 what;
	const char	*ifname;	/* NULL: all */
};

static void
stamp(unsigned long long ns, char *buf, size_t size)
{
	time_t when = (time_t)(ns / 1000000000u);
	struct tm tm;
	char clock[16];

	(void)localtime_r(&when, &tm);
	(void)strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	(void)snprintf(buf, size, "%s.%03llu", clock,
	    ns / 1000000u % 1000u);
}

static void
print(struct cmd_ctx *ctx, const struct ifnet_event *ev)
{
	char when[32], flags[256];
	const char *verb = ifnet_event_text(ev->type);
	FILE *fp = ctx->cc_out;

	stamp(ev->time_ns, when, sizeof(when));
	(void)fprintf(fp, "%s %llu %s", when, ev->seq, verb);
	if (ev->ifname[0] != '\0')
		(void)fprintf(fp, " %s", ev->ifname);
	switch (ev->type) {
	case IFNET_EV_ARRIVAL:
	case IFNET_EV_LINK:
		(void)fprintf(fp, " %s %s mtu %u",
		    ifnet_operstate_text(ev->link.operstate),
		    cmd_ifflags_text(ev->link.flags, flags, sizeof(flags)),
		    ev->link.mtu);
		break;
	case IFNET_EV_RENAME:
		(void)fprintf(fp, " was %s", ev->oldname);
		break;
	case IFNET_EV_OVERRUN:
		(void)fprintf(fp, " %llu events were lost", ev->lost);
		break;
	case IFNET_EV_ROUTE_ADD:
	case IFNET_EV_ROUTE_DELETE:
	case IFNET_EV_ROUTE_CHANGE:
		(void)fprintf(fp, " %s", ev->dest);
		if (ev->gateway[0] != '\0')
			(void)fprintf(fp, " gateway %s", ev->gateway);
		(void)fprintf(fp, " flags %s",
		    cmd_rtflags_text(ev->rtflags, flags));
		break;
	default:
		if (ev->addr[0] != '\0')
			(void)fprintf(fp, " %s", ev->addr);
		if (ev->dest[0] != '\0')
			(void)fprintf(fp, " %s", ev->dest);
		if (ev->gateway[0] != '\0')
			(void)fprintf(fp, " %s", ev->gateway);
		if (ev->addrflags & IFNET_ADDR_TENTATIVE)
			(void)fprintf(fp, " tentative");
		if (ev->addrflags & IFNET_ADDR_DUPLICATED)
			(void)fprintf(fp, " duplicated");
		break;
	}
	(void)fputc('\n', fp);
}

static int
monitor_loop(struct cmd_ctx *ctx, const struct monitor *mo,
    struct ifnet_client *c)
{
	struct ifnet_event ev;
	struct ifnet_error e;
	uint64_t n = 0;
	int error;

	memset(&e, 0, sizeof(e));
	error = ifnet_follow(c, mo->what, &e);
	while (error == 0 && !cmd_interrupted(ctx) &&
	    (mo->count == 0 || n < mo->count)) {
		error = ifnet_next_timeout(c, 200, &ev, &e);
		if (error == ETIMEDOUT || error == EINTR) {
			error = 0;
			continue;
		}
		if (error != 0)
			break;
		if (mo->ifname != NULL && ev.ifname[0] != '\0' &&
		    strcmp(mo->ifname, ev.ifname) != 0 &&
		    strcmp(mo->ifname, ev.oldname) != 0)
			continue;
		if (mo->json) {
			if (cmd_json_event(ctx, &ev) != CMD_OK)
				return CMD_FAIL;
		} else
			print(ctx, &ev);
		n++;
		/* A reader that went away ends it. */
		if (fflush(ctx->cc_out) != 0)
			return CMD_FAIL;
	}
	if (ctx->cc_tty && cmd_interrupted(ctx))
		(void)fputc('\n', ctx->cc_out);
	if (error != 0)
		return cmd_fail(ctx, &e, "monitor: %s", e.text);
	return CMD_OK;
}

static int
usage(struct cmd_ctx *ctx)
{

	return cmd_usage(ctx, &command_monitor, CMD_USAGE);
}

static int
monitor_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct ifnet_client *c;
	struct ifnet_error e;
	struct monitor mo;
	struct cmd_opts o;
	int ch, code;

	memset(&mo, 0, sizeof(mo));
	mo.what = IFNET_ALL;
	cmd_opts_init(&o, ctx, &command_monitor, argc, argv);
	while ((ch = cmd_getopt(&o)) != -1) {
		if (ch == 'J') {
			mo.json = true;
		} else if (ch == 'a') {
			mo.what |= IFNET_SNAPSHOT;
		} else if (ch == '?') {
			return usage(ctx);
		} else if (!cmd_parse_num(o.o_arg, UINT32_MAX, &mo.count) ||
		    mo.count == 0) {
			cmd_err(ctx, "monitor: -c %s: bad value (a number "
			    "above 0)", o.o_arg);
			return CMD_USAGE;
		}
	}
	if (o.o_next < argc - 1)
		return usage(ctx);
	if (o.o_next < argc) {
		mo.ifname = argv[o.o_next];
		if (cmd_check_ifname(mo.ifname, false, &e) != 0) {
			cmd_err(ctx, "monitor: %s", e.text);
			return CMD_USAGE;
		}
	}
	if (ctx->cc_check)
		return CMD_OK;
	c = cmd_connect(ctx);
	if (c == NULL)
		return CMD_FAIL;
	code = monitor_loop(ctx, &mo, c);
	ifnet_close(c);
	return code;
}

static const struct cmd_word monitor_words[] = {
	{ "-a", NULL, "tell first of all there is" },
	{ "-c", "COUNT", "end after so many events" },
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_monitor = {
	.c_name = "monitor",
	.c_synopsis = "[--json] [-a] [-c COUNT] [IF]",
	.c_summary = "show changes as they happen",
	.c_example = "monitor --json tap0",
	.c_words = monitor_words,
	.c_operand = "IF",
	.c_when = CMD_NOT_CONFIG,
	.c_run = monitor_run,
};
