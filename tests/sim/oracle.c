/*
 * The oracle of the interface layer; see oracle.h.
 */

#include "oracle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ifnet/if.h>
#include <ifnet/rtmsg.h>

const char *const o_kind_name[O_NKINDS] = { "eth", "ptp" };

/* --- lookups -------------------------------------------------------------- */

struct o_if *
o_if_name(const struct oracle *o, const char *name)
{

	for (unsigned i = 0; i < o->o_nifs; i++)
		if (strcmp(o->o_if[i]->oi_name, name) == 0)
			return o->o_if[i];
	return NULL;
}

struct o_addr *
o_addr_find(const struct oracle *o, uint32_t addr)
{

	for (unsigned i = 0; i < o->o_naddrs; i++)
		if (o->o_addr[i]->oa_addr == addr)
			return o->o_addr[i];
	return NULL;
}

int
o_net_len(const struct oracle *o, uint32_t addr)
{
	const struct o_addr *oa;
	int best = -1;

	for (unsigned i = 0; i < o->o_naddrs; i++) {
		oa = o->o_addr[i];
		if (((oa->oa_addr ^ addr) & o_mask(oa->oa_len)) == 0 &&
		    (int)oa->oa_len > best)
			best = (int)oa->oa_len;
	}
	return best;
}

/* The route came with an address. */
static bool
is_derived(const struct o_route *ort)
{

	return (ort->or_flags & (RTF_LOCAL | RTF_CONNECTED |
	    RTF_BROADCAST)) != 0;
}

int
o_way_use(const struct o_way *ow)
{

	if (ow->ow_if == NULL)
		return 0;
	return ow->ow_if->oi_up && ow->ow_if->oi_link != LINK_STATE_DOWN ?
	    2 : 1;
}

int
o_route_use(const struct o_route *ort)
{
	int best = 0;

	for (unsigned i = 0; i < ort->or_nways; i++)
		if (o_way_use(&ort->or_way[i]) > best)
			best = o_way_use(&ort->or_way[i]);
	return best;
}

/* The way of a route by which gateways are reached; NULL: none is. */
static const struct o_way *
best_way(const struct o_route *ort)
{

	for (unsigned i = 0; i < ort->or_nways; i++)
		if (ort->or_way[i].ow_if != NULL &&
		    o_way_use(&ort->or_way[i]) == o_route_use(ort))
			return &ort->or_way[i];
	return NULL;
}

/* Which way of the route has the gateway; its number of ways: none. */
static unsigned
way_of(const struct o_route *ort, uint32_t gw)
{
	unsigned i;

	for (i = 0; i < ort->or_nways && ort->or_way[i].ow_gw != gw; i++)
		continue;
	return i;
}

static bool
is_before(const struct o_route *a, const struct o_route *b)
{
	int ua = o_route_use(a), ub = o_route_use(b);

	return ua != ub ? ua > ub : a->or_metric < b->or_metric;
}

/* The route of a prefix that is used: an address's, or the one of the least
 * metric that can be used. */
static struct o_route *
route_find(const struct oracle *o, unsigned table, uint32_t dst, unsigned len)
{
	struct o_route *ort, *best = NULL;

	for (unsigned i = 0; i < o->o_nroutes; i++) {
		ort = o->o_route[i];
		if (ort->or_table != table || ort->or_len != len ||
		    ort->or_dst != (dst & o_mask(len)))
			continue;
		if (is_derived(ort))
			return ort;
		if (best == NULL || is_before(ort, best))
			best = ort;
	}
	return best;
}

bool
o_route_used(const struct oracle *o, const struct o_route *ort)
{

	return route_find(o, ort->or_table, ort->or_dst, ort->or_len) == ort;
}

/* The route that is meant: of the metric, or (O_ANY) the one that is used. */
static struct o_route *
route_meant(const struct oracle *o, unsigned table, uint32_t dst,
    unsigned len, uint32_t metric)
{
	struct o_route *ort;

	if (metric == O_ANY)
		return route_find(o, table, dst, len);
	for (unsigned i = 0; i < o->o_nroutes; i++) {
		ort = o->o_route[i];
		if (ort->or_table == table && ort->or_len == len &&
		    ort->or_dst == (dst & o_mask(len)) && !is_derived(ort) &&
		    ort->or_metric == metric)
			return ort;
	}
	return NULL;
}

struct o_route *
o_route_lookup(const struct oracle *o, unsigned table, uint32_t addr)
{
	struct o_route *ort;

	for (int len = 32; len >= 0; len--)
		if ((ort = route_find(o, table, addr, (unsigned)len)) != NULL)
			return ort;
	return NULL;
}

/* --- routes --------------------------------------------------------------- */

static void
route_put(struct oracle *o, struct o_route *ort)
{

	if (o->o_nroutes == O_NROUTES)
		abort();
	o->o_route[o->o_nroutes++] = ort;
}

static void
route_take(struct oracle *o, unsigned i)
{

	memmove(&o->o_route[i], &o->o_route[i + 1],
	    (--o->o_nroutes - i) * sizeof(o->o_route[0]));
}

static void
route_remove(struct oracle *o, unsigned i)
{
	struct o_route *ort = o->o_route[i], *next;
	bool used = o_route_used(o, ort);

	o_event_route(o, "delete", ort, used);
	route_take(o, i);
	next = route_find(o, ort->or_table, ort->or_dst, ort->or_len);
	if (used && next != NULL)
		o_event_route(o, "change", next, true);
	free(ort);
}

static struct o_route *
route_new(unsigned table, uint32_t dst, unsigned len, uint32_t flags)
{
	struct o_route *ort = calloc(1, sizeof(*ort));

	if (ort == NULL)
		abort();
	ort->or_table = table;
	ort->or_dst = dst & o_mask(len);
	ort->or_len = len;
	ort->or_flags = flags | (len == 32 ? RTF_HOST : 0);
	ort->or_nways = 1;
	return ort;
}

/* A route that an address makes; one that is there already stays, unless it was
 * asked for with a metric. */
static void
route_of(struct oracle *o, struct o_addr *oa, uint32_t dst, unsigned len,
    uint32_t flags)
{
	struct o_route *ort, *have = route_find(o, 0, dst, len);

	if (have != NULL && (is_derived(have) || have->or_metric == 0))
		return;
	if (have != NULL)
		o_event_route(o, "change", have, false);
	ort = route_new(0, dst, len, flags);
	ort->or_way[0] = (struct o_way){ 0, oa->oa_if, oa };
	route_put(o, ort);
	o_event_route(o, "add", ort, o_route_used(o, ort));
}

/* Routes that the address brought along go, the last one first. */
static void
routes_of_addr_gone(struct oracle *o, const struct o_addr *oa)
{
	struct o_way *ow;

	for (unsigned i = o->o_nroutes; i-- > 0;)
		if (is_derived(o->o_route[i]) &&
		    o->o_route[i]->or_way[0].ow_addr == oa)
			route_remove(o, i);
	/* None may be left with it; o_resolve() finds them another. */
	for (unsigned i = 0; i < o->o_nroutes; i++)
		for (unsigned j = 0; j < o->o_route[i]->or_nways; j++) {
			ow = &o->o_route[i]->or_way[j];
			if (ow->ow_addr == oa) {
				ow->ow_addr = NULL;
				ow->ow_if = NULL;
			}
		}
}

/* A place in the prefixes that have a gateway: the longest first, of a table
 * and then of the main one. */
struct place {
	unsigned	 pl_table, pl_len;
};

static struct place
place_of(unsigned table)
{

	return (struct place){ table, 33 };
}

/* Is it a route to that very gateway?  All routes of a table to one are led
 * alike, and so none of them to itself. */
static bool
leads_to(const struct o_route *ort, unsigned table, uint32_t gw)
{

	return ort->or_table == table && !is_derived(ort) &&
	    way_of(ort, gw) < ort->or_nways;
}

/* The next route that has the gateway of one of `table' in its prefix, but not
 * `self'; NULL: none.  A default route is none. */
static const struct o_route *
cover(const struct oracle *o, unsigned table, uint32_t gw,
    const struct o_route *self, struct place *pl)
{
	const struct o_route *via;

	for (;;) {
		while (--pl->pl_len > 0) {
			via = route_find(o, pl->pl_table, gw, pl->pl_len);
			if (via != NULL && via != self &&
			    !leads_to(via, table, gw))
				return via;
		}
		if (pl->pl_table == 0)
			break;
		*pl = place_of(0);
	}
	pl->pl_len = 1;
	return NULL;
}

/* Can a host have the gateway's address, by its route? */
static bool
is_host(const struct o_route *via, uint32_t gw)
{

	return (via->or_flags & (RTF_LOCAL | RTF_BROADCAST)) == 0 &&
	    ((via->or_flags & RTF_CONNECTED) == 0 || via->or_len >= 31 ||
	    via->or_dst != gw);
}

/* By way of the prefix, in the end? */
static bool
goes_by(const struct oracle *o, const struct o_route *via,
    const struct o_route *prefix)
{
	struct place pl = place_of(prefix->or_table);

	for (unsigned i = 0; via != NULL && !is_derived(via) && i < 8; i++) {
		/* A route of the main table goes by no other. */
		if (via->or_table != prefix->or_table)
			return false;
		if (((via->or_way[0].ow_gw ^ prefix->or_dst) &
		    o_mask(prefix->or_len)) == 0)
			return true;
		pl = place_of(via->or_table);
		via = cover(o, via->or_table, via->or_way[0].ow_gw, NULL,
		    &pl);
	}
	return false;
}

/* Is the gateway in use, and reached? */
static bool
is_known(const struct oracle *o, unsigned table, uint32_t gw)
{
	const struct o_route *ort;
	unsigned i, way;

	for (i = 0; i < o->o_nroutes; i++) {
		ort = o->o_route[i];
		way = way_of(ort, gw);
		if (ort->or_table == table && way < ort->or_nways &&
		    ort->or_way[way].ow_if != NULL)
			return true;
	}
	return false;
}

/* Can a request lead a route to a gateway? */
static int
point_at(const struct oracle *o, uint32_t gw, struct o_route *ort,
    const struct o_route *self)
{
	struct place pl = place_of(ort->or_table);
	const struct o_route *via;
	bool circle = false;

	ort->or_way[0] = (struct o_way){ .ow_gw = gw };
	ort->or_nways = 1;
	ort->or_flags |= RTF_GATEWAY;
	if (is_known(o, ort->or_table, gw))
		return 0;
	while ((via = cover(o, ort->or_table, gw, self, &pl)) != NULL) {
		if (is_derived(via))
			return is_host(via, gw) ? 0 : EINVAL;
		if (best_way(via) != NULL)
			return 0;
		/* A route of several ways, none of which can be used, leads
		 * nowhere. */
		circle |= via->or_nways == 1 && goes_by(o, via, ort);
	}
	return circle ? ELOOP : ENETUNREACH;
}

static void
resolve(const struct oracle *o, const struct o_route *ort, struct o_way *ow)
{
	struct place pl = place_of(ort->or_table);
	const struct o_route *via;
	const struct o_way *by;

	ow->ow_if = NULL;
	ow->ow_addr = NULL;
	while ((via = cover(o, ort->or_table, ow->ow_gw, ort, &pl)) != NULL) {
		if (is_derived(via) && !is_host(via, ow->ow_gw))
			return;
		by = best_way(via);
		if (by == NULL)
			continue;
		ow->ow_if = by->ow_if;
		ow->ow_addr = by->ow_addr;
		return;
	}
}

static void
resolve_ways(const struct oracle *o, struct o_route *ort)
{

	for (unsigned i = 0; i < ort->or_nways; i++)
		resolve(o, ort, &ort->or_way[i]);
}

static void
resolve_to(const struct oracle *o, unsigned table, uint32_t dst)
{

	for (unsigned i = 0; i < o->o_nroutes; i++)
		if (o->o_route[i]->or_table == table &&
		    o->o_route[i]->or_dst == dst && !is_derived(o->o_route[i]))
			resolve_ways(o, o->o_route[i]);
}

/* No route's gateway is in the prefix of one to a greater destination: see
 * op_gw(); and none of the main table goes by another table's. */
void
o_resolve(struct oracle *o)
{
	struct o_route *next, *ort;
	uint64_t last = 0;

	do {
		next = NULL;
		for (unsigned i = 0; i < o->o_nroutes; i++) {
			ort = o->o_route[i];
			if (!is_derived(ort) && ort->or_dst >= last &&
			    (next == NULL || ort->or_dst < next->or_dst))
				next = ort;
		}
		if (next != NULL) {
			resolve_to(o, 0, next->or_dst);
			resolve_to(o, O_TABLE, next->or_dst);
			last = (uint64_t)next->or_dst + 1;
		}
	} while (next != NULL);
}

int
o_route_add(struct oracle *o, unsigned table, uint32_t dst, unsigned len,
    uint32_t gw, uint32_t metric)
{
	struct o_route *ort, *have = route_find(o, table, dst, len);
	int error;

	if (route_meant(o, table, dst, len, metric) != NULL ||
	    (have != NULL && is_derived(have) && metric == 0))
		return EEXIST;
	ort = route_new(table, dst, len, RTF_STATIC);
	ort->or_metric = metric;
	error = point_at(o, gw, ort, NULL);
	if (error != 0) {
		free(ort);
		return error;
	}
	if (have != NULL && !is_derived(have) && have->or_metric > metric)
		o_event_route(o, "change", have, false);
	route_put(o, ort);
	o_event_route(o, "add", ort, o_route_used(o, ort));
	return 0;
}

int
o_route_change(struct oracle *o, unsigned table, uint32_t dst, unsigned len,
    uint32_t gw, uint32_t metric)
{
	struct o_route *ort = route_meant(o, table, dst, len, metric), new_;
	int error;

	if (ort == NULL)
		return ESRCH;
	new_ = *ort;
	if (ort->or_nways == 1 && ort->or_way[0].ow_gw == gw)
		return 0;
	error = point_at(o, gw, &new_, ort);
	if (error != 0)
		return error;
	for (unsigned i = 0; i < o->o_nroutes; i++)
		if (o->o_route[i] == ort) {
			route_take(o, i);
			break;
		}
	*ort = new_;
	route_put(o, ort);
	o_event_route(o, "change", ort, o_route_used(o, ort));
	return 0;
}

int
o_route_delete(struct oracle *o, unsigned table, uint32_t dst, unsigned len,
    uint32_t metric)
{
	const struct o_route *ort = route_meant(o, table, dst, len, metric);

	for (unsigned i = 0; ort != NULL && i < o->o_nroutes; i++)
		if (o->o_route[i] == ort) {
			route_remove(o, i);
			return 0;
		}
	return ESRCH;
}

int
o_way_add(struct oracle *o, unsigned table, uint32_t dst, unsigned len,
    uint32_t gw, uint32_t metric)
{
	struct o_route *ort = route_meant(o, table, dst, len, metric), new_;
	int error;

	if (ort == NULL)
		return o_route_add(o, table, dst, len, gw, metric);
	new_ = *ort;
	error = point_at(o, gw, &new_, ort);
	if (error != 0)
		return error;
	if (way_of(ort, gw) < ort->or_nways)
		return EEXIST;
	if (ort->or_nways == O_NWAYS)
		return ENOSPC;
	ort->or_way[ort->or_nways++] = new_.or_way[0];
	o_event_route(o, "change", ort, o_route_used(o, ort));
	return 0;
}

/* The route of a prefix that is used, and then the others by their metrics;
 * NULL: there are no more. */
static struct o_route *
next_of_prefix(const struct oracle *o, const struct o_route *last,
    unsigned table, uint32_t dst, unsigned len)
{
	struct o_route *used = route_find(o, table, dst, len), *ort;
	struct o_route *next = NULL;

	if (last == NULL)
		return used;
	for (unsigned i = 0; i < o->o_nroutes; i++) {
		ort = o->o_route[i];
		if (ort == used || ort->or_table != table ||
		    ort->or_len != len || ort->or_dst != (dst & o_mask(len)))
			continue;
		if ((last == used || ort->or_metric > last->or_metric) &&
		    (next == NULL || ort->or_metric < next->or_metric))
			next = ort;
	}
	return next;
}

int
o_way_delete(struct oracle *o, unsigned table, uint32_t dst, unsigned len,
    uint32_t gw, uint32_t metric)
{
	struct o_route *ort = NULL;
	unsigned way;

	while ((ort = next_of_prefix(o, ort, table, dst, len)) != NULL) {
		way = way_of(ort, gw);
		if (way == ort->or_nways || (metric != O_ANY &&
		    (is_derived(ort) || ort->or_metric != metric)))
			continue;
		if (ort->or_nways == 1)
			return o_route_delete(o, table, dst, len,
			    ort->or_metric);
		if (o->o_plant == O_PLANT_WAY)
			return 0;
		memmove(&ort->or_way[way], &ort->or_way[way + 1],
		    (--ort->or_nways - way) * sizeof(ort->or_way[0]));
		o_event_route(o, "change", ort, o_route_used(o, ort));
		return 0;
	}
	return ESRCH;
}

/* --- addresses ------------------------------------------------------------ */

static bool
same_net(const struct o_addr *a, const struct o_addr *b)
{

	return a->oa_len == b->oa_len &&
	    ((a->oa_addr ^ b->oa_addr) & o_mask(a->oa_len)) == 0;
}

static void
shared_routes(struct oracle *o, struct o_addr *oa)
{

	if (oa->oa_if->oi_kind == O_PTP)
		route_of(o, oa, oa->oa_dst, 32, RTF_CONNECTED);
	else if (oa->oa_len < 32)
		route_of(o, oa, oa->oa_addr, oa->oa_len, RTF_CONNECTED);
	if (oa->oa_if->oi_kind == O_ETH && oa->oa_dst != 0)
		route_of(o, oa, oa->oa_dst, 32, RTF_BROADCAST);
}

/* The lower index, and of one interface the lower address. */
static bool
comes_before(const struct o_addr *a, const struct o_addr *b)
{
	unsigned ia = if_handle_index(a->oa_if->oi_handle);
	unsigned ib = if_handle_index(b->oa_if->oi_handle);

	return ia != ib ? ia < ib : a->oa_addr < b->oa_addr;
}

/* The heir of the prefix of an address that is gone (len), or of its
 * broadcast address (len 0), not on `dying'. */
static struct o_addr *
heir(const struct oracle *o, const struct o_addr *gone,
    const struct o_if *dying, bool broadcast)
{
	struct o_addr *best = NULL, *oa;

	for (unsigned i = 0; i < o->o_naddrs; i++) {
		oa = o->o_addr[i];
		if (oa->oa_if == dying || oa->oa_if->oi_kind != O_ETH ||
		    (broadcast ? oa->oa_dst != gone->oa_dst :
		    !same_net(oa, gone)))
			continue;
		if (best == NULL || comes_before(oa, best))
			best = oa;
	}
	return best;
}

static void
inherit(struct oracle *o, const struct o_addr *gone, const struct o_if *dying)
{
	struct o_addr *oa;

	if (o->o_plant == O_PLANT_HEIR || gone->oa_if->oi_kind != O_ETH)
		return;
	if (gone->oa_len < 32 && (oa = heir(o, gone, dying, false)) != NULL)
		route_of(o, oa, oa->oa_addr, oa->oa_len, RTF_CONNECTED);
	if (gone->oa_dst != 0 && (oa = heir(o, gone, dying, true)) != NULL)
		route_of(o, oa, oa->oa_dst, 32, RTF_BROADCAST);
}

static void
addr_insert(struct oracle *o, struct o_addr *oa)
{

	if (o->o_naddrs == O_NADDRS)
		abort();
	o->o_addr[o->o_naddrs++] = oa;
}

static void
list_remove(struct o_addr **list, unsigned n, const struct o_addr *oa)
{
	unsigned i;

	for (i = 0; list[i] != oa; i++)
		continue;
	memmove(&list[i], &list[i + 1], (n - 1 - i) * sizeof(list[0]));
}

static void
addr_remove(struct oracle *o, struct o_addr *oa, const struct o_if *dying)
{

	routes_of_addr_gone(o, oa);
	list_remove(o->o_addr, o->o_naddrs, oa);
	o->o_naddrs--;
	inherit(o, oa, dying);
	o_event_addr(o, "deladdr", oa);
	free(oa);
}

static void
set_up(struct oracle *o, struct o_if *oi, bool up)
{

	if (oi->oi_up == up)
		return;
	oi->oi_up = up;
	if (!up)
		o_purge(oi);
	o_event_if(o, "info", oi);
}

int
o_addr_add(struct oracle *o, const char *name, uint32_t addr, unsigned len)
{
	struct o_if *oi = o_if_name(o, name);
	struct o_addr *oa, *old = o_addr_find(o, addr);

	if (oi == NULL)
		return ENXIO;
	if (oi->oi_kind == O_PTP)
		len = 32;
	if (old != NULL && old->oa_if != oi)
		return EEXIST;
	if (old != NULL && old->oa_len == len)
		return 0;
	oa = calloc(1, sizeof(*oa));
	if (oa == NULL)
		abort();
	oa->oa_if = oi;
	oa->oa_addr = addr;
	oa->oa_len = len;
	if (oi->oi_kind == O_PTP)
		oa->oa_dst = o_far(addr);
	else if (len <= 30)
		oa->oa_dst = addr | ~o_mask(len);
	addr_insert(o, oa);
	if (old != NULL)
		routes_of_addr_gone(o, old);
	route_of(o, oa, addr, 32, RTF_LOCAL);
	shared_routes(o, oa);
	/* An address brings an Ethernet up. */
	if (oi->oi_kind == O_ETH)
		set_up(o, oi, true);
	if (old != NULL)
		addr_remove(o, old, NULL);
	o_event_addr(o, "newaddr", oa);
	return 0;
}

int
o_addr_delete(struct oracle *o, const char *name, uint32_t addr)
{
	struct o_if *oi = o_if_name(o, name);
	struct o_addr *oa = o_addr_find(o, addr);

	if (oi == NULL)
		return ENXIO;
	if (oa == NULL || oa->oa_if != oi)
		return EADDRNOTAVAIL;
	addr_remove(o, oa, NULL);
	return 0;
}

/* --- interfaces ----------------------------------------------------------- */

static bool
unit_taken(const struct oracle *o, enum o_kind kind, unsigned unit)
{

	for (unsigned i = 0; i < o->o_nifs; i++)
		if (o->o_if[i]->oi_kind == kind && o->o_if[i]->oi_unit == unit)
			return true;
	return false;
}

int
o_create(struct oracle *o, char name[O_NAMESIZE])
{
	enum o_kind kind;
	struct o_if *oi;
	unsigned unit = 0;

	for (kind = 0; kind < O_NKINDS; kind++)
		if (strncmp(name, o_kind_name[kind], 3) == 0)
			break;
	if (kind == O_NKINDS)
		return EINVAL;
	if (name[3] != '\0') {
		unit = (unsigned)(name[3] - '0');
		if (unit_taken(o, kind, unit) || o_if_name(o, name) != NULL)
			return EEXIST;
	} else {
		for (;; unit++) {
			(void)snprintf(name, O_NAMESIZE, "%s%u",
			    o_kind_name[kind], unit);
			if (!unit_taken(o, kind, unit) &&
			    o_if_name(o, name) == NULL)
				break;
		}
	}
	oi = calloc(1, sizeof(*oi));
	if (oi == NULL || o->o_nifs == O_NIFS)
		abort();
	memcpy(oi->oi_name, name, O_NAMESIZE);
	oi->oi_kind = kind;
	oi->oi_unit = unit;
	oi->oi_mtu = 1500;
	if (kind == O_ETH) {
		oi->oi_lladdr[oi->oi_nlladdrs++] = (uint8_t)unit;
		oi->oi_active = oi->oi_factory = (uint8_t)unit;
	}
	o->o_if[o->o_nifs++] = oi;
	return 0;
}

void
o_arrived(struct oracle *o, struct o_if *oi, uint64_t handle)
{

	oi->oi_handle = handle;
	o_event_if(o, "arrive", oi);
	o_lladdrs(o, oi, "newaddr");
	if (oi->oi_was_up && o->o_plant != O_PLANT_MOVE)
		set_up(o, oi, true);
	oi->oi_was_up = false;
}

/* All of it that is in o, up to its departure; it is the caller's then. */
static void
leave(struct oracle *o, struct o_if *oi)
{
	unsigned i;

	set_up(o, oi, false);
	for (i = 0; i < o->o_naddrs;)
		if (o->o_addr[i]->oa_if == oi)
			addr_remove(o, o->o_addr[i], oi);
		else
			i++;
	o_lladdrs(o, oi, "deladdr");
	o_event_if(o, "depart", oi);
	for (i = 0; o->o_if[i] != oi; i++)
		continue;
	memmove(&o->o_if[i], &o->o_if[i + 1],
	    (--o->o_nifs - i) * sizeof(o->o_if[0]));
}

int
o_destroy(struct oracle *o, const char *name)
{
	struct o_if *oi = o_if_name(o, name);

	if (oi == NULL)
		return ENXIO;
	leave(o, oi);
	free(oi);
	return 0;
}

int
o_move(struct oracle *o, struct oracle *to, const char *name)
{
	struct o_if *oi = o_if_name(o, name);

	if (oi == NULL)
		return ENXIO;
	if (o == to)
		return 0;
	if (unit_taken(to, oi->oi_kind, oi->oi_unit) ||
	    o_if_name(to, name) != NULL)
		return EEXIST;
	if (to->o_nifs == O_NIFS)
		abort();
	oi->oi_was_up = oi->oi_up;
	leave(o, oi);
	o_forget(oi);
	to->o_if[to->o_nifs++] = oi;
	return 0;
}

int
o_rename(struct oracle *o, const char *name, const char *new_)
{
	struct o_if *oi = o_if_name(o, name), *other;

	if (oi == NULL)
		return ENXIO;
	if (strchr(new_, '/') != NULL || new_[0] == '\0')
		return EINVAL;
	other = o_if_name(o, new_);
	if (other == oi)
		return 0;
	if (other != NULL)
		return EEXIST;
	o_text_rename(o_event(o), oi->oi_handle, oi->oi_name, new_);
	(void)snprintf(oi->oi_name, O_NAMESIZE, "%s", new_);
	return 0;
}

int
o_flags(struct oracle *o, const char *name, bool up)
{
	struct o_if *oi = o_if_name(o, name);

	if (oi == NULL)
		return ENXIO;
	set_up(o, oi, up);
	return 0;
}

int
o_mtu(struct oracle *o, const char *name, unsigned mtu)
{
	struct o_if *oi = o_if_name(o, name);

	if (oi == NULL)
		return ENXIO;
	if (mtu < O_MTU_MIN || mtu > O_MTU_MAX)
		return EINVAL;
	if (oi->oi_mtu != mtu) {
		oi->oi_mtu = mtu;
		if (o->o_plant != O_PLANT_MTU)
			o_event_if(o, "info", oi);
	}
	return 0;
}

/* One place of the queue goes. */
static void
link_leave(int *queue, unsigned *len, unsigned at)
{

	memmove(&queue[at], &queue[at + 1], (--*len - at) * sizeof(*queue));
}

void
o_link(struct oracle *o, const char *name, const int *state, unsigned n)
{
	struct o_if *oi = o_if_name(o, name);
	int queue[O_LINKQ];
	unsigned len = 0, at;

	for (unsigned i = 0; oi != NULL && i < n; i++) {
		if (len > 0 && queue[len - 1] == state[i])
			continue;
		if (len == O_LINKQ) {
			/* The oldest that is no DOWN goes, and of two DOWNs
			 * that meet, one. */
			for (at = 0; queue[at] == LINK_STATE_DOWN; at++)
				continue;
			link_leave(queue, &len, at);
			if (at > 0 && queue[at - 1] == queue[at])
				link_leave(queue, &len, at);
		}
		queue[len++] = state[i];
	}
	for (unsigned i = 0; i < len; i++)
		if (oi->oi_link != queue[i]) {
			oi->oi_link = queue[i];
			o_event_if(o, "info", oi);
		}
}

void
o_free(struct oracle *o)
{

	for (unsigned i = 0; i < o->o_nroutes; i++)
		free(o->o_route[i]);
	for (unsigned i = 0; i < o->o_naddrs; i++)
		free(o->o_addr[i]);
	for (unsigned i = 0; i < o->o_nifs; i++)
		free(o->o_if[i]);
	memset(o, 0, sizeof(*o));
}
