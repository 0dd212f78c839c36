/*
 * The lines that dump writes of IPv6: what tcpdump says of the same packets,
 * and nothing from beyond the captured bytes, wherever a packet is cut.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/command_impl.h"	/* under test */

/* Ethernet frames that scapy made, and the text behind the addresses. */
static const struct {
	const char	*hex, *text;
} rows[] = {
	{
	    "33330000000102000000000186dd6000000000103a4020010db8000000000000"
	    "00000000000120010db80000000000000000000000028000424e000700097878"
	    "787878787878",
	    "2001:db8::1 > 2001:db8::2: ICMPv6 echo request id 7 seq 9"
	},
	{
	    "33330000000102000000000186dd6000000000383a4020010db8000000000000"
	    "00000000000120010db8000000000000000000000002010331e6000000006000"
	    "00000008114020010db800000000000000000000000220010db8000000000000"
	    "000000000099000100020008a3ce",
	    "2001:db8::1 > 2001:db8::2: ICMPv6 unreachable address, to "
	    "2001:db8::99"
	},
	{
	    "33330000000102000000000186dd6000000000383a4020010db8000000000000"
	    "00000000000120010db800000000000000000000000202002b71000005786000"
	    "00000008114020010db800000000000000000000000220010db8000000000000"
	    "000000000099000100020008a3ce",
	    "2001:db8::1 > 2001:db8::2: ICMPv6 too big, mtu 1400, to "
	    "2001:db8::99"
	},
	{
	    "33330000000102000000000186dd6000000000383a4020010db8000000000000"
	    "00000000000120010db800000000000000000000000204012ee2000000066000"
	    "00000008114020010db800000000000000000000000220010db8000000000000"
	    "000000000099000100020008a3ce",
	    "2001:db8::1 > 2001:db8::2: ICMPv6 parameter problem code 1 at "
	    "6, to 2001:db8::99"
	},
	{
	    "33330000000102000000000186dd6000000000203afffe800000000000000000"
	    "000000000001ff0200000000000000000001ff00000287007a9700000000fe80"
	    "00000000000000000000000000020101020000000001",
	    "fe80::1 > ff02::1:ff00:2: ICMPv6 neighbour solicitation, who "
	    "has fe80::2, source link 02:00:00:00:00:01"
	},
	{
	    "33330000000102000000000186dd6000000000203afffe800000000000000000"
	    "000000000002fe80000000000000000000000000000188009819e0000000fe80"
	    "00000000000000000000000000020201020000000002",
	    "fe80::2 > fe80::1: ICMPv6 neighbour advertisement, fe80::2 is "
	    "here [RSO], target link 02:00:00:00:00:02"
	},
	{
	    "33330000000102000000000186dd6000000000603afffe800000000000000000"
	    "000000000001ff02000000000000000000000000000186003a0f00c807080000"
	    "000500000006030440c0ffffffff000000640000000020010db8000500000000"
	    "00000000000005010000000005c8180230180000003c20010db8000900001903"
	    "00000000001e20010db8000000000000000000000053",
	    "fe80::1 > ff02::1: ICMPv6 router advertisement hop limit 0 "
	    "[MO] high lifetime 1800s, reachable 5ms, retrans 6ms, prefix "
	    "2001:db8:5::/64 [LA] valid infinity preferred 100s, mtu 1480, "
	    "route 2001:db8:9::/48 low for 60s, rdnss 2001:db8::53 for 30s"
	},
	{
	    "33330000000102000000000186dd6000000000283afffe800000000000000000"
	    "000000000001fe80000000000000000000000000000289004d5200000000fe80"
	    "000000000000000000000000000320010db8000000000000000000000009",
	    "fe80::1 > fe80::2: ICMPv6 redirect, 2001:db8::9 by fe80::3"
	},
	{
	    "33330000000102000000000186dd6000000000580001fe800000000000000000"
	    "000000000001ff0200000000000000000000000000163a000502000001008f00"
	    "06920000000204000000ff020000000000000000000000000db801000002ff05"
	    "000000000000000000000000000220010db80000000000000000000000072001"
	    "0db8000000000000000000000008",
	    "fe80::1 > ff02::16: hop-by-hop (router alert), MLDv2 report "
	    "of 2, to_ex ff02::db8, is_in ff05::2 { 2001:db8::7 "
	    "2001:db8::8 }"
	},
	{
	    "33330000000102000000000186dd6000000000340001fe800000000000000000"
	    "000000000001ff0200000000000000000000000000013a000502000001008200"
	    "4ce503e80000ff050000000000000000000000000002027d000120010db80000"
	    "00000000000000000007",
	    "fe80::1 > ff02::1: hop-by-hop (router alert), MLD query for "
	    "ff05::2, max response 1000, robustness 2, interval 125 { "
	    "2001:db8::7 }"
	},
	{
	    "33330000000102000000000186dd6000000000202c4020010db8000000000000"
	    "00000000000120010db800000000000000000000000211000001000012340005"
	    "00350064000179797979797979797979797979797979",
	    "2001:db8::1 > 2001:db8::2: fragment 0x1234 at 0+, UDP 5 > 53"
	},
	{
	    "33330000000102000000000186dd6000000000182c4020010db8000000000000"
	    "00000000000120010db8000000000000000000000002110005a8000012347979"
	    "7979797979797979797979797979",
	    "2001:db8::1 > 2001:db8::2: fragment 0x1234 at 1448 of next "
	    "header 17"
	},
	{
	    "33330000000102000000000186dd6000000000342b4020010db8000000000000"
	    "00000000000120010db80000000000000000000000023c020001000000002001"
	    "0db8000000000000000000000003060001040000000000010050000000000000"
	    "000050022000341c0000",
	    "2001:db8::1 > 2001:db8::2: routing type 0 left 1, destination "
	    "options, TCP 1 > 80 [S]"
	},
	{
	    "33330000000102000000000186dd6000000000083c4020010db8000000000000"
	    "00000000000120010db80000000000000000000000023b00010400000000",
	    "2001:db8::1 > 2001:db8::2: destination options, no next header"
	},
};

/* The line of a packet of which n bytes were captured, in a buffer that ends
 * with them. */
static char *
line_of(const uint8_t *data, unsigned n, unsigned len)
{
	struct ifnet_packet p = { .len = len, .caplen = n,
	    .dir = IFNET_PKT_IN };
	uint8_t *copy = malloc(n != 0 ? n : 1);
	char *line = NULL;
	size_t size;
	FILE *fp;

	assert_non_null(copy);
	memcpy(copy, data, n);
	p.data = copy;
	fp = open_memstream(&line, &size);
	assert_non_null(fp);
	dump_print(fp, CMD_DLT_ETHER, &p);
	(void)fclose(fp);
	free(copy);
	return line;
}

static unsigned
bytes_of(const char *hex, uint8_t *to)
{
	unsigned n = 0, v;

	for (; hex[0] != '\0'; hex += 2, n++) {
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		to[n] = (uint8_t)v;
	}
	return n;
}

static void
test_texts(void **state)
{
	char *line, want[512], *at;
	uint8_t data[512];
	unsigned n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = bytes_of(rows[i].hex, data);
		line = line_of(data, n, n);
		(void)snprintf(want, sizeof(want), "IPv6 %s, length %u\n",
		    rows[i].text, n);
		at = strstr(line, "IPv6 ");
		assert_non_null(at);
		assert_string_equal(at, want);
		free(line);
	}
}

/* Each packet, cut at every length, and with each byte changed. */
static void
test_cut(void **state)
{
	uint8_t data[512], old;
	char *line;
	unsigned n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n = bytes_of(rows[i].hex, data);
		for (unsigned len = 0; len <= n; len++) {
			line = line_of(data, len, n);
			assert_non_null(strchr(line, '\n'));
			free(line);
		}
		for (unsigned at = 14; at < n; at++) {
			old = data[at];
			for (unsigned bit = 0; bit < 8; bit++) {
				data[at] = old ^ (uint8_t)(1u << bit);
				free(line_of(data, n, n));
			}
			data[at] = 0xff;
			line = line_of(data, n, n);
			assert_int_equal(strlen(line), strcspn(line, "\n") +
			    1);
			free(line);
			data[at] = old;
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
