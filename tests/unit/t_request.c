/*
 * Requests and who may make them: the table, walked; every number of a request
 * that there can be; and that the entries do what the table says.
 */

#include "in_test.h"

#include <ifnet/ifreq_old.h>

#include "ctl_test.h"

#include <regex.h>

#include "kern/request.h"	/* under test */

static const struct kauth_cred nobody = { .kc_uid = 65534, .kc_gid = 65534 };

/* Actions that a user without any privilege may do. */
static bool
open_to_all(enum kauth_action action)
{

	return action == KAUTH_INTERFACE_GET || action == KAUTH_INTERFACE_SET ||
	    action == KAUTH_RAW_SEND;
}

static void
test_rows(void **state)
{
	const struct request *rq, *other;
	size_t n = 0, drivers = 0;

	(void)state;
	for (; (rq = request_at(n)) != NULL; n++) {
		assert_ptr_equal(request_find(rq->rq_kind, rq->rq_number), rq);
		assert_int_equal(request_action(rq->rq_kind, rq->rq_number),
		    rq->rq_action);
		for (size_t i = 0; i < n; i++) {
			other = request_at(i);
			assert_string_not_equal(other->rq_name, rq->rq_name);
		}
		assert_true(strlen(kauth_action_text(rq->rq_action)) > 5);
		if (rq->rq_kind != REQUEST_IOCTL)
			continue;
		drivers += (rq->rq_flags & RQ_DRIVER) != 0;
		/* Without an answer, only a change makes sense. */
		if ((rq->rq_number & IFIOC_OUT) == 0)
			assert_false(open_to_all(rq->rq_action));
	}
	assert_true(n > 100 && drivers > 20);
	assert_int_equal(request_action(REQUEST_IOCTL, SIOCG80211),
	    KAUTH_INTERFACE_GETPRIV);
	assert_int_equal(request_action(REQUEST_IOCTL, SIOCG80211NWKEY),
	    KAUTH_INTERFACE_GETPRIV);
	assert_int_equal(request_action(REQUEST_IOCTL, SIOCGDRVSPEC),
	    KAUTH_INTERFACE_GETPRIV);
	assert_int_equal(request_action(REQUEST_IOCTL, SIOCINITIFADDR),
	    KAUTH_NOBODY);
}

/* Is every request of this header in the table? */
static void
walk_header(const char *path)
{
	regmatch_t m[2];
	char line[256], name[64];
	const struct request *rq;
	unsigned found = 0;
	regex_t re;
	FILE *fp;

	assert_int_equal(regcomp(&re, "^#define[ \t]+(O*SIOC[A-Z0-9a-z_]+)",
	    REG_EXTENDED), 0);
	fp = fopen(path, "r");
	assert_non_null(fp);
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (regexec(&re, line, 2, m, 0) != 0)
			continue;
		snprintf(name, sizeof(name), "%.*s",
		    (int)(m[1].rm_eo - m[1].rm_so), line + m[1].rm_so);
		for (size_t i = 0; (rq = request_at(i)) != NULL; i++)
			if (strcmp(rq->rq_name, name) == 0)
				break;
		if (rq == NULL)
			fail_msg("%s is not in the table of requests", name);
		found++;
	}
	(void)fclose(fp);
	regfree(&re);
	assert_true(found > 20);
}

static void
test_headers(void **state)
{

	(void)state;
	walk_header(IFNET_INCLUDE "/ifreq.h");
	walk_header(IFNET_INCLUDE "/ifreq_drv.h");
	walk_header(IFNET_INCLUDE "/ifreq_old.h");
}

/* The driver below was reached. */
static unsigned reached;

static int
greedy_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{

	(void)ifp;
	(void)cmd;
	(void)data;
	reached++;
	return 0;
}

/* Every direction and number, with the size of the table's or of an ifreq. */
static void
numbers_body(struct in_test *it)
{
	const struct if_ops *old = it->it_a.tif_ifp->if_ops;
	struct if_ops ops = *old;
	const struct request *rq;
	unsigned long cmd;
	uint64_t rec[4096 / 8];
	unsigned before;
	int error;

	KASSERT(if_compat_subsys.vs_init(it->it_vn) == 0);
	ops.ioctl = greedy_ioctl;
	it->it_a.tif_ifp->if_ops = &ops;
	for (size_t i = 0; (rq = request_at(i)) != NULL; i++) {
		if (rq->rq_kind != REQUEST_IOCTL)
			continue;
		memset(rec, 0, sizeof(rec));
		memcpy(rec, "tif0", 5);
		before = reached;
		error = ifioctl(it->it_vn, &nobody, rq->rq_number, rec,
		    IFIOC_SIZE(rq->rq_number));
		KASSERT((error == EPERM) == !open_to_all(rq->rq_action));
		KASSERT(open_to_all(rq->rq_action) || reached == before);
	}
	for (unsigned dir = 1; dir < 4; dir++)
		for (unsigned n = 0; n < 256; n++) {
			cmd = (unsigned long)dir << 30 |
			    sizeof(struct ifreq) << 16 | 'i' << 8 | n;
			if (request_find(REQUEST_IOCTL, cmd) != NULL)
				continue;
			memset(rec, 0, sizeof(rec));
			memcpy(rec, "tif0", 5);
			before = reached;
			KASSERT(ifioctl(it->it_vn, &nobody, cmd, rec,
			    sizeof(struct ifreq)) == EPERM);
			KASSERT(reached == before);
			KASSERT(ifioctl(it->it_vn, &kauth_cred_self, cmd, rec,
			    sizeof(struct ifreq)) == 0);
			KASSERT(reached == before + 1);
		}
	it->it_a.tif_ifp->if_ops = old;
	if_compat_subsys.vs_fini(it->it_vn);
}
IN_TEST(numbers, 1)

/* Routing messages of every type there can be, of routes and neighbours. */
static void
messages_body(struct in_test *it)
{
	uint64_t msg[64], answer[64];
	struct rt_msg *rtm = (struct rt_msg *)msg;
	union test_addr dst = test_addr("10.9.9.9");
	size_t salen = test_addr_len(&dst.sa);
	size_t len, size;
	int error;

	for (unsigned type = 0; type < 256; type++)
		for (unsigned lladdr = 0; lladdr < 2; lladdr++) {
			memset(msg, 0, sizeof(msg));
			size = sizeof(*rtm);
			rtm->rtm_h.rtm_version = RTM_VERSION;
			rtm->rtm_h.rtm_type = (uint8_t)type;
			rtm->rtm_h.rtm_addrs = RTA_DST;
			rtm->rtm_flags = lladdr ? RTF_LLDATA : 0;
			memcpy((uint8_t *)msg + size, &dst, salen);
			size += (salen + 7) & ~(size_t)7;
			rtm->rtm_h.rtm_len = (uint16_t)size;
			len = sizeof(answer);
			error = rtsock_request(it->it_vn, &nobody, msg, size,
			    answer, &len);
			if (request_find(REQUEST_ROUTE, type) == NULL)
				KASSERT(error != 0 && error != EPERM);
			else
				KASSERT((error == EPERM) ==
				    (type != RTM_GET));
		}
}
IN_TEST(messages, 1)

/* Operations of the control protocol: all but the readers are privileged. */
static void
test_operations(void **state)
{
	static const unsigned readers[] = {
		CTL_HELLO, CTL_SYSCTL_NEXT, CTL_SYSCTL_DESCR, CTL_DUMP,
		CTL_FOLLOW, CTL_VNET_LIST, CTL_PING_BEGIN, CTL_PING_SEND,
		CTL_PING_STOP, CTL_HISTORY, CTL_TAP_STOP, CTL_FILTER_LIST,
		CTL_RULE_LIST, CTL_MCAST_LIST, CTL_NAMES,
		/* of the session: what is undone was judged when made */
		CTL_BEGIN, CTL_COMMIT, CTL_ROLLBACK,
		/* requests whose payload is judged */
		CTL_IOCTL, CTL_SYSCTL, CTL_ROUTE, CTL_BATCH,
	};
	bool reader;

	(void)state;
	for (unsigned op = 0; op < CTL_OP_MAX; op++) {
		if (test_op_name(op) == NULL)
			continue;
		reader = false;
		for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]);
		    i++)
			reader |= readers[i] == op;
		if (open_to_all(test_op_action(op)) != reader)
			fail_msg("%s: who may?", test_op_name(op));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(numbers),
		cmocka_unit_test(messages),
		cmocka_unit_test(test_operations),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
