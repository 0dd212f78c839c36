/*
 * The context of a request: who asks, what came along, and why it is refused.
 */

#include "kern_test.h"

#include <ifnet/error.h>
#include <ifnet/kauth.h>

#include <errno.h>
#include <string.h>

#include "kern/reqctx.h"	/* under test */

/*
 * A request's context: the inner one says who asks, the outermost holds what
 * came with the request and why it is refused.
 */
static void
context_body(struct kern *k)
{
	struct kauth_cred user = { .kc_uid = 500, .kc_pid = 99 };
	struct kern_reqctx outer, inner;
	char longer[2 * KERN_REASON_MAX];

	(void)k;
	KASSERT(kern_reqctx() == NULL && kern_asker() == NULL);
	KASSERT(kern_reqctx_take_fd() == -1);
	KASSERT(kern_refuse(EBUSY, "nobody asked") == EBUSY);
	kern_reqctx_enter(&outer, &user);
	KASSERT(kern_asker() == &user && kern_reqctx_take_fd() == -1);
	outer.rc_fd = 7;
	kern_reqctx_enter(&inner, &kauth_cred_self);
	KASSERT(kern_reqctx() == &outer && kern_asker() == &kauth_cred_self);
	KASSERT(kern_reqctx_take_fd() == 7 && kern_reqctx_take_fd() == -1);
	KASSERT(kern_refuse(EBUSY, "x%u: in use", 3u) == EBUSY);
	kern_reqctx_leave(&inner);
	KASSERT(kern_asker() == &user && outer.rc_fd == -1);
	KASSERT(outer.rc_error == EBUSY);
	KASSERT(strcmp(outer.rc_reason, "x3: in use") == 0);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	KASSERT(kern_refuse(EINVAL, "%s", longer) == EINVAL);
	KASSERT(strlen(outer.rc_reason) == KERN_REASON_MAX - 1);
	kern_reqctx_leave(&outer);
	KASSERT(kern_reqctx() == NULL && kern_asker() == NULL);
}

static void
test_context(void **state)
{

	(void)state;
	on_sim(0, context_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_context),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
