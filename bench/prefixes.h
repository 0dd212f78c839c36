/*
 * prefixes: random ones with the lengths that the Internet's table has, the
 * same in each run.
 */

#ifndef BENCH_PREFIXES_H
#define BENCH_PREFIXES_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/prefix.h"

/* The number of routes with each prefix length among a thousand of the
 * Internet. */
static const struct {
	unsigned len, permille;
} lengths[] = {
	{ 24, 605 }, { 23, 100 }, { 22, 118 }, { 21, 52 }, { 20, 46 },
	{ 19, 27 }, { 18, 15 }, { 17, 9 }, { 16, 15 }, { 15, 3 }, { 14, 3 },
	{ 13, 2 }, { 12, 2 }, { 11, 1 }, { 10, 1 }, { 9, 1 },
};

static inline uint64_t
next_random(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	return s ^= s << 17;
}

static inline unsigned
random_len(void)
{
	unsigned r = (unsigned)(next_random() % 1000), i = 0;

	for (; r >= lengths[i].permille; i++)
		r -= lengths[i].permille;
	return lengths[i].len;
}

/* May a route of the table have this address?  Yes from 1/8 to 223/8, without
 * the benchmark's own networks and addresses that are not forwarded. */
static inline bool
usable(uint32_t addr, unsigned len)
{
	static const uint32_t never[] = { 0x0a000000, 0x7f000000, 0xa9fe0000,
	    0xc0000000, 0xc6330000, 0xcb000000 };
	uint32_t mask = UINT32_MAX << (32 - len);

	for (unsigned i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (((addr ^ never[i]) & mask & (i < 2 ? 0xff000000 :
		    0xffff0000)) == 0)
			return false;
	return addr >> 24 >= 1 && addr >> 24 < 224;
}

/* The number of routes with each prefix length among a thousand of the
 * Internet's IPv6 routes that are more specific than an allocation. */
static const struct {
	unsigned len, permille;
} lengths6[] = {
	{ 48, 560 }, { 44, 120 }, { 40, 110 }, { 36, 70 }, { 46, 40 },
	{ 47, 30 }, { 42, 20 }, { 34, 15 }, { 33, 15 }, { 38, 10 }, { 64, 10 },
};

/* An allocation: a /32, or here and there a /29, of the networks in which most
 * are. */
static inline struct prefix
prefix6_allocation(void)
{
	static const uint16_t nets[] = { 0x2001, 0x2400, 0x2401, 0x2402,
	    0x2403, 0x2404, 0x2405, 0x2406, 0x2407, 0x2600, 0x2602, 0x2604,
	    0x2605, 0x2606, 0x2607, 0x2620, 0x2800, 0x2803, 0x2804, 0x2a00,
	    0x2a01, 0x2a02, 0x2a03, 0x2a04, 0x2a05, 0x2a06, 0x2a07, 0x2a09,
	    0x2a0a, 0x2a0b, 0x2a0c, 0x2a0d, 0x2a0e, 0x2a0f, 0x2a10, 0x2a12,
	    0x2c0f };
	struct prefix pf = { .pf_len = 128 };

	pf.pf_hi = (uint64_t)nets[next_random() % (sizeof(nets) /
	    sizeof(nets[0]))] << 48 | (next_random() & 0xffff) << 32;
	prefix_cut(&pf, next_random() % 5 == 0 ? 29 : 32);
	return pf;
}

/* A part of an allocation. */
static inline struct prefix
prefix6_part_of(struct prefix pf)
{
	unsigned r = (unsigned)(next_random() % 1000), i = 0;

	for (; r >= lengths6[i].permille; i++)
		r -= lengths6[i].permille;
	pf.pf_hi |= next_random() >> 32;
	prefix_cut(&pf, lengths6[i].len);
	return pf;
}

#endif /* !BENCH_PREFIXES_H */
