/*
 * arp: show and change the neighbours of IPv4.
 */

#include "command/command_impl.h"

#include <inttypes.h>

static void
arp_line(FILE *fp, const struct neigh_entry *en)
{
	char ll[LLADDR_STRSIZE];

	(void)fprintf(fp, "? (%s) at %s on %s", en->en_text,
	    en->en_lllen == 0 ? "(incomplete)" : lladdr_text(en->en_lladdr,
	    en->en_lllen, ll), en->en_ifname);
	if ((en->en_flags & RTF_STATIC) != 0)
		(void)fprintf(fp, " permanent");
	else if (en->en_expire_s > 0)
		(void)fprintf(fp, " expires in %" PRId64 "s",
		    en->en_expire_s);
	if ((en->en_flags & RTF_ANNOUNCE) != 0)
		(void)fprintf(fp, " published");
	(void)fputc('\n', fp);
}

static const struct neigh_tool arp_tool = {
	.nt_command = &command_arp,
	.nt_family = AF_INET,
	.nt_proxy = "pub",
	.nt_line = arp_line,
};

static int
usage(struct cmd_ctx *ctx, const char *why)
{

	return cmd_usage_why(ctx, &command_arp, 1, "%s", why);
}

static int
arp_delete(struct cmd_ctx *ctx, int argc, char **argv, bool all)
{
	struct neigh_entry en;

	if (all ? argc != 0 : argc != 1)
		return usage(ctx, all ? "-d -a: no address goes with it" :
		    "-d: one address is wanted, or -a for all");
	if (!all && cmd_neigh_parse_host(ctx, &arp_tool, &en, argv[0]) != 0)
		return 1;
	if (ctx->cc_check)
		return CMD_OK;
	return cmd_neigh_delete(ctx, &arp_tool, all ? NULL : &en, false);
}

static int
arp_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	bool all = false, del = false, set = false, json = false;
	struct neigh_entry en;
	struct cmd_opts o;
	int c;

	cmd_opts_init(&o, ctx, &command_arp, argc, argv);
	while ((c = cmd_getopt(&o)) != -1) {
		all = all || c == 'a';
		del = del || c == 'd';
		set = set || c == 's';
		json = json || c == CMD_OPT_JSON;
		if (c == '?')
			return cmd_usage(ctx, &command_arp, 1);
	}
	argc -= o.o_next;
	argv += o.o_next;
	if (set && (all || del))
		return usage(ctx, "-s goes not with -a or -d");
	if (json && (set || del))
		return usage(ctx, "--json shows, and goes not with -s or -d");
	if (set)
		return cmd_neigh_set(ctx, &arp_tool, "-s", argc, argv);
	if (del)
		return arp_delete(ctx, argc, argv, all);
	if (all ? argc != 0 : argc != 1)
		return usage(ctx, all ? "-a: no address goes with it" :
		    "one address is wanted, or -a for all");
	if (argc == 1 && cmd_neigh_parse_host(ctx, &arp_tool, &en,
	    argv[0]) != 0)
		return 1;
	if (ctx->cc_config) {
		cmd_err(ctx, "arp: only -s and -d in a configuration file");
		return 1;
	}
	return ctx->cc_check ? CMD_OK :
	    cmd_neigh_show(ctx, &arp_tool, all ? NULL : &en, json);
}

static const struct cmd_word arp_words[] = {
	{ "-a", NULL, "all neighbours" },
	{ "-d", NULL, "delete one, or with -a all", CMD_W_ADMIN },
	{ "-n", NULL, "changes nothing: no name of an address is looked up" },
	{ "-s", NULL, "set one", CMD_W_ADMIN },
	{ "temp", NULL, "with -s: it goes after 20 minutes", CMD_W_ADMIN },
	{ "pub", NULL, "with -s: answer for it", CMD_W_ADMIN },
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_arp = {
	.c_name = "arp",
	.c_synopsis = "[-n] [--json] -a\n[-n] [--json] HOST\n-d HOST\n-d -a\n"
	    "-s HOST LLADDR [temp] [pub]",
	.c_summary = "show and change neighbours",
	.c_example = "arp -s 10.0.1.9 02:00:00:00:00:09",
	.c_words = arp_words,
	.c_run = arp_run,
};
