/*
 * The oracle's companion: all that can be seen of both is compared.
 */

#include "oracle_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/if_addr_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"

static struct mirror wanted;

static int
text_cmp(const void *a, const void *b)
{

	return strcmp(a, b);
}

/* Fill the mirror with objects announced, by the oracle's state. */
static void
want(const struct oracle *o)
{
	struct mirror *mi = &wanted;
	const struct o_route *ort;
	const struct o_addr *oa;
	const struct o_if *oi;
	char t[O_TEXT];

	mi->mi_n = 0;
	for (unsigned i = 0; i < o->o_nifs; i++) {
		oi = o->o_if[i];
		o_text_if(t, "+", oi->oi_handle, oi->oi_name, oi->oi_up,
		    oi->oi_link, oi->oi_mtu);
		mirror_put(mi, 'i', t + 2);
		for (unsigned j = 0; j < oi->oi_nlladdrs; j++)
			if (oi->oi_lladdr[j] != oi->oi_active) {
				o_text_lladdr(t, "+", oi->oi_handle,
				    oi->oi_lladdr[j]);
				mirror_put(mi, 'a', t + 2);
			}
	}
	for (unsigned i = 0; i < o->o_naddrs; i++) {
		oa = o->o_addr[i];
		o_text_addr(t, "+", oa->oa_if->oi_handle, oa->oa_addr,
		    oa->oa_len, oa->oa_dst);
		mirror_put(mi, 'a', t + 2);
	}
	for (unsigned i = 0; i < o->o_nroutes; i++) {
		ort = o->o_route[i];
		o_text_of(t, "+", ort, o_route_used(o, ort));
		mirror_put(mi, 'r', t + 2);
	}
	qsort(mi->mi_text, mi->mi_n, sizeof(mi->mi_text[0]), text_cmp);
}

void
compare_mirror(struct run *r, struct net *n, struct mirror *mi,
    const char *what)
{

	want(&n->n_o);
	qsort(mi->mi_text, mi->mi_n, sizeof(mi->mi_text[0]), text_cmp);
	for (unsigned i = 0; i < mi->mi_n || i < wanted.mi_n; i++) {
		if (i == mi->mi_n)
			o_fail(r, "%s: %s lacks %s", n->n_name, what,
			    wanted.mi_text[i]);
		if (i == wanted.mi_n)
			o_fail(r, "%s: %s has %s", n->n_name, what,
			    mi->mi_text[i]);
		if (strcmp(mi->mi_text[i], wanted.mi_text[i]) != 0)
			o_fail(r, "%s: %s has %s, not %s", n->n_name, what,
			    mi->mi_text[i], wanted.mi_text[i]);
	}
}

/* A route with several ways has a message for each. */
static int
dump_one(const void *msg, void *arg)
{
	struct mirror *mi = arg;
	char t[O_TEXT];

	describe(msg, t);
	if (strstr(t, " ways") != NULL && mi->mi_n > 0 &&
	    strcmp(mi->mi_text[mi->mi_n - 1] + 2, strchr(t, ' ') + 1) == 0)
		return 0;
	mirror_put(mi, strncmp(t, "info", 4) == 0 ? 'i' :
	    strstr(t, "newaddr") == t ? 'a' : 'r', strchr(t, ' ') + 1);
	return 0;
}

/* All there is, against the oracle; also, what was announced of it. */
void
compare_all(struct run *r, struct net *n)
{
	static struct mirror dump;

	dump.mi_n = 0;
	KASSERT(rtsock_dump(n->n_vn, RTS_LINK | RTS_ADDR | RTS_ROUTE, 0,
	    dump_one, &dump) == 0);
	compare_mirror(r, n, &dump, "the dump");
	compare_mirror(r, n, &n->n_mirror, "the listener");
}

void
compare_lookups(struct run *r, struct net *n)
{
	const struct oracle *o = &n->n_o;
	const struct o_if *oi;
	struct ifnet *ifp;

	if (n->n_vn->vn_if->ifv_count != o->o_nifs)
		o_fail(r, "%u interfaces, not %u", n->n_vn->vn_if->ifv_count,
		    o->o_nifs);
	if (n->n_vn->vn_route->rv_count != o->o_nroutes)
		o_fail(r, "%zu routes, not %u", n->n_vn->vn_route->rv_count,
		    o->o_nroutes);
	pserialize_read_enter();
	for (unsigned i = 0; i < o->o_nifs; i++) {
		oi = o->o_if[i];
		ifp = ifunit(n->n_vn, oi->oi_name);
		if (ifp == NULL || ifp->if_handle != oi->oi_handle ||
		    if_byhandle(n->n_vn, oi->oi_handle) != ifp ||
		    if_byindex(n->n_vn, if_handle_index(oi->oi_handle)) != ifp)
			o_fail(r, "%s is not found", oi->oi_name);
		if (((if_flags_get(ifp) & IFF_UP) != 0) != oi->oi_up ||
		    ifp->if_link_state != oi->oi_link ||
		    ifp->if_mtu != oi->oi_mtu)
			o_fail(r, "%s is in another state", oi->oi_name);
	}
	for (unsigned i = 0; i < n->n_ndead && i < O_NDEAD; i++)
		if (if_byhandle(n->n_vn, n->n_dead[i]) != NULL)
			o_fail(r, "a dead handle finds something");
	for (unsigned i = 0; i < O_NNAMES; i++)
		if (o_if_name(o, o_names[i]) == NULL &&
		    ifunit(n->n_vn, o_names[i]) != NULL)
			o_fail(r, "%s is found", o_names[i]);
	pserialize_read_exit();
}

static bool
has_far_end(const struct oracle *o, uint32_t addr)
{

	for (unsigned i = 0; i < o->o_naddrs; i++)
		if (o->o_addr[i]->oa_if->oi_kind == O_PTP &&
		    o->o_addr[i]->oa_dst == addr)
			return true;
	return false;
}

/* Is a next hop the one of a route's way? */
static bool
is_way(const struct nexthop *nh, const struct o_way *ow)
{

	return (nh->nh_ifp != NULL ? nh->nh_ifp->if_handle : 0) ==
	    (ow->ow_if != NULL ? ow->ow_if->oi_handle : 0);
}

/* Do the flows of a route go by ways that can be used best, and by each of
 * them? */
static bool
goes_by_ways(const struct rt_table *tb, uint32_t addr,
    const struct o_route *ort)
{
	const struct nexthop *group = rt_lookup4_raw(tb, htonl(addr)).fd_nh;
	const struct nexthop *nh;
	bool met[O_NWAYS] = { false }, any;

	if ((group->nh_flags & NH_GROUP) == 0 ||
	    nh_group(group)->gr_n != ort->or_nways)
		return false;
	for (uint32_t b = 0; b < NH_BUCKETS; b++) {
		nh = nh_choose(group, b);
		any = false;
		for (unsigned i = 0; i < ort->or_nways; i++) {
			if (o_way_use(&ort->or_way[i]) != o_route_use(ort) ||
			    !is_way(nh, &ort->or_way[i]))
				continue;
			met[i] = any = true;
		}
		if (!any)
			return false;
	}
	for (unsigned i = 0; i < ort->or_nways; i++)
		if (o_way_use(&ort->or_way[i]) == o_route_use(ort) && !met[i])
			return false;
	return true;
}

/* Read section: where packets go by a table. */
static void
compare_way(struct run *r, struct net *n, const struct rt_table *tb,
    uint32_t addr)
{
	const struct o_route *ort = o_route_lookup(&n->n_o, tb->tb_number,
	    addr);
	struct fwd fd = rt_lookup4(tb, htonl(addr));

	if ((fd.fd_nh == NULL) != (ort == NULL) || (fd.fd_nh != NULL &&
	    !(ort->or_nways == 1 ? is_way(fd.fd_nh, &ort->or_way[0]) :
	    goes_by_ways(tb, addr, ort))))
		o_fail(r, "lookup of the route to %x in table %u", addr,
		    tb->tb_number);
}

void
compare_addr(struct run *r, struct net *n, uint32_t addr)
{
	struct rt_table *tb;
	const struct o_addr *oa = o_addr_find(&n->n_o, addr);
	union test_addr a = o_sa(addr);
	struct ifaddr *ifa;
	struct prefix pf;
	int len;

	pserialize_read_enter();
	ifa = ifa_ifwithaddr(n->n_vn, &a.sa);
	if ((oa == NULL) != (ifa == NULL) || (oa != NULL &&
	    ifa->ifa_ifp->if_handle != oa->oa_if->oi_handle))
		o_fail(r, "lookup of the address %x", addr);
	ifa = ifa_ifwithnet(n->n_vn, &a.sa);
	len = ifa == NULL ? -1 : (int)mask_len(ifa->ifa_netmask);
	if (len != o_net_len(&n->n_o, addr) || (ifa != NULL &&
	    ((o_sa_n(ifa->ifa_addr) ^ addr) & o_mask((unsigned)len)) != 0))
		o_fail(r, "lookup of the network of %x", addr);
	for (unsigned i = 24; i <= 32; i += 2) {
		pf = prefix_of4(addr, i);
		ifa = ifa_ifwithprefix(n->n_vn, &pf);
		oa = o_addr_prefix(&n->n_o, addr, i);
		if ((oa == NULL) != (ifa == NULL) || (oa != NULL &&
		    o_sa_n(ifa->ifa_addr) != oa->oa_addr))
			o_fail(r, "lookup of the prefix %x/%u", addr, i);
	}
	ifa = ifa_ifwithdstaddr(n->n_vn, &a.sa);
	if ((ifa != NULL) != has_far_end(&n->n_o, addr))
		o_fail(r, "lookup of the far end %x", addr);
	compare_way(r, n, rt_main(n->n_vn), addr);
	pserialize_read_exit();
	if (rt_table_hold(n->n_vn, O_TABLE, false, &tb) != 0) {
		if (o_route_lookup(&n->n_o, O_TABLE, addr) != NULL)
			o_fail(r, "there is no table %u", O_TABLE);
		return;
	}
	pserialize_read_enter();
	compare_way(r, n, tb, addr);
	pserialize_read_exit();
	rt_table_drop(tb);
}

/* --- groups, link-level addresses, preferences ---------------------------- */

/* The members of a group, in the order of their indices. */
static void
compare_group(struct run *r, struct net *n, const char *group)
{
	struct {
		struct if_groupreq req;
		char	 name[O_NIFS + 1][IFNAMSIZ];
	} g;
	const struct oracle *o = &n->n_o;
	const struct o_if *next;
	unsigned at = 0, found = 0;
	int error;

	memset(&g, 0, sizeof(g));
	(void)snprintf(g.req.ifgr_group, IFNAMSIZ, "%s", group);
	g.req.ifgr_count = O_NIFS + 1;
	error = ifioctl(n->n_vn, &kauth_cred_self, SIOCGIFGMEMB, &g,
	    sizeof(g));
	for (;; found++) {
		next = NULL;
		for (unsigned i = 0; i < o->o_nifs; i++)
			if (if_handle_index(o->o_if[i]->oi_handle) > at &&
			    o_group_has(o->o_if[i], group) && (next == NULL ||
			    o->o_if[i]->oi_handle % (1u << IF_INDEX_BITS) <
			    if_handle_index(next->oi_handle)))
				next = o->o_if[i];
		if (next == NULL)
			break;
		at = if_handle_index(next->oi_handle);
		if (error != 0 || found >= (unsigned)g.req.ifgr_count ||
		    strcmp(g.name[found], next->oi_name) != 0)
			o_fail(r, "%s: the group %s lacks %s: error %d",
			    n->n_name, group, next->oi_name, error);
	}
	if (error == 0 && found != (unsigned)g.req.ifgr_count)
		o_fail(r, "%s: the group %s has %d members, not %u", n->n_name,
		    group, g.req.ifgr_count, found);
}

static void
compare_lladdrs(struct run *r, const struct o_if *oi, struct ifnet *ifp)
{
	const struct sockaddr_dl *sdl;
	unsigned found = 0;
	struct ifaddr *ifa;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list) {
		sdl = (const struct sockaddr_dl *)(const void *)ifa->ifa_addr;
		if (sdl->sdl_family != AF_LINK || oi->oi_kind != O_ETH)
			continue;
		if (found == oi->oi_nlladdrs ||
		    sdl->sdl_data[5] != oi->oi_lladdr[found] ||
		    sdl->sdl_index != ifp->if_index)
			o_fail(r, "%s: link-level address %u", oi->oi_name,
			    found);
		if ((ifa == ifp->if_dl) !=
		    (oi->oi_active == oi->oi_lladdr[found]) ||
		    (ifa == ifp->if_hwdl) !=
		    (oi->oi_factory == oi->oi_lladdr[found]))
			o_fail(r, "%s: another link-level address is active",
			    oi->oi_name);
		found++;
	}
	if (found != oi->oi_nlladdrs)
		o_fail(r, "%s: %u link-level addresses, not %u", oi->oi_name,
		    found, oi->oi_nlladdrs);
}

static void
compare_preferences(struct run *r, const struct net *n)
{
	const struct o_addr *oa;
	union test_addr a;
	struct ifaddr *ifa;

	for (unsigned i = 0; i < n->n_o.o_naddrs; i++) {
		oa = n->n_o.o_addr[i];
		a = o_sa(oa->oa_addr);
		ifa = ifa_ifwithaddr(n->n_vn, &a.sa);
		if (ifa == NULL || ifa->ifa_preference != oa->oa_preference)
			o_fail(r, "the preference of %x", oa->oa_addr);
	}
}

void
compare_members(struct run *r, struct net *n)
{
	static const char *const groups[] = { "all", "eth", "ptp", "west",
	    "core" };
	struct ifnet *ifp;

	for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		compare_group(r, n, groups[i]);
	pserialize_read_enter();
	for (unsigned i = 0; i < n->n_o.o_nifs; i++) {
		ifp = ifunit(n->n_vn, n->n_o.o_if[i]->oi_name);
		if (ifp == NULL)
			o_fail(r, "%s is not found",
			    n->n_o.o_if[i]->oi_name);
		compare_lladdrs(r, n->n_o.o_if[i], ifp);
	}
	compare_preferences(r, n);
	pserialize_read_exit();
}
