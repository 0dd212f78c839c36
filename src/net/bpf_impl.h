/*
 * bpf_impl: what capturing (bpf.c) and the life of a tap (bpf_open.c) share.
 *
 * An interface's taps are a list that CPUs walk in a read section; opening
 * and closing change it with the vnet's tap lock held.  A ring has one writer,
 * its CPU, and one reader: the writer moves the head, the reader the tail.
 *
 * The reader merges the rings by time.  A CPU opens its ring before it takes
 * the time of a vector and closes it behind the last record, so that the reader
 * knows of every vector that may still come with an earlier time than the
 * records it sees.
 */

#ifndef NET_BPF_IMPL_H
#define NET_BPF_IMPL_H

#include "kern/kern_impl.h"
#include "net/bpf.h"

/*
 * One CPU's ring.  Places count on for ever; modulo the size they are
 * offsets.
 */
struct bpf_ring {
	/* the CPU's; read by all */
	uint64_t	 rg_head __attribute__((__aligned__(64)));
	uint64_t	 rg_received, rg_filtered, rg_dropped;
	uint64_t	 rg_open;	/* atomic: no record of the vector under
					 * way has an earlier time; 0: none is
					 * under way */
	uint64_t	 rg_last;	/* atomic: of the last vector */
	uint8_t		*rg_buf;	/* constant */
	/* the reader's; read by the CPU */
	uint64_t	 rg_tail __attribute__((__aligned__(64)));
};

struct bpf_vnet {
	struct host_mutex bv_lock;
	unsigned	 bv_ntaps;	/* bv_lock */
};

/*
 *	constant	from creation
 *	v:		bv_lock
 *	r:		the reader's
 */
struct bpf_tap {
	struct bpf_tap	*bt_next;	/* rcu; v: of the same interface */
	struct ifnet	*bt_ifp;	/* v: NULL: not on one any more */
	struct vnet	*bt_vnet;	/* constant */
	enum bpf_state	 bt_state;	/* atomic; v: to change */
	uint64_t	 bt_handle;	/* constant: of the interface */
	bool		 bt_promisc;	/* v: it is promiscuous for this tap */
	unsigned	 bt_dirs;	/* constant */
	uint32_t	 bt_snaplen;	/* constant */
	uint32_t	 bt_size;	/* constant: of a ring, a power of 2 */
	unsigned	 bt_nrings;	/* constant */
	unsigned	 bt_ninsns;	/* constant */
	struct bpf_insn	*bt_prog;	/* constant */
	struct bpf_ring	*bt_rings;	/* constant */
	void		(*bt_wakeup)(void *);	/* constant */
	void		*bt_arg;	/* constant */
	uint32_t	 bt_woken;	/* atomic */
#define BPF_WAKE_NEWS	0		/* wake the reader when records come */
#define BPF_WOKEN	1		/* it was woken */
#define BPF_WAKE_CLOSE	2		/* wake it when a ring is closed */
};

struct bpf_if {
	struct bpf_tap	*bi_taps;	/* rcu; v: */
};

static inline struct kern *
tap_kern(const struct bpf_tap *bt)
{

	return bt->bt_vnet->vn_kern;
}

#endif /* !NET_BPF_IMPL_H */
