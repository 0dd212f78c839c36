/*
 * The CPUs of a kern, the calling one among them, and the time as it sees it.
 */

#include "kern/kern_private.h"

struct cpu *
curcpu(void)
{

	return host_curthread != NULL ? host_curthread->ht_cpu : NULL;
}

unsigned
cpu_index(const struct cpu *ci)
{

	return ci->ci_index;
}

struct kern *
cpu_kern(const struct cpu *ci)
{

	return ci->ci_kern;
}

unsigned
kern_ncpu(const struct kern *k)
{

	return k->k_ncpu;
}

struct cpu *
kern_cpu(struct kern *k, unsigned i)
{

	KASSERT(i < k->k_ncpu);
	return k->k_cpu[i];
}

uint64_t
kern_now(struct kern *k)
{
	struct cpu *ci = curcpu();

	return ci != NULL ? ci->ci_now : host_clock(k->k_host);
}
