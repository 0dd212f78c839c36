/*
 * ping, ping6: echo requests from the stack, of either family.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ICMP_HDRLEN	8
#define IP6_HDRLEN	40
#define PING_MAXDATA	(65535 - 20 - ICMP_HDRLEN)
#define PING6_MAXDATA	(65535 - ICMP_HDRLEN)

struct ping {
	struct cmd_ctx	*ctx;
	const struct command *command;
	const char	*host;
	struct cmd_ip	 dst, src;
	const char	*ifname;	/* -I; NULL: none */
	struct ifnet_ping_how how;
	uint64_t	 count;		/* 0: for ever */
	uint64_t	 interval_ns, deadline_ns;	/* deadline 0: none */
	unsigned	 bytes, ttl;	/* ttl 0: the family's usual one */
	unsigned	 nofrag;	/* how often -m was given */
	bool		 whole;		/* -D */
	bool		 quiet, one, json;

	uint64_t	 sent, received, dups, errors;
	double		 min, max, sum, sum2;	/* ms */
	uint8_t		 seen[65536 / 8];
};

static bool
is_ip6(const struct ping *p)
{

	return p->dst.ip_family == AF_INET6;
}

static bool
is_group(const struct ping *p)
{

	return is_ip6(p) && IN6_IS_ADDR_MULTICAST(&p->dst.ip_in6);
}

/* --- replies ------------------------------------------------------------- */

static void
account(struct ping *p, double ms)
{

	if (p->received == 0 || ms < p->min)
		p->min = ms;
	if (ms > p->max)
		p->max = ms;
	p->sum += ms;
	p->sum2 += ms * ms;
	p->received++;
}

/* A reply, or an error in its place, as one line. */
static void
got_json(struct ping *p, const struct ifnet_ping_answer *a, const char *from,
    bool dup)
{
	const struct ifnet_ping_reply *r = &a->reply;
	const bool reply = cmd_icmp_is_reply(a);
	struct json j;

	json_begin(&j, p->ctx, JSON_LINE);
	json_object(&j, NULL);
	json_text(&j, "event", reply ? "reply" : "error");
	json_int(&j, "sequence", r->seq & 0xffff);
	if (r->error != 0) {
		json_text(&j, "reason", cmd_strerror(r->error));
	} else {
		json_text(&j, "from", from);
		json_int(&j, "bytes", r->bytes);
		json_int(&j, "ttl", r->ttl);
	}
	if (r->error == 0 && !reply) {
		json_text(&j, "reason", cmd_icmp_text(a));
		json_int(&j, "icmp_type", r->type);
		json_int(&j, "icmp_code", r->code);
		if (a->mtu != 0)
			json_int(&j, "mtu", a->mtu);
	} else if (r->error == 0) {
		json_u64(&j, "time_ns", r->rtt_ns);
		json_bool(&j, "duplicate", dup);
	}
	(void)json_done(&j);
	(void)fflush(p->ctx->cc_out);
}

static void
summary_json(const struct ping *p)
{
	struct json j;

	json_begin(&j, p->ctx, JSON_LINE);
	json_object(&j, NULL);
	json_text(&j, "event", "summary");
	json_text(&j, "destination", p->host);
	json_u64(&j, "sent", p->sent);
	json_u64(&j, "received", p->received);
	json_u64(&j, "duplicates", p->dups);
	json_u64(&j, "errors", p->errors);
	if (p->received != 0) {
		json_fixed(&j, "min_ms", p->min, 6);
		json_fixed(&j, "avg_ms", p->sum / (double)p->received, 6);
		json_fixed(&j, "max_ms", p->max, 6);
	}
	(void)json_done(&j);
}

/* An answer that is no reply, as a line. */
static void
got_error(struct ping *p, const struct ifnet_ping_answer *a, const char *from)
{
	FILE *fp = p->ctx->cc_out;

	p->errors++;
	if (a->reply.error != 0 && !p->json) {
		(void)fprintf(fp, "%s: sendto: %s\n", p->command->c_name,
		    cmd_strerror(a->reply.error));
		return;
	}
	if (p->quiet && a->reply.error == 0)
		return;
	if (p->json) {
		got_json(p, a, from, false);
		return;
	}
	(void)fprintf(fp, "%u bytes from %s: %s", a->reply.bytes, from,
	    cmd_icmp_text(a));
	if (a->mtu != 0)
		(void)fprintf(fp, " (MTU %u)", a->mtu);
	(void)fprintf(fp, " for icmp_seq=%u\n", a->reply.seq & 0xffff);
}

static void
got(struct ping *p, const struct ifnet_ping_answer *a)
{
	const struct ifnet_ping_reply *r = &a->reply;
	FILE *fp = p->ctx->cc_out;
	char from[CMD_TEXTSIZE];
	unsigned seq = r->seq & 0xffff;
	double ms = (double)r->rtt_ns / 1e6;
	bool dup;

	cmd_icmp_from(a, p->dst.ip_zone[0] != '\0' ? p->dst.ip_zone :
	    p->ifname, &p->how, from);
	if (!cmd_icmp_is_reply(a)) {
		got_error(p, a, from);
		return;
	}
	dup = (p->seen[seq / 8] & 1u << seq % 8) != 0;
	p->seen[seq / 8] |= (uint8_t)(1u << seq % 8);
	if (dup)
		p->dups++;
	else
		account(p, ms);
	if (p->json && !p->quiet)
		got_json(p, a, from, dup);
	else if (!p->quiet)
		(void)fprintf(fp, is_ip6(p) ? "%u bytes from %s, icmp_seq=%u "
		    "hlim=%u time=%.3f ms%s\n" : "%u bytes from %s: "
		    "icmp_seq=%u ttl=%u time=%.3f ms%s\n", r->bytes, from,
		    seq, r->ttl, ms, dup ? " (DUP!)" : "");
	(void)fflush(fp);
}

/* Square root by Newton's method, without the mathematics library. */
static double
root(double v)
{
	double x = v > 1 ? v : 1;
	int i;

	for (i = 0; v > 0 && i < 60; i++)
		x = (x + v / x) / 2;
	return v > 0 ? x : 0;
}

static void
summary(const struct ping *p)
{
	FILE *fp = p->ctx->cc_out;
	double avg, var;

	if (p->json) {
		summary_json(p);
		return;
	}
	(void)fprintf(fp, is_ip6(p) ? "\n--- %s ping6 statistics ---\n" :
	    "\n----%s PING Statistics----\n", p->host);
	(void)fprintf(fp, "%" PRIu64 " packets transmitted, %" PRIu64
	    " packets received, ", p->sent, p->received);
	if (p->dups != 0)
		(void)fprintf(fp, "+%" PRIu64 " duplicates, ", p->dups);
	if (p->errors != 0)
		(void)fprintf(fp, "+%" PRIu64 " errors, ", p->errors);
	if (p->sent != 0)
		(void)fprintf(fp, "%.1f%% packet loss\n", p->received >=
		    p->sent ? 0.0 : 100.0 * (double)(p->sent - p->received) /
		    (double)p->sent);
	else
		(void)fprintf(fp, "nothing sent\n");
	if (p->received == 0)
		return;
	avg = p->sum / (double)p->received;
	var = p->sum2 / (double)p->received - avg * avg;
	(void)fprintf(fp, "round-trip min/avg/max/stddev = "
	    "%.3f/%.3f/%.3f/%.3f ms\n", p->min, avg, p->max,
	    root(var));
}

/* --- the loop ------------------------------------------------------------ */

/* Handle replies until a time; returns the errno of the connection. */
static int
receive_until(struct ping *p, uint64_t until, bool drain,
    struct ifnet_error *e)
{
	struct ifnet_ping_answer a;
	uint64_t now;
	int error, ms;

	while (!cmd_interrupted(p->ctx) && (now = cmd_now()) < until) {
		/* Once every request is answered the final wait ends; who knows
		 * how many answer a group? */
		if (drain && p->received + p->errors >= p->sent &&
		    !is_group(p))
			break;
		ms = (int)((until - now + 999999) / 1000000);
		if (ms > 200)
			ms = 200;
		error = ifnet_ping_answer(p->ctx->cc_client, ms, &a, e);
		if (error == 0)
			got(p, &a);
		else if (error != ETIMEDOUT && error != EINTR)
			return error;
		if (p->one && p->received != 0)
			break;
	}
	return 0;
}

static int
ping_loop(struct ping *p, struct ifnet_error *e)
{
	struct cmd_ctx *ctx = p->ctx;
	uint64_t end = UINT64_MAX, next, wait;
	bool done;
	int error = 0;

	next = cmd_now();
	if (p->deadline_ns != 0)
		end = next + p->deadline_ns;
	do {
		error = ifnet_ping_send(ctx->cc_client,
		    (unsigned)(p->sent & 0xffff), p->bytes, p->ttl, e);
		if (error != 0)
			return error;
		/* Sequence numbers wrap around: a reply to the new request is
		 * no duplicate. */
		p->seen[(p->sent & 0xffff) / 8] &=
		    (uint8_t)~(1u << p->sent % 8);
		p->sent++;
		done = p->count != 0 && p->sent >= p->count;
		next += p->interval_ns;
		if (done) {
			/* The final wait is twice the longest round trip so
			 * far. */
			wait = (uint64_t)(p->max * 2e6);
			next = cmd_now() + (p->received == 0 || wait <
			    1000000000u ? 1000000000u : wait);
		}
		error = receive_until(p, next < end ? next : end, done, e);
	} while (error == 0 && !done && !cmd_interrupted(ctx) &&
	    cmd_now() < end && !(p->one && p->received != 0));
	return error;
}

/* Fill in how to ping, which may need to know interfaces; an errno, with
 * words. */
static int
ping_how(struct ping *p, struct ifnet_error *e)
{
	int error;

	error = cmd_icmp_how(p->ctx, &p->dst, &p->src, p->ifname, &p->how, e);
	if (error != 0)
		return error;
	if (p->whole)
		p->how.flags |= IFNET_PING_WHOLE;
	else if (is_ip6(p) && p->nofrag < (is_group(p) ? 2 : 1))
		p->how.flags |= IFNET_PING_MINMTU;
	return 0;
}

static void
heading(const struct ping *p)
{
	FILE *fp = p->ctx->cc_out;

	if (p->json)
		return;
	if (is_ip6(p))
		(void)fprintf(fp, "PING6(%u=%d+%d+%u bytes) %s\n", IP6_HDRLEN +
		    ICMP_HDRLEN + p->bytes, IP6_HDRLEN, ICMP_HDRLEN, p->bytes,
		    p->host);
	else
		(void)fprintf(fp, "PING %s (%s): %u data bytes\n", p->host,
		    p->host, p->bytes);
	(void)fflush(fp);
}

static int
ping_go(struct ping *p)
{
	const char *name = p->command->c_name;
	struct cmd_ctx *ctx = p->ctx;
	char why[IFNET_ERROR_TEXT + 8];
	struct ifnet_error e;
	int error;

	memset(&e, 0, sizeof(e));
	error = ping_how(p, &e);
	if (error == 0)
		error = ifnet_ping_begin_how(ctx->cc_client, &p->how, &e);
	if (error != 0)
		return cmd_fail(ctx, &e, "%s %s: %s%s", name, p->host,
		    cmd_strerror(error),
		    cmd_reason(&e, why, sizeof(why)));
	heading(p);
	error = ping_loop(p, &e);
	summary(p);
	if (error != 0)
		return cmd_fail(ctx, &e, "%s %s: %s", name, p->host,
		    e.text[0] != '\0' ? e.text : cmd_strerror(error));
	(void)ifnet_ping_stop(ctx->cc_client, NULL);
	return p->received != 0 ? CMD_OK : CMD_FAIL;
}

/* --- the command --------------------------------------------------------- */

static int
bad(const struct ping *p, int c, const char *arg, const char *what)
{

	cmd_err(p->ctx, "%s: -%c %s: bad value (%s)", p->command->c_name, c,
	    arg, what);
	return 1;
}

static int
option(struct ping *p, int c, const char *arg)
{
	struct ifnet_error e;
	uint64_t v;

	switch (c) {
	case 'n':
		return CMD_OK;		/* addresses are never looked up */
	case CMD_OPT_JSON:
		p->json = true;
		return CMD_OK;
	case 'q':
		p->quiet = true;
		return CMD_OK;
	case 'o':
		p->one = true;
		return CMD_OK;
	case 'c':
		if (!cmd_parse_num(arg, UINT32_MAX, &p->count) ||
		    p->count == 0)
			return bad(p, c, arg, "a number above 0");
		return CMD_OK;
	case 'i':
		if (!cmd_parse_seconds(arg, 1000000, &p->interval_ns))
			return bad(p, c, arg,
			    "seconds, at least 0.001");
		return CMD_OK;
	case 'w':
		if (!cmd_parse_seconds(arg, 1000000, &p->deadline_ns))
			return bad(p, c, arg,
			    "seconds, at least 0.001");
		return CMD_OK;
	case 's':
		if (!cmd_parse_num(arg, PING6_MAXDATA, &v))
			return bad(p, c, arg, "bytes, 0 to 65507, of IPv6 "
			    "65527");
		p->bytes = (unsigned)v;
		return CMD_OK;
	case 'h':
	case 't':
	case 'T':
		if (!cmd_parse_num(arg, 255, &v) || v == 0)
			return bad(p, c, arg, "1 to 255");
		p->ttl = (unsigned)v;
		return CMD_OK;
	case 'I':
		if (!cmd_is_ip(arg)) {
			p->ifname = arg;
			return cmd_check_ifname(arg, false, &e) == 0 ? CMD_OK :
			    bad(p, c, arg, "a source address or an interface");
		}
		/* FALLTHROUGH */
	case 'S':
		if (cmd_parse_ip_only(arg, 0, &p->src, &e) != 0)
			return bad(p, c, arg, "a source address");
		return CMD_OK;
	case 'V':
		if (!cmd_parse_num(arg, ROUTE_TABLE_MAX, &v))
			return bad(p, c, arg, "a table's number, 0 to "
			    "65535");
		p->how.table = (unsigned)v;
		return CMD_OK;
	case 'D':
		p->whole = true;
		return CMD_OK;
	case 'm':
		p->nofrag++;
		return CMD_OK;
	default:
		return cmd_usage(p->ctx, p->command, 1);
	}
}

/* Do the options go with the destination? */
static int
fits(const struct ping *p)
{
	const char *name = p->command->c_name;

	if (p->src.ip_family != 0 && p->src.ip_family != p->dst.ip_family) {
		cmd_err(p->ctx, "%s: the source and %s are of two families",
		    name, p->host);
		return 1;
	}
	if (!is_ip6(p) && p->bytes > PING_MAXDATA) {
		cmd_err(p->ctx, "%s: -s %u: bad value (bytes, 0 to 65507)",
		    name, p->bytes);
		return 1;
	}
	if (p->ifname != NULL && !is_ip6(p)) {
		cmd_err(p->ctx, "%s: -I %s: bad value (a source address; "
		    "interfaces go with IPv6)", name, p->ifname);
		return 1;
	}
	return CMD_OK;
}

static int
run(struct cmd_ctx *ctx, const struct command *command, int family, int argc,
    char **argv)
{
	struct cmd_opts o;
	struct ifnet_error e;
	struct ping p;
	int c, code;

	memset(&p, 0, sizeof(p));
	p.ctx = ctx;
	p.command = command;
	p.interval_ns = 1000000000;
	p.bytes = 56;
	cmd_opts_init(&o, ctx, command, argc, argv);
	while ((c = cmd_getopt(&o)) != -1) {
		code = option(&p, c, o.o_arg);
		if (code != CMD_OK)
			return code;
	}
	if (o.o_next != argc - 1)
		return cmd_usage_why(ctx, command, 1, o.o_next >= argc ?
		    "an address is missing" : "one address is wanted");
	p.host = argv[o.o_next];
	if (cmd_parse_ip_only(p.host, family, &p.dst, &e) != 0) {
		cmd_err(ctx, "%s: Cannot resolve \"%s\" (give an %saddress: "
		    "host names are not looked up here)", command->c_name,
		    p.host, family == AF_INET6 ? "IPv6 " : "");
		return 1;
	}
	if (p.ttl == 0 && !is_ip6(&p))
		p.ttl = 64;
	code = fits(&p);
	return code != CMD_OK || ctx->cc_check ? code : ping_go(&p);
}

static int
ping_run(struct cmd_ctx *ctx, int argc, char **argv)
{

	return run(ctx, &command_ping, 0, argc, argv);
}

static int
ping6_run(struct cmd_ctx *ctx, int argc, char **argv)
{

	return run(ctx, &command_ping6, AF_INET6, argc, argv);
}

static const struct cmd_word ping_words[] = {
	{ "-c", "COUNT", "send so many requests" },
	{ "-D", NULL, "never in fragments" },
	{ "-h", "HOPS", "hop limit; 64 if not given, to groups 1" },
	{ "-i", "SECONDS", "the time between two; 1 if not given" },
	{ "-I", "SOURCE|IF", "the source address, or the link of IPv6" },
	{ "-m", NULL, "IPv6: fragments as the way allows, not of 1280 bytes; "
	    "twice: to groups, too" },
	{ "-n", NULL, "changes nothing: no name of an address is looked up" },
	{ "-o", NULL, "end with the first reply" },
	{ "-q", NULL, "show the summary alone" },
	{ "-s", "BYTES", "bytes of data; 56 if not given" },
	{ "-S", "SOURCE", "the source address" },
	{ "-t", "TTL", "time to live; 64 if not given" },
	{ "-T", "TTL", "the same" },
	{ "-V", "TABLE", "the table of routes; the main one, 0, if not given" },
	{ "-w", "DEADLINE", "end after so many seconds" },
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_ping = {
	.c_name = "ping",
	.c_synopsis = "[-Dmnoq] [--json] [-c COUNT] [-i SECONDS] "
	    "[-w DEADLINE] [-s BYTES] [-t TTL] [-h HOPS] [-S SOURCE] "
	    "[-I SOURCE|IF] [-V TABLE] HOST",
	.c_summary = "send echo requests and show the replies",
	.c_example = "ping -c 3 10.0.1.2",
	.c_words = ping_words,
	.c_when = CMD_NOT_CONFIG,
	.c_run = ping_run,
};

const struct command command_ping6 = {
	.c_name = "ping6",
	.c_synopsis = "[-Dmnoq] [--json] [-c COUNT] [-i SECONDS] "
	    "[-w DEADLINE] [-s BYTES] [-h HOPS] [-S SOURCE] "
	    "[-I SOURCE|IF] [-V TABLE] HOST",
	.c_summary = "send echo requests of IPv6 and show the replies",
	.c_example = "ping6 -c 3 ff02::1%tap0",
	.c_words = ping_words,
	.c_when = CMD_NOT_CONFIG,
	.c_run = ping6_run,
};
