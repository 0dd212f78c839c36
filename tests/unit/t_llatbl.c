/*
 * Neighbours: found by interface and address, their header complete whenever
 * it is seen, and freed behind the readers.
 */

#include "net_test.h"

static void
table_body(struct vnet *vn)
{
	static struct etest et[2];
	struct lltable *lt = &net_test_lltable;
	struct llentry *la[2][50];
	struct ifnet *ifp;
	uint8_t addr[6] = { 2, 0, 0, 0, 1, 0 };

	dtest_attach(vn);
	etest_attach(vn, &et[0], 0, &etest_ops, true);
	etest_attach(vn, &et[1], 1, &etest_ops, true);
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned j = 0; j < 50; j++) {
			la[i][j] = lla_create4(lt, et[i].et_ifp,
			    test_hop_plus("10.0.0.0", j));
			KASSERT(la[i][j] != NULL && la[i][j]->la_hdr == NULL);
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		ifp = et[i].et_ifp;
		for (unsigned j = 0; j < 50; j++)
			KASSERT(lla_lookup4(lt, ifp, test_hop_plus("10.0.0.0",
			    j)) == la[i][j]);
		KASSERT(lla_lookup4(lt, ifp, test_hop_plus("10.0.0.0", 50)) ==
		    NULL);
	}

	addr[5] = 7;
	KASSERT(lla_set(la[0][3], addr) == 0);
	KASSERT(memcmp(la[0][3]->la_hdr->lh_bytes, addr, 6) == 0);
	KASSERT(memcmp(la[0][3]->la_hdr->lh_bytes + 6, etest_addr, 6) == 0);
	KASSERT(la[0][3]->la_hdr->lh_bytes[12] == 8 &&
	    la[0][3]->la_hdr->lh_bytes[13] == 0);
	KASSERT(memcmp(la[0][3]->la_lladdr, addr, 6) == 0);
	KASSERT(la[1][3]->la_hdr == NULL);
	KASSERT(lla_set(la[0][3], NULL) == 0 && la[0][3]->la_hdr == NULL);
	KASSERT(lla_set(la[0][3], addr) == 0);

	for (unsigned i = 0; i < 2; i++) {
		for (unsigned j = 0; j < 50; j++) {
			lla_remove(lt, la[i][j]);
			KASSERT(lla_lookup4(lt, et[i].et_ifp,
			    test_hop_plus("10.0.0.0", j)) == NULL);
		}
	}
	/* Entries outlive their interface until the readers have left. */
	etest_detach(&et[0]);
	etest_detach(&et[1]);
}

static void
test_table(void **state)
{

	(void)state;
	net_on_linux(0, table_body);
	net_on_sim(1, table_body);
}

/* A change that fails for want of memory changes nothing. */
static struct host *nomem_host;

static void
nomem_body(struct vnet *vn)
{
	static struct etest et;
	struct lltable *lt = &net_test_lltable;
	const uint8_t a[6] = { 2, 0, 0, 0, 1, 1 }, b[6] = { 2, 0, 0, 0, 1, 2 };
	struct llentry *la;
	struct llhdr *lh;

	nomem_host = vn->vn_kern->k_host;
	etest_attach(vn, &et, 0, &etest_ops, true);
	for (unsigned n = 1;; n++) {
		sim_fail_alloc(nomem_host, n);
		la = lla_create4(lt, et.et_ifp, test_hop("10.0.0.1"));
		if (la != NULL)
			break;
		KASSERT(lt->lt_hash.kh_count == 0);
	}
	sim_fail_alloc(nomem_host, 0);
	KASSERT(lla_set(la, a) == 0);
	lh = la->la_hdr;
	sim_fail_alloc(nomem_host, 1);
	KASSERT(lla_set(la, b) == ENOMEM);
	sim_fail_alloc(nomem_host, 0);
	KASSERT(la->la_hdr == lh && memcmp(la->la_lladdr, a, 6) == 0);
	lla_remove(lt, la);
	etest_detach(&et);
}

static void
test_nomem(void **state)
{

	(void)state;
	net_on_sim(1, nomem_body);
}

/* Readers see one whole header or the other. */
struct flip {
	struct llentry	*fl_la;
	struct ifnet	*fl_ifp;
	uint32_t	 fl_running;
	uint32_t	 fl_stop;
};

static void
flip_reader(void *arg)
{
	struct flip *fl = arg;
	const struct llhdr *lh;
	struct llentry *la;

	__atomic_store_n(&fl->fl_running, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&fl->fl_stop, __ATOMIC_ACQUIRE)) {
		pserialize_read_enter();
		la = lla_lookup4(&net_test_lltable, fl->fl_ifp,
		    test_hop("10.0.0.1"));
		KASSERT(la != NULL);
		lh = __atomic_load_n(&la->la_hdr, __ATOMIC_CONSUME);
		for (unsigned i = 1; i < 6 && lh != NULL; i++)
			KASSERT(lh->lh_bytes[i] == lh->lh_bytes[1]);
		pserialize_read_exit();
	}
}

static void
flip_body(struct vnet *vn)
{
	struct lltable *lt = &net_test_lltable;
	struct host *h = vn->vn_kern->k_host;
	static struct etest et;
	struct flip fl = { .fl_stop = 0 };
	struct host_thread *t;
	struct llentry *la;
	uint8_t addr[6];

	etest_attach(vn, &et, 0, &etest_ops, true);
	fl.fl_ifp = et.et_ifp;
	fl.fl_la = lla_create4(lt, et.et_ifp, test_hop("10.0.0.1"));
	KASSERT(fl.fl_la != NULL);
	KASSERT(host_thread_create(h, "reader", -1, flip_reader, &fl, &t) ==
	    0);
	while (!__atomic_load_n(&fl.fl_running, __ATOMIC_ACQUIRE))
		host_yield(h);
	for (unsigned i = 0; i < 3000; i++) {
		memset(addr, (int)(i & 0xff), sizeof(addr));
		addr[0] = 2;
		kspin_lock(&lt->lt_lock);
		KASSERT(lla_set(fl.fl_la, i % 7 == 0 ? NULL : addr) == 0);
		la = lla_create4(lt, et.et_ifp, test_hop_plus("10.0.1.0", i));
		KASSERT(la != NULL);
		lla_remove(lt, la);
		kspin_unlock(&lt->lt_lock);
	}
	__atomic_store_n(&fl.fl_stop, 1, __ATOMIC_RELEASE);
	host_thread_join(h, t);
	lla_remove(lt, fl.fl_la);
	etest_detach(&et);
}

static void
test_readers(void **state)
{

	(void)state;
	net_on_linux(1, flip_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
