/*
 * fiber: coroutines with their own stacks, on one OS thread.
 *
 * A fiber runs from fiber_switch() to it until it switches away itself; it ends
 * with fiber_exit() and is never entered again.  AddressSanitizer is told of
 * every change of stack.
 */

#ifndef HOST_SIM_FIBER_H
#define HOST_SIM_FIBER_H

#include <stddef.h>
#include <ucontext.h>

/*
 *	fb_context		where to go on
 *	fb_map, fb_map_bytes	stack and its guard page; NULL for the thread's
 *				own stack
 *	fb_stack, fb_stack_bytes what the sanitizer is told
 *	fb_fake			the sanitizer's own stack of this fiber
 */
struct fiber {
	ucontext_t	 fb_context;
	void		*fb_map;
	size_t		 fb_map_bytes;
	const void	*fb_stack;
	size_t		 fb_stack_bytes;
	void		*fb_fake;
	struct fiber	*fb_from;
	void		(*fb_fn)(void *);
	void		*fb_arg;
};

/* Create a fiber that runs fn(arg) at its first switch.  ENOMEM.  fn must not
 * return: it ends in fiber_exit(). */
int	fiber_create(struct fiber *, void (*fn)(void *), void *arg);
void	fiber_destroy(struct fiber *);
void	fiber_switch(struct fiber *from, struct fiber *to);
_Noreturn void fiber_exit(struct fiber *from, struct fiber *to);

#endif /* !HOST_SIM_FIBER_H */
