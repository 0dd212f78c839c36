/*
 * machine: operations that the compiler does not offer in the same form for
 * every machine.  An unsupported machine is refused here and nowhere else.
 */

#ifndef KERN_MACHINE_H
#define KERN_MACHINE_H

#include <stdint.h>

/* Link-level addresses and hashes are compared as little-endian words. */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "machines are little-endian; see src/kern/machine.h"
#endif

#if defined(__x86_64__)

/* Any: pause for a moment, in a loop that waits for another CPU. */
static inline void
machine_relax(void)
{

	__builtin_ia32_pause();
}

/* Any: a clock of the CPU for short spans; its unit depends on the machine. */
static inline uint64_t
machine_clock(void)
{

	return __builtin_ia32_rdtsc();
}

/*
 * Any: a full barrier.  It is an instruction, because ThreadSanitizer's
 * compiler refuses the standard fence.
 */
static inline void
machine_fence(void)
{

	__builtin_ia32_mfence();
	__asm__ volatile("" ::: "memory");
}

#elif defined(__aarch64__)

static inline void
machine_relax(void)
{

	__asm__ volatile("yield" ::: "memory");
}

static inline uint64_t
machine_clock(void)
{
	uint64_t v;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(v));
	return v;
}

static inline void
machine_fence(void)
{

	__asm__ volatile("dmb ish" ::: "memory");
}

#else
#error "no pause, clock and fence for this machine; see src/kern/machine.h"
#endif

#endif /* !KERN_MACHINE_H */
