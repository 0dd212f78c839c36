/*
 * ip_stats: settings and counters of IPv4, ICMP and ARP in the sysctl tree.
 */

#include <errno.h>
#include <stdio.h>

#include "netinet/arp_var.h"
#include "netinet/ip_sysctl.h"
#include "netinet/reass.h"

#define STATS_PREFIX	"net.inet.stats"

static const struct stat_name stat_names[] = {
#define X(f, name, text)	{ STATS_PREFIX "." name, text, \
	    offsetof(struct ip_stats, f) },
	IP_STATS(X)
#undef X
};

static const void *
stats_first(const struct vnet *vn)
{

	return vn->vn_ip->iv_stats;
}

static const struct stat_set ip_stat_set = {
	stat_names, sizeof(stat_names) / sizeof(stat_names[0]),
	sizeof(struct ip_stats), stats_first
};

static const char *
stats_descr(const char *name)
{

	return stat_set_descr(&ip_stat_set, name);
}

int
stat_set_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	const struct stat_set *ss = arg;
	const char *counters = ss->ss_first(vn);
	const struct stat_name *sn = ss->ss_names;
	uint64_t sum = 0;

	while (sn < ss->ss_names + ss->ss_n && strcmp(sn->sn_name, name) != 0)
		sn++;
	if (sn == ss->ss_names + ss->ss_n)
		return ENOENT;
	for (unsigned i = 0; i < kern_ncpu(vn->vn_kern); i++)
		sum += __atomic_load_n((const uint64_t *)(const void *)
		    (counters + i * ss->ss_bytes + sn->sn_offset),
		    __ATOMIC_RELAXED);
	return sysctl_handle_quad_ro(op, sum);
}

int
stat_set_next(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{
	const struct stat_set *ss = arg;
	const char *best = NULL, *name;

	(void)vn;
	for (size_t i = 0; i < ss->ss_n; i++) {
		name = ss->ss_names[i].sn_name;
		if (strcmp(name, after) > 0 &&
		    (best == NULL || strcmp(name, best) < 0))
			best = name;
	}
	if (best == NULL)
		return ENOENT;
	(void)snprintf(next, SYSCTL_NAMESIZE, "%s", best);
	return 0;
}

const char *
stat_set_descr(const struct stat_set *ss, const char *name)
{

	for (size_t i = 0; i < ss->ss_n; i++)
		if (strcmp(ss->ss_names[i].sn_name, name) == 0)
			return ss->ss_names[i].sn_text;
	return NULL;
}

static int
ifq_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	const struct ip_ifq *iq = &vn->vn_ip->iv_ifq;

	(void)name;
	return sysctl_handle_quad_ro(op, arg == NULL ? ip_ifq_len(iq) :
	    ip_ifq_drops(iq));
}

int
setting_add_all(struct vnet *vn, const struct sysctl_node *node, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = sysctl_add(vn, &node[i]);
	return error;
}

int
ip_sysctl_init(struct vnet *vn)
{
	static const struct sysctl_virtual stats = {
		.sv_prefix = STATS_PREFIX,
		.sv_handler = stat_set_handler,
		.sv_next = stat_set_next,
		.sv_descr = stats_descr,
		.sv_arg = (void *)(uintptr_t)&ip_stat_set,
	};
	struct ip_vnet *iv = vn->vn_ip;
	const struct sysctl_virtual pmtus = pmtu_tree(&iv->iv_pmtu);
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
		    &iv->iv_maxfragpackets, 0, REASS_MAXPACKETS),
		setting("net.inet.ip.maxfrags",
		    "Fragments held for that, at most",
		    &iv->iv_maxfrags, 0, 65536),
		setting("net.inet.ip.mtudisc",
		    "Believe routers that packets from here are too big for "
		    "their path, RFC 1191", &iv->iv_mtudisc, 0, 1),
		setting("net.inet.ip.mtudisctimeout",
		    "Seconds for which they are", &iv->iv_pmtu.pm_timeout, 1,
		    86400),
		setting("net.inet.icmp.mtudisc_hiwat",
		    "Destinations with a path MTU, at most",
		    &iv->iv_pmtu.pm_hiwat, 0, PMTU_ENTRIES),
		setting("net.inet.icmp.mtudisc_lowat",
		    "Of them, before only what quotes a packet that somebody "
		    "waits for an answer to adds one",
		    &iv->iv_pmtu.pm_lowat, 0, PMTU_ENTRIES),
		setting("net.inet.ip.ifq.maxlen",
		    "Packets for this host that wait on a CPU, at most",
		    &iv->iv_ifq.iq_maxlen, 1, 65536),
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
		{ "net.inet.pmtu", "path MTUs that routers told" },
		{ "net.inet.stats", "what was counted" },
		{ "net.inet.stats.arp", "address resolution" },
		{ "net.inet.stats.icmp", "control messages" },
		{ "net.inet.stats.igmp", "groups" },
		{ "net.inet.stats.ip", "packets" },
	};
	int error;

	error = setting_add_all(vn, nodes, sizeof(nodes) / sizeof(nodes[0]));
	if (error == 0)
		error = sysctl_add_trees(vn, trees, sizeof(trees) /
		    sizeof(trees[0]));
	if (error == 0)
		error = sysctl_add_virtual(vn, &pmtus);
	return error != 0 ? error : sysctl_add_virtual(vn, &stats);
}

int
arp_sysctl_init(struct vnet *vn)
{
	static const struct sysctl_virtual counts = {
		.sv_prefix = "net.inet.arp.count",
		.sv_handler = neigh_count_handler,
		.sv_next = neigh_count_next,
		.sv_descr = neigh_count_descr,
		.sv_arg = (void *)(uintptr_t)&arp_proto,
	};
	struct neigh_fam *nf = neigh_fam(vn, DOM_SLOT_INET);
	const struct sysctl_node nodes[] = {
		setting("net.inet.arp.keep",
		    "Seconds an answer is believed", &nf->nf_keep, 1,
		    NEIGH_KEEP_MAX),
		setting("net.inet.arp.down",
		    "Seconds before one that did not answer is asked again",
		    &nf->nf_down, 1, 3600),
		setting("net.inet.arp.maxhold",
		    "Packets that wait for one neighbour's answer, at most",
		    &nf->nf_maxhold, 0, 1024),
		setting("net.inet.arp.maxentries",
		    "Neighbours of one interface, at most",
		    &nf->nf_maxentries, 2, NEIGH_ENTRIES_MAX),
		{ .sn_name = "net.inet.arp.maxpps", .sn_writable = true,
		    .sn_descr = "ARP packets of one interface handled a "
		    "second, 1 or more; -1 any number",
		    .sn_handler = neigh_maxpps_handler,
		    .sn_arg = &nf->nf_maxpps },
		setting("net.inet.arp.maxincomplete",
		    "Of them, without an answer, at most; no more than half",
		    &nf->nf_maxincomplete, 0, NEIGH_ENTRIES_MAX),
		setting("net.inet.arp.maxunused",
		    "Of them, learnt and never used, at most; no more than "
		    "half", &nf->nf_maxunused, 0, NEIGH_ENTRIES_MAX),
		setting("net.inet.arp.maxasks",
		    "New neighbours asked for a second on one interface; 0 "
		    "none, -1 any number", &nf->nf_maxasks, -1, 1000000),
		setting("net.inet.arp.moves",
		    "Another address of a known neighbour is believed: 0 "
		    "never, 1 when asked for, 2 when the old one is silent, "
		    "3 at once", &nf->nf_moves, NEIGH_MOVES_NEVER,
		    NEIGH_MOVES_ALWAYS),
		reading("net.inet.arp.entries", "Neighbours known or asked for",
		    neigh_entries_handler, (void *)(uintptr_t)&arp_proto),
	};
	int error;

	error = setting_add_all(vn, nodes, sizeof(nodes) / sizeof(nodes[0]));
	return error != 0 ? error : sysctl_add_virtual(vn, &counts);
}
