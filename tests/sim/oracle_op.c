/*
 * Operations: at random, in words, and what they name.
 */

#include "kern/khash.h"
#include "oracle_impl.h"

#include <stdio.h>
#include <string.h>

static uint64_t
next_random(uint64_t *s)
{

	*s += 0x9e3779b97f4a7c15ull;
	return khash_u64(*s) | (uint64_t)khash_u64(*s ^ 0x5851f42d4c957f2dull)
	    << 32;
}

void
op_random(uint64_t *seed, struct op *op)
{
	static const uint8_t often[] = {
		OP_CREATE, OP_CREATE, OP_CREATE, OP_DESTROY, OP_DESTROY,
		OP_RENAME, OP_UP, OP_DOWN, OP_MTU, OP_LINK, OP_LINK, OP_ADDR,
		OP_ADDR, OP_ADDR, OP_ADDR, OP_ADDR, OP_ADDR, OP_UNADDR,
		OP_UNADDR, OP_UNADDR, OP_ROUTE, OP_ROUTE, OP_ROUTE,
		OP_REROUTE, OP_UNROUTE, OP_WAY, OP_WAY, OP_WAY, OP_UNWAY,
		OP_LOOKUP, OP_LOOKUP, OP_READ,
		OP_LISTEN, OP_SNAPSHOT, OP_UP, OP_MOVE, OP_MOVE, OP_GROUP,
		OP_GROUP, OP_UNGROUP, OP_LLADDR, OP_LLADDR, OP_UNLLADDR,
		OP_PREFER, OP_SEND, OP_SEND, OP_SEND, OP_RECEIVE, OP_BUSY,
		OP_BUSY, OP_WAIT
	};
	uint64_t x = next_random(seed), y = next_random(seed);

	op->op_kind = often[(uint16_t)x % sizeof(often)];
	op->op_a = (uint8_t)(x >> 16);
	op->op_b = (uint8_t)(x >> 24);
	op->op_c = (uint32_t)y;
	op->op_fault = (y >> 32) % 8 == 0 ? (uint8_t)(1 + (y >> 40) % 12) : 0;
}

void
op_print(const struct op *op)
{
	static const char *const kind[] = { "create", "destroy", "rename",
	    "up", "down", "mtu", "link", "address", "unaddress", "route",
	    "reroute", "unroute", "way", "unway", "lookup", "listen",
	    "read", "snapshot",
	    "move", "group", "ungroup", "lladdr", "unlladdr", "prefer", "send",
	    "receive", "busy", "wait" };

	_Static_assert(sizeof(kind) / sizeof(kind[0]) == OP_NKINDS,
	    "a word for each");
	fprintf(stderr, "  %-10s %3u %3u %08x", kind[op->op_kind], op->op_a,
	    op->op_b, op->op_c);
	if (op->op_fault != 0)
		fprintf(stderr, "  allocation %u fails", op->op_fault);
	fprintf(stderr, "\n");
}

struct net *
op_net(struct run *r, const struct op *op)
{

	return &r->r_net[op->op_c >> 31];
}

/* 10.0.0-3.1,2,5,6: never a broadcast address of theirs. */
uint32_t
op_addr(const struct op *op)
{
	static const uint8_t host[] = { 1, 2, 5, 6 };

	return 0x0a000000u | (op->op_c >> 4 & 3) << 8 | host[op->op_c & 3];
}

uint32_t
op_dst(const struct op *op)
{

	if (op_dst_near(op))
		return 0x0a000000u | (op->op_c >> 8 & 3) << 8;
	return 0xac100000u | (op->op_c >> 8 & 7) << 8;
}

bool
op_dst_near(const struct op *op)
{

	return (op->op_b & 3) == 3 && op->op_kind >= OP_ROUTE &&
	    op->op_kind <= OP_UNWAY;
}

unsigned
op_table(const struct op *op)
{

	return (op->op_c >> 12 & 3) == 3 ? O_TABLE : 0;
}

void
op_create_name(const struct op *op, char name[IFNAMSIZ])
{

	memset(name, 0, IFNAMSIZ);
	(void)snprintf(name, IFNAMSIZ, "%s", o_kind_name[op->op_b % 3 == 0 ?
	    O_PTP : O_ETH]);
	if (op->op_b & 0x80)
		name[3] = (char)('0' + (op->op_b >> 4 & 7));
}

unsigned
op_len(const struct op *op)
{
	static const unsigned lens[] = { 24, 16, 30, 32, 24, 24 };

	return lens[op->op_b % 6];
}

unsigned
op_mtu(const struct op *op)
{
	static const unsigned mtus[] = { 100, 576, 1400, 1500, 9000, 9001 };

	return mtus[op->op_b % 6];
}

const char *
op_group(const struct op *op)
{
	static const char *const groups[] = { "west", "core", "eth", "ptp",
	    "all", "west", "core", "bad1" };

	return groups[op->op_b % 8];
}

uint8_t
op_lladdr(const struct op *op)
{

	return (uint8_t)(0x10 + (op->op_b & 3));
}
