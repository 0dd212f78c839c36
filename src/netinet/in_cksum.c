/*
 * in_cksum: the Internet checksum (RFC 1071).  Sums are kept in the byte
 * order of memory; that gives the same checksum bytes on any machine.
 */

#include <string.h>

#include "netinet/in_var.h"

/* Fold a ones' complement sum of 64 bits to 32. */
static inline uint32_t
fold64(uint64_t s)
{

	s = (s >> 32) + (s & 0xffffffff);
	s = (s >> 32) + (s & 0xffffffff);
	return (uint32_t)s;
}

static inline uint32_t
fold32(uint32_t s)
{

	s = (s >> 16) + (s & 0xffff);
	return (s >> 16) + (s & 0xffff);
}

uint32_t
in_cksum_add(const void *p, size_t len, uint32_t sum)
{
	const uint8_t *b = p;
	uint64_t s = sum, c0, c1;
	uint32_t w0, w1;
	uint16_t h;

	c0 = c1 = 0;
	/* Two independent chains; 32-bit words cannot overflow 64 bits here. */
	while (len >= 8) {
		memcpy(&w0, b, 4);
		memcpy(&w1, b + 4, 4);
		c0 += w0;
		c1 += w1;
		b += 8;
		len -= 8;
	}
	s += fold64(c0);
	s += fold64(c1);
	if (len >= 4) {
		memcpy(&w0, b, 4);
		s += w0;
		b += 4;
		len -= 4;
	}
	if (len >= 2) {
		memcpy(&h, b, 2);
		s += h;
		b += 2;
		len -= 2;
	}
	if (len != 0)
		s += *b;	/* padded with a zero byte behind */
	/* The result has 17 bits at most, so that a caller can add to it and
	 * fold. */
	return fold32(fold64(s));
}

uint16_t
in_cksum_mbuf(const struct mbuf *m, unsigned off, unsigned len, uint32_t sum)
{
	uint32_t part;
	unsigned n;
	bool odd = false;

	while (m != NULL && off >= m->m_len) {
		off -= m->m_len;
		m = m->m_next;
	}
	for (; m != NULL && len != 0; m = m->m_next, off = 0) {
		n = m->m_len - off;
		if (n > len)
			n = len;
		part = in_cksum_add(m->m_data + off, n, 0);
		/* A part that begins at an odd offset is added with its bytes
		 * swapped. */
		if (odd)
			part = ((part & 0xff) << 8) | ((part >> 8) & 0xff);
		sum = fold32(sum + part);
		if ((n & 1) != 0)
			odd = !odd;
		len -= n;
	}
	return in_cksum_fold(sum);
}

uint32_t
in6_cksum_pseudo(const void *addrs, uint8_t proto, uint32_t len)
{
	uint64_t s = in_cksum_add(addrs, 32, 0);

	s += (uint32_t)proto << 8;
	/* Both halves of the length count (RFC 8200 8.1). */
	s += __builtin_bswap32(len);
	return fold32(fold64(s));
}

uint32_t
in_cksum_pseudo(uint32_t src, uint32_t dst, uint8_t proto, uint32_t len)
{
	uint64_t s;

	s = (uint64_t)src + dst;
	s += (uint32_t)proto << 8;
	s += __builtin_bswap32(len);
	return fold32(fold64(s));
}
