/*
 * The oracle, continued: groups, link-level addresses, preferences, packets on
 * their way out of a point-to-point link.
 */

#include "oracle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ifnet/if.h>

struct o_addr *
o_addr_prefix(const struct oracle *o, uint32_t addr, unsigned len)
{
	const struct o_addr *oa;

	for (unsigned i = 0; i < o->o_naddrs; i++) {
		oa = o->o_addr[i];
		if (oa->oa_len == len &&
		    ((oa->oa_addr ^ addr) & o_mask(len)) == 0)
			return o->o_addr[i];
	}
	return NULL;
}

/* --- groups --------------------------------------------------------------- */

static bool
is_default(const struct o_if *oi, const char *group)
{

	return strcmp(group, "all") == 0 ||
	    strcmp(group, o_kind_name[oi->oi_kind]) == 0;
}

static int
group_index(const struct o_if *oi, const char *group)
{

	for (unsigned i = 0; i < oi->oi_ngroups; i++)
		if (strcmp(oi->oi_group[i], group) == 0)
			return (int)i;
	return -1;
}

bool
o_group_has(const struct o_if *oi, const char *group)
{

	return is_default(oi, group) || group_index(oi, group) >= 0;
}

int
o_group(struct oracle *o, const char *name, const char *group, bool in)
{
	struct o_if *oi = o_if_name(o, name);
	int i;

	if (oi == NULL)
		return ENXIO;
	if (group[strlen(group) - 1] <= '9')
		return EINVAL;
	if (is_default(oi, group))
		return in ? EEXIST : EBUSY;
	i = group_index(oi, group);
	if (in) {
		if (i >= 0)
			return EEXIST;
		if (oi->oi_ngroups == O_IFGROUPS)
			abort();
		(void)snprintf(oi->oi_group[oi->oi_ngroups++], O_NAMESIZE,
		    "%s", group);
		return 0;
	}
	if (i < 0)
		return ENOENT;
	if (o->o_plant != O_PLANT_GROUP)
		memmove(oi->oi_group[i], oi->oi_group[i + 1],
		    (--oi->oi_ngroups - (unsigned)i) * O_NAMESIZE);
	return 0;
}

/* --- link-level addresses ------------------------------------------------- */

void
o_lladdrs(struct oracle *o, const struct o_if *oi, const char *verb)
{

	for (unsigned i = 0; i < oi->oi_nlladdrs; i++)
		if (oi->oi_lladdr[i] != oi->oi_active)
			o_event_lladdr(o, verb, oi, oi->oi_lladdr[i]);
}

/* The active one is told of with the interface, the others by themselves. */
static void
activate(struct oracle *o, struct o_if *oi, uint8_t last, bool known)
{
	uint8_t old = oi->oi_active;

	if (old == last)
		return;
	oi->oi_active = last;
	if (known)
		o_event_lladdr(o, "deladdr", oi, last);
	o_event_if(o, "info", oi);
	o_event_lladdr(o, "newaddr", oi, old);
}

int
o_lladdr(struct oracle *o, const char *name, uint8_t last, bool add,
    bool active)
{
	struct o_if *oi = o_if_name(o, name);
	unsigned i;
	bool known;

	if (oi == NULL)
		return ENXIO;
	if (oi->oi_kind != O_ETH)
		return EOPNOTSUPP;
	for (i = 0; i < oi->oi_nlladdrs && oi->oi_lladdr[i] != last; i++)
		continue;
	known = i < oi->oi_nlladdrs;
	if (add) {
		if (known && !active)
			return EEXIST;
		if (!known)
			oi->oi_lladdr[oi->oi_nlladdrs++] = last;
		if (active)
			activate(o, oi, last, known);
		else
			o_event_lladdr(o, "newaddr", oi, last);
		return 0;
	}
	if (!known)
		return EADDRNOTAVAIL;
	if (last == oi->oi_active || last == oi->oi_factory)
		return EBUSY;
	memmove(&oi->oi_lladdr[i], &oi->oi_lladdr[i + 1],
	    --oi->oi_nlladdrs - i);
	o_event_lladdr(o, "deladdr", oi, last);
	return 0;
}

/* --- preferences ---------------------------------------------------------- */

int
o_preference(struct oracle *o, const char *name, uint32_t addr,
    int32_t preference)
{
	const struct o_if *oi = o_if_name(o, name);
	struct o_addr *oa = o_addr_find(o, addr);

	if (oi == NULL)
		return ENXIO;
	if (oa == NULL || oa->oa_if != oi)
		return EADDRNOTAVAIL;
	oa->oa_preference = preference;
	return 0;
}

/* --- packets -------------------------------------------------------------- */

void
o_send(struct o_if *oi, unsigned n, enum o_plant plant)
{
	unsigned take;

	oi->oi_offered += n;
	if (!oi->oi_up) {
		oi->oi_down += n;
		return;
	}
	take = O_SNDQ - oi->oi_queued;
	if (take > n)
		take = n;
	oi->oi_queued += take;
	if (plant != O_PLANT_QUEUE)
		oi->oi_full += n - take;
	o_busy(oi, oi->oi_busy);
}

void
o_busy(struct o_if *oi, bool busy)
{

	oi->oi_busy = busy;
	if (busy || !oi->oi_up)
		return;
	oi->oi_sent += oi->oi_queued;
	oi->oi_queued = 0;
}

void
o_purge(struct o_if *oi)
{

	oi->oi_purged += oi->oi_queued;
	oi->oi_queued = 0;
}

void
o_forget(struct o_if *oi)
{

	oi->oi_ngroups = 0;
	oi->oi_busy = false;
	oi->oi_offered = oi->oi_sent = oi->oi_full = oi->oi_down =
	    oi->oi_purged = 0;
}
