/*
 * ifconfig KIND create N: many interfaces with few round trips.  The line's
 * other actions are done for each; if one is refused, no interface is left.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE	1000

struct many {
	struct ifconfig_run *ma_run;
	const struct ifconfig_action *ma_create;
	char		(*ma_name)[IFNAMSIZ];
	size_t		 ma_names;	/* names there are before */
	size_t		 ma_made;
	struct cmd_progress ma_progress;
};

bool
ifconfig_for_many(const struct ifconfig_action *a)
{

	switch (a->ia_kind) {
	case IFCONFIG_CREATE:
		return a->ia_fd < 0 && !a->ia_here && a->ia_host == NULL &&
		    strncmp(a->ia_params, "peer ", 5) != 0;
	case IFCONFIG_FLAGS:
	case IFCONFIG_MTU:
	case IFCONFIG_METRIC:
	case IFCONFIG_LINKSTR:
	case IFCONFIG_DESCR:
	case IFCONFIG_CAP:
	case IFCONFIG_GROUP:
		return true;
	default:
		return false;
	}
}

/* Create up to AT_ONCE more interfaces. */
static int
make_some(struct many *ma, struct if_createreq *req, size_t n)
{
	struct ifconfig_run *r = ma->ma_run;
	struct ifnet_batch *b;
	struct ifnet_error e;
	size_t done = 0, i;
	int error = 0;

	memset(&e, 0, sizeof(e));
	b = ifnet_batch_begin(r->ctx->cc_client, &e);
	if (b == NULL)
		return cmd_fail(r->ctx, &e, "ifconfig %s: %s", r->ifname,
		    e.text);
	memset(req, 0, n * sizeof(*req));
	for (i = 0; error == 0 && i < n; i++) {
		(void)snprintf(req[i].ifcr_name, sizeof(req[i].ifcr_name),
		    "%s", ma->ma_names == 0 ? r->ifname :
		    ma->ma_name[ma->ma_made + i]);
		(void)snprintf(req[i].ifcr_params, sizeof(req[i].ifcr_params),
		    "%s", ma->ma_create->ia_params);
		error = ifnet_batch_add_ioctl(b, SIOCIFCREATE, &req[i],
		    sizeof(req[i]), &e);
	}
	if (error == 0)
		error = ifnet_batch_run(b, &done, &e);
	else
		ifnet_batch_cancel(b);
	for (i = 0; i < done; i++) {
		req[i].ifcr_name[IFNAMSIZ - 1] = '\0';
		memcpy(ma->ma_name[ma->ma_made++], req[i].ifcr_name,
		    IFNAMSIZ);
	}
	e.code = error;
	return error == 0 ? CMD_OK : ifconfig_refused(r,
	    ma->ma_create->ia_words, "SIOCIFCREATE", &e);
}

static int
compare(const void *a, const void *b)
{

	return strcmp(a, b);
}

/* Sort the names of the group's interfaces into an array; ENOENT: none. */
static int
group_names(struct ifconfig_run *r, char (**names)[IFNAMSIZ], size_t *n)
{
	struct cmd_if *list, *ci;
	struct ifnet_error e;

	*n = 0;
	if (cmd_iflist_get(r->ctx->cc_client, r->ifname, IFNET_LINK |
	    IFNET_GROUP, &list, &e) != 0)
		return ENOENT;
	for (ci = list; ci != NULL; ci = ci->ci_next)
		++*n;
	*names = calloc(*n + 1, sizeof(**names));
	*n = 0;
	for (ci = list; ci != NULL && *names != NULL; ci = ci->ci_next)
		memcpy((*names)[(*n)++], ci->ci_name, IFNAMSIZ);
	cmd_iflist_free(list);
	if (*names == NULL)
		return ENOMEM;
	qsort(*names, *n, sizeof(**names), compare);
	return 0;
}

/*
 * In a configuration file the interfaces have numbers, so that a second run
 * finds those of the first: the names of these come first, as made.
 */
static int
name_all(struct many *ma)
{
	size_t count = ma->ma_create->ia_count, n, made = 0, last = count;
	struct ifconfig_run *r = ma->ma_run;
	char (*have)[IFNAMSIZ] = NULL, name[IFNAMSIZ];
	int error;

	error = group_names(r, &have, &n);
	if (error == ENOMEM) {
		cmd_err(r->ctx, "ifconfig: out of memory");
		return CMD_FAIL;
	}
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "%s", r->ifname);
		if (!cmd_again_number(r->ctx, name)) {
			cmd_err(r->ctx, "ifconfig %s create %zu: no number is "
			    "left", r->ifname, count);
			free(have);
			return CMD_FAIL;
		}
		memcpy(ma->ma_name[n > 0 && bsearch(name, have, n,
		    sizeof(*have), compare) != NULL ? made++ : --last], name,
		    IFNAMSIZ);
	}
	free(have);
	/* The names to be made, in their order. */
	for (size_t i = made, j = count; i + 1 < j; i++) {
		memcpy(name, ma->ma_name[i], IFNAMSIZ);
		memcpy(ma->ma_name[i], ma->ma_name[--j], IFNAMSIZ);
		memcpy(ma->ma_name[j], name, IFNAMSIZ);
	}
	ma->ma_names = count;
	ma->ma_made = made;
	return CMD_OK;
}

static int
make_all(struct many *ma)
{
	size_t count = ma->ma_create->ia_count, n;
	struct if_createreq *req;
	int code = CMD_OK;

	req = calloc(AT_ONCE, sizeof(*req));
	if (req == NULL) {
		cmd_err(ma->ma_run->ctx, "ifconfig: out of memory");
		return CMD_FAIL;
	}
	while (code == CMD_OK && ma->ma_made < count) {
		if (cmd_interrupted(ma->ma_run->ctx)) {
			cmd_err(ma->ma_run->ctx, "ifconfig: interrupted");
			code = CMD_FAIL;
			break;
		}
		n = count - ma->ma_made;
		code = make_some(ma, req, n < AT_ONCE ? n : AT_ONCE);
		cmd_progress(&ma->ma_progress, ma->ma_made);
	}
	free(req);
	return code;
}

/* Carry out the actions that follow create, on each interface. */
static int
set_all(struct many *ma, const struct ifconfig_action *acts, size_t n)
{
	struct ifconfig_run *r = ma->ma_run;
	int code = CMD_OK;
	size_t i, j;

	for (i = 0; n > 0 && code == CMD_OK && i < ma->ma_made; i++) {
		memcpy(r->ifname, ma->ma_name[i], IFNAMSIZ);
		for (j = 0; code == CMD_OK && j < n; j++)
			code = ifconfig_act(r, &acts[j]);
		if (code == CMD_OK && cmd_interrupted(r->ctx)) {
			cmd_err(r->ctx, "ifconfig: interrupted");
			code = CMD_FAIL;
		}
		cmd_progress(&ma->ma_progress, i);
	}
	return code;
}

/* Destroy the interfaces that were made.  If the connection is lost, the stack
 * does it. */
static void
take_back(struct many *ma)
{
	struct cmd_ctx *ctx = ma->ma_run->ctx;
	struct ifnet_error e;
	unsigned long long n;

	if (ifnet_rollback(ctx->cc_client, &n, &e) == 0 && n > 0)
		cmd_err(ctx, "%llu that had been created %s destroyed again",
		    n, n == 1 ? "was" : "were");
}

int
ifconfig_create_many(struct ifconfig_run *r,
    const struct ifconfig_action *acts, size_t n)
{
	struct many ma = { .ma_run = r, .ma_create = acts };
	struct ifnet_error e;
	size_t i;
	int code;

	ma.ma_name = calloc(acts->ia_count, sizeof(*ma.ma_name));
	if (ma.ma_name == NULL) {
		cmd_err(r->ctx, "ifconfig: out of memory");
		return CMD_FAIL;
	}
	if (ifnet_begin(r->ctx->cc_client, &e) != 0) {
		free(ma.ma_name);
		return cmd_fail(r->ctx, &e, "ifconfig %s: %s", r->ifname,
		    e.text);
	}
	cmd_progress_begin(&ma.ma_progress, r->ctx, "interfaces",
	    acts->ia_count);
	code = r->ctx->cc_applied != NULL ? name_all(&ma) : CMD_OK;
	if (code == CMD_OK)
		code = make_all(&ma);
	if (code == CMD_OK)
		code = set_all(&ma, acts + 1, n - 1);
	if (code != CMD_OK)
		take_back(&ma);
	else if (ifnet_commit(r->ctx->cc_client, &e) != 0)
		code = cmd_fail(r->ctx, &e, "ifconfig %s: %s", r->ifname,
		    e.text);
	cmd_progress_end(&ma.ma_progress);
	for (i = 0; code == CMD_OK && i < ma.ma_made; i++)
		(void)fprintf(r->ctx->cc_out, "%s\n", ma.ma_name[i]);
	free(ma.ma_name);
	return code;
}
