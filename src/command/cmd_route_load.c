/*
 * route load FILE: many changes of routes, a line each, with few round trips.
 *
 * All lines are read and checked before the first change.  The changes are made
 * in pieces, each of which is made whole or not at all, so that a file of one
 * piece is; what a larger one has done before it is refused stays, and is said.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE	50000u		/* changes; the stack can undo so many */
#define NNAMES	64		/* interfaces that lines name */

struct change {
	struct route_words ch_words;	/* ifname: in ld_names */
	int		 ch_verb;
	unsigned	 ch_line;
};

struct load {
	struct cmd_ctx	*ld_ctx;
	const char	*ld_path;
	struct change	*ld_change;
	size_t		 ld_n, ld_room;
	char		 ld_names[NNAMES][IFNAMSIZ];
	unsigned	 ld_nnames;
	/* The interface looked up last. */
	const char	*ld_ifname;
	struct sockaddr_dl ld_sdl;
	uint64_t	 ld_handle;
};

static int
bad_line(struct load *ld, unsigned line, const char *why)
{

	cmd_err(ld->ld_ctx, "route load: %s:%u: %s", ld->ld_path, line, why);
	return CMD_FAIL;
}

/* Keep an interface's name, once however many lines have it. */
static const char *
keep_name(struct load *ld, const char *name)
{

	for (unsigned i = 0; i < ld->ld_nnames; i++)
		if (strcmp(ld->ld_names[i], name) == 0)
			return ld->ld_names[i];
	if (ld->ld_nnames == NNAMES)
		return NULL;
	(void)snprintf(ld->ld_names[ld->ld_nnames], IFNAMSIZ, "%s", name);
	return ld->ld_names[ld->ld_nnames++];
}

/* Room for one more; NULL: no memory. */
static struct change *
new_change(struct load *ld)
{
	size_t room = ld->ld_room == 0 ? 1024 : ld->ld_room * 2;
	struct change *more;

	if (ld->ld_n == ld->ld_room) {
		more = reallocarray(ld->ld_change, room, sizeof(*more));
		if (more == NULL)
			return NULL;
		ld->ld_change = more;
		ld->ld_room = room;
	}
	return &ld->ld_change[ld->ld_n++];
}

/* The verb of a line's words, which may be left out; argv[-1] is room for
 * it. */
static int
line_verb(int *argc, char ***argv)
{
	static char add[] = "add";
	const struct cmd_word *w;
	bool negated;

	if (*argc > 0 && strcmp((*argv)[0], "route") == 0) {
		++*argv;
		--*argc;
	}
	w = *argc > 0 ? cmd_word_find(route_options, (*argv)[0], &negated) :
	    NULL;
	if (w == NULL || (w->w_flags & CMD_W_VERB) == 0) {
		*--*argv = add;
		++*argc;
		return ROUTE_ADD;
	}
	return w->w_code;
}

/* Take the words of a line. */
static int
take_words(struct load *ld, unsigned line, int argc, char **argv)
{
	struct ifnet_error e;
	struct change *ch;
	int verb;

	verb = line_verb(&argc, &argv);
	if (verb != ROUTE_ADD && verb != ROUTE_CHANGE && verb != ROUTE_DELETE &&
	    verb != ROUTE_REPLACE)
		return bad_line(ld, line, "a line adds, changes, deletes or "
		    "replaces a route");
	ch = new_change(ld);
	if (ch == NULL)
		return bad_line(ld, line, "out of memory");
	ch->ch_verb = verb;
	ch->ch_line = line;
	if (route_parse(argc, argv, &ch->ch_words, &e) != 0)
		return bad_line(ld, line, e.text);
	if (ch->ch_words.ifname != NULL) {
		ch->ch_words.ifname = keep_name(ld, ch->ch_words.ifname);
		if (ch->ch_words.ifname == NULL)
			return bad_line(ld, line, "more interfaces are named "
			    "than one file can name (64)");
	}
	if (verb == ROUTE_REPLACE)
		ch->ch_words.given |= RTV_REPLACE;
	return CMD_OK;
}

static int
take_line(struct load *ld, unsigned line, const char *text)
{
	struct ifnet_error e;
	char **argv, **words;
	int argc, code;

	if (command_split(text, &argc, &argv, &e) != 0)
		return bad_line(ld, line, e.text);
	if (argc == 0) {
		free(argv);
		return CMD_OK;
	}
	/* With room in front. */
	words = calloc((size_t)argc + 2, sizeof(*words));
	if (words == NULL)
		code = bad_line(ld, line, "out of memory");
	else {
		memcpy(words + 1, argv, (size_t)argc * sizeof(*argv));
		code = take_words(ld, line, argc, words + 1);
	}
	free(words);
	free(argv);
	return code;
}

static int
take_file(struct load *ld, FILE *fp)
{
	unsigned line = 0;
	char *text = NULL;
	size_t room = 0;
	ssize_t len;
	int code = CMD_OK;

	errno = 0;
	while (code == CMD_OK && (len = getline(&text, &room, fp)) != -1) {
		line++;
		if (memchr(text, '\0', (size_t)len) != NULL)
			code = bad_line(ld, line, "the line has a zero byte");
		else
			code = take_line(ld, line, text);
		if (code == CMD_OK && cmd_interrupted(ld->ld_ctx))
			code = bad_line(ld, line, "interrupted; nothing is "
			    "changed");
	}
	free(text);
	if (code == CMD_OK && ferror(fp))
		return bad_line(ld, line + 1, strerror(errno));
	return code;
}

/* --- making the changes --------------------------------------------------- */

/* The interface of a change: looked up when the line before named another. */
static int
find_if(struct load *ld, struct change *ch, struct ifnet_error *e)
{
	struct route_words *w = &ch->ch_words;
	char ownname[IFNAMSIZ];
	int error;

	if (w->ifname != NULL && w->ifname == ld->ld_ifname &&
	    w->dst.ip_family == AF_INET)
		return 0;
	ld->ld_handle = 0;
	ld->ld_ifname = w->ifname;
	error = route_find_if(ld->ld_ctx, w, &ld->ld_sdl, &ld->ld_handle,
	    ownname, e);
	/* The name may have been found by an address. */
	w->ifname = ld->ld_ifname;
	if (error != 0)
		ld->ld_ifname = NULL;
	return error;
}

/* Gather the changes from the first on; the one that cannot be is *at. */
static int
gather(struct load *ld, size_t first, size_t n, struct ifnet_batch *b,
    size_t *at, struct ifnet_error *e)
{
	union { struct rt_msg m; char room[RT_MSG_MAX]; } msg;
	struct change *ch;
	int error = 0;

	for (*at = 0; *at < n; ++*at) {
		ch = &ld->ld_change[first + *at];
		error = find_if(ld, ch, e);
		if (error != 0)
			return error;
		route_build(route_type(ch->ch_verb), &ch->ch_words,
		    &ld->ld_sdl, ld->ld_handle, &msg);
		error = ifnet_batch_add_route(b, &msg, msg.m.rtm_h.rtm_len, e);
		if (error != 0)
			return error;
	}
	return ifnet_batch_add_commit(b, e);
}

static const char *
error_text(int error)
{

	return error == ESRCH ? "not in table" : cmd_strerror(error);
}

/* Say which line was refused, and what was done of the file. */
static int
refused(struct load *ld, size_t first, size_t at, const struct ifnet_error *e)
{
	char reason[IFNET_ERROR_TEXT + 8];
	struct ifnet_error unused;

	/* Without a connection the stack has undone it by itself. */
	(void)ifnet_rollback(ld->ld_ctx->cc_client, NULL, &unused);
	(void)cmd_reason(e, reason, sizeof(reason));
	if (at >= ld->ld_n - first)
		return cmd_fail(ld->ld_ctx, e, "route load: %s: %s%s",
		    ld->ld_path, error_text(e->code), reason);
	if (first == 0)
		return cmd_fail(ld->ld_ctx, e, "route load: %s:%u: %s%s; "
		    "nothing of the file is done", ld->ld_path,
		    ld->ld_change[first + at].ch_line, error_text(e->code),
		    reason);
	return cmd_fail(ld->ld_ctx, e, "route load: %s:%u: %s%s; the lines up "
	    "to %u are done, no other", ld->ld_path,
	    ld->ld_change[first + at].ch_line, error_text(e->code), reason,
	    ld->ld_change[first - 1].ch_line);
}

/* Make n changes, or none. */
static int
make_piece(struct load *ld, size_t first, size_t n)
{
	struct ifnet_batch *b;
	struct ifnet_error e;
	size_t at = 0;
	int error;

	memset(&e, 0, sizeof(e));
	error = ifnet_begin(ld->ld_ctx->cc_client, &e);
	if (error != 0)
		return cmd_fail(ld->ld_ctx, &e, "route load: %s", e.text);
	b = ifnet_batch_begin(ld->ld_ctx->cc_client, &e);
	if (b == NULL) {
		e.code = ENOMEM;
		return refused(ld, first, n, &e);
	}
	error = gather(ld, first, n, b, &at, &e);
	if (error != 0)
		ifnet_batch_cancel(b);
	else
		error = ifnet_batch_run(b, &at, &e);
	e.code = error;
	return error == 0 ? CMD_OK : refused(ld, first, at, &e);
}

static int
make_all(struct load *ld)
{
	struct cmd_progress progress;
	int code = CMD_OK;
	size_t n;

	cmd_progress_begin(&progress, ld->ld_ctx, "routes", ld->ld_n);
	for (size_t at = 0; code == CMD_OK && at < ld->ld_n; at += n) {
		n = ld->ld_n - at < PIECE ? ld->ld_n - at : PIECE;
		code = make_piece(ld, at, n);
		cmd_progress(&progress, at + n);
		if (code == CMD_OK && at + n < ld->ld_n &&
		    cmd_interrupted(ld->ld_ctx))
			code = bad_line(ld, ld->ld_change[at + n].ch_line,
			    "interrupted; the lines before this one are done");
	}
	cmd_progress_end(&progress);
	return code;
}

int
route_load(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct load *ld;
	FILE *fp;
	int code;

	if (argc != 2)
		return cmd_usage_why(ctx, &command_route, 1, "load: one FILE "
		    "is wanted (- is the standard input)");
	if (ctx->cc_config) {
		cmd_err(ctx, "route load: not in a configuration file");
		return CMD_FAIL;
	}
	if (ctx->cc_check)
		return CMD_OK;
	fp = strcmp(argv[1], "-") == 0 ? stdin : fopen(argv[1], "re");
	if (fp == NULL) {
		cmd_err(ctx, "route load: %s: %s", argv[1], strerror(errno));
		return CMD_FAIL;
	}
	ld = calloc(1, sizeof(*ld));
	if (ld == NULL) {
		cmd_err(ctx, "route load: out of memory");
		code = CMD_FAIL;
	} else {
		ld->ld_ctx = ctx;
		ld->ld_path = fp == stdin ? "-" : argv[1];
		code = take_file(ld, fp);
		if (code == CMD_OK)
			code = make_all(ld);
		if (code == CMD_OK)
			cmd_row(ctx, "%zu changes made", ld->ld_n);
		free(ld->ld_change);
		free(ld);
	}
	if (fp != stdin)
		(void)fclose(fp);
	return code;
}
