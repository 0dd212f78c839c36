/*
 * extcap: the interface through which Wireshark lists a program's interfaces
 * and captures on them.  An interface is "ifnet:VNET:IF" there.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX	"ifnet:"

enum question { NONE, INTERFACES, DLTS, CONFIG, CAPTURE };

struct extcap {
	enum question	 ex_question;
	const char	*ex_interface, *ex_fifo, *ex_filter, *ex_dir;
	unsigned	 ex_dirs;	/* of ex_dir: IFNET_PKT_* */
	uint64_t	 ex_snaplen;
	char		 ex_vnet[32];
	char		 ex_ifname[IFNAMSIZ];
};

static int
usage(struct cmd_ctx *ctx)
{

	return cmd_usage(ctx, &command_extcap, CMD_USAGE);
}

/* --- the words ------------------------------------------------------------ */

static bool
parse_question(struct extcap *ex, const char *word)
{
	static const struct {
		const char	*word;
		enum question	 question;
	} questions[] = {
		{ "--extcap-interfaces", INTERFACES },
		{ "--extcap-dlts", DLTS },
		{ "--extcap-config", CONFIG },
		{ "--capture", CAPTURE },
	};

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		if (strcmp(word, questions[i].word) == 0) {
			ex->ex_question = questions[i].question;
			return true;
		}
	return false;
}

/*
 * Parse "--name value" or "--name=value"; unknown options are skipped, for
 * newer Wiresharks.  Returns the number of words used.
 */
static int
parse_value(struct extcap *ex, int argc, char **argv)
{
	const struct {
		const char	*name;
		const char	**value;
	} values[] = {
		{ "--extcap-interface", &ex->ex_interface },
		{ "--extcap-capture-filter", &ex->ex_filter },
		{ "--fifo", &ex->ex_fifo },
		{ "--direction", &ex->ex_dir },
	};
	size_t len = strcspn(argv[0], "=");
	const char *value = NULL;
	int taken = 1;

	if (argv[0][len] == '=')
		value = argv[0] + len + 1;
	else if (argc > 1 && strncmp(argv[1], "--", 2) != 0) {
		value = argv[1];
		taken = 2;
	}
	if (value == NULL)
		return taken;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (strlen(values[i].name) == len &&
		    memcmp(argv[0], values[i].name, len) == 0)
			*values[i].value = value;
	if (len == strlen("--snaplen") &&
	    memcmp(argv[0], "--snaplen", len) == 0 &&
	    !cmd_parse_num(value, IFNET_SNAPLEN_MAX, &ex->ex_snaplen))
		ex->ex_snaplen = 0;
	return taken;
}

static bool
split_interface(struct extcap *ex)
{
	const char *p = ex->ex_interface, *colon;

	if (p == NULL || strncmp(p, PREFIX, strlen(PREFIX)) != 0)
		return false;
	p += strlen(PREFIX);
	colon = strchr(p, ':');
	if (colon == NULL || colon == p ||
	    (size_t)(colon - p) >= sizeof(ex->ex_vnet) ||
	    strlen(colon + 1) >= sizeof(ex->ex_ifname))
		return false;
	memcpy(ex->ex_vnet, p, (size_t)(colon - p));
	memcpy(ex->ex_ifname, colon + 1, strlen(colon + 1));
	return cmd_check_ifname(ex->ex_ifname, false, NULL) == 0;
}

static bool
parse_direction(struct extcap *ex)
{

	ex->ex_dirs = IFNET_PKT_IN | IFNET_PKT_OUT;
	if (ex->ex_dir == NULL || strcmp(ex->ex_dir, "inout") == 0)
		return true;
	ex->ex_dirs = strcmp(ex->ex_dir, "in") == 0 ? IFNET_PKT_IN :
	    strcmp(ex->ex_dir, "out") == 0 ? IFNET_PKT_OUT : 0;
	return ex->ex_dirs != 0;
}

/* --- the answers ---------------------------------------------------------- */

struct vnets {
	char		(*names)[32];
	size_t		 n, max;
};

static int
collect(const char *name, unsigned interfaces, void *arg)
{
	struct vnets *v = arg;
	void *more;

	(void)interfaces;
	if (v->n == v->max) {
		v->max = v->max == 0 ? 64 : 2 * v->max;
		more = realloc(v->names, v->max * sizeof(v->names[0]));
		if (more == NULL)
			return ENOMEM;
		v->names = more;
	}
	(void)snprintf(v->names[v->n++], sizeof(v->names[0]), "%s", name);
	return 0;
}

static int
interfaces(struct cmd_ctx *ctx)
{
	struct vnets v = { NULL, 0, 0 };
	struct cmd_if *list, *ci;
	struct ifnet_error e;

	memset(&e, 0, sizeof(e));
	(void)fputs("extcap {version=" IFNET_VERSION "}\n", ctx->cc_out);
	if (ifnet_vnet_list(ctx->cc_client, collect, &v, &e) != 0) {
		free(v.names);
		return cmd_fail(ctx, &e, "extcap: %s", e.text);
	}
	for (size_t i = 0; i < v.n; i++) {
		if (ifnet_set_vnet(ctx->cc_client, v.names[i], &e) != 0 ||
		    cmd_iflist_get(ctx->cc_client, NULL, IFNET_LINK, &list,
		    &e) != 0)
			continue;	/* it went meanwhile */
		for (ci = list; ci != NULL; ci = ci->ci_next)
			(void)fprintf(ctx->cc_out, "interface {value="
			    PREFIX "%s:%s}{display=ifnet: %s%s%s}\n",
			    v.names[i], ci->ci_name, i == 0 ? "" : v.names[i],
			    i == 0 ? "" : " ", ci->ci_name);
		cmd_iflist_free(list);
	}
	free(v.names);
	return CMD_OK;
}

static int
dlts(struct cmd_ctx *ctx, const struct extcap *ex)
{
	struct ifnet_error e;
	unsigned linktype;

	memset(&e, 0, sizeof(e));
	if (ifnet_set_vnet(ctx->cc_client, ex->ex_vnet, &e) != 0 ||
	    ifnet_linktype(ctx->cc_client, ex->ex_ifname, &linktype, &e) != 0)
		return cmd_fail(ctx, &e, "extcap: %s", e.text);
	(void)fputs(linktype == CMD_DLT_ETHER ?
	    "dlt {number=1}{name=EN10MB}{display=Ethernet}\n" :
	    "dlt {number=101}{name=RAW}{display=Raw IP}\n", ctx->cc_out);
	return CMD_OK;
}

static int
config(struct cmd_ctx *ctx)
{

	(void)fprintf(ctx->cc_out,
	    "arg {number=0}{call=--direction}{display=Direction}"
	    "{type=selector}{tooltip=Which packets to capture}\n"
	    "value {arg=0}{value=inout}{display=In and out}{default=true}\n"
	    "value {arg=0}{value=in}{display=In}\n"
	    "value {arg=0}{value=out}{display=Out}\n"
	    "arg {number=1}{call=--snaplen}{display=Bytes of a packet}"
	    "{type=integer}{range=0,%d}{default=0}"
	    "{tooltip=How much of a packet to keep; 0 for all}\n",
	    IFNET_SNAPLEN_MAX);
	return CMD_OK;
}

static int
capture(struct cmd_ctx *ctx, const struct extcap *ex)
{
	struct dump du = {
		.du_ifname = ex->ex_ifname, .du_file = ex->ex_fifo,
		.du_snaplen = (unsigned)ex->ex_snaplen,
		.du_dirs = ex->ex_dirs,
		.du_filter = ex->ex_filter != NULL ? ex->ex_filter : "",
		.du_quiet = true,
	};
	struct ifnet_client *c;
	struct ifnet_error e;
	int code = CMD_FAIL;

	c = cmd_connect(ctx);
	if (c == NULL)
		return CMD_FAIL;
	if (ifnet_set_vnet(c, ex->ex_vnet, &e) == 0)
		code = dump_run(ctx, c, &du);
	ifnet_close(c);
	return code;
}

/* Wireshark checks a filter: no output means that it is valid. */
static int
check_filter(struct cmd_ctx *ctx, const struct extcap *ex)
{
	struct cmd_program prog;
	struct ifnet_error e;

	memset(&e, 0, sizeof(e));
	if (cmd_compile(ex->ex_filter, CMD_DLT_ETHER, &prog, &e) != 0)
		cmd_row(ctx, "%s", e.text);
	cmd_program_free(&prog);
	return CMD_OK;
}

static int
extcap_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct extcap ex;
	int i;

	memset(&ex, 0, sizeof(ex));
	for (i = 1; i < argc;) {
		if (parse_question(&ex, argv[i]))
			i++;
		else if (strncmp(argv[i], "--", 2) == 0)
			i += parse_value(&ex, argc - i, argv + i);
		else
			return usage(ctx);
	}
	if (ex.ex_question == NONE && ex.ex_filter == NULL)
		return usage(ctx);
	if (ex.ex_question != INTERFACES && ex.ex_interface != NULL &&
	    !split_interface(&ex)) {
		cmd_err(ctx, "extcap: \"%s\" is no interface of ours",
		    ex.ex_interface);
		return CMD_USAGE;
	}
	if ((ex.ex_question == DLTS || ex.ex_question == CAPTURE) &&
	    ex.ex_interface == NULL)
		return usage(ctx);
	if (ex.ex_question == CAPTURE && ex.ex_fifo == NULL)
		return usage(ctx);
	if (!parse_direction(&ex)) {
		cmd_err(ctx, "extcap: --direction %s: bad value (in, out or "
		    "inout)", ex.ex_dir);
		return CMD_USAGE;
	}
	if (ctx->cc_check)
		return CMD_OK;
	switch (ex.ex_question) {
	case INTERFACES:
		return interfaces(ctx);
	case DLTS:
		return dlts(ctx, &ex);
	case CONFIG:
		return config(ctx);
	case CAPTURE:
		return capture(ctx, &ex);
	default:
		return check_filter(ctx, &ex);
	}
}

static const struct cmd_word extcap_words[] = {
	{ "--extcap-interfaces", NULL, "list the interfaces" },
	{ "--extcap-dlts", NULL, "name the link type of one" },
	{ "--extcap-config", NULL, "list the settings of a capture" },
	{ "--capture", NULL, "capture" },
	{ "--extcap-interface", "INTERFACE", "which one: ifnet:VNET:IF" },
	{ "--extcap-capture-filter", "FILTER",
	    "only such packets; alone: is it right?" },
	{ "--fifo", "FILE", "where packets go" },
	{ "--direction", "in|out|inout", "the direction of the packets" },
	{ "--snaplen", "BYTES", "keep so many bytes of a packet" },
	CMD_WORD_END
};

const struct command command_extcap = {
	.c_name = "extcap",
	.c_synopsis = "--extcap-interfaces\n"
	    "--extcap-dlts --extcap-interface INTERFACE\n"
	    "--extcap-config --extcap-interface INTERFACE\n"
	    "--capture --extcap-interface INTERFACE --fifo FILE",
	.c_summary = "answer Wireshark (used by its extcap/ifnet)",
	.c_example = "extcap --extcap-interfaces",
	.c_words = extcap_words,
	.c_when = CMD_NOT_CONFIG,
	.c_run = extcap_run,
};
