/*
 * ifctl: the command-line client of ifnetd.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ifctl.h"

#include "kern/vis.h"

static volatile int interrupted;

static void
on_interrupt(int sig)
{

	(void)sig;
	interrupted = 1;
}

void
interrupt_arm(void)
{
	struct sigaction sa;

	interrupted = 0;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_interrupt;
	/* A second ^C kills the process, since not every wait checks the
	 * flag. */
	sa.sa_flags = (int)SA_RESETHAND;
	(void)sigaction(SIGINT, &sa, NULL);
	if (!isatty(STDIN_FILENO))
		(void)sigaction(SIGTERM, &sa, NULL);
}

struct options {
	const char	*url;		/* NULL: $IFNETD or the default */
	const char	*vnet;
	const char	*file;		/* of a configuration; NULL */
	bool		 help, version, complete;
};

static void
usage(FILE *fp)
{

	(void)fprintf(fp, "usage: ifctl [-s URL] [-n VNET] [COMMAND "
	    "[ARGUMENT ...]]\n       ifctl [-s URL] [-n VNET] -f FILE\n"
	    "       (\"ifctl help\" lists the "
	    "commands)\n");
}

static void
unknown_option(const char *word)
{
	char seen[512];

	(void)fprintf(stderr, "ifctl: unknown option %s\n",
	    vis_line(seen, sizeof(seen), word, strlen(word)));
}

/* Parse global options; returns the index of the first word after them, or
 * -1. */
static int
parse_options(int argc, char **argv, struct options *op)
{
	const struct command_option *co;
	const char *word, *value;
	int i;

	memset(op, 0, sizeof(*op));
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		word = argv[i];
		if (strcmp(word, "--") == 0)
			return i + 1;
		if (strcmp(word, "--complete") == 0) {
			op->complete = true;
			return i + 1;
		}
		co = command_option_find(word);
		if (co == NULL) {
			unknown_option(word);
			return -1;
		}
		if (co->co_arg == NULL) {
			op->help |= co->co_letter == 'h';
			op->version |= co->co_letter == 'V';
			continue;
		}
		value = word[2] != '\0' ? word + 2 :
		    i + 1 < argc ? argv[++i] : NULL;
		if (value == NULL) {
			(void)fprintf(stderr, "ifctl: option -%c needs a "
			    "value\n", word[1]);
			return -1;
		}
		if (co->co_letter == 'f')
			op->file = value;
		else if (co->co_letter == 's')
			op->url = value;
		else
			op->vnet = value;
	}
	return i;
}

static struct ifnet_client *
connect_again(void *arg, struct ifnet_error *e)
{

	return ifnet_connect(arg, e);
}

/* Does the command work without a daemon? */
static bool
is_local(int argc, char **argv)
{

	return strcmp(argv[0], "help") == 0 ||
	    strcmp(argv[0], "version") == 0 ||
	    command_asks_help(argc, argv);
}

static int
run(struct cmd_ctx *ctx, const struct options *op, int argc, char **argv)
{
	struct ifnet_error e;
	int code;

	/* A wrong word is reported without a daemon. */
	if (argc > 0) {
		ctx->cc_check = true;
		code = command_run(ctx, argc, argv);
		ctx->cc_check = false;
		if (code != CMD_OK)
			return code;
		if (is_local(argc, argv)) {
			/* Help describes the daemon's drivers as well. */
			ctx->cc_client = ifnet_connect(op->url, NULL);
			code = command_run(ctx, argc, argv);
			if (ctx->cc_client != NULL)
				ifnet_close(ctx->cc_client);
			return code;
		}
	}
	memset(&e, 0, sizeof(e));
	ctx->cc_client = ifnet_connect(op->url, &e);
	if (ctx->cc_client == NULL) {
		command_complain(ctx, e.text);
		return CMD_FAIL;
	}
	interrupt_arm();
	if (op->file != NULL) {
		code = command_file(ctx, op->file, &e) == 0 ? CMD_OK :
		    CMD_FAIL;
		if (code != CMD_OK)
			command_complain(ctx, e.text);
	} else if (argc > 0)
		code = command_run(ctx, argc, argv);
	else if (isatty(STDIN_FILENO))
		code = shell(ctx, op->url);
	else
		code = batch(ctx);
	ifnet_close(ctx->cc_client);
	return code;
}

/* Commands come from a terminal (if the output is one, too), or from a pipe or
 * file. */
static bool
has_input(void)
{
	int c;

	if (isatty(STDIN_FILENO))
		return isatty(STDOUT_FILENO);
	c = getc(stdin);
	if (c == EOF)
		return false;
	(void)ungetc(c, stdin);
	return true;
}

static void
print_candidate(void *arg, const char *word)
{

	(void)arg;
	(void)printf("%s\n", word);
}

/* Write the options that begin with this word. */
static void
complete_option(const char *word)
{
	const struct command_option *co;

	for (co = command_options; co->co_letter != '\0'; co++) {
		if (word[1] == '\0' || (word[1] == co->co_letter &&
		    word[2] == '\0'))
			(void)printf("-%c\n", co->co_letter);
		if (co->co_long != NULL &&
		    strncmp(co->co_long, word, strlen(word)) == 0)
			(void)printf("%s\n", co->co_long);
	}
}

/* ifctl --complete [-s URL] [-n VNET] WORD ...: write the candidates for the
 * last word. */
static int
run_complete(struct cmd_ctx *ctx, const char *url, int argc, char **argv)
{
	int i;

	for (i = 0; i + 2 < argc; i += 2) {
		if (strcmp(argv[i], "-s") == 0)
			url = argv[i + 1];
		else if (strcmp(argv[i], "-n") != 0)
			break;
	}
	if (i + 1 == argc && argv[i][0] == '-') {
		complete_option(argv[i]);
		return CMD_OK;
	}
	/* Without a daemon only the fixed words are completed. */
	ctx->cc_client = ifnet_connect(url, NULL);
	complete(ctx, argc, argv, print_candidate, NULL);
	if (ctx->cc_client != NULL)
		ifnet_close(ctx->cc_client);
	return CMD_OK;
}

/*
 * With a standard descriptor closed, the connection to the daemon would get its
 * number, and output would be sent to it.  It is opened for the opposite
 * direction, so that its use still fails.
 */
static bool
standard_descriptors(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		/* The lowest free number, so it is this one. */
		if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY :
		    O_RDONLY) != fd)
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct options op;
	struct cmd_ctx ctx;
	char help[] = "help", version[] = "version";
	char *one[] = { NULL, NULL };
	int code, first;

	if (!standard_descriptors())
		return CMD_FAIL;
	first = parse_options(argc, argv, &op);
	if (first < 0) {
		usage(stderr);
		return CMD_USAGE;
	}
	argc -= first;
	argv += first;
	memset(&ctx, 0, sizeof(ctx));
	ctx.cc_connect = connect_again;
	ctx.cc_connect_arg = (void *)(uintptr_t)op.url;
	ctx.cc_out = stdout;
	ctx.cc_err = stderr;
	ctx.cc_vnet = op.vnet;
	ctx.cc_tty = isatty(STDOUT_FILENO);
	ctx.cc_interrupted = &interrupted;
	ctx.cc_open_tap = tun_open_here;
	ctx.cc_screen = screen_terminal();
	if (op.help || op.version) {
		one[0] = op.help ? help : version;
		argc = 1;
		argv = one;
	}
	if (op.complete)
		code = run_complete(&ctx, op.url, argc, argv);
	else if (op.file != NULL ? argc != 0 : argc == 0 && !has_input())
		code = -1;
	else
		code = run(&ctx, &op, argc, argv);
	if (code < 0) {
		usage(stderr);
		code = CMD_USAGE;
	}
	/* A write error means that the output is incomplete: fail. */
	if (fflush(stdout) != 0 || ferror(stdout))
		code = code == CMD_OK ? CMD_FAIL : code;
	return code;
}
