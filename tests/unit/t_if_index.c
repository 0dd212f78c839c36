/*
 * The index table: next-fit indices, generations, growth, the limit, and the
 * bitmap below it against a plain array.
 */

#include "if_test.h"
#include "net/if_index_impl.h"	/* under test */

#include <limits.h>

static void
bitmap_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	static bool model[1 << 16];
	struct if_bitmap ib;
	unsigned n, want;
	uint32_t r;

	memset(model, 0, sizeof(model));
	if_bitmap_init(h, &ib);
	for (unsigned i = 0; i < 5000; i++) {
		KASSERT(if_bitmap_set(&ib, i) == 0);
		model[i] = true;
	}
	for (int i = 0; i < 20000; i++) {
		host_random(h, &r, sizeof(r));
		n = (r >> 8) % 9000;
		if ((r & 3) == 0) {
			if_bitmap_clear(&ib, n);
			model[n] = false;
		} else if ((r & 3) == 1) {
			KASSERT(if_bitmap_set(&ib, n) ==
			    (model[n] ? EEXIST : 0));
			model[n] = true;
		} else {
			for (want = n; model[want]; want++)
				continue;
			KASSERT(if_bitmap_next(&ib, n) == want);
		}
		KASSERT(if_bitmap_isset(&ib, n) == model[n]);
	}
	KASSERT(if_bitmap_next(&ib, (1u << 24) - 1) == (1u << 24) - 1);
	KASSERT(if_bitmap_set(&ib, (1u << 24) - 1) == 0);
	KASSERT(if_bitmap_next(&ib, (1u << 24) - 1) == 1u << 24);
	KASSERT(if_bitmap_next(&ib, 1u << 24) == 1u << 24);
	if_bitmap_fini(&ib);
}

/* Numbers far apart, up to the largest unit; each height of the tree, full and
 * not; no memory. */
static void
bitmap_sparse_body(struct vnet *vn)
{
	static const unsigned far[] = { 0, 63, 64, 4095, 4096, 262143, 262144,
	    (1u << 24) - 1, 1u << 24, (1u << 30) + 5, INT_MAX };
	struct host *h = vn->vn_kern->k_host;
	struct if_bitmap ib;
	int error;

	if_bitmap_init(h, &ib);
	for (unsigned i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		KASSERT(!if_bitmap_isset(&ib, far[i]));
		for (unsigned n = 1;; n++) {
			sim_fail_alloc(h, n);
			error = if_bitmap_set(&ib, far[i]);
			if (error == 0)
				break;
			KASSERT(error == ENOMEM);
			KASSERT(!if_bitmap_isset(&ib, far[i]));
			KASSERT(if_bitmap_next(&ib, far[i]) == far[i]);
		}
		sim_fail_alloc(h, 0);
		KASSERT(if_bitmap_isset(&ib, far[i]));
		for (unsigned j = 0; j <= i; j++)
			KASSERT(if_bitmap_next(&ib, far[j]) != far[j]);
	}
	KASSERT(if_bitmap_next(&ib, 63) == 65);
	KASSERT(if_bitmap_next(&ib, 262143) == 262145);
	KASSERT(if_bitmap_next(&ib, (1u << 24) - 1) == (1u << 24) + 1);
	KASSERT(if_bitmap_next(&ib, INT_MAX) == 1u << 31);
	for (unsigned i = sizeof(far) / sizeof(far[0]); i-- > 0;) {
		if_bitmap_clear(&ib, far[i]);
		KASSERT(!if_bitmap_isset(&ib, far[i]));
		KASSERT(if_bitmap_next(&ib, far[i]) == far[i]);
	}
	if_bitmap_fini(&ib);
	/* Full to the last bit of each height. */
	for (unsigned n = 0; n < 3 * 4096; n++) {
		KASSERT(if_bitmap_next(&ib, 0) == n);
		KASSERT(if_bitmap_set(&ib, n) == 0);
	}
	if_bitmap_clear(&ib, 4095);
	KASSERT(if_bitmap_next(&ib, 0) == 4095);
	KASSERT(if_bitmap_next(&ib, 4096) == 3 * 4096);
	if_bitmap_fini(&ib);
	/* A level more, and no memory for the rest: what was there stays. */
	KASSERT(if_bitmap_set(&ib, 3) == 0);
	sim_fail_alloc(h, 3);
	KASSERT(if_bitmap_set(&ib, 4096) == ENOMEM);
	sim_fail_alloc(h, 0);
	for (unsigned n = 0; n < 64; n++)
		KASSERT(if_bitmap_isset(&ib, n) == (n == 3));
	KASSERT(if_bitmap_set(&ib, 5) == 0);
	KASSERT(if_bitmap_next(&ib, 3) == 4 && if_bitmap_next(&ib, 5) == 6);
	if_bitmap_fini(&ib);
}

static void
next_fit_body(struct vnet *vn)
{
	struct ifnet *a, *b, *c;
	uint64_t handle;
	unsigned index;

	a = test_must_attach(vn, "a", 0);
	b = test_must_attach(vn, "b", 0);
	KASSERT(a->if_index == 1 && b->if_index == 2);
	handle = a->if_handle;
	KASSERT(if_handle_index(handle) == 1 && handle >> IF_INDEX_BITS == 1);
	test_detach(a);
	/* The next after the last one given, not the one just freed. */
	a = test_must_attach(vn, "a", 0);
	KASSERT(a->if_index == 3);

	/* Past the limit: from 1 again, with another generation. */
	vn->vn_if->ifv_limit = 3;
	c = test_must_attach(vn, "c", 0);
	KASSERT(c->if_index == 1 && c->if_handle != handle);
	pserialize_read_enter();
	KASSERT(if_byhandle(vn, handle) == NULL);
	KASSERT(if_byhandle(vn, c->if_handle) == c);
	KASSERT(if_byindex(vn, 1) == c && if_byindex(vn, 0) == NULL);
	KASSERT(if_byindex(vn, 4000000) == NULL);
	pserialize_read_exit();
	index = c->if_index;
	KASSERT(index == 1);
	test_detach(a);
	test_detach(b);
	test_detach(c);
}

static void
limit_body(struct vnet *vn)
{
	struct ifnet *ifp[20];
	int error;

	vn->vn_if->ifv_limit = 20;
	for (unsigned i = 0; i < 20; i++) {
		ifp[i] = test_must_attach(vn, "x", i);
		KASSERT(ifp[i]->if_index == i + 1);
	}
	KASSERT(test_attach(vn, "x", 20, &error) == NULL && error == ENOSPC);
	KASSERT(test_if_count(vn) == 20);
	test_detach(ifp[7]);
	ifp[7] = test_must_attach(vn, "x", 20);
	KASSERT(ifp[7]->if_index == 8);
	for (unsigned i = 0; i < 20; i++)
		test_detach(ifp[i]);
	KASSERT(test_if_count(vn) == 0);
}

static int
count_one(struct ifnet *ifp, void *arg)
{

	KASSERT(if_held(ifp));
	++*(unsigned *)arg;
	return 0;
}

static int
stop_at_once(struct ifnet *ifp, void *arg)
{

	(void)ifp;
	++*(unsigned *)arg;
	return 77;
}

/* A reader keeps the table it has, for as long as it looks. */
struct keeper {
	struct vnet	*kp_vnet;
	struct ifnet	*kp_ifp;	/* at index 1 */
	uint32_t	 kp_stage;	/* atomic; 1: it has it, 2: grown */
};

static void
keeper_main(void *arg)
{
	struct keeper *kp = arg;
	const struct if_table *it;
	unsigned size;

	pserialize_read_enter();
	it = __atomic_load_n(&kp->kp_vnet->vn_if->ifv_table, __ATOMIC_CONSUME);
	size = it->it_size;
	__atomic_store_n(&kp->kp_stage, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&kp->kp_stage, __ATOMIC_ACQUIRE) != 2)
		__builtin_ia32_pause();
	KASSERT(it != kp->kp_vnet->vn_if->ifv_table && it->it_size == size);
	KASSERT(it->it_ifp[0] == NULL && it->it_ifp[1] == kp->kp_ifp);
	pserialize_read_exit();
}

static void
kept_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct keeper kp = { .kp_vnet = vn };
	struct ifnet *ifp[300];
	struct host_thread *t;

	kp.kp_ifp = ifp[0] = test_must_attach(vn, "x", 0);
	KASSERT(host_thread_create(h, "keeper", -1, keeper_main, &kp, &t) ==
	    0);
	while (__atomic_load_n(&kp.kp_stage, __ATOMIC_ACQUIRE) == 0)
		host_yield(h);
	for (unsigned i = 1; i < 300; i++)
		ifp[i] = test_must_attach(vn, "x", i);
	__atomic_store_n(&kp.kp_stage, 2, __ATOMIC_RELEASE);
	host_thread_join(h, t);
	for (unsigned i = 0; i < 300; i++)
		test_detach(ifp[i]);
}

static void
growth_body(struct vnet *vn)
{
	struct if_table *old;
	struct ifnet *ifp[300];
	unsigned n = 0;

	ifp[0] = test_must_attach(vn, "x", 0);
	pserialize_read_enter();
	old = vn->vn_if->ifv_table;
	KASSERT(old->it_ifp[1] == ifp[0]);
	pserialize_read_exit();
	for (unsigned i = 1; i < 300; i++)
		ifp[i] = test_must_attach(vn, "x", i);
	KASSERT(vn->vn_if->ifv_table != old);
	pserialize_read_enter();
	for (unsigned i = 0; i < 300; i++)
		KASSERT(if_byindex(vn, i + 1) == ifp[i]);
	pserialize_read_exit();
	KASSERT(if_foreach(vn, count_one, &n) == 0 && n == 300);
	n = 0;
	KASSERT(if_foreach(vn, stop_at_once, &n) == 77 && n == 1);
	for (unsigned i = 0; i < 300; i++)
		test_detach(ifp[i]);
}

static void
test_bitmap(void **state)
{

	(void)state;
	if_on_sim(1, bitmap_body);
	if_on_sim(1, bitmap_sparse_body);
}

static void
test_next_fit(void **state)
{

	(void)state;
	if_on_sim(2, next_fit_body);
}

static void
test_limit(void **state)
{

	(void)state;
	if_on_sim(1, limit_body);
}

static void
test_growth(void **state)
{

	(void)state;
	if_on_sim(2, growth_body);
	if_on_linux(2, growth_body);
}

static void
test_kept(void **state)
{

	(void)state;
	if_on_linux(2, kept_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bitmap),
		cmocka_unit_test(test_next_fit),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
