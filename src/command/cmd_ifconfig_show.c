/*
 * ifconfig: its listing, in NetBSD's format.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ifnet/if_types.h>

static const struct cmd_bit caps[] = {
	{ IFCAP_TSOv4, "TSO4" },
	{ IFCAP_CSUM_IPv4_Rx, "IP4CSUM_Rx" },
	{ IFCAP_CSUM_IPv4_Tx, "IP4CSUM_Tx" },
	{ IFCAP_CSUM_TCPv4_Rx, "TCP4CSUM_Rx" },
	{ IFCAP_CSUM_TCPv4_Tx, "TCP4CSUM_Tx" },
	{ IFCAP_CSUM_UDPv4_Rx, "UDP4CSUM_Rx" },
	{ IFCAP_CSUM_UDPv4_Tx, "UDP4CSUM_Tx" },
	{ IFCAP_CSUM_TCPv6_Rx, "TCP6CSUM_Rx" },
	{ IFCAP_CSUM_TCPv6_Tx, "TCP6CSUM_Tx" },
	{ IFCAP_CSUM_UDPv6_Rx, "UDP6CSUM_Rx" },
	{ IFCAP_CSUM_UDPv6_Tx, "UDP6CSUM_Tx" },
	{ IFCAP_TSOv6, "TSO6" },
	{ IFCAP_LRO, "LRO" },
};
#define NCAPS	(sizeof(caps) / sizeof(caps[0]))

const char *
ifconfig_caps_text(uint64_t bits, char *buf, size_t size)
{

	return cmd_bits_text(caps, NCAPS, bits, buf, size);
}

static void
show_caps(struct cmd_ctx *ctx, const struct cmd_detail *cd, bool always)
{
	char text[256];

	if (cd->cd_caps == 0 && !always)
		return;
	(void)fprintf(ctx->cc_out, "\tcapabilities=%" PRIx64 "%s\n",
	    cd->cd_caps, ifconfig_caps_text(cd->cd_caps, text, sizeof(text)));
	(void)fprintf(ctx->cc_out, "\tenabled=%" PRIx64 "%s\n",
	    cd->cd_capenable,
	    ifconfig_caps_text(cd->cd_capenable, text, sizeof(text)));
}

static void
show_texts(struct cmd_ctx *ctx, const struct cmd_detail *cd)
{

	if (cd->cd_descr[0] != '\0')
		cmd_row(ctx, "\tdescription: \"%s\"", cd->cd_descr);
	if (cd->cd_linkstr[0] != '\0')
		cmd_row(ctx, "\tlinkstr: %s", cd->cd_linkstr);
}

static void
show_link(struct cmd_ctx *ctx, const struct cmd_if *ci)
{
	const struct sockaddr_dl *sdl = cmd_if_lladdr(ci);
	const struct cmd_addr *ca;
	char buf[LLADDR_STRSIZE];

	if (sdl != NULL)
		(void)fprintf(ctx->cc_out, "\taddress: %s\n",
		    lladdr_text(sdl->sdl_data, sdl->sdl_alen, buf));
	/* Then the link-level addresses that are not active. */
	for (ca = ci->ci_addrs; ca != NULL; ca = ca->ca_next) {
		if (ca->ca_addr.ss_family != AF_LINK)
			continue;
		sdl = (const struct sockaddr_dl *)&ca->ca_addr;
		if (sdl->sdl_alen > 0 && sdl->sdl_alen <= SDL_DATALEN)
			(void)fprintf(ctx->cc_out, "\tlink %s\n",
			    lladdr_text(sdl->sdl_data, sdl->sdl_alen, buf));
	}
}

static void
show_state(struct cmd_ctx *ctx, const struct cmd_if *ci)
{
	uint8_t st = ci->ci_data.ifi_link_state, oper = ci->ci_data.ifi_oper;

	if (oper == IF_OPER_DOWN_LOWER || oper == IF_OPER_TESTING)
		(void)fprintf(ctx->cc_out, "\tstatus: %s\n",
		    oper == IF_OPER_TESTING ? "testing" : "lower layer down");
	else if (ci->ci_data.ifi_type == IFT_ETHER &&
	    st != LINK_STATE_UNKNOWN)
		(void)fprintf(ctx->cc_out, "\tstatus: %s\n",
		    st == LINK_STATE_UP ? "active" : "no carrier");
	if (st == LINK_STATE_UNKNOWN)
		return;
	(void)fprintf(ctx->cc_out, "\tlinkstate: %s\n", cmd_link_text(st));
}

/* Print the groups that a user put the interface into; the stack's own groups
 * are left out. */
static void
show_groups(struct cmd_ctx *ctx, const struct cmd_detail *cd)
{
	const char *sep = "\tgroups: ";
	unsigned i;

	for (i = cd->cd_ndefault; i < cd->cd_ngroups; i++) {
		(void)fprintf(ctx->cc_out, "%s%s", sep, cd->cd_groups[i]);
		sep = " ";
	}
	if (sep[0] == ' ')
		(void)fputc('\n', ctx->cc_out);
}

static const char *
plural(uint64_t n)
{

	return n == 1 ? "" : "s";
}

static void
show_drops(struct cmd_ctx *ctx, const struct cmd_detail *cd)
{
	const struct if_detail_drop *dd;
	unsigned i;

	for (i = 0; i < cd->cd_ndrops; i++) {
		dd = &cd->cd_drops[i];
		(void)fprintf(ctx->cc_out, "\t%s drop: %" PRIu64 " %s "
		    "(%s)\n", ifnet_drop_is_output(ctx->cc_client,
		    dd->ifdd_reason) ? "output" : "input", dd->ifdd_count,
		    ifnet_drop_name(ctx->cc_client, dd->ifdd_reason),
		    ifnet_drop_text(ctx->cc_client, dd->ifdd_reason));
	}
}

static void
show_stats(struct cmd_ctx *ctx, const struct cmd_if *ci)
{
	const struct if_data *d = &ci->ci_data;

	(void)fprintf(ctx->cc_out, "\tinput: %" PRIu64 " packet%s, %" PRIu64
	    " byte%s", d->ifi_ipackets, plural(d->ifi_ipackets),
	    d->ifi_ibytes, plural(d->ifi_ibytes));
	if (d->ifi_imcasts != 0)
		(void)fprintf(ctx->cc_out, ", %" PRIu64 " multicast%s",
		    d->ifi_imcasts, plural(d->ifi_imcasts));
	if (d->ifi_ierrors != 0)
		(void)fprintf(ctx->cc_out, ", %" PRIu64 " error%s",
		    d->ifi_ierrors, plural(d->ifi_ierrors));
	(void)fprintf(ctx->cc_out, "\n\toutput: %" PRIu64 " packet%s, %" PRIu64
	    " byte%s", d->ifi_opackets, plural(d->ifi_opackets),
	    d->ifi_obytes, plural(d->ifi_obytes));
	if (d->ifi_omcasts != 0)
		(void)fprintf(ctx->cc_out, ", %" PRIu64 " multicast%s",
		    d->ifi_omcasts, plural(d->ifi_omcasts));
	if (d->ifi_oerrors != 0)
		(void)fprintf(ctx->cc_out, ", %" PRIu64 " error%s",
		    d->ifi_oerrors, plural(d->ifi_oerrors));
	if (d->ifi_collisions != 0)
		(void)fprintf(ctx->cc_out, ", %" PRIu64 " collision%s",
		    d->ifi_collisions, plural(d->ifi_collisions));
	(void)fprintf(ctx->cc_out, "\n\tinput went: %" PRIu64 " delivered, %"
	    PRIu64 " forwarded, %" PRIu64 " dropped, %" PRIu64 " queued\n"
	    "\toutput of %" PRIu64 " offered: %" PRIu64 " dropped, %" PRIu64
	    " queued\n", d->ifi_delivered, d->ifi_forwarded, d->ifi_idrops,
	    d->ifi_iqueued, d->ifi_offered, d->ifi_odrops, d->ifi_oqueued);
	show_drops(ctx, ci->ci_detail);
}

static const char *
ifaflags_text(uint32_t flags)
{

	/* IN_IFF_TENTATIVE, DUPLICATED, DETACHED: one at a time matters. */
	if ((flags & 0x2) != 0)
		return "<DUPLICATED>";
	if ((flags & 0x1) != 0)
		return "<TENTATIVE>";
	if ((flags & 0x4) != 0)
		return "<DETACHED>";
	return "";
}

/* The address as people write it, with its prefix length. */
static void
put_address(struct cmd_ctx *ctx, const struct cmd_if *ci,
    const struct cmd_addr *ca)
{
	char text[CMD_TEXTSIZE];

	(void)cmd_inet_text((const struct sockaddr *)&ca->ca_addr, text);
	(void)fprintf(ctx->cc_out, "%s/%d", cmd_zone_named(text, ci->ci_name,
	    ci->ci_index), cmd_addr_len(ca));
	(void)cmd_inet_text((const struct sockaddr *)&ca->ca_dst, text);
	if (text[0] == '\0')
		return;
	if ((ci->ci_flags & IFF_POINTOPOINT) != 0)
		(void)fprintf(ctx->cc_out, " -> %s", cmd_zone_named(text,
		    ci->ci_name, ci->ci_index));
	else if ((ci->ci_flags & IFF_BROADCAST) != 0)
		(void)fprintf(ctx->cc_out, " broadcast %s", text);
}

static void
show_inet(struct cmd_ctx *ctx, const struct cmd_if *ci)
{
	const struct cmd_addr *ca;

	for (ca = ci->ci_addrs; ca != NULL; ca = ca->ca_next) {
		if (ca->ca_addr.ss_family != AF_INET)
			continue;
		(void)fprintf(ctx->cc_out, "\tinet ");
		put_address(ctx, ci, ca);
		(void)fprintf(ctx->cc_out, " flags 0x%x%s\n", ca->ca_flags,
		    ifaflags_text(ca->ca_flags));
	}
}

static void
put_flags6(struct cmd_ctx *ctx, uint32_t flags)
{
	static const char *const names[] = { "ANYCAST", "TENTATIVE",
	    "DUPLICATED", "DETACHED", "DEPRECATED", "NODAD", "AUTOCONF",
	    "TEMPORARY" };
	char before = '<';

	(void)fprintf(ctx->cc_out, " flags 0x%x", flags);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((flags & 1u << i) != 0) {
			(void)fprintf(ctx->cc_out, "%c%s", before, names[i]);
			before = ',';
		}
	if (before == ',')
		(void)fputc('>', ctx->cc_out);
}

static void
put_time(struct cmd_ctx *ctx, const char *name, uint32_t s, bool offset)
{
	char text[CMD_OFFSETSIZE];

	if (s == ND6_INFINITE_LIFETIME)
		(void)fprintf(ctx->cc_out, " %s infty", name);
	else if (offset)
		(void)fprintf(ctx->cc_out, " %s %s", name,
		    cmd_offset_text(s, text));
	else
		(void)fprintf(ctx->cc_out, " %s %u", name, s);
}

static void
show_inet6(struct cmd_ctx *ctx, const struct ifconfig_show *sh,
    const struct cmd_if *ci)
{
	const struct cmd_addr *ca;

	for (ca = ci->ci_addrs; ca != NULL; ca = ca->ca_next) {
		if (ca->ca_addr.ss_family != AF_INET6)
			continue;
		(void)fprintf(ctx->cc_out, "\tinet6 ");
		put_address(ctx, ci, ca);
		put_flags6(ctx, ca->ca_flags);
		if (sh->is_lifetimes ||
		    ca->ca_pltime != ND6_INFINITE_LIFETIME) {
			put_time(ctx, "pltime", ca->ca_pltime,
			    sh->is_lifetimes);
			put_time(ctx, "vltime", ca->ca_vltime,
			    sh->is_lifetimes);
		}
		(void)fputc('\n', ctx->cc_out);
	}
}

static void
show_one(struct cmd_ctx *ctx, const struct ifconfig_show *sh,
    const struct cmd_if *ci)
{
	char flags[256];

	(void)fprintf(ctx->cc_out, "%s: flags=0x%04x%s", ci->ci_name,
	    ci->ci_flags, cmd_ifflags_text(ci->ci_flags, flags,
	    sizeof(flags)));
	if (ci->ci_data.ifi_metric != 0)
		(void)fprintf(ctx->cc_out, " metric %u",
		    ci->ci_data.ifi_metric);
	if (ci->ci_detail->cd_table != 0)
		(void)fprintf(ctx->cc_out, " table %u",
		    ci->ci_detail->cd_table);
	(void)fprintf(ctx->cc_out, " mtu %u\n", ci->ci_data.ifi_mtu);
	show_caps(ctx, ci->ci_detail, sh->is_caps);
	show_texts(ctx, ci->ci_detail);
	if (!sh->is_inet && !sh->is_inet6) {
		show_link(ctx, ci);
		show_state(ctx, ci);
	}
	if (sh->is_groups || sh->is_verbose)
		show_groups(ctx, ci->ci_detail);
	if (sh->is_verbose)
		show_stats(ctx, ci);
	if (!sh->is_link && !sh->is_inet6)
		show_inet(ctx, ci);
	if (!sh->is_link && !sh->is_inet)
		show_inet6(ctx, sh, ci);
}

static bool
wanted(const struct ifconfig_show *sh, const struct cmd_if *ci)
{

	if (sh->is_up && (ci->ci_flags & IFF_UP) == 0)
		return false;
	if (sh->is_down && (ci->ci_flags & IFF_UP) != 0)
		return false;
	if (sh->is_broadcast && (ci->ci_flags & IFF_BROADCAST) == 0)
		return false;
	if (sh->is_running && ci->ci_data.ifi_link_state == LINK_STATE_DOWN)
		return false;
	return true;
}

/* Read and reset the counters of the interfaces that were shown, with few round
 * trips. */
static int
zero(struct cmd_ctx *ctx, const struct ifconfig_show *sh,
    const struct cmd_if *list)
{
	struct ifdatareq req;
	struct ifnet_batch *b;
	struct ifnet_error e;
	const struct cmd_if *ci;
	char why[IFNET_ERROR_TEXT + 8];
	size_t done = 0;

	memset(&req, 0, sizeof(req));
	memset(&e, 0, sizeof(e));
	b = ifnet_batch_begin(ctx->cc_client, &e);
	for (ci = list; b != NULL && ci != NULL; ci = ci->ci_next) {
		if (!wanted(sh, ci))
			continue;
		(void)snprintf(req.ifdr_name, sizeof(req.ifdr_name), "%s",
		    ci->ci_name);
		if (ifnet_batch_add_ioctl(b, SIOCZIFDATA, &req, sizeof(req),
		    &e) != 0) {
			ifnet_batch_cancel(b);
			b = NULL;
		}
	}
	if (b == NULL)
		return cmd_fail(ctx, &e, "ifconfig -z: %s", e.text);
	if (ifnet_batch_run(b, &done, &e) == 0)
		return CMD_OK;
	/* Find the interface at which the batch stopped. */
	for (ci = list; ci != NULL; ci = ci->ci_next)
		if (wanted(sh, ci) && done-- == 0)
			break;
	return cmd_fail(ctx, &e, "ifconfig -z %s: SIOCZIFDATA: %s%s",
	    ci != NULL ? ci->ci_name : "", cmd_strerror(e.code),
	    cmd_reason(&e, why, sizeof(why)));
}

static int
no_list(struct cmd_ctx *ctx, const char *ifname, const struct ifnet_error *e)
{
	char why[IFNET_ERROR_TEXT + 8];

	if (ifname == NULL)
		return cmd_fail(ctx, e, "ifconfig: %s", e->text);
	return cmd_fail(ctx, e, "ifconfig: SIOCGIFFLAGS %s: %s%s", ifname,
	    cmd_strerror(e->code), cmd_reason(e, why, sizeof(why)));
}

/* Show the selected interfaces, or their names only. */
static int
show_json(struct cmd_ctx *ctx, const struct ifconfig_show *sh,
    struct cmd_if **listp)
{
	struct cmd_if *ci, **prev = listp;
	struct json j;

	while ((ci = *prev) != NULL) {
		if (wanted(sh, ci)) {
			prev = &ci->ci_next;
			continue;
		}
		*prev = ci->ci_next;
		ci->ci_next = NULL;
		cmd_iflist_free(ci);
	}
	if (!sh->is_names)
		return cmd_json_interfaces(ctx, *listp);
	json_begin(&j, ctx, JSON_PRETTY);
	json_array(&j, NULL);
	for (ci = *listp; ci != NULL; ci = ci->ci_next)
		json_text(&j, NULL, ci->ci_name);
	return json_done(&j);
}

int
ifconfig_show(struct cmd_ctx *ctx, const struct ifconfig_show *sh,
    const char *ifname)
{
	struct cmd_if *list, *ci;
	struct ifnet_error e;
	struct ifconfig_show how = *sh;
	struct ifnet_error none;
	const char *sep = "";
	unsigned what = IFNET_LINK;
	int code = CMD_OK, error;

	how.is_groups = ifname != NULL;
	if (!sh->is_names)
		what |= IFNET_ADDR | IFNET_DETAIL;
	error = cmd_iflist_get(ctx->cc_client, ifname, what, &list, &e);
	/* No interface has this name: a group may. */
	if (error == ENXIO && ifname != NULL &&
	    cmd_check_group(ifname, &none) == 0) {
		error = cmd_iflist_get(ctx->cc_client, ifname, what |
		    IFNET_GROUP, &list, &none);
		if (error != 0 && error != ENOENT)
			e = none;
	}
	if (error != 0)
		return no_list(ctx, ifname, &e);
	/* The exit code of "-s IF" says whether the interface may be
	 * connected. */
	if (sh->is_running && ifname != NULL && list != NULL &&
	    list->ci_next == NULL && !sh->is_names) {
		code = wanted(sh, list) ? 0 : 1;
		cmd_iflist_free(list);
		return code;
	}
	if (sh->is_json)
		code = show_json(ctx, sh, &list);
	for (ci = sh->is_json ? NULL : list; ci != NULL; ci = ci->ci_next) {
		if (!wanted(sh, ci))
			continue;
		if (sh->is_names) {
			(void)fprintf(ctx->cc_out, "%s%s", sep, ci->ci_name);
			sep = " ";
			continue;
		}
		show_one(ctx, &how, ci);
	}
	if (sh->is_names && !sh->is_json)
		(void)fputc('\n', ctx->cc_out);
	else if (sh->is_zero && code == CMD_OK)
		code = zero(ctx, sh, list);
	cmd_iflist_free(list);
	return code;
}

int
ifconfig_cloners(struct cmd_ctx *ctx, bool json)
{
	char (*names)[IFNAMSIZ];
	struct ifnet_error e;
	struct json j;
	int i, n;

	names = cmd_cloners(ctx->cc_client, &n, &e);
	if (names == NULL)
		return cmd_fail(ctx, &e, "ifconfig -C: SIOCIFGCLONERS: %s",
		    cmd_strerror(e.code));
	if (json) {
		json_begin(&j, ctx, JSON_PRETTY);
		json_array(&j, NULL);
		for (i = 0; i < n; i++)
			json_text(&j, NULL, names[i]);
		free(names);
		return json_done(&j);
	}
	for (i = 0; i < n; i++)
		(void)fprintf(ctx->cc_out, "%s%s", i == 0 ? "" : " ",
		    names[i]);
	(void)fputc('\n', ctx->cc_out);
	free(names);
	return CMD_OK;
}
