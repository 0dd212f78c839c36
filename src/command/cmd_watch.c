/*
 * watch: the present rates of interfaces.  On a terminal a table redrawn in
 * place (cmd_watch_screen.c); elsewhere one line per interface and interval.
 */

#include "command/watch_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const watch_columns[WATCH_NCOLUMNS + 1] = {
	"name", "state", "in-pps", "in-bps", "out-pps", "out-bps", "drops",
	NULL
};

/* --- looks --------------------------------------------------------------- */

static int
compare_handles(const void *a, const void *b)
{
	const struct cmd_if *const *x = a, *const *y = b;

	return (*x)->ci_handle < (*y)->ci_handle ? -1 :
	    (*x)->ci_handle > (*y)->ci_handle;
}

static void
look_free(struct watch_look *l)
{

	cmd_iflist_free(l->list);
	free(l->by);
	memset(l, 0, sizeof(*l));
}

/* Get the interfaces that are followed; interfaces that are gone are reported
 * and left out. */
static int
take_named(struct watch *w, struct watch_look *l, struct ifnet_error *e)
{
	struct cmd_if *ci, **tail = &l->list;
	int error, i = 0;

	while (i < w->nnames) {
		error = cmd_follow_get(w->ctx, &w->follow[i], IFNET_LINK, &ci,
		    e);
		if (error == 0) {
			cmd_follow_tell(w->ctx, "watch", &w->follow[i++],
			    ci->ci_name);
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

static int
look_take(struct watch *w, struct watch_look *l, struct ifnet_error *e)
{
	struct cmd_if *ci;
	size_t i = 0;
	int error;

	memset(l, 0, sizeof(*l));
	if (w->follow != NULL)
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
	qsort(l->by, l->n, sizeof(*l->by), compare_handles);
	return 0;
}

static const struct cmd_if *
look_find(const struct watch_look *l, const struct cmd_if *key)
{
	struct cmd_if **p;

	if (l->n == 0)
		return NULL;
	p = bsearch(&key, l->by, l->n, sizeof(*l->by), compare_handles);
	return p != NULL ? *p : NULL;
}

/* --- rows ---------------------------------------------------------------- */

static double
per_second(uint64_t now, uint64_t before, double seconds)
{

	/* A counter that decreased was read and reset in between. */
	return seconds <= 0 ? 0 :
	    (double)(now >= before ? now - before : now) / seconds;
}

static void
set_rates(struct watch_row *r, const struct cmd_if *before, double seconds)
{
	const struct if_data *d = &r->ci->ci_data, *b;

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

/* Digits within names are compared as numbers: tap2 comes before tap10. */
static int
compare_names(const char *a, const char *b)
{
	unsigned long x, y;
	char *enda, *endb;

	while (*a != '\0' && *b != '\0') {
		if (!isdigit((unsigned char)*a) ||
		    !isdigit((unsigned char)*b)) {
			if (*a != *b)
				break;
			a++;
			b++;
			continue;
		}
		x = strtoul(a, &enda, 10);
		y = strtoul(b, &endb, 10);
		if (x != y)
			return x < y ? -1 : 1;
		a = enda;
		b = endb;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

/* Larger rates come first. */
static int
compare_rates(double a, double b)
{

	return a > b ? -1 : a < b;
}

static int
compare_rows(const void *a, const void *b, void *arg)
{
	const struct watch_row *x = a, *y = b;
	const struct watch *w = arg;
	int d = 0;

	switch (w->column) {
	case WATCH_NAME:
		d = compare_names(x->ci->ci_name, y->ci->ci_name);
		break;
	case WATCH_STATE:
		d = strcmp(watch_state(x->ci), watch_state(y->ci));
		break;
	case WATCH_IPPS:
		d = compare_rates(x->ipps, y->ipps);
		break;
	case WATCH_IBPS:
		d = compare_rates(x->ibps, y->ibps);
		break;
	case WATCH_OPPS:
		d = compare_rates(x->opps, y->opps);
		break;
	case WATCH_OBPS:
		d = compare_rates(x->obps, y->obps);
		break;
	default:
		d = compare_rates(x->drops, y->drops);
		break;
	}
	if (w->reverse)
		d = -d;
	/* Equal rows keep their order from one interval to the next. */
	return d != 0 ? d : x->place < y->place ? -1 : x->place > y->place;
}

int
watch_rows(struct watch *w, struct ifnet_error *e)
{
	double seconds = w->before.when == 0 ? 0 :
	    (double)(w->now.when - w->before.when) / 1e9;
	const struct cmd_if *ci;
	struct watch_row *r;
	size_t place = 0;

	r = calloc(w->now.n + 1, sizeof(*r));
	if (r == NULL)
		return ifnet_error_set(e, ENOMEM, "out of memory");
	free(w->rows);
	w->rows = r;
	for (ci = w->now.list; ci != NULL; ci = ci->ci_next, place++) {
		if (strstr(ci->ci_name, w->filter) == NULL)
			continue;
		r->ci = ci;
		r->place = place;
		set_rates(r++, look_find(&w->before, ci), seconds);
	}
	w->nrows = (size_t)(r - w->rows);
	if (w->sorted)
		qsort_r(w->rows, w->nrows, sizeof(*w->rows), compare_rows, w);
	return 0;
}

int
watch_look(struct watch *w, struct ifnet_error *e)
{
	struct watch_look l;
	int error;

	error = look_take(w, &l, e);
	if (error != 0)
		return error;
	look_free(&w->before);
	w->before = w->now;
	w->now = l;
	return watch_rows(w, e);
}

const char *
watch_state(const struct cmd_if *ci)
{

	if ((ci->ci_flags & IFF_UP) == 0)
		return "down";
	return ci->ci_data.ifi_link_state == LINK_STATE_DOWN ? "no link" :
	    "up";
}

/* --- lines --------------------------------------------------------------- */

static void
print_lines(struct watch *w)
{
	const struct watch_row *r;
	time_t t = time(NULL);
	struct tm tm;
	char when[16];

	(void)localtime_r(&t, &tm);
	(void)strftime(when, sizeof(when), "%H:%M:%S", &tm);
	for (r = w->rows; r < w->rows + w->nrows; r++)
		cmd_row(w->ctx, "%s %s %s in %.0f pkt/s %.0f bit/s out %.0f "
		    "pkt/s %.0f bit/s drops %.0f /s", when, r->ci->ci_name,
		    watch_state(r->ci), r->ipps, r->ibps, r->opps, r->obps,
		    r->drops);
}

/* Write one object for the interval. */
static int
print_json(struct watch *w)
{
	const struct watch_row *r;
	struct timespec ts;
	struct json j;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	json_begin(&j, w->ctx, JSON_LINE);
	json_object(&j, NULL);
	json_u64(&j, "time_ns", (uint64_t)ts.tv_sec * 1000000000u +
	    (uint64_t)ts.tv_nsec);
	json_fixed(&j, "seconds", (double)(w->now.when - w->before.when) /
	    1e9, 6);
	json_array(&j, "interfaces");
	for (r = w->rows; r < w->rows + w->nrows; r++) {
		json_object(&j, NULL);
		json_text(&j, "name", r->ci->ci_name);
		json_u64(&j, "handle", r->ci->ci_handle);
		json_text(&j, "state", cmd_state_key(r->ci->ci_data.ifi_oper));
		json_fixed(&j, "in_pps", r->ipps, 3);
		json_fixed(&j, "in_bps", r->ibps, 3);
		json_fixed(&j, "out_pps", r->opps, 3);
		json_fixed(&j, "out_bps", r->obps, 3);
		json_fixed(&j, "drops_ps", r->drops, 3);
		json_end(&j);
	}
	return json_done(&j);
}

static int
watch_lines(struct watch *w)
{
	struct ifnet_error e;
	uint64_t n = 0, next;
	int error;

	error = watch_look(w, &e);
	next = cmd_now();
	while (error == 0 && (w->count == 0 || n < w->count)) {
		next += w->interval_ns;
		cmd_sleep_until(w->ctx, next);
		if (cmd_interrupted(w->ctx))
			break;
		error = watch_look(w, &e);
		if (error != 0)
			break;
		if (!w->json)
			print_lines(w);
		else if (print_json(w) != CMD_OK)
			return CMD_FAIL;
		n++;
		/* The end of the reader ends the command. */
		if (fflush(w->ctx->cc_out) != 0)
			break;
	}
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

	if (w->nnames != 0)
		w->follow = calloc((size_t)w->nnames, sizeof(*w->follow));
	if (w->nnames != 0 && w->follow == NULL) {
		cmd_err(w->ctx, "watch: out of memory");
		return CMD_FAIL;
	}
	for (i = 0; i < w->nnames && code == CMD_OK; i++)
		code = cmd_follow_begin(w->ctx, "watch", &w->follow[i],
		    w->names[i]);
	if (code == CMD_OK) {
		code = w->ctx->cc_tty && !w->json ? watch_screen(w) : -1;
		if (code < 0)
			code = watch_lines(w);
	}
	look_free(&w->now);
	look_free(&w->before);
	free(w->rows);
	free(w->follow);
	return code;
}

/* Set the column from the value of -s. */
static bool
parse_column(struct watch *w, const char *word)
{

	for (int i = 0; watch_columns[i] != NULL; i++)
		if (strcmp(watch_columns[i], word) == 0) {
			w->sorted = true;
			w->column = (enum watch_column)i;
			return true;
		}
	return false;
}

static int
bad(struct watch *w, int c, const char *arg, const char *what)
{

	cmd_err(w->ctx, "watch: -%c %s: bad value (%s)", c, arg, what);
	return CMD_USAGE;
}

static int
parse_option(struct watch *w, int c, const char *arg)
{

	switch (c) {
	case 'c':
		return cmd_parse_num(arg, UINT32_MAX, &w->count) &&
		    w->count != 0 ? CMD_OK :
		    bad(w, c, arg, "a number above 0");
	case 'w':
	case 'i':
		return cmd_parse_seconds(arg, 10000000, &w->interval_ns) ?
		    CMD_OK : bad(w, c, arg, "seconds, at least 0.01");
	case 's':
		return parse_column(w, arg) ? CMD_OK : bad(w, c, arg, "name, "
		    "state, in-pps, in-bps, out-pps, out-bps or drops");
	case CMD_OPT_JSON:
		w->json = true;
		return CMD_OK;
	case 'r':
		w->reverse = true;
		w->sorted = true;
		return CMD_OK;
	case 'f':
		if (strlen(arg) >= sizeof(w->filter))
			return bad(w, c, arg, "part of a name");
		(void)strcpy(w->filter, arg);
		return CMD_OK;
	default:
		return cmd_usage(w->ctx, &command_watch, CMD_USAGE);
	}
}

static int
watch_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct ifnet_error e;
	struct cmd_opts o;
	struct watch w;
	int c, code, i;

	memset(&w, 0, sizeof(w));
	w.ctx = ctx;
	w.interval_ns = 1000000000;
	cmd_opts_init(&o, ctx, &command_watch, argc, argv);
	while ((c = cmd_getopt(&o)) != -1) {
		code = parse_option(&w, c, o.o_arg);
		if (code != CMD_OK)
			return code;
	}
	w.nnames = argc - o.o_next;
	w.names = argv + o.o_next;
	for (i = 0; i < w.nnames; i++)
		if (cmd_check_ifname(w.names[i], false, &e) != 0) {
			cmd_err(ctx, "watch: %s", e.text);
			return CMD_USAGE;
		}
	return ctx->cc_check ? CMD_OK : run_named(&w);
}

static const struct cmd_word watch_words[] = {
	{ "-c", "COUNT", "end after so many intervals" },
	{ "-w", "SECONDS", "the interval; 1 if not given" },
	{ "-i", "SECONDS", "the same" },
	{ "-s", "name|state|in-pps|in-bps|out-pps|out-bps|drops",
	    "sort by a column; rates: the largest first" },
	{ "-r", NULL, "the other way round" },
	{ "-f", "TEXT", "only interfaces with this in their name" },
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_watch = {
	.c_name = "watch",
	.c_synopsis = "[--json] [-c COUNT] [-w SECONDS] [-s COLUMN] [-r] "
	    "[-f TEXT] [IF ...]",
	.c_summary = "show live rates of interfaces",
	.c_example = "watch -s in-bps -w 5",
	.c_words = watch_words,
	.c_operand = "IF",
	.c_when = CMD_NOT_CONFIG,
	.c_run = watch_run,
};
