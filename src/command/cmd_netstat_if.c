/*
 * netstat -i: counters of interfaces, once or at intervals.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <ifnet/if_types.h>

static int
get(struct cmd_ctx *ctx, const char *ifname, unsigned what,
    struct cmd_if **list)
{
	struct ifnet_error e;
	char why[IFNET_ERROR_TEXT + 8];

	if (cmd_iflist_get(ctx->cc_client, ifname, what, list, &e) == 0)
		return CMD_OK;
	if (ifname == NULL)
		return cmd_fail(ctx, &e, "netstat: %s", e.text);
	return cmd_fail(ctx, &e, "netstat: %s: %s%s", ifname,
	    cmd_strerror(e.code), cmd_reason(&e, why, sizeof(why)));
}

static void
row(struct cmd_ctx *ctx, const struct netstat_opts *no,
    const struct cmd_if *ci, const char *network, const char *address,
    bool counters)
{
	const struct if_data *d = &ci->ci_data;
	FILE *fp = ctx->cc_out;

	(void)fprintf(fp, "%-8s %6u %-15s %-18s", ci->ci_name, d->ifi_mtu,
	    network, address);
	/* Counters belong to the interface: one row of it shows them. */
	if (!counters)
		(void)fputc('\n', fp);
	else if (no->no_bytes)
		(void)fprintf(fp, " %12" PRIu64 " %12" PRIu64,
		    d->ifi_ibytes, d->ifi_obytes);
	else
		(void)fprintf(fp, " %10" PRIu64 " %5" PRIu64 " %10" PRIu64
		    " %5" PRIu64 " %5" PRIu64, d->ifi_ipackets,
		    d->ifi_ierrors, d->ifi_opackets, d->ifi_oerrors,
		    d->ifi_collisions);
	if (!counters)
		return;
	if (no->no_drops)
		(void)fprintf(fp, " %8" PRIu64 " %8" PRIu64, d->ifi_idrops,
		    d->ifi_odrops);
	(void)fputc('\n', fp);
}

static void
rows(struct cmd_ctx *ctx, const struct netstat_opts *no,
    const struct cmd_if *ci)
{
	const struct sockaddr_dl *sdl = cmd_if_lladdr(ci);
	const struct cmd_addr *ca;
	char text[CMD_TEXTSIZE], addr[CMD_TEXTSIZE];
	struct sockaddr_storage net;

	(void)snprintf(text, sizeof(text), "<Link>");
	addr[0] = '\0';
	if (sdl != NULL)
		(void)lladdr_text(sdl->sdl_data, sdl->sdl_alen, addr);
	row(ctx, no, ci, text, addr, true);
	for (ca = ci->ci_addrs; ca != NULL; ca = ca->ca_next) {
		if ((ca->ca_addr.ss_family != AF_INET &&
		    ca->ca_addr.ss_family != AF_INET6) ||
		    (no->no_family != 0 &&
		    ca->ca_addr.ss_family != no->no_family))
			continue;
		cmd_network(ca, &net);
		(void)cmd_dst_text((struct sockaddr *)&net,
		    (const struct sockaddr *)&ca->ca_mask, false, text);
		(void)cmd_inet_text((const struct sockaddr *)&ca->ca_addr,
		    addr);
		row(ctx, no, ci, cmd_zone_named(text, ci->ci_name,
		    ci->ci_index), cmd_zone_named(addr, ci->ci_name,
		    ci->ci_index), false);
	}
}

int
netstat_interfaces(struct cmd_ctx *ctx, const struct netstat_opts *no)
{
	struct cmd_if *list, *ci;
	FILE *fp = ctx->cc_out;
	int code;

	code = get(ctx, no->no_if, IFNET_LINK | IFNET_ADDR |
	    (no->no_json ? IFNET_DETAIL : 0), &list);
	if (code != CMD_OK)
		return code;
	if (no->no_json) {
		code = cmd_json_interfaces(ctx, list);
		cmd_iflist_free(list);
		return code;
	}
	(void)fprintf(fp, "%-8s %6s %-15s %-18s", "Name", "Mtu", "Network",
	    "Address");
	if (no->no_bytes)
		(void)fprintf(fp, " %12s %12s", "Ibytes", "Obytes");
	else
		(void)fprintf(fp, " %10s %5s %10s %5s %5s", "Ipkts", "Ierrs",
		    "Opkts", "Oerrs", "Colls");
	if (no->no_drops)
		(void)fprintf(fp, " %8s %8s", "Idrops", "Odrops");
	(void)fputc('\n', fp);
	for (ci = list; ci != NULL; ci = ci->ci_next)
		rows(ctx, no, ci);
	cmd_iflist_free(list);
	return CMD_OK;
}

/* --- interval mode ------------------------------------------------------- */

static void
sum(const struct cmd_if *list, struct if_data *t)
{
	const struct cmd_if *ci;
	const struct if_data *d;

	memset(t, 0, sizeof(*t));
	for (ci = list; ci != NULL; ci = ci->ci_next) {
		d = &ci->ci_data;
		t->ifi_ipackets += d->ifi_ipackets;
		t->ifi_ibytes += d->ifi_ibytes;
		t->ifi_ierrors += d->ifi_ierrors;
		t->ifi_idrops += d->ifi_idrops;
		t->ifi_opackets += d->ifi_opackets;
		t->ifi_obytes += d->ifi_obytes;
		t->ifi_oerrors += d->ifi_oerrors;
		t->ifi_odrops += d->ifi_odrops;
		t->ifi_collisions += d->ifi_collisions;
	}
}

static void
heading(struct cmd_ctx *ctx, const struct netstat_opts *no)
{
	const char *what = no->no_if != NULL ? no->no_if : "Total";

	(void)fprintf(ctx->cc_out, "%10s (%s)%*s\n", "input", what,
	    (int)(no->no_if != NULL ? 28 - strlen(what) : 23), "output");
	(void)fprintf(ctx->cc_out, "%10s %5s %10s %5s %5s",
	    no->no_bytes ? "bytes" : "packets", "errs",
	    no->no_bytes ? "bytes" : "packets", "errs", "colls");
	if (no->no_drops)
		(void)fprintf(ctx->cc_out, " %8s %8s", "idrops", "odrops");
	(void)fputc('\n', ctx->cc_out);
}

/* A counter that decreased was read and reset, or an interface was
 * destroyed. */
static uint64_t
since(uint64_t now, uint64_t before)
{

	return now >= before ? now - before : now;
}

static void
line(struct cmd_ctx *ctx, const struct netstat_opts *no,
    const struct if_data *d, const struct if_data *b)
{
	uint64_t in, out;

	in = no->no_bytes ? since(d->ifi_ibytes, b->ifi_ibytes) :
	    since(d->ifi_ipackets, b->ifi_ipackets);
	out = no->no_bytes ? since(d->ifi_obytes, b->ifi_obytes) :
	    since(d->ifi_opackets, b->ifi_opackets);
	(void)fprintf(ctx->cc_out, "%10" PRIu64 " %5" PRIu64 " %10" PRIu64
	    " %5" PRIu64 " %5" PRIu64, in,
	    since(d->ifi_ierrors, b->ifi_ierrors), out,
	    since(d->ifi_oerrors, b->ifi_oerrors),
	    since(d->ifi_collisions, b->ifi_collisions));
	if (no->no_drops)
		(void)fprintf(ctx->cc_out, " %8" PRIu64 " %8" PRIu64,
		    since(d->ifi_idrops, b->ifi_idrops),
		    since(d->ifi_odrops, b->ifi_odrops));
	(void)fputc('\n', ctx->cc_out);
	(void)fflush(ctx->cc_out);
}

/*
 * The counters of the interface that is followed, or of all (NULL).  *renamed:
 * the interface has another name now.  *gone: the interface is gone, which was
 * reported; the counters end.
 */
static int
sample(struct cmd_ctx *ctx, struct cmd_follow *cf, struct if_data *d,
    bool *renamed, bool *gone)
{
	char was[IFNAMSIZ];
	struct ifnet_error e;
	struct cmd_if *list;
	int code;

	*renamed = *gone = false;
	if (cf == NULL) {
		code = get(ctx, NULL, IFNET_LINK, &list);
		if (code != CMD_OK)
			return code;
	} else if (cmd_follow_get(ctx, cf, IFNET_LINK, &list, &e) != 0) {
		if (e.code != ENXIO)
			return cmd_fail(ctx, &e, "netstat: %s", e.text);
		cmd_follow_gone(ctx, "netstat", cf);
		*gone = true;
		return CMD_OK;
	} else
		*renamed = cmd_follow_renamed(cf, list->ci_name, was);
	sum(list, d);
	cmd_iflist_free(list);
	return CMD_OK;
}

int
netstat_interval(struct cmd_ctx *ctx, const struct netstat_opts *no)
{
	struct if_data now, before;
	struct netstat_opts seen = *no;
	struct cmd_follow cf;
	uint64_t n, next = cmd_now();
	bool again, gone;
	int code;

	/* The first line shows the totals, as in NetBSD. */
	memset(&before, 0, sizeof(before));
	if (no->no_if != NULL) {
		code = cmd_follow_begin(ctx, "netstat", &cf, no->no_if);
		if (code != CMD_OK)
			return code;
		seen.no_if = cf.cf_name;
	}
	for (n = 0; no->no_count == 0 || n < no->no_count; n++) {
		code = sample(ctx, no->no_if != NULL ? &cf : NULL, &now,
		    &again, &gone);
		if (code != CMD_OK || gone)
			return code;
		if (n % 20 == 0 || again)
			heading(ctx, &seen);
		line(ctx, no, &now, &before);
		before = now;
		if (no->no_count != 0 && n + 1 == no->no_count)
			break;
		next += no->no_interval_ns;
		cmd_sleep_until(ctx, next);
		if (cmd_interrupted(ctx))
			break;
	}
	return CMD_OK;
}
