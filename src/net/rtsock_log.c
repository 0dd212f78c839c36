/*
 * The log of announcements: written under the vnet's rs_lock, read without.
 *
 * Positions are bytes since the log began and never wrap.  Before a record is
 * overwritten the position of the oldest one moves past it; a reader copies a
 * record and then looks at that position, so it never believes a copy that was
 * overwritten meanwhile.  Everything is copied in words, atomically.
 */

#include "kern/kern_impl.h"
#include "net/rtsock_impl.h"

#include <errno.h>
#include <string.h>

static inline size_t
log_index(const struct rts_log *lg, uint64_t pos)
{

	return (size_t)(pos & (lg->lg_size - 1)) / sizeof(uint64_t);
}

/* Not before the stores that came first are seen. */
static void
put_words(struct rts_log *lg, uint64_t pos, const void *from, size_t len)
{
	const uint8_t *p = from;
	uint64_t word;

	for (; len != 0; pos += sizeof(word), p += sizeof(word)) {
		word = 0;
		memcpy(&word, p, len < sizeof(word) ? len : sizeof(word));
		__atomic_store_n(&lg->lg_word[log_index(lg, pos)], word,
		    __ATOMIC_RELEASE);
		len -= len < sizeof(word) ? len : sizeof(word);
	}
}

/* Not after the loads that come next. */
static void
get_words(const struct rts_log *lg, uint64_t pos, void *to, size_t len)
{
	uint8_t *p = to;
	uint64_t word;

	for (; len != 0; pos += sizeof(word), p += sizeof(word)) {
		word = __atomic_load_n(&lg->lg_word[log_index(lg, pos)],
		    __ATOMIC_ACQUIRE);
		memcpy(p, &word, len < sizeof(word) ? len : sizeof(word));
		len -= len < sizeof(word) ? len : sizeof(word);
	}
}

static struct rts_log *
log_create(struct kern *k, size_t bytes)
{
	size_t size = RT_MSG_MAX * 2;
	struct rts_log *lg;

	while (size < bytes)
		size *= 2;
	/* A region: pages that are never written cost nothing. */
	lg = host_map(k->k_host, sizeof(*lg) + size);
	if (lg == NULL)
		return NULL;
	lg->lg_size = size;
	lg->lg_bytes = sizeof(*lg) + size;
	return lg;
}

int
rts_log_get(struct rtsock_vnet *rs, size_t bytes)
{
	struct kern *k = rs->rs_kern;
	struct rts_log *old = rs->rs_log, *lg;
	uint64_t pos, word;

	if (old != NULL && old->lg_size >= bytes)
		return 0;
	lg = log_create(k, bytes);
	if (lg == NULL)
		return ENOMEM;
	kspin_lock(&rs->rs_lock);
	if (old == NULL)
		__atomic_store_n(&rs->rs_tail, rs->rs_head, __ATOMIC_RELEASE);
	else
		for (pos = rs->rs_tail; pos != rs->rs_head;
		    pos += sizeof(word)) {
			get_words(old, pos, &word, sizeof(word));
			put_words(lg, pos, &word, sizeof(word));
		}
	__atomic_store_n(&rs->rs_log, lg, __ATOMIC_RELEASE);
	kspin_unlock(&rs->rs_lock);
	if (old != NULL) {
		pserialize_perform(k);
		host_unmap(k->k_host, old, old->lg_bytes);
	}
	return 0;
}

void
rts_log_put(struct rtsock_vnet *rs)
{
	struct rts_log *lg = rs->rs_log;

	if (lg == NULL)
		return;
	kspin_lock(&rs->rs_lock);
	__atomic_store_n(&rs->rs_log, NULL, __ATOMIC_RELEASE);
	kspin_unlock(&rs->rs_lock);
	host_unmap(rs->rs_kern->k_host, lg, lg->lg_bytes);
}

void
rts_log_append(struct rtsock_vnet *rs, struct rts_rec *rr,
    const struct rt_hdr *h)
{
	struct rts_log *lg = rs->rs_log;
	unsigned i = kind_index(rr->rr_kind);
	uint64_t tail = rs->rs_tail;
	struct rts_rec oldest;

	rr->rr_len = (uint32_t)(sizeof(*rr) + ((h->rtm_len + 7u) & ~7u));
	memcpy(rr->rr_before, rs->rs_count, sizeof(rr->rr_before));
	while (rs->rs_head + rr->rr_len - tail > lg->lg_size) {
		get_words(lg, tail, &oldest, sizeof(oldest));
		tail += oldest.rr_len;
	}
	__atomic_store_n(&rs->rs_tail, tail, __ATOMIC_RELEASE);
	put_words(lg, rs->rs_head, rr, sizeof(*rr));
	put_words(lg, rs->rs_head + sizeof(*rr), h, h->rtm_len);
	if ((rr->rr_flags & RTS_REC_INSTEAD) == 0)
		__atomic_store_n(&rs->rs_count[i], rs->rs_count[i] + 1,
		    __ATOMIC_RELEASE);
	/* Before it is looked who is idle: rts_wake(). */
	__atomic_store_n(&rs->rs_head, rs->rs_head + rr->rr_len,
	    __ATOMIC_SEQ_CST);
}

static bool
log_read(struct rtsock_vnet *rs, uint64_t pos, struct rts_rec *rr, void *msg)
{
	const struct rts_log *lg;

	/* First the end: what it says is in the log that is loaded next. */
	if (__atomic_load_n(&rs->rs_head, __ATOMIC_SEQ_CST) == pos)
		return false;
	lg = __atomic_load_n(&rs->rs_log, __ATOMIC_ACQUIRE);
	get_words(lg, pos, rr, sizeof(*rr));
	if (__atomic_load_n(&rs->rs_tail, __ATOMIC_ACQUIRE) > pos)
		return false;
	if (msg == NULL)
		return true;
	get_words(lg, pos + sizeof(*rr), msg, rr->rr_len - sizeof(*rr));
	return __atomic_load_n(&rs->rs_tail, __ATOMIC_ACQUIRE) <= pos;
}

bool
rts_log_read(struct rtsock_vnet *rs, uint64_t pos, struct rts_rec *rr,
    void *msg)
{
	bool ok;

	pserialize_read_enter();
	ok = log_read(rs, pos, rr, msg);
	pserialize_read_exit();
	return ok;
}

uint64_t
rts_log_oldest(struct rtsock_vnet *rs, uint32_t count[RTS_NKINDS])
{
	struct rts_rec rr;
	uint64_t pos;

	kspin_lock(&rs->rs_lock);
	pos = rs->rs_tail;
	if (pos == rs->rs_head)
		memcpy(count, rs->rs_count, sizeof(rr.rr_before));
	else {
		get_words(rs->rs_log, pos, &rr, sizeof(rr));
		memcpy(count, rr.rr_before, sizeof(rr.rr_before));
	}
	kspin_unlock(&rs->rs_lock);
	return pos;
}
