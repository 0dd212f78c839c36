/*
 * Benchmarks that run inside one process: forwarding from pg0 to pg1, lookups,
 * creation of interfaces.  Prints one JSON object a line, a sample each:
 * {"name": ..., "unit": ..., "value": ...}; bench/run makes rows of them.
 *
 *	bench_core fwd SECONDS [DSTS]
 *	bench_core table SECONDS ROUTES
 *	bench_core table6 SECONDS ROUTES
 *	bench_core lookup COUNT
 *	bench_core create COUNT
 *	bench_core follow FOLLOWERS
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ifnet/if_clone.h>
#include <ifnet/stack.h>

#include "kern/kern_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "net/rtsock.h"
#include "prefixes.h"

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* "lookup-name-100k" */
static const char *
row_name(const char *what, unsigned count)
{
	static char name[64];

	if (count >= 1000 && count % 1000 == 0)
		snprintf(name, sizeof(name), "%s-%uk", what, count / 1000);
	else
		snprintf(name, sizeof(name), "%s-%u", what, count);
	return name;
}

static void
sample(const char *name, const char *unit, double value)
{

	printf("{\"name\": \"%s\", \"unit\": \"%s\", \"value\": %.3f}\n", name,
	    unit, value);
	fflush(stdout);
}

static void
command(struct vnet *vn, const char *line)
{
	struct ifnet_error e;
	char *output = NULL;

	if (vnet_command_output(vn, line, &output, &e) != 0)
		errx(1, "%s: %s", line, e.text);
	free(output);	/* stdout is for samples */
}

static struct ifnet_stack *
stack(struct vnet **vn)
{
	struct ifnet_stack_config config = { .ncpu = 0, .mbufs = 8192 };
	struct ifnet_stack *st;
	struct ifnet_error e;

	st = ifnet_stack_create(&config, &e);
	if (st == NULL || (*vn = vnet_create(st, "bench", &e)) == NULL)
		errx(1, "%s", e.text);
	return st;
}

/* --- forwarding ----------------------------------------------------------- */

/* Run for a time, and print the clocks per packet of each stage and of all
 * together. */
static void
fwd_measure(struct ifnet_stack *st, struct vnet *vn, unsigned seconds,
    const char *name)
{
	struct cpu_stage_stats before[STAGE_MAX], *ss;
	uint64_t end, packets, clocks;
	struct cpu *ci;
	char line[128];
	double total = 0, each;

	ci = kern_cpu(vn->vn_kern, 0);
	end = now_ns() + 200000000;		/* caches and tables warm */
	while (now_ns() < end)
		ifnet_stack_run(st);
	memcpy(before, ci->ci_stage, sizeof(before));
	end = now_ns() + (uint64_t)seconds * 1000000000u;
	while (now_ns() < end)
		ifnet_stack_run(st);
	ss = ci->ci_stage;
	packets = ss[STAGE_TRANSMIT].ss_packets -
	    before[STAGE_TRANSMIT].ss_packets;
	if (packets == 0)
		errx(1, "nothing was forwarded");
	for (unsigned i = STAGE_IF_INPUT; i <= STAGE_TRANSMIT; i++) {
		clocks = ss[i].ss_clocks - before[i].ss_clocks;
		each = (double)clocks / (double)packets;
		total += each;
		snprintf(line, sizeof(line), "%s:%s", name,
		    cpu_stage_name((enum cpu_stage)i));
		sample(line, "clocks/packet", each);
	}
	sample(name, "clocks/packet", total);
}

static void
bench_fwd(unsigned seconds, unsigned dsts)
{
	struct ifnet_stack *st;
	struct vnet *vn;
	char line[128];

	st = stack(&vn);
	snprintf(line, sizeof(line),
	    "ifconfig pg0 create dst 10.2.0.2 src 10.0.1.2 dsts %u", dsts);
	command(vn, line);
	command(vn, "ifconfig pg1 create");
	command(vn, "sysctl -w net.inet.ip.forwarding=1");
	command(vn, "ifconfig pg1 inet 10.0.2.1/24 up");
	command(vn, "arp -s 10.0.2.2 02:00:00:00:00:02");
	command(vn, "route add -net 10.2.0.0/16 10.0.2.2");
	command(vn, "ifconfig pg0 inet 10.0.1.1/24 up");

	fwd_measure(st, vn, seconds,
	    dsts > 1 ? "fwd-1-spread" : "fwd-1");
	command(vn, "ifconfig pg0 down");
	ifnet_stack_destroy(st);
}

/* --- a table of many routes -------------------------------------------- */

#define GATEWAYS	200
#define GEN_BASE	0x0a000202u	/* 10.0.2.2, the first gateway */

/* The generator of packets: a work that schedules itself. */
static struct gen {
	struct cpu_work	 g_work;	/* first */
	struct ifnet	*g_ifp;
	uint32_t	*g_dst;		/* host order */
	unsigned	 g_n, g_next;
	uint8_t		 g_frame[60];
	bool		 g_stop;
} gen;

/* Choose a destination in each route, in the order in which the routes were
 * made. */
static void
make_routes(struct vnet *vn, unsigned n)
{
	struct rt_info ri;
	uint32_t addr, mask;
	unsigned i = 0;

	gen.g_dst = calloc(n, sizeof(*gen.g_dst));
	if (gen.g_dst == NULL)
		err(1, NULL);
	memset(&ri, 0, sizeof(ri));
	ri.ri_flags = RTF_STATIC;
	while (i < n) {
		ri.ri_len = random_len();
		mask = UINT32_MAX << (32 - ri.ri_len);
		addr = (uint32_t)next_random();
		if (!usable(addr, ri.ri_len))
			continue;
		ri.ri_dst.na_4 = __builtin_bswap32(addr & mask);
		ri.ri_gw.na_4 = __builtin_bswap32(GEN_BASE + i % GATEWAYS);
		if (rt_add(vn, &ri) != 0)
			continue;	/* it is there */
		gen.g_dst[i++] = addr;
	}
	gen.g_n = n;
}

/* CPU: the work's function: receive the next vector, as if from a link. */
static void
generate(struct cpu_work *w)
{
	uint8_t *ip;
	struct mvec mv;
	uint32_t dst, sum;

	mv.mv_n = m_get_bulk(mv.mv_m, MVEC_MAX);
	for (unsigned i = 0; i < mv.mv_n; i++) {
		memcpy(mv.mv_m[i]->m_data, gen.g_frame, sizeof(gen.g_frame));
		mv.mv_m[i]->m_len = mv.mv_m[i]->m_pktlen = sizeof(gen.g_frame);
		ip = mv.mv_m[i]->m_data + 14;
		dst = gen.g_dst[gen.g_next];
		gen.g_next = gen.g_next + 1 == gen.g_n ? 0 : gen.g_next + 1;
		/* Version to protocol, source, destination (RFC 1071). */
		sum = 0x4500 + 46 + 0x4011 + 0x0a00 + 0x0102 + (dst >> 16) +
		    (dst & 0xffff);
		sum = (sum & 0xffff) + (sum >> 16);
		sum = ~(sum + (sum >> 16));
		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
		dst = __builtin_bswap32(dst);
		memcpy(ip + 16, &dst, 4);
	}
	if_input_vec(gen.g_ifp, &mv);
	if (!gen.g_stop)
		(void)cpu_work_schedule(if_kern(gen.g_ifp), curcpu(), w);
}

static void
shuffle(void)
{
	uint32_t swap;

	for (unsigned i = gen.g_n - 1; i > 0; i--) {
		unsigned j = (unsigned)(next_random() % (i + 1));

		swap = gen.g_dst[i];
		gen.g_dst[i] = gen.g_dst[j];
		gen.g_dst[j] = swap;
	}
}

/* Forward what the generator makes. */
static void
run_generator(struct ifnet_stack *st, struct vnet *vn, unsigned seconds,
    const char *name)
{
	static const uint8_t udp[46] = { 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0,
	    0, 10, 0, 1, 2, 0, 0, 0, 0, 0, 9, 0, 9, 0, 26 };

	pserialize_read_enter();
	gen.g_ifp = ifunit(vn, "pg0");
	pserialize_read_exit();
	memcpy(gen.g_frame, if_sadl(gen.g_ifp)->sdl_data, 6);
	memcpy(gen.g_frame + 6, "\x02\x70\x67\x00\x00\x01\x08\x00", 8);
	memcpy(gen.g_frame + 14, udp, sizeof(udp));
	gen.g_work.cw_fn = generate;
	(void)cpu_work_schedule(vn->vn_kern, NULL, &gen.g_work);
	fwd_measure(st, vn, seconds, name);
	gen.g_stop = true;
	ifnet_stack_run(st);
	free(gen.g_dst);
}

/* Neighbours on a network of the router, and packets to each of them. */
static void
bench_hosts(unsigned seconds, unsigned hosts)
{
	struct ifnet_stack *st;
	struct vnet *vn;
	char line[128];

	st = stack(&vn);
	command(vn, "ifconfig pg0 create");
	command(vn, "ifconfig pg1 create");
	command(vn, "sysctl -w net.inet.ip.forwarding=1");
	command(vn, "sysctl -w net.inet.arp.maxentries=65536");
	command(vn, "ifconfig pg0 inet 10.0.1.1/24 up");
	command(vn, "ifconfig pg1 inet 10.3.0.1/16 up");
	gen.g_dst = calloc(hosts, sizeof(*gen.g_dst));
	if (gen.g_dst == NULL)
		err(1, NULL);
	for (gen.g_n = 0; gen.g_n < hosts; gen.g_n++) {
		gen.g_dst[gen.g_n] = 0x0a030002 + gen.g_n;
		snprintf(line, sizeof(line), "arp -s 10.3.%u.%u "
		    "02:00:00:03:%02x:%02x", (gen.g_n + 2) >> 8,
		    (gen.g_n + 2) & 255, (gen.g_n + 2) >> 8,
		    (gen.g_n + 2) & 255);
		command(vn, line);
	}
	shuffle();
	run_generator(st, vn, seconds, "fwd-10k-hosts");
	ifnet_stack_destroy(st);
}

static void
bench_table(unsigned seconds, unsigned routes)
{
	struct ifnet_stack *st;
	struct vnet *vn;
	char line[128];

	st = stack(&vn);
	command(vn, "ifconfig pg0 create");
	command(vn, "ifconfig pg1 create");
	command(vn, "sysctl -w net.inet.ip.forwarding=1");
	command(vn, "ifconfig pg0 inet 10.0.1.1/24 up");
	command(vn, "ifconfig pg1 inet 10.0.2.1/24 up");
	for (unsigned i = 0; i < GATEWAYS; i++) {
		snprintf(line, sizeof(line),
		    "arp -s 10.0.2.%u 02:00:00:00:02:%02x", 2 + i, 2 + i);
		command(vn, line);
	}
	make_routes(vn, routes);
	shuffle();
	run_generator(st, vn, seconds, routes < 100000 ? "fwd-10k" : "fwd-1m");
	ifnet_stack_destroy(st);
}

/* --- IPv6 ----------------------------------------------------------------- */

static struct gen6 {
	struct cpu_work	 g6_work;	/* first */
	struct ifnet	*g6_ifp;
	uint8_t		 (*g6_dst)[16];
	unsigned	 g6_n, g6_next;
	uint8_t		 g6_frame[74];
	bool		 g6_stop;
} gen6;

/* The n-th neighbour: 2001:db8:2::2 is the first. */
static union neigh_addr
gateway6(unsigned n)
{
	union neigh_addr na = { .na_bytes = { 0x20, 1, 0xd, 0xb8, 0, 2 } };

	na.na_bytes[15] = (uint8_t)(n + 2);
	return na;
}

static void
neighbours6(struct vnet *vn, struct ifnet *ifp)
{
	struct neigh_table *nt = neigh_table_of(vn);
	uint8_t mac[6] = { 2, 0, 0, 0, 2 };
	union neigh_addr na;
	struct neigh *ne;

	for (unsigned i = 0; i < GATEWAYS; i++) {
		na = gateway6(i);
		mac[5] = (uint8_t)(i + 2);
		kspin_lock(&nt->nt_lock);
		ne = neigh_create(nt, ifp, AF_INET6, &na);
		if (ne == NULL || neigh_set(ne, mac) != 0)
			errx(1, "no memory for a neighbour");
		kspin_unlock(&nt->nt_lock);
	}
}

/* Routes as the Internet has, and a destination in one of them for each; of
 * one route many destinations. */
static void
make_routes6(struct vnet *vn, unsigned n)
{
	struct rt_info ri = { .ri_family = AF_INET6, .ri_flags = RTF_STATIC };
	struct prefix *pf;
	unsigned i = 0;

	pf = calloc(n, sizeof(*pf));
	gen6.g6_n = n == 1 ? 4096 : n;
	gen6.g6_dst = calloc(gen6.g6_n, 16);
	if (pf == NULL || gen6.g6_dst == NULL)
		err(1, NULL);
	while (i < n) {
		pf[i] = i <= n / 4 ? prefix6_allocation() :
		    prefix6_part_of(pf[next_random() % (n / 4)]);
		prefix_addr6(&pf[i], &ri.ri_dst);
		ri.ri_len = pf[i].pf_len;
		ri.ri_gw = gateway6(i % GATEWAYS);
		if (rt_add(vn, &ri) == 0)
			i++;		/* else it is there */
	}
	for (i = 0; i < gen6.g6_n; i++) {
		struct prefix in = pf[next_random() % n];

		in.pf_hi |= in.pf_len >= 64 ? 0 : next_random() >> in.pf_len;
		in.pf_lo = next_random();
		prefix_addr6(&in, gen6.g6_dst[i]);
	}
	free(pf);
}

/* CPU: the work's function: receive the next vector, as if from a link. */
static void
generate6(struct cpu_work *w)
{
	struct mvec mv;
	struct mbuf *m;

	mv.mv_n = m_get_bulk(mv.mv_m, MVEC_MAX);
	for (unsigned i = 0; i < mv.mv_n; i++) {
		m = mv.mv_m[i];
		memcpy(m->m_data, gen6.g6_frame, sizeof(gen6.g6_frame));
		m->m_len = m->m_pktlen = sizeof(gen6.g6_frame);
		memcpy(m->m_data + 14 + 24, gen6.g6_dst[gen6.g6_next], 16);
		gen6.g6_next = gen6.g6_next + 1 == gen6.g6_n ? 0 :
		    gen6.g6_next + 1;
	}
	if_input_vec(gen6.g6_ifp, &mv);
	if (!gen6.g6_stop)
		(void)cpu_work_schedule(if_kern(gen6.g6_ifp), curcpu(), w);
}

static void
bench_table6(unsigned seconds, unsigned routes)
{
	static const uint8_t ip6[24] = { 0x60, 0, 0, 0, 0, 20, 17, 64,
	    0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 };
	struct rt_info ri = { .ri_family = AF_INET6, .ri_len = 64,
	    .ri_flags = RTF_STATIC };
	struct ifnet_stack *st;
	struct vnet *vn;

	st = stack(&vn);
	command(vn, "ifconfig pg0 create");
	command(vn, "ifconfig pg1 create");
	command(vn, "sysctl -w net.inet6.ip6.forwarding=1");
	command(vn, "ifconfig pg0 up");
	command(vn, "ifconfig pg1 up");
	pserialize_read_enter();
	gen6.g6_ifp = ifunit(vn, "pg0");
	ri.ri_ifp = ifunit(vn, "pg1");
	pserialize_read_exit();
	ri.ri_dst = gateway6(0);
	ri.ri_dst.na_bytes[15] = 0;
	if (rt_add(vn, &ri) != 0)
		errx(1, "no route to the gateways");
	neighbours6(vn, ri.ri_ifp);
	make_routes6(vn, routes);
	memcpy(gen6.g6_frame, if_sadl(gen6.g6_ifp)->sdl_data, 6);
	memcpy(gen6.g6_frame + 6, "\x02\x70\x67\x00\x00\x01\x86\xdd", 8);
	memcpy(gen6.g6_frame + 14, ip6, sizeof(ip6));
	gen6.g6_work.cw_fn = generate6;
	(void)cpu_work_schedule(vn->vn_kern, NULL, &gen6.g6_work);
	fwd_measure(st, vn, seconds, row_name("fwd6", routes));
	gen6.g6_stop = true;
	ifnet_stack_run(st);
	free(gen6.g6_dst);
	exit(0);	/* the neighbours are nobody's to take down */
}

/* --- interfaces ----------------------------------------------------------- */

static void
make(struct vnet *vn, unsigned n)
{
	char name[IFNAMSIZ];
	int error;

	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "pair%u", i);
		error = if_clone_create(vn, name, "");
		if (error != 0)
			errx(1, "%s: %s", name, strerror(error));
	}
}

static void
bench_lookup(unsigned count)
{
	enum { LOOKUPS = 2000000, NAMES = 4096 };
	static char names[NAMES][IFNAMSIZ];
	static unsigned indices[NAMES];
	struct ifnet_stack *st;
	struct psref psref;
	struct ifnet *ifp;
	struct vnet *vn;
	uint64_t t;

	st = stack(&vn);
	make(vn, count);
	srandom(1);
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(names[i], IFNAMSIZ, "pair%u",
		    (unsigned)random() % count);
		ifp = if_get(vn, names[i], &psref);
		if (ifp == NULL)
			errx(1, "%s is not there", names[i]);
		indices[i] = ifp->if_index;
		if_put(ifp, &psref);
	}
	t = now_ns();
	for (unsigned i = 0; i < LOOKUPS; i++) {
		ifp = if_get_byindex(vn, indices[i % NAMES], &psref);
		if_put(ifp, &psref);
	}
	sample(row_name("lookup-index", count), "ns",
	    (double)(now_ns() - t) / LOOKUPS);
	t = now_ns();
	for (unsigned i = 0; i < LOOKUPS; i++) {
		ifp = if_get(vn, names[i % NAMES], &psref);
		if_put(ifp, &psref);
	}
	sample(row_name("lookup-name", count), "ns",
	    (double)(now_ns() - t) / LOOKUPS);
	ifnet_stack_destroy(st);
}

/* Create and destroy 1,000 pairs of ends while there are `count' interfaces. */
static void
bench_create(unsigned count)
{
	enum { PAIRS = 1000 };
	char name[IFNAMSIZ], params[64];
	struct ifnet_stack *st;
	struct vnet *vn;
	uint64_t t;
	int error = 0;

	st = stack(&vn);
	make(vn, count);
	t = now_ns();
	for (unsigned i = 0; i < PAIRS && error == 0; i++) {
		snprintf(name, sizeof(name), "pair%u", count + 2 * i);
		snprintf(params, sizeof(params), "peer pair%u",
		    count + 2 * i + 1);
		error = if_clone_create(vn, name, params);
	}
	sample(row_name("create", count), "pairs/s",
	    PAIRS / ((double)(now_ns() - t) / 1e9));
	t = now_ns();
	for (unsigned i = 0; i < 2 * PAIRS && error == 0; i++) {
		snprintf(name, sizeof(name), "pair%u", count + i);
		error = if_clone_destroy(vn, name);
	}
	sample(row_name("destroy", count), "pairs/s",
	    PAIRS / ((double)(now_ns() - t) / 1e9));
	if (error != 0)
		errx(1, "%s: %s", name, strerror(error));
	ifnet_stack_destroy(st);
}

/* --- creation with followers ---------------------------------------------- */

struct follower {
	struct host	*fo_host;
	struct host_thread *fo_thread;
	struct host_poller *fo_poller;
	struct rt_listener *fo_listener;
	bool		*fo_stop;
};

static void
follower_wakeup(void *arg)
{
	struct follower *fo = arg;

	host_poller_wake(fo->fo_host, fo->fo_poller);
}

static void
follower_main(void *arg)
{
	struct follower *fo = arg;
	uint64_t msg[RT_MSG_MAX / sizeof(uint64_t)];
	struct host_event ev;
	unsigned n;

	while (!__atomic_load_n(fo->fo_stop, __ATOMIC_ACQUIRE)) {
		while (rt_listener_read(fo->fo_listener, msg) != 0)
			continue;
		(void)host_poller_wait(fo->fo_host, fo->fo_poller, &ev, 1,
		    HOST_FOREVER, &n);
	}
}

/* Create interfaces one by one while several threads follow each. */
static void
bench_follow(unsigned count)
{
	enum { INTERFACES = 5000 };
	struct ifnet_stack_config config = { .ncpu = 1, .mbufs = 8192 };
	struct follower *fo;
	struct ifnet_stack *st;
	struct ifnet_error e;
	struct vnet *vn;
	struct host *h;
	char name[IFNAMSIZ];
	bool stop = false;
	uint64_t t;
	int error = 0;

	st = ifnet_stack_create(&config, &e);
	if (st == NULL || (vn = vnet_create(st, "bench", &e)) == NULL)
		errx(1, "%s", e.text);
	h = vn->vn_kern->k_host;
	fo = calloc(count + 1, sizeof(*fo));
	for (unsigned i = 0; i < count && error == 0; i++) {
		fo[i].fo_host = h;
		fo[i].fo_stop = &stop;
		error = host_poller_create(h, &fo[i].fo_poller);
		if (error == 0)
			error = rt_listener_open(vn, RTS_ALL, 1 << 20,
			    follower_wakeup, &fo[i], &fo[i].fo_listener);
		if (error == 0)
			error = host_thread_create(h, "follower", -1,
			    follower_main, &fo[i], &fo[i].fo_thread);
	}
	t = now_ns();
	for (unsigned i = 0; i < INTERFACES && error == 0; i++) {
		snprintf(name, sizeof(name), "pair%u", i);
		error = if_clone_create(vn, name, "");
	}
	sample(row_name("follow", count), "interfaces/s",
	    INTERFACES / ((double)(now_ns() - t) / 1e9));
	if (error != 0)
		errx(1, "%s", strerror(error));
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < count; i++) {
		host_poller_wake(h, fo[i].fo_poller);
		host_thread_join(h, fo[i].fo_thread);
		rt_listener_close(fo[i].fo_listener);
		host_poller_destroy(h, fo[i].fo_poller);
	}
	free(fo);
	ifnet_stack_destroy(st);
}

int
main(int argc, char **argv)
{
	unsigned n;

	if (argc < 3)
		errx(2, "usage: bench_core fwd SECONDS [DSTS] | "
		    "hosts SECONDS HOSTS | "
		    "table SECONDS ROUTES | table6 SECONDS ROUTES | "
		    "lookup COUNT | "
		    "create COUNT | follow FOLLOWERS");
	n = (unsigned)strtoul(argv[2], NULL, 10);
	if (strcmp(argv[1], "fwd") == 0)
		bench_fwd(n, argc > 3 ?
		    (unsigned)strtoul(argv[3], NULL, 10) : 1);
	else if (strcmp(argv[1], "hosts") == 0 && argc > 3)
		bench_hosts(n, (unsigned)strtoul(argv[3], NULL, 10));
	else if (strcmp(argv[1], "table") == 0 && argc > 3)
		bench_table(n, (unsigned)strtoul(argv[3], NULL, 10));
	else if (strcmp(argv[1], "table6") == 0 && argc > 3)
		bench_table6(n, (unsigned)strtoul(argv[3], NULL, 10));
	else if (strcmp(argv[1], "lookup") == 0 && n > 0)
		bench_lookup(n);
	else if (strcmp(argv[1], "create") == 0)
		bench_create(n);
	else if (strcmp(argv[1], "follow") == 0)
		bench_follow(n);
	else
		errx(2, "%s: unknown benchmark", argv[1]);
	return 0;
}
