/*
 * The interactive shell: a prompt, history and completion (with libedit;
 * without it a plain prompt).
 */

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_LIBEDIT
#include <editline/readline.h>
#endif

#include "ifctl.h"

#ifdef HAVE_LIBEDIT

#define HISTORY_MAX	1000

/* A global variable, as the line editor passes no argument on. */
static struct cmd_ctx *shell_ctx;

struct words {
	char	**list;
	size_t	 n, room;
};

static void
words_add(void *arg, const char *word)
{
	struct words *w = arg;
	char **more;

	if (w->n + 2 > w->room) {
		w->room = w->room == 0 ? 32 : w->room * 2;
		more = realloc(w->list, w->room * sizeof(*more));
		if (more == NULL)
			return;
		w->list = more;
	}
	w->list[w->n] = strdup(word);
	if (w->list[w->n] != NULL)
		w->n++;
}

/* Split the line before the cursor into words; the word at the cursor is the
 * last, and may be "". */
static void
candidates(const char *text, int start, struct words *w)
{
	char *line, **argv, **args;
	int argc;

	line = strndup(rl_line_buffer, (size_t)start);
	if (line == NULL)
		return;
	if (command_split(line, &argc, &argv, NULL) == 0) {
		args = calloc((size_t)argc + 2, sizeof(*args));
		if (args != NULL) {
			memcpy(args, argv, (size_t)argc * sizeof(*args));
			args[argc] = (char *)(uintptr_t)text;
			complete(shell_ctx, argc + 1, args, words_add, w);
			free(args);
		}
		free(argv);
	}
	free(line);
}

static char *
nothing(const char *text, int state)
{

	(void)text;
	(void)state;
	return NULL;
}

/* The candidates in readline's form: [0] is their common beginning, then all of
 * them follow. */
static char **
shell_complete(const char *text, int start, int end)
{
	struct words w;
	size_t i, common, k;
	char **result;

	(void)end;
	/* File names are never candidates. */
	rl_attempted_completion_over = 1;
	memset(&w, 0, sizeof(w));
	candidates(text, start, &w);
	if (w.n == 0) {
		free(w.list);
		return NULL;
	}
	result = calloc(w.n + 2, sizeof(*result));
	if (result == NULL)
		goto out;
	common = strlen(w.list[0]);
	for (i = 1; i < w.n; i++) {
		for (k = 0; k < common && w.list[i][k] == w.list[0][k]; k++)
			continue;
		common = k;
	}
	result[0] = strndup(w.list[0], common);
	if (result[0] == NULL) {
		free(result);
		result = NULL;
		goto out;
	}
	for (i = 0; i < w.n; i++) {
		result[i + 1] = w.list[i];
		w.list[i] = NULL;
	}
out:
	for (i = 0; i < w.n; i++)
		free(w.list[i]);
	free(w.list);
	return result;
}

static const char *
history_path(char *buf, size_t size)
{
	const char *home = getenv("HOME");

	if (home == NULL || home[0] == '\0')
		return NULL;
	(void)snprintf(buf, size, "%s/.ifctl_history", home);
	return buf;
}

static void
editor_start(struct cmd_ctx *ctx)
{
	char path[512];

	shell_ctx = ctx;
	rl_readline_name = "ifctl";
	rl_attempted_completion_function = shell_complete;
	rl_completion_entry_function = nothing;
	(void)rl_initialize();
	using_history();
	stifle_history(HISTORY_MAX);
	if (history_path(path, sizeof(path)) != NULL)
		(void)read_history(path);
}

static void
editor_stop(void)
{
	char path[512];

	if (history_path(path, sizeof(path)) != NULL)
		(void)write_history(path);
}

static char *
editor_line(const char *prompt)
{
	char *line = readline(prompt);

	if (line != NULL && line[strspn(line, " \t")] != '\0')
		(void)add_history(line);
	return line;
}

#else /* !HAVE_LIBEDIT */

static void
editor_start(struct cmd_ctx *ctx)
{

	(void)ctx;
}

static void
editor_stop(void)
{
}

static char *
editor_line(const char *prompt)
{
	char *line = NULL;
	size_t size = 0;

	(void)fputs(prompt, stdout);
	(void)fflush(stdout);
	if (getline(&line, &size, stdin) >= 0)
		return line;
	free(line);
	return NULL;
}

#endif

static int
run_line(struct cmd_ctx *ctx, const char *line, bool *quit)
{
	struct ifnet_error e;
	char **argv;
	int argc, code = CMD_OK;

	if (command_split(line, &argc, &argv, &e) != 0) {
		command_complain(ctx, e.text);
		return CMD_USAGE;
	}
	/* A leading "ifctl", as in examples of the manual page, is skipped. */
	if (argc > 0 && strcmp(argv[0], "ifctl") == 0) {
		argc--;
		memmove(argv, argv + 1, ((size_t)argc + 1) * sizeof(*argv));
	}
	if (argc == 1 && (strcmp(argv[0], "exit") == 0 ||
	    strcmp(argv[0], "quit") == 0)) {
		*quit = true;
	} else if (argc > 0) {
		interrupt_arm();
		ctx->cc_errno = 0;
		code = command_run(ctx, argc, argv);
	}
	free(argv);
	(void)fflush(ctx->cc_out);
	return code;
}

/* The daemon has ended: connect again, as a new one may have been started. */
static void
reconnect(struct cmd_ctx *ctx, const char *url)
{
	struct ifnet_client *c;

	if (ctx->cc_errno != EPIPE && ctx->cc_errno != ECONNRESET &&
	    ctx->cc_errno != ENOTCONN)
		return;
	c = ifnet_connect(url, NULL);
	if (c == NULL)
		return;
	ifnet_close(ctx->cc_client);
	ctx->cc_client = c;
	(void)fprintf(ctx->cc_err, "ifctl: connected again\n");
}

int
shell(struct cmd_ctx *ctx, const char *url)
{
	char prompt[64];
	bool quit = false;
	int code = CMD_OK;
	char *line;

	/* The line editor needs the locale, to count characters and not
	 * bytes. */
	(void)setlocale(LC_CTYPE, "");
	(void)snprintf(prompt, sizeof(prompt), "ifctl%s%.40s> ",
	    ctx->cc_vnet != NULL && ctx->cc_vnet[0] != '\0' ? " " : "",
	    ctx->cc_vnet != NULL ? ctx->cc_vnet : "");
	(void)fprintf(ctx->cc_out, "\"help\" lists the commands, \"exit\" or "
	    "^D leaves.\n");
	editor_start(ctx);
	while (!quit) {
		interrupt_arm();
		line = editor_line(prompt);
		if (line == NULL && *ctx->cc_interrupted) {
			/* ^C discards the line and does not end the shell. */
			(void)fputc('\n', ctx->cc_out);
			continue;
		}
		if (line == NULL)
			break;
		code = run_line(ctx, line, &quit);
		free(line);
		reconnect(ctx, url);
	}
	editor_stop();
	if (!quit)
		(void)fputc('\n', ctx->cc_out);
	return code;
}

int
batch(struct cmd_ctx *ctx)
{
	struct cmd_progress progress;
	bool quit = false;
	char *line = NULL;
	size_t size = 0, number = 0;
	int code = CMD_OK, error;

	/* The input's lines may have been applied before. */
	ctx->cc_again = true;
	error = command_words_begin(ctx, stdin);
	if (error != 0) {
		(void)fprintf(ctx->cc_err, "ifctl: standard input: %s\n",
		    strerror(error));
		command_words_end(ctx);
		return CMD_FAIL;
	}
	cmd_progress_begin(&progress, ctx, "lines", 0);
	while (!quit && code == CMD_OK && getline(&line, &size, stdin) >= 0) {
		number++;
		if (number == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
			memmove(line, line + 3, strlen(line + 3) + 1);
		command_words_line(ctx);
		code = run_line(ctx, line, &quit);
		cmd_progress(&progress, number);
	}
	cmd_progress_end(&progress);
	/* The message names the line, as the same words may be in several. */
	if (code != CMD_OK)
		(void)fprintf(ctx->cc_err, "ifctl: stopped at line %zu\n",
		    number);
	free(line);
	command_words_end(ctx);
	return number > 0 ? code : -1;
}
