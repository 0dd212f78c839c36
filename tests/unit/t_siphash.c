/*
 * SipHash: the published values, and every bit matters.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "kern/siphash.h"	/* under test */

static const struct siphash_key key = { {
	UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)
} };

static void
published(void **state)
{
	static const uint64_t word[2] = {
		UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)
	};

	(void)state;
	assert_true(siphash(&key, word, 0) == UINT64_C(0x726fdb47dd0e0e31));
	assert_true(siphash(&key, word, 1) == UINT64_C(0x93f5f5799a932462));
	assert_true(siphash(&key, word, 2) == UINT64_C(0x3f2acc7f57c29bdb));
}

static void
bits(void **state)
{
	uint64_t word[3] = { 1, 2, 3 }, first = siphash(&key, word, 3), other;
	struct siphash_key k = key;

	(void)state;
	for (unsigned i = 0; i < 3 * 64; i++) {
		word[i / 64] ^= UINT64_C(1) << i % 64;
		other = siphash(&key, word, 3);
		assert_in_range(__builtin_popcountll(first ^ other), 10, 54);
		word[i / 64] ^= UINT64_C(1) << i % 64;
	}
	for (unsigned i = 0; i < 128; i++) {
		k.sk_word[i / 64] ^= UINT64_C(1) << i % 64;
		other = siphash(&k, word, 3);
		assert_in_range(__builtin_popcountll(first ^ other), 10, 54);
		k.sk_word[i / 64] ^= UINT64_C(1) << i % 64;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published),
		cmocka_unit_test(bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
