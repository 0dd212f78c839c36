/*
 * traceroute, traceroute6: the routers on the way to a host.  Probes whose time
 * to live, or hop limit, grows by one are thrown away by one router after the
 * other, which say so; the host answers the last.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <string.h>

#define HOPS_MAX	255
#define QUERIES_MAX	10
#define PORT_FIRST	33434	/* where nobody listens, by custom */
#define HEADERS4	28	/* of a probe: IP, and UDP or ICMP */
#define HEADERS6	48
#define BYTES4		40	/* of a probe, if it is not given */
#define BYTES6		60

struct trace {
	struct cmd_ctx	*ctx;
	const struct command *command;
	const char	*host;
	struct cmd_ip	 dst, src;
	struct ifnet_ping_how how;
	unsigned	 first, max, queries;
	unsigned	 port;
	unsigned	 bytes;		/* of a probe's data */
	uint64_t	 wait_ns;
	bool		 icmp, ttls, json;

	unsigned	 seq;		/* of the next probe */
	bool		 arrived;
};

/* A probe's fate. */
struct probe {
	bool		 answered;
	struct ifnet_ping_answer answer;
	enum cmd_icmp	 kind;
	const char	*note;
	char		 from[CMD_TEXTSIZE];
};

static bool
is_ip6(const struct trace *t)
{

	return t->dst.ip_family == AF_INET6;
}

/* Send a probe, and wait for what comes back.  The connection's errno; EINTR:
 * the user does not want to wait. */
static int
try(struct trace *t, unsigned ttl, struct probe *p, struct ifnet_error *e)
{
	struct ifnet_client *c = t->ctx->cc_client;
	const unsigned seq = t->seq++ & 0xffff;
	uint64_t now, end;
	int error, ms;

	memset(p, 0, sizeof(*p));
	p->note = "";
	error = ifnet_ping_send(c, seq, t->bytes, ttl, e);
	if (error != 0)
		return error;
	end = cmd_now() + t->wait_ns;
	while (!cmd_interrupted(t->ctx) && (now = cmd_now()) < end) {
		ms = (int)((end - now + 999999) / 1000000);
		error = ifnet_ping_answer(c, ms > 200 ? 200 : ms, &p->answer,
		    e);
		if (error != 0 && error != ETIMEDOUT && error != EINTR)
			return error;
		/* Answers to earlier probes come too late. */
		if (error != 0 || (p->answer.reply.seq & 0xffff) != seq)
			continue;
		p->kind = cmd_icmp_kind(&p->answer, &p->note);
		if (p->kind == CMD_ICMP_OTHER && p->answer.reply.error == 0)
			continue;
		p->answered = true;
		cmd_icmp_from(&p->answer, t->dst.ip_zone, &t->how, p->from);
		break;
	}
	return cmd_interrupted(t->ctx) ? EINTR : 0;
}

static void
probe_text(const struct trace *t, const struct probe *p, const char *before)
{
	FILE *fp = t->ctx->cc_out;
	const struct ifnet_ping_reply *r = &p->answer.reply;

	if (!p->answered) {
		(void)fputs(" *", fp);
		return;
	}
	if (r->error != 0) {
		(void)fprintf(fp, " !(%s)", cmd_strerror(r->error));
		return;
	}
	if (strcmp(before, p->from) != 0)
		(void)fprintf(fp, "  %s", p->from);
	(void)fprintf(fp, "  %.3f ms", (double)r->rtt_ns / 1e6);
	if (t->ttls)
		(void)fprintf(fp, " (%u)", r->ttl);
	if (p->note[0] != '\0')
		(void)fprintf(fp, " %s", p->note);
	if (p->answer.mtu != 0)
		(void)fprintf(fp, "-%u", p->answer.mtu);
}

static void
probe_json(struct json *j, const struct probe *p)
{
	const struct ifnet_ping_reply *r = &p->answer.reply;

	json_object(j, NULL);
	if (p->answered && r->error != 0) {
		json_text(j, "reason", cmd_strerror(r->error));
	} else if (p->answered) {
		json_text(j, "from", p->from);
		json_u64(j, "time_ns", r->rtt_ns);
		json_int(j, "ttl", r->ttl);
		json_int(j, "icmp_type", r->type);
		json_int(j, "icmp_code", r->code);
		if (p->kind == CMD_ICMP_REFUSED)
			json_text(j, "reason", cmd_icmp_text(&p->answer));
		if (p->answer.mtu != 0)
			json_int(j, "mtu", p->answer.mtu);
	}
	json_end(j);
}

/* Probe a hop; *goes_on: the next one is worth it. */
static int
hop(struct trace *t, unsigned ttl, bool *goes_on, struct ifnet_error *e)
{
	char before[CMD_TEXTSIZE] = "";
	unsigned refused = 0, i;
	struct probe p;
	struct json j;
	int error = 0;

	if (t->json) {
		json_begin(&j, t->ctx, JSON_LINE);
		json_object(&j, NULL);
		json_text(&j, "event", "hop");
		json_int(&j, "hop", ttl);
		json_array(&j, "probes");
	} else
		(void)fprintf(t->ctx->cc_out, "%2u ", ttl);
	for (i = 0; i < t->queries && error == 0; i++) {
		error = try(t, ttl, &p, e);
		if (error != 0)
			break;
		if (t->json)
			probe_json(&j, &p);
		else
			probe_text(t, &p, before);
		(void)fflush(t->ctx->cc_out);
		if (!p.answered)
			continue;
		(void)strcpy(before, p.from);
		if (p.answer.reply.error != 0 || p.kind == CMD_ICMP_REFUSED)
			refused++;
		else if (p.kind == CMD_ICMP_ARRIVED)
			t->arrived = true;
	}
	if (t->json) {
		json_end(&j);
		(void)json_done(&j);
	} else
		(void)fputc('\n', t->ctx->cc_out);
	(void)fflush(t->ctx->cc_out);
	/* All but one refusals, as it may be that one was lost. */
	*goes_on = !t->arrived && (refused == 0 || refused + 1 < t->queries);
	return error;
}

static void
heading(const struct trace *t)
{

	if (t->json)
		return;
	(void)fprintf(t->ctx->cc_out, "%s to %s (%s), %u hops max, %u byte "
	    "packets\n", t->command->c_name, t->host, t->host, t->max,
	    t->bytes + (is_ip6(t) ? HEADERS6 : HEADERS4));
	(void)fflush(t->ctx->cc_out);
}

static void
summary(const struct trace *t, unsigned hops)
{
	struct json j;

	if (!t->json)
		return;
	json_begin(&j, t->ctx, JSON_LINE);
	json_object(&j, NULL);
	json_text(&j, "event", "summary");
	json_text(&j, "destination", t->host);
	json_bool(&j, "reached", t->arrived);
	json_int(&j, "hops", hops);
	(void)json_done(&j);
}

static int
go(struct trace *t)
{
	struct cmd_ctx *ctx = t->ctx;
	char why[IFNET_ERROR_TEXT + 8];
	struct ifnet_error e;
	bool goes_on = true;
	unsigned ttl;
	int error;

	memset(&e, 0, sizeof(e));
	t->how.port = t->icmp ? 0 : t->port;
	error = cmd_icmp_how(ctx, &t->dst, &t->src, NULL, &t->how, &e);
	if (error == 0)
		error = ifnet_ping_begin_how(ctx->cc_client, &t->how, &e);
	if (error != 0)
		return cmd_fail(ctx, &e, "%s %s: %s%s", t->command->c_name,
		    t->host, cmd_strerror(error),
		    cmd_reason(&e, why, sizeof(why)));
	heading(t);
	for (ttl = t->first; ttl <= t->max && goes_on && error == 0; ttl++)
		error = hop(t, ttl, &goes_on, &e);
	summary(t, ttl - 1);
	if (error != 0 && error != EINTR)
		return cmd_fail(ctx, &e, "%s %s: %s", t->command->c_name,
		    t->host, e.text[0] != '\0' ? e.text :
		    cmd_strerror(error));
	(void)ifnet_ping_stop(ctx->cc_client, NULL);
	return t->arrived ? CMD_OK : CMD_FAIL;
}

/* --- the commands -------------------------------------------------------- */

static int
bad(const struct trace *t, int c, const char *arg, const char *what)
{

	cmd_err(t->ctx, "%s: -%c %s: bad value (%s)", t->command->c_name, c,
	    arg, what);
	return 1;
}

/* Parse a number from 1 on; false: it is none. */
static bool
number(const char *arg, unsigned max, unsigned *n)
{
	uint64_t v;

	if (!cmd_parse_num(arg, max, &v) || v == 0)
		return false;
	*n = (unsigned)v;
	return true;
}

static int
option(struct trace *t, int c, const char *arg)
{
	struct ifnet_error e;
	uint64_t v;

	switch (c) {
	case 'n':
		return CMD_OK;		/* addresses are never looked up */
	case CMD_OPT_JSON:
		t->json = true;
		return CMD_OK;
	case 'F':
		t->how.flags |= IFNET_PING_WHOLE;
		return CMD_OK;
	case 'I':
		t->icmp = true;
		return CMD_OK;
	case 'l':
		t->ttls = true;
		return CMD_OK;
	case 'f':
		return number(arg, HOPS_MAX, &t->first) ? CMD_OK :
		    bad(t, c, arg, "1 to 255");
	case 'm':
		return number(arg, HOPS_MAX, &t->max) ? CMD_OK :
		    bad(t, c, arg, "1 to 255");
	case 'q':
		return number(arg, QUERIES_MAX, &t->queries) ? CMD_OK :
		    bad(t, c, arg, "1 to 10");
	case 'p':
		return number(arg, UINT16_MAX - HOPS_MAX * QUERIES_MAX,
		    &t->port) ? CMD_OK : bad(t, c, arg, "a port, 1 to 62985");
	case 's':
		return cmd_parse_ip_only(arg, 0, &t->src, &e) == 0 ? CMD_OK :
		    bad(t, c, arg, "a source address");
	case 'V':
		if (!cmd_parse_num(arg, ROUTE_TABLE_MAX, &v))
			return bad(t, c, arg, "a table's number, 0 to "
			    "65535");
		t->how.table = (unsigned)v;
		return CMD_OK;
	case 'w':
		return cmd_parse_seconds(arg, 1000000, &t->wait_ns) ? CMD_OK :
		    bad(t, c, arg, "seconds, at least 0.001");
	default:
		return cmd_usage(t->ctx, t->command, 1);
	}
}

/* The words behind the options: the host, and how large a probe is. */
static int
operands(struct trace *t, int family, int argc, char **argv)
{
	struct ifnet_error e;
	unsigned headers;
	uint64_t v;

	if (argc < 1 || argc > 2)
		return cmd_usage_why(t->ctx, t->command, 1, argc < 1 ?
		    "an address is missing" : "one address is wanted");
	t->host = argv[0];
	if (cmd_parse_ip_only(t->host, family, &t->dst, &e) != 0) {
		cmd_err(t->ctx, "%s: Cannot resolve \"%s\" (give an %saddress: "
		    "host names are not looked up here)", t->command->c_name,
		    t->host, family == AF_INET6 ? "IPv6 " : "");
		return 1;
	}
	headers = is_ip6(t) ? HEADERS6 : HEADERS4;
	v = is_ip6(t) ? BYTES6 : BYTES4;
	if (argc == 2 && (!cmd_parse_num(argv[1], UINT16_MAX, &v) ||
	    v < headers)) {
		cmd_err(t->ctx, "%s: %s: bad value (bytes of a probe, %u to "
		    "65535)", t->command->c_name, argv[1], headers);
		return 1;
	}
	t->bytes = (unsigned)v - headers;
	if (t->src.ip_family != 0 && t->src.ip_family != t->dst.ip_family) {
		cmd_err(t->ctx, "%s: the source and %s are of two families",
		    t->command->c_name, t->host);
		return 1;
	}
	if (t->first > t->max) {
		cmd_err(t->ctx, "%s: -f %u: bad value (at most -m, %u)",
		    t->command->c_name, t->first, t->max);
		return 1;
	}
	return CMD_OK;
}

static int
run(struct cmd_ctx *ctx, const struct command *command, int family, int argc,
    char **argv)
{
	struct trace t = {
		.ctx = ctx, .command = command, .first = 1, .max = 64,
		.queries = 3, .port = PORT_FIRST, .wait_ns = 5000000000ull,
	};
	struct cmd_opts o;
	int c, code;

	cmd_opts_init(&o, ctx, command, argc, argv);
	while ((c = cmd_getopt(&o)) != -1) {
		code = option(&t, c, o.o_arg);
		if (code != CMD_OK)
			return code;
	}
	code = operands(&t, family, argc - o.o_next, argv + o.o_next);
	return code != CMD_OK || ctx->cc_check ? code : go(&t);
}

static int
traceroute_run(struct cmd_ctx *ctx, int argc, char **argv)
{

	return run(ctx, &command_traceroute, 0, argc, argv);
}

static int
traceroute6_run(struct cmd_ctx *ctx, int argc, char **argv)
{

	return run(ctx, &command_traceroute6, AF_INET6, argc, argv);
}

static const struct cmd_word traceroute_words[] = {
	{ "-f", "FIRST", "the first time to live, or hop limit; 1 if not "
	    "given" },
	{ "-F", NULL, "never in fragments" },
	{ "-I", NULL, "probe with echo requests, not with UDP" },
	{ "-l", NULL, "show with which time to live answers came" },
	{ "-m", "MAX", "the last time to live; 64 if not given" },
	{ "-n", NULL, "changes nothing: no name of an address is looked up" },
	{ "-p", "PORT", "the first port of UDP probes; 33434 if not given" },
	{ "-q", "PROBES", "probes for each; 3 if not given" },
	{ "-s", "SOURCE", "the source address" },
	{ "-V", "TABLE", "the table of routes; the main one, 0, if not given" },
	{ "-w", "SECONDS", "the time to wait for an answer; 5 if not given" },
	CMD_WORD_JSON,
	CMD_WORD_END
};

#define SYNOPSIS "[-FIln] [--json] [-f FIRST] [-m MAX] [-q PROBES] " \
	"[-w SECONDS] [-p PORT] [-s SOURCE] [-V TABLE] HOST [BYTES]"

const struct command command_traceroute = {
	.c_name = "traceroute",
	.c_synopsis = SYNOPSIS,
	.c_summary = "show the routers on the way to a host",
	.c_example = "traceroute 10.0.2.2",
	.c_words = traceroute_words,
	.c_when = CMD_NOT_CONFIG,
	.c_run = traceroute_run,
};

const struct command command_traceroute6 = {
	.c_name = "traceroute6",
	.c_synopsis = SYNOPSIS,
	.c_summary = "show the routers on the way to a host of IPv6",
	.c_example = "traceroute6 2001:db8:2::2",
	.c_words = traceroute_words,
	.c_when = CMD_NOT_CONFIG,
	.c_run = traceroute6_run,
};
