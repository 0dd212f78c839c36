/*
 * machine: operations that the compiler does not offer in the same form for
 * every machine.  An unsupported machine is refused here and nowhere else.
 */

#ifndef KERN_MACHINE_H
#define KERN_MACHINE_H

#include <stdint.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

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

/*
 * Any: the index of the first of 16 ascending numbers that is not less than x.
 * The last number is 0xffff; the array is aligned to 16 bytes.
 */
static inline unsigned
machine_first_search(const uint16_t *v, uint16_t x)
{
	unsigned i;

	i = v[7] < x ? 8 : 0;
	i += v[i + 3] < x ? 4 : 0;
	i += v[i + 1] < x ? 2 : 0;
	return i + (v[i] < x);
}

/* Any: the same answer in the fewest clocks. */
static inline unsigned
machine_first(const uint16_t *v, uint16_t x)
{
#if defined(__x86_64__)
	const __m128i zero = _mm_setzero_si128();
	const __m128i xs = _mm_set1_epi16((short)x);
	__m128i low, high;

	/* x - v is 0, without going below, where v is not less than x. */
	low = _mm_load_si128((const __m128i *)(const void *)v);
	high = _mm_load_si128((const __m128i *)(const void *)(v + 8));
	low = _mm_cmpeq_epi16(_mm_subs_epu16(xs, low), zero);
	high = _mm_cmpeq_epi16(_mm_subs_epu16(xs, high), zero);
	return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(
	    _mm_packs_epi16(low, high)));
#else
	return machine_first_search(v, x);
#endif
}

/* Any: likewise of 8 numbers. */
static inline unsigned
machine_first8_search(const uint16_t *v, uint16_t x)
{
	unsigned i;

	i = v[3] < x ? 4 : 0;
	i += v[i + 1] < x ? 2 : 0;
	return i + (v[i] < x);
}

static inline unsigned
machine_first8(const uint16_t *v, uint16_t x)
{
#if defined(__x86_64__)
	const __m128i xs = _mm_set1_epi16((short)x);
	__m128i all;

	all = _mm_load_si128((const __m128i *)(const void *)v);
	all = _mm_cmpeq_epi16(_mm_subs_epu16(xs, all), _mm_setzero_si128());
	return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(all)) / 2;
#else
	return machine_first8_search(v, x);
#endif
}

#endif /* !KERN_MACHINE_H */
