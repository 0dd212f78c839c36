/*
 * JSON: the same state as the listings, for programs.  The keys are described
 * in ifctl(8) and do not change.
 */

#include "command/command_impl.h"

#ifdef HAVE_JANSSON

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

bool
cmd_json_available(struct cmd_ctx *ctx)
{

	(void)ctx;
	return true;
}

static json_int_t
number(uint64_t v)
{

	return v > INT64_MAX ? INT64_MAX : (json_int_t)v;
}

/* One object, or one array, and a newline; takes the value. */
static int
put(struct cmd_ctx *ctx, json_t *j, size_t flags)
{
	int error = -1;

	if (j != NULL)
		error = json_dumpf(j, ctx->cc_out, flags);
	json_decref(j);
	if (error == 0 && fputc('\n', ctx->cc_out) == EOF)
		error = -1;
	if (error == 0)
		return CMD_OK;
	cmd_err(ctx, "the JSON could not be written");
	return CMD_FAIL;
}

static json_t *
flags_array(uint32_t flags)
{
	char text[256], *p, *comma;
	json_t *a = json_array();

	(void)cmd_ifflags_text(flags, text, sizeof(text));
	for (p = text + (text[0] == '<'); *p != '\0' && *p != '>';
	    p = comma + 1) {
		comma = p + strcspn(p, ",>");
		if (json_array_append_new(a, json_stringn(p,
		    (size_t)(comma - p))) != 0 || *comma != ',')
			break;
	}
	return a;
}

/* A text as it is, or, when it is no UTF-8, without what is not. */
static json_t *
text_value(const char *s)
{
	json_t *j = json_string(s);
	char safe[IFDESCRSIZE + 1];
	size_t i;

	if (j != NULL)
		return j;
	for (i = 0; s[i] != '\0' && i < sizeof(safe) - 1; i++)
		safe[i] = s[i] >= ' ' && s[i] <= '~' ? s[i] : '?';
	safe[i] = '\0';
	return json_string(safe);
}

static json_t *
groups(const struct cmd_detail *cd)
{
	json_t *a = json_array();
	unsigned i;

	for (i = 0; i < cd->cd_ngroups; i++)
		(void)json_array_append_new(a, json_string(cd->cd_groups[i]));
	return a;
}

/* Why an address is not in use, where it is not. */
static void
address_state(json_t *o, uint32_t flags)
{

	if (flags & IFNET_ADDR_TENTATIVE)
		(void)json_object_set_new(o, "tentative", json_true());
	if (flags & IFNET_ADDR_DUPLICATED)
		(void)json_object_set_new(o, "duplicated", json_true());
}

static json_t *
addresses(const struct cmd_if *ci)
{
	const struct sockaddr_in *mask;
	const struct cmd_addr *ca;
	char text[CMD_TEXTSIZE];
	json_t *a = json_array(), *o;

	for (ca = ci->ci_addrs; ca != NULL; ca = ca->ca_next) {
		if (ca->ca_addr.ss_family != AF_INET)
			continue;
		mask = (const struct sockaddr_in *)&ca->ca_mask;
		o = json_pack("{s:s, s:s, s:i}", "family", "inet",
		    "address", cmd_inet_text(
		    (const struct sockaddr *)&ca->ca_addr, text),
		    "prefixlen", mask->sin_family == AF_INET ?
		    cmd_mask_len(mask->sin_addr) : 32);
		(void)cmd_inet_text((const struct sockaddr *)&ca->ca_dst,
		    text);
		if (text[0] != '\0')
			(void)json_object_set_new(o,
			    (ci->ci_flags & IFF_POINTOPOINT) != 0 ?
			    "destination" : "broadcast", json_string(text));
		(void)json_object_set_new(o, "flags",
		    json_integer(ca->ca_flags));
		address_state(o, ca->ca_flags);
		(void)json_array_append_new(a, o);
	}
	return a;
}

static json_t *
counters(const struct if_data *d)
{
	const struct {
		const char	*key;
		uint64_t	 value;
	} c[] = {
		{ "ipackets", d->ifi_ipackets }, { "ibytes", d->ifi_ibytes },
		{ "imcasts", d->ifi_imcasts }, { "ierrors", d->ifi_ierrors },
		{ "opackets", d->ifi_opackets }, { "obytes", d->ifi_obytes },
		{ "omcasts", d->ifi_omcasts }, { "oerrors", d->ifi_oerrors },
		{ "collisions", d->ifi_collisions },
		{ "delivered", d->ifi_delivered },
		{ "forwarded", d->ifi_forwarded },
		{ "offered", d->ifi_offered },
		{ "idrops", d->ifi_idrops }, { "odrops", d->ifi_odrops },
		{ "iqueued", d->ifi_iqueued }, { "oqueued", d->ifi_oqueued },
	};
	json_t *o = json_object();
	size_t i;

	for (i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		(void)json_object_set_new(o, c[i].key,
		    json_integer(number(c[i].value)));
	return o;
}

static json_t *
drops(const struct ifnet_client *c, const struct cmd_detail *cd)
{
	json_t *o = json_object();
	unsigned i;

	for (i = 0; i < cd->cd_ndrops; i++)
		(void)json_object_set_new(o,
		    ifnet_drop_name(c, cd->cd_drops[i].ifdd_reason),
		    json_integer(number(cd->cd_drops[i].ifdd_count)));
	return o;
}

static const char *
state_name(enum ifnet_operstate state)
{

	switch (state) {
	case IFNET_OPER_UP:
		return "up";
	case IFNET_OPER_DOWN_ADMIN:
		return "down-admin";
	case IFNET_OPER_DOWN_CARRIER:
		return "down-carrier";
	case IFNET_OPER_DOWN_LOWER:
		return "down-lower";
	case IFNET_OPER_TESTING:
		return "testing";
	default:
		return "unknown";
	}
}

static json_t *
interface(const struct ifnet_client *c, const struct cmd_if *ci)
{
	const struct sockaddr_dl *sdl = cmd_if_lladdr(ci);
	const struct cmd_detail *cd = ci->ci_detail;
	char ll[LLADDR_STRSIZE];
	json_t *o;

	o = json_pack("{s:s, s:I, s:I, s:o, s:I, s:s, s:s}",
	    "name", ci->ci_name, "index", (json_int_t)ci->ci_index,
	    "handle", number(ci->ci_handle), "flags",
	    flags_array(ci->ci_flags), "mtu", (json_int_t)ci->ci_data.ifi_mtu,
	    "type", cmd_type_text(ci->ci_data.ifi_type), "link",
	    cmd_link_text(ci->ci_data.ifi_link_state));
	if (o == NULL)
		return NULL;
	(void)json_object_set_new(o, "state", json_string(
	    state_name((enum ifnet_operstate)ci->ci_data.ifi_oper)));
	(void)json_object_set_new(o, "metric",
	    json_integer(ci->ci_data.ifi_metric));
	(void)json_object_set_new(o, "description", text_value(cd->cd_descr));
	(void)json_object_set_new(o, "linkstr", text_value(cd->cd_linkstr));
	if (sdl != NULL)
		(void)json_object_set_new(o, "lladdr", json_string(
		    lladdr_text(sdl->sdl_data, sdl->sdl_alen, ll)));
	(void)json_object_set_new(o, "groups", groups(cd));
	(void)json_object_set_new(o, "addresses", addresses(ci));
	(void)json_object_set_new(o, "counters", counters(&ci->ci_data));
	(void)json_object_set_new(o, "drops", drops(c, cd));
	return o;
}

int
cmd_json_interfaces(struct cmd_ctx *ctx, const struct cmd_if *list)
{
	json_t *a = json_array();
	const struct cmd_if *ci;

	for (ci = list; ci != NULL; ci = ci->ci_next)
		(void)json_array_append_new(a, interface(ctx->cc_client, ci));
	return put(ctx, a, JSON_INDENT(2));
}

/* Names of events, as keys: no blanks. */
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

int
cmd_json_event(struct cmd_ctx *ctx, const struct ifnet_event *ev)
{
	char text[32];
	json_t *o;

	o = json_pack("{s:s, s:b, s:I, s:I}", "event",
	    event_name(ev->type), "snapshot", ev->snapshot, "seq",
	    number(ev->seq), "time_ns", number(ev->time_ns));
	if (o == NULL)
		return put(ctx, o, 0);
	if (ev->ifname[0] != '\0') {
		(void)json_object_set_new(o, "interface",
		    json_string(ev->ifname));
		(void)json_object_set_new(o, "handle",
		    json_integer(number(ev->handle)));
	}
	if (ev->oldname[0] != '\0')
		(void)json_object_set_new(o, "oldname",
		    json_string(ev->oldname));
	if (ev->type == IFNET_EV_ARRIVAL || ev->type == IFNET_EV_LINK) {
		(void)json_object_set_new(o, "state", json_string(
		    state_name(ev->link.operstate)));
		(void)json_object_set_new(o, "flags",
		    flags_array(ev->link.flags));
		(void)json_object_set_new(o, "mtu",
		    json_integer(ev->link.mtu));
	}
	if (ev->type == IFNET_EV_OVERRUN)
		(void)json_object_set_new(o, "lost",
		    json_integer(number(ev->lost)));
	if (ev->addr[0] != '\0')
		(void)json_object_set_new(o, "address",
		    json_string(ev->addr));
	address_state(o, ev->addrflags);
	if (ev->dest[0] != '\0')
		(void)json_object_set_new(o, "destination",
		    json_string(ev->dest));
	if (ev->gateway[0] != '\0')
		(void)json_object_set_new(o, "gateway",
		    json_string(ev->gateway));
	if (ev->type == IFNET_EV_ROUTE_ADD ||
	    ev->type == IFNET_EV_ROUTE_DELETE ||
	    ev->type == IFNET_EV_ROUTE_CHANGE)
		(void)json_object_set_new(o, "routeflags", json_string(
		    cmd_rtflags_text(ev->rtflags, text)));
	return put(ctx, o, JSON_COMPACT);
}

int
cmd_json_history(struct cmd_ctx *ctx, const struct ifnet_history *ih)
{
	json_t *o;

	o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "event", ih->event,
	    "interface", ih->ifname, "handle", number(ih->handle), "seq",
	    number(ih->seq), "time_ns", number(ih->time_ns), "monotonic_ns",
	    number(ih->mono_ns));
	if (o == NULL)
		return put(ctx, o, 0);
	if (ih->before[0] != '\0')
		(void)json_object_set_new(o, "before",
		    json_string(ih->before));
	if (ih->after[0] != '\0')
		(void)json_object_set_new(o, "after", json_string(ih->after));
	(void)json_object_set_new(o, "by", json_string(ih->asked ?
	    "request" : "stack"));
	if (ih->asked) {
		(void)json_object_set_new(o, "uid", json_integer(ih->uid));
		(void)json_object_set_new(o, "pid", json_integer(ih->pid));
	}
	return put(ctx, o, JSON_COMPACT);
}

int
cmd_json_counters(struct cmd_ctx *ctx, const struct cmd_counter *cn, size_t n)
{
	json_t *top = json_object(), *group;
	size_t i;

	for (i = 0; i < n; i++) {
		group = json_object_get(top, cn[i].cn_group);
		if (group == NULL) {
			group = json_object();
			(void)json_object_set_new(top, cn[i].cn_group,
			    group);
		}
		(void)json_object_set_new(group, cn[i].cn_name,
		    json_integer(number(cn[i].cn_value)));
	}
	return put(ctx, top, JSON_INDENT(2));
}

int
cmd_json_vnets(struct cmd_ctx *ctx, const struct cmd_vnet *v, size_t n)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(a, json_pack("{s:s, s:I}", "name",
		    v[i].cv_name, "interfaces",
		    (json_int_t)v[i].cv_interfaces));
	return put(ctx, a, JSON_INDENT(2));
}

int
cmd_json_rules(struct cmd_ctx *ctx, const struct cmd_rules *cr)
{
	const struct ifnet_filter_rule *r;
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < cr->cr_n; i++) {
		r = &cr->cr_rules[i];
		(void)json_array_append_new(a, json_pack("{s:I, s:s, s:s, "
		    "s:s, s:o, s:I, s:I}", "number", (json_int_t)r->number,
		    "direction", r->dir == IFNET_PKT_IN ? "in" : "out",
		    "interface", r->ifname[0] != '\0' ? r->ifname : "any",
		    "action", r->drop ? "drop" : "pass",
		    "filter", text_value(r->text),
		    "packets", number(r->packets),
		    "bytes", number(r->bytes)));
	}
	return put(ctx, a, JSON_INDENT(2));
}

#else /* !HAVE_JANSSON */

bool
cmd_json_available(struct cmd_ctx *ctx)
{

	cmd_err(ctx, "--json: this build has no JSON (the jansson library was "
	    "missing when it was made)");
	return false;
}

int
cmd_json_interfaces(struct cmd_ctx *ctx, const struct cmd_if *list)
{

	(void)list;
	(void)cmd_json_available(ctx);
	return CMD_FAIL;
}

int
cmd_json_event(struct cmd_ctx *ctx, const struct ifnet_event *ev)
{

	(void)ev;
	(void)cmd_json_available(ctx);
	return CMD_FAIL;
}

int
cmd_json_history(struct cmd_ctx *ctx, const struct ifnet_history *ih)
{

	(void)ih;
	(void)cmd_json_available(ctx);
	return CMD_FAIL;
}

int
cmd_json_counters(struct cmd_ctx *ctx, const struct cmd_counter *cn, size_t n)
{

	(void)cn;
	(void)n;
	(void)cmd_json_available(ctx);
	return CMD_FAIL;
}

int
cmd_json_vnets(struct cmd_ctx *ctx, const struct cmd_vnet *v, size_t n)
{

	(void)v;
	(void)n;
	(void)cmd_json_available(ctx);
	return CMD_FAIL;
}

int
cmd_json_rules(struct cmd_ctx *ctx, const struct cmd_rules *cr)
{

	(void)cr;
	(void)cmd_json_available(ctx);
	return CMD_FAIL;
}

#endif
