/*
 * proto_rec: records of control messages, as both ends write and read them.
 * Nothing here trusts the bytes it is given.
 */

#ifndef PROTO_PROTO_REC_H
#define PROTO_PROTO_REC_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/ctl_proto.h"

/* A record in place: as much of its struct as the other end has, and data. */
struct proto_rec {
	const uint8_t	*pr_fixed;
	size_t		 pr_nfixed;
	const uint8_t	*pr_data;
	size_t		 pr_len;
	unsigned	 pr_type;
};

static inline size_t
proto_padded(size_t len)
{

	return (len + 7) & ~(size_t)7;
}

/* The header of a record. */
static inline struct ctl_rec
proto_rec_head(size_t nfixed, size_t len)
{

	return (struct ctl_rec){
		.rc_len = (uint32_t)(sizeof(struct ctl_rec) + nfixed + len),
		.rc_fixed = (uint16_t)nfixed,
	};
}

/*
 * The next record at *p, with *left bytes; both advance over it.  1; 0: there
 * is none; -1: what is there makes no sense.
 */
int	proto_rec_next(const uint8_t **p, size_t *left, struct proto_rec *);
/*
 * Its struct, of size bytes here: filled up with zeros, or as much of it as is
 * known.  false: a field that is not known here is not zero.  Answers are used
 * all the same, requests are refused.
 */
bool	proto_rec_get(const struct proto_rec *, void *to, size_t size);
/* The same of any struct: of n bytes there and size bytes here. */
bool	proto_fit(const void *from, size_t n, void *to, size_t size);
/* Does the data end with a NUL, the only one? */
bool	proto_rec_istext(const struct proto_rec *);

#endif /* !PROTO_PROTO_REC_H */
