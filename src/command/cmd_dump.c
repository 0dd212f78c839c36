/*
 * dump: capture packets, as pcapng or one line each.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* The time to wait for a packet before checking for an interruption. */
#define WAIT_MS		200
#define LOOK_NS		500000000u	/* between looks at the name */
#define FILTER_MAX	1024

/* A running capture. */
struct running {
	struct cmd_ctx	*ctx;
	struct ifnet_client *c;
	const struct dump *du;
	FILE		*fp;
	int		 fd;		/* behind fp; -1: none */
	unsigned	 linktype;
	uint64_t	 written;
	bool		 broken;	/* fp takes no more */
	struct cmd_follow follow;	/* handle 0: not known */
	uint64_t	 look;		/* the next, on cmd_now()'s clock */
};

static bool
put(struct running *r, const struct ifnet_packet *p)
{

	if (r->du->du_text)
		dump_print(r->fp, r->linktype, p);
	else if (!pcapng_packet(r->fp, p))
		r->broken = true;
	r->broken |= ferror(r->fp) != 0;
	r->written += !r->broken;
	return !r->broken;
}

/* Has the reader of the output gone?  Otherwise only a write would tell. */
static bool
reader_gone(int fd)
{
	struct pollfd pfd = { .fd = fd };

	return fd >= 0 && poll(&pfd, 1, 0) == 1 &&
	    (pfd.revents & (POLLERR | POLLNVAL)) != 0;
}

/* Get the next packet; buffered output is written before a wait. */
static int
next(struct running *r, struct ifnet_packet *p, struct ifnet_error *e)
{
	int error;

	error = ifnet_capture_next(r->c, 0, p, e);
	if (error != ETIMEDOUT)
		return error;
	if (fflush(r->fp) != 0 || reader_gone(r->fd)) {
		r->broken = true;
		return EPIPE;
	}
	return ifnet_capture_next(r->c, WAIT_MS, p, e);
}

static bool
enough(const struct running *r)
{

	return r->broken || cmd_interrupted(r->ctx) ||
	    (r->du->du_count != 0 && r->written >= r->du->du_count);
}

/* Say so when the interface has been renamed. */
static void
look(struct running *r)
{
	struct ifnet_error e;
	struct cmd_if *ci;

	if (r->follow.cf_handle == 0 || cmd_now() < r->look)
		return;
	r->look = cmd_now() + LOOK_NS;
	if (cmd_follow_get(r->ctx, &r->follow, IFNET_LINK, &ci, &e) != 0)
		return;
	cmd_follow_tell(r->ctx, "dump", &r->follow, ci->ci_name);
	cmd_iflist_free(ci);
}

/* Capture until the count is reached, or the capture ends by itself; returns
 * its errno. */
static int
loop(struct running *r, struct ifnet_error *e)
{
	struct ifnet_packet p;
	int error = 0;

	while (error == 0 && !enough(r)) {
		error = next(r, &p, e);
		if (error == 0)
			(void)put(r, &p);
		else if (error == ETIMEDOUT || error == EINTR)
			error = 0;
		look(r);
	}
	if (error != 0)
		return r->broken ? 0 : error;
	/* Packets from before the stop still belong to the capture. */
	error = ifnet_capture_stop(r->c, e);
	while (error == 0 || error == EINTR) {
		error = ifnet_capture_next(r->c, -1, &p, e);
		if (error == 0 && !r->broken &&
		    (r->du->du_count == 0 || r->written < r->du->du_count))
			(void)put(r, &p);
	}
	return error == ENODATA ? 0 : error;
}

static void
summary(struct running *r)
{
	struct ifnet_capture_stats cs;

	ifnet_capture_stats(r->c, &cs);
	if (!r->du->du_text && !r->broken &&
	    !pcapng_end(r->fp, &cs, r->written))
		r->broken = true;
	if (fflush(r->fp) != 0)
		r->broken = true;
	if (r->du->du_quiet)
		return;
	(void)fprintf(r->ctx->cc_err, "%llu packets captured, %llu seen, "
	    "%llu not wanted by the filter, %llu dropped\n",
	    (unsigned long long)r->written,
	    (unsigned long long)cs.received,
	    (unsigned long long)cs.filtered,
	    (unsigned long long)cs.dropped);
}

static int
report(struct running *r, int error, const struct ifnet_error *e)
{
	struct cmd_ctx *ctx = r->ctx;

	if (error == ENXIO) {
		/* The capture is complete: there are no more packets. */
		if (r->follow.cf_handle != 0)
			cmd_follow_gone(ctx, "dump", &r->follow);
		else if (!r->du->du_quiet)
			cmd_err(ctx, "dump %s: the interface is gone",
			    r->du->du_ifname);
		return CMD_OK;
	}
	if (error != 0)
		return cmd_fail(ctx, e, "dump %s: %s", r->du->du_ifname,
		    e->text);
	return CMD_OK;
}

/* ^C must not cut a block in two while it waits for a slow reader. */
static ssize_t
write_whole(void *arg, const char *buf, size_t size)
{
	const struct running *r = arg;
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = write(r->fd, buf + done, size - done);
		if (n < 0 && errno != EINTR)
			return 0;
		done += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)done;
}

static int
close_file(void *arg)
{
	const struct running *r = arg;

	return r->fd == fileno(r->ctx->cc_out) ? 0 : close(r->fd);
}

/* Returns CMD_OK, or the code of a failure after its message. */
static int
open_output(struct running *r)
{
	static const cookie_io_functions_t io = {
		.write = write_whole, .close = close_file,
	};
	const char *file = r->du->du_file;

	if (file == NULL || strcmp(file, "-") == 0) {
		(void)fflush(r->ctx->cc_out);
		r->fd = fileno(r->ctx->cc_out);
		r->fp = r->ctx->cc_out;
		if (r->fd < 0)
			return CMD_OK;	/* memory of this program */
	} else {
		r->fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0666);
		if (r->fd < 0) {
			cmd_err(r->ctx, "dump: %s: %s", file,
			    strerror(errno));
			return CMD_FAIL;
		}
	}
	r->fp = fopencookie(r, "w", io);
	if (r->fp != NULL)
		return CMD_OK;
	if (r->fd != fileno(r->ctx->cc_out))
		(void)close(r->fd);
	cmd_err(r->ctx, "dump: out of memory");
	return CMD_FAIL;
}

/* The reader's end is no error: it is a usual way to end a capture. */
static int
close_output(struct running *r, int code)
{
	bool ours = r->du->du_file != NULL && strcmp(r->du->du_file, "-") != 0;

	if (r->fp != r->ctx->cc_out && fclose(r->fp) != 0)
		r->broken = true;
	if (!ours || !r->broken || r->du->du_quiet)
		return code;
	cmd_err(r->ctx, "dump: %s could not be written whole",
	    r->du->du_file);
	return CMD_FAIL;
}

static int
capture(struct running *r)
{
	struct ifnet_error e;
	int code, error;

	memset(&e, 0, sizeof(e));
	code = open_output(r);
	if (code != CMD_OK)
		return code;
	if (!r->du->du_text && !pcapng_begin(r->fp, r->du->du_ifname,
	    r->linktype, r->du->du_snaplen != 0 ? r->du->du_snaplen :
	    IFNET_SNAPLEN_MAX, r->du->du_filter))
		r->broken = true;
	/* A reader may need the header, with the link type, before the first
	 * packet. */
	if (fflush(r->fp) != 0)
		r->broken = true;
	error = loop(r, &e);
	summary(r);
	code = report(r, error, &e);
	return close_output(r, code);
}

/* Find the interface's handle, so that the capture can say where the interface
 * went. */
static void
remember(struct running *r)
{
	struct ifnet_error e;
	struct cmd_if *ci;

	(void)snprintf(r->follow.cf_name, sizeof(r->follow.cf_name), "%s",
	    r->du->du_ifname);
	if (cmd_follow_get(r->ctx, &r->follow, IFNET_LINK, &ci, &e) == 0)
		cmd_iflist_free(ci);
}

int
dump_run(struct cmd_ctx *ctx, struct ifnet_client *c, const struct dump *du)
{
	struct running r = { .ctx = ctx, .c = c, .du = du };
	char why[IFNET_ERROR_TEXT + 8];
	struct cmd_program prog;
	struct ifnet_capture ic;
	struct ifnet_error e;
	int error;

	memset(&e, 0, sizeof(e));
	memset(&prog, 0, sizeof(prog));
	error = ifnet_linktype(c, du->du_ifname, &r.linktype, &e);
	if (error == 0 && du->du_filter[0] != '\0')
		error = cmd_compile(du->du_filter, r.linktype, &prog, &e);
	if (error == 0 && ctx->cc_client != NULL && !du->du_quiet)
		remember(&r);
	if (error == 0) {
		memset(&ic, 0, sizeof(ic));
		ic.ifname = du->du_ifname;
		ic.dirs = du->du_dirs;
		ic.snaplen = du->du_snaplen;
		ic.buffer = du->du_buffer;
		ic.linktype = r.linktype;
		ic.program = prog.cp_insns;
		ic.ninsns = prog.cp_n;
		if (!du->du_nopromisc)
			ic.flags |= IFNET_CAPTURE_PROMISC;
		error = ifnet_capture_begin(c, &ic, &e);
	}
	cmd_program_free(&prog);
	if (error != 0)
		return cmd_fail(ctx, &e, "dump %s: %s%s", du->du_ifname,
		    cmd_strerror(error),
		    cmd_reason(&e, why, sizeof(why)));
	return capture(&r);
}

/* --- the command ---------------------------------------------------------- */

static int
usage(struct cmd_ctx *ctx)
{

	return cmd_usage(ctx, &command_dump, CMD_USAGE);
}

static int
bad(struct cmd_ctx *ctx, int c, const char *arg, const char *what)
{

	cmd_err(ctx, "dump: -%c %s: bad value (%s)", c, arg, what);
	return CMD_USAGE;
}

static int
option(struct cmd_ctx *ctx, struct dump *du, int c, const char *arg)
{
	uint64_t v;

	switch (c) {
	case 'n':
		return CMD_OK;		/* addresses are all there is */
	case 'p':
		du->du_nopromisc = true;
		return CMD_OK;
	case 't':
		du->du_text = true;
		return CMD_OK;
	case 'w':
		du->du_file = arg;
		return CMD_OK;
	case 'c':
		if (!cmd_parse_num(arg, UINT32_MAX, &du->du_count) ||
		    du->du_count == 0)
			return bad(ctx, c, arg, "a number above 0");
		return CMD_OK;
	case 's':
		if (!cmd_parse_num(arg, 262144, &v))
			return bad(ctx, c, arg, "bytes; 0 for all");
		du->du_snaplen = v > IFNET_SNAPLEN_MAX ? 0 : (unsigned)v;
		return CMD_OK;
	case 'B':
		if (!cmd_parse_num(arg, 65536, &v) || v < 128)
			return bad(ctx, c, arg, "KiB, 128 to 65536");
		du->du_buffer = (unsigned)v * 1024;
		return CMD_OK;
	case 'Q':
		du->du_dirs = strcmp(arg, "in") == 0 ? IFNET_PKT_IN :
		    strcmp(arg, "out") == 0 ? IFNET_PKT_OUT :
		    strcmp(arg, "inout") == 0 ? IFNET_PKT_IN | IFNET_PKT_OUT :
		    0;
		return du->du_dirs != 0 ? CMD_OK :
		    bad(ctx, c, arg, "in, out or inout");
	default:
		return usage(ctx);
	}
}

static int
options(struct cmd_ctx *ctx, struct dump *du, struct cmd_opts *o)
{
	int c, code = CMD_OK;

	while (code == CMD_OK &&
	    (c = cmd_getopt(o)) != -1)
		code = option(ctx, du, c, o->o_arg);
	return code;
}

/* Is the filter valid for any kind of interface? */
static bool
filter_ok(struct cmd_ctx *ctx, const char *name, const char *filter)
{
	struct cmd_program prog;
	struct ifnet_error e, other;
	bool ok;

	memset(&e, 0, sizeof(e));
	ok = cmd_compile(filter, CMD_DLT_ETHER, &prog, &e) == 0;
	cmd_program_free(&prog);
	if (!ok) {
		ok = cmd_compile(filter, CMD_DLT_RAW, &prog, &other) == 0;
		cmd_program_free(&prog);
	}
	if (!ok)
		cmd_err(ctx, "%s: %s", name, e.text);
	return ok;
}

static int
dump_command(struct cmd_ctx *ctx, int argc, char **argv)
{
	char filter[FILTER_MAX + 1];
	struct ifnet_client *c;
	struct ifnet_error e;
	struct cmd_opts o;
	struct dump du;
	int code;

	memset(&du, 0, sizeof(du));
	du.du_dirs = IFNET_PKT_IN | IFNET_PKT_OUT;
	cmd_opts_init(&o, ctx, &command_dump, argc, argv);
	code = options(ctx, &du, &o);
	if (code != CMD_OK)
		return code;
	if (o.o_next >= argc)
		return cmd_usage_why(ctx, &command_dump, CMD_USAGE,
		    "an interface is missing");
	du.du_ifname = argv[o.o_next++];
	code = options(ctx, &du, &o);
	if (code != CMD_OK)
		return code;
	if (cmd_check_ifname(du.du_ifname, false, &e) != 0) {
		cmd_err(ctx, "dump: %s", e.text);
		return CMD_USAGE;
	}
	(void)cmd_join(argc - o.o_next, argv + o.o_next, filter,
	    sizeof(filter));
	du.du_filter = filter;
	if (strlen(filter) >= FILTER_MAX) {
		cmd_err(ctx, "dump: the filter has more than %d characters",
		    FILTER_MAX - 1);
		return CMD_USAGE;
	}
	if (ctx->cc_check)
		return filter_ok(ctx, "dump", filter) ? CMD_OK : CMD_USAGE;
	if (du.du_file == NULL && ctx->cc_tty)
		du.du_text = true;
	c = cmd_connect(ctx);
	if (c == NULL)
		return CMD_FAIL;
	code = dump_run(ctx, c, &du);
	ifnet_close(c);
	return code;
}

static const struct cmd_word dump_words[] = {
	{ "-B", "KIB", "buffer of each CPU, 128 to 65536; 1024 if not given" },
	{ "-c", "COUNT", "end after so many packets" },
	{ "-n", NULL, "changes nothing: no name of an address is looked up" },
	{ "-p", NULL, "do not make the interface promiscuous" },
	{ "-Q", "in|out|inout", "the direction of the packets" },
	{ "-s", "SNAPLEN", "keep so many bytes of a packet; 0 for all" },
	{ "-t", NULL, "a line for each packet, also when not on a terminal" },
	{ "-w", "FILE", "write pcapng to a file; - for standard output" },
	CMD_WORD_END
};

const struct command command_dump = {
	.c_name = "dump",
	.c_synopsis = "IF [-pt] [-w FILE] [-c COUNT] [-s SNAPLEN] "
	    "[-Q in|out|inout] [-B KIB] [FILTER ...]",
	.c_summary = "capture packets, for the eye, tcpdump or Wireshark",
	.c_example = "dump tap0 -w tap0.pcapng tcp port 179",
	.c_words = dump_words,
	.c_operand = "IF",
	.c_admin = true,
	.c_when = CMD_NOT_CONFIG,
	.c_run = dump_command,
};
