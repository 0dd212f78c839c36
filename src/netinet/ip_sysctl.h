/*
 * ip_sysctl: what the settings and counters of both families share.
 *
 * Counters are a virtual subtree, "net.inet.stats.<name>", summed over the CPUs
 * when read.
 */

#ifndef NETINET_IP_SYSCTL_H
#define NETINET_IP_SYSCTL_H

#include <stddef.h>
#include <stdint.h>

#include "kern/sysctl.h"

struct stat_name {
	const char	*sn_name;	/* full */
	const char	*sn_text;
	size_t		 sn_offset;	/* in a CPU's counters */
};

/* A family's counters; the sv_arg of their subtree.  Constant. */
struct stat_set {
	const struct stat_name *ss_names;
	size_t		 ss_n;
	size_t		 ss_bytes;	/* of a CPU's */
	const void	*(*ss_first)(const struct vnet *); /* CPU 0's */
};

/* sv_handler, sv_next, and, of a set, sv_descr. */
sysctl_handler	 stat_set_handler;
int	stat_set_next(struct vnet *, void *set, const char *after,
	    char next[SYSCTL_NAMESIZE]);
const char *stat_set_descr(const struct stat_set *, const char *name);

/* Control: register n settings.  EEXIST, ENOMEM. */
int	setting_add_all(struct vnet *, const struct sysctl_node *, size_t n);

static inline struct sysctl_node
setting(const char *name, const char *descr, int64_t *v, int64_t min,
    int64_t max)
{
	struct sysctl_node node = {
		.sn_name = name, .sn_descr = descr, .sn_writable = true,
		.sn_int = v, .sn_min = min, .sn_max = max,
	};

	return node;
}

static inline struct sysctl_node
reading(const char *name, const char *descr, sysctl_handler *fn, void *arg)
{
	struct sysctl_node node = {
		.sn_name = name, .sn_descr = descr, .sn_handler = fn,
		.sn_arg = arg,
	};

	return node;
}

#endif /* !NETINET_IP_SYSCTL_H */
