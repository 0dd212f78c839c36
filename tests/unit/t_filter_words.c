/*
 * The words of packet filters: what libpcap's language has passes, and nothing
 * that passes makes libpcap look up a host.  This program's own resolver comes
 * before the system's, and counts.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "command/command_impl.h"	/* under test */

static unsigned lookups;
static char looked_up[64];

static void
note(const char *name)
{

	lookups++;
	(void)snprintf(looked_up, sizeof(looked_up), "%s", name);
}

__attribute__((__visibility__("default"))) int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{

	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
	struct in6_addr numeric;

	if (node == NULL)
		return EAI_NONAME;
	if (inet_pton(AF_INET6, node, &numeric) != 1) {
		note(node);
		return EAI_NONAME;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, res);
}

__attribute__((__visibility__("default"))) struct netent *
getnetbyname(const char *name)
{

	note(name);
	return NULL;
}

int
getnetbyname_r(const char *name, struct netent *ne, char *buf, size_t len,
    struct netent **res, int *err)
{

	(void)ne;
	(void)buf;
	(void)len;
	note(name);
	*res = NULL;
	*err = HOST_NOT_FOUND;
	return 0;
}

/* Lookups of libpcap come to the functions above, or the other tests would
 * see nothing. */
static void
test_trap(void **state)
{
	struct addrinfo *(*resolve)(const char *);
	void *lib;

	(void)state;
	lib = dlopen("libpcap.so.0.8", RTLD_NOW);
	if (lib == NULL)
		lib = dlopen("libpcap.so.1", RTLD_NOW);
	if (lib == NULL)
		skip();
	*(void **)&resolve = dlsym(lib, "pcap_nametoaddrinfo");
	assert_non_null(resolve);
	assert_null(resolve("nowhere.example"));
	assert_int_equal(lookups, 1);
	assert_string_equal(looked_up, "nowhere.example");
	lookups = 0;
	dlclose(lib);
}

static const char *const good[] = {
	"", "icmp", "host 10.0.0.1", "net 10.0.0.0/8", "net 10.1",
	"src host 10.0.0.1 and dst net 192.168.0.0 mask 255.255.0.0",
	"ether host 02:00:00:00:00:01", "ether src 2-0-0-0-0-1",
	"ether dst 0200.0000.0001", "ether host 020000000001",
	"ip6 host ::1", "net 2001:db8::/32", "host fe80::1 or host 10.0.0.2",
	"tcp[13:1] & 2 != 0", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
	"icmp[icmptype] = icmp-echo", "ip[8] < 5", "ether[0:4] = 0x02000000",
	"len > 100 and less 1500", "greater 64 and not broadcast",
	"vlan 5 and ip", "arp or rarp", "ether proto 0x0800",
	"ip multicast or ether broadcast", "not (host 1.2.3.4 or 5.6.7.8)",
	"portrange 20-30", "tcp port 80 or 81", "udp and port (53 or 5353)",
};

static const char *const bad[] = {
	"host nowhere.example", "nowhere.example", "src nowhere",
	"dst net office", "icmp and host a", "ether host printer",
	"gateway router", "host 1.2.3.4.5", "host 1.2.3.4 or somewhere",
	"host \\tcp", "host abc", "host dead.beef", "host 3com", "host abc:def",
	"port 80 and host www", "port 80 or tcp x", "len-20 > 5", "Icmp",
	"host 1.2.3.4 and (port 80) or x", "(port 80) and host x",
	"host 10.0.0.x", "net 10.0.0.0 mask lan", "host a_b", "host a-b",
	"portrange 1-2 or src x", "ip host 0xzz", "host 1.2.3.4e",
};

static void
test_good(void **state)
{
	struct cmd_program cp;
	struct ifnet_error e;
	int error;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (cmd_check_filter(good[i], &e) != 0)
			fail_msg("%s: %s", good[i], e.text);
		error = cmd_compile(good[i], CMD_DLT_ETHER, &cp, &e);
		if (error == EOPNOTSUPP)
			continue;
		if (error != 0)
			fail_msg("%s: %s", good[i], e.text);
		cmd_program_free(&cp);
	}
	assert_int_equal(lookups, 0);
	/* Names of services and protocols are this machine's files. */
	assert_int_equal(cmd_check_filter("tcp port http or smtp", &e), 0);
	assert_int_equal(cmd_check_filter("port (ssh or http)", &e), 0);
	assert_int_equal(cmd_check_filter("ip proto \\icmp", &e), 0);
	assert_int_equal(cmd_check_filter("ip proto ospf", &e), 0);
	assert_int_equal(cmd_check_filter("portrange ftp-data-ssh", &e), 0);
}

static void
test_bad(void **state)
{
	struct cmd_program cp;
	struct ifnet_error e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (cmd_check_filter(bad[i], &e) == 0)
			fail_msg("%s is accepted", bad[i]);
		assert_int_not_equal(cmd_compile(bad[i], CMD_DLT_ETHER, &cp,
		    &e), 0);
	}
	assert_int_equal(lookups, 0);
	assert_int_equal(cmd_check_filter("icmp and host nowhere.example",
	    &e), EINVAL);
	assert_string_equal(e.text, "unknown word or host name "
	    "\"nowhere.example\": use an address");
}

static uint32_t
rnd(void)
{
	static uint64_t s = 88172645463325252ULL;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return (uint32_t)(s >> 16);
}

/* Words strewn about: what libpcap makes of them asks nobody. */
static void
test_strewn(void **state)
{
	static const char *const words[] = {
		"host", "net", "port", "portrange", "proto", "src", "dst",
		"and", "or", "not", "(", ")", "tcp", "ip", "ether", "gateway",
		"nowhere", "http", "icmp", "\\tcp", "1.2.3.4", "80", "abc",
		"len", ">", "[", "]", "&", "=", "10.0.0.0/8", "mask", "vlan",
		"a:b", "::1", "-", "!", "protochain", "ip6", "and not", "20-30",
		"or (", "2:0:0:0:0:1", "a.b", "b.a.d.f.e.e",
		"a-b-c-d-e-f", "be.de.ee", "facade", "broadcast",
		"dead.beef.cafe",
		"aabbccddeeff", "0x1f", "1.2", "less", "type", "\\", ":",
	};
	unsigned passed = 0, n;
	struct cmd_program cp;
	struct ifnet_error e;
	char text[256];

	(void)state;
	for (unsigned i = 0; i < 300000; i++) {
		text[0] = '\0';
		for (n = 1 + rnd() % 8; n > 0; n--) {
			strcat(text, words[rnd() % (sizeof(words) /
			    sizeof(words[0]))]);
			if (rnd() % 8 != 0)
				strcat(text, " ");
		}
		if (cmd_compile(text, rnd() % 2 ? CMD_DLT_ETHER : CMD_DLT_RAW,
		    &cp, &e) == 0) {
			passed++;
			cmd_program_free(&cp);
		} else if (e.code == EOPNOTSUPP)
			return;
		if (lookups != 0)
			fail_msg("\"%s\" looks up %s", text, looked_up);
	}
	assert_true(passed > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trap),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_strewn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
