/*
 * Memory of the simulated host: every allocation is known, and any can be
 * made to fail.
 */

#include "host/sim/impl.h"

#include <sys/mman.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALLOC_MAGIC	UINT64_C(0x51a110c8ed5ea1ed)
#define ALLOC_FREED	UINT64_C(0x51a1f8eed0bad0bd)
/* The byte that freed memory is filled with, to show use after free. */
#define FREED_BYTE	0xdd
/* Allocations named in a leak report. */
#define REPORT_MAX	20

/*
 * The header of an allocation, in front of the user's memory; the header of a
 * mapping is elsewhere.
 *
 *	sa_base			the block to free, or the mapping
 *	sa_bytes		size as requested; of a mapping, as mapped
 *	sa_caller		address of the caller
 */
struct sim_alloc {
	LIST_ENTRY(sim_alloc) sa_link;
	void		*sa_base;
	size_t		 sa_bytes;
	const void	*sa_caller;
	uint32_t	 sa_mapped;
	uint32_t	 sa_pad;
	uint64_t	 sa_magic;
	uint64_t	 sa_pad2;
};

_Static_assert(sizeof(struct sim_alloc) % 16 == 0,
    "memory behind struct sim_alloc must be aligned");

static bool
must_fail(struct sim *s)
{

	if (s->s_fail_alloc != 0 && --s->s_fail_alloc == 0) {
		s->s_alloc_failed = true;
		return true;
	}
	return s->s_config.sc_alloc_fail_ppm != 0 &&
	    sim_rng_below(&s->s_rng_fault, 1000000) <
	    s->s_config.sc_alloc_fail_ppm;
}

static void
track(struct sim *s, struct sim_alloc *sa, const void *caller)
{

	sa->sa_caller = caller;
	sa->sa_magic = ALLOC_MAGIC;
	LIST_INSERT_HEAD(&s->s_allocs, sa, sa_link);
	s->s_nallocs++;
}

static void
untrack(struct sim *s, struct sim_alloc *sa)
{

	assert(sa->sa_magic == ALLOC_MAGIC);
	sa->sa_magic = ALLOC_FREED;
	LIST_REMOVE(sa, sa_link);
	s->s_nallocs--;
}

static void *
allocate(struct sim *s, size_t bytes, size_t align, const void *caller)
{
	struct sim_alloc *sa;
	uintptr_t user;
	char *base;

	if (align < 16)
		align = 16;
	if (bytes > SIZE_MAX - align - sizeof(*sa))
		return NULL;
	base = calloc(1, sizeof(*sa) + align - 1 + bytes);
	if (base == NULL)
		return NULL;
	user = ((uintptr_t)base + sizeof(*sa) + align - 1) &
	    ~(uintptr_t)(align - 1);
	sa = (struct sim_alloc *)user - 1;
	sa->sa_base = base;
	sa->sa_bytes = bytes;
	sa->sa_mapped = 0;
	track(s, sa, caller);
	return (void *)user;
}

void *
sim_new_unfailing(struct sim *s, size_t bytes)
{

	return allocate(s, bytes, 0, __builtin_return_address(0));
}

void *
sim_new(struct sim *s, size_t bytes)
{

	if (must_fail(s))
		return NULL;
	return allocate(s, bytes, 0, __builtin_return_address(0));
}

void *
sim_ho_alloc(struct host *h, size_t bytes, size_t align)
{
	struct sim *s = sim_of(h);

	assert((align & (align - 1)) == 0);
	if (must_fail(s))
		return NULL;
	return allocate(s, bytes, align, __builtin_return_address(0));
}

void
sim_ho_free(struct host *h, void *p)
{
	struct sim_alloc *sa;

	if (p == NULL)
		return;
	sa = (struct sim_alloc *)p - 1;
	assert(sa->sa_magic == ALLOC_MAGIC && !sa->sa_mapped);
	untrack(sim_of(h), sa);
	memset(p, FREED_BYTE, sa->sa_bytes);
	free(sa->sa_base);
}

static size_t
round_to_pages(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) & ~(page - 1);
}

void *
sim_ho_map(struct host *h, size_t bytes)
{
	struct sim *s = sim_of(h);
	struct sim_alloc *sa;

	if (must_fail(s))
		return NULL;
	sa = calloc(1, sizeof(*sa));
	if (sa == NULL)
		return NULL;
	sa->sa_bytes = round_to_pages(bytes);
	sa->sa_mapped = 1;
	sa->sa_base = mmap(NULL, sa->sa_bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sa->sa_base == MAP_FAILED) {
		free(sa);
		return NULL;
	}
	track(s, sa, __builtin_return_address(0));
	return sa->sa_base;
}

static void
unmap(struct sim *s, struct sim_alloc *sa)
{

	untrack(s, sa);
	munmap(sa->sa_base, sa->sa_bytes);
	free(sa);
}

void
sim_ho_unmap(struct host *h, void *p, size_t bytes)
{
	struct sim *s = sim_of(h);
	struct sim_alloc *sa;

	if (p == NULL)
		return;
	LIST_FOREACH(sa, &s->s_allocs, sa_link) {
		if (sa->sa_mapped && sa->sa_base == p)
			break;
	}
	assert(sa != NULL && sa->sa_bytes == round_to_pages(bytes));
	if (sa != NULL)
		unmap(s, sa);
}

size_t
sim_allocated(struct host *h)
{

	return sim_of(h)->s_nallocs;
}

void
sim_fail_alloc(struct host *h, unsigned n)
{
	struct sim *s = sim_of(h);

	s->s_fail_alloc = n;
	s->s_alloc_failed = false;
}

bool
sim_alloc_failed(struct host *h)
{

	return sim_of(h)->s_alloc_failed;
}

void
sim_alloc_report(struct sim *s)
{
	struct sim_alloc *sa;
	unsigned n = 0;

	fprintf(stderr, "sim: %zu allocations were not freed\n",
	    s->s_nallocs);
	LIST_FOREACH(sa, &s->s_allocs, sa_link) {
		if (n++ == REPORT_MAX)
			break;
		fprintf(stderr, "sim:   %zu bytes %s at %p\n", sa->sa_bytes,
		    sa->sa_mapped ? "mapped" : "allocated", sa->sa_caller);
	}
}

void
sim_alloc_free_all(struct sim *s)
{
	struct sim_alloc *sa;

	while ((sa = LIST_FIRST(&s->s_allocs)) != NULL) {
		if (sa->sa_mapped)
			unmap(s, sa);
		else
			sim_ho_free(&s->s_host, sa + 1);
	}
}
