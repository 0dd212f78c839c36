/*
 * The oracle's companion: listeners: one that hears everything at once, one
 * that falls behind, and snapshots.
 */

#include "oracle_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
hash(const char *t)
{
	uint64_t h = 14695981039346656037ull;

	for (; *t != '\0'; t++)
		h = (h ^ (uint8_t)*t) * 1099511628211ull;
	return h;
}

static void
log_put(struct net *n, const char *t)
{

	if (n->n_nlog == n->n_logroom) {
		n->n_logroom = n->n_logroom == 0 ? 4096 : 2 * n->n_logroom;
		n->n_log = realloc(n->n_log, n->n_logroom * sizeof(*n->n_log));
		KASSERT(n->n_log != NULL);
	}
	n->n_log[n->n_nlog++] = hash(t);
}

void
news_open(struct net *n)
{

	KASSERT(rt_listener_open(n->n_vn, RTS_LINK | RTS_ADDR | RTS_ROUTE,
	    1 << 20, NULL, NULL, &n->n_news) == 0);
}

void
news_hear(struct run *r, struct net *n)
{
	union msgbuf mb;
	char *t;

	n->n_nheard = 0;
	while (rt_listener_read(n->n_news, &mb) != 0) {
		if (n->n_nheard == O_NEVENTS)
			o_fail(r, "too many announcements");
		t = n->n_heard[n->n_nheard++];
		describe(&mb, t);
		if (mb.mb_hdr.rtm_seq != ++n->n_news_seq)
			o_fail(r, "a gap in the sequence");
		log_put(n, t);
		/* The outcome of the check for duplicates is not compared. */
		if (t[0] == '~')
			n->n_nheard--;
		else
			mirror_hear(&n->n_mirror, t);
	}
}

void
snapshot(struct run *r, struct net *n)
{
	static struct mirror mi;
	struct rt_listener *l;
	union msgbuf mb;
	char t[O_TEXT];

	if (rt_listener_open(n->n_vn, RTS_LINK | RTS_ADDR | RTS_ROUTE |
	    RTS_SNAPSHOT, 0, NULL, NULL, &l) != 0)
		return;
	mi.mi_n = 0;
	for (;;) {
		if (rt_listener_read(l, &mb) == 0)
			o_fail(r, "a snapshot without end");
		if (mb.mb_hdr.rtm_type == RTM_SNAPSHOT_END)
			break;
		describe(&mb, t);
		mirror_put(&mi, strncmp(t, "newaddr", 7) == 0 ? 'a' :
		    strncmp(t, "add", 3) == 0 ? 'r' : 'i',
		    strchr(t, ' ') + 1);
	}
	if (rt_listener_read(l, &mb) != 0)
		o_fail(r, "news where nothing happened");
	rt_listener_close(l);
	compare_mirror(r, n, &mi, "the snapshot");
}

void
slow_read(struct run *r, struct net *n, unsigned count)
{
	union msgbuf mb;
	char t[O_TEXT];

	while (n->n_slow != NULL && count-- > 0) {
		if (rt_listener_read(n->n_slow, &mb) == 0) {
			if (n->n_slow_at != n->n_nlog)
				o_fail(r, "a slow listener missed something "
				    "and was not told");
			return;
		}
		if (mb.mb_hdr.rtm_seq != ++n->n_slow_seq)
			o_fail(r, "a gap in a slow listener's sequence");
		if (mb.mb_hdr.rtm_type == RTM_OVERRUN) {
			if (mb.mb_overrun.rto_lost == 0)
				o_fail(r, "an overrun of nothing");
			n->n_slow_at += mb.mb_overrun.rto_lost;
			continue;
		}
		describe(&mb, t);
		if (n->n_slow_at >= n->n_nlog ||
		    n->n_log[n->n_slow_at++] != hash(t))
			o_fail(r, "a slow listener was told %s", t);
	}
}

void
slow_close(struct run *r, struct net *n)
{

	slow_read(r, n, UINT32_MAX);
	if (n->n_slow != NULL)
		rt_listener_close(n->n_slow);
	n->n_slow = NULL;
}

void
slow_open(struct run *r, struct net *n, size_t queue)
{

	slow_close(r, n);
	n->n_slow_at = n->n_nlog;
	n->n_slow_seq = 0;
	if (rt_listener_open(n->n_vn, RTS_LINK | RTS_ADDR | RTS_ROUTE, queue,
	    NULL, NULL, &n->n_slow) != 0)
		n->n_slow = NULL;
}
