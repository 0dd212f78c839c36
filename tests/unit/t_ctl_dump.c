/*
 * Dumps over a control session: everything there is, once and in order, in
 * pieces; while one is sent nothing is held, whatever kind it is of.
 */

#include "addr_test.h"
#include "ctl_test.h"

#include <errno.h>

#include <ifnet/rtmsg.h>

#define NIFS	250
#define NROUTES	1500
#define NNEIGH	2600

struct fixture {
	struct ifnet_stack *st;
	struct vnet	*vn;
	struct ctl_session *s;

	/* contents of the answers */
	unsigned	 pieces, ifs, details, addrs, routes, neighs;
	int		 error;
	uint32_t	 last;		/* index or address */
	uint64_t	 lastkey;	/* of a route */
	/* called when the first piece is sent */
	void		(*meanwhile)(struct fixture *);
};

/* The place of an address among those of its family. */
static uint32_t
rank(const struct sockaddr *sa)
{

	assert_non_null(sa);
	return test_addr_minus(sa, "0.0.0.0");
}

static void
take_route(struct fixture *f, const struct rt_msg *m,
    const struct sockaddr *const *sa)
{
	uint32_t mask = 0xffffffff;
	uint64_t key;

	if (m->rtm_flags & RTF_LLDATA) {
		assert_true(f->neighs == 0 || rank(sa[0]) > f->last);
		f->last = rank(sa[0]);
		f->neighs++;
		return;
	}
	if (sa[2] != NULL)
		mask = rank(sa[2]);
	key = (uint64_t)rank(sa[0]) << 32 | mask;
	assert_true(f->routes == 0 || key > f->lastkey);
	f->lastkey = key;
	f->routes++;
}

static void
take(struct fixture *f, const uint8_t *p, size_t len)
{
	const struct sockaddr *sa[RTAX_MAX];
	struct if_detail id;
	struct rt_hdr h;

	memcpy(&h, p, sizeof(h));
	if (h.rtm_type == RTM_IFDETAIL) {
		assert_int_equal(rt_detail_check(p, h.rtm_len, &id), 0);
		assert_int_equal(id.id_msg->ifdm_index, f->last);
		f->details++;
		return;
	}
	assert_int_equal(rt_msg_check(p, h.rtm_len, sa), 0);
	assert_true(h.rtm_len <= len);
	switch (h.rtm_type) {
	case RTM_IFINFO:
		assert_true(((const struct if_msg *)p)->ifm_index > f->last);
		f->last = ((const struct if_msg *)p)->ifm_index;
		f->ifs++;
		break;
	case RTM_NEWADDR:
		f->addrs++;
		break;
	default:
		take_route(f, (const struct rt_msg *)p, sa);
		break;
	}
}

static int
sink(void *arg, const void *msg, size_t len)
{
	void (*meanwhile)(struct fixture *);
	struct fixture *f = arg;
	const uint8_t *p = msg;
	struct rt_hdr h;
	struct ctl_hdr ch;

	memcpy(&ch, p, sizeof(ch));
	assert_true(len <= CTL_MSG_MAX);
	f->pieces++;
	f->error = ch.ch_error;
	if ((ch.ch_flags & CTL_TEXT) != 0)
		return 0;
	for (p += sizeof(ch), len -= sizeof(ch); len > 0;
	    p += (h.rtm_len + 7) & ~7u, len -= (h.rtm_len + 7) & ~7u) {
		memcpy(&h, p, sizeof(h));
		take(f, p, len);
	}
	meanwhile = f->meanwhile;
	f->meanwhile = NULL;
	if (meanwhile != NULL)
		meanwhile(f);
	return 0;
}

static void
nothing(void *arg)
{

	(void)arg;
}

static void
dump(struct fixture *f, unsigned what, const char *ifname)
{
	struct ctl_dump d = { .d_what = what };
	uint8_t msg[256];
	size_t len;

	f->pieces = f->ifs = f->details = f->addrs = 0;
	f->routes = f->neighs = f->last = 0;
	strcpy(d.d_ifname, ifname);
	len = build(msg, CTL_DUMP, "", &d, sizeof(d));
	assert_int_equal(ctl_dispatch(f->s, msg, len, -1), 0);
}

static void
command(struct fixture *f, const char *fmt, unsigned i, unsigned j)
{
	char line[128];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(line, sizeof(line), fmt, i, j);
#pragma GCC diagnostic pop
	test_command(f->vn, line);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ctl_sink cs = { sink, nothing, NULL, f };
	struct kauth_cred cred = { .kc_uid = 0 };

	assert_non_null(f);
	f->st = test_stack(1);
	f->vn = test_vnet(f->st, "default");
	assert_int_equal(ctl_session_create(f->st->st_kern, &cred, &cs,
	    &f->s), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ctl_session_destroy(f->s);
	ifnet_stack_destroy(f->st);
	free(f);
	return 0;
}

/* --- interfaces ---------------------------------------------------------- */

static void
half_go(struct fixture *f)
{

	for (unsigned i = 0; i < NIFS; i += 2)
		command(f, "ifconfig pair%u destroy", i, 0);
}

static void
test_interfaces(void **state)
{
	struct fixture *f = *state;
	unsigned before;

	for (unsigned i = 0; i < NIFS; i++)
		command(f, "ifconfig pair%u create", i, 0);
	command(f, "ifconfig pair7 descr \"the %u of %u\"", 7, NIFS);
	command(f, "ifconfig pair7 group some", 0, 0);
	dump(f, IFNET_LINK | IFNET_DETAIL, "");
	assert_int_equal(f->error, 0);
	assert_int_equal(f->ifs, NIFS + 1);
	assert_int_equal(f->details, NIFS + 1);
	assert_true(f->pieces > 1);
	/* One alone, and a group. */
	dump(f, IFNET_LINK | IFNET_DETAIL, "pair7");
	assert_int_equal(f->ifs + f->details, 2);
	dump(f, IFNET_LINK | CTL_DUMP_GROUP, "pair");
	assert_int_equal(f->ifs, NIFS);
	dump(f, IFNET_LINK | CTL_DUMP_GROUP, "some");
	assert_int_equal(f->ifs, 1);
	dump(f, IFNET_LINK | CTL_DUMP_GROUP, "none");
	assert_int_equal(f->error, ENOENT);
	dump(f, IFNET_LINK, "pair999");
	assert_int_equal(f->error, ENXIO);
	/* Half of them go while the first piece is being sent. */
	f->meanwhile = half_go;
	dump(f, IFNET_LINK, "");
	assert_int_equal(f->error, 0);
	before = f->ifs;
	assert_true(before > NIFS / 2 && before < NIFS + 1);
	dump(f, IFNET_LINK, "");
	assert_int_equal(f->ifs, NIFS / 2 + 1);
}

/* More groups than one message holds. */
static void
test_many_groups(void **state)
{
	struct fixture *f = *state;

	test_command(f->vn, "ifconfig pair0 create");
	for (unsigned i = 0; i < 400; i++)
		command(f, "ifconfig pair0 group g%u-%ux", i, i);
	dump(f, IFNET_LINK | IFNET_DETAIL, "pair0");
	assert_int_equal(f->ifs, 1);
	assert_true(f->details > 1);
}

/* --- routes and neighbours ----------------------------------------------- */

static void
routes_go(struct fixture *f)
{

	/* The ones that were shown, and the last. */
	for (unsigned i = 0; i < 10; i++)
		command(f, "route delete -net 30.%u.%u.0/24", i / 250,
		    i % 250);
	command(f, "route delete -net 30.%u.%u.0/24", (NROUTES - 1) / 250,
	    (NROUTES - 1) % 250);
}

static void
test_routes(void **state)
{
	struct fixture *f = *state;
	unsigned own;

	test_command(f->vn, "ifconfig pair0 create up");
	test_command(f->vn, "ifconfig pair0 inet 10.1.0.1/16");
	dump(f, IFNET_ROUTE, "");
	own = f->routes;
	for (unsigned i = 0; i < NROUTES; i++)
		command(f, "route add -net 30.%u.%u.0/24 10.1.0.2", i / 250,
		    i % 250);
	test_command(f->vn, "route add default 10.1.0.3");
	test_command(f->vn, "route add -net 30.0.0.0/8 10.1.0.4");
	dump(f, IFNET_ROUTE, "");
	assert_int_equal(f->error, 0);
	assert_int_equal(f->routes, NROUTES + 2 + own);
	assert_true(f->pieces > 1);
	dump(f, IFNET_ROUTE, "pair0");
	assert_in_range(f->routes, NROUTES + 2, NROUTES + 2 + own);
	dump(f, IFNET_ROUTE, "lo0");
	assert_true(f->routes <= own);
	/* Nothing is locked while a piece is sent. */
	f->meanwhile = routes_go;
	dump(f, IFNET_ROUTE, "");
	assert_int_equal(f->error, 0);
	assert_int_equal(f->routes, NROUTES + 2 + own - 1);
}

static void
interface_goes(struct fixture *f)
{

	test_command(f->vn, "ifconfig pair0 destroy");
}

static void
test_neighbours(void **state)
{
	struct fixture *f = *state;

	test_command(f->vn, "ifconfig pair0 create up");
	test_command(f->vn, "ifconfig pair0 inet 10.1.0.1/16");
	/* In another order than they are shown in. */
	for (unsigned i = NNEIGH; i > 0; i--)
		command(f, "arp -s 10.1.%u.%u 02:00:00:00:00:01",
		    i * 7 % NNEIGH / 250 + 1, i * 7 % NNEIGH % 250);
	dump(f, IFNET_NEIGH, "");
	assert_int_equal(f->error, 0);
	assert_int_equal(f->neighs, NNEIGH);
	assert_true(f->pieces > 1);
	dump(f, IFNET_NEIGH, "pair0");
	assert_int_equal(f->neighs, NNEIGH);
	/* Their interface goes while they are sent: that waits for nobody. */
	f->meanwhile = interface_goes;
	dump(f, IFNET_NEIGH, "pair0");
	assert_int_equal(f->error, 0);
	assert_true(f->neighs > 0 && f->neighs < NNEIGH);
}

/* --- the vnet goes ------------------------------------------------------- */

static void
vnet_goes(struct fixture *f)
{

	vnet_destroy(f->vn);
}

static void
test_vnet_goes(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < NIFS; i++)
		command(f, "ifconfig pair%u create", i, 0);
	f->meanwhile = vnet_goes;
	dump(f, IFNET_ALL, "");
	assert_int_equal(f->error, ENOENT);
	assert_int_equal(f->pieces, 2);
}

int
main(void)
{
#define T(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_interfaces), T(test_many_groups), T(test_routes),
		T(test_neighbours), T(test_vnet_goes),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
