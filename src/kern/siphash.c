/*
 * SipHash-2-4 of whole words.
 */

#include "kern/siphash.h"

#define COMPRESSIONS	2
#define FINALIZATIONS	4

struct state {
	uint64_t	 v[4];
};

static inline uint64_t
turn_left(uint64_t x, unsigned bits)
{

	return x << bits | x >> (64 - bits);
}

static inline void
half_round(struct state *s, unsigned a, unsigned b, unsigned left)
{

	s->v[a] += s->v[b];
	s->v[b] = turn_left(s->v[b], left) ^ s->v[a];
}

static void
rounds(struct state *s, unsigned n)
{

	while (n-- > 0) {
		half_round(s, 0, 1, 13);
		half_round(s, 2, 3, 16);
		s->v[0] = turn_left(s->v[0], 32);
		half_round(s, 2, 1, 17);
		half_round(s, 0, 3, 21);
		s->v[2] = turn_left(s->v[2], 32);
	}
}

static void
take(struct state *s, uint64_t word)
{

	s->v[3] ^= word;
	rounds(s, COMPRESSIONS);
	s->v[0] ^= word;
}

uint64_t
siphash(const struct siphash_key *sk, const uint64_t *word, size_t words)
{
	/* The text "somepseudorandomlygeneratedbytes". */
	struct state s = { {
		sk->sk_word[0] ^ UINT64_C(0x736f6d6570736575),
		sk->sk_word[1] ^ UINT64_C(0x646f72616e646f6d),
		sk->sk_word[0] ^ UINT64_C(0x6c7967656e657261),
		sk->sk_word[1] ^ UINT64_C(0x7465646279746573),
	} };

	for (size_t i = 0; i < words; i++)
		take(&s, word[i]);
	/* The last word ends with the number of bytes. */
	take(&s, (uint64_t)(words * 8) << 56);
	s.v[2] ^= 0xff;
	rounds(&s, FINALIZATIONS);
	return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}
