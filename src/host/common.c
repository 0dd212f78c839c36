/*
 * Functions that both hosts use: the pointer to the calling thread, and the
 * counted registration with liburcu.
 */

#include "host/host.h"
#include "host/common.h"

#include <assert.h>

#include <urcu/urcu-memb.h>

__thread struct host_thread *host_curthread;

static __thread unsigned rcu_registrations;

void
host_rcu_register(void)
{

	if (rcu_registrations++ == 0)
		urcu_memb_register_thread();
}

void
host_rcu_unregister(void)
{

	assert(rcu_registrations > 0);
	if (--rcu_registrations == 0)
		urcu_memb_unregister_thread();
}
