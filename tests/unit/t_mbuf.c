/*
 * Packet buffers: the pool never loses or doubles one, and every operation
 * on packets is compared with the same operation on plain bytes.
 */

#include "kern_test.h"

#include <errno.h>
#include <stdlib.h>

#define TOTAL	2048

static void
is_new(struct mbuf *m)
{

	KASSERT(m->m_len == 0 && m->m_pktlen == 0 &&
	    m->m_next == NULL && m->m_owner == NULL &&
	    m->m_refcnt == 1 && m->m_shared == 0 &&
	    m->m_flags == 0 && m->m_csum_flags == 0 &&
	    m->m_rcvif == 0 && m->m_loops == 0 &&
	    m_leading(m) == MBUF_HEADROOM);
}

static void
exhaust(void *arg)
{
	static struct mbuf *all[TOTAL + 1];
	struct mbuf *m;
	unsigned n = 0;

	(void)arg;
	while ((m = m_gethdr()) != NULL) {
		KASSERT(n < TOTAL);
		is_new(m);
		memset(m_start(m), 0x5a, MBUF_HEADROOM + MBUF_SIZE);
		m->m_flags = m->m_csum_flags = 77;
		m->m_loops = 77;
		m->m_rcvif = 77;
		all[n++] = m;
	}
	KASSERT(n == TOTAL);
	KASSERT(mbuf_free_count(cpu_kern(curcpu())) == 0);
	for (unsigned i = 0; i < n; i++)
		KASSERT(all[i]->m_data[0] == 0x5a);
	while (n > 0)
		m_freem(all[--n]);
}

static void
bulk(void *arg)
{
	struct mvec mv[9];
	unsigned n, sum = 0;

	(void)arg;
	for (n = 0; n < 9; n++) {
		mv[n].mv_n = m_get_bulk(mv[n].mv_m, MVEC_MAX);
		sum += mv[n].mv_n;
	}
	KASSERT(sum == TOTAL);
	while (n-- > 0)
		mvec_free(&mv[n]);
	KASSERT(mv[0].mv_n == 0);
}

/* Of the buffers that are reserved, some become packets with what was written
 * to them, and the others go back. */
static void
reserve(void *arg)
{
	enum { SOME = 33, ROUNDS = TOTAL / SOME };
	static struct mbuf *some[ROUNDS + 1][SOME], *used[TOTAL];
	struct kern *k = cpu_kern(curcpu());
	unsigned n, got, nused = 0;

	(void)arg;
	for (n = 0; n < ROUNDS; n++) {
		KASSERT(m_reserve(some[n], SOME) == SOME);
		for (unsigned i = 0; i < SOME; i++)
			memset(m_room(some[n][i]), (int)(n + i), MBUF_SIZE);
	}
	got = m_reserve(some[n], SOME);
	KASSERT(got == TOTAL % SOME && mbuf_free_count(k) == 0);
	KASSERT(m_reserve(used, 1) == 0 && m_gethdr() == NULL);
	m_unreserve(some[n], got);
	while (n-- > 0) {
		for (unsigned i = 0; i < n % SOME; i++) {
			m_setup(some[n][i]);
			is_new(some[n][i]);
			KASSERT(some[n][i]->m_data[MBUF_SIZE - 1] ==
			    (uint8_t)(n + i));
			used[nused++] = some[n][i];
		}
		m_unreserve(&some[n][n % SOME], SOME - n % SOME);
	}
	KASSERT(mbuf_free_count(k) == TOTAL - nused);
	while (nused > 0)
		m_freem(used[--nused]);
}

static void
pool_body(struct kern *k)
{

	for (int i = 0; i < 4; i++) {
		/* Each leaves its traces in all buffers to the next. */
		kern_xcall(k, exhaust, NULL);
		kern_xcall(k, reserve, NULL);
		kern_xcall(k, exhaust, NULL);
		kern_xcall(k, bulk, NULL);
		KASSERT(mbuf_free_count(k) == TOTAL);
	}
}

static void
test_pool(void **state)
{

	(void)state;
	on_linux(0, pool_body);
	on_sim(0, pool_body);
	on_linux(1, pool_body);
}

/* --- operations against a model ------------------------------------------ */

#define MODEL_MAX	12000

struct model {
	struct mbuf	*md_m;
	unsigned	 md_len;
	uint8_t		 md_bytes[MODEL_MAX];
};

static void
verify(const struct model *md)
{
	static uint8_t buf[MODEL_MAX];
	unsigned len = 0;

	KASSERT(md->md_m->m_pktlen == md->md_len);
	for (const struct mbuf *m = md->md_m; m != NULL; m = m->m_next)
		len += m->m_len;
	KASSERT(len == md->md_len);
	KASSERT(m_copydata(md->md_m, 0, len, buf));
	KASSERT(memcmp(buf, md->md_bytes, len) == 0);
	KASSERT(!m_copydata(md->md_m, 0, len + 1, buf));
	if (len > 10) {
		KASSERT(m_copydata(md->md_m, len / 2, len / 4, buf));
		KASSERT(memcmp(buf, md->md_bytes + len / 2, len / 4) == 0);
	}
	/* The checksum's place moves with the front. */
	KASSERT(md->md_m->m_rcvif == 4711);
}

static void
model_prepend(struct model *md, unsigned n)
{
	struct mbuf *m;

	if (md->md_len + n > MODEL_MAX)
		return;
	m = m_prepend(md->md_m, n);
	KASSERT(m != NULL);
	memmove(md->md_bytes + n, md->md_bytes, md->md_len);
	for (unsigned i = 0; i < n; i++)
		m->m_data[i] = md->md_bytes[i] = (uint8_t)rand();
	md->md_m = m;
	md->md_len += n;
}

static void
model_append(struct model *md, unsigned n)
{

	if (md->md_len + n > MODEL_MAX)
		return;
	for (unsigned i = 0; i < n; i++)
		md->md_bytes[md->md_len + i] = (uint8_t)rand();
	KASSERT(m_append(md->md_m, md->md_bytes + md->md_len, n) == 0);
	md->md_len += n;
}

static void
model_pullup(struct model *md, unsigned n)
{
	struct mbuf *m = m_pullup(md->md_m, n);

	if (n > md->md_len) {
		KASSERT(m == NULL);
		return;
	}
	KASSERT(m != NULL && m->m_len >= n && m_writable(m));
	md->md_m = m;
	/* Writing there changes nobody else's bytes. */
	if (n > 0)
		m->m_data[n - 1] = ++md->md_bytes[n - 1];
}

static void
model_step(struct model *md, struct model *other)
{
	unsigned n = (unsigned)rand() % (rand() % 4 == 0 ? 2049 : 90);
	struct mbuf *m;

	switch (rand() % 7) {
	case 0:
		model_prepend(md, n);
		break;
	case 1:
		model_append(md, n);
		break;
	case 2:
		model_pullup(md, n);
		break;
	case 3:
		if (n <= md->md_len) {
			md->md_m = m_adj(md->md_m, n);
			md->md_len -= n;
			memmove(md->md_bytes, md->md_bytes + n, md->md_len);
		}
		break;
	case 4:
		if (n <= md->md_len) {
			md->md_len -= n;
			m_trim(md->md_m, md->md_len);
		}
		break;
	default:
		m = rand() % 2 ? m_dup(md->md_m) : m_ref(md->md_m);
		if (m == NULL)
			break;
		m_freem(other->md_m);
		*other = *md;
		other->md_m = m;
	}
}

static void
model_run(void *arg)
{
	static struct model md[3];

	(void)arg;
	for (unsigned i = 0; i < 3; i++) {
		md[i].md_m = m_gethdr();
		md[i].md_m->m_rcvif = 4711;
		md[i].md_len = 0;
	}
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = (unsigned)rand() % 3;

		model_step(&md[i], &md[(i + 1) % 3]);
		for (i = 0; i < 3; i++)
			verify(&md[i]);
	}
	for (unsigned i = 0; i < 3; i++)
		m_freem(md[i].md_m);
}

static void
ops_body(struct kern *k)
{

	kern_xcall(k, model_run, NULL);
	KASSERT(mbuf_free_count(k) == TOTAL);
}

static void
test_ops(void **state)
{

	(void)state;
	srand(1);
	on_linux(0, ops_body);
}

static void
csum_and_share(void *arg)
{
	struct mbuf *m = m_gethdr(), *ref;
	uint8_t bytes[3000] = { 1, 2, 3 };

	(void)arg;
	KASSERT(m_append(m, bytes, sizeof(bytes)) == 0);
	m->m_csum_start = 34;
	m = m_adj(m, 14);
	KASSERT(m->m_csum_start == 20);
	m = m_prepend(m, 14);
	KASSERT(m->m_csum_start == 34 && m->m_next->m_next == NULL);
	m->m_mark = 7;
	m = m_prepend(m, 1000);
	KASSERT(m->m_csum_start == 1034 && m->m_mark == 7);
	KASSERT(m_writable(m));
	ref = m_ref(m);
	KASSERT(!m_writable(m) && !m_writable(ref));
	KASSERT(m_leading(ref) == 0 && m_trailing(ref) == 0);
	m_freem(ref);
	KASSERT(m_writable(m));
	/* The copy outlives the original. */
	ref = m_ref(m);
	m_freem(m);
	KASSERT(!m_writable(ref) && ref->m_pktlen == 4000);
	KASSERT(m_copydata(ref, 1014, 2, bytes) && bytes[0] == 0);
	kern_drop(ref, DROP_IP_TTL);
	KASSERT(curcpu()->ci_drops[DROP_IP_TTL] == 1);
	KASSERT(m_gethdr()->m_refcnt == 1);
}

/* With the pool exhausted every operation fails and changes nothing. */
static void
out_of_memory(void *arg)
{
	static struct mbuf *all[TOTAL];
	struct mbuf *m = m_gethdr(), *ref;
	static uint8_t bytes[MBUF_SIZE];
	unsigned n;

	(void)arg;
	KASSERT(m_append(m, bytes, 2000) == 0);
	ref = m_ref(m);
	n = m_get_bulk(all, TOTAL);
	KASSERT(m_gethdr() == NULL && m_dup(m) == NULL && m_ref(m) == NULL);
	KASSERT(m_append(m, bytes, 100) == ENOBUFS && m->m_pktlen == 2000);
	KASSERT(m_prepend(ref, 1) == NULL && ref->m_pktlen == 2000);
	KASSERT(m_pullup(ref, 10) == NULL && ref->m_len == 2000);
	while (n > 0)
		m_freem(all[--n]);
	m_freem(m);
	m_freem(ref);
}

static void
state_body(struct kern *k)
{

	kern_xcall(k, out_of_memory, NULL);
}

static void
leak_one(void *arg)
{

	*(struct mbuf **)arg = m_gethdr();
}

static void
share_body(struct kern *k)
{
	unsigned before = mbuf_free_count(k);

	kern_xcall(k, csum_and_share, NULL);
	/* The call kept exactly one buffer. */
	KASSERT(mbuf_free_count(k) == before - 1);
}

static void
test_states(void **state)
{
	struct kern_config kc = { .kc_mbufs = TOTAL };
	struct mbuf *m;
	struct kern *k;

	(void)state;
	on_linux(0, state_body);
	assert_int_equal(kern_create(host_linux(), &kc, &k), 0);
	share_body(k);
	kern_xcall(k, leak_one, &m);
	assert_int_equal(mbuf_free_count(k), TOTAL - 2);
	kern_destroy(k);
	assert_string_equal(drop_name(DROP_IP_TTL), "ip-ttl");
	assert_false(drop_is_output(DROP_IP_TTL));
	assert_true(drop_is_output(DROP_SNDQ_FULL));
}

/* --- two CPUs, freeing each other's -------------------------------------- */

struct pass_on {
	struct cpu_work	 po_work;
	struct kern	*po_kern;
	struct mvec	 po_mv;
	unsigned	 po_rounds;
	uint32_t	*po_left;
};

static void
pass_on(struct cpu_work *w)
{
	struct pass_on *po = (struct pass_on *)w;
	struct mbuf *ref;

	for (unsigned i = 0; i < po->po_mv.mv_n; i++)
		KASSERT(po->po_mv.mv_m[i]->m_data[0] == 0x77);
	/* Half are shared with the other CPU, which drops its reference too. */
	mvec_free(&po->po_mv);
	if (po->po_rounds-- == 0) {
		__atomic_fetch_sub(po->po_left, 1, __ATOMIC_RELEASE);
		return;
	}
	po->po_mv.mv_n = m_get_bulk(po->po_mv.mv_m, 150);
	for (unsigned i = 0; i < po->po_mv.mv_n; i++) {
		po->po_mv.mv_m[i]->m_data[0] = 0x77;
		po->po_mv.mv_m[i]->m_len = po->po_mv.mv_m[i]->m_pktlen = 1;
	}
	for (unsigned i = 0; i + 1 < po->po_mv.mv_n; i += 2) {
		ref = m_ref(po->po_mv.mv_m[i]);
		if (ref == NULL)
			continue;
		m_freem(po->po_mv.mv_m[i + 1]);
		po->po_mv.mv_m[i + 1] = ref;
	}
	cpu_work_schedule(po->po_kern, kern_cpu(po->po_kern,
	    (cpu_index(curcpu()) + 1) % kern_ncpu(po->po_kern)),
	    &po->po_work);
}

static void
cross_body(struct kern *k)
{
	static struct pass_on po[6];
	uint32_t left = 6;

	memset(po, 0, sizeof(po));
	for (unsigned i = 0; i < 6; i++) {
		po[i].po_kern = k;
		po[i].po_work.cw_fn = pass_on;
		po[i].po_rounds = 300;
		po[i].po_left = &left;
		cpu_work_schedule(k, NULL, &po[i].po_work);
	}
	while (__atomic_load_n(&left, __ATOMIC_ACQUIRE) > 0)
		host_sleep(k->k_host, 1000000);
}

static void
test_cross_cpu(void **state)
{

	(void)state;
	on_linux(3, cross_body);
	on_sim(2, cross_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_ops),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_cross_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
