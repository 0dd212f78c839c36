/*
 * Streams: pace, and frames from a template.  pg_words.c makes a stream of its
 * words.
 */

#include "dev/pg_stream.h"

#include <errno.h>
#include <string.h>

#include <ifnet/if_ether.h>

#include "kern/kern_impl.h"

#include "dev/pg_words.h"

#define NS_PER_SEC	1000000000ull
/* A stream that was not polled for longer makes up for this much, and no
 * more, lest all of it leave at once. */
#define BEHIND_NS	20000000ull
#define BEHIND_PACKETS	MVEC_MAX

#define IP_OFF		ETHER_HDR_LEN
#define UDP_OFF		(IP_OFF + 20)

static uint32_t
sum16(const uint8_t *p, unsigned len)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

static void
put16(uint8_t *p, unsigned v)
{

	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{

	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
}

/* The IPv4 header's checksum (RFC 1071), of the sum of its fields. */
static void
put_checksum(uint8_t *ip, uint32_t sum)
{

	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	put16(ip + 10, ~sum & 0xffff);
}

/* --- frames --------------------------------------------------------------- */

/* Frames that differ in nothing but their destination, which is next in one
 * range. */
static void
fill_plain(struct pg_stream *ps, struct mvec *mv)
{
	const unsigned len = (unsigned)ps->ps_size.p_range[0].r_first.v_low -
	    PG_FCS;
	const uint32_t first = (uint32_t)ps->ps_dst.p_range[0].r_first.v_low;
	const uint64_t count = ps->ps_dst.p_count;
	uint64_t next = ps->ps_dst.p_offset;
	struct mbuf *m;
	uint32_t dst;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		memcpy(m->m_data, ps->ps_frame, len);
		dst = first + (uint32_t)next;
		if (++next >= count)
			next = 0;
		put_checksum(m->m_data + IP_OFF, ps->ps_ipsum + (dst >> 16) +
		    (dst & 0xffff));
		put32(m->m_data + IP_OFF + 16, dst);
		m->m_len = m->m_pktlen = len;
	}
	ps->ps_dst.p_offset = next;
}

/* The next number of the stream's generator (splitmix64). */
static uint64_t
next_random(struct pg_stream *ps)
{
	uint64_t z = ps->ps_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint64_t
choose(struct pg_stream *ps, struct pg_pattern *p)
{
	uint64_t index;

	if (p->p_count == 1)
		return p->p_range[0].r_first.v_low;
	if (!ps->ps_random)
		return pg_pattern_next(p).v_low;
	index = (uint64_t)(((unsigned __int128)next_random(ps) * p->p_count) >>
	    64);
	return pg_pattern_value(p, index).v_low;
}

/* Frames of which everything may differ; each takes the next value of every
 * pattern. */
static void
fill_any(struct pg_stream *ps, struct mvec *mv)
{
	uint32_t dst, src, sum;
	unsigned len, iplen;
	struct mbuf *m;
	uint8_t *ip;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		dst = (uint32_t)choose(ps, &ps->ps_dst);
		src = (uint32_t)choose(ps, &ps->ps_src);
		len = (unsigned)choose(ps, &ps->ps_size) - PG_FCS;
		iplen = len - IP_OFF;
		memcpy(m->m_data, ps->ps_frame, len);
		ip = m->m_data + IP_OFF;
		put16(ip + 2, iplen);
		put32(ip + 12, src);
		put32(ip + 16, dst);
		sum = ps->ps_ipsum + iplen + (src >> 16) + (src & 0xffff) +
		    (dst >> 16) + (dst & 0xffff);
		put_checksum(ip, sum);
		put16(m->m_data + UDP_OFF,
		    (unsigned)choose(ps, &ps->ps_sport));
		put16(m->m_data + UDP_OFF + 2,
		    (unsigned)choose(ps, &ps->ps_dport));
		put16(m->m_data + UDP_OFF + 4, iplen - 20);
		m->m_len = m->m_pktlen = len;
	}
}

/* Frames as they were captured. */
static void
fill_replay(struct pg_stream *ps, struct mvec *mv)
{
	const struct if_pgpacket *pgp;
	struct mbuf *m;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		pgp = pg_cursor_packet(&ps->ps_cursor);
		memcpy(m->m_data, pgp + 1, pgp->pgp_len);
		m->m_len = m->m_pktlen = pgp->pgp_len;
		pg_cursor_next(&ps->ps_cursor, ps->ps_packets);
	}
}

/* Build the frame that every packet is copied from, and choose the function
 * that fills in the rest. */
static void
make_template(struct pg_stream *ps)
{
	uint8_t *eh = ps->ps_frame, *ip = eh + IP_OFF, *udp = eh + UDP_OFF;
	unsigned iplen = (unsigned)pg_pattern_least(&ps->ps_size) - PG_FCS -
	    IP_OFF;
	bool plain = ps->ps_dst.p_n == 1 && ps->ps_src.p_count == 1 &&
	    (!ps->ps_random || ps->ps_dst.p_count == 1) &&
	    ps->ps_sport.p_count == 1 && ps->ps_dport.p_count == 1 &&
	    ps->ps_size.p_count == 1;

	memcpy(eh + 6, "\x02\x70\x67\x00\x00\x01", ETHER_ADDR_LEN);
	put16(eh + 12, ETHERTYPE_IP);
	ip[0] = 0x45;
	ip[1] = ps->ps_tos;
	ip[8] = ps->ps_ttl;
	ip[9] = IPPROTO_UDP;
	ps->ps_fill = plain ? fill_plain : fill_any;
	if (plain) {
		put16(ip + 2, iplen);
		put32(ip + 12,
		    (uint32_t)ps->ps_src.p_range[0].r_first.v_low);
		put16(udp, (unsigned)ps->ps_sport.p_range[0].r_first.v_low);
		put16(udp + 2,
		    (unsigned)ps->ps_dport.p_range[0].r_first.v_low);
		put16(udp + 4, iplen - 20);
	}
	ps->ps_ipsum = sum16(ip, 20);
}

/* --- pace ----------------------------------------------------------------- */

/* (a * b / c), rounded down, or up. */
static uint64_t
scale(uint64_t a, uint64_t b, uint64_t c, bool up)
{

	return (uint64_t)(((unsigned __int128)a * b + (up ? c - 1 : 0)) / c);
}

static void
end(struct pg_stream *ps)
{

	__atomic_store_n(&ps->ps_done, true, __ATOMIC_RELAXED);
}

/*
 * The packets that the rate lets go after so many ns.  The unit with index u is
 * due u / rate seconds after the beginning, and if the duration ends then or
 * before, never.
 */
static uint64_t
rate_allows(struct pg_stream *ps, uint64_t ns, uint64_t *due)
{
	uint64_t last = scale(ns, ps->ps_rate, NS_PER_SEC, false), most;

	if (ps->ps_duration_ns != 0 && ns >= ps->ps_duration_ns)
		last = scale(ps->ps_duration_ns, ps->ps_rate, NS_PER_SEC,
		    true) - 1;
	if (ps->ps_used > last) {
		if (ps->ps_duration_ns != 0 && ns >= ps->ps_duration_ns)
			end(ps);
		*due = ps->ps_begun_ns + scale(ps->ps_used, NS_PER_SEC,
		    ps->ps_rate, true);
		return 0;
	}
	most = scale(BEHIND_NS, ps->ps_rate, NS_PER_SEC, false);
	if (most < BEHIND_PACKETS * ps->ps_unit)
		most = BEHIND_PACKETS * ps->ps_unit;
	if (last - ps->ps_used > most)
		ps->ps_used = last - most;
	return (last - ps->ps_used) / ps->ps_unit + 1;
}

/* The packets, at most `most', whose time has come, counted from the stream's
 * beginning. */
static uint64_t
own_pace_allows(struct pg_stream *ps, uint64_t ns, uint64_t most,
    uint64_t *due)
{
	const uint64_t round_ns = pg_packets_round_ns(ps->ps_packets);
	struct pg_cursor pc = ps->ps_cursor;
	uint64_t n, at;

	for (n = 0; n < most; n++) {
		at = pc.pc_round * round_ns + pg_cursor_packet(&pc)->pgp_ns;
		if (n == 0 && ns > at + BEHIND_NS) {
			/* Late packets go later. */
			ps->ps_begun_ns += ns - at - BEHIND_NS;
			ns = at + BEHIND_NS;
		}
		if (at > ns) {
			*due = ps->ps_begun_ns + at;
			break;
		}
		pg_cursor_next(&pc, ps->ps_packets);
	}
	return n;
}

unsigned
pg_stream_due(struct pg_stream *ps, uint64_t now, unsigned budget,
    uint64_t *due)
{
	uint64_t n = budget < ps->ps_vector ? budget : ps->ps_vector;
	uint64_t allowed;

	*due = UINT64_MAX;
	if (ps->ps_done || __atomic_load_n(&ps->ps_stopped, __ATOMIC_RELAXED))
		return 0;
	if (ps->ps_begun_ns == 0)
		ps->ps_begun_ns = now;
	if (ps->ps_rate != 0) {
		allowed = rate_allows(ps, now - ps->ps_begun_ns, due);
		n = n < allowed ? n : allowed;
	} else if (ps->ps_duration_ns != 0 &&
	    now - ps->ps_begun_ns >= ps->ps_duration_ns)
		end(ps);
	else if (ps->ps_own_pace)
		n = own_pace_allows(ps, now - ps->ps_begun_ns, n, due);
	if (ps->ps_count != 0 && n > ps->ps_count - ps->ps_sent)
		n = ps->ps_count - ps->ps_sent;
	if (ps->ps_done) {
		*due = UINT64_MAX;
		return 0;
	}
	/* At its end it is looked at again. */
	if (n == 0 && ps->ps_duration_ns != 0 &&
	    *due > ps->ps_begun_ns + ps->ps_duration_ns)
		*due = ps->ps_begun_ns + ps->ps_duration_ns;
	return (unsigned)n;
}

void
pg_stream_make(struct pg_stream *ps, uint64_t now, unsigned n,
    struct mvec *mv)
{
	uint64_t bytes;

	mv->mv_n = m_get_bulk(mv->mv_m, n);
	if (mv->mv_n == 0)
		return;
	ps->ps_fill(ps, mv);
	if (ps->ps_flow != NULL)
		pg_flow_stamp(ps->ps_flow, mv);
	if (ps->ps_fill == fill_plain)
		bytes = (uint64_t)mv->mv_n * mv->mv_m[0]->m_pktlen;
	else
		bytes = mvec_bytes(mv);
	bytes += (uint64_t)mv->mv_n * PG_FCS;
	ps->ps_used += ps->ps_bits ? bytes * 8 : mv->mv_n;
	if (ps->ps_sent == 0)
		__atomic_store_n(&ps->ps_first_ns, now, __ATOMIC_RELAXED);
	__atomic_store_n(&ps->ps_last_ns, now, __ATOMIC_RELAXED);
	cpu_stat_add(&ps->ps_sent, mv->mv_n);
	cpu_stat_add(&ps->ps_bytes, bytes);
	if (ps->ps_sent == ps->ps_count)
		end(ps);
}

/* --- life ----------------------------------------------------------------- */

int
pg_stream_create(struct kern *k, uint32_t number, const char *words,
    struct pg_packets *pk, struct pg_stream **psp)
{
	struct pg_stream *ps;
	int error;

	*psp = NULL;
	ps = kmem_zalloc(k, sizeof(*ps));
	if (ps == NULL)
		return ENOMEM;
	ps->ps_number = number;
	ps->ps_packets = pk;
	error = pg_words_parse(ps, words);
	if (error == 0 && ps->ps_measure && ps->ps_dst.p_count != 0)
		error = pg_flow_create(k, &ps->ps_flow);
	if (error != 0 || (pk == NULL && ps->ps_dst.p_count == 0)) {
		kmem_free(k, ps);
		return error;
	}
	memcpy(ps->ps_words, words, strlen(words) + 1);
	if (pk != NULL) {
		pg_packets_hold(pk);
		pg_cursor_init(&ps->ps_cursor, pk);
		ps->ps_fill = fill_replay;
		ps->ps_unit = ps->ps_bits ?
		    (pk->pk_bytes / pk->pk_n + PG_FCS) * 8 : 1;
	} else {
		ps->ps_unit = ps->ps_bits ?
		    pg_pattern_mean(&ps->ps_size) * 8 : 1;
		make_template(ps);
	}
	*psp = ps;
	return 0;
}

void
pg_stream_destroy(struct kern *k, struct pg_stream *ps)
{

	if (ps->ps_flow != NULL)
		pg_flow_destroy(ps->ps_flow);
	pg_packets_release(ps->ps_packets);
	kmem_free(k, ps);
}

void
pg_stream_address(struct pg_stream *ps, const uint8_t lladdr[6])
{

	memcpy(ps->ps_frame, lladdr, ETHER_ADDR_LEN);
}

void
pg_stream_stat(const struct pg_stream *ps, struct if_pgstat *pgs)
{
	uint64_t first, last, arrived;

	pgs->pgs_stream = ps->ps_number;
	if (__atomic_load_n(&ps->ps_done, __ATOMIC_RELAXED))
		pgs->pgs_flags = PGS_DONE;
	else if (__atomic_load_n(&ps->ps_stopped, __ATOMIC_RELAXED))
		pgs->pgs_flags = PGS_STOPPED;
	if (ps->ps_flow != NULL)
		pg_flow_stat(ps->ps_flow, pgs);
	pgs->pgs_sent = __atomic_load_n(&ps->ps_sent, __ATOMIC_RELAXED);
	pgs->pgs_bytes = __atomic_load_n(&ps->ps_bytes, __ATOMIC_RELAXED);
	first = __atomic_load_n(&ps->ps_first_ns, __ATOMIC_RELAXED);
	last = __atomic_load_n(&ps->ps_last_ns, __ATOMIC_RELAXED);
	pgs->pgs_ns = last > first ? last - first : 0;
	arrived = pgs->pgs_received - pgs->pgs_duplicated;
	if (ps->ps_flow != NULL && pgs->pgs_sent > arrived)
		pgs->pgs_lost = pgs->pgs_sent - arrived;
}
