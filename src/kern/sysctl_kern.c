/*
 * The kern.* names of every vnet: CPUs, buffers, log level.
 */

#include "kern/kern_private.h"
#include "kern/kuser.h"
#include "kern/sysctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
handle_ncpu(struct vnet *vn, const char *name, void *arg, struct sysctl_op *op)
{
	int64_t v = vn->vn_kern->k_ncpu;

	(void)name;
	(void)arg;
	return sysctl_handle_int(op, &v, 0, 0, false);
}

static int
handle_mbufs_total(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	int64_t v = mbuf_total(vn->vn_kern);

	(void)name;
	(void)arg;
	return sysctl_handle_int(op, &v, 0, 0, false);
}

static int
handle_mbufs_free(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	int64_t v = mbuf_free_count(vn->vn_kern);

	(void)name;
	(void)arg;
	return sysctl_handle_int(op, &v, 0, 0, false);
}

static int
handle_loglevel(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	struct kern *k = vn->vn_kern;
	int64_t v = __atomic_load_n(&k->k_log_level, __ATOMIC_RELAXED);
	int error;

	(void)name;
	(void)arg;
	error = sysctl_handle_int(op, &v, 0, KLOG_DEBUG, true);
	if (error == 0 && op->so_new != NULL)
		__atomic_store_n(&k->k_log_level, (int)v, __ATOMIC_RELAXED);
	return error;
}

static int
handle_idle(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	struct kern *k = vn->vn_kern;
	int64_t v = __atomic_load_n(&k->k_client_idle_s, __ATOMIC_RELAXED);
	int error;

	(void)name;
	(void)arg;
	error = sysctl_handle_int(op, &v, 0, 1000000, true);
	if (error == 0 && op->so_new != NULL)
		__atomic_store_n(&k->k_client_idle_s, v, __ATOMIC_RELAXED);
	return error;
}

/*
 * Below kern.cpu.N an item is a number: 0 to 2 are the CPU's own, then come
 * three for each stage.
 */
static const char *const cpu_items[] = { "passes", "sleeps", "polls" };
static const char *const stage_items[] = { "clocks", "packets", "calls" };

#define NCPU_ITEMS	3
#define NSTAGE_ITEMS	3
#define NITEMS		(NCPU_ITEMS + STAGE_MAX * NSTAGE_ITEMS)

static void
item_name(unsigned cpu, unsigned item, char buf[SYSCTL_NAMESIZE])
{

	if (item < NCPU_ITEMS) {
		(void)snprintf(buf, SYSCTL_NAMESIZE, "kern.cpu.%u.%s", cpu,
		    cpu_items[item]);
		return;
	}
	item -= NCPU_ITEMS;
	(void)snprintf(buf, SYSCTL_NAMESIZE, "kern.cpu.%u.stage.%s.%s", cpu,
	    cpu_stage_name((enum cpu_stage)(item / NSTAGE_ITEMS)),
	    stage_items[item % NSTAGE_ITEMS]);
}

static const uint64_t *
item_value(struct kern *k, unsigned cpu, unsigned item)
{
	struct cpu *ci = k->k_cpu[cpu];
	struct cpu_stage_stats *ss;

	switch (item) {
	case 0:
		return &ci->ci_passes;
	case 1:
		return &ci->ci_sleeps;
	case 2:
		return &ci->ci_polls;
	}
	ss = &ci->ci_stage[(item - NCPU_ITEMS) / NSTAGE_ITEMS];
	switch ((item - NCPU_ITEMS) % NSTAGE_ITEMS) {
	case 0:
		return &ss->ss_clocks;
	case 1:
		return &ss->ss_packets;
	}
	return &ss->ss_calls;
}

/* The CPU and the item of a full name; an unknown item is NITEMS. */
static bool
parse_name(struct kern *k, const char *name, unsigned *cpu, unsigned *item)
{
	char buf[SYSCTL_NAMESIZE];

	if (sscanf(name, "kern.cpu.%2u.", cpu) != 1 || *cpu >= k->k_ncpu)
		return false;
	for (*item = 0; *item < NITEMS; (*item)++) {
		item_name(*cpu, *item, buf);
		if (strcmp(buf, name) == 0)
			break;
	}
	return true;
}

static int
handle_cpu(struct vnet *vn, const char *name, void *arg, struct sysctl_op *op)
{
	unsigned cpu, item;

	(void)arg;
	if (!parse_name(vn->vn_kern, name, &cpu, &item) || item == NITEMS)
		return ENOENT;
	return sysctl_handle_quad_ro(op, __atomic_load_n(
	    item_value(vn->vn_kern, cpu, item), __ATOMIC_RELAXED));
}

static int
next_cpu(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{
	struct kern *k = vn->vn_kern;
	unsigned cpu = 0, item = 0;

	(void)arg;
	if (after[0] != '\0') {
		if (!parse_name(k, after, &cpu, &item))
			return ENOENT;
		if (++item >= NITEMS) {
			item = 0;
			cpu++;
		}
	}
	if (cpu >= k->k_ncpu)
		return ENOENT;
	item_name(cpu, item, next);
	return 0;
}

/* The description of a name below kern.cpu, found by its last part or by its
 * number of parts. */
static const char *
cpu_descr(const char *name)
{
	static const struct {
		const char	*last, *descr;
	} known[] = {
		{ "passes", "passes of its loop" },
		{ "sleeps", "times it slept for want of work" },
		{ "polls", "times it asked a driver for packets" },
		{ "clocks", "time-stamp counter clocks in this stage alone" },
		{ "packets", "packets that went through this stage" },
		{ "calls", "vectors that went through this stage" },
		{ "stage", "what each stage of a packet's way took" },
	};
	const char *last = strrchr(name, '.') + 1;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].last, last) == 0)
			return known[i].descr;
	if (strstr(name, ".stage.") != NULL)
		return "this stage of a packet's way";
	return strspn(last, "0123456789") == strlen(last) ?
	    "what this CPU has done" : NULL;
}

int
sysctl_add_kern(struct vnet *vn)
{
	static const struct sysctl_node nodes[] = {
		{ .sn_name = "kern.clients.idle", .sn_writable = true,
		  .sn_descr = "seconds after which a client without privilege "
		      "that asks for nothing is disconnected; 0: never",
		  .sn_handler = handle_idle },
		{ .sn_name = "kern.loglevel", .sn_writable = true,
		  .sn_descr = "messages up to this syslog(3) level are logged",
		  .sn_handler = handle_loglevel },
		{ .sn_name = "kern.mbufs.free",
		  .sn_descr = "packet buffers that are free",
		  .sn_handler = handle_mbufs_free },
		{ .sn_name = "kern.mbufs.total",
		  .sn_descr = "packet buffers there are",
		  .sn_handler = handle_mbufs_total },
		{ .sn_name = "kern.ncpu",
		  .sn_descr = "CPUs that process packets",
		  .sn_handler = handle_ncpu },
	};
	static const struct sysctl_virtual cpus = {
		.sv_prefix = "kern.cpu",
		.sv_handler = handle_cpu,
		.sv_next = next_cpu,
		.sv_descr = cpu_descr,
	};
	static const struct sysctl_tree trees[] = {
		{ "kern", "what all stacks of the process share" },
		{ "kern.clients", "connections to the control socket" },
		{ "kern.cpu", "what each CPU has done" },
		{ "kern.mbufs", "packet buffers" },
		{ "kern.mbufs.share", "how many of them may wait for what" },
		{ "net", "this stack" },
	};
	int error;

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		error = sysctl_add(vn, &nodes[i]);
		if (error != 0)
			return error;
	}
	error = sysctl_add_trees(vn, trees, sizeof(trees) / sizeof(trees[0]));
	if (error == 0)
		error = sysctl_add_virtual(vn, &cpus);
	if (error == 0)
		error = mbuf_share_sysctl(vn);
	return error != 0 ? error : kuser_sysctl(vn);
}
