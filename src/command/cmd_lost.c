/*
 * Routes that were lost because a command removed an address or interface that
 * they needed, and neighbours set by hand that went with an interface: the
 * command reports them, as the user did not ask for that.  The stack remembers
 * the last of the routes (net.route.lost).
 */

#include "command/command_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

uint64_t
cmd_lost_count(struct cmd_ctx *ctx)
{
	struct ifnet_error e;
	uint64_t n = 0;
	size_t len = sizeof(n);

	if (ifnet_sysctl(ctx->cc_client, "net.route.lost", &n, &len, NULL, 0,
	    NULL, NULL, &e) != 0 || len != sizeof(n))
		return 0;
	return n;
}

void
cmd_lost_tell(struct cmd_ctx *ctx, uint64_t before)
{
	uint64_t n = cmd_lost_count(ctx), told = 0;
	struct ifnet_error e;
	char list[1024], *route, *rest = list;
	size_t len = sizeof(list) - 1;

	if (n <= before)
		return;
	n -= before;
	if (ifnet_sysctl(ctx->cc_client, "net.route.lastlost", list, &len,
	    NULL, 0, NULL, NULL, &e) != 0)
		return;
	list[len] = '\0';
	while (told < n && (route = strsep(&rest, ",")) != NULL) {
		if (*route == ' ')
			route++;
		cmd_row(ctx, "route %s was removed: %s", route,
		    strstr(route, " via ") != NULL ?
		    "its gateway is no longer on a connected network" :
		    "its interface or source address is gone");
		told++;
	}
	if (told < n)
		cmd_row(ctx, "%" PRIu64 " more routes were removed", n - told);
}

/* Remember a neighbour that was set by hand. */
static int
static_neigh(const void *msg, size_t len, void *arg)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct rt_msg *m = msg;
	struct cmd_neighs *cn = arg;
	char text[CMD_TEXTSIZE];

	if (rt_msg_check(msg, len, sa) != 0 || sa[0] == NULL ||
	    (m->rtm_flags & (RTF_LLDATA | RTF_STATIC)) !=
	    (RTF_LLDATA | RTF_STATIC))
		return 0;
	if (cn->cn_n < CMD_NEIGHS)
		(void)snprintf(cn->cn_text[cn->cn_n],
		    sizeof(cn->cn_text[0]), "%s",
		    cmd_inet_text(sa[0], text));
	cn->cn_n++;
	return 0;
}

void
cmd_neighs_static(struct cmd_ctx *ctx, const char *ifname,
    struct cmd_neighs *cn)
{
	struct ifnet_error e;

	cn->cn_n = 0;
	(void)ifnet_dump(ctx->cc_client, IFNET_NEIGH, ifname, static_neigh, cn,
	    &e);
}

void
cmd_neighs_tell(struct cmd_ctx *ctx, const char *ifname,
    const struct cmd_neighs *cn)
{
	struct cmd_neighs now;
	unsigned i;

	if (cn->cn_n == 0)
		return;
	/* The interface was moved to the stack where it is. */
	cmd_neighs_static(ctx, ifname, &now);
	if (now.cn_n != 0)
		return;
	for (i = 0; i < cn->cn_n && i < CMD_NEIGHS; i++)
		cmd_row(ctx, "neighbour %s on %s was removed: neighbours stay "
		    "behind when an interface moves", cn->cn_text[i], ifname);
	if (i < cn->cn_n)
		cmd_row(ctx, "%u more neighbours were removed", cn->cn_n - i);
}
