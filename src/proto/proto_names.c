/*
 * Numbers and their names.
 */

#include "proto/proto_names.h"

#include <string.h>

#include <ifnet/drop.h>
#include <ifnet/ifreq.h>

#include "proto/ctl_proto.h"

struct entry {
	const char	*name, *text;
	unsigned	 flags;
};

enum { IN = 0, OUT = CTL_NAME_OUTPUT };

static const struct entry history[] = {
	[IFHIST_ATTACH] = { "attach", "it was made" },
	[IFHIST_DETACH] = { "detach", "it was destroyed" },
	[IFHIST_UP] = { "up", "it was set up" },
	[IFHIST_DOWN] = { "down", "it was set down" },
	[IFHIST_LINK] = { "link", "its link state changed" },
	[IFHIST_ADDR_ADD] = { "addr-add", "an address was added" },
	[IFHIST_ADDR_DELETE] = { "addr-delete", "an address was deleted" },
	[IFHIST_MTU] = { "mtu", "its MTU changed" },
	[IFHIST_RENAME] = { "rename", "it has another name" },
	[IFHIST_MOVE_OUT] = { "move-out", "it went to another vnet" },
	[IFHIST_MOVE_IN] = { "move-in", "it came from another vnet" },
};

static const struct entry oper[] = {
	[IF_OPER_UNKNOWN] = { "unknown", "unknown" },
	[IF_OPER_UP] = { "up", "up" },
	[IF_OPER_DOWN_ADMIN] = { "down-admin", "down (administratively)" },
	[IF_OPER_DOWN_CARRIER] = { "down-carrier", "down (no carrier)" },
	[IF_OPER_DOWN_LOWER] = { "down-lower", "down (lower layer)" },
	[IF_OPER_TESTING] = { "testing", "testing" },
};

static const struct entry linkstate[] = {
	[LINK_STATE_UNKNOWN] = { "unknown", "unknown" },
	[LINK_STATE_DOWN] = { "down", "no carrier" },
	[LINK_STATE_UP] = { "up", "carrier" },
};

static const struct entry drops[] = {
#define X(sym, side, name, text)	[sym] = { name, text, side },
	DROP_REASONS(X)
#undef X
};

#define TABLE(t)	{ t, sizeof(t) / sizeof(t[0]) }
static const struct {
	const struct entry *entries;
	unsigned	 count;
} tables[PROTO_NAMES_MAX] = {
	[PROTO_NAMES_DROP] = TABLE(drops),
	[PROTO_NAMES_HISTORY] = TABLE(history),
	[PROTO_NAMES_OPER] = TABLE(oper),
	[PROTO_NAMES_LINK] = TABLE(linkstate),
};
#undef TABLE

unsigned
proto_names_count(enum proto_names table)
{

	return (unsigned)table < PROTO_NAMES_MAX ? tables[table].count : 0;
}

const char *
proto_name(enum proto_names table, unsigned number, const char **text)
{
	const struct entry *en;

	if (number >= proto_names_count(table))
		return NULL;
	en = &tables[table].entries[number];
	if (text != NULL)
		*text = en->text;
	return en->name;
}

unsigned
proto_name_flags(enum proto_names table, unsigned number)
{

	return number < proto_names_count(table) ?
	    tables[table].entries[number].flags : 0;
}

/* FNV-1a, 64 bits. */
static uint64_t
hash_bytes(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (; len > 0; len--)
		h = (h ^ *p++) * 0x100000001b3ull;
	return h;
}

uint64_t
proto_names_hash(void)
{
	uint64_t h = 0xcbf29ce484222325ull;
	const char *name;
	uint32_t n[2];

	for (n[0] = 1; n[0] < PROTO_NAMES_MAX; n[0]++) {
		for (n[1] = 0; n[1] < tables[n[0]].count; n[1]++) {
			name = tables[n[0]].entries[n[1]].name;
			if (name == NULL)
				continue;
			h = hash_bytes(h, n, sizeof(n));
			h = hash_bytes(h, name, strlen(name) + 1);
		}
	}
	return h != 0 ? h : 1;
}
