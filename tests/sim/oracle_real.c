/*
 * The interface layer beside its oracle: one operation after the other is done
 * to both, and then all that can be seen of both is compared.
 */

#include "oracle_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/sim/sim.h"
#include "net/route.h"

#define NDEAD	16
#define NNAMES	6

struct run {
	struct host	*r_host;
	struct kern	*r_kern;
	struct vnet	*r_vn;
	struct oracle	 r_o;
	uint64_t	 r_seed;
	const struct op	*r_ops;
	unsigned	 r_nops;
	volatile unsigned *r_at;
	struct rt_listener *r_news;	/* read after every operation */
	struct rt_listener *r_slow;	/* read now and then; NULL */
	uint64_t	*r_log;		/* hashes of all there was to hear */
	size_t		 r_nlog, r_logroom;
	size_t		 r_slow_at;	/* its place in that */
	uint64_t	 r_slow_seq, r_news_seq;
	char		 r_heard[O_NEVENTS][O_TEXT];	/* in this operation */
	unsigned	 r_nheard;
	uint64_t	 r_dead[NDEAD];
	unsigned	 r_ndead;
	struct mirror	 r_mirror, r_wanted;
};

static const char *const names[NNAMES] = {
	"eth1", "ptp2", "west", "east", "a/b", "eth9"
};
static const unsigned lens[] = { 24, 16, 30, 32, 24, 24 };
static const unsigned mtus[] = { 100, 576, 1400, 1500, 9000, 9001 };

static void fail(struct run *, const char *, ...)
    __attribute__((__format__(__printf__, 2, 3), __noreturn__));

static void
fail(struct run *r, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "oracle: operation %u: ", *r->r_at);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	for (unsigned i = 0; i < r->r_o.o_nevents || i < r->r_nheard; i++)
		fprintf(stderr, "  expected %-55s\n  heard    %s\n",
		    i < r->r_o.o_nevents ? r->r_o.o_event[i] : "nothing",
		    i < r->r_nheard ? r->r_heard[i] : "nothing");
	abort();
}

/* --- what is heard -------------------------------------------------------- */

static uint64_t
hash(const char *t)
{
	uint64_t h = 14695981039346656037ull;

	for (; *t != '\0'; t++)
		h = (h ^ (uint8_t)*t) * 1099511628211ull;
	return h;
}

static void
log_put(struct run *r, const char *t)
{

	if (r->r_nlog == r->r_logroom) {
		r->r_logroom = r->r_logroom == 0 ? 4096 : 2 * r->r_logroom;
		r->r_log = realloc(r->r_log, r->r_logroom * sizeof(*r->r_log));
		KASSERT(r->r_log != NULL);
	}
	r->r_log[r->r_nlog++] = hash(t);
}

static void
hear(struct run *r)
{
	union msgbuf mb;
	char *t;

	r->r_nheard = 0;
	while (rt_listener_read(r->r_news, &mb) != 0) {
		if (r->r_nheard == O_NEVENTS)
			fail(r, "too many announcements");
		t = r->r_heard[r->r_nheard++];
		describe(&mb, t);
		if (mb.mb_hdr.rtm_seq != ++r->r_news_seq)
			fail(r, "a gap in the sequence");
		mirror_hear(&r->r_mirror, t);
		log_put(r, t);
	}
}

/* --- comparing ------------------------------------------------------------ */

static int
text_cmp(const void *a, const void *b)
{

	return strcmp(a, b);
}

/* What stands announced after the oracle's state. */
static void
want(struct run *r)
{
	struct mirror *mi = &r->r_wanted;
	const struct oracle *o = &r->r_o;
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
	}
	for (unsigned i = 0; i < o->o_naddrs; i++) {
		oa = o->o_addr[i];
		o_text_addr(t, "+", oa->oa_if->oi_handle, oa->oa_addr,
		    oa->oa_len, oa->oa_dst);
		mirror_put(mi, 'a', t + 2);
	}
	for (unsigned i = 0; i < o->o_nroutes; i++) {
		ort = o->o_route[i];
		o_text_route(t, "+", ort->or_dst, ort->or_len,
		    ort->or_if->oi_handle, ort->or_flags, ort->or_gw,
		    ort->or_addr->oa_addr);
		mirror_put(mi, 'r', t + 2);
	}
	qsort(mi->mi_text, mi->mi_n, sizeof(mi->mi_text[0]), text_cmp);
}

static void
compare_mirror(struct run *r, struct mirror *mi, const char *what)
{

	qsort(mi->mi_text, mi->mi_n, sizeof(mi->mi_text[0]), text_cmp);
	for (unsigned i = 0; i < mi->mi_n || i < r->r_wanted.mi_n; i++) {
		if (i == mi->mi_n)
			fail(r, "%s lacks %s", what, r->r_wanted.mi_text[i]);
		if (i == r->r_wanted.mi_n)
			fail(r, "%s has %s", what, mi->mi_text[i]);
		if (strcmp(mi->mi_text[i], r->r_wanted.mi_text[i]) != 0)
			fail(r, "%s has %s, not %s", what, mi->mi_text[i],
			    r->r_wanted.mi_text[i]);
	}
}

static int
dump_one(const void *msg, void *arg)
{
	char t[O_TEXT];

	describe(msg, t);
	mirror_put(arg, strncmp(t, "info", 4) == 0 ? 'i' :
	    strstr(t, "newaddr") == t ? 'a' : 'r', strchr(t, ' ') + 1);
	return 0;
}

/* All there is, against the oracle; also, what was announced of it. */
static void
compare_all(struct run *r)
{
	static struct mirror dump;

	want(r);
	dump.mi_n = 0;
	KASSERT(rtsock_dump(r->r_vn, RTS_LINK | RTS_ADDR | RTS_ROUTE, 0,
	    dump_one, &dump) == 0);
	compare_mirror(r, &dump, "the dump");
	compare_mirror(r, &r->r_mirror, "the listener");
}

static void
compare_lookups(struct run *r)
{
	const struct oracle *o = &r->r_o;
	const struct o_if *oi;
	struct ifnet *ifp;

	if (r->r_vn->vn_if->ifv_count != o->o_nifs)
		fail(r, "%u interfaces, not %u", r->r_vn->vn_if->ifv_count,
		    o->o_nifs);
	if (r->r_vn->vn_route->rv_count != o->o_nroutes)
		fail(r, "%zu routes, not %u", r->r_vn->vn_route->rv_count,
		    o->o_nroutes);
	pserialize_read_enter();
	for (unsigned i = 0; i < o->o_nifs; i++) {
		oi = o->o_if[i];
		ifp = ifunit(r->r_vn, oi->oi_name);
		if (ifp == NULL || ifp->if_handle != oi->oi_handle ||
		    if_byhandle(r->r_vn, oi->oi_handle) != ifp ||
		    if_byindex(r->r_vn, if_handle_index(oi->oi_handle)) != ifp)
			fail(r, "%s is not found", oi->oi_name);
		if (((if_flags_get(ifp) & IFF_UP) != 0) != oi->oi_up ||
		    ifp->if_link_state != oi->oi_link ||
		    ifp->if_mtu != oi->oi_mtu)
			fail(r, "%s is in another state", oi->oi_name);
	}
	for (unsigned i = 0; i < r->r_ndead && i < NDEAD; i++)
		if (if_byhandle(r->r_vn, r->r_dead[i]) != NULL)
			fail(r, "a dead handle finds something");
	for (unsigned i = 0; i < NNAMES; i++)
		if (o_if_name(o, names[i]) == NULL &&
		    ifunit(r->r_vn, names[i]) != NULL)
			fail(r, "%s is found", names[i]);
	pserialize_read_exit();
}

static void
compare_addr(struct run *r, uint32_t addr)
{
	const struct o_addr *oa = o_addr_find(&r->r_o, addr);
	const struct o_route *ort = o_route_lookup(&r->r_o, addr);
	struct sockaddr_in sin = { .sin_family = AF_INET };
	const struct rtentry *rt;
	struct ifaddr *ifa;
	int len;

	sin.sin_addr.s_addr = htonl(addr);
	pserialize_read_enter();
	ifa = ifa_ifwithaddr(r->r_vn, (struct sockaddr *)&sin);
	if ((oa == NULL) != (ifa == NULL) || (oa != NULL &&
	    ifa->ifa_ifp->if_handle != oa->oa_if->oi_handle))
		fail(r, "lookup of the address %x", addr);
	ifa = ifa_ifwithnet(r->r_vn, (struct sockaddr *)&sin);
	len = ifa == NULL ? -1 : (int)mask_len(ifa->ifa_netmask);
	if (len != o_net_len(&r->r_o, addr) || (ifa != NULL &&
	    ((sin_host(ifa->ifa_addr) ^ addr) & o_mask((unsigned)len)) != 0))
		fail(r, "lookup of the network of %x", addr);
	rt = rt_lookup4(r->r_vn, htonl(addr));
	if ((rt == NULL) != (ort == NULL) || (rt != NULL &&
	    (rt->rt_ifp->if_handle != ort->or_if->oi_handle ||
	    rt->rt_lpm.le_len != ort->or_len)))
		fail(r, "lookup of the route to %x", addr);
	pserialize_read_exit();
}

/* --- the operations, really ----------------------------------------------- */

static int
ifreq(struct run *r, const char *name, unsigned long cmd, int32_t value,
    struct ifreq *ifr)
{

	memset(ifr, 0, sizeof(*ifr));
	(void)snprintf(ifr->ifr_name, IFNAMSIZ, "%s", name);
	ifr->ifr_value = value;
	return ifioctl(r->r_vn, &kauth_cred_self, cmd, ifr, sizeof(*ifr));
}

static int
real_rename(struct run *r, const char *name, const char *new_)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	(void)snprintf(ifr.ifr_name, IFNAMSIZ, "%s", name);
	(void)snprintf(ifr.ifr_text, IFNAMSIZ, "%s", new_);
	return ifioctl(r->r_vn, &kauth_cred_self, SIOCSIFNAME, &ifr,
	    sizeof(ifr));
}

static int
real_addr(struct run *r, const char *name, unsigned long cmd, uint32_t addr,
    unsigned len)
{
	const struct o_if *oi = o_if_name(&r->r_o, name);
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct ifaliasreq ifra;

	memset(&ifra, 0, sizeof(ifra));
	(void)snprintf(ifra.ifra_name, IFNAMSIZ, "%s", name);
	sin.sin_addr.s_addr = htonl(addr);
	memcpy(&ifra.ifra_addr, &sin, sizeof(sin));
	if (oi != NULL && oi->oi_kind == O_PTP) {
		sin.sin_addr.s_addr = htonl(o_far(addr));
		memcpy(&ifra.ifra_dstaddr, &sin, sizeof(sin));
		len = 32;
	}
	sin.sin_addr.s_addr = htonl(o_mask(len));
	memcpy(&ifra.ifra_mask, &sin, sizeof(sin));
	return ifioctl(r->r_vn, &kauth_cred_self, cmd, &ifra, sizeof(ifra));
}

static void
real_link(struct run *r, const char *name, const int *state, unsigned n)
{
	struct psref pr;
	struct ifnet *ifp;

	ifp = if_get(r->r_vn, name, &pr);
	if (ifp == NULL)
		return;		/* no memory for the reference */
	for (unsigned i = 0; i < n; i++)
		if_link_state_change(ifp, state[i]);
	if_put(ifp, &pr);
	for (int i = 0; i < 32; i++)
		kern_run(r->r_kern);
}

static void
snapshot(struct run *r)
{
	static struct mirror mi;
	struct rt_listener *l;
	union msgbuf mb;
	char t[O_TEXT];

	if (rt_listener_open(r->r_vn, RTS_LINK | RTS_ADDR | RTS_ROUTE |
	    RTS_SNAPSHOT, 0, NULL, NULL, &l) != 0)
		return;
	mi.mi_n = 0;
	for (;;) {
		if (rt_listener_read(l, &mb) == 0)
			fail(r, "a snapshot without end");
		if (mb.mb_hdr.rtm_type == RTM_SNAPSHOT_END)
			break;
		describe(&mb, t);
		mirror_put(&mi, strncmp(t, "newaddr", 7) == 0 ? 'a' :
		    strncmp(t, "add", 3) == 0 ? 'r' : 'i',
		    strchr(t, ' ') + 1);
	}
	if (rt_listener_read(l, &mb) != 0)
		fail(r, "news where nothing happened");
	rt_listener_close(l);
	want(r);
	compare_mirror(r, &mi, "the snapshot");
}

static void
slow_read(struct run *r, unsigned n)
{
	union msgbuf mb;
	char t[O_TEXT];

	while (r->r_slow != NULL && n-- > 0) {
		if (rt_listener_read(r->r_slow, &mb) == 0) {
			if (r->r_slow_at != r->r_nlog)
				fail(r, "a slow listener missed something and "
				    "was not told");
			return;
		}
		if (mb.mb_hdr.rtm_seq != ++r->r_slow_seq)
			fail(r, "a gap in a slow listener's sequence");
		if (mb.mb_hdr.rtm_type == RTM_OVERRUN) {
			if (mb.mb_overrun.rto_lost == 0)
				fail(r, "an overrun of nothing");
			r->r_slow_at += mb.mb_overrun.rto_lost;
			continue;
		}
		describe(&mb, t);
		if (r->r_slow_at >= r->r_nlog ||
		    r->r_log[r->r_slow_at++] != hash(t))
			fail(r, "a slow listener was told %s", t);
	}
}

static void
slow_open(struct run *r)
{

	if (r->r_slow != NULL) {
		slow_read(r, UINT32_MAX);
		rt_listener_close(r->r_slow);
		r->r_slow = NULL;
	}
	r->r_slow_at = r->r_nlog;
	r->r_slow_seq = 0;
	if (rt_listener_open(r->r_vn, RTS_LINK | RTS_ADDR | RTS_ROUTE, 0,
	    NULL, NULL, &r->r_slow) != 0)
		r->r_slow = NULL;
}

/* --- one operation -------------------------------------------------------- */

static uint64_t
next_random(uint64_t *s)
{

	*s += 0x9e3779b97f4a7c15ull;
	return khash_u64(*s) | (uint64_t)khash_u64(*s ^ 0x5851f42d4c957f2dull)
	    << 32;
}

void
op_random(uint64_t *seed, struct op *op)
{
	static const uint8_t often[] = {
		OP_CREATE, OP_CREATE, OP_CREATE, OP_DESTROY, OP_DESTROY,
		OP_RENAME, OP_UP, OP_DOWN, OP_MTU, OP_LINK, OP_LINK, OP_ADDR,
		OP_ADDR, OP_ADDR, OP_ADDR, OP_ADDR, OP_ADDR, OP_UNADDR,
		OP_UNADDR, OP_UNADDR, OP_ROUTE, OP_ROUTE, OP_ROUTE,
		OP_REROUTE, OP_UNROUTE, OP_LOOKUP, OP_LOOKUP, OP_READ,
		OP_LISTEN, OP_SNAPSHOT
	};
	uint64_t x = next_random(seed), y = next_random(seed);

	op->op_kind = often[x % sizeof(often)];
	op->op_a = (uint8_t)(x >> 16);
	op->op_b = (uint8_t)(x >> 24);
	op->op_c = (uint32_t)y;
	op->op_fault = (y >> 32) % 8 == 0 ? (uint8_t)(1 + (y >> 40) % 12) : 0;
}

void
op_print(const struct op *op)
{
	static const char *const kind[] = { "create", "destroy", "rename",
	    "up", "down", "mtu", "link", "address", "unaddress", "route",
	    "reroute", "unroute", "lookup", "listen", "read", "snapshot" };

	fprintf(stderr, "  %-10s %3u %3u %08x", kind[op->op_kind], op->op_a,
	    op->op_b, op->op_c);
	if (op->op_fault != 0)
		fprintf(stderr, "  allocation %u fails", op->op_fault);
	fprintf(stderr, "\n");
}

/* 10.0.0-3.1,2,5,6: never a broadcast address of theirs. */
static uint32_t
op_addr(const struct op *op)
{
	static const uint8_t host[] = { 1, 2, 5, 6 };

	return 0x0a000000u | (op->op_c >> 4 & 3) << 8 | host[op->op_c & 3];
}

static uint32_t
op_dst(const struct op *op)
{

	return 0xac100000u | (op->op_c >> 8 & 7) << 8;
}

static void
op_create_name(const struct op *op, char name[IFNAMSIZ])
{

	memset(name, 0, IFNAMSIZ);
	(void)snprintf(name, IFNAMSIZ, "%s", o_kind_name[op->op_b % 3 == 0 ?
	    O_PTP : O_ETH]);
	if (op->op_b & 0x80)
		name[3] = (char)('0' + (op->op_b >> 4 & 7));
}

struct outcome {
	int		 oc_real, oc_wanted;
	bool		 oc_nomem;	/* nothing happened, for that reason */
};

static void
do_create(struct run *r, const struct op *op, struct outcome *oc)
{
	char real[IFNAMSIZ], name[IFNAMSIZ];
	struct o_if *oi;
	struct ifreq ifr;

	op_create_name(op, real);
	memcpy(name, real, sizeof(name));
	oc->oc_real = if_clone_create(r->r_vn, real, NULL);
	oc->oc_nomem = oc->oc_real == ENOMEM;
	if (oc->oc_nomem)
		return;
	oc->oc_wanted = o_create(&r->r_o, name);
	sim_fail_alloc(r->r_host, 0);
	if (oc->oc_wanted != 0 || oc->oc_real != 0)
		return;
	if (strcmp(real, name) != 0)
		fail(r, "%s was made and not %s", real, name);
	KASSERT(ifreq(r, real, SIOCGIFINDEX, 0, &ifr) == 0);
	oi = o_if_name(&r->r_o, name);
	for (unsigned i = 0; i < r->r_ndead && i < NDEAD; i++)
		if (r->r_dead[i] == ifr.ifr_index)
			fail(r, "a handle came back");
	o_arrived(&r->r_o, oi, ifr.ifr_index);
}

static void
do_destroy(struct run *r, const char *name, struct outcome *oc)
{
	const struct o_if *oi = o_if_name(&r->r_o, name);
	uint64_t handle = oi == NULL ? 0 : oi->oi_handle;

	oc->oc_real = if_clone_destroy(r->r_vn, name);
	oc->oc_nomem = oc->oc_real == ENOMEM;
	if (oc->oc_nomem)
		return;
	oc->oc_wanted = o_destroy(&r->r_o, name);
	if (oc->oc_wanted == 0)
		r->r_dead[r->r_ndead++ % NDEAD] = handle;
}

static void
do_link(struct run *r, const struct op *op, const char *name,
    struct outcome *oc)
{
	uint32_t flaps = op->op_c;
	int state[8];
	unsigned n = 1 + (op->op_b & 7);

	for (unsigned i = 0; i < n; i++, flaps >>= 2)
		state[i] = (int)(flaps % 3);
	sim_fail_alloc(r->r_host, 0);
	real_link(r, name, state, n);
	oc->oc_real = oc->oc_wanted = 0;
	o_link(&r->r_o, name, state, n);
}

static void
do_route(struct run *r, const struct op *op, struct outcome *oc)
{
	struct rt_info ri = {
		.ri_dst = htonl(op_dst(op)),
		.ri_len = 24,
		.ri_flags = RTF_STATIC,
		.ri_gw = htonl(op_addr(op)),
	};

	switch (op->op_kind) {
	case OP_ROUTE:
		oc->oc_real = rt_add(r->r_vn, &ri);
		break;
	case OP_REROUTE:
		oc->oc_real = rt_change(r->r_vn, &ri);
		break;
	default:
		oc->oc_real = rt_delete(r->r_vn, &ri);
	}
	oc->oc_nomem = oc->oc_real == ENOMEM;
	if (oc->oc_nomem)
		return;
	switch (op->op_kind) {
	case OP_ROUTE:
		oc->oc_wanted = o_route_add(&r->r_o, op_dst(op), 24,
		    op_addr(op));
		break;
	case OP_REROUTE:
		oc->oc_wanted = o_route_change(&r->r_o, op_dst(op), 24,
		    op_addr(op));
		break;
	default:
		oc->oc_wanted = o_route_delete(&r->r_o, op_dst(op), 24);
	}
}

/* What is done to an interface that stands there by name. */
static void
do_request(struct run *r, const struct op *op, const char *name,
    struct outcome *oc)
{
	const char *new_ = names[op->op_b % NNAMES];
	unsigned len = lens[op->op_b % 6], mtu = mtus[op->op_b % 6];
	uint32_t addr = op_addr(op);
	struct oracle *o = &r->r_o;
	struct ifreq ifr;

	switch (op->op_kind) {
	case OP_RENAME:
		oc->oc_real = real_rename(r, name, new_);
		break;
	case OP_UP:
	case OP_DOWN:
		oc->oc_real = ifreq(r, name, SIOCSIFFLAGS,
		    op->op_kind == OP_UP ? IFF_UP : 0, &ifr);
		break;
	case OP_MTU:
		oc->oc_real = ifreq(r, name, SIOCSIFMTU, (int32_t)mtu, &ifr);
		break;
	default:
		oc->oc_real = real_addr(r, name, op->op_kind == OP_ADDR ?
		    SIOCAIFADDR : SIOCDIFADDR, addr, len);
	}
	oc->oc_nomem = oc->oc_real == ENOMEM;
	if (oc->oc_nomem)
		return;
	switch (op->op_kind) {
	case OP_RENAME:
		oc->oc_wanted = o_rename(o, name, new_);
		break;
	case OP_UP:
	case OP_DOWN:
		oc->oc_wanted = o_flags(o, name, op->op_kind == OP_UP);
		break;
	case OP_MTU:
		oc->oc_wanted = o_mtu(o, name, mtu);
		break;
	case OP_ADDR:
		oc->oc_wanted = o_addr_add(o, name, addr, len);
		break;
	default:
		oc->oc_wanted = o_addr_delete(o, name, addr);
	}
}

static void
do_op(struct run *r, const struct op *op, struct outcome *oc)
{
	struct oracle *o = &r->r_o;
	char name[IFNAMSIZ] = "none0";

	if (o->o_nifs > 0 && op->op_a != 255)
		memcpy(name, o->o_if[op->op_a % o->o_nifs]->oi_name,
		    IFNAMSIZ);
	switch (op->op_kind) {
	case OP_CREATE:
		if (o->o_nifs < O_NIFS)
			do_create(r, op, oc);
		break;
	case OP_DESTROY:
		do_destroy(r, name, oc);
		break;
	case OP_LINK:
		do_link(r, op, name, oc);
		break;
	case OP_ROUTE:
	case OP_REROUTE:
	case OP_UNROUTE:
		do_route(r, op, oc);
		break;
	case OP_LOOKUP:
		compare_addr(r, op_addr(op));
		compare_addr(r, o_far(op_addr(op)));
		compare_addr(r, op_dst(op) | 7);
		break;
	case OP_LISTEN:
		slow_open(r);
		break;
	case OP_READ:
		slow_read(r, op->op_b % 16);
		break;
	case OP_SNAPSHOT:
		snapshot(r);
		break;
	default:
		do_request(r, op, name, oc);
	}
}

static void
step(struct run *r, const struct op *op)
{
	struct outcome oc = { 0, 0, false };
	bool failed;

	r->r_o.o_nevents = 0;
	sim_fail_alloc(r->r_host, op->op_fault);
	do_op(r, op, &oc);
	failed = op->op_fault != 0 && sim_alloc_failed(r->r_host);
	sim_fail_alloc(r->r_host, 0);
	hear(r);
	if (oc.oc_nomem) {
		if (!failed)
			fail(r, "ENOMEM without a reason");
		/* Told and taken back, perhaps; in sum, nothing. */
		compare_all(r);
	} else {
		if (oc.oc_real != oc.oc_wanted)
			fail(r, "error %d, not %d", oc.oc_real, oc.oc_wanted);
		if (failed) {
			/* Done in spite of it, perhaps not at the first try. */
			compare_all(r);
			return;
		}
		if (r->r_nheard != r->r_o.o_nevents)
			fail(r, "%u announcements, not %u", r->r_nheard,
			    r->r_o.o_nevents);
		for (unsigned i = 0; i < r->r_nheard; i++)
			if (strcmp(r->r_heard[i], r->r_o.o_event[i]) != 0)
				fail(r, "announcement %u", i);
	}
	compare_lookups(r);
	if (*r->r_at % 16 == 0)
		compare_all(r);
}

static void
run_main(void *arg)
{
	struct run *r = arg;
	struct kern_config kc;

	memset(&kc, 0, sizeof(kc));
	kc.kc_mbufs = 512;
	kc.kc_subsys = oracle_subsys;
	KASSERT(kern_create(r->r_host, &kc, &r->r_kern) == 0);
	KASSERT(vnet_create_named(r->r_kern, "test", &r->r_vn) == 0);
	r->r_vn = vnet_get(r->r_kern, "test");
	KASSERT(rt_listener_open(r->r_vn, RTS_LINK | RTS_ADDR | RTS_ROUTE,
	    1 << 20, NULL, NULL, &r->r_news) == 0);
	for (unsigned i = 0; i < r->r_nops; i++) {
		*r->r_at = i;
		step(r, &r->r_ops[i]);
	}
	r->r_o.o_nevents = r->r_nheard = 0;
	compare_all(r);
	if (r->r_slow != NULL) {
		slow_read(r, UINT32_MAX);
		rt_listener_close(r->r_slow);
	}
	rt_listener_close(r->r_news);
	vnet_destroy_held(r->r_vn);
	KASSERT(mbuf_free_count(r->r_kern) == mbuf_total(r->r_kern));
	kern_destroy(r->r_kern);
}

void
oracle_run(uint64_t seed, const struct op *ops, unsigned n,
    volatile unsigned *at)
{
	struct sim_config sc = { .sc_seed = seed, .sc_quiet = true };
	struct run *r;

	r = calloc(1, sizeof(*r));
	KASSERT(r != NULL);
	r->r_host = sim_create(&sc);
	KASSERT(r->r_host != NULL);
	r->r_ops = ops;
	r->r_nops = n;
	r->r_at = at;
	KASSERT(sim_run(r->r_host, run_main, r) == 0);
	KASSERT(sim_allocated(r->r_host) == 0);
	sim_destroy(r->r_host);
	o_free(&r->r_o);
	free(r->r_log);
	free(r);
}
