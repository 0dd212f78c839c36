/*
 * user_test: accounts of users, by the private header.
 */

#include "user_test.h"

#include "kern/kturn.h"
#include "kern/kuser.h"

uint64_t
test_user_clients(struct kern *k, uid_t uid)
{

	return kuser_used(k, uid, KUSER_CLIENTS);
}

uint64_t
test_user_followers(struct kern *k, uid_t uid)
{

	return kuser_used(k, uid, KUSER_FOLLOWERS);
}

uint64_t
test_user_pings(struct kern *k, uid_t uid)
{

	return kuser_used(k, uid, KUSER_PINGS);
}

uint64_t
test_user_dumps(struct kern *k, uid_t uid)
{

	return kuser_used(k, uid, KUSER_DUMPS);
}

uint64_t
test_user_bytes(struct kern *k, uid_t uid)
{

	return kuser_used(k, uid, KUSER_BYTES);
}

void
test_turn_take(struct kern *k, uid_t uid)
{

	kturn_take(k, uid);
}

void
test_turn_give(struct kern *k, uid_t uid)
{

	kturn_give(k, uid);
}
