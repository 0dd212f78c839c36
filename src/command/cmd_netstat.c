/*
 * netstat: its options, and the protocol statistics (-s).
 */

#include "command/command_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int
usage(struct cmd_ctx *ctx)
{

	return cmd_usage(ctx, &command_netstat, 1);
}

/* --- -s ------------------------------------------------------------------ */

struct stat {
	char	 group[32], name[96], text[128];
	uint64_t value;
};

struct stats {
	struct stat	*list;
	size_t		 n, room;
};

/* Split what follows a prefix: "ip.received" is "received" of the group
 * "ip". */
static bool
stat_name(const char *group, struct stat *st)
{
	const char *name;

	name = strchr(group, '.');
	if (name == NULL)
		return false;
	(void)snprintf(st->group, sizeof(st->group), "%.*s",
	    (int)(name - group), group);
	(void)snprintf(st->name, sizeof(st->name), "%s", name + 1);
	return true;
}

static int
stats_add(struct stats *s, const struct stat *st)
{
	struct stat *more;

	if (s->n == s->room) {
		s->room = s->room == 0 ? 64 : s->room * 2;
		more = realloc(s->list, s->room * sizeof(*more));
		if (more == NULL)
			return ENOMEM;
		s->list = more;
	}
	s->list[s->n++] = *st;
	return 0;
}

/* Get every counter below a prefix, which ends in a dot, in the tree's
 * order. */
static int
stats_collect_of(struct ifnet_client *c, const char *prefix, struct stats *s,
    struct ifnet_error *e)
{
	char name[128], next[128];
	struct stat st;
	uint64_t v;
	size_t len;
	int error, type;

	(void)snprintf(name, sizeof(name), "%.*s", (int)strlen(prefix) - 1,
	    prefix);
	for (;;) {
		error = ifnet_sysctl_next(c, name, next, sizeof(next), e);
		if (error == ENOENT)
			return 0;
		if (error != 0)
			return error;
		if (strcmp(next, name) == 0)
			return 0;
		memcpy(name, next, sizeof(name));
		/* Names come grouped by prefix. */
		if (strncmp(name, prefix, strlen(prefix)) != 0)
			return 0;
		memset(&st, 0, sizeof(st));
		if (!stat_name(name + strlen(prefix), &st))
			continue;
		len = sizeof(v);
		if (ifnet_sysctl(c, name, &v, &len, NULL, 0, &type, NULL,
		    NULL) != 0 || len != sizeof(v) ||
		    type == IFNET_SYSCTL_STRING)
			continue;
		st.value = v;
		if (ifnet_sysctl_descr(c, name, st.text, sizeof(st.text),
		    NULL) != 0 || st.text[0] == '\0')
			(void)strcpy(st.text, st.name);
		if (stats_add(s, &st) != 0)
			return ifnet_error_set(e, ENOMEM, "out of memory");
	}
}

/* Get every counter of the families, or of one protocol of them. */
static int
stats_collect(struct ifnet_client *c, const struct netstat_opts *no,
    struct stats *s, struct ifnet_error *e)
{
	size_t kept = 0;
	int error = 0;

	if (no->no_family != AF_INET6)
		error = stats_collect_of(c, "net.inet.stats.", s, e);
	if (error == 0 && no->no_family != AF_INET)
		error = stats_collect_of(c, "net.inet6.stats.", s, e);
	if (error != 0 || no->no_protocol == NULL)
		return error;
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->list[i].group, no->no_protocol) == 0)
			s->list[kept++] = s->list[i];
	s->n = kept;
	return kept != 0 ? 0 : ifnet_error_set(e, ENOENT, "%s: no protocol of "
	    "this name has counters", no->no_protocol);
}

static int
stats_json(struct cmd_ctx *ctx, const struct stats *s)
{
	struct cmd_counter *cn;
	size_t i;
	int code;

	cn = calloc(s->n + 1, sizeof(*cn));
	if (cn == NULL) {
		cmd_err(ctx, "netstat: out of memory");
		return CMD_FAIL;
	}
	for (i = 0; i < s->n; i++) {
		cn[i].cn_group = s->list[i].group;
		cn[i].cn_name = s->list[i].name;
		cn[i].cn_value = s->list[i].value;
	}
	code = cmd_json_counters(ctx, cn, s->n);
	free(cn);
	return code;
}

int
netstat_stats(struct cmd_ctx *ctx, const struct netstat_opts *no)
{
	struct ifnet_error e;
	struct stats s;
	const char *group = "";
	size_t i;
	int code = CMD_OK;

	memset(&s, 0, sizeof(s));
	memset(&e, 0, sizeof(e));
	if (stats_collect(ctx->cc_client, no, &s, &e) != 0) {
		code = cmd_fail(ctx, &e, "netstat: %s", e.text);
		goto out;
	}
	if (no->no_json) {
		code = stats_json(ctx, &s);
		goto out;
	}
	for (i = 0; i < s.n; i++) {
		if (strcmp(group, s.list[i].group) != 0) {
			group = s.list[i].group;
			(void)fprintf(ctx->cc_out, "%s:\n", group);
		}
		(void)fprintf(ctx->cc_out, "\t%" PRIu64 " %s\n",
		    s.list[i].value, s.list[i].text);
	}
out:
	free(s.list);
	return code;
}

/* --- the command --------------------------------------------------------- */

struct flags {
	bool	 interfaces, routes, stats;
};

static bool
parse_family(const char *word, struct netstat_opts *no)
{

	no->no_family = strcmp(word, "inet6") == 0 ? AF_INET6 :
	    strcmp(word, "inet") == 0 ? AF_INET : 0;
	return no->no_family != 0;
}

static int
parse(struct cmd_ctx *ctx, int argc, char **argv, struct netstat_opts *no,
    struct flags *f)
{
	struct cmd_opts o;
	struct ifnet_error e;
	const char *interval = NULL;
	int c;

	memset(no, 0, sizeof(*no));
	memset(f, 0, sizeof(*f));
	cmd_opts_init(&o, ctx, &command_netstat, argc, argv);
	while ((c = cmd_getopt(&o)) != -1) {
		if (c == 'a')
			no->no_all = true;
		else if (c == 'i')
			f->interfaces = true;
		else if (c == 'r')
			f->routes = true;
		else if (c == 's')
			f->stats = true;
		else if (c == 'b')
			no->no_bytes = true;
		else if (c == 'd')
			no->no_drops = true;
		else if (c == 'J')
			no->no_json = true;
		else if (c == 'I')
			no->no_if = o.o_arg;
		else if (c == 'w')
			interval = o.o_arg;
		else if (c == 'T' && !route_parse_table(o.o_arg, true,
		    &no->no_table)) {
			cmd_err(ctx, "netstat: -T %s: bad value (a table's "
			    "number, 0 to %d, or all)", o.o_arg,
			    ROUTE_TABLE_MAX);
			return 1;
		}
		else if (c == 'p')
			no->no_protocol = o.o_arg;
		else if (c == 'f' && !parse_family(o.o_arg, no)) {
			cmd_err(ctx, "netstat: %s: unknown address family "
			    "(inet and inet6 are known)", o.o_arg);
			return 1;
		} else if (c == 'c' && (!cmd_parse_num(o.o_arg, UINT32_MAX,
		    &no->no_count) || no->no_count == 0)) {
			cmd_err(ctx, "netstat: -c %s: bad value (a number "
			    "above 0)", o.o_arg);
			return 1;
		} else if (c == '?')
			return usage(ctx);
	}
	/* NetBSD also takes the interval as the last word. */
	if (interval == NULL && o.o_next == argc - 1)
		interval = argv[o.o_next++];
	if (o.o_next != argc)
		return cmd_usage_why(ctx, &command_netstat, 1,
		    "%s is one word too many", argv[o.o_next]);
	if (interval != NULL && !cmd_parse_seconds(interval, 10000000,
	    &no->no_interval_ns)) {
		cmd_err(ctx, "netstat: %s: bad value (seconds, at least 0.01)",
		    interval);
		return 1;
	}
	if (no->no_if != NULL && cmd_check_ifname(no->no_if, false, &e) != 0) {
		cmd_err(ctx, "netstat: %s", e.text);
		return 1;
	}
	return CMD_OK;
}

static int
netstat_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct netstat_opts no;
	struct flags f;
	int code;

	code = parse(ctx, argc, argv, &no, &f);
	if (code != CMD_OK)
		return code;
	if (no.no_protocol != NULL && !f.interfaces && !f.routes)
		f.stats = true;
	else if (no.no_protocol != NULL)
		return cmd_usage_why(ctx, &command_netstat, 1, "-p goes with "
		    "-s");
	if (f.interfaces + f.routes + f.stats > 1)
		return cmd_usage_why(ctx, &command_netstat, 1, "-i, -r and -s "
		    "exclude each other");
	if (no.no_json && (no.no_interval_ns != 0 || (!f.interfaces &&
	    !f.routes && !f.stats)))
		return cmd_usage_why(ctx, &command_netstat, 1, "--json goes "
		    "with -i, -r or -s");
	if (no.no_interval_ns == 0 && no.no_count != 0)
		return cmd_usage_why(ctx, &command_netstat, 1, "-c goes with "
		    "-w");
	if (no.no_table != 0 && !f.routes)
		return cmd_usage_why(ctx, &command_netstat, 1, "-T goes with "
		    "-r");
	if (no.no_if != NULL && f.stats)
		return cmd_usage_why(ctx, &command_netstat, 1, "-I goes not "
		    "with -s: its counters are of the whole stack");
	if (ctx->cc_check)
		return CMD_OK;
	if (no.no_interval_ns != 0)
		return netstat_interval(ctx, &no);
	if (f.routes)
		return route_show(ctx, no.no_if, no.no_table,
		    no.no_family, no.no_json);
	if (f.interfaces || no.no_if != NULL)
		return netstat_interfaces(ctx, &no);
	if (f.stats)
		return netstat_stats(ctx, &no);
	/* The stack has no sockets, so their list is only its heading. */
	(void)fprintf(ctx->cc_out, "Active Internet connections%s\n"
	    "%-5s %-6s %-6s  %-22s %-22s %s\n",
	    no.no_all ? " (including servers)" : "", "Proto", "Recv-Q",
	    "Send-Q", "Local Address", "Foreign Address", "State");
	return CMD_OK;
}

static const struct cmd_word netstat_words[] = {
	{ "-a", NULL, "with -i: changes nothing" },
	{ "-b", NULL, "bytes in place of packets" },
	{ "-c", "COUNT", "end after so many intervals" },
	{ "-d", NULL, "with drops" },
	{ "-f", "inet|inet6", "of this address family alone" },
	{ "-i", NULL, "counters of interfaces" },
	{ "-I", "IF", "of this interface alone" },
	{ "-n", NULL, "changes nothing: no name of an address is looked up" },
	{ "-p", "PROTOCOL", "counters of this protocol alone: ip6, icmp6, "
	    "..." },
	{ "-r", NULL, "the routes" },
	{ "-s", NULL, "counters of the protocols" },
	{ "-T", "TABLE", "with -r: of this table, or of all" },
	{ "all", NULL, "behind -T: of every table" },
	{ "-w", "SECONDS", "every so many seconds what was counted since" },
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_netstat = {
	.c_name = "netstat",
	.c_synopsis = "-i [-abdn] [-I IF] [-f inet | -f inet6]\n"
	    "-r [-n] [-f inet | -f inet6] [-T TABLE | -T all]\n"
	    "-s [--json] [-f inet | -f inet6] [-p PROTOCOL]\n"
	    "[-bd] [-I IF] [-c COUNT] -w SECONDS\n"
	    "[-an]",
	.c_summary = "show interfaces, routes and statistics",
	.c_example = "netstat -i -I tap0 -w 1",
	.c_words = netstat_words,
	.c_when = CMD_NOT_CONFIG,
	.c_run = netstat_run,
};
