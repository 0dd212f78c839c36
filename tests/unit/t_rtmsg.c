/*
 * Routing messages: what is built is accepted, whatever is cut or altered is
 * refused or harmless, and nothing outside the message is read (which the
 * sanitizer watches: each one sits in a block of exactly its size).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include <ifnet/rtmsg.h>

#include "addr_test.h"

static const uint8_t all_types[] = {
	RTM_ADD, RTM_DELETE, RTM_CHANGE, RTM_GET, RTM_MISS, RTM_LLINFO_UPD,
	RTM_IFINFO, RTM_IFANNOUNCE, RTM_NEWADDR, RTM_DELADDR, RTM_CHGADDR,
	RTM_OVERRUN, RTM_SNAPSHOT_END
};

union msgbuf {
	struct rt_hdr	 mb_hdr;
	uint8_t		 mb_room[RT_MSG_MAX];
};

static void
start(union msgbuf *mb, uint8_t type)
{

	memset(mb, 0, sizeof(*mb));
	mb->mb_hdr.rtm_len = (uint32_t)rt_msg_headsize(type);
	mb->mb_hdr.rtm_version = RTM_VERSION;
	mb->mb_hdr.rtm_type = type;
}

static void
add_all(union msgbuf *mb)
{
	union test_addr a = test_addr("10.0.0.1"), other = test_addr("::");
	struct sockaddr_dl sdl = { .sdl_family = AF_LINK, .sdl_alen = 6 };

	assert_true(rt_msg_add(mb, RTA_DST, &a.sa));
	assert_true(rt_msg_add(mb, RTA_GATEWAY, (struct sockaddr *)&sdl));
	assert_true(rt_msg_add(mb, RTA_NETMASK, &other.sa));
	assert_true(rt_msg_add(mb, RTA_IFA, &a.sa));
}

/* Check a copy in a block of its own. */
static int
check_copy(const void *msg, size_t len)
{
	const struct sockaddr *sa[RTAX_MAX];
	uint8_t *copy;
	int error;

	copy = malloc(len != 0 ? len : 1);
	assert_non_null(copy);
	memcpy(copy, msg, len);
	error = rt_msg_check(copy, len, sa);
	for (unsigned i = 0; i < RTAX_MAX; i++) {
		if (sa[i] == NULL)
			continue;
		assert_int_equal(error, 0);
		/* Every byte of it can be read. */
		assert_true((const uint8_t *)sa[i] +
		    rt_sa_size(sa[i]->sa_family) <= copy + len);
	}
	free(copy);
	return error;
}

static void
test_accepted(void **state)
{
	const struct sockaddr *sa[RTAX_MAX];
	union msgbuf mb;

	(void)state;
	for (size_t i = 0; i < sizeof(all_types); i++) {
		start(&mb, all_types[i]);
		assert_int_equal(check_copy(&mb, mb.mb_hdr.rtm_len), 0);
		add_all(&mb);
		assert_int_equal(check_copy(&mb, mb.mb_hdr.rtm_len), 0);
		assert_int_equal(rt_msg_check(&mb, mb.mb_hdr.rtm_len, sa), 0);
		assert_non_null(sa[0]);
		assert_true(test_addr_is(sa[0], "10.0.0.1"));
		assert_int_equal(sa[1]->sa_family, AF_LINK);
		assert_true(test_addr_is(sa[2], "::"));
		assert_null(sa[3]);
		assert_null(sa[4]);
		assert_true(test_addr_is(sa[5], "10.0.0.1"));
	}
}

/* Every shorter length, with the length field told and not told. */
static void
test_truncated(void **state)
{
	union msgbuf mb;
	uint32_t full;

	(void)state;
	for (size_t i = 0; i < sizeof(all_types); i++) {
		start(&mb, all_types[i]);
		add_all(&mb);
		full = mb.mb_hdr.rtm_len;
		for (uint32_t len = 0; len < full; len++) {
			mb.mb_hdr.rtm_len = full;
			assert_int_equal(check_copy(&mb, len), EINVAL);
			mb.mb_hdr.rtm_len = len;
			assert_int_equal(check_copy(&mb, len), EINVAL);
		}
		mb.mb_hdr.rtm_len = full + 8;
		assert_int_equal(check_copy(&mb, full + 8), EINVAL);
	}
}

static void
test_refused(void **state)
{
	struct rt_msg *rtm;
	struct sockaddr_dl sdl = { .sdl_family = AF_LINK, .sdl_alen = 33 };
	union msgbuf mb;
	const struct sockaddr *sa[RTAX_MAX];

	(void)state;
	start(&mb, RTM_ADD);
	rtm = (struct rt_msg *)&mb;
	mb.mb_hdr.rtm_version++;
	assert_int_equal(check_copy(&mb, sizeof(*rtm)), EINVAL);
	mb.mb_hdr.rtm_version--;
	mb.mb_hdr.rtm_type = 0x7f;
	assert_int_equal(check_copy(&mb, sizeof(*rtm)), EINVAL);
	mb.mb_hdr.rtm_type = RTM_ADD;
	mb.mb_hdr.rtm_addrs = 0x08;	/* no such address */
	assert_int_equal(check_copy(&mb, sizeof(*rtm)), EINVAL);
	mb.mb_hdr.rtm_addrs = RTA_DST;	/* promised, and not there */
	assert_int_equal(check_copy(&mb, sizeof(*rtm)), EINVAL);
	mb.mb_hdr.rtm_addrs = 0;
	memset(rtm->rtm_ifname, 'x', IFNAMSIZ);
	assert_int_equal(check_copy(&mb, sizeof(*rtm)), EINVAL);
	memset(rtm->rtm_ifname, 0, IFNAMSIZ);
	assert_int_equal(rt_msg_check(mb.mb_room + 1, sizeof(*rtm), sa),
	    EINVAL);

	assert_true(rt_msg_add(&mb, RTA_DST, (struct sockaddr *)&sdl));
	assert_int_equal(check_copy(&mb, mb.mb_hdr.rtm_len), EINVAL);
	memset(mb.mb_room + sizeof(*rtm), 0x55, 2);	/* unknown family */
	assert_int_equal(check_copy(&mb, mb.mb_hdr.rtm_len), EAFNOSUPPORT);
}

/* Any bytes at all. */
static void
test_random(void **state)
{
	union msgbuf mb;
	uint32_t x = 12345, len;
	unsigned accepted = 0;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		start(&mb, all_types[round % sizeof(all_types)]);
		add_all(&mb);
		len = mb.mb_hdr.rtm_len;
		for (unsigned i = 0; i < 3; i++) {
			x = x * 1664525 + 1013904223;
			mb.mb_room[(x >> 8) % len] = (uint8_t)(x >> 24);
		}
		if (check_copy(&mb, len) == 0)
			accepted++;
	}
	assert_true(accepted > 0 && accepted < 200000);
}

static void
test_add(void **state)
{
	union test_addr a = test_addr("0.0.0.0");
	struct sockaddr unknown = { .sa_family = 0x55 };
	union msgbuf mb;
	uint32_t len;

	(void)state;
	start(&mb, RTM_ADD);
	assert_true(rt_msg_add(&mb, RTA_NETMASK, &a.sa));
	len = mb.mb_hdr.rtm_len;
	/* neither again, nor out of order, nor two, nor unknown */
	assert_false(rt_msg_add(&mb, RTA_NETMASK, &a.sa));
	assert_false(rt_msg_add(&mb, RTA_DST, &a.sa));
	assert_false(rt_msg_add(&mb, RTA_IFA | RTA_BRD, &a.sa));
	assert_false(rt_msg_add(&mb, 0x40, &a.sa));
	assert_false(rt_msg_add(&mb, RTA_IFA, &unknown));
	mb.mb_hdr.rtm_len = RT_MSG_MAX - 15;
	assert_false(rt_msg_add(&mb, RTA_IFA, &a.sa));
	mb.mb_hdr.rtm_len = len;
	assert_int_equal(mb.mb_hdr.rtm_addrs, RTA_NETMASK);
	assert_true(rt_msg_add(&mb, RTA_IFA, &a.sa));
}

/* Every byte of one counts: cut short, or with one length wrong. */
static void
test_detail(void **state)
{
	union {
		struct if_detail_msg m;
		uint8_t	 b[RT_MSG_MAX];
	} u, bad;
	struct if_detail id;
	size_t len = sizeof(u.m) + 16 + 8 + 2 * IFNAMSIZ +
	    sizeof(struct if_detail_drop);

	(void)state;
	memset(&u, 0, sizeof(u));
	u.m.ifdm_h.rtm_len = (uint32_t)len;
	u.m.ifdm_h.rtm_version = RTM_VERSION;
	u.m.ifdm_h.rtm_type = RTM_IFDETAIL;
	strcpy(u.m.ifdm_name, "tap0");
	u.m.ifdm_descrlen = 9;
	u.m.ifdm_linkstrlen = 8;
	u.m.ifdm_ngroups = 2;
	u.m.ifdm_ndefault = 1;
	u.m.ifdm_ndrops = 1;
	memcpy(u.b + sizeof(u.m), "something\0\0\0\0\0\0\0linklink", 24);
	strcpy((char *)u.b + sizeof(u.m) + 24, "all");
	strcpy((char *)u.b + sizeof(u.m) + 24 + IFNAMSIZ, "mine");
	assert_int_equal(rt_detail_check(&u, len, &id), 0);
	assert_memory_equal(id.id_descr, "something", 9);
	assert_memory_equal(id.id_linkstr, "linklink", 8);
	assert_string_equal(id.id_groups[1], "mine");
	assert_int_equal(id.id_drops[0].ifdd_count, 0);
	for (size_t i = 0; i < len; i++) {
		bad = u;
		bad.m.ifdm_h.rtm_len = (uint32_t)i;
		assert_int_equal(rt_detail_check(&bad, i, &id), EINVAL);
	}
	bad = u;
	bad.m.ifdm_ngroups++;
	assert_int_equal(rt_detail_check(&bad, len, &id), EINVAL);
	bad = u;
	bad.m.ifdm_ndrops = UINT16_MAX;
	assert_int_equal(rt_detail_check(&bad, len, &id), EINVAL);
	bad = u;
	bad.m.ifdm_ndefault = 3;
	assert_int_equal(rt_detail_check(&bad, len, &id), EINVAL);
	bad = u;
	bad.m.ifdm_descrlen = IFDESCRSIZE + 1;
	assert_int_equal(rt_detail_check(&bad, len, &id), EINVAL);
	bad = u;
	memset(bad.b + sizeof(u.m) + 24, 'x', IFNAMSIZ);
	assert_int_equal(rt_detail_check(&bad, len, &id), EINVAL);
	/* a request it is not */
	assert_int_equal(rt_msg_headsize(RTM_IFDETAIL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_detail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
