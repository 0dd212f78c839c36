/*
 * The command line's parsing: lines into words, words into actions, and what is
 * wrong with them told before anything is asked of a stack.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr_test.h"
#include "command/command_impl.h"	/* under test */

/* --- split --------------------------------------------------------------- */

static void
check_split(const char *line, int n, const char *const *want)
{
	struct ifnet_error e;
	char **argv;
	int argc, i;

	assert_int_equal(command_split(line, &argc, &argv, &e), 0);
	assert_int_equal(argc, n);
	for (i = 0; i < n; i++)
		assert_string_equal(argv[i], want[i]);
	assert_null(argv[n]);
	free(argv);
}

static void
test_split(void **state)
{

	(void)state;
	check_split("", 0, NULL);
	check_split("  \t \n", 0, NULL);
	check_split("# only a comment", 0, NULL);
	check_split("  # indented", 0, NULL);
	check_split("a b", 2, (const char *[]){ "a", "b" });
	check_split("\ta   b\t# c d", 2, (const char *[]){ "a", "b" });
	check_split("a#b", 1, (const char *[]){ "a#b" });
	check_split("descr \"two words\"", 2,
	    (const char *[]){ "descr", "two words" });
	check_split("'a \"b\" \\c' ''", 2,
	    (const char *[]){ "a \"b\" \\c", "" });
	check_split("a\\ b \"c\\\"d\" \\#e", 3,
	    (const char *[]){ "a b", "c\"d", "#e" });
	check_split("x\"y z\"'w'", 1, (const char *[]){ "xy zw" });
	check_split("\"# no comment\"", 1,
	    (const char *[]){ "# no comment" });
	check_split("a b c d e f g", 7,
	    (const char *[]){ "a", "b", "c", "d", "e", "f", "g" });
}

static void
test_split_unbalanced(void **state)
{
	static const char *const lines[] = { "\"", "'", "a 'b", "a \"b\\\"",
	    "a\\", "\\" };
	struct ifnet_error e;
	char **argv;
	size_t i;
	int argc;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(command_split(lines[i], &argc, &argv, &e),
		    EINVAL);
		assert_int_equal(argc, 0);
		assert_null(argv);
		assert_non_null(strstr(e.text, "quote"));
	}
}

/* --- numbers and addresses ----------------------------------------------- */

static void
test_numbers(void **state)
{
	uint64_t v;

	(void)state;
	assert_true(cmd_parse_num("0", 10, &v) && v == 0);
	assert_true(cmd_parse_num("10", 10, &v) && v == 10);
	assert_false(cmd_parse_num("11", 10, &v));
	assert_true(cmd_parse_num("18446744073709551615", UINT64_MAX, &v) &&
	    v == UINT64_MAX);
	assert_false(cmd_parse_num("18446744073709551616", UINT64_MAX, &v));
	assert_false(cmd_parse_num("99999999999999999999999", UINT64_MAX,
	    &v));
	assert_false(cmd_parse_num("", 10, &v));
	assert_false(cmd_parse_num("-1", 10, &v));
	assert_false(cmd_parse_num("+1", 10, &v));
	assert_false(cmd_parse_num(" 1", 10, &v));
	assert_false(cmd_parse_num("1 ", 10, &v));
	assert_false(cmd_parse_num("0x1", 10, &v));
	assert_false(cmd_parse_num("1a", 10, &v));

	assert_true(cmd_parse_seconds("1", 1, &v) && v == 1000000000);
	assert_true(cmd_parse_seconds("0.25", 1, &v) && v == 250000000);
	assert_true(cmd_parse_seconds(".5", 1, &v) && v == 500000000);
	assert_false(cmd_parse_seconds("0", 1, &v));
	assert_false(cmd_parse_seconds(".", 0, &v));
	assert_false(cmd_parse_seconds("1s", 0, &v));
	assert_false(cmd_parse_seconds("-1", 0, &v));
	assert_false(cmd_parse_seconds("99999999999999999999", 0, &v));
}

static void
test_bits(void **state)
{
	static const struct cmd_bit names[] = {
		{ 1, "ABC" }, { 2, "NOT" }, { 4 | 8, "DEFG" },
	};
	char buf[16];

	(void)state;
	assert_string_equal(cmd_ifflags_text(0, buf, sizeof(buf)), "");
	assert_string_equal(cmd_ifflags_text(IFF_UP | IFF_DEBUG, buf,
	    sizeof(buf)), "<UP,DEBUG>");
	/* Whole names as long as there is room, and always an end. */
	for (size_t size = 1; size <= sizeof(buf); size++) {
		memset(buf, 'x', sizeof(buf));
		assert_string_equal(cmd_bits_text(names, 3, 1 | 8, buf, size),
		    size < 6 ? "" : size < 11 ? "<ABC>" : "<ABC,DEFG>");
	}
}

static void
test_prefix(void **state)
{
	static const char *const bad[] = { "", "/24", "10", "10.0.0",
	    "10.0.0.0.1", "10.0.0.256", "010.0.0.1", "0x0a.0.0.1",
	    "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/024",
	    "10.0.0.1/24x", "10.0.0.1/24/24", "10.0.0.1 ", " 10.0.0.1",
	    "10.0.0.1/+8", "::1", "fe80::1/64", "router.example.org",
	    "localhost", "10.0.0.1/255.255.255.0", "1.2.3.4%tap0" };
	struct ifnet_error e;
	union test_addr a = test_addr("0.0.0.0");
	void *prefix = &a.sin.sin_addr;
	size_t i;
	int len;

	(void)state;
	assert_int_equal(cmd_parse_prefix("10.0.0.1", prefix, &len, &e), 0);
	assert_true(test_addr_is(&a.sa, "10.0.0.1"));
	assert_int_equal(len, -1);
	assert_int_equal(cmd_parse_prefix("0.0.0.0/0", prefix, &len, &e), 0);
	assert_int_equal(len, 0);
	assert_int_equal(cmd_parse_prefix("10.0.0.1/32", prefix, &len, &e), 0);
	assert_int_equal(len, 32);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (cmd_parse_prefix(bad[i], prefix, &len, &e) != EINVAL)
			fail_msg("accepted: \"%s\"", bad[i]);
	/* The error says that names are not looked up. */
	(void)cmd_parse_prefix("localhost", prefix, &len, &e);
	assert_non_null(strstr(e.text, "host names are not looked up"));
}

static void
test_netmask(void **state)
{
	static const char *const bad[] = { "", "0x", "0xg", "0x123456789",
	    "255.0.255.0", "0.255.0.0", "0xff00ff00", "255.255.255",
	    "0xffffff01", "24", "/24", "ffffff00" };
	struct ifnet_error e;
	size_t i;
	int len;

	(void)state;
	for (len = 0; len <= 32; len++)
		assert_int_equal(cmd_mask_len(cmd_mask(len)), len);
	assert_int_equal(cmd_parse_mask("255.255.255.0", &len, &e), 0);
	assert_int_equal(len, 24);
	assert_int_equal(cmd_parse_mask("0xFFFFFF00", &len, &e), 0);
	assert_int_equal(len, 24);
	assert_int_equal(cmd_parse_mask("0x0", &len, &e), 0);
	assert_int_equal(len, 0);
	assert_int_equal(cmd_parse_mask("255.255.255.255", &len, &e), 0);
	assert_int_equal(len, 32);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (cmd_parse_mask(bad[i], &len, &e) != EINVAL)
			fail_msg("accepted: \"%s\"", bad[i]);
	(void)cmd_parse_mask("255.0.255.0", &len, &e);
	assert_non_null(strstr(e.text, "not a mask"));
}

static void
test_ifname(void **state)
{
	struct ifnet_error e;

	(void)state;
	assert_int_equal(cmd_check_ifname("tap0", true, &e), 0);
	assert_int_equal(cmd_check_ifname("tap", true, &e), 0);
	assert_int_equal(cmd_check_ifname("l2tp10", true, &e), 0);
	assert_int_equal(cmd_check_ifname("tap2147483647", true, &e), 0);
	assert_int_equal(cmd_check_ifname("tap2147483648", true, &e), EINVAL);
	assert_int_equal(cmd_check_ifname("tap007", true, &e), EINVAL);
	assert_non_null(strstr(e.text, "leading zeros"));
	assert_int_equal(cmd_check_ifname("abcdefghijklmno", false, &e), 0);
	assert_int_equal(cmd_check_ifname("abcdefghijklmnop", false, &e),
	    EINVAL);
	assert_non_null(strstr(e.text, "too long"));
	assert_int_equal(cmd_check_ifname("", false, &e), EINVAL);
	assert_int_equal(cmd_check_ifname("a b", false, &e), EINVAL);
	assert_int_equal(cmd_check_ifname("a/b", false, &e), EINVAL);
	assert_int_equal(cmd_check_ifname("a\n", false, &e), EINVAL);
	assert_int_equal(cmd_check_ifname("12", true, &e), EINVAL);
	/* Only digits name an index, elsewhere. */
	assert_int_equal(cmd_check_ifname("12", false, &e), 0);
}

/* --- ifconfig's words ---------------------------------------------------- */

#define MAXACTS	32

static int
parse(const char *line, struct ifconfig_action *acts, size_t *n,
    struct ifnet_error *e)
{
	static char **argv;	/* the actions point into it */
	int argc;

	free(argv);
	assert_int_equal(command_split(line, &argc, &argv, e), 0);
	assert_in_range(argc, 0, MAXACTS - 1);
	return ifconfig_parse(argc, argv, acts, n, e);
}

static void
test_ifconfig_words(void **state)
{
	struct ifconfig_action a[MAXACTS];
	struct ifnet_error e;
	size_t n;

	(void)state;
	assert_int_equal(parse("up", a, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(a[0].ia_kind, IFCONFIG_FLAGS);
	assert_int_equal(a[0].ia_set, IFF_UP);
	assert_int_equal(parse("down -arp", a, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(a[0].ia_clear, IFF_UP);
	assert_int_equal(a[1].ia_set, IFF_NOARP);
	assert_int_equal(parse("mtu 9000 metric 3 descr 'a b' -linkstr", a,
	    &n, &e), 0);
	assert_int_equal(n, 4);
	assert_int_equal(a[0].ia_set, 9000);
	assert_string_equal(a[0].ia_words, "mtu 9000");
	assert_int_equal(a[1].ia_kind, IFCONFIG_METRIC);
	assert_string_equal(a[2].ia_text, "a b");
	assert_string_equal(a[3].ia_text, "");
	assert_int_equal(parse("tso4 -ip4csum", a, &n, &e), 0);
	assert_int_equal(a[0].ia_set, IFCAP_TSOv4);
	assert_int_equal(a[1].ia_clear,
	    IFCAP_CSUM_IPv4_Rx | IFCAP_CSUM_IPv4_Tx);
	assert_int_equal(parse("destroy", a, &n, &e), 0);
	assert_int_equal(a[0].ia_kind, IFCONFIG_DESTROY);
}

static void
test_ifconfig_inet6(void **state)
{
	static const char *const bad[] = {
		"inet6 10.0.0.1", "inet 2001:db8::1", "inet6 2001:db8::1/129",
		"inet6 2001:db8::1%tap0", "inet6 2001:db8:::1",
		"inet6 fe80::1%", "2001:db8::1 netmask 255.0.0.0",
		"2001:db8::1 broadcast 10.0.0.1", "2001:db8::1 10.0.0.1",
		"10.0.0.1 anycast", "10.0.0.1/24 pltime 3", "inet6 delete",
		"2001:db8::1 tentative", "2001:db8::1 -tentative",
		"2001:db8::1 eui64", "2001:db8::1 pltime 0",
		"2001:db8::1 pltime 4294967295", "2001:db8::1 vltime 1x",
		"2001:db8::1 pltime 9 vltime 8", "2001:db8::1 pltime",
		"2001:db8::1 anycast delete", "inet6", "inet6 up",
		"2001:db8::1/64 prefixlen 63", "2001:db8::1 prefixlen 129",
	};
	struct ifconfig_action a[MAXACTS];
	struct ifnet_error e;
	size_t n;

	(void)state;
	assert_int_equal(parse("inet6 fe80::1%tap0/64 pltime 10 vltime infty "
	    "anycast deprecated -anycast alias up", a, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(a[0].ia_kind, IFCONFIG_INET);
	assert_int_equal(a[0].ia_addr.ip_family, AF_INET6);
	assert_string_equal(a[0].ia_addr.ip_zone, "tap0");
	assert_int_equal(a[0].ia_len, 64);
	assert_int_equal(a[0].ia_pltime, 10);
	assert_int_equal(a[0].ia_vltime, ND6_INFINITE_LIFETIME);
	assert_int_equal(a[0].ia_flags6, IN6_IFF_DEPRECATED);
	assert_int_equal(parse("2001:db8:: prefixlen 64 eui64 fd00::1 "
	    "inet6 delete 2001:db8::9 10.0.0.1/8", a, &n, &e), EINVAL);
	assert_int_equal(parse("2001:db8:: prefixlen 64 eui64 fd00::1 "
	    "inet6 delete 2001:db8::9 inet 10.0.0.1/8", a, &n, &e), 0);
	assert_int_equal(n, 3);
	assert_true(a[0].ia_eui64 && a[0].ia_havedst && !a[0].ia_delete);
	assert_int_equal(a[0].ia_dst.ip_family, AF_INET6);
	assert_true(a[1].ia_delete);
	assert_int_equal(a[2].ia_addr.ip_family, AF_INET);
	assert_int_equal(parse("create 2001:db8::1/64", a, &n, &e), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i], a, &n, &e) == 0)
			fail_msg("taken: %s", bad[i]);
}

static void
test_ifconfig_inet(void **state)
{
	struct ifconfig_action a[MAXACTS];
	struct ifnet_error e;
	size_t n;

	(void)state;
	assert_int_equal(parse("inet 10.0.0.1/24 up", a, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(a[0].ia_kind, IFCONFIG_INET);
	assert_int_equal(a[0].ia_len, 24);
	assert_false(a[0].ia_alias);
	assert_int_equal(parse("10.0.0.1 netmask 0xffff0000 broadcast "
	    "10.0.255.255 alias", a, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_int_equal(a[0].ia_len, 16);
	assert_true(a[0].ia_alias && a[0].ia_havebrd && !a[0].ia_havedst);
	assert_int_equal(ntohl(a[0].ia_dst.ip_in.s_addr), 0x0a00ffff);
	assert_int_equal(parse("10.0.0.1 10.0.0.2", a, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_true(a[0].ia_havedst);
	assert_int_equal(a[0].ia_len, -1);
	assert_int_equal(parse("inet 10.0.0.1 -alias", a, &n, &e), 0);
	assert_true(a[0].ia_delete);
	assert_int_equal(parse("inet alias 10.0.0.1/8 inet delete 10.0.0.2",
	    a, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_true(a[0].ia_alias && a[1].ia_delete);
	assert_int_equal(parse("delete", a, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_true(a[0].ia_delete && !a[0].ia_haveaddr);
	assert_int_equal(parse("10.0.0.1/24 preference -5", a, &n, &e), 0);
	assert_true(a[0].ia_havepref && a[0].ia_pref == -5);
}

static void
test_ifconfig_link(void **state)
{
	struct ifconfig_action a[MAXACTS];
	struct ifnet_error e;
	size_t n;

	(void)state;
	assert_int_equal(parse("link 02:00:5e:10:00:01 active up", a, &n, &e),
	    0);
	assert_int_equal(n, 2);
	assert_int_equal(a[0].ia_lllen, 6);
	assert_int_equal(a[0].ia_lladdr[2], 0x5e);
	assert_true(a[0].ia_active && !a[0].ia_delete);
	assert_int_equal(parse("link 02-00-5e-10-00-01 delete", a, &n, &e),
	    0);
	assert_true(a[0].ia_delete);
}

static void
test_ifconfig_create(void **state)
{
	struct ifconfig_action a[MAXACTS];
	struct ifnet_error e;
	size_t n;

	(void)state;
	assert_int_equal(parse("create", a, &n, &e), 0);
	assert_int_equal(n, 1);
	assert_string_equal(a[0].ia_params, "");
	assert_int_equal(a[0].ia_fd, -1);
	assert_int_equal(parse("create peer right:pair0 up", a, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_string_equal(a[0].ia_params, "peer right:pair0");
	assert_int_equal(parse("create here host up 10.0.0.1/24", a, &n, &e),
	    0);
	assert_int_equal(n, 2);
	assert_true(a[0].ia_here);
	/* A value is a value, even one that is a word elsewhere. */
	assert_string_equal(a[0].ia_host, "up");
	assert_int_equal(parse("create fd 7 mtu 1400", a, &n, &e), 0);
	assert_int_equal(a[0].ia_fd, 7);
	assert_int_equal(n, 2);
}

static void
test_ifconfig_malformed(void **state)
{
	static const char *const bad[] = {
		"bogus", "up bogus", "mtu", "mtu x", "mtu -1", "mtu 1e3",
		"mtu 99999999999", "metric", "metric 1.5", "descr",
		"linkstr", "inet", "inet up", "inet 10.0.0", "10.0.0.1/33",
		"10.0.0.1/24 netmask", "10.0.0.1 netmask 255.0.255.0",
		"10.0.0.1/24 netmask 255.0.0.0", "netmask 255.0.0.0",
		"broadcast 10.0.0.255", "10.0.0.1/24 broadcast",
		"10.0.0.1/24 broadcast 10.0.0",
		"10.0.0.1/24 10.0.0.2 broadcast 10.0.0.255",
		"10.0.0.1 10.0.0.2 10.0.0.3", "10.0.0.1/24 alias delete",
		"alias", "inet alias", "10.0.0.1/24 prefixlen 33",
		"10.0.0.1 preference x", "10.0.0.1 preference 99999",
		"preference 1", "link", "link zz:00",
		"link 02:00:00:00:00:01 active delete", "destroy up",
		"up destroy", "up create", "create create", "create fd",
		"create fd x", "create fd -1", "create here fd 3",
		"create host", "create host this-name-is-too-long",
		"create peer", "2001:db8::1/640", "inet6 ::1::",
	};
	struct ifconfig_action a[MAXACTS];
	struct ifnet_error e;
	char longline[600];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&e, 0, sizeof(e));
		if (parse(bad[i], a, &n, &e) != EINVAL)
			fail_msg("accepted: \"%s\"", bad[i]);
		if (e.text[0] == '\0')
			fail_msg("no words for: \"%s\"", bad[i]);
	}
	memset(longline, 'x', sizeof(longline));
	memcpy(longline, "descr ", 6);
	longline[6 + IFDESCRSIZE] = '\0';
	assert_int_equal(parse(longline, a, &n, &e), EINVAL);
	memset(longline, 'x', sizeof(longline));
	memcpy(longline, "create peer ", 12);
	longline[sizeof(longline) - 1] = '\0';
	assert_int_equal(parse(longline, a, &n, &e), EINVAL);
	assert_non_null(strstr(e.text, "too long"));
}

/* --- all commands, parsed only ------------------------------------------- */

struct run {
	int	 code;
	char	*err;
};

static struct run
check(const char *line, bool config)
{
	struct cmd_ctx ctx;
	struct run r = { 0, NULL };
	struct ifnet_error e;
	size_t size = 0;
	char **argv;
	int argc;

	memset(&ctx, 0, sizeof(ctx));
	ctx.cc_check = true;
	ctx.cc_config = config;
	ctx.cc_out = stdout;
	ctx.cc_err = open_memstream(&r.err, &size);
	assert_non_null(ctx.cc_err);
	assert_int_equal(command_split(line, &argc, &argv, &e), 0);
	r.code = command_run(&ctx, argc, argv);
	(void)fclose(ctx.cc_err);
	free(argv);
	return r;
}

static void
test_accepted(void **state)
{
	static const char *const lines[] = {
		"ifconfig", "ifconfig -a", "ifconfig -l", "ifconfig -C",
		"ifconfig -avz", "ifconfig -lub", "ifconfig -s tap0",
		"ifconfig -v tap0", "ifconfig tap0 inet", "ifconfig -m tap0",
		"ifconfig tap create", "ifconfig tap0 10.0.0.1/24 up",
		"ifconfig pair0 create peer pair1", "ifconfig pg0 create",
		"ifconfig -d -a", "ifconfig tap0 destroy",
		"route add default 10.0.0.1", "route add -net 10.0.0.0/8 "
		"10.1.1.1",
		"route -n add -host 10.0.0.1 -iface tap0",
		"route add 10.0.0.0 10.1.1.1 255.0.0.0",
		"route add -net 10.0.0.0 -netmask 255.0.0.0 10.1.1.1",
		"route add 10.0.0.0/8 -blackhole", "route -n show",
		"route add 10.0.0.0/8 127.0.0.1 -reject", "route flush",
		"route -f", "route delete 10.0.0.0/8", "route monitor",
		"route change default 10.0.0.2 -mtu 1400",
		"route get 10.0.0.1", "arp -a", "arp -an", "arp -n 10.0.0.1",
		"arp -d 10.0.0.1", "arp -d -a", "arp -s 10.0.0.1 "
		"02:00:00:00:00:01 temp pub", "netstat", "netstat -i",
		"netstat -rn", "netstat -rnf inet", "netstat -s",
		"netstat -an", "netstat -I tap0 -b -d", "netstat -w 1",
		"netstat -I tap0 5", "netstat 1", "netstat -c 3 -w 0.1",
		"sysctl -a", "sysctl net.inet", "sysctl -w a.b=1",
		"sysctl a.b=1 c.d=2", "sysctl -n a.b", "sysctl -d a.b",
		"ping 10.0.0.1", "ping -nq -c 3 -i 0.1 -w 5 -s 1400 -t 3 "
		"10.0.0.1", "ping -c3 10.0.0.1", "halt", "show", "show tap0",
		"watch", "watch -c 1 -w 0.5 tap0 tap1", "monitor",
		"monitor -a -c 3 tap0", "vnet create left", "vnet list",
		"vnet destroy left", "help", "help route", "version",
		"-n left ifconfig -a", "ifconfig -h", "ping --help",
	};
	struct run r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		r = check(lines[i], false);
		if (r.code != CMD_OK || r.err[0] != '\0')
			fail_msg("\"%s\": %d: %s", lines[i], r.code, r.err);
		free(r.err);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char	*line;
		int		 code;
		const char	*words;
	} t[] = {
		{ "frobnicate", 2, "unknown subcommand" },
		{ "ifconf", 2, "did you mean ifconfig" },
		{ "-n", 2, "vnet" }, { "-n left", 2, "vnet" },
		{ "ifconfig -Q", 1, "unknown option -Q" },
		{ "ifconfig --all", 1, "unknown option --all" },
		{ "ifconfig -a tap0 up", 1, "usage" },
		{ "ifconfig -C tap0", 1, "usage" },
		{ "ifconfig averyveryverylongname0", 1, "too long" },
		{ "ifconfig averyveryverylongname0 create", 1, "too long" },
		{ "ifconfig tap007 create", 1, "leading zeros" },
		{ "ifconfig tap99999999999 create", 1, "too large" },
		{ "ifconfig tap0 mtu abc", 1, "mtu abc" },
		{ "ifconfig tap0 10.0.0.300", 1, "10.0.0.300" },
		{ "ifconfig tap0 10.0.0.1 netmask 255.0.255.0", 1,
		    "not a mask" },
		{ "ifconfig tap0 fancy", 1, "unknown parameter" },
		{ "route", 1, "usage" },
		{ "route frob", 1, "unknown command" },
		{ "route add", 1, "destination is missing" },
		{ "route add default", 1, "gateway is missing" },
		{ "route add 10.0.0.1/8 10.1.1.1", 1, "beyond its prefix" },
		{ "route add -net 10 10.1.1.1", 1, "four decimal" },
		{ "route add 10.0.0.0/33 10.1.1.1", 1, "prefix length" },
		{ "route add -host 10.0.0.0/8 10.1.1.1", 1, "-host" },
		{ "route add -net -host 10.0.0.0/8 10.1.1.1", 1, "exclude" },
		{ "route add -bogus 10.0.0.0/8 10.1.1.1", 1,
		    "unknown option -bogus" },
		{ "route add 10.0.0.0/8 10.1.1.1 10.2.2.2", 1, "too many" },
		{ "route add 10.0.0.0/8 gateway", 1, "host names" },
		{ "route add 10.0.0.0/8 10.1.1.1/24", 1, "one address" },
		{ "route add 10.0.0.0/8 10.1.1.1 -mtu 5", 1, "-mtu 5" },
		{ "route add 10.0.0.0/8 10.1.1.1 -mtu", 1, "needs a value" },
		{ "route show tap0", 1, "usage" },
		{ "arp", 1, "usage" }, { "arp -x", 1, "unknown option" },
		{ "arp -s 10.0.0.1", 1, "usage" },
		{ "arp -s 10.0.0.1 nonsense", 1, "invalid Ethernet address" },
		{ "arp -s 10.0.0.1 02:00:00:00:00:01 fast", 1, "usage" },
		{ "arp -d", 1, "usage" }, { "arp 10.0.0.0/8", 1, "network" },
		{ "netstat -f inet9", 1, "unknown address family" },
		{ "netstat -w", 1, "needs an argument" },
		{ "netstat -w soon", 1, "bad value" },
		{ "netstat -w 0", 1, "bad value" },
		{ "netstat 1 2", 1, "usage" },
		{ "netstat -c 0 -w 1", 1, "bad value" },
		{ "sysctl", 1, "usage" }, { "sysctl -a x", 1, "usage" },
		{ "sysctl -w a.b", 1, "NAME=VALUE" },
		{ "sysctl =1", 1, "not a name" },
		{ "ping", 1, "usage" }, { "ping host", 1, "Cannot resolve" },
		{ "ping -c 0 10.0.0.1", 1, "-c 0" },
		{ "ping -s 65508 10.0.0.1", 1, "-s 65508" },
		{ "ping -t 256 10.0.0.1", 1, "-t 256" },
		{ "ping -i 0 10.0.0.1", 1, "-i 0" },
		{ "ping 10.0.0.1 10.0.0.2", 1, "usage" },
		{ "halt now", 2, "usage" }, { "show a b", 2, "usage" },
		{ "show -x", 2, "unknown option" },
		{ "watch -c x", 2, "-c x" }, { "watch -w 0", 2, "-w 0" },
		{ "monitor a b", 2, "usage" }, { "vnet", 2, "usage" },
		{ "vnet create", 2, "usage" }, { "vnet create a:b", 2,
		    "the name of a vnet is of letters" },
		{ "vnet create "
		    "0123456789012345678901234567890123456789", 2,
		    "1 to 31" },
		{ "help frob", 2, "unknown subcommand" },
		{ "version 2", 2, "usage" },
	};
	struct run r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		r = check(t[i].line, false);
		if (r.code != t[i].code || strstr(r.err, t[i].words) == NULL)
			fail_msg("\"%s\": %d: %s", t[i].line, r.code, r.err);
		free(r.err);
	}
}

static void
test_not_in_config(void **state)
{
	static const char *const lines[] = { "netstat -i", "ping 10.0.0.1",
	    "show", "watch", "monitor", "halt", "help", "version",
	    "route show", "route monitor", "arp -a", "sysctl -a",
	    "sysctl net.inet", "vnet list", "-n left show" };
	struct run r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		r = check(lines[i], true);
		if (r.code == CMD_OK || r.err[0] == '\0')
			fail_msg("taken in a file: \"%s\"", lines[i]);
		free(r.err);
	}
	r = check("route add default 10.0.0.1", true);
	assert_int_equal(r.code, CMD_OK);
	free(r.err);
}

/* --- files --------------------------------------------------------------- */

static int
run_file(const char *text, size_t len, struct ifnet_error *e)
{
	char path[] = "/tmp/t_command.XXXXXX";
	struct cmd_ctx ctx;
	int error, fd;

	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	(void)close(fd);
	memset(&ctx, 0, sizeof(ctx));
	ctx.cc_check = true;
	ctx.cc_out = stdout;
	ctx.cc_err = stderr;
	error = command_file(&ctx, path, e);
	(void)unlink(path);
	return error;
}

static void
test_file(void **state)
{
	static const char good[] = "# a router\n\n"
	    "ifconfig tap0 create\n  ifconfig tap0 descr \"two words\"\n"
	    "route add default 192.0.2.1 # upstream\n"
	    "sysctl -w net.inet.ip.forwarding=1";
	static const char bad[] = "ifconfig tap0 create\n\n#\n\n\n\n"
	    "ifconfig tap0 mtu lots\nfrobnicate\n";
	static const char quote[] = "ifconfig tap0 descr \"open\n";
	static const char binary[] = "ifconfig tap0 create\n\0\n";
	struct ifnet_error e;
	struct cmd_ctx ctx;

	(void)state;
	assert_int_equal(run_file(good, sizeof(good) - 1, &e), 0);
	assert_int_equal(run_file("", 0, &e), 0);
	assert_int_equal(run_file(bad, sizeof(bad) - 1, &e), EINVAL);
	assert_non_null(strstr(e.text, ":7: ifconfig tap0: mtu lots"));
	assert_null(strchr(e.text, '\n'));
	assert_null(strstr(e.text, "ifctl: "));
	assert_int_equal(run_file(quote, sizeof(quote) - 1, &e), EINVAL);
	assert_non_null(strstr(e.text, ":1: a quote"));
	assert_int_equal(run_file(binary, sizeof(binary) - 1, &e), EINVAL);
	assert_non_null(strstr(e.text, ":2: "));
	memset(&ctx, 0, sizeof(ctx));
	ctx.cc_out = stdout;
	ctx.cc_err = stderr;
	assert_int_equal(command_file(&ctx, "/nonexistent/file", &e), ENOENT);
	assert_non_null(strstr(e.text, "/nonexistent/file"));
}

static void
test_line(void **state)
{
	struct cmd_ctx ctx;
	struct ifnet_error e;

	(void)state;
	memset(&ctx, 0, sizeof(ctx));
	ctx.cc_check = true;
	ctx.cc_out = stdout;
	ctx.cc_err = stderr;
	assert_int_equal(command_line(&ctx, "", &e), 0);
	assert_int_equal(command_line(&ctx, "ifconfig tap0 up", &e), 0);
	assert_int_equal(command_line(&ctx, "ifconfig tap0 mtu x", &e),
	    EINVAL);
	assert_string_equal(e.text, "ifconfig tap0: mtu x: bad value (a "
	    "decimal number)");
	assert_int_equal(command_line(&ctx, "'", &e), EINVAL);
	assert_int_equal(e.code, EINVAL);
}

/* Each word of each command's table, options too, wherever a word can stand:
 * done or refused in words. */
static void
test_word_anywhere(void **state)
{
	static const char *const places[] = { "%s %s", "%s %s lo0", "%s lo0 %s",
	    "%s lo0 up %s", "%s lo0 %s up", "%s lo0 %s 10.0.0.1", "%s add %s",
	    "%s add 10.9.0.0/16 %s 10.0.0.1", "%s pair9 create %s",
	    "%s lo0 mtu %s", "%s -v %s", "%s lo0 inet 10.0.0.1/8 %s" };
	const struct cmd_word *w;
	struct ifnet_error e;
	struct cmd_ctx ctx;
	char line[256];

	(void)state;
	memset(&ctx, 0, sizeof(ctx));
	ctx.cc_check = ctx.cc_config = true;
	ctx.cc_out = ctx.cc_err = fopen("/dev/null", "w");
	assert_non_null(ctx.cc_out);
	for (size_t i = 0; commands[i] != NULL; i++)
		for (w = commands[i]->c_words; w != NULL && w->w_name != NULL;
		    w++)
			for (size_t j = 0; j < sizeof(places) /
			    sizeof(places[0]); j++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
				(void)snprintf(line, sizeof(line), places[j],
				    commands[i]->c_name, w->w_name);
#pragma GCC diagnostic pop
				e.text[0] = '\0';
				if (command_line(&ctx, line, &e) != 0)
					assert_string_not_equal(e.text, "");
			}
	fclose(ctx.cc_out);
	/* An option behind the name says where it belongs. */
	assert_int_equal(command_line(&ctx, "ifconfig lo0 up --json", &e),
	    EINVAL);
	assert_string_equal(e.text, "ifconfig lo0: --json: an option comes "
	    "before the interface's name");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_unbalanced),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_netmask),
		cmocka_unit_test(test_ifname),
		cmocka_unit_test(test_ifconfig_words),
		cmocka_unit_test(test_ifconfig_inet),
		cmocka_unit_test(test_ifconfig_inet6),
		cmocka_unit_test(test_ifconfig_link),
		cmocka_unit_test(test_ifconfig_create),
		cmocka_unit_test(test_ifconfig_malformed),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_not_in_config),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_word_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
