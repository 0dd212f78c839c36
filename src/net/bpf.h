/*
 * bpf: taps on interfaces: packets as they were received and as they are
 * handed to the driver, copied for a capture.
 *
 * A tap has a program, a length to which packets are cut, and for each CPU a
 * ring that is there from the start: a CPU copies into its own and never
 * waits, allocates or shares a line it writes.  A tap that is not read fast
 * enough loses packets, and counts them.  With no tap an interface pays one
 * load and branch a vector.
 */

#ifndef NET_BPF_H
#define NET_BPF_H

#include <ifnet/if.h>

#include "kern/vnet.h"
#include "net/bpf_filter.h"

#define BPF_IN		0x1
#define BPF_OUT		0x2

/* The most bytes kept of a packet: a record fits a control message. */
#define BPF_SNAPLEN_MAX	65280
#define BPF_RING_DEFAULT (1024u * 1024)		/* of each CPU */
#define BPF_RING_MIN	(128u * 1024)
#define BPF_RING_MAX	(64u * 1024 * 1024)

struct bpf_tap;

struct bpf_config {
	unsigned	 bc_dirs;	/* BPF_IN, BPF_OUT */
	bool		 bc_promisc;	/* the interface is promiscuous
					 * while the tap runs */
	uint32_t	 bc_snaplen;	/* 0: the most */
	uint32_t	 bc_ring;	/* bytes of each CPU; 0: the default */
	uint32_t	 bc_dlt;	/* what the program is for */
	const struct bpf_insn *bc_prog;	/* copied */
	unsigned	 bc_ninsns;	/* 0: every packet */
	/* any: there is something to read */
	void		(*bc_wakeup)(void *);
	void		*bc_arg;
};

/* A packet as it is read; caplen bytes follow, padded to 8. */
struct bpf_rec {
	uint64_t	 br_time_ns;	/* wall clock */
	uint32_t	 br_len;	/* of the packet */
	uint32_t	 br_caplen;	/* of it that follow */
	uint32_t	 br_flags;	/* BPF_IN or BPF_OUT */
	uint32_t	 br_head;	/* bytes of this struct */
};

struct bpf_stats {
	uint64_t	 bs_received;	/* went past in a direction asked for */
	uint64_t	 bs_filtered;	/* the program did not want them */
	uint64_t	 bs_dropped;	/* wanted, but there was no room */
};

enum bpf_state {
	BPF_RUNNING,
	BPF_STOPPED,		/* by its owner */
	BPF_DETACHED		/* its interface went */
};

/*
 * Control.  ENXIO (no such interface), EINVAL (program, directions, lengths),
 * EPROTOTYPE (the interface's packets are not of bc_dlt), ENOMEM; with
 * bc_promisc what the driver answers, and its ioctl lock is taken.
 */
int	bpf_open(struct vnet *, const char *ifname, const struct bpf_config *,
	    struct bpf_tap **);
/* Control: no more packets; what was captured can still be read. */
void	bpf_stop(struct bpf_tap *);
/* Control: when it returns, bc_wakeup does not run and never will. */
void	bpf_close(struct bpf_tap *);
/*
 * Control, one caller at a time: as many whole records as fit, in the order
 * of their times, also from one call to the next; how many bytes.  Asks for
 * the next wakeup.
 */
size_t	bpf_read(struct bpf_tap *, void *, size_t room);
enum bpf_state bpf_state(const struct bpf_tap *);
void	bpf_stats(const struct bpf_tap *, struct bpf_stats *);
/* Any: DLT_* of the header that packets of an interface begin with, as taps and
 * filters see them. */
uint32_t bpf_dlt(const struct ifnet *);

/* The interface layer's side.  CPU: show packets to the taps, but none that
 * came for another station while the interface is not promiscuous. */
struct bpf_if;
void	bpf_deliver(const struct ifnet *, struct bpf_if *, const struct mvec *,
	    unsigned dir);
/* Control: the interface goes; nobody can open a tap on it any more. */
void	bpf_ifdetach(struct ifnet *);

static inline void
bpf_tap_vec(struct ifnet *ifp, const struct mvec *mv, unsigned dir)
{
	struct bpf_if *bi = __atomic_load_n(&ifp->if_bpf, __ATOMIC_CONSUME);

	if (__builtin_expect(bi != NULL, 0))
		bpf_deliver(ifp, bi, mv, dir);
}

extern const struct vnet_subsys bpf_subsys;

#endif /* !NET_BPF_H */
