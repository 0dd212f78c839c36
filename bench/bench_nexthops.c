/*
 * Benchmarks of routes and next hops in a vnet: their memory, single changes in
 * a full table, several ways to one place, a link that fails, and forwarding on
 * two CPUs.  Prints one JSON object a line, as bench_core does.
 *
 *	bench_nexthops ecmp SECONDS
 *	bench_nexthops bytes ROUTES
 *	bench_nexthops host-bytes ROUTES
 *	bench_nexthops update ROUTES
 *	bench_nexthops load ROUTES
 *	bench_nexthops failover ROUTES
 *	bench_nexthops cpus SECONDS
 */

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ifnet/client.h>
#include <ifnet/rtmsg.h>
#include <ifnet/stack.h>

#include "ctl/ctl.h"
#include "kern/kern_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "prefixes.h"
#include "server/server.h"
#include "stack/stack_impl.h"

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
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
stack(struct vnet **vn, unsigned ncpu)
{
	struct ifnet_stack_config config = { .ncpu = ncpu, .mbufs = 16384 };
	struct ifnet_stack *st;
	struct ifnet_error e;

	st = ifnet_stack_create(&config, &e);
	if (st == NULL || (*vn = vnet_create(st, "bench", &e)) == NULL)
		errx(1, "%s", e.text);
	command(*vn, "sysctl -w net.inet.ip.forwarding=1");
	return st;
}

static size_t
resident_bytes(void)
{
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%lu %lu", &size, &resident) != 2)
		err(1, "/proc/self/statm");
	fclose(f);
	return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* --- routes -------------------------------------------------------------- */

#define GATEWAYS	200

/* The next random prefix, of the Internet's lengths or of hosts. */
static void
random_route(struct rt_info *ri, bool hosts)
{
	uint32_t addr;

	do {
		ri->ri_len = hosts ? 32 : random_len();
		addr = (uint32_t)next_random();
	} while (!usable(addr, ri->ri_len));
	ri->ri_dst.na_4 = __builtin_bswap32(addr &
	    UINT32_MAX << (32 - ri->ri_len));
}

static void
add_routes(struct vnet *vn, unsigned n, bool hosts)
{
	struct rt_info ri = { .ri_flags = RTF_STATIC };

	for (unsigned i = 0; i < n;) {
		random_route(&ri, hosts);
		ri.ri_gw.na_4 = __builtin_bswap32(0x0a000202 + i % GATEWAYS);
		i += rt_add(vn, &ri) == 0;	/* else it is there */
	}
}

static void
bench_bytes(unsigned n, bool hosts)
{
	struct ifnet_stack *st;
	struct vnet *vn;
	size_t before;

	st = stack(&vn, 1);
	command(vn, "ifconfig pair1 create");
	command(vn, "ifconfig pair1 inet 10.0.2.1/24 up");
	add_routes(vn, 1000, hosts);
	before = resident_bytes();
	add_routes(vn, n, hosts);
	sample(hosts ? "fib-host-bytes" : "fib-bytes-1m", "bytes/route",
	    (double)(resident_bytes() - before) / n);
	ifnet_stack_destroy(st);
}

static void
bench_update(unsigned n)
{
	enum { UPDATES = 200000 };
	struct rt_info ri = { .ri_flags = RTF_STATIC,
	    .ri_gw.na_4 = __builtin_bswap32(0x0a000203) };
	uint64_t t, t0, longest = 0;
	struct ifnet_stack *st;
	struct vnet *vn;
	unsigned done = 0;

	st = stack(&vn, 1);
	command(vn, "ifconfig pair1 create");
	command(vn, "ifconfig pair1 inet 10.0.2.1/24 up");
	add_routes(vn, n, false);
	t0 = now_ns();
	while (done < UPDATES) {
		random_route(&ri, false);
		t = now_ns();
		if (rt_add(vn, &ri) != 0 || rt_delete(vn, &ri) != 0)
			continue;
		t = now_ns() - t;
		longest = t > longest ? t : longest;
		done += 2;
	}
	sample("fib-update-1m", "changes/s", done / ((double)(now_ns() - t0) /
	    1e9));
	sample("fib-update-1m:longest", "us", (double)longest / 1e3);
	/* Over all of them. */
	ri.ri_dst.na_4 = 0;
	ri.ri_len = 1;
	t = now_ns();
	if (rt_add(vn, &ri) != 0 || rt_delete(vn, &ri) != 0)
		errx(1, "no route to half of the Internet");
	sample("fib-update-1m:half", "us", (double)(now_ns() - t) / 1e3);
	ifnet_stack_destroy(st);
}

/* --- loading, by a client, while packets are looked up ------------------- */

/* A CPU that looks up random addresses: a work that schedules itself. */
static struct lookups {
	struct cpu_work	 lo_work;	/* first */
	struct vnet	*lo_vnet;
	struct cpu	*lo_cpu;
	uint64_t	 lo_random, lo_found;
	bool		 lo_stop;
} lookups;

static void
look_up(struct cpu_work *w)
{
	struct lookups *lo = (struct lookups *)(void *)w;

	pserialize_read_enter();
	for (unsigned i = 0; i < 256; i++) {
		lo->lo_random = lo->lo_random * 6364136223846793005u + 1;
		lo->lo_found += rt_lookup4(rt_main(lo->lo_vnet),
		    (uint32_t)(lo->lo_random >> 32)).fd_nh != NULL;
	}
	pserialize_read_exit();
	if (!__atomic_load_n(&lo->lo_stop, __ATOMIC_RELAXED))
		(void)cpu_work_schedule(lo->lo_vnet->vn_kern, lo->lo_cpu, w);
}

struct dest {
	uint32_t	 pr_key;	/* network order */
	unsigned	 pr_len;
};

static int
compare(const void *a, const void *b)
{

	return memcmp(a, b, sizeof(struct dest));
}

/* Random prefixes, each once, in random order: *n of them at most. */
static struct dest *
random_prefixes(unsigned *n)
{
	struct dest *pr = calloc(*n, sizeof(*pr)), swap;
	struct rt_info ri;
	unsigned to = 0;

	if (pr == NULL)
		errx(1, "out of memory");
	for (unsigned i = 0; i < *n; i++) {
		random_route(&ri, false);
		pr[i].pr_key = ri.ri_dst.na_4;
		pr[i].pr_len = ri.ri_len;
	}
	qsort(pr, *n, sizeof(*pr), compare);
	for (unsigned i = 1; i < *n; i++)
		if (compare(&pr[to], &pr[i]) != 0)
			pr[++to] = pr[i];
	*n = to + 1;
	for (unsigned i = *n - 1, j; i > 0; i--) {
		j = (unsigned)(next_random() % (i + 1));
		swap = pr[i];
		pr[i] = pr[j];
		pr[j] = swap;
	}
	return pr;
}

static size_t
add_message(void *room, const struct dest *pr)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct rt_msg *m = room;

	memset(m, 0, sizeof(*m));
	m->rtm_h.rtm_len = sizeof(*m);
	m->rtm_h.rtm_version = RTM_VERSION;
	m->rtm_h.rtm_type = RTM_ADD;
	m->rtm_flags = RTF_GATEWAY | RTF_STATIC;
	sin.sin_addr.s_addr = pr->pr_key;
	(void)rt_msg_add(m, RTA_DST, (struct sockaddr *)&sin);
	sin.sin_addr.s_addr = __builtin_bswap32(0x0a000202 + pr->pr_key %
	    GATEWAYS);
	(void)rt_msg_add(m, RTA_GATEWAY, (struct sockaddr *)&sin);
	sin.sin_addr.s_addr = __builtin_bswap32(UINT32_MAX <<
	    (32 - pr->pr_len));
	(void)rt_msg_add(m, RTA_NETMASK, (struct sockaddr *)&sin);
	return m->rtm_h.rtm_len;
}

static void
load(struct ifnet_client *c, const struct dest *pr, unsigned n)
{
	enum { IN_BATCH = 280 };	/* in one message */
	uint64_t room[RT_MSG_MAX / 8];
	struct ifnet_batch *b, *before = NULL;
	struct ifnet_error e;
	size_t len;

	for (unsigned i = 0; i < n; i += IN_BATCH) {
		b = ifnet_batch_begin(c, &e);
		for (unsigned j = i; j < n && j < i + IN_BATCH; j++) {
			len = add_message(room, &pr[j]);
			if (b == NULL || ifnet_batch_add_route(b, room, len,
			    &e) != 0)
				errx(1, "%s", e.text);
		}
		if (ifnet_batch_start(b, &e) != 0 || (before != NULL &&
		    ifnet_batch_run(before, NULL, &e) != 0))
			errx(1, "%s", e.text);
		before = b;
	}
	if (before != NULL && ifnet_batch_run(before, NULL, &e) != 0)
		errx(1, "%s", e.text);
}

static void
bench_load(unsigned n)
{
	struct ifnet_client *c;
	struct ifnet_stack *st;
	struct ifnet_error e;
	struct server *sv;
	struct dest *pr;
	struct vnet *vn;
	char path[64], url[80];
	uint64_t t;

	st = stack(&vn, 1);
	command(vn, "ifconfig pair1 create");
	command(vn, "ifconfig pair1 inet 10.0.2.1/24 up");
	snprintf(path, sizeof(path), "/tmp/ifnet-bench-%d.sock", getpid());
	snprintf(url, sizeof(url), "unix://%s", path);
	if (ctl_server_start(st->st_kern, path, 0600, 4, NULL, NULL, &sv) != 0)
		errx(1, "%s: no server", path);
	c = ifnet_connect(url, &e);
	if (c == NULL)
		errx(1, "%s", e.text);
	pr = random_prefixes(&n);
	lookups.lo_vnet = vn;
	lookups.lo_cpu = kern_cpu(vn->vn_kern, 0);
	lookups.lo_work.cw_fn = look_up;
	(void)cpu_work_schedule(vn->vn_kern, lookups.lo_cpu,
	    &lookups.lo_work);
	t = now_ns();
	load(c, pr, n);
	sample("fib-load-1m", "routes/s", n / ((double)(now_ns() - t) / 1e9));
	__atomic_store_n(&lookups.lo_stop, true, __ATOMIC_RELAXED);
	usleep(100000);
	free(pr);
	ifnet_close(c);
	server_stop(sv);
	ifnet_stack_destroy(st);
}

/* --- several ways -------------------------------------------------------- */

static void
measure(struct ifnet_stack *st, struct vnet *vn, unsigned seconds,
    const char *name)
{
	struct cpu_stage_stats before[STAGE_MAX], *ss;
	struct cpu *ci = kern_cpu(vn->vn_kern, 0);
	uint64_t end, packets, clocks = 0;

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
	for (unsigned i = STAGE_IF_INPUT; i <= STAGE_TRANSMIT; i++)
		clocks += ss[i].ss_clocks - before[i].ss_clocks;
	sample(name, "clocks/packet", (double)clocks / (double)packets);
}

static void
bench_ecmp(unsigned seconds)
{
	struct ifnet_stack *st;
	struct vnet *vn;
	char line[128];

	st = stack(&vn, 0);
	command(vn, "ifconfig pg0 create dst 10.2.0.2 src 10.0.1.2 dsts 4096");
	command(vn, "ifconfig pg1 create");
	command(vn, "ifconfig pg1 inet 10.0.2.1/24 up");
	for (unsigned i = 2; i < 10; i++) {
		snprintf(line, sizeof(line),
		    "arp -s 10.0.2.%u 02:00:00:00:00:%02x", i, i);
		command(vn, line);
		snprintf(line, sizeof(line),
		    "route add -mpath 10.2.0.0/16 10.0.2.%u", i);
		command(vn, line);
	}
	command(vn, "ifconfig pg0 inet 10.0.1.1/24 up");
	measure(st, vn, seconds, "fwd-ecmp");
	command(vn, "ifconfig pg0 down");
	ifnet_stack_destroy(st);
}

/* Do all flows leave by the interface? */
static bool
all_leave_by(const struct vnet *vn, const char *ifname)
{
	struct fwd fd;
	bool all = true;

	pserialize_read_enter();
	for (uint32_t h = 0; h < NH_BUCKETS && all; h++) {
		fd = rt_lookup4_flow(rt_main(vn),
		    __builtin_bswap32(0x01010101), h);
		all = strcmp(fd.fd_nh->nh_ifp->if_xname, ifname) == 0;
	}
	pserialize_read_exit();
	return all;
}

/* All routes have two ways, and one of the links fails. */
static void
bench_failover(unsigned n)
{
	struct rt_info ri = { .ri_flags = RTF_STATIC };
	struct ifnet_stack *st;
	struct ifnet *ifp;
	struct vnet *vn;
	char line[96];
	uint64_t t;

	st = stack(&vn, 1);
	for (unsigned i = 1; i <= 2; i++) {
		snprintf(line, sizeof(line), "ifconfig pg%u create", i);
		command(vn, line);
		snprintf(line, sizeof(line),
		    "ifconfig pg%u inet 10.0.%u.1/24 up", i, i);
		command(vn, line);
	}
	for (unsigned i = 0; i < n;) {
		if (i != 0)
			random_route(&ri, false);
		else
			ri.ri_len = 1;
		ri.ri_gw.na_4 = __builtin_bswap32(0x0a000102);
		if (rt_add(vn, &ri) != 0)
			continue;
		ri.ri_gw.na_4 = __builtin_bswap32(0x0a000202);
		ri.ri_given = RTV_MPATH;
		if (rt_add_way(vn, &ri) != 0)
			errx(1, "no second way");
		ri.ri_given = 0;
		i++;
	}
	pserialize_read_enter();
	ifp = ifunit(vn, "pg1");
	pserialize_read_exit();
	t = now_ns();
	if_link_state_change(ifp, LINK_STATE_DOWN);
	while (!all_leave_by(vn, "pg2"))
		continue;
	sample("fib-failover-1m", "us", (double)(now_ns() - t) / 1e3);
	ifnet_stack_destroy(st);
}

/* --- two CPUs ------------------------------------------------------------ */

/* A generator of packets on one CPU: a work that schedules itself. */
static struct gen {
	struct cpu_work	 g_work;	/* first */
	struct ifnet	*g_ifp;
	struct cpu	*g_cpu;
	uint8_t		 g_frame[60];
	uint64_t	 g_packets;
	bool		 g_stop;
} gens[2];

static void
generate(struct cpu_work *w)
{
	struct gen *g = (struct gen *)(void *)w;
	struct mvec mv;

	mv.mv_n = m_get_bulk(mv.mv_m, MVEC_MAX);
	for (unsigned i = 0; i < mv.mv_n; i++) {
		memcpy(mv.mv_m[i]->m_data, g->g_frame, sizeof(g->g_frame));
		mv.mv_m[i]->m_len = mv.mv_m[i]->m_pktlen = sizeof(g->g_frame);
	}
	__atomic_store_n(&g->g_packets, g->g_packets + mv.mv_n,
	    __ATOMIC_RELAXED);
	if_input_vec(g->g_ifp, &mv);
	if (!__atomic_load_n(&g->g_stop, __ATOMIC_RELAXED))
		(void)cpu_work_schedule(if_kern(g->g_ifp), g->g_cpu, w);
}

static void
gen_start(struct vnet *vn, unsigned n)
{
	static const uint8_t udp[46] = { 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0,
	    0, 10, 0, 1, 2, 10, 2, 0, 2, 0, 9, 0, 9, 0, 26 };
	struct gen *g = &gens[n];
	char name[IFNAMSIZ];
	uint32_t sum = 0;

	snprintf(name, sizeof(name), "pg%u", n);
	pserialize_read_enter();
	g->g_ifp = ifunit(vn, name);
	pserialize_read_exit();
	memcpy(g->g_frame, if_sadl(g->g_ifp)->sdl_data, 6);
	memcpy(g->g_frame + 6, "\x02\x70\x67\x00\x00\x01\x08\x00", 8);
	memcpy(g->g_frame + 14, udp, sizeof(udp));
	g->g_frame[14 + 14] = (uint8_t)(1 + 2 * n);	/* 10.0.1.2, 10.0.3.2 */
	g->g_frame[14 + 17] = (uint8_t)(2 + n);		/* 10.2/16, 10.3/16 */
	for (unsigned i = 14; i < 34; i += 2)
		sum += (uint32_t)(g->g_frame[i] << 8 | g->g_frame[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	g->g_frame[14 + 10] = (uint8_t)(sum >> 8);
	g->g_frame[14 + 11] = (uint8_t)sum;
	g->g_cpu = kern_cpu(vn->vn_kern, n);
	g->g_work.cw_fn = generate;
	(void)cpu_work_schedule(vn->vn_kern, g->g_cpu, &g->g_work);
}

/* Packets a second that both generators make, which all are forwarded. */
static double
rate(unsigned seconds)
{
	uint64_t before, t;

	usleep(200000);
	before = __atomic_load_n(&gens[0].g_packets, __ATOMIC_RELAXED) +
	    __atomic_load_n(&gens[1].g_packets, __ATOMIC_RELAXED);
	t = now_ns();
	usleep(seconds * 1000000);
	t = now_ns() - t;
	return (double)(__atomic_load_n(&gens[0].g_packets, __ATOMIC_RELAXED) +
	    __atomic_load_n(&gens[1].g_packets, __ATOMIC_RELAXED) - before) /
	    ((double)t / 1e9);
}

static void
bench_cpus(unsigned seconds)
{
	struct ifnet_stack *st;
	struct vnet *vn;
	char line[128];
	double one, two;

	st = stack(&vn, 2);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(line, sizeof(line), "ifconfig pg%u create", i);
		command(vn, line);
		snprintf(line, sizeof(line), "ifconfig pg%u inet "
		    "10.0.%u.1/24 up", i, 1 + 2 * i);
		command(vn, line);
		snprintf(line, sizeof(line), "ifconfig pg%u create", 2 + i);
		command(vn, line);
		snprintf(line, sizeof(line), "ifconfig pg%u inet "
		    "10.0.%u.1/24 up", 2 + i, 2 + 2 * i);
		command(vn, line);
		snprintf(line, sizeof(line), "arp -s 10.0.%u.2 "
		    "02:00:00:00:00:02", 2 + 2 * i);
		command(vn, line);
		snprintf(line, sizeof(line), "route add 10.%u.0.0/16 "
		    "10.0.%u.2", 2 + i, 2 + 2 * i);
		command(vn, line);
	}
	gen_start(vn, 0);
	one = rate(seconds);
	gen_start(vn, 1);
	two = rate(seconds);
	sample("fwd-1cpu", "Mpackets/s", one / 1e6);
	sample("fwd-2cpu", "of one", two / one);
	for (unsigned i = 0; i < 2; i++)
		__atomic_store_n(&gens[i].g_stop, true, __ATOMIC_RELAXED);
	usleep(100000);
	ifnet_stack_destroy(st);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;

	if (n == 0)
		errx(2, "usage: bench_nexthops ecmp SECONDS | bytes ROUTES | "
		    "host-bytes ROUTES | update ROUTES | load ROUTES | "
		    "failover ROUTES | "
		    "cpus SECONDS");
	if (strcmp(what, "ecmp") == 0)
		bench_ecmp(n);
	else if (strcmp(what, "bytes") == 0)
		bench_bytes(n, false);
	else if (strcmp(what, "host-bytes") == 0)
		bench_bytes(n, true);
	else if (strcmp(what, "update") == 0)
		bench_update(n);
	else if (strcmp(what, "load") == 0)
		bench_load(n);
	else if (strcmp(what, "failover") == 0)
		bench_failover(n);
	else if (strcmp(what, "cpus") == 0)
		bench_cpus(n);
	else
		errx(2, "%s: unknown benchmark", what);
	return 0;
}
