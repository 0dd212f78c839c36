/*
 * Routes as tables and lines: route show, get and monitor, netstat -r.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

static const struct cmd_bit rtflags[] = {
	{ RTF_UP, "UP" }, { RTF_GATEWAY, "GATEWAY" },
	{ RTF_HOST, "HOST" }, { RTF_REJECT, "REJECT" },
	{ RTF_DYNAMIC, "DYNAMIC" }, { RTF_DONE, "DONE" },
	{ RTF_CONNECTED, "CONNECTED" }, { RTF_LLDATA, "LLDATA" },
	{ RTF_STATIC, "STATIC" }, { RTF_BLACKHOLE, "BLACKHOLE" },
	{ RTF_PROTO1, "PROTO1" }, { RTF_PROTO2, "PROTO2" },
	{ RTF_LOCAL, "LOCAL" }, { RTF_BROADCAST, "BROADCAST" },
};
#define NRTFLAGS	(sizeof(rtflags) / sizeof(rtflags[0]))

static const char *
flag_names(uint32_t flags, char *buf, size_t size)
{

	return cmd_bits_text(rtflags, NRTFLAGS, flags, buf, size);
}

struct show {
	struct cmd_ctx	*ctx;
	const char	*ifname;	/* NULL: all */
	uint32_t	 table;		/* whose heading was written last, or is
					 * the first */
	bool		 ip6;		/* likewise */
	bool		 begun;
	int		 family;	/* 0: all */
	struct json	*json;		/* NULL: as a table */
};

void
route_more_json(struct json *j, const struct rt_msg *m)
{
	char proto[8];

	json_int(j, "table", m->rtm_table);
	if ((m->rtm_given & RTV_METRIC) != 0)
		json_int(j, "metric", m->rtm_metric);
	json_text(j, "protocol", route_proto_text(m->rtm_proto, proto));
	if ((m->rtm_given & RTV_MPATH) != 0)
		json_int(j, "weight", m->rtm_weight);
	if ((m->rtm_given & RTV_UNREACHABLE) != 0)
		json_bool(j, "unreachable", true);
	if (m->rtm_expire_s != 0)
		json_int(j, "expires_s", m->rtm_expire_s);
}

/* Write the route of a message. */
static void
json_route(struct json *j, const struct rt_msg *m,
    const struct sockaddr *const sa[RTAX_MAX])
{
	const bool ip6 = sa[0] != NULL && sa[0]->sa_family == AF_INET6;
	char text[CMD_TEXTSIZE], ifname[IFNAMSIZ];

	memcpy(ifname, m->rtm_ifname, sizeof(ifname));
	ifname[IFNAMSIZ - 1] = '\0';
	json_object(j, NULL);
	json_text(j, "family", ip6 ? "inet6" : "inet");
	(void)cmd_sa_text(sa[0], text);
	json_text(j, "destination", cmd_route_zone(text, m));
	json_int(j, "prefixlen", sa[2] != NULL ? cmd_sa_mask_len(sa[2]) :
	    ip6 ? 128 : 32);
	if ((m->rtm_flags & RTF_GATEWAY) != 0 && sa[1] != NULL) {
		(void)cmd_sa_text(sa[1], text);
		json_text(j, "gateway", cmd_route_zone(text, m));
	}
	if (sa[5] != NULL && cmd_inet_text(sa[5], text)[0] != '\0')
		json_text(j, "source", cmd_route_zone(text, m));
	if (ifname[0] != '\0') {
		json_text(j, "interface", ifname);
		json_u64(j, "handle", m->rtm_ifhandle);
	}
	cmd_bits_json(j, "flags", rtflags, NRTFLAGS, m->rtm_flags);
	json_u64(j, "use", m->rtm_use);
	route_more_json(j, m);
	if (m->rtm_mtu != 0)
		json_int(j, "mtu", m->rtm_mtu);
	json_end(j);
}

const char *
route_more_text(const struct rt_msg *m, char *buf, size_t size)
{
	char proto[8];
	size_t n = 0;

	buf[0] = '\0';
	if (m->rtm_table != 0)
		n = (size_t)snprintf(buf, size, " table %u", m->rtm_table);
	if (m->rtm_metric != 0)
		n += (size_t)snprintf(buf + n, size - n, " metric %u",
		    m->rtm_metric);
	if (m->rtm_proto != RTPROT_UNSPEC && m->rtm_proto != RTPROT_KERNEL &&
	    m->rtm_proto != RTPROT_STATIC)
		n += (size_t)snprintf(buf + n, size - n, " proto %s",
		    route_proto_text(m->rtm_proto, proto));
	if ((m->rtm_given & RTV_MPATH) != 0)
		n += (size_t)snprintf(buf + n, size - n, " weight %u",
		    m->rtm_weight);
	if ((m->rtm_given & RTV_UNREACHABLE) != 0)
		n += (size_t)snprintf(buf + n, size - n, " unreachable");
	if (m->rtm_expire_s > 0)
		(void)snprintf(buf + n, size - n, " expires %" PRId64 " s",
		    m->rtm_expire_s);
	return buf;
}

/* How wide the columns of addresses are. */
static size_t
sa_width(const struct sockaddr *sa)
{

	return sa != NULL && sa->sa_family == AF_INET6 ? 30 : 18;
}

/* A route as a line of the table. */
static void
show_line(FILE *fp, const struct rt_msg *m,
    const struct sockaddr *const sa[RTAX_MAX], const char *ifname)
{
	char text[CMD_TEXTSIZE], line[3 * CMD_TEXTSIZE + 128], *to = line;
	const size_t width = sa_width(sa[0]);
	struct rt_msg here;

	(void)cmd_dst_text(sa[0], sa[2], (m->rtm_flags & RTF_HOST) != 0, text);
	to = cmd_put(to, cmd_route_zone(text, m), width);
	if ((m->rtm_flags & RTF_GATEWAY) == 0 && (sa[1] == NULL ||
	    sa[1]->sa_family != AF_LINK))
		(void)snprintf(text, sizeof(text), m->rtm_index != 0 ?
		    "link#%u" : "-", m->rtm_index);
	else
		(void)cmd_sa_text(sa[1], text);
	(void)cmd_route_zone(text, m);
	to = cmd_put(cmd_put(to, " ", 1), text, width);
	to = cmd_put(cmd_put(to, " ", 1), cmd_rtflags_text(m->rtm_flags, text),
	    8);
	(void)cmd_put_u64(text, m->rtm_use);
	to = cmd_put_right(cmd_put(to, "    -", 5), text, 9);
	if (m->rtm_mtu != 0)
		(void)cmd_put_u64(text, m->rtm_mtu);
	else
		(void)strcpy(text, "-");
	to = cmd_put(cmd_put_right(to, text, 7), "  ", 2);
	to = cmd_put(to, ifname, 0);
	here = *m;
	here.rtm_table = 0;	/* the heading says it */
	to = cmd_put(to, route_more_text(&here, text, sizeof(text)), 0);
	*to++ = '\n';
	(void)fwrite(line, 1, (size_t)(to - line), fp);
}

static void
heading(struct show *sh, uint32_t table, bool ip6)
{
	const int width = ip6 ? 30 : 18;
	char which[24] = "";

	sh->table = table;
	sh->ip6 = ip6;
	if (table != 0)
		(void)snprintf(which, sizeof(which), ", table %u", table);
	(void)fprintf(sh->ctx->cc_out, "\nInternet%s%s:\n", ip6 ? "6" : "",
	    which);
	(void)fprintf(sh->ctx->cc_out, "%-*s %-*s %-8s %4s %8s %6s  %s\n",
	    width, "Destination", width, "Gateway", "Flags", "Refs", "Use",
	    "Mtu", "Interface");
}

/* Begin the listing, with the first route or at the end: a table that there is
 * not leaves nothing written. */
static void
begin(struct show *sh)
{

	if (sh->begun)
		return;
	sh->begun = true;
	if (sh->json != NULL) {
		json_begin(sh->json, sh->ctx, JSON_PRETTY);
		json_array(sh->json, NULL);
		return;
	}
	(void)fprintf(sh->ctx->cc_out, "Routing tables\n");
	heading(sh, sh->table, sh->family == AF_INET6);
}

static int
show_msg(const void *msg, size_t len, void *arg)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct rt_msg *m = msg;
	struct show *sh = arg;
	char ifname[IFNAMSIZ];
	bool ip6;

	if (rt_msg_check(msg, len, sa) != 0 ||
	    (m->rtm_flags & RTF_LLDATA) != 0)
		return 0;
	memcpy(ifname, m->rtm_ifname, sizeof(ifname));
	ifname[IFNAMSIZ - 1] = '\0';
	begin(sh);
	if ((sh->ifname != NULL && strcmp(sh->ifname, ifname) != 0) ||
	    (sh->family != 0 && (sa[0] == NULL ||
	    sa[0]->sa_family != sh->family)))
		return 0;
	if (sh->json != NULL)
		json_route(sh->json, m, sa);
	else {
		ip6 = sa[0] != NULL && sa[0]->sa_family == AF_INET6;
		if (m->rtm_table != sh->table || ip6 != sh->ip6)
			heading(sh, m->rtm_table, ip6);
		show_line(sh->ctx->cc_out, m, sa, ifname);
	}
	return 0;
}

/* An unknown interface is an error, and not an empty table. */
static int
check_if(struct cmd_ctx *ctx, const char *ifname)
{
	char why[IFNET_ERROR_TEXT + 8];
	struct ifnet_error e;
	struct cmd_if *list;

	if (ifname == NULL)
		return CMD_OK;
	if (cmd_iflist_get(ctx->cc_client, ifname, IFNET_LINK, &list,
	    &e) != 0)
		return cmd_fail(ctx, &e, "netstat: %s: %s%s", ifname,
		    cmd_strerror(e.code), cmd_reason(&e, why, sizeof(why)));
	cmd_iflist_free(list);
	return CMD_OK;
}

int
route_show(struct cmd_ctx *ctx, const char *ifname, int table, int family,
    bool json)
{
	struct show sh = {
		.ctx = ctx, .ifname = ifname, .family = family,
		.table = table == ROUTE_TABLES_ALL ? 0 : (uint32_t)table,
	};
	struct cmd_held held;
	struct ifnet_error e;
	struct json j;
	int code, error;

	code = check_if(ctx, ifname);
	if (code != CMD_OK)
		return code;
	memset(&e, 0, sizeof(e));
	cmd_hold(ctx, &held);
	if (json)
		sh.json = &j;
	error = table == ROUTE_TABLES_ALL ? ifnet_dump(ctx->cc_client,
	    IFNET_ROUTE, NULL, show_msg, &sh, &e) : ifnet_dump_table(
	    ctx->cc_client, (unsigned)table, show_msg, &sh, &e);
	if (error == 0)
		begin(&sh);
	if (json && sh.begun)
		code = json_done(&j);
	cmd_release(ctx, &held);
	if (error != 0)
		return cmd_fail(ctx, &e, "route: %s", e.text);
	return code;
}

int
route_get_print(struct cmd_ctx *ctx, const void *msg, size_t len, bool json)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct rt_msg *m = msg;
	char buf[CMD_TEXTSIZE], flags[192], proto[8];
	struct json j;

	if (len < sizeof(*m) || rt_msg_check(msg, len, sa) != 0) {
		cmd_err(ctx, "route get: the answer makes no sense");
		return CMD_FAIL;
	}
	if (json) {
		json_begin(&j, ctx, JSON_PRETTY);
		json_route(&j, m, sa);
		return json_done(&j);
	}
	(void)cmd_dst_text(sa[0], sa[2], (m->rtm_flags & RTF_HOST) != 0, buf);
	(void)fprintf(ctx->cc_out, "destination: %s\n",
	    cmd_route_zone(buf, m));
	if (sa[2] != NULL)
		(void)fprintf(ctx->cc_out, "       mask: %s\n",
		    cmd_inet_text(sa[2], buf));
	if (sa[1] != NULL && (m->rtm_flags & RTF_GATEWAY) != 0) {
		(void)cmd_sa_text(sa[1], buf);
		(void)fprintf(ctx->cc_out, "    gateway: %s\n",
		    cmd_route_zone(buf, m));
	}
	if (sa[5] != NULL && cmd_inet_text(sa[5], buf)[0] != '\0')
		(void)fprintf(ctx->cc_out, " local addr: %s\n",
		    cmd_route_zone(buf, m));
	if (m->rtm_ifname[0] != '\0')
		(void)fprintf(ctx->cc_out, "  interface: %.*s\n", IFNAMSIZ,
		    m->rtm_ifname);
	(void)fprintf(ctx->cc_out, "      flags: %s\n",
	    flag_names(m->rtm_flags, flags, sizeof(flags)));
	if (m->rtm_table != 0)
		(void)fprintf(ctx->cc_out, "      table: %u\n", m->rtm_table);
	if (m->rtm_metric != 0)
		(void)fprintf(ctx->cc_out, "     metric: %u\n", m->rtm_metric);
	if (m->rtm_proto != RTPROT_UNSPEC)
		(void)fprintf(ctx->cc_out, "   protocol: %s\n",
		    route_proto_text(m->rtm_proto, proto));
	if ((m->rtm_given & RTV_MPATH) != 0)
		(void)fprintf(ctx->cc_out, "     weight: %u\n",
		    m->rtm_weight);
	if ((m->rtm_given & RTV_UNREACHABLE) != 0)
		(void)fprintf(ctx->cc_out, "    gateway: cannot be reached "
		    "now\n");
	if (m->rtm_mtu != 0)
		(void)fprintf(ctx->cc_out, "        mtu: %u\n", m->rtm_mtu);
	if (m->rtm_expire_s != 0)
		(void)fprintf(ctx->cc_out, "     expire: %" PRId64 "\n",
		    m->rtm_expire_s);
	return CMD_OK;
}

/* --- monitor ------------------------------------------------------------- */

static const char *
type_name(uint8_t type)
{

	switch (type) {
	case RTM_ADD:
		return "RTM_ADD: Add Route";
	case RTM_DELETE:
		return "RTM_DELETE: Delete Route";
	case RTM_CHANGE:
		return "RTM_CHANGE: Change Metrics, Flags or Gateway";
	case RTM_LLINFO_UPD:
		return "RTM_LLINFO_UPD: Neighbour changed";
	case RTM_IFINFO:
		return "RTM_IFINFO: iface status change";
	case RTM_IFANNOUNCE:
		return "RTM_IFANNOUNCE: iface arrival/departure";
	case RTM_IFRENAME:
		return "RTM_IFRENAME: iface renamed";
	case RTM_NEWADDR:
		return "RTM_NEWADDR: address being added to iface";
	case RTM_DELADDR:
		return "RTM_DELADDR: address being removed from iface";
	case RTM_CHGADDR:
		return "RTM_CHGADDR: address being changed on iface";
	case RTM_OVERRUN:
		return "RTM_OVERRUN: messages were lost";
	default:
		return "unknown message";
	}
}

static void
monitor_addrs(struct cmd_ctx *ctx, const struct sockaddr *const *sa)
{
	static const char *const names[RTAX_MAX] = { "DST", "GATEWAY",
	    "NETMASK", "GENMASK", "IFP", "IFA", "AUTHOR", "BRD" };
	const char *sep = "sockaddrs: <";
	char buf[CMD_TEXTSIZE];
	int i, n = 0;

	for (i = 0; i < RTAX_MAX; i++)
		if (sa[i] != NULL) {
			(void)fprintf(ctx->cc_out, "%s%s", sep, names[i]);
			sep = ",";
			n++;
		}
	if (n == 0)
		return;
	(void)fprintf(ctx->cc_out, ">\n");
	for (i = 0; i < RTAX_MAX; i++)
		if (sa[i] != NULL)
			(void)fprintf(ctx->cc_out, " %s",
			    cmd_sa_text(sa[i], buf));
	(void)fputc('\n', ctx->cc_out);
}

static void
monitor_print(struct cmd_ctx *ctx, const struct ifnet_event *ev)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct rt_hdr *h = ev->msg;
	char date[40], flags[256], more[80];
	const struct rt_msg *rm;
	struct tm tm;
	time_t when = (time_t)(ev->time_ns / 1000000000u);

	if (h == NULL || rt_msg_check(h, ev->msglen, sa) != 0)
		return;
	(void)localtime_r(&when, &tm);
	(void)strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
	(void)fprintf(ctx->cc_out, "got message of size %zu on %s\n%s: ",
	    ev->msglen, date, type_name(h->rtm_type));
	switch (ev->type) {
	case IFNET_EV_ARRIVAL:
	case IFNET_EV_DEPARTURE:
		(void)fprintf(ctx->cc_out, "if %s, what: %s\n", ev->ifname,
		    ev->type == IFNET_EV_ARRIVAL ? "arrival" : "departure");
		break;
	case IFNET_EV_LINK:
		(void)fprintf(ctx->cc_out, "if %s, link: %s, flags: %s\n",
		    ev->ifname, ifnet_operstate_text(ev->link.operstate),
		    cmd_ifflags_text(ev->link.flags, flags, sizeof(flags)));
		break;
	case IFNET_EV_OVERRUN:
		(void)fprintf(ctx->cc_out, "%llu\n", ev->lost);
		break;
	case IFNET_EV_ROUTE_ADD:
	case IFNET_EV_ROUTE_DELETE:
	case IFNET_EV_ROUTE_CHANGE:
	case IFNET_EV_NEIGH:
	case IFNET_EV_NEIGH_DELETE:
		rm = ev->msg;
		(void)fprintf(ctx->cc_out, "if %.*s, flags: %s%s\n", IFNAMSIZ,
		    rm->rtm_ifname, flag_names(rm->rtm_flags, flags,
		    sizeof(flags)), (rm->rtm_flags & RTF_LLDATA) != 0 ? "" :
		    route_more_text(rm, more, sizeof(more)));
		break;
	default:
		(void)fprintf(ctx->cc_out, "if %s\n", ev->ifname);
		break;
	}
	monitor_addrs(ctx, sa);
	(void)fputc('\n', ctx->cc_out);
	(void)fflush(ctx->cc_out);
}

int
route_monitor(struct cmd_ctx *ctx)
{
	struct ifnet_client *c;
	struct ifnet_event ev;
	struct ifnet_error e;
	int error = 0;

	c = cmd_connect(ctx);
	if (c == NULL)
		return CMD_FAIL;
	memset(&e, 0, sizeof(e));
	error = ifnet_follow(c, IFNET_ALL, &e);
	while (error == 0 && !cmd_interrupted(ctx)) {
		error = ifnet_next_timeout(c, 200, &ev, &e);
		if (error == 0)
			monitor_print(ctx, &ev);
		else if (error == ETIMEDOUT || error == EINTR)
			error = 0;
	}
	ifnet_close(c);
	return error == 0 ? CMD_OK : cmd_fail(ctx, &e, "route monitor: %s",
	    e.text);
}
