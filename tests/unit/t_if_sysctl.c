/*
 * net.interfaces, net.sdl and net.link: readings, the settings and their
 * limits, and walks during which interfaces go away.
 */

#include "if_test.h"
#include "layer_test.h"

#include "kern/sysctl.h"	/* under test */

static int
get(struct vnet *vn, const char *name, void *old, size_t *len)
{

	return sysctl_request(vn, &kauth_cred_self, name, old, len, NULL, 0,
	    NULL, NULL);
}

static int
set(struct vnet *vn, const char *name, int64_t v)
{

	return sysctl_request(vn, &kauth_cred_self, name, NULL, NULL, &v,
	    sizeof(v), NULL, NULL);
}

static int64_t
number(struct vnet *vn, const char *name)
{
	int64_t v;
	size_t len = sizeof(v);

	KASSERT(get(vn, name, &v, &len) == 0 && len == sizeof(v));
	return v;
}

/* A driver with a send queue: without a start routine it has none. */
static void
queue_start(struct ifnet *ifp)
{

	ifq_purge(ifp, DROP_DISCARD_INTERFACE);
}

static const struct if_ops queue_ops = {
	.start = queue_start,
	.ioctl = ifioctl_common,
};

static struct ifnet *
attach_with_queue(struct vnet *vn, const char *name)
{
	struct ifnet *ifp = if_alloc(vn, IFT_OTHER);

	KASSERT(ifp != NULL);
	if_initname(ifp, name, 0);
	ifp->if_ops = &queue_ops;
	KASSERT(if_attach(ifp) == 0);
	return ifp;
}

/* The input queues: a limit for each CPU's, where there are any. */
static void
rcvq_body(struct vnet *vn)
{
	struct ifnet *ifp, *without;

	without = test_must_attach(vn, "x", 0);
	ifp = if_alloc(vn, IFT_OTHER);
	KASSERT(ifp != NULL);
	if_initname(ifp, "x", 1);
	ifp->if_ops = &test_ops;
	KASSERT(if_percpuq_create(ifp) == 0 && if_attach(ifp) == 0);
	KASSERT(number(vn, "net.interfaces.x1.rcvq.maxlen") == 4096);
	KASSERT(set(vn, "net.interfaces.x1.rcvq.maxlen", 50) == 0);
	KASSERT(test_rcvq_maxlen(ifp) == 50);
	KASSERT(number(vn, "net.interfaces.x1.rcvq.maxlen") == 50);
	KASSERT(set(vn, "net.interfaces.x1.rcvq.maxlen", -1) == EINVAL);
	KASSERT(set(vn, "net.interfaces.x1.rcvq.maxlen", 0) == EINVAL);
	KASSERT(set(vn, "net.interfaces.x1.rcvq.maxlen", 1 << 20) == EINVAL);
	KASSERT(set(vn, "net.interfaces.x1.rcvq.len", 1) == EACCES);
	KASSERT(set(vn, "net.interfaces.x1.rcvq.drops", 0) == EACCES);
	KASSERT(test_rcvq_maxlen(ifp) == 50);
	KASSERT(number(vn, "net.interfaces.x0.rcvq.maxlen") == 0);
	KASSERT(set(vn, "net.interfaces.x0.rcvq.maxlen", 50) == EACCES);
	KASSERT(number(vn, "net.interfaces.x0.rcvq.maxlen") == 0);
	/* Limits of an interface that goes away cannot be set. */
	if_deactivate(ifp);
	KASSERT(set(vn, "net.interfaces.x1.sndq.maxlen", 50) == ENOENT);
	KASSERT(ifp->if_snd.ifq_maxlen == 0);
	test_detach(ifp);
	test_detach(without);
}

static void
value_body(struct vnet *vn)
{
	struct ifnet *ifp, *dot, *plain;
	uint8_t bytes[8];
	size_t len;

	plain = test_must_attach(vn, "p", 0);
	ifp = attach_with_queue(vn, "x");
	dot = attach_with_queue(vn, "a.sndq.b");
	KASSERT(number(vn, "net.interfaces.p0.sndq.maxlen") == 0);
	KASSERT(set(vn, "net.interfaces.p0.sndq.maxlen", 10) == EACCES);
	KASSERT(number(vn, "net.interfaces.x0.sndq.len") == 0);
	KASSERT(number(vn, "net.interfaces.x0.sndq.maxlen") == IFQ_MAXLEN);
	KASSERT(number(vn, "net.interfaces.x0.sndq.drops") == 0);
	KASSERT(number(vn, "net.interfaces.x0.rcvq.len") == 0);
	KASSERT(number(vn, "net.interfaces.x0.rcvq.drops") == 0);
	KASSERT(number(vn, "net.interfaces.a.sndq.b0.sndq.maxlen") ==
	    IFQ_MAXLEN);
	KASSERT(set(vn, "net.interfaces.x0.sndq.maxlen", 10) == 0);
	KASSERT(ifp->if_snd.ifq_maxlen == 10);
	KASSERT(set(vn, "net.interfaces.x0.sndq.maxlen", -1) == EINVAL);
	KASSERT(set(vn, "net.interfaces.x0.sndq.maxlen", 0) == EINVAL);
	KASSERT(set(vn, "net.interfaces.x0.sndq.maxlen", 1 << 30) == EINVAL);
	KASSERT(set(vn, "net.interfaces.x0.sndq.len", 1) == EACCES);
	KASSERT(ifp->if_snd.ifq_maxlen == 10);
	len = sizeof(bytes);
	KASSERT(get(vn, "net.interfaces.x9.sndq.len", bytes, &len) == ENOENT);
	KASSERT(get(vn, "net.interfaces.x0.sndq", bytes, &len) == ENOENT);
	KASSERT(get(vn, "net.interfaces.1.sndq.len", bytes, &len) == ENOENT);

	/* Too small a buffer: what is needed, not a piece. */
	len = 5;
	KASSERT(get(vn, "net.sdl.1", bytes, &len) == ENOMEM && len == 6);
	len = sizeof(bytes);
	KASSERT(get(vn, "net.sdl.1", bytes, &len) == 0 && len == 6);
	KASSERT(bytes[0] == 2 && bytes[5] == 1);
	KASSERT(get(vn, "net.sdl.3", bytes, &len) == ENOENT);
	KASSERT(get(vn, "net.sdl.01", bytes, &len) == ENOENT);

	KASSERT(number(vn, "net.link.maxindex") == IF_LIMIT_DEFAULT);
	KASSERT(set(vn, "net.link.maxindex", 0) == EINVAL);
	KASSERT(set(vn, "net.link.maxindex", IF_INDEX_MAX + 1) == EINVAL);
	KASSERT(set(vn, "net.link.maxindex", 5) == 0);
	KASSERT(number(vn, "net.link.count") == 3);
	KASSERT(number(vn, "net.link.statelost") == 0);
	test_detach(plain);
	test_detach(ifp);
	test_detach(dot);
}

/* The first name below a prefix, and what is said of the prefix. */
static void
below(struct vnet *vn, const char *prefix, const char *first)
{
	char next[SYSCTL_NAMESIZE];

	KASSERT(sysctl_next(vn, prefix, next) == 0);
	KASSERT(strcmp(next, first) == 0);
	KASSERT(sysctl_descr(vn, prefix) != NULL);
}

/* Names that others begin with, also where an interface's has dots. */
static void
below_body(struct vnet *vn)
{
	struct ifnet *x, *dot, *branch;
	char next[SYSCTL_NAMESIZE];

	x = test_must_attach(vn, "x", 0);
	dot = test_must_attach(vn, "x0.", 5);
	branch = test_must_attach(vn, "a.link", 1);
	below(vn, "net.interfaces", "net.interfaces.x0.sndq.len");
	below(vn, "net.interfaces.x0", "net.interfaces.x0.sndq.len");
	below(vn, "net.interfaces.x0.link", "net.interfaces.x0.link.flaps");
	below(vn, "net.interfaces.x0.5", "net.interfaces.x0.5.sndq.len");
	below(vn, "net.interfaces.x0.5.rcvq",
	    "net.interfaces.x0.5.rcvq.len");
	below(vn, "net.interfaces.a.link1", "net.interfaces.a.link1.sndq.len");
	below(vn, "net.sdl", "net.sdl.1");
	below(vn, "kern.cpu.0", "kern.cpu.0.passes");
	below(vn, "kern.cpu.0.stage", "kern.cpu.0.stage.poll.clocks");
	/* Below names that are not there, nothing is. */
	KASSERT(sysctl_next(vn, "net.interfaces.y0", next) != 0 ||
	    strncmp(next, "net.interfaces.", 15) != 0);
	KASSERT(sysctl_next(vn, "net.interfaces.x0.nothing", next) != 0 ||
	    strncmp(next, "net.interfaces.x0.nothing.", 26) != 0);
	test_detach(x);
	test_detach(dot);
	test_detach(branch);
}

static void
walk_body(struct vnet *vn)
{
	char name[SYSCTL_NAMESIZE] = "net.interfaces", next[SYSCTL_NAMESIZE];
	unsigned n = 0, sdl = 0, seen[5] = { 0 }, unit;
	struct ifnet *ifp[5];

	for (unsigned i = 0; i < 5; i++)
		ifp[i] = test_must_attach(vn, "x", i);
	name[0] = '\0';
	while (sysctl_next(vn, name, next) == 0) {
		KASSERT(n++ < 1000);
		memcpy(name, next, sizeof(name));
		if (strncmp(name, "net.sdl.", 8) == 0)
			sdl++;
		if (sscanf(name, "net.interfaces.x%u.", &unit) != 1)
			continue;
		seen[unit]++;
		/* The one the walk is at goes. */
		if (unit == 2 && ifp[2] != NULL) {
			test_detach(ifp[2]);
			ifp[2] = NULL;
		}
	}
	for (unsigned i = 0; i < 5; i++)
		KASSERT(seen[i] == (i == 2 ? 1 : 12));
	KASSERT(sdl == 4 || sdl == 5);
	for (unsigned i = 0; i < 5; i++)
		if (ifp[i] != NULL)
			test_detach(ifp[i]);
}

static void
test_value(void **state)
{

	(void)state;
	if_on_sim(1, value_body);
}

static void
test_below(void **state)
{

	(void)state;
	if_on_sim(1, below_body);
}

static void
test_rcvq(void **state)
{

	(void)state;
	if_on_sim(2, rcvq_body);
}

static void
test_walk(void **state)
{

	(void)state;
	if_on_sim(1, walk_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_rcvq),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
