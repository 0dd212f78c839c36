/*
 * watch on a screen: a table of as many rows as the window has, sorted,
 * scrolled and filtered by keys.  The stack is asked once an interval, however
 * many keys are pressed.
 */

#include "command/watch_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kern/vis.h"

/* Milliseconds to wait for a key before the flag of ^C is looked at. */
#define KEY_MS		200
#define LINE_SIZE	512
#define HELP		"q quit  < > sort by  r reverse  / filter  arrows, "  \
			"pages: scroll"

struct screen {
	struct watch	*w;
	const struct cmd_screen *sc;
	unsigned	 rows, columns;
	size_t		 top;		/* the first row shown */
	bool		 typing;	/* the filter */
	bool		 quit;
	/* Messages would be overwritten by the table: they are shown on its
	 * last line, and written to `err' at the end. */
	FILE		*err;
	char		*said;
	size_t		 saidlen, seen;
	char		 status[LINE_SIZE];
};

static const char *const headings[WATCH_NCOLUMNS] = {
	"NAME", "STATE", "IN pkt/s", "IN bit/s", "OUT pkt/s", "OUT bit/s",
	"DROPS/s"
};

/* --- text ---------------------------------------------------------------- */

/* Format a number with three digits and a unit: "999", "1.23k", "12.3M". */
static const char *
human(double v, char buf[16])
{
	static const char units[][2] = { "", "k", "M", "G", "T", "P", "E" };
	unsigned u = 0;

	while (v >= 999.5 && u < 6) {
		v /= 1000;
		u++;
	}
	(void)snprintf(buf, 16, "%.*f%s", u == 0 || v >= 99.95 ? 0 :
	    v >= 9.995 ? 1 : 2, v, units[u]);
	return buf;
}

static void
heading_text(const struct watch *w, char line[LINE_SIZE])
{
	char name[16];
	size_t used = 0;

	for (unsigned i = 0; i < WATCH_NCOLUMNS; i++) {
		(void)snprintf(name, sizeof(name), "%s%s",
		    w->column == i ? "*" : "", headings[i]);
		used += (size_t)snprintf(line + used, LINE_SIZE - used,
		    i == WATCH_NAME ? "%-15s" : i == WATCH_STATE ? " %-7s" :
		    " %10s", name);
	}
}

static void
row_text(const struct watch_row *r, char line[LINE_SIZE])
{
	char name[VIS_SIZE(IFNAMSIZ)], v[5][16];

	(void)vis_text(name, sizeof(name), r->ci->ci_name,
	    strlen(r->ci->ci_name));
	(void)snprintf(line, LINE_SIZE, "%-15s %-7s %10s %10s %10s %10s %10s",
	    name, watch_state(r->ci), human(r->ipps, v[0]),
	    human(r->ibps, v[1]), human(r->opps, v[2]), human(r->obps, v[3]),
	    human(r->drops, v[4]));
}

static void
title_text(const struct screen *s, char line[LINE_SIZE])
{
	const struct watch *w = s->w;
	char filter[VIS_SIZE(IFNAMSIZ)];

	(void)vis_text(filter, sizeof(filter), w->filter, strlen(w->filter));
	(void)snprintf(line, LINE_SIZE, "%zu of %zu interfaces, every %g s, "
	    "by %s%s%s%s%s", w->nrows, w->now.n,
	    (double)w->interval_ns / 1e9, watch_columns[w->column],
	    w->reverse ? " reversed" : "",
	    s->typing || filter[0] != '\0' ? ", filter: " : "", filter,
	    s->typing ? "_" : "");
}

/* --- drawing ------------------------------------------------------------- */

/* Rows for interfaces.  Title and help need a window of four lines. */
static unsigned
body_rows(const struct screen *s)
{

	return s->rows >= 4 ? s->rows - 3 : s->rows > 1 ? s->rows - 1 : 0;
}

static void
draw(struct screen *s)
{
	const struct watch *w = s->w;
	unsigned body, y = 0, i;
	char line[LINE_SIZE];

	s->sc->sc_size(&s->rows, &s->columns);
	body = body_rows(s);
	if (s->top + body > w->nrows)
		s->top = w->nrows > body ? w->nrows - body : 0;
	if (s->rows >= 4) {
		title_text(s, line);
		s->sc->sc_line(y++, line, false);
	}
	heading_text(w, line);
	s->sc->sc_line(y++, line, true);
	for (i = 0; i < body; i++) {
		line[0] = '\0';
		if (s->top + i < w->nrows)
			row_text(&w->rows[s->top + i], line);
		s->sc->sc_line(y++, line, false);
	}
	if (s->rows >= 4)
		s->sc->sc_line(y, s->status[0] != '\0' ? s->status : HELP,
		    false);
	s->sc->sc_show();
}

/* The last message becomes the status line. */
static void
take_messages(struct screen *s)
{
	const char *last;
	size_t len;

	(void)fflush(s->w->ctx->cc_err);
	if (s->saidlen <= s->seen)
		return;
	s->seen = s->saidlen;
	len = s->saidlen - (s->said[s->saidlen - 1] == '\n');
	last = memrchr(s->said, '\n', len);
	last = last == NULL ? s->said : last + 1;
	(void)snprintf(s->status, sizeof(s->status), "%.*s",
	    (int)(s->said + len - last), last);
}

/* --- keys ---------------------------------------------------------------- */

static void
scroll_by(struct screen *s, long lines)
{

	if (lines < 0 && s->top < (size_t)-lines)
		s->top = 0;
	else
		s->top += (size_t)lines;	/* draw() knows the end */
}

static void
sort_by(struct watch *w, int step)
{

	w->column = (enum watch_column)(((int)w->column + WATCH_NCOLUMNS +
	    step) % WATCH_NCOLUMNS);
}

/* Apply a key to the filter that is being typed; false: it is another key. */
static bool
filter_key(struct screen *s, int key)
{
	char *filter = s->w->filter;
	size_t len = strlen(filter);

	if (key == '\n' || key == '\r')
		s->typing = false;
	else if (key == CMD_KEY_ESCAPE) {
		s->typing = false;
		filter[0] = '\0';
	} else if (key == CMD_KEY_BACKSPACE) {
		if (len > 0)
			filter[len - 1] = '\0';
	} else if (key > ' ' && key < 0x7f) {
		if (len + 1 < sizeof(s->w->filter)) {
			filter[len] = (char)key;
			filter[len + 1] = '\0';
		}
	} else
		return false;
	return true;
}

static void
table_key(struct screen *s, int key)
{
	long page = body_rows(s);

	switch (key) {
	case 'q':
		s->quit = true;
		break;
	case CMD_KEY_LEFT: case '<': case ',':
		sort_by(s->w, -1);
		break;
	case CMD_KEY_RIGHT: case '>': case '.':
		sort_by(s->w, 1);
		break;
	case 'r':
		s->w->reverse = !s->w->reverse;
		break;
	case '/':
		s->typing = true;
		break;
	case CMD_KEY_ESCAPE:
		s->w->filter[0] = '\0';
		break;
	case CMD_KEY_UP: case 'k':
		scroll_by(s, -1);
		break;
	case CMD_KEY_DOWN: case 'j':
		scroll_by(s, 1);
		break;
	case CMD_KEY_PAGE_UP: case 'b':
		scroll_by(s, -page);
		break;
	case CMD_KEY_PAGE_DOWN: case ' ':
		scroll_by(s, page);
		break;
	case CMD_KEY_HOME: case 'g':
		s->top = 0;
		break;
	case CMD_KEY_END: case 'G':
		s->top = s->w->nrows;
		break;
	default:
		break;
	}
}

/* Handle keys until the next sample is due. */
static int
keys_until(struct screen *s, uint64_t until, struct ifnet_error *e)
{
	uint64_t now, left;
	int error, key;

	while (!s->quit && !cmd_interrupted(s->w->ctx) &&
	    (now = cmd_now()) < until) {
		left = (until - now + 999999) / 1000000;
		key = s->sc->sc_key(left < KEY_MS ? (int)left : KEY_MS);
		if (key == CMD_KEY_NONE)
			continue;
		if (key == CMD_KEY_GONE)
			s->quit = true;
		s->status[0] = '\0';
		if (!s->typing || !filter_key(s, key))
			table_key(s, key);
		error = watch_rows(s->w, e);
		if (error != 0)
			return error;
		draw(s);
	}
	return 0;
}

static int
screen_loop(struct screen *s, struct ifnet_error *e)
{
	struct watch *w = s->w;
	uint64_t next = cmd_now(), n;
	int error;

	for (n = 0; ; n++) {
		error = watch_look(w, e);
		take_messages(s);
		if (error != 0 || (w->count != 0 && n == w->count))
			return error;
		draw(s);
		next += w->interval_ns;
		error = keys_until(s, next, e);
		if (error != 0 || s->quit || cmd_interrupted(w->ctx))
			return error;
	}
}

/* The last table stays on the terminal when the command ended by -c. */
static void
print_last(const struct screen *s)
{
	const struct watch *w = s->w;
	char line[LINE_SIZE];
	size_t i;

	heading_text(w, line);
	cmd_row(w->ctx, "%s", line);
	for (i = 0; i < w->nrows && i < body_rows(s); i++) {
		row_text(&w->rows[i], line);
		cmd_row(w->ctx, "%s", line);
	}
	if (i < w->nrows)
		cmd_row(w->ctx, "and %zu more", w->nrows - i);
}

int
watch_screen(struct watch *w)
{
	struct screen s = { .w = w, .sc = w->ctx->cc_screen };
	struct ifnet_error e;
	int error;

	memset(&e, 0, sizeof(e));
	if (s.sc == NULL || s.sc->sc_open(&e) != 0) {
		cmd_err(w->ctx, "watch: no table, but a line for each "
		    "interface and interval: %s", s.sc == NULL ?
		    "this build has no ncurses" : e.text);
		return -1;
	}
	w->sorted = true;
	s.err = w->ctx->cc_err;
	w->ctx->cc_err = open_memstream(&s.said, &s.saidlen);
	if (w->ctx->cc_err == NULL) {
		w->ctx->cc_err = s.err;
		error = ifnet_error_set(&e, ENOMEM, "out of memory");
	} else
		error = screen_loop(&s, &e);
	s.sc->sc_close();
	if (w->ctx->cc_err != s.err) {
		(void)fclose(w->ctx->cc_err);
		w->ctx->cc_err = s.err;
		(void)fputs(s.said != NULL ? s.said : "", s.err);
		free(s.said);
	}
	if (error != 0 && error != ENXIO)
		return cmd_fail(w->ctx, &e, "watch: %s", e.text);
	if (error == 0 && !s.quit && !cmd_interrupted(w->ctx))
		print_last(&s);
	return CMD_OK;
}
