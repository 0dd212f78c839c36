/*
 * kturn: turns, in which the requests of users without privilege are carried
 * out.
 *
 * Each client has a thread of its own.  If all threads that work for users
 * without privilege ran at the same time, a user with many clients would take
 * most of the machine's processors from the threads of administrators and from
 * the CPUs of the stack.  So such a thread takes a turn before it works and
 * gives it back before it waits for its client.  At most kern.user.turns
 * threads have one, and at most one of each user.  Threads that wait get their
 * turns in the order in which they came, but one of another user goes before
 * one of the user that has just had a turn.
 *
 * Administrators need no turn.  Control context.
 */

#ifndef KERN_KTURN_H
#define KERN_KTURN_H

#include <stdint.h>

#include <sys/types.h>

struct kern;

/* The most that kern.user.turns can be. */
#define KTURN_MAX	64

/* Take a turn for the user; sleeps until there is one.  A thread has one at
 * most. */
void	kturn_take(struct kern *, uid_t);
void	kturn_give(struct kern *, uid_t);

/* The setting: turns at a time, 1 to KTURN_MAX; atomic. */
int64_t	*kturn_limit(struct kern *);

/* kern.c */
int	kturn_create(struct kern *);	/* ENOMEM */
void	kturn_destroy(struct kern *);	/* every turn was given back */

#endif /* !KERN_KTURN_H */
