/*
 * pg_replay: packets that were captured, for a stream that sends them again.
 *
 * A client reads the file, with its own rights, and hands the packets over in
 * pieces (SIOCAPGPACKETS); the stack opens nothing.  They are checked as they
 * come, kept as they are, and read by the CPU one after the other through a
 * cursor.  A stream and the one that takes its place when it is started again
 * share them.
 */

#ifndef DEV_PG_REPLAY_H
#define DEV_PG_REPLAY_H

#include <ifnet/if.h>
#include <ifnet/ifreq.h>

/* Bytes of packets of one interface, with what is kept beside each. */
#define PG_REPLAY_MAX	(256u << 20)
/* Bytes of a frame: its header, and a buffer. */
#define PG_FRAME_MIN	14
#define PG_FRAME_MAX	MBUF_SIZE

/* Pieces as they were handed over; constant once they are linked. */
struct pg_piece {
	struct pg_piece	*pp_next;
	uint32_t	 pp_len;	/* bytes of pp_data */
	/* Each packet: struct if_pgpacket and its bytes. */
	uint8_t		 pp_data[] __attribute__((__aligned__(8)));
};

struct pg_packets {
	struct kern	*pk_kern;	/* constant */
	unsigned	 pk_refs;	/* ioctl lock */
	/* Constant when a stream has them; the ioctl lock's until then. */
	uint64_t	 pk_id;		/* names them in requests; not 0 */
	uint64_t	 pk_size;	/* of memory, in bytes */
	uint64_t	 pk_n;		/* packets */
	uint64_t	 pk_bytes;	/* of frames, without check sequences */
	uint64_t	 pk_last_ns;	/* of the last packet, from the first */
	struct pg_piece	*pk_first, *pk_last;
};

/* The next packet of a walk without an end: behind the last comes the first. */
struct pg_cursor {
	const struct pg_piece *pc_piece;
	uint32_t	 pc_off;
	uint64_t	 pc_round;	/* times that the end was passed */
};

/* Control: no packets, to which some are added.  NULL: out of memory. */
struct pg_packets *pg_packets_create(struct kern *, uint64_t id);
/* Control: add the packets of a request.  EINVAL, in words; ENOMEM: nothing was
 * added. */
int	pg_packets_add(struct pg_packets *, const uint8_t *, uint32_t len);
/* Control: one user more; one less (NULL is allowed): the last frees them. */
void	pg_packets_hold(struct pg_packets *);
void	pg_packets_release(struct pg_packets *);

/* Any: the time from the beginning of one round to that of the next: to the
 * last packet, and then the mean distance of packets. */
static inline uint64_t
pg_packets_round_ns(const struct pg_packets *pk)
{

	return pk->pk_last_ns == 0 ? 1000000 :
	    pk->pk_last_ns + pk->pk_last_ns / (pk->pk_n - 1);
}

static inline void
pg_cursor_init(struct pg_cursor *pc, const struct pg_packets *pk)
{

	pc->pc_piece = pk->pk_first;
	pc->pc_off = 0;
	pc->pc_round = 0;
}

/* CPU: the packet at the cursor.  Its bytes follow. */
static inline const struct if_pgpacket *
pg_cursor_packet(const struct pg_cursor *pc)
{

	return (const struct if_pgpacket *)
	    (const void *)(pc->pc_piece->pp_data + pc->pc_off);
}

/* CPU: go on to the next packet. */
static inline void
pg_cursor_next(struct pg_cursor *pc, const struct pg_packets *pk)
{

	pc->pc_off += (uint32_t)IF_PGPACKET_SIZE(pg_cursor_packet(pc)->pgp_len);
	if (pc->pc_off < pc->pc_piece->pp_len)
		return;
	pc->pc_off = 0;
	pc->pc_piece = pc->pc_piece->pp_next;
	if (pc->pc_piece != NULL)
		return;
	pc->pc_piece = pk->pk_first;
	pc->pc_round++;
}

#endif /* !DEV_PG_REPLAY_H */
