/*
 * Tables of words: finding one, suggesting one, completing one, and help.
 */

#include "command/command_impl.h"

#include <stdlib.h>
#include <string.h>

/* Candidates of one completion are a screenful, no list of all interfaces. */
#define CREATE_TEXT	1024

const struct cmd_word *
cmd_word_find(const struct cmd_word *table, const char *word, bool *negated)
{
	const struct cmd_word *w;

	*negated = false;
	for (w = table; w != NULL && w->w_name != NULL; w++)
		if (strcmp(w->w_name, word) == 0)
			return w;
	if (word[0] != '-')
		return NULL;
	for (w = table; w != NULL && w->w_name != NULL; w++)
		if ((w->w_flags & CMD_W_NOT) != 0 &&
		    strcmp(w->w_name, word + 1) == 0) {
			*negated = true;
			return w;
		}
	return NULL;
}

unsigned
cmd_distance(const char *a, const char *b)
{
	unsigned row[3][32], i, j, d, m;
	size_t la = strlen(a), lb = strlen(b);

	if (la > 30 || lb > 30)
		return UINT32_MAX;
	for (j = 0; j <= lb; j++)
		row[0][j] = j;
	for (i = 1; i <= la; i++) {
		row[i % 3][0] = i;
		for (j = 1; j <= lb; j++) {
			d = row[(i - 1) % 3][j - 1] + (a[i - 1] != b[j - 1]);
			m = row[(i - 1) % 3][j] + 1;
			d = m < d ? m : d;
			m = row[i % 3][j - 1] + 1;
			d = m < d ? m : d;
			/* Two exchanged neighbours count as one mistake. */
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1]) {
				m = row[(i - 2) % 3][j - 2] + 1;
				d = m < d ? m : d;
			}
			row[i % 3][j] = d;
		}
	}
	return row[la % 3][lb];
}

/* The distance up to which a word is suggested: one mistake for three letters,
 * or a common beginning. */
static unsigned
unlikeness(const char *typed, const char *word)
{
	size_t len = strlen(typed);
	unsigned d = cmd_distance(typed, word);

	if (len >= 2 && strncmp(typed, word, len) == 0)
		return 1;
	return d <= (len + 1) / 3 ? d : UINT32_MAX;
}

const struct cmd_word *
cmd_word_like(const struct cmd_word *table, const char *word, unsigned flags)
{
	const struct cmd_word *w, *best = NULL;
	unsigned d, least = UINT32_MAX;

	for (w = table; w != NULL && w->w_name != NULL; w++) {
		if ((w->w_flags & flags) != flags)
			continue;
		d = unlikeness(word, w->w_name);
		if (d < least) {
			least = d;
			best = w;
		}
	}
	return best;
}

const struct cmd_word *
cmd_verb(struct cmd_ctx *ctx, const struct command *c, const char *word)
{
	const struct cmd_word *w;

	for (w = c->c_words; w->w_name != NULL; w++)
		if ((w->w_flags & CMD_W_VERB) != 0 &&
		    strcmp(w->w_name, word) == 0)
			return w;
	w = cmd_word_like(c->c_words, word, CMD_W_VERB);
	if (w != NULL)
		cmd_err(ctx, "%s: unknown command %s (did you mean %s?)",
		    c->c_name, word, w->w_name);
	else
		cmd_err(ctx, "%s: unknown command %s", c->c_name, word);
	return NULL;
}

/* --- completion ---------------------------------------------------------- */

static bool
is_member(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	for (; list != NULL && *list != '\0'; list += n + (list[n] == ' ')) {
		n = strcspn(list, " ");
		if (n == len && strncmp(list, word, n) == 0)
			return true;
	}
	return false;
}

bool
cmd_word_goes(const struct cmd_word *w, const char *verb)
{

	return w->w_of == NULL || is_member(w->w_of, verb);
}

struct fill {
	cmd_add_fn	*add;
	void		*arg;
};

static int
fill_vnet(const char *name, unsigned interfaces, void *arg)
{
	struct fill *f = arg;

	(void)interfaces;
	f->add(f->arg, name);
	return 0;
}

static void
complete_choice(const char *words, cmd_add_fn *add, void *arg)
{
	char word[32];
	size_t n;

	for (; *words != '\0'; words += n + (words[n] == '|')) {
		n = strcspn(words, "|");
		(void)snprintf(word, sizeof(word), "%.*s", (int)n, words);
		add(arg, word);
	}
}

/* Add the candidates for a kind of value. */
static void
complete_value(struct cmd_ctx *ctx, const char *kind, cmd_add_fn *add,
    void *arg)
{
	struct fill f = { add, arg };

	if (strcmp(kind, "IF") == 0)
		cmd_complete_if(ctx, add, arg);
	else if (strcmp(kind, "VNET") == 0 && ctx->cc_client != NULL)
		(void)ifnet_vnet_list(ctx->cc_client, fill_vnet, &f, NULL);
	else if (strcmp(kind, "COMMAND") == 0)
		for (size_t i = 0; commands[i] != NULL; i++)
			add(arg, commands[i]->c_name);
	else if (kind[0] >= 'a' && kind[0] <= 'z')
		complete_choice(kind, add, arg);
}

/* The verb among the words, or NULL. */
static const struct cmd_word *
verb_of(const struct command *c, int argc, char **argv)
{
	const struct cmd_word *w;

	for (int i = 1; i < argc - 1; i++)
		for (w = c->c_words; w->w_name != NULL; w++)
			if ((w->w_flags & CMD_W_VERB) != 0 &&
			    strcmp(w->w_name, argv[i]) == 0)
				return w;
	return NULL;
}

/* Add the parameters of the kind of an interface that is to be created. */
static void
complete_create(struct cmd_ctx *ctx, const char *ifname, cmd_add_fn *add,
    void *arg)
{
	char text[CREATE_TEXT], word[32];
	const char *p;
	size_t n;

	if (!cmd_create_words(ctx, ifname, text, sizeof(text)))
		return;
	for (p = text; *p != '\0'; p += n + (p[n] != '\0')) {
		n = strcspn(p, "\n");
		(void)snprintf(word, sizeof(word), "%.*s",
		    (int)strcspn(p, " :\n"), p);
		add(arg, word);
	}
}

static bool
is_creating(const struct command *c, int argc, char **argv)
{

	return c == &command_ifconfig && argc >= 4 &&
	    strcmp(argv[2], "create") == 0;
}

static void
complete_words(struct cmd_ctx *ctx, const struct command *c, int argc,
    char **argv, cmd_add_fn *add, void *arg)
{
	const struct cmd_word *w, *verb = verb_of(c, argc, argv);
	bool has_verbs = false, creating = is_creating(c, argc, argv);
	char word[32];

	for (w = c->c_words; w->w_name != NULL; w++) {
		has_verbs |= (w->w_flags & CMD_W_VERB) != 0;
		if ((w->w_flags & CMD_W_VERB) != 0 ? verb != NULL :
		    w->w_of != NULL && (verb == NULL ||
		    !is_member(w->w_of, verb->w_name)))
			continue;
		/* The driver lists which of these words it takes. */
		if ((w->w_flags & CMD_W_CREATE) != 0)
			continue;
		add(arg, w->w_name);
		if ((w->w_flags & CMD_W_NOT) == 0)
			continue;
		(void)snprintf(word, sizeof(word), "-%s", w->w_name);
		add(arg, word);
	}
	if (creating)
		complete_create(ctx, argv[1], add, arg);
	if (verb != NULL && verb->w_arg != NULL)
		complete_value(ctx, verb->w_arg, add, arg);
	if (c->c_operand != NULL && (!has_verbs || verb == NULL))
		complete_value(ctx, c->c_operand, add, arg);
}

void
command_complete(struct cmd_ctx *ctx, const struct command *c, int argc,
    char **argv, cmd_add_fn *add, void *arg)
{

	if (c->c_complete != NULL)
		c->c_complete(ctx, argc, argv, add, arg);
	else
		command_complete_words(ctx, c, argc, argv, add, arg);
}

void
command_complete_words(struct cmd_ctx *ctx, const struct command *c, int argc,
    char **argv, cmd_add_fn *add, void *arg)
{
	const struct cmd_word *w;
	bool negated;

	if (argc < 2)
		return;
	if (c->c_words == NULL) {
		if (c->c_operand != NULL)
			complete_value(ctx, c->c_operand, add, arg);
		return;
	}
	/* The word is the value of the word before it. */
	w = argc > 2 ? cmd_word_find(c->c_words, argv[argc - 2], &negated) :
	    NULL;
	if (w != NULL && w->w_arg != NULL && (w->w_flags & CMD_W_VERB) == 0 &&
	    (!negated || (w->w_flags & CMD_W_NOTARG) != 0)) {
		complete_value(ctx, w->w_arg, add, arg);
		return;
	}
	complete_words(ctx, c, argc, argv, add, arg);
}

/* --- help ---------------------------------------------------------------- */

static void
word_text(const struct cmd_word *w, char *buf, size_t size)
{

	(void)snprintf(buf, size, "%s%s%s%s",
	    (w->w_flags & CMD_W_NOT) != 0 ? "[-]" : "", w->w_name,
	    w->w_arg != NULL ? " " : "", w->w_arg != NULL ? w->w_arg : "");
}

static void
help_words(struct cmd_ctx *ctx, const struct command *c)
{
	const struct cmd_word *w;
	bool starred = false;
	char text[64];

	for (w = c->c_words; w != NULL && w->w_name != NULL; w++) {
		word_text(w, text, sizeof(text));
		starred |= (w->w_flags & CMD_W_ADMIN) != 0;
		(void)fprintf(ctx->cc_out, "  %-22s%c %s\n", text,
		    (w->w_flags & CMD_W_ADMIN) != 0 ? '*' : ' ', w->w_help);
	}
	if (c->c_admin)
		(void)fprintf(ctx->cc_out, "for root and the daemon's "
		    "administrators\n");
	else if (starred)
		(void)fprintf(ctx->cc_out, "* for root and the daemon's "
		    "administrators\n");
}

/* Print the drivers' own descriptions of their parameters; nothing without a
 * daemon. */
static void
help_create(struct cmd_ctx *ctx)
{
	char (*names)[IFNAMSIZ], text[CREATE_TEXT];
	struct ifnet_error e;
	const char *p;
	int i, n;
	size_t len;

	if (ctx->cc_client == NULL ||
	    (names = cmd_cloners(ctx->cc_client, &n, &e)) == NULL)
		return;
	(void)fprintf(ctx->cc_out, "kinds of interface, and the parameters "
	    "of create:\n");
	for (i = 0; i < n; i++) {
		if (!cmd_create_words(ctx, names[i], text, sizeof(text)))
			text[0] = '\0';
		if (text[0] == '\0')
			cmd_row(ctx, "  %s", names[i]);
		for (p = text; *p != '\0'; p += len + (p[len] != '\0')) {
			len = strcspn(p, "\n");
			cmd_row(ctx, "  %-6s %.*s", names[i], (int)len, p);
		}
	}
	free(names);
}

void
cmd_help(struct cmd_ctx *ctx, const struct command *c)
{

	(void)fprintf(ctx->cc_out, "%s: %s\n", c->c_name, c->c_summary);
	cmd_print_usage(ctx->cc_out, c);
	help_words(ctx, c);
	if (c == &command_ifconfig)
		help_create(ctx);
	if (c->c_example != NULL)
		(void)fprintf(ctx->cc_out, "example: ifctl %s\n",
		    c->c_example);
}

static void
json_word(struct json *j, const struct cmd_word *w)
{

	json_object(j, NULL);
	json_text(j, "word", w->w_name);
	if (w->w_arg != NULL)
		json_text(j, "value", w->w_arg);
	json_text(j, "help", w->w_help);
	json_bool(j, "verb", (w->w_flags & CMD_W_VERB) != 0);
	json_bool(j, "negated", (w->w_flags & CMD_W_NOT) != 0);
	json_bool(j, "administrator", (w->w_flags & CMD_W_ADMIN) != 0);
	if (w->w_of != NULL)
		json_text(j, "of", w->w_of);
	json_end(j);
}

int
cmd_help_json(struct cmd_ctx *ctx, const struct command *only)
{
	const struct cmd_word *w;
	const struct command *c;
	struct json j;

	json_begin(&j, ctx, JSON_PRETTY);
	json_array(&j, NULL);
	for (size_t i = 0; (c = commands[i]) != NULL; i++) {
		if (only != NULL && c != only)
			continue;
		json_object(&j, NULL);
		json_text(&j, "command", c->c_name);
		json_text(&j, "summary", c->c_summary);
		json_text(&j, "synopsis", c->c_synopsis);
		if (c->c_example != NULL)
			json_text(&j, "example", c->c_example);
		json_bool(&j, "administrator", c->c_admin);
		json_bool(&j, "configuration", c->c_when == CMD_ALWAYS);
		json_array(&j, "words");
		for (w = c->c_words; w != NULL && w->w_name != NULL; w++)
			json_word(&j, w);
		json_end(&j);
		json_end(&j);
	}
	json_end(&j);
	return json_done(&j);
}
