/*
 * ip6_stats: settings and counters of IPv6 and ICMPv6 in the sysctl tree.
 */

#include <errno.h>

#include "netinet/ip_sysctl.h"
#include "netinet/reass.h"
#include "netinet6/ip6_var.h"

#define STATS_PREFIX	"net.inet6.stats"

static const struct stat_name stat_names[] = {
#define X(f, name, text)	{ STATS_PREFIX "." name, text, \
	    offsetof(struct ip6_cpu, i6_stats.f) },
	IP6_STATS(X)
#undef X
};

static const void *
stats_first(const struct vnet *vn)
{

	return vn->vn_ip6->i6_cpu;
}

static const struct stat_set ip6_stat_set = {
	stat_names, sizeof(stat_names) / sizeof(stat_names[0]),
	sizeof(struct ip6_cpu), stats_first
};

static const char *
stats_descr(const char *name)
{

	return stat_set_descr(&ip6_stat_set, name);
}

static int
ifq_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	const struct ip_ifq *iq = &vn->vn_ip6->i6_ifq;

	(void)name;
	return sysctl_handle_quad_ro(op, arg == NULL ? ip_ifq_len(iq) :
	    ip_ifq_drops(iq));
}

int
ip6_sysctl_init(struct vnet *vn)
{
	static const struct sysctl_virtual stats = {
		.sv_prefix = STATS_PREFIX,
		.sv_handler = stat_set_handler,
		.sv_next = stat_set_next,
		.sv_descr = stats_descr,
		.sv_arg = (void *)(uintptr_t)&ip6_stat_set,
	};
	struct ip6_vnet *i6 = vn->vn_ip6;
	const struct sysctl_virtual pmtus = pmtu_tree(&i6->i6_pmtu);
	const struct sysctl_node nodes[] = {
		setting("net.inet6.ip6.forwarding",
		    "Forward packets between interfaces",
		    &i6->i6_forwarding, 0, 1),
		setting("net.inet6.ip6.hlim",
		    "Hop limit of packets from here",
		    &i6->i6_hlim, 1, 255),
		setting("net.inet6.ip6.auto_flowlabel",
		    "Give packets from here a flow label, RFC 6437",
		    &i6->i6_autoflow, 0, 1),
		setting("net.inet6.ip6.rpf",
		    "Sources must belong on the interface they come by: 0 no, "
		    "1 strictly, 2 loosely", &i6->i6_rpf, IF_RPF_OFF,
		    IF_RPF_LOOSE),
		setting("net.inet6.ip6.maxfragpackets",
		    "Packets being put together, at most",
		    &i6->i6_maxfragpackets, 0, REASS_MAXPACKETS),
		setting("net.inet6.ip6.maxfrags",
		    "Fragments held for that, at most",
		    &i6->i6_maxfrags, 0, 65536),
		setting("net.inet6.ip6.mtudisctimeout",
		    "Seconds for which the MTU of a path is believed, RFC 8201",
		    &i6->i6_pmtu.pm_timeout, 1, 86400),
		setting("net.inet6.icmp6.mtudisc_hiwat",
		    "Destinations with a path MTU, at most",
		    &i6->i6_pmtu.pm_hiwat, 0, PMTU_ENTRIES),
		setting("net.inet6.icmp6.mtudisc_lowat",
		    "Of them, before only what quotes a packet that somebody "
		    "waits for an answer to adds one",
		    &i6->i6_pmtu.pm_lowat, 0, PMTU_ENTRIES),
		setting("net.inet6.ip6.ifq.maxlen",
		    "Packets for this host that wait on a CPU, at most",
		    &i6->i6_ifq.iq_maxlen, 1, 65536),
		reading("net.inet6.ip6.ifq.len",
		    "Packets for this host that wait", ifq_handler, NULL),
		reading("net.inet6.ip6.ifq.drops",
		    "Packets for this host dropped for want of room",
		    ifq_handler, i6),
		setting("net.inet6.icmp6.errppslimit",
		    "ICMPv6 errors sent a second; 0 none, -1 any number",
		    &i6->i6_errppslimit, -1, 1000000),
	};
	static const struct sysctl_tree trees[] = {
		{ "net.inet6.icmp6", "control messages, RFC 4443" },
		{ "net.inet6.ip6.ifq", "the queue of packets for this host" },
		{ "net.inet6.pmtu", "path MTUs that routers told" },
		{ STATS_PREFIX, "what was counted" },
		{ STATS_PREFIX ".icmp6", "control messages" },
		{ STATS_PREFIX ".ip6", "packets" },
		{ STATS_PREFIX ".mld", "groups" },
		{ STATS_PREFIX ".nd6", "neighbour discovery" },
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
