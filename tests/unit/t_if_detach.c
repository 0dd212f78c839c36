/*
 * Detach, step by step: who is told, in which order, and what becomes of what
 * a protocol forgot; and up, down and link state, whose order others rely on.
 */

#include <stdio.h>

#include <ifnet/if_carp.h>
#include <ifnet/ifq_discipline.h>

#include "net_test.h"

/* Events, in order; messages of the routing socket in between. */
static char trace[1024];
static struct rt_listener *listener;

static void
add(const char *word)
{

	KASSERT(strlen(trace) + strlen(word) + 2 < sizeof(trace));
	if (trace[0] != '\0')
		(void)strcat(trace, " ");
	(void)strcat(trace, word);
}

static const char *
message_name(const struct rt_hdr *h)
{

	switch (h->rtm_type) {
	case RTM_IFINFO:
		return "IFINFO";
	case RTM_IFANNOUNCE:
		return "IFANNOUNCE";
	case RTM_NEWADDR:
		return "NEWADDR";
	case RTM_DELADDR:
		return "DELADDR";
	case RTM_ADD:
		return "ADD";
	case RTM_DELETE:
		return "DELETE";
	case RTM_CHANGE:
		return "CHANGE";
	default:
		return "?";
	}
}

static void
add_messages(void)
{
	union {
		struct rt_hdr	 h;
		uint8_t		 room[RT_MSG_MAX];
	} buf;

	while (rt_listener_read(listener, &buf) != 0)
		add(message_name(&buf.h));
}

static void
step(const char *word)
{

	add_messages();
	add(word);
}

static void
expect(const char *words)
{

	add_messages();
	if (strcmp(trace, words) != 0)
		print_error("is:     %s\nshould: %s\n", trace, words);
	KASSERT(strcmp(trace, words) == 0);
	trace[0] = '\0';
}

static void
no_wakeup(void *arg)
{

	(void)arg;
}

/* --- a family that purges, and one that forgets ------------------------- */

static bool late;		/* it removes one address a call */

static void
four_purge_one(struct ifaddr *ifa)
{
	struct ifnet *ifp = ifa->ifa_ifp;

	ifa_ref(ifa);
	ifa_remove(ifp, ifa);
	rt_ifa_gone(ifa);
	ifa_unref(ifa);
}

static void
four_purge(struct ifnet *ifp)
{

	KASSERT(if_ioctl_locked(ifp));
	step("purge4");
	if (!late)
		if_purgeaddrs(ifp, TEST_AF, four_purge_one);
}

static void
four_ifa_down(struct ifaddr *ifa)
{

	KASSERT(if_ioctl_locked(ifa->ifa_ifp));
	step("prc4");
	/* The send queue is full still. */
	KASSERT(ifa->ifa_ifp->if_snd.ifq_len == 0 ||
	    (if_flags_get(ifa->ifa_ifp) & IFF_UP) == 0);
}

static int
four_attach(struct ifnet *ifp)
{

	(void)ifp;
	step("attach4");
	return 0;
}

static void
four_detach(struct ifnet *ifp)
{

	KASSERT(LIST_EMPTY(&ifp->if_paths));
	step("detach4");
}

static void
four_up(struct ifnet *ifp)
{

	(void)ifp;
	step("up4");
}

static void
four_down(struct ifnet *ifp)
{

	(void)ifp;
	step("down4");
}

static void
four_link(struct ifnet *ifp, int state)
{

	/* The state is stored, but for the DOWN that comes before the first
	 * UP. */
	KASSERT(ifp->if_link_state == state ||
	    (ifp->if_link_state == LINK_STATE_UNKNOWN &&
	    state == LINK_STATE_DOWN));
	step(state == LINK_STATE_UP ? "link4:up" : "link4:down");
}

static void
four_last(struct ifnet *ifp)
{

	(void)ifp;
	step("last4");
}

static void
four_sweep(struct ifnet *ifp)
{

	KASSERT(curcpu() != NULL);
	(void)ifp;
	if (cpu_index(curcpu()) == 0)
		step("sweep4");
}

static void
six_ifa_down(struct ifaddr *ifa)
{

	(void)ifa;
	step("prc6");
}

static void
six_detach(struct ifnet *ifp)
{

	/* Every address has gone, the link-level one too. */
	KASSERT(TAILQ_EMPTY(&ifp->if_addrlist));
	step("detach6");
}

static void
six_last(struct ifnet *ifp)
{

	(void)ifp;
	step("last6");
}

static bool
six_equal(const struct sockaddr *a, const struct sockaddr *b)
{

	return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
	    &((const struct sockaddr_in6 *)b)->sin6_addr, 16) == 0;
}

static uint32_t
six_hash(const struct sockaddr *sa)
{

	return ((const struct sockaddr_in6 *)sa)->sin6_addr.s6_addr[15];
}

static const struct domain four = {
	.dom_family = TEST_AF,
	.dom_slot = DOM_SLOT_INET,
	.dom_name = "four",
	.dom_salen = TEST_SALEN,
	.dom_ifattach = four_attach,
	.dom_ifdetach = four_detach,
	.dom_ifa_down = four_ifa_down,
	.dom_if_up = four_up,
	.dom_if_down = four_down,
	.dom_if_link_state = four_link,
	.dom_purgeif = four_purge,
	.dom_purgelast = four_last,
	.dom_sweep = four_sweep,
	.dom_sa_equal = dtest_equal,
	.dom_sa_hash = dtest_hash,
	.dom_sa_check = dtest_check,
	.dom_sa_within = dtest_within,
}, six = {
	.dom_family = AF_INET6,
	.dom_slot = DOM_SLOT_INET6,
	.dom_name = "six",
	.dom_salen = sizeof(struct sockaddr_in6),
	.dom_ifdetach = six_detach,
	.dom_ifa_down = six_ifa_down,
	.dom_purgelast = six_last,
	.dom_sa_equal = six_equal,
	.dom_sa_hash = six_hash,
	.dom_sa_check = dtest_check,
};

struct six_addr {
	struct protoaddr sa_proto;	/* first */
#define sa_ifa	sa_proto.pa_ifa
	struct sockaddr_in6 sa_addr;
	struct kern	*sa_kern;
};
static unsigned six_addrs;

static void
six_free(struct ifaddr *ifa)
{

	six_addrs--;
	kmem_free(((struct six_addr *)ifa)->sa_kern, ifa);
}

static void
six_add(struct ifnet *ifp, uint8_t last)
{
	struct six_addr *sa = kmem_zalloc(if_kern(ifp), sizeof(*sa));

	KASSERT(sa != NULL);
	sa->sa_kern = if_kern(ifp);
	sa->sa_addr.sin6_family = AF_INET6;
	sa->sa_addr.sin6_addr.s6_addr[15] = last;
	sa->sa_ifa.ifa_addr = (struct sockaddr *)&sa->sa_addr;
	sa->sa_ifa.ifa_free = six_free;
	if_ioctl_lock(ifp);
	KASSERT(ifa_insert(ifp, &sa->sa_ifa) == 0);
	rt_newaddrmsg(RTM_NEWADDR, &sa->sa_ifa);
	if_ioctl_unlock(ifp);
	six_addrs++;
}

/* --- everything else that can be at an interface ------------------------ */

static void
carp_state(void *arg, struct ifnet *ifp)
{

	KASSERT(arg == trace);
	step((if_flags_get(ifp) & IFF_UP) == 0 ? "carp:down" :
	    ifp->if_link_state == LINK_STATE_UP ? "carp:up" : "carp:nolink");
}

static void
carp_gone(void *arg, struct ifnet *ifp)
{
	char name[128];
	uint64_t v;

	/* Lookups do not find the interface any more, in whatever way. */
	(void)snprintf(name, sizeof(name), "net.interfaces.%s.sndq.len",
	    ifp->if_xname);
	KASSERT(test_sysctl_get_as(ifp->if_vnet, &kauth_cred_self, name, &v) ==
	    ENOENT);
	KASSERT(ifunit(ifp->if_vnet, ifp->if_xname) == NULL);
	KASSERT(if_byindex(ifp->if_vnet, ifp->if_index) == NULL);
	KASSERT(if_is_deactivated(ifp) && ifp->if_snd.ifq_maxlen == 0);
	KASSERT(arg == trace && if_ioctl_locked(ifp));
	KASSERT((if_flags_get(ifp) & IFF_UP) == 0);
	KASSERT(!TAILQ_EMPTY(&ifp->if_addrlist));
	step("carp:gone");
}

static const struct if_carp carp = {
	.cg_state = carp_state, .cg_gone = carp_gone, .cg_arg = trace
};

static struct mbuf *
queue_enqueue(void *state, struct mbuf *m)
{
	struct mbuf **one = state, *over = *one;

	*one = m;
	return over;
}

static struct mbuf *
queue_dequeue(void *state)
{
	struct mbuf **one = state, *m = *one;

	*one = NULL;
	return m;
}

static void
queue_gone(void *state, struct ifnet *ifp)
{

	(void)ifp;
	KASSERT(*(struct mbuf **)state == NULL);
	step("altq:gone");
}

static const struct ifq_discipline keeps_one = {
	"one", queue_enqueue, queue_dequeue, queue_dequeue, queue_gone
};

static void
hook_event(void *arg, struct ifnet *ifp, enum pfil_event ev)
{

	(void)arg;
	KASSERT(ifp != NULL);
	step(ev == PFIL_IF_ATTACH ? "pfil:attach" : "pfil:detach");
}

static const struct pfil_hook hook = { .ph_event = hook_event };

static int
type_attach(struct ifnet *ifp)
{

	(void)ifp;
	step("type:attach");
	return 0;
}

static void
type_detach(struct ifnet *ifp)
{

	(void)ifp;
	step("type:detach");
}

static struct iftype_ops traced_type;

static void
nothing_to_start(struct ifnet *ifp)
{

	(void)ifp;
}

static const struct if_ops traced_ops = {
	.start = nothing_to_start,
	.ioctl = ifioctl_common,
};

static struct ifnet *
traced_attach(struct vnet *vn, unsigned unit)
{
	static const uint8_t lladdr[6] = { 2, 0, 0, 0, 0, 1 };
	struct ifnet *ifp;

	traced_type = raw_type_ops;
	traced_type.it_attach = type_attach;
	traced_type.it_detach = type_detach;
	ifp = if_alloc(vn, IFT_OTHER);
	KASSERT(ifp != NULL);
	if_initname(ifp, "x", unit);
	ifp->if_addrlen = 6;
	ifp->if_ops = &traced_ops;
	ifp->if_typeops = &traced_type;
	KASSERT(if_set_sadl(ifp, lladdr, 6, true) == 0);
	KASSERT(if_percpuq_create(ifp) == 0);
	KASSERT(if_attach(ifp) == 0);
	if_flags_update(ifp, IFF_RUNNING, 0);
	return ifp;
}

static void
settle(struct vnet *vn)
{

	for (unsigned i = 0; i < 20; i++)
		host_sleep(vn->vn_kern->k_host, 1000000);
}

static void
one_out(void *arg)
{
	uint8_t buf[20] = { 0x45 };
	struct mvec mv;

	mv.mv_n = 1;
	mv.mv_m[0] = etest_packet(buf, sizeof(buf));
	if_output_vec(arg, TEST_AF, &mv);
}

static void
order_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_len = 8 };
	struct prefix dst;
	uint64_t buf[RT_MSG_MAX / 8 + 1];
	struct ifnet *ifp, *other;
	struct mbuf *one = NULL;

	trace[0] = '\0';
	late = false;
	domain_attach(vn, &four);
	domain_attach(vn, &six);
	KASSERT(pfil_add_hook(vn, &hook) == 0);
	KASSERT(rt_listener_open(vn, RTS_ALL, 1 << 20, no_wakeup, NULL,
	    &listener) == 0);
	/* Every round sweeps, and in the same order. */
	for (unsigned round = 0; round < 2; round++) {
		ifp = traced_attach(vn, round);
		expect("type:attach attach4 pfil:attach IFANNOUNCE");
		KASSERT(if_carp_attach(ifp, &carp) == 0);
		KASSERT(if_carp_attach(ifp, &carp) == EBUSY);
		KASSERT(ifq_discipline_attach(ifp, &keeps_one, &one) == 0);
		KASSERT(ifq_discipline_enable(ifp) == 0);
		(void)ifatest_add(ifp, "10.0.0.1", 24);
		(void)ifatest_add(ifp, "10.0.1.1", 24);
		six_add(ifp, 1);
		six_add(ifp, 2);
		expect("NEWADDR NEWADDR");

		if_up(ifp);
		expect("carp:nolink IFINFO up4");
		if_link_state_change(ifp, LINK_STATE_UP);
		settle(vn);
		expect("link4:down IFINFO carp:up link4:up");
		if_link_state_change(ifp, LINK_STATE_DOWN);
		settle(vn);
		expect("IFINFO carp:nolink link4:down");
		on_cpu(vn->vn_kern, one_out, ifp);
		KASSERT(one != NULL);
		if_down(ifp);
		KASSERT(one == NULL);
		expect("prc4 prc4 prc6 prc6 carp:down IFINFO down4");
		if_up(ifp);
		expect("carp:nolink IFINFO up4");
		on_cpu(vn->vn_kern, one_out, ifp);
		test_route_to(&ri, "20.0.0.0");
		ri.ri_ifp = ifp;
		KASSERT(rt_add(vn, &ri) == 0);
		expect("ADD");

		if_detach(ifp);
		expect("prc4 prc4 prc6 prc6 carp:down IFINFO down4 "
		    "altq:gone carp:gone "
		    "purge4 CHANGE DELADDR DELADDR DELETE "
		    "detach6 detach4 last4 last6 type:detach "
		    "pfil:detach IFANNOUNCE sweep4");
		/* Addresses that the second family forgot were announced
		 * gone, and are. */
		KASSERT(six_addrs == 0);
		if_free(ifp);
	}
	/* A family that did not purge what it has: the same; and a route of
	 * another interface that has such an address for its source waits. */
	ifp = traced_attach(vn, 8);
	other = traced_attach(vn, 9);
	test_route_from(&ri, ifatest_add(ifp, "10.0.0.1", 24));
	ri.ri_ifp = other;
	dst = rt_info_prefix(&ri);
	KASSERT(rt_add(vn, &ri) == 0);
	KASSERT(rt_get(vn, 0, &dst, RTM_GET, buf) == 0);
	trace[0] = '\0';
	late = true;
	if_detach(ifp);
	KASSERT(TAILQ_EMPTY(&ifp->if_addrlist));
	KASSERT(rt_get(vn, 0, &dst, RTM_GET, buf) == 0);
	KASSERT(test_rt_unreachable(vn, "20.0.0.1"));
	if_free(ifp);
	if_detach(other);
	if_free(other);
	rt_listener_close(listener);
	pfil_remove_hook(vn, &hook);
}

static void
test_order(void **state)
{

	(void)state;
	net_on_sim(2, order_body);
	net_on_sim(1, order_body);
}

/* The family that forgot its address is named. */
static void
warned_body(struct vnet *vn)
{
	struct host *h = vn->vn_kern->k_host;
	struct ifnet *ifp;

	domain_attach(vn, &six);
	KASSERT(rt_listener_open(vn, RTS_ALL, 1 << 20, no_wakeup, NULL,
	    &listener) == 0);
	ifp = traced_attach(vn, 0);
	six_add(ifp, 1);
	if_detach(ifp);
	KASSERT(strstr(sim_last_log(h), "x0: an address of family 10 was left")
	    != NULL);
	KASSERT(six_addrs == 0);
	if_free(ifp);
	rt_listener_close(listener);
	trace[0] = '\0';
}

static void
test_warned(void **state)
{

	(void)state;
	net_on_sim(1, warned_body);
}

/* A device that died, deactivated by its driver: the link type goes as well,
 * once. */
static void
dead_body(struct vnet *vn)
{
	struct rt_info ri = { .ri_len = 8 };
	struct ifnet *ifp;

	trace[0] = '\0';
	late = false;
	domain_attach(vn, &four);
	KASSERT(rt_listener_open(vn, RTS_ALL, 1 << 20, no_wakeup, NULL,
	    &listener) == 0);
	ifp = traced_attach(vn, 0);
	expect("type:attach attach4 IFANNOUNCE");
	/* A route that no address brought. */
	test_route_to(&ri, "20.0.0.0");
	ri.ri_ifp = ifp;
	KASSERT(rt_add(vn, &ri) == 0);
	expect("ADD");
	if_deactivate(ifp);
	if_deactivate(ifp);
	KASSERT(if_is_deactivated(ifp) && ifunit(vn, "x0") == NULL);
	expect("");
	if_detach(ifp);
	expect("purge4 DELETE detach4 last4 type:detach IFANNOUNCE sweep4");
	if_free(ifp);
	rt_listener_close(listener);
}

static void
test_dead(void **state)
{

	(void)state;
	net_on_sim(1, dead_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_warned),
		cmocka_unit_test(test_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
