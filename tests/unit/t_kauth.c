/*
 * The default policy, action by action.
 */

#include "kern_test.h"

#include <ifnet/error.h>
#include <ifnet/kauth.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void
policy_body(struct kern *k)
{
	struct kauth_cred user = { .kc_uid = geteuid() + 12345,
	    .kc_gid = 500, .kc_pid = 99, .kc_ngroups = 2,
	    .kc_groups = { 600, 700 } };
	struct kauth_cred root = { .kc_uid = 0, .kc_gid = 1, .kc_pid = 99 };
	struct kauth_cred owner = { .kc_uid = geteuid(), .kc_gid = 1 };
	int error;

	for (unsigned a = KAUTH_INTERFACE_GET; a <= KAUTH_RESERVE; a++) {
		error = a == KAUTH_INTERFACE_GET || a == KAUTH_INTERFACE_SET ||
		    a == KAUTH_RAW_SEND ? 0 : EPERM;
		KASSERT(kauth_authorize(k, &user, a) == error);
		KASSERT(kauth_authorize(k, &root, a) == 0);
		KASSERT(kauth_authorize(k, &owner, a) == 0);
		KASSERT(kauth_authorize(k, &kauth_cred_self, a) == 0);
		kauth_set_admin_group(k, 700);
		KASSERT(kauth_authorize(k, &user, a) == 0);
		kauth_set_admin_group(k, 500);
		KASSERT(kauth_authorize(k, &user, a) == 0);
		kauth_set_admin_group(k, 800);
		KASSERT(kauth_authorize(k, &user, a) == error);
		kauth_set_admin_group(k, (gid_t)-1);
	}
}

static void
test_policy(void **state)
{

	(void)state;
	on_sim(0, policy_body);
}

static void
test_error(void **state)
{
	struct ifnet_error e;

	(void)state;
	assert_int_equal(ifnet_error_set(NULL, EPERM, "x"), EPERM);
	assert_int_equal(ifnet_error_set(&e, EEXIST, "%s: exists", "tap7"),
	    EEXIST);
	assert_int_equal(e.code, EEXIST);
	assert_string_equal(e.text, "tap7: exists");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
