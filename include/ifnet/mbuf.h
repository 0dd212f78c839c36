/*
 * mbuf: a packet buffer, and mvec, a vector of packets.
 *
 * A buffer is a 128-byte header, MBUF_HEADROOM bytes of headroom and MBUF_SIZE
 * bytes of data, one after the other, carved out of one region for the whole
 * process.  A packet larger than a buffer is a chain through m_next; only the
 * first header describes the packet (m_pktlen, m_rcvif, offload state).
 *
 * Buffers are allocated and freed by CPU contexts only, from the cache of the
 * calling CPU; full and empty caches exchange whole bundles with a lock-free
 * depot, so no lock, system call or allocation happens here.  A buffer
 * may be freed on another CPU than it came from.  Running out is normal:
 * every allocation can return NULL.
 *
 * Packets on a path are freed through m_drop() or mvec_drop(), which take the
 * reason, or, when they reached their end, through m_freem() after being
 * counted as delivered or sent.
 */

#ifndef IFNET_MBUF_H
#define IFNET_MBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ifnet/drop.h>

#pragma GCC visibility push(default)

struct ifnet;
struct nexthop;

#define MBUF_HDR	128	/* bytes of struct mbuf */
#define MBUF_HEADROOM	128	/* in front of a new packet's data */
#define MBUF_SIZE	2048	/* data bytes of one buffer */
/* An odd number of cache lines, so that packets spread over the cache sets. */
#define MBUF_STRIDE	(MBUF_HDR + MBUF_HEADROOM + MBUF_SIZE + 64)
#define MVEC_MAX	256	/* packets in a vector */
#define MBUF_MAXCHAIN	40	/* buffers of the largest packet, and some */

/* m_flags */
#define M_BCAST		0x0001	/* came, or goes, as link-level broadcast */
#define M_MCAST		0x0002	/* came, or goes, as link-level multicast */
#define M_PROMISC	0x0004	/* not to us; seen in promiscuous mode */
#define M_VLANTAG	0x0008	/* m_vlan_tag is valid.  No user yet: VLANs */
#define M_LOOP		0x0010	/* came back through lo */
#define M_LOCAL		0x0020	/* originated here */

/* m_csum_flags: the checksum and segmentation state that offloads carry. */
#define M_CSUM_PARTIAL	0x0001	/* sum from m_csum_start is to be stored at
				 * m_csum_start + m_csum_offset; the field
				 * holds the pseudo-header sum */
#define M_CSUM_VALID	0x0002	/* the transport checksum is known good */
#define M_CSUM_IP_OK	0x0004	/* IP header checksum was verified */
#define M_TSO4		0x0010	/* TCP/IPv4, to be cut every m_segsz bytes */
#define M_TSO6		0x0020	/* TCP/IPv6 */
#define M_USO		0x0040	/* UDP, to be cut every m_segsz bytes */
#define M_TSO_ECN	0x0080	/* first segment alone carries CWR */
#define M_GSO_MASK	(M_TSO4 | M_TSO6 | M_USO)

/*
 * All fields belong to whoever holds the packet.  The first cache line is
 * what the packet path reads.
 */
struct mbuf {
	uint8_t		*m_data;	/* first valid byte */
	struct mbuf	*m_next;	/* next buffer of this packet */
	uint32_t	 m_len;		/* valid bytes in this buffer */
	uint32_t	 m_pktlen;	/* bytes of the packet (first buffer) */
	uint64_t	 m_rcvif;	/* handle of the receiving interface */
	uint16_t	 m_flags;	/* M_* */
	uint16_t	 m_csum_flags;	/* M_CSUM_*, M_TSO* */
	uint16_t	 m_csum_start;	/* from the start of the packet's
					 * current first byte (m_data) */
	uint16_t	 m_csum_offset;	/* from m_csum_start */
	uint16_t	 m_segsz;	/* payload bytes a segment */
	uint16_t	 m_vlan_tag;	/* No user yet: VLANs */
	uint32_t	 m_flowid;	/* hash of the flow, 0 = none yet.  No
					 * user yet: multipath, several CPUs */
	uint32_t	 m_mark;	/* set by filter rules, for rules that
					 * pick a table */
	uint8_t		 m_loops;	/* interfaces of this process passed */
	uint8_t		 m_shared;	/* m_owner or m_refcnt matter */
	union {		/* the next hop, from the route lookup to
				 * link output, in one read section */
		const struct nexthop *m_nh;
		void	*m_ptr;
	};

	/* Second cache line: not touched on the forwarding path.  Undefined in
	 * a new packet but for m_owner and m_refcnt. */
	struct mbuf	*m_nextpkt;	/* next packet in a queue */
	struct mbuf	*m_owner;	/* whose data m_data points into, when
					 * not our own; holds a reference */
	uint32_t	 m_refcnt;	/* users of this buffer's data (atomic
					 * when above 1) */
	uint32_t	 m_index;	/* in the region; constant */
	uint64_t	 m_scratch[4];	/* the holder's own */
} __attribute__((__aligned__(64)));

_Static_assert(sizeof(struct mbuf) == MBUF_HDR, "struct mbuf is two lines");

/*
 * A vector of packets.  Filled by one stage, consumed by the next: whoever is
 * passed a vector takes every packet in it and leaves mv_n 0.
 */
struct mvec {
	unsigned	 mv_n;
	struct mbuf	*mv_m[MVEC_MAX];
};

/* CPU context, all of these. */

/* A new packet of no bytes, headroom in front, fields cleared; or NULL. */
struct mbuf *m_gethdr(void);

/* Fill m[0..n) as m_gethdr does; how many were got. */
unsigned m_get_bulk(struct mbuf **m, unsigned n);

/*
 * For a receive that learns only afterwards how many buffers it has filled: a
 * device that must offer room for the largest packet nearly always gets a small
 * one, and setting up a buffer and freeing it costs more than taking it.
 *
 * m_reserve() takes up to n buffers for m[0..n) and returns how many it got.
 * Only m_room() of a reserved buffer may be used.  Each goes on to m_setup(),
 * which makes it what m_gethdr() returns and keeps the data, or back to
 * m_unreserve(), in the same pass of the CPU.
 */
unsigned m_reserve(struct mbuf **m, unsigned n);
void	m_unreserve(struct mbuf **m, unsigned n);
void	m_setup(struct mbuf *);

/* Free one packet with its chain.  Not for drops. */
void	m_freem(struct mbuf *);
/* Free all packets of a vector.  Not for drops. */
void	mvec_free(struct mvec *);

/* Drop and count on ifp (NULL: counted on the CPU only). */
void	m_drop(struct ifnet *ifp, struct mbuf *, enum drop_reason);
void	mvec_drop(struct ifnet *ifp, struct mvec *, enum drop_reason);

/* First byte of a buffer's own storage, headroom included, and its end. */
static inline uint8_t *
m_start(struct mbuf *m)
{

	return (uint8_t *)m + MBUF_HDR;
}

/* The MBUF_SIZE bytes of a reserved buffer that will be its data. */
static inline uint8_t *
m_room(struct mbuf *m)
{

	return m_start(m) + MBUF_HEADROOM;
}

static inline uint8_t *
m_end(struct mbuf *m)
{

	return m_start(m) + MBUF_HEADROOM + MBUF_SIZE;
}

/* Bytes free in front of the data; 0 when the data is shared. */
static inline unsigned
m_leading(struct mbuf *m)
{

	return m->m_shared && m->m_owner != NULL ? 0 :
	    (unsigned)(m->m_data - m_start(m));
}

static inline unsigned
m_trailing(struct mbuf *m)
{

	return m->m_shared && m->m_owner != NULL ? 0 :
	    (unsigned)(m_end(m) - (m->m_data + m->m_len));
}

/* May the first buffer's bytes be written? */
static inline bool
m_writable(const struct mbuf *m)
{

	return !m->m_shared || (m->m_owner == NULL &&
	    __atomic_load_n(&m->m_refcnt, __ATOMIC_ACQUIRE) == 1);
}

/*
 * Remove n bytes at the front, n <= m_len.  Keeps m_csum_start right.
 */
static inline void
m_adj_fast(struct mbuf *m, unsigned n)
{

	m->m_data += n;
	m->m_len -= n;
	m->m_pktlen -= n;
	m->m_csum_start -= n;
}

/* Add n bytes at the front; the caller checked m_leading() and writability. */
static inline void *
m_prepend_fast(struct mbuf *m, unsigned n)
{

	m->m_data -= n;
	m->m_len += n;
	m->m_pktlen += n;
	m->m_csum_start += n;
	return m->m_data;
}

/*
 * The packet with its first n bytes in one writable piece (n <= MBUF_SIZE);
 * NULL, with the packet untouched, when it is shorter or memory is out.
 */
struct mbuf *m_pullup(struct mbuf *, unsigned n);

/*
 * Room for n more bytes at the front, writable, added; NULL, with the packet
 * untouched, when memory is out.  The returned head may be a new buffer.
 */
struct mbuf *m_prepend(struct mbuf *, unsigned n);

/* Cut to len bytes (len <= m_pktlen); n bytes off the front, across buffers
 * (n <= m_pktlen). */
void	m_trim(struct mbuf *, unsigned len);
struct mbuf *m_adj(struct mbuf *, unsigned n);

/* Append bytes; ENOBUFS leaves the packet as it was. */
int	m_append(struct mbuf *, const void *, unsigned len);
/* Copy out len bytes from offset off; false when there are fewer. */
bool	m_copydata(const struct mbuf *, unsigned off, unsigned len, void *);

/* A packet with the same bytes and state: m_dup copies them, m_ref shares
 * them (neither may be written then).  NULL when memory is out. */
struct mbuf *m_dup(const struct mbuf *);
struct mbuf *m_ref(struct mbuf *);

/* Bytes of all packets of a vector. */
static inline uint64_t
mvec_bytes(const struct mvec *mv)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < mv->mv_n; i++)
		bytes += mv->mv_m[i]->m_pktlen;
	return bytes;
}

#pragma GCC visibility pop

#endif /* !IFNET_MBUF_H */
