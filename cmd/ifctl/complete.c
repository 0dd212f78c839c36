/*
 * Completion, for the interactive shell and for bash.
 */

#include <string.h>

#include "ifctl.h"

#include "kern/vis.h"

struct filter {
	const char	*prefix;
	size_t		 len;
	void		(*add)(void *, const char *);
	void		*arg;
};

static void
filter_add(void *arg, const char *word)
{
	struct filter *f = arg;
	char seen[VIS_SIZE(256)];

	/* A driver's word that could not be shown is none. */
	(void)vis_line(seen, sizeof(seen), word, strlen(word));
	if (strncmp(word, f->prefix, f->len) == 0 && strcmp(seen, word) == 0)
		f->add(f->arg, word);
}

static int
filter_vnet(const char *name, unsigned interfaces, void *arg)
{

	(void)interfaces;
	filter_add(arg, name);
	return 0;
}

void
complete(struct cmd_ctx *ctx, int argc, char **argv,
    void (*add)(void *, const char *), void *arg)
{
	const struct command *const *p;
	const struct command *c;
	struct filter f;

	if (argc == 0)
		return;
	f.prefix = argv[argc - 1];
	f.len = strlen(f.prefix);
	f.add = add;
	f.arg = arg;
	while (argc > 1 && (strcmp(argv[0], "-n") == 0 ||
	    strcmp(argv[0], "-s") == 0)) {
		if (argc == 2) {
			if (argv[0][1] == 'n' && ctx->cc_client != NULL)
				(void)ifnet_vnet_list(ctx->cc_client,
				    filter_vnet, &f, NULL);
			return;
		}
		if (argv[0][1] == 'n' && ctx->cc_client != NULL)
			(void)ifnet_set_vnet(ctx->cc_client, argv[1], NULL);
		argc -= 2;
		argv += 2;
	}
	if (argc == 1) {
		for (p = commands; *p != NULL; p++)
			filter_add(&f, (*p)->c_name);
		return;
	}
	c = command_find(argv[0]);
	if (c != NULL)
		command_complete(ctx, c, argc, argv, filter_add, &f);
}
