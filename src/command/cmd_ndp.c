/*
 * ndp: show and change the neighbours of IPv6.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* NetBSD's letters: no answer yet, reachable, stale, being asked. */
static char
state_letter(uint8_t state)
{

	switch (state) {
	case RTN_INCOMPLETE:
		return 'I';
	case RTN_REACHABLE:
		return 'R';
	case RTN_STALE:
		return 'S';
	case RTN_PROBE:
		return 'P';
	default:
		return '?';
	}
}

static void
ndp_line(FILE *fp, const struct neigh_entry *en)
{
	char ll[LLADDR_STRSIZE], until[CMD_OFFSETSIZE], flags[3], *to = flags;

	if ((en->en_flags & RTF_STATIC) != 0)
		(void)strcpy(until, "permanent");
	else if (en->en_expire_s > 0)
		(void)cmd_offset_text((uint32_t)en->en_expire_s, until);
	else
		(void)strcpy(until, "expired");
	if (en->en_router)
		*to++ = 'R';
	if ((en->en_flags & RTF_ANNOUNCE) != 0)
		*to++ = 'p';
	*to = '\0';
	(void)fprintf(fp, "%-31s %-17s %6s %-9s %c%s%s\n", en->en_text,
	    en->en_lllen == 0 ? "(incomplete)" : lladdr_text(en->en_lladdr,
	    en->en_lllen, ll), en->en_ifname,
	    until, state_letter(en->en_state), flags[0] == '\0' ? "" : " ",
	    flags);
}

static const struct neigh_tool ndp_tool = {
	.nt_command = &command_ndp,
	.nt_family = AF_INET6,
	.nt_proxy = "proxy",
	.nt_line = ndp_line,
	.nt_heading = "Neighbor                        Linklayer Address   "
	    "Netif Expire    S Flags",
};

static int
usage(struct cmd_ctx *ctx, const char *why)
{

	return cmd_usage_why(ctx, &command_ndp, 1, "%s", why);
}

/* Set the neighbours of a file: one a line, in the words of -s. */
static int
ndp_file(struct cmd_ctx *ctx, const char *path)
{
	char *text = NULL, **argv, where[32];
	struct ifnet_error e;
	unsigned line = 0;
	int argc, code = CMD_OK;
	size_t room = 0;
	FILE *fp;

	fp = fopen(path, "re");
	if (fp == NULL) {
		cmd_err(ctx, "ndp: %s: %s", path, strerror(errno));
		return CMD_FAIL;
	}
	while (code == CMD_OK && getline(&text, &room, fp) != -1) {
		(void)snprintf(where, sizeof(where), "line %u", ++line);
		if (command_split(text, &argc, &argv, &e) != 0) {
			cmd_err(ctx, "ndp: %s: %s: %s", path, where, e.text);
			code = 1;
			continue;
		}
		if (argc != 0)
			code = cmd_neigh_set(ctx, &ndp_tool, where, argc, argv);
		if (code != CMD_OK)
			cmd_err(ctx, "ndp: %s: %s: %s", path, where,
			    ctx->cc_check ? "nothing of the file is done" :
			    "the lines in front of it are done, no other");
		free(argv);
	}
	if (ferror(fp) != 0) {
		cmd_err(ctx, "ndp: %s: cannot be read", path);
		code = CMD_FAIL;
	}
	free(text);
	(void)fclose(fp);
	return code;
}

static int
ndp_delete(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct neigh_entry en;

	if (argc != 1)
		return usage(ctx, "-d: one address is wanted");
	if (cmd_neigh_parse_host(ctx, &ndp_tool, &en, argv[0]) != 0)
		return 1;
	return ctx->cc_check ? CMD_OK :
	    cmd_neigh_delete(ctx, &ndp_tool, &en, false);
}

static int
ndp_show(struct cmd_ctx *ctx, bool all, bool json, int argc, char **argv)
{
	struct neigh_entry en;

	if (all ? argc != 0 : argc != 1)
		return usage(ctx, all ? "-a: no address goes with it" :
		    "one address is wanted, or -a for all");
	if (argc == 1 && cmd_neigh_parse_host(ctx, &ndp_tool, &en,
	    argv[0]) != 0)
		return 1;
	if (ctx->cc_config) {
		cmd_err(ctx, "ndp: only -s, -d, -c and -f in a configuration "
		    "file");
		return 1;
	}
	return ctx->cc_check ? CMD_OK :
	    cmd_neigh_show(ctx, &ndp_tool, all ? NULL : &en, json);
}

static int
ndp_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	const char *file = NULL;
	bool json = false;
	struct cmd_opts o;
	int c, what = 0;

	cmd_opts_init(&o, ctx, &command_ndp, argc, argv);
	while ((c = cmd_getopt(&o)) != -1) {
		if (c == '?')
			return cmd_usage(ctx, &command_ndp, 1);
		if (c == CMD_OPT_JSON)
			json = true;
		else if (c == 'n')
			continue;
		else if (what != 0 && what != c)
			return usage(ctx, "-a, -c, -d, -f and -s exclude each "
			    "other");
		else
			what = c;
		if (c == 'f')
			file = o.o_arg;
	}
	argc -= o.o_next;
	argv += o.o_next;
	if (json && what != 0 && what != 'a')
		return usage(ctx, "--json shows, and goes with -a or an "
		    "address");
	if ((what == 'c' || what == 'f') && argc != 0)
		return usage(ctx, "-c, -f: no address goes with it");
	switch (what) {
	case 's':
		return cmd_neigh_set(ctx, &ndp_tool, "-s", argc, argv);
	case 'd':
		return ndp_delete(ctx, argc, argv);
	case 'c':
		return ctx->cc_check ? CMD_OK :
		    cmd_neigh_delete(ctx, &ndp_tool, NULL, true);
	case 'f':
		return ndp_file(ctx, file);
	default:
		return ndp_show(ctx, what == 'a', json, argc, argv);
	}
}

static const struct cmd_word ndp_words[] = {
	{ "-a", NULL, "all neighbours" },
	{ "-c", NULL, "delete all that were learnt", CMD_W_ADMIN },
	{ "-d", NULL, "delete one", CMD_W_ADMIN },
	{ "-f", "FILE", "set those of a file: the words of -s, one a line",
	    CMD_W_ADMIN },
	{ "-n", NULL, "changes nothing: no name of an address is looked up" },
	{ "-s", NULL, "set one", CMD_W_ADMIN },
	{ "temp", NULL, "with -s: it goes after 20 minutes", CMD_W_ADMIN },
	{ "proxy", NULL, "with -s: answer for it", CMD_W_ADMIN },
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_ndp = {
	.c_name = "ndp",
	.c_synopsis = "[-n] [--json] -a\n[-n] [--json] HOST\n-d HOST\n-c\n"
	    "-f FILE\n-s HOST LLADDR [temp] [proxy]",
	.c_summary = "show and change neighbours of IPv6",
	.c_example = "ndp -s 2001:db8::9 02:00:00:00:00:09",
	.c_words = ndp_words,
	.c_run = ndp_run,
};
