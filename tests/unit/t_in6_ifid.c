/*
 * Identifiers of addresses that the stack makes by itself: from the link-level
 * address, and stable ones that tell nothing.
 */

#include "in6_test.h"
#include "sysctl_test.h"

#include "netinet6/in6_impl.h"	/* under test */

#define STABLE	"net.inet6.ip6.stableaddr"
#define SECRET	"net.inet6.ip6.stablesecret"

static uint64_t
id_of(struct ifnet *ifp, const char *prefix, const struct ifnet *zone,
    unsigned dad_counter)
{
	const union neigh_addr na = inner6(prefix, zone);
	uint64_t id;

	KASSERT(in6_ifid(ifp, &na, dad_counter, (uint8_t *)&id));
	return id;
}

static void
ids_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp, *b = it->it_b.tif_ifp;
	const union neigh_addr na = inner6(NET_A, NULL);
	uint64_t first, word = a->if_lladdr;
	uint8_t id[8];

	/* RFC 4291 appendix A. */
	KASSERT(in6_ifid(a, &na, 0, id));
	KASSERT(id[0] == (((uint8_t *)&word)[0] ^ 2) && id[3] == 0xff &&
	    id[4] == 0xfe && memcmp(id + 5, (uint8_t *)&word + 3, 3) == 0);
	KASSERT(!in6_ifid(a, &na, 1, id));	/* there is no other one */
	KASSERT(!in6_ifid(it->it_lo, &na, 0, id));

	KASSERT(set_sysctl(it, STABLE, 1) == 0);
	first = id_of(a, NET_A, NULL, 0);
	KASSERT(first == id_of(a, NET_A, NULL, 0));
	KASSERT(first != id_of(a, NET_A, NULL, 1));
	KASSERT(first != id_of(a, NET_B, NULL, 0));
	KASSERT(first != id_of(b, NET_A, NULL, 0));
	KASSERT(memcmp(&first, id, 8) != 0);
	KASSERT(!in6_ifid(it->it_lo, &na, 0, id));
	/* Bits of the prefix behind its 64 do not matter, nor does the index of
	 * the interface. */
	KASSERT(id_of(a, NET_A "77", NULL, 0) == first);
	KASSERT(id_of(a, "fe80::", a, 0) == id_of(a, "fe80::", b, 0));

	/* A secret that was set makes the same ones again. */
	KASSERT(set_sysctl(it, SECRET, 4711) == 0);
	KASSERT(test_sysctl(it->it_vn, SECRET) == 4711);
	first = id_of(a, NET_A, NULL, 0);
	KASSERT(set_sysctl(it, SECRET, 0) == 0);
	KASSERT(id_of(a, NET_A, NULL, 0) != first);
	KASSERT(set_sysctl(it, SECRET, 4711) == 0);
	KASSERT(id_of(a, NET_A, NULL, 0) == first);
	KASSERT(set_sysctl(it, SECRET, -1) == EINVAL);
}
IN6_TEST(ids, 1)

static void
secret_body(struct in_test *it)
{
	const struct kauth_cred user = { .kc_uid = 4242, .kc_gid = 4242 };
	uint64_t v = 1;

	KASSERT(set_sysctl(it, SECRET, 4711) == 0);
	KASSERT(test_sysctl_get_as(it->it_vn, &user, SECRET, &v) == 0 &&
	    v == 0);
	KASSERT(test_sysctl_set_as(it->it_vn, &user, SECRET, 1) == EPERM);
}
IN6_TEST(secret, 1)

static void
reserved_body(struct in_test *it)
{
	static const struct {
		uint64_t	 id;
		bool		 reserved;
	} cases[] = {
		{ 0, true }, { 1, false },
		{ UINT64_C(0xfdffffffffffff7f), false },
		{ UINT64_C(0xfdffffffffffff80), true },
		{ UINT64_C(0xfdffffffffffffff), true },
		{ UINT64_C(0xfe00000000000000), false },
		{ UINT64_C(0x02005efffdffffff), false },
		{ UINT64_C(0x02005efffe000000), true },
		{ UINT64_C(0x02005efffeffffff), true },
		{ UINT64_C(0x02005effff000000), false },
	};
	uint64_t id;

	(void)it;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		id = htobe64(cases[i].id);
		KASSERT(in6_ifid_is_reserved((const uint8_t *)&id) ==
		    cases[i].reserved);
	}
}
IN6_TEST(reserved, 1)

/* The link-local address that comes with the first one. */
static void
linklocal_body(struct in_test *it)
{
	struct ifnet *a = it->it_a.tif_ifp;
	char text[INET6_ADDRSTRLEN];
	union neigh_addr na;
	struct in6_ifreq ifr;

	(void)snprintf(text, sizeof(text), "%s", linklocal6(a));
	KASSERT(strstr(text, "ff:fe") != NULL);
	KASSERT(set_sysctl(it, STABLE, 1) == 0);
	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr6_name, a->if_xname, IFNAMSIZ);
	ifr.ifr6_addr.sin6_family = AF_INET6;
	KASSERT(inet_pton(AF_INET6, text, &ifr.ifr6_addr.sin6_addr) == 1);
	KASSERT(ifioctl(it->it_vn, &kauth_cred_self, SIOCDIFADDR_IN6, &ifr,
	    sizeof(ifr)) == 0);
	KASSERT(add6(it, a, "2001:db8:77::1", 64) == 0);
	na = inner6("fe80::", a);
	KASSERT(in6_ifid(a, &na, 0, na.na_bytes + 8));
	zone6_leave(na.na_bytes);
	KASSERT(ip6_is(na.na_bytes, linklocal6(a)));
	KASSERT(strstr(linklocal6(a), "ff:fe") == NULL);
}
IN6_TEST(linklocal, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids),
		cmocka_unit_test(secret),
		cmocka_unit_test(reserved),
		cmocka_unit_test(linklocal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
