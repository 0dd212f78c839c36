/*
 * vnet: the network stacks inside a daemon.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct list {
	struct cmd_vnet	*v;
	size_t		 n, room;
};

static int
collect(const char *name, unsigned interfaces, void *arg)
{
	struct list *l = arg;
	struct cmd_vnet *more;

	if (l->n == l->room) {
		l->room = l->room == 0 ? 16 : l->room * 2;
		more = realloc(l->v, l->room * sizeof(*more));
		if (more == NULL)
			return ENOMEM;
		l->v = more;
	}
	(void)snprintf(l->v[l->n].cv_name, sizeof(l->v[l->n].cv_name), "%s",
	    name);
	l->v[l->n++].cv_interfaces = interfaces;
	return 0;
}

static int
list(struct cmd_ctx *ctx, bool json)
{
	struct ifnet_error e;
	struct list l;
	size_t i;
	int code = CMD_OK;

	if (cmd_check_vnet(ctx) != CMD_OK)
		return CMD_FAIL;
	memset(&l, 0, sizeof(l));
	memset(&e, 0, sizeof(e));
	if (ifnet_vnet_list(ctx->cc_client, collect, &l, &e) != 0)
		code = cmd_fail(ctx, &e, "vnet list: %s", e.text);
	else if (json)
		code = cmd_json_vnets(ctx, l.v, l.n);
	else
		for (i = 0; i < l.n; i++)
			(void)fprintf(ctx->cc_out, "%-16s %u interface%s\n",
			    l.v[i].cv_name, l.v[i].cv_interfaces,
			    l.v[i].cv_interfaces == 1 ? "" : "s");
	free(l.v);
	return code;
}

static bool
name_ok(struct cmd_ctx *ctx, const char *name)
{
	const char *p;

	if (name[0] == '\0' || strlen(name) > 31) {
		cmd_err(ctx, "vnet: \"%.40s\": the name of a vnet has 1 to 31 "
		    "characters", name);
		return false;
	}
	p = name + strspn(name, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	if (*p == '\0' && name[0] != '-')
		return true;
	cmd_err(ctx, "vnet: \"%s\": the name of a vnet is of letters, digits, "
	    "\"-\", \"_\" and \".\", and does not begin with \"-\"", name);
	return false;
}

static int
change(struct cmd_ctx *ctx, const char *verb, const char *name)
{
	char why[IFNET_ERROR_TEXT + 8];
	struct ifnet_error e;
	int error;

	/* A shell whose vnet was destroyed can create it again. */
	if ((strcmp(verb, "create") != 0 || ctx->cc_vnet == NULL ||
	    strcmp(ctx->cc_vnet, name) != 0) &&
	    cmd_check_vnet(ctx) != CMD_OK)
		return CMD_FAIL;
	memset(&e, 0, sizeof(e));
	if (strcmp(verb, "create") == 0)
		error = ifnet_vnet_create(ctx->cc_client, name, &e);
	else
		error = ifnet_vnet_destroy(ctx->cc_client, name, &e);
	if (error == 0 || (error == EEXIST && ctx->cc_again))
		return CMD_OK;
	return cmd_fail(ctx, &e, "vnet %s %s: %s%s", verb, name,
	    cmd_strerror(error), cmd_reason(&e, why, sizeof(why)));
}

enum { V_CREATE, V_DESTROY, V_LIST };

static const struct cmd_word vnet_words[] = {
	{ "create", NULL, "make one of this name",
	    CMD_W_VERB | CMD_W_ADMIN | CMD_W_CONFIG, NULL, V_CREATE },
	{ "destroy", "VNET", "destroy it, and all that is in it",
	    CMD_W_VERB | CMD_W_ADMIN | CMD_W_CONFIG, NULL, V_DESTROY },
	{ "list", NULL, "list them", CMD_W_VERB, NULL, V_LIST },
	{ "--json", NULL, "write JSON, for programs", 0, "list",
	    CMD_OPT_JSON },
	CMD_WORD_END
};

static int
list_words(struct cmd_ctx *ctx, int argc, char **argv)
{
	bool json = argc == 3 && strcmp(argv[2], "--json") == 0;

	if (argc != 2 && !json)
		return cmd_usage_why(ctx, &command_vnet, CMD_USAGE,
		    "list: %s is one word too many", argv[2]);
	if (ctx->cc_config) {
		cmd_err(ctx, "vnet list: not in a configuration file");
		return CMD_USAGE;
	}
	return ctx->cc_check ? CMD_OK : list(ctx, json);
}

static int
vnet_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	const struct cmd_word *verb;

	if (argc < 2)
		return cmd_usage_why(ctx, &command_vnet, CMD_USAGE,
		    "create, destroy or list was expected");
	verb = cmd_verb(ctx, &command_vnet, argv[1]);
	if (verb == NULL)
		return cmd_usage(ctx, &command_vnet, CMD_USAGE);
	if (verb->w_code == V_LIST)
		return list_words(ctx, argc, argv);
	if (argc != 3)
		return cmd_usage_why(ctx, &command_vnet, CMD_USAGE,
		    "%s: the name of one vnet is wanted", argv[1]);
	if (!name_ok(ctx, argv[2]))
		return CMD_USAGE;
	return ctx->cc_check ? CMD_OK : change(ctx, argv[1], argv[2]);
}

const struct command command_vnet = {
	.c_name = "vnet",
	.c_synopsis = "create NAME\ndestroy NAME\nlist [--json]",
	.c_summary = "create, destroy and list network stacks",
	.c_example = "vnet create blue",
	.c_words = vnet_words,
	.c_run = vnet_run,
};
