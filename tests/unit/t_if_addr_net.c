/*
 * Prefixes of addresses: the same answers as a table that is searched from end
 * to end, in both families, whatever is inserted, removed and replaced; readers
 * meanwhile always find what is there all the time.
 */

#include "kern_test.h"

#include <errno.h>
#include <stdlib.h>

#include "net/route.h"	/* under test */

#define NADDRS		400
#define NROUNDS		12000

/* An address with its socket address behind it, as a family makes it. */
struct addr {
	struct protoaddr a_pa;
	struct sockaddr_in6 a_sin6;
};

struct naive {
	struct addr	*na_addr[NADDRS];
	unsigned	 na_n;
	struct if_nets	 na_nets;
};

static uint64_t rng = 88172645463325252ULL;

static uint32_t
rnd(void)
{

	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 16);
}

/* Prefixes close together, so that they nest; link-local ones of several
 * interfaces among them. */
static struct prefix
some(bool ip6)
{
	static const uint32_t base[] = {
		0x0a000000, 0x0a010000, 0x0a010100, 0xc0a80000, 0xffffff00, 0
	};
	uint32_t key = base[rnd() % 6] |
	    (rnd() & (rnd() % 3 == 0 ? 0xffffff : 0x3ff));
	uint8_t a[16] = { 0x20, 0x01, 0x0d, 0xb8 };

	if (!ip6)
		return prefix_of4(key, rnd() % 33);
	if (rnd() % 4 == 0) {
		a[0] = 0xfe;
		a[1] = 0x80;
		a[2] = a[3] = 0;
		a[7] = 1 + rnd() % 3;	/* the zone */
	} else
		a[6] = key & 3;
	a[8] = rnd() % 3;
	a[15] = key & 7;
	return prefix_of6(a, rnd() % 5 == 0 ? rnd() % 129 : 64 + rnd() % 4);
}

static struct addr *
make(struct kern *k, const struct prefix *pf)
{
	struct addr *a = kmem_zalloc(k, sizeof(*a));
	union neigh_addr na;

	KASSERT(a != NULL);
	a->a_pa.pa_family = pf->pf_family;
	a->a_pa.pa_len = pf->pf_len;
	a->a_pa.pa_net.le_key = prefix_addr4(pf);
	if (pf->pf_family == AF_INET6) {
		prefix_addr6(pf, &na);
		zone6_to_sa(&na, &a->a_sin6);
		a->a_pa.pa_ifa.ifa_addr = (struct sockaddr *)&a->a_sin6;
	}
	return a;
}

static struct addr *
naive_find(const struct naive *na, const struct prefix *pf)
{
	struct prefix has;

	for (unsigned i = 0; i < na->na_n; i++) {
		has = pa_prefix(&na->na_addr[i]->a_pa);
		if (prefix_is(&has, pf))
			return na->na_addr[i];
	}
	return NULL;
}

/* The longest one that is shorter than len. */
static struct addr *
naive_longest(const struct naive *na, const struct prefix *pf, unsigned len)
{
	struct addr *best = NULL;
	struct prefix has;

	for (unsigned i = 0; i < na->na_n; i++) {
		has = pa_prefix(&na->na_addr[i]->a_pa);
		if (has.pf_len < len && prefix_has(&has, pf) && (best == NULL ||
		    has.pf_len > best->a_pa.pa_len))
			best = na->na_addr[i];
	}
	return best;
}

static void
insert(struct kern *k, struct naive *na)
{
	struct prefix pf = some(rnd() % 2);

	/* A link-local prefix without its zone is none. */
	if (pf.pf_family == AF_INET6 && pf.pf_len < 64 &&
	    pf.pf_hi >> 54 == 0x3fa)
		return;
	if (na->na_n == NADDRS || naive_find(na, &pf) != NULL)
		return;
	na->na_addr[na->na_n] = make(k, &pf);
	KASSERT(if_nets_insert(&na->na_nets,
	    &na->na_addr[na->na_n++]->a_pa) == 0);
}

static void
remove_one(struct kern *k, struct naive *na)
{
	unsigned i = na->na_n == 0 ? 0 : rnd() % na->na_n;

	if (na->na_n == 0)
		return;
	if_nets_remove(&na->na_nets, &na->na_addr[i]->a_pa);
	kmem_free(k, na->na_addr[i]);
	na->na_addr[i] = na->na_addr[--na->na_n];
}

static void
replace(struct kern *k, struct naive *na)
{
	struct addr *old, *new;
	struct prefix pf;
	unsigned i;

	if (na->na_n == 0)
		return;
	i = rnd() % na->na_n;
	old = na->na_addr[i];
	pf = pa_prefix(&old->a_pa);
	new = make(k, &pf);
	if_nets_replace(&na->na_nets, &old->a_pa, &new->a_pa);
	na->na_addr[i] = new;
	kmem_free(k, old);
}

/* The prefix, with all that contain it, from the longest to the shortest. */
static void
check_one(const struct naive *na, const struct prefix *pf)
{
	struct protoaddr *pa;
	unsigned len = 129;
	struct addr *a;

	do {
		a = naive_longest(na, pf, len);
		pa = if_nets_longest(&na->na_nets, pf, &len);
		KASSERT(pa == (a == NULL ? NULL : &a->a_pa));
		KASSERT(pa == NULL || len == pa->pa_len);
	} while (pa != NULL);
}

static void
check(const struct naive *na)
{
	struct prefix pf;
	struct addr *a;
	uint32_t key;

	for (unsigned i = 0; i < 4 && na->na_n != 0; i++) {
		/* The edges of a prefix of IPv4. */
		a = na->na_addr[rnd() % na->na_n];
		if (a->a_pa.pa_family != AF_INET)
			continue;
		key = a->a_pa.pa_net.le_key;
		for (unsigned edge = 0; edge < 4; edge++) {
			pf = prefix_of4(edge == 0 ? key : edge == 1 ? key - 1 :
			    (key | ~prefix_mask(a->a_pa.pa_len)) + (edge == 3),
			    32);
			check_one(na, &pf);
		}
	}
	for (unsigned i = 0; i < 10; i++) {
		pf = some(i % 2);
		a = naive_find(na, &pf);
		KASSERT(if_nets_find(&na->na_nets, &pf) ==
		    (a == NULL ? NULL : &a->a_pa));
		check_one(na, &pf);
	}
}

static void
naive_body(struct kern *k)
{
	static struct naive na;

	KASSERT(if_nets_init(k, &na.na_nets) == 0);
	check(&na);
	for (unsigned i = 0; i < NROUNDS; i++) {
		if (rnd() % 10 == 9)
			replace(k, &na);
		else if (rnd() % 10 < ((i / 2000) % 2 == 0 ? 6u : 3u))
			insert(k, &na);
		else
			remove_one(k, &na);
		check(&na);
	}
	while (na.na_n != 0)
		remove_one(k, &na);
	check(&na);
	/* Nothing of the trie outlives the prefixes that needed it. */
	KASSERT(na.na_nets.in_ip4.lpm_nodes == 0);
	for (uint32_t i = 0; i < 65536; i++)
		KASSERT(na.na_nets.in_ip4.lpm_root[i] == 0);
	for (unsigned w = 0; w < 3; w++)
		KASSERT(na.na_nets.in_lens[w] == 0);
	if_nets_fini(&na.na_nets);
}

static void
test_naive(void **state)
{

	(void)state;
	on_linux(0, naive_body);
}

/* An insertion that fails leaves everything as it was. */
static struct host *nomem_host;

static void
nomem(void *arg)
{
	struct kern_config kc = { .kc_mbufs = 64 };
	static const uint8_t bytes[16] = { 0x20, 1, [15] = 7 };
	static struct if_nets nets;
	struct prefix pf, addr;
	struct kern *k;
	struct addr *a;
	unsigned n, len;
	int error;

	(void)arg;
	KASSERT(kern_create(nomem_host, &kc, &k) == 0);
	KASSERT(if_nets_init(k, &nets) == 0);
	for (unsigned f = 0; f < 2; f++) {
		addr = f == 0 ? prefix_of4(0x0a010203, 32) :
		    prefix_of6(bytes, 128);
		pf = addr;
		prefix_cut(&pf, pf.pf_len - 4);
		a = make(k, &pf);
		for (n = 1;; n++) {
			sim_fail_alloc(nomem_host, n);
			error = if_nets_insert(&nets, &a->a_pa);
			if (error == 0)
				break;
			KASSERT(error == ENOMEM);
			KASSERT(sim_alloc_failed(nomem_host));
			len = 129;
			KASSERT(if_nets_find(&nets, &pf) == NULL &&
			    if_nets_longest(&nets, &addr, &len) == NULL);
		}
		sim_fail_alloc(nomem_host, 0);
		len = 129;
		KASSERT(n >= 2 && if_nets_longest(&nets, &addr, &len) ==
		    &a->a_pa && len == pf.pf_len);
		if_nets_remove(&nets, &a->a_pa);
		kmem_free(k, a);
	}
	if_nets_fini(&nets);
	kern_destroy(k);
}

static void
test_nomem(void **state)
{
	struct sim_config sc = { .sc_seed = 1, .sc_quiet = true };

	(void)state;
	nomem_host = sim_create(&sc);
	assert_int_equal(sim_run(nomem_host, nomem, NULL), 0);
	assert_int_equal(sim_allocated(nomem_host), 0);
	sim_destroy(nomem_host);
}

/* Readers: there is always a /8, and sometimes something longer in it. */
static struct if_nets race_nets;
static uint32_t race_stop, race_running;

static void
read_loop(void *arg)
{
	const struct protoaddr *pa;
	struct prefix pf, has;
	uint32_t x = 1;
	unsigned len;

	(void)arg;
	__atomic_fetch_add(&race_running, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&race_stop, __ATOMIC_ACQUIRE)) {
		pserialize_read_enter();
		for (unsigned i = 0; i < 64; i++) {
			x = x * 1664525 + 1013904223;
			pf = prefix_of4(0x0a010000 | (x >> 16 & 0x3ff), 32);
			len = 129;
			pa = if_nets_longest(&race_nets, &pf, &len);
			KASSERT(pa != NULL);
			has = pa_prefix(pa);
			KASSERT(prefix_has(&has, &pf));
		}
		pserialize_read_exit();
	}
}

static void
readers_body(struct kern *k)
{
	struct prefix pf = prefix_of4(0x0a000000, 8);
	struct host_thread *t[2];
	struct addr *wide, *a[32];

	race_stop = race_running = 0;
	KASSERT(if_nets_init(k, &race_nets) == 0);
	wide = make(k, &pf);
	KASSERT(if_nets_insert(&race_nets, &wide->a_pa) == 0);
	for (unsigned i = 0; i < 2; i++)
		KASSERT(host_thread_create(k->k_host, "reader", -1, read_loop,
		    NULL, &t[i]) == 0);
	while (__atomic_load_n(&race_running, __ATOMIC_ACQUIRE) != 2)
		host_yield(k->k_host);
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < 32; i++) {
			pf = prefix_of4(0x0a010000 | i << 5, 20 + i % 13);
			a[i] = if_nets_find(&race_nets, &pf) != NULL ? NULL :
			    make(k, &pf);
			KASSERT(a[i] == NULL ||
			    if_nets_insert(&race_nets, &a[i]->a_pa) == 0);
		}
		for (unsigned i = 0; i < 32; i++)
			if (a[i] != NULL)
				if_nets_remove(&race_nets, &a[i]->a_pa);
		pserialize_perform(k);
		for (unsigned i = 0; i < 32; i++)
			kmem_free(k, a[i]);
	}
	__atomic_store_n(&race_stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 2; i++)
		host_thread_join(k->k_host, t[i]);
	if_nets_remove(&race_nets, &wide->a_pa);
	if_nets_fini(&race_nets);
	kmem_free(k, wide);
}

static void
test_readers(void **state)
{

	(void)state;
	on_linux(0, readers_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_naive),
		cmocka_unit_test(test_nomem),
		cmocka_unit_test(test_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
