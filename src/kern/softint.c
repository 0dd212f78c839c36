/*
 * Soft interrupts.  Every vnet has a few handlers of its own, so there is room
 * for thousands: 64 groups of 64.  A CPU has a pending bit for each handler
 * and, above these, one for each group.
 */

#include "kern/kern_private.h"

#include <errno.h>

#define SOFTINT_GROUP	64

/* All constant from establishment on. */
struct softint {
	struct kern	*si_kern;
	unsigned	 si_slot;
	void		(*si_fn)(void *);
	void		*si_arg;
	char		 si_name[16];
};

/*
 *	st_used		slots taken; st_lock
 *	st_slot		written under st_lock, atomic; read by the CPUs
 */
struct softint_table {
	struct host_mutex st_lock;
	uint64_t	 st_used[SOFTINT_GROUPS];
	struct softint	*st_slot[SOFTINT_GROUPS * SOFTINT_GROUP];
};

int
softint_table_create(struct kern *k)
{

	k->k_softint = kmem_zalloc(k, sizeof(*k->k_softint));
	if (k->k_softint == NULL)
		return ENOMEM;
	host_mutex_init(k->k_host, &k->k_softint->st_lock);
	return 0;
}

void
softint_table_destroy(struct kern *k)
{

	if (k->k_softint == NULL)
		return;
	for (unsigned g = 0; g < SOFTINT_GROUPS; g++)
		KASSERT(k->k_softint->st_used[g] == 0);
	host_mutex_destroy(k->k_host, &k->k_softint->st_lock);
	kmem_free(k, k->k_softint);
}

static inline uint64_t
slot_bit(unsigned slot)
{

	return 1ULL << slot % SOFTINT_GROUP;
}

/* st_lock held: take a slot; false: there is none. */
static bool
take_slot(struct softint_table *st, unsigned *slot)
{

	for (unsigned g = 0; g < SOFTINT_GROUPS; g++) {
		if (st->st_used[g] == UINT64_MAX)
			continue;
		*slot = g * SOFTINT_GROUP +
		    (unsigned)__builtin_ctzll(~st->st_used[g]);
		st->st_used[g] |= slot_bit(*slot);
		return true;
	}
	return false;
}

struct softint *
softint_establish(struct kern *k, const char *name, void (*fn)(void *),
    void *arg)
{
	struct softint_table *st = k->k_softint;
	struct softint *si;

	KASSERT(curcpu() == NULL);
	si = kmem_zalloc(k, sizeof(*si));
	if (si == NULL)
		return NULL;
	si->si_kern = k;
	si->si_fn = fn;
	si->si_arg = arg;
	for (size_t i = 0; i < sizeof(si->si_name) - 1 && name[i] != '\0'; i++)
		si->si_name[i] = name[i];

	host_mutex_lock(k->k_host, &st->st_lock);
	if (!take_slot(st, &si->si_slot)) {
		host_mutex_unlock(k->k_host, &st->st_lock);
		kmem_free(k, si);
		return NULL;
	}
	__atomic_store_n(&st->st_slot[si->si_slot], si, __ATOMIC_RELEASE);
	host_mutex_unlock(k->k_host, &st->st_lock);
	return si;
}

/* On every CPU: forget what was scheduled of a handler that is going. */
static void
clear_pending(void *arg)
{
	const struct softint *si = arg;

	curcpu()->ci_softgroup[si->si_slot / SOFTINT_GROUP] &=
	    ~slot_bit(si->si_slot);
}

void
softint_disestablish(struct softint *si)
{
	struct kern *k = si->si_kern;
	struct softint_table *st = k->k_softint;

	KASSERT(curcpu() == NULL);
	__atomic_store_n(&st->st_slot[si->si_slot], NULL, __ATOMIC_RELEASE);
	/* The bit stays taken until no CPU can have it pending. */
	kern_xcall(k, clear_pending, si);
	host_mutex_lock(k->k_host, &st->st_lock);
	st->st_used[si->si_slot / SOFTINT_GROUP] &= ~slot_bit(si->si_slot);
	host_mutex_unlock(k->k_host, &st->st_lock);
	kmem_free(k, si);
}

void
softint_schedule(struct softint *si)
{
	struct cpu *ci = curcpu();
	unsigned group = si->si_slot / SOFTINT_GROUP;

	KASSERT(ci != NULL);
	ci->ci_softgroup[group] |= slot_bit(si->si_slot);
	ci->ci_softpending |= 1ULL << group;
}

static void
run_group(struct cpu *ci, unsigned group)
{
	struct softint_table *st = ci->ci_kern->k_softint;
	uint64_t pending = ci->ci_softgroup[group];
	struct softint *si;
	unsigned slot;

	ci->ci_softgroup[group] = 0;
	while (pending != 0) {
		slot = group * SOFTINT_GROUP +
		    (unsigned)__builtin_ctzll(pending);
		pending &= pending - 1;
		si = __atomic_load_n(&st->st_slot[slot], __ATOMIC_ACQUIRE);
		if (si != NULL)
			si->si_fn(si->si_arg);
	}
}

bool
softint_run(struct cpu *ci)
{
	uint64_t groups = ci->ci_softpending;

	if (groups == 0)
		return false;
	ci->ci_softpending = 0;
	while (groups != 0) {
		run_group(ci, (unsigned)__builtin_ctzll(groups));
		groups &= groups - 1;
	}
	return true;
}
