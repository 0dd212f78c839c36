/*
 * ifconfig: create, configure and show interfaces.
 */

#include "command/command_impl.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "ifconfig tap0 mtu 99999: SIOCSIFMTU: Invalid argument (why)" */
int
ifconfig_refused(struct ifconfig_run *r, const char *words, const char *request,
    const struct ifnet_error *e)
{
	char why[IFNET_ERROR_TEXT + 8];

	(void)cmd_reason(e, why, sizeof(why));
	return cmd_fail(r->ctx, e, "ifconfig %s%s%s: %s: %s%s", r->ifname,
	    words[0] == '\0' ? "" : " ", words, request,
	    cmd_strerror(e->code), why);
}

/* --- destroy, settings --------------------------------------------------- */

static int
do_destroy(struct ifconfig_run *r, const char *words)
{
	struct ifnet_error e;
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	if (cmd_ifreq(r->ctx->cc_client, SIOCIFDESTROY, &ifr, r->ifname,
	    &e) == 0)
		return CMD_OK;
	return ifconfig_refused(r, words, "SIOCIFDESTROY", &e);
}

static int
do_flags(struct ifconfig_run *r, const struct ifconfig_action *a)
{
	struct ifnet_error e;
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	if (cmd_ifreq(r->ctx->cc_client, SIOCGIFFLAGS, &ifr, r->ifname,
	    &e) != 0)
		return ifconfig_refused(r, a->ia_words, "SIOCGIFFLAGS",
		    &e);
	ifr.ifr_flags = (int32_t)(((uint32_t)ifr.ifr_flags &
	    ~(uint32_t)a->ia_clear) | (uint32_t)a->ia_set);
	if (cmd_ifreq(r->ctx->cc_client, SIOCSIFFLAGS, &ifr, r->ifname,
	    &e) != 0)
		return ifconfig_refused(r, a->ia_words, "SIOCSIFFLAGS",
		    &e);
	return CMD_OK;
}

static int
do_value(struct ifconfig_run *r, const struct ifconfig_action *a)
{
	struct ifnet_error e;
	struct ifreq ifr;
	unsigned long cmd;
	const char *request;

	memset(&ifr, 0, sizeof(ifr));
	switch (a->ia_kind) {
	case IFCONFIG_MTU:
		cmd = SIOCSIFMTU;
		request = "SIOCSIFMTU";
		ifr.ifr_mtu = (int32_t)a->ia_set;
		break;
	case IFCONFIG_METRIC:
		cmd = SIOCSIFMETRIC;
		request = "SIOCSIFMETRIC";
		ifr.ifr_metric = (int32_t)a->ia_set;
		break;
	case IFCONFIG_TABLE:
		cmd = SIOCSIFTABLE;
		request = "SIOCSIFTABLE";
		ifr.ifr_value = (int32_t)a->ia_set;
		break;
	case IFCONFIG_LINKSTR:
		cmd = SIOCSLINKSTR;
		request = "SIOCSLINKSTR";
		(void)snprintf(ifr.ifr_text, IFDESCRSIZE, "%s", a->ia_text);
		break;
	default:
		cmd = SIOCSIFDESCR;
		request = "SIOCSIFDESCR";
		(void)snprintf(ifr.ifr_text, IFDESCRSIZE, "%s", a->ia_text);
		break;
	}
	if (cmd_ifreq(r->ctx->cc_client, cmd, &ifr, r->ifname, &e) == 0)
		return CMD_OK;
	return ifconfig_refused(r, a->ia_words, request, &e);
}

static int
do_cap(struct ifconfig_run *r, const struct ifconfig_action *a)
{
	struct ifnet_error e;
	struct ifcapreq req;

	memset(&req, 0, sizeof(req));
	memset(&e, 0, sizeof(e));
	(void)snprintf(req.ifcr_name, sizeof(req.ifcr_name), "%s", r->ifname);
	if (ifnet_ioctl(r->ctx->cc_client, SIOCGIFCAP, &req, sizeof(req),
	    &e) != 0)
		return ifconfig_refused(r, a->ia_words, "SIOCGIFCAP", &e);
	req.ifcr_capenable &= ~a->ia_clear;
	req.ifcr_capenable |= a->ia_set;
	if (ifnet_ioctl(r->ctx->cc_client, SIOCSIFCAP, &req, sizeof(req),
	    &e) != 0)
		return ifconfig_refused(r, a->ia_words, "SIOCSIFCAP", &e);
	return CMD_OK;
}

static int
do_name(struct ifconfig_run *r, const struct ifconfig_action *a)
{
	struct ifnet_error e;
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	(void)snprintf(ifr.ifr_text, sizeof(ifr.ifr_text), "%s", a->ia_text);
	if (cmd_ifreq(r->ctx->cc_client, SIOCSIFNAME, &ifr, r->ifname,
	    &e) != 0)
		return ifconfig_refused(r, a->ia_words, "SIOCSIFNAME", &e);
	/* The rest of the line is about the renamed interface. */
	(void)snprintf(r->ifname, sizeof(r->ifname), "%s", a->ia_text);
	return CMD_OK;
}

static int
do_group(struct ifconfig_run *r, const struct ifconfig_action *a)
{
	struct if_groupreq req;
	struct ifnet_error e;
	int error;

	memset(&req, 0, sizeof(req));
	memset(&e, 0, sizeof(e));
	(void)snprintf(req.ifgr_name, sizeof(req.ifgr_name), "%s", r->ifname);
	(void)snprintf(req.ifgr_group, sizeof(req.ifgr_group), "%s",
	    a->ia_text);
	error = ifnet_ioctl(r->ctx->cc_client,
	    a->ia_delete ? SIOCDIFGROUP : SIOCAIFGROUP, &req, sizeof(req),
	    &e);
	if (error == 0 || (error == EEXIST && r->ctx->cc_again))
		return CMD_OK;
	return ifconfig_refused(r, a->ia_words,
	    a->ia_delete ? "SIOCDIFGROUP" : "SIOCAIFGROUP", &e);
}

static int
do_vnet(struct ifconfig_run *r, const struct ifconfig_action *a)
{
	struct ifnet_error e;
	struct cmd_neighs neighs;
	struct ifreq ifr;

	cmd_neighs_static(r->ctx, r->ifname, &neighs);
	memset(&ifr, 0, sizeof(ifr));
	(void)snprintf(ifr.ifr_text, sizeof(ifr.ifr_text), "%s", a->ia_text);
	if (cmd_ifreq(r->ctx->cc_client, SIOCSIFVNET, &ifr, r->ifname,
	    &e) == 0) {
		cmd_neighs_tell(r->ctx, r->ifname, &neighs);
		return CMD_OK;
	}
	return ifconfig_refused(r, a->ia_words, "SIOCSIFVNET", &e);
}

/* --- addresses ----------------------------------------------------------- */

int
ifconfig_begin(struct ifconfig_run *r)
{
	struct ifnet_error e;

	if (r->begun)
		return CMD_OK;
	memset(&e, 0, sizeof(e));
	if (ifnet_begin(r->ctx->cc_client, &e) != 0)
		return cmd_fail(r->ctx, &e, "ifconfig %s: %s", r->ifname,
		    e.text);
	r->begun = true;
	return CMD_OK;
}

/* The first address of the interface; 0, or EADDRNOTAVAIL and others. */
static int
first_inet(struct ifconfig_run *r, struct in_addr *a, struct ifnet_error *e)
{
	struct sockaddr_in sin;
	struct ifreq ifr;
	int error;

	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_addr.sa_family = AF_INET;
	error = cmd_ifreq(r->ctx->cc_client, SIOCGIFADDR, &ifr, r->ifname, e);
	if (error == 0) {
		memcpy(&sin, &ifr.ifr_space, sizeof(sin));
		*a = sin.sin_addr;
	}
	return error;
}

/* Delete an address; commit: complete the line's change in the same step. */
static int
inet_delete(struct ifconfig_run *r, const struct ifconfig_action *a,
    struct in_addr addr, bool commit)
{
	struct ifnet_batch *b;
	struct ifaliasreq req;
	struct ifnet_error e;

	memset(&req, 0, sizeof(req));
	memset(&e, 0, sizeof(e));
	(void)snprintf(req.ifra_name, sizeof(req.ifra_name), "%s", r->ifname);
	cmd_sin(&req.ifra_addr, addr);
	/* Every property in the line must match the address. */
	if (a->ia_delete && a->ia_len >= 0)
		cmd_sin(&req.ifra_mask, cmd_mask(a->ia_len));
	if (a->ia_delete && (a->ia_havedst || a->ia_havebrd))
		cmd_sin(&req.ifra_dstaddr, a->ia_dst.ip_in);
	b = ifnet_batch_begin(r->ctx->cc_client, &e);
	if (b == NULL)
		return ifconfig_refused(r, a->ia_words, "SIOCDIFADDR", &e);
	if (ifnet_batch_add_ioctl(b, SIOCDIFADDR, &req, sizeof(req), &e) != 0 ||
	    (commit && ifnet_batch_add_commit(b, &e) != 0))
		ifnet_batch_cancel(b);
	else if (ifnet_batch_run(b, NULL, &e) == 0)
		return CMD_OK;
	return ifconfig_refused(r, a->ia_words, "SIOCDIFADDR", &e);
}

int
ifconfig_prefer(struct ifconfig_run *r, const struct ifconfig_action *a,
    const struct sockaddr_storage *addr)
{
	struct if_addrprefreq pref;
	struct ifnet_error e;

	memset(&e, 0, sizeof(e));
	memset(&pref, 0, sizeof(pref));
	(void)snprintf(pref.ifap_name, sizeof(pref.ifap_name), "%s",
	    r->ifname);
	pref.ifap_preference = a->ia_pref;
	pref.ifap_addr = *addr;
	if (ifnet_ioctl(r->ctx->cc_client, SIOCSIFADDRPREF, &pref,
	    sizeof(pref), &e) != 0)
		return ifconfig_refused(r, a->ia_words, "SIOCSIFADDRPREF",
		    &e);
	return CMD_OK;
}

static int
inet_add(struct ifconfig_run *r, const struct ifconfig_action *a)
{
	struct ifaliasreq req;
	struct ifnet_error e;

	memset(&req, 0, sizeof(req));
	memset(&e, 0, sizeof(e));
	(void)snprintf(req.ifra_name, sizeof(req.ifra_name), "%s", r->ifname);
	cmd_sin(&req.ifra_addr, a->ia_addr.ip_in);
	if (a->ia_len >= 0)
		cmd_sin(&req.ifra_mask, cmd_mask(a->ia_len));
	if (a->ia_havedst || a->ia_havebrd)
		cmd_sin(&req.ifra_dstaddr, a->ia_dst.ip_in);
	if (ifnet_ioctl(r->ctx->cc_client, SIOCAIFADDR, &req, sizeof(req),
	    &e) != 0)
		return ifconfig_refused(r, a->ia_words, "SIOCAIFADDR", &e);
	return a->ia_havepref ? ifconfig_prefer(r, a, &req.ifra_addr) : CMD_OK;
}

static int
do_inet(struct ifconfig_run *r, const struct ifconfig_action *a)
{
	struct in_addr old;
	struct ifnet_error e;
	bool replaces;
	int code;

	if (a->ia_addr.ip_family == AF_INET6)
		return ifconfig_inet6(r, a);
	if (a->ia_delete) {
		old = a->ia_addr.ip_in;
		if (!a->ia_haveaddr && first_inet(r, &old, &e) != 0)
			return ifconfig_refused(r, a->ia_words, "SIOCGIFADDR",
			    &e);
		return inet_delete(r, a, old, false);
	}
	/*
	 * Without "alias" the address replaces the first one.  The new address
	 * is added before the old one is removed, so that a refusal changes
	 * nothing.
	 */
	replaces = !a->ia_alias && first_inet(r, &old, &e) == 0 &&
	    old.s_addr != a->ia_addr.ip_in.s_addr;
	if (replaces || a->ia_havepref) {
		code = ifconfig_begin(r);
		if (code != CMD_OK)
			return code;
	}
	code = inet_add(r, a);
	if (code != CMD_OK || !replaces)
		return code;
	if (!r->last)
		return inet_delete(r, a, old, false);
	r->replaced = a;
	r->old = old;
	return CMD_OK;
}

static int
do_link(struct ifconfig_run *r, const struct ifconfig_action *a)
{
	struct if_laddrreq req;
	struct ifnet_error e;
	struct sockaddr_dl *sdl = (struct sockaddr_dl *)&req.iflr_addr;
	int error;

	memset(&req, 0, sizeof(req));
	memset(&e, 0, sizeof(e));
	(void)snprintf(req.iflr_name, sizeof(req.iflr_name), "%s", r->ifname);
	sdl->sdl_family = AF_LINK;
	sdl->sdl_alen = (uint8_t)a->ia_lllen;
	memcpy(sdl->sdl_data, a->ia_lladdr, a->ia_lllen);
	req.iflr_prefixlen = a->ia_lllen * 8;
	if (a->ia_active)
		req.iflr_flags = IFLR_ACTIVE;
	error = ifnet_ioctl(r->ctx->cc_client,
	    a->ia_delete ? SIOCDLIFADDR : SIOCALIFADDR, &req, sizeof(req),
	    &e);
	if (error == 0 || (error == EEXIST && r->ctx->cc_again))
		return CMD_OK;
	return ifconfig_refused(r, a->ia_words,
	    a->ia_delete ? "SIOCDLIFADDR" : "SIOCALIFADDR", &e);
}

int
ifconfig_act(struct ifconfig_run *r, const struct ifconfig_action *a)
{

	switch (a->ia_kind) {
	case IFCONFIG_CREATE:
		return ifconfig_create(r, a);
	case IFCONFIG_DESTROY:
		return do_destroy(r, a->ia_words);
	case IFCONFIG_GROUP:
		return do_group(r, a);
	case IFCONFIG_VNET:
		return do_vnet(r, a);
	case IFCONFIG_NAME:
		return do_name(r, a);
	case IFCONFIG_FLAGS:
		return do_flags(r, a);
	case IFCONFIG_MTU:
	case IFCONFIG_METRIC:
	case IFCONFIG_TABLE:
	case IFCONFIG_LINKSTR:
	case IFCONFIG_DESCR:
		return do_value(r, a);
	case IFCONFIG_CAP:
		return do_cap(r, a);
	case IFCONFIG_INET:
		return do_inet(r, a);
	case IFCONFIG_LINK:
		return do_link(r, a);
	}
	return CMD_FAIL;
}

/*
 * End the line.  The replaced address is deleted here: the routes that go with
 * it would not come back if a later word were refused.
 */
static int
end_change(struct ifconfig_run *r, int code)
{
	struct ifnet_error e;

	if (!r->begun)
		return code;
	memset(&e, 0, sizeof(e));
	if (code == CMD_OK && r->replaced != NULL) {
		code = inet_delete(r, r->replaced, r->old, true);
		if (code == CMD_OK)
			return code;
	}
	if (code == CMD_OK)
		return ifnet_commit(r->ctx->cc_client, &e) == 0 ? CMD_OK :
		    cmd_fail(r->ctx, &e, "ifconfig %s: %s", r->ifname,
		    e.text);
	if (ifnet_rollback(r->ctx->cc_client, NULL, &e) == 0)
		cmd_err(r->ctx, r->created ? "%s is not created" :
		    "%s is as it was before", r->ifname);
	return code;
}

/* Can the deletion of the replaced address wait for the end of the line? */
static bool
is_last_address(const struct ifconfig_action *a, size_t n)
{

	for (size_t i = 1; i < n; i++)
		if (a[i].ia_kind == IFCONFIG_INET ||
		    a[i].ia_kind == IFCONFIG_VNET ||
		    a[i].ia_kind == IFCONFIG_DESTROY)
			return false;
	return true;
}

static int
do_actions(struct cmd_ctx *ctx, const char *ifname,
    const struct ifconfig_action *acts, size_t n)
{
	struct ifnet_error e;
	struct ifreq ifr;
	struct ifconfig_run r;
	size_t i;
	int code = CMD_OK;

	memset(&r, 0, sizeof(r));
	memset(&ifr, 0, sizeof(ifr));
	r.ctx = ctx;
	(void)snprintf(r.ifname, sizeof(r.ifname), "%s", ifname);
	if (acts[0].ia_count != 0)
		return ifconfig_create_many(&r, acts, n);
	if (acts[0].ia_kind != IFCONFIG_CREATE && cmd_ifreq(ctx->cc_client,
	    SIOCGIFFLAGS, &ifr, ifname, &e) != 0)
		return ifconfig_refused(&r, acts[0].ia_words, "SIOCGIFFLAGS",
		    &e);
	if (n > 1)
		code = ifconfig_begin(&r);
	for (i = 0; i < n && code == CMD_OK; i++) {
		r.last = is_last_address(&acts[i], n - i);
		code = ifconfig_act(&r, &acts[i]);
	}
	return end_change(&r, code);
}

/* --- the command --------------------------------------------------------- */

/* Do the actions, and name the routes that they removed. */
static int
act(struct cmd_ctx *ctx, const char *ifname,
    const struct ifconfig_action *acts, size_t n)
{
	/* A new interface cannot have taken routes away. */
	bool isnew = acts[0].ia_kind == IFCONFIG_CREATE;
	uint64_t lost = isnew ? 0 : cmd_lost_count(ctx);
	int code;

	code = do_actions(ctx, ifname, acts, n);
	if (!isnew)
		cmd_lost_tell(ctx, lost);
	return code;
}

/* Without a file, one line is all that is known.  NULL: no memory. */
static struct cmd_again *
one_line(struct cmd_ctx *ctx, const char *ifname,
    const struct ifconfig_action *acts, size_t n)
{
	static char name[] = "name", vnet[] = "vnet", command[] = "ifconfig";
	struct cmd_again *ca = cmd_again_create();
	char **words = calloc(2 + 2 * n, sizeof(*words));
	int argc = 2, error = ENOMEM;

	if (ca != NULL && words != NULL) {
		words[0] = command;
		words[1] = (char *)(uintptr_t)ifname;
		for (size_t i = 0; i < n; i++) {
			if (acts[i].ia_kind != IFCONFIG_NAME &&
			    acts[i].ia_kind != IFCONFIG_VNET)
				continue;
			words[argc++] = acts[i].ia_kind == IFCONFIG_NAME ?
			    name : vnet;
			words[argc++] = (char *)(uintptr_t)acts[i].ia_text;
		}
		error = cmd_again_read(ca, ctx->cc_vnet, argc, words);
		cmd_again_begin(ca);
		cmd_again_line(ca);
	}
	free(words);
	if (error == 0)
		return ca;
	cmd_again_free(ca);
	return NULL;
}

/*
 * Do the actions on the interface of the name.  In a configuration that is
 * applied again the interface may have been renamed or moved by then, and so
 * have been created.
 */
static int
act_on(struct cmd_ctx *ctx, const char *ifname,
    const struct ifconfig_action *acts, size_t n)
{
	bool create = acts[0].ia_kind == IFCONFIG_CREATE;
	char kind[IFNAMSIZ], name[IFNAMSIZ];
	struct cmd_ctx inner = *ctx;
	struct cmd_where w;
	bool moved;
	int code;

	(void)snprintf(name, sizeof(name), "%s", ifname);
	ifconfig_kind(ifname, kind);
	if (ctx->cc_applied != NULL && create && acts[0].ia_count == 0 &&
	    strcmp(name, kind) == 0 && !cmd_again_number(ctx, name)) {
		cmd_err(ctx, "ifconfig %s create: no number is left", ifname);
		return CMD_FAIL;
	}
	if (ctx->cc_again && ctx->cc_applied == NULL)
		inner.cc_applied = one_line(ctx, ifname, acts, n);
	/* The words of the file say "pair" where a number was chosen. */
	moved = cmd_again_where(&inner, ifname, create ? kind : NULL, &w) ||
	    cmd_again_where(&inner, name, create ? kind : NULL, &w);
	if (ctx->cc_applied == NULL) {
		cmd_again_free(inner.cc_applied);
		inner.cc_applied = NULL;
	}
	if (!moved)
		return act(ctx, name, acts, n);
	if (create && --n == 0)
		return CMD_OK;
	inner.cc_vnet = w.wh_vnet;
	if (ifnet_set_vnet(ctx->cc_client, w.wh_vnet, NULL) != 0)
		return act(ctx, name, acts, n);
	code = act(&inner, w.wh_name, create ? acts + 1 : acts, n);
	ctx->cc_errno = inner.cc_errno;
	(void)ifnet_set_vnet(ctx->cc_client, ctx->cc_vnet == NULL ? "" :
	    ctx->cc_vnet, NULL);
	return code;
}

static int
configure(struct cmd_ctx *ctx, const char *ifname, int argc, char **argv)
{
	struct ifconfig_action *acts;
	struct ifnet_error e;
	size_t n;
	int code;

	/* The array has one place more: "delete" alone stands for an address
	 * too. */
	acts = calloc((size_t)argc + 1, sizeof(*acts));
	if (acts == NULL) {
		cmd_err(ctx, "ifconfig: out of memory");
		return CMD_FAIL;
	}
	if (ifconfig_parse(argc, argv, acts, &n, &e) != 0) {
		cmd_err(ctx, "ifconfig %s: %s", ifname, e.text);
		code = 1;
	} else if (cmd_check_ifname(ifname, acts[0].ia_kind ==
	    IFCONFIG_CREATE, &e) != 0) {
		cmd_err(ctx, "ifconfig: %s", e.text);
		code = 1;
	} else if (acts[0].ia_count != 0 && n > 0 &&
	    isdigit((unsigned char)ifname[strlen(ifname) - 1])) {
		cmd_err(ctx, "ifconfig %s %s: one interface has this name; "
		    "create %u is for a name without a number", ifname,
		    acts[0].ia_words, acts[0].ia_count);
		code = 1;
	} else if (ctx->cc_check || n == 0) {
		code = CMD_OK;
	} else {
		code = act_on(ctx, ifname, acts, n);
	}
	free(acts);
	return code;
}

static int
usage(struct cmd_ctx *ctx, const char *why)
{

	return cmd_usage_why(ctx, &command_ifconfig, 1, "%s", why);
}

static bool
show_option(struct ifconfig_show *sh, int c, bool *cloners)
{

	switch (c) {
	case 'a':
		sh->is_all = true;
		break;
	case 'L':
		sh->is_lifetimes = true;
		break;
	case 'l':
		sh->is_names = true;
		break;
	case 'C':
		*cloners = true;
		break;
	case 'v':
		sh->is_verbose = true;
		break;
	case 'z':
		sh->is_zero = true;
		break;
	case 's':
		sh->is_running = true;
		break;
	case 'u':
		sh->is_up = true;
		break;
	case 'd':
		sh->is_down = true;
		break;
	case 'b':
		sh->is_broadcast = true;
		break;
	case 'm':
		sh->is_caps = true;
		break;
	case CMD_OPT_JSON:
		sh->is_json = true;
		break;
	default:
		return false;
	}
	return true;
}

/* Was an option given that only a listing has? */
static bool
shows(const struct ifconfig_show *sh)
{

	return sh->is_all || sh->is_names || sh->is_up || sh->is_down ||
	    sh->is_broadcast || sh->is_running || sh->is_caps ||
	    sh->is_verbose || sh->is_zero || sh->is_json ||
	    sh->is_lifetimes;
}

static int
ifconfig_run(struct cmd_ctx *ctx, int argc, char **argv)
{
	struct ifconfig_show sh;
	struct cmd_opts o;
	struct ifnet_error e;
	const char *ifname = NULL;
	bool cloners = false;
	int c;

	memset(&sh, 0, sizeof(sh));
	cmd_opts_init(&o, ctx, &command_ifconfig, argc, argv);
	while ((c = cmd_getopt(&o)) != -1)
		if (!show_option(&sh, c, &cloners))
			return cmd_usage(ctx, &command_ifconfig, 1);
	argc -= o.o_next;
	argv += o.o_next;
	if (cloners) {
		if (argc != 0)
			return usage(ctx, "-C: no name goes with it");
		return ctx->cc_check ? CMD_OK : ifconfig_cloners(ctx,
		    sh.is_json);
	}
	if (argc > 0 && !sh.is_all && (!sh.is_names || argc == 1)) {
		ifname = argv[0];
		argc--;
		argv++;
	}
	if (argc == 1 && strcmp(argv[0], "inet") == 0)
		sh.is_inet = true;
	else if (argc == 1 && strcmp(argv[0], "inet6") == 0)
		sh.is_inet6 = true;
	else if (argc == 1 && strcmp(argv[0], "link") == 0)
		sh.is_link = true;
	else if (argc > 0 && ifname != NULL)
		return shows(&sh) ? usage(ctx, "an option that shows goes not "
		    "with a change") : configure(ctx, ifname, argc, argv);
	else if (argc > 0)
		return usage(ctx, "with -a or -l, inet, inet6 or link alone "
		    "can follow");
	if (ifname != NULL && cmd_check_ifname(ifname, false, &e) != 0) {
		cmd_err(ctx, "ifconfig: %s", e.text);
		return 1;
	}
	return ctx->cc_check ? CMD_OK : ifconfig_show(ctx, &sh, ifname);
}

static void
ifconfig_complete(struct cmd_ctx *ctx, int argc, char **argv,
    cmd_add_fn *add, void *arg)
{
	const struct cmd_word *w;
	int i = 1;

	while (i < argc - 1 && argv[i][0] == '-')
		i++;
	if (i < argc - 1) {
		command_complete_words(ctx, &command_ifconfig, argc - i + 1,
		    argv + i - 1, add, arg);
		return;
	}
	cmd_complete_if(ctx, add, arg);
	cmd_complete_cloner(ctx, add, arg);
	for (w = ifconfig_words; w->w_name[0] == '-'; w++)
		add(arg, w->w_name);
}

const struct command command_ifconfig = {
	.c_name = "ifconfig",
	.c_synopsis = "[-a] [-bdLmsuvz] [--json] [inet | inet6 | link]\n"
	    "[-Lmvz] [--json] IF [inet | inet6 | link]\n"
	    "-l [-bdsu] [--json] [GROUP]\n"
	    "[-Lmvz] [--json] GROUP\n"
	    "-s IF\n"
	    "-C [--json]\n"
	    "IF create [here | fd N] [host NAME] [peer [VNET:]IF] ...\n"
	    "KIND create N ...\n"
	    "IF destroy\n"
	    "IF name NEW\n"
	    "IF vnet VNET\n"
	    "IF [group NAME | -group NAME] ...\n"
	    "IF [inet] ADDR[/LEN] [DEST] [netmask MASK] [broadcast ADDR] "
	    "[alias | -alias | delete] ...\n"
	    "IF [inet6] ADDR[/LEN] [DEST] [prefixlen N] [eui64] "
	    "[pltime SECONDS] [vltime SECONDS] [[-]anycast] [[-]deprecated] "
	    "[alias | -alias | delete] ...\n"
	    "IF link LLADDR [active | delete] ...\n"
	    "IF [up | down] [mtu N] [metric N] [table N] "
	    "[descr TEXT | -descr] "
	    "[linkstr TEXT | -linkstr] [[-]arp] [[-]debug] [[-]CAPABILITY] "
	    "...",
	.c_summary = "create, configure and show interfaces",
	.c_example = "ifconfig tap0 inet 10.0.1.1/24 up",
	.c_words = ifconfig_words,
	.c_run = ifconfig_run,
	.c_complete = ifconfig_complete,
};
