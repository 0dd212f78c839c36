/*
 * Netmasks and lengths: every length, against a mask made bit by bit; masks
 * with holes.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proto/prefix.h"	/* under test */

static void
test_lengths(void **state)
{
	uint8_t bytes[16];
	uint32_t mask = 0;

	(void)state;
	for (unsigned len = 0; len <= 32; len++) {
		if (len > 0)
			mask |= 1u << (32 - len);
		assert_int_equal(prefix_mask(len), mask);
		assert_int_equal(prefix_len(mask), len);
	}
	memset(bytes, 0, sizeof(bytes));
	for (unsigned len = 0; len <= 128; len++) {
		if (len > 0)
			bytes[(len - 1) / 8] |=
			    (uint8_t)(0x80 >> (len - 1) % 8);
		assert_int_equal(prefix_len_bytes(bytes, 16), len);
	}
}

static void
test_holes(void **state)
{
	static const uint8_t first[4] = { 0, 255, 255, 255 };
	static const uint8_t middle[4] = { 255, 254, 128, 0 };
	static const uint8_t bit[4] = { 255, 253, 0, 0 };

	(void)state;
	assert_int_equal(prefix_len(1), -1);
	assert_int_equal(prefix_len(0x7fffffff), -1);
	assert_int_equal(prefix_len(0xff00ff00), -1);
	assert_int_equal(prefix_len_bytes(first, 4), -1);
	assert_int_equal(prefix_len_bytes(middle, 4), -1);
	assert_int_equal(prefix_len_bytes(bit, 4), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_holes),
	};

	return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
