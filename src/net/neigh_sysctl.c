/*
 * neigh_sysctl: the cache's numbers in the sysctl tree, alike for all families:
 * neighbours, in all and by class, and the limit of packets a second.  Each
 * family registers its own names.
 */

#include "net/neigh_cache.h"

#include <errno.h>
#include <stdio.h>

#include "kern/sysctl.h"

/* In the order of their names. */
static const struct count_name {
	const char	*cn_name;
	const char	*cn_text;
	enum neigh_class cn_class;
} count_names[] = {
	{ "failed", "did not answer", NEIGH_C_FAILED },
	{ "idle", "not used in the last half minute", NEIGH_C_IDLE },
	{ "incomplete", "have not answered yet", NEIGH_C_ASKED },
	{ "static", "set by hand, for good", NEIGH_C_STATIC },
	{ "unused", "learnt from packets of their own; never answered",
	    NEIGH_C_UNUSED },
	{ "used", "used in the last half minute", NEIGH_C_USED },
};
#define NCOUNTS	(sizeof(count_names) / sizeof(count_names[0]))

static const struct count_name *
find(const char *name)
{
	const char *last = strrchr(name, '.');

	for (size_t i = 0; last != NULL && i < NCOUNTS; i++)
		if (strcmp(count_names[i].cn_name, last + 1) == 0)
			return &count_names[i];
	return NULL;
}

int
neigh_count_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	const struct neigh_proto *proto = arg;
	const struct count_name *cn = find(name);

	if (cn == NULL)
		return ENOENT;
	return sysctl_handle_quad_ro(op, neigh_entries(vn, proto->np_slot,
	    cn->cn_class));
}

int
neigh_count_next(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{
	const struct neigh_proto *proto = arg;

	(void)vn;
	for (size_t i = 0; i < NCOUNTS; i++) {
		(void)snprintf(next, SYSCTL_NAMESIZE, "%s.%s",
		    proto->np_counts, count_names[i].cn_name);
		if (strcmp(next, after) > 0)
			return 0;
	}
	return ENOENT;
}

const char *
neigh_count_descr(const char *name)
{
	const struct count_name *cn = find(name);

	return cn == NULL ? NULL : cn->cn_text;
}

int
neigh_entries_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	const struct neigh_proto *proto = arg;

	(void)name;
	return sysctl_handle_quad_ro(op, neigh_entries(vn, proto->np_slot,
	    NEIGH_C_NONE));
}

/* No packet about neighbours at all would be no limit, but a host that nobody
 * can reach. */
int
neigh_maxpps_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	int64_t *setting = arg, new;
	int64_t v = __atomic_load_n(setting, __ATOMIC_RELAXED);
	int error;

	(void)vn;
	(void)name;
	if (op->so_new != NULL && op->so_newlen == sizeof(new)) {
		memcpy(&new, op->so_new, sizeof(new));
		if (new == 0) {
			op->so_type = SYSCTL_INT;
			op->so_why = "a number from 1 to 1073741824, or -1";
			return EINVAL;
		}
	}
	error = sysctl_handle_int(op, &v, -1, 1 << 30, true);
	if (error == 0 && op->so_new != NULL)
		__atomic_store_n(setting, v, __ATOMIC_RELAXED);
	return error;
}
