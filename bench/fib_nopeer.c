/*
 * No peer: a machine without DPDK.
 */

#include "fib_peer.h"

bool
peer_create(unsigned prefixes)
{

	(void)prefixes;
	return false;
}

void
peer_destroy(void)
{
}

bool
peer_add(uint32_t key, unsigned len, uint32_t value)
{

	(void)key;
	(void)len;
	(void)value;
	return false;
}

void
peer_remove(uint32_t key, unsigned len)
{

	(void)key;
	(void)len;
}

uint64_t
peer_lookup_many(const uint32_t *key, unsigned n)
{

	(void)key;
	(void)n;
	return 0;
}

bool
peer6_create(unsigned prefixes)
{

	(void)prefixes;
	return false;
}

void
peer6_destroy(void)
{
}

bool
peer6_add(const uint8_t *key, unsigned len, uint32_t value)
{

	(void)key;
	(void)len;
	(void)value;
	return false;
}

uint64_t
peer6_lookup_many(const uint8_t (*key)[16], unsigned n)
{

	(void)key;
	(void)n;
	return 0;
}
