/*
 * The documents of --json: the same state as the listings, for programs.
 */

#include "command/command_impl.h"

#include <stdlib.h>
#include <string.h>

/* Write the reason why an address is not in use, if it is not. */
static void
address_state(struct json *j, bool tentative, bool duplicated)
{

	if (tentative)
		json_bool(j, "tentative", true);
	if (duplicated)
		json_bool(j, "duplicated", true);
}

/* Write what is remarkable about an IPv6 address. */
static void
address6(struct json *j, const struct cmd_addr *ca)
{

	address_state(j, (ca->ca_flags & IN6_IFF_TENTATIVE) != 0,
	    (ca->ca_flags & IN6_IFF_DUPLICATED) != 0);
	if (ca->ca_flags & IN6_IFF_DEPRECATED)
		json_bool(j, "deprecated", true);
	if (ca->ca_pltime != ND6_INFINITE_LIFETIME)
		json_int(j, "pltime", ca->ca_pltime);
	if (ca->ca_vltime != ND6_INFINITE_LIFETIME)
		json_int(j, "vltime", ca->ca_vltime);
}

static void
addresses(struct json *j, const struct cmd_if *ci)
{
	const struct cmd_addr *ca;
	char text[CMD_TEXTSIZE];

	json_array(j, "addresses");
	for (ca = ci->ci_addrs; ca != NULL; ca = ca->ca_next) {
		if (ca->ca_addr.ss_family != AF_INET &&
		    ca->ca_addr.ss_family != AF_INET6)
			continue;
		json_object(j, NULL);
		json_text(j, "family", ca->ca_addr.ss_family == AF_INET ?
		    "inet" : "inet6");
		(void)cmd_inet_text((const struct sockaddr *)&ca->ca_addr,
		    text);
		json_text(j, "address", cmd_zone_named(text, ci->ci_name,
		    ci->ci_index));
		json_int(j, "prefixlen", cmd_addr_len(ca));
		(void)cmd_inet_text((const struct sockaddr *)&ca->ca_dst,
		    text);
		if (text[0] != '\0' && (ci->ci_flags & (IFF_POINTOPOINT |
		    IFF_BROADCAST)) != 0)
			json_text(j, ci->ci_flags & IFF_POINTOPOINT ?
			    "destination" : "broadcast",
			    cmd_zone_named(text, ci->ci_name, ci->ci_index));
		json_int(j, "flags", ca->ca_flags);
		if (ca->ca_addr.ss_family == AF_INET6)
			address6(j, ca);
		else
			address_state(j, (ca->ca_flags &
			    IFNET_ADDR_TENTATIVE) != 0, (ca->ca_flags &
			    IFNET_ADDR_DUPLICATED) != 0);
		json_end(j);
	}
	json_end(j);
}

static void
counters(struct json *j, const struct if_data *d)
{
	const struct json_counter jc[] = {
		{ "ipackets", d->ifi_ipackets }, { "ibytes", d->ifi_ibytes },
		{ "imcasts", d->ifi_imcasts }, { "ierrors", d->ifi_ierrors },
		{ "opackets", d->ifi_opackets }, { "obytes", d->ifi_obytes },
		{ "omcasts", d->ifi_omcasts }, { "oerrors", d->ifi_oerrors },
		{ "collisions", d->ifi_collisions },
		{ "delivered", d->ifi_delivered },
		{ "forwarded", d->ifi_forwarded },
		{ "offered", d->ifi_offered }, { "idrops", d->ifi_idrops },
		{ "odrops", d->ifi_odrops }, { "iqueued", d->ifi_iqueued },
		{ "oqueued", d->ifi_oqueued },
	};

	json_counters(j, "counters", jc, sizeof(jc) / sizeof(jc[0]));
}

static void
drops(struct json *j, const struct cmd_detail *cd)
{
	const struct ifnet_client *c = j->j_ctx->cc_client;
	struct json_counter *jc;

	jc = calloc(cd->cd_ndrops + 1, sizeof(*jc));
	if (jc == NULL) {
		j->j_failed = true;
		return;
	}
	for (unsigned i = 0; i < cd->cd_ndrops; i++) {
		jc[i].jc_name = ifnet_drop_name(c,
		    cd->cd_drops[i].ifdd_reason);
		jc[i].jc_value = cd->cd_drops[i].ifdd_count;
	}
	json_counters(j, "drops", jc, cd->cd_ndrops);
	free(jc);
}

const char *
cmd_state_key(unsigned oper)
{

	switch (oper) {
	case IFNET_OPER_DOWN_ADMIN:
		return "down-admin";
	case IFNET_OPER_DOWN_CARRIER:
		return "down-carrier";
	case IFNET_OPER_DOWN_LOWER:
		return "down-lower";
	case IFNET_OPER_TESTING:
		return "testing";
	default:
		/* An interface with an unknown link state counts as up. */
		return "up";
	}
}

static void
interface(struct json *j, const struct cmd_if *ci)
{
	const struct sockaddr_dl *sdl = cmd_if_lladdr(ci);
	const struct cmd_detail *cd = ci->ci_detail;
	char ll[LLADDR_STRSIZE];

	json_object(j, NULL);
	json_text(j, "name", ci->ci_name);
	json_int(j, "index", ci->ci_index);
	json_u64(j, "handle", ci->ci_handle);
	cmd_ifflags_json(j, "flags", ci->ci_flags);
	json_int(j, "mtu", ci->ci_data.ifi_mtu);
	json_text(j, "type", cmd_type_text(ci->ci_data.ifi_type));
	json_text(j, "link", cmd_link_text(ci->ci_data.ifi_link_state));
	json_text(j, "state", cmd_state_key(ci->ci_data.ifi_oper));
	json_int(j, "metric", ci->ci_data.ifi_metric);
	json_int(j, "table", cd->cd_table);
	json_text(j, "description", cd->cd_descr);
	json_text(j, "linkstr", cd->cd_linkstr);
	if (sdl != NULL)
		json_text(j, "lladdr", lladdr_text(sdl->sdl_data,
		    sdl->sdl_alen, ll));
	json_array(j, "groups");
	for (unsigned i = 0; i < cd->cd_ngroups; i++)
		json_text(j, NULL, cd->cd_groups[i]);
	json_end(j);
	addresses(j, ci);
	counters(j, &ci->ci_data);
	drops(j, cd);
	json_end(j);
}

int
cmd_json_interfaces(struct cmd_ctx *ctx, const struct cmd_if *list)
{
	const struct cmd_if *ci;
	struct json j;

	json_begin(&j, ctx, JSON_PRETTY);
	json_array(&j, NULL);
	for (ci = list; ci != NULL; ci = ci->ci_next)
		interface(&j, ci);
	return json_done(&j);
}

/* The name of an event as a key, without blanks. */
static const char *
event_name(enum ifnet_event_type type)
{
	static const char *const names[] = {
		[IFNET_EV_ARRIVAL] = "arrival",
		[IFNET_EV_DEPARTURE] = "departure",
		[IFNET_EV_LINK] = "link",
		[IFNET_EV_ADDR_ADD] = "addr-add",
		[IFNET_EV_ADDR_DELETE] = "addr-delete",
		[IFNET_EV_ADDR_CHANGE] = "addr-change",
		[IFNET_EV_ROUTE_ADD] = "route-add",
		[IFNET_EV_ROUTE_DELETE] = "route-delete",
		[IFNET_EV_ROUTE_CHANGE] = "route-change",
		[IFNET_EV_NEIGH] = "neighbour",
		[IFNET_EV_NEIGH_DELETE] = "neighbour-delete",
		[IFNET_EV_OVERRUN] = "overrun",
		[IFNET_EV_SNAPSHOT_END] = "snapshot-end",
		[IFNET_EV_RENAME] = "rename",
	};

	return (size_t)type < sizeof(names) / sizeof(names[0]) &&
	    names[type] != NULL ? names[type] : "unknown";
}

static void
text_if_any(struct json *j, const char *key, const char *text)
{

	if (text[0] != '\0')
		json_text(j, key, text);
}

int
cmd_json_event(struct cmd_ctx *ctx, const struct ifnet_event *ev)
{
	char text[32];
	struct json j;

	json_begin(&j, ctx, JSON_LINE);
	json_object(&j, NULL);
	json_text(&j, "event", event_name(ev->type));
	json_bool(&j, "snapshot", ev->snapshot != 0);
	json_u64(&j, "seq", ev->seq);
	json_u64(&j, "time_ns", ev->time_ns);
	if (ev->ifname[0] != '\0') {
		json_text(&j, "interface", ev->ifname);
		json_u64(&j, "handle", ev->handle);
	}
	text_if_any(&j, "oldname", ev->oldname);
	if (ev->type == IFNET_EV_ARRIVAL || ev->type == IFNET_EV_LINK) {
		json_text(&j, "state", cmd_state_key(ev->link.operstate));
		cmd_ifflags_json(&j, "flags", ev->link.flags);
		json_int(&j, "mtu", ev->link.mtu);
	}
	if (ev->type == IFNET_EV_OVERRUN)
		json_u64(&j, "lost", ev->lost);
	text_if_any(&j, "address", ev->addr);
	address_state(&j, (ev->addrflags & IFNET_ADDR_TENTATIVE) != 0,
		    (ev->addrflags & IFNET_ADDR_DUPLICATED) != 0);
	text_if_any(&j, "destination", ev->dest);
	text_if_any(&j, "gateway", ev->gateway);
	if (ev->type == IFNET_EV_ROUTE_ADD ||
	    ev->type == IFNET_EV_ROUTE_DELETE ||
	    ev->type == IFNET_EV_ROUTE_CHANGE) {
		json_text(&j, "routeflags", cmd_rtflags_text(ev->rtflags,
		    text));
		if (ev->msg != NULL)
			route_more_json(&j, ev->msg);
	}
	return json_done(&j);
}

int
cmd_json_history(struct cmd_ctx *ctx, const struct ifnet_history *ih)
{
	struct json j;

	json_begin(&j, ctx, JSON_LINE);
	json_object(&j, NULL);
	json_text(&j, "event", ih->event);
	json_text(&j, "interface", ih->ifname);
	json_u64(&j, "handle", ih->handle);
	json_u64(&j, "seq", ih->seq);
	json_u64(&j, "time_ns", ih->time_ns);
	json_u64(&j, "monotonic_ns", ih->mono_ns);
	text_if_any(&j, "before", ih->before);
	text_if_any(&j, "after", ih->after);
	json_text(&j, "by", ih->asked ? "request" : "stack");
	/* A negative pid means another user, who is not shown. */
	if (ih->asked && ih->pid >= 0) {
		json_int(&j, "uid", ih->uid);
		json_int(&j, "pid", ih->pid);
	}
	return json_done(&j);
}

int
cmd_json_counters(struct cmd_ctx *ctx, const struct cmd_counter *cn, size_t n)
{
	struct json_counter *jc;
	struct json j;
	size_t i, k;

	jc = calloc(n + 1, sizeof(*jc));
	if (jc == NULL) {
		cmd_err(ctx, "out of memory");
		return CMD_FAIL;
	}
	json_begin(&j, ctx, JSON_PRETTY);
	json_object(&j, NULL);
	for (i = 0; i < n; i += k) {
		for (k = 0; i + k < n &&
		    strcmp(cn[i + k].cn_group, cn[i].cn_group) == 0; k++) {
			jc[k].jc_name = cn[i + k].cn_name;
			jc[k].jc_value = cn[i + k].cn_value;
		}
		json_counters(&j, cn[i].cn_group, jc, k);
	}
	free(jc);
	return json_done(&j);
}

int
cmd_json_vnets(struct cmd_ctx *ctx, const struct cmd_vnet *v, size_t n)
{
	struct json j;

	json_begin(&j, ctx, JSON_PRETTY);
	json_array(&j, NULL);
	for (size_t i = 0; i < n; i++) {
		json_object(&j, NULL);
		json_text(&j, "name", v[i].cv_name);
		json_int(&j, "interfaces", v[i].cv_interfaces);
		json_end(&j);
	}
	return json_done(&j);
}

int
cmd_json_rules(struct cmd_ctx *ctx, const struct cmd_rules *cr)
{
	const struct ifnet_filter_rule *r;
	struct json j;

	json_begin(&j, ctx, JSON_PRETTY);
	json_array(&j, NULL);
	for (size_t i = 0; i < cr->cr_n; i++) {
		r = &cr->cr_rules[i];
		json_object(&j, NULL);
		json_int(&j, "number", r->number);
		json_text(&j, "direction", r->dir == IFNET_PKT_IN ? "in" :
		    "out");
		json_text(&j, "interface", r->ifname[0] != '\0' ? r->ifname :
		    "any");
		json_text(&j, "action", r->action == IFNET_FILTER_MARK ?
		    "mark" : r->action == IFNET_FILTER_DROP ? "drop" : "pass");
		if (r->action == IFNET_FILTER_MARK)
			json_int(&j, "mark", r->mark);
		json_text(&j, "filter", r->text);
		json_u64(&j, "packets", r->packets);
		json_u64(&j, "bytes", r->bytes);
		json_end(&j);
	}
	return json_done(&j);
}
