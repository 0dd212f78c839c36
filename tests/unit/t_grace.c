/*
 * Nothing is freed, or said to be gone, under a reader that still has it: a
 * route that came and went while its address was being destroyed, an address
 * that could not be inserted, a hook whose interface is on its way out.
 */

#include "net_test.h"

/*
 * A thread in a read section, until what it may still be looking at is said
 * to be gone, or for a while when that rightly does not happen.
 *	sg_in		it is in the section
 *	sg_gone		set by the test when it was told so
 *	sg_early	it was told so while the thread was in
 */
struct straggler {
	struct host	*sg_host;
	struct host_thread *sg_thread;
	uint32_t	 sg_in, sg_gone;
	bool		 sg_early;
};

#define STRAGGLE_NS	30000000u

static void
straggle(void *arg)
{
	struct straggler *sg = arg;
	uint64_t until;

	pserialize_read_enter();
	__atomic_store_n(&sg->sg_in, 1, __ATOMIC_RELEASE);
	until = host_clock(sg->sg_host) + STRAGGLE_NS;
	while (host_clock(sg->sg_host) < until &&
	    !__atomic_load_n(&sg->sg_gone, __ATOMIC_ACQUIRE))
		continue;
	sg->sg_early = __atomic_load_n(&sg->sg_gone, __ATOMIC_ACQUIRE) != 0;
	pserialize_read_exit();
}

static void
straggler_start(struct straggler *sg, struct host *h)
{

	memset(sg, 0, sizeof(*sg));
	sg->sg_host = h;
	KASSERT(host_thread_create(h, "straggler", -1, straggle, sg,
	    &sg->sg_thread) == 0);
	while (!__atomic_load_n(&sg->sg_in, __ATOMIC_ACQUIRE))
		host_yield(h);
}

/* It is said to be gone: was the thread out? */
static void
straggler_end(struct straggler *sg)
{

	__atomic_store_n(&sg->sg_gone, 1, __ATOMIC_RELEASE);
	host_thread_join(sg->sg_host, sg->sg_thread);
	KASSERT(!sg->sg_early);
}

/* --- an address's own routes --------------------------------------------- */

/* As when somebody found the address to inherit a prefix just before it went,
 * and a user deleted that route before it was seen that the address goes. */
static void
route_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_len = 24, .ri_flags = RTF_CONNECTED };
	static struct etest et;
	struct straggler sg;
	struct ifaddr *ifa;

	dtest_attach(vn);
	etest_attach(vn, &et, 0, &etest_ops, true);
	for (unsigned change = 0; change < 2; change++) {
		ifa = ifatest_add(et.et_ifp, "10.0.0.1", 24);
		if_ioctl_lock(et.et_ifp);
		ifa_ref(ifa);
		ifa_remove(et.et_ifp, ifa);
		test_route_to(&ri, "10.0.0.0");
		ri.ri_ifp = et.et_ifp;
		ri.ri_ifa = ifa;
		KASSERT(rt_add(vn, &ri) == 0);
		straggler_start(&sg, vn->vn_kern->k_host);
		ri.ri_ifp = NULL;
		ri.ri_ifa = NULL;
		ri.ri_mtu = 1000;
		KASSERT((change ? rt_change(vn, &ri) : rt_delete(vn, &ri)) ==
		    0);
		ri.ri_mtu = 0;
		rt_ifa_gone(ifa);
		straggler_end(&sg);
		ifa_unref(ifa);
		if_ioctl_unlock(et.et_ifp);
		KASSERT(test_route_count(vn) == 0);
	}
	etest_detach(&et);
}

static void
test_route(void **state)
{

	(void)state;
	net_on_linux(1, route_body);
}

/* --- an address that cannot be inserted ---------------------------------- */

static struct {
	struct vnet	*ha_vn;
	struct straggler ha_sg;
	unsigned	 ha_calls;	/* with the far end */
	bool		 ha_found;
} half;

#define HALF_ADDR	"10.0.0.1"
#define HALF_DST	"10.0.0.2"

/* Asked for the far end's hash, it is in the table of addresses already. */
static uint32_t
half_hash(const struct sockaddr *sa)
{

	if (test_addr_is(sa, HALF_DST) && half.ha_calls++ == 0) {
		pserialize_read_enter();
		half.ha_found = ifa_ifwithaddr(half.ha_vn,
		    test_sa(HALF_ADDR)) != NULL;
		pserialize_read_exit();
		straggler_start(&half.ha_sg, half.ha_vn->vn_kern->k_host);
	}
	return dtest_hash(sa);
}

static void
half_body(struct vnet *vn)
{
	static struct domain dom;
	static struct etest et;
	struct test_ifaddr *ta;

	dom = dtest_domain;
	dom.dom_sa_hash = half_hash;
	domain_attach(vn, &dom);
	etest_attach(vn, &et, 0, &etest_ops, true);
	memset(&half, 0, sizeof(half));
	half.ha_vn = vn;

	ta = test_ifa_alloc(vn->vn_kern, test_sa(HALF_ADDR), 24,
	    test_sa(HALF_DST));
	KASSERT(ta != NULL);
	/* A mask with holes is refused last. */
	ta->ta_mask = test_addr("255.0.255.0");
	if_ioctl_lock(et.et_ifp);
	KASSERT(ifa_insert(et.et_ifp, &ta->ta_ifa) == EINVAL);
	if_ioctl_unlock(et.et_ifp);
	straggler_end(&half.ha_sg);
	KASSERT(!half.ha_found);
	kmem_free(vn->vn_kern, ta);
	etest_detach(&et);
}

static void
test_half(void **state)
{

	(void)state;
	net_on_linux(1, half_body);
}

/* --- a hook whose interface goes ------------------------------------------ */

static void
going(void *arg)
{

	pfil_ifdetach(arg);
}

static void
hook_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	static struct etest et;
	struct pfil_hook hook = { .ph_ifp = NULL };
	struct host_thread *t;
	struct straggler sg;

	dtest_attach(vn);
	etest_attach(vn, &et, 0, &etest_ops, false);
	hook.ph_ifp = et.et_ifp;
	KASSERT(pfil_add_hook(vn, &hook) == 0);
	straggler_start(&sg, h);
	KASSERT(host_thread_create(h, "going", -1, going, et.et_ifp, &t) == 0);
	while (__atomic_load_n(&et.et_ifp->if_pfil, __ATOMIC_ACQUIRE) != NULL)
		host_yield(h);
	pfil_remove_hook(vn, &hook);
	straggler_end(&sg);
	host_thread_join(h, t);
	etest_detach(&et);
}

static void
test_hook(void **state)
{

	(void)state;
	net_on_linux(1, hook_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_half),
		cmocka_unit_test(test_hook),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
