/*
 * proto_rec: records of control messages, as both ends write and read them.
 * All input is checked: it may come from anywhere.
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
 * Take the next record at *p, with *left bytes; both advance over it.  Returns
 * 1; 0: there is none; -1: it is malformed.
 */
int	proto_rec_next(const uint8_t **p, size_t *left, struct proto_rec *);
/*
 * Copy the record's struct to `to', of size bytes in this build: filled up with
 * zeros, or cut.  false: an unknown field was not zero; the reader of an answer
 * ignores that, a request is refused.
 */
bool	proto_rec_get(const struct proto_rec *, void *to, size_t size);
/* As proto_rec_get(), for any struct: of n bytes at the sender and size bytes
 * here. */
bool	proto_fit(const void *from, size_t n, void *to, size_t size);
/* Does the data end with a NUL, the only one? */
bool	proto_rec_istext(const struct proto_rec *);

#endif /* !PROTO_PROTO_REC_H */
