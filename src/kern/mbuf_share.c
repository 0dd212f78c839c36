/*
 * Shares of the packet buffers: a counter and a limit each.
 */

#include "kern/mbuf_share.h"

#include "kern/kern_private.h"
#include "kern/sysctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const share_names[MBUF_NSHARES] = {
	[MBUF_SHARE_LOCAL] = "local",
	[MBUF_SHARE_FRAGMENTS] = "fragments",
	[MBUF_SHARE_NEIGHBOURS] = "neighbours",
	[MBUF_SHARE_PINGS] = "pings",
};

static uint64_t
share_limit(struct kern *k, enum mbuf_share share)
{

	return (uint64_t)mbuf_total(k) * (uint64_t)__atomic_load_n(
	    &k->k_share[share].ms_percent, __ATOMIC_RELAXED) / 100;
}

static uint64_t
buffers(const struct mbuf *m)
{
	uint64_t n = 0;

	for (; m != NULL; m = m->m_next)
		n++;
	return n;
}

bool
mbuf_share_take(struct kern *k, enum mbuf_share share, const struct mbuf *m)
{
	uint64_t n = buffers(m);
	uint64_t *used = &k->k_share[share].ms_used;

	if (__atomic_add_fetch(used, n, __ATOMIC_RELAXED) <=
	    share_limit(k, share))
		return true;
	(void)__atomic_fetch_sub(used, n, __ATOMIC_RELAXED);
	return false;
}

void
mbuf_share_give(struct kern *k, enum mbuf_share share, const struct mbuf *m)
{

	(void)__atomic_fetch_sub(&k->k_share[share].ms_used, buffers(m),
	    __ATOMIC_RELAXED);
}

bool
mbuf_share_take_part(struct kern *k, enum mbuf_share share,
    const struct mbuf *m, uint64_t *queue)
{
	uint64_t n = buffers(m), limit = share_limit(k, share);
	uint64_t *used = &k->k_share[share].ms_used;

	if (__atomic_add_fetch(used, n, __ATOMIC_RELAXED) + *queue <= limit) {
		*queue += n;
		return true;
	}
	(void)__atomic_fetch_sub(used, n, __ATOMIC_RELAXED);
	return false;
}

void
mbuf_share_give_part(struct kern *k, enum mbuf_share share,
    const struct mbuf *m, uint64_t *queue)
{

	*queue -= buffers(m);
	mbuf_share_give(k, share, m);
}

bool
mbuf_share_spare(struct kern *k, enum mbuf_share share)
{
	uint64_t total = mbuf_total(k), limit = share_limit(k, share);

	return limit != 0 && mbuf_free_count(k) > (limit < total / 2 ? limit :
	    total - limit);
}

static unsigned
item_find(const char *name)
{
	char buf[SYSCTL_NAMESIZE];
	unsigned i;

	for (i = 0; i < MBUF_NSHARES; i++) {
		(void)snprintf(buf, sizeof(buf), "kern.mbufs.share.%s",
		    share_names[i]);
		if (strcmp(buf, name) == 0)
			break;
	}
	return i;
}

static int
handle_share(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	unsigned i = item_find(name);
	int64_t *p, v;
	int error;

	(void)arg;
	if (i == MBUF_NSHARES)
		return ENOENT;
	p = &vn->vn_kern->k_share[i].ms_percent;
	v = __atomic_load_n(p, __ATOMIC_RELAXED);
	/* Without a share, this host would hear nothing. */
	error = sysctl_handle_int(op, &v, i == MBUF_SHARE_LOCAL ? 1 : 0, 100,
	    true);
	if (error == 0 && op->so_new != NULL)
		__atomic_store_n(p, v, __ATOMIC_RELAXED);
	return error;
}

static int
next_share(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{
	unsigned i = 0;

	(void)vn;
	(void)arg;
	if (after[0] != '\0')
		i = item_find(after) + 1;
	if (i >= MBUF_NSHARES)
		return ENOENT;
	(void)snprintf(next, SYSCTL_NAMESIZE, "kern.mbufs.share.%s",
	    share_names[i]);
	return 0;
}

static const char *
share_descr(const char *name)
{
	static const char *const descr[MBUF_NSHARES] = {
		[MBUF_SHARE_LOCAL] = "percent of the packet buffers that "
		    "waiting packets for this host may take",
		[MBUF_SHARE_FRAGMENTS] = "percent of the packet buffers that "
		    "fragments may take while they wait for the rest",
		[MBUF_SHARE_NEIGHBOURS] = "percent of the packet buffers that "
		    "packets for unknown neighbours may take; 0: none wait",
		[MBUF_SHARE_PINGS] = "percent of the packet buffers that must "
		    "be free for a ping to be sent, above 50 what is left of "
		    "100; 0: none is sent",
	};
	unsigned i = item_find(name);

	return i == MBUF_NSHARES ? NULL : descr[i];
}

int
mbuf_share_sysctl(struct vnet *vn)
{
	static const struct sysctl_virtual shares = {
		.sv_prefix = "kern.mbufs.share",
		.sv_handler = handle_share,
		.sv_next = next_share,
		.sv_descr = share_descr,
	};

	return sysctl_add_virtual(vn, &shares);
}
