/*
 * kern_test: run a test body on a kern, on either host.
 *
 * Bodies check with KASSERT, because a body on the simulated host runs on a
 * stack that cmocka's assertions could not leave.
 */

#ifndef TESTS_KERN_TEST_H
#define TESTS_KERN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/sim/sim.h"
#include "kern/kern_impl.h"

struct kern_test {
	struct kern_config kt_config;
	void		(*kt_body)(struct kern *);
	struct host	*kt_host;
};

static inline void
kern_test_main(void *arg)
{
	struct kern_test *kt = arg;
	struct kern *k;

	KASSERT(kern_create(kt->kt_host, &kt->kt_config, &k) == 0);
	kt->kt_body(k);
	KASSERT(mbuf_free_count(k) == mbuf_total(k));
	kern_destroy(k);
}

/* Run a body on the simulated host, with several seeds. */
static inline void
on_sim(unsigned ncpu, void (*body)(struct kern *))
{
	struct sim_config sc;
	struct kern_test kt;

	for (uint64_t seed = 1; seed <= 8; seed++) {
		memset(&sc, 0, sizeof(sc));
		sc.sc_seed = seed;
		sc.sc_quiet = true;
		memset(&kt, 0, sizeof(kt));
		kt.kt_config.kc_ncpu = ncpu;
		kt.kt_config.kc_mbufs = 2048;
		kt.kt_body = body;
		kt.kt_host = sim_create(&sc);
		assert_non_null(kt.kt_host);
		assert_int_equal(sim_run(kt.kt_host, kern_test_main, &kt), 0);
		assert_int_equal(sim_allocated(kt.kt_host), 0);
		sim_destroy(kt.kt_host);
	}
}

/* Run a body on this machine. */
static inline void
on_linux(unsigned ncpu, void (*body)(struct kern *))
{
	struct kern_test kt;

	memset(&kt, 0, sizeof(kt));
	kt.kt_config.kc_ncpu = ncpu;
	kt.kt_config.kc_mbufs = 2048;
	kt.kt_config.kc_busy_poll_ns = 20000;
	kt.kt_body = body;
	kt.kt_host = host_linux();
	kern_test_main(&kt);
}

#endif /* !TESTS_KERN_TEST_H */
