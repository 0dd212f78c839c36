/*
 * ifconfig IF create: the request, and the descriptor that may go with it.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The descriptor to be handed over; -1: none; -2: an error, with a message. */
static int
create_fd(struct ifconfig_run *r, const struct ifconfig_action *a,
    char *devname)
{
	struct ifnet_error e;
	size_t len = strlen(r->ifname);
	const char *want = a->ia_host;
	char any[IFNAMSIZ + 2];
	int fd;

	if (a->ia_fd >= 0) {
		if (fcntl(a->ia_fd, F_GETFD) < 0) {
			cmd_err(r->ctx, "ifconfig %s %s: descriptor %d is not "
			    "open", r->ifname, a->ia_words, a->ia_fd);
			return -2;
		}
		return a->ia_fd;
	}
	if (!a->ia_here)
		return -1;
	if (r->ctx->cc_open_tap == NULL) {
		cmd_err(r->ctx, "ifconfig %s %s: \"here\" works only from "
		    "ifctl on the command line", r->ifname, a->ia_words);
		return -2;
	}
	if (want == NULL) {
		/* A bare "tap" has no unit yet: the host picks a name. */
		(void)snprintf(any, sizeof(any), "%s%s", r->ifname,
		    r->ifname[len - 1] >= '0' && r->ifname[len - 1] <= '9' ?
		    "" : "%d");
		want = any;
	}
	memset(&e, 0, sizeof(e));
	fd = r->ctx->cc_open_tap(want, devname, &e);
	if (fd < 0) {
		(void)cmd_fail(r->ctx, &e, "ifconfig %s %s: %s", r->ifname,
		    a->ia_words, e.text);
		return -2;
	}
	return fd;
}

static int
create_params(struct ifconfig_run *r, const struct ifconfig_action *a, int fd,
    const char *devname, char params[IFCLONE_PARAMSIZE])
{
	const char *host = devname[0] != '\0' ? devname : a->ia_host;
	int n;

	n = snprintf(params, IFCLONE_PARAMSIZE, "%s%s%s%s%s%s", a->ia_params,
	    a->ia_params[0] != '\0' && (fd >= 0 || host != NULL) ? " " : "",
	    fd >= 0 ? "fd" : "", fd >= 0 && host != NULL ? " " : "",
	    host != NULL ? "host " : "", host != NULL ? host : "");
	if (n >= 0 && n < IFCLONE_PARAMSIZE)
		return CMD_OK;
	cmd_err(r->ctx, "ifconfig %s create: the parameters are too long",
	    r->ifname);
	return CMD_FAIL;
}

void
ifconfig_kind(const char *ifname, char kind[IFNAMSIZ])
{
	size_t len = strlen(ifname);

	while (len > 0 && ifname[len - 1] >= '0' && ifname[len - 1] <= '9')
		len--;
	memset(kind, 0, IFNAMSIZ);
	memcpy(kind, ifname, len < IFNAMSIZ ? len : IFNAMSIZ - 1);
}

/* Does an interface of this name exist, of the kind that the name implies? */
static bool
is_there(struct ifconfig_run *r)
{
	char kind[IFNAMSIZ];
	struct ifnet_error e;
	struct cmd_if *ci;
	bool is;

	ifconfig_kind(r->ifname, kind);
	if (cmd_iflist_get(r->ctx->cc_client, r->ifname, IFNET_LINK |
	    IFNET_DETAIL, &ci, &e) != 0)
		return false;
	is = cmd_if_is_kind(ci, kind);
	cmd_iflist_free(ci);
	return is;
}

int
ifconfig_create(struct ifconfig_run *r, const struct ifconfig_action *a)
{
	struct if_createreq req;
	char devname[IFNAMSIZ] = "";
	struct ifnet_error e;
	int code, error, fd;

	memset(&req, 0, sizeof(req));
	memset(&e, 0, sizeof(e));
	fd = create_fd(r, a, devname);
	if (fd == -2)
		return CMD_FAIL;
	code = create_params(r, a, fd, devname, req.ifcr_params);
	if (code != CMD_OK)
		goto out;
	(void)snprintf(req.ifcr_name, sizeof(req.ifcr_name), "%s", r->ifname);
	if (fd >= 0)
		error = ifnet_ioctl_fd(r->ctx->cc_client, SIOCIFCREATE, &req,
		    sizeof(req), fd, &e);
	else
		error = ifnet_ioctl(r->ctx->cc_client, SIOCIFCREATE, &req,
		    sizeof(req), &e);
	if (error == EEXIST && r->ctx->cc_again && is_there(r))
		goto out;
	if (error != 0) {
		code = ifconfig_refused(r, a->ia_words, "SIOCIFCREATE",
		    &e);
		goto out;
	}
	req.ifcr_name[IFNAMSIZ - 1] = '\0';
	if (strcmp(req.ifcr_name, r->ifname) != 0)
		(void)fprintf(r->ctx->cc_out, "%s\n", req.ifcr_name);
	memcpy(r->ifname, req.ifcr_name, IFNAMSIZ);
	r->created = true;
out:
	if (a->ia_here)
		(void)close(fd);
	return code;
}
