/*
 * The oracle's companion: one operation, done to both.
 */

#include <ifnet/if_clone.h>

#include "oracle_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/sim/sim.h"
#include "net/route.h"

static int
ifreq(struct net *n, const char *name, unsigned long cmd, int32_t value,
    struct ifreq *ifr)
{

	memset(ifr, 0, sizeof(*ifr));
	(void)snprintf(ifr->ifr_name, IFNAMSIZ, "%s", name);
	ifr->ifr_value = value;
	return ifioctl(n->n_vn, &kauth_cred_self, cmd, ifr, sizeof(*ifr));
}

/* Rename it, or move it. */
static int
real_text(struct net *n, const char *name, unsigned long cmd,
    const char *text)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	(void)snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	(void)snprintf(ifr.ifr_text, IFNAMSIZ, "%s", text);
	return ifioctl(n->n_vn, &kauth_cred_self, cmd, &ifr, sizeof(ifr));
}

static int
real_addr(struct net *n, const char *name, unsigned long cmd, uint32_t addr,
    unsigned len)
{
	const struct o_if *oi = o_if_name(&n->n_o, name);
	struct ifaliasreq ifra;
	union test_addr a = o_sa(addr);

	memset(&ifra, 0, sizeof(ifra));
	(void)snprintf(ifra.ifra_name, IFNAMSIZ, "%s", name);
	memcpy(&ifra.ifra_addr, &a, TEST_SALEN);
	/* By the address; a mask would be compared. */
	if (cmd == SIOCDIFADDR)
		return ifioctl(n->n_vn, &kauth_cred_self, cmd, &ifra,
		    sizeof(ifra));
	if (oi != NULL && oi->oi_kind == O_PTP) {
		a = o_sa(o_far(addr));
		memcpy(&ifra.ifra_dstaddr, &a, TEST_SALEN);
		len = 32;
	}
	a = o_sa(o_mask(len));
	memcpy(&ifra.ifra_mask, &a, TEST_SALEN);
	return ifioctl(n->n_vn, &kauth_cred_self, cmd, &ifra, sizeof(ifra));
}

static void
real_link(struct run *r, struct net *n, const char *name, const int *state,
    unsigned count)
{
	struct psref pr;
	struct ifnet *ifp;

	ifp = if_get(n->n_vn, name, &pr);
	if (ifp == NULL)
		return;		/* there is none */
	for (unsigned i = 0; i < count; i++)
		if_link_state_change(ifp, state[i]);
	if_put(ifp, &pr);
	o_settle(r);
}

static int
real_lladdr(struct net *n, const char *name, unsigned long cmd, uint8_t last,
    bool active)
{
	struct if_laddrreq iflr;
	struct sockaddr_dl *sdl = (struct sockaddr_dl *)&iflr.iflr_addr;

	memset(&iflr, 0, sizeof(iflr));
	(void)snprintf(iflr.iflr_name, IFNAMSIZ, "%s", name);
	iflr.iflr_flags = active ? IFLR_ACTIVE : 0;
	sdl->sdl_family = AF_LINK;
	sdl->sdl_alen = 6;
	sdl->sdl_data[0] = 2;
	sdl->sdl_data[5] = last;
	return ifioctl(n->n_vn, &kauth_cred_self, cmd, &iflr, sizeof(iflr));
}

static int
real_group(struct net *n, const char *name, unsigned long cmd,
    const char *group)
{
	struct if_groupreq ifgr;

	memset(&ifgr, 0, sizeof(ifgr));
	(void)snprintf(ifgr.ifgr_name, IFNAMSIZ, "%s", name);
	(void)snprintf(ifgr.ifgr_group, IFNAMSIZ, "%s", group);
	return ifioctl(n->n_vn, &kauth_cred_self, cmd, &ifgr, sizeof(ifgr));
}

static int
real_preference(struct net *n, const char *name, uint32_t addr,
    int32_t preference)
{
	struct if_addrprefreq ifap;
	union test_addr a = o_sa(addr);

	memset(&ifap, 0, sizeof(ifap));
	(void)snprintf(ifap.ifap_name, IFNAMSIZ, "%s", name);
	ifap.ifap_preference = preference;
	memcpy(&ifap.ifap_addr, &a, TEST_SALEN);
	return ifioctl(n->n_vn, &kauth_cred_self, SIOCSIFADDRPREF, &ifap,
	    sizeof(ifap));
}

/* An interface that came has the handle that it has. */
static void
learn_handle(struct run *r, struct net *n, const char *name)
{
	struct ifreq ifr;

	KASSERT(ifreq(n, name, SIOCGIFINDEX, 0, &ifr) == 0);
	for (unsigned i = 0; i < n->n_ndead && i < O_NDEAD; i++)
		if (n->n_dead[i] == ifr.ifr_index)
			o_fail(r, "a handle came back");
	o_arrived(&n->n_o, o_if_name(&n->n_o, name), ifr.ifr_index);
}

static void
do_create(struct run *r, struct net *n, const struct op *op,
    struct outcome *oc)
{
	char real[IFNAMSIZ], name[IFNAMSIZ];

	op_create_name(op, real);
	memcpy(name, real, sizeof(name));
	oc->oc_real = if_clone_create(n->n_vn, real, NULL);
	oc->oc_nomem = oc->oc_real == ENOMEM;
	if (oc->oc_nomem)
		return;
	oc->oc_wanted = o_create(&n->n_o, name);
	sim_fail_alloc(r->r_host, 0);
	if (oc->oc_wanted != 0 || oc->oc_real != 0)
		return;
	if (strcmp(real, name) != 0)
		o_fail(r, "%s was made and not %s", real, name);
	learn_handle(r, n, name);
}

static void
do_destroy(struct net *n, const char *name, struct outcome *oc)
{
	const struct o_if *oi = o_if_name(&n->n_o, name);
	uint64_t handle = oi == NULL ? 0 : oi->oi_handle;

	oc->oc_real = if_clone_destroy(n->n_vn, name);
	oc->oc_nomem = oc->oc_real == ENOMEM;
	if (oc->oc_nomem)
		return;
	oc->oc_wanted = o_destroy(&n->n_o, name);
	if (oc->oc_wanted == 0)
		n->n_dead[n->n_ndead++ % O_NDEAD] = handle;
}

static void
do_link(struct run *r, struct net *n, const struct op *op,
    const char *name, struct outcome *oc)
{
	uint32_t flaps = op->op_c;
	int state[2 * O_LINKQ];
	/* More than can wait, where nobody takes them meanwhile. */
	unsigned count = 1 + op->op_b % (r->r_ncpu == 0 ? 2 * O_LINKQ :
	    O_LINKQ);

	for (unsigned i = 0; i < count; i++, flaps >>= 2)
		state[i] = (int)(flaps % 3);
	sim_fail_alloc(r->r_host, 0);
	real_link(r, n, name, state, count);
	oc->oc_real = oc->oc_wanted = 0;
	o_link(&n->n_o, name, state, count);
}

/* Three metrics, and where it can be none. */
static uint32_t
op_metric(const struct op *op)
{
	uint32_t metric = op->op_b >> 4 & 3;

	/* The network of an address takes one without a metric in its place,
	 * and is changed and deleted by hand. */
	if (op_dst_near(op))
		return 1;
	return metric != 3 ? metric :
	    op->op_kind == OP_ROUTE || op->op_kind == OP_WAY ? 0 : O_ANY;
}

/* Gateways of routes to networks of addresses are on no network with a greater
 * number: none leads in a circle. */
static uint32_t
op_gw(const struct op *op)
{
	uint32_t gw = op_addr(op), dst = op_dst(op);

	if (op_dst_near(op) && (gw >> 8 & 3) > (dst >> 8 & 3))
		gw = (gw & ~0x300u) | (dst & 0x300);
	return gw;
}

static void
do_route(struct net *n, const struct op *op, struct outcome *oc)
{
	uint32_t metric = op_metric(op);
	struct rt_info ri = {
		.ri_dst.na_4 = htonl(op_dst(op)),
		.ri_len = 24,
		.ri_flags = RTF_STATIC,
		.ri_gw.na_4 = htonl(op_gw(op)),
		.ri_given = metric != O_ANY ? RTV_METRIC : 0,
		.ri_metric = metric != O_ANY ? metric : 0,
		.ri_table = op_table(op),
	};

	switch (op->op_kind) {
	case OP_ROUTE:
		oc->oc_real = rt_add(n->n_vn, &ri);
		break;
	case OP_REROUTE:
		oc->oc_real = rt_change(n->n_vn, &ri);
		break;
	case OP_WAY:
		ri.ri_given |= RTV_MPATH;
		oc->oc_real = rt_add_way(n->n_vn, &ri);
		break;
	case OP_UNWAY:
		oc->oc_real = rt_delete(n->n_vn, &ri);
		break;
	default:
		/* By its destination; a gateway would be compared. */
		ri.ri_gw.na_4 = 0;
		oc->oc_real = rt_delete(n->n_vn, &ri);
	}
	oc->oc_nomem = oc->oc_real == ENOMEM;
	if (oc->oc_nomem)
		return;
	switch (op->op_kind) {
	case OP_ROUTE:
		oc->oc_wanted = o_route_add(&n->n_o, op_table(op),
		    op_dst(op), 24, op_gw(op), metric);
		break;
	case OP_REROUTE:
		oc->oc_wanted = o_route_change(&n->n_o, op_table(op),
		    op_dst(op), 24, op_gw(op), metric);
		break;
	case OP_WAY:
		oc->oc_wanted = o_way_add(&n->n_o, op_table(op), op_dst(op),
		    24, op_gw(op), metric);
		break;
	case OP_UNWAY:
		oc->oc_wanted = o_way_delete(&n->n_o, op_table(op),
		    op_dst(op), 24, op_gw(op), metric);
		break;
	default:
		oc->oc_wanted = o_route_delete(&n->n_o, op_table(op),
		    op_dst(op), 24, metric);
	}
}

static void
do_move(struct run *r, struct net *n, const struct op *op, const char *name,
    struct outcome *oc)
{
	struct net *to = &r->r_net[op->op_b % O_NVNETS];
	const struct o_if *oi = o_if_name(&n->n_o, name);
	uint64_t handle = oi == NULL ? 0 : oi->oi_handle;

	if (to != n && to->n_o.o_nifs == O_NIFS)
		return;
	oc->oc_real = real_text(n, name, SIOCSIFVNET, to->n_name);
	oc->oc_nomem = oc->oc_real == ENOMEM;
	if (oc->oc_nomem)
		return;
	sim_fail_alloc(r->r_host, 0);
	oc->oc_wanted = o_move(&n->n_o, &to->n_o, name);
	if (oc->oc_wanted != 0 || oc->oc_real != 0 || to == n)
		return;
	n->n_dead[n->n_ndead++ % O_NDEAD] = handle;
	learn_handle(r, to, name);
}

/* Make the request of an operation, about an interface by name. */
static int
request(struct net *n, const struct op *op, const char *name)
{
	struct ifreq ifr;

	switch (op->op_kind) {
	case OP_RENAME:
		return real_text(n, name, SIOCSIFNAME,
		    o_names[op->op_b % O_NNAMES]);
	case OP_UP:
	case OP_DOWN:
		return ifreq(n, name, SIOCSIFFLAGS,
		    op->op_kind == OP_UP ? IFF_UP : 0, &ifr);
	case OP_MTU:
		return ifreq(n, name, SIOCSIFMTU, (int32_t)op_mtu(op), &ifr);
	case OP_GROUP:
	case OP_UNGROUP:
		return real_group(n, name, op->op_kind == OP_GROUP ?
		    SIOCAIFGROUP : SIOCDIFGROUP, op_group(op));
	case OP_LLADDR:
	case OP_UNLLADDR:
		return real_lladdr(n, name, op->op_kind == OP_LLADDR ?
		    SIOCALIFADDR : SIOCDLIFADDR, op_lladdr(op),
		    op->op_c & 1);
	case OP_PREFER:
		return real_preference(n, name, op_addr(op), op->op_b);
	default:
		return real_addr(n, name, op->op_kind == OP_ADDR ?
		    SIOCAIFADDR : SIOCDIFADDR, op_addr(op), op_len(op));
	}
}

static int
oracle_request(struct oracle *o, const struct op *op, const char *name)
{

	switch (op->op_kind) {
	case OP_RENAME:
		return o_rename(o, name, o_names[op->op_b % O_NNAMES]);
	case OP_UP:
	case OP_DOWN:
		return o_flags(o, name, op->op_kind == OP_UP);
	case OP_MTU:
		return o_mtu(o, name, op_mtu(op));
	case OP_GROUP:
	case OP_UNGROUP:
		return o_group(o, name, op_group(op),
		    op->op_kind == OP_GROUP);
	case OP_LLADDR:
	case OP_UNLLADDR:
		return o_lladdr(o, name, op_lladdr(op),
		    op->op_kind == OP_LLADDR, op->op_c & 1);
	case OP_PREFER:
		return o_preference(o, name, op_addr(op), op->op_b);
	case OP_ADDR:
		return o_addr_add(o, name, op_addr(op), op_len(op));
	default:
		return o_addr_delete(o, name, op_addr(op));
	}
}

/* An address on several interfaces, which the oracle knows nothing of. */
static bool
would_share(const struct oracle *o, const struct op *op, const char *name)
{
	const struct o_if *oi = o_if_name(o, name);
	const struct o_addr *oa = o_addr_find(o, op_addr(op));

	return op->op_kind == OP_ADDR && oi != NULL && oa != NULL &&
	    oa->oa_if != oi && (oi->oi_kind == O_PTP ||
	    oa->oa_if->oi_kind == O_PTP || op_len(op) == 32 ||
	    oa->oa_len == 32);
}

void
o_do(struct run *r, struct net *n, const struct op *op, struct outcome *oc)
{
	struct oracle *o = &n->n_o;
	char name[IFNAMSIZ] = "none0";

	if (o->o_nifs > 0 && op->op_a != 255)
		memcpy(name, o->o_if[op->op_a % o->o_nifs]->oi_name,
		    IFNAMSIZ);
	switch (op->op_kind) {
	case OP_CREATE:
		if (o->o_nifs < O_NIFS)
			do_create(r, n, op, oc);
		break;
	case OP_DESTROY:
		do_destroy(n, name, oc);
		break;
	case OP_MOVE:
		do_move(r, n, op, name, oc);
		break;
	case OP_LINK:
		do_link(r, n, op, name, oc);
		break;
	case OP_ROUTE:
	case OP_REROUTE:
	case OP_UNROUTE:
	case OP_WAY:
	case OP_UNWAY:
		do_route(n, op, oc);
		break;
	case OP_SEND:
	case OP_RECEIVE:
	case OP_BUSY:
		o_do_packets(r, n, op, name);
		break;
	case OP_LOOKUP:
		compare_addr(r, n, op_addr(op));
		compare_addr(r, n, o_far(op_addr(op)));
		compare_addr(r, n, op_dst(op) | 7);
		break;
	case OP_LISTEN:
		slow_open(r, n, (size_t)(op->op_b & 3) << 12);
		break;
	case OP_READ:
		slow_read(r, n, op->op_b % 16);
		break;
	case OP_SNAPSHOT:
		snapshot(r, n);
		break;
	case OP_WAIT:
		__atomic_store_n(&r->r_waits, 1, __ATOMIC_RELAXED);
		host_sleep(r->r_host, (uint64_t)op->op_b * 20000000);
		__atomic_store_n(&r->r_waits, 0, __ATOMIC_RELAXED);
		break;
	default:
		if (would_share(o, op, name))
			break;
		oc->oc_real = request(n, op, name);
		oc->oc_nomem = oc->oc_real == ENOMEM;
		if (!oc->oc_nomem)
			oc->oc_wanted = oracle_request(o, op, name);
	}
}
