/*
 * prefixes: random ones with the lengths that the Internet's table has, the
 * same in each run.
 */

#ifndef BENCH_PREFIXES_H
#define BENCH_PREFIXES_H

#include <stdbool.h>
#include <stdint.h>

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

#endif /* !BENCH_PREFIXES_H */
