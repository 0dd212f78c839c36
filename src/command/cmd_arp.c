/*
 * arp: show and change the neighbours of IPv4.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The lifetime of an entry made with "temp"; NetBSD's figure. */
#define TEMP_S		1200

static int
usage(struct cmd_ctx *ctx, const char *why)
{

	return cmd_usage_why(ctx, &command_arp, 1, "%s", why);
}

/* --- show ---------------------------------------------------------------- */

struct show {
	struct cmd_ctx	*ctx;
	struct in_addr	 only;		/* when haveonly */
	bool		 haveonly;
	unsigned	 shown;
	struct json	*json;		/* NULL: as lines */
};

static void
json_neighbour(struct json *j, const struct rt_msg *m,
    const struct sockaddr *dst, const struct sockaddr_dl *sdl)
{
	char text[CMD_TEXTSIZE], ll[LLADDR_STRSIZE], ifname[IFNAMSIZ];

	memcpy(ifname, m->rtm_ifname, sizeof(ifname));
	ifname[IFNAMSIZ - 1] = '\0';
	json_object(j, NULL);
	json_text(j, "family", "inet");
	json_text(j, "address", cmd_inet_text(dst, text));
	if (sdl != NULL && sdl->sdl_family == AF_LINK && sdl->sdl_alen != 0 &&
	    sdl->sdl_alen <= SDL_DATALEN)
		json_text(j, "lladdr", lladdr_text(sdl->sdl_data,
		    sdl->sdl_alen, ll));
	json_text(j, "interface", ifname);
	json_u64(j, "handle", m->rtm_ifhandle);
	json_bool(j, "permanent", (m->rtm_flags & RTF_STATIC) != 0);
	json_bool(j, "published", (m->rtm_flags & RTF_ANNOUNCE) != 0);
	if ((m->rtm_flags & RTF_STATIC) == 0 && m->rtm_expire_s > 0)
		json_int(j, "expires_s", m->rtm_expire_s);
	json_end(j);
}

static int
show_msg(const void *msg, size_t len, void *arg)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct sockaddr_dl *sdl;
	const struct rt_msg *m = msg;
	struct show *sh = arg;
	char addr[CMD_TEXTSIZE], ll[LLADDR_STRSIZE];
	FILE *fp = sh->ctx->cc_out;

	if (rt_msg_check(msg, len, sa) != 0 || sa[0] == NULL ||
	    sa[0]->sa_family != AF_INET ||
	    (m->rtm_flags & RTF_LLDATA) == 0)
		return 0;
	if (sh->haveonly && ((const struct sockaddr_in *)(const void *)
	    sa[0])->sin_addr.s_addr != sh->only.s_addr)
		return 0;
	sh->shown++;
	sdl = (const struct sockaddr_dl *)(const void *)sa[1];
	if (sh->json != NULL) {
		json_neighbour(sh->json, m, sa[0], sdl);
		return 0;
	}
	(void)fprintf(fp, "? (%s) at ", cmd_inet_text(sa[0], addr));
	if (sdl == NULL || sdl->sdl_family != AF_LINK || sdl->sdl_alen == 0 ||
	    sdl->sdl_alen > SDL_DATALEN)
		(void)fprintf(fp, "(incomplete)");
	else
		(void)fprintf(fp, "%s",
		    lladdr_text(sdl->sdl_data, sdl->sdl_alen, ll));
	(void)fprintf(fp, " on %.*s", IFNAMSIZ, m->rtm_ifname);
	if ((m->rtm_flags & RTF_STATIC) != 0)
		(void)fprintf(fp, " permanent");
	else if (m->rtm_expire_s > 0)
		(void)fprintf(fp, " expires in %" PRId64 "s",
		    m->rtm_expire_s);
	if ((m->rtm_flags & RTF_ANNOUNCE) != 0)
		(void)fprintf(fp, " published");
	(void)fputc('\n', fp);
	return 0;
}

static int
arp_show(struct cmd_ctx *ctx, const char *host, bool json)
{
	struct show sh = { .ctx = ctx };
	struct cmd_held held;
	struct ifnet_error e;
	struct json j;
	int code = CMD_OK, error;

	memset(&e, 0, sizeof(e));
	if (host != NULL) {
		sh.haveonly = true;
		(void)cmd_parse_inet(host, &sh.only);
	}
	cmd_hold(ctx, &held);
	if (json) {
		json_begin(&j, ctx, JSON_PRETTY);
		json_array(&j, NULL);
		sh.json = &j;
	}
	error = ifnet_dump(ctx->cc_client, IFNET_NEIGH, NULL, show_msg, &sh,
	    &e);
	if (json)
		code = json_done(&j);
	cmd_release(ctx, &held);
	if (error != 0)
		return cmd_fail(ctx, &e, "arp: %s", e.text);
	if (json)
		return host != NULL && sh.shown == 0 ? 1 : code;
	if (host != NULL && sh.shown == 0) {
		(void)fprintf(ctx->cc_out, "%s (%s) -- no entry\n", host,
		    host);
		return 1;
	}
	return CMD_OK;
}

/* --- set and delete ------------------------------------------------------ */

struct entry {
	struct in_addr	 addr;
	uint8_t		 lladdr[SDL_DATALEN];
	unsigned	 lllen;
	bool		 temp, pub;
	const char	*text;		/* the address as given */
	/* The interface; 0: the one whose network has the address. */
	uint32_t	 index;
	uint64_t	 handle;
};

/* The interface whose network holds the address; ENETUNREACH: none. */
static int
interface_of(struct cmd_ctx *ctx, struct in_addr a, struct rt_msg *m,
    struct ifnet_error *e)
{
	const struct cmd_addr *ca;
	const struct sockaddr_in *sin, *mask;
	struct cmd_if *list, *ci;
	int len, best = -1;

	if (cmd_iflist_get(ctx->cc_client, NULL, IFNET_LINK | IFNET_ADDR,
	    &list, e) != 0)
		return e->code;
	for (ci = list; ci != NULL; ci = ci->ci_next)
		for (ca = ci->ci_addrs; ca != NULL; ca = ca->ca_next) {
			sin = (const struct sockaddr_in *)&ca->ca_addr;
			mask = (const struct sockaddr_in *)&ca->ca_mask;
			if (sin->sin_family != AF_INET ||
			    mask->sin_family != AF_INET ||
			    (ci->ci_flags & IFF_BROADCAST) == 0 ||
			    ((sin->sin_addr.s_addr ^ a.s_addr) &
			    mask->sin_addr.s_addr) != 0)
				continue;
			len = cmd_mask_len(mask->sin_addr);
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
arp_request(struct cmd_ctx *ctx, uint8_t type, const struct entry *en)
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
	req.m.rtm_h.rtm_len = sizeof(req.m);
	req.m.rtm_h.rtm_version = RTM_VERSION;
	req.m.rtm_h.rtm_type = type;
	req.m.rtm_flags = RTF_LLDATA | RTF_HOST |
	    (en->temp || type == RTM_DELETE ? 0 : RTF_STATIC) |
	    (en->pub ? RTF_ANNOUNCE : 0);
	req.m.rtm_expire_s = en->temp ? TEMP_S : 0;
	req.m.rtm_index = en->index;
	req.m.rtm_ifhandle = en->handle;
	if (en->handle == 0)
		nowhere = interface_of(ctx, en->addr, &req.m, &none);
	sdl.sdl_family = AF_LINK;
	sdl.sdl_index = req.m.rtm_index;
	cmd_sin(&ss, en->addr);
	(void)rt_msg_add(&req, RTA_DST, (struct sockaddr *)&ss);
	if (type != RTM_DELETE) {
		sdl.sdl_alen = (uint8_t)en->lllen;
		memcpy(sdl.sdl_data, en->lladdr, en->lllen);
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
		return cmd_fail(ctx, &none, "arp: cannot intuit interface "
		    "index and type for %s (%s)", en->text, none.text);
	if (type == RTM_DELETE && e.code == ESRCH)
		return cmd_fail(ctx, &e, "arp: delete %s: no entry",
		    en->text);
	(void)cmd_reason(&e, why, sizeof(why));
	return cmd_fail(ctx, &e, "arp: writing to routing socket: %s%s",
	    cmd_strerror(e.code), why);
}

static int
parse_host(struct cmd_ctx *ctx, struct entry *en, const char *word)
{
	struct ifnet_error e;
	int len;

	en->text = word;
	if (cmd_parse_prefix(word, &en->addr, &len, &e) != 0) {
		cmd_err(ctx, "arp: %s", e.text);
		return 1;
	}
	if (len >= 0) {
		cmd_err(ctx, "arp: %s: one address is wanted, not a network",
		    word);
		return 1;
	}
	return 0;
}

static int
arp_set(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct entry en;
	uint8_t type = RTM_ADD;
	int i, n;

	memset(&en, 0, sizeof(en));
	if (argc < 2)
		return usage(ctx, "-s: an address and a link-level address are "
		    "wanted");
	if (parse_host(ctx, &en, argv[0]) != 0)
		return 1;
	n = lladdr_parse(argv[1], en.lladdr, SDL_DATALEN);
	if (n <= 0) {
		cmd_err(ctx, "arp: invalid Ethernet address '%s'", argv[1]);
		return 1;
	}
	en.lllen = (unsigned)n;
	if (n != 6 || !lladdr_is_station(en.lladdr, 6)) {
		cmd_err(ctx, "arp: %s: not the address of a station: six "
		    "bytes, not all zero, and no group", argv[1]);
		return 1;
	}
	for (i = 2; i < argc; i++) {
		if (strcmp(argv[i], "temp") == 0)
			en.temp = true;
		else if (strcmp(argv[i], "pub") == 0)
			en.pub = true;
		else {
			cmd_err(ctx, "arp: -s: unknown word %s (temp and pub "
			    "can follow)", argv[i]);
			return cmd_usage(ctx, &command_arp, 1);
		}
	}
	return ctx->cc_check ? CMD_OK : arp_request(ctx, type, &en);
}

/* Collects what "arp -d" deletes: each entry on its own interface, which need
 * not have a network with the address any more. */
struct all {
	struct in_addr	 only;		/* when haveonly */
	bool		 haveonly;
	struct entry	*list;
	size_t		 n, room;
};

static int
all_msg(const void *msg, size_t len, void *arg)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct rt_msg *m = msg;
	struct all *all = arg;
	struct entry *en, *more;
	struct in_addr addr;

	if (rt_msg_check(msg, len, sa) != 0 || sa[0] == NULL ||
	    sa[0]->sa_family != AF_INET ||
	    (m->rtm_flags & RTF_LLDATA) == 0)
		return 0;
	addr = ((const struct sockaddr_in *)(const void *)sa[0])->sin_addr;
	if (all->haveonly && addr.s_addr != all->only.s_addr)
		return 0;
	if (all->n == all->room) {
		all->room = all->room == 0 ? 64 : all->room * 2;
		more = realloc(all->list, all->room * sizeof(*more));
		if (more == NULL)
			return ENOMEM;
		all->list = more;
	}
	en = &all->list[all->n++];
	memset(en, 0, sizeof(*en));
	en->addr = addr;
	en->index = m->rtm_index;
	en->handle = m->rtm_ifhandle;
	return 0;
}

/* Delete the entries of an address, or all with NULL. */
static int
arp_delete_all(struct cmd_ctx *ctx, const struct entry *only)
{
	struct sockaddr_storage ss;
	char text[CMD_TEXTSIZE];
	struct ifnet_error e;
	struct all all;
	size_t i;
	int code = CMD_OK;

	memset(&all, 0, sizeof(all));
	memset(&e, 0, sizeof(e));
	if (only != NULL) {
		all.haveonly = true;
		all.only = only->addr;
	}
	if (ifnet_dump(ctx->cc_client, IFNET_NEIGH, NULL, all_msg, &all,
	    &e) != 0) {
		code = cmd_fail(ctx, &e, "arp: %s", e.text);
		goto out;
	}
	/* Without an entry the request is made all the same, for the answer:
	 * who may not change neighbours is told so. */
	if (only != NULL && all.n == 0)
		code = arp_request(ctx, RTM_DELETE, only);
	for (i = 0; i < all.n && code == CMD_OK; i++) {
		cmd_sin(&ss, all.list[i].addr);
		all.list[i].text = cmd_inet_text((struct sockaddr *)&ss,
		    text);
		code = arp_request(ctx, RTM_DELETE, &all.list[i]);
		if (code == CMD_OK)
			(void)fprintf(ctx->cc_out, "%s (%s) deleted\n", text,
			    text);
	}
out:
	free(all.list);
	return code;
}

static int
arp_delete(struct cmd_ctx *ctx, int argc, char **argv, bool all)
{
	struct entry en;

	if (all ? argc != 0 : argc != 1)
		return usage(ctx, all ? "-d -a: no address goes with it" :
		    "-d: one address is wanted, or -a for all");
	memset(&en, 0, sizeof(en));
	if (!all && parse_host(ctx, &en, argv[0]) != 0)
		return 1;
	if (ctx->cc_check)
		return CMD_OK;
	return arp_delete_all(ctx, all ? NULL : &en);
}

static int
arp_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	bool all = false, del = false, set = false, json = false;
	struct cmd_opts o;
	struct entry en;
	int c;

	cmd_opts_init(&o, ctx, &command_arp, argc, argv);
	while ((c = cmd_getopt(&o)) != -1) {
		all = all || c == 'a';
		del = del || c == 'd';
		set = set || c == 's';
		json = json || c == CMD_OPT_JSON;
		if (c == '?')
			return cmd_usage(ctx, &command_arp, 1);
	}
	argc -= o.o_next;
	argv += o.o_next;
	if (set && (all || del))
		return usage(ctx, "-s goes not with -a or -d");
	if (json && (set || del))
		return usage(ctx, "--json shows, and goes not with -s or -d");
	if (set)
		return arp_set(ctx, argc, argv);
	if (del)
		return arp_delete(ctx, argc, argv, all);
	if (all ? argc != 0 : argc != 1)
		return usage(ctx, all ? "-a: no address goes with it" :
		    "one address is wanted, or -a for all");
	if (argc == 1 && parse_host(ctx, &en, argv[0]) != 0)
		return 1;
	if (ctx->cc_config) {
		cmd_err(ctx, "arp: only -s and -d in a configuration file");
		return 1;
	}
	return ctx->cc_check ? CMD_OK :
	    arp_show(ctx, all ? NULL : argv[0], json);
}

static const struct cmd_word arp_words[] = {
	{ "-a", NULL, "all neighbours" },
	{ "-d", NULL, "delete one, or with -a all", CMD_W_ADMIN },
	{ "-n", NULL, "changes nothing: no name of an address is looked up" },
	{ "-s", NULL, "set one", CMD_W_ADMIN },
	{ "temp", NULL, "with -s: it goes after 20 minutes", CMD_W_ADMIN },
	{ "pub", NULL, "with -s: answer for it", CMD_W_ADMIN },
	CMD_WORD_JSON,
	CMD_WORD_END
};

const struct command command_arp = {
	.c_name = "arp",
	.c_synopsis = "[-n] [--json] -a\n[-n] [--json] HOST\n-d HOST\n-d -a\n"
	    "-s HOST LLADDR [temp] [pub]",
	.c_summary = "show and change neighbours",
	.c_example = "arp -s 10.0.1.9 02:00:00:00:00:09",
	.c_words = arp_words,
	.c_run = arp_run,
};
