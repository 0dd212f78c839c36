/*
 * rule: rules that pick the table of routes for a packet.
 */

#include "command/command_impl.h"

#include <arpa/inet.h>

#include <string.h>

#include "proto/prefix.h"

static int
usage(struct cmd_ctx *ctx, const char *why)
{

	return cmd_usage_why(ctx, &command_rule, CMD_USAGE, "%s", why);
}

static int
fail(struct cmd_ctx *ctx, const struct ifnet_error *e, const char *what)
{
	char why[IFNET_ERROR_TEXT + 8];

	return cmd_fail(ctx, e, "rule %s: %s%s", what,
	    cmd_strerror(e->code), cmd_reason(e, why, sizeof(why)));
}

static int
bad(struct cmd_ctx *ctx, const char *word, const char *value,
    const char *wanted)
{

	cmd_err(ctx, "rule: %s %s: bad value (%s)", word, value, wanted);
	return CMD_USAGE;
}

/* --- words of a rule ----------------------------------------------------- */

enum { R_ADD = 1, R_DELETE, R_LIST, R_FLUSH, R_IN, R_FROM, R_TO, R_MARK,
	R_TABLE, R_REJECT, R_BLACKHOLE };

#define TAKES_ADMIN	CMD_W_ADMIN, "add"

static const struct cmd_word rule_words[] = {
	{ "add", NULL, "add a rule", CMD_W_VERB | CMD_W_ADMIN, NULL, R_ADD },
	{ "delete", NULL, "delete the rule of this number",
	    CMD_W_VERB | CMD_W_ADMIN, NULL, R_DELETE },
	{ "list", NULL, "list the rules and how many packets they decided on",
	    CMD_W_VERB, NULL, R_LIST },
	{ "flush", NULL, "delete all rules", CMD_W_VERB | CMD_W_ADMIN, NULL,
	    R_FLUSH },
	{ "in", "IF", "packets that came by this interface", TAKES_ADMIN,
	    R_IN },
	{ "from", "ADDR[/LEN]", "packets of these sources", TAKES_ADMIN,
	    R_FROM },
	{ "to", "ADDR[/LEN]", "packets to these destinations", TAKES_ADMIN,
	    R_TO },
	{ "mark", "NUMBER[/MASK]", "packets with this mark (filter sets them)",
	    TAKES_ADMIN, R_MARK },
	{ "table", "NUMBER", "look in this table of routes", TAKES_ADMIN,
	    R_TABLE },
	{ "reject", NULL, "refuse them", TAKES_ADMIN, R_REJECT },
	{ "blackhole", NULL, "drop them", TAKES_ADMIN, R_BLACKHOLE },
	{ "--json", NULL, "write JSON, for programs", 0, "list",
	    CMD_OPT_JSON },
	CMD_WORD_END
};

/* "2001:db8::/32", or one address. */
static int
parse_prefix6(struct cmd_ctx *ctx, const char *word, const char *value,
    unsigned char *addr, unsigned *len)
{
	const char *slash = strchr(value, '/');
	size_t n = slash != NULL ? (size_t)(slash - value) : strlen(value);
	char text[INET6_ADDRSTRLEN];
	struct prefix pf, cut;
	uint64_t bits = 128;

	if (n >= sizeof(text))
		return bad(ctx, word, value, "an address, or a prefix");
	memcpy(text, value, n);
	text[n] = '\0';
	if (inet_pton(AF_INET6, text, addr) != 1 || (slash != NULL &&
	    !cmd_parse_num(slash + 1, 128, &bits)))
		return bad(ctx, word, value, "an address, or a prefix");
	pf = prefix_of6(addr, PREFIX_BITS6);
	cut = pf;
	prefix_cut(&cut, (unsigned)bits);
	if (cut.pf_hi != pf.pf_hi || cut.pf_lo != pf.pf_lo)
		return bad(ctx, word, value, "no bits beyond the length");
	*len = (unsigned)bits;
	return CMD_OK;
}

/* "10.0.0.0/8", "2001:db8::/32", or one address. */
static int
parse_prefix(struct cmd_ctx *ctx, const char *word, const char *value,
    struct ifnet_rule *r, unsigned char *addr, unsigned *len)
{
	struct in_addr a;
	struct ifnet_error e;
	const int family = strchr(value, ':') != NULL ? AF_INET6 : AF_INET;
	int n;

	if (r->family != 0 && r->family != family)
		return bad(ctx, word, value, "both prefixes are of one family");
	r->family = family;
	if (family == AF_INET6)
		return parse_prefix6(ctx, word, value, addr, len);
	if (cmd_parse_prefix(value, &a, &n, &e) != 0)
		return bad(ctx, word, value, "an address, or a prefix");
	if (n < 0)
		n = 32;
	if ((a.s_addr & ~cmd_mask(n).s_addr) != 0)
		return bad(ctx, word, value, "no bits beyond the length");
	memcpy(addr, &a, sizeof(a));
	*len = (unsigned)n;
	return CMD_OK;
}

static int
parse_marks(struct cmd_ctx *ctx, const char *value, struct ifnet_rule *r)
{
	const char *slash = strchr(value, '/');
	size_t len = slash != NULL ? (size_t)(slash - value) : strlen(value);
	char mark[16];
	bool ok = len < sizeof(mark);

	r->markmask = UINT32_MAX;
	if (ok) {
		memcpy(mark, value, len);
		mark[len] = '\0';
		ok = cmd_parse_mark(mark, &r->mark);
	}
	if (ok && slash != NULL)
		ok = cmd_parse_mark(slash + 1, &r->markmask);
	return ok && (r->mark & ~r->markmask) == 0 ? CMD_OK :
	    bad(ctx, "mark", value, "a number, or number/mask");
}

static int
parse_value(struct cmd_ctx *ctx, int what, const char *word,
    const char *value, struct ifnet_rule *r)
{
	struct ifnet_error e;
	int table;

	switch (what) {
	case R_IN:
		if (cmd_check_ifname(value, false, &e) != 0) {
			cmd_err(ctx, "rule: %s", e.text);
			return CMD_USAGE;
		}
		memcpy(r->ifname, value, strlen(value));
		return CMD_OK;
	case R_FROM:
		return parse_prefix(ctx, word, value, r, r->src, &r->srclen);
	case R_TO:
		return parse_prefix(ctx, word, value, r, r->dst, &r->dstlen);
	case R_MARK:
		return parse_marks(ctx, value, r);
	default:
		if (!route_parse_table(value, false, &table))
			return bad(ctx, word, value, "0 to 65535");
		r->table = (unsigned)table;
		return CMD_OK;
	}
}

/* Parse the words behind the number; each may stand once, and one says what is
 * to be done. */
static int
parse_rule(struct cmd_ctx *ctx, int argc, char **argv, struct ifnet_rule *r)
{
	const struct cmd_word *w;
	unsigned seen = 0, actions = 0;
	bool negated;
	int code;

	for (int i = 0; i < argc; i++) {
		w = cmd_word_find(rule_words, argv[i], &negated);
		if (w == NULL || w->w_code < R_IN || w->w_code > R_BLACKHOLE) {
			cmd_err(ctx, "rule: \"%s\": in, from, to, mark, table, "
			    "reject or blackhole was expected", argv[i]);
			return CMD_USAGE;
		}
		if ((seen & 1u << w->w_code) != 0) {
			cmd_err(ctx, "rule: %s is given twice", argv[i]);
			return CMD_USAGE;
		}
		seen |= 1u << w->w_code;
		actions += w->w_code >= R_TABLE;
		if (w->w_code == R_REJECT || w->w_code == R_BLACKHOLE) {
			r->action = w->w_code == R_REJECT ? IFNET_RULE_REJECT :
			    IFNET_RULE_BLACKHOLE;
			continue;
		}
		if (i + 1 == argc) {
			cmd_err(ctx, "rule: %s needs a value", argv[i]);
			return CMD_USAGE;
		}
		code = parse_value(ctx, w->w_code, argv[i], argv[i + 1], r);
		if (code != CMD_OK)
			return code;
		i++;
	}
	return actions == 1 ? CMD_OK : usage(ctx, "add: one of table, reject "
	    "and blackhole is wanted");
}

/* --- adding -------------------------------------------------------------- */

struct search {
	const struct ifnet_rule *rule;
	bool		 found;
};

static int
compare(const struct ifnet_rule *r, void *arg)
{
	struct search *s = arg;
	struct ifnet_rule like = *r;

	like.packets = 0;
	if (s->rule->number == 0)
		like.number = 0;
	s->found |= memcmp(&like, s->rule, sizeof(like)) == 0;
	return 0;
}

/* Does the rule exist already, under this number if one is given? */
static bool
is_there(struct cmd_ctx *ctx, const struct ifnet_rule *r)
{
	struct search s = { r, false };

	return ifnet_rule_list(ctx->cc_client, compare, &s, NULL) == 0 &&
	    s.found;
}

static int
parse_number(struct cmd_ctx *ctx, const char *word, unsigned *number)
{
	struct ifnet_error e;

	if (cmd_parse_rule_number(word, number, &e) == 0)
		return CMD_OK;
	cmd_err(ctx, "rule: %s", e.text);
	return CMD_USAGE;
}

static int
add(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct ifnet_error e;
	struct ifnet_rule r;
	int code = CMD_OK;
	bool chosen;

	memset(&r, 0, sizeof(r));
	memset(&e, 0, sizeof(e));
	if (argc > 0 && argv[0][0] >= '0' && argv[0][0] <= '9') {
		code = parse_number(ctx, argv[0], &r.number);
		argc--;
		argv++;
	}
	if (code == CMD_OK)
		code = parse_rule(ctx, argc, argv, &r);
	if (code != CMD_OK || ctx->cc_check)
		return code;
	if (ctx->cc_again && is_there(ctx, &r))
		return CMD_OK;
	chosen = r.number == 0;
	if (ifnet_rule_add(ctx->cc_client, &r, &e) != 0)
		return fail(ctx, &e, "add");
	if (chosen && !ctx->cc_config)
		(void)fprintf(ctx->cc_out, "%u\n", r.number);
	return CMD_OK;
}

/* --- listing ------------------------------------------------------------- */

static const char *
prefix_text(const struct ifnet_rule *r, const unsigned char *addr,
    unsigned len, char *buf, size_t size)
{
	const bool ip6 = r->family == AF_INET6;
	char text[INET6_ADDRSTRLEN];

	(void)inet_ntop(ip6 ? AF_INET6 : AF_INET, addr, text, sizeof(text));
	(void)snprintf(buf, size, len == (ip6 ? 128 : 32) ? "%s" : "%s/%u",
	    text, len);
	return buf;
}

static const char *
action_text(const struct ifnet_rule *r, char *buf, size_t size)
{

	if (r->action == IFNET_RULE_TABLE)
		(void)snprintf(buf, size, "table %u", r->table);
	else
		(void)snprintf(buf, size, "%s", r->action ==
		    IFNET_RULE_REJECT ? "reject" : "blackhole");
	return buf;
}

/* The listing in progress; nothing is written if it fails at once. */
struct listing {
	struct cmd_ctx	*ls_ctx;
	struct json	*ls_json;	/* NULL: a table */
	bool		 ls_begun;
};

static void
begin(struct listing *ls)
{

	if (ls->ls_begun)
		return;
	ls->ls_begun = true;
	if (ls->ls_json != NULL) {
		json_begin(ls->ls_json, ls->ls_ctx, JSON_PRETTY);
		json_array(ls->ls_json, NULL);
	} else
		(void)fprintf(ls->ls_ctx->cc_out, "%5s %-15s %-18s %-18s "
		    "%-10s %10s  %s\n", "Rule", "In", "From", "To", "Mark",
		    "Packets", "Do");
}

static void
list_json(struct json *j, const struct ifnet_rule *r)
{
	char text[64];

	json_object(j, NULL);
	json_int(j, "number", r->number);
	if (r->ifname[0] != '\0')
		json_text(j, "interface", r->ifname);
	if (r->srclen != 0)
		json_text(j, "from", prefix_text(r, r->src, r->srclen, text,
		    sizeof(text)));
	if (r->dstlen != 0)
		json_text(j, "to", prefix_text(r, r->dst, r->dstlen, text,
		    sizeof(text)));
	if (r->markmask != 0) {
		json_int(j, "mark", r->mark);
		json_int(j, "mask", r->markmask);
	}
	json_text(j, "action", r->action == IFNET_RULE_TABLE ? "table" :
	    r->action == IFNET_RULE_REJECT ? "reject" : "blackhole");
	if (r->action == IFNET_RULE_TABLE)
		json_int(j, "table", r->table);
	json_u64(j, "packets", r->packets);
	json_end(j);
}

static int
list_one(const struct ifnet_rule *r, void *arg)
{
	char from[64] = "any", to[64] = "any", mark[32] = "any", what[32];
	struct listing *ls = arg;

	begin(ls);
	if (ls->ls_json != NULL) {
		list_json(ls->ls_json, r);
		return 0;
	}
	if (r->srclen != 0)
		(void)prefix_text(r, r->src, r->srclen, from, sizeof(from));
	if (r->dstlen != 0)
		(void)prefix_text(r, r->dst, r->dstlen, to, sizeof(to));
	if (r->markmask == UINT32_MAX)
		(void)snprintf(mark, sizeof(mark), "%u", r->mark);
	else if (r->markmask != 0)
		(void)snprintf(mark, sizeof(mark), "0x%x/0x%x", r->mark,
		    r->markmask);
	cmd_row(ls->ls_ctx, "%5u %-15s %-18s %-18s %-10s %10llu  %s",
	    r->number, r->ifname[0] != '\0' ? r->ifname : "any", from, to,
	    mark, (unsigned long long)r->packets, action_text(r, what,
	    sizeof(what)));
	return 0;
}

static int
list(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct listing ls = { .ls_ctx = ctx };
	struct ifnet_error e;
	struct json j;
	int code = CMD_OK;

	if (argc == 1 && strcmp(argv[0], "--json") == 0)
		ls.ls_json = &j;
	else if (argc != 0)
		return usage(ctx, "list: one word too many");
	if (ctx->cc_config) {
		cmd_err(ctx, "rule list: not in a configuration file");
		return CMD_USAGE;
	}
	if (ctx->cc_check)
		return CMD_OK;
	memset(&e, 0, sizeof(e));
	e.code = ifnet_rule_list(ctx->cc_client, list_one, &ls, &e);
	if (ls.ls_json != NULL && e.code == 0)
		begin(&ls);
	if (ls.ls_json != NULL && ls.ls_begun)
		code = json_done(&j);
	return e.code != 0 ? fail(ctx, &e, "list") : code;
}

/* --- the rest ------------------------------------------------------------ */

static int
delete_rule(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct ifnet_error e;
	unsigned number;
	int code;

	if (argc != 1)
		return usage(ctx, "delete: the number of one rule is wanted");
	code = parse_number(ctx, argv[0], &number);
	if (code != CMD_OK)
		return code;
	memset(&e, 0, sizeof(e));
	if (ctx->cc_check ||
	    ifnet_rule_delete(ctx->cc_client, number, &e) == 0)
		return CMD_OK;
	return fail(ctx, &e, "delete");
}

static int
flush(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct ifnet_error e;

	(void)argv;
	if (argc != 0)
		return usage(ctx, "flush: nothing follows it");
	memset(&e, 0, sizeof(e));
	if (ctx->cc_check || ifnet_rule_flush(ctx->cc_client, &e) == 0)
		return CMD_OK;
	return fail(ctx, &e, "flush");
}

static int
rule_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	static int (*const run[])(struct cmd_ctx *, int, char **) = {
		[R_ADD] = add, [R_DELETE] = delete_rule, [R_LIST] = list,
		[R_FLUSH] = flush,
	};
	const struct cmd_word *verb;

	if (argc < 2)
		return usage(ctx, "what is to be done with the rules?");
	verb = cmd_verb(ctx, &command_rule, argv[1]);
	if (verb == NULL)
		return cmd_usage(ctx, &command_rule, CMD_USAGE);
	return run[verb->w_code](ctx, argc - 2, argv + 2);
}

const struct command command_rule = {
	.c_name = "rule",
	.c_synopsis = "add [NUMBER] [in IF] [from PREFIX] [to PREFIX] "
	    "[mark N[/MASK]] table N | reject | blackhole\n"
	    "delete NUMBER\nlist [--json]\nflush",
	.c_summary = "pick tables of routes by rules",
	.c_example = "rule add from 10.1.0.0/16 table 5",
	.c_words = rule_words,
	.c_run = rule_run,
};
