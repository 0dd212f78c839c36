/*
 * pg_measure: loss, order and latency of a stream, from a stamp inside each
 * packet.
 *
 * A measured stream is the sender of a *flow*.  Each of its packets carries, as
 * the first bytes behind the UDP header, the flow's number, a sequence number
 * and the time at which its vector was handed over.  Any pg of the process that
 * is sent the packet, in whatever vnet, finds the flow by its number and adds
 * to what arrived: one set of counters and a histogram for each CPU, allocated
 * with the flow, so that the path writes nothing that two CPUs share.  They are
 * added up when somebody asks.
 *
 * The clock is read once for a vector, when it is handed over and when it
 * arrives.
 *
 * A packet is *reordered* when one with a higher sequence number arrived before
 * it (RFC 4737), and *duplicated* when it arrived before itself.  Both are seen
 * among the packets that one CPU receives, as those of a stream do unless they
 * take several ways; copies that arrive more than PG_WINDOW packets late count
 * as reordered.
 */

#ifndef DEV_PG_MEASURE_H
#define DEV_PG_MEASURE_H

#include <ifnet/if.h>
#include <ifnet/ifreq.h>

/* Bytes of the stamp, and the smallest frame, with its check sequence, that has
 * room for it. */
#define PG_STAMP_SIZE	18
#define PG_STAMP_FRAME	(14 + 20 + 8 + PG_STAMP_SIZE + 4)

/* Flows of a process. */
#define PG_FLOWS_MAX	1024
/* Sequence numbers up to the highest that are known to have arrived or not. */
#define PG_WINDOW	4096

/*
 * Latencies in ns, in a bucket for each value below 32, and from there on 32
 * for each power of two, so that a bucket is 3% wide.  Longer ones than 2^40 ns
 * are in the last bucket.
 */
#define PG_BUCKET_BITS	5
#define PG_BUCKETS	((41 - PG_BUCKET_BITS) << PG_BUCKET_BITS)

static inline unsigned
pg_bucket(uint64_t ns)
{
	unsigned shift;

	if (ns >> 40 != 0)
		return PG_BUCKETS - 1;
	if (ns >> PG_BUCKET_BITS == 0)
		return (unsigned)ns;
	shift = 63 - (unsigned)__builtin_clzll(ns) - PG_BUCKET_BITS;
	return (shift << PG_BUCKET_BITS) + (unsigned)(ns >> shift);
}

/* The largest value of a bucket. */
static inline uint64_t
pg_bucket_most(unsigned bucket)
{
	unsigned shift = bucket >> PG_BUCKET_BITS;

	if (shift < 2)
		return bucket;
	shift--;
	return ((bucket - ((uint64_t)shift << PG_BUCKET_BITS) + 1) << shift) -
	    1;
}

struct pg_flow;
struct pg_flows;

/* Control: a new flow.  ENOMEM; ENOSPC, in words: there are too many. */
int	pg_flow_create(struct kern *, struct pg_flow **);
/* Control, when its stream sends no more.  Sleeps until no CPU uses it. */
void	pg_flow_destroy(struct pg_flow *);
/* CPU, the sender's: stamp the packets of a vector, which have the time of
 * now. */
void	pg_flow_stamp(struct pg_flow *, struct mvec *);
/* Any: what arrived.  pgs_sent is read after it, and then pgs_lost set. */
void	pg_flow_stat(const struct pg_flow *, struct if_pgstat *);
/* CPU: add the packets of a vector that have a stamp to their flows; now is the
 * host's clock. */
void	pg_flows_arrived(const struct pg_flows *, const struct mvec *,
	    uint64_t now);

#endif /* !DEV_PG_MEASURE_H */
