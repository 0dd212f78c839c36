/*
 * Neighbours: found by interface and address, their header complete whenever
 * it is seen, and freed behind the readers.
 */

#include "net_test.h"

static void
table_body(struct vnet *vn)
{
	static struct etest et[2];
	struct neigh_table *nt = &net_test_neigh;
	struct neigh *ne[2][50];
	struct ifnet *ifp;
	uint8_t addr[6] = { 2, 0, 0, 0, 1, 0 };

	dtest_attach(vn);
	etest_attach(vn, &et[0], 0, &etest_ops, true);
	etest_attach(vn, &et[1], 1, &etest_ops, true);
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned j = 0; j < 50; j++) {
			ne[i][j] = neigh_create4(nt, et[i].et_ifp,
			    test_hop_plus("10.0.0.0", j));
			KASSERT(ne[i][j] != NULL && ne[i][j]->ne_hdr == NULL);
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		ifp = et[i].et_ifp;
		for (unsigned j = 0; j < 50; j++)
			KASSERT(neigh_lookup4(nt, ifp, test_hop_plus("10.0.0.0",
			    j)) == ne[i][j]);
		KASSERT(neigh_lookup4(nt, ifp, test_hop_plus("10.0.0.0", 50)) ==
		    NULL);
	}

	addr[5] = 7;
	KASSERT(neigh_set(ne[0][3], addr) == 0);
	KASSERT(memcmp(ne[0][3]->ne_hdr->neh_bytes, addr, 6) == 0);
	KASSERT(memcmp(ne[0][3]->ne_hdr->neh_bytes + 6, etest_addr, 6) == 0);
	KASSERT(ne[0][3]->ne_hdr->neh_bytes[12] == 8 &&
	    ne[0][3]->ne_hdr->neh_bytes[13] == 0);
	KASSERT(memcmp(ne[0][3]->ne_lladdr, addr, 6) == 0);
	KASSERT(ne[1][3]->ne_hdr == NULL);
	KASSERT(neigh_set(ne[0][3], NULL) == 0 && ne[0][3]->ne_hdr == NULL);
	KASSERT(neigh_set(ne[0][3], addr) == 0);

	for (unsigned i = 0; i < 2; i++) {
		for (unsigned j = 0; j < 50; j++) {
			neigh_remove(nt, ne[i][j]);
			KASSERT(neigh_lookup4(nt, et[i].et_ifp,
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

/* Addresses of two families, which are alike as far as they can be, on two
 * interfaces: each is found by its own, and has its type in its header. */
static void
families_body(struct vnet *vn)
{
	static struct etest et[2];
	struct neigh_table *nt = &net_test_neigh;
	const uint8_t mac[6] = { 2, 0, 0, 0, 1, 1 };
	struct neigh *v4[2], *v6[2][17];
	union neigh_addr na;
	struct ifnet *ifp;

	memset(&na, 0, sizeof(na));
	na.na_4 = test_hop("10.0.0.1");
	for (unsigned i = 0; i < 2; i++) {
		etest_attach(vn, &et[i], i, &etest_ops, true);
		ifp = et[i].et_ifp;
		v4[i] = neigh_create4(nt, ifp, na.na_4);
		v6[i][16] = neigh_create(nt, ifp, AF_INET6, &na);
		KASSERT(v4[i] != NULL && v6[i][16] != NULL);
		for (unsigned j = 0; j < 16; j++) {
			na.na_bytes[j] ^= 0x80;
			v6[i][j] = neigh_create(nt, ifp, AF_INET6, &na);
			na.na_bytes[j] ^= 0x80;
			KASSERT(v6[i][j] != NULL);
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		ifp = et[i].et_ifp;
		KASSERT(neigh_lookup4(nt, ifp, na.na_4) == v4[i]);
		KASSERT(neigh_lookup(nt, ifp, AF_INET, &na) == v4[i]);
		KASSERT(neigh_lookup(nt, ifp, AF_INET6, &na) == v6[i][16]);
		for (unsigned j = 0; j < 16; j++) {
			na.na_bytes[j] ^= 0x80;
			KASSERT(neigh_lookup(nt, ifp, AF_INET6, &na) ==
			    v6[i][j]);
			KASSERT(neigh_lookup(nt, ifp, AF_INET, &na) == NULL);
			na.na_bytes[j] ^= 0x80;
		}
		KASSERT(neigh_set(v6[i][16], mac) == 0);
		KASSERT(v6[i][16]->ne_hdr->neh_bytes[12] == 0x86 &&
		    v6[i][16]->ne_hdr->neh_bytes[13] == 0xdd);
	}
	/* An IPv6 neighbour stays when the IPv4 neighbour goes. */
	for (unsigned i = 0; i < 2; i++) {
		ifp = et[i].et_ifp;
		neigh_remove(nt, v4[i]);
		KASSERT(neigh_lookup4(nt, ifp, na.na_4) == NULL);
		KASSERT(neigh_lookup(nt, ifp, AF_INET6, &na) == v6[i][16]);
		for (unsigned j = 0; j < 17; j++)
			neigh_remove(nt, v6[i][j]);
		etest_detach(&et[i]);
	}
	KASSERT(nt->nt_hash.kh_count == 0);
}

static void
test_families(void **state)
{

	(void)state;
	net_on_sim(1, families_body);
}

#define NCHOSEN	1024

/* The most of some addresses whose hashes are alike in their low bits. */
static unsigned
most_alike(const struct neigh_table *nt, const struct ifnet *ifp,
    const union neigh_addr *na)
{
	unsigned n[256] = { 0 }, most = 0, i;

	for (unsigned j = 0; j < NCHOSEN; j++) {
		i = neigh_hash(nt, ifp, &na[j]) & 255;
		most = ++n[i] > most ? n[i] : most;
	}
	return most;
}

/* Addresses chosen so that they have the same place in one table are spread in
 * another one: nobody can make lookups slow by choosing addresses. */
static void
chosen_body(struct vnet *vn)
{
	static union neigh_addr na[NCHOSEN];
	static struct etest et;
	struct neigh_table other;
	uint32_t addr = 0;

	etest_attach(vn, &et, 0, &etest_ops, true);
	neigh_table_init(vn->vn_kern, &other);
	KASSERT(other.nt_seed != net_test_neigh.nt_seed);
	for (unsigned six = 0; six < 2; six++) {
		memset(na, 0, sizeof(na));
		for (unsigned i = 0; i < NCHOSEN; i++) {
			do {
				na[i].na_words[six] = addr++;
			} while ((neigh_hash(&net_test_neigh, et.et_ifp,
			    &na[i]) & 255) != 7);
			if (six == 0)
				KASSERT(neigh_hash(&other, et.et_ifp, &na[i]) ==
				    neigh_hash4(&other, et.et_ifp,
				    na[i].na_4));
		}
		KASSERT(most_alike(&net_test_neigh, et.et_ifp, na) == NCHOSEN);
		KASSERT(most_alike(&other, et.et_ifp, na) < NCHOSEN / 16);
	}
	neigh_table_fini(&other);
	etest_detach(&et);
}

static void
test_chosen(void **state)
{

	(void)state;
	net_on_sim(1, chosen_body);
}

/* A change that fails for want of memory changes nothing. */
static struct host *nomem_host;

static void
nomem_body(struct vnet *vn)
{
	static struct etest et;
	struct neigh_table *nt = &net_test_neigh;
	const uint8_t a[6] = { 2, 0, 0, 0, 1, 1 }, b[6] = { 2, 0, 0, 0, 1, 2 };
	struct neigh *ne;
	struct neigh_hdr *neh;

	nomem_host = vn->vn_kern->k_host;
	etest_attach(vn, &et, 0, &etest_ops, true);
	for (unsigned n = 1;; n++) {
		sim_fail_alloc(nomem_host, n);
		ne = neigh_create4(nt, et.et_ifp, test_hop("10.0.0.1"));
		if (ne != NULL)
			break;
		KASSERT(nt->nt_hash.kh_count == 0);
	}
	sim_fail_alloc(nomem_host, 0);
	KASSERT(neigh_set(ne, a) == 0);
	neh = ne->ne_hdr;
	sim_fail_alloc(nomem_host, 1);
	KASSERT(neigh_set(ne, b) == ENOMEM);
	sim_fail_alloc(nomem_host, 0);
	KASSERT(ne->ne_hdr == neh && memcmp(ne->ne_lladdr, a, 6) == 0);
	neigh_remove(nt, ne);
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
	struct neigh	*fl_ne;
	struct ifnet	*fl_ifp;
	uint32_t	 fl_running;
	uint32_t	 fl_stop;
};

static void
flip_reader(void *arg)
{
	struct flip *fl = arg;
	const struct neigh_hdr *neh;
	struct neigh *ne;

	__atomic_store_n(&fl->fl_running, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&fl->fl_stop, __ATOMIC_ACQUIRE)) {
		pserialize_read_enter();
		ne = neigh_lookup4(&net_test_neigh, fl->fl_ifp,
		    test_hop("10.0.0.1"));
		KASSERT(ne != NULL);
		neh = __atomic_load_n(&ne->ne_hdr, __ATOMIC_CONSUME);
		for (unsigned i = 1; i < 6 && neh != NULL; i++)
			KASSERT(neh->neh_bytes[i] == neh->neh_bytes[1]);
		pserialize_read_exit();
	}
}

static void
flip_body(struct vnet *vn)
{
	struct neigh_table *nt = &net_test_neigh;
	struct host *h = vn->vn_kern->k_host;
	static struct etest et;
	struct flip fl = { .fl_stop = 0 };
	struct host_thread *t;
	struct neigh *ne;
	uint8_t addr[6];

	etest_attach(vn, &et, 0, &etest_ops, true);
	fl.fl_ifp = et.et_ifp;
	fl.fl_ne = neigh_create4(nt, et.et_ifp, test_hop("10.0.0.1"));
	KASSERT(fl.fl_ne != NULL);
	KASSERT(host_thread_create(h, "reader", -1, flip_reader, &fl, &t) ==
	    0);
	while (!__atomic_load_n(&fl.fl_running, __ATOMIC_ACQUIRE))
		host_yield(h);
	for (unsigned i = 0; i < 3000; i++) {
		memset(addr, (int)(i & 0xff), sizeof(addr));
		addr[0] = 2;
		kspin_lock(&nt->nt_lock);
		KASSERT(neigh_set(fl.fl_ne, i % 7 == 0 ? NULL : addr) == 0);
		ne = neigh_create4(nt, et.et_ifp, test_hop_plus("10.0.1.0", i));
		KASSERT(ne != NULL);
		neigh_remove(nt, ne);
		kspin_unlock(&nt->nt_lock);
	}
	__atomic_store_n(&fl.fl_stop, 1, __ATOMIC_RELEASE);
	host_thread_join(h, t);
	neigh_remove(nt, fl.fl_ne);
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
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
