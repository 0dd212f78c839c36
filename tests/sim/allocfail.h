/*
 * allocfail: an operation, with each of its allocations failing once, one after
 * the other: it has happened whole, or not at all and says ENOMEM; nothing is
 * left behind, which is shown by what can be listed and by the number of
 * allocations there are.
 */

#ifndef TESTS_ALLOCFAIL_H
#define TESTS_ALLOCFAIL_H

#include "../unit/kern_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ifnet/client.h>
#include <ifnet/stack.h>

#include "stack/stack_impl.h"

/* Allocations of an operation at most. */
#define POINTS_MAX	2000

/* An operation, and its opposite: command lines (several, by ;) or
 * functions. */
struct step {
	const char	*s_do, *s_undo;
	int		(*s_fn)(struct ifnet_stack *, struct vnet *);
	int		(*s_undofn)(struct ifnet_stack *, struct vnet *);
};

int	run_line(struct vnet *, const char *line);
/* Or the process ends, having said what went wrong. */
void	fail_everywhere(struct ifnet_stack *, struct vnet *,
	    const struct step *);

/* allocfail_direct.c: what is no command. */
extern const struct step direct_steps[];
extern const unsigned ndirect_steps;

#endif /* !TESTS_ALLOCFAIL_H */
