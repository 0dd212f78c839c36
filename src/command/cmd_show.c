/*
 * show: interfaces at a glance, or one of them in full.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *
state(const struct cmd_if *ci)
{

	switch (ci->ci_data.ifi_oper) {
	case IF_OPER_DOWN_ADMIN:
		return "down";
	case IF_OPER_DOWN_CARRIER:
		return "no link";
	case IF_OPER_DOWN_LOWER:
		return "no lower";
	case IF_OPER_TESTING:
		return "testing";
	default:
		return "up";
	}
}

static const char *
prefix_text(const struct cmd_addr *ca, char buf[CMD_TEXTSIZE])
{
	const struct sockaddr_in *mask =
	    (const struct sockaddr_in *)&ca->ca_mask;
	size_t used;

	(void)cmd_inet_text((const struct sockaddr *)&ca->ca_addr, buf);
	used = strlen(buf);
	(void)snprintf(buf + used, CMD_TEXTSIZE - used, "/%d",
	    mask->sin_family == AF_INET ? cmd_mask_len(mask->sin_addr) : 32);
	return buf;
}

static const struct cmd_addr *
next_inet(const struct cmd_addr *ca)
{

	while (ca != NULL && ca->ca_addr.ss_family != AF_INET)
		ca = ca->ca_next;
	return ca;
}

static void
show_row(struct cmd_ctx *ctx, const struct cmd_if *ci)
{
	char addr[CMD_TEXTSIZE];
	const char *descr = ci->ci_detail->cd_descr;
	const struct cmd_addr *ca = next_inet(ci->ci_addrs);
	const struct if_data *d = &ci->ci_data;

	cmd_row(ctx, "%-10s %-8s %6u %-18s %12" PRIu64 " %12"
	    PRIu64 " %8" PRIu64 "%s%s", ci->ci_name, state(ci), d->ifi_mtu,
	    ca != NULL ? prefix_text(ca, addr) : "-", d->ifi_ipackets,
	    d->ifi_opackets, d->ifi_idrops + d->ifi_odrops,
	    descr[0] != '\0' ? "  " : "", descr);
	while (ca != NULL && (ca = next_inet(ca->ca_next)) != NULL)
		(void)fprintf(ctx->cc_out, "%-10s %-8s %6s %s\n", "", "", "",
		    prefix_text(ca, addr));
}

static int
show_all(struct cmd_ctx *ctx, const struct cmd_if *list)
{
	const struct cmd_if *ci;

	(void)fprintf(ctx->cc_out, "%-10s %-8s %6s %-18s %12s %12s %8s  %s\n",
	    "NAME", "STATE", "MTU", "ADDRESS", "IN", "OUT", "DROPS",
	    "DESCRIPTION");
	for (ci = list; ci != NULL; ci = ci->ci_next)
		show_row(ctx, ci);
	return CMD_OK;
}

static int
show_ctx_one(struct cmd_ctx *ctx, const struct cmd_if *ci)
{
	struct ifconfig_show sh;

	memset(&sh, 0, sizeof(sh));
	sh.is_verbose = sh.is_caps = true;
	(void)fprintf(ctx->cc_out, "%s: index %u, handle 0x%" PRIx64
	    ", type %s, %s\n", ci->ci_name, ci->ci_index, ci->ci_handle,
	    cmd_type_text(ci->ci_data.ifi_type), state(ci));
	return ifconfig_show(ctx, &sh, ci->ci_name);
}

static int
show_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	char why[IFNET_ERROR_TEXT + 8];
	struct cmd_if *list;
	const char *ifname = NULL;
	struct ifnet_error e;
	struct cmd_opts o;
	bool json = false;
	int c, code;

	/* --json may stand on either side of the name. */
	cmd_opts_init(&o, ctx, &command_show, argc, argv);
	while (o.o_next < argc) {
		c = cmd_getopt(&o);
		if (c == 'J')
			json = true;
		else if (c == '?')
			return cmd_usage(ctx, &command_show, CMD_USAGE);
		else if (ifname != NULL && o.o_next < argc)
			return cmd_usage_why(ctx, &command_show, CMD_USAGE,
			    "%s: one interface is shown, or all",
			    argv[o.o_next]);
		else if (o.o_next < argc)
			ifname = argv[o.o_next++];
	}
	if (ifname != NULL && cmd_check_ifname(ifname, false, &e) != 0) {
		cmd_err(ctx, "show: %s", e.text);
		return CMD_USAGE;
	}
	if (ctx->cc_check)
		return CMD_OK;
	if (cmd_iflist_get(ctx->cc_client, ifname, IFNET_LINK | IFNET_ADDR |
	    IFNET_DETAIL, &list, &e) != 0) {
		if (ifname == NULL)
			return cmd_fail(ctx, &e, "show: %s", e.text);
		return cmd_fail(ctx, &e, "show %s: %s%s", ifname,
		    cmd_strerror(e.code), cmd_reason(&e, why, sizeof(why)));
	}
	if (json)
		code = cmd_json_interfaces(ctx, list);
	else if (ifname != NULL)
		code = show_ctx_one(ctx, list);
	else
		code = show_all(ctx, list);
	cmd_iflist_free(list);
	return code;
}

static const struct cmd_word show_words[] = {
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_show = {
	.c_name = "show",
	.c_synopsis = "[--json] [IF]",
	.c_summary = "show interfaces at a glance",
	.c_example = "show --json tap0",
	.c_words = show_words,
	.c_operand = "IF",
	.c_when = CMD_NOT_CONFIG,
	.c_run = show_run,
};
