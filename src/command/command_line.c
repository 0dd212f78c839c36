/*
 * Lines: splitting them into words, running a line, and running a file of
 * lines.
 */

#include "command/command_impl.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool
is_blank(char c)
{

	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Copy one word from *lp to *outp, which has room for the rest of the line.
 * false: a quote is not closed.
 */
static bool
split_word(const char **lp, char **outp)
{
	const char *l = *lp;
	char *out = *outp;
	char quote = '\0';

	for (; *l != '\0'; l++) {
		if (quote == '\0' && is_blank(*l))
			break;
		if (quote != '\0' && *l == quote) {
			quote = '\0';
		} else if (quote == '\0' && (*l == '\'' || *l == '"')) {
			quote = *l;
		} else if (*l == '\\' && quote != '\'') {
			if (l[1] == '\0')
				return false;
			*out++ = *++l;
		} else {
			*out++ = *l;
		}
	}
	*out++ = '\0';
	*lp = l;
	*outp = out;
	return quote == '\0';
}

int
command_split(const char *line, int *argcp, char ***argvp,
    struct ifnet_error *e)
{
	size_t len = strlen(line), maxwords = len / 2 + 1;
	const char *l = line;
	char **argv, *out;
	int argc = 0;

	*argcp = 0;
	*argvp = NULL;
	argv = malloc((maxwords + 1) * sizeof(*argv) + len + maxwords + 1);
	if (argv == NULL)
		return ifnet_error_set(e, ENOMEM, "out of memory");
	out = (char *)(argv + maxwords + 1);
	for (;;) {
		while (is_blank(*l))
			l++;
		if (*l == '\0' || *l == '#')
			break;
		argv[argc++] = out;
		if (!split_word(&l, &out)) {
			free(argv);
			return ifnet_error_set(e, EINVAL,
			    "a quote is not closed");
		}
	}
	argv[argc] = NULL;
	*argcp = argc;
	*argvp = argv;
	return 0;
}

/* Join the messages of a command in one line, without the program's name in
 * front, with "; " between. */
static void
flatten(char *text, const char *program)
{
	char *p, *nl;
	size_t len = strlen(program);

	if (strncmp(text, program, len) == 0 &&
	    strncmp(text + len, ": ", 2) == 0)
		memmove(text, text + len + 2, strlen(text + len + 2) + 1);
	len = strlen(text);
	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	for (p = text; (nl = strchr(p, '\n')) != NULL; p = nl + 1)
		*nl = ';';
}

/* EINVAL for usage, the errno of a request that was refused, else EIO. */
static int
run_words(struct cmd_ctx *ctx, int argc, char **argv, struct ifnet_error *e)
{
	struct cmd_ctx inner = *ctx;
	char *text = NULL;
	size_t size = 0;
	int code, error;

	inner.cc_errno = 0;
	inner.cc_err = open_memstream(&text, &size);
	if (inner.cc_err == NULL)
		return ifnet_error_set(e, ENOMEM, "out of memory");
	code = command_run(&inner, argc, argv);
	(void)fclose(inner.cc_err);
	if (code == CMD_OK) {
		free(text);
		return 0;
	}
	if (text != NULL)
		flatten(text, cmd_program(ctx));
	if (inner.cc_check || code == CMD_USAGE)
		error = EINVAL;
	else
		error = inner.cc_errno != 0 ? inner.cc_errno : EIO;
	(void)ifnet_error_set(e, error, "%s",
	    text == NULL || text[0] == '\0' ? "failed" : text);
	free(text);
	return error;
}

int
command_line(struct cmd_ctx *ctx, const char *line, struct ifnet_error *e)
{
	struct cmd_ctx check = *ctx;
	char **argv;
	int argc, error;

	error = command_split(line, &argc, &argv, e);
	if (error != 0)
		return error;
	/* Parsing first tells a wrong line from a refused one. */
	check.cc_check = true;
	check.cc_client = NULL;
	error = run_words(&check, argc, argv, e);
	if (error == 0 && !ctx->cc_check)
		error = run_words(ctx, argc, argv, e);
	free(argv);
	return error;
}

struct line {
	char	*l_text;
	unsigned l_number;
};

/* Read all lines of the file, *np of them, to be freed with lines_free(). */
static int
lines_read(FILE *fp, const char *path, struct line **linesp, size_t *np,
    struct ifnet_error *e)
{
	struct line *lines = NULL, *more;
	size_t n = 0, room = 0, size = 0;
	unsigned number = 0;
	char *buf = NULL;
	ssize_t len;
	int error = 0;

	*np = 0;
	while ((len = getline(&buf, &size, fp)) >= 0) {
		number++;
		/* Skip the byte order mark that some editors put in front of
		 * UTF-8. */
		if (number == 1 && strncmp(buf, "\xef\xbb\xbf", 3) == 0) {
			len -= 3;
			memmove(buf, buf + 3, (size_t)len + 1);
		}
		if (memchr(buf, '\0', (size_t)len) != NULL) {
			error = ifnet_error_set(e, EINVAL,
			    "%s:%u: not a text file", path, number);
			break;
		}
		if (n == room) {
			room = room == 0 ? 32 : room * 2;
			more = realloc(lines, room * sizeof(*lines));
			if (more == NULL) {
				error = ifnet_error_set(e, ENOMEM,
				    "%s: out of memory", path);
				break;
			}
			lines = more;
		}
		lines[n].l_text = buf;
		lines[n++].l_number = number;
		buf = NULL;
		size = 0;
	}
	if (error == 0 && ferror(fp))
		error = ifnet_error_set(e, EIO, "%s: cannot be read%s", path,
		    errno == EISDIR ? ": it is a directory" : "");
	free(buf);
	*linesp = lines;
	*np = n;
	return error;
}

static void
lines_free(struct line *lines, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(lines[i].l_text);
	free(lines);
}

/* In the first walk the lines are read, in the second they run. */
static int
note_line(struct cmd_ctx *ctx, int argc, char **argv, struct ifnet_error *e)
{

	if (!ctx->cc_check)
		cmd_again_line(ctx->cc_applied);
	else if (cmd_again_read(ctx->cc_applied, ctx->cc_vnet, argc, argv) !=
	    0)
		return ifnet_error_set(e, ENOMEM, "out of memory");
	return 0;
}

/* Split and run one line; returns the errno, with "FILE:LINE: reason" in *e. */
static int
run_line(struct cmd_ctx *ctx, const char *path, const struct line *l,
    struct ifnet_error *e)
{
	struct ifnet_error why;
	char **argv;
	int argc, error;

	error = command_split(l->l_text, &argc, &argv, &why);
	if (error == 0) {
		error = note_line(ctx, argc, argv, &why);
		if (error == 0)
			error = run_words(ctx, argc, argv, &why);
		free(argv);
	}
	return error == 0 ? 0 : ifnet_error_set(e, error, "%s:%u: %s", path,
	    l->l_number, why.text);
}

/* Are all lines well formed?  Every line that is not is reported. */
static int
check_lines(struct cmd_ctx *ctx, const char *path, const struct line *lines,
    size_t n, struct ifnet_error *first)
{
	struct cmd_ctx inner = *ctx;
	struct ifnet_error e;
	char more[128] = "";
	size_t used = 0, bad = 0;

	inner.cc_check = true;
	inner.cc_client = NULL;
	for (size_t i = 0; i < n; i++) {
		if (run_line(&inner, path, &lines[i], bad == 0 ? first : &e)
		    == 0 || bad++ == 0)
			continue;
		command_complain(ctx, e.text);
		if (used + 16 < sizeof(more))
			used += (size_t)snprintf(more + used,
			    sizeof(more) - used, "%s%u", used == 0 ? "" : ", ",
			    lines[i].l_number);
	}
	if (bad == 0)
		return 0;
	if (bad > 1) {
		e = *first;
		(void)ifnet_error_set(first, e.code, "%.380s (and %zu more: "
		    "line%s %s)", e.text, bad - 1, bad == 2 ? "" : "s", more);
	}
	return first->code;
}

int
command_words_begin(struct cmd_ctx *ctx, FILE *fp)
{
	struct ifnet_error e;
	struct stat st;
	off_t start;
	char **argv, *line = NULL;
	size_t size = 0;
	int argc, error = 0;

	if (fstat(fileno(fp), &st) != 0 || !S_ISREG(st.st_mode) ||
	    (start = ftello(fp)) == -1)
		return 0;
	ctx->cc_applied = cmd_again_create();
	if (ctx->cc_applied == NULL)
		return ENOMEM;
	while (error == 0 && getline(&line, &size, fp) >= 0) {
		/* A line that is wrong is refused when it runs. */
		if (command_split(line, &argc, &argv, &e) != 0) {
			argc = 0;
			argv = NULL;
		}
		error = cmd_again_read(ctx->cc_applied, ctx->cc_vnet, argc,
		    argv);
		free(argv);
	}
	free(line);
	clearerr(fp);
	if (fseeko(fp, start, SEEK_SET) != 0 && error == 0)
		error = errno;
	cmd_again_begin(ctx->cc_applied);
	return error;
}

void
command_words_line(struct cmd_ctx *ctx)
{

	if (ctx->cc_applied != NULL)
		cmd_again_line(ctx->cc_applied);
}

void
command_words_end(struct cmd_ctx *ctx)
{

	cmd_again_free(ctx->cc_applied);
	ctx->cc_applied = NULL;
}

int
command_file(struct cmd_ctx *ctx, const char *path, struct ifnet_error *e)
{
	FILE *fp = fopen(path, "re");
	int error;

	if (fp == NULL)
		return ifnet_error_set(e, errno, "%s: %s", path,
		    cmd_strerror(errno));
	error = command_stream(ctx, fp, path, e);
	(void)fclose(fp);
	return error;
}

int
command_stream(struct cmd_ctx *ctx, FILE *fp, const char *path,
    struct ifnet_error *e)
{
	struct cmd_ctx inner = *ctx;
	struct line *lines = NULL;
	size_t i, n;
	int error;

	error = lines_read(fp, path, &lines, &n, e);
	inner.cc_config = inner.cc_again = true;
	inner.cc_applied = cmd_again_create();
	if (error == 0 && inner.cc_applied == NULL)
		error = ifnet_error_set(e, ENOMEM, "%s: out of memory", path);
	/* All lines are parsed first, so that an error anywhere changes
	 * nothing. */
	if (error == 0)
		error = check_lines(&inner, path, lines, n, e);
	if (error == 0)
		cmd_again_begin(inner.cc_applied);
	for (i = 0; error == 0 && !ctx->cc_check && i < n; i++)
		error = run_line(&inner, path, &lines[i], e);
	cmd_again_free(inner.cc_applied);
	lines_free(lines, n);
	return error;
}
