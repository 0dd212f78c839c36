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

#include "host/sim/sim.h"	/* the simulated host */
#include "kern/kern_impl.h"	/* a kern is made and ended */

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

/* Run fn(arg) on simulated hosts with the first seeds; *hostp is each of them
 * while it runs.  Nothing may be left allocated. */
static inline void
on_seeds(unsigned seeds, struct host **hostp, void (*fn)(void *), void *arg)
{
	struct sim_config sc;

	for (unsigned seed = 1; seed <= seeds; seed++) {
		memset(&sc, 0, sizeof(sc));
		sc.sc_seed = seed;
		sc.sc_quiet = true;
		*hostp = sim_create(&sc);
		assert_non_null(*hostp);
		assert_int_equal(sim_run(*hostp, fn, arg), 0);
		assert_int_equal(sim_allocated(*hostp), 0);
		sim_destroy(*hostp);
	}
}

/* Run a body on the simulated host, with several seeds. */
static inline void
on_sim(unsigned ncpu, void (*body)(struct kern *))
{
	struct kern_test kt = {
		.kt_config = { .kc_ncpu = ncpu, .kc_mbufs = 2048 },
		.kt_body = body,
	};

	on_seeds(8, &kt.kt_host, kern_test_main, &kt);
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
