/*
 * Memory for everything but packets.
 */

#include "kern/kern_impl.h"

void *
kmem_zalloc(struct kern *k, size_t size)
{

	return host_alloc(k->k_host, size, 0);
}

void
kmem_free(struct kern *k, void *p)
{

	host_free(k->k_host, p);
}
