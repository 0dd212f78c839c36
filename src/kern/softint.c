/*
 * Soft interrupts.  Every vnet has a few handlers of its own, so there may be
 * any number.  A CPU has a list of the handlers that are pending on it, in the
 * order in which they were scheduled; a handler has a node of its own for each
 * CPU, which that CPU alone writes.
 */

#include "kern/kern_private.h"

#include <errno.h>
#include <string.h>

/* A handler's node on one CPU; all but the constant sn_si is that CPU's
 * alone. */
struct softint_node {
	TAILQ_ENTRY(softint_node) sn_link;	/* in ci_softpending */
	bool		 sn_pending;
	struct softint	*sn_si;
} __attribute__((__aligned__(64)));

/* A handler; all its fields are constant from establishment on. */
struct softint {
	struct kern	*si_kern;
	void		(*si_fn)(void *);
	void		*si_arg;
	char		 si_name[16];
	struct softint_node si_node[];		/* by CPU */
};

struct softint *
softint_establish(struct kern *k, const char *name, void (*fn)(void *),
    void *arg)
{
	struct softint *si;

	KASSERT(curcpu() == NULL);
	si = host_alloc(k->k_host, sizeof(*si) +
	    k->k_ncpu * sizeof(si->si_node[0]), _Alignof(struct softint));
	if (si == NULL)
		return NULL;
	si->si_kern = k;
	si->si_fn = fn;
	si->si_arg = arg;
	(void)strncpy(si->si_name, name, sizeof(si->si_name) - 1);
	for (unsigned i = 0; i < k->k_ncpu; i++)
		si->si_node[i].sn_si = si;
	__atomic_fetch_add(&k->k_nsoftints, 1, __ATOMIC_RELAXED);
	return si;
}

static void
take(struct cpu *ci, struct softint_node *sn)
{

	TAILQ_REMOVE(&ci->ci_softpending, sn, sn_link);
	sn->sn_pending = false;
}

/* Run on every CPU: take a handler that is being disestablished off the pending
 * list. */
static void
clear_pending(void *arg)
{
	struct softint *si = arg;
	struct cpu *ci = curcpu();
	struct softint_node *sn = &si->si_node[ci->ci_index];

	if (sn->sn_pending)
		take(ci, sn);
}

void
softint_disestablish(struct softint *si)
{
	struct kern *k = si->si_kern;

	KASSERT(curcpu() == NULL);
	kern_xcall(k, clear_pending, si);
	__atomic_fetch_sub(&k->k_nsoftints, 1, __ATOMIC_RELAXED);
	host_free(k->k_host, si);
}

void
softint_schedule(struct softint *si)
{
	struct cpu *ci = curcpu();
	struct softint_node *sn;

	KASSERT(ci != NULL);
	sn = &si->si_node[ci->ci_index];
	if (sn->sn_pending)
		return;
	sn->sn_pending = true;
	TAILQ_INSERT_TAIL(&ci->ci_softpending, sn, sn_link);
}

bool
softint_run(struct cpu *ci)
{
	struct softint_node *last, *sn;

	/* A handler that is scheduled from now on waits for the next pass. */
	last = TAILQ_LAST(&ci->ci_softpending, softint_list);
	if (last == NULL)
		return false;
	do {
		sn = TAILQ_FIRST(&ci->ci_softpending);
		take(ci, sn);
		sn->sn_si->si_fn(sn->sn_si->si_arg);
	} while (sn != last);
	return true;
}
