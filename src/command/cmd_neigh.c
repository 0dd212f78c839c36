/*
 * Neighbours of IPv4 and IPv6: listing, setting and deleting them, for arp and
 * ndp.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The lifetime of an entry made with "temp"; NetBSD's figure. */
#define TEMP_S		1200

static const char *
tool_name(const struct neigh_tool *nt)
{

	return nt->nt_command->c_name;
}

/* --- the neighbours of a stack -------------------------------------------- */

struct list {
	const struct neigh_tool *ls_tool;
	const struct neigh_entry *ls_only;	/* NULL: all */
	bool		 ls_learned;
	struct neigh_entry *ls_entry;
	size_t		 ls_n, ls_room;
};

static void
set_addr(struct neigh_entry *en, const struct sockaddr *sa,
    const struct rt_msg *m)
{

	en->en_addr.ip_family = sa->sa_family;
	if (sa->sa_family == AF_INET)
		en->en_addr.ip_in = ((const struct sockaddr_in *)
		    (const void *)sa)->sin_addr;
	else
		en->en_addr.ip_in6 = ((const struct sockaddr_in6 *)
		    (const void *)sa)->sin6_addr;
	(void)cmd_inet_text(sa, en->en_text);
	(void)cmd_route_zone(en->en_text, m);
}

/* Does an address that was asked for name this neighbour: without a zone, on
 * whichever interface? */
static bool
is_named(const struct neigh_entry *want, const struct neigh_entry *en)
{

	return memcmp(&want->en_addr.ip_in6, &en->en_addr.ip_in6,
	    en->en_addr.ip_family == AF_INET ? 4 : 16) == 0 &&
	    (want->en_index == 0 || want->en_index == en->en_index);
}

static int
list_msg(const void *msg, size_t len, void *arg)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct sockaddr_dl *sdl;
	const struct rt_msg *m = msg;
	struct neigh_entry *en, *more;
	struct list *ls = arg;

	if (rt_msg_check(msg, len, sa) != 0 || sa[0] == NULL ||
	    sa[0]->sa_family != ls->ls_tool->nt_family ||
	    (m->rtm_flags & RTF_LLDATA) == 0)
		return 0;
	if (ls->ls_n == ls->ls_room) {
		ls->ls_room = ls->ls_room == 0 ? 64 : ls->ls_room * 2;
		more = reallocarray(ls->ls_entry, ls->ls_room, sizeof(*more));
		if (more == NULL)
			return ENOMEM;
		ls->ls_entry = more;
	}
	en = &ls->ls_entry[ls->ls_n];
	memset(en, 0, sizeof(*en));
	en->en_index = m->rtm_index;
	set_addr(en, sa[0], m);
	memcpy(en->en_ifname, m->rtm_ifname, IFNAMSIZ);
	en->en_ifname[IFNAMSIZ - 1] = '\0';
	if ((ls->ls_only != NULL && !is_named(ls->ls_only, en)) ||
	    (ls->ls_learned && (m->rtm_flags & RTF_STATIC) != 0))
		return 0;
	en->en_handle = m->rtm_ifhandle;
	en->en_flags = m->rtm_flags;
	en->en_state = m->rtm_proto;
	en->en_router = (m->rtm_given & RTV_ROUTER) != 0;
	en->en_expire_s = m->rtm_expire_s;
	sdl = (const struct sockaddr_dl *)(const void *)sa[1];
	if (sdl != NULL && sdl->sdl_family == AF_LINK &&
	    sdl->sdl_alen <= SDL_DATALEN) {
		en->en_lllen = sdl->sdl_alen;
		memcpy(en->en_lladdr, sdl->sdl_data, sdl->sdl_alen);
	}
	ls->ls_n++;
	return 0;
}

/* By interface, then by address: IPv6's come in no order. */
static int
compare(const void *a, const void *b)
{
	const struct neigh_entry *x = a, *y = b;

	if (x->en_index != y->en_index)
		return x->en_index < y->en_index ? -1 : 1;
	return memcmp(&x->en_addr.ip_in6, &y->en_addr.ip_in6, 16);
}

/* ls_entry is the caller's, to be freed, also after an error. */
static int
collect(struct cmd_ctx *ctx, struct list *ls, struct ifnet_error *e)
{

	memset(e, 0, sizeof(*e));
	if (ifnet_dump(ctx->cc_client, IFNET_NEIGH, NULL, list_msg, ls, e) !=
	    0)
		return e->code;
	if (ls->ls_n > 1)
		qsort(ls->ls_entry, ls->ls_n, sizeof(*ls->ls_entry), compare);
	return 0;
}

/* --- show ---------------------------------------------------------------- */

static void
json_neighbour(struct json *j, const struct neigh_entry *en)
{
	static const char *const states[] = { NULL, "incomplete", "reachable",
	    "stale", "probe", "failed" };
	char ll[LLADDR_STRSIZE];

	json_object(j, NULL);
	json_text(j, "family", en->en_addr.ip_family == AF_INET ? "inet" :
	    "inet6");
	json_text(j, "address", en->en_text);
	if (en->en_lllen != 0)
		json_text(j, "lladdr", lladdr_text(en->en_lladdr,
		    en->en_lllen, ll));
	json_text(j, "interface", en->en_ifname);
	json_u64(j, "handle", en->en_handle);
	json_bool(j, "permanent", (en->en_flags & RTF_STATIC) != 0);
	json_bool(j, "published", (en->en_flags & RTF_ANNOUNCE) != 0);
	if (en->en_state < sizeof(states) / sizeof(states[0]) &&
	    states[en->en_state] != NULL)
		json_text(j, "state", states[en->en_state]);
	if (en->en_addr.ip_family == AF_INET6)
		json_bool(j, "router", en->en_router);
	if ((en->en_flags & RTF_STATIC) == 0 && en->en_expire_s > 0)
		json_int(j, "expires_s", en->en_expire_s);
	json_end(j);
}

static int
show_json(struct cmd_ctx *ctx, const struct list *ls)
{
	struct json j;

	json_begin(&j, ctx, JSON_PRETTY);
	json_array(&j, NULL);
	for (size_t i = 0; i < ls->ls_n; i++)
		json_neighbour(&j, &ls->ls_entry[i]);
	return json_done(&j);
}

int
cmd_neigh_show(struct cmd_ctx *ctx, const struct neigh_tool *nt,
    const struct neigh_entry *only, bool json)
{
	struct list ls = {
		.ls_tool = nt, .ls_only = only,
	};
	struct ifnet_error e;
	int code = CMD_OK;

	if (collect(ctx, &ls, &e) != 0) {
		code = cmd_fail(ctx, &e, "%s: %s", tool_name(nt), e.text);
		goto out;
	}
	if (json)
		code = show_json(ctx, &ls);
	else if (nt->nt_heading != NULL && (only == NULL || ls.ls_n != 0))
		(void)fprintf(ctx->cc_out, "%s\n", nt->nt_heading);
	for (size_t i = 0; !json && i < ls.ls_n; i++)
		nt->nt_line(ctx->cc_out, &ls.ls_entry[i]);
	if (only != NULL && ls.ls_n == 0) {
		if (!json)
			(void)fprintf(ctx->cc_out, "%s (%s) -- no entry\n",
			    only->en_text, only->en_text);
		code = 1;
	}
out:
	free(ls.ls_entry);
	return code;
}

/* --- set and delete ------------------------------------------------------ */

/* Is the address on the network of another? */
static bool
is_on(const struct sockaddr_storage *ss, const struct cmd_addr *ca)
{
	struct cmd_addr here = { .ca_addr = *ss, .ca_mask = ca->ca_mask };
	struct sockaddr_storage net, its;

	if (ca->ca_addr.ss_family != ss->ss_family ||
	    ca->ca_mask.ss_family != ss->ss_family)
		return false;
	cmd_network(&here, &net);
	cmd_network(ca, &its);
	return memcmp(&net, &its, sizeof(net)) == 0;
}

/* The interface whose network holds the address; ENETUNREACH: none. */
static int
interface_of(struct cmd_ctx *ctx, const struct sockaddr_storage *ss,
    struct rt_msg *m, struct ifnet_error *e)
{
	const struct cmd_addr *ca;
	struct cmd_if *list, *ci;
	int len, best = -1;

	if (cmd_iflist_get(ctx->cc_client, NULL, IFNET_LINK | IFNET_ADDR,
	    &list, e) != 0)
		return e->code;
	for (ci = list; ci != NULL; ci = ci->ci_next)
		for (ca = ci->ci_addrs; ca != NULL; ca = ca->ca_next) {
			if ((ci->ci_flags & IFF_BROADCAST) == 0 ||
			    !is_on(ss, ca))
				continue;
			len = cmd_addr_len(ca);
			if (len <= best)
				continue;
			best = len;
			m->rtm_index = ci->ci_index;
			m->rtm_ifhandle = ci->ci_handle;
		}
	cmd_iflist_free(list);
	if (best >= 0)
		return 0;
	return ifnet_error_set(e, ENETUNREACH,
	    "the address is on no network of an Ethernet-like interface");
}

static int
make_request(struct cmd_ctx *ctx, const struct neigh_tool *nt, uint8_t type,
    const struct neigh_entry *en)
{
	union { struct rt_msg m; char room[RT_MSG_MAX]; } req, ans;
	struct sockaddr_storage ss;
	struct sockaddr_dl sdl;
	struct ifnet_error e, none;
	size_t len = sizeof(ans);
	int error, nowhere = 0;
	char why[IFNET_ERROR_TEXT + 8];

	memset(&req, 0, sizeof(req));
	memset(&sdl, 0, sizeof(sdl));
	memset(&e, 0, sizeof(e));
	cmd_ip_sa(&en->en_addr, en->en_index, &ss);
	req.m.rtm_h.rtm_len = sizeof(req.m);
	req.m.rtm_h.rtm_version = RTM_VERSION;
	req.m.rtm_h.rtm_type = type;
	req.m.rtm_flags = en->en_flags | RTF_LLDATA | RTF_HOST;
	req.m.rtm_expire_s = en->en_expire_s;
	req.m.rtm_index = en->en_index;
	req.m.rtm_ifhandle = en->en_handle;
	if (en->en_index == 0)
		nowhere = interface_of(ctx, &ss, &req.m, &none);
	sdl.sdl_family = AF_LINK;
	sdl.sdl_index = req.m.rtm_index;
	(void)rt_msg_add(&req, RTA_DST, (struct sockaddr *)&ss);
	if (type != RTM_DELETE) {
		sdl.sdl_alen = (uint8_t)en->en_lllen;
		memcpy(sdl.sdl_data, en->en_lladdr, en->en_lllen);
		(void)rt_msg_add(&req, RTA_GATEWAY,
		    (struct sockaddr *)(void *)&sdl);
	}
	error = ifnet_route(ctx->cc_client, &req, req.m.rtm_h.rtm_len, &ans,
	    &len, &e);
	/* The new entry replaces an existing one. */
	if (error == EEXIST && type == RTM_ADD) {
		req.m.rtm_h.rtm_type = RTM_CHANGE;
		len = sizeof(ans);
		error = ifnet_route(ctx->cc_client, &req,
		    req.m.rtm_h.rtm_len, &ans, &len, &e);
	}
	if (error == 0)
		return CMD_OK;
	/* A missing privilege is reported first. */
	if (nowhere != 0 && e.code != EPERM)
		return cmd_fail(ctx, &none, "%s: cannot intuit interface "
		    "index and type for %s (%s)", tool_name(nt), en->en_text,
		    none.text);
	if (type == RTM_DELETE && e.code == ESRCH)
		return cmd_fail(ctx, &e, "%s: delete %s: no entry",
		    tool_name(nt), en->en_text);
	(void)cmd_reason(&e, why, sizeof(why));
	return cmd_fail(ctx, &e, "%s: writing to routing socket: %s%s",
	    tool_name(nt), cmd_strerror(e.code), why);
}

/* The interface of an address that is written with its zone. */
static int
find_zone(struct cmd_ctx *ctx, const struct neigh_tool *nt,
    struct neigh_entry *en)
{
	struct ifnet_error e;

	if (cmd_ip_zone(ctx, &en->en_addr, NULL, &en->en_index, &e) == 0)
		return CMD_OK;
	return cmd_fail(ctx, &e, "%s: %s", tool_name(nt), e.text);
}

int
cmd_neigh_parse_host(struct cmd_ctx *ctx, const struct neigh_tool *nt,
    struct neigh_entry *en, const char *word)
{
	struct ifnet_error e;
	int len;

	memset(en, 0, sizeof(*en));
	if (cmd_parse_ip(word, nt->nt_family, &en->en_addr, &len, &e) != 0) {
		cmd_err(ctx, "%s: %s", tool_name(nt), e.text);
		return 1;
	}
	(void)cmd_ip_text(&en->en_addr, en->en_text);
	if (len < 0)
		return ctx->cc_check ? CMD_OK : find_zone(ctx, nt, en);
	cmd_err(ctx, "%s: %s: one address is wanted, not a network",
	    tool_name(nt), word);
	return 1;
}

int
cmd_neigh_set(struct cmd_ctx *ctx, const struct neigh_tool *nt,
    const char *where, int argc, char **argv)
{
	struct neigh_entry en;
	int i, n;

	if (argc < 2)
		return cmd_usage_why(ctx, nt->nt_command, 1, "%s: an address "
		    "and a link-level address are wanted", where);
	if (cmd_neigh_parse_host(ctx, nt, &en, argv[0]) != 0)
		return 1;
	n = lladdr_parse(argv[1], en.en_lladdr, SDL_DATALEN);
	if (n <= 0) {
		cmd_err(ctx, "%s: invalid Ethernet address '%s'",
		    tool_name(nt), argv[1]);
		return 1;
	}
	en.en_lllen = (unsigned)n;
	if (n != 6 || !lladdr_is_station(en.en_lladdr, 6)) {
		cmd_err(ctx, "%s: %s: not the address of a station: six "
		    "bytes, not all zero, and no group", tool_name(nt),
		    argv[1]);
		return 1;
	}
	en.en_flags = RTF_STATIC;
	for (i = 2; i < argc; i++) {
		if (strcmp(argv[i], "temp") == 0) {
			en.en_flags &= ~RTF_STATIC;
			en.en_expire_s = TEMP_S;
		} else if (strcmp(argv[i], nt->nt_proxy) == 0)
			en.en_flags |= RTF_ANNOUNCE;
		else {
			cmd_err(ctx, "%s: %s: unknown word %s (temp and %s "
			    "can follow)", tool_name(nt), where, argv[i],
			    nt->nt_proxy);
			return cmd_usage(ctx, nt->nt_command, 1);
		}
	}
	return ctx->cc_check ? CMD_OK : make_request(ctx, nt, RTM_ADD, &en);
}

int
cmd_neigh_delete(struct cmd_ctx *ctx, const struct neigh_tool *nt,
    const struct neigh_entry *only, bool learned)
{
	struct list ls = {
		.ls_tool = nt, .ls_only = only, .ls_learned = learned,
	};
	struct neigh_entry *en;
	struct ifnet_error e;
	int code = CMD_OK;

	if (collect(ctx, &ls, &e) != 0) {
		code = cmd_fail(ctx, &e, "%s: %s", tool_name(nt), e.text);
		goto out;
	}
	/* Without an entry the request is made all the same, for the answer:
	 * who may not change neighbours is told so. */
	if (only != NULL && ls.ls_n == 0)
		code = make_request(ctx, nt, RTM_DELETE, only);
	/* Each on its own interface, which need not have a network with the
	 * address any more. */
	for (size_t i = 0; i < ls.ls_n && code == CMD_OK; i++) {
		en = &ls.ls_entry[i];
		en->en_flags = 0;
		en->en_expire_s = 0;
		code = make_request(ctx, nt, RTM_DELETE, en);
		if (code == CMD_OK)
			(void)fprintf(ctx->cc_out, "%s (%s) deleted\n",
			    en->en_text, en->en_text);
	}
out:
	free(ls.ls_entry);
	return code;
}
