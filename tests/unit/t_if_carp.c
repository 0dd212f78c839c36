/*
 * The place of CARP: one group an interface, and none is told anything once it
 * was taken away.  When it is told what is in t_if_detach.
 */

#include "net_test.h"

#include <ifnet/if_carp.h>

static uint32_t carp_told, carp_removed;

static void
count_state(void *arg, struct ifnet *ifp)
{

	(void)arg;
	(void)ifp;
	__atomic_fetch_add(&carp_told, 1, __ATOMIC_RELAXED);
	/* Throughout. */
	for (unsigned i = 0; i < 200000; i++)
		KASSERT(!__atomic_load_n(&carp_removed, __ATOMIC_ACQUIRE));
}

static const struct if_carp counts = { .cg_state = count_state }, none;

/* Taken away while the link state changes: not called afterwards. */
static void
carp_body(struct vnet *vn)
{
	static struct etest et;
	uint32_t told = 0;

	etest_attach(vn, &et, 0, &etest_ops, false);
	KASSERT(if_carp_detach(et.et_ifp, &counts) == ENXIO);
	for (unsigned i = 0; i < 50; i++) {
		carp_removed = 0;
		KASSERT(if_carp_attach(et.et_ifp, &counts) == 0);
		KASSERT(if_carp_detach(et.et_ifp, &none) == ENXIO);
		if_link_state_change(et.et_ifp, i % 2 ? LINK_STATE_UP :
		    LINK_STATE_DOWN);
		/* The callout runs, if this machine has the CPUs for it. */
		if (i % 2 == 0)
			for (unsigned k = 0; k < 1000000 && __atomic_load_n(
			    &carp_told, __ATOMIC_RELAXED) == told; k++)
				if (k % 1000 == 0)
					host_yield(vn->vn_kern->k_host);
		told = __atomic_load_n(&carp_told, __ATOMIC_RELAXED);
		KASSERT(if_carp_detach(et.et_ifp, &counts) == 0);
		__atomic_store_n(&carp_removed, 1, __ATOMIC_RELEASE);
	}
	if_deactivate(et.et_ifp);
	KASSERT(if_carp_attach(et.et_ifp, &counts) == ENXIO);
	etest_detach(&et);
}

static void
nomem_body(struct vnet *vn)
{
	static struct etest et;

	etest_attach(vn, &et, 0, &etest_ops, false);
	sim_fail_alloc(vn->vn_kern->k_host, 1);
	KASSERT(if_carp_attach(et.et_ifp, &counts) == ENOMEM);
	sim_fail_alloc(vn->vn_kern->k_host, 0);
	KASSERT(if_carp_attach(et.et_ifp, &counts) == 0);
	KASSERT(if_carp_detach(et.et_ifp, &counts) == 0);
	etest_detach(&et);
}

static void
test_nomem(void **state)
{

	(void)state;
	net_on_sim(1, nomem_body);
}

static void
test_carp(void **state)
{

	(void)state;
	net_on_linux(2, carp_body);
	net_on_sim(2, carp_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_carp),
		cmocka_unit_test(test_nomem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
