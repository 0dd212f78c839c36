/*
 * pg: the streams of a packet generator.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PG_CMD_SET = 1, PG_CMD_DELETE, PG_CMD_START, PG_CMD_STOP,
    PG_CMD_SHOW };

static const struct cmd_word pg_words[] = {
	{ "set", "IF", "put in a stream, or another in the place of one",
	    CMD_W_VERB | CMD_W_ADMIN | CMD_W_CONFIG, NULL, PG_CMD_SET },
	{ "delete", "IF", "delete a stream",
	    CMD_W_VERB | CMD_W_ADMIN | CMD_W_CONFIG, NULL, PG_CMD_DELETE },
	{ "start", "IF", "start one or all from the beginning",
	    CMD_W_VERB | CMD_W_ADMIN | CMD_W_CONFIG, NULL, PG_CMD_START },
	{ "stop", "IF", "stop one or all",
	    CMD_W_VERB | CMD_W_ADMIN | CMD_W_CONFIG, NULL, PG_CMD_STOP },
	{ "show", "IF", "show streams and their counters", CMD_W_VERB, NULL,
	    PG_CMD_SHOW },
	{ "dst", "ADDRS", "destinations: A, A-B, A/LEN, lists of these",
	    CMD_W_ADMIN, "set" },
	{ "src", "ADDRS", "sources, likewise", CMD_W_ADMIN, "set" },
	{ "dport", "PORTS", "UDP ports of destinations: N, N-M, lists",
	    CMD_W_ADMIN, "set" },
	{ "sport", "PORTS", "UDP ports of sources", CMD_W_ADMIN, "set" },
	{ "size", "BYTES", "frames with their checksum: N, N-M, lists, imix",
	    CMD_W_ADMIN, "set" },
	{ "rate", "RATE", "packets or bits a second: 500, 20kpps, 1Gbps, max",
	    CMD_W_ADMIN, "set" },
	{ "count", "N", "end after so many packets; 0: never", CMD_W_ADMIN,
	    "set" },
	{ "duration", "TIME", "end after so long: 10s, 500ms", CMD_W_ADMIN,
	    "set" },
	{ "random", "SEED", "choose values at random, and not in order",
	    CMD_W_ADMIN, "set" },
	{ "ttl", "N", "time to live, 64 without it", CMD_W_ADMIN, "set" },
	{ "dscp", "N", "class of service", CMD_W_ADMIN, "set" },
	{ "replay", "FILE", "packets of a capture file, pcap or pcapng",
	    CMD_W_ADMIN, "set" },
	{ "loop", "N", "replay so many times; 0: for ever", CMD_W_ADMIN,
	    "set" },
	{ "measure", NULL, "loss, order and latency, by a stamp in each "
	    "packet", CMD_W_ADMIN, "set" },
	{ "vector", "N", "packets handed over at a time, 1 to 256",
	    CMD_W_ADMIN, "set" },
	{ "dsts", "N", "so many destinations from dst on", CMD_W_ADMIN,
	    "set" },
	{ "--json", NULL, "write JSON, for programs", 0, "show",
	    CMD_OPT_JSON },
	CMD_WORD_END
};

static int
usage(struct cmd_ctx *ctx, const char *why)
{

	return cmd_usage_why(ctx, &command_pg, CMD_USAGE, "%s", why);
}

static int
refused(struct cmd_ctx *ctx, const char *verb, const char *ifname,
    uint32_t stream, const struct ifnet_error *e)
{
	char why[IFNET_ERROR_TEXT + 8], number[16] = "";

	if (stream != 0)
		(void)snprintf(number, sizeof(number), " %u", stream);
	return cmd_fail(ctx, e, "pg %s %s%s: %s%s", verb, ifname, number,
	    cmd_strerror(e->code), cmd_reason(e, why, sizeof(why)));
}

/* --- changes -------------------------------------------------------------- */

/* Check the words of a stream as far as the table knows them, and find the
 * value of `replay', or NULL; the driver judges the others. */
static int
check_words(struct cmd_ctx *ctx, int argc, char **argv, char ***replay)
{
	const struct cmd_word *w;
	bool negated;

	*replay = NULL;
	for (int i = 0; i < argc; i++) {
		w = cmd_word_find(pg_words, argv[i], &negated);
		if (w == NULL || w->w_of == NULL ||
		    strcmp(w->w_of, "set") != 0) {
			w = cmd_word_like(pg_words, argv[i], 0);
			cmd_err(ctx, "pg set: unknown word %s%s%s%s", argv[i],
			    w != NULL ? " (did you mean " : "",
			    w != NULL ? w->w_name : "", w != NULL ? "?)" : "");
			return cmd_usage(ctx, &command_pg, CMD_USAGE);
		}
		if (w->w_arg == NULL)
			continue;
		if (++i == argc) {
			cmd_err(ctx, "pg set: %s: its value is missing (%s)",
			    w->w_name, w->w_help);
			return CMD_USAGE;
		}
		if (strcmp(w->w_name, "replay") == 0)
			*replay = &argv[i];
	}
	return CMD_OK;
}

/* Join the words of a stream into the request, and read the file that it
 * replays; the file is named without its directory. */
static int
stream_words(struct cmd_ctx *ctx, int argc, char **argv,
    struct if_pgreq *pgr, struct pg_replay *pr)
{
	char **replay, label[64], *path;
	struct ifnet_error e;
	int code;

	code = check_words(ctx, argc, argv, &replay);
	if (code != CMD_OK)
		return code;
	path = replay == NULL ? NULL : *replay;
	if (path != NULL)
		*replay = (char *)(uintptr_t)pg_replay_label(path, label,
		    sizeof(label));
	(void)cmd_join(argc, argv, pgr->pgr_words, sizeof(pgr->pgr_words));
	if (path != NULL)
		*replay = path;
	if (strlen(pgr->pgr_words) == sizeof(pgr->pgr_words) - 1) {
		cmd_err(ctx, "pg set: the words of the stream are more than "
		    "%d characters", PG_WORDS_MAX - 2);
		return CMD_USAGE;
	}
	if (path == NULL || pg_replay_read(pr, path, &e) == 0)
		return CMD_OK;
	cmd_err(ctx, "pg set: %s", e.text);
	return CMD_FAIL;
}

/* Is this stream there already, with the same words? */
static bool
is_there(struct cmd_ctx *ctx, const struct if_pgreq *want)
{
	struct if_pgreq pgr = *want;
	struct ifnet_error e;

	pgr.pgr_op = 0;
	memset(pgr.pgr_words, 0, sizeof(pgr.pgr_words));
	return ifnet_ioctl(ctx->cc_client, SIOCGPGSTREAM, &pgr, sizeof(pgr),
	    &e) == 0 && strcmp(pgr.pgr_words, want->pgr_words) == 0;
}

/* Make the request.  The packets of a file go in front of it. */
static int
request(struct cmd_ctx *ctx, const char *verb, struct if_pgreq *pgr,
    const struct pg_replay *pr)
{
	struct ifnet_error e;
	int error = 0;

	/* The packets of a file may be others now. */
	if (ctx->cc_again && pgr->pgr_op == PG_SET && pr->pr_file == NULL &&
	    is_there(ctx, pgr))
		return CMD_OK;
	memset(&e, 0, sizeof(e));
	if (pr->pr_file != NULL)
		error = pg_replay_send(pr, ctx->cc_client, pgr->pgr_name,
		    &pgr->pgr_packets, &e);
	if (error == 0)
		error = ifnet_ioctl(ctx->cc_client, SIOCSPGSTREAM, pgr,
		    sizeof(*pgr), &e);
	return error == 0 ? CMD_OK : refused(ctx, verb, pgr->pgr_name,
	    pgr->pgr_stream, &e);
}

/* Carry out "set", "delete", "start" or "stop": the words from the interface's
 * name on. */
static int
change(struct cmd_ctx *ctx, const struct cmd_word *verb, int argc, char **argv)
{
	static const uint32_t op[] = {
		[PG_CMD_SET] = PG_SET, [PG_CMD_DELETE] = PG_DELETE,
		[PG_CMD_START] = PG_START, [PG_CMD_STOP] = PG_STOP,
	};
	bool all = verb->w_code >= PG_CMD_START;
	struct pg_replay pr = { NULL, 0 };
	struct if_pgreq pgr;
	uint64_t number = 0;
	int code = CMD_OK;

	if (argc < (all ? 1 : 2))
		return usage(ctx, all ? "the name of an interface is wanted" :
		    "the name of an interface and the number of a stream are "
		    "wanted");
	if (argc > 1 && (!cmd_parse_num(argv[1], PG_STREAM_MAX, &number) ||
	    number == 0)) {
		cmd_err(ctx, "pg %s: %s: a stream's number is 1 to %d",
		    verb->w_name, argv[1], PG_STREAM_MAX);
		return CMD_USAGE;
	}
	if (argc > 2 && verb->w_code != PG_CMD_SET)
		return usage(ctx, "there is one word too many");
	memset(&pgr, 0, sizeof(pgr));
	memcpy(pgr.pgr_name, argv[0], strlen(argv[0]));
	pgr.pgr_stream = (uint32_t)number;
	pgr.pgr_op = op[verb->w_code];
	if (argc > 2)
		code = stream_words(ctx, argc - 2, argv + 2, &pgr, &pr);
	if (code == CMD_OK && !ctx->cc_check)
		code = request(ctx, verb->w_name, &pgr, &pr);
	pg_replay_free(&pr);
	return code;
}

/* --- show ----------------------------------------------------------------- */

/* A stream's rates since it began; 0 where there is no time to speak of. */
struct rates {
	double		 pps, bps;
};

static struct rates
rates_of(const struct if_pgstat *pgs)
{
	double seconds = (double)pgs->pgs_ns / 1e9;
	struct rates r = { 0, 0 };

	/* The last packet is at the end of that time. */
	if (pgs->pgs_ns == 0 || pgs->pgs_sent < 2)
		return r;
	r.pps = (double)(pgs->pgs_sent - 1) / seconds;
	r.bps = r.pps * 8 * (double)pgs->pgs_bytes / (double)pgs->pgs_sent;
	return r;
}

static const char *
state_of(const struct if_pgstat *pgs)
{

	if (pgs->pgs_flags & PGS_DONE)
		return "done";
	return pgs->pgs_flags & PGS_STOPPED ? "stopped" : "running";
}

/* The lines of a measured stream. */
static void
print_measured(struct cmd_ctx *ctx, const struct if_pgstat *pgs)
{
	const struct {
		const char	*name;
		uint64_t	 ns;
	} latency[] = {
		{ "min", pgs->pgs_min_ns }, { "mean", pgs->pgs_mean_ns },
		{ "p50", pgs->pgs_p50_ns }, { "p90", pgs->pgs_p90_ns },
		{ "p99", pgs->pgs_p99_ns }, { "p99.9", pgs->pgs_p999_ns },
		{ "max", pgs->pgs_max_ns },
	};
	char text[256] = "";
	size_t used = 0;

	cmd_row(ctx, "\treceived %llu, lost %llu (%.3f%%), reordered %llu, "
	    "duplicated %llu", (unsigned long long)pgs->pgs_received,
	    (unsigned long long)pgs->pgs_lost, pgs->pgs_sent == 0 ? 0.0 :
	    100.0 * (double)pgs->pgs_lost / (double)pgs->pgs_sent,
	    (unsigned long long)pgs->pgs_reordered,
	    (unsigned long long)pgs->pgs_duplicated);
	if (pgs->pgs_received == 0)
		return;
	for (size_t i = 0; i < sizeof(latency) / sizeof(latency[0]); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%s%s %.3f", i == 0 ? "" : ", ", latency[i].name,
		    (double)latency[i].ns / 1e3);
	cmd_row(ctx, "\tlatency in us: %s", text);
}

static void
print_stream(struct cmd_ctx *ctx, const struct if_pgreq *pgr,
    const struct if_pgstat *pgs)
{
	struct rates r = rates_of(pgs);

	cmd_row(ctx, "%s stream %u: %s", pgr->pgr_name, pgr->pgr_stream,
	    pgr->pgr_words);
	cmd_row(ctx, "\t%s, sent %llu packets, %llu bytes in %.3f s (%.0f "
	    "packets/s, %.0f bit/s)", state_of(pgs),
	    (unsigned long long)pgs->pgs_sent,
	    (unsigned long long)pgs->pgs_bytes, (double)pgs->pgs_ns / 1e9,
	    r.pps, r.bps);
	if (pgs->pgs_flags & PGS_MEASURED)
		print_measured(ctx, pgs);
}

static void
json_measured(struct json *j, const struct if_pgstat *pgs)
{

	json_u64(j, "received", pgs->pgs_received);
	json_u64(j, "lost", pgs->pgs_lost);
	json_u64(j, "reordered", pgs->pgs_reordered);
	json_u64(j, "duplicated", pgs->pgs_duplicated);
	json_object(j, "latency");
	json_u64(j, "min_ns", pgs->pgs_min_ns);
	json_u64(j, "mean_ns", pgs->pgs_mean_ns);
	json_u64(j, "p50_ns", pgs->pgs_p50_ns);
	json_u64(j, "p90_ns", pgs->pgs_p90_ns);
	json_u64(j, "p99_ns", pgs->pgs_p99_ns);
	json_u64(j, "p999_ns", pgs->pgs_p999_ns);
	json_u64(j, "max_ns", pgs->pgs_max_ns);
	json_end(j);
	json_array(j, "histogram");
	for (unsigned i = 0; i < PGS_POWERS; i++) {
		if (pgs->pgs_power[i] == 0)
			continue;
		json_object(j, NULL);
		json_u64(j, "below_ns", 1ULL << i);
		json_u64(j, "packets", pgs->pgs_power[i]);
		json_end(j);
	}
	json_end(j);
}

static void
json_stream(struct json *j, const struct if_pgreq *pgr,
    const struct if_pgstat *pgs)
{
	struct rates r = rates_of(pgs);

	json_object(j, NULL);
	json_text(j, "interface", pgr->pgr_name);
	json_int(j, "stream", pgr->pgr_stream);
	json_text(j, "words", pgr->pgr_words);
	json_text(j, "state", state_of(pgs));
	json_u64(j, "sent", pgs->pgs_sent);
	json_u64(j, "bytes", pgs->pgs_bytes);
	json_u64(j, "time_ns", pgs->pgs_ns);
	json_fixed(j, "pps", r.pps, 1);
	json_fixed(j, "bps", r.bps, 1);
	if (pgs->pgs_flags & PGS_MEASURED)
		json_measured(j, pgs);
	json_end(j);
}

/* A listing: of which stream, and how. */
struct show {
	struct cmd_ctx	*ctx;
	uint32_t	 stream;	/* 0: all */
	struct json	*json;		/* NULL: text */
};

/* Show an interface's streams.  An interface without that stream, or that goes
 * meanwhile, ends the listing with an errno. */
static int
show_streams(const struct show *sh, const char *ifname, struct ifnet_error *e)
{
	struct if_pgstat pgs;
	struct if_pgreq pgr;
	uint32_t next = sh->stream != 0 ? sh->stream : 1;
	int error;

	for (;;) {
		memset(&pgr, 0, sizeof(pgr));
		memcpy(pgr.pgr_name, ifname, strlen(ifname));
		pgr.pgr_stream = next;
		pgr.pgr_op = sh->stream != 0 ? 0 : PG_NEXT;
		error = ifnet_ioctl(sh->ctx->cc_client, SIOCGPGSTREAM, &pgr,
		    sizeof(pgr), e);
		if (error == ENOENT && sh->stream == 0)
			return 0;
		if (error != 0)
			return error;
		memset(&pgs, 0, sizeof(pgs));
		memcpy(pgs.pgs_name, ifname, strlen(ifname));
		pgs.pgs_stream = pgr.pgr_stream;
		error = ifnet_ioctl(sh->ctx->cc_client, SIOCGPGSTAT, &pgs,
		    sizeof(pgs), e);
		if (error != 0 && (error != ENOENT || sh->stream != 0))
			return error;
		if (error == 0 && sh->json != NULL)
			json_stream(sh->json, &pgr, &pgs);
		else if (error == 0)
			print_stream(sh->ctx, &pgr, &pgs);
		if (sh->stream != 0)
			return 0;
		next = pgr.pgr_stream + 1;
	}
}

/* Show the streams of one interface, or of all in the group "pg". */
static int
show_all(const struct show *sh, const char *ifname)
{
	struct cmd_if *list = NULL;
	struct ifnet_error e;
	int error;

	memset(&e, 0, sizeof(e));
	if (ifname != NULL) {
		if (show_streams(sh, ifname, &e) == 0)
			return CMD_OK;
		return refused(sh->ctx, "show", ifname, sh->stream, &e);
	}
	error = cmd_iflist_get(sh->ctx->cc_client, "pg", IFNET_LINK |
	    IFNET_GROUP, &list, &e);
	if (error == ENOENT)	/* none was ever made */
		return CMD_OK;
	if (error != 0)
		return cmd_fail(sh->ctx, &e, "pg show: %s", e.text);
	for (const struct cmd_if *ci = list; ci != NULL && error == 0;
	    ci = ci->ci_next) {
		error = show_streams(sh, ci->ci_name, &e);
		if (error == ENXIO || error == EOPNOTSUPP)
			error = 0;	/* gone; or no pg, by its group */
	}
	cmd_iflist_free(list);
	return error == 0 ? CMD_OK :
	    cmd_fail(sh->ctx, &e, "pg show: %s", e.text);
}

/* Parse "[--json] [IF [STREAM]]", and show that. */
static int
show(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct show sh = { .ctx = ctx };
	const char *ifname = NULL;
	struct json j;
	uint64_t number = 0;
	bool json = false;
	int code, end;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (ifname == NULL)
			ifname = argv[i];
		else if (number != 0)
			return usage(ctx, "show: one word too many");
		else if (!cmd_parse_num(argv[i], PG_STREAM_MAX, &number) ||
		    number == 0) {
			cmd_err(ctx, "pg show: %s: a stream's number is 1 to "
			    "%d", argv[i], PG_STREAM_MAX);
			return CMD_USAGE;
		}
	}
	if (ctx->cc_config) {
		cmd_err(ctx, "pg show: not in a configuration file");
		return CMD_USAGE;
	}
	if (ctx->cc_check)
		return CMD_OK;
	sh.stream = (uint32_t)number;
	if (!json)
		return show_all(&sh, ifname);
	sh.json = &j;
	json_begin(&j, ctx, JSON_PRETTY);
	json_array(&j, NULL);
	code = show_all(&sh, ifname);
	end = json_done(&j);
	return code != CMD_OK ? code : end;
}

/* --- the command ---------------------------------------------------------- */

static int
pg_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	const struct cmd_word *verb;
	struct ifnet_error e;
	int at;

	if (argc < 2)
		return usage(ctx, "set, delete, start, stop or show was "
		    "expected");
	verb = cmd_verb(ctx, &command_pg, argv[1]);
	if (verb == NULL)
		return cmd_usage(ctx, &command_pg, CMD_USAGE);
	at = argc > 2 && strcmp(argv[2], "--json") == 0 ? 3 : 2;
	if (argc > at && cmd_check_ifname(argv[at], false, &e) != 0) {
		cmd_err(ctx, "pg: %s", e.text);
		return CMD_USAGE;
	}
	if (verb->w_code == PG_CMD_SHOW)
		return show(ctx, argc - 2, argv + 2);
	return change(ctx, verb, argc - 2, argv + 2);
}

const struct command command_pg = {
	.c_name = "pg",
	.c_synopsis = "set IF STREAM dst ADDRS [measure] [WORD VALUE ...]\n"
	    "delete IF STREAM\nstart|stop IF [STREAM]\n"
	    "show [--json] [IF [STREAM]]",
	.c_summary = "streams of packets that a packet generator makes",
	.c_example = "pg set pg0 2 dst 10.2.0.0/16 size imix rate 10kpps",
	.c_words = pg_words,
	.c_run = pg_run,
};
