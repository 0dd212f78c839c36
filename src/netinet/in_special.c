/*
 * in_special: the special-purpose addresses of RFC 6890 (and of the registry
 * that it began): which may be a source, a destination, be forwarded.
 *
 * 0/8, 127/8, 224/4 and 240/4 are refused by in_ordinary() everywhere; their
 * rows are here for callers that ask about any address.
 */

#include "netinet/ip_var.h"

#define S	INS_SOURCE
#define D	INS_DESTINATION
#define F	INS_FORWARD

/* The longest prefix counts, so longer ones come first. */
static const struct in_special specials[] = {
	{ 0xffffffff, 32, D },		/* limited broadcast */
	{ 0xc0000008, 32, S },		/* 192.0.0.8: dummy, RFC 7600 */
	{ 0xc0000009, 32, S | D | F },	/* 192.0.0.9: PCP, RFC 7723 */
	{ 0xc000000a, 32, S | D | F },	/* 192.0.0.10: TURN, RFC 8155 */
	{ 0xc00000aa, 32, 0 },		/* 192.0.0.170: NAT64, RFC 8880 */
	{ 0xc00000ab, 32, 0 },		/* 192.0.0.171 */
	{ 0xc0000000, 29, S | D | F },	/* 192.0.0/29: RFC 7335 */
	{ 0xc0000000, 24, 0 },		/* 192.0.0/24: protocols, RFC 6890 */
	{ 0xc0000200, 24, INS_OWN },	/* TEST-NET-1, RFC 5737 */
	{ 0xc6336400, 24, INS_OWN },	/* TEST-NET-2 */
	{ 0xcb007100, 24, INS_OWN },	/* TEST-NET-3 */
	{ 0xa9fe0000, 16, S | D | INS_LINK },	/* RFC 3927 */
	{ 0x00000000, 8, S },		/* this network, RFC 1122 */
	{ 0x7f000000, 8, 0 },		/* loopback, RFC 1122 */
	{ 0xe0000000, 4, D },		/* multicast, RFC 5771 */
	{ 0xf0000000, 4, 0 },		/* reserved, RFC 1112 */
};
#define NSPECIALS	(sizeof(specials) / sizeof(specials[0]))

static inline uint32_t
mask(unsigned len)
{

	return UINT32_MAX << (32 - len);
}

const struct in_special *
in_special(uint32_t addr)
{
	uint32_t h = be32(addr);

	for (size_t i = 0; i < NSPECIALS; i++)
		if (((h ^ specials[i].ins_net) & mask(specials[i].ins_len)) ==
		    0)
			return &specials[i];
	return NULL;
}

bool
in_special_may(const struct fwd *fd, uint32_t addr, unsigned what)
{
	const struct in_special *ins = in_special(addr);

	if (ins == NULL || (ins->ins_flags & what) == what)
		return true;
	/* A route into the block itself is not marked, as no other row
	 * overlaps that. */
	return (ins->ins_flags & INS_OWN) != 0 && fd->fd_nh != NULL &&
	    (fd->fd_value & FWD_SPECIAL) == 0;
}

bool
in_special_nobody(uint32_t addr)
{
	const struct in_special *ins;

	ins = in_maybe_special(addr) ? in_special(addr) : NULL;
	return ins != NULL &&
	    (ins->ins_flags & (INS_SOURCE | INS_DESTINATION | INS_OWN)) == 0;
}

bool
in_special_route(const struct rtentry *rt)
{
	uint32_t key = rt->rt_key;
	unsigned len = rt->rt_len, least;
	const struct in_special *ins;

	for (size_t i = 0; i < NSPECIALS; i++) {
		ins = &specials[i];
		least = len < ins->ins_len ? len : ins->ins_len;
		if ((ins->ins_flags & F) != 0 || (least != 0 &&
		    ((key ^ ins->ins_net) & mask(least)) != 0))
			continue;
		/* A route into a documentation block gives the block's
		 * addresses a meaning. */
		if ((ins->ins_flags & INS_OWN) != 0 && len >= ins->ins_len)
			continue;
		return true;
	}
	return false;
}
