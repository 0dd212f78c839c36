/*
 * Coroutines: ucontext, with mapped stacks that end at a guard page.
 */

#include "host/sim/fiber.h"

#include <sys/mman.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif

#ifdef FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
/* Instrumented frames are several times as large. */
#define STACK_BYTES	(1024 * 1024)
#else
#define STACK_BYTES	(256 * 1024)
#endif

/* Tell the sanitizer that the stack is about to change. */
static void
leaving(void **fake, const struct fiber *to)
{

#ifdef FIBER_ASAN
	__sanitizer_start_switch_fiber(fake, to->fb_stack,
	    to->fb_stack_bytes);
#else
	(void)fake;
	(void)to;
#endif
}

/*
 * Tell the sanitizer that the stack has changed.  It returns the bounds of the
 * previous stack, which is the only way to learn the bounds of the thread's
 * own.
 */
static void
arrived(struct fiber *self)
{

#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(self->fb_fake,
	    &self->fb_from->fb_stack, &self->fb_from->fb_stack_bytes);
#else
	(void)self;
#endif
}

/* makecontext() passes ints only. */
static void
fiber_main(unsigned high, unsigned low)
{
	struct fiber *self;

	self = (struct fiber *)(uintptr_t)((uint64_t)high << 32 | low);
	arrived(self);
	self->fb_fn(self->fb_arg);
	abort();
}

int
fiber_create(struct fiber *fb, void (*fn)(void *), void *arg)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t self = (uint64_t)(uintptr_t)fb;

	memset(fb, 0, sizeof(*fb));
	fb->fb_fn = fn;
	fb->fb_arg = arg;
	fb->fb_map_bytes = STACK_BYTES + page;
	fb->fb_map = mmap(NULL, fb->fb_map_bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (fb->fb_map == MAP_FAILED) {
		fb->fb_map = NULL;
		return ENOMEM;
	}
	if (mprotect(fb->fb_map, page, PROT_NONE) != 0 ||
	    getcontext(&fb->fb_context) != 0) {
		fiber_destroy(fb);
		return ENOMEM;
	}
	fb->fb_stack = (char *)fb->fb_map + page;
	fb->fb_stack_bytes = STACK_BYTES;
	fb->fb_context.uc_stack.ss_sp = (char *)fb->fb_map + page;
	fb->fb_context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&fb->fb_context, (void (*)(void))fiber_main, 2,
	    (unsigned)(self >> 32), (unsigned)self);
	return 0;
}

void
fiber_destroy(struct fiber *fb)
{

	if (fb->fb_map == NULL)
		return;
#ifdef FIBER_ASAN
	/* Frames that never returned have left the stack poisoned. */
	if (fb->fb_stack != NULL)
		__asan_unpoison_memory_region(fb->fb_stack,
		    fb->fb_stack_bytes);
#endif
	munmap(fb->fb_map, fb->fb_map_bytes);
	fb->fb_map = NULL;
}

void
fiber_switch(struct fiber *from, struct fiber *to)
{

	to->fb_from = from;
	leaving(&from->fb_fake, to);
	swapcontext(&from->fb_context, &to->fb_context);
	arrived(from);
}

_Noreturn void
fiber_exit(struct fiber *from, struct fiber *to)
{

	to->fb_from = from;
	/* NULL frees this fiber's part of the sanitizer's state. */
	leaving(NULL, to);
	setcontext(&to->fb_context);
	abort();
}
