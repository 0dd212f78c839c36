/*
 * Benchmarks of size: COUNT vnets in one stack, each as it is made, idle.
 * Prints one JSON object a line, as bench_scale does.
 *
 *	bench_vnets COUNT
 */

#include <ifnet/stack.h>

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static char suffix[16];			/* "10", "1k", "10k" */

static double
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
sample(const char *what, const char *unit, double value)
{

	printf("{\"name\": \"scale-vnets-%s-%s\", \"unit\": \"%s\", "
	    "\"value\": %.3f}\n", suffix, what, unit, value);
	fflush(stdout);
}

static size_t
resident_bytes(void)
{
	size_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%*s %zu", &pages) != 1)
		errx(1, "/proc/self/statm");
	fclose(f);
	return pages * 4096;
}

int
main(int argc, char **argv)
{
	unsigned n = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	struct ifnet_stack_config sc = { .ncpu = 1 };
	struct ifnet_stack *st;
	struct ifnet_error e;
	struct vnet **vn;
	char name[32];
	size_t before;
	double t;

	if (n == 0)
		errx(2, "usage: bench_vnets COUNT");
	(void)snprintf(suffix, sizeof(suffix), n % 1000 == 0 ? "%uk" : "%u",
	    n % 1000 == 0 ? n / 1000 : n);
	st = ifnet_stack_create(&sc, &e);
	vn = calloc(n, sizeof(*vn));
	if (st == NULL || vn == NULL)
		errx(1, "no stack");
	/* The first vnet of a process has costs that no further one has: create
	 * it before measuring. */
	vnet_destroy(vnet_create(st, "first", NULL));
	before = resident_bytes();
	t = now_s();
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "v%u", i);
		vn[i] = vnet_create(st, name, &e);
		if (vn[i] == NULL)
			errx(1, "vnet %u: %s", i, e.text);
	}
	sample("create", "1/s", n / (now_s() - t));
	sample("bytes", "B", (double)(resident_bytes() - before) / n);
	t = now_s();
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "v%u", i);
		if (vnet_lookup(st, name) != vn[i])
			errx(1, "vnet %u is not found", i);
	}
	sample("lookup", "ns", (now_s() - t) * 1e9 / n);
	t = now_s();
	for (unsigned i = 0; i < n; i++)
		vnet_destroy(vn[i]);
	sample("destroy", "1/s", n / (now_s() - t));
	free(vn);
	ifnet_stack_destroy(st);
	return 0;
}
