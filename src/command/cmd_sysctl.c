/*
 * sysctl: read, set and describe the settings of a stack.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NAMESIZE	128
#define VALUESIZE	4096

struct sysctl_how {
	bool	 all, bare, write, describe, quiet;
	struct json *json;	/* NULL: as lines */
};

/* --- values -------------------------------------------------------------- */

static const char *
value_text(const void *value, size_t len, int type, char *buf, size_t size)
{
	const uint8_t *p = value;
	int64_t i64;
	uint64_t u64;
	size_t i, used = 0;

	buf[0] = '\0';
	if (type == IFNET_SYSCTL_INT && len == sizeof(i64)) {
		memcpy(&i64, value, sizeof(i64));
		(void)snprintf(buf, size, "%" PRId64, i64);
	} else if (type == IFNET_SYSCTL_QUAD && len == sizeof(u64)) {
		memcpy(&u64, value, sizeof(u64));
		(void)snprintf(buf, size, "%" PRIu64, u64);
	} else if (type == IFNET_SYSCTL_STRING) {
		(void)snprintf(buf, size, "%.*s", (int)len,
		    (const char *)value);
	} else {
		for (i = 0; i < len && used + 4 < size; i++) {
			(void)snprintf(buf + used, size - used, "%s%02x",
			    i == 0 ? "" : ":", p[i]);
			used = strlen(buf);
		}
	}
	return buf;
}

/* Convert the new value to the setting's type; false: it is not of that
 * type. */
static bool
value_parse(const char *text, int type, void *value, size_t *len)
{
	bool neg = text[0] == '-';
	uint64_t v;
	int64_t i64;

	if (type == IFNET_SYSCTL_STRING) {
		*len = strlen(text) + 1;
		if (*len > VALUESIZE)
			return false;
		memcpy(value, text, *len);
		return true;
	}
	if (type == IFNET_SYSCTL_OPAQUE)
		return false;
	if (!cmd_parse_num(text + neg, type == IFNET_SYSCTL_QUAD ?
	    UINT64_MAX : INT64_MAX, &v) ||
	    (neg && type == IFNET_SYSCTL_QUAD))
		return false;
	i64 = neg ? -(int64_t)v : (int64_t)v;
	if (type == IFNET_SYSCTL_QUAD)
		memcpy(value, &v, sizeof(v));
	else
		memcpy(value, &i64, sizeof(i64));
	*len = 8;
	return true;
}

/* --- one name, and all below one ----------------------------------------- */

static int
read_value(struct cmd_ctx *ctx, const char *name, char *text, size_t size,
    int *type, int *writable, struct ifnet_error *e)
{
	char value[VALUESIZE];
	size_t len = sizeof(value);
	int error;

	memset(e, 0, sizeof(*e));
	error = ifnet_sysctl(ctx->cc_client, name, value, &len, NULL, 0, type,
	    writable, e);
	if (error == 0)
		(void)value_text(value, len, *type, text, size);
	return error;
}

/* Write a setting with its type, description and range. */
static int
json_one(struct cmd_ctx *ctx, struct json *j, const char *name,
    struct ifnet_error *e)
{
	char value[VALUESIZE], text[VALUESIZE], descr[256] = "";
	size_t len = sizeof(value);
	int error, type, writable;
	int64_t i64;
	uint64_t u64;

	memset(e, 0, sizeof(*e));
	error = ifnet_sysctl(ctx->cc_client, name, value, &len, NULL, 0,
	    &type, &writable, e);
	if (error != 0)
		return error;
	(void)ifnet_sysctl_descr(ctx->cc_client, name, descr, sizeof(descr),
	    NULL);
	(void)value_text(value, len, type, text, sizeof(text));
	json_object(j, NULL);
	json_text(j, "name", name);
	if (type == IFNET_SYSCTL_INT && len == sizeof(i64)) {
		memcpy(&i64, value, sizeof(i64));
		json_int(j, "value", i64);
		json_text(j, "value_str", text);
	} else if (type == IFNET_SYSCTL_QUAD && len == sizeof(u64)) {
		memcpy(&u64, value, sizeof(u64));
		json_u64(j, "value", u64);
	} else {
		json_text(j, "value", text);
		json_text(j, "value_str", text);
	}
	json_bool(j, "writable", writable != 0);
	if (descr[0] != '\0')
		json_text(j, "description", descr);
	json_end(j);
	return 0;
}

static int
show_one(struct cmd_ctx *ctx, const struct sysctl_how *how, const char *name,
    struct ifnet_error *e)
{
	char text[VALUESIZE];
	int error, type, writable;

	if (how->json != NULL)
		return json_one(ctx, how->json, name, e);
	memset(e, 0, sizeof(*e));
	if (how->describe) {
		error = ifnet_sysctl_descr(ctx->cc_client, name, text,
		    sizeof(text), e);
		if (error == 0)
			cmd_row(ctx, "%s: %s", name,
			    text[0] != '\0' ? text : "(no description)");
		return error;
	}
	error = read_value(ctx, name, text, sizeof(text), &type, &writable,
	    e);
	if (error != 0)
		return error;
	if (how->bare)
		cmd_row(ctx, "%s", text);
	else
		cmd_row(ctx, "%s = %s", name, text);
	return 0;
}

/*
 * The names of an interface wan.0 can come after those of wan, and are not
 * below it: is this such a name?  `first' is the first one below the prefix.
 */
static bool
is_other_interface(const char *prefix, const char *first, const char *name)
{
	const char *leaf = first + strlen(prefix);	/* ".sndq.len" */
	size_t len = strlen(name), n = strlen(leaf);

	return strncmp(prefix, "net.interfaces.", 15) == 0 &&
	    strcmp(first, name) != 0 && len > n &&
	    strcmp(name + len - n, leaf) == 0;
}

/*
 * Show all names that are `prefix' or below it ("": all).  *found is their
 * number.
 */
static int
show_tree(struct cmd_ctx *ctx, const struct sysctl_how *how,
    const char *prefix, unsigned *found, struct ifnet_error *e)
{
	char name[NAMESIZE], next[NAMESIZE], first[NAMESIZE] = "";
	size_t plen = strlen(prefix);
	int error;

	*found = 0;
	(void)snprintf(name, sizeof(name), "%s", prefix);
	while (!cmd_interrupted(ctx)) {
		memset(e, 0, sizeof(*e));
		error = ifnet_sysctl_next(ctx->cc_client, name, next,
		    sizeof(next), e);
		if (error == ENOENT)
			return 0;
		if (error != 0)
			return error;
		memcpy(name, next, sizeof(name));
		/* Names are grouped: the names below a prefix come directly
		 * after it. */
		if (plen != 0 && (strncmp(name, prefix, plen) != 0 ||
		    name[plen] != '.'))
			return 0;
		if (first[0] == '\0')
			memcpy(first, name, sizeof(first));
		else if (is_other_interface(prefix, first, name))
			return 0;
		/* The setting of an interface may have gone since. */
		error = show_one(ctx, how, name, e);
		if (error != 0 && error != ENOENT)
			return error;
		++*found;
	}
	return 0;
}

/* Is it a subtree?  There may be no name in it just now (net.sdl). */
static bool
is_subtree(struct cmd_ctx *ctx, const char *prefix)
{
	char next[NAMESIZE], descr[256];
	size_t len = strlen(prefix);

	if (ifnet_sysctl_next(ctx->cc_client, prefix, next, sizeof(next),
	    NULL) == 0 && strncmp(next, prefix, len) == 0 && next[len] == '.')
		return true;
	return ifnet_sysctl_descr(ctx->cc_client, prefix, descr,
	    sizeof(descr), NULL) == 0;
}

static int
unknown(struct cmd_ctx *ctx, const char *name, struct ifnet_error *e)
{
	static const char *const levels[] = { "top", "second", "third",
	    "fourth", "fifth", "sixth" };
	char prefix[NAMESIZE];
	const char *p = name, *dot;
	unsigned level = 0;
	size_t len;

	e->code = ENOENT;
	/* Find the first level at which no name has this prefix. */
	for (;; level++) {
		dot = strchrnul(p, '.');
		len = (size_t)(dot - name);
		if (len >= sizeof(prefix) || *dot == '\0')
			break;
		(void)snprintf(prefix, sizeof(prefix), "%.*s", (int)len,
		    name);
		if (!is_subtree(ctx, prefix))
			break;
		p = dot + 1;
	}
	if (level >= sizeof(levels) / sizeof(levels[0]))
		level = sizeof(levels) / sizeof(levels[0]) - 1;
	return cmd_fail(ctx, e, "sysctl: %s level name '%.*s' in '%s' is "
	    "invalid (sysctl -a lists all names)", levels[level],
	    (int)(strchrnul(p, '.') - p), p, name);
}

static int
show(struct cmd_ctx *ctx, const struct sysctl_how *how, const char *name)
{
	struct ifnet_error e;
	unsigned found;
	int error;

	error = show_one(ctx, how, name, &e);
	/* The description of a prefix comes before the names below it. */
	if (error == 0 && how->describe) {
		if (show_tree(ctx, how, name, &found, &e) != 0)
			return cmd_fail(ctx, &e, "sysctl: %s: %s", name,
			    e.text);
		return CMD_OK;
	}
	if (error == 0)
		return CMD_OK;
	if (error == ENOENT) {
		error = show_tree(ctx, how, name, &found, &e);
		if (error == 0 && (found != 0 || is_subtree(ctx, name)))
			return CMD_OK;
		if (error == 0)
			return how->quiet ? CMD_FAIL :
			    unknown(ctx, name, &e);
	}
	return cmd_fail(ctx, &e, "sysctl: %s: %s", name, e.text[0] != '\0' ?
	    e.text : cmd_strerror(error));
}

/* --- setting ------------------------------------------------------------- */

static int
set(struct cmd_ctx *ctx, const struct sysctl_how *how, const char *name,
    const char *text)
{
	char old[VALUESIZE], now[VALUESIZE], value[VALUESIZE];
	char why[IFNET_ERROR_TEXT + 8];
	struct ifnet_error e;
	size_t len;
	int error, type, writable;

	error = read_value(ctx, name, old, sizeof(old), &type, &writable, &e);
	if (error == ENOENT)
		return unknown(ctx, name, &e);
	if (error != 0)
		return cmd_fail(ctx, &e, "sysctl: %s: %s", name, e.text);
	if (!value_parse(text, type, value, &len)) {
		e.code = EINVAL;
		return cmd_fail(ctx, &e, "sysctl: %s: \"%s\": bad value (%s)",
		    name, text, type == IFNET_SYSCTL_OPAQUE ?
		    "it cannot be set as text" : "a decimal number");
	}
	error = ifnet_sysctl(ctx->cc_client, name, NULL, NULL, value, len,
	    NULL, NULL, &e);
	if (error != 0) {
		(void)cmd_reason(&e, why, sizeof(why));
		return cmd_fail(ctx, &e, "sysctl: %s = %s: %s%s", name, text,
		    cmd_strerror(error == EACCES ? EPERM : error), why);
	}
	/* Successful lines of a configuration file print nothing. */
	if (how->quiet || ctx->cc_config)
		return CMD_OK;
	if (read_value(ctx, name, now, sizeof(now), &type, &writable,
	    &e) != 0)
		(void)snprintf(now, sizeof(now), "%s", text);
	if (how->bare)
		cmd_row(ctx, "%s", now);
	else
		cmd_row(ctx, "%s: %s -> %s", name, old, now);
	return CMD_OK;
}

/* --- the command --------------------------------------------------------- */

static int
operand(struct cmd_ctx *ctx, const struct sysctl_how *how, char *word)
{
	char name[NAMESIZE];
	const char *eq = strchr(word, '=');
	size_t len = eq != NULL ? (size_t)(eq - word) : strlen(word);

	if (len == 0) {
		cmd_err(ctx, "sysctl: \"%.40s\": not a name", word);
		return 1;
	}
	if (len >= sizeof(name)) {
		cmd_err(ctx, "sysctl: name \"%.60s\" is too long (at most %zu "
		    "characters)", word, sizeof(name) - 1);
		return 1;
	}
	memcpy(name, word, len);
	name[len] = '\0';
	if (eq == NULL && how->write) {
		cmd_err(ctx, "sysctl: %s: -w needs NAME=VALUE", word);
		return 1;
	}
	if (eq != NULL && (how->describe || how->all)) {
		cmd_err(ctx, "sysctl: %s: cannot be set with -%c", word,
		    how->all ? 'a' : 'd');
		return 1;
	}
	if (eq != NULL && how->json != NULL) {
		cmd_err(ctx, "sysctl: %s: --json shows, and sets nothing",
		    word);
		return 1;
	}
	if (eq == NULL && ctx->cc_config) {
		cmd_err(ctx, "sysctl %s: a value is missing (NAME=VALUE)",
		    word);
		return 1;
	}
	if (ctx->cc_check)
		return CMD_OK;
	return eq != NULL ? set(ctx, how, name, eq + 1) :
	    show(ctx, how, name);
}

static int
sysctl_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct sysctl_how how;
	struct ifnet_error e;
	struct cmd_opts o;
	bool check = ctx->cc_check, json = false;
	struct json j;
	unsigned found;
	int c, code = CMD_OK, i;

	memset(&how, 0, sizeof(how));
	cmd_opts_init(&o, ctx, &command_sysctl, argc, argv);
	while ((c = cmd_getopt(&o)) != -1) {
		how.all = how.all || c == 'a';
		how.bare = how.bare || c == 'n';
		how.describe = how.describe || c == 'd';
		how.write = how.write || c == 'w';
		how.quiet = how.quiet || c == 'q';
		json = json || c == CMD_OPT_JSON;
		if (c == '?')
			return cmd_usage(ctx, &command_sysctl, 1);
	}
	if (how.all && (how.write || o.o_next != argc))
		return cmd_usage_why(ctx, &command_sysctl, 1,
		    "-a shows all: neither -w nor a name goes with it");
	if (how.all ? ctx->cc_config : o.o_next == argc)
		return cmd_usage_why(ctx, &command_sysctl, 1, how.all ?
		    "-a: not in a configuration file" :
		    "a name is missing (-a shows all)");
	if (json && (how.describe || how.bare || how.write))
		return cmd_usage_why(ctx, &command_sysctl, 1,
		    "--json goes not with -d, -n or -w");
	/* All words are parsed first. */
	how.json = json ? &j : NULL;
	ctx->cc_check = true;
	for (i = o.o_next; i < argc && code == CMD_OK; i++)
		code = operand(ctx, &how, argv[i]);
	ctx->cc_check = check;
	if (code != CMD_OK || check)
		return code;
	if (json) {
		json_begin(&j, ctx, JSON_PRETTY);
		json_array(&j, NULL);
	}
	if (how.all && show_tree(ctx, &how, "", &found, &e) != 0)
		code = cmd_fail(ctx, &e, "sysctl: %s", e.text);
	for (i = o.o_next; i < argc; i++)
		if (operand(ctx, &how, argv[i]) != CMD_OK)
			code = CMD_FAIL;
	if (json && json_done(&j) != CMD_OK)
		code = CMD_FAIL;
	return code;
}

static void
sysctl_complete(struct cmd_ctx *ctx, int argc, char **argv, cmd_add_fn *add,
    void *arg)
{
	char name[NAMESIZE] = "", next[NAMESIZE];
	unsigned n;

	command_complete_words(ctx, &command_sysctl, argc, argv, add, arg);
	if (ctx->cc_client == NULL)
		return;
	/* A stack with very many interfaces has very many names. */
	for (n = 0; n < 5000; n++) {
		if (ifnet_sysctl_next(ctx->cc_client, name, next,
		    sizeof(next), NULL) != 0)
			return;
		memcpy(name, next, sizeof(name));
		add(arg, name);
	}
}

static const struct cmd_word sysctl_words[] = {
	{ "-a", NULL, "all settings" },
	{ "-d", NULL, "describe" },
	{ "-n", NULL, "without the name" },
	{ "-q", NULL, "say nothing of what is not there, or was changed" },
	{ "-w", NULL, "set; NAME=VALUE is enough", CMD_W_ADMIN },
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_sysctl = {
	.c_name = "sysctl",
	.c_synopsis = "[-dn] [--json] NAME ...\n[-nq] [-w] NAME=VALUE ...\n"
	    "[-dn] [--json] -a",
	.c_summary = "read and change settings",
	.c_example = "sysctl net.inet.ip.forwarding=1",
	.c_words = sysctl_words,
	.c_run = sysctl_run,
	.c_complete = sysctl_complete,
};
