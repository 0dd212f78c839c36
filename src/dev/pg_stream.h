/*
 * pg_stream: a stream of packets that a pg makes, described by words:
 *
 *	dst 10.2.0.0/16 size imix rate 1Mpps random 7 count 1000000
 *
 * A stream is made whole from its words (pg_stream_create), published by the
 * interface, and from then on belongs to the CPU that polls it, which asks it
 * for its next vector at each poll.  To change a stream is to put another in
 * its place; to start it again, another one with the same words.  Streams with
 * the same words make the same packets.
 */

#ifndef DEV_PG_STREAM_H
#define DEV_PG_STREAM_H

#include <ifnet/if.h>
#include <ifnet/ifreq.h>

#include "dev/pg_measure.h"
#include "dev/pg_pattern.h"
#include "dev/pg_replay.h"

#define PG_FCS		4	/* bytes of a frame's check sequence */

struct pg_stream {
	/* constant */
	uint32_t	 ps_number;	/* from 1 */
	unsigned	 ps_vector;	/* packets of a poll, at most */
	uint64_t	 ps_count;	/* packets in all; 0: no end */
	uint64_t	 ps_duration_ns;	/* 0: no end */
	uint64_t	 ps_rate;	/* units a second; 0: no limit */
	uint64_t	 ps_unit;	/* units of a packet, on the average */
	bool		 ps_bits;	/* a unit is a bit, or else a packet */
	bool		 ps_random;
	uint8_t		 ps_ttl, ps_tos;
	uint32_t	 ps_ipsum;	/* of the template's IPv4 header */
	void		(*ps_fill)(struct pg_stream *, struct mvec *);
	struct pg_packets *ps_packets;	/* to be replayed, or NULL */
	bool		 ps_own_pace;	/* ... at the times of their capture */
	bool		 ps_measure;	/* it has a flow */
	struct pg_flow	*ps_flow;	/* NULL: it is not measured */
	char		 ps_words[PG_WORDS_MAX];

	/* control's; the CPU reads it: make no packets */
	bool		 ps_stopped;

	/* the polling CPU's; the first four and ps_done are read by others */
	uint64_t	 ps_sent;	/* packets */
	uint64_t	 ps_bytes;	/* of frames, with the check sequence */
	uint64_t	 ps_first_ns;	/* of the first packet; 0: none yet */
	uint64_t	 ps_last_ns;	/* of the last packet */
	bool		 ps_done;	/* its count or duration is over */
	uint64_t	 ps_begun_ns;	/* the time from which its rate counts;
					 * 0: not begun */
	uint64_t	 ps_used;	/* units sent or let pass since then */
	uint64_t	 ps_state;	/* of the random generator */
	struct pg_cursor ps_cursor;	/* the next packet to be replayed */
	struct pg_pattern ps_dst, ps_src, ps_dport, ps_sport, ps_size;
	uint8_t		 ps_frame[MBUF_SIZE];	/* the template */
};

/* For help: the words, and their meaning. */
#define PG_STREAM_HELP							\
	"dst ADDRS: generate packets to these addresses: A, A-B, "	\
	"A/LEN, lists of these; "					\
	"src ADDRS: from these; "					\
	"dport PORTS: to these UDP ports; "				\
	"sport PORTS: from these; "					\
	"size BYTES: of frames with their checksum, 50 to 1518, "	\
	"or imix; "							\
	"rate RATE: of packets (20kpps) or bits (1Gbps) a second; "	\
	"count N: end after so many packets, 0 for never; "		\
	"duration TIME: end after so long (10s, 500ms); "		\
	"random SEED: choose values at random; "			\
	"ttl N: time to live; "						\
	"dscp N: class of service; "					\
	"measure: loss, order and latency, by a stamp in each packet; "	\
	"vector N: packets handed over at a time; "			\
	"dsts N: so many destinations from dst on"

/*
 * Control, with the ioctl lock of the interface, if there is one: the stream of
 * a text, to be published by the caller.  It holds the packets, which words
 * with `replay' need and others cannot have (NULL).  In *psp NULL, without an
 * error: the words are good and ask for no packets (`dst' is missing).  ENOMEM;
 * ENOSPC and EINVAL, in words.
 */
int	pg_stream_create(struct kern *, uint32_t number, const char *words,
	    struct pg_packets *, struct pg_stream **psp);
/* Control, when no CPU can see it. */
void	pg_stream_destroy(struct kern *, struct pg_stream *);
/* Control, when no CPU can see it: frames are for this link-level address. */
void	pg_stream_address(struct pg_stream *, const uint8_t lladdr[6]);
/* Any: its counters; the record is zeroed, but for its name. */
void	pg_stream_stat(const struct pg_stream *, struct if_pgstat *);
/*
 * CPU: how many packets may go now, at most `budget'.  With 0, *due is the time
 * when the stream is to be asked again; UINT64_MAX: never.
 */
unsigned pg_stream_due(struct pg_stream *, uint64_t now, unsigned budget,
	    uint64_t *due);
/* CPU: make up to n packets, of those that are due.  Fewer: buffers are out. */
void	pg_stream_make(struct pg_stream *, uint64_t now, unsigned n,
	    struct mvec *);

#endif /* !DEV_PG_STREAM_H */
