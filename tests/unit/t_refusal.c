/*
 * Refusals: every errno with which a request can be answered comes with a
 * reason in words from the place that refuses, so that no client has to guess
 * it.  The requests are those of the table, with records of every kind of
 * nonsense, on every kind of interface.
 */

#include "addr_test.h"
#include "stack_test.h"

#include <ifnet/ifreq.h>
#include <ifnet/ifreq_old.h>
#include <ifnet/rtmsg.h>

#include "kern/request.h"	/* under test */

#include <errno.h>

/* Room for the name of any setting. */
#define NAME_SIZE	256

struct fixture {
	struct ifnet_stack *st;
	struct vnet	*vn;
	struct ifnet_client *c;
	unsigned	 refused, silent;
};

/* Make what the last request may have taken away. */
static void
furnish(struct fixture *f)
{
	static const char *const lines[] = {
		"ifconfig pair0 create", "ifconfig pair0 10.0.0.1/24 up",
		"ifconfig pg0 create", "ifconfig pg0 10.0.9.1/24 up",
		"route add 10.7.0.0/16 10.0.0.2",
		"arp -s 10.0.0.7 02:00:00:00:00:07",
	};
	struct ifnet_error e;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		(void)vnet_command(f->vn, lines[i], &e);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ifnet_error e;

	assert_non_null(f);
	f->st = test_stack(0);
	f->vn = test_vnet(f->st, "default");
	(void)test_vnet(f->st, "red");
	f->c = vnet_client(f->vn, &e);
	assert_non_null(f->c);
	furnish(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ifnet_close(f->c);
	ifnet_stack_destroy(f->st);
	free(f);
	return 0;
}

/* Does the text say more than the errno? */
static bool
has_words(const struct ifnet_error *e)
{
	const char *plain = strerror(e->code);
	size_t len = strlen(e->text), plen = strlen(plain);

	return len > 0 && (len < plen ||
	    strcmp(e->text + len - plen, plain) != 0);
}

/* Memory that is out is its own reason. */
static void
judge(struct fixture *f, int error, const struct ifnet_error *e,
    const char *what)
{

	if (error == 0)
		return;
	f->refused++;
	if (error == ENOMEM || has_words(e))
		return;
	f->silent++;
	if (f->silent < 20)
		print_error("%s: error %d without words: \"%s\"\n", what,
		    error, e->text);
}

static uint32_t
random_next(uint32_t *seed)
{

	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* --- interface requests --------------------------------------------------- */

static const char *const names[] = {
	"lo0", "pair0", "pg0", "nosuch0", "", "pair9", "frob", "nosuch",
};
#define NNAMES	(sizeof(names) / sizeof(names[0]))

enum { FILL_ZERO, FILL_ONES, FILL_RANDOM, FILL_INET, FILL_LINK, FILL_INET6,
    FILL_ODD, FILL_TEXT, NFILLS };

static void
fill(uint8_t *record, size_t len, unsigned how, uint32_t *seed)
{
	static const char *const texts[] = {
		"-x", "pair0", "lo0", "default", "red", "blue", "12", "a b",
		"all", "pair", "tap0123456789012345678901234567890",
	};
	static const uint16_t families[] = {
		[FILL_INET] = TEST_AF, [FILL_LINK] = AF_LINK,
		[FILL_INET6] = AF_INET6, [FILL_ODD] = 77,
	};
	const char *text;

	memset(record, how == FILL_ONES ? 0xff : 0, len);
	if (how >= FILL_RANDOM && how != FILL_TEXT)
		for (size_t i = IFNAMSIZ; i < len; i++)
			record[i] = (uint8_t)random_next(seed) &
			    (uint8_t)random_next(seed);
	if (how >= FILL_INET && how <= FILL_ODD && len >= IFNAMSIZ + 16)
		for (size_t i = IFNAMSIZ; i + 2 <= len; i += 8)
			memcpy(record + i, &families[how], 2);
	if (how == FILL_TEXT && len > IFNAMSIZ) {
		text = texts[random_next(seed) %
		    (sizeof(texts) / sizeof(texts[0]))];
		memcpy(record + IFNAMSIZ, text, strnlen(text,
		    len - IFNAMSIZ));
	}
}

static void
test_ioctls(void **state)
{
	struct fixture *f = *state;
	const struct request *rq;
	uint8_t record[4096] __attribute__((__aligned__(16)));
	struct ifnet_error e;
	uint32_t seed = 1;
	char what[128];
	size_t len;
	int error;

	for (size_t i = 0; (rq = request_at(i)) != NULL; i++) {
		if (rq->rq_kind != REQUEST_IOCTL)
			continue;
		len = IFIOC_SIZE(rq->rq_number);
		for (unsigned n = 0; n < NNAMES * NFILLS * 2; n++) {
			fill(record, sizeof(record), n / 2 % NFILLS, &seed);
			strncpy((char *)record, names[n / 2 / NFILLS],
			    IFNAMSIZ);
			memset(&e, 0, sizeof(e));
			error = ifnet_ioctl(f->c, rq->rq_number, record,
			    len, &e);
			(void)snprintf(what, sizeof(what), "%s %s (%u)",
			    rq->rq_name, names[n / 2 / NFILLS],
			    n / 2 % NFILLS);
			judge(f, error, &e, what);
			if (error == 0 && rq->rq_action !=
			    KAUTH_INTERFACE_GET)
				furnish(f);
		}
	}
	assert_true(f->refused > 1000);
	assert_int_equal(f->silent, 0);
}

/* --- routing messages ----------------------------------------------------- */

static void
random_sa(struct sockaddr_storage *ss, uint32_t *seed)
{
	static const char *const addrs[] = {
		"10.0.0.1", "10.0.0.7", "10.0.0.9", "10.7.0.0", "10.8.0.0",
		"10.0.0.0", "10.0.0.255", "255.255.255.0", "255.255.0.0",
		"255.0.255.0", "0.0.0.0", "224.0.0.1", "127.0.0.1",
	};
	struct sockaddr_dl *sdl = (struct sockaddr_dl *)ss;

	memset(ss, 0, sizeof(*ss));
	switch (random_next(seed) % 8) {
	case 0:
		ss->ss_family = AF_INET6;
		break;
	case 1:
	case 2:
		sdl->sdl_family = AF_LINK;
		sdl->sdl_index = random_next(seed) % 5;
		sdl->sdl_alen = random_next(seed) % 4 == 0 ? 0 : 6;
		sdl->sdl_data[0] = (uint8_t)(random_next(seed) % 4);
		break;
	default:
		test_addr_put(ss, addrs[random_next(seed) %
		    (sizeof(addrs) / sizeof(addrs[0]))]);
		break;
	}
}

static void
test_routes(void **state)
{
	static const uint8_t types[] = {
		RTM_ADD, RTM_DELETE, RTM_CHANGE, RTM_GET,
	};
	static const uint32_t flags[] = {
		0, RTF_HOST, RTF_LLDATA, RTF_LLDATA | RTF_HOST | RTF_STATIC,
		RTF_GATEWAY, RTF_REJECT, RTF_BLACKHOLE, RTF_LOCAL,
		RTF_CONNECTED, RTF_LLDATA | RTF_ANNOUNCE,
	};
	struct fixture *f = *state;
	union { struct rt_msg m; char room[RT_MSG_MAX]; } req, ans;
	struct sockaddr_storage ss;
	struct ifnet_error e;
	uint32_t seed = 2;
	char what[128];
	size_t len;
	int error;

	for (unsigned n = 0; n < 30000; n++) {
		memset(&req, 0, sizeof(req));
		req.m.rtm_h.rtm_len = sizeof(req.m);
		req.m.rtm_h.rtm_version = RTM_VERSION;
		req.m.rtm_h.rtm_type = types[n % 4];
		req.m.rtm_flags = flags[random_next(&seed) % 10];
		if (random_next(&seed) % 4 == 0)
			req.m.rtm_index = random_next(&seed) % 6;
		if (random_next(&seed) % 16 == 0)
			req.m.rtm_ifhandle = random_next(&seed) % 6;
		if (random_next(&seed) % 16 == 0)
			strcpy(req.m.rtm_ifname, "nosuch0");
		if (random_next(&seed) % 16 == 0)
			req.m.rtm_mtu = 70000;
		if (random_next(&seed) % 16 == 0)
			req.m.rtm_expire_s = -1;
		for (unsigned bit = 1; bit <= RTA_BRD; bit <<= 1) {
			if (random_next(&seed) % 2 == 0)
				continue;
			random_sa(&ss, &seed);
			(void)rt_msg_add(&req, bit, (struct sockaddr *)&ss);
		}
		if (random_next(&seed) % 32 == 0)
			req.m.rtm_h.rtm_len -= 8;
		len = sizeof(ans);
		memset(&e, 0, sizeof(e));
		error = ifnet_route(f->c, &req, req.m.rtm_h.rtm_len, &ans,
		    &len, &e);
		(void)snprintf(what, sizeof(what), "type %u flags %#x addrs "
		    "%#x", req.m.rtm_h.rtm_type, req.m.rtm_flags,
		    req.m.rtm_h.rtm_addrs);
		judge(f, error, &e, what);
		if (n % 64 == 0)
			furnish(f);
	}
	assert_true(f->refused > 1000);
	assert_int_equal(f->silent, 0);
}

/* --- settings ------------------------------------------------------------- */

static void
test_settings(void **state)
{
	static const char bytes[64] = "no such value as this";
	struct fixture *f = *state;
	char name[NAME_SIZE] = "", odd[NAME_SIZE + 8];
	struct ifnet_error e;
	const int64_t numbers[] = { -1, INT64_MAX, INT64_MIN };
	int error;

	while (ifnet_sysctl_next(f->c, name, name, sizeof(name), &e) == 0) {
		for (size_t len = 0; len <= sizeof(bytes); len += 4) {
			memset(&e, 0, sizeof(e));
			error = ifnet_sysctl(f->c, name, NULL, NULL, bytes,
			    len, NULL, NULL, &e);
			judge(f, error, &e, name);
		}
		for (unsigned i = 0; i < 3; i++) {
			memset(&e, 0, sizeof(e));
			error = ifnet_sysctl(f->c, name, NULL, NULL,
			    &numbers[i], 8, NULL, NULL, &e);
			judge(f, error, &e, name);
			error = ifnet_sysctl(f->c, name, NULL, NULL,
			    &numbers[i], 4, NULL, NULL, &e);
			judge(f, error, &e, name);
		}
		(void)snprintf(odd, sizeof(odd), "%s.x", name);
		odd[NAME_SIZE - 1] = '\0';
		error = ifnet_sysctl(f->c, odd, NULL, NULL, NULL, 0, NULL,
		    NULL, &e);
		judge(f, error, &e, odd);
		error = ifnet_sysctl_descr(f->c, odd, odd, sizeof(odd), &e);
		judge(f, error, &e, odd);
	}
	assert_true(f->refused > 500);
	assert_int_equal(f->silent, 0);
}

/* --- everything else ------------------------------------------------------ */

static int
no_rule(const struct ifnet_filter_rule *r, void *arg)
{

	(void)r;
	(void)arg;
	return 0;
}

static int
no_history(const struct ifnet_history *h, void *arg)
{

	(void)h;
	(void)arg;
	return 0;
}

static int
no_message(const void *msg, size_t len, void *arg)
{

	(void)msg;
	(void)len;
	(void)arg;
	return 0;
}

static void
test_others(void **state)
{
	struct ifnet_insn bad = { .code = 0xffff }, pass = {
		.code = 6, .k = 0xffffffff,
	};
	struct ifnet_filter_prog prog = { 1, 1, &bad };
	struct ifnet_filter_rule rule;
	struct ifnet_capture cap;
	struct fixture *f = *state;
	struct ifnet_error e;
	unsigned linktype;

#define JUDGE(call) do {						\
		memset(&e, 0, sizeof(e));				\
		judge(f, call, &e, #call);				\
	} while (0)
	JUDGE(ifnet_vnet_create(f->c, "-x", &e));
	JUDGE(ifnet_vnet_create(f->c, "red", &e));
	JUDGE(ifnet_vnet_destroy(f->c, "default", &e));
	JUDGE(ifnet_vnet_destroy(f->c, "nosuch", &e));
	JUDGE(ifnet_vnet_destroy(f->c, "", &e));
	JUDGE(ifnet_halt(f->c, &e));
	JUDGE(ifnet_commit(f->c, &e));
	JUDGE(ifnet_rollback(f->c, NULL, &e));
	JUDGE(ifnet_filter_delete(f->c, 7, &e));
	JUDGE(ifnet_filter_zero(f->c, 7, &e));
	memset(&rule, 0, sizeof(rule));
	rule.text = "";
	rule.dir = IFNET_PKT_IN;
	rule.number = 70000;
	JUDGE(ifnet_filter_add(f->c, &rule, &prog, 1, &e));
	rule.number = 7;
	JUDGE(ifnet_filter_add(f->c, &rule, &prog, 1, &e));
	prog.program = &pass;
	JUDGE(ifnet_filter_add(f->c, &rule, &prog, 1, &e));
	JUDGE(ifnet_filter_add(f->c, &rule, &prog, 1, &e));
	JUDGE(ifnet_filter_list(f->c, no_rule, NULL, &e));
	JUDGE(ifnet_history(f->c, "nosuch0", no_history, NULL, &e));
	JUDGE(ifnet_dump(f->c, IFNET_LINK, "nosuch0", no_message, NULL, &e));
	JUDGE(ifnet_dump(f->c, IFNET_LINK | IFNET_GROUP, "nosuch",
	    no_message, NULL, &e));
	JUDGE(ifnet_dump(f->c, 0, NULL, no_message, NULL, &e));
	JUDGE(ifnet_linktype(f->c, "nosuch0", &linktype, &e));
	memset(&cap, 0, sizeof(cap));
	cap.ifname = "nosuch0";
	JUDGE(ifnet_capture_begin(f->c, &cap, &e));
	cap.dirs = 3;
	JUDGE(ifnet_capture_begin(f->c, &cap, &e));
	cap.ifname = "pair0";
	cap.linktype = 99;
	JUDGE(ifnet_capture_begin(f->c, &cap, &e));
	cap.snaplen = 100000;
	JUDGE(ifnet_capture_begin(f->c, &cap, &e));
	JUDGE(ifnet_ping_begin(f->c, 0, inet_addr("8.8.8.8"), &e));
	JUDGE(ifnet_ping_send(f->c, 1, 56, 64, &e));
	JUDGE(ifnet_ping_send(f->c, 1, 70000, 64, &e));
	JUDGE(ifnet_ping_send(f->c, 1, 56, 0, &e));
	JUDGE(ifnet_set_vnet(f->c, "nosuch", &e));
	JUDGE(ifnet_halt(f->c, &e));
	JUDGE(ifnet_follow(f->c, IFNET_LINK, &e));
#undef JUDGE
	assert_true(f->refused > 20);
	assert_int_equal(f->silent, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ioctls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settings, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_others, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
