/*
 * route: add, delete, change and look up routes.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
usage(struct cmd_ctx *ctx, const char *why)
{

	return cmd_usage_why(ctx, &command_route, 1, "%s", why);
}

static int
bad(struct cmd_ctx *ctx, const char *verb, const char *text)
{

	cmd_err(ctx, "route %s: %s", verb, text);
	return 1;
}

/* --- requests ------------------------------------------------------------ */

/* Format a route for messages: "add net 10.0.0.0 in table 5: gateway
 * 10.1.1.1". */
static const char *
describe(const char *verb, const struct route_words *w, char *buf,
    size_t size)
{
	char dst[CMD_TEXTSIZE], gw[CMD_TEXTSIZE] = "", table[24] = "";
	bool host = route_is_host(w);

	(void)cmd_ip_text(&w->dst, dst);
	if (w->len == 0)
		(void)strcpy(dst, "default");
	if (w->havegw)
		(void)cmd_ip_text(&w->gw, gw);
	if (w->table != 0)
		(void)snprintf(table, sizeof(table), " in table %u", w->table);
	(void)snprintf(buf, size, "%s %s %s%s%s%s", verb,
	    host ? "host" : "net", dst, table,
	    w->havegw ? ": gateway " : w->ifname != NULL ? ": gateway " : "",
	    w->havegw ? gw : w->ifname != NULL ? w->ifname : "");
	return buf;
}

/* Find the name of the interface that has an address; false: none. */
static bool
if_with_address(struct cmd_ctx *ctx, const struct cmd_ip *ip,
    char name[IFNAMSIZ], struct ifnet_error *e)
{
	struct sockaddr_storage a;
	const struct cmd_addr *ca;
	struct cmd_if *list, *ci;
	bool found = false;

	if (cmd_ip_resolve(ctx, ip, NULL, &a, e) != 0 ||
	    cmd_iflist_get(ctx->cc_client, NULL, IFNET_LINK | IFNET_ADDR,
	    &list, e) != 0)
		return false;
	for (ci = list; ci != NULL && !found; ci = ci->ci_next)
		for (ca = ci->ci_addrs; ca != NULL && !found;
		    ca = ca->ca_next)
			if (memcmp(&ca->ca_addr, &a, sizeof(a)) == 0) {
				memcpy(name, ci->ci_name, IFNAMSIZ);
				found = true;
			}
	cmd_iflist_free(list);
	if (!found)
		(void)ifnet_error_set(e, EADDRNOTAVAIL,
		    "no interface has this address");
	return found;
}

/* A zone that is not written is that of the route's interface. */
static int
find_zones(struct cmd_ctx *ctx, struct route_words *w, struct ifnet_error *e)
{
	int error;

	error = cmd_ip_zone(ctx, &w->dst, w->ifname, &w->dstzone, e);
	if (error == 0 && w->havegw)
		error = cmd_ip_zone(ctx, &w->gw, w->ifname, &w->gwzone, e);
	if (error == 0 && w->haveifa)
		error = cmd_ip_zone(ctx, &w->ifa, w->ifname, &w->ifazone, e);
	return error;
}

int
route_find_if(struct cmd_ctx *ctx, struct route_words *w,
    struct sockaddr_dl *sdl, uint64_t *handle, char ownname[IFNAMSIZ],
    struct ifnet_error *e)
{
	struct cmd_where where;
	struct cmd_if *ci;
	int error;

	memset(sdl, 0, sizeof(*sdl));
	if (w->is_iface && w->havegw) {
		/* The interface is named by one of its addresses. */
		if (!if_with_address(ctx, &w->gw, ownname, e))
			return e->code;
		w->ifname = ownname;
		w->havegw = false;
	}
	if (w->ifname == NULL)
		return find_zones(ctx, w, e);
	/* A line applied again may name the interface as it was called. */
	if (cmd_again_where(ctx, w->ifname, NULL, &where) && strcmp(
	    where.wh_vnet, ctx->cc_vnet == NULL ? "" : ctx->cc_vnet) == 0) {
		memcpy(ownname, where.wh_name, IFNAMSIZ);
		w->ifname = ownname;
	}
	error = cmd_iflist_get(ctx->cc_client, w->ifname, IFNET_LINK, &ci, e);
	if (error != 0) {
		if (error == ENXIO)
			(void)ifnet_error_set(e, ENXIO,
			    "there is no interface %s", w->ifname);
		return error;
	}
	sdl->sdl_family = AF_LINK;
	sdl->sdl_type = ci->ci_data.ifi_type;
	sdl->sdl_index = ci->ci_index;
	*handle = ci->ci_handle;
	cmd_iflist_free(ci);
	return find_zones(ctx, w, e);
}

void
route_build(uint8_t type, const struct route_words *w,
    const struct sockaddr_dl *sdl, uint64_t handle, void *buf)
{
	struct rt_msg *m = buf;
	struct sockaddr_storage ss;

	memset(buf, 0, RT_MSG_MAX);
	m->rtm_h.rtm_len = sizeof(*m);
	m->rtm_h.rtm_version = RTM_VERSION;
	m->rtm_h.rtm_type = type;
	m->rtm_ifhandle = handle;
	m->rtm_index = sdl->sdl_index;
	m->rtm_flags = w->flags | (route_is_host(w) ? RTF_HOST : 0) |
	    (w->havegw ? RTF_GATEWAY : 0);
	m->rtm_mtu = w->mtu;
	m->rtm_expire_s = w->expire_s;
	m->rtm_given = w->given;
	m->rtm_metric = w->metric;
	m->rtm_proto = w->proto;
	m->rtm_weight = w->weight;
	m->rtm_table = w->table;
	/* The addresses follow in the order of their bits; all of them always
	 * fit. */
	cmd_ip_sa(&w->dst, w->dstzone, &ss);
	(void)rt_msg_add(buf, RTA_DST, (struct sockaddr *)&ss);
	cmd_ip_sa(&w->gw, w->gwzone, &ss);
	if (w->havegw)
		(void)rt_msg_add(buf, RTA_GATEWAY, (struct sockaddr *)&ss);
	cmd_ip_mask(w->dst.ip_family, w->len, &ss);
	if (!route_is_host(w))
		(void)rt_msg_add(buf, RTA_NETMASK, (struct sockaddr *)&ss);
	if (sdl->sdl_family != 0)
		(void)rt_msg_add(buf, RTA_IFP,
		    (const struct sockaddr *)(const void *)sdl);
	cmd_ip_sa(&w->ifa, w->ifazone, &ss);
	if (w->haveifa)
		(void)rt_msg_add(buf, RTA_IFA, (struct sockaddr *)&ss);
}

static int
refused(struct cmd_ctx *ctx, const char *what, const struct ifnet_error *e)
{
	char why[IFNET_ERROR_TEXT + 8];
	const char *text = cmd_strerror(e->code);

	/* NetBSD says "not in table" for a missing route. */
	(void)cmd_reason(e, why, sizeof(why));
	if (why[0] != '\0')
		why[strlen(why) - 1] = '\0';
	return cmd_fail(ctx, e, "route: writing to routing socket: %s "
	    "(%s%s%s)", e->code == ESRCH ? "not in table" : text, what,
	    why[0] != '\0' ? ": " : "", why[0] != '\0' ? why + 2 : "");
}

uint8_t
route_type(int verb)
{

	return verb == ROUTE_CHANGE ? RTM_CHANGE :
	    verb == ROUTE_DELETE ? RTM_DELETE : RTM_ADD;
}

/* Make a request of one type; code as ifnet_route(). */
static int
request(struct cmd_ctx *ctx, uint8_t type, const struct route_words *w,
    const struct sockaddr_dl *sdl, uint64_t handle, struct ifnet_error *e)
{
	union { struct rt_msg m; char room[RT_MSG_MAX]; } req, ans;
	size_t len = sizeof(ans);

	route_build(type, w, sdl, handle, &req);
	return ifnet_route(ctx->cc_client, &req, req.m.rtm_h.rtm_len, &ans,
	    &len, e);
}

/* With cc_again an existing route is changed to the line's, which it usually
 * equals; unless the one that is in the way came with an address. */
static int
change_again(struct cmd_ctx *ctx, const struct route_words *w,
    const struct sockaddr_dl *sdl, uint64_t handle, struct ifnet_error *e)
{
	struct ifnet_error exists = *e;
	struct route_words that = *w;
	int error;

	that.given |= RTV_METRIC;
	error = request(ctx, RTM_CHANGE, &that, sdl, handle, e);
	if (error != ESRCH)
		return error;
	*e = exists;
	return EEXIST;
}

static int
route_modify(struct cmd_ctx *ctx, int argc, char **argv, int verb)
{
	char what[CMD_TEXTSIZE * 3], ownname[IFNAMSIZ];
	struct sockaddr_dl sdl;
	struct route_words w;
	struct ifnet_error e;
	uint64_t handle = 0;
	int error;

	if (route_parse(argc, argv, &w, &e) != 0)
		return bad(ctx, argv[0], e.text);
	if (ctx->cc_check)
		return CMD_OK;
	memset(&e, 0, sizeof(e));
	(void)describe(argv[0], &w, what, sizeof(what));
	if (route_find_if(ctx, &w, &sdl, &handle, ownname, &e) != 0)
		return refused(ctx, what, &e);
	if (verb == ROUTE_REPLACE)
		w.given |= RTV_REPLACE;
	error = request(ctx, route_type(verb), &w, &sdl, handle, &e);
	if (error == EEXIST && (w.given & RTV_MPATH) != 0 && ctx->cc_again)
		error = 0;	/* it is one of the ways */
	if (error == EEXIST && verb == ROUTE_ADD && ctx->cc_again)
		error = change_again(ctx, &w, &sdl, handle, &e);
	if (error != 0)
		return refused(ctx, what, &e);
	if (!ctx->cc_config)
		(void)fprintf(ctx->cc_out, "%s\n", what);
	return CMD_OK;
}

static int
route_get(struct cmd_ctx *ctx, int argc, char **argv)
{
	union { struct rt_msg m; char room[RT_MSG_MAX]; } req, ans;
	char what[CMD_TEXTSIZE * 3];
	struct sockaddr_dl sdl;
	struct route_words w;
	struct ifnet_error e;
	size_t len = sizeof(ans);

	if (route_parse(argc, argv, &w, &e) != 0)
		return bad(ctx, argv[0], e.text);
	if (w.havegw || w.ifname != NULL)
		return usage(ctx, "get: only the destination is wanted");
	if (ctx->cc_check)
		return CMD_OK;
	memset(&sdl, 0, sizeof(sdl));
	memset(&e, 0, sizeof(e));
	w.flags = 0;
	/* An address without a length is looked up as a host. */
	if (!w.is_net)
		w.len = cmd_ip_bits(w.dst.ip_family);
	(void)describe("get", &w, what, sizeof(what));
	if (find_zones(ctx, &w, &e) != 0)
		return refused(ctx, what, &e);
	route_build(RTM_GET, &w, &sdl, 0, &req);
	if (ifnet_route(ctx->cc_client, &req, req.m.rtm_h.rtm_len, &ans, &len,
	    &e) != 0)
		return refused(ctx, what, &e);
	if (!w.json)
		(void)fprintf(ctx->cc_out, "   route to: %s\n", what +
		    strlen("get ") + (route_is_host(&w) ? 5 : 4));
	return route_get_print(ctx, &ans, len, w.json);
}

/* --- flush --------------------------------------------------------------- */

static int
flush_print(const void *msg, size_t len, void *arg)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct rt_msg *m = msg;
	struct cmd_ctx *ctx = arg;
	char text[CMD_TEXTSIZE], line[2 * CMD_TEXTSIZE + 16], *to = line;

	if (rt_msg_check(m, len, sa) != 0)
		return 0;
	(void)cmd_dst_text(sa[0], sa[2], (m->rtm_flags & RTF_HOST) != 0, text);
	to = cmd_put(to, cmd_route_zone(text, m), 20);
	to = cmd_put(to, " ", 1);
	if (sa[1] != NULL)
		(void)cmd_sa_text(sa[1], text);
	else
		(void)snprintf(text, sizeof(text), "%.*s", IFNAMSIZ,
		    m->rtm_ifname);
	to = cmd_put(to, cmd_route_zone(text, m), 20);
	to = cmd_put(to, " done\n", 0);
	(void)fwrite(line, 1, (size_t)(to - line), ctx->cc_out);
	return 0;
}

static int
route_flush(struct cmd_ctx *ctx, int table)
{
	struct ifnet_error e;

	if (ifnet_flush_routes(ctx->cc_client, table, flush_print, ctx, &e) !=
	    0)
		return refused(ctx, "flush", &e);
	return CMD_OK;
}

/* --- the command --------------------------------------------------------- */

static int
route_other(struct cmd_ctx *ctx, int argc, char **argv)
{
	const char *verb = argv[0];
	bool flush = strcmp(verb, "flush") == 0, json = false;
	bool show = strcmp(verb, "show") == 0;
	int table = 0, family = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0 && show)
			json = true;
		else if (strcmp(argv[i], "-table") == 0 && (show || flush)) {
			if (++i == argc)
				return usage(ctx, "-table needs a value");
			if (!route_parse_table(argv[i], true, &table)) {
				cmd_err(ctx, "route %s: -table %s: bad value "
				    "(0 to %d, or all)", verb, argv[i],
				    ROUTE_TABLE_MAX);
				return 1;
			}
		} else if (strcmp(argv[i], "-inet") == 0 && !flush)
			family = AF_INET;
		else if (strcmp(argv[i], "-inet6") == 0 && !flush)
			family = AF_INET6;
		else if (strncmp(argv[i], "-inet", 5) == 0 && flush)
			return usage(ctx, "flush deletes the routes of both "
			    "families, and takes neither -inet nor -inet6");
		else
			return cmd_usage_why(ctx, &command_route, 1, "%s: %s "
			    "goes not with it", verb, argv[i]);
	}
	if (ctx->cc_config && !flush) {
		cmd_err(ctx, "route %s: not in a configuration file", verb);
		return 1;
	}
	if (ctx->cc_check)
		return CMD_OK;
	if (flush)
		return route_flush(ctx, table);
	if (strcmp(verb, "monitor") == 0)
		return route_monitor(ctx);
	return route_show(ctx, NULL, table, family, json);
}

static int
route_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct cmd_opts o;
	const struct cmd_word *verb;
	int c;
	bool flush = false;

	cmd_opts_init(&o, ctx, &command_route, argc, argv);
	/* Names are never looked up, so -n changes nothing. */
	while ((c = cmd_getopt(&o)) != -1) {
		if (c == '?')
			return cmd_usage(ctx, &command_route, 1);
		flush = flush || c == 'f';
	}
	argc -= o.o_next;
	argv += o.o_next;
	if (argc == 0 && flush)
		return ctx->cc_check ? CMD_OK : route_flush(ctx, 0);
	if (argc == 0)
		return cmd_usage_why(ctx, &command_route, 1, "what is to be "
		    "done is missing (add, delete, get, show, ...)");
	verb = cmd_verb(ctx, &command_route, argv[0]);
	if (verb == NULL)
		return cmd_usage(ctx, &command_route, 1);
	switch (verb->w_code) {
	case ROUTE_ADD:
	case ROUTE_CHANGE:
	case ROUTE_DELETE:
	case ROUTE_REPLACE:
		return route_modify(ctx, argc, argv, verb->w_code);
	case ROUTE_LOAD:
		return route_load(ctx, argc, argv);
	case ROUTE_GET:
		return route_get(ctx, argc, argv);
	default:
		return route_other(ctx, argc, argv);
	}
}

const struct command command_route = {
	.c_name = "route",
	.c_synopsis = "[-n] add [-net | -host] DEST[/LEN] GATEWAY "
	    "[-mtu N] [-blackhole | -reject]\n"
	    "[-n] add DEST[/LEN] GATEWAY [-metric N] [-proto NAME] "
	    "[-expire S]\n"
	    "[-n] add -mpath DEST[/LEN] GATEWAY [-weight N]\n"
	    "[-n] add [-net | -host] DEST[/LEN] -iface IF\n"
	    "[-n] change | replace DEST[/LEN] GATEWAY [-metric N] [-mtu N] "
	    "[-proto NAME]\n"
	    "[-n] delete [-net | -host] DEST[/LEN] [GATEWAY] [-metric N]\n"
	    "[-n] add | change | replace | delete | get ... [-table N]\n"
	    "[-n] get DEST\n"
	    "[-n] add | change | replace | delete | get | show "
	    "[-inet | -inet6] ...\n"
	    "[-n] load FILE\n"
	    "[-n] flush | show [-table N | -table all]\n"
	    "[-n] monitor",
	.c_summary = "add, delete, look up and follow routes",
	.c_example = "route add 10.2.0.0/16 10.0.1.2",
	.c_words = route_options,
	.c_run = route_run,
};
