/*
 * user_test: accounts of users, as tests read them.
 */

#ifndef TESTS_USER_TEST_H
#define TESTS_USER_TEST_H

#include <stdint.h>
#include <sys/types.h>

struct kern;

/* Control: the amounts that a user holds. */
uint64_t test_user_clients(struct kern *, uid_t);
uint64_t test_user_followers(struct kern *, uid_t);
uint64_t test_user_pings(struct kern *, uid_t);
uint64_t test_user_dumps(struct kern *, uid_t);
uint64_t test_user_bytes(struct kern *, uid_t);

/* Control: take the user's turn, and give it back (kern/kturn.h). */
void	test_turn_take(struct kern *, uid_t);
void	test_turn_give(struct kern *, uid_t);

#endif /* !TESTS_USER_TEST_H */
