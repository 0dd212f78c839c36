/*
 * The command line of ifnetd.
 */

#include "ifnetd.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ifnet/client.h>
#include <ifnet/kern.h>

#include "client/client_url.h"

enum {
	OPT_CTL = 256, OPT_CTL_TIMEOUT, OPT_CPUS, OPT_DAEMON, OPT_GROUP,
	OPT_LOG_LEVEL, OPT_MBUFS, OPT_MODE, OPT_PIDFILE, OPT_VERSION
};

/* Parser, usage and help are made of this table. */
static const struct {
	const char	*name;
	int		 code;		/* below OPT_CTL: a letter as well */
	const char	*arg;		/* NULL: takes none */
	const char	*help;		/* "\n" begins another line */
} options[] = {
	{ "config", 'f', "FILE",
	    "run the lines of FILE (as after ifctl) at start" },
	{ "ctl", OPT_CTL, "URL",
	    "listen there (default " IFNET_URL_DEFAULT ";\n"
	    "when not root, or not the machine's root,\n"
	    "ifnetd.sock in $XDG_RUNTIME_DIR)" },
	{ "daemon", OPT_DAEMON, NULL, "go into the background once ready" },
	{ "cpus", OPT_CPUS, "N", "packet-processing threads (default 1)" },
	{ "mbufs", OPT_MBUFS, "N", "packet buffers (default 16384)" },
	{ "group", OPT_GROUP, "NAME",
	    "its members may change the configuration" },
	{ "mode", OPT_MODE, "OCTAL",
	    "mode of the socket (default 0666: anybody may look)" },
	{ "pidfile", OPT_PIDFILE, "FILE", "write the process number there" },
	{ "ctl-timeout", OPT_CTL_TIMEOUT, "SECONDS",
	    "disconnect a client that does not read its answer\n"
	    "for so long (default 30)" },
	{ "log-level", OPT_LOG_LEVEL, "LEVEL",
	    "error, warning, notice (default), info or debug" },
	{ "help", 'h', NULL, "show this" },
	{ "version", OPT_VERSION, NULL, "show the version" },
};
#define NOPTIONS	(sizeof(options) / sizeof(options[0]))

#define USAGE_WIDTH	74	/* of a line */
#define HELP_INDENT	22	/* of an option's help */

/* "--mode OCTAL" */
static void
option_text(size_t i, char *buf, size_t size)
{

	(void)snprintf(buf, size, "--%s%s%s", options[i].name,
	    options[i].arg != NULL ? " " : "",
	    options[i].arg != NULL ? options[i].arg : "");
}

static void
put_usage(FILE *fp)
{
	char word[64];
	int column;

	column = fprintf(fp, "usage: ifnetd");
	for (size_t i = 0; i < NOPTIONS; i++) {
		if (options[i].code == 'h' || options[i].code == OPT_VERSION)
			continue;
		option_text(i, word, sizeof(word));
		if (column + (int)strlen(word) + 3 > USAGE_WIDTH)
			column = fprintf(fp, "\n%13s", "") - 1;
		column += fprintf(fp, " [%s]", word);
	}
	(void)fputs("\n       ifnetd --help | --version\n", fp);
}

static void
put_help(FILE *fp)
{
	char word[64];
	const char *p;
	size_t len;

	for (size_t i = 0; i < NOPTIONS; i++) {
		if (options[i].code < OPT_CTL)
			len = (size_t)fprintf(fp, "\n  -%c, ",
			    options[i].code) - 1;
		else
			len = (size_t)fprintf(fp, "\n  ") - 1;
		option_text(i, word, sizeof(word));
		len += (size_t)fprintf(fp, "%s", word);
		/* A long option has its help on the next line. */
		if (len + 2 > HELP_INDENT)
			len = (size_t)fprintf(fp, "\n") - 1;
		for (p = options[i].help; *p != '\0'; p += p[0] == '\n') {
			(void)fprintf(fp, "%*s", (int)(HELP_INDENT - len), "");
			len = strcspn(p, "\n");
			(void)fwrite(p, 1, len, fp);
			p += len;
			if (*p == '\n')
				(void)fputc('\n', fp);
			len = 0;
		}
	}
	(void)fputc('\n', fp);
}

static void __attribute__((__noreturn__, __format__(__printf__, 1, 2)))
usage_error(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	complain("%s", line);
	put_usage(stderr);
	exit(2);
}

static unsigned
parse_number(const char *what, const char *text, unsigned min, unsigned max,
    int base)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(text, &end, base);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' ||
	    v < min || v > max) {
		if (base == 8)
			usage_error("%s %s: not an octal mode up to %o", what,
			    text, max);
		usage_error("%s %s: not a number from %u to %u", what, text,
		    min, max);
	}
	return (unsigned)v;
}

static gid_t
parse_group(const char *name)
{
	struct group *gr;
	unsigned long v;
	char *end;

	gr = getgrnam(name);
	if (gr != NULL)
		return gr->gr_gid;
	errno = 0;
	v = strtoul(name, &end, 10);
	if (errno != 0 || end == name || *end != '\0' || name[0] == '-' ||
	    v >= UINT_MAX)
		usage_error("--group %s: no such group", name);
	return (gid_t)v;
}

static int
parse_level(const char *text)
{
	static const struct {
		const char	*name;
		int		 level;
	} levels[] = {
		{ "error", KLOG_ERR }, { "warning", KLOG_WARNING },
		{ "notice", KLOG_NOTICE }, { "info", KLOG_INFO },
		{ "debug", KLOG_DEBUG },
	};
	size_t i;

	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(levels[i].name, text) == 0 ||
		    (text[0] == '0' + levels[i].level && text[1] == '\0'))
			return levels[i].level;
	}
	usage_error("--log-level %s: not one of error, warning, notice, "
	    "info, debug", text);
}

/* The default URL to listen at. */
static const char *
default_url(void)
{
	static char url[CLIENT_URL_MAX];

	if (!client_url_own(url))
		usage_error("there is no directory for a socket of uid %u: "
		    "$XDG_RUNTIME_DIR is not set or too long, and %s is not "
		    "for this user; --ctl URL says where to listen",
		    (unsigned)geteuid(), IFNET_URL_DEFAULT);
	return url;
}

static const char *
parse_url(const char *url)
{
	const size_t prefix = sizeof(CLIENT_URL_SCHEME) - 1;

	if (strncmp(url, CLIENT_URL_SCHEME, prefix) != 0 ||
	    url[prefix] == '\0')
		usage_error("--ctl %s: not a URL like " IFNET_URL_DEFAULT,
		    url);
	return url;
}

static void
parse_option(struct options *o, int opt, const char *arg)
{

	switch (opt) {
	case 'f':
		if (o->o_config != NULL)
			usage_error("-f can be given once");
		o->o_config = arg;
		break;
	case OPT_CTL:
		o->o_url = parse_url(arg);
		break;
	case OPT_CTL_TIMEOUT:
		o->o_ctl_timeout = parse_number("--ctl-timeout", arg, 1, 3600,
		    10);
		break;
	case OPT_CPUS:
		o->o_cpus = parse_number("--cpus", arg, 1, CPU_MAX, 10);
		break;
	case OPT_DAEMON:
		o->o_daemon = true;
		break;
	case OPT_GROUP:
		o->o_group = parse_group(arg);
		break;
	case OPT_LOG_LEVEL:
		o->o_log_level = parse_level(arg);
		break;
	case OPT_MBUFS:
		o->o_mbufs = parse_number("--mbufs", arg, 256, 1u << 24, 10);
		break;
	case OPT_MODE:
		o->o_mode = parse_number("--mode", arg, 0, 0777, 8);
		break;
	case OPT_PIDFILE:
		o->o_pidfile = arg;
		break;
	case 'h':
		put_usage(stdout);
		put_help(stdout);
		exit(0);
	case OPT_VERSION:
		(void)puts("ifnetd " IFNET_VERSION);
		exit(0);
	}
}

void
parse_options(struct options *o, int argc, char **argv)
{
	struct option longopts[NOPTIONS + 1];
	char letters[2 * NOPTIONS + 2] = ":", *p = letters + 1;
	int opt;

	memset(longopts, 0, sizeof(longopts));
	for (size_t i = 0; i < NOPTIONS; i++) {
		longopts[i].name = options[i].name;
		longopts[i].has_arg = options[i].arg != NULL;
		longopts[i].val = options[i].code;
		if (options[i].code >= OPT_CTL)
			continue;
		*p++ = (char)options[i].code;
		if (options[i].arg != NULL)
			*p++ = ':';
	}
	*p = '\0';

	memset(o, 0, sizeof(*o));
	o->o_group = (gid_t)-1;
	o->o_cpus = 1;
	o->o_mode = 0666;
	o->o_log_level = KLOG_NOTICE;
	/* The words of getopt_long() would show a wrong option as it is. */
	opterr = 0;
	while ((opt = getopt_long(argc, argv, letters, longopts, NULL)) != -1) {
		if (opt == ':')
			usage_error("%s: a value is missing",
			    argv[optind - 1]);
		if (opt == '?' && optopt == 0)
			usage_error("%s: unknown option", argv[optind - 1]);
		if (opt == '?' && (optopt == 'h' || optopt >= OPT_CTL))
			usage_error("%s: the option takes no value",
			    argv[optind - 1]);
		if (opt == '?')
			usage_error("-%c: unknown option", optopt);
		parse_option(o, opt, optarg);
	}
	if (optind < argc)
		usage_error("%s: an argument that is not expected",
		    argv[optind]);
	if (o->o_url == NULL)
		o->o_url = default_url();
}
