/*
 * nd6_sysctl: the settings of neighbour discovery, under NetBSD's names where
 * it has them.
 */

#include "net/if_vnet_impl.h"
#include "netinet/ip_sysctl.h"
#include "netinet6/nd6_impl.h"

#define ND6	"net.inet6.icmp6.nd6_"

int
nd6_sysctl_init(struct vnet *vn)
{
	static const struct sysctl_virtual counts = {
		.sv_prefix = ND6 "count",
		.sv_handler = neigh_count_handler,
		.sv_next = neigh_count_next,
		.sv_descr = neigh_count_descr,
		.sv_arg = (void *)(uintptr_t)&nd6_proto,
	};
	static const struct sysctl_tree trees[] = {
		{ ND6 "count", "neighbours known or asked for, by kind" },
	};
	struct neigh_fam *nf = neigh_fam(vn, DOM_SLOT_INET6);
	const struct sysctl_node nodes[] = {
		setting("net.inet6.ip6.dad_count",
		    "Probes for an address before it is used; 0 none",
		    &vn->vn_nd6->n6_dad_count, 0, ND6_DAD_COUNT_MAX),
		setting(ND6 "reachable",
		    "Seconds an answer is believed, about", &nf->nf_keep, 1,
		    NEIGH_KEEP_MAX / 2),
		setting(ND6 "delay",
		    "Seconds until a stale neighbour that is used is asked, at "
		    "most", &nf->nf_look, 1, NEIGH_LOOK_S),
		setting(ND6 "gctimer",
		    "Seconds until a neighbour that is not used is forgotten",
		    &nf->nf_stale, 1, NEIGH_KEEP_MAX),
		setting(ND6 "down",
		    "Seconds before one that did not answer is asked again",
		    &nf->nf_down, 1, 3600),
		setting(ND6 "mmaxtries",
		    "Solicitations to all stations, at most",
		    &nf->nf_mtries, 1, 100),
		setting(ND6 "umaxtries",
		    "Solicitations to a known station, at most",
		    &nf->nf_utries, 1, 100),
		setting(ND6 "maxqueuelen",
		    "Packets that wait for one neighbour's answer, at most",
		    &nf->nf_maxhold, 0, 1024),
		setting(ND6 "maxentries",
		    "Neighbours of one interface, at most",
		    &nf->nf_maxentries, 2, NEIGH_ENTRIES_MAX),
		{ .sn_name = ND6 "maxpps", .sn_writable = true,
		    .sn_descr = "Messages of neighbour discovery of one "
		    "interface handled a second, 1 or more; -1 any number",
		    .sn_handler = neigh_maxpps_handler,
		    .sn_arg = &nf->nf_maxpps },
		setting(ND6 "maxincomplete",
		    "Of them, without an answer, at most; no more than half",
		    &nf->nf_maxincomplete, 0, NEIGH_ENTRIES_MAX),
		setting(ND6 "maxunused",
		    "Of them, learnt and never used, at most; no more than "
		    "half", &nf->nf_maxunused, 0, NEIGH_ENTRIES_MAX),
		setting(ND6 "maxasks",
		    "New neighbours asked for a second on one interface; 0 "
		    "none, -1 any number", &nf->nf_maxasks, -1, 1000000),
		reading(ND6 "entries", "Neighbours known or asked for",
		    neigh_entries_handler, (void *)(uintptr_t)&nd6_proto),
	};
	int error;

	error = setting_add_all(vn, nodes, sizeof(nodes) / sizeof(nodes[0]));
	if (error == 0)
		error = sysctl_add_trees(vn, trees, sizeof(trees) /
		    sizeof(trees[0]));
	return error != 0 ? error : sysctl_add_virtual(vn, &counts);
}
