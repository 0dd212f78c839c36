/*
 * prefix: netmasks and the prefix lengths they stand for; prefixes of any
 * family.
 */

#ifndef PROTO_PREFIX_H
#define PROTO_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sys/socket.h>

/* The IPv4 mask of a length up to 32, in host order. */
static inline uint32_t
prefix_mask(unsigned len)
{

	return len == 0 ? 0 : UINT32_MAX << (32 - len);
}

/* The length of an IPv4 mask in host order; -1: it has holes. */
static inline int
prefix_len(uint32_t mask)
{
	int len = mask == 0 ? 0 : 32 - __builtin_ctz(mask);

	return len == __builtin_popcount(mask) ? len : -1;
}

/* The length of a mask of n bytes of any family; -1: it has holes. */
static inline int
prefix_len_bytes(const void *mask, size_t n)
{
	const uint8_t *p = mask;
	int len = 0, part;

	for (size_t i = 0; i < n; i++) {
		part = prefix_len((uint32_t)p[i] << 24);
		if (part < 0 || (part > 0 && len != (int)i * 8))
			return -1;
		len += part;
	}
	return len;
}

/*
 * A prefix, or an address (of full length).  Its first bit is the highest of
 * pf_hi, so that all families' prefixes are cut and compared alike; an IPv4
 * prefix is one of up to 32 bits.  Bits past the length are 0.
 */
struct prefix {
	uint64_t	 pf_hi, pf_lo;	/* host order */
	uint8_t		 pf_len;	/* 0..128 */
	uint8_t		 pf_family;	/* AF_INET, AF_INET6 */
};

/* How many bits an address of IPv4 and of IPv6 has. */
#define PREFIX_BITS4	32
#define PREFIX_BITS6	128

/* Cut a prefix short. */
static inline void
prefix_cut(struct prefix *pf, unsigned len)
{

	pf->pf_hi = len == 0 ? 0 : len >= 64 ? pf->pf_hi :
	    pf->pf_hi >> (64 - len) << (64 - len);
	pf->pf_lo = len <= 64 ? 0 : len >= 128 ? pf->pf_lo :
	    pf->pf_lo >> (128 - len) << (128 - len);
	pf->pf_len = (uint8_t)len;
}

/* An IPv4 address (host order), cut to a length. */
static inline struct prefix
prefix_of4(uint32_t addr, unsigned len)
{

	return (struct prefix){ .pf_hi = (uint64_t)(addr & prefix_mask(len)) <<
	    32, .pf_len = (uint8_t)len, .pf_family = AF_INET };
}

/* An IPv6 address (16 bytes, network order), cut to a length. */
static inline struct prefix
prefix_of6(const void *addr, unsigned len)
{
	struct prefix pf = { .pf_family = AF_INET6 };
	uint64_t word[2];

	memcpy(word, addr, sizeof(word));
	pf.pf_hi = __builtin_bswap64(word[0]);
	pf.pf_lo = __builtin_bswap64(word[1]);
	prefix_cut(&pf, len);
	return pf;
}

/* The first 32 bits in host order: an IPv4 prefix's address. */
static inline uint32_t
prefix_addr4(const struct prefix *pf)
{

	return (uint32_t)(pf->pf_hi >> 32);
}

/* All 128 bits, network order. */
static inline void
prefix_addr6(const struct prefix *pf, void *addr)
{
	const uint64_t word[2] = { __builtin_bswap64(pf->pf_hi),
	    __builtin_bswap64(pf->pf_lo) };

	memcpy(addr, word, sizeof(word));
}

/* How many bits an address of the prefix's family has. */
static inline unsigned
prefix_bits(const struct prefix *pf)
{

	return pf->pf_family == AF_INET ? PREFIX_BITS4 : PREFIX_BITS6;
}

/* How many first bits the addresses of two prefixes of one family have in
 * common, up to 128. */
static inline unsigned
prefix_common(const struct prefix *a, const struct prefix *b)
{

	if (a->pf_hi != b->pf_hi)
		return (unsigned)__builtin_clzll(a->pf_hi ^ b->pf_hi);
	if (a->pf_lo != b->pf_lo)
		return 64 + (unsigned)__builtin_clzll(a->pf_lo ^ b->pf_lo);
	return 128;
}

static inline bool
prefix_is(const struct prefix *a, const struct prefix *b)
{

	return a->pf_hi == b->pf_hi && a->pf_lo == b->pf_lo &&
	    a->pf_len == b->pf_len && a->pf_family == b->pf_family;
}

/* Does it contain the other one, or is it the same? */
static inline bool
prefix_has(const struct prefix *pf, const struct prefix *in)
{

	return pf->pf_family == in->pf_family && pf->pf_len <= in->pf_len &&
	    prefix_common(pf, in) >= pf->pf_len;
}

#endif /* !PROTO_PREFIX_H */
