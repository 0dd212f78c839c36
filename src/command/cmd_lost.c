/*
 * Routes that were lost because a command removed an address or interface that
 * they needed: the command reports them, as the user did not ask for that.  The
 * stack remembers the last of them (net.route.lost).
 */

#include "command/command_impl.h"

#include <inttypes.h>
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
