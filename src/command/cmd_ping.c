/*
 * ping: echo requests from the stack.
 */

#include "command/command_impl.h"

#include <arpa/inet.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ICMP_HDRLEN	8
#define PING_MAXDATA	(65535 - 20 - ICMP_HDRLEN)

struct ping {
	struct cmd_ctx	*ctx;
	const char	*host;
	struct in_addr	 dst, src;
	uint64_t	 count;		/* 0: for ever */
	uint64_t	 interval_ns, deadline_ns;	/* deadline 0: none */
	unsigned	 bytes, ttl, table;
	bool		 quiet, one, json;

	uint64_t	 sent, received, dups, errors;
	double		 min, max, sum, sum2;	/* ms */
	uint8_t		 seen[65536 / 8];
};

/* --- replies ------------------------------------------------------------- */

#define ICMP_T_ECHOREPLY	0
#define ICMP_T_UNREACH		3
#define ICMP_T_REDIRECT		5
#define ICMP_T_TIMXCEED		11
#define ICMP_T_PARAMPROB	12

static const char *
icmp_text(unsigned type, unsigned code)
{
	static const char *const unreach[] = {
		"Destination Net Unreachable", "Destination Host Unreachable",
		"Destination Protocol Unreachable",
		"Destination Port Unreachable",
		"frag needed and DF set", "Source Route Failed",
		"Net Unknown", "Host Unknown", "Source Isolated",
		"Dest. Net Administratively Prohibited",
		"Dest. Host Administratively Prohibited",
		"Destination Net Unreachable for TOS",
		"Destination Host Unreachable for TOS",
		"Communication Administratively Prohibited",
	};

	switch (type) {
	case ICMP_T_UNREACH:
		return code < sizeof(unreach) / sizeof(unreach[0]) ?
		    unreach[code] : "Destination Unreachable";
	case ICMP_T_REDIRECT:
		return "Redirect";
	case ICMP_T_TIMXCEED:
		return code == 0 ? "Time to live exceeded" :
		    "Frag reassembly time exceeded";
	case ICMP_T_PARAMPROB:
		return "Parameter problem";
	default:
		return "ICMP message";
	}
}

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
got_json(struct ping *p, const struct ifnet_ping_reply *r, const char *from,
    bool dup)
{
	struct json j;

	json_begin(&j, p->ctx, JSON_LINE);
	json_object(&j, NULL);
	json_text(&j, "event", r->error != 0 || r->type != ICMP_T_ECHOREPLY ?
	    "error" : "reply");
	json_int(&j, "sequence", r->seq & 0xffff);
	if (r->error != 0) {
		json_text(&j, "reason", cmd_strerror(r->error));
	} else {
		json_text(&j, "from", from);
		json_int(&j, "bytes", r->bytes);
		json_int(&j, "ttl", r->ttl);
	}
	if (r->error == 0 && r->type != ICMP_T_ECHOREPLY) {
		json_text(&j, "reason", icmp_text(r->type, r->code));
		json_int(&j, "icmp_type", r->type);
		json_int(&j, "icmp_code", r->code);
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

static void
got(struct ping *p, const struct ifnet_ping_reply *r)
{
	FILE *fp = p->ctx->cc_out;
	char from[INET_ADDRSTRLEN] = "";
	struct in_addr a = { r->from };
	unsigned seq = r->seq & 0xffff;
	double ms = (double)r->rtt_ns / 1e6;
	bool dup;

	(void)inet_ntop(AF_INET, &a, from, sizeof(from));
	if (r->error != 0) {
		p->errors++;
		if (p->json)
			got_json(p, r, from, false);
		else
			(void)fprintf(fp, "ping: sendto: %s\n",
			    cmd_strerror(r->error));
		return;
	}
	if (r->type != ICMP_T_ECHOREPLY) {
		p->errors++;
		if (p->json && !p->quiet)
			got_json(p, r, from, false);
		else if (!p->quiet)
			(void)fprintf(fp, "%u bytes from %s: %s for "
			    "icmp_seq=%u\n", r->bytes, from,
			    icmp_text(r->type, r->code), seq);
		return;
	}
	dup = (p->seen[seq / 8] & 1u << seq % 8) != 0;
	p->seen[seq / 8] |= (uint8_t)(1u << seq % 8);
	if (dup)
		p->dups++;
	else
		account(p, ms);
	if (p->json && !p->quiet)
		got_json(p, r, from, dup);
	else if (!p->quiet)
		(void)fprintf(fp, "%u bytes from %s: icmp_seq=%u ttl=%u "
		    "time=%.3f ms%s\n", r->bytes, from, seq, r->ttl, ms,
		    dup ? " (DUP!)" : "");
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
	(void)fprintf(fp, "\n----%s PING Statistics----\n%" PRIu64
	    " packets transmitted, %" PRIu64 " packets received, ", p->host,
	    p->sent, p->received);
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
	struct ifnet_ping_reply r;
	uint64_t now;
	int error, ms;

	while (!cmd_interrupted(p->ctx) && (now = cmd_now()) < until) {
		/* Once every request is answered the final wait ends. */
		if (drain && p->received + p->errors >= p->sent)
			break;
		ms = (int)((until - now + 999999) / 1000000);
		if (ms > 200)
			ms = 200;
		memset(&r, 0, sizeof(r));
		error = ifnet_ping_recv(p->ctx->cc_client, ms, &r, e);
		if (error == 0)
			got(p, &r);
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

static int
ping_go(struct ping *p)
{
	struct cmd_ctx *ctx = p->ctx;
	char why[IFNET_ERROR_TEXT + 8];
	struct ifnet_error e;
	int error;

	memset(&e, 0, sizeof(e));
	error = ifnet_ping_begin_table(ctx->cc_client, p->table,
	    p->dst.s_addr, p->src.s_addr, &e);
	if (error != 0)
		return cmd_fail(ctx, &e, "ping %s: %s%s", p->host,
		    cmd_strerror(error),
		    cmd_reason(&e, why, sizeof(why)));
	if (!p->json)
		(void)fprintf(ctx->cc_out, "PING %s (%s): %u data bytes\n",
		    p->host, p->host, p->bytes);
	(void)fflush(ctx->cc_out);
	error = ping_loop(p, &e);
	summary(p);
	if (error != 0)
		return cmd_fail(ctx, &e, "ping %s: %s", p->host,
		    e.text[0] != '\0' ? e.text : cmd_strerror(error));
	(void)ifnet_ping_stop(ctx->cc_client, NULL);
	return p->received != 0 ? CMD_OK : CMD_FAIL;
}

/* --- the command --------------------------------------------------------- */

static int
bad(struct cmd_ctx *ctx, int c, const char *arg, const char *what)
{

	cmd_err(ctx, "ping: -%c %s: bad value (%s)", c, arg, what);
	return 1;
}

static int
option(struct ping *p, int c, const char *arg)
{
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
			return bad(p->ctx, c, arg, "a number above 0");
		return CMD_OK;
	case 'i':
		if (!cmd_parse_seconds(arg, 1000000, &p->interval_ns))
			return bad(p->ctx, c, arg,
			    "seconds, at least 0.001");
		return CMD_OK;
	case 'w':
		if (!cmd_parse_seconds(arg, 1000000, &p->deadline_ns))
			return bad(p->ctx, c, arg,
			    "seconds, at least 0.001");
		return CMD_OK;
	case 's':
		if (!cmd_parse_num(arg, PING_MAXDATA, &v))
			return bad(p->ctx, c, arg, "bytes, 0 to 65507");
		p->bytes = (unsigned)v;
		return CMD_OK;
	case 't':
	case 'T':
		if (!cmd_parse_num(arg, 255, &v) || v == 0)
			return bad(p->ctx, c, arg, "1 to 255");
		p->ttl = (unsigned)v;
		return CMD_OK;
	case 'I':
		if (!cmd_parse_inet(arg, &p->src))
			return bad(p->ctx, c, arg, "a source address");
		return CMD_OK;
	case 'V':
		if (!cmd_parse_num(arg, ROUTE_TABLE_MAX, &v))
			return bad(p->ctx, c, arg, "a table's number, 0 to "
			    "65535");
		p->table = (unsigned)v;
		return CMD_OK;
	default:
		return cmd_usage(p->ctx, &command_ping, 1);
	}
}

static int
ping_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct cmd_opts o;
	struct ifnet_error e;
	struct ping p;
	int c, code, len;

	memset(&p, 0, sizeof(p));
	p.ctx = ctx;
	p.interval_ns = 1000000000;
	p.bytes = 56;
	p.ttl = 64;
	cmd_opts_init(&o, ctx, &command_ping, argc, argv);
	while ((c = cmd_getopt(&o)) != -1) {
		code = option(&p, c, o.o_arg);
		if (code != CMD_OK)
			return code;
	}
	if (o.o_next != argc - 1)
		return cmd_usage_why(ctx, &command_ping, 1, o.o_next >= argc ?
		    "an address is missing" : "one address is wanted");
	p.host = argv[o.o_next];
	if (cmd_parse_prefix(p.host, &p.dst, &len, &e) != 0 || len >= 0) {
		cmd_err(ctx, "ping: Cannot resolve \"%s\" (give an address: "
		    "host names are not looked up here)", p.host);
		return 1;
	}
	return ctx->cc_check ? CMD_OK : ping_go(&p);
}

static const struct cmd_word ping_words[] = {
	{ "-c", "COUNT", "send so many requests" },
	{ "-i", "SECONDS", "the time between two; 1 if not given" },
	{ "-I", "SOURCE", "the source address" },
	{ "-n", NULL, "changes nothing: no name of an address is looked up" },
	{ "-o", NULL, "end with the first reply" },
	{ "-q", NULL, "show the summary alone" },
	{ "-s", "BYTES", "bytes of data; 56 if not given" },
	{ "-t", "TTL", "time to live; 64 if not given" },
	{ "-T", "TTL", "the same" },
	{ "-V", "TABLE", "the table of routes; the main one, 0, if not given" },
	{ "-w", "DEADLINE", "end after so many seconds" },
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_ping = {
	.c_name = "ping",
	.c_synopsis = "[-noq] [--json] [-c COUNT] [-i SECONDS] [-w DEADLINE] "
	    "[-s BYTES] [-t TTL] [-I SOURCE] [-V TABLE] HOST",
	.c_summary = "send echo requests and show the replies",
	.c_example = "ping -c 3 10.0.1.2",
	.c_words = ping_words,
	.c_when = CMD_NOT_CONFIG,
	.c_run = ping_run,
};
