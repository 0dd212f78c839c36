/*
 * dump_impl: what the files that write a captured packet in one line share.
 * No byte beyond the captured ones is read.
 */

#ifndef COMMAND_DUMP_IMPL_H
#define COMMAND_DUMP_IMPL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The rest of a packet while its headers are read. */
struct dump_bytes {
	const uint8_t	*p;
	size_t		 n;
};

static inline unsigned
dump_be16(const uint8_t *p)
{

	return (unsigned)p[0] << 8 | p[1];
}

static inline uint32_t
dump_be32(const uint8_t *p)
{

	return (uint32_t)dump_be16(p) << 16 | dump_be16(p + 2);
}

/* Step over n bytes, or all there are. */
static inline void
dump_skip(struct dump_bytes *b, size_t n)
{

	if (n > b->n)
		n = b->n;
	b->p += n;
	b->n -= n;
}

/* cmd_dump_print.c.  Write that a header is not there whole, an address, and a
 * link-level address of 6 bytes. */
void	dump_cut(FILE *, const char *what);
void	dump_ip(FILE *, int family, const uint8_t *);
void	dump_mac(FILE *, const uint8_t *);
/* Write a header behind that of IP, by its number. */
void	dump_transport(FILE *, unsigned proto, const struct dump_bytes *);

/* cmd_dump_ip6.c.  Write a packet of IPv6, from its header on. */
void	dump_ip6(FILE *, struct dump_bytes);

#endif /* !COMMAND_DUMP_IMPL_H */
