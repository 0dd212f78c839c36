/*
 * DPDK's rte_fib and rte_fib6 as the peer of bench_fib: no device, no large
 * pages of its own, the lookup that the library chooses for this machine.
 */

#include "fib_peer.h"

#include <sched.h>
#include <stdio.h>

#include <rte_eal.h>
#include <rte_fib.h>
#include <rte_fib6.h>

#define ARGS		10
#define MEGABYTES	"1024"
#define TBL8		65535u		/* tables of prefixes beyond /24 */
#define TBL8_IP6	400000u

static struct rte_fib *fib;
static struct rte_fib6 *fib6;

/* Begin DPDK, once. */
static bool
begin(void)
{
	static char arg[ARGS][20] = { "bench_fib", "--no-huge", "--no-pci",
	    "--no-shconf", "--no-telemetry", "--log-level=3", "-m", MEGABYTES,
	    "-l", "" };
	static bool ready;
	char *argv[ARGS + 1] = { NULL };

	if (ready)
		return true;
	(void)snprintf(arg[ARGS - 1], sizeof(arg[0]), "%d", sched_getcpu());
	for (unsigned i = 0; i < ARGS; i++)
		argv[i] = arg[i];
	ready = rte_eal_init(ARGS, argv) >= 0;
	return ready;
}

bool
peer_create(unsigned prefixes)
{
	struct rte_fib_conf conf = {
		.type = RTE_FIB_DIR24_8,
		.max_routes = (int)prefixes,
		.dir24_8 = { .nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = TBL8 },
	};

	if (!begin())
		return false;
	fib = rte_fib_create("bench", 0, &conf);
	return fib != NULL;
}

void
peer_destroy(void)
{

	rte_fib_free(fib);
}

bool
peer_add(uint32_t key, unsigned len, uint32_t value)
{

	return rte_fib_add(fib, key, (uint8_t)len, value) == 0;
}

void
peer_remove(uint32_t key, unsigned len)
{

	(void)rte_fib_delete(fib, key, (uint8_t)len);
}

uint64_t
peer_lookup_many(const uint32_t *key, unsigned n)
{
	uint64_t value[256];

	(void)rte_fib_lookup_bulk(fib, (uint32_t *)(uintptr_t)key, value,
	    (int)n);
	return value[0];
}

bool
peer6_create(unsigned prefixes)
{
	struct rte_fib6_conf conf = {
		.type = RTE_FIB6_TRIE,
		.max_routes = (int)prefixes,
		.trie = { .nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = TBL8_IP6 },
	};

	if (!begin())
		return false;
	fib6 = rte_fib6_create("bench6", 0, &conf);
	return fib6 != NULL;
}

void
peer6_destroy(void)
{

	rte_fib6_free(fib6);
}

bool
peer6_add(const uint8_t *key, unsigned len, uint32_t value)
{

	return rte_fib6_add(fib6, key, (uint8_t)len, value) == 0;
}

uint64_t
peer6_lookup_many(const uint8_t (*key)[16], unsigned n)
{
	uint64_t value[256];

	(void)rte_fib6_lookup_bulk(fib6, (uint8_t (*)[16])(uintptr_t)key,
	    value, (int)n);
	return value[0];
}
