/*
 * Packets to replay, as they are handed over.
 */

#include "dev/pg_replay.h"

#include <errno.h>
#include <string.h>

_Static_assert(offsetof(struct pg_piece, pp_data) % 8 == 0 &&
    sizeof(struct if_pgpacket) % 8 == 0, "packets are aligned");

struct pg_packets *
pg_packets_create(struct kern *k, uint64_t id)
{
	struct pg_packets *pk;

	pk = kmem_zalloc(k, sizeof(*pk));
	if (pk == NULL)
		return NULL;
	pk->pk_kern = k;
	pk->pk_refs = 1;
	pk->pk_id = id;
	return pk;
}

/* The sums of a piece whose packets are whole, and in order of time. */
struct sums {
	uint64_t	 n, bytes, last_ns;
};

/* Check each packet of a piece. */
static int
check(const struct pg_packets *pk, const uint8_t *data, uint32_t len,
    struct sums *s)
{
	struct if_pgpacket pgp;
	uint32_t off = 0;
	uint64_t number;

	*s = (struct sums){ 0, 0, pk->pk_last_ns };
	while (off < len) {
		number = pk->pk_n + s->n + 1;
		if (len - off < sizeof(pgp))
			return kern_refuse(EINVAL, "packet %llu has no whole "
			    "header", (unsigned long long)number);
		memcpy(&pgp, data + off, sizeof(pgp));
		if (pgp.pgp_len < PG_FRAME_MIN || pgp.pgp_len > PG_FRAME_MAX)
			return kern_refuse(EINVAL, "packet %llu has %u bytes; "
			    "a frame to be replayed has %d to %d",
			    (unsigned long long)number, pgp.pgp_len,
			    PG_FRAME_MIN, PG_FRAME_MAX);
		if (len - off < IF_PGPACKET_SIZE(pgp.pgp_len))
			return kern_refuse(EINVAL, "packet %llu is not whole",
			    (unsigned long long)number);
		if (pgp.pgp_ns < s->last_ns || pgp.pgp_ns > PG_PACKET_NS_MAX ||
		    (number == 1 && pgp.pgp_ns != 0))
			return kern_refuse(EINVAL, "packet %llu has a time "
			    "before the one in front of it, or a year after "
			    "the first", (unsigned long long)number);
		s->n++;
		s->bytes += pgp.pgp_len;
		s->last_ns = pgp.pgp_ns;
		off += (uint32_t)IF_PGPACKET_SIZE(pgp.pgp_len);
	}
	return 0;
}

int
pg_packets_add(struct pg_packets *pk, const uint8_t *data, uint32_t len)
{
	struct pg_piece *pp;
	struct sums s;
	int error;

	error = check(pk, data, len, &s);
	if (error != 0 || len == 0)
		return error;
	pp = kmem_zalloc(pk->pk_kern, sizeof(*pp) + len);
	if (pp == NULL)
		return ENOMEM;
	pp->pp_len = len;
	memcpy(pp->pp_data, data, len);
	if (pk->pk_last != NULL)
		pk->pk_last->pp_next = pp;
	else
		pk->pk_first = pp;
	pk->pk_last = pp;
	pk->pk_size += sizeof(*pp) + len;
	pk->pk_n += s.n;
	pk->pk_bytes += s.bytes;
	pk->pk_last_ns = s.last_ns;
	return 0;
}

void
pg_packets_hold(struct pg_packets *pk)
{

	pk->pk_refs++;
}

void
pg_packets_release(struct pg_packets *pk)
{
	struct pg_piece *pp;

	if (pk == NULL || --pk->pk_refs > 0)
		return;
	while ((pp = pk->pk_first) != NULL) {
		pk->pk_first = pp->pp_next;
		kmem_free(pk->pk_kern, pp);
	}
	kmem_free(pk->pk_kern, pk);
}
