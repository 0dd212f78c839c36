/*
 * A configuration that is applied again: which interface of today a line's name
 * means, when an earlier run has renamed or moved it, and which number a create
 * without one has.
 *
 * All words of the file are known before its first line runs.  Each `ifconfig
 * IF name NEW' and `ifconfig IF vnet VNET' is a step from one name to another.
 * While no interface has a line's name, the steps of that line and of those
 * behind it lead to the interface.
 */

#include "command/command_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct step {
	size_t		 st_line;
	struct cmd_where st_from, st_to;
};

/* The next number of a kind, for creates without one. */
struct kind {
	char		 ki_vnet[CMD_VNETSIZE], ki_name[IFNAMSIZ];
	unsigned	 ki_next;
};

struct cmd_again {
	size_t		 ca_line;	/* that is being read, or run */
	struct step	*ca_steps;
	size_t		 ca_nsteps, ca_first;	/* of this line or later */
	char		(*ca_asked)[IFNAMSIZ];	/* names with a number */
	size_t		 ca_nasked;
	struct kind	*ca_kinds;
	size_t		 ca_nkinds;
};

static int
compare(const void *a, const void *b)
{

	return strcmp(a, b);
}

/* Append an object of zeros to an array; NULL: no memory. */
static void *
append(void *arrayp, size_t *n, size_t size)
{
	char **array = arrayp, *more;

	/* The array doubles when its number is a power of two. */
	if ((*n & (*n - 1)) == 0) {
		more = realloc(*array, (*n == 0 ? 1 : 2 * *n) * size);
		if (more == NULL)
			return NULL;
		*array = more;
	}
	return memset(*array + (*n)++ * size, 0, size);
}

struct cmd_again *
cmd_again_create(void)
{

	return calloc(1, sizeof(struct cmd_again));
}

void
cmd_again_free(struct cmd_again *ca)
{

	if (ca == NULL)
		return;
	free(ca->ca_steps);
	free(ca->ca_asked);
	free(ca->ca_kinds);
	free(ca);
}

static void
where_set(struct cmd_where *w, const char *vnet, const char *name)
{

	(void)snprintf(w->wh_vnet, sizeof(w->wh_vnet), "%s",
	    vnet == NULL ? "" : vnet);
	(void)snprintf(w->wh_name, sizeof(w->wh_name), "%s", name);
}

static bool
where_equal(const struct cmd_where *a, const struct cmd_where *b)
{

	return strcmp(a->wh_vnet, b->wh_vnet) == 0 &&
	    strcmp(a->wh_name, b->wh_name) == 0;
}

/* Note the names with a number, which creates without one leave alone. */
static bool
note_asked(struct cmd_again *ca, const char *word)
{
	const char *colon = strchr(word, ':');
	char (*name)[IFNAMSIZ];
	size_t len;

	if (colon != NULL)
		word = colon + 1;
	len = strlen(word);
	if (len < 2 || len >= IFNAMSIZ || !isalpha((unsigned char)word[0]) ||
	    !isdigit((unsigned char)word[len - 1]))
		return true;
	name = append(&ca->ca_asked, &ca->ca_nasked, sizeof(*name));
	if (name == NULL)
		return false;
	memcpy(*name, word, len);
	return true;
}

int
cmd_again_read(struct cmd_again *ca, const char *vnet, int argc, char **argv)
{
	struct cmd_where at;
	struct step *st;

	ca->ca_line++;
	while (argc > 2 && strcmp(argv[0], "-n") == 0) {
		vnet = argv[1];
		argc -= 2;
		argv += 2;
	}
	for (int i = 1; i < argc; i++)
		if (!note_asked(ca, argv[i]))
			return ENOMEM;
	if (argc < 3 || strcmp(argv[0], "ifconfig") != 0)
		return 0;
	where_set(&at, vnet, argv[1]);
	for (int i = 2; i + 1 < argc; i++) {
		if (strcmp(argv[i], "name") != 0 &&
		    strcmp(argv[i], "vnet") != 0)
			continue;
		st = append(&ca->ca_steps, &ca->ca_nsteps, sizeof(*st));
		if (st == NULL)
			return ENOMEM;
		st->st_line = ca->ca_line;
		st->st_from = at;
		if (argv[i][0] == 'n')
			where_set(&at, vnet, argv[i + 1]);
		else
			where_set(&at, argv[i + 1], st->st_from.wh_name);
		st->st_to = at;
		i++;
	}
	return 0;
}

void
cmd_again_begin(struct cmd_again *ca)
{

	ca->ca_line = 0;
	if (ca->ca_nasked > 0)
		qsort(ca->ca_asked, ca->ca_nasked, IFNAMSIZ, compare);
}

void
cmd_again_line(struct cmd_again *ca)
{

	ca->ca_line++;
	while (ca->ca_first < ca->ca_nsteps &&
	    ca->ca_steps[ca->ca_first].st_line < ca->ca_line)
		ca->ca_first++;
}

bool
cmd_again_number(struct cmd_ctx *ctx, char name[IFNAMSIZ])
{
	struct cmd_again *ca = ctx->cc_applied;
	const char *vnet = ctx->cc_vnet == NULL ? "" : ctx->cc_vnet;
	char full[IFNAMSIZ + 16];
	struct kind *ki = NULL;

	for (size_t i = 0; i < ca->ca_nkinds && ki == NULL; i++)
		if (strcmp(ca->ca_kinds[i].ki_vnet, vnet) == 0 &&
		    strcmp(ca->ca_kinds[i].ki_name, name) == 0)
			ki = &ca->ca_kinds[i];
	if (ki == NULL) {
		ki = append(&ca->ca_kinds, &ca->ca_nkinds, sizeof(*ki));
		if (ki == NULL)
			return false;
		(void)snprintf(ki->ki_vnet, sizeof(ki->ki_vnet), "%s", vnet);
		(void)snprintf(ki->ki_name, sizeof(ki->ki_name), "%s", name);
	}
	do {
		(void)snprintf(full, sizeof(full), "%s%u", name,
		    ki->ki_next++);
	} while (ca->ca_nasked > 0 && bsearch(full, ca->ca_asked,
	    ca->ca_nasked, IFNAMSIZ, compare) != NULL);
	if (strlen(full) >= IFNAMSIZ)
		return false;
	memcpy(name, full, strlen(full) + 1);
	return true;
}

/* Does an interface have the name, and is it of the kind, unless that is
 * NULL? */
static bool
is_there(struct cmd_ctx *ctx, const struct cmd_where *w, const char *kind)
{
	struct ifnet_error e;
	struct cmd_if *ci;
	bool is;

	if (ifnet_set_vnet(ctx->cc_client, w->wh_vnet, &e) != 0)
		return false;
	is = cmd_iflist_get(ctx->cc_client, w->wh_name, IFNET_LINK |
	    IFNET_DETAIL, &ci, &e) == 0;
	(void)ifnet_set_vnet(ctx->cc_client, ctx->cc_vnet == NULL ? "" :
	    ctx->cc_vnet, NULL);
	if (!is)
		return false;
	is = kind == NULL || cmd_if_is_kind(ci, kind);
	cmd_iflist_free(ci);
	return is;
}

bool
cmd_again_where(struct cmd_ctx *ctx, const char *name, const char *kind,
    struct cmd_where *w)
{
	const struct cmd_again *ca = ctx->cc_applied;
	const struct step *st;
	struct cmd_where at;
	bool any = false;

	where_set(w, ctx->cc_vnet, name);
	if (ca == NULL)
		return false;
	at = *w;
	/* The name of a kind means another interface in each line. */
	for (size_t i = ca->ca_first; i < ca->ca_nsteps; i++) {
		st = &ca->ca_steps[i];
		if (!where_equal(&at, &st->st_from) ||
		    (!any && kind != NULL && strcmp(name, kind) == 0 &&
		    st->st_line != ca->ca_line))
			continue;
		if (is_there(ctx, &at, NULL))
			break;
		at = st->st_to;
		any = true;
	}
	if (!any || !is_there(ctx, &at, kind))
		return false;
	*w = at;
	return true;
}
