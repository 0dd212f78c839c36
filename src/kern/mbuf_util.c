/*
 * Operations on packets: pull up, prepend, trim, append, copy, share.
 */

#include <ifnet/kern.h>
#include <ifnet/mbuf.h>

#include <errno.h>
#include <string.h>

/* Copy the fields that describe the packet rather than one of its buffers. */
static void
copy_header(struct mbuf *to, const struct mbuf *from)
{

	to->m_pktlen = from->m_pktlen;
	to->m_rcvif = from->m_rcvif;
	to->m_flags = from->m_flags;
	to->m_csum_flags = from->m_csum_flags;
	to->m_csum_start = from->m_csum_start;
	to->m_csum_offset = from->m_csum_offset;
	to->m_segsz = from->m_segsz;
	to->m_vlan_tag = from->m_vlan_tag;
	to->m_flowid = from->m_flowid;
	to->m_ptr = from->m_ptr;
	to->m_mark = from->m_mark;
	to->m_loops = from->m_loops;
	memcpy(to->m_scratch, from->m_scratch, sizeof(to->m_scratch));
}

/* Free the first buffer alone. */
static struct mbuf *
free_first(struct mbuf *m)
{
	struct mbuf *next = m->m_next;

	m->m_next = NULL;
	m_freem(m);
	return next;
}

static unsigned
min_u(unsigned a, unsigned b)
{

	return a < b ? a : b;
}

/* Move n bytes from the front of a chain of buffers to `to'; returns the rest
 * of the chain. */
static struct mbuf *
take_bytes(struct mbuf *m, uint8_t *to, unsigned n)
{
	unsigned part;

	while (n > 0 || (m != NULL && m->m_len == 0)) {
		part = min_u(n, m->m_len);
		memcpy(to, m->m_data, part);
		to += part;
		n -= part;
		m->m_data += part;
		m->m_len -= part;
		if (m->m_len == 0)
			m = free_first(m);
	}
	return m;
}

struct mbuf *
m_pullup(struct mbuf *m, unsigned n)
{
	struct mbuf *head;
	unsigned more;

	if (m->m_len >= n && m_writable(m))
		return m;
	if (n > m->m_pktlen || n > MBUF_SIZE)
		return NULL;
	if (m_writable(m)) {
		if (m->m_data + n > m_end(m)) {
			memmove(m_start(m) + MBUF_HEADROOM, m->m_data,
			    m->m_len);
			m->m_data = m_start(m) + MBUF_HEADROOM;
		}
		more = n - m->m_len;
		m->m_next = take_bytes(m->m_next, m->m_data + m->m_len, more);
		m->m_len = n;
		return m;
	}
	head = m_gethdr();
	if (head == NULL)
		return NULL;
	copy_header(head, m);
	head->m_nextpkt = m->m_nextpkt;
	m->m_nextpkt = NULL;
	head->m_len = n;
	head->m_next = take_bytes(m, head->m_data, n);
	return head;
}

struct mbuf *
m_prepend(struct mbuf *m, unsigned n)
{
	struct mbuf *head;

	KASSERT(n <= MBUF_SIZE);
	if (m_writable(m) && m_leading(m) >= n) {
		m_prepend_fast(m, n);
		return m;
	}
	head = m_gethdr();
	if (head == NULL)
		return NULL;
	copy_header(head, m);
	head->m_nextpkt = m->m_nextpkt;
	m->m_nextpkt = NULL;
	head->m_len = n;
	head->m_pktlen += n;
	head->m_csum_start = (uint16_t)(head->m_csum_start + n);
	head->m_next = m;
	return head;
}

void
m_trim(struct mbuf *m, unsigned len)
{

	KASSERT(len <= m->m_pktlen);
	m->m_pktlen = len;
	while (len > m->m_len) {
		len -= m->m_len;
		m = m->m_next;
	}
	m->m_len = len;
	if (m->m_next != NULL) {
		m_freem(m->m_next);
		m->m_next = NULL;
	}
}

struct mbuf *
m_adj(struct mbuf *m, unsigned n)
{
	struct mbuf *next;
	unsigned part;

	KASSERT(n <= m->m_pktlen);
	for (;;) {
		part = min_u(n, m->m_len);
		m->m_data += part;
		m->m_len -= part;
		m->m_pktlen -= part;
		m->m_csum_start = (uint16_t)(m->m_csum_start - part);
		n -= part;
		if (m->m_len > 0 || m->m_next == NULL)
			break;
		/* An empty first buffer: the next one becomes the first. */
		next = m->m_next;
		copy_header(next, m);
		next->m_nextpkt = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m = free_first(m);
	}
	return m;
}

/* Enough empty buffers, chained, for len bytes; or NULL. */
static struct mbuf *
get_chain(unsigned len)
{
	struct mbuf *m[MBUF_MAXCHAIN];
	unsigned n = (len + MBUF_SIZE - 1) / MBUF_SIZE, got;

	if (n == 0)
		n = 1;
	if (n > MBUF_MAXCHAIN)
		return NULL;
	got = m_get_bulk(m, n);
	if (got < n) {
		while (got > 0)
			m_freem(m[--got]);
		return NULL;
	}
	while (--got > 0)
		m[got - 1]->m_next = m[got];
	return m[0];
}

int
m_append(struct mbuf *m, const void *data, unsigned len)
{
	struct mbuf *last = m, *more;
	const uint8_t *from = data;
	unsigned part;

	while (last->m_next != NULL)
		last = last->m_next;
	part = m_writable(last) ? min_u(m_trailing(last), len) : 0;
	if (part < len) {
		more = get_chain(len - part);
		if (more == NULL)
			return ENOBUFS;
		last->m_next = more;
	}
	m->m_pktlen += len;
	for (;;) {
		memcpy(last->m_data + last->m_len, from, part);
		last->m_len += part;
		from += part;
		len -= part;
		if (len == 0)
			return 0;
		last = last->m_next;
		part = min_u(MBUF_SIZE, len);
	}
}

bool
m_copydata(const struct mbuf *m, unsigned off, unsigned len, void *buf)
{
	uint8_t *to = buf;
	unsigned part;

	if (off > m->m_pktlen || len > m->m_pktlen - off)
		return false;
	for (; len > 0; m = m->m_next) {
		if (off >= m->m_len) {
			off -= m->m_len;
			continue;
		}
		part = min_u(m->m_len - off, len);
		memcpy(to, m->m_data + off, part);
		to += part;
		len -= part;
		off = 0;
	}
	return true;
}

struct mbuf *
m_dup(const struct mbuf *m)
{
	struct mbuf *dup, *to;
	unsigned off = 0, part;

	dup = get_chain(m->m_pktlen);
	if (dup == NULL)
		return NULL;
	copy_header(dup, m);
	for (to = dup; to != NULL; to = to->m_next) {
		part = min_u(MBUF_SIZE, m->m_pktlen - off);
		(void)m_copydata(m, off, part, to->m_data);
		to->m_len = part;
		off += part;
	}
	return dup;
}

struct mbuf *
m_ref(struct mbuf *m)
{
	struct mbuf *ref[MBUF_MAXCHAIN], *from;
	unsigned n = 0, got;

	for (from = m; from != NULL; from = from->m_next)
		n++;
	if (n > MBUF_MAXCHAIN)
		return NULL;
	got = m_get_bulk(ref, n);
	if (got < n) {
		while (got > 0)
			m_freem(ref[--got]);
		return NULL;
	}
	copy_header(ref[0], m);
	for (n = 0, from = m; from != NULL; from = from->m_next, n++) {
		ref[n]->m_data = from->m_data;
		ref[n]->m_len = from->m_len;
		ref[n]->m_next = n + 1 < got ? ref[n + 1] : NULL;
		/* The owner is the buffer that holds the bytes, never another
		 * buffer that shares them. */
		if (from->m_owner == NULL)
			from->m_shared = 1;
		ref[n]->m_owner = from->m_owner != NULL ? from->m_owner : from;
		ref[n]->m_shared = 1;
		(void)__atomic_fetch_add(&ref[n]->m_owner->m_refcnt, 1,
		    __ATOMIC_RELAXED);
	}
	return ref[0];
}
