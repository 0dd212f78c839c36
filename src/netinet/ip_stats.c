/*
 * ip_stats: settings and counters of IPv4, ICMP and ARP in the sysctl tree.
 * Counters are a virtual subtree, net.inet.stats.<name>, summed over the CPUs
 * when read.
 */

#include <errno.h>
#include <stdio.h>

#include "kern/sysctl.h"
#include "netinet/arp_var.h"

#define STATS_PREFIX	"net.inet.stats"

struct stat_name {
	const char	*sn_name;
	const char	*sn_text;
	size_t		 sn_offset;
};

static const struct stat_name stat_names[] = {
#define X(f, name, text)	{ STATS_PREFIX "." name, text, \
	    offsetof(struct ip_stats, f) },
	IP_STATS(X)
#undef X
};
#define NSTATS	(sizeof(stat_names) / sizeof(stat_names[0]))

static uint64_t
stat_sum(const struct vnet *vn, size_t offset)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < kern_ncpu(vn->vn_kern); i++)
		sum += __atomic_load_n((const uint64_t *)(const void *)
		    ((const char *)&vn->vn_ip->iv_stats[i] + offset),
		    __ATOMIC_RELAXED);
	return sum;
}

static int
stats_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{

	(void)arg;
	for (size_t i = 0; i < NSTATS; i++)
		if (strcmp(stat_names[i].sn_name, name) == 0)
			return sysctl_handle_quad_ro(op,
			    stat_sum(vn, stat_names[i].sn_offset));
	return ENOENT;
}

static int
stats_next(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{
	const char *best = NULL;

	(void)vn;
	(void)arg;
	for (size_t i = 0; i < NSTATS; i++)
		if (strcmp(stat_names[i].sn_name, after) > 0 &&
		    (best == NULL || strcmp(stat_names[i].sn_name, best) < 0))
			best = stat_names[i].sn_name;
	if (best == NULL)
		return ENOENT;
	(void)snprintf(next, SYSCTL_NAMESIZE, "%s", best);
	return 0;
}

static const char *
stats_descr(const char *name)
{

	for (size_t i = 0; i < NSTATS; i++)
		if (strcmp(stat_names[i].sn_name, name) == 0)
			return stat_names[i].sn_text;
	return NULL;
}

static int
ifq_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	uint64_t (*fn)(struct vnet *);

	(void)name;
	fn = arg == NULL ? ip_local_len : ip_local_drops;
	return sysctl_handle_quad_ro(op, fn(vn));
}

/* The neighbours of the vnet, of one class (arg) or all (NULL). */
static uint64_t
arp_entries(struct vnet *vn, unsigned class)
{
	struct neigh_table *nt = &vn->vn_arp->av_table;
	uint64_t n;

	kspin_lock(&nt->nt_lock);
	n = class == ARP_C_NONE ? nt->nt_hash.kh_count :
	    vn->vn_arp->av_count[class];
	kspin_unlock(&nt->nt_lock);
	return n;
}

static int
arp_entries_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{

	(void)name;
	(void)arg;
	return sysctl_handle_quad_ro(op, arp_entries(vn, ARP_C_NONE));
}

#define COUNT_PREFIX	"net.inet.arp.count"

/* In the order of their names. */
static const struct count_name {
	const char	*cn_name;
	const char	*cn_text;
	enum arp_class	 cn_class;
} count_names[] = {
	{ COUNT_PREFIX ".failed", "did not answer", ARP_C_FAILED },
	{ COUNT_PREFIX ".idle", "not used in the last half minute",
	    ARP_C_IDLE },
	{ COUNT_PREFIX ".incomplete", "have not answered yet", ARP_C_ASKED },
	{ COUNT_PREFIX ".static", "set by hand, for good", ARP_C_STATIC },
	{ COUNT_PREFIX ".unused", "learnt from packets of their own; never "
	    "answered", ARP_C_UNUSED },
	{ COUNT_PREFIX ".used", "used in the last half minute", ARP_C_USED },
};
#define NCOUNTS	(sizeof(count_names) / sizeof(count_names[0]))

static int
count_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{

	(void)arg;
	for (size_t i = 0; i < NCOUNTS; i++)
		if (strcmp(count_names[i].cn_name, name) == 0)
			return sysctl_handle_quad_ro(op, arp_entries(vn,
			    count_names[i].cn_class));
	return ENOENT;
}

static int
count_next(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{

	(void)vn;
	(void)arg;
	for (size_t i = 0; i < NCOUNTS; i++)
		if (strcmp(count_names[i].cn_name, after) > 0) {
			(void)snprintf(next, SYSCTL_NAMESIZE, "%s",
			    count_names[i].cn_name);
			return 0;
		}
	return ENOENT;
}

static const char *
count_descr(const char *name)
{

	for (size_t i = 0; i < NCOUNTS; i++)
		if (strcmp(count_names[i].cn_name, name) == 0)
			return count_names[i].cn_text;
	return NULL;
}

static int
add_all(struct vnet *vn, const struct sysctl_node *node, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = sysctl_add(vn, &node[i]);
	return error;
}

static struct sysctl_node
setting(const char *name, const char *descr, int64_t *v, int64_t min,
    int64_t max)
{
	struct sysctl_node node = {
		.sn_name = name, .sn_descr = descr, .sn_writable = true,
		.sn_int = v, .sn_min = min, .sn_max = max,
	};

	return node;
}

static struct sysctl_node
reading(const char *name, const char *descr, sysctl_handler *fn, void *arg)
{
	struct sysctl_node node = {
		.sn_name = name, .sn_descr = descr, .sn_handler = fn,
		.sn_arg = arg,
	};

	return node;
}

int
ip_sysctl_init(struct vnet *vn)
{
	static const struct sysctl_virtual stats = {
		.sv_prefix = STATS_PREFIX,
		.sv_handler = stats_handler,
		.sv_next = stats_next,
		.sv_descr = stats_descr,
	};
	struct ip_vnet *iv = vn->vn_ip;
	const struct sysctl_node nodes[] = {
		setting("net.inet.ip.forwarding",
		    "Forward packets between interfaces",
		    &iv->iv_forwarding, 0, 1),
		setting("net.inet.ip.redirect",
		    "Tell sources of a better first hop",
		    &iv->iv_redirect, 0, 1),
		setting("net.inet.ip.ttl",
		    "Time to live of packets from here",
		    &iv->iv_ttl, 1, 255),
		setting("net.inet.ip.rpf",
		    "Sources must belong on the interface they come by: 0 no, "
		    "1 strictly, 2 loosely", &iv->iv_rpf, IF_RPF_OFF,
		    IF_RPF_LOOSE),
		setting("net.inet.ip.checkinterface",
		    "Take packets to an address of ours on its own interface "
		    "alone",
		    &iv->iv_checkinterface, 0, 1),
		setting("net.inet.ip.dad_count",
		    "Probes for an address before it is used; 0 none",
		    &iv->iv_dad_count, 0, IN_DAD_COUNT_MAX),
		setting("net.inet.ip.maxfragpackets",
		    "Packets being put together, at most",
		    &iv->iv_maxfragpackets, 0, IP_MAXFRAGPACKETS_MAX),
		setting("net.inet.ip.maxfrags",
		    "Fragments held for that, at most",
		    &iv->iv_maxfrags, 0, 65536),
		setting("net.inet.ip.ifq.maxlen",
		    "Packets for this host that wait on a CPU, at most",
		    &iv->iv_ifq_maxlen, 1, 65536),
		reading("net.inet.ip.ifq.len",
		    "Packets for this host that wait", ifq_handler, NULL),
		reading("net.inet.ip.ifq.drops",
		    "Packets for this host dropped for want of room",
		    ifq_handler, iv),
		setting("net.inet.icmp.errppslimit",
		    "ICMP errors sent a second; 0 none, -1 any number",
		    &iv->iv_icmp_errppslim, -1, 1000000),
		setting("net.inet.icmp.bmcastecho",
		    "Answer echo requests to broadcast addresses",
		    &iv->iv_icmp_bmcastecho, 0, 1),
		setting("net.inet.icmp.rediraccept",
		    "Follow redirects, unless packets are forwarded",
		    &iv->iv_rediraccept, 0, 1),
		setting("net.inet.icmp.redirtimeout",
		    "Seconds after which a route that a redirect made expires",
		    &iv->iv_redirtimeout, 1, INT32_MAX),
		setting("net.inet.icmp.redirmax",
		    "Routes that redirects may make, at most",
		    &iv->iv_redirmax, 0, 65536),
	};
	static const struct sysctl_tree trees[] = {
		{ "net.inet", "IPv4" },
		{ "net.inet.arp", "address resolution, RFC 826" },
		{ "net.inet.arp.count", "neighbours known or asked for, by "
		    "kind" },
		{ "net.inet.icmp", "control messages, RFC 792" },
		{ "net.inet.ip", "packets, RFC 791" },
		{ "net.inet.ip.ifq", "the queue of packets for this host" },
		{ "net.inet.stats", "what was counted" },
		{ "net.inet.stats.arp", "address resolution" },
		{ "net.inet.stats.icmp", "control messages" },
		{ "net.inet.stats.ip", "packets" },
	};
	int error;

	error = add_all(vn, nodes, sizeof(nodes) / sizeof(nodes[0]));
	if (error == 0)
		error = sysctl_add_trees(vn, trees, sizeof(trees) /
		    sizeof(trees[0]));
	return error != 0 ? error : sysctl_add_virtual(vn, &stats);
}

/* No ARP packet at all would be no limit, but a host that nobody can reach. */
static int
maxpps_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	struct arp_vnet *av = vn->vn_arp;
	int64_t v = __atomic_load_n(&av->av_maxpps, __ATOMIC_RELAXED), new;
	int error;

	(void)name;
	(void)arg;
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
		__atomic_store_n(&av->av_maxpps, v, __ATOMIC_RELAXED);
	return error;
}

int
arp_sysctl_init(struct vnet *vn)
{
	static const struct sysctl_virtual counts = {
		.sv_prefix = COUNT_PREFIX,
		.sv_handler = count_handler,
		.sv_next = count_next,
		.sv_descr = count_descr,
	};
	struct arp_vnet *av = vn->vn_arp;
	const struct sysctl_node nodes[] = {
		setting("net.inet.arp.keep",
		    "Seconds an answer is believed", &av->av_keep, 1,
		    ARP_KEEP_MAX),
		setting("net.inet.arp.down",
		    "Seconds before one that did not answer is asked again",
		    &av->av_down, 1, 3600),
		setting("net.inet.arp.maxhold",
		    "Packets that wait for one neighbour's answer, at most",
		    &av->av_maxhold, 0, 1024),
		setting("net.inet.arp.maxentries",
		    "Neighbours of one interface, at most",
		    &av->av_maxentries, 2, ARP_ENTRIES_MAX),
		{ .sn_name = "net.inet.arp.maxpps", .sn_writable = true,
		    .sn_descr = "ARP packets of one interface handled a "
		    "second, 1 or more; -1 any number",
		    .sn_handler = maxpps_handler },
		setting("net.inet.arp.maxincomplete",
		    "Of them, without an answer, at most; no more than half",
		    &av->av_maxincomplete, 0, ARP_ENTRIES_MAX),
		setting("net.inet.arp.maxunused",
		    "Of them, learnt and never used, at most; no more than "
		    "half", &av->av_maxunused, 0, ARP_ENTRIES_MAX),
		setting("net.inet.arp.maxasks",
		    "New neighbours asked for a second on one interface; 0 "
		    "none, -1 any number", &av->av_maxasks, -1, 1000000),
		setting("net.inet.arp.moves",
		    "Another address of a known neighbour is believed: 0 "
		    "never, 1 when asked for, 2 when the old one is silent, "
		    "3 at once", &av->av_moves, ARP_MOVES_NEVER,
		    ARP_MOVES_ALWAYS),
		reading("net.inet.arp.entries",
		    "Neighbours known or asked for", arp_entries_handler, NULL),
	};

	int error;

	error = add_all(vn, nodes, sizeof(nodes) / sizeof(nodes[0]));
	return error != 0 ? error : sysctl_add_virtual(vn, &counts);
}
