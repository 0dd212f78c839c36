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

#include "scale.h"

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
	scale_count(n);
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
	sample("vnets", "-create", "1/s", n / (now_s() - t));
	sample("vnets", "-bytes", "B", (double)(resident_bytes() - before) / n);
	t = now_s();
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "v%u", i);
		if (vnet_lookup(st, name) != vn[i])
			errx(1, "vnet %u is not found", i);
	}
	sample("vnets", "-lookup", "ns", (now_s() - t) * 1e9 / n);
	t = now_s();
	for (unsigned i = 0; i < n; i++)
		vnet_destroy(vn[i]);
	sample("vnets", "-destroy", "1/s", n / (now_s() - t));
	free(vn);
	ifnet_stack_destroy(st);
	return 0;
}
