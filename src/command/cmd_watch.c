/*
 * watch: the present rates of interfaces.  On a terminal a table redrawn in
 * place; elsewhere one line per interface and interval.
 */

#include "command/command_impl.h"

#include <sys/ioctl.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct watch {
	struct cmd_ctx	*ctx;
	int		 nnames;	/* 0: all interfaces */
	char		**names;	/* as given */
	struct cmd_follow *follow;	/* the interfaces, nnames of them */
	uint64_t	 count;		/* 0: for ever */
	uint64_t	 interval_ns;
	unsigned	 rows;		/* terminal only: lines drawn last */
};

/* Rates per second of one interface. */
struct rates {
	double	 ipps, ibps, opps, obps, drops;
};

/* --- two looks ----------------------------------------------------------- */

/* A list as an array by handle, to find an interface's previous counters. */
struct look {
	struct cmd_if	*list;
	struct cmd_if	**by;
	size_t		 n;
	uint64_t	 when;
};

static int
compare(const void *a, const void *b)
{
	const struct cmd_if *const *x = a, *const *y = b;

	return (*x)->ci_handle < (*y)->ci_handle ? -1 :
	    (*x)->ci_handle > (*y)->ci_handle;
}

static void
look_free(struct look *l)
{

	cmd_iflist_free(l->list);
	free(l->by);
	memset(l, 0, sizeof(*l));
}

/* Report that an interface has another name, once; the new name is used from
 * then on. */
static void
tell_renamed(struct watch *w, struct cmd_follow *cf, const struct cmd_if *ci)
{
	char was[IFNAMSIZ];

	if (cmd_follow_renamed(cf, ci->ci_name, was) && !w->ctx->cc_tty)
		cmd_row(w->ctx, "%s: renamed, was %s", ci->ci_name, was);
}

/* Get the interfaces that are followed; interfaces that are gone are reported
 * and left out. */
static int
take_named(struct watch *w, struct look *l, struct ifnet_error *e)
{
	struct cmd_if *ci, **tail = &l->list;
	int error, i = 0;

	while (i < w->nnames) {
		error = cmd_follow_get(w->ctx, &w->follow[i], IFNET_LINK, &ci,
		    e);
		if (error == 0) {
			tell_renamed(w, &w->follow[i++], ci);
			*tail = ci;
			tail = &ci->ci_next;
			continue;
		}
		if (error != ENXIO)
			return error;
		cmd_follow_gone(w->ctx, "watch", &w->follow[i]);
		w->nnames--;
		memmove(&w->follow[i], &w->follow[i + 1],
		    (size_t)(w->nnames - i) * sizeof(w->follow[i]));
	}
	return w->nnames == 0 ? ENXIO : 0;
}

/* ENXIO: no watched interface is left, which was reported. */
static int
look_take(struct watch *w, struct look *l, struct ifnet_error *e)
{
	struct cmd_if *ci;
	size_t i = 0;
	int error;

	memset(l, 0, sizeof(*l));
	if (w->nnames != 0)
		error = take_named(w, l, e);
	else
		error = cmd_iflist_get(w->ctx->cc_client, NULL, IFNET_LINK,
		    &l->list, e);
	if (error != 0) {
		look_free(l);
		return error;
	}
	l->when = cmd_now();
	for (ci = l->list; ci != NULL; ci = ci->ci_next)
		l->n++;
	l->by = calloc(l->n + 1, sizeof(*l->by));
	if (l->by == NULL) {
		look_free(l);
		return ifnet_error_set(e, ENOMEM, "out of memory");
	}
	for (ci = l->list; ci != NULL; ci = ci->ci_next)
		l->by[i++] = ci;
	qsort(l->by, l->n, sizeof(*l->by), compare);
	return 0;
}

static const struct cmd_if *
look_find(const struct look *l, const struct cmd_if *key)
{
	struct cmd_if **p;

	if (l->n == 0)
		return NULL;
	p = bsearch(&key, l->by, l->n, sizeof(*l->by), compare);
	return p != NULL ? *p : NULL;
}

static double
per_second(uint64_t now, uint64_t before, double seconds)
{

	/* A counter that decreased was read and reset in between. */
	return seconds <= 0 ? 0 :
	    (double)(now >= before ? now - before : now) / seconds;
}

static void
rate(const struct cmd_if *now, const struct cmd_if *before, double seconds,
    struct rates *r)
{
	const struct if_data *d = &now->ci_data, *b;

	memset(r, 0, sizeof(*r));
	if (before == NULL)
		return;
	b = &before->ci_data;
	r->ipps = per_second(d->ifi_ipackets, b->ifi_ipackets, seconds);
	r->ibps = 8 * per_second(d->ifi_ibytes, b->ifi_ibytes, seconds);
	r->opps = per_second(d->ifi_opackets, b->ifi_opackets, seconds);
	r->obps = 8 * per_second(d->ifi_obytes, b->ifi_obytes, seconds);
	r->drops = per_second(d->ifi_idrops + d->ifi_odrops,
	    b->ifi_idrops + b->ifi_odrops, seconds);
}

/* --- drawing ------------------------------------------------------------- */

/* Format a number as "12.3 M". */
static const char *
human(double v, char buf[16])
{
	static const char units[] = " kMGTP";
	unsigned u = 0;

	while (v >= 9999.5 && u < 5) {
		v /= 1000;
		u++;
	}
	(void)snprintf(buf, 16, u == 0 ? "%.0f %c" : "%.1f %c", v, units[u]);
	return buf;
}

static const char *
state(const struct cmd_if *ci)
{

	if ((ci->ci_flags & IFF_UP) == 0)
		return "down";
	return ci->ci_data.ifi_link_state == LINK_STATE_DOWN ? "no link" :
	    "up";
}

static unsigned
terminal_rows(const struct watch *w)
{
	struct winsize ws;

	memset(&ws, 0, sizeof(ws));
	if (ioctl(fileno(w->ctx->cc_out), TIOCGWINSZ, &ws) != 0 ||
	    ws.ws_row < 4)
		return 24;
	return ws.ws_row;
}

static void
draw_table(struct watch *w, const struct look *now, const struct look *before)
{
	double seconds = (double)(now->when - before->when) / 1e9;
	unsigned room = terminal_rows(w) - 3, shown = 0, hidden = 0;
	FILE *fp = w->ctx->cc_out;
	char a[16], b[16], c[16], d[16], f[16];
	const struct cmd_if *ci;
	struct rates r;

	if (w->rows != 0)
		(void)fprintf(fp, "\033[%uA", w->rows);
	(void)fprintf(fp, "\r\033[K%-12s %-8s %10s %12s %10s %12s %10s\n",
	    "NAME", "STATE", "IN pkt/s", "IN bit/s", "OUT pkt/s",
	    "OUT bit/s", "DROPS/s");
	for (ci = now->list; ci != NULL; ci = ci->ci_next) {
		if (shown >= room) {
			hidden++;
			continue;
		}
		shown++;
		rate(ci, look_find(before, ci), seconds, &r);
		(void)fprintf(fp, "\033[K%-12s %-8s %10s %12s %10s %12s "
		    "%10s\n", ci->ci_name, state(ci), human(r.ipps, a),
		    human(r.ibps, b), human(r.opps, c), human(r.obps, d),
		    human(r.drops, f));
	}
	(void)fprintf(fp, "\033[J");
	w->rows = shown + 1;
	if (hidden != 0) {
		(void)fprintf(fp, "and %u more\n", hidden);
		w->rows++;
	}
}

static void
draw_lines(struct watch *w, const struct look *now, const struct look *before)
{
	double seconds = (double)(now->when - before->when) / 1e9;
	const struct cmd_if *ci;
	struct rates r;
	time_t t = time(NULL);
	struct tm tm;
	char when[16];

	(void)localtime_r(&t, &tm);
	(void)strftime(when, sizeof(when), "%H:%M:%S", &tm);
	for (ci = now->list; ci != NULL; ci = ci->ci_next) {
		rate(ci, look_find(before, ci), seconds, &r);
		(void)fprintf(w->ctx->cc_out, "%s %s %s in %.0f pkt/s %.0f "
		    "bit/s out %.0f pkt/s %.0f bit/s drops %.0f /s\n", when,
		    ci->ci_name, state(ci), r.ipps, r.ibps, r.opps, r.obps,
		    r.drops);
	}
}

static int
watch_loop(struct watch *w)
{
	struct look now, before;
	struct ifnet_error e;
	uint64_t n = 0, next;
	int error;

	error = look_take(w, &before, &e);
	next = cmd_now();
	while (error == 0 && (w->count == 0 || n < w->count)) {
		next += w->interval_ns;
		cmd_sleep_until(w->ctx, next);
		if (cmd_interrupted(w->ctx))
			break;
		error = look_take(w, &now, &e);
		if (error != 0)
			break;
		if (w->ctx->cc_tty)
			draw_table(w, &now, &before);
		else
			draw_lines(w, &now, &before);
		n++;
		look_free(&before);
		before = now;
		/* The end of the reader ends the command. */
		if (fflush(w->ctx->cc_out) != 0)
			break;
	}
	look_free(&before);
	/* The terminal's echo of ^C gets a line of its own. */
	if (w->ctx->cc_tty && cmd_interrupted(w->ctx))
		(void)fputc('\n', w->ctx->cc_out);
	if (error != 0 && error != ENXIO)
		return cmd_fail(w->ctx, &e, "watch: %s", e.text);
	return CMD_OK;
}

/* --- the command --------------------------------------------------------- */

static int
run_named(struct watch *w)
{
	int code = CMD_OK, i;

	w->follow = calloc((size_t)w->nnames + 1, sizeof(*w->follow));
	if (w->follow == NULL) {
		cmd_err(w->ctx, "watch: out of memory");
		return CMD_FAIL;
	}
	for (i = 0; i < w->nnames && code == CMD_OK; i++)
		code = cmd_follow_begin(w->ctx, "watch", &w->follow[i],
		    w->names[i]);
	if (code == CMD_OK)
		code = watch_loop(w);
	free(w->follow);
	return code;
}

static int
watch_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct ifnet_error e;
	struct cmd_opts o;
	struct watch w;
	int c, i;

	memset(&w, 0, sizeof(w));
	w.ctx = ctx;
	w.interval_ns = 1000000000;
	cmd_opts_init(&o, ctx, &command_watch, argc, argv);
	while ((c = cmd_getopt(&o)) != -1) {
		if (c == 'c' && (!cmd_parse_num(o.o_arg, UINT32_MAX,
		    &w.count) || w.count == 0)) {
			cmd_err(ctx, "watch: -c %s: bad value (a number above "
			    "0)", o.o_arg);
			return CMD_USAGE;
		} else if ((c == 'w' || c == 'i') && !cmd_parse_seconds(
		    o.o_arg, 10000000, &w.interval_ns)) {
			cmd_err(ctx, "watch: -%c %s: bad value (seconds, at "
			    "least 0.01)", c, o.o_arg);
			return CMD_USAGE;
		} else if (c == '?')
			return cmd_usage(ctx, &command_watch, CMD_USAGE);
	}
	w.nnames = argc - o.o_next;
	w.names = argv + o.o_next;
	for (i = 0; i < w.nnames; i++)
		if (cmd_check_ifname(w.names[i], false, &e) != 0) {
			cmd_err(ctx, "watch: %s", e.text);
			return CMD_USAGE;
		}
	if (ctx->cc_check)
		return CMD_OK;
	return run_named(&w);
}

static const struct cmd_word watch_words[] = {
	{ "-c", "COUNT", "end after so many intervals" },
	{ "-w", "SECONDS", "the interval; 1 if not given" },
	{ "-i", "SECONDS", "the same" },
	CMD_WORD_END
};

const struct command command_watch = {
	.c_name = "watch",
	.c_synopsis = "[-c COUNT] [-w SECONDS] [IF ...]",
	.c_summary = "show live rates of interfaces",
	.c_example = "watch -w 5 tap0 tap1",
	.c_words = watch_words,
	.c_operand = "IF",
	.c_when = CMD_NOT_CONFIG,
	.c_run = watch_run,
};
