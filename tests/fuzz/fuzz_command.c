/*
 * Command lines: splitting, parsing without doing, and doing, each line of
 * the input against a stack.
 */

#include "fuzz_stack.h"

#include "command/command.h"

#define NLINES	16

static void
split(const char *line)
{
	struct ifnet_error e;
	char **argv;
	int argc;

	if (command_split(line, &argc, &argv, &e) != 0)
		return;
	for (int i = 0; i < argc; i++)
		KASSERT(strlen(argv[i]) <= strlen(line));
	KASSERT(argv[argc] == NULL);
	free(argv);
}

static struct ifnet_client *
connect_vnet(void *arg, struct ifnet_error *e)
{

	return vnet_client(arg, e);
}

/* Some commands go on until they are told to stop: these are, at once. */
static bool
goes_on(const char *line)
{
	static const char *const words[] = { "ping", "watch", "monitor",
	    "netstat" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(line, words[i]) != NULL)
			return true;
	/* A quote may hide a word. */
	return strpbrk(line, "\"'\\") != NULL;
}

static void
execute(struct vnet *vn, const char *line, bool check)
{
	volatile int interrupted = goes_on(line);
	struct ifnet_error e;
	struct cmd_ctx ctx;
	char *text = NULL;
	size_t size = 0;
	int error;

	memset(&ctx, 0, sizeof(ctx));
	memset(&e, 0, sizeof(e));
	ctx.cc_out = ctx.cc_err = open_memstream(&text, &size);
	KASSERT(ctx.cc_out != NULL);
	ctx.cc_vnet = "v";
	ctx.cc_check = check;
	ctx.cc_interrupted = &interrupted;
	if (!check) {
		ctx.cc_client = vnet_client(vn, &e);
		KASSERT(ctx.cc_client != NULL);
		ctx.cc_connect = connect_vnet;
		ctx.cc_connect_arg = vn;
	}
	error = command_line(&ctx, line, &e);
	/* A command that is refused says why, in one line. */
	KASSERT(error == 0 || (e.code == error && e.text[0] != '\0'));
	KASSERT(error == 0 || strchr(e.text, '\n') == NULL);
	if (ctx.cc_client != NULL)
		ifnet_close(ctx.cc_client);
	(void)fclose(ctx.cc_out);
	KASSERT(memchr(text, '\0', size) == NULL);
	free(text);
}

static void
run(struct host *h, void *arg)
{
	struct ifnet_stack *st = fuzz_stack_create(h);
	char *next = arg, *line;
	struct vnet *vn;

	(void)fuzz_vnet_create(st, "v");
	for (unsigned i = 0; i < NLINES; i++) {
		line = strsep(&next, "\n");
		if (line == NULL)
			break;
		split(line);
		execute(NULL, line, true);
		vn = vnet_lookup(st, "v");
		if (vn == NULL)		/* a line destroyed it */
			break;
		execute(vn, line, false);
		ifnet_stack_run(st);
	}
	fuzz_stack_destroy(st);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	text = malloc(size + 1);
	KASSERT(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	fuzz_on_sim(run, text);
	free(text);
	return 0;
}
