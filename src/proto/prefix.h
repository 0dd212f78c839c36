/*
 * prefix: netmasks and the prefix lengths they stand for.
 */

#ifndef PROTO_PREFIX_H
#define PROTO_PREFIX_H

#include <stddef.h>
#include <stdint.h>

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

#endif /* !PROTO_PREFIX_H */
