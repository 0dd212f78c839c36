/*
 * Following an interface by its name.  The name is looked up once, when the
 * follow begins; from then on the interface is known by its handle, through
 * renames, until it is gone.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <string.h>

/* Take the interface of this handle out of the list, whose rest is freed. */
static struct cmd_if *
pick(struct cmd_if *list, uint64_t handle)
{
	struct cmd_if **link, *found = NULL;

	for (link = &list; *link != NULL; link = &(*link)->ci_next)
		if ((*link)->ci_handle == handle) {
			found = *link;
			*link = found->ci_next;
			found->ci_next = NULL;
			break;
		}
	cmd_iflist_free(list);
	return found;
}

int
cmd_follow_get(struct cmd_ctx *ctx, struct cmd_follow *cf, unsigned what,
    struct cmd_if **cip, struct ifnet_error *e)
{
	struct cmd_if *list;
	int error;

	*cip = NULL;
	error = cmd_iflist_get(ctx->cc_client, cf->cf_name, what, &list, e);
	if (cf->cf_handle == 0) {
		if (error == 0) {
			*cip = list;
			cf->cf_handle = list->ci_handle;
			(void)strcpy(cf->cf_name, list->ci_name);
		}
		return error;
	}
	if (error == 0)
		*cip = pick(list, cf->cf_handle);
	/* The name is free now, or another interface has it. */
	if (*cip == NULL && (error == 0 || error == ENXIO)) {
		error = cmd_iflist_get(ctx->cc_client, NULL, what, &list, e);
		if (error == 0)
			*cip = pick(list, cf->cf_handle);
	}
	if (error == 0 && *cip == NULL)
		error = ifnet_error_set(e, ENXIO, "the interface is gone");
	return error;
}

int
cmd_follow_begin(struct cmd_ctx *ctx, const char *command,
    struct cmd_follow *cf, const char *name)
{
	struct ifnet_error e;
	struct cmd_if *ci;

	memset(cf, 0, sizeof(*cf));
	(void)snprintf(cf->cf_name, sizeof(cf->cf_name), "%s", name);
	if (cmd_follow_get(ctx, cf, IFNET_LINK, &ci, &e) != 0) {
		if (e.code == ENXIO)
			return cmd_fail(ctx, &e, "%s: %s: %s (there is no "
			    "such interface; ifconfig -l lists those there "
			    "are)", command, name, cmd_strerror(e.code));
		return cmd_fail(ctx, &e, "%s: %s: %s", command, name, e.text);
	}
	cmd_iflist_free(ci);
	return CMD_OK;
}

bool
cmd_follow_renamed(struct cmd_follow *cf, const char *name,
    char was[IFNAMSIZ])
{

	if (strcmp(cf->cf_name, name) == 0)
		return false;
	memcpy(was, cf->cf_name, IFNAMSIZ);
	(void)snprintf(cf->cf_name, sizeof(cf->cf_name), "%s", name);
	return true;
}

void
cmd_follow_tell(struct cmd_ctx *ctx, const char *command,
    struct cmd_follow *cf, const char *name)
{
	char was[IFNAMSIZ];

	if (cmd_follow_renamed(cf, name, was))
		cmd_err(ctx, "%s: %s was renamed, it is %s now", command, was,
		    name);
}

struct ended {
	uint64_t	 handle;
	char		 name[IFNAMSIZ];	/* its last; "": not known */
	char		 vnet[64];	/* where it is now; "": nowhere */
};

static int
find_end(const struct ifnet_history *ih, void *arg)
{
	struct ended *en = arg;

	if (ih->handle != en->handle)
		return 0;
	(void)snprintf(en->name, sizeof(en->name), "%s", ih->ifname);
	if (strcmp(ih->event, "move-out") == 0)
		(void)snprintf(en->vnet, sizeof(en->vnet), "%s", ih->after);
	return 0;
}

void
cmd_follow_gone(struct cmd_ctx *ctx, const char *command,
    struct cmd_follow *cf)
{
	struct ended en = { .handle = cf->cf_handle };

	(void)ifnet_history(ctx->cc_client, cf->cf_name, find_end, &en, NULL);
	/* The last rename may have come after the last look. */
	if (en.name[0] != '\0')
		cmd_follow_tell(ctx, command, cf, en.name);
	if (en.vnet[0] != '\0')
		cmd_err(ctx, "%s %s: the interface is gone: it is in vnet %s "
		    "now", command, cf->cf_name, en.vnet);
	else
		cmd_err(ctx, "%s %s: the interface is gone", command,
		    cf->cf_name);
}
