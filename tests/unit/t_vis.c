/*
 * Text made fit to be shown.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

/* The module itself: nothing public shows it alone. */
#include "kern/vis.h"	/* under test */

static void
check(const char *in, const char *want)
{
	char out[256];

	assert_string_equal(vis_text(out, sizeof(out), in, strlen(in)), want);
}

static void
test_text(void **state)
{

	(void)state;
	check("", "");
	check("plain text", "plain text");
	check("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xb3",
	    "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xb3");
	check("a\nb\tc\rd", "a\\nb\\tc\\rd");
	check("\033[31mred", "\\e[31mred");
	check("back\\slash", "back\\\\slash");
	check("\x01\x7f", "\\x01\\x7f");
	/* C1 controls, as a character and as a bare byte. */
	check("\xc2\x9b" "31m", "\\xc2\\x9b31m");
	check("\x9b" "31m", "\\x9b31m");
	/* No UTF-8: cut short, too long a form, a surrogate, past the end. */
	check("\xc3", "\\xc3");
	check("\xc0\xaf", "\\xc0\\xaf");
	check("\xed\xa0\x80", "\\xed\\xa0\\x80");
	check("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	/* Turns the writing around; ends a line. */
	check("a\xe2\x80\xae" "b", "a\\xe2\\x80\\xaeb");
	check("a\xe2\x80\xa8" "b", "a\\xe2\\x80\\xa8b");
	check("\xd8\x9c", "\\xd8\\x9c");
	/* Cannot be seen. */
	check("\xe2\x81\xa0", "\\xe2\\x81\\xa0");
	check("\xef\xbf\xb9", "\\xef\\xbf\\xb9");
	check("\xf3\xa0\x80\xa1", "\\xf3\\xa0\\x80\\xa1");
}

static void
test_bounds(void **state)
{
	char out[VIS_SIZE(4)], byte[4];

	(void)state;
	/* Every byte, in the room that is promised to be enough. */
	for (int c = 0; c < 256; c++) {
		memset(byte, c, sizeof(byte));
		(void)vis_text(out, sizeof(out), byte, sizeof(byte));
		for (const char *p = out; *p != '\0'; p++)
			assert_true((*p >= ' ' && *p != 0x7f) || *p < 0);
		assert_true(strlen(out) >= sizeof(byte));
	}
	/* Cut between escapes, and always ended. */
	for (size_t size = 1; size <= sizeof(out); size++) {
		memset(out, 'x', sizeof(out));
		(void)vis_text(out, size, "\n\n\n\n", 4);
		assert_int_equal(strlen(out), size > 9 ? 8 :
		    (size - 1) / 2 * 2);
	}
	assert_string_equal(vis_line(out, sizeof(out), "a\\b\n", 4),
	    "a\\b\\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
