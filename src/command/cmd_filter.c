/*
 * filter: the packet filter's rules.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX	1023

static int
usage(struct cmd_ctx *ctx, const char *why)
{

	return cmd_usage_why(ctx, &command_filter, CMD_USAGE, "%s", why);
}

static int
fail(struct cmd_ctx *ctx, const struct ifnet_error *e, const char *what)
{
	char why[IFNET_ERROR_TEXT + 8];

	return cmd_fail(ctx, e, "filter %s: %s%s", what,
	    cmd_strerror(e->code), cmd_reason(e, why, sizeof(why)));
}

/* --- adding --------------------------------------------------------------- */

struct programs {
	struct cmd_program p_prog[2];
	struct ifnet_filter_prog p_list[2];
	unsigned	 p_n;
};

static void
programs_free(struct programs *p)
{

	for (unsigned i = 0; i < p->p_n; i++)
		cmd_program_free(&p->p_prog[i]);
}

/*
 * Compile one program for each link type for which the filter is valid: the
 * interface need not exist yet, and its kind is not known.
 */
static int
compile_all(const char *text, struct programs *p, struct ifnet_error *e)
{
	static const unsigned types[] = { CMD_DLT_ETHER, CMD_DLT_RAW };
	struct ifnet_error first = { 0 };
	int error;

	memset(p, 0, sizeof(*p));
	for (unsigned i = 0; i < 2; i++) {
		error = cmd_compile(text, types[i], &p->p_prog[p->p_n], e);
		if (error != 0) {
			if (first.code == 0)
				first = *e;
			continue;
		}
		p->p_list[p->p_n].linktype = types[i];
		p->p_list[p->p_n].ninsns = p->p_prog[p->p_n].cp_n;
		p->p_list[p->p_n].program = p->p_prog[p->p_n].cp_insns;
		p->p_n++;
	}
	if (p->p_n != 0)
		return 0;
	*e = first;
	return first.code;
}

/* Parse "in|out IF|any pass|drop|mark N", from argv[0] on; *n is the number of
 * words. */
static int
parse_rule(struct cmd_ctx *ctx, int argc, char **argv,
    struct ifnet_filter_rule *r, int *n)
{
	struct ifnet_error e;

	r->dir = strcmp(argv[0], "in") == 0 ? IFNET_PKT_IN :
	    strcmp(argv[0], "out") == 0 ? IFNET_PKT_OUT : 0;
	if (r->dir == 0) {
		cmd_err(ctx, "filter: \"%s\": in or out was expected",
		    argv[0]);
		return CMD_USAGE;
	}
	if (strcmp(argv[1], "any") != 0) {
		if (cmd_check_ifname(argv[1], false, &e) != 0) {
			cmd_err(ctx, "filter: %s", e.text);
			return CMD_USAGE;
		}
		memcpy(r->ifname, argv[1], strlen(argv[1]));
	}
	*n = 3;
	r->action = strcmp(argv[2], "drop") == 0 ? IFNET_FILTER_DROP :
	    strcmp(argv[2], "mark") == 0 ? IFNET_FILTER_MARK :
	    IFNET_FILTER_PASS;
	if (r->action == IFNET_FILTER_PASS && strcmp(argv[2], "pass") != 0) {
		cmd_err(ctx, "filter: \"%s\": pass, drop or mark was "
		    "expected", argv[2]);
		return CMD_USAGE;
	}
	if (r->action != IFNET_FILTER_MARK)
		return CMD_OK;
	*n = 4;
	if (argc < 4 || !cmd_parse_mark(argv[3], &r->mark)) {
		cmd_err(ctx, "filter: mark: a number is wanted (0 to %u)",
		    UINT32_MAX);
		return CMD_USAGE;
	}
	return CMD_OK;
}

static int
parse_number(struct cmd_ctx *ctx, const char *word, unsigned *number)
{
	struct ifnet_error e;

	if (cmd_parse_rule_number(word, number, &e) == 0)
		return CMD_OK;
	cmd_err(ctx, "filter: %s", e.text);
	return CMD_USAGE;
}

struct search {
	const struct ifnet_filter_rule *rule;
	bool		 found;
};

static int
compare(const struct ifnet_filter_rule *r, void *arg)
{
	struct search *s = arg;

	s->found |= (s->rule->number == 0 || s->rule->number == r->number) &&
	    r->dir == s->rule->dir && r->action == s->rule->action &&
	    r->mark == s->rule->mark &&
	    strcmp(r->ifname, s->rule->ifname) == 0 &&
	    strcmp(r->text, s->rule->text) == 0;
	return 0;
}

/* Does the rule exist already, under this number if one is given? */
static bool
is_there(struct cmd_ctx *ctx, const struct ifnet_filter_rule *r)
{
	struct search s = { r, false };

	return ifnet_filter_list(ctx->cc_client, compare, &s, NULL) == 0 &&
	    s.found;
}

static int
do_add(struct cmd_ctx *ctx, struct ifnet_filter_rule *r)
{
	struct ifnet_error e;
	struct programs p;
	bool chosen = r->number == 0;
	int error;

	memset(&e, 0, sizeof(e));
	error = compile_all(r->text, &p, &e);
	if (error != 0) {
		cmd_err(ctx, "filter: %s", e.text);
		return CMD_USAGE;
	}
	if (!ctx->cc_check && ctx->cc_again && is_there(ctx, r)) {
		programs_free(&p);
		return CMD_OK;
	}
	if (!ctx->cc_check)
		error = ifnet_filter_add(ctx->cc_client, r, p.p_list, p.p_n,
		    &e);
	programs_free(&p);
	if (error != 0)
		return fail(ctx, &e, "add");
	if (chosen && !ctx->cc_check && !ctx->cc_config)
		(void)fprintf(ctx->cc_out, "%u\n", r->number);
	return CMD_OK;
}

/* Parse the words after "filter add". */
static int
add(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct ifnet_filter_rule r;
	char text[TEXT_MAX + 2];
	int code = CMD_OK, n = 0;

	memset(&r, 0, sizeof(r));
	if (argc > 0 && argv[0][0] >= '0' && argv[0][0] <= '9') {
		code = parse_number(ctx, argv[0], &r.number);
		argc--;
		argv++;
	}
	if (code != CMD_OK)
		return code;
	if (argc < 3)
		return usage(ctx, "add: a rule is in or out, an interface or "
		    "any, and pass, drop or mark");
	code = parse_rule(ctx, argc, argv, &r, &n);
	if (code != CMD_OK)
		return code;
	(void)cmd_join(argc - n, argv + n, text, sizeof(text));
	if (strlen(text) > TEXT_MAX) {
		cmd_err(ctx, "filter: the filter has more than %d characters",
		    TEXT_MAX);
		return CMD_USAGE;
	}
	r.text = text;
	return do_add(ctx, &r);
}

/* --- listing -------------------------------------------------------------- */

static void
rules_free(struct cmd_rules *cr)
{

	for (size_t i = 0; i < cr->cr_n; i++)
		free((void *)(uintptr_t)cr->cr_rules[i].text);
	free(cr->cr_rules);
}

static int
collect(const struct ifnet_filter_rule *r, void *arg)
{
	struct cmd_rules *cr = arg;
	struct ifnet_filter_rule *more;

	if (cr->cr_n == cr->cr_room) {
		cr->cr_room = cr->cr_room == 0 ? 16 : cr->cr_room * 2;
		more = realloc(cr->cr_rules, cr->cr_room * sizeof(*more));
		if (more == NULL)
			return ENOMEM;
		cr->cr_rules = more;
	}
	more = &cr->cr_rules[cr->cr_n];
	*more = *r;
	more->text = strdup(r->text);
	if (more->text == NULL)
		return ENOMEM;
	cr->cr_n++;
	return 0;
}

static void
print_rules(struct cmd_ctx *ctx, const struct cmd_rules *cr)
{
	const struct ifnet_filter_rule *r;
	char what[24];

	if (cr->cr_n == 0)
		return;
	(void)fprintf(ctx->cc_out, "%5s %-3s %-15s %-4s %10s %12s  %s\n",
	    "Rule", "Dir", "Interface", "Do", "Packets", "Bytes", "Filter");
	for (size_t i = 0; i < cr->cr_n; i++) {
		r = &cr->cr_rules[i];
		if (r->action == IFNET_FILTER_MARK)
			(void)snprintf(what, sizeof(what), "mark %u", r->mark);
		else
			(void)strcpy(what, r->action == IFNET_FILTER_DROP ?
			    "drop" : "pass");
		cmd_row(ctx, "%5u %-3s %-15s %-4s %10llu %12llu  %s",
		    r->number,
		    r->dir == IFNET_PKT_IN ? "in" : "out",
		    r->ifname[0] != '\0' ? r->ifname : "any",
		    what,
		    (unsigned long long)r->packets,
		    (unsigned long long)r->bytes, r->text);
	}
}

static int
list(struct cmd_ctx *ctx, int argc, char **argv)
{
	bool json = argc == 1 && strcmp(argv[0], "--json") == 0;
	struct cmd_rules cr;
	struct ifnet_error e;
	int code = CMD_OK;

	if (argc != 0 && !json)
		return usage(ctx, "list: one word too many");
	if (ctx->cc_config) {
		cmd_err(ctx, "filter list: not in a configuration file");
		return CMD_USAGE;
	}
	if (ctx->cc_check)
		return CMD_OK;
	memset(&cr, 0, sizeof(cr));
	memset(&e, 0, sizeof(e));
	e.code = ifnet_filter_list(ctx->cc_client, collect, &cr, &e);
	if (e.code != 0)
		code = fail(ctx, &e, "list");
	else if (json)
		code = cmd_json_rules(ctx, &cr);
	else
		print_rules(ctx, &cr);
	rules_free(&cr);
	return code;
}

/* --- the rest ------------------------------------------------------------- */

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
	    ifnet_filter_delete(ctx->cc_client, number, &e) == 0)
		return CMD_OK;
	return fail(ctx, &e, "delete");
}

static int
zero(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct ifnet_error e;
	unsigned number = 0;
	int code = CMD_OK;

	if (argc > 1)
		return usage(ctx, "zero: the number of one rule is wanted, or "
		    "none for all");
	if (argc == 1)
		code = parse_number(ctx, argv[0], &number);
	if (code != CMD_OK)
		return code;
	memset(&e, 0, sizeof(e));
	if (ctx->cc_check ||
	    ifnet_filter_zero(ctx->cc_client, number, &e) == 0)
		return CMD_OK;
	return fail(ctx, &e, "zero");
}

static int
flush(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct ifnet_error e;

	(void)argv;
	if (argc != 0)
		return usage(ctx, "flush: nothing follows it");
	memset(&e, 0, sizeof(e));
	if (ctx->cc_check || ifnet_filter_flush(ctx->cc_client, &e) == 0)
		return CMD_OK;
	return fail(ctx, &e, "flush");
}

enum { F_ADD, F_DELETE, F_LIST, F_FLUSH, F_ZERO };

static const struct cmd_word filter_words[] = {
	{ "add", NULL, "add a rule", CMD_W_VERB | CMD_W_ADMIN, NULL, F_ADD },
	{ "delete", NULL, "delete the rule of this number",
	    CMD_W_VERB | CMD_W_ADMIN, NULL, F_DELETE },
	{ "list", NULL, "list the rules and what they matched", CMD_W_VERB,
	    NULL, F_LIST },
	{ "flush", NULL, "delete all rules", CMD_W_VERB | CMD_W_ADMIN, NULL,
	    F_FLUSH },
	{ "zero", NULL, "set the counters of one or all to zero",
	    CMD_W_VERB | CMD_W_ADMIN, NULL, F_ZERO },
	{ "in", NULL, "packets that come in", CMD_W_ADMIN, "add" },
	{ "out", NULL, "packets that go out", CMD_W_ADMIN, "add" },
	{ "any", NULL, "of every interface", CMD_W_ADMIN, "add" },
	{ "pass", NULL, "let them through", CMD_W_ADMIN, "add" },
	{ "drop", NULL, "drop them", CMD_W_ADMIN, "add" },
	{ "mark", "NUMBER", "mark them, for \"rule\", and go on", CMD_W_ADMIN,
	    "add" },
	{ "--json", NULL, "write JSON, for programs", 0, "list",
	    CMD_OPT_JSON },
	CMD_WORD_END
};

static int
filter_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	static int (*const run[])(struct cmd_ctx *, int, char **) = {
		[F_ADD] = add, [F_DELETE] = delete_rule, [F_LIST] = list,
		[F_FLUSH] = flush, [F_ZERO] = zero,
	};
	const struct cmd_word *verb;

	if (argc < 2)
		return usage(ctx, "what is to be done with the rules?");
	verb = cmd_verb(ctx, &command_filter, argv[1]);
	if (verb == NULL)
		return cmd_usage(ctx, &command_filter, CMD_USAGE);
	return run[verb->w_code](ctx, argc - 2, argv + 2);
}

static void
filter_complete(struct cmd_ctx *ctx, int argc, char **argv, cmd_add_fn *add_,
    void *arg)
{
	static const char *const dirs[] = { "in", "out", NULL };
	static const char *const actions[] = { "pass", "drop", "mark", NULL };
	int at;

	if (argc == 2 || strcmp(argv[1], "add") != 0) {
		command_complete_words(ctx, &command_filter, argc, argv, add_,
		    arg);
		return;
	}
	at = argc - (argv[2][0] >= '0' && argv[2][0] <= '9' ? 1 : 0);
	if (at == 3)
		cmd_complete_words(dirs, add_, arg);
	else if (at == 4) {
		add_(arg, "any");
		cmd_complete_if(ctx, add_, arg);
	} else if (at == 5)
		cmd_complete_words(actions, add_, arg);
}

const struct command command_filter = {
	.c_name = "filter",
	.c_synopsis = "add [NUMBER] in|out IF|any pass|drop|mark N "
	    "[FILTER ...]\n"
	    "delete NUMBER\nlist [--json]\nflush\nzero [NUMBER]",
	.c_summary = "pass and drop packets by rules",
	.c_example = "filter add in tap0 drop 'tcp port 23'",
	.c_words = filter_words,
	.c_run = filter_run,
	.c_complete = filter_complete,
};
