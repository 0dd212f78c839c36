/*
 * The routing socket with IPv6: destinations, gateways and sources with zones,
 * which routes know within the address; what is refused, and that what is
 * described can be asked for again.
 */

#include "net_test.h"

#include <stdio.h>
#include <stdlib.h>

union msgbuf {
	struct rt_hdr	 mb_hdr;
	struct rt_msg	 mb_rtm;
	uint8_t		 mb_room[RT_MSG_MAX];
};

static struct etest nets[2];

/* "fe80::1%2": with the index of the zone. */
static union test_addr
zoned(const char *text)
{
	const char *zone = strchr(text, '%');
	char addr[INET6_ADDRSTRLEN];
	union test_addr a;

	if (zone == NULL)
		return test_addr(text);
	(void)snprintf(addr, sizeof(addr), "%.*s", (int)(zone - text), text);
	a = test_addr(addr);
	a.sin6.sin6_scope_id = (uint32_t)atoi(zone + 1);
	return a;
}

static void
put(union msgbuf *mb, unsigned bit, const char *text)
{
	const union test_addr a = zoned(text);

	KASSERT(rt_msg_add(mb, bit, &a.sa));
}

/* dst/len via gw with a source, NULL: not given; unit -1: no interface. */
static int
request(struct vnet *vn, uint8_t type, const char *dst, int len,
    const char *gw, int unit, const char *src, union msgbuf *ans)
{
	const union test_addr d = zoned(dst);
	union test_addr mask;
	union msgbuf mb;
	size_t n;

	memset(&mb, 0, sizeof(mb));
	mb.mb_hdr.rtm_len = sizeof(struct rt_msg);
	mb.mb_hdr.rtm_version = RTM_VERSION;
	mb.mb_hdr.rtm_type = type;
	if (unit >= 0)
		mb.mb_rtm.rtm_ifhandle = nets[unit].et_ifp->if_handle;
	put(&mb, RTA_DST, dst);
	if (gw != NULL)
		put(&mb, RTA_GATEWAY, gw);
	if (len >= 0) {
		mask = test_mask(&d.sa, (unsigned)len);
		KASSERT(rt_msg_add(&mb, RTA_NETMASK, &mask.sa));
	}
	if (src != NULL)
		put(&mb, RTA_IFA, src);
	return rtsock_request(vn, &kauth_cred_self, &mb, mb.mb_hdr.rtm_len,
	    ans, &n);
}

/* Is an address of a message this one, with its zone? */
static bool
has(const union msgbuf *mb, unsigned i, const char *text)
{
	const union test_addr a = zoned(text);
	const struct sockaddr *sa[RTAX_MAX];

	KASSERT(rt_msg_check(mb, mb->mb_hdr.rtm_len, sa) == 0);
	return sa[i] != NULL && sa[i]->sa_family == a.sa.sa_family &&
	    memcmp(sa[i], &a, test_addr_len(&a.sa)) == 0;
}

/* "fe80::1" with the zone of a unit. */
static const char *
on(const char *addr, unsigned unit)
{
	static char text[4][80];
	static unsigned turn;
	char *to = text[turn++ % 4];

	(void)snprintf(to, sizeof(text[0]), "%s%%%u", addr,
	    nets[unit].et_ifp->if_index);
	return to;
}

static void
attach(struct vnet *vn)
{

	dtest_attach(vn);
	for (unsigned i = 0; i < 2; i++)
		etest_attach(vn, &nets[i], i, &etest_ops, true);
}

static void
routes_body(struct vnet *vn)
{
	union msgbuf ans;

	attach(vn);
	/* Link-local networks of two interfaces are two routes. */
	for (unsigned i = 0; i < 2; i++) {
		KASSERT(request(vn, RTM_ADD, on("fe80::", i), 64, NULL,
		    (int)i, NULL, &ans) == 0);
		KASSERT(has(&ans, 0, on("fe80::", i)));
		KASSERT(has(&ans, 2, "ffff:ffff:ffff:ffff::"));
	}
	/* The gateway's zone says by which interface. */
	for (unsigned i = 0; i < 2; i++) {
		KASSERT(request(vn, RTM_ADD, i == 0 ? "2001:db8::" :
		    "2001:db8:1::", 48, on("fe80::1", i), -1, NULL, &ans) == 0);
		KASSERT(has(&ans, 1, on("fe80::1", i)));
		KASSERT(ans.mb_rtm.rtm_index == nets[i].et_ifp->if_index);
		KASSERT((ans.mb_rtm.rtm_flags & RTF_GATEWAY) != 0);
	}
	KASSERT(request(vn, RTM_GET, "2001:db8:1:2::3", -1, NULL, -1, NULL,
	    &ans) == 0);
	KASSERT(has(&ans, 0, "2001:db8:1::") &&
	    has(&ans, 1, on("fe80::1", 1)));
	KASSERT(request(vn, RTM_GET, on("fe80::77", 1), -1, NULL, -1, NULL,
	    &ans) == 0);
	KASSERT(has(&ans, 0, on("fe80::", 1)));
	/* Another gateway; one that the interface does not have. */
	KASSERT(request(vn, RTM_CHANGE, "2001:db8::", 48, on("fe80::2", 1),
	    -1, NULL, &ans) == 0);
	KASSERT(has(&ans, 1, on("fe80::2", 1)));
	KASSERT(request(vn, RTM_ADD, "2001:db8:2::", 48, on("fe80::2", 1), 0,
	    NULL, &ans) == ENETUNREACH);
	/* Only the one that is named by its gateway. */
	KASSERT(request(vn, RTM_DELETE, "2001:db8::", 48, on("fe80::2", 0),
	    -1, NULL, &ans) == ESRCH);
	KASSERT(request(vn, RTM_DELETE, "2001:db8::", 48, on("fe80::2", 1),
	    -1, NULL, &ans) == 0);
	KASSERT(request(vn, RTM_DELETE, "2001:db8:1::", 48, NULL, -1, NULL,
	    &ans) == 0);
	/* A host's, a default one, and one of all zones. */
	KASSERT(request(vn, RTM_ADD, "2001:db8::9", -1, on("fe80::1", 0), -1,
	    NULL, &ans) == 0);
	KASSERT((ans.mb_rtm.rtm_flags & RTF_HOST) != 0);
	KASSERT(request(vn, RTM_DELETE, "2001:db8::9", -1, NULL, -1, NULL,
	    &ans) == 0);
	KASSERT(request(vn, RTM_ADD, "::", 0, on("fe80::1", 0), -1, NULL,
	    &ans) == 0 && has(&ans, 2, "::"));
	KASSERT(request(vn, RTM_DELETE, "::", 0, NULL, -1, NULL, &ans) == 0);
	KASSERT(request(vn, RTM_ADD, "fe80::", 10, NULL, 0, NULL, &ans) == 0);
	KASSERT(has(&ans, 0, "fe80::") && has(&ans, 2, "ffc0::"));
	KASSERT(request(vn, RTM_DELETE, "fe80::", 10, NULL, -1, NULL, &ans) ==
	    0);
	for (unsigned i = 0; i < 2; i++)
		KASSERT(request(vn, RTM_DELETE, on("fe80::", i), 64, NULL, -1,
		    NULL, &ans) == 0);
	KASSERT(test_route_count(vn) == 0);
	for (unsigned i = 0; i < 2; i++)
		etest_detach(&nets[i]);
}

static void
test_routes(void **state)
{

	(void)state;
	net_on_sim(1, routes_body);
}

/* Each refused, for this reason. */
static void
refused_body(struct vnet *vn)
{
	static const struct {
		const char	*dst;
		int		 len;
		const char	*gw, *src;
		int		 error;
	} no[] = {
		{ "fe80::", 64, NULL, NULL, EINVAL },
		{ "fe80::%99", 64, NULL, NULL, ENXIO },
		{ "fe80::%1", 63, NULL, NULL, EINVAL },
		{ "fe80::%1", 32, NULL, NULL, EINVAL },
		{ "fe80::%1", 10, NULL, NULL, EINVAL },
		{ "fe80:0:1::%1", 64, NULL, NULL, EINVAL },
		{ "2001:db8::%1", 32, NULL, NULL, EINVAL },
		{ "ff02::1", -1, NULL, NULL, EINVAL },
		{ "2001:db8::", 32, "fe80::1", NULL, EINVAL },
		{ "2001:db8::", 32, "fe80::1%99", NULL, ENXIO },
		{ "2001:db8::", 32, "fe80:0:0:1::1%1", NULL, EINVAL },
		{ "2001:db8::", 32, "2001:db9::1%1", NULL, EINVAL },
		{ "2001:db8::", 32, "10.0.0.1", NULL, EAFNOSUPPORT },
		{ "10.0.0.0", 8, "2001:db8::1", NULL, EAFNOSUPPORT },
		{ "2001:db8::", 32, NULL, "fe80::1", EINVAL },
		{ "2001:db8::", 32, NULL, "10.0.0.1", EADDRNOTAVAIL },
		{ "2001:db8::", 32, NULL, "2001:db8::1", EADDRNOTAVAIL },
	};
	union test_addr mask;
	union msgbuf ans, mb;
	size_t n;

	attach(vn);
	for (unsigned i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		KASSERT(request(vn, RTM_ADD, no[i].dst, no[i].len, no[i].gw, 0,
		    no[i].src, &ans) == no[i].error);
	/* A netmask with holes, and one of the other family. */
	for (unsigned i = 0; i < 2; i++) {
		memset(&mb, 0, sizeof(mb));
		mb.mb_hdr.rtm_len = sizeof(struct rt_msg);
		mb.mb_hdr.rtm_version = RTM_VERSION;
		mb.mb_hdr.rtm_type = RTM_ADD;
		put(&mb, RTA_DST, "2001:db8::");
		mask = test_addr(i == 0 ? "ffff:0:ffff::" : "255.255.0.0");
		KASSERT(rt_msg_add(&mb, RTA_NETMASK, &mask.sa));
		KASSERT(rtsock_request(vn, &kauth_cred_self, &mb,
		    mb.mb_hdr.rtm_len, &ans, &n) == (i == 0 ? EINVAL :
		    EAFNOSUPPORT));
	}
	KASSERT(test_route_count(vn) == 0);
	for (unsigned i = 0; i < 2; i++)
		etest_detach(&nets[i]);
}

static void
test_refused(void **state)
{

	(void)state;
	net_on_sim(1, refused_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
