/*
 * mcast: have an interface join groups, for as long as the command runs; and
 * ifmcstat: the groups of interfaces.
 */

#include "command/command_impl.h"

#include <arpa/inet.h>

#include <string.h>

/* How often a join that is held looks whether it is to end. */
#define LOOK_NS		100000000ull

/* --- mcast ---------------------------------------------------------------- */

union group_sa {
	struct sockaddr	 sa;
	struct sockaddr_in sin;
	struct sockaddr_in6 sin6;
};

enum { M_JOIN = 1 };

static const struct cmd_word mcast_words[] = {
	{ "join", "IF", "join groups, until interrupted",
	    CMD_W_VERB | CMD_W_ADMIN, NULL, M_JOIN },
	CMD_WORD_END
};

static int
mcast_usage(struct cmd_ctx *ctx, const char *why)
{

	return cmd_usage_why(ctx, &command_mcast, CMD_USAGE, "%s", why);
}

/* A group of either family; false: it is none. */
static bool
parse_group(const char *text, union group_sa *sa)
{

	memset(sa, 0, sizeof(*sa));
	if (inet_pton(AF_INET, text, &sa->sin.sin_addr) == 1) {
		sa->sin.sin_family = AF_INET;
		return IN_MULTICAST(ntohl(sa->sin.sin_addr.s_addr));
	}
	if (inet_pton(AF_INET6, text, &sa->sin6.sin6_addr) != 1)
		return false;
	sa->sin6.sin6_family = AF_INET6;
	return IN6_IS_ADDR_MULTICAST(&sa->sin6.sin6_addr);
}

static int
join_one(struct cmd_ctx *ctx, const char *ifname, const char *text)
{
	char why[IFNET_ERROR_TEXT + 8];
	union group_sa sa;
	struct ifnet_error e;

	(void)parse_group(text, &sa);
	memset(&e, 0, sizeof(e));
	if (ifnet_mcast_join(ctx->cc_client, ifname, &sa.sa, &e) == 0)
		return CMD_OK;
	return cmd_fail(ctx, &e, "mcast join %s %s: %s%s", ifname, text,
	    cmd_strerror(e.code), cmd_reason(&e, why, sizeof(why)));
}

/* The joins are the connection's: they are left when the client closes it. */
static int
mcast_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	union group_sa sa;
	int code;

	if (argc < 2)
		return mcast_usage(ctx, "what is to be done?");
	if (cmd_verb(ctx, &command_mcast, argv[1]) == NULL)
		return cmd_usage(ctx, &command_mcast, CMD_USAGE);
	if (argc < 4)
		return mcast_usage(ctx, "join: an interface and groups are "
		    "wanted");
	for (int i = 3; i < argc; i++)
		if (!parse_group(argv[i], &sa)) {
			cmd_err(ctx, "mcast join: %s: not the address of a "
			    "group (224.0.0.0/4 or ff00::/8)", argv[i]);
			return CMD_USAGE;
		}
	if (ctx->cc_check)
		return CMD_OK;
	for (int i = 3; i < argc; i++) {
		code = join_one(ctx, argv[2], argv[i]);
		if (code != CMD_OK)
			return code;
	}
	cmd_row(ctx, "%s has joined %d group%s; an interruption (^C) leaves "
	    "%s", argv[2], argc - 3, argc == 4 ? "" : "s", argc == 4 ? "it" :
	    "them");
	(void)fflush(ctx->cc_out);
	while (!cmd_interrupted(ctx))
		cmd_sleep_until(ctx, cmd_now() + LOOK_NS);
	for (int i = 3; i < argc; i++) {
		(void)parse_group(argv[i], &sa);
		(void)ifnet_mcast_leave(ctx->cc_client, argv[2], &sa.sa,
		    NULL);
	}
	return CMD_OK;
}

const struct command command_mcast = {
	.c_name = "mcast",
	.c_synopsis = "join IF GROUP ...",
	.c_summary = "have an interface join multicast groups",
	.c_example = "mcast join tap0 ff05::1234",
	.c_words = mcast_words,
	.c_when = CMD_NOT_CONFIG,
	.c_run = mcast_run,
};

/* --- ifmcstat ------------------------------------------------------------- */

enum { S_IF = 1, S_FAMILY };

static const struct cmd_word stat_words[] = {
	{ "-i", "IF", "of this interface", 0, NULL, S_IF },
	{ "-f", "inet|inet6", "of this family", 0, NULL, S_FAMILY },
	{ "--json", NULL, "write JSON, for programs", 0, NULL, CMD_OPT_JSON },
	CMD_WORD_END
};

/* The listing in progress. */
struct listing {
	struct cmd_ctx	*ls_ctx;
	struct json	*ls_json;	/* NULL: lines */
	bool		 ls_begun;
	int		 ls_family;	/* 0: both */
	char		 ls_ifname[16];	/* of the last line */
	int		 ls_last;	/* its family */
};

static const char *
version_name(const struct ifnet_mcast *mc)
{
	static const char *const igmp[] = { "igmpv3", "igmpv2", "igmpv1" };
	static const char *const mld[] = { "mldv2", "mldv1" };

	if (mc->family == AF_INET)
		return mc->version < 3 ? igmp[mc->version] : "unknown";
	return mc->version < 2 ? mld[mc->version] : "unknown";
}

static void
begin(struct listing *ls)
{

	if (ls->ls_begun || ls->ls_json == NULL)
		return;
	ls->ls_begun = true;
	json_begin(ls->ls_json, ls->ls_ctx, JSON_PRETTY);
	json_array(ls->ls_json, NULL);
}

static const char *
lladdr_of(const struct ifnet_mcast *mc, char buf[LLADDR_STRSIZE])
{
	static const unsigned char none[6];

	return memcmp(mc->lladdr, none, 6) == 0 ? NULL :
	    lladdr_text(mc->lladdr, 6, buf);
}

static void
list_json(struct json *j, const struct ifnet_mcast *mc, const char *group)
{
	char buf[LLADDR_STRSIZE];
	const char *lladdr = lladdr_of(mc, buf);

	json_object(j, NULL);
	json_text(j, "interface", mc->ifname);
	json_text(j, "family", mc->family == AF_INET ? "inet" : "inet6");
	json_text(j, "group", group);
	if (lladdr != NULL)
		json_text(j, "lladdr", lladdr);
	json_int(j, "joins", mc->joins);
	json_int(j, "own", mc->own);
	json_text(j, "version", version_name(mc));
	json_int(j, "robustness", mc->robustness);
	json_bool(j, "driver", mc->driver);
	json_bool(j, "allmulti", mc->allmulti);
	json_end(j);
}

static int
list_one(const struct ifnet_mcast *mc, void *arg)
{
	char group[INET6_ADDRSTRLEN] = "?", buf[LLADDR_STRSIZE];
	struct listing *ls = arg;
	const char *lladdr = lladdr_of(mc, buf);

	if (ls->ls_family != 0 && ls->ls_family != mc->family)
		return 0;
	(void)inet_ntop(mc->family, mc->addr, group, sizeof(group));
	begin(ls);
	if (ls->ls_json != NULL) {
		list_json(ls->ls_json, mc, group);
		return 0;
	}
	if (strcmp(ls->ls_ifname, mc->ifname) != 0) {
		cmd_row(ls->ls_ctx, "%s:", mc->ifname);
		memcpy(ls->ls_ifname, mc->ifname, sizeof(ls->ls_ifname));
		ls->ls_last = 0;
	}
	if (ls->ls_last != mc->family)
		cmd_row(ls->ls_ctx, "\t%s %s robustness %u%s",
		    mc->family == AF_INET ? "inet" : "inet6", version_name(mc),
		    mc->robustness, mc->allmulti ? " allmulti" : "");
	ls->ls_last = mc->family;
	cmd_row(ls->ls_ctx, "\t\tgroup %s refcount %u%s", group, mc->joins,
	    mc->joins == 0 ? " (being left)" : mc->own != 0 ? " own" : "");
	if (lladdr != NULL)
		cmd_row(ls->ls_ctx, "\t\t\tmcast-macaddr %s%s", lladdr,
		    mc->driver ? " driver" : "");
	return 0;
}

static int
stat_usage(struct cmd_ctx *ctx, const char *why)
{

	return cmd_usage_why(ctx, &command_ifmcstat, CMD_FAIL, "%s", why);
}

static int
stat_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct listing ls = { .ls_ctx = ctx };
	char why[IFNET_ERROR_TEXT + 8];
	const char *ifname = NULL;
	struct ifnet_error e;
	struct json j;
	int code = CMD_OK;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			ls.ls_json = &j;
		else if (strcmp(argv[i], "-i") == 0 && i + 1 < argc)
			ifname = argv[++i];
		else if (strcmp(argv[i], "-f") == 0 && i + 1 < argc &&
		    strcmp(argv[i + 1], "inet") == 0)
			ls.ls_family = AF_INET, i++;
		else if (strcmp(argv[i], "-f") == 0 && i + 1 < argc &&
		    strcmp(argv[i + 1], "inet6") == 0)
			ls.ls_family = AF_INET6, i++;
		else
			return stat_usage(ctx, "unknown option, or its value "
			    "is missing or none of inet, inet6");
	}
	if (ctx->cc_check)
		return CMD_OK;
	memset(&e, 0, sizeof(e));
	e.code = ifnet_mcast_list(ctx->cc_client, ifname, list_one, &ls, &e);
	if (e.code == 0)
		begin(&ls);
	if (ls.ls_begun)
		code = json_done(&j);
	if (e.code == 0)
		return code;
	return cmd_fail(ctx, &e, "ifmcstat%s%s: %s%s", ifname != NULL ? " " :
	    "", ifname != NULL ? ifname : "", cmd_strerror(e.code),
	    cmd_reason(&e, why, sizeof(why)));
}

const struct command command_ifmcstat = {
	.c_name = "ifmcstat",
	.c_synopsis = "[-i IF] [-f inet|inet6] [--json]",
	.c_summary = "show the multicast groups of interfaces",
	.c_example = "ifmcstat -i tap0",
	.c_words = stat_words,
	.c_when = CMD_NOT_CONFIG,
	.c_run = stat_run,
};
