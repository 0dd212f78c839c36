/*
 * Messages, option words and time for the subcommands.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "kern/vis.h"

#define HELD_BYTES	65536u		/* of a piece */

const char *
cmd_program(const struct cmd_ctx *ctx)
{

	return ctx->cc_program != NULL ? ctx->cc_program : "ifctl";
}

/* Format a message as one line, with control characters made visible. */
static void __attribute__((__format__(__printf__, 2, 0)))
put_message(struct cmd_ctx *ctx, const char *fmt, va_list ap)
{
	char text[2048], seen[VIS_SIZE(sizeof(text))];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	(void)fprintf(ctx->cc_err, "%s: %s\n", cmd_program(ctx),
	    vis_line(seen, sizeof(seen), text, strlen(text)));
}

void
cmd_err(struct cmd_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_message(ctx, fmt, ap);
	va_end(ap);
}

int
cmd_fail(struct cmd_ctx *ctx, const struct ifnet_error *e, const char *fmt,
    ...)
{
	va_list ap;

	ctx->cc_errno = e->code;
	va_start(ap, fmt);
	put_message(ctx, fmt, ap);
	va_end(ap);
	return CMD_FAIL;
}

void
cmd_row(struct cmd_ctx *ctx, const char *fmt, ...)
{
	char text[4096], seen[VIS_SIZE(sizeof(text))];
	size_t tabs;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tabs = strspn(text, "\t");
	(void)fprintf(ctx->cc_out, "%.*s%s\n", (int)tabs, text,
	    vis_text(seen, sizeof(seen), text + tabs, strlen(text + tabs)));
}

const char *
cmd_strerror(int code)
{

	/* The errnos for which BSD's words differ from the host's. */
	switch (code) {
	case ENXIO:
		return "Device not configured";
	case EBUSY:
		return "Device busy";
	case EADDRNOTAVAIL:
		return "Can't assign requested address";
	case EAFNOSUPPORT:
		return "Address family not supported by protocol family";
	case ENOMEM:
		return "Cannot allocate memory";
	case ENOTTY:
		return "Inappropriate ioctl for device";
	case EOPNOTSUPP:
		return "Operation not supported";
	case ERANGE:
		return "Result too large or too small";
	default:
		return strerror(code);
	}
}

/* Does the text say no more than the errno does? */
static bool
repeats(const char *text, const char *words)
{
	size_t tlen = strlen(text), wlen = strlen(words);

	return tlen >= wlen && strcasecmp(text + tlen - wlen, words) == 0;
}

/*
 * The reason is the daemon's own words: a guess from the errno is often wrong,
 * so without words there is none.  The result is in parentheses, so the words
 * have none inside.
 */
const char *
cmd_reason(const struct ifnet_error *e, char *buf, size_t size)
{
	const char *p = e->text;
	size_t used = 0;

	if (p[0] == '\0' || repeats(p, strerror(e->code)) ||
	    repeats(p, cmd_strerror(e->code)))
		p = "";
	buf[0] = '\0';
	if (p[0] == '\0')
		return buf;
	used = (size_t)snprintf(buf, size, " (");
	for (; *p != '\0' && used + 4 < size; p++) {
		if (p[0] == ' ' && p[1] == '(') {
			buf[used++] = ';';
			buf[used++] = ' ';
			p++;
		} else if (*p != ')') {
			buf[used++] = *p;
		}
	}
	buf[used++] = ')';
	buf[used] = '\0';
	return buf;
}

void
cmd_print_usage(FILE *fp, const struct command *c)
{
	const char *p, *nl;
	const char *lead = "usage: ";

	for (p = c->c_synopsis; ; p = nl + 1) {
		nl = strchrnul(p, '\n');
		(void)fprintf(fp, "%sifctl %s%s%.*s\n", lead, c->c_name,
		    nl == p ? "" : " ", (int)(nl - p), p);
		lead = "       ";
		if (*nl == '\0')
			break;
	}
}

int
cmd_usage(struct cmd_ctx *ctx, const struct command *c, int code)
{

	cmd_print_usage(ctx->cc_err, c);
	return code;
}

int
cmd_usage_why(struct cmd_ctx *ctx, const struct command *c, int code,
    const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cmd_err(ctx, "%s: %s", c->c_name, text);
	return cmd_usage(ctx, c, code);
}

bool
cmd_interrupted(const struct cmd_ctx *ctx)
{

	return ctx->cc_interrupted != NULL && *ctx->cc_interrupted != 0;
}

uint64_t
cmd_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void
cmd_sleep_until(const struct cmd_ctx *ctx, uint64_t until)
{
	struct timespec ts;
	uint64_t now, step;

	/*
	 * Sleep in steps: a signal that comes between the test of the flag and
	 * the sleep would not end the sleep.
	 */
	while (!cmd_interrupted(ctx) && (now = cmd_now()) < until) {
		step = until - now;
		if (step > 200000000u)
			step = 200000000u;
		ts.tv_sec = 0;
		ts.tv_nsec = (long)step;
		(void)nanosleep(&ts, NULL);
	}
}

struct vnet_search {
	const char	*name;
	bool		 found;
};

static int
is_vnet(const char *name, unsigned interfaces, void *arg)
{
	struct vnet_search *vs = arg;

	(void)interfaces;
	vs->found |= strcmp(name, vs->name) == 0;
	return 0;
}

int
cmd_check_vnet(struct cmd_ctx *ctx)
{
	struct vnet_search vs = { ctx->cc_vnet, false };
	struct ifnet_error e;

	if (vs.name == NULL || vs.name[0] == '\0')
		return CMD_OK;
	memset(&e, 0, sizeof(e));
	if (ifnet_vnet_list(ctx->cc_client, is_vnet, &vs, &e) != 0)
		return cmd_fail(ctx, &e, "%s", e.text);
	if (vs.found)
		return CMD_OK;
	e.code = ENOENT;
	return cmd_fail(ctx, &e, "no vnet named %s (vnet list shows what there "
	    "is)", vs.name);
}

struct ifnet_client *
cmd_connect(struct cmd_ctx *ctx)
{
	struct ifnet_client *c;
	struct ifnet_error e;

	memset(&e, 0, sizeof(e));
	if (ctx->cc_connect == NULL) {
		cmd_err(ctx, "following changes needs a connection of its "
		    "own, which is not to be had here");
		return NULL;
	}
	c = ctx->cc_connect(ctx->cc_connect_arg, &e);
	if (c == NULL) {
		cmd_err(ctx, "%s", e.text);
		return NULL;
	}
	if (ifnet_set_vnet(c, ctx->cc_vnet, &e) != 0) {
		cmd_err(ctx, "%s", e.text);
		ifnet_close(c);
		return NULL;
	}
	return c;
}

void
cmd_opts_init(struct cmd_opts *o, struct cmd_ctx *ctx,
    const struct command *c, int argc, char **argv)
{

	memset(o, 0, sizeof(*o));
	o->o_ctx = ctx;
	o->o_cmd = c;
	o->o_argc = argc;
	o->o_argv = argv;
	o->o_next = 1;
}

static int
unknown_option(struct cmd_opts *o, const char *word)
{
	const struct cmd_word *like;

	like = word[1] == '-' ? cmd_word_like(o->o_cmd->c_words, word, 0) :
	    NULL;
	if (like != NULL)
		cmd_err(o->o_ctx, "%s: unknown option %s (did you mean %s?)",
		    o->o_cmd->c_name, word, like->w_name);
	else
		cmd_err(o->o_ctx, "%s: unknown option %s", o->o_cmd->c_name,
		    word);
	return '?';
}

/* The table's entry for "-c". */
static const struct cmd_word *
find_letter(const struct command *cmd, char c)
{
	const struct cmd_word *w;

	for (w = cmd->c_words; w != NULL && w->w_name != NULL; w++)
		if (w->w_name[0] == '-' && w->w_name[1] == c && c != '-' &&
		    w->w_name[2] == '\0')
			return w;
	return NULL;
}

int
cmd_getopt(struct cmd_opts *o)
{
	const struct cmd_word *w;
	char *word, letter[3] = "-";
	bool negated;

	o->o_arg = NULL;
	if (o->o_in == NULL) {
		if (o->o_next >= o->o_argc)
			return -1;
		word = o->o_argv[o->o_next];
		if (word[0] != '-' || word[1] == '\0')
			return -1;
		o->o_next++;
		if (strcmp(word, "--") == 0)
			return -1;
		if (word[1] == '-') {
			w = cmd_word_find(o->o_cmd->c_words, word, &negated);
			return w != NULL ? w->w_code :
			    unknown_option(o, word);
		}
		o->o_in = word + 1;
	}

	letter[1] = *o->o_in++;
	if (*o->o_in == '\0')
		o->o_in = NULL;
	w = find_letter(o->o_cmd, letter[1]);
	if (w == NULL)
		return unknown_option(o, letter);
	if (w->w_arg == NULL)
		return letter[1];
	if (o->o_in != NULL) {
		o->o_arg = o->o_argv[o->o_next - 1] +
		    (o->o_in - o->o_argv[o->o_next - 1]);
		o->o_in = NULL;
	} else if (o->o_next < o->o_argc) {
		o->o_arg = o->o_argv[o->o_next++];
	} else {
		cmd_err(o->o_ctx, "%s: option %s needs an argument",
		    o->o_cmd->c_name, letter);
		return '?';
	}
	return letter[1];
}

const char *
cmd_join(int argc, char *const *argv, char *buf, size_t size)
{
	size_t used = 0;
	int i, n;

	buf[0] = '\0';
	for (i = 0; i < argc && used < size; i++) {
		n = snprintf(buf + used, size - used, "%s%s",
		    i == 0 ? "" : " ", argv[i]);
		if (n < 0)
			break;
		used += (size_t)n;
	}
	return buf;
}

/* Text that is held; pieces, so that none is copied when there is more. */
struct held_piece {
	TAILQ_ENTRY(held_piece) hp_link;
	size_t		 hp_len;
	char		 hp_text[HELD_BYTES];
};

static ssize_t
held_write(void *cookie, const char *text, size_t len)
{
	struct cmd_held *ch = cookie;
	struct held_piece *hp;
	size_t n;

	for (size_t done = 0; done < len; done += n) {
		hp = TAILQ_LAST(&ch->ch_pieces, held_pieces);
		if (hp == NULL || hp->hp_len == HELD_BYTES) {
			hp = malloc(sizeof(*hp));
			if (hp == NULL)
				return 0;
			hp->hp_len = 0;
			TAILQ_INSERT_TAIL(&ch->ch_pieces, hp, hp_link);
		}
		n = HELD_BYTES - hp->hp_len;
		n = len - done < n ? len - done : n;
		memcpy(hp->hp_text + hp->hp_len, text + done, n);
		hp->hp_len += n;
	}
	return (ssize_t)len;
}

void
cmd_hold(struct cmd_ctx *ctx, struct cmd_held *ch)
{
	FILE *fp;

	memset(ch, 0, sizeof(*ch));
	TAILQ_INIT(&ch->ch_pieces);
	fp = fopencookie(ch, "w", (cookie_io_functions_t){
		.write = held_write,
	});
	if (fp == NULL)
		return;
	ch->ch_out = ctx->cc_out;
	ctx->cc_out = fp;
}

void
cmd_release(struct cmd_ctx *ctx, struct cmd_held *ch)
{
	struct held_piece *hp;
	bool failed;

	if (ch->ch_out == NULL)
		return;
	failed = ferror(ctx->cc_out) != 0;
	failed |= fclose(ctx->cc_out) != 0;
	ctx->cc_out = ch->ch_out;
	while ((hp = TAILQ_FIRST(&ch->ch_pieces)) != NULL) {
		TAILQ_REMOVE(&ch->ch_pieces, hp, hp_link);
		(void)fwrite(hp->hp_text, 1, hp->hp_len, ctx->cc_out);
		free(hp);
	}
	if (failed)
		cmd_err(ctx, "out of memory: some of it is missing");
}

/* --- progress ------------------------------------------------------------ */

#define PROGRESS_NS	1000000000ull

void
cmd_progress_begin(struct cmd_progress *cp, struct cmd_ctx *ctx,
    const char *what, size_t total)
{
	int fd = fileno(ctx->cc_err);

	memset(cp, 0, sizeof(*cp));
	cp->cp_ctx = ctx;
	cp->cp_what = what;
	cp->cp_total = total;
	cp->cp_tty = fd >= 0 && isatty(fd);
	if (cp->cp_tty)
		cp->cp_next = cmd_now() + PROGRESS_NS;
}

void
cmd_progress(struct cmd_progress *cp, size_t done)
{
	uint64_t now;

	if (!cp->cp_tty)
		return;
	now = cmd_now();
	if (now < cp->cp_next)
		return;
	cp->cp_next = now + PROGRESS_NS / 4;
	cp->cp_shown = true;
	if (cp->cp_total != 0)
		(void)fprintf(cp->cp_ctx->cc_err, "\r%s: %zu of %zu\033[K",
		    cp->cp_what, done, cp->cp_total);
	else
		(void)fprintf(cp->cp_ctx->cc_err, "\r%s: %zu\033[K",
		    cp->cp_what, done);
	(void)fflush(cp->cp_ctx->cc_err);
}

void
cmd_progress_end(struct cmd_progress *cp)
{

	if (!cp->cp_shown)
		return;
	(void)fputs("\r\033[K", cp->cp_ctx->cc_err);
	(void)fflush(cp->cp_ctx->cc_err);
	cp->cp_shown = false;
}
