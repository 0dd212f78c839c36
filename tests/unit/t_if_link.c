/*
 * Link state: order, overflow, DOWN never lost, and nothing after detach.
 */

#include <ifnet/if_carp.h>

#include "if_test.h"
#include "net/if_link_impl.h"	/* under test */

#define UNKNOWN	LINK_STATE_UNKNOWN
#define DOWN	LINK_STATE_DOWN
#define UP	LINK_STATE_UP

static void
simple_body(struct vnet *vn)
{
	struct rt_listener *rl;
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "x", 0);
	rl = listener_open(vn, no_wakeup);
	/* UNKNOWN to UP: everybody is told DOWN first. */
	if_link_state_change(ifp, UP);
	test_settle(vn);
	KASSERT(ifp->if_link_state == UP);
	KASSERT(tally.t_nlink == 2);
	KASSERT(tally.t_link[0] == DOWN && tally.t_link[1] == UP);
	KASSERT(listener_count(rl, RTM_IFINFO) == 1);
	/* No change, no news; no such state, no change. */
	if_link_state_change(ifp, UP);
	if_link_state_change(ifp, 3);
	if_link_state_change(ifp, -1);
	test_settle(vn);
	KASSERT(tally.t_nlink == 2 && ifp->if_link_state == UP);
	KASSERT(listener_count(rl, RTM_IFINFO) == 0);
	if_link_state_change(ifp, DOWN);
	test_settle(vn);
	KASSERT(tally.t_nlink == 3 && tally.t_link[2] == DOWN);
	rt_listener_close(rl);
	test_detach(ifp);
}

static void
none_body(struct vnet *vn)
{
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "x", 0);
	ifp->if_extflags |= IFEF_NO_LINK_STATE_CHANGE;
	if_link_state_change(ifp, UP);
	test_settle(vn);
	KASSERT(ifp->if_link_state == UNKNOWN && tally.t_nlink == 0);
	test_detach(ifp);
}

/*
 * The handler runs though nothing is queued: no interface gets a state that is
 * none, and nobody is told anything.
 */
static void
spurious(void *arg)
{
	struct vnet *vn = arg;

	/* Its work is what the vnet's part begins with. */
	if (cpu_index(curcpu()) == 0)
		(void)cpu_work_schedule(vn->vn_kern, curcpu(),
		    (struct cpu_work *)vn->vn_if->ifv_link);
}

static void
spurious_body(struct vnet *vn)
{
	struct rt_listener *rl;
	struct ifnet *ifp[2];
	uint64_t changed;

	ifp[0] = test_must_attach(vn, "x", 0);
	ifp[1] = test_must_attach(vn, "x", 1);
	if_link_state_change(ifp[0], UP);
	test_settle(vn);
	rl = listener_open(vn, no_wakeup);
	changed = ifp[0]->if_lastchange_ns;
	tally.t_nlink = 0;
	for (unsigned i = 0; i < 5; i++) {
		kern_xcall(vn->vn_kern, spurious, vn);
		test_settle(vn);
	}
	KASSERT(ifp[0]->if_link_state == UP);
	KASSERT(ifp[1]->if_link_state == UNKNOWN);
	KASSERT(tally.t_nlink == 0 && ifp[0]->if_lastchange_ns == changed);
	KASSERT(listener_count(rl, RTM_IFINFO) == 0);
	/* The link works on. */
	if_link_state_change(ifp[0], DOWN);
	test_settle(vn);
	KASSERT(ifp[0]->if_link_state == DOWN);
	rt_listener_close(rl);
	test_detach(ifp[0]);
	test_detach(ifp[1]);
}

/*
 * Reported by CPUs and other threads at once: what is told is one sequence
 * of real changes, and when all is quiet the last report of each counts.
 */
static uint32_t told_state, told_twice;

static void
reporter_main(void *arg)
{
	struct ifnet *ifp = arg;

	for (unsigned i = 0; i < 2000; i++)
		if_link_state_change(ifp, i % 3 == 0 ? DOWN : UP);
}

static void
report_on_cpu(void *arg)
{

	for (unsigned i = 0; i < 20; i++)
		if_link_state_change(arg, i % 2 == 0 ? UP : DOWN);
}

static void
told(void *arg, struct ifnet *ifp)
{
	uint32_t now = ifp->if_link_state + 1u;

	(void)arg;
	if (now == told_state)
		told_twice++;
	told_state = now;
	KASSERT(now == DOWN + 1u || now == UP + 1u);
}

/* Events of CPU 0 are seen after a cross-call. */
static void
nothing(void *arg)
{

	(void)arg;
}

static const struct if_carp watcher = { .cg_state = told };

static void
many_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct host_thread *t[2];
	struct ifnet *ifp;

	told_state = told_twice = 0;
	ifp = test_must_attach(vn, "x", 0);
	KASSERT(if_carp_attach(ifp, &watcher) == 0);
	for (unsigned i = 0; i < 2; i++)
		KASSERT(host_thread_create(h, "reporter", -1, reporter_main,
		    ifp, &t[i]) == 0);
	for (unsigned i = 0; i < 50; i++)
		kern_xcall(vn->vn_kern, report_on_cpu, ifp);
	for (unsigned i = 0; i < 2; i++)
		host_thread_join(h, t[i]);
	if_link_state_change(ifp, DOWN);
	test_settle(vn);
	kern_xcall(vn->vn_kern, nothing, NULL);
	KASSERT(ifp->if_link_state == DOWN && told_state == DOWN + 1u);
	KASSERT(told_twice == 0);
	test_detach(ifp);
}

/* One change of each interface a turn: a loose cable does not keep the others
 * waiting. */
static char order[16];

static void
note(void *arg, struct ifnet *ifp)
{
	size_t n = strlen(order);

	KASSERT(n < sizeof(order) - 1);
	order[n] = ((char *)arg)[ifp->if_link_state == UP];
}

static const struct if_carp notes[2] = {
	{ .cg_state = note, .cg_arg = (void *)(uintptr_t)"aA" },
	{ .cg_state = note, .cg_arg = (void *)(uintptr_t)"bB" },
};

static void
three_and_one(void *arg)
{
	struct ifnet **ifp = arg;

	if (cpu_index(curcpu()) != 0)
		return;
	if_link_state_change(ifp[0], DOWN);
	if_link_state_change(ifp[0], UP);
	if_link_state_change(ifp[0], DOWN);
	if_link_state_change(ifp[1], DOWN);
}

static void
turns_body(struct vnet *vn)
{
	struct ifnet *ifp[2];

	memset(order, 0, sizeof(order));
	for (unsigned i = 0; i < 2; i++) {
		ifp[i] = test_must_attach(vn, "x", i);
		KASSERT(if_carp_attach(ifp[i], &notes[i]) == 0);
	}
	kern_xcall(vn->vn_kern, three_and_one, ifp);
	test_settle(vn);
	KASSERT(strcmp(order, "abAa") == 0);
	test_detach(ifp[0]);
	test_detach(ifp[1]);
}

struct burst {
	struct vnet	*bu_vnet;
	struct ifnet	*bu_ifp;
	const int	*bu_states;
	unsigned	 bu_n;
};

/* On a CPU, so that nothing is handled in between. */
static void
burst(void *arg)
{
	struct burst *bu = arg;

	if (cpu_index(curcpu()) != 0)
		return;
	for (unsigned i = 0; i < bu->bu_n; i++)
		if_link_state_change(bu->bu_ifp, bu->bu_states[i]);
}

static void
expect(struct vnet *vn, struct ifnet *ifp, const int *states, unsigned n,
    const int *told, unsigned ntold, uint64_t lost)
{
	struct burst bu = { vn, ifp, states, n };
	uint64_t before = if_link_lost(vn);

	tally.t_nlink = 0;
	kern_xcall(vn->vn_kern, burst, &bu);
	test_settle(vn);
	KASSERT(tally.t_nlink == ntold);
	for (unsigned i = 0; i < ntold; i++)
		KASSERT(tally.t_link[i] == told[i]);
	KASSERT(if_link_lost(vn) - before == lost);
}

static void
queue_body(struct vnet *vn)
{
	static const int order[] = { DOWN, UP, UP, DOWN, DOWN, UP };
	static const int order_told[] = { DOWN, UP, DOWN, UP };
	/* Nine changes: the DOWN in front stays, the next goes. */
	static const int nine[] = { DOWN, UNKNOWN, UP, DOWN, UP, DOWN, UP,
	    DOWN, UP };
	static const int nine_told[] = { DOWN, UP, DOWN, UP, DOWN, UP, DOWN,
	    UP };
	/* A front event other than DOWN goes itself. */
	static const int front[] = { UNKNOWN, DOWN, UP, DOWN, UP, DOWN, UP,
	    DOWN, UP };
	static const int front_told[] = { DOWN, UP, DOWN, UP, DOWN, UP, DOWN,
	    UP };
	/* Two DOWNs that meet are one, and the last is always there. */
	static const int meet[] = { DOWN, UP, DOWN, UP, DOWN, UP, DOWN, UP,
	    DOWN };
	static const int meet_told[] = { DOWN, UP, DOWN, UP, DOWN, UP, DOWN };
	struct ifnet *ifp;

	ifp = test_must_attach(vn, "x", 0);
	if_link_state_change(ifp, UP);
	test_settle(vn);
#define EXPECT(a, b, lost)						\
	expect(vn, ifp, a, sizeof(a) / sizeof(int), b,			\
	    sizeof(b) / sizeof(int), lost)
	EXPECT(order, order_told, 0);
	EXPECT(nine, nine_told, 1);
	KASSERT(strstr(sim_last_log(vn->vn_kern->k_host),
	    "x0: a link state change was lost") != NULL);
	EXPECT(front, front_told, 1);
	EXPECT(meet, meet_told, 1);
	KASSERT(ifp->if_link_state == DOWN);
#undef EXPECT
	test_detach(ifp);
}

/* Many interfaces at once, some of which go before they are handled. */
static void
gone_body(struct vnet *vn)
{
	struct ifnet *ifp[10];

	for (unsigned i = 0; i < 10; i++)
		ifp[i] = test_must_attach(vn, "x", i);
	for (int round = 0; round < 5; round++)
		for (unsigned i = 0; i < 10; i++)
			if_link_state_change(ifp[i],
			    round % 2 ? DOWN : UP);
	for (unsigned i = 0; i < 10; i += 2) {
		test_detach(ifp[i]);
	}
	test_settle(vn);
	for (unsigned i = 1; i < 10; i += 2) {
		KASSERT(ifp[i]->if_link_state == UP);
		test_detach(ifp[i]);
	}
}

static void
test_simple(void **state)
{

	(void)state;
	if_on_sim(2, simple_body);
}

static void
test_none(void **state)
{

	(void)state;
	if_on_sim(1, none_body);
}

static void
test_spurious(void **state)
{

	(void)state;
	if_on_sim(2, spurious_body);
}

static void
test_turns(void **state)
{

	(void)state;
	if_on_sim(2, turns_body);
}

static void
test_many(void **state)
{

	(void)state;
	if_on_sim(2, many_body);
	if_on_linux(2, many_body);
}

static void
test_queue(void **state)
{

	(void)state;
	if_on_sim(2, queue_body);
}

static void
test_gone(void **state)
{

	(void)state;
	if_on_sim(2, gone_body);
	if_on_linux(2, gone_body);
}

/* --- counters, hold-down, operational state ------------------------------- */

static uint64_t
leaf(struct vnet *vn, const char *name)
{
	char full[128];

	(void)snprintf(full, sizeof(full), "net.interfaces.x0.link.%s", name);
	return test_sysctl(vn, full);
}

static int
set_holddown(struct vnet *vn, int64_t ms)
{

	return test_sysctl_set(vn, "net.interfaces.x0.link.holddown", ms);
}

static void
counts_body(struct vnet *vn)
{
	static const int same[] = { DOWN, DOWN, DOWN, UP, UP };
	static const int same_told[] = { DOWN, UP };
	static const int nine[] = { DOWN, UNKNOWN, UP, DOWN, UP, DOWN, UP,
	    DOWN, UP };
	static const int nine_told[] = { DOWN, UP, DOWN, UP, DOWN, UP, DOWN,
	    UP };
	struct ifnet *ifp;
	uint64_t before;

	ifp = test_must_attach(vn, "x", 0);
	KASSERT(leaf(vn, "flaps") == 0 && leaf(vn, "lost") == 0);
	if_link_state_change(ifp, UP);
	test_settle(vn);
	KASSERT(leaf(vn, "flaps") == 0);
	before = leaf(vn, "lastchange");
	expect(vn, ifp, same, 5, same_told, 2, 0);
	KASSERT(leaf(vn, "flaps") == 1 && leaf(vn, "coalesced") == 3);
	KASSERT(leaf(vn, "lastchange") > before);
	expect(vn, ifp, nine, 9, nine_told, 8, 1);
	KASSERT(leaf(vn, "lost") == 1 && leaf(vn, "coalesced") == 3);
	KASSERT(leaf(vn, "flaps") == 5);
	/* Also a loss that is pushed out of the queue untold. */
	before = leaf(vn, "flaps");
	for (unsigned i = 0; i < 20; i++) {
		if_link_state_change(ifp, DOWN);
		if_link_state_change(ifp, UP);
	}
	test_settle(vn);
	KASSERT(leaf(vn, "flaps") == before + 20);
	test_detach(ifp);
}

static void
wait_ms(struct vnet *vn, unsigned ms)
{

	host_sleep(vn->vn_kern->k_host, ms * 1000000ull);
}

static void
hold_body(struct vnet *vn)
{
	struct ifnet *ifp;
	uint64_t coalesced;

	ifp = test_must_attach(vn, "x", 0);
	/* Off unless asked for, and nothing is kept for it. */
	KASSERT(leaf(vn, "holddown") == 0);
	KASSERT(set_holddown(vn, -1) == EINVAL);
	KASSERT(set_holddown(vn, IF_HOLDDOWN_MAX + 1) == EINVAL);
	KASSERT(set_holddown(vn, 1000) == 0);
	KASSERT(leaf(vn, "holddown") == 1000);
	tally.t_nlink = 0;
	if_link_state_change(ifp, DOWN);
	if_link_state_change(ifp, UP);
	wait_ms(vn, 900);
	KASSERT(ifp->if_link_state == DOWN && tally.t_nlink == 1);
	wait_ms(vn, 300);
	KASSERT(ifp->if_link_state == UP && tally.t_nlink == 2);

	/* A DOWN is told at once, an UP that did not last never. */
	coalesced = leaf(vn, "coalesced");
	for (unsigned i = 0; i < 5; i++) {
		if_link_state_change(ifp, DOWN);
		wait_ms(vn, 100);
		KASSERT(ifp->if_link_state == DOWN);
		if_link_state_change(ifp, UP);
		wait_ms(vn, 400);
		KASSERT(ifp->if_link_state == DOWN);
	}
	/* Every loss is counted, also of a link that was not told to be up. */
	KASSERT(tally.t_nlink == 3 && leaf(vn, "flaps") == 5);
	KASSERT(leaf(vn, "coalesced") == coalesced + 4);
	wait_ms(vn, 800);
	KASSERT(ifp->if_link_state == UP && tally.t_nlink == 4);

	/* Told to be up once more while it waits: it waits no longer. */
	if_link_state_change(ifp, DOWN);
	if_link_state_change(ifp, UP);
	wait_ms(vn, 600);
	if_link_state_change(ifp, UP);
	wait_ms(vn, 600);
	KASSERT(ifp->if_link_state == UP && tally.t_nlink == 6);

	/* Off again; and one that waits when its interface goes. */
	KASSERT(set_holddown(vn, 0) == 0);
	if_link_state_change(ifp, DOWN);
	if_link_state_change(ifp, UP);
	test_settle(vn);
	KASSERT(ifp->if_link_state == UP);
	KASSERT(set_holddown(vn, 50) == 0);
	if_link_state_change(ifp, DOWN);
	if_link_state_change(ifp, UP);
	wait_ms(vn, 20);
	test_detach(ifp);
	wait_ms(vn, 100);
}

static uint8_t
oper(struct vnet *vn)
{
	struct ifdatareq ifdr;

	memset(&ifdr, 0, sizeof(ifdr));
	(void)strcpy(ifdr.ifdr_name, "x0");
	KASSERT(ifioctl(vn, &kauth_cred_self, SIOCGIFDATA, &ifdr,
	    sizeof(ifdr)) == 0);
	return ifdr.ifdr_data.ifi_oper;
}

static void
oper_body(struct vnet *vn)
{
	struct rt_listener *rl;
	struct ifnet *ifp;
	struct ifreq ifr;

	ifp = test_must_attach(vn, "x", 0);
	KASSERT(oper(vn) == IF_OPER_DOWN_ADMIN);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, IFF_UP, &ifr) == 0);
	KASSERT(oper(vn) == IF_OPER_UNKNOWN);
	if_link_state_change(ifp, DOWN);
	test_settle(vn);
	KASSERT(oper(vn) == IF_OPER_DOWN_CARRIER);
	if_link_state_change(ifp, UP);
	test_settle(vn);
	KASSERT(oper(vn) == IF_OPER_UP);
	rl = listener_open(vn, no_wakeup);
	if_oper_reason(ifp, IF_OPER_DOWN_LOWER);
	KASSERT(oper(vn) == IF_OPER_DOWN_LOWER);
	KASSERT(listener_count(rl, RTM_IFINFO) == 1);
	if_oper_reason(ifp, IF_OPER_DOWN_LOWER);	/* no change */
	if_oper_reason(ifp, IF_OPER_UP);		/* no reason */
	KASSERT(listener_count(rl, RTM_IFINFO) == 0);
	if_oper_reason(ifp, IF_OPER_TESTING);
	KASSERT(oper(vn) == IF_OPER_TESTING);
	if_oper_reason(ifp, 0);
	KASSERT(oper(vn) == IF_OPER_UP);
	KASSERT(listener_count(rl, RTM_IFINFO) == 2);
	/* "Down by the administrator" comes before any other reason. */
	if_oper_reason(ifp, IF_OPER_TESTING);
	KASSERT(test_ifreq(vn, "x0", SIOCSIFFLAGS, 0, &ifr) == 0);
	KASSERT(oper(vn) == IF_OPER_DOWN_ADMIN);
	rt_listener_close(rl);
	test_detach(ifp);
}

static void
test_counts(void **state)
{

	(void)state;
	if_on_sim(1, counts_body);
}

static void
test_hold(void **state)
{

	(void)state;
	if_on_sim(2, hold_body);
}

static void
test_oper(void **state)
{

	(void)state;
	if_on_sim(1, oper_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_spurious),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_oper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
