/*
 * Groups: in, out, listed, and gone with their last member.
 */

#include "if_test.h"

struct list {
	struct if_groupreq req;
	char		 names[64][IFNAMSIZ];
};

static int
change(struct vnet *vn, unsigned long cmd, const char *ifname,
    const char *group)
{
	struct if_groupreq req;

	memset(&req, 0, sizeof(req));
	(void)snprintf(req.ifgr_name, IFNAMSIZ, "%s", ifname);
	memcpy(req.ifgr_group, group,
	    strlen(group) < IFNAMSIZ ? strlen(group) : IFNAMSIZ);
	return ifioctl(vn, &kauth_cred_self, cmd, &req, sizeof(req));
}

#define add(vn, i, g)		change(vn, SIOCAIFGROUP, i, g)
#define leave(vn, i, g)		change(vn, SIOCDIFGROUP, i, g)

static int
members(struct vnet *vn, const char *group, int room, uint32_t next,
    struct list *li)
{

	memset(li, 0, sizeof(*li));
	(void)snprintf(li->req.ifgr_group, IFNAMSIZ, "%s", group);
	li->req.ifgr_count = room;
	li->req.ifgr_next = next;
	return ifioctl(vn, &kauth_cred_self, SIOCGIFGMEMB, li, sizeof(*li));
}

static void
simple_body(struct vnet *vn)
{
	struct kauth_cred nobody = { .kc_uid = 65534, .kc_gid = 65534 };
	struct if_groupreq req;
	struct ifnet *a, *b;
	struct list li;

	a = test_must_attach(vn, "x", 0);
	b = test_must_attach(vn, "x", 1);
	KASSERT(members(vn, "edge", 64, 0, &li) == ENOENT);
	KASSERT(vn->vn_if->ifv_groups.kh_count == 0);
	KASSERT(add(vn, "x1", "edge") == 0);
	KASSERT(add(vn, "x0", "edge") == 0);
	KASSERT(add(vn, "x0", "edge") == EEXIST);
	KASSERT(add(vn, "x0", "all") == EEXIST);
	KASSERT(add(vn, "x0", "edge7") == EINVAL);
	KASSERT(add(vn, "x0", "") == EINVAL);
	KASSERT(add(vn, "x0", "a b") == EINVAL);
	KASSERT(add(vn, "x0", "abcdefghijklmnop") == EINVAL);
	KASSERT(add(vn, "x9", "edge") == ENXIO);
	KASSERT(add(vn, "x0", "core") == 0);
	memset(&req, 0, sizeof(req));
	(void)strcpy(req.ifgr_name, "x0");
	(void)strcpy(req.ifgr_group, "mine");
	KASSERT(ifioctl(vn, &nobody, SIOCAIFGROUP, &req, sizeof(req)) ==
	    EPERM);

	/* In the order of their indices. */
	KASSERT(members(vn, "edge", 64, 0, &li) == 0);
	KASSERT(li.req.ifgr_count == 2 && li.req.ifgr_next == 0);
	KASSERT(strcmp(li.names[0], "x0") == 0);
	KASSERT(strcmp(li.names[1], "x1") == 0);
	KASSERT(members(vn, "all", 64, 0, &li) == 0);
	KASSERT(li.req.ifgr_count == 2);

	memset(&li, 0, sizeof(li));
	(void)strcpy(li.req.ifgr_name, "x0");
	li.req.ifgr_count = 64;
	KASSERT(ifioctl(vn, &nobody, SIOCGIFGROUP, &li, sizeof(li)) == 0);
	KASSERT(li.req.ifgr_count == 3 && li.req.ifgr_next == 1);
	KASSERT(strcmp(li.names[0], "all") == 0);

	KASSERT(leave(vn, "x0", "all") == EBUSY);
	KASSERT(leave(vn, "x1", "core") == ENOENT);
	KASSERT(leave(vn, "x0", "edge") == 0);
	KASSERT(leave(vn, "x0", "edge") == ENOENT);
	/* The last one goes, and with it the group. */
	test_detach(b);
	KASSERT(members(vn, "edge", 64, 0, &li) == ENOENT);
	test_detach(a);
	KASSERT(members(vn, "core", 64, 0, &li) == ENOENT);
	KASSERT(members(vn, "all", 64, 0, &li) == 0);
	KASSERT(li.req.ifgr_count == 0);
}

/* More than there is room for: page by page, none twice, none missing. */
static void
pages_body(struct vnet *vn)
{
	static const char *const groups[] = { "all", "odd", "tst" };
	char name[IFNAMSIZ];
	struct list li;
	unsigned n, last, index;
	uint32_t next;

	for (unsigned i = 0; i < 50; i++) {
		(void)strcpy(name, "tst");
		KASSERT(if_clone_create(vn, name, "") == 0);
		if (i % 2 != 0)
			KASSERT(add(vn, name, "odd") == 0);
	}
	for (unsigned g = 0; g < 3; g++) {
		n = 0;
		last = 0;
		next = 0;
		do {
			KASSERT(members(vn, groups[g], 7, next, &li) == 0);
			for (int i = 0; i < li.req.ifgr_count; i++) {
				KASSERT(sscanf(li.names[i], "tst%u", &index) ==
				    1);
				KASSERT(n == 0 || index > last);
				last = index;
				n++;
			}
			next = li.req.ifgr_next;
			KASSERT(next == 0 || li.req.ifgr_count == 7);
		} while (next != 0);
		KASSERT(n == (g == 1 ? 25 : 50));
	}
	/* The room that a request speaks of has to be there. */
	KASSERT(members(vn, "all", 65, 0, &li) == EINVAL);
	KASSERT(members(vn, "all", -1, 0, &li) == EINVAL);
	KASSERT(leave(vn, "tst3", "tst") == EBUSY);
	if_clone_purge(vn, NULL);
	KASSERT(members(vn, "odd", 7, 0, &li) == ENOENT);
	KASSERT(vn->vn_if->ifv_groups.kh_count == 0);
}

/* An interface that is put into the group of a kind stands beside that
 * kind's. */
static void
kind_body(struct vnet *vn)
{
	char name[IFNAMSIZ] = "tst0";
	struct ifnet *ifp;
	struct list li;

	KASSERT(if_clone_create(vn, name, "") == 0);
	ifp = test_must_attach(vn, "x", 0);
	KASSERT(add(vn, "x0", "tst") == 0);
	KASSERT(members(vn, "tst", 64, 0, &li) == 0);
	KASSERT(li.req.ifgr_count == 2);
	KASSERT(strcmp(li.names[0], "tst0") == 0);
	KASSERT(strcmp(li.names[1], "x0") == 0);
	KASSERT(leave(vn, "x0", "tst") == 0);
	KASSERT(members(vn, "tst", 64, 0, &li) == 0);
	KASSERT(li.req.ifgr_count == 1);
	if_clone_purge(vn, NULL);
	test_detach(ifp);
}

/* Members that come in any order are listed in the order of their indices, also
 * page by page while others come and go. */
static void
order_body(struct vnet *vn)
{
	enum { N = 101 };
	char name[IFNAMSIZ];
	unsigned n, last, index, step;
	struct list li;
	uint32_t next;

	for (unsigned i = 0; i < N; i++) {
		(void)strcpy(name, "tst");
		KASSERT(if_clone_create(vn, name, "") == 0);
	}
	/* Upwards, downwards, and in two disorders. */
	for (unsigned round = 0; round < 4; round++) {
		step = round == 0 ? 1 : round == 1 ? N - 1 : round == 2 ? 37 :
		    64;
		for (unsigned i = 0; i < N; i++) {
			(void)snprintf(name, sizeof(name), "tst%u",
			    (i + 1) * step % N);
			KASSERT(add(vn, name, "odd") == 0);
		}
		n = last = 0;
		next = 0;
		do {
			KASSERT(members(vn, "odd", 7, next, &li) == 0);
			for (int i = 0; i < li.req.ifgr_count; i++, n++) {
				KASSERT(sscanf(li.names[i], "tst%u", &index) ==
				    1);
				KASSERT(n == 0 || index > last);
				last = index;
			}
			next = li.req.ifgr_next;
			if (n == 7) {	/* already listed, and again last */
				KASSERT(leave(vn, "tst0", "odd") == 0);
				KASSERT(leave(vn, "tst50", "odd") == 0);
				KASSERT(add(vn, "tst50", "odd") == 0);
				KASSERT(add(vn, "tst0", "odd") == 0);
			}
		} while (next != 0);
		KASSERT(n == N);
		for (unsigned i = 0; i < N; i++) {
			(void)snprintf(name, sizeof(name), "tst%u", i);
			KASSERT(leave(vn, name, "odd") == 0);
		}
		KASSERT(members(vn, "odd", 7, 0, &li) == ENOENT);
	}
	if_clone_purge(vn, NULL);
}

static void
test_order(void **state)
{

	(void)state;
	if_on_sim(1, order_body);
}

static void
test_kind(void **state)
{

	(void)state;
	if_on_sim(1, kind_body);
}

static void
test_simple(void **state)
{

	(void)state;
	if_on_sim(1, simple_body);
}

static void
test_pages(void **state)
{

	(void)state;
	if_on_sim(1, pages_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
