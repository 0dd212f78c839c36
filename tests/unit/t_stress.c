/*
 * All at once, with real threads: interfaces of three drivers come and go under
 * traffic and move between vnets, while others look them up by everything there
 * is, hold them, dump, follow, capture, walk the settings, change addresses,
 * rules and what else can be changed, and reset counters.  Every interface that
 * went or moved is proved gone, and at the end every packet is accounted for.
 *
 * Bounded by a number of rounds, not by time.
 */

#include "layer_test.h"
#include "route_test.h"
#include "stack_test.h"
#include "sysctl_test.h"

#include <errno.h>
#include <pthread.h>

#include <ifnet/if_ether.h>

#define ROUNDS		120
#define NVNETS		2
#define NTHREADS	11
#define NCREATORS	4	/* of them */
/* Units of the threads that create. */
#define PAIR_UNIT	10
#define PG_UNIT		20
#define TST_UNIT	30
#define MOVE_UNIT	40

struct stress {
	struct ifnet_stack *s_stack;
	struct kern	*s_kern;
	struct vnet	*s_vnet[NVNETS];
	uint32_t	 s_creators;	/* atomic: still at work */
	uint64_t	 s_found, s_dumped, s_heard, s_lost, s_names, s_resets;
	uint64_t	 s_changes, s_rules, s_captured, s_moves;
	uint64_t	 s_ipackets;	/* of pair0, reset by reset */
};

static struct stress stress;

static bool
going_on(void)
{

	return __atomic_load_n(&stress.s_creators, __ATOMIC_ACQUIRE) != 0;
}

static void
pause_us(unsigned us)
{

	host_sleep(stress.s_kern->k_host, us * 1000ull);
}

static int
try(struct vnet *vn, const char *fmt, ...)
{
	struct ifnet_error e;
	char line[128], *output = NULL;
	va_list ap;
	int error;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	error = vnet_command_output(vn, line, &output, &e);
	if (error != 0)
		fprintf(stderr, "%s: %s\n", line, e.text);
	free(output);
	return error;
}

static uint64_t
handle_of(struct vnet *vn, const char *name)
{
	uint64_t handle = 0;
	struct ifnet *ifp;

	pserialize_read_enter();
	ifp = ifunit(vn, name);
	if (ifp != NULL)
		handle = ifp->if_handle;
	pserialize_read_exit();
	return handle;
}

/* Nothing leads to it any more, by any way. */
static void
prove_gone(struct vnet *vn, uint64_t handle, const char *name,
    const char *addr)
{
	union test_addr a = test_addr(addr);
	uint64_t n = 0;

	KASSERT(handle != 0);
	pserialize_read_enter();
	KASSERT(if_byhandle(vn, handle) == NULL);
	KASSERT(ifunit(vn, name) == NULL);
	KASSERT(test_ifwithaddr(vn, &a.sa) == NULL);
	KASSERT(test_ifwithnet(vn, &a.sa) == NULL);
	KASSERT(test_rt_lookup(vn, addr) == NULL);
	pserialize_read_exit();
	KASSERT(!test_route_leads_to(vn, handle));
	KASSERT(test_dump_all(vn, handle, &n) == ENXIO);
}

/* --- those who create ----------------------------------------------------- */

static void
creator_done(void)
{

	(void)__atomic_fetch_sub(&stress.s_creators, 1, __ATOMIC_RELEASE);
}

/* A pair between two vnets, and a ping through it while it goes. */
static void *
pair_main(void *arg)
{
	struct vnet *a = stress.s_vnet[0], *b = stress.s_vnet[1];
	struct ifnet_ping *p;
	uint64_t ha, hb;

	(void)arg;
	(void)host_thread_attach(stress.s_kern->k_host);
	for (int i = 0; i < ROUNDS; i++) {
		KASSERT(try(a, "ifconfig pair%d create peer b:pair%d",
		    PAIR_UNIT, PAIR_UNIT) == 0);
		KASSERT(try(a, "ifconfig pair%d inet 10.7.0.1/24 up",
		    PAIR_UNIT) == 0);
		KASSERT(try(b, "ifconfig pair%d inet 10.7.0.2/24 up",
		    PAIR_UNIT) == 0);
		ha = handle_of(a, "pair10");
		hb = handle_of(b, "pair10");
		p = ifnet_ping_start(a, "10.7.0.2", 1, NULL);
		KASSERT(p != NULL);
		pause_us((unsigned)i * 100);
		/* Either end first; the other one stays, and goes by itself. */
		KASSERT(try(i % 2 ? a : b, "ifconfig pair%d destroy",
		    PAIR_UNIT) == 0);
		KASSERT(try(i % 2 ? b : a, "ifconfig pair%d destroy",
		    PAIR_UNIT) == 0);
		ifnet_ping_free(p);
		prove_gone(a, ha, "pair10", "10.7.0.1");
		prove_gone(b, hb, "pair10", "10.7.0.2");
	}
	creator_done();
	return NULL;
}

/* A generator whose packets are routed through pair0 while it goes. */
static void *
pg_main(void *arg)
{
	struct vnet *a = stress.s_vnet[0];
	uint64_t h;

	(void)arg;
	(void)host_thread_attach(stress.s_kern->k_host);
	for (int i = 0; i < ROUNDS; i++) {
		KASSERT(try(a, "ifconfig pg%d create dst 10.0.2.2 src 10.8.0.9 "
		    "vector 16 count 2000", PG_UNIT) == 0);
		KASSERT(try(a, "ifconfig pg%d inet 10.8.0.1/24 up", PG_UNIT) ==
		    0);
		h = handle_of(a, "pg20");
		KASSERT(try(a, "route add 172.16.0.0/16 10.8.0.9") == 0);
		KASSERT(try(a, "arp -s 10.8.0.9 02:00:00:00:08:09") == 0);
		pause_us((unsigned)(ROUNDS - i) * 100);
		KASSERT(try(a, "ifconfig pg%d destroy", PG_UNIT) == 0);
		prove_gone(a, h, "pg20", "10.8.0.1");
		KASSERT(try(a, "route delete 172.16.0.0/16") == 0);
	}
	creator_done();
	return NULL;
}

/* In come some, and out go some that nobody has to be asked for. */
static void
tst_poll(void *arg)
{
	struct ifnet *ifp = arg;
	struct mvec mv;

	mv.mv_n = m_get_bulk(mv.mv_m, 8);
	for (unsigned i = 0; i < mv.mv_n; i++) {
		mv.mv_m[i]->m_len = mv.mv_m[i]->m_pktlen = 20;
		memset(mv.mv_m[i]->m_data, 0x45, 20);
		test_hop_set(mv.mv_m[i], 0xffffffff);
	}
	if_output_vec(ifp, TEST_AF, &mv);

	mv.mv_n = m_get_bulk(mv.mv_m, 8);
	for (unsigned i = 0; i < mv.mv_n; i++) {
		mv.mv_m[i]->m_len = mv.mv_m[i]->m_pktlen = 60;
		memset(mv.mv_m[i]->m_data, 0, 60);
	}
	if_input_vec(ifp, &mv);
}

/* A driver of our own with a send queue, which takes a while to be emptied. */
static void
tst_start(struct ifnet *ifp)
{
	struct mbuf *m;

	while ((m = ifq_dequeue(ifp)) != NULL) {
		if_stat_add(ifp, IF_STAT_OPACKETS, 1);
		m_freem(m);
	}
}

static const struct if_ops tst_ops = {
	.start = tst_start,
	.ioctl = ether_ioctl,
};

static void *
tst_main(void *arg)
{
	static const uint8_t lladdr[6] = { 2, 0, 0, 0, 0, 30 };
	struct vnet *b = stress.s_vnet[1];
	struct ifnet *ifp;
	uint64_t h;

	(void)arg;
	(void)host_thread_attach(stress.s_kern->k_host);
	for (int i = 0; i < ROUNDS; i++) {
		ifp = if_alloc(b, IFT_ETHER);
		KASSERT(ifp != NULL);
		if_initname(ifp, "tst", TST_UNIT);
		ifp->if_ops = &tst_ops;
		KASSERT(ether_ifattach(ifp, lladdr) == 0);
		KASSERT(if_percpuq_create(ifp) == 0);
		KASSERT(if_attach(ifp) == 0);
		h = ifp->if_handle;
		KASSERT(try(b, "ifconfig tst%d inet 10.9.0.1/24 up",
		    TST_UNIT) == 0);
		for (int j = 0; j < 8; j++) {
			if_link_state_change(ifp, j % 2 ? LINK_STATE_UP :
			    LINK_STATE_DOWN);
			kern_xcall(stress.s_kern, tst_poll, ifp);
		}
		if_detach(ifp);
		if_free(ifp);
		prove_gone(b, h, "tst30", "10.9.0.1");
	}
	creator_done();
	return NULL;
}

#include "stress_change.h"

/* --- those who look ------------------------------------------------------- */

static void
look_everywhere(struct vnet *vn, const char *name, const char *addr)
{
	union test_addr a = test_addr(addr);
	struct ifnet *ifp;
	struct ifaddr *ifa;

	pserialize_read_enter();
	ifp = ifunit(vn, name);
	if (ifp != NULL) {
		KASSERT(ifp->if_vnet == vn);
		KASSERT(ifp->if_index == if_handle_index(ifp->if_handle));
		(void)__atomic_fetch_add(&stress.s_found, 1,
		    __ATOMIC_RELAXED);
	}
	ifa = test_ifwithaddr(vn, &a.sa);
	if (ifa != NULL)
		KASSERT(ifa->ifa_ifp->if_vnet == vn);
	ifa = test_ifwithnet(vn, &a.sa);
	if (ifa != NULL)
		KASSERT(ifa->ifa_addr->sa_family == a.sa.sa_family);
	(void)test_rt_lookup(vn, addr);
	pserialize_read_exit();
}

static void *
look_main(void *arg)
{
	static const char *const name[] = { "pair10", "pg20", "tst30" };
	static const char *const addr[] = { "10.7.0.1", "10.8.0.1",
	    "10.9.0.1" };
	struct psref pr;
	struct vnet *vn;
	struct ifnet *ifp;
	unsigned i = 0;

	(void)arg;
	(void)host_thread_attach(stress.s_kern->k_host);
	for (; going_on(); i++) {
		vn = stress.s_vnet[i % NVNETS];
		look_everywhere(vn, name[i % 3], addr[i % 3]);
		ifp = i % 2 ? if_get(vn, name[i % 3], &pr) :
		    if_get_byindex(vn, 1 + i % 8, &pr);
		if (ifp == NULL)
			continue;
		if (i % 16 == 0)
			pause_us(50);
		KASSERT(ifp->if_vnet == vn && if_held(ifp));
		if_put(ifp, &pr);
	}
	return NULL;
}

static void *
follow_main(void *arg)
{
	union {
		struct rt_hdr	 h;
		struct rt_overrun_msg o;
		uint8_t		 room[RT_MSG_MAX];
	} mb;
	struct vnet *vn = stress.s_vnet[0];
	struct rt_listener *l;
	uint64_t seq = 0;

	(void)arg;
	(void)host_thread_attach(stress.s_kern->k_host);
	l = test_listen(vn, 16384);
	while (going_on()) {
		while (test_hear(l, &mb) != 0) {
			KASSERT(mb.h.rtm_seq == ++seq);
			stress.s_heard++;
			if (mb.h.rtm_type == RTM_OVERRUN)
				stress.s_lost += mb.o.rto_lost;
		}
		(void)test_dump_all(stress.s_vnet[seq % NVNETS], 0,
		    &stress.s_dumped);
	}
	test_listen_end(l);
	return NULL;
}

static void
reset(void)
{
	struct ifdatareq ifdr;

	memset(&ifdr, 0, sizeof(ifdr));
	strcpy(ifdr.ifdr_name, "pair0");
	KASSERT(ifioctl(stress.s_vnet[1], &kauth_cred_self, SIOCZIFDATA, &ifdr,
	    sizeof(ifdr)) == 0);
	stress.s_ipackets += ifdr.ifdr_data.ifi_ipackets;
	stress.s_resets++;
}

static void *
walk_main(void *arg)
{
	(void)arg;
	(void)host_thread_attach(stress.s_kern->k_host);
	while (going_on()) {
		stress.s_names += test_sysctl_read_all(stress.s_vnet[0]);
		reset();
	}
	return NULL;
}

/* --- the books ------------------------------------------------------------ */

static void
nothing(void *arg)
{

	(void)arg;
}

/* Until nothing is queued any more. */
static void
settle(void)
{

	KASSERT(try(stress.s_vnet[0], "ifconfig pair0 down") == 0);
	KASSERT(try(stress.s_vnet[1], "ifconfig pair0 down") == 0);
	for (int i = 0; i < 3000; i++) {
		kern_xcall(stress.s_kern, nothing, NULL);
		pause_us(2000);
		if (mbuf_free_count(stress.s_kern) ==
		    mbuf_total(stress.s_kern))
			break;
	}
	test_conserved(stress.s_stack);
}

static void
test_all_at_once(void **state)
{
	static void *(*const mains[])(void *) = { pair_main, pg_main,
	    tst_main, move_main, look_main, look_main, follow_main, walk_main,
	    change_main, filter_main, capture_main };
	pthread_t thread[NTHREADS];
	unsigned count[NVNETS];
	struct psref pr;
	struct ifnet *ifp;

	(void)state;
	memset(&stress, 0, sizeof(stress));
	stress.s_stack = test_stack(2);
	stress.s_kern = stress.s_stack->st_kern;
	stress.s_vnet[0] = test_vnet(stress.s_stack, "a");
	stress.s_vnet[1] = test_vnet(stress.s_stack, "b");
	/* An address is used from the beginning; nobody waits here. */
	for (int i = 0; i < NVNETS; i++)
		KASSERT(try(stress.s_vnet[i],
		    "sysctl -w net.inet.ip.dad_count=0") == 0);
	KASSERT(try(stress.s_vnet[0], "ifconfig pair0 create peer b:pair0") ==
	    0);
	KASSERT(try(stress.s_vnet[0], "ifconfig pair0 inet 10.0.2.1/24 up") ==
	    0);
	KASSERT(try(stress.s_vnet[1], "ifconfig pair0 inet 10.0.2.2/24 up") ==
	    0);
	KASSERT(try(stress.s_vnet[0], "sysctl -w net.inet.ip.forwarding=1") ==
	    0);
	for (int i = 0; i < NVNETS; i++)
		count[i] = test_if_count(stress.s_vnet[i]);

	stress.s_creators = NCREATORS;
	for (int i = 0; i < NTHREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, mains[i],
		    NULL), 0);
	for (int i = 0; i < NTHREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);

	settle();
	for (int i = 0; i < NVNETS; i++) {
		assert_int_equal(test_if_count(stress.s_vnet[i]), count[i]);
		test_vnet_books(stress.s_vnet[i]);
	}
	/* Resets lost no packet, and traffic went through. */
	reset();
	ifp = if_get(stress.s_vnet[1], "pair0", &pr);
	assert_non_null(ifp);
	assert_int_equal(stress.s_ipackets,
	    test_stat(ifp, IF_STAT_IPACKETS));
	if_put(ifp, &pr);
	print_message("%llu packets, %llu found, %llu dumped, %llu heard "
	    "(%llu not), %llu settings, %llu resets, %llu moves, %llu "
	    "changes, %llu rules, %llu captured\n",
	    (unsigned long long)stress.s_ipackets,
	    (unsigned long long)stress.s_found,
	    (unsigned long long)stress.s_dumped,
	    (unsigned long long)stress.s_heard,
	    (unsigned long long)stress.s_lost,
	    (unsigned long long)stress.s_names,
	    (unsigned long long)stress.s_resets,
	    (unsigned long long)stress.s_moves,
	    (unsigned long long)stress.s_changes,
	    (unsigned long long)stress.s_rules,
	    (unsigned long long)stress.s_captured);
	assert_true(stress.s_ipackets > 0 && stress.s_heard > 0 &&
	    stress.s_dumped > 0 && stress.s_names > 0 && stress.s_moves > 0 &&
	    stress.s_changes > 0 && stress.s_rules > 0 &&
	    stress.s_captured > 0);
	ifnet_stack_destroy(stress.s_stack);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
