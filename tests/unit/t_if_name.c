/*
 * Names: what is one, how it splits, and lookups by name and by digits.
 */

#include "if_test.h"
#include "net/if_name_impl.h"	/* under test */

static void
test_valid(void **state)
{

	(void)state;
	assert_true(if_name_valid("tap0"));
	assert_true(if_name_valid("l2tp0"));
	assert_true(if_name_valid("a-b_c.d1"));
	assert_true(if_name_valid("abcdefghijklmno"));
	assert_false(if_name_valid("abcdefghijklmnop"));
	assert_false(if_name_valid(""));
	assert_false(if_name_valid("123"));
	assert_false(if_name_valid("a b"));
	assert_false(if_name_valid("a/b"));
	assert_false(if_name_valid("t\xc3\xa4p0"));
}

static void
test_split(void **state)
{
	static const struct {
		const char *name;
		int error;
		unsigned unit;
		size_t base;
	} rows[] = {
		{ "tap3", 0, 3, 3 },
		{ "tap0", 0, 0, 3 },
		{ "l2tp10", 0, 10, 4 },
		{ "x2147483647", 0, 2147483647, 1 },
		{ "x2147483648", EINVAL, 0, 0 },
		{ "x99999999999999", EINVAL, 0, 0 },
		{ "tap007", EINVAL, 0, 0 },
		{ "tap00", EINVAL, 0, 0 },
		{ "tap", EINVAL, 0, 0 },
		{ "7", EINVAL, 0, 0 },
		{ "", EINVAL, 0, 0 },
		{ "tap3x", EINVAL, 0, 0 },
		{ "abcdefghijklmno7", EINVAL, 0, 0 },
	};
	unsigned unit;
	size_t base;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(if_name_split(rows[i].name, &unit, &base),
		    rows[i].error);
		if (rows[i].error != 0)
			continue;
		assert_int_equal(unit, rows[i].unit);
		assert_int_equal(base, rows[i].base);
	}
}

static void
test_number(void **state)
{
	unsigned n;

	(void)state;
	assert_true(if_name_number("16777215", &n));
	assert_int_equal(n, 16777215);
	assert_false(if_name_number("16777216", &n));
	/* 2^32 + 1 is not 1. */
	assert_false(if_name_number("4294967297", &n));
	assert_false(if_name_number("18446744073709551617", &n));
	assert_false(if_name_number("", &n));
	assert_false(if_name_number("1x", &n));
}

static void
lookup_body(struct vnet *vn)
{
	struct ifnet *ifp[200];
	struct psref pr, pr2;
	char name[IFNAMSIZ];

	for (unsigned i = 0; i < 200; i++)
		ifp[i] = test_must_attach(vn, "look", i);
	for (unsigned i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "look%u", i);
		KASSERT(if_get(vn, name, &pr) == ifp[i]);
		/* Another reference on one that is held. */
		if_acquire(ifp[i], &pr2);
		if_put(ifp[i], &pr);
		KASSERT(if_held(ifp[i]));
		if_put(ifp[i], &pr2);
		KASSERT(!if_held(ifp[i]));

		(void)snprintf(name, sizeof(name), "%u", ifp[i]->if_index);
		KASSERT(if_get(vn, name, &pr) == ifp[i]);
		KASSERT(if_held(ifp[i]));	/* by digits too */
		if_put(ifp[i], &pr);
	}
	KASSERT(if_get(vn, "look200", &pr) == NULL);
	KASSERT(if_get(vn, "", &pr) == NULL);
	KASSERT(if_get(vn, "0", &pr) == NULL);
	KASSERT(if_get(vn, "4294967297", &pr) == NULL);
	KASSERT(if_get(vn, "a name that is far too long", &pr) == NULL);
	KASSERT(if_get(vn, "99999999999999999999", &pr) == NULL);
	for (unsigned i = 0; i < 200; i++)
		test_detach(ifp[i]);
	KASSERT(if_get(vn, "look7", &pr) == NULL);
}

static void
test_lookup(void **state)
{

	(void)state;
	if_on_sim(1, lookup_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_lookup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
