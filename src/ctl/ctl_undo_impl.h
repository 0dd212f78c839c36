/*
 * ctl_undo_impl: the notes of a change, for the files that take and use them.
 *
 * A note is taken before its request is carried out, when memory can still be
 * missing: it is pending until the request has succeeded (ctl_undo_keep) or
 * was refused (ctl_undo_cancel).  All of it belongs to the session's thread.
 */

#ifndef CTL_CTL_UNDO_IMPL_H
#define CTL_CTL_UNDO_IMPL_H

#include "ctl/ctl_impl.h"
#include "kern/sysctl.h"

/* The most that the notes of one change take. */
#define CTL_UNDO_BYTES	(64u << 20)

/* A request to an interface that undoes one. */
struct undo_request {
	uint64_t	 ur_handle;
	uint64_t	 ur_was;	/* before it was moved */
	struct ctl_inverse ur_inverse;
};

/* Another request that undoes one. */
struct undo_step {
	char		 us_name[SYSCTL_NAMESIZE];	/* UNDO_SYSCTL */
	uint32_t	 us_number;			/* UNDO_FILTER */
	size_t		 us_len;
	/* The message, or the value. */
	uint8_t		 us_data[] __attribute__((__aligned__(8)));
};

/* Notes about one vnet: the interfaces created there and the vnet itself, or a
 * request. */
struct undo_piece {
	TAILQ_ENTRY(undo_piece) up_link;
	TAILQ_ENTRY(undo_piece) up_created;	/* UNDO_CREATED */
	size_t		 up_size;	/* in bytes */
	char		 up_vnet[VNET_NAMESIZE];
	uint32_t	 up_id;		/* of the vnet, whose name may be
					 * reused */
	enum undo_kind	 up_kind;
	unsigned	 up_n;		/* used places of handle */
	unsigned	 up_room;	/* all of them; bytes of us_data */
	union {
		/* Ascending; 0: the vnet itself. */
		__extension__ uint64_t handle[0];
		struct undo_request request;
		struct undo_step step;
	}		 up_u;
};
TAILQ_HEAD(undo_pieces, undo_piece);

struct ctl_undo {
	struct undo_pieces un_pieces;	/* in the order of the requests */
	struct undo_pieces un_created;	/* those of them that are
					 * UNDO_CREATED */
	struct undo_pieces un_pending;	/* requests that undo the one that is
					 * being carried out */
	struct undo_pieces un_destroy;	/* UNDO_DESTROY */
	struct undo_piece *un_near;	/* the piece of the last handle found */
	size_t		 un_bytes;	/* of all pieces */
};

/* ctl_undo.c: a piece with room for so many handles, or bytes of a step.
 * ENOBUFS: the change is too large; EUSERS: the session's user has too many
 * bytes; ENOMEM.  The reason is left in words. */
int	undo_piece_alloc(struct ctl_session *, const char *vnet, uint32_t id,
	    enum undo_kind, unsigned room, struct undo_piece **);

/* ctl_undo_step.c: carry out a step. */
void	undo_step(struct ctl_session *, struct vnet *, struct undo_piece *);

#endif /* !CTL_CTL_UNDO_IMPL_H */
