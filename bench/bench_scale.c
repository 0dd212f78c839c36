/*
 * Benchmarks of size: a vnet of COUNT interfaces, each with one address.
 * Prints one JSON object a line, as bench_core does; the rows of a count
 * come in one run, since making the interfaces is most of the work.
 *
 *	bench_scale COUNT
 *
 * Interfaces are created and found in process; requests and the dump go
 * through a control socket, from the same process.
 */

#include <arpa/inet.h>
#include <sys/resource.h>

#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ifnet/client.h>
#include <ifnet/if_clone.h>
#include <ifnet/stack.h>

#include "ctl/ctl.h"
#include "host/host.h"
#include "kern/kern_impl.h"
#include "net/if_addr_impl.h"
#include "scale.h"
#include "server/server.h"
#include "stack/stack_impl.h"

#define NET_BASE	0x0a000000u	/* 10.0.0.0, a /30 each */
#define KEYS		(1u << 18)	/* lookups in a pass */
#define THREADS_MAX	2

static double
seconds_since(uint64_t t)
{

	return (double)(now_ns() - t) / 1e9;
}

static uint32_t
address(unsigned i)
{

	return htonl(NET_BASE + 4 * i + 1);
}

/* --- making and taking down ----------------------------------------------- */

static void
create(struct vnet *vn, unsigned from, unsigned to)
{
	char name[IFNAMSIZ];
	int error;

	for (unsigned i = from; i < to; i++) {
		snprintf(name, sizeof(name), "pair%u", i);
		error = if_clone_create(vn, name, "");
		if (error != 0)
			errx(1, "%s: %s", name, strerror(error));
	}
}

static void
destroy(struct vnet *vn, unsigned from, unsigned to)
{
	char name[IFNAMSIZ];
	int error;

	for (unsigned i = from; i < to; i++) {
		snprintf(name, sizeof(name), "pair%u", i);
		error = if_clone_destroy(vn, name);
		if (error != 0)
			errx(1, "%s: %s", name, strerror(error));
	}
}

static void
give_addresses(struct vnet *vn, unsigned count)
{
	static const struct kauth_cred root;
	struct sockaddr_in *sin, *mask;
	struct ifaliasreq ifra;
	int error;

	memset(&ifra, 0, sizeof(ifra));
	sin = (struct sockaddr_in *)&ifra.ifra_addr;
	mask = (struct sockaddr_in *)&ifra.ifra_mask;
	sin->sin_family = mask->sin_family = AF_INET;
	mask->sin_addr.s_addr = htonl(0xfffffffcu);
	for (unsigned i = 0; i < count; i++) {
		snprintf(ifra.ifra_name, IFNAMSIZ, "pair%u", i);
		sin->sin_addr.s_addr = address(i);
		error = ifioctl(vn, &root, SIOCAIFADDR, &ifra, sizeof(ifra));
		if (error != 0)
			errx(1, "%s: %s", ifra.ifra_name, strerror(error));
	}
}

/* Measure rates at the full size: with few interfaces, the same ones are used
 * repeatedly. */
static void
bench_rates(struct vnet *vn, unsigned count)
{
	unsigned chunk = count < 20000 ? count : 20000, n = 0;
	uint64_t t, made = 0, gone = 0;

	do {
		t = now_ns();
		destroy(vn, count - chunk, count);
		gone += now_ns() - t;
		t = now_ns();
		create(vn, count - chunk, count);
		made += now_ns() - t;
		n += chunk;
	} while (n < 40000);
	sample("create", "", "per second", n / ((double)made / 1e9));
	sample("destroy", "", "per second", n / ((double)gone / 1e9));
}

/* --- lookups -------------------------------------------------------------- */

struct keys {
	struct vnet	*ke_vnet;
	uint32_t	 ke_n[KEYS];	/* which interface */
	uint32_t	 ke_index[KEYS];
	char		 ke_name[KEYS][IFNAMSIZ];
	unsigned	 ke_found;	/* keeps the work from being left out */
};

struct lookup {
	const char	*lu_what;
	bool		(*lu_fn)(const struct keys *, unsigned);
};

static bool
by_index(const struct keys *ke, unsigned i)
{

	return if_byindex(ke->ke_vnet, ke->ke_index[i]) != NULL;
}

static bool
by_name(const struct keys *ke, unsigned i)
{

	return ifunit(ke->ke_vnet, ke->ke_name[i]) != NULL;
}

static bool
by_addr(const struct keys *ke, unsigned i)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = address(ke->ke_n[i]),
	};

	return ifa_ifwithaddr(ke->ke_vnet, (struct sockaddr *)&sin) != NULL;
}

static bool
by_net(const struct keys *ke, unsigned i)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = address(ke->ke_n[i]) + htonl(1),
	};

	return ifa_ifwithnet(ke->ke_vnet, (struct sockaddr *)&sin) != NULL;
}

static const struct lookup lookups[] = {
	{ "index", by_index }, { "name", by_name }, { "addr", by_addr },
	{ "net", by_net },
};

static void
fill_keys(struct keys *ke, unsigned count, bool hit)
{
	unsigned n;

	for (unsigned i = 0; i < KEYS; i++) {
		n = (unsigned)random() % count + (hit ? 0 : count);
		ke->ke_n[i] = n;
		snprintf(ke->ke_name[i], IFNAMSIZ, "pair%u", n);
		ke->ke_index[i] = n + 2;	/* lo0 is the first */
	}
}

/* One pass over the keys; returns ns per lookup. */
static double
pass(struct keys *ke, const struct lookup *lu, unsigned start)
{
	unsigned found = 0;
	uint64_t t;

	t = now_ns();
	for (unsigned i = 0; i < KEYS; i++) {
		/* a section a vector, as on the packet path */
		if (i % 256 == 0)
			pserialize_read_enter();
		found += lu->lu_fn(ke, (i + start) % KEYS);
		if (i % 256 == 255)
			pserialize_read_exit();
	}
	__atomic_store_n(&ke->ke_found, found, __ATOMIC_RELAXED);
	return (double)(now_ns() - t) / KEYS;
}

struct job {
	struct keys	*jo_keys;
	const struct lookup *jo_lookup;
	pthread_barrier_t *jo_barrier;
	unsigned	 jo_start;
	double		 jo_ns;
};

static void
run_job(void *arg)
{
	struct job *jo = arg;

	pthread_barrier_wait(jo->jo_barrier);
	jo->jo_ns = pass(jo->jo_keys, jo->jo_lookup, jo->jo_start);
}

/* A pass by two threads at once: ns per lookup of each thread. */
static void
bench_threads(struct host *h, struct keys *ke, const struct lookup *lu)
{
	struct host_thread *thread[THREADS_MAX];
	struct job job[THREADS_MAX];
	pthread_barrier_t barrier;
	double rate = 0;

	pthread_barrier_init(&barrier, NULL, THREADS_MAX);
	for (unsigned i = 0; i < THREADS_MAX; i++) {
		job[i] = (struct job){ ke, lu, &barrier,
		    i * (KEYS / THREADS_MAX), 0 };
		if (host_thread_create(h, "bench", -1, run_job, &job[i],
		    &thread[i]) != 0)
			errx(1, "a thread cannot be made");
	}
	for (unsigned i = 0; i < THREADS_MAX; i++) {
		host_thread_join(h, thread[i]);
		rate += 1 / job[i].jo_ns;
	}
	pthread_barrier_destroy(&barrier);
	sample(lu->lu_what, "-2threads", "ns", 1 / rate);
}

static void
bench_lookups(struct ifnet_stack *st, struct vnet *vn, unsigned count)
{
	struct keys *ke = calloc(1, sizeof(*ke));
	char what[32];

	if (ke == NULL)
		errx(1, "out of memory");
	ke->ke_vnet = vn;
	for (unsigned i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++) {
		fill_keys(ke, count, true);
		(void)pass(ke, &lookups[i], 0);
		sample(lookups[i].lu_what, "", "ns", pass(ke, &lookups[i], 0));
		if (ke->ke_found != KEYS)
			errx(1, "%s: found %u of %u", lookups[i].lu_what,
			    ke->ke_found, KEYS);
		bench_threads(st->st_host, ke, &lookups[i]);
		fill_keys(ke, count, false);
		snprintf(what, sizeof(what), "%s", lookups[i].lu_what);
		sample(what, "-miss", "ns", pass(ke, &lookups[i], 0));
	}
	free(ke);
}

/* --- through the control socket ------------------------------------------- */

/* Create interfaces in batches of 1,000, and destroy them again. */
static void
bench_batch(struct ifnet_client *c, unsigned count)
{
	enum { BATCHES = 20, EACH = 1000 };
	struct if_createreq cr;
	struct ifnet_batch *b;
	struct ifnet_error e;
	struct ifreq ifr;
	uint64_t t, made = 0;
	unsigned n;

	memset(&cr, 0, sizeof(cr));
	memset(&ifr, 0, sizeof(ifr));
	t = now_ns();
	for (unsigned i = 0; i < 2 * BATCHES; i++) {
		if (i == BATCHES)
			made = now_ns() - t;
		b = ifnet_batch_begin(c, &e);
		for (unsigned j = 0; j < EACH; j++) {
			n = count + i % BATCHES * EACH + j;
			snprintf(cr.ifcr_name, IFNAMSIZ, "pair%u", n);
			snprintf(ifr.ifr_name, IFNAMSIZ, "pair%u", n);
			if ((i < BATCHES ? ifnet_batch_add_ioctl(b,
			    SIOCIFCREATE, &cr, sizeof(cr), &e) :
			    ifnet_batch_add_ioctl(b, SIOCIFDESTROY, &ifr,
			    sizeof(ifr), &e)) != 0)
				errx(1, "%s", e.text);
		}
		if (ifnet_batch_run(b, NULL, &e) != 0)
			errx(1, "%s", e.text);
	}
	sample("create", "-batch", "per second",
	    BATCHES * EACH / ((double)made / 1e9));
}

static void
bench_ioctl(struct ifnet_client *c, unsigned count)
{
	enum { CALLS = 20000 };
	struct ifnet_error e;
	struct ifreq ifr;
	uint64_t t;

	memset(&ifr, 0, sizeof(ifr));
	t = now_ns();
	for (unsigned i = 0; i < CALLS; i++) {
		snprintf(ifr.ifr_name, IFNAMSIZ, "pair%u",
		    (unsigned)random() % count);
		if (ifnet_ioctl(c, SIOCGIFFLAGS, &ifr, sizeof(ifr), &e) != 0)
			errx(1, "%s", e.text);
	}
	sample("ioctl", "", "us", seconds_since(t) * 1e6 / CALLS);
}

static int
count_message(const void *msg, size_t len, void *arg)
{

	(void)msg;
	(void)len;
	++*(unsigned *)arg;
	return 0;
}

static size_t
peak_bytes(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (size_t)ru.ru_maxrss * 1024;
}

static void
bench_dump(struct ifnet_client *c, unsigned count)
{
	size_t before = peak_bytes();
	struct ifnet_error e;
	unsigned n = 0;
	uint64_t t;

	t = now_ns();
	if (ifnet_dump(c, IFNET_LINK, NULL, count_message, &n, &e) != 0)
		errx(1, "%s", e.text);
	sample("dump", "", "ms", seconds_since(t) * 1e3);
	sample("dump", "-peak", "MB", (double)(peak_bytes() - before) / 1e6);
	if (n < count)
		errx(1, "the dump has %u messages", n);
}

static void
bench_socket(struct ifnet_stack *st, unsigned count)
{
	char path[64], url[80];
	struct ifnet_client *c;
	struct server *sv;
	struct ifnet_error e;
	int error;

	snprintf(path, sizeof(path), "/tmp/ifnet-bench-%d.sock", getpid());
	snprintf(url, sizeof(url), "unix://%s", path);
	error = ctl_server_start(st->st_kern, path, 0600, 4, NULL, NULL, &sv);
	if (error != 0)
		errx(1, "%s: %s", path, strerror(error));
	c = ifnet_connect(url, &e);
	if (c == NULL)
		errx(1, "%s", e.text);
	bench_dump(c, count);
	bench_ioctl(c, count);
	bench_batch(c, count);
	ifnet_close(c);
	server_stop(sv);
}

int
main(int argc, char **argv)
{
	struct ifnet_stack_config config = { .ncpu = 1, .mbufs = 256 };
	struct ifnet_stack *st;
	struct ifnet_error e;
	struct vnet *vn;
	unsigned count;
	size_t before;
	uint64_t t;

	count = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	if (count == 0 || count > 1000000)
		errx(2, "usage: bench_scale COUNT (1 to 1000000)");
	scale_count(count);
	config.log_level = 4;
	st = ifnet_stack_create(&config, &e);
	if (st == NULL || (vn = vnet_create(st, "bench", &e)) == NULL)
		errx(1, "%s", e.text);
	before = resident_bytes();
	t = now_ns();
	create(vn, 0, count);
	sample("create", "-fresh", "per second", count / seconds_since(t));
	kern_defer_barrier(st->st_kern);
	sample("bytes", "-bare", "bytes",
	    (double)(resident_bytes() - before) / count);
	give_addresses(vn, count);
	kern_defer_barrier(st->st_kern);
	sample("bytes", "", "bytes",
	    (double)(resident_bytes() - before) / count);
	bench_lookups(st, vn, count);
	bench_socket(st, count);
	bench_rates(vn, count);
	t = now_ns();
	ifnet_stack_destroy(st);
	sample("stop", "", "ms", seconds_since(t) * 1e3);
	return 0;
}
