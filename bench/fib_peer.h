/*
 * fib_peer: DPDK's rte_fib (DIR-24-8, values of 4 bytes) and rte_fib6, beside
 * which bench_fib measures; without DPDK there is none.
 */

#ifndef BENCH_FIB_PEER_H
#define BENCH_FIB_PEER_H

#include <stdbool.h>
#include <stdint.h>

/* Make an empty table for so many prefixes; false: there is no peer. */
bool	peer_create(unsigned prefixes);
void	peer_destroy(void);
/* false: there was no room. */
bool	peer_add(uint32_t key, unsigned len, uint32_t value);
void	peer_remove(uint32_t key, unsigned len);
/* n is at most 256; returns one of the values. */
uint64_t peer_lookup_many(const uint32_t *key, unsigned n);

/* Likewise rte_fib6 (a trie of 24 bits and then 8 a level). */
bool	peer6_create(unsigned prefixes);
void	peer6_destroy(void);
bool	peer6_add(const uint8_t *key, unsigned len, uint32_t value);
uint64_t peer6_lookup_many(const uint8_t (*key)[16], unsigned n);

#endif /* !BENCH_FIB_PEER_H */
