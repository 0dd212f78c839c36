/*
 * monitor: changes as they happen, one line each.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <string.h>
#include <time.h>

struct monitor {
	bool		 json;
	uint64_t	 count;		/* 0: for ever */
	unsigned	 what;
	bool		 wait;		/* for an interface of the name */
	bool		 gone;
	const char	*ifname;	/* NULL: all */
	struct cmd_follow follow;
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
		if (ev->msg != NULL)
			(void)fputs(route_more_text(ev->msg, flags,
			    sizeof(flags)), fp);
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

/*
 * Is the event about the interface that is followed?  Its name at the time of
 * the event decides whether it is the interface that was waited for.
 */
static bool
is_wanted(struct monitor *mo, const struct ifnet_event *ev)
{
	struct cmd_follow *cf = &mo->follow;
	char was[IFNAMSIZ];

	if (mo->ifname == NULL || ev->type == IFNET_EV_OVERRUN ||
	    ev->type == IFNET_EV_SNAPSHOT_END)
		return true;
	if (cf->cf_handle == 0 && (ev->type == IFNET_EV_ARRIVAL ||
	    ev->type == IFNET_EV_RENAME) &&
	    strcmp(ev->ifname, cf->cf_name) == 0)
		cf->cf_handle = ev->handle;
	if (cf->cf_handle == 0 || ev->handle != cf->cf_handle)
		return false;
	(void)cmd_follow_renamed(cf, ev->ifname, was);
	mo->gone = ev->type == IFNET_EV_DEPARTURE;
	return true;
}

/* The departure, too, can be among the events that were lost. */
static void
after_overrun(struct cmd_ctx *ctx, struct monitor *mo)
{
	struct ifnet_error e;
	struct cmd_if *ci;
	int error;

	if (mo->ifname == NULL)
		return;
	error = cmd_follow_get(ctx, &mo->follow, IFNET_LINK, &ci, &e);
	mo->gone = error == ENXIO && mo->follow.cf_handle != 0;
	if (error == 0)
		cmd_iflist_free(ci);
}

/*
 * Look the name up after the follow has begun, so that every later change of
 * the interface is among the events.
 */
static int
find_if(struct cmd_ctx *ctx, struct monitor *mo)
{
	struct ifnet_error e;
	struct cmd_if *ci;

	if (mo->ifname == NULL)
		return CMD_OK;
	if (!mo->wait)
		return cmd_follow_begin(ctx, "monitor", &mo->follow,
		    mo->ifname);
	(void)snprintf(mo->follow.cf_name, sizeof(mo->follow.cf_name), "%s",
	    mo->ifname);
	if (cmd_follow_get(ctx, &mo->follow, IFNET_LINK, &ci, &e) == 0)
		cmd_iflist_free(ci);
	else if (e.code != ENXIO)
		return cmd_fail(ctx, &e, "monitor: %s", e.text);
	return CMD_OK;
}

static int
monitor_loop(struct cmd_ctx *ctx, struct monitor *mo, struct ifnet_client *c)
{
	struct ifnet_event ev;
	struct ifnet_error e;
	uint64_t n = 0;
	int error;

	memset(&e, 0, sizeof(e));
	error = ifnet_follow(c, mo->what, &e);
	if (error == 0 && find_if(ctx, mo) != CMD_OK)
		return CMD_FAIL;
	while (error == 0 && !cmd_interrupted(ctx) && !mo->gone &&
	    (mo->count == 0 || n < mo->count)) {
		error = ifnet_next_timeout(c, 200, &ev, &e);
		if (error == ETIMEDOUT || error == EINTR) {
			error = 0;
			continue;
		}
		if (error != 0)
			break;
		if (!is_wanted(mo, &ev))
			continue;
		if (ev.type == IFNET_EV_OVERRUN)
			after_overrun(ctx, mo);
		if (mo->json) {
			if (cmd_json_event(ctx, &ev) != CMD_OK)
				return CMD_FAIL;
		} else
			print(ctx, &ev);
		n++;
		/* The end of the reader ends the command. */
		if (fflush(ctx->cc_out) != 0)
			return CMD_FAIL;
	}
	if (ctx->cc_tty && cmd_interrupted(ctx))
		(void)fputc('\n', ctx->cc_out);
	if (error != 0)
		return cmd_fail(ctx, &e, "monitor: %s", e.text);
	if (mo->gone)
		cmd_follow_gone(ctx, "monitor", &mo->follow);
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
		} else if (ch == 'w') {
			mo.wait = true;
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
		return cmd_usage_why(ctx, &command_monitor, CMD_USAGE,
		    "%s: one interface is followed, or all, and options "
		    "stand in front of it", argv[o.o_next + 1]);
	if (o.o_next < argc) {
		mo.ifname = argv[o.o_next];
		if (cmd_check_ifname(mo.ifname, false, &e) != 0) {
			cmd_err(ctx, "monitor: %s", e.text);
			return CMD_USAGE;
		}
	} else if (mo.wait)
		return cmd_usage_why(ctx, &command_monitor, CMD_USAGE,
		    "-w waits for an interface, which is missing");
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
	{ "-w", NULL, "wait for an interface of this name to come" },
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_monitor = {
	.c_name = "monitor",
	.c_synopsis = "[--json] [-a] [-c COUNT] [[-w] IF]",
	.c_summary = "show changes as they happen",
	.c_example = "monitor --json tap0",
	.c_words = monitor_words,
	.c_operand = "IF",
	.c_when = CMD_NOT_CONFIG,
	.c_run = monitor_run,
};
