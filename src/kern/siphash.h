/*
 * siphash: SipHash-2-4 (Aumasson and Bernstein, 2012), a hash with a key of 128
 * bits: who does not know the key can neither tell its values nor find two
 * inputs of one value.  For numbers that others see and must not guess.
 */

#ifndef KERN_SIPHASH_H
#define KERN_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t	 sk_word[2];
};

/* Any context.  The hash of `words' words, as on a little-endian machine. */
uint64_t siphash(const struct siphash_key *, const uint64_t *, size_t words);

#endif /* !KERN_SIPHASH_H */
