/*
 * filter: packet filter rules of a vnet, the first user of the packet hooks.
 *
 * Rules are walked in the order of their numbers; the first whose direction,
 * interface and program match a packet and that passes or drops decides; one
 * that marks sets m_mark, and the walk goes on.  A packet no rule decides on
 * passes.  A rule names its interface and is about whichever has that name:
 * while there is none it waits.  A vnet without rules has no hook.
 */

#ifndef NET_FILTER_H
#define NET_FILTER_H

#include <ifnet/if.h>

#include "kern/vnet.h"
#include "net/bpf_filter.h"
#include "net/pfil.h"

#define FILTER_NUMBER_MAX 65535
#define FILTER_STEP	10	/* from the last number to the next */
#define FILTER_TEXT_MAX	1024	/* with the NUL */
#define FILTER_PROGS	2	/* link types a rule can be about */

enum filter_action { FILTER_PASS, FILTER_DROP, FILTER_MARK, FILTER_NACTIONS };

/* A rule's program for interfaces of one link type. */
struct filter_prog {
	uint32_t	 fp_dlt;	/* as of bpf_dlt() */
	uint32_t	 fp_ninsns;
	const struct bpf_insn *fp_insns;
};

struct filter_rule_spec {
	uint32_t	 fs_number;	/* 0: behind the last one */
	enum pfil_dir	 fs_dir;
	enum filter_action fs_action;
	uint32_t	 fs_mark;	/* FILTER_MARK */
	char		 fs_ifname[IFNAMSIZ];	/* "": any */
	const char	*fs_text;
	unsigned	 fs_nprogs;
	struct filter_prog fs_prog[FILTER_PROGS];
};

struct filter_info {
	uint32_t	 fi_number;
	enum pfil_dir	 fi_dir;
	enum filter_action fi_action;
	uint32_t	 fi_mark;
	char		 fi_ifname[IFNAMSIZ];
	const char	*fi_text;
	uint64_t	 fi_packets, fi_bytes;	/* since the last zeroing */
};

/* Control, all of these. */

/* Copies everything.  EEXIST (number in use), EINVAL (number, program), ENOSPC
 * (no number left behind the last), ENOMEM. */
int	filter_add(struct vnet *, const struct filter_rule_spec *,
	    uint32_t *number);
/* ENOENT. */
int	filter_delete(struct vnet *, uint32_t number);
void	filter_flush(struct vnet *);
/* Counters of one rule, or of all (0).  ENOENT. */
int	filter_zero(struct vnet *, uint32_t number);
/* In order, until fn returns nonzero, which is returned. */
int	filter_list(struct vnet *, int (*fn)(const struct filter_info *,
	    void *), void *);

extern const struct vnet_subsys filter_subsys;

#endif /* !NET_FILTER_H */
